//! Does this article matter, and why. Knows not where an article came from, nor where an alert goes.

pub mod pack;
pub mod entity;
pub mod found;
pub mod matched;
pub mod topic;

//! Does this article matter, and why. Knows not where an article came from, nor where an alert goes.

pub mod language;
pub mod found;
pub mod matched;

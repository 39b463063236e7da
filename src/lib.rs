//! wirewatch watches the world's news feeds and raises an alert the moment an article matters.
//!
//! The rooms stand here in the order in which an article meets them; each may use those above it, never one below.
//! `docs/architecture.md` tells the way through them.

pub mod clock;
pub mod metrics;

pub mod config;
pub mod schedule;
pub mod fetch;
pub mod feed;
pub mod article;
pub mod watch;
pub mod alert;
pub mod store;
pub mod deliver;
pub mod serve;
pub mod daemon;
pub mod cli;

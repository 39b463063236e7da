//! wirewatch watches the world's news feeds and raises an alert the moment an article matters.
//!
//! The rooms stand here in the order in which an article meets them; each may use those above it, never one below.
//! `docs/architecture.md` tells the way through them.
//!
//! ```
//! use wirewatch::{cli::input, config, daemon::watching::Watching};
//!
//! let settings = config::defaults(&config::Environment::of([("HOME", "/tmp")]));
//! let (watching, problems) = Watching::compile(&settings, settings.watches.clone());
//! assert!(problems.is_empty());
//!
//! let line = br#"{"title": "Tehran agrees to supply Moscow with drones", "lang": "en"}"#;
//! let now = "2026-11-25T12:00:00Z".parse().expect("a time as RFC 3339 writes it");
//! let article = &input::read("one.jsonl", line, now).articles[0];
//! let watching = watching.expect("the built-in watches compile");
//! let alerts = watching.alerts(article, &article.key(), now, None);
//! assert!(alerts.iter().any(|(_, watch, _)| watch.id.as_str() == "arms-deals"));
//! ```

pub mod clock;
mod jitter;
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

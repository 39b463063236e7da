//! TOML in, checked settings out, or every problem at once. Knows no other room.

pub mod id;
pub mod problem;
pub mod settings;

pub use id::{FeedId, SinkId, WatchId};
pub use problem::{Level, Origin, Place, Problem};
pub use settings::*;

//! Match → alert: its id, its JSON, its text for people, and whether it is held; and events, what else people shall
//! hear of. Pure.

pub mod backlog;
pub mod body;
pub mod event;
pub mod health;
pub mod id;
pub mod text;

pub use body::{AlertBody, AlertEvent};
pub use event::{Event, EventKind};
pub use id::{AlertId, EventId, MessageId};

/// Why an alert was stored and not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeldReason {
    /// The article stood in the feed before wirewatch first polled it, and is older than `backlog` allows.
    Backlog,
    /// It is less sure than its watch asks for.
    Confidence,
}

impl HeldReason {
    /// As in the store and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backlog => "backlog",
            Self::Confidence => "confidence",
        }
    }
}

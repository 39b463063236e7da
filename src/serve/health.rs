//! Alive and ready. A failing feed or sink never changes either: a restart would not mend it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};

use super::Served;
use crate::clock::Clock;

/// The scheduler says that it is going at least this often, so twice as long without a word means it hangs.
pub const SCHEDULER_SILENT_MAX_SECONDS: i64 = 60;

/// What `/readyz` says where the last write failed.
pub const STORE_LACK: &str = "the store can't be written";

/// What the daemon knows of itself, written by its tasks and read by `/readyz`.
#[derive(Debug)]
pub struct Readiness {
    clock: Clock,
    draining: AtomicBool,
    store_writable: AtomicBool,
    scheduler_seen: AtomicI64,
}

impl Readiness {
    /// Ready from now on.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            draining: AtomicBool::new(false),
            store_writable: AtomicBool::new(true),
            scheduler_seen: AtomicI64::new(clock.now().timestamp()),
        }
    }

    /// The daemon is stopping.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// How the last write went.
    pub fn store_is_writable(&self, writable: bool) {
        self.store_writable.store(writable, Ordering::Relaxed);
    }

    /// The scheduler is going.
    pub fn scheduler_goes(&self, now: DateTime<Utc>) {
        self.scheduler_seen.store(now.timestamp(), Ordering::Relaxed);
    }

    /// Why not, where the daemon is not ready.
    pub fn lacks(&self) -> Option<&'static str> {
        let silent = self.clock.now().timestamp() - self.scheduler_seen.load(Ordering::Relaxed);
        if self.draining.load(Ordering::Relaxed) {
            Some("stopping")
        } else if !self.store_writable.load(Ordering::Relaxed) {
            Some(STORE_LACK)
        } else if silent > SCHEDULER_SILENT_MAX_SECONDS {
            Some("the scheduler stands still")
        } else {
            None
        }
    }
}

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: store writable, scheduler going; 503 with the reason otherwise.
pub(super) async fn ready(State(served): State<Served>) -> Response {
    match served.readiness.lacks() {
        None => "ready\n".into_response(),
        Some(lack) => (StatusCode::SERVICE_UNAVAILABLE, format!("{lack}\n")).into_response(),
    }
}

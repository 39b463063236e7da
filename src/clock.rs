//! The one place that reads the system's time.
//!
//! [`Clock::system`] is the machine's clock. [`Clock::starting_at`] moves with tokio's clock instead, so that a
//! test under `start_paused = true` plays hours in milliseconds. [`Clock::off_by`] is one that a test sets back and forward.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

/// Where "now" comes from. Cheap to copy; hand it to whatever needs the time.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Source);

#[derive(Debug, Clone, Copy)]
enum Source {
    System,
    Tokio { start: DateTime<Utc>, instant: tokio::time::Instant },
    OffBy(&'static AtomicI64),
}

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that shows `start` now and moves with tokio's clock.
    pub fn starting_at(start: DateTime<Utc>) -> Self {
        Self(Source::Tokio { start, instant: tokio::time::Instant::now() })
    }

    /// The machine's own clock, ahead by so many milliseconds, or behind: whoever holds the number sets it.
    pub fn off_by(milliseconds: &'static AtomicI64) -> Self {
        Self(Source::OffBy(milliseconds))
    }

    /// The wall time, in UTC.
    pub fn now(&self) -> DateTime<Utc> {
        match self.0 {
            Source::System => Utc::now(),
            Source::OffBy(milliseconds) => Utc::now() + TimeDelta::milliseconds(milliseconds.load(Ordering::SeqCst)),
            Source::Tokio { start, instant } => {
                let elapsed = instant.elapsed().min(Duration::from_secs(1 << 32));
                start + chrono::Duration::from_std(elapsed).unwrap_or(chrono::Duration::MAX)
            }
        }
    }
}

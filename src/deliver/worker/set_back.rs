//! A clock that is set back while deliveries wait: their times go back with it, so that each waits as long as it should
//! and no longer.
//!
//! The machine's other clock, which nobody sets, tells by how much. A clock that is set forward needs nothing: what waits
//! is due sooner, as after a night of sleep.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;
use tracing::info;

use super::Worker;

/// A clock that goes back by less was corrected, and a delivery that comes so much later is no harm.
const SET_BACK_MIN: TimeDelta = TimeDelta::seconds(1);

/// A look at both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    wall: DateTime<Utc>,
    steady: Instant,
}

impl Look {
    pub fn new(wall: DateTime<Utc>) -> Self {
        Self { wall, steady: Instant::now() }
    }

    /// By how much the wall clock is behind where it would be, had nobody set it.
    fn lag(self, now: Self) -> TimeDelta {
        let passed = TimeDelta::from_std(now.steady - self.steady).unwrap_or(TimeDelta::MAX);
        passed.checked_sub(&(now.wall - self.wall)).unwrap_or(TimeDelta::MAX)
    }
}

impl Worker {
    /// The time. What is held in memory has gone back with the clock; the store follows by [`Self::take_store_back`].
    pub(super) fn look(&mut self) -> DateTime<Utc> {
        let look = Look::new(self.clock.now());
        let lag = self.look.lag(look);
        self.look = look;
        if lag >= SET_BACK_MIN {
            info!(sink = %self.sink, seconds = lag.num_seconds(), "the clock was set back; what waits goes back with it");
            self.set_back = self.set_back.checked_add(&lag).unwrap_or(TimeDelta::MAX);
            self.state.set_back(lag);
            self.is_state_known = false;
            // What has landed since bears the new time already.
            for attempt in self.unrecorded.attempts.iter_mut().filter(|attempt| attempt.at > look.wall) {
                attempt.set_back(lag);
            }
        }
        look.wall
    }

    /// Whether the store's times are those of the clock as it is now set.
    pub(super) async fn take_store_back(&mut self, now: DateTime<Utc>) -> bool {
        if self.set_back.is_zero() {
            return true;
        }
        // What is being recorded bears the old times, and goes back with the others.
        while let Some(recorded) = self.recording.join_next().await {
            self.recorded(recorded).await;
        }
        if let Err(error) = self.store.set_back(&self.sink, now, self.set_back).await {
            self.trouble.store_refuses(&self.sink, &error);
            return false;
        }
        self.set_back = TimeDelta::zero();
        if self.is_state_known {
            // It was read while the store still had the old times.
            self.is_state_read = false;
            self.load_state().await;
        }
        self.more = true;
        true
    }
}

//! What a worker says of its sink: a failure that goes on is said when it starts, when it changes and when it ends.

use std::{future, time::Duration};

use tokio::time::{self, Instant};
use tracing::{error, info, warn};

use super::{Reply, retry::SinkAnswer};
use crate::{
    alert::MessageId,
    config::SinkId,
    store::{Attempt, AttemptEnd, StoreError},
};

/// Dead letters are spoken of so often at most.
const DEAD_PAUSE: Duration = Duration::from_secs(60);

/// What has been said about a sink, so that a failure that goes on is said when it starts, changes and ends.
#[derive(Default)]
pub(super) struct Trouble {
    /// The failure that was said last: by its status, else by its words.
    last: Option<(Option<u16>, String)>,
    failed: usize,
    store_refuses: bool,
    dead: DeadLetters,
}

impl Trouble {
    pub fn sink_said(&mut self, sink: &SinkId, reply: &Reply, attempts: &[Attempt]) {
        let failure = attempts.iter().any(|attempt| attempt.ended != AttemptEnd::Delivered);
        if !failure {
            if self.last.take().is_some() {
                info!(%sink, failed = self.failed, "deliveries succeed again");
                self.failed = 0;
            }
            return;
        }
        self.failed += attempts.len();
        let status = reply.answer.status();
        let words = if status.is_some() { String::new() } else { reply.said.clone() };
        let now = Some((status, words));
        if self.last != now {
            let reason = &reply.said;
            match (&self.last, reply.answer) {
                (_, SinkAnswer::Forbidden) => {
                    warn!(%sink, reason, "deliveries are refused");
                }
                (None, _) => warn!(%sink, reason, "deliveries fail, they are tried again"),
                (Some(_), _) => warn!(%sink, reason, "deliveries now fail differently"),
            }
            self.last = now;
        }
    }

    pub fn store_refuses(&mut self, sink: &SinkId, error: &StoreError) {
        if !self.store_refuses {
            self.store_refuses = true;
            error!(%sink, %error, "could not read the outbox; trying on");
        }
    }

    pub fn store_answers(&mut self, sink: &SinkId) {
        if self.store_refuses {
            self.store_refuses = false;
            info!(%sink, "the outbox can be read again");
        }
    }

    /// A dead letter: the first is said as it is, of those that follow soon their number.
    pub fn gave_up(&mut self, sink: &SinkId, message: &MessageId, reason: &str, now: Instant) {
        if self.dead.is_first(now) {
            error!(%sink, %message, reason, "gave up on a delivery, kept as a dead letter");
        }
    }

    /// Until there is something to [`Self::tell`]; maybe for ever.
    pub async fn wait(&self) -> Instant {
        match self.dead.due() {
            Some(due) => time::sleep_until(due).await,
            None => future::pending().await,
        }
        Instant::now()
    }

    /// Says how many dead letters there were in the last minute.
    pub fn tell(&mut self, sink: &SinkId, now: Instant) {
        say_dead(sink, self.dead.take_due(now));
    }

    /// The same, at an end.
    pub fn tell_rest(&mut self, sink: &SinkId) {
        say_dead(sink, std::mem::take(&mut self.dead.unsaid));
    }
}

fn say_dead(sink: &SinkId, dead: usize) {
    if dead > 0 {
        error!(%sink, dead, "gave up on more deliveries, kept as dead letters");
    }
}

/// Dead letters come in hundreds when a receiver is gone for good.
#[derive(Default)]
struct DeadLetters {
    unsaid: usize,
    said: Option<Instant>,
}

impl DeadLetters {
    /// Counts one; whether it is to be said by itself.
    fn is_first(&mut self, now: Instant) -> bool {
        let is_first = self.unsaid == 0 && self.said.is_none_or(|said| now >= said + DEAD_PAUSE);
        if is_first {
            self.said = Some(now);
        } else {
            self.unsaid += 1;
        }
        is_first
    }

    fn due(&self) -> Option<Instant> {
        self.said.filter(|_| self.unsaid > 0).map(|said| said + DEAD_PAUSE)
    }

    /// How many there are to be said now.
    fn take_due(&mut self, now: Instant) -> usize {
        if self.due().is_none_or(|due| now < due) {
            return 0;
        }
        self.said = Some(now);
        std::mem::take(&mut self.unsaid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_dead_letters_are_one_line_and_a_count() {
        let (mut dead, start) = (DeadLetters::default(), Instant::now());
        assert!(dead.is_first(start));
        assert_eq!(dead.due(), None, "all is said");
        assert_eq!((1..100).filter(|_| dead.is_first(start + DEAD_PAUSE / 2)).count(), 0);
        assert_eq!(dead.take_due(start + DEAD_PAUSE / 2), 0, "not yet");
        assert_eq!(dead.due(), Some(start + DEAD_PAUSE));
        assert_eq!(dead.take_due(start + DEAD_PAUSE), 99);
        assert!(!dead.is_first(start + DEAD_PAUSE), "the count was just said");
        assert_eq!(dead.take_due(start + 2 * DEAD_PAUSE), 1);
        assert!(dead.is_first(start + 3 * DEAD_PAUSE), "a new trouble, long after");
    }
}

//! What an answer means: delivered, again later, or given up. Pure.
//!
//! The rules are the contract's: broken connections and answers that ask for patience take the next wait of the
//! schedule, any other answer skips to its slow part (an operator may mend a wrong token), and after one attempt more
//! than there are waits it is a dead letter.

use std::time::Duration;

/// No wait is longer, whatever the schedule or the receiver says.
pub const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Waits of this length and more are the slow part of a schedule.
pub const SLOW_WAIT_MIN: Duration = Duration::from_secs(60 * 60);
/// A wait is longer or shorter by up to this share, so that what failed together does not come back together.
pub(super) const JITTER: f64 = 0.2;

/// How a sink took one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkAnswer {
    /// An HTTP status, and how long `Retry-After` asks to wait.
    Status {
        /// 100 to 599.
        status: u16,
        /// From the end of the attempt.
        retry_after: Option<Duration>,
    },
    /// It has it, without any status: a line was written.
    Taken,
    /// Some of those that it is for have it, without any status; the others may get it later.
    Partly,
    /// No connection, a broken one, a timeout, a file that can't be written.
    Unreachable,
    /// A program took it and failed, or did not come to an end.
    Failed,
    /// We may not send there: its address is private. Only a person can change that.
    Forbidden,
}

impl SinkAnswer {
    /// The HTTP status, where there is one.
    pub fn status(self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(status),
            Self::Taken | Self::Partly | Self::Unreachable | Self::Failed | Self::Forbidden => None,
        }
    }

    /// Whether the sink does well: it has it, or as much of it as one of its recipients lets it.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Taken | Self::Partly | Self::Status { status: 200..=299, .. })
    }

    /// How long it asks to wait, where that counts.
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            // Retry-After is for these two (RFC 9110 §10.2.3, RFC 6585 §4).
            Self::Status { status: 429 | 503, retry_after } => retry_after,
            Self::Status { .. } | Self::Taken | Self::Partly | Self::Unreachable | Self::Failed | Self::Forbidden => {
                None
            }
        }
    }

    /// Whether one such failure says that nothing is taken there: a wrong token or address as well. A receiver that breaks
    /// on one alert, or refuses its words, takes others.
    pub fn is_for_all(self) -> bool {
        self.is_about_the_sink() || matches!(self, Self::Status { status: 300..=399 | 401..=407 | 410, .. })
    }

    /// Whether such a failure is about the sink as a whole; any other may be about what was sent.
    pub fn is_about_the_sink(self) -> bool {
        match self {
            Self::Unreachable | Self::Status { status: 408 | 425 | 429 | 502..=504, .. } => true,
            Self::Taken | Self::Partly | Self::Failed | Self::Forbidden | Self::Status { .. } => false,
        }
    }
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The sink has it.
    Delivered,
    /// It is tried again after this wait.
    RetryAfter(Duration),
    /// All attempts are used up.
    Dead,
}

/// Decides after the attempt with this number, the first being 1. `random` is in 0..1.
pub fn decide(answer: SinkAnswer, attempt: u32, schedule: &[Duration], random: f64) -> Decision {
    let (patient, asked) = match answer {
        SinkAnswer::Taken | SinkAnswer::Status { status: 200..=299, .. } => return Decision::Delivered,
        SinkAnswer::Status { status: 408 | 425 | 429 | 500..=599, .. }
        | SinkAnswer::Partly
        | SinkAnswer::Unreachable
        | SinkAnswer::Failed => (true, answer.retry_after()),
        SinkAnswer::Status { .. } | SinkAnswer::Forbidden => (false, None),
    };
    let used = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let waits = schedule.get(used..).unwrap_or_default();
    let step = match waits {
        [] => return Decision::Dead,
        [next, ..] if patient => *next,
        // A schedule without a slow part has a slowest wait.
        [next, ..] => {
            let slow = waits.iter().find(|wait| **wait >= SLOW_WAIT_MIN);
            slow.or(waits.iter().max()).copied().unwrap_or(*next)
        }
    };
    let jittered = step.min(WAIT_MAX).mul_f64(1.0 - JITTER + 2.0 * JITTER * random.clamp(0.0, 1.0));
    Decision::RetryAfter(jittered.max(asked.unwrap_or_default()).min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3_600);
    const DAY: Duration = Duration::from_secs(86_400);

    /// The default of the contract.
    fn schedule() -> Vec<Duration> {
        vec![5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, DAY, DAY, DAY, DAY]
    }

    fn status(status: u16) -> SinkAnswer {
        SinkAnswer::Status { status, retry_after: None }
    }

    fn asks(code: u16, wait: Duration) -> SinkAnswer {
        SinkAnswer::Status { status: code, retry_after: Some(wait) }
    }

    #[track_caller]
    fn check(answer: SinkAnswer, attempt: u32, expected: Decision) {
        assert_eq!(decide(answer, attempt, &schedule(), 0.5), expected);
    }

    #[test]
    fn every_answer_of_the_contract() {
        use Decision::{Dead, Delivered, RetryAfter};
        for good in [200, 201, 202, 204, 299] {
            check(status(good), 1, Delivered);
            check(status(good), 12, Delivered);
        }
        check(SinkAnswer::Taken, 1, Delivered);
        for patient in [408, 425, 429, 500, 502, 503, 504, 599] {
            check(status(patient), 1, RetryAfter(5 * SECOND));
            check(status(patient), 2, RetryAfter(30 * SECOND));
            check(status(patient), 5, RetryAfter(HOUR));
            check(status(patient), 11, RetryAfter(DAY));
            check(status(patient), 12, Dead);
            check(status(patient), 500, Dead);
        }
        check(SinkAnswer::Unreachable, 1, RetryAfter(5 * SECOND));
        check(SinkAnswer::Unreachable, 12, Dead);
        check(SinkAnswer::Partly, 1, RetryAfter(5 * SECOND));
        check(SinkAnswer::Partly, 12, Dead);
        check(SinkAnswer::Failed, 1, RetryAfter(5 * SECOND));
        check(SinkAnswer::Failed, 12, Dead);
        for other in [100, 301, 302, 307, 400, 401, 403, 404, 410, 413, 422] {
            check(status(other), 1, RetryAfter(HOUR));
            check(status(other), 5, RetryAfter(HOUR));
            check(status(other), 6, RetryAfter(4 * HOUR));
            check(status(other), 12, Dead);
        }
        check(SinkAnswer::Forbidden, 1, RetryAfter(HOUR));
    }

    #[test]
    fn wait_is_the_longer_of_step_and_retry_after_at_most_a_day() {
        check(asks(429, MINUTE), 1, Decision::RetryAfter(MINUTE));
        check(asks(503, MINUTE), 1, Decision::RetryAfter(MINUTE));
        check(asks(429, SECOND), 1, Decision::RetryAfter(5 * SECOND));
        check(asks(503, 7 * DAY), 1, Decision::RetryAfter(DAY));
        check(asks(500, MINUTE), 1, Decision::RetryAfter(5 * SECOND));
        check(asks(404, 2 * HOUR), 1, Decision::RetryAfter(HOUR));
        check(asks(429, MINUTE), 12, Decision::Dead);
    }

    #[test]
    fn jitter_is_a_fifth_either_way_and_cuts_no_promise_short() {
        let wait = |answer, random| decide(answer, 1, &[10 * SECOND], random);
        assert_eq!(wait(SinkAnswer::Unreachable, 0.0), Decision::RetryAfter(8 * SECOND));
        assert_eq!(wait(SinkAnswer::Unreachable, 1.0), Decision::RetryAfter(12 * SECOND));
        assert_eq!(wait(asks(429, 10 * SECOND), 0.0), Decision::RetryAfter(10 * SECOND));
        assert_eq!(decide(SinkAnswer::Unreachable, 1, &[DAY], 1.0), Decision::RetryAfter(DAY));
    }

    #[test]
    fn schedules_without_a_slow_part_or_any_part() {
        let quick = [SECOND, 2 * SECOND, SECOND];
        assert_eq!(decide(status(404), 1, &quick, 0.5), Decision::RetryAfter(2 * SECOND));
        assert_eq!(decide(status(404), 3, &quick, 0.5), Decision::RetryAfter(SECOND));
        assert_eq!(decide(status(500), 1, &[], 0.5), Decision::Dead);
    }
}

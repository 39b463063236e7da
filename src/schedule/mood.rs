//! What a host has let us feel: whether one of its routes is bad, or the host itself wants us to slow down.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Two feeds of a host that say "slow down" within this speak for the host.
const TOGETHER: TimeDelta = TimeDelta::minutes(10);
/// A host that meanwhile answers this many polls well for each that it puts off has bad routes, and is not slow itself.
const GOOD_FOR_EACH_BAD: u32 = 10;
/// A host is left alone at most so long at a time; the next feed that asks hears whether it still wants to be.
const REST_MAX: Duration = Duration::from_secs(60 * 60);
/// What a slow host's gap between two requests begins with, and where doubling it ends.
const SLOW_GAP_MIN: Duration = Duration::from_secs(2);
const SLOW_GAP_MAX: Duration = Duration::from_secs(60);
/// Each good answer shortens a slow host's gap to this share of it.
const GAP_KEPT: f64 = 0.8;

/// What is remembered of a host's answers.
#[derive(Debug, Clone, Default)]
pub(super) struct Mood {
    /// Who was last told to slow down, and when.
    said: Option<(u32, DateTime<Utc>)>,
    /// Good and bad answers of the last ten minutes and the ten before them.
    counts: [(u32, u32); 2],
    /// Since when the first of them are counted.
    since: Option<DateTime<Utc>>,
    /// Between two requests, on top of what every host is given.
    gap: Duration,
}

impl Mood {
    /// A feed of the host was answered.
    pub(super) fn answered(&mut self, at: DateTime<Utc>) {
        self.turn(at);
        self.counts[0].0 = self.counts[0].0.saturating_add(1);
        self.gap = self.gap.mul_f64(GAP_KEPT);
        if self.gap < SLOW_GAP_MIN / 4 {
            self.gap = Duration::ZERO;
        }
    }

    /// `feed` was told to wait for `wait`. Gives how long the whole host is to be left alone, if it is.
    pub(super) fn not_now(&mut self, feed: u32, at: DateTime<Utc>, wait: Duration) -> Option<Duration> {
        self.turn(at);
        self.counts[0].1 = self.counts[0].1.saturating_add(1);
        let (good, bad) = self
            .counts
            .iter()
            .fold((0u32, 0u32), |sum, (good, bad)| (sum.0.saturating_add(*good), sum.1.saturating_add(*bad)));
        let is_second = self.said.is_some_and(|(other, then)| other != feed && (at - then).abs() <= TOGETHER);
        if !is_second || good > bad.saturating_mul(GOOD_FOR_EACH_BAD) {
            self.said = Some((feed, at));
            return None;
        }
        // Both have been heard; it takes two again.
        self.said = None;
        self.gap = (self.gap * 2).clamp(SLOW_GAP_MIN, SLOW_GAP_MAX);
        Some(wait.min(REST_MAX))
    }

    /// Between two requests, on top of what every host is given.
    pub(super) fn gap(&self) -> Duration {
        self.gap
    }

    /// The clock was set back.
    pub(super) fn shift(&mut self, step: TimeDelta) {
        self.said = self.said.map(|(feed, at)| (feed, at - step));
        self.since = self.since.map(|at| at - step);
    }

    fn turn(&mut self, at: DateTime<Utc>) {
        let since = *self.since.get_or_insert(at);
        if at - since >= TOGETHER * 2 {
            self.counts = Default::default();
            self.since = Some(at);
        } else if at - since >= TOGETHER {
            self.counts = [(0, 0), self.counts[0]];
            self.since = Some(since + TOGETHER);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(minutes: i64) -> DateTime<Utc> {
        "2026-01-01T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
    }

    #[test]
    fn two_feeds_within_ten_minutes_speak_for_the_host() {
        let mut mood = Mood::default();
        assert_eq!(mood.not_now(1, at(0), MINUTE), None);
        assert_eq!(mood.not_now(1, at(1), MINUTE), None, "the same one again");
        assert_eq!(mood.not_now(2, at(12), MINUTE), None, "too long after");
        assert_eq!(mood.gap(), Duration::ZERO);
        assert_eq!(mood.not_now(3, at(20), MINUTE * 5), Some(MINUTE * 5));
        assert_eq!(mood.not_now(4, at(21), MINUTE * 5), None, "it takes two again");
        assert_eq!(mood.not_now(5, at(22), MINUTE * 600), Some(REST_MAX));
        assert_eq!(mood.gap(), SLOW_GAP_MIN * 2);
        for _ in 0..20 {
            mood.answered(at(23));
        }
        assert_eq!(mood.gap(), Duration::ZERO);
    }

    #[test]
    fn bad_routes_do_not_speak_for_a_host_that_answers_well() {
        let mut mood = Mood::default();
        for minute in 0..300 {
            for _ in 0..20 {
                mood.answered(at(minute));
            }
            assert_eq!(mood.not_now(u32::try_from(minute % 2).unwrap(), at(minute), MINUTE * 60), None);
        }
        // The good answers of an hour ago are none of now.
        assert_eq!(mood.not_now(1, at(400), MINUTE), None);
        assert_eq!(mood.not_now(2, at(401), MINUTE), Some(MINUTE));
    }
}

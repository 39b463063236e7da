//! When people hear of a feed: that it fails, does well again, has gone silent, or may have lost entries.
//!
//! Pure: what was known of the feed and what its poll came to go in; what is known now and what is to be told come out.
//! Each thing is told once and not again until it has ended.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Failures in a row before people hear of it: one or two are how the net is.
const FAILURES_MIN: u32 = 3;
/// A feed is silent when it has had nothing new for so many times its usual longest gap …
const SILENT_GAPS: u32 = 5;
/// … and for at least so long.
const SILENT_MIN: Duration = Duration::from_secs(24 * 3_600);
/// Of a first document, the times of so many newest entries tell the usual longest gap.
const FIRST_TIMES_MAX: usize = 30;
/// Fewer times than this tell nothing.
const FIRST_TIMES_MIN: usize = 3;
/// What a longest gap weighs after the next arrival: one long holiday is forgotten after some dozens.
const GAP_KEPT: f64 = 0.97;

/// What is known of a feed's health; kept with the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeedHealth {
    /// The first of the failures in a row.
    pub failing_since: Option<DateTime<Utc>>,
    /// How many there are.
    pub failures: u32,
    /// Whether that was told.
    pub failing_told: bool,
    /// When it last had something new.
    pub last_new: Option<DateTime<Utc>>,
    /// From one arrival to the next at the longest, usually.
    pub longest_gap: Option<Duration>,
    /// Whether it is silent and that was told, or began before its first poll.
    pub silent_told: bool,
}

/// What a poll came to, as far as it tells of health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollHealth<'a> {
    /// No document.
    Failed {
        /// In a row, this one included.
        failures: u32,
        /// Whether it is not polled again.
        is_final: bool,
    },
    /// It answered.
    Answered {
        /// Entries never seen in this feed.
        new: usize,
        /// The times that the entries of a first document state; `None` where it is not the first.
        first_times: Option<&'a [Option<DateTime<Utc>>]>,
        /// Whether the document shares no entry with the one before.
        is_gap: bool,
    },
}

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedNews {
    /// It fails since then.
    Failing {
        /// The first failure.
        since: DateTime<Utc>,
    },
    /// It does well again.
    Recovered {
        /// The first failure.
        since: DateTime<Utc>,
        /// How many polls failed.
        failures: u32,
    },
    /// It answers and has nothing new.
    Silent {
        /// When it last had.
        last_new: Option<DateTime<Utc>>,
        /// How long that may be.
        expected: Duration,
    },
    /// Entries may have been lost.
    Gap,
}

impl FeedHealth {
    /// What is known after a poll at `now`, and what is to be told of it. `expect` is the config's own bound on silence;
    /// `may_tell` says whether one more feed that fails or is silent is news: where most feeds fail, the fault is ours.
    pub fn after(
        mut self,
        poll: PollHealth,
        expect: Option<Duration>,
        now: DateTime<Utc>,
        may_tell: impl FnOnce(&FeedNews) -> bool,
    ) -> (Self, Vec<FeedNews>) {
        let mut news = Vec::new();
        match poll {
            PollHealth::Failed { failures, is_final } => {
                // Another address in the config begins anew.
                if failures <= 1 {
                    (self.failing_since, self.failing_told) = (None, false);
                }
                let since = *self.failing_since.get_or_insert(now);
                self.failures = failures;
                let is_news = !self.failing_told && (failures >= FAILURES_MIN || is_final);
                let failing = FeedNews::Failing { since };
                if is_news && may_tell(&failing) {
                    self.failing_told = true;
                    news.push(failing);
                }
            }
            PollHealth::Answered { new, first_times, is_gap } => {
                if let Some(since) = self.failing_since.take()
                    && std::mem::take(&mut self.failing_told)
                {
                    news.push(FeedNews::Recovered { since, failures: self.failures });
                }
                self.failures = 0;
                if is_gap {
                    news.push(FeedNews::Gap);
                }
                match first_times {
                    Some(times) => {
                        self.begin(times, now);
                        // A feed that died before anybody watched it is no news, but shows in lists.
                        self.silent_told = expect.is_none() && self.silence(None, now).is_some();
                    }
                    None if new > 0 => self.arrived(now),
                    None => {
                        let silent = self.silence(expect, now).filter(may_tell);
                        self.silent_told |= silent.is_some();
                        news.extend(silent);
                    }
                }
            }
        }
        (self, news)
    }

    /// What is known after a hub has pushed something new at `now`.
    #[must_use]
    pub fn pushed(mut self, now: DateTime<Utc>) -> Self {
        self.arrived(now);
        self
    }

    /// A first document: its entries' times tell how long it usually is from one to the next.
    fn begin(&mut self, times: &[Option<DateTime<Utc>>], now: DateTime<Utc>) {
        let mut times: Vec<DateTime<Utc>> = times.iter().flatten().copied().filter(|time| *time <= now).collect();
        times.sort_unstable_by(|a, b| b.cmp(a));
        times.truncate(FIRST_TIMES_MAX);
        self.last_new = Some(times.first().copied().unwrap_or(now));
        self.longest_gap = (times.len() >= FIRST_TIMES_MIN)
            .then(|| times.windows(2).map(|pair| pair[0] - pair[1]).max()?.to_std().ok())
            .flatten();
    }

    /// Something new came.
    fn arrived(&mut self, now: DateTime<Utc>) {
        let gap = self.last_new.and_then(|last| (now - last).to_std().ok());
        let kept = self.longest_gap.map(|gap| gap.mul_f64(GAP_KEPT));
        self.longest_gap = gap.max(kept);
        self.last_new = Some(now);
        self.silent_told = false;
    }

    fn silence(&self, expect: Option<Duration>, now: DateTime<Utc>) -> Option<FeedNews> {
        let expected = match expect {
            Some(expect) => expect,
            None => self.longest_gap?.saturating_mul(SILENT_GAPS).max(SILENT_MIN),
        };
        let is_over = now - self.last_new? >= TimeDelta::from_std(expected).ok()?;
        (is_over && !self.silent_told).then_some(FeedNews::Silent { last_new: self.last_new, expected })
    }

    /// Whether it is silent, as far as was told or was so at its first poll.
    pub fn is_silent(&self) -> bool {
        self.silent_told
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const QUIET: PollHealth = PollHealth::Answered { new: 0, first_times: None, is_gap: false };
    const NEW: PollHealth = PollHealth::Answered { new: 2, first_times: None, is_gap: false };

    fn at(hours: i64) -> DateTime<Utc> {
        "2026-03-01T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(hours)
    }

    fn failed(failures: u32) -> PollHealth<'static> {
        PollHealth::Failed { failures, is_final: false }
    }

    /// Plays polls at their hours and gives what was told at which of them.
    fn play(polls: &[(i64, PollHealth)], expect: Option<Duration>) -> Vec<(i64, FeedNews)> {
        let mut health = FeedHealth::default();
        let mut told = Vec::new();
        for (hour, poll) in polls {
            let (after, news) = health.after(*poll, expect, at(*hour), |_| true);
            health = after;
            told.extend(news.into_iter().map(|news| (*hour, news)));
        }
        told
    }

    #[test]
    fn failures_are_told_once_and_so_is_their_end() {
        let polls =
            [(0, failed(1)), (1, failed(2)), (2, failed(3)), (3, failed(4)), (4, QUIET), (5, QUIET), (6, failed(1))];
        let since = at(0);
        assert_eq!(
            play(&polls, None),
            [(2, FeedNews::Failing { since }), (4, FeedNews::Recovered { since, failures: 4 })]
        );
        assert_eq!(play(&[(0, failed(1)), (1, failed(2)), (2, NEW)], None), [], "what was not told has no end");
        let gone = PollHealth::Failed { failures: 1, is_final: true };
        assert_eq!(play(&[(0, gone)], None), [(0, FeedNews::Failing { since })]);
    }

    #[test]
    fn a_failure_that_may_not_be_told_is_told_later() {
        let (health, news) = FeedHealth::default().after(failed(3), None, at(0), |_| false);
        assert_eq!(news, []);
        let (_, news) = health.after(failed(4), None, at(1), |_| true);
        assert_eq!(news, [FeedNews::Failing { since: at(0) }]);
    }

    #[test]
    fn silence_is_five_usual_gaps_and_a_day() {
        let times: Vec<_> = (0..10).map(|n| Some(at(-12 * n))).collect();
        let first = PollHealth::Answered { new: 10, first_times: Some(&times), is_gap: false };
        let expected = Duration::from_secs(60 * 3_600);
        let told = play(&[(0, first), (59, QUIET), (60, QUIET), (61, QUIET), (62, NEW), (63, QUIET)], None);
        assert_eq!(told, [(60, FeedNews::Silent { last_new: Some(at(0)), expected })]);
        let busy: Vec<_> = (0..10).map(|_| Some(at(0))).collect();
        let first = PollHealth::Answered { new: 10, first_times: Some(&busy), is_gap: false };
        let told = play(&[(0, first), (23, QUIET), (24, QUIET)], None);
        assert_eq!(told, [(24, FeedNews::Silent { last_new: Some(at(0)), expected: SILENT_MIN })]);
    }

    #[test]
    fn nothing_is_expected_of_a_feed_without_times_unless_the_config_says_so() {
        let first = PollHealth::Answered { new: 2, first_times: Some(&[None, None]), is_gap: false };
        assert_eq!(play(&[(0, first), (9_999, QUIET)], None), []);
        let expected = Duration::from_secs(3_600);
        let told = play(&[(0, first), (1, QUIET), (2, QUIET)], Some(expected));
        assert_eq!(told, [(1, FeedNews::Silent { last_new: Some(at(0)), expected })]);
    }

    #[test]
    fn a_longest_gap_grows_at_once_and_is_forgotten_slowly() {
        let mut health = FeedHealth { last_new: Some(at(0)), ..FeedHealth::default() };
        let mut arrive = |hour| {
            health = health.after(NEW, None, at(hour), |_| true).0;
            health.longest_gap.unwrap().as_secs() / 3_600
        };
        assert_eq!(arrive(2), 2);
        assert_eq!(arrive(102), 100);
        assert_eq!(arrive(103), 97);
        assert!((103..203).map(&mut arrive).last().unwrap() < 6);
    }

    #[test]
    fn each_gap_is_told() {
        let gap = PollHealth::Answered { new: 20, first_times: None, is_gap: true };
        assert_eq!(play(&[(0, gap), (1, gap)], None), [(0, FeedNews::Gap), (1, FeedNews::Gap)]);
    }
}

//! When a feed is polled next, and why. Pure: the time, the outcome and the dice come in, a decision comes out.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use chrono::{DateTime, Utc};

use super::{Pace, Rhythm};
use crate::config::{FeedId, value::format_duration};

/// Longest wait that a server can ask for (contract §2).
pub const HINT_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How much earlier than its interval a feed may be polled, as a share of it: enough to pull feeds apart that a start
/// or a sleep has put side by side, little enough that nobody sees another interval than they asked for. It only
/// shortens, because the interval is promised as the longest wait.
const INTERVAL_JITTER: f64 = 0.03;

/// A feed is polled at this share of the time that usually lies between two of its arrivals: half of it finds a new entry,
/// on average, a quarter of it after it appeared.
const GAP_SHARE: f64 = 0.5;

/// How much a backoff is lengthened at most, as a share of it.
const BACKOFF_JITTER: f64 = 0.1;

/// Between the first polls of two feeds, on average, when many start together.
pub(super) const START_GAP: Duration = Duration::from_millis(20);

/// When a feed is due that shall not be polled again. A time that every store and format can hold.
pub const NEVER: DateTime<Utc> = match DateTime::from_timestamp(253_402_300_799, 0) {
    Some(end_of_9999) => end_of_9999,
    None => DateTime::<Utc>::MAX_UTC,
};

/// How the last poll ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollOutcome {
    /// New entries.
    New,
    /// A document without new entries.
    Unchanged,
    /// 304.
    NotModified,
    /// An error.
    Failed {
        /// How many polls in a row ended so, this one included.
        in_a_row: u32,
    },
    /// 429 or 503.
    NotNow {
        /// How long the server asked to wait.
        retry_after: Option<Duration>,
        /// How many polls in a row ended so or failed, this one included.
        in_a_row: u32,
    },
    /// 410.
    Gone,
}

/// What the config asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollBounds {
    /// The longest wait of a feed that does well.
    pub interval: Duration,
    /// The shortest.
    pub min: Duration,
    /// Where a backoff may lengthen it to.
    pub max: Duration,
}

impl PollBounds {
    /// interval × 2^n up to `max`; never under the interval, even where that is longer than `max`.
    fn backoff(&self, in_a_row: u32, jitter: f64) -> Duration {
        let end = self.max.max(self.interval);
        let factor = 2u32.saturating_pow(in_a_row);
        let wait = self.interval.saturating_mul(factor).min(end);
        // At the end there is no room to add; by then earlier rounds have pulled the feeds apart.
        wait.saturating_add(wait.mul_f64(BACKOFF_JITTER * jitter)).min(end)
    }

    /// The wait of a feed that does well: by its history within `min` and `interval`.
    fn regular(&self, known: &Known, jitter: f64) -> (Duration, PollReason) {
        let gap = known.pace.typical_gap();
        let by_history = gap.map(|gap| gap.mul_f64(GAP_SHARE)).filter(|wait| *wait < self.interval);
        let (wait, reason) = match (by_history, gap) {
            // Its news come by themselves. A hub may forget us without a word, so the interval stands.
            _ if known.is_pushed => (self.interval, PollReason::Pushed),
            (Some(wait), Some(gap)) => (wait.max(self.min), PollReason::Busy { gap }),
            _ => (self.interval, PollReason::Interval),
        };
        let (wait, reason) = if known.has_gap { (wait / 2, PollReason::Gap) } else { (wait, reason) };
        (wait.mul_f64(1.0 - INTERVAL_JITTER * jitter).max(self.min), reason)
    }
}

impl PollBounds {
    /// The wait shortened to what the feed's window lasts: what leaves it before a poll is lost, whatever the feed says of
    /// how often it is worth asking.
    fn within_window(
        &self,
        (wait, reason): (Duration, PollReason),
        known: &Known,
        jitter: f64,
    ) -> (Duration, PollReason) {
        match known.window.and_then(|window| known.pace.window_lasts(window)) {
            Some(lasts) if lasts < wait => {
                (lasts.mul_f64(1.0 - INTERVAL_JITTER * jitter).max(self.min).min(wait), PollReason::Window)
            }
            _ => (wait, reason),
        }
    }
}

/// What is known of a feed beside how its last poll ended.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Known {
    /// How long the server wants its answer to be relied on: `max-age` or `Expires`.
    pub fresh: Option<Duration>,
    /// What the feed says of itself.
    pub rhythm: Rhythm,
    /// What its polls have brought.
    pub pace: Pace,
    /// How many arrivals its document holds; `None` where none was read yet.
    pub window: Option<u32>,
    /// Whether its window has lately overrun: a document shared no entry with the one before.
    pub has_gap: bool,
    /// Whether its hub pushes what is new.
    pub is_pushed: bool,
}

/// Why a feed is due when it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollReason {
    /// Its interval.
    Interval,
    /// It brings something more often than that.
    Busy {
        /// How long it usually is between two arrivals.
        gap: Duration,
    },
    /// Its hub pushes what is new, so it is not polled sooner than its interval.
    Pushed,
    /// Its document holds too little to last longer when it is busy.
    Window,
    /// Its window has overrun: it is polled twice as often.
    Gap,
    /// `ttl` or `sy:updatePeriod`, longer than the interval.
    Rhythm,
    /// `skipHours` or `skipDays`.
    Asleep,
    /// Other feeds of its host were told to slow down.
    HostSlow,
    /// The server's `max-age` or `Expires`, longer than the interval.
    Fresh,
    /// The last polls failed.
    Backoff {
        /// How many in a row.
        in_a_row: u32,
    },
    /// The server's `Retry-After`.
    RetryAfter,
    /// 410: not polled again.
    Gone,
}

impl fmt::Display for PollReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interval => f.write_str("interval"),
            Self::Busy { gap } => {
                // Whole seconds, and whole minutes from ten on: more would be a show of knowledge.
                let step = if gap.as_secs() >= 600 { 60 } else { 1 };
                let gap = Duration::from_secs((gap.as_secs() / step).max(1) * step);
                write!(f, "busy, something new every {}", format_duration(gap))
            }
            Self::Pushed => f.write_str("interval, its hub pushes what is new"),
            Self::Window => f.write_str("sooner, it shows few entries at a time"),
            Self::Gap => f.write_str("twice as often, its window has overrun"),
            Self::Rhythm => f.write_str("worth asking then, says the feed"),
            Self::Asleep => f.write_str("asleep until then, says the feed"),
            Self::HostSlow => f.write_str("its host asks to be left alone"),
            Self::Fresh => f.write_str("fresh until then, says the server"),
            Self::Backoff { in_a_row: 1 } => f.write_str("backoff after a failure"),
            Self::Backoff { in_a_row } => write!(f, "backoff after {in_a_row} failures"),
            Self::RetryAfter => f.write_str("retry-after, says the server"),
            Self::Gone => f.write_str("gone, says the server"),
        }
    }
}

/// When, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextPoll {
    /// [`NEVER`] where it is not polled again.
    pub due: DateTime<Utc>,
    /// Why then.
    pub reason: PollReason,
}

/// When a feed is polled next. `now` is the wall clock at the end of the last poll, `jitter` a throw between 0 and 1.
///
/// History only shortens the interval, what the feed says of itself lengthens it up to `max`, and what its server says
/// outranks both.
pub fn next_poll(
    now: DateTime<Utc>,
    outcome: &PollOutcome,
    known: &Known,
    bounds: &PollBounds,
    jitter: f64,
) -> NextPoll {
    let jitter = jitter.clamp(0.0, 1.0);
    let (wait, reason) = match *outcome {
        PollOutcome::Gone => return NextPoll { due: NEVER, reason: PollReason::Gone },
        PollOutcome::New | PollOutcome::Unchanged | PollOutcome::NotModified => {
            let slowed = slowed_by_itself(now, bounds.regular(known, jitter), &known.rhythm, bounds);
            bounds.within_window(slowed, known, jitter)
        }
        // A server that asks for less than our interval does not ask to be polled sooner.
        PollOutcome::NotNow { retry_after: Some(wait), .. } => (wait.max(bounds.interval), PollReason::RetryAfter),
        PollOutcome::NotNow { retry_after: None, in_a_row } | PollOutcome::Failed { in_a_row } => {
            (bounds.backoff(in_a_row, jitter), PollReason::Backoff { in_a_row })
        }
    };
    let (wait, reason) = match known.fresh {
        // What a server asks for outranks our own bounds.
        Some(fresh) if fresh > wait => (fresh, PollReason::Fresh),
        _ => (wait, reason),
    };
    // A hint has its end; an interval that someone configured longer than that stands.
    let wait = wait.min(HINT_MAX.max(bounds.interval));
    NextPoll { due: later(now, wait), reason }
}

/// The wait lengthened, up to `max`, to what the feed says of itself.
fn slowed_by_itself(
    now: DateTime<Utc>,
    (wait, reason): (Duration, PollReason),
    rhythm: &Rhythm,
    bounds: &PollBounds,
) -> (Duration, PollReason) {
    let (wait, reason) = match rhythm.every.map(|every| every.min(bounds.max)) {
        Some(every) if every > wait => (every, PollReason::Rhythm),
        _ => (wait, reason),
    };
    let awake = rhythm.awake_at(later(now, wait)).signed_duration_since(now).to_std().unwrap_or_default();
    let awake = awake.min(bounds.max);
    if awake > wait { (awake, PollReason::Asleep) } else { (wait, reason) }
}

/// How long after the start a feed is first polled: a handful start at once, ten thousand over minutes, never later than
/// their interval. The same feed gets the same share each time.
pub fn spread_start(feed: &FeedId, feeds: usize, interval: Duration) -> Duration {
    let spread = START_GAP.saturating_mul(u32::try_from(feeds).unwrap_or(u32::MAX)).min(interval);
    let mut hasher = DefaultHasher::new();
    feed.hash(&mut hasher);
    // The top 32 bits, as a share of 1.
    spread.mul_f64((hasher.finish() >> 32) as f64 / f64::from(u32::MAX))
}

/// When a feed is first due after a start. What the store still says of the future is kept, so that a restart asks no
/// server sooner than promised; a time further away than any promise goes comes from a wrong clock.
pub fn first_due(
    now: DateTime<Utc>,
    stored: Option<DateTime<Utc>>,
    bounds: &PollBounds,
    spread: Duration,
) -> DateTime<Utc> {
    match stored {
        Some(due) if due >= NEVER => NEVER,
        Some(due) if due > now && due <= later(now, HINT_MAX.max(bounds.interval)) => due,
        _ => later(now, spread),
    }
}

fn later(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    chrono::Duration::from_std(wait)
        .ok()
        .and_then(|wait| now.checked_add_signed(wait))
        .map_or(NEVER, |due| due.min(NEVER))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const BOUNDS: PollBounds =
        PollBounds { interval: Duration::from_secs(15 * 60), min: MINUTE, max: Duration::from_secs(2 * 60 * 60) };

    fn now() -> DateTime<Utc> {
        "2026-01-01T12:00:00Z".parse().unwrap()
    }

    #[track_caller]
    fn check(outcome: PollOutcome, fresh: Option<u32>, jitter: f64, minutes: f64, reason: PollReason) {
        let known = Known { fresh: fresh.map(|m| MINUTE * m), ..Known::default() };
        let next = next_poll(now(), &outcome, &known, &BOUNDS, jitter);
        let wait = (next.due - now()).to_std().unwrap().as_secs_f64() / 60.0;
        assert!((wait - minutes).abs() < 1e-6, "{wait} minutes, not {minutes}");
        assert_eq!(next.reason, reason);
    }

    #[test]
    fn each_outcome_has_its_wait_and_its_reason() {
        use PollOutcome::{Failed, New, NotModified, NotNow, Unchanged};
        use PollReason::{Backoff, Fresh, Interval, RetryAfter};
        check(New, None, 0.0, 15.0, Interval);
        check(Unchanged, None, 1.0, 14.55, Interval);
        check(NotModified, Some(5), 0.0, 15.0, Interval);
        check(NotModified, Some(720), 1.0, 720.0, Fresh);
        check(New, Some(15), 1.0, 15.0, Fresh);
        check(New, Some(40 * 24 * 60), 0.0, 7.0 * 24.0 * 60.0, Fresh);
        check(Failed { in_a_row: 1 }, None, 0.0, 30.0, Backoff { in_a_row: 1 });
        check(Failed { in_a_row: 1 }, None, 1.0, 33.0, Backoff { in_a_row: 1 });
        check(Failed { in_a_row: 2 }, None, 0.5, 63.0, Backoff { in_a_row: 2 });
        check(Failed { in_a_row: 3 }, None, 1.0, 120.0, Backoff { in_a_row: 3 });
        check(Failed { in_a_row: u32::MAX }, None, 1.0, 120.0, Backoff { in_a_row: u32::MAX });
        check(NotNow { retry_after: None, in_a_row: 1 }, None, 0.0, 30.0, Backoff { in_a_row: 1 });
        check(NotNow { retry_after: Some(MINUTE), in_a_row: 1 }, None, 0.0, 15.0, RetryAfter);
        check(NotNow { retry_after: Some(MINUTE * 600), in_a_row: 9 }, None, 1.0, 600.0, RetryAfter);
        check(NotNow { retry_after: Some(Duration::MAX), in_a_row: 1 }, None, 0.0, 7.0 * 24.0 * 60.0, RetryAfter);
    }

    fn every(minutes: u32) -> Pace {
        (0..500).fold(Pace::default(), |pace, _| pace.after(MINUTE * minutes, 1))
    }

    #[track_caller]
    fn check_known(known: Known, jitter: f64, minutes: std::ops::RangeInclusive<f64>, reason: &str) {
        let next = next_poll(now(), &PollOutcome::NotModified, &known, &BOUNDS, jitter);
        let wait = (next.due - now()).to_std().unwrap().as_secs_f64() / 60.0;
        assert!(minutes.contains(&wait), "{wait} minutes, not {minutes:?}");
        assert_eq!(next.reason.to_string(), reason);
    }

    #[test]
    fn history_only_shortens_the_interval_and_hints_only_lengthen_it() {
        let paced = |minutes| Known { pace: every(minutes), ..Known::default() };
        check_known(paced(10), 0.0, 4.8..=5.2, "busy, something new every 10m");
        check_known(paced(1), 0.0, 1.0..=1.0, "busy, something new every 1m");
        check_known(paced(1), 1.0, 1.0..=1.0, "busy, something new every 1m");
        check_known(paced(300), 0.0, 15.0..=15.0, "interval");
        check_known(Known { is_pushed: true, ..paced(1) }, 0.0, 15.0..=15.0, "interval, its hub pushes what is new");
        check_known(Known { has_gap: true, ..paced(10) }, 0.0, 2.4..=2.6, "twice as often, its window has overrun");
        check_known(
            Known { has_gap: true, ..Known::default() },
            0.0,
            7.5..=7.5,
            "twice as often, its window has overrun",
        );

        let rhythm = |minutes| Rhythm { every: Some(MINUTE * minutes), ..Rhythm::default() };
        let slow = "worth asking then, says the feed";
        check_known(Known { rhythm: rhythm(60), ..paced(10) }, 1.0, 60.0..=60.0, slow);
        check_known(Known { rhythm: rhythm(5), ..Known::default() }, 0.0, 15.0..=15.0, "interval");
        check_known(Known { rhythm: rhythm(60 * 24 * 365), ..Known::default() }, 1.0, 120.0..=120.0, slow);
        let fresh = Known { rhythm: rhythm(60), fresh: Some(MINUTE * 90), ..paced(1) };
        check_known(fresh, 1.0, 90.0..=90.0, "fresh until then, says the server");

        // One arrival in ten minutes, eight in the busiest ten: ten of them last for twelve and a half.
        let small = Known { window: Some(10), rhythm: rhythm(60), ..paced(10) };
        check_known(small, 0.0, 12.0..=13.0, "sooner, it shows few entries at a time");
        check_known(Known { window: Some(100), ..small }, 0.0, 60.0..=60.0, slow);
        check_known(Known { window: Some(1), ..small }, 0.0, 1.0..=1.5, "sooner, it shows few entries at a time");
        check_known(Known { fresh: Some(MINUTE * 30), ..small }, 0.0, 30.0..=30.0, "fresh until then, says the server");

        // It is noon; the feed sleeps from 12 to 13, and the other one all day.
        let asleep = |skip_hours| Known { rhythm: Rhythm { skip_hours, ..Rhythm::default() }, ..Known::default() };
        check_known(asleep(1 << 12), 0.0, 60.0..=60.0, "asleep until then, says the feed");
        check_known(asleep(0xfff << 12), 0.0, 120.0..=120.0, "asleep until then, says the feed");
        check_known(asleep(1 << 13), 0.0, 15.0..=15.0, "interval");
    }

    #[test]
    fn gone_is_never_due() {
        let next = next_poll(now(), &PollOutcome::Gone, &Known::default(), &BOUNDS, 0.5);
        assert_eq!(next, NextPoll { due: NEVER, reason: PollReason::Gone });
        assert_eq!(NEVER.to_rfc3339(), "9999-12-31T23:59:59+00:00");
        assert_eq!(first_due(now(), Some(NEVER), &BOUNDS, MINUTE), NEVER);
    }

    #[test]
    fn an_interval_longer_than_every_bound_stands() {
        let bounds = PollBounds { interval: MINUTE * 60 * 24 * 30, ..BOUNDS };
        for outcome in [PollOutcome::New, PollOutcome::Failed { in_a_row: 4 }] {
            assert_eq!(next_poll(now(), &outcome, &Known::default(), &bounds, 0.0).due, now() + bounds.interval);
        }
    }

    #[test]
    fn what_the_store_says_of_the_future_is_kept() {
        let due = now() + MINUTE * 5;
        assert_eq!(first_due(now(), Some(due), &BOUNDS, MINUTE), due);
        assert_eq!(first_due(now(), Some(now() - MINUTE), &BOUNDS, MINUTE), now() + MINUTE);
        assert_eq!(first_due(now(), None, &BOUNDS, Duration::ZERO), now());
        let wrong_clock = now() + Duration::from_secs(400 * 86_400);
        assert_eq!(first_due(now(), Some(wrong_clock), &BOUNDS, MINUTE), now() + MINUTE);
    }

    #[test]
    fn a_start_is_spread_by_how_many_there_are() {
        let offsets = |feeds: usize| -> Vec<Duration> {
            (0..feeds).map(|n| spread_start(&format!("feed-{n}").parse().unwrap(), feeds, BOUNDS.interval)).collect()
        };
        assert!(offsets(3).iter().all(|wait| *wait <= Duration::from_millis(60)));
        let many = offsets(10_000);
        assert!(many.iter().all(|wait| *wait <= Duration::from_secs(200)));
        let in_one_second = |n: u64| many.iter().filter(|wait| wait.as_secs() == n).count();
        assert!((0..200).all(|n| in_one_second(n) < 100), "no second has twice its share");
        assert!(offsets(100_000).iter().all(|wait| *wait <= BOUNDS.interval));
    }
}

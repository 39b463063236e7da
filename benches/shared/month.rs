//! A month of many feeds, played with a plain clock: when entries appeared, what a poller asked, what it saw and how
//! late. `benches/schedule.rs` plays it large and prints the table; `tests/it/pace.rs` plays it small.
//!
//! The feeds are made by a seeded die, after what feeds do: a few wires bring hundreds of entries a day, many sites one a
//! week; days have nights, weeks have weekends, news comes in bursts, and a site often shows several entries at once.
#![allow(clippy::unwrap_used)]

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use wirewatch::{
    config::FeedId,
    schedule::{
        HostKey, Known, Limits, NEVER, Pace, PollBounds, PollOutcome, Rhythm, Scheduler, Spacing, next_poll, pace,
        spread_start,
    },
};

const MINUTE: Duration = Duration::from_secs(60);
/// What a poll takes.
const POLL: Duration = Duration::from_millis(300);

/// A feed's month.
#[derive(Debug, Clone)]
pub struct History {
    /// When its entries appeared, in order.
    pub entries: Vec<DateTime<Utc>>,
    /// How many it shows at a time.
    pub window: usize,
    /// What it says of itself.
    pub rhythm: Rhythm,
    /// What its server asks for with `max-age`.
    pub fresh: Option<Duration>,
    /// From when on it answers 410.
    pub gone: Option<DateTime<Utc>>,
    /// It answers 404.
    pub is_missing: bool,
    /// Which host serves it.
    pub host: usize,
}

/// What a way of polling came to.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Requests made.
    pub requests: usize,
    /// Requests that a server had asked not to make yet.
    pub impolite: usize,
    /// Entries that were seen.
    pub seen: usize,
    /// Entries that had left the window before a poll came.
    pub missed: usize,
    /// Of those seen, in seconds, sorted.
    pub delays: Vec<f64>,
}

impl Outcome {
    /// Mean delay of the entries that were seen, in minutes.
    pub fn mean_minutes(&self) -> f64 {
        self.delays.iter().sum::<f64>() / self.delays.len().max(1) as f64 / 60.0
    }
}

/// Numbers without pattern, the same in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.throw()
    }

    /// As often small as large by factors: most feeds are quiet, a few are not.
    fn log_between(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    fn choose<T: Clone>(&mut self, from: &[T]) -> T {
        from[(self.throw() * from.len() as f64) as usize].clone()
    }
}

pub fn start() -> DateTime<Utc> {
    // A Monday.
    "2026-06-01T00:00:00Z".parse().unwrap()
}

/// So many feeds over so many days.
pub fn feeds(count: usize, days: i64) -> Vec<History> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    (0..count).map(|n| feed(&mut dice, n * 100 / count, n, days)).collect()
}

/// `place` in a hundred says what kind of feed it is.
fn feed(dice: &mut Dice, place: usize, number: usize, days: i64) -> History {
    let (a_day, windows, night, weekend): (f64, &[usize], f64, f64) = match place {
        // Wires, newspapers, magazines and ministries, blogs and institutes, and what has fallen silent.
        0..4 => (dice.log_between(150.0, 600.0), &[20, 30, 50, 100], 0.4, 0.7),
        4..20 => (dice.log_between(25.0, 150.0), &[10, 20, 25, 30, 50], 0.08, 0.6),
        20..50 => (dice.log_between(1.0, 12.0), &[10, 15, 20], 0.02, 0.1),
        50..92 => (dice.log_between(0.03, 1.0), &[10, 20], 0.1, 0.3),
        _ => (0.0, &[10], 1.0, 1.0),
    };
    // Blog software says "hourly" unless told otherwise, generators of RSS 2.0 like a ttl of 60, caches their minutes.
    let every = match dice.throw() {
        ..0.25 if place >= 20 => Some(MINUTE * 60),
        0.25..0.35 => Some(MINUTE * dice.choose(&[15, 30, 60, 60, 120, 1_440])),
        _ => None,
    };
    let fresh = (dice.throw() < 0.2).then(|| MINUTE * dice.choose(&[1, 5, 5, 10, 15, 30, 60]));
    let skip_hours = if dice.throw() < 0.02 { 0b11_1111 } else { 0 };
    let end = match place {
        96 => start() + TimeDelta::hours((dice.throw() * 24.0 * days as f64) as i64),
        _ => start() + TimeDelta::days(days),
    };
    History {
        entries: entries(dice, a_day, night, weekend, end),
        window: dice.choose(windows),
        rhythm: Rhythm { every, skip_hours, skip_days: 0 },
        fresh,
        gone: (place == 96).then_some(end),
        is_missing: place == 97,
        // Two in five share a host with others.
        host: if dice.throw() < 0.4 { number / 10 } else { 1_000_000 + number },
    }
}

/// Minute by minute: at night and on weekends less, in bursts more, and often several at once.
fn entries(dice: &mut Dice, a_day: f64, night: f64, weekend: f64, end: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    const AT_ONCE: f64 = 1.4;
    let mut entries = Vec::new();
    if a_day == 0.0 {
        return entries;
    }
    let noon = dice.between(8.0, 18.0);
    let mut burst_until = DateTime::<Utc>::MIN_UTC;
    // A week before the month, so that a first poll finds a window.
    let mut minute = start() - TimeDelta::days(7);
    while minute < end {
        let from_noon = ((f64::from(minute.hour()) - noon + 36.0) % 24.0 - 12.0).abs();
        let of_day = if from_noon < 7.0 { 1.0 } else { night };
        let of_week = if minute.weekday().num_days_from_monday() >= 5 { weekend } else { 1.0 };
        if dice.throw() < 1.0 / (12.0 * 1440.0) {
            burst_until = minute + TimeDelta::minutes(dice.between(60.0, 300.0) as i64);
        }
        let of_burst = if minute < burst_until { 5.0 } else { 1.0 };
        let mut expected = a_day / 1440.0 * of_day * of_week * of_burst / (0.6 + 0.4 * night) / AT_ONCE;
        while expected > 0.0 {
            if dice.throw() < expected.min(1.0) {
                let at = minute + TimeDelta::seconds((dice.throw() * 60.0) as i64);
                let mut more = true;
                while more {
                    entries.push(at);
                    more = dice.throw() < 1.0 - 1.0 / AT_ONCE;
                }
            }
            expected -= 1.0;
        }
        minute += TimeDelta::minutes(1);
    }
    entries.sort_unstable();
    entries.retain(|at| *at < end);
    entries
}

/// Where a poller is with a feed.
struct Reader<'a> {
    history: &'a History,
    read: usize,
    last: Option<DateTime<Utc>>,
    closed_until: Option<DateTime<Utc>>,
}

impl<'a> Reader<'a> {
    fn new(history: &'a History) -> Self {
        Self { history, read: 0, last: None, closed_until: None }
    }

    /// How many arrivals the document holds that was read last.
    fn window(&self) -> Option<u32> {
        let shown = &self.history.entries[self.read.saturating_sub(self.history.window)..self.read];
        (!shown.is_empty()).then(|| pace::window(shown.iter().copied().map(Some)))
    }

    /// One request. Gives what is new, where there is a document.
    fn poll(&mut self, now: DateTime<Utc>, outcome: &mut Outcome) -> Option<&'a [DateTime<Utc>]> {
        outcome.requests += 1;
        outcome.impolite += usize::from(self.closed_until.is_some_and(|until| now < until));
        let history = self.history;
        if history.is_missing {
            return None;
        }
        if history.gone.is_some_and(|gone| now >= gone) {
            self.closed_until = Some(NEVER);
            return None;
        }
        self.closed_until = history.fresh.map(|fresh| now + fresh);
        let shown = history.entries.partition_point(|at| *at <= now);
        let oldest = shown.saturating_sub(history.window).max(self.read);
        let new = &history.entries[oldest..shown];
        // What stands in the first document is its backlog, and nobody is late for that.
        if self.last.is_some() {
            outcome.missed += oldest - self.read;
            outcome.seen += new.len();
            outcome.delays.extend(new.iter().map(|at| (now - *at).as_seconds_f64()));
        }
        self.read = shown;
        Some(new)
    }
}

/// Every feed each `every`, whatever anybody says, as a loop in a script would.
pub fn fixed(feeds: &[History], days: i64, every: Duration, keeps_hints: bool) -> Outcome {
    let mut outcome = Outcome::default();
    for (n, history) in feeds.iter().enumerate() {
        let mut reader = Reader::new(history);
        let mut now = start() + every.mul_f64(n as f64 / feeds.len() as f64);
        while now < start() + TimeDelta::days(days) {
            reader.poll(now, &mut outcome);
            reader.last = Some(now);
            now += every;
            if keeps_hints && let Some(until) = reader.closed_until {
                now = now.max(until);
            }
        }
    }
    outcome.delays.sort_unstable_by(f64::total_cmp);
    outcome
}

/// As wirewatch does: its scheduler, its decisions, its permits.
pub fn wirewatch(feeds: &[History], days: i64, interval: Duration) -> Outcome {
    let bounds = PollBounds { interval, min: MINUTE, max: (MINUTE * 120).max(interval) };
    let spacing = Spacing { gap: Duration::from_secs(1), cycle: interval };
    let mut scheduler = Scheduler::new(Limits { concurrency: 64, per_host: 2, spacing });
    let id = |n: usize| -> FeedId { format!("feed-{n}").parse().unwrap() };
    for (n, history) in feeds.iter().enumerate() {
        let due = start() + spread_start(&id(n), feeds.len(), interval);
        scheduler.add(id(n), HostKey::new(&format!("host-{}", history.host)), due);
    }
    let mut readers: Vec<(Reader<'_>, Pace, u32)> =
        feeds.iter().map(|history| (Reader::new(history), Pace::default(), 0)).collect();
    let mut outcome = Outcome::default();
    let mut dice = Dice(7);
    let mut running: BinaryHeap<Reverse<(DateTime<Utc>, usize)>> = BinaryHeap::new();
    let mut now = start();
    let end = start() + TimeDelta::days(days);
    while now < end {
        for feed in scheduler.take_due(now) {
            running.push(Reverse((now + POLL, feed.as_str()[5..].parse().unwrap())));
        }
        let ends = running.peek().map(|Reverse((end, _))| *end);
        let Some(next) = [scheduler.next_wake(), ends].into_iter().flatten().min() else { break };
        now = next.max(now);
        while let Some(Reverse((end, n))) = running.peek().copied()
            && end <= now
        {
            running.pop();
            let (reader, pace, failures) = &mut readers[n];
            let history = reader.history;
            let polled = match reader.poll(now, &mut outcome) {
                None if history.is_missing => {
                    *failures += 1;
                    PollOutcome::Failed { in_a_row: *failures }
                }
                None => PollOutcome::Gone,
                Some(new) => {
                    let times = new.iter().copied().map(Some);
                    match reader.last {
                        None => *pace = Pace::of_first(now, times),
                        Some(last) => {
                            let waited = (now - last).to_std().unwrap();
                            *pace = pace.after(waited, pace::arrivals(now, waited, times));
                        }
                    }
                    reader.last = Some(now);
                    if new.is_empty() { PollOutcome::NotModified } else { PollOutcome::New }
                }
            };
            let is_well = !matches!(polled, PollOutcome::Failed { .. });
            let known = Known {
                fresh: history.fresh.filter(|_| is_well),
                rhythm: history.rhythm,
                pace: *pace,
                window: reader.window(),
                has_gap: false,
                is_pushed: false,
            };
            scheduler.finished(&id(n), next_poll(now, &polled, &known, &bounds, dice.throw()).due);
        }
    }
    outcome.delays.sort_unstable_by(f64::total_cmp);
    outcome
}

//! How often a feed brings something, learned from its polls. Plain numbers, kept with the feed.
//!
//! Two rates are kept: the usual one over a week, and the recent one over hours, which follows the day. The recent one
//! leans on the usual one while it has seen little itself, so that a feed wakes up in the morning and is not forgotten
//! at night.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// After so long, what was seen counts half for the usual rate: a week holds every day of it.
const USUAL_HALF_LIFE_HOURS: f64 = 7.0 * 24.0;
/// The same for the recent rate: short enough to follow a morning, long enough not to follow every gap.
const RECENT_HALF_LIFE_HOURS: f64 = 1.0;
/// Of a first document, entries older than this say nothing of today.
const FIRST_DAYS_MAX: i64 = 7;
/// The least time that a rate is reckoned over: two entries in a first minute are not yet a hundred an hour.
const HOURS_MIN: f64 = 1.0;

/// A feed at its busiest brings so many times what it usually does: nights and weekends are in the usual rate, and news
/// comes in bursts.
const BURST: f64 = 8.0;

/// What was seen, and in how long; both fade.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rate {
    /// Arrivals.
    pub arrivals: f64,
    /// Over so many hours.
    pub hours: f64,
}

/// How often a feed brings something.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pace {
    /// Over about a week.
    pub usual: Rate,
    /// Over about an hour or two.
    pub recent: Rate,
}

impl Rate {
    /// After `hours` more in which `arrivals` came, spread over them.
    fn after(self, hours: f64, arrivals: f64, half_life_hours: f64) -> Self {
        let kept = (-hours / half_life_hours).exp2();
        // The integral of the fading over the new hours: what came early in a long wait has faded by its end.
        let new_hours = half_life_hours / std::f64::consts::LN_2 * (1.0 - kept);
        let share = if hours > 0.0 { new_hours / hours } else { 1.0 };
        Self { arrivals: self.arrivals * kept + arrivals * share, hours: self.hours * kept + new_hours }
    }
}

impl Pace {
    /// What a first document tells by its entries' times.
    pub fn of_first(now: DateTime<Utc>, times: impl IntoIterator<Item = Option<DateTime<Utc>>>) -> Self {
        let oldest = now - TimeDelta::days(FIRST_DAYS_MAX);
        let mut minutes: Vec<i64> = times
            .into_iter()
            .flatten()
            .filter(|time| *time >= oldest && *time <= now)
            .map(|time| time.timestamp().div_euclid(60))
            .collect();
        minutes.sort_unstable();
        minutes.dedup();
        let Some(first) = minutes.first() else { return Self::default() };
        let since = |minute: i64| (now.timestamp() as f64 / 60.0 - minute as f64).max(0.0) / 60.0;
        let mut pace = Self::default();
        let mut before = since(*first);
        for minute in &minutes[1..] {
            let hours = since(*minute);
            pace = pace.after_hours((before - hours).max(0.0), 1);
            before = hours;
        }
        pace.after_hours(before, 0)
    }

    /// After a poll that went well, `waited` after the last one that did: what it brought, as [`arrivals`] counts it.
    #[must_use]
    pub fn after(self, waited: Duration, arrivals: u32) -> Self {
        self.after_hours(waited.as_secs_f64() / 3600.0, arrivals)
    }

    fn after_hours(self, hours: f64, arrivals: u32) -> Self {
        let arrivals = f64::from(arrivals);
        Self {
            usual: self.usual.after(hours, arrivals, USUAL_HALF_LIFE_HOURS),
            recent: self.recent.after(hours, arrivals, RECENT_HALF_LIFE_HOURS),
        }
    }

    /// How long a document that holds `window` arrivals lasts when the feed is as busy as it is at its busiest.
    pub fn window_lasts(&self, window: u32) -> Option<Duration> {
        Duration::try_from_secs_f64(f64::from(window) / (self.usual_rate()? * BURST) * 3600.0).ok()
    }

    /// Arrivals an hour.
    fn usual_rate(&self) -> Option<f64> {
        let usual = self.usual.arrivals / self.usual.hours.max(HOURS_MIN);
        (usual.is_finite() && usual > 0.0).then_some(usual)
    }

    /// How long it is likely to be from one arrival to the next, now; `None` where nothing has come yet.
    pub fn typical_gap(&self) -> Option<Duration> {
        let usual = self.usual_rate()?;
        // One arrival at the usual rate is what is known beforehand.
        let hours = (1.0 / usual + self.recent.hours.max(0.0)) / (1.0 + self.recent.arrivals.max(0.0));
        Duration::try_from_secs_f64(hours * 3600.0).ok()
    }
}

/// How many arrivals the new entries of a document stand for, `waited` after the last one was read. Entries of the same
/// minute came together; those without a time, or with one from long before, may have.
pub fn arrivals(now: DateTime<Utc>, waited: Duration, times: impl IntoIterator<Item = Option<DateTime<Utc>>>) -> u32 {
    // Sites show an entry some time after the minute that it names.
    let since = TimeDelta::from_std(waited).map_or(now, |waited| now - waited - TimeDelta::hours(1));
    let mut minutes = Vec::new();
    let mut is_other = false;
    for time in times {
        match time {
            Some(time) if time >= since => minutes.push(time.timestamp().div_euclid(60)),
            _ => is_other = true,
        }
    }
    minutes.sort_unstable();
    minutes.dedup();
    u32::try_from(minutes.len()).unwrap_or(u32::MAX).saturating_add(u32::from(is_other))
}

/// How many arrivals a document's entries stand for: what came in one minute came together, and what has no time alone.
pub fn window(times: impl IntoIterator<Item = Option<DateTime<Utc>>>) -> u32 {
    let mut undated = 0;
    let mut minutes: Vec<i64> = Vec::new();
    for time in times {
        match time {
            Some(time) => minutes.push(time.timestamp().div_euclid(60)),
            None => undated += 1,
        }
    }
    minutes.sort_unstable();
    minutes.dedup();
    u32::try_from(minutes.len() + undated).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn now() -> DateTime<Utc> {
        "2026-01-05T12:00:00Z".parse().unwrap()
    }

    fn minutes(pace: &Pace) -> f64 {
        pace.typical_gap().unwrap().as_secs_f64() / 60.0
    }

    #[test]
    fn a_steady_feed_s_gap_is_learned_from_any_wait() {
        for (wait, arrivals) in [(2, 1), (10, 5), (60, 30)] {
            let mut pace = Pace::default();
            for _ in 0..2_000 / wait {
                pace = pace.after(MINUTE * wait, arrivals);
            }
            assert!((1.8..2.2).contains(&minutes(&pace)), "{} minutes at waits of {wait}", minutes(&pace));
        }
    }

    #[test]
    fn a_night_slows_it_and_a_morning_wakes_it() {
        let mut pace = Pace::default();
        let day = |pace: &mut Pace| {
            for _ in 0..60 {
                *pace = pace.after(MINUTE * 15, 0);
            }
            let night = pace.typical_gap().map_or(f64::INFINITY, |gap| gap.as_secs_f64() / 60.0);
            for _ in 0..8 {
                *pace = pace.after(MINUTE * 15, 3);
            }
            (night, minutes(pace))
        };
        for _ in 0..5 {
            day(&mut pace);
        }
        let (night, morning) = day(&mut pace);
        assert!(night > 60.0 && morning < 10.0, "{night} at night, {morning} in the morning");
    }

    #[test]
    fn a_first_document_tells_by_its_times() {
        let times = |every: i64, count: i64| (0..count).map(move |n| Some(now() - TimeDelta::minutes(n * every)));
        assert!((8.0..14.0).contains(&minutes(&Pace::of_first(now(), times(10, 50)))));
        assert!(minutes(&Pace::of_first(now(), times(1440, 50))) > 600.0);
        assert_eq!(Pace::of_first(now(), [None, None]).typical_gap(), None);
        let ahead_or_old = [Some(now() + TimeDelta::hours(1)), Some(now() - TimeDelta::days(30))];
        assert_eq!(Pace::of_first(now(), ahead_or_old).typical_gap(), None);
        let at_once = Pace::of_first(now(), (0..50).map(|_| Some(now())));
        assert_eq!(at_once.typical_gap(), None, "what came at once has no gap");
    }

    #[test]
    fn entries_of_one_minute_came_together() {
        let at = |minutes: i64| Some(now() - TimeDelta::minutes(minutes));
        assert_eq!(arrivals(now(), MINUTE * 15, [at(1), at(1), at(5)]), 2);
        assert_eq!(arrivals(now(), MINUTE * 15, [at(3 * 60), at(5 * 60), None, None]), 1);
        assert_eq!(arrivals(now(), MINUTE * 15, [at(1), None]), 2);
        assert_eq!(arrivals(now(), MINUTE * 15, []), 0);
        assert_eq!(window([at(1), at(1), at(5_000), None, None]), 4);
    }

    #[test]
    fn odd_numbers_from_a_store_are_no_pace() {
        for bad in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
            let pace = Pace { usual: Rate { arrivals: bad, hours: 1.0 }, recent: Rate::default() };
            assert_eq!(pace.typical_gap(), None);
        }
        let pace = Pace { usual: Rate { arrivals: 1.0, hours: 1.0 }, recent: Rate { arrivals: f64::NAN, hours: -3.0 } };
        assert!(pace.typical_gap().is_some());
    }
}

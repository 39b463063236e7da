//! What a feed says of its own rhythm: how often it is worth asking, and when it sleeps.

use std::time::Duration;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};

/// What a feed says of its own rhythm: RSS `ttl`, `skipHours`, `skipDays`, `sy:updatePeriod` and `sy:updateFrequency`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rhythm {
    /// How long one reading is good for.
    pub every: Option<Duration>,
    /// Hours of the day in UTC in which it sleeps, a bit each, that of 0 o'clock the lowest.
    pub skip_hours: u32,
    /// Days of the week on which it sleeps, a bit each, Monday's the lowest.
    pub skip_days: u8,
}

/// All hours of a day. A feed that names them all has made a mistake, and so has one that names every day.
const ALL_HOURS: u32 = (1 << 24) - 1;
const ALL_DAYS: u8 = (1 << 7) - 1;

impl Rhythm {
    /// The first moment from `time` on at which the feed does not sleep.
    pub fn awake_at(&self, time: DateTime<Utc>) -> DateTime<Utc> {
        let hours = if self.skip_hours & ALL_HOURS == ALL_HOURS { 0 } else { self.skip_hours };
        let days = if self.skip_days & ALL_DAYS == ALL_DAYS { 0 } else { self.skip_days };
        if hours == 0 && days == 0 {
            return time;
        }
        let sleeps =
            |at: DateTime<Utc>| hours & (1 << at.hour()) != 0 || days & (1 << at.weekday().num_days_from_monday()) != 0;
        let mut at = time;
        // Some hour of some day within a week is awake, since neither names them all.
        for _ in 0..7 * 24 {
            if !sleeps(at) {
                break;
            }
            let into_hour = TimeDelta::seconds(i64::from(at.minute() * 60 + at.second()))
                + TimeDelta::nanoseconds(i64::from(at.nanosecond()));
            at = at - into_hour + TimeDelta::hours(1);
        }
        at
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(skip_hours: &[u32], skip_days: &[u32], time: &str, expected: &str) {
        let bits = |list: &[u32]| list.iter().map(|n| 1 << n).sum::<u32>();
        let rhythm =
            Rhythm { every: None, skip_hours: bits(skip_hours), skip_days: u8::try_from(bits(skip_days)).unwrap() };
        assert_eq!(rhythm.awake_at(time.parse().unwrap()), expected.parse::<DateTime<Utc>>().unwrap());
    }

    #[test]
    fn hours_and_days_of_sleep_are_slept_through() {
        // 2026-01-01 is a Thursday, 3 in the week.
        check(&[], &[], "2026-01-01T02:10:05.5Z", "2026-01-01T02:10:05.5Z");
        check(&[0, 1, 2, 3], &[], "2026-01-01T02:10:05.5Z", "2026-01-01T04:00:00Z");
        check(&[23, 0], &[], "2026-01-01T23:59:59Z", "2026-01-02T01:00:00Z");
        check(&[], &[5, 6], "2026-01-03T12:00:00Z", "2026-01-05T00:00:00Z");
        check(&[0, 1], &[5, 6], "2026-01-03T12:00:00Z", "2026-01-05T02:00:00Z");
        check(&[5], &[], "2026-01-01T04:59:59Z", "2026-01-01T04:59:59Z");
        let all: Vec<u32> = (0..24).collect();
        check(&all, &[0, 1, 2, 3, 4, 5, 6], "2026-01-03T12:00:00Z", "2026-01-03T12:00:00Z");
        check(&all[1..], &[0, 1, 2, 3, 4, 5], "2026-01-05T12:00:00Z", "2026-01-11T00:00:00Z");
    }
}

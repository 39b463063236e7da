//! What a document says of its own rhythm: RSS `ttl`, `skipHours` and `skipDays`, and the syndication module's
//! `sy:updatePeriod` and `sy:updateFrequency`, under any prefix. What cannot be read says nothing.

use std::time::Duration;

use chrono::Weekday;

use super::{
    field::{Field, children},
    name::local,
    outline::Outline,
};
use crate::schedule::Rhythm;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// More often than this in a period is a slip of the pen.
const FREQUENCY_MAX: u32 = 10_000;

/// Reads it from what stands in the feed itself.
pub fn read(outline: &Outline<'_>) -> Rhythm {
    let field = |name: &str| outline.fields.iter().find(|field| local(field.name).eq_ignore_ascii_case(name));
    let word = |name: &str| field(name).map(|field| plain(field.inner));
    let ttl = word("ttl").and_then(|minutes| minutes.parse::<u32>().ok()).filter(|minutes| *minutes > 0);
    let ttl = ttl.map(|minutes| Duration::from_secs(60 * u64::from(minutes)));
    let period = word("updatePeriod").and_then(|period| period_of(&period.to_ascii_lowercase()));
    let frequency = word("updateFrequency").and_then(|times| times.parse().ok());
    let updates = period.map(|period| period / frequency.unwrap_or(1).clamp(1, FREQUENCY_MAX));
    Rhythm {
        // Who states both means the slower one no less.
        every: ttl.max(updates),
        skip_hours: field("skipHours").map_or(0, |field| bits(field, outline, "hour", hour)),
        skip_days: field("skipDays")
            .map_or(0, |field| bits(field, outline, "day", day))
            .try_into()
            .expect("a weekday is a bit of the lowest seven"),
    }
}

fn plain(inner: &str) -> &str {
    let inner = inner.trim();
    inner.strip_prefix("<![CDATA[").and_then(|inner| inner.strip_suffix("]]>")).unwrap_or(inner).trim()
}

fn period_of(word: &str) -> Option<Duration> {
    match word {
        "hourly" => Some(HOUR),
        "daily" => Some(DAY),
        "weekly" => Some(7 * DAY),
        "monthly" => Some(30 * DAY),
        "yearly" => Some(365 * DAY),
        _ => None,
    }
}

fn bits(field: &Field<'_>, outline: &Outline<'_>, name: &str, bit: fn(&str) -> Option<u32>) -> u32 {
    let named = children(field.inner, &outline.scope);
    let named = named.iter().filter(|child| local(child.name).eq_ignore_ascii_case(name));
    named.filter_map(|child| bit(plain(child.inner))).fold(0, |all, bit| all | (1 << bit))
}

/// RSS 0.91 counted 1 to 24, where 24 is midnight; RSS 2.0 counts 0 to 23.
fn hour(word: &str) -> Option<u32> {
    word.parse::<u32>().ok().filter(|hour| *hour <= 24).map(|hour| hour % 24)
}

fn day(word: &str) -> Option<u32> {
    word.parse::<Weekday>().ok().map(|day| day.num_days_from_monday())
}

#[cfg(test)]
mod tests {
    use super::{super::outline::walk, *};

    #[track_caller]
    fn check(inside: &str, minutes: Option<u64>, hours: &[u32], days: &[u32]) {
        let rhythm = read(&walk(&format!(
            "<rss version=\"2.0\"><channel><title>x</title>{inside}<item><title>1</title><ttl>7</ttl></item></channel></rss>"
        )));
        let bits = |list: &[u32]| list.iter().map(|n| 1 << n).sum::<u32>();
        let found = (rhythm.every.map(|every| every.as_secs() / 60), rhythm.skip_hours, u32::from(rhythm.skip_days));
        assert_eq!(found, (minutes, bits(hours), bits(days)), "{inside}");
    }

    #[test]
    fn a_feed_tells_how_often_and_when_it_sleeps() {
        check("", None, &[], &[]);
        check("<ttl>60</ttl>", Some(60), &[], &[]);
        check("<ttl><![CDATA[ 30 ]]></ttl>", Some(30), &[], &[]);
        check("<ttl>0</ttl>", None, &[], &[]);
        check("<ttl>soon</ttl>", None, &[], &[]);
        check("<ttl>-5</ttl>", None, &[], &[]);
        check("<sy:updatePeriod> hourly </sy:updatePeriod>", Some(60), &[], &[]);
        check(
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
            Some(360),
            &[],
            &[],
        );
        check("<syn:updatePeriod>Weekly</syn:updatePeriod>", Some(7 * 1440), &[], &[]);
        check(
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>",
            Some(1440),
            &[],
            &[],
        );
        check("<sy:updatePeriod>at times</sy:updatePeriod>", None, &[], &[]);
        check("<ttl>5</ttl><sy:updatePeriod>hourly</sy:updatePeriod>", Some(60), &[], &[]);
        check("<skipHours><hour>0</hour><hour>1</hour><hour> 23 </hour></skipHours>", None, &[0, 1, 23], &[]);
        check("<skipHours><hour>24</hour><hour>25</hour><hour>x</hour></skipHours>", None, &[0], &[]);
        check("<skipDays><day>Saturday</day><day>sunday</day><day>Doomsday</day></skipDays>", None, &[], &[5, 6]);
        check("<skipdays><day>Monday</day></skipdays>", None, &[], &[0]);
    }
}

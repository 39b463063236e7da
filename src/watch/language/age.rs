//! How long ago an article was published, as `published:<24h` asks.

use std::{ops::RangeInclusive, time::Duration};

use chrono::{DateTime, Utc};

use crate::config::value::{DurationError, parse_duration};

/// The ages that one comparison allows, in whole milliseconds; empty for `<0s`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgeTest {
    /// Both ends included.
    pub ages_ms: RangeInclusive<u64>,
}

/// What is wrong with the value, and the way out.
pub type Wrong = (String, Option<String>);

impl AgeTest {
    /// Reads `<24h`, `<=1h30m`, `>7d`, `>=90m`.
    ///
    /// # Errors
    /// What it lacks.
    pub fn read(text: &str) -> Result<Self, Wrong> {
        let operators = ["<=", ">=", "≤", "≥", "<", ">"];
        let found = operators.iter().find_map(|operator| Some((*operator, text.strip_prefix(operator)?)));
        let Some((operator, duration)) = found else {
            return Err(without_operator(text));
        };
        match parse_duration(duration) {
            Ok(age) => {
                // A hundred years of milliseconds fit many times over.
                let ms = age.as_millis() as u64;
                let ages_ms = match operator {
                    "<=" | "≤" => 0..=ms,
                    ">=" | "≥" => ms..=u64::MAX,
                    // Nothing is younger than nothing.
                    "<" => u64::from(ms == 0)..=ms.saturating_sub(1),
                    _ => ms + 1..=u64::MAX,
                };
                Ok(Self { ages_ms })
            }
            Err(DurationError::Empty) => {
                let message = format!("`published:{operator}` needs a duration right behind it");
                Err((message, Some(format!("write `published:{operator}24h`"))))
            }
            Err(error) => Err((error.to_string(), Some(DURATIONS.to_owned()))),
        }
    }

    /// Whether an article of that date is of such an age at `now`. One from the future is new: clocks differ.
    pub fn holds(&self, published: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let age = now.signed_duration_since(published).to_std().unwrap_or(Duration::ZERO);
        self.ages_ms.contains(&u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
    }
}

const DURATIONS: &str = "durations are whole numbers and `d`, `h`, `m`, `s`: `24h`, `7d`, `1h30m`";

fn without_operator(text: &str) -> Wrong {
    if parse_duration(text).is_ok() {
        let help = format!("`published:<{text}` is newer than that, `published:>{text}` older");
        return ("`published:` needs `<` or `>` before the duration".to_owned(), Some(help));
    }
    let help = format!("`published:<24h` is newer than a day, `published:>7d` older than a week; {DURATIONS}");
    ("`published:` compares an article's age with a duration".to_owned(), Some(help))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(test: &str, age: &str, expected: bool) {
        let now: DateTime<Utc> = "2026-11-25T12:00:00Z".parse().unwrap();
        let ahead = age.strip_prefix('-');
        let age = parse_duration(ahead.unwrap_or(age)).unwrap();
        let published = if ahead.is_some() { now + age } else { now - age };
        assert_eq!(AgeTest::read(test).unwrap().holds(published, now), expected, "{test} at {age:?}");
    }

    #[test]
    fn ages_compare() {
        check("<24h", "23h", true);
        check("<24h", "1d", false);
        check("<=24h", "1d", true);
        check("<=24h", "24h1s", false);
        check(">7d", "7d", false);
        check(">7d", "7d1ms", true);
        check(">=7d", "7d", true);
        check("<1h30m", "89m", true);
        check("≤90m", "1h30m", true);
        check("≥90m", "89m", false);
    }

    #[test]
    fn articles_from_the_future_are_new() {
        check("<1s", "-3h", true);
        check(">1s", "-3h", false);
        check(">=0s", "-3h", true);
        check("<0s", "-3h", false);
    }
}

//! How fast a sink is sent to: `rate`, `concurrency` and `batch` of `[[sink]]`.

use std::{str::FromStr, time::Duration};

use super::{
    problem::Problem,
    raw::{Table, Value},
    reader::Reader,
};

/// By the contract: enough to hide a receiver's latency, few enough not to bury it.
const CONCURRENCY: usize = 8;
const CONCURRENCY_MAX: usize = 64;
/// Each send within the window is remembered.
const RATE_MAX: u32 = 10_000;
/// Alerts in one body: at some 3 kB each, what a receiver still takes.
const BATCH_MAX: usize = 500;
/// An alert that waits for longer is no alert.
const BATCH_WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How fast a sink is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Requests in a time; `None` is as many as it takes.
    pub rate: Option<Rate>,
    /// Requests at once.
    pub concurrency: usize,
    /// Alerts in one body; 1 is none but itself.
    pub batch_max: usize,
    /// How long an alert waits for others.
    pub batch_wait: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { rate: None, concurrency: CONCURRENCY, batch_max: 1, batch_wait: Duration::ZERO }
    }
}

/// `10/s`: at most so many in any such time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// 1 to 10,000.
    pub count: u32,
    /// A second, a minute, an hour or a day.
    pub per: Duration,
}

/// What is wrong with a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// `10`, `fast`.
    #[error("`{0}` is not a number, a slash and a unit of time")]
    Form(String),
    /// `0/s`, `1000000/s`.
    #[error("a rate is 1 to {RATE_MAX} in a time, not {0}")]
    Count(String),
    /// `10/week`.
    #[error("`{0}` is none of `s`, `m`, `h`, `d`")]
    Unit(String),
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (count, unit) = text.split_once('/').ok_or_else(|| RateError::Form(text.to_owned()))?;
        let (count, unit) = (count.trim(), unit.trim());
        if count.is_empty() || !count.bytes().all(|b| b.is_ascii_digit()) {
            return Err(RateError::Form(text.to_owned()));
        }
        let number = count.parse().ok().filter(|number| (1..=RATE_MAX).contains(number));
        let count = number.ok_or_else(|| RateError::Count(count.to_owned()))?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            other => return Err(RateError::Unit(other.to_owned())),
        };
        Ok(Self { count, per: Duration::from_secs(seconds) })
    }
}

/// Reads the three keys of one sink.
pub(super) fn read<'a>(reader: &mut Reader<'a>, table: &Table<'a>) -> Pace {
    let rate = table.get("rate").and_then(|value| rate(reader, value));
    let mut pace = Pace { rate, ..Pace::default() };
    if let Some(count) = table.get("concurrency").and_then(|value| reader.count(value, 1..=CONCURRENCY_MAX)) {
        pace.concurrency = count;
    }
    if let Some(value) = table.get("batch") {
        batch(reader, value, &mut pace);
    }
    pace
}

fn rate<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<Rate> {
    let text = reader.text(value)?;
    text.value
        .parse()
        .map_err(|error: RateError| {
            let problem = Problem::error(format!("`{}` is no rate: {error}", value.key));
            reader.note(&value.span, problem.help("rates are written `10/s`, `30/m`, `100/h`"));
        })
        .ok()
}

fn batch<'a>(reader: &mut Reader<'a>, value: &Value<'a>, pace: &mut Pace) {
    let Some(table) = value.table() else {
        let problem = Problem::error(format!("`batch` is a table, not {}", value.kind()));
        reader.note(&value.span, problem.help("write it as in `batch = { max = 20, wait = \"10s\" }`"));
        return;
    };
    for key in table.values.iter().filter(|key| !["max", "wait"].contains(&key.key)) {
        let problem = Problem::error(format!("unknown key `{}`", key.key));
        reader.note(&key.key_span, problem.help("a batch has `max` and `wait`"));
    }
    if let Some(max) = table.get("max").and_then(|value| reader.count(value, 1..=BATCH_MAX)) {
        pace.batch_max = max;
    }
    if let Some(wait) = table.get("wait").and_then(|value| reader.duration(value, Duration::ZERO..=BATCH_WAIT_MAX)) {
        pace.batch_wait = wait;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(u32, u64), RateError>) {
        let rate = text.parse::<Rate>().map(|rate| (rate.count, rate.per.as_secs()));
        assert_eq!(rate, expected);
    }

    #[test]
    fn rates() {
        check("10/s", Ok((10, 1)));
        check("30 / h", Ok((30, 3_600)));
        check("1/m", Ok((1, 60)));
        check("5/d", Ok((5, 86_400)));
        check("10", Err(RateError::Form("10".into())));
        check("-1/s", Err(RateError::Form("-1/s".into())));
        check("/s", Err(RateError::Form("/s".into())));
        check("0/s", Err(RateError::Count("0".into())));
        check("10001/s", Err(RateError::Count("10001".into())));
        check("10/week", Err(RateError::Unit("week".into())));
    }
}

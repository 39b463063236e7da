//! The small forms that values are written in: durations, `${VAR}`, hosts. Text in, value or what is wrong out.

use std::{net::IpAddr, ops::Range, time::Duration};

use url::{Host, Url};

use super::environment::Environment;

/// What is wrong with a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing there.
    #[error("a duration can't be empty")]
    Empty,
    /// `30`: thirty what?
    #[error("`{0}` has no unit")]
    NoUnit(String),
    /// A unit we don't know.
    #[error("`{0}` is no unit of time")]
    Unit(String),
    /// `1.5h`, `-5m`, `m5`.
    #[error("`{0}` is not a whole number and a unit")]
    Number(String),
    /// `5m1h`, `5m5m`.
    #[error("units go from long to short, each once")]
    Order,
    /// Would not fit, or nobody means it.
    #[error("it is longer than 100 years")]
    TooLong,
}

/// A hundred years: anything longer is a slip, and sums of it stay far from overflow.
const DURATION_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Longest first, which is also the order in which they are written.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads `200ms`, `30s`, `5m`, `1h30m`, `7d`.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(DurationError::Empty);
    }
    let mut total_ms = 0_u64;
    let mut units_left = &UNITS[..];
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let after = &rest[digits..];
        let unit_end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        if digits == 0 || (unit_end == 0 && !after.is_empty()) {
            return Err(DurationError::Number(text.trim().to_owned()));
        }
        if after.is_empty() {
            return Err(DurationError::NoUnit(text.trim().to_owned()));
        }
        let unit = &after[..unit_end];
        if !UNITS.iter().any(|(name, _)| *name == unit) {
            return Err(DurationError::Unit(unit.to_owned()));
        }
        let place = units_left.iter().position(|(name, _)| *name == unit).ok_or(DurationError::Order)?;
        let number: u64 = rest[..digits].parse().map_err(|_| DurationError::TooLong)?;
        let part = number.checked_mul(units_left[place].1).ok_or(DurationError::TooLong)?;
        total_ms = total_ms.checked_add(part).ok_or(DurationError::TooLong)?;
        units_left = &units_left[place + 1..];
        rest = &after[unit_end..];
    }
    let duration = Duration::from_millis(total_ms);
    if duration > DURATION_MAX { Err(DurationError::TooLong) } else { Ok(duration) }
}

/// A duration as [`parse_duration`] reads it, to the millisecond.
pub fn format_duration(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (name, ms) in UNITS {
        if left >= ms {
            text.push_str(&format!("{}{name}", left / ms));
            left %= ms;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// What is wrong with a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// `10`: ten what?
    #[error("`{0}` has no unit")]
    NoUnit(String),
    /// `10 mb/s`, `10KiB`.
    #[error("`{0}` is no unit of size")]
    Unit(String),
    /// `1.5MB`, `-5MB`, nothing.
    #[error("`{0}` is not a whole number and a unit")]
    Number(String),
    /// Would not fit.
    #[error("it is too large")]
    TooLarge,
}

/// Reads `500kB`, `10MB`, `2GB`: thousands, as disks are sold. In bytes.
pub fn parse_size(text: &str) -> Result<u64, SizeError> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if digits == 0 || text[digits..].starts_with(['.', ',']) {
        return Err(SizeError::Number(text.to_owned()));
    }
    let bytes = match text[digits..].trim_start() {
        "" => return Err(SizeError::NoUnit(text.to_owned())),
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        unit => return Err(SizeError::Unit(unit.to_owned())),
    };
    let number: u64 = text[..digits].parse().map_err(|_| SizeError::TooLarge)?;
    number.checked_mul(bytes).ok_or(SizeError::TooLarge)
}

/// What is wrong with a `$` in a string, and which bytes of the string it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpandError {
    /// In the unexpanded text.
    pub span: Range<usize>,
    /// What is wrong.
    pub kind: ExpandErrorKind,
}

/// The ways in which a `$` can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandErrorKind {
    /// `${VAR}`, and there is no such variable.
    #[error("the environment has no `{0}`")]
    Unset(String),
    /// `${VAR` without its end.
    #[error("`${{` without its `}}`")]
    Unclosed,
    /// `${1 x}`.
    #[error("`{0}` is no name of a variable")]
    Name(String),
}

/// Puts `${VAR}` and `${VAR:-default}` in; `$$` is a dollar, and so is a `$` before anything else.
///
/// As in shells, `:-` also covers a variable that is set to nothing; a default is taken as it stands.
pub fn expand(text: &str, environment: &Environment) -> Result<String, ExpandError> {
    let mut expanded = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(offset) = text[at..].find('$') {
        let dollar = at + offset;
        expanded.push_str(&text[at..dollar]);
        let after = &text[dollar + 1..];
        if after.starts_with('$') {
            expanded.push('$');
            at = dollar + 2;
            continue;
        }
        if !after.starts_with('{') {
            expanded.push('$');
            at = dollar + 1;
            continue;
        }
        let Some(length) = after.find('}') else {
            return Err(ExpandError { span: dollar..text.len(), kind: ExpandErrorKind::Unclosed });
        };
        let end = dollar + 1 + length + 1;
        let inside = &after[1..length];
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let wrong = |kind| ExpandError { span: dollar..end, kind };
        if !is_variable(name) {
            return Err(wrong(ExpandErrorKind::Name(name.to_owned())));
        }
        match (environment.get(name), default) {
            (Some(value), None) => expanded.push_str(value),
            (Some(value), Some(_)) if !value.is_empty() => expanded.push_str(value),
            (_, Some(default)) => expanded.push_str(default),
            (None, None) => return Err(wrong(ExpandErrorKind::Unset(name.to_owned()))),
        }
        at = end;
    }
    expanded.push_str(&text[at..]);
    Ok(expanded)
}

/// Whether a shell would take it as a variable's name.
pub fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether a URL names a private address by itself, as far as that is plain; a name is judged when it is connected to.
pub(super) fn is_plainly_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Some(Host::Ipv6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Whether a server is reached without crossing a net.
pub(super) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        // Only the hosts of `http:` and its like are read as addresses.
        Some(Host::Domain(name)) => {
            name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[track_caller]
    fn sized(text: &str, expected: Result<u64, SizeError>) {
        assert_eq!(parse_size(text), expected);
    }

    #[test]
    fn sizes() {
        sized("10MB", Ok(10_000_000));
        sized(" 500 kB ", Ok(500_000));
        sized("2GB", Ok(2_000_000_000));
        sized("7B", Ok(7));
        sized("10", Err(SizeError::NoUnit("10".into())));
        sized("10 mb/s", Err(SizeError::Unit("mb/s".into())));
        sized("10KiB", Err(SizeError::Unit("KiB".into())));
        sized("1.5MB", Err(SizeError::Number("1.5MB".into())));
        sized("-5MB", Err(SizeError::Number("-5MB".into())));
        sized("", Err(SizeError::Number(String::new())));
        sized("99999999999GB", Err(SizeError::TooLarge));
        sized("99999999999999999999999GB", Err(SizeError::TooLarge));
    }

    #[track_caller]
    fn duration(text: &str, expected: Result<u64, DurationError>) {
        assert_eq!(parse_duration(text), expected.map(Duration::from_millis));
    }

    #[test]
    fn durations() {
        duration("200ms", Ok(200));
        duration("30s", Ok(30_000));
        duration("5m", Ok(300_000));
        duration("1h30m", Ok(5_400_000));
        duration("7d", Ok(604_800_000));
        duration("1d2h3m4s5ms", Ok(93_784_005));
        duration(" 0s ", Ok(0));
        duration("90m", Ok(5_400_000));
        duration("", Err(DurationError::Empty));
        duration("30", Err(DurationError::NoUnit("30".into())));
        duration("1h30", Err(DurationError::NoUnit("1h30".into())));
        duration("5M", Err(DurationError::Unit("M".into())));
        duration("5min", Err(DurationError::Unit("min".into())));
        duration("1.5h", Err(DurationError::Number("1.5h".into())));
        duration("-5m", Err(DurationError::Number("-5m".into())));
        duration("m", Err(DurationError::Number("m".into())));
        duration("1h 30m", Err(DurationError::Number("1h 30m".into())));
        duration("30m1h", Err(DurationError::Order));
        duration("5m5m", Err(DurationError::Order));
        duration("99999999999999999999d", Err(DurationError::TooLong));
        duration("200000d", Err(DurationError::TooLong));
    }

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in ["200ms", "30s", "1h30m", "7d", "0s", "1d2h3m4s5ms"] {
            assert_eq!(format_duration(parse_duration(text).unwrap()), text);
        }
    }

    #[track_caller]
    fn expands(text: &str, expected: &str) {
        let environment = Environment::of([("HOST", "example.org"), ("EMPTY", ""), ("DOLLAR", "${HOST}")]);
        assert_eq!(expand(text, &environment).unwrap(), expected);
    }

    #[track_caller]
    fn fails(text: &str, span: Range<usize>, kind: ExpandErrorKind) {
        assert_eq!(expand(text, &Environment::default()), Err(ExpandError { span, kind }));
    }

    #[test]
    fn variables_are_put_in() {
        expands("https://${HOST}/feed", "https://example.org/feed");
        expands("${HOST}${HOST}", "example.orgexample.org");
        expands("${MISSING:-fallback}", "fallback");
        expands("${EMPTY:-fallback}", "fallback");
        expands("${EMPTY}", "");
        expands("${MISSING:-}", "");
        expands("$$5 and $$${HOST}", "$5 and $example.org");
        expands("US$ 5, a$b", "US$ 5, a$b");
        expands("$${HOST}", "${HOST}");
        // A variable's value is data: it is not looked into again.
        expands("${DOLLAR}", "${HOST}");
        expands("schön ${HOST} 制裁", "schön example.org 制裁");
        fails("é ${NOPE} x", 3..10, ExpandErrorKind::Unset("NOPE".into()));
        fails("a ${NOPE", 2..8, ExpandErrorKind::Unclosed);
        fails("${}", 0..3, ExpandErrorKind::Name(String::new()));
        fails("${1A}", 0..5, ExpandErrorKind::Name("1A".into()));
    }
}

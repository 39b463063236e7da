//! The dates that feeds really write: RFC 822 with its sins, ISO 8601 with its, asctime. Never made up, never "now".

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};

/// Before this there was no feed: such a date is some program's default (0001-01-01, 1900-01-01).
const YEAR_MIN: i32 = 1970;

/// The time a text means, or `None`. A time without a zone is taken as UTC, a date alone as its midnight.
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    // Longer is prose; and the walk below stays cheap.
    if text.len() < 4 || text.len() > 80 || !text.is_ascii() {
        return None;
    }
    iso(text).or_else(|| words(text)).filter(|time| time.year() >= YEAR_MIN)
}

/// `2003-12-31T10:14:55.5+01:00`, `2003-12-31 10:14`, `20031231`, `2003-335`, `2003-12`, `2003`.
fn iso(text: &str) -> Option<DateTime<Utc>> {
    let (date, rest) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => (text, ""),
    };
    if !date.starts_with(|c: char| c.is_ascii_digit())
        || !date.bytes().all(|b| b.is_ascii_digit() || b"-/".contains(&b))
    {
        return None;
    }
    let date = iso_date(&date.replace('/', "-"))?;
    if rest.is_empty() {
        return assemble(date, NaiveTime::MIN, 0);
    }
    let zone_at = rest.find(['Z', 'z', '+', '-', ' ']).unwrap_or(rest.len());
    let time = clock(&rest[..zone_at])?;
    assemble(date, time, zone(rest[zone_at..].trim())?)
}

fn iso_date(date: &str) -> Option<NaiveDate> {
    let parts: Vec<&str> = date.split('-').collect();
    let number = |text: &str| text.parse::<u32>().ok();
    match parts[..] {
        [year] if year.len() == 4 => NaiveDate::from_ymd_opt(year.parse().ok()?, 1, 1),
        [whole] if whole.len() == 8 => NaiveDate::parse_from_str(whole, "%Y%m%d").ok(),
        [year, day] if year.len() == 4 && day.len() == 3 => NaiveDate::from_yo_opt(year.parse().ok()?, number(day)?),
        [year, month] if year.len() == 4 => NaiveDate::from_ymd_opt(year.parse().ok()?, number(month)?, 1),
        [year, month, day] if year.len() == 4 => {
            NaiveDate::from_ymd_opt(year.parse().ok()?, number(month)?, number(day)?)
        }
        _ => None,
    }
}

/// Dates with a month's name, in any order: `Thu, 01 Jan 2004 19:48:21 GMT`, `Jan 1, 2004 7:48 PM`, asctime.
fn words(text: &str) -> Option<DateTime<Utc>> {
    let (mut day, mut month, mut year, mut time, mut offset, mut afternoon) = (None, None, None, None, 0, None);
    for word in text.split([' ', ',', '\t', '\n', '(', ')']).filter(|w| !w.is_empty()) {
        let first = word.as_bytes()[0];
        if word.contains(':') && first.is_ascii_digit() {
            let zone_at = word.find(['+', '-', 'Z']).unwrap_or(word.len());
            time = Some(clock(&word[..zone_at])?);
            if zone_at < word.len() {
                offset = zone(&word[zone_at..])?;
            }
        } else if matches!(first, b'+' | b'-') {
            offset = zone(word)?;
        } else if first.is_ascii_digit() {
            for part in word.split(['-', '/', '.']).filter(|p| !p.is_empty()) {
                place(part, &mut day, &mut month, &mut year)?;
            }
        } else if matches!(word, "AM" | "am" | "PM" | "pm") {
            afternoon = Some(word.eq_ignore_ascii_case("pm"));
        } else if month.is_none()
            && let Some(number) = month_number(word)
        {
            month = Some(number);
        } else if time.is_some()
            && let Some(known) = zone(word)
        {
            offset = known;
        }
    }
    let date = NaiveDate::from_ymd_opt(year?, month?, day?)?;
    let mut time = time.unwrap_or(NaiveTime::MIN);
    if let Some(afternoon) = afternoon {
        time = time.with_hour(time.hour() % 12 + if afternoon { 12 } else { 0 })?;
    }
    assemble(date, time, offset)
}

/// Puts one number or name of a date where it belongs: day first, then year.
fn place(part: &str, day: &mut Option<u32>, month: &mut Option<u32>, year: &mut Option<i32>) -> Option<()> {
    let digits: &str = part.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if digits.is_empty() {
        *month = Some(month_number(part)?);
        return Some(());
    }
    let number: u32 = digits.parse().ok()?;
    if digits.len() == 4 {
        *year = Some(number as i32);
    } else if day.is_none() && (1..=31).contains(&number) {
        *day = Some(number);
    } else if year.is_none() && digits.len() <= 3 {
        // RFC 2822 §4.3: two digits below 50 are 20xx, others and three digits count from 1900.
        *year = Some(number as i32 + if number < 50 { 2000 } else { 1900 });
    } else {
        return None;
    }
    Some(())
}

fn month_number(word: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let head = word.get(..3)?.to_ascii_lowercase();
    MONTHS.iter().position(|m| *m == head).map(|at| at as u32 + 1)
}

/// `10:14`, `10:14:55`, `10:14:55.123`, `101455`; 24:00 is the day's start, as wires mean it, and a leap second is :59.
fn clock(text: &str) -> Option<NaiveTime> {
    let text = text.split(['.', ',']).next()?;
    let parts: Vec<&str> = match text.len() {
        4 | 6 if !text.contains(':') => vec![&text[..2], &text[2..4], text.get(4..6).unwrap_or("0")],
        _ => text.split(':').collect(),
    };
    let number =
        |at: usize| parts.get(at).map_or(Some(0), |p| if p.is_empty() { Some(0) } else { p.parse::<u32>().ok() });
    NaiveTime::from_hms_opt(number(0)? % 24, number(1)?, number(2)?.min(59))
}

/// A zone as seconds east. Names as RFC 822 has them, and those that wires use.
fn zone(text: &str) -> Option<i32> {
    let text =
        text.strip_prefix("GMT").or(text.strip_prefix("UTC")).filter(|r| r.starts_with(['+', '-'])).unwrap_or(text);
    if let Some(sign) = text.bytes().next().filter(|b| matches!(b, b'+' | b'-')) {
        let digits: String = text[1..].chars().filter(char::is_ascii_digit).collect();
        let (hours, minutes): (i32, i32) = match digits.len() {
            1 | 2 => (digits.parse().ok()?, 0),
            3 => (digits[..1].parse().ok()?, digits[1..].parse().ok()?),
            4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
            _ => return None,
        };
        let seconds = hours * 3600 + minutes * 60;
        return Some(if sign == b'-' { -seconds } else { seconds });
    }
    let hours_x2 = match text.to_ascii_uppercase().as_str() {
        "" | "Z" | "UT" | "UTC" | "GMT" | "WET" => 0,
        "BST" | "CET" | "WEST" | "MEZ" => 2,
        "CEST" | "EET" | "SAST" | "CAT" | "MESZ" => 4,
        "EEST" | "MSK" | "TRT" | "EAT" | "IDT" => 6,
        "GST" | "MSD" => 8,
        "PKT" => 10,
        "IST" => 11,
        "ICT" | "WIB" => 14,
        "HKT" | "SGT" | "AWST" => 16,
        "JST" | "KST" => 18,
        "AEST" => 20,
        "AEDT" => 22,
        "NZST" => 24,
        "ART" | "BRT" | "ADT" => -6,
        "EDT" | "AST" => -8,
        "EST" | "CDT" => -10,
        "CST" | "MDT" => -12,
        "MST" | "PDT" => -14,
        "PST" | "AKDT" => -16,
        _ => return None,
    };
    Some(hours_x2 * 1800)
}

fn assemble(date: NaiveDate, time: NaiveTime, offset_seconds: i32) -> Option<DateTime<Utc>> {
    let zone = FixedOffset::east_opt(offset_seconds)?;
    NaiveDateTime::new(date, time).and_local_timezone(zone).single().map(|t| t.to_utc())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let got = parse(text).map(|t| t.format("%Y-%m-%dT%H:%M:%SZ").to_string());
        assert_eq!(got.as_deref(), expected, "{text:?}");
    }

    #[test]
    fn dates_that_feeds_write() {
        check("Thu, 01 Jan 2004 19:48:21 GMT", Some("2004-01-01T19:48:21Z"));
        check("Thurs, 1 January 2004 19:48 +0300", Some("2004-01-01T16:48:00Z"));
        check("01 Jan 04 19:48:21 EST", Some("2004-01-02T00:48:21Z"));
        check("Jan 1, 2004 7:48 PM", Some("2004-01-01T19:48:00Z"));
        check("Thu Jan  1 19:48:21 2004", Some("2004-01-01T19:48:21Z"));
        check("01-Jan-2004 19:48:21 MSK", Some("2004-01-01T16:48:21Z"));
        check("2003-12-31T10:14:55+01:00", Some("2003-12-31T09:14:55Z"));
        check("2003-12-31T10:14:55.123Z", Some("2003-12-31T10:14:55Z"));
        check("2003-12-31 10:14:55 +0200", Some("2003-12-31T08:14:55Z"));
        check("2003-12-31T10:14", Some("2003-12-31T10:14:00Z"));
        check("2003-335", Some("2003-12-01T00:00:00Z"));
        check("20031231", Some("2003-12-31T00:00:00Z"));
        check("2003-12", Some("2003-12-01T00:00:00Z"));
    }

    #[test]
    fn what_is_no_date_is_none() {
        check("Tomorrow", None);
        check("yesterday", None);
        check("", None);
        check("Thu, 41 Jan 2004 19:48:21 GMT", None);
        check("2003-13-31T10:14:55Z", None);
        check("Thu, 01 Jan 2004 19:48:21 +9999999", None);
    }
}

//! The dates that feeds really write: RFC 822 with its sins, ISO 8601 with its, asctime, months in a dozen languages.
//! Never made up, never "now".

mod clock;
mod iso;
mod names;
mod zone;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use clock::{clock, french_clock, half, in_half, is_days_end};
use iso::iso;

/// Before this there was no feed: such a date is some program's default (0001-01-01, 1900-01-01).
const YEAR_MIN: i32 = 1970;
/// Longer is prose.
const TEXT_BYTES_MAX: usize = 120;
/// Korean feeds that name no zone mean Seoul's.
const SEOUL_SECONDS: i32 = 9 * 3600;

/// More words in a text that are no part of a date make it prose.
const STRANGERS_MAX: usize = 5;

/// What stands first in a feed's dates that are all numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `05-06-2024` is in June.
    DayFirst,
    /// `05-06-2024` is in May.
    MonthFirst,
}

/// What the dates of a feed tell about their order: one with a day above 12 tells it for all, if no other contradicts.
pub fn order(texts: impl Iterator<Item = impl AsRef<str>>) -> Option<Order> {
    let (mut day_first, mut month_first) = (false, false);
    for text in texts {
        for word in text.as_ref().split(|c: char| c.is_whitespace() || c == ',') {
            if let Some([first, second, _]) =
                three(word).filter(|_| is_of_either_order(word) && !may_begin_with_year(word))
            {
                day_first |= first > 12 && second <= 12;
                month_first |= second > 12 && first <= 12;
            }
        }
    }
    match (day_first, month_first) {
        (true, false) => Some(Order::DayFirst),
        (false, true) => Some(Order::MonthFirst),
        _ => None,
    }
}

/// Whether a date in numbers may begin with its day or with its month: not where the year does, nor with dots.
fn is_of_either_order(word: &str) -> bool {
    word.find(['-', '/', '.']).is_some_and(|at| at <= 2 && !word[at..].starts_with('.'))
}

/// Whether a date in numbers may begin with two digits of its year: `24-06-05`.
fn may_begin_with_year(word: &str) -> bool {
    word.contains('-') && word.rsplit('-').next().is_some_and(|last| last.len() < 4)
}

fn three(word: &str) -> Option<[u32; 3]> {
    let mut parts = word.split(['-', '/', '.']).filter(|part| !part.is_empty()).map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

/// The time a text means, or `None`. A time without a zone is taken as UTC, a date alone as its midnight.
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    parse_in(text, None)
}

/// The same in a feed whose dates have this order; without one, what may mean either of two days is none.
pub fn parse_in(text: &str, order: Option<Order>) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if text.len() < 4 || text.len() > TEXT_BYTES_MAX {
        return None;
    }
    // The first second of 1970 is what a program writes that knows no time.
    let parted = parted_by_spaces(text);
    let text = parted.as_deref().unwrap_or(text);
    let is_absurd = |time: &DateTime<Utc>| time.year() < YEAR_MIN || time.timestamp() == 0;
    if text.is_ascii() {
        if let Some(time) = common(text) {
            return Some(time).filter(|time| !is_absurd(time));
        }
        return iso(text, 0)
            .or_else(|| words(&apart(text), 0, order))
            .or_else(|| seconds(text))
            .filter(|time| !is_absurd(time));
    }
    let (folded, is_korean) = names::fold(text);
    let folded = apart(&arabic_months(folded.trim()));
    let offset = if is_korean { SEOUL_SECONDS } else { 0 };
    let text = folded.trim();
    let ascii = text.is_ascii().then(|| iso(text, offset)).flatten();
    ascii.or_else(|| words(text, offset, order)).filter(|time| !is_absurd(time))
}

/// `2024. 9. 5. 10:30`, as Korea and Hungary write it, without the spaces in the date.
fn parted_by_spaces(text: &str) -> Option<String> {
    let (year, rest) = text.split_once(". ")?;
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_date = year.len() == 4 && is_number(year) && is_number(rest.split_once(". ")?.0);
    is_date.then(|| text.replacen(". ", "-", 2))
}

/// The two forms that nine dates in ten have, in a tenth of the time: `Thu, 01 Jan 2004 19:48:21 GMT` and RFC 3339.
fn common(text: &str) -> Option<DateTime<Utc>> {
    if text.as_bytes()[0].is_ascii_digit() && text.as_bytes().get(10) == Some(&b'T') {
        return DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
    }
    let rest = text.split_once(", ").filter(|(weekday, _)| weekday.len() == 3).map_or(text, |(_, rest)| rest);
    let mut words = rest.split(' ');
    let (day, month, year, time, zone) = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
    let is_common = words.next().is_none() && day.len() <= 2 && month.len() == 3 && year.len() == 4 && time.len() == 8;
    let offset = match zone {
        "GMT" | "UTC" | "Z" | "+0000" => 0,
        _ if is_common => zone::offset(zone)?,
        _ => return None,
    };
    let date = NaiveDate::from_ymd_opt(year.parse().ok()?, names::english(month)?, day.parse().ok()?)?;
    let date = if is_days_end(time) { date.succ_opt()? } else { date };
    if is_common { assemble(date, clock(time)?, offset) } else { None }
}

/// `2004-július-13T9:15` with a space for its T.
fn apart(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let is_between =
            matches!(c, 't' | 'T') && before.is_ascii_digit() && chars.peek().is_some_and(char::is_ascii_digit);
        out.push(if is_between { ' ' } else { c });
        before = c;
    }
    out
}

/// Two Arabic months in four have names of two words.
fn arabic_months(text: &str) -> String {
    let joined = [("كانون ال", "كانون_ال"), ("تشرين ال", "تشرين_ال")];
    joined.iter().fold(text.to_owned(), |text, (apart, joined)| text.replace(apart, joined))
}

/// Seconds or milliseconds since 1970, as some programs write for a date.
fn seconds(text: &str) -> Option<DateTime<Utc>> {
    let number: i64 = text.parse().ok()?;
    match text.len() {
        9 | 10 => DateTime::from_timestamp(number, 0),
        12 | 13 => DateTime::from_timestamp_millis(number),
        _ => None,
    }
}

/// The parts of a date as they are met.
#[derive(Default)]
struct Parts {
    day: Option<u32>,
    month: Option<u32>,
    year: Option<i32>,
    order: Option<Order>,
}

/// Dates with a month's name, in any order: `Thu, 01 Jan 2004 19:48:21 GMT`, `Jan 1, 2004 7:48 PM`, asctime; and dates
/// in numbers that can be meant in one way only.
fn words(text: &str, offset: i32, order: Option<Order>) -> Option<DateTime<Utc>> {
    let mut parts = Parts { order, ..Parts::default() };
    // Words that are no part of a date, and how many of them stand between its day and its month.
    let (mut strangers, mut between) = (0, 0);
    let (mut time, mut offset, mut afternoon, mut region) = (None, offset, None, None);
    let (mut is_after_day, mut ends_day) = (false, false);
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')')).filter(|w| !w.is_empty()) {
        let first = word.chars().next()?;
        let lower = word.to_lowercase();
        let had_day = parts.day.is_some();
        if word.contains(':') && first.is_ascii_digit() {
            let zone_at = word.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.')).unwrap_or(word.len());
            time = Some(clock(&word[..zone_at])?);
            ends_day |= is_days_end(&word[..zone_at]);
            let zone = &word[zone_at..];
            if let Some(known) = half(zone) {
                afternoon = Some(known);
            } else if let Some(known) = zone::region(zone) {
                region = Some(known);
            } else if !zone.is_empty() {
                offset = zone::offset(zone)?;
            }
        } else if let Some(known) = french_clock(&lower) {
            time = Some(known);
        } else if matches!(first, '+' | '-') && word.len() > 1 {
            offset = zone::offset(word)?;
        } else if first.is_ascii_digit() {
            parts.numbers(word)?;
        } else if let Some(known) = half(word).filter(|is_pm| *is_pm || time.is_some() || had_day) {
            // In front of a day it is German: "am 5. März 2024 12:30".
            afternoon = Some(known);
        } else if time.is_some()
            && let Some(known) = zone::offset(word)
        {
            offset = known;
        } else if let Some(known) = zone::region(word) {
            region = Some(known);
        } else if (parts.month.is_none() || parts.day.is_none() || is_after_day)
            && let Some(month) = names::month(&lower.replace('_', " "))
        {
            // The one behind the day counts: "mar. 5 mai" is a Tuesday in May, "18 Şubat Pazar" a Sunday in February.
            parts.month = Some(month);
        } else if !names::is_joint(&lower) {
            strangers += 1;
            between += usize::from(parts.day.is_some() != parts.month.is_some());
        }
        is_after_day = parts.day.is_some() != had_day;
    }
    // "Posted 12 articles by May 2004".
    if between > 0 || strangers > STRANGERS_MAX {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(parts.year?, parts.month?, parts.day?)?;
    let date = if ends_day { date.succ_opt()? } else { date };
    let mut time = time.unwrap_or(NaiveTime::MIN);
    if let Some(is_afternoon) = afternoon {
        time = in_half(time, is_afternoon)?;
    }
    match region {
        Some(region) => Some(NaiveDateTime::new(date, time).and_local_timezone(region).earliest()?.to_utc()),
        None => assemble(date, time, offset),
    }
}

impl Parts {
    /// `1`, `2004`, `01-Jan-2004`, `2006/09/15`, `16.11.2022`.
    fn numbers(&mut self, word: &str) -> Option<()> {
        let parts: Vec<&str> = word.split(['-', '/', '.']).filter(|part| !part.is_empty()).collect();
        if let Some([a, b, c]) = three(word) {
            let (year, month, day) = match self.order {
                _ if parts[0].len() == 4 => (a, b, c),
                // Nobody puts the month first with dots.
                _ if !is_of_either_order(word) => (c, b, a),
                // `24-06-05` may begin with its year.
                None if may_begin_with_year(word) && b <= 12 && (1..=31).contains(&c) => return None,
                // The larger number is the day; else the feed's other dates tell, or nobody.
                _ if b > 12 => (c, a, b),
                _ if a > 12 || a == b => (c, b, a),
                Some(Order::DayFirst) => (c, b, a),
                Some(Order::MonthFirst) => (c, a, b),
                None => return None,
            };
            self.year = Some(if year < 100 { year_of_two(year) } else { i32::try_from(year).ok()? });
            (self.month, self.day) = (Some(month), Some(day));
            return Some(());
        }
        parts.into_iter().try_for_each(|part| self.place(part))
    }

    /// Puts one number or name of a date where it belongs: day first, then year.
    fn place(&mut self, part: &str) -> Option<()> {
        let digits = part.trim_end_matches(|c: char| c.is_alphabetic());
        if digits.is_empty() {
            self.month = Some(names::month(&part.to_lowercase())?);
            return Some(());
        }
        let number: u32 = digits.parse().ok()?;
        if digits.len() == 4 {
            self.year = i32::try_from(number).ok();
        } else if self.day.is_none() && (1..=31).contains(&number) {
            self.day = Some(number);
        } else if self.year.is_none() && digits.len() <= 3 {
            self.year = Some(year_of_two(number));
        } else {
            return None;
        }
        Some(())
    }
}

/// RFC 2822 §4.3: two digits below 50 are 20xx, others and three digits count from 1900.
fn year_of_two(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(0) + if number < 50 { 2000 } else { 1900 }
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
        check("Jan 1, 2004 7:48PM ET", Some("2004-01-02T00:48:00Z"));
        check("Thu Jan  1 19:48:21 2004", Some("2004-01-01T19:48:21Z"));
        check("01-Jan-2004 19:48:21 MSK", Some("2004-01-01T16:48:21Z"));
        check("Fri, 2006/09/15 08:19:53 EDT", Some("2006-09-15T12:19:53Z"));
        check("Thu, 01 Jan 2004 19:48:21 GMT+03:00", Some("2004-01-01T16:48:21Z"));
        check("Thu, 14 May 2020 10:00:18 Z", Some("2020-05-14T10:00:18Z"));
        check("2003-12-31T10:14:55+01:00", Some("2003-12-31T09:14:55Z"));
        check("2003-12-31T10:14:55.123Z", Some("2003-12-31T10:14:55Z"));
        check("2003-12-31 10:14:55 +0200", Some("2003-12-31T08:14:55Z"));
        check("2003-12-31 10:14:55 PM", Some("2003-12-31T22:14:55Z"));
        check("2003-12-31T10:14", Some("2003-12-31T10:14:00Z"));
        check("2003-12-31T10:14:55 Europe/Istanbul", Some("2003-12-31T08:14:55Z"));
        check("2003-december-31T9:15+01:00", Some("2003-12-31T08:15:00Z"));
        check("Nov 13, 2023 2:30 p.m. ET", Some("2023-11-13T19:30:00Z"));
        check("July 4, 2024 12:05 a.m. PT", Some("2024-07-04T07:05:00Z"));
        check("July 4, 2024 2:30p.m. CT", Some("2024-07-04T19:30:00Z"));
        check("July 4, 2024 14:30ET", Some("2024-07-04T18:30:00Z"));
        check("2024-07-04 2:30 P.M.", Some("2024-07-04T14:30:00Z"));
        check("2003-335", Some("2003-12-01T00:00:00Z"));
        check("2003335", Some("2003-12-01T00:00:00Z"));
        check("20031231", Some("2003-12-31T00:00:00Z"));
        check("2003.12.31. 10:14", Some("2003-12-31T10:14:00Z"));
        check("2003-12", Some("2003-12-01T00:00:00Z"));
        check("16.11.2022 08:05", Some("2022-11-16T08:05:00Z"));
        check("16/11/2022 08:05", Some("2022-11-16T08:05:00Z"));
        check("11/16/2022 8:05 AM", Some("2022-11-16T08:05:00Z"));
        check("16-11-2022 08:05", Some("2022-11-16T08:05:00Z"));
        check("12th of May, 2004", Some("2004-05-12T00:00:00Z"));
        check("Published on Wednesday, May 12, 2004 at 10:30", Some("2004-05-12T10:30:00Z"));
        check("24:05 1 Jan 2004", Some("2004-01-01T00:05:00Z"));
        check("24:00 31 Jan 2004", Some("2004-02-01T00:00:00Z"));
        check("Sat, 31 Jan 2004 24:00:00 GMT", Some("2004-02-01T00:00:00Z"));
        check("2026-11-24T24:00:00Z", Some("2026-11-25T00:00:00Z"));
        check("2026-11-24T24:05:00Z", Some("2026-11-24T00:05:00Z"));
        check("2026", None);
        check("23:59:60 31 Dec 2016", Some("2016-12-31T23:59:59Z"));
        check("1518478934", Some("2018-02-12T23:42:14Z"));
        check("Thu, 05 Sep 2024 10:00:00 Europe/Istanbul", Some("2024-09-05T07:00:00Z"));
        check("Thu, 05 Dec 2024 10:00:00 EST5EDT", Some("2024-12-05T15:00:00Z"));
        check("2024-09-05T10:00:00+03:00[Europe/Istanbul]", Some("2024-09-05T07:00:00Z"));
        check("2024-09-05 10:00 America/New_York", Some("2024-09-05T14:00:00Z"));
        check("1518478934000", Some("2018-02-12T23:42:14Z"));
    }

    #[test]
    fn months_in_many_languages() {
        check("Pzt, 5 Şubat 2024 10:00:00 +0300", Some("2024-02-05T07:00:00Z"));
        check("18 Ağustos 2023 Cuma 14:30", Some("2023-08-18T14:30:00Z"));
        check("Пт, 05 июл 2024 12:00:00 +0300", Some("2024-07-05T09:00:00Z"));
        check("5 мая 2024, 12:00", Some("2024-05-05T12:00:00Z"));
        check("Κυρ, 11 Ιούλ 2004 12:00:00 EST", Some("2004-07-11T17:00:00Z"));
        check("2004-július-13T9:15-05:00", Some("2004-07-13T14:15:00Z"));
        check("2024. május 7. 10:30", Some("2024-05-07T10:30:00Z"));
        check("2004년 05월 28일  01:31:15", Some("2004-05-27T16:31:15Z"));
        check("2004-05-25 오후 11:23:17", Some("2004-05-25T14:23:17Z"));
        check("2024年5月7日 18:05:30", Some("2024-05-07T18:05:30Z"));
        check("2024年5月7日 下午6:05", Some("2024-05-07T18:05:00Z"));
        check("الثلاثاء, 07 مايو 2024 10:30:00 +0300", Some("2024-05-07T07:30:00Z"));
        check("٧ تشرين الثاني ٢٠٢٣ ١٠:٣٠", Some("2023-11-07T10:30:00Z"));
        check("12 نوفمبر 2023 - 2:30 م", Some("2023-11-12T14:30:00Z"));
        check("12 نوفمبر 2023 2:30م", Some("2023-11-12T14:30:00Z"));
        check("12 نوفمبر 2023 12:30 ص", Some("2023-11-12T00:30:00Z"));
        check("am 5. März 2024 12:30", Some("2024-03-05T12:30:00Z"));
        check("12. новембар 2023. 14:30", Some("2023-11-12T14:30:00Z"));
        check("5 јуни 2024", Some("2024-06-05T00:00:00Z"));
        check("7 آب 2023 10:30", Some("2023-08-07T10:30:00Z"));
        check("mer, 16 nov 2022 00:38:15 +0100", Some("2022-11-15T23:38:15Z"));
        check("mar. 5 mai 2020 10:00", Some("2020-05-05T10:00:00Z"));
        check("18 Şubat 2024 Pazar 14:30", Some("2024-02-18T14:30:00Z"));
        check("di., 5. März 2024 10:00 MEZ", Some("2024-03-05T09:00:00Z"));
        check("7 czerwca 2024", Some("2024-06-07T00:00:00Z"));
        check("5. marraskuuta 2024", Some("2024-11-05T00:00:00Z"));
        check("5. lipnja 2024.", Some("2024-06-05T00:00:00Z"));
        check("5. srpnja 2024. 10:00", Some("2024-07-05T10:00:00Z"));
        check("5 İyul 2024 10:00", Some("2024-07-05T10:00:00Z"));
        check("7 července 2024", Some("2024-07-07T00:00:00Z"));
        check("31 октября 2024, 10:30 МСК", Some("2024-10-31T07:30:00Z"));
        check("31.10.2024 10:30 (мск)", Some("2024-10-31T07:30:00Z"));
        check("31 октября 2024 г. в 10:30 по московскому времени", Some("2024-10-31T07:30:00Z"));
        check("31 октября 2024 10:30 МСК+2", Some("2024-10-31T05:30:00Z"));
        check("2024. 9. 5. 오전 10:00", Some("2024-09-05T01:00:00Z"));
        check("2024. 9. 5.", Some("2024-09-05T00:00:00Z"));
        check("2024. 05. 07. 10:30", Some("2024-05-07T10:30:00Z"));
        check("1er septembre 2024 à 10h30", Some("2024-09-01T10:30:00Z"));
        check("13/09/2024 10h", Some("2024-09-13T10:00:00Z"));
        check("5 جويلية 2024", Some("2024-07-05T00:00:00Z"));
        check("5 غشت 2024", Some("2024-08-05T00:00:00Z"));
        check("۵ سپتامبر ۲۰۲۴ ۱۰:۰۰", Some("2024-09-05T10:00:00Z"));
        check("۵ ژوئن ۲۰۲۴", Some("2024-06-05T00:00:00Z"));
        check("۵ ژوئیه ۲۰۲۴", Some("2024-07-05T00:00:00Z"));
        check("5 בספטמבר 2024 10:00", Some("2024-09-05T10:00:00Z"));
        check("5 de mayo de 2024", Some("2024-05-05T00:00:00Z"));
    }

    #[test]
    fn what_is_no_date_is_none() {
        check("Tomorrow", None);
        check("yesterday", None);
        check("", None);
        check("Thu, 41 Jan 2004 19:48:21 GMT", None);
        check("2003-13-31T10:14:55Z", None);
        check("Thu, 01 Jan 2004 19:48:21 +9999999", None);
        check("0001-01-01T00:00:00Z", None);
        check("Thu, 01 Jan 1970 00:00:00 GMT", None);
        // The fifth of June or the sixth of May?
        check("05/06/2024", None);
        check("05-06-2024 10:30", None);
        check("24-06-05", None);
        check("1 Jan 2004 25:10", None);
        check("2004-01-01 10:75", None);
        check("2004-01-01T10:14:75Z", None);
        check("Posted 12 articles by May 2004", None);
        check("In May we shall have 12 parties and 2004 guests, they say, for all of us", None);
        check("é:é é 1:é", None);
    }

    #[test]
    fn one_date_tells_the_order_of_the_others() {
        let told = |texts: &[&str]| order(texts.iter());
        assert_eq!(told(&["05-06-2024", "13-06-2024 10:00"]), Some(Order::DayFirst));
        assert_eq!(told(&["05/06/2024", "06/13/24"]), Some(Order::MonthFirst));
        assert_eq!(told(&["06/13/2024", "13/06/2024"]), None);
        assert_eq!(told(&["05-06-2024", "2024-13-06", "24-06-05", "13.06.2024", "13 June 2024"]), None);
        let parsed = |order| parse_in("05-06-2024", order).unwrap().format("%m-%d").to_string();
        assert_eq!(parsed(Some(Order::DayFirst)), "06-05");
        assert_eq!(parsed(Some(Order::MonthFirst)), "05-06");
    }
}

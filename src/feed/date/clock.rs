//! Times of day as feeds write them.

use chrono::{NaiveTime, Timelike};

/// A time in the half of the day that is named beside it.
pub fn in_half(time: NaiveTime, is_afternoon: bool) -> Option<NaiveTime> {
    // "오후 18:23" is met, and means 18.
    if time.hour() > 12 { Some(time) } else { time.with_hour(time.hour() % 12 + if is_afternoon { 12 } else { 0 }) }
}

/// `10:14`, `10:14:55`, `10:14:55.123`, `101455`; 24:05 is in the day's first hour, as programs mean it that count hours
/// from 1, and a leap second is :59. What is beyond, as 25:10, is no time.
pub fn clock(text: &str) -> Option<NaiveTime> {
    let text = text.split(['.', ',']).next()?;
    let parts: Vec<&str> = match text.len() {
        4 | 6 if !text.contains(':') => vec![text.get(..2)?, text.get(2..4)?, text.get(4..6).unwrap_or("0")],
        _ => text.split(':').collect(),
    };
    let number =
        |at: usize| parts.get(at).map_or(Some(0), |p| if p.is_empty() { Some(0) } else { p.parse::<u32>().ok() });
    let (hour, second) = (number(0)?, number(2)?);
    NaiveTime::from_hms_opt(if hour == 24 { 0 } else { hour }, number(1)?, if second == 60 { 59 } else { second })
}

/// The half of the day that a word names, `true` for the second: `am`, `p.m.`, `م`.
pub fn half(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "am" | "a.m" | "a.m." | "ص" => Some(false),
        "pm" | "p.m" | "p.m." | "م" => Some(true),
        _ => None,
    }
}

/// Whether a time is ISO 8601's for the end of a day, which is the next day's midnight: `24:00`, `24:00:00`.
pub fn is_days_end(text: &str) -> bool {
    let digits = text.trim_end_matches(['0', ':', '.', ',']);
    digits == "24" && text.contains(':')
}

/// `10h30`, `10h`.
pub fn french_clock(word: &str) -> Option<NaiveTime> {
    let (hour, minute) = word.split_once('h')?;
    let number =
        |text: &str| (text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?;
    NaiveTime::from_hms_opt(number(hour)?, if minute.is_empty() { 0 } else { number(minute)? }, 0)
}

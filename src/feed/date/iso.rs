//! Dates in numbers that begin with their year: ISO 8601 and what resembles it.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::{
    assemble,
    clock::{clock, in_half, is_days_end},
    zone,
};

/// `2003-12-31T10:14:55.5+01:00`, `2003-12-31 10:14`, `2003.12.31`, `20031231`, `2003-335`, `2003-12`. A year
/// alone is no day.
pub fn iso(text: &str, offset: i32) -> Option<DateTime<Utc>> {
    let (date, rest) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => (text, ""),
    };
    if !date.starts_with(|c: char| c.is_ascii_digit())
        || !date.bytes().all(|b| b.is_ascii_digit() || b"-/.".contains(&b))
    {
        return None;
    }
    let date = iso_date(date.replace(['/', '.'], "-").trim_end_matches('-'))?;
    if rest.is_empty() {
        return assemble(date, NaiveTime::MIN, offset);
    }
    // `오후 11:23` puts the half of the day in front.
    let half = |text: &str| match text.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("am") => Some(false),
        Some("pm") => Some(true),
        _ => None,
    };
    let before = half(rest);
    let rest = if before.is_some() { rest[2..].trim() } else { rest };
    let zone_at = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.' | ',')).unwrap_or(rest.len());
    let mut time = clock(&rest[..zone_at])?;
    let date = if is_days_end(&rest[..zone_at]) { date.succ_opt()? } else { date };
    let mut zone_text = rest[zone_at..].trim();
    // Java names the region behind the offset: `+03:00[Europe/Istanbul]`.
    if let Some((offset, _)) = zone_text.split_once('[').filter(|(offset, _)| !offset.is_empty()) {
        zone_text = offset;
    }
    let after = half(zone_text);
    if after.is_some() {
        zone_text = zone_text[2..].trim();
    }
    if let Some(is_afternoon) = before.or(after) {
        time = in_half(time, is_afternoon)?;
    }
    if let Some(region) = zone::region(zone_text) {
        return Some(date.and_time(time).and_local_timezone(region).earliest()?.to_utc());
    }
    let offset = if zone_text.is_empty() { offset } else { zone::offset(zone_text)? };
    assemble(date, time, offset)
}

fn iso_date(date: &str) -> Option<NaiveDate> {
    let parts: Vec<&str> = date.split('-').collect();
    let number = |text: &str| text.parse::<u32>().ok();
    match parts[..] {
        [whole] if whole.len() == 8 => NaiveDate::parse_from_str(whole, "%Y%m%d").ok(),
        [whole] if whole.len() == 7 => NaiveDate::from_yo_opt(whole[..4].parse().ok()?, number(&whole[4..])?),
        [year, day] if year.len() == 4 && day.len() == 3 => NaiveDate::from_yo_opt(year.parse().ok()?, number(day)?),
        [year, month] if year.len() == 4 => NaiveDate::from_ymd_opt(year.parse().ok()?, number(month)?, 1),
        [year, month, day] if year.len() == 4 => {
            NaiveDate::from_ymd_opt(year.parse().ok()?, number(month)?, number(day)?)
        }
        _ => None,
    }
}

//! Time zones as feeds name them.

/// A region as the time zone database names it, or America's newsrooms: `Europe/Istanbul`, `EST5EDT`, `ET`.
pub fn region(text: &str) -> Option<chrono_tz::Tz> {
    let text = text.trim_matches(['[', ']']);
    // America's bare letters mean its summer time too, while that lasts.
    match text {
        "ET" => return Some(chrono_tz::America::New_York),
        "CT" => return Some(chrono_tz::America::Chicago),
        "MT" => return Some(chrono_tz::America::Denver),
        "PT" => return Some(chrono_tz::America::Los_Angeles),
        _ => {}
    }
    let is_name =
        text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.contains(|c: char| c == '/' || c.is_ascii_digit());
    is_name.then(|| text.parse().ok()).flatten()
}

/// A zone as seconds east. Names as RFC 822 has them, and those that wires use.
pub fn offset(text: &str) -> Option<i32> {
    let upper = text.trim_matches(['[', ']', '.']).to_uppercase();
    // The rest of Russia counts from Moscow: `МСК+2`.
    let from_moscow = upper.strip_prefix("МСК").or_else(|| upper.strip_prefix("MSK")).filter(|rest| !rest.is_empty());
    if let Some(rest) = from_moscow.filter(|rest| rest.starts_with(['+', '-'])) {
        return Some(offset(rest)? + 3 * 3600);
    }
    let bare = ["GMT", "UTC", "UT", "Z"].iter().find_map(|name| {
        let rest = upper.strip_prefix(name)?;
        rest.starts_with(['+', '-']).then_some(rest)
    });
    let text = bare.unwrap_or(&upper);
    if let Some(sign) = text.bytes().next().filter(|b| matches!(b, b'+' | b'-')) {
        if !text[1..].bytes().all(|b| b.is_ascii_digit() || b == b':') {
            return None;
        }
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
    let hours_x2 = match text {
        "Z" | "UT" | "UTC" | "GMT" | "WET" | "ETC/GMT" => 0,
        "BST" | "CET" | "WEST" | "MEZ" => 2,
        "CEST" | "EET" | "SAST" | "CAT" | "MESZ" => 4,
        "EEST" | "MSK" | "МСК" | "МОСКОВСКОМУ" | "МОСКОВСКОЕ" | "TRT" | "TSI" | "EAT" | "IDT" => {
            6
        }
        "IRST" => 7,
        "GST" | "MSD" | "AZT" | "GET" => 8,
        "AFT" => 9,
        "PKT" | "UZT" | "TMT" | "TJT" => 10,
        "IST" => 11,
        "BDT" => 12,
        "ICT" | "WIB" => 14,
        "HKT" | "SGT" | "AWST" | "PHT" | "MYT" | "WITA" => 16,
        "JST" | "KST" => 18,
        "ACST" => 19,
        "AEST" => 20,
        "ACDT" => 21,
        "AEDT" => 22,
        "NZST" => 24,
        "NZDT" => 26,
        "ART" | "BRT" | "ADT" => -6,
        "EDT" | "AST" | "VET" | "CLT" => -8,
        "EST" | "CDT" | "COT" | "PET" => -10,
        "CST" | "MDT" => -12,
        "MST" | "PDT" => -14,
        "PST" | "AKDT" => -16,
        "AKST" => -18,
        "HST" => -20,
        _ => return None,
    };
    Some(hours_x2 * 1800)
}

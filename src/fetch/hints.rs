//! What a server says about its document beside the document: validators to ask again with, how long it stays fresh,
//! and how long to leave the server alone.
//!
//! Validators are opaque. The same bytes go back to the same URL; nothing here looks into them.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::header::{AGE, CACHE_CONTROL, DATE, ETAG, EXPIRES, HeaderMap, HeaderName, LAST_MODIFIED, RETRY_AFTER};

/// Longest wait that a server can ask for: a slip of its clock or pen must not silence a feed for a year.
pub const HINT_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Longest validator that is kept, in bytes. Real ones have under 200; a longer one would have to go back with every
/// request, and servers refuse big request headers.
pub const VALIDATOR_BYTES_MAX: usize = 2048;

/// What lets the next request for a document be answered "not modified".
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Validators {
    /// The URL that gave them, without user-info and fragment; they are only sent back to it.
    pub url: String,
    /// The `ETag`, byte for byte, quotes and `W/` included.
    pub etag: Option<Vec<u8>>,
    /// The `Last-Modified`, byte for byte.
    pub last_modified: Option<Vec<u8>>,
    /// SHA-256 of the decompressed body, for servers that send the same document again.
    pub body_hash: Option<[u8; 32]>,
}

impl Validators {
    /// What an answer with a body gives. What it does not name is forgotten: old validators stand for an old body.
    pub fn from_headers(url: &str, headers: &HeaderMap, body_hash: [u8; 32]) -> Self {
        Self {
            url: url.to_owned(),
            etag: opaque(headers, &ETAG),
            last_modified: opaque(headers, &LAST_MODIFIED),
            body_hash: Some(body_hash),
        }
    }

    /// What is true after a 304: what it names is new, the rest stands (RFC 9111 §4.3.4).
    #[must_use]
    pub fn refreshed(&self, headers: &HeaderMap) -> Self {
        Self {
            url: self.url.clone(),
            etag: opaque(headers, &ETAG).or_else(|| self.etag.clone()),
            last_modified: opaque(headers, &LAST_MODIFIED).or_else(|| self.last_modified.clone()),
            body_hash: self.body_hash,
        }
    }

    /// Whether there is anything to ask a conditional question with.
    pub fn can_ask(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }

    /// Whether `newer` stands for the same bytes from the same URL.
    pub fn is_same_body(&self, newer: &Self) -> bool {
        self.url == newer.url && self.body_hash.is_some() && self.body_hash == newer.body_hash
    }
}

impl fmt::Debug for Validators {
    /// Without the URL, whose path may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|b| b.escape_ascii().to_string());
        f.debug_struct("Validators")
            .field("etag", &text(&self.etag))
            .field("last_modified", &text(&self.last_modified))
            .field("has_body_hash", &self.body_hash.is_some())
            .finish_non_exhaustive()
    }
}

fn opaque(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    let bytes = headers.get(name)?.as_bytes();
    (!bytes.is_empty() && bytes.len() <= VALIDATOR_BYTES_MAX).then(|| bytes.to_vec())
}

/// How long `Retry-After` asks to wait, in seconds or until a date. A date counts from the answer's own `Date`, so that
/// a wrong clock on either side changes nothing; `now` stands in where there is none.
pub fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match seconds(text) {
        Some(wait) => wait,
        None => until(date(text)?, headers, now),
    };
    Some(wait.min(HINT_MAX))
}

/// How long the answer stays fresh: `max-age` or else `Expires`, less its `Age`. `None` where the server says nothing,
/// or says not to rely on it.
pub fn freshness(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let lifetime = match cache_control(headers) {
        CacheControl::Forbids => return None,
        // RFC 9111 §5.3: max-age wins over Expires; some wires send an Expires in the past beside a max-age of 10 min.
        CacheControl::MaxAge(wait) => wait,
        CacheControl::Silent => until(date(headers.get(EXPIRES)?.to_str().ok()?.trim())?, headers, now),
    };
    let age = headers.get(AGE).and_then(|v| seconds(v.to_str().ok()?.trim())).unwrap_or_default();
    let left = lifetime.saturating_sub(age).min(HINT_MAX);
    (!left.is_zero()).then_some(left)
}

enum CacheControl {
    Silent,
    MaxAge(Duration),
    Forbids,
}

fn cache_control(headers: &HeaderMap) -> CacheControl {
    let mut max_age: Option<Duration> = None;
    for value in headers.get_all(CACHE_CONTROL) {
        // Not `to_str`: one odd byte in an extension must not hide the max-age beside it.
        let text = String::from_utf8_lossy(value.as_bytes());
        for directive in outside_quotes(&text) {
            let (name, argument) = match directive.split_once('=') {
                Some((name, argument)) => (name.trim(), Some(argument.trim().trim_matches('"'))),
                None => (directive.trim(), None),
            };
            if name.eq_ignore_ascii_case("no-store") {
                return CacheControl::Forbids;
            }
            // `no-cache="set-cookie"` speaks of that header only (RFC 9111 §5.2.2.4).
            if name.eq_ignore_ascii_case("no-cache") && argument.is_none() {
                return CacheControl::Forbids;
            }
            if name.eq_ignore_ascii_case("max-age") {
                // One that can't be read counts as stale (§4.2.1), and of two the careful one.
                let wait = argument.and_then(seconds).unwrap_or_default();
                max_age = Some(max_age.map_or(wait, |other| other.min(wait)));
            }
        }
    }
    max_age.map_or(CacheControl::Silent, CacheControl::MaxAge)
}

/// The parts between commas that stand in no quoted string.
fn outside_quotes(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
}

fn seconds(text: &str) -> Option<Duration> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // More digits than u64 holds means "very long" all the same (RFC 9111 §1.2.2).
    Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}

/// An HTTP date in its three forms, or the mail form with an offset that some servers write.
fn date(text: &str) -> Option<DateTime<Utc>> {
    match httpdate::parse_http_date(text) {
        Ok(time) => Some(time.into()),
        Err(_) => DateTime::parse_from_rfc2822(text).ok().map(|time| time.to_utc()),
    }
}

fn until(then: DateTime<Utc>, headers: &HeaderMap, now: DateTime<Utc>) -> Duration {
    let from = headers.get(DATE).and_then(|v| date(v.to_str().ok()?.trim())).unwrap_or(now);
    // A time in the past is no wait at all.
    then.signed_duration_since(from).to_std().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-01-01T12:00:00Z".parse().unwrap()
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        map
    }

    #[track_caller]
    fn check_retry(lines: &[(&'static str, &str)], seconds: Option<u64>) {
        assert_eq!(retry_after(&headers(lines), now()), seconds.map(Duration::from_secs));
    }

    #[track_caller]
    fn check_fresh(lines: &[(&'static str, &str)], seconds: Option<u64>) {
        assert_eq!(freshness(&headers(lines), now()), seconds.map(Duration::from_secs));
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        check_retry(&[], None);
        check_retry(&[("retry-after", "120")], Some(120));
        check_retry(&[("retry-after", " 120 ")], Some(120));
        check_retry(&[("retry-after", "0")], Some(0));
        check_retry(&[("retry-after", "-5")], None);
        check_retry(&[("retry-after", "soon")], None);
        check_retry(&[("retry-after", "99999999999999999999999999")], Some(HINT_MAX.as_secs()));
        check_retry(&[("retry-after", "Thu, 01 Jan 2026 12:10:00 GMT")], Some(600));
        check_retry(&[("retry-after", "Thu, 01 Jan 2026 11:00:00 GMT")], Some(0));
        check_retry(&[("retry-after", "Thu, 01 Jan 2026 14:10:00 +0200")], Some(600));
        check_retry(&[("retry-after", "Fri, 01 Jan 2027 12:00:00 GMT")], Some(HINT_MAX.as_secs()));
        // The server's clock is an hour ahead of ours: only the distance counts.
        let date = ("date", "Thu, 01 Jan 2026 13:00:00 GMT");
        check_retry(&[date, ("retry-after", "Thu, 01 Jan 2026 13:00:30 GMT")], Some(30));
    }

    #[test]
    fn freshness_follows_cache_control_before_expires() {
        check_fresh(&[], None);
        check_fresh(&[("cache-control", "max-age=600")], Some(600));
        check_fresh(&[("cache-control", "public, MAX-AGE=\"600\"")], Some(600));
        check_fresh(&[("cache-control", "max-age=600"), ("age", "200")], Some(400));
        check_fresh(&[("cache-control", "max-age=600"), ("age", "900")], None);
        check_fresh(&[("cache-control", "max-age=0")], None);
        check_fresh(&[("cache-control", "max-age=ten")], None);
        check_fresh(&[("cache-control", "max-age=600, no-cache")], None);
        check_fresh(&[("cache-control", "no-store"), ("expires", "Thu, 01 Jan 2026 13:00:00 GMT")], None);
        check_fresh(&[("cache-control", "max-age=600, no-cache=\"set-cookie, x\"")], Some(600));
        check_fresh(&[("cache-control", "x=\"a,no-store\", max-age=60")], Some(60));
        check_fresh(&[("cache-control", "s-maxage=10"), ("cache-control", "max-age=60")], Some(60));
        check_fresh(&[("cache-control", "max-age=60, max-age=600")], Some(60));
        check_fresh(&[("cache-control", "x=\u{fc}, max-age=60")], Some(60));
        check_fresh(&[("cache-control", "max-age=31536000")], Some(HINT_MAX.as_secs()));
        check_fresh(&[("expires", "Thu, 01 Jan 2026 13:00:00 GMT")], Some(3600));
        check_fresh(&[("expires", "0")], None);
        check_fresh(&[("expires", "-1")], None);
        check_fresh(&[("expires", "Thu, 01 Jan 2026 11:00:00 GMT"), ("cache-control", "max-age=60")], Some(60));
        let date = ("date", "Thu, 01 Jan 2026 10:00:00 GMT");
        check_fresh(&[date, ("expires", "Thu, 01 Jan 2026 10:05:00 GMT")], Some(300));
    }

    #[test]
    fn a_304_changes_only_what_it_names() {
        let old = Validators {
            url: "http://x/".into(),
            etag: Some(b"\"a\"".to_vec()),
            last_modified: Some(b"then".to_vec()),
            body_hash: Some([1; 32]),
        };
        let new = old.refreshed(&headers(&[("etag", "\"b\"")]));
        assert_eq!(new, Validators { etag: Some(b"\"b\"".to_vec()), ..old.clone() });
        assert_eq!(old.refreshed(&HeaderMap::new()), old);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_hints_panic_or_outgrow_their_bound(
            names in proptest::collection::vec(0usize..6, 0..8),
            values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 8),
        ) {
            let known = [RETRY_AFTER, CACHE_CONTROL, EXPIRES, DATE, AGE, ETAG];
            let mut map = HeaderMap::new();
            for (name, value) in names.iter().zip(&values) {
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    map.append(known[*name].clone(), value);
                }
            }
            prop_assert!(retry_after(&map, now()).is_none_or(|wait| wait <= HINT_MAX));
            prop_assert!(freshness(&map, now()).is_none_or(|wait| wait <= HINT_MAX && !wait.is_zero()));
            let _ = Validators::from_headers("http://x/", &map, [0; 32]);
        }

        #[test]
        fn nearly_right_hints_do_not_panic(text in "(max-age|no-cache|Thu, 01 Jan 2026|[0-9]{1,30}|[=,\" :GMT+-]){0,8}") {
            for name in [RETRY_AFTER, CACHE_CONTROL, EXPIRES, DATE, AGE] {
                if let Ok(value) = HeaderValue::from_str(&text) {
                    let mut map = headers(&[("expires", "Thu, 01 Jan 2026 13:00:00 GMT")]);
                    map.insert(name, value);
                    let _ = (retry_after(&map, now()), freshness(&map, now()));
                }
            }
        }
    }
}

//! What Google News and Google Alerts wrap around other people's articles, taken off without the net.
//!
//! `google.com/url?url=` says where it leads; the older `news.google.com/rss/articles/` holds the address in base64. The
//! newer one holds a token that only Google can read: it is kept, and the article is known by title and outlet.

use data_encoding::BASE64URL_NOPAD;
use url::Url;

use crate::feed::{Entry, entry::Source};

/// A field of the packed form is no longer than any address.
const ADDRESS_BYTES_MAX: usize = 8_192;

/// The address that a wrapper holds; `None` where it is no wrapper, or one that cannot be opened here.
pub fn unwrapped(url: &str) -> Option<String> {
    // A test on the text spares nearly every article the parsing.
    if !url.contains("google.") && !url.contains("bing.com/news/apiclick") {
        return None;
    }
    let parsed = Url::parse(url).ok()?;
    let host = parsed.host_str()?;
    let within = match parsed.path() {
        "/url" if is_google(host) => parameter(&parsed, &["url", "q"]),
        "/news/url" if is_google(host) => parameter(&parsed, &["url"]),
        "/news/apiclick.aspx" if host.ends_with("bing.com") => parameter(&parsed, &["url"]),
        _ if is_news(host) => packed(&parsed),
        _ => None,
    };
    // As a parsed address is written, so that nothing in it reaches a terminal or a sink raw.
    let within = Url::parse(&within?).ok().filter(|within| matches!(within.scheme(), "http" | "https"))?;
    Some(String::from(within))
}

/// Whether an address is Google News's own, so that it says nothing of where the article is.
pub fn is_wrapper(url: &str) -> bool {
    url.contains("news.google.") && Url::parse(url).is_ok_and(|parsed| parsed.host_str().is_some_and(is_news))
}

/// The headline without the outlet that Google News puts behind it.
pub fn headline<'a>(title: &'a str, source: Option<&Source>) -> &'a str {
    let Some(source) = source else { return title };
    let cut = title.strip_suffix(source.name.as_str()).and_then(|rest| rest.trim_end().strip_suffix(['-', '–', '|']));
    cut.map(str::trim_end).filter(|rest| !rest.is_empty()).unwrap_or(title)
}

/// Whether an entry is Google News's, with an outlet named beside and a list of links for a description.
pub fn is_listed(entry: &Entry) -> bool {
    entry.url.as_deref().is_some_and(is_wrapper) && entry.source.is_some()
}

fn is_google(host: &str) -> bool {
    host.strip_prefix("www.").or(host.strip_prefix("news.")).unwrap_or(host).starts_with("google.")
}

fn is_news(host: &str) -> bool {
    host.starts_with("news.google.")
}

fn parameter(url: &Url, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        let found = url.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    })
}

/// `…/articles/CBMi…`: a protocol buffer whose fourth field is the address.
fn packed(url: &Url) -> Option<String> {
    let mut segments = url.path_segments()?;
    let token = segments.by_ref().find(|segment| matches!(*segment, "articles" | "read")).and(segments.next())?;
    let letters: String = token.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    // Tokens are cut and padded at will; what does not fill a byte is nothing.
    let whole = letters.len() - usize::from(letters.len() % 4 == 1);
    let mut decoder = letters[..whole].to_owned();
    let bytes = loop {
        match BASE64URL_NOPAD.decode(decoder.as_bytes()) {
            Ok(bytes) => break bytes,
            // Trailing bits that are not zero: the last letter was cut.
            Err(_) if decoder.len() > whole.saturating_sub(3) && !decoder.is_empty() => {
                decoder.pop();
            }
            Err(_) => return None,
        }
    };
    let rest = bytes.strip_prefix(&[0x08, 0x13, 0x22])?;
    let (len, rest) = varint(rest)?;
    let address = rest.get(..len.min(ADDRESS_BYTES_MAX))?;
    String::from_utf8(address.to_vec()).ok().filter(|address| address.starts_with("http"))
}

fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (mut value, mut shift) = (0_usize, 0);
    for (at, byte) in bytes.iter().enumerate().take(3) {
        value |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Option<&str>) {
        assert_eq!(unwrapped(url).as_deref(), expected, "{url}");
    }

    #[test]
    fn wrappers_that_hold_the_address_are_opened() {
        let inside = "https://example.org/2026/11/a-deal?id=7";
        let mut bytes = vec![0x08, 0x13, 0x22, inside.len() as u8];
        bytes.extend_from_slice(inside.as_bytes());
        bytes.extend_from_slice(&[0xd2, 0x01, 0x00]);
        let token = BASE64URL_NOPAD.encode(&bytes);
        check(&format!("https://news.google.com/rss/articles/{token}?oc=5"), Some(inside));
        check(&format!("https://news.google.com/__i/rss/rd/articles/{token}"), Some(inside));
        check(
            "https://www.google.com/url?rct=j&sa=t&url=https://example.org/a%3Fb%3D1&ct=ga",
            Some("https://example.org/a?b=1"),
        );
        check("https://www.google.com.tr/url?q=https://example.org/a", Some("https://example.org/a"));
        check(
            "http://www.bing.com/news/apiclick.aspx?ref=FexRss&url=https%3a%2f%2fexample.org%2fa",
            Some("https://example.org/a"),
        );
    }

    #[test]
    fn what_cannot_be_opened_stays() {
        let mut bytes = vec![0x08, 0x13, 0x22, 20];
        bytes.extend_from_slice(b"AU_yqLNoAddressInIt.");
        let token = BASE64URL_NOPAD.encode(&bytes);
        check(&format!("https://news.google.com/rss/articles/{token}"), None);
        check("https://news.google.com/rss/articles/CBMi", None);
        check("https://www.google.com/url?url=javascript:alert(1)", None);
        check("https://example.org/google.html?url=https://example.com", None);
        assert!(is_wrapper("https://news.google.com/rss/articles/CBMi"));
    }

    #[test]
    fn the_outlet_is_cut_from_the_headline() {
        let source = Source { name: "The Example Times".to_owned(), url: None };
        assert_eq!(headline("A deal - at last - The Example Times", Some(&source)), "A deal - at last");
        assert_eq!(headline("The Example Times", Some(&source)), "The Example Times");
        assert_eq!(headline("A deal - Other", Some(&source)), "A deal - Other");
    }
}

//! What a request says: who asks, what is known already, and secrets that stop at the first other host.

use data_encoding::BASE64;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    USER_AGENT,
};
use url::Url;

use super::{FetchError, hints::Validators};
use crate::config::{FeedSource, Proxy, Secret};

/// Formats that are read, best first; the rest is still welcome, because many feeds are sent under a wrong name.
const ACCEPTED: &str = "application/atom+xml, application/rss+xml, application/feed+json, \
                        application/rdf+xml;q=0.9, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5";

/// The same for a page.
const ACCEPTED_OF_PAGE: &str = "text/html, application/xhtml+xml;q=0.9, */*;q=0.5";

/// What `body` can undo.
const ACCEPTED_ENCODINGS: &str = "gzip, br, zstd, deflate";

/// One feed to be fetched.
#[derive(Debug, Clone, Copy)]
pub struct FetchRequest<'a> {
    /// Where the config says it is. Its host is the one that `headers` and the URL's user-info are for.
    pub source: &'a FeedSource,
    /// Where an earlier answer said that it has moved to for good; asked instead.
    pub moved_to: Option<&'a Url>,
    /// From the last answer.
    pub validators: Option<&'a Validators>,
    /// From the config.
    pub headers: &'a [(String, Secret)],
    /// Instead of wirewatch's own.
    pub user_agent: Option<&'a str>,
    /// Whether the host in `source` may have a private address. No other host that it leads to may.
    pub private: bool,
    /// Instead of the fetcher's.
    pub proxy: Option<&'a Proxy>,
    /// What is hoped for.
    pub wanted: Wanted,
}

/// What a request hopes for; servers that offer several things choose by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wanted {
    /// A feed.
    #[default]
    Feed,
    /// A page for people.
    Page,
}

impl<'a> FetchRequest<'a> {
    /// A plain request, with nothing known and nothing special.
    pub fn new(source: &'a FeedSource) -> Self {
        Self {
            source,
            moved_to: None,
            validators: None,
            headers: &[],
            user_agent: None,
            private: false,
            proxy: None,
            wanted: Wanted::Feed,
        }
    }
}

/// wirewatch's name for servers, with a way to reach whoever runs it.
pub(super) fn user_agent(contact: Option<&str>) -> Result<HeaderValue, FetchError> {
    let name = concat!("wirewatch/", env!("CARGO_PKG_VERSION"));
    let text = match contact {
        Some(contact) => format!("{name} (+{contact})"),
        None => name.to_owned(),
    };
    header_value("User-Agent", &text)
}

/// The headers of one request, hop by hop.
pub(super) struct Outgoing<'a> {
    open: HeaderMap,
    secret: HeaderMap,
    /// Taken away at the first other host, and never given back, though the chain may return.
    trusted: Option<Url>,
    validators: Option<&'a Validators>,
}

impl<'a> Outgoing<'a> {
    pub(super) fn new(
        request: &FetchRequest<'a>,
        configured: &Url,
        own_agent: &HeaderValue,
    ) -> Result<Self, FetchError> {
        let agent = match request.user_agent {
            Some(text) => header_value("User-Agent", text)?,
            None => own_agent.clone(),
        };
        let mut open = HeaderMap::new();
        open.insert(USER_AGENT, agent);
        let accepted = match request.wanted {
            Wanted::Feed => ACCEPTED,
            Wanted::Page => ACCEPTED_OF_PAGE,
        };
        open.insert(ACCEPT, HeaderValue::from_static(accepted));
        open.insert(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED_ENCODINGS));

        let mut secret = HeaderMap::new();
        if !configured.username().is_empty() || configured.password().is_some() {
            secret.insert(AUTHORIZATION, basic(configured)?);
        }
        for (name, value) in request.headers {
            let parsed =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| FetchError::Header { name: name.clone() })?;
            let mut value = header_value(name, value.reveal())?;
            value.set_sensitive(true);
            secret.insert(parsed, value);
        }
        Ok(Self { open, secret, trusted: Some(configured.clone()), validators: request.validators })
    }

    /// The headers for the next hop.
    pub(super) fn headers_for(&mut self, url: &Url) -> HeaderMap {
        let mut headers = self.open.clone();
        if self.trusted.as_ref().is_some_and(|own| is_same_host(own, url)) {
            // Configured headers stand above our own: a feed may need another Accept.
            for (name, value) in &self.secret {
                headers.insert(name, value.clone());
            }
        } else {
            self.trusted = None;
        }
        if let Some(validators) = self.validators.filter(|v| v.url == url.as_str()) {
            insert_opaque(&mut headers, IF_NONE_MATCH, validators.etag.as_deref());
            insert_opaque(&mut headers, IF_MODIFIED_SINCE, validators.last_modified.as_deref());
        }
        headers
    }
}

/// Whether a secret for `own` may go to `other`: the same host and port, or the same host once it speaks TLS. A step
/// down from https does not count, since anyone on the way could read along.
fn is_same_host(own: &Url, other: &Url) -> bool {
    let is_same_port = own.port_or_known_default() == other.port_or_known_default();
    let is_upgrade = own.scheme() == "http" && other.scheme() == "https";
    own.host() == other.host()
        && ((own.scheme() == other.scheme() && is_same_port)
            || (is_upgrade && own.port().is_none() && other.port().is_none()))
}

fn insert_opaque(headers: &mut HeaderMap, name: HeaderName, bytes: Option<&[u8]>) {
    // Bytes that came in a header are good for one; any others could only come from a store that was tampered with.
    if let Some(Ok(value)) = bytes.map(HeaderValue::from_bytes) {
        headers.insert(name, value);
    }
}

fn header_value(name: &str, text: &str) -> Result<HeaderValue, FetchError> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| FetchError::Header { name: name.to_owned() })
}

/// HTTP Basic from a URL's user-info, whose escapes are undone first.
fn basic(url: &Url) -> Result<HeaderValue, FetchError> {
    let mut plain = unescaped(url.username());
    plain.push(b':');
    plain.extend(unescaped(url.password().unwrap_or_default()));
    let mut value = header_value("Authorization", &format!("Basic {}", BASE64.encode(&plain)))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Percent escapes to bytes; a `%` that begins none stays one.
fn unescaped(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        // `from_str_radix` alone would take "+1" for a number.
        let byte = escaped
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    plain
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check_same(own: &str, other: &str, expected: bool) {
        assert_eq!(is_same_host(&Url::parse(own).unwrap(), &Url::parse(other).unwrap()), expected);
    }

    #[test]
    fn secrets_stay_on_their_host() {
        check_same("http://a.example/x", "http://a.example/y", true);
        check_same("http://a.example/x", "http://a.example:80/y", true);
        check_same("http://a.example/x", "https://a.example/x", true);
        check_same("https://a.example/x", "http://a.example/x", false);
        check_same("http://a.example/x", "http://a.example:8080/x", false);
        check_same("http://a.example:8080/x", "https://a.example/x", false);
        check_same("http://a.example/x", "http://www.a.example/x", false);
        check_same("http://a.example/x", "http://b.example/x", false);
    }

    #[test]
    fn user_info_becomes_basic_authorization() {
        let value = basic(&Url::parse("http://me:p%40ss%zz@a.example/").unwrap()).unwrap();
        assert_eq!(value.as_bytes(), format!("Basic {}", BASE64.encode(b"me:p@ss%zz")).as_bytes());
        assert!(value.is_sensitive());
    }

    #[test]
    fn the_user_agent_names_us_and_whom_to_ask() {
        assert_eq!(user_agent(None).unwrap(), concat!("wirewatch/", env!("CARGO_PKG_VERSION")));
        let with_contact = user_agent(Some("mailto:ops@example.org")).unwrap();
        assert!(with_contact.to_str().unwrap().ends_with(" (+mailto:ops@example.org)"));
        assert!(user_agent(Some("two\nlines")).is_err());
    }
}

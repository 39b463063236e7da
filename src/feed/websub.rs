//! WebSub (W3C Recommendation of 23 January 2018) without a socket: which hub a document names, what is asked of it, what
//! its questions mean, and whether what it pushes is signed by it.
//!
//! Asking is `daemon::websub`'s business, answering `serve::websub`'s.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};
use url::{Url, form_urlencoded};

use super::{FeedAbout, absolute, is_relation};

/// Longest address of a hub or topic: each goes into forms and queries, which servers bound.
pub const ADDRESS_BYTES_MAX: usize = 2_048;
/// Most links of one `Link` header that are looked at; real ones hold up to ten.
const LINKS_MAX: usize = 64;

/// The lease that is asked for: what most hubs give anyway.
pub const LEASE_ASKED: Duration = Duration::from_secs(10 * 24 * 60 * 60);
/// However short a lease, it is not renewed sooner than this.
const RENEW_MIN: Duration = Duration::from_secs(2);
/// A longer one is taken as this long, and renewed in time: a hub that forgets us is then found out within weeks.
pub const LEASE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// After the first request that came to nothing, the hub is asked again after this; then after twice as long …
const RETRY_FIRST: Duration = Duration::from_secs(5 * 60);
/// … and so on, up to this.
const RETRY_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// A hub, and under which name it knows the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertised {
    /// Whom to ask.
    pub hub: Url,
    /// The feed's own address, to the letter: hubs compare it so.
    pub topic: String,
}

/// The hub that a document names. What stands in the answer's `Link` headers outranks what stands in the document. `base`
/// is where the document came from; where it does not say its own address, as it must (§4), that is taken if it `may_tell`
/// the hub of it.
pub fn advertised(link_headers: &[String], about: &FeedAbout, base: &Url, may_tell: bool) -> Option<Advertised> {
    let mut header = Linked::default();
    for text in link_headers {
        header.read(text, base);
    }
    let hub = header.hub.or_else(|| about.hub.clone())?;
    let stated = header.topic.or_else(|| about.self_url.clone());
    let topic = stated.or_else(|| may_tell.then(|| base.to_string()))?;
    let hub = web_address(&hub)?;
    web_address(&topic)?;
    Some(Advertised { hub, topic })
}

/// A web address without user-info: a password is nobody's business but the feed's server's.
fn web_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= ADDRESS_BYTES_MAX)?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    (is_web && url.username().is_empty() && url.password().is_none()).then_some(url)
}

/// What `Link` headers (RFC 8288) say, the first of each.
#[derive(Default)]
struct Linked {
    hub: Option<String>,
    topic: Option<String>,
}

impl Linked {
    fn read(&mut self, header: &str, base: &Url) {
        for link in parted(header, ',').into_iter().take(LINKS_MAX) {
            let Some((target, rest)) = link.trim().strip_prefix('<').and_then(|link| link.split_once('>')) else {
                continue;
            };
            let mut relations = None;
            let mut is_of_another = false;
            for parameter in parted(rest, ';') {
                let Some((name, value)) = parameter.split_once('=') else { continue };
                let value = value.trim().trim_matches('"');
                match name.trim().to_ascii_lowercase().as_str() {
                    // §3.3: the first counts.
                    "rel" if relations.is_none() => relations = Some(value.to_owned()),
                    // §3.2: a link that starts elsewhere says nothing of this document.
                    "anchor" => is_of_another = true,
                    _ => {}
                }
            }
            let relations = relations.filter(|_| !is_of_another).unwrap_or_default();
            let is = |wanted| relations.split_ascii_whitespace().any(|relation| is_relation(relation, wanted));
            if self.hub.is_none() && is("hub") {
                self.hub = absolute(target, Some(base));
            }
            if self.topic.is_none() && is("self") {
                self.topic = absolute(target, Some(base));
            }
        }
    }
}

/// The parts of a header between separators that stand neither in quotes nor in an address.
fn parted(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut is_quoted, mut is_address, mut is_escaped) = (false, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' if !is_address => is_quoted = !is_quoted,
            '<' if !is_quoted => is_address = true,
            '>' if !is_quoted => is_address = false,
            c if c == separator && !is_quoted && !is_address => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The form that asks a hub to push a topic to `callback`, signed with `secret`.
pub fn subscribe_form(topic: &str, callback: &str, secret: &str) -> String {
    form("subscribe", topic, callback)
        .append_pair("hub.lease_seconds", &LEASE_ASKED.as_secs().to_string())
        .append_pair("hub.secret", secret)
        .finish()
}

/// The form that asks it to stop.
pub fn unsubscribe_form(topic: &str, callback: &str) -> String {
    form("unsubscribe", topic, callback).finish()
}

fn form(mode: &str, topic: &str, callback: &str) -> form_urlencoded::Serializer<'static, String> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("hub.callback", callback).append_pair("hub.mode", mode).append_pair("hub.topic", topic);
    form
}

/// What a hub wants to know, or tells, at the callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Whether we asked to be subscribed.
    Subscribe {
        /// To what.
        topic: String,
        /// To be said back where we did.
        challenge: String,
        /// For how long; bounded.
        lease: Duration,
    },
    /// Whether we asked to be left alone.
    Unsubscribe {
        /// With what.
        topic: String,
        /// To be said back where we did.
        challenge: String,
    },
    /// It does not push the topic, or no longer.
    Denied {
        /// What.
        topic: String,
        /// Why, in the hub's words.
        reason: String,
    },
}

impl Question {
    /// Reads the query of a request to the callback; `None` where it is no question of a hub's.
    pub fn read(query: &str) -> Option<Self> {
        let first = |name: &str| {
            form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let topic = first("hub.topic")?;
        let challenge = || first("hub.challenge").filter(|challenge| !challenge.is_empty());
        match first("hub.mode")?.as_str() {
            "subscribe" => {
                Some(Self::Subscribe { topic, challenge: challenge()?, lease: lease(first("hub.lease_seconds"))? })
            }
            "unsubscribe" => Some(Self::Unsubscribe { topic, challenge: challenge()? }),
            "denied" => Some(Self::Denied { topic, reason: first("hub.reason").unwrap_or_default() }),
            _ => None,
        }
    }
}

/// A lease as it is believed; `None` is nonsense. A hub that names none, against the specification, gives what was asked
/// for.
fn lease(seconds: Option<String>) -> Option<Duration> {
    let Some(text) = seconds else { return Some(LEASE_ASKED) };
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    // Too large to be counted is long.
    let stated = is_number.then(|| text.parse().map_or(LEASE_MAX, Duration::from_secs))?;
    (!stated.is_zero()).then_some(stated.min(LEASE_MAX))
}

/// How long after its beginning a lease is renewed: about two thirds, less up to a tenth, so that a thousand
/// subscriptions of one day are not renewed in one second. `jitter` is a throw between 0 and 1.
pub fn renew_after(lease: Duration, jitter: f64) -> Duration {
    lease.mul_f64(2.0 / 3.0 - 0.1 * jitter.clamp(0.0, 1.0)).max(RENEW_MIN)
}

/// How long after a request to renew the next is sent where the hub does not confirm: as ever, but sooner where the lease,
/// of which `left` is left, would end meanwhile.
pub fn renew_again_after(failures: u32, left: Duration, jitter: f64) -> Duration {
    retry_after(failures, jitter).min((left / 2).max(RENEW_MIN))
}

/// How long after the `failures`-th request without success, counted from 1, the next is sent.
pub fn retry_after(failures: u32, jitter: f64) -> Duration {
    let doubled = RETRY_FIRST.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1)));
    doubled.min(RETRY_MAX).mul_f64(1.0 + 0.1 * jitter.clamp(0.0, 1.0))
}

/// What is wrong with a push's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none, though the hub was given a secret.
    #[error("it is not signed")]
    Missing,
    /// SHA-1, or something that nobody knows.
    #[error("it is signed by a method that is not accepted: sha256, sha384 and sha512 are")]
    Method,
    /// It was made with another secret, or over other bytes.
    #[error("its signature is wrong")]
    Wrong,
}

/// Checks `X-Hub-Signature` over a push's bytes as they came.
///
/// # Errors
/// What is pushed must not be believed.
pub fn check_signature(header: Option<&[u8]>, secret: &str, body: &[u8]) -> Result<(), SignatureError> {
    let header = std::str::from_utf8(header.ok_or(SignatureError::Missing)?).map_err(|_| SignatureError::Method)?;
    let (method, signature) = header.trim().split_once('=').ok_or(SignatureError::Method)?;
    let signature =
        data_encoding::HEXLOWER_PERMISSIVE.decode(signature.trim().as_bytes()).map_err(|_| SignatureError::Wrong)?;
    let is_signed = match method.trim().to_ascii_lowercase().as_str() {
        "sha256" => is_signed::<Hmac<Sha256>>(secret, body, &signature),
        "sha384" => is_signed::<Hmac<Sha384>>(secret, body, &signature),
        "sha512" => is_signed::<Hmac<Sha512>>(secret, body, &signature),
        _ => return Err(SignatureError::Method),
    };
    if is_signed { Ok(()) } else { Err(SignatureError::Wrong) }
}

/// In a time that does not depend on where the first wrong byte is.
fn is_signed<M: Mac + KeyInit>(secret: &str, body: &[u8], signature: &[u8]) -> bool {
    // A MAC by hash takes keys of any length.
    let Ok(mac) = <M as KeyInit>::new_from_slice(secret.as_bytes()) else { return false };
    mac.chain_update(body).verify_slice(signature).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const BASE: &str = "https://wire.example/news/feed.xml";

    #[track_caller]
    fn check_links(headers: &[&str], in_document: (Option<&str>, Option<&str>), expected: Option<(&str, &str)>) {
        let headers: Vec<String> = headers.iter().map(|text| (*text).to_owned()).collect();
        let about = FeedAbout {
            hub: in_document.0.map(str::to_owned),
            self_url: in_document.1.map(str::to_owned),
            ..FeedAbout::default()
        };
        let found = advertised(&headers, &about, &BASE.parse().unwrap(), false);
        let found = found.as_ref().map(|found| (found.hub.as_str(), found.topic.as_str()));
        assert_eq!(found, expected);
    }

    #[test]
    fn hub_and_topic_are_found_in_headers_and_document() {
        const HUB: &str = "https://hub.example/";
        const SELF: &str = "https://wire.example/feed";
        let both = Some((HUB, SELF));
        check_links(&[], (Some(HUB), Some(SELF)), both);
        check_links(
            &["<https://hub.example/>; rel=hub, <https://wire.example/feed>; rel=\"self\""],
            (None, None),
            both,
        );
        check_links(&["<https://hub.example/>; rel=\"hub\"", "</feed>; rel=self"], (None, None), both);
        check_links(&["</feed>;title=\"a, <b>; rel=hub\";REL=\"x SELF\""], (Some(HUB), None), both);
        check_links(&["</feed>; rel=self; rel=hub, <//hub.example>; rel=hub"], (None, None), both);
        // The header outranks the document; the first of several is taken.
        check_links(
            &["<https://hub.example/>; rel=hub, <https://b.example/>; rel=hub"],
            (Some("https://c.example/"), Some(SELF)),
            both,
        );
        // What is not about this document, or is half of it, or no web address.
        check_links(&["<https://hub.example/>; rel=hub; anchor=\"/other\""], (None, Some(SELF)), None);
        check_links(&["rel=hub", "<", "<>;rel=hub", "<a>;rel", ";;,,=", "<x;rel=hub"], (None, Some(SELF)), None);
        check_links(&[], (Some(HUB), None), None);
        check_links(&[], (Some("ftp://hub.example/"), Some(SELF)), None);
        check_links(&[], (Some("https://me:pw@hub.example/"), Some(SELF)), None);
        check_links(&[], (Some(HUB), Some("https://me:pw@wire.example/feed")), None);
        check_links(&[], (Some(HUB), Some("file:///etc/passwd")), None);
        let long = format!("https://wire.example/{}", "x".repeat(ADDRESS_BYTES_MAX));
        check_links(&[], (Some(HUB), Some(&long)), None);
        // A document that does not say its own address is known by where it came from, where the hub may know that.
        let about = FeedAbout { hub: Some(HUB.to_owned()), ..FeedAbout::default() };
        let found = advertised(&[], &about, &BASE.parse().unwrap(), true);
        assert_eq!(found.map(|found| found.topic).as_deref(), Some(BASE));
        // To the letter, also where a URL would be written otherwise.
        check_links(
            &[],
            (Some(HUB), Some("https://WIRE.example:443/a b")),
            Some((HUB, "https://WIRE.example:443/a b")),
        );
    }

    #[test]
    fn the_form_says_what_is_asked_for() {
        let form = subscribe_form("https://wire.example/a?b=c&d", "https://w.example/websub/t", "s3");
        let pairs: Vec<_> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("hub.callback", "https://w.example/websub/t"),
                ("hub.mode", "subscribe"),
                ("hub.topic", "https://wire.example/a?b=c&d"),
                ("hub.lease_seconds", "864000"),
                ("hub.secret", "s3"),
            ]
        );
        assert!(!unsubscribe_form("t", "c").contains("secret"));
    }

    #[test]
    fn questions_are_read_and_leases_bounded() {
        let subscribe = |query: &str| match Question::read(query) {
            Some(Question::Subscribe { topic, challenge, lease }) => (topic, challenge, lease.as_secs()),
            other => panic!("{other:?}"),
        };
        let asked =
            "hub.mode=subscribe&hub.topic=https%3A%2F%2Fa.example%2F%3Fb%3D1&hub.challenge=x%20y&hub.lease_seconds=";
        let is = |seconds| ("https://a.example/?b=1".to_owned(), "x y".to_owned(), seconds);
        assert_eq!(subscribe(&format!("{asked}3600")), is(3_600));
        assert_eq!(subscribe(&format!("{asked}1")), is(1));
        assert_eq!(subscribe(&format!("{asked}99999999999999999")), is(30 * 86_400));
        assert_eq!(subscribe(&format!("{asked}{}", "9".repeat(100))), is(30 * 86_400));
        assert_eq!(subscribe(asked.trim_end_matches("&hub.lease_seconds=")), is(864_000));
        for nonsense in ["soon", "", "0", "-5", "%2B5", "1.5"] {
            assert_eq!(Question::read(&format!("{}{nonsense}", asked.replace("%20", "+"))), None, "{nonsense}");
        }
        assert_eq!(
            Question::read("hub.mode=denied&hub.topic=t&hub.reason=no+room"),
            Some(Question::Denied { topic: "t".into(), reason: "no room".into() })
        );
        for nothing in [
            "",
            "hub.mode=subscribe&hub.topic=t",
            "hub.mode=subscribe&hub.challenge=c",
            "hub.mode=x&hub.topic=t",
            "hub.topic=t&hub.challenge=c",
            "%ff%fe=%00&&&=",
            "hub.mode=unsubscribe&hub.topic=t&hub.challenge=",
        ] {
            assert_eq!(Question::read(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_lease_is_renewed_at_two_thirds_and_failures_wait_longer() {
        let hour = Duration::from_secs(3_600);
        assert_eq!(renew_after(hour, 0.0).as_secs(), 2_400);
        assert_eq!(renew_after(hour, 1.0).as_secs(), 2_040);
        assert_eq!(renew_after(Duration::from_secs(1), 0.0).as_secs(), 2);
        assert_eq!(renew_again_after(1, hour, 0.0).as_secs(), 300);
        assert_eq!(renew_again_after(9, Duration::from_secs(60), 0.0).as_secs(), 30);
        assert_eq!(renew_again_after(1, Duration::ZERO, 0.0).as_secs(), 2);
        let waits: Vec<u64> = (1..=11).map(|n| retry_after(n, 0.0).as_secs() / 60).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]);
        assert_eq!(retry_after(u32::MAX, 1.0), Duration::from_secs(24 * 3_600).mul_f64(1.1));
    }

    // RFC 4231, test case 2.
    const KEY: &str = "Jefe";
    const DATA: &[u8] = b"what do ya want for nothing?";
    const SHA256: &str = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    const SHA384: &str =
        "sha384=af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649";
    const SHA512: &str = "sha512=164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737";

    #[test]
    fn only_strong_signatures_over_the_very_bytes_count() {
        use SignatureError::{Method, Missing, Wrong};
        let check = |header: &str| check_signature(Some(header.as_bytes()), KEY, DATA);
        for right in [SHA256, SHA384, SHA512, &SHA256.to_uppercase()] {
            assert_eq!(check(right), Ok(()), "{right}");
        }
        assert_eq!(check("sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"), Err(Method));
        assert_eq!(check("md5=750c783e6ab0b503eaa86e310a5db738"), Err(Method));
        assert_eq!(check(""), Err(Method));
        assert_eq!(check("sha256"), Err(Method));
        assert_eq!(check("sha256="), Err(Wrong));
        assert_eq!(check("sha256=zz"), Err(Wrong));
        assert_eq!(check(&SHA256[..SHA256.len() - 2]), Err(Wrong));
        assert_eq!(check(&SHA256.replace('b', "c")), Err(Wrong));
        assert_eq!(check(&SHA384.replace("sha384", "sha256")), Err(Wrong));
        assert_eq!(check_signature(None, KEY, DATA), Err(Missing));
        assert_eq!(check_signature(Some(b"\xff\xfe=00"), KEY, DATA), Err(Method));
        assert_eq!(check_signature(Some(SHA256.as_bytes()), "other", DATA), Err(Wrong));
        assert_eq!(check_signature(Some(SHA256.as_bytes()), KEY, &DATA[1..]), Err(Wrong));
    }
}

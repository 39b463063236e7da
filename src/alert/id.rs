//! The stable names of alerts and events.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{article::ArticleKey, config::WatchId};

/// How much of the digest is kept: 26 base32 characters are 130 bits, so two alerts never meet.
const DIGEST_CHARS: usize = 26;

/// A function of watch and article, so that a poll which is played twice makes the same alert:
/// `alr_` and the first 26 characters of the lower-case base32 of SHA-256 over watch id, a zero byte and article key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertId(String);

impl AlertId {
    /// The alert of this watch on this article.
    pub fn new(watch: &WatchId, article: &ArticleKey) -> Self {
        Self(named("alr", &[watch.as_str(), article.as_str()]))
    }

    /// An id as the store kept it.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A function of what happened, to whom and when, so that an event which is made twice is one: `evt_` and a digest as an
/// alert's. A batch of alerts has `bat_` in front.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(String);

impl EventId {
    /// Of an event's parts: its type, whom it concerns, and what tells it from another of the same.
    pub fn new(parts: &[&str]) -> Self {
        Self(named("evt", parts))
    }

    /// Of the messages that go out together.
    pub fn of_batch(sink: &str, members: &[&str]) -> Self {
        let mut parts = vec![sink];
        parts.extend(members);
        Self(named("bat", &parts))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of what a sink gets, alert or event: the `webhook-id`, the same on every attempt. It holds no `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(String);

impl MessageId {
    /// An id as the store kept it.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<AlertId> for MessageId {
    fn from(id: AlertId) -> Self {
        Self(id.0)
    }
}

impl From<EventId> for MessageId {
    fn from(id: EventId) -> Self {
        Self(id.0)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A prefix, and the beginning of a digest over the parts, a zero byte between them.
fn named(prefix: &str, parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            hasher.update([0]);
        }
        hasher.update(part);
    }
    let digest = data_encoding::BASE32_NOPAD.encode(&hasher.finalize()).to_ascii_lowercase();
    format!("{prefix}_{}", &digest[..DIGEST_CHARS])
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn id_depends_on_watch_and_article_alone() {
        let key = ArticleKey::from_stored("example.org/a".into());
        let a = AlertId::new(&"arms-deals".parse().unwrap(), &key);
        assert_eq!(a, AlertId::new(&"arms-deals".parse().unwrap(), &key));
        assert_ne!(a, AlertId::new(&"leaders".parse().unwrap(), &key));
        // printf 'arms-deals\0example.org/a' | openssl dgst -sha256 -binary | base32 | tr A-Z a-z | cut -c1-26
        assert_eq!(a.as_str(), "alr_jynsggzwfzkswx74r2q4lovzou");
    }
}

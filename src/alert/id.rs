//! The stable name of an alert.

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
        let mut hasher = Sha256::new();
        hasher.update(watch.as_str());
        hasher.update([0]);
        hasher.update(article.as_str());
        let digest = data_encoding::BASE32_NOPAD.encode(&hasher.finalize()).to_ascii_lowercase();
        Self(format!("alr_{}", &digest[..DIGEST_CHARS]))
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

//! Which article is this? Within its feed ([`ArticleId`]) and across feeds ([`ArticleKey`]).

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use sha2::{Digest, Sha256};
use url::Url;

use crate::feed::entry::Entry;

/// What a feed calls one of its entries: its guid, else its URL, else a hash of what it says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArticleId {
    /// The id itself.
    pub value: String,
    /// What it was made from.
    pub kind: IdKind,
}

/// What an [`ArticleId`] was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IdKind {
    /// guid, atom:id, rdf:about or JSON id.
    Guid,
    /// The entry's URL.
    Url,
    /// A hash of title and text.
    Hash,
}

/// An article's identity across feeds: its canonical URL, else a hash of title and text. The same article in two
/// feeds has one key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArticleKey(String);

impl ArticleKey {
    /// A key as the store kept it.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ArticleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Query keys that say where a reader came from, not what is read.
const TRACKING: [&str; 12] =
    ["fbclid", "gclid", "dclid", "msclkid", "mc_cid", "mc_eid", "igshid", "yclid", "cmpid", "ocid", "ref_src", "smid"];

/// The id of each entry, in their order: guid, else URL, else a hash of what it says. Where one guid stands on several
/// entries with different URLs or texts, their URL or a hash is added, so that none hides another.
pub fn ids(entries: &[Entry]) -> Vec<ArticleId> {
    let mut ids: Vec<ArticleId> = entries.iter().map(own_id).collect();
    let mut holders: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, id) in ids.iter().enumerate() {
        holders.entry(id.value.clone()).or_default().push(index);
    }
    for same in holders.into_values().filter(|same| same.len() > 1) {
        let urls: HashSet<_> = same.iter().map(|i| entries[*i].url.as_deref()).collect();
        let texts: HashSet<_> = same.iter().map(|i| entry_fingerprint(&entries[*i])).collect();
        for index in same {
            let entry = &entries[index];
            match &entry.url {
                Some(url) if urls.len() > 1 => ids[index].value.push_str(&format!(" {url}")),
                // The same words twice are one entry that the feed repeats.
                _ if texts.len() > 1 => ids[index].value.push_str(&format!(" {:016x}", entry_fingerprint(entry))),
                _ => {}
            }
        }
    }
    ids
}

fn own_id(entry: &Entry) -> ArticleId {
    let stated = |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    if let Some(value) = stated(&entry.guid) {
        return ArticleId { value, kind: IdKind::Guid };
    }
    if let Some(value) = stated(&entry.url) {
        return ArticleId { value, kind: IdKind::Url };
    }
    ArticleId { value: format!("hash:{:016x}", entry_fingerprint(entry)), kind: IdKind::Hash }
}

impl IdKind {
    /// As in `parse`'s output and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guid => "guid",
            Self::Url => "url",
            Self::Hash => "hash",
        }
    }
}

/// Changes when title, summary or content change: what tells an edited entry.
pub fn entry_fingerprint(entry: &Entry) -> u64 {
    let mut hasher = Sha256::new();
    for part in [
        entry.title.as_deref(),
        entry.summary.as_ref().map(|m| m.text.as_str()),
        entry.content.as_ref().map(|m| m.text.as_str()),
    ] {
        hasher.update(part.unwrap_or("\u{1}").trim());
        hasher.update([0]);
    }
    first_u64(&hasher.finalize())
}

fn first_u64(digest: &[u8]) -> u64 {
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A URL without what does not tell articles apart: scheme, `www.`, default port, fragment, tracking parameters, a slash
/// at the end. Text that is no URL stays as it is.
pub fn canonical_url(text: &str) -> String {
    let Ok(url) = Url::parse(text.trim()) else { return text.trim().to_owned() };
    let Some(host) = url.host_str() else { return url.as_str().to_owned() };
    let mut canonical = host.strip_prefix("www.").unwrap_or(host).to_owned();
    if let Some(port) = url.port().filter(|port| !matches!((url.scheme(), port), ("http", 443) | ("https", 80))) {
        canonical.push_str(&format!(":{port}"));
    }
    canonical.push_str(url.path().trim_end_matches('/'));
    let kept: Vec<&str> = url.query().unwrap_or("").split('&').filter(|pair| !is_tracking(pair)).collect();
    if !kept.is_empty() {
        canonical.push('?');
        canonical.push_str(&kept.join("&"));
    }
    canonical
}

fn is_tracking(pair: &str) -> bool {
    let key = pair.split('=').next().unwrap_or("").to_ascii_lowercase();
    key.is_empty()
        || key.starts_with("utm_")
        || key.starts_with("at_medium")
        || key.starts_with("at_campaign")
        || TRACKING.contains(&key.as_str())
}

impl ArticleKey {
    /// The canonical URL where there is one, else a hash of title and text, white space aside.
    pub fn new(url: Option<&str>, title: &str, text: &str) -> Self {
        match url {
            Some(url) => Self(canonical_url(url)),
            None => Self(format!("hash:{}", data_encoding::HEXLOWER.encode(&text_digest(title, text)))),
        }
    }
}

/// SHA-256 over the words of title and text.
pub(super) fn text_digest(title: &str, text: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for word in title.split_whitespace().chain(["\0"]).chain(text.split_whitespace()) {
        hasher.update(word);
        hasher.update(b" ");
    }
    hasher.finalize().into()
}

//! Which article is this? Within its feed ([`ArticleId`]) and across feeds ([`ArticleKey`]).

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use url::Url;

use crate::feed::Entry;

/// Below this many words two different articles may well have the same text ("Markets closed today").
const TEXT_KEY_WORDS_MIN: usize = 12;

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

impl ArticleKey {
    /// By the canonical URL, or by title and text where there is no URL, or only that of a site's front page.
    pub fn new(url: Option<&str>, title: &str, text: &str) -> Self {
        match url.map(canonical_url).filter(|url| !url.is_empty() && !is_front_page(url)) {
            Some(url) => Self(url),
            None => Self(format!("hash:{}", HEXLOWER.encode(&hash([normal_space(title), normal_space(text)])))),
        }
    }
}

/// Tells copies of a text under other URLs: a hash of its words, without case and punctuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextKey(pub [u8; 16]);

impl TextKey {
    /// `None` where title and text are too short to tell copies by.
    pub fn new(title: &str, text: &str) -> Option<Self> {
        let (mut words, mut digest) = (0, Sha256::new());
        for word in title.split_whitespace().chain(text.split_whitespace()) {
            let word: String = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
            if !word.is_empty() {
                // A script without spaces has few white-space words; its characters count for them.
                words += if word.is_ascii() { 1 } else { word.chars().count().div_ceil(8) };
                digest.update(word.as_bytes());
                digest.update([0]);
            }
        }
        (words >= TEXT_KEY_WORDS_MIN).then(|| Self(first_half(digest)))
    }
}

/// What an entry is called: its guid, else its URL, else a hash of what it says.
pub fn article_id(entry: &Entry, title: &str, text: &str) -> ArticleId {
    match (&entry.guid, &entry.url) {
        (Some(guid), _) => ArticleId { value: guid.clone(), kind: IdKind::Guid },
        (None, Some(url)) => ArticleId { value: url.clone(), kind: IdKind::Url },
        (None, None) => ArticleId { value: text_hash(title, text), kind: IdKind::Hash },
    }
}

/// A stable id for what states none.
pub fn text_hash(title: &str, text: &str) -> String {
    HEXLOWER.encode(&hash([normal_space(title), normal_space(text)])[..16])
}

/// Changes when an entry's title, summary or content does: the entry was edited.
pub fn entry_fingerprint(entry: &Entry) -> u64 {
    let mut digest = Sha256::new();
    let markup = |markup: &Option<crate::feed::Markup>| markup.as_ref().map(|m| m.text.clone());
    for text in [entry.title.clone(), markup(&entry.summary), markup(&entry.content)] {
        // "none" and "empty" differ, and no text runs into the next.
        digest.update([u8::from(text.is_some())]);
        let text = text.unwrap_or_default();
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    }
    let half = first_half(digest);
    half[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The id of each entry of a document, in their order. Where one guid stands on several entries with different URLs or
/// words, their URL or a hash is added, so that none hides another; the same words twice stay one.
pub fn ids(entries: &[Entry]) -> Vec<ArticleId> {
    let mut ids: Vec<ArticleId> = entries.iter().map(own_id).collect();
    let mut holders: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, id) in ids.iter().enumerate() {
        holders.entry(id.value.clone()).or_default().push(index);
    }
    for same in holders.into_values().filter(|same| same.len() > 1) {
        let urls: HashSet<_> = same.iter().map(|i| entries[*i].url.as_deref()).collect();
        let words: HashSet<_> = same.iter().map(|i| entry_fingerprint(&entries[*i])).collect();
        for index in same {
            let entry = &entries[index];
            match &entry.url {
                Some(url) if urls.len() > 1 => ids[index].value.push_str(&format!(" {url}")),
                _ if words.len() > 1 => ids[index].value.push_str(&format!(" {:016x}", entry_fingerprint(entry))),
                _ => {}
            }
        }
    }
    ids
}

fn own_id(entry: &Entry) -> ArticleId {
    match (&entry.guid, &entry.url) {
        (None, None) => super::from_entry(entry, None, None).id,
        _ => article_id(entry, "", ""),
    }
}

/// One URL for all the ways in which an article's address is written: https, no `www.`, default port, fragment,
/// tracking parameter or trailing slash. For comparing, not for fetching. What is no URL is only trimmed.
pub fn canonical_url(url: &str) -> String {
    let url = url.trim();
    let Ok(mut parsed) = Url::parse(url) else { return url.to_owned() };
    let Some(host) = parsed.host_str().filter(|_| matches!(parsed.scheme(), "http" | "https")) else {
        return url.to_owned();
    };
    let host =
        host.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(host).trim_end_matches('.').to_owned();
    let kept: Vec<String> = parsed
        .query()
        .into_iter()
        .flat_map(|q| q.split('&'))
        .filter(|pair| !pair.is_empty() && !is_tracking(pair.split('=').next().unwrap_or(pair)))
        .map(str::to_owned)
        .collect();
    parsed.set_fragment(None);
    let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = parsed.path().trim_end_matches('/');
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    format!("https://{host}{port}{path}{query}")
}

/// Whether a canonical URL names a host and nothing on it.
fn is_front_page(canonical: &str) -> bool {
    Url::parse(canonical).is_ok_and(|url| url.path() == "/" && url.query().is_none())
}

/// The canonical URLs that tell none of these entries, as on a live blog or a status page: they stand on several with
/// different ids and different words, or are the site's own address.
pub fn shared_urls(entries: &[Entry], ids: &[ArticleId], site_url: Option<&str>) -> HashSet<String> {
    let mut first_on: HashMap<String, (&ArticleId, u64)> = HashMap::new();
    let mut shared: HashSet<String> = site_url.map(canonical_url).into_iter().collect();
    for (entry, id) in entries.iter().zip(ids) {
        let Some(url) = entry.url.as_deref().map(canonical_url) else { continue };
        let words = entry_fingerprint(entry);
        match first_on.get(&url) {
            Some((other, said)) if *other != id && *said != words => {
                shared.insert(url);
            }
            Some(_) => {}
            None => {
                first_on.insert(url, (id, words));
            }
        }
    }
    shared
}

/// Parameters that say who linked, not what is linked.
fn is_tracking(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["utm_", "mtm_", "pk_", "at_medium", "at_campaign", "at_custom"].iter().any(|prefix| name.starts_with(prefix))
        || matches!(
            name.as_str(),
            "fbclid"
                | "gclid"
                | "dclid"
                | "msclkid"
                | "yclid"
                | "twclid"
                | "igshid"
                | "mc_cid"
                | "mc_eid"
                | "ncid"
                | "cmpid"
                | "cmp"
                | "ocid"
                | "ftag"
                | "ito"
                | "xtor"
                | "_ga"
                | "_gl"
                | "spm"
                | "wt_mc"
                | "partner"
                | "traffic_source"
        )
}

fn normal_space(text: &str) -> String {
    crate::feed::markup::one_line(text)
}

fn hash(texts: [String; 2]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update(text.as_bytes());
        digest.update([0]);
    }
    digest.finalize().into()
}

fn first_half(digest: Sha256) -> [u8; 16] {
    let whole: [u8; 32] = digest.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

impl fmt::Display for ArticleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        assert_eq!(canonical_url(url), expected, "{url:?}");
    }

    #[test]
    fn one_address_however_written() {
        check("HTTP://WWW.Example.org:80/a/?utm_source=x&b=1#top", "https://example.org/a?b=1");
        check("https://example.org/a?fbclid=1", "https://example.org/a");
        check("https://example.org:8443/", "https://example.org:8443");
        check("https://example.org/A", "https://example.org/A");
        check("urn:x:1", "urn:x:1");
        check(" not a url ", "not a url");
    }

    #[test]
    fn address_that_several_entries_share_tells_none_of_them() {
        let entry = |guid: &str, url: &str, title: &str| Entry {
            guid: Some(guid.into()),
            url: Some(url.into()),
            title: Some(title.into()),
            ..Entry::default()
        };
        let entries = [
            entry("1", "https://x.example/live#a", "One"),
            entry("2", "https://x.example/live#b", "Two"),
            entry("3", "https://x.example/own", "Three"),
            // Said twice, it is one.
            entry("4", "https://x.example/twice", "Four"),
            entry("5", "https://x.example/twice", "Four"),
        ];
        let shared = shared_urls(&entries, &ids(&entries), Some("https://x.example/blog/"));
        let mut shared: Vec<_> = shared.into_iter().collect();
        shared.sort();
        assert_eq!(shared, ["https://x.example/blog", "https://x.example/live"]);
        assert!(ArticleKey::new(Some("https://x.example/"), "a", "b").as_str().starts_with("hash:"));
    }

    #[test]
    fn copies_are_told_by_words_and_short_texts_are_not() {
        let text = "Ten words are not enough to tell one article from another one today";
        assert_eq!(
            TextKey::new("Title", text),
            TextKey::new("TITLE", &text.replace(' ', "\n ").replace("today", "today."))
        );
        assert!(TextKey::new("Title", text).is_some());
        assert_eq!(TextKey::new("Markets closed", "today"), None);
    }
}

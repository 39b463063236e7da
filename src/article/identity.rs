//! Which article is this? Within its feed ([`ArticleId`]) and across feeds ([`ArticleKey`]).

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use url::Url;

use super::{Article, google};
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
    let markup = |markup: &Option<crate::feed::Markup>| markup.as_ref().map(|m| m.text.clone());
    fingerprint([entry.title.clone(), markup(&entry.summary), markup(&entry.content)])
}

/// The same for an article that came without an entry.
pub fn article_fingerprint(article: &Article) -> u64 {
    fingerprint([Some(article.title.clone()), article.summary.clone(), Some(article.text.clone())])
}

fn fingerprint(texts: [Option<String>; 3]) -> u64 {
    let mut digest = Sha256::new();
    for text in texts {
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
    parted(entries, entries.iter().map(own_id).collect())
}

/// The same for a feed whose guids change with each fetch: addresses, and words where there are none.
pub fn ids_without_guids(entries: &[Entry]) -> Vec<ArticleId> {
    // An address may have been taken from the guid; then it changes too, and the words are what stays.
    let plain = |entry: &Entry| entry.url.clone().filter(|_| entry.url != entry.guid);
    let id = |entry: &Entry| match plain(entry) {
        Some(url) => ArticleId { value: canonical_url(&url), kind: IdKind::Url },
        None => super::from_entry(&Entry { guid: None, url: None, ..entry.clone() }, None, None).id,
    };
    parted(entries, entries.iter().map(id).collect())
}

/// Adds to ids that stand on several entries what tells those apart.
fn parted(entries: &[Entry], mut ids: Vec<ArticleId>) -> Vec<ArticleId> {
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
/// tracking parameter, AMP form, trailing slash, or wrapper of Google's. For comparing, not for fetching. What is no URL
/// is only trimmed.
pub fn canonical_url(url: &str) -> String {
    /// A copy of a copy is met; more is made to exhaust.
    const WRAPPERS_MAX: usize = 3;
    let mut url = std::borrow::Cow::Borrowed(url.trim());
    for _ in 0..WRAPPERS_MAX {
        match google::unwrapped(&url).or_else(|| amp_original(&url)) {
            Some(inner) => url = inner.into(),
            None => break,
        }
    }
    let Ok(parsed) = Url::parse(&url) else { return url.into_owned() };
    let Some(host) = parsed.host_str().filter(|_| matches!(parsed.scheme(), "http" | "https")) else {
        return url.into_owned();
    };
    let bare = |prefix: &str| host.strip_prefix(prefix).filter(|rest| rest.contains('.'));
    let host = bare("www.").or_else(|| bare("amp.")).unwrap_or(host).trim_end_matches('.');
    let kept = parsed.query().into_iter().flat_map(|query| query.split('&')).filter(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let is_amp = name.eq_ignore_ascii_case("outputtype") && value == "amp";
        !(pair.is_empty() || is_amp || is_tracking(name))
    });
    let kept: Vec<&str> = kept.collect();
    let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = without_amp(parsed.path().trim_end_matches('/'));
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    // `#!/…` was the address of a page before browsers could change the path.
    let fragment = parsed.fragment().filter(|fragment| fragment.starts_with('!'));
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("https://{host}{port}{path}{query}{fragment}")
}

/// The page behind an AMP cache's copy: `www-example-org.cdn.ampproject.org/c/s/www.example.org/a`,
/// `www.google.com/amp/s/www.example.org/a`.
fn amp_original(url: &str) -> Option<String> {
    // A test on the text spares nearly every article the parsing.
    if !url.contains("ampproject.org") && !url.contains("/amp/") {
        return None;
    }
    let parsed = Url::parse(url).ok()?;
    let (host, path) = (parsed.host_str()?, parsed.path());
    let rest = if host.ends_with(".cdn.ampproject.org") {
        let (_kind, rest) = path.strip_prefix('/')?.split_once('/')?;
        rest
    } else if host.contains("google.") {
        path.strip_prefix("/amp/")?
    } else {
        return None;
    };
    let rest = rest.strip_prefix("s/").unwrap_or(rest);
    rest.split('/').next().is_some_and(|host| host.contains('.')).then(|| format!("https://{rest}"))
}

/// A path without what marks its AMP form: `/amp` at either end, `.amp` before or as the ending.
fn without_amp(path: &str) -> String {
    let path = path.strip_suffix("/amp").unwrap_or(path);
    let path = path.strip_prefix("/amp/").map_or_else(|| path.to_owned(), |rest| format!("/{rest}"));
    let path = path.strip_suffix(".amp").map_or(path.clone(), str::to_owned);
    path.replace(".amp.html", ".html")
}

/// Whether a canonical URL names a host and nothing on it.
fn is_front_page(canonical: &str) -> bool {
    Url::parse(canonical).is_ok_and(|url| url.path() == "/" && url.query().is_none() && url.fragment().is_none())
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
    ["utm_", "mtm_", "pk_", "_hs", "amp_", "at_medium", "at_campaign", "at_custom"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
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
                | "amp"
                | "guccounter"
                | "smid"
                | "mbid"
                | "vero_id"
                | "oly_enc_id"
                | "s_cid"
                | "soc_src"
                | "ref_src"
                | "__twitter_impression"
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
        check("https://example.org/a/amp/?amp=1", "https://example.org/a");
        check("https://amp.example.org/a.amp.html", "https://example.org/a.html");
        check("https://example.org/a?outputType=amp&b=1", "https://example.org/a?b=1");
        check("https://www-example-org.cdn.ampproject.org/c/s/www.example.org/a", "https://example.org/a");
        check("https://www.google.com/amp/s/www.example.org/amp/a", "https://example.org/a");
        check("https://www.google.com/url?url=http://www.example.org/a%3Futm_source%3Dx", "https://example.org/a");
        check("https://example.org/#!/a", "https://example.org#!/a");
        let nested = format!("https://www.google.com{}/amp/s/x.example/a", "/amp/s/www.google.com".repeat(10_000));
        assert!(canonical_url(&nested).contains("google.com"));
        check("https://example.org/camp/ample", "https://example.org/camp/ample");
        check("urn:x:1", "urn:x:1");
        check(" not a url ", "not a url");
    }

    #[test]
    fn guids_that_change_with_each_fetch_tell_nothing() {
        let entry = |guid: &str, url: Option<&str>, title: &str| Entry {
            guid: Some(guid.into()),
            url: url.map(Into::into),
            title: Some(title.into()),
            ..Entry::default()
        };
        let fetched = |session: &str| {
            let guid = |number: u32| format!("https://x.example/?id={number}&session={session}");
            let entries = [
                entry(&guid(1), Some("https://x.example/a?utm_source=rss"), "One"),
                entry(&guid(2), Some("https://x.example/b"), "Two"),
                entry(&guid(3), Some(&guid(3)), "Three"),
                entry(&guid(4), None, "Four"),
            ];
            ids_without_guids(&entries)
        };
        assert_eq!(fetched("7"), fetched("8"));
        assert_eq!(fetched("7").iter().map(|id| &id.value).collect::<HashSet<_>>().len(), 4);
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

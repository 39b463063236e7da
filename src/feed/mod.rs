//! Bytes → feed and entries, without touching the net.
//!
//! The way: `charset` makes text of the bytes; `outline` walks its tags once, for depth and for what should be
//! found; `reference` mends ampersands and entities, `repair` dialects that feed-rs does not know; `guard` runs
//! feed-rs so that a panic costs one poll; `xml` turns its answer into [`Entry`]s. JSON Feed is read by `json`, as
//! feed-rs refuses one that lacks a part.

pub mod charset;
pub mod date;
pub mod entry;
mod guard;
mod json;
mod language;
pub mod markup;
mod outline;
mod reference;
mod repair;
mod xml;

use url::Url;

pub use entry::{Enclosure, Entry, Feed, FeedAbout, Format, Markup};

/// Entries beyond are left out with a note. Real feeds hold 10 to 500; sitemaps posing as feeds hold more.
pub const ENTRIES_MAX: usize = 5_000;
/// A single text of an entry is cut here: no article is longer, and what follows costs memory for each watch.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// Elements inside elements. XHTML content in real feeds stays under 40; feed-rs recurses on some of them.
pub const DEPTH_MAX: usize = 256;

/// Why a document is no feed to us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// Something else came.
    #[error("not a feed: {what}")]
    NotAFeed {
        /// What came instead: "an HTML page", "an empty document" …
        what: &'static str,
    },
    /// It is meant as a feed and cannot be read.
    #[error("the feed cannot be read: {cause}")]
    Syntax {
        /// The parser's words.
        cause: String,
    },
    /// The parser panicked; a defect of a library, kept from the daemon.
    #[error("the feed made its parser fail: {cause}")]
    Panicked {
        /// The panic's message.
        cause: String,
    },
    /// Made to exhaust the stack, or hopelessly broken.
    #[error("the feed's elements are nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
}

/// Reads a feed document. `base` is where it came from (after redirects), to resolve relative URLs; `content_type` is
/// the HTTP header's value.
///
/// # Errors
/// When it is no feed, or when not even one whole entry can be read.
pub fn parse(bytes: &[u8], base: Option<&Url>, content_type: Option<&str>) -> Result<Feed, FeedError> {
    let decoded = charset::decode(bytes, content_type);
    let text = decoded.text.trim_start();
    let mut feed = match text.bytes().next() {
        None => return Err(FeedError::NotAFeed { what: "an empty document" }),
        Some(b'{' | b'[') => json::read(text, base)?,
        Some(_) => xml::read(&reference::mend(text), base)?,
    };
    feed.notes.extend(decoded.note);
    if feed.entries.len() > ENTRIES_MAX {
        feed.notes.push(format!("{} entries, the first {ENTRIES_MAX} are read", feed.entries.len()));
        feed.entries.truncate(ENTRIES_MAX);
    }
    let cut = feed.entries.iter_mut().map(bound_texts).filter(|cut| *cut).count();
    if cut > 0 {
        feed.notes.push(format!("{cut} entries had a text longer than {TEXT_BYTES_MAX} bytes, cut there"));
    }
    Ok(feed)
}

/// Cuts what is longer than [`TEXT_BYTES_MAX`]; says whether anything was.
fn bound_texts(entry: &mut Entry) -> bool {
    let texts = [
        entry.title.as_mut(),
        entry.summary.as_mut().map(|m| &mut m.text),
        entry.content.as_mut().map(|m| &mut m.text),
    ];
    let mut cut = false;
    for text in texts.into_iter().flatten() {
        if text.len() > TEXT_BYTES_MAX {
            text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
            cut = true;
        }
    }
    cut
}

/// An absolute URL, or nothing. Relative ones are resolved where there is a base.
fn absolute(url: &str, base: Option<&Url>) -> Option<String> {
    let url = url.trim();
    if url.is_empty() {
        return None;
    }
    match Url::parse(url) {
        Ok(_) => Some(url.to_owned()),
        Err(_) => base.and_then(|base| base.join(url).ok()).map(String::from),
    }
}

/// An article's own address. It becomes a link for people, so nothing but the web will do: no `javascript:`, no `file:`.
fn page_address(url: &str, base: Option<&Url>) -> Option<String> {
    absolute(url, base).filter(|url| is_web(url))
}

fn is_web(url: &str) -> bool {
    Url::parse(url).is_ok_and(|u| matches!(u.scheme(), "http" | "https"))
}

/// A trimmed text, or nothing where it is empty.
fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

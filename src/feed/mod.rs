//! Bytes → feed and entries, without touching the net.
//!
//! feed-rs does the reading, behind a guard: what it is given comes from anywhere, so an error or a panic in it costs
//! that poll alone. It is fed UTF-8 whatever the document was in, and nothing that it makes up is kept.

mod charset;
pub mod entry;
mod guarded;

use url::Url;

use self::entry::Feed;

/// More entries than any real feed has in one document; what comes after is left out, and said.
pub const ENTRIES_MAX: usize = 10_000;
/// Elements in elements; real feeds, XHTML bodies included, stay under 100.
pub const DEPTH_MAX: usize = 500;

/// Why a document could not be read as a feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// Not a byte in it.
    #[error("the document is empty")]
    Empty,
    /// A web page.
    #[error("this is an HTML page, not a feed: the feed's address is another, often linked from the page")]
    Html,
    /// Neither XML nor JSON.
    #[error("this is no feed: it begins with {0:?}")]
    NotAFeed(String),
    /// It looks like a feed and cannot be read as one.
    #[error("the feed can't be read: {0}")]
    Syntax(String),
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("the document nests elements more than {DEPTH_MAX} deep")]
    TooDeep,
    /// The parser panicked: its fault, kept from being ours.
    #[error("the feed parser broke on this document")]
    Panicked,
}

/// Reads a feed document. `base` is where it came from, `content_type` the HTTP header that came with it.
///
/// # Errors
/// [`FeedError`]: what it is instead, or where it cannot be read.
pub fn parse(bytes: &[u8], base: Option<&Url>, content_type: Option<&str>) -> Result<Feed, FeedError> {
    let text = charset::decode(bytes, content_type);
    let start = text.trim_start();
    if start.is_empty() {
        return Err(FeedError::Empty);
    }
    if is_html(start) {
        return Err(FeedError::Html);
    }
    if !start.starts_with(['<', '{']) {
        return Err(FeedError::NotAFeed(start.chars().take(40).collect()));
    }
    if depth(start) > DEPTH_MAX {
        return Err(FeedError::TooDeep);
    }
    guarded::parse(start, base)
}

fn is_html(text: &str) -> bool {
    let head: String = text.chars().take(1000).collect::<String>().to_ascii_lowercase();
    head.starts_with("<!doctype html")
        || head.starts_with("<html")
        || (head.contains("<html") && !head.contains("<rss"))
}

/// An upper bound of how deep the document nests: tags that open less tags that close, at the deepest.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    let bytes = text.as_bytes();
    for at in memchr::memchr_iter(b'<', bytes) {
        match bytes.get(at + 1) {
            Some(b'/') => depth = depth.saturating_sub(1),
            Some(b'!' | b'?') | None => {}
            Some(_) => {
                let end = memchr::memchr(b'>', &bytes[at..]).map_or(bytes.len(), |end| at + end);
                if bytes[end.saturating_sub(1)] != b'/' {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
            }
        }
    }
    deepest
}

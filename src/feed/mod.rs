//! Bytes → feed and entries, without touching the net.
//!
//! The way: `charset` makes text of the bytes; `outline` walks its tags once and finds what stands in the feed and in
//! each entry; `plain` says whether feed-rs reads that as it is meant. If so, `strict` lets it, under `guard`, so that a
//! panic costs one poll; if not, or where it falls short, `lenient` reads the outline itself. JSON Feed is read by `json`,
//! as feed-rs refuses one that lacks a part.

mod attribute;
mod bounds;
pub mod charset;
pub mod date;
pub mod discover;
pub mod entry;
mod field;
pub(crate) mod guard;
mod json;
mod lenient;
pub mod markup;
mod name;
mod outline;
mod packed;
mod person;
mod plain;
mod reference;
mod rhythm;
mod strict;
mod token;
pub mod websub;

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

pub use entry::{Enclosure, Entry, Feed, FeedAbout, Format, Markup};

/// Entries beyond are left out with a note. Real feeds hold 10 to 500; sitemaps posing as feeds hold more.
pub const ENTRIES_MAX: usize = 5_000;
/// A single text of an entry is cut here: no article is longer, and what follows costs memory for each watch.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// An id or an address that is longer is none: cut, it would be another's. Browsers take addresses of 2 to 8 kB.
pub const ADDRESS_BYTES_MAX: usize = 8 << 10;
/// Names of people and things, languages and types are cut here.
pub const NAME_BYTES_MAX: usize = 1 << 10;
/// Titles are cut here, and what a feed says of itself. Some put a whole article there.
pub const TITLE_BYTES_MAX: usize = 64 << 10;
/// A longer base is not put in front of addresses without bound.
const PLAIN_BASE_BYTES_MAX: usize = 256;
/// Elements inside elements. XHTML content in real feeds stays under 40; feed-rs recurses on some of them.
pub const DEPTH_MAX: usize = 256;
/// What one entry, or a feed itself, may say; real ones say up to 60 things, most of them pictures.
pub const FIELDS_MAX: usize = 1_000;
/// A time so far ahead is no time of publishing. Time zones that were left out or doubled reach 28 hours.
pub const AHEAD_HOURS_MAX: i64 = 48;

/// What came instead of a feed, where that may lead to one.
pub const A_PAGE: &str = "an HTML page";

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
    let (unpacked, is_packed) = packed::unpacked(bytes);
    let decoded = charset::decode(&unpacked, content_type);
    let text = decoded.text.trim_start();
    let mut feed = match text.bytes().next() {
        None => return Err(FeedError::NotAFeed { what: "an empty document" }),
        Some(_) if packed::is_gzip(&unpacked) => {
            return Err(FeedError::NotAFeed { what: "gzip data that cannot be unpacked" });
        }
        // Our own readers are guarded too: a poll that is lost without a word is the worst that may come of a document.
        Some(b'{' | b'[') => guard::guarded(|| json::read(text, base))??,
        Some(_) => guard::guarded(|| xml(text, base))??,
    };
    feed.notes.extend(decoded.note);
    if is_packed {
        feed.notes.push("it is packed by gzip, which its server does not say".to_owned());
    }
    if feed.entries.len() > ENTRIES_MAX {
        feed.notes.push(format!("{} entries, the first {ENTRIES_MAX} are read", feed.entries.len()));
        feed.entries.truncate(ENTRIES_MAX);
    }
    bounds::bound(&mut feed);
    Ok(feed)
}

/// Whether a document is a JSON Feed, by the keys of its outermost object.
pub fn is_json_feed(bytes: &[u8]) -> bool {
    // Most lines of JSON do not so much as hold the word.
    let has_word = || memchr::memmem::find(bytes, b"jsonfeed").is_some() || bytes.contains(&0);
    has_word() && guard::guarded(|| json::is_feed(&charset::decode(bytes, None).text)).unwrap_or(false)
}

fn xml(text: &str, base: Option<&Url>) -> Result<Feed, FeedError> {
    let outline = outline::walk(text);
    let Some(format) = outline.format else {
        return Err(FeedError::NotAFeed { what: what_else(text, outline.root) });
    };
    if outline.is_too_deep && outline.entries.is_empty() {
        return Err(FeedError::TooDeep);
    }
    if outline.is_cut && outline.entries.is_empty() {
        return Err(FeedError::Syntax { cause: "the document ends before its first entry does".to_owned() });
    }
    // Without a base, relative links start from where the document says that it is; feed-rs would leave them. With a
    // long one, feed-rs would know no bound.
    let is_based = base.is_some_and(|base| base.as_str().len() <= PLAIN_BASE_BYTES_MAX);
    let is_strict = outline.is_plain && (is_based || outline.links_are_absolute());
    let strict = is_strict.then(|| strict::read(text, &outline, format, base));
    let mut feed = match strict {
        // What it cannot make of a date, the feed's other dates may tell.
        Some(Ok(feed)) if feed.entries.len() >= outline.entries.len() && feed.notes.is_empty() => feed,
        // A panic is a defect of a library that somebody should hear of.
        Some(Err(FeedError::Panicked { cause })) => {
            let mut feed = lenient::read(&outline, format, base);
            feed.notes.push(format!("the first parser failed on it: {cause}"));
            feed
        }
        _ => lenient::read(&outline, format, base),
    };
    feed.is_cut = outline.is_cut;
    feed.about.rhythm = rhythm::read(&outline);
    if outline.is_cut {
        feed.notes.push("the document ends too early; whole entries are kept".to_owned());
    } else if outline.is_broken {
        feed.notes.push("the document is not well-formed XML; read as it is meant".to_owned());
    }
    if outline.is_too_deep {
        feed.notes.push(format!("elements nested deeper than {DEPTH_MAX} levels are read as if they were not nested"));
    }
    if feed.entries.len() < outline.entries_counted {
        feed.notes.push(format!("{} of {} entries could be read", feed.entries.len(), outline.entries_counted));
    }
    Ok(feed)
}

/// What the pages say with which Cloudflare, DDoS-Guard, DataDome, Imperva and PerimeterX tell browsers from programs; some
/// come with status 200.
const CHALLENGES: [&str; 9] = [
    "<title>just a moment...",
    "<title>attention required! | cloudflare",
    "/cdn-cgi/challenge-platform/",
    "<title>ddos-guard",
    "captcha-delivery.com",
    "_incapsula_resource",
    "px-captcha",
    "enable javascript and cookies to continue",
    "checking your browser before accessing",
];

/// How far a page is looked at for that.
const CHALLENGE_BYTES_MAX: usize = 16 * 1024;

/// Says how many dates nobody could read.
fn note_undated(notes: &mut Vec<String>, undated: usize) {
    match undated {
        0 => {}
        1 => notes.push("1 date could not be read".to_owned()),
        _ => notes.push(format!("{undated} dates could not be read")),
    }
}

/// What came instead of a feed.
fn what_else(text: &str, root: Option<&str>) -> &'static str {
    let start = text[..text.floor_char_boundary(CHALLENGE_BYTES_MAX)].to_ascii_lowercase();
    if CHALLENGES.iter().any(|sign| start.contains(sign)) {
        return "a page that wants a browser to solve a challenge; ask the site to let feed readers in, or try another \
                `user_agent` for this feed";
    }
    let head: String = text.chars().take(200).collect::<String>().to_ascii_lowercase();
    match root.map(|name| name::local(name).to_ascii_lowercase()).as_deref() {
        Some("html") => A_PAGE,
        _ if head.contains("<!doctype html") => A_PAGE,
        Some("opml") => "an OPML list of feeds",
        Some("urlset" | "sitemapindex") => "a sitemap",
        Some(root) if markup::looks_like_html(&format!("<{root}>")) => A_PAGE,
        Some(_) => "an XML document of another kind",
        None => "plain text or binary data",
    }
}

impl Feed {
    /// Drops times of publishing and change that lie ahead of `now` by more than zones can explain, with a note: a
    /// program's default, a slip, or a date for attention. They are never taken for now.
    pub fn forget_times_ahead(&mut self, now: DateTime<Utc>) {
        let latest = now + TimeDelta::hours(AHEAD_HOURS_MAX);
        let mut ahead = 0;
        for entry in &mut self.entries {
            for time in [&mut entry.published, &mut entry.updated] {
                if time.is_some_and(|time| time > latest) {
                    (*time, ahead) = (None, ahead + 1);
                }
            }
        }
        if ahead > 0 {
            self.notes.push(match ahead {
                1 => "1 date lies in the future, and counts as none".to_owned(),
                _ => format!("{ahead} dates lie in the future, and count as none"),
            });
        }
    }
}

/// An absolute URL, or nothing. Relative ones are resolved where there is a base.
fn absolute(url: &str, base: Option<&Url>) -> Option<String> {
    let url = url.trim();
    // `feed:` was a scheme for browsers, in front of an address or instead of its own.
    let url = match url.strip_prefix("feed:") {
        Some(rest) if rest.starts_with("//") => &format!("http:{rest}"),
        Some(rest) => rest,
        None => url,
    };
    if url.is_empty() {
        return None;
    }
    // Escaped twice, and a scheme too many: nobody's address has either in it.
    let unescaped = url.contains("&amp;").then(|| url.replace("&amp;", "&"));
    let url = unescaped.as_deref().unwrap_or(url);
    let is_web = |url: &str| url.starts_with("http://") || url.starts_with("https://");
    let url = url.split_once("://").map(|(_, rest)| rest).filter(|rest| is_web(url) && is_web(rest)).unwrap_or(url);
    // Broken over lines that are indented, it goes on where the next begins.
    let joined = url.contains(['\n', '\r']).then(|| url.lines().map(str::trim).collect::<String>());
    let url = joined.as_deref().unwrap_or(url);
    match Url::parse(url) {
        Ok(parsed) if url.contains(is_unseen) => Some(parsed.into()),
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && !url.contains("://") => Some(parsed.into()),
        Ok(_) => Some(url.to_owned()),
        Err(_) if url.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("www.")) => {
            Url::parse(&format!("https://{url}")).ok().map(String::from)
        }
        Err(_) => match base {
            Some(base) => base.join(url).ok().map(String::from),
            None if url.starts_with("//") => Url::parse(&format!("https:{url}")).ok().map(String::from),
            None => None,
        },
    }
}

/// An article's own address. It becomes a link for people, so nothing but the web will do: no `javascript:`, no `file:`.
fn page_address(url: &str, base: Option<&Url>) -> Option<String> {
    absolute(url, base).filter(|url| is_web(url))
}

/// Letters that a reader does not see, or that turn what stands behind them: in an address they are written as bytes.
fn is_unseen(c: char) -> bool {
    let is_turning =
        matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
    is_turning || c.is_whitespace() || c.is_control()
}

/// The address that a guid is, where it is one: a number or a name is resolved against nothing.
fn permalink(guid: &str, base: Option<&Url>) -> Option<String> {
    if is_web(guid) && !guid.contains(is_unseen) {
        Some(guid.to_owned())
    } else {
        page_address(guid, base).filter(|_| is_web(guid) || guid.starts_with('/'))
    }
}

/// Whether a link's relation is this one: case does not count, and IANA's own address in front neither. None at all is
/// an alternate (RFC 4287 §4.2.7.2).
fn is_relation(stated: &str, rel: &str) -> bool {
    let stated = if stated.trim().is_empty() { "alternate" } else { stated.trim() };
    stated.strip_prefix("http://www.iana.org/assignments/relation/").unwrap_or(stated).eq_ignore_ascii_case(rel)
}

fn is_web(url: &str) -> bool {
    Url::parse(url).is_ok_and(|u| matches!(u.scheme(), "http" | "https"))
}

/// A trimmed text, or nothing where it is empty.
fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;

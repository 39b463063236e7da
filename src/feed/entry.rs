//! What a feed's document said: nothing made up, nothing cleaned yet.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::schedule::Rhythm;

/// A feed document, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    /// What it says of itself.
    pub about: FeedAbout,
    /// In document order, at most [`super::ENTRIES_MAX`].
    pub entries: Vec<Entry>,
    /// Whether the document ends before it should: what stood behind the cut is still to be read.
    pub is_cut: bool,
    /// What went wrong without stopping us: fewer entries read than stand in the text, a date nobody can read …
    pub notes: Vec<String>,
}

/// What a feed says of itself. Plain text; URLs absolute.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct FeedAbout {
    /// Plain text.
    pub title: Option<String>,
    /// Where the document itself is.
    pub url: Option<String>,
    /// The site it belongs to.
    pub site_url: Option<String>,
    /// Plain text.
    pub description: Option<String>,
    /// BCP 47 as written.
    pub language: Option<String>,
    /// Which dialect.
    pub format: Option<Format>,
    /// When it says it changed.
    #[serde(serialize_with = "crate::feed::entry::whole_seconds")]
    pub updated: Option<DateTime<Utc>>,
    /// RSS `ttl`, in minutes.
    pub ttl: Option<u32>,
    /// How often it is worth asking, and when it sleeps.
    #[serde(skip)]
    pub rhythm: Rhythm,
    /// WebSub hub.
    pub hub: Option<String>,
    /// `rel="self"`.
    #[serde(rename = "self")]
    pub self_url: Option<String>,
}

/// A time as RFC 3339 in UTC with whole seconds (`2023-09-15T09:00:04Z`), null where there is none.
///
/// # Errors
/// Only what the serializer itself fails with.
pub fn whole_seconds<S: serde::Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.serialize_str(&time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        None => serializer.serialize_none(),
    }
}

/// A dialect of feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Format {
    /// RSS 0.90 to 0.94.
    #[serde(rename = "rss0.9x")]
    Rss09,
    /// RSS 1.0 (RDF).
    #[serde(rename = "rss1")]
    Rss1,
    /// RSS 2.0.
    #[serde(rename = "rss2")]
    Rss2,
    /// Atom 0.3.
    #[serde(rename = "atom0.3")]
    Atom03,
    /// Atom 1.0, RFC 4287.
    #[serde(rename = "atom")]
    Atom,
    /// JSON Feed 1.0 and 1.1.
    #[serde(rename = "json")]
    Json,
}

/// One item of a feed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entry {
    /// The feed's own id: guid, atom:id, rdf:about, JSON id. Never made up.
    pub guid: Option<String>,
    /// Absolute URL of the article.
    pub url: Option<String>,
    /// As given: may hold HTML or entities, see `title_is_html`.
    pub title: Option<String>,
    /// Whether `title` is to be read as HTML.
    pub title_is_html: bool,
    /// First published.
    pub published: Option<DateTime<Utc>>,
    /// Last changed.
    pub updated: Option<DateTime<Utc>>,
    /// Names.
    pub authors: Vec<String>,
    /// Terms or labels.
    pub categories: Vec<String>,
    /// BCP 47 as written on the entry, or inherited from the feed.
    pub language: Option<String>,
    /// Short text.
    pub summary: Option<Markup>,
    /// Full text.
    pub content: Option<Markup>,
    /// Media files.
    pub enclosures: Vec<Enclosure>,
    /// Whose article it is, where the feed gathers other people's (RSS `source`).
    pub source: Option<Source>,
}

/// Where a gathering feed has an entry from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Plain text.
    pub name: String,
    /// As written.
    pub url: Option<String>,
}

/// A text and how it is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Markup {
    /// Entities of the outer document are already decoded.
    pub text: String,
    /// HTML, or plain.
    pub is_html: bool,
}

/// A media file that an entry carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Enclosure {
    /// Absolute.
    pub url: String,
    /// MIME type as written.
    #[serde(rename = "type")]
    pub mime: Option<String>,
    /// Bytes, as claimed.
    pub length: Option<u64>,
}

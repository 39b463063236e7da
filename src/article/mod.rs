//! Entry → article: cleaned, identified, its language known. Pure: no clock, no file, no socket.

pub mod identity;
pub mod language;
pub mod fold;
pub mod segment;
pub mod text;

use chrono::{DateTime, Utc};

pub use identity::{ArticleId, ArticleKey, IdKind};
pub use language::Lang;
pub use text::Field;

use crate::{config::FeedId, feed::entry::Enclosure};

/// A piece of news, cleaned and identified: the one form that matching, storing and alerting know.
#[derive(Debug, Clone, PartialEq)]
pub struct Article {
    /// The feed's own id, else the URL, else a hash.
    pub id: ArticleId,
    /// Absolute.
    pub url: Option<String>,
    /// Plain text, one line; empty where there is none.
    pub title: String,
    /// Plain text; `None` where the feed gave none.
    pub summary: Option<String>,
    /// Sanitised HTML; `None` where the feed gave none.
    pub content: Option<String>,
    /// The readable plain text, paragraphs parted by an empty line: content, or else summary. May be empty.
    pub text: String,
    /// Where `text` came from.
    pub text_source: TextSource,
    /// First published, in UTC; never made up.
    pub published: Option<DateTime<Utc>>,
    /// Last changed, in UTC; never made up.
    pub updated: Option<DateTime<Utc>>,
    /// Names.
    pub authors: Vec<String>,
    /// Terms or labels.
    pub categories: Vec<String>,
    /// As stated by the input, else detected; `None` where nobody can tell.
    pub lang: Option<Lang>,
    /// Media files.
    pub enclosures: Vec<Enclosure>,
    /// The feed it stood in; `None` in `match`.
    pub feed: Option<ArticleFeed>,
}

/// What an article knows of its feed.
#[derive(Debug, Clone, PartialEq)]
pub struct ArticleFeed {
    /// As in the config.
    pub id: FeedId,
    /// As it may be shown.
    pub url: String,
    /// Its name in the config, else what the feed calls itself.
    pub title: Option<String>,
    /// As in the config.
    pub tags: Vec<String>,
}

/// Where an article's text came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextSource {
    /// The feed gave a summary only.
    FeedSummary,
    /// The feed gave the full content.
    FeedFull,
    /// An article given to `match` or pushed in.
    Input,
}

impl TextSource {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FeedSummary => "feed-summary",
            Self::FeedFull => "feed-full",
            Self::Input => "input",
        }
    }
}

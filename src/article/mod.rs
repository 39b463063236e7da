//! Entry → article: cleaned, identified, its language known. Pure: no clock, no file, no socket.

pub mod html;
pub mod identity;
pub mod language;
pub mod fold;
pub mod segment;
pub mod text;

use chrono::{DateTime, Utc};

pub use identity::{ArticleId, ArticleKey, IdKind};
pub use language::Lang;
pub use text::Field;

use crate::{
    config::FeedId,
    feed::entry::{Enclosure, Entry, Markup},
};

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

/// Below so many words a text says too little to tell a copy by.
const COPY_WORDS_MIN: usize = 12;

/// Cleans and identifies an entry. Its id is its own; [`identity::ids`] tells apart entries that share one.
pub fn from_entry(entry: &Entry, feed: Option<&ArticleFeed>, feed_language: Option<&str>) -> Article {
    let readable = |markup: &Markup| {
        if markup.is_html { html::to_text(&markup.text) } else { html::paragraphs(&markup.text) }
    };
    let title = entry.title.as_deref().unwrap_or("");
    let title = if entry.title_is_html { html::to_line(title) } else { one_line(title) };
    let summary = entry.summary.as_ref().map(readable).filter(|text| !text.is_empty());
    let content = entry.content.as_ref().map(readable).filter(|text| !text.is_empty());
    let text_source = if content.is_some() { TextSource::FeedFull } else { TextSource::FeedSummary };
    let text = content.or_else(|| summary.clone()).unwrap_or_default();
    let lang = language::detect(&title, &text, entry.language.as_deref().or(feed_language));
    Article {
        id: identity::ids(std::slice::from_ref(entry)).remove(0),
        url: entry.url.clone(),
        title,
        summary,
        text,
        text_source,
        published: entry.published,
        updated: entry.updated,
        authors: entry.authors.iter().map(|name| one_line(name)).collect(),
        categories: entry.categories.iter().map(|name| one_line(name)).collect(),
        lang,
        enclosures: entry.enclosures.clone(),
        feed: feed.cloned(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Article {
    /// Its identity across feeds.
    pub fn key(&self) -> ArticleKey {
        ArticleKey::new(self.url.as_deref(), &self.title, &self.text)
    }

    /// What tells a copy under another URL: a hash of title and text; `None` where there is too little of it.
    pub fn text_key(&self) -> Option<[u8; 16]> {
        let words = self.title.split_whitespace().chain(self.text.split_whitespace()).take(COPY_WORDS_MIN).count();
        if words < COPY_WORDS_MIN {
            return None;
        }
        let mut key = [0; 16];
        key.copy_from_slice(&identity::text_digest(&self.title, &self.text)[..16]);
        Some(key)
    }

    /// Whether the summary says something that does not stand in the body.
    pub fn summary_is_apart(&self) -> bool {
        self.summary.as_deref().is_some_and(|summary| {
            let start = summary.trim_end_matches(['…', '.', ' ', '[', ']']);
            !self.text.contains(start)
        })
    }

    /// Words in the text.
    pub fn words(&self) -> usize {
        self.text.split_whitespace().count()
    }
}

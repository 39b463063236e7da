//! Entry → article: cleaned, identified, its language known. Pure: no clock, no file, no socket.

mod boilerplate;
pub mod full_text;
mod google;
pub mod html;
pub mod identity;
pub mod input;
pub mod language;
mod nesting;
pub mod fold;
pub mod segment;
mod summary;
pub mod text;

use chrono::{DateTime, Utc};

use unicode_segmentation::UnicodeSegmentation;
use url::Url;

pub use html::UntrustedHtml;
pub use identity::{ArticleId, ArticleKey, IdKind, TextKey};
pub use language::Lang;
pub use text::Field;

use crate::{
    config::FeedId,
    feed::{Entry, Markup, entry::Enclosure},
};

/// No page has a longer address, in bytes.
const PAGE_URL_BYTES_MAX: usize = 4_096;

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
    /// Full HTML as the feed gave it, not yet safe to show; `None` where the feed gave none.
    pub content: Option<UntrustedHtml>,
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
    /// The article's own page gave it.
    Page,
    /// The article's own page gave the beginning, and sells the rest.
    PaywallStub,
    /// An article given to `match` or pushed in.
    Input,
}

/// Cleans and identifies an entry. `feed_language` is what the feed says of itself, for an entry that says nothing.
pub fn from_entry(entry: &Entry, feed: Option<&ArticleFeed>, feed_language: Option<&str>) -> Article {
    let title = entry.title.as_deref().unwrap_or("");
    let mut title = if entry.title_is_html { html::to_line(title) } else { html::one_line(title) };
    let is_listed = google::is_listed(entry);
    if is_listed {
        title.truncate(google::headline(&title, entry.source.as_ref()).len());
    }
    let text_of = |markup: &Markup| boilerplate::cut(html::readable(&markup.text, markup.is_html));
    // Google News's is a list of links to others.
    let summary = entry.summary.as_ref().filter(|_| !is_listed).map(text_of).filter(|text| !text.is_empty());
    let content_text = entry.content.as_ref().map(text_of).filter(|text| !text.is_empty());
    let (text, text_source) = match content_text {
        Some(text) => (text, TextSource::FeedFull),
        None => (summary.clone().unwrap_or_default(), TextSource::FeedSummary),
    };
    let stated = entry.language.as_deref().or(feed_language);
    // A title alone says little, but a summary of ten words with it may say enough.
    let lang = if text.len() < 600 {
        language::detect(&format!("{title}\n{text}"), stated)
    } else {
        language::detect(&text, stated)
    };
    let content = entry.content.as_ref().filter(|markup| !markup.text.is_empty());
    let outlet = entry.source.as_ref().filter(|_| is_listed && entry.authors.is_empty()).map(|s| s.name.clone());
    Article {
        id: identity::article_id(entry, &title, &text),
        url: entry.url.as_deref().map(|url| google::unwrapped(url).unwrap_or_else(|| url.to_owned())),
        summary,
        content: content.map(|markup| match markup.is_html {
            true => UntrustedHtml::new(markup.text.clone()),
            false => UntrustedHtml::from_plain(&markup.text),
        }),
        title,
        text,
        text_source,
        published: entry.published,
        updated: entry.updated,
        authors: entry.authors.iter().cloned().chain(outlet).collect(),
        categories: entry.categories.clone(),
        lang,
        enclosures: entry.enclosures.clone(),
        feed: feed.cloned(),
    }
}

impl TextSource {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::FeedSummary, Self::FeedFull, Self::Page, Self::PaywallStub, Self::Input];

    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FeedSummary => "feed-summary",
            Self::FeedFull => "feed-full",
            Self::Page => "page",
            Self::PaywallStub => "paywall-stub",
            Self::Input => "input",
        }
    }
}

impl Article {
    /// Its identity across feeds.
    pub fn key(&self) -> ArticleKey {
        self.key_at(self.url.as_deref())
    }

    /// Its identity across feeds where `url` is what tells it: `None` where its own stands on others too.
    ///
    /// An address of Google News's tells nothing, as each search has its own: title and outlet do.
    pub fn key_at(&self, url: Option<&str>) -> ArticleKey {
        match url.is_some_and(google::is_wrapper) {
            true if self.text.is_empty() => ArticleKey::new(None, &self.title, &self.authors.join(", ")),
            is_wrapped => ArticleKey::new(url.filter(|_| !is_wrapped), &self.title, &self.text),
        }
    }

    /// What tells copies of its text; `None` where it is too short for that.
    pub fn text_key(&self) -> Option<TextKey> {
        TextKey::new(&self.title, &self.text)
    }

    /// Where its page is; `None` where nobody can fetch it: it has none, or a wrapper of Google's that only a browser
    /// unwraps.
    pub fn page_url(&self) -> Option<Url> {
        let mut url = Url::parse(self.url.as_deref()?).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        if !is_web || google::is_wrapper(url.as_str()) || url.as_str().len() > PAGE_URL_BYTES_MAX {
            return None;
        }
        url.set_fragment(None);
        // Both fail only on URLs without a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Some(url)
    }

    /// Whether the summary says something that does not stand in the text: then it is a field of its own.
    pub fn summary_is_apart(&self) -> bool {
        self.summary.as_deref().is_some_and(|summary| summary::is_apart(summary, &self.text))
    }

    /// Words of the readable text.
    pub fn words(&self) -> usize {
        self.text.unicode_words().count()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn article(summary: &str, content: &str) -> Article {
        let markup = |text: &str| Some(Markup { text: text.to_owned(), is_html: true });
        from_entry(&Entry { summary: markup(summary), content: markup(content), ..Entry::default() }, None, None)
    }

    #[test]
    fn summary_cut_from_the_text_is_no_field_of_its_own() {
        let content = "<p>The port reopens, officials said.</p><p>Ships return.</p>";
        assert!(!article("The port reopens, offic… [...]", content).summary_is_apart());
        assert!(article("Storm over, sea calm", content).summary_is_apart());
        assert!(!article("only a summary", "").summary_is_apart());
        assert_eq!(article("only a summary", "").text, "only a summary");
    }

    #[test]
    fn google_news_is_known_by_title_and_outlet() {
        let entry = |url: &str, guid: &str| Entry {
            guid: Some(guid.to_owned()),
            url: Some(url.to_owned()),
            title: Some("A deal is signed - Example Times".to_owned()),
            summary: Some(Markup {
                text: "<ol><li>A deal is signed</li><li>Another</li></ol>".to_owned(),
                is_html: true,
            }),
            source: Some(crate::feed::entry::Source { name: "Example Times".to_owned(), url: None }),
            ..Entry::default()
        };
        let one = from_entry(&entry("https://news.google.com/rss/articles/CBMiAAA", "1"), None, None);
        let other = from_entry(&entry("https://news.google.com/rss/articles/CBMiBBB", "2"), None, None);
        assert_eq!((one.title.as_str(), one.text.as_str(), one.summary.as_ref()), ("A deal is signed", "", None));
        assert_eq!(one.authors, ["Example Times"]);
        assert_eq!(one.key(), other.key());
        assert_eq!((one.id.value.as_str(), other.id.value.as_str()), ("1", "2"));
    }

    #[test]
    fn article_without_url_is_known_by_its_words() {
        assert_eq!(article("a  b", "").key(), article("a b", "").key());
        assert!(article("a b", "").key().as_str().starts_with("hash:"));
    }
}

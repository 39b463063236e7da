//! An article as people and programs give it: the JSON of `match`, `explain` and `POST /api/v1/articles`.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Article, ArticleFeed, ArticleId, IdKind, Lang, TextSource, UntrustedHtml, html, identity, language};

/// A longer line is no article: the full text of a long book is a fifth of this.
pub const LINE_BYTES_MAX: usize = 10_000_000;

/// The input article of contract §1. Unknown fields are ignored.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct InputArticle {
    /// In its source.
    pub id: Option<String>,
    /// Plain text.
    pub title: Option<String>,
    /// Plain text, paragraphs parted by an empty line.
    pub text: Option<String>,
    /// What queries call it; the same as `text`.
    pub body: Option<String>,
    /// Plain text.
    pub summary: Option<String>,
    /// HTML.
    pub content: Option<String>,
    /// Absolute.
    pub url: Option<String>,
    /// RFC 3339.
    #[serde(deserialize_with = "published")]
    pub published: Option<DateTime<Utc>>,
    /// BCP 47.
    pub lang: Option<String>,
    /// The id of a feed.
    pub feed: Option<String>,
    /// A name.
    pub author: Option<String>,
    /// Terms or labels.
    pub categories: Option<Vec<String>>,
}

/// A time, or a word on how it is written.
fn published<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let wrong = "`published` is a time in RFC 3339, such as 2026-01-31T12:00:00Z";
    let value = serde_json::Value::deserialize(input)?;
    let time = match &value {
        serde_json::Value::Null => return Ok(None),
        serde_json::Value::String(text) => DateTime::parse_from_rfc3339(text.trim()).ok(),
        _ => None,
    };
    time.map(|time| Some(time.with_timezone(&Utc))).ok_or_else(|| serde::de::Error::custom(wrong))
}

/// Reads one JSON object, which may stand in one line of many.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read(line: &[u8]) -> Result<Article, String> {
    let line = line.trim_ascii();
    if line.len() > LINE_BYTES_MAX {
        return Err(format!("longer than {LINE_BYTES_MAX} bytes"));
    }
    // An array would be taken as the struct's fields in order.
    if line.first() != Some(&b'{') {
        return Err("not a JSON object".to_owned());
    }
    let input: InputArticle = serde_json::from_slice(line).map_err(|error| {
        // serde counts lines within our one line; only the column means something.
        let text = error.to_string();
        text.split(" at line ").next().map_or(text.clone(), |cause| format!("{cause} at column {}", error.column()))
    })?;
    Ok(input.into())
}

impl From<InputArticle> for Article {
    /// `text` wins over `content`, that over `summary`.
    fn from(input: InputArticle) -> Self {
        let filled = |text: Option<String>| text.filter(|t| !t.trim().is_empty());
        let title = html::one_line(&input.title.unwrap_or_default());
        let summary = filled(input.summary);
        let content = filled(input.content);
        // `text` is taken as it stands, so that offsets are the giver's own.
        let text = filled(input.text)
            .or(filled(input.body))
            .or_else(|| content.as_deref().map(html::to_text).filter(|t| !t.is_empty()))
            .or_else(|| summary.clone())
            .unwrap_or_default();
        let url = filled(input.url);
        let stated = input.lang.as_deref().and_then(Lang::from_tag);
        let id = match (filled(input.id), &url) {
            (Some(id), _) => ArticleId { value: id, kind: IdKind::Guid },
            (None, Some(url)) => ArticleId { value: url.clone(), kind: IdKind::Url },
            (None, None) => ArticleId { value: identity::text_hash(&title, &text), kind: IdKind::Hash },
        };
        Article {
            id,
            url,
            lang: stated.or_else(|| language::detect(&format!("{title}\n{text}"), None)),
            title,
            summary,
            content: content.map(UntrustedHtml::new),
            text,
            text_source: TextSource::Input,
            published: input.published,
            updated: None,
            authors: input.author.into_iter().collect(),
            categories: input.categories.unwrap_or_default(),
            enclosures: Vec::new(),
            feed: filled(input.feed).and_then(|id| named_feed(&id)),
        }
    }
}

/// The feed that an article says it is from, as far as the article knows it. What is no id names no feed.
fn named_feed(id: &str) -> Option<ArticleFeed> {
    let id = id.trim().parse().ok()?;
    Some(ArticleFeed { id, url: String::new(), title: None, tags: Vec::new() })
}

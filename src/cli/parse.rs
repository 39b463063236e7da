//! `parse`: a feed document as normalised articles, the form that contract §1 fixes.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    article::{self, Article, IdKind, Lang},
    feed::{Enclosure, Feed, FeedAbout, entry::whole_seconds},
};

/// One article on one NDJSON line.
#[derive(Serialize)]
struct ArticleLine<'a> {
    id: &'a str,
    id_kind: IdKind,
    url: Option<&'a str>,
    title: Option<&'a str>,
    #[serde(serialize_with = "whole_seconds")]
    published: Option<DateTime<Utc>>,
    #[serde(serialize_with = "whole_seconds")]
    updated: Option<DateTime<Utc>>,
    authors: &'a [String],
    categories: &'a [String],
    language: Option<Lang>,
    summary: Option<&'a str>,
    content: Option<String>,
    text: &'a str,
    enclosures: &'a [Enclosure],
    feed: FeedName<'a>,
}

#[derive(Serialize)]
struct FeedName<'a> {
    title: Option<&'a str>,
    url: Option<&'a str>,
}

#[derive(Serialize)]
struct FeedLine<'a> {
    feed: &'a FeedAbout,
}

/// NDJSON: one line an article, the feed's own line first where asked for.
pub fn lines(feed: &Feed, with_feed_line: bool) -> impl Iterator<Item = String> {
    let head = with_feed_line.then(|| json(&FeedLine { feed: &feed.about }));
    head.into_iter().chain(feed.entries.iter().map(|entry| {
        let article = article::from_entry(entry, None, feed.about.language.as_deref());
        json(&line(&article, &feed.about))
    }))
}

fn line<'a>(article: &'a Article, about: &'a FeedAbout) -> ArticleLine<'a> {
    let base = article.url.as_deref().or(about.url.as_deref());
    ArticleLine {
        id: &article.id.value,
        id_kind: article.id.kind,
        url: article.url.as_deref(),
        title: (!article.title.is_empty()).then_some(&article.title),
        published: article.published,
        updated: article.updated,
        authors: &article.authors,
        categories: &article.categories,
        language: article.lang,
        summary: article.summary.as_deref(),
        content: article.content.as_ref().map(|content| content.sanitised(base)),
        text: &article.text,
        enclosures: &article.enclosures,
        feed: FeedName { title: about.title.as_deref(), url: about.url.as_deref() },
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings, numbers and lists always serialise")
}

/// For people: the feed, then each article with its date, address and the beginning of its text.
pub fn text(feed: &Feed) -> String {
    const LEAD_CHARS: usize = 200;
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    let mut out =
        format!("{}\n{}\n{} entries\n", or_dash(&feed.about.title), or_dash(&feed.about.site_url), feed.entries.len());
    for entry in &feed.entries {
        let article = article::from_entry(entry, None, feed.about.language.as_deref());
        let date = article
            .published
            .or(article.updated)
            .map_or("undated".to_owned(), |t| t.format("%Y-%m-%d %H:%M").to_string());
        let lang = article.lang.map_or(String::new(), |lang| format!(" [{lang}]"));
        let title = if article.title.is_empty() { "(no title)" } else { &article.title };
        out.push_str(&format!("\n{date}  {title}{lang}\n"));
        let lead = article::html::one_line(&article.text);
        if !lead.is_empty() {
            let end = lead.char_indices().nth(LEAD_CHARS).map(|(at, _)| at);
            let cut =
                end.map_or(lead.as_str(), |end| lead[..end].rsplit_once(' ').map_or(&lead[..end], |(head, _)| head));
            out.push_str(&format!("  {cut}{}\n", if end.is_some() { " …" } else { "" }));
        }
        if let Some(url) = &article.url {
            out.push_str(&format!("  {url}\n"));
        }
    }
    out
}

//! feed-rs behind a guard, and its model in our words.

use std::panic::{AssertUnwindSafe, catch_unwind};

use feed_rs::{model, parser};
use url::Url;

use super::{
    ENTRIES_MAX, FeedError,
    entry::{Enclosure, Entry, Feed, FeedAbout, Format, Markup},
};

/// What feed-rs is told to put where a feed states no id, so that what it made up is known from what stood there.
const NO_ID: &str = "\u{1}no id";

pub(super) fn parse(text: &str, base: Option<&Url>) -> Result<Feed, FeedError> {
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        let parser = parser::Builder::new()
            .base_uri(base.map(Url::as_str))
            .sanitize_content(false)
            .id_generator(|_, _, _| NO_ID.to_owned())
            .build();
        parser.parse(text.as_bytes())
    }));
    let feed = parsed.map_err(|_| FeedError::Panicked)?.map_err(|error| FeedError::Syntax(error.to_string()))?;
    Ok(ours(feed, base))
}

fn ours(feed: model::Feed, base: Option<&Url>) -> Feed {
    let mut notes = Vec::new();
    if feed.entries.len() > ENTRIES_MAX {
        notes.push(format!("{} entries stand in it, the first {ENTRIES_MAX} are read", feed.entries.len()));
    }
    let format = match feed.feed_type {
        model::FeedType::Atom => Format::Atom,
        model::FeedType::JSON => Format::Json,
        model::FeedType::RSS0 => Format::Rss09,
        model::FeedType::RSS1 => Format::Rss1,
        model::FeedType::RSS2 => Format::Rss2,
    };
    let link = |rel: &str| feed.links.iter().find(|l| l.rel.as_deref() == Some(rel)).map(|l| l.href.clone());
    let about = FeedAbout {
        title: feed.title.map(|t| t.content),
        url: base.map(|base| base.to_string()),
        site_url: link("alternate").or_else(|| feed.links.iter().find(|l| l.rel.is_none()).map(|l| l.href.clone())),
        description: feed.description.map(|t| t.content),
        language: feed.language,
        format: Some(format),
        updated: feed.updated,
        ttl: feed.ttl,
        hub: link("hub"),
        self_url: link("self"),
    };
    Feed { about, entries: feed.entries.into_iter().take(ENTRIES_MAX).map(entry).collect(), notes }
}

fn entry(entry: model::Entry) -> Entry {
    let url = entry
        .links
        .iter()
        .find(|l| l.rel.as_deref() == Some("alternate"))
        .or_else(|| entry.links.iter().find(|l| l.rel.is_none()))
        .or_else(|| entry.links.first())
        .map(|l| l.href.clone());
    let title_is_html = entry.title.as_ref().is_some_and(|t| t.content_type.subty() != "plain");
    Entry {
        guid: Some(entry.id).filter(|id| id != NO_ID && !id.trim().is_empty()),
        url,
        title: entry.title.map(|t| t.content),
        title_is_html,
        published: entry.published,
        updated: entry.updated,
        authors: entry.authors.into_iter().filter_map(|p| p.name.filter(|n| !n.is_empty())).collect(),
        categories: entry.categories.into_iter().map(|c| c.label.unwrap_or(c.term)).collect(),
        language: entry.language,
        summary: entry.summary.map(|t| Markup { is_html: t.content_type.subty() != "plain", text: t.content }),
        content: entry.content.and_then(|c| {
            let is_html = c.content_type.subty() != "plain";
            c.body.map(|text| Markup { text, is_html })
        }),
        enclosures: entry
            .media
            .into_iter()
            .flat_map(|m| m.content)
            .filter_map(|c| {
                Some(Enclosure { url: c.url?.to_string(), mime: c.content_type.map(|m| m.to_string()), length: c.size })
            })
            .collect(),
    }
}

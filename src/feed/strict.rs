//! Plain documents by feed-rs, and its model as ours.
//!
//! What feed-rs makes up is undone: ids that it invents carry a marker and are dropped; an update time that it copied
//! from the publishing time goes; a guid that is a permalink becomes the URL where there is no link.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use feed_rs::{model, parser};
use url::Url;

use super::{
    FeedError, absolute, date,
    entry::{Enclosure, Entry, Feed, FeedAbout, Format, Markup},
    filled,
    guard::guarded,
    is_relation, is_web, lenient, markup,
    name::Meaning,
    outline::Outline,
    page_address, permalink, person,
    reference::Entities,
};
use crate::schedule::Rhythm;

/// Stands for "no id was stated"; a NUL is no character of XML, so no feed can state it.
const NO_ID: &str = "\0";

/// Reads a document that `plain` found plain.
///
/// # Errors
/// feed-rs refuses it, or panics.
pub fn read(text: &str, outline: &Outline<'_>, format: Format, base: Option<&Url>) -> Result<Feed, FeedError> {
    let undated = Arc::new(AtomicUsize::new(0));
    let read = run(text, base, &undated)?;
    let mut notes = Vec::new();
    super::note_undated(&mut notes, undated.load(Ordering::Relaxed));
    let not_permanent = guids_not_permanent(outline);
    let mut about = about(&read, format, base);
    about.language = about.language.map(|language| as_written(outline, language));
    let mut entries: Vec<Entry> = read.entries.into_iter().map(|e| entry(e, format, base, &not_permanent)).collect();
    if entries.len() == outline.entries.len() {
        let reader = lenient::Reader::new(outline, format, base);
        for (entry, outline) in entries.iter_mut().zip(&outline.entries) {
            entry.source = lenient::source_of(outline, &Entities::default());
            if entry.authors.is_empty() {
                entry.authors = reader.inherited_authors(outline);
            }
        }
    }
    Ok(Feed { about, entries, is_cut: false, notes })
}

/// The feed's language in the case that it was written in: feed-rs makes `tr-TR` a `tr-tr`.
fn as_written(outline: &Outline<'_>, language: String) -> String {
    let stated = outline.fields.iter().find(|field| field.meaning == Meaning::Language);
    let stated = stated.map(|field| field.inner.trim()).filter(|stated| stated.eq_ignore_ascii_case(&language));
    stated.map_or(language, str::to_owned)
}

/// guids marked `isPermaLink="false"`; feed-rs drops the attribute.
fn guids_not_permanent<'a>(outline: &Outline<'a>) -> HashSet<&'a str> {
    let guids = outline.entries.iter().flat_map(|entry| &entry.fields).filter(|field| field.meaning == Meaning::Guid);
    let not_permanent =
        guids.filter(|guid| guid.attribute("isPermaLink").is_some_and(|v| v.trim().eq_ignore_ascii_case("false")));
    let value = |inner: &'a str| {
        let inner = inner.trim();
        inner.strip_prefix("<![CDATA[").and_then(|inner| inner.strip_suffix("]]>")).unwrap_or(inner).trim()
    };
    not_permanent.map(|guid| value(guid.inner)).collect()
}

fn run(text: &str, base: Option<&Url>, undated: &Arc<AtomicUsize>) -> Result<model::Feed, FeedError> {
    let undated = Arc::clone(undated);
    let parser = parser::Builder::new()
        .base_uri(base)
        .sanitize_content(false)
        .id_generator(|_, _, _| NO_ID.to_owned())
        .timestamp_parser(move |text| {
            let time = date::parse(text);
            undated.fetch_add(usize::from(time.is_none() && !text.trim().is_empty()), Ordering::Relaxed);
            time
        })
        .build();
    guarded(|| parser.parse(text.as_bytes()))?.map_err(|error| FeedError::Syntax { cause: error.to_string() })
}

fn about(feed: &model::Feed, format: Format, base: Option<&Url>) -> FeedAbout {
    let rel =
        |rel: &str| feed.links.iter().find(|l| l.rel.as_deref() == Some(rel)).and_then(|l| absolute(&l.href, base));
    let text = |text: &Option<model::Text>| {
        let text = text.as_ref()?;
        let is_html = is_html(&text.content_type) || (is_rss(format) && markup::looks_like_html(&text.content));
        filled(&if is_html { markup::to_line(&text.content) } else { markup::one_line(&text.content) })
    };
    let plain_link = feed.links.iter().find(|l| l.rel.is_none() && l.target.is_none());
    FeedAbout {
        title: text(&feed.title),
        url: base.map(|b| b.to_string()).or_else(|| rel("self")),
        site_url: plain_link.and_then(|l| absolute(&l.href, base)).or_else(|| rel("alternate")),
        description: text(&feed.description),
        language: feed.language.as_deref().and_then(filled),
        format: Some(format),
        updated: feed.updated,
        ttl: feed.ttl,
        rhythm: Rhythm::default(),
        hub: rel("hub"),
        self_url: rel("self"),
    }
}

fn entry(entry: model::Entry, format: Format, base: Option<&Url>, not_permanent: &HashSet<&str>) -> Entry {
    let guid = (entry.id != NO_ID).then(|| filled(&entry.id)).flatten();
    let enclosures = enclosures(&entry, base);
    let is_permalink = |guid: &&str| is_rss(format) && !not_permanent.contains(guid);
    let url = link(&entry.links)
        .and_then(|href| page_address(href, base))
        .or_else(|| permalink(guid.as_deref().filter(is_permalink)?, base))
        // An episode is its own page; a picture is none.
        .or_else(|| {
            enclosures.iter().find(|e| is_rss(format) && !is_picture(e) && is_web(&e.url)).map(|e| e.url.clone())
        });
    // feed-rs copies the one into the other for RSS.
    let updated = entry.updated.filter(|_| !is_rss(format) || entry.updated != entry.published);
    let title = entry.title.filter(|t| !t.content.trim().is_empty());
    let content = entry.content.and_then(|c| {
        let is_html = is_html(&c.content_type);
        c.body.and_then(|body| markup_of(body, is_html, format))
    });
    let summary = entry.summary.and_then(|s| {
        let is_html = is_html(&s.content_type);
        markup_of(s.content, is_html, format)
    });
    let media_text = || {
        let description = entry.media.iter().find_map(|m| m.description.as_ref())?;
        markup_of(description.content.clone(), is_html(&description.content_type), format)
    };
    Entry {
        guid,
        url,
        title_is_html: title
            .as_ref()
            .is_some_and(|t| is_html(&t.content_type) || (is_rss(format) && markup::looks_like_html(&t.content))),
        title: title.map(|t| t.content),
        published: entry.published,
        updated,
        authors: person::distinct(
            entry.authors.iter().filter_map(|p| person::name(p.name.as_deref().or(p.email.as_deref())?)),
        ),
        categories: entry
            .categories
            .iter()
            .filter_map(|c| {
                let label = c.label.as_deref().filter(|label| !label.trim().is_empty());
                filled(&markup::label(label.unwrap_or(&c.term)))
            })
            .collect(),
        language: entry.language.as_deref().and_then(filled),
        summary: summary.or_else(media_text),
        content,
        enclosures,
        source: None,
    }
}

fn is_rss(format: Format) -> bool {
    matches!(format, Format::Rss09 | Format::Rss1 | Format::Rss2)
}

fn is_html(content_type: &impl std::fmt::Display) -> bool {
    let name = content_type.to_string();
    name.contains("html") || name.contains("xml")
}

fn is_picture(enclosure: &Enclosure) -> bool {
    enclosure.mime.as_deref().is_none_or(|mime| mime.starts_with("image/"))
}

/// RSS does not say whether a text is HTML; most of it is.
fn markup_of(text: String, is_html: bool, format: Format) -> Option<Markup> {
    let is_html = if is_rss(format) { markup::looks_like_html(&text) } else { is_html };
    (!text.trim().is_empty()).then_some(Markup { text, is_html })
}

/// The article's own page: RSS's plain link, or Atom's alternate, HTML before others.
fn link(links: &[model::Link]) -> Option<&str> {
    let own = || {
        links.iter().filter(|l| {
            l.target.is_none() && !l.href.is_empty() && l.rel.as_deref().is_none_or(|rel| is_relation(rel, "alternate"))
        })
    };
    let is_page = |l: &&model::Link| l.media_type.as_deref().is_none_or(|t| t.contains("html"));
    own().find(is_page).or_else(|| own().next()).map(|l| l.href.as_str())
}

fn enclosures(entry: &model::Entry, base: Option<&Url>) -> Vec<Enclosure> {
    let media = entry.media.iter().flat_map(|m| &m.content).filter_map(|c| {
        Some(Enclosure {
            url: c.url.as_ref()?.to_string(),
            mime: c.content_type.as_ref().map(ToString::to_string),
            length: c.size,
        })
    });
    let links = entry.links.iter().filter(|l| l.rel.as_deref() == Some("enclosure")).filter_map(|l| {
        Some(Enclosure { url: absolute(&l.href, base)?, mime: l.media_type.clone(), length: l.length })
    });
    let mut seen = HashSet::new();
    media.chain(links).filter(|enclosure| seen.insert(enclosure.url.clone())).collect()
}

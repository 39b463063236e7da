//! RSS, RDF and Atom by feed-rs, and its model as ours.
//!
//! What feed-rs makes up is undone: ids that it invents carry a marker and are dropped; an update time that it copied
//! from the publishing time goes; a guid that is a permalink becomes the URL where there is no link.

use std::{
    borrow::Cow,
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use feed_rs::{model, parser};
use memchr::memmem;
use url::Url;

use super::{
    DEPTH_MAX, FeedError, absolute, date,
    entry::{Enclosure, Entry, Feed, FeedAbout, Format, Markup},
    filled,
    guard::guarded,
    is_web, language, markup, outline, page_address, repair,
};

/// Stands for "no id was stated"; a NUL is no character of XML, so no feed can state it.
const NO_ID: &str = "\0";

/// Reads an XML feed.
///
/// # Errors
/// When it is no feed, or when not even one whole entry can be read.
pub fn read(text: &str, base: Option<&Url>) -> Result<Feed, FeedError> {
    let outline = outline::walk(text);
    let declared = repair::declare(text, &outline);
    // Positions in the outline are of the text as it is read from here on.
    let (text, outline) = match &declared {
        Cow::Borrowed(_) => (text, outline),
        Cow::Owned(text) => (text.as_str(), outline::walk(text)),
    };
    let Some(format) = repair::dialect(&outline) else {
        return Err(FeedError::NotAFeed { what: what_else(text, outline.root) });
    };
    if outline.depth > DEPTH_MAX {
        return Err(FeedError::TooDeep);
    }
    let undated = Arc::new(AtomicUsize::new(0));
    let run = |text: &str| run(text, base, &undated);
    let mut notes = Vec::new();
    // A half entry would be matched, stored, and look edited when the rest comes.
    let whole = if outline.is_cut {
        let cut_short = || FeedError::Syntax { cause: "the document ends before its first entry does".to_owned() };
        Some(outline::close_after_last_whole(text, &outline).ok_or_else(cut_short)?)
    } else {
        None
    };
    if outline.is_cut {
        notes.push("the document ends too early; whole entries are kept".to_owned());
    }
    let kept = whole.as_deref().unwrap_or(text);
    let rewritten = repair::is_needed(kept, format, &outline).then(|| repair::rewrite(kept, format));
    let mut result = run(rewritten.as_deref().unwrap_or(kept));
    // Refused, or items read as nothing because they stand outside the channel.
    let falls_short = result.as_ref().map_or(true, |feed| feed.entries.is_empty() && outline.entries > 0);
    if falls_short && rewritten.is_none() {
        let second = run(&repair::rewrite(kept, format));
        if second.as_ref().is_ok_and(|feed| !feed.entries.is_empty() || outline.entries == 0) {
            notes.push("read only after repair".to_owned());
            result = second;
        }
    }
    let read = result?;
    if read.entries.len() < outline.entries {
        notes.push(format!("{} of {} entries could be read", read.entries.len(), outline.entries));
    }
    let undated = undated.load(Ordering::Relaxed);
    if undated > 0 {
        let dates = if undated == 1 { "date" } else { "dates" };
        notes.push(format!("{undated} {dates} could not be read"));
    }
    let not_permanent = guids_not_permanent(rewritten.as_deref().unwrap_or(text));
    let mut about = about(&read, format, base);
    about.language = about.language.map(|language| as_written(text, language));
    let languages =
        if is_rss(format) { Vec::new() } else { language::of_entries(rewritten.as_deref().unwrap_or(kept)) };
    // Where feed-rs dropped an entry, nobody can tell which language is whose.
    let is_told = languages.len() == read.entries.len();
    let mut entries: Vec<Entry> = read.entries.into_iter().map(|e| entry(e, format, base, &not_permanent)).collect();
    for (entry, language) in entries.iter_mut().zip(languages).filter(|_| is_told) {
        entry.language = language.or(entry.language.take());
    }
    Ok(Feed { about, entries, is_cut: outline.is_cut, notes })
}

/// The feed's language in the case that it was written in: feed-rs makes `tr-TR` a `tr-tr`.
fn as_written(text: &str, language: String) -> String {
    let found = memchr::memmem::find_iter(text.as_bytes(), "lang").find_map(|at| {
        let name = text[at..].trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let value = name.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '"' | '\''));
        let value = value.strip_prefix("<![CDATA[").unwrap_or(value).trim_start();
        value.get(..language.len()).filter(|value| value.eq_ignore_ascii_case(&language)).map(str::to_owned)
    });
    found.unwrap_or(language)
}

fn run(text: &str, base: Option<&Url>, undated: &Arc<AtomicUsize>) -> Result<model::Feed, FeedError> {
    let undated = Arc::clone(undated);
    undated.store(0, Ordering::Relaxed);
    let parser = parser::Builder::new()
        .base_uri(base)
        .sanitize_content(false)
        .id_generator(|_, _, _| NO_ID.to_owned())
        .timestamp_parser(move |text| {
            let time = date::parse(text);
            undated.fetch_add(usize::from(time.is_none()), Ordering::Relaxed);
            time
        })
        .build();
    guarded(|| parser.parse(text.as_bytes()))?.map_err(|error| FeedError::Syntax { cause: error.to_string() })
}

/// What came instead of a feed.
fn what_else(text: &str, root: Option<&str>) -> &'static str {
    let head: String = text.chars().take(200).collect::<String>().to_ascii_lowercase();
    match root.map(|name| outline::local(name).to_ascii_lowercase()).as_deref() {
        Some("html") => "an HTML page",
        _ if head.contains("<!doctype html") => "an HTML page",
        Some("opml") => "an OPML list of feeds",
        Some("urlset" | "sitemapindex") => "a sitemap",
        Some(root) if markup::looks_like_html(&format!("<{root}>")) => "an HTML page",
        Some(_) => "an XML document of another kind",
        None => "plain text or binary data",
    }
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
        updated: feed.updated.or(feed.published),
        ttl: feed.ttl,
        hub: rel("hub"),
        self_url: rel("self"),
    }
}

fn entry(entry: model::Entry, format: Format, base: Option<&Url>, not_permanent: &HashSet<&str>) -> Entry {
    let guid = (entry.id != NO_ID).then(|| filled(&entry.id)).flatten();
    let enclosures = enclosures(&entry, base);
    let permalink = guid.as_deref().filter(|g| is_rss(format) && is_web(g) && !not_permanent.contains(g));
    let url = link(&entry.links)
        .and_then(|href| page_address(href, base))
        .or_else(|| permalink.map(str::to_owned))
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
        authors: names(&entry.authors),
        categories: entry.categories.iter().filter_map(|c| filled(c.label.as_deref().unwrap_or(&c.term))).collect(),
        language: entry.language.as_deref().and_then(filled),
        summary: summary.or_else(media_text),
        content,
        enclosures,
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
            l.target.is_none() && !l.href.is_empty() && matches!(l.rel.as_deref(), None | Some("alternate"))
        })
    };
    let is_page = |l: &&model::Link| l.media_type.as_deref().is_none_or(|t| t.contains("html"));
    own().find(is_page).or_else(|| own().next()).map(|l| l.href.as_str())
}

fn names(people: &[model::Person]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in people.iter().filter_map(|p| p.name.as_deref().or(p.email.as_deref()).and_then(bare_name)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// RSS's `desk@example.org (The Desk)` leaves its brackets behind.
fn bare_name(name: &str) -> Option<String> {
    let name = name.trim();
    filled(name.strip_prefix('(').and_then(|name| name.strip_suffix(')')).unwrap_or(name))
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
    let mut seen: Vec<Enclosure> = Vec::new();
    for enclosure in media.chain(links) {
        if seen.iter().all(|s| s.url != enclosure.url) {
            seen.push(enclosure);
        }
    }
    seen
}

/// guids marked `isPermaLink="false"`, found in the text because feed-rs drops the attribute.
fn guids_not_permanent(text: &str) -> HashSet<&str> {
    let finder = memmem::Finder::new("<guid");
    let found = finder.find_iter(text.as_bytes()).filter_map(|at| {
        let (tag, rest) = text[at..].split_once('>')?;
        let value = rest.split_once("</")?.0.trim();
        let value = value.strip_prefix("<![CDATA[").and_then(|v| v.strip_suffix("]]>")).unwrap_or(value);
        tag.to_ascii_lowercase().contains("false").then_some(value.trim())
    });
    found.collect()
}

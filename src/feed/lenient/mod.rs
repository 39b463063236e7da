//! Reads what feed-rs does not: old dialects, mixed ones, and documents that are broken.
//!
//! `outline` has found the feed's fields and each entry's; here they are understood, with one set of rules for every
//! dialect, because documents mix them: Atom's links in RSS, RSS's dates in Atom, Dublin Core in both. What feed-rs reads
//! too is read the same (`tests/it/feed.rs` compares them).

mod entry;
mod text;

use std::{borrow::Cow, cell::OnceCell};

use chrono::{DateTime, Utc};
use url::Url;

use super::{
    absolute,
    bounds::BaseRoom,
    date,
    entry::{Feed, FeedAbout, Format, Source},
    field::{Field, attribute, children, is_in},
    markup,
    name::{Meaning, Scope, Space},
    outline::{EntryOutline, Outline},
    person,
    reference::{self, Entities},
};
use crate::schedule::Rhythm;

/// What every field of a document is read with.
pub struct Reader<'a> {
    outline: &'a Outline<'a>,
    format: Format,
    scope: &'a Scope<'a>,
    entities: Entities<'a>,
    /// Where relative links start from.
    base: Option<Url>,
    undated: usize,
    /// The order of day and month in the feed's dates, once asked for.
    order: OnceCell<Option<date::Order>>,
    /// Links that are relative where nothing says to what.
    baseless: usize,
    /// The feed's own authors, once asked for.
    feed_authors: OnceCell<Vec<String>>,
    room: BaseRoom,
}

/// Reads a document by its outline. Never fails: what cannot be read is left out and noted.
pub fn read(outline: &Outline<'_>, format: Format, base: Option<&Url>) -> Feed {
    let mut reader = Reader::new(outline, format, base);
    reader.base = reader.base.take().or_else(|| reader.own_address(outline));
    for attributes in &outline.head {
        reader.base = reader.based(attributes).into_owned();
    }
    let about = reader.about(outline, base);
    let entries = outline.entries.iter().map(|entry| reader.entry(entry)).collect();
    let mut notes = Vec::new();
    super::note_undated(&mut notes, reader.undated);
    if reader.baseless > 0 {
        notes.push(format!("{} relative links, and nothing says to what", reader.baseless));
    }
    notes.extend(reader.room.note());
    if reader.entities.is_spent() {
        notes.push("its own entities stand for too much text; references to them are left as they stand".to_owned());
    }
    Feed { about, entries, is_cut: false, notes }
}

impl<'a> Reader<'a> {
    /// For a document.
    pub fn new(outline: &'a Outline<'a>, format: Format, base: Option<&Url>) -> Self {
        Self {
            outline,
            format,
            scope: &outline.scope,
            entities: outline
                .doctype
                .map(|doctype| Entities::of_doctype(doctype, outline.document_bytes))
                .unwrap_or_default(),
            feed_authors: OnceCell::new(),
            room: BaseRoom::default(),
            base: base.cloned(),
            undated: 0,
            order: OnceCell::new(),
            baseless: 0,
        }
    }

    /// What a date means here.
    fn date(&self, stated: &str) -> Option<DateTime<Utc>> {
        date::parse(stated).or_else(|| {
            let order = self.order.get_or_init(|| {
                let fields = self.outline.entries.iter().flat_map(|entry| &entry.fields);
                let is_date = |meaning| matches!(meaning, Meaning::Published | Meaning::Updated | Meaning::Date);
                date::order(fields.filter(|f| is_date(f.meaning)).filter_map(|f| text::words(f.inner, &self.entities)))
            });
            date::parse_in(stated, Some((*order)?))
        })
    }

    /// Whose an Atom entry is that names nobody: its `source`'s authors, else the feed's (RFC 4287 §4.2.1).
    pub fn inherited_authors(&self, entry: &EntryOutline<'a>) -> Vec<String> {
        if !matches!(self.format, Format::Atom | Format::Atom03) {
            return Vec::new();
        }
        let names = |fields: &[Field<'a>]| {
            let authors = fields.iter().filter(|field| field.meaning == Meaning::Author);
            person::inherited(person::distinct(authors.filter_map(|field| self.author(field))))
        };
        let source = entry.fields.iter().find(|field| field.meaning == Meaning::Source && field.inner.contains('<'));
        let of_source = source.map(|source| names(&children(source.inner, self.scope)));
        of_source
            .filter(|names| !names.is_empty())
            .unwrap_or_else(|| self.feed_authors.get_or_init(|| names(&self.outline.fields)).clone())
    }

    /// Where the document says that it is, or its site: better than nothing to resolve links against.
    fn own_address(&mut self, outline: &Outline<'a>) -> Option<Url> {
        let links = || outline.fields.iter().filter(|field| field.meaning == Meaning::Link);
        let by_rel = |rel: &str| links().find(|link| self.is_rel(link, rel) && self.href(link).is_some());
        let stated = by_rel("self").and_then(|link| self.href(link)).or_else(|| {
            let link = links().find(|link| self.is_rel(link, "alternate"))?;
            self.href(link).or_else(|| text::words(link.inner, &self.entities))
        });
        Url::parse(&stated?).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
    }

    /// The base within an element: its `xml:base`, resolved against the one outside.
    fn based(&self, attributes: &str) -> Cow<'_, Option<Url>> {
        let Some(value) = reference::attribute(attributes, "xml:base", &self.entities) else {
            return Cow::Borrowed(&self.base);
        };
        match &self.base {
            Some(base) => Cow::Owned(base.join(value.trim()).ok().or_else(|| self.base.clone())),
            None => Cow::Owned(Url::parse(value.trim()).ok()),
        }
    }

    fn about(&mut self, outline: &Outline<'a>, base: Option<&Url>) -> FeedAbout {
        let fields = &outline.fields;
        let base_here = self.base.clone();
        let resolve = |stated: Option<String>| stated.and_then(|stated| absolute(&stated, base_here.as_ref()));
        let links = || fields.iter().filter(|field| field.meaning == Meaning::Link);
        let by_rel = |rel: &str| resolve(links().find(|link| self.is_rel(link, rel)).and_then(|link| self.href(link)));
        let (hub, self_url) = (by_rel("hub"), by_rel("self"));
        let plain = || links().find_map(|link| text::words(link.inner, &self.entities));
        let alternate = || {
            let own = links().filter(|link| self.is_rel(link, "alternate") && self.href(link).is_some());
            let page = own.clone().find(|link| link.attribute("type").is_none_or(|kind| kind.contains("html")));
            page.or_else(|| own.clone().next()).and_then(|link| self.href(link))
        };
        let site_url = resolve(plain().or_else(alternate));
        let line = |meanings: &[Meaning]| {
            let candidates = meanings.iter().flat_map(|meaning| fields.iter().filter(move |f| f.meaning == *meaning));
            candidates.filter_map(|field| self.line(field)).next()
        };
        let word = |meaning| {
            fields
                .iter()
                .filter(|field| field.meaning == meaning)
                .find_map(|field| text::words(field.inner, &self.entities))
        };
        let stated_language = || outline.head.iter().rev().find_map(|tag| language(tag));
        let description = line(&[Meaning::Description, Meaning::Subtitle, Meaning::SpareDescription]);
        let title = line(&[Meaning::Title, Meaning::SpareTitle]);
        let language = word(Meaning::Language).or_else(stated_language);
        let ttl = word(Meaning::Ttl).and_then(|ttl| ttl.parse().ok());
        let updated = [Meaning::Updated, Meaning::Date].into_iter().find_map(word);
        FeedAbout {
            title,
            url: base.map(Url::to_string).or_else(|| self_url.clone()),
            site_url,
            description,
            language,
            format: Some(self.format),
            updated: updated.and_then(|updated| date::parse(&updated)),
            ttl,
            rhythm: Rhythm::default(),
            hub,
            self_url,
        }
    }

    /// A field's words on one line.
    fn line(&self, field: &Field<'_>) -> Option<String> {
        let markup = text::of_field(field, self.says_types(field), &self.entities)?;
        let line = if markup.is_html { markup::to_line(&markup.text) } else { markup::one_line(&markup.text) };
        super::filled(&line)
    }

    /// Atom says whether a text is HTML; RSS leaves it to be guessed, and so does Dublin Core wherever it stands.
    fn says_types(&self, field: &Field<'_>) -> bool {
        matches!(self.format, Format::Atom | Format::Atom03) && is_in(field, self.scope, Space::Plain)
    }

    fn is_rel(&self, link: &Field<'_>, rel: &str) -> bool {
        super::is_relation(link.attribute("rel").unwrap_or(""), rel)
    }

    fn href(&self, link: &Field<'_>) -> Option<String> {
        let stated = link.attribute("href").or_else(|| link.attribute("url"));
        super::filled(&reference::resolve(stated?, &self.entities))
    }
}

/// Whose article it is, where RSS says so; Atom's `source` is a feed of its own and says it in other words.
pub fn source_of(entry: &EntryOutline<'_>, entities: &Entities<'_>) -> Option<Source> {
    let field = entry.fields.iter().find(|field| field.meaning == Meaning::Source)?;
    let url = field.attribute("url").and_then(|url| super::filled(&reference::resolve(url, entities)));
    if field.inner.contains('<') && !field.inner.trim_start().starts_with("<![CDATA[") {
        return None;
    }
    text::words(field.inner, entities).map(|name| Source { name: markup::one_line(&name), url })
}

/// The language that a start tag states; an empty one says that it is unknown.
fn language(attributes: &str) -> Option<String> {
    attribute(attributes, "xml:lang").and_then(super::filled)
}

/// The language of an entry: that of the text which becomes the article's, else the entry's own.
fn language_of(entry: &EntryOutline<'_>) -> Option<String> {
    let text = |meanings: &[Meaning]| entry.fields.iter().find(|field| meanings.contains(&field.meaning));
    let field = text(&[Meaning::Content, Meaning::Encoded]).or_else(|| text(&[Meaning::Summary, Meaning::Description]));
    field.and_then(|field| language(field.attributes)).or_else(|| language(entry.attributes))
}

//! One entry's fields → [`Entry`].

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use url::Url;

use super::{
    super::{
        FIELDS_MAX,
        entry::{Enclosure, Entry, Format, Markup},
        field::{Field, attribute, children, is_in},
        filled, is_web, markup,
        name::{Meaning, Space},
        outline::EntryOutline,
        page_address, permalink, person, reference,
    },
    Reader, language_of, text,
};

impl<'a> Reader<'a> {
    /// Reads one entry.
    pub(super) fn entry(&mut self, outline: &EntryOutline<'a>) -> Entry {
        let base = self.based(outline.attributes).into_owned();
        let fields = self.with_groups(&outline.fields);
        let of = |meaning: Meaning| fields.iter().filter(move |field| field.meaning == meaning);
        let title = [Meaning::Title, Meaning::SpareTitle].into_iter().flat_map(of).find_map(|f| self.markup(f));
        let guid = [Meaning::Guid, Meaning::Id]
            .into_iter()
            .flat_map(of)
            .find_map(|f| Some((text::words(f.inner, &self.entities)?, self.is_permalink(f))));
        let enclosures = self.enclosures(&fields, base.as_ref());
        let url = self.url(&fields, base.as_ref(), guid.as_ref(), &enclosures);
        let about = attribute(outline.attributes, "rdf:about")
            .and_then(|about| filled(&reference::resolve(about, &self.entities)));
        let summary = [Meaning::Description, Meaning::Summary, Meaning::SpareDescription, Meaning::Subtitle];
        let summary = summary.into_iter().flat_map(of).find_map(|f| self.markup(f));
        let content = self.content(&fields).or_else(|| self.longer_description(&fields, summary.as_ref()?));
        let published = self.time(&fields, &[Meaning::Published]);
        let updated = self.time(&fields, &[Meaning::Updated]);
        // Dublin Core's date may be any: it counts where the feed's own words give none.
        let published = published.or_else(|| self.time(&fields, &[Meaning::Date]));
        let own_authors = person::distinct(of(Meaning::Author).filter_map(|f| self.author(f)));
        Entry {
            authors: if own_authors.is_empty() { self.inherited_authors(outline) } else { own_authors },
            guid: guid.map(|(guid, _)| guid).or(about),
            url,
            title_is_html: title.as_ref().is_some_and(|title| title.is_html),
            title: title.map(|title| title.text),
            published,
            updated,
            categories: of(Meaning::Category).filter_map(|f| self.category(f)).collect(),
            language: of(Meaning::Language)
                .find_map(|f| text::words(f.inner, &self.entities))
                .or_else(|| language_of(outline)),
            summary,
            content,
            enclosures,
            source: super::source_of(outline, &self.entities),
        }
    }

    /// What stands in a `media:group` or `media:content` counts as if it stood in the entry, behind what does.
    fn with_groups<'b>(&self, fields: &'b [Field<'a>]) -> Cow<'b, [Field<'a>]> {
        let is_group = |field: &Field<'_>| {
            matches!(field.meaning, Meaning::MediaGroup | Meaning::MediaContent) && field.inner.contains('<')
        };
        if !fields.iter().any(is_group) {
            return Cow::Borrowed(fields);
        }
        let mut all = fields.to_vec();
        // A group in the entry holds files, and those hold titles: no deeper.
        let mut from = 0;
        for _ in 0..2 {
            let groups: Vec<Field<'a>> = all[from..].iter().copied().filter(is_group).collect();
            from = all.len();
            all.extend(groups.iter().flat_map(|group| children(group.inner, self.scope)));
            all.truncate(2 * FIELDS_MAX);
        }
        Cow::Owned(all)
    }

    fn markup(&self, field: &Field<'_>) -> Option<Markup> {
        text::of_field(field, self.says_types(field), &self.entities)
    }

    /// The fullest text: `content:encoded` before others, HTML before plain.
    fn content(&self, fields: &[Field<'_>]) -> Option<Markup> {
        let of = |meaning: Meaning| fields.iter().filter(move |f| f.meaning == meaning && f.attribute("src").is_none());
        let encoded = of(Meaning::Encoded).find_map(|f| self.markup(f));
        encoded.or_else(|| {
            let mut contents = of(Meaning::Content).filter_map(|f| self.markup(f));
            let first = contents.next()?;
            if first.is_html { Some(first) } else { contents.find(|next| next.is_html).or(Some(first)) }
        })
    }

    /// A podcast's notes, or an abstract, where they say more than the description: without one, they are the text.
    fn longer_description(&self, fields: &[Field<'_>], summary: &Markup) -> Option<Markup> {
        let is_caption = |field: &Field<'_>| is_in(field, self.scope, Space::Media);
        let spare = fields.iter().filter(|field| field.meaning == Meaning::SpareDescription && !is_caption(field));
        let spare = spare.filter_map(|field| self.markup(field)).find(|spare| spare.text.len() > summary.text.len());
        spare.filter(|spare| spare.text != summary.text)
    }

    /// The first time of these kinds that can be read; those that cannot are counted where none can.
    fn time(&mut self, fields: &[Field<'_>], meanings: &[Meaning]) -> Option<DateTime<Utc>> {
        let mut unread = 0;
        for field in fields.iter().filter(|field| meanings.contains(&field.meaning)) {
            let Some(stated) = text::words(field.inner, &self.entities) else { continue };
            match self.date(&stated) {
                Some(time) => return Some(time),
                None => unread += 1,
            }
        }
        self.undated += unread;
        None
    }

    /// The article's own page: RSS's plain link, else an alternate link, HTML before others; else a guid that is a
    /// permalink; else what is enclosed.
    fn url(
        &mut self,
        fields: &[Field<'_>],
        base: Option<&Url>,
        guid: Option<&(String, bool)>,
        enclosures: &[Enclosure],
    ) -> Option<String> {
        let links = || fields.iter().filter(|field| field.meaning == Meaning::Link);
        let plain = links().find_map(|link| Some((text::words(link.inner, &self.entities)?, *link)));
        let stated = plain.or_else(|| {
            let own = links().filter(|link| self.is_rel(link, "alternate") && self.href(link).is_some());
            let is_page = |link: &&Field<'_>| link.attribute("type").is_none_or(|kind| kind.contains("html"));
            let link = own.clone().find(is_page).or_else(|| own.clone().next())?;
            Some((self.href(link)?, *link))
        });
        if let Some((stated, link)) = stated {
            // The link's own `xml:base` is nearer than the entry's.
            let own_base = reference::attribute(link.attributes, "xml:base", &self.entities);
            let own_base = own_base.and_then(|own| match base {
                Some(base) => base.join(own.trim()).ok(),
                None => Url::parse(own.trim()).ok(),
            });
            let base = own_base.as_ref().or(base);
            if let Some(url) = page_address(&stated, base) {
                return Some(url);
            }
            self.baseless += usize::from(base.is_none() && Url::parse(&stated).is_err());
        }
        let permalink = guid.filter(|(_, is_permalink)| *is_permalink).and_then(|(guid, _)| permalink(guid, base));
        // An episode is its own page; a picture is none.
        let is_episode = |e: &&Enclosure| {
            self.is_rss() && e.mime.as_deref().is_some_and(|mime| !mime.starts_with("image/")) && is_web(&e.url)
        };
        permalink.or_else(|| enclosures.iter().find(is_episode).map(|e| e.url.clone()))
    }

    fn is_rss(&self) -> bool {
        matches!(self.format, Format::Rss09 | Format::Rss1 | Format::Rss2)
    }

    /// RSS's guid is the article's address unless it says that it is not. Atom's id never is.
    fn is_permalink(&self, field: &Field<'_>) -> bool {
        field.meaning == Meaning::Guid
            && self.is_rss()
            && field.attribute("isPermaLink").is_none_or(|value| !value.trim().eq_ignore_ascii_case("false"))
    }

    pub(super) fn author(&self, field: &Field<'_>) -> Option<String> {
        if field.inner.contains('<') {
            let parts = children(field.inner, self.scope);
            let part = |name: &str| {
                let part = parts.iter().find(|part| super::super::name::local(part.name).eq_ignore_ascii_case(name));
                part.and_then(|part| text::words(part.inner, &self.entities))
            };
            if let Some(name) = part("name").or_else(|| part("email")) {
                return person::name(&name);
            }
            if parts.iter().any(|part| matches!(part.name, "uri" | "url")) {
                return None;
            }
        }
        person::name(&self.line(field)?)
    }

    fn category(&self, field: &Field<'_>) -> Option<String> {
        let attribute =
            |name| field.attribute(name).and_then(|value| filled(&reference::resolve(value, &self.entities)));
        let stated =
            text::words(field.inner, &self.entities).or_else(|| attribute("label")).or_else(|| attribute("term"));
        stated.and_then(|stated| filled(&markup::label(&stated)))
    }

    /// Media files, each address once: Media RSS's, RSS's, Atom's.
    fn enclosures(&self, fields: &[Field<'_>], base: Option<&Url>) -> Vec<Enclosure> {
        let is_enclosing = |link: &&Field<'_>| self.is_rel(link, "enclosure");
        let of = |meaning: Meaning| fields.iter().filter(move |field| field.meaning == meaning);
        let stated =
            of(Meaning::MediaContent).chain(of(Meaning::Enclosure)).chain(of(Meaning::Link).filter(is_enclosing));
        let mut found: Vec<Enclosure> = Vec::new();
        for field in stated {
            let attribute =
                |name| field.attribute(name).and_then(|value| filled(&reference::resolve(value, &self.entities)));
            let length = attribute("length").or_else(|| attribute("fileSize")).and_then(|length| length.parse().ok());
            if let Some(url) =
                attribute("url").or_else(|| attribute("href")).and_then(|url| self.room.resolved(&url, base))
                && found.iter().all(|known| known.url != url)
            {
                found.push(Enclosure { url, mime: attribute("type"), length });
            }
        }
        found
    }
}

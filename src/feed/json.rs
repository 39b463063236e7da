//! JSON Feed 1.0 and 1.1.
//!
//! Read here and not by feed-rs, which refuses a whole feed for one missing `title` or `mime_type` and does not say
//! which of its links is the feed's own. Unknown and ill-typed fields are passed over; what is no JSON is read by
//! `value` all the same, so that one bad item costs itself at most.

mod value;

use url::Url;
use value::{Object, VALUES_MAX, Value};

use super::{
    FIELDS_MAX, FeedError, absolute,
    bounds::BaseRoom,
    date,
    entry::{Enclosure, Entry, Feed, FeedAbout, Format, Markup},
    filled, markup, note_undated, page_address,
};
use crate::schedule::Rhythm;

/// Reads a JSON Feed.
///
/// # Errors
/// When it is no JSON, or JSON that is no feed.
pub fn read(text: &str, base: Option<&Url>) -> Result<Feed, FeedError> {
    let document = value::read(text);
    let mut notes = Vec::new();
    if document.is_cut {
        notes.push("the document ends too early; whole entries are kept".to_owned());
    } else if document.is_broken {
        notes.push("the document is no good JSON; read as it is meant".to_owned());
    }
    if document.is_too_much {
        notes.push(format!("more than {VALUES_MAX} values; what stands behind them is left out"));
    }
    let not_a_feed = FeedError::NotAFeed { what: "JSON without `version` and `items` of a JSON Feed" };
    let Value::Object(root) = document.value else { return Err(not_a_feed) };
    let Some(Value::Array(items)) = root.get("items").filter(|_| is_versioned(&root)) else {
        return Err(not_a_feed);
    };
    if document.is_cut && items.is_empty() {
        return Err(FeedError::Syntax { cause: "the document ends before its first entry does".to_owned() });
    }
    let order = date_order(items);
    // Without a base, addresses start from where the feed says that it is, or its site.
    let own = ["feed_url", "home_page_url"].into_iter().filter_map(|key| Url::parse(&string(&root, key)?).ok());
    let own = own.into_iter().find(|url| matches!(url.scheme(), "http" | "https"));
    let mut reader = ItemReader {
        base: base.or(own.as_ref()),
        feed_authors: super::person::inherited(authors(&root)),
        order,
        undated: 0,
        room: BaseRoom::default(),
    };
    let objects = items.iter().filter_map(|item| if let Value::Object(item) = item { Some(item) } else { None });
    let entries: Vec<Entry> = objects.map(|item| reader.item(item)).collect();
    if entries.len() < items.len() {
        notes.push(format!("{} of {} items could be read", entries.len(), items.len()));
    }
    note_undated(&mut notes, reader.undated);
    notes.extend(reader.room.note());
    let url = |key| string(&root, key).and_then(|u| absolute(&u, base));
    let hub = list(root.get("hubs")).find_map(|hub| string(hub.object()?, "url"));
    let about = FeedAbout {
        title: string(&root, "title"),
        url: base.map(|b| b.to_string()).or_else(|| url("feed_url")),
        site_url: url("home_page_url"),
        description: string(&root, "description"),
        language: string(&root, "language"),
        format: Some(Format::Json),
        updated: None,
        ttl: None,
        rhythm: Rhythm::default(),
        hub,
        self_url: url("feed_url"),
    };
    Ok(Feed { about, entries, is_cut: document.is_cut, notes })
}

/// Whether a text is a JSON Feed's, by the keys of its first object.
pub fn is_feed(text: &str) -> bool {
    value::read(text).value.object().is_some_and(is_versioned)
}

fn is_versioned(root: &Object<'_>) -> bool {
    string(root, "version").is_some_and(|version| version.contains("jsonfeed.org/version/1"))
}

/// The order of day and month in the feed's dates, where any tells.
fn date_order(items: &[Value<'_>]) -> Option<date::Order> {
    let texts = items
        .iter()
        .filter_map(Value::object)
        .flat_map(|item| ["date_published", "date_modified"].map(|key| string(item, key)));
    date::order(texts.flatten())
}

/// What every item of a feed is read with.
struct ItemReader<'a> {
    base: Option<&'a Url>,
    feed_authors: Vec<String>,
    order: Option<date::Order>,
    undated: usize,
    room: BaseRoom,
}

impl ItemReader<'_> {
    fn item(&mut self, item: &Object<'_>) -> Entry {
        let mut time = |key| {
            let text = string(item, key)?;
            let time = date::parse_in(&text, self.order);
            self.undated += usize::from(time.is_none());
            time
        };
        let (published, updated) = (time("date_published"), time("date_modified"));
        let text = |key, is_html| string(item, key).map(|text| Markup { text, is_html });
        let own_authors = authors(item);
        let title = string(item, "title");
        // Plain text by the specification, and HTML's references by many a program; tags in it are words.
        let title_is_html = title.as_ref().is_some_and(|title| !title.contains('<') && markup::looks_like_html(title));
        let address = |key| string(item, key).and_then(|u| page_address(&u, self.base));
        Entry {
            guid: string(item, "id"),
            url: address("url").or_else(|| address("external_url")),
            title,
            title_is_html,
            published,
            updated,
            authors: if own_authors.is_empty() { self.feed_authors.clone() } else { own_authors },
            categories: strings(item.get("tags")),
            language: string(item, "language"),
            summary: text("summary", false),
            content: text("content_html", true).or_else(|| text("content_text", false)),
            enclosures: list(item.get("attachments")).filter_map(|a| attachment(a, self.base, &self.room)).collect(),
            source: None,
        }
    }
}

fn attachment(value: &Value<'_>, base: Option<&Url>, room: &BaseRoom) -> Option<Enclosure> {
    let attachment = value.object()?;
    let length = string(attachment, "size_in_bytes").and_then(|length| length.parse().ok());
    let url = room.resolved(&string(attachment, "url")?, base)?;
    Some(Enclosure { url, mime: string(attachment, "mime_type"), length })
}

/// `authors` of 1.1, else `author` of 1.0: an object with a name, or only a name.
fn authors(object: &Object<'_>) -> Vec<String> {
    let listed = list(object.get("authors")).chain(object.get("author"));
    let name = |author: &Value<'_>| match author {
        Value::Object(author) => string(author, "name"),
        Value::String(name) => text_of(name),
        _ => None,
    };
    super::person::distinct(listed.filter_map(name))
}

fn list<'a, 'b>(value: Option<&'b Value<'a>>) -> impl Iterator<Item = &'b Value<'a>> {
    let items = if let Some(Value::Array(items)) = value { items.as_slice() } else { &[] };
    items.iter().take(FIELDS_MAX)
}

fn strings(value: Option<&Value<'_>>) -> Vec<String> {
    list(value).filter_map(|v| if let Value::String(text) = v { text_of(text) } else { None }).collect()
}

/// A text without the control characters that JSON lets escape, and XML does not know.
fn text_of(text: &str) -> Option<String> {
    filled(&super::charset::clean(text.to_owned()))
}

/// A text; also where somebody wrote a number for it, as the specification asks for ids. Digit by digit, since some are
/// longer than any number of a machine.
fn string(object: &Object<'_>, key: &str) -> Option<String> {
    match object.get(key)? {
        Value::String(text) => text_of(text),
        Value::Number(digits) => Some((*digits).to_owned()),
        Value::Nothing | Value::Array(_) | Value::Object(_) => None,
    }
}

//! JSON Feed 1.0 and 1.1.
//!
//! Read here and not by feed-rs, which refuses a whole feed for one missing `title` or `mime_type` and does not say
//! which of its links is the feed's own. Unknown and ill-typed fields are passed over.

use serde_json::{Map, Value};
use url::Url;

use super::{
    FeedError, absolute, date,
    entry::{Enclosure, Entry, Feed, FeedAbout, Format, Markup},
    filled, page_address,
};
use crate::schedule::Rhythm;

/// Reads a JSON Feed.
///
/// # Errors
/// When it is no JSON, or JSON that is no feed.
pub fn read(text: &str, base: Option<&Url>) -> Result<Feed, FeedError> {
    let mut notes = Vec::new();
    let mut is_cut = false;
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => {
            let mended = mend(text);
            is_cut = mended.is_cut;
            notes.push(match is_cut {
                true => "the document ends too early; whole entries are kept".to_owned(),
                false => format!("the document is no good JSON; read as it is meant ({error})"),
            });
            serde_json::from_str(&mended.text).map_err(|_| FeedError::Syntax { cause: error.to_string() })?
        }
    };
    let not_a_feed = FeedError::NotAFeed { what: "JSON without `version` and `items` of a JSON Feed" };
    let Value::Object(root) = value else { return Err(not_a_feed) };
    let is_versioned = string(&root, "version").is_some_and(|v| v.contains("jsonfeed.org/version/1"));
    let Some(items) = root.get("items").and_then(Value::as_array).filter(|_| is_versioned) else {
        return Err(not_a_feed);
    };
    let feed_authors = authors(&root);
    let entries: Vec<Entry> =
        items.iter().filter_map(Value::as_object).map(|i| item(i, base, &feed_authors, &mut notes)).collect();
    if entries.len() < items.len() {
        notes.push(format!("{} of {} items could be read", entries.len(), items.len()));
    }
    let url = |key| string(&root, key).and_then(|u| absolute(&u, base));
    let hub = root.get("hubs").and_then(|h| h.get(0)).and_then(|h| h.get("url")).and_then(Value::as_str);
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
        hub: hub.and_then(filled),
        self_url: url("feed_url"),
    };
    Ok(Feed { about, entries, is_cut, notes })
}

fn item(item: &Map<String, Value>, base: Option<&Url>, feed_authors: &[String], notes: &mut Vec<String>) -> Entry {
    let mut time = |key| {
        let text = string(item, key)?;
        let time = date::parse(&text);
        if time.is_none() {
            notes.push(format!("`{key}` is not a date"));
        }
        time
    };
    let (published, updated) = (time("date_published"), time("date_modified"));
    let markup = |key, is_html| string(item, key).map(|text| Markup { text, is_html });
    let own_authors = authors(item);
    Entry {
        guid: id(item.get("id")),
        url: string(item, "url").or_else(|| string(item, "external_url")).and_then(|u| page_address(&u, base)),
        title: string(item, "title"),
        title_is_html: false,
        published,
        updated,
        authors: if own_authors.is_empty() { feed_authors.to_vec() } else { own_authors },
        categories: strings(item.get("tags")),
        language: string(item, "language"),
        summary: markup("summary", false),
        content: markup("content_html", true).or_else(|| markup("content_text", false)),
        enclosures: list(item.get("attachments")).filter_map(|a| attachment(a, base)).collect(),
        source: None,
    }
}

/// A document that its reader refused, made into one that it may take.
struct Mended {
    text: String,
    is_cut: bool,
}

/// Drops commas before a closing bracket, what follows the root, and an item that the document's end cut short; escapes
/// line breaks in strings.
fn mend(text: &str) -> Mended {
    let mut out = String::with_capacity(text.len() + 2);
    let mut open: Vec<char> = Vec::new();
    // Where the last whole member of the root's lists ended.
    let mut last_whole = None;
    let (mut is_string, mut is_escaped) = (false, false);
    for c in text.chars() {
        if is_string {
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => is_string = false,
                '\n' => {
                    out.push_str("\\n");
                    continue;
                }
                '\r' | '\t' => {
                    out.push(' ');
                    continue;
                }
                _ => {}
            }
            out.push(c);
            continue;
        }
        match c {
            '"' => is_string = true,
            '{' | '[' => open.push(if c == '{' { '}' } else { ']' }),
            '}' | ']' => {
                let kept = out.trim_end().trim_end_matches(',').len();
                out.truncate(kept);
                open.pop();
            }
            _ => {}
        }
        out.push(c);
        if c == '}' && open == ['}', ']'] {
            last_whole = Some(out.len());
        }
        if open.is_empty() && c == '}' {
            return Mended { text: out, is_cut: false };
        }
    }
    if let Some(end) = last_whole {
        out.truncate(end);
        out.push_str("]}");
    }
    Mended { text: out, is_cut: true }
}

/// The specification says a string, and that numbers are to be taken too.
fn id(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => text_of(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn attachment(value: &Value, base: Option<&Url>) -> Option<Enclosure> {
    let attachment = value.as_object()?;
    Some(Enclosure {
        url: absolute(&string(attachment, "url")?, base)?,
        mime: string(attachment, "mime_type"),
        length: attachment.get("size_in_bytes").and_then(Value::as_u64),
    })
}

/// `authors` of 1.1, else `author` of 1.0.
fn authors(object: &Map<String, Value>) -> Vec<String> {
    let listed = list(object.get("authors")).chain(object.get("author"));
    let mut names: Vec<String> = listed.filter_map(|a| a.get("name")?.as_str().and_then(filled)).collect();
    names.dedup();
    names
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn strings(value: Option<&Value>) -> Vec<String> {
    list(value).filter_map(|v| v.as_str().and_then(text_of)).collect()
}

/// A text without the control characters that JSON lets escape, and XML does not know.
fn text_of(text: &str) -> Option<String> {
    filled(&super::charset::clean(text.to_owned()))
}

fn string(object: &Map<String, Value>, key: &str) -> Option<String> {
    object.get(key)?.as_str().and_then(text_of)
}

//! What feed-rs reads as it is meant: documents that need nothing of ours in front.
//!
//! feed-rs is exact about names, namespaces, versions and types. A document within these bounds goes to it as it stands;
//! any other is read by `lenient`. When in doubt a document is not plain: that costs nothing but feed-rs's own speed.

use super::{
    attribute,
    entry::Format,
    field::{self, Field},
    name::{Meaning, Scope, local},
};

const ATOM: &str = "http://www.w3.org/2005/Atom";

/// The dialect that a root announces; `None` where it is no feed's. What is not the document's first tag must say more
/// clearly that it is one.
pub fn format(name: &str, attributes: &str, scope: &Scope<'_>, is_first: bool) -> Option<Format> {
    let uri = scope.uri(super::name::split(name).0).unwrap_or("").to_ascii_lowercase();
    let version = field::attribute(attributes, "version").unwrap_or("").trim();
    match local(name).to_ascii_lowercase().as_str() {
        "rss" if version.starts_with("0.9") => Some(Format::Rss09),
        "rss" => Some(Format::Rss2),
        "rdf" if attributes.contains("/rdf/simple/0.9") => Some(Format::Rss09),
        "rdf" => Some(Format::Rss1),
        "feed" if uri.contains("purl.org/atom") || version.starts_with("0.") => Some(Format::Atom03),
        "feed" if is_first || uri.contains("atom") => Some(Format::Atom),
        "entry" if is_first => Some(Format::Atom),
        "channel" if is_first => Some(Format::Rss09),
        _ => None,
    }
}

/// Whether feed-rs knows the root by its name, version and namespace.
pub fn is_plain_root(name: &str, attributes: &str, scope: &Scope<'_>, format: Format) -> bool {
    // Exactly so named; whoever writes `Version` is read by nobody else.
    let version = attribute::attributes(attributes).find(|(name, _)| *name == "version").map(|(_, version)| version);
    let is_bare_rss = name == "rss" && scope.uri("").is_none() && !attributes.contains("xml:");
    match format {
        Format::Rss2 => is_bare_rss && version == Some("2.0"),
        Format::Rss09 => is_bare_rss && matches!(version, Some("0.91" | "0.92")),
        Format::Atom => name == "feed" && scope.uri("") == Some(ATOM) && !attributes.contains("xml:base"),
        Format::Rss1 | Format::Atom03 | Format::Json => false,
    }
}

/// Whether an entry of this name, or a field of the feed where there is none, stands where feed-rs looks for it: in the
/// channel, or in Atom's root.
pub fn is_plain_place(entry: &str, frames: usize, format: Option<Format>) -> bool {
    match format {
        Some(Format::Atom) => frames == 1 && matches!(entry, "" | "entry"),
        _ => frames == 2 && matches!(entry, "" | "item"),
    }
}

/// Whether feed-rs reads every field of the feed itself.
pub fn is_plain_feed(fields: &[Field<'_>], format: Option<Format>) -> bool {
    let is_atom = format == Some(Format::Atom);
    fields.iter().all(|field| match field.name {
        "title" | "subtitle" if is_atom => has_plain_type(field),
        "id" | "updated" | "link" | "author" if is_atom => true,
        "title" | "link" | "description" | "language" | "pubDate" | "lastBuildDate" | "image" | "category"
        | "textInput" | "atom:link" => !is_atom,
        // feed-rs takes no space around a number.
        "ttl" => !is_atom && field.inner.bytes().all(|b| b.is_ascii_digit()),
        _ => is_passed_over(field.meaning),
    }) && is_said_once(fields)
}

/// Whether feed-rs reads every field of an entry.
pub fn is_plain_entry(fields: &[Field<'_>], format: Option<Format>) -> bool {
    let is_atom = format == Some(Format::Atom);
    let has_media = fields.iter().any(|f| matches!(f.meaning, Meaning::MediaContent | Meaning::MediaGroup));
    let knows = |field: &Field<'_>| match field.name {
        "title" | "summary" | "content" if is_atom => has_plain_type(field),
        "link" if is_atom => {
            field.inner.trim().is_empty()
                && field.attributes.is_ascii()
                && field.attribute("href").is_none_or(is_plain_address)
        }
        "category" if is_atom => is_plain_category(field),
        "id" | "published" | "updated" | "author" | "source" if is_atom => true,
        // feed-rs writes other letters as bytes, and knows no address in an attribute.
        "link" => field.attributes.trim().is_empty() && field.inner.is_ascii() && is_plain_address(field.inner),
        "title" | "guid" | "pubDate" | "description" | "content:encoded" => {
            !is_atom && field.attribute("type").is_none()
        }
        "dc:creator" | "author" | "category" => !is_atom && holds_text_alone(field),
        // feed-rs forgets a type that is none, and mixes one file that is named in two ways.
        "enclosure" => !is_atom && !has_media && field.attribute("type").is_none_or(|kind| kind.contains('/')),
        "source" | "image" => !is_atom,
        _ => match field.meaning {
            // feed-rs forgets what a group says where it holds no file.
            Meaning::MediaContent | Meaning::MediaGroup => {
                !field.inner.contains(":title") && !field.inner.contains(":description")
            }
            meaning => is_passed_over(meaning),
        },
    };
    fields.iter().all(knows) && is_said_once(fields)
}

/// Elements that neither reader takes for more than feed-rs does.
fn is_passed_over(meaning: Meaning) -> bool {
    matches!(meaning, Meaning::Unknown | Meaning::Keywords)
}

/// feed-rs resolves an address before anyone can mend it.
fn is_plain_address(stated: &str) -> bool {
    let stated = stated.trim();
    let has_two_schemes = stated.find("://").is_some_and(|at| stated[at + 3..].starts_with("http"));
    let is_bare_host = stated.as_bytes().get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"www."));
    !stated.contains(['\n', '\r']) && !has_two_schemes && !is_bare_host
}

fn holds_text_alone(field: &Field<'_>) -> bool {
    !field.inner.contains('<') || field.inner.trim_start().starts_with("<![CDATA[")
}

/// feed-rs wants a term, and knows attributes by their names alone.
fn is_plain_category(field: &Field<'_>) -> bool {
    let mut names = attribute::attributes(field.attributes).map(|(name, _)| name);
    let has_term = attribute::attributes(field.attributes).any(|(name, _)| name == "term");
    has_term && field.inner.trim().is_empty() && names.all(|name| matches!(name, "term" | "label" | "scheme"))
}

/// feed-rs refuses a whole feed for any other type.
fn has_plain_type(field: &Field<'_>) -> bool {
    let stated = attribute::attributes(field.attributes).find(|(name, _)| *name == "type").map(|(_, kind)| kind);
    matches!(stated, None | Some("text" | "html"))
        && field.attribute("type") == stated
        && field.attribute("mode").is_none()
        && field.attribute("src").is_none()
}

/// feed-rs takes the last of several, we the first that says anything.
fn is_said_once(fields: &[Field<'_>]) -> bool {
    let mut seen: u32 = 0;
    fields.iter().all(|field| {
        let bit: u32 = match field.meaning {
            Meaning::Title => 1,
            Meaning::Id | Meaning::Guid => 2,
            Meaning::Published => 4,
            Meaning::Updated => 8,
            Meaning::Description | Meaning::Summary => 16,
            Meaning::Content | Meaning::Encoded => 32,
            Meaning::Language => 64,
            Meaning::Subtitle => 128,
            _ => 0,
        };
        let is_new = seen & bit == 0;
        seen |= bit;
        is_new
    })
}

//! Dialects that feed-rs does not know, rewritten into ones that it does.
//!
//! feed-rs reads Atom 0.3 and RSS 0.90 as empty, refuses `<rss>` without a version, and drops `rdf:about` and RDF items
//! without a link. One pass over the tags turns RSS of any kind into RSS 2.0 and Atom 0.3 into Atom. A clean RSS 2.0 or
//! Atom document is never rewritten, so it costs nothing.

use std::borrow::Cow;

use quick_xml::{
    Reader, Writer,
    events::{BytesEnd, BytesStart, BytesText, Event, attributes::Attribute},
    name::QName,
};

use super::{
    entry::Format,
    outline::{Outline, local},
};

const ATOM: &str = "http://www.w3.org/2005/Atom";
const RSS1: &str = "http://purl.org/rss/1.0/";

/// Which dialect the root element announces; `None` where it is no feed's root.
pub fn dialect(outline: &Outline<'_>) -> Option<Format> {
    let tag = outline.root_tag;
    match local(outline.root?) {
        "rss" if tag.contains("version=\"2") || tag.contains("version='2") => Some(Format::Rss2),
        "rss" if tag.contains("version=\"0.9") || tag.contains("version='0.9") => Some(Format::Rss09),
        "rss" => Some(Format::Rss2),
        "RDF" if tag.contains("/rdf/simple/0.9") => Some(Format::Rss09),
        "RDF" => Some(Format::Rss1),
        "feed" if tag.contains("purl.org/atom/ns#") => Some(Format::Atom03),
        "feed" | "entry" => Some(Format::Atom),
        _ => None,
    }
}

/// Whether feed-rs would misread the document as it stands.
pub fn is_needed(text: &str, format: Format, outline: &Outline<'_>) -> bool {
    let tag = outline.root_tag;
    match format {
        Format::Rss09 | Format::Rss1 | Format::Atom03 => true,
        // A default namespace hides every element of RSS 2.0 from feed-rs.
        Format::Rss2 => !tag.contains("version=\"2.0\"") || tag.contains("xmlns=") || text.contains("dcterms:"),
        Format::Atom => !tag.contains(ATOM),
        Format::Json => false,
    }
}

/// What prefixes mean that feeds use without declaring them; feed-rs takes such an element for RSS's own of that name.
const USUAL: [(&str, &str); 6] = [
    ("content", "http://purl.org/rss/1.0/modules/content/"),
    ("dc", "http://purl.org/dc/elements/1.1/"),
    ("media", "http://search.yahoo.com/mrss/"),
    ("itunes", "http://www.itunes.com/dtds/podcast-1.0.dtd"),
    ("atom", ATOM),
    ("dcterms", "http://purl.org/dc/terms/"),
];

/// The document with the usual prefixes declared that it uses and does not declare.
pub fn declare<'a>(text: &'a str, outline: &Outline<'_>) -> Cow<'a, str> {
    let (Some(root), tag) = (outline.root, outline.root_tag) else { return Cow::Borrowed(text) };
    let is_used = |prefix: &str| text.contains(&format!("<{prefix}:"));
    let missing: String = USUAL
        .iter()
        .filter(|(prefix, _)| !text.contains(&format!("xmlns:{prefix}")) && is_used(prefix))
        .map(|(prefix, meaning)| format!(" xmlns:{prefix}=\"{meaning}\""))
        .collect();
    match text.find(tag).filter(|_| !missing.is_empty()) {
        Some(at) => {
            let name_end = at + 1 + root.len();
            Cow::Owned(format!("{}{missing}{}", &text[..name_end], &text[name_end..]))
        }
        None => Cow::Borrowed(text),
    }
}

/// The document in a dialect that feed-rs reads. What cannot be read as XML ends it there.
pub fn rewrite(text: &str, format: Format) -> String {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut writer = Writer::new(Vec::with_capacity(text.len() + text.len() / 8));
    let is_rss = matches!(format, Format::Rss09 | Format::Rss1 | Format::Rss2);
    // Elements open, root first; RSS's channel is opened once and holds every item, wherever the item stood.
    let mut open: Vec<String> = Vec::new();
    while let Ok(event) = reader.read_event() {
        let written = match event {
            Event::Eof => break,
            Event::Start(tag) => {
                let name = name_of(&tag);
                // An item stands in nothing but the channel: what is open between was never closed.
                let home = open.iter().take(2).filter(|o| matches!(local(o), "rss" | "RDF" | "channel")).count();
                if is_rss && name == "item" && close_to(&mut writer, home.max(1), is_rss, &mut open).is_err() {
                    break;
                }
                let result = start(&mut writer, &tag, is_rss, &open, false);
                open.push(name);
                result
            }
            Event::Empty(tag) => start(&mut writer, &tag, is_rss, &open, true),
            Event::End(tag) => {
                let name = tag.name().as_ref().to_owned();
                let Some(opened) = open.iter().rposition(|o| *o == name) else { continue };
                // What was opened inside and never closed ends here.
                close_to(&mut writer, opened, is_rss, &mut open)
            }
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => Ok(()),
            // HTML's named entities are feed-rs's to resolve.
            other => writer.write_event(other),
        };
        if written.is_err() {
            break;
        }
    }
    // Writing into memory does not fail.
    let _ = close_to(&mut writer, 0, is_rss, &mut open);
    String::from_utf8(writer.into_inner()).unwrap_or_default()
}

type Written = std::io::Result<()>;

fn close_to(writer: &mut Writer<Vec<u8>>, depth: usize, is_rss: bool, open: &mut Vec<String>) -> Written {
    while open.len() > depth {
        let Some(name) = open.pop() else { break };
        end(writer, &name, is_rss, open.len(), open)?;
    }
    Ok(())
}

fn name_of(tag: &BytesStart<'_>) -> String {
    tag.name().as_ref().to_owned()
}

fn start(writer: &mut Writer<Vec<u8>>, tag: &BytesStart<'_>, is_rss: bool, open: &[String], is_empty: bool) -> Written {
    let name = name_of(tag);
    let parent = open.last().map_or("", |p| local(p));
    if is_rss && open.is_empty() {
        let mut root = BytesStart::new("rss");
        copy_attributes(tag, &mut root);
        root.push_attribute(("version", "2.0"));
        writer.write_event(Event::Start(root))?;
        return writer.write_event(Event::Start(BytesStart::new("channel")));
    }
    if is_rss && local(&name) == "channel" && open.len() == 1 {
        return Ok(());
    }
    let new_name = renamed(&name, parent, is_rss);
    let mut new = BytesStart::new(new_name.as_ref());
    let about = copy_attributes(tag, &mut new);
    if !is_rss {
        set_text_type(tag, &new_name, &mut new);
    }
    if is_empty && about.is_none() {
        return writer.write_event(Event::Empty(new));
    }
    writer.write_event(Event::Start(new))?;
    if let Some(about) = about.filter(|_| is_rss && local(&name) == "item") {
        let mut guid = BytesStart::new(name.replace("item", "guid"));
        guid.push_attribute(("isPermaLink", "false"));
        let guid_end = guid.to_end().into_owned();
        writer.write_event(Event::Start(guid))?;
        writer.write_event(Event::Text(BytesText::from_escaped(about)))?;
        writer.write_event(Event::End(guid_end))?;
    }
    if is_empty {
        return writer.write_event(Event::End(BytesEnd::new(new_name.into_owned())));
    }
    Ok(())
}

fn end(writer: &mut Writer<Vec<u8>>, name: &str, is_rss: bool, depth: usize, open: &[String]) -> Written {
    if is_rss && depth == 0 {
        writer.write_event(Event::End(BytesEnd::new("channel")))?;
        return writer.write_event(Event::End(BytesEnd::new("rss")));
    }
    if is_rss && depth == 1 && local(name) == "channel" {
        return Ok(());
    }
    let parent = depth.checked_sub(1).and_then(|at| open.get(at)).map_or("", |p| local(p));
    writer.write_event(Event::End(BytesEnd::new(renamed(name, parent, is_rss).into_owned())))
}

/// Copies attributes, old namespaces mapped to those that feed-rs knows; gives `rdf:about`, still escaped.
fn copy_attributes(from: &BytesStart<'_>, to: &mut BytesStart<'_>) -> Option<String> {
    let mut about = None;
    for attribute in from.attributes().with_checks(false).flatten() {
        let key = attribute.key.as_ref().to_owned();
        let value = attribute.value.into_owned();
        if key == "rdf:about" {
            about = Some(value.clone());
        }
        let is_root = to.name().as_ref() == "rss";
        let value = match key.starts_with("xmlns") {
            true if value.contains("purl.org/atom/ns#") => ATOM.to_owned(),
            true if value.contains("/rdf/simple/0.9") => RSS1.to_owned(),
            // Some feeds put RSS 2.0 into a namespace of its makers' fancy.
            true if key == "xmlns" && is_root && !value.contains("purl.org") => RSS1.to_owned(),
            _ => value,
        };
        if is_root && key == "version" {
            continue;
        }
        // Values stay escaped as they came; the pair form would escape them again.
        to.push_attribute(Attribute { key: QName(&key), value: value.into() });
    }
    about
}

/// Elements under names that feed-rs reads in this place.
fn renamed<'a>(name: &'a str, parent: &str, is_rss: bool) -> Cow<'a, str> {
    let prefix = &name[..name.len() - local(name).len()];
    if is_rss {
        return match name {
            "dc:language" if parent == "channel" => Cow::Borrowed("language"),
            "dc:date" if parent == "channel" => Cow::Borrowed("lastBuildDate"),
            "dcterms:modified" => Cow::Borrowed("updated"),
            "dcterms:issued" | "dcterms:created" => Cow::Borrowed("pubDate"),
            _ => Cow::Borrowed(name),
        };
    }
    let new = match (local(name), parent) {
        ("issued" | "created", "entry") => "published",
        ("modified", "entry" | "feed") => "updated",
        ("tagline", "feed") => "subtitle",
        _ => return Cow::Borrowed(name),
    };
    Cow::Owned(format!("{prefix}{new}"))
}

/// Atom 0.3 says by `mode` and a MIME type what Atom says by `type` alone; feed-rs refuses a whole feed for an odd one.
fn set_text_type(old: &BytesStart<'_>, name: &str, new: &mut BytesStart<'_>) {
    if !matches!(local(name), "title" | "subtitle" | "summary" | "content" | "rights" | "copyright" | "info") {
        return;
    }
    let value = |key: &str| {
        let attribute = old.try_get_attribute(key).ok().flatten()?;
        Some(attribute.value.trim().to_ascii_lowercase())
    };
    let (Some(kind), mode) = (value("type"), value("mode")) else { return };
    if value("src").is_some() {
        return;
    }
    let plain = match (kind.as_str(), mode.as_deref()) {
        ("text" | "html" | "xhtml", None) => return,
        ("text/html" | "html" | "application/xhtml+xml" | "xhtml", Some("escaped")) => "html",
        ("application/xhtml+xml" | "xhtml", _) => "xhtml",
        ("text/html" | "html", Some("xml")) => "xhtml",
        ("text/html" | "html", _) => "html",
        _ => "text",
    };
    let mut retyped = BytesStart::new(name.to_owned());
    for attribute in
        new.attributes().with_checks(false).flatten().filter(|a| !matches!(a.key.as_ref(), "type" | "mode"))
    {
        retyped.push_attribute(attribute);
    }
    retyped.push_attribute(("type", plain));
    *new = retyped;
}

//! OPML, the lists in which feeds travel between programs, in and out.
//!
//! Folders are tags. Only what a list says is read: no DTD, no entity of its own, no `include` is followed, and feeds that
//! are no http or https address are left out with a word. What is written can be read back, tags and names included;
//! addresses are covered as they are wherever else they are shown.

use std::collections::BTreeSet;

use encoding_rs::{Encoding, UTF_8};
use quick_xml::{
    Reader as XmlReader,
    escape::{escape, resolve_html5_entity, unescape_with},
    events::{BytesStart, Event},
};
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    feed::{self, Names, TAGS_MAX},
    id::{FeedId, ID_CHARS_MAX},
    settings::{FeedSettings, FeedSource},
};

/// Largest list. The longest in use, of twenty years of collecting, have some megabytes.
pub const OPML_BYTES_MAX: u64 = 20_000_000;
/// Feeds of one list.
pub const OPML_FEEDS_MAX: usize = 20_000;
/// Folders in folders.
pub const OPML_DEPTH_MAX: usize = 32;
/// Longest name of a feed, in characters; the rest is cut off.
const TITLE_CHARS_MAX: usize = 300;
/// Things said about one list; a list of something else would fill screens.
const NOTES_MAX: usize = 20;

/// Why a document is no list of feeds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpmlError {
    /// Another kind of document.
    #[error("it is no OPML")]
    NotOpml,
    /// Nobody collects so much.
    #[error("it is larger than {} MB", OPML_BYTES_MAX / 1_000_000)]
    TooLarge,
    /// Made to exhaust us.
    #[error("it has more than {OPML_FEEDS_MAX} feeds")]
    TooMany,
    /// Made to exhaust us, or hopelessly broken.
    #[error("its folders are nested deeper than {OPML_DEPTH_MAX} levels")]
    TooDeep,
}

/// What a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opml {
    /// In its order, each address once.
    pub feeds: Vec<OpmlFeed>,
    /// What was left out, and why, with its line.
    pub notes: Vec<String>,
    /// Whether its end was reached. One that breaks off may be one that is still being written.
    pub is_whole: bool,
}

/// A feed in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpmlFeed {
    /// http or https.
    pub url: Url,
    /// For people.
    pub title: Option<String>,
    /// Its folders, from the outside in, and its categories.
    pub tags: Vec<String>,
}

/// Reads a list.
///
/// # Errors
/// It is no OPML, or beyond a bound.
pub fn read(bytes: &[u8]) -> Result<Opml, OpmlError> {
    if bytes.len() as u64 > OPML_BYTES_MAX {
        return Err(OpmlError::TooLarge);
    }
    let text = decoded(bytes);
    let mut xml = XmlReader::from_str(&text);
    xml.config_mut().check_end_names = false;
    xml.config_mut().allow_unmatched_ends = true;
    let mut reading = Reading { text: &text, ..Reading::default() };
    let mut is_opml = false;
    loop {
        let at = usize::try_from(xml.buffer_position()).unwrap_or(usize::MAX);
        match xml.read_event() {
            Ok(Event::Start(tag)) if is_opml && is_outline(&tag) => reading.outline(&tag, at, true)?,
            Ok(Event::Empty(tag)) if is_opml && is_outline(&tag) => reading.outline(&tag, at, false)?,
            Ok(Event::End(tag)) if tag.local_name().as_ref().eq_ignore_ascii_case("outline") => {
                reading.open.pop();
            }
            Ok(Event::End(tag)) if is_opml && tag.local_name().as_ref().eq_ignore_ascii_case("opml") => {
                reading.opml.is_whole = true;
            }
            Ok(Event::Start(tag)) if !is_opml => {
                if !tag.local_name().as_ref().eq_ignore_ascii_case("opml") {
                    return Err(OpmlError::NotOpml);
                }
                is_opml = true;
            }
            Ok(Event::Eof) => {
                if is_opml && !reading.opml.is_whole {
                    reading.note(at, "the list breaks off here, before its `</opml>`".to_owned());
                }
                break;
            }
            Ok(_) => {}
            Err(error) => {
                reading.note(at, format!("the rest can't be read: {error}"));
                reading.opml.is_whole = false;
                break;
            }
        }
    }
    if is_opml { Ok(reading.opml) } else { Err(OpmlError::NotOpml) }
}

fn is_outline(tag: &BytesStart<'_>) -> bool {
    tag.local_name().as_ref().eq_ignore_ascii_case("outline")
}

/// Text in UTF-8, by the byte order mark or what the first line says.
fn decoded(bytes: &[u8]) -> String {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let declaration = head.split("?>").next().filter(|head| head.trim_start().starts_with("<?xml"));
    let label = declaration.and_then(|head| head.split("encoding=").nth(1)).map(|rest| rest.trim_start());
    let label = label.and_then(|rest| rest.split(['"', '\'']).nth(1));
    let stated = label.and_then(|label| Encoding::for_label(label.as_bytes())).unwrap_or(UTF_8);
    stated.decode(bytes).0.into_owned()
}

/// A list on the way.
#[derive(Default)]
struct Reading<'a> {
    text: &'a str,
    /// The folders that are open; `None` for a feed that has something inside.
    open: Vec<Option<Folder>>,
    seen: BTreeSet<String>,
    opml: Opml,
}

/// A folder and the tag that it makes.
struct Folder {
    tag: Option<String>,
}

impl Reading<'_> {
    fn outline(&mut self, tag: &BytesStart<'_>, at: usize, opens: bool) -> Result<(), OpmlError> {
        let value = |wanted: &str| attribute(tag, wanted).filter(|value| !value.trim().is_empty());
        let title = value("title").or_else(|| value("text")).map(|title| one_line(&title));
        let address = value("xmlUrl");
        if let Some(address) = &address {
            self.feed(address.trim(), title.clone(), value("category"), at)?;
        } else if value("type").is_some_and(|kind| kind.eq_ignore_ascii_case("include")) {
            self.note(at, "a list inside the list is not followed".to_owned());
        }
        if opens {
            if self.open.len() == OPML_DEPTH_MAX {
                return Err(OpmlError::TooDeep);
            }
            let folder = match address {
                Some(_) => None,
                None => Some(self.folder(title, at)),
            };
            self.open.push(folder);
        }
        Ok(())
    }

    fn folder(&mut self, title: Option<String>, at: usize) -> Folder {
        let tag = title.as_deref().and_then(feed::id_letters);
        if let (None, Some(title)) = (&tag, title) {
            self.note(at, format!("the folder `{title}` makes no tag: tags are made of a-z, 0-9, `.`, `_` and `-`"));
        }
        Folder { tag }
    }

    fn feed(
        &mut self,
        address: &str,
        title: Option<String>,
        categories: Option<String>,
        at: usize,
    ) -> Result<(), OpmlError> {
        let url = match web_address(address) {
            Ok(url) => url,
            Err(why) => {
                self.note(at, why.to_owned());
                return Ok(());
            }
        };
        if !self.seen.insert(url.to_string()) {
            return Ok(());
        }
        if self.opml.feeds.len() == OPML_FEEDS_MAX {
            return Err(OpmlError::TooMany);
        }
        let mut tags: Vec<String> = Vec::new();
        let folders = self.open.iter().flatten().filter_map(|folder| folder.tag.clone());
        let categories = categories.unwrap_or_default();
        let named = categories.split(['/', ',']).filter_map(feed::id_letters);
        for tag in folders.chain(named) {
            if !tags.contains(&tag) && tags.len() < TAGS_MAX {
                tags.push(tag);
            }
        }
        self.opml.feeds.push(OpmlFeed { url, title, tags });
        Ok(())
    }

    fn note(&mut self, at: usize, what: String) {
        if self.opml.notes.len() < NOTES_MAX {
            let before = &self.text.as_bytes()[..at.min(self.text.len())];
            let line = memchr::memchr_iter(b'\n', before).count() + 1;
            self.opml.notes.push(format!("line {line}: {what}"));
        } else if self.opml.notes.len() == NOTES_MAX {
            self.opml.notes.push("and more of the kind".to_owned());
        }
    }
}

/// The address of a feed that came from elsewhere than the hand-written config.
///
/// # Errors
/// Why it can't be one, in words.
pub fn web_address(written: &str) -> Result<Url, &'static str> {
    // `feed:` was a scheme for browsers, in front of an address or instead of its own.
    let written = match written.strip_prefix("feed:") {
        Some(rest) if rest.starts_with("//") => &format!("http:{rest}"),
        Some(rest) => rest,
        None => written,
    };
    if written.contains("***") {
        return Err("its address is covered (`***`), as in a list that was exported without secrets");
    }
    if written.len() > super::reader::URL_CHARS_MAX {
        return Err("its address is too long");
    }
    match Url::parse(written) {
        Ok(mut url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            url.set_fragment(None);
            Ok(url)
        }
        Ok(url) if matches!(url.scheme(), "file" | "exec") => {
            Err("feeds that are files or commands come from the hand-written config alone")
        }
        Ok(_) => Err("only http and https addresses can be polled"),
        Err(_) => Err("its address is no URL"),
    }
}

/// An attribute's value, whatever its case.
fn attribute(tag: &BytesStart<'_>, wanted: &str) -> Option<String> {
    let mut attributes = tag.attributes();
    let mut attributes = attributes.with_checks(false).flatten();
    let found = attributes.find(|a| a.key.local_name().as_ref().eq_ignore_ascii_case(wanted))?;
    Some(unescaped(&found.value))
}

/// References undone. A `&` that begins none is how many programs write addresses, and stands for itself.
fn unescaped(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        // The longest name of an entity has some thirty letters.
        let end = rest.bytes().take(40).position(|b| b == b';').map(|end| end + 1);
        match end.and_then(|end| Some((end, unescape_with(&rest[..end], resolve_html5_entity).ok()?.into_owned()))) {
            Some((end, resolved)) => {
                text.push_str(&resolved);
                rest = &rest[end..];
            }
            None => {
                text.push('&');
                rest = &rest[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

fn one_line(text: &str) -> String {
    let text = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    text.take(TITLE_CHARS_MAX).collect()
}

/// A name for a feed from elsewhere: by its title, else its host. One that is taken, or asked for by several, gets letters
/// made from the address behind it, so that it stays the same whatever comes and goes around it.
pub(super) fn name_of(feed: &OpmlFeed, names: &mut Names, is_shared: bool) -> Option<FeedId> {
    let base = base_name(feed);
    if !is_shared
        && let Ok(id) = base.parse::<FeedId>()
        && names.take(&id)
    {
        return Some(id);
    }
    let digest = Sha256::digest(feed.url.as_str().as_bytes());
    let ending = format!("-{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2]);
    let kept: String = base.chars().take(ID_CHARS_MAX - ending.len()).collect();
    names.free(&format!("{kept}{ending}"))
}

/// What [`name_of`] begins with.
pub(super) fn base_name(feed: &OpmlFeed) -> String {
    // Of a title in other letters a digit or two may be left, which names nothing.
    let has_letters = |name: &String| name.bytes().filter(u8::is_ascii_lowercase).count() > 1;
    feed.title
        .as_deref()
        .and_then(feed::id_letters)
        .filter(has_letters)
        .unwrap_or_else(|| feed::own_name(&FeedSource::Http(feed.url.clone())))
}

/// Names for feeds from elsewhere, apart from each other and from those that are `taken`.
pub fn names<'a>(feeds: &[OpmlFeed], taken: impl Iterator<Item = &'a FeedId>) -> Vec<Option<FeedId>> {
    let mut names = Names::default();
    for id in taken {
        names.take(id);
    }
    // These are written down, so the first may have the name that others ask for too.
    feeds.iter().map(|feed| name_of(feed, &mut names, false)).collect()
}

/// Writes a list: a folder for each feed's first tag, the others as its categories. Secrets are covered; feeds that are
/// files or commands have no place in a list, and their number is given.
pub fn write(feeds: &[FeedSettings]) -> (String, usize) {
    let mut folders: Vec<(Option<&str>, Vec<&FeedSettings>)> = Vec::new();
    let mut left_out = 0;
    for feed in feeds {
        if !matches!(feed.source, FeedSource::Http(_)) {
            left_out += 1;
            continue;
        }
        let tag = feed.tags.first().map(String::as_str);
        match folders.iter_mut().find(|(folder, _)| *folder == tag) {
            Some((_, feeds)) => feeds.push(feed),
            None => folders.push((tag, vec![feed])),
        }
    }
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<opml version=\"2.0\">\n  <head>\n    \
                    <title>Feeds of wirewatch</title>\n  </head>\n  <body>\n"
        .to_owned();
    for (folder, feeds) in folders {
        let indent = if folder.is_some() { "      " } else { "    " };
        if let Some(folder) = folder {
            text.push_str(&format!("    <outline text=\"{}\">\n", value(folder)));
        }
        for feed in feeds {
            let title = value(feed.name.as_deref().unwrap_or(feed.id.as_str()));
            text.push_str(&format!("{indent}<outline type=\"rss\" text=\"{title}\" title=\"{title}\""));
            if feed.tags.len() > 1 {
                text.push_str(&format!(" category=\"{}\"", value(&feed.tags.join(","))));
            }
            text.push_str(&format!(" xmlUrl=\"{}\"/>\n", value(&feed.shown_url())));
        }
        if folder.is_some() {
            text.push_str("    </outline>\n");
        }
    }
    text.push_str("  </body>\n</opml>\n");
    (text, left_out)
}

/// A text as an attribute's value; what XML has no way to write is left out.
fn value(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    escape(&text).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn of(body: &str) -> Result<Opml, OpmlError> {
        read(format!("<?xml version='1.0'?><opml version='1.0'><body>{body}</body></opml>").as_bytes())
    }

    #[track_caller]
    fn check(body: &str, expected: &[(&str, Option<&str>, &[&str])]) {
        let opml = of(body).unwrap();
        let got: Vec<_> = opml.feeds.iter().map(|f| (f.url.as_str(), f.title.as_deref(), f.tags.clone())).collect();
        let expected: Vec<_> =
            expected.iter().map(|(u, t, tags)| (*u, *t, tags.iter().map(|t| (*t).to_owned()).collect())).collect();
        assert_eq!(got, expected, "{:?}", opml.notes);
    }

    #[test]
    fn folders_and_categories_are_tags() {
        check(
            "<outline text='Think Tanks'><outline text='Économie'><outline text='A' xmlUrl='https://a.org/f'/></outline>\
             <outline title='B' text='b' XMLURL='http://b.org' category='/Asia/Korea,wire'><outline text='x'/></outline>\
             </outline><outline text='C' xmlUrl=\"feed://c.org/f?a=1&b=2&amp;c=3#x\"/>",
            &[
                ("https://a.org/f", Some("A"), &["think-tanks", "economie"]),
                ("http://b.org/", Some("B"), &["think-tanks", "asia", "korea", "wire"]),
                ("http://c.org/f?a=1&b=2&c=3", Some("C"), &[]),
            ],
        );
    }

    #[test]
    fn what_can_not_be_polled_is_left_out_with_a_word() {
        let opml = of("\n<outline xmlUrl='file:///etc/passwd'/>\n<outline xmlUrl='exec:sh'/>\
             <outline xmlUrl='https://a.org/***'/><outline xmlUrl='ftp://a.org'/><outline xmlUrl='/feed'/>\
             <outline type='include' url='https://a.org/more.opml'/><outline text='Новости'></outline>\
             <outline xmlUrl='https://a.org/1'/><outline xmlUrl='https://a.org/1#again'/>")
        .unwrap();
        assert_eq!(opml.feeds.len(), 1);
        assert_eq!(opml.notes.len(), 7, "{:?}", opml.notes);
        assert!(opml.notes[0].starts_with("line 2: feeds that are files or commands"), "{:?}", opml.notes);
    }

    #[test]
    fn a_list_made_to_harm_is_refused_or_read_as_nothing() {
        let bomb = "<?xml version='1.0'?><!DOCTYPE opml [<!ENTITY a SYSTEM 'file:///etc/passwd'><!ENTITY b '&a;&a;'>]>\
                    <opml><body><outline text='&a;&b;' xmlUrl='https://a.org/&b;'/></body></opml>";
        let opml = read(bomb.as_bytes()).unwrap();
        assert_eq!((opml.feeds[0].url.as_str(), opml.feeds[0].title.as_deref()), ("https://a.org/&b;", Some("&a;&b;")));
        assert_eq!(of(&"<outline text='x'>".repeat(OPML_DEPTH_MAX + 1)), Err(OpmlError::TooDeep));
        let many: String =
            (0..=OPML_FEEDS_MAX).map(|number| format!("<outline xmlUrl='https://a.org/{number}'/>")).collect();
        assert_eq!(of(&many), Err(OpmlError::TooMany));
        assert_eq!(read(&vec![b' '; OPML_BYTES_MAX as usize + 1]), Err(OpmlError::TooLarge));
        assert_eq!(read(b"<rss><channel/></rss>"), Err(OpmlError::NotOpml));
        assert_eq!(read(b"hello"), Err(OpmlError::NotOpml));
        assert_eq!(read(b""), Err(OpmlError::NotOpml));
        let half = of("<outline xmlUrl='https://a.org/1'/><outline xmlUrl='https://a.org/2").unwrap();
        assert_eq!((half.feeds.len(), half.notes.len()), (1, 1), "{half:?}");
    }

    #[test]
    fn a_list_that_breaks_off_says_so() {
        let feed = "<outline text='A' xmlUrl='https://a.org/f'/>";
        let whole = format!("<opml><body>{feed}</body></opml>\n");
        assert!(read(whole.as_bytes()).unwrap().is_whole);
        for broken in [
            format!("<opml><body>{feed}<outl"),
            format!("<opml><body>{feed}"),
            format!("<opml><body>{feed}</body>"),
            format!("<opml><body>{feed}<outline text=\"B"),
        ] {
            let opml = read(broken.as_bytes()).unwrap();
            assert_eq!((opml.is_whole, opml.feeds.len(), opml.notes.len()), (false, 1, 1), "{broken}: {opml:?}");
        }
    }

    #[test]
    fn other_encodings_are_read() {
        let text = "<?xml version=\"1.0\" encoding=\"windows-1251\"?><opml><body>\
                    <outline text=\"\u{cd}\" xmlUrl=\"https://a.org\"/></body></opml>";
        let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
        assert_eq!(read(&bytes).unwrap().feeds[0].title.as_deref(), Some("Н"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in "[<>outline=' \"xmlUrl&;/a-z\\[\\]!-]{0,120}") {
            let _ = of(&body);
            let _ = read(body.as_bytes());
        }
    }
}

//! How much one entry may say: what is longer than any real one is cut or left out, with a note.

use std::cell::Cell;

use url::Url;

use super::{
    ADDRESS_BYTES_MAX, NAME_BYTES_MAX, TEXT_BYTES_MAX, TITLE_BYTES_MAX, absolute,
    entry::{Entry, Feed, FeedAbout},
};

/// All files of a document whose addresses are relative may gain so many bytes from their base.
const BASE_BYTES_MAX: usize = 16 << 20;

/// What is left for putting a base in front of files' addresses: a long base and many short addresses come to more than
/// any document holds.
#[derive(Debug)]
pub struct BaseRoom(Cell<Option<usize>>);

impl Default for BaseRoom {
    fn default() -> Self {
        Self(Cell::new(Some(BASE_BYTES_MAX)))
    }
}

impl BaseRoom {
    /// An address made absolute, while there is room for what that adds.
    pub fn resolved(&self, stated: &str, base: Option<&Url>) -> Option<String> {
        let left = self.0.get()?;
        let url = absolute(stated, base)?;
        self.0.set(left.checked_sub(url.len().saturating_sub(stated.len())));
        Some(url)
    }

    /// Says that it came to an end.
    pub fn note(&self) -> Option<String> {
        self.0.get().is_none().then(|| "its base is too long for so many files; some are left out".to_owned())
    }
}

/// Cuts long texts and names, and leaves out ids and addresses that are too long to be any.
pub fn bound(feed: &mut Feed) {
    let is_about_cut = bound_about(&mut feed.about);
    let (mut long_texts, mut long_words) = (0_usize, 0_usize);
    for entry in &mut feed.entries {
        long_texts += usize::from(bound_texts(entry));
        long_words += usize::from(bound_words(entry));
    }
    if long_texts > 0 {
        feed.notes.push(format!("{long_texts} entries had a text longer than {TEXT_BYTES_MAX} bytes, cut there"));
    }
    if long_words > 0 {
        feed.notes.push(format!("{long_words} entries had a title, name, id or address too long to be one"));
    }
    if is_about_cut {
        feed.notes.push("what the feed says of itself is too long, and cut".to_owned());
    }
}

fn bound_about(about: &mut FeedAbout) -> bool {
    let texts = [&mut about.title, &mut about.description].map(|text| cut_in(text, TITLE_BYTES_MAX));
    let urls = [&mut about.url, &mut about.site_url, &mut about.hub, &mut about.self_url].map(drop_long);
    texts.contains(&true) | urls.contains(&true) | cut_in(&mut about.language, NAME_BYTES_MAX)
}

fn bound_texts(entry: &mut Entry) -> bool {
    let texts = [entry.summary.as_mut(), entry.content.as_mut()];
    texts.into_iter().flatten().fold(false, |was_cut, markup| cut(&mut markup.text, TEXT_BYTES_MAX) | was_cut)
}

fn bound_words(entry: &mut Entry) -> bool {
    let mut is_cut = cut_in(&mut entry.title, TITLE_BYTES_MAX);
    is_cut |= drop_long(&mut entry.guid) | drop_long(&mut entry.url) | cut_in(&mut entry.language, NAME_BYTES_MAX);
    for name in entry.authors.iter_mut().chain(&mut entry.categories) {
        is_cut |= cut(name, NAME_BYTES_MAX);
    }
    if let Some(source) = &mut entry.source {
        is_cut |= cut(&mut source.name, NAME_BYTES_MAX) | drop_long(&mut source.url);
    }
    let enclosed = entry.enclosures.len();
    entry.enclosures.retain(|enclosure| enclosure.url.len() <= ADDRESS_BYTES_MAX);
    is_cut |= entry.enclosures.len() < enclosed;
    for enclosure in &mut entry.enclosures {
        is_cut |= cut_in(&mut enclosure.mime, NAME_BYTES_MAX);
    }
    is_cut
}

/// Cuts a text; says whether it was longer.
fn cut(text: &mut String, bytes_max: usize) -> bool {
    let is_long = text.len() > bytes_max;
    if is_long {
        text.truncate(text.floor_char_boundary(bytes_max));
        text.shrink_to_fit();
    }
    is_long
}

fn cut_in(text: &mut Option<String>, bytes_max: usize) -> bool {
    text.as_mut().is_some_and(|text| cut(text, bytes_max))
}

/// Leaves out an id or an address that is too long; says whether it did.
fn drop_long(address: &mut Option<String>) -> bool {
    address.take_if(|address| address.len() > ADDRESS_BYTES_MAX).is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::feed::{FIELDS_MAX, parse};

    #[test]
    fn what_is_too_long_is_cut_or_left_out_with_a_note() {
        let long = "\u{e9}".repeat(200_000);
        let item = format!(
            "<item><title>T</title><guid isPermaLink='false'>{long}</guid><link>https://e.example/{long}</link>\
             <author>{long}</author><category>{long}</category><enclosure url='https://e.example/{long}'/>\
             <enclosure url='https://e.example/a' type='{long}'/></item><item><title>{long}</title></item>"
        );
        let feed = parse(format!("<rss version='2.0'><channel>{item}</channel></rss>").as_bytes(), None, None).unwrap();
        let [entry, titled] = &feed.entries[..] else { panic!("{}", feed.entries.len()) };
        // Where the article has no page that can be named, the file that is left is it.
        assert_eq!((&entry.guid, entry.enclosures.len()), (&None, 1));
        assert!(entry.url.as_ref().is_none_or(|url| url.len() < 100));
        let names = entry.authors.iter().chain(&entry.categories).chain(&entry.enclosures[0].mime);
        assert!(names.clone().count() == 3 && names.clone().all(|name| name.len() == NAME_BYTES_MAX));
        assert_eq!(titled.title.as_ref().unwrap().len(), TITLE_BYTES_MAX);
        assert_eq!(feed.notes, ["2 entries had a title, name, id or address too long to be one"]);
    }

    #[test]
    fn what_entries_take_over_is_little() {
        let authors: String =
            (0..900).map(|i| format!("<author><name>{i} {}</name></author>", "x".repeat(900))).collect();
        let atom = format!(
            "<feed xmlns='http://www.w3.org/2005/Atom'>{authors}{}</feed>",
            "<entry><id>1</id></entry>".repeat(9)
        );
        let names: Vec<String> = (0..900).map(|i| format!("{{\"name\":\"{i} {}\"}}", "x".repeat(900))).collect();
        let json = format!(
            "{{\"version\":\"https://jsonfeed.org/version/1.1\",\"authors\":[{}],\"items\":[{{\"id\":1}}]}}",
            names.join(",")
        );
        // Both readers of XML, and JSON's.
        for text in [&atom, &atom.replace("<feed ", "<feed  version=1 "), &json] {
            let feed = parse(text.as_bytes(), None, None).unwrap();
            for entry in &feed.entries {
                assert_eq!(entry.authors.len(), 2, "{:.80}", text);
            }
        }
    }

    #[test]
    fn a_long_base_is_not_put_in_front_of_a_million_files() {
        let base: Url = format!("https://e.example/{}/", "x".repeat(8_000)).parse().unwrap();
        let files: String = (0..900).map(|i| format!("<media:content url='{i}'/>")).collect();
        let items = format!("<item><title>T</title>{files}</item>").repeat(20);
        let rss =
            format!("<rss version='2.0' xmlns:media='http://search.yahoo.com/mrss/'><channel>{items}</channel></rss>");
        let files: Vec<String> = (0..900).map(|i| format!("{{\"url\":\"{i}\"}}")).collect();
        let items = vec![format!("{{\"id\":1,\"attachments\":[{}]}}", files.join(",")); 20].join(",");
        let json = format!("{{\"version\":\"https://jsonfeed.org/version/1.1\",\"items\":[{items}]}}");
        for text in [rss, json] {
            let feed = parse(text.as_bytes(), Some(&base), None).unwrap();
            let files = feed.entries.iter().flat_map(|entry| &entry.enclosures);
            assert!(files.map(|file| file.url.len()).sum::<usize>() <= BASE_BYTES_MAX + text.len());
            assert!(feed.notes.iter().any(|note| note.contains("its base is too long")), "{:?}", feed.notes);
        }
    }

    #[test]
    fn a_json_feeds_lists_are_bounded() {
        let list = |make: fn(usize) -> String| (0..50_000).map(make).collect::<Vec<_>>().join(",");
        let json = format!(
            "{{\"version\":\"https://jsonfeed.org/version/1.1\",\"items\":[{{\"id\":1,\"tags\":[{}],\"authors\":[{}]}}]}}",
            list(|i| format!("\"t{i}\"")),
            list(|i| format!("{{\"name\":\"n{i}\"}}"))
        );
        let entry = &parse(json.as_bytes(), None, None).unwrap().entries[0];
        assert_eq!((entry.categories.len(), entry.authors.len()), (FIELDS_MAX, FIELDS_MAX));
    }
}

//! Which language each entry of an Atom feed is in: the nearest `xml:lang` wins (RFC 4287 §2, XML 1.0 §2.12).
//!
//! feed-rs keeps the feed's and that of `<content>` alone; an entry's own and its summary's are read here.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::outline::local;

/// What one entry states.
#[derive(Default)]
struct Stated {
    content: Option<String>,
    has_content: bool,
    summary: Option<String>,
    own: Option<String>,
}

/// The language of each entry in document order, where it or its text states one. Empty where nothing in the document
/// does.
pub fn of_entries(text: &str) -> Vec<Option<String>> {
    if !text.contains("xml:lang") {
        return Vec::new();
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut languages = Vec::new();
    // The entry that is open, and how many elements inside it are.
    let mut open: Option<(Stated, usize)> = None;
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Eof => break,
            Event::Start(tag) => match &mut open {
                None if is_named(&tag, "entry") => {
                    open = Some((Stated { own: lang(&tag), ..Stated::default() }, 0));
                }
                None => {}
                Some((stated, depth)) => {
                    if *depth == 0 {
                        stated.take(&tag);
                    }
                    *depth += 1;
                }
            },
            Event::Empty(tag) => match &mut open {
                Some((stated, 0)) => stated.take(&tag),
                None if is_named(&tag, "entry") => languages.push(lang(&tag)),
                _ => {}
            },
            Event::End(_) => match open.take() {
                Some((stated, 0)) => languages.push(stated.nearest()),
                Some((stated, depth)) => open = Some((stated, depth - 1)),
                None => {}
            },
            _ => {}
        }
    }
    languages
}

impl Stated {
    fn take(&mut self, tag: &BytesStart<'_>) {
        if is_named(tag, "content") {
            self.has_content = true;
            self.content = lang(tag);
        } else if is_named(tag, "summary") {
            self.summary = lang(tag);
        }
    }

    /// That of the text which becomes the article's, else the entry's own.
    fn nearest(self) -> Option<String> {
        let text = if self.has_content { self.content } else { self.summary };
        text.or(self.own)
    }
}

fn is_named(tag: &BytesStart<'_>, name: &str) -> bool {
    local(&String::from_utf8_lossy(tag.name().as_ref().as_ref())) == name
}

fn lang(tag: &BytesStart<'_>) -> Option<String> {
    let attribute = tag.try_get_attribute("xml:lang").ok()??;
    let value = String::from_utf8_lossy(attribute.value.as_ref().as_ref()).trim().to_owned();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_language_wins() {
        let text = "<feed xml:lang='ru'><entry><summary xml:lang='tr'>a</summary></entry>\
            <entry xml:lang='en'><title>b</title><content xml:lang='fr'>c</content></entry>\
            <entry xml:lang='en'><summary xml:lang='tr'>d</summary><content>e<p>f</p></content></entry><entry/><entry></entry></feed>";
        let languages = of_entries(text);
        let languages: Vec<Option<&str>> = languages.iter().map(Option::as_deref).collect();
        assert_eq!(languages, [Some("tr"), Some("fr"), Some("en"), None, None]);
    }
}

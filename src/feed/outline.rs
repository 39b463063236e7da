//! One pass over a document's tags: its root, what stands in the feed and in each entry, and whether it is plain enough
//! for feed-rs.
//!
//! Elements that were never closed, or closed in the wrong order, end where their parents end; a title that was never
//! closed ends where the next field begins. Nothing is copied: a [`Field`] is a piece of the document.

use super::{
    DEPTH_MAX, ENTRIES_MAX, FIELDS_MAX,
    attribute::attributes_are_plain,
    entry::Format,
    field::{Field, attribute},
    name::{Meaning, Scope, local, meaning, split},
    plain, reference,
    token::{Token, Tokens},
};

/// A document may be read again where a field was never closed, but in all not more often than this.
const REREAD_TIMES_MAX: usize = 4;

/// What stands in a document.
#[derive(Debug, Default)]
pub struct Outline<'a> {
    /// The root's name as written, of any kind of document; `None` where there is no tag at all.
    pub root: Option<&'a str>,
    /// The dialect; `None` where the root is no feed's.
    pub format: Option<Format>,
    /// Of the root and the channel.
    pub head: Vec<&'a str>,
    /// What the root, the channel and nobody else declare.
    pub scope: Scope<'a>,
    /// What stands in the feed itself.
    pub fields: Vec<Field<'a>>,
    /// At most [`ENTRIES_MAX`].
    pub entries: Vec<EntryOutline<'a>>,
    /// `<item>` and `<entry>` tags outside comments, CDATA and texts.
    pub entries_counted: usize,
    /// Elements are nested deeper than [`DEPTH_MAX`]; those are read as if they stood beside each other.
    pub is_too_deep: bool,
    /// The document ends inside an entry, or before the feed does.
    pub is_cut: bool,
    /// The document is no well-formed XML.
    pub is_broken: bool,
    /// feed-rs reads it as it is meant.
    pub is_plain: bool,
    /// What a DOCTYPE says, where it holds declarations.
    pub doctype: Option<&'a str>,
    /// How long the document is.
    pub document_bytes: usize,
}

/// What stands in an entry.
#[derive(Debug, Default)]
pub struct EntryOutline<'a> {
    /// Its start tag's attributes.
    pub attributes: &'a str,
    /// In document order.
    pub fields: Vec<Field<'a>>,
}

impl Outline<'_> {
    /// Whether no link of an entry needs a base.
    pub fn links_are_absolute(&self) -> bool {
        let is_absolute = |stated: &str| stated.is_empty() || stated.contains("://");
        self.entries.iter().flat_map(|entry| &entry.fields).all(|field| {
            let attributes = || ["href", "url"].into_iter().filter_map(|name| field.attribute(name)).all(is_absolute);
            match field.meaning {
                Meaning::Link => {
                    attributes() && is_absolute(field.inner.trim().trim_start_matches("<![CDATA[").trim_start())
                }
                Meaning::Enclosure => attributes(),
                Meaning::MediaContent | Meaning::MediaGroup => {
                    attributes()
                        && Tokens::new(field.inner).all(|token| match token {
                            Token::Start { attributes, .. } => attribute(attributes, "url").is_none_or(is_absolute),
                            _ => true,
                        })
                }
                _ => true,
            }
        })
    }
}

/// Where an element stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The root or the channel.
    Frame,
    Entry,
    /// Directly in the feed or in an entry.
    Field,
    /// In a field.
    Inner,
}

#[derive(Debug, Clone, Copy)]
struct Open<'a> {
    name: &'a str,
    place: Place,
    meaning: Meaning,
    attributes: &'a str,
    inner_start: usize,
    /// In a field: where the first element stands that may be a field of its own.
    next_field: Option<usize>,
}

/// The walk on its way.
struct Walk<'a> {
    text: &'a str,
    tokens: Tokens<'a>,
    open: Vec<Open<'a>>,
    /// The entry that is open.
    entry: Option<EntryOutline<'a>>,
    reread_bytes: usize,
    /// Elements that are open and stand too deep to be told apart.
    untold: usize,
    is_complete: bool,
    outline: Outline<'a>,
}

/// Walks over a document. Never fails; what is broken beyond repair gives a short answer.
pub fn walk(text: &str) -> Outline<'_> {
    let mut walk = Walk {
        text,
        tokens: Tokens::new(text),
        open: Vec::new(),
        entry: None,
        reread_bytes: 0,
        untold: 0,
        is_complete: false,
        outline: Outline { is_plain: true, document_bytes: text.len(), ..Outline::default() },
    };
    while let Some(token) = walk.tokens.next() {
        walk.token(token);
    }
    walk.finish()
}

impl<'a> Walk<'a> {
    fn token(&mut self, token: Token<'a>) {
        match token {
            Token::Start { name, attributes, is_empty } => self.start(name, attributes, is_empty),
            Token::End { name } => self.end(name),
            Token::Text(text) => {
                let is_between = self.open.is_empty();
                self.outline.is_broken |= is_between && !text.trim().is_empty();
                self.text_behind_link(text);
                self.check_references(text);
            }
            Token::Data(_) => self.outline.is_broken |= self.open.is_empty(),
            Token::Doctype(text) if text.contains('[') => {
                self.outline.doctype = Some(text);
                self.outline.is_plain = false;
            }
            // A second declaration, or one behind something: feed-rs panics on the encoding that it names.
            Token::Aside => {
                let aside = &self.text[self.tokens.start()..];
                let is_declaration = aside.strip_prefix("<?xml").is_some_and(|rest| !rest.starts_with('-'));
                self.outline.is_broken |= is_declaration;
            }
            Token::Doctype(_) => {}
        }
    }

    /// `<link/>https://e.example/a`: a program of HTML closed the element before its address.
    fn text_behind_link(&mut self, text: &'a str) {
        let is_direct = self.open.last().is_some_and(|open| matches!(open.place, Place::Frame | Place::Entry));
        if !is_direct || !text.trim_start().starts_with("http") || !self.text[..self.tokens.start()].ends_with("/>") {
            return;
        }
        let fields = self.entry.as_mut().map_or(&mut self.outline.fields, |entry| &mut entry.fields);
        let link = fields.last_mut().filter(|field| field.meaning == Meaning::Link && field.inner.is_empty());
        if let Some(link) = link.filter(|link| link.attributes.trim().is_empty()) {
            link.inner = text;
            self.outline.is_broken = true;
        }
    }

    /// feed-rs knows XML's five named references and numbers that are letters.
    fn check_references(&mut self, text: &str) {
        self.outline.is_plain &= !self.outline.is_plain || reference::are_plain(text);
    }

    fn start(&mut self, name: &'a str, attributes: &'a str, is_empty: bool) {
        self.check_references(attributes);
        self.outline.is_plain &= attributes.is_empty() || attributes_are_plain(attributes);
        if self.open.is_empty() {
            self.outer(name, attributes, is_empty);
            return;
        }
        if attributes.contains("xml:") || attributes.contains("xmlns") {
            self.outline.is_plain = false;
        }
        let (prefix, local) = split(name);
        let (space, is_usual) = self.outline.scope.space(prefix);
        // A declaration on the element itself is nearer than the root's.
        let space = if attributes.contains("xmlns") {
            let mut scope = self.outline.scope.clone();
            scope.declare(attributes);
            scope.space(prefix).0
        } else {
            space
        };
        self.outline.is_plain &= is_usual;
        let meaning = meaning(space, local);
        let begins = self.tokens.start();
        if meaning == Meaning::Entry && self.begins_entry(local) {
            let frames = self.open.iter().take_while(|o| o.place == Place::Frame).count();
            // A field that was never closed swallowed those behind it, here too.
            if self.open.len() > frames + 1 && self.reread(frames.saturating_sub(1), begins) {
                self.outline.is_broken = true;
                return;
            }
            self.outline.entries_counted += 1;
            self.outline.is_broken |= self.open.len() > frames;
            self.outline.is_plain &= plain::is_plain_place(name, frames, self.outline.format);
            self.close_to(frames, begins);
            self.entry = Some(EntryOutline { attributes, fields: Vec::new() });
            self.push(name, Place::Entry, meaning, attributes, is_empty);
            return;
        }
        let place = match self.open.last().map(|o| o.place) {
            Some(Place::Frame) if meaning == Meaning::Channel && self.open.len() == 1 => {
                self.outline.is_plain &= name == "channel" && self.outline.head.len() == 1;
                self.outline.scope.declare(attributes);
                self.outline.head.push(attributes);
                Place::Frame
            }
            Some(Place::Frame) => {
                self.outline.is_plain &= plain::is_plain_place("", self.open.len(), self.outline.format);
                Place::Field
            }
            Some(Place::Entry) => Place::Field,
            _ => Place::Inner,
        };
        if place == Place::Inner {
            self.inner(name, meaning, begins);
            if !is_empty && is_void(name) {
                self.outline.is_broken = true;
                return;
            }
        }
        self.push(name, place, meaning, attributes, is_empty);
    }

    /// A tag outside of the root: the root itself, or rubbish around it.
    fn outer(&mut self, name: &'a str, attributes: &'a str, is_empty: bool) {
        let is_first = self.outline.root.is_none();
        if is_first {
            self.outline.root = Some(name);
        }
        if self.outline.format.is_some() {
            // Something behind the root's end: its entries are still the feed's.
            self.outline.is_broken = true;
            let (prefix, local) = split(name);
            let (space, _) = self.outline.scope.space(prefix);
            if meaning(space, local) == Meaning::Entry {
                self.outline.entries_counted += 1;
                self.entry = Some(EntryOutline { attributes, fields: Vec::new() });
                self.push(name, Place::Entry, Meaning::Entry, attributes, is_empty);
            }
            return;
        }
        let mut scope = Scope::default();
        scope.declare(attributes);
        let Some(format) = plain::format(name, attributes, &scope, is_first) else {
            self.outline.is_broken = true;
            return;
        };
        self.outline.root = Some(name);
        self.outline.format = Some(format);
        self.outline.is_plain &= plain::is_plain_root(name, attributes, &scope, format);
        self.outline.scope = scope;
        self.outline.head.push(attributes);
        if local(name).eq_ignore_ascii_case("entry") {
            self.outline.entries_counted += 1;
            self.entry = Some(EntryOutline { attributes, fields: Vec::new() });
            self.push(name, Place::Entry, Meaning::Entry, attributes, is_empty);
        } else {
            self.push(name, Place::Frame, Meaning::Unknown, attributes, is_empty);
        }
    }

    /// Whether an `<item>` or `<entry>` tag begins an entry of the feed, and is no part of another's content.
    fn begins_entry(&self, local: &str) -> bool {
        let Some(entry) = self.open.iter().rposition(|o| o.place == Place::Entry) else { return true };
        // An entry quoted whole stands in `content` or `source`; an item is quoted by nobody.
        local.eq_ignore_ascii_case("item")
            || self.open.get(entry + 1).is_none_or(|field| {
                !matches!(field.meaning, Meaning::Content | Meaning::Source | Meaning::Encoded | Meaning::Unknown)
            })
    }

    /// An element within a field.
    fn inner(&mut self, name: &'a str, meaning: Meaning, begins: usize) {
        let Some(at) = self.open.iter().position(|o| o.place == Place::Field) else { return };
        let field = &mut self.open[at];
        self.outline.is_plain &= !field.meaning.is_text();
        if field.next_field.is_none() && meaning != Meaning::Unknown {
            field.next_field = Some(begins);
        }
        // HTML closes these at the next one.
        let top = self.open.len() - 1;
        if top > at && self.open[top].name == name && matches!(name, "p" | "li" | "P" | "LI") {
            self.outline.is_broken = true;
            self.open.pop();
        }
    }

    fn push(&mut self, name: &'a str, place: Place, meaning: Meaning, attributes: &'a str, is_empty: bool) {
        let inner_start = self.tokens.end();
        if self.open.len() >= DEPTH_MAX {
            self.outline.is_too_deep = true;
            self.untold += usize::from(!is_empty);
            return;
        }
        self.open.push(Open { name, place, meaning, attributes, inner_start, next_field: None });
        if is_empty {
            self.close_to(self.open.len() - 1, inner_start);
        }
    }

    fn end(&mut self, name: &'a str) {
        let end = self.tokens.start();
        let at = self.open.iter().rposition(|o| o.name.eq_ignore_ascii_case(name));
        if self.untold > 0 && at.is_none_or(|at| self.open[at].place == Place::Inner) {
            self.untold -= 1;
            return;
        }
        let Some(at) = at else {
            self.outline.is_broken = true;
            return;
        };
        self.outline.is_broken |= self.open[at].name != name;
        if at + 1 < self.open.len() {
            self.outline.is_broken = true;
            // A field that was never closed swallowed those behind it: read them again.
            if self.open[at].place != Place::Inner && self.reread(at, end) {
                return;
            }
        }
        self.is_complete |= self.open[at].place == Place::Frame;
        self.close_to(at, end);
    }

    /// Goes back to where the next field begins behind one that was never closed. Says whether it did.
    fn reread(&mut self, at: usize, end: usize) -> bool {
        let Some(field) = self.open.get(at + 1..).and_then(|above| above.iter().position(|o| o.place == Place::Field))
        else {
            return false;
        };
        let field = at + 1 + field;
        let Some(next) = self.open[field].next_field.filter(|_| self.open[field].meaning != Meaning::Unknown) else {
            return false;
        };
        self.reread_bytes += end - next;
        if self.reread_bytes > REREAD_TIMES_MAX * self.text.len() {
            return false;
        }
        self.close_to(field, next);
        self.tokens.go_to(next);
        true
    }

    /// Closes elements until `depth` are open; what they hold ends at `end`.
    fn close_to(&mut self, depth: usize, end: usize) {
        self.outline.is_broken |= std::mem::take(&mut self.untold) > 0;
        while self.open.len() > depth {
            let Some(open) = self.open.pop() else { break };
            let inner_end = end.max(open.inner_start);
            match open.place {
                Place::Field => {
                    let inner = &self.text[open.inner_start..inner_end];
                    let Open { meaning, name, attributes, .. } = open;
                    self.keep(Field { meaning, name, attributes, inner });
                }
                Place::Entry => {
                    if let Some(entry) = self.entry.take()
                        && self.outline.entries.len() < ENTRIES_MAX
                    {
                        self.outline.is_plain &= plain::is_plain_entry(&entry.fields, self.outline.format);
                        self.outline.entries.push(entry);
                    }
                }
                Place::Frame | Place::Inner => {}
            }
        }
    }

    fn keep(&mut self, field: Field<'a>) {
        let fields = match &mut self.entry {
            Some(entry) => &mut entry.fields,
            None => &mut self.outline.fields,
        };
        if fields.len() < FIELDS_MAX {
            fields.push(field);
        } else {
            // feed-rs knows no such bound.
            self.outline.is_plain = false;
        }
    }

    fn finish(mut self) -> Outline<'a> {
        let end = self.text.len();
        let ends_early = self.tokens.ends_early();
        if let Some(entry) = self.open.iter().position(|o| o.place == Place::Entry) {
            // A half entry would be matched, stored, and look edited when the rest comes. What is whole but for its
            // own end tag is none to wait for, where the document goes on behind the feed's end.
            self.outline.is_cut = true;
            self.entry = None;
            self.open.truncate(entry);
        }
        let is_open = !self.open.is_empty();
        // A channel that is closed is a whole feed, whatever became of the root's end tag.
        self.outline.is_cut |= (is_open || ends_early) && !self.is_complete;
        self.outline.is_broken |= is_open || ends_early || self.tokens.is_broken();
        // A half field says half of what it should.
        if let Some(field) = self.open.iter().position(|o| o.place == Place::Field) {
            self.open.truncate(field);
        }
        self.close_to(0, end);
        let outline = &mut self.outline;
        outline.is_plain &=
            !outline.is_broken && !outline.is_too_deep && plain::is_plain_feed(&outline.fields, outline.format);
        self.outline
    }
}

/// HTML's elements without an end, where a text holds HTML as it is.
fn is_void(name: &str) -> bool {
    ["br", "hr", "img", "wbr", "input"].iter().any(|void| name.eq_ignore_ascii_case(void))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles<'a>(outline: &Outline<'a>) -> Vec<&'a str> {
        let title =
            |entry: &EntryOutline<'a>| entry.fields.iter().find(|f| f.meaning == Meaning::Title).map(|f| f.inner);
        outline.entries.iter().filter_map(title).collect()
    }

    #[test]
    fn entries_are_counted_outside_comments_and_cdata() {
        let outline =
            walk("<rss><channel><!-- <item> --><item><d><![CDATA[<item>]]></d></item><item/></channel></rss>");
        assert_eq!((outline.entries_counted, outline.is_broken, outline.is_cut), (2, false, false));
    }

    #[test]
    fn a_cut_document_keeps_its_whole_entries() {
        let outline = walk("<rss><channel><item><title>1</title></item><item><title>2");
        assert_eq!((titles(&outline), outline.is_cut, outline.entries_counted), (vec!["1"], true, 2));
        let outline = walk("<rss><channel><item><title>1</title></item></channel>");
        assert_eq!((titles(&outline), outline.is_cut, outline.is_broken), (vec!["1"], false, true));
    }

    #[test]
    fn a_field_that_was_never_closed_ends_at_the_next() {
        let outline = walk("<rss><channel><item><title>1<link>a</link></item><item><title>2</channel></rss>");
        assert_eq!(titles(&outline), ["1", "2"]);
        assert_eq!(outline.entries[0].fields.len(), 2);
        let outline = walk("<rss><channel><title>F<link>x<item><title>1<link>a<item><title>2<link>b</channel>");
        assert_eq!((titles(&outline), outline.entries_counted), (vec!["1", "2"], 2));
        assert_eq!(outline.fields.iter().map(|f| f.inner).collect::<Vec<_>>(), ["F", "x"]);
    }

    #[test]
    fn an_address_behind_its_link_is_the_links() {
        let text = "<rss><channel><item><link/>https://e.example/a\n<title/>https://e.example/b</item></channel></rss>";
        let outline = walk(text);
        assert_eq!(outline.entries[0].fields[0].inner.trim(), "https://e.example/a");
        assert_eq!((titles(&outline), outline.is_plain), (vec![""], false));
    }

    #[test]
    fn an_element_nested_too_deep_costs_no_entry() {
        let (open, close) = ("<div>".repeat(1_000), "</div>".repeat(1_000));
        let deep = format!("<item><title>1</title><description>{open}x{close}</description><link>a</link></item>");
        let text = format!("<rss><channel>{deep}<item><title>2</title></item></channel></rss>");
        let outline = walk(&text);
        assert_eq!((titles(&outline), outline.is_too_deep, outline.is_plain), (vec!["1", "2"], true, false));
        assert_eq!((outline.entries[0].fields.len(), outline.is_broken), (3, false));
        // Well-formed it is; this is not.
        let text = text.replacen("</div>", "", 1);
        let outline = walk(&text);
        assert_eq!((titles(&outline), outline.is_too_deep, outline.is_broken), (vec!["1", "2"], true, true));
    }

    #[test]
    fn only_what_feed_rs_knows_is_plain() {
        let rss = |inside: &str| walk(&format!("<rss version=\"2.0\"><channel>{inside}</channel></rss>")).is_plain;
        assert!(rss("<title>a</title><item><title>b &amp; c</title><guid>d</guid></item>"));
        for odd in [
            "<item><title>b & c</title></item>",
            "<item><title><b>b</b></title></item>",
            "<item><title>b</title><title>c</title></item>",
            "<item><dc:date>2024-01-01</dc:date></item>",
            "<item><link href=\"a\"/></item>",
            "<entry><title>b</title></entry>",
            "<item><title>b</item>",
            "<items><item><title>b</title></item></items>",
        ] {
            assert!(!rss(odd), "{odd}");
        }
    }
}

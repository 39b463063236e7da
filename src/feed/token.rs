//! Cuts a document into tags and text, whatever state it is in.
//!
//! Never fails and never looks back: a tag that does not end, a quote that does not close, a `<` that begins nothing each
//! have an answer here, and [`Tokens::is_broken`] says that one was needed. What the tags mean is `outline`'s business.

use memchr::{memchr, memmem};

/// A quoted value longer than this was never closed: the longest seen in feeds is an inline picture's of some 100 kB.
const VALUE_BYTES_MAX: usize = 1 << 20;

/// One piece of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// `<name attributes>`, or `<name attributes/>` where it is empty.
    Start {
        /// As written, prefix included.
        name: &'a str,
        /// What stands between the name and the tag's end.
        attributes: &'a str,
        /// Whether it ends itself.
        is_empty: bool,
    },
    /// `</name>`
    End {
        /// As written, prefix included.
        name: &'a str,
    },
    /// Text with its references not yet resolved.
    Text(&'a str),
    /// A CDATA section's inside.
    Data(&'a str),
    /// What stands between `<!DOCTYPE` and `>`.
    Doctype(&'a str),
    /// A comment, a processing instruction, an XML declaration.
    Aside,
}

/// The pieces of a document, in order.
#[derive(Debug)]
pub struct Tokens<'a> {
    text: &'a str,
    /// Where the next token begins.
    at: usize,
    /// Where the last token began.
    start: usize,
    /// The last start tag's name: an unclosed CDATA section ends at its end tag.
    last_name: &'a str,
    is_broken: bool,
    ends_early: bool,
    /// A document full of unclosed sections, instructions and doctypes is not searched for each.
    data_end: Next,
    instruction_end: Next,
    subset_end: Next,
}

impl<'a> Tokens<'a> {
    /// Over a document, or a part of one.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            start: 0,
            last_name: "",
            is_broken: false,
            ends_early: false,
            data_end: Next::of(b"]]>"),
            instruction_end: Next::of(b"?>"),
            subset_end: Next::of(b"]>"),
        }
    }

    /// Where the last token began.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Where the last token ended and the next begins.
    pub fn end(&self) -> usize {
        self.at
    }

    /// Goes on from somewhere else.
    pub fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Whether anything was no XML so far.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether the document ended inside a tag, a comment or a CDATA section.
    pub fn ends_early(&self) -> bool {
        self.ends_early
    }

    fn markup(&mut self) -> Token<'a> {
        let rest = &self.text[self.at..];
        let bytes = rest.as_bytes();
        match bytes.get(1) {
            Some(b'!') => self.declaration(rest),
            Some(b'?') => {
                let end = self.instruction_end.at(self.text.as_bytes(), self.at).map(|at| at - self.at + 2);
                self.is_broken |= end.is_none();
                self.advance(end.or_else(|| memchr(b'>', bytes).map(|at| at + 1)), bytes.len());
                Token::Aside
            }
            Some(b'/') if begins_name(&rest[2..]) => {
                let name_end = 2 + name_len(&rest[2..]);
                let name = &rest[2..name_end];
                // `</title<link>` and a document that ends in `</rss`.
                match bytes[name_end..].iter().position(|b| matches!(b, b'>' | b'<')) {
                    Some(at) if bytes[name_end + at] == b'>' => {
                        self.is_broken |= !bytes[name_end..name_end + at].iter().all(u8::is_ascii_whitespace);
                        self.at += name_end + at + 1;
                    }
                    found => {
                        self.is_broken = true;
                        self.at += found.map_or(bytes.len(), |at| name_end + at);
                    }
                }
                Token::End { name }
            }
            Some(_) if begins_name(&rest[1..]) => self.start_tag(rest),
            _ => {
                self.is_broken = true;
                let end = memchr(b'<', &bytes[1..]).map_or(bytes.len(), |at| at + 1);
                self.at += end;
                Token::Text(&rest[..end])
            }
        }
    }

    fn start_tag(&mut self, rest: &'a str) -> Token<'a> {
        let name_end = 1 + name_len(&rest[1..]);
        let name = &rest[1..name_end];
        self.last_name = name;
        let (inside, end) = match tag_end(&rest.as_bytes()[name_end..]) {
            TagEnd::Closed(at) => (&rest[name_end..name_end + at], name_end + at + 1),
            TagEnd::Stray(at) => {
                self.is_broken = true;
                (&rest[name_end..name_end + at], name_end + at + 1)
            }
            TagEnd::NextTag(at) => {
                self.is_broken = true;
                (&rest[name_end..name_end + at], name_end + at)
            }
            TagEnd::Never => {
                (self.is_broken, self.ends_early) = (true, true);
                (&rest[name_end..], rest.len())
            }
        };
        self.at += end;
        match inside.strip_suffix('/') {
            Some(attributes) => Token::Start { name, attributes, is_empty: true },
            None => Token::Start { name, attributes: inside, is_empty: false },
        }
    }

    fn declaration(&mut self, rest: &'a str) -> Token<'a> {
        let bytes = rest.as_bytes();
        if bytes.starts_with(b"<!--") {
            let end = memmem::find(&bytes[4..], b"-->").map(|at| at + 7);
            self.advance(end, bytes.len());
            return Token::Aside;
        }
        if bytes.get(..9).is_some_and(|head| head.eq_ignore_ascii_case(b"<![CDATA[")) {
            self.is_broken |= !bytes.starts_with(b"<![CDATA[");
            return self.data(rest);
        }
        if !bytes.get(2).is_some_and(u8::is_ascii_alphabetic) {
            self.is_broken = true;
            // An unclosed CDATA's beginning, cut off, is no text.
            let is_cut = bytes.len() < 9 && b"<![CDATA[".starts_with(bytes);
            self.ends_early |= is_cut;
            let end = if is_cut { bytes.len() } else { memchr(b'<', &bytes[1..]).map_or(bytes.len(), |at| at + 1) };
            self.at += end;
            return if is_cut { Token::Aside } else { Token::Text(&rest[..end]) };
        }
        let first = memchr(b'>', bytes);
        let subset = first.and_then(|first| memchr(b'[', &bytes[..first]));
        let end = match subset {
            Some(open) => {
                let end = self.subset_end.at(self.text.as_bytes(), self.at + open);
                end.map(|at| at - self.at + 1).or(first)
            }
            None => first,
        };
        self.advance(end.map(|at| at + 1), bytes.len());
        Token::Doctype(&rest[2..end.unwrap_or(rest.len())])
    }

    fn data(&mut self, rest: &'a str) -> Token<'a> {
        let inside = &rest[9..];
        let begin = self.at + 9;
        let end = self.data_end.at(self.text.as_bytes(), begin).map(|end| end - begin);
        // One that was never closed runs into the next entry's: it ended where its element does.
        let runs_over = |end: usize| {
            let within = &inside.as_bytes()[..end];
            memmem::find(within, b"<![CDATA[").is_some_and(|next| {
                memmem::find(&within[..next], b"</item>").or(memmem::find(&within[..next], b"</entry>")).is_some()
            })
        };
        match end {
            Some(end) if !runs_over(end) => {
                self.at += 9 + end + 3;
                Token::Data(&inside[..end])
            }
            _ => {
                self.is_broken = true;
                let close = format!("</{}", self.last_name);
                let own_end = if self.last_name.is_empty() { None } else { inside.find(&close) };
                self.ends_early |= own_end.is_none();
                let end = own_end.unwrap_or(inside.len());
                self.at += 9 + end;
                Token::Data(&inside[..end])
            }
        }
    }

    /// To `end`, or to the document's end where there is none.
    fn advance(&mut self, end: Option<usize>, len: usize) {
        (self.is_broken, self.ends_early) = (self.is_broken | end.is_none(), self.ends_early | end.is_none());
        self.at += end.unwrap_or(len);
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.text.as_bytes().get(self.at..).filter(|rest| !rest.is_empty())?;
        self.start = self.at;
        match memchr(b'<', rest) {
            Some(0) => Some(self.markup()),
            found => {
                self.at += found.unwrap_or(rest.len());
                Some(Token::Text(&self.text[self.start..self.at]))
            }
        }
    }
}

/// Where a mark stands next, searched for once: a walk never looks at a byte twice for it, but where it goes back.
#[derive(Debug)]
pub struct Next {
    mark: &'static [u8],
    /// From where it was searched for, and where it stood.
    known: Option<(usize, Option<usize>)>,
}

impl Next {
    /// Of this mark.
    pub const fn of(mark: &'static [u8]) -> Self {
        Self { mark, known: None }
    }

    /// Where it stands at `from` or behind.
    pub fn at(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let search =
            |end: usize| bytes.get(from..end).and_then(|part| memmem::find(part, self.mark)).map(|at| from + at);
        let found = match self.known {
            Some((searched, found)) if searched <= from && found.is_none_or(|at| at >= from) => return found,
            // Back in front of where it was searched for: what stands behind there is known.
            Some((searched, found)) if searched > from => {
                search((searched + self.mark.len() - 1).min(bytes.len())).or(found)
            }
            _ => search(bytes.len()),
        };
        self.known = Some((from, found));
        found
    }
}

/// Where a start tag ends, from its name's end.
pub enum TagEnd {
    /// At this `>`.
    Closed(usize),
    /// At this `>`, with a quote left open.
    Stray(usize),
    /// Nowhere before the `<` of the next tag.
    NextTag(usize),
    /// Nowhere.
    Never,
}

/// Where the start tag ends of whose name this is the rest.
pub fn tag_end(rest: &[u8]) -> TagEnd {
    let mut at = 0;
    while let Some(found) = rest[at..].iter().position(|b| matches!(b, b'>' | b'<' | b'"' | b'\'')) {
        at += found;
        match rest[at] {
            b'>' => return TagEnd::Closed(at),
            b'<' => return TagEnd::NextTag(at),
            quote => match value_end(&rest[at + 1..], quote) {
                Some(len) => at += 1 + len + 1,
                None => {
                    // A stray quote, not a value.
                    return memchr(b'>', &rest[at..]).map_or(TagEnd::Never, |end| TagEnd::Stray(at + end));
                }
            },
        }
    }
    TagEnd::Never
}

/// The length of a value up to its closing quote; `None` where it was never closed: what the next quote stands before
/// then is no tag's end and no space.
fn value_end(rest: &[u8], quote: u8) -> Option<usize> {
    let len = memchr(quote, &rest[..rest.len().min(VALUE_BYTES_MAX)])?;
    let is_whole = memchr(b'>', &rest[..len]).is_none()
        || rest.get(len + 1).is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/' | b'?'));
    is_whole.then_some(len)
}

fn begins_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// How long the name is that a text begins with.
pub fn name_len(text: &str) -> usize {
    text.bytes()
        .position(|b| b.is_ascii_whitespace() || matches!(b, b'/' | b'>' | b'<' | b'=' | b'"' | b'\''))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[Token<'_>], is_broken: bool) {
        let mut tokens = Tokens::new(text);
        let got: Vec<Token<'_>> = tokens.by_ref().collect();
        assert_eq!(got, expected, "{text:?}");
        assert_eq!(tokens.is_broken(), is_broken, "{text:?}");
    }

    fn start<'a>(name: &'a str, attributes: &'a str) -> Token<'a> {
        Token::Start { name, attributes, is_empty: false }
    }

    #[test]
    fn well_formed_xml_is_cut_as_it_stands() {
        check(
            "<?xml?><!DOCTYPE a [<!ENTITY b \"c>\">]><a b='x>y'>t<!-- <c> --><![CDATA[<d>]]><e f=\"g\"/></a>",
            &[
                Token::Aside,
                Token::Doctype("DOCTYPE a [<!ENTITY b \"c>\">]"),
                start("a", " b='x>y'"),
                Token::Text("t"),
                Token::Aside,
                Token::Data("<d>"),
                Token::Start { name: "e", attributes: " f=\"g\"", is_empty: true },
                Token::End { name: "a" },
            ],
            false,
        );
    }

    #[test]
    fn tags_that_do_not_end_end_somewhere() {
        check("<a</a", &[start("a", ""), Token::End { name: "a" }], true);
        check(
            "<a href=\"x>t</a><b c=\"d\">",
            &[start("a", " href=\"x"), Token::Text("t"), Token::End { name: "a" }, start("b", " c=\"d\"")],
            true,
        );
        check("1 < 2 <3", &[Token::Text("1 "), Token::Text("< 2 "), Token::Text("<3")], true);
        check("<a b=\"c", &[start("a", " b=\"c")], true);
        check("<a><![CD", &[start("a", ""), Token::Aside], true);
    }

    #[test]
    fn a_mark_is_searched_for_once() {
        let text = "<q ".repeat(1_000) + "-->" + &"<q ".repeat(1_000);
        let mut end = Next::of(b"-->");
        for from in (0..=3_000).step_by(3) {
            assert_eq!(end.at(text.as_bytes(), from), Some(3_000));
        }
        assert_eq!(end.known, Some((0, Some(3_000))), "searched for again");
        for from in 3_001..text.len() {
            assert_eq!(end.at(text.as_bytes(), from), None);
        }
        assert_eq!(end.known, Some((3_001, None)), "searched for again");
        // Whoever goes back is told the truth.
        assert_eq!(end.at(text.as_bytes(), 5), Some(3_000));
    }

    #[test]
    fn what_stands_behind_is_not_searched_again_by_who_goes_back() {
        let mut end = Next::of(b"?>");
        assert_eq!(end.at(&[b'x'; 900], 500), None);
        // A mark put there in the meantime shows who looks.
        let marked = [&[b'x'; 898][..], b"?>"].concat();
        assert_eq!(end.at(&marked, 100), None);
        assert_eq!(end.at(b"x??>", 0), Some(2));
    }

    #[test]
    fn unclosed_data_ends_with_its_element() {
        check("<d><![CDATA[x</d>", &[start("d", ""), Token::Data("x"), Token::End { name: "d" }], true);
        let two = "<d><![CDATA[x</d></item><item><d><![CDATA[y]]></d>";
        let got: Vec<Token<'_>> = Tokens::new(two).collect();
        assert_eq!((got[1], got[6]), (Token::Data("x"), Token::Data("y")), "{got:?}");
    }
}

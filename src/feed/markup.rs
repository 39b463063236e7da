//! HTML → readable plain text: paragraphs parted by an empty line, list items on lines, nothing hidden, entities
//! decoded once.
//!
//! Only html5ever's tokenizer is used, no tree: it costs a fifth, and text needs no tree.

mod mend;

use std::cell::RefCell;

use html5ever::{
    LocalName,
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::RawKind::{Rawtext, Rcdata},
    },
};

pub use mend::mended;

/// More elements inside a hidden one are not told apart.
const HIDDEN_DEPTH_MAX: usize = 256;

/// Text of an HTML fragment or page, paragraphs parted by an empty line.
pub fn to_text(html: &str) -> String {
    // Most summaries hold no markup at all.
    if !html.contains(['<', '&']) {
        return plain(html, false);
    }
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(&mended(html)));
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    // The sink never asks for a pause, so one call takes all.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.writer.into_inner().out
}

/// A line is made of so much at most: what is longer is cut far shorter in the end, and costs time until then.
const LINE_SOURCE_BYTES_MAX: usize = 256 << 10;

/// The same on one line: for titles.
pub fn to_line(html: &str) -> String {
    one_line(&to_text(lines_head(html)))
}

/// What a line is made of.
pub fn lines_head(text: &str) -> &str {
    &text[..text.floor_char_boundary(LINE_SOURCE_BYTES_MAX)]
}

/// A label on one line. Those that came in CDATA are often escaped once more: `Arts &amp; Culture`.
pub fn label(text: &str) -> String {
    let text = lines_head(text);
    if looks_like_html(text) { to_line(text) } else { one_line(text) }
}

/// A plain text on one line.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Plain text tidied: white space within lines collapsed, paragraphs parted by exactly one empty line. Lines are kept
/// where `keeps_lines`, else joined.
pub fn plain(text: &str, keeps_lines: bool) -> String {
    let mut writer = Writer::default();
    for line in text.lines() {
        if line.trim().is_empty() {
            writer.part(2);
            continue;
        }
        writer.write(line);
        writer.part(u8::from(keeps_lines));
        writer.gap.has_space = true;
    }
    writer.out
}

/// Whether a text that may be plain or HTML is HTML: it holds an entity, or a tag with a name that HTML has.
pub fn looks_like_html(text: &str) -> bool {
    let last_bracket = memchr::memrchr(b'>', text.as_bytes()).unwrap_or(0);
    let is_tag = |rest: &str| {
        let rest = rest.trim_start_matches('/');
        let length = rest.bytes().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len());
        kind(&rest[..length]) != Kind::Unknown
    };
    let is_entity = |rest: &str| {
        let len = rest.bytes().take(32).position(|b| !b.is_ascii_alphanumeric() && b != b'#').unwrap_or(rest.len());
        let (name, behind) = rest.split_at_checked(len).unwrap_or((rest, ""));
        // The end mark is forgotten of the commonest ones.
        let is_open = (name.starts_with('#') && name[1..].starts_with(|c: char| c.is_ascii_digit()))
            || (matches!(name, "amp" | "lt" | "gt" | "quot" | "nbsp") && behind.starts_with(char::is_whitespace));
        (len > 1 && behind.starts_with(';')) || is_open
    };
    text.match_indices(['<', '&']).any(|(at, mark)| {
        let rest = &text[at + 1..];
        if mark == "<" {
            (at < last_bracket && is_tag(rest)) || rest.starts_with("!--") || rest.starts_with("![CDATA[")
        } else {
            is_entity(rest)
        }
    })
}

/// What a tag means for text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Part of a line.
    Inline,
    /// Begins and ends a paragraph.
    Block,
    /// Begins and ends a line.
    Line,
    /// Parts words.
    Cell,
    Break,
    /// Its content is not for readers.
    Hidden,
    /// Not HTML.
    Unknown,
}

fn kind(name: &str) -> Kind {
    match name {
        "address" | "article" | "aside" | "blockquote" | "body" | "center" | "details" | "dialog" | "div" | "dl"
        | "fieldset" | "figcaption" | "figure" | "footer" | "form" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6"
        | "header" | "hr" | "html" | "main" | "nav" | "ol" | "p" | "pre" | "section" | "summary" | "table"
        | "tbody" | "tfoot" | "thead" | "ul" | "caption" => Kind::Block,
        "li" | "tr" | "dt" | "dd" => Kind::Line,
        "td" | "th" => Kind::Cell,
        "br" => Kind::Break,
        "script" | "style" | "template" | "head" | "title" | "iframe" | "object" | "svg" | "select" | "textarea"
        | "audio" | "video" | "canvas" | "noembed" | "noframes" | "annotation" | "annotation-xml" => Kind::Hidden,
        "a" | "abbr" | "acronym" | "b" | "bdi" | "bdo" | "big" | "button" | "cite" | "code" | "data" | "del"
        | "dfn" | "em" | "embed" | "font" | "i" | "img" | "input" | "ins" | "kbd" | "label" | "link" | "mark"
        | "math" | "meta" | "meter" | "nobr" | "noscript" | "picture" | "q" | "rp" | "rt" | "ruby" | "s" | "samp"
        | "small" | "source" | "span" | "strike" | "strong" | "sub" | "sup" | "time" | "tt" | "u" | "var" | "wbr" => {
            Kind::Inline
        }
        _ => Kind::Unknown,
    }
}

/// HTML's elements that have no end.
pub fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area" | "base" | "br" | "col" | "embed" | "hr" | "img" | "input" | "link" | "meta" | "source" | "wbr"
    )
}

/// Collects text; a break is written only when text follows it.
#[derive(Default)]
struct Writer {
    out: String,
    /// What is owed before the next word.
    gap: Gap,
    /// The hidden element that we are in, and those open inside it, each with where the text stood if it hides what it
    /// holds. That is written all the same, and taken back at its end: what never ends has hidden nothing.
    hidden: Vec<(LocalName, Option<(usize, Gap)>)>,
}

/// What stands between two words.
#[derive(Clone, Copy, Default)]
struct Gap {
    /// Line ends: 0, 1 or 2.
    parting: u8,
    has_space: bool,
    breaks: u8,
}

impl Writer {
    fn part(&mut self, lines: u8) {
        self.gap.parting = self.gap.parting.max(lines);
    }

    fn write(&mut self, text: &str) {
        for (at, word) in text.split(char::is_whitespace).enumerate() {
            self.gap.has_space |= at > 0;
            if word.is_empty() {
                continue;
            }
            if !self.out.is_empty() {
                match self.gap.parting {
                    0 if self.gap.has_space => self.out.push(' '),
                    0 => {}
                    1 => self.out.push('\n'),
                    _ => self.out.push_str("\n\n"),
                }
            }
            self.gap = Gap::default();
            self.out.push_str(word);
        }
    }

    fn tag(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        let kind = kind(name);
        let is_start = tag.kind == TagKind::StartTag;
        if !self.hidden.is_empty() {
            if is_start {
                self.close_before(name, kind);
            } else {
                self.close(name);
            }
        }
        match kind {
            Kind::Block => self.part(2),
            Kind::Line => self.part(1),
            Kind::Cell => self.gap.has_space = true,
            Kind::Break => {
                self.gap.breaks = self.gap.breaks.saturating_add(1);
                self.part(self.gap.breaks.min(2));
            }
            Kind::Hidden | Kind::Inline | Kind::Unknown => {}
        }
        // No browser takes `<div/>` for a whole element, but whoever wrote it did.
        if !is_start || tag.self_closing || is_void(name) {
            return;
        }
        let hides = kind == Kind::Hidden || is_hidden(tag);
        if (hides || !self.hidden.is_empty()) && self.hidden.len() < HIDDEN_DEPTH_MAX {
            self.hidden.push((tag.name.clone(), hides.then_some((self.out.len(), self.gap))));
        }
    }

    /// Ends what a start tag ends without an end tag, as HTML has it: a paragraph at the next block, an item at the next.
    fn close_before(&mut self, name: &str, kind: Kind) {
        // A picture holds no paragraphs: it was never closed, or a browser would close it here.
        if let Some(at) = self.hidden.iter().position(|(open, _)| kind == Kind::Block && **open == *"svg") {
            self.close_to(at);
        }
        let Some((open, _)) = self.hidden.last() else { return };
        let is_ended = match &**open {
            "p" => kind == Kind::Block || name == "li",
            "li" | "tr" | "option" => **open == *name,
            "dt" | "dd" => matches!(name, "dt" | "dd"),
            "td" | "th" => matches!(name, "td" | "th" | "tr"),
            "head" => kind != Kind::Hidden && !matches!(name, "base" | "link" | "meta" | "noscript"),
            _ => false,
        };
        if is_ended {
            self.close_to(self.hidden.len() - 1);
        }
    }

    /// Ends an element, and with it those that were left open in it. An end tag of what was opened outside of the hidden
    /// element ends that one too.
    fn close(&mut self, name: &str) {
        match self.hidden.iter().rposition(|(open, _)| **open == *name) {
            Some(at) => self.close_to(at),
            None if is_frame(name) => self.close_to(0),
            None => {}
        }
    }

    fn close_to(&mut self, depth: usize) {
        while self.hidden.len() > depth {
            if let Some((_, Some((length, gap)))) = self.hidden.pop() {
                self.out.truncate(length);
                self.gap = gap;
            }
        }
    }
}

/// Elements whose end tags nobody writes where none of them is open.
fn is_frame(name: &str) -> bool {
    matches!(
        name,
        "div"
            | "td"
            | "th"
            | "tr"
            | "table"
            | "li"
            | "ul"
            | "ol"
            | "dl"
            | "section"
            | "article"
            | "blockquote"
            | "main"
            | "figure"
    )
}

/// `hidden`, or a style that says so.
fn is_hidden(tag: &Tag) -> bool {
    tag.attrs.iter().any(|attr| match &*attr.name.local {
        // Hidden until somebody searches the page for it: then it is to be found.
        "hidden" => !attr.value.eq_ignore_ascii_case("until-found"),
        "style" => {
            let style: String = attr.value.chars().filter(|c| !c.is_whitespace()).collect();
            let style = style.to_ascii_lowercase();
            style.contains("display:none") || style.contains("visibility:hidden")
        }
        _ => false,
    })
}

#[derive(Default)]
struct Sink {
    writer: RefCell<Writer>,
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut writer = self.writer.borrow_mut();
        match token {
            Token::CharacterTokens(text) => writer.write(&text),
            Token::TagToken(tag) => {
                writer.tag(&tag);
                if tag.kind == TagKind::StartTag && !tag.self_closing {
                    // Without a tree nobody else tells the tokenizer that these hold no tags.
                    match &*tag.name {
                        "xmp" => return TokenSinkResult::RawData(Rawtext),
                        "title" | "textarea" => return TokenSinkResult::RawData(Rcdata),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(to_text(html), expected, "{html:?}");
    }

    #[test]
    fn marks_that_begin_nothing_are_text() {
        let attributes: String = (0..100_000).map(|i| format!(" a{i}")).collect();
        check(&format!("<p{attributes}>hello</p> <b>you"), "hello\n\nyou");
        check(&format!("<!-- {} <i> --> x", "y ".repeat(20_000)), "x");
        check(&format!("a < b {}", "c ".repeat(20_000)), format!("a < b {}", "c ".repeat(20_000)).trim_end());
        check(&"<".repeat(100_000), &"<".repeat(100_000));
    }

    #[test]
    fn what_is_hidden_and_never_ends_hides_nothing() {
        check("<div style='display:none'>x<p>The port reopens.</p>", "x\n\nThe port reopens.");
        check("<p>a</p><video src=x><p>b</p>", "a\n\nb");
        check("a <iframe src='x'/> b <script src='y'/> c <div hidden/> d", "a b c\n\nd");
        check("<div hidden>x<script>y</script><p>a", "x\n\na");
        // Its parent's end is its own.
        check("<div><span hidden>x</div>a <span>b</span> c", "a b c");
        check("<div hidden>x<span>y</div>a</span>b", "ab");
        check("<li hidden>x<li>a<td hidden>y<td>b", "a b");
        check("<ul><li hidden>x<ul><li>y</li></ul></li><li>a</li></ul>", "a");
        check("<head><meta charset=x><title>t</title><body><p>a</p></body>", "a");
        check("<p hidden='until-found'>a", "a");
        check("<svg><title>x</title><path/><p>a</p></svg><svg><text>y</text></svg>b", "a\n\nb");
    }

    #[test]
    fn html_becomes_paragraphs() {
        check("<p>One  two\nthree</p><p>Four</p>", "One two three\n\nFour");
        check("One<br>two<br/><br/>three", "One\ntwo\n\nthree");
        check("A list:<ul><li>one</li><li>two</li></ul>end", "A list:\n\none\ntwo\n\nend");
        check("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc");
        check("un<b>bold</b>ed <i>x</i>", "unbolded x");
    }

    #[test]
    fn what_is_not_for_readers_is_left_out() {
        check("a<script>if (1<2) { '<p>' }</script>b", "ab");
        check("<style>p{}</style>x<div hidden>no<div>no</div>no</div>y", "x\n\ny");
        check("<span style='display: none'>no</span>yes<!-- no -->", "yes");
        check("<p hidden>no<p>yes", "yes");
    }

    #[test]
    fn entities_are_decoded_once() {
        check("AT&amp;T &amp;lt;b&amp;gt; &nbsp; caf&eacute; &#x27;x&#39;", "AT&T &lt;b&gt; café 'x'");
        check("no markup\n\nat  all", "no markup\n\nat all");
    }

    #[test]
    fn html_is_told_from_plain_text() {
        assert!(looks_like_html("AT&amp;T"));
        assert!(looks_like_html("a <b>bold</b> claim"));
        assert!(looks_like_html("It&#39s a deal"));
        assert!(looks_like_html("more &amp more"));
        assert!(looks_like_html("more <![CDATA[and]]> more"));
        assert!(!looks_like_html("R&D, AT&T and #1 & x?a=1&lt=2"));
        assert!(!looks_like_html("x < y & z > w"));
        assert!(!looks_like_html("uses <vector> and R&D; fine"[..20].as_ref()));
    }
}

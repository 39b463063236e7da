//! HTML → readable plain text: paragraphs parted by an empty line, list items on lines, nothing hidden, entities
//! decoded once.
//!
//! Only html5ever's tokenizer is used, no tree: it costs a fifth, and text needs no tree.

use std::{borrow::Cow, cell::RefCell};

use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::RawKind::{Rawtext, Rcdata, ScriptData},
    },
};

/// Text of an HTML fragment or page, paragraphs parted by an empty line.
pub fn to_text(html: &str) -> String {
    // Most summaries hold no markup at all.
    if !html.contains(['<', '&']) {
        return plain(html, false);
    }
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(&with_short_tags(html)));
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    // The sink never asks for a pause, so one call takes all.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.writer.into_inner().out
}

/// No person wrote a tag that is longer, and each of its attributes would be compared with all the others.
const TAG_BYTES_MAX: usize = 16 << 10;

/// The same markup, tags of endless length cut down to their names.
pub fn with_short_tags(html: &str) -> Cow<'_, str> {
    let tag_behind = |from: usize| memchr::memchr(b'<', &html.as_bytes()[from..]).map(|length| from + length);
    let mut short = String::new();
    let (mut kept, mut from) = (0, 0);
    while let Some(start) = tag_behind(from) {
        // What is no tag ends nothing: a comment may hold more of them.
        if !html.as_bytes().get(start + 1).is_some_and(u8::is_ascii_alphabetic) {
            from = start + 1;
            continue;
        }
        let end = memchr::memchr(b'>', &html.as_bytes()[start..]).map_or(html.len(), |length| start + length + 1);
        if end - start > TAG_BYTES_MAX {
            let name = html[start..end].find(char::is_whitespace).map_or(start, |length| start + length);
            short.push_str(&html[kept..name]);
            short.push('>');
            kept = end;
        }
        from = end;
    }
    if kept == 0 {
        return Cow::Borrowed(html);
    }
    short.push_str(&html[kept..]);
    Cow::Owned(short)
}

/// The same on one line: for titles.
pub fn to_line(html: &str) -> String {
    one_line(&to_text(html))
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
        writer.has_space = true;
    }
    writer.out
}

/// Whether a text that may be plain or HTML is HTML: it holds an entity, or a tag with a name that HTML has.
pub fn looks_like_html(text: &str) -> bool {
    let is_tag = |rest: &str| {
        let name: String = rest.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        !name.is_empty() && rest.contains('>') && (kind(&name) != Kind::Unknown)
    };
    let is_entity = |rest: &str| {
        let len = rest.bytes().take(32).position(|b| b == b';').unwrap_or(0);
        len > 1 && rest.bytes().take(len).all(|b| b.is_ascii_alphanumeric() || b == b'#')
    };
    text.match_indices(['<', '&']).any(|(at, mark)| {
        let rest = &text[at + 1..];
        if mark == "<" { is_tag(rest) || rest.starts_with("!--") } else { is_entity(rest) }
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
pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area" | "base" | "br" | "col" | "embed" | "hr" | "img" | "input" | "link" | "meta" | "source" | "wbr"
    )
}

/// Collects text; a break is written only when text follows it.
#[derive(Default)]
struct Writer {
    out: String,
    /// Line ends owed before the next word: 0, 1 or 2.
    parting: u8,
    has_space: bool,
    breaks: u8,
    /// The hidden element we are in, and how deep in elements of its name.
    hidden: Option<(String, usize)>,
}

impl Writer {
    fn part(&mut self, lines: u8) {
        self.parting = self.parting.max(lines);
    }

    fn write(&mut self, text: &str) {
        for (at, word) in text.split(char::is_whitespace).enumerate() {
            self.has_space |= at > 0;
            if word.is_empty() {
                continue;
            }
            if !self.out.is_empty() {
                match self.parting {
                    0 if self.has_space => self.out.push(' '),
                    0 => {}
                    1 => self.out.push('\n'),
                    _ => self.out.push_str("\n\n"),
                }
            }
            (self.parting, self.has_space, self.breaks) = (0, false, 0);
            self.out.push_str(word);
        }
    }

    fn tag(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        let is_start = tag.kind == TagKind::StartTag;
        if let Some((hidden, depth)) = &mut self.hidden {
            if hidden == name && !is_void(name) {
                // HTML closes a `p` at the next one.
                *depth = if is_start && name != "p" { *depth + 1 } else { *depth - 1 };
                if *depth == 0 {
                    self.hidden = None;
                }
            }
            return;
        }
        match kind(name) {
            Kind::Block => self.part(2),
            Kind::Line => self.part(1),
            Kind::Cell => self.has_space = true,
            Kind::Break => {
                self.breaks = self.breaks.saturating_add(1);
                self.part(self.breaks.min(2));
            }
            Kind::Hidden if is_start && !tag.self_closing => self.hidden = Some((name.to_owned(), 1)),
            Kind::Inline | Kind::Unknown if is_start && !is_void(name) && is_hidden(tag) => {
                self.hidden = Some((name.to_owned(), 1));
            }
            Kind::Hidden | Kind::Inline | Kind::Unknown => {}
        }
        if is_start && matches!(kind(name), Kind::Block | Kind::Line) && !is_void(name) && is_hidden(tag) {
            self.hidden = Some((name.to_owned(), 1));
        }
    }
}

/// `hidden`, or a style that says so.
fn is_hidden(tag: &Tag) -> bool {
    tag.attrs.iter().any(|attr| match &*attr.name.local {
        "hidden" => true,
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
            Token::CharacterTokens(text) if writer.hidden.is_none() => writer.write(&text),
            Token::TagToken(tag) => {
                writer.tag(&tag);
                if tag.kind == TagKind::StartTag {
                    // Without a tree nobody else tells the tokenizer that these hold no tags.
                    match &*tag.name {
                        "script" => return TokenSinkResult::RawData(ScriptData),
                        "style" | "iframe" | "noembed" | "noframes" | "xmp" => {
                            return TokenSinkResult::RawData(Rawtext);
                        }
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
    fn tags_without_end_are_cut_to_their_names() {
        let attributes: String = (0..100_000).map(|i| format!(" a{i}")).collect();
        check(&format!("<p{attributes}>hello</p> <b>you"), "hello\n\nyou");
        check(&format!("<!-- {} <i> --> x", "y ".repeat(20_000)), "x");
        check(&format!("a < b {}", "c ".repeat(20_000)), format!("a < b {}", "c ".repeat(20_000)).trim_end());
        check(&"<".repeat(100_000), &"<".repeat(100_000));
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
        assert!(!looks_like_html("x < y & z > w"));
        assert!(!looks_like_html("uses <vector> and R&D; fine"[..20].as_ref()));
    }
}

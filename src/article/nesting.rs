//! Whether HTML is built to make its reader build more than was written: elements nested without end, and formatting
//! that is left open and begun anew in each paragraph.
//!
//! Tags are told apart as a browser does, and an end tag closes only what a browser would let it close, so that nothing
//! nests unseen. When in doubt an element counts as open.

use std::{
    cell::RefCell,
    hash::{DefaultHasher, Hash, Hasher},
};

use html5ever::{
    LocalName,
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::RawKind::{Rawtext, Rcdata},
    },
};

/// Deeper markup is no article's; sanitising takes the square of it.
const DEPTH_MAX: usize = 512;
/// So many formatting elements may be begun anew in all.
const RENEWED_MAX: usize = 100_000;
/// Each with all its attributes, which come to so much at most.
const RENEWED_BYTES_MAX: usize = 8 << 20;
/// A text whose tags times its length come to less is read as a tree in no time.
const SMALL: usize = 4 << 20;

/// Whether reading it as a tree costs far more than it is long. `html` is mended.
pub fn is_built(html: &str) -> bool {
    // Without so many tags nothing is deep, and most texts have a dozen.
    let tags = memchr::memchr_iter(b'<', html.as_bytes()).take(DEPTH_MAX + 1).count();
    if tags <= DEPTH_MAX && tags * html.len() <= SMALL {
        return false;
    }
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let nesting = tokenizer.sink.0.into_inner();
    nesting.is_built
}

/// What an end tag must not pass on its way to its element.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wall {
    /// A part of a line.
    None,
    /// A block: no end of an inline element reaches beyond.
    Block,
    /// What has a scope of its own: no end of a block reaches beyond.
    Scope,
    /// A table: no end of a cell or row reaches beyond.
    Table,
}

fn wall(name: &str) -> Wall {
    match name {
        "a" | "abbr" | "acronym" | "b" | "bdi" | "bdo" | "big" | "cite" | "code" | "data" | "del" | "dfn" | "em"
        | "font" | "i" | "ins" | "kbd" | "label" | "mark" | "meter" | "nobr" | "output" | "picture" | "progress"
        | "q" | "ruby" | "s" | "samp" | "small" | "span" | "strike" | "strong" | "sub" | "sup" | "time" | "tt"
        | "u" | "var" => Wall::None,
        "td" | "th" | "caption" | "object" | "applet" | "marquee" | "button" | "select" | "svg" | "math"
        | "foreignobject" | "desc" | "annotation-xml" => Wall::Scope,
        "table" | "template" => Wall::Table,
        _ => Wall::Block,
    }
}

/// HTML's formatting elements, which begin anew where a block's end cut them off.
fn is_formatting(name: &str) -> bool {
    matches!(
        name,
        "a" | "b" | "big" | "code" | "em" | "font" | "i" | "nobr" | "s" | "small" | "strike" | "strong" | "tt" | "u"
    )
}

/// Never closes, or closes itself by what follows, as paragraphs and list items do.
fn is_shallow(name: &str) -> bool {
    crate::feed::markup::is_void(name) || matches!(name, "p" | "li" | "param" | "track" | "body" | "html" | "head")
}

#[derive(Default)]
struct Nesting {
    open: Vec<Open>,
    /// Formatting elements whose own end tags have not come.
    formats: Vec<Format>,
    renewed: usize,
    renewed_bytes: usize,
    is_built: bool,
}

struct Format {
    name: LocalName,
    /// Of its attributes.
    hash: u64,
    /// How long they are.
    bytes: usize,
}

struct Open {
    name: LocalName,
    /// In SVG or MathML, where no element holds raw text.
    is_foreign: bool,
}

impl Nesting {
    fn start(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        let wall = wall(name);
        self.renew(wall);
        if is_shallow(name) {
            return;
        }
        if is_formatting(name) {
            self.begin_format(tag);
        }
        let parent_is_foreign = self.open.last().is_some_and(|parent| {
            parent.is_foreign && !matches!(&*parent.name, "foreignobject" | "desc" | "title" | "annotation-xml")
        });
        let is_foreign = matches!(name, "svg" | "math") || parent_is_foreign;
        if !(is_foreign && tag.self_closing) {
            self.open.push(Open { name: tag.name.clone(), is_foreign });
        }
        self.is_built |= self.open.len() > DEPTH_MAX || self.formats.len() > DEPTH_MAX;
    }

    fn begin_format(&mut self, tag: &Tag) {
        let mut hasher = DefaultHasher::new();
        for attribute in &tag.attrs {
            attribute.name.local.hash(&mut hasher);
            attribute.value.as_bytes().hash(&mut hasher);
        }
        let bytes = tag.attrs.iter().map(|attribute| attribute.name.local.len() + attribute.value.len()).sum();
        let format = Format { name: tag.name.clone(), hash: hasher.finish(), bytes };
        // A link ends the one before, and of the same element three are kept.
        let kept = if matches!(&*tag.name, "a" | "nobr") { 0 } else { 2 };
        let is_same = |known: &Format| known.name == format.name && (kept == 0 || known.hash == format.hash);
        if self.formats.iter().filter(|known| is_same(known)).count() > kept
            && let Some(at) = self.formats.iter().position(is_same)
        {
            self.formats.remove(at);
        }
        self.formats.push(format);
    }

    /// A block's beginning or end: what is open of formatting may begin anew.
    fn renew(&mut self, wall: Wall) {
        if wall != Wall::None {
            self.renewed += self.formats.len();
            self.renewed_bytes += self.formats.iter().map(|format| format.bytes).sum::<usize>();
            self.is_built |= self.renewed > RENEWED_MAX || self.renewed_bytes > RENEWED_BYTES_MAX;
        }
    }

    fn end(&mut self, tag: &Tag) {
        let wall = wall(&tag.name);
        self.renew(wall);
        if let Some(at) = self.formats.iter().rposition(|format| format.name == tag.name) {
            self.formats.remove(at);
        }
        let passes = match (wall, &*tag.name) {
            (Wall::Scope, "td" | "th" | "caption") | (_, "tr" | "tbody" | "tfoot" | "thead") => Wall::Scope,
            (Wall::Table, _) => Wall::Scope,
            (Wall::Scope | Wall::Block, _) => Wall::Block,
            (Wall::None, _) => Wall::None,
        };
        let reached = self.open.iter().enumerate().rev().find(|(_, open)| {
            let is_own = open.name == tag.name;
            is_own || self::wall(&open.name) > passes
        });
        if let Some((at, _)) = reached.filter(|(_, open)| open.name == tag.name) {
            self.open.truncate(at);
        }
    }
}

#[derive(Default)]
struct Sink(RefCell<Nesting>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut nesting = self.0.borrow_mut();
        let Token::TagToken(tag) = token else { return TokenSinkResult::Continue };
        if nesting.is_built {
            return TokenSinkResult::Continue;
        }
        if tag.kind == TagKind::EndTag {
            nesting.end(&tag);
            return TokenSinkResult::Continue;
        }
        nesting.start(&tag);
        if nesting.open.last().is_some_and(|open| open.is_foreign) {
            return TokenSinkResult::Continue;
        }
        // What holds no tags: without a tree nobody else tells the tokenizer.
        match &*tag.name {
            "title" | "textarea" => TokenSinkResult::RawData(Rcdata),
            "xmp" | "noscript" | "iframe" | "noembed" | "noframes" | "style" | "script" => {
                TokenSinkResult::RawData(Rawtext)
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nests_or_renews_without_end_is_seen() {
        let numbered = |make: fn(usize) -> String| (0..2_000).map(make).collect::<String>();
        for built in [
            "<div>".repeat(1_000),
            "<b a=0></x><p>".repeat(1_000),
            "<span><div></span>".repeat(1_000),
            "<div><table><tr><td></div>".repeat(1_000),
            "<div t='</div>'>".repeat(1_000),
            "<svg><title><div>".repeat(1_000) + "</title>",
            numbered(|at| format!("<div><b a={at}></div>")),
            numbered(|at| format!("<p><i a={at}>x</p>")),
            "<b a=1><b a=2><b a=3><i>".to_owned() + &"<p>x".repeat(100_000),
            // Each paragraph begins the link anew, with its address.
            format!("<div><a href='https://e.example/{}'></div>", "x".repeat(8_000)) + &"<p>x".repeat(2_000),
            format!("<div><a href='https://e.example/{}'></div>", "x".repeat(100_000)) + &"<p>x".repeat(200),
        ] {
            assert!(is_built(&built), "{}", &built[..60]);
        }
    }

    #[test]
    fn what_people_write_is_not() {
        for usual in [
            "<p>a<br>b<li>c<img src=x>".repeat(2_000),
            "<div><b>a</b> <font color=red>b</div>".repeat(2_000),
            "<div><a href=x>a</div>".repeat(2_000),
            "<table><tr><td><font size=2>a</td></tr></table>".repeat(2_000),
            "<svg><title>x</title><path/><g><path></path></g></svg>".repeat(2_000),
            "<noscript><img src='x'></noscript><span>a</span>".repeat(2_000),
            "<b>".to_owned() + &"<p>a</p>".repeat(20_000),
        ] {
            assert!(!is_built(&usual), "{}", &usual[..40]);
        }
    }
}

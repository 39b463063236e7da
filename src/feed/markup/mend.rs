//! HTML in which nothing that was left open swallows what follows.
//!
//! A browser hides all that stands behind an unclosed `<script>`, comment or quote. A feed's text is often cut in the
//! middle of one, or made by a program that writes `<iframe/>`, so here each ends where its writer would have ended it.
//! Where nobody can tell, the text is shown: a line too much can be read over, a lost one cannot.

use std::borrow::Cow;

use memchr::{memchr, memchr2_iter, memmem};

use super::{Kind, kind};
use crate::feed::token::{Next, TagEnd, name_len, tag_end};

/// No person wrote a tag that is longer, and each of its attributes would be compared with all the others.
const TAG_BYTES_MAX: usize = 16 << 10;

/// Elements that hold no tags. Their content is for programs, and goes …
const CODE: [&str; 5] = ["script", "style", "iframe", "noembed", "noframes"];
/// … or is for readers, and stays.
const RAW: [&str; 3] = ["textarea", "title", "xmp"];

/// The same markup: code taken out, tags of endless length cut down to their names, and what was left open closed.
pub fn mended(html: &str) -> Cow<'_, str> {
    let mut mender = Mender {
        html,
        out: String::new(),
        kept: 0,
        endless: [false; CODE.len() + RAW.len()],
        bracket: Next::of(b">"),
        comment_end: Next::of(b"-->"),
        odd_comment_end: Next::of(b"--!>"),
        data_end: Next::of(b"]]>"),
    };
    let mut from = 0;
    while let Some(length) = memchr(b'<', &html.as_bytes()[from..]) {
        from = mender.mark(from + length);
    }
    if mender.kept == 0 && mender.out.is_empty() {
        return Cow::Borrowed(html);
    }
    mender.out.push_str(&html[mender.kept..]);
    Cow::Owned(mender.out)
}

struct Mender<'a> {
    html: &'a str,
    out: String,
    /// Up to here everything is in `out`, or stays out.
    kept: usize,
    /// Which of [`CODE`] and [`RAW`] have no end tag behind here.
    endless: [bool; CODE.len() + RAW.len()],
    bracket: Next,
    comment_end: Next,
    odd_comment_end: Next,
    data_end: Next,
}

impl<'a> Mender<'a> {
    /// Where the next `>` stands.
    fn bracket(&mut self, from: usize) -> Option<usize> {
        self.bracket.at(self.html.as_bytes(), from)
    }

    /// Looks at the `<` at `start`; says from where to look on.
    fn mark(&mut self, start: usize) -> usize {
        let html: &'a str = self.html;
        let rest = &html[start..];
        match rest.as_bytes().get(1) {
            Some(byte) if byte.is_ascii_alphabetic() => self.start_tag(start, rest),
            Some(b'!') => self.declaration(start, rest),
            // `</ b` and `<? b` hide what follows.
            Some(b'?' | b'/') if self.bracket(start).is_none() && !is_cut_tag(&rest[1..]) => {
                self.replace(start, start + 1, "&lt;")
            }
            _ => start + 1,
        }
    }

    /// Puts `text` where `start..end` stood.
    fn replace(&mut self, start: usize, end: usize, text: &str) -> usize {
        self.out.push_str(&self.html[self.kept..start]);
        self.out.push_str(text);
        self.kept = end;
        end
    }

    fn start_tag(&mut self, start: usize, rest: &str) -> usize {
        let name_end = 1 + name_len(&rest[1..]);
        let name = rest[1..name_end].to_ascii_lowercase();
        let Some(first_end) = self.bracket(start).map(|at| at - start) else {
            // A tag that was cut, or `if x <y`, or `if a <b then c`.
            return match kind(&name) {
                kind if kind == Kind::Unknown || !is_cut_start(&rest[name_end..]) => {
                    self.replace(start, start + 1, "&lt;")
                }
                _ => self.replace(start, self.html.len(), ""),
            };
        };
        // `x<y</p>`, `<desk@example.org>`, `<https://example.org/>`.
        let is_word = kind(&name) == Kind::Unknown && rest[1..first_end].contains('<');
        if is_word || name.contains('@') || name.ends_with(':') {
            return self.replace(start, start + 1, "&lt;");
        }
        let mut end = first_end;
        if memchr2_iter(b'"', b'\'', &rest.as_bytes()[..first_end]).count() % 2 == 1 {
            match tag_end(&rest.as_bytes()[name_end..]) {
                TagEnd::Closed(at) => end = name_end + at,
                // A quote that was never closed: its tag ends where it seems to.
                TagEnd::Stray(at) => return self.replace(start, start + name_end + at + 1, &format!("<{name}>")),
                TagEnd::NextTag(_) | TagEnd::Never => {}
            }
        }
        let is_empty = rest[..end].ends_with('/');
        let end = end + 1;
        if let Some(which) = CODE.iter().chain(&RAW).position(|held| *held == name) {
            let is_code = which < CODE.len();
            let close = if is_empty { None } else { self.end_tag(which, &name, start + end) };
            return match close {
                Some(close) if is_code => self.replace(start, close, ""),
                Some(close) => close,
                None if matches!(&*name, "script" | "style") && !is_empty && !rest[..end].contains("src=") => {
                    self.replace(start, start + end + code_len(&rest[end..]), "")
                }
                None => self.replace(start, start + end, ""),
            };
        }
        if end > TAG_BYTES_MAX {
            return self.replace(start, start + end, &format!("<{name}>"));
        }
        start + end
    }

    /// Where the element's end tag ends, or begins to be looked at where it has no bracket.
    fn end_tag(&mut self, which: usize, name: &str, from: usize) -> Option<usize> {
        if self.endless[which] {
            return None;
        }
        let bytes = self.html.as_bytes();
        let found = memmem::find_iter(&bytes[from..], b"</").map(|at| from + at).find(|at| {
            let rest = &bytes[at + 2..];
            rest.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes()))
                && rest.get(name.len()).is_none_or(|b| !b.is_ascii_alphanumeric())
        });
        self.endless[which] = found.is_none();
        found.map(|at| memchr(b'>', &bytes[at..]).map_or(bytes.len(), |length| at + length + 1))
    }

    fn declaration(&mut self, start: usize, rest: &str) -> usize {
        let bytes = rest.as_bytes();
        let whole = self.html.as_bytes();
        if bytes.starts_with(b"<!--") {
            // `<!-->` and `<!--->` are whole comments.
            let end = self.comment_end.at(whole, start + 2).map(|at| at + 3);
            return match end.or_else(|| self.odd_comment_end.at(whole, start + 4).map(|at| at + 4)) {
                Some(end) => end,
                // As browsers once did. Without even a bracket it is a comment that was cut.
                None => {
                    let end = self.bracket(start).map_or(whole.len(), |at| at + 1);
                    self.replace(start, end, "")
                }
            };
        }
        if bytes.starts_with(b"<![CDATA[") {
            // Escaped once too often, or put into CDATA of its own.
            let end = self.data_end.at(whole, start).map(|at| at - start);
            let inside = 9..end.unwrap_or(9);
            let close = end.map_or(9, |end| end + 3);
            return self.replace(start, start + close, &rest[inside]);
        }
        let is_markup = bytes.get(2).is_some_and(|b| b.is_ascii_alphabetic() || *b == b'[');
        match self.bracket(start).filter(|_| is_markup) {
            Some(at) => at + 1,
            None => self.replace(start, start + 1, "&lt;"),
        }
    }
}

/// Whether what stands behind a tag's name may be its attributes, cut: words alone are none.
fn is_cut_start(rest: &str) -> bool {
    // Up to the next mark, or many of them would all be looked at again and again.
    let rest = rest.split('<').next().unwrap_or(rest);
    rest.contains(['=', '"', '\'']) || rest.split_whitespace().nth(1).is_none()
}

/// Whether an end tag was cut, rather than something else begun.
fn is_cut_tag(rest: &str) -> bool {
    rest.strip_prefix('/').is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// How much of what stands behind an unclosed `<script>` or `<style>` is code: up to the next tag of a text, if it looks
/// like code at all.
fn code_len(rest: &str) -> usize {
    let is_tag = |at: &usize| {
        let rest = rest[at + 1..].trim_start_matches('/');
        kind(&rest[..name_len(rest)].to_ascii_lowercase()) != Kind::Unknown
    };
    let end = memchr::memchr_iter(b'<', rest.as_bytes()).find(is_tag).unwrap_or(rest.len());
    if rest[..end].contains(['{', '}', ';', '=']) { end } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(mended(html), expected, "{html:?}");
    }

    #[test]
    fn tags_without_end_are_cut_to_their_names() {
        let attributes: String = (0..100_000).map(|i| format!(" a{i}")).collect();
        check(&format!("<p{attributes}>hello</p> <b>you"), "<p>hello</p> <b>you");
        check("<a href=\"x>Read</a> on <i class='y'>now</i>", "<a>Read</a> on <i class='y'>now</i>");
        check("<a title=\"a > b\">x</a>", "<a title=\"a > b\">x</a>");
        check("<a title=\"don't\">x</a>", "<a title=\"don't\">x</a>");
        check("cut here <a href=\"http", "cut here ");
        check("cut here <img width", "cut here ");
        check("if a <b then c & d", "if a &lt;b then c & d");
        check("where x <y and more", "where x &lt;y and more");
        check("<p>x<y</p>", "<p>x&lt;y</p>");
        check("to <desk@x.org>, <https://x.org/a>", "to &lt;desk@x.org>, &lt;https://x.org/a>");
        check("a<o:p></o:p><my-tag x>b</my-tag>", "a<o:p></o:p><my-tag x>b</my-tag>");
        check("one </ two", "one &lt;/ two");
        check("one <b>two</b", "one <b>two</b");
    }

    #[test]
    fn code_goes_and_swallows_nothing() {
        check("a<script>if (1<2) { '<p>' }</script>b", "ab");
        check("a<SCRIPT><!-- x('<script>') </Script >b", "ab");
        check("a<style/>b<iframe src='x'/>c<script src='y' />d", "abcd");
        check("a<iframe src=x>b<p>c", "ab<p>c");
        check("a<script>var x = 1; y()<p>b</p>", "a<p>b</p>");
        check("a<script>var x = 1;", "a");
        check("a<script src='x'>b c", "ab c");
        check("a<script>b c", "ab c");
        check("<textarea>a</textarea><title>b", "<textarea>a</textarea>b");
        check("<scripture>a", "<scripture>a");
    }

    #[test]
    fn comments_and_sections_end() {
        check("a<!-- b -->c<!---->d<!-->e", "a<!-- b -->c<!---->d<!-->e");
        check("a<!-- more >b", "ab");
        check("a<!-- cut", "a");
        check("<![CDATA[a <b>b</b>]]> c", "a <b>b</b> c");
        check("<![CDATA[a <b>b</b>", "a <b>b</b>");
        check("<!' <a>b</a>", "&lt;!' <a>b</a>");
        check("<!DOCTYPE html><![if !IE]>a<![endif]>", "<!DOCTYPE html><![if !IE]>a<![endif]>");
    }

    #[test]
    fn what_is_left_open_takes_no_time() {
        for piece in [
            "<script>",
            "<a \"",
            "<a '>",
            "<!--",
            "<![CDATA[",
            "</",
            "<style>{<",
            "<title>",
            "<? ",
            "<q",
            "<q ",
            "<q a b ",
            "<zz ",
            "</ ",
            "<!a ",
            "<! ",
            "<!-- >",
            "<!--x--",
            "<![ ",
            "<iframe>x</",
        ] {
            // An end behind all is found by each, or by none. The bound is for what never comes to an end: how often a
            // mark is searched for, `token` tests.
            for tail in ["", "--!>]]>"] {
                let html = piece.repeat(1_000_000 / piece.len()) + tail;
                let started = std::time::Instant::now();
                let _ = mended(&html);
                let _ = super::super::looks_like_html(&html);
                let _ = super::super::to_text(&html[..html.floor_char_boundary(200_000)]);
                assert!(started.elapsed().as_secs() < 60, "{piece}{tail}: {:?}", started.elapsed());
            }
        }
    }
}

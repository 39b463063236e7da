//! One cheap walk over a document's tags: how deep, how many entries should be found, where the last whole one ends.

use memchr::{memchr, memmem};

use super::DEPTH_MAX;

/// What the walk saw.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outline<'a> {
    /// The root element's name as written, with its prefix; `None` where there is no tag at all.
    pub root: Option<&'a str>,
    /// The root's start tag, from `<` to `>`.
    pub root_tag: &'a str,
    /// Elements inside elements, at most.
    pub depth: usize,
    /// `<item>` and `<entry>` tags outside comments and CDATA.
    pub entries: usize,
    /// One past the last `</item>` or `</entry>`, and what was open there: for a document that ends too early.
    pub last_whole: Option<(usize, Vec<&'a str>)>,
    /// Whether elements are open at the end.
    pub is_cut: bool,
}

/// Walks over the tags. Never fails; broken markup gives a rough answer.
pub fn walk(text: &str) -> Outline<'_> {
    let bytes = text.as_bytes();
    let mut outline = Outline::default();
    let mut open: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(found) = memchr(b'<', &bytes[at..]) {
        let start = at + found;
        let rest = &bytes[start..];
        let skipped = if rest.starts_with(b"<![CDATA[") {
            Some(b"]]>".as_slice())
        } else if rest.starts_with(b"<!--") {
            Some(b"-->".as_slice())
        } else if rest.starts_with(b"<?") {
            Some(b"?>".as_slice())
        } else {
            None
        };
        if let Some(end_mark) = skipped {
            let Some(end) = memmem::find(rest, end_mark) else {
                outline.is_cut = true;
                break;
            };
            at = start + end + end_mark.len();
            continue;
        }
        let Some(end) = tag_end(rest) else {
            outline.is_cut = true;
            break;
        };
        at = start + end + 1;
        let is_end = rest.get(1) == Some(&b'/');
        let name_start = start + if is_end { 2 } else { 1 };
        let name_len = bytes[name_start..at].iter().position(|b| b" \t\r\n/>".contains(b)).unwrap_or(0);
        let name = &text[name_start..name_start + name_len];
        if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            continue;
        }
        let is_entry = matches!(local(name), "item" | "entry");
        if is_end {
            // Crossed tags: close up to the matching one, ignore an end that nothing opened.
            if let Some(opened) = open.iter().rposition(|o| *o == name) {
                open.truncate(opened);
                if is_entry {
                    outline.last_whole = Some((at, open.clone()));
                }
            }
            continue;
        }
        if outline.root.is_none() {
            outline.root = Some(name);
            outline.root_tag = &text[start..at];
        }
        outline.entries += usize::from(is_entry);
        if bytes[at - 2] != b'/' {
            open.push(name);
            outline.depth = outline.depth.max(open.len());
            if outline.depth > DEPTH_MAX {
                return outline;
            }
        }
    }
    outline.is_cut |= !open.is_empty();
    outline
}

/// The `>` that ends a tag, quotes respected; a DOCTYPE's inner brackets too.
fn tag_end(rest: &[u8]) -> Option<usize> {
    let first = memchr(b'>', rest)?;
    if rest.starts_with(b"<!") {
        return match memchr(b'[', &rest[..first]) {
            Some(_) => memmem::find(rest, b"]>").map(|at| at + 1).or(Some(first)),
            None => Some(first),
        };
    }
    // Almost no tag holds a `>` in a value; look closer only where quotes are unbalanced.
    let mut end = first;
    let mut quote = None;
    let mut at = 0;
    loop {
        for &byte in &rest[at..end] {
            match quote {
                Some(open) if byte == open => quote = None,
                None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
                _ => {}
            }
        }
        if quote.is_none() {
            return Some(end);
        }
        at = end;
        match memchr(b'>', &rest[end + 1..]) {
            Some(next) => end += 1 + next,
            // A stray quote, not a value.
            None => return Some(first),
        }
    }
}

/// A name without its prefix.
pub fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// The document up to its last whole entry, closed.
pub fn close_after_last_whole(text: &str, outline: &Outline<'_>) -> Option<String> {
    let (end, open) = outline.last_whole.as_ref()?;
    let mut whole = text[..*end].to_owned();
    for name in open.iter().rev() {
        whole.push_str("</");
        whole.push_str(name);
        whole.push('>');
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn counts_entries_outside_comments_and_cdata() {
        let outline =
            walk("<rss><channel><!-- <item> --><item><d><![CDATA[<item>]]></d></item><item/></channel></rss>");
        assert_eq!((outline.root, outline.entries, outline.depth, outline.is_cut), (Some("rss"), 2, 4, false));
    }

    #[test]
    fn cut_document_is_closed_after_its_last_whole_entry() {
        let text = "<rss><channel><item><a>1</a></item><item><a>2";
        let outline = walk(text);
        assert!(outline.is_cut);
        assert_eq!(
            close_after_last_whole(text, &outline).unwrap(),
            "<rss><channel><item><a>1</a></item></channel></rss>"
        );
    }

    #[test]
    fn quoted_angle_bracket_does_not_end_a_tag() {
        assert_eq!(walk("<feed a='x>y'><entry/></feed>").entries, 1);
    }
}

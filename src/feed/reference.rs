//! Loose ampersands, HTML's named entities and impossible character numbers: faults for which a strict reader drops a
//! text, or the whole feed.

use std::borrow::Cow;

/// `&` that begins no reference becomes `&amp;`, HTML's named entities (which XML does not know) their letter, and
/// numbers that are no letter the one that was meant.
pub fn mend(text: &str) -> Cow<'_, str> {
    let mut out: Option<String> = None;
    let mut from = 0;
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'&', b'<', &text.as_bytes()[at..]) {
        at += found;
        let rest = &text[at..];
        if rest.starts_with('<') {
            // Inside CDATA and comments an ampersand is itself.
            let end = if rest.starts_with("<![CDATA[") {
                rest.find("]]>")
            } else if rest.starts_with("<!--") {
                rest.find("-->")
            } else {
                Some(0)
            };
            let Some(end) = end else { break };
            at += end.max(1);
            continue;
        }
        let length = rest[1..].find(|c: char| !c.is_ascii_alphanumeric() && c != '#').unwrap_or(rest.len() - 1);
        let name = &rest[1..=length];
        let is_closed = rest[1 + length..].starts_with(';');
        match reference(name, is_closed) {
            None => at += 1,
            Some(new) => {
                let out = out.get_or_insert_with(|| String::with_capacity(text.len() + 64));
                out.push_str(&text[from..at]);
                out.push_str(&new);
                at += if new == "&amp;" { 1 } else { length + 2 };
                from = at;
            }
        }
    }
    match out {
        Some(mut out) => {
            out.push_str(&text[from..]);
            Cow::Owned(out)
        }
        None => Cow::Borrowed(text),
    }
}

/// What a reference is to be replaced by; `None` where it is good XML as it stands.
fn reference(name: &str, is_closed: bool) -> Option<String> {
    if !is_closed || name.is_empty() {
        return Some("&amp;".to_owned());
    }
    if let Some(number) = name.strip_prefix('#') {
        let number = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return match number {
            // HTML reads these as windows-1252, whose bytes they are.
            Ok(byte @ 0x80..=0x9f) => {
                let byte = [u8::try_from(byte).unwrap_or(b' ')];
                Some(encoding_rs::WINDOWS_1252.decode_without_bom_handling(&byte).0.into_owned())
            }
            Ok(number) => match char::from_u32(number) {
                Some(c) if is_forbidden(c) => Some(String::new()),
                // feed-rs knows a small x only.
                Some(c) if name.starts_with("#X") => Some(c.to_string()),
                Some(_) => None,
                None => Some(char::REPLACEMENT_CHARACTER.to_string()),
            },
            Err(_) => Some("&amp;".to_owned()),
        };
    }
    match name {
        "amp" | "lt" | "gt" | "quot" | "apos" => None,
        // quick-xml's table has a hyphen here.
        "tilde" => Some("\u{2dc}".to_owned()),
        _ => match quick_xml::escape::resolve_html5_entity(name) {
            Some("<") => Some("&lt;".to_owned()),
            Some("&") => Some("&amp;amp;".to_owned()),
            Some(text) => Some(text.to_owned()),
            None => Some("&amp;".to_owned()),
        },
    }
}

/// XML 1.0 §2.2 forbids these even as character references.
fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::mend;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(mend(text), expected, "{text}");
    }

    #[test]
    fn references_become_what_xml_knows() {
        check("a & b &amp; c &lt; &#8217; &#x41;", "a &amp; b &amp; c &lt; &#8217; &#x41;");
        check("&nbsp;&eacute;&mdash;&tilde;", "\u{a0}é—\u{2dc}");
        check("AT&T; R&D", "AT&amp;T; R&amp;D");
        check("&#150;&#0;x&#55357;&#X41;&#;", "–x\u{fffd}A&amp;#;");
        check("<a href=\"?a=1&b=2\">&", "<a href=\"?a=1&amp;b=2\">&amp;");
        check("&LT;b", "&lt;b");
    }

    #[test]
    fn cdata_and_comments_stay_as_they_are() {
        check("<![CDATA[a & b]]> & <!-- c & d --> &", "<![CDATA[a & b]]> &amp; <!-- c & d --> &amp;");
        check("<![CDATA[a & b", "<![CDATA[a & b");
    }

    #[test]
    fn a_clean_text_is_not_copied() {
        assert!(matches!(mend("<a>b &amp; c</a>"), std::borrow::Cow::Borrowed(_)));
    }
}

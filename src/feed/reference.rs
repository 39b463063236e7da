//! References in text: XML's, HTML's named ones, a DOCTYPE's own, numbers that mean windows-1252, and loose ampersands.

use std::{borrow::Cow, cell::Cell};

use super::attribute::attributes;

/// A DOCTYPE may declare so many entities; feeds that do declare a handful.
const ENTITIES_MAX: usize = 100;
/// An entity that stands for more is made to exhaust memory.
const ENTITY_BYTES_MAX: usize = 1_000;

/// All references to them together may become so many bytes, or as many as the document has.
const EXPANDED_BYTES_MIN: usize = 1 << 20;

/// What a document's DOCTYPE declares: names and the texts they stand for.
#[derive(Debug, Default)]
pub struct Entities<'a> {
    declared: Vec<(&'a str, Cow<'a, str>)>,
    /// How many bytes they may still become.
    bytes_left: Cell<usize>,
    is_spent: Cell<bool>,
}

impl<'a> Entities<'a> {
    /// The plain declarations of a DOCTYPE (`<!ENTITY name "text">`), with letters by number (`&#8212;`) made letters.
    /// Those that refer to other entities or files are left out: nothing here expands twice or reads anything.
    /// `document_bytes` is how long the whole document is.
    pub fn of_doctype(doctype: &'a str, document_bytes: usize) -> Self {
        let declarations = doctype.split("<!ENTITY").skip(1).filter_map(|declaration| {
            let declaration = declaration.trim_start();
            let (name, rest) = declaration.split_once(char::is_whitespace)?;
            let rest = rest.trim_start();
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let value = &rest[1..1 + rest[1..].find(quote)?];
            let has_names = value.match_indices('&').any(|(at, _)| value.as_bytes().get(at + 1) != Some(&b'#'));
            let is_plain = value.len() <= ENTITY_BYTES_MAX && !has_names && !value.contains(['<', '%']);
            is_plain.then(|| (name, resolve(value, &Entities::default())))
        });
        Self {
            declared: declarations.take(ENTITIES_MAX).collect(),
            bytes_left: Cell::new(document_bytes.max(EXPANDED_BYTES_MIN)),
            is_spent: Cell::new(false),
        }
    }

    /// Whether references were left as they stand because their texts came to too much.
    pub fn is_spent(&self) -> bool {
        self.is_spent.get()
    }

    /// What a name stands for, where it is declared and there is room for it.
    fn get(&self, name: &str) -> Option<&str> {
        let text = self.declared.iter().find(|(known, _)| *known == name).map(|(_, text)| &**text)?;
        match self.bytes_left.get().checked_sub(text.len()) {
            Some(left) => self.bytes_left.set(left),
            None => self.is_spent.set(true),
        }
        (!self.is_spent.get()).then_some(text)
    }
}

/// Whether a strict XML reader resolves every reference in a text, and as it is meant.
pub fn are_plain(text: &str) -> bool {
    memchr::memchr_iter(b'&', text.as_bytes()).all(|at| {
        let rest = &text[at + 1..];
        let Some(end) = rest.bytes().take(12).position(|b| b == b';') else { return false };
        match &rest[..end] {
            "amp" | "lt" | "gt" | "quot" | "apos" => true,
            name => name.strip_prefix('#').is_some_and(|number| {
                !number.starts_with('X') && numbered(number).is_some_and(|c| !is_forbidden(c) && !is_c1(c))
            }),
        }
    })
}

/// A text with its references resolved, once. An ampersand that begins none is itself.
pub fn resolve<'a>(text: &'a str, entities: &Entities<'_>) -> Cow<'a, str> {
    let Some(mut at) = memchr::memchr(b'&', text.as_bytes()) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    loop {
        let rest = &text[at + 1..];
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '#' | '_' | '-' | '.'));
        let length = length.unwrap_or(rest.len());
        let mut next = at + 1;
        let is_closed = rest[length..].starts_with(';');
        // The end mark is forgotten of the commonest ones; `?a=1&lt=2` is an address.
        let is_open = !is_closed
            && matches!(&rest[..length], "amp" | "lt" | "gt" | "quot" | "nbsp")
            && rest[length..].chars().next().is_none_or(char::is_whitespace);
        if length > 0
            && (is_closed || is_open)
            && let Some(meant) = meaning(&rest[..length], entities)
        {
            out.push_str(&text[from..at]);
            out.push_str(&meant);
            next = at + 1 + length + usize::from(is_closed);
            from = next;
        }
        match memchr::memchr(b'&', &text.as_bytes()[next..]) {
            Some(found) => at = next + found,
            None => break,
        }
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

/// What a reference stands for; `None` where nobody can tell.
fn meaning<'a>(name: &str, entities: &'a Entities<'_>) -> Option<Cow<'a, str>> {
    if let Some(number) = name.strip_prefix('#') {
        return Some(Cow::Owned(match numbered(number) {
            Some(c) if is_forbidden(c) => String::new(),
            Some(c) if is_c1(c) => windows_1252(c).to_string(),
            Some(c) => c.to_string(),
            None if number.trim_start_matches(['x', 'X']).bytes().all(|b| b.is_ascii_hexdigit())
                && number.len() > 1 =>
            {
                char::REPLACEMENT_CHARACTER.to_string()
            }
            None => return None,
        }));
    }
    if let Some(text) = entities.get(name) {
        return Some(Cow::Borrowed(text));
    }
    Some(Cow::Borrowed(match name {
        "apos" => "'",
        // quick-xml's table has a hyphen here.
        "tilde" => "\u{2dc}",
        _ => quick_xml::escape::resolve_html5_entity(name)?,
    }))
}

/// The scalar value behind `#`; `None` where the number is none, or no letter's.
fn numbered(number: &str) -> Option<char> {
    let number = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(number)
}

/// XML 1.0 §2.2 forbids these even as character references.
fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// C1 controls: nobody writes them on purpose.
pub fn is_c1(c: char) -> bool {
    ('\u{80}'..='\u{9f}').contains(&c)
}

/// What a C1 control stands for: it is a byte of windows-1252 that was taken for Latin-1, as HTML has it too.
pub fn windows_1252(c: char) -> char {
    let byte = [u8::try_from(u32::from(c)).unwrap_or(b' ')];
    encoding_rs::WINDOWS_1252.decode_without_bom_handling(&byte).0.chars().next().unwrap_or(c)
}

/// An attribute's value with its references resolved.
pub fn attribute<'a>(text: &'a str, name: &str, entities: &Entities<'_>) -> Option<Cow<'a, str>> {
    attributes(text).find(|(key, _)| *key == name).map(|(_, value)| resolve(value, entities))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(resolve(text, &Entities::default()), expected, "{text}");
    }

    #[test]
    fn references_become_what_they_stand_for() {
        check("a & b &amp; c &lt; &#8217; &#x41;", "a & b & c < ’ A");
        check("&nbsp;&eacute;&mdash;&tilde;&LT;", "\u{a0}é—\u{2dc}<");
        check("AT&T; R&D &nonsense; &;", "AT&T; R&D &nonsense; &;");
        check("&#150;&#0;x&#55357;&#X41;&#;&#x99999999;", "–x\u{fffd}A&#;\u{fffd}");
        check("&amp;amp;lt;&", "&amp;lt;&");
        check("fish &amp chips?a=1&lt=2 &quot", "fish & chips?a=1&lt=2 \"");
    }

    #[test]
    fn entities_of_a_doctype_stand_for_their_text_alone() {
        let entities = Entities::of_doctype(
            "DOCTYPE r [<!ENTITY co 'Example Corp'><!ENTITY a \"&b;&b;\"><!ENTITY n 'A &#38; B &#8212; &#x3c;b>'>\
             <!ENTITY x SYSTEM \"file:///etc/passwd\">]",
            0,
        );
        assert_eq!(resolve("&co; &a; &x; &n;", &entities), "Example Corp &a; &x; A & B \u{2014} <b>");
    }

    #[test]
    fn entities_come_to_no_more_than_their_budget() {
        let doctype = format!("DOCTYPE r [<!ENTITY a '{}'>]", "x".repeat(1_000));
        let entities = Entities::of_doctype(&doctype, 0);
        let text = "&a;&amp;".repeat(100_000);
        let resolved = resolve(&text, &entities);
        assert!(resolved.len() <= text.len() + EXPANDED_BYTES_MIN && resolved.ends_with("&a;&"), "{}", resolved.len());
        assert!(resolved.len() > EXPANDED_BYTES_MIN && entities.is_spent());
        // The next text has no more either.
        assert_eq!(resolve("&a;", &entities), "&a;");
    }

    #[test]
    fn plain_references_are_told_from_others() {
        for plain in ["a", "&amp;&lt;&#8217;&#x2019;", "x &quot;y&quot;"] {
            assert!(are_plain(plain), "{plain}");
        }
        for odd in ["a & b", "&nbsp;", "&#150;", "&#0;", "&#X41;", "&amp"] {
            assert!(!are_plain(odd), "{odd}");
        }
    }
}

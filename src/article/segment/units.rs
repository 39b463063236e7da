//! A text as NFKC characters, each with its place in the original.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// One character after NFKC. Where the original wrote one character for several, or several for one, they share a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    pub c: char,
    pub class: Class,
    pub start_byte: u32,
    pub end_byte: u32,
    pub start_chars: u32,
    pub end_chars: u32,
}

/// What a character does to words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Letter, mark or digit: part of a word.
    Word,
    /// Letter, mark or digit of a script without spaces: a word of its own.
    Character,
    Apostrophe,
    Dash,
    Stop,
    Newline,
    Space,
    Other,
}

/// Cuts `text` into characters. Soft hyphens and zero-width marks are left out.
pub(super) fn units(text: &str) -> Vec<Unit> {
    if text.is_ascii() {
        return text.bytes().enumerate().map(|(i, b)| plain(char::from(b), i as u32, i as u32)).collect();
    }
    let mut units = Vec::with_capacity(text.len());
    let mut chars = text.char_indices().enumerate().peekable();
    while let Some((at_char, (at_byte, c))) = chars.next() {
        if vanishes(c) {
            continue;
        }
        let mut end_byte = at_byte + c.len_utf8();
        let mut end_char = at_char + 1;
        while let Some((_, (_, next))) = chars.next_if(|&(_, (_, next))| joins_the_one_before(next)) {
            end_byte += next.len_utf8();
            end_char += 1;
        }
        if end_char == at_char + 1 && (c.is_ascii() || is_nfkc_quick(std::iter::once(c)) == IsNormalized::Yes) {
            let end_byte = end_byte as u32;
            units.push(Unit { end_byte, ..plain(c, at_byte as u32, at_char as u32) });
            continue;
        }
        let unit = |c: char| Unit {
            c,
            class: class(c),
            start_byte: at_byte as u32,
            end_byte: end_byte as u32,
            start_chars: at_char as u32,
            end_chars: end_char as u32,
        };
        // A symbol such as № is no letter of the word that it stands at, though its letters are: `№2797`, `Acme™`.
        let is_symbol = !is_word_part(c) && c.nfkc().next().is_some_and(char::is_alphanumeric);
        units.extend(is_symbol.then(|| unit(' ')));
        units.extend(text[at_byte..end_byte].nfkc().filter(|&c| !vanishes(c)).map(unit));
        units.extend(is_symbol.then(|| unit(' ')));
    }
    units
}

fn plain(c: char, byte: u32, at_char: u32) -> Unit {
    Unit { c, class: class(c), start_byte: byte, end_byte: byte + 1, start_chars: at_char, end_chars: at_char + 1 }
}

/// Whether normalisation may draw this character into the one before it.
fn joins_the_one_before(c: char) -> bool {
    c >= '\u{300}' && {
        let first = c.nfkd().next().unwrap_or(c);
        unicode_normalization::char::canonical_combining_class(first) != 0
            || is_nfkc_quick(std::iter::once(first)) == IsNormalized::Maybe
    }
}

fn class(c: char) -> Class {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => Class::Word,
        ' ' | '\t' | '\r' => Class::Space,
        '\n' | '\u{2028}' | '\u{2029}' => Class::Newline,
        '.' => Class::Stop,
        _ if is_apostrophe(c) => Class::Apostrophe,
        _ if is_dash(c) => Class::Dash,
        _ if c.is_ascii() => Class::Other,
        _ if c.is_whitespace() => Class::Space,
        _ if !is_word_part(c) => Class::Other,
        _ if is_spaceless(c) => Class::Character,
        _ => Class::Word,
    }
}

/// An apostrophe however typed; U+02BC counts as a letter in Unicode, yet wires use it as an apostrophe.
pub fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | '‛' | 'ʼ' | '＇' | '`' | '´' | '′')
}

/// A hyphen or dash however typed.
pub fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}')
}

/// Letter, mark or number.
pub fn is_word_part(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    c.is_alphanumeric()
        || matches!(
            c.general_category_group(),
            GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark | GeneralCategoryGroup::Number
        )
}

/// Soft hyphen, zero-width spaces and joiners, direction marks, variation selectors.
pub fn vanishes(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

/// Scripts written without spaces: Chinese, Japanese, Thai, Lao, Khmer, Burmese.
pub fn is_spaceless(c: char) -> bool {
    matches!(c,
        '\u{E00}'..='\u{EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{19E0}'..='\u{19FF}'
        | '\u{A9E0}'..='\u{A9FF}' | '\u{AA60}'..='\u{AA7F}'
        | '\u{2E80}'..='\u{2FDF}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3031}'..='\u{303C}'
        | '\u{3041}'..='\u{312F}' | '\u{31A0}'..='\u{31BF}' | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

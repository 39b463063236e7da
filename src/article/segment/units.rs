//! What each character does in a text: to words, to what stands around them, and when it is normalised.

use std::sync::OnceLock;

use unicode_normalization::{IsNormalized, char::canonical_combining_class, is_nfkc_quick};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

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
    /// Said of a byte that is part of a longer character.
    Beyond,
}

/// What each ASCII character does to words; [`Class::Beyond`] for the bytes of all others.
pub(super) static CLASSES: [Class; 256] = classes(false);

/// The same in a query's term, where wildcards are letters.
pub(super) static CLASSES_IN_PATTERNS: [Class; 256] = classes(true);

impl Class {
    /// Whether its characters go together.
    pub fn runs(self) -> bool {
        matches!(self, Self::Word | Self::Space)
    }
}

const fn classes(wildcards_are_letters: bool) -> [Class; 256] {
    let mut classes = [Class::Beyond; 256];
    let mut byte = 0;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => Class::Word,
            b'*' | b'?' if wildcards_are_letters => Class::Word,
            b' ' | b'\t' | b'\r' => Class::Space,
            b'\n' => Class::Newline,
            b'.' => Class::Stop,
            b'\'' | b'`' => Class::Apostrophe,
            b'-' => Class::Dash,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
}

/// What a character does in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nature {
    pub class: Class,
    /// Whether it is left out.
    pub vanishes: bool,
    /// Whether normalisation may draw it into the character before it.
    pub joins_the_one_before: bool,
    /// Whether normalisation leaves it as it is, where nothing joins it.
    pub is_nfkc: bool,
}

/// Characters of a page: a script or two.
const PAGE: usize = 256;

impl Nature {
    /// Of any character. A page is worked out when its first character is met, and takes a kilobyte.
    pub fn of(c: char) -> Self {
        static PAGES: [OnceLock<Box<[Nature]>>; 0x1_0000 / PAGE] = [const { OnceLock::new() }; 0x1_0000 / PAGE];
        let code = c as usize;
        let Some(page) = PAGES.get(code / PAGE) else { return Self::work_out(c) };
        page.get_or_init(|| {
            let first = (code - code % PAGE) as u32;
            // What is no character, a surrogate, is never asked for.
            (first..).take(PAGE).map(|code| Self::work_out(char::from_u32(code).unwrap_or(' '))).collect()
        })[code % PAGE]
    }

    fn work_out(c: char) -> Self {
        Self {
            class: class(c),
            vanishes: vanishes(c),
            joins_the_one_before: joins_the_one_before(c),
            is_nfkc: is_nfkc_quick(std::iter::once(c)) == IsNormalized::Yes,
        }
    }
}

fn joins_the_one_before(c: char) -> bool {
    c >= '\u{300}' && {
        let mut first = None;
        unicode_normalization::char::decompose_compatible(c, |part| {
            first.get_or_insert(part);
        });
        let first = first.unwrap_or(c);
        canonical_combining_class(first) != 0 || is_nfkc_quick(std::iter::once(first)) == IsNormalized::Maybe
    }
}

fn class(c: char) -> Class {
    match c {
        ..='\x7F' => CLASSES[c as usize],
        '\u{2028}' | '\u{2029}' => Class::Newline,
        _ if is_apostrophe(c) => Class::Apostrophe,
        _ if is_dash(c) => Class::Dash,
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

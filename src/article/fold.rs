//! How words are made comparable: case folded, diacritics removed.
//!
//! Diacritics go only from Latin, Greek and Cyrillic letters: there people type without them (`Erdogan`, `Zelenskiy`).
//! In other scripts a mark is a vowel or changes the letter, and nobody leaves it out.

use unicode_normalization::{UnicodeNormalization, char::canonical_combining_class};

use super::language::Lang;

/// Full case folding, and diacritics of Latin, Greek and Cyrillic removed: `İstanbul` → `istanbul`, `Straße` → `strasse`.
///
/// `word` is in NFKC. Never gives an empty string for a word that is not empty.
pub fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(word.len());
    let mut after_bare_letter = false;
    for c in word.chars() {
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
            after_bare_letter = c.is_ascii_alphabetic();
        } else if loses_diacritics(c) {
            fold_letter(c, &mut folded);
            after_bare_letter = true;
        } else if canonical_combining_class(c) != 0 {
            if !after_bare_letter {
                folded.push(c);
            }
        } else {
            folded.extend(case_folded(c));
            after_bare_letter = false;
        }
    }
    if folded.is_empty() { word.to_owned() } else { folded }
}

/// Lower case with its diacritics, by the rules of `lang`: what a stemmer wants to see.
pub fn lower(word: &str, lang: Option<Lang>) -> String {
    let has_dotless_i = lang.is_some_and(|lang| matches!(lang.as_str(), "tr" | "az"));
    if word.is_ascii() && !has_dotless_i {
        return word.to_ascii_lowercase();
    }
    let mut lower = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            'I' if has_dotless_i => lower.push('ı'),
            // Lower case of İ is "i" and U+0307, which no stemmer knows.
            'İ' => lower.push('i'),
            _ => lower.extend(c.to_lowercase()),
        }
    }
    lower
}

fn fold_letter(c: char, folded: &mut String) {
    for part in case_folded(c) {
        // Letters with a stroke and the ligatures have no decomposition in Unicode, yet people type them plain.
        match part {
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            'ħ' => folded.push('h'),
            'ŧ' => folded.push('t'),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            _ => folded.extend(part.nfd().filter(|&d| canonical_combining_class(d) == 0)),
        }
    }
}

/// Full case folding by way of the upper case: ß → SS → ss, ς → Σ → σ, ı → I → i. First lowered, since ẞ has no other
/// upper case.
fn case_folded(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// Latin, Greek or Cyrillic.
fn loses_diacritics(c: char) -> bool {
    matches!(c,
        '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}' | '\u{2C60}'..='\u{2C7F}' | '\u{A720}'..='\u{A7FF}'
        | '\u{370}'..='\u{3FF}' | '\u{1F00}'..='\u{1FFF}'
        | '\u{400}'..='\u{482}' | '\u{48A}'..='\u{52F}' | '\u{A640}'..='\u{A66E}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn folds_case_and_diacritics() {
        for (word, expected) in [
            ("İstanbul", "istanbul"),
            ("ISPARTA", "isparta"),
            ("ısparta", "isparta"),
            ("Straße", "strasse"),
            ("STRAẞE", "strasse"),
            ("Élysée", "elysee"),
            ("Łódź", "lodz"),
            ("Σίσυφος", "σισυφοσ"),
            ("Зеленский", "зеленскии"),
            ("北韓", "北韓"),
            ("북한", "북한"),
            ("हिन्दी", "हिन्दी"),
        ] {
            assert_eq!(fold(word), expected, "{word}");
        }
    }

    #[test]
    fn lowers_by_language() {
        assert_eq!(lower("ISPARTA", Lang::from_tag("tr")), "ısparta");
        assert_eq!(lower("ISPARTA", Lang::from_tag("en")), "isparta");
        assert_eq!(lower("İzmir", None), "izmir");
    }
}

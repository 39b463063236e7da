//! What hangs on a word by an apostrophe and is no part of it: `'s`, and Turkish endings on names and numbers.

use super::super::language::Lang;

/// Whether the `tail` behind an apostrophe is cut off its `head`.
pub(super) fn is_cut(head: &str, tail: &str, lang: Option<Lang>) -> bool {
    matches!(tail, "s" | "S") || is_turkish_suffix(head, tail, lang)
}

fn is_turkish_suffix(head: &str, tail: &str, lang: Option<Lang>) -> bool {
    let is_name_or_number = head.starts_with(|c: char| c.is_uppercase() || c.is_numeric());
    let is_short = tail.chars().nth(TURKISH_TAIL_CHARS_MAX).is_none();
    if !is_name_or_number || !is_short || !tail.chars().all(char::is_lowercase) {
        return false;
    }
    let is_turkish = lang.is_some_and(|lang| lang.as_str() == "tr");
    // `L'un` and `Qu'un` have the look of a Turkish genitive.
    let is_elision = head.chars().nth(1).is_none() || matches!(head, "Qu" | "QU");
    // Behind a vowel Turkish puts a consonant between: `Modi'nin`, while `Modi'in` is a city.
    let are_vowels = head.ends_with(is_vowel) && tail.starts_with(is_vowel);
    is_turkish || !is_elision && !are_vowels && TURKISH_CASE_ENDINGS.contains(&tail)
}

fn is_vowel(c: char) -> bool {
    "aeıioöuü".contains(c)
}

/// No chain of Turkish endings is longer: `'dekilerden`.
const TURKISH_TAIL_CHARS_MAX: usize = 12;

/// Endings that cut a name also where the article is not Turkish.
const TURKISH_CASE_ENDINGS: [&str; 36] = [
    "in", "ın", "un", "ün", "nin", "nın", "nun", "nün", "e", "a", "ye", "ya", "i", "ı", "u", "ü", "yi", "yı", "yu",
    "yü", "de", "da", "te", "ta", "den", "dan", "ten", "tan", "le", "la", "yle", "yla", "deki", "daki", "teki", "taki",
];

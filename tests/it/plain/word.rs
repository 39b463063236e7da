//! Does a word of a query match a word of a text?

use wirewatch::article::{
    Lang,
    segment::{Word, stem},
};

/// By what the words of a term are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Bare words, `~"…"` and lists: any form.
    Stem,
    /// `"…"`: case and diacritics set aside.
    Folded,
    /// `=…`: as written.
    Exact,
}

/// A word of a query, without wildcards.
pub(super) struct Wanted {
    by: By,
    exact: Box<str>,
    folded: Box<str>,
    /// "Both the stem of the original word and of the folded one count."
    stems: Vec<Box<str>>,
}

impl Wanted {
    /// Words of a query are cut without a language: they take that of the article.
    pub(super) fn new(word: &Word, by: By, lang: Option<Lang>) -> Self {
        let stems = if by == By::Stem { stems(&word.exact, lang) } else { Vec::new() };
        Self { by, exact: word.exact[..].into(), folded: word.folded[..].into(), stems }
    }

    pub(super) fn matches(&self, word: &Word, lang: Option<Lang>) -> bool {
        // Choice: exactly as written means no particle and no prefix either.
        if self.by == By::Exact {
            return self.exact[..] == word.exact[..];
        }
        let is_wanted = |stem: &str| self.stems.iter().any(|wanted| **wanted == *stem);
        self.folded[..] == word.folded[..]
            || is_hangul(&self.folded) && word.folded.starts_with(&self.folded[..])
            || is_wanted(&word.stem)
            || word.stem_accented.as_deref().is_some_and(is_wanted)
            || behind_arabic_prefixes(&word.folded).iter().any(|bare| {
                *self.folded == **bare || self.by == By::Stem && stems(bare, lang).iter().any(|stem| is_wanted(stem))
            })
    }
}

fn stems(word: &str, lang: Option<Lang>) -> Vec<Box<str>> {
    let forms = stem::forms(word, lang);
    let mut stems: Vec<Box<str>> = vec![forms.stem[..].into()];
    stems.extend(forms.stem_accented.as_deref().map(Box::from));
    stems
}

fn is_hangul(word: &str) -> bool {
    word.chars().all(|c| ('가'..='힣').contains(&c))
}

/// What remains of an Arabic word behind its prefixes; nothing of others.
///
/// Choice: prefixes stack as the language stacks them: one of و ف, one of ب ل ك, then ال, of which ل leaves only its
/// second letter. Two letters must remain.
fn behind_arabic_prefixes(word: &str) -> Vec<&str> {
    let mut bare = Vec::new();
    if word.starts_with(|c| ('ؠ'..='ي').contains(&c)) {
        for conjunction in ["", "و", "ف"] {
            for preposition in ["", "ب", "ل", "ك", "ال", "بال", "لال", "لل", "كال"] {
                let rest = word.strip_prefix(conjunction).and_then(|rest| rest.strip_prefix(preposition));
                bare.extend(rest.filter(|rest| rest.len() < word.len() && rest.chars().count() >= 2));
            }
        }
    }
    bare
}

/// `*` is any number of characters, `?` exactly one.
///
/// Choice: wildcards look at a word as it stands, with its Arabic prefix: `*` can stand for that.
pub(super) fn matches_wildcard(pattern: &[char], word: &[char]) -> bool {
    match pattern.split_first() {
        None => word.is_empty(),
        Some(('*', rest)) => (0..=word.len()).any(|taken| matches_wildcard(rest, &word[taken..])),
        Some(('?', rest)) => !word.is_empty() && matches_wildcard(rest, &word[1..]),
        Some((letter, rest)) => word.first() == Some(letter) && matches_wildcard(rest, &word[1..]),
    }
}

/// Whether so many edits make one of the other: a letter more, less, other, or two neighbours changed about.
///
/// Choice: no letter is edited twice, so a pair that changed about takes no letter between, as spell checkers count.
pub(super) fn within_edits(a: &[char], b: &[char], edits: u8) -> bool {
    if a == b {
        return true;
    }
    if let ([x, a_rest @ ..], [y, b_rest @ ..]) = (a, b)
        && x == y
        && within_edits(a_rest, b_rest, edits)
    {
        return true;
    }
    let Some(left) = edits.checked_sub(1) else { return false };
    let is_swapped = a.len() >= 2 && b.len() >= 2 && (a[0], a[1]) == (b[1], b[0]);
    is_swapped && within_edits(&a[2..], &b[2..], left)
        || !a.is_empty() && within_edits(&a[1..], b, left)
        || !b.is_empty() && within_edits(a, &b[1..], left)
        || !a.is_empty() && !b.is_empty() && within_edits(&a[1..], &b[1..], left)
}

#[test]
fn a_transposition_is_one_edit() {
    let check =
        |a: &str, b: &str, edits| within_edits(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>(), edits);
    assert!(check("shoigu", "shiogu", 1) && check("shoigu", "shoygu", 1) && check("shoigu", "shogu", 1));
    assert!(!check("shoigu", "shojgus", 1) && check("shoigu", "shojgus", 2));
    assert!(!check("abcd", "badc", 1) && check("abcd", "badc", 2));
}

//! Finds the terms of the packs in a text, in one pass.
//!
//! A term is a few words in folded form. Two liberties: `*` at a word's end in the pack stands for any ending (what
//! inflecting languages need), and the last word of an English or nameless term may stand in its plural. Where terms
//! overlap, the longest that starts first wins, so that "arms race" hides the "arms" in it.

// The keys come from packs, so nobody can choose them to collide, and words are short.
use rustc_hash::FxHashMap;

use crate::article::{
    Lang,
    fold::fold,
    segment::{self, AnalysedField, WordKind},
};
use crate::watch::presence::{Presence, hash};

/// So many letters are left of an Arabic word when "and" is taken off it.
const AND_ON_CHARS: usize = 4;
/// How many characters of a prefix its bucket is filed under.
const BUCKET_CHARS: usize = 2;

/// Terms, each with a meaning of type `T`.
#[derive(Debug)]
pub struct Lexicon<T> {
    terms: Vec<Term<T>>,
    /// Terms by their first word, apart for each language, since a text asks for its own alone.
    shelves: Vec<Shelf>,
}

/// The terms of one language, or of none.
#[derive(Debug)]
struct Shelf {
    lang: Option<Lang>,
    whole: FxHashMap<Box<str>, Filed>,
    prefixes: FxHashMap<Box<str>, Filed>,
    /// Whole first words, and buckets of open ones.
    maybe: Presence,
}

/// Terms that begin with the same word. Many begin with "the" or "to", so their second word parts them again.
#[derive(Debug, Default)]
struct Filed {
    /// Of one word.
    single: Vec<u32>,
    /// By each form of the second word.
    next: FxHashMap<Box<str>, Vec<u32>>,
    /// Whose second word is open.
    open_next: Vec<u32>,
}

/// One term found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit<T> {
    /// First token.
    pub start: usize,
    /// One past the last token.
    pub end: usize,
    /// What the term means.
    pub meaning: T,
}

/// A word to find terms in: one of [`tokens`].
#[derive(Debug, Clone, Copy)]
pub struct Token<'a> {
    /// Index into the field's words.
    pub word: usize,
    /// The folded word, an Arabic one without the prefixes that are written on it.
    pub text: &'a str,
    /// Of the text, and of its beginning, by which open terms are filed.
    hash: u64,
    bucket_hash: u64,
}

#[derive(Debug)]
struct Term<T> {
    parts: Box<[Part]>,
    meaning: T,
}

#[derive(Debug)]
struct Part {
    text: Box<str>,
    ending: Ending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Exact,
    Plural,
    Any,
}

/// A field's words for finding terms: a designation stands for its parts.
pub fn tokens(field: &AnalysedField) -> Vec<Token<'_>> {
    let mut tokens = Vec::with_capacity(field.words.len());
    let mut covered = 0;
    for (index, word) in field.words.iter().enumerate() {
        if word.kind == WordKind::Designation {
            while tokens.last().is_some_and(|last: &Token<'_>| field.words[last.word].start_byte >= word.start_byte) {
                tokens.pop();
            }
            covered = word.end_byte;
        } else if word.start_byte < covered {
            continue;
        }
        let text = bare(&word.folded);
        tokens.push(Token { word: index, text, hash: hash(text), bucket_hash: hash(bucket(text)) });
    }
    tokens
}

impl<T> Default for Lexicon<T> {
    fn default() -> Self {
        Self { terms: Vec::new(), shelves: Vec::new() }
    }
}

impl<T: Copy + PartialEq> Lexicon<T> {
    /// Adds a term as the packs write it. `lang` `None` is found in texts of any language.
    pub fn add(&mut self, term: &str, lang: Option<Lang>, meaning: T) {
        let has_plural = lang.is_none_or(|lang| lang == Lang::EN);
        let mut parts = parts(term);
        let Some(last) = parts.last_mut() else { return };
        let may_bend = last.text.len() > 2 || last.text.bytes().all(|b| b.is_ascii_digit());
        if has_plural && last.ending == Ending::Exact && last.text.is_ascii() && may_bend {
            last.ending = Ending::Plural;
        }
        let id = self.terms.len() as u32;
        let (first, second) = (&parts[0], parts.get(1));
        let shelf = self.shelf(lang);
        match first.ending {
            Ending::Any => shelf.file_prefix(bucket(&first.text), id, second),
            _ => first.forms().for_each(|form| shelf.file_whole(&form, id, second)),
        }
        self.terms.push(Term { parts: parts.into(), meaning });
    }

    fn shelf(&mut self, lang: Option<Lang>) -> &mut Shelf {
        let at = self.shelves.iter().position(|shelf| shelf.lang == lang).unwrap_or_else(|| {
            self.shelves.push(Shelf::new(lang));
            self.shelves.len() - 1
        });
        &mut self.shelves[at]
    }

    /// Every term in a text of `lang` (`None`: of any language), in text order.
    pub fn find(&self, tokens: &[Token<'_>], lang: Option<Lang>) -> Vec<Hit<T>> {
        let speaks = |shelf: &&Shelf| shelf.lang.is_none() || lang.is_none() || shelf.lang == lang;
        let shelves: Vec<&Shelf> = self.shelves.iter().filter(speaks).collect();
        let mut hits: Vec<Hit<T>> = Vec::new();
        let mut covered = 0;
        let mut found: Vec<u32> = Vec::new();
        for start in 0..tokens.len() {
            let Token { text, hash, bucket_hash, .. } = tokens[start];
            found.clear();
            for shelf in &shelves {
                let whole = shelf.under(&shelf.whole, hash, text);
                let open = shelf.under(&shelf.prefixes, bucket_hash, bucket(text));
                for filed in whole.into_iter().chain(open) {
                    found.extend(&filed.single);
                    if let Some(next) = tokens.get(start + 1) {
                        found.extend(filed.next.get(next.text).into_iter().flatten());
                        found.extend(&filed.open_next);
                    }
                }
            }
            let first_of_start = hits.len();
            let mut longest = 0;
            for &id in &found {
                let term = &self.terms[id as usize];
                let end = start + term.parts.len();
                if end <= covered || end < start + longest || end > tokens.len() {
                    continue;
                }
                if !term.parts.iter().zip(&tokens[start..end]).all(|(part, token)| part.fits(token.text)) {
                    continue;
                }
                if end > start + longest {
                    hits.truncate(first_of_start);
                    longest = end - start;
                }
                let hit = Hit { start, end, meaning: term.meaning };
                if !hits[first_of_start..].contains(&hit) {
                    hits.push(hit);
                }
            }
            covered = covered.max(start + longest);
        }
        hits
    }
}

impl Shelf {
    fn new(lang: Option<Lang>) -> Self {
        Self { lang, whole: FxHashMap::default(), prefixes: FxHashMap::default(), maybe: Presence::default() }
    }

    fn file_whole(&mut self, text: &str, id: u32, second: Option<&Part>) {
        self.maybe.add(text);
        self.whole.entry(text.into()).or_default().add(id, second);
    }

    fn file_prefix(&mut self, bucket: &str, id: u32, second: Option<&Part>) {
        self.maybe.add(bucket);
        self.prefixes.entry(bucket.into()).or_default().add(id, second);
    }

    /// Terms filed under a text, most often none.
    fn under<'a>(&self, filed: &'a FxHashMap<Box<str>, Filed>, hash: u64, text: &str) -> Option<&'a Filed> {
        if self.maybe.may_have(hash) { filed.get(text) } else { None }
    }
}

impl Filed {
    fn add(&mut self, id: u32, second: Option<&Part>) {
        match second {
            None => self.single.push(id),
            Some(second) if second.ending == Ending::Any => self.open_next.push(id),
            Some(second) => second.forms().for_each(|form| self.next.entry(form.into()).or_default().push(id)),
        }
    }
}

impl Part {
    /// Every word that it fits, where its ending is not open.
    fn forms(&self) -> impl Iterator<Item = String> {
        let plurals = (self.ending == Ending::Plural).then(|| plurals(&self.text));
        plurals.into_iter().flatten().chain([self.text.to_string()])
    }

    fn fits(&self, word: &str) -> bool {
        match self.ending {
            Ending::Exact => word == &*self.text,
            Ending::Any => word.starts_with(&*self.text),
            Ending::Plural => {
                let ies = || self.text.strip_suffix('y').is_some_and(|stem| word.strip_suffix("ies") == Some(stem));
                word == &*self.text || word.strip_suffix(['s', 'n']) == Some(&*self.text) || ies()
            }
        }
    }
}

/// Cuts a term into its words, as a text is cut.
fn parts(term: &str) -> Vec<Part> {
    let part =
        |text: &str, is_open| Part { text: text.into(), ending: if is_open { Ending::Any } else { Ending::Exact } };
    // Most terms are plain words, and a start-up has thousands of them to cut.
    let is_plain = |c: char| c < '\u{500}' && (c.is_lowercase() || c.is_ascii_digit() || matches!(c, ' ' | '*'));
    if term.chars().all(is_plain) {
        let part = |word: &str| part(&fold(word.trim_end_matches('*')), word.ends_with('*'));
        return term.split_ascii_whitespace().map(part).collect();
    }
    let field = segment::analyse_field(None, term);
    let is_open = |token: &Token<'_>| term.as_bytes().get(field.words[token.word].end_byte as usize) == Some(&b'*');
    tokens(&field).iter().map(|token| part(token.text, is_open(token))).collect()
}

/// Plurals of a word; a wrong one does no harm, since nobody writes it.
fn plurals(word: &str) -> impl Iterator<Item = String> {
    let ies = word.strip_suffix('y').map(|stem| format!("{stem}ies"));
    // German writes "Eurofightern".
    [Some(format!("{word}s")), Some(format!("{word}n")), ies].into_iter().flatten()
}

/// An Arabic word without the article and the particles that are written on it, for texts and terms alike.
fn bare(word: &str) -> &str {
    let is_arabic = word.chars().next().is_some_and(|c| matches!(c, '\u{621}'..='\u{64A}'));
    if !is_arabic {
        return word;
    }
    // "وصواريخ": "and" is written on the word.
    let word = match word.strip_prefix('و') {
        Some(rest)
            if rest.starts_with(|c| matches!(c, '\u{621}'..='\u{64A}')) && rest.chars().count() >= AND_ON_CHARS =>
        {
            rest
        }
        _ => word,
    };
    for prefix in ["وال", "بال", "فال", "كال", "لل", "ال"] {
        if let Some(rest) = word.strip_prefix(prefix)
            && rest.chars().count() >= 2
        {
            return rest;
        }
    }
    word
}

fn bucket(word: &str) -> &str {
    word.char_indices().nth(BUCKET_CHARS).map_or(word, |(end, _)| &word[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(terms: &[&str], text: &str, expected: &[(usize, &str)]) {
        let mut lexicon = Lexicon::default();
        for (id, term) in terms.iter().enumerate() {
            lexicon.add(term, None, id);
        }
        let field = segment::analyse_field(None, text);
        let tokens = tokens(&field);
        let found: Vec<(usize, String)> = lexicon
            .find(&tokens, None)
            .iter()
            .map(|hit| {
                let words: Vec<&str> = tokens[hit.start..hit.end].iter().map(|token| token.text).collect();
                (hit.meaning, words.join(" "))
            })
            .collect();
        let found: Vec<(usize, &str)> = found.iter().map(|(id, text)| (*id, text.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn longest_term_hides_those_inside_it() {
        check(&["arms", "arms race", "race"], "An arms race, then arms.", &[(1, "arms race"), (0, "arms")]);
    }

    #[test]
    fn plurals_designations_and_open_endings() {
        check(&["F-16"], "F16 and F-16s", &[(0, "f16"), (0, "f16s")]);
        check(&["Patriot battery"], "two Patriot batteries", &[(0, "patriot batteries")]);
        check(&["поставк* оружи*"], "О поставках оружия", &[(0, "поставках оружия")]);
        check(&["军售"], "批准对台军售", &[(0, "军 售")]);
        check(&["صفقة أسلحة"], "عن صفقة الأسلحة", &[(0, "صفقة أسلحة")]);
    }
}

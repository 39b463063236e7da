//! Where a term stands in a text.

use std::{cell::RefCell, collections::HashMap};

use regex::{Regex, RegexBuilder};
use wirewatch::{
    article::{
        Field, Lang,
        segment::{Word, WordKind, analyse_pattern},
    },
    watch::language::tree::Term,
};

use super::{
    Found, Plain, Reading, Span, width,
    word::{By, Wanted, matches_wildcard, within_edits},
};

/// One step of a phrase.
enum Piece {
    Word(Wanted),
    Wildcard(Vec<char>, By),
    Fuzzy(Vec<char>, u8),
    /// `F-16`: as one word, or as its parts side by side.
    Designation {
        whole: Wanted,
        parts: [Wanted; 2],
    },
}

impl Plain<'_> {
    /// All that a term finds in the whole article.
    pub(super) fn term(&self, term: &Term) -> Vec<Found> {
        let pieces = |raw: &str, by: By| pieces(raw, by, self.reading.lang());
        match term {
            // A bare word with something inside is the phrase of its parts.
            Term::Word(raw) | Term::AnyForm(raw) => self.phrase(&pieces(raw, By::Stem)),
            Term::Quoted(raw) => self.phrase(&pieces(raw, By::Folded)),
            Term::Exact(raw) | Term::ExactQuoted(raw) => self.phrase(&pieces(raw, By::Exact)),
            Term::Fuzzy(raw, edits) => {
                let words = analyse_pattern(raw);
                self.phrase(&[Piece::Fuzzy(words[0].folded.chars().collect(), *edits)])
            }
            Term::Regex(source) => self.regex(source),
            Term::List { name, key: None } => {
                let entries = &self.world.lists[name];
                let pieces_of = |entry: &String| match entry.strip_prefix('=') {
                    Some(exact) => pieces(exact, By::Exact),
                    None => pieces(entry, By::Stem),
                };
                entries.iter().flat_map(|entry| self.phrase(&pieces_of(entry))).collect()
            }
            Term::List { key: Some(_), .. } => panic!("the plain evaluator knows no entities"),
        }
    }

    /// Pieces side by side, from every place of every field.
    fn phrase(&self, pieces: &[Piece]) -> Vec<Found> {
        let mut found = Vec::new();
        for field in Field::ALL {
            for first in 0..self.reading.places(field) {
                self.follow(pieces, field, first, None, &mut found);
            }
        }
        found
    }

    /// Puts the first of `pieces` at `place` and the others behind it. `begun` is where the phrase began.
    fn follow(&self, pieces: &[Piece], field: Field, place: u32, begun: Option<(u32, u32)>, found: &mut Vec<Found>) {
        let Some((piece, rest)) = pieces.split_first() else { return };
        for (start_chars, end_chars, next) in self.stands(piece, field, place) {
            let (first, start_chars) = begun.unwrap_or((place, start_chars));
            if rest.is_empty() {
                let span = Span { field, first, last: next - 1, of_near: false };
                found.push(Found { start_chars, end_chars, span });
            } else {
                self.follow(rest, field, next, Some((first, start_chars)), found);
            }
        }
    }

    /// Each way in which a piece stands at a place: from where to where, and the place behind it.
    fn stands(&self, piece: &Piece, field: Field, place: u32) -> Vec<(u32, u32, u32)> {
        let lang = self.reading.lang();
        let words = self.reading.words_at(field, place);
        let one_word = |fits: &dyn Fn(&Word) -> bool| {
            let fitting = words.iter().filter(|word| fits(word));
            fitting.map(|word| (word.start_chars, word.end_chars, place + width(word))).collect::<Vec<_>>()
        };
        match piece {
            Piece::Word(wanted) => one_word(&|word| wanted.matches(word, lang)),
            Piece::Wildcard(pattern, by) => one_word(&|word| {
                let text = if *by == By::Exact { &word.exact } else { &word.folded };
                matches_wildcard(pattern, &text.chars().collect::<Vec<_>>())
            }),
            Piece::Fuzzy(wanted, edits) => {
                one_word(&|word| within_edits(wanted, &word.folded.chars().collect::<Vec<_>>(), *edits))
            }
            Piece::Designation { whole, parts: [first, second] } => {
                let mut ways = one_word(&|word| whole.matches(word, lang));
                for start in self.reading.words_at(field, place) {
                    for end in self.reading.words_at(field, place + 1) {
                        let are_parts = start.kind != WordKind::Designation && end.kind != WordKind::Designation;
                        if are_parts && first.matches(start, lang) && second.matches(end, lang) {
                            ways.push((start.start_chars, end.end_chars, place + 2));
                        }
                    }
                }
                ways
            }
        }
    }

    /// A regular expression over the original text, paragraph by paragraph.
    fn regex(&self, source: &str) -> Vec<Found> {
        let regex = compiled(source);
        let mut found = Vec::new();
        for field in Field::ALL {
            let text = &self.reading.text.field(field).text;
            for (start, paragraph) in paragraphs(text) {
                for hit in regex.find_iter(paragraph).filter(|hit| !hit.is_empty()) {
                    let chars_before = |byte: usize| text[..start + byte].chars().count() as u32;
                    let (start_chars, end_chars) = (chars_before(hit.start()), chars_before(hit.end()));
                    let span = touched(self.reading, field, start_chars, end_chars);
                    found.push(Found { start_chars, end_chars, span });
                }
            }
        }
        found
    }
}

/// Case is set aside "unless `(?-i)`". Compiling takes a thousand times longer than looking through a short text, so it
/// is done once for each.
fn compiled(source: &str) -> Regex {
    thread_local! {
        static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::default();
    }
    let compile = || RegexBuilder::new(source).case_insensitive(true).build().expect("the checker has read it");
    COMPILED.with_borrow_mut(|compiled| compiled.entry(source.to_owned()).or_insert_with(compile).clone())
}

/// A term's words, in the order of the text.
fn pieces(raw: &str, by: By, lang: Option<Lang>) -> Vec<Piece> {
    let mut words = analyse_pattern(&without_escapes(raw));
    // Choice: beside a script without spaces, where any substring matches, a star at the edge adds nothing: `制裁*`.
    let is_star = |word: Option<&Word>| word.is_some_and(|word| word.exact.chars().all(|c| c == '*'));
    let is_character = |word: Option<&Word>| word.is_some_and(|word| word.kind == WordKind::Character);
    if is_star(words.first()) && is_character(words.get(1)) {
        words.remove(0);
    }
    if is_star(words.last()) && words.len() >= 2 && is_character(words.get(words.len() - 2)) {
        words.pop();
    }
    let wanted = |word: &Word| Wanted::new(word, by, lang);
    let mut pieces = Vec::new();
    let mut rest = words.as_slice();
    while let [word, behind @ ..] = rest {
        rest = behind;
        if let [whole, second, behind @ ..] = behind
            && whole.kind == WordKind::Designation
        {
            pieces.push(Piece::Designation { whole: wanted(whole), parts: [wanted(word), wanted(second)] });
            rest = behind;
        } else if word.exact.contains(['*', '?']) {
            let text = if by == By::Exact { &word.exact } else { &word.folded };
            pieces.push(Piece::Wildcard(text.chars().collect(), by));
        } else {
            pieces.push(Piece::Word(wanted(word)));
        }
    }
    pieces
}

/// `\*`, `\?`, `\"` and `\\` are plain characters, and none of these is part of a word.
fn without_escapes(raw: &str) -> String {
    ["\\\\", "\\\"", "\\*", "\\?"].iter().fold(raw.to_owned(), |text, escaped| text.replace(escaped, " "))
}

/// The paragraphs of a plain text and where they begin: an empty line ends one, and is no part of any.
fn paragraphs(text: &str) -> Vec<(usize, &str)> {
    let mut paragraphs: Vec<(usize, usize)> = Vec::new();
    let mut goes_on = false;
    let mut start = 0;
    for line in text.split('\n') {
        let end = start + line.trim_end_matches('\r').len();
        let is_empty = line.trim().is_empty();
        match paragraphs.last_mut() {
            _ if is_empty => {}
            Some(paragraph) if goes_on => paragraph.1 = end,
            _ => paragraphs.push((start, end)),
        }
        goes_on = !is_empty;
        start += line.len() + 1;
    }
    paragraphs.into_iter().map(|(start, end)| (start, &text[start..end])).collect()
}

/// The words that a stretch of text touches; a whole designation is touched by way of its parts.
///
/// Choice: what touches none, as punctuation alone or an ending that is cut off, stands with the word before it where no
/// space is between, else with the word behind: a full stop belongs to the sentence that it ends.
fn touched(reading: &Reading<'_>, field: Field, start_chars: u32, end_chars: u32) -> Span {
    let parts = || reading.words(field).iter().filter(|word| word.kind != WordKind::Designation);
    let places: Vec<u32> = parts()
        .filter(|word| word.start_chars < end_chars && start_chars < word.end_chars)
        .map(|word| word.place)
        .collect();
    let at = |first: u32, last: u32| Span { field, first, last, of_near: false };
    if let (Some(&first), Some(&last)) = (places.first(), places.last()) {
        return at(first, last);
    }
    let before = parts().take_while(|word| word.end_chars <= start_chars).last();
    let behind = parts().find(|word| word.start_chars >= end_chars);
    let hangs_on = |word: &&Word| {
        let between = reading.text.field(field).text.chars().take(start_chars as usize).skip(word.end_chars as usize);
        !between.collect::<String>().contains(char::is_whitespace)
    };
    let place = before.filter(hangs_on).or(behind).or(before).map_or(0, |word| word.place);
    at(place, place)
}

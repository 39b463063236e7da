//! Walks over a text's pieces and collects its words.

use std::ops::Range;

use super::{
    super::language::Lang,
    Word, WordKind, apostrophe,
    pieces::{Piece, Pieces},
    sentence::{Break, Gap},
    stem::{Forms, with_forms},
    units::Class,
};

/// The words of a text.
pub(super) fn words(lang: Option<Lang>, pieces: &Pieces) -> Vec<Word> {
    with_forms(lang, |forms| {
        let words = Vec::with_capacity(pieces.list.len() / PIECES_PER_WORD);
        let mut cutter = Cutter { lang, pieces, forms, words, last: None, scratch: String::new() };
        cutter.cut();
        cutter.words
    })
}

/// A word and a space.
const PIECES_PER_WORD: usize = 2;

struct Cutter<'a, 'b> {
    lang: Option<Lang>,
    pieces: &'a Pieces,
    forms: &'a mut Forms<'b>,
    words: Vec<Word>,
    last: Option<Last>,
    scratch: String,
}

/// The word cut last.
struct Last {
    /// What it is made of; what was cut off behind it left out.
    pieces: Range<usize>,
    /// Its index in `words`.
    word: usize,
    cut: Cut,
}

/// By what a word is told from what stands around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Letters, marks and digits.
    Run,
    /// Letters with a full stop behind each: `U.N.`
    Initials,
    /// Two runs and the hyphen between.
    Designation,
    /// One character of a script without spaces.
    Character,
}

impl Cutter<'_, '_> {
    fn cut(&mut self) {
        let mut at = 0;
        while let Some(piece) = self.pieces.list.get(at) {
            at = match piece.class {
                Class::Word => self.cut_word(at),
                Class::Character => {
                    self.push(at..at + 1, Cut::Character);
                    at + 1
                }
                _ => at + 1,
            };
        }
    }

    /// Cuts the word that begins at piece `start`; gives where to go on.
    fn cut_word(&mut self, start: usize) -> usize {
        let next = self.pieces.list.get(start + 1).map(|next| next.class);
        if next == Some(Class::Stop)
            && let Some(end) = self.initials_end(start)
        {
            self.push(start..end, Cut::Initials);
            return end;
        }
        self.push_run(start);
        if next == Some(Class::Apostrophe) { self.suffix_end(start) } else { start + 1 }
    }

    /// End of `U.N.` and its like, if they begin at `start`.
    fn initials_end(&self, start: usize) -> Option<usize> {
        let is_initial = |pair: &&[Piece]| {
            pair[1].class == Class::Stop && pair[0].class == Class::Word && self.pieces.is_letter(&pair[0])
        };
        let initials = self.pieces.list[start..].chunks_exact(2).take_while(is_initial).count();
        (initials >= 2).then_some(start + 2 * initials)
    }

    /// Where to go on behind the run `word`: behind what hangs on it by an apostrophe, if that is no part of it.
    fn suffix_end(&self, word: usize) -> usize {
        match &self.pieces.list[word..] {
            [head, _, tail, ..] if tail.class == Class::Word => {
                let is_cut = apostrophe::is_cut(self.pieces.text(head), self.pieces.text(tail), self.lang);
                if is_cut { word + 3 } else { word + 1 }
            }
            _ => word + 1,
        }
    }

    /// Adds a run, and before it the designation that it ends, if it does.
    fn push_run(&mut self, run: usize) {
        if let Some(Last { pieces, word: first_part, cut }) = &self.last
            && run == pieces.end + 1
            && self.pieces.list[pieces.end].class == Class::Dash
            && *cut != Cut::Initials
            && is_designation(self.text(pieces.end - 1), self.text(run))
        {
            let first = &self.words[*first_part];
            let position = (first.place, first.sentence, first.paragraph);
            let word = self.word(pieces.start..run + 1, Cut::Designation, position);
            self.words.push(word);
        }
        self.push(run..run + 1, Cut::Run);
    }

    fn text(&self, piece: usize) -> &str {
        self.pieces.text(&self.pieces.list[piece])
    }

    fn push(&mut self, range: Range<usize>, cut: Cut) {
        let position = self.next_position(range.start);
        let word = self.word(range.clone(), cut, position);
        self.last = Some(Last { pieces: range, word: self.words.len(), cut });
        self.words.push(word);
    }

    /// Place, sentence and paragraph of a word that begins at `start`.
    fn next_position(&self, start: usize) -> (u32, u32, u32) {
        let Some(last) = &self.last else { return (0, 0, 0) };
        let before = &self.words[last.word];
        let (sentences, paragraphs) = match &self.pieces.list[last.pieces.end..start] {
            [one] if one.class == Class::Space => (0, 0),
            between => {
                let gap = Gap {
                    before: &before.folded,
                    before_end: self.text(last.pieces.end - 1),
                    before_is_initials: last.cut == Cut::Initials,
                    pieces: between,
                    next: self.pieces.list[start].first,
                    lang: self.lang,
                };
                match gap.ends() {
                    Break::None => (0, 0),
                    Break::Sentence => (1, 0),
                    Break::Paragraph => (1, 1),
                }
            }
        };
        (before.place + 1, before.sentence + sentences, before.paragraph + paragraphs)
    }

    /// The word at `range`. Full stops and hyphens inside it are no part of how it compares.
    fn word(&mut self, range: Range<usize>, cut: Cut, (place, sentence, paragraph): (u32, u32, u32)) -> Word {
        let pieces = &self.pieces.list[range];
        let (first, last) = (&pieces[0], &pieces[pieces.len() - 1]);
        let exact = match pieces {
            [one] => self.pieces.text(one),
            several => {
                self.scratch.clear();
                let letters = several.iter().filter(|piece| !matches!(piece.class, Class::Stop | Class::Dash));
                self.scratch.extend(letters.map(|piece| self.pieces.text(piece)));
                &self.scratch
            }
        };
        let (kind, form) = match cut {
            Cut::Run | Cut::Initials => (WordKind::Plain, self.forms.stemmed(exact)),
            Cut::Designation => (WordKind::Designation, self.forms.stemmed(exact)),
            Cut::Character => (WordKind::Character, self.forms.whole(exact)),
        };
        Word {
            start_byte: first.start_byte,
            end_byte: last.end_byte,
            start_chars: first.start_chars,
            end_chars: last.end_chars,
            place,
            sentence,
            paragraph,
            kind,
            form,
        }
    }
}

/// 1 to 4 letters, and behind a hyphen 1 to 4 digits and up to 2 letters.
fn is_designation(head: &str, tail: &str) -> bool {
    let letters = tail.trim_start_matches(|c: char| c.is_ascii_digit());
    (1..=4).contains(&(tail.len() - letters.len())) && are_letters(head, 4) && are_letters(letters, 2)
}

fn are_letters(text: &str, count_max: usize) -> bool {
    text.chars().all(char::is_alphabetic) && text.chars().nth(count_max).is_none()
}

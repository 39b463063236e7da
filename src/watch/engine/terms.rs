//! Where a term stands in an article.

use std::collections::BTreeSet;

use super::{
    Hit,
    article::{ArticleIndex, WordRef, arabic_bases, last_place},
};
use crate::{
    article::{
        Field, Lang,
        segment::{Word, WordKind, stem},
        text::TextSpan,
    },
    watch::language::pattern::{Measure, Pattern, PatternWord, Piece},
};

/// Of one regular expression, more hits than this tell nothing new.
const REGEX_HITS_MAX: usize = 10_000;

/// Every hit of a pattern, sorted, each once.
pub fn hits(pattern: &Pattern, index: &ArticleIndex<'_>) -> Vec<Hit> {
    let mut hits = match pattern {
        Pattern::Phrase(pieces) => {
            phrase(&pieces.iter().map(|piece| Ready::new(piece, index)).collect::<Vec<_>>(), index)
        }
        Pattern::Regex(regex) => matches_of(regex, index),
        Pattern::AnyOf(patterns) => patterns.iter().flat_map(|pattern| self::hits(pattern, index)).collect(),
        Pattern::InLanguage(lang, pattern) => match index.text.lang {
            Some(spoken) if spoken != *lang => Vec::new(),
            _ => self::hits(pattern, index),
        },
        Pattern::Beside { what, context } => {
            let hits = self::hits(what, index);
            if hits.is_empty() || self::hits(context, index).is_empty() { Vec::new() } else { hits }
        }
        Pattern::Country(id) => {
            let countries = index.findings.countries.iter();
            let named = countries.filter(|c| id.as_ref().is_none_or(|id| id.eq_ignore_ascii_case(&c.id.0)));
            named.flat_map(|country| &country.spans).filter_map(|&span| hit_of(span, index)).collect()
        }
        Pattern::Leader(id) => {
            let leaders = index.findings.leaders.iter();
            let named = leaders.filter(|l| id.as_ref().is_none_or(|id| id.eq_ignore_ascii_case(&l.id)));
            named.flat_map(|leader| &leader.spans).filter_map(|&span| hit_of(span, index)).collect()
        }
    };
    hits.sort_unstable();
    hits.dedup();
    hits
}

/// A piece and what it compares with in this article's language.
enum Ready<'a> {
    Word(ReadyWord<'a>),
    Wildcard { text: &'a [char], exact: bool },
    Fuzzy { text: &'a str, edits: usize },
    Designation { whole: ReadyWord<'a>, parts: [ReadyWord<'a>; 2] },
}

struct ReadyWord<'a> {
    word: &'a PatternWord,
    /// Of the folded and of the original word; empty unless compared by stem.
    stems: Vec<Box<str>>,
    lang: Option<Lang>,
    /// Korean hangs its particles on: a word also matches as the beginning of a longer one.
    opens_longer: bool,
}

impl<'a> Ready<'a> {
    fn new(piece: &'a Piece, index: &ArticleIndex<'_>) -> Self {
        match piece {
            Piece::Word(word) => Self::Word(ReadyWord::new(word, index)),
            Piece::Wildcard { text, exact } => Self::Wildcard { text, exact: *exact },
            Piece::Fuzzy { text, edits } => Self::Fuzzy { text, edits: usize::from(*edits) },
            Piece::Designation { whole, parts: [first, second] } => Self::Designation {
                whole: ReadyWord::new(whole, index),
                parts: [ReadyWord::new(first, index), ReadyWord::new(second, index)],
            },
        }
    }

    /// Every word that this piece can begin at.
    fn starts(&self, index: &ArticleIndex<'_>) -> BTreeSet<WordRef> {
        match self {
            Self::Word(word) => word.occurrences(index),
            Self::Designation { whole, parts: [first, _] } => {
                let mut starts = whole.occurrences(index);
                starts.extend(first.occurrences(index));
                starts
            }
            Self::Wildcard { text, exact } => {
                let literal: String = text.iter().take_while(|c| !matches!(c, '*' | '?')).collect();
                // Exact patterns hold capitals, which no folded prefix has.
                let words = if *exact { index.vocabulary() } else { index.vocabulary_from(&literal) };
                let fits = |word: &&&str| *exact || wildcard_matches(text, word);
                words.iter().filter(fits).flat_map(|word| index.folded(word)).copied().collect()
            }
            Self::Fuzzy { text, edits } => {
                let fits = |word: &&&str| within_edits(text, word, *edits);
                index.vocabulary().iter().filter(fits).flat_map(|word| index.folded(word)).copied().collect()
            }
        }
    }

    /// Where a match that begins at `place` goes on, and its first and last word.
    fn step<'t>(&self, field: Field, place: u32, index: &ArticleIndex<'t>) -> Vec<(u32, &'t Word, &'t Word)> {
        let words = index.words_at(field, place);
        let next = |word: &'t Word| (last_place(word) + 1, word, word);
        match self {
            Self::Word(ready) => words.iter().filter(|word| ready.matches(word)).map(next).collect(),
            Self::Wildcard { text, exact: true } => {
                words.iter().filter(|word| wildcard_matches(text, &word.exact)).map(next).collect()
            }
            Self::Wildcard { text, exact: false } => {
                words.iter().filter(|word| wildcard_matches(text, &word.folded)).map(next).collect()
            }
            Self::Fuzzy { text, edits } => {
                words.iter().filter(|word| within_edits(text, &word.folded, *edits)).map(next).collect()
            }
            Self::Designation { whole, parts: [first, second] } => {
                let mut found: Vec<_> = words.iter().filter(|word| whole.matches(word)).map(next).collect();
                if found.is_empty() {
                    let behind = index.words_at(field, place + 1);
                    for start in words.iter().filter(|word| word.kind != WordKind::Designation && first.matches(word)) {
                        let ends = behind.iter().filter(|word| second.matches(word));
                        found.extend(ends.map(|end| (place + 2, start, end)));
                    }
                }
                found
            }
        }
    }
}

impl<'a> ReadyWord<'a> {
    fn new(word: &'a PatternWord, index: &ArticleIndex<'_>) -> Self {
        let mut stems = Vec::new();
        if word.measure == Measure::Stem {
            let forms = stem::forms(&word.exact, index.text.lang);
            stems.push(forms.stem.clone());
            stems.extend(forms.stem_accented.clone());
        }
        let is_hangul = word.folded.chars().all(|c| matches!(c, '\u{AC00}'..='\u{D7A3}'));
        Self { word, stems, lang: index.text.lang, opens_longer: is_hangul && word.measure != Measure::Exact }
    }

    fn occurrences(&self, index: &ArticleIndex<'_>) -> BTreeSet<WordRef> {
        let folded = &self.word.folded;
        let mut found: BTreeSet<WordRef> = index.folded(folded).iter().copied().collect();
        found.extend(self.stems.iter().flat_map(|stem| index.stemmed(stem)));
        if self.opens_longer {
            found.extend(index.vocabulary_from(folded).iter().flat_map(|word| index.folded(word)));
        }
        found.retain(|&at| self.matches(index.word(at)));
        found
    }

    fn matches(&self, word: &Word) -> bool {
        match self.word.measure {
            Measure::Exact => word.exact == self.word.exact,
            Measure::Folded => self.matches_folded(word),
            Measure::Stem => {
                self.stems.iter().any(|stem| *stem == word.stem || word.stem_accented.as_ref() == Some(stem))
                    || self.matches_folded(word)
                    || self.matches_behind_prefix(word)
            }
        }
    }

    fn matches_folded(&self, word: &Word) -> bool {
        let folded = &*self.word.folded;
        *word.folded == *folded
            || self.opens_longer && word.folded.starts_with(folded)
            || arabic_bases(&word.folded).any(|bare| bare == folded)
    }

    fn matches_behind_prefix(&self, word: &Word) -> bool {
        arabic_bases(&word.folded).any(|bare| self.stems.contains(&stem::forms(bare, self.lang).stem))
    }
}

/// Pieces side by side.
fn phrase(pieces: &[Ready<'_>], index: &ArticleIndex<'_>) -> Vec<Hit> {
    let Some((first, rest)) = pieces.split_first() else { return Vec::new() };
    let mut hits = Vec::new();
    let places: BTreeSet<(Field, u32)> =
        first.starts(index).into_iter().map(|at| (at.field, index.word(at).place)).collect();
    for (field, place) in places {
        let mut open = first.step(field, place, index);
        for piece in rest {
            let steps = open.iter().flat_map(|&(next, start, _)| {
                piece.step(field, next, index).into_iter().map(move |(next, _, end)| (next, start, end))
            });
            open = steps.collect();
            if open.is_empty() {
                break;
            }
        }
        hits.extend(open.into_iter().map(|(next, start, end)| Hit {
            field,
            start_chars: start.start_chars,
            end_chars: end.end_chars,
            first: place,
            last: next - 1,
        }));
    }
    hits
}

/// Hits of a regular expression, each inside one paragraph.
fn matches_of(regex: &regex::Regex, index: &ArticleIndex<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for field in Field::ALL {
        let text = index.text.field(field).text.as_str();
        let mut chars = CharCounter { text, byte: 0, chars: 0 };
        for paragraph in paragraphs(text) {
            for found in regex.find_iter(&text[paragraph.clone()]).filter(|found| !found.is_empty()) {
                if hits.len() >= REGEX_HITS_MAX {
                    return hits;
                }
                let start_chars = chars.at(paragraph.start + found.start());
                let end_chars = chars.at(paragraph.start + found.end());
                hits.extend(hit_of(TextSpan { field, start_chars, end_chars }, index));
            }
        }
    }
    hits
}

/// Byte ranges between empty lines.
fn paragraphs(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut paragraphs = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            paragraphs.push(start..at);
            start = at + line.len();
        }
        at += line.len();
    }
    paragraphs.push(start..at);
    paragraphs.retain(|range| !range.is_empty());
    paragraphs
}

/// Byte offsets into scalar offsets, asked for in rising order.
struct CharCounter<'a> {
    text: &'a str,
    byte: usize,
    chars: u32,
}

impl CharCounter<'_> {
    fn at(&mut self, byte: usize) -> u32 {
        self.chars += self.text[self.byte..byte].chars().count() as u32;
        self.byte = byte;
        self.chars
    }
}

/// A stretch of text with the places of the words it touches; of punctuation alone, that of the word behind it.
pub fn hit_of(span: TextSpan, index: &ArticleIndex<'_>) -> Option<Hit> {
    let words = &index.text.field(span.field).words;
    let first = words.partition_point(|word| word.end_chars <= span.start_chars);
    let first_word = words.get(first).or(words.last())?;
    let last = words.partition_point(|word| word.start_chars < span.end_chars);
    let last_word = last.checked_sub(1).and_then(|last| words.get(last)).unwrap_or(first_word);
    let first = first_word.place;
    let last = last_place(last_word).max(first);
    Some(Hit { field: span.field, start_chars: span.start_chars, end_chars: span.end_chars, first, last })
}

/// Whether a whole word fits a pattern of letters, `*` and `?`. Linear in both: goes back to the last star alone.
pub fn wildcard_matches(pattern: &[char], word: &str) -> bool {
    let word: Vec<char> = word.chars().collect();
    let (mut p, mut w) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while w < word.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, w));
                p += 1;
            }
            Some(&c) if c == '?' || c == word[w] => {
                p += 1;
                w += 1;
            }
            _ => match star {
                Some((behind, from)) => {
                    (p, w) = (behind, from + 1);
                    star = Some((behind, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// Whether two words are within so many edits, a transposition being one.
fn within_edits(a: &str, b: &str, edits: usize) -> bool {
    let len = |text: &str| text.chars().count();
    len(a).abs_diff(len(b)) <= edits && strsim::osa_distance(a, b) <= edits
}

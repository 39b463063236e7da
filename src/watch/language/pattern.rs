//! What a term looks for: words in a row, compared by one of three measures, or a regular expression.

use std::sync::Arc;

use crate::article::{
    Lang,
    segment::{Word, WordKind, analyse_pattern},
};

/// Longer words leave too many ways to misspell them.
pub const FUZZY_CHARS_MAX: usize = 40;
/// A longer phrase is a paragraph.
const PHRASE_WORDS_MAX: usize = 64;
/// A `*` needs so many letters beside it, or it stands for half the dictionary.
const LETTERS_BESIDE_STAR_MIN: usize = 2;

/// What a term looks for.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// Words side by side.
    Phrase(Vec<Piece>),
    /// A stretch of original text inside one paragraph.
    Regex(regex::Regex),
    /// Any of a list's entries; shared by all who name the list.
    AnyOf(Arc<[Pattern]>),
    /// A pack's words of one language: found in texts of that language, and in those of which nobody knows it.
    InLanguage(Lang, Arc<Pattern>),
    /// Everyday words that count only where something else stands in the same article, wherever in it.
    Beside {
        /// What is looked for.
        what: Arc<Pattern>,
        /// What must stand in the article as well.
        context: Arc<Pattern>,
    },
    /// Any country, or this one, however it is named.
    Country(Option<String>),
    /// Any leader, or this one, however they are named.
    Leader(Option<String>),
}

/// One step of a phrase.
#[derive(Debug, Clone)]
pub enum Piece {
    /// A word.
    Word(PatternWord),
    /// A word with `*` or `?` in it.
    Wildcard {
        /// Folded, or as written where `exact`.
        text: Vec<char>,
        /// Whether case and diacritics count.
        exact: bool,
    },
    /// A word that may be misspelt.
    Fuzzy {
        /// Folded.
        text: String,
        /// How many edits are forgiven.
        edits: u8,
    },
    /// `F-16`: its parts in a row, or one word.
    Designation {
        /// `F16`
        whole: PatternWord,
        /// `F`, `16`
        parts: [PatternWord; 2],
    },
}

/// A word and how it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternWord {
    /// As written, in NFKC.
    pub exact: Box<str>,
    /// Folded.
    pub folded: Box<str>,
    /// By what it is compared.
    pub measure: Measure,
}

/// By what words are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Their stems in the article's language.
    Stem,
    /// Case and diacritics set aside.
    Folded,
    /// Letter by letter.
    Exact,
}

impl Pattern {
    /// Words side by side; `raw` may hold escapes and wildcards. The error says what is wrong with it.
    pub fn phrase(raw: &str, measure: Measure) -> Result<Self, String> {
        let words = analyse_pattern(&without_escapes(raw));
        let mut pieces: Vec<Piece> = Vec::with_capacity(words.len());
        let mut words = words.iter().enumerate().peekable();
        let mut beside_character = false;
        while let Some((i, word)) = words.next() {
            let is_only_stars = word.exact.chars().all(|c| c == '*');
            let next_is_character = words.peek().is_some_and(|(_, next)| next.kind == WordKind::Character);
            // `制裁*`: there every word begins and ends anywhere, so a star at the edge adds nothing.
            if is_only_stars && (i == 0 && next_is_character || words.peek().is_none() && beside_character) {
                continue;
            }
            beside_character = word.kind == WordKind::Character;
            match words.peek() {
                Some((_, whole)) if whole.kind == WordKind::Designation => {
                    let whole = pattern_word(whole, measure);
                    words.next();
                    let Some((_, second)) = words.next() else { break };
                    let parts = [pattern_word(word, measure), pattern_word(second, measure)];
                    pieces.push(Piece::Designation { whole, parts });
                }
                _ => pieces.push(piece(word, measure)?),
            }
        }
        match pieces.len() {
            0 => Err("there is no word in it".to_owned()),
            1..=PHRASE_WORDS_MAX => Ok(Self::Phrase(pieces)),
            words => Err(format!("a phrase has no more than {PHRASE_WORDS_MAX} words, and this has {words}")),
        }
    }

    /// One word, misspelt or not.
    pub fn fuzzy(raw: &str, edits: u8) -> Result<Self, String> {
        let words = analyse_pattern(raw);
        let [word] = words.as_slice() else { return Err("`~` and a number stand behind a single word".to_owned()) };
        if word.exact.contains(['*', '?']) {
            return Err("a word with wildcards can't be misspelt as well".to_owned());
        }
        if word.folded.chars().count() > FUZZY_CHARS_MAX {
            return Err(format!("a word that may be misspelt has no more than {FUZZY_CHARS_MAX} letters"));
        }
        let letters_min = if edits == 1 { 4 } else { 7 };
        if word.folded.chars().count() < letters_min {
            let edits = if edits == 1 { "1 edit needs" } else { "2 edits need" };
            return Err(format!("{edits} a word of at least {letters_min} letters"));
        }
        Ok(Self::Phrase(vec![Piece::Fuzzy { text: word.folded.to_string(), edits }]))
    }

    /// A keyword or an entry of a list: in any form, or exactly behind `=`.
    pub fn keyword(text: &str) -> Result<Self, String> {
        match text.strip_prefix('=') {
            Some(exact) => Self::phrase(exact, Measure::Exact),
            None => Self::phrase(text, Measure::Stem),
        }
    }

    /// How many words of it have wildcards; those of lists, which are written elsewhere, left out.
    pub fn wildcards(&self) -> usize {
        match self {
            Self::Phrase(pieces) => pieces.iter().filter(|piece| matches!(piece, Piece::Wildcard { .. })).count(),
            _ => 0,
        }
    }

    /// Whether two patterns ask the same of what an article says.
    pub fn is_same_said(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Country(a), Self::Country(b)) | (Self::Leader(a), Self::Leader(b)) => a == b,
            _ => false,
        }
    }
}

fn piece(word: &Word, measure: Measure) -> Result<Piece, String> {
    if !word.exact.contains(['*', '?']) {
        return Ok(Piece::Word(pattern_word(word, measure)));
    }
    let letters = word.exact.chars().filter(|c| !matches!(c, '*' | '?')).count();
    if word.exact.contains('*') && letters < LETTERS_BESIDE_STAR_MIN {
        return Err(format!("`*` needs at least {LETTERS_BESIDE_STAR_MIN} letters in its word"));
    }
    if letters == 0 {
        return Err("`?` needs a letter in its word".to_owned());
    }
    let exact = measure == Measure::Exact;
    let text = if exact { &word.exact } else { &word.folded };
    Ok(Piece::Wildcard { text: text.chars().collect(), exact })
}

fn pattern_word(word: &Word, measure: Measure) -> PatternWord {
    PatternWord { exact: word.exact.clone(), folded: word.folded.clone(), measure }
}

/// `\*` and the like are plain characters, none of which stands in a word: a space does their work.
fn without_escapes(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\' {
            chars.next_if(|&c| matches!(c, '*' | '?' | '\\') || super::lexer::is_quote(c));
            text.push(' ');
        } else {
            text.push(c);
        }
    }
    text
}

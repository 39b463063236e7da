//! A text as words, sentences and paragraphs. By the page "What a word is" of the watch language.

use super::{
    language::Lang,
    text::{Field, TextSpan},
};

/// An article's texts, cut into words once, for everything that reads them: queries, entities, topics.
#[derive(Debug, Clone)]
pub struct AnalysedText {
    /// What the words were stemmed by.
    pub lang: Option<Lang>,
    /// Title, summary (empty where it stands in the body), body: indexed by `Field as usize`.
    pub fields: [AnalysedField; 3],
    /// Whether the text was longer than [`TEXT_BYTES_MAX`] and cut.
    pub cut: bool,
}

/// Texts are matched up to here.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// One field, cut into words.
#[derive(Debug, Clone, Default)]
pub struct AnalysedField {
    /// The original text.
    pub text: String,
    /// In text order. Words that stand in one place (a designation and its parts) share a `place`.
    pub words: Vec<Word>,
}

/// One word, where it stands and how it compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Byte range in the field's text; `'s` and the like left out.
    pub start_byte: u32,
    /// One past the last byte.
    pub end_byte: u32,
    /// The same in scalar values.
    pub start_chars: u32,
    /// One past the last scalar value.
    pub end_chars: u32,
    /// Counts words through the field, from 0; what NEAR measures.
    pub place: u32,
    /// Counts sentences through the field, from 0.
    pub sentence: u32,
    /// Counts paragraphs through the field, from 0.
    pub paragraph: u32,
    /// As written, after NFKC, without soft hyphens and zero-width marks: what `=` compares.
    pub exact: Box<str>,
    /// Case-folded, diacritics of Latin, Greek and Cyrillic removed: what quotes compare.
    pub folded: Box<str>,
    /// The stem of the folded word in the article's language; the folded word itself where there is no stemmer.
    pub stem: Box<str>,
    /// What kind of word it is.
    pub kind: WordKind,
}

/// What kind of word it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordKind {
    /// Letters, marks and digits.
    Plain,
    /// A whole designation such as `F-16`, laid over its parts; has the place of its first part.
    Designation,
    /// One character of a script without spaces; each is a place.
    Character,
}

impl AnalysedText {
    /// One field's words.
    pub fn field(&self, field: Field) -> &AnalysedField {
        &self.fields[field as usize]
    }
}

impl AnalysedField {
    /// The slice that a span of this field covers.
    pub fn slice(&self, span: TextSpan) -> &str {
        let mut indices = self.text.char_indices().map(|(i, _)| i).chain([self.text.len()]);
        let start = indices.clone().nth(span.start_chars as usize).unwrap_or(self.text.len());
        let end = indices.nth(span.end_chars as usize).unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or("")
    }
}

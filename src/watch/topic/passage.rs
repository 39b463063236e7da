//! One field of an article as the detectors read it: tokens, sentences, and the way back to the text.

use std::ops::Range;

use super::lexicon::{self, Token};
use crate::article::{
    segment::AnalysedField,
    text::{Field, TextSpan},
};

/// No writer's sentence has more words; a longer run is cut.
const SENTENCE_TOKENS_MAX: usize = 160;

/// A field with its tokens.
#[derive(Debug)]
pub(super) struct Passage<'a> {
    pub field: Field,
    pub text: &'a AnalysedField,
    pub tokens: Vec<Token<'a>>,
    /// Token ranges, in text order.
    pub sentences: Vec<Range<usize>>,
}

impl<'a> Passage<'a> {
    pub fn new(field: Field, text: &'a AnalysedField) -> Self {
        let tokens = lexicon::tokens(text);
        let sentence = |token: &Token<'_>| text.words[token.word].sentence;
        let mut sentences = Vec::new();
        let mut start = 0;
        for group in tokens.chunk_by(|a, b| sentence(a) == sentence(b)) {
            // What reads a sentence looks back and forth in it, so that one without end must not be read whole.
            for part in group.chunks(SENTENCE_TOKENS_MAX) {
                sentences.push(start..start + part.len());
                start += part.len();
            }
        }
        Self { field, text, tokens, sentences }
    }

    /// The sentence that a token stands in, as an index into `sentences`.
    pub fn sentence_of(&self, token: usize) -> usize {
        self.sentences.partition_point(|sentence| sentence.end <= token)
    }

    /// The tokens that stand for a range of the field's words.
    pub fn tokens_of(&self, words: &Range<usize>) -> Range<usize> {
        let start = self.tokens.partition_point(|token| token.word < words.start);
        let end = self.tokens.partition_point(|token| token.word < words.end);
        // A mention may begin inside a designation, which has one token.
        start..end.max(start + 1).min(self.tokens.len().max(start))
    }

    /// The text between two tokens.
    pub fn between(&self, left: usize, right: usize) -> &'a str {
        let start = self.text.words[self.tokens[left].word].end_byte as usize;
        let end = self.text.words[self.tokens[right].word].start_byte as usize;
        self.text.text.get(start..end).unwrap_or("")
    }

    /// What is written behind a token without a space.
    pub fn tail(&self, token: usize) -> &'a str {
        let rest = &self.text.text[self.text.words[self.tokens[token].word].end_byte as usize..];
        let end = rest.find(|c: char| c.is_whitespace() || c == ',' || c == '.').unwrap_or(rest.len());
        &rest[..end]
    }

    pub fn span(&self, tokens: Range<usize>) -> TextSpan {
        let word = |token: usize| &self.text.words[self.tokens[token].word];
        TextSpan {
            field: self.field,
            start_chars: word(tokens.start).start_chars,
            end_chars: word(tokens.end - 1).end_chars,
        }
    }

    /// A whole sentence, with the mark that ends it.
    pub fn sentence_span(&self, sentence: usize) -> TextSpan {
        let mut span = self.span(self.sentences[sentence].clone());
        let last = self.sentences[sentence].end - 1;
        let rest = &self.text.text[self.text.words[self.tokens[last].word].end_byte as usize..];
        let mark = rest.chars().take_while(|c| matches!(c, '.' | '!' | '?' | '"' | '”' | '’' | '。' | '…' | ')' | '»'));
        span.end_chars += mark.count() as u32;
        span
    }
}

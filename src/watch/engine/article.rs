//! An article as the engine sees it: its words, filed so that a term finds its own.

use std::{cell::OnceCell, collections::HashMap, ops::Range};

use crate::{
    article::{
        Article, Field,
        segment::{AnalysedText, Word, WordKind, stem},
    },
    watch::found::Findings,
};

/// One word of one field, by its index there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WordRef {
    /// Which text.
    pub field: Field,
    /// Index into the field's words.
    pub index: u32,
}

/// An article, ready to be asked.
pub struct ArticleIndex<'a> {
    /// What is asked about.
    pub article: &'a Article,
    /// Its texts in words.
    pub text: &'a AnalysedText,
    /// What it says; empty where no watch asks.
    pub findings: &'a Findings,
    /// By folded word. Arabic words are filed a second time without their prefixes.
    by_folded: HashMap<&'a str, Vec<WordRef>>,
    /// By stem: that of the folded word and that of the original.
    by_stem: HashMap<Box<str>, Vec<WordRef>>,
    /// Every distinct folded word, sorted: for whoever looks for more than one word at once.
    vocabulary: OnceCell<Vec<&'a str>>,
    sentences: OnceCell<Vec<(Field, Range<u32>)>>,
    paragraphs: OnceCell<Vec<(Field, Range<u32>)>>,
}

impl<'a> ArticleIndex<'a> {
    /// Files an article's words.
    pub fn new(article: &'a Article, text: &'a AnalysedText, findings: &'a Findings) -> Self {
        let mut by_folded: HashMap<&str, Vec<WordRef>> = HashMap::new();
        let mut by_stem: HashMap<Box<str>, Vec<WordRef>> = HashMap::new();
        let mut file_stem = |stem: &str, word: WordRef| match by_stem.get_mut(stem) {
            Some(words) if words.last() == Some(&word) => {}
            Some(words) => words.push(word),
            None => {
                by_stem.insert(stem.into(), vec![word]);
            }
        };
        for field in Field::ALL {
            for (index, word) in text.field(field).words.iter().enumerate() {
                let at = WordRef { field, index: index as u32 };
                by_folded.entry(&word.folded).or_default().push(at);
                file_stem(&word.stem, at);
                if let Some(stem) = &word.stem_accented {
                    file_stem(stem, at);
                }
                for bare in arabic_bases(&word.folded) {
                    by_folded.entry(bare).or_default().push(at);
                    file_stem(&stem::forms(bare, text.lang).stem, at);
                }
            }
        }
        let (vocabulary, sentences, paragraphs) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { article, text, findings, by_folded, by_stem, vocabulary, sentences, paragraphs }
    }

    /// The words that fold to `folded`, in text order.
    pub fn folded(&self, folded: &str) -> &[WordRef] {
        self.by_folded.get(folded).map_or(&[], Vec::as_slice)
    }

    /// The words of a stem, in text order.
    pub fn stemmed(&self, stem: &str) -> &[WordRef] {
        self.by_stem.get(stem).map_or(&[], Vec::as_slice)
    }

    /// Every distinct folded word, sorted.
    pub fn vocabulary(&self) -> &[&'a str] {
        self.vocabulary.get_or_init(|| {
            let mut words: Vec<&str> = self.by_folded.keys().copied().collect();
            words.sort_unstable();
            words
        })
    }

    /// The distinct folded words that begin with `prefix`.
    pub fn vocabulary_from(&self, prefix: &str) -> &[&'a str] {
        let words = self.vocabulary();
        let start = words.partition_point(|word| *word < prefix);
        let len = words[start..].iter().take_while(|word| word.starts_with(prefix)).count();
        &words[start..start + len]
    }

    /// The word itself.
    pub fn word(&self, at: WordRef) -> &'a Word {
        &self.text.field(at.field).words[at.index as usize]
    }

    /// The words that stand in one place: one, or a part of a designation and its whole.
    pub fn words_at(&self, field: Field, place: u32) -> &'a [Word] {
        let words = &self.text.field(field).words;
        let start = words.partition_point(|word| word.place < place);
        let len = words[start..].iter().take_while(|word| word.place == place).count();
        &words[start..start + len]
    }

    /// Each sentence's places.
    pub fn sentences(&self) -> &[(Field, Range<u32>)] {
        self.sentences.get_or_init(|| self.parts(|word| word.sentence))
    }

    /// Each paragraph's places.
    pub fn paragraphs(&self) -> &[(Field, Range<u32>)] {
        self.paragraphs.get_or_init(|| self.parts(|word| word.paragraph))
    }

    fn parts(&self, number: impl Fn(&Word) -> u32) -> Vec<(Field, Range<u32>)> {
        let mut parts = Vec::new();
        for field in Field::ALL {
            for part in self.text.field(field).words.chunk_by(|a, b| number(a) == number(b)) {
                if let (Some(first), Some(last)) = (part.first(), part.last()) {
                    parts.push((field, first.place..last_place(last) + 1));
                }
            }
        }
        parts
    }
}

/// The place that a word reaches to: a whole designation lies over two.
pub fn last_place(word: &Word) -> u32 {
    word.place + u32::from(word.kind == WordKind::Designation)
}

/// Each way to read an Arabic word as one with prefixes: and, so, in, for, like, the.
pub fn arabic_bases(word: &str) -> impl Iterator<Item = &str> {
    const PREFIXES: [&str; 24] = [
        "ال", "و", "ف", "ب", "ل", "ك", "وال", "فال", "بال", "كال", "لل", "وب", "ول", "وك", "فب", "فل", "فك", "وبال",
        "وكال", "ولل", "فبال", "فكال", "فلل", "لال",
    ];
    let is_arabic = word.starts_with(|c| matches!(c, '\u{620}'..='\u{64A}'));
    let prefixes = if is_arabic { PREFIXES.as_slice() } else { &[] };
    prefixes.iter().filter_map(|prefix| word.strip_prefix(prefix)).filter(|bare| bare.chars().nth(1).is_some())
}

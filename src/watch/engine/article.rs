//! An article as the engine sees it: its distinct words, where each stands, and its parts.

use std::{cell::OnceCell, collections::hash_map::Entry, ops::Range, sync::Arc};

use rustc_hash::FxHashMap;

use super::{dictionary::Groups, regex_literals::canonical};
use crate::{
    article::{
        Article, Field,
        segment::{AnalysedText, Form, Word, WordKind},
    },
    watch::found::{Findings, TopicFound},
};

/// One word of one field, by its index there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WordRef {
    /// Which text.
    pub field: Field,
    /// Index into the field's words.
    pub index: u32,
}

/// An article of news has fewer distinct words than this; room for so many is made at once.
const DISTINCT_WORDS_USUAL: usize = 400;

/// Finds the topics that packs define, beside what else an article says.
type Define<'a> = dyn Fn(&Findings) -> Vec<TopicFound> + 'a;

/// What an article says, found when first asked for.
pub struct LazyFindings<'a> {
    found: OnceCell<Findings>,
    find: Box<dyn Fn() -> Findings + 'a>,
    /// Topics that packs define by queries: found apart, since few ask for them.
    defined: OnceCell<Vec<TopicFound>>,
    define: Box<Define<'a>>,
}

impl<'a> LazyFindings<'a> {
    /// `find` and `define` are called once at the most; `define` gives the topics that packs define by queries.
    pub fn new(find: impl Fn() -> Findings + 'a, define: impl Fn(&Findings) -> Vec<TopicFound> + 'a) -> Self {
        let (find, define) = (Box::new(find), Box::new(define));
        Self { found: OnceCell::new(), find, defined: OnceCell::new(), define }
    }

    /// What was found before.
    pub fn known(found: Findings) -> Self {
        let (find, define) = (Box::new(Findings::default), Box::new(|_: &Findings| Vec::new()));
        Self { found: OnceCell::from(found), find, defined: OnceCell::new(), define }
    }

    /// The topics that packs define by queries.
    pub fn defined(&self) -> &[TopicFound] {
        self.defined.get_or_init(|| (self.define)(self.get()))
    }

    /// What it says, but for those.
    pub fn get(&self) -> &Findings {
        self.found.get_or_init(&self.find)
    }

    /// All that it says.
    pub fn take(self) -> Findings {
        self.defined();
        let Self { found, defined, .. } = self;
        let mut found = found.into_inner().unwrap_or_default();
        found.topics.extend(defined.into_inner().unwrap_or_default());
        found
    }
}

/// An article, ready to be asked.
pub struct ArticleIndex<'a> {
    /// What is asked about.
    pub article: &'a Article,
    /// Its texts in words.
    pub text: &'a AnalysedText,
    /// What it says.
    pub findings: &'a LazyFindings<'a>,
    /// Each distinct written word, in order of first use.
    pub forms: Vec<&'a Arc<Form>>,
    words_of_form: Groups<WordRef>,
    fields: [FieldIndex; 3],
    sentences: OnceCell<Vec<(Field, Range<u32>)>>,
    paragraphs: OnceCell<Vec<(Field, Range<u32>)>>,
    canonical: [OnceCell<String>; 3],
}

struct FieldIndex {
    /// Of each word.
    forms: Vec<u32>,
    /// Index of each place's first word.
    places: Vec<u32>,
}

impl<'a> ArticleIndex<'a> {
    /// Files an article's words.
    pub fn new(article: &'a Article, text: &'a AnalysedText, findings: &'a LazyFindings<'a>) -> Self {
        let count = text.fields.iter().map(|field| field.words.len()).sum();
        let mut forms: Vec<&Arc<Form>> = Vec::with_capacity(usize::min(count, DISTINCT_WORDS_USUAL));
        let mut by_address: FxHashMap<*const Form, u32> =
            FxHashMap::with_capacity_and_hasher(usize::min(count, DISTINCT_WORDS_USUAL), Default::default());
        let mut words: Vec<(u32, WordRef)> = Vec::with_capacity(count);
        let fields = Field::ALL.map(|field| {
            let count = text.field(field).words.len();
            let mut filed = FieldIndex { forms: Vec::with_capacity(count), places: Vec::with_capacity(count) };
            for (index, word) in (0..).zip(&text.field(field).words) {
                // Words that are written alike share a form, save where the memory of forms was renewed between them;
                // then there are two, which both are looked up.
                let form = match by_address.entry(Arc::as_ptr(&word.form)) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(new) => {
                        forms.push(&word.form);
                        *new.insert(forms.len() as u32 - 1)
                    }
                };
                words.push((form, WordRef { field, index }));
                filed.forms.push(form);
                if filed.places.len() as u32 == word.place {
                    filed.places.push(index);
                }
            }
            filed
        });
        let words_of_form = Groups::new(forms.len(), &words);
        Self {
            article,
            text,
            findings,
            forms,
            words_of_form,
            fields,
            sentences: OnceCell::new(),
            paragraphs: OnceCell::new(),
            canonical: Default::default(),
        }
    }

    /// Where a form stands, in text order.
    pub fn words_of(&self, form: u32) -> &[WordRef] {
        self.words_of_form.of(form)
    }

    /// The form of a word.
    pub fn form_of(&self, at: WordRef) -> u32 {
        self.fields[at.field as usize].forms[at.index as usize]
    }

    /// The word itself.
    pub fn word(&self, at: WordRef) -> &'a Word {
        &self.text.field(at.field).words[at.index as usize]
    }

    /// The form of each of a field's words.
    pub fn forms_of(&self, field: Field) -> &[u32] {
        &self.fields[field as usize].forms
    }

    /// The words that stand in one place: one, or a part of a designation and its whole.
    pub fn words_at(&self, field: Field, place: u32) -> impl Iterator<Item = WordRef> + use<> {
        let filed = &self.fields[field as usize];
        let start = filed.places.get(place as usize).copied();
        let end = filed.places.get(place as usize + 1).copied().unwrap_or(filed.forms.len() as u32);
        start.map_or(0..0, |start| start..end).map(move |index| WordRef { field, index })
    }

    /// Each sentence's places.
    pub fn sentences(&self) -> &[(Field, Range<u32>)] {
        self.sentences.get_or_init(|| self.parts(|word| word.sentence))
    }

    /// Each paragraph's places.
    pub fn paragraphs(&self) -> &[(Field, Range<u32>)] {
        self.paragraphs.get_or_init(|| self.parts(|word| word.paragraph))
    }

    /// A field's text with the cases of its letters set aside, for what is looked for by letters.
    pub fn canonical(&self, field: Field) -> &str {
        self.canonical[field as usize].get_or_init(|| canonical(&self.text.field(field).text))
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
    const PREFIXES: [&str; 26] = [
        "ال", "و", "ف", "ب", "ل", "ك", "وال", "فال", "بال", "كال", "لل", "وب", "ول", "وك", "فب", "فل", "فك", "وبال",
        "وكال", "ولل", "فبال", "فكال", "فلل", "لال", "ولال", "فلال",
    ];
    let is_arabic = word.starts_with(|c| matches!(c, '\u{620}'..='\u{64A}'));
    let prefixes = if is_arabic { PREFIXES.as_slice() } else { &[] };
    prefixes.iter().filter_map(|prefix| word.strip_prefix(prefix)).filter(|bare| bare.chars().nth(1).is_some())
}

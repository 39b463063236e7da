//! The single words that queries are made of, and which of them a word of an article is.
//!
//! Nothing is asked of every word of a query: an article's word is looked up, by its folded form, by its stem in the
//! article's language, and, where a query has such things, by its beginning, by its parts and by what is left of it
//! when letters are taken out.

use std::sync::{Arc, RwLock};

use rustc_hash::FxHashMap;

use super::{
    article::arabic_bases,
    dictionary::{Dictionary, Groups},
    edits::{Edits, within_edits},
    remembered::AtomsKey,
    wildcard::{Wildcards, wildcard_matches},
};
use crate::{
    article::{
        Lang,
        segment::{Form, stem},
    },
    watch::language::pattern::{Measure, PatternWord},
};

/// A word of a query, and how it compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Atom {
    /// A whole word.
    Word {
        /// Folded.
        folded: u32,
        /// As written.
        exact: u32,
        /// By what it compares.
        measure: Measure,
    },
    /// With `*` and `?`.
    Wildcard {
        /// Folded, or as written where `exact`.
        pattern: u32,
        /// Whether case and diacritics count.
        exact: bool,
    },
    /// Perhaps misspelt.
    Fuzzy {
        /// Folded.
        folded: u32,
        /// How many edits are forgiven.
        edits: u8,
    },
}

/// An atom by its number in its shelf.
pub type AtomId = u32;

/// Atoms as they are collected.
#[derive(Debug, Default)]
pub struct AtomsBuilder {
    words: Dictionary,
    atoms: Vec<Atom>,
    by_atom: FxHashMap<Atom, AtomId>,
}

/// All atoms of a shelf, filed by what words they match.
#[derive(Debug)]
pub struct Atoms {
    words: Dictionary,
    atoms: Vec<Atom>,
    /// By the number of their folded word: those of whole words.
    by_folded: Groups<AtomId>,
    /// Those that compare by stem.
    stemmed: Vec<AtomId>,
    /// Their stems in each language that an article came in.
    stems: RwLock<FxHashMap<Lang, Arc<Stems>>>,
    has_hangul: bool,
    wildcards: Wildcards,
    edits: Edits,
    key: AtomsKey,
}

/// In one language, by stem: the atoms that compare by it.
#[derive(Debug, Default)]
pub struct Stems {
    words: Dictionary,
    atoms: Groups<AtomId>,
}

impl AtomsBuilder {
    /// The number of a word.
    pub fn word(&mut self, word: &PatternWord) -> AtomId {
        let folded = self.words.intern(&word.folded);
        // `Missile` and `missile` have the same stems everywhere; only `I` has another small letter in Turkish.
        let is_same_small = word.measure != Measure::Exact && word.exact.is_ascii() && !word.exact.contains('I');
        let exact = match word.measure {
            Measure::Folded => folded,
            _ if is_same_small => folded,
            _ => self.words.intern(&word.exact),
        };
        self.intern(Atom::Word { folded, exact, measure: word.measure })
    }

    /// The number of a word with wildcards.
    pub fn wildcard(&mut self, pattern: &[char], exact: bool) -> AtomId {
        let pattern = self.words.intern(&pattern.iter().collect::<String>());
        self.intern(Atom::Wildcard { pattern, exact })
    }

    /// The number of a word that may be misspelt.
    pub fn fuzzy(&mut self, folded: &str, edits: u8) -> AtomId {
        let folded = self.words.intern(folded);
        self.intern(Atom::Fuzzy { folded, edits })
    }

    /// What a number stands for.
    pub fn get(&self, atom: AtomId) -> Atom {
        self.atoms[atom as usize]
    }

    /// A string of an atom.
    pub fn text(&self, word: u32) -> &str {
        self.words.text(word)
    }

    fn intern(&mut self, atom: Atom) -> AtomId {
        *self.by_atom.entry(atom).or_insert_with(|| {
            self.atoms.push(atom);
            self.atoms.len() as AtomId - 1
        })
    }

    /// Files them.
    pub fn build(self) -> Atoms {
        let Self { mut words, mut atoms, .. } = self;
        words.shrink();
        atoms.shrink_to_fit();
        let (mut by_folded, mut stemmed) = (Vec::new(), Vec::new());
        let (mut wildcards, mut fuzzy) = (Vec::new(), Vec::new());
        let mut has_hangul = false;
        for (id, &atom) in (0..).zip(&atoms) {
            match atom {
                Atom::Word { folded, measure, .. } => {
                    by_folded.push((folded, id));
                    if measure == Measure::Stem {
                        stemmed.push(id);
                    }
                    has_hangul |= measure != Measure::Exact && words.text(folded).starts_with(is_hangul);
                }
                Atom::Wildcard { pattern, exact } => wildcards.push((id, words.text(pattern), exact)),
                Atom::Fuzzy { folded, edits } => fuzzy.push((id, words.text(folded), edits)),
            }
        }
        Atoms {
            by_folded: Groups::new(words.len(), &by_folded),
            wildcards: Wildcards::new(&wildcards),
            edits: Edits::new(&fuzzy),
            stemmed,
            stems: RwLock::default(),
            has_hangul,
            words,
            atoms,
            key: AtomsKey::new(),
        }
    }
}

impl Atoms {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.atoms.len()
    }

    /// What tells them from those of all other shelves.
    pub fn key(&self) -> AtomsKey {
        self.key
    }

    /// What a number stands for.
    pub fn get(&self, atom: AtomId) -> Atom {
        self.atoms[atom as usize]
    }

    /// A string of an atom.
    pub fn text(&self, word: u32) -> &str {
        self.words.text(word)
    }

    /// The stems of the shelf's words in one language; made at the first article in it.
    pub fn stems(&self, lang: Option<Lang>) -> Option<Arc<Stems>> {
        let lang = lang.filter(|&lang| stem::has_stemmer(lang) && !self.stemmed.is_empty())?;
        let known = self.stems.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(&lang).cloned();
        if known.is_some() {
            return known;
        }
        let made = Arc::new(self.stems_in(lang));
        let mut stems = self.stems.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        Some(Arc::clone(stems.entry(lang).or_insert(made)))
    }

    fn stems_in(&self, lang: Lang) -> Stems {
        let mut words = Dictionary::default();
        let mut pairs = Vec::with_capacity(self.stemmed.len());
        for &id in &self.stemmed {
            let Atom::Word { exact, .. } = self.get(id) else { continue };
            let form = stem::forms(self.text(exact), Some(lang));
            pairs.push((words.intern(&form.stem), id));
            pairs.extend(form.stem_accented.as_ref().map(|stem| (words.intern(stem), id)));
        }
        words.shrink();
        Stems { atoms: Groups::new(words.len(), &pairs), words }
    }

    /// Puts every atom that a word is into `to`; some perhaps twice.
    pub fn of_form(&self, form: &Form, lang: Option<Lang>, stems: Option<&Stems>, to: &mut Vec<AtomId>) {
        if let Some(word) = self.words.get(&form.folded) {
            let is_it = |&&id: &&AtomId| match self.get(id) {
                Atom::Word { exact, measure: Measure::Exact, .. } => self.text(exact) == &*form.exact,
                _ => true,
            };
            to.extend(self.by_folded.of(word).iter().filter(is_it));
        }
        if let Some(stems) = stems {
            to.extend(stems.of(&form.stem));
            to.extend(form.stem_accented.iter().flat_map(|stem| stems.of(stem)));
        }
        if !form.folded.is_ascii() {
            self.of_other_scripts(form, lang, stems, to);
        }
        self.wildcards.of_word(form, to, |pattern, exact, word| {
            let text = self.text(pattern_of(self.get(pattern)));
            wildcard_matches(text, if exact { &word.exact } else { &word.folded })
        });
        self.edits.of_word(&form.folded, to, |id| match self.get(id) {
            Atom::Fuzzy { folded, edits } => within_edits(self.text(folded), &form.folded, usize::from(edits)),
            _ => false,
        });
    }

    /// Arabic words behind their prefixes; Korean words before their particles.
    fn of_other_scripts(&self, form: &Form, lang: Option<Lang>, stems: Option<&Stems>, to: &mut Vec<AtomId>) {
        let whole = |word: &str| {
            let atoms = self.words.get(word).map_or(&[][..], |word| self.by_folded.of(word));
            atoms.iter().copied().filter(|&id| !matches!(self.get(id), Atom::Word { measure: Measure::Exact, .. }))
        };
        for bare in arabic_bases(&form.folded) {
            to.extend(whole(bare));
            if let Some(stems) = stems {
                to.extend(stems.of(&stem::forms(bare, lang).stem));
            }
        }
        if self.has_hangul {
            let hangul = form.folded.char_indices().take_while(|&(_, c)| is_hangul(c));
            for end in hangul.map(|(at, c)| at + c.len_utf8()).filter(|&end| end < form.folded.len()) {
                to.extend(whole(&form.folded[..end]));
            }
        }
    }
}

impl Stems {
    fn of(&self, stem: &str) -> &[AtomId] {
        self.words.get(stem).map_or(&[], |word| self.atoms.of(word))
    }
}

fn pattern_of(atom: Atom) -> u32 {
    match atom {
        Atom::Wildcard { pattern: word, .. } | Atom::Fuzzy { folded: word, .. } | Atom::Word { folded: word, .. } => {
            word
        }
    }
}

/// A syllable of Korean, whose words hang their particles on.
fn is_hangul(c: char) -> bool {
    matches!(c, '\u{AC00}'..='\u{D7A3}')
}

//! What a shelf's queries look for in a text, each thing once, and by what it is noticed.
//!
//! A term is noticed by one of its words, or by two of them side by side, or by letters that a regular expression
//! needs. What is noticed is surely there, save for regular expressions, which are tried where they matter.

mod builder;
mod pairs;

use std::sync::Arc;

use aho_corasick::AhoCorasick;

pub use builder::TermsBuilder;
use pairs::Pairs;

use super::{
    atoms::{Atom, AtomId, Atoms},
    dictionary::{Dictionary, Groups, Marks},
};
use crate::{
    article::Lang,
    watch::language::{
        checked::CheckedTerm,
        pattern::{Measure, Pattern, PatternWord, Piece},
    },
};

/// A term by its number in its shelf.
pub type TermId = u32;

/// What a term looks for.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum TermPattern {
    /// One word.
    Word(AtomId),
    /// Steps side by side, a stretch of [`Terms::steps`].
    Phrase { start: u32, len: u32 },
    /// Any of several terms, a stretch of members.
    AnyOf { start: u32, len: u32 },
    /// Another term, in texts of one language and in those of which nobody knows it.
    InLanguage { term: TermId, lang: Lang },
    /// A term that counts only where another stands in the same article.
    Beside { what: TermId, context: TermId },
    /// By its number among the regular expressions.
    Regex(u32),
    /// What the article says, by its number among such.
    Said(u32),
}

/// One step of a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A word.
    Word(AtomId),
    /// `F-16`, by its number; see [`Terms::designation`].
    Designation(u32),
}

#[derive(Debug, Clone, Copy)]
struct Row {
    pattern: TermPattern,
    /// As the query has it.
    written: u32,
}

fn list_of(lists: &[(TermId, Arc<[Pattern]>)], term: TermId) -> Option<&Arc<[Pattern]>> {
    let at = lists.binary_search_by_key(&term, |(other, _)| *other).ok()?;
    Some(&lists[at].1)
}

/// All terms of a shelf, filed by their signs.
#[derive(Debug)]
pub struct Terms {
    /// Their words.
    pub atoms: Atoms,
    rows: Vec<Row>,
    written: Dictionary,
    steps: Vec<Step>,
    /// Each the whole as one word, and its two parts.
    designations: Vec<[AtomId; 3]>,
    members: Vec<TermId>,
    /// What lists were, in the order of their terms.
    lists: Vec<(TermId, Arc<[Pattern]>)>,
    regexes: Vec<regex::Regex>,
    said: Vec<Pattern>,
    /// Terms that one word shows.
    by_atom: Groups<TermId>,
    /// Terms that two neighbours show, to be looked at from there.
    pairs: Pairs,
    /// Of a term that others are made of: these.
    made_of: Groups<TermId>,
    /// Of which terms others are made: a look at this is a look at fewer places.
    are_parts: Marks,
    /// What regular expressions need.
    literals: Option<(AhoCorasick, Vec<TermId>)>,
    /// Regular expressions that need no letters.
    unsigned: Vec<TermId>,
    /// Terms about what the article says.
    pub said_terms: Vec<TermId>,
}

impl Terms {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// What a term looks for.
    pub fn pattern(&self, term: TermId) -> TermPattern {
        self.rows[term as usize].pattern
    }

    /// A term as the query has it.
    pub fn written(&self, term: TermId) -> &str {
        self.written.text(self.rows[term as usize].written)
    }

    /// The steps of a phrase.
    pub fn steps(&self, start: u32, len: u32) -> &[Step] {
        &self.steps[start as usize..(start + len) as usize]
    }

    /// A designation: the whole as one word, and its two parts.
    pub fn designation(&self, number: u32) -> [AtomId; 3] {
        self.designations[number as usize]
    }

    /// The entries of a list.
    pub fn members(&self, start: u32, len: u32) -> &[TermId] {
        &self.members[start as usize..(start + len) as usize]
    }

    /// A regular expression.
    pub fn regex(&self, regex: u32) -> &regex::Regex {
        &self.regexes[regex as usize]
    }

    /// A pattern about what the article says.
    pub fn said(&self, said: u32) -> &Pattern {
        &self.said[said as usize]
    }

    /// Terms that a word shows.
    pub fn shown_by(&self, atom: AtomId) -> &[TermId] {
        self.by_atom.of(atom)
    }

    /// Terms that two words side by side point to.
    pub fn pointed_to(&self, first: AtomId, second: AtomId) -> &[TermId] {
        self.pairs.of(first, second)
    }

    /// Whether any term is noticed by two words of which this is the first.
    pub fn opens_pair(&self, atom: AtomId) -> bool {
        self.pairs.opens.has(atom)
    }

    /// Whether any term is noticed by two words of which this is the second.
    pub fn closes_pair(&self, atom: AtomId) -> bool {
        self.pairs.closes.has(atom)
    }

    /// Whether any term is noticed by two words.
    pub fn has_pairs(&self) -> bool {
        !self.pairs.keys.is_empty()
    }

    /// The terms of which a term is a part: lists that it is an entry of, and the like.
    pub fn made_of(&self, term: TermId) -> &[TermId] {
        if self.are_parts.has(term) { self.made_of.of(term) } else { &[] }
    }

    /// Regular expressions that `texts`, in canonical form, may match.
    pub fn regexes_in<'t>(&self, texts: impl Iterator<Item = &'t str>, mut see: impl FnMut(TermId)) {
        self.unsigned.iter().for_each(|&term| see(term));
        if let Some((automaton, of_literal)) = &self.literals {
            for text in texts {
                automaton.find_overlapping_iter(text).for_each(|found| see(of_literal[found.pattern().as_usize()]));
            }
        }
    }

    /// Whether any regular expression is noticed by letters.
    pub fn has_literals(&self) -> bool {
        self.literals.is_some()
    }

    /// The folded word that a term is, if it is a single word without wildcards.
    pub fn single_word(&self, term: TermId) -> Option<&str> {
        match self.pattern(term) {
            TermPattern::Word(atom) => match self.atoms.get(atom) {
                Atom::Word { folded, .. } => Some(self.atoms.text(folded)),
                Atom::Wildcard { .. } | Atom::Fuzzy { .. } => None,
            },
            _ => None,
        }
    }

    /// The term again as the checker gave it.
    pub fn checked(&self, term: TermId) -> CheckedTerm {
        let pattern = match self.pattern(term) {
            TermPattern::Word(atom) => Pattern::Phrase(vec![self.piece(Step::Word(atom))]),
            TermPattern::Phrase { start, len } => {
                Pattern::Phrase(self.steps(start, len).iter().map(|&step| self.piece(step)).collect())
            }
            TermPattern::AnyOf { start, len } => Pattern::AnyOf(match list_of(&self.lists, term) {
                Some(list) => Arc::clone(list),
                None => self.members(start, len).iter().map(|&member| self.checked(member).pattern).collect(),
            }),
            TermPattern::InLanguage { term, lang } => Pattern::InLanguage(lang, Arc::new(self.checked(term).pattern)),
            TermPattern::Beside { what, context } => {
                let part = |term| Arc::new(self.checked(term).pattern);
                Pattern::Beside { what: part(what), context: part(context) }
            }
            TermPattern::Regex(regex) => Pattern::Regex(self.regex(regex).clone()),
            TermPattern::Said(said) => self.said(said).clone(),
        };
        CheckedTerm { written: self.written(term).to_owned(), pattern }
    }

    fn piece(&self, step: Step) -> Piece {
        match step {
            Step::Word(atom) => match self.atoms.get(atom) {
                Atom::Word { .. } => Piece::Word(self.pattern_word(atom)),
                Atom::Wildcard { pattern, exact } => {
                    Piece::Wildcard { text: self.atoms.text(pattern).chars().collect(), exact }
                }
                Atom::Fuzzy { folded, edits } => Piece::Fuzzy { text: self.atoms.text(folded).to_owned(), edits },
            },
            Step::Designation(number) => {
                let [whole, first, second] = self.designation(number).map(|atom| self.pattern_word(atom));
                Piece::Designation { whole, parts: [first, second] }
            }
        }
    }

    fn pattern_word(&self, atom: AtomId) -> PatternWord {
        let (folded, exact, measure) = match self.atoms.get(atom) {
            Atom::Word { folded, exact, measure } => (folded, exact, measure),
            // Only words are parts of designations and whole words.
            Atom::Wildcard { pattern: word, .. } | Atom::Fuzzy { folded: word, .. } => (word, word, Measure::Folded),
        };
        PatternWord { exact: self.atoms.text(exact).into(), folded: self.atoms.text(folded).into(), measure }
    }
}

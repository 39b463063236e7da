//! Collects what a shelf's queries look for, and files it.

use std::sync::Arc;

use aho_corasick::AhoCorasick;
use rustc_hash::FxHashMap;

use super::{Pairs, Row, Step, TermId, TermPattern, Terms, list_of};
use crate::watch::{
    engine::{
        atoms::{Atom, AtomId, AtomsBuilder},
        dictionary::{Dictionary, Groups, Marks},
        rarity::Rarity,
        regex_literals,
    },
    language::{
        checked::CheckedTerm,
        pattern::{Measure, Pattern, Piece},
    },
};

/// By what a term is noticed.
enum Sign {
    Word(AtomId),
    /// Side by side.
    Pair(AtomId, AtomId),
}

/// Terms as they are collected.
#[derive(Debug, Default)]
pub struct TermsBuilder {
    atoms: AtomsBuilder,
    rows: Vec<Row>,
    written: Dictionary,
    /// The first term that is written so.
    by_written: FxHashMap<u32, TermId>,
    steps: Vec<Step>,
    /// Each the whole as one word, and its two parts.
    designations: Vec<[AtomId; 3]>,
    members: Vec<TermId>,
    /// What lists were, in the order of their terms.
    lists: Vec<(TermId, Arc<[Pattern]>)>,
    regexes: Vec<regex::Regex>,
    said: Vec<Pattern>,
    contexts: Vec<(Arc<Pattern>, TermId)>,
    by_members: FxHashMap<Box<[TermId]>, TermId>,
    by_designation: FxHashMap<[AtomId; 3], u32>,
}

impl TermsBuilder {
    /// The number of a term.
    pub fn term(&mut self, term: &CheckedTerm) -> TermId {
        let written = self.written.intern(&term.written);
        let known = self.by_written.get(&written).copied();
        if let Some(known) = known
            && self.is_same(known, &term.pattern)
        {
            return known;
        }
        let id = self.add(&term.pattern, written);
        self.by_written.entry(written).or_insert(id);
        id
    }

    /// The number of a term that is there wherever one of several is. No query has it; it is there to be noticed.
    pub fn any_of(&mut self, terms: &[TermId]) -> TermId {
        if let Some(&known) = self.by_members.get(terms) {
            return known;
        }
        let start = self.members.len() as u32;
        self.members.extend(terms);
        let pattern = TermPattern::AnyOf { start, len: terms.len() as u32 };
        self.rows.push(Row { pattern, written: 0 });
        let id = self.rows.len() as TermId - 1;
        self.by_members.insert(terms.into(), id);
        id
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// Whether two terms that are written alike look for the same: lists may have changed, or words be cut otherwise.
    fn is_same(&mut self, known: TermId, pattern: &Pattern) -> bool {
        match (self.rows[known as usize].pattern, pattern) {
            (TermPattern::AnyOf { .. }, Pattern::AnyOf(entries)) => {
                list_of(&self.lists, known).is_some_and(|list| Arc::ptr_eq(list, entries))
            }
            (TermPattern::Regex(regex), Pattern::Regex(other)) => {
                self.regexes[regex as usize].as_str() == other.as_str()
            }
            (TermPattern::Said(said), other) => self.said[said as usize].is_same_said(other),
            (TermPattern::Word(atom), Pattern::Phrase(pieces)) => match pieces.as_slice() {
                [piece] => self.step(piece) == Step::Word(atom),
                _ => false,
            },
            (TermPattern::Phrase { start, len }, Pattern::Phrase(pieces)) => {
                pieces.len() == len as usize
                    && (start..).zip(pieces).all(|(at, piece)| self.step(piece) == self.steps[at as usize])
            }
            _ => false,
        }
    }

    fn add(&mut self, pattern: &Pattern, written: u32) -> TermId {
        let pattern = match pattern {
            Pattern::Phrase(pieces) => match pieces.as_slice() {
                [piece @ (Piece::Word(_) | Piece::Wildcard { .. } | Piece::Fuzzy { .. })] => match self.step(piece) {
                    Step::Word(atom) => TermPattern::Word(atom),
                    step => self.phrase(&[step]),
                },
                pieces => {
                    let steps: Vec<Step> = pieces.iter().map(|piece| self.step(piece)).collect();
                    self.phrase(&steps)
                }
            },
            Pattern::AnyOf(entries) => {
                let members: Vec<TermId> = entries.iter().map(|entry| self.add(entry, written)).collect();
                let start = self.members.len() as u32;
                self.members.extend(&members);
                // The term's own number: its entries are there by now, and it comes next.
                self.lists.push((self.rows.len() as TermId, Arc::clone(entries)));
                TermPattern::AnyOf { start, len: members.len() as u32 }
            }
            Pattern::InLanguage(lang, inner) => TermPattern::InLanguage { term: self.add(inner, written), lang: *lang },
            Pattern::Beside { what, context } => {
                TermPattern::Beside { what: self.add(what, written), context: self.context(context, written) }
            }
            Pattern::Regex(regex) => {
                self.regexes.push(regex.clone());
                TermPattern::Regex(self.regexes.len() as u32 - 1)
            }
            Pattern::Country(_) | Pattern::Leader(_) => {
                self.said.push(pattern.clone());
                TermPattern::Said(self.said.len() as u32 - 1)
            }
        };
        self.rows.push(Row { pattern, written });
        self.rows.len() as TermId - 1
    }

    /// What everyday words need beside them is the same for many, and large.
    fn context(&mut self, context: &Arc<Pattern>, written: u32) -> TermId {
        if let Some((_, known)) = self.contexts.iter().find(|(other, _)| Arc::ptr_eq(other, context)) {
            return *known;
        }
        let added = self.add(context, written);
        self.contexts.push((Arc::clone(context), added));
        added
    }

    fn phrase(&mut self, steps: &[Step]) -> TermPattern {
        let start = self.steps.len() as u32;
        self.steps.extend(steps);
        TermPattern::Phrase { start, len: steps.len() as u32 }
    }

    fn step(&mut self, piece: &Piece) -> Step {
        match piece {
            Piece::Word(word) => Step::Word(self.atoms.word(word)),
            Piece::Wildcard { text, exact } => Step::Word(self.atoms.wildcard(text, *exact)),
            Piece::Fuzzy { text, edits } => Step::Word(self.atoms.fuzzy(text, *edits)),
            Piece::Designation { whole, parts: [first, second] } => {
                let atoms = [whole, first, second].map(|word| self.atoms.word(word));
                let designations = &mut self.designations;
                Step::Designation(*self.by_designation.entry(atoms).or_insert_with(|| {
                    designations.push(atoms);
                    designations.len() as u32 - 1
                }))
            }
        }
    }

    /// In what share of articles a term is likely to stand.
    pub fn share(&self, term: TermId, rarity: &Rarity) -> f32 {
        match self.rows[term as usize].pattern {
            TermPattern::Word(atom) => self.share_of_atom(atom, rarity),
            TermPattern::Phrase { start, len } => {
                let steps = &self.steps[start as usize..(start + len) as usize];
                let rarest = steps.iter().map(|step| match step {
                    Step::Word(atom) => self.share_of_atom(*atom, rarity),
                    Step::Designation(number) => {
                        2.0 * self.share_of_atom(self.designations[*number as usize][0], rarity)
                    }
                });
                // Words that stand beside each other do so rarely, however often each of them comes.
                rarest.fold(1.0, f32::min) * if len > 1 { 0.1 } else { 1.0 }
            }
            TermPattern::AnyOf { start, len, .. } => {
                let members = &self.members[start as usize..(start + len) as usize];
                members.iter().map(|&member| self.share(member, rarity)).sum::<f32>().min(1.0)
            }
            TermPattern::InLanguage { term, .. } | TermPattern::Beside { what: term, .. } => self.share(term, rarity),
            TermPattern::Regex(regex) => match regex_literals::required(self.regexes[regex as usize].as_str()) {
                Some(choices) => {
                    let guess = |choice: &String| 0.5f32.powi(choice.chars().count().min(10) as i32);
                    choices.iter().map(guess).sum::<f32>().min(1.0)
                }
                None => 1.0,
            },
            TermPattern::Said(_) => 0.3,
        }
    }

    fn share_of_atom(&self, atom: AtomId, rarity: &Rarity) -> f32 {
        match self.atoms.get(atom) {
            // Other forms of the word come beside the one written.
            Atom::Word { folded, measure: Measure::Stem, .. } => 1.5 * rarity.share(self.atoms.text(folded)),
            Atom::Word { folded, .. } => rarity.share(self.atoms.text(folded)),
            Atom::Wildcard { pattern, .. } => {
                let letters = self.atoms.text(pattern).chars().filter(|c| !matches!(c, '*' | '?')).count();
                0.6f32.powi(letters.min(16) as i32)
            }
            Atom::Fuzzy { folded, edits } => f32::from(1 + 2 * edits) * rarity.share(self.atoms.text(folded)),
        }
    }

    /// Whether an article can be told not to hold a term without looking for it.
    pub fn has_sign(&self, term: TermId) -> bool {
        match self.rows[term as usize].pattern {
            TermPattern::Regex(regex) => regex_literals::required(self.regexes[regex as usize].as_str()).is_some(),
            _ => true,
        }
    }

    /// Whether a term asks what the article says.
    pub fn is_said(&self, term: TermId) -> bool {
        match self.rows[term as usize].pattern {
            TermPattern::Said(_) => true,
            TermPattern::AnyOf { start, len, .. } => {
                self.members[start as usize..(start + len) as usize].iter().any(|&member| self.is_said(member))
            }
            TermPattern::InLanguage { term, .. } | TermPattern::Beside { what: term, .. } => self.is_said(term),
            TermPattern::Word(_) | TermPattern::Phrase { .. } | TermPattern::Regex(_) => false,
        }
    }

    /// Files the terms.
    pub fn build(self) -> Terms {
        let Self {
            atoms, mut rows, mut written, mut steps, designations, mut members, lists, mut regexes, said, ..
        } = self;
        let (mut by_atom, mut by_pair, mut made_of) = (Vec::new(), Vec::new(), Vec::new());
        let (mut literals, mut of_literal) = (Vec::new(), Vec::new());
        let (mut unsigned, mut said_terms) = (Vec::new(), Vec::new());
        for (id, row) in (0..).zip(&rows) {
            match row.pattern {
                TermPattern::Word(atom) => by_atom.push((atom, id)),
                TermPattern::Phrase { start, len } => {
                    for sign in signs(&steps[start as usize..(start + len) as usize], &designations) {
                        match sign {
                            Sign::Word(atom) => by_atom.push((atom, id)),
                            Sign::Pair(first, second) => by_pair.push(((first, second), id)),
                        }
                    }
                }
                TermPattern::AnyOf { start, len, .. } => {
                    let entries = &members[start as usize..(start + len) as usize];
                    made_of.extend(entries.iter().map(|&entry| (entry, id)));
                }
                TermPattern::InLanguage { term, .. } | TermPattern::Beside { what: term, .. } => {
                    made_of.push((term, id))
                }
                TermPattern::Regex(regex) => match regex_literals::required(regexes[regex as usize].as_str()) {
                    Some(choices) => {
                        of_literal.extend(choices.iter().map(|_| id));
                        literals.extend(choices);
                    }
                    None => unsigned.push(id),
                },
                TermPattern::Said(_) => said_terms.push(id),
            }
        }
        let literals = match AhoCorasick::new(&literals) {
            Ok(automaton) if !literals.is_empty() => Some((automaton, of_literal)),
            // Too many for one automaton: all are tried.
            _ => {
                unsigned.extend(of_literal);
                None
            }
        };
        let atoms = atoms.build();
        rows.shrink_to_fit();
        written.shrink();
        steps.shrink_to_fit();
        members.shrink_to_fit();
        regexes.shrink_to_fit();
        let mut are_parts = Marks::new(rows.len());
        made_of.iter().for_each(|&(part, _)| _ = are_parts.set(part));
        let made_of = if made_of.is_empty() { Groups::default() } else { Groups::new(rows.len(), &made_of) };
        Terms {
            by_atom: Groups::new(atoms.count(), &by_atom),
            pairs: Pairs::new(atoms.count(), by_pair),
            made_of,
            are_parts,
            literals,
            unsigned,
            said_terms,
            atoms,
            rows,
            written,
            steps,
            designations,
            members,
            lists,
            regexes,
            said,
        }
    }
}

/// By what a phrase is noticed, whichever way it is written in a text.
fn signs(steps: &[Step], designations: &[[AtomId; 3]]) -> Vec<Sign> {
    let first_words = |step: &Step| match *step {
        Step::Word(atom) => vec![atom],
        Step::Designation(number) => designations[number as usize][..2].to_vec(),
    };
    let beside = |atom: AtomId| match steps.get(1) {
        Some(next) => first_words(next).into_iter().map(|next| Sign::Pair(atom, next)).collect(),
        None => vec![Sign::Word(atom)],
    };
    match steps.first() {
        Some(&Step::Word(atom)) => beside(atom),
        Some(&Step::Designation(number)) => {
            let [whole, first, second] = designations[number as usize];
            let mut signs = beside(whole);
            signs.push(Sign::Pair(first, second));
            signs
        }
        None => Vec::new(),
    }
}

//! Watches compiled together: one dictionary of what they look for, their trees, and under what each is filed.
//!
//! A shelf never changes once it is built. A set of watches is a few shelves; one that is added comes on a shelf of its
//! own, which is later joined with others.

use rustc_hash::FxHashMap;

use super::{
    code::{self, Node, Tree},
    dictionary::{Dictionary, Groups, Marks},
    literals::{self, Filing, Key, WITNESSES, Witness, Worth},
    rarity::Rarity,
    terms::{Terms, TermsBuilder},
};
use crate::{
    config::FeedSelector,
    watch::language::checked::{CheckedNode, CheckedQuery, CheckedTerm, Question},
};

/// A watch by its number on its shelf.
pub type ShelfIndex = u32;

/// Watches, ready to be matched.
#[derive(Debug)]
pub struct Shelf {
    /// What they look for.
    pub terms: Terms,
    /// What they ask, with each question as the query has it.
    pub questions: Vec<(Box<str>, Question)>,
    /// Of each watch, side by side so that a look at one is a look at one place: its number in the set, its choice of feeds,
    /// its tree.
    code: Vec<u32>,
    /// Where each watch begins in `code`.
    watches: Vec<u32>,
    ids: Dictionary,
    /// Which feeds watches read; each choice once.
    feed_choices: Vec<Vec<FeedSelector>>,
    /// Watches that refer to others.
    referring: Vec<ShelfIndex>,
    filed: Filed,
}

/// What stands before a tree.
const HEAD: usize = 2;

/// Watches by what they need.
#[derive(Debug)]
pub struct Filed {
    by_term: Groups<Entry>,
    /// The terms under which any watch is filed.
    terms: Marks,
    by_question: Groups<Entry>,
    /// The questions under which any watch is filed.
    pub questions: Vec<u32>,
    /// Of the questions under which any watch is filed, those about other watches, by the id that they ask for.
    pub references: FxHashMap<Box<str>, Vec<u32>>,
    /// Watches that must be looked at for every article.
    pub nowhere: Vec<ShelfIndex>,
    /// Whether a watch is filed under what an article says.
    pub under_findings: bool,
}

/// A watch under one of its keys.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Which.
    pub watch: ShelfIndex,
    /// Terms that must be there too; [`NO_WITNESS`] where there are fewer.
    pub witnesses: [u32; WITNESSES],
}

/// Stands for a witness that is not there.
pub const NO_WITNESS: u32 = u32::MAX;

/// A watch as it is put on a shelf.
#[derive(Debug, Clone)]
pub struct NewWatch<'a> {
    /// As configured.
    pub id: &'a str,
    /// Which feeds it reads; none for all.
    pub feeds: &'a [FeedSelector],
    /// Its number in the set.
    pub slot: u32,
    /// What it asks.
    pub query: &'a CheckedQuery,
}

/// Puts watches on a shelf.
#[derive(Debug)]
pub struct ShelfBuilder<'r> {
    rarity: &'r Rarity,
    terms: TermsBuilder,
    questions: Vec<(Box<str>, Question)>,
    by_question: FxHashMap<Box<str>, Vec<u32>>,
    code: Vec<u32>,
    watches: Vec<u32>,
    ids: Dictionary,
    feed_choices: Vec<Vec<FeedSelector>>,
    by_feeds: FxHashMap<Vec<FeedSelector>, u32>,
    filings: Vec<(Key, Entry)>,
    nowhere: Vec<ShelfIndex>,
}

impl<'r> ShelfBuilder<'r> {
    /// Empty. Watches are filed by what `rarity` knows now.
    pub fn new(rarity: &'r Rarity) -> Self {
        Self {
            rarity,
            terms: TermsBuilder::default(),
            questions: Vec::new(),
            by_question: FxHashMap::default(),
            code: Vec::new(),
            watches: Vec::new(),
            ids: Dictionary::default(),
            feed_choices: Vec::new(),
            by_feeds: FxHashMap::default(),
            filings: Vec::new(),
            nowhere: Vec::new(),
        }
    }

    /// Adds a watch whose id is not on the shelf yet. Gives whether it could be filed, so that it need not be looked at
    /// for every article.
    pub fn add(&mut self, watch: &NewWatch<'_>) -> bool {
        let index = self.watches.len() as ShelfIndex;
        let terms: Vec<u32> = watch.query.terms.iter().map(|term| self.terms.term(term)).collect();
        let feeds = match self.by_feeds.get(watch.feeds) {
            Some(&known) => known,
            None => {
                self.feed_choices.push(watch.feeds.to_vec());
                self.by_feeds.insert(watch.feeds.to_vec(), self.feed_choices.len() as u32 - 1);
                self.feed_choices.len() as u32 - 1
            }
        };
        self.watches.push(self.code.len() as u32);
        let mut code = std::mem::take(&mut self.code);
        code.extend([watch.slot, feeds]);
        code::write(&watch.query.root, &mut code, &mut |term| terms[term], &mut |node| self.question(node));
        self.code = code;
        // Of two watches of one id the first is found by it; numbers must not drift apart.
        let mut id = watch.id.to_owned();
        while self.ids.get(&id).is_some() {
            id.push('\u{0}');
        }
        self.ids.intern(&id);
        let Some(Filing { keys, witnesses }) =
            literals::filing(&watch.query.root, &mut Worthy { shelf: self, terms: &terms })
        else {
            self.nowhere.push(index);
            return false;
        };
        let mut entry = Entry { watch: index, witnesses: [NO_WITNESS; WITNESSES] };
        for (at, witness) in entry.witnesses.iter_mut().zip(witnesses) {
            *at = match witness {
                Witness::Term(term) => term,
                Witness::AnyOf(terms) => self.terms.any_of(&terms),
            };
        }
        self.filings.extend(keys.into_iter().map(|key| (key, entry)));
        true
    }

    fn question(&mut self, node: &CheckedNode) -> u32 {
        let CheckedNode::About { written, question } = node else { return 0 };
        let alike = self.by_question.entry(written.as_str().into()).or_default();
        if let Some(&known) = alike.iter().find(|&&known| self.questions[known as usize].1 == *question) {
            return known;
        }
        let id = self.questions.len() as u32;
        self.questions.push((written.as_str().into(), question.clone()));
        alike.push(id);
        id
    }

    /// Files them.
    pub fn build(self) -> Shelf {
        let Self { terms, questions, mut code, mut watches, mut ids, feed_choices, filings, mut nowhere, .. } = self;
        let (mut by_term, mut by_question, mut under_findings) = (Vec::new(), Vec::new(), false);
        for &(key, entry) in &filings {
            match key {
                Key::Term(term) => {
                    under_findings |= terms.is_said(term);
                    by_term.push((term, entry));
                }
                Key::Question(question) => {
                    under_findings |= questions[question as usize].1.needs_findings();
                    by_question.push((question, entry));
                }
            }
        }
        let mut filed_terms = Marks::new(terms.count());
        by_term.iter().for_each(|&(term, _)| _ = filed_terms.set(term));
        let mut filed_questions: Vec<u32> = by_question.iter().map(|&(question, _)| question).collect();
        filed_questions.sort_unstable();
        filed_questions.dedup();
        let mut references: FxHashMap<Box<str>, Vec<u32>> = FxHashMap::default();
        for &question in &filed_questions {
            if let Question::Watch(watches) = &questions[question as usize].1 {
                for id in watches {
                    references.entry(id.as_str().into()).or_default().push(question);
                }
            }
        }
        code.shrink_to_fit();
        watches.shrink_to_fit();
        nowhere.shrink_to_fit();
        ids.shrink();
        let mut shelf = Shelf {
            filed: Filed {
                by_term: Groups::new(terms.count(), &by_term),
                terms: filed_terms,
                by_question: Groups::new(questions.len(), &by_question),
                questions: filed_questions,
                references,
                nowhere,
                under_findings,
            },
            terms: terms.build(),
            questions,
            code,
            watches,
            ids,
            feed_choices,
            referring: Vec::new(),
        };
        if shelf.questions.iter().any(|(_, question)| matches!(question, Question::Watch(_))) {
            shelf.referring =
                (0..shelf.len() as ShelfIndex).filter(|&watch| !shelf.referred(watch).is_empty()).collect();
        }
        shelf
    }
}

/// A query's leaves by how rare they are.
struct Worthy<'s, 'r> {
    shelf: &'s mut ShelfBuilder<'r>,
    terms: &'s [u32],
}

impl Worth for Worthy<'_, '_> {
    fn term(&mut self, term: usize) -> Option<(u32, f32)> {
        let term = self.terms[term];
        let terms = &self.shelf.terms;
        terms.has_sign(term).then(|| (term, terms.share(term, self.shelf.rarity)))
    }

    fn question(&mut self, node: &CheckedNode) -> u32 {
        self.shelf.question(node)
    }
}

impl Filed {
    /// Watches filed under a term.
    pub fn under_term(&self, term: u32) -> &[Entry] {
        if self.terms.has(term) { self.by_term.of(term) } else { &[] }
    }

    /// Watches filed under a question.
    pub fn under_question(&self, question: u32) -> &[Entry] {
        self.by_question.of(question)
    }
}

impl Shelf {
    /// How many watches there are.
    pub fn len(&self) -> usize {
        self.watches.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// Watches by what they need.
    pub fn filed(&self) -> &Filed {
        &self.filed
    }

    /// The watch of that id.
    pub fn find(&self, id: &str) -> Option<ShelfIndex> {
        self.ids.get(id)
    }

    /// A watch's id.
    pub fn id(&self, watch: ShelfIndex) -> &str {
        self.ids.text(watch)
    }

    /// A watch's number in the set.
    pub fn slot(&self, watch: ShelfIndex) -> u32 {
        self.code[self.watches[watch as usize] as usize]
    }

    /// What a watch asks.
    pub fn tree(&self, watch: ShelfIndex) -> Tree<'_> {
        Tree::at(&self.code[self.watches[watch as usize] as usize + HEAD..])
    }

    /// Which feeds a watch reads, by its number among the choices.
    pub fn feed_choice(&self, watch: ShelfIndex) -> u32 {
        self.code[self.watches[watch as usize] as usize + 1]
    }

    /// Every choice of feeds.
    pub fn feed_choices(&self) -> &[Vec<FeedSelector>] {
        &self.feed_choices
    }

    /// A leaf of a query as that has it.
    pub fn written(&self, leaf: Key) -> &str {
        match leaf {
            Key::Term(term) => self.terms.written(term),
            Key::Question(question) => &self.questions[question as usize].0,
        }
    }

    /// The watches that refer to others.
    pub fn referring(&self) -> &[ShelfIndex] {
        &self.referring
    }

    /// The watches that a watch refers to.
    pub fn referred(&self, watch: ShelfIndex) -> Vec<&str> {
        let mut referred = Vec::new();
        self.each_leaf(self.tree(watch), &mut |leaf| {
            if let Key::Question(question) = leaf
                && let Question::Watch(ids) = &self.questions[question as usize].1
            {
                referred.extend(ids.iter().map(String::as_str));
            }
        });
        referred
    }

    fn each_leaf(&self, tree: Tree<'_>, see: &mut dyn FnMut(Key)) {
        match tree.node() {
            Node::Term(term) => see(Key::Term(term)),
            Node::About(question) => see(Key::Question(question)),
            Node::And { nodes, .. } | Node::Or(nodes) | Node::AtLeast(_, nodes) => {
                nodes.for_each(|node| self.each_leaf(node, see));
            }
            Node::Not(inner) | Node::Scope(_, inner) | Node::Count(_, inner) => self.each_leaf(inner, see),
            Node::Near { left, right, .. } => {
                self.each_leaf(left, see);
                self.each_leaf(right, see);
            }
        }
    }

    /// A watch's query again as the checker gave it.
    pub fn query(&self, watch: ShelfIndex) -> CheckedQuery {
        let mut terms: Vec<CheckedTerm> = Vec::new();
        let mut numbers: FxHashMap<u32, usize> = FxHashMap::default();
        let mut term = |id: u32| {
            *numbers.entry(id).or_insert_with(|| {
                terms.push(self.terms.checked(id));
                terms.len() - 1
            })
        };
        let about = |id: u32| {
            let (written, question) = &self.questions[id as usize];
            CheckedNode::About { written: written.to_string(), question: question.clone() }
        };
        let root = self.tree(watch).read(&mut term, &about);
        CheckedQuery { root, terms }
    }
}

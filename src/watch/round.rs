//! One article going round a set of watches.
//!
//! Each shelf is read once for which of its terms the article has; what watches are filed under those are candidates, and
//! a candidate's tree is walked, first with nothing but what is there at all, then in full.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use rustc_hash::FxHashMap;

use super::{
    engine::{
        article::ArticleIndex,
        code::{Node, Tree},
        dictionary::Marks,
        evaluate::{Evaluator, Referred, Verdict},
        positions::{Steps, Undecided},
        postings::Postings,
        shelf::{Entry, NO_WITNESS, Shelf, ShelfIndex},
    },
    language::checked::Question,
};
use crate::{article::Article, config::FeedSelector};

/// Watches may refer to watches so deep; each level is a level of recursion.
pub const REFERENCES_DEEP_MAX: usize = 32;

/// A shelf, less the watches that were removed.
#[derive(Debug, Clone)]
pub struct Held {
    /// The shelf.
    pub shelf: Arc<Shelf>,
    /// Which of its watches.
    pub removed: Arc<Marks>,
    /// How many of them.
    pub removed_count: usize,
}

/// One article and a set's shelves.
pub struct Round<'a> {
    now: DateTime<Utc>,
    shelves: Vec<Reading<'a>>,
    /// How many watches are being asked because another asks them.
    deep: Cell<usize>,
    /// Whether a watch that others refer to matched, once it is known.
    answers: RefCell<FxHashMap<WatchPlace, Result<bool, Undecided>>>,
}

/// A shelf, and what of it stands in the article.
struct Reading<'a> {
    held: &'a Held,
    postings: Postings<'a>,
    /// By choice of feeds: whether it takes in the article's.
    reads: Vec<bool>,
}

/// A watch: its shelf, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WatchPlace {
    /// Index of the shelf in the set.
    pub shelf: usize,
    /// Number on the shelf.
    pub watch: ShelfIndex,
}

/// What became of the watches that were looked at.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Those that matched, with their evidence.
    pub matched: Vec<(WatchPlace, Verdict)>,
    /// Those that ran out of steps.
    pub undecided: Vec<WatchPlace>,
    /// How many were looked at.
    pub candidates: usize,
}

impl Held {
    /// A shelf with all its watches.
    pub fn new(shelf: Shelf) -> Self {
        Self { removed: Arc::new(Marks::new(shelf.len())), removed_count: 0, shelf: Arc::new(shelf) }
    }

    /// How many are left.
    pub fn len(&self) -> usize {
        self.shelf.len() - self.removed_count
    }
}

impl<'a> Round<'a> {
    /// Reads the article for every shelf.
    pub fn new(index: &'a ArticleIndex<'a>, shelves: &'a [Held], now: DateTime<Utc>) -> Self {
        let readings = shelves.iter().map(|held| Reading {
            held,
            postings: Postings::new(index, &held.shelf.terms, held.shelf.filed().under_findings),
            reads: held.shelf.feed_choices().iter().map(|choice| reads(choice, index.article)).collect(),
        });
        Self { now, shelves: readings.collect(), deep: Cell::new(0), answers: RefCell::default() }
    }

    /// Every watch that matches.
    pub fn go(&self) -> Outcome {
        let mut outcome = Outcome::default();
        let mut seen: Vec<Marks> = self.shelves.iter().map(|reading| Marks::new(reading.held.shelf.len())).collect();
        let mut waiting: Vec<WatchPlace> = Vec::new();
        for (shelf, reading) in self.shelves.iter().enumerate() {
            let filed = reading.held.shelf.filed();
            let mut add = |entry: &Entry| {
                let has = |&witness: &u32| witness == NO_WITNESS || reading.postings.has(witness);
                if entry.witnesses.iter().all(has) && seen[shelf].set(entry.watch) {
                    waiting.push(WatchPlace { shelf, watch: entry.watch });
                }
            };
            for &term in reading.postings.present() {
                filed.under_term(term).iter().for_each(&mut add);
            }
            for &question in &filed.questions {
                let is_reference = matches!(reading.held.shelf.questions[question as usize].1, Question::Watch(_));
                // Only `watch:` can be undecided, and is not asked here.
                if !is_reference && self.evaluator(shelf).holds(question) == Ok(true) {
                    filed.under_question(question).iter().for_each(&mut add);
                }
            }
            for &watch in &filed.nowhere {
                if seen[shelf].set(watch) {
                    waiting.push(WatchPlace { shelf, watch });
                }
            }
        }
        while let Some(place) = waiting.pop() {
            let reading = &self.shelves[place.shelf];
            if !self.is_asked(place) || !reading.may_hold(reading.held.shelf.tree(place.watch)) {
                continue;
            }
            outcome.candidates += 1;
            match self.verdict(place) {
                Ok(verdict) if !verdict.matched => continue,
                Ok(verdict) => outcome.matched.push((place, verdict)),
                Err(Undecided) => outcome.undecided.push(place),
            }
            // A watch that is filed under this one is a candidate now.
            if self.shelves.iter().all(|other| other.held.shelf.filed().references.is_empty()) {
                continue;
            }
            let id = reading.held.shelf.id(place.watch);
            for (shelf, other) in self.shelves.iter().enumerate() {
                let filed = other.held.shelf.filed();
                for &question in filed.references.get(id).into_iter().flatten() {
                    for entry in filed.under_question(question) {
                        if seen[shelf].set(entry.watch) {
                            waiting.push(WatchPlace { shelf, watch: entry.watch });
                        }
                    }
                }
            }
        }
        outcome
    }

    /// Whether the article names what some watch is after: a word or phrase of its query, a person or country that it asks
    /// for; or, where it asks for a topic, anybody at all (`names_anybody`).
    pub fn names_any(&self, names_anybody: bool) -> bool {
        self.shelves.iter().enumerate().any(|(shelf, reading)| {
            let held = &reading.held.shelf;
            let has_nothing = reading.postings.present().is_empty() && held.questions.is_empty();
            !has_nothing
                && (0..held.len() as ShelfIndex).any(|watch| {
                    self.is_asked(WatchPlace { shelf, watch }) && self.names(shelf, held.tree(watch), names_anybody)
                })
        })
    }

    fn names(&self, shelf: usize, tree: Tree<'_>, names_anybody: bool) -> bool {
        let names = |tree: Tree<'_>| self.names(shelf, tree, names_anybody);
        let reading = &self.shelves[shelf];
        match tree.node() {
            Node::Term(term) => reading.postings.has(term) && !reading.postings.hits(term).is_empty(),
            Node::And { mut nodes, .. } | Node::Or(mut nodes) | Node::AtLeast(_, mut nodes) => nodes.any(names),
            Node::Near { left, right, .. } => names(left) || names(right),
            Node::Scope(_, inner) | Node::Count(_, inner) => names(inner),
            // What an article must not have is not what anybody is after.
            Node::Not(_) => false,
            Node::About(question) => match &reading.held.shelf.questions[question as usize].1 {
                Question::Leader(_) | Question::Country(_) => self.evaluator(shelf).holds(question) == Ok(true),
                other => other.needs_findings() && names_anybody,
            },
        }
    }

    /// One watch's answer, whether it is a candidate or not.
    pub fn verdict(&self, place: WatchPlace) -> Result<Verdict, Undecided> {
        self.evaluator(place.shelf).verdict(self.shelves[place.shelf].held.shelf.tree(place.watch))
    }

    /// Whether a watch is still there, and reads the article's feed.
    pub fn is_asked(&self, place: WatchPlace) -> bool {
        let reading = &self.shelves[place.shelf];
        let choice = reading.held.shelf.feed_choice(place.watch);
        reading.reads[choice as usize] && !reading.held.removed.has(place.watch)
    }

    /// What evaluates the queries of a shelf.
    pub fn evaluator(&self, shelf: usize) -> Evaluator<'_, 'a> {
        let reading = &self.shelves[shelf];
        Evaluator {
            shelf: &reading.held.shelf,
            postings: &reading.postings,
            watches: self,
            now: self.now,
            steps: Steps::default(),
        }
    }
}

impl Referred for Round<'_> {
    fn matches(&self, id: &str) -> Result<bool, Undecided> {
        let Some(place) = find(self.shelves.iter().map(|reading| reading.held), id) else { return Ok(false) };
        if !self.is_asked(place) {
            return Ok(false);
        }
        if let Some(answer) = self.answers.borrow().get(&place) {
            return *answer;
        }
        // Watches refer no deeper when they are compiled together; this holds however they came.
        if self.deep.get() >= REFERENCES_DEEP_MAX {
            return Err(Undecided);
        }
        self.deep.set(self.deep.get() + 1);
        let reading = &self.shelves[place.shelf];
        let answer = match reading.may_hold(reading.held.shelf.tree(place.watch)) {
            true => self.verdict(place).map(|verdict| verdict.matched),
            false => Ok(false),
        };
        self.deep.set(self.deep.get() - 1);
        self.answers.borrow_mut().insert(place, answer);
        answer
    }
}

/// Where a watch stands now.
pub fn find<'h>(shelves: impl Iterator<Item = &'h Held>, id: &str) -> Option<WatchPlace> {
    shelves.enumerate().find_map(|(shelf, held)| {
        let watch = held.shelf.find(id).filter(|&watch| !held.removed.has(watch))?;
        Some(WatchPlace { shelf, watch })
    })
}

impl Reading<'_> {
    /// False where a query surely does not hold, judged by which of its terms are there at all.
    fn may_hold(&self, tree: Tree<'_>) -> bool {
        match tree.node() {
            Node::Term(term) => self.postings.has(term),
            Node::And { mut nodes, .. } => nodes.all(|node| self.may_hold(node)),
            Node::Or(mut nodes) => nodes.any(|node| self.may_hold(node)),
            Node::AtLeast(needed, nodes) => {
                nodes.filter(|&node| self.may_hold(node)).take(needed as usize).count() == needed as usize
            }
            Node::Near { left, right, .. } => self.may_hold(left) && self.may_hold(right),
            Node::Scope(_, inner) | Node::Count(_, inner) => self.may_hold(inner),
            Node::Not(_) | Node::About(_) => true,
        }
    }
}

/// Whether any watch of these choices of feeds sees an article.
pub fn any_reads(choices: &[Vec<FeedSelector>], article: &Article) -> bool {
    choices.iter().any(|choice| reads(choice, article))
}

/// Whether a watch of these feeds sees an article. One that stands in no feed is seen by every watch.
fn reads(choice: &[FeedSelector], article: &Article) -> bool {
    let Some(feed) = &article.feed else { return true };
    choice.is_empty()
        || choice.iter().any(|selector| match selector {
            FeedSelector::Id(id) => *id == feed.id,
            FeedSelector::Tag(tag) => feed.tags.contains(tag),
        })
}

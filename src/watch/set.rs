//! Many watches over one article; watches come and go while articles are matched.

mod checking;
mod references;

use std::{
    collections::BTreeMap,
    ops::Deref,
    path::Path,
    sync::{Arc, mpsc::sync_channel},
};

use chrono::{DateTime, NaiveDate, Utc};
use rustc_hash::FxHashSet;

use checking::{BLOCK, Beside, Checking, THREADS_MAX};

use super::{
    engine::{
        article::{ArticleIndex, LazyFindings},
        explain,
        rarity::Rarity,
        shelf::{NewWatch, Shelf, ShelfBuilder},
    },
    found::{Findings, NearMiss},
    language::{self, CheckedQuery, check::WatchNames},
    matched::{self, Explained, Matched, WatchHit},
    pack::Packs,
    round::{self, Held, Outcome, Round, WatchPlace},
};
use crate::{
    article::{
        Article,
        segment::{self, AnalysedText},
    },
    config::{FeedSettings, Place, Problem, WatchSettings},
};

/// What queries may refer to.
#[derive(Debug, Clone, Copy)]
pub struct CompileContext<'a> {
    /// From `[lists]`.
    pub lists: &'a BTreeMap<String, Vec<String>>,
    /// Every feed; none where articles come from a command line.
    pub feeds: &'a [FeedSettings],
    /// What packs declare.
    pub packs: &'a SharedPacks,
}

/// The packs that queries and findings read: those of the program, or with a user's folder.
#[derive(Debug, Clone)]
pub enum SharedPacks {
    /// Read once for all.
    BuiltIn,
    /// Read for this config.
    Loaded(Arc<Packs>),
}

impl SharedPacks {
    /// The program's packs, with those of a folder in their place or beside them.
    pub fn read(folder: Option<&Path>) -> Result<Self, Vec<Problem>> {
        match folder {
            None => Ok(Self::BuiltIn),
            Some(folder) => Ok(Self::Loaded(Arc::new(Packs::with_folder(folder)?))),
        }
    }
}

impl Deref for SharedPacks {
    type Target = Packs;

    fn deref(&self) -> &Packs {
        match self {
            Self::BuiltIn => Packs::built_in(),
            Self::Loaded(packs) => packs,
        }
    }
}

/// What came of compiling.
#[derive(Debug)]
pub struct Compiled {
    /// `None` where any query has an error.
    pub set: Option<WatchSet>,
    /// Errors and warnings of all queries, watch by watch.
    pub problems: Vec<Problem>,
}

/// Watches, ready to be asked about articles. Never changes: one that is added or removed makes a new set, which shares
/// nearly all with the old; whoever holds the old one goes on with it.
#[derive(Debug, Clone)]
pub struct WatchSet {
    shelves: Vec<Held>,
    /// Numbers that were given to watches so far.
    slots: u32,
    packs: SharedPacks,
    rarity: Arc<Rarity>,
}

/// Shelves of together no more watches than this are joined when one comes: some of the millisecond that adding may take.
const JOINED_AT_ONCE_MAX: usize = 64;
/// So many shelves cost an article more than they should; see [`WatchSet::is_scattered`].
const SHELVES_MAX: usize = 8;
/// One article of so many is counted for how rare words are.
const LEARNED_OF: u32 = 4;

impl WatchSet {
    /// Compiles watches; all that is wrong with any of them is told at once. The watches are numbered as they stand.
    pub fn compile(watches: &[WatchSettings], context: CompileContext<'_>) -> Compiled {
        Self::compile_with(watches, context, Arc::default())
    }

    /// The same, filed by what is known of how rare words are.
    pub fn compile_with(watches: &[WatchSettings], context: CompileContext<'_>, rarity: Arc<Rarity>) -> Compiled {
        Self::compile_among(watches, context, false, rarity)
    }

    /// The errors of queries of which the config has others too. Where it `may_lack_names`, because a feed, list or
    /// watch could not be read, a name that is not there is no error.
    pub fn errors(watches: &[WatchSettings], context: CompileContext<'_>, may_lack_names: bool) -> Vec<Problem> {
        let mut problems = Self::compile_among(watches, context, may_lack_names, Arc::default()).problems;
        problems.retain(Problem::is_error);
        problems
    }

    fn compile_among(
        watches: &[WatchSettings],
        context: CompileContext<'_>,
        may_lack_names: bool,
        rarity: Arc<Rarity>,
    ) -> Compiled {
        let ids: FxHashSet<&str> = watches.iter().map(|watch| watch.id.as_str()).collect();
        let mut set = Self { shelves: Vec::new(), slots: 0, packs: context.packs.clone(), rarity };
        let (shelf, mut problems) = set.shelve(watches, context, &ids, may_lack_names);
        set.slots = watches.len() as u32;
        set.shelves.push(Held::new(shelf));
        let has_error = |problems: &[Problem]| problems.iter().any(Problem::is_error);
        if !may_lack_names && !has_error(&problems) {
            problems.extend(set.circle(watches));
        }
        Compiled { set: (!has_error(&problems)).then_some(set), problems }
    }

    /// Those of `watches` that can be read, on a shelf of their own, and what is wrong with any.
    fn shelve(
        &self,
        watches: &[WatchSettings],
        context: CompileContext<'_>,
        names: &(dyn WatchNames + Sync),
        may_lack_names: bool,
    ) -> (Shelf, Vec<Problem>) {
        let checking = Checking::new(context, names, may_lack_names);
        let mut problems = Vec::new();
        let mut builder = ShelfBuilder::new(&self.rarity);
        let mut slots = self.slots..;
        let mut shelve = |watch: &WatchSettings, (query, found): (Option<CheckedQuery>, Vec<Problem>)| {
            let Some(slot) = slots.next() else { return };
            let is_odd = !found.is_empty();
            problems.extend(found);
            let Some(query) = query else { return };
            let is_filed = builder.add(&NewWatch { id: watch.id.as_str(), feeds: &watch.feeds, slot, query: &query });
            if !is_filed && !is_odd {
                let message =
                    "nothing in this query must stand in a text word for word, so every article is searched for it";
                problems.push(Problem::warning(message).at(whole(watch)).help("add a word that must be there"));
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        let blocks: Vec<&[WatchSettings]> = watches.chunks(BLOCK).collect();
        if threads == 1 || blocks.len() == 1 {
            checking.each(watches, |watch, checked| shelve(watch, checked));
            return (builder.build(), problems);
        }
        // Queries are read on all cores and shelved in their order here. A thread is one block ahead at the most, so that
        // not all trees are in memory at once.
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..threads)
                .map(|first| {
                    let (send, receive) = sync_channel(1);
                    let (checking, blocks) = (&checking, &blocks);
                    scope.spawn(move || {
                        for block in blocks.iter().skip(first).step_by(threads) {
                            let mut checked = Vec::with_capacity(block.len());
                            checking.each(block, |_, one| checked.push(one));
                            if send.send(checked).is_err() {
                                return;
                            }
                        }
                    });
                    receive
                })
                .collect();
            for (block, reader) in blocks.iter().zip(readers.iter().cycle()) {
                // A reader that panicked passes its panic on at the end of the scope.
                let Ok(checked) = reader.recv() else { return };
                block.iter().zip(checked).for_each(|(watch, checked)| shelve(watch, checked));
            }
        });
        (builder.build(), problems)
    }

    /// The set with one watch more, whose number is [`Self::next_slot`] of the old set; one with its id must have been
    /// removed before. Costs well under a millisecond, save where the watch is compared with long lists.
    pub fn with(&self, watch: &WatchSettings, context: CompileContext<'_>) -> Compiled {
        let names = Beside { set: self, id: watch.id.as_str() };
        let (shelf, mut problems) = self.shelve(std::slice::from_ref(watch), context, &names, false);
        let mut set = self.clone();
        set.slots += 1;
        set.shelves.push(Held::new(shelf));
        if !problems.iter().any(Problem::is_error) {
            problems.extend(set.circle(std::slice::from_ref(watch)));
        }
        while let [.., before, last] = set.shelves.as_slice()
            && before.len() + last.len() <= JOINED_AT_ONCE_MAX
        {
            let joined = set.join(&set.shelves[set.shelves.len() - 2..]);
            set.shelves.truncate(set.shelves.len() - 2);
            set.shelves.push(joined);
        }
        Compiled { set: (!problems.iter().any(Problem::is_error)).then_some(set), problems }
    }

    /// The set with one watch less; `None` where there is no such watch.
    pub fn without(&self, id: &str) -> Option<Self> {
        let place = round::find(self.shelves.iter(), id)?;
        let mut set = self.clone();
        let held = &mut set.shelves[place.shelf];
        Arc::make_mut(&mut held.removed).set(place.watch);
        held.removed_count += 1;
        if held.len() == 0 {
            set.shelves.remove(place.shelf);
        }
        Some(set)
    }

    /// The number that the next watch gets.
    pub fn next_slot(&self) -> usize {
        self.slots as usize
    }

    /// Whether the set has come to so many shelves, or keeps so many watches that were removed, that it should be put in
    /// order.
    pub fn is_scattered(&self) -> bool {
        let removed: usize = self.shelves.iter().map(|held| held.removed_count).sum();
        self.shelves.len() > SHELVES_MAX || removed > 1000 && removed > self.len() / 4
    }

    /// The same watches on one shelf, each filed by what is known now of how rare words are. Takes some ten microseconds
    /// a watch, so not to be done while somebody waits.
    #[must_use]
    pub fn in_order(&self) -> Self {
        Self { shelves: vec![self.join(&self.shelves)], ..self.clone() }
    }

    fn join(&self, shelves: &[Held]) -> Held {
        let mut builder = ShelfBuilder::new(&self.rarity);
        for held in shelves {
            for watch in (0..held.shelf.len() as u32).filter(|&watch| !held.removed.has(watch)) {
                let shelf = &held.shelf;
                builder.add(&NewWatch {
                    id: shelf.id(watch),
                    feeds: &shelf.feed_choices()[shelf.feed_choice(watch) as usize],
                    slot: shelf.slot(watch),
                    query: &shelf.query(watch),
                });
            }
        }
        Held::new(builder.build())
    }

    /// How many watches there are.
    pub fn len(&self) -> usize {
        self.shelves.iter().map(Held::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many watches must be looked at for every article, because nothing in their queries must be there.
    pub fn unfiled(&self) -> usize {
        let is_there = |held: &Held| {
            let nowhere = held.shelf.filed().nowhere.iter();
            nowhere.filter(|&&watch| !held.removed.has(watch)).count()
        };
        self.shelves.iter().map(is_there).sum()
    }

    /// How rare words are, as far as this set has read.
    pub fn rarity(&self) -> &Arc<Rarity> {
        &self.rarity
    }

    /// Which watches match, and what they hit. `now` is the wall clock; `roles_on` the day by which roles are looked up
    /// where the article has none of its own.
    pub fn matches(&self, article: &Article, now: DateTime<Utc>, roles_on: Option<NaiveDate>) -> Matched {
        if self.shelves.iter().all(|held| held.len() == 0 || !round::any_reads(held.shelf.feed_choices(), article)) {
            return Matched::default();
        }
        self.matches_text(article, &segment::analyse(article), now, roles_on)
    }

    /// The same for an article whose `text` was cut into words before.
    pub fn matches_text(
        &self,
        article: &Article,
        text: &AnalysedText,
        now: DateTime<Utc>,
        roles_on: Option<NaiveDate>,
    ) -> Matched {
        let date = article.published.map(|published| published.date_naive()).or(roles_on);
        let findings = self.findings(article, text, date);
        let mut matched = Matched { cut: text.cut, ..Matched::default() };
        self.look(article, text, now, &findings, |outcome| {
            matched.candidates = outcome.candidates;
            matched.undecided.extend(outcome.undecided.iter().map(|&place| self.slot(place)));
            matched.hits.extend(outcome.matched.into_iter().map(|(place, verdict)| {
                let shelf = &self.shelves[place.shelf].shelf;
                let evidence = matched::named(&verdict.evidence, shelf);
                WatchHit {
                    watch: self.slot(place),
                    matches: matched::matches(&evidence, text),
                    excerpt: matched::excerpt(&evidence, findings.get(), text),
                    confidence: verdict.confidence,
                }
            }));
        });
        if !matched.hits.is_empty() {
            matched.findings = Some(findings.take());
        }
        matched
    }

    /// Which watches match an article, by their numbers, and how many had to be looked at: what [`Self::matches_text`]
    /// begins with, before it writes down what was hit and what the article says.
    pub fn which(&self, article: &Article, text: &AnalysedText, now: DateTime<Utc>) -> (Vec<usize>, usize) {
        let date = article.published.map(|published| published.date_naive());
        let findings = self.findings(article, text, date);
        let mut which = (Vec::new(), 0);
        self.look(article, text, now, &findings, |outcome| {
            which = (outcome.matched.iter().map(|&(place, _)| self.slot(place)).collect(), outcome.candidates);
        });
        which
    }

    /// Whether an article of which there is only a little, title and summary, names what some watch is after, so that its
    /// full text may matter: see [`Round::names_any`].
    pub fn may_be_after(&self, article: &Article, now: DateTime<Utc>) -> bool {
        let text = segment::analyse(article);
        let findings = self.findings(article, &text, article.published.map(|published| published.date_naive()));
        let names_anybody = !findings.get().leaders.is_empty() || !findings.get().countries.is_empty();
        let index = ArticleIndex::new(article, &text, &findings);
        Round::new(&index, &self.shelves, now).names_any(names_anybody)
    }

    /// Why a watch of the set matches an article, or why not; `None` where the set has no such watch.
    pub fn explain(
        &self,
        watch: &WatchSettings,
        article: &Article,
        now: DateTime<Utc>,
        roles_on: Option<NaiveDate>,
    ) -> Option<Explained> {
        let place = self.find(watch.id.as_str())?;
        let syntax = language::parser::parse(&watch.query.text).tree.root?;
        let text = segment::analyse(article);
        let date = article.published.map(|published| published.date_naive()).or(roles_on);
        let findings = LazyFindings::known(self.findings_and_near(article, &text, date));
        let index = ArticleIndex::new(article, &text, &findings);
        let round = Round::new(&index, &self.shelves, now);
        let shelf = &self.shelves[place.shelf].shelf;
        let explanation = explain::explain(&round.evaluator(place.shelf), &syntax, shelf.tree(place.watch));
        let verdict = round.verdict(place).ok().filter(|verdict| verdict.matched);
        let confidence = verdict.map(|verdict| (f64::from(verdict.confidence) * 100.0).round() / 100.0);
        Some(Explained::new(&explanation, round.is_asked(place), confidence, shelf, &text))
    }

    /// What fell just short of a topic of any pack, each with the sentence or word that shows it.
    pub fn near(&self, article: &Article, roles_on: Option<NaiveDate>) -> Vec<(NearMiss, String)> {
        let text = segment::analyse(article);
        let date = article.published.map(|published| published.date_naive()).or(roles_on);
        let near = self.findings_and_near(article, &text, date).near;
        let shown = |miss: NearMiss| {
            let shown = text.field(miss.evidence.field).slice(miss.evidence).to_owned();
            (miss, shown)
        };
        near.into_iter().map(shown).collect()
    }

    fn findings<'a>(
        &'a self,
        article: &'a Article,
        text: &'a AnalysedText,
        date: Option<NaiveDate>,
    ) -> LazyFindings<'a> {
        let define = |found: &Findings| self.packs.defined.find(article, text, found);
        LazyFindings::new(move || super::findings(text, &self.packs, date), define)
    }

    fn findings_and_near(&self, article: &Article, text: &AnalysedText, date: Option<NaiveDate>) -> Findings {
        let mut findings = self.findings(article, text, date).take();
        let near = self.packs.defined.near(article, text, &findings);
        findings.near.extend(near);
        findings
    }

    /// Hands what became of the watches to `see`, in the order of their numbers.
    fn look(
        &self,
        article: &Article,
        text: &AnalysedText,
        now: DateTime<Utc>,
        findings: &LazyFindings<'_>,
        see: impl FnOnce(Outcome),
    ) {
        let index = ArticleIndex::new(article, text, findings);
        if self.rarity.wants(LEARNED_OF) {
            self.rarity.learn(index.forms.iter().map(|form| &***form));
        }
        let round = Round::new(&index, &self.shelves, now);
        let mut outcome = round.go();
        outcome.matched.sort_by_key(|&(place, _)| self.slot(place));
        outcome.undecided.sort_by_key(|&place| self.slot(place));
        see(outcome);
    }

    fn slot(&self, place: WatchPlace) -> usize {
        self.shelves[place.shelf].shelf.slot(place.watch) as usize
    }

    fn find(&self, id: &str) -> Option<WatchPlace> {
        round::find(self.shelves.iter(), id)
    }
}

/// The whole of a watch's query, where it was written.
fn whole(watch: &WatchSettings) -> Place {
    let query = &watch.query;
    Place { origin: query.origin.clone(), source: query.source.clone(), span: query.span.clone(), first_line: 1 }
}

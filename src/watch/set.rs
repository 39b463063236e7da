//! Many watches over one article.

use std::{
    cell::{LazyCell, OnceCell},
    collections::{BTreeMap, HashMap},
    ops::Deref,
    path::Path,
    sync::Arc,
};

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    engine::{
        article::ArticleIndex,
        evaluate::{Evaluator, TermHits, Verdict},
        positions::{Steps, Undecided},
    },
    found::Findings,
    language::{
        self, CheckedQuery, Known,
        check::{Leader, Party},
        checked::{CheckedTerm, DEAL_TOPIC},
        list::Lists,
        question::folded_words,
    },
    matched::{self, Matched, WatchHit},
    pack::Packs,
};
use crate::{
    article::{Article, segment},
    config::{FeedSelector, FeedSettings, Place, Problem, WatchSettings},
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

/// Watches, ready to be asked about articles. Immutable: a changed config makes a new one.
#[derive(Debug)]
pub struct WatchSet {
    watches: Vec<CompiledWatch>,
    by_id: HashMap<String, usize>,
    /// Of all watches, each once.
    terms: Vec<CheckedTerm>,
    packs: SharedPacks,
}

#[derive(Debug)]
struct CompiledWatch {
    query: CheckedQuery,
    /// The query's own numbering of terms, into the set's.
    terms: Vec<usize>,
    feeds: Vec<FeedSelector>,
    /// Its own question or that of a watch it refers to.
    needs_findings: bool,
}

impl WatchSet {
    /// Compiles watches; all that is wrong with any of them is told at once.
    pub fn compile(watches: &[WatchSettings], context: CompileContext<'_>) -> Compiled {
        Self::compile_among(watches, context, false)
    }

    /// The errors of queries of which the config has others too. Where it `may_lack_names`, because a feed, list or
    /// watch could not be read, a name that is not there is no error.
    pub fn errors(watches: &[WatchSettings], context: CompileContext<'_>, may_lack_names: bool) -> Vec<Problem> {
        let mut problems = Self::compile_among(watches, context, may_lack_names).problems;
        problems.retain(Problem::is_error);
        problems
    }

    fn compile_among(watches: &[WatchSettings], context: CompileContext<'_>, may_lack_names: bool) -> Compiled {
        let ids: Vec<&str> = watches.iter().map(|watch| watch.id.as_str()).collect();
        let feeds: Vec<&str> = context.feeds.iter().map(|feed| feed.id.as_str()).collect();
        let tags: Vec<&str> = context.feeds.iter().flat_map(|feed| &feed.tags).map(String::as_str).collect();
        let places = context.packs.entities.places.iter();
        let parties: Vec<Party<'_>> =
            places.map(|place| Party { id: &place.id.0, name: &place.name, kind: place.kind }).collect();
        let leaders = LazyCell::new(|| leaders(context.packs));
        let known = Known {
            lists: &Lists::new(context.lists, &context.packs.rules.lists),
            feeds: &feeds,
            tags: &tags,
            watches: &ids,
            may_lack_names,
            topics: &TOPICS,
            parties: &parties,
            leaders: &leaders,
        };
        let mut problems = Vec::new();
        let mut set = Self {
            watches: Vec::with_capacity(watches.len()),
            by_id: HashMap::new(),
            terms: Vec::new(),
            packs: context.packs.clone(),
        };
        let mut term_index: HashMap<String, usize> = HashMap::new();
        for watch in watches {
            let (query, found) = language::compile(&watch.query, known);
            problems.extend(found);
            let Some(query) = query else { continue };
            let mut shared = |term: &CheckedTerm| {
                *term_index.entry(term.written.clone()).or_insert_with(|| {
                    set.terms.push(term.clone());
                    set.terms.len() - 1
                })
            };
            let terms = query.terms.iter().map(&mut shared).collect();
            set.by_id.insert(watch.id.as_str().to_owned(), set.watches.len());
            let needs_findings = query.needs_findings;
            set.watches.push(CompiledWatch { query, terms, feeds: watch.feeds.clone(), needs_findings });
        }
        if !may_lack_names && !problems.iter().any(Problem::is_error) {
            problems.extend(set.cycle_problems(watches));
            set.pass_on_needs();
        }
        let has_error = problems.iter().any(Problem::is_error);
        Compiled { set: (!has_error).then_some(set), problems }
    }

    /// How many watches there are.
    pub fn len(&self) -> usize {
        self.watches.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// How many watches ask what an article says, not only for its words.
    pub fn asking_for_findings(&self) -> usize {
        self.watches.iter().filter(|watch| watch.needs_findings).count()
    }

    /// Which watches match, and what they hit. Ages are counted from `now`; `roles_on` is the day by which roles are
    /// looked up, where the article has none of its own.
    pub fn matches(&self, article: &Article, now: DateTime<Utc>, roles_on: Option<NaiveDate>) -> Matched {
        let candidates: Vec<usize> = (0..self.watches.len()).filter(|&i| self.watches[i].reads(article)).collect();
        if candidates.is_empty() {
            return Matched::default();
        }
        let text = segment::analyse(article);
        let date = article.published.map(|published| published.date_naive()).or(roles_on);
        let findings = OnceCell::new();
        let find = || super::findings(&text, &self.packs, date);
        let nothing = Findings::default();
        let asked = candidates.iter().any(|&i| self.watches[i].needs_findings);
        let index = ArticleIndex::new(article, &text, if asked { findings.get_or_init(find) } else { &nothing });
        let round = Round {
            set: self,
            index: &index,
            now,
            hits: TermHits::new(&index, &self.terms),
            answers: self.watches.iter().map(|_| OnceCell::new()).collect(),
        };
        let mut matched = Matched { cut: text.cut, ..Matched::default() };
        for watch in candidates {
            match round.answer(watch) {
                Ok(verdict) if verdict.matched => matched.hits.push(WatchHit {
                    watch,
                    matches: matched::matches(&verdict.evidence, &text),
                    excerpt: matched::excerpt(&verdict.evidence, index.findings, &text),
                    confidence: verdict.confidence,
                }),
                Ok(_) => {}
                Err(Undecided) => matched.undecided.push(watch),
            }
        }
        if !matched.hits.is_empty() {
            findings.get_or_init(find);
            matched.findings = findings.into_inner();
        }
        matched
    }

    /// `watch:` terms that lead back to where they came from.
    fn cycle_problems(&self, watches: &[WatchSettings]) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut known_sound = vec![false; self.watches.len()];
        for start in 0..self.watches.len() {
            let mut way = Vec::new();
            if self.leads_back(start, &mut way, &mut known_sound) {
                let way: Vec<&str> = way.iter().map(|&i| watches[i].id.as_str()).collect();
                let query = &watches[start].query;
                let place = Place {
                    origin: query.origin.clone(),
                    source: query.source.clone(),
                    span: query.span.clone(),
                    first_line: 1,
                };
                let message = format!("`watch:` goes in a circle: {}", way.join(" → "));
                problems.push(Problem::error(message).at(place));
                // The others on the way would say the same again.
                return problems;
            }
        }
        problems
    }

    /// Whether a circle is on the way down from `watch`. Deep chains are refused as if they were one.
    fn leads_back(&self, watch: usize, way: &mut Vec<usize>, known_sound: &mut [bool]) -> bool {
        if known_sound[watch] {
            return false;
        }
        let is_back = way.contains(&watch) || way.len() >= REFERENCES_DEEP_MAX;
        way.push(watch);
        if is_back {
            return true;
        }
        for next in self.referred(watch) {
            if self.leads_back(next, way, known_sound) {
                return true;
            }
        }
        way.pop();
        known_sound[watch] = true;
        false
    }

    fn referred(&self, watch: usize) -> Vec<usize> {
        let ids = &self.watches[watch].query.watches;
        ids.iter().filter_map(|id| self.by_id.get(id)).copied().collect()
    }

    /// A watch also needs what the watches it refers to need.
    fn pass_on_needs(&mut self) {
        for _ in 0..REFERENCES_DEEP_MAX {
            let mut changed = false;
            for watch in 0..self.watches.len() {
                let needs = self.referred(watch).into_iter().any(|other| self.watches[other].needs_findings);
                if needs && !self.watches[watch].needs_findings {
                    self.watches[watch].needs_findings = true;
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }
}

/// The topics that have a detector.
const TOPICS: [&str; 2] = [DEAL_TOPIC, "unsc-resolution"];

/// The leaders that queries may name, by every name that a pack gives them.
fn leaders(packs: &Packs) -> Vec<Leader> {
    let persons = packs.entities.persons.iter();
    persons
        .map(|person| {
            let names = person.also.iter().chain(person.names.values().flatten());
            let folded = std::iter::once(&person.name).chain(names).map(|name| folded_words(name)).collect();
            Leader { id: person.id.clone(), name: person.name.clone(), folded }
        })
        .collect()
}

/// Watches may refer to watches so deep; each level is a level of recursion.
const REFERENCES_DEEP_MAX: usize = 32;

impl CompiledWatch {
    /// Whether it sees this article. One that stands in no feed is seen by every watch.
    fn reads(&self, article: &Article) -> bool {
        let Some(feed) = &article.feed else { return true };
        self.feeds.is_empty()
            || self.feeds.iter().any(|selector| match selector {
                FeedSelector::Id(id) => *id == feed.id,
                FeedSelector::Tag(tag) => feed.tags.contains(tag),
            })
    }
}

/// One article going round all watches.
struct Round<'a> {
    set: &'a WatchSet,
    index: &'a ArticleIndex<'a>,
    now: DateTime<Utc>,
    hits: TermHits<'a>,
    answers: Vec<OnceCell<Result<Verdict<'a>, Undecided>>>,
}

impl<'a> Round<'a> {
    fn answer(&self, watch: usize) -> Result<&Verdict<'a>, Undecided> {
        let answer = self.answers[watch].get_or_init(|| {
            let compiled = &self.set.watches[watch];
            let refers = |id: &str| match self.set.by_id.get(id) {
                Some(&other) if self.set.watches[other].reads(self.index.article) => {
                    self.answer(other).map(|verdict| verdict.matched)
                }
                _ => Ok(false),
            };
            let evaluator = Evaluator {
                index: self.index,
                hits: &self.hits,
                now: self.now,
                terms: &compiled.terms,
                watch_matches: &refers,
                steps: Steps::default(),
            };
            evaluator.verdict(&compiled.query.root)
        });
        answer.as_ref().map_err(|undecided| *undecided)
    }
}

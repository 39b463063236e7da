//! The engine against the plain evaluator, over queries and articles made by chance.

mod dice;
mod queries;
mod shrink;
mod steady;
mod texts;
mod truth;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use wirewatch::{
    article::{Article, Field},
    config::{FeedSelector, FeedSettings, WatchSettings},
    watch::{
        CompileContext, Compiled, SharedPacks, WatchSet,
        language::{
            parser,
            tree::{Node, NodeKind, SyntaxTree},
        },
        pack::Packs,
    },
};

use super::{
    language::{feed, now, watch},
    plain::{self, Evidence, Reading, World},
};
use dice::Dice;
use queries::Queries;
use texts::{THEMES, Theme, alphabet, random_article};

/// Sets, watches in each and articles for each: 120,000 pairs.
const SETS: u64 = 30;
const WATCHES: usize = 200;
const ARTICLES: usize = 20;

/// A watch and what it asks.
#[derive(Clone)]
struct Asked {
    id: String,
    query: String,
    tree: SyntaxTree,
    /// The feeds that it reads; none is all.
    feeds: Vec<FeedSelector>,
}

/// What a watch hit, sorted, each once; `None` where it does not match.
type Answer = Option<Vec<(Field, u32, u32)>>;

static LISTS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    let lists: [(&str, &[&str]); 7] = [
        ("arms", &["arms deal", "missile", "=F-16", "ракета", "sell*", "制裁 决议"]),
        ("people", &["Putin", "=Milley", "Shoigu", "Zelensk*"]),
        ("jets", &["F-16", "Su-35S", "=S-400", "jet?"]),
        ("moscow", &["Москва", "МОСК*", "=ООН"]),
        ("sanctions", &["制裁", "决议", "=UN", "ミサイル"]),
        ("korea", &["북한", "북 무기", "=러시아"]),
        ("council", &["مجلس الأمن", "روسيا", "=المجلس", "a b"]),
    ];
    lists.map(|(name, entries)| (name.to_owned(), entries.iter().map(|&entry| entry.to_owned()).collect())).into()
});

/// Nothing here asks what an article says, and without packs nothing is looked for.
static PACKS: LazyLock<SharedPacks> = LazyLock::new(|| SharedPacks::Loaded(Arc::new(Packs::default())));

static FEEDS: LazyLock<[FeedSettings; 2]> =
    LazyLock::new(|| [feed("anadolu", &["wire", "blog"]), feed("yonhap", &["wire"])]);

fn context() -> CompileContext<'static> {
    CompileContext { lists: &LISTS, feeds: &*FEEDS, packs: &PACKS }
}

impl Asked {
    fn new(id: &str, query: &str) -> Self {
        Self { id: id.to_owned(), query: query.to_owned(), tree: parser::parse(query).tree, feeds: Vec::new() }
    }

    fn settings(&self) -> WatchSettings {
        watch(&self.id, &self.query, self.feeds.clone())
    }

    /// Whether the checker takes it; watches that it refers to need not be there.
    fn is_sound(&self) -> bool {
        WatchSet::errors(&[self.settings()], context(), true).is_empty()
    }

    /// Ids behind `watch:`.
    fn referred(&self) -> impl Iterator<Item = &str> {
        self.query.split("watch:").skip(1).map(|behind| behind.split([' ', ')', ',']).next().unwrap_or(behind))
    }

    fn reads(&self, article: &Article) -> bool {
        let Some(feed) = &article.feed else { return true };
        let is_read = |selector: &FeedSelector| match selector {
            FeedSelector::Id(id) => *id == feed.id,
            FeedSelector::Tag(tag) => feed.tags.contains(tag),
        };
        self.feeds.is_empty() || self.feeds.iter().any(is_read)
    }
}

fn compile(asked: &[Asked]) -> Compiled {
    let settings: Vec<WatchSettings> = asked.iter().map(Asked::settings).collect();
    WatchSet::compile(&settings, context())
}

fn set(asked: &[Asked]) -> WatchSet {
    let compiled = compile(asked);
    compiled.set.unwrap_or_else(|| panic!("{:?}", compiled.problems))
}

/// Alerts show so many matches; what is cut off behind them cannot be compared.
const MATCHES_SHOWN: usize = 100;

/// What the engine answers, and for each answer whether it is whole.
fn engine_answers(set: &WatchSet, article: &Article) -> Vec<(Answer, bool)> {
    let matched = set.matches(article, now(), None);
    assert!(matched.undecided.is_empty(), "{article:?}");
    assert!(matched.hits.is_sorted_by_key(|hit| hit.watch), "{article:?}");
    let mut answers = vec![(None, true); set.len()];
    for hit in matched.hits {
        let mut spots: Vec<_> = hit.matches.iter().map(|m| (m.field, m.start, m.end)).collect();
        spots.dedup();
        answers[hit.watch] = (Some(spots), hit.matches.len() < MATCHES_SHOWN);
    }
    answers
}

/// What the page says. `watch:` refers to watches that stand before, as the generator has it.
fn plain_answers(asked: &[Asked], article: &Article) -> Vec<Option<Evidence>> {
    let reading = Reading::new(article);
    let mut answers: Vec<Option<Evidence>> = Vec::with_capacity(asked.len());
    for watch in asked {
        let matches = |id: &str| {
            let before = asked[..answers.len()].iter().zip(&answers);
            before.into_iter().any(|(other, answer)| other.id == id && answer.is_some())
        };
        let world = World { lists: &LISTS, watch_matches: &matches };
        let answer = watch.reads(article).then(|| plain::evaluate(&watch.tree, &reading, world)).flatten();
        answers.push(answer);
    }
    answers
}

fn agree((engine, is_whole): &(Answer, bool), plain: &Option<Evidence>) -> bool {
    match (engine, plain) {
        (Some(engine), Some(plain)) => {
            (plain.len() == engine.len() || !is_whole) && plain.iter().zip(engine).all(|(a, b)| a == b)
        }
        (engine, plain) => engine.is_none() && plain.is_none(),
    }
}

/// The first watch about which engine and plain evaluator disagree.
fn disagreement(asked: &[Asked], article: &Article) -> Option<(usize, String)> {
    let engine = engine_answers(&compile(asked).set?, article);
    let plain = plain_answers(asked, article);
    let at = (0..asked.len()).find(|&at| !agree(&engine[at], &plain[at]))?;
    Some((at, format!("engine {:?}\nplain  {:?}", engine[at].0, plain[at])))
}

/// Watches of one theme, and how many queries were refused on the way.
fn random_watches(theme: &Theme, alphabet: &[&'static str], many: usize, dice: &mut Dice) -> (Vec<Asked>, usize) {
    let mut queries = Queries { theme, alphabet, watches: Vec::new() };
    let (mut watches, mut refused) = (Vec::new(), 0);
    while watches.len() < many {
        let mut asked = Asked::new(&format!("w{}", watches.len()), &queries.query(dice));
        if dice.percent(5) {
            let selectors = [FeedSelector::Id("anadolu".parse().unwrap()), FeedSelector::Tag("wire".into())];
            asked.feeds = vec![selectors[dice.below(2)].clone()];
        }
        if asked.is_sound() {
            queries.watches.push(asked.id.clone());
            watches.push(asked);
        } else {
            refused += 1;
        }
    }
    (watches, refused)
}

/// How often what happened.
#[derive(Default)]
struct Tally {
    pairs: usize,
    matched: usize,
    simple_pairs: usize,
    simple_matched: usize,
    shown_in_part: usize,
    queries: usize,
    refused: usize,
}

impl Tally {
    fn and(self, other: Self) -> Self {
        Self {
            pairs: self.pairs + other.pairs,
            matched: self.matched + other.matched,
            simple_pairs: self.simple_pairs + other.simple_pairs,
            simple_matched: self.simple_matched + other.simple_matched,
            shown_in_part: self.shown_in_part + other.shown_in_part,
            queries: self.queries + other.queries,
            refused: self.refused + other.refused,
        }
    }

    fn percent(part: usize, whole: usize) -> usize {
        100 * part / whole.max(1)
    }

    fn told(&self) -> String {
        format!(
            "{} pairs, {} % matched; of terms alone {} %; {} of {} queries refused; {} answers shown in part",
            self.pairs,
            Self::percent(self.matched, self.pairs),
            Self::percent(self.simple_matched, self.simple_pairs),
            self.refused,
            self.queries,
            self.shown_in_part
        )
    }
}

fn compare_set(seed: u64, tally: &mut Tally) {
    let mut dice = Dice::new(seed);
    let theme = &THEMES[seed as usize % THEMES.len()];
    let alphabet = alphabet(theme, &mut dice);
    let (watches, refused) = random_watches(theme, &alphabet, WATCHES, &mut dice);
    tally.refused += refused;
    tally.queries += refused + watches.len();
    let set = set(&watches);
    for _ in 0..ARTICLES {
        let article = random_article(theme, &alphabet, &mut dice);
        let engine = engine_answers(&set, &article);
        let plain = plain_answers(&watches, &article);
        for (at, (watch, engine)) in watches.iter().zip(&engine).enumerate() {
            let plain = &plain[at];
            let is_simple = matches!(watch.tree.root, Some(Node { kind: NodeKind::Term(_), .. }));
            tally.pairs += 1;
            tally.matched += usize::from(plain.is_some());
            tally.simple_pairs += usize::from(is_simple);
            tally.simple_matched += usize::from(is_simple && plain.is_some());
            tally.shown_in_part += usize::from(!engine.1);
            if !agree(engine, plain) {
                let shrunk = shrink::smallest(watches.clone(), article);
                panic!("seed {seed}, `{}`:\n{shrunk}", watch.query);
            }
        }
    }
}

/// `ORACLE_SETS=1000` looks further than every run of the tests does.
#[test]
fn engine_answers_as_the_plain_evaluator_does() {
    let sets = std::env::var("ORACLE_SETS").map_or(SETS, |sets| sets.parse().unwrap());
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let share = |first: u64| {
        let mut tally = Tally::default();
        (first..sets).step_by(threads as usize).for_each(|seed| compare_set(seed, &mut tally));
        tally
    };
    let tally = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|first| scope.spawn(move || share(first))).collect();
        running.into_iter().map(|thread| thread.join().expect("the answers agree")).fold(Tally::default(), Tally::and)
    });
    println!("{}", tally.told());
    assert!(tally.pairs >= 100_000, "{}", tally.told());
    assert!(tally.refused * 3 < tally.queries, "{}", tally.told());
    let simple = Tally::percent(tally.simple_matched, tally.simple_pairs);
    assert!((20..=80).contains(&simple), "{}", tally.told());
    assert!(tally.shown_in_part * 20 < tally.pairs, "{}", tally.told());
}

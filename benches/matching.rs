//! What matching costs, from a hundred watches to a hundred thousand, beside the least that it could: one pass of an
//! Aho–Corasick automaton (daachorse) for every word and phrase that any watch has, which decides nothing.
//!
//! ```sh
//! WIREWATCH_CORPUS=corpus.tsv WIREWATCH_WATCHES=folder cargo bench --bench matching
//! ```
//!
//! `corpus.tsv` holds an article a line: id, title, body, parted by tabs. The folder holds `w100.tsv` … `w100000.tsv`, a
//! watch a line (id, query), and may hold `t100.tsv` …, the truth: id, how many articles match, their line numbers from 0
//! with commas between; then every article is matched and compared. How rare words are is learned on every other article,
//! and times are taken on the rest. Without the two, articles and watches are made up here.
//!
//! Times are CPU time of this thread, the best of several passes; machines differ and drift, so read the ratios.

use std::{collections::BTreeMap, fmt::Write as _, path::Path, sync::Arc, time::Instant};

use chrono::{DateTime, Utc};
use daachorse::{DoubleArrayAhoCorasick, DoubleArrayAhoCorasickBuilder};
use wirewatch::{
    article::{
        Article,
        segment::{self, AnalysedText, Form},
    },
    cli::input,
    config::{QuerySource, Severity, WatchSettings},
    watch::{CompileContext, SharedPacks, WatchSet, engine::rarity::Rarity},
};

const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];
/// Passes over the timed articles; the best counts.
const PASSES: usize = 5;

fn main() {
    let corpus = std::env::var("WIREWATCH_CORPUS").ok();
    let folder = std::env::var("WIREWATCH_WATCHES").ok();
    let articles = match &corpus {
        Some(path) => read_corpus(path),
        None => made_up::articles(600),
    };
    let texts: Vec<AnalysedText> = articles.iter().map(segment::analyse).collect();
    let rarity = Arc::new(Rarity::default());
    for text in texts.iter().step_by(2) {
        let distinct: BTreeMap<&str, &Form> =
            text.fields.iter().flat_map(|field| &field.words).map(|word| (&*word.folded, &*word.form)).collect();
        rarity.learn(distinct.into_values());
    }
    let timed: Vec<usize> = (1..articles.len()).step_by(2).collect();
    let words: usize =
        timed.iter().map(|&i| texts[i].fields.iter().map(|field| field.words.len()).sum::<usize>()).sum();
    println!("{} articles timed, {} words each", timed.len(), words / timed.len());

    let analysis = best(|| {
        let total: usize = timed.iter().map(|&i| segment::analyse(&articles[i]).fields[2].words.len()).sum();
        std::hint::black_box(total);
    });
    println!("analysis, once whatever the number of watches: {:.0} µs an article", per(analysis, &timed));
    println!(
        "{:>8} {:>8} {:>8} {:>6} {:>8} {:>7} {:>9} {:>8} {:>8} {:>8} {:>11}",
        "watches",
        "scan µs",
        "match µs",
        "ratio",
        "looked at",
        "hits",
        "B a watch",
        "build s",
        "add µs",
        "remove µs",
        "differences"
    );
    for size in SIZES {
        let queries = match &folder {
            Some(folder) => read_watches(&Path::new(folder).join(format!("w{size}.tsv"))),
            None => made_up::watches(size),
        };
        let Some(queries) = queries else { continue };
        let truth = folder.as_ref().and_then(|folder| read_truth(&Path::new(folder).join(format!("t{size}.tsv"))));
        measure(&queries, truth.as_deref(), &articles, &texts, &timed, &rarity);
    }
}

fn measure(
    queries: &[String],
    truth: Option<&[Vec<usize>]>,
    articles: &[Article],
    texts: &[AnalysedText],
    timed: &[usize],
    rarity: &Arc<Rarity>,
) {
    let watches: Vec<WatchSettings> = queries.iter().enumerate().map(|(i, query)| watch(i, query)).collect();
    let lists = BTreeMap::new();
    let packs = SharedPacks::BuiltIn;
    let context = CompileContext { lists: &lists, feeds: &[], packs: &packs };

    let started = Instant::now();
    let compiled = WatchSet::compile_with(&watches, context, Arc::clone(rarity));
    let build = started.elapsed().as_secs_f64();
    let set = compiled.set.unwrap_or_else(|| panic!("{:?}", compiled.problems.first()));
    // What a second copy takes, since the first also warms up what is there once for all.
    let before = resident();
    let copy = set.in_order();
    let bytes = resident().saturating_sub(before) as f64 / queries.len() as f64;
    drop(copy);

    let (mut hits, mut candidates) = (0, 0);
    for &i in timed {
        let (which, looked_at) = set.which(&articles[i], &texts[i], now());
        hits += which.len();
        candidates += looked_at;
    }
    let matching = best(|| {
        for &i in timed {
            std::hint::black_box(set.which(&articles[i], &texts[i], now()));
        }
    });
    let scan = best_scan(queries, articles, timed);

    let (mut add, mut remove) = (f64::MAX, f64::MAX);
    for i in 0..20 {
        let new = watch(queries.len() + i, &queries[i * 7 % queries.len()]);
        let started = Instant::now();
        let with = set.with(&new, context).set.expect("the same query compiled before");
        add = add.min(started.elapsed().as_secs_f64());
        let started = Instant::now();
        let without = with.without(new.id.as_str()).expect("it was just added");
        remove = remove.min(started.elapsed().as_secs_f64());
        assert_eq!(without.len(), set.len());
    }
    let differences = truth.map(|truth| differences(&set, truth, articles, texts));
    let n = timed.len() as f64;
    println!(
        "{:>8} {:>8.1} {:>8.1} {:>6.2} {:>9.1} {:>7.2} {:>9.0} {:>8.2} {:>8.0} {:>8.0} {:>11}",
        queries.len(),
        per(scan, timed),
        per(matching, timed),
        matching / scan,
        candidates as f64 / n,
        hits as f64 / n,
        bytes,
        build,
        add * 1e6,
        remove * 1e6,
        differences.map_or("-".to_owned(), |n| n.to_string()),
    );
}

/// Pairs of watch and article that one says match and the other not.
fn differences(set: &WatchSet, truth: &[Vec<usize>], articles: &[Article], texts: &[AnalysedText]) -> usize {
    let mut found: Vec<Vec<usize>> = vec![Vec::new(); truth.len()];
    for (i, (article, text)) in articles.iter().zip(texts).enumerate() {
        for watch in set.which(article, text, now()).0 {
            found[watch].push(i);
        }
    }
    let pairs = found.iter().zip(truth).map(|(found, truth)| {
        let missing = truth.iter().filter(|i| !found.contains(i)).count();
        missing + found.iter().filter(|i| !truth.contains(i)).count()
    });
    pairs.sum()
}

/// One pass of an automaton over text that is normalised already.
fn best_scan(queries: &[String], articles: &[Article], timed: &[usize]) -> f64 {
    let mut literals: Vec<String> = queries.iter().flat_map(|query| literals(query)).collect();
    literals.sort_unstable();
    literals.dedup();
    let automaton: DoubleArrayAhoCorasick<u32> =
        DoubleArrayAhoCorasickBuilder::new().build(&literals).expect("the literals are distinct");
    let normalised: Vec<String> = timed
        .iter()
        .map(|&i| {
            let text = format!("{}\n{}", articles[i].title, articles[i].text).to_lowercase();
            text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        })
        .collect();
    best(|| {
        let found: usize = normalised.iter().map(|text| automaton.find_overlapping_iter(text).count()).sum();
        std::hint::black_box(found);
    })
}

/// The words, phrases and beginnings of words that a query looks for.
fn literals(query: &str) -> Vec<String> {
    let mut literals: Vec<String> = query.split('"').skip(1).step_by(2).map(str::to_lowercase).collect();
    let prefixes = query.split([' ', '(', ')', ':']).filter_map(|word| word.strip_suffix('*'));
    literals.extend(prefixes.map(str::to_lowercase));
    literals
}

/// Seconds that the quickest of several passes took of this thread's time.
fn best(mut pass: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..PASSES {
        let started = thread_seconds();
        pass();
        best = best.min(thread_seconds() - started);
    }
    best
}

/// Microseconds an article.
fn per(seconds: f64, timed: &[usize]) -> f64 {
    seconds * 1e6 / timed.len() as f64
}

/// CPU time of this thread, from the kernel's account of it; wall time where there is none.
fn thread_seconds() -> f64 {
    static STARTED: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    match account.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()) {
        Some(nanoseconds) => nanoseconds / 1e9,
        None => STARTED.get_or_init(Instant::now).elapsed().as_secs_f64(),
    }
}

/// Bytes of memory in use by this process.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

fn watch(number: usize, query: &str) -> WatchSettings {
    let id = format!("w{number:06}");
    WatchSettings {
        query: QuerySource::standalone(&id, query),
        id: id.parse().expect("letters and digits"),
        name: String::new(),
        severity: Severity::Info,
        feeds: Vec::new(),
        sinks: Vec::new(),
        min_confidence: Default::default(),
    }
}

fn read_corpus(path: &str) -> Vec<Article> {
    let lines = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut json = String::new();
    for line in lines.lines() {
        let mut parts = line.split('\t');
        let (id, title, body) = (parts.next(), parts.next().unwrap_or(""), parts.collect::<Vec<_>>().join(" "));
        let article = serde_json::json!({"id": id, "title": title, "text": body, "lang": "en"});
        let _ = writeln!(json, "{article}");
    }
    input::read("corpus.jsonl", json.as_bytes(), chrono::Utc::now()).articles
}

fn read_watches(path: &Path) -> Option<Vec<String>> {
    let lines = std::fs::read_to_string(path).ok()?;
    Some(lines.lines().filter_map(|line| line.split('\t').nth(1)).map(str::to_owned).collect())
}

fn read_truth(path: &Path) -> Option<Vec<Vec<usize>>> {
    let lines = std::fs::read_to_string(path).ok()?;
    let rows = |line: &str| {
        line.split('\t').nth(2).unwrap_or("").split(',').filter_map(|row| row.parse().ok()).collect::<Vec<usize>>()
    };
    Some(lines.lines().map(rows).collect())
}

/// Articles and watches for whoever has none at hand: words by Zipf's law, and watches of the usual kinds over them.
mod made_up {
    use super::*;

    const VOCABULARY: usize = 20_000;

    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % bound as u64) as usize
        }

        /// A word, the first far more often than the last.
        fn word(&mut self) -> String {
            let rank = (VOCABULARY as f64).powf(self.below(1 << 20) as f64 / f64::from(1 << 20)) as usize;
            spelt(rank)
        }
    }

    fn spelt(mut rank: usize) -> String {
        const SYLLABLES: [&str; 16] =
            ["ba", "to", "ri", "ne", "sul", "ka", "mo", "ver", "di", "lan", "ques", "tor", "ha", "bi", "stra", "zem"];
        let mut word = SYLLABLES[rank % 16].to_owned();
        while rank >= 16 {
            rank /= 16;
            word += SYLLABLES[rank % 16];
        }
        word
    }

    pub fn articles(count: usize) -> Vec<Article> {
        let mut random = Random(7);
        let mut json = String::new();
        for id in 0..count {
            let mut sentence = |words: usize| (0..words).map(|_| random.word()).collect::<Vec<_>>().join(" ");
            let title = sentence(7);
            let body = (0..25).map(|_| sentence(16)).collect::<Vec<_>>().join(". ");
            let article = serde_json::json!({"id": id.to_string(), "title": title, "text": body, "lang": "en"});
            let _ = writeln!(json, "{article}");
        }
        input::read("made-up.jsonl", json.as_bytes(), chrono::Utc::now()).articles
    }

    pub fn watches(count: usize) -> Option<Vec<String>> {
        let mut random = Random(11);
        let mut watch = |i: usize| {
            let mut word = || format!("\"{}\"", spelt(40 + random.below(VOCABULARY - 40)));
            match i % 10 {
                0..6 => format!("{} AND {} AND {}", word(), word(), word()),
                6 | 7 => format!("({} OR {} OR {} OR {}) AND {}", word(), word(), word(), word(), word()),
                8 => format!("{} NEAR/5 {}", word(), word()),
                _ => format!("{}* AND {}", word().trim_matches('"'), word()),
            }
        };
        Some((0..count).map(&mut watch).collect())
    }
}

//! What it costs to find leaders, countries, arms deals, resolutions and the packs' own topics in an article of 600 words.
//!
//! Repeat: `cargo bench --bench topics`, or on real text `WIREWATCH_CORPUS=corpus.tsv cargo bench --bench topics` (a line
//! an article: id, title, body, between tabs). Without a corpus it joins the English articles of the topics' tests, which
//! name more leaders, weapons and resolutions than any news does; that is the dear case, and the corpus the usual one.
//!
//! Times are CPU times of the median of some batches on one thread, the steps taking turns, set beside the cutting of the
//! same text into words, which every article pays anyway.

#[path = "shared/cpu_time.rs"]
mod cpu_time;

use std::{env, fs, hint::black_box};

use chrono::NaiveDate;
use serde::Deserialize;
use wirewatch::{
    article::{
        Article, ArticleId, IdKind, Lang, TextSource,
        segment::{self, AnalysedText},
    },
    watch::{self, entity, pack::Packs, topic},
};

use cpu_time::CpuTime;

const WORDS: usize = 600;
const ARTICLES_MAX: usize = 500;
const BATCHES: usize = 9;

fn main() {
    let dear = joined(&own());
    measure("articles full of deals", &dear);
    if let Ok(path) = env::var("WIREWATCH_CORPUS") {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let bodies: Vec<String> = text.lines().filter_map(|line| Some(line.split('\t').nth(2)?.to_owned())).collect();
        measure("news of all kinds", &joined(&bodies));
    }
}

fn measure(name: &str, texts: &[String]) {
    assert!(!texts.is_empty(), "{name}: no text of {WORDS} words");
    let packs = Packs::built_in();
    let date = NaiveDate::from_ymd_opt(2024, 6, 1);
    let articles: Vec<Article> = texts.iter().map(|text| article(text)).collect();
    let cut: Vec<AnalysedText> = articles.iter().map(segment::analyse).collect();
    let mentions: Vec<entity::Mentions> = cut.iter().map(|text| entity::mentions(text, packs, date)).collect();
    type Step<'a> = (&'static str, Box<dyn Fn(usize) -> usize + 'a>);
    let steps: Vec<Step<'_>> = vec![
        ("cutting into words", Box::new(|i| segment::analyse(&articles[i]).fields[2].words.len())),
        ("countries and leaders", Box::new(|i| entity::mentions(&cut[i], packs, date).persons.len())),
        ("deals and resolutions", Box::new(|i| topic::find(&cut[i], &mentions[i], packs).arms_deals.len())),
        ("all of these", Box::new(|i| watch::findings(&cut[i], packs, date).topics.len())),
    ];
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); steps.len()];
    for batch in 0..=BATCHES {
        for ((_, step), times) in steps.iter().zip(&mut times) {
            let start = CpuTime::now();
            for i in 0..articles.len() {
                black_box(step(black_box(i)));
            }
            // The first batch warms memories and caches.
            if batch > 0 {
                times.push(start.elapsed_micros() / articles.len() as f64);
            }
        }
    }
    println!("{name}: {} articles of {WORDS} words", articles.len());
    let medians: Vec<f64> = times
        .into_iter()
        .map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        })
        .collect();
    for ((step, _), time) in steps.iter().zip(&medians) {
        println!("  {step:<26} {time:7.1} µs an article   {:5.2} × cutting", time / medians[0]);
    }
}

/// Texts put together and cut again into ones of 600 words.
fn joined(texts: &[String]) -> Vec<String> {
    let words: Vec<&str> = texts.iter().flat_map(|text| text.split_whitespace()).collect();
    words.chunks_exact(WORDS).take(ARTICLES_MAX).map(|chunk| chunk.join(" ")).collect()
}

fn own() -> Vec<String> {
    #[derive(Deserialize)]
    struct File {
        article: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        text: String,
    }
    let file: File =
        toml::from_str(include_str!("../tests/fixtures/topics/articles/en.toml")).expect("the fixture parses");
    let texts: Vec<String> = file.article.into_iter().map(|entry| entry.text).collect();
    // Ten short articles make one long one; a few turns of the same serve as well as others.
    (0..60)
        .flat_map(|turn| texts.iter().skip(turn % 10).chain(texts.iter().take(turn % 10)).cloned().collect::<Vec<_>>())
        .collect()
}

fn article(text: &str) -> Article {
    Article {
        id: ArticleId { value: String::new(), kind: IdKind::Hash },
        url: None,
        title: String::new(),
        summary: None,
        text: text.to_owned(),
        content: None,
        text_source: TextSource::Input,
        published: None,
        updated: None,
        authors: Vec::new(),
        categories: Vec::new(),
        lang: Some(Lang::EN),
        enclosures: Vec::new(),
        feed: None,
    }
}

//! What it costs to cut an article of about 400 words into words, beside two stock ways.
//!
//! Repeat: `cargo bench --bench analysis`, or on real text
//! `WIREWATCH_CORPUS=corpus.tsv cargo bench --bench analysis` (a line an article: id, title, body, between tabs).
//! Without a corpus it writes articles of its own from invented words, rare and frequent as in real text.
//!
//! The stock ways are unicode-segmentation's words, lower-cased and stemmed each time, and a bare lower-casing and
//! splitting at white space, which is no analysis at all and stands for the least that a pass over the text costs.
//! Times are CPU times of the median of some batches on one thread, the ways taking turns. The memory of stems is warm,
//! as in a daemon.

#[path = "shared/cpu_time.rs"]
mod cpu_time;

use std::{env, fs, hint::black_box};

use snowball_stemmers_rs::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;
use wirewatch::article::{Lang, segment};

use cpu_time::CpuTime;

/// Articles of about 400 words: what the figure is about.
const WORDS: std::ops::RangeInclusive<usize> = 300..=500;
const ARTICLES_MAX: usize = 2_000;
const BATCHES: usize = 15;

#[derive(Clone)]
struct Text {
    title: String,
    body: String,
}

type Way = (&'static str, fn(&Text) -> usize);

const WAYS: [Way; 3] = [("analysis", analysis), ("words, lower case, stems", stock), ("lower case, split", split)];

fn main() {
    let texts = match env::var("WIREWATCH_CORPUS") {
        Ok(path) => corpus(&fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))),
        Err(_) => invented(),
    };
    assert!(!texts.is_empty(), "the corpus has no article of {} to {} words", WORDS.start(), WORDS.end());
    compare("as it is", &texts);
    // What editors' software makes of quotes; no text with one is plain ASCII any more.
    let typographic: Vec<Text> = texts.iter().map(|t| Text { body: with_quotes(&t.body), ..t.clone() }).collect();
    compare("with typographic quotes", &typographic);
}

fn compare(name: &str, texts: &[Text]) {
    let words: usize = texts.iter().map(|text| text.body.unicode_words().count()).sum();
    let ascii = texts.iter().filter(|text| text.body.is_ascii()).count();
    println!("{name}: {} articles of {} words, {ascii} of them ASCII", texts.len(), words / texts.len());
    let mut times = WAYS.map(|_| Vec::with_capacity(BATCHES));
    for batch in 0..=BATCHES {
        for (way, times) in WAYS.iter().zip(&mut times) {
            let start = CpuTime::now();
            for text in texts {
                black_box(way.1(black_box(text)));
            }
            // The first batch warms memories and caches.
            if batch > 0 {
                times.push(start.elapsed_micros() / texts.len() as f64);
            }
        }
    }
    let medians = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    for ((way, _), time) in WAYS.iter().zip(medians) {
        println!("  {way:<26} {time:7.1} µs an article   {:5.2} × analysis", time / medians[0]);
    }
}

fn analysis(text: &Text) -> usize {
    let analysed = segment::analyse_fields(Some(Lang::EN), &text.title, "", &text.body);
    analysed.fields.iter().map(|field| field.words.len()).sum()
}

fn stock(text: &Text) -> usize {
    let stemmer = Stemmer::create(Algorithm::English);
    let words = [&text.title, &text.body].into_iter().flat_map(|text| text.unicode_words());
    let forms: Vec<(String, String)> = words
        .map(|word| {
            let lower = word.to_lowercase();
            let stem = stemmer.stem(&lower).into_owned();
            (lower, stem)
        })
        .collect();
    black_box(&forms).len()
}

fn split(text: &Text) -> usize {
    let lower = [text.title.to_lowercase(), text.body.to_lowercase()];
    let words: Vec<&str> = lower.iter().flat_map(|text| text.split_whitespace()).collect();
    black_box(&words).len()
}

fn corpus(tsv: &str) -> Vec<Text> {
    let texts = tsv.lines().filter_map(|line| {
        let mut columns = line.split('\t').skip(1);
        Some(Text { title: columns.next()?.to_owned(), body: columns.next()?.to_owned() })
    });
    texts.filter(|text| WORDS.contains(&text.body.split_whitespace().count())).take(ARTICLES_MAX).collect()
}

/// Typewriter quotes made typographic.
fn with_quotes(text: &str) -> String {
    let mut is_open = false;
    let quoted = text.chars().map(|c| match c {
        '"' => {
            is_open = !is_open;
            if is_open { '“' } else { '”' }
        }
        '\'' => '’',
        c => c,
    });
    quoted.collect()
}

/// Articles of invented words, always the same.
fn invented() -> Vec<Text> {
    let mut dice = Dice(2026);
    let vocabulary: Vec<String> = (0..30_000).map(|_| invented_word(&mut dice)).collect();
    let article = |dice: &mut Dice| Text {
        title: sentence(dice, &vocabulary, 8),
        body: (0..6).map(|_| paragraph(dice, &vocabulary)).collect::<Vec<_>>().join("\n\n"),
    };
    (0..ARTICLES_MAX).map(|_| article(&mut dice)).collect()
}

fn invented_word(dice: &mut Dice) -> String {
    const ONSETS: [&str; 16] = ["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "st", "tr", "v", "w"];
    const VOWELS: [&str; 6] = ["a", "e", "i", "o", "u", "ea"];
    const ENDINGS: [&str; 10] = ["", "s", "ed", "ing", "er", "ation", "ly", "n", "t", "ness"];
    let syllables = 1 + dice.roll(3);
    let stem: String = (0..syllables).flat_map(|_| [ONSETS[dice.roll(16)], VOWELS[dice.roll(6)]]).collect();
    stem + ENDINGS[dice.roll(10)]
}

fn paragraph(dice: &mut Dice, vocabulary: &[String]) -> String {
    let mut sentence = || {
        let words = 9 + dice.roll(15);
        sentence(dice, vocabulary, words)
    };
    [sentence(), sentence(), sentence(), sentence()].join(" ")
}

fn sentence(dice: &mut Dice, vocabulary: &[String], words: usize) -> String {
    let mut text = String::new();
    for at in 0..words {
        // Squared twice, so that a few words make up most of the text, as they do in every language.
        let rarity = dice.part().powi(4);
        let word = &vocabulary[(rarity * vocabulary.len() as f64) as usize];
        let is_name = at == 0 || dice.roll(9) == 0;
        match word.split_at_checked(1).filter(|_| is_name) {
            Some((first, rest)) => text.extend([&first.to_uppercase(), rest]),
            None => text.push_str(word),
        }
        text.push_str(match dice.roll(60) {
            0 | 1 => ", ",
            2 => "'s ",
            3 => " U.S. ",
            4 => " \"so\" ",
            5 => " 3.5 ",
            6 => "-",
            _ => " ",
        });
    }
    text.truncate(text.trim_end_matches([' ', ',', '-']).len());
    text.push('.');
    text
}

/// Random enough to write with, and the same each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.next() as usize % sides
    }

    /// From 0 to below 1.
    fn part(&mut self) -> f64 {
        self.next() as f64 / (1u64 << 31) as f64
    }
}

//! What reading feeds costs: quick-xml's events alone, feed-rs alone, wirewatch's reading, and reading with text.
//!
//! Run with `cargo bench --bench parsing`. It reads the documents in the folder that `WIREWATCH_FEEDS` names (such as
//! what a feed farm dumps), else documents of its own making. Ratios are within one run, each figure the best of several
//! rounds, so they may be compared; times are this machine's. `-- mutations 1000000` damages the fixtures instead, so
//! many times, and says how much memory that took.
#![allow(clippy::unwrap_used)]

use std::{
    fmt::Write as _,
    fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use mutate::{Random, damage};
use wirewatch::{article, feed};

#[path = "../tests/it/mutate.rs"]
mod mutate;

const ROUNDS: usize = 15;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.as_slice() {
        [what, times] if what == "mutations" => mutations(times.parse().unwrap()),
        _ => costs(),
    }
}

fn costs() {
    let documents = documents();
    let bytes: usize = documents.iter().map(Vec::len).sum();
    println!("{} documents, {:.1} MB", documents.len(), bytes as f64 / 1e6);
    let base: url::Url = "https://feeds.example.org/all.xml".parse().unwrap();
    let damaged: Vec<Vec<u8>> = documents.iter().map(|document| dirty(document)).collect();
    let works: [(&[Vec<u8>], Work<'_>); 5] = [
        (&documents, &|document| {
            let mut reader = quick_xml::Reader::from_reader(document);
            let mut buffer = Vec::new();
            let mut seen = 0;
            while !matches!(reader.read_event_into(&mut buffer).unwrap(), quick_xml::events::Event::Eof) {
                seen += 1;
                buffer.clear();
            }
            seen
        }),
        (&documents, &|document| feed_rs::parser::parse(document).unwrap().entries.len()),
        (&documents, &|document| feed::parse(document, Some(&base), None).unwrap().entries.len()),
        (&damaged, &|document| feed::parse(document, Some(&base), None).unwrap().entries.len()),
        (&documents, &|document| {
            let feed = feed::parse(document, Some(&base), None).unwrap();
            let language = feed.about.language.as_deref();
            feed.entries.iter().map(|entry| article::from_entry(entry, None, language).text.len()).sum()
        }),
    ];
    // Turn by turn, so that what else the machine does meets all alike.
    let mut best = [Duration::MAX; 5];
    for _ in 0..ROUNDS {
        for ((documents, work), best) in works.iter().zip(&mut best) {
            *best = round(documents, work).min(*best);
        }
    }
    let [events, feed_rs, reading, repair, text] = best;
    let line = |name: &str, time: Duration| {
        let speed = bytes as f64 / 1e6 / time.as_secs_f64();
        let (to_events, to_feed_rs) = (ratio(time, events), ratio(time, feed_rs));
        println!("{name:<34} {speed:>7.0} MB/s  {to_events:>5.2} x events  {to_feed_rs:>5.2} x feed-rs");
    };
    line("quick-xml's events alone", events);
    line("feed-rs alone", feed_rs);
    line("wirewatch: entries", reading);
    line("wirewatch: entries of dirty copies", repair);
    line("wirewatch: entries and articles", text);
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

type Work<'a> = &'a dyn Fn(&[u8]) -> usize;

fn round(documents: &[Vec<u8>], work: Work<'_>) -> Duration {
    let started = Instant::now();
    for document in documents {
        black_box(work(black_box(document)));
    }
    started.elapsed()
}

/// A copy that no strict reader takes: a bare ampersand, a named entity, a tag that is never closed.
fn dirty(document: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(document.to_vec()).unwrap();
    text.replacen("<title>", "<title>R&D &nbsp;<b>", 1).into_bytes()
}

fn documents() -> Vec<Vec<u8>> {
    let Some(folder) = std::env::var_os("WIREWATCH_FEEDS") else { return made() };
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Documents like those of wires: RSS with CDATA and escaped bodies, and Atom, a third each, 30 entries in each.
fn made() -> Vec<Vec<u8>> {
    let words =
        ["harbour", "ministry", "talks", "on", "the", "deal", "said", "Tuesday", "ships", "Ankara", "and", "grain"];
    let mut random = Random::new(7);
    let mut sentence = |count: usize| {
        let chosen: Vec<&str> = (0..count).map(|_| words[random.below(words.len())]).collect();
        format!("{}.", chosen.join(" "))
    };
    let mut made = Vec::new();
    for number in 0..60 {
        let mut text = match number % 3 {
            2 => "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>Feed</title><id>urn:f</id>".to_owned(),
            _ => "<rss version=\"2.0\"><channel><title>Feed</title><link>https://f.example/</link>".to_owned(),
        };
        for entry in 0..30 {
            let (title, body) = (sentence(9), format!("<p>{}</p><p>{}</p>", sentence(60), sentence(60)));
            let link = format!("https://f.example/{number}/{entry}");
            let escaped = quick_xml::escape::escape(&body);
            let _ = match number % 3 {
                0 => write!(
                    text,
                    "<item><title>{title}</title><link>{link}</link><guid isPermaLink=\"false\">{number}-{entry}</guid><pubDate>Mon, 06 May 2024 10:15:00 +0000</pubDate><description><![CDATA[{body}]]></description></item>"
                ),
                1 => write!(
                    text,
                    "<item><title>{title}</title><link>{link}</link><guid>{link}</guid><pubDate>Mon, 06 May 2024 10:15:00 +0000</pubDate><description>{escaped}</description></item>"
                ),
                _ => write!(
                    text,
                    "<entry><title>{title}</title><link href=\"{link}\"/><id>urn:{number}:{entry}</id><updated>2024-05-06T10:15:00Z</updated><content type=\"html\">{escaped}</content></entry>"
                ),
            };
        }
        text.push_str(if number % 3 == 2 { "</feed>" } else { "</channel></rss>" });
        made.push(text.into_bytes());
    }
    made
}

/// Damages the fixtures, and says what came of it.
fn mutations(times: u64) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/feed");
    let mut paths: Vec<_> = fs::read_dir(root).unwrap().map(|case| case.unwrap().path()).collect();
    paths.sort();
    let input = |folder: &std::path::PathBuf| {
        ["input.xml", "input.json"].iter().find_map(|name| fs::read(folder.join(name)).ok()).filter(|b| !b.is_empty())
    };
    let documents: Vec<Vec<u8>> = paths.iter().filter_map(input).collect();
    let before = peak_kib();
    let started = Instant::now();
    let (mut read, mut refused, mut guarded, mut slowest) = (0_u64, 0_u64, 0_u64, (Duration::ZERO, 0));
    for seed in 0..times {
        let mut random = Random::new(seed);
        let document = &documents[random.below(documents.len())];
        let other = &documents[random.below(documents.len())];
        let bytes = damage(document, other, &mut random);
        let one = Instant::now();
        match feed::parse(&bytes, None, None) {
            Ok(feed) => {
                read += 1;
                guarded += u64::from(feed.notes.iter().any(|note| note.starts_with("the first parser failed")));
                for entry in &feed.entries {
                    black_box(article::from_entry(entry, None, None));
                }
            }
            Err(feed::FeedError::Panicked { cause }) => panic!("seed {seed}: {cause}"),
            Err(_) => refused += 1,
        }
        slowest = slowest.max((one.elapsed(), seed));
    }
    println!(
        "{times} damaged documents of {} in {:.0?}: {read} read, {refused} refused",
        documents.len(),
        started.elapsed()
    );
    println!("{guarded} made feed-rs panic behind the guard and were read by the other reader");
    println!("slowest {:?} (seed {})", slowest.0, slowest.1);
    println!("memory at its peak: {} KiB before, {} KiB after", before, peak_kib());
}

/// The most memory that this process ever had, as Linux tells; 0 elsewhere.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

//! Feed documents with the dirt of real feeds.
//!
//! A case is a folder in `tests/fixtures/feed`: `input.*`, the `expected.json` that `parse --feed` prints for it with
//! the notes behind, and maybe `request.json` with `base` and `content_type`. `UPDATE_EXPECT=1` rewrites `expected.json`.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use proptest::prelude::*;
use serde_json::{Value, json};
use wirewatch::{cli::parse, feed};

use crate::mutate::{Random, damage};

fn answer(folder: &Path) -> String {
    let input = fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).find(|p| p.file_stem().unwrap() == "input");
    let bytes = fs::read(input.unwrap()).unwrap();
    let request: Value = fs::read_to_string(folder.join("request.json"))
        .map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
    let base = request["base"].as_str().map(|base| base.parse().unwrap());
    let answer = match feed::parse(&bytes, base.as_ref(), request["content_type"].as_str()) {
        Ok(mut feed) => {
            feed.forget_times_ahead("2026-11-01T00:00:00Z".parse().unwrap());
            let lines: Vec<Value> = parse::lines(&feed, true).map(|l| serde_json::from_str(&l).unwrap()).collect();
            json!({ "lines": lines, "notes": feed.notes })
        }
        Err(error) => json!({ "error": error.to_string() }),
    };
    serde_json::to_string_pretty(&answer).unwrap() + "\n"
}

#[test]
fn every_fixture_is_read_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/feed");
    let mut cases: Vec<_> = fs::read_dir(root).unwrap().map(|f| f.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 200, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let got = answer(&case);
        let expected = case.join("expected.json");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&expected, &got).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != got {
            wrong.push(format!("{}:\n{got}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ; got\n{}", wrong.len(), wrong.join("\n"));
}

/// Every document of the fixtures, in one order.
fn documents() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/feed");
    let mut paths: Vec<_> = fs::read_dir(root).unwrap().map(|case| case.unwrap().path()).collect();
    paths.sort();
    let input = |folder: &PathBuf| ["input.xml", "input.json"].iter().find_map(|name| fs::read(folder.join(name)).ok());
    paths.iter().filter_map(input).filter(|bytes| !bytes.is_empty()).collect()
}

/// `WIREWATCH_MUTATIONS` asks for more; `cargo bench --bench parsing -- mutations 1000000` does it fast.
#[test]
fn damaged_feeds_are_an_error_or_a_feed() {
    let documents = documents();
    let times = std::env::var("WIREWATCH_MUTATIONS").ok().and_then(|times| times.parse().ok()).unwrap_or(20_000);
    for seed in 0..times {
        let mut random = Random::new(seed);
        let document = &documents[random.below(documents.len())];
        let other = &documents[random.below(documents.len())];
        let bytes = damage(document, other, &mut random);
        let started = Instant::now();
        let read = feed::parse(&bytes, None, None);
        assert!(started.elapsed().as_secs() < 5, "seed {seed} takes {:?}", started.elapsed());
        match read {
            Ok(feed) => {
                let texts = feed.entries.iter().flat_map(|e| [&e.summary, &e.content]).flatten();
                let kept: usize = texts.map(|markup| markup.text.len()).sum();
                assert!(kept <= 8 * bytes.len() + 1_000, "seed {seed} keeps {kept} bytes of {}", bytes.len());
                if seed % 16 == 0 {
                    assert_eq!(parse::lines(&feed, true).count(), feed.entries.len() + 1, "seed {seed}");
                }
            }
            Err(error) => assert!(!matches!(error, feed::FeedError::Panicked { .. }), "seed {seed}: {error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_an_error_or_a_feed(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = feed::parse(&bytes, None, None);
    }

    #[test]
    fn any_text_becomes_plain_text(html in "(<|>|&|/|p|br|div|script|hidden|!--|;|lt|[ -~]|\\PC){0,80}") {
        let text = wirewatch::article::html::to_text(&html);
        prop_assert!(text.trim() == text, "{text:?}");
    }
}

#[test]
fn elements_nested_without_end_are_refused() {
    let deep = format!("<rss version='2.0'><channel><item>{}", "<a>".repeat(100_000));
    assert_eq!(feed::parse(deep.as_bytes(), None, None), Err(feed::FeedError::TooDeep));
}

#[test]
fn built_feeds_take_no_time() {
    let item = |inside: &str| {
        format!("<rss version='2.0'><channel><title>F</title><item><title>T</title>{inside}</item></channel></rss>")
    };
    let many = |make: fn(usize) -> String| (0..100_000).map(make).collect::<String>();
    let started = std::time::Instant::now();
    for inside in [
        many(|i| format!("<author>name{i}</author>")),
        many(|i| format!("<enclosure url='http://e.org/{i}' type='audio/mpeg' length='1'/>")),
        many(|i| format!("<category>c{i}</category>")),
        format!("<description>Start here. {}</description>", "Read more. ".repeat(90_000)),
    ] {
        let feed = wirewatch::feed::parse(item(&inside).as_bytes(), None, None).unwrap();
        let entry = &feed.entries[0];
        assert!(entry.authors.len() <= 2_000 && entry.categories.len() <= 2_000 && entry.enclosures.len() <= 2_000);
        wirewatch::article::from_entry(entry, None, None);
    }
    // Generous: what it guards against takes minutes.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

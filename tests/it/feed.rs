//! Feed documents with the dirt of real feeds.
//!
//! A case is a folder in `tests/fixtures/feed`: `input.*`, the `expected.json` that `parse --feed` prints for it with
//! the notes behind, and maybe `request.json` with `base` and `content_type`. `UPDATE_EXPECT=1` rewrites `expected.json`.

use std::{fs, path::Path};

use proptest::prelude::*;
use serde_json::{Value, json};
use wirewatch::{cli::parse, feed};

fn answer(folder: &Path) -> String {
    let input = fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).find(|p| p.file_stem().unwrap() == "input");
    let bytes = fs::read(input.unwrap()).unwrap();
    let request: Value = fs::read_to_string(folder.join("request.json"))
        .map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
    let base = request["base"].as_str().map(|base| base.parse().unwrap());
    let answer = match feed::parse(&bytes, base.as_ref(), request["content_type"].as_str()) {
        Ok(feed) => {
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
    assert!(cases.len() >= 30, "only {} cases", cases.len());
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

const SEEDS: [&[u8]; 4] = [
    include_bytes!("../fixtures/feed/rss2/input.xml"),
    include_bytes!("../fixtures/feed/atom/input.xml"),
    include_bytes!("../fixtures/feed/rdf/input.xml"),
    include_bytes!("../fixtures/feed/json-1.1/input.json"),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_an_error_or_a_feed(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = feed::parse(&bytes, None, None);
    }

    #[test]
    fn a_mutated_feed_never_panics(
        seed in 0..SEEDS.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..5u8, any::<u8>()), 1..12),
    ) {
        let mut bytes = SEEDS[seed].to_vec();
        for (at, what, byte) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, b"<>&\"'/]![{}"[usize::from(byte) % 11]),
                2 => drop(bytes.remove(at)),
                3 => bytes.truncate(at),
                _ => {
                    let again = bytes[at..(at + usize::from(byte)).min(bytes.len())].to_vec();
                    bytes.splice(at..at, again);
                }
            }
        }
        match feed::parse(&bytes, None, None) {
            Ok(feed) => prop_assert_eq!(parse::lines(&feed, true).count(), feed.entries.len() + 1),
            // Caught, but still a defect that someone should know of.
            Err(error) => prop_assert!(!matches!(error, feed::FeedError::Panicked { .. }), "{}", error),
        }
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

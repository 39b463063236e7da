//! Pages → articles: each folder of `tests/fixtures/article/pages` holds `input.html` (or `input.bin`, bytes as they came),
//! maybe `request.json` with `url` and `content_type`, and `expected.json`: what was read. `UPDATE_EXPECT=1` rewrites it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use chrono::SecondsFormat;
use serde_json::{Value, json};
use url::Url;
use wirewatch::article::full_text;

use super::cpu_time::CpuTime;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/article/pages")
}

fn read(case: &Path) -> Value {
    let request = fs::read_to_string(case.join("request.json")).unwrap_or_else(|_| "{}".to_owned());
    let request: Value = serde_json::from_str(&request).unwrap();
    let url: Url = request["url"].as_str().unwrap_or("https://paper.example/news/story").parse().unwrap();
    let body = fs::read(case.join("input.html")).or_else(|_| fs::read(case.join("input.bin"))).unwrap();
    let page = full_text::read(&body, request["content_type"].as_str().or(Some("text/html")), &url);
    let time = |time: Option<chrono::DateTime<chrono::Utc>>| time.map(|t| t.to_rfc3339_opts(SecondsFormat::Secs, true));
    json!({
        "verdict": page.verdict,
        "title": page.title,
        "published": time(page.published),
        "updated": time(page.updated),
        "authors": page.authors,
        "language": page.language,
        "text": page.text.split("\n\n").collect::<Vec<_>>(),
    })
}

#[test]
fn every_page_is_read_as_expected() {
    let mut cases: Vec<PathBuf> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 20, "only {} cases", cases.len());
    let mut wrong = String::new();
    for case in cases {
        let found = serde_json::to_string_pretty(&read(&case)).unwrap() + "\n";
        let file = case.join("expected.json");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&file, &found).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if found != expected {
            wrong.push_str(&format!("{}:\nexpected {expected}\nfound {found}\n", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong}\nUPDATE_EXPECT=1 rewrites what is expected");
}

/// Pages made to cost: each is read, or given up, in a time that a thread of the blocking pool can spare.
#[test]
fn no_page_takes_long() {
    let url: Url = "https://paper.example/".parse().unwrap();
    let numbered =
        |piece: &str, count: usize| -> String { (0..count).map(|n| piece.replace('#', &n.to_string())).collect() };
    let pages = [
        ("deep", "<div>".repeat(500_000)),
        ("many paragraphs", "<p>A word or two, and a comma.</p>".repeat(120_000)),
        ("many lists", "<div><ul><li>one, <a href=x>two</a></ul></div>".repeat(80_000)),
        ("left open", numbered("<p><b class=c#>x</p>", 100_000)),
        ("breaks", format!("<div>{}</div>", "word<br><br>".repeat(200_000))),
        ("tables", "<table><tr><td>cell".repeat(100_000)),
        ("attributes", format!("<div {}>text</div>", numbered("a#=b ", 100_000))),
        ("tags of attributes", format!("<div {}>text</div>", numbered("a#=b ", 1_500)).repeat(100)),
        ("images", "<img src=x><noscript><img src=y></noscript>".repeat(60_000)),
        (
            "nested a little",
            format!("<body>{}", format!("{}text, text{}", "<div>".repeat(100), "</div>".repeat(100)).repeat(2_000)),
        ),
        ("json", format!("<script type='application/ld+json'>{}</script>", "[".repeat(400_000))),
        ("spaces", format!("<p>{}</p>", " \n".repeat(2_000_000))),
        ("comments", "<!-- x -->".repeat(300_000)),
        ("one word", "x".repeat(4_000_000)),
    ];
    for (name, page) in pages {
        let started = CpuTime::now();
        let read = full_text::read(page.as_bytes(), Some("text/html"), &url);
        let seconds = started.elapsed_micros() / 1e6;
        // A debug build needs up to five.
        assert!(seconds < 15.0, "{name} took {seconds:.1} s: {:?}", read.verdict);
        eprintln!("{name}: {seconds:.2} s {:?}", read.verdict);
    }
}

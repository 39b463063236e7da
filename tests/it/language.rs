//! Queries over texts, case by case.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde::Deserialize;
use wirewatch::{
    article::{Article, ArticleFeed, ArticleId, Field, IdKind, Lang, TextSource},
    config::{FeedSelector, FeedSettings, FeedSource, Origin, Problem, QuerySource, Severity, WatchSettings},
    watch::{
        CompileContext, Compiled, SharedPacks, WatchSet,
        language::{lexer, parser, print, tree},
    },
};

use super::cpu_time::CpuTime;

#[derive(Deserialize)]
struct Cases<T> {
    case: Vec<T>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchCase {
    query: String,
    #[serde(default)]
    title: String,
    summary: Option<String>,
    body: String,
    lang: Option<String>,
    matches: Option<bool>,
    feed: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    authors: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    url: Option<String>,
    /// RFC 3339; now is [`now`].
    published: Option<DateTime<Utc>>,
    /// Other watches that `watch:` may name.
    #[serde(default)]
    watches: BTreeMap<String, String>,
    /// Why the case is there, where it does not show.
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorCase {
    query: String,
    column: usize,
    says: String,
    help: Option<String>,
    #[serde(default)]
    warning: bool,
}

fn cases<T: for<'a> Deserialize<'a>>(file: &str) -> Vec<T> {
    let path = format!("{}/tests/fixtures/language/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    toml::from_str::<Cases<T>>(&text).unwrap_or_else(|e| panic!("{path}: {e}")).case
}

/// Takes the marks out of a text; gives the stretches between them in scalar values.
fn unmarked(field: Field, text: &str, spans: &mut Vec<(Field, u32, u32, String)>) -> String {
    let mut plain = String::new();
    let (mut at, mut start, mut marked) = (0, 0, String::new());
    for c in text.chars() {
        match c {
            '⟦' => {
                start = at;
                marked.clear();
            }
            '⟧' => spans.push((field, start, at, marked.clone())),
            _ => {
                plain.push(c);
                marked.push(c);
                at += 1;
            }
        }
    }
    plain
}

pub(crate) fn article(lang: Option<Lang>, title: String, summary: Option<String>, body: String) -> Article {
    Article {
        id: ArticleId { value: "1".into(), kind: IdKind::Guid },
        url: None,
        title,
        summary,
        text: body,
        content: None,
        text_source: TextSource::Input,
        published: None,
        updated: None,
        authors: Vec::new(),
        categories: Vec::new(),
        lang,
        enclosures: Vec::new(),
        feed: None,
    }
}

/// When the cases are read.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

pub(crate) fn watch(id: &str, query: &str, feeds: Vec<FeedSelector>) -> WatchSettings {
    WatchSettings {
        id: id.parse().unwrap(),
        name: id.into(),
        query: QuerySource::standalone(id, query),
        severity: Severity::Info,
        feeds,
        sinks: Vec::new(),
        min_confidence: Default::default(),
    }
}

pub(crate) fn feed(id: &str, tags: &[&str]) -> FeedSettings {
    FeedSettings {
        id: id.parse().unwrap(),
        origin: wirewatch::config::FeedOrigin::Config { line: 1 },
        source: FeedSource::File("/dev/null".into()),
        name: None,
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        interval: None,
        expect: None,
        headers: Vec::new(),
        user_agent: None,
        secret: false,
        private: false,
        proxy: None,
    }
}

fn compile(watches: &[WatchSettings]) -> Compiled {
    let list = |entries: &[&str]| entries.iter().map(|&entry| entry.to_owned()).collect::<Vec<_>>();
    let lists = BTreeMap::from([
        ("dprk".to_owned(), list(&["North Korea", "DPRK", "Pyongyang"])),
        ("exactly".to_owned(), list(&["=IS", "caliphate"])),
        ("wild".to_owned(), list(&["houth*", "Ansar Allah"])),
    ]);
    let feeds = [feed("anadolu", &["wire", "blog"]), feed("yonhap", &["wire"])];
    WatchSet::compile(watches, CompileContext { lists: &lists, feeds: &feeds, packs: &SharedPacks::BuiltIn })
}

fn set(watches: &[WatchSettings]) -> WatchSet {
    let compiled = compile(watches);
    compiled.set.unwrap_or_else(|| panic!("{:?}", compiled.problems))
}

fn check_match(case: &MatchCase) -> Result<(), String> {
    let mut expected = Vec::new();
    let title = unmarked(Field::Title, &case.title, &mut expected);
    let summary = case.summary.as_ref().map(|text| unmarked(Field::Summary, text, &mut expected));
    let body = unmarked(Field::Body, &case.body, &mut expected);
    let lang = Lang::from_tag(case.lang.as_deref().unwrap_or("en"));
    let mut article = article(lang, title, summary, body);
    article.authors = case.authors.clone();
    article.categories = case.categories.clone();
    article.url = case.url.clone();
    article.published = case.published;
    article.feed = case.feed.as_ref().map(|id| ArticleFeed {
        id: id.parse().unwrap(),
        url: String::new(),
        title: None,
        tags: case.tags.clone(),
    });
    let mut watches = vec![watch("case", &case.query, Vec::new())];
    watches.extend(case.watches.iter().map(|(id, query)| watch(id, query, Vec::new())));
    let told = format!("{} over {:?} {:?} {}", case.query, case.title, case.body, case.note.as_deref().unwrap_or(""));
    let compiled = compile(&watches);
    let Some(set) = compiled.set else { return Err(format!("{told}: {:?}", compiled.problems)) };
    let matched = set.matches(&article, now(), None);
    let hit = matched.hits.iter().find(|hit| hit.watch == 0);
    let mut found: Vec<_> = hit.iter().flat_map(|hit| &hit.matches).collect();
    found.dedup_by_key(|m| (m.field, m.start, m.end));
    let found: Vec<_> = found.into_iter().map(|m| (m.field, m.start, m.end, m.text.clone())).collect();
    let texts = |spans: &[(Field, u32, u32, String)]| {
        spans.iter().map(|(field, start, _, text)| format!("{}@{start} {text}", field.as_str())).collect::<Vec<_>>()
    };
    if found != expected {
        return Err(format!("{told}: hits {:?}, not {:?}", texts(&found), texts(&expected)));
    }
    if hit.is_some() != case.matches.unwrap_or(!expected.is_empty()) {
        return Err(format!("{told}: matched {}", hit.is_some()));
    }
    if hit.is_some_and(|hit| hit.excerpt.is_empty()) {
        return Err(format!("{told}: no excerpt"));
    }
    Ok(())
}

/// Runs every case before it fails, so that one look shows all that is wrong.
#[track_caller]
fn check_all<T: for<'a> Deserialize<'a>>(file: &str, check: impl Fn(&T) -> Result<(), String>) {
    let cases = cases::<T>(file);
    let failed: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(failed.is_empty(), "{file}: {} of {} cases:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

#[test]
fn words_match_as_the_page_says() {
    check_all("words.toml", check_match);
    check_all("languages.toml", check_match);
    check_all("phrases.toml", check_match);
    check_all("regexes.toml", check_match);
}

#[test]
fn queries_combine_as_the_page_says() {
    check_all("combining.toml", check_match);
    check_all("near.toml", check_match);
    check_all("parts.toml", check_match);
    check_all("about.toml", check_match);
}

fn check_error(case: &ErrorCase) -> Result<(), String> {
    let compiled = compile(&[watch("case", &case.query, Vec::new()), watch("other", "x", Vec::new())]);
    let column = |problem: &Problem| problem.place.as_ref().unwrap().line_column().1;
    let fits = |p: &Problem| {
        p.is_error() != case.warning
            && p.message.contains(&case.says)
            && column(p) == case.column
            && case.help.as_ref().is_none_or(|help| p.help.as_ref().is_some_and(|h| h.contains(help)))
    };
    // One mistake, one problem.
    match &compiled.problems[..] {
        [problem] if fits(problem) && compiled.set.is_some() == case.warning => Ok(()),
        problems => {
            let shown = problems.iter().map(|p| format!("\n    {} {:?}, help: {:?}", column(p), p.message, p.help));
            Err(format!("{} should say {:?} at {}:{}", case.query, case.says, case.column, shown.collect::<String>()))
        }
    }
}

#[test]
fn mistakes_are_told_at_their_place() {
    check_all("errors.toml", check_error);
    check_all("habits.toml", check_error);
    check_all("warnings.toml", check_error);
}

#[test]
fn sound_queries_draw_no_warning() {
    for query in SOUND {
        let problems = compile(&[watch("case", query, Vec::new()), watch("other", "x", Vec::new())]).problems;
        assert!(problems.is_empty(), "{query}: {problems:?}");
    }
}

/// Near twins of what is warned about.
const SOUND: [&str; 40] = [
    "title:missile -body:missile",
    "body:missile -title:missile",
    "missile -title:missile",
    "lead:missile -title:missile",
    "\"arms deal\" -\"arms dealer\"",
    "arms -\"arms deal\"",
    "=UN -=un",
    "un -=UN",
    "missile{2} -missile{5}",
    "(missile OR rocket) -(missile rocket)",
    "2 OF (missile, rocket, drone) -missile",
    "sentence:(missile -rocket) rocket",
    "-sentence:(missile rocket) missile rocket",
    "(lang:tr OR lang:en) missile",
    "lang:tr,en lang:en,fr missile",
    "lang:tr,en -lang:tr missile",
    "2 OF (lang:tr, missile, rocket)",
    "tag:wire -tag:blog missile",
    "url:example.org/a url:example.org/a/b",
    "url:*.org url:example.net* missile",
    "published:>1h published:<3h missile",
    "published:<1h,>7d missile",
    "title:(missile sentence:(rocket drone))",
    "sentence:(title:missile lead:rocket)",
    "lead:title:missile",
    "missile NEAR/5 missile",
    "title:missile OR body:missile",
    "missile OR \"missile\"",
    "the NEAR/2 missile",
    "\"the who\"",
    "=IT OR =WHO",
    "?an OR wom?n OR missil*",
    "*ssil*",
    "24/7 and/or S/RES/2397",
    "w5 OR n3",
    "don't 'tis",
    "5% AT&T C++",
    "(missile OR missile NEAR/3 test)",
    "@weapon -@weapon.drone",
    "watch:other -missile",
];

/// A row of the page on the language: its queries, and what stands in its other cells.
fn rows(page: &str) -> Vec<(Vec<String>, Vec<String>)> {
    let lines = page.lines().filter(|line| line.starts_with("| `"));
    lines
        .map(|line| {
            let mut cells = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned());
            let written = cells.next().unwrap();
            (written.split('`').skip(1).step_by(2).map(str::to_owned).collect(), cells.collect())
        })
        .collect()
}

#[test]
fn the_pages_examples_run() {
    let page = std::fs::read_to_string(format!("{}/docs/reference/watch-language.md", env!("CARGO_MANIFEST_DIR")));
    let rows = rows(&page.unwrap());
    let mut wrong = Vec::new();
    let mut run = 0;
    for (queries, cells) in &rows {
        for query in queries {
            // Languages and ages ask for more than themselves.
            let query = if cells.len() == 1 { format!("missile {query}") } else { query.clone() };
            let problems = compile(&[watch("case", &query, Vec::new()), watch("other", "x", Vec::new())]).problems;
            wrong.extend(problems.iter().map(|problem| format!("{query}: {}", problem.message)));
            let [_, finds, passes] = &cells[..] else { continue };
            run += 1;
            let marked = finds.split("**").enumerate();
            let marks = ["", "⟦", "⟧"];
            let finds: String =
                marked.map(|(i, text)| format!("{}{text}", marks[if i == 0 { 0 } else { 2 - i % 2 }])).collect();
            for text in [&finds, passes] {
                let (title, body) = text.split_once(" ¶ ").unwrap_or(("", text.as_str()));
                let case =
                    MatchCase { query: query.clone(), title: title.into(), body: body.into(), ..Default::default() };
                wrong.extend(check_match(&case).err());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(run > 35 && rows.len() > 45, "only {run} examples in {} rows", rows.len());
}

#[test]
fn a_mistake_points_into_the_config_file() {
    let source: Arc<str> = "[[watch]]\nquery = 'a toppic:x'\n".into();
    let mut faulty = watch("w", "a toppic:x", Vec::new());
    faulty.query = QuerySource {
        text: "a toppic:x".into(),
        origin: Origin::File("wirewatch.toml".into()),
        span: 19..29,
        source: source.clone(),
    };
    assert_eq!(&source[19..29], "a toppic:x");
    let problems = compile(&[faulty.clone()]).problems;
    let place = problems[0].place.as_ref().unwrap();
    assert_eq!((place.line_column(), &source[place.span.clone()]), ((2, 12), "toppic:"));

    // Escapes in the file hide the way back: then the whole string is pointed at.
    faulty.query.text = "a  toppic:x".into();
    assert_eq!(compile(&[faulty]).problems[0].place.as_ref().unwrap().span, 19..29);
}

#[test]
fn limits_are_told_and_what_just_fits_is_read() {
    let nested = |open: &str, levels: usize, close: &str| format!("{}x{}", open.repeat(levels), close.repeat(levels));
    // Different words, as the same one twice would be warned of.
    let terms = |count: usize| (0..count).map(|i| format!("w{i}")).collect::<Vec<_>>().join(" ");
    for (query, says) in [
        (format!("x{}", " ".repeat(65_535)), None),
        (format!("x{}", " ".repeat(65_536)), Some("longer than 64 KiB")),
        (terms(10_000), None),
        (terms(10_001), Some("more than 10000 terms")),
        (nested("(", 64, ")"), None),
        (nested("(", 65, ")"), Some("nests deeper than 64")),
        (nested("x -(", 32, ")"), None),
        (nested("title:(", 64, ")"), Some("nests deeper than 64")),
        (nested("title:", 64, ""), None),
        (nested("title:", 65, ""), Some("nests deeper than 64")),
        (format!("y {}", nested("NOT ", 65, "")), Some("nests deeper than 64")),
        (format!("x{}", " NEAR y NEAR x".repeat(32)), None),
        (format!("x{} NEAR y", " NEAR y NEAR x".repeat(32)), Some("nests deeper than 64")),
    ] {
        let problems = compile(&[watch("w", &query, Vec::new())]).problems;
        let errors: Vec<_> = problems.iter().filter(|p| p.is_error()).map(|p| p.message.as_str()).collect();
        let start: String = query.chars().take(20).collect();
        match says {
            None => assert_eq!(errors, [""; 0], "{start} of {}", query.len()),
            Some(says) => assert!(matches!(errors[..], [error] if error.contains(says)), "{start}: {errors:?}"),
        }
    }
}

/// Whatever is written 64 KiB long, and however often it is wrong, is read in a moment.
#[test]
fn no_query_takes_long_to_read() {
    let pieces = [
        "x ",
        "-x ",
        "x OR ",
        "(x ",
        "x) ",
        "a:",
        "toppic:x ",
        "\"x\" ",
        "\"",
        "/x/ ",
        "/",
        "@a ",
        "@weapon ",
        "x{2} ",
        "{",
        "~",
        "=",
        ",",
        "x~1 ",
        "x NEAR y ",
        "NEAR ",
        "2 OF (x, y) ",
        "2 OF (",
        "leader:\"x y\" ",
        "country:zz ",
        "watch:zz ",
        "x -x ",
        "(x OR -y) ",
        "lang:tr ",
        "url:a.org ",
        "published:<1h ",
        "'x ",
        "x' ",
        "a||b ",
        "ab* ",
        "title:",
        "title:body:x ",
        "制",
        "é",
        "\u{301}",
        "\u{200b}",
        "x -(x y) ",
        "(lang:tr (x OR y)) ",
    ];
    let mut slow = Vec::new();
    for piece in pieces {
        let query = piece.repeat(parser::QUERY_BYTES_MAX / piece.len());
        let numbered: String = (0..).map(|i| piece.replace('x', &format!("x{i}"))).take(4_000).collect();
        for query in [query, numbered.chars().take(40_000).collect()] {
            let started = CpuTime::now();
            let _ = compile(&[watch("w", &query, Vec::new())]);
            slow.push((seconds(&started), piece));
        }
    }
    let regexes: String = (0..3_000).map(|i| format!("/\\w{{9}}{i}/ ")).collect();
    let started = CpuTime::now();
    let problems = compile(&[watch("w", &regexes, Vec::new())]).problems;
    slow.push((seconds(&started), "regexes"));
    assert!(problems.iter().any(|p| p.message.contains("too large together")));
    let (slowest, piece) = slow.into_iter().max().expect("a query was read");
    // A debug build needs about two seconds.
    assert!(slowest < 20, "{piece:?} took {slowest} s");
}

#[test]
fn watches_refer_to_watches_but_not_in_circles() {
    let article = article(Some(Lang::EN), "x".into(), None, "a b".into());
    let ids = |set: &WatchSet| set.matches(&article, now(), None).hits.iter().map(|hit| hit.watch).collect::<Vec<_>>();
    let sound = set(&[
        watch("one", "watch:two b", Vec::new()),
        watch("two", "a", Vec::new()),
        watch("three", "a -watch:two", Vec::new()),
    ]);
    assert_eq!(ids(&sound), [0, 1]);
    let circle = compile(&[watch("one", "watch:two", Vec::new()), watch("two", "a watch:one", Vec::new())]);
    assert!(circle.set.is_none());
    assert_eq!(circle.problems[0].message, "`watch:` goes in a circle: one → two → one");
}

#[test]
fn a_watch_sees_only_articles_of_its_feeds() {
    let set = set(&[
        watch("all", "a", Vec::new()),
        watch("one", "a", vec![FeedSelector::Id("anadolu".parse().unwrap())]),
        watch("tagged", "a", vec![FeedSelector::Tag("wire".into())]),
    ]);
    let mut article = article(None, "a".into(), None, String::new());
    let mut seen = |feed: Option<(&str, &[&str])>| {
        article.feed = feed.map(|(id, tags)| ArticleFeed {
            id: id.parse().unwrap(),
            url: String::new(),
            title: None,
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        });
        set.matches(&article, now(), None).hits.iter().map(|hit| hit.watch).collect::<Vec<_>>()
    };
    assert_eq!(seen(None), [0, 1, 2]);
    assert_eq!(seen(Some(("anadolu", &[]))), [0, 1]);
    assert_eq!(seen(Some(("yonhap", &["wire"]))), [0, 2]);
}

#[test]
fn matches_name_their_terms_and_the_excerpt_shows_them() {
    let filler = "word ".repeat(30);
    let body = format!("{filler}not to enter into an arms deal with Russia now. {filler}");
    let article = article(Some(Lang::EN), "Pentagon warns".into(), None, body);
    let matched = set(&[watch("w", "\"arms deal\" NEAR/5 Russia pentagon", Vec::new())]).matches(&article, now(), None);
    let hit = &matched.hits[0];
    let terms: Vec<_> = hit.matches.iter().map(|m| (m.text.as_str(), m.term.as_str())).collect();
    assert_eq!(terms, [("Pentagon", "pentagon"), ("arms deal", "\"arms deal\""), ("Russia", "Russia")]);
    assert!(hit.excerpt.starts_with('…') && hit.excerpt.ends_with('…'), "{}", hit.excerpt);
    assert!(hit.excerpt.contains("not to enter into an arms deal with Russia now."), "{}", hit.excerpt);
    assert!((15..=30).contains(&hit.excerpt.split(' ').count()), "{}", hit.excerpt);
    assert_eq!(hit.confidence, 1.0);
    assert!(matched.findings.is_some());
}

#[test]
fn excerpt_of_a_topic_shows_the_sentence_that_tells_most() {
    let filler = "word ".repeat(30);
    let body = format!(
        "Rumours of an arms deal between North Korea and Russia are old. {filler}. Seoul warned North Korea against an \
         arms deal with Russia. {filler}."
    );
    let article = article(Some(Lang::EN), "Seoul warns Pyongyang".into(), None, body);
    for query in ["topic:arms-deal", "supplier:KP", "status:warned"] {
        let matched = set(&[watch("w", query, Vec::new())]).matches(&article, now(), None);
        let hit = &matched.hits[0];
        assert!(hit.excerpt.contains("Seoul warned North Korea"), "{query}: {}", hit.excerpt);
        assert!(hit.matches.is_sorted_by_key(|m| (m.field, m.start)), "{query}");
    }
}

#[test]
fn a_flood_of_one_word_is_undecided_instead_of_slow() {
    let article = article(Some(Lang::EN), String::new(), None, "a b ".repeat(200_000));
    let set = set(&[
        watch("nested", "(a NEAR/100 b) NEAR/100 a", Vec::new()),
        watch("near", "a NEAR/100 b", Vec::new()),
        watch("plain", "a b", Vec::new()),
    ]);
    let matched = set.matches(&article, now(), None);
    assert_eq!(matched.undecided, [0]);
    assert_eq!(matched.hits.len(), 2);
    assert_eq!(matched.hits[0].matches.len(), 100);
}

/// A query's text, well formed and not.
fn query_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b",
        "missile",
        "\"arms deal\"",
        "~\"x y\"",
        "=UN",
        "mis*",
        "?an",
        "Shoigu~1",
        "/a+b/",
        "@dprk",
        "(",
        ")",
        " ",
        " ",
        " AND ",
        " OR ",
        " NOT ",
        "-",
        " NEAR/3 ",
        " ONEAR ",
        "title:",
        "sentence:",
        "lang:tr",
        "topic:x",
        "2 OF (a, b)",
        "{2}",
        "{",
        "\"",
        "/",
        "\\",
        "é",
        "制裁",
        "북한",
        "F-16",
        ",",
        ":",
        "~",
        "=",
        "@",
        "*",
        "U.N.",
        "published:<1h",
        "@weapon.missile",
        "country:RU",
        "watch:w",
        "body:",
        "lead:(",
        "，",
        "（",
        "：",
        "\u{200f}",
        "||",
        "!x",
        "'a b'",
        "w/5",
        "%",
        "|",
        "2 of (",
        "/\\n\\n/",
        "~\"a*\"",
        "=?AN",
        "-",
    ]);
    prop_oneof![prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()), "\\PC{0,40}",]
}

fn leaf() -> impl Strategy<Value = tree::Node> {
    let word = "[a-zé制][a-z0-9é制]{0,2}([-'’.*?/][a-z0-9]{1,3})?";
    let term = prop_oneof![
        word.prop_map(tree::Term::Word),
        "[a-z*?]{0,3}[a-z]( [a-z]{1,3}){0,2}(\\\\\")?".prop_map(tree::Term::Quoted),
        "[a-z]{2,4}( [a-z]{2,3})?".prop_map(tree::Term::AnyForm),
        "[A-Z]{1,4}".prop_map(tree::Term::Exact),
        "[A-Z]{1,4} [a-z]{1,3}".prop_map(tree::Term::ExactQuoted),
        ("[a-z]{7}", 1..=2u8).prop_map(|(word, edits)| tree::Term::Fuzzy(word, edits)),
        "[a-z]{1,3}(\\\\/)?[0-9]".prop_map(tree::Term::Regex),
        ("[a-z]{1,4}(\\.[a-z]{2})?", prop::option::of("[A-Z]{2}"))
            .prop_map(|(name, key)| tree::Term::List { name, key }),
    ];
    let value = prop_oneof![
        "[a-z0-9=<*/.:-]{1,6}".prop_map(|text| tree::Value { text, quoted: false }),
        "[a-z \"\\\\,(){}«]{1,6}".prop_map(|text| tree::Value { text, quoted: true }),
    ];
    let about = (prop::sample::select(tree::AboutField::ALL.to_vec()), prop::collection::vec(value, 1..3));
    let kind = prop_oneof![
        4 => term.prop_map(tree::NodeKind::Term),
        1 => about.prop_map(|(field, values)| tree::NodeKind::About(field, values)),
    ];
    kind.prop_map(|kind| tree::Node { span: 0..0, kind })
}

fn node() -> impl Strategy<Value = tree::Node> {
    use tree::NodeKind::{And, AtLeast, Count, Near, Not, Or, Scope};
    leaf().prop_recursive(5, 40, 4, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let several = || prop::collection::vec(inner.clone(), 2..4);
        // A count of a count is refused, so none is made.
        let countable = inner.clone().prop_filter("a count takes no count", |n| !matches!(n.kind, Count(..)));
        let kind = prop_oneof![
            several().prop_map(And),
            several().prop_map(Or),
            boxed().prop_map(Not),
            (any::<bool>(), 1..=lexer::NEAR_DISTANCE_MAX, boxed(), boxed())
                .prop_map(|(ordered, distance, left, right)| Near { ordered, distance, left, right }),
            (prop::sample::select(tree::Scope::ALL.to_vec()), boxed()).prop_map(|(scope, inner)| Scope(scope, inner)),
            (1..9u32, countable).prop_map(|(times, inner)| Count(times, Box::new(inner))),
            several().prop_map(|nodes| AtLeast(nodes.len() as u32 - 1, nodes)),
        ];
        kind.prop_map(|kind| tree::Node { span: 0..0, kind })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn printing_and_parsing_give_the_same_tree(root in node()) {
        let tree = tree::SyntaxTree { root: Some(root) };
        let printed = print::print(&tree);
        let parsed = parser::parse(&printed);
        prop_assert_eq!(&parsed.faults, &[], "{}", printed);
        prop_assert_eq!(&parsed.tree, &tree, "{}", printed);
        prop_assert_eq!(print::print(&parsed.tree), printed);
    }

    #[test]
    fn no_query_and_no_text_panics(query in query_text(), title in "\\PC{0,30}", body in "(\\PC|[ab .\n]|missile|制裁|북한){0,40}") {
        let compiled = compile(&[watch("w", &query, Vec::new())]);
        for problem in &compiled.problems {
            let place = problem.place.as_ref().unwrap();
            prop_assert!(place.span.end <= query.len() && query.get(place.span.clone()).is_some());
        }
        if let Some(set) = compiled.set {
            let article = article(Some(Lang::EN), title, None, body);
            for hit in set.matches(&article, now(), None).hits {
                for m in hit.matches {
                    let text = if m.field == Field::Title { &article.title } else { &article.text };
                    let slice: String = text.chars().skip(m.start as usize).take((m.end - m.start) as usize).collect();
                    prop_assert_eq!(slice, m.text);
                }
            }
        }
    }
}

fn with(set: &WatchSet, watch: &WatchSettings) -> Compiled {
    let feeds = [feed("anadolu", &["wire", "blog"])];
    set.with(watch, CompileContext { lists: &BTreeMap::new(), feeds: &feeds, packs: &SharedPacks::BuiltIn })
}

#[test]
fn watches_come_and_go_beside_articles_in_flight() {
    let article = article(Some(Lang::EN), "Shells".into(), None, "one missile and two rockets".into());
    let hits = |set: &WatchSet| set.matches(&article, now(), None).hits.iter().map(|hit| hit.watch).collect::<Vec<_>>();
    let first = set(&[watch("a", "missile", Vec::new()), watch("b", "drone", Vec::new())]);
    let mut grown = first.clone();
    for number in 2..200 {
        let query = if number % 3 == 0 { "rocket" } else { "submarine" };
        assert_eq!(grown.next_slot(), number);
        grown = with(&grown, &watch(&format!("w{number}"), query, Vec::new())).set.unwrap();
    }
    let expected: Vec<usize> = [0].into_iter().chain((3..200).step_by(3)).collect();
    assert_eq!((hits(&grown), grown.len()), (expected.clone(), 200));
    assert_eq!(hits(&first), [0], "whoever holds the old set goes on with it");
    assert_eq!(hits(&grown.in_order()), expected);
    assert!(!grown.in_order().is_scattered(), "all on one shelf");

    let shrunk = grown.without("w3").unwrap().without("a").unwrap();
    assert_eq!((hits(&shrunk), shrunk.len()), (expected[2..].to_vec(), 198));
    assert_eq!(hits(&shrunk.in_order()), expected[2..]);
    assert!(shrunk.without("a").is_none() && grown.without("nobody").is_none());
    let again = with(&shrunk, &watch("a", "rocket", Vec::new())).set.unwrap();
    assert_eq!(hits(&again).last(), Some(&200), "a watch that comes back has a new number");
    assert!(!with(&again, &watch("z", "missile NEAR", Vec::new())).problems.is_empty());
}

#[test]
fn a_watch_refers_to_what_another_asks_now() {
    let article = article(Some(Lang::EN), String::new(), None, "one missile, many rockets".into());
    let hits = |set: &WatchSet| set.matches(&article, now(), None).hits.iter().map(|hit| hit.watch).collect::<Vec<_>>();
    let old = set(&[watch("a", "drone", Vec::new()), watch("b", "watch:a rocket", Vec::new())]);
    assert!(hits(&old).is_empty());
    let new = with(&old.without("a").unwrap(), &watch("a", "missile", Vec::new())).set.unwrap();
    assert_eq!(hits(&new), [1, 2]);
    assert_eq!(hits(&new.in_order()), [1, 2]);
    let gone = new.without("a").unwrap();
    assert!(hits(&gone).is_empty(), "of a watch that is gone nothing matches");
    let circle = with(&gone, &watch("a", "watch:b", Vec::new()));
    assert!(circle.set.is_none());
    assert_eq!(circle.problems[0].message, "`watch:` goes in a circle: a → b → a");
}

#[test]
fn many_watches_are_read_on_all_cores_and_stay_in_order() {
    let word = |number: usize| format!("word{number}");
    let watches: Vec<_> = (0..5000).map(|number| watch(&format!("w{number}"), &word(number), Vec::new())).collect();
    let article = article(Some(Lang::EN), String::new(), None, format!("{} {} {}", word(4999), word(17), word(2048)));
    let matched = set(&watches).matches(&article, now(), None);
    assert_eq!(matched.hits.iter().map(|hit| hit.watch).collect::<Vec<_>>(), [17, 2048, 4999]);
    assert_eq!(matched.candidates, 3, "no other watch is looked at");
    let mut broken = watches;
    broken[3000] = watch("w3000", "a OR", Vec::new());
    broken[10] = watch("w10", "toppic:x", Vec::new());
    let compiled = compile(&broken);
    assert!(compiled.set.is_none());
    let messages: Vec<_> = compiled.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(messages, ["there is no `toppic:`", "expected a term here, but the query ends"]);
}

#[test]
fn references_are_bounded_however_they_are_listed() {
    let chain = |deep: usize| -> Vec<WatchSettings> {
        let asks = |number: usize| match number {
            0 => "zebra".to_owned(),
            number => format!("watch:w{}", number - 1),
        };
        (0..deep).map(|number| watch(&format!("w{number}"), &asks(number), Vec::new())).collect()
    };
    assert!(compile(&chain(32)).set.is_some());
    for deep in [33, 20_000] {
        let problems = compile(&chain(deep)).problems;
        assert!(problems[0].message.contains("deeper than 32 watches"), "{}", problems[0].message);
    }
    // The one in the middle goes, and comes back asking more.
    let cut = set(&chain(32)).without("w0").unwrap();
    let deeper = with(&with(&cut, &watch("x", "zebra", Vec::new())).set.unwrap(), &watch("w0", "watch:x", Vec::new()));
    assert!(deeper.set.is_none() && deeper.problems[0].message.contains("deeper than 32"), "{:?}", deeper.problems);
}

/// Whether the one watch of `query` matches; `None` where it ran out of steps.
fn answer(query: &str, article: &Article) -> Option<bool> {
    let matched = set(&[watch("w", query, Vec::new())]).matches(article, now(), None);
    matched.undecided.is_empty().then_some(!matched.hits.is_empty())
}

#[test]
fn built_texts_and_queries_take_no_time_and_no_room() {
    let body = |text: String| article(Some(Lang::EN), String::new(), None, text);
    let started = CpuTime::now();
    let many: Vec<String> = (0..3000).map(|number| format!("w{number}x")).collect();
    assert_eq!(answer(&format!("sentence:({})", many.join(" OR ")), &body(many.join(" "))), Some(true));
    assert_eq!(answer(&"the ".repeat(800), &body("the ".repeat(32_000))), None, "evidence costs steps too");
    assert_eq!(answer("*aa*b", &body("a".repeat(40_000))), Some(false));
    assert_eq!(answer(&format!("\"{}b\"", "a ".repeat(63)), &body("a ".repeat(100_000))), Some(false));
    assert_eq!(answer("/.*q|a/", &body("a".repeat(200_000))), Some(true));
    assert_eq!(
        answer("missile OR (a NEAR/100 b) NEAR/100 a", &body("missile ".to_owned() + &"a b ".repeat(200_000))),
        Some(true)
    );
    let wildcards: Vec<String> = (0..900).map(|number| format!("*a{number}*")).collect();
    let words: Vec<String> = (0..900).map(|number| format!("xa{number}y")).collect();
    assert_eq!(answer(&wildcards.join(" OR "), &body(words.join(" "))), Some(true));
    // Generous: what it guards against takes minutes.
    assert!(seconds(&started) < 60, "{} s", seconds(&started));
}

/// What this thread has worked since: the test's own work alone, however busy the machine is.
fn seconds(since: &CpuTime) -> u64 {
    (since.elapsed_micros() / 1e6) as u64
}

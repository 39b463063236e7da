//! The engine against the truth of the generator of watches that stands beside the project, where it does: a third
//! opinion, by a program that shares nothing with this one, over real articles.

use std::{collections::BTreeSet, process::Command};

use wirewatch::{
    article::{Article, Lang},
    watch::WatchSet,
};

use super::{
    super::{language::article, program::beside},
    Asked, engine_answers, plain_answers, set,
};

const WATCHES: &str = "1000";
/// Debug builds are slow: so many articles are matched, and so many of them evaluated plainly too.
const ARTICLES: usize = 300;
const ARTICLES_PLAIN: usize = 6;

#[test]
fn watches_of_the_generator_hit_what_its_truth_says() {
    let Some(tool) = beside("tools/watchload.py") else { return };
    let Some(corpus) = beside("data/bbc/corpus.tsv") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let text = std::fs::read_to_string(corpus).unwrap();
    // Sections stand one behind the other: every sixth line has some of each.
    let lines: Vec<&str> = text.lines().step_by(6).take(ARTICLES).collect();
    assert_eq!(lines.len(), ARTICLES, "the corpus is shorter than it was");
    std::fs::write(path("corpus.tsv"), lines.join("\n") + "\n").unwrap();

    let mut command = Command::new("python3");
    command
        .arg(tool)
        .arg(path("corpus.tsv"))
        .arg(WATCHES)
        .arg(path("watches.tsv"))
        .arg("--truth")
        .arg(path("truth.tsv"));
    let Ok(output) = command.output() else {
        eprintln!("skipped: there is no python3");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let watches = std::fs::read_to_string(path("watches.tsv")).unwrap();
    let asked: Vec<Asked> = watches
        .lines()
        .map(|line| {
            let mut columns = line.split('\t');
            Asked::new(columns.next().unwrap(), columns.next().unwrap())
        })
        .collect();
    let truth = std::fs::read_to_string(path("truth.tsv")).unwrap();
    // Watch and article, both by number.
    let expected: BTreeSet<(usize, usize)> = truth
        .lines()
        .enumerate()
        .flat_map(|(watch, line)| {
            let rows = line.rsplit('\t').next().unwrap_or("").split(',').filter(|row| !row.is_empty());
            rows.map(move |row| (watch, row.parse().unwrap())).collect::<Vec<_>>()
        })
        .collect();
    assert!(expected.len() > 300, "only {} hits to compare with", expected.len());

    let set: WatchSet = set(&asked);
    let mut found = BTreeSet::new();
    for (row, line) in lines.iter().enumerate() {
        let article = article_of(line);
        let answers = engine_answers(&set, &article);
        if row < ARTICLES_PLAIN {
            let plain = plain_answers(&asked, &article);
            for ((watch, engine), plain) in asked.iter().zip(&answers).zip(&plain) {
                assert!(super::agree(engine, plain), "`{}` {engine:?} {plain:?} {line}", watch.query);
            }
        }
        let hits = answers.iter().enumerate().filter(|(_, (answer, _))| answer.is_some());
        found.extend(hits.map(|(watch, _)| (watch, row)));
    }
    let told = |pairs: Vec<&(usize, usize)>| {
        let pairs = pairs.iter().take(10).map(|&&(watch, row)| format!("`{}` in row {row}", asked[watch].query));
        pairs.collect::<Vec<_>>().join("\n")
    };
    let missed: Vec<_> = expected.difference(&found).collect();
    let too_many: Vec<_> = found.difference(&expected).collect();
    println!("{} watches, {} articles, {} hits", asked.len(), lines.len(), expected.len());
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), told(missed));
    assert!(too_many.is_empty(), "{} too many:\n{}", too_many.len(), told(too_many));
}

/// A line of the corpus as its generator reads it.
fn article_of(line: &str) -> Article {
    let mut columns = line.splitn(3, '\t').skip(1);
    let title = columns.next().unwrap_or("").to_owned();
    let body = columns.next().unwrap_or("").replace('\t', " ");
    article(Some(Lang::EN), title, None, body)
}

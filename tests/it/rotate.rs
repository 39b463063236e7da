//! File sinks that begin a new file in time: no line torn, none lost, whatever happens between two files.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use wirewatch::{
    config::{OutputFormat, Rotation, SinkKind, SinkSettings},
    deliver::once,
};

use crate::{
    deliver::{articles, commit, context, open, settings},
    program::Desk,
    store::Home,
};

fn rotating(path: &Path, bytes_max: u64, keep: usize) -> SinkSettings {
    let rotate = Some(Rotation { bytes_max, keep });
    settings("file", SinkKind::File { path: path.to_owned(), format: OutputFormat::Json, rotate }, &[10])
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    if number == 0 { path.to_owned() } else { PathBuf::from(format!("{}.{number}", path.display())) }
}

/// What stands in the files, the oldest first.
fn texts(path: &Path) -> Vec<String> {
    let files = (0..2_000).map(|number| numbered(path, number)).filter(|path| path.exists());
    // One may be renamed meanwhile.
    let mut texts: Vec<String> = files.map(|path| fs::read_to_string(path).unwrap_or_default()).collect();
    texts.reverse();
    texts
}

async fn deliver(home: &Home, path: &Path, numbers: std::ops::Range<usize>, bytes_max: u64, keep: usize) -> String {
    let store = open(home);
    let entries = articles(numbers, &["file"]);
    let expected = entries.iter().map(|entry| entry.alerts[0].body.clone() + "\n").collect();
    commit(&store, entries).await;
    let pass = once(&store, &[rotating(path, bytes_max, keep)], &context()).await.unwrap();
    assert_eq!((pass.failed, pass.left), (0, 0));
    expected
}

#[tokio::test]
async fn each_line_stands_whole_in_one_file_in_order() {
    let home = Home::new();
    let path = home.path().with_file_name("alerts.ndjson");
    let expected = deliver(&home, &path, 0..200, 1_000, 1_000).await;
    let texts = texts(&path);
    assert_eq!(texts.concat(), expected);
    assert!(texts.len() > 8, "{} files", texts.len());
    assert!(texts.iter().all(|text| text.len() <= 1_000 && text.ends_with('\n')));
}

#[tokio::test]
async fn the_newest_stay_and_the_oldest_go() {
    let home = Home::new();
    let path = home.path().with_file_name("alerts.ndjson");
    let expected = deliver(&home, &path, 0..200, 1_000, 2).await;
    let texts = texts(&path);
    assert_eq!(texts.len(), 3);
    assert!(expected.ends_with(&texts.concat()));
    assert!(texts.concat().len() > 2_000);
}

#[tokio::test]
async fn line_longer_than_a_file_has_one_of_its_own() {
    let home = Home::new();
    let path = home.path().with_file_name("alerts.ndjson");
    let expected = deliver(&home, &path, 0..3, 10, 9).await;
    let texts = texts(&path);
    assert_eq!((texts.len(), texts.concat()), (3, expected));
}

#[tokio::test]
async fn rotation_that_was_cut_off_leaves_a_gap_which_the_next_one_fills() {
    let home = Home::new();
    let path = home.path().with_file_name("alerts.ndjson");
    for (number, text) in [(0, "new\n"), (1, "one\n"), (3, "three\n")] {
        fs::write(numbered(&path, number), text).unwrap();
    }
    let expected = deliver(&home, &path, 0..1, 10, 3).await;
    assert_eq!(texts(&path), ["three\n", "one\n", "new\n", &expected]);
    let newest = deliver(&home, &path, 1..2, 10, 3).await;
    assert_eq!(texts(&path), ["one\n", "new\n", &expected, &newest]);
}

#[tokio::test]
async fn end_that_broke_off_is_taken_back_and_what_is_not_ours_stays() {
    for (before, stays) in [
        ("{\"type\":\"alert\",\"id\":\"a\"}\n{\"type\":\"al", "{\"type\":\"alert\",\"id\":\"a\"}\n"),
        ("{\"type\":\"alert\",\"id\":\"a\"}\n{\"ty", "{\"type\":\"alert\",\"id\":\"a\"}\n"),
        ("{\"type\":\"alert\",\"id\":\"al", ""),
        ("{\"type\":\"alert\",\"id\":\"a\"}", "{\"type\":\"alert\",\"id\":\"a\"}\n"),
        ("notes of mine", "notes of mine\n"),
        ("a\n{\"torn", "a\n{\"torn\n"),
        ("{\"type\":\"alert\"} and more", "{\"type\":\"alert\"} and more\n"),
    ] {
        let home = Home::new();
        let path = home.path().with_file_name("alerts.ndjson");
        fs::write(&path, before).unwrap();
        let line = deliver(&home, &path, 0..1, 1_000_000, 3).await;
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{stays}{line}"), "{before}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn link_stays_and_its_target_rotates() {
    let home = Home::new();
    let (path, link) = (home.path().with_file_name("alerts.ndjson"), home.path().with_file_name("link"));
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let expected = deliver(&home, &link, 0..30, 500, 99).await;
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(texts(&path).concat(), expected);
}

fn rss(count: usize) -> String {
    let item =
        |n: usize| format!("<item><title>Missile n{n}n</title><guid>g{n}</guid><description>t{n}</description></item>");
    let items: String = (0..count).map(item).collect();
    let head = "<rss version=\"2.0\"><channel><title>Wire</title><link>https://wire.example/</link>";
    format!("{head}<description>d</description>{items}</channel></rss>")
}

/// No test waits longer for an event.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn kills_between_the_files_lose_no_line_and_tear_none() {
    const ARTICLES: usize = 400;
    let desk = Desk::new(
        "[daemon]\ndata_dir = \"data\"\nlisten = \"off\"\nbacklog = \"all\"\n[packs]\ndefaults = false\n\
         [[feed]]\nid = \"wire\"\nurl = \"file:wire.xml\"\n[[watch]]\nid = \"w\"\nquery = \"missile\"\n\
         [defaults]\nsinks = [\"log\"]\n[[sink]]\nid = \"log\"\ntype = \"file\"\npath = \"alerts.ndjson\"\n\
         rotate = { size = \"4kB\", keep = 1000 }\n",
    );
    desk.write("wire.xml", rss(ARTICLES));
    let path = desk.path("alerts.ndjson");
    let ids = || -> BTreeSet<String> {
        let whole = texts(&path).concat();
        // The last may be under way.
        let lines = whole.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let id = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["data"]["id"].to_string();
        lines.map(id).collect()
    };
    let files = || (1..2_000).take_while(|number| numbered(&path, *number).exists()).count();
    let started = Instant::now();
    for kill in 1..=6 {
        let mut daemon = desk.start();
        // The moments differ by how far the sink has come, and by what the machine does meanwhile.
        while files() < kill * 8 {
            assert!(started.elapsed() < PATIENCE, "{} files", files());
            std::thread::yield_now();
        }
        daemon.kill();
    }
    let daemon = desk.start();
    while ids().len() < ARTICLES {
        assert!(started.elapsed() < PATIENCE, "{} of {ARTICLES}", ids().len());
        std::thread::yield_now();
    }
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{log}");
    assert_eq!(ids().len(), ARTICLES);
    let texts = texts(&path);
    assert!(texts.iter().all(|text| text.ends_with('\n') && text.len() <= 4_000));
}

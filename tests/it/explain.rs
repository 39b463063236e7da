//! `explain` as a person reads it, and as a program does.
//!
//! Each folder in `tests/fixtures/explain` is one case: `query`, `article.txt`, and `expected`, which is what the command
//! prints. `UPDATE_EXPECT=1` rewrites `expected`.

use std::{fmt::Write, fs};

use super::program::Desk;

#[test]
fn each_case_is_explained_as_expected() {
    let desk = Desk::new("");
    let folder = format!("{}/tests/fixtures/explain", env!("CARGO_MANIFEST_DIR"));
    let mut cases: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    let mut wrong = String::new();
    for case in &cases {
        let query = fs::read_to_string(case.join("query")).unwrap();
        let article = case.join("article.txt");
        let ran = desk.run(&["--text", "explain", "--query", query.trim_end(), article.to_str().unwrap()]);
        assert_eq!(ran.code, Some(0), "{}: {}", case.display(), ran.stderr);
        let expected = case.join("expected");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&expected, &ran.stdout).unwrap();
        }
        let kept = fs::read_to_string(&expected).unwrap_or_default();
        if kept != ran.stdout {
            write!(wrong, "\n── {}\nexpected:\n{kept}\nfound:\n{}", case.display(), ran.stdout).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}\nUPDATE_EXPECT=1 rewrites what is expected");
}

#[test]
fn a_line_of_json_has_what_the_contract_says() {
    let desk = Desk::new(
        "[[watch]]\nid = \"arms\"\nquery = 'shells -denied'\n[[watch]]\nid = \"twice\"\nquery = 'watch:arms'\n",
    );
    desk.write("a.txt", "Shells\n\nMoscow sold shells.");
    let ran = desk.run(&["--json", "explain", "--watch", "arms", "a.txt"]);
    let line = &ran.lines()[0];
    assert_eq!((&line["watch"], &line["matched"]), (&"arms".into(), &true.into()));
    let tree = &line["tree"];
    assert_eq!((&tree["op"], &tree["query"], &tree["lacks"]), (&"and".into(), &"shells -denied".into(), &().into()));
    let hit = &tree["children"][0]["hits"][0];
    assert_eq!((&hit["field"], &hit["start"], &hit["text"]), (&"title".into(), &0.into(), &"Shells".into()));
    assert_eq!(tree["children"][1]["op"], "not");

    let every = desk.run(&["--json", "explain", "a.txt"]).lines();
    assert!(every.len() > 2, "without a choice every watch is explained");
    let twice = every.iter().find(|line| line["watch"] == "twice").unwrap();
    assert_eq!(twice["matched"], true, "a watch sees the others: {twice}");

    assert_eq!(desk.run(&["explain", "--watch", "nobody", "a.txt"]).code, Some(2));
    assert_eq!(desk.run(&["explain", "--query", "a OR", "a.txt"]).code, Some(2));
    assert_eq!(desk.run(&["explain", "--watch", "arms", "nothing.txt"]).code, Some(1));
}

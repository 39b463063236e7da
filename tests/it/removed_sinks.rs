//! What waits for a sink that the config no longer has: said at the start, listed, moved elsewhere, ended.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use chrono::Utc;
use rusqlite::Connection;
use serde_json::json;

use crate::{
    deliver::{articles, commit, open},
    outbox_commands::{desk, lines, receiver},
    program::Desk,
    receiver::Receiver,
    store::{Home, sink},
};

/// The same desk with its sink under another name.
fn rename(desk: &Desk, to: &str) {
    let config = std::fs::read_to_string(desk.path("wirewatch.toml")).unwrap();
    desk.write("wirewatch.toml", config.replace("\"hook\"", &format!("\"{to}\"")));
}

/// A desk whose sink `hook` failed for so many articles, and is now called `desk`.
async fn renamed(articles: usize, sink: &str) -> (Desk, Receiver, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(503));
    let receiver = receiver(&status).await;
    let desk = desk(&receiver, articles, sink);
    assert_eq!(desk.run(&["run", "--once"]).code, Some(0));
    rename(&desk, "desk");
    status.store(204, Ordering::SeqCst);
    (desk, receiver, status)
}

const WARNING: &str = "4 deliveries wait for the sink `hook`, which the config no longer has: \
    `wirewatch deliveries move --sink hook --to OTHER` sends them elsewhere, \
    `wirewatch deliveries discard --sink hook --state pending` ends them\n";

#[tokio::test(flavor = "multi_thread")]
async fn every_start_says_what_waits_for_a_sink_that_was_renamed() {
    let (desk, _receiver, _) = renamed(4, "").await;
    assert_eq!(desk.run(&["check"]).code, Some(0), "`check` opens no store");
    let once = desk.run(&["run", "--once"]);
    assert!(once.stderr.contains(WARNING), "{once:?}");
    let logged = desk.run(&["run", "--once", "--log-format", "json"]);
    let line = logged.stderr.lines().find(|line| line.contains("4 deliveries wait")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["level"], "WARN", "{line}");
    let daemon = desk.start();
    assert!(daemon.said.contains(WARNING), "{}", daemon.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn start_says_which_sinks_take_nothing_and_what_waits() {
    let status = Arc::new(AtomicU16::new(503));
    let receiver = receiver(&status).await;
    let desk = desk(&receiver, 3, "retry = [\"2h\"]");
    desk.run(&["run", "--once"]);
    let file = Connection::open(desk.path("data/wirewatch.db")).unwrap();
    for (change, expected, is_said_once) in [
        ("failures = 1", "sink hook: 3 deliveries wait\n", false),
        (
            "paused = 1767225600000",
            "sink hook: paused since 2026-01-01T00:00:00Z, 3 deliveries wait: `wirewatch sinks resume hook` lets it go on\n",
            true,
        ),
        (
            "paused = NULL, disabled = 1767225600000",
            "sink hook: disabled since 2026-01-01T00:00:00Z, 3 deliveries wait: `wirewatch sinks enable hook` brings it back\n",
            false,
        ),
        (
            "disabled = NULL, down = 1767225661000, failing_since = 1767225660000, told = 1, probe_at = 9999999999999,
                 last_failure = 'answered 503'",
            "sink hook: takes nothing since 2026-01-01T00:01:00Z, 3 deliveries wait: answered 503\n",
            true,
        ),
    ] {
        file.execute(&format!("UPDATE sink SET {change} WHERE sink = 'hook'"), []).unwrap();
        let daemon = desk.start();
        assert!(daemon.said.contains(expected), "{}", daemon.said);
        drop(daemon);
        // A disabled one makes dead letters of what waits.
        file.execute("UPDATE outbox SET state = 'pending', ended = NULL", []).unwrap();
        if is_said_once {
            let once = desk.run(&["run", "--once"]);
            assert!(once.stderr.contains(expected), "{once:?}");
        }
    }
    file.execute("DELETE FROM outbox", []).unwrap();
    file.execute("DELETE FROM sink", []).unwrap();
    let daemon = desk.start();
    assert!(!daemon.said.contains("sink hook: take") && !daemon.said.contains("wait"), "{}", daemon.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_know_a_sink_that_was_renamed_and_choose_by_its_state() {
    let (desk, receiver, _) = renamed(4, "").await;
    let text = |arguments: &[&str]| {
        let ran = desk.run(&[arguments, &["--text"]].concat());
        (ran.code.unwrap(), ran.stdout + &ran.stderr)
    };
    assert_eq!(
        text(&["deliveries", "list", "--sink", "hook", "--state", "dead"]),
        (0, "no delivery is like that\n".into())
    );
    assert_eq!(text(&["deliveries", "discard", "--dead", "--sink", "hook"]), (0, "discarded 0 deliveries\n".into()));
    for command in ["pause", "enable", "test"] {
        assert_eq!(text(&["sinks", command, "hook"]), (2, format!("error: {WARNING}")));
    }
    for wrong in [
        &["deliveries", "discard", "--state", "pending"] as &[&str],
        &["deliveries", "discard", "--sink", "hook"],
        &["deliveries", "retry", "--sink", "hook", "--state", "delivered"],
        &["deliveries", "retry", "--sink", "hook", "--state", "pending", "--dead"],
        &["deliveries", "retry", "--sink", "nobody", "--state", "pending"],
        &["deliveries", "move", "--sink", "hook", "--to", "nobody"],
        &["deliveries", "move", "--sink", "nobody", "--to", "desk"],
        &["deliveries", "move", "--sink", "desk", "--to", "desk"],
    ] {
        assert_eq!(text(wrong).0, 2, "{wrong:?}");
    }
    let retried = text(&["deliveries", "retry", "--sink", "hook", "--state", "pending"]);
    assert_eq!(retried, (0, "retried 4 deliveries\n".into()));
    assert_eq!(receiver.so_far().len(), 4, "nobody sends them for that");
    let discarded = text(&["deliveries", "discard", "--sink", "hook", "--state", "pending"]);
    assert_eq!(discarded, (0, "discarded 4 deliveries\n".into()));
    let once = desk.run(&["run", "--once"]);
    assert!(!once.stderr.contains("no longer has"), "{once:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_moves_to_another_sink_and_is_sent_there_once() {
    let (desk, receiver, _) = renamed(4, "batch = { max = 3, wait = \"0s\" }").await;
    let before = receiver.so_far().len();
    let moved = &lines(&desk, &["deliveries", "move", "--sink", "hook", "--to", "desk"])[0];
    assert_eq!(moved, &json!({"sink": "hook", "to": "desk", "moved": 4, "dead": 0, "discarded": 0}));
    let again = desk.run(&["deliveries", "move", "--sink", "hook", "--to", "desk", "--text"]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), "moved 0 deliveries from hook to desk\n"));
    let once = desk.run(&["run", "--once"]);
    assert!(once.stderr.contains("4 delivered, 0 left in the outbox"), "{once:?}");
    assert_eq!(receiver.so_far().len(), before + 2, "in batches of the other sink's own");
    let gone = lines(&desk, &["deliveries", "list", "--state", "discarded", "--sink", "hook"]);
    assert_eq!(gone.len(), 6, "four alerts, two batches");
    assert!(gone.iter().all(|line| line["last_error"].as_str().unwrap().starts_with("moved to `desk`")), "{gone:?}");
    assert!(!once.stderr.contains("no longer has"), "{once:?}");
}

#[tokio::test]
async fn move_keeps_dead_letters_leaves_what_is_there_and_goes_both_ways() {
    let home = Home::new();
    let store = open(&home);
    commit(&store, articles(0..3, &["old"])).await;
    commit(&store, articles(3..5, &["old", "new"])).await;
    let file = Connection::open(home.path()).unwrap();
    let now = Utc::now();
    let row = "(SELECT min(delivery) FROM outbox WHERE sink = 'old')";
    file.execute(
        &format!("UPDATE outbox SET state = 'dead', ended = 7, last_error = 'answered 500' WHERE delivery = {row}"),
        [],
    )
    .unwrap();
    let moved = store.move_deliveries(&sink("old"), &sink("new"), now).await.unwrap();
    assert_eq!((moved.pending, moved.dead, moved.had), (2, 1, 2));
    let rows = |sink: &str| -> Vec<(String, Option<String>)> {
        let sql = "SELECT state, last_error FROM outbox WHERE sink = ?1 ORDER BY alert";
        let mut statement = file.prepare(sql).unwrap();
        let rows = statement.query_map([sink], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let (discarded, pending) =
        (|why: &str| ("discarded".to_owned(), Some(why.to_owned())), ("pending".to_owned(), None));
    let dead = ("dead".to_owned(), Some("answered 500".to_owned()));
    let (went, had) = (discarded("moved to `new`"), discarded("moved to `new`, which has it already"));
    assert_eq!(rows("old"), [went.clone(), went.clone(), went, had.clone(), had]);
    assert_eq!(rows("new"), [dead.clone(), pending.clone(), pending.clone(), pending.clone(), pending.clone()]);

    // Back again: nothing is lost between the two.
    let back = store.move_deliveries(&sink("new"), &sink("old"), now).await.unwrap();
    assert_eq!((back.pending, back.dead, back.had), (4, 1, 0));
    assert_eq!(rows("old"), [dead, pending.clone(), pending.clone(), pending.clone(), pending]);
}

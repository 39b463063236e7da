//! Events go the way of alerts: stored with the poll that made them, once, signed, retried, and printed as a line.

use std::collections::HashSet;

use chrono::{Duration, Utc};
use rusqlite::Connection;
use wirewatch::{
    alert::{Event, EventKind, body::FeedRef},
    clock::Clock,
    config::OutputFormat,
    deliver::{OncePass, once},
    store::{AlertFilter, Hearing, MessageKind, NewEvent, PollResult, Role, Store, StoredOutcome},
};

use crate::{
    deliver::{articles, context, file, webhook},
    receiver::{Answer, Receiver},
    store::{Home, entry, hearing, noon, poll, sink},
};

fn failing() -> Event {
    let kind = EventKind::FeedFailing {
        feed: FeedRef { id: "a".into(), url: "https://example.org/a".into(), title: None },
        class: "timeout".into(),
        reason: "no answer within 30 s".into(),
        failures: 4,
        since: noon(),
        next_poll: Some(noon() + Duration::hours(1)),
    };
    Event::new(kind, noon())
}

fn gap() -> Event {
    let feed = hearing("a", &[]).feed;
    Event::new(EventKind::FeedGap { feed, since: None, entries: 1 }, noon())
}

fn told(sinks: &[&str]) -> NewEvent {
    NewEvent { event: failing(), sinks: sinks.iter().map(|id| sink(id)).collect() }
}

#[tokio::test]
async fn event_is_committed_with_its_poll_and_comes_once() {
    let home = Home::new();
    let store = home.open();
    let mut changed = store.changed();
    let mut document = poll("a", noon(), vec![entry("1", "x.org/1", "one", &["w"])]);
    document.gap = Some(noon());
    document.hearing = hearing("a", &["hook"]);
    let committed = store.commit_poll(document.clone()).await.unwrap();
    assert_eq!(committed.alerts.len(), 1, "an event is no alert");
    assert!(changed.has_changed().unwrap());
    changed.mark_unchanged();
    // The same happening, told again: by a poll that is played twice, or by somebody else.
    store.commit_poll(document).await.unwrap();
    let again = NewEvent { event: gap(), sinks: vec![sink("hook"), sink("console")] };
    assert_eq!(store.announce(vec![again]).await.unwrap(), 0);
    assert!(!changed.has_changed().unwrap());

    let due = store.due(&sink("hook"), noon(), 8, &HashSet::new()).await.unwrap();
    let messages: Vec<_> = due.deliveries.iter().map(|d| (d.kind, d.message.as_str().to_owned())).collect();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[1], (MessageKind::Event, gap().id.to_string()));
    assert_eq!(due.deliveries[1].body, gap().to_json());
    let listed = store.alerts(AlertFilter { limit: 10, ..AlertFilter::default() }).await.unwrap();
    assert_eq!(listed.len(), 1, "an event is no alert");
}

#[tokio::test]
async fn event_of_a_poll_that_is_not_stored_is_not_told() {
    let home = Home::new();
    let store = home.open();
    let other = Connection::open(home.path()).unwrap();
    // Fails the poll's transaction behind its articles.
    other.execute_batch("CREATE TRIGGER t BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'no'); END").unwrap();
    let mut document = poll("a", noon(), vec![entry("1", "x.org/1", "one", &["w"])]);
    document.gap = Some(noon());
    document.hearing = hearing("a", &["hook"]);
    assert!(store.commit_poll(document.clone()).await.is_err());
    assert!(store.backlogs().await.unwrap().is_empty());
    other.execute_batch("DROP TRIGGER t").unwrap();
    store.commit_poll(document).await.unwrap();
    assert_eq!(store.backlogs().await.unwrap().iter().map(|b| b.pending).sum::<i64>(), 3);
}

#[tokio::test]
async fn event_arrives_under_its_id_and_is_a_line_of_text() {
    let (home, context) = (Home::new(), context());
    let store = Store::open(&home.path(), Clock::system(), Role::Daemon).unwrap();
    let receiver = Receiver::start(|_, _| Answer::Status(204, "")).await;
    let (lines, text) = (home.path().with_file_name("lines"), home.path().with_file_name("text"));
    let sinks = [
        webhook("hook", &receiver.url, &[10]),
        file("lines", &lines, OutputFormat::Json),
        file("text", &text, OutputFormat::Text),
    ];
    store.commit_poll(poll("a", Utc::now(), articles(0..1, &["lines"]))).await.unwrap();
    store.announce(vec![told(&["hook", "lines", "text"])]).await.unwrap();
    let pass = once(&store, &sinks, &context).await.unwrap();
    assert_eq!(pass, OncePass { delivered: 1, failed: 0, left: 0, stdout_closed: false }, "alerts alone are counted");
    let got = receiver.received(1).await.remove(0);
    assert_eq!((got.id(), got.body.as_str()), (failing().id.as_str(), failing().to_json().as_str()));
    assert!(got.headers["webhook-signature"].to_str().unwrap().starts_with("v1,"));
    let printed = std::fs::read_to_string(&lines).unwrap();
    assert_eq!(printed.lines().filter(|line| *line == failing().to_json()).count(), 1, "{printed}");
    let printed = std::fs::read_to_string(&text).unwrap();
    let lines = "WARNING  Feed failing: a\n\
                 Feed a fails since 1 Mar 12:00 UTC (4 polls in a row): no answer within 30 s; next poll 1 Mar 13:00 UTC";
    assert_eq!(printed.trim_end(), lines);
}

#[tokio::test]
async fn events_are_forgotten_once_nothing_waits_for_them() {
    let home = Home::new();
    let store = home.open();
    store.announce(vec![told(&["hook"])]).await.unwrap();
    let later = noon() + Duration::days(1);
    assert_eq!(store.forget(later).await.unwrap().events, 0, "it still waits");
    Connection::open(home.path()).unwrap().execute("UPDATE outbox SET state = 'discarded', ended = 0", []).unwrap();
    let forgotten = store.forget(later).await.unwrap();
    assert_eq!((forgotten.deliveries, forgotten.events), (1, 1));
}

#[tokio::test]
async fn store_from_before_events_keeps_its_outbox() {
    let home = Home::new();
    let old = Connection::open(home.path()).unwrap();
    for sql in [
        include_str!("../../src/store/sqlite/migrations/0001-first.sql"),
        include_str!("../../src/store/sqlite/migrations/0002-changing-ids.sql"),
        include_str!("../../src/store/sqlite/migrations/0003-wishes.sql"),
    ] {
        old.execute_batch(sql).unwrap();
    }
    old.execute_batch(
        "PRAGMA application_id = 0x57576174; PRAGMA user_version = 3;
         INSERT INTO feed (feed, id, last_poll, outcome, failures, next_poll, next_reason)
             VALUES (1, 'a', 0, 'new', 0, 0, 'interval');
         INSERT INTO alert (alert, id, watch, severity, feed, made, body)
             VALUES (5, 'alr_x', 'w', 'info', 1, 1000, '{}');
         INSERT INTO outbox (delivery, alert, sink, state, due, attempts, last_error)
             VALUES (7, 5, 'hook', 'pending', 2000, 3, 'no'), (8, 5, 'console', 'dead', 0, 12, 'gave up');",
    )
    .unwrap();
    drop(old);
    let store = home.open();
    let due = store.due(&sink("hook"), noon(), 8, &HashSet::new()).await.unwrap().deliveries;
    assert_eq!((due[0].message.as_str(), due[0].kind, due[0].attempts), ("alr_x", MessageKind::Alert, 3));
    let dead: i64 = store.backlogs().await.unwrap().iter().map(|b| b.dead).sum();
    assert_eq!((due.len(), dead), (1, 1));
    store.announce(vec![told(&["hook"])]).await.unwrap();
    assert_eq!(store.due(&sink("hook"), noon(), 8, &HashSet::new()).await.unwrap().deliveries.len(), 2);
}

/// A poll of `feed` that failed for the `failures`th time in a row, so many minutes past noon.
fn failed(feed: &str, minutes: i64, failures: u32) -> PollResult {
    PollResult {
        outcome: StoredOutcome::Error { class: "timeout".into(), message: "no answer within 30 s".into() },
        in_a_row_failures: failures,
        hearing: hearing(feed, &["hook"]),
        validators: None,
        ..poll(feed, noon() + Duration::minutes(minutes), Vec::new())
    }
}

fn answered(feed: &str, minutes: i64) -> PollResult {
    let poll = poll(feed, noon() + Duration::minutes(minutes), Vec::new());
    PollResult { outcome: StoredOutcome::NotModified, hearing: hearing(feed, &["hook"]), ..poll }
}

/// The texts of the events that wait for the hook.
async fn texts(store: &Store) -> Vec<String> {
    let due = store.due(&sink("hook"), noon() + Duration::days(30), 100, &HashSet::new()).await.unwrap();
    let text = |body: &str| {
        serde_json::from_str::<serde_json::Value>(body).unwrap()["data"]["text"].as_str().unwrap().to_owned()
    };
    due.deliveries.iter().map(|delivery| text(&delivery.body)).collect()
}

#[tokio::test]
async fn a_failing_feed_is_told_once_and_so_is_its_recovery() {
    let home = Home::new();
    let store = home.open();
    for failures in 1..6 {
        store.commit_poll(failed("a", i64::from(failures), failures)).await.unwrap();
    }
    store.commit_poll(answered("a", 7)).await.unwrap();
    store.commit_poll(answered("a", 8)).await.unwrap();
    assert_eq!(
        texts(&store).await,
        [
            "Feed a fails since 1 Mar 12:01 UTC (3 polls in a row): no answer within 30 s; next poll 1 Mar 12:18 UTC",
            "Feed a does well again; it had failed since 1 Mar 12:01 UTC",
        ]
    );
}

#[tokio::test]
async fn a_net_that_is_down_is_not_told_feed_by_feed() {
    let home = Home::new();
    let store = home.open();
    let feeds = ["a", "b", "c", "d", "e", "f"];
    for failures in 1..5 {
        for feed in feeds {
            store.commit_poll(failed(feed, i64::from(failures), failures)).await.unwrap();
        }
    }
    assert_eq!(texts(&store).await, [""; 0]);
    for feed in &feeds[1..] {
        store.commit_poll(answered(feed, 10)).await.unwrap();
    }
    store.commit_poll(failed("a", 11, 5)).await.unwrap();
    let told = texts(&store).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("Feed a fails since 1 Mar 12:01 UTC (5 polls in a row)"), "{told:?}");
}

#[tokio::test]
async fn many_that_fail_are_told_a_few_at_a_time() {
    let home = Home::new();
    let store = home.open();
    let feeds: Vec<String> = (0..30).map(|number| format!("f{number}")).collect();
    for feed in (0..40).map(|number| format!("ok{number}")) {
        store.commit_poll(answered(&feed, 0)).await.unwrap();
    }
    for failures in 1..5 {
        for feed in &feeds {
            store.commit_poll(failed(feed, i64::from(failures), failures)).await.unwrap();
        }
    }
    assert_eq!(texts(&store).await.len(), 10);
    for feed in &feeds {
        store.commit_poll(failed(feed, 20, 5)).await.unwrap();
    }
    assert_eq!(texts(&store).await.len(), 20);
}

#[tokio::test]
async fn silence_and_gaps_are_told() {
    let home = Home::new();
    let store = home.open();
    let mut first = poll("a", noon(), vec![entry("1", "x.org/1", "one", &[])]);
    first.hearing.first_times = Some(vec![Some(noon())]);
    store.commit_poll(first).await.unwrap();
    for minutes in [30, 60, 90] {
        let mut quiet = answered("a", minutes);
        quiet.hearing.expect = Some(std::time::Duration::from_secs(3_600));
        store.commit_poll(quiet).await.unwrap();
    }
    let state = store.feed_states().await.unwrap().remove(0);
    assert!(state.is_silent);
    assert_eq!((state.last_new, state.gap), (Some(noon()), None));
    let mut overrun = poll("a", noon() + Duration::minutes(100), vec![entry("2", "x.org/2", "two", &[])]);
    overrun.hearing = Hearing { last_success: Some(noon() + Duration::minutes(90)), ..hearing("a", &["hook"]) };
    overrun.gap = Some(overrun.at);
    assert!(store.commit_poll(overrun).await.unwrap().is_gap);
    let state = store.feed_states().await.unwrap().remove(0);
    assert!(!state.is_silent);
    assert_eq!((state.last_new, state.gap), (Some(state.last_poll), Some(state.last_poll)));
    assert_eq!(
        texts(&store).await,
        [
            "Feed a answers, but has had nothing new since 1 Mar 12:00 UTC; at least something is expected every 60 min",
            "Feed a may have lost entries since 1 Mar 13:30 UTC: its document shares none with the one before",
        ]
    );
}

/// A first document whose newest entry is two years old.
fn dead(feed: &str, expect: Option<std::time::Duration>) -> PollResult {
    let mut first = poll(feed, noon(), vec![entry("1", &format!("x.org/{feed}"), "one", &[])]);
    let times = (0..4).map(|week| Some(noon() - Duration::days(700 + 7 * week)));
    first.hearing = Hearing { first_times: Some(times.collect()), expect, ..hearing(feed, &["hook"]) };
    first
}

#[tokio::test]
async fn a_feed_that_died_before_its_first_poll_is_marked_and_no_news() {
    let home = Home::new();
    let store = home.open();
    store.commit_poll(dead("a", None)).await.unwrap();
    store.commit_poll(answered("a", 30)).await.unwrap();
    assert_eq!(texts(&store).await, [""; 0]);
    assert!(store.feed_states().await.unwrap()[0].is_silent);
    let alive = poll("a", noon() + Duration::minutes(60), vec![entry("2", "x.org/2", "two", &[])]);
    store.commit_poll(alive).await.unwrap();
    assert!(!store.feed_states().await.unwrap()[0].is_silent);
}

#[tokio::test]
async fn many_that_are_silent_are_told_a_few_at_a_time() {
    let home = Home::new();
    let store = home.open();
    let feeds: Vec<String> = (0..30).map(|number| format!("f{number}")).collect();
    let expect = Some(std::time::Duration::from_secs(24 * 3_600));
    for feed in &feeds {
        store.commit_poll(dead(feed, expect)).await.unwrap();
    }
    for (minutes, told) in [(10, 10), (11, 10), (21, 20), (32, 30), (60, 30)] {
        for feed in &feeds {
            let mut quiet = answered(feed, minutes);
            quiet.hearing.expect = expect;
            store.commit_poll(quiet).await.unwrap();
        }
        assert_eq!(texts(&store).await.len(), told, "after {minutes} minutes");
    }
}

//! The store on a real SQLite file: the contract's guarantees, one test each, and what happens when things break.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Duration, TimeZone, Utc};
use wirewatch::{
    alert::{AlertId, HeldReason, body::FeedRef},
    article::{Article, ArticleId, ArticleKey, IdKind, TextSource},
    clock::Clock,
    config::{FeedId, FeedSource, Severity, SinkId, WatchId},
    fetch::hints::Validators,
    schedule::{Pace, PollReason, Rhythm, pace::Rate},
    store::{
        AlertFilter, Attempt, AttemptEnd, EntryKey, Hearing, Moved, NewAlert, PollResult, Role, SourceKey, Store,
        StoreError, StoredEntry, StoredOutcome,
    },
};

pub(crate) fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).unwrap()
}

pub(crate) fn feed(id: &str) -> FeedId {
    id.parse().unwrap()
}

pub(crate) fn sink(id: &str) -> SinkId {
    id.parse().unwrap()
}

fn watch(id: &str) -> WatchId {
    id.parse().unwrap()
}

/// A store in a folder of its own.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("wirewatch.db")
    }

    pub(crate) fn open(&self) -> Store {
        open(&self.path()).unwrap()
    }
}

fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(path, Clock::starting_at(noon()), Role::Daemon)
}

/// An entry whose key is its URL and whose text key is its text.
pub(crate) fn entry(id: &str, url: &str, text: &str, watches: &[&str]) -> StoredEntry {
    let key = ArticleKey::from_stored(url.to_owned());
    let mut text_key = [0_u8; 16];
    for (i, byte) in text.bytes().enumerate() {
        text_key[i % 16] = text_key[i % 16].wrapping_mul(31).wrapping_add(byte);
    }
    let alerts = watches
        .iter()
        .map(|name| {
            let id = AlertId::new(&watch(name), &key);
            NewAlert {
                body: format!(r#"{{"type":"alert","id":"{id}"}}"#),
                id,
                watch: watch(name),
                severity: Severity::Warning,
                held: None,
                sinks: vec![sink("console"), sink("hook")],
            }
        })
        .collect();
    StoredEntry {
        page: None,
        article: Article {
            id: ArticleId { value: id.to_owned(), kind: IdKind::Guid },
            url: Some(format!("https://{url}")),
            title: "A title".to_owned(),
            summary: Some(text.to_owned()),
            text: text.to_owned(),
            content: None,
            text_source: TextSource::FeedSummary,
            published: Some(noon() - Duration::hours(1)),
            updated: None,
            authors: vec!["Ann".to_owned(), "Bo".to_owned()],
            categories: Vec::new(),
            lang: None,
            enclosures: Vec::new(),
            feed: None,
        },
        fingerprint: u64::from_le_bytes(text_key[..8].try_into().unwrap()),
        key,
        text_key: Some(text_key),
        alerts,
    }
}

pub(crate) fn poll(feed_id: &str, at: DateTime<Utc>, entries: Vec<StoredEntry>) -> PollResult {
    PollResult {
        feed: feed(feed_id),
        at,
        outcome: StoredOutcome::New,
        validators: Some(validators("\"1\"")),
        next_poll: at + Duration::minutes(15),
        next_reason: "interval".to_owned(),
        in_a_row_failures: 0,
        moved_to: None,
        about_title: Some("A feed".to_owned()),
        entries_seen: entries.iter().map(|e| EntryKey::of(&e.article.id)).collect(),
        entries,
        notes: None,
        hearing: hearing(feed_id, &[]),
        source: SourceKey::of(&FeedSource::Http("https://example.org/feed".parse().unwrap())),
        rhythm: None,
        pace: Pace::default(),
        window: None,
        gap: None,
    }
}

pub(crate) fn hearing(feed: &str, sinks: &[&str]) -> Hearing {
    Hearing {
        feed: FeedRef { id: feed.into(), url: "https://example.org/feed".into(), title: None },
        sinks: sinks.iter().map(|id| sink(id)).collect(),
        expect: None,
        last_success: None,
        first_times: None,
    }
}

fn validators(etag: &str) -> Validators {
    Validators {
        url: "https://example.org/feed".to_owned(),
        etag: Some(etag.as_bytes().to_vec()),
        last_modified: None,
        body_hash: None,
    }
}

async fn alert_ids(store: &Store) -> Vec<String> {
    let alerts = store.alerts(AlertFilter { limit: 100, ..AlertFilter::default() }).await.unwrap();
    alerts.into_iter().rev().map(|a| a.id.to_string()).collect()
}

#[tokio::test]
async fn poll_is_whole_after_reopening() {
    let home = Home::new();
    let store = home.open();
    let poll = poll("a", noon(), vec![entry("1", "x.org/1", "one text", &["w"]), entry("2", "x.org/2", "two", &[])]);
    let committed = store.commit_poll(poll.clone()).await.unwrap();
    assert_eq!((committed.new_articles, committed.edited, committed.alerts.len()), (2, 0, 1));
    assert_eq!(committed.alerts[0].deliveries, 2);
    drop(store);

    let store = home.open();
    let state = store.feed_state(&feed("a")).await.unwrap().unwrap();
    assert_eq!(state.validators, poll.validators);
    assert_eq!(state.first_document, Some(noon()));
    assert_eq!(state.next_poll, noon() + Duration::minutes(15));
    assert_eq!(store.known_entries(&feed("a")).await.unwrap().len(), 2);
    let due = store.due(&sink("hook"), noon(), 8, &HashSet::new()).await.unwrap();
    assert_eq!(due.deliveries.len(), 1);
    assert_eq!(due.deliveries[0].body, poll.entries[0].alerts[0].body);
}

#[tokio::test]
async fn validators_are_committed_with_their_articles_or_not_at_all() {
    let home = Home::new();
    let store = home.open();
    store.commit_poll(poll("a", noon(), vec![entry("1", "x.org/1", "one", &[])])).await.unwrap();
    // A trigger stands in for whatever may fail in the middle: the second article of the poll is refused.
    let other = rusqlite::Connection::open(home.path()).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER fail BEFORE INSERT ON article WHEN new.id = '3' BEGIN SELECT raise(ABORT, 'no'); END",
        )
        .unwrap();
    let entries = vec![entry("2", "x.org/2", "two", &["w"]), entry("3", "x.org/3", "three", &["w"])];
    let mut failing = poll("a", noon() + Duration::minutes(1), entries);
    failing.validators = Some(validators("\"2\""));
    // Others in the same transaction are not harmed.
    let (failed, other_feed) = tokio::join!(
        store.commit_poll(failing.clone()),
        store.commit_poll(poll("b", noon(), vec![entry("9", "x.org/9", "nine", &["w"])]))
    );
    assert!(matches!(failed, Err(StoreError::Sqlite { .. })), "{failed:?}");
    assert_eq!(other_feed.unwrap().alerts.len(), 1);
    let state = store.feed_state(&feed("a")).await.unwrap().unwrap();
    assert_eq!(state.validators, Some(validators("\"1\"")));
    assert_eq!(store.known_entries(&feed("a")).await.unwrap().len(), 1);

    other.execute_batch("DROP TRIGGER fail").unwrap();
    assert_eq!(store.commit_poll(failing).await.unwrap().alerts.len(), 2);
}

#[tokio::test]
async fn same_poll_again_creates_nothing() {
    let home = Home::new();
    let store = home.open();
    let poll = poll("a", noon(), vec![entry("1", "x.org/1", "one", &["v", "w"])]);
    store.commit_poll(poll.clone()).await.unwrap();
    let before = alert_ids(&store).await;
    let again = store.commit_poll(poll).await.unwrap();
    assert_eq!(again, Default::default());
    assert_eq!(alert_ids(&store).await, before);
    assert_eq!(store.due(&sink("hook"), noon(), 8, &HashSet::new()).await.unwrap().deliveries.len(), 2);
}

#[tokio::test]
async fn edited_entry_alerts_only_new_watches() {
    let home = Home::new();
    let store = home.open();
    store.commit_poll(poll("a", noon(), vec![entry("1", "x.org/1", "first words", &["old"])])).await.unwrap();
    // The edit changes words and URL, so that only the feed's own id ties them together.
    let edited = entry("1", "x.org/moved", "other words", &["old", "new"]);
    let committed = store.commit_poll(poll("a", noon(), vec![edited])).await.unwrap();
    assert_eq!((committed.new_articles, committed.edited), (0, 1));
    assert_eq!(committed.alerts.iter().map(|a| a.watch.as_str()).collect::<Vec<_>>(), ["new"]);
    // A copy of the edit in another feed is quiet for both.
    let copy = entry("c", "x.org/moved", "yet other words", &["old", "new"]);
    assert_eq!(store.commit_poll(poll("b", noon(), vec![copy])).await.unwrap().alerts, []);
}

#[tokio::test]
async fn copies_alert_once_for_each_watch() {
    let home = Home::new();
    let store = home.open();
    store.commit_poll(poll("a", noon(), vec![entry("1", "x.org/1", "the same text", &["w"])])).await.unwrap();
    let by_url = entry("b1", "x.org/1", "a shorter text", &["w"]);
    let committed = store.commit_poll(poll("b", noon(), vec![by_url])).await.unwrap();
    assert_eq!((committed.new_articles, committed.alerts.len()), (1, 0), "stored for its feed, and quiet");
    let by_text = entry("c1", "y.org/1", "the same text", &["w", "v"]);
    let committed = store.commit_poll(poll("c", noon(), vec![by_text])).await.unwrap();
    assert_eq!(committed.alerts.iter().map(|a| a.watch.as_str()).collect::<Vec<_>>(), ["v"]);
    // An edited copy is still the article that was alerted on.
    let edited = entry("c1", "y.org/1b", "now a text of its own", &["w", "v"]);
    assert_eq!(store.commit_poll(poll("c", noon(), vec![edited])).await.unwrap().alerts, []);
}

#[tokio::test]
async fn known_texts_stay_quiet_when_most_ids_change() {
    let home = Home::new();
    let store = home.open();
    let named = |prefix: &str, watches: &[&str]| {
        let texts = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"];
        let entries = texts.iter().map(|t| entry(&format!("{prefix}{t}"), &format!("{prefix}.org/{t}"), t, watches));
        entries.collect::<Vec<_>>()
    };
    store.commit_poll(poll("a", noon(), named("old", &[]))).await.unwrap();
    // Meanwhile a watch was added that all of them match; under new ids and URLs they are still old news.
    let mut renamed = named("new", &["w"]);
    renamed.push(entry("fresh", "new.org/fresh", "really new", &["w"]));
    let renamed = PollResult { gap: Some(noon()), ..poll("a", noon(), renamed) };
    let committed = store.commit_poll(renamed).await.unwrap();
    assert_eq!((committed.new_articles, committed.quiet, committed.alerts.len()), (7, 6, 1));
    // No id of the last document stands in this one, and yet nothing was missed.
    assert_eq!((committed.is_gap, store.feed_state(&feed("a")).await.unwrap().unwrap().gap), (false, None));
}

#[tokio::test]
async fn same_article_under_another_id_stays_quiet_in_a_small_feed_too() {
    let home = Home::new();
    let store = home.open();
    let fetched = |session: u32, watches: &[&str]| {
        vec![
            entry(&format!("1-{session}"), "e.org/1", "one", watches),
            entry(&format!("2-{session}"), "e.org/2", "two", watches),
        ]
    };
    let at = |minutes| noon() + Duration::minutes(minutes);
    assert_eq!(store.commit_poll(poll("a", at(0), fetched(0, &["w"]))).await.unwrap().alerts.len(), 2);
    // Also for a watch that was added since: the article is no news.
    let committed = store.commit_poll(poll("a", at(1), fetched(1, &["w", "v"]))).await.unwrap();
    assert_eq!((committed.quiet, committed.alerts.len()), (2, 0));
    // Another text at the address, or another address with the text, is something else.
    let mut changed = fetched(2, &["v"]);
    changed[0] = entry("1-2", "e.org/1", "one more", &["v"]);
    changed[1] = entry("2-2", "e.org/3", "two", &["v"]);
    let committed = store.commit_poll(poll("a", at(2), changed)).await.unwrap();
    assert_eq!((committed.quiet, committed.alerts.len()), (0, 2));
    let committed = store.commit_poll(poll("a", at(3), fetched(3, &["v"]))).await.unwrap();
    assert!(committed.alerts.is_empty());
}

#[tokio::test]
async fn ids_that_change_with_each_fetch_are_found_out() {
    let home = Home::new();
    let store = home.open();
    let document = |session: u32, extra: Option<u32>| {
        let numbers = (0..6).chain(extra);
        numbers.map(|n| entry(&format!("{n}-{session}"), &format!("e.org/{n}"), &format!("text {n}"), &["w"])).collect()
    };
    let at = |minutes| noon() + Duration::minutes(minutes);
    assert_eq!(store.commit_poll(poll("a", at(0), document(0, None))).await.unwrap().alerts.len(), 6);
    for session in 1..=2 {
        let committed = store.commit_poll(poll("a", at(i64::from(session)), document(session, None))).await.unwrap();
        assert_eq!((committed.quiet, committed.ids_change), (6, false), "session {session}");
    }
    assert!(!store.feed_state(&feed("a")).await.unwrap().unwrap().ids_change);
    let committed = store.commit_poll(poll("a", at(3), document(3, Some(7)))).await.unwrap();
    assert_eq!((committed.quiet, committed.ids_change, committed.alerts.len()), (6, true, 1));
    assert!(store.feed_state(&feed("a")).await.unwrap().unwrap().ids_change);
    // A site that moves changes them once, and then they stay.
    store.commit_poll(poll("b", at(0), document(10, None))).await.unwrap();
    store.commit_poll(poll("b", at(1), document(11, None))).await.unwrap();
    for minute in 2..6 {
        let mut same = poll("b", at(minute), document(11, None));
        same.entries.clear();
        store.commit_poll(same).await.unwrap();
    }
    store.commit_poll(poll("b", at(6), document(12, None))).await.unwrap();
    store.commit_poll(poll("b", at(7), document(13, None))).await.unwrap();
    assert!(!store.feed_state(&feed("b")).await.unwrap().unwrap().ids_change);
}

#[tokio::test]
async fn held_alerts_are_kept_with_their_reason_and_not_sent() {
    let home = Home::new();
    let store = home.open();
    let mut old = entry("1", "x.org/1", "one", &["w"]);
    old.alerts[0].held = Some(HeldReason::Backlog);
    let committed = store.commit_poll(poll("a", noon(), vec![old])).await.unwrap();
    assert_eq!(committed.alerts[0].held, Some(HeldReason::Backlog));
    let alerts = store.alerts(AlertFilter { limit: 10, ..AlertFilter::default() }).await.unwrap();
    assert_eq!(alerts[0].held.as_deref(), Some("backlog"));
    assert!(store.due(&sink("hook"), noon(), 8, &HashSet::new()).await.unwrap().deliveries.is_empty());
    assert!(!store.changed().has_changed().unwrap());
}

#[tokio::test]
async fn second_daemon_is_refused_and_a_command_is_not() {
    let home = Home::new();
    assert!(matches!(Store::open(&home.path(), Clock::system(), Role::Beside), Err(StoreError::Missing { .. })));
    let store = home.open();
    let refused = open(&home.path()).unwrap_err();
    let message = refused.to_string();
    assert!(matches!(refused, StoreError::Held { .. }), "{message}");
    assert!(message.contains(&format!("process {} on ", std::process::id())), "{message}");
    let beside = Store::open(&home.path(), Clock::system(), Role::Beside).unwrap();
    store.commit_poll(poll("a", noon(), vec![entry("1", "x.org/1", "one", &["w"])])).await.unwrap();
    assert_eq!(alert_ids(&beside).await.len(), 1);
    drop(store);
    home.open();
}

#[tokio::test]
async fn stores_that_cannot_be_used_are_refused_with_a_way_out() {
    let home = Home::new();
    drop(home.open());
    let other = rusqlite::Connection::open(home.path()).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    drop(other);
    let newer = open(&home.path()).unwrap_err();
    assert!(matches!(newer, StoreError::Newer { found: 99, .. }), "{newer}");

    let foreign = home.path().with_file_name("foreign.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(open(&foreign).unwrap_err(), StoreError::Damaged { .. }));

    let garbage = home.path().with_file_name("garbage.db");
    std::fs::write(&garbage, "no database at all, ".repeat(100)).unwrap();
    let damaged = open(&garbage).unwrap_err();
    assert!(matches!(damaged, StoreError::Damaged { .. }), "{damaged}");

    let folder = home.path().with_file_name("folder.db");
    std::fs::create_dir(&folder).unwrap();
    assert!(matches!(open(&folder).unwrap_err(), StoreError::ReadOnly { .. }));
}

#[tokio::test]
async fn many_polls_at_once_all_come_true() {
    let home = Home::new();
    let store = home.open();
    let polls = (0..200).map(|n| {
        let entries = vec![entry("1", &format!("x.org/{n}"), &format!("text {n}"), &["w"])];
        store.commit_poll(poll(&format!("f{n}"), noon(), entries))
    });
    let committed = futures_util::future::join_all(polls).await;
    assert!(committed.iter().all(|c| c.as_ref().is_ok_and(|c| c.alerts.len() == 1)));
    assert_eq!(store.feed_states().await.unwrap().len(), 200);
}

#[tokio::test]
async fn outbox_rows_come_due_oldest_first_and_end_with_their_reason() {
    let home = Home::new();
    let store = home.open();
    let entries = (1..=3).map(|n| entry(&n.to_string(), &format!("x.org/{n}"), &format!("text {n}"), &["w"]));
    let mut changed = store.changed();
    store.commit_poll(poll("a", noon(), entries.collect())).await.unwrap();
    assert!(changed.has_changed().unwrap());
    changed.mark_unchanged();

    let none = HashSet::new();
    let due = store.due(&sink("hook"), noon(), 2, &none).await.unwrap();
    let ids: Vec<_> = due.deliveries.iter().map(|d| d.id).collect();
    let rest = store.due(&sink("hook"), noon(), 2, &ids.iter().copied().collect()).await.unwrap();
    assert_eq!((ids.len(), rest.deliveries.len()), (2, 1));
    let attempt = |n: usize, ended| Attempt { delivery: ids[n], at: noon(), status: Some(500), ended };
    let retry = noon() + Duration::seconds(5);
    store
        .record(vec![
            attempt(0, AttemptEnd::Failed { error: "500".into(), retry }),
            attempt(1, AttemptEnd::Dead { reason: "404 after 12 attempts".into() }),
            Attempt { delivery: rest.deliveries[0].id, at: noon(), status: Some(204), ended: AttemptEnd::Delivered },
        ])
        .await
        .unwrap();
    let due = store.due(&sink("hook"), noon(), 8, &none).await.unwrap();
    assert_eq!((due.deliveries.len(), due.next), (0, Some(retry)));
    let due = store.due(&sink("hook"), retry, 8, &none).await.unwrap();
    assert_eq!((due.deliveries[0].id, due.deliveries[0].attempts), (ids[0], 1));
    assert_eq!(due.deliveries[0].first_attempt, Some(noon()));
    let backlogs = store.backlogs().await.unwrap();
    let hook = backlogs.iter().find(|b| b.sink == sink("hook")).unwrap();
    assert_eq!((hook.pending, hook.dead, hook.oldest), (1, 1, Some(noon())));
    assert!(!changed.has_changed().unwrap(), "recording an attempt wakes nobody");
}

#[tokio::test]
async fn alerts_are_listed_newest_first_by_time_watch_and_page() {
    let home = Home::new();
    let store = home.open();
    for n in 0..6 {
        let watches: &[&str] = if n % 2 == 0 { &["even"] } else { &["odd"] };
        let entries = vec![entry(&n.to_string(), &format!("x.org/{n}"), &format!("text {n}"), watches)];
        store.commit_poll(poll("a", noon() + Duration::days(n), entries)).await.unwrap();
    }
    let list = async |filter: AlertFilter| {
        let alerts = store.alerts(filter).await.unwrap();
        alerts.iter().map(|a| ((a.made - noon()).num_days(), a.cursor)).collect::<Vec<_>>()
    };
    let days = |list: &[(i64, i64)]| list.iter().map(|(day, _)| *day).collect::<Vec<_>>();
    let all = AlertFilter { limit: 10, ..AlertFilter::default() };
    assert_eq!(days(&list(all.clone()).await), [5, 4, 3, 2, 1, 0]);
    let since = AlertFilter { since: Some(noon() + Duration::days(3)), ..all.clone() };
    assert_eq!(days(&list(since.clone()).await), [5, 4, 3]);
    assert_eq!(days(&list(AlertFilter { watch: Some(watch("even")), ..since }).await), [4]);
    let page = list(AlertFilter { limit: 2, ..all.clone() }).await;
    assert_eq!(days(&page), [5, 4]);
    assert_eq!(days(&list(AlertFilter { limit: 2, before: Some(page[1].1), ..all }).await), [3, 2]);
}

#[tokio::test]
async fn texts_are_forgotten_and_ids_in_the_feed_are_not() {
    let home = Home::new();
    let store = home.open();
    let entries = vec![entry("stays", "x.org/1", "one", &["w"]), entry("leaves", "x.org/2", "two", &[])];
    store.commit_poll(poll("a", noon(), entries)).await.unwrap();
    let later = noon() + Duration::days(100);
    let mut document = poll("a", later, vec![entry("new", "x.org/3", "three", &[])]);
    document.entries_seen.push(EntryKey::of(&entry("stays", "", "", &[]).article.id));
    store.commit_poll(document).await.unwrap();

    let forgotten = store.forget(later - Duration::days(90)).await.unwrap();
    assert_eq!((forgotten.articles, forgotten.entries, forgotten.deliveries), (2, 1, 0));
    assert_eq!(store.known_entries(&feed("a")).await.unwrap().len(), 2);
    assert_eq!(alert_ids(&store).await.len(), 1);
    // An edit after its text was forgotten is an edit, and is stored again.
    let edited = entry("stays", "x.org/1", "one more", &["w"]);
    let committed = store.commit_poll(poll("a", later, vec![edited])).await.unwrap();
    assert_eq!((committed.edited, committed.alerts.len()), (1, 0));
}

#[tokio::test]
async fn failing_polls_keep_validators_and_count() {
    let home = Home::new();
    let store = home.open();
    store.commit_poll(poll("a", noon(), vec![entry("1", "x.org/1", "one two three", &[])])).await.unwrap();
    let mut failed = poll("a", noon() + Duration::minutes(1), Vec::new());
    failed.outcome = StoredOutcome::Error { class: "timeout".into(), message: "no answer within 30 s".into() };
    failed.validators = None;
    failed.about_title = None;
    failed.in_a_row_failures = 1;
    store.commit_poll(failed).await.unwrap();
    let state = store.feed_state(&feed("a")).await.unwrap().unwrap();
    assert_eq!(state.validators, Some(validators("\"1\"")));
    assert_eq!(state.error, Some(("timeout".to_owned(), "no answer within 30 s".to_owned())));
    assert_eq!((state.failures, state.last_success), (1, Some(noon())));
    assert_eq!(state.title.as_deref(), Some("A feed"));
    let activity = store.feed_activity(noon()).await.unwrap()[&feed("a")];
    assert_eq!((activity.articles_a_day, activity.words_median), (1.0, 3));
}

#[tokio::test]
async fn move_counts_for_the_source_that_moved() {
    let home = Home::new();
    let store = home.open();
    let source = |url: &str| FeedSource::Http(url.parse().unwrap());
    let mut moved = poll("a", noon(), Vec::new());
    moved.moved_to = Some(Moved::new(&source("https://old.org/feed"), &"https://new.org/feed".parse().unwrap()));
    store.commit_poll(moved).await.unwrap();
    store.commit_poll(poll("a", noon(), Vec::new())).await.unwrap();
    let moved = store.feed_state(&feed("a")).await.unwrap().unwrap().moved_to.unwrap();
    assert_eq!(moved.of(&source("https://old.org/feed")).unwrap().as_str(), "https://new.org/feed");
    // Somebody has mended the config: the old move is no longer theirs.
    assert_eq!(moved.of(&source("https://mended.org/feed")), None);
}

#[tokio::test]
async fn clock_that_was_set_back_delays_nothing_after_a_restart() {
    let home = Home::new();
    let store = home.open();
    let future = noon() + Duration::days(400);
    store.commit_poll(poll("a", future, vec![entry("1", "x.org/1", "one", &["w"])])).await.unwrap();
    drop(store);
    let store = home.open();
    assert!(store.feed_state(&feed("a")).await.unwrap().unwrap().next_poll <= noon() + Duration::seconds(60));
    let soon = noon() + Duration::seconds(60);
    assert_eq!(store.due(&sink("hook"), soon, 8, &HashSet::new()).await.unwrap().deliveries.len(), 1);
}

/// Commits polls for as long as it lives, and prints the number of each one that was acknowledged.
#[tokio::test]
#[ignore = "the child that acknowledged_polls_survive_a_kill starts"]
async fn child_commits_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD_STORE) else { return };
    let store = open(Path::new(&path)).unwrap();
    for n in 0.. {
        let entries =
            (0..3).map(|e| entry(&format!("{n}-{e}"), &format!("x.org/{n}-{e}"), &format!("{n} {e}"), &["w"]));
        let mut poll = poll(&format!("f{n}"), noon(), entries.collect());
        poll.validators = Some(validators(&n.to_string()));
        store.commit_poll(poll).await.unwrap();
        println!("acknowledged {n}");
    }
}

const CHILD_STORE: &str = "WIREWATCH_TEST_CHILD_STORE";

#[tokio::test]
async fn acknowledged_polls_survive_a_kill() {
    let home = Home::new();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::child_commits_until_it_is_killed", "--ignored", "--nocapture"])
        .env(CHILD_STORE, home.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut acknowledged = lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<usize>().ok());
    let seen = acknowledged.by_ref().find(|n| *n >= 40).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    // It may have acknowledged more between our last line and its end.
    let last = acknowledged.last().unwrap_or(seen);

    let store = home.open();
    let states = store.feed_states().await.unwrap();
    assert!(states.len() > last, "{} polls of {} acknowledged ones are there", states.len(), last + 1);
    for state in &states {
        assert_eq!(store.known_entries(&state.feed).await.unwrap().len(), 3, "{} is whole", state.feed);
        assert!(state.validators.is_some());
    }
    let due = store.due(&sink("hook"), noon(), 100_000, &HashSet::new()).await.unwrap();
    assert_eq!(due.deliveries.len(), 3 * states.len());
}

#[tokio::test]
async fn callers_that_go_away_leave_no_half_a_poll() {
    let home = Home::new();
    let store = home.open();
    let poll_of = |n: usize| {
        let entries = (0..3).map(|e| entry(&format!("{e}"), &format!("x.org/{n}-{e}"), &format!("{n} {e}"), &["w"]));
        poll(&format!("f{n}"), noon(), entries.collect())
    };
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..100 {
        let (store, poll) = (store.clone(), poll_of(n));
        callers.spawn(async move { store.commit_poll(poll).await.unwrap() });
    }
    callers.join_next().await.unwrap().unwrap();
    callers.shutdown().await;
    drop(store);
    let store = home.open();
    let states = store.feed_states().await.unwrap();
    for state in &states {
        assert_eq!(store.known_entries(&state.feed).await.unwrap().len(), 3);
    }
    let due = store.due(&sink("hook"), noon(), 1_000, &HashSet::new()).await.unwrap();
    assert_eq!(due.deliveries.len(), 3 * states.len());
}

#[cfg(unix)]
#[test]
fn what_holds_feeds_urls_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("state/wirewatch");
    let path = folder.join("wirewatch.db");
    let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files = ["", "-wal", "-shm", ".lock"].map(beside);

    let store = open(&path).unwrap();
    assert_eq!(mode(&folder), 0o700);
    for file in &files {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    drop(store);

    // As an earlier version left them.
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    for file in files.iter().filter(|file| file.exists()) {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let _store = open(&path).unwrap();
    assert_eq!(mode(&folder), 0o755, "a folder that exists is its owner's business");
    for file in &files {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn alert_that_was_unsure_is_sent_once_an_edit_makes_it_sure() {
    let home = Home::new();
    let store = home.open();
    let mut unsure = entry("a", "a.org/1", "Some shells, it is said.", &["deals"]);
    unsure.alerts[0].held = Some(HeldReason::Confidence);
    let committed = store.commit_poll(poll("wire", noon(), vec![unsure])).await.unwrap();
    assert_eq!(committed.alerts[0].held, Some(HeldReason::Confidence));
    assert_eq!(committed.alerts[0].deliveries, 0);
    let mut sure = entry("a", "a.org/1", "North Korea sent shells to Russia.", &["deals"]);
    sure.alerts[0].body = "{\"sure\":true}".to_owned();
    let committed = store.commit_poll(poll("wire", noon() + Duration::hours(1), vec![sure.clone()])).await.unwrap();
    assert_eq!((committed.alerts.len(), committed.alerts[0].deliveries), (1, 2));
    // It is sent once, whatever comes after.
    sure.fingerprint += 1;
    let committed = store.commit_poll(poll("wire", noon() + Duration::hours(2), vec![sure])).await.unwrap();
    assert!(committed.alerts.is_empty());
}

#[tokio::test]
async fn what_a_feed_s_polls_teach_is_kept() {
    let home = Home::new();
    let store = home.open();
    let rhythm = Rhythm { every: Some(std::time::Duration::from_secs(3600)), skip_hours: 0xff_0001, skip_days: 0x60 };
    let pace = Pace { usual: Rate { arrivals: 1.5, hours: 20.25 }, recent: Rate { arrivals: 0.125, hours: 1.0 } };
    let first = PollResult {
        rhythm: Some(rhythm),
        pace,
        window: Some(20),
        gap: Some(noon()),
        ..poll("wire", noon(), Vec::new())
    };
    store.commit_poll(first).await.unwrap();
    // A 304 brings neither.
    let again = PollResult { pace, ..poll("wire", noon() + Duration::hours(1), Vec::new()) };
    store.commit_poll(again).await.unwrap();
    let state = store.feed_state(&feed("wire")).await.unwrap().unwrap();
    assert_eq!((state.rhythm, state.pace, state.window, state.gap), (rhythm, pace, Some(20), Some(noon())));
    let other = FeedSource::Http("https://example.org/other".parse().unwrap());
    let same = FeedSource::Http("https://example.org/feed".parse().unwrap());
    assert!(state.is_of(&same) && !state.is_of(&other));

    let gone = PollResult { outcome: StoredOutcome::Gone, ..poll("gone", noon(), Vec::new()) };
    store.commit_poll(gone).await.unwrap();
    let until = noon() + Duration::hours(9);
    store.postpone(vec![feed("wire"), feed("gone")], until, PollReason::HostSlow.to_string()).await.unwrap();
    store.postpone(vec![feed("wire")], noon(), "sooner".to_owned()).await.unwrap();
    let state = store.feed_state(&feed("wire")).await.unwrap().unwrap();
    assert_eq!((state.next_poll, state.is_promised()), (until, true));
    let state = store.feed_state(&feed("gone")).await.unwrap().unwrap();
    assert!(state.is_gone(&same) && !state.is_gone(&other) && state.next_poll < until);
}

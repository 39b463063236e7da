//! Deliveries from a real store to real receivers: on the wire, after failures, beside a slow sink, after a restart.

use std::{collections::HashSet, path::Path, time::Duration};

use chrono::Utc;
use serde_json::json;
use standardwebhooks::Webhook;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use url::Url;
use wirewatch::{
    clock::Clock,
    config::{OutputFormat, Pace, Proxy, Secret, Severity, SinkKind, SinkSettings, WebhookFormat, WebhookSettings},
    deliver::{DeliverContext, Deliveries, OncePass, StdoutLook, TextLook, WorkerEnd, observe, once},
    metrics::Metrics,
    store::{Role, Store, StoreError, StoredEntry},
};

use crate::{
    receiver::{Answer, Receiver},
    store::{Home, entry, poll, sink},
};

const SECRETS: [&str; 2] = ["whsec_bmV3LXNlY3JldC1mb3ItdGVzdHM=", "whsec_b2xkLXNlY3JldC1mb3ItdGVzdHM="];
/// No test waits longer for an event; one that does has failed.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn open(home: &Home) -> Store {
    Store::open(&home.path(), Clock::system(), Role::Daemon).unwrap()
}

/// Opens it again once everyone who had it is gone.
pub(crate) async fn reopened(home: &Home) -> Store {
    let open = async {
        loop {
            match Store::open(&home.path(), Clock::system(), Role::Daemon) {
                Err(StoreError::Held { .. }) => tokio::task::yield_now().await,
                opened => return opened.unwrap(),
            }
        }
    };
    tokio::time::timeout(PATIENCE, open).await.unwrap()
}

pub(crate) fn context() -> DeliverContext {
    DeliverContext {
        clock: Clock::system(),
        metrics: Metrics::new(),
        proxy: Proxy::Direct,
        allow_private: false,
        stdout: StdoutLook { forced: None, is_terminal: false },
        text: TextLook { timezone: chrono_tz::UTC, color: false, party_name: |_| None },
        event_sinks: Vec::new(),
        stop: CancellationToken::new(),
    }
}

pub(crate) fn settings(id: &str, kind: SinkKind, retry_ms: &[u64]) -> SinkSettings {
    let retry = retry_ms.iter().map(|ms| Duration::from_millis(*ms)).collect();
    SinkSettings { id: sink(id), kind, min_severity: Severity::Info, retry, pace: Pace::default() }
}

pub(crate) fn webhook(id: &str, url: &Url, retry_ms: &[u64]) -> SinkSettings {
    let webhook = WebhookSettings {
        url: url.clone(),
        format: WebhookFormat::Standard,
        secrets: SECRETS.iter().map(|secret| Secret::new(*secret)).collect(),
        timeout: Duration::from_secs(10),
        private: true,
        proxy: None,
    };
    settings(id, SinkKind::Webhook(Box::new(webhook)), retry_ms)
}

fn with_webhook(mut sink: SinkSettings, change: impl FnOnce(&mut WebhookSettings)) -> SinkSettings {
    if let SinkKind::Webhook(webhook) = &mut sink.kind {
        change(webhook);
    }
    sink
}

pub(crate) fn file(id: &str, path: &Path, format: OutputFormat) -> SinkSettings {
    settings(id, SinkKind::File { path: path.to_owned(), format, rotate: None }, &[10])
}

/// One article a number, each an alert for the sinks.
pub(crate) fn articles(numbers: std::ops::Range<usize>, sinks: &[&str]) -> Vec<StoredEntry> {
    let article = |n: usize| {
        let mut entry = entry(&format!("id{n}"), &format!("x.org/{n}"), &format!("text number {n}"), &["w"]);
        entry.alerts[0].sinks = sinks.iter().map(|id| sink(id)).collect();
        entry
    };
    numbers.map(article).collect()
}

pub(crate) async fn commit(store: &Store, entries: Vec<StoredEntry>) {
    store.commit_poll(poll("a", Utc::now(), entries)).await.unwrap();
}

/// Ends the workers; what is in flight has landed and is recorded.
pub(crate) async fn finish(mut deliveries: Deliveries, context: &DeliverContext) {
    context.stop.cancel();
    let ended = async { while deliveries.ended().await.is_some() {} };
    tokio::time::timeout(PATIENCE, ended).await.unwrap();
}

pub(crate) async fn pending_and_dead(store: &Store, id: &str) -> (i64, i64) {
    let backlogs = store.backlogs().await.unwrap();
    backlogs.iter().find(|b| b.sink == sink(id)).map_or((0, 0), |b| (b.pending, b.dead))
}

#[tokio::test]
async fn alert_arrives_signed_by_every_secret_with_its_frozen_body() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let receiver = Receiver::start(|_, _| Answer::Status(204, "")).await;
    let sinks = [webhook("hook", &receiver.url, &[10])];
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    let entries = articles(0..1, &["hook"]);
    commit(&store, entries.clone()).await;
    let got = receiver.received(1).await.remove(0);
    assert_eq!(got.head, "POST /hook HTTP/1.1");
    assert_eq!(got.headers["content-type"], "application/json");
    assert_eq!(got.body, entries[0].alerts[0].body);
    assert_eq!(got.id(), entries[0].alerts[0].id.as_str());
    for secret in SECRETS {
        Webhook::new(secret).unwrap().verify(got.body.as_bytes(), &got.headers).unwrap();
    }
    finish(deliveries, &context).await;
    assert_eq!(pending_and_dead(&store, "hook").await, (0, 0));
    let figures = context.metrics.render();
    assert!(figures.contains(r#"wirewatch_deliveries_total{outcome="delivered",sink="hook"} 1"#), "{figures}");
    assert!(figures.contains("wirewatch_delivery_lag_seconds_count 1"), "{figures}");
}

#[tokio::test]
async fn every_failure_is_retried_with_the_same_id_and_bytes() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let receiver = Receiver::start(|attempt, _| match attempt {
        0 => Answer::Status(500, ""),
        1 => Answer::Drop,
        2 => Answer::Hang,
        3 => Answer::Status(404, ""),
        4 => Answer::Status(302, "location: http://127.0.0.1:9/\r\n"),
        5 => Answer::Status(429, "retry-after: 1\r\n"),
        _ => Answer::Status(200, ""),
    })
    .await;
    let sink = webhook("hook", &receiver.url, &[10; 8]);
    let sinks = [with_webhook(sink, |webhook| webhook.timeout = Duration::from_millis(300))];
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    commit(&store, articles(0..1, &["hook"])).await;
    receiver.received(6).await;
    let asked_for_a_second = std::time::Instant::now();
    let got = receiver.received(7).await;
    assert!(asked_for_a_second.elapsed() > Duration::from_millis(900), "Retry-After is waited out");
    assert!(got.iter().all(|r| r.id() == got[0].id() && r.body == got[0].body));
    finish(deliveries, &context).await;
    assert_eq!(pending_and_dead(&store, "hook").await, (0, 0));
    assert_eq!(receiver.so_far().len(), 7);
    assert!(context.metrics.render().contains(r#"wirewatch_deliveries_total{outcome="failed",sink="hook"} 6"#));
}

#[tokio::test]
async fn failing_row_never_holds_later_ones_and_ends_as_a_dead_letter() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let bad = articles(0..1, &["hook"])[0].alerts[0].id.to_string();
    let receiver =
        Receiver::start(move |_, request| Answer::Status(if request.id() == bad { 500 } else { 204 }, "")).await;
    let sinks = [webhook("hook", &receiver.url, &[10, 10])];
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    commit(&store, articles(0..30, &["hook"])).await;
    let got = receiver.received(32).await;
    assert_eq!(got.iter().map(|r| r.id().to_owned()).collect::<HashSet<_>>().len(), 30);
    finish(deliveries, &context).await;
    assert_eq!(pending_and_dead(&store, "hook").await, (0, 1));
    observe(&store, &context.metrics, &sinks, Utc::now()).await.unwrap();
    let figures = context.metrics.render();
    for line in [
        r#"wirewatch_dead_letters{sink="hook"} 1"#,
        r#"wirewatch_outbox_pending{sink="hook"} 0"#,
        r#"wirewatch_deliveries_total{outcome="dead",sink="hook"} 1"#,
    ] {
        assert!(figures.contains(line), "{line} is missing in:\n{figures}");
    }
}

#[tokio::test]
async fn slow_sink_does_not_delay_others_and_has_eight_in_flight() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let (open_gate, gate) = watch::channel(false);
    let slow = Receiver::start(move |_, _| Answer::Wait(gate.clone())).await;
    let quick = Receiver::start(|_, _| Answer::Status(204, "")).await;
    let sinks = [webhook("slow", &slow.url, &[10]), webhook("quick", &quick.url, &[10])];
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    commit(&store, articles(0..100, &["slow", "quick"])).await;
    quick.received(100).await;
    assert_eq!(slow.received(8).await.len(), 8);
    open_gate.send(true).unwrap();
    slow.received(100).await;
    assert_eq!(slow.peak(), 8);
    finish(deliveries, &context).await;
    assert_eq!(pending_and_dead(&store, "slow").await, (0, 0));
}

#[tokio::test]
async fn what_was_not_recorded_is_sent_again_after_a_restart() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let receiver = Receiver::start(|attempt, _| match attempt {
        0 => Answer::Hang,
        _ => Answer::Status(204, ""),
    })
    .await;
    let sinks = [webhook("hook", &receiver.url, &[10])];
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    commit(&store, articles(0..3, &["hook"])).await;
    receiver.received(3).await;
    // As a crash: everything goes away in the middle of the attempts.
    drop(deliveries);
    drop(store);
    let store = reopened(&home).await;
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    let got = receiver.received(6).await;
    let ids = |range: std::ops::Range<usize>| got[range].iter().map(|r| r.id().to_owned()).collect::<HashSet<_>>();
    assert_eq!(ids(0..3), ids(3..6));
    finish(deliveries, &context).await;
    assert_eq!(pending_and_dead(&store, "hook").await, (0, 0));
}

#[tokio::test]
async fn once_tries_each_delivery_once_and_says_what_is_left() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    commit(&store, articles(0..100, &["good", "bad"])).await;
    let good = Receiver::start(|_, _| Answer::Status(204, "")).await;
    let bad = Receiver::start(|_, _| Answer::Status(503, "")).await;
    // The first retry is due long before the pass is over.
    let sinks = [webhook("good", &good.url, &[1]), webhook("bad", &bad.url, &[1, 1])];
    let pass = once(&store, &sinks, &context).await.unwrap();
    assert_eq!(pass, OncePass { delivered: 100, failed: 100, left: 100, stdout_closed: false });
    assert_eq!((good.so_far().len(), bad.so_far().len()), (100, 100));
}

#[tokio::test]
async fn private_addresses_are_refused_unless_the_sink_allows_them() {
    let context = context();
    let receiver = Receiver::start(|_, _| Answer::Status(204, "")).await;
    let mut by_name = receiver.url.clone();
    by_name.set_host(Some("localhost")).unwrap();
    for url in [&receiver.url, &by_name] {
        let home = Home::new();
        let store = open(&home);
        commit(&store, articles(0..1, &["hook"])).await;
        let hour = 3_600_000;
        let refused = with_webhook(webhook("hook", url, &[1, hour]), |webhook| webhook.private = false);
        let pass = once(&store, &[refused], &context).await.unwrap();
        assert_eq!((pass.failed, pass.left), (1, 1));
        // Only a person can change that, so it is not tried again at once.
        let next = store.due(&sink("hook"), Utc::now(), 1, &HashSet::new()).await.unwrap().next.unwrap();
        assert!(next > Utc::now() + chrono::Duration::minutes(30), "{url}");
        let file = rusqlite::Connection::open(home.path()).unwrap();
        let said: String = file.query_row("SELECT last_error FROM outbox", (), |row| row.get(0)).unwrap();
        assert!(said.ends_with("is not on the public internet; `private = true` on the sink allows it"), "{said}");
    }
    assert!(receiver.so_far().is_empty());
    let home = Home::new();
    let store = open(&home);
    commit(&store, articles(0..1, &["hook"])).await;
    assert_eq!(once(&store, &[webhook("hook", &receiver.url, &[1])], &context).await.unwrap().delivered, 1);
}

#[tokio::test]
async fn file_gets_whole_lines_in_order_and_outlives_trouble() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let folder = home.path().with_file_name("out");
    let path = folder.join("alerts.ndjson");
    let sinks = [file("file", &path, OutputFormat::Auto)];
    commit(&store, articles(0..100, &["file"])).await;
    // A file stands where its folder should be: nothing is lost.
    std::fs::write(&folder, "").unwrap();
    let pass = once(&store, &sinks, &context).await.unwrap();
    assert_eq!((pass.delivered, pass.left), (0, 100));
    std::fs::remove_file(&folder).unwrap();
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(&path, "{\"torn").unwrap();
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    let expected: Vec<String> = articles(0..100, &["file"]).iter().map(|e| e.alerts[0].body.clone()).collect();
    commit(&store, articles(100..101, &["file"])).await;
    let whole = async {
        while pending_and_dead(&store, "file").await.0 > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, whole).await.unwrap();
    finish(deliveries, &context).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines.len()), ("{\"torn", 102));
    let old: Vec<&str> = lines.iter().copied().filter(|line| expected.iter().any(|e| e == line)).collect();
    assert_eq!(old, expected);
}

#[tokio::test]
async fn file_is_made_with_its_folders() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let path = home.path().with_file_name("out").join("deep").join("alerts.ndjson");
    commit(&store, articles(0..3, &["file"])).await;
    let pass = once(&store, &[file("file", &path, OutputFormat::Auto)], &context).await.unwrap();
    assert_eq!((pass.delivered, pass.left), (3, 0));
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
}

#[tokio::test]
async fn text_names_an_article_once_with_all_its_watches() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let path = home.path().with_file_name("alerts.txt");
    let mut entries = articles(0..1, &[]);
    entries[0] = entry("1", "x.org/1", "text", &["first-watch", "second-watch"]);
    for alert in &mut entries[0].alerts {
        alert.sinks = vec![sink("file")];
        alert.body = json!({
            "type": "alert", "timestamp": "2026-03-01T12:00:00Z",
            "data": {
                "id": alert.id.as_str(),
                "watch": {"id": alert.watch.as_str(), "name": alert.watch.as_str(), "severity": "warning"},
                "article": {"id": "1", "url": "https://x.org/1", "title": "The headline", "published": null,
                            "fetched": null, "lang": "en", "authors": [], "summary": null,
                            "text_source": "feed-summary", "words": 1, "feed": null},
                "matches": [], "excerpt": "", "topics": [], "leaders": [], "countries": [], "arms_deals": [],
                "resolutions": [], "story": null, "confidence": 1.0, "packs": {}, "engine": "0.1.0"
            }
        })
        .to_string();
    }
    commit(&store, entries).await;
    let pass = once(&store, &[file("file", &path, OutputFormat::Text)], &context).await.unwrap();
    assert_eq!(pass.delivered, 2);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("The headline").count(), 1, "{text}");
    assert!(text.contains("first-watch") && text.contains("second-watch"), "{text}");
}

#[tokio::test]
async fn workers_that_are_told_to_stop_send_what_is_due_first() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let receiver = Receiver::start(|_, _| Answer::Status(204, "")).await;
    commit(&store, articles(0..20, &["hook"])).await;
    let mut deliveries = Deliveries::start(&store, &[webhook("hook", &receiver.url, &[10])], &context).unwrap();
    context.stop.cancel();
    assert_eq!(deliveries.ended().await, Some(WorkerEnd::Stopped));
    assert_eq!(deliveries.ended().await, None);
    assert_eq!(receiver.so_far().len(), 20);
    assert_eq!(pending_and_dead(&store, "hook").await, (0, 0));
}

//! The outbox beside sinks that are down, gone, paused, in a hurry or fond of batches, and with a hundred thousand rows.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::Utc;
use rusqlite::Connection;
use wirewatch::{
    clock::Clock,
    config::{Pace, Rate, SinkSettings},
    deliver::{Deliveries, observe, once},
    store::{Chosen, DeliveryId, MessageKind, Role, Store},
};

use crate::{
    deliver::{articles, commit, context, finish, open, pending_and_dead, reopened, webhook},
    receiver::{Answer, Received, Receiver},
    store::{Home, sink},
};

fn with_pace(mut sink: SinkSettings, pace: Pace) -> SinkSettings {
    sink.pace = pace;
    sink
}

fn ids(requests: &[Received]) -> HashSet<String> {
    requests.iter().map(|request| request.id().to_owned()).collect()
}

/// Waits until the store has every attempt that the receiver has seen.
async fn all_recorded(home: &Home, receiver: &Receiver) {
    let file = Connection::open(home.path()).unwrap();
    let attempts = || file.query_row("SELECT sum(attempts) FROM outbox", [], |row| row.get::<_, u32>(0)).unwrap();
    until("what is under way has landed", async || attempts() as usize == receiver.so_far().len()).await;
}

/// Waits for something that the store shows.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !is_so().await {
        assert!(Instant::now() < patience, "{what}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn while_a_sink_is_down_one_row_probes_and_the_others_wait_unattempted() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let is_down = Arc::new(AtomicBool::new(true));
    let gate = Arc::clone(&is_down);
    let answer = move |_, _: &Received| Answer::Status(if gate.load(Ordering::SeqCst) { 503 } else { 204 }, "");
    let receiver = Receiver::start(answer).await;
    let sinks = [webhook("hook", &receiver.url, &[20; 60])];
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    commit(&store, articles(0..200, &["hook"])).await;
    let tried = receiver.received(30).await;
    assert!(ids(&tried).len() <= 5 + 8, "{} rows were tried", ids(&tried).len());
    let probes: HashSet<_> = ids(&tried[20..]);
    assert_eq!(probes.len(), 1, "one row is the probe: {probes:?}");
    let file = Connection::open(home.path()).unwrap();
    until("the store knows that it is down", async || store.sink_state(&sink("hook")).await.unwrap().down.is_some())
        .await;
    let fresh: i64 = file.query_row("SELECT count(*) FROM outbox WHERE attempts = 0", [], |row| row.get(0)).unwrap();
    assert!(fresh >= 200 - 13, "{fresh} rows have not used up an attempt");

    is_down.store(false, Ordering::SeqCst);
    until("all arrives", async || pending_and_dead(&store, "hook").await == (0, 0)).await;
    finish(deliveries, &context).await;
    let got = receiver.so_far();
    assert_eq!(ids(&got).len(), 200);
    // Oldest first: of what had never been tried, none is far before an older one.
    let mut seen = HashSet::new();
    let first: Vec<&str> = got.iter().map(Received::id).filter(|id| seen.insert(*id)).collect();
    let place: HashMap<String, usize> =
        articles(0..200, &[]).iter().enumerate().map(|(n, e)| (e.alerts[0].id.to_string(), n)).collect();
    for (n, id) in first.iter().enumerate() {
        assert!(place[*id].abs_diff(n) <= 16, "alert {} came as number {n}", place[*id]);
    }
    let state = store.sink_state(&sink("hook")).await.unwrap();
    assert_eq!((state.down, state.failures), (None, 0));
}

#[tokio::test]
async fn row_that_the_receiver_cannot_stand_does_not_keep_a_sink_down() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let bad: HashSet<String> = articles(0..12, &[]).iter().map(|e| e.alerts[0].id.to_string()).collect();
    let refused = bad.clone();
    let receiver =
        Receiver::start(move |_, request| Answer::Status(if refused.contains(request.id()) { 500 } else { 204 }, ""))
            .await;
    let sinks = [webhook("hook", &receiver.url, &[20, 60_000])];
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    commit(&store, articles(0..60, &["hook"])).await;
    until("the good ones arrive", async || pending_and_dead(&store, "hook").await.0 <= 12).await;
    finish(deliveries, &context).await;
    assert_eq!(ids(&receiver.so_far()).difference(&bad).count(), 48);
}

/// A sink `hook` that answers `status` for as long as the switch is on, and one `other` that does well.
async fn two_sinks(status: u16) -> (Arc<AtomicBool>, Receiver, Receiver, [SinkSettings; 2]) {
    let switch = Arc::new(AtomicBool::new(true));
    let gate = Arc::clone(&switch);
    let answer = move |_, _: &Received| Answer::Status(if gate.load(Ordering::SeqCst) { status } else { 204 }, "");
    let receiver = Receiver::start(answer).await;
    let other = Receiver::start(|_, _| Answer::Status(204, "")).await;
    let sinks = [webhook("hook", &receiver.url, &[20; 60]), webhook("other", &other.url, &[20])];
    (switch, receiver, other, sinks)
}

#[tokio::test]
async fn sink_that_stays_down_is_told_of_once_by_the_others_and_so_is_its_recovery() {
    let (home, mut context) = (Home::new(), context());
    context.event_sinks = vec![sink("hook"), sink("other")];
    let store = open(&home);
    let (is_down, receiver, other, sinks) = two_sinks(503).await;
    // It has failed for some minutes already, and was found so at this start.
    let hook = sink("hook");
    store.pause_sink(&hook, Utc::now()).await.unwrap();
    store.resume_sink(&hook).await.unwrap();
    let since = (Utc::now() - chrono::Duration::minutes(6)).timestamp_millis();
    let sql = "UPDATE sink SET failures = 4, failing_since = ?1, last_failure = 'answered 503'";
    Connection::open(home.path()).unwrap().execute(sql, [since]).unwrap();
    commit(&store, articles(0..3, &["hook"])).await;
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    let told = other.received(1).await.remove(0);
    let event: serde_json::Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!((event["type"].as_str(), event["data"]["sink"].as_str()), (Some("sink.failing"), Some("hook")));
    assert!(event["data"]["waiting"].as_i64().unwrap() >= 1, "{event}");
    assert!(told.id().starts_with("evt_"));
    receiver.received(12).await;
    is_down.store(false, Ordering::SeqCst);
    let told = other.received(2).await;
    assert!(told[1].body.contains(r#""type":"sink.recovered""#), "{}", told[1].body);
    until("all arrives", async || pending_and_dead(&store, "hook").await == (0, 0)).await;
    finish(deliveries, &context).await;
    assert_eq!(other.so_far().len(), 2, "each is told once");
    assert!(receiver.so_far().iter().all(|request| !request.body.contains("sink.")), "none is told of itself");
}

#[tokio::test]
async fn sink_that_is_gone_is_disabled_for_good_and_comes_back_when_asked() {
    let (home, mut context) = (Home::new(), context());
    context.event_sinks = vec![sink("hook"), sink("other")];
    let store = open(&home);
    let (is_gone, receiver, other, sinks) = two_sinks(410).await;
    let hook = sink("hook");
    store.pause_sink(&hook, Utc::now()).await.unwrap();
    store.resume_sink(&hook).await.unwrap();
    let since = (Utc::now() - chrono::Duration::minutes(11)).timestamp_millis();
    let file = Connection::open(home.path()).unwrap();
    file.execute("UPDATE sink SET gone = 2, gone_since = ?1", [since]).unwrap();
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    // More than become dead letters in one transaction.
    commit(&store, articles(0..700, &["hook"])).await;
    until("all are dead letters", async || pending_and_dead(&store, "hook").await == (0, 700)).await;
    let told = other.received(1).await.remove(0);
    assert!(told.body.contains(r#""type":"sink.disabled""#), "{}", told.body);
    assert!(receiver.so_far().len() <= 8, "{} requests", receiver.so_far().len());
    let enabled = |on| format!("wirewatch_sink_enabled{{sink=\"hook\"}} {on}");
    assert!(context.metrics.render().contains(&enabled(0)));
    commit(&store, articles(700..701, &["hook"])).await;
    until("a later alert is one too", async || pending_and_dead(&store, "hook").await == (0, 701)).await;
    finish(deliveries, &context).await;
    drop(store);

    // Also after a restart, until somebody says otherwise.
    let store = reopened(&home).await;
    let context = super::deliver::context();
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    commit(&store, articles(701..702, &["hook"])).await;
    until("it is still disabled", async || pending_and_dead(&store, "hook").await == (0, 702)).await;
    is_gone.store(false, Ordering::SeqCst);
    let beside = Store::open(&home.path(), Clock::system(), Role::Beside).unwrap();
    assert!(beside.revive_sink(&hook, Utc::now()).await.unwrap().0.disabled.is_some());
    until("the daemon notices", async || context.metrics.render().contains(&enabled(1))).await;
    let before = receiver.so_far().len();
    commit(&store, articles(702..703, &["hook"])).await;
    receiver.received(before + 1).await;
    finish(deliveries, &context).await;
    assert_eq!(pending_and_dead(&store, "hook").await, (0, 702));
    let reason: String = file
        .query_row("SELECT last_error FROM outbox WHERE attempts = 0 AND state = 'dead' LIMIT 1", [], |row| row.get(0))
        .unwrap();
    assert!(reason.starts_with("the sink is disabled: answered 410"), "{reason}");
}

/// A sink that is down, its next probe an hour off.
fn make_down(home: &Home) {
    let soon = Utc::now().timestamp_millis();
    let sql = "INSERT INTO sink (sink, version, failures, failing_since, last_failure, down, probe_at, probes, gone)
         VALUES ('hook', 0, 9, ?1, 'answered 503', ?1, ?1 + 3600000, 4, 0)";
    Connection::open(home.path()).unwrap().execute(sql, [soon]).unwrap();
}

#[tokio::test]
async fn start_tries_a_sink_that_is_down_at_once() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    make_down(&home);
    let receiver = Receiver::start(|_, _| Answer::Status(204, "")).await;
    commit(&store, articles(0..3, &["hook"])).await;
    let deliveries = Deliveries::start(&store, &[webhook("hook", &receiver.url, &[20])], &context).unwrap();
    receiver.received(3).await;
    finish(deliveries, &context).await;
}

#[tokio::test]
async fn rows_that_try_between_the_attempts_of_the_one_that_probes_use_up_nothing() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let receiver = Receiver::start(|_, _| Answer::Status(503, "")).await;
    let deliveries = Deliveries::start(&store, &[webhook("hook", &receiver.url, &[20])], &context).unwrap();
    store.pause_sink(&sink("hook"), Utc::now()).await.unwrap();
    commit(&store, articles(0..3, &["hook"])).await;
    let file = Connection::open(home.path()).unwrap();
    let now = Utc::now().timestamp_millis();
    file.execute("UPDATE outbox SET due = due + 3600000 WHERE delivery = 1", []).unwrap();
    let sql = "UPDATE sink SET paused = NULL, failures = 9, failing_since = ?1, down = ?1, probe = 1, probe_at = ?1,
         version = version + 1";
    file.execute(sql, [now]).unwrap();
    file.execute("UPDATE outbox_asked SET count = count + 1", []).unwrap();
    receiver.received(1).await;
    let tried = "SELECT count(*) FROM outbox WHERE last_attempt IS NOT NULL";
    let count = |sql: &str| file.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    until("it is recorded", async || count(tried) == 1).await;
    finish(deliveries, &context).await;
    assert_eq!(count("SELECT sum(attempts) FROM outbox"), 0);
    let state = store.sink_state(&sink("hook")).await.unwrap();
    assert_eq!(state.probe.map(DeliveryId::number), Some(1), "the probe keeps its turn");
}

#[tokio::test]
async fn long_alerts_are_parted_over_several_batches() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let receiver = Receiver::start(|_, _| Answer::Status(204, "")).await;
    let pace = Pace { batch_max: 50, batch_wait: Duration::ZERO, ..Pace::default() };
    let mut entries = articles(0..9, &["hook"]);
    for entry in &mut entries {
        let id = entry.alerts[0].id.as_str();
        entry.alerts[0].body = format!(r#"{{"type":"alert","data":{{"id":"{id}","x":"{}"}}}}"#, "x".repeat(200 << 10));
    }
    commit(&store, entries).await;
    let hook = with_pace(webhook("hook", &receiver.url, &[20]), pace);
    assert_eq!(once(&store, &[hook], &context).await.unwrap().delivered, 9);
    let got = receiver.so_far();
    assert!(got.len() == 5 && got.iter().all(|request| request.body.len() < 1 << 20), "{} bodies", got.len());
}

#[tokio::test]
async fn retry_by_command_does_not_wait_for_the_probe_or_for_a_pause() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let is_down = Arc::new(AtomicBool::new(true));
    let gate = Arc::clone(&is_down);
    let answer = move |_, _: &Received| match gate.load(Ordering::SeqCst) {
        true => Answer::Status(429, "retry-after: 120\r\n"),
        false => Answer::Status(204, ""),
    };
    let receiver = Receiver::start(answer).await;
    commit(&store, articles(0..3, &["hook"])).await;
    let sinks = [webhook("hook", &receiver.url, &[])];
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    until("no attempt is left", async || pending_and_dead(&store, "hook").await.1 >= 1).await;
    until("the store knows", async || store.sink_state(&sink("hook")).await.unwrap().hold_until.is_some()).await;
    all_recorded(&home, &receiver).await;
    is_down.store(false, Ordering::SeqCst);
    let beside = Store::open(&home.path(), Clock::system(), Role::Beside).unwrap();
    beside.retry_deliveries(Chosen::Dead { sink: None, since: None }, Utc::now()).await.unwrap();
    until("all arrives", async || pending_and_dead(&store, "hook").await == (0, 0)).await;
    finish(deliveries, &context).await;
}

#[tokio::test]
async fn sink_brought_back_by_command_gets_at_once_what_waited_for_hours() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let (is_refused, receiver, _other, sinks) = two_sinks(401).await;
    let mut hook = sinks[0].clone();
    hook.retry = vec![Duration::from_secs(3_600)];
    commit(&store, articles(0..12, &["hook"])).await;
    let deliveries = Deliveries::start(&store, &[hook], &context).unwrap();
    receiver.received(5).await;
    until("it is down", async || store.sink_state(&sink("hook")).await.unwrap().down.is_some()).await;
    all_recorded(&home, &receiver).await;
    is_refused.store(false, Ordering::SeqCst);
    let beside = Store::open(&home.path(), Clock::system(), Role::Beside).unwrap();
    // One that flew when the sink went down may have been taken just now: then it is up already, and eight rows wait.
    let (_, hastened) = beside.revive_sink(&sink("hook"), Utc::now()).await.unwrap();
    assert!(hastened >= 5, "{hastened} rows");
    until("all arrives", async || pending_and_dead(&store, "hook").await == (0, 0)).await;
    finish(deliveries, &context).await;
}

#[tokio::test]
async fn sink_that_is_back_after_minutes_gets_at_once_what_waited_for_hours() {
    let (home, mut context) = (Home::new(), context());
    context.event_sinks = vec![sink("hook"), sink("other")];
    let store = open(&home);
    let (is_refused, receiver, other, sinks) = two_sinks(401).await;
    let mut sinks = sinks.to_vec();
    sinks[0].retry = vec![Duration::from_secs(3_600)];
    commit(&store, articles(0..5, &["hook"])).await;
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    receiver.received(5).await;
    until("it is down", async || store.sink_state(&sink("hook")).await.unwrap().down.is_some()).await;
    finish(deliveries, &context).await;
    // Six minutes later, somebody has mended it and started wirewatch again.
    let since = (Utc::now() - chrono::Duration::minutes(6)).timestamp_millis();
    Connection::open(home.path()).unwrap().execute("UPDATE sink SET failing_since = ?1", [since]).unwrap();
    is_refused.store(false, Ordering::SeqCst);
    let mut context = self::context();
    context.event_sinks = vec![sink("hook"), sink("other")];
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    other.received(1).await;
    commit(&store, articles(5..6, &["hook"])).await;
    until("all arrives", async || pending_and_dead(&store, "hook").await == (0, 0)).await;
    finish(deliveries, &context).await;
    let told: Vec<_> = other.so_far().iter().map(|told| told.body.clone()).collect();
    assert!(told[0].contains("sink.failing") && told[1].contains("sink.recovered"), "{told:?}");
}

#[tokio::test]
async fn where_the_only_sink_for_events_fails_all_others_hear_of_it() {
    let (home, mut context) = (Home::new(), context());
    context.event_sinks = vec![sink("hook")];
    let store = open(&home);
    let (_, _receiver, other, sinks) = two_sinks(410).await;
    let since = (Utc::now() - chrono::Duration::minutes(11)).timestamp_millis();
    let hook = sink("hook");
    store.pause_sink(&hook, Utc::now()).await.unwrap();
    store.resume_sink(&hook).await.unwrap();
    let file = Connection::open(home.path()).unwrap();
    file.execute("UPDATE sink SET gone = 2, gone_since = ?1, failing_since = ?1", [since]).unwrap();
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    commit(&store, articles(0..1, &["hook"])).await;
    let told = other.received(1).await.remove(0);
    assert!(told.body.contains(r#""type":"sink.disabled""#), "{}", told.body);
    finish(deliveries, &context).await;
}

#[tokio::test]
async fn alert_for_a_sink_with_batches_never_goes_out_alone() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let (is_down, receiver, _other, sinks) = two_sinks(503).await;
    let pace = Pace { batch_max: 2, batch_wait: Duration::ZERO, ..Pace::default() };
    let hook = with_pace(sinks[0].clone(), pace);
    commit(&store, articles(0..40, &["hook"])).await;
    let deliveries = Deliveries::start(&store, &[hook], &context).unwrap();
    receiver.received(8).await;
    until("it is down", async || store.sink_state(&sink("hook")).await.unwrap().down.is_some()).await;
    // The row that probes is not there any more.
    let beside = Store::open(&home.path(), Clock::system(), Role::Beside).unwrap();
    let probe = store.sink_state(&sink("hook")).await.unwrap().probe.unwrap();
    beside.discard_deliveries(Chosen::These(vec![probe]), Utc::now()).await.unwrap();
    receiver.received(12).await;
    is_down.store(false, Ordering::SeqCst);
    until("all arrives", async || pending_and_dead(&store, "hook").await == (0, 0)).await;
    finish(deliveries, &context).await;
    assert!(receiver.so_far().iter().all(|request| request.id().starts_with("bat_")));
}

#[tokio::test]
async fn long_bodies_are_taken_some_at_a_time() {
    let home = Home::new();
    let store = open(&home);
    let mut entries = articles(0..7, &["hook"]);
    for entry in &mut entries {
        entry.alerts[0].body = format!(r#"{{"type":"alert","data":"{}"}}"#, "x".repeat(5 << 20));
    }
    commit(&store, entries).await;
    let now = Utc::now() + chrono::Duration::minutes(1);
    let due = store.due(&sink("hook"), now, 100, &HashSet::new()).await.unwrap();
    assert_eq!((due.deliveries.len(), due.has_more), (4, true));
    let taken = due.deliveries.iter().map(|delivery| delivery.id).collect();
    let due = store.due(&sink("hook"), now, 100, &taken).await.unwrap();
    assert_eq!((due.deliveries.len(), due.has_more), (3, false));
}

#[tokio::test]
async fn changed_address_brings_a_disabled_sink_back() {
    let home = Home::new();
    let store = open(&home);
    let (old, new) =
        (Receiver::start(|_, _| Answer::Status(410, "")).await, Receiver::start(|_, _| Answer::Status(204, "")).await);
    once(&store, &[webhook("hook", &old.url, &[20])], &context()).await.unwrap();
    Connection::open(home.path()).unwrap().execute("UPDATE sink SET disabled = 1", []).unwrap();
    commit(&store, articles(0..1, &["hook"])).await;
    assert_eq!(once(&store, &[webhook("hook", &old.url, &[20])], &context()).await.unwrap().delivered, 0);
    assert_eq!(pending_and_dead(&store, "hook").await, (0, 1));
    commit(&store, articles(1..2, &["hook"])).await;
    assert_eq!(once(&store, &[webhook("hook", &new.url, &[20])], &context()).await.unwrap().delivered, 1);
}

#[tokio::test]
async fn what_waits_goes_to_a_changed_address_at_once() {
    let home = Home::new();
    let store = open(&home);
    let (old, new) =
        (Receiver::start(|_, _| Answer::Status(401, "")).await, Receiver::start(|_, _| Answer::Status(204, "")).await);
    commit(&store, articles(0..2, &["hook"])).await;
    let passes = async |url| once(&store, &[webhook("hook", url, &[3_600_000])], &context()).await.unwrap();
    assert_eq!(passes(&old.url).await.left, 2);
    assert_eq!(passes(&old.url).await.failed, 0, "they wait for an hour");
    assert_eq!(passes(&new.url).await.delivered, 2);
    assert_eq!((old.so_far().len(), new.so_far().len()), (2, 2));
}

#[tokio::test]
async fn paused_sink_gets_nothing_until_it_is_resumed() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let receiver = Receiver::start(|_, _| Answer::Status(204, "")).await;
    let deliveries = Deliveries::start(&store, &[webhook("hook", &receiver.url, &[20])], &context).unwrap();
    let beside = Store::open(&home.path(), Clock::system(), Role::Beside).unwrap();
    let hook = sink("hook");
    assert!(beside.pause_sink(&hook, Utc::now()).await.unwrap());
    assert!(!beside.pause_sink(&hook, Utc::now()).await.unwrap(), "it is paused already");
    let is_off = || context.metrics.render().contains("wirewatch_sink_enabled{sink=\"hook\"} 0");
    until("the daemon notices", async || is_off()).await;
    commit(&store, articles(0..3, &["hook"])).await;
    until("the rows wait", async || pending_and_dead(&store, "hook").await == (3, 0)).await;
    assert!(beside.resume_sink(&hook).await.unwrap());
    receiver.received(3).await;
    finish(deliveries, &context).await;
    assert_eq!(receiver.so_far().len(), 3);
}

#[tokio::test]
async fn pause_that_a_receiver_asks_for_holds_the_whole_sink() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let is_first = AtomicBool::new(true);
    let answer = move |_, _: &Received| match is_first.swap(false, Ordering::SeqCst) {
        true => Answer::Status(429, "retry-after: 2\r\n"),
        false => Answer::Status(204, ""),
    };
    let receiver = Receiver::start(answer).await;
    let deliveries = Deliveries::start(&store, &[webhook("hook", &receiver.url, &[20])], &context).unwrap();
    commit(&store, articles(0..1, &["hook"])).await;
    receiver.received(1).await;
    let asked = Instant::now();
    until("the store knows", async || store.sink_state(&sink("hook")).await.unwrap().hold_until.is_some()).await;
    for n in 1..13 {
        commit(&store, articles(n..n + 1, &["hook"])).await;
    }
    receiver.received(2).await;
    assert!(asked.elapsed() > Duration::from_millis(1_900), "the others wait too");
    receiver.received(14).await;
    finish(deliveries, &context).await;
}

#[tokio::test]
async fn rate_is_kept_and_other_sinks_know_nothing_of_it() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let (slow, quick) =
        (Receiver::start(|_, _| Answer::Status(204, "")).await, Receiver::start(|_, _| Answer::Status(204, "")).await);
    let pace = Pace { rate: Some("10/s".parse().unwrap()), ..Pace::default() };
    let sinks = [with_pace(webhook("slow", &slow.url, &[20]), pace), webhook("quick", &quick.url, &[20])];
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    let start = Instant::now();
    commit(&store, articles(0..25, &["slow", "quick"])).await;
    quick.received(25).await;
    slow.received(25).await;
    assert!(
        start.elapsed() >= Duration::from_millis(1_950),
        "25 at 10 a second take two seconds: {:?}",
        start.elapsed()
    );
    finish(deliveries, &context).await;
}

#[tokio::test]
async fn pass_does_not_wait_for_long_for_a_rate() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let receiver = Receiver::start(|_, _| Answer::Status(204, "")).await;
    let pace = Pace { rate: Some("2/h".parse().unwrap()), ..Pace::default() };
    let sinks = [with_pace(webhook("hook", &receiver.url, &[20]), pace)];
    commit(&store, articles(0..5, &["hook"])).await;
    let pass = tokio::time::timeout(Duration::from_secs(9), once(&store, &sinks, &context)).await;
    let pass = pass.expect("who comes in an hour is not waited for").unwrap();
    assert_eq!((pass.delivered, pass.failed, pass.left), (2, 0, 3));

    let slow = Rate { count: 1, per: Duration::from_secs(4) };
    // Where it is worth the while it is waited for, and what takes longer is left.
    let quick = with_pace(webhook("hook", &receiver.url, &[20]), Pace { rate: Some(slow), ..pace });
    commit(&store, articles(5..9, &["hook"])).await;
    let start = Instant::now();
    let pass = once(&store, &[quick], &context).await.unwrap();
    assert_eq!((pass.delivered, pass.left), (3, 4), "at once, after 4 s, after 8 s");
    assert!(start.elapsed() < Duration::from_secs(11), "{:?}", start.elapsed());
}

#[tokio::test]
async fn pass_hears_what_is_asked_meanwhile() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let receiver = Receiver::start(|_, _| Answer::Status(204, "")).await;
    let pace = Pace { rate: Some("1/s".parse().unwrap()), ..Pace::default() };
    let sinks = [with_pace(webhook("hook", &receiver.url, &[20]), pace)];
    commit(&store, articles(0..8, &["hook"])).await;
    let beside = Store::open(&home.path(), Clock::system(), Role::Beside).unwrap();
    let hook = sink("hook");
    let ask = async {
        receiver.received(2).await;
        let due = beside.due(&hook, Utc::now(), 9, &HashSet::new()).await.unwrap().deliveries;
        let asked = Chosen::These(due.iter().rev().take(4).map(|delivery| delivery.id).collect());
        let discarded = beside.discard_deliveries(asked, Utc::now()).await.unwrap().deliveries;
        receiver.received(3).await;
        beside.pause_sink(&hook, Utc::now()).await.unwrap();
        discarded
    };
    let (pass, discarded) = tokio::join!(once(&store, &sinks, &context), ask);
    let pass = pass.unwrap();
    assert_eq!(discarded, 4);
    // The one that is under way when it is paused goes out.
    assert!((3..=4).contains(&pass.delivered), "{pass:?}");
    assert_eq!(pass.delivered + pass.left, 4, "{pass:?}");
    assert_eq!(receiver.so_far().len(), pass.delivered, "none of those that were discarded");
}

#[tokio::test]
async fn concurrency_is_kept() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let receiver = Receiver::start(|_, _| Answer::Status(204, "")).await;
    let pace = Pace { concurrency: 2, ..Pace::default() };
    let sinks = [with_pace(webhook("hook", &receiver.url, &[20]), pace)];
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    commit(&store, articles(0..60, &["hook"])).await;
    receiver.received(60).await;
    finish(deliveries, &context).await;
    assert!(receiver.peak() <= 2, "{} at once", receiver.peak());
}

#[tokio::test]
async fn batches_are_rows_of_their_own_and_their_members_share_their_end() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let receiver = Receiver::start(|attempt, _| Answer::Status(if attempt == 0 { 500 } else { 204 }, "")).await;
    let pace = Pace { batch_max: 10, batch_wait: Duration::from_millis(300), ..Pace::default() };
    let sinks = [with_pace(webhook("hook", &receiver.url, &[20, 20]), pace)];
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    let start = Instant::now();
    let mut entries = articles(0..25, &["hook"]);
    for (n, entry) in entries.iter_mut().enumerate() {
        entry.alerts[0].body = format!(r#"{{"type":"alert","timestamp":"t","data":{{"id":"alr_{n}","n":{n}}}}}"#);
    }
    commit(&store, entries).await;
    let got = receiver.received(6).await;
    assert!(start.elapsed() >= Duration::from_millis(300), "the last five wait for more");
    let mut bodies: HashMap<&str, &str> = HashMap::new();
    for request in &got {
        let before = bodies.insert(request.id(), &request.body);
        assert!(before.is_none_or(|before| before == request.body), "every attempt sends the same bytes");
    }
    let mut members = Vec::new();
    for (id, body) in &bodies {
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((body["type"].as_str(), body["data"]["id"].as_str()), (Some("batch"), Some(*id)));
        assert!(id.starts_with("bat_") && !id.contains('.') && body["timestamp"].is_string(), "{body}");
        let alerts = body["data"]["alerts"].as_array().unwrap();
        members.push(alerts.iter().map(|alert| alert["n"].as_u64().unwrap()).collect::<Vec<_>>());
    }
    members.sort();
    let expected: Vec<Vec<u64>> = vec![(0..10).collect(), (10..20).collect(), (20..25).collect()];
    assert_eq!(members, expected);
    finish(deliveries, &context).await;
    let file = Connection::open(home.path()).unwrap();
    let delivered: i64 = file
        .query_row("SELECT count(*) FROM outbox WHERE state = 'delivered' AND attempts = 2", [], |row| row.get(0))
        .unwrap();
    assert_eq!(delivered, 28, "25 alerts and three batches");
}

#[tokio::test]
async fn what_waits_in_batches_is_counted_by_alerts() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let receiver = Receiver::start(|_, _| Answer::Status(503, "")).await;
    let pace = Pace { batch_max: 10, batch_wait: Duration::from_secs(3_600), ..Pace::default() };
    let sinks = [with_pace(webhook("hook", &receiver.url, &[3_600_000]), pace)];
    let mut poll = articles(0..35, &["hook"]);
    poll.extend(articles(35..42, &["other"]));
    commit(&store, poll).await;
    let pass = once(&store, &sinks, &context).await.unwrap();
    assert_eq!((pass.failed, pass.left), (35, 35));
    assert_eq!(pending_and_dead(&store, "hook").await, (35, 0));
    assert_eq!(pending_and_dead(&store, "other").await, (7, 0));
    observe(&store, &context.metrics, &sinks, Utc::now()).await.unwrap();
    assert!(context.metrics.render().contains("wirewatch_outbox_pending{sink=\"hook\"} 35"));
    let dead = once(&store, &[with_pace(webhook("hook", &receiver.url, &[]), pace)], &context).await.unwrap();
    assert_eq!(dead.failed, 0, "none is due");
    Connection::open(home.path()).unwrap().execute("UPDATE outbox SET due = 1 WHERE state = 'pending'", []).unwrap();
    once(&store, &[with_pace(webhook("hook", &receiver.url, &[]), pace)], &context).await.unwrap();
    assert_eq!(pending_and_dead(&store, "hook").await, (0, 35));
}

#[tokio::test]
async fn batch_that_was_not_sent_before_a_crash_is_sent_as_it_was() {
    let home = Home::new();
    let store = open(&home);
    commit(&store, articles(0..5, &["hook"])).await;
    store.make_batch(&sink("hook"), Utc::now(), 3, Duration::ZERO).await.unwrap();
    let due = async |store: &Store| store.due(&sink("hook"), Utc::now(), 9, &HashSet::new()).await.unwrap().deliveries;
    let before = due(&store).await;
    assert_eq!(before.len(), 3, "a batch, and two that are in none");
    drop(store);
    let store = reopened(&home).await;
    assert_eq!(due(&store).await, before);
    let receiver = Receiver::start(|_, _| Answer::Status(500, "")).await;
    let pace = Pace { batch_max: 3, ..Pace::default() };
    // Both batches die at once; so do the alerts in them.
    let sinks = [with_pace(webhook("hook", &receiver.url, &[]), pace)];
    let pass = once(&store, &sinks, &context()).await.unwrap();
    assert_eq!((pass.failed, pass.left), (5, 0), "alerts are counted, not batches");
    let batch = before.iter().find(|d| d.kind == MessageKind::Batch(3)).unwrap();
    assert!(receiver.so_far().iter().any(|r| r.id() == batch.message.as_str() && r.body == batch.body));
    let file = Connection::open(home.path()).unwrap();
    let dead: i64 = file.query_row("SELECT count(*) FROM outbox WHERE state = 'dead'", [], |row| row.get(0)).unwrap();
    assert_eq!((dead, pending_and_dead(&store, "hook").await), (7, (0, 5)), "dead letters are counted by alerts too");
}

/// Rows that wait for the sink `dead`.
const BACKLOG: i64 = 120_000;

fn fill(home: &Home) {
    let file = Connection::open(home.path()).unwrap();
    file.execute_batch(&format!(
        "PRAGMA synchronous = off; BEGIN;
         INSERT OR IGNORE INTO feed (feed, id, last_poll, outcome, failures, next_poll, next_reason)
             VALUES (1, 'old', 0, 'new', 0, 0, 'interval');
         WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {BACKLOG})
         INSERT INTO alert (alert, id, watch, severity, feed, made, body)
             SELECT n, 'alr_old' || n, 'w', 'info', 1, n, '{{\"type\":\"alert\",\"n\":' || n || '}}' FROM n;
         INSERT INTO outbox (alert, sink, due) SELECT alert, 'dead', made FROM alert;
         COMMIT;"
    ))
    .unwrap();
}

#[tokio::test]
async fn backlog_of_one_sink_neither_slows_another_nor_uses_up_attempts() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    fill(&home);
    let receiver = Receiver::start(|_, _| Answer::Status(204, "")).await;
    // Nobody listens at port 1.
    let nobody = "http://127.0.0.1:1/".parse().unwrap();
    let sinks = [webhook("dead", &nobody, &[20; 60]), webhook("hook", &receiver.url, &[20])];
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    until("it is down", async || store.sink_state(&sink("dead")).await.unwrap().down.is_some()).await;
    for n in 0..50 {
        commit(&store, articles(n..n + 1, &["hook", "dead"])).await;
    }
    receiver.received(50).await;
    finish(deliveries, &context).await;
    observe(&store, &context.metrics, &sinks, Utc::now()).await.unwrap();
    let file = Connection::open(home.path()).unwrap();
    let (waiting, tried): (i64, i64) = file
        .query_row(
            "SELECT count(*), sum(attempts > 0) FROM outbox WHERE sink = 'dead' AND state = 'pending'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(waiting, BACKLOG + 50);
    assert!(tried <= 5 + 8, "{tried} rows used up an attempt");
}

#[tokio::test]
async fn no_question_about_a_sink_walks_the_whole_outbox() {
    let home = Home::new();
    let _store = open(&home);
    fill(&home);
    let file = Connection::open(home.path()).unwrap();
    file.execute_batch("ANALYZE").unwrap();
    let source = ["outbox", "batch", "sink", "deliveries", "retain"].map(|name| {
        std::fs::read_to_string(format!("{}/src/store/{name}.rs", env!("CARGO_MANIFEST_DIR"))).unwrap_or_default()
    });
    let mut looked_at = 0;
    for text in source.iter().flat_map(|text| text.split('"').skip(1).step_by(2)) {
        let sql = text.replace("{filter}", "o.event IS NOT NULL AND ?4 IS NULL").replace("{{", "{");
        let is_question = ["SELECT", "UPDATE", "DELETE"].iter().any(|verb| sql.trim_start().starts_with(verb));
        // What counts everything is asked when somebody looks, and walks an index of what waits.
        let counts_all = sql.contains("GROUP BY sink") || sql.contains("FROM outbox_asked") || sql.contains('{');
        if !is_question || !sql.contains("outbox") || counts_all || sql.contains("UPDATE outbox_asked") {
            continue;
        }
        let mut plan =
            file.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let count = plan.parameter_count();
        let steps: Vec<String> = plan
            .query_map(rusqlite::params_from_iter(vec![rusqlite::types::Null; count]), |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let walks: Vec<_> =
            steps.iter().filter(|step| step.starts_with("SCAN o") || step.starts_with("SCAN b")).collect();
        assert!(walks.is_empty(), "{sql}\n{steps:#?}");
        looked_at += 1;
    }
    assert!(looked_at >= 10, "only {looked_at} statements were found");
}

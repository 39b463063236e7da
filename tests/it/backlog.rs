//! A million rows for a sink that is dead: what they cost the daemon in memory, and its healthy sink in time.
//!
//! Takes a minute and some 700 MB of disk, so `.ci/slow` runs it. The times are printed and not asserted: a busy machine
//! would fail them.
#![cfg(target_os = "linux")]

use std::{
    collections::HashMap,
    fs,
    sync::{Arc, Mutex},
    time::Instant,
};

use rusqlite::Connection;

use super::{
    hub::http,
    program::{Daemon, Desk},
    receiver::{Answer, Receiver},
};

const ROWS: i64 = 1_000_000;
const ALERTS: usize = 400;

fn fill(desk: &Desk) {
    let body = "x".repeat(200);
    Connection::open(desk.path("data/wirewatch.db"))
        .unwrap()
        .execute_batch(&format!(
            "PRAGMA synchronous = off; BEGIN;
             INSERT OR IGNORE INTO feed (feed, id, last_poll, outcome, failures, next_poll, next_reason)
                 VALUES (99, 'old', 0, 'new', 0, 0, 'interval');
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {ROWS})
             INSERT INTO alert (id, watch, severity, feed, made, body)
                 SELECT 'alr_old' || n, 'w', 'info', 99, n, '{{\"type\":\"alert\",\"n\":\"{body}' || n || '\"}}' FROM n;
             INSERT INTO outbox (alert, sink, due) SELECT alert, 'dead', made FROM alert WHERE feed = 99;
             COMMIT; PRAGMA wal_checkpoint(TRUNCATE);"
        ))
        .unwrap();
}

/// A field of the process's status, in kB.
fn status(daemon: &Daemon, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Prints how long it takes from an article's being handed in to its alert's coming; gives the daemon's memory at its
/// highest, in kB.
async fn run(desk: &Desk, came: &Mutex<HashMap<String, Instant>>, receiver: &Receiver, name: &str) -> u64 {
    let daemon = desk.start();
    let address = daemon.address.clone().unwrap();
    let before = receiver.so_far().len();
    let mut began = HashMap::new();
    for n in 0..ALERTS {
        let title = format!("Missile {name} {n}");
        began.insert(title.clone(), Instant::now());
        let body = serde_json::json!({"id": title, "title": title}).to_string();
        let here = [("host", "localhost:8087")];
        assert_eq!(http(&address, "POST", "/api/v1/articles", &here, body.as_bytes()).await.0, 200);
    }
    receiver.received(before + ALERTS).await;
    let started = Instant::now();
    assert!(daemon.get("/metrics", "host: localhost\r\n").contains("wirewatch_outbox_pending"));
    println!("{name}: /metrics in {:?}", started.elapsed());
    let peak = status(&daemon, "VmHWM");
    println!("{name}: at its highest {} MB, now {} MB of its own", peak / 1_000, status(&daemon, "RssAnon") / 1_000);
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{log}");
    let came = came.lock().unwrap();
    let mut waits: Vec<f64> =
        began.iter().map(|(title, began)| (came[title] - *began).as_secs_f64() * 1_000.0).collect();
    waits.sort_by(f64::total_cmp);
    println!("{name}: p50 {:.1} ms, p99 {:.1} ms", waits[ALERTS / 2], waits[ALERTS * 99 / 100]);
    peak
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a minute, and 700 MB of disk: run by .ci/slow"]
async fn million_rows_for_a_dead_sink_cost_neither_memory_nor_attempts() {
    let came: Arc<Mutex<HashMap<String, Instant>>> = Arc::default();
    let record = Arc::clone(&came);
    let receiver = Receiver::start(move |_, request| {
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        if let Some(title) = body["data"]["article"]["title"].as_str() {
            record.lock().unwrap().entry(title.to_owned()).or_insert_with(Instant::now);
        }
        Answer::Status(204, "")
    })
    .await;
    // Nobody listens at port 1.
    let desk = Desk::new(&format!(
        "[daemon]\ndata_dir = \"data\"\nlisten = \"127.0.0.1:0\"\nallow_private_networks = true\n\
         [packs]\ndefaults = false\n[[watch]]\nid = \"w\"\nquery = \"missile\"\nsinks = [\"dead\", \"hook\"]\n\
         [[sink]]\nid = \"dead\"\ntype = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\nretry = [{}\"1s\"]\n\
         [[sink]]\nid = \"hook\"\ntype = \"webhook\"\nurl = \"{}\"\n",
        "\"200ms\", ".repeat(60),
        receiver.url,
    ));
    let lean = run(&desk, &came, &receiver, "without").await;
    fill(&desk);
    let peak = run(&desk, &came, &receiver, "with").await;
    assert!(peak < lean + 64_000, "{peak} kB, {lean} kB without");
    let file = Connection::open(desk.path("data/wirewatch.db")).unwrap();
    let sql = "SELECT count(*) FROM outbox WHERE sink = 'dead' AND state = 'pending' AND attempts = 0";
    let untried: i64 = file.query_row(sql, (), |row| row.get(0)).unwrap();
    assert!(untried >= ROWS - 20, "{untried}: the rows of a dead sink wait without using up attempts");
}

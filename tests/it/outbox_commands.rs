//! `deliveries …` and `sinks …` beside a running daemon, and without one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;
use serde_json::Value;
use standardwebhooks::Webhook;

use super::{
    program::{Desk, until},
    receiver::{Answer, Receiver},
};

const SECRET: &str = "whsec_bmV3LXNlY3JldC1mb3ItdGVzdHM=";

/// A desk whose feed has so many articles that alert the sink `hook`.
fn desk(receiver: &Receiver, articles: usize, sink: &str) -> Desk {
    let desk = Desk::new(&format!(
        "[daemon]\ndata_dir = \"data\"\nbacklog = \"all\"\nlisten = \"off\"\n[packs]\ndefaults = false\n\
         [[feed]]\nid = \"wire\"\nurl = \"file:feed.xml\"\n\
         [[watch]]\nid = \"missiles\"\nquery = \"missile\"\nsinks = [\"hook\"]\n\
         [[sink]]\nid = \"hook\"\ntype = \"webhook\"\nurl = \"{}?token=s3cr3t\"\nprivate = true\nsecret = \"{SECRET}\"\n{sink}\n",
        receiver.url
    ));
    let items: String = (0..articles)
        .map(|n| format!("<item><title>Missile {n}</title><guid>g{n}</guid><description>Seen.</description></item>"))
        .collect();
    let head = "<rss version=\"2.0\"><channel><title>Wire</title><link>https://wire.example/</link>";
    desk.write("feed.xml", format!("{head}<description>d</description>{items}</channel></rss>"));
    desk
}

/// Answers with this status.
async fn receiver(status: &Arc<AtomicU16>) -> Receiver {
    let status = Arc::clone(status);
    Receiver::start(move |_, _| Answer::Status(status.load(Ordering::SeqCst), "")).await
}

fn lines(desk: &Desk, arguments: &[&str]) -> Vec<Value> {
    let ran = desk.run(arguments);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.lines()
}

/// How the sink `hook` does.
fn hook(desk: &Desk) -> Value {
    lines(desk, &["sinks", "list"]).into_iter().find(|line| line["id"] == "hook").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_shown_retried_and_discarded_beside_a_running_daemon() {
    let status = Arc::new(AtomicU16::new(500));
    let receiver = receiver(&status).await;
    let desk = desk(&receiver, 4, "retry = [\"2h\"]");
    let daemon = desk.start();
    let waiting = || lines(&desk, &["deliveries", "list", "--sink", "hook", "--state", "pending"]);
    until("all have failed once", || {
        let waiting = waiting();
        waiting.len() == 4 && waiting.iter().all(|line| line["last_status"] == 500)
    });
    let all = waiting();
    let ids: Vec<String> = all.iter().map(|line| line["id"].to_string()).collect();
    assert!(all[0]["id"].as_i64() > all[1]["id"].as_i64(), "newest first");
    assert_eq!((&all[0]["type"], &all[0]["attempts"]), (&"alert".into(), &1.into()), "{all:?}");
    let sink = &hook(&desk);
    assert_eq!(
        (&sink["id"], &sink["state"], &sink["pending"]),
        (&"hook".into(), &"failing".into(), &4.into()),
        "{sink}"
    );
    assert!(!sink.to_string().contains("s3cr3t") && !sink.to_string().contains("/hook"), "{sink}");
    let shown = &lines(&desk, &["deliveries", "show", &ids[0]])[0];
    assert_eq!(shown["body"]["data"]["id"], shown["message"], "{shown}");
    let by_message = lines(&desk, &["deliveries", "show", shown["message"].as_str().unwrap()]);
    assert_eq!((by_message.len(), &by_message[0]), (1, shown));

    status.store(204, Ordering::SeqCst);
    let retried = |id: &str| {
        let ran = desk.run(&["deliveries", "retry", id, "--text"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "retried 1 delivery\n"), "{ran:?}");
    };
    retried(&ids[0]);
    let took = until("it arrives", || receiver.so_far().len() == 5);
    assert!(took < Duration::from_secs(2), "the daemon notices within a second, not {took:?}");
    assert_eq!(desk.run(&["deliveries", "discard", &ids[1]]).code, Some(0));
    until("both have ended", || waiting().len() == 2);
    let again = desk.run(&["deliveries", "retry", &ids[0]]);
    assert_eq!(again.code, Some(1), "what has arrived is not sent again: {again:?}");
    assert_eq!(desk.run(&["deliveries", "show", "99999"]).code, Some(2));
    assert_eq!(desk.run(&["deliveries", "retry"]).code, Some(2), "all of them, or which?");
    let states = |state: &str| lines(&desk, &["deliveries", "list", "--state", state]).len();
    assert_eq!((states("delivered"), states("discarded"), states("dead")), (1, 1, 0));

    assert_eq!(desk.run(&["sinks", "pause", "hook"]).code, Some(0));
    assert_eq!(hook(&desk)["state"], "paused");
    std::thread::sleep(Duration::from_millis(1_200));
    retried(&ids[2]);
    std::thread::sleep(Duration::from_millis(1_200));
    assert_eq!(receiver.so_far().len(), 5, "nothing goes to a paused sink");
    assert_eq!(desk.run(&["sinks", "resume", "hook"]).code, Some(0));
    let took = until("it goes on", || receiver.so_far().len() == 6);
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(daemon.terminate().0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_sent_again_all_at_once() {
    let status = Arc::new(AtomicU16::new(500));
    let receiver = receiver(&status).await;
    let desk = desk(&receiver, 6, "retry = []\nbatch = { max = 4, wait = \"0s\" }");
    desk.run(&["run", "--once"]);
    let dead = lines(&desk, &["deliveries", "list", "--state", "dead"]);
    assert_eq!(dead.iter().filter(|line| line["type"] == "batch").count(), 2, "{dead:?}");
    status.store(204, Ordering::SeqCst);
    let none = desk.run(&["deliveries", "retry", "--since", "2100-01-01T00:00:00Z", "--text"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), "retried 0 deliveries\n"));
    let member = dead.iter().find(|line| line["type"] == "alert").unwrap();
    assert!(!member["batch"].is_null());
    let ran = desk.run(&["deliveries", "retry", "--dead", "--text"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "retried 2 deliveries\n"), "{ran:?}");
    desk.run(&["run", "--once"]);
    assert_eq!(lines(&desk, &["deliveries", "list"]).len(), 0);
    assert_eq!(lines(&desk, &["deliveries", "list", "--state", "delivered"]).len(), 8);
    let got = receiver.so_far();
    assert_eq!(got.len(), 4);
    let body = |n: usize| got.iter().filter(|request| request.body == got[n].body).count();
    assert_eq!((body(0), body(1)), (2, 2), "the same bytes under the same id");
}

#[tokio::test(flavor = "multi_thread")]
async fn test_of_a_sink_is_signed_and_brings_a_disabled_one_back() {
    let status = Arc::new(AtomicU16::new(410));
    let receiver = receiver(&status).await;
    let desk = desk(&receiver, 1, "");
    desk.run(&["run", "--once"]);
    let file = Connection::open(desk.path("data/wirewatch.db")).unwrap();
    file.execute("UPDATE sink SET disabled = 1, gone = 3, down = 1, probe_at = 2", []).unwrap();
    let refused = desk.run(&["sinks", "test", "hook"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("hook did not take it: answered 410"), "{refused:?}");
    let disabled = hook(&desk);
    assert_eq!((&disabled["state"], &disabled["next_probe"]), (&"disabled".into(), &Value::Null), "{disabled}");
    status.store(204, Ordering::SeqCst);
    let taken = &lines(&desk, &["sinks", "test", "hook"])[0];
    assert_eq!((&taken["taken"], &taken["enabled_again"]), (&true.into(), &true.into()), "{taken}");
    assert_eq!(hook(&desk)["state"], "ok");
    let sample = receiver.so_far().pop().unwrap();
    Webhook::new(SECRET).unwrap().verify(sample.body.as_bytes(), &sample.headers).unwrap();
    let body: Value = serde_json::from_str(&sample.body).unwrap();
    assert_eq!((&body["type"], &body["data"]["sink"]), (&"test".into(), &"hook".into()), "{body}");
    let unknown = desk.run(&["sinks", "enable", "hok"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("did you mean `hook`?"), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sink_that_is_mended_comes_back_at_once_when_somebody_says_so() {
    for command in ["enable", "test"] {
        // Two are not enough to call it down; of a wrong token each waits for an hour, of a sink that is down the probe.
        for (answer, articles, state) in [(503, 6, "down"), (503, 1, "down"), (401, 2, "failing")] {
            let status = Arc::new(AtomicU16::new(answer));
            let receiver = receiver(&status).await;
            let desk = desk(&receiver, articles, "retry = [\"10ms\", \"10ms\", \"10ms\", \"10ms\", \"1h\"]");
            let daemon = desk.start();
            let waits_long = || {
                let rows = lines(&desk, &["deliveries", "list"]);
                let waits = |row: &Value| row["attempts"].as_u64().unwrap() >= if answer == 401 { 1 } else { 5 };
                let (wanted, found) = (if answer == 401 { 2 } else { 1 }, rows.iter().filter(|row| waits(row)).count());
                found >= wanted && hook(&desk)["state"] == state
            };
            until("an hour's wait", waits_long);
            let before = receiver.so_far().len();
            status.store(204, Ordering::SeqCst);
            assert_eq!(desk.run(&["sinks", command, "hook"]).code, Some(0));
            let took = until("all has come", || lines(&desk, &["deliveries", "list"]).is_empty());
            assert!(took < Duration::from_secs(3), "{command} after {answer}: {took:?}");
            assert_eq!(receiver.so_far().len(), before + articles + usize::from(command == "test"));
            assert_eq!(hook(&desk)["state"], "ok");
            assert!(daemon.terminate().0.success());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_answer_in_lines_for_programs_and_name_what_is_not_there() {
    let status = Arc::new(AtomicU16::new(204));
    let receiver = receiver(&status).await;
    let desk = desk(&receiver, 1, "");
    let nothing = desk.run(&["deliveries", "list", "--text"]);
    assert!(nothing.stderr.contains("no deliveries wait"), "also before the first run: {nothing:?}");
    desk.run(&["run", "--once"]);

    let asked = |command: &str| lines(&desk, &["sinks", command, "hook"]).remove(0);
    for (command, expected) in [
        ("pause", serde_json::json!({"sink": "hook", "paused": true, "changed": true})),
        ("pause", serde_json::json!({"sink": "hook", "paused": true, "changed": false})),
        ("resume", serde_json::json!({"sink": "hook", "paused": false, "changed": true})),
        ("enable", serde_json::json!({"sink": "hook", "enabled": true, "was": "enabled", "dead": 0, "tried_now": 0})),
    ] {
        assert_eq!(asked(command), expected);
    }
    assert_eq!(desk.run(&["sinks", "pause", "hook", "--text"]).stdout, "paused hook: its alerts wait\n");

    for arguments in [
        &["deliveries", "list", "--sink", "hok"] as &[&str],
        &["deliveries", "retry", "--dead", "--sink", "hok"],
        &["deliveries", "discard", "--dead", "--sink", "hok"],
    ] {
        let refused = desk.run(arguments);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert_eq!(refused.stderr, "error: there is no sink `hok`: did you mean `hook`?\n");
    }
    let delivered = desk.run(&["deliveries", "list", "--state", "delivered", "--text"]);
    assert!(delivered.stdout.ends_with(": answered 204\n"), "{delivered:?}");
    let none = desk.run(&["deliveries", "list", "--state", "dead", "--sink", "hook", "--text"]);
    assert_eq!((none.code, none.stderr.as_str()), (Some(0), "no delivery is like that\n"));
}

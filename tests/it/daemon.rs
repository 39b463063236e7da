//! The built program as a user runs it: poll, match, deliver, stop, start again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    farm::{Farm, Reply},
    program::{Desk, terminate},
    receiver::{Answer, Receiver},
};

/// An item of RSS.
fn item(number: usize, text: &str) -> String {
    format!(
        "<item><title>Item {number}</title><link>https://wire.example/{number}</link>\
         <guid isPermaLink=\"false\">item-{number}</guid><description>{text}</description></item>"
    )
}

fn rss(items: &[String]) -> String {
    format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>Test wire</title><link>https://wire.example/</link>\
         <description>d</description>{}</channel></rss>",
        items.concat()
    )
}

/// A config with these feeds, a watch for `missile` and a file sink.
fn config(feeds: &[(&str, String)]) -> String {
    let feeds: String = feeds.iter().map(|(id, url)| format!("[[feed]]\nid = \"{id}\"\nurl = \"{url}\"\n")).collect();
    format!(
        "[daemon]\ndata_dir = \"data\"\nbacklog = \"all\"\nlisten = \"off\"\nallow_private_networks = true\n\
         [packs]\ndefaults = false\n\
         [[watch]]\nid = \"missiles\"\nquery = \"missile\"\nsinks = [\"out\"]\n\
         [[sink]]\nid = \"out\"\ntype = \"file\"\npath = \"alerts.ndjson\"\n{feeds}"
    )
}

fn alerted_titles(desk: &Desk) -> Vec<String> {
    let title = |line: &serde_json::Value| line["data"]["article"]["title"].as_str().unwrap().to_owned();
    desk.lines("alerts.ndjson").iter().map(title).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn second_poll_is_answered_304_and_stores_nothing() {
    let document = rss(&[item(1, "A missile was seen."), item(2, "Nothing of note.")]);
    let farm = Farm::start(move |request| match request.header("if-none-match") {
        Some(b"\"v1\"") => Reply::status(304),
        _ => Reply::ok(document.clone()).header("etag", "\"v1\""),
    })
    .await;
    let desk = Desk::new(&config(&[("wire", farm.url("/feed").to_string())]));
    let first = desk.run(&["run", "--once"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.stderr.contains("2 new articles, 1 alert; 1 delivered, 0 left"), "{first:?}");
    let second = desk.run(&["run", "--once"]);
    assert!(second.stderr.contains("0 new articles, 0 alerts; 0 delivered, 0 left"), "{second:?}");
    assert_eq!(farm.requests().len(), 2);
    assert_eq!(alerted_titles(&desk), ["Item 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_entry_alerts_only_watches_that_it_did_not_alert_on() {
    let polls = AtomicUsize::new(0);
    let farm = Farm::start(move |_| {
        let text = ["A missile was seen.", "A missile was seen, and a submarine."];
        Reply::ok(rss(&[item(1, text[polls.fetch_add(1, Ordering::SeqCst).min(1)])]))
    })
    .await;
    let more = "[[watch]]\nid = \"boats\"\nquery = \"submarine\"\nsinks = [\"out\"]\n";
    let desk = Desk::new(&(config(&[("wire", farm.url("/feed").to_string())]) + more));
    for _ in 0..3 {
        assert_eq!(desk.run(&["run", "--once"]).code, Some(0));
    }
    let watches: Vec<_> = desk.lines("alerts.ndjson").iter().map(|l| l["data"]["watch"]["id"].clone()).collect();
    assert_eq!(watches, ["missiles", "boats"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn same_article_in_two_feeds_alerts_once() {
    let long = "A missile was seen over the harbour at dawn by two fishermen who were mending their nets there.";
    let farm = Farm::start(move |request| {
        // The same address with a tracking parameter, and the same text under another address.
        let link = match request.path.as_str() {
            "/a" => "https://wire.example/story",
            "/b" => "https://www.wire.example/story?utm_source=rss",
            _ => "https://copy.example/other",
        };
        let entry = format!("<item><title>Dawn</title><link>{link}</link><description>{long}</description></item>");
        Reply::ok(rss(&[entry]))
    })
    .await;
    let feeds =
        [("a", farm.url("/a").to_string()), ("b", farm.url("/b").to_string()), ("c", farm.url("/c").to_string())];
    let desk = Desk::new(&config(&feeds));
    let ran = desk.run(&["run", "--once"]);
    assert!(ran.stderr.contains("3 new articles, 1 alert;"), "{ran:?}");
    assert_eq!(alerted_titles(&desk), ["Dawn"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_feeds_cost_themselves_alone() {
    let farm = Farm::start(|request| match request.path.as_str() {
        "/good" => Reply::ok(rss(&[item(1, "A missile was seen.")])),
        "/html" => Reply::ok("<!DOCTYPE html><html><head><title>Hi</title></head><body>no feed</body></html>"),
        "/empty" => Reply::ok(""),
        "/cut" => Reply::ok("<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>x</ti"),
        "/huge" => Reply::endless(vec![b'x'; 1 << 16]),
        "/loop" => Reply::moved(302, "/loop"),
        "/gone" => Reply::status(410),
        "/broken" => Reply::ok(rss(&[item(1, "missile")])).broken_after(40),
        _ => Reply::status(404),
    })
    .await;
    let bad = ["html", "empty", "cut", "huge", "loop", "gone", "broken", "missing"];
    let mut feeds: Vec<(&str, String)> = vec![("good", farm.url("/good").to_string())];
    feeds.extend(bad.iter().map(|id| (*id, farm.url(&format!("/{id}")).to_string())));
    let desk = Desk::new(&config(&feeds));
    let ran = desk.run(&["run", "--once"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for id in bad {
        assert!(ran.stderr.contains(&format!("failed: {id}: ")), "{id} is not named in:\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
    assert_eq!(alerted_titles(&desk), ["Item 1"]);
    // The one that is gone is left alone from now on; any failure is one with --strict.
    let strict = desk.run(&["run", "--once", "--strict"]);
    assert_eq!(strict.code, Some(1));
    assert!(strict.stderr.contains("left alone: gone: "), "{strict:?}");
    assert_eq!(farm.requests_for("/gone").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stood_behind_a_cut_is_asked_for_again() {
    let whole = rss(&[item(1, "A missile was seen."), item(2, "Another missile was seen.")]);
    let polls = AtomicUsize::new(0);
    let farm = Farm::start(move |request| match polls.fetch_add(1, Ordering::SeqCst) {
        // The server believes that it has sent all of it.
        0 => Reply::ok(whole[..whole.len() - 150].to_owned()).header("etag", "\"v1\""),
        _ if request.header("if-none-match").is_some() => Reply::status(304),
        _ => Reply::ok(whole.clone()).header("etag", "\"v1\""),
    })
    .await;
    let desk = Desk::new(&config(&[("wire", farm.url("/feed").to_string())]));
    assert_eq!(desk.run(&["run", "--once"]).code, Some(0));
    assert_eq!(alerted_titles(&desk), ["Item 1"]);
    assert_eq!(desk.run(&["run", "--once"]).code, Some(0));
    assert_eq!(alerted_titles(&desk), ["Item 1", "Item 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_share_an_address_alert_each() {
    let live = |number: usize| {
        format!(
            "<item><title>Missile {number}</title><guid>{number}</guid><link>https://wire.example/live#u{number}</link></item>"
        )
    };
    let farm = Farm::start(move |_| Reply::ok(rss(&[live(1), live(2), live(3)]))).await;
    let desk = Desk::new(&config(&[("wire", farm.url("/feed").to_string())]));
    assert_eq!(desk.run(&["run", "--once"]).code, Some(0));
    assert_eq!(alerted_titles(&desk), ["Missile 1", "Missile 2", "Missile 3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn turn_that_is_told_to_stop_ends_well() {
    let farm =
        Farm::start(|_| Reply::ok(rss(&[item(1, "A missile was seen.")])).after(std::time::Duration::from_secs(2)))
            .await;
    let desk = Desk::new(&config(&[("wire", farm.url("/feed").to_string())]));
    let child = desk.command(&["run", "--once"]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    farm.wait_for(1).await;
    assert!(terminate(child.id()).unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // The poll under way has ended, and what it brought goes out with this turn or the next.
    assert_eq!(desk.run(&["run", "--once"]).code, Some(0));
    assert_eq!(alerted_titles(&desk), ["Item 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_kept_by_the_next_turn_and_all_failing_is_a_failure() {
    let farm = Farm::start(|_| Reply::status(503).header("retry-after", "3600")).await;
    let desk = Desk::new(&config(&[("busy", farm.url("/feed").to_string())]));
    assert_eq!(desk.run(&["run", "--once"]).code, Some(1));
    let second = desk.run(&["run", "--once"]);
    assert!(second.stderr.contains("left alone: busy: "), "{second:?}");
    assert_eq!(farm.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn feed_that_is_gone_gives_its_permit_back() {
    let farm = Farm::start(|request| match request.path.as_str() {
        "/good" => Reply::ok(rss(&[item(1, "A missile was seen.")])),
        _ => Reply::status(410),
    })
    .await;
    let gone = ["a", "b", "c", "d"];
    let mut feeds: Vec<(&str, String)> = gone.iter().map(|id| (*id, farm.url(&format!("/{id}")).to_string())).collect();
    feeds.push(("good", farm.url("/good").to_string()));
    let waits = "[daemon]\ninterval = \"50ms\"\nper_host = 2\n";
    let desk = Desk::new(&config(&feeds).replacen("[daemon]\n", waits, 1));
    let daemon = desk.start();
    // Two permits for the host, four feeds that are gone, and the fifth is still polled.
    farm.wait_for(gone.len() + 10).await;
    assert!(daemon.terminate().0.success());
    for id in gone {
        assert_eq!(farm.requests_for(&format!("/{id}")).len(), 1, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn first_poll_alerts_on_the_young_alone_and_says_why() {
    let now = chrono::Utc::now();
    let dated = move |number: usize, hours: i64| {
        let date = (now - chrono::Duration::hours(hours)).to_rfc2822();
        format!("<item><title>Missile {number}</title><guid>{number}</guid><pubDate>{date}</pubDate></item>")
    };
    let farm = Farm::start(move |_| Reply::ok(rss(&[dated(1, 2), dated(2, 60)]))).await;
    let text = config(&[("wire", farm.url("/feed").to_string())]).replace("backlog = \"all\"", "backlog = \"24h\"");
    let desk = Desk::new(&text);
    assert_eq!(desk.run(&["run", "--once"]).code, Some(0));
    assert_eq!(alerted_titles(&desk), ["Missile 1"]);
    assert_eq!(desk.run(&["alerts", "list", "--json"]).lines().len(), 1);
    assert_eq!(desk.run(&["alerts", "list", "--json", "--held"]).lines().len(), 2);
    let held = desk.run(&["alerts", "list", "--text", "--held"]);
    assert!(held.stdout.contains("not sent: backlog"), "{held:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn daemon_answers_over_http_and_refuses_a_second_one() {
    let farm = Farm::start(|_| Reply::ok(rss(&[item(1, "A missile was seen.")]))).await;
    let text =
        config(&[("wire", farm.url("/feed").to_string())]).replace("listen = \"off\"", "listen = \"127.0.0.1:0\"");
    let desk = Desk::new(&text);
    let daemon = desk.start();
    farm.wait_for(1).await;
    for path in ["/healthz", "/-/healthy", "/readyz", "/-/ready"] {
        let answer = daemon.get(path, "");
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    let metrics = daemon.get("/metrics", "host: localhost\r\n");
    for line in ["wirewatch_polls_total{outcome=\"not_modified\"} 0", "wirewatch_alerts_total{watch=\"missiles\"}"] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
    assert!(daemon.get("/metrics", "host: evil.example\r\n").starts_with("HTTP/1.1 403"));
    let missing = daemon.get("/nothing", "host: localhost\r\n");
    assert!(missing.starts_with("HTTP/1.1 404") && missing.contains("application/problem+json"), "{missing}");
    assert!(daemon.get("/nothing", "host: evil.example\r\n").starts_with("HTTP/1.1 403"));
    assert!(metrics.contains("wirewatch_dead_letters{sink=\"out\"} 0"), "{metrics}");

    let second = desk.run(&["run"]);
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("process"), "the holder is not named: {second:?}");
    // Whoever asks for a reload by signal finds a daemon that has not died of it.
    let hang_up = std::process::Command::new("sh").args(["-c", &format!("kill -HUP {}", daemon.id())]).status();
    assert!(hang_up.unwrap().success());
    assert!(daemon.get("/healthz", "").starts_with("HTTP/1.1 200"));
    let (status, log) = daemon.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_daemon_loses_nothing_and_repeats_only_under_the_same_id() {
    const ITEMS: usize = 60;
    const KILLS: usize = 6;
    let published = Arc::new(AtomicUsize::new(0));
    let shown = Arc::clone(&published);
    let farm = Farm::start(move |request| {
        // One more with each poll; the window shows the last twenty.
        let last = shown.fetch_add(1, Ordering::SeqCst).min(ITEMS);
        let items: Vec<String> = (last.saturating_sub(20)..last).map(|n| item(n, "A missile was seen.")).collect();
        let etag = format!("\"{last}\"");
        if request.header("if-none-match") == Some(etag.as_bytes()) {
            return Reply::status(304);
        }
        Reply::ok(rss(&items)).header("etag", &etag)
    })
    .await;
    // Every third attempt is turned away, so that retries cross the kills.
    let count = AtomicUsize::new(0);
    let hook = Receiver::start(move |_, _| match count.fetch_add(1, Ordering::SeqCst) % 3 {
        1 => Answer::Status(503, ""),
        _ => Answer::Status(204, ""),
    })
    .await;
    let text = config(&[("wire", farm.url("/feed").to_string())])
        .replace("[daemon]\n", "[daemon]\ninterval = \"20ms\"\nmin_interval = \"20ms\"\nmax_interval = \"100ms\"\n")
        .replace(
            "type = \"file\"\npath = \"alerts.ndjson\"",
            &format!(
                "type = \"webhook\"\nurl = \"{}\"\nprivate = true\nretry = [\"50ms\", \"50ms\", \"50ms\", \"50ms\"]",
                hook.url
            ),
        );
    let desk = Desk::new(&text);
    for kill in 1..=KILLS {
        let mut daemon = desk.start();
        farm.wait_for(kill * ITEMS / KILLS).await;
        daemon.kill();
    }
    let daemon = desk.start();
    farm.wait_for(ITEMS + 5).await;
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut wanted = ITEMS;
    while seen.len() < ITEMS {
        let came = hook.received(wanted).await;
        // Of these, not of what has come since: the last may already be here.
        wanted = came.len() + 1;
        for request in came {
            let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
            let title = body["data"]["article"]["title"].as_str().unwrap().to_owned();
            seen.entry(title).or_default().insert(request.id().to_owned());
        }
    }
    let (status, log) = daemon.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(seen.values().all(|ids| ids.len() == 1), "an item came under two ids: {seen:?}");
}

#[test]
fn run_without_a_config_names_the_way_out() {
    let desk = Desk::new("");
    std::fs::remove_file(desk.path("wirewatch.toml")).unwrap();
    let ran = desk.run(&["run"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("init") && ran.stderr.contains("demo"), "{ran:?}");
}

#[test]
fn mistakes_of_config_and_query_are_told_together_with_their_lines() {
    let desk = Desk::new(
        "[daemon]\nintervall = \"5m\"\n\n[[feed]]\nurl = \"https://wire.example/\"\n\n\
         [[watch]]\nid = \"x\"\nquery = 'toppic:arms-deal'\n",
    );
    let ran = desk.run(&["check", "--text"]);
    assert_eq!(ran.code, Some(2));
    for part in ["intervall", "did you mean `interval`", "wirewatch.toml:2:1"] {
        assert!(ran.stdout.contains(part), "{part} is missing in:\n{}", ran.stdout);
    }
}

#[test]
fn starter_config_passes_its_own_check() {
    let desk = Desk::new("");
    let init = desk.run(&["init", "own.toml"]);
    assert_eq!(init.code, Some(0), "{init:?}");
    assert_eq!(desk.run(&["check", "--config", "own.toml"]).code, Some(0));
    assert_ne!(desk.run(&["init", "own.toml"]).code, Some(0), "it was overwritten");
}

#[test]
fn match_reads_lines_and_skips_a_bad_one_with_its_number() {
    let desk = Desk::new("");
    std::fs::remove_file(desk.path("wirewatch.toml")).unwrap();
    let input =
        "{\"id\": \"1\", \"title\": \"Missiles arrive\"}\nnot json\n{\"id\": \"2\", \"title\": \"Rain\", \"new\": 1}\n";
    let ran = desk.run_with_input(&["match", "--query", "missile", "-"], input);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let lines = ran.lines();
    let ids: Vec<_> =
        lines.iter().map(|l| (l["article"]["id"].as_str(), l["alerts"].as_array().unwrap().len())).collect();
    assert_eq!(ids, [(Some("1"), 1), (Some("2"), 0)]);
    assert_eq!(lines[0]["alerts"][0]["watch"]["id"], "query-1");
    assert_eq!(lines[0]["alerts"][0]["matches"][0]["text"], "Missiles");
    assert!(ran.stderr.contains("line 2"), "{ran:?}");
}

#[test]
fn bad_query_exits_two_with_a_caret() {
    let desk = Desk::new("");
    let ran = desk.run_with_input(&["match", "--query", "missile AND", "-"], "{}");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("missile AND"), "{ran:?}");
}

#[test]
fn fresh_secret_can_sign() {
    let desk = Desk::new("");
    let ran = desk.run(&["secret", "new"]);
    assert!(standardwebhooks::Webhook::new(ran.stdout.trim()).is_ok(), "{ran:?}");
}

#[test]
fn health_without_a_daemon_fails_at_once() {
    let desk = Desk::new("[daemon]\nlisten = \"127.0.0.1:1\"\n");
    let ran = desk.run(&["health"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
}

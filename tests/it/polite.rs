//! How servers see us: shared requests, hosts that want to be left alone, feeds that say how often they are worth asking.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{
    farm::{Farm, Reply},
    program::Desk,
};

fn item(number: usize) -> String {
    let text =
        ["A missile was seen over the harbour at dawn.", "Two missiles stood on the pier by noon, said a fisher."];
    format!(
        "<item><title>Missile {number}</title><link>https://wire.example/{number}</link>\
         <guid isPermaLink=\"false\">item-{number}</guid><description>{} Number {number}.</description></item>",
        text[number % 2]
    )
}

fn rss(says: &str, items: impl IntoIterator<Item = usize>) -> String {
    format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>Wire</title><link>https://wire.example/</link>\
         <description>d</description>{says}{}</channel></rss>",
        items.into_iter().map(item).collect::<String>()
    )
}

/// A config of feeds, each with more lines of its own.
fn config(daemon: &str, feeds: &[(&str, String, &str)]) -> String {
    let feeds: String =
        feeds.iter().map(|(id, url, more)| format!("[[feed]]\nid = \"{id}\"\nurl = \"{url}\"\n{more}\n")).collect();
    format!(
        "[daemon]\ndata_dir = \"data\"\nbacklog = \"all\"\nlisten = \"off\"\nallow_private_networks = true\n{daemon}\n\
         [packs]\ndefaults = false\n\
         [[watch]]\nid = \"missiles\"\nquery = \"missile\"\nsinks = [\"out\"]\n\
         [[sink]]\nid = \"out\"\ntype = \"file\"\npath = \"alerts.ndjson\"\n{feeds}"
    )
}

/// The lines of `feeds list --json`, by id.
fn listed(desk: &Desk, id: &str) -> serde_json::Value {
    let ran = desk.run(&["feeds", "list", "--json"]);
    ran.lines().into_iter().find(|line| line["id"] == id).unwrap_or_else(|| panic!("{id} is not listed: {ran:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_with_the_same_request_are_one_request() {
    let farm = Farm::start(|request| match request.header("if-none-match") {
        Some(b"\"v1\"") => Reply::status(304),
        _ => Reply::ok(rss("", [1, 2])).header("etag", "\"v1\""),
    })
    .await;
    let url = || farm.url("/feed").to_string();
    let mut feeds =
        vec![("a", url(), ""), ("b", url(), "interval = \"5m\""), ("c", url(), "headers = { X-Key = \"k\" }")];
    let desk = Desk::new(&config("", &feeds));
    let first = desk.run(&["run", "--once"]);
    // Three feeds of two articles each, two requests.
    assert!(first.stderr.contains("6 new articles, 2 alerts"), "{first:?}");
    assert_eq!(farm.requests().len(), 2);
    let second = desk.run(&["run", "--once"]);
    assert!(second.stderr.contains("0 new articles"), "{second:?}");
    assert_eq!(farm.requests().iter().filter(|request| request.header("if-none-match").is_some()).count(), 2);
    // One that joins them has read nothing yet: all of the document is asked for once more, by one request.
    feeds.push(("d", url(), ""));
    desk.write("wirewatch.toml", config("", &feeds));
    let third = desk.run(&["run", "--once"]);
    assert!(third.stderr.contains("2 new articles, 0 alerts"), "{third:?}");
    assert_eq!(farm.requests().len(), 6);
    assert_eq!(desk.run(&["run", "--once"]).code, Some(0));
    assert_eq!(farm.requests().iter().filter(|request| request.header("if-none-match").is_some()).count(), 5);
    for id in ["a", "b", "d"] {
        assert_eq!(listed(&desk, id)["last_outcome"], "not_modified", "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn feed_that_is_gone_is_asked_again_where_the_config_says_it_is_now() {
    let farm = Farm::start(|request| match request.path.as_str() {
        "/old" => Reply::status(410),
        _ => Reply::ok(rss("", [1])),
    })
    .await;
    let desk = Desk::new(&config("", &[("wire", farm.url("/old").to_string(), "")]));
    desk.run(&["run", "--once"]);
    assert_eq!(listed(&desk, "wire")["state"], "gone");
    let again = desk.run(&["run", "--once"]);
    assert!(again.stderr.contains("left alone: wire: gone"), "{again:?}");
    desk.write("wirewatch.toml", config("", &[("wire", farm.url("/new").to_string(), "")]));
    assert_eq!(listed(&desk, "wire")["state"], "new");
    let revived = desk.run(&["run", "--once"]);
    assert!(revived.stderr.contains("1 new article, 1 alert"), "{revived:?}");
    assert_eq!((listed(&desk, "wire")["state"].as_str(), farm.requests_for("/old").len()), (Some("ok"), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn second_feed_that_is_told_to_slow_down_speaks_for_its_host() {
    let farm = Farm::start(|request| match request.path.as_str() {
        "/a" | "/b" => Reply::status(429).header("retry-after", "1800"),
        _ => Reply::ok(rss("", [1])),
    })
    .await;
    // The first speaks well of it; two that do not speak for the host.
    let feeds = ["good", "a", "b", "late", "later"].map(|id| (id, farm.url(&format!("/{id}")).to_string(), ""));
    let desk = Desk::new(&config("per_host = 1", &feeds));
    let ran = desk.run(&["run", "--once"]);
    for id in ["late", "later"] {
        assert!(ran.stderr.contains(&format!("left alone: {id}: its host asks to be left alone")), "{ran:?}");
    }
    let again = desk.run(&["run", "--once"]);
    assert_eq!(farm.requests().len(), 3, "{again:?}");
    let good = listed(&desk, "good");
    assert_eq!(good["next_reason"], "its host asks to be left alone");
    assert!((1_700..=1_800).contains(&good["actual_interval_seconds"].as_i64().unwrap()), "{good}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_route_holds_up_no_other() {
    let farm = Farm::start(|request| match request.path.as_str() {
        "/bad" => Reply::status(503).header("retry-after", "1800"),
        _ => Reply::ok(rss("", [1])),
    })
    .await;
    let feeds = ["bad", "one", "two", "three"].map(|id| (id, farm.url(&format!("/{id}")).to_string(), ""));
    let desk = Desk::new(&config("per_host = 1", &feeds));
    desk.run(&["run", "--once"]);
    desk.run(&["run", "--once"]);
    assert_eq!(farm.requests().len(), 7, "the bad one once, the others twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn feed_that_says_how_often_it_is_worth_asking_is_believed() {
    let farm = Farm::start(|request| {
        let says = match request.path.as_str() {
            "/hourly" => "<ttl>60</ttl>",
            "/yearly" => "<sy:updatePeriod>yearly</sy:updatePeriod>",
            _ => "",
        };
        match request.header("if-none-match") {
            Some(_) => Reply::status(304),
            None => Reply::ok(rss(says, [1])).header("etag", "\"v1\""),
        }
    })
    .await;
    let feeds = ["plain", "hourly", "yearly"].map(|id| (id, farm.url(&format!("/{id}")).to_string(), ""));
    let desk = Desk::new(&config("", &feeds));
    // It stands in the document, and is remembered where there is none.
    for _ in 0..2 {
        assert_eq!(desk.run(&["run", "--once"]).code, Some(0));
        for (id, seconds, reason) in [
            ("plain", 850..=900, "interval"),
            ("hourly", 3_600..=3_600, "worth asking then, says the feed"),
            ("yearly", 7_200..=7_200, "worth asking then, says the feed"),
        ] {
            let line = listed(&desk, id);
            assert_eq!((&line["next_reason"], &line["asked_interval_seconds"]), (&reason.into(), &900.into()), "{id}");
            assert!(seconds.contains(&line["actual_interval_seconds"].as_i64().unwrap()), "{line}");
        }
    }
    let text = desk.run(&["feeds", "list", "--text"]).stdout;
    assert!(text.contains("asked for every 15m · waits 1h"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn window_that_has_moved_on_as_a_whole_is_watched_twice_as_often() {
    let polls = AtomicUsize::new(0);
    let farm = Farm::start(move |_| {
        let from = [1, 3, 20, 21][polls.fetch_add(1, Ordering::SeqCst).min(3)];
        Reply::ok(rss("", from..from + 3))
    })
    .await;
    let desk = Desk::new(&config("", &[("wire", farm.url("/feed").to_string(), "")]));
    for (expected, gap) in [("interval", false), ("", false), ("twice as often", true), ("twice as often", false)] {
        let ran = desk.run(&["run", "--once"]);
        assert_eq!(ran.stderr.contains("the feed has moved on by more than it shows"), gap, "{ran:?}");
        let reason = listed(&desk, "wire")["next_reason"].as_str().unwrap().to_owned();
        assert!(reason.starts_with(expected), "{reason}");
    }
}

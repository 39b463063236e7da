//! Getting feeds in and out by command, beside a running daemon and without one; OPML lists.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    farm::{Farm, Reply},
    program::{Desk, beside, until},
};

fn rss(number: usize) -> String {
    format!(
        "<rss version=\"2.0\"><channel><title>Test wire</title><link>https://wire.example/</link>\
         <description>d</description><item><title>Item {number}</title><guid isPermaLink=\"false\">{number}</guid>\
         <description>A missile was seen.</description></item></channel></rss>"
    )
}

/// A daemon's config without feeds.
fn config(daemon: &str) -> String {
    format!(
        "[daemon]\ndata_dir = \"data\"\nbacklog = \"all\"\nlisten = \"off\"\n{daemon}\n\
         [packs]\ndefaults = false\n\
         [[watch]]\nid = \"missiles\"\nquery = \"missile\"\nsinks = [\"out\"]\n\
         [[sink]]\nid = \"out\"\ntype = \"file\"\npath = \"alerts.ndjson\"\n"
    )
}

fn listed(desk: &Desk, id: &str) -> Option<Value> {
    let ran = desk.run(&["feeds", "list"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.lines().into_iter().find(|line| line["id"] == id)
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_come_pause_and_go_beside_a_running_daemon() {
    let polls = AtomicUsize::new(0);
    let farm = Farm::start(move |_| Reply::ok(rss(polls.fetch_add(1, Ordering::SeqCst)))).await;
    let desk = Desk::new(&config("interval = \"200ms\"\nmin_interval = \"200ms\""));
    let daemon = desk.start();
    let url = farm.url("/feed").to_string();
    let ran = desk.run(&["feeds", "add", &url, "--id", "wire", "--tag", "a", "--tag", "b", "--name", "The \"wire\""]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!((&ran.lines()[0]["id"], &ran.lines()[0]["format"]), (&"wire".into(), &"rss2".into()), "{ran:?}");
    assert!(ran.stderr.contains("private address"), "{ran:?}");
    let took = until("it is polled", || farm.requests().len() > 1);
    assert!(took < Duration::from_secs(2), "{took:?}");
    until("it alerts", || !desk.lines("alerts.ndjson").is_empty());
    let line = listed(&desk, "wire").unwrap();
    assert_eq!(line["origin"], "managed");
    assert_eq!((&line["tags"], &line["name"]), (&serde_json::json!(["a", "b"]), &"The \"wire\"".into()), "{line}");
    assert!(desk.path("data/managed.toml").exists());
    // Nothing twice.
    let again = desk.run(&["feeds", "add", &url]);
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("as `wire`, in ") && again.stderr.contains("managed.toml"), "{again:?}");

    assert_eq!(desk.run(&["feeds", "pause", "wire"]).code, Some(0));
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let paused_at = farm.requests().len();
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(farm.requests().len(), paused_at, "a paused feed is not polled");
    assert_eq!(listed(&desk, "wire").unwrap()["state"], "paused");
    assert!(desk.run(&["--text", "feeds", "list"]).stdout.starts_with("PAUSED   wire"));
    // Asked for, it is polled once, and stays paused.
    let asked = desk.run(&["feeds", "poll", "wire"]);
    assert_eq!(asked.code, Some(0), "{asked:?}");
    assert_eq!(asked.lines()[0]["id"], "wire");
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(farm.requests().len(), paused_at + 1);

    assert_eq!(desk.run(&["feeds", "resume", "wire"]).code, Some(0));
    let took = until("it is polled again", || farm.requests().len() > paused_at + 2);
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(desk.run(&["feeds", "remove", "wire"]).code, Some(0));
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let removed_at = farm.requests().len();
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(farm.requests().len(), removed_at, "a removed feed is not polled");
    assert_eq!(listed(&desk, "wire"), None);
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{log}");
}

#[test]
fn pause_resume_and_remove_answer_programs_as_the_list_does() {
    let desk = Desk::new("[daemon]\ndata_dir = \"data\"\n[[feed]]\nid = \"own\"\nurl = \"https://own.example/feed\"\n");
    for (command, state, said) in [
        ("pause", "paused", "paused own: `wirewatch feeds resume own` lets it go on\n"),
        ("pause", "paused", "own was paused already\n"),
        ("resume", "new", "resumed own\n"),
        ("resume", "new", "own was not paused\n"),
    ] {
        let ran = desk.run(&["feeds", command, "own"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), said), "{ran:?}");
        assert_eq!(ran.lines(), [listed(&desk, "own").unwrap()]);
        assert_eq!(ran.lines()[0]["state"], state);
    }
    let ran = desk.run(&["feeds", "pause", "own", "--text"]);
    assert_eq!((ran.stdout.lines().count(), ran.stderr.as_str()), (1, ""), "{ran:?}");
    desk.write("data/managed.toml", "[[feed]]\nid = \"more\"\nurl = \"https://more.example/feed\"\n");
    let ran = desk.run(&["feeds", "remove", "more"]);
    assert_eq!(ran.lines(), [serde_json::json!({"id": "more", "status": "removed"})], "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn feed_that_was_gone_is_asked_again_when_it_is_resumed() {
    let is_back = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&is_back);
    let farm =
        Farm::start(move |_| if switch.load(Ordering::SeqCst) { Reply::ok(rss(1)) } else { Reply::status(410) }).await;
    let feeds: String = (0..3)
        .map(|number| {
            format!("[[feed]]\nid = \"f{number}\"\nurl = \"{}\"\nprivate = true\n", farm.url(&format!("/{number}")))
        })
        .collect();
    let desk = Desk::new(&(config("per_host = 2") + &feeds));
    let _daemon = desk.start();
    // A permit that a gone feed kept would leave the third one waiting.
    until("all are gone", || (0..3).all(|n| listed(&desk, &format!("f{n}")).is_some_and(|f| f["state"] == "gone")));
    let refused = desk.run(&["feeds", "poll", "f0"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("feeds resume f0"), "{refused:?}");
    is_back.store(true, Ordering::SeqCst);
    let resumed = desk.run(&["feeds", "resume", "f0"]);
    assert!(resumed.stderr.contains("410"), "{resumed:?}");
    until("it does well", || listed(&desk, "f0").is_some_and(|feed| feed["state"] == "ok"));
    assert_eq!(farm.requests_for("/0").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_feed_is_left_alone_by_a_turn_and_polled_when_asked_for() {
    let farm = Farm::start(|_| Reply::ok(rss(1))).await;
    let feed = format!("[[feed]]\nid = \"wire\"\nurl = \"{}\"\nprivate = true\n", farm.url("/feed"));
    let desk = Desk::new(&(config("") + &feed));
    assert_eq!(desk.run(&["feeds", "pause", "wire"]).code, Some(0));
    let turn = desk.run(&["run", "--once"]);
    assert!(turn.stderr.contains("left alone: wire: paused"), "{turn:?}");
    assert_eq!(farm.requests().len(), 0);
    // No daemon runs, so it is polled here, and what it alerts on is delivered.
    let polled = desk.run(&["feeds", "poll", "wire"]);
    assert_eq!(polled.code, Some(0), "{polled:?}");
    assert!(polled.stderr.contains("1 feed polled, 0 failed; 1 new article, 1 alert; 1 delivered"), "{polled:?}");
    assert_eq!(desk.lines("alerts.ndjson").len(), 1);
    let turn = desk.run(&["run", "--once"]);
    assert!(turn.stderr.contains("left alone: wire: paused"), "{turn:?}");
    assert_eq!(farm.requests().len(), 1);
}

#[test]
fn feed_of_the_config_is_removed_there_and_nowhere_else() {
    let desk =
        Desk::new("[daemon]\ndata_dir = \"data\"\n\n[[feed]]\nid = \"own\"\nurl = \"https://own.example/feed\"\n");
    let before = std::fs::read(desk.path("wirewatch.toml")).unwrap();
    let ran = desk.run(&["feeds", "remove", "own"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("wirewatch.toml:4"), "{ran:?}");
    let ran = desk.run(&["feeds", "pause", "onw"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("did you mean `own`?"), "{ran:?}");
    // An id in both is mended by the command that its message names.
    std::fs::create_dir(desk.path("data")).unwrap();
    desk.write("data/managed.toml", "[[feed]]\nid = \"own\"\nurl = \"https://other.example/feed\"\n");
    let ran = desk.run(&["feeds", "list"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("managed.toml:2") && ran.stderr.contains("wirewatch.toml:4"), "{ran:?}");
    assert_eq!(desk.run(&["feeds", "remove", "own"]).code, Some(0));
    assert_eq!(listed(&desk, "own").unwrap()["origin"], "config");
    assert_eq!(std::fs::read(desk.path("wirewatch.toml")).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn page_is_added_as_its_one_feed_and_several_are_listed() {
    let head = |links: &[&str]| {
        let link = |at: &&str| format!("<link rel=alternate type=application/rss+xml href='{at}'>");
        format!("<!doctype html><html><head>{}</head></html>", links.iter().map(link).collect::<String>())
    };
    let (one, two) = (head(&["/feed", "/comments/feed"]), head(&["/feed", "/world"]));
    let farm = Farm::start(move |request| match request.path.as_str() {
        "/one" => Reply::ok(one.clone()).header("content-type", "text/html"),
        "/two" => Reply::ok(two.clone()).header("content-type", "text/html"),
        "/feed" => Reply::ok(rss(1)),
        "/comments/feed" => Reply::ok(rss(2)),
        "/world" => Reply::ok(rss(3)),
        "/away" => Reply::moved(302, "file:///etc/passwd"),
        _ => Reply::status(404),
    })
    .await;
    let desk = Desk::new(&config(""));
    let ran = desk.run(&["feeds", "add", farm.url("/two").as_str()]);
    assert_eq!((ran.code, ran.lines().len()), (Some(1), 2), "{ran:?}");
    assert!(ran.stderr.contains("several feeds"), "{ran:?}");
    assert!(!desk.path("data/managed.toml").exists());
    let ran = desk.run(&["feeds", "add", farm.url("/one").as_str()]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.lines()[0]["url"], farm.url("/feed").as_str());
    assert_eq!(listed(&desk, "127.0.0.1").unwrap()["origin"], "managed");
    for (url, code, why) in [
        (farm.url("/nothing").as_str(), 1, "answered 404"),
        (farm.url("/away").as_str(), 1, "leads to a `file:` URL"),
        ("file:/etc/passwd", 2, "hand-written config"),
        ("exec:sh", 2, "hand-written config"),
        ("ftp://example.org/", 2, "only http and https"),
    ] {
        let ran = desk.run(&["feeds", "add", url]);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(ran.stderr.contains(why), "{url}: {}", ran.stderr);
    }
    for option in [["--id", "No"], ["--tag", "No"], ["--interval", "5"], ["--interval", "1ms"]] {
        let ran = desk.run(&["feeds", "add", farm.url("/world").as_str(), option[0], option[1]]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
    }
    assert_eq!(desk.run(&["feeds", "list"]).lines().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_an_added_address_are_covered_and_errors_say_it_once() {
    let farm = Farm::start(|_| Reply::ok(rss(1))).await;
    let desk = Desk::new(&config(""));
    let mut url = farm.url("/feed?token=T0K");
    url.set_username("me").unwrap();
    url.set_password(Some("pw")).unwrap();
    for (id, form) in [("text", "--text"), ("json", "--json")] {
        url.set_path(id);
        let ran = desk.run(&[form, "feeds", "add", url.as_str(), "--id", id]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.stdout.contains(&format!("/{id}?token=***")), "{ran:?}");
        assert!(!format!("{ran:?}").contains("T0K") && !format!("{ran:?}").contains("pw@"), "{ran:?}");
    }
    let written = std::fs::read_to_string(desk.path("data/managed.toml")).unwrap();
    assert!(written.contains("me:pw@") && written.contains("token=T0K"), "{written}");
    let ran = desk.run(&["feeds", "add", "http://127.0.0.1:1/"]);
    assert!(ran.stderr.contains("could not connect to 127.0.0.1: Connection refused"), "{ran:?}");
    assert!(!ran.stderr.contains("error sending request") && !ran.stderr.contains("client error"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn page_in_the_config_is_polled_as_the_one_feed_that_it_names() {
    let page =
        "<!doctype html><html><head><link rel='alternate' type='application/rss+xml' href='/found.xml'></head></html>";
    let farm = Farm::start(move |request| match request.path.as_str() {
        "/page" => Reply::ok(page).header("content-type", "text/html"),
        _ if request.header("if-none-match").is_some() => Reply::status(304),
        _ => Reply::ok(rss(1)).header("etag", "\"v1\""),
    })
    .await;
    let feed = format!("[[feed]]\nid = \"wire\"\nurl = \"{}\"\nprivate = true\n", farm.url("/page"));
    let desk = Desk::new(&(config("") + &feed));
    for _ in 0..2 {
        let ran = desk.run(&["run", "--once"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    assert_eq!((farm.requests_for("/page").len(), farm.requests_for("/found.xml").len()), (1, 2));
    assert_eq!(desk.lines("alerts.ndjson").len(), 1);
}

#[test]
fn list_of_feeds_comes_in_once_and_goes_out_covered() {
    let desk = Desk::new(
        &(config("")
            + "[[feed]]\nid = \"own\"\nurl = \"https://u:pw@own.example/feed?token=T0K\"\ntags = [\"x\"]\n\
         [[feed]]\nid = \"disk\"\nurl = \"file:disk.xml\"\n[[feed]]\nid = \"plain\"\nurl = \"https://plain.example/f\"\n"),
    );
    let list = "<opml version=\"2.0\"><body><outline text=\"Think Tanks\"><outline text=\"Asia\">\
         <outline text=\"A &amp; B\" xmlUrl=\"https://a.example/f?x=1&amp;y=2\"/></outline>\
         <outline text=\"P\" xmlUrl=\"https://plain.example/f\"/><outline text=\"D\" xmlUrl=\"file:/etc/passwd\"/>\
         </outline></body></opml>";
    desk.write("list.opml", list);
    let ran = desk.run(&["feeds", "import", "list.opml", "--tag", "wire"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines = ran.lines();
    assert_eq!((&lines[0]["id"], &lines[0]["status"]), (&"a-b".into(), &"added".into()), "{ran:?}");
    assert_eq!(lines[0]["tags"], serde_json::json!(["wire", "think-tanks", "asia"]));
    assert_eq!((&lines[1]["id"], &lines[1]["status"]), (&"plain".into(), &"known".into()));
    assert!(ran.stderr.contains("files or commands") && ran.stderr.contains("1 feed added"), "{}", ran.stderr);
    let again = desk.run_with_input(&["feeds", "import", "-"], list);
    assert!(again.stderr.contains("0 feeds added") && again.lines().len() == 2, "{again:?}");
    let out = desk.run(&["feeds", "export"]);
    assert_eq!(out.code, Some(0), "{out:?}");
    assert!(out.stdout.contains("https://***@own.example/feed?token=***"), "{}", out.stdout);
    assert!(
        !out.stdout.contains("pw@") && !out.stdout.contains("T0K") && !out.stdout.contains("disk"),
        "{}",
        out.stdout
    );
    assert!(out.stderr.contains("1 feed that") && out.stderr.contains("covered: 1 feed with"), "{}", out.stderr);
    // What is covered can't be polled, and is said to be so.
    let back = Desk::new(&config("")).run_with_input(&["feeds", "import", "-"], &out.stdout);
    assert_eq!(back.code, Some(0));
    assert!(back.stderr.contains("covered") && back.lines().len() == 2, "{back:?}");
    let bad = desk.run(&["feeds", "import", "wirewatch.toml"]);
    assert_eq!(bad.code, Some(1));
    assert!(bad.stderr.contains("no OPML"), "{bad:?}");
}

#[test]
fn real_list_goes_out_and_comes_in_as_it_was() {
    let Some(file) = beside("data/entities/feeds.jsonl") else { return };
    let text = std::fs::read_to_string(file).unwrap();
    let feeds: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // A list names each feed; one without a name would come back under its id.
    let unnamed = Value::from("unnamed");
    let word = |value: &Value| value.as_str().unwrap_or("none").to_lowercase();
    let mut config = config("");
    for (number, feed) in feeds.iter().enumerate() {
        config.push_str(&format!(
            "[[feed]]\nid = \"f{number}\"\nurl = {}\nname = {}\ntags = [\"{}\", \"{}\", \"lang-{}\"]\n",
            feed["url"],
            if feed["title"] == "" { &unnamed } else { &feed["title"] },
            word(&feed["topic"]),
            word(&feed["country"]),
            word(&feed["lang"]),
        ));
    }
    let of = |desk: &Desk| -> BTreeSet<(String, String, String)> {
        let lines = desk.run(&["feeds", "list"]).lines();
        lines.iter().map(|l| (l["url"].to_string(), l["name"].to_string(), l["tags"].to_string())).collect()
    };
    let from = Desk::new(&config);
    let before = of(&from);
    let distinct: BTreeSet<&str> = feeds.iter().map(|feed| feed["url"].as_str().unwrap()).collect();
    assert!(distinct.len() >= 350, "{} feeds", distinct.len());
    let exported = from.run(&["feeds", "export"]);
    assert_eq!(exported.code, Some(0), "{}", exported.stderr);
    let to = Desk::new(&self::config(""));
    let imported = to.run_with_input(&["feeds", "import", "-"], &exported.stdout);
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    let after = of(&to);
    assert_eq!(before.len(), distinct.len());
    let (lost, made_up): (Vec<_>, Vec<_>) = (before.difference(&after).collect(), after.difference(&before).collect());
    assert!(lost.is_empty() && made_up.is_empty(), "{lost:?} became {made_up:?}: {}", imported.stderr);
    // And once more: from the file that the import wrote.
    let again = Desk::new(&self::config(""));
    assert_eq!(again.run_with_input(&["feeds", "import", "-"], &to.run(&["feeds", "export"]).stdout).code, Some(0));
    assert!(of(&again) == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_read_again_when_they_change() {
    let farm = Farm::start(|request| match request.path.as_str() {
        "/list.opml" => Reply::ok("<opml><body><outline text='Far' xmlUrl='https://far.example/feed'/></body></opml>"),
        _ => Reply::ok(rss(1)),
    })
    .await;
    let list = |paths: &[&str]| {
        let outline = |path: &&str| format!("<outline text='Feed {}' xmlUrl='{}'/>", &path[1..], farm.url(path));
        format!(
            "<opml><body><outline text='Asia'>{}</outline></body></opml>",
            paths.iter().map(outline).collect::<String>()
        )
    };
    let lists = format!(
        "[[opml]]\npath = \"list.opml\"\ntags = [\"listed\"]\n[[opml]]\nurl = \"{}\"\n",
        farm.url("/list.opml")
    );
    let desk = Desk::new(&(config("allow_private_networks = true") + &lists));
    desk.write("list.opml", list(&["/a", "/b"]));
    let _daemon = desk.start();
    until("both are polled", || !farm.requests_for("/a").is_empty() && !farm.requests_for("/b").is_empty());
    let line = listed(&desk, "feed-a").unwrap();
    assert_eq!((&line["origin"], &line["tags"]), (&"opml".into(), &serde_json::json!(["listed", "asia"])), "{line}");
    desk.write("list.opml", list(&["/b", "/c"]));
    let took = until("the new one is polled", || !farm.requests_for("/c").is_empty());
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!((farm.requests_for("/a").len(), farm.requests_for("/b").len()), (1, 1));
    // A list that is broken for a while takes nobody's feeds away.
    for broken in ["<opml", "<opml><body><outline text='Asia'>", &list(&["/b"]).replace("</opml>", "")] {
        desk.write("list.opml", broken);
        tokio::time::sleep(Duration::from_millis(1_200)).await;
    }
    let check = desk.run(&["check"]);
    assert_eq!(check.code, Some(2), "{check:?}");
    assert!(format!("{check:?}").contains("breaks off"), "{check:?}");
    desk.write("list.opml", list(&["/b", "/c", "/d"]));
    until("another comes", || !farm.requests_for("/d").is_empty());
    assert_eq!(farm.requests_for("/c").len(), 1);
    // Nor does a config that is at fault meanwhile: what has changed is read when it is mended.
    let good = std::fs::read_to_string(desk.path("wirewatch.toml")).unwrap();
    desk.write("wirewatch.toml", format!("{good}\n[[feed]]\n"));
    desk.write("list.opml", list(&["/b", "/c", "/d", "/e"]));
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    desk.write("wirewatch.toml", good);
    until("the one of meanwhile comes", || !farm.requests_for("/e").is_empty());
    assert_eq!((farm.requests_for("/b").len(), farm.requests_for("/c").len()), (1, 1));
    // The list at an address was fetched at the start.
    until("it is there", || listed(&desk, "far").is_some());
    assert_eq!(farm.requests_for("/list.opml").len(), 1);
    let refused = desk.run(&["feeds", "remove", "feed-b"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("list.opml"), "{refused:?}");
}

#[cfg(unix)]
#[test]
fn program_prints_a_feed_and_what_fails_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new(
        &(config("")
            + "[[feed]]\nid = \"good\"\nurl = [\"exec:./feed.sh\", \"a; touch hit\", \"$HOME\"]\n\
               [[feed]]\nid = \"bad\"\nurl = [\"exec:sh\", \"-c\", \"echo no such station >&2; exit 3\"]\n\
               [[feed]]\nid = \"none\"\nurl = \"exec:./missing\"\n"),
    );
    let script = format!("#!/bin/sh\nprintf '%s|%s' \"$1\" \"$2\" > arguments\ncat <<'END'\n{}\nEND\n", rss(1));
    desk.write("feed.sh", script);
    std::fs::set_permissions(desk.path("feed.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let ran = desk.run(&["run", "--once"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(desk.lines("alerts.ndjson").len(), 1);
    assert_eq!(std::fs::read_to_string(desk.path("arguments")).unwrap(), "a; touch hit|$HOME");
    assert!(!desk.path("hit").exists(), "no shell reads the arguments");
    assert!(ran.stderr.contains("failed: bad: sh: exit status: 3: no such station"), "{}", ran.stderr);
    assert!(ran.stderr.contains("failed: none: missing: it can't be started"), "{}", ran.stderr);
    let again = desk.run(&["run", "--once"]);
    assert!(again.stderr.contains("0 new articles"), "{again:?}");
    assert!(!desk.run(&["feeds", "list"]).stdout.contains("touch"), "arguments may be secret");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn program_is_bounded_in_time_and_output_and_leaves_nothing_behind() {
    use wirewatch::{
        config::{FeedSource, Proxy},
        fetch::{FetchError, FetchLimits, FetchRequest, Fetcher},
    };
    let folder = tempfile::tempdir().unwrap();
    let limits =
        FetchLimits { body_bytes_max: 3_000_000, total: Duration::from_secs(2), connect: Duration::from_secs(1) };
    let fetcher = Fetcher::new(None, &Proxy::Direct, false, limits).unwrap();
    let run = async |script: &str| {
        let source = FeedSource::Exec { program: "sh".into(), arguments: vec!["-c".into(), script.into()] };
        let started = Instant::now();
        let answer = fetcher.fetch(&FetchRequest::new(&source)).await;
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
        answer.unwrap_err()
    };
    let endless = run("yes").await;
    assert!(matches!(endless, FetchError::BodyTooLarge { limit: 3_000_000 }), "{endless}");
    // What it has started goes with it, though it holds the output open.
    let late = folder.path().join("late");
    let slow = run(&format!("(sleep 4; touch {}) & wait", late.display())).await;
    assert!(matches!(slow, FetchError::Timeout { .. }), "{slow}");
    let left = run(&format!("(sleep 4; touch {}) & exit 0", late.display())).await;
    assert!(matches!(left, FetchError::Timeout { .. }), "{left}");
    let loud = run("head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1").await;
    assert!(loud.to_string().len() < 1_000, "{loud}");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!late.exists());
}

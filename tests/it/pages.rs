//! Full text: the built program fetches the pages of articles and matches them as edits.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use super::{
    farm::{Farm, Recorded, Reply},
    program::{Desk, Ran},
    receiver::{Answer, Receiver},
};

/// A site's own host and port, as the request names it.
fn host(request: &Recorded) -> String {
    String::from_utf8_lossy(request.header("host").unwrap_or_default()).into_owned()
}

fn item(link: &str, title: &str, summary: &str) -> String {
    format!("<item><title>{title}</title><link>{link}</link><description>{summary}</description></item>")
}

fn rss(items: &[String]) -> Reply {
    Reply::ok(format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>Test wire</title><link>https://wire.example/</link>\
         <description>d</description>{}</channel></rss>",
        items.concat()
    ))
}

/// A page of four paragraphs, the third of which says what the test wants.
fn page(says: &str) -> Reply {
    let filler = "Officials spoke for an hour about the weather over the harbour, the price of rope, and a bridge that was \
                  to have been opened in spring but still lacks its middle part, as everybody could see from the window.";
    let html = format!(
        "<!DOCTYPE html><html><head><title>Dawn</title></head><body><nav><a href=\"/\">Home</a></nav>\
         <article><h1>Dawn</h1><p>{filler}</p><p>{filler}</p><p>{says}</p><p>{filler}</p></article></body></html>"
    );
    Reply::ok(html).header("content-type", "text/html; charset=utf-8")
}

/// A config with one feed, watches for `missile` and `submarine`, and a file sink.
fn config(url: &str, feed: &str) -> String {
    format!(
        "[daemon]\ndata_dir = \"data\"\nbacklog = \"all\"\nlisten = \"off\"\n[packs]\ndefaults = false\n\
         [[watch]]\nid = \"missiles\"\nquery = \"missile\"\nsinks = [\"out\"]\n\
         [[watch]]\nid = \"boats\"\nquery = \"submarine AND harbour\"\nsinks = [\"out\"]\n\
         [[sink]]\nid = \"out\"\ntype = \"file\"\npath = \"alerts.ndjson\"\n\
         [[feed]]\nid = \"wire\"\nurl = \"{url}\"\nprivate = true\n{feed}\n"
    )
}

fn once(desk: &Desk) -> Ran {
    let ran = desk.run(&["run", "--once"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran
}

/// Watch, and where the text came from, of each alert in its order.
fn alerts(desk: &Desk) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let lines = desk.lines("alerts.ndjson");
    lines.iter().map(|l| (text(&l["data"]["watch"]["id"]), text(&l["data"]["article"]["text_source"]))).collect()
}

fn pair(watch: &str, source: &str) -> (String, String) {
    (watch.to_owned(), source.to_owned())
}

/// Feed at `/feed` with one item whose page is `/story`.
async fn site(summary: &'static str, story: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Farm {
    Farm::start(move |request| match request.path.as_str() {
        "/feed" => rss(&[item(&format!("http://{}/story", host(request)), "Dawn", summary)]),
        "/story" => story(request),
        _ => Reply::status(404),
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn summary_alerts_at_once_and_its_page_alerts_only_the_others() {
    let farm = site("A missile was seen.", |_| page("The missile came from a submarine.")).await;
    let hook = Receiver::start(|_, _| Answer::Status(204, "")).await;
    let text = config(farm.url("/feed").as_str(), "full_text = true")
        .replace("listen = \"off\"", "listen = \"127.0.0.1:0\"")
        .replace(
            "type = \"file\"\npath = \"alerts.ndjson\"",
            &format!("type = \"webhook\"\nurl = \"{}\"\nprivate = true", hook.url),
        );
    let desk = Desk::new(&text);
    let daemon = desk.start();
    let received = hook.received(2).await;
    let bodies: Vec<serde_json::Value> = received.iter().map(|r| serde_json::from_str(&r.body).unwrap()).collect();
    let said = |at: usize| {
        let data = &bodies[at]["data"];
        (data["watch"]["id"].clone(), data["article"]["text_source"].clone(), data["article"]["words"].clone())
    };
    assert_eq!(said(0), ("missiles".into(), "feed-summary".into(), 4.into()));
    let (watch, source, words) = said(1);
    assert_eq!((watch, source), ("boats".into(), "page".into()));
    assert!(words.as_u64().unwrap() > 100, "{words}");
    let article = &bodies[1]["data"]["article"];
    assert_eq!((&article["summary"], &article["title"]), (&"A missile was seen.".into(), &"Dawn".into()));
    assert_eq!(article["id"], bodies[0]["data"]["article"]["id"]);
    let metrics = daemon.get("/metrics", "host: localhost\r\n");
    for line in ["{outcome=\"page\"} 1", "{outcome=\"error\"} 0", "{outcome=\"given_up\"} 0"] {
        assert!(metrics.contains(&format!("wirewatch_fulltext_total{line}")), "{line} is missing in {metrics}");
    }
    assert!(metrics.contains("wirewatch_alerts_total{watch=\"missiles\"} 1"), "{metrics}");
    assert_eq!(farm.requests_for("/story").len(), 1);
    let (status, log) = daemon.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn page_is_not_undone_by_the_next_poll_and_wanted_again_after_an_edit() {
    let (polls, stories) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let farm = Farm::start(move |request| match request.path.as_str() {
        "/feed" => {
            let edits = ["A quiet morning.", "A quiet morning.", "A morning that was not so quiet."];
            let summary = edits[polls.fetch_add(1, Ordering::SeqCst).min(2)];
            // Another guid-less item each time, so that no poll's document is the one before.
            let count = format!("http://{}/none", host(request));
            let other = item(&count, &format!("Poll {}", polls.load(Ordering::SeqCst)), "");
            rss(&[item(&format!("http://{}/story", host(request)), "Dawn", summary), other])
        }
        "/story" => page(
            ["A submarine passed.", "A submarine and a missile passed."][stories.fetch_add(1, Ordering::SeqCst).min(1)],
        ),
        _ => Reply::status(404),
    })
    .await;
    let desk = Desk::new(&config(farm.url("/feed").as_str(), "full_text = true"));
    once(&desk);
    assert_eq!(alerts(&desk), [pair("boats", "page")]);
    once(&desk);
    assert_eq!(farm.requests_for("/story").len(), 1, "an unchanged entry's page is fetched once");
    once(&desk);
    assert_eq!(farm.requests_for("/story").len(), 2, "an edited entry's page is fetched again");
    assert_eq!(alerts(&desk), [pair("boats", "page"), pair("missiles", "page")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn page_that_fails_is_tried_some_times_and_holds_no_alert() {
    let replies = AtomicUsize::new(0);
    let farm = site("A missile was seen.", move |_| match replies.fetch_add(1, Ordering::SeqCst) % 3 {
        0 => Reply::status(404),
        1 => Reply::status(500),
        _ => page("nothing").broken_after(40),
    })
    .await;
    let desk = Desk::new(&config(farm.url("/feed").as_str(), "full_text = true"));
    for turn in 1..=7 {
        let ran = once(&desk);
        assert_eq!(alerts(&desk), [pair("missiles", "feed-summary")]);
        assert_eq!(farm.requests_for("/story").len(), turn.min(5), "{ran:?}");
        assert_eq!(ran.stderr.contains("given up"), turn == 5, "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn page_that_comes_late_is_matched_then() {
    let replies = AtomicUsize::new(0);
    let farm = site("A quiet morning.", move |_| match replies.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::status(404),
        _ => page("A submarine passed."),
    })
    .await;
    let desk = Desk::new(&config(farm.url("/feed").as_str(), "full_text = true"));
    let first = once(&desk);
    assert!(first.stderr.contains("1 page fetched"), "{first:?}");
    assert_eq!(alerts(&desk), []);
    once(&desk);
    assert_eq!(alerts(&desk), [pair("boats", "page")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn host_that_asks_to_be_left_alone_is_left_alone() {
    let farm = site("A missile was seen.", |_| Reply::status(429).header("retry-after", "3600")).await;
    let desk = Desk::new(&config(farm.url("/feed").as_str(), "full_text = true"));
    once(&desk);
    once(&desk);
    assert_eq!(farm.requests_for("/story").len(), 1);
    assert_eq!(alerts(&desk), [pair("missiles", "feed-summary")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn host_that_says_429_and_no_time_is_not_asked_for_its_other_pages() {
    let farm = Farm::start(|request| match request.path.as_str() {
        "/feed" => {
            let at = |page: &str| format!("http://{}/{page}", host(request));
            rss(&[item(&at("one"), "One", "A missile was seen."), item(&at("two"), "Two", "A missile was seen.")])
        }
        _ => Reply::status(429),
    })
    .await;
    let desk = Desk::new(&config(farm.url("/feed").as_str(), "full_text = true"));
    let first = once(&desk);
    assert!(first.stderr.contains("1 page fetched, 1 page left for the next turn"), "{first:?}");
    once(&desk);
    assert_eq!(farm.requests_for("/one").len() + farm.requests_for("/two").len(), 1);
    assert_eq!(alerts(&desk), [pair("missiles", "feed-summary"), pair("missiles", "feed-summary")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn turn_delivers_what_summaries_alert_on_before_it_asks_for_pages() {
    let (received, at_page) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, noted) = (Arc::clone(&received), Arc::clone(&at_page));
    let hook = Receiver::start(move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        Answer::Status(204, "")
    })
    .await;
    let farm = site("A missile was seen.", move |_| {
        noted.store(received.load(Ordering::SeqCst), Ordering::SeqCst);
        page("A submarine passed.")
    })
    .await;
    let text = config(farm.url("/feed").as_str(), "full_text = true").replace(
        "type = \"file\"\npath = \"alerts.ndjson\"",
        &format!("type = \"webhook\"\nurl = \"{}\"\nprivate = true", hook.url),
    );
    let desk = Desk::new(&text);
    let ran = once(&desk);
    assert!(ran.stderr.contains("2 alerts; 2 delivered, 0 left"), "{ran:?}");
    assert_eq!(at_page.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_daemon_still_wants_its_pages() {
    let may_answer = Arc::new(AtomicBool::new(false));
    let shown = Arc::clone(&may_answer);
    let farm = site("A missile was seen.", move |_| match shown.load(Ordering::SeqCst) {
        true => page("A submarine passed."),
        false => Reply::never(),
    })
    .await;
    let hook = Receiver::start(|_, _| Answer::Status(204, "")).await;
    let text = config(farm.url("/feed").as_str(), "full_text = true").replace(
        "type = \"file\"\npath = \"alerts.ndjson\"",
        &format!("type = \"webhook\"\nurl = \"{}\"\nprivate = true", hook.url),
    );
    let desk = Desk::new(&text);
    let mut daemon = desk.start();
    // The feed, and the page that never answers: the summary's alert does not wait for it.
    farm.wait_for(2).await;
    hook.received(1).await;
    daemon.kill();
    may_answer.store(true, Ordering::SeqCst);
    let daemon = desk.start();
    // What was received when the daemon died, and not yet noted as sent, comes twice.
    let mut watches = BTreeSet::new();
    for count in 2..=3 {
        watches.extend(hook.received(count).await.iter().map(|request| {
            serde_json::from_str::<serde_json::Value>(&request.body).unwrap()["data"]["watch"]["id"].to_string()
        }));
        if watches.len() == 2 {
            break;
        }
    }
    assert_eq!(watches, BTreeSet::from(["\"boats\"".to_owned(), "\"missiles\"".to_owned()]));
    daemon.terminate();
}

#[tokio::test(flavor = "multi_thread")]
async fn stub_of_a_sold_article_is_told_apart() {
    let farm = site("A quiet morning.", |_| {
        let head = "{\"@type\": \"NewsArticle\", \"headline\": \"Dawn\", \"isAccessibleForFree\": false, \
                    \"datePublished\": \"2026-03-05T07:30:00Z\", \"author\": {\"name\": \"Irene Kolm\"}}";
        Reply::ok(format!(
            "<html><head><title>Dawn</title><script type=\"application/ld+json\">{head}</script></head><body><article>\
             <p>A submarine passed the harbour at dawn, two fishermen said, and was gone before anybody could take a \
             picture of it or read its number.</p></article><p>Subscribe to continue reading.</p></body></html>"
        ))
        .header("content-type", "text/html")
    })
    .await;
    let desk = Desk::new(&config(farm.url("/feed").as_str(), "full_text = true"));
    once(&desk);
    assert_eq!(alerts(&desk), [pair("boats", "paywall-stub")]);
    let article = &desk.lines("alerts.ndjson")[0]["data"]["article"];
    assert_eq!((&article["published"], &article["authors"][0]), (&"2026-03-05T07:30:00Z".into(), &"Irene Kolm".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_fetches_only_what_is_short_and_names_what_is_watched() {
    let long = "A submarine is a boat that can go under water and come up again. ".repeat(12);
    let farm = Farm::start(move |request| match request.path.as_str() {
        "/feed" => {
            let at = |page: &str| format!("http://{}/{page}", host(request));
            rss(&[
                item(&at("word"), "A submarine at sea", "Seen at dawn."),
                item(&at("country"), "Talks go on in Pyongyang", "They last all day."),
                item(&at("leader"), "Vladimir Putin speaks", "For two hours."),
                item(&at("long"), "All about boats", &long),
                item(&at("other"), "How to grow roses", "Water them."),
                item(&at("excluded"), "Football tonight", "Two teams play."),
            ])
        }
        _ => page("Nothing of note."),
    })
    .await;
    let more = "[[watch]]\nid = \"korea\"\nquery = 'country:KP AND (tank OR football)'\nsinks = [\"out\"]\n\
                [[watch]]\nid = \"deals\"\nquery = 'topic:arms-deal NOT football'\nsinks = [\"out\"]\n\
                [[watch]]\nid = \"boats-alone\"\nquery = 'submarine NOT roses'\nsinks = []\n";
    let text = config(farm.url("/feed").as_str(), "full_text = \"auto\"") + &more.replace(" OR football", "");
    let desk = Desk::new(&text);
    once(&desk);
    let fetched: BTreeSet<String> = farm.requests().into_iter().map(|request| request.path).collect();
    let wanted = ["/country", "/feed", "/leader", "/word"].map(str::to_owned);
    assert_eq!(fetched, BTreeSet::from(wanted));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_full_text_no_page_is_fetched() {
    let farm = site("A missile was seen.", |_| page("A submarine passed.")).await;
    let desk = Desk::new(&config(farm.url("/feed").as_str(), "full_text = false"));
    let ran = once(&desk);
    assert!(!ran.stderr.contains("page"), "{ran:?}");
    assert_eq!(farm.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn page_at_a_private_address_is_refused() {
    let farm = Farm::start(|request| match request.path.as_str() {
        "/feed" => {
            let port = host(request).rsplit(':').next().unwrap().to_owned();
            let links = [
                format!("http://localhost:{port}/by-name"),
                format!("http://127.0.0.2:{port}/other-loopback"),
                format!("http://[::1]:{port}/v6"),
                format!("http://2130706433:{port}/own-as-a-number"),
                "http://169.254.169.254/latest/meta-data/".to_owned(),
                format!("http://[::ffff:127.0.0.1]:{port}/mapped"),
                format!("http://127.0.0.1:{port}/moves"),
                "file:///etc/passwd".to_owned(),
            ];
            let items = links.iter().enumerate();
            rss(&items.map(|(n, link)| item(link, &format!("Missile {n}"), "A missile was seen.")).collect::<Vec<_>>())
        }
        "/moves" => Reply::moved(302, format!("http://localhost:{}/moved", host(request).rsplit(':').next().unwrap())),
        _ => page("A submarine passed."),
    })
    .await;
    let desk = Desk::new(&config(farm.url("/feed").as_str(), "full_text = true"));
    let ran = once(&desk);
    let asked: BTreeSet<String> = farm.requests().into_iter().map(|request| request.path).collect();
    // The number is the feed's own address, which `private = true` allows.
    let allowed = ["/feed", "/moves", "/own-as-a-number"].map(str::to_owned);
    assert_eq!(asked, BTreeSet::from(allowed), "{ran:?}");
    assert!(ran.stderr.contains("is not on the public internet"), "{ran:?}");
    // Each summary has alerted all the same.
    let by_summary = alerts(&desk).into_iter().filter(|alert| *alert == pair("missiles", "feed-summary")).count();
    assert_eq!(by_summary, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_a_feed_go_to_its_own_host_alone() {
    let farm = Farm::start(|request| match request.path.as_str() {
        "/feed" => {
            let port = host(request).rsplit(':').next().unwrap().to_owned();
            let at = |host: &str, page: &str| format!("http://{host}:{port}/{page}");
            rss(&[item(&at("127.0.0.1", "own"), "Own", "x"), item(&at("localhost", "other"), "Other", "y")])
        }
        _ => page("Nothing of note."),
    })
    .await;
    let feed = "full_text = true\nheaders = { X-Key = \"open sesame\" }\nuser_agent = \"reader\"";
    let url = farm.url("/feed").to_string().replace("http://", "http://me:word@");
    let text = config(&url, feed).replace("[packs]", "allow_private_networks = true\n[packs]");
    let desk = Desk::new(&text);
    once(&desk);
    let header = |path: &str, name: &str| farm.requests_for(path)[0].header(name).map(<[u8]>::to_vec);
    assert_eq!(header("/own", "x-key"), Some(b"open sesame".to_vec()));
    assert!(header("/own", "authorization").is_some());
    assert_eq!((header("/other", "x-key"), header("/other", "authorization")), (None, None));
    for page in ["/own", "/other"] {
        assert_eq!(header(page, "user-agent"), Some(b"reader".to_vec()));
        assert_eq!((header(page, "cookie"), header(page, "referer")), (None, None));
        assert!(header(page, "accept").unwrap().starts_with(b"text/html"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_page_of_two_feeds_is_fetched_once_and_alerts_once() {
    let farm = Farm::start(|request| match request.path.as_str() {
        "/feed" | "/copy" => rss(&[item(&format!("http://{}/story", host(request)), "Dawn", "A quiet morning.")]),
        _ => page("A submarine passed."),
    })
    .await;
    let second =
        format!("[[feed]]\nid = \"copy\"\nurl = \"{}\"\nprivate = true\nfull_text = true\n", farm.url("/copy"));
    let desk = Desk::new(&(config(farm.url("/feed").as_str(), "full_text = true") + &second));
    once(&desk);
    assert_eq!(farm.requests_for("/story").len(), 1);
    assert_eq!(alerts(&desk), [pair("boats", "page")]);
    let list = desk.run(&["feeds", "list", "--json"]);
    let words: Vec<u64> = list.lines().iter().map(|line| line["words_median"].as_u64().unwrap_or_default()).collect();
    assert!(words.iter().all(|words| *words > 100), "{list:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_first_poll_s_backlog_are_left_alone() {
    let farm = Farm::start(|request| match request.path.as_str() {
        "/feed" => {
            let old = item(&format!("http://{}/story", host(request)), "Dawn", "A missile was seen.")
                .replace("</item>", "<pubDate>Mon, 05 Jan 2015 10:00:00 GMT</pubDate></item>");
            rss(&[old])
        }
        _ => page("A submarine passed."),
    })
    .await;
    let text = config(farm.url("/feed").as_str(), "full_text = true").replace("backlog = \"all\"", "backlog = \"24h\"");
    let desk = Desk::new(&text);
    once(&desk);
    assert_eq!(farm.requests().len(), 1);
}

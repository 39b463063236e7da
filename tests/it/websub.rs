//! WebSub against a real hub on loopback: subscribe, confirm, push, alert, renew, leave; and a hub that lies, is down, or
//! stands where it must not.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use tokio::sync::{Notify, Semaphore};
use wirewatch::{
    clock::Clock,
    config::{self, Secret},
    daemon::{
        poll::{Polled, Poller},
        watching::Watching,
        websub::Hubs,
    },
    fetch::{FetchLimits, Fetcher},
    metrics::Metrics,
    store::{NewSubscription, PushResult, Role, Store, SubscriptionState},
};

use super::{
    farm::{Farm, Reply},
    hub::{Asked, Hub, http, is_confirmed, question, signature},
    program::{Daemon, Desk},
    receiver::{Answer, Receiver},
    store::{Home, entry, feed, noon, poll},
};

const TOPIC: &str = "https://wire.example/feed";

fn rss(numbers: impl IntoIterator<Item = usize>) -> String {
    let item = |n| {
        format!(
            "<item><title>Missile {n}</title><link>https://wire.example/{n}</link>\
             <guid isPermaLink=\"false\">item-{n}</guid><description>Seen in the {n}th valley.</description></item>"
        )
    };
    let items: String = numbers.into_iter().map(item).collect();
    format!(
        "<rss version=\"2.0\"><channel><title>Wire</title><link>https://wire.example/</link>{items}</channel></rss>"
    )
}

/// A feed that names a hub in its headers and never changes.
async fn wire(hub: &url::Url) -> Farm {
    let link = format!("<{hub}>; rel=\"hub\", <{TOPIC}>; rel=\"self\"");
    Farm::start(move |_| Reply::ok(rss([1])).header("link", &link)).await
}

fn config(feed: &str, hook: &str, daemon: &str) -> String {
    format!(
        "[daemon]\ndata_dir = \"data\"\nbacklog = \"none\"\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://w.example/\"\n\
         {daemon}\n[packs]\ndefaults = false\n\
         [[watch]]\nid = \"missiles\"\nquery = \"missile\"\nsinks = [\"out\"]\n\
         [[sink]]\nid = \"out\"\ntype = \"webhook\"\nurl = \"{hook}\"\nprivate = true\n{feed}"
    )
}

fn one_feed(farm: &Farm) -> String {
    format!("[[feed]]\nid = \"wire\"\nurl = \"{}\"\n", farm.url("/feed"))
}

const PRIVATE: &str = "allow_private_networks = true";

async fn hook() -> Receiver {
    Receiver::start(|_, _| Answer::Status(204, "")).await
}

fn titles(received: &[super::receiver::Received]) -> Vec<String> {
    let title =
        |body: &str| serde_json::from_str::<serde_json::Value>(body).unwrap()["data"]["article"]["title"].clone();
    received.iter().map(|request| title(&request.body).as_str().unwrap().to_owned()).collect()
}

fn address(daemon: &Daemon) -> String {
    daemon.address.clone().unwrap()
}

/// The daemon, once its hub pushes the feed.
async fn subscribed(desk: &Desk, hub: &Hub, count: usize) -> (Daemon, Asked) {
    let daemon = desk.start();
    hub.reach(&address(&daemon));
    let confirmed = hub.confirmed(count).await;
    assert!(is_confirmed(&confirmed[count - 1]), "{confirmed:?}");
    let asked = hub.asked()[count - 1].clone();
    (daemon, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_entry_alerts_without_a_poll() {
    let (hub, hook) = (Hub::start(3_600).await, hook().await);
    let farm = wire(&hub.url()).await;
    let desk = Desk::new(&config(&one_feed(&farm), hook.url.as_str(), PRIVATE));
    let (daemon, asked) = subscribed(&desk, &hub, 1).await;
    assert_eq!(
        (asked.mode.as_str(), asked.topic.as_str(), asked.lease_seconds.as_str()),
        ("subscribe", TOPIC, "864000")
    );
    assert!(asked.callback.as_str().starts_with("http://w.example/websub/"), "{asked:?}");
    assert!(asked.token().len() >= 43 && asked.secret.len() >= 43 && asked.token() != asked.secret);

    assert_eq!(hub.publish(rss([2]).as_bytes()).await, 204);
    // Known by now, and so is what the feed's first poll held back.
    assert_eq!(hub.publish(rss([2, 1]).as_bytes()).await, 204);
    assert_eq!(hub.publish(rss([3, 2]).as_bytes()).await, 204);
    assert_eq!(titles(&hook.received(2).await), ["Missile 2", "Missile 3"]);
    assert_eq!(farm.requests().len(), 1, "it was polled");
    let metrics = daemon.get("/metrics", "host: localhost\r\n");
    for line in [
        "wirewatch_websub_pushes_total{outcome=\"new\"} 2",
        "wirewatch_websub_pushes_total{outcome=\"unchanged\"} 1",
        "wirewatch_websub_subscriptions{state=\"verified\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
    // The request to the hub tells nothing of the feed but its address.
    let request = &hub.farm.requests()[0];
    assert!(request.header("authorization").is_none() && request.header("cookie").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_what_nobody_asked_for_is_refused() {
    let (hub, hook) = (Hub::start(3_600).await, hook().await);
    let farm = wire(&hub.url()).await;
    let desk = Desk::new(&config(&one_feed(&farm), hook.url.as_str(), PRIVATE));
    let (daemon, asked) = subscribed(&desk, &hub, 1).await;
    let at = address(&daemon);
    let get = async |target: &str| http(&at, "GET", target, &[], b"").await;
    assert_eq!(get(&question(&asked, "subscribe", &format!("{TOPIC}/"), 3_600)).await.0, 404);
    assert_eq!(get(&question(&asked, "unsubscribe", TOPIC, 3_600)).await.0, 404);
    assert_eq!(get(&question(&asked, "whatever", TOPIC, 3_600)).await.0, 404);
    assert_eq!(get(asked.callback.path()).await.0, 404);
    assert_eq!(get(&format!("{}?%ff&hub.mode", asked.callback.path())).await.0, 404);
    let other = Asked { callback: format!("http://x/websub/{}", "0".repeat(64)).parse().unwrap(), ..asked.clone() };
    assert_eq!(get(&question(&other, "subscribe", TOPIC, 3_600)).await.0, 404);
    assert_eq!(hub.publish_signed(&other, &signature(&asked.secret, b"x"), b"x").await, 404);
    assert_eq!(get(&format!("/websub/{}", "x".repeat(5_000))).await.0, 404);
    assert_eq!(get("/websub/").await.0, 403, "no token in the path is no subscription's path");
    assert_eq!(http(&at, "PUT", asked.callback.path(), &[], b"").await.0, 405);
    // A page in a browser can do nothing with the answer to a good question.
    let (status, body) = get(&question(&asked, "subscribe", TOPIC, 3_600)).await;
    assert_eq!((status, body.as_str()), (200, "say+this & nothing else"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_badly_signed_push_is_thanked_for_and_ignored_and_the_feed_is_polled() {
    let (hub, hook) = (Hub::start(3_600).await, hook().await);
    let farm = wire(&hub.url()).await;
    let soon = format!("{PRIVATE}\nmin_interval = \"100ms\"");
    let desk = Desk::new(&config(&one_feed(&farm), hook.url.as_str(), &soon));
    let (daemon, asked) = subscribed(&desk, &hub, 1).await;
    let news = rss([7]);
    let forged = signature("another secret", news.as_bytes());
    let sha1 = "sha1=0000000000000000000000000000000000000000";
    for signature in ["", "sha256=00", sha1, &forged, "nonsense"] {
        assert_eq!(hub.publish_signed(&asked, signature, news.as_bytes()).await, 202, "{signature}");
    }
    let of_other_bytes = signature(&asked.secret, b"other bytes");
    assert_eq!(hub.publish_signed(&asked, &of_other_bytes, news.as_bytes()).await, 202);
    // The feed is asked what is true, once.
    farm.wait_for(2).await;
    assert_eq!(hub.publish(rss([8]).as_bytes()).await, 204);
    assert_eq!(titles(&hook.received(1).await), ["Missile 8"]);
    let metrics = daemon.get("/metrics", "host: localhost\r\n");
    assert!(metrics.contains("wirewatch_websub_pushes_total{outcome=\"ignored\"} 6"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_subscription_and_logs_tell_neither_token_nor_secret() {
    let (hub, hook) = (Hub::start(3_600).await, hook().await);
    let farm = wire(&hub.url()).await;
    let desk = Desk::new(&config(&one_feed(&farm), hook.url.as_str(), PRIVATE));
    let (mut daemon, asked) = subscribed(&desk, &hub, 1).await;
    daemon.kill();
    let daemon = desk.start_with(&["--log", "trace"]);
    hub.reach(&address(&daemon));
    assert_eq!(hub.publish(rss([2]).as_bytes()).await, 204);
    assert_eq!(hub.publish_signed(&asked, "sha256=00", rss([3]).as_bytes()).await, 202);
    assert_eq!(titles(&hook.received(1).await), ["Missile 2"]);
    assert_eq!(hub.asked().len(), 1, "it was asked again");
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{log}");
    assert!(log.contains("a push is ignored"), "{log}");
    assert!(!log.contains(asked.token()) && !log.contains(&asked.secret), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_is_taken_out_is_left_at_its_hub() {
    let (hub, hook) = (Hub::start(3_600).await, hook().await);
    let farm = wire(&hub.url()).await;
    let desk = Desk::new(&config(&one_feed(&farm), hook.url.as_str(), PRIVATE));
    let (daemon, asked) = subscribed(&desk, &hub, 1).await;
    assert!(daemon.terminate().0.success());
    desk.write("wirewatch.toml", config("", hook.url.as_str(), PRIVATE));
    let (_daemon, left) = subscribed(&desk, &hub, 2).await;
    assert_eq!((left.mode.as_str(), &left.topic, left.token()), ("unsubscribe", &asked.topic, asked.token()));
    assert!(left.secret.is_empty());
    assert_eq!(hub.publish_signed(&asked, &signature(&asked.secret, b""), b"").await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_down_leaves_the_feed_to_polling() {
    let hook = hook().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let link = format!("<http://{closed}/hub>; rel=hub, <{TOPIC}>; rel=self");
    let count = std::sync::atomic::AtomicUsize::new(0);
    let farm = Farm::start(move |_| {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst).min(3);
        Reply::ok(rss(0..=n)).header("link", &link)
    })
    .await;
    let soon = "interval = \"50ms\"\nmin_interval = \"20ms\"\nmax_interval = \"100ms\"";
    let text = config(&one_feed(&farm), hook.url.as_str(), &format!("{PRIVATE}\n{soon}"));
    let desk = Desk::new(&text);
    let daemon = desk.start();
    assert_eq!(titles(&hook.received(3).await), ["Missile 1", "Missile 2", "Missile 3"]);
    let (status, log) = daemon.terminate();
    assert!(status.success() && log.contains("the feed's hub can't be asked"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_at_a_private_address_is_refused_unless_its_feed_is_there_too() {
    let hub = Hub::start(3_600).await;
    // The same machine under another name: a feed that may be private does not make that so.
    let elsewhere: url::Url = format!("http://localhost:{}/hub", hub.farm.port()).parse().unwrap();
    for (hub_url, expected) in [(elsewhere, 0), (hub.url(), 1)] {
        let farm = wire(&hub_url).await;
        let feed = format!("{}private = true\n", one_feed(&farm));
        let Alone { poller, feed, _folder } = alone(&config(&feed, "http://127.0.0.1:1/", ""));
        polled(&poller, &feed).await;
        poller.ask_hubs(Utc::now()).await.unwrap();
        assert_eq!(hub.asked().len(), expected, "{hub_url}");
        let trouble = poller.store.subscriptions().await.unwrap()[0].trouble.clone();
        assert_eq!(trouble.is_some_and(|why| why.contains("is not on the public internet")), expected == 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_may_send_us_on_but_to_no_private_address() {
    // What came of it, when a hub sends us on with this status to a hub under this name of our machine.
    let trouble = async |status: u16, name: &str, feed: &str, daemon: &str| {
        let hub = Hub::start(3_600).await;
        let onward = format!("http://{name}:{}/hub", hub.farm.port());
        let crossroads = Farm::start(move |_| Reply::moved(status, &onward)).await;
        let farm = wire(&crossroads.url("/hub")).await;
        let feed = format!("{}{feed}", one_feed(&farm));
        let Alone { poller, feed, _folder } = alone(&config(&feed, "http://127.0.0.1:1/", daemon));
        polled(&poller, &feed).await;
        poller.ask_hubs(Utc::now()).await.unwrap();
        assert_eq!(crossroads.requests().len(), 1);
        let trouble = poller.store.subscriptions().await.unwrap()[0].trouble.clone().unwrap_or_default();
        (hub.asked().len(), trouble)
    };
    for status in [307, 308] {
        let (asked, why) = trouble(status, "127.0.0.1", "", PRIVATE).await;
        assert_eq!((asked, why.as_str()), (1, ""), "{status}");
        // The feed and its hub may be private; that does not go for whomever the hub names.
        for name in ["localhost", "127.0.0.2", "[::1]", "2130706433"] {
            let (asked, why) = trouble(status, name, "private = true\n", "").await;
            assert_eq!(asked, usize::from(name == "2130706433"), "{name}");
            assert_eq!(why.contains("is not on the public internet"), asked == 0, "{name}: {why}");
        }
    }
    // Another method would make it another request.
    let (asked, why) = trouble(302, "127.0.0.1", "", PRIVATE).await;
    assert_eq!((asked, why.as_str()), (0, "the hub answered 302 Found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_of_seconds_is_renewed_before_its_end() {
    let (hub, hook) = (Hub::start(4).await, hook().await);
    let farm = wire(&hub.url()).await;
    let desk = Desk::new(&config(&one_feed(&farm), hook.url.as_str(), PRIVATE));
    let (daemon, first) = subscribed(&desk, &hub, 3).await;
    let asked = hub.asked();
    assert!(asked.len() >= 3 && asked.iter().all(|one| *one == first), "{asked:?}");
    let metrics = daemon.get("/metrics", "host: localhost\r\n");
    assert!(metrics.contains("wirewatch_websub_subscriptions{state=\"verified\"} 1"), "{metrics}");
    let (_, log) = daemon.terminate();
    assert!(!log.contains("has ended"), "{log}");
    assert_eq!(log.matches("pushes it from now on").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_are_bounded_and_no_bytes_harm_the_daemon() {
    let (hub, hook) = (Hub::start(3_600).await, hook().await);
    let farm = wire(&hub.url()).await;
    let desk = Desk::new(&config(&one_feed(&farm), hook.url.as_str(), PRIVATE));
    let (daemon, asked) = subscribed(&desk, &hub, 1).await;
    let large = vec![b'x'; 6 * 1024 * 1024];
    let refused = hub.publish_signed(&asked, &signature(&asked.secret, &large), &large).await;
    // Hanging up on it halfway is a refusal too.
    assert!(matches!(refused, 413 | 0), "{refused}");
    // A fixed seed: a failing round can be played again.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let whole = rss(10..20);
    for round in 0..300 {
        let mut body = whole.clone().into_bytes();
        match round % 3 {
            0 => body = (0..next() % 400).map(|_| (next() % 256) as u8).collect(),
            1 => body.truncate((next() % whole.len() as u64) as usize),
            _ => {
                for _ in 0..=next() % 8 {
                    let at = (next() % body.len() as u64) as usize;
                    body[at] = (next() % 256) as u8;
                }
            }
        }
        let status = hub.publish(&body).await;
        assert!(matches!(status, 202 | 204), "round {round}: {status}");
    }
    assert_eq!(hub.publish(rss([99]).as_bytes()).await, 204);
    let metrics = daemon.get("/metrics", "host: localhost\r\n");
    assert!(metrics.contains("wirewatch_websub_pushes_total{outcome=\"refused\"} 1"), "{metrics}");
    let mut came = hook.received(1).await;
    while !titles(&came).contains(&"Missile 99".to_owned()) {
        came = hook.received(came.len() + 1).await;
    }
}

/// A poller without a daemon around it, whose time a test tells.
struct Alone {
    poller: Poller,
    feed: Arc<config::FeedSettings>,
    _folder: Desk,
}

/// Why the next poll of a feed is when it is, while its hub pushes.
const PUSHED: &str = "interval, its hub pushes what is new";

async fn polled(poller: &Poller, feed: &Arc<config::FeedSettings>) -> Polled {
    poller.poll(std::slice::from_ref(feed)).await.remove(0).1.unwrap()
}

fn alone(text: &str) -> Alone {
    let desk = Desk::new(text);
    let settings = config::load(&desk.path("wirewatch.toml")).settings.unwrap();
    let (watching, problems) = Watching::compile(&settings, settings.watches.clone());
    let clock = Clock::system();
    let poller = Poller {
        fetcher: Fetcher::new(
            None,
            &config::Proxy::Direct,
            settings.daemon.allow_private_networks,
            FetchLimits::default(),
        )
        .unwrap(),
        store: Store::open(&desk.path("store.db"), clock, Role::Daemon).unwrap(),
        watching: Arc::new(watching.unwrap_or_else(|| panic!("{problems:?}"))),
        metrics: Metrics::new(),
        clock,
        settings: settings.daemon.clone(),
        readers: Arc::new(Semaphore::new(1)),
        page_readers: Arc::new(Semaphore::new(1)),
        pages_wanted: Notify::new(),
        hubs: Hubs::new(&settings),
    };
    Alone { poller, feed: Arc::new(settings.feeds[0].clone()), _folder: desk }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_renewed_in_time_spares_polls_and_its_end_is_noticed() {
    let hub = Hub::start(3_600).await;
    let farm = wire(&hub.url()).await;
    let Alone { poller, feed, _folder } = alone(&config(&one_feed(&farm), "http://127.0.0.1:1/", PRIVATE));
    let minutes = |n: i64| chrono::Duration::minutes(n);
    // Why the next poll is when it is.
    let reason = async || {
        polled(&poller, &feed).await;
        poller.store.feed_state(&feed.id).await.unwrap().unwrap().next_reason
    };
    assert_eq!(reason().await, "interval", "not pushed yet");
    // A whole second, as the store keeps milliseconds.
    let t0 = chrono::DateTime::from_timestamp(Utc::now().timestamp() + 1, 0).unwrap();
    poller.ask_hubs(t0).await.unwrap();
    assert_eq!(hub.asked().len(), 1);
    let token = Secret::new(hub.asked()[0].token());
    // As the route does it when the hub asks back.
    poller.store.subscription_verified(&token, t0 + minutes(60), t0 + minutes(40)).await.unwrap();
    assert_eq!(reason().await, PUSHED);

    let next = poller.ask_hubs(t0 + minutes(39)).await.unwrap().unwrap();
    assert_eq!(((next - t0).num_minutes(), hub.asked().len()), (40, 1));
    let next = poller.ask_hubs(t0 + minutes(40)).await.unwrap().unwrap();
    let asked = hub.asked();
    assert_eq!((asked.len(), &asked[1]), (2, &asked[0]), "renewed under the same callback and secret");
    assert!((next - t0).num_minutes() < 50, "asked again where the hub does not confirm");
    assert_eq!(reason().await, PUSHED, "until its lease ends it goes on pushing");

    poller.ask_hubs(t0 + minutes(61)).await.unwrap();
    assert_eq!(hub.asked().len(), 3);
    let subscriptions = poller.store.subscriptions().await.unwrap();
    assert_eq!((subscriptions.len(), subscriptions[0].state), (1, SubscriptionState::Asked));
    assert_eq!(poller.hubs.take_soon().get(&feed.id), Some(&(t0 + minutes(61))), "what was missed is polled for");
    assert_eq!(reason().await, "interval", "polled as others are");
    // Each request that comes to nothing doubles the wait: this was the second in a row.
    let waits: Vec<i64> = {
        let (mut waits, mut now) = (Vec::new(), t0 + minutes(61));
        for _ in 0..4 {
            let next = poller.ask_hubs(now).await.unwrap().unwrap();
            waits.push((next - now).num_minutes());
            now = next;
        }
        waits
    };
    assert_eq!(hub.asked().len(), 6);
    assert!(
        (10..=11).contains(&waits[0]) && (20..=22).contains(&waits[1]) && (80..=88).contains(&waits[3]),
        "{waits:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_ends_the_sparing_of_polls_and_an_unfit_hub_too() {
    let hub = Hub::start(3_600).await;
    let farm = wire(&hub.url()).await;
    let Alone { poller, feed, _folder } = alone(&config(&one_feed(&farm), "http://127.0.0.1:1/", PRIVATE));
    polled(&poller, &feed).await;
    let now = Utc::now();
    poller.ask_hubs(now).await.unwrap();
    let token = Secret::new(hub.asked()[0].token());
    let hour = chrono::Duration::hours(1);
    poller.store.subscription_verified(&token, now + hour, now + hour).await.unwrap();
    assert!(poller.store.pushed_until(&feed.id).await.unwrap().is_some());
    assert!(poller.store.hub_is_unfit(&feed.id, true).await.unwrap());
    assert!(!poller.store.hub_is_unfit(&feed.id, true).await.unwrap(), "said once");
    assert_eq!(poller.store.pushed_until(&feed.id).await.unwrap(), None);
    poller.store.hub_is_unfit(&feed.id, false).await.unwrap();
    assert!(poller.store.subscription_denied(&token, "no room\u{1b}[31m", now + hour).await.unwrap());
    assert_eq!(poller.store.pushed_until(&feed.id).await.unwrap(), None);
    assert!(!poller.store.subscription_denied(&token, "still", now + hour).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_only_pings_is_no_reason_to_poll_without_end() {
    let hub = Hub::start(3_600).await;
    let farm = wire(&hub.url()).await;
    let Alone { poller, feed, _folder } = alone(&config(&one_feed(&farm), "http://127.0.0.1:1/", PRIVATE));
    polled(&poller, &feed).await;
    let last_poll = poller.store.feed_state(&feed.id).await.unwrap().unwrap().last_poll;
    for seconds in [1, 2, 59] {
        poller.poll_instead(&feed.id, last_poll + chrono::Duration::seconds(seconds)).await.unwrap();
        let soon = poller.hubs.take_soon();
        assert_eq!(soon.get(&feed.id), Some(&(last_poll + chrono::Duration::seconds(60))), "min_interval is a minute");
    }
    let later = last_poll + chrono::Duration::seconds(61);
    poller.poll_instead(&feed.id, later).await.unwrap();
    assert_eq!(poller.hubs.take_soon().get(&feed.id), Some(&later));
    assert!(poller.hubs.take_soon().is_empty(), "asked for once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_at_another_url_is_not_pushed_by_the_old_one_s_hub() {
    let (hub, hook) = (Hub::start(3_600).await, hook().await);
    let (farm, plain) = (wire(&hub.url()).await, Farm::start(|_| Reply::ok(rss([5]))).await);
    let desk = Desk::new(&config(&one_feed(&farm), hook.url.as_str(), PRIVATE));
    let (daemon, asked) = subscribed(&desk, &hub, 1).await;
    assert!(daemon.terminate().0.success());
    desk.write("wirewatch.toml", config(&one_feed(&plain), hook.url.as_str(), PRIVATE));
    let (_daemon, left) = subscribed(&desk, &hub, 2).await;
    assert_eq!((left.mode.as_str(), left.token()), ("unsubscribe", asked.token()), "within the day");
    assert_eq!(hub.publish_signed(&asked, &signature(&asked.secret, b"x"), b"x").await, 404);
}

#[tokio::test]
async fn a_hub_that_changes_with_each_fetch_is_not_asked_with_each() {
    let store = Home::new();
    let store = store.open();
    let named = |hub: &str, token: &str| {
        Some(NewSubscription {
            hub: hub.parse().unwrap(),
            topic: TOPIC.to_owned(),
            token: Secret::new(token),
            secret: Secret::new("s"),
        })
    };
    let wire = feed("wire");
    let states = async || {
        let all = store.subscriptions().await.unwrap();
        all.iter().map(|one| (one.token.reveal().to_owned(), one.state)).collect::<Vec<_>>()
    };
    use SubscriptionState::{Advertised, Leaving};
    assert!(store.note_hub(&wire, named("https://a.example/", "1"), false, noon()).await.unwrap());
    assert!(!store.note_hub(&wire, named("https://a.example/", "2"), false, noon()).await.unwrap());
    let hour = chrono::Duration::hours(1);
    assert!(!store.note_hub(&wire, named("https://b.example/", "3"), false, noon() + hour).await.unwrap());
    assert!(!store.note_hub(&wire, None, false, noon() + hour).await.unwrap());
    store.subscription_asked(&Secret::new("1"), "https://w.example", noon()).await.unwrap();
    assert!(store.note_hub(&wire, named("https://b.example/", "4"), false, noon() + hour * 25).await.unwrap());
    assert_eq!(states().await, [("1".to_owned(), Leaving), ("4".to_owned(), Advertised)]);
    // Named no more, and never asked: nobody has to be told.
    assert!(store.note_hub(&wire, None, false, noon() + hour * 50).await.unwrap());
    assert_eq!(states().await, [("1".to_owned(), Leaving)]);
    assert!(!store.note_hub(&wire, None, false, noon() + hour * 51).await.unwrap());
}

#[tokio::test]
async fn a_push_is_not_taken_for_all_that_the_feed_holds() {
    let home = Home::new();
    let store = home.open();
    let text =
        |n: usize| format!("{n} ships have left the harbour with grain for the north, officials said on the day.");
    let of = |prefix: &str, n: usize| {
        entry(&format!("{prefix}{n}"), &format!("wire.example/{prefix}{n}"), &text(n), &["grain"])
    };
    let push = |at, entries: Vec<_>| {
        let PollParts { entries, entries_seen } = parts(entries);
        PushResult { feed: feed("wire"), at, entries, entries_seen }
    };
    store.commit_poll(poll("wire", noon(), (0..10).map(|n| of("a", n)).collect())).await.unwrap();
    let before = store.feed_state(&feed("wire")).await.unwrap();
    // News alone, again and again: nothing is quiet, and nothing is learned of the feed's ids.
    for round in 1..=4 {
        let news: Vec<_> = (0..6).map(|n| of("a", round * 10 + n)).collect();
        let committed = store.commit_push(push(noon(), news.clone())).await.unwrap();
        assert_eq!((committed.new_articles, committed.alerts.len(), committed.quiet), (6, 6, 0));
        let again = store.commit_push(push(noon(), news)).await.unwrap();
        assert_eq!((again.new_articles, again.alerts.len()), (0, 0));
    }
    assert_eq!(store.feed_state(&feed("wire")).await.unwrap(), before, "a push changes nothing of the feed's state");
    // Most of it known texts under new ids: the site has changed them, and they stay quiet.
    let moved = store.commit_push(push(noon(), (0..10).map(|n| of("b", n)).collect())).await.unwrap();
    assert_eq!((moved.new_articles, moved.alerts.len(), moved.quiet), (10, 0, 10));
    assert!(!store.feed_state(&feed("wire")).await.unwrap().unwrap().ids_change);
}

struct PollParts {
    entries: Vec<wirewatch::store::StoredEntry>,
    entries_seen: Vec<wirewatch::store::EntryKey>,
}

fn parts(entries: Vec<wirewatch::store::StoredEntry>) -> PollParts {
    let poll = poll("wire", noon(), entries);
    PollParts { entries: poll.entries, entries_seen: poll.entries_seen }
}

/// Not a test of speed, as a busy machine would fail it: `.ci/slow` has it print how long an alert takes from the hub's push
/// to the webhook.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints a figure: run by .ci/slow"]
async fn p99_from_publish_to_alert() {
    const PUSHES: usize = 500;
    let (hub, hook) = (Hub::start(3_600).await, hook().await);
    let farm = wire(&hub.url()).await;
    let desk = Desk::new(&config(&one_feed(&farm), hook.url.as_str(), PRIVATE));
    let (_daemon, _) = subscribed(&desk, &hub, 1).await;
    let mut took = Vec::with_capacity(PUSHES);
    for n in 1..=PUSHES {
        let body = rss([1_000 + n]);
        let started = std::time::Instant::now();
        let (status, _) = tokio::join!(hub.publish(body.as_bytes()), hook.received(n));
        took.push(started.elapsed());
        assert_eq!(status, 204);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    took.sort();
    let at = |share: f64| took[((PUSHES - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    println!(
        "publish to alert over {PUSHES} pushes: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
}

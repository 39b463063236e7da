//! How fast signed alerts leave a durable outbox, and how soon after its feed was fetched an alert has arrived.
//!
//! Run with `cargo bench --bench delivery`. Store and receiver are on this machine, the store in a temporary folder with
//! `synchronous = FULL`, so the disk counts: set TMPDIR to try another. Three figures of one run stand side by side:
//! requests without any outbox (what HTTP and signing cost), commits one by one (what the disk grants), and deliveries
//! from the outbox, which pay for both and share the commits.
#![allow(clippy::unwrap_used)]

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, extract::State, http::StatusCode, routing};
use chrono::Utc;
use tokio_util::sync::CancellationToken;
use wirewatch::{
    alert::{Event, EventKind, body::FeedRef},
    clock::Clock,
    config::{self, Pace, Proxy, Secret, Severity, SinkId, SinkKind, SinkSettings, WebhookFormat, WebhookSettings},
    daemon::{Daemon, Look, watching::Watching},
    deliver::{DeliverContext, Deliveries, StdoutLook, TextLook},
    metrics::Metrics,
    store::{NewEvent, Role, Store},
};

const DELIVERIES: usize = 6_000;
const COMMITS: usize = 200;
const ALERTS_A_SECOND: usize = 100;
const SECONDS: usize = 10;
const SECRET: &str = "whsec_bmV3LXNlY3JldC1mb3ItdGVzdHM=";

/// What the receiver has, and the feed that the second part polls.
#[derive(Clone, Default)]
struct Desk {
    count: Arc<AtomicUsize>,
    /// When an item was first handed out, and when its alert came.
    served: Arc<Mutex<HashMap<usize, Instant>>>,
    came: Arc<Mutex<HashMap<usize, Instant>>>,
    began: Arc<Mutex<Option<Instant>>>,
}

async fn hook(State(desk): State<Desk>, body: String) -> StatusCode {
    desk.count.fetch_add(1, Ordering::SeqCst);
    if let Some(number) = body.split("Missile n").nth(1).and_then(|rest| rest.split('n').next()?.parse().ok()) {
        desk.came.lock().unwrap().entry(number).or_insert_with(Instant::now);
    }
    StatusCode::NO_CONTENT
}

/// Everything that was published since the first poll, a hundred a second.
async fn feed(State(desk): State<Desk>) -> String {
    let began = *desk.began.lock().unwrap().get_or_insert_with(Instant::now);
    let count = ((began.elapsed().as_secs_f64() * ALERTS_A_SECOND as f64) as usize).min(ALERTS_A_SECOND * SECONDS);
    let item =
        |n: usize| format!("<item><title>Missile n{n}n</title><guid>g{n}</guid><description>t{n}</description></item>");
    // A feed shows its newest entries.
    let items: String = (count.saturating_sub(ALERTS_A_SECOND)..count).rev().map(item).collect();
    let now = Instant::now();
    let mut served = desk.served.lock().unwrap();
    for n in count.saturating_sub(ALERTS_A_SECOND)..count {
        served.entry(n).or_insert(now);
    }
    let head = "<rss version=\"2.0\"><channel><title>Wire</title><link>https://wire.example/</link>";
    format!("{head}<description>d</description>{items}</channel></rss>")
}

/// Serves on a thread of its own.
fn serve(desk: Desk) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let router =
                Router::new().route("/hook", routing::post(hook)).route("/feed", routing::get(feed)).with_state(desk);
            axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await.unwrap();
        });
    });
    address
}

fn sink(address: SocketAddr) -> SinkSettings {
    SinkSettings {
        id: "hook".parse().unwrap(),
        kind: SinkKind::Webhook(Box::new(WebhookSettings {
            url: format!("http://{address}/hook").parse().unwrap(),
            format: WebhookFormat::Standard,
            secrets: vec![Secret::new(SECRET)],
            timeout: Duration::from_secs(10),
            private: true,
            proxy: None,
        })),
        min_severity: Severity::Info,
        retry: vec![Duration::from_millis(100); 10],
        pace: Pace::default(),
    }
}

fn main() {
    // The bare client needs one, as reqwest brings none here.
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let desk = Desk::default();
    let address = serve(desk.clone());
    runtime.block_on(async {
        let bare = bare(address).await;
        let (commits, outbox) = throughput(address, &desk).await;
        println!("signed requests of 2.5 kB, eight at once, no outbox: {bare:8.0} a second");
        println!("commits with synchronous = FULL, one by one:         {commits:8.0} a second");
        println!("signed deliveries from the outbox to one sink:       {outbox:8.0} a second");
        println!("  = {:.2} x without outbox, {:.1} x one commit each", outbox / bare, outbox / commits);
        lag(address, &desk).await;
    });
}

/// What eight clients get through that keep nothing.
async fn bare(address: SocketAddr) -> f64 {
    let (url, left) = (format!("http://{address}/hook"), Arc::new(AtomicUsize::new(DELIVERIES)));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let signer = standardwebhooks::Webhook::new(SECRET).unwrap();
    let (body, signer) = ("x".repeat(2_500), Arc::new(signer));
    let began = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (url, left, client, body, signer) =
            (url.clone(), left.clone(), client.clone(), body.clone(), signer.clone());
        clients.spawn(async move {
            while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                let signature = signer.sign("evt_x", 1_700_000_000, body.as_bytes()).unwrap();
                client.post(&url).header("webhook-signature", signature).body(body.clone()).send().await.unwrap();
            }
        });
    }
    while clients.join_next().await.is_some() {}
    DELIVERIES as f64 / began.elapsed().as_secs_f64()
}

fn event(number: usize) -> NewEvent {
    let feed = FeedRef { id: format!("feed-{number}"), url: "https://wire.example/".into(), title: None };
    let kind = EventKind::FeedFailing {
        feed,
        class: "status".into(),
        reason: "r".repeat(2_000),
        failures: 3,
        since: Utc::now(),
        next_poll: None,
    };
    NewEvent { event: Event::new(kind, Utc::now()), sinks: vec!["hook".parse::<SinkId>().unwrap()] }
}

async fn throughput(address: SocketAddr, desk: &Desk) -> (f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("wirewatch.db"), Clock::system(), Role::Daemon).unwrap();
    let began = Instant::now();
    for number in 0..COMMITS {
        store.announce(vec![event(number)]).await.unwrap();
    }
    let commits = COMMITS as f64 / began.elapsed().as_secs_f64();
    store.announce((COMMITS..DELIVERIES).map(event).collect()).await.unwrap();
    let before = desk.count.load(Ordering::SeqCst);
    let context = DeliverContext {
        clock: Clock::system(),
        metrics: Metrics::new(),
        proxy: Proxy::Direct,
        allow_private: true,
        stdout: StdoutLook { forced: None, is_terminal: false },
        text: TextLook { timezone: chrono_tz::UTC, color: false, party_name: |_| None },
        event_sinks: Vec::new(),
        stop: CancellationToken::new(),
    };
    let began = Instant::now();
    let mut deliveries = Deliveries::start(&store, &[sink(address)], &context).unwrap();
    while desk.count.load(Ordering::SeqCst) - before < DELIVERIES {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    context.stop.cancel();
    // Recorded, too: what is not is no delivery.
    while deliveries.ended().await.is_some() {}
    let rate = DELIVERIES as f64 / began.elapsed().as_secs_f64();
    assert_eq!(store.backlogs().await.unwrap().iter().map(|backlog| backlog.pending).sum::<i64>(), 0);
    (commits, rate)
}

/// The whole daemon: a feed that brings a hundred articles a second, polled five times a second.
async fn lag(address: SocketAddr, desk: &Desk) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wirewatch.toml");
    let data = folder.path().join("data");
    std::fs::write(&file, toml(address, &data)).unwrap();
    let loaded = config::load(&file);
    let settings = loaded.settings.unwrap_or_else(|| panic!("{:?}", loaded.problems));
    let watching = Watching::compile(&settings, settings.watches.clone()).0.unwrap();
    let look = Look { stdout: StdoutLook { forced: None, is_terminal: false }, color: false };
    let daemon = Daemon::open(settings, watching, Clock::system(), look).unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(daemon.run(None, stop.clone()));
    let patience = Instant::now() + Duration::from_secs(3 * SECONDS as u64);
    while desk.came.lock().unwrap().len() < ALERTS_A_SECOND * (SECONDS - 1) && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    running.await.unwrap().unwrap();
    let (served, came) = (desk.served.lock().unwrap(), desk.came.lock().unwrap());
    let mut waits: Vec<Duration> = came.iter().map(|(n, at)| *at - served[n]).collect();
    waits.sort();
    let share = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    println!(
        "feed handed out → alert arrived, {} alerts at {ALERTS_A_SECOND} a second: half {:.1?}, 99 % {:.1?}, all {:.1?}",
        waits.len(),
        share(0.5),
        share(0.99),
        share(1.0)
    );
}

fn toml(address: SocketAddr, data: &Path) -> String {
    format!(
        "[daemon]\ndata_dir = {data:?}\ninterval = \"200ms\"\nmin_interval = \"200ms\"\nmax_interval = \"1s\"\n\
         backlog = \"all\"\nlisten = \"off\"\nallow_private_networks = true\n[packs]\ndefaults = false\n\
         [[feed]]\nid = \"wire\"\nurl = \"http://{address}/feed\"\n[[watch]]\nid = \"w\"\nquery = \"missile\"\nsinks = [\"hook\"]\n\
         [[sink]]\nid = \"hook\"\ntype = \"webhook\"\nurl = \"http://{address}/hook\"\nsecret = \"{SECRET}\"\n"
    )
}

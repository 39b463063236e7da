//! The built daemon, killed at seeded moments again and again: nothing is lost, and one article has one id.
//!
//! Each round publishes some articles, starts the daemon on the store that the last one left behind, and kills it with
//! SIGKILL right after it was given the feed, in the middle of a delivery, right after one was taken, while it starts, or
//! at any time. The feed answers 304 to who has its newest document: a validator that is stored before its articles loses
//! them here. It says nothing of a power cut, which `synchronous = FULL` is for.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use super::{
    farm::{Farm, Reply},
    program::wire_to_hook,
    receiver::{Answer, Receiver},
};

const KILLS: usize = 20;
const ARTICLES_A_ROUND: usize = 4;
const SEED: u64 = 20_261_126;
/// An event that does not come is not waited for: the daemon is killed then.
const ROUND_MAX: Duration = Duration::from_millis(1_500);
/// For the rest, once nobody kills any more.
const PATIENCE: Duration = Duration::from_secs(60);

/// When the daemon is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    AfterFeed,
    InHook,
    AfterHook,
    Early,
    Anytime,
}

const MOMENTS: [Moment; 5] = [Moment::AfterFeed, Moment::InHook, Moment::AfterHook, Moment::Early, Moment::Anytime];

/// What the servers look at: the moment that is waited for, taken by the first event of its kind.
#[derive(Clone)]
struct Trap {
    armed: Arc<Mutex<Option<Moment>>>,
    sprung: mpsc::Sender<()>,
}

impl Trap {
    fn springs(&self, moment: Moment) -> bool {
        let mut armed = self.armed.lock().unwrap();
        let is_it = *armed == Some(moment);
        if is_it {
            *armed = None;
            self.sprung.send(()).unwrap();
        }
        is_it
    }
}

/// Numbers that a seed gives; xorshift.
struct Luck(u64);

impl Luck {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn rss(count: usize) -> String {
    let item =
        |n: usize| format!("<item><title>Missile n{n}n</title><guid>g{n}</guid><description>t{n}</description></item>");
    let items: String = (0..count).rev().map(item).collect();
    let head = "<rss version=\"2.0\"><channel><title>Wire</title><link>https://wire.example/</link>";
    format!("{head}<description>d</description>{items}</channel></rss>")
}

/// The number that stands in an alert's title.
fn number(body: &str) -> usize {
    let alert: serde_json::Value = serde_json::from_str(body).unwrap();
    let title = alert["data"]["article"]["title"].as_str().unwrap();
    title.split('n').nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_nothing_and_repeat_only_under_the_same_id() {
    let (sprung, springs) = mpsc::channel();
    let trap = Trap { armed: Arc::default(), sprung };
    let published = Arc::new(AtomicUsize::new(0));
    let (count, of_feed) = (Arc::clone(&published), trap.clone());
    let farm = Farm::start(move |request| {
        let count = count.load(Ordering::SeqCst);
        let etag = format!("\"{count}\"");
        if request.header("if-none-match") == Some(etag.as_bytes()) {
            return Reply::status(304);
        }
        of_feed.springs(Moment::AfterFeed);
        Reply::ok(rss(count)).header("etag", etag)
    })
    .await;
    // Of each article: the ids under which it was accepted.
    let accepted: Arc<Mutex<BTreeMap<usize, BTreeSet<String>>>> = Arc::default();
    let (record, of_hook) = (Arc::clone(&accepted), trap.clone());
    let receiver = Receiver::start(move |attempt, request| {
        let number = number(&request.body);
        if of_hook.springs(Moment::InHook) {
            return Answer::Hang;
        }
        match (attempt, number % 9) {
            (0, 1) => return Answer::Status(500, ""),
            (0, 3) => return Answer::Drop,
            (0, 5) => return Answer::Status(503, "retry-after: 1\r\n"),
            _ => {}
        }
        record.lock().unwrap().entry(number).or_default().insert(request.id().to_owned());
        of_hook.springs(Moment::AfterHook);
        Answer::Status(204, "")
    })
    .await;
    let retry = "\"100ms\", ".repeat(30);
    let more = format!("timeout = \"5s\"\nretry = [{retry}\"1s\"]");
    let desk = wire_to_hook(&farm.url("/feed"), &receiver.url, &more);
    let mut luck = Luck(SEED);
    for round in 0..KILLS {
        published.fetch_add(ARTICLES_A_ROUND, Ordering::SeqCst);
        let moment = MOMENTS[round % MOMENTS.len()];
        while springs.try_recv().is_ok() {}
        *trap.armed.lock().unwrap() = Some(moment);
        let mut daemon = desk.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let wait = match moment {
            Moment::Early => Duration::from_millis(luck.below(200)),
            Moment::Anytime => Duration::from_millis(300 + luck.below(1_200)),
            Moment::AfterFeed | Moment::InHook | Moment::AfterHook => {
                let _ = springs.recv_timeout(ROUND_MAX);
                Duration::from_millis([0, luck.below(10), luck.below(40)][luck.below(3) as usize])
            }
        };
        std::thread::sleep(wait);
        *trap.armed.lock().unwrap() = None;
        assert_eq!(daemon.try_wait().unwrap(), None, "the daemon ended by itself in round {round} ({moment:?})");
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }
    let all = published.load(Ordering::SeqCst);
    let daemon = desk.start();
    let started = Instant::now();
    while accepted.lock().unwrap().len() < all && started.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
    }
    let (status, log) = daemon.terminate();
    let accepted = accepted.lock().unwrap();
    let lost: Vec<usize> = (0..all).filter(|n| !accepted.contains_key(n)).collect();
    assert!(lost.is_empty(), "seed {SEED}: {lost:?} of {all} never came\n{log}");
    let twice: Vec<_> = accepted.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(twice.is_empty(), "seed {SEED}: one article under two ids: {twice:?}");
    assert!(status.success(), "{log}");
}

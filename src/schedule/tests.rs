//! The scheduler as the daemon uses it: a month in a loop, crowds on one host, clocks that jump.
#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BinaryHeap, HashSet},
    time::Duration,
};

use proptest::prelude::*;

use super::*;

const HOUR: Duration = Duration::from_secs(60 * 60);
const BOUNDS: PollBounds =
    PollBounds { interval: HOUR, min: Duration::from_secs(60), max: Duration::from_secs(6 * 3600) };

fn start() -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn id(n: usize) -> FeedId {
    format!("feed-{n}").parse().unwrap()
}

fn limits(concurrency: usize, per_host: usize) -> Limits {
    Limits { concurrency, per_host, spacing: Spacing::NONE }
}

fn scheduler(concurrency: usize, per_host: usize) -> Scheduler {
    Scheduler::new(limits(concurrency, per_host))
}

/// How a played server answers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Server {
    Well,
    Failing,
    Fresh(Duration),
    Limited(Duration),
    GoneAfter(usize),
}

fn server(n: usize) -> Server {
    match n % 20 {
        0 => Server::Failing,
        1 => Server::Fresh(HOUR * 12),
        2 => Server::Limited(HOUR * 5),
        3 => Server::GoneAfter(7),
        _ => Server::Well,
    }
}

/// The daemon's loop with a clock of its own. Returns when each feed's polls began and ended.
struct Played {
    polls: Vec<Vec<(DateTime<Utc>, DateTime<Utc>)>>,
    busiest: usize,
    a_second_s_most: usize,
    wakes: usize,
}

fn play(
    feeds: usize,
    per_host_feeds: usize,
    limits: Limits,
    until: DateTime<Utc>,
    sleep: Option<(DateTime<Utc>, Duration)>,
) -> Played {
    let mut scheduler = Scheduler::new(limits);
    for n in 0..feeds {
        let due = start() + spread_start(&id(n), feeds, BOUNDS.interval);
        scheduler.add(id(n), HostKey::new(&format!("host-{}", n / per_host_feeds)), due);
    }
    let mut dice = 7u64;
    let mut throw = move || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) as f64 / f64::from(1u32 << 31)
    };
    let mut played = Played { polls: vec![Vec::new(); feeds], busiest: 0, a_second_s_most: 0, wakes: 0 };
    let mut starts: BTreeMap<i64, usize> = BTreeMap::new();
    // End, feed, beginning.
    let mut running = BinaryHeap::<Reverse<(DateTime<Utc>, usize, DateTime<Utc>)>>::new();
    let mut per_host: BTreeMap<usize, usize> = BTreeMap::new();
    let mut now = start();
    let mut slept = sleep;
    while now < until {
        for feed in scheduler.take_due(now) {
            let n: usize = feed.as_str()[5..].parse().unwrap();
            let host = per_host.entry(n / per_host_feeds).or_default();
            *host += 1;
            assert!(*host <= limits.per_host, "per_host holds");
            *starts.entry(now.timestamp()).or_default() += 1;
            running.push(Reverse((now + Duration::from_millis(200 + (throw() * 800.0) as u64), n, now)));
        }
        played.wakes += 1;
        played.busiest = played.busiest.max(running.len());
        assert!(running.len() <= limits.concurrency, "concurrency holds");
        let end = running.peek().map(|Reverse((end, ..))| *end);
        now = [scheduler.next_wake(), end].into_iter().flatten().min().expect("something is always to come").max(now);
        if let Some((at, how_long)) = slept
            && now >= at
        {
            now += how_long;
            slept = None;
        }
        while let Some(Reverse((end, n, began))) = running.peek().copied() {
            if end > now {
                break;
            }
            running.pop();
            *per_host.get_mut(&(n / per_host_feeds)).unwrap() -= 1;
            played.polls[n].push((began, now));
            let in_a_row = played.polls[n].len() as u32;
            let (outcome, fresh) = match server(n) {
                Server::Well => (PollOutcome::NotModified, None),
                Server::Failing => (PollOutcome::Failed { in_a_row }, None),
                Server::Fresh(wait) => (PollOutcome::Unchanged, Some(wait)),
                Server::Limited(wait) => (PollOutcome::NotNow { retry_after: Some(wait), in_a_row }, None),
                Server::GoneAfter(polls) if played.polls[n].len() >= polls => (PollOutcome::Gone, None),
                Server::GoneAfter(_) => (PollOutcome::New, None),
            };
            scheduler
                .finished(&id(n), next_poll(now, &outcome, &Known { fresh, ..Known::default() }, &BOUNDS, throw()).due);
        }
    }
    played.a_second_s_most = starts.values().copied().max().unwrap_or(0);
    played
}

#[test]
fn a_month_of_a_thousand_feeds_keeps_every_promise() {
    let limits = limits(64, 2);
    let played = play(1_000, 10, limits, start() + HOUR * 24 * 30, None);
    // 20 s of spread at the start, ten feeds a host: never near the permits.
    assert!(played.a_second_s_most <= 120, "{} in one second", played.a_second_s_most);
    for (n, polls) in played.polls.iter().enumerate() {
        let waits = polls.windows(2).map(|two| (two[1].0 - two[0].1).to_std().unwrap());
        // Waiting for a turn behind nine others of the host, two at a time, a second each.
        let turn = Duration::from_secs(6);
        match server(n) {
            Server::Well => {
                assert!(polls.len() >= 718, "feed {n} was polled {} times", polls.len());
                assert!(polls.len() <= 720 * 104 / 100);
                assert!(waits.clone().all(|wait| wait >= HOUR.mul_f64(0.97) && wait <= HOUR + turn));
            }
            Server::Failing => {
                let waits: Vec<_> = waits.collect();
                assert!(waits[0] >= HOUR * 2 && waits[0] <= (HOUR * 2).mul_f64(1.1) + turn);
                assert!(waits.iter().all(|wait| *wait <= BOUNDS.max + turn), "backoff ends at max_interval");
                assert!(waits.iter().skip(2).all(|wait| *wait >= BOUNDS.max));
            }
            Server::Fresh(asked) | Server::Limited(asked) => {
                assert!(waits.clone().all(|wait| wait >= asked && wait <= asked + turn), "waited out in full");
            }
            Server::GoneAfter(times) => assert_eq!(polls.len(), times, "gone is never polled again"),
        }
    }
    let polls: usize = played.polls.iter().map(Vec::len).sum();
    assert!(played.wakes <= polls * 2 + 10, "{} wakes for {polls} polls", played.wakes);
}

#[test]
fn a_day_of_sleep_brings_no_burst_and_is_spread_again() {
    let limits = limits(20, 2);
    let sleep_at = start() + HOUR * 10;
    let played = play(1_000, 5, limits, start() + HOUR * 24 * 4, Some((sleep_at, HOUR * 24)));
    assert_eq!(played.busiest, 20, "all permits were used, none beyond");
    let woke = sleep_at + HOUR * 24;
    for (n, polls) in played.polls.iter().enumerate().filter(|(n, _)| server(*n) == Server::Well) {
        let catching_up = polls.iter().filter(|(began, _)| *began >= woke && *began < woke + HOUR / 2).count();
        assert!(catching_up <= 1, "feed {n} is polled once for all that it missed");
    }
    // A day later the feeds are further apart than the permits forced them to be.
    let mut begins: Vec<i64> = played.polls.iter().flatten().map(|(began, _)| began.timestamp()).collect();
    begins.retain(|at| *at >= (woke + HOUR * 24).timestamp());
    let seconds: HashSet<i64> = begins.iter().copied().collect();
    assert!(seconds.len() * 2 > begins.len(), "{} polls in {} seconds", begins.len(), seconds.len());
}

#[test]
fn a_host_with_a_thousand_due_feeds_does_not_hold_up_others() {
    let mut scheduler = scheduler(4, 2);
    for n in 0..1_000 {
        scheduler.add(id(n), HostKey::new("big.example"), start());
    }
    for n in 1_000..1_010 {
        scheduler.add(id(n), HostKey::new(&format!("small-{n}.example")), start() + Duration::from_secs(1));
    }
    let mut now = start() + Duration::from_secs(1);
    let mut taken = scheduler.take_due(now);
    assert_eq!(taken.len(), 4);
    let mut rounds = 0;
    let mut small: HashSet<FeedId> = HashSet::new();
    while small.len() < 10 {
        small.extend(taken.iter().filter(|feed| feed.as_str().len() == "feed-1000".len()).cloned());
        now += Duration::from_secs(1);
        for feed in &taken {
            scheduler.finished(feed, now + HOUR);
        }
        taken = scheduler.take_due(now);
        rounds += 1;
    }
    assert!(rounds <= 6, "ten small hosts had their turn within {rounds} rounds");
}

#[test]
fn nothing_wakes_the_daemon_while_all_permits_are_out() {
    let mut scheduler = scheduler(1, 1);
    scheduler.add(id(1), HostKey::new("a"), start());
    scheduler.add(id(2), HostKey::new("b"), start());
    assert_eq!(scheduler.next_wake(), Some(start()));
    assert_eq!(scheduler.take_due(start()), [id(1)]);
    assert_eq!(scheduler.next_wake(), None);
    assert!(scheduler.take_due(start()).is_empty());
    scheduler.finished(&id(1), start() + HOUR);
    assert_eq!(scheduler.next_wake(), Some(start()), "the other one is ready now");
    assert_eq!(scheduler.take_due(start()), [id(2)]);
    scheduler.finished(&id(2), NEVER);
    assert_eq!(scheduler.next_wake(), Some(start() + HOUR));
    scheduler.finished(&id(1), start());
    assert_eq!(scheduler.next_wake(), Some(start() + HOUR), "one that is not in flight can't end");
}

#[test]
fn a_feed_that_is_removed_while_polled_is_forgotten_when_the_poll_ends() {
    let mut scheduler = scheduler(8, 1);
    scheduler.add(id(1), HostKey::new("a"), start());
    scheduler.add(id(2), HostKey::new("a"), start());
    assert_eq!(scheduler.take_due(start()), [id(1)]);
    scheduler.remove(&id(1));
    assert!(scheduler.take_due(start()).is_empty(), "its permit is still out");
    scheduler.finished(&id(1), start());
    assert_eq!(scheduler.take_due(start()), [id(2)]);
    // Taken in again while it is polled, on another host: the end names its next time, the old permit is freed.
    scheduler.remove(&id(2));
    scheduler.add(id(2), HostKey::new("b"), start());
    assert!(scheduler.take_due(start()).is_empty(), "it is not polled twice at once");
    scheduler.finished(&id(2), start() + HOUR);
    assert_eq!(scheduler.next_wake(), Some(start() + HOUR));
    assert_eq!(scheduler.len(), 1);
    scheduler.remove(&id(2));
    assert_eq!(scheduler.next_wake(), None);
    assert!(scheduler.is_empty());
    assert_eq!(scheduler.turns.hosts_known(), 0);
}

#[test]
fn a_clock_that_is_set_back_takes_the_dues_with_it() {
    let mut scheduler = scheduler(8, 1);
    scheduler.add(id(1), HostKey::new("a"), start() + HOUR);
    assert!(scheduler.take_due(start()).is_empty());
    let day_before = start() - HOUR * 24;
    assert!(scheduler.take_due(day_before).is_empty());
    assert_eq!(scheduler.next_wake(), Some(day_before + HOUR));
    assert!(scheduler.take_due(day_before - Duration::from_secs(1)).is_empty(), "a trimmed clock changes nothing");
    assert_eq!(scheduler.next_wake(), Some(day_before + HOUR));
}

#[test]
fn requests_to_one_host_are_kept_apart_and_others_go_on() {
    let gap = Duration::from_secs(1);
    let spacing = Spacing { gap, cycle: HOUR };
    let mut scheduler = Scheduler::new(Limits { spacing, ..limits(64, 2) });
    for n in 0..10 {
        scheduler.add(id(n), HostKey::new("big.example"), start());
        scheduler.add(id(10 + n), HostKey::new("127.0.0.1"), start());
        scheduler.add(id(20 + n), HostKey::new(&format!("small-{n}.example")), start());
    }
    let mut now = start();
    let mut begun: Vec<DateTime<Utc>> = Vec::new();
    let mut others = 0;
    while begun.len() < 10 {
        for feed in scheduler.take_due(now) {
            match feed.as_str()[5..].parse::<usize>().unwrap() {
                0..10 => begun.push(now),
                _ if now == start() => others += 1,
                _ => {}
            }
            scheduler.finished(&feed, now + HOUR);
        }
        let wake = scheduler.next_wake().unwrap();
        assert!(wake > now || others < 20, "it does not spin");
        now = wake.max(now);
    }
    assert!(begun.windows(2).all(|two| two[1] - two[0] == TimeDelta::seconds(1)), "{begun:?}");
    assert!(others >= 12, "{others} of the others were asked at once");
    // So many feeds that a second each would be too slow: half the cycle is enough for all of them.
    let crowd = Spacing { gap, cycle: Duration::from_secs(900) };
    let mut scheduler = Scheduler::new(Limits { spacing: crowd, ..limits(64, 2) });
    for n in 0..4_500 {
        scheduler.add(id(n), HostKey::new("big.example"), start());
    }
    let (mut now, mut last, mut asked) = (start(), start(), 0);
    while asked < 4_500 {
        for feed in scheduler.take_due(now) {
            scheduler.finished(&feed, now + HOUR);
            (asked, last) = (asked + 1, now);
        }
        now = scheduler.next_wake().unwrap().max(now);
    }
    assert!((440..=460).contains(&(last - start()).num_seconds()), "{}", last - start());
}

#[test]
fn a_host_that_says_so_twice_is_left_alone_as_a_whole() {
    let mut scheduler = scheduler(64, 2);
    for n in 0..5 {
        scheduler.add(id(n), HostKey::new("limited.example"), start());
        scheduler.add(id(10 + n), HostKey::new("other.example"), start());
    }
    let mut now = start();
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    let mut rest = None;
    for _ in 0..20 {
        for feed in scheduler.take_due(now) {
            *asked.entry(feed.to_string()).or_default() += 1;
            if feed.as_str().len() == "feed-0".len() {
                assert!(rest.is_none_or(|until| now >= until), "{feed} is asked while its host rests");
                if let Some((until, feeds)) = scheduler.not_now(&feed, now, Duration::from_secs(300)) {
                    assert_eq!((until, feeds.len()), (now + Duration::from_secs(300), 5));
                    rest = rest.or(Some(until));
                }
            } else {
                scheduler.answered(&feed, now);
            }
            scheduler.finished(&feed, now + HOUR);
        }
        now += TimeDelta::seconds(10);
    }
    assert!(rest.is_some());
    assert_eq!(asked.keys().filter(|feed| feed.len() > "feed-0".len()).count(), 5, "the other host goes on");
    assert_eq!(asked.len(), 5 + 2, "two of the five spoke for the host: {asked:?}");
    let wake = scheduler.next_wake().unwrap();
    assert_eq!(Some(wake), rest, "it is asked again when it has rested");
    assert_eq!(scheduler.take_due(wake).len(), 1, "and not by two at once");
}

#[test]
fn a_thousand_feeds_that_were_slept_through_do_not_start_at_once() {
    let mut scheduler = scheduler(10_000, 2);
    scheduler.take_due(start());
    for n in 0..1_000 {
        scheduler.add(id(n), HostKey::new(&format!("host-{n}")), start() + Duration::from_secs(n as u64));
    }
    let woke = start() + HOUR * 8;
    assert_eq!(scheduler.take_due(woke).len(), 1);
    let mut taken = 1;
    let mut now = woke;
    while taken < 1_000 {
        now = scheduler.next_wake().unwrap();
        let more = scheduler.take_due(now).len();
        assert!(more <= 1);
        taken += more;
    }
    assert_eq!((now - woke).num_seconds(), 19);
}

#[test]
fn a_hundred_thousand_feeds_are_no_burden() {
    let mut scheduler = scheduler(64, 2);
    for n in 0..100_000 {
        scheduler.add(id(n), HostKey::new(&format!("host-{}", n % 5_000)), start());
    }
    // Ten reloads over: void entries must not pile up.
    for n in 0..10 * 100_000 {
        scheduler.add(id(n % 100_000), HostKey::new(&format!("host-{}", n % 5_000)), start());
    }
    assert!(scheduler.heap.len() <= 2 * 100_000 + VOID_SLACK);
    let mut seen = HashSet::new();
    while seen.len() < 100_000 {
        for feed in scheduler.take_due(start()) {
            scheduler.finished(&feed, start() + HOUR);
            assert!(seen.insert(feed), "each once");
        }
    }
    assert_eq!(scheduler.next_wake(), Some(start() + HOUR));
}

/// What a caller may do.
#[derive(Debug, Clone)]
enum Step {
    Add(usize, usize, i64),
    Remove(usize),
    Take(i64),
    Finish(usize, i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..12usize, 0..4usize, 0..100i64).prop_map(|(feed, host, due)| Step::Add(feed, host, due)),
        (0..12usize).prop_map(Step::Remove),
        (0..50i64).prop_map(Step::Take),
        (0..12usize, 0..200i64).prop_map(|(feed, due)| Step::Finish(feed, due)),
    ]
}

proptest! {
    #[test]
    fn it_agrees_with_a_plain_list(steps in proptest::collection::vec(step(), 1..200)) {
        let at = |seconds: i64| start() + TimeDelta::seconds(seconds);
        let mut scheduler = scheduler(5, 2);
        // Feed → (host, due); and in flight → (host of its permit, whether it was removed meanwhile).
        let mut waiting: BTreeMap<usize, (usize, i64)> = BTreeMap::new();
        let mut flying: BTreeMap<usize, (usize, Option<usize>)> = BTreeMap::new();
        let mut now = 0;
        for step in steps {
            match step {
                Step::Add(feed, host, due) => {
                    scheduler.add(id(feed), HostKey::new(&host.to_string()), at(due));
                    match flying.get_mut(&feed) {
                        Some((_, stays)) => *stays = Some(host),
                        None => { waiting.insert(feed, (host, due)); }
                    }
                }
                Step::Remove(feed) => {
                    scheduler.remove(&id(feed));
                    waiting.remove(&feed);
                    if let Some((_, stays)) = flying.get_mut(&feed) { *stays = None; }
                }
                Step::Finish(feed, due) => {
                    scheduler.finished(&id(feed), at(due));
                    if let Some((_, Some(host))) = flying.remove(&feed) { waiting.insert(feed, (host, due)); }
                }
                Step::Take(later) => {
                    now += later;
                    for feed in scheduler.take_due(at(now)) {
                        let feed: usize = feed.as_str()[5..].parse().unwrap();
                        let (host, due) = waiting.remove(&feed).expect("only what waits is taken");
                        prop_assert!(due <= now);
                        flying.insert(feed, (host, Some(host)));
                    }
                    let load = |host: usize| flying.values().filter(|(held, _)| *held == host).count();
                    prop_assert!(flying.len() <= 5);
                    prop_assert!((0..4).all(|host| load(host) <= 2));
                    // Nothing that could go was left behind.
                    for (host, due) in waiting.values() {
                        prop_assert!(*due > now || flying.len() == 5 || load(*host) == 2);
                    }
                    if flying.len() == 5 {
                        prop_assert_eq!(scheduler.next_wake(), None);
                    } else if let Some(due) = waiting.values().map(|(_, due)| *due).filter(|due| *due > now).min() {
                        prop_assert_eq!(scheduler.next_wake(), Some(at(due)));
                    }
                }
            }
            prop_assert_eq!(scheduler.len(), waiting.len() + flying.values().filter(|(_, s)| s.is_some()).count()
                + flying.values().filter(|(_, s)| s.is_none()).count());
        }
    }
}

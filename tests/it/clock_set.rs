//! Workers at work while somebody sets the machine's clock back and forward.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use wirewatch::{
    clock::Clock,
    config::{Pace, SinkSettings},
    deliver::{DeliverContext, Deliveries},
    store::{DeliveryFilter, Role, Store, StoredDelivery},
};

use crate::{
    deliver::{articles, finish, pending_and_dead, webhook},
    receiver::{Answer, Received, Receiver},
    store::{Home, poll, sink},
};

const HOUR: i64 = 3_600_000;
/// Between two attempts, and what jitter and a slow machine may add to it.
const STEP: u64 = 2_000;
const STEP_MIN: Duration = Duration::from_millis(1_500);
const STEP_MAX: Duration = Duration::from_millis(3_900);
/// No test waits longer for something that the store shows.
const PATIENCE: Duration = Duration::from_secs(20);

/// A store and a sink `hook` that sends one at a time, on a clock that is off by a number.
struct Desk {
    _home: Home,
    store: Store,
    context: DeliverContext,
    clock: Clock,
    off: &'static AtomicI64,
}

impl Desk {
    fn new(off: &'static AtomicI64) -> Self {
        let (home, clock) = (Home::new(), Clock::off_by(off));
        let store = Store::open(&home.path(), clock, Role::Daemon).unwrap();
        let context = DeliverContext { clock, ..crate::deliver::context() };
        Self { _home: home, store, context, clock, off }
    }

    fn start(&self, receiver: &Receiver) -> Deliveries {
        let pace = Pace { concurrency: 1, ..Pace::default() };
        let sinks = [SinkSettings { pace, ..webhook("hook", &receiver.url, &[STEP; 8]) }];
        Deliveries::start(&self.store, &sinks, &self.context).unwrap()
    }

    async fn publish(&self, numbers: std::ops::Range<usize>) {
        self.store.commit_poll(poll("a", self.clock.now(), articles(numbers, &["hook"]))).await.unwrap();
    }

    fn set_clock(&self, by: i64) {
        self.off.fetch_add(by, Ordering::SeqCst);
    }

    async fn until(&self, what: &str, is_so: impl Fn(&[StoredDelivery]) -> bool) {
        let started = Instant::now();
        let filter = DeliveryFilter { limit: 1_000, ..DeliveryFilter::default() };
        while !is_so(&self.store.deliveries(filter.clone()).await.unwrap()) {
            assert!(started.elapsed() < PATIENCE, "{what}");
            tokio::task::yield_now().await;
        }
    }
}

fn ids(requests: &[Received]) -> Vec<String> {
    requests.iter().map(|request| request.id().to_owned()).collect()
}

#[tokio::test]
async fn retry_comes_within_its_step_wherever_the_clock_is_set() {
    static OFF: AtomicI64 = AtomicI64::new(0);
    let desk = Desk::new(&OFF);
    let jumps = [-5 * HOUR, 7 * HOUR, -30 * HOUR, -26 * HOUR];
    let receiver = Receiver::start(move |attempt, _| Answer::Status(if attempt < jumps.len() { 500 } else { 204 }, ""));
    let receiver = receiver.await;
    let deliveries = desk.start(&receiver);
    desk.publish(0..1).await;
    for (n, by) in jumps.into_iter().enumerate() {
        receiver.received(n + 1).await;
        let failed = Instant::now();
        let attempts = u32::try_from(n + 1).unwrap();
        desk.until("the failure is kept", |rows| rows.iter().any(|row| row.attempts == attempts)).await;
        desk.set_clock(by);
        receiver.received(n + 2).await;
        let waited = failed.elapsed();
        assert!(STEP_MIN < waited && waited < STEP_MAX, "{waited:?} where the clock was set by {by} ms");
    }
    finish(deliveries, &desk.context).await;
    assert_eq!(pending_and_dead(&desk.store, "hook").await, (0, 0));
    assert_eq!(receiver.so_far().len(), jumps.len() + 1, "no attempt but those");
}

#[tokio::test]
async fn what_waits_for_a_sink_that_is_down_comes_once_and_in_its_order_after_the_clock_was_set_back() {
    static OFF: AtomicI64 = AtomicI64::new(0);
    let desk = Desk::new(&OFF);
    let is_down = Arc::new(AtomicBool::new(true));
    let gate = Arc::clone(&is_down);
    let answer = move |_, _: &Received| Answer::Status(if gate.load(Ordering::SeqCst) { 503 } else { 204 }, "");
    let receiver = Receiver::start(answer).await;
    let deliveries = desk.start(&receiver);
    for n in 0..40 {
        desk.publish(n..n + 1).await;
    }
    receiver.received(5).await;
    let state = async || desk.store.sink_state(&sink("hook")).await.unwrap();
    let started = Instant::now();
    while state().await.down.is_none() {
        assert!(started.elapsed() < PATIENCE, "it is known to be down");
        tokio::task::yield_now().await;
    }
    desk.set_clock(-3 * HOUR);
    let set = Instant::now();
    receiver.received(6).await;
    assert!(set.elapsed() < STEP_MAX, "the probe came after {:?}", set.elapsed());
    is_down.store(false, Ordering::SeqCst);
    receiver.received(6 + 40).await;
    assert!(set.elapsed() < 2 * STEP_MAX, "the rest came after {:?}", set.elapsed());
    finish(deliveries, &desk.context).await;
    assert_eq!(pending_and_dead(&desk.store, "hook").await, (0, 0));
    let got = ids(&receiver.so_far());
    assert_eq!(got.len(), 6 + 40, "each is sent once beside the six failures");
    let wanted: Vec<String> = articles(0..40, &[]).iter().map(|entry| entry.alerts[0].id.to_string()).collect();
    let never_tried: Vec<&String> = got[6..].iter().filter(|id| !got[..6].contains(id)).collect();
    assert_eq!(never_tried, wanted[5..].iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn pause_that_a_receiver_asks_for_is_as_long_after_the_clock_was_set_back() {
    static OFF: AtomicI64 = AtomicI64::new(0);
    let desk = Desk::new(&OFF);
    let is_first = AtomicBool::new(true);
    let answer = move |_, _: &Received| match is_first.swap(false, Ordering::SeqCst) {
        true => Answer::Status(429, "retry-after: 3\r\n"),
        false => Answer::Status(204, ""),
    };
    let receiver = Receiver::start(answer).await;
    let deliveries = desk.start(&receiver);
    desk.publish(0..1).await;
    receiver.received(1).await;
    let asked = Instant::now();
    desk.until("the failure is kept", |rows| rows.iter().any(|row| row.attempts == 1)).await;
    desk.set_clock(-2 * HOUR);
    desk.publish(1..3).await;
    receiver.received(3).await;
    let waited = asked.elapsed();
    assert!(Duration::from_millis(2_900) < waited && waited < Duration::from_millis(4_900), "{waited:?}");
    finish(deliveries, &desk.context).await;
    assert_eq!(receiver.so_far().len(), 4);
}

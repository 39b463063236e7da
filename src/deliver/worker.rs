//! One sink's worker: takes what is due, keeps some in flight, records what became of it.
//!
//! It sleeps until a commit brings outbox rows or the next retry is due; an idle sink costs nothing.

use std::{
    collections::{HashSet, VecDeque},
    future,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{task::JoinSet, time};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{
    DeliverContext, Reply, Sender, WorkerEnd,
    retry::{Decision, decide},
    trouble::Trouble,
};
use crate::{
    clock::Clock,
    config::{SinkId, SinkSettings},
    metrics::Metrics,
    store::{Attempt, AttemptEnd, Delivery, DeliveryId, MessageKind, Store, StoreError},
};

/// Rows taken from the store at once: a few rounds of flights, and little memory however long the outbox is.
const TAKE_MAX: usize = 64;
/// When told to stop, what is due gets this long; the rest is sent after the next start.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(5);
/// Pause before a store that refused is asked again.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// While something waits for its retry we look at the clock this often: it may have been set, or the machine slept.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// A sink's worker.
pub(super) struct Worker {
    store: Store,
    sink: SinkId,
    flight: Arc<Flight>,
    clock: Clock,
    metrics: Metrics,
    stop: CancellationToken,
    /// Taken from the store, not yet sent.
    ready: VecDeque<Delivery>,
    /// `ready`, and what is being sent.
    taken: HashSet<DeliveryId>,
    flights: JoinSet<Landed>,
    /// Whether the store may have more that is due.
    more: bool,
    /// When the store has something due again.
    next: Option<DateTime<Utc>>,
    trouble: Trouble,
    tally: Tally,
}

/// What a worker did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tally {
    pub delivered: usize,
    pub failed: usize,
    pub end: WorkerEnd,
}

/// What every flight needs.
struct Flight {
    sender: Sender,
    store: Store,
    clock: Clock,
    retry: Vec<Duration>,
    stop: CancellationToken,
}

/// A group that was sent.
struct Landed {
    group: Vec<Delivery>,
    /// Whether the store knows. If not, it stays taken: only another run sends it again.
    recorded: bool,
    /// `None`: who read our standard output has gone.
    reply: Option<(Reply, Vec<Attempt>)>,
}

impl Worker {
    pub fn new(store: Store, sink: &SinkSettings, sender: Sender, context: &DeliverContext) -> Self {
        let metrics = context.metrics.clone();
        for outcome in ["delivered", "failed", "dead"] {
            metrics.deliveries.with_label_values(&[sink.id.as_str(), outcome]);
        }
        metrics.sink_enabled.with_label_values(&[sink.id.as_str()]).set(1);
        let (clock, stop) = (context.clock, context.stop.clone());
        let flight = Flight { sender, store: store.clone(), clock, retry: sink.retry.clone(), stop: stop.clone() };
        Self {
            store,
            sink: sink.id.clone(),
            flight: Arc::new(flight),
            clock,
            metrics,
            stop,
            ready: VecDeque::new(),
            taken: HashSet::new(),
            flights: JoinSet::new(),
            more: true,
            next: None,
            trouble: Trouble::default(),
            tally: Tally { delivered: 0, failed: 0, end: WorkerEnd::Stopped },
        }
    }

    /// Until told to stop; then what is due is tried once more, with a deadline.
    pub async fn serve(mut self) -> WorkerEnd {
        let mut changed = self.store.changed();
        while self.tally.end == WorkerEnd::Stopped {
            self.launch(self.clock.now()).await;
            // Losing any branch halfway is harmless: what was marked changed stays so, a flight that has landed stays
            // in the set, and times are looked up anew.
            tokio::select! {
                () = self.stop.cancelled() => {
                    let due = self.clock.now();
                    // What is cut off is not recorded, and so is sent again.
                    let _ = time::timeout(DRAIN_TIME_MAX, self.drain(due)).await;
                    break;
                }
                change = changed.changed() => match change {
                    Ok(()) => self.more = true,
                    Err(_) => break,
                },
                () = sleep_until(self.next, self.clock), if !self.more => self.more = true,
                now = self.trouble.wait() => self.trouble.tell(&self.sink, now),
                Some(landed) = self.flights.join_next() => self.land(landed),
            }
        }
        self.trouble.tell_rest(&self.sink);
        self.tally.end
    }

    /// One pass over what is due now.
    pub async fn once(mut self) -> Tally {
        let (due, stop) = (self.clock.now(), self.stop.clone());
        tokio::select! {
            () = self.drain(due) => {}
            // What is cut off is not recorded, and so is sent again.
            () = stop.cancelled() => {}
        }
        self.trouble.tell_rest(&self.sink);
        self.tally
    }

    /// Sends what was due at `due`, each once: what fails now is due later.
    async fn drain(&mut self, due: DateTime<Utc>) {
        self.more = true;
        loop {
            self.launch(due).await;
            match self.flights.join_next().await {
                Some(landed) => self.land(landed),
                None => return,
            }
            if self.tally.end == WorkerEnd::StdoutClosed {
                return;
            }
        }
    }

    /// Puts into flight what is due and has room.
    async fn launch(&mut self, due: DateTime<Utc>) {
        while self.flights.len() < self.flight.sender.flights_max() {
            if self.ready.is_empty() {
                if !self.more {
                    return;
                }
                self.take(due).await;
                continue;
            }
            let size = self.ready.len().min(self.flight.sender.group_max());
            let group: Vec<Delivery> = self.ready.drain(..size).collect();
            self.flights.spawn(Arc::clone(&self.flight).fly(group));
        }
    }

    /// Asks the store for what is due.
    async fn take(&mut self, due: DateTime<Utc>) {
        match self.store.due(&self.sink, due, TAKE_MAX, &self.taken).await {
            Ok(found) => {
                self.trouble.store_answers(&self.sink);
                self.more = found.deliveries.len() == TAKE_MAX;
                self.next = found.next;
                self.taken.extend(found.deliveries.iter().map(|delivery| delivery.id));
                self.ready.extend(found.deliveries);
            }
            Err(error) => {
                self.trouble.store_refuses(&self.sink, &error);
                self.more = false;
                self.next = Some(self.clock.now() + STORE_PAUSE);
            }
        }
    }

    fn land(&mut self, landed: Result<Landed, tokio::task::JoinError>) {
        let landed = match landed {
            Ok(landed) => landed,
            Err(error) => {
                // A fault of ours in one attempt costs neither the other alerts nor the other sinks.
                error!(sink = %self.sink, %error, "an attempt broke off; its alerts wait for the next start");
                return;
            }
        };
        if landed.recorded {
            landed.group.iter().for_each(|delivery| {
                self.taken.remove(&delivery.id);
            });
        }
        let Some((reply, attempts)) = landed.reply else {
            self.tally.end = WorkerEnd::StdoutClosed;
            return;
        };
        for (delivery, attempt) in landed.group.iter().zip(&attempts) {
            self.count(delivery, attempt);
        }
        self.trouble.sink_said(&self.sink, &reply, &attempts);
    }

    fn count(&mut self, delivery: &Delivery, attempt: &Attempt) {
        // Who runs one turn wants to know of alerts.
        let counted = usize::from(delivery.kind == MessageKind::Alert);
        let outcome = match &attempt.ended {
            AttemptEnd::Delivered => {
                self.tally.delivered += counted;
                let lag = (attempt.at - delivery.made).num_milliseconds().max(0);
                self.metrics.delivery_lag_seconds.observe(lag as f64 / 1_000.0);
                "delivered"
            }
            AttemptEnd::Failed { retry, .. } => {
                self.tally.failed += counted;
                self.next = Some(self.next.map_or(*retry, |next| next.min(*retry)));
                "failed"
            }
            AttemptEnd::Dead { reason } => {
                self.tally.failed += counted;
                self.trouble.gave_up(&self.sink, &delivery.message, reason, time::Instant::now());
                "dead"
            }
        };
        self.metrics.deliveries.with_label_values(&[self.sink.as_str(), outcome]).inc();
    }
}

impl Flight {
    /// Sends a group, decides, records.
    async fn fly(self: Arc<Self>, group: Vec<Delivery>) -> Landed {
        let Some(reply) = self.sender.send(&group, self.clock.now()).await else {
            return Landed { group, recorded: false, reply: None };
        };
        let at = self.clock.now();
        // Lines that failed come back together and in their order, so they share their luck.
        let luck = if self.sender.keeps_order() { 0.5 } else { random() };
        let attempts: Vec<Attempt> = group.iter().map(|delivery| self.attempt(delivery, &reply, at, luck)).collect();
        let recorded = self.record(&attempts).await;
        Landed { group, recorded, reply: Some((reply, attempts)) }
    }

    fn attempt(&self, delivery: &Delivery, reply: &Reply, at: DateTime<Utc>, luck: f64) -> Attempt {
        let number = delivery.attempts.saturating_add(1);
        let ended = match decide(reply.answer, number, &self.retry, luck) {
            Decision::Delivered => AttemptEnd::Delivered,
            Decision::RetryAfter(wait) => {
                let wait = chrono::Duration::from_std(wait).unwrap_or(chrono::Duration::MAX);
                let retry = at.checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC);
                AttemptEnd::Failed { error: reply.said.clone(), retry }
            }
            Decision::Dead => AttemptEnd::Dead { reason: format!("{} at attempt {number}, the last", reply.said) },
        };
        Attempt { delivery: delivery.id, at, status: reply.answer.status(), ended }
    }

    /// Tries until the store takes it. Until then the group counts as in flight, so that a full disk does not make us
    /// send the same alert over and over.
    async fn record(&self, attempts: &[Attempt]) -> bool {
        let mut said = false;
        while let Err(error) = self.store.record(attempts.to_vec()).await {
            if !said {
                said = true;
                error!(%error, "could not record deliveries; trying on");
            }
            if matches!(error, StoreError::Closed { .. }) || self.stop.is_cancelled() {
                return false;
            }
            time::sleep(STORE_PAUSE).await;
        }
        true
    }
}

/// Never, where nothing is due.
async fn sleep_until(due: Option<DateTime<Utc>>, clock: Clock) {
    match due {
        None => future::pending().await,
        // A wait of milliseconds is rounded up, so that what we wake for is due.
        Some(due) => {
            let wait = (due - clock.now()).to_std().unwrap_or_default() + Duration::from_millis(1);
            time::sleep(wait.min(SLEEP_MAX)).await;
        }
    }
}

/// In 0..1, for jitter alone: a machine without randomness gets none.
fn random() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

//! One sink's worker: takes what is due, keeps some in flight, records what became of it.
//!
//! It sleeps until a commit brings outbox rows or something falls due; an idle sink costs nothing. What has landed is
//! recorded beside the next flights, many in one transaction, so that a sink is as fast as its answers and not as slow as
//! the disk's syncs.

mod landed;
mod record;
mod set_back;

use std::{
    collections::{HashSet, VecDeque},
    future,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;
use tracing::info;

use self::{landed::Landed, record::Recorded, set_back::Look};
use super::{DeliverContext, Sender, WorkerEnd, circuit, rate::Turnstile, trouble::Trouble};
use crate::{
    clock::Clock,
    config::{Pace, SinkId, SinkSettings},
    metrics::Metrics,
    store::{Batched, Delivery, DeliveryId, Settled, SinkState, Store, Which},
};

/// Rows taken from the store at once: a few rounds of flights, and little memory however long the outbox is.
const TAKE_MAX: usize = 128;
/// Rows that have landed and are not recorded yet. Beyond it nothing flies: a full disk must not make us send, over and
/// over, what we then can't keep.
const UNRECORDED_MAX: usize = 128;
/// When told to stop, what is due gets this long; the rest is sent after the next start.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(5);
/// One pass waits so long for the rate; what is left then is sent by the next one.
const RATE_WAIT_MAX: Duration = Duration::from_secs(10);
/// Then what has landed is recorded: a transaction, and a store that is busy.
const RECORD_TIME_MAX: Duration = Duration::from_secs(2);
/// Pause before a store that refused is asked again.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// While something waits for its retry we look at the clock this often: it may have been set, or the machine slept.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// A sink's worker.
pub(super) struct Worker {
    store: Store,
    sink: SinkId,
    sender: Arc<Sender>,
    retry: Vec<Duration>,
    pace: Pace,
    /// Who hears of this sink's troubles.
    others: Vec<SinkId>,
    clock: Clock,
    metrics: Metrics,
    stop: CancellationToken,
    /// Changes when a command has asked something.
    asked: watch::Receiver<i64>,
    /// How the sink does, whether it was read at all, and whether the store knows.
    state: SinkState,
    is_state_read: bool,
    is_state_known: bool,
    target: [u8; 16],
    turnstile: Turnstile,
    /// Taken from the store, not yet sent.
    ready: VecDeque<Delivery>,
    /// `ready`, what is being sent, and what is not recorded yet.
    taken: HashSet<DeliveryId>,
    flights: JoinSet<Landed>,
    unrecorded: Settled,
    recording: JoinSet<Recorded>,
    /// Rows that are being recorded.
    recording_rows: usize,
    /// Whether the store may have more that is due.
    more: bool,
    /// When the store has something due again.
    next: Option<DateTime<Utc>>,
    /// The last look at the clock, and by how much it was set back since the store's times were right.
    look: Look,
    set_back: TimeDelta,
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

/// What keeps a worker from sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    /// Nothing.
    Open,
    /// One row may go, to see whether the sink is back.
    Probe,
    /// Nothing goes, until then or until something happens.
    Shut(Option<DateTime<Utc>>),
    /// The sink takes nothing any more.
    Gone,
}

/// How far a pass goes.
#[derive(Debug, Clone, Copy)]
enum Pass {
    /// On and on.
    Serve,
    /// All that was due at this time, each once. With `true` also at a sink that is down.
    Drain(DateTime<Utc>, bool),
}

impl Worker {
    pub fn new(
        store: Store,
        sink: &SinkSettings,
        sender: Sender,
        others: Vec<SinkId>,
        context: &DeliverContext,
        asked: watch::Receiver<i64>,
    ) -> Self {
        let metrics = context.metrics.clone();
        for outcome in ["delivered", "failed", "dead"] {
            metrics.deliveries.with_label_values(&[sink.id.as_str(), outcome]);
        }
        metrics.sink_enabled.with_label_values(&[sink.id.as_str()]).set(1);
        Self {
            store,
            sink: sink.id.clone(),
            sender: Arc::new(sender),
            retry: sink.retry.clone(),
            pace: sink.pace,
            others,
            clock: context.clock,
            metrics,
            stop: context.stop.clone(),
            asked,
            state: SinkState::default(),
            is_state_read: false,
            is_state_known: true,
            target: super::target(sink),
            turnstile: Turnstile::new(sink.pace.rate),
            ready: VecDeque::new(),
            taken: HashSet::new(),
            flights: JoinSet::new(),
            unrecorded: Settled::default(),
            recording: JoinSet::new(),
            recording_rows: 0,
            more: true,
            next: None,
            look: Look::new(context.clock.now()),
            set_back: TimeDelta::zero(),
            trouble: Trouble::default(),
            tally: Tally { delivered: 0, failed: 0, end: WorkerEnd::Stopped },
        }
    }

    /// Until told to stop; then what is due is tried once more, with a deadline.
    pub async fn serve(mut self) -> WorkerEnd {
        let mut changed = self.store.changed();
        self.load_state().await;
        self.look_at_once().await;
        while self.tally.end == WorkerEnd::Stopped {
            let wake = self.launch(Pass::Serve).await;
            // Losing any branch halfway is harmless: what was marked changed stays so, a flight that has landed and a
            // record that was made stay in their sets, and times are looked up anew.
            tokio::select! {
                () = self.stop.cancelled() => break,
                change = changed.changed() => match change {
                    Ok(()) => self.more = true,
                    Err(_) => break,
                },
                Ok(()) = self.asked.changed() => {
                    self.load_state().await;
                    self.more = true;
                }
                () = sleep_until(wake) => self.more = true,
                now = self.trouble.wait() => self.trouble.tell(&self.sink, now),
                Some(landed) = self.flights.join_next() => self.land(landed),
                Some(recorded) = self.recording.join_next() => self.recorded(recorded).await,
            }
        }
        if self.tally.end == WorkerEnd::Stopped {
            let due = self.clock.now();
            // What is cut off is not recorded, and so is sent again.
            let _ = time::timeout(DRAIN_TIME_MAX, self.drain(due, false)).await;
        }
        let _ = time::timeout(RECORD_TIME_MAX, self.record_rest()).await;
        self.trouble.tell_rest(&self.sink);
        self.tally.end
    }

    /// One pass over what is due now.
    pub async fn once(mut self) -> Tally {
        let stop = self.stop.clone();
        let pass = async {
            self.load_state().await;
            let due = self.clock.now();
            self.drain(due, true).await;
        };
        tokio::select! {
            () = pass => {}
            // What is cut off is not recorded, and so is sent again.
            () = stop.cancelled() => {}
        }
        self.trouble.tell_rest(&self.sink);
        self.tally
    }

    /// Sends what was due at `due`, each once: what fails now is due later, and so is what the rate holds up for long.
    async fn drain(&mut self, due: DateTime<Utc>, also_down: bool) {
        self.more = true;
        let mut patience = None;
        loop {
            let mut wake = self.launch(Pass::Drain(due, also_down)).await;
            if !self.ready.is_empty() {
                // It is the rate that holds them up.
                wake = wake.filter(|wake| *wake <= *patience.get_or_insert_with(|| Instant::now() + RATE_WAIT_MAX));
            }
            let is_idle = self.flights.is_empty() && self.recording.is_empty();
            if is_idle && (wake.is_none() || self.tally.end == WorkerEnd::StdoutClosed) {
                return;
            }
            tokio::select! {
                Some(landed) = self.flights.join_next() => self.land(landed),
                Some(recorded) = self.recording.join_next() => self.recorded(recorded).await,
                // What was taken may have been discarded, or the sink be paused.
                Ok(()) = self.asked.changed() => self.load_state().await,
                () = sleep_until(wake) => {}
            }
        }
    }

    /// Reads how the sink does. One that sends elsewhere than before starts afresh.
    async fn load_state(&mut self) {
        match self.store.sink_state(&self.sink).await {
            // No command has changed it, and what we have learned since is newer.
            Ok(state) if self.is_state_read && state.version == self.state.version => {
                self.trouble.store_answers(&self.sink);
            }
            Ok(state) => {
                self.trouble.store_answers(&self.sink);
                self.is_state_read = true;
                let was_disabled = state.disabled.is_some();
                let is_new = state.target.is_some_and(|target| target != self.target);
                self.state = if is_new { state.revived() } else { state };
                if self.state.target != Some(self.target) {
                    self.state.target = Some(self.target);
                    self.is_state_known = false;
                }
                if is_new {
                    if was_disabled {
                        info!(sink = %self.sink, "the sink sends elsewhere now and is enabled again");
                    }
                    // What was refused there may be taken here.
                    if let Err(error) = self.store.hasten(&self.sink, self.clock.now()).await {
                        self.trouble.store_refuses(&self.sink, &error);
                    }
                }
            }
            Err(error) => self.trouble.store_refuses(&self.sink, &error),
        }
        self.put_back();
        self.show_state();
    }

    /// A start is a reason to look whether a sink is back: who starts wirewatch has perhaps mended it.
    async fn look_at_once(&mut self) {
        if self.state.down.is_none() {
            return;
        }
        let now = self.clock.now();
        if let Err(error) = self.store.hasten_one(&self.sink, self.state.probe, now).await {
            self.trouble.store_refuses(&self.sink, &error);
        }
        self.state.probe_at = self.state.probe_at.map(|at| at.min(now));
        self.is_state_known = false;
    }

    fn show_state(&self) {
        let takes = self.state.disabled.is_none() && self.state.paused.is_none();
        self.metrics.sink_enabled.with_label_values(&[self.sink.as_str()]).set(i64::from(takes));
    }

    /// What was taken and not sent waits in the store again.
    fn put_back(&mut self) {
        for delivery in self.ready.drain(..) {
            self.taken.remove(&delivery.id);
        }
        self.more = true;
    }

    fn gate(&self, pass: Pass, now: DateTime<Utc>) -> Gate {
        let SinkState { paused, disabled, hold_until, down, probe_at, .. } = self.state;
        if paused.is_some() {
            return Gate::Shut(None);
        }
        if disabled.is_some() {
            return Gate::Gone;
        }
        if let Some(until) = hold_until.filter(|until| *until > now) {
            return Gate::Shut(Some(until));
        }
        match (down, pass) {
            (None, _) | (_, Pass::Drain(_, true)) => Gate::Open,
            // It was tried, and is known to be down.
            (Some(_), Pass::Drain(_, false)) => Gate::Shut(None),
            // One probe at a time, after those that were under way when it went down.
            (Some(_), Pass::Serve) if !self.flights.is_empty() => Gate::Shut(None),
            (Some(_), Pass::Serve) => match probe_at.filter(|at| *at > now) {
                Some(at) => Gate::Shut(Some(at)),
                None => Gate::Probe,
            },
        }
    }

    /// Puts into flight what is due and may go; gives when to look again, unless something happens before.
    async fn launch(&mut self, pass: Pass) -> Option<Instant> {
        let now = self.look();
        if !self.take_store_back(now).await && matches!(pass, Pass::Serve) {
            return Some(Instant::now() + STORE_PAUSE);
        }
        if let Some(tell_at) = circuit::tell_at(&self.state)
            && tell_at <= now
        {
            self.tell_failing(now).await;
        }
        let due = match pass {
            Pass::Serve => now,
            Pass::Drain(due, _) => due,
        };
        let gate = self.gate(pass, now);
        let wake = match gate {
            Gate::Open => self.launch_all(pass, due).await,
            Gate::Probe => self.launch_probe(due).await,
            Gate::Shut(until) => until.map(|until| self.instant(until)),
            Gate::Gone => self.bury(now).await,
        };
        self.start_recording();
        match pass {
            Pass::Serve => {
                let tell = circuit::tell_at(&self.state).map(|at| self.instant(at));
                [wake, tell].into_iter().flatten().min()
            }
            // Nothing of a pass waits for what comes later, but for the rate.
            Pass::Drain(..) => wake.filter(|_| gate == Gate::Gone || !self.ready.is_empty()),
        }
    }

    async fn launch_all(&mut self, pass: Pass, due: DateTime<Utc>) -> Option<Instant> {
        let flights_max = self.sender.flights_max(self.pace.concurrency);
        while self.flights.len() < flights_max && self.unrecorded.attempts.len() + self.recording_rows < UNRECORDED_MAX
        {
            if self.ready.is_empty() {
                if !self.more {
                    break;
                }
                self.take(pass, due).await;
                continue;
            }
            if let Some(opens) = self.turnstile.opens(Instant::now()) {
                return Some(opens);
            }
            let size = self.ready.len().min(self.sender.group_max());
            let group: Vec<Delivery> = self.ready.drain(..size).collect();
            self.fly(group, false);
        }
        match self.more || !self.ready.is_empty() {
            // There is something to do, and a landing or a record makes room for it.
            true => None,
            false => self.next.map(|next| self.instant(next)),
        }
    }

    async fn launch_probe(&mut self, due: DateTime<Utc>) -> Option<Instant> {
        if let Some(opens) = self.turnstile.opens(Instant::now()) {
            return Some(opens);
        }
        if self.state.probe.is_some_and(|row| self.taken.contains(&row)) {
            // Its last attempt is being recorded.
            return None;
        }
        let is_batched = self.pace.batch_max > 1;
        let any = if is_batched { Which::Whole } else { Which::All };
        for which in self.state.probe.map(Which::One).into_iter().chain([any]) {
            if self.send_probe(which, due).await {
                return None;
            }
        }
        if is_batched {
            self.make_batch(Duration::ZERO, due).await;
            if self.send_probe(any, due).await {
                return None;
            }
        }
        self.next.map(|next| self.instant(next))
    }

    /// Sends the first of these rows that is due, if there is one.
    async fn send_probe(&mut self, which: Which, due: DateTime<Utc>) -> bool {
        self.find(which, due, 1).await;
        let Some(delivery) = self.ready.pop_front() else { return false };
        self.fly(vec![delivery], true);
        true
    }

    fn fly(&mut self, group: Vec<Delivery>, is_probe: bool) {
        self.turnstile.pass(Instant::now());
        let (sender, clock) = (Arc::clone(&self.sender), self.clock);
        self.flights.spawn(async move {
            let reply = sender.send(&group, clock.now()).await;
            Landed { group, is_probe, at: clock.now(), reply }
        });
    }

    /// Asks the store for what is due, making batches of it where that is wanted.
    async fn take(&mut self, pass: Pass, due: DateTime<Utc>) {
        if self.pace.batch_max == 1 {
            return self.find(Which::All, due, TAKE_MAX).await;
        }
        let wait = match pass {
            Pass::Serve => self.pace.batch_wait,
            Pass::Drain(_, is_once) => {
                if is_once {
                    Duration::ZERO
                } else {
                    self.pace.batch_wait
                }
            }
        };
        let made = self.make_batch(wait, due).await;
        self.find(Which::Whole, due, TAKE_MAX).await;
        match made {
            Some(Batched::Made) => self.more = true,
            Some(Batched::Until(until)) => self.next = Some(self.next.map_or(until, |next| next.min(until))),
            Some(Batched::Empty) | None => {}
        }
    }

    async fn make_batch(&mut self, wait: Duration, due: DateTime<Utc>) -> Option<Batched> {
        let made = self.store.make_batch(&self.sink, due, self.pace.batch_max, wait).await;
        made.inspect_err(|error| self.trouble.store_refuses(&self.sink, error)).ok()
    }

    async fn find(&mut self, which: Which, due: DateTime<Utc>, limit: usize) {
        match self.store.due_of(&self.sink, which, due, limit, &self.taken).await {
            Ok(found) => {
                self.trouble.store_answers(&self.sink);
                self.more = found.has_more;
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

    /// Makes dead letters of what waits for a sink that is gone, some at a time.
    async fn bury(&mut self, now: DateTime<Utc>) -> Option<Instant> {
        // What is under way may yet be taken.
        if !self.more || !self.flights.is_empty() || !self.recording.is_empty() || !self.unrecorded.attempts.is_empty()
        {
            return None;
        }
        let reason = self.state.last_failure.as_deref().unwrap_or("it is gone");
        let reason = format!("the sink is disabled: {reason}");
        match self.store.bury(&self.sink, now, &reason).await {
            Ok(0) => {
                self.more = false;
                None
            }
            Ok(buried) => {
                self.trouble.buried(buried);
                Some(Instant::now())
            }
            Err(error) => {
                self.trouble.store_refuses(&self.sink, &error);
                Some(Instant::now() + STORE_PAUSE)
            }
        }
    }

    /// When a time of the clock comes, looked at again after a while: the clock may be set.
    fn instant(&self, at: DateTime<Utc>) -> Instant {
        // A wait of milliseconds is rounded up, so that what we wake for is due.
        let wait = (at - self.clock.now()).to_std().unwrap_or_default() + Duration::from_millis(1);
        Instant::now() + wait.min(SLEEP_MAX)
    }
}

/// Never, where there is nothing to wake for.
async fn sleep_until(wake: Option<Instant>) {
    match wake {
        None => future::pending().await,
        Some(wake) => time::sleep_until(wake).await,
    }
}

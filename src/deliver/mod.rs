//! Alerts to where people are: one worker a sink, retried until delivered or dead.
//!
//! The outbox is the truth: a worker takes what is due, sends it, and records what became of it; whatever it has not
//! recorded is sent again after a restart, with the same id. Workers share nothing, so that a slow sink delays no
//! other. What an answer means is decided in `retry`, which knows no socket.

pub mod circuit;
mod console;
mod cover;
mod email;
mod exec;
pub mod format;
#[cfg(feature = "nats")]
mod nats;
mod rate;
mod recipients;
pub mod retry;
mod rotate;
mod sender;
pub mod sign;
mod smtp;
mod special;
mod trouble;
mod webhook;
mod worker;

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use self::{
    sender::{Reply, Sender, target},
    sign::SecretError,
    worker::Worker,
};
use crate::{
    alert::{Event, EventKind, MessageId, text::safe},
    clock::Clock,
    config::{OutputFormat, Proxy, SinkId, SinkSettings},
    fetch::FetchError,
    metrics::Metrics,
    store::{Delivery, DeliveryId, MessageKind, SinkState, Store, StoreError},
};

/// What all workers need.
#[derive(Debug, Clone)]
pub struct DeliverContext {
    /// For due times, timestamps and lags.
    pub clock: Clock,
    /// Counted on.
    pub metrics: Metrics,
    /// The daemon's; a sink's own comes first.
    pub proxy: Proxy,
    /// Whether every sink may reach private addresses.
    pub allow_private: bool,
    /// What a stdout sink prints where its `format` is `auto`, or always if the command line says so.
    pub stdout: StdoutLook,
    /// How text looks.
    pub text: TextLook,
    /// Who hears of sinks that fail: `[defaults] sinks`.
    pub event_sinks: Vec<SinkId>,
    /// Ends the workers.
    pub stop: CancellationToken,
}

/// How standard output is to be written.
#[derive(Debug, Clone, Copy)]
pub struct StdoutLook {
    /// `--json` or `--text`; `None` where neither is given.
    pub forced: Option<OutputFormat>,
    /// Whether a person sees it.
    pub is_terminal: bool,
}

/// How an alert looks as text.
#[derive(Debug, Clone, Copy)]
pub struct TextLook {
    /// For times.
    pub timezone: chrono_tz::Tz,
    /// Whether ANSI colours may be used on standard output; a file never has them.
    pub color: bool,
    /// English name of a country, group or body by its id.
    pub party_name: fn(&str) -> Option<&'static str>,
}

/// Why a sink can't be started.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// A secret of the webhook can't be used.
    #[error("sink `{sink}`: {source}")]
    Secret {
        /// Which sink.
        sink: SinkId,
        /// Which secret.
        source: SecretError,
    },
    /// Its template can't be used.
    #[error("sink `{sink}`: the template can't be used: {reason}")]
    Template {
        /// Which sink.
        sink: SinkId,
        /// Why.
        reason: String,
    },
    /// Its mail server can't be spoken to.
    #[error("sink `{sink}`: no TLS for its mail server: {source}")]
    Mail {
        /// Which sink.
        sink: SinkId,
        /// Why.
        source: lettre::transport::smtp::Error,
    },
    /// Its NATS credentials can't be used.
    #[error("sink `{sink}`: its NATS credentials can't be used: {source}")]
    Credentials {
        /// Which sink.
        sink: SinkId,
        /// Why.
        source: std::io::Error,
    },
    /// This build can't send there.
    #[error("sink `{sink}`: this wirewatch was built without {what}")]
    LeftOut {
        /// Which sink.
        sink: SinkId,
        /// What it would take.
        what: &'static str,
    },
    /// Its HTTP client can't be built.
    #[error("sink `{sink}`: {source}")]
    Client {
        /// Which sink.
        sink: SinkId,
        /// Why.
        source: FetchError,
    },
}

/// Why a worker has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerEnd {
    /// It was told to stop, or the store was closed.
    Stopped,
    /// Who read our standard output has gone: time to end quietly.
    StdoutClosed,
}

/// The workers at work. Dropping it stops them at once; what they have not recorded is sent again.
#[derive(Debug)]
pub struct Deliveries {
    workers: JoinSet<WorkerEnd>,
    /// Listens for commands, for as long as the workers are there.
    _listener: JoinSet<()>,
}

impl Deliveries {
    /// Starts a worker for each sink. They end when `context.stop` is cancelled: what is due is tried once more, with
    /// a deadline.
    ///
    /// # Errors
    /// A sink's settings can't be used.
    pub fn start(store: &Store, sinks: &[SinkSettings], context: &DeliverContext) -> Result<Self, DeliverError> {
        let mut workers = JoinSet::new();
        let (tell, asked) = watch::channel(0);
        for worker in workers_of(store, sinks, context, &asked)? {
            workers.spawn(worker.serve());
        }
        let mut listener = JoinSet::new();
        listener.spawn(listen(store.clone(), tell));
        Ok(Self { workers, _listener: listener })
    }

    /// Waits for a worker to end; `None` when all have. Cancel safe.
    pub async fn ended(&mut self) -> Option<WorkerEnd> {
        match self.workers.join_next().await? {
            Ok(end) => Some(end),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Some(WorkerEnd::Stopped),
        }
    }
}

/// What one pass over the outbox did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OncePass {
    /// The sinks have them.
    pub delivered: usize,
    /// Tried in vain, dead letters among them.
    pub failed: usize,
    /// Still in the outbox, for these sinks.
    pub left: usize,
    /// Who read our standard output has gone.
    pub stdout_closed: bool,
}

/// Tries each delivery that is due now once, at all sinks side by side; what a rate holds up for more than ten seconds is
/// left. Commands are heard meanwhile. `context.stop` ends it early.
///
/// # Errors
/// The store can't be read, or a sink's settings can't be used.
pub async fn once(store: &Store, sinks: &[SinkSettings], context: &DeliverContext) -> Result<OncePass, OnceError> {
    let mut pass = OncePass::default();
    let mut workers = JoinSet::new();
    let (tell, asked) = watch::channel(0);
    for worker in workers_of(store, sinks, context, &asked)? {
        workers.spawn(worker.once());
    }
    drop(asked);
    let mut listener = JoinSet::new();
    listener.spawn(listen(store.clone(), tell));
    while let Some(ended) = workers.join_next().await {
        match ended {
            Ok(tally) => {
                pass.delivered += tally.delivered;
                pass.failed += tally.failed;
                pass.stdout_closed |= tally.end == WorkerEnd::StdoutClosed;
            }
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }
    // It ends with the workers, and lets go of the store.
    while listener.join_next().await.is_some() {}
    let ours = store.backlogs().await?.into_iter().filter(|backlog| sinks.iter().any(|sink| sink.id == backlog.sink));
    pass.left = ours.map(|backlog| usize::try_from(backlog.pending).unwrap_or_default()).sum();
    Ok(pass)
}

/// How a sink took a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// Whether it has it.
    pub is_taken: bool,
    /// What it answered.
    pub said: String,
}

/// Sends a signed sample, past the outbox.
///
/// # Errors
/// The sink's settings can't be used.
pub async fn test(sink: &SinkSettings, context: &DeliverContext) -> Result<Tested, DeliverError> {
    let sender = Sender::new(sink, context)?;
    let now = context.clock.now();
    let event = Event::new(EventKind::Test { sink: sink.id.clone() }, now);
    let delivery = Delivery {
        id: DeliveryId::from_number(0),
        message: MessageId::from_stored(event.id.to_string()),
        kind: MessageKind::Event,
        body: event.to_json(),
        made: now,
        attempts: 0,
        first_attempt: None,
    };
    Ok(match sender.send(std::slice::from_ref(&delivery), now).await {
        Some(reply) => Tested { is_taken: reply.answer.is_success(), said: safe(&reply.said) },
        None => Tested { is_taken: false, said: "nobody reads standard output".to_owned() },
    })
}

/// Why a pass over the outbox could not be made.
#[derive(Debug, thiserror::Error)]
pub enum OnceError {
    /// A sink's settings.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Brings the figures about what waits up to date: called when somebody looks at them, so that an idle daemon counts
/// nothing. `now` is for the age of the oldest.
///
/// # Errors
/// The store can't be read.
pub async fn observe(
    store: &Store,
    metrics: &Metrics,
    sinks: &[SinkSettings],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let backlogs = store.backlogs().await?;
    for sink in sinks {
        let backlog = backlogs.iter().find(|backlog| backlog.sink == sink.id);
        let label = [sink.id.as_str()];
        let age = backlog.and_then(|b| b.oldest).map_or(0, |oldest| (now - oldest).num_milliseconds().max(0));
        metrics.outbox_pending.with_label_values(&label).set(backlog.map_or(0, |b| b.pending));
        metrics.dead_letters.with_label_values(&label).set(backlog.map_or(0, |b| b.dead));
        metrics.oldest_pending_seconds.with_label_values(&label).set(age as f64 / 1_000.0);
    }
    Ok(())
}

/// Whether the sink sends to another place than the one that its state tells of: then it starts afresh.
pub fn sends_elsewhere(sink: &SinkSettings, state: &SinkState) -> bool {
    state.target.is_some_and(|known| known != target(sink))
}

/// What is asked by command is looked for this often.
const NOTICE: Duration = Duration::from_millis(500);

fn workers_of(
    store: &Store,
    sinks: &[SinkSettings],
    context: &DeliverContext,
    asked: &watch::Receiver<i64>,
) -> Result<Vec<Worker>, DeliverError> {
    let worker = |sink: &SinkSettings| {
        let others = others(&sink.id, sinks, &context.event_sinks);
        Ok(Worker::new(store.clone(), sink, Sender::new(sink, context)?, others, context, asked.clone()))
    };
    sinks.iter().map(worker).collect()
}

/// Who hears of a sink's troubles: those who hear of events, or, where it is the only one of them, all others.
fn others(sink: &SinkId, sinks: &[SinkSettings], named: &[SinkId]) -> Vec<SinkId> {
    let others: Vec<SinkId> = named.iter().filter(|other| *other != sink).cloned().collect();
    if others.is_empty() && !named.is_empty() {
        return sinks.iter().map(|other| &other.id).filter(|other| *other != sink).cloned().collect();
    }
    others
}

/// Notices what commands beside the daemon change in the store.
async fn listen(store: Store, tell: watch::Sender<i64>) {
    let mut known = None;
    loop {
        match store.asked().await {
            Ok(count) => {
                // The first count is told too: something may have been asked since the workers looked.
                if known.replace(count) != Some(count) {
                    tell.send_replace(count);
                }
            }
            Err(StoreError::Closed { .. }) => return,
            // The workers say that the store can't be read.
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(NOTICE) => {}
            // Nobody is left to be told.
            () = tell.closed() => return,
        }
    }
}

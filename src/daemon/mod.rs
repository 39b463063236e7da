//! The rooms wired into tasks: start, poll, drain, stop.
//!
//! ```text
//!  scheduler loop ──spawns──► poll tasks ──PollResult──► store's writer ──commit──► sink workers
//!        ▲     │                  │                            ▲
//!        ├────────────Polled──────┘                            │
//!        │     └──────spawns──► page tasks ──PageResult────────┘
//!        └────────────PageEnd─────┘
//! ```

pub mod discover;
pub mod feeds;
mod lists;
mod matching;
pub mod once;
mod page_hosts;
pub mod pages;
pub mod poll;
mod push;
mod reading;
pub mod watching;
pub mod websub;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore},
    task::JoinSet,
    time::{MissedTickBehavior, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use self::{
    feeds::{Feeds, HostRest, Relisted},
    lists::Lists,
    page_hosts::PageEnd,
    poll::{Polled, Poller},
    watching::Watching,
    websub::Hubs,
};
use crate::{
    clock::Clock,
    config::{FeedId, Settings},
    deliver::{DeliverContext, DeliverError, Deliveries, OnceError, StdoutLook, TextLook, WorkerEnd},
    fetch::{FetchError, FetchLimits, Fetcher},
    metrics::Metrics,
    schedule::PollReason,
    serve::{self, Served, commands::Commands, health::Readiness},
    store::{Role, Store, StoreError},
    watch::pack::Packs,
};

/// Polls under way when a stop comes may end within this, which is longer than nearly every feed's answer. One that dribbles
/// is not waited for: its feed is asked again at the next start, and until then nobody is polled.
const POLLS_END_MAX: Duration = Duration::from_secs(3);
/// Deliveries under way, and one more try of what is due, may take this.
const DELIVERIES_END_MAX: Duration = Duration::from_secs(8);
/// The scheduler wakes at least this often, to say that it is going and to notice that the clock has jumped.
const WAKE_MAX: Duration = Duration::from_secs(20);
/// What is asked by command, and lists of feeds that have changed, are looked for this often.
const NOTICE: Duration = Duration::from_millis(500);
/// Old texts are forgotten this often.
const HOUSEKEEPING: Duration = Duration::from_secs(15 * 60);
/// A feed whose poll the store could not take is asked again after this.
const STORE_RETRY: Duration = Duration::from_secs(15);

/// How the polls of feeds that are one request ended.
type GroupEnd = Vec<(FeedId, Result<Polled, StoreError>)>;

/// Why the daemon could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No HTTP client could be made.
    #[error("could not prepare for fetching feeds")]
    Fetch(#[from] FetchError),
    /// A sink could not be made ready.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// The outbox could not be gone through.
    #[error(transparent)]
    Once(#[from] OnceError),
    /// The port is taken, or the address is not ours.
    #[error("can't listen at {address}: set `[daemon] listen` to a free address, or to \"off\"")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// How alerts look on standard output.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// What it is.
    pub stdout: StdoutLook,
    /// Whether it may carry colours.
    pub color: bool,
}

/// A daemon that holds its store and is about to run.
#[derive(Debug)]
pub struct Daemon {
    settings: Settings,
    poller: Arc<Poller>,
    look: Look,
    readiness: Arc<Readiness>,
}

impl Daemon {
    /// Opens the store and takes its lock. Polls nothing yet.
    ///
    /// # Errors
    /// Another daemon holds the store, it cannot be opened, or no HTTP client can be made.
    pub fn open(settings: Settings, watching: Watching, clock: Clock, look: Look) -> Result<Self, DaemonError> {
        let store = Store::open(&settings.daemon.store, clock, Role::Daemon)?;
        let daemon = settings.daemon.clone();
        let fetcher = Fetcher::new(
            daemon.contact.as_deref(),
            &daemon.proxy,
            daemon.allow_private_networks,
            FetchLimits::default(),
        )?;
        let metrics = Metrics::new();
        for watch in watching.watches() {
            metrics.alerts.with_label_values(&[watch.id.as_str()]);
        }
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let poller = Poller {
            fetcher,
            store,
            watching: Arc::new(watching),
            metrics,
            clock,
            settings: daemon,
            readers: Arc::new(Semaphore::new(cores)),
            page_readers: Arc::new(Semaphore::new((cores / 2).max(1))),
            pages_wanted: Notify::new(),
            hubs: Hubs::new(&settings),
        };
        Ok(Self { settings, poller: Arc::new(poller), look, readiness: Arc::new(Readiness::new(clock)) })
    }

    /// Its figures.
    pub fn metrics(&self) -> &Metrics {
        &self.poller.metrics
    }

    /// Its store.
    pub fn store(&self) -> &Store {
        &self.poller.store
    }

    /// How many watches must be looked at for every article.
    pub fn unfiled_watches(&self) -> usize {
        self.poller.watching.unfiled()
    }

    /// What it was configured with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Takes the address of `[daemon] listen`; `None` where that is off.
    ///
    /// # Errors
    /// The port is taken, or the address is not ours.
    pub async fn listen(&self) -> Result<Option<TcpListener>, DaemonError> {
        let Some(address) = self.settings.daemon.listen else { return Ok(None) };
        serve::listen(address).await.map(Some).map_err(|source| DaemonError::Listen { address, source })
    }

    /// Polls, matches and delivers until `stop`, then drains: polls under way end, what is due is tried once more.
    ///
    /// # Errors
    /// A sink could not be made ready. What goes wrong later is logged and lived with.
    pub async fn run(self, listener: Option<TcpListener>, stop: CancellationToken) -> Result<(), DaemonError> {
        let close_listener = CancellationToken::new();
        let (commands, asked) = Commands::new();
        let served = Served {
            metrics: self.poller.metrics.clone(),
            readiness: Arc::clone(&self.readiness),
            token: self.settings.daemon.token.clone(),
            store: self.poller.store.clone(),
            sinks: self.settings.sinks.clone().into(),
            clock: self.poller.clock,
            commands,
        };
        let mut beside = JoinSet::new();
        beside.spawn(push::take_in(Arc::clone(&self.poller), asked));
        if listener.is_some() {
            beside.spawn(Arc::clone(&self.poller).keep_subscribed());
        }
        let server = listener.map(|listener| tokio::spawn(serve::serve(listener, served, close_listener.clone())));
        let end_workers = CancellationToken::new();
        let context = self.deliver_context(end_workers.clone());
        let mut workers = Deliveries::start(&self.poller.store, &self.settings.sinks, &context)?;
        let mut stdout_closed = false;
        {
            let schedule = self.schedule(&stop);
            tokio::pin!(schedule);
            loop {
                // A worker's end stays noted until it is taken, and the schedule goes on where it was.
                tokio::select! {
                    () = &mut schedule => break,
                    Some(end) = workers.ended(), if !stdout_closed => {
                        if end == WorkerEnd::StdoutClosed {
                            stdout_closed = true;
                            stop.cancel();
                        }
                    }
                }
            }
        }
        self.readiness.drain();
        end_workers.cancel();
        let all_ended = async { while workers.ended().await.is_some() {} };
        if timeout(DELIVERIES_END_MAX, all_ended).await.is_err() {
            warn!("some deliveries did not end in time: they are tried again at the next start");
        }
        close_listener.cancel();
        if let Some(server) = server {
            server.abort();
        }
        Ok(())
    }

    fn deliver_context(&self, stop: CancellationToken) -> DeliverContext {
        DeliverContext {
            clock: self.poller.clock,
            metrics: self.poller.metrics.clone(),
            proxy: self.settings.daemon.proxy.clone(),
            allow_private: self.settings.daemon.allow_private_networks,
            stdout: self.look.stdout,
            text: TextLook {
                timezone: self.settings.daemon.timezone,
                color: self.look.color,
                party_name: Packs::english_name,
            },
            event_sinks: self.settings.default_sinks.clone(),
            stop,
        }
    }

    /// The scheduler's loop: who is due, whose poll has ended, until `stop`.
    async fn schedule(&self, stop: &CancellationToken) {
        let mut feeds = match Feeds::load(&self.settings, &self.poller).await {
            Ok(feeds) => feeds,
            Err(error) => {
                error!(error = %error, "can't read the feeds' states");
                return;
            }
        };
        let mut polls: JoinSet<(FeedId, GroupEnd)> = JoinSet::new();
        let mut pages: JoinSet<PageEnd> = JoinSet::new();
        let mut housekeeping = self.poller.clock.now();
        // What the last run left.
        self.poller.pages_wanted.notify_one();
        let mut lists = Lists::of(&self.settings);
        let mut notice = tokio::time::interval(NOTICE);
        notice.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let refresh_lists = self.refresh_lists();
        tokio::pin!(refresh_lists);
        while !stop.is_cancelled() {
            let now = self.poller.clock.now();
            self.readiness.scheduler_goes(now);
            let (groups, hosts) = feeds.take_due(now);
            for host in hosts {
                self.begin_page(&mut feeds, host, &mut pages).await;
            }
            for group in groups {
                let poller = Arc::clone(&self.poller);
                polls.spawn(async move { (group[0].id.clone(), poller.poll(&group).await) });
            }
            if now >= housekeeping {
                housekeeping = now + HOUSEKEEPING;
                // Those of feeds that are not paused any more are among them.
                self.poller.pages_wanted.notify_one();
                self.keep_house(now).await;
            }
            let wait = feeds.next_wake().map_or(WAKE_MAX, |due| (due - now).to_std().unwrap_or_default());
            // Losing any branch halfway harms nothing: a poll that has ended stays in the set until it is taken, the next
            // wake is asked for anew, and lists are fetched on where that was.
            tokio::select! {
                () = stop.cancelled() => {}
                () = &mut refresh_lists => {}
                _ = notice.tick() => self.notice(&mut feeds, lists.as_mut()).await,
                () = tokio::time::sleep(wait.min(WAKE_MAX)) => {}
                () = self.poller.pages_wanted.notified() => self.look_for_pages(&mut feeds).await,
                Some(ended) = polls.join_next() => self.ended(&mut feeds, ended),
                Some(ended) = pages.join_next() => self.page_ended(&mut feeds, ended),
            }
        }
        // Pages under way are asked for again at the next start.
        pages.abort_all();
        info!(under_way = polls.len(), "stopping: polls under way may end");
        let drain = async {
            while let Some(ended) = polls.join_next().await {
                self.ended(&mut feeds, ended);
            }
        };
        if timeout(POLLS_END_MAX, drain).await.is_err() {
            warn!("some polls did not end in time: their feeds are polled again at the next start");
        }
    }

    fn ended(&self, feeds: &mut Feeds, ended: Result<(FeedId, GroupEnd), tokio::task::JoinError>) {
        let (first, polls) = match ended {
            Ok(polls) => polls,
            // Polls are never aborted while the loop runs, so this is a panic, and the feed's name went down with it.
            Err(error) => return error!(error = %error, "a poll broke off"),
        };
        for (feed, polled) in &polls {
            // Said once: a full disk fails every poll.
            if let Err(error) = polled
                && self.readiness.lacks() != Some(serve::health::STORE_LACK)
            {
                error!(feed = %feed, error = %error, "a poll could not be stored: nothing of it is acknowledged");
            }
            self.readiness.store_is_writable(polled.is_ok());
        }
        if let Some(rest) = feeds.ended(&first, &polls, self.poller.clock.now() + STORE_RETRY) {
            self.note_rest(rest);
        }
    }

    /// For `feeds list` and the next start; the schedule knows already, so nothing waits for it.
    fn note_rest(&self, rest: HostRest) {
        let store = self.poller.store.clone();
        tokio::spawn(async move {
            let reason = PollReason::HostSlow.to_string();
            if let Err(error) = store.postpone(rest.feeds, rest.until, reason).await {
                warn!(error = %error, "that a host is to be left alone could not be stored");
            }
        });
    }

    /// Looks for what was asked by command, and for lists of feeds that have changed.
    async fn notice(&self, feeds: &mut Feeds, lists: Option<&mut Lists>) {
        if let Some(lists) = lists
            && let Some(listed) = lists.changed().await
        {
            let states = if feeds.has_new(&listed) { self.poller.store.feed_states().await } else { Ok(Vec::new()) };
            match states {
                Ok(states) => {
                    let Relisted { came, changed, went } = feeds.relist(listed, &states, &self.settings.daemon);
                    self.poller.hubs.know(feeds.all());
                    if came + changed + went > 0 {
                        info!(came, changed, went, "lists of feeds changed");
                    }
                }
                Err(error) => error!(error = %error, "can't read the feeds' states"),
            }
        }
        for (feed, due) in self.poller.hubs.take_soon() {
            feeds.poll_soon(&feed, due);
        }
        let asked = match self.poller.store.feed_wishes().await {
            Ok(wishes) => feeds.heed(&wishes),
            Err(error) => return debug!(error = %error, "can't read what is asked of feeds"),
        };
        for (feed, at) in asked {
            if let Err(error) = self.poller.store.poll_taken(&feed, at).await {
                warn!(feed = %feed, error = %error, "a poll that was asked for can't be ticked off");
            }
        }
    }

    /// Keeps the copies of lists at an address; never ends.
    async fn refresh_lists(&self) {
        loop {
            match lists::refresh(&self.settings.opml, &self.poller.fetcher).await {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        }
    }

    async fn keep_house(&self, now: DateTime<Utc>) {
        let Ok(retain) = chrono::Duration::from_std(self.settings.daemon.retain) else { return };
        if let Err(error) = self.poller.store.forget(now - retain).await {
            warn!(error = %error, "old articles could not be forgotten");
        }
    }
}

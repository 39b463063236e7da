//! The feeds that the daemon polls: whose turn it is, and what is said of how they do.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, SecondsFormat, Utc};
use tracing::{debug, field::display, info, warn};

use super::poll::{Polled, Poller};
use crate::{
    config::{DaemonSettings, FeedId, FeedOrigin, FeedSettings, PollWaits, Settings},
    metrics::Metrics,
    schedule::{HostKey, Limits, NEVER, PollBounds, Scheduler, first_due, spread_start},
    store::{FeedState, FeedWish, StoreError},
};

/// Above this many feeds, `/metrics` leaves the gauge of each one out.
const FEED_GAUGES_MAX: usize = 1000;

/// How a feed does.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Health {
    New,
    Ok,
    Failing(String),
    Gone,
}

impl Health {
    fn label(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Ok => "ok",
            Self::Failing(_) => "failing",
            Self::Gone => "gone",
        }
    }
}

/// Every feed with its turn and its health.
#[derive(Debug)]
pub struct Feeds {
    settings: HashMap<FeedId, Arc<FeedSettings>>,
    health: HashMap<FeedId, Health>,
    paused: HashSet<FeedId>,
    /// Also of those that are paused: what a server asked for holds for them too.
    due: HashMap<FeedId, DateTime<Utc>>,
    notes: HashMap<FeedId, Vec<String>>,
    scheduler: Scheduler,
    metrics: Metrics,
    clock: crate::clock::Clock,
}

impl Feeds {
    /// From the config and what the store knows of each: a restart polls nobody early.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn load(settings: &Settings, poller: &Poller) -> Result<Self, StoreError> {
        let states = poller.store.feed_states().await?;
        let states: HashMap<&FeedId, &FeedState> = states.iter().map(|s| (&s.feed, s)).collect();
        let now = poller.clock.now();
        let limits = Limits { concurrency: settings.daemon.concurrency, per_host: settings.daemon.per_host };
        let mut feeds = Self {
            settings: HashMap::new(),
            health: HashMap::new(),
            paused: HashSet::new(),
            due: HashMap::new(),
            notes: HashMap::new(),
            scheduler: Scheduler::new(limits),
            metrics: poller.metrics.clone(),
            clock: poller.clock,
        };
        for feed in &settings.feeds {
            let state = states.get(&feed.id).copied();
            let bounds = bounds(feed, &settings.daemon);
            let spread = spread_start(&feed.id, settings.feeds.len(), bounds.interval);
            feeds.add(feed, state, first_due(now, state.map(|state| state.next_poll), &bounds, spread));
        }
        feeds.pause_and_resume(&poller.store.feed_wishes().await?);
        Ok(feeds)
    }

    /// Does what is asked of feeds; gives those whose poll was asked for and when, and which are due now.
    pub fn heed(&mut self, wishes: &[FeedWish]) -> Vec<(FeedId, DateTime<Utc>)> {
        self.pause_and_resume(wishes);
        let now = self.clock.now();
        let asked = wishes.iter().filter_map(|wish| Some((wish.feed.clone(), wish.poll_asked?)));
        let asked: Vec<_> = asked.filter(|(feed, _)| self.settings.contains_key(feed)).collect();
        for (feed, _) in &asked {
            self.due_at(feed, now);
        }
        asked
    }

    fn pause_and_resume(&mut self, wishes: &[FeedWish]) {
        let wanted = |wish: &&FeedWish| wish.paused.is_some() && self.settings.contains_key(&wish.feed);
        let wanted: HashSet<FeedId> = wishes.iter().filter(wanted).map(|wish| wish.feed.clone()).collect();
        if wanted == self.paused {
            return;
        }
        for feed in wanted.difference(&self.paused.clone()) {
            info!(feed = %feed, "paused");
            self.recount(feed, -1);
            self.paused.insert(feed.clone());
            self.recount(feed, 1);
            self.scheduler.remove(feed);
        }
        for feed in self.paused.clone().difference(&wanted) {
            info!(feed = %feed, "resumed");
            self.recount(feed, -1);
            self.paused.remove(feed);
            self.recount(feed, 1);
            // What a server asked for is still kept; what was due meanwhile is due now.
            if let Some(due) = self.due.get(feed).copied() {
                self.due_at(feed, due.max(self.clock.now()));
            }
        }
    }

    fn due_at(&mut self, feed: &FeedId, due: DateTime<Utc>) {
        let Some(settings) = self.settings.get(feed) else { return };
        self.scheduler.add(feed.clone(), HostKey::of(&settings.source), due);
        self.due.insert(feed.clone(), due);
    }

    /// Takes in the feeds of the lists as they are now; the config's own stay as they were read. Gives how many came and
    /// went. `states` are what the store knows, where any is new.
    pub fn relist(
        &mut self,
        listed: Vec<FeedSettings>,
        states: &[FeedState],
        daemon: &DaemonSettings,
    ) -> (usize, usize) {
        let states: HashMap<&FeedId, &FeedState> = states.iter().map(|state| (&state.feed, state)).collect();
        let names: HashSet<FeedId> = listed.iter().map(|feed| feed.id.clone()).collect();
        let is_listed = |feed: &FeedSettings| !matches!(feed.origin, FeedOrigin::Config { .. });
        let gone = self.settings.values().filter(|feed| is_listed(feed) && !names.contains(&feed.id));
        let gone: Vec<FeedId> = gone.map(|feed| feed.id.clone()).collect();
        for feed in &gone {
            self.forget(feed);
        }
        let now = self.clock.now();
        let (mut came, many) = (0, listed.len());
        for feed in listed {
            match self.settings.get(&feed.id) {
                // The config was changed since it was read; the next start reads both.
                Some(known) if !is_listed(known) => {
                    warn!(feed = %feed.id, "a listed feed has the id of one of the config, and is left out");
                }
                Some(known) if **known == feed => {}
                Some(known) => {
                    let has_moved = known.source != feed.source;
                    let id = feed.id.clone();
                    self.settings.insert(id.clone(), Arc::new(feed));
                    if has_moved && !self.paused.contains(&id) {
                        self.due_at(&id, now);
                    }
                }
                None => {
                    let state = states.get(&feed.id).copied();
                    let bounds = bounds(&feed, daemon);
                    let spread = spread_start(&feed.id, many, bounds.interval);
                    self.add(&feed, state, first_due(now, state.map(|state| state.next_poll), &bounds, spread));
                    came += 1;
                }
            }
        }
        (came, gone.len())
    }

    /// All of them, as they are configured now.
    pub fn all(&self) -> impl Iterator<Item = &Arc<FeedSettings>> {
        self.settings.values()
    }

    /// Whether any of `listed` is new.
    pub fn has_new(&self, listed: &[FeedSettings]) -> bool {
        listed.iter().any(|feed| !self.settings.contains_key(&feed.id))
    }

    fn forget(&mut self, feed: &FeedId) {
        self.recount(feed, -1);
        self.scheduler.remove(feed);
        self.settings.remove(feed);
        self.health.remove(feed);
        self.paused.remove(feed);
        self.due.remove(feed);
        self.notes.remove(feed);
        // It has one only where it did well.
        let _ = self.metrics.feed_last_success.remove_label_values(&[feed.as_str()]);
    }

    /// Counts a feed in or out of the gauge of its state.
    fn recount(&self, feed: &FeedId, by: i64) {
        let Some(health) = self.health.get(feed) else { return };
        let label = if self.paused.contains(feed) { "paused" } else { health.label() };
        self.metrics.feeds.with_label_values(&[label]).add(by);
    }

    fn add(&mut self, feed: &FeedSettings, state: Option<&FeedState>, due: DateTime<Utc>) {
        let health = match state {
            None => Health::New,
            Some(state) if state.is_gone() => Health::Gone,
            Some(state) => state.error.clone().map_or(Health::Ok, |(_, message)| Health::Failing(message)),
        };
        self.metrics.feeds.with_label_values(&[health.label()]).inc();
        if health != Health::Gone {
            self.scheduler.add(feed.id.clone(), HostKey::of(&feed.source), due);
            self.due.insert(feed.id.clone(), due);
        }
        self.health.insert(feed.id.clone(), health);
        self.settings.insert(feed.id.clone(), Arc::new(feed.clone()));
    }

    /// Who is polled now; each stays under way until [`Self::ended`] or [`Self::retry_at`].
    pub fn take_due(&mut self, now: DateTime<Utc>) -> Vec<Arc<FeedSettings>> {
        let due = self.scheduler.take_due(now);
        let late = due.iter().filter_map(|feed| self.due.get(feed)).map(|due| now - *due).max();
        if let Some(late) = late {
            self.metrics.schedule_lag_seconds.set(late.num_milliseconds().max(0) as f64 / 1000.0);
        }
        due.iter().filter_map(|feed| self.settings.get(feed)).cloned().collect()
    }

    /// When somebody may be due next; `None` until a poll under way has ended.
    pub fn next_wake(&self) -> Option<DateTime<Utc>> {
        self.scheduler.next_wake()
    }

    /// A poll has ended and is stored.
    pub fn ended(&mut self, feed: &FeedId, polled: &Polled) {
        if !self.settings.contains_key(feed) {
            // Taken out of its list while it was polled.
            self.scheduler.finished(feed, NEVER);
            return;
        }
        match polled.next {
            Some(next) => self.retry_at(feed, next),
            None => {
                // Its permit goes back first: a feed that is removed while it is polled would keep it.
                self.scheduler.finished(feed, NEVER);
                self.scheduler.remove(feed);
                self.due.remove(feed);
            }
        }
        let health = match (&polled.failure, polled.next) {
            (None, _) => Health::Ok,
            (Some(_), None) => Health::Gone,
            (Some(failure), Some(_)) => Health::Failing(failure.clone()),
        };
        self.say(feed, &health, polled);
        self.say_notes(feed, polled);
        if health == Health::Ok && self.settings.len() <= FEED_GAUGES_MAX {
            let now = self.clock.now().timestamp() as f64;
            self.metrics.feed_last_success.with_label_values(&[feed.as_str()]).set(now);
        }
        self.recount(feed, -1);
        self.health.insert(feed.clone(), health);
        self.recount(feed, 1);
    }

    /// A poll has ended without being stored.
    pub fn retry_at(&mut self, feed: &FeedId, at: DateTime<Utc>) {
        // A paused one was polled because somebody asked for it, once.
        self.scheduler.finished(feed, if self.paused.contains(feed) { NEVER } else { at });
        self.due.insert(feed.clone(), at);
    }

    /// What is odd about a feed's documents is said when it changes.
    fn say_notes(&mut self, feed: &FeedId, polled: &Polled) {
        let before = self.notes.get(feed).map_or(&[][..], Vec::as_slice);
        if polled.notes.is_empty() || polled.notes == before {
            return;
        }
        for note in &polled.notes {
            warn!(feed = %feed, note, "the document is odd");
        }
        self.notes.insert(feed.clone(), polled.notes.clone());
    }

    /// A failure is said when it starts, when it changes and when it ends; news always; quiet polls only to who asks.
    fn say(&self, feed: &FeedId, health: &Health, polled: &Polled) {
        let before = self.health.get(feed);
        match health {
            Health::Failing(failure) if before != Some(health) => {
                // A feed that fails is polled again, so this is there; where it is not, the field is left out.
                let next = polled.next.map(|next| display(next.to_rfc3339_opts(SecondsFormat::Secs, true)));
                warn!(feed = %feed, error = %failure, in_a_row = polled.in_a_row, next, "poll failed");
            }
            Health::Gone => warn!(feed = %feed, "the server says the feed is gone for good (410): no longer polled"),
            Health::Ok if matches!(before, Some(Health::Failing(_))) => info!(feed = %feed, "feed recovered"),
            Health::Ok | Health::Failing(_) | Health::New => {}
        }
        if polled.articles > 0 || polled.alerts > 0 {
            info!(feed = %feed, articles = polled.articles, alerts = polled.alerts, "polled");
        } else {
            debug!(feed = %feed, outcome = polled.outcome, "polled");
        }
    }
}

/// What the config asks for in a feed's polls.
pub(super) fn bounds(feed: &FeedSettings, daemon: &DaemonSettings) -> PollBounds {
    let PollWaits { interval, min, max } = daemon.poll_waits(feed);
    PollBounds { interval, min, max }
}

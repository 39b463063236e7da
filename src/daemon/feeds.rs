//! The feeds that the daemon polls: whose turn it is, and what is said of how they do.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, SecondsFormat, Utc};
use tracing::{debug, field::display, info, warn};

use super::poll::{Polled, Poller};
use crate::{
    config::{DaemonSettings, FeedId, FeedSettings, PollWaits, Settings},
    metrics::Metrics,
    schedule::{HostKey, Limits, NEVER, PollBounds, Scheduler, first_due, spread_start},
    store::{FeedState, StoreError},
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
        Ok(feeds)
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
        match polled.next {
            Some(next) => self.retry_at(feed, next),
            None => {
                // The permit goes back first: a feed that is removed while it is polled keeps it until the poll ends.
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
        if let Some(before) = self.health.insert(feed.clone(), health.clone()) {
            self.metrics.feeds.with_label_values(&[before.label()]).dec();
        }
        self.metrics.feeds.with_label_values(&[health.label()]).inc();
    }

    /// A poll has ended without being stored.
    pub fn retry_at(&mut self, feed: &FeedId, at: DateTime<Utc>) {
        self.scheduler.finished(feed, at);
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

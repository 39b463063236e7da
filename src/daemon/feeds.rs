//! The feeds that the daemon polls: whose turn it is, and what is said of how they do.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use tracing::{debug, field::display, info, warn};

use super::poll::{Polled, Poller};
use crate::{
    config::{DaemonSettings, FeedId, FeedSettings, PollWaits, Settings},
    metrics::Metrics,
    schedule::{HostKey, Limits, NEVER, PollBounds, PollReason, Scheduler, Spacing, first_due, spread_start},
    store::{FeedState, StoreError},
};

/// Requests to one host begin this far apart: a feed's answer is small, and a second later nobody waits for it.
const HOST_GAP: Duration = Duration::from_secs(1);

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
    /// Feeds that are one request, under the name of the first, which stands for them in the schedule.
    groups: HashMap<FeedId, Vec<Arc<FeedSettings>>>,
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
        let mut feeds = Self {
            settings: HashMap::new(),
            health: HashMap::new(),
            due: HashMap::new(),
            groups: HashMap::new(),
            notes: HashMap::new(),
            scheduler: Scheduler::new(limits(&settings.daemon)),
            metrics: poller.metrics.clone(),
            clock: poller.clock,
        };
        for feed in &settings.feeds {
            feeds.know(feed, states.get(&feed.id).copied());
        }
        let polled = settings.feeds.iter().filter(|feed| feeds.health.get(&feed.id) != Some(&Health::Gone));
        let resting = resting_hosts(settings, &states, now);
        for group in groups(polled) {
            let rest = resting.get(&HostKey::of(&group[0].source)).copied();
            let due = group.iter().map(|feed| {
                // A state that another URL left says nothing of this one.
                let state = states.get(&feed.id).copied().filter(|state| state.is_of(&feed.source));
                let bounds = bounds(feed, &settings.daemon);
                let spread = spread_start(&feed.id, settings.feeds.len(), bounds.interval);
                let due = first_due(now, state.map(|state| state.next_poll), &bounds, spread);
                (due, state.is_some_and(FeedState::is_promised))
            });
            let due: Vec<_> = due.collect();
            // What one of them has promised the server holds for all, since the server sees but one.
            let promised = due.iter().filter(|(_, is_promised)| *is_promised).map(|(due, _)| *due).max();
            let due = promised.or_else(|| due.iter().map(|(due, _)| *due).min());
            // A feed that has never been polled has no state that could say so, and waits with its host.
            if let Some(due) = due.max(rest.filter(|_| due.is_some())) {
                feeds.add(group, due);
            }
        }
        Ok(feeds)
    }

    fn know(&mut self, feed: &FeedSettings, state: Option<&FeedState>) {
        let health = match state {
            None => Health::New,
            Some(state) if state.is_gone(&feed.source) => Health::Gone,
            Some(state) if !state.is_of(&feed.source) => Health::New,
            Some(state) => state.error.clone().map_or(Health::Ok, |(_, message)| Health::Failing(message)),
        };
        self.metrics.feeds.with_label_values(&[health.label()]).inc();
        self.health.insert(feed.id.clone(), health);
        self.settings.insert(feed.id.clone(), Arc::new(feed.clone()));
    }

    fn add(&mut self, group: Vec<Arc<FeedSettings>>, due: DateTime<Utc>) {
        let Some(first) = group.first() else { return };
        let id = first.id.clone();
        self.scheduler.add(id.clone(), HostKey::of(&first.source), due);
        self.due.insert(id.clone(), due);
        self.groups.insert(id, group);
    }

    /// What is polled now, feeds that are one request together; each group stays under way until [`Self::ended`].
    pub fn take_due(&mut self, now: DateTime<Utc>) -> Vec<Vec<Arc<FeedSettings>>> {
        let due = self.scheduler.take_due(now);
        let late = due.iter().filter_map(|feed| self.due.get(feed)).map(|due| now - *due).max();
        if let Some(late) = late {
            self.metrics.schedule_lag_seconds.set(late.num_milliseconds().max(0) as f64 / 1000.0);
        }
        due.iter().filter_map(|feed| self.groups.get(feed)).cloned().collect()
    }

    /// When somebody may be due next; `None` until a poll under way has ended.
    pub fn next_wake(&self) -> Option<DateTime<Utc>> {
        self.scheduler.next_wake()
    }

    /// A group's polls have ended, each stored or, where the store could not take it, to be made again at `retry`. Gives
    /// the feeds that have to wait because their host asks for it.
    pub fn ended(
        &mut self,
        polls: &[(FeedId, Result<Polled, StoreError>)],
        now: DateTime<Utc>,
        retry: DateTime<Utc>,
    ) -> Option<HostRest> {
        let id = polls.iter().map(|(id, _)| id).find(|id| self.groups.contains_key(*id))?.clone();
        let first = polls.iter().find_map(|(_, polled)| polled.as_ref().ok());
        let rest = first.and_then(|polled| self.feel_host(&id, polled, now));
        let next = polls.iter().filter_map(|(_, polled)| match polled {
            Ok(polled) => polled.next,
            Err(_) => Some(retry),
        });
        match next.min() {
            Some(next) => {
                self.scheduler.finished(&id, next);
                self.due.insert(id, next);
            }
            None => {
                // The permit goes back first: a feed that is removed while it is polled keeps it until the poll ends.
                self.scheduler.finished(&id, NEVER);
                self.scheduler.remove(&id);
                self.due.remove(&id);
                self.groups.remove(&id);
            }
        }
        for (feed, polled) in polls {
            if let Ok(polled) = polled {
                self.note_end(feed, polled);
            }
        }
        rest
    }

    /// Whether the server says that we ask it too much, and for whom else that holds.
    fn feel_host(&mut self, id: &FeedId, polled: &Polled, now: DateTime<Utc>) -> Option<HostRest> {
        let Some(wait) = polled.slow_down else {
            if polled.failure.is_none() {
                self.scheduler.answered(id, now);
            }
            return None;
        };
        let (until, feeds) = self.scheduler.not_now(id, now, wait)?;
        let groups = feeds.iter().filter_map(|feed| self.groups.get(feed));
        let feeds: Vec<FeedId> = groups.flatten().map(|feed| feed.id.clone()).collect();
        for feed in &feeds {
            if let Some(due) = self.due.get_mut(feed) {
                *due = until.max(*due);
            }
        }
        info!(feed = %id, until = %until.to_rfc3339_opts(SecondsFormat::Secs, true), feeds = feeds.len(),
            "a second feed of its host is told to slow down: all of the host's feeds wait");
        Some(HostRest { until, feeds })
    }

    fn note_end(&mut self, feed: &FeedId, polled: &Polled) {
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

/// Feeds of a host that is to be left alone.
#[derive(Debug)]
pub struct HostRest {
    /// Until then.
    pub until: DateTime<Utc>,
    /// All of them.
    pub feeds: Vec<FeedId>,
}

/// How much the scheduler may do at once.
pub(super) fn limits(daemon: &DaemonSettings) -> Limits {
    let spacing = Spacing { gap: HOST_GAP, cycle: daemon.interval };
    Limits { concurrency: daemon.concurrency, per_host: daemon.per_host, spacing }
}

/// Hosts that are still to be left alone, and until when.
pub(super) fn resting_hosts(
    settings: &Settings,
    states: &HashMap<&FeedId, &FeedState>,
    now: DateTime<Utc>,
) -> HashMap<HostKey, DateTime<Utc>> {
    let slow = PollReason::HostSlow.to_string();
    let mut resting = HashMap::new();
    for feed in &settings.feeds {
        if let Some(state) = states.get(&feed.id)
            && state.next_poll > now
            && state.next_reason == slow
        {
            let until = resting.entry(HostKey::of(&feed.source)).or_insert(state.next_poll);
            *until = state.next_poll.max(*until);
        }
    }
    resting
}

/// Feeds with the same request are one: it is made once and its answer given to each.
pub(super) fn groups<'a>(feeds: impl IntoIterator<Item = &'a FeedSettings>) -> Vec<Vec<Arc<FeedSettings>>> {
    let mut places = HashMap::new();
    let mut groups: Vec<Vec<Arc<FeedSettings>>> = Vec::new();
    for feed in feeds {
        let headers: Vec<_> = feed.headers.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
        let request = (&feed.source, headers, feed.user_agent.as_deref(), feed.proxy.as_ref(), feed.private);
        let place = *places.entry(request).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(Arc::new(feed.clone()));
    }
    groups
}

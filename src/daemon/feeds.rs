//! The feeds that the daemon polls: whose turn it is, and what is said of how they do.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, SecondsFormat, Utc};
use tracing::{debug, field::display, info, warn};

use super::{
    page_hosts::{PageEnd, PageHosts, Taken},
    poll::{Polled, Poller},
};
use crate::{
    config::{DaemonSettings, FeedId, FeedOrigin, FeedSettings, FeedSource, PollWaits, Proxy, Secret, Settings},
    metrics::Metrics,
    schedule::{HostKey, Limits, NEVER, PollBounds, PollReason, Scheduler, Spacing, first_due, spread_start},
    store::{FeedState, FeedWish, StoreError},
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
    paused: HashSet<FeedId>,
    /// Also of those that are paused: what a server asked for holds for them too.
    due: HashMap<FeedId, DateTime<Utc>>,
    /// Those of them whose servers asked for the wait: what is the same request must not shorten it.
    promised: HashSet<FeedId>,
    /// Feeds by their request: those that share one are polled together.
    by_request: HashMap<Request, Vec<FeedId>>,
    /// Feeds that another one's poll under way is for, too.
    along: HashSet<FeedId>,
    notes: HashMap<FeedId, Vec<String>>,
    scheduler: Scheduler,
    page_hosts: PageHosts,
    metrics: Metrics,
    clock: crate::clock::Clock,
}

/// What a change of the lists came to, in feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relisted {
    /// New ones.
    pub came: usize,
    /// Those with another address, name or tag than before.
    pub changed: usize,
    /// Those that stand in no list any more.
    pub went: usize,
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
        let resting = resting_hosts(&settings.feeds, &states, now);
        let mut feeds = Self {
            settings: HashMap::new(),
            health: HashMap::new(),
            paused: HashSet::new(),
            due: HashMap::new(),
            promised: HashSet::new(),
            by_request: HashMap::new(),
            along: HashSet::new(),
            notes: HashMap::new(),
            scheduler: Scheduler::new(limits(&settings.daemon)),
            page_hosts: PageHosts::new(settings.daemon.concurrency, resting.clone()),
            metrics: poller.metrics.clone(),
            clock: poller.clock,
        };
        for feed in &settings.feeds {
            let state = states.get(&feed.id).copied();
            let due = feeds.first_due(feed, state, &settings.daemon, settings.feeds.len());
            // A feed that has never been polled has no state that could say so, and waits with its host.
            let rest = resting.get(&HostKey::of(&feed.source)).copied();
            feeds.add(feed, state, rest.map_or(due, |rest| due.max(rest)));
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
            // Whoever asks for it by hand knows better than what the server once asked for.
            for same in self.same_request(feed) {
                self.promised.remove(&same);
            }
            self.due_at(feed, now);
        }
        asked
    }

    /// Polls a feed at `due`, or when it is due if that is sooner. What its server asked for is kept, and so are a pause and
    /// a backoff.
    pub fn poll_soon(&mut self, feed: &FeedId, due: DateTime<Utc>) {
        let is_promised = self.same_request(feed).iter().any(|same| self.promised.contains(same));
        let is_sooner = self.due.get(feed).is_some_and(|known| due < *known);
        let does_well = matches!(self.health.get(feed), Some(Health::New | Health::Ok));
        if is_sooner && does_well && !is_promised && !self.paused.contains(feed) {
            self.due_at(feed, due);
        }
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

    /// When a feed is first due; what another URL has left in the store says nothing of this one.
    fn first_due(
        &self,
        feed: &FeedSettings,
        state: Option<&FeedState>,
        daemon: &DaemonSettings,
        many: usize,
    ) -> DateTime<Utc> {
        let stored = state.filter(|state| state.is_of(&feed.source)).map(|state| state.next_poll);
        let bounds = bounds(feed, daemon);
        first_due(self.clock.now(), stored, &bounds, spread_start(&feed.id, many, bounds.interval))
    }

    fn due_at(&mut self, feed: &FeedId, due: DateTime<Utc>) {
        let Some(settings) = self.settings.get(feed) else { return };
        self.scheduler.add(feed.clone(), HostKey::of(&settings.source), due);
        self.due.insert(feed.clone(), due);
    }

    /// Takes in the feeds of the lists as they are now; the config's own stay as they were read. `states` are what the store knows, where any is new.
    pub fn relist(&mut self, listed: Vec<FeedSettings>, states: &[FeedState], daemon: &DaemonSettings) -> Relisted {
        let states: HashMap<&FeedId, &FeedState> = states.iter().map(|state| (&state.feed, state)).collect();
        let names: HashSet<FeedId> = listed.iter().map(|feed| feed.id.clone()).collect();
        let is_listed = |feed: &FeedSettings| !matches!(feed.origin, FeedOrigin::Config { .. });
        let gone = self.settings.values().filter(|feed| is_listed(feed) && !names.contains(&feed.id));
        let gone: Vec<FeedId> = gone.map(|feed| feed.id.clone()).collect();
        for feed in &gone {
            self.forget(feed);
        }
        let now = self.clock.now();
        let (mut came, mut changed, many) = (0, 0, listed.len());
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
                    self.settle(feed);
                    changed += 1;
                    if has_moved {
                        self.promised.remove(&id);
                    }
                    if has_moved && !self.paused.contains(&id) {
                        self.due_at(&id, now);
                    }
                }
                None => {
                    let state = states.get(&feed.id).copied();
                    let due = self.first_due(&feed, state, daemon, many);
                    self.add(&feed, state, due);
                    came += 1;
                }
            }
        }
        Relisted { came, changed, went: gone.len() }
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
        self.unsettle(feed);
        self.promised.remove(feed);
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
            Some(state) if state.is_gone(&feed.source) => Health::Gone,
            Some(state) if !state.is_of(&feed.source) => Health::New,
            Some(state) => state.error.clone().map_or(Health::Ok, |(_, message)| Health::Failing(message)),
        };
        self.metrics.feeds.with_label_values(&[health.label()]).inc();
        if health != Health::Gone {
            self.scheduler.add(feed.id.clone(), HostKey::of(&feed.source), due);
            self.due.insert(feed.id.clone(), due);
            if state.is_some_and(|state| state.is_of(&feed.source) && state.is_promised()) {
                self.promised.insert(feed.id.clone());
            }
        }
        self.health.insert(feed.id.clone(), health);
        self.settle(feed.clone());
    }

    /// Takes in what the config says of a feed, or says now.
    fn settle(&mut self, feed: FeedSettings) {
        self.unsettle(&feed.id);
        self.by_request.entry(Request::of(&feed)).or_default().push(feed.id.clone());
        self.settings.insert(feed.id.clone(), Arc::new(feed));
    }

    fn unsettle(&mut self, feed: &FeedId) {
        let Some(known) = self.settings.remove(feed) else { return };
        let request = Request::of(&known);
        if let Some(same) = self.by_request.get_mut(&request) {
            same.retain(|other| other != feed);
            if same.is_empty() {
                self.by_request.remove(&request);
            }
        }
    }

    /// All feeds that are the same request as this one, itself among them.
    fn same_request(&self, feed: &FeedId) -> Vec<FeedId> {
        let request = self.settings.get(feed).map(|feed| Request::of(feed));
        request.and_then(|request| self.by_request.get(&request)).cloned().unwrap_or_default()
    }

    /// What is polled now, feeds that are one request together, the one that is due first, each under way until
    /// [`Self::ended`]; and the hosts that are asked for a page now, each until [`Self::page_ended`].
    pub fn take_due(&mut self, now: DateTime<Utc>) -> (Vec<Vec<Arc<FeedSettings>>>, Vec<String>) {
        let due = self.scheduler.take_due(now);
        let late = due.iter().filter_map(|feed| self.due.get(feed)).map(|due| now - *due).max();
        if let Some(late) = late {
            self.metrics.schedule_lag_seconds.set(late.num_milliseconds().max(0) as f64 / 1000.0);
        }
        let (mut groups, mut hosts) = (Vec::new(), Vec::new());
        for id in due {
            match self.page_hosts.take(&mut self.scheduler, &id, now) {
                Taken::Host(host) => hosts.push(host),
                Taken::Later => {}
                Taken::NoHost => groups.extend(self.take_along(id, now)),
            }
        }
        (groups, hosts)
    }

    /// These hosts have pages waiting, and since when or until when.
    pub fn pages_wait(&mut self, hosts: Vec<(String, DateTime<Utc>)>) {
        self.page_hosts.wait(&mut self.scheduler, hosts, self.clock.now());
    }

    /// A page's request has ended. Gives the feeds that have to wait because their host asks for it.
    pub(super) fn page_ended(&mut self, end: &PageEnd) -> Option<HostRest> {
        let now = self.clock.now();
        let (until, feeds) = self.page_hosts.ended(&mut self.scheduler, end, now)?;
        let host = &end.host;
        info!(%host, until = %until.to_rfc3339_opts(SecondsFormat::Secs, true), feeds = feeds.len(),
            "a page is told to slow down as one of its host's feeds was: all of the host's feeds wait");
        Some(self.rest(until, feeds))
    }

    /// Every feed.
    pub fn settings(&self) -> &HashMap<FeedId, Arc<FeedSettings>> {
        &self.settings
    }

    /// A feed that is due with all that are the same request; `None` where such a one's poll is under way, or where its
    /// server has asked for a wait that is not over.
    fn take_along(&mut self, feed: FeedId, now: DateTime<Utc>) -> Option<Vec<Arc<FeedSettings>>> {
        let same = self.same_request(&feed);
        let promised =
            same.iter().filter(|other| self.promised.contains(*other)).filter_map(|other| self.due.get(other));
        let promised = promised.max().copied().filter(|due| *due > now);
        if let Some(due) = promised.filter(|_| !self.along.contains(&feed)) {
            self.scheduler.finished(&feed, due);
            self.due.insert(feed, due);
            return None;
        }
        if self.along.contains(&feed) {
            // The end of that poll names its next time.
            self.scheduler.finished(&feed, NEVER);
            return None;
        }
        let others = same.into_iter().filter(|other| *other != feed && self.goes_along(other)).collect::<Vec<_>>();
        let mut group = vec![self.settings.get(&feed)?.clone()];
        for other in others {
            group.extend(self.settings.get(&other).cloned());
            self.along.insert(other);
        }
        // Whoever comes due, or is asked for, while its request is under way, has it already.
        self.along.insert(feed);
        Some(group)
    }

    fn goes_along(&self, feed: &FeedId) -> bool {
        !self.paused.contains(feed) && !self.along.contains(feed) && self.health.get(feed) != Some(&Health::Gone)
    }

    /// When somebody may be due next; `None` until a poll under way has ended.
    pub fn next_wake(&self) -> Option<DateTime<Utc>> {
        self.scheduler.next_wake()
    }

    /// The polls of one request have ended, the first of them the one that was due, each stored or, where the store could
    /// not take it, to be made again at `retry`. Gives the feeds that have to wait because their host asks for it.
    pub fn ended(
        &mut self,
        first: &FeedId,
        polls: &[(FeedId, Result<Polled, StoreError>)],
        retry: DateTime<Utc>,
    ) -> Option<HostRest> {
        let heard = polls.iter().find_map(|(_, polled)| polled.as_ref().ok());
        let rest = heard.and_then(|polled| self.feel_host(first, polled));
        for (feed, polled) in polls {
            self.along.remove(feed);
            let next = polled.as_ref().map_or(Some(retry), |polled| polled.next);
            self.next_at(feed, feed == first, next.map(|next| rest.as_ref().map_or(next, |rest| next.max(rest.until))));
            if let Ok(polled) = polled
                && self.settings.contains_key(feed)
            {
                if polled.is_promised {
                    self.promised.insert(feed.clone())
                } else {
                    self.promised.remove(feed)
                };
                self.note_end(feed, polled);
            }
        }
        rest
    }

    /// A poll has ended, and the feed is due again at `next`, or never. Its permit goes back first: a feed that is removed
    /// while it is polled would keep it.
    fn next_at(&mut self, feed: &FeedId, has_permit: bool, next: Option<DateTime<Utc>>) {
        // Of one that was taken out of its list meanwhile, or is paused and was polled because somebody asked, once.
        let is_over = !self.settings.contains_key(feed) || self.paused.contains(feed);
        let due = next.filter(|_| !is_over);
        if has_permit {
            self.scheduler.finished(feed, due.unwrap_or(NEVER));
        } else if let (Some(due), Some(settings)) = (due, self.settings.get(feed)) {
            self.scheduler.add(feed.clone(), HostKey::of(&settings.source), due);
        }
        match next {
            Some(next) if self.settings.contains_key(feed) => {
                self.due.insert(feed.clone(), next);
            }
            _ => {
                self.scheduler.remove(feed);
                self.due.remove(feed);
            }
        }
    }

    /// Whether the server says that we ask it too much, and for whom else that holds.
    fn feel_host(&mut self, feed: &FeedId, polled: &Polled) -> Option<HostRest> {
        let now = self.clock.now();
        let Some(wait) = polled.slow_down else {
            if polled.failure.is_none() {
                self.scheduler.answered(feed, now);
            }
            return None;
        };
        let (until, mut feeds) = self.scheduler.not_now(feed, now, wait)?;
        feeds.retain(|feed| self.settings.contains_key(feed));
        info!(feed = %feed, until = %until.to_rfc3339_opts(SecondsFormat::Secs, true), feeds = feeds.len(),
            "a second feed of its host is told to slow down: all of the host's feeds wait");
        Some(self.rest(until, feeds))
    }

    /// These feeds wait until then.
    fn rest(&mut self, until: DateTime<Utc>, feeds: Vec<FeedId>) -> HostRest {
        for feed in &feeds {
            if let Some(due) = self.due.get_mut(feed) {
                *due = until.max(*due);
            }
        }
        HostRest { until, feeds }
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
        self.recount(feed, -1);
        self.health.insert(feed.clone(), health);
        self.recount(feed, 1);
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
    feeds: &[FeedSettings],
    states: &HashMap<&FeedId, &FeedState>,
    now: DateTime<Utc>,
) -> HashMap<HostKey, DateTime<Utc>> {
    let slow = PollReason::HostSlow.to_string();
    let mut resting = HashMap::new();
    for feed in feeds {
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

/// What a feed's request is made of. Feeds with the same are one: it is made once and its answer given to each.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Request {
    source: FeedSource,
    headers: Vec<(String, Secret)>,
    user_agent: Option<String>,
    proxy: Option<Proxy>,
    private: bool,
}

impl Request {
    fn of(feed: &FeedSettings) -> Self {
        Self {
            source: feed.source.clone(),
            headers: feed.headers.clone(),
            user_agent: feed.user_agent.clone(),
            proxy: feed.proxy.clone(),
            private: feed.private,
        }
    }
}

/// Feeds that are one request, together.
pub(super) fn groups<'a>(feeds: impl IntoIterator<Item = &'a FeedSettings>) -> Vec<Vec<Arc<FeedSettings>>> {
    let mut places = HashMap::new();
    let mut groups: Vec<Vec<Arc<FeedSettings>>> = Vec::new();
    for feed in feeds {
        let place = *places.entry(Request::of(feed)).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(Arc::new(feed.clone()));
    }
    groups
}

//! `run --once`: every feed polled once now, each due delivery tried once, and an account of it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{Daemon, DaemonError, GroupEnd, poll::Polled};
use crate::{
    config::{FeedId, FeedSettings},
    deliver::{self, OncePass},
    schedule::{HostKey, PollReason, Scheduler},
    store::FeedState,
};

/// Nothing is waited for longer without a look.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// What one turn did.
#[derive(Debug, Default)]
pub struct Turn {
    /// Feeds that were polled.
    pub polled: usize,
    /// Feeds that were left alone, and why.
    pub skipped: Vec<(FeedId, String)>,
    /// Feeds that failed, and why.
    pub failed: Vec<(FeedId, String)>,
    /// What was odd about documents that were read.
    pub notes: Vec<(FeedId, String)>,
    /// New articles.
    pub articles: usize,
    /// New alerts.
    pub alerts: usize,
    /// What came of the outbox.
    pub delivered: OncePass,
}

impl Daemon {
    /// Polls every feed once now. Interval and max-age are set aside; a Retry-After and a 410 are kept. After `stop` no
    /// more polls begin, and those under way end.
    ///
    /// # Errors
    /// The store could not take what a poll brought, or a sink could not be made ready.
    pub async fn once(self, stop: CancellationToken) -> Result<Turn, DaemonError> {
        let mut turn = Turn::default();
        let mut scheduler = Scheduler::new(super::feeds::limits(&self.settings.daemon));
        let clock = self.poller.clock;
        let now = clock.now();
        let states = self.poller.store.feed_states().await?;
        let states: HashMap<&FeedId, &FeedState> = states.iter().map(|s| (&s.feed, s)).collect();
        let wishes = self.poller.store.feed_wishes().await?;
        let paused: HashSet<&FeedId> = wishes.iter().filter(|w| w.paused.is_some()).map(|w| &w.feed).collect();
        let asked: HashSet<&FeedId> = wishes.iter().filter(|w| w.poll_asked.is_some()).map(|w| &w.feed).collect();
        let feeds = super::lists::feeds_of_turn(&self.settings, &self.poller).await;
        let resting = super::feeds::resting_hosts(&feeds, &states, now);
        let mut polled = Vec::new();
        for feed in &feeds {
            if paused.contains(&feed.id) && !asked.contains(&feed.id) {
                turn.skipped.push((feed.id.clone(), "paused".to_owned()));
                continue;
            }
            let state = states.get(&feed.id).filter(|state| state.is_of(&feed.source));
            let rest = resting.get(&HostKey::of(&feed.source)).copied();
            match state.and_then(|state| left_alone(state, now, feed)).or_else(|| rest.map(until)) {
                Some(why) => turn.skipped.push((feed.id.clone(), why)),
                None => polled.push(feed),
            }
        }
        let mut groups = HashMap::new();
        for group in super::feeds::groups(polled) {
            scheduler.add(group[0].id.clone(), HostKey::of(&group[0].source), now);
            groups.insert(group[0].id.clone(), group);
        }
        let mut polls: JoinSet<(FeedId, GroupEnd)> = JoinSet::new();
        let mut unstored = None;
        loop {
            let due = if stop.is_cancelled() { Vec::new() } else { scheduler.take_due(clock.now()) };
            for (id, group) in due.into_iter().filter_map(|id| groups.remove_entry(&id)) {
                let poller = Arc::clone(&self.poller);
                polls.spawn(async move { (id, poller.poll(&group).await) });
            }
            if polls.is_empty() && (stop.is_cancelled() || scheduler.is_empty()) {
                break;
            }
            let wake = scheduler.next_wake().filter(|_| !stop.is_cancelled());
            let wait = wake.map_or(WAIT_MAX, |wake| (wake - clock.now()).to_std().unwrap_or_default().min(WAIT_MAX));
            // Losing a branch harms nothing: a poll that has ended stays in the set until it is taken.
            let ended = tokio::select! {
                Some(ended) = polls.join_next() => ended,
                () = tokio::time::sleep(wait) => continue,
                () = stop.cancelled(), if !stop.is_cancelled() => continue,
            };
            let Ok((id, ends)) = ended else { continue };
            let wait = ends.iter().find_map(|(_, polled)| polled.as_ref().ok()?.slow_down);
            let rest = wait.and_then(|wait| scheduler.not_now(&id, clock.now(), wait));
            scheduler.finished(&id, now);
            scheduler.remove(&id);
            if let Some((until, _)) = &rest {
                let told = of_same_host(&feeds, &id);
                if let Err(error) = self.poller.store.postpone(told, *until, PollReason::HostSlow.to_string()).await {
                    unstored = Some(error);
                }
            }
            for feed in rest.iter().flat_map(|(_, feeds)| feeds) {
                let Some(group) = groups.remove(feed) else { continue };
                scheduler.remove(feed);
                turn.skipped.extend(group.iter().map(|feed| (feed.id.clone(), PollReason::HostSlow.to_string())));
            }
            for (id, polled) in ends {
                self.poller.store.poll_taken(&id, now).await?;
                match polled {
                    Ok(polled) => turn.count(id, polled),
                    Err(error) => unstored = Some(error),
                }
            }
        }
        if let Some(error) = unstored {
            return Err(error.into());
        }
        info!(feeds = turn.polled, articles = turn.articles, alerts = turn.alerts, "polled every feed once");
        turn.delivered = deliver::once(&self.poller.store, &self.settings.sinks, &self.deliver_context(stop)).await?;
        Ok(turn)
    }
}

/// All feeds of a feed's host.
fn of_same_host(feeds: &[FeedSettings], id: &FeedId) -> Vec<FeedId> {
    let own = feeds.iter().find(|feed| feed.id == *id).map(|feed| HostKey::of(&feed.source));
    let same = feeds.iter().filter(|feed| own.as_ref() == Some(&HostKey::of(&feed.source)));
    same.map(|feed| feed.id.clone()).collect()
}

/// Why a feed is not asked this turn, if it is not.
fn left_alone(state: &FeedState, now: DateTime<Utc>, feed: &FeedSettings) -> Option<String> {
    if state.is_gone(&feed.source) {
        return Some("gone (410)".to_owned());
    }
    let is_asked = state.next_poll > now && state.next_reason == PollReason::RetryAfter.to_string();
    is_asked.then(|| until(state.next_poll))
}

fn until(until: DateTime<Utc>) -> String {
    format!("its server asked to be left alone until {}", until.to_rfc3339_opts(SecondsFormat::Secs, true))
}

impl Turn {
    fn count(&mut self, feed: FeedId, polled: Polled) {
        self.polled += 1;
        self.articles += polled.articles;
        self.alerts += polled.alerts;
        self.notes.extend(polled.notes.into_iter().map(|note| (feed.clone(), note)));
        if let Some(failure) = polled.failure {
            self.failed.push((feed, failure));
        }
    }
}

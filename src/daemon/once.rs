//! `run --once`: every feed polled once now, each due delivery tried once, and an account of it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{Daemon, DaemonError, pages::PageTurn, poll::Polled};
use crate::{
    config::FeedId,
    deliver::{self, OncePass},
    schedule::{HostKey, Limits, PollReason, Scheduler},
    store::{FeedState, StoreError},
};

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
    /// What came of pages of articles.
    pub pages: PageTurn,
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
        let limits = Limits { concurrency: self.settings.daemon.concurrency, per_host: self.settings.daemon.per_host };
        let mut scheduler = Scheduler::new(limits);
        let now = self.poller.clock.now();
        let states = self.poller.store.feed_states().await?;
        let states: HashMap<&FeedId, &FeedState> = states.iter().map(|s| (&s.feed, s)).collect();
        let mut feeds = HashMap::new();
        let wishes = self.poller.store.feed_wishes().await?;
        let paused: HashSet<&FeedId> = wishes.iter().filter(|w| w.paused.is_some()).map(|w| &w.feed).collect();
        let asked: HashSet<&FeedId> = wishes.iter().filter(|w| w.poll_asked.is_some()).map(|w| &w.feed).collect();
        for feed in &super::lists::feeds_of_turn(&self.settings, &self.poller).await {
            if paused.contains(&feed.id) && !asked.contains(&feed.id) {
                turn.skipped.push((feed.id.clone(), "paused".to_owned()));
                continue;
            }
            match states.get(&feed.id) {
                Some(state) if state.is_gone() => turn.skipped.push((feed.id.clone(), "gone (410)".to_owned())),
                Some(state) if state.next_poll > now && state.next_reason == PollReason::RetryAfter.to_string() => {
                    let until = state.next_poll.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
                    turn.skipped.push((feed.id.clone(), format!("its server asked to be left alone until {until}")));
                }
                _ => {
                    scheduler.add(feed.id.clone(), HostKey::of(&feed.source), now);
                    feeds.insert(feed.id.clone(), Arc::new(feed.clone()));
                }
            }
        }
        let mut polls: JoinSet<(FeedId, Result<Polled, StoreError>)> = JoinSet::new();
        let mut unstored = None;
        loop {
            let due = if stop.is_cancelled() { Vec::new() } else { scheduler.take_due(now) };
            for feed in due.iter().filter_map(|id| feeds.get(id)).cloned() {
                let poller = Arc::clone(&self.poller);
                polls.spawn(async move {
                    let polled = poller.poll(&feed).await;
                    (feed.id.clone(), polled)
                });
            }
            let Some(ended) = polls.join_next().await else { break };
            let Ok((id, polled)) = ended else { continue };
            self.poller.store.poll_taken(&id, now).await?;
            scheduler.finished(&id, now);
            scheduler.remove(&id);
            match polled {
                Ok(polled) => turn.count(id, polled),
                Err(error) => unstored = Some(error),
            }
        }
        if let Some(error) = unstored {
            return Err(error.into());
        }
        turn.pages = self.pages_once(Scheduler::new(limits), &feeds, &stop).await?;
        turn.alerts += turn.pages.alerts;
        info!(feeds = turn.polled, articles = turn.articles, alerts = turn.alerts, "polled every feed once");
        turn.delivered = deliver::once(&self.poller.store, &self.settings.sinks, &self.deliver_context(stop)).await?;
        Ok(turn)
    }
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

//! Keeps subscriptions at the hubs that feeds name: asks, renews, leaves, and falls back to polling where a hub is of no
//! use. All that must survive stands in the store; this task only looks at what is due there.
//!
//! A feed that is pushed is still polled at its interval, not sooner: a hub may forget us without a word.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use tokio::sync::Notify;
use tracing::{debug, error, info, warn};
use url::Url;

use super::poll::{Poller, chain};
use crate::{
    config::{FeedId, FeedSettings, FeedSource, Secret, Settings, shown_url},
    feed::websub::{Advertised, renew_again_after, retry_after, subscribe_form, unsubscribe_form},
    fetch::form::FormRequest,
    jitter,
    store::{NewSubscription, StoreError, Subscription, SubscriptionState},
};

/// Hubs asked at once.
const ASKED_AT_ONCE: usize = 4;
/// Subscriptions looked at in one turn; the rest follows in the next.
const TURN_MAX: usize = 64;
/// Without a word of news, what is due is looked at again after this: the wall clock may have jumped.
const LOOK_MAX: Duration = Duration::from_secs(60);
/// After an error of the store.
const STORE_RETRY: Duration = Duration::from_secs(15);
/// A hub that does not confirm that we leave is told so often; then its lease runs out by itself.
const LEAVE_TRIES: u32 = 3;
/// Characters of a token, and of a secret: 256 bits as hex, which no URL or form has to escape.
const RANDOM_BYTES: usize = 32;

/// What polls, pushes and the task that asks hubs know together.
#[derive(Debug)]
pub struct Hubs {
    /// Where hubs reach us, without a slash at the end; `None`: nobody is asked to.
    base: Option<String>,
    /// Every feed that is watched, as it is configured now.
    feeds: RwLock<HashMap<FeedId, Arc<FeedSettings>>>,
    /// What each feed's document named last, so that the store is asked only when that changes.
    named: RwLock<HashMap<FeedId, Option<Advertised>>>,
    /// Feeds to be polled as soon as these times allow.
    soon: Mutex<HashMap<FeedId, DateTime<Utc>>>,
    /// Something may be due.
    news: Notify,
}

impl Hubs {
    /// For the feeds of a config.
    pub fn new(settings: &Settings) -> Self {
        let base = settings.daemon.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
        let feeds = settings.feeds.iter().map(|feed| (feed.id.clone(), Arc::new(feed.clone()))).collect();
        Self { base, feeds: RwLock::new(feeds), named: RwLock::default(), soon: Mutex::default(), news: Notify::new() }
    }

    /// Takes in the feeds as they are now.
    pub fn know<'a>(&self, feeds: impl Iterator<Item = &'a Arc<FeedSettings>>) {
        let feeds = feeds.map(|feed| (feed.id.clone(), Arc::clone(feed))).collect();
        *self.feeds.write().unwrap_or_else(PoisonError::into_inner) = feeds;
        self.news.notify_one();
    }

    /// A feed as it is configured now.
    pub fn feed(&self, id: &FeedId) -> Option<Arc<FeedSettings>> {
        self.feeds.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Feeds whose hubs are of no use, and from when on each may be polled instead; told once.
    pub fn take_soon(&self) -> HashMap<FeedId, DateTime<Utc>> {
        std::mem::take(&mut *self.soon.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Something may be due.
    pub(super) fn look(&self) {
        self.news.notify_one();
    }

    fn is_known(&self, feed: &FeedId, named: &Option<Advertised>) -> bool {
        self.named.read().unwrap_or_else(PoisonError::into_inner).get(feed) == Some(named)
    }

    fn remember(&self, feed: &FeedId, named: Option<Advertised>) {
        self.named.write().unwrap_or_else(PoisonError::into_inner).insert(feed.clone(), named);
    }
}

impl Poller {
    /// Notes the hub that a document of `feed` names, before the document is committed: a crash in between is followed by
    /// the same document again. `is_elsewhere` says that the feed's URL is another than at its last poll.
    pub(super) async fn note_hub(
        &self,
        feed: &FeedSettings,
        named: Option<Advertised>,
        is_elsewhere: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        // The address of a secret feed is for its server alone; a hub is somebody else.
        let named = named.filter(|_| !feed.secret);
        if self.hubs.is_known(&feed.id, &named) {
            return Ok(());
        }
        let new = match &named {
            Some(Advertised { hub, topic }) => {
                let (Some(token), Some(secret)) = (random_text(), random_text()) else {
                    warn!(feed = %feed.id, "the system gives no randomness: the feed's hub is not asked");
                    return Ok(());
                };
                Some(NewSubscription { hub: hub.clone(), topic: topic.clone(), token, secret })
            }
            None => None,
        };
        if self.store.note_hub(&feed.id, new, is_elsewhere, now).await? {
            self.hubs.look();
        }
        self.hubs.remember(&feed.id, named);
        Ok(())
    }

    /// Whether the feed's hub pushes it, and well.
    pub(super) async fn is_pushed(&self, feed: &FeedSettings, now: DateTime<Utc>) -> Result<bool, StoreError> {
        if self.hubs.base.is_none() {
            return Ok(false);
        }
        Ok(self.store.pushed_until(&feed.id).await?.is_some_and(|until| until > now))
    }

    /// Asks for a poll of a feed whose hub is of no use, as soon as its bounds allow: a hub that pings without end is no
    /// reason to ask the feed's server as often.
    ///
    /// # Errors
    /// The store can't be read; nothing is asked for.
    pub async fn poll_instead(&self, feed: &FeedId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let Some(settings) = self.hubs.feed(feed) else { return Ok(()) };
        let state = self.store.feed_state(feed).await?;
        let least = chrono::Duration::from_std(super::feeds::bounds(&settings, &self.settings).min).unwrap_or_default();
        let soonest = state.and_then(|state| state.last_poll.checked_add_signed(least));
        // A poll in the future is one of a clock that was set back.
        let due = soonest.filter(|soonest| *soonest > now && *soonest <= now + least).unwrap_or(now);
        self.hubs.soon.lock().unwrap_or_else(PoisonError::into_inner).insert(feed.clone(), due);
        Ok(())
    }

    /// A poll has found what the hub should have pushed: until it pushes again, the feed is polled as others are.
    pub(super) async fn hub_missed(&self, feed: &FeedSettings) -> Result<(), StoreError> {
        if self.store.hub_is_unfit(&feed.id, true).await? {
            warn!(feed = %feed.id, "a poll found what the feed's hub had not pushed: it is polled as others are");
        }
        Ok(())
    }

    /// Asks hubs as it falls due, for as long as the daemon runs.
    pub(super) async fn keep_subscribed(self: Arc<Self>) {
        if self.hubs.base.is_none() {
            return;
        }
        loop {
            let now = self.clock.now();
            let wait = match self.ask_hubs(now).await {
                Ok(next) => next.map_or(LOOK_MAX, |next| (next - now).to_std().unwrap_or_default().min(LOOK_MAX)),
                Err(error) => {
                    error!(error = %error, "the subscriptions at hubs can't be looked after");
                    STORE_RETRY
                }
            };
            // Losing either branch harms nothing: news stay noted until they are taken.
            tokio::select! {
                () = self.hubs.news.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One turn: every hub that is due is asked. Gives when the next one is.
    ///
    /// # Errors
    /// The store can't be read or written; what was done up to then stays done.
    pub async fn ask_hubs(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let Some(base) = &self.hubs.base else { return Ok(None) };
        for subscription in self.store.subscriptions().await? {
            let is_leaving = subscription.state == SubscriptionState::Leaving;
            if self.hubs.feed(&subscription.feed).is_none_or(|feed| feed.secret) && !is_leaving {
                self.leave(&subscription, now).await?;
            } else if !is_leaving && subscription.base.as_ref().is_some_and(|asked| asked != base) {
                self.store.subscribe_anew(&subscription.token, now).await?;
            } else if subscription.state == SubscriptionState::Verified
                && subscription.lease_end.is_none_or(|end| end <= now)
            {
                warn!(feed = %subscription.feed, "the lease at the feed's hub has ended: it is polled as others are");
                self.store.subscription_lapsed(&subscription.token).await?;
                self.poll_instead(&subscription.feed, now).await?;
            }
        }
        let (due, _) = self.store.due_subscriptions(now, TURN_MAX).await?;
        let is_full = due.len() == TURN_MAX;
        let asking = due.into_iter().map(|one| async move { self.ask_hub(&one, base, now).await });
        let mut asking = stream::iter(asking).buffer_unordered(ASKED_AT_ONCE);
        while let Some(asked) = asking.next().await {
            asked?;
        }
        if is_full {
            return Ok(Some(now));
        }
        // Looked up anew: those that were asked are due again.
        Ok(self.store.due_subscriptions(now, 0).await?.1)
    }

    async fn leave(&self, subscription: &Subscription, now: DateTime<Utc>) -> Result<(), StoreError> {
        debug!(feed = %subscription.feed, "the feed is no longer pushed");
        match subscription.state {
            // A hub that was never asked need not be told.
            SubscriptionState::Advertised => self.store.forget_subscription(&subscription.token).await,
            _ => self.store.leave_hub(&subscription.token, now).await,
        }
    }

    /// Asks one hub, to push or to stop. That it was asked is noted first: some confirm before they answer.
    async fn ask_hub(&self, subscription: &Subscription, base: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let Subscription { token, feed: id, hub, topic, secret, state, failures, lease_end, .. } = subscription;
        let is_leaving = *state == SubscriptionState::Leaving;
        if is_leaving && *failures >= LEAVE_TRIES {
            return self.store.forget_subscription(token).await;
        }
        let in_a_row = failures.saturating_add(1);
        let wait = match lease_end.filter(|_| *state == SubscriptionState::Verified) {
            Some(end) => renew_again_after(in_a_row, (end - now).to_std().unwrap_or_default(), jitter::share()),
            None => retry_after(in_a_row, jitter::share()),
        };
        let again = chrono::Duration::from_std(wait).ok().and_then(|wait| now.checked_add_signed(wait)).unwrap_or(now);
        self.store.subscription_asked(token, base, again).await?;
        let callback = format!("{base}/websub/{}", token.reveal());
        let form = match is_leaving {
            true => unsubscribe_form(topic, &callback),
            false => subscribe_form(topic, &callback, secret.reveal()),
        };
        let feed = self.hubs.feed(id);
        // A hub beside a feed that may be private is as private as that, and no other.
        let private = feed.as_ref().is_some_and(|feed| feed.private && host_of(feed) == hub.host_str());
        let proxy = feed.as_ref().and_then(|feed| feed.proxy.as_ref());
        let answer = self.fetcher.post_form(&FormRequest { url: hub, form: &form, private, proxy }).await;
        let trouble = match answer {
            Ok((status, _)) if status.is_success() => {
                debug!(feed = %id, hub = %shown_url(hub, false), "the feed's hub was asked");
                return Ok(());
            }
            Ok((status, said)) if said.is_empty() => format!("the hub answered {status}"),
            // What it says may repeat what it was asked, and with it the token.
            Ok((status, said)) => {
                let said = said.replace(token.reveal(), "***").replace(secret.reveal(), "***");
                format!("the hub answered {status}: {said}")
            }
            Err(error) => chain(&error),
        };
        if in_a_row == 1 {
            info!(feed = %id, hub = %shown_url(hub, false), error = %trouble, "the feed's hub can't be asked: the feed is polled");
        } else {
            debug!(feed = %id, error = %trouble, in_a_row, "the feed's hub still can't be asked");
        }
        self.store.subscription_trouble(token, &trouble).await
    }
}

fn host_of(feed: &FeedSettings) -> Option<&str> {
    match &feed.source {
        FeedSource::Http(url) => Url::host_str(url),
        FeedSource::File(_) | FeedSource::Exec { .. } => None,
    }
}

/// What nobody can guess; `None` where the system gives no randomness.
fn random_text() -> Option<Secret> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).ok()?;
    Some(Secret::new(data_encoding::HEXLOWER.encode(&bytes)))
}

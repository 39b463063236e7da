//! What came without being asked for: a hub's push, and articles by HTTP. Read, matched and committed as a poll's
//! document is, but that it tells nothing of what the feed holds besides: neither the feed's validators nor its next poll
//! change by it.

use std::{collections::HashSet, sync::Arc};

use tokio::{sync::mpsc, task::JoinSet};
use tracing::{debug, error, info, warn};
use url::Url;

use super::{
    matching::Matching,
    poll::{Poller, chain},
    reading::{Document, Reading},
};
use crate::{
    alert::{AlertId, backlog::FirstPoll},
    article::{Article, ArticleFeed, identity},
    config::{FeedId, FeedSettings, FeedSource},
    feed::FeedError,
    serve::{
        articles::FEED,
        commands::{Command, Push, PushEnd},
    },
    store::{EntryKey, PushResult, StoreError},
};

/// Takes in what `serve` hands over, until the other end is dropped.
pub(super) async fn take_in(poller: Arc<Poller>, mut commands: mpsc::Receiver<Command>) {
    let mut under_way = JoinSet::new();
    loop {
        // Losing either branch harms nothing: a command stays in the queue, a task that has ended in the set.
        tokio::select! {
            command = commands.recv() => match command {
                Some(command) => {
                    let poller = Arc::clone(&poller);
                    under_way.spawn(async move { poller.obey(command).await });
                }
                None => return,
            },
            Some(ended) = under_way.join_next() => {
                if let Err(error) = ended {
                    error!(error = %error, "taking in a push broke off");
                }
            }
        }
    }
}

impl Poller {
    /// A caller that has gone needs no answer, so whether it hears one is not looked at.
    async fn obey(&self, command: Command) {
        match command {
            Command::Push { push, answer, place } => {
                let feed = push.feed.clone();
                let end = self.take_push(push).await.unwrap_or_else(|error| {
                    error!(feed = %feed, error = %error, "a push could not be stored: its hub is told so");
                    PushEnd::NotStored
                });
                let _ = answer.send(end);
                drop(place);
            }
            Command::Articles { articles, answer, place } => {
                let alerts = self.take_articles(articles).await;
                let alerts = alerts.inspect_err(|error| error!(error = %error, "articles could not be stored"));
                let _ = answer.send(alerts.ok());
                drop(place);
            }
            Command::LookAtHubs => self.hubs.look(),
            Command::PollInstead { feed } => {
                if let Err(error) = self.poll_instead(&feed, self.clock.now()).await {
                    error!(feed = %feed, error = %error, "a poll instead of a push can't be asked for");
                }
            }
        }
    }

    async fn take_push(&self, push: Push) -> Result<PushEnd, StoreError> {
        let Some(feed) = self.hubs.feed(&push.feed) else { return Ok(PushEnd::Unwanted) };
        let wishes = self.store.feed_wishes().await?;
        if wishes.iter().any(|wish| wish.feed == feed.id && wish.paused.is_some()) {
            return Ok(PushEnd::Paused);
        }
        let now = self.clock.now();
        let state = self.store.feed_state(&feed.id).await?;
        if state.as_ref().is_some_and(|state| !state.is_of(&feed.source)) {
            // The config names another URL since: this is what the hub of the old one pushes.
            return Ok(PushEnd::Unwanted);
        }
        let known = self.store.known_entries(&feed.id).await?;
        let is_first = state.as_ref().is_none_or(|state| state.first_document.is_none());
        // Relative links start where they do in a poll's document.
        let polled_at =
            state.as_ref().and_then(|state| state.validators.as_ref()).and_then(|v| Url::parse(&v.url).ok());
        let Some(url) = polled_at.or_else(|| url_of(&feed)) else { return Ok(PushEnd::Unwanted) };
        let document = Document { body: push.body, content_type: push.content_type, url, links: Vec::new() };
        // Closed only when the poller itself goes away, and then nobody waits for the answer.
        let permit = Arc::clone(&self.readers).acquire_owned().await;
        let reading = Reading {
            feed: Arc::clone(&feed),
            watching: Arc::clone(&self.watching),
            metrics: self.metrics.clone(),
            known,
            ids_change: state.is_some_and(|state| state.ids_change),
            first: is_first.then(|| FirstPoll::new(self.settings.backlog, now)),
            now,
        };
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            reading.read(&document)
        });
        let read = match read.await.unwrap_or_else(|error| Err(FeedError::Panicked { cause: error.to_string() })) {
            Ok(read) => read,
            Err(error) => {
                // Some hubs only say that there is something new.
                info!(feed = %feed.id, error = %chain(&error), "a push can't be read: the feed is polled instead");
                self.poll_instead(&feed.id, now).await?;
                return Ok(PushEnd::Unreadable);
            }
        };
        if read.is_cut {
            warn!(feed = %feed.id, "a push ends too early: the feed is polled for the rest");
            self.poll_instead(&feed.id, now).await?;
        }
        if push.was_unfit && self.store.hub_is_unfit(&feed.id, false).await? {
            info!(feed = %feed.id, "the feed's hub pushes well again");
        }
        if read.entries.is_empty() {
            debug!(feed = %feed.id, "pushed nothing new");
            return Ok(PushEnd::Unchanged);
        }
        let (entries, entries_seen) = (read.entries, read.seen);
        let committed =
            self.store.commit_push(PushResult { feed: feed.id.clone(), at: now, entries, entries_seen }).await?;
        let alerts = self.count(&feed.id, &committed);
        info!(feed = %feed.id, articles = committed.new_articles, alerts, "pushed");
        Ok(PushEnd::New)
    }

    /// Gives the alerts that each article has made.
    async fn take_articles(&self, articles: Vec<Article>) -> Result<Vec<Vec<AlertId>>, StoreError> {
        let Ok(api) = FEED.parse::<FeedId>() else { return Ok(Vec::new()) };
        let articles: Vec<Article> = articles
            .into_iter()
            .map(|article| Article { feed: Some(self.feed_of(article.feed.as_ref(), &api)), ..article })
            .collect();
        let now = self.clock.now();
        let (watching, metrics) = (Arc::clone(&self.watching), self.metrics.clone());
        let permit = Arc::clone(&self.readers).acquire_owned().await;
        let matched = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let matching = Matching { watching: &watching, metrics: &metrics, now };
            let entry = |article: Article| {
                let (key, fingerprint) = (article.key(), identity::article_fingerprint(&article));
                matching.entry(article, key, fingerprint, None)
            };
            articles.into_iter().map(entry).collect::<Vec<_>>()
        });
        let Ok(entries) = matched.await else {
            return Err(StoreError::Closed { path: self.store.path().to_owned() });
        };
        let entries_seen = entries.iter().map(|entry| EntryKey::of(&entry.article.id)).collect();
        let alerts: Vec<Vec<AlertId>> =
            entries.iter().map(|entry| entry.alerts.iter().map(|alert| alert.id.clone()).collect()).collect();
        let committed =
            self.store.commit_push(PushResult { feed: api.clone(), at: now, entries, entries_seen }).await?;
        let sent = self.count(&api, &committed);
        info!(feed = %api, articles = committed.new_articles, alerts = sent, "pushed");
        // What an article hits and has alerted on before is no alert of this request's.
        let made: HashSet<&str> = committed.alerts.iter().map(|alert| alert.id.as_str()).collect();
        let new = |alerts: Vec<AlertId>| alerts.into_iter().filter(|id| made.contains(id.as_str())).collect();
        Ok(alerts.into_iter().map(new).collect())
    }

    /// The feed that an article says it is from, with what the config knows of it; else the one for what came by HTTP.
    fn feed_of(&self, stated: Option<&ArticleFeed>, api: &FeedId) -> ArticleFeed {
        let Some(stated) = stated else {
            return ArticleFeed { id: api.clone(), url: String::new(), title: None, tags: Vec::new() };
        };
        match self.hubs.feed(&stated.id) {
            Some(feed) => ArticleFeed {
                id: feed.id.clone(),
                url: feed.shown_url(),
                title: feed.name.clone(),
                tags: feed.tags.clone(),
            },
            None => stated.clone(),
        }
    }
}

fn url_of(feed: &FeedSettings) -> Option<Url> {
    match &feed.source {
        FeedSource::Http(url) => Some(url.clone()),
        FeedSource::File(_) | FeedSource::Exec { .. } => None,
    }
}

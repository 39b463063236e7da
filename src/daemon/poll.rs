//! One poll of one feed: fetch → feed → article → watch → alert → commit. Decides nothing itself: each step's room does.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::{sync::Semaphore, time::Instant};
use tracing::{debug, info};
use url::Url;

use super::{discover, matching::Matching, watching::Watching, websub::Hubs};
use crate::{
    alert::backlog::FirstPoll,
    article::{Article, ArticleFeed, from_entry, identity},
    clock::Clock,
    config::{DaemonSettings, FeedSettings},
    feed::{
        self, FeedError,
        entry::Feed,
        websub::{self, Advertised},
    },
    fetch::{Answer, FetchError, FetchRequest, Fetcher, Held, hints::Validators},
    metrics::Metrics,
    schedule::{PollOutcome, next_poll},
    store::{EntryKey, Moved, PollResult, Store, StoreError, StoredEntry, StoredOutcome},
};

/// What every poll needs and none owns.
#[derive(Debug)]
pub struct Poller {
    /// Makes the request.
    pub fetcher: Fetcher,
    /// Keeps what came of it.
    pub store: Store,
    /// Says what matters.
    pub watching: Arc<Watching>,
    /// Counts.
    pub metrics: Metrics,
    /// Tells the time.
    pub clock: Clock,
    /// Intervals and backlog.
    pub settings: DaemonSettings,
    /// How many documents are read and matched at once: as many as there are cores, so that a burst of large feeds
    /// is not held in memory all together.
    pub readers: Arc<Semaphore>,
    /// Hubs that push feeds.
    pub hubs: Hubs,
}

/// How a poll ended, for the scheduler and for `run --once`.
#[derive(Debug)]
pub struct Polled {
    /// When the feed is next polled; `None` is never.
    pub next: Option<DateTime<Utc>>,
    /// What went wrong, in words.
    pub failure: Option<String>,
    /// Failures in a row, this one included.
    pub in_a_row: u32,
    /// Articles that were new.
    pub articles: usize,
    /// Alerts that were new and not held.
    pub alerts: usize,
    /// As in the store and in metrics.
    pub outcome: &'static str,
    /// What was odd about the document.
    pub notes: Vec<String>,
}

/// What the server said, in the words of schedule and store.
struct Heard {
    stored: StoredOutcome,
    scheduled: PollOutcome,
    freshness: Option<Duration>,
    validators: Option<Validators>,
    moved_to: Option<Url>,
    read: Read,
    /// Dropped when `read` is stored: what comes of a large document is larger than it.
    held: Held,
}

/// What a document brought; empty where there was none.
#[derive(Default)]
pub(super) struct Read {
    about_title: Option<String>,
    pub is_cut: bool,
    pub entries: Vec<StoredEntry>,
    pub seen: Vec<EntryKey>,
    /// The hub that it names.
    hub: Option<Advertised>,
    /// `None` where there was no document: what was odd about the last one still stands.
    notes: Option<Vec<String>>,
}

/// A document as the server gave it.
pub(super) struct Document {
    pub body: Bytes,
    pub content_type: Option<String>,
    pub url: Url,
    /// Its `Link` headers.
    pub links: Vec<String>,
}

impl Heard {
    fn quiet(
        stored: StoredOutcome,
        scheduled: PollOutcome,
        validators: Validators,
        freshness: Option<Duration>,
    ) -> Self {
        Self { freshness, validators: Some(validators), ..Self::new(stored, scheduled) }
    }

    fn failed(class: &str, message: String, scheduled: PollOutcome) -> Self {
        let stored = StoredOutcome::Error { class: class.to_owned(), message };
        Self::new(stored, scheduled)
    }

    fn new(stored: StoredOutcome, scheduled: PollOutcome) -> Self {
        let (read, held) = (Read::default(), Held::default());
        Self { stored, scheduled, freshness: None, validators: None, moved_to: None, read, held }
    }
}

impl Poller {
    /// Polls `feed` once and commits what came of it. What the feed does wrong is in the answer.
    ///
    /// # Errors
    /// The store could not take it: nothing is acknowledged, and the next poll asks again with the old validators.
    pub async fn poll(&self, feed: &Arc<FeedSettings>) -> Result<Polled, StoreError> {
        let started = Instant::now();
        let state = self.store.feed_state(&feed.id).await?;
        let before = state.as_ref().and_then(|s| s.validators.as_ref());
        let in_a_row = state.as_ref().map_or(0, |s| s.failures) + 1;
        // Where the new address fails, the configured one is asked every other time: it may know better by now.
        let moved_to =
            state.as_ref().filter(|s| s.failures % 2 == 0).and_then(|s| s.moved_to.as_ref()?.of(&feed.source));
        let request = FetchRequest {
            source: &feed.source,
            validators: before,
            headers: &feed.headers,
            user_agent: feed.user_agent.as_deref(),
            private: feed.private,
            proxy: feed.proxy.as_ref(),
            moved_to: moved_to.as_ref(),
        };
        let answer = self.fetcher.fetch(&request).await;
        let answer = self.behind_page(&request, answer).await;
        let now = self.clock.now();
        let heard = match answer {
            Ok(Answer::Document { body, content_type, url, links, validators, freshness, moved_to, held }) => {
                if before.is_some_and(|before| before.is_same_body(&validators)) {
                    // Also where only the validators moved: they are stored, the entries are not read again.
                    Heard {
                        moved_to,
                        ..Heard::quiet(StoredOutcome::Unchanged, PollOutcome::Unchanged, validators, freshness)
                    }
                } else {
                    let is_first = state.as_ref().is_none_or(|s| s.first_document.is_none());
                    let document = Document { body, content_type, url, links };
                    let ids_change = state.as_ref().is_some_and(|s| s.ids_change);
                    match self.read(feed, is_first, ids_change, document, now).await? {
                        Ok(read) => Heard {
                            stored: if read.entries.is_empty() { StoredOutcome::Unchanged } else { StoredOutcome::New },
                            scheduled: if read.entries.is_empty() { PollOutcome::Unchanged } else { PollOutcome::New },
                            freshness,
                            // What stood behind a cut must be asked for again, so nothing proves that we have it.
                            validators: (!read.is_cut).then_some(validators),
                            moved_to,
                            read,
                            held,
                        },
                        Err(error) => Heard::failed("document", chain(&error), PollOutcome::Failed { in_a_row }),
                    }
                }
            }
            Ok(Answer::NotModified { validators, freshness }) => {
                Heard::quiet(StoredOutcome::NotModified, PollOutcome::NotModified, validators, freshness)
            }
            Ok(Answer::NotNow { status, retry_after }) => {
                let message = format!("the server answered {status}: it asks to be left alone for now");
                Heard::failed("not-now", message, PollOutcome::NotNow { retry_after, in_a_row })
            }
            Ok(Answer::Gone) => {
                Heard { stored: StoredOutcome::Gone, ..Heard::failed("gone", String::new(), PollOutcome::Gone) }
            }
            Err(error) => Heard::failed(error.class(), chain(&error), PollOutcome::Failed { in_a_row }),
        };
        let polled = self.commit(feed, heard, in_a_row, now).await?;
        self.metrics.poll_seconds.observe(started.elapsed().as_secs_f64());
        Ok(polled)
    }

    /// Where the address is a page that names one feed, that feed's answer: whoever configured the page meant it. It is
    /// asked for as a new address of the feed, so that secrets stay on the configured host, and kept as one once it reads.
    async fn behind_page(
        &self,
        request: &FetchRequest<'_>,
        answer: Result<Answer, FetchError>,
    ) -> Result<Answer, FetchError> {
        let Ok(Answer::Document { body, content_type, url, .. }) = &answer else { return answer };
        if !looks_like_page(body, content_type.as_deref()) {
            return answer;
        }
        let (body, content_type, url) = (body.clone(), content_type.clone(), url.clone());
        let linked =
            tokio::task::spawn_blocking(move || discover::linked_feed(&body, content_type.as_deref(), &url)).await;
        let Ok(Some(linked)) = linked else { return answer };
        match self.fetcher.fetch(&FetchRequest { moved_to: Some(&linked), ..*request }).await {
            Ok(Answer::Document { body, content_type, url, links, validators, freshness, held, .. }) => {
                Ok(Answer::Document {
                    moved_to: Some(url.clone()),
                    body,
                    content_type,
                    url,
                    links,
                    validators,
                    freshness,
                    held,
                })
            }
            // What the page promised is not there: that the address is a page is what its owner should hear.
            _ => answer,
        }
    }

    /// Reads and matches what is new or edited in a document, on the blocking pool.
    async fn read(
        &self,
        feed: &Arc<FeedSettings>,
        is_first: bool,
        ids_change: bool,
        document: Document,
        now: DateTime<Utc>,
    ) -> Result<Result<Read, FeedError>, StoreError> {
        let known = self.store.known_entries(&feed.id).await?;
        // Closed only when the poller itself goes away, and then nobody waits for the answer.
        let permit = Arc::clone(&self.readers).acquire_owned().await;
        let reading = Reading {
            feed: Arc::clone(feed),
            watching: Arc::clone(&self.watching),
            metrics: self.metrics.clone(),
            known,
            ids_change,
            first: is_first.then(|| FirstPoll::new(self.settings.backlog, now)),
            now,
        };
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            reading.read(&document)
        });
        Ok(read.await.unwrap_or_else(|error| Err(FeedError::Panicked { cause: error.to_string() })))
    }

    async fn commit(
        &self,
        feed: &FeedSettings,
        heard: Heard,
        in_a_row: u32,
        now: DateTime<Utc>,
    ) -> Result<Polled, StoreError> {
        let _held = heard.held;
        let bounds = super::feeds::bounds(feed, &self.settings);
        let (bounds, is_pushed) = self.bounds_while_pushed(feed, bounds, now).await?;
        if heard.read.notes.is_some() {
            self.note_hub(feed, heard.read.hub, now).await?;
        }
        let next = next_poll(now, &heard.scheduled, heard.freshness, &bounds, random_unit());
        let failure = match &heard.stored {
            StoredOutcome::Error { message, .. } => Some(message.clone()),
            StoredOutcome::Gone => Some("410 Gone: the feed is not coming back and is not polled again".to_owned()),
            StoredOutcome::New | StoredOutcome::Unchanged | StoredOutcome::NotModified => None,
        };
        let in_a_row = if failure.is_some() { in_a_row } else { 0 };
        let is_gone = heard.stored == StoredOutcome::Gone;
        let outcome = match &heard.stored {
            StoredOutcome::Gone => "error",
            stored => stored.as_str(),
        };
        let committed = self
            .store
            .commit_poll(PollResult {
                feed: feed.id.clone(),
                at: now,
                outcome: heard.stored,
                validators: heard.validators,
                next_poll: next.due,
                next_reason: next.reason.to_string(),
                in_a_row_failures: in_a_row,
                moved_to: heard.moved_to.map(|to| Moved::new(&feed.source, &to)),
                about_title: heard.read.about_title,
                entries: heard.read.entries,
                entries_seen: heard.read.seen,
                notes: heard.read.notes.clone(),
            })
            .await?;
        self.metrics.polls.with_label_values(&[outcome]).inc();
        self.metrics.articles.inc_by(committed.new_articles as u64);
        if is_pushed && committed.new_articles > 0 {
            self.hub_missed(feed).await?;
        }
        if committed.quiet > 0 {
            info!(feed = %feed.id, quiet = committed.quiet, "most ids of the feed changed at once: known texts stay quiet");
        }
        if committed.ids_change {
            info!(feed = %feed.id, "the ids of the feed change with each fetch: addresses and words count instead");
        }
        for alert in &committed.alerts {
            self.metrics.alerts.with_label_values(&[alert.watch.as_str()]).inc();
            if let Some(held) = alert.held {
                self.metrics.alerts_held.with_label_values(&[held.as_str()]).inc();
            }
        }
        Ok(Polled {
            next: (!is_gone).then_some(next.due),
            failure,
            in_a_row,
            articles: committed.new_articles,
            alerts: committed.alerts.iter().filter(|a| a.held.is_none()).count(),
            outcome,
            notes: heard.read.notes.unwrap_or_default(),
        })
    }
}

/// What reading one document needs, owned, so that it can go to the blocking pool.
pub(super) struct Reading {
    pub feed: Arc<FeedSettings>,
    pub watching: Arc<Watching>,
    pub metrics: Metrics,
    pub known: HashMap<EntryKey, u64>,
    /// Whether the feed's own ids tell nothing.
    pub ids_change: bool,
    /// Present on a feed's first document: decides what of its backlog is alerted on.
    pub first: Option<FirstPoll>,
    pub now: DateTime<Utc>,
}

impl Reading {
    pub(super) fn read(mut self, document: &Document) -> Result<Read, FeedError> {
        let Document { body, content_type, url, links } = document;
        let mut feed = feed::parse(body, Some(url), content_type.as_deref())?;
        feed.forget_times_ahead(self.now);
        let Feed { about, entries, is_cut, notes } = feed;
        let article_feed = ArticleFeed {
            id: self.feed.id.clone(),
            url: self.feed.shown_url(),
            title: self.feed.name.clone().or_else(|| about.title.clone()),
            tags: self.feed.tags.clone(),
        };
        let hub = websub::advertised(links, &about, url);
        let mut read = Read { about_title: about.title, is_cut, notes: Some(notes), hub, ..Read::default() };
        let ids = if self.ids_change { identity::ids_without_guids(&entries) } else { identity::ids(&entries) };
        let shared_urls = identity::shared_urls(&entries, &ids, about.site_url.as_deref());
        let watching = Arc::clone(&self.watching);
        let matching = Matching { watching: &watching, metrics: &self.metrics.clone(), now: self.now };
        for (id, entry) in ids.into_iter().zip(&entries) {
            let held = self.first.as_mut().and_then(|first| first.holds(entry.published.or(entry.updated)));
            let key = EntryKey::of(&id);
            read.seen.push(key);
            let fingerprint = identity::entry_fingerprint(entry);
            if self.known.get(&key) == Some(&fingerprint) {
                continue;
            }
            let article = Article { id, ..from_entry(entry, Some(&article_feed), about.language.as_deref()) };
            let url = article.url.as_deref().filter(|url| !shared_urls.contains(&identity::canonical_url(url)));
            let key = article.key_at(url);
            read.entries.push(matching.entry(article, key, fingerprint, held));
        }
        if self.watching.put_in_order() {
            debug!(articles = read.entries.len(), "watches filed anew");
        }
        Ok(read)
    }
}

/// Whether a document is a page for people: read as a feed it would be none, and it is worth a look at its links.
fn looks_like_page(body: &[u8], content_type: Option<&str>) -> bool {
    let is_html = content_type.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"));
    let head = String::from_utf8_lossy(&body[..body.len().min(1_000)]).to_ascii_lowercase();
    let head = head.trim_start_matches('\u{feff}').trim_start();
    let begins_as_page = ["<!doctype html", "<html", "<head"].iter().any(|start| head.starts_with(start));
    // Feeds are sent as text/html too.
    begins_as_page || (is_html && !["<rss", "<feed", "<rdf"].iter().any(|root| head.contains(root)))
}

/// An error with what caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// For jitter: anywhere in 0.0..1.0; 0.5 where the system gives no randomness.
fn random_unit() -> f64 {
    getrandom::u64().map_or(0.5, |bits| (bits >> 11) as f64 / (1u64 << 53) as f64)
}

//! One poll of one feed: fetch → feed → article → watch → alert → commit. Decides nothing itself: each step's room does.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{
    sync::{Notify, Semaphore},
    time::Instant,
};
use tracing::{info, warn};
use url::Url;

use super::{
    discover,
    reading::{Document, Read, Reading},
    watching::Watching,
    websub::Hubs,
};
use crate::{
    alert::{backlog::FirstPoll, body::FeedRef},
    clock::Clock,
    config::{DaemonSettings, FeedId, FeedSettings, Severity},
    feed::FeedError,
    fetch::{Answer, FetchError, FetchRequest, Fetcher, Wanted, hints::Validators},
    jitter,
    metrics::Metrics,
    schedule::{Known, Pace, PollOutcome, PollReason, Rhythm, next_poll, pace},
    store::{
        Committed, CommittedAlert, FeedState, Hearing, Moved, PollResult, SourceKey, Store, StoreError, StoredOutcome,
    },
};

/// How loud what is told of a feed's health is.
const FEED_NEWS: Severity = Severity::Warning;
/// A feed whose window has overrun is polled twice as often for so long: a week holds every day of it.
const GAP_REMEMBERED: TimeDelta = TimeDelta::days(7);
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
    /// The same for pages, in half the cores: a page made to cost delays other pages, and no feed.
    pub page_readers: Arc<Semaphore>,
    /// Told when a poll has brought pages that are wanted.
    pub pages_wanted: Notify,
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
    /// Whether the server asked for the wait before the next poll.
    pub is_promised: bool,
    /// How long the server wants to be left alone, if it does: other feeds of its host may have to wait too.
    pub slow_down: Option<Duration>,
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
}

/// What was known of a feed before its poll.
struct Before {
    state: Option<FeedState>,
    failures: u32,
    rhythm: Rhythm,
    pace: Pace,
    window: Option<u32>,
    gap: Option<DateTime<Utc>>,
    /// Whether the config names another URL than at its last poll.
    is_elsewhere: bool,
}

impl Before {
    /// Of polls of another URL, only the entries and the validators, which know whose they are, count.
    fn new(feed: &FeedSettings, state: Option<FeedState>) -> Self {
        match &state {
            Some(known) if known.is_of(&feed.source) => {
                let (failures, window, gap) = (known.failures, known.window, known.gap);
                Self { failures, rhythm: known.rhythm, pace: known.pace, window, gap, is_elsewhere: false, state }
            }
            _ => {
                let (rhythm, pace) = (Rhythm::default(), Pace::default());
                let is_elsewhere = state.is_some();
                Self { state, failures: 0, rhythm, pace, window: None, gap: None, is_elsewhere }
            }
        }
    }

    fn validators(&self) -> Option<&Validators> {
        self.state.as_ref()?.validators.as_ref()
    }

    /// Where the feed has moved to for good. Where that fails, the configured one is asked every other time: it may know
    /// better by now.
    fn moved_to(&self, feed: &FeedSettings) -> Option<Url> {
        let state = self.state.as_ref().filter(|_| self.failures.is_multiple_of(2))?;
        state.moved_to.as_ref()?.of(&feed.source)
    }

    /// How often the feed brings something, this poll included. A poll that failed tells nothing of that.
    fn pace_after(&self, heard: &Heard, now: DateTime<Utc>) -> Pace {
        if let Some(times) = &heard.read.first_times {
            return Pace::of_first(now, times.iter().copied());
        }
        let last = self.state.as_ref().and_then(|state| state.last_success);
        match (&heard.scheduled, last) {
            (PollOutcome::New | PollOutcome::Unchanged | PollOutcome::NotModified, Some(last)) => {
                let waited = (now - last).to_std().unwrap_or_default();
                self.pace.after(waited, pace::arrivals(now, waited, heard.read.new_times.iter().copied()))
            }
            _ => self.pace,
        }
    }
}

impl Heard {
    fn quiet(
        stored: StoredOutcome,
        scheduled: PollOutcome,
        validators: &Validators,
        freshness: Option<Duration>,
    ) -> Self {
        Self { freshness, validators: Some(validators.clone()), ..Self::new(stored, scheduled) }
    }

    fn failed(class: &str, message: String, scheduled: PollOutcome) -> Self {
        let stored = StoredOutcome::Error { class: class.to_owned(), message };
        Self::new(stored, scheduled)
    }

    fn new(stored: StoredOutcome, scheduled: PollOutcome) -> Self {
        Self { stored, scheduled, freshness: None, validators: None, moved_to: None, read: Read::default() }
    }
}

impl Poller {
    /// Polls feeds that are one request, which is made once, and commits for each what came of it. What a feed does wrong
    /// is in its answer.
    ///
    /// # Errors
    /// Of a feed: the store could not take it. Nothing is acknowledged, and the next poll asks again with the old
    /// validators.
    pub async fn poll(&self, feeds: &[Arc<FeedSettings>]) -> Vec<(FeedId, Result<Polled, StoreError>)> {
        let started = Instant::now();
        let mut ended = Vec::with_capacity(feeds.len());
        let mut asking = Vec::with_capacity(feeds.len());
        for feed in feeds {
            match self.store.feed_state(&feed.id).await {
                Ok(state) => asking.push((feed, Before::new(feed, state))),
                Err(error) => ended.push((feed.id.clone(), Err(error))),
            }
        }
        let Some((feed, before)) = asking.first() else { return ended };
        // A feed that came later has no document to which a 304 could refer.
        let validators = before.validators().filter(|ours| asking.iter().all(|(_, b)| b.validators() == Some(ours)));
        let moved_to = before.moved_to(feed);
        let request = FetchRequest {
            source: &feed.source,
            validators,
            headers: &feed.headers,
            user_agent: feed.user_agent.as_deref(),
            private: feed.private,
            proxy: feed.proxy.as_ref(),
            moved_to: moved_to.as_ref(),
            wanted: Wanted::Feed,
        };
        // It lives until all have dealt with it: a large document holds its place among large ones for so long.
        let answer = self.fetcher.fetch(&request).await;
        let answer = self.behind_page(&request, answer).await;
        let now = self.clock.now();
        for (feed, before) in &asking {
            ended.push((feed.id.clone(), self.take_in(feed, before, &answer, now).await));
        }
        self.metrics.poll_seconds.observe(started.elapsed().as_secs_f64());
        ended
    }

    /// What an answer is to one feed, committed.
    async fn take_in(
        &self,
        feed: &Arc<FeedSettings>,
        before: &Before,
        answer: &Result<Answer, FetchError>,
        now: DateTime<Utc>,
    ) -> Result<Polled, StoreError> {
        let in_a_row = before.failures + 1;
        let heard = match answer {
            Ok(Answer::Document { body, content_type, url, links, validators, freshness, moved_to, held: _ }) => {
                if before.validators().is_some_and(|before| before.is_same_body(validators)) {
                    // Also where only the validators moved: they are stored, the entries are not read again.
                    Heard {
                        moved_to: moved_to.clone(),
                        ..Heard::quiet(StoredOutcome::Unchanged, PollOutcome::Unchanged, validators, *freshness)
                    }
                } else {
                    let document = Document {
                        body: body.clone(),
                        content_type: content_type.clone(),
                        url: url.clone(),
                        links: links.clone(),
                    };
                    match self.read(feed, before, document, now).await? {
                        Ok(read) => Heard {
                            stored: if read.entries.is_empty() { StoredOutcome::Unchanged } else { StoredOutcome::New },
                            scheduled: if read.entries.is_empty() { PollOutcome::Unchanged } else { PollOutcome::New },
                            freshness: *freshness,
                            // What stood behind a cut must be asked for again, so nothing proves that we have it.
                            validators: (!read.is_cut).then(|| validators.clone()),
                            moved_to: moved_to.clone(),
                            read,
                        },
                        Err(error) => Heard::failed("document", chain(&error), PollOutcome::Failed { in_a_row }),
                    }
                }
            }
            Ok(Answer::NotModified { validators, freshness, moved_to }) => Heard {
                moved_to: moved_to.clone(),
                ..Heard::quiet(StoredOutcome::NotModified, PollOutcome::NotModified, validators, *freshness)
            },
            Ok(Answer::NotNow { status, retry_after }) => {
                let message = format!("the server answered {status}: it asks to be left alone for now");
                Heard::failed("not-now", message, PollOutcome::NotNow { retry_after: *retry_after, in_a_row })
            }
            Ok(Answer::Gone) => {
                Heard { stored: StoredOutcome::Gone, ..Heard::failed("gone", String::new(), PollOutcome::Gone) }
            }
            Err(error) => Heard::failed(error.class(), chain(error), PollOutcome::Failed { in_a_row }),
        };
        self.commit(feed, before, heard, now).await
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
        let permit = Arc::clone(&self.readers).acquire_owned().await;
        let linked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            discover::linked_feed(&body, content_type.as_deref(), &url)
        });
        let linked = linked.await;
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
        before: &Before,
        document: Document,
        now: DateTime<Utc>,
    ) -> Result<Result<Read, FeedError>, StoreError> {
        let state = before.state.as_ref();
        let is_first = state.is_none_or(|s| s.first_document.is_none());
        let known = self.store.known_entries(&feed.id).await?;
        // Closed only when the poller itself goes away, and then nobody waits for the answer.
        let permit = Arc::clone(&self.readers).acquire_owned().await;
        let reading = Reading {
            feed: Arc::clone(feed),
            watching: Arc::clone(&self.watching),
            metrics: self.metrics.clone(),
            known,
            ids_change: state.is_some_and(|s| s.ids_change),
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
        before: &Before,
        mut heard: Heard,
        now: DateTime<Utc>,
    ) -> Result<Polled, StoreError> {
        let bounds = super::feeds::bounds(feed, &self.settings);
        let is_pushed = self.is_pushed(feed, now).await?;
        if heard.read.notes.is_some() {
            self.note_hub(feed, heard.read.hub.take(), before.is_elsewhere, now).await?;
        }
        let pace = if is_pushed { before.pace } else { before.pace_after(&heard, now) };
        let gap = if heard.read.is_gap { Some(now) } else { before.gap };
        let known = Known {
            fresh: heard.freshness,
            rhythm: heard.read.rhythm.unwrap_or(before.rhythm),
            pace,
            window: heard.read.window.or(before.window),
            has_gap: gap.is_some_and(|gap| now - gap < GAP_REMEMBERED),
            is_pushed,
        };
        let next = next_poll(now, &heard.scheduled, &known, &bounds, jitter::share());
        let slow_down = match heard.scheduled {
            PollOutcome::NotNow { retry_after, .. } => Some(retry_after.unwrap_or(bounds.interval)),
            _ => None,
        };
        let failure = match &heard.stored {
            StoredOutcome::Error { message, .. } => Some(message.clone()),
            StoredOutcome::Gone => Some("410 Gone: the feed is not coming back and is not polled again".to_owned()),
            StoredOutcome::New | StoredOutcome::Unchanged | StoredOutcome::NotModified => None,
        };
        let in_a_row = if failure.is_some() { before.failures + 1 } else { 0 };
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
                hearing: self.hearing(feed, before, heard.read.first_times),
                source: SourceKey::of(&feed.source),
                rhythm: heard.read.rhythm,
                pace,
                window: heard.read.window,
                gap: heard.read.is_gap.then_some(now),
            })
            .await?;
        self.metrics.polls.with_label_values(&[outcome]).inc();
        let alerts = self.count(&feed.id, &committed);
        if is_pushed && committed.new_articles > 0 {
            self.hub_missed(feed).await?;
        }
        if committed.ids_change {
            info!(feed = %feed.id, "the ids of the feed change with each fetch: addresses and words count instead");
        }
        if committed.is_gap {
            self.metrics.feed_gaps.inc();
            if before.gap.is_none_or(|gap| now - gap >= GAP_REMEMBERED) {
                warn!(feed = %feed.id, "the feed has moved on by more than it shows: entries may have been missed, and it is polled twice as often");
            }
        }
        Ok(Polled {
            next: (!is_gone).then_some(next.due),
            failure,
            in_a_row,
            is_promised: matches!(next.reason, PollReason::RetryAfter | PollReason::Fresh),
            slow_down,
            articles: committed.new_articles,
            alerts,
            outcome,
            notes: heard.read.notes.unwrap_or_default(),
        })
    }
}

impl Poller {
    /// Counts what a poll or a push brought, and has its pages fetched; gives how many alerts are sent.
    pub(super) fn count(&self, feed: &FeedId, committed: &Committed) -> usize {
        self.metrics.articles.inc_by(committed.new_articles as u64);
        if committed.pages > 0 {
            self.pages_wanted.notify_one();
        }
        self.metrics.fulltext.with_label_values(&["left_out"]).inc_by(committed.pages_left_out as u64);
        if committed.quiet > 0 {
            info!(feed = %feed, quiet = committed.quiet, "most ids of the feed changed at once: known texts stay quiet");
        }
        self.count_alerts(&committed.alerts)
    }

    /// Counts alerts that were made; gives how many of them are sent.
    pub(super) fn count_alerts(&self, alerts: &[CommittedAlert]) -> usize {
        for alert in alerts {
            self.metrics.alerts.with_label_values(&[alert.watch.as_str()]).inc();
            if let Some(held) = alert.held {
                self.metrics.alerts_held.with_label_values(&[held.as_str()]).inc();
            }
        }
        alerts.iter().filter(|alert| alert.held.is_none()).count()
    }

    /// Whom to tell of the feed's health.
    fn hearing(
        &self,
        feed: &FeedSettings,
        before: &Before,
        first_times: Option<Vec<Option<DateTime<Utc>>>>,
    ) -> Hearing {
        let state = before.state.as_ref();
        let title = feed.name.clone().or_else(|| state?.title.clone());
        Hearing {
            feed: FeedRef { id: feed.id.to_string(), url: feed.shown_url(), title },
            sinks: self.watching.sinks_of_event(FEED_NEWS),
            expect: feed.expect,
            last_success: state.and_then(|state| state.last_success),
            first_times,
        }
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
    let causes: Vec<String> =
        std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string).collect();
    // What names the last cause itself has said all of it; between stand "error sending request" and the like.
    if causes.last().is_some_and(|last| text.contains(last)) {
        return text;
    }
    for cause in causes {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

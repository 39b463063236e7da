//! Pages of articles: fetched as politely as feeds are, read, matched as an edit of their entry.
//!
//! The store keeps what is wanted (`store::page`); the scheduler knows each host with pages as one more that may be asked,
//! so that polls and pages of a host share its permits; one page of a host is fetched at a time. A page that does not
//! come is tried again later and then given up: its entry has been matched without it, so no alert waits.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use url::Url;

use super::{
    Daemon,
    poll::{Poller, chain, matched},
};
use crate::{
    article::{
        ArticleFeed,
        full_text::{self, Page, Verdict},
    },
    config::{FeedId, FeedSettings, FeedSource, FullText},
    fetch::{Answer, FetchError, FetchRequest, Wanted},
    schedule::{HostKey, NEVER, Scheduler},
    store::{PageFailure, PageResult, StoreError, WantedPage},
};

/// Between the end of one page's request and the beginning of the next one to the same host.
const PAGE_GAP: TimeDelta = TimeDelta::seconds(1);
/// Waits before a page is tried again; after the last it is given up. News that comes later than this is none.
const RETRY: [TimeDelta; 4] = [TimeDelta::minutes(1), TimeDelta::minutes(10), TimeDelta::hours(1), TimeDelta::hours(4)];
/// A page that the store could not take is read again after this.
const STORE_RETRY: TimeDelta = TimeDelta::seconds(15);

/// A page, and the feeds that want it: all of them ask for it in the same way.
pub(super) type Wanting = Vec<(WantedPage, Arc<FeedSettings>)>;

/// The hosts whose pages are wanted, as the scheduler knows them.
#[derive(Debug, Default)]
pub(super) struct PageHosts {
    /// Each with when it was said to be due.
    by_slot: HashMap<FeedId, (String, DateTime<Utc>)>,
    in_flight: HashSet<String>,
    /// Hosts that were asked a moment ago.
    rest_until: HashMap<String, DateTime<Utc>>,
}

impl PageHosts {
    /// Takes in which hosts have pages waiting, and since when or until when.
    pub(super) fn wait(&mut self, scheduler: &mut Scheduler, hosts: Vec<(String, DateTime<Utc>)>, now: DateTime<Utc>) {
        self.rest_until.retain(|_, until| *until > now);
        for (host, due) in hosts {
            let Some(slot) = slot(&host).filter(|_| !self.in_flight.contains(&host)) else { continue };
            let rest = self.rest_until.get(&host).copied().unwrap_or(due);
            // One that is known to be due keeps its place in the row.
            if self.by_slot.get(&slot).is_some_and(|(_, known)| *known <= due) {
                continue;
            }
            scheduler.add(slot.clone(), HostKey::new(&host), due.max(rest));
            self.by_slot.insert(slot, (host, due));
        }
    }

    /// The host that an id of the scheduler's stands for; it is in flight then.
    pub(super) fn take(&mut self, id: &FeedId) -> Option<String> {
        let (host, _) = self.by_slot.get(id)?.clone();
        self.in_flight.insert(host.clone());
        Some(host)
    }

    /// A host has been asked, or had nothing due: its permit goes back. `next` is when its next page is due.
    pub(super) fn ended(
        &mut self,
        scheduler: &mut Scheduler,
        host: &str,
        next: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) {
        let Some(slot) = slot(host) else { return };
        self.in_flight.remove(host);
        self.rest_until.insert(host.to_owned(), now + PAGE_GAP);
        match next {
            Some(next) => {
                let next = next.max(now + PAGE_GAP);
                scheduler.finished(&slot, next);
                self.by_slot.insert(slot, (host.to_owned(), next));
            }
            None => {
                scheduler.finished(&slot, NEVER);
                scheduler.remove(&slot);
                self.by_slot.remove(&slot);
            }
        }
    }
}

/// The scheduler knows feeds by their ids, and so it knows a host's pages by one that no person would give a feed.
fn slot(host: &str) -> Option<FeedId> {
    let hash = Sha256::digest(host.as_bytes());
    let letters: String = hash.iter().take(24).map(|byte| format!("{byte:02x}")).collect();
    format!("pages.{letters}").parse().ok()
}

/// What came of one request for a page.
#[derive(Debug)]
enum Came {
    /// Something that was read.
    Page(Box<Page>),
    /// Nothing, this time.
    Failed { why: String, outcome: &'static str, may_come: bool, retry_after: Option<Duration> },
}

impl Poller {
    /// Fetches the page of `host` that has been due longest. `None` where none is due.
    pub(super) async fn due_page(
        &self,
        host: &str,
        feeds: &HashMap<FeedId, Arc<FeedSettings>>,
    ) -> Result<Wanting, StoreError> {
        loop {
            let wanted = self.store.due_page(host, self.clock.now()).await?;
            let is_none = wanted.is_empty();
            let wanting = self.still_wanting(wanted, |feed| feeds.get(feed).cloned()).await?;
            if is_none || !wanting.is_empty() {
                return Ok(wanting);
            }
        }
    }

    /// Those that still want their page, and in the same way as the first. Wishes of feeds that are gone, or want no pages
    /// any more, are forgotten.
    async fn still_wanting(
        &self,
        wanted: Vec<WantedPage>,
        settings: impl Fn(&FeedId) -> Option<Arc<FeedSettings>>,
    ) -> Result<Wanting, StoreError> {
        let mut wanting: Wanting = Vec::with_capacity(wanted.len());
        for page in wanted {
            match settings(&page.feed).filter(|feed| feed.full_text != FullText::Off) {
                None => self.store.forget_page(&page).await?,
                Some(feed) if wanting.first().is_none_or(|(_, first)| asks_alike(first, &feed, &page.url)) => {
                    wanting.push((page, feed));
                }
                Some(_) => {}
            }
        }
        Ok(wanting)
    }

    /// Fetches a page once, reads it, and commits what came of it for everybody who wants it; gives how many new alerts
    /// that made.
    ///
    /// # Errors
    /// The store could not take it: the page is still wanted.
    pub(super) async fn page(&self, wanting: Wanting) -> Result<usize, StoreError> {
        let Some((first, feed)) = wanting.first() else { return Ok(0) };
        let came = self.ask(&first.url, feed).await;
        let now = self.clock.now();
        let mut alerts = 0;
        match came {
            Came::Page(mut page) => {
                page.forget_times_ahead(now);
                let page: Arc<Page> = Arc::from(page);
                for (wanted, feed) in wanting {
                    alerts += self.take_in(wanted, feed, Arc::clone(&page), now).await?;
                }
            }
            Came::Failed { why, outcome, may_come, retry_after } => {
                for (wanted, feed) in wanting {
                    self.metrics.fulltext.with_label_values(&[outcome]).inc();
                    let attempt = wanted.attempts.saturating_add(1);
                    let wait = RETRY.get(wanted.attempts as usize).filter(|_| may_come);
                    let not_before = retry_after.and_then(|wait| TimeDelta::from_std(wait).ok()).map(|wait| now + wait);
                    match wait {
                        Some(_) => debug!(feed = %feed.id, error = %why, attempt, "a page did not come"),
                        None => {
                            self.metrics.fulltext.with_label_values(&["given_up"]).inc();
                            info!(feed = %feed.id, error = %why, attempt, "a page is given up");
                        }
                    }
                    let failure = PageFailure { error: why.clone(), retry: wait.map(|wait| now + *wait), not_before };
                    self.store.page_failed(&wanted, failure).await?;
                }
            }
        }
        Ok(alerts)
    }

    async fn ask(&self, url: &Url, feed: &FeedSettings) -> Came {
        let page_itself = FeedSource::Http(url.clone());
        let request = match &feed.source {
            // As a new address of the feed: its secrets and its private host stay its own host's.
            FeedSource::Http(_) => FetchRequest {
                moved_to: Some(url),
                headers: &feed.headers,
                private: feed.private,
                ..FetchRequest::new(&feed.source)
            },
            FeedSource::File(_) => FetchRequest::new(&page_itself),
        };
        let request = FetchRequest {
            user_agent: feed.user_agent.as_deref(),
            proxy: feed.proxy.as_ref(),
            wanted: Wanted::Page,
            ..request
        };
        let failed = |why: String, outcome, may_come| Came::Failed { why, outcome, may_come, retry_after: None };
        match self.fetcher.fetch(&request).await {
            Ok(Answer::Document { body, content_type, url: at, held, .. }) => {
                let came = self.read_page(body, content_type, url.clone(), at).await;
                drop(held);
                came
            }
            Ok(Answer::NotModified { .. }) => failed("304 to a first question".to_owned(), "error", true),
            Ok(Answer::NotNow { status, retry_after }) => Came::Failed {
                why: format!("the server answered {status}: it asks to be left alone for now"),
                outcome: "error",
                may_come: true,
                retry_after,
            },
            Ok(Answer::Gone) => failed("410: the page is gone for good".to_owned(), "error", false),
            Err(error) => {
                let outcome = if is_refusal(&error) { "blocked" } else { "error" };
                failed(chain(&error), outcome, may_come(&error))
            }
        }
    }

    async fn read_page(&self, body: Bytes, content_type: Option<String>, asked: Url, at: Url) -> Came {
        // A page that is no more often leads home.
        if at.path() == "/" && at.query().is_none() && asked.path() != "/" {
            return Came::Failed {
                why: "the page leads to the front page".to_owned(),
                outcome: "nothing",
                may_come: false,
                retry_after: None,
            };
        }
        let permit = Arc::clone(&self.readers).acquire_owned().await;
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            full_text::read(&body, content_type.as_deref(), &at)
        });
        let failed =
            |why: &str, outcome, may_come| Came::Failed { why: why.to_owned(), outcome, may_come, retry_after: None };
        match read.await {
            Ok(page) => match page.verdict {
                Verdict::Text | Verdict::PaywallStub => Came::Page(Box::new(page)),
                Verdict::Consent => failed("the page asks about cookies first", "blocked", false),
                Verdict::Challenge => failed("the page wants to know whether we are a robot", "blocked", true),
                Verdict::NothingReadable => failed("the page has no article that can be read", "nothing", false),
            },
            Err(error) => failed(&error.to_string(), "error", false),
        }
    }

    /// Matches the article again with what its page says, and commits that.
    async fn take_in(
        &self,
        wanted: WantedPage,
        feed: Arc<FeedSettings>,
        page: Arc<Page>,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let article = full_text::with_page(&wanted.article, &page);
        let outcome = match (&article, page.verdict) {
            (None, _) => "nothing",
            (Some(_), Verdict::PaywallStub) => "paywall",
            (Some(_), _) => "page",
        };
        let article_feed = ArticleFeed {
            id: feed.id.clone(),
            url: feed.shown_url(),
            title: feed.name.clone().or_else(|| wanted.feed_title.clone()),
            tags: feed.tags.clone(),
        };
        let (watching, metrics, key) = (Arc::clone(&self.watching), self.metrics.clone(), wanted.key.clone());
        let permit = Arc::clone(&self.readers).acquire_owned().await;
        let matching = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut article = article?;
            article.feed = Some(article_feed);
            let alerts = matched(&watching, &metrics, &article, &key, None, now);
            Some((article, alerts))
        });
        let read = match matching.await {
            Ok(read) => read,
            Err(error) => {
                warn!(feed = %feed.id, error = %error, "matching a page broke off");
                None
            }
        };
        let words = read.as_ref().map(|(article, _)| article.words());
        let committed = self.store.commit_page(PageResult { wanted, at: now, read }).await?;
        self.metrics.fulltext.with_label_values(&[outcome]).inc();
        let alerts = self.count_alerts(&committed.alerts);
        match (alerts, words) {
            (0, words) => debug!(feed = %feed.id, outcome, words, "page read"),
            (alerts, words) => info!(feed = %feed.id, outcome, words, alerts, "page read"),
        }
        Ok(alerts)
    }
}

/// Whether another feed would ask for the page in the same way, so that what comes is the same.
fn asks_alike(one: &FeedSettings, other: &FeedSettings, page: &Url) -> bool {
    let own_host = |feed: &FeedSettings| matches!(&feed.source, FeedSource::Http(url) if url.host() == page.host());
    let has_secrets = |feed: &FeedSettings| {
        let has_user =
            matches!(&feed.source, FeedSource::Http(url) if !url.username().is_empty() || url.password().is_some());
        own_host(feed) && (has_user || !feed.headers.is_empty())
    };
    one.id == other.id
        || (one.user_agent == other.user_agent
            && one.proxy == other.proxy
            && (one.private && own_host(one)) == (other.private && own_host(other))
            && !has_secrets(one)
            && !has_secrets(other))
}

/// Whether the same request may bring the page later. A page that is not there yet may come: feeds are often sooner.
fn may_come(error: &FetchError) -> bool {
    error.is_transient() || matches!(error, FetchError::Status { .. } | FetchError::Tls { .. })
}

/// Whether the server has the page, and does not want to give it to us.
fn is_refusal(error: &FetchError) -> bool {
    matches!(error, FetchError::Status { status, .. } if matches!(status.as_u16(), 401 | 402 | 403 | 451))
}

/// What a turn of `run --once` did with pages.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct PageTurn {
    /// Requests.
    pub fetched: usize,
    /// New alerts.
    pub alerts: usize,
}

impl Daemon {
    /// Asks for every page that is wanted once: what an earlier attempt has to wait for is set aside, what a host asked
    /// for is kept.
    ///
    /// # Errors
    /// The store can't be read, or could not take what came.
    pub(super) async fn pages_once(
        &self,
        mut scheduler: Scheduler,
        feeds: &HashMap<FeedId, Arc<FeedSettings>>,
        stop: &CancellationToken,
    ) -> Result<PageTurn, StoreError> {
        let mut turn = PageTurn::default();
        let (poller, clock) = (&self.poller, self.poller.clock);
        let mut waiting: HashMap<String, Vec<String>> = HashMap::new();
        for url in poller.store.waiting_pages(clock.now()).await?.into_iter().rev() {
            let host = Url::parse(&url).ok().and_then(|url| Some(url.host_str()?.to_ascii_lowercase()));
            waiting.entry(host.unwrap_or_default()).or_default().push(url);
        }
        let mut hosts = PageHosts::default();
        hosts.wait(&mut scheduler, waiting.keys().map(|host| (host.clone(), clock.now())).collect(), clock.now());
        let mut under_way: JoinSet<(String, Result<usize, StoreError>)> = JoinSet::new();
        loop {
            let due = if stop.is_cancelled() { Vec::new() } else { scheduler.take_due(clock.now()) };
            for host in due.iter().filter_map(|id| hosts.take(id)).collect::<Vec<_>>() {
                let url = waiting.get_mut(&host).and_then(Vec::pop);
                let wanted = match url {
                    Some(url) => poller.store.wanting_page(&url).await?,
                    None => Vec::new(),
                };
                let wanting = poller.still_wanting(wanted, |feed| feeds.get(feed).cloned()).await?;
                turn.fetched += usize::from(!wanting.is_empty());
                let poller = Arc::clone(poller);
                under_way.spawn(async move { (host, poller.page(wanting).await) });
            }
            if under_way.is_empty() && (stop.is_cancelled() || scheduler.is_empty()) {
                return Ok(turn);
            }
            let now = clock.now();
            let wake = scheduler.next_wake().filter(|_| !stop.is_cancelled());
            let wait = wake.map_or(WAIT_MAX, |wake| (wake - now).to_std().unwrap_or_default().min(WAIT_MAX));
            // Losing a branch harms nothing: a page that has ended stays in the set until it is taken.
            let ended = tokio::select! {
                Some(ended) = under_way.join_next() => ended,
                () = tokio::time::sleep(wait) => continue,
                () = stop.cancelled(), if !stop.is_cancelled() => continue,
            };
            let Ok((host, ended)) = ended else { continue };
            turn.alerts += ended?;
            let now = clock.now();
            let next = waiting.get(&host).filter(|urls| !urls.is_empty()).map(|_| now);
            hosts.ended(&mut scheduler, &host, next, now);
        }
    }
}

/// A turn looks at its clock at least this often.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// How a page under way in the daemon ended: its host, and when the host's next one is due.
pub(super) type PageEnd = (String, Option<DateTime<Utc>>);

impl Poller {
    /// Fetches a page, and says when its host's next one is due.
    pub(super) async fn page_of(&self, host: String, wanting: Wanting) -> PageEnd {
        let ended = self.page(wanting).await;
        let now = self.clock.now();
        if let Err(error) = ended {
            warn!(error = %error, "a page could not be stored: it is fetched again");
            return (host, Some(now + STORE_RETRY));
        }
        match self.store.next_page_due(&host).await {
            Ok(next) => (host, next),
            Err(error) => {
                warn!(error = %error, "can't read which pages are wanted");
                (host, Some(now + STORE_RETRY))
            }
        }
    }
}

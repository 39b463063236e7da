//! Pages of articles: fetched as politely as feeds are, read, matched as an edit of their entry.
//!
//! The store keeps what is wanted (`store::page`); the scheduler knows each host with pages as one more that may be asked,
//! so that polls and pages of a host share its permits; one page of a host is fetched at a time. A page that does not
//! come is tried again later and then given up: its entry has been matched without it, so no alert waits.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};
use url::Url;

use super::{
    Daemon, STORE_RETRY,
    feeds::{Feeds, limits},
    matching::Matching,
    page_hosts::{HostSaid, PageEnd, PageHosts, Taken},
    poll::{Poller, chain},
};
use crate::{
    article::{
        ArticleFeed,
        full_text::{self, Page, Verdict},
    },
    config::{FeedId, FeedSettings, FeedSource, FullText, shown_url},
    fetch::{Answer, FetchError, FetchRequest, Wanted},
    schedule::{HostKey, Scheduler},
    store::{PageFailure, PageResult, StoreError, WantedPage},
};

/// Waits before a page is tried again; after the last it is given up. News that comes later than this is none.
const RETRY: [TimeDelta; 4] = [TimeDelta::minutes(1), TimeDelta::minutes(10), TimeDelta::hours(1), TimeDelta::hours(4)];
/// A host that answers 429 and names no time is left alone for so long.
const NOT_NOW_WAIT: Duration = Duration::from_secs(10 * 60);
/// A turn of `run --once` begins no more pages after this: a busy host's are spaced, and the next turn goes on.
const TURN_MAX: TimeDelta = TimeDelta::minutes(2);
/// A turn looks at its clock at least this often.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// A page that is wanted, and the feed that wants it; `None` where that is no more.
pub(super) type Wish = (WantedPage, Option<Arc<FeedSettings>>);

/// A page, and the feeds that want it: all of them ask for it in the same way.
type Wanting = Vec<(WantedPage, Arc<FeedSettings>)>;

/// What came of one request for a page.
#[derive(Debug)]
enum Came {
    /// Something that was read.
    Page(Box<Page>),
    /// Nothing, this time. `not_now` is how long the host wants to be left alone.
    Failed { why: String, outcome: &'static str, may_come: bool, not_now: Option<Duration> },
}

/// A page that was asked for, or not.
#[derive(Debug, Clone, Copy)]
struct Asked {
    requests: usize,
    alerts: usize,
    said: HostSaid,
}

impl Asked {
    const NOBODY: Self = Self { requests: 0, alerts: 0, said: HostSaid::Nothing };
}

impl Came {
    fn of_host(&self) -> HostSaid {
        match self {
            Self::Page(_) => HostSaid::Well,
            Self::Failed { not_now: Some(wait), .. } => HostSaid::NotNow(*wait),
            Self::Failed { .. } => HostSaid::Nothing,
        }
    }
}

impl Poller {
    /// Those that still want their page, and in the same way as the first. Wishes of feeds that are gone, or want no pages
    /// any more, are forgotten.
    async fn still_wanting(&self, wanted: Vec<Wish>) -> Result<Wanting, StoreError> {
        let mut wanting: Wanting = Vec::with_capacity(wanted.len());
        for (page, feed) in wanted {
            match feed.filter(|feed| feed.full_text != FullText::Off) {
                None => self.store.forget_pages(&page.feed).await?,
                Some(feed) if wanting.first().is_none_or(|(_, first)| asks_alike(first, &feed, &page.url)) => {
                    wanting.push((page, feed));
                }
                Some(_) => {}
            }
        }
        Ok(wanting)
    }

    /// Fetches a page once, reads it, and commits what came of it for everybody who wants it.
    ///
    /// # Errors
    /// The store could not take it: the page is still wanted.
    async fn page(&self, wanted: Vec<Wish>) -> Result<Asked, StoreError> {
        let wanting = self.still_wanting(wanted).await?;
        let Some((first, feed)) = wanting.first() else { return Ok(Asked::NOBODY) };
        let came = self.ask(&first.url, feed).await;
        let now = self.clock.now();
        let mut alerts = 0;
        let said = came.of_host();
        match came {
            Came::Page(mut page) => {
                page.forget_times_ahead(now);
                let page: Arc<Page> = Arc::from(page);
                for (wanted, feed) in wanting {
                    alerts += self.take_page(wanted, feed, Arc::clone(&page), now).await?;
                }
            }
            Came::Failed { why, outcome, may_come, not_now } => {
                for (wanted, feed) in wanting {
                    self.metrics.fulltext.with_label_values(&[outcome]).inc();
                    let attempt = wanted.attempts.saturating_add(1);
                    let wait = RETRY.get(wanted.attempts as usize).filter(|_| may_come);
                    let not_before = not_now.and_then(|wait| TimeDelta::from_std(wait).ok()).map(|wait| now + wait);
                    let page = shown_url(&wanted.url, feed.secret);
                    match wait {
                        Some(_) => debug!(feed = %feed.id, error = %why, attempt, page, "a page did not come"),
                        None => {
                            self.metrics.fulltext.with_label_values(&["given_up"]).inc();
                            info!(feed = %feed.id, error = %why, attempt, page, "a page is given up");
                        }
                    }
                    let failure = PageFailure { error: why.clone(), retry: wait.map(|wait| now + *wait), not_before };
                    self.store.page_failed(&wanted, failure).await?;
                }
            }
        }
        Ok(Asked { requests: 1, alerts, said })
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
            FeedSource::File(_) | FeedSource::Exec { .. } => FetchRequest::new(&page_itself),
        };
        let request = FetchRequest {
            user_agent: feed.user_agent.as_deref(),
            proxy: feed.proxy.as_ref(),
            wanted: Wanted::Page,
            ..request
        };
        let failed = |why: String, outcome, may_come| Came::Failed { why, outcome, may_come, not_now: None };
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
                not_now: retry_after.or((status == 429).then_some(NOT_NOW_WAIT)),
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
                not_now: None,
            };
        }
        let permit = Arc::clone(&self.page_readers).acquire_owned().await;
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            full_text::read(&body, content_type.as_deref(), &at)
        });
        let failed =
            |why: &str, outcome, may_come| Came::Failed { why: why.to_owned(), outcome, may_come, not_now: None };
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
    async fn take_page(
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
        let permit = Arc::clone(&self.page_readers).acquire_owned().await;
        let matching = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut article = article?;
            article.feed = Some(article_feed);
            let alerts = Matching { watching: &watching, metrics: &metrics, now }.alerts(&article, &key, None);
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
    /// Pages that the turn had no time for: the next one begins with them.
    pub left: usize,
}

impl Poller {
    /// Fetches a page of `host`, and says when its next one is due.
    async fn page_of(&self, host: String, wanted: Vec<Wish>) -> PageEnd {
        let ended = self.page(wanted).await;
        let again = Some(self.clock.now() + STORE_RETRY);
        let said = match ended {
            Ok(asked) => asked.said,
            Err(error) => {
                warn!(error = %error, "a page could not be stored: it is fetched again");
                return PageEnd { host, next: again, said: HostSaid::Nothing };
            }
        };
        let next = self.store.next_page_due(&host).await.unwrap_or_else(|error| {
            warn!(error = %error, "can't read which pages are wanted");
            again
        });
        PageEnd { host, next, said }
    }
}

impl Daemon {
    /// Tells the schedule which hosts have pages waiting.
    pub(super) async fn look_for_pages(&self, feeds: &mut Feeds) {
        match self.poller.store.page_hosts().await {
            Ok(hosts) => feeds.pages_wait(hosts),
            Err(error) => warn!(error = %error, "can't read which pages are wanted"),
        }
    }

    /// Begins the page of a host whose turn it is.
    pub(super) async fn begin_page(&self, feeds: &mut Feeds, host: String, pages: &mut JoinSet<PageEnd>) {
        let now = self.poller.clock.now();
        match self.poller.store.due_page(&host, now).await {
            Ok(wanted) => {
                let poller = Arc::clone(&self.poller);
                let wanted = wished(wanted, feeds.settings());
                pages.spawn(async move { poller.page_of(host, wanted).await });
            }
            Err(error) => {
                warn!(error = %error, "can't read which pages are wanted");
                feeds.page_ended(&PageEnd { host, next: Some(now + STORE_RETRY), said: HostSaid::Nothing });
            }
        }
    }

    /// A page has ended.
    pub(super) fn page_ended(&self, feeds: &mut Feeds, ended: Result<PageEnd, tokio::task::JoinError>) {
        match ended {
            Ok(end) => {
                if let Some(rest) = feeds.page_ended(&end) {
                    self.note_rest(rest);
                }
            }
            // Reading and matching are guarded where they are done, so this is no page's doing.
            Err(error) => error!(error = %error, "a page broke off"),
        }
    }

    /// Asks for every page that is wanted once: what an earlier attempt has to wait for is set aside, what a host asked
    /// for is kept. `resting` are hosts that asked to be left alone.
    ///
    /// # Errors
    /// The store can't be read, or could not take what came.
    pub(super) async fn pages_once(
        &self,
        feeds: &HashMap<FeedId, Arc<FeedSettings>>,
        resting: &HashMap<HostKey, DateTime<Utc>>,
        stop: &CancellationToken,
    ) -> Result<PageTurn, StoreError> {
        let mut turn = PageTurn::default();
        let (poller, clock) = (&self.poller, self.poller.clock);
        let mut waiting: HashMap<String, Vec<String>> = HashMap::new();
        for url in poller.store.waiting_pages(clock.now()).await?.into_iter().rev() {
            let host = Url::parse(&url).ok().and_then(|url| Some(url.host_str()?.to_ascii_lowercase()));
            waiting.entry(host.unwrap_or_default()).or_default().push(url);
        }
        waiting.retain(|host, _| resting.get(&HostKey::new(host)).is_none_or(|until| *until <= clock.now()));
        let mut scheduler = Scheduler::new(limits(&self.settings.daemon));
        let mut hosts = PageHosts::new(self.settings.daemon.concurrency, HashMap::new());
        hosts.wait(&mut scheduler, waiting.keys().map(|host| (host.clone(), clock.now())).collect(), clock.now());
        let mut under_way: JoinSet<(String, Result<Asked, StoreError>)> = JoinSet::new();
        let end = clock.now() + TURN_MAX;
        loop {
            let now = clock.now();
            let is_over = stop.is_cancelled() || now >= end;
            let due = if is_over { Vec::new() } else { scheduler.take_due(now) };
            for id in due {
                let Taken::Host(host) = hosts.take(&mut scheduler, &id, now) else { continue };
                let wanted = match waiting.get_mut(&host).and_then(Vec::pop) {
                    Some(url) => poller.store.wanting_page(&url).await?,
                    None => Vec::new(),
                };
                let (poller, wanted) = (Arc::clone(poller), wished(wanted, feeds));
                under_way.spawn(async move { (host, poller.page(wanted).await) });
            }
            if under_way.is_empty() && (is_over || scheduler.is_empty()) {
                turn.left = waiting.values().map(Vec::len).sum();
                return Ok(turn);
            }
            let wake = scheduler.next_wake().filter(|_| !is_over);
            let wait = wake.map_or(WAIT_MAX, |wake| (wake - now).to_std().unwrap_or_default().min(WAIT_MAX));
            // Losing a branch harms nothing: a page that has ended stays in the set until it is taken.
            let ended = tokio::select! {
                Some(ended) = under_way.join_next() => ended,
                () = tokio::time::sleep(wait) => continue,
                () = stop.cancelled(), if !stop.is_cancelled() => continue,
            };
            let Ok((host, asked)) = ended else { continue };
            let Asked { requests, alerts, said } = asked?;
            turn.fetched += requests;
            turn.alerts += alerts;
            let now = clock.now();
            // One that asks to be left alone is, for the rest of this turn.
            let is_over = matches!(said, HostSaid::NotNow(_)) || waiting.get(&host).is_none_or(Vec::is_empty);
            let next = (!is_over).then_some(now);
            hosts.ended(&mut scheduler, &PageEnd { host, next, said }, now);
        }
    }
}

/// Who wants the pages, as far as the config still knows them.
fn wished(wanted: Vec<WantedPage>, feeds: &HashMap<FeedId, Arc<FeedSettings>>) -> Vec<Wish> {
    let settings = |page: &WantedPage| feeds.get(&page.feed).cloned();
    wanted.into_iter().map(|page| (settings(&page), page)).map(|(feed, page)| (page, feed)).collect()
}

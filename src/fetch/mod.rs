//! One polite request: conditional, bounded, checked at every hop; its answer in words that the daemon acts on.
//!
//! [`Fetcher::fetch`] is the way in. It keeps no state between requests but connections: what a server gave to ask again
//! with is the caller's to store, together with the articles that it stands for.

pub mod address;
mod body;
pub mod client;
mod command;
mod error;
pub mod form;
pub mod hints;
mod large;
pub mod look_up;
pub(crate) mod program;
pub mod redirect;
mod request;
mod source;
pub mod tls;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::{
    Client, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue, LINK, LOCATION},
};
use tokio::time::{Instant, timeout_at};
use url::Url;

pub use error::{CommandProblem, FetchError, FileProblem, StatusHint};
pub use hints::Validators;
pub use large::Held;
pub use request::{FetchRequest, Wanted};

use self::{
    address::Names,
    large::{Intake, LargeBodies, Size},
    look_up::LookUps,
    redirect::Chain,
    request::Outgoing,
};
use crate::{
    clock::Clock,
    config::{FeedSource, Proxy},
};

/// What one request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// Of the body, after decompression.
    pub body_bytes_max: u64,
    /// For the whole request: every hop, headers and body. A large body's wait for its turn is not counted.
    pub total: Duration,
    /// For each connection: name, TCP and TLS.
    pub connect: Duration,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            // The largest feeds in use are near 10 MB.
            body_bytes_max: 15 * 1024 * 1024,
            total: Duration::from_secs(30),
            connect: Duration::from_secs(10),
        }
    }
}

/// What a feed's server said, in words that the daemon acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A document. Its bytes may still be the known ones: [`Validators::is_same_body`] tells.
    Document {
        /// Decompressed.
        body: Bytes,
        /// The `Content-Type`, as it was sent.
        content_type: Option<String>,
        /// The URL that gave it, after all moves, without user-info.
        url: Url,
        /// Its `Link` headers.
        links: Vec<String>,
        /// To ask again with.
        validators: Validators,
        /// How long the server wants it to be relied on.
        freshness: Option<Duration>,
        /// Where the feed has moved to for good: every hop was permanent. Worth keeping once it reads as a feed.
        moved_to: Option<Url>,
        /// Of a large body: the right to hold it. To be kept until all that was read out of it is dealt with.
        held: Held,
    },
    /// 304.
    NotModified {
        /// To be stored instead of those that were sent.
        validators: Validators,
        /// How long the server wants it to be relied on.
        freshness: Option<Duration>,
        /// As of a document: what the validators stand for has been read as a feed before.
        moved_to: Option<Url>,
    },
    /// 429 or 503.
    NotNow {
        /// Which of them.
        status: u16,
        /// How long the server wants to be left alone, up to [`hints::HINT_MAX`].
        retry_after: Option<Duration>,
    },
    /// 410: stop, and tell the user.
    Gone,
}

/// Fetches feeds. One for all; connections are shared.
#[derive(Debug)]
pub struct Fetcher {
    user_agent: HeaderValue,
    proxy: Proxy,
    allow_private: bool,
    limits: FetchLimits,
    /// By proxy and whether private addresses are allowed. As many as the config names proxies, twice.
    clients: Mutex<HashMap<(Proxy, bool), Client>>,
    names: Names,
    large: LargeBodies,
    clock: Clock,
}

impl Fetcher {
    /// `proxy` and `allow_private` hold for feeds that say nothing of their own.
    ///
    /// # Errors
    /// [`FetchError::Header`] where `contact` can't stand in a header, [`FetchError::Client`] where the proxy can't be
    /// used.
    pub fn new(
        contact: Option<&str>,
        proxy: &Proxy,
        allow_private: bool,
        limits: FetchLimits,
    ) -> Result<Self, FetchError> {
        let fetcher = Self {
            user_agent: request::user_agent(contact)?,
            proxy: proxy.clone(),
            allow_private,
            limits,
            clients: Mutex::default(),
            names: Names::System(LookUps::for_feeds()),
            large: LargeBodies::new(),
            clock: Clock::system(),
        };
        fetcher.client_for(proxy, allow_private)?;
        Ok(fetcher)
    }

    /// The same with addresses from elsewhere than the system's resolver.
    #[must_use]
    pub fn with_names(self, names: Names) -> Self {
        Self { names, clients: Mutex::default(), ..self }
    }

    /// Asks for one feed.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchError::is_transient`] says whether asking again may help by itself.
    pub async fn fetch(&self, request: &FetchRequest<'_>) -> Result<Answer, FetchError> {
        let configured = match request.source {
            FeedSource::Http(url) => url,
            FeedSource::File(path) => {
                let known = request.validators.cloned();
                return source::read_aside(path.clone(), known, self.limits.body_bytes_max, &self.large).await;
            }
            FeedSource::Exec { program, arguments } => {
                return command::run(program, arguments, &self.limits, &self.large).await;
            }
        };
        let start = request.moved_to.unwrap_or(configured);
        self.follow(request, configured, Chain::new(start)).await
    }

    async fn follow(
        &self,
        request: &FetchRequest<'_>,
        configured: &Url,
        mut chain: Chain,
    ) -> Result<Answer, FetchError> {
        let deadline = Instant::now() + self.limits.total;
        let mut outgoing = Outgoing::new(request, configured, &self.user_agent)?;
        loop {
            let url = chain.current();
            let sent = timeout_at(deadline, self.send(request, configured, url, &mut outgoing)).await;
            let response = sent.map_err(|_| self.too_late(url))??;
            let status = response.status();
            if redirect::is_move(status) {
                let from = host(url);
                chain
                    .follow(status, response.headers().get(LOCATION))
                    .map_err(|problem| FetchError::Redirect { host: from, problem })?;
                continue;
            }
            return self.answer(request, &chain, response, deadline).await;
        }
    }

    fn too_late(&self, url: &Url) -> FetchError {
        FetchError::Timeout { host: host(url), limit: self.limits.total }
    }

    async fn send(
        &self,
        request: &FetchRequest<'_>,
        configured: &Url,
        url: &Url,
        outgoing: &mut Outgoing<'_>,
    ) -> Result<Response, FetchError> {
        // A feed that may be on a private address is there and nowhere else: where its server sends us on, or has sent
        // us for good, cloud metadata or a router's page may wait.
        let is_own_host = request.private && configured.host() == url.host();
        let allow_private = self.allow_private || is_own_host;
        let proxy = client::proxy_for(request.proxy.unwrap_or(&self.proxy), url);
        if !allow_private {
            address::check_literal(url)?;
            check_not_proxy(proxy, url)?;
        }
        let client = self.client_for(proxy, allow_private)?;
        let sent = client.get(url.clone()).headers(outgoing.headers_for(url)).send().await;
        sent.map_err(|error| {
            let is_proxied = !client::proxies(proxy).is_empty();
            FetchError::from_reqwest(host(url), is_proxied, self.limits.connect, error)
        })
    }

    fn client_for(&self, proxy: &Proxy, allow_private: bool) -> Result<Client, FetchError> {
        // A panic while it was held can at worst have left a client out.
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (proxy.clone(), allow_private);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let client = client::client(proxy, allow_private, self.limits.connect, &self.names)?;
        clients.insert(key, client.clone());
        Ok(client)
    }

    async fn answer(
        &self,
        request: &FetchRequest<'_>,
        chain: &Chain,
        response: Response,
        deadline: Instant,
    ) -> Result<Answer, FetchError> {
        let now = self.clock.now();
        let url = chain.current();
        let status = response.status();
        let asked = request.validators.filter(|v| v.url == url.as_str() && v.can_ask());
        match (status, asked) {
            (status, _) if status.is_success() && !error::is_challenge(&response) => {
                self.document(chain, response, deadline, now).await
            }
            (StatusCode::NOT_MODIFIED, Some(known)) => Ok(Answer::NotModified {
                validators: known.refreshed(response.headers()),
                freshness: hints::freshness(response.headers(), now),
                moved_to: chain.moved_to(),
            }),
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _) if !error::is_challenge(&response) => {
                Ok(Answer::NotNow { status: status.as_u16(), retry_after: hints::retry_after(response.headers(), now) })
            }
            // Behind a move for the time being, what is gone is not the feed.
            (StatusCode::GONE, _) if chain.is_permanent() => Ok(Answer::Gone),
            // A 304 to a question that was not asked has nothing to stand on.
            _ => Err(FetchError::Status { host: host(url), status, hint: StatusHint::of(&response) }),
        }
    }

    async fn document(
        &self,
        chain: &Chain,
        mut response: Response,
        mut deadline: Instant,
        now: DateTime<Utc>,
    ) -> Result<Answer, FetchError> {
        let url = chain.current().clone();
        let limit = self.limits.body_bytes_max;
        let fail = |problem| FetchError::from_body(host(&url), limit, problem);
        // A promise to send too much is taken at its word. For a compressed body it is the compressed length, which is
        // hardly ever the larger one.
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(FetchError::BodyTooLarge { limit });
        }
        let headers = std::mem::take(response.headers_mut());
        let mut intake = Intake::new(&headers, limit).map_err(fail)?;
        loop {
            let read = timeout_at(deadline, response.chunk()).await.map_err(|_| self.too_late(&url))?;
            let piece =
                read.map_err(|error| FetchError::Truncated { host: host(&url), source: error.without_url() })?;
            let size = match &piece {
                Some(piece) => intake.push(piece),
                None => intake.end(),
            };
            if size.map_err(fail)? == Size::Large {
                let before = Instant::now();
                let held = self.large.hold().await;
                // It was we who did not read.
                deadline += before.elapsed();
                intake.go_on(held).map_err(fail)?;
                if piece.is_none() {
                    intake.end().map_err(fail)?;
                }
            }
            if piece.is_none() {
                break;
            }
        }
        let (document, held) = intake.into_document();
        Ok(Answer::Document {
            body: document.body,
            content_type: headers.get(CONTENT_TYPE).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()),
            links: headers.get_all(LINK).iter().filter_map(|v| v.to_str().ok()).map(str::to_owned).collect(),
            validators: Validators::from_headers(url.as_str(), &headers, document.hash),
            freshness: hints::freshness(&headers, now),
            moved_to: chain.moved_to(),
            held,
            url,
        })
    }
}

/// The proxy's own name may resolve to anything, so a feed must not lead there past the proxy, through `NO_PROXY` or
/// where only https is proxied.
fn check_not_proxy(proxy: &Proxy, url: &Url) -> Result<(), FetchError> {
    match url.host_str() {
        Some(host) if client::proxies(proxy).iter().any(|p| p.host_str() == Some(host)) => {
            Err(FetchError::ProxyItself { host: host.to_owned() })
        }
        _ => Ok(()),
    }
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

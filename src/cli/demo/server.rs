//! The demo's other side: a server on loopback that serves the sample feeds and receives the webhook.
//!
//! It behaves as a good feed server does (ETag, Last-Modified, 304) and as a careful receiver does: nothing counts that
//! the `standardwebhooks` crate, which shares no code with wirewatch's signing, does not verify. The very first request
//! to the webhook is answered 500, so that the demo shows a retry.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::feeds::{self, Rendered};
use crate::clock::Clock;
use crate::config::environment::Environment;

/// Standard Webhooks asks for 24 to 64 bytes.
const SECRET_BYTES: usize = 32;

/// The sample feeds and the webhook's receiver, alive until dropped.
pub struct DemoServer {
    address: SocketAddr,
    secret: String,
    seen: watch::Receiver<Seen>,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

/// What the server has seen so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Requests for feeds.
    pub polls: Polls,
    /// Requests to the webhook.
    pub received: Received,
}

/// Requests for feeds, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Polls {
    /// Answered with a document.
    pub documents: u64,
    /// Answered 304.
    pub not_modified: u64,
    /// The first version went out for so many different feeds.
    pub feeds_first: usize,
    /// Feeds that were asked for since [`DemoServer::second`].
    pub feeds_second: usize,
}

/// Requests to the webhook, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Received {
    /// Different `webhook-id`s that were verified and accepted.
    pub verified: u64,
    /// Requests whose signature, timestamp or headers do not hold.
    pub rejected: u64,
    /// Verified requests with an id that was accepted before.
    pub duplicates: u64,
    /// Verified requests that were answered 500, on purpose.
    pub turned_away: u64,
}

/// Counts beside the sets that they are of.
#[derive(Default)]
struct Ledger {
    is_second: bool,
    feeds_first: HashSet<String>,
    feeds_second: HashSet<String>,
    accepted: HashSet<String>,
}

struct Shared {
    started: DateTime<Utc>,
    verifier: Webhook,
    ledger: Mutex<Ledger>,
    seen: watch::Sender<Seen>,
}

impl DemoServer {
    /// Listens on a free port of loopback, with a fresh secret. The feeds' dates count back from the clock's time now.
    ///
    /// # Errors
    /// Where loopback gives no port, or the system no random bytes.
    pub async fn start(clock: Clock) -> io::Result<Self> {
        let mut key = [0; SECRET_BYTES];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let verifier = Webhook::from_bytes(key.to_vec()).map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;

        let (sender, seen) = watch::channel(Seen::default());
        let shared = Arc::new(Shared { started: clock.now(), verifier, ledger: Mutex::default(), seen: sender });
        let router = Router::new()
            .route("/feeds/{name}", get(serve_feed))
            .route("/hook", post(receive))
            .with_state(Arc::clone(&shared));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
                tracing::error!(%error, "demo server ended");
            }
        });
        let secret = format!("whsec_{}", BASE64.encode(&key));
        Ok(Self { address, secret, seen, shared, _stop: stop.drop_guard() })
    }

    /// Where it listens; `demo.toml`'s `${DEMO_ADDRESS}`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the webhook is to be signed with; `demo.toml`'s `${DEMO_SECRET}`.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// What [`feeds::CONFIG`] is to be read beside; `data` is the folder that the daemon keeps its store in.
    pub fn environment(&self, data: &FilePath) -> Environment {
        Environment::of([
            ("DEMO_ADDRESS", self.address.to_string()),
            ("DEMO_DATA", data.display().to_string()),
            ("DEMO_SECRET", self.secret.clone()),
        ])
    }

    /// From now on serves the second version of each feed.
    pub fn second(&self) {
        self.shared.ledger().is_second = true;
    }

    /// What came to the webhook so far.
    pub fn received(&self) -> Received {
        self.seen.borrow().received
    }

    /// What was asked of the feeds so far.
    pub fn polls(&self) -> Polls {
        self.seen.borrow().polls
    }

    /// The counts as they change, to wait for one: `server.watch().wait_for(|seen| seen.polls.feeds_first == 6)`.
    pub fn watch(&self) -> watch::Receiver<Seen> {
        self.seen.clone()
    }
}

impl Shared {
    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        // Nothing panics while it holds the lock halfway through a change, so what a poisoned one guards is whole.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve_feed(State(shared): State<Arc<Shared>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let mut ledger = shared.ledger();
    let Some(rendered) = feeds::render(&name, ledger.is_second, shared.started) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let is_current = is_current(&headers, &rendered);
    if ledger.is_second {
        ledger.feeds_second.insert(name);
    } else {
        ledger.feeds_first.insert(name);
    }
    shared.seen.send_modify(|seen| {
        if is_current {
            seen.polls.not_modified += 1;
        } else {
            seen.polls.documents += 1;
        }
        seen.polls.feeds_first = ledger.feeds_first.len();
        seen.polls.feeds_second = ledger.feeds_second.len();
    });
    let validators = [(ETAG, rendered.etag), (LAST_MODIFIED, httpdate::fmt_http_date(rendered.last_modified.into()))];
    if is_current {
        return (StatusCode::NOT_MODIFIED, validators).into_response();
    }
    (validators, [(CONTENT_TYPE, rendered.content_type)], rendered.body).into_response()
}

/// Whether the client holds this very document. RFC 9110 §13.2.2: If-Modified-Since counts only without If-None-Match.
fn is_current(headers: &HeaderMap, rendered: &Rendered) -> bool {
    if let Some(tags) = headers.get(IF_NONE_MATCH) {
        // If-None-Match compares weakly (§13.1.2): `W/` makes no difference.
        let is_ours = |tag: &str| tag.trim().trim_start_matches("W/") == rendered.etag;
        return tags.to_str().is_ok_and(|tags| tags.trim() == "*" || tags.split(',').any(is_ours));
    }
    let since = headers.get(IF_MODIFIED_SINCE).and_then(|since| since.to_str().ok());
    // HTTP dates are whole seconds.
    since
        .and_then(|since| httpdate::parse_http_date(since).ok())
        .is_some_and(|since| rendered.last_modified.timestamp() <= DateTime::<Utc>::from(since).timestamp())
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let is_verified = shared.verifier.verify(&body, &headers).is_ok();
    let id = headers.get(standardwebhooks::HEADER_WEBHOOK_ID).and_then(|id| id.to_str().ok());
    let mut ledger = shared.ledger();
    let mut status = StatusCode::NO_CONTENT;
    shared.seen.send_modify(|seen| match id {
        Some(id) if is_verified => {
            if seen.received.turned_away == 0 {
                seen.received.turned_away = 1;
                status = StatusCode::INTERNAL_SERVER_ERROR;
            } else if ledger.accepted.insert(id.to_owned()) {
                seen.received.verified += 1;
            } else {
                seen.received.duplicates += 1;
            }
        }
        _ => {
            seen.received.rejected += 1;
            status = StatusCode::UNAUTHORIZED;
        }
    });
    status
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::config::{self, problem::Origin};

    /// One request with these header lines and body; gives status and the whole answer.
    async fn send(server: &DemoServer, request_line: &str, headers: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let length = body.len();
        let request = format!(
            "{request_line} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
    }

    fn header<'a>(answer: &'a str, name: &str) -> &'a str {
        answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap()
    }

    #[tokio::test]
    async fn a_known_document_is_answered_304_until_it_is_edited() {
        let server = DemoServer::start(Clock::system()).await.unwrap();
        let (status, first) = send(&server, "GET /feeds/meridian.xml", "", "").await;
        assert_eq!(status, 200);
        let known = format!("if-none-match: {}\r\n", header(&first, "etag"));
        let since = format!("if-modified-since: {}\r\n", header(&first, "last-modified"));
        assert_eq!(send(&server, "GET /feeds/meridian.xml", &known, "").await.0, 304);
        assert_eq!(send(&server, "GET /feeds/meridian.xml", &since, "").await.0, 304);
        assert_eq!(send(&server, "GET /feeds/meridian.xml", "if-none-match: \"old\"\r\n", "").await.0, 200);
        server.second();
        let (status, second) = send(&server, "GET /feeds/meridian.xml", &known, "").await;
        assert_eq!(status, 200);
        assert!(second.contains("FK-3"));
        assert_eq!(send(&server, "GET /feeds/meridian.xml", &since, "").await.0, 200);
        assert_eq!(send(&server, "GET /feeds/nothing.xml", "", "").await.0, 404);
        assert_eq!(server.polls(), Polls { documents: 4, not_modified: 2, feeds_first: 1, feeds_second: 1 });
    }

    #[tokio::test]
    async fn the_demos_config_asks_for_each_sample_feed_without_a_complaint() {
        let server = DemoServer::start(Clock::system()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let origin = Origin::File(folder.path().join("demo.toml"));
        let loaded = config::load_str(feeds::CONFIG, origin, &server.environment(folder.path()));
        assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
        let settings = loaded.settings.unwrap();
        let asked: Vec<_> = settings.feeds.iter().map(|feed| format!("{:?}", feed.source)).collect();
        assert_eq!(asked.len(), feeds::names().count());
        for (asked, name) in asked.iter().zip(feeds::names()) {
            assert!(asked.contains(name) && asked.contains(&server.address().port().to_string()), "{asked}");
        }
        assert_eq!(settings.sinks.len(), 2);
        assert_eq!(settings.watches.len(), 4);
    }

    #[tokio::test]
    async fn unedited_feeds_are_answered_304_at_the_second_poll() {
        let server = DemoServer::start(Clock::system()).await.unwrap();
        for name in ["harbour.xml", "bogazici.xml", "sever.xml", "rives.xml"] {
            let line = format!("GET /feeds/{name}");
            let (_, first) = send(&server, &line, "", "").await;
            server.second();
            let known = format!("if-none-match: {}\r\n", header(&first, "etag"));
            assert_eq!(send(&server, &line, &known, "").await.0, 304, "{name}");
        }
    }

    #[tokio::test]
    async fn only_signed_webhooks_count_and_the_first_is_turned_away() {
        let server = DemoServer::start(Clock::system()).await.unwrap();
        let signer = Webhook::new(server.secret()).unwrap();
        let body = r#"{"type":"alert"}"#;
        let time = Utc::now().timestamp();
        let signed = |id: &str| {
            let signature = signer.sign(id, time, body.as_bytes()).unwrap();
            format!("webhook-id: {id}\r\nwebhook-timestamp: {time}\r\nwebhook-signature: {signature}\r\n")
        };
        assert_eq!(send(&server, "POST /hook", &signed("alr_a"), body).await.0, 500);
        assert_eq!(send(&server, "POST /hook", &signed("alr_a"), body).await.0, 204);
        assert_eq!(send(&server, "POST /hook", &signed("alr_a"), body).await.0, 204);
        assert_eq!(send(&server, "POST /hook", &signed("alr_b"), body).await.0, 204);
        assert_eq!(send(&server, "POST /hook", &signed("alr_c"), r#"{"type":"alarm"}"#).await.0, 401);
        assert_eq!(send(&server, "POST /hook", "webhook-id: alr_d\r\n", body).await.0, 401);
        assert_eq!(server.received(), Received { verified: 2, rejected: 2, duplicates: 1, turned_away: 1 });
    }

    #[tokio::test]
    async fn the_port_is_free_again_once_dropped() {
        let server = DemoServer::start(Clock::system()).await.unwrap();
        let address = server.address();
        drop(server);
        // The listener is closed by its own task, a moment later.
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}

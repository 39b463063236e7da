//! HTTP for people, programs and hubs: health, metrics, articles that are pushed in. Loopback unless a token is set.

pub mod articles;
pub mod commands;
pub mod health;
mod websub;

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use self::{commands::Commands, health::Readiness};
use crate::{
    clock::Clock,
    config::{Secret, SinkSettings},
    deliver,
    metrics::Metrics,
    store::Store,
};

/// What the routes answer from.
#[derive(Debug, Clone)]
pub struct Served {
    /// The figures of `/metrics`.
    pub metrics: Metrics,
    /// What `/readyz` says.
    pub readiness: Arc<Readiness>,
    /// Asked of everything but the health paths.
    pub token: Option<Secret>,
    /// Knows what waits in the outbox.
    pub store: Store,
    /// Whose outbox it is.
    pub sinks: Arc<[SinkSettings]>,
    /// For ages.
    pub clock: Clock,
    /// Takes in what is pushed.
    pub commands: Commands,
}

/// Every path that this version answers. Health needs neither token nor a known Host: probes have none. A hub's token
/// stands in the path.
pub fn router(served: Served) -> Router {
    let open = Router::new()
        .route("/healthz", get(health::alive))
        .route("/-/healthy", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/-/ready", get(health::ready))
        .route("/websub/{token}", get(websub::question).post(websub::push));
    let guarded = Router::new()
        .route("/metrics", get(metrics))
        .route("/api/v1/articles", post(articles::push))
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(served.clone(), guard));
    open.merge(guarded).method_not_allowed_fallback(not_allowed).with_state(served)
}

/// Listens at `address`.
///
/// # Errors
/// The port is taken, or the address is not ours.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Answers until `stop`; requests under way are answered to their end.
///
/// # Errors
/// The listener broke.
pub async fn serve(listener: TcpListener, served: Served, stop: CancellationToken) -> io::Result<()> {
    axum::serve(listener, router(served)).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn metrics(State(served): State<Served>) -> Response {
    // Counted when somebody looks, so that an idle daemon counts nothing. Where the store can't be read, the rest still
    // tells how things are.
    if let Err(error) = deliver::observe(&served.store, &served.metrics, &served.sinks, served.clock.now()).await {
        warn!(error = %error, "the outbox can't be counted");
    }
    match served.store.subscription_counts().await {
        Ok(counts) => {
            served.metrics.count_subscriptions(&counts.iter().map(|(s, n)| (s.as_str(), *n)).collect::<Vec<_>>())
        }
        Err(error) => warn!(error = %error, "the subscriptions can't be counted"),
    }
    served.metrics.store_bytes.set(i64::try_from(served.store.bytes()).unwrap_or(i64::MAX));
    // https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], served.metrics.render()).into_response()
}

async fn not_found(request: Request) -> Response {
    problem(StatusCode::NOT_FOUND, &format!("there is nothing at {}", request.uri().path()))
}

async fn not_allowed() -> Response {
    problem(StatusCode::METHOD_NOT_ALLOWED, "this path does not answer that method")
}

/// With a token: the request carries it. Without one we listen on loopback alone, and then the Host must be a
/// loopback name, so that a page in the user's browser cannot reach us through a name that resolves here; nor may it write
/// from another site, which browsers tell by the Origin.
async fn guard(State(served): State<Served>, request: Request, next: Next) -> Response {
    let allowed = match &served.token {
        Some(token) => bears(request.headers(), token),
        None => is_loopback_host(request.headers()),
    };
    let is_write = !request.method().is_safe();
    match (allowed, &served.token) {
        (true, None) if is_write && !is_same_site(request.headers()) => {
            problem(StatusCode::FORBIDDEN, "the Origin header is another site's")
        }
        (true, _) => next.run(request).await,
        (false, Some(_)) => {
            let mut response =
                problem(StatusCode::UNAUTHORIZED, "send `Authorization: Bearer` with the daemon's token");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
            response
        }
        (false, None) => problem(StatusCode::FORBIDDEN, "the Host header is not a loopback name"),
    }
}

fn bears(headers: &HeaderMap, token: &Secret) -> bool {
    let given = headers.get(header::AUTHORIZATION).map(|v| v.as_bytes()).unwrap_or_default();
    let Some((scheme, given)) = given.split_at_checked("Bearer ".len()) else { return false };
    scheme.eq_ignore_ascii_case(b"Bearer ") && same_bytes(given, token.reveal().as_bytes())
}

/// Compares in time that does not depend on where the first difference is.
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (x, y)| differ | (x ^ y)) == 0
}

fn is_loopback_host(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|h| h.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether no other site's page sends this; programs send no Origin.
fn is_same_site(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    matches!((origin, host), (Some((_, origin)), Some(host)) if origin.eq_ignore_ascii_case(host))
}

/// An RFC 9457 problem document.
fn problem(status: StatusCode, detail: &str) -> Response {
    let body = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("error"),
        "status": status.as_u16(),
        "detail": detail,
    });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

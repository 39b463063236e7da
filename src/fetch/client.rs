//! HTTP clients as wirewatch wants them: no cookies, no referer, no redirects of their own, guarded addresses, few idle
//! connections. Feeds and webhooks use the same ones.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use rustls::ClientConfig;
use url::Url;

use super::{
    FetchError,
    address::{self, GuardedResolver, Names},
    tls,
};
use crate::config::{Proxy, shown_url};

/// Idle connections kept to one host. One serves the feeds of that host in turn; more would only cost memory.
const IDLE_PER_HOST: usize = 1;

/// How long an idle connection is kept: long enough for the next feed of the same host, far too short for the next poll.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Over HTTP/2, requests share a connection, which may die without a word (a firewall that forgot it). While one waits for
/// its answer and nothing was heard for this long, the server is asked for a sign of life …
const HTTP2_QUIET_MAX: Duration = Duration::from_secs(5);

/// … and where none comes in this time, the connection is closed, and the next request opens another.
const HTTP2_SIGN_WAIT: Duration = Duration::from_secs(5);

/// Most headers in an answer. Real ones have under 40.
const HEADERS_MAX: usize = 128;

/// Most bytes of headers over HTTP/2; hyper itself bounds them to about 400 kB over HTTP/1.
const HEADER_BYTES_MAX: u32 = 64 * 1024;

/// The TLS that all connections share, for protocols other than HTTP.
///
/// # Errors
/// [`FetchError::Client`] where neither the system's certificates nor the built-in ones can be used.
pub fn tls() -> Result<ClientConfig, FetchError> {
    let mut tls = shared_tls()?.clone();
    tls.alpn_protocols.clear();
    Ok(tls)
}

fn shared_tls() -> Result<&'static ClientConfig, FetchError> {
    TLS.as_ref().map_err(|source| FetchError::Client { source: Box::new(source.clone()) })
}

/// A client that goes through `proxy` and, unless `allow_private`, reaches public addresses only. The caller checks
/// literal addresses with [`super::address::check_literal`]: they never meet the resolver.
///
/// # Errors
/// [`FetchError::Client`] where the proxy's URL or the system's TLS set-up can't be used.
pub fn client(
    proxy: &Proxy,
    allow_private: bool,
    connect_timeout: Duration,
    names: &Names,
) -> Result<reqwest::Client, FetchError> {
    let exempt = proxies(proxy).iter().filter_map(|url| url.host_str().map(str::to_owned)).collect();
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(shared_tls()?.clone())
        .dns_resolver(Arc::new(GuardedResolver::new(allow_private, exempt, names.clone())))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(connect_timeout)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .http1_max_headers(HEADERS_MAX)
        .http2_keep_alive_interval(HTTP2_QUIET_MAX)
        .http2_keep_alive_timeout(HTTP2_SIGN_WAIT)
        .http2_max_header_list_size(HEADER_BYTES_MAX);
    let builder = match proxy {
        Proxy::Environment => builder,
        Proxy::Direct => builder.no_proxy(),
        Proxy::Url(url) => builder.proxy(reqwest::Proxy::all(url.as_str()).map_err(unusable)?),
    };
    builder.build().map_err(unusable)
}

fn unusable(error: reqwest::Error) -> FetchError {
    FetchError::Client { source: Box::new(error.without_url()) }
}

/// The proxy for one URL: what the environment names is for the outside, and this machine is reached directly, as with
/// other programs. Without that, a proxy in the environment would be asked for a feed or webhook on loopback.
pub fn proxy_for<'a>(proxy: &'a Proxy, url: &Url) -> &'a Proxy {
    let is_loopback = address::literal(url).is_some_and(|ip| ip.to_canonical().is_loopback());
    if *proxy == Proxy::Environment && is_loopback { &Proxy::Direct } else { proxy }
}

/// The proxies that connections may go through, as they may be shown; empty when all are direct. Behind one, only
/// literal addresses can be checked, and the start-up line says so.
pub fn shown_proxies(proxy: &Proxy) -> Vec<String> {
    proxies(proxy).iter().map(|url| shown_url(url, false)).collect()
}

pub(crate) fn proxies(proxy: &Proxy) -> Vec<Url> {
    const VARIABLES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    match proxy {
        Proxy::Direct => Vec::new(),
        Proxy::Url(url) => vec![url.clone()],
        Proxy::Environment => {
            let mut urls: Vec<Url> =
                VARIABLES.iter().filter_map(|name| proxy_url(&std::env::var(name).ok()?)).collect();
            urls.sort();
            urls.dedup();
            urls
        }
    }
}

/// A proxy as the environment names it, where `host:port` alone means http.
fn proxy_url(text: &str) -> Option<Url> {
    let text = text.trim();
    match Url::parse(text) {
        Ok(url) if url.has_host() => Some(url),
        _ if text.is_empty() => None,
        _ => Url::parse(&format!("http://{text}")).ok(),
    }
}

/// One TLS set-up for all clients: the system's root certificates are read once, and sessions are shared.
static TLS: LazyLock<Result<ClientConfig, rustls::Error>> = LazyLock::new(tls::set_up);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fetch::look_up::LookUps;

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        let proxy = Proxy::Url(Url::parse("http://me:secret@proxy.example:3128").unwrap());
        assert_eq!(shown_proxies(&proxy), ["http://***@proxy.example:3128/"]);
        assert!(client(&proxy, false, Duration::from_secs(1), &Names::System(LookUps::for_feeds())).is_ok());
        assert!(shown_proxies(&Proxy::Direct).is_empty());
    }

    #[test]
    fn loopback_is_reached_past_the_environment_s_proxy() {
        let chosen = |proxy: &Proxy, url: &str| proxy_for(proxy, &Url::parse(url).unwrap()).clone();
        let named = Proxy::Url(Url::parse("socks5h://127.0.0.1:9050").unwrap());
        for url in ["http://127.0.0.1:8080/", "http://localhost/", "http://[::1]/", "http://[::ffff:127.0.0.1]/"] {
            assert_eq!(chosen(&Proxy::Environment, url), Proxy::Direct);
            assert_eq!(chosen(&named, url), named);
        }
        assert_eq!(chosen(&Proxy::Environment, "http://10.0.0.1/"), Proxy::Environment);
        assert_eq!(chosen(&Proxy::Environment, "http://example.org/"), Proxy::Environment);
    }

    #[test]
    fn proxies_are_read_as_the_environment_writes_them() {
        assert_eq!(proxy_url("proxy.example:3128").unwrap().host_str(), Some("proxy.example"));
        assert_eq!(proxy_url("socks5h://127.0.0.1:9050").unwrap().scheme(), "socks5h");
        assert_eq!(proxy_url(" "), None);
    }
}

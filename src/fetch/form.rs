//! One form, sent to a server that is not a feed's: a WebSub hub.
//!
//! It goes by the same guarded addresses and proxies as a feed's request, each redirect included, and says nothing of the
//! feed's secrets.

use reqwest::{
    Response, StatusCode,
    header::{CONTENT_TYPE, LOCATION, USER_AGENT},
};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{
    FetchError, Fetcher, address, check_not_proxy, client, host,
    redirect::{Chain, RedirectProblem},
};
use crate::config::Proxy;

/// Of the answer this much is read: enough for a reason.
const ANSWER_BYTES_MAX: usize = 1_024;

/// A form to be sent.
#[derive(Debug, Clone, Copy)]
pub struct FormRequest<'a> {
    /// Where to.
    pub url: &'a Url,
    /// `application/x-www-form-urlencoded`.
    pub form: &'a str,
    /// Whether this host may have a private address.
    pub private: bool,
    /// Instead of the fetcher's.
    pub proxy: Option<&'a Proxy>,
}

impl Fetcher {
    /// Sends a form, and sends it again where a 307 or 308 says so; other redirects would make a GET of it, and are an answer
    /// like any other. Gives the status of the answer and how its text begins.
    ///
    /// # Errors
    /// There was no answer, or there must be no question.
    pub async fn post_form(&self, request: &FormRequest<'_>) -> Result<(StatusCode, String), FetchError> {
        let deadline = Instant::now() + self.limits.total;
        let mut chain = Chain::new(request.url);
        loop {
            let mut response = self.post(request, chain.current(), deadline).await?;
            let status = response.status();
            if matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
                let from = chain.current().clone();
                let refused = |problem| FetchError::Redirect { host: host(&from), problem };
                chain.follow(status, response.headers().get(LOCATION)).map_err(refused)?;
                // The form holds a secret, which went out under TLS.
                if from.scheme() == "https" && chain.current().scheme() != "https" {
                    return Err(refused(RedirectProblem::Scheme("http".to_owned())));
                }
                continue;
            }
            return Ok((status, beginning(&mut response, deadline).await));
        }
    }

    async fn post(&self, request: &FormRequest<'_>, url: &Url, deadline: Instant) -> Result<Response, FetchError> {
        // What is allowed to one host is not allowed to whomever it names.
        let allow_private = self.allow_private || (request.private && url.host_str() == request.url.host_str());
        let proxy = client::proxy_for(request.proxy.unwrap_or(&self.proxy), url);
        if !allow_private {
            address::check_literal(url)?;
            check_not_proxy(proxy, url)?;
        }
        let client = self.client_for(proxy, allow_private)?;
        let sending = client
            .post(url.clone())
            .header(USER_AGENT, self.user_agent.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(request.form.to_owned())
            .send();
        let sent = timeout_at(deadline, sending).await.map_err(|_| self.too_late(url))?;
        sent.map_err(|error| {
            let is_proxied = !client::proxies(proxy).is_empty();
            FetchError::from_reqwest(host(url), is_proxied, self.limits.connect, error)
        })
    }
}

/// How an answer's text begins. Its status has been read; this is a courtesy.
async fn beginning(response: &mut Response, deadline: Instant) -> String {
    let mut said = Vec::new();
    while said.len() < ANSWER_BYTES_MAX
        && let Ok(Ok(Some(piece))) = timeout_at(deadline, response.chunk()).await
    {
        said.extend_from_slice(&piece[..piece.len().min(ANSWER_BYTES_MAX - said.len())]);
    }
    let said = String::from_utf8_lossy(&said);
    let words: Vec<&str> =
        said.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

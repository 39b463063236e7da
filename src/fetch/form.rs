//! One form, sent to a server that is not a feed's: a WebSub hub.
//!
//! It goes by the same guarded addresses and proxies as a feed's request, says nothing of the feed's secrets, and follows
//! no redirect: whoever is named by a document is asked, and nobody whom that one names.

use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, USER_AGENT},
};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{FetchError, Fetcher, address, check_not_proxy, client, host};
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
    /// Sends a form; gives the status of the answer and how its text begins.
    ///
    /// # Errors
    /// There was no answer, or there must be no question.
    pub async fn post_form(&self, request: &FormRequest<'_>) -> Result<(StatusCode, String), FetchError> {
        let url = request.url;
        let allow_private = self.allow_private || request.private;
        let proxy = client::proxy_for(request.proxy.unwrap_or(&self.proxy), url);
        if !allow_private {
            address::check_literal(url)?;
            check_not_proxy(proxy, url)?;
        }
        let deadline = Instant::now() + self.limits.total;
        let client = self.client_for(proxy, allow_private)?;
        let sending = client
            .post(url.clone())
            .header(USER_AGENT, self.user_agent.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(request.form.to_owned())
            .send();
        let sent = timeout_at(deadline, sending).await.map_err(|_| self.too_late(url))?;
        let mut response = sent.map_err(|error| {
            let is_proxied = !client::proxies(proxy).is_empty();
            FetchError::from_reqwest(host(url), is_proxied, self.limits.connect, error)
        })?;
        let status = response.status();
        let mut said = Vec::new();
        // The status has been read; what it says beside is a courtesy.
        while said.len() < ANSWER_BYTES_MAX
            && let Ok(Ok(Some(piece))) = timeout_at(deadline, response.chunk()).await
        {
            said.extend_from_slice(&piece[..piece.len().min(ANSWER_BYTES_MAX - said.len())]);
        }
        let said = String::from_utf8_lossy(&said);
        let words: Vec<&str> =
            said.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
        Ok((status, words.join(" ")))
    }
}

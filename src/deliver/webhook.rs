//! Sends an alert as an HTTP request in its sink's format, signed where the format is.

use std::{error::Error, fmt::Write, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use reqwest::{
    Client, Response,
    header::{CONTENT_TYPE, USER_AGENT},
};
use tokio::time::Instant;
use url::Url;

use super::{DeliverError, Reply, TextLook, format::Format, retry::SinkAnswer, sign::Signer};
use crate::{
    config::{Proxy, SinkSettings, WebhookSettings},
    fetch::{
        FetchError,
        address::{self, AddressError, Names},
        client,
        hints::retry_after,
        look_up::LookUps,
        tls,
    },
    store::Delivery,
};

/// Of a receiver's answer this much is read: enough for its reason, and no door to our memory.
const ANSWER_BYTES_MAX: usize = 4 * 1024;
/// Of that, this much is kept with the delivery.
const ANSWER_CHARS_MAX: usize = 200;
/// A receiver that can't be connected to in this time is down; the rest of `timeout` is for its answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A webhook, ready to send.
pub(super) struct Webhook {
    /// With the connections that it keeps. After a timeout another takes its place.
    client: ArcSwap<Client>,
    make_client: Box<dyn Fn() -> Result<Client, FetchError> + Send + Sync>,
    url: Url,
    format: Format,
    signer: Signer,
    timeout: Duration,
    allow_private: bool,
}

impl Webhook {
    /// `proxy` and `allow_private` are the daemon's; the sink's own come first.
    pub fn new(
        sink: &SinkSettings,
        settings: &WebhookSettings,
        proxy: &Proxy,
        allow_private: bool,
        look: TextLook,
    ) -> Result<Self, DeliverError> {
        let allow_private = allow_private || settings.private;
        let proxy = client::proxy_for(settings.proxy.as_ref().unwrap_or(proxy), &settings.url).clone();
        let connect_timeout = CONNECT_TIMEOUT.min(settings.timeout);
        let proxies = client::proxies(&proxy);
        let names = Names::System(LookUps::for_sinks());
        let make_client = move || client::client(&proxy, allow_private, connect_timeout, &names);
        let client = make_client().map_err(|source| DeliverError::Client { sink: sink.id.clone(), source })?;
        let signer =
            Signer::new(&settings.secrets).map_err(|source| DeliverError::Secret { sink: sink.id.clone(), source })?;
        let mut format =
            Format::new(settings, look).map_err(|reason| DeliverError::Template { sink: sink.id.clone(), reason })?;
        for proxy in &proxies {
            format.cover_proxy(proxy);
        }
        Ok(Self {
            client: ArcSwap::from_pointee(client),
            make_client: Box::new(make_client),
            url: settings.url.clone(),
            format,
            signer,
            timeout: settings.timeout,
            allow_private,
        })
    }

    /// One attempt.
    pub async fn send(&self, delivery: &Delivery, now: DateTime<Utc>) -> Reply {
        if !self.allow_private
            && let Err(error) = address::check_literal(&self.url)
        {
            return forbidden(&error);
        }
        let outgoing = match self.format.request(delivery.message.as_str(), &delivery.body) {
            Ok(outgoing) => outgoing,
            // Only a person can change that, as with an address that we may not send to.
            Err(reason) => {
                return Reply { answer: SinkAnswer::Forbidden, said: format!("the template fails: {reason}") };
            }
        };
        let client = self.client.load_full();
        let mut request = client
            .request(outgoing.method, outgoing.url)
            .timeout(self.timeout)
            .header(CONTENT_TYPE, outgoing.content_type)
            .header(USER_AGENT, concat!("wirewatch/", env!("CARGO_PKG_VERSION")));
        if let Some((name, value)) = outgoing.header {
            request = request.header(name, value);
        }
        if outgoing.is_signed {
            for (name, value) in self.signer.headers(delivery.message.as_str(), now, &outgoing.body) {
                request = request.header(name, value);
            }
        }
        let started = Instant::now();
        match request.body(outgoing.body.into_owned()).send().await {
            Ok(response) => answered(response, &self.format, now).await,
            Err(error) => {
                if error.is_timeout() && !error.is_connect() {
                    self.leave_connections(&client);
                }
                unanswered(error.without_url(), started.elapsed(), self.timeout)
            }
        }
    }

    /// A connection that was silent for the whole timeout may be dead, and over HTTP/2 the next attempt would get the same
    /// one again. Attempts under way keep theirs.
    fn leave_connections(&self, used: &Arc<Client>) {
        if Arc::ptr_eq(&self.client.load(), used)
            && let Ok(client) = (self.make_client)()
        {
            self.client.store(Arc::new(client));
        }
    }
}

async fn answered(response: Response, format: &Format, now: DateTime<Utc>) -> Reply {
    let status = response.status();
    let retry_after = retry_after(response.headers(), now);
    let (text, is_cut) =
        if status.is_success() && !format.reads_success() { (String::new(), false) } else { beginning(response).await };
    let answer = format.answer(status.as_u16(), retry_after, &text);
    let mut said = format!("answered {status}");
    // The others have nowhere to lead to.
    if matches!(status.as_u16(), 301..=303 | 307 | 308) {
        said.push_str(", and redirects are not followed");
    }
    let reason = one_line(&format.covered(&text, is_cut));
    if answer.status() != Some(status.as_u16()) || (!status.is_success() && !reason.is_empty()) {
        // A String takes all that is written to it.
        let _ = write!(said, ": {reason}");
    }
    Reply { answer, said }
}

/// The beginning of the answer's body, and whether it goes on; empty where it can't be read.
async fn beginning(mut response: Response) -> (String, bool) {
    let mut bytes = Vec::new();
    let is_cut = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk[..chunk.len().min(ANSWER_BYTES_MAX - bytes.len())]),
            Ok(None) => break false,
            // The status has been read; what it says beside is a courtesy.
            Err(_) => break true,
        }
        if bytes.len() >= ANSWER_BYTES_MAX {
            break true;
        }
    };
    (String::from_utf8_lossy(&bytes).into_owned(), is_cut)
}

pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ").chars().take(ANSWER_CHARS_MAX).collect()
}

/// The reason stands in the log, in the store and in a dead letter, so the way out is in it.
fn forbidden(error: &AddressError) -> Reply {
    Reply { answer: SinkAnswer::Forbidden, said: format!("{error}; `private = true` on the sink allows it") }
}

fn unanswered(error: reqwest::Error, waited: Duration, timeout: Duration) -> Reply {
    let mut cause: &dyn Error = &error;
    while let Some(source) = cause.source() {
        if let Some(address @ AddressError::Private { .. }) = source.downcast_ref::<AddressError>() {
            return forbidden(address);
        }
        cause = source;
    }
    let said = if error.is_timeout() && !error.is_connect() && waited < timeout {
        "the connection broke: no sign of life from the server".to_owned()
    } else if error.is_timeout() {
        format!("no answer within {timeout:?}")
    } else if let Some(trouble) = tls::trouble(&error) {
        format!("no secure connection: {trouble}")
    } else if error.is_connect() {
        format!("could not connect: {cause}")
    } else {
        format!("the connection broke: {cause}")
    };
    Reply { answer: SinkAnswer::Unreachable, said }
}

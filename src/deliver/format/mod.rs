//! What a webhook posts: the alert in the words of the service that takes it.
//!
//! A request is a function of the frozen body and the sink's settings alone, so that every attempt sends the same
//! bytes. `message` reads the body as people do; each other file is one service: its address, its markup, its limits,
//! and what its answers mean where it says so in its own way. A feed's text reaches a service escaped, cut as that
//! service counts, and without power to call anybody.

mod alertmanager;
mod cloudevents;
mod discord;
mod email;
mod gotify;
mod markup;
mod matrix;
mod message;
mod ntfy;
mod pagerduty;
mod slack;
mod teams;
mod telegram;
mod template;

use std::{borrow::Cow, time::Duration};

use reqwest::{
    Method,
    header::{AUTHORIZATION, HeaderName, HeaderValue},
};
use url::Url;

pub use email::{Mail, mail};
pub(super) use message::headline;
pub use template::problems;

use self::{message::Message, template::Template};
use super::{TextLook, cover::Cover, retry::SinkAnswer};
use crate::config::{WebhookFormat, WebhookSettings};

const JSON: &str = "application/json";

/// A sink's format, ready to make requests.
pub struct Format {
    kind: WebhookFormat,
    /// What all requests are sent to, or begin with.
    url: Url,
    look: TextLook,
    template: Option<Template>,
    /// A topic of ntfy.
    topic: String,
    /// Over what is never shown, not even when a receiver repeats it.
    cover: Cover,
}

/// A request that is to be sent.
#[derive(Debug)]
pub struct Outgoing<'a> {
    /// POST, or PUT where the service wants it.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Of the body.
    pub content_type: &'a str,
    /// Beside it, marked as secret.
    pub header: Option<(HeaderName, HeaderValue)>,
    /// The bytes.
    pub body: Cow<'a, str>,
    /// Whether it is signed and carries its id as Standard Webhooks.
    pub is_signed: bool,
}

impl Format {
    /// # Errors
    /// The template can't be used: why.
    pub fn new(settings: &WebhookSettings, look: TextLook) -> Result<Self, String> {
        let kind = settings.format.clone();
        let mut topic = String::new();
        let url = settings.url.clone();
        let url = match &kind {
            WebhookFormat::Discord => discord::url(url),
            WebhookFormat::Ntfy { .. } => {
                let (server, named) = ntfy::server_and_topic(url);
                topic = named;
                server
            }
            WebhookFormat::Gotify { .. } => gotify::url(url),
            WebhookFormat::Telegram { token, .. } => telegram::url(url, token),
            _ => url,
        };
        let template = match &kind {
            WebhookFormat::Template { template, content_type, .. } => {
                Some(Template::new(&template.text, content_type).map_err(|error| error.message())?)
            }
            _ => None,
        };
        let mut cover = Cover::default();
        cover.url(&settings.url);
        cover.url(&url);
        if let Some(secret) = kind.secret() {
            cover.token(secret.reveal());
        }
        Ok(Self { kind, url, look, template, topic, cover })
    }

    /// The request for a frozen body. `id` is the delivery's, the same at every attempt.
    ///
    /// # Errors
    /// The template fails on it: why.
    pub fn request<'a>(&'a self, id: &str, body: &'a str) -> Result<Outgoing<'a>, String> {
        let mut content_type = JSON;
        let mut is_signed = false;
        let mut method = Method::POST;
        let mut url = self.url.clone();
        let message = || Message::read(body, &self.look);
        let made = match &self.kind {
            WebhookFormat::Standard => {
                is_signed = true;
                Cow::Borrowed(body)
            }
            WebhookFormat::CloudEvents => {
                is_signed = true;
                content_type = cloudevents::CONTENT_TYPE;
                Cow::Owned(cloudevents::body(body, id))
            }
            WebhookFormat::Slack => Cow::Owned(slack::body(&message())),
            WebhookFormat::Discord => Cow::Owned(discord::body(&message())),
            WebhookFormat::Teams => Cow::Owned(teams::body(&message())),
            WebhookFormat::Ntfy { .. } => Cow::Owned(ntfy::body(&message(), id, &self.topic)),
            WebhookFormat::Gotify { .. } => Cow::Owned(gotify::body(&message())),
            WebhookFormat::Telegram { chat, .. } => Cow::Owned(telegram::body(&message(), chat)),
            WebhookFormat::Matrix { room, .. } => {
                method = Method::PUT;
                url = matrix::url(&self.url, room, id);
                Cow::Owned(matrix::body(&message()))
            }
            WebhookFormat::PagerDuty { routing_key } => Cow::Owned(pagerduty::body(&message(), id, routing_key)),
            WebhookFormat::Alertmanager { .. } if alertmanager::is_api(&self.url) => {
                Cow::Owned(alertmanager::api_body(&message(), id))
            }
            WebhookFormat::Alertmanager { .. } => Cow::Owned(alertmanager::webhook_body(&message(), id)),
            WebhookFormat::Template { content_type: named, .. } => {
                is_signed = true;
                content_type = named;
                match &self.template {
                    Some(template) => Cow::Owned(template.render(body, &self.look).map_err(|error| error.message())?),
                    None => Cow::Borrowed(body),
                }
            }
        };
        Ok(Outgoing { method, url, content_type, header: self.header(), body: made, is_signed })
    }

    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let (name, value) = match &self.kind {
            WebhookFormat::Gotify { token } => (HeaderName::from_static("x-gotify-key"), token.reveal().to_owned()),
            WebhookFormat::Ntfy { token: Some(token) }
            | WebhookFormat::Matrix { token, .. }
            | WebhookFormat::Alertmanager { token: Some(token) }
            | WebhookFormat::Template { token: Some(token), .. } => {
                (AUTHORIZATION, format!("Bearer {}", token.reveal()))
            }
            WebhookFormat::Standard
            | WebhookFormat::CloudEvents
            | WebhookFormat::Slack
            | WebhookFormat::Discord
            | WebhookFormat::Teams
            | WebhookFormat::Ntfy { token: None }
            | WebhookFormat::Telegram { .. }
            | WebhookFormat::PagerDuty { .. }
            | WebhookFormat::Alertmanager { token: None }
            | WebhookFormat::Template { token: None, .. } => return None,
        };
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    }

    /// Whether a good status says less than the body beside it.
    pub fn reads_success(&self) -> bool {
        matches!(self.kind, WebhookFormat::Teams)
    }

    /// What an answer means. `said` is the beginning of its body.
    pub fn answer(&self, status: u16, retry_after: Option<Duration>, said: &str) -> SinkAnswer {
        let own = match &self.kind {
            WebhookFormat::Slack => slack::answer(status, said),
            WebhookFormat::Discord => discord::answer(status, said),
            WebhookFormat::Teams => teams::answer(status, said),
            WebhookFormat::Telegram { .. } => telegram::answer(status, said),
            WebhookFormat::Matrix { .. } => matrix::answer(status, said),
            WebhookFormat::Standard
            | WebhookFormat::CloudEvents
            | WebhookFormat::Ntfy { .. }
            | WebhookFormat::Gotify { .. }
            | WebhookFormat::PagerDuty { .. }
            | WebhookFormat::Alertmanager { .. }
            | WebhookFormat::Template { .. } => None,
        };
        match own {
            // The longer of the two is the promise that is safe to keep.
            Some(SinkAnswer::Status { status, retry_after: asked }) => {
                SinkAnswer::Status { status, retry_after: asked.max(retry_after) }
            }
            Some(other) => other,
            None => SinkAnswer::Status { status, retry_after },
        }
    }

    /// A proxy on the way may repeat what it got, too.
    pub fn cover_proxy(&mut self, proxy: &Url) {
        self.cover.login(proxy.username(), proxy.password());
    }

    /// What a receiver said, without our secrets: many repeat the path that they were asked for. With `is_cut` we have heard
    /// its beginning only.
    pub fn covered(&self, said: &str, is_cut: bool) -> String {
        self.cover.over(said, is_cut)
    }
}

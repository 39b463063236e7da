//! What a webhook is: where it posts to, in which service's words, and what only that service needs.

use std::{fmt, ops::Range, sync::Arc, time::Duration};

use url::Url;

use crate::config::{
    pace::Rate,
    problem::Origin,
    settings::{Proxy, Secret},
    shown::shown_url,
};

/// `[[sink]]` with `type = "webhook"`.
#[derive(Clone)]
pub struct WebhookSettings {
    /// Where to; what a service adds to it is its format's business.
    pub url: Url,
    /// What is posted.
    pub format: WebhookFormat,
    /// `whsec_…`; several while rotating, none is unsigned. Only for formats that are signed.
    pub secrets: Vec<Secret>,
    /// For one whole attempt.
    pub timeout: Duration,
    /// Whether a private or loopback address is allowed.
    pub private: bool,
    /// Instead of the daemon's.
    pub proxy: Option<Proxy>,
}

impl fmt::Debug for WebhookSettings {
    /// Many services put the secret into the address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSettings")
            .field("url", &shown_url(&self.url, true))
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

/// In whose words a webhook posts, with what only that service needs.
#[derive(Debug, Clone)]
pub enum WebhookFormat {
    /// The alert's own JSON, signed as Standard Webhooks 1.0.
    Standard,
    /// The same in an envelope of CloudEvents 1.0, signed as well.
    CloudEvents,
    /// Slack's incoming webhooks, and what speaks like them.
    Slack,
    /// Discord's webhooks.
    Discord,
    /// A workflow of Microsoft Teams that takes Adaptive Cards.
    Teams,
    /// A topic of ntfy.
    Ntfy {
        /// For topics that are not open.
        token: Option<Secret>,
    },
    /// An application of a Gotify server.
    Gotify {
        /// The application's.
        token: Secret,
    },
    /// A chat, by a bot of Telegram.
    Telegram {
        /// The bot's.
        token: Secret,
        /// A number or `@channel`.
        chat: String,
    },
    /// A room of Matrix.
    Matrix {
        /// The access token of the user who posts.
        token: Secret,
        /// `!…`
        room: String,
    },
    /// PagerDuty's Events API v2.
    PagerDuty {
        /// Of the service's integration.
        routing_key: Secret,
    },
    /// Alertmanager's own webhook body (version 4), or what Alertmanager takes where the address is its API's.
    Alertmanager {
        /// Sent as a bearer token.
        token: Option<Secret>,
    },
    /// The user's own body.
    Template {
        /// Jinja over the alert.
        template: TemplateText,
        /// What it makes.
        content_type: String,
        /// Sent as a bearer token.
        token: Option<Secret>,
    },
}

impl WebhookSettings {
    /// All that says who gets it, to tell whether that is still the same; secrets stand in it, and it is not to be shown.
    pub fn address(&self) -> String {
        let place = match &self.format {
            WebhookFormat::Telegram { chat, .. } => chat.as_str(),
            WebhookFormat::Matrix { room, .. } => room.as_str(),
            _ => "",
        };
        format!("{}\0{}\0{place}", self.url, self.format.secret().map_or("", Secret::reveal))
    }
}

/// A template and where a person wrote it, so that a problem in it can be shown in their file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateText {
    /// What is rendered.
    pub text: String,
    /// Whose text it is.
    pub origin: Origin,
    /// The whole text of `origin`.
    pub source: Arc<str>,
    /// Where in `source` the template stands, in bytes, quotes left out; its slice may differ where it has escapes.
    pub span: Range<usize>,
}

impl WebhookFormat {
    /// Messages that the service takes from one sender in a time, where its own rules or its readers' patience say so.
    pub fn default_rate(&self) -> Option<Rate> {
        const SECOND: Duration = Duration::from_secs(1);
        const MINUTE: Duration = Duration::from_secs(60);
        let (count, per) = match self {
            Self::Standard | Self::CloudEvents | Self::Alertmanager { .. } | Self::Template { .. } => return None,
            // "No more than one per second, per webhook."
            Self::Slack => (1, SECOND),
            // Five in two seconds for a webhook, and thirty in a minute for its channel.
            Self::Discord => (30, MINUTE),
            Self::Teams => (1, SECOND),
            // Sixty at once, and then one in five seconds: a burst passes, what is more is told so and comes later.
            Self::Ntfy { .. } => (1, SECOND),
            Self::Gotify { .. } => (10, SECOND),
            // To one chat; groups take twenty in a minute, and say so when it is more.
            Self::Telegram { .. } => (1, SECOND),
            Self::Matrix { .. } => (1, SECOND),
            Self::PagerDuty { .. } => (120, MINUTE),
        };
        Some(Rate { count, per })
    }

    /// What its service knows us by.
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Ntfy { token } | Self::Alertmanager { token } | Self::Template { token, .. } => token.as_ref(),
            Self::Gotify { token } | Self::Telegram { token, .. } | Self::Matrix { token, .. } => Some(token),
            Self::PagerDuty { routing_key } => Some(routing_key),
            Self::Standard | Self::CloudEvents | Self::Slack | Self::Discord | Self::Teams => None,
        }
    }

    /// As in `format = "…"`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::CloudEvents => "cloudevents",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Teams => "teams",
            Self::Ntfy { .. } => "ntfy",
            Self::Gotify { .. } => "gotify",
            Self::Telegram { .. } => "telegram",
            Self::Matrix { .. } => "matrix",
            Self::PagerDuty { .. } => "pagerduty",
            Self::Alertmanager { .. } => "alertmanager",
            Self::Template { .. } => "template",
        }
    }
}

/// The topic that the address of an ntfy sink names.
pub fn ntfy_topic(url: &Url) -> Option<&str> {
    let topic = url.path().trim_end_matches('/').rsplit('/').next()?;
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    ((1..=64).contains(&topic.len()) && topic.chars().all(is_letter)).then_some(topic)
}

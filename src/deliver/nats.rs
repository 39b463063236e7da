//! Publishes an alert to a stream of a NATS server, and takes the stream's word that it is stored for a yes.
//!
//! Plain NATS promises nothing, so a subject without a stream is a failure. An alert that is sent again has the same
//! `Nats-Msg-Id`, by which a stream knows it (for two minutes, unless its `duplicate_window` says more).

use std::{error::Error, time::Duration};

use async_nats::{
    Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, ServerError,
    connection::State,
    jetstream::{
        self, Context,
        context::{ContextBuilder, PublishError, PublishErrorKind},
        message::PublishMessage,
    },
};
use tokio::{
    sync::{Mutex, watch},
    time,
};
use url::Host;

use super::{DeliverError, Reply, cover::Cover, retry::SinkAnswer, webhook::one_line};
use crate::{
    config::{NatsLogin, NatsSettings, SinkSettings},
    fetch::{client, look_up::LookUps},
    store::Delivery,
};

/// A server that can't be connected to in this time is down; the rest of `timeout` is for the stream's answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A stream that takes alerts.
pub(super) struct Nats {
    options: ConnectOptions,
    settings: NatsSettings,
    /// Over what a server may repeat of the login.
    cover: Cover,
    /// The connection that all attempts share; `None` before the first one and after a failure.
    link: Mutex<Option<Link>>,
}

/// A connection. Dropping its last copy closes it.
#[derive(Clone)]
struct Link {
    client: Client,
    stream: Context,
    /// What the server last complained of, beside its answers.
    complaint: watch::Receiver<Option<String>>,
}

impl Nats {
    pub fn new(sink: &SinkSettings, settings: &NatsSettings) -> Result<Self, DeliverError> {
        let tls = client::tls().map_err(|source| DeliverError::Client { sink: sink.id.clone(), source })?;
        let options = ConnectOptions::new()
            .name(concat!("wirewatch/", env!("CARGO_PKG_VERSION")))
            .connection_timeout(CONNECT_TIMEOUT.min(settings.timeout))
            // When to try again is the outbox's business.
            .max_reconnects(1)
            // The operator named a server; where it sends us beside that is not theirs.
            .ignore_discovered_servers()
            .tls_client_config(tls);
        let options = match &settings.login {
            NatsLogin::None => options,
            NatsLogin::Password(user, password) => {
                options.user_and_password(user.clone(), password.reveal().trim().to_owned())
            }
            NatsLogin::Token(token) => options.token(token.reveal().trim().to_owned()),
            NatsLogin::Credentials(credentials) => options
                .credentials(credentials.reveal())
                .map_err(|source| DeliverError::Credentials { sink: sink.id.clone(), source })?,
        };
        let mut cover = Cover::default();
        match &settings.login {
            NatsLogin::Password(_, secret) | NatsLogin::Token(secret) => cover.token(secret.reveal()),
            // Only what it signs is sent.
            NatsLogin::None | NatsLogin::Credentials(_) => {}
        }
        Ok(Self { options, cover, settings: settings.clone(), link: Mutex::new(None) })
    }

    /// One attempt.
    pub async fn send(&self, delivery: &Delivery) -> Reply {
        let reply = self.attempt(delivery).await;
        Reply { said: self.cover.over(&reply.said, false), ..reply }
    }

    async fn attempt(&self, delivery: &Delivery) -> Reply {
        let timeout = self.settings.timeout;
        let link = match time::timeout(timeout, self.link()).await {
            Ok(Ok(link)) => link,
            Ok(Err(error)) => return not_connected(&error),
            Err(_) => return unreachable(format!("no answer within {timeout:?}")),
        };
        let sent = time::timeout(timeout, self.publish(&link, delivery)).await;
        let reply = match sent {
            Ok(Ok(said)) => return Reply { answer: SinkAnswer::Taken, said },
            Ok(Err(error)) => self.not_stored(&error),
            Err(_) => unreachable(format!("no answer within {timeout:?}")),
        };
        if reply.answer == SinkAnswer::Unreachable {
            self.drop_link(&link).await;
        }
        match link.complaint.borrow().as_deref() {
            Some(complaint) => Reply { said: one_line(&format!("{}: {complaint}", reply.said)), ..reply },
            None => reply,
        }
    }

    async fn publish(&self, link: &Link, delivery: &Delivery) -> Result<String, PublishError> {
        let message = PublishMessage::build()
            .payload(delivery.body.clone().into())
            .message_id(delivery.message.as_str())
            .header("content-type", "application/json");
        let stored = link.stream.send_publish(self.settings.subject.clone(), message).await?.await?;
        let again = if stored.duplicate { ", which had it" } else { "" };
        Ok(one_line(&format!("stored by the stream {} as {}{again}", stored.stream, stored.sequence)))
    }

    /// The connection, opened where there is none that works. Attempts beside each other wait for the same one.
    async fn link(&self) -> Result<Link, ConnectError> {
        let mut open = self.link.lock().await;
        if let Some(link) = open.as_ref().filter(|link| link.client.connection_state() == State::Connected) {
            return Ok(link.clone());
        }
        *open = None;
        let (tell, complaint) = watch::channel(None);
        let options = self.options.clone().event_callback(move |event| {
            if let Event::ServerError(ServerError::Other(said)) = event {
                tell.send_replace(Some(said));
            }
            std::future::ready(())
        });
        // async-nats looks the name up on the threads that files and the store use too, and leaves one behind with each
        // attempt at a name that hangs. So it hears of names only that do not.
        if let Some(Host::Domain(host)) = self.settings.url.host() {
            LookUps::for_sinks()
                .look_up(host)
                .await
                .map_err(|error| ConnectError::with_source(ConnectErrorKind::Dns, error))?;
        }
        let client = options.connect(self.settings.url.as_str()).await?;
        let stream = ContextBuilder::new().timeout(self.settings.timeout).build(client.clone());
        Ok(open.insert(Link { client, stream, complaint }).clone())
    }

    /// What has failed is not used again, unless another attempt has opened a new one by now.
    async fn drop_link(&self, link: &Link) {
        let mut open = self.link.lock().await;
        if open.as_ref().is_some_and(|current| current.complaint.same_channel(&link.complaint)) {
            *open = None;
        }
    }

    fn not_stored(&self, error: &PublishError) -> Reply {
        match error.kind() {
            PublishErrorKind::StreamNotFound => {
                unreachable(format!("no stream takes the subject `{}`", self.settings.subject))
            }
            // Only this alert is too big, and only a person can change that.
            PublishErrorKind::MaxPayloadExceeded => Reply {
                answer: SinkAnswer::Forbidden,
                said: one_line(&format!("too big for the server's `max_payload`: {}", cause(error))),
            },
            PublishErrorKind::TimedOut => unreachable(format!("no answer within {:?}", self.settings.timeout)),
            PublishErrorKind::BrokenPipe => unreachable("the connection broke".to_owned()),
            _ => match error.source().and_then(|source| source.downcast_ref::<jetstream::Error>()) {
                // A stream says no in the numbers of HTTP.
                Some(refusal) => Reply {
                    answer: SinkAnswer::Status { status: status(refusal.code()), retry_after: None },
                    said: one_line(&format!("the stream answered {refusal}")),
                },
                None => unreachable(format!("could not be sent: {}", cause(error))),
            },
        }
    }
}

/// A no is never taken for a yes.
fn status(code: usize) -> u16 {
    u16::try_from(code).ok().filter(|code| (400..=599).contains(code)).unwrap_or(500)
}

fn not_connected(error: &ConnectError) -> Reply {
    let answer = match error.kind() {
        // As with a webhook's 401: an operator may mend it.
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => SinkAnswer::Forbidden,
        _ => SinkAnswer::Unreachable,
    };
    Reply { answer, said: one_line(&format!("could not connect: {}", cause(error))) }
}

fn unreachable(said: String) -> Reply {
    Reply { answer: SinkAnswer::Unreachable, said: one_line(&said) }
}

/// The innermost reason; the outer ones only name the step.
fn cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

//! The kinds of sinks behind one way of sending: a group of deliveries in, one reply out.

use std::{io, sync::Arc};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

#[cfg(feature = "nats")]
use super::nats::Nats;
use super::{
    DeliverContext, DeliverError, TextLook, console::Lines, email::Email, exec::Exec, retry::SinkAnswer,
    webhook::Webhook,
};
use crate::{
    config::{OutputFormat, SinkKind, SinkSettings},
    store::Delivery,
};

/// Lines that share a write, a sync and a commit.
const LINES_TOGETHER_MAX: usize = 64;

/// How a sink took an attempt.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub answer: SinkAnswer,
    /// For the record and the log.
    pub said: String,
}

/// The one place that knows the kinds of sinks.
pub(super) enum Sender {
    Webhook(Box<Webhook>),
    Email(Box<Email>),
    Exec(Exec),
    #[cfg(feature = "nats")]
    Nats(Box<Nats>),
    Lines(Arc<Lines>),
}

impl Sender {
    pub fn new(sink: &SinkSettings, context: &DeliverContext) -> Result<Self, DeliverError> {
        let lines = |file, rotate, is_text: bool, color| {
            let text = is_text.then_some(TextLook { color, ..context.text });
            Ok(Self::Lines(Arc::new(Lines { file, rotate, text })))
        };
        match &sink.kind {
            SinkKind::Webhook(settings) => {
                let webhook = Webhook::new(sink, settings, &context.proxy, context.allow_private, context.text)?;
                Ok(Self::Webhook(Box::new(webhook)))
            }
            SinkKind::Email(settings) => Ok(Self::Email(Box::new(Email::new(sink, settings, context.text)?))),
            SinkKind::Exec(settings) => Ok(Self::Exec(Exec::new(settings))),
            #[cfg(feature = "nats")]
            SinkKind::Nats(settings) => Ok(Self::Nats(Box::new(Nats::new(sink, settings)?))),
            #[cfg(not(feature = "nats"))]
            SinkKind::Nats(_) => Err(DeliverError::LeftOut { sink: sink.id.clone(), what: "NATS" }),
            SinkKind::Stdout { format } => {
                let is_text = match context.stdout.forced.unwrap_or(*format) {
                    OutputFormat::Text => true,
                    OutputFormat::Json => false,
                    OutputFormat::Auto => context.stdout.is_terminal,
                };
                lines(None, None, is_text, context.text.color)
            }
            SinkKind::File { path, format, rotate } => {
                lines(Some(path.clone()), *rotate, *format == OutputFormat::Text, false)
            }
        }
    }

    /// Deliveries that go out together. Lines share a write and a sync.
    pub fn group_max(&self) -> usize {
        if self.keeps_order() { LINES_TOGETHER_MAX } else { 1 }
    }

    /// Whether a reader sees in which order we sent.
    pub fn keeps_order(&self) -> bool {
        matches!(self, Self::Lines(_))
    }

    /// Groups in flight, where the sink's settings allow so many.
    pub fn flights_max(&self, concurrency: usize) -> usize {
        if self.keeps_order() { 1 } else { concurrency }
    }

    /// Sends a group; one reply for all of it. `None`: who read our standard output has gone.
    pub async fn send(&self, group: &[Delivery], now: DateTime<Utc>) -> Option<Reply> {
        match (self, group) {
            (Self::Webhook(webhook), [delivery]) => Some(webhook.send(delivery, now).await),
            (Self::Email(email), [delivery]) => Some(email.send(delivery).await),
            (Self::Exec(exec), [delivery]) => Some(exec.send(delivery).await),
            #[cfg(feature = "nats")]
            (Self::Nats(nats), [delivery]) => Some(nats.send(delivery).await),
            (Self::Lines(lines), _) => {
                let (lines_too, group) = (Arc::clone(lines), group.to_vec());
                let written = tokio::task::spawn_blocking(move || lines_too.write(&group, now)).await;
                match written.unwrap_or_else(|error| Err(io::Error::other(error))) {
                    Ok(()) => Some(Reply { answer: SinkAnswer::Taken, said: "written".to_owned() }),
                    Err(error) if lines.file.is_none() && error.kind() == io::ErrorKind::BrokenPipe => None,
                    Err(error) => {
                        let what = lines.file.as_ref().map_or("standard output".into(), |path| path.to_string_lossy());
                        let said = format!("could not write {what}: {error}");
                        Some(Reply { answer: SinkAnswer::Unreachable, said })
                    }
                }
            }
            _ => unreachable!("only lines go out together: `group_max` says so"),
        }
    }
}

/// Where a sink sends to, hashed: a secret may stand in it.
pub(super) fn target(sink: &SinkSettings) -> [u8; 16] {
    let (server, command, address);
    let place = match &sink.kind {
        SinkKind::Webhook(webhook) => {
            address = webhook.address();
            address.as_bytes()
        }
        SinkKind::Email(email) => {
            server = email.server();
            server.as_bytes()
        }
        SinkKind::Exec(exec) => {
            command = exec.whole();
            command.as_bytes()
        }
        SinkKind::Nats(nats) => {
            server = nats.shown();
            server.as_bytes()
        }
        SinkKind::File { path, .. } => path.as_os_str().as_encoded_bytes(),
        SinkKind::Stdout { .. } => b"",
    };
    let mut kept = [0; 16];
    kept.copy_from_slice(&Sha256::digest(place)[..16]);
    kept
}

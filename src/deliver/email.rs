//! Sends an alert as a mail, by SMTP.
//!
//! The bytes are those of every attempt: the date is when the alert was made, the id in `Message-ID` is the delivery's,
//! so that a mail program shows one that comes twice once.

use std::time::SystemTime;

use lettre::{
    Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};
use sha2::{Digest, Sha256};

use super::{DeliverError, Reply, TextLook, format, recipients::Recipients, retry::SinkAnswer, smtp::Server};
use crate::{
    config::{EmailSettings, SinkId, SinkSettings},
    store::Delivery,
};

/// A mail server that takes alerts, ready to send.
pub(super) struct Email {
    sink: SinkId,
    server: Server,
    recipients: Recipients,
    from: Mailbox,
    to: Vec<Mailbox>,
    look: TextLook,
}

impl Email {
    pub fn new(sink: &SinkSettings, settings: &EmailSettings, look: TextLook) -> Result<Self, DeliverError> {
        let server = Server::new(settings).map_err(|source| DeliverError::Mail { sink: sink.id.clone(), source })?;
        let (sink, recipients) = (sink.id.clone(), Recipients::default());
        Ok(Self { sink, server, recipients, from: settings.from.clone(), to: settings.to.clone(), look })
    }

    /// One attempt.
    pub async fn send(&self, delivery: &Delivery) -> Reply {
        let mail = match self.mail(delivery) {
            Ok(mail) => mail,
            Err(error) => {
                let said = format!("the mail could not be made: {error}");
                return Reply { answer: SinkAnswer::Forbidden, said };
            }
        };
        let missing = self.recipients.missing(&delivery.message, &self.to);
        match self.server.send(&mail, &missing).await {
            Ok(said) => self.recipients.landed(&self.sink, &delivery.message, self.to.len(), said),
            Err(reply) => reply,
        }
    }

    fn mail(&self, delivery: &Delivery) -> Result<Message, lettre::error::Error> {
        let mail = format::mail(&delivery.body, &self.look);
        let id = format!("<{}@{}>", delivery.message, self.from.email.domain());
        let mut message = Message::builder()
            .from(self.from.clone())
            .date(SystemTime::from(delivery.made))
            .message_id(Some(id))
            .subject(mail.subject)
            // No holiday answers (RFC 3834).
            .raw_header(header("Auto-Submitted", "auto-generated"));
        for to in &self.to {
            message = message.to(to.clone());
        }
        if mail.is_urgent {
            message = message.raw_header(header("Importance", "high"));
        }
        // No text can hold its own digest, so what a feed says never ends a part.
        let boundary = data_encoding::HEXLOWER.encode(&Sha256::digest(&delivery.body)[..16]);
        let parts = MultiPart::alternative().boundary(boundary);
        message.multipart(parts.singlepart(SinglePart::plain(mail.text)).singlepart(SinglePart::html(mail.html)))
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

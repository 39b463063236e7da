//! Sends an alert as a mail, by SMTP.
//!
//! The bytes are those of every attempt: the date is when the alert was made, the id in `Message-ID` is the delivery's,
//! so that a mail program shows one that comes twice once.

use std::{error::Error, time::SystemTime};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use sha2::{Digest, Sha256};
use tokio::time;

use super::{DeliverError, Reply, TextLook, format, retry::SinkAnswer, webhook::one_line};
use crate::{
    config::{EmailSettings, SinkSettings, SmtpTls},
    store::Delivery,
};

/// A mail server that takes alerts, ready to send.
pub(super) struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    settings: EmailSettings,
    look: TextLook,
}

impl Email {
    pub fn new(sink: &SinkSettings, settings: &EmailSettings, look: TextLook) -> Result<Self, DeliverError> {
        let tls = || {
            TlsParameters::new_rustls(settings.host.clone())
                .map_err(|source| DeliverError::Mail { sink: sink.id.clone(), source })
        };
        let tls = match settings.tls {
            SmtpTls::FromStart => Tls::Wrapper(tls()?),
            SmtpTls::Starttls => Tls::Required(tls()?),
            SmtpTls::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .tls(tls)
            .timeout(Some(settings.timeout));
        if let Some((user, password)) = &settings.login {
            transport = transport.credentials(Credentials::new(user.clone(), password.reveal().trim().to_owned()));
        }
        Ok(Self { transport: transport.build(), settings: settings.clone(), look })
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
        let timeout = self.settings.timeout;
        match time::timeout(timeout, self.transport.send(mail)).await {
            Ok(Ok(_)) => Reply { answer: SinkAnswer::Taken, said: "the mail server took it".to_owned() },
            Ok(Err(error)) => refused(&error),
            Err(_) => Reply { answer: SinkAnswer::Unreachable, said: format!("no answer within {timeout:?}") },
        }
    }

    fn mail(&self, delivery: &Delivery) -> Result<Message, lettre::error::Error> {
        let mail = format::mail(&delivery.body, &self.look);
        let id = format!("<{}@{}>", delivery.message, self.settings.from.email.domain());
        let mut message = Message::builder()
            .from(self.settings.from.clone())
            .date(SystemTime::from(delivery.made))
            .message_id(Some(id))
            .subject(mail.subject)
            // No holiday answers (RFC 3834).
            .raw_header(header("Auto-Submitted", "auto-generated"));
        for to in &self.settings.to {
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

/// 5yz is the server's last word, as far as it knows: only a person can change that. All else may pass.
fn refused(error: &smtp::Error) -> Reply {
    let answer = if error.is_permanent() { SinkAnswer::Forbidden } else { SinkAnswer::Unreachable };
    let mut said = match error.status() {
        Some(code) => format!("answered {code}"),
        None if error.is_timeout() => "no answer in time".to_owned(),
        None => String::new(),
    };
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_said = cause.to_string();
        if !said.contains(&cause_said) {
            let parted = if said.is_empty() { "" } else { ": " };
            said = format!("{said}{parted}{cause_said}");
        }
        source = cause.source();
    }
    if said.is_empty() {
        said = error.to_string();
    }
    Reply { answer, said: one_line(&said) }
}

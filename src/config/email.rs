//! Reads `[[sink]]` with `type = "email"`: which server takes the mail, who it is from and whom it is for.

use std::time::Duration;

use lettre::message::Mailbox;
use url::Host;

use super::{
    problem::Problem,
    raw::{Table, Value},
    reader::Reader,
    settings::Secret,
    value::is_this_machine,
};

/// A mail server looks a message over before it says yes.
const TIMEOUT: Duration = Duration::from_secs(30);
const TIMEOUT_MIN: Duration = Duration::from_millis(100);
const TIMEOUT_MAX: Duration = Duration::from_secs(5 * 60);
/// RFC 5321 lets a server refuse more in one message.
const TO_MAX: usize = 100;
const ADDRESS_CHARS_MAX: usize = 320;
/// Submission with TLS from the first byte (RFC 8314), and with STARTTLS.
const PORT_TLS: u16 = 465;
const PORT_STARTTLS: u16 = 587;

/// `[[sink]]` with `type = "email"`.
#[derive(Debug, Clone)]
pub struct EmailSettings {
    /// A name, or a literal address.
    pub host: String,
    /// Of the server.
    pub port: u16,
    /// How the connection is kept private.
    pub tls: SmtpTls,
    /// User and password.
    pub login: Option<(String, Secret)>,
    /// In whose name.
    pub from: Mailbox,
    /// For whom; at least one.
    pub to: Vec<Mailbox>,
    /// For one whole attempt.
    pub timeout: Duration,
}

/// How a connection to a mail server is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// From the first byte: `smtps:`.
    FromStart,
    /// By STARTTLS, and nothing is sent where the server has none: `smtp:`.
    Starttls,
    /// Not at all: a relay on this machine.
    None,
}

impl EmailSettings {
    /// The server as it was written.
    pub fn server(&self) -> String {
        let scheme = if self.tls == SmtpTls::FromStart { "smtps" } else { "smtp" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{scheme}://{host}:{}", self.port)
    }
}

/// Reads what is a mail's own.
pub(super) fn read<'a>(reader: &mut Reader<'a>, table: &Table<'a>) -> Option<EmailSettings> {
    let timeout = table.get("timeout").and_then(|value| reader.duration(value, TIMEOUT_MIN..=TIMEOUT_MAX));
    let server = reader.required(table, "url", "add `url = \"smtps://mail.example.org\"`").map(|value| {
        let url = reader.url(value, &["smtps", "smtp"])?;
        let has_more = !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
        if !url.username().is_empty() || url.password().is_some() || has_more {
            let problem = Problem::error("a mail server's `url` is its name and, if need be, its port");
            reader.note(&value.span, problem.help("name and password stand in `username` and `password`"));
            return None;
        }
        Some(url)
    });
    let tls = table.get("tls").map(|value| reader.choice(value, &[("required", true), ("none", false)], &[]));
    let login = login(reader, table);
    let from =
        reader.required(table, "from", "add `from = \"wirewatch@example.org\"`").map(|value| mailbox(reader, value));
    let to = reader.required(table, "to", "add `to = [\"desk@example.org\"]`").map(|value| mailboxes(reader, value));
    let (url, tls) = (server??, tls.unwrap_or(Some(true))?);
    let tls = match (url.scheme(), tls) {
        ("smtps", true) => SmtpTls::FromStart,
        (_, true) => SmtpTls::Starttls,
        ("smtps", false) => {
            let problem = Problem::error("`smtps:` and `tls = \"none\"` contradict each other");
            reader.note_of_the_whole(&table.span, problem.help("write `smtp:` for a server without TLS"));
            return None;
        }
        (_, false) => SmtpTls::None,
    };
    let login = login?;
    if tls == SmtpTls::None && login.is_some() && !is_this_machine(&url) {
        let problem = Problem::error("with `tls = \"none\"` the password would cross the net in the clear");
        reader.note_of_the_whole(&table.span, problem.help("leave `tls` out, or `username` and `password`"));
        return None;
    }
    Some(EmailSettings {
        host: match url.host()? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        },
        port: url.port().unwrap_or(if tls == SmtpTls::FromStart { PORT_TLS } else { PORT_STARTTLS }),
        tls,
        login,
        from: from??,
        to: to??,
        timeout: timeout.unwrap_or(TIMEOUT),
    })
}

/// Both or neither; `None` where something is wrong with them.
fn login<'a>(reader: &mut Reader<'a>, table: &Table<'a>) -> Option<Option<(String, Secret)>> {
    let user = table.get("username").map(|value| reader.line(value, ADDRESS_CHARS_MAX).map(|text| text.value));
    let password = table.get("password").map(|value| reader.secret(value));
    match (user, password) {
        (None, None) => Some(None),
        (Some(user), Some(password)) => Some(Some((user?, password?))),
        (user, _) => {
            let (has, lacks) = if user.is_some() { ("username", "password") } else { ("password", "username") };
            let problem = Problem::error(format!("this sink has a `{has}` and no `{lacks}`"));
            reader.note_of_the_whole(&table.span, problem);
            None
        }
    }
}

fn mailboxes<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<Vec<Mailbox>> {
    let items = value.items().unwrap_or_else(|| vec![value.clone()]);
    if items.is_empty() || items.len() > TO_MAX {
        reader.note(&value.span, Problem::error(format!("`to` is one address, or a list of 1 to {TO_MAX}")));
        return None;
    }
    // All of them are read before any is missed, so that each mistake is noted.
    let read: Vec<_> = items.iter().map(|item| mailbox(reader, item)).collect();
    read.into_iter().collect()
}

fn mailbox<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<Mailbox> {
    let written = reader.line(value, ADDRESS_CHARS_MAX)?.value;
    let mailbox = written.trim().parse().ok();
    if mailbox.is_none() {
        let problem = Problem::error("this is no address of mail");
        reader.note(&value.span, problem.help("write `desk@example.org`, or `\"News desk <desk@example.org>\"`"));
    }
    mailbox
}

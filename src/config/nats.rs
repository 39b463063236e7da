//! Reads `[[sink]]` with `type = "nats"`: which server takes the alerts, under which subject, and who we are to it.

use std::time::Duration;

use url::Url;

use super::{
    problem::Problem,
    raw::{Table, Value},
    reader::Reader,
    settings::Secret,
    shown::shown_url,
    value::is_this_machine,
};

/// A stream says yes once it has stored the alert, on several machines if need be.
const TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT_MIN: Duration = Duration::from_millis(100);
const TIMEOUT_MAX: Duration = Duration::from_secs(5 * 60);
/// A server's own bound is 4 KiB for a whole line of its protocol.
const SUBJECT_CHARS_MAX: usize = 255;
const USER_CHARS_MAX: usize = 320;

/// `[[sink]]` with `type = "nats"`.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    /// `nats:` or `tls:`, with a host and no user in it.
    pub url: Url,
    /// Where a stream listens: words parted by dots, without wildcards.
    pub subject: String,
    /// Who we are.
    pub login: NatsLogin,
    /// For one whole attempt, until the stream has stored it.
    pub timeout: Duration,
}

/// Who we are to a NATS server.
#[derive(Debug, Clone)]
pub enum NatsLogin {
    /// Anybody.
    None,
    /// A user and a password.
    Password(String, Secret),
    /// A token.
    Token(Secret),
    /// The text of a `.creds` file, its last line ended: a signed name, and the key that proves it. The key itself is
    /// never sent.
    Credentials(Secret),
}

impl NatsSettings {
    /// The server and the subject, as they may be shown.
    pub fn shown(&self) -> String {
        format!("{} {}", shown_url(&self.url, false), self.subject)
    }
}

/// Reads what is this sink's own.
pub(super) fn read<'a>(reader: &mut Reader<'a>, table: &Table<'a>) -> Option<NatsSettings> {
    let timeout = table.get("timeout").and_then(|value| reader.duration(value, TIMEOUT_MIN..=TIMEOUT_MAX));
    let url =
        reader.required(table, "url", "add `url = \"nats://bus.example.org\"`").map(|value| server(reader, value));
    let subject =
        reader.required(table, "subject", "add `subject = \"wirewatch.alerts\"`").map(|value| subject(reader, value));
    let login = login(reader, table)?;
    let (url, subject) = (url??, subject??);
    let sends_secret = matches!(login, NatsLogin::Password(..) | NatsLogin::Token(_));
    if sends_secret && url.scheme() == "nats" && !is_this_machine(&url) {
        let what = if matches!(login, NatsLogin::Token(_)) { "token" } else { "password" };
        let problem =
            Problem::warning(format!("the {what} crosses the net in the clear if the server asks for no TLS"));
        reader.note_of_the_whole(&table.span, problem.help("write `tls://` to send nothing without TLS"));
    }
    Some(NatsSettings { url, subject, login, timeout: timeout.unwrap_or(TIMEOUT) })
}

fn server<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<Url> {
    let url = reader.url(value, &["nats", "tls"])?;
    let has_more = !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
    if !url.username().is_empty() || url.password().is_some() || has_more {
        let problem = Problem::error("a NATS server's `url` is its name and, if need be, its port");
        let help = "who you are stands in `username` and `password`, `token` or `credentials`";
        reader.note(&value.span, problem.help(help));
        return None;
    }
    Some(url)
}

/// A subject that can be published to: no empty word, no wildcard, no space, and none of the server's own.
fn subject<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<String> {
    let written = reader.line(value, SUBJECT_CHARS_MAX)?.value;
    let is_word = |word: &str| !word.is_empty() && !word.contains(['*', '>']) && !word.contains(char::is_whitespace);
    let wrong = if !written.split('.').all(is_word) {
        "a subject is words parted by dots, without spaces, `*` and `>`"
    } else if written.starts_with('$') || written.starts_with("_INBOX.") {
        "subjects that begin with `$` or `_INBOX.` are the server's own"
    } else {
        return Some(written);
    };
    reader.note(&value.span, Problem::error(wrong).help("write `subject = \"wirewatch.alerts\"`"));
    None
}

/// One way to say who we are, or none; `None` where something is wrong with it.
fn login<'a>(reader: &mut Reader<'a>, table: &Table<'a>) -> Option<NatsLogin> {
    let user = table.get("username").map(|value| reader.line(value, USER_CHARS_MAX).map(|text| text.value));
    let [password, token, credentials] =
        ["password", "token", "credentials"].map(|key| table.get(key).map(|value| reader.secret(value)));
    let wrong = match (user, password, token, credentials) {
        (None, None, None, None) => return Some(NatsLogin::None),
        (Some(user), Some(password), None, None) => return Some(NatsLogin::Password(user?, password?)),
        (None, None, Some(token), None) => return Some(NatsLogin::Token(token?)),
        (None, None, None, Some(secret)) => return usable(reader, table, &secret?).map(NatsLogin::Credentials),
        (Some(_), None, None, None) => "this sink has a `username` and no `password`",
        (None, Some(_), None, None) => "this sink has a `password` and no `username`",
        _ => "this sink says twice who it is",
    };
    let help = "one of `username` and `password`, `token`, `credentials`";
    reader.note_of_the_whole(&table.span, Problem::error(wrong).help(help));
    None
}

/// Credentials as their reader wants them, with an end to the last line. What is wrong with them is said here rather
/// than at the start, where this build can tell.
fn usable(reader: &mut Reader<'_>, table: &Table<'_>, credentials: &Secret) -> Option<Secret> {
    let whole = format!("{}\n", credentials.reveal().trim_end());
    #[cfg(feature = "nats")]
    if async_nats::ConnectOptions::with_credentials(&whole).is_err() {
        let problem = Problem::error("`credentials` is no text of a `.creds` file");
        let help = "it holds a user's JWT and seed, and is read by `credentials = { file = \"wirewatch.creds\" }`";
        reader.note_of_the_whole(&table.span, problem.help(help));
        return None;
    }
    #[cfg(not(feature = "nats"))]
    let _ = (reader, table);
    Some(Secret::new(whole))
}

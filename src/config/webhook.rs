//! Reads `[[sink]]` with `type = "webhook"`: where it posts to, and in which service's words.

mod settings;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
    time::Duration,
};

use data_encoding::BASE64;
use toml::de::DeValue;
use url::Url;

pub use self::settings::{TemplateText, WebhookFormat, WebhookSettings, ntfy_topic};
use super::{
    daemon,
    problem::{Origin, Problem},
    raw::{Table, Value},
    reader::Reader,
    settings::Secret,
};

/// A receiver's time to answer. Eight attempts run at once for each sink, so slow ones must end.
const TIMEOUT: Duration = Duration::from_secs(15);
const TIMEOUT_MIN: Duration = Duration::from_millis(100);
const TIMEOUT_MAX: Duration = Duration::from_secs(5 * 60);

/// Secrets that sign at once: an old and a new one while rotating, and room for a slow rotation.
const SECRETS_MAX: usize = 8;

/// Key sizes that Standard Webhooks 1.0 asks for, in bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A template is a page that somebody wrote.
const TEMPLATE_BYTES_MAX: u64 = 64 * 1024;

/// Names that services give: chats, rooms.
const NAME_CHARS_MAX: usize = 255;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Standard,
    CloudEvents,
    Slack,
    Discord,
    Teams,
    Ntfy,
    Gotify,
    Telegram,
    Matrix,
    PagerDuty,
    Alertmanager,
    Template,
}

const NAMES: [(&str, Name); 12] = [
    ("standard", Name::Standard),
    ("slack", Name::Slack),
    ("discord", Name::Discord),
    ("teams", Name::Teams),
    ("ntfy", Name::Ntfy),
    ("telegram", Name::Telegram),
    ("gotify", Name::Gotify),
    ("matrix", Name::Matrix),
    ("pagerduty", Name::PagerDuty),
    ("alertmanager", Name::Alertmanager),
    ("cloudevents", Name::CloudEvents),
    ("template", Name::Template),
];

/// Keys that mean something to some formats only.
const OF_FORMATS: [(&str, &[Name]); 7] = [
    ("secret", &[Name::Standard, Name::CloudEvents, Name::Template]),
    ("token", &[Name::Ntfy, Name::Gotify, Name::Telegram, Name::Matrix, Name::Alertmanager, Name::Template]),
    ("chat", &[Name::Telegram]),
    ("room", &[Name::Matrix]),
    ("routing_key", &[Name::PagerDuty]),
    ("template", &[Name::Template]),
    ("content_type", &[Name::Template]),
];

/// Where services are that have one address for everyone.
const TELEGRAM: &str = "https://api.telegram.org";
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// Reads what is a webhook's own.
pub(super) fn read<'a>(reader: &mut Reader<'a>, table: &Table<'a>) -> Option<WebhookSettings> {
    let name = match table.get("format") {
        None => Some(Name::Standard),
        Some(value) => reader.choice(value, &NAMES, &[]),
    };
    if let Some(name) = name {
        refuse_others(reader, table, name);
    }
    let secrets = table.get("secret").map(|value| secrets(reader, value)).unwrap_or_default();
    let timeout = table.get("timeout").and_then(|value| reader.duration(value, TIMEOUT_MIN..=TIMEOUT_MAX));
    let private = table.get("private").and_then(|value| reader.flag(value));
    let proxy = table.get("proxy").and_then(|value| daemon::proxy(reader, value));
    let url = url(reader, table, name);
    let format = name.and_then(|name| format(reader, table, name));
    Some(WebhookSettings {
        url: url?,
        format: format?,
        secrets,
        timeout: timeout.unwrap_or(TIMEOUT),
        private: private.unwrap_or_default(),
        proxy,
    })
}

/// A key of another format would do nothing here, and who wrote it thinks it does.
fn refuse_others(reader: &mut Reader<'_>, table: &Table<'_>, name: Name) {
    for value in &table.values {
        let Some((_, owners)) = OF_FORMATS.iter().find(|(key, _)| *key == value.key) else { continue };
        if owners.contains(&name) {
            continue;
        }
        let owners: Vec<String> = NAMES
            .iter()
            .filter(|(_, name)| owners.contains(name))
            .map(|(word, _)| format!("`format = \"{word}\"`"))
            .collect();
        let problem = Problem::error(format!("`{}` is for webhooks with {}", value.key, owners.join(", ")));
        reader.note(&value.key_span, problem);
    }
}

fn url<'a>(reader: &mut Reader<'a>, table: &Table<'a>, name: Option<Name>) -> Option<Url> {
    let Some(value) = table.get("url") else {
        let everyones = match name {
            Some(Name::Telegram) => Some(TELEGRAM),
            Some(Name::PagerDuty) => Some(PAGERDUTY),
            _ => None,
        };
        if let Some(url) = everyones {
            return url.parse().ok();
        }
        if table.lacks("url") {
            let problem = Problem::error("this sink has no `url`");
            reader.note_of_the_whole(&table.span, problem.help("add `url = \"https://…\"`"));
        }
        return None;
    };
    let url = reader.url(value, &["https", "http"])?;
    if name == Some(Name::Ntfy) && ntfy_topic(&url).is_none() {
        let problem = Problem::error("this `url` ends in no topic");
        let help = "write `https://ntfy.sh/your-topic`; a topic is 1 to 64 letters, digits, `_` and `-`";
        reader.note(&value.span, problem.help(help));
        return None;
    }
    Some(url)
}

fn format<'a>(reader: &mut Reader<'a>, table: &Table<'a>, name: Name) -> Option<WebhookFormat> {
    let token = table.get("token").map(|value| token(reader, value, name));
    // A token that is wrong is not one that is missing.
    let some_token = || match &token {
        Some(None) => None,
        Some(Some(token)) => Some(Some(token.clone())),
        None => Some(None),
    };
    Some(match name {
        Name::Standard => WebhookFormat::Standard,
        Name::CloudEvents => WebhookFormat::CloudEvents,
        Name::Slack => WebhookFormat::Slack,
        Name::Discord => WebhookFormat::Discord,
        Name::Teams => WebhookFormat::Teams,
        Name::Ntfy => WebhookFormat::Ntfy { token: some_token()? },
        Name::Alertmanager => WebhookFormat::Alertmanager { token: some_token()? },
        Name::Gotify => {
            missing(
                reader,
                table,
                "token",
                "add `token = { env = \"GOTIFY_TOKEN\" }`: an application of Gotify has one",
            );
            WebhookFormat::Gotify { token: token?? }
        }
        Name::Telegram => {
            missing(
                reader,
                table,
                "token",
                "add `token = { env = \"TELEGRAM_TOKEN\" }`: @BotFather gives a bot its token",
            );
            missing(reader, table, "chat", "add `chat = -1001234567890`, or `\"@channel\"`");
            let chat = table.get("chat").and_then(|value| chat(reader, value));
            WebhookFormat::Telegram { token: token??, chat: chat? }
        }
        Name::Matrix => {
            missing(reader, table, "token", "add `token = { env = \"MATRIX_TOKEN\" }`: the access token of who posts");
            missing(reader, table, "room", "add `room = \"!…\"`: a room's settings tell its internal id");
            let room = table.get("room").and_then(|value| room(reader, value));
            WebhookFormat::Matrix { token: token??, room: room? }
        }
        Name::PagerDuty => {
            let help = "add `routing_key = { env = \"PAGERDUTY_KEY\" }`: an Events API v2 integration has one";
            missing(reader, table, "routing_key", help);
            let key = table.get("routing_key").and_then(|value| reader.secret(value));
            WebhookFormat::PagerDuty { routing_key: key? }
        }
        Name::Template => {
            missing(reader, table, "template", "add `template = '…'`, or `template = { file = \"body.j2\" }`");
            let template = table.get("template").and_then(|value| template(reader, value));
            let content_type = match table.get("content_type") {
                None => Some("application/json".to_owned()),
                Some(value) => content_type(reader, value),
            };
            WebhookFormat::Template { template: template?, content_type: content_type?, token: some_token()? }
        }
    })
}

fn missing(reader: &mut Reader<'_>, table: &Table<'_>, key: &'static str, help: &str) {
    if table.lacks(key) {
        let problem = Problem::error(format!("this sink has no `{key}`"));
        reader.note_of_the_whole(&table.span, problem.help(help));
    }
}

/// A token, in the letters that may stand where its service wants it: in a header, or in Telegram's address.
fn token<'a>(reader: &mut Reader<'a>, value: &Value<'a>, name: Name) -> Option<Secret> {
    let secret = reader.secret(value)?;
    let is_letter = |c: char| match name {
        Name::Telegram => c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-'),
        _ => c.is_ascii_graphic(),
    };
    if secret.reveal().trim().chars().all(is_letter) {
        return Some(Secret::new(secret.reveal().trim()));
    }
    let problem = Problem::error("this token holds a character that no such token has");
    reader.note(&value.span, problem);
    None
}

fn chat<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<String> {
    let chat = match value.value {
        DeValue::Integer(number) => number.as_str().to_owned(),
        _ => reader.line(value, NAME_CHARS_MAX)?.value.trim().to_owned(),
    };
    let is_number = chat.parse::<i64>().is_ok();
    if is_number || (chat.len() > 1 && chat.starts_with('@')) {
        return Some(chat);
    }
    let problem = Problem::error("this is no chat of Telegram");
    reader.note(&value.span, problem.help("a chat is a number such as -1001234567890, or `\"@channel\"`"));
    None
}

fn room<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<String> {
    let room = reader.line(value, NAME_CHARS_MAX)?.value.trim().to_owned();
    if room.len() > 1 && room.starts_with('!') {
        return Some(room);
    }
    let problem = Problem::error("messages go to a room's internal id, which begins with `!`");
    reader.note(&value.span, problem.help("it stands in the room's settings; `#…` is a name that may move"));
    None
}

fn content_type<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<String> {
    let written = reader.header_line(value)?;
    let (kind, subtype) = written.split_once('/').unwrap_or_default();
    if !kind.trim().is_empty() && !subtype.trim().is_empty() {
        return Some(written);
    }
    let problem = Problem::error("this is no content type");
    reader.note(&value.span, problem.help("write it as in `application/json` or `text/plain; charset=utf-8`"));
    None
}

fn template<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<TemplateText> {
    let Some(table) = value.table() else {
        let text = reader.text_as(value, "a text, or `{ file = \"path\" }`")?;
        let (origin, source) = (reader.origin.clone(), reader.shown.clone());
        return Some(TemplateText { text: text.value, origin, source, span: text.inner });
    };
    let table = reader.known_inline(table, &["file"]);
    let Some(file) = table.get("file") else {
        let problem = Problem::error("`template` is a text, or `{ file = \"path\" }`");
        reader.note(&value.span, problem);
        return None;
    };
    let path = reader.path(file)?;
    match read_template(&path) {
        Ok(text) => {
            let source: Arc<str> = text.as_str().into();
            Some(TemplateText { span: 0..text.len(), text, origin: Origin::File(path), source })
        }
        Err(error) => {
            let problem = Problem::error(format!("cannot read `{}`: {error}", path.display()));
            reader.note(&file.span, problem);
            None
        }
    }
}

fn read_template(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(TEMPLATE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > TEMPLATE_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {} KiB", TEMPLATE_BYTES_MAX / 1024)));
    }
    Ok(text)
}

fn secrets<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Vec<Secret> {
    let items = value.items().unwrap_or_else(|| vec![value.clone()]);
    if items.is_empty() || items.len() > SECRETS_MAX {
        let problem = Problem::error(format!("`secret` is one secret, or a list of 1 to {SECRETS_MAX}"));
        reader.note(&value.span, problem.help("leave `secret` out to send unsigned"));
        return Vec::new();
    }
    let mut secrets = Vec::with_capacity(items.len());
    for item in &items {
        let Some(secret) = reader.secret(item) else { continue };
        match webhook_key(secret.reveal()) {
            Ok(key) if !SECRET_BYTES.contains(&key.len()) => {
                let message = format!("this secret has {} bytes, and Standard Webhooks asks for 24 to 64", key.len());
                reader.note(&item.span, Problem::warning(message).help("`wirewatch secret new` prints one with 32"));
                secrets.push(secret);
            }
            Ok(_) => secrets.push(secret),
            Err(wrong) => {
                let problem = Problem::error(wrong);
                reader.note(&item.span, problem.help("`wirewatch secret new` prints a fresh one"));
            }
        }
    }
    secrets
}

/// The signing key inside a `whsec_…` secret.
fn webhook_key(secret: &str) -> Result<Vec<u8>, &'static str> {
    let encoded = secret.strip_prefix("whsec_").ok_or("a webhook's secret begins with `whsec_`")?;
    match BASE64.decode(encoded.as_bytes()) {
        Ok(key) if key.is_empty() => Err("nothing stands behind `whsec_`"),
        Ok(key) => Ok(key),
        Err(_) => Err("what stands behind `whsec_` is not base64"),
    }
}

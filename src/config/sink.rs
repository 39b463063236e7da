//! Reads `[[sink]]`.

use std::{ops::Range, str::FromStr, time::Duration};

use data_encoding::BASE64;

use super::{
    daemon,
    id::SinkId,
    pace::{self, Pace},
    problem::Problem,
    raw::{Table, Value},
    reader::Reader,
    settings::{OutputFormat, Secret, Severity, SinkKind, SinkSettings, WebhookSettings},
    value::parse_duration,
    watch::SEVERITIES,
};

/// The sink that is there without a word in the config.
pub(super) const CONSOLE: &str = "console";

/// The waits between attempts, when the file names none: quick at first for a restart, then days for a weekend.
const RETRY: [&str; 11] = ["5s", "30s", "2m", "10m", "1h", "4h", "12h", "1d", "1d", "1d", "1d"];

/// Attempts of one delivery; with a day between them, two months.
const RETRIES_MAX: usize = 64;

/// No wait between attempts is longer, whatever asks for it.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// A receiver's time to answer. Eight attempts run at once for each sink, so slow ones must end.
const TIMEOUT: Duration = Duration::from_secs(15);
const TIMEOUT_MIN: Duration = Duration::from_millis(100);
const TIMEOUT_MAX: Duration = Duration::from_secs(5 * 60);

/// Secrets that sign at once: an old and a new one while rotating, and room for a slow rotation.
const SECRETS_MAX: usize = 8;

/// Key sizes that Standard Webhooks 1.0 asks for, in bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Types that come with a later part.
const LATER_TYPES: [(&str, &str); 2] = [("exec", "delivery"), ("email", "delivery")];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Stdout,
    File,
    Webhook,
}

/// A `[[sink]]` as far as it could be read.
#[derive(Debug)]
pub(super) struct SinkDraft {
    pub id: Option<(SinkId, Range<usize>)>,
    pub settings: Option<SinkSettings>,
}

/// The sink `console`, for configs that do not declare it.
pub(super) fn console() -> SinkSettings {
    SinkSettings {
        id: SinkId::from_str(CONSOLE).expect("`console` is a valid id"),
        kind: SinkKind::Stdout { format: OutputFormat::Auto },
        min_severity: Severity::Info,
        retry: default_retry(),
        pace: Pace::default(),
    }
}

fn default_retry() -> Vec<Duration> {
    RETRY.iter().map(|wait| parse_duration(wait).expect("the default waits are durations")).collect()
}

/// Reads one sink.
pub(super) fn read<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> SinkDraft {
    if let Some(value) = later_type(&table) {
        // Its keys are unknown for the same reason, and saying so of each would help nobody.
        reader.choice::<Kind>(value, &[], &LATER_TYPES);
        return SinkDraft { id: table.get("id").and_then(|value| reader.id(value)), settings: None };
    }
    let table = reader.known("sink", table);
    let id = table.get("id").and_then(|value| reader.id(value));
    if table.lacks("id") {
        let problem = Problem::error("this sink has no `id`");
        reader.note_of_the_whole(&table.span, problem.help("add `id = \"…\"`: watches name it in `sinks`"));
    }
    let kinds = [("stdout", Kind::Stdout), ("file", Kind::File), ("webhook", Kind::Webhook)];
    let kind = match table.get("type") {
        Some(value) => reader.choice(value, &kinds, &[]),
        None if !table.lacks("type") => None,
        None => {
            let problem = Problem::error("this sink has no `type`");
            reader.note_of_the_whole(&table.span, problem.help("add `type = \"stdout\"`, `\"file\"` or `\"webhook\"`"));
            None
        }
    };
    let min_severity = table.get("min_severity").and_then(|value| reader.choice(value, &SEVERITIES, &[]));
    let retry = table.get("retry").and_then(|value| retry(reader, value));
    let pace = pace::read(reader, &table);
    let kind = kind.and_then(|kind| {
        refuse_others(reader, &table, kind);
        match kind {
            Kind::Stdout => Some(SinkKind::Stdout { format: lines_format(reader, &table) }),
            Kind::File => file(reader, &table),
            Kind::Webhook => webhook(reader, &table).map(SinkKind::Webhook),
        }
    });
    let settings = id.clone().zip(kind).map(|((id, _), kind)| SinkSettings {
        id,
        kind,
        min_severity: min_severity.unwrap_or(Severity::Info),
        retry: retry.unwrap_or_else(default_retry),
        pace,
    });
    SinkDraft { id, settings }
}

fn later_type<'t, 'a>(table: &'t Table<'a>) -> Option<&'t Value<'a>> {
    table.get("type").filter(|value| LATER_TYPES.iter().any(|(name, _)| value.value.as_str() == Some(name)))
}

/// A key of another type of sink would do nothing here, and who wrote it thinks it does.
fn refuse_others(reader: &mut Reader<'_>, table: &Table<'_>, kind: Kind) {
    let of_webhook = ["url", "secret", "timeout", "private", "proxy", "rate", "concurrency", "batch"];
    let others: &[(&str, &str)] = &[("path", "file")];
    for value in &table.values {
        let owner = if of_webhook.contains(&value.key) {
            "webhook"
        } else if let Some((_, owner)) = others.iter().find(|(key, _)| *key == value.key) {
            owner
        } else {
            continue;
        };
        let fits = matches!((owner, kind), ("webhook", Kind::Webhook) | ("file", Kind::File));
        if !fits {
            let message = format!("`{}` is for sinks with `type = \"{owner}\"`", value.key);
            reader.note(&value.key_span, Problem::error(message));
        }
    }
}

fn lines_format<'a>(reader: &mut Reader<'a>, table: &Table<'a>) -> OutputFormat {
    let formats = [("auto", OutputFormat::Auto), ("text", OutputFormat::Text), ("json", OutputFormat::Json)];
    let format = table.get("format").and_then(|value| reader.choice(value, &formats, &[]));
    format.unwrap_or(OutputFormat::Auto)
}

fn file<'a>(reader: &mut Reader<'a>, table: &Table<'a>) -> Option<SinkKind> {
    let format = lines_format(reader, table);
    let Some(value) = table.get("path") else {
        if table.lacks("path") {
            let problem = Problem::error("this sink has no `path`");
            reader.note_of_the_whole(&table.span, problem.help("add `path = \"alerts.ndjson\"`"));
        }
        return None;
    };
    Some(SinkKind::File { path: reader.path(value)?, format })
}

fn webhook<'a>(reader: &mut Reader<'a>, table: &Table<'a>) -> Option<WebhookSettings> {
    let later = ["slack", "discord", "teams", "ntfy", "telegram", "cloudevents", "template"].map(|f| (f, "delivery"));
    if let Some(value) = table.get("format") {
        reader.choice(value, &[("standard", ())], &later);
    }
    let secrets = table.get("secret").map(|value| secrets(reader, value)).unwrap_or_default();
    let timeout = table.get("timeout").and_then(|value| reader.duration(value, TIMEOUT_MIN..=TIMEOUT_MAX));
    let private = table.get("private").and_then(|value| reader.flag(value));
    let proxy = table.get("proxy").and_then(|value| daemon::proxy(reader, value));
    let Some(url) = table.get("url") else {
        if table.lacks("url") {
            let problem = Problem::error("this sink has no `url`");
            reader.note_of_the_whole(&table.span, problem.help("add `url = \"https://…\"`"));
        }
        return None;
    };
    Some(WebhookSettings {
        url: reader.url(url, &["https", "http"])?,
        secrets,
        timeout: timeout.unwrap_or(TIMEOUT),
        private: private.unwrap_or_default(),
        proxy,
    })
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

fn retry<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<Vec<Duration>> {
    let Some(items) = value.items() else {
        let problem = Problem::error(format!("`retry` is a list of waits, not {}", value.kind()));
        reader.note(&value.span, problem.help("write it as in `retry = [\"5s\", \"30s\", \"10m\"]`"));
        return None;
    };
    if items.len() > RETRIES_MAX {
        let message = format!("`retry` has {} waits, and {RETRIES_MAX} are the most", items.len());
        reader.note(&value.span, Problem::error(message));
        return None;
    }
    // All of them are read before any is missed, so that each mistake is noted.
    let waits: Vec<_> = items.iter().map(|item| reader.duration(item, Duration::ZERO..=RETRY_WAIT_MAX)).collect();
    waits.into_iter().collect()
}

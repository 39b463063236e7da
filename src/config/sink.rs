//! Reads `[[sink]]`.

use std::{ops::Range, str::FromStr, time::Duration};

use super::{
    email, exec,
    id::SinkId,
    pace::{self, Pace, Rate},
    problem::Problem,
    raw::{Table, Value},
    reader::Reader,
    rotate,
    settings::{OutputFormat, Severity, SinkKind, SinkSettings},
    value::parse_duration,
    watch::SEVERITIES,
    webhook,
};

/// The sink that is there without a word in the config.
pub(super) const CONSOLE: &str = "console";

/// The waits between attempts, when the file names none: quick at first for a restart, then days for a weekend.
const RETRY: [&str; 11] = ["5s", "30s", "2m", "10m", "1h", "4h", "12h", "1d", "1d", "1d", "1d"];

/// Attempts of one delivery; with a day between them, two months.
const RETRIES_MAX: usize = 64;

/// No wait between attempts is longer, whatever asks for it.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Stdout,
    File,
    Webhook,
    Email,
    Exec,
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
    let table = reader.known("sink", table);
    let id = table.get("id").and_then(|value| reader.id(value));
    if table.lacks("id") {
        let problem = Problem::error("this sink has no `id`");
        reader.note_of_the_whole(&table.span, problem.help("add `id = \"…\"`: watches name it in `sinks`"));
    }
    let kinds = [
        ("stdout", Kind::Stdout),
        ("file", Kind::File),
        ("webhook", Kind::Webhook),
        ("exec", Kind::Exec),
        ("email", Kind::Email),
    ];
    let kind = match table.get("type") {
        Some(value) => reader.choice(value, &kinds, &[]),
        None if !table.lacks("type") => None,
        None => {
            let problem = Problem::error("this sink has no `type`");
            reader.note_of_the_whole(
                &table.span,
                problem.help("add `type = \"stdout\"`, `\"file\"`, `\"webhook\"`, `\"exec\"` or `\"email\"`"),
            );
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
            Kind::Webhook => webhook::read(reader, &table).map(Box::new).map(SinkKind::Webhook),
            Kind::Exec => exec::read(reader, &table).map(Box::new).map(SinkKind::Exec),
            Kind::Email => email::read(reader, &table).map(Box::new).map(SinkKind::Email),
        }
    });
    let settings = id.clone().zip(kind).map(|((id, _), kind)| SinkSettings {
        id,
        min_severity: min_severity.unwrap_or(Severity::Info),
        retry: retry.unwrap_or_else(default_retry),
        pace: Pace { rate: pace.rate.or_else(|| default_rate(&kind)), ..pace },
        kind,
    });
    SinkDraft { id, settings }
}

fn default_rate(kind: &SinkKind) -> Option<Rate> {
    match kind {
        SinkKind::Webhook(webhook) => webhook.format.default_rate(),
        SinkKind::Stdout { .. } | SinkKind::File { .. } | SinkKind::Email(_) | SinkKind::Exec(_) => None,
    }
}

/// A key of another type of sink would do nothing here, and who wrote it thinks it does.
fn refuse_others(reader: &mut Reader<'_>, table: &Table<'_>, kind: Kind) {
    let of_webhook = [
        "url",
        "secret",
        "timeout",
        "private",
        "proxy",
        "rate",
        "concurrency",
        "batch",
        "token",
        "chat",
        "room",
        "routing_key",
        "template",
        "content_type",
    ];
    let of_email = ["username", "password", "from", "to", "tls"];
    // What is true of all that is sent one by one.
    let of_sent = ["timeout", "rate", "concurrency", "batch"];
    let others: &[(&str, &str)] = &[("path", "file"), ("rotate", "file"), ("command", "exec")];
    for value in &table.values {
        let is_sent = of_sent.contains(&value.key) && matches!(kind, Kind::Email | Kind::Exec);
        if is_sent || (kind == Kind::Email && value.key == "url") {
            continue;
        }
        let unformatted = match kind {
            Kind::Email => Some("a mail has no `format`: it is sent as text and as HTML"),
            Kind::Exec => Some("a program has no `format`: it is handed JSON"),
            Kind::Stdout | Kind::File | Kind::Webhook => None,
        };
        if let (Some(why), "format") = (unformatted, value.key) {
            reader.note(&value.key_span, Problem::error(why));
        }
        let owner = if of_webhook.contains(&value.key) {
            "webhook"
        } else if of_email.contains(&value.key) {
            "email"
        } else if let Some((_, owner)) = others.iter().find(|(key, _)| *key == value.key) {
            owner
        } else {
            continue;
        };
        let fits = matches!(
            (owner, kind),
            ("webhook", Kind::Webhook) | ("email", Kind::Email) | ("file", Kind::File) | ("exec", Kind::Exec)
        );
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
    let rotate = table.get("rotate").map(|value| rotate::read(reader, value));
    let Some(value) = table.get("path") else {
        if table.lacks("path") {
            let problem = Problem::error("this sink has no `path`");
            reader.note_of_the_whole(&table.span, problem.help("add `path = \"alerts.ndjson\"`"));
        }
        return None;
    };
    let path = reader.path(value)?;
    if let Some(why) = reader.environment.unwritable(&path) {
        let problem = Problem::warning(format!("nothing can be written to `{}`: {why}", path.display()));
        reader.note(&value.span, problem.help("its deliveries wait and are tried again until it can"));
    }
    let rotate = match rotate {
        Some(rotation) => Some(rotation?),
        None => None,
    };
    Some(SinkKind::File { path, format, rotate })
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

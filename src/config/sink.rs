//! Reads `[[sink]]`.

use std::{ops::Range, str::FromStr, time::Duration};

use super::{
    email, exec,
    id::SinkId,
    nats,
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
    Nats,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Stdout, Self::File, Self::Webhook, Self::Exec, Self::Email, Self::Nats];

    /// As written.
    fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::File => "file",
            Self::Webhook => "webhook",
            Self::Email => "email",
            Self::Exec => "exec",
            Self::Nats => "nats",
        }
    }
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
    let kind = match table.get("type") {
        Some(value) => kind_of(reader, value),
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
            Kind::Nats => nats::read(reader, &table).map(Box::new).map(SinkKind::Nats),
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

/// What this build can't do is an error here: an alert for such a sink would wait for ever.
fn kind_of<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<Kind> {
    let kind = reader.choice(value, &Kind::ALL.map(|kind| (kind.as_str(), kind)), &[])?;
    if kind == Kind::Nats && !cfg!(feature = "nats") {
        let problem = Problem::error("this wirewatch was built without NATS");
        reader.note(&value.span, problem.help("build one that has it: `cargo build --release --features nats`"));
        return None;
    }
    Some(kind)
}

fn default_rate(kind: &SinkKind) -> Option<Rate> {
    match kind {
        SinkKind::Webhook(webhook) => webhook.format.default_rate(),
        SinkKind::Stdout { .. }
        | SinkKind::File { .. }
        | SinkKind::Email(_)
        | SinkKind::Exec(_)
        | SinkKind::Nats(_) => None,
    }
}

/// The keys that not every sink has: those that have it, the likeliest owner first.
const OWNED: &[(&[&str], &[Kind])] = &[
    (&["url"], &[Kind::Webhook, Kind::Email, Kind::Nats]),
    (&["timeout", "rate", "concurrency", "batch"], &[Kind::Webhook, Kind::Email, Kind::Exec, Kind::Nats]),
    (&["secret", "private", "proxy", "chat", "room", "routing_key", "template", "content_type"], &[Kind::Webhook]),
    (&["token"], &[Kind::Webhook, Kind::Nats]),
    (&["username", "password"], &[Kind::Email, Kind::Nats]),
    (&["from", "to", "tls"], &[Kind::Email]),
    (&["path", "rotate"], &[Kind::File]),
    (&["command"], &[Kind::Exec]),
    (&["subject", "credentials"], &[Kind::Nats]),
];

/// A key of another type of sink would do nothing here, and who wrote it thinks it does.
fn refuse_others(reader: &mut Reader<'_>, table: &Table<'_>, kind: Kind) {
    let unformatted = match kind {
        Kind::Email => Some("a mail has no `format`: it is sent as text and as HTML"),
        Kind::Exec => Some("a program has no `format`: it is handed JSON"),
        Kind::Nats => Some("a `nats` sink has no `format`: it sends JSON"),
        Kind::Stdout | Kind::File | Kind::Webhook => None,
    };
    for value in &table.values {
        if let (Some(why), "format") = (unformatted, value.key) {
            reader.note(&value.key_span, Problem::error(why));
        }
        let Some((_, owners)) = OWNED.iter().find(|(keys, _)| keys.contains(&value.key)) else { continue };
        if let (false, Some(owner)) = (owners.contains(&kind), owners.first()) {
            let message = format!("`{}` is for sinks with `type = \"{}\"`", value.key, owner.as_str());
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

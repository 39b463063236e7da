//! Reads `[daemon]`.

use std::{net::SocketAddr, ops::Range, path::PathBuf, str::FromStr, time::Duration};

use url::Url;

use super::{
    environment::Environment,
    problem::Problem,
    raw::{Table, Value},
    reader::{Reader, not_yet},
    settings::{Backlog, DaemonSettings, Proxy, Secret},
    suggest,
    value::{format_duration, parse_duration},
};

/// Shortest and longest wait between polls. Below ten milliseconds a poll is a busy loop; above a month a feed is
/// as good as forgotten, and most servers have dropped what it held.
pub const INTERVAL_MIN: Duration = Duration::from_millis(10);
/// See [`INTERVAL_MIN`].
pub const INTERVAL_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Each poll may hold a document of some megabytes and a socket or two: beyond this the file limit is met first.
const CONCURRENCY_MAX: usize = 4_096;

/// A century: texts kept longer are kept for good.
const RETAIN_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Schemes of a proxy's URL.
const PROXY_SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// Longest name, contact or address: each stands in a line that people read.
pub(super) const LINE_CHARS_MAX: usize = 300;

/// The daemon's waits, and which of them the file says itself: a feed's own interval may pass those it does not.
#[derive(Debug, Clone)]
pub(super) struct WrittenWaits {
    pub min: Option<(Duration, Range<usize>)>,
    pub max: Option<(Duration, Range<usize>)>,
}

/// The settings without a config.
pub(super) fn defaults(environment: &Environment) -> DaemonSettings {
    let data_dir = environment.data_dir();
    DaemonSettings {
        store: data_dir.join("wirewatch.db"),
        data_dir,
        contact: None,
        interval: Duration::from_secs(15 * 60),
        min_interval: Duration::from_secs(60),
        max_interval: Duration::from_secs(2 * 60 * 60),
        concurrency: 64,
        per_host: 2,
        backlog: Backlog::Newer(DAY),
        retain: 90 * DAY,
        timezone: chrono_tz::UTC,
        listen: Some(SocketAddr::from(([127, 0, 0, 1], 8087))),
        public_url: None,
        token: None,
        proxy: Proxy::Environment,
        allow_private_networks: false,
    }
}

/// Reads the table; what is not in it, or wrong in it, has its default.
pub(super) fn read<'a>(reader: &mut Reader<'a>, table: Option<Table<'a>>) -> (DaemonSettings, WrittenWaits) {
    let mut daemon = defaults(reader.environment);
    let mut written = WrittenWaits { min: None, max: None };
    let Some(table) = table else { return (daemon, written) };
    let table = reader.known("daemon", table);
    if let Some(path) = table.get("data_dir").and_then(|value| reader.path(value)) {
        daemon.data_dir = path;
    }
    daemon.store = match table.get("store") {
        Some(value) => store(reader, value, &daemon.data_dir).unwrap_or_default(),
        None => daemon.data_dir.join("wirewatch.db"),
    };
    daemon.contact = table.get("contact").and_then(|value| reader.header_line(value));
    written = waits(reader, &table, &mut daemon);
    if let Some(value) = table.get("concurrency") {
        daemon.concurrency = reader.count(value, 1..=CONCURRENCY_MAX).unwrap_or(daemon.concurrency);
    }
    if let Some(value) = table.get("per_host") {
        daemon.per_host = reader.count(value, 1..=CONCURRENCY_MAX).unwrap_or(daemon.per_host);
    }
    if let Some(value) = table.get("backlog") {
        daemon.backlog = backlog(reader, value).unwrap_or(daemon.backlog);
    }
    if let Some(value) = table.get("retain") {
        daemon.retain = reader.duration(value, Duration::ZERO..=RETAIN_MAX).unwrap_or(daemon.retain);
    }
    if let Some(value) = table.get("timezone") {
        daemon.timezone = timezone(reader, value).unwrap_or(daemon.timezone);
    }
    if let Some(value) = table.get("proxy") {
        daemon.proxy = proxy(reader, value).unwrap_or(daemon.proxy);
    }
    if let Some(value) = table.get("allow_private_networks") {
        daemon.allow_private_networks = reader.flag(value).unwrap_or_default();
    }
    daemon.token = table.get("token").and_then(|value| token(reader, value));
    if let Some(value) = table.get("listen") {
        daemon.listen = listen(reader, value, table.get("token").is_some());
    }
    daemon.public_url = table.get("public_url").and_then(|value| public_url(reader, value));
    (daemon, written)
}

/// An address that paths are put behind, so it has nothing of its own behind its path.
fn public_url<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<Url> {
    let mut url = reader.url(value, &["https", "http"])?;
    let has_user = !url.username().is_empty() || url.password().is_some();
    if has_user || url.query().is_some() || url.fragment().is_some() {
        let problem = Problem::error("`public_url` holds more than an address and a path");
        reader.note(&value.span, problem.help("leave out what stands before `@` and behind `?` or `#`"));
        return None;
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Some(url)
}

fn token<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<Secret> {
    let token = reader.secret(value)?;
    if token.reveal().chars().all(|c| c.is_ascii_graphic()) {
        return Some(token);
    }
    // RFC 6750 §2.1: anything else could be set here and never be sent.
    let problem = Problem::error("`token` holds what can't stand behind `Authorization: Bearer`");
    reader.note(&value.span, problem.help("it is made of ASCII letters, digits and signs, without spaces"));
    None
}

fn store<'a>(reader: &mut Reader<'a>, value: &Value<'a>, data_dir: &std::path::Path) -> Option<PathBuf> {
    let text = reader.line(value, LINE_CHARS_MAX)?.value;
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        reader.note(&value.span, not_yet("postgres://", "scale"));
        return None;
    }
    let written = match text.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() && !path.starts_with(':') => path,
        _ => {
            let problem = Problem::error(format!("`{text}` is no store"));
            reader.note(&value.span, problem.help("write `sqlite:` and a file, as in `sqlite:wirewatch.db`"));
            return None;
        }
    };
    // `sqlite:///var/x.db` is how other tools write an absolute path.
    let path = written.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(written);
    if path.starts_with('~') {
        return reader.resolved(path, &value.span);
    }
    Some(data_dir.join(path))
}

/// Reads the three intervals. Those that the file does not say make room for those that it does, so that one line is
/// enough to poll every ten seconds, or once a day.
fn waits<'a>(reader: &mut Reader<'a>, table: &Table<'a>, daemon: &mut DaemonSettings) -> WrittenWaits {
    let mut read = |key| {
        let value = table.get(key)?;
        Some((reader.duration(value, INTERVAL_MIN..=INTERVAL_MAX)?, value.span.clone()))
    };
    let (interval, min, max) = (read("interval"), read("min_interval"), read("max_interval"));
    let conflict =
        |reader: &mut Reader<'_>, longer: &str, shorter: &str, at: &(Duration, Range<usize>), of: Duration| {
            let message = format!("`{longer}` is shorter than `{shorter}`, which is {}", format_duration(of));
            reader
                .note(&at.1, Problem::error(message).help("the order is `min_interval` ≤ `interval` ≤ `max_interval`"));
        };
    if let (Some(interval), Some(min)) = (&interval, &min)
        && interval.0 < min.0
    {
        conflict(reader, "interval", "min_interval", interval, min.0);
    }
    if let (Some(interval), Some(max)) = (&interval, &max)
        && max.0 < interval.0
    {
        conflict(reader, "max_interval", "interval", max, interval.0);
    }
    if let (Some(min), Some(max), None) = (&min, &max, &interval)
        && max.0 < min.0
    {
        conflict(reader, "max_interval", "min_interval", max, min.0);
    }
    let said = |wait: &Option<(Duration, Range<usize>)>| wait.as_ref().map(|(duration, _)| *duration);
    daemon.interval = said(&interval).unwrap_or_else(|| {
        let floor = said(&min).map_or(daemon.interval, |min| daemon.interval.max(min));
        said(&max).map_or(floor, |max| floor.min(max))
    });
    daemon.min_interval = said(&min).unwrap_or(daemon.min_interval.min(daemon.interval));
    daemon.max_interval = said(&max).unwrap_or(daemon.max_interval.max(daemon.interval));
    WrittenWaits { min, max }
}

fn backlog<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<Backlog> {
    let text = reader.text(value)?.value;
    match text.as_str() {
        "all" => Some(Backlog::All),
        "none" => Some(Backlog::None),
        other => match parse_duration(other) {
            Ok(age) => Some(Backlog::Newer(age)),
            Err(_) => {
                let problem = Problem::error(format!("`backlog` can't be `{other}`"));
                reader.note(&value.span, problem.help("write a duration such as `24h`, or `all`, or `none`"));
                None
            }
        },
    }
}

fn timezone<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<chrono_tz::Tz> {
    let text = reader.line(value, LINE_CHARS_MAX)?.value;
    match chrono_tz::Tz::from_str(&text) {
        Ok(timezone) => Some(timezone),
        Err(_) => {
            let names = chrono_tz::TZ_VARIANTS.iter().map(|timezone| timezone.name());
            let help = match suggest::nearest(&text, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write a name of the time zone database, as in `Europe/Istanbul`".to_owned(),
            };
            reader.note(&value.span, Problem::error(format!("there is no time zone `{text}`")).help(help));
            None
        }
    }
}

/// `"none"`, or a proxy's URL.
pub(super) fn proxy<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<Proxy> {
    if value.value.as_str() == Some("none") {
        return Some(Proxy::Direct);
    }
    reader.url(value, &PROXY_SCHEMES).map(Proxy::Url)
}

fn listen<'a>(reader: &mut Reader<'a>, value: &Value<'a>, has_token: bool) -> Option<SocketAddr> {
    let text = reader.line(value, LINE_CHARS_MAX)?.value;
    if text == "off" {
        return None;
    }
    let literal = text.strip_prefix("localhost:").map_or_else(|| text.clone(), |port| format!("127.0.0.1:{port}"));
    let Ok(address) = literal.parse::<SocketAddr>() else {
        let help = "write an address and a port, as in `127.0.0.1:8087`, `[::1]:8087`, `0.0.0.0:8087`, or `off`";
        reader.note(&value.span, Problem::error(format!("`{text}` is no address to listen on")).help(help));
        return None;
    };
    if !address.ip().is_loopback() && !has_token {
        let problem = Problem::error(format!("{address} can be reached from other machines, and there is no `token`"));
        let help = "add `token = { env = \"WIREWATCH_TOKEN\" }` to `[daemon]`, or listen on 127.0.0.1";
        reader.note_of_the_whole(&value.span, problem.help(help));
    }
    Some(address)
}

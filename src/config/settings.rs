//! The checked forms of what the config file says. One in hand is valid: ids are unique, durations in bounds, every
//! name that is referred to exists.

use std::{collections::BTreeMap, fmt, net::SocketAddr, ops::Range, path::PathBuf, sync::Arc, time::Duration};

use serde::Serialize;
use url::Url;

use super::{
    email::EmailSettings,
    exec::ExecSettings,
    id::{FeedId, SinkId, WatchId},
    nats::NatsSettings,
    pace::Pace,
    problem::Origin,
    rotate::Rotation,
    shown::shown_url,
    webhook::WebhookSettings,
};

/// Everything that one config says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The file it came from, if any.
    pub file: Option<PathBuf>,
    /// How the daemon as a whole behaves.
    pub daemon: DaemonSettings,
    /// The file's own in its order, then those of its OPML lists, then those that wirewatch's commands have added.
    pub feeds: Vec<FeedSettings>,
    /// `[[opml]]`, in the order of the file.
    pub opml: Vec<OpmlSettings>,
    /// The built-in watches that no `[[watch]]` replaces, then the file's.
    pub watches: Vec<WatchSettings>,
    /// The file's sinks, and `console` unless it is declared.
    pub sinks: Vec<SinkSettings>,
    /// `[defaults] sinks`: where events go, and alerts of watches that name no sinks.
    pub default_sinks: Vec<SinkId>,
    /// By name, as used in queries after `@`.
    pub lists: BTreeMap<String, Vec<String>>,
    /// Folder of the user's packs.
    pub pack_folder: Option<PathBuf>,
}

impl Settings {
    /// Where an event that is so loud goes: the sinks of `[defaults]`, less those that want louder ones, and less the one
    /// that it is about.
    pub fn sinks_of_event(&self, severity: Severity, about: Option<&SinkId>) -> Vec<SinkId> {
        let wants = |id: &&SinkId| {
            Some(*id) != about && self.sinks.iter().any(|sink| sink.id == **id && severity >= sink.min_severity)
        };
        self.default_sinks.iter().filter(wants).cloned().collect()
    }
}

/// `[daemon]`.
#[derive(Debug, Clone)]
pub struct DaemonSettings {
    /// Absolute; created on start.
    pub data_dir: PathBuf,
    /// The SQLite file, absolute.
    pub store: PathBuf,
    /// Goes into the User-Agent.
    pub contact: Option<String>,
    /// The longest wait between polls of a feed that does well.
    pub interval: Duration,
    /// The shortest.
    pub min_interval: Duration,
    /// Where backoff may lengthen it to.
    pub max_interval: Duration,
    /// Polls at once.
    pub concurrency: usize,
    /// Polls at once to one host.
    pub per_host: usize,
    /// What a feed's first poll alerts on.
    pub backlog: Backlog,
    /// How long article texts are kept.
    pub retain: Duration,
    /// For text that people read.
    pub timezone: chrono_tz::Tz,
    /// Where HTTP listens; `None` is off.
    pub listen: Option<SocketAddr>,
    /// Where hubs and people reach it, without a slash at the end; `None`: nobody is to push to it.
    pub public_url: Option<Url>,
    /// Bearer token of the HTTP API.
    pub token: Option<Secret>,
    /// For all feeds and sinks that name none of their own.
    pub proxy: Proxy,
    /// Whether feeds and sinks may resolve to private addresses.
    pub allow_private_networks: bool,
}

/// What a feed's first poll alerts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlog {
    /// Every entry.
    All,
    /// No entry.
    None,
    /// Entries younger than this; of undated ones the first ten.
    Newer(Duration),
}

/// Whether the pages of a feed's articles are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FullText {
    /// None is.
    #[default]
    Off,
    /// Each is.
    Always,
    /// Those of which the feed gave little, and which a watch may be after.
    Auto,
}

/// Which proxy a connection takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Proxy {
    /// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    Environment,
    /// None, whatever the environment says.
    Direct,
    /// This one: http, https, socks5 or socks5h.
    Url(Url),
}

/// `[[feed]]`, or a feed of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedSettings {
    /// From the file, or made from the host.
    pub id: FeedId,
    /// Where it is written.
    pub origin: FeedOrigin,
    /// Where it is.
    pub source: FeedSource,
    /// For people.
    pub name: Option<String>,
    /// For `tag:` in queries and in a watch's `feeds`.
    pub tags: Vec<String>,
    /// Instead of the daemon's.
    pub interval: Option<Duration>,
    /// Silent when nothing is new for so long; without it, a multiple of what is usual.
    pub expect: Option<Duration>,
    /// Whether its articles' pages are fetched.
    pub full_text: FullText,
    /// Sent to the feed's own host only. Values are secret.
    pub headers: Vec<(String, Secret)>,
    /// Instead of wirewatch's own.
    pub user_agent: Option<String>,
    /// Whether path and query of the URL are hidden everywhere.
    pub secret: bool,
    /// Whether a private address is allowed for this feed.
    pub private: bool,
    /// Instead of the daemon's.
    pub proxy: Option<Proxy>,
}

/// Where a feed is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedOrigin {
    /// In the config.
    Config {
        /// Of its `[[feed]]`, counted from 1.
        line: usize,
    },
    /// In a list that the config names.
    Opml {
        /// The list, as it may be shown.
        list: String,
    },
    /// In the file that wirewatch's own commands write.
    Managed,
}

impl FeedOrigin {
    /// As in `feeds list`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Config { .. } => "config",
            Self::Opml { .. } => "opml",
            Self::Managed => "managed",
        }
    }
}

/// `[[opml]]`: a list of feeds that somebody else keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpmlSettings {
    /// Where it is read: the file that `path` names, or the copy of what `url` last gave.
    pub file: PathBuf,
    /// Where it is fetched from.
    pub url: Option<Url>,
    /// Of all its feeds, beside those that its folders make.
    pub tags: Vec<String>,
}

impl OpmlSettings {
    /// What it is called in lists and logs.
    pub fn shown(&self) -> String {
        self.url.as_ref().map_or_else(|| self.file.display().to_string(), |url| shown_url(url, false))
    }
}

/// Where a feed's document comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FeedSource {
    /// `http:` or `https:`.
    Http(Url),
    /// `file:`, absolute.
    File(PathBuf),
    /// `exec:`, from the hand-written config alone.
    Exec {
        /// Absolute, or a name that is looked for in `PATH`.
        program: PathBuf,
        /// Handed over as they are: no shell reads them.
        arguments: Vec<String>,
    },
}

/// How long the waits between one feed's polls may be; `min` ≤ `interval` ≤ `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollWaits {
    /// The longest for a feed that does well.
    pub interval: Duration,
    /// The shortest.
    pub min: Duration,
    /// Where backoff may lengthen it to.
    pub max: Duration,
}

impl DaemonSettings {
    /// The waits of one feed: its own interval outranks the daemon's, and widens bounds that the file does not state.
    pub fn poll_waits(&self, feed: &FeedSettings) -> PollWaits {
        let interval = feed.interval.unwrap_or(self.interval);
        PollWaits { interval, min: self.min_interval.min(interval), max: self.max_interval.max(interval) }
    }
}

impl FeedSettings {
    /// The URL as it may be shown: user-info, secret query values and, where `secret`, path and query are `***`.
    pub fn shown_url(&self) -> String {
        match &self.source {
            FeedSource::File(path) => format!("file:{}", path.display()),
            FeedSource::Http(url) => shown_url(url, self.secret),
            // Arguments may be secret.
            FeedSource::Exec { program, arguments } => {
                format!("exec:{}{}", program.display(), if arguments.is_empty() { "" } else { " …" })
            }
        }
    }
}

/// `[[watch]]`, or a built-in one.
#[derive(Debug, Clone)]
pub struct WatchSettings {
    /// Unique.
    pub id: WatchId,
    /// For people; the id where the file has none.
    pub name: String,
    /// The query's text: the file's own, or made from `keywords`, `all` and `exclude`.
    pub query: QuerySource,
    /// How loud.
    pub severity: Severity,
    /// Which feeds it reads; empty is all.
    pub feeds: Vec<FeedSelector>,
    /// Where its alerts go; defaults are already filled in.
    pub sinks: Vec<SinkId>,
    /// Alerts that are less sure are stored, counted, and not sent.
    pub min_confidence: Confidence,
}

/// How sure an alert is to be, 0 to 1, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Confidence(u16);

impl Confidence {
    /// `None` for what is not between 0 and 1.
    pub fn new(fraction: f64) -> Option<Self> {
        (0.0..=1.0).contains(&fraction).then(|| Self((fraction * 1000.0).round() as u16))
    }

    /// Whether an alert that is so sure is sure enough.
    pub fn allows(self, confidence: f64) -> bool {
        (confidence * 1000.0).round() >= f64::from(self.0)
    }
}

/// A query's text and where a person wrote it, so that a problem in it can be shown in their file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuerySource {
    /// What the parser reads.
    pub text: String,
    /// Whose text it is.
    pub origin: Origin,
    /// The whole text of `origin`; for a query typed alone, the same as `text`.
    pub source: Arc<str>,
    /// Where in `source` the query's string value stands, in bytes, quotes left out. Offsets inside `text` can be
    /// added to its start when the slice equals `text` (no escapes); otherwise the whole span is pointed at.
    pub span: Range<usize>,
}

impl QuerySource {
    /// A query that stands alone, shown under `name`.
    pub fn standalone(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { source: text.as_str().into(), span: 0..text.len(), origin: Origin::Named(name.into()), text }
    }
}

/// How loud an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    #[default]
    Warning,
    /// Somebody must look now.
    Critical,
}

impl Severity {
    /// As written in config and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// One of a watch's `feeds`: a feed's id, or `tag:` and a tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FeedSelector {
    /// That feed.
    Id(FeedId),
    /// Every feed with the tag.
    Tag(String),
}

/// `[[sink]]`.
#[derive(Debug, Clone)]
pub struct SinkSettings {
    /// Unique.
    pub id: SinkId,
    /// Where it sends to, and how.
    pub kind: SinkKind,
    /// Alerts below it are not for this sink.
    pub min_severity: Severity,
    /// Waits between attempts; after one attempt more than these, a dead letter.
    pub retry: Vec<Duration>,
    /// How fast.
    pub pace: Pace,
}

/// Where a sink sends to.
#[derive(Debug, Clone)]
pub enum SinkKind {
    /// Standard output.
    Stdout {
        /// Text, JSON, or by what stdout is.
        format: OutputFormat,
    },
    /// A file that lines are appended to, absolute.
    File {
        /// Created when missing; its folder is not.
        path: PathBuf,
        /// `auto` is JSON here.
        format: OutputFormat,
        /// When a new file is begun; `None` is never.
        rotate: Option<Rotation>,
    },
    /// HTTP POST, in the words of the service that takes it.
    Webhook(Box<WebhookSettings>),
    /// A mail to people.
    Email(Box<EmailSettings>),
    /// A stream of a NATS server.
    Nats(Box<NatsSettings>),
    /// A program of this machine, from the hand-written config alone.
    Exec(Box<ExecSettings>),
}

/// What lines look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// Text on a terminal, else JSON.
    Auto,
    /// For people.
    Text,
    /// NDJSON.
    Json,
}

/// A value that is never printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Keeps `value` from being printed.
    pub fn new(value: impl Into<Arc<str>>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

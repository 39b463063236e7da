//! What a poll brings to the store, and what the commit says it really brought.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use url::Url;

use super::Hearing;
use crate::{
    alert::{AlertId, Event, HeldReason},
    article::{Article, ArticleId, ArticleKey},
    config::{FeedId, FeedSource, Severity, SinkId, WatchId},
    fetch::hints::Validators,
    schedule::{Pace, Rhythm},
};

/// What one poll of a feed brought.
#[derive(Debug, Clone)]
pub struct PollResult {
    /// Which feed.
    pub feed: FeedId,
    /// When it was polled.
    pub at: DateTime<Utc>,
    /// How it went.
    pub outcome: StoredOutcome,
    /// To send next time; `None` keeps what is there.
    pub validators: Option<Validators>,
    /// When it is polled next …
    pub next_poll: DateTime<Utc>,
    /// … and why then.
    pub next_reason: String,
    /// Failures in a row, this one included.
    pub in_a_row_failures: u32,
    /// Where it has moved to for good; `None` keeps what is there.
    pub moved_to: Option<Moved>,
    /// What it calls itself; `None` keeps what is there.
    pub about_title: Option<String>,
    /// New or edited entries, in document order.
    pub entries: Vec<StoredEntry>,
    /// Every id that the document has, new or not; empty where no document was read.
    pub entries_seen: Vec<EntryKey>,
    /// What was odd about the document; `None` keeps what is there.
    pub notes: Option<Vec<String>>,
    /// Who hears of the feed itself.
    pub hearing: Hearing,
    /// Where the config says that the feed is.
    pub source: SourceKey,
    /// What the document says of its rhythm; `None` keeps what is there.
    pub rhythm: Option<Rhythm>,
    /// How often it brings something, this poll included.
    pub pace: Pace,
    /// How many arrivals the document holds; `None` keeps what is there.
    pub window: Option<u32>,
    /// When a document last shared no entry with the one before; `None` keeps what is there.
    pub gap: Option<DateTime<Utc>>,
}

/// Where the config says that a feed is, hashed: its URL may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceKey(pub(super) [u8; 16]);

impl SourceKey {
    /// Of a feed's source.
    pub fn of(source: &FeedSource) -> Self {
        Self(source_digest(source))
    }
}

/// An event, and where it goes.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// What happened; one that is stored already is not stored again.
    pub event: Event,
    /// Whom to tell.
    pub sinks: Vec<SinkId>,
}

/// What came without being asked for: a hub's push, or articles by HTTP. It tells nothing of what its feed holds
/// besides, so neither validators nor the next poll nor what is learned of the feed's ids change by it.
#[derive(Debug, Clone)]
pub struct PushResult {
    /// Which feed. One that was never polled is made, and is not polled by that.
    pub feed: FeedId,
    /// When it came.
    pub at: DateTime<Utc>,
    /// New or edited entries.
    pub entries: Vec<StoredEntry>,
    /// Every id that came, new or not.
    pub entries_seen: Vec<EntryKey>,
}

/// A move for good. It counts for as long as the config names the source that moved: who mends the URL there is obeyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Of the source, hashed: its URL may hold a password.
    pub(super) from: [u8; 16],
    pub(super) to: String,
}

impl Moved {
    /// What the config calls `source` is now at `to`.
    pub fn new(source: &FeedSource, to: &Url) -> Self {
        Self { from: source_digest(source), to: to.to_string() }
    }

    /// Where `source` is now; `None` where it was another source that moved.
    pub fn of(&self, source: &FeedSource) -> Option<Url> {
        if self.from == source_digest(source) { Url::parse(&self.to).ok() } else { None }
    }
}

fn source_digest(source: &FeedSource) -> [u8; 16] {
    match source {
        FeedSource::Http(url) => digest(&[b"http", url.as_str().as_bytes()]),
        FeedSource::File(path) => digest(&[b"file", path.as_os_str().as_encoded_bytes()]),
        FeedSource::Exec { program, .. } => digest(&[b"exec", program.as_os_str().as_encoded_bytes()]),
    }
}

/// How a poll went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredOutcome {
    /// A document with new or edited entries.
    New,
    /// A document without.
    Unchanged,
    /// 304.
    NotModified,
    /// No document.
    Error {
        /// In a word, for lists and metrics.
        class: String,
        /// For people.
        message: String,
    },
    /// 410: not polled again.
    Gone,
}

impl StoredOutcome {
    /// As in the store, `feeds list` and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Unchanged => "unchanged",
            Self::NotModified => "not_modified",
            Self::Error { .. } => "error",
            Self::Gone => "gone",
        }
    }

    /// Whether the server did as it was asked.
    pub(super) fn is_success(&self) -> bool {
        matches!(self, Self::New | Self::Unchanged | Self::NotModified)
    }
}

/// An entry that is new or edited, and what it alerts on.
#[derive(Debug, Clone)]
pub struct StoredEntry {
    /// Cleaned.
    pub article: Article,
    /// Of title, summary and content: another one is an edit.
    pub fingerprint: u64,
    /// Across feeds.
    pub key: ArticleKey,
    /// Of its text; `None` where it is too short to tell copies by.
    pub text_key: Option<[u8; 16]>,
    /// One for each watch that it hit.
    pub alerts: Vec<NewAlert>,
    /// Where its page is, if that is wanted.
    pub page: Option<Url>,
}

/// An alert that this entry makes, unless its watch has alerted on the article before.
#[derive(Debug, Clone)]
pub struct NewAlert {
    /// Of watch and article.
    pub id: AlertId,
    /// Which watch.
    pub watch: WatchId,
    /// How loud.
    pub severity: Severity,
    /// The bytes that every attempt sends.
    pub body: String,
    /// Why it is stored and not sent.
    pub held: Option<HeldReason>,
    /// Where it goes, unless held.
    pub sinks: Vec<SinkId>,
}

/// An entry's id within its feed, hashed: what tells whether it was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntryKey(pub(super) [u8; 16]);

impl EntryKey {
    /// Of an entry's id. What the id was made from is no part of it.
    pub fn of(id: &ArticleId) -> Self {
        Self::of_stored(&id.value)
    }

    /// Of an id as the store kept it.
    pub(super) fn of_stored(id: &str) -> Self {
        Self(digest(&[id.as_bytes()]))
    }
}

/// What a commit really brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// Entries never seen in this feed.
    pub new_articles: usize,
    /// Entries seen before, with other words.
    pub edited: usize,
    /// Alerts that were not there before, held ones included.
    pub alerts: Vec<CommittedAlert>,
    /// Entries under a new id whose text the feed had before: most of its ids changed at once, so they stay quiet.
    pub quiet: usize,
    /// Pages that are wanted now.
    pub pages: usize,
    /// Pages that would be wanted if the feed had not so many waiting already.
    pub pages_left_out: usize,
    /// Whether the document shares no entry with the one before, and some may have come and gone between the two.
    pub is_gap: bool,
    /// With this poll it was learned that the feed's ids change with each fetch.
    pub ids_change: bool,
}

/// An alert that a commit brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedAlert {
    /// Its id.
    pub id: AlertId,
    /// Whose it is.
    pub watch: WatchId,
    /// Why it is not sent.
    pub held: Option<HeldReason>,
    /// How many outbox rows it has.
    pub deliveries: usize,
}

/// First 16 bytes of SHA-256 over the parts, a zero byte between them.
pub(super) fn digest(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            hasher.update([0]);
        }
        hasher.update(part);
    }
    let mut kept = [0; 16];
    kept.copy_from_slice(&hasher.finalize()[..16]);
    kept
}

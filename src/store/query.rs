//! What may be asked: feeds' states, the entries that a feed is known by, alerts.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Duration, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    EntryKey, Moved, SourceKey, Store, StoreError,
    sqlite::rows::{count, millis, parsed, time, time_or_none},
};
use crate::{
    alert::AlertId,
    config::{FeedId, FeedSource, WatchId},
    fetch::hints::Validators,
    schedule::{Pace, PollReason, Rhythm, pace::Rate},
};

/// No poll is further away than a week and its jitter; one that is met a clock that was set back.
const POLL_WAIT_MAX: Duration = Duration::days(8);
/// Over how many days a feed's articles are averaged.
const ACTIVITY_DAYS: i64 = 7;
/// An alert is made at the end of its poll and numbered when that is committed; no two polls are this far out of order.
const DISORDER_MAX: Duration = Duration::hours(1);
/// Most alerts in one answer.
const ALERTS_MAX: usize = 1_000;

/// What a feed's polls left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedState {
    /// Which feed.
    pub feed: FeedId,
    /// What it calls itself.
    pub title: Option<String>,
    /// Where it has moved to for good.
    pub moved_to: Option<Moved>,
    /// To send next time.
    pub validators: Option<Validators>,
    /// When it first answered well. `None`: the next poll is its first, and its backlog is held.
    pub first_document: Option<DateTime<Utc>>,
    /// When it was last polled.
    pub last_poll: DateTime<Utc>,
    /// When that last went well.
    pub last_success: Option<DateTime<Utc>>,
    /// `new`, `unchanged`, `not_modified`, `error`, `gone`.
    pub outcome: String,
    /// Class and message of the last poll's failure.
    pub error: Option<(String, String)>,
    /// Failures in a row.
    pub failures: u32,
    /// When it is polled next.
    pub next_poll: DateTime<Utc>,
    /// Why then.
    pub next_reason: String,
    /// What was odd about its last document.
    pub notes: Vec<String>,
    /// Whether its ids were found to change with each fetch: addresses and words count instead.
    pub ids_change: bool,
    /// Where the config said that it is, at its last poll; `None` in stores of earlier versions.
    pub source: Option<SourceKey>,
    /// What it says of its rhythm.
    pub rhythm: Rhythm,
    /// How often it brings something.
    pub pace: Pace,
    /// How many arrivals its last document held.
    pub window: Option<u32>,
    /// When a document last shared no entry with the one before.
    pub gap: Option<DateTime<Utc>>,
    /// When it last had something new.
    pub last_new: Option<DateTime<Utc>>,
    /// Whether that is longer ago than is usual of it.
    pub is_silent: bool,
}

impl FeedState {
    /// Whether the server said that it is gone for good, from where the config still says that it is.
    pub fn is_gone(&self, source: &FeedSource) -> bool {
        self.outcome == "gone" && self.is_of(source)
    }

    /// Whether the server asked for the wait before its next poll, which a restart or another feed must not shorten.
    pub fn is_promised(&self) -> bool {
        let promises = [PollReason::RetryAfter, PollReason::Fresh, PollReason::HostSlow];
        promises.iter().any(|reason| reason.to_string() == self.next_reason)
    }

    /// Whether the state was left by polls of `source`, and not of another URL that the config has named since.
    pub fn is_of(&self, source: &FeedSource) -> bool {
        self.source.is_none_or(|known| known == SourceKey::of(source))
    }
}

/// How busy a feed is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeedActivity {
    /// Over the last week, or since the feed's first article if that is later.
    pub articles_a_day: f64,
    /// Of those articles.
    pub words_median: u32,
}

/// Which alerts, newest first.
#[derive(Debug, Clone, Default)]
pub struct AlertFilter {
    /// Made then or later.
    pub since: Option<DateTime<Utc>>,
    /// Of this watch.
    pub watch: Option<WatchId>,
    /// Older than the alert with this cursor.
    pub before: Option<i64>,
    /// Without those that were not sent.
    pub sent_only: bool,
    /// At most so many, and never more than a thousand.
    pub limit: usize,
}

/// An alert as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAlert {
    /// Its place in the order of making; give the last one's as `before` to go on.
    pub cursor: i64,
    /// Its id.
    pub id: AlertId,
    /// Whose it is.
    pub watch: WatchId,
    /// When it was made.
    pub made: DateTime<Utc>,
    /// Why it was not sent, as `alert::HeldReason` writes it.
    pub held: Option<String>,
    /// The frozen bytes.
    pub body: String,
}

impl Store {
    /// Every feed that was ever polled.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn feed_states(&self) -> Result<Vec<FeedState>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM feed ORDER BY id")?;
            let states = statement.query_map([], feed_state)?;
            states.collect()
        })
        .await
    }

    /// One feed's state; `None` where it was never polled.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn feed_state(&self, feed: &FeedId) -> Result<Option<FeedState>, StoreError> {
        let feed = feed.clone();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM feed WHERE id = ?1")?;
            statement.query_row([feed.as_str()], feed_state).optional()
        })
        .await
    }

    /// Every entry that the feed is known to have had, and the fingerprint of what it said: a poll has to clean and
    /// match only the others.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn known_entries(&self, feed: &FeedId) -> Result<HashMap<EntryKey, u64>, StoreError> {
        let feed = feed.clone();
        self.read(move |connection| {
            let sql = "SELECT hash, fingerprint FROM entry WHERE feed = (SELECT feed FROM feed WHERE id = ?1)";
            let mut statement = connection.prepare_cached(sql)?;
            let entries = statement
                .query_map([feed.as_str()], |row| Ok((EntryKey(row.get(0)?), row.get::<_, i64>(1)?.cast_unsigned())))?;
            entries.collect()
        })
        .await
    }

    /// How busy each feed has been in the week before `now`; feeds without an article in it are left out.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn feed_activity(&self, now: DateTime<Utc>) -> Result<BTreeMap<FeedId, FeedActivity>, StoreError> {
        self.read(move |connection| feed_activity(connection, now)).await
    }

    /// Alerts, newest first, held ones among them unless the filter says otherwise.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn alerts(&self, filter: AlertFilter) -> Result<Vec<StoredAlert>, StoreError> {
        self.read(move |connection| {
            let mut found = Vec::new();
            let columns = "alert, id, watch, made, held, body";
            alerts(connection, columns, &filter, filter.limit.min(ALERTS_MAX), |row| {
                found.push(stored_alert(row)?);
                Ok(())
            })?;
            Ok(found)
        })
        .await
    }

    /// How many alerts there are beside those, counted up to `max`; the filter's own limit plays no part.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn count_alerts(&self, filter: AlertFilter, max: usize) -> Result<usize, StoreError> {
        self.read(move |connection| {
            let mut found = 0;
            alerts(connection, "1", &filter, max, |_| {
                found += 1;
                Ok(())
            })?;
            Ok(found)
        })
        .await
    }
}

fn feed_state(row: &Row<'_>) -> rusqlite::Result<FeedState> {
    let url: Option<String> = row.get("validator_url")?;
    let validators = match url {
        Some(url) => Some(Validators {
            url,
            etag: row.get("etag")?,
            last_modified: row.get("last_modified")?,
            body_hash: row.get("body_hash")?,
        }),
        None => None,
    };
    let (moved_from, moved_to) =
        (row.get::<_, Option<[u8; 16]>>("moved_from")?, row.get::<_, Option<String>>("moved_to")?);
    let class: Option<String> = row.get("error_class")?;
    let notes: Option<String> = row.get("notes")?;
    let health = super::health::health(row)?;
    Ok(FeedState {
        feed: parsed(row, "id")?,
        title: row.get("title")?,
        moved_to: moved_from.zip(moved_to).map(|(from, to)| Moved { from, to }),
        validators,
        first_document: time_or_none(row, "first_document")?,
        last_poll: time(row, "last_poll")?,
        last_success: time_or_none(row, "last_success")?,
        outcome: row.get("outcome")?,
        error: class.zip(row.get("error_message")?),
        failures: row.get("failures")?,
        next_poll: time(row, "next_poll")?,
        next_reason: row.get("next_reason")?,
        notes: notes.iter().flat_map(|notes| notes.lines()).map(str::to_owned).collect(),
        ids_change: row.get("ids_change")?,
        source: row.get::<_, Option<[u8; 16]>>("source")?.map(SourceKey),
        rhythm: Rhythm {
            every: row.get::<_, Option<u32>>("every")?.map(|seconds| std::time::Duration::from_secs(seconds.into())),
            skip_hours: row.get("skip_hours")?,
            skip_days: row.get("skip_days")?,
        },
        pace: Pace {
            usual: Rate { arrivals: row.get("usual_arrivals")?, hours: row.get("usual_hours")? },
            recent: Rate { arrivals: row.get("recent_arrivals")?, hours: row.get("recent_hours")? },
        },
        window: row.get("arrivals")?,
        gap: time_or_none(row, "gap")?,
        last_new: health.last_new,
        is_silent: health.is_silent(),
    })
}

fn feed_activity(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<BTreeMap<FeedId, FeedActivity>> {
    let sql = "SELECT f.id, e.dated, e.words FROM entry e JOIN feed f USING (feed)
         WHERE e.dated > ?1 AND e.dated <= ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![millis(now - Duration::days(ACTIVITY_DAYS)), millis(now)])?;
    let mut by_feed: BTreeMap<FeedId, (DateTime<Utc>, Vec<u32>)> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let dated = time(row, "dated")?;
        let (oldest, words) = by_feed.entry(parsed(row, "id")?).or_insert_with(|| (dated, Vec::new()));
        *oldest = dated.min(*oldest);
        words.push(row.get("words")?);
    }
    let activity = |(oldest, mut words): (DateTime<Utc>, Vec<u32>)| {
        words.sort_unstable();
        // Five articles in a feed's first hour are not yet 120 a day.
        let days = ((now - oldest).num_minutes() as f64 / 1_440.0).max(1.0);
        FeedActivity { articles_a_day: words.len() as f64 / days, words_median: words[words.len() / 2] }
    };
    Ok(by_feed.into_iter().map(|(feed, entries)| (feed, activity(entries))).collect())
}

fn alerts(
    connection: &Connection,
    columns: &str,
    filter: &AlertFilter,
    limit: usize,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    // Two statements, so that each walks the index that fits it from its new end; alerts are numbered as they are made,
    // so the walk ends soon after `since`.
    let whose = if filter.watch.is_some() { "watch = ?1" } else { "?1 IS NULL" };
    let sql = format!(
        "SELECT {columns} FROM alert
         WHERE {whose} AND alert < ?2 AND made >= ?3
             AND alert > coalesce((SELECT alert FROM alert WHERE made < ?4 ORDER BY made DESC LIMIT 1), 0)
             AND (NOT ?6 OR held IS NULL)
         ORDER BY alert DESC LIMIT ?5"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![
        filter.watch.as_ref().map(WatchId::as_str),
        filter.before.unwrap_or(i64::MAX),
        filter.since.map_or(i64::MIN, millis),
        filter.since.and_then(|since| since.checked_sub_signed(DISORDER_MAX)).map_or(i64::MIN, millis),
        count(limit),
        filter.sent_only,
    ])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

fn stored_alert(row: &Row<'_>) -> rusqlite::Result<StoredAlert> {
    Ok(StoredAlert {
        cursor: row.get("alert")?,
        id: AlertId::from_stored(row.get("id")?),
        watch: parsed(row, "watch")?,
        made: time(row, "made")?,
        held: row.get("held")?,
        body: row.get("body")?,
    })
}

/// Makes due the polls that are further away than any can be.
pub(super) fn bring_near(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<()> {
    let sql = "UPDATE feed SET next_poll = ?1 WHERE next_poll > ?2 AND outcome <> 'gone'";
    connection.execute(sql, params![millis(now), millis(now + POLL_WAIT_MAX)]).map(|_| ())
}

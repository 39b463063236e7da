//! What people ask of the outbox by command: lists of it, another try, an end.
//!
//! Works beside a running daemon, in short transactions, each of which counts `outbox_asked` up: the daemon notices.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::{
    DeliveryId, Store, StoreError, batch, sink,
    sqlite::rows::{count, millis, parsed, time, time_or_none},
};
use crate::{alert::MessageId, config::SinkId};

/// Most rows in one answer.
const LIST_MAX: usize = 1_000;
/// Rows that change in one transaction, so that polls and deliveries hardly wait for it.
const CHUNK_ROWS: usize = 500;
/// Rows of one message: one for each sink.
const ROWS_OF_MESSAGE_MAX: usize = 1_000;

/// What has become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// It waits for its next attempt.
    Pending,
    /// It goes out within a batch.
    Batched,
    /// The sink has it.
    Delivered,
    /// Given up on, kept.
    Dead,
    /// A person said that it is not to be sent.
    Discarded,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Batched, Self::Delivered, Self::Dead, Self::Discarded];

    /// As in the store and in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Batched => "batched",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
        }
    }
}

/// A word that is no state.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no state of a delivery")]
pub struct UnknownState(String);

impl std::str::FromStr for DeliveryState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| UnknownState(text.to_owned()))
    }
}

/// Which rows, newest first.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// For this sink.
    pub sink: Option<SinkId>,
    /// In one of these states; empty is any.
    pub states: Vec<DeliveryState>,
    /// Of messages made then or later.
    pub since: Option<DateTime<Utc>>,
    /// Older than this row.
    pub before: Option<DeliveryId>,
    /// At most so many, and never more than a thousand.
    pub limit: usize,
}

/// A row of the outbox with all that is known of it but the frozen bytes, which may be many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDelivery {
    /// The row.
    pub id: DeliveryId,
    /// The `webhook-id`.
    pub message: MessageId,
    /// `alert`, `batch`, or the event's type.
    pub kind: String,
    /// Where to.
    pub sink: SinkId,
    /// What has become of it.
    pub state: DeliveryState,
    /// When the alert or event was made.
    pub made: DateTime<Utc>,
    /// When it is tried next, while it waits.
    pub due: DateTime<Utc>,
    /// Attempts so far.
    pub attempts: u32,
    /// The first of them …
    pub first_attempt: Option<DateTime<Utc>>,
    /// … and the last.
    pub last_attempt: Option<DateTime<Utc>>,
    /// HTTP status of the last answer.
    pub last_status: Option<u16>,
    /// The last failure in words.
    pub last_error: Option<String>,
    /// When it was delivered, given up or discarded.
    pub ended: Option<DateTime<Utc>>,
    /// The row of the batch that it goes out in.
    pub batch: Option<DeliveryId>,
    /// Of the alert's article.
    pub title: Option<String>,
}

/// Which rows a command is about.
#[derive(Debug, Clone)]
pub enum Chosen {
    /// These; of one that goes out in a batch, the whole batch.
    These(Vec<DeliveryId>),
    /// Dead letters.
    Dead {
        /// Of this sink alone.
        sink: Option<SinkId>,
        /// Given up on then or later.
        since: Option<DateTime<Utc>>,
    },
    /// All that wait for this sink.
    Pending(SinkId),
}

/// How much a command has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changed {
    /// Alerts and events, those that go out in batches one by one.
    pub deliveries: usize,
    /// Batches that some of them go out in.
    pub batches: usize,
}

const COLUMNS: &str = "o.delivery, o.sink, o.state, o.due, o.attempts, o.first_attempt, o.last_attempt, o.last_status,
     o.last_error, o.ended, o.batch, coalesce(e.type, 'alert') AS type, coalesce(a.id, e.id) AS id,
     coalesce(a.made, e.made) AS made,
     CASE WHEN json_valid(a.body) THEN a.body ->> '$.data.article.title' END AS title";
const TABLES: &str = "outbox o LEFT JOIN alert a ON a.alert = o.alert LEFT JOIN event e ON e.event = o.event";

impl Store {
    /// Rows of the outbox, newest first.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn deliveries(&self, filter: DeliveryFilter) -> Result<Vec<StoredDelivery>, StoreError> {
        self.read(move |connection| list(connection, &filter)).await
    }

    /// How many rows there are beside those, counted up to `max`; the filter's own limit plays no part.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn count_deliveries(&self, filter: DeliveryFilter, max: usize) -> Result<usize, StoreError> {
        self.read(move |connection| {
            let mut found = 0_u32;
            asked(connection, "1", &filter, max, |_| {
                found += 1;
                Ok(())
            })?;
            Ok(found as usize)
        })
        .await
    }

    /// The frozen bytes that a row brings; `None` where there is no such row.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn delivery_body(&self, id: DeliveryId) -> Result<Option<String>, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT coalesce(a.body, e.body) FROM {TABLES} WHERE o.delivery = ?1");
            connection.prepare_cached(&sql)?.query_row([id.0], |row| row.get(0)).optional()
        })
        .await
    }

    /// One row; `None` where there is none.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<StoredDelivery>, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE o.delivery = ?1");
            connection.prepare_cached(&sql)?.query_row([id.0], stored).optional()
        })
        .await
    }

    /// The rows of an alert or event, one for each sink.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn deliveries_of(&self, message: &MessageId) -> Result<Vec<StoredDelivery>, StoreError> {
        let message = message.clone();
        self.read(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM {TABLES} WHERE o.alert = (SELECT alert FROM alert WHERE id = ?1)
                     OR o.event = (SELECT event FROM event WHERE id = ?1) ORDER BY o.delivery LIMIT ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![message.as_str(), count(ROWS_OF_MESSAGE_MAX)], stored)?;
            rows.collect()
        })
        .await
    }

    /// The batch that is this row: its id, and how many alerts it has; `None` where the row is no batch.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn batch(&self, id: DeliveryId) -> Result<Option<(MessageId, usize)>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT e.id, (SELECT count(*) FROM outbox m WHERE m.batch = o.delivery)
                 FROM outbox o JOIN event e ON e.event = o.event WHERE o.delivery = ?1 AND e.type = 'batch'";
            let found = connection.prepare_cached(sql)?.query_row([id.0], |row| {
                let alerts: u32 = row.get(1)?;
                Ok((MessageId::from_stored(row.get(0)?), alerts as usize))
            });
            found.optional()
        })
        .await
    }

    /// Whether anything is kept about a sink: that the config has it no longer does not mean that it never was.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn knows_sink(&self, sink: &SinkId) -> Result<bool, StoreError> {
        let sink = sink.clone();
        self.read(move |connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM sink WHERE sink = ?1)
                 OR EXISTS (SELECT 1 FROM outbox WHERE sink = ?1 AND state = 'pending')
                 OR EXISTS (SELECT 1 FROM outbox WHERE sink = ?1 AND state = 'dead')";
            connection.prepare_cached(sql)?.query_row([sink.as_str()], |row| row.get(0))
        })
        .await
    }

    /// Has rows tried again now, with all their attempts before them. What was delivered stays so.
    ///
    /// # Errors
    /// Some of them may have been changed.
    pub async fn retry_deliveries(&self, chosen: Chosen, now: DateTime<Utc>) -> Result<Changed, StoreError> {
        let is_named = matches!(chosen, Chosen::These(_));
        self.change(chosen, move |connection, row| {
            let sql = "UPDATE outbox SET state = 'pending', due = ?2, attempts = 0, first_attempt = NULL, ended = NULL
                 WHERE delivery = ?1 AND state IN ('pending', 'dead', 'discarded')";
            let changed = connection.prepare_cached(sql)?.execute(params![row, millis(now)])? > 0;
            if changed {
                // Somebody wants to see it tried: a sink that is down is probed, with what they named, and one that asked
                // for a pause has had its rest.
                let sql = "UPDATE sink SET probe = CASE WHEN ?3 AND down IS NOT NULL THEN ?1 ELSE probe END,
                         probe_at = CASE WHEN down IS NOT NULL THEN ?2 ELSE probe_at END, hold_until = NULL,
                         version = version + 1
                     WHERE sink = (SELECT sink FROM outbox WHERE delivery = ?1)
                         AND ((down IS NOT NULL AND (?3 OR probe_at > ?2)) OR hold_until > ?2)";
                connection.prepare_cached(sql)?.execute(params![row, millis(now), is_named])?;
            }
            Ok(changed)
        })
        .await
    }

    /// Ends rows that wait or are dead letters: they are not sent, and the store says that a person wanted it so.
    ///
    /// # Errors
    /// Some of them may have been changed.
    pub async fn discard_deliveries(&self, chosen: Chosen, now: DateTime<Utc>) -> Result<Changed, StoreError> {
        self.change(chosen, move |connection, row| {
            let sql = "UPDATE outbox SET state = 'discarded', ended = ?2
                 WHERE delivery = ?1 AND state IN ('pending', 'dead')";
            Ok(connection.prepare_cached(sql)?.execute(params![row, millis(now)])? > 0)
        })
        .await
    }

    /// Changes rows, some at a time.
    async fn change(
        &self,
        chosen: Chosen,
        change: impl Fn(&Connection, i64) -> rusqlite::Result<bool> + Clone + Send + 'static,
    ) -> Result<Changed, StoreError> {
        let rows = self.read(move |connection| rows_of(connection, &chosen)).await?;
        let mut changed = Changed::default();
        for chunk in rows.chunks(CHUNK_ROWS) {
            let (chunk, change) = (chunk.to_vec(), change.clone());
            let some = self
                .write(move |connection, news| {
                    let mut changed = Changed::default();
                    for row in chunk {
                        if change(connection, row)? {
                            batch::end_members(connection, row)?;
                            let members = usize::try_from(connection.changes()).unwrap_or_default();
                            changed.deliveries += members.max(1);
                            changed.batches += usize::from(members > 0);
                        }
                    }
                    if changed.deliveries > 0 {
                        sink::ask(connection)?;
                        news.outbox = true;
                    }
                    Ok(changed)
                })
                .await?;
            changed.deliveries += some.deliveries;
            changed.batches += some.batches;
        }
        Ok(changed)
    }
}

fn list(connection: &Connection, filter: &DeliveryFilter) -> rusqlite::Result<Vec<StoredDelivery>> {
    let mut found = Vec::new();
    asked(connection, COLUMNS, filter, filter.limit.min(LIST_MAX), |row| {
        found.push(stored(row)?);
        Ok(())
    })?;
    Ok(found)
}

/// Goes through the rows that a filter lets through, newest first.
fn asked(
    connection: &Connection,
    columns: &str,
    filter: &DeliveryFilter,
    limit: usize,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut wanted = vec!["o.delivery < ?1".to_owned()];
    let before = filter.before.map_or(i64::MAX, |row| row.0);
    let limit = count(limit);
    let sink = filter.sink.as_ref().map(SinkId::as_str);
    let since = filter.since.map(millis);
    let mut values: Vec<&dyn ToSql> = vec![&before, &limit];
    if let Some(sink) = &sink {
        values.push(sink);
        wanted.push(format!("o.sink = ?{}", values.len()));
    }
    if let Some(since) = &since {
        values.push(since);
        wanted.push(format!("coalesce(a.made, e.made) >= ?{}", values.len()));
    }
    if !filter.states.is_empty() {
        // Our own words, and written out so that an index on one of them can serve.
        let states: Vec<String> = filter.states.iter().map(|state| format!("o.state = '{}'", state.as_str())).collect();
        wanted.push(format!("({})", states.join(" OR ")));
    }
    let sql =
        format!("SELECT {columns} FROM {TABLES} WHERE {} ORDER BY o.delivery DESC LIMIT ?2", wanted.join(" AND "));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(values.as_slice())?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredDelivery> {
    Ok(StoredDelivery {
        id: DeliveryId(row.get("delivery")?),
        message: MessageId::from_stored(row.get("id")?),
        kind: row.get("type")?,
        sink: parsed(row, "sink")?,
        state: parsed(row, "state")?,
        made: time(row, "made")?,
        due: time(row, "due")?,
        attempts: row.get("attempts")?,
        first_attempt: time_or_none(row, "first_attempt")?,
        last_attempt: time_or_none(row, "last_attempt")?,
        last_status: row.get("last_status")?,
        last_error: row.get("last_error")?,
        ended: time_or_none(row, "ended")?,
        batch: row.get::<_, Option<i64>>("batch")?.map(DeliveryId),
        title: row.get("title")?,
    })
}

fn rows_of(connection: &Connection, chosen: &Chosen) -> rusqlite::Result<Vec<i64>> {
    match chosen {
        Chosen::These(rows) => {
            let mut statement =
                connection.prepare_cached("SELECT coalesce(batch, delivery) FROM outbox WHERE delivery = ?1")?;
            let mut found = Vec::with_capacity(rows.len());
            for row in rows {
                found.extend(statement.query_row([row.0], |row| row.get::<_, i64>(0)).optional()?);
            }
            found.sort_unstable();
            found.dedup();
            Ok(found)
        }
        Chosen::Pending(sink) => {
            let sql = "SELECT delivery FROM outbox WHERE sink = ?1 AND state = 'pending' ORDER BY delivery";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([sink.as_str()], |row| row.get(0))?;
            rows.collect()
        }
        Chosen::Dead { sink, since } => {
            let sinks = match sink {
                Some(sink) => vec![sink.to_string()],
                None => {
                    let sql = "SELECT sink FROM outbox WHERE state = 'dead' GROUP BY sink";
                    let mut statement = connection.prepare_cached(sql)?;
                    let sinks = statement.query_map([], |row| row.get(0))?;
                    sinks.collect::<rusqlite::Result<Vec<String>>>()?
                }
            };
            // A member shares the end of its batch, which is the dead letter.
            let sql = "SELECT delivery FROM outbox WHERE sink = ?1 AND state = 'dead' AND batch IS NULL AND ended >= ?2
                 ORDER BY delivery";
            let mut statement = connection.prepare_cached(sql)?;
            let mut found = Vec::new();
            for sink in sinks {
                let rows = statement.query_map(params![sink, since.map_or(i64::MIN, millis)], |row| row.get(0))?;
                found.extend(rows.collect::<rusqlite::Result<Vec<i64>>>()?);
            }
            Ok(found)
        }
    }
}

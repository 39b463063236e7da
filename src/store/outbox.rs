//! The outbox: what is due at a sink, and what became of each attempt.
//!
//! A row leaves only as delivered or dead with its reason. Rows are served in the order in which they became due, so
//! one that fails waits for its retry and never holds later ones.

use std::collections::HashSet;

use chrono::{DateTime, Duration, TimeDelta, Utc};
use rusqlite::{Connection, Row, params};

use super::{
    NewEvent, SinkState, Store, StoreError, announce, batch, sink,
    sqlite::rows::{count, millis, parsed, time, time_or_none},
};
use crate::{alert::MessageId, config::SinkId};

/// No wait between attempts is longer than a day; a row due later than this met a clock that was set back.
const WAIT_MAX: Duration = Duration::hours(25);

/// Bodies that are taken at once, but for the last: batches of long alerts have megabytes each.
const BYTES_MAX: usize = 16 << 20;

/// What waits for no longer is left to its wait when a sink is back.
const SHORT_WAIT_MAX: Duration = Duration::minutes(5);

/// A row of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub(super) i64);

impl DeliveryId {
    /// As `deliveries list` shows it.
    pub fn number(self) -> i64 {
        self.0
    }

    /// Of a number that somebody typed; there may be no such row.
    pub fn from_number(number: i64) -> Self {
        Self(number)
    }
}

/// What a delivery brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// An alert.
    Alert,
    /// An event: a feed or a sink that fails, say.
    Event,
    /// So many alerts in one body.
    Batch(u32),
}

/// A message that a sink has not had yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The row.
    pub id: DeliveryId,
    /// The same on every attempt.
    pub message: MessageId,
    /// Alert or event.
    pub kind: MessageKind,
    /// The frozen bytes.
    pub body: String,
    /// When the alert or event was made.
    pub made: DateTime<Utc>,
    /// Attempts so far.
    pub attempts: u32,
    /// When the first of them was.
    pub first_attempt: Option<DateTime<Utc>>,
}

/// What a sink has to do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Due {
    /// Due now, first due first.
    pub deliveries: Vec<Delivery>,
    /// Whether more may be due, beyond the limit or beyond what is held in memory at once.
    pub has_more: bool,
    /// When the next one after them is due: the time to ask again, unless a commit comes first.
    pub next: Option<DateTime<Utc>>,
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Of which row.
    pub delivery: DeliveryId,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// How it ended.
    pub ended: AttemptEnd,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptEnd {
    /// The sink has it.
    Delivered,
    /// It is tried again then.
    Failed {
        /// What went wrong.
        error: String,
        /// When it is tried next.
        retry: DateTime<Utc>,
    },
    /// It tried whether a sink that is down is back, between the attempts of the row that probes: its own attempts and its
    /// time are as before.
    Looked {
        /// What went wrong.
        error: String,
    },
    /// It is not tried again: a dead letter.
    Dead {
        /// Why.
        reason: String,
    },
}

impl Attempt {
    /// The clock that told its times was set back.
    pub fn set_back(&mut self, by: TimeDelta) {
        self.at -= by;
        if let AttemptEnd::Failed { retry, .. } = &mut self.ended {
            *retry -= by;
        }
    }
}

impl AttemptEnd {
    /// When it is tried again, if it is.
    pub fn retry(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Failed { retry, .. } => Some(*retry),
            Self::Delivered | Self::Looked { .. } | Self::Dead { .. } => None,
        }
    }
}

/// What a worker learned since it last told the store.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    /// What became of attempts.
    pub attempts: Vec<Attempt>,
    /// How the sink does now, where that changed.
    pub state: Option<SinkState>,
    /// What the other sinks shall hear.
    pub events: Vec<NewEvent>,
    /// The sink takes deliveries again, after failing for long: what waits for more than some minutes is due then.
    pub hasten: Option<DateTime<Utc>>,
}

/// Which rows of a sink are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All that are due.
    All,
    /// Events and batches: where alerts go out in batches only.
    Whole,
    /// This row, if it waits and is due.
    One(DeliveryId),
}

/// How much waits for a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// As in the store: perhaps no longer in the config.
    pub sink: SinkId,
    /// Alerts and events that wait, those in batches one by one.
    pub pending: i64,
    /// When the oldest one's alert or event was made.
    pub oldest: Option<DateTime<Utc>>,
    /// Dead letters, counted likewise.
    pub dead: i64,
}

impl Store {
    /// What is due at `sink`, at most `limit` of it, leaving out what is in flight.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn due(
        &self,
        sink: &SinkId,
        now: DateTime<Utc>,
        limit: usize,
        in_flight: &HashSet<DeliveryId>,
    ) -> Result<Due, StoreError> {
        self.due_of(sink, Which::All, now, limit, in_flight).await
    }

    /// The same, of some rows.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn due_of(
        &self,
        sink: &SinkId,
        which: Which,
        now: DateTime<Utc>,
        limit: usize,
        in_flight: &HashSet<DeliveryId>,
    ) -> Result<Due, StoreError> {
        let (sink, in_flight) = (sink.clone(), in_flight.clone());
        self.read(move |connection| due(connection, &sink, which, now, limit, &in_flight)).await
    }

    /// Keeps what a worker learned, all of it in one transaction; `false` where a command has asked something of the sink
    /// since, so that its state and the events about it are not kept.
    ///
    /// # Errors
    /// Nothing of it is kept: what was delivered will be sent again, with the same id.
    pub async fn settle(&self, sink: &SinkId, settled: Settled) -> Result<bool, StoreError> {
        let sink = sink.clone();
        self.write(move |connection, news| {
            settled.attempts.iter().try_for_each(|attempt| record(connection, attempt))?;
            let is_kept = match &settled.state {
                Some(state) => sink::save(connection, &sink, state)?,
                None => true,
            };
            if is_kept {
                announce::store_events(connection, &settled.events, news)?;
                if let Some(now) = settled.hasten {
                    sink::hasten(connection, &sink, now, SHORT_WAIT_MAX)?;
                }
            }
            Ok(is_kept)
        })
        .await
    }

    /// Takes a sink's times back `by` so much, because the clock was, to `now`. What was due is due.
    ///
    /// # Errors
    /// They stay as they are.
    pub async fn set_back(&self, sink: &SinkId, now: DateTime<Utc>, by: TimeDelta) -> Result<(), StoreError> {
        let sink = sink.clone();
        self.write(move |connection, _| {
            // Those that were due already keep their order: they are due at once, oldest row first.
            let sql = "UPDATE outbox SET due = max(?2, due - ?3) WHERE sink = ?1 AND state = 'pending' AND due > ?2";
            connection.execute(sql, params![sink.as_str(), millis(now), by.num_milliseconds()])?;
            sink::set_back(connection, &sink, by)
        })
        .await
    }

    /// Keeps what became of attempts, all of them in one transaction.
    ///
    /// # Errors
    /// Nothing of it is kept: what was delivered will be sent again, with the same id.
    pub async fn record(&self, attempts: Vec<Attempt>) -> Result<(), StoreError> {
        self.write(move |connection, _| attempts.iter().try_for_each(|attempt| record(connection, attempt))).await
    }

    /// How much waits, for every sink that the outbox knows.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn backlogs(&self) -> Result<Vec<Backlog>, StoreError> {
        self.read(backlogs).await
    }
}

fn due(
    connection: &Connection,
    sink: &SinkId,
    which: Which,
    now: DateTime<Utc>,
    limit: usize,
    in_flight: &HashSet<DeliveryId>,
) -> rusqlite::Result<Due> {
    // A statement each, so that each walks the index that fits it.
    let (filter, row) = match which {
        Which::All => ("?4 IS NULL", None),
        Which::Whole => ("?4 IS NULL AND o.event IS NOT NULL", None),
        Which::One(row) => ("o.delivery = ?4", Some(row.0)),
    };
    let sql = format!(
        "SELECT o.delivery, o.attempts, o.first_attempt, e.type,
             coalesce(a.id, e.id) AS id, coalesce(a.made, e.made) AS made, coalesce(a.body, e.body) AS body,
             CASE e.type WHEN 'batch' THEN (SELECT count(*) FROM outbox m WHERE m.batch = o.delivery) END AS members
         FROM outbox o LEFT JOIN alert a ON a.alert = o.alert LEFT JOIN event e ON e.event = o.event
         WHERE o.sink = ?1 AND o.state = 'pending' AND o.due <= ?2 AND {filter} ORDER BY o.due, o.delivery LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    // What is in flight is still due as far as the table knows, and comes first.
    let mut rows = statement.query(params![sink.as_str(), millis(now), count(limit + in_flight.len()), row])?;
    let mut deliveries = Vec::new();
    let (mut bytes, mut has_more) = (0, false);
    while let Some(row) = rows.next()? {
        if in_flight.contains(&DeliveryId(row.get("delivery")?)) {
            continue;
        }
        if bytes >= BYTES_MAX || deliveries.len() == limit {
            has_more = true;
            break;
        }
        let delivery = delivery(row)?;
        bytes += delivery.body.len();
        deliveries.push(delivery);
    }
    has_more |= deliveries.len() == limit;
    let sql = "SELECT min(due) AS due FROM outbox WHERE sink = ?1 AND state = 'pending' AND due > ?2";
    let next = connection
        .prepare_cached(sql)?
        .query_row(params![sink.as_str(), millis(now)], |row| time_or_none(row, "due"))?;
    Ok(Due { deliveries, has_more, next })
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: DeliveryId(row.get("delivery")?),
        message: MessageId::from_stored(row.get("id")?),
        kind: match (row.get::<_, Option<u32>>("members")?, row.get::<_, Option<String>>("type")?) {
            (Some(alerts), _) => MessageKind::Batch(alerts),
            (None, Some(_)) => MessageKind::Event,
            (None, None) => MessageKind::Alert,
        },
        body: row.get("body")?,
        made: time(row, "made")?,
        attempts: row.get("attempts")?,
        first_attempt: time_or_none(row, "first_attempt")?,
    })
}

fn record(connection: &Connection, attempt: &Attempt) -> rusqlite::Result<()> {
    let at = millis(attempt.at);
    let (state, due, error) = match &attempt.ended {
        AttemptEnd::Delivered => ("delivered", None, None),
        AttemptEnd::Failed { error, retry } => ("pending", Some(millis(*retry)), Some(error)),
        AttemptEnd::Looked { error } => ("pending", None, Some(error)),
        AttemptEnd::Dead { reason } => ("dead", None, Some(reason)),
    };
    let counted = i64::from(!matches!(attempt.ended, AttemptEnd::Looked { .. }));
    let ended = (state != "pending").then_some(at);
    // Only a row that waits can end: what a person discarded meanwhile stays as they left it.
    let sql = "UPDATE outbox SET state = ?2, due = coalesce(?3, due), attempts = attempts + ?8,
             first_attempt = coalesce(first_attempt, ?4), last_attempt = ?4, last_status = ?5, last_error = ?6,
             ended = ?7
         WHERE delivery = ?1 AND state = 'pending'";
    connection.prepare_cached(sql)?.execute(params![
        attempt.delivery.0,
        state,
        due,
        at,
        attempt.status,
        error,
        ended,
        counted
    ])?;
    if ended.is_some() { batch::end_members(connection, attempt.delivery.0) } else { Ok(()) }
}

fn backlogs(connection: &Connection) -> rusqlite::Result<Vec<Backlog>> {
    // Each count walks an index. What waits in a batch stands for its row; of a dead one, the members are dead themselves.
    let sql = "SELECT sink, sum(pending) AS pending, sum(dead) AS dead,
             (SELECT coalesce(a.made, e.made) FROM outbox o LEFT JOIN alert a USING (alert) LEFT JOIN event e USING (event)
              WHERE o.sink = counted.sink AND o.state = 'pending' ORDER BY o.delivery LIMIT 1) AS oldest
         FROM (SELECT sink, count(*) AS pending, 0 AS dead FROM outbox WHERE state = 'pending' GROUP BY sink
               UNION ALL
               SELECT o.sink, (SELECT count(*) FROM outbox m WHERE m.batch = o.delivery) - 1, 0
               FROM outbox o INDEXED BY outbox_due_event JOIN event e ON e.event = o.event
               WHERE o.state = 'pending' AND o.event IS NOT NULL AND e.type = 'batch'
               UNION ALL
               SELECT o.sink, 0, count(*) - count(e.event)
               FROM outbox o LEFT JOIN event e ON e.event = o.event AND e.type = 'batch'
               WHERE o.state = 'dead' GROUP BY o.sink) AS counted
         GROUP BY sink ORDER BY sink";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(Backlog {
            sink: parsed(row, "sink")?,
            pending: row.get("pending")?,
            oldest: time_or_none(row, "oldest")?,
            dead: row.get("dead")?,
        })
    })?;
    rows.collect()
}

/// Makes due what waits for longer than anything can.
pub(super) fn bring_near(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<()> {
    // Each sink by itself, along its index: a million rows that are due are not looked at.
    let sql = "WITH RECURSIVE waiting(sink) AS (
             SELECT min(sink) FROM outbox WHERE state = 'pending'
             UNION ALL SELECT (SELECT min(o.sink) FROM outbox o WHERE o.state = 'pending' AND o.sink > waiting.sink)
             FROM waiting WHERE sink IS NOT NULL)
         UPDATE outbox SET due = ?1 WHERE state = 'pending' AND due > ?2 AND sink IN (SELECT sink FROM waiting)";
    connection.execute(sql, params![millis(now), millis(now + WAIT_MAX)]).map(|_| ())
}

//! Batches: alerts that go out together, as an outbox row of their own.
//!
//! A batch is stored before its first attempt, in one transaction with the rows that it takes in, so that a crash at any
//! moment leaves either the rows or the batch, and every attempt sends the same bytes under the same id. Its members wait
//! as `batched`, point to it, and end as it ends.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::{
    Store, StoreError,
    sqlite::rows::{count, millis, time},
};
use crate::{
    alert::{EventId, event::batch_json},
    config::SinkId,
};

/// What came of asking for a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batched {
    /// One was made and waits to be sent.
    Made,
    /// There is not enough yet; what there is goes out at this time.
    Until(DateTime<Utc>),
    /// No alert waits.
    Empty,
}

impl Store {
    /// Takes the oldest alerts that are due at `sink` into a batch of up to `max`: once there are so many, or the oldest
    /// has waited for `wait`.
    ///
    /// # Errors
    /// No batch is made.
    pub async fn make_batch(
        &self,
        sink: &SinkId,
        now: DateTime<Utc>,
        max: usize,
        wait: Duration,
    ) -> Result<Batched, StoreError> {
        let sink = sink.clone();
        // Asked on a reader first: where nothing is to be made, no transaction is.
        let (first, ready) = self
            .read({
                let sink = sink.clone();
                move |connection| {
                    let rows = members(connection, &sink, now, max)?;
                    Ok((rows.first().map(|member| member.due), rows.len() >= max))
                }
            })
            .await?;
        let Some(first) = first else { return Ok(Batched::Empty) };
        let until = chrono::Duration::from_std(wait).ok().and_then(|wait| first.checked_add_signed(wait));
        let until = until.unwrap_or(DateTime::<Utc>::MAX_UTC);
        if !ready && until > now {
            return Ok(Batched::Until(until));
        }
        self.write(move |connection, _| make(connection, &sink, now, max)).await
    }
}

struct Member {
    delivery: i64,
    due: DateTime<Utc>,
    id: String,
    body: String,
}

/// A batch is no longer, unless one alert is: receivers bound what they take, often to a megabyte.
const BYTES_MAX: usize = 512 << 10;

fn members(connection: &Connection, sink: &SinkId, now: DateTime<Utc>, max: usize) -> rusqlite::Result<Vec<Member>> {
    let sql = "SELECT o.delivery, o.due, a.id, a.body FROM outbox o JOIN alert a ON a.alert = o.alert
         WHERE o.sink = ?1 AND o.state = 'pending' AND o.due <= ?2 ORDER BY o.due, o.delivery LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![sink.as_str(), millis(now), count(max)])?;
    let (mut members, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let member = Member {
            delivery: row.get("delivery")?,
            due: time(row, "due")?,
            id: row.get("id")?,
            body: row.get("body")?,
        };
        bytes += member.body.len();
        if bytes > BYTES_MAX && !members.is_empty() {
            break;
        }
        members.push(member);
    }
    Ok(members)
}

fn make(connection: &Connection, sink: &SinkId, now: DateTime<Utc>, max: usize) -> rusqlite::Result<Batched> {
    let members = members(connection, sink, now, max)?;
    let Some(first) = members.first() else { return Ok(Batched::Empty) };
    // A member that was replayed may stand in a second batch, which is another one: so the time is part of the name.
    let mut names: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
    let made = millis(now).to_string();
    names.push(&made);
    let id = EventId::of_batch(sink.as_str(), &names);
    let body = batch_json(&id, now, members.iter().map(|member| member.body.as_str()));
    connection
        .prepare_cached("INSERT INTO event (id, type, made, body) VALUES (?1, 'batch', ?2, ?3)")?
        .execute(params![id.as_str(), millis(now), body])?;
    // Due when its oldest member was, so that batches keep their place among the others.
    connection
        .prepare_cached("INSERT INTO outbox (event, sink, due) VALUES (last_insert_rowid(), ?1, ?2)")?
        .execute(params![sink.as_str(), millis(first.due)])?;
    let batch = connection.last_insert_rowid();
    let mut statement =
        connection.prepare_cached("UPDATE outbox SET state = 'batched', batch = ?2 WHERE delivery = ?1")?;
    for member in &members {
        statement.execute(params![member.delivery, batch])?;
    }
    Ok(Batched::Made)
}

/// A batch has ended, or waits again: so do its members.
pub(super) fn end_members(connection: &Connection, batch: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE outbox SET (state, ended, attempts, first_attempt, last_attempt, last_status, last_error) =
             (SELECT CASE b.state WHEN 'pending' THEN 'batched' ELSE b.state END, b.ended, b.attempts, b.first_attempt,
                 b.last_attempt, b.last_status, b.last_error
              FROM outbox b WHERE b.delivery = ?1)
         WHERE batch = ?1";
    connection.prepare_cached(sql)?.execute([batch]).map(|_| ())
}

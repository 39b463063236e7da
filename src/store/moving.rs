//! Deliveries that are to go to another sink: theirs was renamed, taken out of the config, or will not come back.
//!
//! A row that moves ends where it was as discarded, with the reason, and begins anew at the other sink. So an attempt that is
//! under way at the old one changes nothing at the new one. A batch is dissolved: what the other sink takes together is its
//! own affair.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::{
    Store, StoreError, sink,
    sqlite::rows::{count, millis},
};
use crate::config::SinkId;

/// Rows that move in one transaction, so that polls and deliveries hardly wait for it; and the rest of a batch.
const MOVED_AT_ONCE: usize = 500;
/// What the reason of a row that has moved begins with: it may move back.
const MOVED: &str = "moved to ";

/// What has moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MovedDeliveries {
    /// They wait for the other sink now.
    pub pending: usize,
    /// They are dead letters of the other sink now.
    pub dead: usize,
    /// The other sink had these already.
    pub had: usize,
}

struct Row {
    delivery: i64,
    is_dead: bool,
    is_batch: bool,
}

impl Store {
    /// Moves what waits for a sink, and its dead letters, to another one. What that one has of it already stays there as it
    /// is.
    ///
    /// # Errors
    /// Some of them may have moved.
    pub async fn move_deliveries(
        &self,
        from: &SinkId,
        to: &SinkId,
        now: DateTime<Utc>,
    ) -> Result<MovedDeliveries, StoreError> {
        let mut moved = MovedDeliveries::default();
        loop {
            let (from, to) = (from.clone(), to.clone());
            let some = self
                .write(move |connection, news| {
                    let some = move_some(connection, &from, &to, now)?;
                    if some.is_some() {
                        sink::ask(connection)?;
                        news.outbox = true;
                    }
                    Ok(some)
                })
                .await?;
            let Some(some) = some else { return Ok(moved) };
            moved.pending += some.pending;
            moved.dead += some.dead;
            moved.had += some.had;
        }
    }
}

/// `None` where nothing is left.
fn move_some(
    connection: &Connection,
    from: &SinkId,
    to: &SinkId,
    now: DateTime<Utc>,
) -> rusqlite::Result<Option<MovedDeliveries>> {
    let mut rows = rows(connection, from, "pending")?;
    rows.extend(self::rows(connection, from, "dead")?);
    let mut moved = MovedDeliveries::default();
    for row in &rows {
        if row.is_batch {
            let sql = "SELECT delivery FROM outbox WHERE batch = ?1 ORDER BY delivery";
            let mut statement = connection.prepare_cached(sql)?;
            let members = statement.query_map([row.delivery], |row| row.get(0))?;
            for member in members.collect::<rusqlite::Result<Vec<i64>>>()? {
                move_one(connection, member, row.is_dead, to, now, &mut moved)?;
            }
            end(connection, row.delivery, &format!("{MOVED}`{to}`, each alert by itself"), now)?;
        } else {
            move_one(connection, row.delivery, row.is_dead, to, now, &mut moved)?;
        }
        if moved.pending + moved.dead + moved.had >= MOVED_AT_ONCE {
            break;
        }
    }
    Ok((!rows.is_empty()).then_some(moved))
}

fn rows(connection: &Connection, sink: &SinkId, state: &str) -> rusqlite::Result<Vec<Row>> {
    // Written out, so that the index of the state serves.
    let sql = format!(
        "SELECT o.delivery, o.state = 'dead' AS is_dead, e.type IS 'batch' AS is_batch
         FROM outbox o LEFT JOIN event e ON e.event = o.event
         WHERE o.sink = ?1 AND o.state = '{state}' AND (o.state = 'pending' OR o.batch IS NULL)
         ORDER BY o.delivery LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![sink.as_str(), count(MOVED_AT_ONCE)], |row| {
        Ok(Row { delivery: row.get("delivery")?, is_dead: row.get("is_dead")?, is_batch: row.get("is_batch")? })
    })?;
    rows.collect()
}

fn move_one(
    connection: &Connection,
    delivery: i64,
    is_dead: bool,
    to: &SinkId,
    now: DateTime<Utc>,
    moved: &mut MovedDeliveries,
) -> rusqlite::Result<()> {
    // What waits has all its attempts before it and keeps its place; a dead letter stays one, and what was said of it. A row
    // that had moved away from there comes back.
    let sql = "INSERT INTO outbox (alert, event, sink, state, due, attempts, first_attempt, last_attempt, last_status,
             last_error, ended)
         SELECT alert, event, ?2, iif(?3, 'dead', 'pending'), min(due, ?4), iif(?3, attempts, 0),
             iif(?3, first_attempt, NULL), iif(?3, last_attempt, NULL), iif(?3, last_status, NULL),
             iif(?3, last_error, NULL), iif(?3, ended, NULL)
         FROM outbox WHERE delivery = ?1
         ON CONFLICT DO UPDATE SET state = excluded.state, due = excluded.due, attempts = excluded.attempts,
             first_attempt = excluded.first_attempt, last_attempt = excluded.last_attempt,
             last_status = excluded.last_status, last_error = excluded.last_error, ended = excluded.ended, batch = NULL
         WHERE outbox.state = 'discarded' AND outbox.last_error LIKE ?5";
    let values = params![delivery, to.as_str(), is_dead, millis(now), format!("{MOVED}%")];
    let has_moved = connection.prepare_cached(sql)?.execute(values)? > 0;
    match (has_moved, is_dead) {
        (false, _) => moved.had += 1,
        (true, true) => moved.dead += 1,
        (true, false) => moved.pending += 1,
    }
    let reason = if has_moved { format!("{MOVED}`{to}`") } else { format!("{MOVED}`{to}`, which has it already") };
    end(connection, delivery, &reason, now)
}

fn end(connection: &Connection, delivery: i64, reason: &str, now: DateTime<Utc>) -> rusqlite::Result<()> {
    let sql = "UPDATE outbox SET state = 'discarded', ended = ?2, last_error = ?3 WHERE delivery = ?1";
    connection.prepare_cached(sql)?.execute(params![delivery, millis(now), reason]).map(|_| ())
}

//! Events into the outbox, as alerts come: a frozen body and a row for each sink, in one transaction.

use rusqlite::{Connection, OptionalExtension, params};

use super::{NewEvent, Store, StoreError, sqlite::rows::millis, writer::News};

impl Store {
    /// Makes events known to their sinks; gives how many were new. One that is there already changes nothing.
    ///
    /// # Errors
    /// None of them is stored.
    pub async fn announce(&self, events: Vec<NewEvent>) -> Result<usize, StoreError> {
        self.write(move |connection, news| store_events(connection, &events, news)).await
    }
}

/// The same within another's transaction.
pub(super) fn store_events(connection: &Connection, events: &[NewEvent], news: &mut News) -> rusqlite::Result<usize> {
    let mut new = 0;
    for NewEvent { event, sinks } in events {
        let sql = "INSERT INTO event (id, type, made, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO NOTHING RETURNING event";
        let at = millis(event.at);
        let values = params![event.id.as_str(), event.kind.as_str(), at, event.to_json()];
        let row: Option<i64> = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?;
        let Some(row) = row else { continue };
        new += 1;
        let mut statement = connection.prepare_cached("INSERT INTO outbox (event, sink, due) VALUES (?1, ?2, ?3)")?;
        for sink in sinks {
            statement.execute(params![row, sink.as_str(), at])?;
            news.outbox = true;
        }
    }
    Ok(new)
}

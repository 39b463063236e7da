//! Forgetting: article texts after `retain`, ids that have left their feed, deliveries that ended well.
//!
//! Alerts are kept, and so are the ids of entries that still stand in a feed, however old: forgotten ones would be new
//! again at the next poll.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::{
    EntryKey, Store, StoreError,
    commit::SEEN_STEP,
    sqlite::rows::{count, millis},
};

/// Rows in one transaction: few enough that polls hardly wait.
const CHUNK_ROWS: usize = 500;

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Texts of articles.
    pub articles: usize,
    /// Ids that are no longer in their feed.
    pub entries: usize,
    /// Deliveries that had ended well, and those that somebody discarded.
    pub deliveries: usize,
    /// Events that no delivery waits for any more.
    pub events: usize,
}

impl Store {
    /// Forgets what is older than `before`, in short transactions.
    ///
    /// # Errors
    /// What was forgotten up to then stays so; ask again later.
    pub async fn forget(&self, before: DateTime<Utc>) -> Result<Forgotten, StoreError> {
        let before = millis(before);
        let mut forgotten = Forgotten::default();
        loop {
            let articles = self.write(move |connection, _| forget_articles(connection, before)).await?;
            forgotten.articles += articles;
            if articles < CHUNK_ROWS {
                break;
            }
        }
        for feed in self.read(move |connection| feeds_with_old_entries(connection, before)).await? {
            forgotten.entries += self.write(move |connection, _| forget_entries(connection, feed, before)).await?;
        }
        loop {
            let deliveries = self.write(move |connection, _| forget_deliveries(connection, before)).await?;
            forgotten.deliveries += deliveries;
            if deliveries < CHUNK_ROWS {
                break;
            }
        }
        loop {
            let events = self.write(move |connection, _| forget_events(connection, before)).await?;
            forgotten.events += events;
            if events < CHUNK_ROWS {
                break;
            }
        }
        Ok(forgotten)
    }
}

/// Articles are numbered as they are fetched, so the old ones are the first: no index on the time is needed.
fn forget_articles(connection: &Connection, before: i64) -> rusqlite::Result<usize> {
    let mut statement =
        connection.prepare_cached("SELECT article, feed, fetched, id FROM article ORDER BY article LIMIT ?1")?;
    let rows = statement.query_map([count(CHUNK_ROWS)], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get::<_, String>(3)?))
    })?;
    let oldest: Vec<_> = rows.collect::<Result<_, _>>()?;
    let mut forgotten = 0;
    for (article, feed, _, id) in oldest.into_iter().take_while(|(_, _, fetched, _)| *fetched < before) {
        let entry = EntryKey::of_stored(&id);
        connection
            .prepare_cached("UPDATE entry SET article = NULL WHERE feed = ?1 AND hash = ?2")?
            .execute(params![feed, entry.0])?;
        forgotten += connection.prepare_cached("DELETE FROM article WHERE article = ?1")?.execute([article])?;
    }
    Ok(forgotten)
}

/// An entry has left its feed when the last document that was read did not have it.
const HAS_LEFT: &str = "e.seen < ?1 AND e.seen < f.last_document - ?2";

fn feeds_with_old_entries(connection: &Connection, before: i64) -> rusqlite::Result<Vec<i64>> {
    let sql = format!("SELECT DISTINCT e.feed FROM entry e JOIN feed f USING (feed) WHERE {HAS_LEFT}");
    let mut statement = connection.prepare_cached(&sql)?;
    let feeds = statement.query_map(params![before, SEEN_STEP.num_milliseconds()], |row| row.get(0))?;
    feeds.collect()
}

fn forget_entries(connection: &Connection, feed: i64, before: i64) -> rusqlite::Result<usize> {
    let sql = format!(
        "DELETE FROM entry WHERE feed = ?3 AND hash IN
             (SELECT e.hash FROM entry e JOIN feed f USING (feed) WHERE e.feed = ?3 AND {HAS_LEFT})"
    );
    connection.prepare_cached(&sql)?.execute(params![before, SEEN_STEP.num_milliseconds(), feed])
}

fn forget_deliveries(connection: &Connection, before: i64) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM outbox WHERE delivery IN
         (SELECT delivery FROM outbox WHERE state IN ('delivered', 'discarded') AND ended < ?1 ORDER BY ended LIMIT ?2)";
    connection.prepare_cached(sql)?.execute(params![before, count(CHUNK_ROWS)])
}

fn forget_events(connection: &Connection, before: i64) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM event WHERE event IN
         (SELECT event FROM event e WHERE made < ?1 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.event = e.event)
          ORDER BY made LIMIT ?2)";
    connection.prepare_cached(sql)?.execute(params![before, count(CHUNK_ROWS)])
}

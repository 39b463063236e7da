//! What people ask of feeds by command: to pause, to go on, to be polled now. The daemon looks every half second.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Store, StoreError,
    sqlite::rows::{millis, parsed, time_or_none},
};
use crate::config::FeedId;

/// What is asked of one feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedWish {
    /// Which feed.
    pub feed: FeedId,
    /// Since when it is not polled.
    pub paused: Option<DateTime<Utc>>,
    /// When a poll was asked for that the daemon has not taken yet.
    pub poll_asked: Option<DateTime<Utc>>,
}

/// What resuming a feed changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumed {
    /// It was paused.
    pub was_paused: bool,
    /// Its server had said that it is gone for good.
    pub was_gone: bool,
}

impl Store {
    /// Everything that is asked of feeds.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn feed_wishes(&self) -> Result<Vec<FeedWish>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT feed, paused, poll_asked FROM wish ORDER BY feed")?;
            let wishes = statement.query_map([], |row| {
                Ok(FeedWish {
                    feed: parsed(row, "feed")?,
                    paused: time_or_none(row, "paused")?,
                    poll_asked: time_or_none(row, "poll_asked")?,
                })
            })?;
            wishes.collect()
        })
        .await
    }

    /// Pauses a feed until it is resumed; whether it was not paused yet.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn pause_feed(&self, feed: &FeedId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let feed = feed.clone();
        self.write(move |connection, _| {
            let sql = "INSERT INTO wish (feed, paused) VALUES (?1, ?2)
                 ON CONFLICT (feed) DO UPDATE SET paused = excluded.paused, poll_asked = NULL WHERE paused IS NULL";
            Ok(connection.prepare_cached(sql)?.execute(params![feed.as_str(), millis(now)])? > 0)
        })
        .await
    }

    /// Lets a paused feed go on, and revives one whose server had said that it is gone.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn resume_feed(&self, feed: &FeedId, now: DateTime<Utc>) -> Result<Resumed, StoreError> {
        let feed = feed.clone();
        self.write(move |connection, _| {
            let was_paused = paused(connection, &feed)?.is_some();
            let sql = "UPDATE wish SET paused = NULL WHERE feed = ?1";
            connection.prepare_cached(sql)?.execute([feed.as_str()])?;
            // That it failed stays true until it is polled.
            let sql = "UPDATE feed SET outcome = 'error', failures = 0, next_poll = ?2, next_reason = 'resumed'
                 WHERE id = ?1 AND outcome = 'gone'";
            let was_gone = connection.prepare_cached(sql)?.execute(params![feed.as_str(), millis(now)])? > 0;
            if was_gone {
                ask(connection, &feed, now)?;
            }
            Ok(Resumed { was_paused, was_gone })
        })
        .await
    }

    /// Asks for a poll now.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn ask_poll(&self, feed: &FeedId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let feed = feed.clone();
        self.write(move |connection, _| ask(connection, &feed, now)).await
    }

    /// A poll that was asked for by `asked` is on its way.
    ///
    /// # Errors
    /// It is asked for again at the next look.
    pub async fn poll_taken(&self, feed: &FeedId, asked: DateTime<Utc>) -> Result<(), StoreError> {
        let feed = feed.clone();
        self.write(move |connection, _| {
            let sql = "UPDATE wish SET poll_asked = NULL WHERE feed = ?1 AND poll_asked <= ?2";
            connection.prepare_cached(sql)?.execute(params![feed.as_str(), millis(asked)])?;
            let sql = "DELETE FROM wish WHERE feed = ?1 AND paused IS NULL AND poll_asked IS NULL";
            connection.prepare_cached(sql)?.execute([feed.as_str()]).map(|_| ())
        })
        .await
    }

    /// Forgets what was asked of a feed that is no more; what its polls brought stays.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn forget_wish(&self, feed: &FeedId) -> Result<(), StoreError> {
        let feed = feed.clone();
        self.write(move |connection, _| {
            connection.prepare_cached("DELETE FROM wish WHERE feed = ?1")?.execute([feed.as_str()]).map(|_| ())
        })
        .await
    }
}

fn paused(connection: &Connection, feed: &FeedId) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT paused FROM wish WHERE feed = ?1")?;
    statement.query_row([feed.as_str()], |row| row.get(0)).optional().map(Option::flatten)
}

fn ask(connection: &Connection, feed: &FeedId, now: DateTime<Utc>) -> rusqlite::Result<()> {
    let sql = "INSERT INTO wish (feed, poll_asked) VALUES (?1, ?2)
         ON CONFLICT (feed) DO UPDATE SET poll_asked = excluded.poll_asked";
    connection.prepare_cached(sql)?.execute(params![feed.as_str(), millis(now)]).map(|_| ())
}

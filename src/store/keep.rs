//! An article and the alerts that it makes, within a transaction: of a poll (`commit`) or of a page (`page`).

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    CommittedAlert, NewAlert,
    sqlite::rows::{id_kind, lines, millis},
    writer::News,
};
use crate::{alert::HeldReason, article::Article};

/// What a feed brought at one moment is kept by it.
#[derive(Clone, Copy)]
pub(super) struct Keeper<'a> {
    pub connection: &'a Connection,
    /// The feed's row.
    pub feed: i64,
    pub at: DateTime<Utc>,
}

impl Keeper<'_> {
    /// Stores an article, in the place of the row `known` where there is one; gives its row.
    pub fn article(&self, article: &Article, known: Option<i64>) -> rusqlite::Result<i64> {
        let summary = article.summary.as_deref().filter(|summary| *summary != article.text);
        let values = params![
            known,
            self.feed,
            millis(self.at),
            article.published.map(millis),
            article.updated.map(millis),
            article.lang.as_ref().map(|lang| lang.as_str()),
            article.text_source.as_str(),
            id_kind(article.id.kind),
            article.id.value,
            article.url,
            article.title,
            lines(&article.authors),
            lines(&article.categories),
            summary,
            article.text,
        ];
        // An edit replaces what it said and keeps when it was first fetched.
        let sql = "INSERT INTO article (article, feed, fetched, published, updated, lang, text_source, id_kind, id,
                 url, title, authors, categories, summary, text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT (article) DO UPDATE SET published = excluded.published, updated = excluded.updated,
                 lang = excluded.lang, text_source = excluded.text_source, url = excluded.url,
                 title = excluded.title, authors = excluded.authors, categories = excluded.categories,
                 summary = excluded.summary, text = excluded.text";
        self.connection.prepare_cached(sql)?.execute(values)?;
        Ok(known.unwrap_or_else(|| self.connection.last_insert_rowid()))
    }

    /// Stores an alert and where it goes, unless its watch has alerted on the article before; gives it where it is new.
    /// `identities` are all the names under which that may have been.
    pub fn alert(
        &self,
        alert: &NewAlert,
        identities: &[[u8; 16]],
        news: &mut News,
    ) -> rusqlite::Result<Option<CommittedAlert>> {
        let before = match self.alerted_before(alert, identities)? {
            Some(before) => Some(before),
            None => self.insert_alert(alert)?.err(),
        };
        let row = before.unwrap_or_else(|| self.connection.last_insert_rowid());
        // What was too unsure to be sent is sent once an edit makes it sure.
        let is_surer = before.is_some() && alert.held.is_none() && self.release(alert, row)?;
        // Also for one that stays quiet: when it is edited next, it is still the article that was alerted on.
        let sql = "INSERT OR IGNORE INTO alerted (watch, identity, alert) VALUES (?1, ?2, ?3)";
        let mut statement = self.connection.prepare_cached(sql)?;
        for identity in identities {
            statement.execute(params![alert.watch.as_str(), identity, row])?;
        }
        if before.is_some() && !is_surer {
            return Ok(None);
        }
        let mut deliveries = 0;
        if alert.held.is_none() {
            let sql = "INSERT OR IGNORE INTO outbox (alert, sink, due) VALUES (?1, ?2, ?3)";
            let mut statement = self.connection.prepare_cached(sql)?;
            for sink in &alert.sinks {
                deliveries += statement.execute(params![row, sink.as_str(), millis(self.at)])?;
            }
        }
        news.outbox |= deliveries > 0;
        let (id, watch) = (alert.id.clone(), alert.watch.clone());
        Ok(Some(CommittedAlert { id, watch, held: alert.held, deliveries }))
    }

    /// Whether an alert had been held as unsure, and is no longer.
    fn release(&self, alert: &NewAlert, row: i64) -> rusqlite::Result<bool> {
        let sql = "UPDATE alert SET held = NULL, made = ?2, body = ?3,
                 id = CASE WHEN EXISTS (SELECT 1 FROM alert WHERE id = ?4) THEN id ELSE ?4 END
             WHERE alert = ?1 AND held = ?5";
        let unsure = HeldReason::Confidence.as_str();
        let values = params![row, millis(self.at), alert.body, alert.id.as_str(), unsure];
        Ok(self.connection.prepare_cached(sql)?.execute(values)? > 0)
    }

    fn alerted_before(&self, alert: &NewAlert, identities: &[[u8; 16]]) -> rusqlite::Result<Option<i64>> {
        let sql = "SELECT alert FROM alerted WHERE watch = ?1 AND identity = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        for identity in identities {
            let before = statement.query_row(params![alert.watch.as_str(), identity], |row| row.get(0)).optional()?;
            if before.is_some() {
                return Ok(before);
            }
        }
        Ok(None)
    }

    /// `Err` is the alert that has this id already.
    fn insert_alert(&self, alert: &NewAlert) -> rusqlite::Result<Result<(), i64>> {
        let sql = "INSERT INTO alert (id, watch, severity, feed, made, held, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING";
        let inserted = self.connection.prepare_cached(sql)?.execute(params![
            alert.id.as_str(),
            alert.watch.as_str(),
            alert.severity.as_str(),
            self.feed,
            millis(self.at),
            alert.held.map(HeldReason::as_str),
            alert.body,
        ])?;
        if inserted > 0 {
            return Ok(Ok(()));
        }
        let sql = "SELECT alert FROM alert WHERE id = ?1";
        self.connection.prepare_cached(sql)?.query_row([alert.id.as_str()], |row| row.get(0)).map(Err)
    }
}

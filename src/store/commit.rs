//! The one transaction that makes a poll true.
//!
//! Validators, articles, alerts and outbox rows are committed together or not at all: a crash can repeat a poll and
//! never lose one. What was alerted before is decided here, in the transaction, where no other poll can come between.

use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Committed, CommittedAlert, EntryKey, NewAlert, PollResult, Store, StoreError, StoredEntry, StoredOutcome, announce,
    health,
    poll_result::digest,
    sqlite::rows::{count, id_kind, lines, millis},
    writer::News,
};
use crate::{alert::HeldReason, config::FeedId, schedule::Pace};

/// How exactly an entry's last sight is kept; finer would write every entry at every poll.
pub(super) const SEEN_STEP: Duration = Duration::days(1);
/// From so many new entries on, a poll may be one where the feed changed its ids, and addresses with them …
const CHANGED_IDS_MIN: usize = 5;
/// … and after so many such documents in a row, one whose ids change with each fetch. A site that moves changes them once.
const CHANGES_IN_A_ROW: u32 = 3;

impl Store {
    /// Makes all that a poll brought true at one moment. A poll that is committed twice brings nothing the second time.
    ///
    /// # Errors
    /// Nothing of it is stored: poll again later, with the old validators.
    pub async fn commit_poll(&self, poll: PollResult) -> Result<Committed, StoreError> {
        self.write(move |connection, news| Commit::new(connection, &poll)?.run(news)).await
    }

    /// Puts off the next polls of `feeds` to `until`, where they are due before.
    ///
    /// # Errors
    /// The store can't be written.
    pub async fn postpone(&self, feeds: Vec<FeedId>, until: DateTime<Utc>, reason: String) -> Result<(), StoreError> {
        self.write(move |connection, _| {
            let sql = "UPDATE feed SET next_poll = ?2, next_reason = ?3
                 WHERE id = ?1 AND next_poll < ?2 AND outcome <> 'gone'";
            let mut statement = connection.prepare_cached(sql)?;
            for feed in &feeds {
                statement.execute(params![feed.as_str(), millis(until), reason])?;
            }
            Ok(())
        })
        .await
    }
}

/// What the store knows of an entry already.
struct Known {
    fingerprint: i64,
    article: Option<i64>,
    key: [u8; 16],
    text_key: Option<[u8; 16]>,
}

/// What tells the texts that a feed had: their keys, and what they said to the letter, for those too short for a key.
#[derive(Default)]
struct Familiar {
    keys: HashSet<[u8; 16]>,
    fingerprints: HashSet<i64>,
    /// Key and fingerprint of each: what has both is the same article to the letter, however few there are.
    articles: HashSet<([u8; 16], i64)>,
}

/// One poll's transaction on the way.
struct Commit<'a> {
    connection: &'a Connection,
    poll: &'a PollResult,
    feed: i64,
    /// What the feed's entries were before this poll, where most of its ids are new.
    familiar: Option<Familiar>,
    /// Whether what is familiar stays quiet.
    is_quiet: bool,
    /// Entries under a new id whose text the feed had before.
    retold: usize,
    committed: Committed,
}

impl<'a> Commit<'a> {
    fn new(connection: &'a Connection, poll: &'a PollResult) -> rusqlite::Result<Self> {
        let feed = store_feed(connection, poll)?;
        let committed = Committed::default();
        Ok(Self { connection, poll, feed, familiar: None, is_quiet: false, retold: 0, committed })
    }

    fn run(mut self, news: &mut News) -> rusqlite::Result<Committed> {
        let poll = self.poll;
        let mut met = HashSet::with_capacity(poll.entries.len());
        let mut entries = Vec::with_capacity(poll.entries.len());
        for entry in &poll.entries {
            let entry_key = EntryKey::of(&entry.article.id);
            // An id that stands twice in one document is its first entry; else the two would edit each other for ever.
            if met.insert(entry_key) {
                entries.push((entry_key, entry, self.known(entry_key)?));
            }
        }
        let new = entries.iter().filter(|(_, _, known)| known.is_none()).count();
        if new * 2 > poll.entries_seen.len().max(entries.len()) {
            self.familiar = Some(self.known_of_feed()?);
            self.is_quiet = new >= CHANGED_IDS_MIN;
        }
        for (entry_key, entry, known) in entries {
            self.entry(entry_key, entry, known, news)?;
        }
        self.mark_seen()?;
        self.learn_ids(new)?;
        // Where the ids changed, the entries are the known ones.
        self.committed.is_gap = poll.gap.is_some() && self.committed.quiet == 0;
        if let Some(gap) = poll.gap.filter(|_| self.committed.is_gap) {
            let sql = "UPDATE feed SET gap = ?2 WHERE feed = ?1";
            self.connection.prepare_cached(sql)?.execute(params![self.feed, millis(gap)])?;
        }
        let (new, is_gap) = (self.committed.new_articles, self.committed.is_gap);
        let events = health::hear(self.connection, self.feed, poll, new, is_gap)?;
        announce::store_events(self.connection, &events, news)?;
        Ok(self.committed)
    }

    /// Counts the documents in a row in which most texts that the feed had before stand under new ids.
    fn learn_ids(&mut self, new: usize) -> rusqlite::Result<()> {
        let seen = self.poll.entries_seen.len();
        if seen == 0 {
            return Ok(());
        }
        if self.retold * 2 <= seen {
            // News alone says nothing; ids that stay say that they do.
            if new * 2 <= seen {
                let sql = "UPDATE feed SET ids_changed = 0 WHERE feed = ?1 AND ids_changed > 0";
                self.connection.prepare_cached(sql)?.execute([self.feed])?;
            }
            return Ok(());
        }
        let sql = "UPDATE feed SET ids_changed = ids_changed + 1,
                 ids_change = ids_change OR ids_changed + 1 >= ?2 WHERE feed = ?1 AND NOT ids_change
             RETURNING ids_change";
        let mut statement = self.connection.prepare_cached(sql)?;
        let learned = statement.query_row(params![self.feed, CHANGES_IN_A_ROW], |row| row.get(0)).optional()?;
        self.committed.ids_change = learned.unwrap_or(false);
        Ok(())
    }

    fn known(&self, entry_key: EntryKey) -> rusqlite::Result<Option<Known>> {
        let sql = "SELECT fingerprint, article, key_hash, text_hash FROM entry WHERE feed = ?1 AND hash = ?2";
        self.connection
            .prepare_cached(sql)?
            .query_row(params![self.feed, entry_key.0], |row| {
                Ok(Known { fingerprint: row.get(0)?, article: row.get(1)?, key: row.get(2)?, text_key: row.get(3)? })
            })
            .optional()
    }

    fn known_of_feed(&self) -> rusqlite::Result<Familiar> {
        let sql = "SELECT key_hash, text_hash, fingerprint FROM entry WHERE feed = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([self.feed])?;
        let mut familiar = Familiar::default();
        while let Some(row) = rows.next()? {
            let (key, fingerprint) = (row.get(0)?, row.get(2)?);
            familiar.keys.insert(key);
            familiar.keys.extend(row.get::<_, Option<[u8; 16]>>(1)?);
            familiar.fingerprints.insert(fingerprint);
            familiar.articles.insert((key, fingerprint));
        }
        Ok(familiar)
    }

    fn entry(
        &mut self,
        entry_key: EntryKey,
        entry: &StoredEntry,
        known: Option<Known>,
        news: &mut News,
    ) -> rusqlite::Result<()> {
        let fingerprint = entry.fingerprint.cast_signed();
        if known.as_ref().is_some_and(|known| known.fingerprint == fingerprint) {
            // The same poll once more, after a crash or beside another: all was decided the first time.
            return Ok(());
        }
        let key = digest(&[b"key", entry.key.as_str().as_bytes()]);
        // What tells a text is its text; the key alone tells where there is too little of it.
        let told_by = entry.text_key.unwrap_or(key);
        let is_familiar = self
            .familiar
            .as_ref()
            .is_some_and(|known| known.keys.contains(&told_by) || known.fingerprints.contains(&fingerprint));
        let article = self.store_article(entry, known.as_ref().and_then(|known| known.article))?;
        self.store_entry(entry_key, entry, key, article)?;
        match known {
            Some(_) => self.committed.edited += 1,
            None => self.committed.new_articles += 1,
        }
        if known.is_none() && is_familiar {
            self.retold += 1;
            let is_same = self.familiar.as_ref().is_some_and(|known| known.articles.contains(&(key, fingerprint)));
            if self.is_quiet || is_same {
                self.committed.quiet += 1;
                return Ok(());
            }
        }
        if entry.alerts.is_empty() {
            return Ok(());
        }
        // Every name under which a watch may have alerted on it: across feeds, by its text, in this feed, and what
        // the first two were before an edit.
        let own = digest(&[b"entry", self.poll.feed.as_str().as_bytes(), &entry_key.0]);
        let mut identities = vec![own, key];
        identities.extend(entry.text_key);
        if let Some(known) = known {
            identities.push(known.key);
            identities.extend(known.text_key);
        }
        for alert in &entry.alerts {
            self.alert(alert, &identities, news)?;
        }
        Ok(())
    }

    fn store_article(&self, entry: &StoredEntry, known: Option<i64>) -> rusqlite::Result<i64> {
        let article = &entry.article;
        let summary = article.summary.as_deref().filter(|summary| *summary != article.text);
        let values = params![
            known,
            self.feed,
            millis(self.poll.at),
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

    fn store_entry(
        &self,
        entry_key: EntryKey,
        entry: &StoredEntry,
        key: [u8; 16],
        article: i64,
    ) -> rusqlite::Result<()> {
        let sql = "INSERT INTO entry (feed, hash, fingerprint, article, seen, dated, words, key_hash, text_hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (feed, hash) DO UPDATE SET fingerprint = excluded.fingerprint, article = excluded.article,
                 seen = excluded.seen, words = excluded.words, key_hash = excluded.key_hash,
                 text_hash = excluded.text_hash";
        let at = millis(self.poll.at);
        self.connection.prepare_cached(sql)?.execute(params![
            self.feed,
            entry_key.0,
            entry.fingerprint.cast_signed(),
            article,
            at,
            entry.article.published.map_or(at, millis),
            count(entry.article.words()),
            key,
            entry.text_key,
        ])?;
        Ok(())
    }

    fn alert(&mut self, alert: &NewAlert, identities: &[[u8; 16]], news: &mut News) -> rusqlite::Result<()> {
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
            return Ok(());
        }
        let mut deliveries = 0;
        if alert.held.is_none() {
            let sql = "INSERT OR IGNORE INTO outbox (alert, sink, due) VALUES (?1, ?2, ?3)";
            let mut statement = self.connection.prepare_cached(sql)?;
            for sink in &alert.sinks {
                deliveries += statement.execute(params![row, sink.as_str(), millis(self.poll.at)])?;
            }
        }
        news.outbox |= deliveries > 0;
        let (id, watch) = (alert.id.clone(), alert.watch.clone());
        self.committed.alerts.push(CommittedAlert { id, watch, held: alert.held, deliveries });
        Ok(())
    }

    /// Whether an alert had been held as unsure, and is no longer.
    fn release(&self, alert: &NewAlert, row: i64) -> rusqlite::Result<bool> {
        let sql = "UPDATE alert SET held = NULL, made = ?2, body = ?3,
                 id = CASE WHEN EXISTS (SELECT 1 FROM alert WHERE id = ?4) THEN id ELSE ?4 END
             WHERE alert = ?1 AND held = ?5";
        let unsure = HeldReason::Confidence.as_str();
        let values = params![row, millis(self.poll.at), alert.body, alert.id.as_str(), unsure];
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
            millis(self.poll.at),
            alert.held.map(HeldReason::as_str),
            alert.body,
        ])?;
        if inserted > 0 {
            return Ok(Ok(()));
        }
        let sql = "SELECT alert FROM alert WHERE id = ?1";
        self.connection.prepare_cached(sql)?.query_row([alert.id.as_str()], |row| row.get(0)).map(Err)
    }

    fn mark_seen(&self) -> rusqlite::Result<()> {
        let sql = "UPDATE entry SET seen = ?3 WHERE feed = ?1 AND hash = ?2 AND seen < ?4";
        let mut statement = self.connection.prepare_cached(sql)?;
        let stale = millis(self.poll.at - SEEN_STEP);
        for entry_key in &self.poll.entries_seen {
            statement.execute(params![self.feed, entry_key.0, millis(self.poll.at), stale])?;
        }
        Ok(())
    }
}

/// The feed's own row; gives its number.
fn store_feed(connection: &Connection, poll: &PollResult) -> rusqlite::Result<i64> {
    let at = millis(poll.at);
    let success = poll.outcome.is_success().then_some(at);
    let document = (!poll.entries_seen.is_empty()).then_some(at);
    let (class, message) = match &poll.outcome {
        StoredOutcome::Error { class, message } => (Some(class.as_str()), Some(message.as_str())),
        StoredOutcome::Gone => (Some("gone"), Some("410 Gone: the server says it is not coming back")),
        StoredOutcome::New | StoredOutcome::Unchanged | StoredOutcome::NotModified => (None, None),
    };
    let sql = "INSERT INTO feed (id, title, moved_to, first_document, last_document, last_poll, last_success, outcome,
             error_class, error_message, failures, next_poll, next_reason, notes, moved_from)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?4, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT (id) DO UPDATE SET title = coalesce(excluded.title, title),
             moved_to = coalesce(excluded.moved_to, moved_to),
             moved_from = coalesce(excluded.moved_from, moved_from),
             first_document = coalesce(first_document, excluded.first_document),
             last_document = coalesce(excluded.last_document, last_document), last_poll = excluded.last_poll,
             last_success = coalesce(excluded.last_success, last_success), outcome = excluded.outcome,
             error_class = excluded.error_class, error_message = excluded.error_message,
             failures = excluded.failures, next_poll = excluded.next_poll, next_reason = excluded.next_reason,
             notes = coalesce(excluded.notes, notes)
         RETURNING feed";
    let feed = connection.prepare_cached(sql)?.query_row(
        params![
            poll.feed.as_str(),
            poll.about_title,
            poll.moved_to.as_ref().map(|moved| &moved.to),
            success,
            document,
            at,
            poll.outcome.as_str(),
            class,
            message,
            poll.in_a_row_failures,
            millis(poll.next_poll),
            poll.next_reason,
            poll.notes.as_ref().map(|notes| notes.join("\n")),
            poll.moved_to.as_ref().map(|moved| moved.from),
        ],
        |row| row.get(0),
    )?;
    learn_ways(connection, poll, feed)?;
    if let Some(validators) = &poll.validators {
        let sql = "UPDATE feed SET validator_url = ?2, etag = ?3, last_modified = ?4, body_hash = ?5 WHERE feed = ?1";
        connection.prepare_cached(sql)?.execute(params![
            feed,
            validators.url,
            validators.etag,
            validators.last_modified,
            validators.body_hash,
        ])?;
    }
    Ok(feed)
}

/// How the feed behaves, as far as this poll tells.
fn learn_ways(connection: &Connection, poll: &PollResult, feed: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE feed SET source = ?2, usual_arrivals = ?3, usual_hours = ?4, recent_arrivals = ?5,
             recent_hours = ?6, arrivals = coalesce(?7, arrivals) WHERE feed = ?1";
    let Pace { usual, recent } = poll.pace;
    connection.prepare_cached(sql)?.execute(params![
        feed,
        poll.source.0,
        usual.arrivals,
        usual.hours,
        recent.arrivals,
        recent.hours,
        poll.window,
    ])?;
    if let Some(rhythm) = &poll.rhythm {
        let sql = "UPDATE feed SET every = ?2, skip_hours = ?3, skip_days = ?4 WHERE feed = ?1";
        let every = rhythm.every.map(|every| u32::try_from(every.as_secs()).unwrap_or(u32::MAX));
        connection.prepare_cached(sql)?.execute(params![feed, every, rhythm.skip_hours, rhythm.skip_days])?;
    }
    Ok(())
}

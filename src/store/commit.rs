//! The one transaction that makes a poll, or a push, true.
//!
//! Validators, articles, alerts and outbox rows are committed together or not at all: a crash can repeat a poll and
//! never lose one. What was alerted before is decided here, in the transaction, where no other poll can come between.

use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Committed, EntryKey, PollResult, PushResult, Store, StoreError, StoredEntry, StoredOutcome, announce, health,
    keep::Keeper,
    page,
    poll_result::digest,
    sqlite::rows::{count, millis},
    writer::News,
};
use crate::{config::FeedId, schedule::Pace};

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

    /// Makes all that a push brought true at one moment. One that is committed twice brings nothing the second time.
    ///
    /// # Errors
    /// Nothing of it is stored.
    pub async fn commit_push(&self, push: PushResult) -> Result<Committed, StoreError> {
        self.write(move |connection, news| Commit::pushed(connection, &push)?.run(news)).await
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

impl Familiar {
    /// What tells a text is its text; the key alone tells where there is too little of it.
    fn knows(&self, entry: &StoredEntry) -> bool {
        let told_by = entry.text_key.unwrap_or_else(|| key_of(entry));
        self.keys.contains(&told_by) || self.fingerprints.contains(&entry.fingerprint.cast_signed())
    }
}

fn key_of(entry: &StoredEntry) -> [u8; 16] {
    digest(&[b"key", entry.key.as_str().as_bytes()])
}

/// What a poll or a push brought.
#[derive(Clone, Copy)]
struct Brought<'a> {
    feed: &'a FeedId,
    at: DateTime<Utc>,
    entries: &'a [StoredEntry],
    entries_seen: &'a [EntryKey],
    /// `None` where it was pushed, and may be a part of what the feed holds.
    poll: Option<&'a PollResult>,
}

/// The transaction of a poll or a push on the way.
struct Commit<'a> {
    connection: &'a Connection,
    brought: Brought<'a>,
    keeper: Keeper<'a>,
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
        let PollResult { feed: id, at, entries, entries_seen, .. } = poll;
        Ok(Self::of(connection, feed, Brought { feed: id, at: *at, entries, entries_seen, poll: Some(poll) }))
    }

    fn pushed(connection: &'a Connection, push: &'a PushResult) -> rusqlite::Result<Self> {
        let feed = pushed_feed(connection, push)?;
        let PushResult { feed: id, at, entries, entries_seen } = push;
        Ok(Self::of(connection, feed, Brought { feed: id, at: *at, entries, entries_seen, poll: None }))
    }

    fn of(connection: &'a Connection, feed: i64, brought: Brought<'a>) -> Self {
        let (keeper, committed) = (Keeper { connection, feed, at: brought.at }, Committed::default());
        Self { connection, brought, keeper, familiar: None, is_quiet: false, retold: 0, committed }
    }

    fn run(mut self, news: &mut News) -> rusqlite::Result<Committed> {
        let brought = self.brought;
        let mut met = HashSet::with_capacity(brought.entries.len());
        let mut entries = Vec::with_capacity(brought.entries.len());
        for entry in brought.entries {
            let entry_key = EntryKey::of(&entry.article.id);
            // An id that stands twice in one document is its first entry; else the two would edit each other for ever.
            if met.insert(entry_key) {
                entries.push((entry_key, entry, self.known(entry_key)?));
            }
        }
        let new = entries.iter().filter(|(_, _, known)| known.is_none()).count();
        if brought.poll.is_none() {
            // That all of a push is new is what pushes are for. Only where most of it is texts that the feed had under
            // other ids, the feed has changed its ids.
            if new >= CHANGED_IDS_MIN {
                let familiar = self.known_of_feed()?;
                let retold =
                    entries.iter().filter(|(_, entry, known)| known.is_none() && familiar.knows(entry)).count();
                self.is_quiet = retold * 2 > brought.entries_seen.len();
                self.familiar = self.is_quiet.then_some(familiar);
            }
        } else if new * 2 > brought.entries_seen.len().max(entries.len()) {
            self.familiar = Some(self.known_of_feed()?);
            self.is_quiet = new >= CHANGED_IDS_MIN;
        }
        for (entry_key, entry, known) in entries {
            self.entry(entry_key, entry, known, news)?;
        }
        self.mark_seen()?;
        match brought.poll {
            Some(poll) => {
                self.learn_ids(new)?;
                // Where the ids changed, the entries are the known ones.
                self.committed.is_gap = poll.gap.is_some() && self.committed.quiet == 0;
                if let Some(gap) = poll.gap.filter(|_| self.committed.is_gap) {
                    let sql = "UPDATE feed SET gap = ?2 WHERE feed = ?1";
                    self.connection.prepare_cached(sql)?.execute(params![self.keeper.feed, millis(gap)])?;
                }
                let (new, is_gap) = (self.committed.new_articles, self.committed.is_gap);
                let events = health::hear(self.connection, self.keeper.feed, poll, new, is_gap)?;
                announce::store_events(self.connection, &events, news)?;
            }
            None if self.committed.new_articles > 0 => health::pushed(self.connection, self.keeper.feed, brought.at)?,
            None => {}
        }
        Ok(self.committed)
    }

    /// Counts the documents in a row in which most texts that the feed had before stand under new ids.
    fn learn_ids(&mut self, new: usize) -> rusqlite::Result<()> {
        let seen = self.brought.entries_seen.len();
        if seen == 0 {
            return Ok(());
        }
        if self.retold * 2 <= seen {
            // News alone says nothing; ids that stay say that they do.
            if new * 2 <= seen {
                let sql = "UPDATE feed SET ids_changed = 0 WHERE feed = ?1 AND ids_changed > 0";
                self.connection.prepare_cached(sql)?.execute([self.keeper.feed])?;
            }
            return Ok(());
        }
        let sql = "UPDATE feed SET ids_changed = ids_changed + 1,
                 ids_change = ids_change OR ids_changed + 1 >= ?2 WHERE feed = ?1 AND NOT ids_change
             RETURNING ids_change";
        let mut statement = self.connection.prepare_cached(sql)?;
        let learned = statement.query_row(params![self.keeper.feed, CHANGES_IN_A_ROW], |row| row.get(0)).optional()?;
        self.committed.ids_change = learned.unwrap_or(false);
        Ok(())
    }

    fn known(&self, entry_key: EntryKey) -> rusqlite::Result<Option<Known>> {
        let sql = "SELECT fingerprint, article, key_hash, text_hash FROM entry WHERE feed = ?1 AND hash = ?2";
        self.connection
            .prepare_cached(sql)?
            .query_row(params![self.keeper.feed, entry_key.0], |row| {
                Ok(Known { fingerprint: row.get(0)?, article: row.get(1)?, key: row.get(2)?, text_key: row.get(3)? })
            })
            .optional()
    }

    fn known_of_feed(&self) -> rusqlite::Result<Familiar> {
        let sql = "SELECT key_hash, text_hash, fingerprint FROM entry WHERE feed = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([self.keeper.feed])?;
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
        let key = key_of(entry);
        let is_familiar = self.familiar.as_ref().is_some_and(|known| known.knows(entry));
        let article = self.keeper.article(&entry.article, known.as_ref().and_then(|known| known.article))?;
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
        self.want_page(entry_key, entry)?;
        if entry.alerts.is_empty() {
            return Ok(());
        }
        // Every name under which a watch may have alerted on it: across feeds, by its text, in this feed, and what
        // the first two were before an edit.
        let own = digest(&[b"entry", self.brought.feed.as_str().as_bytes(), &entry_key.0]);
        let mut identities = vec![own, key];
        identities.extend(entry.text_key);
        if let Some(known) = known {
            identities.push(known.key);
            identities.extend(known.text_key);
        }
        for alert in &entry.alerts {
            self.committed.alerts.extend(self.keeper.alert(alert, &identities, news)?);
        }
        Ok(())
    }

    fn want_page(&mut self, entry_key: EntryKey, entry: &StoredEntry) -> rusqlite::Result<()> {
        let (feed, at) = (self.keeper.feed, self.keeper.at);
        match &entry.page {
            Some(url) if page::want(self.connection, feed, entry_key, url, &entry.key, at)? => {
                self.committed.pages += 1
            }
            Some(_) => self.committed.pages_left_out += 1,
            // What it said before may have had one.
            None => page::unwant(self.connection, feed, entry_key)?,
        }
        Ok(())
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
        let at = millis(self.brought.at);
        self.connection.prepare_cached(sql)?.execute(params![
            self.keeper.feed,
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

    fn mark_seen(&self) -> rusqlite::Result<()> {
        let sql = "UPDATE entry SET seen = ?3 WHERE feed = ?1 AND hash = ?2 AND seen < ?4";
        let mut statement = self.connection.prepare_cached(sql)?;
        let stale = millis(self.brought.at - SEEN_STEP);
        for entry_key in self.brought.entries_seen {
            statement.execute(params![self.keeper.feed, entry_key.0, millis(self.brought.at), stale])?;
        }
        Ok(())
    }
}

/// The number of a feed that was pushed to. One that was never polled gets a row that nobody polls by.
fn pushed_feed(connection: &Connection, push: &PushResult) -> rusqlite::Result<i64> {
    // Of a feed that is polled nothing changes. Of one that is not, entries can only be told to be old by this.
    let sql = "INSERT INTO feed (id, last_poll, last_document, outcome, failures, next_poll, next_reason)
         VALUES (?1, ?2, ?2, 'new', 0, ?2, 'pushed')
         ON CONFLICT (id) DO UPDATE SET
             last_poll = iif(next_reason = 'pushed', excluded.last_poll, last_poll),
             last_document = iif(next_reason = 'pushed', excluded.last_document, last_document)
         RETURNING feed";
    let values = params![push.feed.as_str(), millis(push.at)];
    connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))
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

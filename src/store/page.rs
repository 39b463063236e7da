//! Pages of articles that are wanted. A wish is committed with the entry that has it, and ends when its page is read and
//! matched, when another edit of the entry takes its place, or when it is given up; a restart in between loses nothing.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use url::Url;

use super::{
    Committed, EntryKey, NewAlert, Store, StoreError,
    keep::Keeper,
    poll_result::digest,
    sqlite::rows::{count, millis, parsed, time, time_or_none},
    writer::News,
};
use crate::{
    article::{Article, ArticleId, ArticleKey, IdKind, Lang, TextSource},
    config::FeedId,
};

/// Pages of one feed that may wait: more than any feed brings in a day, and a bound for one that is made to cost.
const WAITING_MAX: usize = 1_000;
/// Feeds that may want the same page.
const SHARED_MAX: usize = 100;

/// A page that is wanted, and the article whose page it is.
#[derive(Debug, Clone, PartialEq)]
pub struct WantedPage {
    /// Whose entry.
    pub feed: FeedId,
    /// What the feed calls itself.
    pub feed_title: Option<String>,
    /// Which entry.
    pub entry: EntryKey,
    /// What the entry said when it wanted the page.
    pub fingerprint: u64,
    /// Where.
    pub url: Url,
    /// Of the article, across feeds.
    pub key: ArticleKey,
    /// Attempts before.
    pub attempts: u32,
    /// As the feed gave it, without what it knows of its feed.
    pub article: Article,
}

/// What came of a page.
#[derive(Debug, Clone)]
pub struct PageResult {
    /// Which wish it fulfils.
    pub wanted: WantedPage,
    /// When.
    pub at: DateTime<Utc>,
    /// The article with its text, and what it alerts on; `None` where the page adds nothing.
    pub read: Option<(Article, Vec<NewAlert>)>,
}

/// Why a page did not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFailure {
    /// In words.
    pub error: String,
    /// When it is tried again; `None` gives it up.
    pub retry: Option<DateTime<Utc>>,
    /// Until when the host asked to be left alone: that holds for all its pages.
    pub not_before: Option<DateTime<Utc>>,
}

impl Store {
    /// The hosts that have pages waiting, and when the first of each is due. Feeds that are paused wait with their pages.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn page_hosts(&self) -> Result<Vec<(String, DateTime<Utc>)>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT host, min(due) AS due FROM page WHERE due IS NOT NULL AND feed NOT IN ({PAUSED}) GROUP BY host"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let hosts = statement.query_map([], |row| Ok((row.get("host")?, time(row, "due")?)))?;
            hosts.collect()
        })
        .await
    }

    /// When the host's next page is due; `None` where none waits.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn next_page_due(&self, host: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let host = host.to_owned();
        self.read(move |connection| {
            let sql = format!(
                "SELECT min(due) AS due FROM page WHERE host = ?1 AND due IS NOT NULL AND feed NOT IN ({PAUSED})"
            );
            connection.prepare_cached(&sql)?.query_row([host], |row| time_or_none(row, "due"))
        })
        .await
    }

    /// The page of the host that has been due longest, as each feed wants it that does; none where none is due.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn due_page(&self, host: &str, now: DateTime<Utc>) -> Result<Vec<WantedPage>, StoreError> {
        let host = host.to_owned();
        self.read(move |connection| {
            let sql = format!(
                "SELECT url FROM page WHERE host = ?1 AND due <= ?2 AND feed NOT IN ({PAUSED}) ORDER BY due LIMIT 1"
            );
            let url = connection.prepare_cached(&sql)?.query_row(params![host, millis(now)], |row| row.get(0));
            match url.optional()? {
                Some(url) => wanting(connection, url),
                None => Ok(Vec::new()),
            }
        })
        .await
    }

    /// The address of every page that waits, whenever it is due, but for those whose host asked to be left alone.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn waiting_pages(&self, now: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT url, min(due) AS first FROM page WHERE due IS NOT NULL AND coalesce(not_before, 0) <= ?1
                     AND feed NOT IN ({PAUSED}) GROUP BY url ORDER BY first"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let urls = statement.query_map([millis(now)], |row| row.get("url"))?;
            urls.collect()
        })
        .await
    }

    /// Who wants the page at this address.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn wanting_page(&self, url: &str) -> Result<Vec<WantedPage>, StoreError> {
        let url = url.to_owned();
        self.read(move |connection| wanting(connection, url)).await
    }

    /// Makes true at one moment what a page brought: the article's text and its alerts. An entry that was edited since
    /// keeps its newer wish, and nothing else happens.
    ///
    /// # Errors
    /// Nothing of it is stored, and the page is still wanted.
    pub async fn commit_page(&self, page: PageResult) -> Result<Committed, StoreError> {
        self.write(move |connection, news| commit(connection, &page, news)).await
    }

    /// Notes that a page did not come.
    ///
    /// # Errors
    /// Nothing is noted, and the page is tried again when it was due before.
    pub async fn page_failed(&self, wanted: &WantedPage, failure: PageFailure) -> Result<(), StoreError> {
        let wanted = wanted.clone();
        self.write(move |connection, _| {
            let sql = "UPDATE page SET attempts = attempts + 1, due = ?3, not_before = ?4, error = ?5
                 WHERE feed = (SELECT feed FROM feed WHERE id = ?1) AND hash = ?2 AND url = ?6";
            let retry = failure.retry.map(|retry| retry.max(failure.not_before.unwrap_or(retry)));
            let not_before = failure.not_before.map(millis);
            let (feed, url) = (wanted.feed.as_str(), wanted.url.as_str());
            let values = params![feed, wanted.entry.0, retry.map(millis), not_before, failure.error, url];
            connection.prepare_cached(sql)?.execute(values)?;
            if let Some(not_before) = not_before {
                let sql = "UPDATE page SET due = max(due, ?2), not_before = ?2 WHERE host = ?1 AND due IS NOT NULL";
                connection.prepare_cached(sql)?.execute(params![host_of(&wanted.url), not_before])?;
            }
            Ok(())
        })
        .await
    }

    /// Forgets the wishes of a feed that has none any more.
    ///
    /// # Errors
    /// They stay.
    pub async fn forget_pages(&self, feed: &FeedId) -> Result<(), StoreError> {
        let feed = feed.clone();
        self.write(move |connection, _| {
            let sql = "DELETE FROM page WHERE feed = (SELECT feed FROM feed WHERE id = ?1)";
            connection.prepare_cached(sql)?.execute([feed.as_str()]).map(|_| ())
        })
        .await
    }
}

/// Rows of feeds that are paused.
const PAUSED: &str = "SELECT f.feed FROM feed f JOIN wish w ON w.feed = f.id WHERE w.paused IS NOT NULL";

/// Notes that an entry's page is wanted; `false` where its feed has too many waiting. What was wanted of the entry before
/// is so no more.
pub(super) fn want(
    connection: &Connection,
    feed: i64,
    entry: EntryKey,
    url: &Url,
    key: &ArticleKey,
    at: DateTime<Utc>,
) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM page WHERE feed = ?1 AND due IS NOT NULL AND hash <> ?2";
    let waiting: i64 = connection.prepare_cached(sql)?.query_row(params![feed, entry.0], |row| row.get(0))?;
    if waiting >= count(WAITING_MAX) {
        unwant(connection, feed, entry)?;
        return Ok(false);
    }
    let sql = "INSERT INTO page (feed, hash, url, host, key, due) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (feed, hash) DO UPDATE SET url = excluded.url, host = excluded.host, key = excluded.key,
             due = excluded.due, not_before = NULL, attempts = 0, error = NULL";
    let values = params![feed, entry.0, url.as_str(), host_of(url), key.as_str(), millis(at)];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(true)
}

/// Notes that an entry's page is not wanted any more.
pub(super) fn unwant(connection: &Connection, feed: i64, entry: EntryKey) -> rusqlite::Result<()> {
    let sql = "DELETE FROM page WHERE feed = ?1 AND hash = ?2";
    connection.prepare_cached(sql)?.execute(params![feed, entry.0]).map(|_| ())
}

/// Forgets wishes of entries or texts that were forgotten.
pub(super) fn forget(connection: &Connection) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM page WHERE NOT EXISTS
         (SELECT 1 FROM entry e WHERE e.feed = page.feed AND e.hash = page.hash AND e.article IS NOT NULL)";
    connection.prepare_cached(sql)?.execute([])
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_ascii_lowercase()
}

fn wanting(connection: &Connection, url: String) -> rusqlite::Result<Vec<WantedPage>> {
    let sql = format!(
        "SELECT f.id AS feed_id, f.title AS feed_title, p.hash, p.url AS page_url, p.key, p.attempts, e.fingerprint, a.*
         FROM page p JOIN feed f USING (feed) JOIN entry e USING (feed, hash) JOIN article a ON a.article = e.article
         WHERE p.url = ?1 AND p.due IS NOT NULL AND p.feed NOT IN ({PAUSED}) ORDER BY p.due LIMIT {SHARED_MAX}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let wanted = statement.query_map([url], wanted_page)?;
    wanted.collect()
}

fn wanted_page(row: &Row<'_>) -> rusqlite::Result<WantedPage> {
    let lang: Option<String> = row.get("lang")?;
    let words = |text: Option<String>| text.iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
    let text: String = row.get("text")?;
    let text_source = text_source(&row.get::<_, String>("text_source")?);
    let mut summary: Option<String> = row.get("summary")?;
    if text_source == TextSource::FeedSummary && summary.is_none() && !text.is_empty() {
        // The same text is kept once.
        summary = Some(text.clone());
    }
    let article = Article {
        id: ArticleId { value: row.get("id")?, kind: kind(&row.get::<_, String>("id_kind")?) },
        url: row.get("url")?,
        title: row.get("title")?,
        summary,
        content: None,
        text,
        text_source,
        published: time_or_none(row, "published")?,
        updated: time_or_none(row, "updated")?,
        authors: words(row.get("authors")?),
        categories: words(row.get("categories")?),
        lang: lang.as_deref().and_then(Lang::from_tag),
        enclosures: Vec::new(),
        feed: None,
    };
    Ok(WantedPage {
        feed: parsed(row, "feed_id")?,
        feed_title: row.get("feed_title")?,
        entry: EntryKey(row.get("hash")?),
        fingerprint: row.get::<_, i64>("fingerprint")?.cast_unsigned(),
        url: parsed(row, "page_url")?,
        key: ArticleKey::from_stored(row.get("key")?),
        attempts: row.get("attempts")?,
        article,
    })
}

fn text_source(word: &str) -> TextSource {
    TextSource::ALL.into_iter().find(|source| source.as_str() == word).unwrap_or(TextSource::FeedSummary)
}

fn kind(word: &str) -> IdKind {
    [IdKind::Guid, IdKind::Url, IdKind::Hash].into_iter().find(|kind| kind.as_str() == word).unwrap_or(IdKind::Hash)
}

fn commit(connection: &Connection, page: &PageResult, news: &mut News) -> rusqlite::Result<Committed> {
    let mut committed = Committed::default();
    let wanted = &page.wanted;
    let sql = "SELECT e.feed, e.article, e.key_hash, e.text_hash FROM page p JOIN entry e USING (feed, hash)
         WHERE p.feed = (SELECT feed FROM feed WHERE id = ?1) AND p.hash = ?2 AND p.url = ?3 AND e.fingerprint = ?4";
    let values = params![wanted.feed.as_str(), wanted.entry.0, wanted.url.as_str(), wanted.fingerprint.cast_signed()];
    let known = connection.prepare_cached(sql)?.query_row(values, |row| {
        let (feed, article): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
        let keys: [Option<[u8; 16]>; 2] = [row.get(2)?, row.get(3)?];
        Ok((feed, article, keys))
    });
    // Edited since, or taken by another turn: the page of what it says now is wanted in its own right.
    let Some((feed, article, keys)) = known.optional()? else { return Ok(committed) };
    unwant(connection, feed, wanted.entry)?;
    let (Some((read, alerts)), Some(_)) = (&page.read, article) else { return Ok(committed) };
    let keeper = Keeper { connection, feed, at: page.at };
    keeper.article(read, article)?;
    // What tells the entry stays what the feed said: its next poll finds it unchanged, and a copy of it is still one.
    let sql = "UPDATE entry SET words = ?3 WHERE feed = ?1 AND hash = ?2";
    connection.prepare_cached(sql)?.execute(params![feed, wanted.entry.0, count(read.words())])?;
    committed.edited = 1;
    let own = digest(&[b"entry", wanted.feed.as_str().as_bytes(), &wanted.entry.0]);
    let mut identities = vec![own, digest(&[b"key", wanted.key.as_str().as_bytes()])];
    identities.extend(keys.into_iter().flatten());
    identities.extend(read.text_key().map(|key| key.0));
    for alert in alerts {
        committed.alerts.extend(keeper.alert(alert, &identities, news)?);
    }
    Ok(committed)
}

//! A document that came, by a poll or by a push: its entries, and what every watch makes of those that are new or edited.
//!
//! Knows neither server nor store, so that it can go to the blocking pool.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tracing::debug;
use url::Url;

use super::{matching::Matching, watching::Watching};
use crate::{
    alert::backlog::FirstPoll,
    article::{Article, ArticleFeed, from_entry, identity},
    config::{FeedSettings, FullText, shown_url},
    feed::{
        self, FeedError,
        entry::{Entry, Feed},
        websub::{self, Advertised},
    },
    metrics::Metrics,
    schedule::{Rhythm, pace},
    store::{EntryKey, StoredEntry},
};

/// Where `full_text = "auto"`, an entry with so many words is enough as it is.
const AUTO_WORDS_MAX: usize = 120;

/// A document as the server gave it.
pub(super) struct Document {
    pub body: Bytes,
    pub content_type: Option<String>,
    pub url: Url,
    /// Its `Link` headers.
    pub links: Vec<String>,
}

/// What a document brought; empty where there was none.
#[derive(Default)]
pub(super) struct Read {
    pub about_title: Option<String>,
    pub is_cut: bool,
    pub entries: Vec<StoredEntry>,
    pub seen: Vec<EntryKey>,
    /// The hub that it names.
    pub hub: Option<Advertised>,
    /// `None` where there was no document: what was odd about the last one still stands.
    pub notes: Option<Vec<String>>,
    /// What it says of itself; `None` where there was no document.
    pub rhythm: Option<Rhythm>,
    /// The times that new entries state.
    pub new_times: Vec<Option<DateTime<Utc>>>,
    /// The times that all entries state, of a first document.
    pub first_times: Option<Vec<Option<DateTime<Utc>>>>,
    /// How many arrivals it holds; `None` where there was no document, or an empty one.
    pub window: Option<u32>,
    /// Whether none of its entries was known, though others are.
    pub is_gap: bool,
}

/// What reading one document needs, owned, so that it can go to the blocking pool.
pub(super) struct Reading {
    pub feed: Arc<FeedSettings>,
    pub watching: Arc<Watching>,
    pub metrics: Metrics,
    pub known: HashMap<EntryKey, u64>,
    /// Whether the feed's own ids tell nothing.
    pub ids_change: bool,
    /// Present on a feed's first document: decides what of its backlog is alerted on.
    pub first: Option<FirstPoll>,
    pub now: DateTime<Utc>,
}

impl Reading {
    /// Reads and matches.
    ///
    /// # Errors
    /// The document is no feed, or too broken to be read.
    pub fn read(mut self, document: &Document) -> Result<Read, FeedError> {
        let Document { body, content_type, url, links } = document;
        let mut feed = feed::parse(body, Some(url), content_type.as_deref())?;
        feed.forget_times_ahead(self.now);
        let Feed { about, entries, is_cut, notes } = feed;
        let article_feed = ArticleFeed {
            id: self.feed.id.clone(),
            url: self.feed.shown_url(),
            title: self.feed.name.clone().or_else(|| about.title.clone()),
            tags: self.feed.tags.clone(),
        };
        let time = |entry: &Entry| entry.published.or(entry.updated);
        // An address that holds a secret is its server's business alone.
        let may_tell = shown_url(url, self.feed.secret) == url.as_str();
        let hub = websub::advertised(links, &about, url, may_tell);
        let mut read = Read {
            about_title: about.title,
            is_cut,
            hub,
            notes: Some(notes),
            rhythm: Some(about.rhythm),
            window: (!entries.is_empty()).then(|| pace::window(entries.iter().map(time))),
            first_times: self.first.is_some().then(|| entries.iter().map(time).collect()),
            ..Read::default()
        };
        let ids = if self.ids_change { identity::ids_without_guids(&entries) } else { identity::ids(&entries) };
        let shared_urls = identity::shared_urls(&entries, &ids, about.site_url.as_deref());
        let watching = Arc::clone(&self.watching);
        let matching = Matching { watching: &watching, metrics: &self.metrics.clone(), now: self.now };
        for (id, entry) in ids.into_iter().zip(&entries) {
            let held = self.first.as_mut().and_then(|first| first.holds(entry.published.or(entry.updated)));
            let key = EntryKey::of(&id);
            read.seen.push(key);
            let fingerprint = identity::entry_fingerprint(entry);
            if !self.known.contains_key(&key) {
                read.new_times.push(time(entry));
            }
            if self.known.get(&key) == Some(&fingerprint) {
                continue;
            }
            let article = Article { id, ..from_entry(entry, Some(&article_feed), about.language.as_deref()) };
            let url = article.url.as_deref().filter(|url| !shared_urls.contains(&identity::canonical_url(url)));
            let key = article.key_at(url);
            // Of an address that several share, the page is none of theirs; of what is held, nobody will hear anyway.
            let is_wanted = url.is_some() && held.is_none() && self.wants_page(&article);
            let page = if is_wanted { article.page_url() } else { None };
            read.entries.push(StoredEntry { page, ..matching.entry(article, key, fingerprint, held) });
        }
        let is_new_whole = !read.seen.is_empty() && read.new_times.len() == read.seen.len();
        read.is_gap = is_new_whole && self.first.is_none() && !self.known.is_empty() && !self.ids_change;
        if self.watching.put_in_order() {
            debug!(articles = read.entries.len(), "watches filed anew");
        }
        Ok(read)
    }

    /// Whether the article's page is worth a request.
    fn wants_page(&self, article: &Article) -> bool {
        match self.feed.full_text {
            FullText::Off => false,
            FullText::Always => true,
            FullText::Auto => article.words() < AUTO_WORDS_MAX && self.watching.may_be_after(article, self.now),
        }
    }
}

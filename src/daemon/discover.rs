//! Finds the feeds of a page: asks for the page, then for what may be its feeds, and reads each. What is not read as a feed
//! is none, whatever the page says.
//!
//! What a page leads to is a stranger's word: only http and https are followed, and private addresses only on the host
//! that a person has typed.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use url::Url;

use super::poll::chain;
use crate::{
    config::{FeedSource, shown_url},
    feed::{
        self, FeedError, Format, charset,
        discover::{Candidate, FoundBy, page_links, site_feeds, usual_paths},
    },
    fetch::{Answer, FetchError, FetchRequest, Fetcher},
};

/// Candidates that are asked for at once; nearly all are on one host.
const AT_ONCE: usize = 2;
/// Feeds that are found at usual places: with the first few, the search ends.
const USUAL_CHUNK: usize = 6;

/// A feed that was found and read.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Where it is, after moves for good.
    pub url: Url,
    /// How it was found.
    pub by: FoundBy,
    /// What it calls itself.
    pub title: Option<String>,
    /// Which dialect.
    pub format: Option<Format>,
    /// How many it has now.
    pub entries: usize,
    /// The date of its newest entry.
    pub newest: Option<DateTime<Utc>>,
    /// Of readers' comments, as it seems.
    pub is_comments: bool,
    /// Whether it is allowed a private address, being on the host that was typed.
    pub private: bool,
}

/// What came of looking at an address.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Discovery {
    /// Each once, the likeliest first.
    pub found: Vec<Found>,
    /// What was promised and is none, and what is not followed: addresses as they may be shown, and why.
    pub refused: Vec<(String, String)>,
}

/// What stands behind an address.
enum Behind {
    Feed(Box<Found>, Option<[u8; 32]>),
    Page { html: String, url: Url },
    Neither(String),
}

/// One search.
struct Search<'a> {
    fetcher: &'a Fetcher,
    start: &'a Url,
    /// Whether the host of `start` may have a private address.
    private: bool,
    now: DateTime<Utc>,
}

/// Looks for the feeds of `start`. `private` lets its host have a private address.
///
/// # Errors
/// The address itself can't be asked, and nothing is known of its site.
pub async fn discover(
    fetcher: &Fetcher,
    start: &Url,
    private: bool,
    now: DateTime<Utc>,
) -> Result<Discovery, FetchError> {
    let search = Search { fetcher, start, private, now };
    let mut discovery = Discovery::default();
    let behind = search.look(start, FoundBy::Itself).await;
    let page = match behind {
        Ok(Behind::Feed(found, _)) => {
            discovery.found.push(*found);
            return Ok(discovery);
        }
        Ok(Behind::Page { html, url }) => Some((html, url)),
        Ok(Behind::Neither(why)) => {
            discovery.refused.push((shown_url(start, false), why));
            None
        }
        // The caller decides whether what was typed may be private.
        Err(error @ (FetchError::PrivateAddress { .. } | FetchError::ProxyItself { .. })) => return Err(error),
        // A site may keep programs from its pages and not from its feeds.
        Err(error) if !site_feeds(start, None).is_empty() => {
            discovery.refused.push((shown_url(start, false), chain(&error)));
            None
        }
        Err(error) => return Err(error),
    };
    let html = page.as_ref().map(|(html, _)| html.as_str());
    let mut candidates: Vec<Candidate> = site_feeds(start, html)
        .into_iter()
        .map(|url| Candidate { url, by: FoundBy::Site, is_comments: false })
        .collect();
    if let Some((html, url)) = &page {
        let links = page_links(html, url);
        for scheme in links.refused {
            let why = "a page can't lead to files or commands: they come from the hand-written config alone".to_owned();
            discovery.refused.push((format!("{scheme}:…"), why));
        }
        candidates.extend(links.candidates);
    }
    let mut seen = Seen::default();
    search.try_all(candidates, &mut seen, &mut discovery).await;
    if discovery.found.is_empty() {
        let at = page.as_ref().map_or(start, |(_, url)| url);
        let usual = usual_paths(at);
        for chunk in usual.chunks(USUAL_CHUNK) {
            let chunk =
                chunk.iter().map(|url| Candidate { url: url.clone(), by: FoundBy::UsualPath, is_comments: false });
            // That nothing is there was never promised, so nobody needs to hear of it.
            let mut quiet = Discovery::default();
            search.try_all(chunk.collect(), &mut seen, &mut quiet).await;
            discovery.found.append(&mut quiet.found);
            if !discovery.found.is_empty() {
                break;
            }
        }
    }
    discovery.found.sort_by_key(|found| found.is_comments);
    Ok(discovery)
}

/// The one feed that a page names by `<link>`, where it names one: what whoever gave the page's address must have meant.
pub(super) fn linked_feed(body: &[u8], content_type: Option<&str>, url: &Url) -> Option<Url> {
    let links = page_links(&charset::decode(body, content_type).text, url);
    let mut linked = links.candidates.into_iter().filter(|found| found.by == FoundBy::Link && !found.is_comments);
    let only = linked.next()?;
    (linked.next().is_none() && only.url != *url).then_some(only.url)
}

/// What was asked for, and what came: the same document at two addresses is one feed.
#[derive(Default)]
struct Seen {
    urls: HashSet<Url>,
    bodies: HashSet<[u8; 32]>,
}

impl Search<'_> {
    async fn try_all(&self, candidates: Vec<Candidate>, seen: &mut Seen, discovery: &mut Discovery) {
        let new: Vec<Candidate> = candidates.into_iter().filter(|c| seen.urls.insert(c.url.clone())).collect();
        let looks =
            new.iter().map(|candidate| async move { (candidate, self.look(&candidate.url, candidate.by).await) });
        let mut looks = stream::iter(looks).buffered(AT_ONCE);
        while let Some((candidate, behind)) = looks.next().await {
            let why = match behind {
                Ok(Behind::Feed(found, body)) => {
                    let is_new = found.url == candidate.url || seen.urls.insert(found.url.clone());
                    if is_new && body.is_none_or(|body| seen.bodies.insert(body)) {
                        discovery.found.push(Found { is_comments: candidate.is_comments, ..*found });
                    }
                    continue;
                }
                Ok(Behind::Page { .. }) => "not a feed: an HTML page".to_owned(),
                Ok(Behind::Neither(why)) => why,
                Err(error) => chain(&error),
            };
            // A link that only looked like a feed's promised nothing.
            if candidate.by != FoundBy::Anchor {
                discovery.refused.push((shown_url(&candidate.url, false), why));
            }
        }
    }

    async fn look(&self, url: &Url, by: FoundBy) -> Result<Behind, FetchError> {
        let private = self.private && url.host() == self.start.host();
        let source = FeedSource::Http(url.clone());
        let answer = self.fetcher.fetch(&FetchRequest { private, ..FetchRequest::new(&source) }).await?;
        let (body, content_type, at, moved_to, hash) = match answer {
            Answer::Document { body, content_type, url, moved_to, validators, .. } => {
                (body, content_type, url, moved_to, validators.body_hash)
            }
            Answer::NotModified { .. } => return Ok(Behind::Neither("it answered 304 to a first question".to_owned())),
            Answer::NotNow { status, .. } => {
                return Ok(Behind::Neither(format!("it answered {status}: it asks to be left alone for now")));
            }
            Answer::Gone => return Ok(Behind::Neither("it answered 410: it is gone for good".to_owned())),
        };
        let now = self.now;
        let typed = url.clone();
        let read = tokio::task::spawn_blocking(move || match feed::parse(&body, Some(&at), content_type.as_deref()) {
            Ok(mut feed) => {
                feed.forget_times_ahead(now);
                let newest = feed.entries.iter().filter_map(|entry| entry.published.or(entry.updated)).max();
                let found = Found {
                    url: moved_to.unwrap_or(typed),
                    by,
                    title: feed.about.title,
                    format: feed.about.format,
                    entries: feed.entries.len(),
                    newest,
                    is_comments: false,
                    private,
                };
                Behind::Feed(Box::new(found), hash)
            }
            Err(FeedError::NotAFeed { what: feed::A_PAGE }) => {
                Behind::Page { html: charset::decode(&body, content_type.as_deref()).text, url: at }
            }
            Err(error) => Behind::Neither(error.to_string()),
        });
        Ok(read.await.unwrap_or_else(|error| Behind::Neither(error.to_string())))
    }
}

//! Notices when the lists of feeds change that others write: `managed.toml`, OPML files, OPML lists at an address.
//!
//! Files are looked at twice a second, by time and size; a list at an address is fetched at the start and once a day into
//! a file beside the store, and then it is a file like the others. Nothing else of the config is read anew.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tracing::{info, warn};

use super::poll::{Poller, chain};
use crate::{
    config::{self, FeedOrigin, FeedSettings, FeedSource, OpmlSettings, Settings, managed, opml},
    fetch::{Answer, FetchRequest, Fetcher},
};

/// How old the copy of a list at an address grows before it is fetched again.
const COPY_AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// After one that could not be fetched.
const RETRY: Duration = Duration::from_secs(60 * 60);

/// What tells that a file is another than before.
type Stamp = Option<(SystemTime, u64)>;

/// The lists of a config.
#[derive(Debug)]
pub(super) struct Lists {
    config: PathBuf,
    files: Vec<PathBuf>,
    /// As the files were when they were last read; `None` before that.
    stamps: Option<Vec<Stamp>>,
    /// The config, where it was at fault that they could not be read: they are read when it is another.
    refused: Option<Stamp>,
}

impl Lists {
    /// Of a config that is a file; one without has no lists.
    pub fn of(settings: &Settings) -> Option<Self> {
        let mut files = vec![managed::file(&settings.daemon.data_dir)];
        files.extend(settings.opml.iter().map(|list| list.file.clone()));
        Some(Self { config: settings.file.clone()?, files, stamps: None, refused: None })
    }

    /// The feeds of all lists, where any has changed since the last call; at the first, whatever has happened since the
    /// config was read.
    pub async fn changed(&mut self) -> Option<Vec<FeedSettings>> {
        let mut stamps = Vec::with_capacity(self.files.len());
        for file in &self.files {
            stamps.push(stamp(file).await);
        }
        let config = stamp(&self.config).await;
        if self.stamps.as_ref() == Some(&stamps) && self.refused.is_none_or(|refused| refused == config) {
            return None;
        }
        self.stamps = Some(stamps);
        self.refused = None;
        let path = self.config.clone();
        let loaded = tokio::task::spawn_blocking(move || config::load(&path)).await.ok()?;
        let Some(settings) = loaded.settings else {
            self.refused = Some(config);
            let first = loaded.problems.iter().find(|problem| problem.is_error());
            let error = first.map(|problem| problem.message.as_str());
            warn!(
                error,
                "the lists of feeds have changed and can't be read: `wirewatch check` says why; the old ones stay"
            );
            return None;
        };
        Some(settings.feeds.into_iter().filter(|feed| !matches!(feed.origin, FeedOrigin::Config { .. })).collect())
    }
}

async fn stamp(file: &Path) -> Stamp {
    let about = tokio::fs::metadata(file).await.ok()?;
    Some((about.modified().ok()?, about.len()))
}

/// Fetches the lists at an address whose copies are too old, and says after how long to do so again; `None` where there
/// are no such lists. What is fetched and is no OPML, or breaks off, takes nobody's place.
pub(super) async fn refresh(lists: &[OpmlSettings], fetcher: &Fetcher) -> Option<Duration> {
    let mut again: Option<Duration> = None;
    for list in lists {
        let Some(url) = &list.url else { continue };
        let age = tokio::fs::metadata(&list.file).await.ok().and_then(|about| about.modified().ok()?.elapsed().ok());
        let wait = match age {
            Some(age) if age < COPY_AGE_MAX => COPY_AGE_MAX - age,
            _ => match fetched(list, url, fetcher).await {
                Ok(feeds) => {
                    info!(list = list.shown(), feeds, "list of feeds fetched");
                    COPY_AGE_MAX
                }
                Err(error) => {
                    warn!(list = list.shown(), error, "a list of feeds can't be fetched: the last copy stays");
                    RETRY
                }
            },
        };
        again = Some(again.map_or(wait, |again| again.min(wait)));
    }
    again
}

async fn fetched(list: &OpmlSettings, url: &url::Url, fetcher: &Fetcher) -> Result<usize, String> {
    let source = FeedSource::Http(url.clone());
    let body = match fetcher.fetch(&FetchRequest::new(&source)).await {
        Ok(Answer::Document { body, .. }) => body,
        Ok(Answer::NotNow { status, .. }) => return Err(format!("the server answered {status}")),
        Ok(Answer::Gone) => return Err("the server answered 410: it is gone for good".to_owned()),
        Ok(Answer::NotModified { .. }) => return Err("the server answered 304 to a first question".to_owned()),
        Err(error) => return Err(chain(&error)),
    };
    let file = list.file.clone();
    let written = tokio::task::spawn_blocking(move || {
        let read = opml::read(&body).map_err(|error| error.to_string())?;
        if !read.is_whole {
            return Err("it breaks off before its `</opml>`".to_owned());
        }
        managed::replace(&file, &body).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(read.feeds.len())
    });
    written.await.map_err(|error| error.to_string())?
}

/// The feeds of a config for one turn: lists at an address are fetched first where that is due.
pub(super) async fn feeds_of_turn(settings: &Settings, poller: &Poller) -> Vec<FeedSettings> {
    let mut feeds = settings.feeds.clone();
    if refresh(&settings.opml, &poller.fetcher).await.is_some()
        && let Some(mut lists) = Lists::of(settings)
        && let Some(listed) = lists.changed().await
    {
        feeds.retain(|feed| matches!(feed.origin, FeedOrigin::Config { .. }));
        feeds.extend(listed);
    }
    feeds
}

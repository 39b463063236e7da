//! What `serve` asks of the daemon: to take in what came over HTTP. `daemon` hands in the other end.
//!
//! Bounded twice: so many bodies are in memory at once, each of a bounded size. Who comes then waits for a place, and is
//! told to come again where none becomes free. A place is held until what came is stored, whoever gives up waiting.

use std::{sync::Arc, time::Duration};

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::timeout,
};

use crate::{alert::AlertId, article::Article, config::FeedId};

/// Bodies in memory at once: what one disk stores in a moment.
const PLACES: usize = 8;
/// Who waits longer for a place had better come again.
const PLACE_WAIT: Duration = Duration::from_secs(5);
/// A body that takes longer to come holds up others.
const BODY_TIME_MAX: Duration = Duration::from_secs(20);

/// Something to take in, and whom to tell what came of it.
#[derive(Debug)]
pub enum Command {
    /// What a hub pushed, its signature checked.
    Push {
        /// What.
        push: Push,
        /// Told once all of it is stored.
        answer: oneshot::Sender<PushEnd>,
        /// Given back when it is done with.
        place: Place,
    },
    /// A feed's hub is of no use: its feed is polled.
    PollInstead {
        /// Which.
        feed: FeedId,
    },
    /// What is to be asked of hubs, and when, has changed.
    LookAtHubs,
    /// Articles from a program.
    Articles {
        /// At least one.
        articles: Vec<Article>,
        /// Told once all of them are stored: the alerts that each has made; `None` where they could not be stored.
        answer: oneshot::Sender<Option<Vec<Vec<AlertId>>>>,
        /// Given back when it is done with.
        place: Place,
    },
}

/// A document that a hub pushed.
#[derive(Debug)]
pub struct Push {
    /// Of which feed.
    pub feed: FeedId,
    /// As it came.
    pub body: Bytes,
    /// As it came.
    pub content_type: Option<String>,
    /// Whether the hub had pushed badly before.
    pub was_unfit: bool,
}

/// What came of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushEnd {
    /// Its new or edited entries are stored.
    New,
    /// It had none.
    Unchanged,
    /// It is no document that can be read: the feed is polled instead.
    Unreadable,
    /// The feed is paused.
    Paused,
    /// Nobody watches the feed any more.
    Unwanted,
    /// The store could not take it.
    NotStored,
}

impl PushEnd {
    /// As in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Unchanged => "unchanged",
            Self::Unreadable => "unreadable",
            Self::Paused | Self::Unwanted => "unwanted",
            Self::NotStored => "not_stored",
        }
    }
}

/// The right to have a body in memory.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

/// The way to the daemon. Cheap to clone; all clones share the places.
#[derive(Debug, Clone)]
pub struct Commands {
    sender: mpsc::Sender<Command>,
    places: Arc<Semaphore>,
}

/// Why a body was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge,
    TooSlow,
}

impl Commands {
    /// The way, and its other end.
    pub fn new() -> (Self, mpsc::Receiver<Command>) {
        let (sender, receiver) = mpsc::channel(PLACES);
        (Self { sender, places: Arc::new(Semaphore::new(PLACES)) }, receiver)
    }

    /// Waits a while for a place; `None` where none became free.
    pub(super) async fn place(&self) -> Option<Place> {
        let permit = timeout(PLACE_WAIT, Arc::clone(&self.places).acquire_owned()).await.ok()?.ok()?;
        Some(Place { _permit: permit })
    }

    /// Hands over what needs no answer.
    pub(super) async fn tell(&self, command: Command) {
        // The other end is gone only where the daemon is stopping, and the next start polls.
        let _ = self.sender.send(command).await;
    }

    /// Hands a command over and waits for what came of it; `None` where the daemon is stopping.
    pub(super) async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (answer, told) = oneshot::channel();
        self.sender.send(command(answer)).await.ok()?;
        told.await.ok()
    }
}

/// The whole of a body, if it comes in time and is not larger than `bytes_max`.
pub(super) async fn whole(body: Body, bytes_max: usize) -> Result<Bytes, BodyError> {
    match timeout(BODY_TIME_MAX, to_bytes(body, bytes_max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(BodyError::TooLarge),
        Err(_) => Err(BodyError::TooSlow),
    }
}

//! What is true: feeds' states, articles, alerts and the outbox, in one SQLite file.
//!
//! Only this room says "committed". [`Store::commit_poll`] makes a poll's validators, articles, alerts and outbox rows
//! true at one moment, so that a crash can repeat a poll and never lose one. One thread writes and commits many
//! callers' work together (`writer`); a few read-only connections answer questions (`sqlite::connection`).
//!
//! Uses `alert`, `article`, `clock`, `config` and `fetch::hints`; knows nothing of who sends or serves what it keeps.

mod poll_result;
mod commit;
mod error;
mod announce;
mod batch;
mod deliveries;
mod health;
mod keep;
mod moving;
mod outbox;
mod page;
mod query;
mod retain;
mod sink;
mod sqlite;
mod websub;
mod wish;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::Connection;
use tokio::sync::watch;

pub use batch::Batched;
pub use deliveries::{Changed, Chosen, DeliveryFilter, DeliveryState, StoredDelivery, UnknownState};
pub use error::StoreError;
pub use health::Hearing;
pub use moving::MovedDeliveries;
pub use outbox::{Attempt, AttemptEnd, Backlog, Delivery, DeliveryId, Due, MessageKind, Settled, Which};
pub use page::{PageFailure, PageResult, WantedPage};
pub use poll_result::{
    Committed, CommittedAlert, EntryKey, Moved, NewAlert, NewEvent, PollResult, PushResult, SourceKey, StoredEntry,
    StoredOutcome,
};
pub use query::{AlertFilter, FeedActivity, FeedState, StoredAlert};
pub use retain::Forgotten;
pub use sink::SinkState;
pub use websub::{NewSubscription, Subscription, SubscriptionState};
pub use wish::{FeedWish, Resumed};

use self::{
    sqlite::connection::{self, Readers},
    writer::Writer,
};
use crate::clock::Clock;

/// Who opens the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The one that polls: makes the file where there is none, and holds the lock against a second one.
    Daemon,
    /// A command that may run beside the daemon: short transactions, no lock, and the file must be there.
    Beside,
}

/// The store, open. Cheap to clone; the last handle that goes away closes the file.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    path: PathBuf,
    // Declared, and so dropped, before `writer`: the connection that closes last folds the log into the file.
    readers: Readers,
    writer: Writer,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.0.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the file at `path`, and brings its schema up to date. Blocks for as long as that takes.
    ///
    /// # Errors
    /// Another daemon holds it ([`StoreError::Held`]), there is none ([`StoreError::Missing`], only beside), it is of a
    /// newer wirewatch, is no store, or the disk says no.
    pub fn open(path: &Path, clock: Clock, role: Role) -> Result<Self, StoreError> {
        let (connection, lock) = connection::open(path, clock, role)?;
        let readers = Readers::new(path);
        let writer = Writer::start(path, connection, lock)?;
        Ok(Self(Arc::new(Inner { path: path.to_owned(), readers, writer })))
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Marks a change each time a commit has brought new outbox rows.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.0.writer.changed()
    }

    /// Size of the file and its log, in bytes.
    pub fn bytes(&self) -> u64 {
        let log = connection::beside(&self.0.path, "-wal");
        [self.0.path.as_path(), &log].iter().filter_map(|p| std::fs::metadata(p).ok()).map(|m| m.len()).sum()
    }

    /// Runs `work` in the writer's next transaction; answers when that is on disk.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &mut writer::News) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.writer.run(work).await
    }

    /// Runs `question` on a read-only connection, on the blocking pool.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        let permit = inner.readers.permit().await;
        let answer = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            inner.readers.ask(question)
        });
        match answer.await {
            Ok(answer) => answer,
            Err(_) => Err(StoreError::Closed { path: self.0.path.clone() }),
        }
    }
}

//! What can go wrong with the store, said so that a person knows what to do.

use std::{io, path::PathBuf, sync::Arc};

use rusqlite::ErrorCode;

/// Why the store could not do what it was asked. Nothing that failed is half done.
///
/// Clones, because one failed transaction is the answer to everyone who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another daemon has it.
    #[error(
        "the store {} is in use by wirewatch {holder}; stop that one, or give this one its own `data_dir`",
        path.display()
    )]
    Held {
        /// The store.
        path: PathBuf,
        /// Process and host, as the holder wrote them down.
        holder: String,
    },
    /// There is no such file, and who asks may not make one.
    #[error("there is no store at {} yet; `wirewatch run` makes it", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A newer wirewatch has written it.
    #[error(
        "the store {} is of a newer wirewatch (schema {found}, this one knows {known}); run that version, \
         or restore a backup from before the upgrade",
        path.display()
    )]
    Newer {
        /// The store.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// An older daemon has it open, so its schema must stay as it is.
    #[error("the store {} is in use by an older wirewatch; restart the daemon with this version first", path.display())]
    Older {
        /// The store.
        path: PathBuf,
    },
    /// The file is no SQLite database, or a broken one.
    #[error(
        "the store {} is damaged or is no wirewatch store ({reason}); move it away or restore a backup",
        path.display()
    )]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What SQLite said.
        reason: String,
    },
    /// No room.
    #[error("no space left for the store {}; free some, nothing that was acknowledged is lost", path.display())]
    Full {
        /// The store.
        path: PathBuf,
    },
    /// The file or its folder can't be written.
    #[error(
        "the store {} can't be written ({reason}); its file and folder must belong to who runs wirewatch",
        path.display()
    )]
    ReadOnly {
        /// The store.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Somebody else kept it locked for longer than we wait.
    #[error("the store {} is locked by another program; close whatever else has it open", path.display())]
    Busy {
        /// The store.
        path: PathBuf,
    },
    /// The folder or the lock file made trouble.
    #[error("{} can't be opened: {source}", path.display())]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Any other answer of SQLite.
    #[error("the store {} failed: {source}", path.display())]
    Sqlite {
        /// The store.
        path: PathBuf,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// The writer has ended.
    #[error("the store {} is closed", path.display())]
    Closed {
        /// The store.
        path: PathBuf,
    },
}

impl StoreError {
    /// Whether the same may succeed later without anyone changing anything in wirewatch.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Busy { .. } | Self::Sqlite { .. } => true,
            Self::Held { .. }
            | Self::Missing { .. }
            | Self::Newer { .. }
            | Self::Older { .. }
            | Self::Damaged { .. }
            | Self::ReadOnly { .. }
            | Self::Io { .. }
            | Self::Closed { .. } => false,
        }
    }

    /// What SQLite's answer means for the store at `path`.
    pub(super) fn from_sqlite(path: &std::path::Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let reason = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged { path, reason },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path, reason }
            }
            _ => Self::Sqlite { path, source: Arc::new(error) },
        }
    }
}

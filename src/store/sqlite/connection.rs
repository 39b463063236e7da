//! Opens the file: the lock against a second daemon, the settings that promise durability, a few readers.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{migrate, privacy};
use crate::{
    clock::Clock,
    store::{Role, StoreError, outbox, query, sink},
};

/// How long we wait for another program's lock: longer than any short transaction, shorter than a person's patience.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Pages that the writer keeps: the indexes' upper levels and the tail that is being written.
const WRITER_CACHE_KIB: i64 = 4_096;
/// Pages that each reader keeps; a thousand idle feeds have to fit into 60 MB.
const READER_CACHE_KIB: i64 = 1_024;
/// Readers at once. Questions are short, and each connection costs memory.
const READERS_MAX: usize = 2;
/// Prepared statements a connection keeps: more than the store has.
const STATEMENTS_MAX: usize = 64;
/// The log is folded into the file when it has so many pages (16 MB). Four times SQLite's own number: the first polls of
/// a thousand feeds then sync the file a quarter as often, and take 1.2 s instead of 2.6 s.
const LOG_PAGES_MAX: i64 = 4_096;
/// A log that grew beyond that, because somebody was reading, is cut back to this.
const LOG_BYTES_MAX: i64 = 16 * 1024 * 1024;

/// The lock on a store, given back when the file is closed.
pub(in crate::store) type Lock = Option<File>;

/// A path beside the store's: its log, its lock.
pub(in crate::store) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Opens the one connection that writes.
pub(in crate::store) fn open(path: &Path, clock: Clock, role: Role) -> Result<(Connection, Lock), StoreError> {
    match role {
        Role::Daemon => {
            if let Some(folder) = path.parent() {
                privacy::create_folder(folder).map_err(|error| io_error(folder, error))?;
            }
            let lock = lock(path)?;
            privacy::create_file(path).map_err(|error| io_error(path, error))?;
            let mut connection = connect(path)?;
            migrate::migrate(&mut connection, path)?;
            mend_clock(&connection, clock).map_err(|error| StoreError::from_sqlite(path, error))?;
            Ok((connection, Some(lock)))
        }
        Role::Beside => {
            if !path.exists() {
                return Err(StoreError::Missing { path: path.into() });
            }
            let mut connection = connect(path)?;
            if migrate::schema_of(&connection, path)? < migrate::SCHEMA {
                // The tables of a running daemon stay as it knows them.
                let _lock = lock(path).map_err(|error| match error {
                    StoreError::Held { path, .. } => StoreError::Older { path },
                    other => other,
                })?;
                migrate::migrate(&mut connection, path)?;
            }
            Ok((connection, None))
        }
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // FULL syncs the log at each commit: what was acknowledged survives a power cut, not only a crash.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES_MAX)?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES_MAX)?;
        // Savepoints keep their undo pages here, and not in a file.
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(connection)
    };
    open().map_err(|error| StoreError::from_sqlite(path, error))
}

/// A clock that was set back leaves times in the store that would be waited for too long; those are now.
fn mend_clock(connection: &Connection, clock: Clock) -> rusqlite::Result<()> {
    let now = clock.now();
    outbox::bring_near(connection, now)?;
    sink::bring_near(connection, now)?;
    query::bring_near(connection, now)
}

/// Takes the lock beside the store, and writes down who has it.
fn lock(path: &Path) -> Result<File, StoreError> {
    let lock_path = beside(path, ".lock");
    let mut file = privacy::options().open(&lock_path).map_err(|error| io_error(&lock_path, error))?;
    match file.try_lock() {
        Ok(()) => {
            let holder = format!("process {} on {}", std::process::id(), host());
            let write = |file: &mut File| {
                file.set_len(0)?;
                file.rewind()?;
                file.write_all(holder.as_bytes())
            };
            write(&mut file).map_err(|error| io_error(&lock_path, error))?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // A holder that has just started may not have written yet.
            let read = file.take(1_000).read_to_string(&mut holder);
            let known = read.is_ok() && !holder.trim().is_empty();
            let holder = if known { holder.trim().to_owned() } else { "that is just starting".to_owned() };
            Err(StoreError::Held { path: path.into(), holder })
        }
        Err(TryLockError::Error(error)) => Err(io_error(&lock_path, error)),
    }
}

fn host() -> String {
    let from_kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = from_kernel.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_default();
    let host = host.trim();
    if host.is_empty() { "this host".to_owned() } else { host.to_owned() }
}

fn io_error(path: &Path, error: io::Error) -> StoreError {
    StoreError::Io { path: path.into(), source: Arc::new(error) }
}

/// Read-only connections, opened when first needed and kept.
pub(in crate::store) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(in crate::store) fn new(path: &Path) -> Self {
        Self { path: path.into(), idle: Mutex::new(Vec::new()), permits: Arc::new(Semaphore::new(READERS_MAX)) }
    }

    /// Waits for a turn; hold it while asking.
    pub(in crate::store) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        // Never closed, so always a permit.
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }

    /// Asks on a connection of its own.
    pub(in crate::store) fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let ask = || {
            let connection = match kept {
                Some(connection) => connection,
                None => self.connect()?,
            };
            let answer = question(&connection)?;
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            Ok(answer)
        };
        ask().map_err(|error| StoreError::from_sqlite(&self.path, error))
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(connection)
    }
}

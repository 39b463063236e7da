//! The writing thread: one connection, a bounded queue in front, many callers' work in one transaction.
//!
//! A commit costs a sync of the disk, about 2.5 ms; work that waits meanwhile goes into the next one together. Every
//! job has a savepoint of its own, so one that fails leaves nothing and harms no other, and every caller is answered
//! after the commit.

use std::{
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::{StoreError, sqlite::connection::Lock};

/// Work that waits: enough to fill two transactions; whoever comes then waits for a place.
const QUEUE_JOBS_MAX: usize = 128;
/// Jobs in one transaction, so that the first caller's answer is not held up for long …
const BATCH_JOBS_MAX: usize = 64;
/// … and time that they may take before the commit.
const BATCH_TIME_MAX: Duration = Duration::from_millis(5);

/// What a job did that others wait for.
#[derive(Debug, Default)]
pub(super) struct News {
    /// It added outbox rows.
    pub outbox: bool,
}

/// One caller's work, from the queue to its answer.
trait Job: Send {
    /// Does the work, once.
    fn run(&mut self, connection: &Connection);
    /// What went wrong in the work itself.
    fn error(&self) -> Option<&StoreError>;
    /// Whether the work added outbox rows.
    fn fills_outbox(&self) -> bool;
    /// Tells the caller, once the commit has been tried.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Work<F, T> {
    path: Arc<Path>,
    work: Option<F>,
    news: News,
    result: Option<Result<T, StoreError>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Job for Work<F, T>
where
    F: FnOnce(&Connection, &mut News) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection) {
        if let Some(work) = self.work.take() {
            let result = work(connection, &mut self.news);
            self.result = Some(result.map_err(|error| StoreError::from_sqlite(&self.path, error)));
        }
    }

    fn error(&self) -> Option<&StoreError> {
        self.result.as_ref().and_then(|result| result.as_ref().err())
    }

    fn fills_outbox(&self) -> bool {
        self.news.outbox && self.error().is_none()
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let answer = match (self.result, committed) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(error)) => Err(error),
            (Some(value), Ok(())) => value,
            (None, Ok(())) => Err(closed(&self.path)),
        };
        // A caller that has gone needs no answer.
        let _ = self.caller.send(answer);
    }
}

fn closed(path: &Path) -> StoreError {
    StoreError::Closed { path: path.into() }
}

/// The thread and the queue before it.
pub(super) struct Writer {
    path: Arc<Path>,
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    changed: watch::Receiver<u64>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. It ends, and gives `lock` back, when the writer is dropped.
    pub fn start(path: &Path, connection: Connection, lock: Lock) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::channel(QUEUE_JOBS_MAX);
        let (news, changed) = watch::channel(0);
        let path: Arc<Path> = path.into();
        let writing = Writing { path: Arc::clone(&path), connection, news };
        let work = move || {
            // Dropped after the connection: nobody else opens the file before it is closed.
            let _lock = lock;
            writing.work(jobs);
        };
        let thread = thread::Builder::new()
            .name("store".into())
            .spawn(work)
            .map_err(|error| StoreError::Io { path: path.to_path_buf(), source: Arc::new(error) })?;
        Ok(Self { path, queue: Some(queue), changed, thread: Some(thread) })
    }

    /// Counts the commits that brought outbox rows.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }

    /// Runs `work` in the next transaction; answers after its commit.
    ///
    /// When the caller goes away while it waits, the work is still done: half a poll is nobody's wish.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &mut News) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (caller, answer) = oneshot::channel();
        let path = Arc::clone(&self.path);
        let job = Box::new(Work { path, work: Some(work), news: News::default(), result: None, caller });
        let queue = self.queue.as_ref().ok_or_else(|| closed(&self.path))?;
        queue.send(job).await.map_err(|_| closed(&self.path))?;
        answer.await.map_err(|_| closed(&self.path))?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // What waits is written first: milliseconds, and then the file is closed for certain.
            let _ = thread.join();
        }
    }
}

/// What the thread owns.
struct Writing {
    path: Arc<Path>,
    connection: Connection,
    news: watch::Sender<u64>,
}

impl Writing {
    fn work(self, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
        while let Some(first) = jobs.blocking_recv() {
            self.transaction(first, &mut jobs);
        }
        // Lets the next start plan its queries by what is in the tables; nothing hangs on it.
        if let Err(error) = self.connection.execute_batch("PRAGMA optimize") {
            tracing::debug!(%error, "could not look over the store's statistics");
        }
    }

    /// One transaction: `first`, and what else waits.
    fn transaction(&self, first: Box<dyn Job>, jobs: &mut mpsc::Receiver<Box<dyn Job>>) {
        let started = Instant::now();
        let mut batch = vec![first];
        let committed = self.fill(&mut batch, jobs, started).and_then(|()| self.run("COMMIT"));
        if committed.is_err()
            && !self.connection.is_autocommit()
            && let Err(error) = self.run("ROLLBACK")
        {
            tracing::error!(%error, "could not take back a failed transaction");
        }
        if committed.is_ok() && batch.iter().any(|job| job.fills_outbox()) {
            self.news.send_modify(|count| *count = count.wrapping_add(1));
        }
        for job in batch {
            job.answer(committed.clone());
        }
    }

    /// Begins, and runs jobs while some wait and there is room.
    ///
    /// # Errors
    /// The transaction as a whole can't be committed.
    fn fill(
        &self,
        batch: &mut Vec<Box<dyn Job>>,
        jobs: &mut mpsc::Receiver<Box<dyn Job>>,
        started: Instant,
    ) -> Result<(), StoreError> {
        self.run("BEGIN IMMEDIATE")?;
        loop {
            if let Some(job) = batch.last_mut() {
                self.job(job.as_mut())?;
            }
            if batch.len() == BATCH_JOBS_MAX || started.elapsed() >= BATCH_TIME_MAX {
                return Ok(());
            }
            match jobs.try_recv() {
                Ok(job) => batch.push(job),
                Err(_) => return Ok(()),
            }
        }
    }

    /// One job between savepoints. Its own failure is its caller's alone.
    ///
    /// # Errors
    /// The transaction is lost: a full disk or an I/O error makes SQLite take all of it back.
    fn job(&self, job: &mut dyn Job) -> Result<(), StoreError> {
        self.run("SAVEPOINT job")?;
        job.run(&self.connection);
        if let Some(error) = job.error() {
            if self.connection.is_autocommit() {
                return Err(error.clone());
            }
            self.run("ROLLBACK TO job")?;
        }
        self.run("RELEASE job")
    }

    fn run(&self, sql: &str) -> Result<(), StoreError> {
        let run = || self.connection.prepare_cached(sql)?.execute([]).map(|_| ());
        run().map_err(|error| StoreError::from_sqlite(&self.path, error))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn insert(writer: &Writer, bytes: i64) -> Result<usize, StoreError> {
        writer.run(move |connection, _| connection.execute("INSERT INTO t VALUES (zeroblob(?1))", [bytes])).await
    }

    #[tokio::test]
    async fn full_disk_acknowledges_nothing_and_goes_on_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (x)").unwrap();
        // SQLite answers a file at its page limit as it answers a disk without room.
        connection.pragma_update(None, "max_page_count", 10).unwrap();
        let writer = Writer::start(&path, connection, None).unwrap();
        let (small, big) = tokio::join!(insert(&writer, 10), insert(&writer, 1_000_000));
        assert!(matches!(big, Err(StoreError::Full { .. })), "{big:?}");
        let rows = |c: &Connection, _: &mut News| c.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0));
        assert_eq!(writer.run(rows).await.unwrap(), i64::from(small.is_ok()));
        writer.run(|c, _| c.pragma_update(None, "max_page_count", 10_000)).await.unwrap();
        assert_eq!(insert(&writer, 1_000_000).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn locked_store_acknowledges_nothing_and_goes_on_when_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (x)").unwrap();
        connection.busy_timeout(Duration::from_millis(20)).unwrap();
        let writer = Writer::start(&path, connection, None).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let refused = insert(&writer, 10).await;
        assert!(matches!(refused, Err(StoreError::Busy { .. })), "{refused:?}");
        other.execute_batch("ROLLBACK").unwrap();
        assert_eq!(insert(&writer, 10).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn work_that_waits_is_written_before_the_file_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (x)").unwrap();
        let writer = Writer::start(&path, connection, None).unwrap();
        {
            // Polled once: the job is in the queue, and its caller goes away.
            let mut waiting = Box::pin(insert(&writer, 10));
            assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        }
        drop(writer);
        let rows: i64 = Connection::open(&path).unwrap().query_row("SELECT count(*) FROM t", [], |r| r.get(0)).unwrap();
        assert_eq!(rows, 1);
    }
}

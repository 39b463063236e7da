//! How each sink does, kept so that a restart forgets nothing, and what people ask of sinks by command.
//!
//! A sink's worker writes what it learns; a command writes what a person wants and counts `version` up. A worker that
//! knows an older version writes nothing: it reads anew, within the second in which the daemon notices.

use chrono::{DateTime, Duration, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    DeliveryId, Store, StoreError,
    sqlite::rows::{millis, parsed, time_or_none},
};
use crate::config::SinkId;

/// No pause and no wait for a probe is longer than a day and its jitter; one that is met a clock that was set back.
const WAIT_MAX: Duration = Duration::hours(25);
/// Rows that become dead letters in one transaction, so that others hardly wait for it.
const BURIED_AT_ONCE: usize = 500;

/// How a sink does. The default is one that nothing is known of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SinkState {
    /// What people asked, counted.
    pub version: i64,
    /// Where it sends to, hashed.
    pub target: Option<[u8; 16]>,
    /// Since when it is not sent to, by command.
    pub paused: Option<DateTime<Utc>>,
    /// Since when it takes nothing: it said that it is gone.
    pub disabled: Option<DateTime<Utc>>,
    /// In a row, over all its rows.
    pub failures: u32,
    /// The first of them.
    pub failing_since: Option<DateTime<Utc>>,
    /// What was said at the last one.
    pub last_failure: Option<String>,
    /// When it last took something, to a minute.
    pub last_success: Option<DateTime<Utc>>,
    /// Since when it is only probed.
    pub down: Option<DateTime<Utc>>,
    /// When the next probe goes out.
    pub probe_at: Option<DateTime<Utc>>,
    /// The row that it is; `None` is the first that is due.
    pub probe: Option<DeliveryId>,
    /// Probes in vain.
    pub probes: u32,
    /// When the other sinks were told that it fails.
    pub told: Option<DateTime<Utc>>,
    /// Answers 410 since its last success …
    pub gone: u32,
    /// … and the first of them.
    pub gone_since: Option<DateTime<Utc>>,
    /// It asked for a pause until then.
    pub hold_until: Option<DateTime<Utc>>,
}

impl SinkState {
    /// What is left of it when the sink is to be tried as if nothing had been.
    pub fn afresh(&self) -> Self {
        let Self { version, target, paused, last_success, .. } = self.clone();
        Self { version, target, paused, last_success, ..Self::default() }
    }

    /// The same where nothing has been taken yet: who was told that it fails will hear when it does well again.
    pub fn revived(&self) -> Self {
        let failing_since = self.failing_since.filter(|_| self.told.is_some());
        Self { told: self.told, failing_since, ..self.afresh() }
    }

    /// The clock that told its times was set back. What a person sees of a command stays as it was.
    pub fn set_back(&mut self, by: TimeDelta) {
        let Self { failing_since, last_success, down, probe_at, told, gone_since, hold_until, .. } = self;
        for time in [failing_since, last_success, down, probe_at, told, gone_since, hold_until] {
            *time = time.and_then(|time| time.checked_sub_signed(by));
        }
    }
}

impl Store {
    /// How a sink does.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn sink_state(&self, sink: &SinkId) -> Result<SinkState, StoreError> {
        let sink = sink.clone();
        self.read(move |connection| load(connection, &sink)).await
    }

    /// How every sink does of which something is known.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn sink_states(&self) -> Result<Vec<(SinkId, SinkState)>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM sink ORDER BY sink")?;
            let states = statement.query_map([], |row| Ok((parsed(row, "sink")?, state(row)?)))?;
            states.collect()
        })
        .await
    }

    /// How often commands have changed the outbox or a sink; another number than last time is news.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn asked(&self) -> Result<i64, StoreError> {
        self.read(|connection| connection.prepare_cached("SELECT count FROM outbox_asked")?.query_row([], |r| r.get(0)))
            .await
    }

    /// Sends nothing to a sink until it is resumed; whether it was not paused yet.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn pause_sink(&self, sink: &SinkId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        self.ask_sink(sink, move |state| state.paused.is_none() && state.paused.replace(now).is_none()).await
    }

    /// Lets a paused sink go on; whether it was paused.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn resume_sink(&self, sink: &SinkId) -> Result<bool, StoreError> {
        self.ask_sink(sink, |state| state.paused.take().is_some()).await
    }

    /// Tries a sink as if nothing had been, neither disabled nor down, told to wait or failing, and now what waits for its
    /// retry; gives how it was, and how many rows those are.
    ///
    /// # Errors
    /// Nothing is changed.
    pub async fn revive_sink(&self, sink: &SinkId, now: DateTime<Utc>) -> Result<(SinkState, usize), StoreError> {
        let sink = sink.clone();
        self.write(move |connection, news| {
            let before = change(connection, &sink, |state| std::mem::replace(state, state.revived()))?;
            let hastened = hasten(connection, &sink, now, Duration::zero())?;
            if hastened > 0 {
                ask(connection)?;
                news.outbox = true;
            }
            Ok((before, hastened))
        })
        .await
    }

    /// Makes due now what waits for another attempt at a sink; gives how many rows that were.
    ///
    /// # Errors
    /// They wait on.
    pub async fn hasten(&self, sink: &SinkId, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let sink = sink.clone();
        self.write(move |connection, news| {
            let hastened = hasten(connection, &sink, now, Duration::zero())?;
            if hastened > 0 {
                ask(connection)?;
                news.outbox = true;
            }
            Ok(hastened)
        })
        .await
    }

    /// Makes one row of a sink due now, the one that probes if it waits, else the next: to see whether the sink is back.
    ///
    /// # Errors
    /// It waits on.
    pub async fn hasten_one(
        &self,
        sink: &SinkId,
        probe: Option<DeliveryId>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let sink = sink.clone();
        self.write(move |connection, _| {
            let sql = "UPDATE outbox SET due = min(due, ?2) WHERE delivery = (SELECT delivery FROM outbox
                     WHERE sink = ?1 AND state = 'pending' ORDER BY delivery = ?3 DESC, due, delivery LIMIT 1)";
            connection.prepare_cached(sql)?.execute(params![sink.as_str(), millis(now), probe.map(|row| row.0)])?;
            Ok(())
        })
        .await
    }

    async fn ask_sink<T: Send + 'static>(
        &self,
        sink: &SinkId,
        wish: impl FnOnce(&mut SinkState) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let sink = sink.clone();
        self.write(move |connection, _| change(connection, &sink, wish)).await
    }

    /// Makes dead letters of some rows that wait for a sink which takes nothing any more; 0 when none waits.
    ///
    /// # Errors
    /// They still wait.
    pub async fn bury(&self, sink: &SinkId, now: DateTime<Utc>, reason: &str) -> Result<usize, StoreError> {
        let (sink, reason) = (sink.clone(), reason.to_owned());
        self.write(move |connection, _| {
            let sql = "UPDATE outbox SET state = 'dead', ended = ?2, last_error = ?3 WHERE delivery IN
                     (SELECT delivery FROM outbox WHERE sink = ?1 AND state = 'pending' ORDER BY due, delivery LIMIT ?4)
                 RETURNING delivery, event";
            let mut statement = connection.prepare_cached(sql)?;
            let values = params![sink.as_str(), millis(now), reason, BURIED_AT_ONCE as i64];
            let rows = statement.query_map(values, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)))?;
            let buried = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            for (batch, _) in buried.iter().filter(|(_, event)| event.is_some()) {
                super::batch::end_members(connection, *batch)?;
            }
            Ok(buried.len())
        })
        .await
    }

    /// How many rows wait for a sink.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn waiting(&self, sink: &SinkId) -> Result<i64, StoreError> {
        let sink = sink.clone();
        self.read(move |connection| {
            let sql = "SELECT count(*) FROM outbox WHERE sink = ?1 AND state = 'pending'";
            connection.prepare_cached(sql)?.query_row([sink.as_str()], |row| row.get(0))
        })
        .await
    }
}

/// Changes a sink's state as a command wants it; where that is news, the daemon notices.
fn change<T>(connection: &Connection, sink: &SinkId, wish: impl FnOnce(&mut SinkState) -> T) -> rusqlite::Result<T> {
    let before = load(connection, sink)?;
    let mut after = before.clone();
    let answer = wish(&mut after);
    if after != before {
        save(connection, sink, &after)?;
        connection.execute("UPDATE sink SET version = version + 1 WHERE sink = ?1", [sink.as_str()])?;
        ask(connection)?;
    }
    Ok(answer)
}

fn load(connection: &Connection, sink: &SinkId) -> rusqlite::Result<SinkState> {
    let mut statement = connection.prepare_cached("SELECT * FROM sink WHERE sink = ?1")?;
    statement.query_row([sink.as_str()], state).optional().map(Option::unwrap_or_default)
}

fn state(row: &Row<'_>) -> rusqlite::Result<SinkState> {
    Ok(SinkState {
        version: row.get("version")?,
        target: row.get("target")?,
        paused: time_or_none(row, "paused")?,
        disabled: time_or_none(row, "disabled")?,
        failures: row.get("failures")?,
        failing_since: time_or_none(row, "failing_since")?,
        last_failure: row.get("last_failure")?,
        last_success: time_or_none(row, "last_success")?,
        down: time_or_none(row, "down")?,
        probe_at: time_or_none(row, "probe_at")?,
        probe: row.get::<_, Option<i64>>("probe")?.map(DeliveryId),
        probes: row.get("probes")?,
        told: time_or_none(row, "told")?,
        gone: row.get("gone")?,
        gone_since: time_or_none(row, "gone_since")?,
        hold_until: time_or_none(row, "hold_until")?,
    })
}

/// Keeps what a worker learned; `false` where a command has asked something since, and nothing is kept.
pub(super) fn save(connection: &Connection, sink: &SinkId, state: &SinkState) -> rusqlite::Result<bool> {
    let sql = "INSERT INTO sink (sink, version, target, paused, disabled, failures, failing_since, last_failure,
             last_success, down, probe_at, probe, probes, told, gone, gone_since, hold_until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
         ON CONFLICT (sink) DO UPDATE SET target = excluded.target, paused = excluded.paused,
             disabled = excluded.disabled, failures = excluded.failures, failing_since = excluded.failing_since,
             last_failure = excluded.last_failure, last_success = excluded.last_success, down = excluded.down,
             probe_at = excluded.probe_at, probe = excluded.probe, probes = excluded.probes, told = excluded.told,
             gone = excluded.gone, gone_since = excluded.gone_since, hold_until = excluded.hold_until
         WHERE version = excluded.version";
    let kept = connection.prepare_cached(sql)?.execute(params![
        sink.as_str(),
        state.version,
        state.target,
        state.paused.map(millis),
        state.disabled.map(millis),
        state.failures,
        state.failing_since.map(millis),
        state.last_failure,
        state.last_success.map(millis),
        state.down.map(millis),
        state.probe_at.map(millis),
        state.probe.map(|row| row.0),
        state.probes,
        state.told.map(millis),
        state.gone,
        state.gone_since.map(millis),
        state.hold_until.map(millis),
    ])?;
    Ok(kept > 0)
}

/// Makes due now what waits for another attempt for longer than `least`.
pub(super) fn hasten(
    connection: &Connection,
    sink: &SinkId,
    now: DateTime<Utc>,
    least: Duration,
) -> rusqlite::Result<usize> {
    let sql = "UPDATE outbox SET due = ?2 WHERE sink = ?1 AND state = 'pending' AND due > ?3";
    connection.prepare_cached(sql)?.execute(params![sink.as_str(), millis(now), millis(now + least)])
}

/// Lets the daemon notice that a command has changed something.
pub(super) fn ask(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE outbox_asked SET count = count + 1")?.execute([]).map(|_| ())
}

/// Takes a sink's times back, as the clock was. A worker's own knowledge of them stays good.
pub(super) fn set_back(connection: &Connection, sink: &SinkId, by: TimeDelta) -> rusqlite::Result<()> {
    let mut state = load(connection, sink)?;
    let before = state.clone();
    state.set_back(by);
    if state != before {
        save(connection, sink, &state)?;
    }
    Ok(())
}

/// Makes due what waits for longer than anything can.
pub(super) fn bring_near(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<()> {
    let sql = "UPDATE sink SET probe_at = CASE WHEN probe_at > ?2 THEN ?1 ELSE probe_at END,
             hold_until = CASE WHEN hold_until > ?2 THEN NULL ELSE hold_until END, version = version + 1
         WHERE probe_at > ?2 OR hold_until > ?2";
    connection.execute(sql, params![millis(now), millis(now + WAIT_MAX)]).map(|_| ())
}

//! What a sink's answers mean for the sink as a whole: down, probed, up again, told of, disabled. Pure.
//!
//! A single failure is its row's affair. Five in a row, over whatever rows, are the sink's: it is *down*, and from then on
//! one probe at a time goes out and the other rows wait without using up attempts. What says plainly that nobody is there
//! (no connection, a timeout, 429, 502, 503, 504) keeps the same row as the probe, at that row's own waits. Any other
//! answer may be about the row, a body that the receiver cannot stand, so the next probe is another row, after the wait
//! that the number of probes asks for. Where that would be long, a row that is due tries before: what is new does not wait
//! for hours because something failed for hours. One success closes the circuit.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::retry::{JITTER, SinkAnswer, WAIT_MAX};
use crate::store::{DeliveryId, SinkState};

/// Failures in a row that make a sink down: more than a restart under eight requests needs to show is no harm, since the
/// first probe comes after the same wait as the first retry.
pub const DOWN_AFTER: u32 = 5;
/// The other sinks are told of one that has taken nothing for this long and failed.
pub const TOLD_AFTER: chrono::Duration = chrono::Duration::minutes(5);
/// A sink that is down is tried so often, while something is due there.
pub const PROBE_WAIT_MAX: Duration = Duration::from_secs(60);
/// A 429 holds the whole sink for no longer; the row that it answered waits for as long as it asks.
pub const HOLD_MAX: Duration = Duration::from_secs(5 * 60);
/// So many answers 410 …
pub const GONE_ANSWERS: u32 = 3;
/// … over this time, without a success between them, disable a sink.
pub const GONE_TIME: chrono::Duration = chrono::Duration::minutes(10);
/// Where `retry` is empty, probes wait for this long.
const PROBE_WAIT: Duration = Duration::from_secs(30);
/// A success is noted so often at most: more would write the sink's row with each delivery.
const SUCCESS_STEP: chrono::Duration = chrono::Duration::minutes(1);

/// How one request ended.
#[derive(Debug, Clone, Copy)]
pub struct Landing<'a> {
    /// When.
    pub at: DateTime<Utc>,
    /// What the sink answered.
    pub answer: SinkAnswer,
    /// The same in words.
    pub said: &'a str,
    /// The first row that it carried, and when that is tried again; `None` where it is a dead letter.
    pub row: (DeliveryId, Option<DateTime<Utc>>),
    /// Whether it went out as a probe.
    pub is_probe: bool,
    /// Whether its row used up an attempt; not the row that tries between the attempts of the one that probes.
    pub is_counted: bool,
}

/// What changed for the sink as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing worth keeping.
    None,
    /// Something to keep, and nobody to tell.
    Noted,
    /// It is down from now on.
    Down,
    /// It takes deliveries again; with `true` the others had been told that it does not.
    Up(bool),
    /// It said that it is gone, for long enough to be believed.
    Gone,
}

/// Takes in how a request ended. `random` is in 0..1.
pub fn landed(state: &mut SinkState, landing: Landing<'_>, schedule: &[Duration], random: f64) -> Turn {
    if landing.answer.is_success() {
        return succeeded(state, landing.at);
    }
    state.failures = state.failures.saturating_add(1);
    if landing.answer.is_for_all() || state.failures >= DOWN_AFTER {
        state.failing_since.get_or_insert(landing.at);
    }
    state.last_failure = Some(landing.said.to_owned());
    if let SinkAnswer::Status { status: 429, retry_after: Some(wait) } = landing.answer {
        state.hold_until = state.hold_until.max(Some(later(landing.at, wait.min(HOLD_MAX))));
    }
    if landing.answer.status() == Some(410) {
        state.gone = state.gone.saturating_add(1);
        let since = *state.gone_since.get_or_insert(landing.at);
        if state.gone >= GONE_ANSWERS && landing.at - since >= GONE_TIME && state.disabled.is_none() {
            state.disabled = Some(landing.at);
            state.told = Some(landing.at);
            return Turn::Gone;
        }
    }
    if state.down.is_some() {
        if landing.is_probe {
            state.probes = state.probes.saturating_add(1);
            next_probe(state, landing, schedule, random);
        }
        return Turn::Noted;
    }
    if state.failures < DOWN_AFTER {
        return Turn::Noted;
    }
    state.down = Some(landing.at);
    state.probes = 0;
    next_probe(state, landing, schedule, random);
    Turn::Down
}

fn succeeded(state: &mut SinkState, at: DateTime<Utc>) -> Turn {
    let was_told = state.told.is_some();
    let (was_down, had_failed) = (state.down.is_some(), state.failures > 0 || state.gone > 0);
    let is_stale = state.last_success.is_none_or(|last| at - last >= SUCCESS_STEP || last > at);
    if !was_down && !had_failed && !was_told && !is_stale {
        return Turn::None;
    }
    // A pause that one answer asked for is kept though another was taken.
    let (hold_until, disabled) = (state.hold_until, state.disabled);
    *state = SinkState { last_success: Some(at), hold_until, disabled, ..state.afresh() };
    if was_down || was_told { Turn::Up(was_told) } else { Turn::Noted }
}

fn next_probe(state: &mut SinkState, landing: Landing<'_>, schedule: &[Duration], random: f64) {
    let (row, retry) = landing.row;
    let jittered = |wait: Duration| wait.mul_f64(1.0 - JITTER + 2.0 * JITTER * random.clamp(0.0, 1.0));
    let soon = later(landing.at, jittered(PROBE_WAIT_MAX));
    if !landing.is_counted {
        // The row that probes keeps its turn.
        state.probe_at = Some(soon);
        return;
    }
    if landing.answer.is_about_the_sink()
        && let Some(retry) = retry
    {
        state.probe = Some(row);
        state.probe_at = Some(retry.min(soon));
        return;
    }
    let place = usize::try_from(state.probes).unwrap_or(usize::MAX).min(schedule.len().saturating_sub(1));
    let wait = jittered(schedule.get(place).copied().unwrap_or(PROBE_WAIT).min(WAIT_MAX));
    let wait = wait.max(landing.answer.retry_after().unwrap_or_default());
    state.probe = None;
    state.probe_at = Some(later(landing.at, wait).min(soon));
}

/// When the others are to be told that the sink fails, unless something happens before.
pub fn tell_at(state: &SinkState) -> Option<DateTime<Utc>> {
    let is_tried = state.disabled.is_none() && state.paused.is_none();
    let is_news = is_tried && state.failures > 0 && state.told.is_none();
    state.failing_since.filter(|_| is_news).map(|since| since + TOLD_AFTER)
}

fn later(at: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    let wait = chrono::Duration::from_std(wait).unwrap_or(chrono::Duration::MAX);
    at.checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

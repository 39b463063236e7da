//! A feed's health in the transaction of its poll: what is known of it, and which events come of it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, Row, params};

use super::{
    NewEvent, PollResult, StoredOutcome,
    sqlite::rows::{millis, time_or_none},
};
use crate::{
    alert::{
        Event, EventKind,
        body::FeedRef,
        health::{FeedHealth, FeedNews, PollHealth},
    },
    config::SinkId,
};

/// Where so many feeds fail and they are most of all, the fault is likely to be on our side of the net.
const FAILING_TOGETHER: i64 = 4;
/// Events of failing feeds, and of silent ones, in a stretch of time: a provider that goes down with a thousand feeds is not
/// a thousand news, nor is a list of feeds that died years ago. The others are told later if it goes on.
const TOLD_MAX: i64 = 10;
const TOLD_IN: TimeDelta = TimeDelta::minutes(10);

/// Whom to tell of a feed's health, and what only its poll knows of it.
#[derive(Debug, Clone)]
pub struct Hearing {
    /// As events name it.
    pub feed: FeedRef,
    /// Who hears of it.
    pub sinks: Vec<SinkId>,
    /// The config's own bound on silence.
    pub expect: Option<Duration>,
    /// When a poll last went well before this one.
    pub last_success: Option<DateTime<Utc>>,
    /// The times that the entries of a first document state.
    pub first_times: Option<Vec<Option<DateTime<Utc>>>>,
}

/// Keeps what is known after `poll`, which brought `new` articles, and gives what people shall hear. `is_gap` says whether
/// the document shares no entry with the one before, other than by a change of ids.
pub(super) fn hear(
    connection: &Connection,
    feed: i64,
    poll: &PollResult,
    new: usize,
    is_gap: bool,
) -> rusqlite::Result<Vec<NewEvent>> {
    let before = known(connection, feed)?;
    let heard = match poll.outcome {
        StoredOutcome::Error { .. } => PollHealth::Failed { failures: poll.in_a_row_failures, is_final: false },
        StoredOutcome::Gone => PollHealth::Failed { failures: poll.in_a_row_failures, is_final: true },
        StoredOutcome::New | StoredOutcome::Unchanged | StoredOutcome::NotModified => {
            PollHealth::Answered { new, first_times: poll.hearing.first_times.as_deref(), is_gap }
        }
    };
    let mut counted = Ok(false);
    let may_tell = |news: &FeedNews| {
        counted = is_one_of_many(connection, news, poll.at);
        matches!(counted, Ok(false))
    };
    let (after, news) = before.after(heard, poll.hearing.expect, poll.at, may_tell);
    counted?;
    keep(connection, feed, &before, &after)?;
    let sinks = &poll.hearing.sinks;
    let events = news.into_iter().map(|news| NewEvent { event: event(poll, news), sinks: sinks.clone() });
    Ok(events.collect())
}

/// A push brought something new: the feed is not silent. How its polls do is another matter.
pub(super) fn pushed(connection: &Connection, feed: i64, at: DateTime<Utc>) -> rusqlite::Result<()> {
    let before = known(connection, feed)?;
    keep(connection, feed, &before, &before.pushed(at))
}

fn known(connection: &Connection, feed: i64) -> rusqlite::Result<FeedHealth> {
    let sql = "SELECT failing_since, failing_polls, failing_told, last_new, longest_gap, silent_told FROM feed WHERE feed = ?1";
    connection.prepare_cached(sql)?.query_row([feed], health)
}

fn keep(connection: &Connection, feed: i64, before: &FeedHealth, after: &FeedHealth) -> rusqlite::Result<()> {
    if after != before {
        let sql = "UPDATE feed SET failing_since = ?2, failing_polls = ?3, failing_told = ?4, last_new = ?5,
                 longest_gap = ?6, silent_told = ?7 WHERE feed = ?1";
        connection.prepare_cached(sql)?.execute(params![
            feed,
            after.failing_since.map(millis),
            after.failures,
            after.failing_told,
            after.last_new.map(millis),
            after.longest_gap.map(|gap| i64::try_from(gap.as_secs()).unwrap_or(i64::MAX)),
            after.silent_told,
        ])?;
    }
    Ok(())
}

/// The health columns of a row of `feed`.
pub(super) fn health(row: &Row<'_>) -> rusqlite::Result<FeedHealth> {
    Ok(FeedHealth {
        failing_since: time_or_none(row, "failing_since")?,
        failures: row.get("failing_polls")?,
        failing_told: row.get("failing_told")?,
        last_new: time_or_none(row, "last_new")?,
        longest_gap: row
            .get::<_, Option<i64>>("longest_gap")?
            .and_then(|s| u64::try_from(s).ok())
            .map(Duration::from_secs),
        silent_told: row.get("silent_told")?,
    })
}

/// Whether a feed that fails or is silent is one of so many that it is no news of its own, or not yet.
fn is_one_of_many(connection: &Connection, news: &FeedNews, now: DateTime<Utc>) -> rusqlite::Result<bool> {
    let count = |sql: &str| connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
    let kind = match news {
        FeedNews::Failing { .. } => {
            let failing = count("SELECT count(*) FROM feed WHERE failures > 0")?;
            if failing >= FAILING_TOGETHER && failing * 2 > count("SELECT count(*) FROM feed")? {
                return Ok(true);
            }
            "feed.failing"
        }
        FeedNews::Silent { .. } => "feed.silent",
        FeedNews::Recovered { .. } | FeedNews::Gap => return Ok(false),
    };
    let sql = "SELECT count(*) FROM event WHERE type = ?1 AND made > ?2";
    let told: i64 =
        connection.prepare_cached(sql)?.query_row(params![kind, millis(now - TOLD_IN)], |row| row.get(0))?;
    Ok(told >= TOLD_MAX)
}

fn event(poll: &PollResult, news: FeedNews) -> Event {
    let feed = poll.hearing.feed.clone();
    let kind = match news {
        FeedNews::Failing { since } => {
            let (class, reason, next_poll) = match &poll.outcome {
                StoredOutcome::Error { class, message } => (class.as_str(), message.as_str(), Some(poll.next_poll)),
                StoredOutcome::Gone => ("gone", "the server says that it is gone for good (410)", None),
                StoredOutcome::New | StoredOutcome::Unchanged | StoredOutcome::NotModified => ("", "", None),
            };
            let (class, reason) = (class.to_owned(), reason.to_owned());
            EventKind::FeedFailing { feed, class, reason, failures: poll.in_a_row_failures, since, next_poll }
        }
        FeedNews::Recovered { since, failures } => EventKind::FeedRecovered { feed, since, failures },
        FeedNews::Silent { last_new, expected } => EventKind::FeedSilent { feed, last_new, expected },
        FeedNews::Gap => {
            EventKind::FeedGap { feed, since: poll.hearing.last_success, entries: poll.entries_seen.len() }
        }
    };
    Event::new(kind, poll.at)
}

//! Events: what people shall hear of beside alerts, such as a feed that fails or a sink that takes nothing any more.
//!
//! An event goes the way of an alert: stored with an outbox row for each sink, its body frozen when it is made. Each kind
//! knows whom it concerns and what tells it from another of the same, so that an event which is made twice has one id.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};

use super::{AlertEvent, EventId, body::FeedRef, text::safe};
use crate::config::{Severity, SinkId};

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The same whenever this is made of the same happening.
    pub id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// When it was noticed.
    pub at: DateTime<Utc>,
}

/// What happened, with the fields that stand in the event's `data`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum EventKind {
    /// A feed has failed for so long that somebody should know; with `next_poll: None` it is not polled again.
    FeedFailing {
        /// Which.
        feed: FeedRef,
        /// The failure's class, as in `feeds list`.
        class: String,
        /// For people.
        reason: String,
        /// In a row.
        failures: u32,
        /// The first of them.
        #[serde(serialize_with = "seconds")]
        since: DateTime<Utc>,
        /// When it is tried again.
        #[serde(serialize_with = "seconds_or_null")]
        next_poll: Option<DateTime<Utc>>,
    },
    /// A feed that failed does well again.
    FeedRecovered {
        /// Which.
        feed: FeedRef,
        /// The first failure.
        #[serde(serialize_with = "seconds")]
        since: DateTime<Utc>,
        /// How many polls failed.
        failures: u32,
    },
    /// A feed answers and has had nothing new for longer than it should.
    FeedSilent {
        /// Which.
        feed: FeedRef,
        /// When it last had something new.
        #[serde(serialize_with = "seconds_or_null")]
        last_new: Option<DateTime<Utc>>,
        /// For how long it may have nothing new.
        #[serde(rename = "expected_seconds", serialize_with = "whole_seconds")]
        expected: Duration,
    },
    /// A feed's document shared no entry with the one before: some may have come and gone between the two.
    FeedGap {
        /// Which.
        feed: FeedRef,
        /// When the document before it was read.
        #[serde(serialize_with = "seconds_or_null")]
        since: Option<DateTime<Utc>>,
        /// Entries in the new document.
        entries: usize,
    },
    /// A sink has not taken anything for some minutes.
    SinkFailing {
        /// Which.
        sink: SinkId,
        /// What it said last.
        reason: String,
        /// The first failure in a row.
        #[serde(serialize_with = "seconds")]
        since: DateTime<Utc>,
        /// Deliveries that wait for it.
        waiting: i64,
    },
    /// A sink that was said to fail takes deliveries again.
    SinkRecovered {
        /// Which.
        sink: SinkId,
        /// The first failure.
        #[serde(serialize_with = "seconds")]
        since: DateTime<Utc>,
    },
    /// A sink said that it is gone, again and again: nothing is sent to it until somebody brings it back.
    SinkDisabled {
        /// Which.
        sink: SinkId,
        /// What it said.
        reason: String,
        /// The first failure in a row.
        #[serde(serialize_with = "seconds")]
        since: DateTime<Utc>,
    },
    /// A sample, by `sinks test`.
    Test {
        /// Whom it is for.
        sink: SinkId,
    },
}

/// An event's JSON as far as every event has it: what text sinks print.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EventLine {
    /// `feed.failing` and the like.
    #[serde(rename = "type")]
    pub kind: String,
    /// What every event says.
    pub data: EventLineData,
}

/// What every event says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EventLineData {
    /// `evt_…`.
    pub id: String,
    /// One line in plain English.
    pub text: String,
}

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: WireData<'a>,
}

#[derive(Serialize)]
struct WireData<'a> {
    id: &'a str,
    text: String,
    #[serde(flatten)]
    fields: &'a EventKind,
}

impl Event {
    /// What happened, noticed at `at`.
    pub fn new(kind: EventKind, at: DateTime<Utc>) -> Self {
        let told_by = kind.told_by(at).timestamp_millis().to_string();
        let id = EventId::new(&[kind.as_str(), kind.subject(), &told_by]);
        Self { id, kind, at }
    }

    /// The bytes that every attempt sends.
    pub fn to_json(&self) -> String {
        let wire = Wire {
            kind: self.kind.as_str(),
            timestamp: rfc3339(self.at),
            data: WireData { id: self.id.as_str(), text: self.kind.text(), fields: &self.kind },
        };
        serde_json::to_string(&wire).expect("an event has neither maps without text keys nor odd numbers")
    }
}

impl EventKind {
    /// The event's `type`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::FeedFailing { .. } => "feed.failing",
            Self::FeedRecovered { .. } => "feed.recovered",
            Self::FeedSilent { .. } => "feed.silent",
            Self::FeedGap { .. } => "feed.gap",
            Self::SinkFailing { .. } => "sink.failing",
            Self::SinkRecovered { .. } => "sink.recovered",
            Self::SinkDisabled { .. } => "sink.disabled",
            Self::Test { .. } => "test",
        }
    }

    /// How loud it is, held against a sink's `min_severity`.
    pub fn severity(&self) -> Severity {
        match self {
            // Where a sink fails, alerts do not arrive: nothing is louder.
            Self::SinkFailing { .. } | Self::SinkDisabled { .. } | Self::Test { .. } => Severity::Critical,
            Self::FeedFailing { .. } | Self::FeedSilent { .. } | Self::FeedGap { .. } => Severity::Warning,
            // Whoever heard that it fails shall hear that it does well.
            Self::SinkRecovered { .. } => Severity::Critical,
            Self::FeedRecovered { .. } => Severity::Warning,
        }
    }

    /// The sink that it is about, which is not told of itself.
    pub fn sink(&self) -> Option<&SinkId> {
        match self {
            Self::SinkFailing { sink, .. } | Self::SinkRecovered { sink, .. } | Self::SinkDisabled { sink, .. } => {
                Some(sink)
            }
            Self::FeedFailing { .. }
            | Self::FeedRecovered { .. }
            | Self::FeedSilent { .. }
            | Self::FeedGap { .. }
            | Self::Test { .. } => None,
        }
    }

    fn subject(&self) -> &str {
        match self {
            Self::FeedFailing { feed, .. }
            | Self::FeedRecovered { feed, .. }
            | Self::FeedSilent { feed, .. }
            | Self::FeedGap { feed, .. } => &feed.id,
            Self::SinkFailing { sink, .. }
            | Self::SinkRecovered { sink, .. }
            | Self::SinkDisabled { sink, .. }
            | Self::Test { sink } => sink.as_str(),
        }
    }

    /// The time that tells it from another of the same kind and subject: when that began, else when it was noticed.
    fn told_by(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::FeedFailing { since, .. }
            | Self::FeedRecovered { since, .. }
            | Self::SinkFailing { since, .. }
            | Self::SinkRecovered { since, .. }
            | Self::SinkDisabled { since, .. } => *since,
            Self::FeedSilent { last_new, .. } => last_new.unwrap_or(at),
            Self::FeedGap { .. } | Self::Test { .. } => at,
        }
    }

    /// One line in plain English. What feeds and servers said is made safe for a terminal.
    pub fn text(&self) -> String {
        match self {
            Self::FeedFailing { feed, reason, failures, since, next_poll, .. } => {
                let next =
                    next_poll.map_or("it is not polled again".to_owned(), |at| format!("next poll {}", time(at)));
                let polls = if *failures == 1 { "one poll".to_owned() } else { format!("{failures} polls in a row") };
                format!("{} fails since {} ({polls}): {}; {next}", named(feed), time(*since), safe(reason))
            }
            Self::FeedRecovered { feed, since, .. } => {
                format!("{} does well again; it had failed since {}", named(feed), time(*since))
            }
            Self::FeedSilent { feed, last_new, expected } => {
                let last = last_new.map_or("ever".to_owned(), |at| format!("since {}", time(at)));
                let expected = duration(*expected);
                format!(
                    "{} answers, but has had nothing new {last}; at least something is expected every {expected}",
                    named(feed)
                )
            }
            Self::FeedGap { feed, since, .. } => {
                let since = since.map_or(String::new(), |at| format!(" since {}", time(at)));
                format!("{} may have lost entries{since}: its document shares none with the one before", named(feed))
            }
            Self::SinkFailing { sink, reason, since, waiting } => {
                let (since, reason) = (time(*since), safe(reason));
                format!("Sink {sink} takes nothing since {since}: {reason}; {} for it", deliveries_wait(*waiting))
            }
            Self::SinkRecovered { sink, since } => {
                format!("Sink {sink} takes deliveries again; it had failed since {}", time(*since))
            }
            Self::SinkDisabled { sink, reason, .. } => format!(
                "Sink {sink} is disabled: {}; what waits for it is kept as dead letters; `wirewatch sinks enable {sink}` \
                 brings it back",
                safe(reason)
            ),
            Self::Test { sink } => format!("A test of sink {sink}: alerts arrive here"),
        }
    }
}

/// The JSON of a batch: the `data` of each alert whose JSON is in `bodies`.
pub fn batch_json<'a>(id: &EventId, at: DateTime<Utc>, bodies: impl Iterator<Item = &'a str>) -> String {
    let alerts: Vec<String> = bodies.map(data_of).collect();
    let (id, at) = (id.as_str(), rfc3339(at));
    format!(r#"{{"type":"batch","timestamp":"{at}","data":{{"id":"{id}","alerts":[{}]}}}}"#, alerts.join(","))
}

/// The `data` of an alert, its fields in their order; of one that another version made, in any.
fn data_of(body: &str) -> String {
    let own = serde_json::from_str::<AlertEvent>(body).ok().and_then(|event| serde_json::to_string(&event.data).ok());
    own.unwrap_or_else(|| {
        let mut value: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        value.get_mut("data").map(serde_json::Value::take).unwrap_or(value).to_string()
    })
}

fn named(feed: &FeedRef) -> String {
    match feed.title.as_deref().map(safe).filter(|title| !title.trim().is_empty()) {
        Some(title) => format!("Feed {} ({})", title.trim(), feed.id),
        None => format!("Feed {}", feed.id),
    }
}

/// `nothing waits`, `1 delivery waits`, `2 deliveries wait`
pub fn deliveries_wait(waiting: i64) -> String {
    match waiting {
        0 => "nothing waits".to_owned(),
        1 => "1 delivery waits".to_owned(),
        _ => format!("{waiting} deliveries wait"),
    }
}

/// As people write it, in UTC: an event has no reader's time zone.
fn time(at: DateTime<Utc>) -> String {
    at.format("%-d %b %H:%M UTC").to_string()
}

fn duration(length: Duration) -> String {
    match length.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7_200 => format!("{} min", seconds / 60),
        seconds @ ..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn seconds<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

fn seconds_or_null<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(rfc3339).serialize(serializer)
}

fn whole_seconds<S: Serializer>(length: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(length.as_secs())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn noon() -> DateTime<Utc> {
        "2026-03-01T12:00:00.250Z".parse().unwrap()
    }

    fn feed() -> FeedRef {
        FeedRef { id: "aa".into(), url: "https://example.org/rss".into(), title: Some("Anadolu\u{202e} Agency".into()) }
    }

    fn failing() -> EventKind {
        EventKind::FeedFailing {
            feed: feed(),
            class: "timeout".into(),
            reason: "no answer\nwithin 30 s".into(),
            failures: 4,
            since: noon(),
            next_poll: None,
        }
    }

    #[test]
    fn body_has_the_type_the_time_and_a_line_for_people() {
        let event = Event::new(failing(), noon() + Duration::from_secs(600));
        let body: serde_json::Value = serde_json::from_str(&event.to_json()).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "type": "feed.failing",
                "timestamp": "2026-03-01T12:10:00Z",
                "data": {
                    "id": event.id.as_str(),
                    "text": "Feed Anadolu Agency (aa) fails since 1 Mar 12:00 UTC (4 polls in a row): no answer within 30 s; \
                             it is not polled again",
                    "feed": {"id": "aa", "url": "https://example.org/rss", "title": "Anadolu\u{202e} Agency"},
                    "class": "timeout", "reason": "no answer\nwithin 30 s", "failures": 4,
                    "since": "2026-03-01T12:00:00Z", "next_poll": null
                }
            })
        );
        let line: EventLine = serde_json::from_str(&event.to_json()).unwrap();
        assert_eq!((line.kind.as_str(), line.data.id.as_str()), ("feed.failing", event.id.as_str()));
    }

    #[test]
    fn what_happened_once_has_one_id_whenever_it_is_noticed() {
        let id = Event::new(failing(), noon()).id;
        assert_eq!(id, Event::new(failing(), noon() + Duration::from_secs(60)).id);
        assert!(id.as_str().starts_with("evt_") && !id.as_str().contains('.') && id.as_str().len() == 30, "{id}");
        let recovered = EventKind::FeedRecovered { feed: feed(), since: noon(), failures: 4 };
        assert_ne!(id, Event::new(recovered, noon()).id);
        let gap = EventKind::FeedGap { feed: feed(), since: None, entries: 20 };
        assert_ne!(Event::new(gap.clone(), noon()).id, Event::new(gap, noon() + Duration::from_secs(60)).id);
    }

    #[test]
    fn each_kind_reads_as_a_sentence() {
        let sink: SinkId = "ops".parse().unwrap();
        let (reason, since) = ("answered 410 Gone".to_owned(), noon());
        let expected = Duration::from_secs(36 * 3_600);
        let table = [
            (
                EventKind::FeedRecovered { feed: feed(), since, failures: 4 },
                "Feed Anadolu Agency (aa) does well again; it had failed since 1 Mar 12:00 UTC",
            ),
            (
                EventKind::FeedSilent { feed: feed(), last_new: None, expected },
                "Feed Anadolu Agency (aa) answers, but has had nothing new ever; at least something is expected every 36 h",
            ),
            (
                EventKind::FeedGap { feed: FeedRef { title: None, ..feed() }, since: Some(since), entries: 20 },
                "Feed aa may have lost entries since 1 Mar 12:00 UTC: its document shares none with the one before",
            ),
            (
                EventKind::SinkFailing { sink: sink.clone(), reason: reason.clone(), since, waiting: 1 },
                "Sink ops takes nothing since 1 Mar 12:00 UTC: answered 410 Gone; 1 delivery waits for it",
            ),
            (
                EventKind::SinkRecovered { sink: sink.clone(), since },
                "Sink ops takes deliveries again; it had failed since 1 Mar 12:00 UTC",
            ),
            (
                EventKind::SinkDisabled { sink: sink.clone(), reason, since },
                "Sink ops is disabled: answered 410 Gone; what waits for it is kept as dead letters; \
                 `wirewatch sinks enable ops` brings it back",
            ),
            (EventKind::Test { sink }, "A test of sink ops: alerts arrive here"),
        ];
        for (kind, text) in table {
            assert_eq!(kind.text(), text);
        }
    }
}

//! Prometheus Alertmanager, from both sides.
//!
//! As a rule the body is what Alertmanager itself posts to a webhook (version 4), so that everything which takes that
//! takes alerts of wirewatch. Where the address is that of Alertmanager's own API (`…/api/v2/alerts`), it is what
//! Alertmanager takes there, and grouping, silences and receivers are Alertmanager's.

use chrono::{DateTime, Duration, SecondsFormat};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::message::{Card, Message, Room, Trouble};
use crate::alert::AlertBody;

const ROOM: Room =
    Room { headline: 500, title: 1_000, url: 2_000, excerpt: 2_000, words: 4_000, facts: 2_000, origin: 500, why: 500 };
const DESCRIPTION_BYTES_MAX: usize = 16_000;
/// What Alertmanager writes for an end that has not come.
const NO_END: &str = "0001-01-01T00:00:00Z";
/// A feed or a sink that fails does so until we say that it is over, at the latest for this long.
const TROUBLE_DAYS_MAX: i64 = 7;

/// Whether `url` is where Alertmanager takes alerts.
pub(super) fn is_api(url: &Url) -> bool {
    url.path().trim_end_matches('/').ends_with("/api/v2/alerts")
}

/// One alert in Alertmanager's words.
struct Alert {
    labels: Map<String, Value>,
    annotations: Map<String, Value>,
    starts_at: String,
    end: End,
    url: Option<String>,
    fingerprint: String,
}

/// When an alert is over.
enum End {
    /// It is news, which has no end.
    None,
    /// It lasts; this is when we should have heard of its end.
    Open(String),
    /// It is over since then.
    Over(String),
}

/// What Alertmanager takes. Without an end it holds an alert for its own `resolve_timeout`, from when it comes.
pub(super) fn api_body(message: &Message, id: &str) -> String {
    let alerts: Vec<Value> = alerts(message, id)
        .into_iter()
        .map(|alert| {
            let mut posted = Map::new();
            posted.insert("labels".into(), Value::Object(alert.labels));
            posted.insert("annotations".into(), Value::Object(alert.annotations));
            if !alert.starts_at.is_empty() {
                posted.insert("startsAt".into(), json!(alert.starts_at));
            }
            if let End::Open(end) | End::Over(end) = alert.end {
                posted.insert("endsAt".into(), json!(end));
            }
            if let Some(url) = alert.url {
                posted.insert("generatorURL".into(), json!(url));
            }
            Value::Object(posted)
        })
        .collect();
    Value::Array(alerts).to_string()
}

/// What Alertmanager posts to a webhook.
pub(super) fn webhook_body(message: &Message, id: &str) -> String {
    let alerts = alerts(message, id);
    let common = |part: fn(&Alert) -> &Map<String, Value>| -> Map<String, Value> {
        let Some(first) = alerts.first() else { return Map::new() };
        let shared =
            |(key, value): &(&String, &Value)| alerts.iter().all(|alert| part(alert).get(*key) == Some(*value));
        part(first).iter().filter(shared).map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let common_labels = common(|alert| &alert.labels);
    let name = common_labels.get("alertname").cloned().unwrap_or_else(|| json!("wirewatch"));
    let is_over = alerts.iter().all(|alert| matches!(alert.end, End::Over(_)));
    let posted: Vec<Value> = alerts
        .iter()
        .map(|alert| {
            let (status, ends_at) = match &alert.end {
                End::Over(end) => ("resolved", end.as_str()),
                End::None | End::Open(_) => ("firing", NO_END),
            };
            json!({
                "status": status,
                "labels": alert.labels,
                "annotations": alert.annotations,
                "startsAt": alert.starts_at,
                "endsAt": ends_at,
                "generatorURL": alert.url.as_deref().unwrap_or_default(),
                "fingerprint": alert.fingerprint,
            })
        })
        .collect();
    json!({
        "version": "4",
        "groupKey": format!("{{}}:{{alertname={name}}}"),
        "truncatedAlerts": 0,
        "status": if is_over { "resolved" } else { "firing" },
        "receiver": "wirewatch",
        "groupLabels": {"alertname": name},
        "commonLabels": common_labels,
        "commonAnnotations": common(|alert| &alert.annotations),
        "externalURL": "",
        "alerts": posted,
    })
    .to_string()
}

/// The alerts of a message; an event that holds none is one of its own.
fn alerts(message: &Message, id: &str) -> Vec<Alert> {
    if let Some(trouble) = &message.trouble {
        return vec![of_trouble(message, trouble)];
    }
    if message.alerts.is_empty() {
        let card = &message.cards[0];
        let mut labels = Map::new();
        labels.insert("alertname".into(), json!(message.kind));
        labels.insert("severity".into(), json!(card.severity));
        labels.insert("alert_id".into(), json!(id));
        return vec![alert(card, labels, &message.timestamp, id)];
    }
    let of_alert = |body: &AlertBody| {
        let mut labels = Map::new();
        labels.insert("alertname".into(), json!(body.watch.id));
        labels.insert("severity".into(), json!(body.watch.severity));
        // Labels are an alert's identity: without this, all articles of a watch would be one alert.
        labels.insert("alert_id".into(), json!(body.id));
        if let Some(feed) = &body.article.feed {
            labels.insert("feed".into(), json!(feed.id));
        }
        let title = &body.article.title;
        let is_about = |card: &&Card| card.url == body.article.url || card.title.as_ref() == Some(title);
        let card = message.cards.iter().find(is_about).or(message.cards.first());
        card.map(|card| alert(card, labels, &message.timestamp, &body.id))
    };
    message.alerts.iter().filter_map(of_alert).collect()
}

/// Its beginning and its end have the same labels, so that the one is resolved by the other.
fn of_trouble(message: &Message, trouble: &Trouble) -> Alert {
    let mut labels = Map::new();
    labels.insert("alertname".into(), json!(format!("{}.failing", trouble.what)));
    labels.insert("severity".into(), json!(if trouble.what == "sink" { "critical" } else { "warning" }));
    labels.insert(trouble.what.into(), json!(trouble.id));
    let end = if trouble.is_over {
        End::Over(message.timestamp.clone())
    } else {
        let made = DateTime::parse_from_rfc3339(&message.timestamp).ok();
        let end = made.and_then(|made| made.checked_add_signed(Duration::days(TROUBLE_DAYS_MAX)));
        end.map_or(End::None, |end| End::Open(end.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true)))
    };
    Alert { end, ..alert(&message.cards[0], labels, &trouble.since, &trouble.key()) }
}

fn alert(card: &Card, labels: Map<String, Value>, timestamp: &str, id: &str) -> Alert {
    let card = card.in_room(&ROOM);
    let description = card.plain_lines().join("\n");
    let description = crate::alert::shorten::shorten(&description, DESCRIPTION_BYTES_MAX, str::len);
    let mut annotations = Map::new();
    annotations.insert("summary".into(), json!(card.headline));
    annotations.insert("description".into(), json!(description));
    if let Some(title) = &card.title {
        annotations.insert("title".into(), json!(title));
    }
    if let Some(url) = &card.url {
        annotations.insert("url".into(), json!(url));
    }
    let digest = Sha256::digest(id);
    let fingerprint = data_encoding::HEXLOWER.encode(&digest[..8]);
    Alert { labels, annotations, starts_at: timestamp.to_owned(), end: End::None, url: card.url, fingerprint }
}

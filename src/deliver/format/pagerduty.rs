//! PagerDuty's Events API v2: each article triggers an incident of its own.
//!
//! A summary has 1,024 characters, an event 512 KB. The delivery's id keeps a trigger that comes twice from being two
//! incidents; a feed or a sink that does well again resolves the incident of its failing.

use serde_json::{Map, Value, json};

use super::message::{Card, Message, Room};
use crate::{alert::shorten::shorten, config::Secret};

const ROOM: Room =
    Room { headline: 500, title: 500, url: 1_500, excerpt: 2_000, words: 4_000, facts: 2_000, origin: 500, why: 500 };
const SUMMARY_CHARS_MAX: usize = 1_024;
const DETAILS_CHARS_MAX: usize = 30_000;

pub(super) fn body(message: &Message, id: &str, routing_key: &Secret) -> String {
    let count = |text: &str| super::markup::utf16(text);
    let (headline, text, cards) = message.plain(&ROOM, count, DETAILS_CHARS_MAX);
    let title = cards.first().and_then(|card| card.title_and_lang().or_else(|| card.words.first().cloned()));
    let summary = title.map_or_else(|| headline.clone(), |title| format!("{headline} · {title}"));
    let links: Vec<Value> = cards
        .iter()
        .filter_map(|card| {
            let Card { url: Some(url), .. } = card else { return None };
            Some(json!({"href": url, "text": card.title.as_deref().unwrap_or("Read")}))
        })
        .collect();
    let first = message.alerts.first();
    let mut payload = Map::new();
    payload.insert("summary".into(), json!(shorten(&summary, SUMMARY_CHARS_MAX, count)));
    payload.insert("source".into(), json!(source(message)));
    payload.insert("severity".into(), json!(message.severity()));
    if !message.timestamp.is_empty() {
        payload.insert("timestamp".into(), json!(message.timestamp));
    }
    payload.insert("component".into(), json!(first.map_or("wirewatch", |alert| alert.watch.id.as_str())));
    payload.insert("class".into(), json!(message.kind));
    payload.insert("custom_details".into(), json!({"text": text}));
    let (action, key) = match &message.trouble {
        Some(trouble) if trouble.is_over => ("resolve", trouble.key()),
        Some(trouble) => ("trigger", trouble.key()),
        None => ("trigger", id.to_owned()),
    };
    json!({
        "routing_key": routing_key.reveal(),
        "event_action": action,
        "dedup_key": key,
        "client": "wirewatch",
        "payload": Value::Object(payload),
        "links": links,
    })
    .to_string()
}

/// The feed that brought it.
fn source(message: &Message) -> String {
    let feed = message.alerts.first().and_then(|alert| alert.article.feed.as_ref());
    feed.map_or_else(|| "wirewatch".to_owned(), |feed| feed.id.clone())
}

//! A topic of ntfy, as JSON to the server's root: headers would need another encoding for each letter beyond ASCII.
//!
//! A message has 4,096 bytes; a longer one would become a file. Its id is the delivery's, so that a server which knows
//! sequences (2.16) shows one that comes twice once.

use serde_json::{Map, json};
use url::Url;

use super::message::{Card, Message, Room};
use crate::config::ntfy_topic;

const ROOM: Room =
    Room { headline: 240, title: 700, url: 1_500, excerpt: 1_000, words: 1_700, facts: 600, origin: 300, why: 300 };
const MESSAGE_BYTES_MAX: usize = 4_096;

/// Where to post, and the topic to name: the last part of the address that people know.
pub(super) fn server_and_topic(mut url: Url) -> (Url, String) {
    let topic = ntfy_topic(&url).unwrap_or_default().to_owned();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().pop().push("");
    }
    (url, topic)
}

pub(super) fn body(message: &Message, id: &str, topic: &str) -> String {
    let lines = |card: &Card, with_more: bool| {
        let mut lines = card.plain_lines();
        if with_more {
            lines.insert(0, card.headline.clone());
            lines.extend(card.url.clone());
        }
        lines.join("\n")
    };
    let is_single = message.cards.len() == 1;
    let size = |card: &Card| lines(card, !is_single).len() + 2;
    let (cards, left) = message.fitted(&ROOM, str::len, MESSAGE_BYTES_MAX - 40, size);
    let mut text = cards.iter().map(|card| lines(card, !is_single)).collect::<Vec<_>>().join("\n\n");
    if left > 0 {
        text.push_str(&format!("\n\nand {left} more"));
    }
    let (priority, tag) = match message.severity() {
        "critical" => (5, "rotating_light"),
        "warning" => (4, "warning"),
        _ => (3, "newspaper"),
    };
    let title = crate::alert::shorten::shorten(&message.headline(), ROOM.headline, str::len).into_owned();
    let mut body = Map::new();
    body.insert("topic".into(), json!(topic));
    body.insert("title".into(), json!(title));
    body.insert("message".into(), json!(text));
    body.insert("priority".into(), json!(priority));
    body.insert("tags".into(), json!([tag]));
    body.insert("sequence_id".into(), json!(id));
    if let [Card { url: Some(url), .. }] = cards.as_slice() {
        body.insert("click".into(), json!(url));
        body.insert("actions".into(), json!([{"action": "view", "label": "Read", "url": url}]));
    }
    serde_json::Value::Object(body).to_string()
}

//! An application of a Gotify server.

use serde_json::{Map, Value, json};
use url::Url;

use super::message::{Card, Message, Room};

const ROOM: Room =
    Room { headline: 400, title: 1_000, url: 1_500, excerpt: 2_000, words: 4_000, facts: 1_500, origin: 500, why: 500 };
/// Gotify states no limit; phones show a screenful.
const MESSAGE_BYTES_MAX: usize = 16_000;

/// `url` is the server's, or already that of its messages.
pub(super) fn url(mut url: Url) -> Url {
    if !url.path().trim_end_matches('/').ends_with("/message")
        && let Ok(mut path) = url.path_segments_mut()
    {
        path.pop_if_empty().push("message");
    }
    url
}

pub(super) fn body(message: &Message) -> String {
    let (title, text, cards) = message.plain(&ROOM, str::len, MESSAGE_BYTES_MAX);
    // Above 7 a phone rings, up to 3 it stays still.
    let priority = match message.severity() {
        "critical" => 8,
        "warning" => 5,
        _ => 3,
    };
    let mut extras = Map::new();
    extras.insert("client::display".into(), json!({"contentType": "text/plain"}));
    if let [Card { url: Some(url), .. }] = cards.as_slice() {
        extras.insert("client::notification".into(), json!({"click": {"url": url}}));
    }
    json!({"title": title, "message": text, "priority": priority, "extras": Value::Object(extras)}).to_string()
}

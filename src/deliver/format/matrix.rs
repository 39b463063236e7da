//! A room of Matrix: a text message with HTML beside it.
//!
//! An event has 65,536 bytes at most. `m.mentions` says that nobody is meant, whatever names a title holds.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{
    markup::html,
    message::{Card, Message, Room},
};
use crate::{alert::text::Excerpt, deliver::retry::SinkAnswer};

const ROOM: Room =
    Room { headline: 400, title: 1_200, url: 1_500, excerpt: 2_000, words: 4_000, facts: 1_500, origin: 500, why: 500 };
/// For the plain text; the HTML is the same with tags.
const TEXT_BYTES_MAX: usize = 20_000;

/// The delivery's id is the transaction's: a message that is sent twice stands in the room once.
pub(super) fn url(server: &Url, room: &str, id: &str) -> Url {
    let mut url = server.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["_matrix", "client", "v3", "rooms", room, "send", "m.room.message", id]);
    }
    url
}

pub(super) fn body(message: &Message) -> String {
    let measure = |text: &str| html(text).len();
    let (title, text, cards) = message.plain(&ROOM, measure, TEXT_BYTES_MAX);
    let left = message.cards.len() + message.more - cards.len();
    let mut formatted = cards.iter().map(card_html).collect::<Vec<_>>().join("<hr>");
    if left > 0 {
        formatted.push_str(&format!("<p>and {left} more</p>"));
    }
    json!({
        "msgtype": "m.text",
        "body": format!("{title}\n{text}"),
        "format": "org.matrix.custom.html",
        "formatted_body": formatted,
        "m.mentions": {},
    })
    .to_string()
}

pub(super) fn card_html(card: &Card) -> String {
    let mut lines = vec![format!("<strong>{}</strong>", html(&card.headline))];
    if let Some(title) = card.title_and_lang() {
        lines.push(match &card.url {
            Some(url) => format!("<a href=\"{}\">{}</a>", html(url), html(&title)),
            None => html(&title),
        });
    }
    if let Some(excerpt) = &card.excerpt {
        let (open, close) = excerpt.quotes();
        let Excerpt { before, hit, after } = excerpt;
        let hit = if hit.is_empty() { String::new() } else { format!("<strong>{}</strong>", html(hit)) };
        lines.push(format!("{open}{}{hit}{}{close}", html(before), html(after)));
    }
    lines.extend(card.words.iter().chain(&card.facts).map(|line| html(line)));
    lines.extend([&card.origin, &card.why].into_iter().flatten().map(|line| format!("<em>{}</em>", html(line))));
    if let (None, Some(url)) = (&card.title, &card.url) {
        lines.push(format!("<a href=\"{0}\">{0}</a>", html(url)));
    }
    format!("<p>{}</p>", lines.join("<br>"))
}

#[derive(Deserialize)]
struct Said {
    retry_after_ms: Option<u64>,
}

/// How long to wait stood in the body before the header came.
pub(super) fn answer(status: u16, said: &str) -> Option<SinkAnswer> {
    let said: Said = serde_json::from_str(said).ok()?;
    let wait = Duration::from_millis(said.retry_after_ms?);
    (status == 429).then_some(SinkAnswer::Status { status, retry_after: Some(wait) })
}

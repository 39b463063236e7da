//! A chat of Telegram, by a bot: `sendMessage` with HTML.
//!
//! A text has 4,096 characters after its tags are taken out, counted in UTF-16 units.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{
    markup::{telegram, utf16},
    message::{Card, Message, Room},
};
use crate::{alert::text::Excerpt, config::Secret, deliver::retry::SinkAnswer};

const ROOM: Room =
    Room { headline: 400, title: 600, url: 1_500, excerpt: 900, words: 1_800, facts: 700, origin: 300, why: 300 };
const TEXT_MAX: usize = 4_096;

/// The bot's token is part of the address.
pub(super) fn url(mut url: Url, token: &Secret) -> Url {
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(&format!("bot{}", token.reveal())).push("sendMessage");
    }
    url
}

pub(super) fn body(message: &Message, chat: &str) -> String {
    // Escapes count as what they stand for; only the word joiner behind `@` is ours.
    let measure = |text: &str| utf16(text) + text.matches('@').count();
    let size = |card: &Card| {
        let lines = card.plain_lines();
        measure(&card.headline) + lines.iter().map(|line| measure(line) + 1).sum::<usize>() + 3
    };
    let (cards, left) = message.fitted(&ROOM, measure, TEXT_MAX - 100, size);
    let mut text = cards.iter().map(card_text).collect::<Vec<_>>().join("\n\n");
    if left > 0 {
        text.push_str(&format!("\n\nand {left} more"));
    }
    json!({
        "chat_id": chat,
        "text": text,
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": true},
        "disable_notification": message.severity() == "info",
    })
    .to_string()
}

fn card_text(card: &Card) -> String {
    let mut lines = vec![format!("<b>{}</b>", telegram(&card.headline))];
    if let Some(title) = card.title_and_lang() {
        lines.push(match &card.url {
            Some(url) => format!("<a href=\"{}\">{}</a>", super::markup::html(url), telegram(&title)),
            None => telegram(&title),
        });
    }
    if let Some(excerpt) = &card.excerpt {
        let (open, close) = excerpt.quotes();
        let Excerpt { before, hit, after } = excerpt;
        let hit = if hit.is_empty() { String::new() } else { format!("<b>{}</b>", telegram(hit)) };
        lines.push(format!("{open}{}{hit}{}{close}", telegram(before), telegram(after)));
    }
    lines.extend(card.words.iter().chain(&card.facts).map(|line| telegram(line)));
    lines.extend([&card.origin, &card.why].into_iter().flatten().map(|line| format!("<i>{}</i>", telegram(line))));
    if let (None, Some(url)) = (&card.title, &card.url) {
        lines.push(format!("<a href=\"{}\">Read</a>", super::markup::html(url)));
    }
    lines.join("\n")
}

#[derive(Deserialize)]
struct Said {
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    /// Seconds.
    retry_after: Option<u64>,
}

/// How long to wait stands in the body.
pub(super) fn answer(status: u16, said: &str) -> Option<SinkAnswer> {
    let said: Said = serde_json::from_str(said).ok()?;
    let seconds = said.parameters?.retry_after?;
    (status == 429).then(|| SinkAnswer::Status { status, retry_after: Some(Duration::from_secs(seconds)) })
}

//! Slack's incoming webhooks: Block Kit, with a text for notifications. Mattermost and Rocket.Chat read the text.
//!
//! Limits: a header has 150 characters, a section's text 3,000, a message 50 blocks; all of it together fails as
//! `msg_blocks_too_long` somewhere above 13,000. Escaped text is what is counted.

use serde_json::{Value, json};

use super::{
    markup::{slack, slack_url, utf16},
    message::{Card, Message, Room},
};
use crate::{
    alert::{shorten::shorten, text::Excerpt},
    deliver::retry::SinkAnswer,
};

const ROOM: Room =
    Room { headline: 150, title: 700, url: 1_200, excerpt: 900, words: 2_500, facts: 1_500, origin: 500, why: 500 };
/// For the text that notifications show.
const TEXT_MAX: usize = 3_000;
/// For all blocks of a message.
const TOTAL_MAX: usize = 11_000;

pub(super) fn body(message: &Message) -> String {
    let measure = |text: &str| utf16(&slack(text));
    let (cards, left) = message.fitted(&ROOM, measure, TOTAL_MAX, |card| blocks(card, false).to_string().len());
    let is_single = cards.len() == 1 && left == 0;
    let mut all: Vec<Value> = Vec::new();
    for card in &cards {
        if let Value::Array(of_card) = blocks(card, is_single) {
            all.extend(of_card);
        }
    }
    if left > 0 {
        all.push(context(&[format!("and {left} more")]));
    }
    let mut lines = vec![message.headline()];
    lines.extend(cards.iter().filter_map(|card| card.title.clone().or_else(|| card.words.first().cloned())));
    let text = uncalling(&shorten(&lines.join("\n"), TEXT_MAX, |text| utf16(&uncalling(text))));
    // Links are not followed: a preview of a hostile page is no part of an alert.
    json!({"text": text, "blocks": all, "unfurl_links": false, "unfurl_media": false}).to_string()
}

/// For the text alone. Slack reads no `@channel` in it, Mattermost and Rocket.Chat do.
fn uncalling(text: &str) -> String {
    slack(text).replace('@', "@\u{2060}")
}

fn blocks(card: &Card, with_header: bool) -> Value {
    let mut blocks = Vec::new();
    let mut lines = Vec::new();
    if with_header {
        let text = json!({"type": "plain_text", "text": slack(&card.headline), "emoji": false});
        blocks.push(json!({"type": "header", "text": text}));
    } else {
        lines.push(format!("*{}*", slack(&card.headline)));
    }
    if let Some(title) = &card.title {
        let lang = card.lang.as_ref().map_or_else(String::new, |lang| format!(" [{}]", slack(lang)));
        lines.push(match &card.url {
            Some(url) => format!("*<{}|{}>*{lang}", slack_url(url), slack(title)),
            None => format!("*{}*{lang}", slack(title)),
        });
    }
    if let Some(excerpt) = &card.excerpt {
        let (open, close) = excerpt.quotes();
        let Excerpt { before, hit, after } = excerpt;
        let mark = if hit.is_empty() { "" } else { "*" };
        lines.push(format!(">{open}{}{mark}{}{mark}{}{close}", slack(before), slack(hit), slack(after)));
    }
    lines.extend(card.words.iter().map(|line| slack(line)));
    if let (None, Some(url)) = (&card.title, &card.url) {
        lines.push(format!("<{}>", slack_url(url)));
    }
    if !lines.is_empty() {
        blocks.push(section(&lines.join("\n")));
    }
    if let Some(facts) = &card.facts {
        blocks.push(section(&slack(facts)));
    }
    let foot: Vec<String> = [&card.origin, &card.why].into_iter().flatten().map(|line| slack(line)).collect();
    if !foot.is_empty() {
        blocks.push(context(&foot));
    }
    Value::Array(blocks)
}

/// `verbatim` keeps Slack from making links and mentions of what looks like some.
fn mrkdwn(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": mrkdwn(text)})
}

fn context(lines: &[String]) -> Value {
    json!({"type": "context", "elements": lines.iter().map(|line| mrkdwn(line)).collect::<Vec<_>>()})
}

/// Slack says in one word what is wrong. A hook that was removed is as gone as 410 would say.
pub(super) fn answer(status: u16, said: &str) -> Option<SinkAnswer> {
    let is_gone = matches!((status, said.trim()), (403 | 404, "no_service" | "no_active_hooks" | "invalid_token"));
    is_gone.then_some(SinkAnswer::Status { status: 410, retry_after: None })
}

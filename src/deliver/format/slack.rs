//! Slack's incoming webhooks: Block Kit, with a text for notifications. Mattermost and Rocket.Chat read the text.
//!
//! Slack's mrkdwn has no escape for `*`, `_`, `~` and backticks, so nothing that a feed says stands in it: links and bold are
//! elements of rich text, whose texts mean what they say, and the rest is `plain_text`.
//!
//! Limits: a header has 150 characters, an element of context 2,000, a message 50 blocks; all of it together fails as
//! `msg_blocks_too_long` somewhere above 13,000. Escaped text is what is counted.

use serde_json::{Value, json};

use super::{
    markup::{slack, slack_rich, utf16},
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
    let said = uncalling(&shorten(&lines.join("\n"), TEXT_MAX, |text| utf16(&uncalling(text))));
    // Links are not followed: a preview of a hostile page is no part of an alert.
    json!({"text": said, "mrkdwn": false, "blocks": all, "unfurl_links": false, "unfurl_media": false}).to_string()
}

/// For the text alone. Slack reads no `@channel` in it and no Markdown, Mattermost and Rocket.Chat do.
fn uncalling(text: &str) -> String {
    slack(text).replace('@', "@\u{2060}").replace("](", "]\u{2060}(")
}

fn blocks(card: &Card, with_header: bool) -> Value {
    let mut blocks = Vec::new();
    let mut lines = Vec::new();
    if with_header {
        blocks.push(json!({"type": "header", "text": plain(&card.headline)}));
    } else {
        lines.push(vec![bold(&card.headline)]);
    }
    if let Some(title) = &card.title {
        let lang = card.lang.as_ref().map(|lang| text(&format!(" [{lang}]")));
        let title = match &card.url {
            Some(url) => link(url, Some(title)),
            None => bold(title),
        };
        lines.push(std::iter::once(title).chain(lang).collect());
    }
    let mut rich = Vec::new();
    if let Some(excerpt) = &card.excerpt {
        rich.extend(section(std::mem::take(&mut lines)));
        let (open, close) = excerpt.quotes();
        let Excerpt { before, hit, after } = excerpt;
        let parts = [text(&format!("{open}{before}")), bold(hit), text(&format!("{after}{close}"))];
        let said: Vec<Value> = parts.into_iter().filter(|part| part["text"] != "").collect();
        if !said.is_empty() {
            rich.push(json!({"type": "rich_text_quote", "elements": said}));
        }
    }
    lines.extend(card.words.iter().map(|line| vec![text(line)]));
    if let (None, Some(url)) = (&card.title, &card.url) {
        lines.push(vec![link(url, None)]);
    }
    lines.extend(card.facts.iter().map(|facts| vec![text(facts)]));
    rich.extend(section(lines));
    if !rich.is_empty() {
        blocks.push(json!({"type": "rich_text", "elements": rich}));
    }
    let foot: Vec<String> = [&card.origin, &card.why].into_iter().flatten().cloned().collect();
    if !foot.is_empty() {
        blocks.push(context(&foot));
    }
    Value::Array(blocks)
}

/// Lines of rich text; `None` where they say nothing, which Slack refuses.
fn section(lines: Vec<Vec<Value>>) -> Option<Value> {
    let mut elements: Vec<Value> = Vec::new();
    for line in lines {
        let mut line = line.into_iter().filter(|element| element["text"] != "").peekable();
        if line.peek().is_some() && !elements.is_empty() {
            elements.push(text("\n"));
        }
        elements.extend(line);
    }
    (!elements.is_empty()).then(|| json!({"type": "rich_text_section", "elements": elements}))
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": slack_rich(text)})
}

fn bold(text: &str) -> Value {
    json!({"type": "text", "text": slack_rich(text), "style": {"bold": true}})
}

fn link(url: &str, title: Option<&str>) -> Value {
    match title.filter(|title| !title.is_empty()) {
        Some(title) => json!({"type": "link", "url": url, "text": slack_rich(title), "style": {"bold": true}}),
        None => json!({"type": "link", "url": url}),
    }
}

fn plain(text: &str) -> Value {
    json!({"type": "plain_text", "text": slack(text), "emoji": false})
}

fn context(lines: &[String]) -> Value {
    json!({"type": "context", "elements": lines.iter().map(|line| plain(line)).collect::<Vec<_>>()})
}

/// Slack says in one word what is wrong. A hook that was removed is as gone as 410 would say.
pub(super) fn answer(status: u16, said: &str) -> Option<SinkAnswer> {
    let is_gone = matches!((status, said.trim()), (403 | 404, "no_service" | "no_active_hooks" | "invalid_token"));
    is_gone.then_some(SinkAnswer::Status { status: 410, retry_after: None })
}

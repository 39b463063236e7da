//! A workflow of Microsoft Teams that takes Adaptive Cards ("Send webhook alerts to a channel").
//!
//! Feed text stands in text runs alone, which know no Markdown and no mentions: there is nothing to escape. Teams
//! refuses messages above 28 KB, and its flow adds to what we send.

use serde_json::{Value, json};

use super::message::{Card, Message, Room};
use crate::{alert::text::Excerpt, deliver::retry::SinkAnswer};

const ROOM: Room =
    Room { headline: 500, title: 900, url: 1_500, excerpt: 2_000, words: 4_000, facts: 2_000, origin: 500, why: 500 };
/// For the cards of a message, as bytes of JSON.
const TOTAL_BYTES_MAX: usize = 18_000;

pub(super) fn body(message: &Message) -> String {
    // Bytes as they stand in JSON: that is what is limited.
    let measure = |text: &str| Value::from(text).to_string().len() - 2;
    let size = |card: &Card| Value::Array(elements(card)).to_string().len();
    let (cards, left) = message.fitted(&ROOM, measure, TOTAL_BYTES_MAX, size);
    let mut elements: Vec<Value> = cards.iter().flat_map(elements).collect();
    if left > 0 {
        elements.push(words(vec![subtle(&format!("and {left} more"))]));
    }
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": elements,
        "msteams": {"width": "Full"},
    });
    if let ([Card { url: Some(url), .. }], Some(card)) = (cards.as_slice(), card.as_object_mut()) {
        card.insert("actions".into(), json!([{"type": "Action.OpenUrl", "title": "Read", "url": url}]));
    }
    let attachment =
        json!({"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card});
    let summary = crate::alert::shorten::shorten(&message.headline(), 500, measure).into_owned();
    json!({"type": "message", "summary": summary, "attachments": [attachment]}).to_string()
}

fn elements(card: &Card) -> Vec<Value> {
    let color = match card.severity {
        "critical" => "Attention",
        "warning" => "Warning",
        _ => "Accent",
    };
    let headline =
        json!({"type": "TextRun", "text": card.headline, "weight": "Bolder", "size": "Medium", "color": color});
    let mut elements = vec![words(vec![headline])];
    if let Some(title) = &card.title {
        let mut run = json!({"type": "TextRun", "text": title, "weight": "Bolder"});
        if let (Some(url), Some(run)) = (&card.url, run.as_object_mut()) {
            run.insert("selectAction".into(), json!({"type": "Action.OpenUrl", "url": url}));
        }
        let lang = card.lang.as_ref().map(|lang| subtle(&format!(" [{lang}]")));
        elements.push(words(std::iter::once(run).chain(lang).collect()));
    }
    if let Some(excerpt) = &card.excerpt {
        let (open, close) = excerpt.quotes();
        let Excerpt { before, hit, after } = excerpt;
        let mut runs = vec![plain(&format!("{open}{before}"))];
        if !hit.is_empty() {
            runs.push(json!({"type": "TextRun", "text": hit, "weight": "Bolder"}));
        }
        runs.push(plain(&format!("{after}{close}")));
        elements.push(words(runs));
    }
    elements.extend(card.words.iter().chain(&card.facts).map(|line| words(vec![plain(line)])));
    elements.extend([&card.origin, &card.why].into_iter().flatten().map(|line| words(vec![subtle(line)])));
    elements
}

fn words(runs: Vec<Value>) -> Value {
    json!({"type": "RichTextBlock", "inlines": runs})
}

fn plain(text: &str) -> Value {
    json!({"type": "TextRun", "text": text})
}

fn subtle(text: &str) -> Value {
    json!({"type": "TextRun", "text": text, "isSubtle": true, "size": "Small"})
}

/// Some of Teams' doors answer 200 and say in words that Teams did not take it.
pub(super) fn answer(status: u16, said: &str) -> Option<SinkAnswer> {
    let (_, inner) = said.split_once("delivery failed").filter(|_| (200..300).contains(&status))?;
    let number = inner.split_once("HTTP error ").and_then(|(_, rest)| rest.get(..3)?.parse().ok());
    Some(SinkAnswer::Status { status: number.filter(|n| (400..600).contains(n)).unwrap_or(500), retry_after: None })
}

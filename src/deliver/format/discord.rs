//! Discord's webhooks: the fact as content, so that phones show it, and an embed for each article.
//!
//! Limits: content 2,000, ten embeds, an embed's title 256, description 4,096, footer 2,048, and 6,000 for the texts of
//! all embeds together.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    markup::{discord, utf16},
    message::{Card, Message, Room},
};
use crate::{alert::text::Excerpt, deliver::retry::SinkAnswer};

const ROOM: Room =
    Room { headline: 500, title: 240, url: 1_500, excerpt: 1_200, words: 1_500, facts: 1_000, origin: 500, why: 500 };
/// For the texts of all embeds.
const TOTAL_MAX: usize = 5_900;

/// `wait` makes Discord say whether the message came to be; without it, some that did not are answered 204.
pub(super) fn url(mut url: Url) -> Url {
    if !url.query_pairs().any(|(key, _)| key == "wait") {
        url.query_pairs_mut().append_pair("wait", "true");
    }
    url
}

pub(super) fn body(message: &Message) -> String {
    let measure = |text: &str| utf16(&discord(text));
    let is_single = message.cards.len() == 1;
    let (cards, left) = message.fitted(&ROOM, measure, TOTAL_MAX, |card| size(&embed(card, is_single)));
    let headline = if is_single { cards[0].headline.clone() } else { message.headline() };
    let mut content = format!("**{}**", discord(&headline));
    if left > 0 {
        content.push_str(&format!("\nand {left} more"));
    }
    let embeds: Vec<Value> = cards.iter().map(|card| embed(card, is_single)).collect();
    json!({"content": content, "embeds": embeds, "allowed_mentions": {"parse": []}}).to_string()
}

fn embed(card: &Card, is_single: bool) -> Value {
    let mut embed = Map::new();
    let color = match card.severity {
        "critical" => 0xD3_2F_2F,
        "warning" => 0xF9_A8_25,
        _ => 0x19_76_D2,
    };
    embed.insert("color".into(), json!(color));
    if let Some(title) = &card.title {
        let lang = card.lang.as_ref().map_or_else(String::new, |lang| format!(" \\[{}\\]", discord(lang)));
        // With its language the title may pass the 256 by what it had to spare.
        let title = discord(title);
        let title = if utf16(&title) + utf16(&lang) > 256 { title } else { title + &lang };
        embed.insert("title".into(), json!(title));
    }
    if let Some(url) = &card.url {
        embed.insert("url".into(), json!(url));
    }
    let mut lines = Vec::new();
    if !is_single {
        lines.push(format!("**{}**", discord(&card.headline)));
    }
    if let Some(excerpt) = &card.excerpt {
        let (open, close) = excerpt.quotes();
        let Excerpt { before, hit, after } = excerpt;
        let mark = if hit.is_empty() { "" } else { "**" };
        lines.push(format!("{open}{}{mark}{}{mark}{}{close}", discord(before), discord(hit), discord(after)));
    }
    lines.extend(card.words.iter().map(|line| discord(line)));
    lines.extend(card.facts.as_ref().map(|facts| discord(facts)));
    if !lines.is_empty() {
        embed.insert("description".into(), json!(lines.join("\n")));
    }
    // A footer knows no Markdown.
    let foot: Vec<&str> = [&card.origin, &card.why].into_iter().flatten().map(String::as_str).collect();
    if !foot.is_empty() {
        embed.insert("footer".into(), json!({"text": foot.join("\n")}));
    }
    Value::Object(embed)
}

/// What counts against the 6,000.
fn size(embed: &Value) -> usize {
    let text = |path: &str| embed.pointer(path).and_then(Value::as_str).map_or(0, utf16);
    text("/title") + text("/description") + text("/footer/text")
}

#[derive(Deserialize)]
struct Said {
    /// Seconds.
    retry_after: Option<f64>,
    code: Option<u64>,
}

/// Discord's own code for a webhook that is not there: it was deleted, and who goes on asking is shut out.
const UNKNOWN_WEBHOOK: u64 = 10_015;

/// How long to wait stands in the body; the header may be rounded or missing.
pub(super) fn answer(status: u16, said: &str) -> Option<SinkAnswer> {
    let said: Said = serde_json::from_str(said).ok()?;
    match (status, said.code, said.retry_after) {
        (404, Some(UNKNOWN_WEBHOOK), _) => Some(SinkAnswer::Status { status: 410, retry_after: None }),
        (429, _, Some(seconds)) => {
            Some(SinkAnswer::Status { status, retry_after: Duration::try_from_secs_f64(seconds).ok() })
        }
        _ => None,
    }
}

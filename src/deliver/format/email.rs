//! A mail: the same words as text and as HTML.
//!
//! The HTML has no style sheet, no picture and nothing that is fetched from elsewhere: mail programs block those, and
//! whoever opens a mail shall not be seen doing so.

use super::{
    markup::html,
    matrix::card_html,
    message::{Message, Room},
};
use crate::{alert::shorten::shorten, deliver::TextLook};

const ROOM: Room =
    Room { headline: 400, title: 1_200, url: 2_000, excerpt: 2_000, words: 4_000, facts: 2_000, origin: 500, why: 500 };
/// For the text; mail has no limit that news would reach.
const TEXT_BYTES_MAX: usize = 200_000;
/// Lists of mail show less.
const SUBJECT_CHARS_MAX: usize = 200;

/// What a mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// In one line.
    pub subject: String,
    /// Plain.
    pub text: String,
    /// A whole document.
    pub html: String,
    /// Whether it is critical.
    pub is_urgent: bool,
}

/// The mail for a frozen body.
pub fn mail(body: &str, look: &TextLook) -> Mail {
    let message = Message::read(body, look);
    let (headline, text, cards) = message.plain(&ROOM, str::len, TEXT_BYTES_MAX);
    let title = match cards.as_slice() {
        [card] => card.title_and_lang(),
        _ => None,
    };
    let subject = title.map_or_else(|| headline.clone(), |title| format!("{headline} · {title}"));
    let subject = shorten(&subject, SUBJECT_CHARS_MAX, |character| character.chars().count()).into_owned();
    let left = message.cards.len() + message.more - cards.len();
    let mut shown = cards.iter().map(card_html).collect::<Vec<_>>().join("\n<hr>\n");
    if left > 0 {
        shown.push_str(&format!("\n<p>and {left} more</p>"));
    }
    let html = format!(
        "<!doctype html>\n<html><head><meta charset=\"utf-8\"><title>{}</title></head>\n<body>\n{shown}\n</body></html>\n",
        html(&subject)
    );
    Mail { subject, text: format!("{headline}\n{text}\n"), html, is_urgent: message.severity() == "critical" }
}

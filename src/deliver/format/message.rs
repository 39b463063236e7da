//! A frozen body as people read it: cards of text that each service dresses in its own markup and cuts to its own size.
//!
//! Never fails. An event of a kind that is not known here says its `text`; what is no event at all says so. The same
//! body gives the same cards at every attempt: an article's age counts from when its alert was made.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    alert::{
        AlertBody,
        shorten::{ELLIPSIS, shorten},
        text::{self, AlertText, Excerpt, TextStyle, safe},
    },
    deliver::TextLook,
};

/// Cards in one message, as many as Discord has embeds; the rest is counted.
pub(super) const CARDS_MAX: usize = 10;
/// Ids of feeds and sinks, and times.
const ID_BYTES_MAX: usize = 64;
/// Lines of an event's own text.
const WORDS_LINES_MAX: usize = 40;

/// What every event has.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub timestamp: String,
    #[serde(borrow)]
    pub data: &'a RawValue,
}

/// Several alerts as one event.
#[derive(Deserialize)]
struct Batch {
    alerts: Vec<AlertBody>,
}

/// A body, read.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// `alert`, `batch`, `sink.disabled` …
    pub kind: String,
    /// When the event was made, as it stands there.
    pub timestamp: String,
    /// One an article; at least one, at most [`CARDS_MAX`].
    pub cards: Vec<Card>,
    /// Articles beyond those.
    pub more: usize,
    /// The alerts that it holds.
    pub alerts: Vec<AlertBody>,
    /// The trouble that it tells the beginning or the end of.
    pub trouble: Option<Trouble>,
}

/// A feed or a sink that fails, from when it began until it does well again. Services that keep incidents open keep one
/// for it and close that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// `feed` or `sink`.
    pub what: &'static str,
    /// Which.
    pub id: String,
    /// When it began, as it stands there.
    pub since: String,
    /// Whether it is over.
    pub is_over: bool,
}

/// One article's alerts, or one event, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Card {
    /// `critical`, `warning` or `info`.
    pub severity: &'static str,
    /// `CRITICAL  North Korea → Russia: weapons, WARNED`.
    pub headline: String,
    /// Of the article.
    pub title: Option<String>,
    /// Its language, where it is not English.
    pub lang: Option<String>,
    /// Where to read it.
    pub url: Option<String>,
    /// What was hit.
    pub excerpt: Option<Excerpt>,
    /// What an event other than an alert says, line by line.
    pub words: Vec<String>,
    /// What else stands in the article.
    pub facts: Option<String>,
    /// Where the article comes from.
    pub origin: Option<String>,
    /// Which watches fired.
    pub why: Option<String>,
}

/// How much of each part a service has room for, in its own units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub headline: usize,
    pub title: usize,
    pub url: usize,
    pub excerpt: usize,
    pub words: usize,
    pub facts: usize,
    pub origin: usize,
    pub why: usize,
}

impl<'a> Envelope<'a> {
    /// `None` for what is no event.
    pub fn read(body: &'a str) -> Option<Self> {
        // A list of three would be read as the three fields.
        serde_json::from_str(body).ok().filter(|_| body.trim_start().starts_with('{'))
    }
}

impl Message {
    /// Reads a body. `look` is the daemon's.
    pub fn read(body: &str, look: &TextLook) -> Self {
        let Some(event) = Envelope::read(body) else {
            let words = vec!["wirewatch stored an event here that this version of it can't read".to_owned()];
            let card = Card { words, ..Card::bare("info", "Unknown event".to_owned()) };
            return Self::of("unknown", "", vec![card], Vec::new());
        };
        let alerts = match serde_json::from_str::<AlertBody>(event.data.get()) {
            Ok(alert) => vec![alert],
            Err(_) => serde_json::from_str::<Batch>(event.data.get()).map(|batch| batch.alerts).unwrap_or_default(),
        };
        let is_alert = matches!(event.kind.as_str(), "alert" | "batch");
        let data: Value = if is_alert && !alerts.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(event.data.get()).unwrap_or_default()
        };
        let says_text = data.get("text").is_some_and(Value::is_string);
        let cards = if alerts.is_empty() || says_text {
            vec![Card::event(&event.kind, &data)]
        } else {
            let made = DateTime::parse_from_rfc3339(&event.timestamp).map_or(DateTime::<Utc>::MIN_UTC, Into::into);
            let style = TextStyle { now: made, timezone: look.timezone, color: false, party_name: look.party_name };
            let mut cards: Vec<Card> = by_article(&alerts)
                .into_iter()
                .filter_map(|alerts| AlertText::new(&alerts, &style).map(Card::alert))
                .collect();
            if !is_alert {
                cards
                    .iter_mut()
                    .for_each(|card| card.headline = format!("{}: {}", title_of(&event.kind), card.headline));
            }
            cards
        };
        let trouble = Trouble::read(&event.kind, &data);
        Self { trouble, ..Self::of(&event.kind, &event.timestamp, cards, alerts) }
    }

    fn of(kind: &str, timestamp: &str, mut cards: Vec<Card>, alerts: Vec<AlertBody>) -> Self {
        let more = cards.len().saturating_sub(CARDS_MAX);
        cards.truncate(CARDS_MAX);
        Self { kind: safe(kind), timestamp: timestamp.to_owned(), cards, more, alerts, trouble: None }
    }

    /// The loudest of its cards.
    pub fn severity(&self) -> &'static str {
        let has = |severity: &&str| self.cards.iter().any(|card| card.severity == *severity);
        ["critical", "warning"].into_iter().find(has).unwrap_or("info")
    }

    /// One line that says what it is.
    pub fn headline(&self) -> String {
        match self.cards.as_slice() {
            [card] => card.headline.clone(),
            cards => format!("{}  {} articles", self.severity().to_uppercase(), cards.len() + self.more),
        }
    }

    /// The cards, cut to `room`, as many as fit into `max` together as `size` counts them; then how many are left out.
    pub fn fitted(
        &self,
        room: &Room,
        measure: impl Fn(&str) -> usize,
        max: usize,
        size: impl Fn(&Card) -> usize,
    ) -> (Vec<Card>, usize) {
        let mut used = 0;
        let mut cards = Vec::new();
        for card in &self.cards {
            let card = card.fitted(room, &measure);
            used += size(&card);
            if used > max && !cards.is_empty() {
                break;
            }
            cards.push(card);
        }
        let left = self.cards.len() - cards.len() + self.more;
        (cards, left)
    }

    /// The message without any markup: its title, the rest line by line with addresses, and the cards that it has
    /// room for.
    pub fn plain(&self, room: &Room, measure: impl Fn(&str) -> usize, max: usize) -> (String, String, Vec<Card>) {
        let is_single = self.cards.len() == 1;
        let lines = |card: &Card| {
            let mut lines = card.plain_lines();
            if !is_single {
                lines.insert(0, card.headline.clone());
            }
            lines.extend(card.url.clone());
            lines.join("\n")
        };
        let size = |card: &Card| measure(&lines(card)) + 2;
        let (cards, left) = self.fitted(room, &measure, max, size);
        let title = shorten(&self.headline(), room.headline, &measure).into_owned();
        let mut text = cards.iter().map(lines).collect::<Vec<_>>().join("\n\n");
        if left > 0 {
            text.push_str(&format!("\n\nand {left} more"));
        }
        (title, text, cards)
    }
}

impl Trouble {
    fn read(kind: &str, data: &Value) -> Option<Self> {
        let (what, id, is_over) = match kind {
            "feed.failing" => ("feed", "/feed/id", false),
            "feed.recovered" => ("feed", "/feed/id", true),
            "sink.failing" | "sink.disabled" => ("sink", "/sink", false),
            "sink.recovered" => ("sink", "/sink", true),
            _ => return None,
        };
        let at = |path: &str| data.pointer(path).and_then(Value::as_str).filter(|text| text.len() <= ID_BYTES_MAX);
        let since = at("/since").filter(|since| DateTime::parse_from_rfc3339(since).is_ok())?;
        Some(Self { what, id: safe(at(id)?), since: since.to_owned(), is_over })
    }

    /// The same for its beginning and its end, another when it comes again.
    pub fn key(&self) -> String {
        format!("wirewatch/{}/{}/{}", self.what, self.id, self.since)
    }
}

/// One line that says what a body is.
pub(in crate::deliver) fn headline(body: &str, look: &TextLook) -> String {
    Message::read(body, look).headline()
}

/// Alerts that stand together by article, in the order in which articles first come.
fn by_article(alerts: &[AlertBody]) -> Vec<Vec<AlertBody>> {
    let mut groups: Vec<Vec<AlertBody>> = Vec::new();
    for alert in alerts {
        match groups.iter_mut().find(|group| group[0].article == alert.article) {
            Some(group) => group.push(alert.clone()),
            None => groups.push(vec![alert.clone()]),
        }
    }
    groups
}

/// `sink.disabled` → `Sink disabled`.
fn title_of(kind: &str) -> String {
    let words = safe(kind).replace(['.', '_', '-'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl Card {
    fn bare(severity: &'static str, headline: String) -> Self {
        Self {
            severity,
            headline,
            title: None,
            lang: None,
            url: None,
            excerpt: None,
            words: Vec::new(),
            facts: None,
            origin: None,
            why: None,
        }
    }

    fn alert(text: AlertText) -> Self {
        Self {
            headline: format!("{}  {}", text.severity.to_uppercase(), text.fact),
            severity: text.severity,
            title: Some(text.title),
            lang: text.lang,
            url: text.url,
            excerpt: text.excerpt,
            words: Vec::new(),
            facts: (!text.facts.is_empty()).then(|| text.facts.join(" · ")),
            origin: Some(text.origin),
            why: Some(text.why),
        }
    }

    /// An event that is no alert: its `text`, or what an article in it is called.
    fn event(kind: &str, data: &Value) -> Self {
        let is_loud = ["failing", "disabled", "gap", "silent"].iter().any(|end| kind.ends_with(end));
        let severity = match data.get("severity").and_then(Value::as_str) {
            Some("critical") => "critical",
            Some("warning") => "warning",
            // Where a sink fails, alerts do not arrive.
            None if is_loud && kind.starts_with("sink.") => "critical",
            None if is_loud => "warning",
            _ => "info",
        };
        let at = |path: &str| data.pointer(path).and_then(Value::as_str);
        let said = at("/text").or_else(|| at("/article/title")).unwrap_or_default();
        let words = said.lines().map(|line| safe(line).trim_end().to_owned()).filter(|line| !line.is_empty());
        let about = at("/sink").or_else(|| at("/feed/title")).or_else(|| at("/feed/id")).map(safe);
        let about = about.map_or_else(String::new, |about| format!(": {}", about.trim()));
        let mut card = Self::bare(severity, format!("{}  {}{about}", severity.to_uppercase(), title_of(kind)));
        card.words = words.take(WORDS_LINES_MAX).collect();
        card.url = at("/url").or_else(|| at("/article/url")).map(text::safe);
        card
    }

    /// The same in Unicode characters.
    pub fn in_room(&self, room: &Room) -> Self {
        self.fitted(room, &|text: &str| text.chars().count())
    }

    /// The same, no part longer than `room` has for it.
    fn fitted(&self, room: &Room, measure: &impl Fn(&str) -> usize) -> Self {
        let cut = |text: &str, max: usize| shorten(text, max, measure).into_owned();
        let cut_some = |text: &Option<String>, max: usize| text.as_deref().map(|text| cut(text, max));
        let mut words = Vec::new();
        let mut left = room.words;
        for line in &self.words {
            let line = cut(line, left);
            left = left.saturating_sub(line.graphemes_measured(measure) + measure("\n"));
            if !line.is_empty() {
                words.push(line);
            }
        }
        Self {
            severity: self.severity,
            headline: cut(&self.headline, room.headline),
            title: cut_some(&self.title, room.title),
            lang: self.lang.as_deref().map(|lang| cut(lang, LANG_MAX)),
            // Half an address leads nowhere.
            url: self.url.clone().filter(|url| url.graphemes_measured(measure) <= room.url && is_web(url)),
            excerpt: self.excerpt.as_ref().map(|excerpt| fitted_excerpt(excerpt, room.excerpt, measure)),
            words,
            facts: cut_some(&self.facts, room.facts),
            origin: cut_some(&self.origin, room.origin),
            why: cut_some(&self.why, room.why),
        }
    }

    /// Its lines below the headline without any markup, the address left out.
    pub fn plain_lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        lines.extend(self.title_and_lang());
        lines.extend(self.excerpt.as_ref().map(|excerpt| {
            let (open, close) = excerpt.quotes();
            let Excerpt { before, hit, after } = excerpt;
            let mark = if hit.is_empty() { "" } else { "*" };
            format!("{open}{before}{mark}{hit}{mark}{after}{close}")
        }));
        lines.extend(self.words.iter().cloned());
        lines.extend([&self.facts, &self.origin, &self.why].into_iter().flatten().cloned());
        lines
    }

    /// `Headline of the article [tr]`.
    pub fn title_and_lang(&self) -> Option<String> {
        let title = self.title.as_deref()?;
        Some(self.lang.as_ref().map_or_else(|| title.to_owned(), |lang| format!("{title} [{lang}]")))
    }
}

/// Codes of languages are short; whoever wrote a long one meant something else.
const LANG_MAX: usize = 35;

/// An address that people may be sent to: services refuse others, and `javascript:` is none.
fn is_web(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// What was hit stays in sight, with as much around it as there is room.
fn fitted_excerpt(excerpt: &Excerpt, max: usize, measure: &impl Fn(&str) -> usize) -> Excerpt {
    let size = |text: &str| text.graphemes_measured(measure);
    if size(&excerpt.before) + size(&excerpt.hit) + size(&excerpt.after) <= max {
        return excerpt.clone();
    }
    if excerpt.hit.is_empty() {
        return Excerpt { before: shorten(&excerpt.before, max, measure).into_owned(), ..excerpt.clone() };
    }
    let hit = shorten(&excerpt.hit, max / 3, measure).into_owned();
    let before = tail(&excerpt.before, max / 3, measure);
    let left = max.saturating_sub(size(&hit) + size(&before));
    Excerpt { after: shorten(&excerpt.after, left, measure).into_owned(), hit, before }
}

/// The end of a text.
fn tail(text: &str, max: usize, measure: &impl Fn(&str) -> usize) -> String {
    if text.graphemes_measured(measure) <= max {
        return text.to_owned();
    }
    let mut used = measure(ELLIPSIS);
    let mut start = text.len();
    for (at, c) in text.char_indices().rev() {
        used += measure(c.encode_utf8(&mut [0; 4]));
        if used > max {
            break;
        }
        start = at;
    }
    format!("{ELLIPSIS}{}", &text[start..])
}

trait Measured {
    /// The sum over characters, as [`shorten`] counts.
    fn graphemes_measured(&self, measure: &impl Fn(&str) -> usize) -> usize;
}

impl Measured for str {
    fn graphemes_measured(&self, measure: &impl Fn(&str) -> usize) -> usize {
        self.chars().map(|c| measure(c.encode_utf8(&mut [0; 4]))).sum()
    }
}

//! A body of the user's own: Jinja over the alert.
//!
//! What is missing is an error and never an empty place, and `check` finds it: it renders an alert that has everything,
//! one that has next to nothing, and one whose texts are full of quotes. An event that is no alert is given the shape of
//! one with its text for a title, so that a template which can say an alert can say everything.

use std::ops::Range;

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior,
    value::{Serde, Value as Context},
};
use serde_json::{Map, Value, json};

use super::message::Message;
use crate::{
    config::{Place, Problem, SinkKind, SinkSettings, TemplateText, WebhookFormat},
    deliver::TextLook,
};

/// Steps, and 64 bytes of text each: milliseconds, and a few megabytes.
const FUEL: u64 = 50_000;
/// A body that is larger is a slip.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Its name among the engine's, which has no other.
const NAME: &str = "template";
/// An alert that has everything.
const SAMPLE: &str = include_str!("sample.json");

/// A template, ready to render.
pub(super) struct Template {
    engine: Environment<'static>,
    is_json: bool,
}

/// What is wrong with a template or with what it gave.
#[derive(Debug)]
pub(super) enum TemplateError {
    Engine(Error),
    TooLarge,
    NoJson(serde_json::Error),
}

impl Template {
    pub fn new(text: &str, content_type: &str) -> Result<Self, TemplateError> {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_json = kind.ends_with("json");
        let is_markup = kind.ends_with("html") || kind.ends_with("xml");
        let mut engine = Environment::new();
        engine.set_debug(true);
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_fuel(Some(FUEL));
        engine.set_auto_escape_callback(move |_| match (is_json, is_markup) {
            (true, _) => AutoEscape::Json,
            (false, true) => AutoEscape::Html,
            (false, false) => AutoEscape::None,
        });
        engine.add_template_owned(NAME, text.to_owned()).map_err(TemplateError::Engine)?;
        Ok(Self { engine, is_json })
    }

    /// The body for a frozen one.
    pub fn render(&self, body: &str, look: &TextLook) -> Result<String, TemplateError> {
        let message = Message::read(body, look);
        let context = Context::from(Serde(context(body, &message)));
        let rendered = self.engine.get_template(NAME).and_then(|template| template.render(context));
        let rendered = rendered.map_err(TemplateError::Engine)?;
        if rendered.len() > BODY_BYTES_MAX {
            return Err(TemplateError::TooLarge);
        }
        if self.is_json {
            serde_json::from_str::<serde::de::IgnoredAny>(&rendered).map_err(TemplateError::NoJson)?;
        }
        Ok(rendered)
    }
}

/// What a template sees: the event as it stands, and `text`, which is what people read of it.
fn context(body: &str, message: &Message) -> Value {
    let mut event: Map<String, Value> = serde_json::from_str(body).unwrap_or_default();
    let lines: Vec<String> = message
        .cards
        .iter()
        .map(|card| {
            let mut lines = vec![card.headline.clone()];
            lines.extend(card.plain_lines());
            lines.extend(card.url.clone());
            lines.join("\n")
        })
        .collect();
    let data = event.get("data").cloned().unwrap_or_default();
    let is_alert = data.get("watch").is_some() && data.get("article").is_some();
    if !is_alert {
        event.insert("data".into(), shaped(data, message));
    }
    event.insert("type".into(), json!(message.kind));
    event.insert("timestamp".into(), json!(message.timestamp));
    event.insert("text".into(), json!(lines.join("\n\n")));
    Value::Object(event)
}

/// An event that is no alert in the shape of one, with its own fields kept.
fn shaped(data: Value, message: &Message) -> Value {
    let card = &message.cards[0];
    let title = if card.words.is_empty() { message.headline() } else { card.words.join(" ") };
    let mut shape = sparse();
    if let Some(shape) = shape.as_object_mut() {
        shape["watch"] = json!({"id": message.kind, "name": message.kind, "severity": card.severity});
        shape["article"]["title"] = json!(title);
        shape["article"]["url"] = json!(card.url);
        shape["excerpt"] = json!(title);
        if let Value::Object(own) = data {
            shape.extend(own);
        }
    }
    shape
}

/// The `data` of an alert that has nothing but what all have.
fn sparse() -> Value {
    json!({
        "id": "alr_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "watch": {"id": "sample", "name": "Sample", "severity": "info"},
        "article": {
            "id": "sample-2", "url": null, "title": "Sample", "published": null, "fetched": null, "lang": null,
            "authors": [], "summary": null, "text_source": "feed-summary", "words": 1, "feed": null,
        },
        "matches": [], "excerpt": "", "topics": [], "leaders": [], "countries": [], "arms_deals": [],
        "resolutions": [], "story": null, "confidence": 1.0, "packs": {}, "engine": env!("CARGO_PKG_VERSION"),
    })
}

/// What is wrong with the templates of these sinks, each problem where a person wrote it.
pub fn problems(sinks: &[SinkSettings], look: &TextLook) -> Vec<Problem> {
    let templates = sinks.iter().filter_map(|sink| match &sink.kind {
        SinkKind::Webhook(webhook) => match &webhook.format {
            WebhookFormat::Template { template, content_type, .. } => Some((template, content_type)),
            _ => None,
        },
        _ => None,
    });
    templates.filter_map(|(template, content_type)| problem(template, content_type, look)).collect()
}

fn problem(source: &TemplateText, content_type: &str, look: &TextLook) -> Option<Problem> {
    let template = match Template::new(&source.text, content_type) {
        Ok(template) => template,
        Err(error) => return Some(error.problem(source, "")),
    };
    let event = |data: Value| json!({"type": "alert", "timestamp": "2026-03-02T09:04:00Z", "data": data}).to_string();
    let mut quoted: Value = serde_json::from_str(SAMPLE).unwrap_or_default();
    quoted["data"]["article"]["title"] = json!("He said \"no\" \\ <b>&\u{2028}");
    quoted["data"]["excerpt"] = quoted["data"]["article"]["title"].clone();
    let samples = [
        (SAMPLE.to_owned(), ""),
        (event(sparse()), " for an alert on an article without date, address, language or findings"),
        (quoted.to_string(), " for an article with quotes in its title"),
    ];
    samples.iter().find_map(|(body, which)| template.render(body, look).err().map(|error| error.problem(source, which)))
}

impl TemplateError {
    /// In a line.
    pub fn message(&self) -> String {
        match self {
            Self::Engine(error) => match (error.kind(), written(error)) {
                (ErrorKind::UndefinedError, Some(written)) => format!("`{written}` is nothing that the alert has"),
                (ErrorKind::OutOfFuel, _) => "it takes too many steps or makes too much text".to_owned(),
                (kind, _) => error.detail().map_or_else(|| kind.to_string(), str::to_owned),
            },
            Self::TooLarge => format!("it makes a body of more than {} KiB", BODY_BYTES_MAX / 1024),
            Self::NoJson(error) => format!("what it makes is no JSON: {error}"),
        }
    }

    fn problem(&self, source: &TemplateText, which: &str) -> Problem {
        let problem = Problem::error(format!("this template fails{which}: {}", self.message()));
        let problem = match self {
            Self::Engine(error) if error.kind() == ErrorKind::UndefinedError => {
                problem.help("`{% if … %}` asks first; docs/sinks.md shows what an alert has")
            }
            Self::NoJson(_) => {
                problem.help("in JSON a value brings its own quotes: write `{{ data.article.title }}` bare")
            }
            _ => problem,
        };
        problem.at(place(self, source))
    }
}

/// What stands where the error is.
fn written(error: &Error) -> Option<&str> {
    let source = error.template_source()?;
    source.get(whole(source, error.range()?)).filter(|written| !written.is_empty())
}

/// The engine points at `.b` of `a.b`; people wrote all of it.
fn whole(source: &str, range: Range<usize>) -> Range<usize> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']');
    let before = source.get(..range.start).unwrap_or_default();
    let is_access = source.get(range.clone()).is_some_and(|written| written.starts_with(['.', '[']));
    let start = if is_access { before.trim_end_matches(is_part).len() } else { range.start };
    start..range.end
}

/// Where the error stands in what the person wrote; the whole template where escapes hide the way back.
fn place(error: &TemplateError, source: &TemplateText) -> Place {
    let is_verbatim = source.source.get(source.span.clone()) == Some(source.text.as_str());
    let range = match error {
        TemplateError::Engine(error) if is_verbatim => error.range().map(|range| whole(&source.text, range)),
        _ => None,
    };
    let range = range.filter(|range| source.text.get(range.clone()).is_some());
    let span = range
        .map_or_else(|| source.span.clone(), |range| source.span.start + range.start..source.span.start + range.end);
    Place { origin: source.origin.clone(), source: source.source.clone(), span, first_line: 1 }
}

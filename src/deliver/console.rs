//! Writes alerts and events as lines: to standard output, or to the end of a file.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{TextLook, format, rotate};
use crate::{
    alert::{
        AlertBody, AlertEvent,
        event::EventLine,
        text::{self, TextStyle},
    },
    config::Rotation,
    store::Delivery,
};

/// Where lines go, and what they look like.
pub(super) struct Lines {
    /// `None` is standard output.
    pub file: Option<PathBuf>,
    /// When the file is to be a new one.
    pub rotate: Option<Rotation>,
    /// For people; `None` is NDJSON.
    pub text: Option<TextLook>,
}

impl Lines {
    /// Writes them all and makes sure of it: what this has accepted is out of our hands. Blocks.
    pub fn write(&self, deliveries: &[Delivery], now: DateTime<Utc>) -> io::Result<()> {
        let lines: Vec<String> = match &self.text {
            Some(look) => blocks(deliveries, look, now),
            None => deliveries.iter().map(|delivery| format!("{}\n", delivery.body)).collect(),
        };
        match &self.file {
            None => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(lines.concat().as_bytes())?;
                stdout.flush()
            }
            Some(path) => rotate::append(path, &lines, self.rotate),
        }
    }
}

/// Several alerts as one event: of a sink that was a webhook when the batch was made.
#[derive(Deserialize)]
struct BatchEvent {
    data: BatchData,
}

#[derive(Deserialize)]
struct BatchData {
    alerts: Vec<AlertBody>,
}

/// The alerts of a body, which may be a batch; `None` where it is another event.
fn alerts(body: &str) -> Option<Vec<AlertBody>> {
    let alert = serde_json::from_str::<AlertEvent>(body).map(|event| vec![event.data]);
    alert.or_else(|_| serde_json::from_str::<BatchEvent>(body).map(|batch| batch.data.alerts)).ok()
}

/// A block of lines an article: alerts of one that stand side by side are one block, which names all their watches.
fn blocks(deliveries: &[Delivery], look: &TextLook, now: DateTime<Utc>) -> Vec<String> {
    let style = TextStyle { now, timezone: look.timezone, color: look.color, party_name: look.party_name };
    let mut out = Vec::new();
    let mut block: Vec<AlertBody> = Vec::new();
    let finish = |block: &mut Vec<AlertBody>, out: &mut Vec<String>| {
        if !block.is_empty() {
            out.push(format!("{}\n\n", text::render(block, &style).trim_end()));
            block.clear();
        }
    };
    for delivery in deliveries {
        let Some(alerts) = alerts(&delivery.body) else {
            finish(&mut block, &mut out);
            match serde_json::from_str::<EventLine>(&delivery.body) {
                Ok(event) => {
                    let headline = format::headline(&delivery.body, look);
                    out.push(format!("{headline}\n{}\n\n", text::safe(&event.data.text)));
                }
                // An event of a later wirewatch that has no text form here.
                Err(_) => out.push(format!("{}\n", delivery.body)),
            }
            continue;
        };
        for alert in alerts {
            if block.first().is_some_and(|first| first.article != alert.article) {
                finish(&mut block, &mut out);
            }
            block.push(alert);
        }
    }
    finish(&mut block, &mut out);
    out
}

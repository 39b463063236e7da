//! Writes alerts and events as lines: to standard output, or to the end of a file.

use std::{
    fs::OpenOptions,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};

use super::TextLook;
use crate::{
    alert::{
        AlertBody, AlertEvent,
        event::EventLine,
        text::{self, TextStyle},
    },
    store::Delivery,
};

/// Where lines go, and what they look like.
pub(super) struct Lines {
    /// `None` is standard output.
    pub file: Option<PathBuf>,
    /// For people; `None` is NDJSON.
    pub text: Option<TextLook>,
}

impl Lines {
    /// Writes them all and makes sure of it: what this has accepted is out of our hands. Blocks.
    pub fn write(&self, deliveries: &[Delivery], now: DateTime<Utc>) -> io::Result<()> {
        let lines = match &self.text {
            Some(look) => blocks(deliveries, look, now),
            None => deliveries.iter().map(|delivery| format!("{}\n", delivery.body)).collect(),
        };
        match &self.file {
            None => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(lines.as_bytes())?;
                stdout.flush()
            }
            Some(path) => append(path, &lines),
        }
    }
}

/// A block of lines an article: alerts of one that stand side by side are one block, which names all their watches.
fn blocks(deliveries: &[Delivery], look: &TextLook, now: DateTime<Utc>) -> String {
    let style = TextStyle { now, timezone: look.timezone, color: look.color, party_name: look.party_name };
    let mut out = String::new();
    let mut block: Vec<AlertBody> = Vec::new();
    let finish = |block: &mut Vec<AlertBody>, out: &mut String| {
        if !block.is_empty() {
            out.push_str(text::render(block, &style).trim_end());
            out.push_str("\n\n");
            block.clear();
        }
    };
    for delivery in deliveries {
        match serde_json::from_str::<AlertEvent>(&delivery.body) {
            Ok(event) => {
                if block.first().is_some_and(|first| first.article != event.data.article) {
                    finish(&mut block, &mut out);
                }
                block.push(event.data);
            }
            Err(_) => {
                finish(&mut block, &mut out);
                match serde_json::from_str::<EventLine>(&delivery.body) {
                    Ok(event) => {
                        out.push_str(&text::safe(&event.data.text));
                        out.push_str("\n\n");
                    }
                    // An event of a later wirewatch that has no text form here.
                    Err(_) => {
                        out.push_str(&delivery.body);
                        out.push('\n');
                    }
                }
            }
        }
    }
    finish(&mut block, &mut out);
    out
}

/// Opened for each batch, so that a file which was moved away is made anew.
fn append(path: &Path, lines: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    // A crash or a full disk may have torn the last line; the next one must not grow out of it.
    if file.metadata()?.is_file() && file.seek(SeekFrom::End(0))? > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    file.write_all(lines.as_bytes())?;
    match file.sync_data() {
        // A pipe or a terminal has nothing to sync.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}

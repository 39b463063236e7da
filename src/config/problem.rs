//! What is wrong with a text that a person wrote, where, and the way out.
//!
//! Shared by everything that reads such text: config files, queries, packs. `cli::report` draws it for a terminal.

use std::{ops::Range, path::PathBuf, sync::Arc};

/// The text that a problem points into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file, by the path the user knows it under.
    File(PathBuf),
    /// A query typed on a command line, or one that reached us by the API: shown under this name.
    Named(String),
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It works, but probably not as meant.
    Warning,
    /// It cannot be used.
    Error,
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whose text it is.
    pub origin: Origin,
    /// The whole text, to show the line from; or a piece of it that begins with a line.
    pub source: Arc<str>,
    /// Which line of the whole text `source` begins with, counted from 1.
    pub first_line: usize,
    /// Byte range into `source`; may be empty, never beyond its end.
    pub span: Range<usize>,
}

impl Place {
    /// Line and column (in characters), both counted from 1.
    pub fn line_column(&self) -> (usize, usize) {
        let start = self.source.floor_char_boundary(self.span.start.min(self.source.len()));
        let before = &self.source[..start];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + self.first_line, before[line_start..].chars().count() + 1)
    }

    /// The line that the place begins in, without its end.
    pub fn line(&self) -> &str {
        let start = self.source.floor_char_boundary(self.span.start.min(self.source.len()));
        let line_start = self.source[..start].rfind('\n').map_or(0, |i| i + 1);
        self.source[line_start..].lines().next().unwrap_or("")
    }
}

/// One thing that is wrong: what, where, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Error or warning.
    pub level: Level,
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
    /// Where, if it is somewhere.
    pub place: Option<Place>,
    /// The way out: "did you mean `interval`?".
    pub help: Option<String>,
}

impl Problem {
    /// An error without a place yet.
    pub fn error(message: impl Into<String>) -> Self {
        Self { level: Level::Error, message: message.into(), place: None, help: None }
    }

    /// A warning without a place yet.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { level: Level::Warning, message: message.into(), place: None, help: None }
    }

    /// The same problem, at a place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The same problem, with a way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether it forbids going on.
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }
}

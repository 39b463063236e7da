//! Does this article matter, and why. Knows not where an article came from, nor where an alert goes.

pub mod pack;
pub mod entity;
pub mod language;
pub mod engine;
pub mod found;
pub mod matched;
pub mod set;

pub use matched::{Match, Matched, WatchHit};
pub use set::{CompileContext, Compiled, WatchSet};

use chrono::NaiveDate;

use crate::article::segment::AnalysedText;
use found::Findings;

/// What an article says, by the packs: who and what is named, which deals and resolutions are spoken of.
pub fn findings(_text: &AnalysedText, _date: Option<NaiveDate>) -> Findings {
    Findings::default()
}

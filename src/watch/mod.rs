//! Does this article matter, and why. Knows not where an article came from, nor where an alert goes.

pub mod pack;
mod presence;
pub mod contents;
pub mod refresh;
pub mod entity;
pub mod topic;
pub mod language;
pub mod engine;
pub mod found;
mod defined;
pub mod matched;
mod round;
pub mod set;

pub use matched::{Match, Matched, WatchHit};
pub use set::{CompileContext, Compiled, SharedPacks, WatchSet};

use chrono::NaiveDate;

use crate::article::segment::AnalysedText;
use entity::PlaceMention;
use found::Findings;
use pack::Packs;

/// What an article says, by the packs, but for the topics that they define by queries: who and what is named, which deals and resolutions are spoken of. `date` is the
/// day by which roles are looked up.
pub fn findings(text: &AnalysedText, packs: &Packs, date: Option<NaiveDate>) -> Findings {
    let mut mentions = entity::mentions(text, packs, date);
    let topic::Said { arms_deals, resolutions, topics, near } = topic::find(text, &mentions, packs);
    // Who is a side of a deal is a country.
    let is_side = |place: &PlaceMention| {
        arms_deals.iter().any(|deal| deal.supplier.contains(&place.id) || deal.recipient.contains(&place.id))
    };
    let sides = std::mem::take(&mut mentions.doubtful).into_iter().filter(is_side).collect();
    mentions.add(sides);
    Findings {
        topics,
        near,
        leaders: entity::leaders(&mentions, packs, date),
        countries: entity::countries(&mentions),
        arms_deals,
        resolutions,
    }
}

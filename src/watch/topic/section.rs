//! The sections of the topics' packs as they are written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::rule::{Facts, Frame, ResolutionRole, ResolutionSays, Role, Says, WordRole};
use crate::watch::{found::DealStatus, pack::PackHead};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WeaponsFile {
    pub pack: PackHead,
    #[serde(default)]
    pub kind: Vec<KindSection>,
    #[serde(default)]
    pub system: Vec<SystemSection>,
}

/// A kind of weapon, in the languages that name it.
#[derive(Debug, Deserialize)]
pub(super) struct KindSection {
    pub name: String,
    pub category: String,
    #[serde(default)]
    pub needs_context: bool,
    /// Who exports such weapons: of two who deal in them, one of these supplies.
    #[serde(default)]
    pub maker: Vec<String>,
    #[serde(flatten)]
    pub terms: BTreeMap<String, Vec<String>>,
}

/// A weapon system, called the same in every language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SystemSection {
    pub name: String,
    pub category: String,
    #[serde(default)]
    pub also: Vec<String>,
    #[serde(default)]
    pub needs_context: bool,
    /// Whose it is: of two who deal in it, this one supplies.
    #[serde(default)]
    pub maker: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DealsFile {
    pub pack: PackHead,
    /// May be left out where the file extends another.
    #[serde(default)]
    pub parties: PartiesSection,
    #[serde(default)]
    pub maker: Vec<MakerSection>,
    #[serde(default)]
    pub programme: Vec<ProgrammeSection>,
    #[serde(default)]
    pub verb: Vec<VerbSection>,
    #[serde(default)]
    pub noun: Vec<NounSection>,
    #[serde(default)]
    pub cue: Vec<CueSection<Says>>,
    #[serde(default)]
    pub marker: Vec<MarkerSection>,
    #[serde(default)]
    pub veil: Vec<TermsSection>,
    #[serde(default)]
    pub word: Vec<WordSection<WordRole>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartiesSection {
    /// Ids of bodies that are named beside deals and are never a side of one.
    #[serde(default)]
    pub never: Vec<String>,
    /// Who supplies where two deal and nothing tells which of them gives.
    #[serde(default)]
    pub exporters: Vec<String>,
}

/// Companies that make weapons: a deal with one is a deal with its country.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MakerSection {
    pub party: String,
    /// One in capitals alone is found in capitals alone.
    pub names: Vec<String>,
}

/// An undertaking that tells by its name who supplies whom: AUKUS.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProgrammeSection {
    pub names: Vec<String>,
    pub supplier: Vec<String>,
    pub recipient: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerbSection {
    #[serde(deserialize_with = "language")]
    pub lang: String,
    pub frame: Frame,
    /// What the verb says when it is done.
    pub status: DealStatus,
    /// Whether its base form is a noun as well: "ship", "supply".
    #[serde(default)]
    pub also_noun: bool,
    #[serde(default)]
    pub base: Vec<String>,
    #[serde(default)]
    pub done: Vec<String>,
    #[serde(default)]
    pub going: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NounSection {
    #[serde(deserialize_with = "language")]
    pub lang: String,
    /// Whether the noun itself says that it is about weapons.
    pub armed: bool,
    /// Whether who owns it gives or gets.
    #[serde(default = "give")]
    pub frame: Frame,
    /// What the bare noun implies.
    pub status: DealStatus,
    pub terms: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CueSection<S> {
    #[serde(deserialize_with = "language")]
    pub lang: String,
    pub says: S,
    /// Whether it may also stand behind what it governs.
    #[serde(default)]
    pub after: bool,
    pub terms: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MarkerSection {
    #[serde(deserialize_with = "language")]
    pub lang: String,
    pub role: Role,
    #[serde(default)]
    pub before: Vec<String>,
    #[serde(default)]
    pub after: Vec<String>,
    #[serde(default)]
    pub suffix: Vec<String>,
    /// Written on the party's name, in front: Arabic `ل`.
    #[serde(default)]
    pub prefix: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TermsSection {
    #[serde(deserialize_with = "language")]
    pub lang: String,
    pub terms: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WordSection<R> {
    #[serde(deserialize_with = "language")]
    pub lang: String,
    pub role: R,
    pub terms: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResolutionsFile {
    pub pack: PackHead,
    #[serde(default)]
    pub word: Vec<WordSection<ResolutionRole>>,
    #[serde(default)]
    pub cue: Vec<CueSection<ResolutionSays>>,
    /// May be left out where the file extends another.
    #[serde(default)]
    pub facts: Facts,
}

fn give() -> Frame {
    Frame::Give
}

/// Two letters, or `*` for words of every language.
fn language<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let tag = String::deserialize(deserializer)?;
    if tag == "*" || tag.len() == 2 && tag.bytes().all(|b| b.is_ascii_lowercase()) {
        return Ok(tag);
    }
    Err(serde::de::Error::custom(format!(
        "`{tag}` is no language: two small letters, as in `en`, `tr`, `zh`, or `*` for all"
    )))
}

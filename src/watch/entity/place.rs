//! Countries, bodies and armed groups as a pack declares them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::watch::found::PartyId;

/// Which words named a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlaceForm {
    /// `Russia`
    Name,
    /// `Russian`
    Demonym,
    /// `Moscow`
    Capital,
    /// `Kremlin`
    Seat,
    /// `Hamas`, `NATO`: an armed group or a body by its name.
    Group,
}

/// What a place is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaceKind {
    /// A state or a territory with its own ISO code.
    #[default]
    Country,
    /// An international body or a camp of states.
    Body,
    /// An armed group.
    Group,
}

/// A `[[place]]` of a pack.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// ISO 3166-1 alpha-2, or a group's or body's own lower-case id.
    #[serde(deserialize_with = "party_id")]
    pub id: PartyId,
    /// As shown to people.
    pub name: String,
    /// Country where not said.
    #[serde(default)]
    pub kind: PlaceKind,
    /// Names in English, which hold in every language; `=` before one that counts only so written, `~` before one
    /// that needs a word of `near`.
    pub names: Vec<String>,
    /// What its people and things are called in English.
    #[serde(default)]
    pub demonyms: Vec<String>,
    /// The capital, and other cities that stand for the state.
    #[serde(default)]
    pub capitals: Vec<String>,
    /// Palaces and offices that stand for the state.
    #[serde(default)]
    pub seats: Vec<String>,
    /// Which role "its leader" means, by how its title begins; where not said, one that has `Leader` in it.
    #[serde(default)]
    pub head: Option<String>,
    /// Words of which one must stand in the article for a name with `~` to count.
    #[serde(default)]
    pub near: Vec<String>,
    /// Words beside which nothing but a word of `near` makes a name with `~` count: `governor` for the other Georgia.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Names in other languages.
    #[serde(default)]
    pub local_names: BTreeMap<String, Vec<String>>,
    /// Adjectives and peoples in other languages.
    #[serde(default)]
    pub local_demonyms: BTreeMap<String, Vec<String>>,
    /// Capitals and seats in other languages.
    #[serde(default)]
    pub local_seats: BTreeMap<String, Vec<String>>,
}

fn party_id<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<PartyId, D::Error> {
    let id = String::deserialize(deserializer)?;
    let is_country = id.len() == 2 && id.bytes().all(|b| b.is_ascii_uppercase());
    let is_own = !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if is_country || is_own {
        Ok(PartyId(id.into()))
    } else {
        Err(serde::de::Error::custom(format!(
            "`{id}` is neither a country's code (two capitals) nor an id of its own (a-z, 0-9 and hyphens)"
        )))
    }
}

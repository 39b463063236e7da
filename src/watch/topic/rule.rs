//! What the topic packs say, and the lexicons made from it.
//!
//! The packs hold words; the operators that join them (frames, modality, citation forms) are code, the same for every
//! language. A section names its language, and its terms are found in texts of that language alone, or in all where a
//! text's language is unknown.

use serde::Deserialize;

use super::lexicon::Lexicon;
use crate::{
    article::Lang,
    watch::{
        found::{DealItem, DealStatus, PartyId, ResolutionStatus},
        language::list::Lists,
    },
};

/// The compiled packs of the topics.
#[derive(Debug, Default)]
pub struct Rules {
    pub(super) deals: Lexicon<DealWord>,
    pub(super) items: Vec<Item>,
    /// What [`DealWord::Programme`] points to.
    pub(super) programmes: Vec<Programme>,
    /// Longest first.
    pub(super) suffixes: Vec<Affix>,
    pub(super) prefixes: Vec<Affix>,
    /// Ids that are never a side of a deal.
    pub(super) never: Vec<String>,
    /// Who supplies where two deal and nothing tells which of them gives.
    pub(super) exporters: Vec<PartyId>,
    pub(super) makers: Lexicon<u32>,
    /// What `makers` point to.
    pub(super) companies: Vec<Company>,
    pub(super) resolutions: Lexicon<ResolutionWord>,
    pub(super) facts: Facts,
    /// What queries may name: `@weapon`, `@weapon.missile`, `@arms-maker`.
    pub lists: Lists,
}

/// A weapon or kind of weapon.
#[derive(Debug)]
pub(super) struct Item {
    pub item: DealItem,
    /// A kind of weapons, not one of a name of its own.
    pub is_kind: bool,
    /// Counts only where something else in the article is plainly a weapon.
    pub needs_context: bool,
    /// Who makes it; empty where the pack does not tell.
    pub maker: Vec<PartyId>,
}

/// A company that makes weapons, by one of its names.
#[derive(Debug)]
pub(super) struct Company {
    pub party: PartyId,
    /// Written in capitals, it is no name otherwise: `EDGE`.
    pub is_upper: bool,
}

/// What a word of the weapons and arms-deals packs means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum DealWord {
    /// Index into [`Rules::items`].
    Weapon(u32),
    Verb {
        frame: Frame,
        form: Form,
        done: DealStatus,
        also_noun: bool,
    },
    Noun {
        is_armed: bool,
        frame: Frame,
        implies: DealStatus,
    },
    Cue {
        says: Says,
        also_after: bool,
    },
    /// The part of the party behind it.
    MarkerBefore(Role),
    /// The part of the party in front of it.
    MarkerAfter(Role),
    /// No deal hides in this.
    Veil,
    /// Index into [`Rules::programmes`].
    Programme(u32),
    Plain(WordRole),
}

/// An undertaking whose sides are known by its name.
#[derive(Debug)]
pub(super) struct Programme {
    pub supplier: Vec<PartyId>,
    pub recipient: Vec<PartyId>,
}

/// An ending of a party's name, or what is written on it in front, that tells its part.
#[derive(Debug)]
pub(super) struct Affix {
    pub lang: Lang,
    pub letters: String,
    pub role: Role,
}

/// How a verb's subject and object stand to the deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Frame {
    /// The subject gives, the object is a weapon.
    Give,
    /// The subject gets, the object is a weapon.
    Get,
    /// The subject gives, the object gets: to arm somebody.
    Arm,
    /// Two make weapons together, or one does under the other's licence: whose weapons they are supplies.
    Make,
}

/// A verb's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Base,
    Done,
    Going,
}

/// What a cue says of the deal that it governs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Says {
    Proposed,
    Negotiating,
    Warned,
    Agreed,
    Approved,
    Delivered,
    Denied,
    Blocked,
    Alleged,
    /// Somebody would like it: weaker than proposed.
    Wanted,
    /// A future told by somebody ("said it would"): agreed; told by nobody: wanted.
    Future,
    /// What the sentence tells is said to be untrue, whatever else governs it.
    Refuted,
    /// Shields words that look like a cue and are none.
    None,
}

/// The part that a party plays in a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Role {
    To,
    /// Like `To`, but gives way to it.
    For,
    From,
    By,
    With,
    Between,
    Of,
    /// No part at all: a place, an enemy.
    Aside,
    /// Of endings: looks like one that marks a part, and marks none (Russian `-ие` beside `-е`).
    Bare,
}

/// Other words that the frames ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WordRole {
    /// Using a weapon.
    Use,
    /// Asking for something: who asks gets, who is asked gives.
    Ask,
    /// Taking weapons on their way: who does it gives nobody anything.
    Seize,
    /// Behind a party: names an event or a place, not the party ("the Ukraine war").
    War,
    /// Behind a party: others act, for it ("Ukraine's allies").
    Ally,
    /// Stands for a party or a thing named before.
    Pronoun,
    /// In front of a verb: a word that is a noun as well is a verb behind it.
    VerbLead,
    /// An army moves its own weapons.
    Deploy,
    /// Joins parties ("France and Germany").
    Join,
    /// Stands between a joint and its party ("and the Netherlands").
    Article,
    Passive,
    /// In front of weapons: none change hands.
    No,
    /// Who holds an office may be quoted.
    Office,
    Say,
    Deny,
    /// Stands for the country of the person named last ("his country").
    Home,
    /// Stands for the country named last that does not act itself ("that country").
    There,
    /// Who bears arms for the place behind it ("fighters in Sudan").
    Fighters,
    /// Begins a clause of its own, so that what stands behind it is no object of the verb in front ("where", "when").
    Clause,
    /// Points back to what stands in front ("missiles that", "France, whose").
    Relative,
    Whose,
    /// Who rules the place behind it: "the leadership in Tehran" acts for it.
    Government,
    /// Lets or tells somebody to do what follows: who is let acts, in whatever case ("заборонила Німеччині передати").
    Let,
    /// Behind a state: a part of it, so that what happens in it is done by it ("in the US Senate").
    Institution,
    /// In front of weapons: they are none ("toy", "replica").
    Unreal,
    /// Punishing by law: who does it gives nobody anything ("imposes sanctions on").
    Punish,
    /// Behind an ambiguous name: what stands in a place, so that no country gets anything ("a Georgia plant").
    Local,
}

/// What a word of the resolutions pack means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ResolutionWord {
    Plain(ResolutionRole),
    Cue(ResolutionSays),
}

/// The parts of a citation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ResolutionRole {
    /// Says by itself whose resolution it is: `UNSCR`.
    Symbol,
    Resolution,
    /// With the sign of a number in front: `sayılı karar`, `号决议`.
    NumberedResolution,
    /// A word that is a resolution only with a number or the Council's name on it: Turkish `karar`.
    WeakResolution,
    Council,
    /// The Council's name where it is known from the context: "the Council".
    ShortCouncil,
    UnitedNations,
    /// Another body that passes resolutions, or another kind of resolution.
    Other,
    /// A state's own security council: no council beside it is the Council, but where the United Nations are named.
    OwnCouncil,
    /// What only the Council does: sanctions, vetoes, peacekeepers.
    Business,
    /// Voting, which at the Council is about a resolution.
    Vote,
    /// What the Council does by a resolution, where it is the subject.
    Act,
    /// Stands between a resolution and its number.
    NumberSign,
    /// Joins the numbers of a list.
    And,
    /// Makes numbers a range.
    Through,
}

/// What a cue says of a resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ResolutionSays {
    Draft,
    Adopted,
    Vetoed,
    CalledFor,
    Violated,
    /// Shields words that look like a cue and are none.
    None,
}

impl From<ResolutionSays> for Option<ResolutionStatus> {
    fn from(says: ResolutionSays) -> Self {
        Some(match says {
            ResolutionSays::Draft => ResolutionStatus::Draft,
            ResolutionSays::Adopted => ResolutionStatus::Adopted,
            ResolutionSays::Vetoed => ResolutionStatus::Vetoed,
            ResolutionSays::CalledFor => ResolutionStatus::CalledFor,
            ResolutionSays::Violated => ResolutionStatus::Violated,
            ResolutionSays::None => return None,
        })
    }
}

/// Years and subjects of resolutions.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Facts {
    #[serde(default)]
    first_of_year: Vec<(u16, u16)>,
    #[serde(default)]
    subjects: Vec<Subject>,
    /// No number beyond it is believed; leaves room for some years.
    #[serde(default)]
    number_max: u16,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    number: u16,
    subject: String,
}

impl Rules {
    /// Every country, body or group that the packs name as a side of deals.
    pub fn parties(&self) -> impl Iterator<Item = &str> {
        let makers = self.items.iter().flat_map(|item| &item.maker);
        let sides = self.programmes.iter().flat_map(|programme| programme.supplier.iter().chain(&programme.recipient));
        let companies = self.companies.iter().map(|company| &company.party);
        makers.chain(sides).chain(companies).chain(&self.exporters).map(|id| &*id.0)
    }
}

impl Facts {
    /// When a resolution was adopted; `None` where the pack does not reach.
    pub fn year(&self, number: u16) -> Option<u16> {
        self.is_number(number).then_some(())?;
        self.first_of_year.iter().take_while(|(_, first)| *first <= number).last().map(|(year, _)| *year)
    }

    /// What a resolution is about, where the pack knows it.
    pub fn subject(&self, number: u16) -> Option<&str> {
        self.subjects.iter().find(|known| known.number == number).map(|known| known.subject.as_str())
    }

    /// Adds those of a file that extends this one; what it says of a number holds.
    pub(super) fn extend(&mut self, more: Self) {
        self.first_of_year.extend(more.first_of_year);
        self.first_of_year.sort_unstable();
        self.subjects.splice(0..0, more.subjects);
        self.number_max = self.number_max.max(more.number_max);
    }

    /// Whether a resolution of this number may exist.
    pub fn is_number(&self, number: u16) -> bool {
        (1..=self.number_max).contains(&number)
    }
}

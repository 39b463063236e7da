//! What an article says, whichever watch asks: leaders, countries, arms deals, resolutions, each with where it stands.

use crate::article::text::TextSpan;

/// A country (ISO 3166-1 alpha-2, upper case: `KP`) or a pack's group or body (lower case: `hamas`, `nato`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct PartyId(pub Box<str>);

/// Everything found in one article.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// Ids of the topics whose detector fired, in pack order, with their evidence.
    pub topics: Vec<TopicFound>,
    /// Each person once, in order of first mention.
    pub leaders: Vec<LeaderFound>,
    /// Each country or body once, in order of first mention.
    pub countries: Vec<CountryFound>,
    /// Most certain first.
    pub arms_deals: Vec<ArmsDeal>,
    /// In order of first mention.
    pub resolutions: Vec<ResolutionFound>,
    /// What fell just short of a deal or a resolution.
    pub near: Vec<NearMiss>,
}

/// A topic that lacked one part of a rule.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct NearMiss {
    /// Which.
    pub topic: String,
    /// The rule that nearly held.
    pub rule: String,
    /// What it lacked, for people.
    pub lacks: String,
    /// Where the rest of it stands.
    #[serde(skip)]
    pub evidence: TextSpan,
}

/// A topic's detector fired.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicFound {
    /// `arms-deal`, `unsc-resolution`.
    pub id: String,
    /// 0.0 to 1.0.
    pub confidence: f32,
    /// Where, at least one.
    pub spans: Vec<TextSpan>,
    /// Name of the rule that fired, for `explain`.
    pub rule: String,
}

/// A person who is named.
#[derive(Debug, Clone, PartialEq)]
pub struct LeaderFound {
    /// Wikidata item, `Q7747`.
    pub id: String,
    /// English Wikipedia title.
    pub name: String,
    /// Whose leader.
    pub country: PartyId,
    /// On the article's date: `President of Russia`.
    pub role: Option<String>,
    /// Whether `role` was looked up for a date; false where the article has none.
    pub role_dated: bool,
    /// Whether the person held a role that makes a leader on the article's date.
    pub in_office: bool,
    /// Every mention, in text order.
    pub spans: Vec<TextSpan>,
}

/// A country or body that is named, by name, demonym, capital or seat of power.
#[derive(Debug, Clone, PartialEq)]
pub struct CountryFound {
    /// Which.
    pub id: PartyId,
    /// Every mention, in text order.
    pub spans: Vec<TextSpan>,
}

/// One deal: who supplies whom with what, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmsDeal {
    /// Who gives; empty where unsaid.
    pub supplier: Vec<PartyId>,
    /// Who gets; empty where unsaid.
    pub recipient: Vec<PartyId>,
    /// As named in the pack: `artillery shells`, `F-16`; with its category for `item:`.
    pub items: Vec<DealItem>,
    /// Looser names of what stands in `items`, for `item:` alone: `tanks` beside `Leopard 2`.
    pub looser: Vec<DealItem>,
    /// Where it stands.
    pub status: DealStatus,
    /// Who says so.
    pub attributed_to: Vec<PartyId>,
    /// Who denies it.
    pub denied_by: Vec<PartyId>,
    /// The sentence that shows it.
    pub evidence: TextSpan,
    /// The words that carry it (noun phrase or verb), inside `evidence`.
    pub spans: Vec<TextSpan>,
    /// 0.0 to 1.0.
    pub confidence: f32,
}

/// A weapon or kind of weapon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DealItem {
    /// `Iskander`, `artillery shells`, `weapons`.
    pub name: String,
    /// `missile`, `artillery`, …; what `item:` also compares.
    pub category: String,
}

/// Where a deal stands: the furthest that the text itself asserts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum DealStatus {
    Proposed,
    Negotiating,
    Warned,
    Agreed,
    Approved,
    Delivered,
    Denied,
    Blocked,
    Alleged,
}

/// A Security Council resolution that is spoken of.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolutionFound {
    /// `None` where the text names none.
    pub number: Option<u16>,
    /// Of adoption, where number or text tells.
    pub year: Option<u16>,
    /// From the pack, where the number is known.
    pub subject: Option<String>,
    /// What is said of it.
    pub status: ResolutionStatus,
    /// The sentence that shows it.
    pub evidence: TextSpan,
    /// The words that name it.
    pub spans: Vec<TextSpan>,
    /// 0.0 to 1.0.
    pub confidence: f32,
}

/// What is said of a resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum ResolutionStatus {
    Draft,
    Adopted,
    Vetoed,
    CalledFor,
    Violated,
    Cited,
}

impl DealStatus {
    /// As in queries and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Negotiating => "negotiating",
            Self::Warned => "warned",
            Self::Agreed => "agreed",
            Self::Approved => "approved",
            Self::Delivered => "delivered",
            Self::Denied => "denied",
            Self::Blocked => "blocked",
            Self::Alleged => "alleged",
        }
    }
}

impl ResolutionStatus {
    /// As in queries and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Adopted => "adopted",
            Self::Vetoed => "vetoed",
            Self::CalledFor => "called-for",
            Self::Violated => "violated",
            Self::Cited => "cited",
        }
    }
}

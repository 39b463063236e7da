//! A query whose names are known and whose parts fit: what the engine evaluates.

use super::{age::AgeTest, pattern::Pattern, tree::Scope};
use crate::{
    article::Lang,
    watch::found::{DealStatus, ResolutionStatus},
};

/// A query that can be evaluated.
#[derive(Debug, Clone)]
pub struct CheckedQuery {
    /// What it asks.
    pub root: CheckedNode,
    /// What its leaves look for; nodes name them by index. Equal terms are one.
    pub terms: Vec<CheckedTerm>,
}

/// A term, compiled.
#[derive(Debug, Clone)]
pub struct CheckedTerm {
    /// As the query has it.
    pub written: String,
    /// What it looks for.
    pub pattern: Pattern,
}

/// One construct.
#[derive(Debug, Clone)]
pub enum CheckedNode {
    /// By its index in [`CheckedQuery::terms`].
    Term(usize),
    /// All of them.
    And {
        /// Two or more.
        nodes: Vec<CheckedNode>,
        /// Whether deal terms below speak of one and the same deal.
        one_deal: bool,
    },
    /// Any of them.
    Or(Vec<CheckedNode>),
    /// Not that.
    Not(Box<CheckedNode>),
    /// Both, close to each other.
    Near {
        /// Whether left must come first.
        ordered: bool,
        /// The most places between them.
        distance: u32,
        /// One side: a term, an OR of such, or another NEAR.
        left: Box<CheckedNode>,
        /// The other.
        right: Box<CheckedNode>,
    },
    /// All of it inside one part.
    Scope(Scope, Box<CheckedNode>),
    /// A term, an OR of such, or a NEAR, so many times.
    Count(u32, Box<CheckedNode>),
    /// So many of them.
    AtLeast(u32, Vec<CheckedNode>),
    /// About the article, or about what it says.
    About {
        /// As the query has it.
        written: String,
        /// What is asked.
        question: Question,
    },
}

/// What is asked about an article or about what it says. Several values: any of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// Its language.
    Lang(Vec<Lang>),
    /// Its feed's id.
    Feed(Vec<String>),
    /// A tag of its feed.
    Tag(Vec<String>),
    /// A whole author, folded; `*` is anything.
    Author(Vec<String>),
    /// A whole category, folded; `*` is anything.
    Category(Vec<String>),
    /// Host and path from the start; `*` is anything.
    Url(Vec<String>),
    /// How old it is; one without a date is of no age.
    Published(Vec<AgeTest>),
    /// A detector fired.
    Topic(Vec<String>),
    /// Who gives, in a deal.
    Supplier(Vec<String>),
    /// Who gets.
    Recipient(Vec<String>),
    /// Where a deal stands.
    Status(Vec<DealStatus>),
    /// Name or kind of what is dealt in, folded.
    Item(Vec<String>),
    /// A resolution is spoken of.
    Resolution(Vec<ResolutionTest>),
    /// A leader is named.
    Leader(Vec<LeaderTest>),
    /// A country is named.
    Country(Vec<String>),
    /// Another watch matched.
    Watch(Vec<String>),
}

/// Which resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolutionTest {
    /// Whichever.
    Any,
    /// By number.
    Number(u16),
    /// By what is said of it.
    Status(ResolutionStatus),
}

/// Which leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaderTest {
    /// Whoever.
    Any,
    /// By Wikidata item.
    Id(String),
    /// By name, folded.
    Name(String),
    /// By whose leader.
    Country(String),
}

/// Stands for any value of `supplier:`, `country:` and the like.
pub const ANY: &str = "any";

/// The topic whose detector gives deals.
pub const DEAL_TOPIC: &str = "arms-deal";

impl Question {
    /// Whether it speaks of a deal.
    pub fn is_of_deal(&self) -> bool {
        matches!(self, Self::Supplier(_) | Self::Recipient(_) | Self::Status(_) | Self::Item(_))
    }

    /// Whether it asks what an article says.
    pub fn needs_findings(&self) -> bool {
        self.is_of_deal() || matches!(self, Self::Topic(_) | Self::Resolution(_) | Self::Leader(_) | Self::Country(_))
    }
}

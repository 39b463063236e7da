//! A checked query and an article in, the answer and its evidence out.
//!
//! Queries are compiled onto a [`shelf`]: their [`terms`], made of [`atoms`], each once; their trees as flat [`code`];
//! and under which [`literals`] each is filed, the rarest by what [`rarity`] has learned. An article becomes an
//! [`article`] index, read once for each shelf as [`postings`]; [`evaluate`] walks a tree over them, with the algebra of
//! [`positions`]; [`explain`] asks it node by node.

pub mod dictionary;
pub mod rarity;
pub mod regex_literals;
pub mod article;
pub mod wildcard;
pub mod edits;
pub mod atoms;
pub mod remembered;
pub mod terms;
pub mod code;
pub mod literals;
pub mod shelf;
pub mod postings;
pub mod positions;
pub mod evaluate;
pub mod explain;

use crate::article::Field;

/// Where a term was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hit {
    /// In which text.
    pub field: Field,
    /// First scalar value.
    pub start_chars: u32,
    /// One past the last.
    pub end_chars: u32,
    /// Place of its first word.
    pub first: u32,
    /// Place of its last word.
    pub last: u32,
}

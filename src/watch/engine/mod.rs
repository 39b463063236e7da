//! A checked query and an article in, the answer and its evidence out.
//!
//! Plain on purpose: each construct is evaluated as the page on the language defines it. Faster engines are tested
//! against this one.

pub mod article;
pub mod terms;
pub mod positions;
pub mod evaluate;

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

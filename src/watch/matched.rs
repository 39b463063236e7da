//! What a watch hit in an article.

use crate::article::text::Field;

/// One stretch of text that a watch hit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Match {
    /// In which text.
    pub field: Field,
    /// First Unicode scalar value.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// Exactly that slice.
    pub text: String,
    /// The term of the query that hit, as written.
    pub term: String,
}

/// One watch hit an article.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchHit {
    /// Which, as an index into the list that was compiled.
    pub watch: usize,
    /// Where, in text order.
    pub matches: Vec<Match>,
    /// Some twenty words around the best of them.
    pub excerpt: String,
    /// 1.0 where the query asks for no topic.
    pub confidence: f32,
}

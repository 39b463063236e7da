//! The three texts of an article that a query looks at.

/// Which text of an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// The headline.
    Title,
    /// The feed's short text, only where it does not stand in the body.
    Summary,
    /// The full readable text.
    Body,
}

impl Field {
    /// In the order in which a reader meets them.
    pub const ALL: [Self; 3] = [Self::Title, Self::Summary, Self::Body];

    /// As written in queries and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Summary => "summary",
            Self::Body => "body",
        }
    }
}

/// A stretch of one field. Offsets count Unicode scalar values, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextSpan {
    /// In which text.
    pub field: Field,
    /// First scalar value.
    pub start_chars: u32,
    /// One past the last.
    pub end_chars: u32,
}

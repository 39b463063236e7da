//! Which article is this? Within its feed ([`ArticleId`]) and across feeds ([`ArticleKey`]).

use std::fmt;

/// What a feed calls one of its entries: its guid, else its URL, else a hash of what it says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArticleId {
    /// The id itself.
    pub value: String,
    /// What it was made from.
    pub kind: IdKind,
}

/// What an [`ArticleId`] was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IdKind {
    /// guid, atom:id, rdf:about or JSON id.
    Guid,
    /// The entry's URL.
    Url,
    /// A hash of title and text.
    Hash,
}

/// An article's identity across feeds: its canonical URL, else a hash of title and text. The same article in two
/// feeds has one key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArticleKey(String);

impl ArticleKey {
    /// A key as the store kept it.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ArticleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

//! A query as written: what stands where, before anyone asks what names mean.

use std::ops::Range;

/// A whole query. Two trees are equal when they say the same, wherever it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct SyntaxTree {
    /// `None` where the query is empty.
    pub root: Option<Node>,
}

/// One construct and where it stands.
#[derive(Debug, Clone)]
pub struct Node {
    /// Byte range in the query's text, parentheses around it left out.
    pub span: Range<usize>,
    /// What it is.
    pub kind: NodeKind,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeKind {
    /// Something broken; a problem tells what.
    Hole,
    /// Something looked for in the text.
    Term(Term),
    /// All of them; two or more.
    And(Vec<Node>),
    /// Any of them; two or more.
    Or(Vec<Node>),
    /// Not that.
    Not(Box<Node>),
    /// Both, close to each other.
    Near {
        /// Whether left must come first.
        ordered: bool,
        /// The most places between them; neighbours are 1 apart.
        distance: u32,
        /// One side.
        left: Box<Node>,
        /// The other.
        right: Box<Node>,
    },
    /// All of it inside one part of the article.
    Scope(Scope, Box<Node>),
    /// So many times or more.
    Count(u32, Box<Node>),
    /// So many of them or more.
    AtLeast(u32, Vec<Node>),
    /// About the article, or about what it says.
    About(AboutField, Vec<Value>),
}

/// What is looked for in the text. Texts are raw: as written, escapes and wildcards in them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Term {
    /// `missile`: each part in any form, unless it has wildcards.
    Word(String),
    /// `"arms deal"`
    Quoted(String),
    /// `~"arms deal"`
    AnyForm(String),
    /// `=UN`
    Exact(String),
    /// `="Security Council"`
    ExactQuoted(String),
    /// `Shoigu~1`
    Fuzzy(String, u8),
    /// `/S\/RES\/\d{3,4}/`, between the slashes.
    Regex(String),
    /// `@weapon.missile`, `@country:RU`
    List {
        /// `weapon`, `weapon.missile`
        name: String,
        /// `RU`
        key: Option<String>,
    },
}

/// A value behind `lang:` and its like.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Value {
    /// Quotes and escapes taken off.
    pub text: String,
    /// Whether it stood in quotes.
    pub quoted: bool,
}

/// A part of the article that a query can be held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Scope {
    Title,
    Summary,
    Body,
    Lead,
    Sentence,
    Paragraph,
}

impl Scope {
    /// Every scope, in the order of the page.
    pub const ALL: [Self; 6] = [Self::Title, Self::Summary, Self::Body, Self::Lead, Self::Sentence, Self::Paragraph];

    /// As written, without the colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Summary => "summary",
            Self::Body => "body",
            Self::Lead => "lead",
            Self::Sentence => "sentence",
            Self::Paragraph => "paragraph",
        }
    }
}

/// What can be asked about an article, or about what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum AboutField {
    Lang,
    Feed,
    Tag,
    Author,
    Category,
    Url,
    Published,
    Topic,
    Supplier,
    Recipient,
    Status,
    Item,
    Resolution,
    Leader,
    Country,
    Severity,
    Watch,
}

impl AboutField {
    /// Every field, in the order of the page.
    pub const ALL: [Self; 17] = [
        Self::Lang,
        Self::Feed,
        Self::Tag,
        Self::Author,
        Self::Category,
        Self::Url,
        Self::Published,
        Self::Topic,
        Self::Supplier,
        Self::Recipient,
        Self::Status,
        Self::Item,
        Self::Resolution,
        Self::Leader,
        Self::Country,
        Self::Severity,
        Self::Watch,
    ];

    /// As written, without the colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lang => "lang",
            Self::Feed => "feed",
            Self::Tag => "tag",
            Self::Author => "author",
            Self::Category => "category",
            Self::Url => "url",
            Self::Published => "published",
            Self::Topic => "topic",
            Self::Supplier => "supplier",
            Self::Recipient => "recipient",
            Self::Status => "status",
            Self::Item => "item",
            Self::Resolution => "resolution",
            Self::Leader => "leader",
            Self::Country => "country",
            Self::Severity => "severity",
            Self::Watch => "watch",
        }
    }
}

/// What a `name:` in front of a term is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// Holds a query to a part of the article.
    Scope(Scope),
    /// Takes values.
    About(AboutField),
}

/// What `name:` means; `None` where nobody knows it.
pub fn prefix(name: &str) -> Option<Prefix> {
    let scope = Scope::ALL.into_iter().find(|s| s.as_str() == name).map(Prefix::Scope);
    scope.or_else(|| AboutField::ALL.into_iter().find(|f| f.as_str() == name).map(Prefix::About))
}

/// Every name that may stand before a colon.
pub fn prefix_names() -> impl Iterator<Item = &'static str> {
    Scope::ALL.into_iter().map(Scope::as_str).chain(AboutField::ALL.into_iter().map(AboutField::as_str))
}

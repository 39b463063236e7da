//! Elements that say one thing each, as pieces of the document that they stand in.

use super::{
    DEPTH_MAX, FIELDS_MAX,
    attribute::attributes,
    name::{Meaning, Scope, Space, local, meaning, split},
    token::{Token, Tokens},
};

/// An element that says one thing about a feed or an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// What it says.
    pub meaning: Meaning,
    /// As written.
    pub name: &'a str,
    /// Of its start tag.
    pub attributes: &'a str,
    /// Between its tags, references not yet resolved.
    pub inner: &'a str,
}

impl<'a> Field<'a> {
    /// An attribute's value as written; the name's case and prefix do not count unless it is asked for with a prefix.
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        attribute(self.attributes, name)
    }
}

/// An attribute's value as written.
pub fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    attributes(text)
        .find(|(key, _)| {
            key.eq_ignore_ascii_case(name) || (!name.contains(':') && local(key).eq_ignore_ascii_case(name))
        })
        .map(|(_, value)| value)
}

/// The elements that stand directly in a piece of a document, as fields.
pub fn children<'a>(inner: &'a str, scope: &Scope<'a>) -> Vec<Field<'a>> {
    let mut tokens = Tokens::new(inner);
    let mut open: Vec<(&str, &str, usize)> = Vec::new();
    let mut found = Vec::new();
    let field = |name: &'a str, attributes: &'a str, inner: &'a str| {
        let (prefix, local) = split(name);
        Field { meaning: meaning(scope.space(prefix).0, local), name, attributes, inner }
    };
    while let Some(token) = tokens.next() {
        if found.len() >= FIELDS_MAX {
            break;
        }
        match token {
            Token::Start { name, attributes, is_empty: true } if open.is_empty() => {
                found.push(field(name, attributes, ""));
            }
            Token::Start { name, attributes, is_empty: false } if open.len() <= DEPTH_MAX => {
                open.push((name, attributes, tokens.end()));
            }
            Token::End { name } => {
                if let Some(at) = open.iter().rposition(|o| o.0 == name) {
                    open.truncate(at + 1);
                    if let Some((name, attributes, start)) = open.pop().filter(|_| at == 0) {
                        found.push(field(name, attributes, &inner[start..tokens.start()]));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// Whether a field stands in a space of this kind; for those whose words mean the same in several.
pub fn is_in(field: &Field<'_>, scope: &Scope<'_>, space: Space) -> bool {
    scope.space(split(field.name).0).0 == space
}

//! The names that people give to feeds, watches, sinks and lists.

use std::{borrow::Borrow, fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// Longest name, in characters: it stands in URLs, metrics labels and log lines.
pub const ID_CHARS_MAX: usize = 64;

/// What is wrong with a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing between the quotes.
    #[error("an id can't be empty")]
    Empty,
    /// More than [`ID_CHARS_MAX`] characters.
    #[error("an id has at most {ID_CHARS_MAX} characters")]
    TooLong,
    /// A character outside `a-z 0-9 . _ -`.
    #[error("an id is made of a-z, 0-9, `.`, `_` and `-`, so `{0}` can't stand in one")]
    Character(char),
}

fn checked(text: &str) -> Result<Box<str>, IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.chars().count() > ID_CHARS_MAX {
        return Err(IdError::TooLong);
    }
    match text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-')) {
        Some(c) => Err(IdError::Character(c)),
        None => Ok(text.into()),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                checked(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

id! {
    /// A feed's name in config, logs and URLs: 1 to 64 of `a-z 0-9 . _ -`. Only parsing makes one, so one in hand is valid.
    FeedId
}
id! {
    /// A watch's name, by the same rules as [`FeedId`].
    WatchId
}
id! {
    /// A sink's name, by the same rules as [`FeedId`].
    SinkId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(), IdError>) {
        assert_eq!(text.parse::<FeedId>().map(|id| assert_eq!(id.as_str(), text)), expected);
    }

    #[test]
    fn ids() {
        check("anadolu", Ok(()));
        check("aa.com.tr", Ok(()));
        check("a_b-c.9", Ok(()));
        check("-", Ok(()));
        check(&"x".repeat(64), Ok(()));
        check("", Err(IdError::Empty));
        check(&"x".repeat(65), Err(IdError::TooLong));
        check("Anadolu", Err(IdError::Character('A')));
        check("a b", Err(IdError::Character(' ')));
        check("a/b", Err(IdError::Character('/')));
        check("haber-ı", Err(IdError::Character('ı')));
        check("a\n", Err(IdError::Character('\n')));
    }
}

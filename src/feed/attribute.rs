//! The attributes of a tag, however they are written.

/// Name and value of each attribute as written: references not yet resolved, quotes taken off. Takes values without
/// quotes and spaces around `=`.
pub fn attributes(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '='));
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '"' | '\''))?;
            let name = &rest[..end];
            let after = rest[end..].trim_start();
            let Some(value) = after.strip_prefix('=').map(str::trim_start) else {
                // A name without a value says nothing to a feed.
                rest = &rest[end..];
                continue;
            };
            let quoted = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (value, next) = match quoted {
                Some(quote) => match value[1..].find(quote) {
                    Some(end) => (&value[1..=end], &value[end + 2..]),
                    None => (&value[1..], ""),
                },
                None => {
                    let end = value.find(char::is_whitespace).unwrap_or(value.len());
                    (&value[..end], &value[end..])
                }
            };
            rest = next;
            return Some((name, value));
        }
    })
}

/// Whether a strict reader takes a tag's attributes: each value in quotes, space between them.
pub fn attributes_are_plain(text: &str) -> bool {
    let mut rest = text.trim_end();
    while !rest.is_empty() {
        let trimmed = rest.trim_start();
        let Some((name, value)) = trimmed.split_once('=').filter(|_| trimmed.len() < rest.len()) else { return false };
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, ':' | '_' | '-' | '.');
        if name.is_empty() || !name.chars().all(is_name) {
            return false;
        }
        let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return false };
        let Some(end) = value[1..].find(quote) else { return false };
        rest = &value[end + 2..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_taken_as_people_write_them() {
        let got: Vec<_> = attributes(" a=\"1\"b = '2' c=3 d e=\"\" f=\"x=y\" g=\"never").collect();
        assert_eq!(got, [("a", "1"), ("b", "2"), ("c", "3"), ("e", ""), ("f", "x=y"), ("g", "never")]);
        assert!(attributes_are_plain("") && attributes_are_plain(" a=\"1\"\n xml:b='2 = \"3\"' "));
        for odd in [" a=1", " a=\"1\"b=\"2\"", " a = \"1\"", " a", " a=\"1"] {
            assert!(!attributes_are_plain(odd), "{odd}");
        }
    }
}

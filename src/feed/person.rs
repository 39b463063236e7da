//! Who wrote it: the name in what feeds put where a name belongs.

use std::collections::HashSet;

use super::{filled, markup};

/// The name in `desk@example.org (The Desk)`, `The Desk <desk@example.org>`, `(The Desk)`; the address where it stands
/// alone.
pub fn name(written: &str) -> Option<String> {
    let written = markup::lines_head(written);
    let is_html = markup::looks_like_html(written);
    let text = Some(markup::to_line(written)).filter(|line| is_html && !line.is_empty());
    let text = text.unwrap_or_else(|| markup::one_line(written));
    let is_address = |word: &&str| word.contains('@') && word.len() > 2;
    let Some(address) = text.split(' ').find(is_address) else {
        let bare = text.strip_prefix('(').and_then(|name| name.strip_suffix(')')).unwrap_or(&text);
        return filled(bare);
    };
    let rest: Vec<&str> = text.split(' ').filter(|word| *word != address).collect();
    let rest = rest.join(" ");
    let rest = rest.trim_matches(|c: char| c.is_whitespace() || "()<>[],;\"".contains(c));
    let address = address.trim_matches(|c: char| "()<>[],;\"".contains(c));
    filled(rest).or_else(|| filled(address.strip_prefix("mailto:").unwrap_or(address)))
}

/// Names that a feed's entries take over from it may be so many, and so long together: each entry has its own copy.
const INHERITED_MAX: usize = 20;
const INHERITED_BYTES_MAX: usize = 2 << 10;

/// What entries take over of a feed's names.
pub fn inherited(mut names: Vec<String>) -> Vec<String> {
    let mut bytes_left = INHERITED_BYTES_MAX;
    names.truncate(INHERITED_MAX);
    names.retain(|name| {
        let left = bytes_left.checked_sub(name.len());
        bytes_left = left.unwrap_or(bytes_left);
        left.is_some()
    });
    names
}

/// Each name once, in order.
pub fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    names.filter(|name| seen.insert(name.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_name_is_told_from_its_address() {
        for (text, expected) in [
            ("desk@example.org (The Desk)", Some("The Desk")),
            ("The Desk <desk@example.org>", Some("The Desk")),
            ("The Desk, desk@example.org", Some("The Desk")),
            ("(The Desk)", Some("The Desk")),
            ("mailto:desk@example.org", Some("desk@example.org")),
            ("\u{201c}desk@example.org", Some("\u{201c}desk@example.org")),
            ("  ", None),
            ("Ann\n Lee", Some("Ann Lee")),
            ("<a href='/ann'>Ann Lee</a>", Some("Ann Lee")),
            ("R&amp;D Desk", Some("R&D Desk")),
            ("<b@example.org>", Some("b@example.org")),
        ] {
            assert_eq!(name(text).as_deref(), expected, "{text:?}");
        }
    }
}

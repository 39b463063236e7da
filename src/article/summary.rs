//! Whether a summary says something that does not stand in the text.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Whether a feed's summary is a field of its own beside the text. White space and punctuation do not count, nor what a
/// summary that was cut has at its end: half a word stays, `… [...]` goes.
///
/// Linear in both, without allocating, and short where the summary is the text or its beginning, as most are.
pub(super) fn is_apart(summary: &str, text: &str) -> bool {
    if summary == text {
        return false;
    }
    let cut = summary.trim_end_matches(|c: char| c.is_whitespace() || "…[].()»>".contains(c));
    let sought = letters(cut);
    let begins = sought.clone().eq(letters(text).take(sought.clone().count()));
    !begins && !stands_in(sought, letters(text))
}

fn letters(text: &str) -> impl Iterator<Item = char> + Clone {
    text.chars().filter(|c| c.is_alphanumeric())
}

/// Whether `sought` stands somewhere in `text`, by the rolling hash of Karp and Rabin: a window as long as `sought` moves
/// over the text, and where its hash is the right one, the letters decide.
fn stands_in(sought: impl Iterator<Item = char> + Clone, text: impl Iterator<Item = char> + Clone) -> bool {
    // Nobody can write a text whose windows have the hash of another, since nobody knows the base.
    let base = RandomState::new().build_hasher().finish() % PRIME;
    let step = |hash: u64, c: char| (hash * base + u64::from(c)) % PRIME;
    let (mut entering, mut leaving) = (text.clone(), text);
    let (mut wanted, mut hash, mut power, mut length) = (0, 0, 1, 0);
    for c in sought.clone() {
        let Some(first) = entering.next() else { return false };
        (wanted, hash) = (step(wanted, c), step(hash, first));
        power = power * base % PRIME;
        length += 1;
    }
    loop {
        if hash == wanted && leaving.clone().take(length).eq(sought.clone()) {
            return true;
        }
        let (Some(first), Some(last)) = (leaving.next(), entering.next()) else { return false };
        hash = (hash * base + u64::from(first) * (PRIME - power) + u64::from(last)) % PRIME;
    }
}

/// Small enough that two products and a character stay below 2⁶⁴.
const PRIME: u64 = (1 << 31) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    /// What `is_apart` means, the long way.
    fn is_apart_by_copies(summary: &str, text: &str) -> bool {
        let cut = summary.trim_end_matches(|c: char| c.is_whitespace() || "…[].()»>".contains(c));
        let [cut, text_letters] = [cut, text].map(|text| letters(text).collect::<String>());
        summary != text && !cut.is_empty() && !text_letters.contains(&cut)
    }

    #[track_caller]
    fn check(summary: &str, text: &str, expected: bool) {
        assert_eq!(is_apart(summary, text), expected, "{summary:?} in {text:?}");
        assert_eq!(is_apart_by_copies(summary, text), expected, "{summary:?} in {text:?}");
    }

    #[test]
    fn what_stands_in_the_text_is_not_apart() {
        let text = "The port reopens, officials said.\n\nShips return.";
        check(text, text, false);
        check("The port reopens, offic… [...]", text, false);
        check("“Officials said”", text, true);
        check("Ships return", text, false);
        check("return. Ships", text, true);
        check("the port", text, true);
        check("", text, false);
        check("…", "", false);
        check("longer than the text", "short", true);
        check("x", "", true);
    }

    proptest::proptest! {
        #[test]
        fn the_short_way_gives_the_same_answer(summary in "[ab. é]{0,6}", text in "[ab. é]{0,40}") {
            proptest::prop_assert_eq!(is_apart(&summary, &text), is_apart_by_copies(&summary, &text));
        }
    }
}

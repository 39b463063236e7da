//! Which term cannot be found without another being found as well: `"arms deal"` never without `arms`.

use super::pattern::{Measure, Pattern, PatternWord, Piece};

/// Whether every stretch that `pattern` finds holds one that `other` finds. May say no where nobody can tell.
pub fn implies(pattern: &Pattern, other: &Pattern) -> bool {
    match (pattern, other) {
        (Pattern::Phrase(pieces), Pattern::Phrase(others)) => holds(pieces, others),
        (Pattern::Regex(one), Pattern::Regex(other)) => one.as_str() == other.as_str(),
        (Pattern::Country(Some(_)), Pattern::Country(None)) | (Pattern::Leader(Some(_)), Pattern::Leader(None)) => true,
        (Pattern::Country(one), Pattern::Country(other)) | (Pattern::Leader(one), Pattern::Leader(other)) => {
            one.as_ref().zip(other.as_ref()).is_none_or(|(one, other)| one.eq_ignore_ascii_case(other))
                && one.is_some() == other.is_some()
        }
        (Pattern::AnyOf(one), Pattern::AnyOf(other)) => std::ptr::eq(&**one, &**other),
        (_, Pattern::AnyOf(others)) if others.len() <= ENTRIES_MAX => {
            others.iter().any(|other| implies(pattern, other))
        }
        _ => false,
    }
}

/// Longer lists are not gone through.
const ENTRIES_MAX: usize = 1000;

/// Whether the pieces of `others` stand in a row in `pieces`, each implied.
fn holds(pieces: &[Piece], others: &[Piece]) -> bool {
    pieces
        .windows(others.len().max(1))
        .any(|row| row.iter().zip(others).all(|(piece, other)| piece_implies(piece, other)))
}

fn piece_implies(piece: &Piece, other: &Piece) -> bool {
    match (piece, other) {
        (Piece::Word(word), Piece::Word(other)) => word_implies(word, other),
        (Piece::Word(word), Piece::Wildcard { text, exact }) => {
            let is_sure = if *exact { word.measure == Measure::Exact } else { word.measure != Measure::Stem };
            is_sure && !opens_longer(word) && fits(text, if *exact { &word.exact } else { &word.folded })
        }
        (Piece::Wildcard { text, exact }, Piece::Wildcard { text: other, exact: other_exact }) => {
            text == other && exact == other_exact
        }
        (Piece::Fuzzy { text, edits }, Piece::Fuzzy { text: other, edits: more }) => text == other && edits <= more,
        (Piece::Word(word), Piece::Fuzzy { text, .. }) => {
            word.measure != Measure::Stem && !opens_longer(word) && *word.folded == **text
        }
        (Piece::Designation { whole, .. }, Piece::Designation { whole: other, .. }) => word_implies(whole, other),
        _ => false,
    }
}

/// A word that is found by a narrower measure is found by a wider one.
fn word_implies(word: &PatternWord, other: &PatternWord) -> bool {
    let width = |measure: Measure| match measure {
        Measure::Exact => 0,
        Measure::Folded => 1,
        Measure::Stem => 2,
    };
    let is_same = if other.measure == Measure::Exact { word.exact == other.exact } else { word.folded == other.folded };
    is_same && width(word.measure) <= width(other.measure)
}

/// Korean words also match as the beginning of longer ones.
fn opens_longer(word: &PatternWord) -> bool {
    word.folded.chars().any(|c| matches!(c, '\u{AC00}'..='\u{D7A3}'))
}

/// Whether a word fits a wildcard that ends in its only star, or has none: what can be told without the engine.
fn fits(wildcard: &[char], word: &str) -> bool {
    let (head, is_open) = match wildcard.split_last() {
        Some(('*', head)) => (head, true),
        _ => (wildcard, false),
    };
    let word: Vec<char> = word.chars().collect();
    let fits_length = if is_open { word.len() >= head.len() } else { word.len() == head.len() };
    fits_length && !head.contains(&'*') && head.iter().zip(&word).all(|(p, c)| *p == '?' || p == c)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(pattern: (&str, Measure), other: (&str, Measure), expected: bool) {
        let phrase = |(text, measure)| Pattern::phrase(text, measure).unwrap();
        assert_eq!(implies(&phrase(pattern), &phrase(other)), expected, "{pattern:?} {other:?}");
    }

    #[test]
    fn narrower_terms_imply_wider_ones() {
        use Measure::{Exact, Folded, Stem};
        check(("arms deal", Folded), ("arms", Stem), true);
        check(("big arms deal", Folded), ("Arms deal", Folded), true);
        check(("arms deal", Folded), ("arms big", Folded), false);
        check(("arms", Stem), ("arms", Folded), false);
        check(("UN", Exact), ("un", Folded), true);
        check(("UN", Folded), ("UN", Exact), false);
        check(("missiles", Folded), ("missil*", Folded), true);
        check(("missiles", Stem), ("missil*", Folded), false);
        check(("arms", Folded), ("arms deal", Folded), false);
        check(("F-16", Stem), ("f-16", Stem), true);
    }
}

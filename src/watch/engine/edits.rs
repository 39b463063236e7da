//! Words that may be misspelt: which of them a word may be, found by what both leave when letters are taken out.
//!
//! Two words within n edits, a transposition being one, have something in common that each becomes when at most n of its
//! letters are taken out (symmetric deletion, Garbe 2012). So a word of an article is looked up by what it leaves, and
//! costs the same however many words are watched for.

use std::hash::{BuildHasher, Hasher};

use rustc_hash::FxBuildHasher;

use super::{atoms::AtomId, dictionary::Marks};
use crate::watch::language::pattern::FUZZY_CHARS_MAX;

/// As many hashes as a filter in front of the table tells apart.
const FILTER_BITS: u32 = 16;

/// Words that may be misspelt, filed.
#[derive(Debug, Default)]
pub struct Edits {
    /// By hash of what is left, sorted.
    left: Vec<(u32, AtomId)>,
    filter: Marks,
    /// For 1 edit and for 2: the lengths of words, in characters, that may be near one.
    lengths: [u64; 2],
}

impl Edits {
    /// Of words with the number of their edits.
    pub fn new(words: &[(AtomId, &str, u8)]) -> Self {
        let mut edits = Self { filter: Marks::new(1 << FILTER_BITS), ..Self::default() };
        for &(atom, word, allowed) in words {
            let chars: Vec<char> = word.chars().collect();
            let allowed = usize::from(allowed.clamp(1, 2));
            for length in chars.len().saturating_sub(allowed)..=chars.len() + allowed {
                edits.lengths[allowed - 1] |= 1 << length;
            }
            leave(&chars, allowed, |hash| {
                edits.left.push((hash, atom));
                edits.filter.set(hash >> (32 - FILTER_BITS));
            });
        }
        edits.left.sort_unstable();
        edits.left.dedup();
        edits.left.shrink_to_fit();
        edits
    }

    /// Puts every word that `word` may be meant for into `to`; `is_near` decides.
    pub fn of_word(&self, word: &str, to: &mut Vec<AtomId>, is_near: impl Fn(AtomId) -> bool) {
        if self.left.is_empty() || word.len() > 4 * (FUZZY_CHARS_MAX + 2) {
            return;
        }
        let count = word.chars().count();
        let may_be = |allowed: usize| count < 64 && self.lengths[allowed - 1] >> count & 1 == 1;
        let allowed = if may_be(2) {
            2
        } else if may_be(1) {
            1
        } else {
            return;
        };
        let chars: Vec<char> = word.chars().collect();
        let first = to.len();
        leave(&chars, allowed, |hash| {
            if self.filter.has(hash >> (32 - FILTER_BITS)) {
                let start = self.left.partition_point(|&(other, _)| other < hash);
                let found = self.left[start..].iter().take_while(|&&(other, _)| other == hash);
                to.extend(found.map(|&(_, atom)| atom));
            }
        });
        to[first..].sort_unstable();
        let mut kept = first;
        for at in first..to.len() {
            let atom = to[at];
            if (at == first || to[at - 1] != atom) && is_near(atom) {
                to[kept] = atom;
                kept += 1;
            }
        }
        to.truncate(kept);
    }
}

/// Hashes of what a word leaves when up to `allowed` of its characters, one or two, are taken out.
fn leave(chars: &[char], allowed: usize, mut see: impl FnMut(u32)) {
    let without = |out: [usize; 2]| {
        let mut hasher = FxBuildHasher.build_hasher();
        for (at, &c) in chars.iter().enumerate() {
            if at != out[0] && at != out[1] {
                hasher.write_u32(c.into());
            }
        }
        (hasher.finish() >> 32) as u32
    };
    let none = chars.len();
    see(without([none, none]));
    for first in 0..chars.len() {
        see(without([first, none]));
        if allowed == 2 {
            for second in first + 1..chars.len() {
                see(without([first, second]));
            }
        }
    }
}

/// Whether two words are within so many edits, a transposition being one.
pub fn within_edits(a: &str, b: &str, edits: usize) -> bool {
    let len = |text: &str| text.chars().count();
    len(a).abs_diff(len(b)) <= edits && strsim::osa_distance(a, b) <= edits
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn finds_exactly_what_is_near(
            words in proptest::collection::vec(("[abcé]{4,9}", 1..=2u8), 1..8), word in "[abcé]{1,11}",
        ) {
            let filed: Vec<(AtomId, &str, u8)> =
                (0..).zip(&words).map(|(id, (word, edits))| (id, word.as_str(), *edits)).collect();
            let is_near = |id: AtomId| within_edits(&words[id as usize].0, &word, usize::from(words[id as usize].1));
            let mut found = Vec::new();
            Edits::new(&filed).of_word(&word, &mut found, is_near);
            found.sort_unstable();
            let expected: Vec<AtomId> = (0..words.len() as AtomId).filter(|&id| is_near(id)).collect();
            proptest::prop_assert_eq!(found, expected);
        }
    }
}

//! "Is this word among them at all?", answered without a search for nearly every word that is not.
//!
//! A bit for each hash: what was added is always found; of a thousand words that were not, some dozens pass as well.

use std::hash::Hasher;

use rustc_hash::FxHasher;

/// Bits; ten or more for each word that packs add.
const BITS: u64 = 1 << 17;

/// Which words may be there.
#[derive(Debug)]
pub struct Presence(Box<[u64]>);

impl Default for Presence {
    fn default() -> Self {
        Self(vec![0; (BITS / 64) as usize].into())
    }
}

impl Presence {
    /// Adds a word.
    pub fn add(&mut self, word: &str) {
        let bit = hash(word) % BITS;
        self.0[(bit / 64) as usize] |= 1 << (bit % 64);
    }

    /// False where the word of that [`hash`] was never added.
    pub fn may_have(&self, hash: u64) -> bool {
        let bit = hash % BITS;
        self.0[(bit / 64) as usize] & (1 << (bit % 64)) != 0
    }
}

/// A word's hash, for [`Presence::may_have`].
pub fn hash(word: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(word.as_bytes());
    // Its low bits alone say little.
    let hash = hasher.finish();
    hash ^ hash >> 32
}

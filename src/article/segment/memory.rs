//! Words that were met before, so that each is folded and stemmed once.
//!
//! Made like a processor's cache: a word has a few slots by its hash, and the one of them that was met longest ago makes
//! room. A flood of rare words, a table of names or a hostile page, cannot make it large, slow or useless for long.

use std::{hash::BuildHasher, mem, sync::Arc};

use rustc_hash::FxBuildHasher;

use super::Form;

/// A memory begins with so many buckets, 256 words, since most languages are seldom met.
const BUCKETS_MIN: usize = 1 << 6;

/// And grows to so many: 16,384 words, some 3 MB. Of 400 words of English news some 20 are then not remembered (over
/// 2,089 articles of 2004 and 2005); with half as many it would be 34, with a quarter 55.
const BUCKETS_MAX: usize = 1 << 12;

/// Words in a bucket.
const SLOTS: usize = 4;

/// A longer word is hardly met again, and its forms take as much room as it does.
const WORD_BYTES_MAX: usize = 64;

/// The words of one language.
pub(super) struct Memory {
    /// A power of two of them; a word's is told by the last bits of its hash.
    buckets: Vec<Bucket>,
}

/// The words whose hashes end alike, the one met last in front. Fills a cache line.
#[derive(Default)]
#[repr(align(64))]
struct Bucket([Option<Remembered>; SLOTS]);

struct Remembered {
    head: Head,
    form: Arc<Form>,
}

/// A word's length and its first seven bytes: all of most words, which are told without a look at the form.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Head(u64);

impl Head {
    const BYTES: usize = 7;

    /// `exact` is no longer than [`WORD_BYTES_MAX`].
    fn of(exact: &str) -> Self {
        let bytes = exact.as_bytes();
        // Read in blocks that may overlap: a loop over so few bytes costs more in wrong guesses than in steps.
        let first = match (bytes.first_chunk::<8>(), bytes.first_chunk::<4>(), bytes.last_chunk::<4>(), bytes) {
            (Some(eight), ..) => u64::from_le_bytes(*eight) & (u64::MAX >> 8),
            (_, Some(first), Some(last), _) => {
                let block = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
                block(first) | block(last) << (8 * (bytes.len() - 4))
            }
            (.., few) => few.iter().rev().fold(0, |first, &byte| first << 8 | u64::from(byte)),
        };
        Self(first | (exact.len() as u64) << (8 * Self::BYTES))
    }

    /// Of the whole word.
    fn hash(self, exact: &str) -> u64 {
        let is_all = exact.len() <= Self::BYTES;
        if is_all { FxBuildHasher.hash_one(self.0) } else { FxBuildHasher.hash_one(exact) }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self { buckets: empty(BUCKETS_MIN) }
    }
}

impl Memory {
    /// The form of a written word, made if it has not been met lately.
    pub fn form(&mut self, exact: &str, make: impl FnOnce(&str) -> Form) -> Arc<Form> {
        if exact.len() > WORD_BYTES_MAX {
            return Arc::new(make(exact));
        }
        let head = Head::of(exact);
        let hash = head.hash(exact);
        if let Some(form) = self.bucket(hash).find(head, exact) {
            return form;
        }
        let form = Arc::new(make(exact));
        while self.buckets.len() < BUCKETS_MAX && self.bucket(hash).is_full() {
            self.grow();
        }
        self.bucket(hash).put(Remembered { head, form: Arc::clone(&form) });
        form
    }

    fn grow(&mut self) {
        let buckets = empty(2 * self.buckets.len());
        for bucket in mem::replace(&mut self.buckets, buckets) {
            // Last met, last in, so that it stands in front again.
            for word in bucket.0.into_iter().rev().flatten() {
                self.bucket(word.head.hash(&word.form.exact)).put(word);
            }
        }
    }

    fn bucket(&mut self, hash: u64) -> &mut Bucket {
        let last = self.buckets.len() - 1;
        &mut self.buckets[hash as usize & last]
    }
}

impl Bucket {
    fn find(&mut self, head: Head, exact: &str) -> Option<Arc<Form>> {
        let is_short = exact.len() <= Head::BYTES;
        let is_it = |word: &Remembered| word.head == head && (is_short || *word.form.exact == *exact);
        let at = self.0.iter().position(|slot| slot.as_ref().is_some_and(is_it))?;
        if at > 0 {
            self.0[..=at].rotate_right(1);
        }
        self.0[0].as_ref().map(|word| Arc::clone(&word.form))
    }

    fn is_full(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }

    fn put(&mut self, word: Remembered) {
        self.0.rotate_right(1);
        self.0[0] = Some(word);
    }
}

fn empty(buckets: usize) -> Vec<Bucket> {
    (0..buckets).map(|_| Bucket::default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(memory: &mut Memory, word: &str, made: &mut usize) -> Arc<Form> {
        memory.form(word, |exact| {
            *made += 1;
            Form { exact: exact.into(), folded: exact.into(), stem: exact.into(), stem_accented: None }
        })
    }

    #[test]
    fn words_in_use_outlive_a_flood_of_rare_ones() {
        let (mut memory, mut made) = (Memory::default(), 0);
        let words = BUCKETS_MAX * SLOTS;
        let first = form(&mut memory, "missile", &mut made);
        for rare in 0..10 * words {
            form(&mut memory, &format!("rare{rare}"), &mut made);
            // As often as a word that some articles have.
            if rare % 1000 == 0 {
                assert!(Arc::ptr_eq(&first, &form(&mut memory, "missile", &mut made)));
            }
        }
        assert_eq!(made, 1 + 10 * words);
        assert_eq!(memory.buckets.len(), BUCKETS_MAX);
    }

    #[test]
    fn a_growing_memory_forgets_nothing_and_a_full_one_the_oldest() {
        let (mut memory, mut made) = (Memory::default(), 0);
        let words: Vec<String> = (0..1000).map(|n| format!("word{n}")).collect();
        let first: Vec<_> = words.iter().map(|word| form(&mut memory, word, &mut made)).collect();
        for (word, first) in words.iter().zip(&first) {
            assert!(Arc::ptr_eq(first, &form(&mut memory, word, &mut made)));
        }
        assert_eq!(made, words.len());
        for rare in 0..20 * BUCKETS_MAX {
            form(&mut memory, &format!("rare{rare}"), &mut made);
        }
        assert!(!Arc::ptr_eq(&first[0], &form(&mut memory, &words[0], &mut made)));
    }

    #[test]
    fn very_long_words_are_not_kept() {
        let (mut memory, mut made) = (Memory::default(), 0);
        let long = "x".repeat(WORD_BYTES_MAX + 1);
        assert_eq!(form(&mut memory, &long, &mut made), form(&mut memory, &long, &mut made));
        assert_eq!(made, 2);
    }
}

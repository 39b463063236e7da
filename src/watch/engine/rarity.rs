//! How rare words are: learned from the articles that are read, so that each watch is filed under the word that brings
//! it up least.

use std::{
    hash::BuildHasher,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use rustc_hash::FxBuildHasher;

use crate::article::segment::Form;

/// Words are counted by their hash in so many places; two that share one are taken for as frequent as both together,
/// which costs a look and loses nothing.
const PLACES: usize = 1 << 16;
/// What a word's length tells of it weighs as much as so many articles.
const PRIOR_ARTICLES: f32 = 20.0;
/// So many articles are all counted.
const COUNTED_FIRST: u32 = 1000;
/// When so many articles were counted, all counts are halved: news changes.
const ARTICLES_MAX: u32 = 1 << 16;

/// In how many of the articles read each word stood.
#[derive(Debug)]
pub struct Rarity {
    counts: Box<[AtomicU32]>,
    articles: AtomicU32,
    offered: AtomicU32,
}

impl Default for Rarity {
    fn default() -> Self {
        Self {
            counts: (0..PLACES).map(|_| AtomicU32::new(0)).collect(),
            articles: AtomicU32::new(0),
            offered: AtomicU32::new(0),
        }
    }
}

impl Rarity {
    /// Counts an article, given its distinct words.
    pub fn learn<'f>(&self, forms: impl IntoIterator<Item = &'f Form>) {
        for form in forms {
            self.counts[place(&form.folded)].fetch_add(1, Relaxed);
        }
        // Counts that others add while these are halved are off by one here and there, which nobody notices.
        if self.articles.fetch_add(1, Relaxed) + 1 >= ARTICLES_MAX {
            for count in [&self.articles].into_iter().chain(&self.counts) {
                count.store(count.load(Relaxed) / 2, Relaxed);
            }
        }
    }

    /// Whether the article that is at hand should be counted: one of so many, and all of the first few.
    pub fn wants(&self, one_of: u32) -> bool {
        let offered = self.offered.fetch_add(1, Relaxed);
        offered < COUNTED_FIRST || offered.is_multiple_of(one_of)
    }

    /// How many articles were counted.
    pub fn articles(&self) -> u32 {
        self.articles.load(Relaxed)
    }

    /// The share of articles that a folded word stands in, guessed by its length where little was read.
    pub fn share(&self, folded: &str) -> f32 {
        let count = self.counts[place(folded)].load(Relaxed) as f32;
        ((count + PRIOR_ARTICLES * guess(folded)) / (self.articles() as f32 + PRIOR_ARTICLES)).min(1.0)
    }
}

/// Long words are rare. A character of a script without spaces is a word of its own, and a common one.
fn guess(folded: &str) -> f32 {
    match folded.chars().count() {
        0..=2 => 0.3,
        3 => 0.1,
        4 => 0.03,
        5 | 6 => 0.01,
        7 | 8 => 0.005,
        _ => 0.002,
    }
}

fn place(folded: &str) -> usize {
    (FxBuildHasher.hash_one(folded) >> 32) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::segment::analyse_fields;

    #[test]
    fn what_is_read_outweighs_what_is_guessed() {
        let rarity = Rarity::default();
        assert!(rarity.share("government") < rarity.share("emu"));
        for _ in 0..100 {
            let text = analyse_fields(None, "", "", "The government");
            rarity.learn(text.fields[2].words.iter().map(|word| &*word.form));
        }
        assert_eq!(rarity.articles(), 100);
        assert!(rarity.share("government") > rarity.share("emu"));
        assert!((0.8..=1.0).contains(&rarity.share("government")));
    }
}

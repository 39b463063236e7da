//! Strings by number, and numbers in groups: what a hundred thousand watches say, each word of it kept once.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// Distinct strings, numbered in the order in which they came.
#[derive(Debug, Default)]
pub struct Dictionary {
    text: String,
    /// Where each ends in `text`; each begins where the one before ends.
    ends: Vec<u32>,
    /// Each with the high half of its hash, so that strings are compared only where they are the same.
    slots: HashTable<(u32, u32)>,
}

impl Dictionary {
    /// The number of `key`, if it is here.
    pub fn get(&self, key: &str) -> Option<u32> {
        let hash = hash(key);
        self.slots.find(hash, |&(half, id)| half == high(hash) && self.text(id) == key).map(|&(_, id)| id)
    }

    /// The number of `key`, which is added where it is new.
    pub fn intern(&mut self, key: &str) -> u32 {
        if let Some(id) = self.get(key) {
            return id;
        }
        let id = self.ends.len() as u32;
        self.text.push_str(key);
        self.ends.push(self.text.len() as u32);
        let Self { text, ends, slots } = self;
        let hash_of = |&(_, other): &(u32, u32)| hash(slice(text, ends, other));
        slots.insert_unique(hash(key), (high(hash(key)), id), hash_of);
        id
    }

    /// The string behind a number.
    #[inline]
    pub fn text(&self, id: u32) -> &str {
        slice(&self.text, &self.ends, id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Gives back what growing left over.
    pub fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
        let Self { text, ends, slots } = self;
        slots.shrink_to_fit(|&(_, other)| hash(slice(text, ends, other)));
    }
}

#[inline]
fn slice<'t>(text: &'t str, ends: &[u32], id: u32) -> &'t str {
    let id = id as usize;
    let start = id.checked_sub(1).map_or(0, |before| ends[before]);
    &text[start as usize..ends[id] as usize]
}

fn high(hash: u64) -> u32 {
    (hash >> 32) as u32
}

fn hash(key: &str) -> u64 {
    FxBuildHasher.hash_one(key)
}

/// For each number of a row of numbers, some items.
#[derive(Debug)]
pub struct Groups<T> {
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T> Default for Groups<T> {
    fn default() -> Self {
        Self { starts: Vec::new(), items: Vec::new() }
    }
}

impl<T: Copy> Groups<T> {
    /// Of `(number, item)` in any order; the numbers are below `count`. Items of one number keep their order.
    pub fn new(count: usize, pairs: &[(u32, T)]) -> Self {
        let mut starts = vec![0u32; count + 1];
        for &(number, _) in pairs {
            starts[number as usize + 1] += 1;
        }
        for i in 0..count {
            starts[i + 1] += starts[i];
        }
        let Some(&(_, any)) = pairs.first() else { return Self { starts, items: Vec::new() } };
        let mut items = vec![any; pairs.len()];
        let mut next = starts.clone();
        for &(number, item) in pairs {
            let at = &mut next[number as usize];
            items[*at as usize] = item;
            *at += 1;
        }
        Self { starts, items }
    }

    /// Those of one number.
    pub fn of(&self, number: u32) -> &[T] {
        let number = number as usize;
        match (self.starts.get(number), self.starts.get(number + 1)) {
            (Some(&start), Some(&end)) => &self.items[start as usize..end as usize],
            _ => &[],
        }
    }
}

/// Which of a row of numbers are marked.
#[derive(Debug, Clone, Default)]
pub struct Marks(Vec<u64>);

impl Marks {
    /// None of `count`.
    pub fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    /// Whether it is marked; false beyond the row.
    pub fn has(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Marks one; gives whether it was not yet.
    pub fn set(&mut self, number: u32) -> bool {
        let word = &mut self.0[number as usize / 64];
        let before = *word;
        *word |= 1 << (number % 64);
        *word != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_keep_their_number() {
        let mut dictionary = Dictionary::default();
        let words: Vec<String> = (0..1000).map(|i| format!("w{}", i % 700)).collect();
        let ids: Vec<u32> = words.iter().map(|word| dictionary.intern(word)).collect();
        dictionary.shrink();
        assert_eq!(dictionary.len(), 700);
        assert!(words.iter().zip(&ids).all(|(word, &id)| dictionary.get(word) == Some(id)));
        assert!(words.iter().zip(&ids).all(|(word, &id)| dictionary.text(id) == word));
        assert_eq!((dictionary.get("w700"), dictionary.get("")), (None, None));
    }

    #[test]
    fn groups_hold_what_was_put_in() {
        let groups = Groups::new(4, &[(2, 'a'), (0, 'b'), (2, 'c')]);
        assert_eq!(
            [groups.of(0), groups.of(1), groups.of(2), groups.of(3), groups.of(9)],
            [&['b'][..], &[], &['a', 'c'], &[], &[]]
        );
    }

    #[test]
    fn marks_tell_what_is_new() {
        let mut marks = Marks::new(70);
        assert!(marks.set(69) && !marks.set(69) && marks.has(69) && !marks.has(68) && !marks.has(700));
    }
}

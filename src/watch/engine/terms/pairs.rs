//! Two words side by side, and the terms that they point to.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::TermId;
use crate::watch::engine::{
    atoms::AtomId,
    dictionary::{Groups, Marks},
};

/// Two words side by side → terms.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    pub keys: Vec<(AtomId, AtomId)>,
    slots: HashTable<u32>,
    terms: Groups<TermId>,
    pub opens: Marks,
    pub closes: Marks,
}

impl Pairs {
    pub fn new(atoms: usize, mut pairs: Vec<((AtomId, AtomId), TermId)>) -> Self {
        pairs.sort_unstable();
        let mut made = Self { opens: Marks::new(atoms), closes: Marks::new(atoms), ..Self::default() };
        let mut terms = Vec::with_capacity(pairs.len());
        for (key, term) in pairs {
            if made.keys.last() != Some(&key) {
                made.opens.set(key.0);
                made.closes.set(key.1);
                made.keys.push(key);
            }
            terms.push((made.keys.len() as u32 - 1, term));
        }
        made.keys.shrink_to_fit();
        made.terms = Groups::new(made.keys.len(), &terms);
        let Self { keys, slots, .. } = &mut made;
        slots.reserve(keys.len(), |&slot| hash(keys[slot as usize]));
        for (slot, &key) in (0..).zip(&*keys) {
            slots.insert_unique(hash(key), slot, |&slot| hash(keys[slot as usize]));
        }
        made
    }

    pub fn of(&self, first: AtomId, second: AtomId) -> &[TermId] {
        let slot = self.slots.find(hash((first, second)), |&slot| self.keys[slot as usize] == (first, second));
        slot.map_or(&[], |&slot| self.terms.of(slot))
    }
}

fn hash(pair: (AtomId, AtomId)) -> u64 {
    FxBuildHasher.hash_one(pair)
}

//! News repeats its words, so a thread remembers which atoms of a shelf a word is, and looks up only what is new.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rustc_hash::FxHashMap;

use super::atoms::{AtomId, Atoms, Stems};
use crate::article::{Lang, segment::Form};

/// A thread remembers so many words of a shelf in a language, a megabyte or two, before it begins anew. As many as it
/// remembers forms of.
const WORDS_MAX: usize = 1 << 14;
/// And so many atoms of theirs; queries full of wildcards could make a word thousands.
const ATOMS_MAX: usize = 1 << 18;
/// A thread remembers words of so many shelves and languages.
const KINDS_MAX: usize = 8;

/// What tells a shelf's atoms from all others of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtomsKey(u64);

impl AtomsKey {
    /// A key that was not there before.
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Default for AtomsKey {
    fn default() -> Self {
        Self::new()
    }
}

struct Memory {
    key: (AtomsKey, Option<Lang>),
    /// By address of the form, which is kept so that the address stays its own.
    words: FxHashMap<*const Form, (Arc<Form>, u32, u32)>,
    atoms: Vec<AtomId>,
}

thread_local! {
    /// The one used last stands last.
    static MEMORIES: RefCell<Vec<Memory>> = const { RefCell::new(Vec::new()) };
}

/// The atoms that each of `forms` is, sorted and each once, goes to `see`, in their order.
pub fn each_form(
    atoms: &Atoms,
    forms: &[&Arc<Form>],
    lang: Option<Lang>,
    stems: Option<&Stems>,
    mut see: impl FnMut(&[AtomId]),
) {
    MEMORIES.with_borrow_mut(|memories| {
        let key = (atoms.key(), lang);
        match memories.iter().position(|memory| memory.key == key) {
            Some(at) => memories[at..].rotate_left(1),
            None => {
                if memories.len() == KINDS_MAX {
                    memories.remove(0);
                }
                memories.push(Memory { key, words: FxHashMap::default(), atoms: Vec::new() });
            }
        }
        let Some(memory) = memories.last_mut() else { return };
        for &form in forms {
            if let Some(&(_, start, end)) = memory.words.get(&Arc::as_ptr(form)) {
                see(&memory.atoms[start as usize..end as usize]);
                continue;
            }
            if memory.words.len() >= WORDS_MAX || memory.atoms.len() >= ATOMS_MAX {
                memory.words.clear();
                memory.atoms.clear();
            }
            let start = memory.atoms.len();
            atoms.of_form(form, lang, stems, &mut memory.atoms);
            sort_from(&mut memory.atoms, start);
            let end = memory.atoms.len();
            memory.words.insert(Arc::as_ptr(form), (Arc::clone(form), start as u32, end as u32));
            see(&memory.atoms[start..end]);
        }
    });
}

/// Sorts what stands from `start` on and leaves each once.
fn sort_from(atoms: &mut Vec<AtomId>, start: usize) {
    atoms[start..].sort_unstable();
    let mut kept = start;
    for at in start..atoms.len() {
        if kept == start || atoms[kept - 1] != atoms[at] {
            atoms[kept] = atoms[at];
            kept += 1;
        }
    }
    atoms.truncate(kept);
}

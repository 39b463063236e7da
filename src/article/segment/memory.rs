//! Words that were met before, so that each is folded and stemmed once.
//!
//! Two generations: words met lately, and words of the generation before that have not been met since. A flood of rare
//! words, a table of names or a hostile page, pushes out only what nobody has used meanwhile.

use std::{
    borrow::Borrow,
    hash::{Hash, Hasher},
    mem,
    sync::Arc,
};

use rustc_hash::FxHashSet;

use super::Form;

/// News repeats its words; so many of each language fill a generation. Two of them take about a megabyte.
const GENERATION_WORDS_MAX: usize = 1 << 12;

/// A longer word is none that will be met again, and its forms may be long, too.
const WORD_BYTES_MAX: usize = 64;

/// The words of one language.
#[derive(Default)]
pub(super) struct Memory {
    young: FxHashSet<Remembered>,
    old: FxHashSet<Remembered>,
}

/// A form under its written word.
struct Remembered(Arc<Form>);

impl Memory {
    /// The form of a written word, made if it has not been met lately.
    pub fn form(&mut self, exact: &str, make: impl FnOnce(&str) -> Form) -> Arc<Form> {
        if let Some(known) = self.young.get(exact) {
            return Arc::clone(&known.0);
        }
        if exact.len() > WORD_BYTES_MAX {
            return Arc::new(make(exact));
        }
        let form = self.old.take(exact).map_or_else(|| Arc::new(make(exact)), |known| known.0);
        if self.young.len() >= GENERATION_WORDS_MAX {
            mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(Remembered(Arc::clone(&form)));
        form
    }
}

impl Borrow<str> for Remembered {
    fn borrow(&self) -> &str {
        &self.0.exact
    }
}

impl Hash for Remembered {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.exact.hash(state);
    }
}

impl PartialEq for Remembered {
    fn eq(&self, other: &Self) -> bool {
        self.0.exact == other.0.exact
    }
}

impl Eq for Remembered {}

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
        let first = form(&mut memory, "missile", &mut made);
        for rare in 0..10 * GENERATION_WORDS_MAX {
            form(&mut memory, &format!("rare{rare}"), &mut made);
            if rare % 1000 == 0 {
                assert!(Arc::ptr_eq(&first, &form(&mut memory, "missile", &mut made)));
            }
        }
        assert_eq!(made, 1 + 10 * GENERATION_WORDS_MAX);
        assert!(memory.young.len() + memory.old.len() <= 2 * GENERATION_WORDS_MAX);
    }

    #[test]
    fn what_nobody_uses_is_forgotten() {
        let (mut memory, mut made) = (Memory::default(), 0);
        let first = form(&mut memory, "missile", &mut made);
        for rare in 0..2 * GENERATION_WORDS_MAX {
            form(&mut memory, &format!("rare{rare}"), &mut made);
        }
        assert!(!Arc::ptr_eq(&first, &form(&mut memory, "missile", &mut made)));
        let long = "x".repeat(WORD_BYTES_MAX + 1);
        assert_eq!(form(&mut memory, &long, &mut made), form(&mut memory, &long, &mut made));
        assert!(!memory.young.contains(long.as_str()));
    }
}

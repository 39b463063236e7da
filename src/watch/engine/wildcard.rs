//! Words with `*` and `?`: which of them a word may be, found by the letters that they do have.

use aho_corasick::AhoCorasick;
use rustc_hash::FxHashMap;
use unicode_normalization::char::canonical_combining_class;

use super::{atoms::AtomId, dictionary::Groups};
use crate::article::{fold::fold, segment::Form};

/// A stretch of fewer letters is not worth looking for.
const CHARS_MIN: usize = 2;
const CHAR_BITS: u32 = 21;
/// What is longer is no word, but what somebody built to keep us busy.
const WORD_BYTES_MAX: usize = 512;

/// Words with wildcards, filed.
#[derive(Debug, Default)]
pub struct Wildcards {
    /// Those that begin with letters.
    beginnings: Beginnings,
    /// Those that begin with a wildcard, by a stretch of letters inside.
    inner: Option<(AhoCorasick, Vec<Filed>)>,
    /// Those with hardly a letter beside another: each is tried.
    rest: Vec<Filed>,
}

#[derive(Debug, Clone, Copy)]
struct Filed {
    atom: AtomId,
    exact: bool,
    /// Whether the letters by which it is filed decide alone.
    is_sure: bool,
}

/// Patterns by the letters that they begin with. Of the beginnings of a word that are here, each is in front of the next
/// longer one, so the longest leads to all.
#[derive(Debug, Default)]
struct Beginnings {
    /// Sorted.
    texts: Vec<Box<str>>,
    /// The longest other one that each begins with.
    shorter: Vec<Option<u32>>,
    filed: Groups<Filed>,
    /// Those with the same first letters, by these: first and one past the last.
    by_key: FxHashMap<u64, (u32, u32)>,
    /// Those of the fewest letters, by these.
    short: FxHashMap<u64, u32>,
}

impl Wildcards {
    /// Of patterns, each with whether case and diacritics count.
    pub fn new(patterns: &[(AtomId, &str, bool)]) -> Self {
        let mut wildcards = Self::default();
        let (mut begun, mut runs, mut inner) = (Vec::new(), Vec::new(), Vec::new());
        for &(atom, pattern, exact) in patterns {
            let open = pattern.find(['*', '?']).unwrap_or(pattern.len());
            let beginning = folded_run(&pattern[..open]);
            let rest = &pattern[open..];
            let is_sure = !exact && !rest.is_empty() && rest.chars().all(|c| c == '*') && pattern[..open] == beginning;
            let filed = Filed { atom, exact, is_sure };
            if beginning.chars().nth(CHARS_MIN - 1).is_some() {
                begun.push((beginning, filed));
                continue;
            }
            let longest = pattern.split(['*', '?']).map(folded_run).max_by_key(|run| run.chars().count());
            let filed = Filed { is_sure: false, ..filed };
            match longest.filter(|run| run.chars().count() >= CHARS_MIN) {
                Some(run) => {
                    runs.push(run);
                    inner.push(filed);
                }
                None => wildcards.rest.push(filed),
            }
        }
        wildcards.beginnings = Beginnings::new(&begun);
        match AhoCorasick::new(&runs) {
            Ok(automaton) if !runs.is_empty() => wildcards.inner = Some((automaton, inner)),
            // Too many for one automaton: each is tried.
            _ => wildcards.rest.extend(inner),
        }
        wildcards
    }

    /// Puts every pattern that a word fits into `to`; `fits` decides.
    pub fn of_word(&self, form: &Form, to: &mut Vec<AtomId>, fits: impl Fn(AtomId, bool, &Form) -> bool) {
        if form.folded.len() > WORD_BYTES_MAX {
            return;
        }
        let fits = |filed: &&Filed| filed.is_sure || fits(filed.atom, filed.exact, form);
        let mut beginning = self.beginnings.longest(&form.folded);
        while let Some(id) = beginning {
            to.extend(self.beginnings.filed.of(id).iter().filter(fits).map(|filed| filed.atom));
            beginning = self.beginnings.shorter[id as usize];
        }
        if let Some((automaton, inner)) = &self.inner {
            let found = automaton.find_overlapping_iter(&*form.folded).map(|found| found.pattern().as_usize());
            let mut found: Vec<usize> = found.collect();
            found.sort_unstable();
            found.dedup();
            to.extend(found.into_iter().map(|pattern| &inner[pattern]).filter(fits).map(|filed| filed.atom));
        }
        to.extend(self.rest.iter().filter(fits).map(|filed| filed.atom));
    }
}

impl Beginnings {
    fn new(begun: &[(String, Filed)]) -> Self {
        let mut texts: Vec<&str> = begun.iter().map(|(text, _)| text.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        let filed: Vec<(u32, Filed)> = begun
            .iter()
            .filter_map(|(text, filed)| Some((texts.binary_search(&text.as_str()).ok()? as u32, *filed)))
            .collect();
        let mut made = Self {
            filed: Groups::new(texts.len(), &filed),
            shorter: Vec::with_capacity(texts.len()),
            ..Self::default()
        };
        for (id, text) in (0..).zip(&texts) {
            // The one before, or one that it begins with.
            let mut shorter = u32::checked_sub(id, 1);
            while let Some(other) = shorter
                && !text.starts_with(texts[other as usize])
            {
                shorter = made.shorter[other as usize];
            }
            made.shorter.push(shorter);
            match keys(text) {
                (_, Some(key)) => made.by_key.entry(key).or_insert((id, id)).1 = id + 1,
                (Some(short), None) => _ = made.short.insert(short, id),
                (None, None) => {}
            }
        }
        made.texts = texts.into_iter().map(Into::into).collect();
        made
    }

    /// The longest of them that a word begins with.
    fn longest(&self, word: &str) -> Option<u32> {
        if self.texts.is_empty() {
            return None;
        }
        let (short, key) = keys(word);
        let mut beginning = key.and_then(|key| self.by_key.get(&key)).and_then(|&(start, end)| {
            let alike = &self.texts[start as usize..end as usize];
            let behind = alike.partition_point(|text| **text <= *word);
            Some(start + behind.checked_sub(1)? as u32)
        });
        while let Some(id) = beginning
            && !word.starts_with(&*self.texts[id as usize])
        {
            beginning = self.shorter[id as usize];
        }
        beginning.or_else(|| self.short.get(&short?).copied())
    }
}

/// The first letters as numbers: the fewest by which a pattern is filed, and one more. Texts that share the longer stand
/// together when sorted.
fn keys(word: &str) -> (Option<u64>, Option<u64>) {
    let mut chars = word.chars();
    let mut key = 0;
    for _ in 0..CHARS_MIN {
        let Some(c) = chars.next() else { return (None, None) };
        key = key << CHAR_BITS | u64::from(u32::from(c));
    }
    (Some(key), chars.next().map(|c| key << CHAR_BITS | u64::from(u32::from(c))))
}

/// Letters of a pattern as they stand in a folded word. A mark at the start folds by what stands before it, so it is
/// left out.
fn folded_run(run: &str) -> String {
    fold(run.trim_start_matches(|c| canonical_combining_class(c) != 0))
}

/// Whether a whole word fits a pattern of letters, `*` and `?`. Goes back to the last star alone, so at the worst it
/// costs the one length times the other.
pub fn wildcard_matches(pattern: &str, word: &str) -> bool {
    fits(pattern, word, |wanted, found| wanted == '?' || wanted == found)
}

/// Whether a whole value fits a pattern in which `*` alone is a wildcard.
pub fn star_matches(pattern: &str, value: &str) -> bool {
    fits(pattern, value, |wanted, found| wanted == found)
}

fn fits(pattern: &str, word: &str, is_it: impl Fn(char, char) -> bool) -> bool {
    let (mut pattern, mut word) = (pattern.chars(), word.chars());
    let mut star = None;
    loop {
        let rest = word.clone();
        match (pattern.next(), word.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                word = rest.clone();
                star = Some((pattern.clone(), rest));
            }
            (Some(p), Some(w)) if is_it(p, w) => {}
            _ => {
                let Some((behind_star, mut from)) = star else { return false };
                if from.next().is_none() {
                    return false;
                }
                (pattern, word) = (behind_star.clone(), from.clone());
                star = Some((behind_star, from));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_words() {
        for (pattern, word, fits) in [
            ("missil*", "missiles", true),
            ("missil*", "missil", true),
            ("missil*", "missive", false),
            ("*panzer*", "kampfpanzerung", true),
            ("?an", "man", true),
            ("?an", "an", false),
            ("m*s*e", "mississippie", true),
            ("m*s*e", "mississippi", false),
            ("a*", "", false),
            ("**a**", "bab", true),
            ("e?e", "été", false),
            ("é?é", "été", true),
        ] {
            assert_eq!(wildcard_matches(pattern, word), fits, "{pattern} {word}");
        }
    }

    #[test]
    fn whole_values_know_stars_alone() {
        assert!(
            star_matches("jane d*", "jane doe")
                && star_matches("who?", "who?")
                && !star_matches("jane d?e", "jane doe")
        );
    }

    proptest::proptest! {
        #[test]
        fn finds_every_pattern_that_fits(
            patterns in proptest::collection::vec("[ab*?é]{0,3}[ab][ab*]{1,3}", 1..12), word in "[abé]{1,7}",
        ) {
            let filed: Vec<(AtomId, &str, bool)> =
                (0..).zip(&patterns).map(|(id, pattern)| (id, pattern.as_str(), false)).collect();
            let folded: Vec<String> = patterns.iter().map(|pattern| pattern.replace('é', "e")).collect();
            let filed: Vec<_> = filed.into_iter().zip(&folded).map(|((id, _, exact), p)| (id, p.as_str(), exact)).collect();
            let form = crate::article::segment::stem::forms(&word, None);
            let mut found = Vec::new();
            Wildcards::new(&filed).of_word(&form, &mut found, |id, _, form| {
                wildcard_matches(&folded[id as usize], &form.folded)
            });
            found.sort_unstable();
            found.dedup();
            let fits = |id: &AtomId| wildcard_matches(&folded[*id as usize], &form.folded);
            proptest::prop_assert_eq!(found, (0..patterns.len() as AtomId).filter(fits).collect::<Vec<_>>());
        }

        #[test]
        fn patterns_fit_as_a_regular_expression_would(pattern in "[ab*?é]{0,8}", word in "[abé]{0,9}") {
            let regex = format!("^{}$", pattern.replace('*', ".*").replace('?', "."));
            let expected = regex::Regex::new(&regex).is_ok_and(|regex| regex.is_match(&word));
            proptest::prop_assert_eq!(wildcard_matches(&pattern, &word), expected);
        }
    }
}

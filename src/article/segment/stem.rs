//! Words by their stem, in the languages that have a stemmer.

use std::{cell::RefCell, collections::HashMap};

use snowball_stemmers_rs::{Algorithm, Stemmer};

use crate::article::{fold, language::Lang};

/// News repeats its words; a thread remembers so many of each language before it starts anew. About a megabyte.
const REMEMBERED_WORDS_MAX: usize = 1 << 13;

/// How a word compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forms {
    /// See [`super::Word::folded`].
    pub folded: Box<str>,
    /// See [`super::Word::stem`].
    pub stem: Box<str>,
    /// See [`super::Word::stem_accented`].
    pub stem_accented: Option<Box<str>>,
}

/// Whether words of this language can be stemmed. Where not, whole folded words are compared.
pub fn has_stemmer(lang: Lang) -> bool {
    algorithm(lang).is_some()
}

/// How a word, in NFKC, compares in a text of `lang`.
pub fn forms(exact: &str, lang: Option<Lang>) -> Forms {
    let Some((lang, algorithm)) = lang.and_then(|lang| Some((lang, algorithm(lang)?))) else {
        let folded = fold::fold(exact).into_boxed_str();
        return Forms { stem: folded.clone(), folded, stem_accented: None };
    };
    thread_local! {
        static REMEMBERED: RefCell<HashMap<Lang, HashMap<Box<str>, Forms>>> = RefCell::default();
    }
    REMEMBERED.with_borrow_mut(|languages| {
        let words = languages.entry(lang).or_default();
        if let Some(forms) = words.get(exact) {
            return forms.clone();
        }
        if words.len() >= REMEMBERED_WORDS_MAX {
            words.clear();
        }
        let forms = stemmed(exact, lang, algorithm);
        words.insert(exact.into(), forms.clone());
        forms
    })
}

fn stemmed(exact: &str, lang: Lang, algorithm: Algorithm) -> Forms {
    let stemmer = Stemmer::create(algorithm);
    let folded = fold::fold(exact).into_boxed_str();
    let stem: Box<str> = stemmer.stem(&folded).into();
    let lower = fold::lower(exact, Some(lang));
    let stem_accented = (*lower != *folded)
        .then(|| fold::fold(&stemmer.stem(&lower)).into_boxed_str())
        .filter(|accented| *accented != stem && !accented.is_empty());
    let stem = if stem.is_empty() { folded.clone() } else { stem };
    Forms { folded, stem, stem_accented }
}

fn algorithm(lang: Lang) -> Option<Algorithm> {
    Some(match lang.as_str() {
        "ar" => Algorithm::Arabic,
        "hy" => Algorithm::Armenian,
        "eu" => Algorithm::Basque,
        "ca" => Algorithm::Catalan,
        "cs" => Algorithm::Czech,
        "da" => Algorithm::Danish,
        "nl" => Algorithm::Dutch,
        "en" => Algorithm::English,
        "eo" => Algorithm::Esperanto,
        "et" => Algorithm::Estonian,
        "fi" => Algorithm::Finnish,
        "fr" => Algorithm::French,
        "de" => Algorithm::German,
        "el" => Algorithm::Greek,
        "hi" => Algorithm::Hindi,
        "hu" => Algorithm::Hungarian,
        "id" => Algorithm::Indonesian,
        "ga" => Algorithm::Irish,
        "it" => Algorithm::Italian,
        "lt" => Algorithm::Lithuanian,
        "ne" => Algorithm::Nepali,
        "no" | "nb" | "nn" => Algorithm::Norwegian,
        "fa" => Algorithm::Persian,
        "pl" => Algorithm::Polish,
        "pt" => Algorithm::Portuguese,
        "ro" => Algorithm::Romanian,
        "ru" => Algorithm::Russian,
        "sr" => Algorithm::Serbian,
        "st" => Algorithm::Sesotho,
        "es" => Algorithm::Spanish,
        "sv" => Algorithm::Swedish,
        "ta" => Algorithm::Tamil,
        "tr" => Algorithm::Turkish,
        "uk" => Algorithm::Ukrainian,
        "yi" => Algorithm::Yiddish,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn meet(lang: &str, a: &str, b: &str) {
        let lang = Lang::from_tag(lang);
        let (a, b) = (forms(a, lang), forms(b, lang));
        let stems = |f: &Forms| [Some(f.stem.clone()), f.stem_accented.clone()];
        assert!(stems(&a).iter().flatten().any(|s| stems(&b).contains(&Some(s.clone()))), "{a:?} {b:?}");
    }

    #[test]
    fn forms_of_a_word_meet_in_one_stem() {
        meet("en", "missile", "Missiles");
        meet("tr", "füzeler", "füze");
        meet("ru", "ракета", "ракетами");
        meet("ru", "Российский", "российского");
        meet("fr", "élections", "election");
        meet("de", "Rakete", "Raketen");
    }

    #[test]
    fn without_a_stemmer_the_folded_word_stands() {
        let forms = forms("Missiles", None);
        assert_eq!((&*forms.folded, &*forms.stem, forms.stem_accented), ("missiles", "missiles", None));
    }
}

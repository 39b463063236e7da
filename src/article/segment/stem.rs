//! Words by their stem, in the languages that have a stemmer.

use std::{cell::RefCell, sync::Arc};

use rustc_hash::FxHashMap;
use snowball_stemmers_rs::{Algorithm, Stemmer};

use super::{Form, memory::Memory};
use crate::article::{fold, language::Lang};

/// Whether words of this language can be stemmed. Where not, whole folded words are compared.
pub fn has_stemmer(lang: Lang) -> bool {
    algorithm(lang).is_some()
}

/// How a word, in NFKC, compares in a text of `lang`. Words that a thread has met before cost a look-up.
pub fn forms(exact: &str, lang: Option<Lang>) -> Arc<Form> {
    with_forms(lang, |forms| forms.stemmed(exact))
}

/// Hands out the forms of many words of one language. `ask` must not come here again.
pub(super) fn with_forms<T>(lang: Option<Lang>, ask: impl FnOnce(&mut Forms<'_>) -> T) -> T {
    #[derive(Default)]
    struct Memories {
        /// Of words that are not stemmed, whatever their language.
        whole: Memory,
        by_lang: FxHashMap<Lang, Memory>,
    }
    thread_local! {
        static REMEMBERED: RefCell<Memories> = RefCell::default();
    }
    REMEMBERED.with_borrow_mut(|memories| {
        let stemming = lang.and_then(|lang| Some((algorithm(lang)?, lang)));
        let stemmed = stemming.map(|(algorithm, lang)| Stemmed {
            memory: memories.by_lang.entry(lang).or_default(),
            stemmer: Stemmer::create(algorithm),
            lang,
        });
        ask(&mut Forms { whole: &mut memories.whole, stemmed })
    })
}

/// The forms of one language's words, from the thread's memory or made.
pub(super) struct Forms<'a> {
    whole: &'a mut Memory,
    stemmed: Option<Stemmed<'a>>,
}

struct Stemmed<'a> {
    memory: &'a mut Memory,
    stemmer: Stemmer,
    lang: Lang,
}

impl Forms<'_> {
    /// Of a word that is compared by its stem too, if the language has a stemmer.
    pub fn stemmed(&mut self, exact: &str) -> Arc<Form> {
        match &mut self.stemmed {
            Some(Stemmed { memory, stemmer, lang }) => memory.form(exact, |exact| stemmed(exact, stemmer, *lang)),
            None => self.whole(exact),
        }
    }

    /// Of a word that is compared as a whole.
    pub fn whole(&mut self, exact: &str) -> Arc<Form> {
        self.whole.form(exact, whole)
    }
}

fn whole(exact: &str) -> Form {
    let folded = fold::fold(exact).into_boxed_str();
    Form { exact: exact.into(), stem: folded.clone(), folded, stem_accented: None }
}

fn stemmed(exact: &str, stemmer: &Stemmer, lang: Lang) -> Form {
    let folded = fold::fold(exact).into_boxed_str();
    let stem: Box<str> = whole_stem(&folded, stemmer, lang).into();
    let lower = fold::lower(exact, Some(lang));
    let stem_accented = (*lower != *folded)
        .then(|| fold::fold(&whole_stem(&lower, stemmer, lang)).into_boxed_str())
        .filter(|accented| *accented != stem && !accented.is_empty());
    let stem = if stem.is_empty() { folded.clone() } else { stem };
    Form { exact: exact.into(), folded, stem, stem_accented }
}

/// Turkish hangs ending on ending, and the stemmer takes off some of them at a time: `yaptırımlar` becomes `yaptırım`, and
/// that `yaptır`. There it is asked until nothing changes, so that all forms of a word come to the same stem.
fn whole_stem(word: &str, stemmer: &Stemmer, lang: Lang) -> String {
    let mut stem = stemmer.stem(word).into_owned();
    if lang.as_str() == "tr" {
        for _ in 0..TURKISH_STEPS_MAX {
            let shorter = stemmer.stem(&stem);
            if shorter.is_empty() || *shorter == *stem {
                break;
            }
            stem = shorter.into_owned();
        }
    }
    stem
}

/// No word has more endings than this many steps take off.
const TURKISH_STEPS_MAX: usize = 4;

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
        let stems = |f: &Form| [Some(f.stem.clone()), f.stem_accented.clone()];
        assert!(stems(&a).iter().flatten().any(|s| stems(&b).contains(&Some(s.clone()))), "{a:?} {b:?}");
    }

    #[test]
    fn forms_of_a_word_meet_in_one_stem() {
        meet("en", "missile", "Missiles");
        meet("tr", "füzeler", "füze");
        for form in ["yaptırımlar", "yaptırımları", "yaptırımlarını", "yaptırımlardan", "yaptırımların"] {
            meet("tr", "yaptırım", form);
        }
        meet("tr", "gemi", "gemiler");
        meet("ru", "ракета", "ракетами");
        meet("ru", "Российский", "российского");
        meet("fr", "élections", "election");
        meet("de", "Rakete", "Raketen");
    }

    #[test]
    fn without_a_stemmer_the_folded_word_stands() {
        let forms = forms("Missiles", None);
        assert_eq!((&*forms.folded, &*forms.stem, forms.stem_accented.as_deref()), ("missiles", "missiles", None));
    }
}

//! The lists that `@name` stands for: those of `[lists]`, and those of packs.
//!
//! A list is compiled when a query first names it and is then shared by all queries, since it may hold as many names as
//! a sanctions list, or a pack's two thousand.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use super::{
    pattern::{Measure, Pattern},
    warn::is_stop_word_alone,
};
use crate::article::{Lang, fold::fold};

/// Every list that a query may name.
#[derive(Debug, Default, Clone)]
pub struct Lists(BTreeMap<String, Arc<List>>);

/// One list.
#[derive(Debug)]
pub struct List {
    source: Source,
    compiled: OnceLock<CompiledList>,
}

#[derive(Debug)]
enum Source {
    /// Names as the config writes them.
    Names(Vec<String>),
    /// Terms as a pack writes them; those that need context count where one of the list beside them stands.
    Terms(Vec<ListTerm>, Option<Arc<List>>),
}

/// An entry of a pack's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListTerm {
    /// In the words of the pack: `*` at a word's end is any ending.
    pub text: String,
    /// Of which language; of any where `None`.
    pub lang: Option<Lang>,
    /// Whether it is a name that counts only as written: `EDGE`.
    pub is_exact: bool,
    /// Whether it is an everyday word that counts only where something plain stands in the article as well.
    pub needs_context: bool,
}

/// A list, ready to be looked for.
#[derive(Debug)]
pub struct CompiledList {
    /// `None` where no entry has a word in it.
    pub pattern: Option<Pattern>,
    /// Entries that cannot be looked for, and why.
    pub left_out: Vec<(String, String)>,
}

impl Lists {
    /// The lists of the config, and those of packs whose name the config does not take.
    pub fn new(config: &BTreeMap<String, Vec<String>>, packs: &Self) -> Self {
        let mut lists = packs.clone();
        lists.0.extend(
            config.iter().map(|(name, names)| (name.clone(), Arc::new(List::of(Source::Names(names.clone()))))),
        );
        lists
    }

    /// Adds a pack's list under `name`, and its parts under `name.part`. Terms of every part that need no context make
    /// the context of those that do.
    pub fn add_parts(&mut self, name: &str, parts: BTreeMap<String, Vec<ListTerm>>) {
        let all: Vec<ListTerm> = parts.values().flatten().cloned().collect();
        let plain = all.iter().filter(|term| !term.needs_context).cloned().collect();
        let context = Arc::new(List::of(Source::Terms(plain, None)));
        let list = |terms| Arc::new(List::of(Source::Terms(terms, Some(Arc::clone(&context)))));
        for (part, terms) in parts {
            self.0.insert(format!("{name}.{part}"), list(terms));
        }
        self.0.insert(name.to_owned(), list(all));
    }

    /// Adds a pack's list of terms that need no context.
    pub fn add(&mut self, name: &str, terms: Vec<ListTerm>) {
        self.0.insert(name.to_owned(), Arc::new(List::of(Source::Terms(terms, None))));
    }

    /// The list of that name.
    pub fn get(&self, name: &str) -> Option<&List> {
        self.0.get(name).map(|list| &**list)
    }

    /// Every name, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What stands behind the dot in the names of a list's parts.
    pub fn parts_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.names().filter_map(move |other| other.strip_prefix(name)?.strip_prefix('.'))
    }
}

impl List {
    fn of(source: Source) -> Self {
        Self { source, compiled: OnceLock::new() }
    }

    /// Its patterns; compiled when first asked for.
    pub fn compiled(&self) -> &CompiledList {
        self.compiled.get_or_init(|| match &self.source {
            Source::Names(names) => of_names(names),
            Source::Terms(terms, context) => of_terms(terms, context.as_deref()),
        })
    }
}

fn of_names(names: &[String]) -> CompiledList {
    let mut left_out = Vec::new();
    let mut patterns = Vec::with_capacity(names.len());
    for name in names {
        match Pattern::keyword(name) {
            Ok(pattern) if is_stop_word_alone(&pattern) => {
                left_out.push((name.clone(), "it stands in nearly every text".to_owned()));
            }
            Ok(pattern) => patterns.push(pattern),
            Err(why) => left_out.push((name.clone(), why)),
        }
    }
    CompiledList { pattern: any_of(patterns), left_out }
}

fn of_terms(terms: &[ListTerm], context: Option<&List>) -> CompiledList {
    let mut left_out = Vec::new();
    let (needing, plain): (Vec<_>, Vec<_>) = terms.iter().partition(|term| term.needs_context);
    let mut patterns = by_language(&plain, &mut left_out);
    let needing = any_of(by_language(&needing, &mut left_out));
    if let (Some(what), Some(context)) = (needing, context.and_then(|list| list.compiled().pattern.clone())) {
        patterns.push(Pattern::Beside { what: Arc::new(what), context: Arc::new(context) });
    }
    CompiledList { pattern: any_of(patterns), left_out }
}

/// Terms of one language under one roof: where a text is in another, they are passed over at once.
fn by_language(terms: &[&ListTerm], left_out: &mut Vec<(String, String)>) -> Vec<Pattern> {
    let mut of_lang: BTreeMap<Option<Lang>, Vec<Pattern>> = BTreeMap::new();
    for term in terms {
        let measure = if term.is_exact { Measure::Exact } else { Measure::Folded };
        for form in forms(term) {
            match Pattern::phrase(&form, measure) {
                Ok(pattern) => of_lang.entry(term.lang).or_default().push(pattern),
                Err(why) => left_out.push((form, why)),
            }
        }
    }
    let mut patterns = of_lang.remove(&None).unwrap_or_default();
    patterns.extend(of_lang.into_iter().filter_map(|(lang, of_one)| {
        let words = Arc::new(any_of(of_one)?);
        Some(Pattern::InLanguage(lang?, words))
    }));
    patterns
}

fn any_of(patterns: Vec<Pattern>) -> Option<Pattern> {
    (!patterns.is_empty()).then(|| Pattern::AnyOf(patterns.into()))
}

/// A term and its plurals, as packs are read: the last word of an English or nameless term may stand in its plural. A
/// wrong one does no harm, since nobody writes it.
fn forms(term: &ListTerm) -> Vec<String> {
    let mut forms = vec![term.text.clone()];
    let last = term.text.rsplit(' ').next().unwrap_or(&term.text);
    let inflects = term.lang.is_none_or(|lang| lang == Lang::EN) && !term.is_exact;
    if inflects && !last.ends_with('*') && last.len() > 2 && fold(last).is_ascii() {
        forms.push(format!("{}s", term.text));
        forms.extend(term.text.strip_suffix('y').map(|stem| format!("{stem}ies")));
    }
    forms
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn term(text: &str, lang: &str, needs_context: bool) -> ListTerm {
        ListTerm { text: text.to_owned(), lang: Lang::from_tag(lang), is_exact: false, needs_context }
    }

    #[test]
    fn english_and_nameless_terms_have_plurals() {
        assert_eq!(
            forms(&term("Patriot battery", "", false)),
            ["Patriot battery", "Patriot batterys", "Patriot batteries"]
        );
        assert_eq!(forms(&term("obus", "fr", false)), ["obus"]);
        assert_eq!(forms(&term("ракет*", "", false)), ["ракет*"]);
    }

    #[test]
    fn a_list_of_the_config_takes_the_place_of_a_packs() {
        let mut packs = Lists::default();
        packs.add_parts("weapon", BTreeMap::from([("missile".to_owned(), vec![term("missile", "en", false)])]));
        assert_eq!(packs.names().collect::<Vec<_>>(), ["weapon", "weapon.missile"]);
        assert_eq!(packs.parts_of("weapon").collect::<Vec<_>>(), ["missile"]);
        let own = BTreeMap::from([("weapon".to_owned(), vec!["--".to_owned(), "club".to_owned()])]);
        let lists = Lists::new(&own, &packs);
        let compiled = lists.get("weapon").unwrap().compiled();
        assert!(matches!(&compiled.pattern, Some(Pattern::AnyOf(patterns)) if patterns.len() == 1));
        assert_eq!(compiled.left_out, [("--".to_owned(), "there is no word in it".to_owned())]);
    }
}

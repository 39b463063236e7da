//! All names of all packs, filed so that one pass over a text finds every one that stands in it.
//!
//! A name is filed under the unbending part of its first word ([`Script::key`]); what stands behind is compared in the
//! text. So an article costs one look-up a word, however many names the packs hold.

use std::{collections::HashMap, ops::Range};

// The keys are names of packs, so nobody can choose them to collide, and words are short.
use rustc_hash::FxHashMap;

use super::{
    place::PlaceForm,
    script::{self, Script},
};
use crate::article::{
    fold::fold,
    language::Lang,
    segment::{self, AnalysedField, Word, WordKind, stem},
};
use crate::watch::presence::{Presence, hash};

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A place, by its index, and which kind of name it is.
    Place(usize, PlaceForm),
    /// A person's full name.
    Person(usize),
    /// The word that a person is called by alone.
    Surname(usize),
    /// Words that hold a place's name and do not mean it.
    Nothing,
}

/// One name.
#[derive(Debug, Clone)]
pub struct Alias {
    /// What it stands for.
    pub target: Target,
    /// Of a place: only where one of its `near` words stands in the article. Of a person: only in a text about states.
    pub is_weak: bool,
    words: Box<[NameWord]>,
    lang: Option<Lang>,
    /// Counts only as written: an abbreviation, mostly.
    pub is_exact: bool,
}

#[derive(Debug, Clone)]
struct NameWord {
    folded: Box<str>,
    exact: Box<str>,
    script: Script,
    has_capital: bool,
}

/// A name that stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Index of the name.
    pub alias: usize,
    /// Into the field's words.
    pub words: Range<usize>,
}

/// Names by the unbending part of their first word.
#[derive(Debug, Default)]
pub struct Lexicon {
    aliases: Vec<Alias>,
    by_key: FxHashMap<Box<str>, Vec<u32>>,
    by_stem: HashMap<Lang, FxHashMap<Box<str>, Vec<u32>>>,
    /// Every key of `by_key`.
    known: Presence,
    /// Those of names that are written small.
    small: Presence,
}

impl Lexicon {
    /// Adds a name as a pack writes it: `=` before one that counts only so written, `~` before a weak one.
    ///
    /// Names in Latin script with a language count in articles of that language alone.
    pub fn add(&mut self, written: &str, lang: Option<Lang>, target: Target) {
        let (is_weak, written) = strip(written, '~');
        let (is_exact, written) = strip(written, '=');
        let words: Box<[NameWord]> = name_words(written);
        let Some(first) = words.first() else { return };
        let lang = lang.filter(|_| first.script == Script::Plain && !is_character(written));
        let index = u32::try_from(self.aliases.len()).unwrap_or(u32::MAX);
        let is_local_adjective = matches!(target, Target::Place(_, PlaceForm::Demonym)) && words.len() == 1;
        match lang {
            Some(lang) if is_local_adjective && !is_exact => {
                let stem = stem::forms(&first.exact, Some(lang)).stem.clone();
                self.by_stem.entry(lang).or_default().entry(stem).or_default().push(index);
            }
            _ => {
                let key = first.script.key(&first.folded);
                self.known.add(key);
                if !first.has_capital {
                    self.small.add(key);
                }
                match self.by_key.get_mut(key) {
                    Some(filed) => filed.push(index),
                    None => drop(self.by_key.insert(key.into(), vec![index])),
                }
            }
        }
        self.aliases.push(Alias { target, is_weak, words, lang, is_exact });
    }

    /// The name with that index.
    pub fn alias(&self, index: usize) -> &Alias {
        &self.aliases[index]
    }

    /// Every name in a field, by where it begins, longest first.
    pub fn hits(&self, field: &AnalysedField, lang: Option<Lang>, casing: Casing) -> Vec<Hit> {
        let line: Vec<usize> =
            (0..field.words.len()).filter(|&i| field.words[i].kind != WordKind::Designation).collect();
        let by_stem = lang.and_then(|lang| self.by_stem.get(&lang));
        let mut hits = Vec::new();
        for at in 0..line.len() {
            let word = &field.words[line[at]];
            let first_hit = hits.len();
            let mut look = |filed: &[u32], by_stem: bool, base: &str| {
                for &index in filed {
                    let alias = &self.aliases[index as usize];
                    if let Some(end) = alias.end(field, &line, at, Look { lang, casing, by_stem, base }) {
                        hits.push(Hit { alias: index as usize, words: line[at]..end });
                    }
                }
            };
            match Script::of(&word.folded) {
                Script::Arabic => drop(script::arabic_bases(&word.folded, |base| {
                    let bare = base.strip_prefix("ال").unwrap_or(base);
                    let with_article = if bare.len() == base.len() { Some(format!("ال{base}")) } else { None };
                    // `للصين` is ل and الصين.
                    let keys = [Some(base), (bare.len() < base.len()).then_some(bare), with_article.as_deref()];
                    for key in keys.into_iter().flatten() {
                        if let Some(filed) = self.by_key.get(key) {
                            look(filed, false, base);
                        }
                    }
                    for ending in ["ة", "ين", "ون", "ية"] {
                        if let Some(filed) = bare.strip_suffix(ending).and_then(|stem| self.by_key.get(stem)) {
                            look(filed, false, base);
                        }
                    }
                    None::<()>
                })),
                script => {
                    // In a text that has capitals, a small word is no name that has one.
                    let is_small = casing == Casing::Mixed && !starts_with_capital(&word.exact);
                    let key = script.key(&word.folded);
                    let may_be = if is_small { &self.small } else { &self.known };
                    if may_be.may_have(hash(key))
                        && let Some(filed) = self.by_key.get(key)
                    {
                        look(filed, false, &word.folded);
                    }
                    if let Some(filed) = by_stem.and_then(|names| names.get(&word.stem)) {
                        look(filed, true, &word.folded);
                    }
                    let genitive = word.folded.strip_suffix('s').filter(|_| lang.is_some_and(has_genitive_s));
                    if let Some((name, filed)) = genitive.and_then(|name| Some((name, self.by_key.get(name)?))) {
                        look(filed, false, name);
                    }
                }
            }
            hits[first_hit..].sort_by_key(|hit| (usize::MAX - hit.words.end, hit.alias));
        }
        // An Arabic word is looked up in more than one form.
        hits.dedup();
        hits
    }

    /// Whether a word, folded, is a person's surname in Latin script; gives the names it is.
    pub fn surnames<'a>(&'a self, folded: &str) -> impl Iterator<Item = (usize, usize)> + 'a {
        let filed = if self.known.may_have(hash(folded)) { self.by_key.get(folded) } else { None };
        filed.into_iter().flatten().filter_map(|&index| {
            let alias = &self.aliases[index as usize];
            match alias.target {
                Target::Surname(person) if alias.words.len() == 1 => Some((index as usize, person)),
                _ => None,
            }
        })
    }
}

/// How a word is looked at.
#[derive(Clone, Copy)]
struct Look<'a> {
    lang: Option<Lang>,
    casing: Casing,
    by_stem: bool,
    base: &'a str,
}

impl Alias {
    /// One past the last word of the name that begins at `line[at]`, if it does.
    fn end(&self, field: &AnalysedField, line: &[usize], at: usize, look: Look<'_>) -> Option<usize> {
        if self.lang.is_some() && self.lang != look.lang {
            return None;
        }
        let mut next = at;
        for (i, name) in self.words.iter().enumerate() {
            let mut word = &field.words[*line.get(next)?];
            let is_person = matches!(self.target, Target::Person(_));
            let is_letter = |word: &str| word.chars().nth(1).is_none();
            if i > 0 && is_person && is_letter(&word.folded) && !is_letter(&name.folded) {
                // A middle initial: `Donald J. Trump`. A name in Han characters has nothing but such words.
                next += 1;
                word = &field.words[*line.get(next)?];
            }
            // A middle name: `Andrzej Sebastian Duda`.
            if i > 0 && is_person && self.skips(i, field, line, next, look) {
                next += 1;
                word = &field.words[*line.get(next)?];
            }
            let is_met = if i == 0 {
                look.by_stem || name.is_met_by(look.base, false)
            } else {
                word.sentence == field.words[line[at]].sentence && name.is_met_by_word(word, look.lang)
            };
            let is_cased = match (self.is_exact, look.casing) {
                (true, Casing::AllCapitals) => name.exact == word.exact && name.exact.chars().count() > 2,
                (true, _) => name.exact == word.exact,
                (false, Casing::Mixed) => i > 0 || !name.has_capital || starts_with_capital(&word.exact),
                (false, _) => true,
            };
            if !is_met || !is_cased {
                return None;
            }
            next += 1;
        }
        Some(line[next - 1] + 1)
    }

    /// Whether `line[next]` is a name between a first name and the last: not met itself, written as one, and nothing but
    /// spaces around it.
    fn skips(&self, i: usize, field: &AnalysedField, line: &[usize], next: usize, look: Look<'_>) -> bool {
        let [before, at, after] = [next.wrapping_sub(1), next, next + 1].map(|at| line.get(at).copied());
        let (Some(before), Some(at), Some(after)) = (before, at, after) else { return false };
        let [before, middle, last] = [before, at, after].map(|index| &field.words[index]);
        let is_spaced = |a: &Word, b: &Word| field.text.get(a.end_byte as usize..b.start_byte as usize) == Some(" ");
        let name = &self.words[i];
        let is_written_so = || middle.exact.len() > 2 && starts_with_capital(&middle.exact) && name.has_capital;
        look.casing == Casing::Mixed
            && i + 1 == self.words.len()
            && name.script == Script::Plain
            && self.words[0].exact.len() > 2
            && is_written_so()
            && !name.is_met_by_word(middle, look.lang)
            && name.is_met_by_word(last, look.lang)
            && starts_with_capital(&last.exact)
            && is_spaced(before, middle)
            && is_spaced(middle, last)
    }
}

impl NameWord {
    fn is_met_by(&self, word: &str, is_told: bool) -> bool {
        match self.script {
            Script::Plain => *self.folded == *word,
            Script::Cyrillic => script::is_slavic_form(&self.folded, word, is_told),
            Script::Arabic => script::is_arabic_form(&self.folded, word),
            Script::Hangul => script::is_korean_form(&self.folded, word),
        }
    }

    fn is_met_by_word(&self, word: &Word, lang: Option<Lang>) -> bool {
        self.is_met_by(&word.folded, true)
            || self.script == Script::Plain
                && lang.is_some_and(has_genitive_s)
                && word.folded.strip_suffix('s').is_some_and(|word| *self.folded == *word)
    }
}

/// How a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Casing {
    /// Capitals tell names from words.
    Mixed,
    /// A headline whose every word has a capital.
    Title,
    /// Hardly a capital anywhere, so none can be asked for.
    None,
    /// Nothing but capitals.
    AllCapitals,
}

impl Casing {
    /// By its words.
    pub fn of(field: &AnalysedField) -> Self {
        let (mut cased, mut capitalised, mut shouted) = (0, 0, 0);
        let (mut long, mut long_capitalised) = (0, 0);
        for word in field.words.iter().take(CASING_WORDS_MAX) {
            let mut letters = word.exact.chars().filter(|c| c.is_alphabetic());
            let Some(first) = letters.next() else { continue };
            if first.is_lowercase() || first.is_uppercase() {
                cased += 1;
                capitalised += usize::from(first.is_uppercase());
                shouted += usize::from(first.is_uppercase() && letters.all(char::is_uppercase));
                if word.exact.len() > 3 {
                    long += 1;
                    long_capitalised += usize::from(first.is_uppercase());
                }
            }
        }
        if cased >= 4 && shouted * 10 >= cased * 9 {
            Self::AllCapitals
        } else if cased == 0 || capitalised == 0 || cased >= 30 && capitalised * 50 < cased {
            Self::None
        } else if long >= 3 && long_capitalised * 5 >= long * 4 {
            Self::Title
        } else {
            Self::Mixed
        }
    }
}

/// A text does not change its ways after so many words.
const CASING_WORDS_MAX: usize = 300;

/// Whether a word is written with a capital first, or in a script that has none.
pub fn starts_with_capital(exact: &str) -> bool {
    exact.chars().next().is_some_and(|c| !c.is_lowercase())
}

/// Languages that put an `s` without apostrophe behind names.
fn has_genitive_s(lang: Lang) -> bool {
    matches!(lang.as_str(), "de" | "sv" | "da" | "no" | "nb" | "nl")
}

fn strip(written: &str, mark: char) -> (bool, &str) {
    match written.strip_prefix(mark) {
        Some(rest) => (true, rest),
        None => (false, written),
    }
}

fn is_character(written: &str) -> bool {
    written.chars().next().is_some_and(segment::units::is_spaceless)
}

fn name_words(written: &str) -> Box<[NameWord]> {
    let name_word = |exact: &str, folded: Box<str>| NameWord {
        script: Script::of(&folded),
        has_capital: exact.chars().next().is_some_and(char::is_uppercase),
        folded,
        exact: exact.into(),
    };
    // Most names are plain letters, and there are many: these need no cutter, and the program starts the sooner.
    let is_plain = |c: char| matches!(c, ' ' | '-') || c < '\u{530}' && c.is_alphabetic();
    if written.chars().all(is_plain) {
        let parts = written.split([' ', '-']).filter(|part| !part.is_empty());
        return parts.map(|part| name_word(part, fold(part).into())).collect();
    }
    let field = segment::analyse_field(None, written);
    let words = field.words.into_iter().filter(|word| word.kind != WordKind::Designation);
    words.map(|word| name_word(&word.exact, word.folded.clone())).collect()
}

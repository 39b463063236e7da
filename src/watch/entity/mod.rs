//! Who and where: the persons and places that a text names, and what they are on its date.

mod doubt;
pub mod lexicon;
pub mod mention;
mod naming;
mod office;
pub mod person;
pub mod place;
pub mod script;
mod slip;
mod title;
mod words;

pub use mention::{Mentions, PersonMention, PlaceMention, countries, leaders, mentions};
pub use place::PlaceForm;

use std::collections::HashMap;

use self::{
    lexicon::{Lexicon, Target},
    person::{Call, Person, Role},
    place::{Place, PlaceKind},
};
use crate::{
    article::{fold::fold, language::Lang},
    watch::found::PartyId,
};

/// The places and persons of all packs, with their names filed.
#[derive(Debug, Default)]
pub struct Entities {
    /// In pack order.
    pub places: Vec<Place>,
    /// In pack order.
    pub persons: Vec<Person>,
    /// Every name of both.
    pub lexicon: Lexicon,
    /// What each person is called.
    pub calls: Vec<Calls>,
    /// Persons by first name, folded.
    pub by_given: HashMap<Box<str>, Vec<usize>>,
    /// By first byte: the surnames that tell alone who is meant, folded, and whose they are.
    pub alone: HashMap<u8, Vec<(Box<str>, usize)>>,
    /// Places by their name in titles: `Netherlands`.
    by_title: HashMap<String, usize>,
}

impl Entities {
    /// Files the names.
    pub fn new(places: Vec<Place>, persons: Vec<Person>, not_places: &[String]) -> Self {
        let mut lexicon = Lexicon::default();
        for words in not_places {
            lexicon.add(words, None, Target::Nothing);
        }
        for (index, place) in places.iter().enumerate() {
            file_place(&mut lexicon, index, place);
        }
        let calls: Vec<Calls> = persons.iter().map(Calls::of).collect();
        for (index, person) in persons.iter().enumerate() {
            file_person(&mut lexicon, index, person, calls[index].is_family_first);
        }
        let mut by_given: HashMap<Box<str>, Vec<usize>> = HashMap::new();
        for (index, calls) in calls.iter().enumerate() {
            for given in &calls.givens {
                by_given.entry(given.clone()).or_default().push(index);
            }
        }
        let mut alone: HashMap<u8, Vec<(Box<str>, usize)>> = HashMap::new();
        for (index, calls) in calls.iter().enumerate().filter(|(_, calls)| calls.call == Call::Alone) {
            for surname in &calls.surnames {
                let Some(first) = surname.bytes().next() else { continue };
                alone.entry(first).or_default().push((surname.clone(), index));
            }
        }
        let by_title = places.iter().enumerate().map(|(index, place)| (place.name.clone(), index)).collect();
        Self { places, persons, lexicon, calls, by_given, alone, by_title }
    }

    /// For whom a person speaks in a role: `Prime Minister of the Netherlands` for the Netherlands, whomever they lead later.
    pub fn party_in(&self, person: &Person, role: Option<&Role>) -> PartyId {
        let named = role.and_then(|role| {
            let (_, of) = role.title.rsplit_once(" of ")?;
            self.by_title.get(of.strip_prefix("the ").unwrap_or(of))
        });
        named.map_or_else(|| person.party(), |&index| self.places[index].id.clone())
    }

    /// The place with that id.
    pub fn place(&self, id: &str) -> Option<&Place> {
        self.places.iter().find(|place| *place.id.0 == *id)
    }
}

fn file_place(lexicon: &mut Lexicon, index: usize, place: &Place) {
    let name = if place.kind == PlaceKind::Country { PlaceForm::Name } else { PlaceForm::Group };
    let english = [
        (&place.names, name, None),
        // `German` is no people in Spanish.
        (&place.demonyms, PlaceForm::Demonym, None),
        (&place.capitals, PlaceForm::Capital, None),
        (&place.seats, PlaceForm::Seat, None),
    ];
    for (names, form, lang) in english {
        for written in names {
            lexicon.add(written, lang, Target::Place(index, form));
        }
    }
    let local = [
        (&place.local_names, name),
        (&place.local_demonyms, PlaceForm::Demonym),
        (&place.local_seats, PlaceForm::Seat),
    ];
    for (by_lang, form) in local {
        for (tag, names) in by_lang {
            for written in names {
                lexicon.add(written, Lang::from_tag(tag), Target::Place(index, form));
            }
        }
    }
}

/// What a person is called, in Latin script and folded.
#[derive(Debug, Default)]
pub struct Calls {
    /// First names.
    pub givens: Vec<Box<str>>,
    /// Surnames of one word.
    pub surnames: Vec<Box<str>>,
    /// Whether the surname stands first: `Kim Jong Un`.
    pub is_family_first: bool,
    /// First names of one word that stand behind the surname: `Xi Jinping`.
    pub givens_behind: Vec<Box<str>>,
    call: Call,
}

impl Calls {
    fn of(person: &Person) -> Self {
        let surname = fold(person.surname());
        let full = std::iter::once(&person.name).chain(&person.also).map(|name| fold(name));
        let is_family_first =
            fold(&person.name).split(' ').next() == Some(surname.as_str()) && person.name.contains(' ');
        let mut givens: Vec<Box<str>> =
            full.clone().filter_map(|name| Some(name.split_once([' ', '-'])?.0.into())).collect();
        givens.sort();
        givens.dedup();
        let behind = |name: &String| {
            let rest = name.strip_prefix(surname.as_str())?.strip_prefix(' ')?;
            (!rest.contains([' ', '-'])).then(|| rest.into())
        };
        let givens_behind: Vec<Box<str>> =
            if is_family_first { full.clone().filter_map(|name| behind(&name)).collect() } else { Vec::new() };
        let surnames = std::iter::once(surname).chain(person.surnames.iter().map(|surname| fold(surname)));
        Self {
            givens: if is_family_first { Vec::new() } else { givens },
            surnames: surnames.filter(|surname| !surname.contains(' ')).map(String::into_boxed_str).collect(),
            is_family_first,
            givens_behind,
            call: person.call,
        }
    }

    /// Whether a misspelt name is still told from other people's.
    pub fn is_known_by_slip(&self) -> bool {
        !self.is_family_first && self.call != Call::Full
    }
}

fn file_person(lexicon: &mut Lexicon, index: usize, person: &Person, is_family_first: bool) {
    for written in std::iter::once(&person.name).chain(&person.also) {
        lexicon.add(written, None, Target::Person(index));
    }
    for written in std::iter::once(person.surname()).chain(person.surnames.iter().map(String::as_str)) {
        lexicon.add(written, None, Target::Surname(index));
    }
    // Japanese spells strangers in kana: who has a name in Han characters there has it whole, also in Chinese.
    let is_han = |name: &String| name.chars().all(|c| matches!(c, '\u{4E00}'..='\u{9FFF}' | '々'));
    let has_han_name = person.names.get("ja").is_some_and(|names| names.iter().any(is_han));
    for (tag, names) in &person.names {
        for written in names {
            let parts: Vec<&str> = written.split([' ', '・', '·']).collect();
            let lang = Lang::from_tag(tag);
            match parts.as_slice() {
                // Of two characters or one word it is the surname, but for those whose names are written so.
                [name] if !(is_family_first || has_han_name && is_han(written)) => {
                    lexicon.add(name, lang, Target::Surname(index))
                }
                [_] | [] => lexicon.add(written, lang, Target::Person(index)),
                [.., last] => {
                    lexicon.add(written, lang, Target::Person(index));
                    let is_long = last.chars().count() >= if last.is_ascii() { 4 } else { 3 };
                    if !is_family_first && is_long {
                        lexicon.add(last, lang, Target::Surname(index));
                    }
                }
            }
        }
    }
}

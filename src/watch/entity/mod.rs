//! Who and where: the persons and places that a text names, and what they are on its date.

pub mod lexicon;
pub mod mention;
pub mod person;
pub mod place;
pub mod script;

pub use mention::{Mentions, PersonMention, PlaceMention, countries, leaders, mentions};
pub use place::PlaceForm;

use self::{
    lexicon::{Lexicon, Target},
    person::Person,
    place::{Place, PlaceKind},
};
use crate::article::language::Lang;

/// The places and persons of all packs, with their names filed.
#[derive(Debug, Default)]
pub struct Entities {
    /// In pack order.
    pub places: Vec<Place>,
    /// In pack order.
    pub persons: Vec<Person>,
    /// Every name of both.
    pub lexicon: Lexicon,
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
        for (index, person) in persons.iter().enumerate() {
            file_person(&mut lexicon, index, person);
        }
        Self { places, persons, lexicon }
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

fn file_person(lexicon: &mut Lexicon, index: usize, person: &Person) {
    for written in std::iter::once(&person.name).chain(&person.also) {
        lexicon.add(written, None, Target::Person(index));
    }
    for written in std::iter::once(person.surname()).chain(person.surnames.iter().map(String::as_str)) {
        lexicon.add(written, None, Target::Surname(index));
    }
}

//! Finds the persons and places that a text names.

use std::ops::Range;

use chrono::NaiveDate;

use super::{
    doubt::{Doubt, Doubts},
    lexicon::{Casing, Hit, Target},
    naming, office,
    place::PlaceForm,
};
use crate::{
    article::{
        segment::{AnalysedField, AnalysedText},
        text::{Field, TextSpan},
    },
    watch::{
        found::{CountryFound, LeaderFound, PartyId},
        pack::Packs,
    },
};

/// Every person and place that a text names, in text order.
#[derive(Debug, Clone, Default)]
pub struct Mentions {
    /// Countries, bodies, groups.
    pub places: Vec<PlaceMention>,
    /// Names that may mean one or something else, where the article does not tell which by itself: "Jordan". A topic may
    /// know by the part that the name plays.
    pub doubtful: Vec<PlaceMention>,
    /// Leaders of the packs.
    pub persons: Vec<PersonMention>,
    /// The article's: for whom they speak on it.
    pub date: Option<NaiveDate>,
}

/// A place is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceMention {
    /// Which.
    pub id: PartyId,
    /// By what.
    pub form: PlaceForm,
    /// Where.
    pub field: Field,
    /// Into the field's words.
    pub words: Range<usize>,
    /// The same, in scalar values.
    pub span: TextSpan,
}

/// A person is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonMention {
    /// Index into the packs' persons.
    pub person: usize,
    /// What the text calls them right before the name, folded: `prime minister`.
    pub title: Option<Box<str>>,
    /// Where.
    pub field: Field,
    /// Into the field's words; of a glued word the whole.
    pub words: Range<usize>,
    /// The name alone, in scalar values.
    pub span: TextSpan,
}

impl Mentions {
    /// Adds places, which the list keeps in text order.
    pub fn add(&mut self, places: Vec<PlaceMention>) {
        if places.is_empty() {
            return;
        }
        self.places.extend(places);
        self.places.sort_by_key(|place| (place.field, place.words.start));
    }
}

/// Finds them. `date` is the article's: it tells whose surname is meant.
pub fn mentions(text: &AnalysedText, packs: &Packs, date: Option<NaiveDate>) -> Mentions {
    let lexicon = &packs.entities.lexicon;
    let casings = Field::ALL.map(|field| Casing::of(text.field(field)));
    let hits = Field::ALL.map(|field| lexicon.hits(text.field(field), text.lang, casings[field as usize]));
    let mut mentions = Mentions::default();
    let mut doubts = Doubts::default();
    for field in Field::ALL {
        places(text, packs, field, &hits[field as usize], &mut doubts, &mut mentions.places);
    }
    doubts.settle(text, packs, &casings, &mut mentions);
    let persons = naming::persons(
        text,
        &packs.entities,
        date,
        naming::Read { hits: &hits, casings: &casings, places: &mentions.places },
    );
    let holders = office::holders(text, &packs.entities, date, &mentions.places, &persons);
    mentions.date = date;
    mentions.persons = persons;
    mentions.persons.extend(holders);
    mentions.persons.sort_by_key(|mention| (mention.field, mention.words.start, mention.span.start_chars));
    mentions
}

/// Each country or body once, in order of first mention.
pub fn countries(mentions: &Mentions) -> Vec<CountryFound> {
    let mut found: Vec<CountryFound> = Vec::new();
    for mention in &mentions.places {
        match found.iter_mut().find(|country| country.id == mention.id) {
            Some(country) => country.spans.push(mention.span),
            None => found.push(CountryFound { id: mention.id.clone(), spans: vec![mention.span] }),
        }
    }
    found
}

/// Each leader once, in order of first mention, with the role of that date.
///
/// With a date, only those who hold a role on it: who has left is no leader any more. Without one, everybody who ever
/// did, in the role that the text's own title fits, else the one held last.
pub fn leaders(mentions: &Mentions, packs: &Packs, date: Option<NaiveDate>) -> Vec<LeaderFound> {
    let mut found: Vec<(usize, LeaderFound)> = Vec::new();
    for mention in &mentions.persons {
        if let Some((_, leader)) = found.iter_mut().find(|(person, _)| *person == mention.person) {
            leader.spans.push(mention.span);
            continue;
        }
        let person = &packs.entities.persons[mention.person];
        let role = match date {
            Some(date) => person.role_on(date),
            None => {
                let titles = mentions.persons.iter().filter(|other| other.person == mention.person);
                let mut titles = titles.filter_map(|other| other.title.as_deref());
                titles.find_map(|title| person.role_that_fits(title)).or_else(|| person.last_role())
            }
        };
        let Some(role) = role else { continue };
        let leader = LeaderFound {
            id: person.id.clone(),
            name: person.name.clone(),
            country: packs.entities.party_in(person, Some(role)),
            role: Some(role.title.clone()),
            role_dated: date.is_some(),
            in_office: date.is_some(),
            spans: vec![mention.span],
        };
        found.push((mention.person, leader));
    }
    found.into_iter().map(|(_, leader)| leader).collect()
}

fn places<'a>(
    text: &'a AnalysedText,
    packs: &Packs,
    field: Field,
    hits: &[Hit],
    doubts: &mut Doubts<'a>,
    found: &mut Vec<PlaceMention>,
) {
    let analysed = text.field(field);
    let mut free_from = 0;
    let mut is_other = false;
    for hit in hits {
        let alias = packs.entities.lexicon.alias(hit.alias);
        let is_place = matches!(alias.target, Target::Place(..) | Target::Nothing);
        if !is_place || hit.words.start < free_from {
            // "Michael Jordan": the name of another, in whose article the name alone means him.
            if let Target::Place(index, _) = alias.target
                && alias.is_weak
                && is_other
            {
                doubts.others.insert(index);
            }
            continue;
        }
        free_from = hit.words.end;
        let Target::Place(index, form) = alias.target else {
            is_other = true;
            continue;
        };
        is_other = false;
        let place = &packs.entities.places[index];
        let mention = PlaceMention {
            id: place.id.clone(),
            form,
            field,
            words: hit.words.clone(),
            span: span(analysed, field, hit.words.clone()),
        };
        if alias.is_weak && !doubts.has_any(text, &place.near) {
            free_from = hit.words.start;
            doubts.add(Doubt { place: index, is_abbreviation: alias.is_exact, mention });
            continue;
        }
        found.push(mention);
    }
}

/// The span of a run of words.
pub(super) fn span(analysed: &AnalysedField, field: Field, words: Range<usize>) -> TextSpan {
    let (first, last) = (&analysed.words[words.start], &analysed.words[words.end - 1]);
    TextSpan { field, start_chars: first.start_chars, end_chars: last.end_chars }
}

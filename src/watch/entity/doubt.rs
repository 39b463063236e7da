//! Names that may mean a country or something else: `Jordan`, `Georgia`, `Chad`.
//!
//! A word of the pack's `near` settles one at once. Of the others, those beside another sign of the same place (its
//! people, its capital, its full name) mean it; those in an article that uses the name for a person, a firm or a state
//! of the Union do not; and what is left stays in doubt.

use std::collections::HashSet;

use super::{
    lexicon::{Casing, starts_with_capital},
    mention::{Mentions, PlaceMention},
    place::PlaceForm,
    words,
};
use crate::{
    article::{
        segment::{AnalysedField, AnalysedText},
        text::Field,
    },
    watch::{found::PartyId, pack::Packs},
};

/// An article that names so many has told by then whom it means.
const DOUBTS_MAX: usize = 100;

/// A name in doubt.
#[derive(Debug)]
pub(super) struct Doubt {
    /// Index of the place.
    pub place: usize,
    /// Several bodies have the same one.
    pub is_abbreviation: bool,
    pub mention: PlaceMention,
}

/// All of an article.
#[derive(Debug, Default)]
pub(super) struct Doubts<'a> {
    mentions: Vec<Doubt>,
    /// Places whose name the article uses for another.
    pub others: HashSet<usize>,
    words: Option<HashSet<&'a str>>,
}

impl<'a> Doubts<'a> {
    pub fn add(&mut self, doubt: Doubt) {
        if self.mentions.len() < DOUBTS_MAX {
            self.mentions.push(doubt);
        }
    }

    /// Whether one of these words stands in the article.
    pub fn has_any(&mut self, text: &'a AnalysedText, among: &[String]) -> bool {
        let all = || text.fields.iter().flat_map(|field| &field.words).map(|word| &*word.folded).collect();
        let words = self.words.get_or_insert_with(all);
        among.iter().any(|word| words.contains(word.to_lowercase().as_str()))
    }

    /// Puts each name where it belongs.
    pub fn settle(mut self, text: &'a AnalysedText, packs: &Packs, casings: &[Casing; 3], mentions: &mut Mentions) {
        if self.mentions.is_empty() {
            return;
        }
        let doubts = std::mem::take(&mut self.mentions);
        for doubt in &doubts {
            let field = doubt.mention.field;
            if is_of_another(text.field(field), field, casings[field as usize], &doubt.mention, packs, mentions) {
                self.others.insert(doubt.place);
            }
        }
        let signed: HashSet<PartyId> = mentions.places.iter().map(|place| place.id.clone()).collect();
        let mut certain: Vec<PlaceMention> = Vec::new();
        for doubt in &doubts {
            let place = &packs.entities.places[doubt.place];
            let is_another = self.others.contains(&doubt.place) || self.has_any(text, &place.unless);
            let PlaceMention { field, words, .. } = &doubt.mention;
            if is_another || words.clone().any(|index| is_place(&mentions.places, *field, index)) {
                continue;
            }
            if signed.contains(&place.id) {
                certain.push(doubt.mention.clone());
            } else if !doubt.is_abbreviation && matches!(doubt.mention.form, PlaceForm::Name | PlaceForm::Group) {
                mentions.doubtful.push(doubt.mention.clone());
            }
        }
        mentions.add(certain);
    }
}

/// Whether a word is part of a place's name. `places` stand in text order.
fn is_place(places: &[PlaceMention], field: Field, index: usize) -> bool {
    let to = places.partition_point(|place| (place.field, place.words.start) <= (field, index));
    places[..to].last().is_some_and(|place| place.field == field && place.words.contains(&index))
}

/// Whether a name is part of another's: "Barbara Jordan", "Savannah, Georgia", "the state of Georgia".
fn is_of_another(
    analysed: &AnalysedField,
    field: Field,
    casing: Casing,
    mention: &PlaceMention,
    packs: &Packs,
    mentions: &Mentions,
) -> bool {
    let sentence = analysed.words[mention.words.start].sentence;
    let beside = |index: usize| {
        let word = analysed
            .words
            .get(index)
            .filter(|word| word.sentence == sentence && !is_place(&mentions.places, field, index))?;
        let is_plain = word.exact.chars().all(char::is_alphabetic) && word.exact.chars().nth(1).is_some();
        (is_plain && starts_with_capital(&word.exact)).then_some(word)
    };
    let between = |left: usize, right: usize| {
        let (left, right) = (&analysed.words[left], &analysed.words[right]);
        analysed.text.get(left.end_byte as usize..right.start_byte as usize).unwrap_or("?")
    };
    let is_given = |folded: &str| words::is_given(folded) || packs.entities.by_given.contains_key(folded);
    let first = mention.words.start;
    if let Some(before) = first.checked_sub(1) {
        let gap = between(before, first);
        if let Some(word) = beside(before) {
            let is_opening = before == 0 || analysed.words[before - 1].sentence != sentence;
            let is_name = match casing {
                Casing::Mixed if !is_opening => !words::is_opener(&word.folded),
                _ => is_given(&word.folded) && !words::is_opener(&word.folded),
            };
            // A town and its state. In a list of states the one in front is a place.
            let is_town = gap == ", " && casing == Casing::Mixed && !is_opening;
            if gap == " " && is_name || is_town {
                return true;
            }
        }
        let is_of = &*analysed.words[before].folded == "of" && gap == " ";
        if is_of && before.checked_sub(1).is_some_and(|noun| words::is_home(&analysed.words[noun].folded)) {
            return true;
        }
    }
    false
}

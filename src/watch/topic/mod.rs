//! What is said: arms deals and Security Council resolutions, by rules that live in packs.
//!
//! Start reading at [`find`]. `rule` is what the packs say, `reading` makes it from their files, whose sections are in
//! `section`; `lexicon` finds their terms, `passage` is a text ready for reading. Deals: `party` (who is named), `slot` (whether an
//! ambiguous name is a country's), `part` (in which part),
//! `scene` (one sentence, and how its words stand to each other) with `acting` (who acts in it), `frame` (who gives what to
//! whom), `fill` (a side that the frame leaves open), `modality` (where it stands), `speaker` (who says so), `arms_deal` (all
//! of it over an article), `merge` (the mentions of one deal),
//! `items` (what it is about). Resolutions: `resolution`, and `citation` for the numbers.

mod acting;
mod arms_deal;
mod citation;
mod fill;
mod frame;
mod items;
mod lexicon;
mod merge;
mod modality;
mod part;
mod party;
mod passage;
mod resolution;
pub mod reading;
pub mod rule;
mod scene;
mod section;
mod slot;
mod speaker;

use std::cmp::Reverse;

use crate::{
    article::{fold::fold, segment::AnalysedText, text::Field},
    watch::{
        entity::{Mentions, PlaceForm},
        found::{ArmsDeal, NearMiss, ResolutionFound, TopicFound},
        language::checked::DEAL_TOPIC,
        pack::Packs,
    },
};
use party::{Named, NamedKind};
use passage::Passage;
pub use rule::Rules;

/// The topics that have a detector of their own.
pub const TOPICS: [&str; 2] = [DEAL_TOPIC, "unsc-resolution"];

/// No name of a state or person has more words.
const NAME_WORDS_MAX: usize = 12;

/// States that can veto a resolution.
const PERMANENT_MEMBERS: [&str; 5] = ["US", "RU", "CN", "FR", "GB"];

/// What an article says: its deals, the most certain first; its resolutions, in order of first mention; and the topics
/// that fired.
pub fn find(text: &AnalysedText, mentions: &Mentions, packs: &Packs) -> Said {
    let doubtful: Vec<Named> = mentions
        .doubtful
        .iter()
        .map(|place| Named {
            id: place.id.clone(),
            field: place.field,
            words: place.words.clone(),
            kind: NamedKind::Name,
            is_base: false,
        })
        .collect();
    find_among(text, &named(text, mentions, packs), &doubtful, &packs.rules)
}

/// What the detectors found.
#[derive(Debug, Default)]
pub struct Said {
    /// The most certain first.
    pub arms_deals: Vec<ArmsDeal>,
    /// In order of first mention.
    pub resolutions: Vec<ResolutionFound>,
    /// Those that fired.
    pub topics: Vec<TopicFound>,
    /// What fell just short.
    pub near: Vec<NearMiss>,
}

/// Who is named, in text order: places, and persons for their countries.
fn named(text: &AnalysedText, mentions: &Mentions, packs: &Packs) -> Vec<Named> {
    let last_word = |field: Field, words: &std::ops::Range<usize>| &*text.field(field).words[words.end - 1].folded;
    let places = mentions.places.iter().map(|place| {
        let kind = if place.form == PlaceForm::Demonym { NamedKind::Adjective } else { NamedKind::Name };
        let word = last_word(place.field, &place.words);
        let is_base = (may_be_ending(word) || may_be_prefixed(word))
            && packs.entities.place(&place.id.0).is_some_and(|known| {
                let names = known.local_names.values().chain(known.local_seats.values());
                names.chain(known.local_demonyms.values()).flatten().any(|name| fold(name) == word)
            });
        Named { id: place.id.clone(), field: place.field, words: place.words.clone(), kind, is_base }
    });
    let persons = mentions.persons.iter().map(|person| {
        let known = &packs.entities.persons[person.person];
        let last = last_word(person.field, &person.words);
        let ends_so = |name: &String| fold(name).rsplit(' ').next() == Some(last);
        Named {
            id: packs.entities.party_in(known, mentions.date.and_then(|date| known.role_on(date))),
            field: person.field,
            words: person.words.clone(),
            kind: NamedKind::Person,
            is_base: (may_be_ending(last) || may_be_prefixed(last)) && known.names.values().flatten().any(ends_so),
        }
    });
    let mut named: Vec<Named> = places.chain(persons).collect();
    named.sort_by_key(|named| (named.field, named.words.start, Reverse(named.words.end)));
    named
}

/// Who is named by a word of a field.
fn at(named: &[Named], field: Field, word: usize) -> impl Iterator<Item = &Named> {
    // Names are a few words long, so that one which holds the word begins shortly in front of it.
    let from = named.partition_point(|named| (named.field, named.words.start + NAME_WORDS_MAX) < (field, word));
    let to = named.partition_point(|named| (named.field, named.words.start) <= (field, word));
    named[from.min(to)..to].iter().filter(move |named| named.words.contains(&word))
}

/// Whether a word ends as Slavic words do in the dative, which some names do in every case.
fn may_be_ending(word: &str) -> bool {
    word.ends_with(['у', 'ю', 'е', 'и', 'і'])
}

/// Whether a word begins with the letter that Arabic writes on names for "to", with which some names begin.
fn may_be_prefixed(word: &str) -> bool {
    word.starts_with('ل')
}

fn find_among(text: &AnalysedText, named: &[Named], doubtful: &[Named], rules: &Rules) -> Said {
    let passages: Vec<Passage<'_>> = Field::ALL
        .into_iter()
        .filter(|&field| !text.field(field).words.is_empty())
        .map(|field| Passage::new(field, text.field(field)))
        .collect();
    let (deals, mut near) = arms_deal::find(&passages, named, doubtful, text.lang, rules);
    let has_veto_power = |passage: usize, token: usize| {
        let passage = &passages[passage];
        let word = passage.tokens[token].word;
        at(named, passage.field, word)
            .any(|named| named.kind != NamedKind::Person && PERMANENT_MEMBERS.contains(&&*named.id.0))
    };
    let owns = |passage: usize, token: usize| {
        let passage = &passages[passage];
        let word = passage.tokens[token].word;
        let is_possessive = passage.tail(token).trim_start_matches(['\'', '’']).eq_ignore_ascii_case("s");
        at(named, passage.field, word).any(|named| {
            (named.kind == NamedKind::Adjective || named.kind == NamedKind::Name && is_possessive)
                && !rules.never.iter().any(|id| **id == *named.id.0)
        })
    };
    let is_place = |passage: usize, token: usize| {
        let passage = &passages[passage];
        passage.tokens.get(token).is_some_and(|token| {
            at(named, passage.field, token.word)
                .any(|named| named.kind != NamedKind::Person && !rules.never.iter().any(|id| **id == *named.id.0))
        })
    };
    let names = resolution::Names { has_veto_power: &has_veto_power, owns: &owns, is_place: &is_place };
    let (resolutions, near_resolutions) = resolution::find(&passages, text.lang, rules, &names);
    near.extend(near_resolutions);
    // What fired did not fall short.
    near.retain(|miss| if miss.topic == DEAL_TOPIC { deals.is_empty() } else { resolutions.is_empty() });
    let mut topics = Vec::new();
    if let Some((best, rule)) = deals.first() {
        topics.push(TopicFound {
            id: DEAL_TOPIC.to_owned(),
            confidence: best.confidence,
            spans: deals.iter().flat_map(|(deal, _)| deal.spans.iter().copied()).collect(),
            rule: (*rule).to_owned(),
        });
    }
    if !resolutions.is_empty() {
        topics.push(TopicFound {
            id: "unsc-resolution".to_owned(),
            confidence: resolutions.iter().map(|found| found.confidence).fold(0.0, f32::max),
            spans: resolutions.iter().flat_map(|found| found.spans.iter().copied()).collect(),
            rule: "citation".to_owned(),
        });
    }
    Said { arms_deals: deals.into_iter().map(|(deal, _)| deal).collect(), resolutions, topics, near }
}

//! Who says it: the countries behind "the Pentagon warned", "Singh said", "Tehran denied".
//!
//! A speaker is a party in front of a word of saying, or somebody who was introduced with an office before: "Pentagon
//! spokesperson Jane Doe" makes "Doe" speak for the United States from then on. Where the introduction names no country,
//! it is that of the sentence before.

use std::{collections::HashMap, ops::Range};

use super::{
    lexicon::Hit,
    party::Party,
    passage::Passage,
    rule::{DealWord, WordRole},
};
use crate::{article::text::Field, watch::found::PartyId};

/// How far in front of an office its country may stand: "South Korea's Defence Ministry spokesperson".
const COUNTRY_REACH: usize = 8;
/// How far behind a subject its word of saying may stand.
const SAY_REACH: usize = 7;
/// People are called by no more names than this.
const NAMES_MAX: usize = 4;
/// No article quotes more people; bounds the memory that a list of names may take.
const SPEAKERS_MAX: usize = 64;

/// Who was introduced so far, by each of their names.
#[derive(Debug, Default)]
pub(super) struct Speakers {
    by_name: HashMap<String, Vec<PartyId>>,
}

/// Who stands behind one sentence.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub by: Vec<PartyId>,
    pub denied_by: Vec<PartyId>,
}

impl Speakers {
    /// Notes who is introduced in a sentence. `before` are the parties of the one in front.
    pub fn hear(
        &mut self,
        passage: &Passage<'_>,
        sentence: &Range<usize>,
        hits: &[Hit<DealWord>],
        parties: &[Party],
        before: &[Party],
    ) {
        for office in hits.iter().filter(|hit| hit.meaning == DealWord::Plain(WordRole::Office)) {
            let names: Vec<usize> = (office.end..sentence.end.min(office.end + NAMES_MAX))
                .take_while(|&token| {
                    is_capitalised(passage, token)
                        && !passage.between(token - 1, token).contains([',', '.', '"', '“', '”'])
                })
                .collect();
            let near = parties
                .iter()
                .rev()
                .find(|party| party.end <= office.start && office.start - party.end <= COUNTRY_REACH)
                .filter(|party| {
                    (party.end..=office.start).all(|token| !passage.between(token - 1, token).contains([',', ';']))
                });
            // "China has never sent any, foreign ministry spokesman Wang Wenbin said": he speaks for who acts.
            let acting = parties.iter().find(|party| party.end <= office.start && party.is_subject());
            let Some(country) = near.or(acting).or(before.first()) else { continue };
            if names.is_empty() || parties.iter().any(|party| names.contains(&party.start)) {
                continue;
            }
            for &name in &names {
                if self.by_name.len() < SPEAKERS_MAX {
                    self.by_name.entry(passage.tokens[name].text.to_owned()).or_insert_with(|| country.ids.clone());
                }
            }
        }
    }

    /// Who says, and who denies, what a sentence says.
    pub fn of(
        &self,
        passage: &Passage<'_>,
        sentence: &Range<usize>,
        hits: &[Hit<DealWord>],
        parties: &[Party],
        cue: Option<&Range<usize>>,
    ) -> Said {
        let mut said = Said { by: named_by_colon(passage, sentence, parties), ..Said::default() };
        for hit in hits {
            let DealWord::Plain(word @ (WordRole::Say | WordRole::Deny | WordRole::Punish)) = hit.meaning else {
                continue;
            };
            // Who punishes says why; who is quoted behind "sanctions" is another.
            if word == WordRole::Punish {
                let punisher = parties.iter().rev().find(|party| party.is_punisher && party.end <= hit.start);
                said.by.extend(
                    punisher
                        .into_iter()
                        .flat_map(|party| party.ids.iter())
                        .filter(|_| said.by.is_empty())
                        .cloned()
                        .collect::<Vec<_>>(),
                );
                continue;
            }
            let speaker =
                self.before(passage, sentence, hits, parties, hit).or_else(|| self.behind(passage, sentence, hit));
            for id in speaker.into_iter().flatten() {
                let list = if word == WordRole::Deny { &mut said.denied_by } else { &mut said.by };
                if !list.contains(&id) {
                    list.push(id);
                }
            }
        }
        // A cue that is no word of saying has a speaker too: "Washington's concern over".
        if said.by.is_empty()
            && let Some(cue) = cue
        {
            let hit = Hit { start: cue.start, end: cue.end, meaning: DealWord::Veil };
            let is_deny =
                hits.iter().any(|hit| hit.start == cue.start && hit.meaning == DealWord::Plain(WordRole::Deny));
            if !is_deny {
                said.by = self.before(passage, sentence, hits, parties, &hit).unwrap_or_default();
            }
        }
        said
    }

    /// The subject of a word of saying.
    fn before(
        &self,
        passage: &Passage<'_>,
        sentence: &Range<usize>,
        hits: &[Hit<DealWord>],
        parties: &[Party],
        say: &Hit<DealWord>,
    ) -> Option<Vec<PartyId>> {
        if let Some(acting) = first_actor(passage, sentence, hits, parties, say) {
            return Some(acting.ids.clone());
        }
        let from = say.start.saturating_sub(SAY_REACH).max(sentence.start);
        for token in (from..say.start).rev() {
            if let Some(party) = parties.iter().find(|party| party.start <= token && token < party.end) {
                return party.is_subject().then(|| party.ids.clone());
            }
            if let Some(ids) = self.known(passage, token) {
                return Some(ids);
            }
        }
        None
    }

    /// "said Doe".
    fn behind(&self, passage: &Passage<'_>, sentence: &Range<usize>, say: &Hit<DealWord>) -> Option<Vec<PartyId>> {
        (say.end..sentence.end.min(say.end + 2)).find_map(|token| self.known(passage, token))
    }

    fn known(&self, passage: &Passage<'_>, token: usize) -> Option<Vec<PartyId>> {
        if !is_capitalised(passage, token) {
            return None;
        }
        self.by_name.get(passage.tokens[token].text).cloned()
    }
}

/// Who stands in front of a colon at the beginning of a sentence, or behind one at its end: "Netanyahu: Iran smuggles",
/// "Iran sends drones: Kirby".
fn named_by_colon(passage: &Passage<'_>, sentence: &Range<usize>, parties: &[Party]) -> Vec<PartyId> {
    let has_colon = |right: usize| passage.between(right - 1, right).contains([':', '：']);
    let first = parties
        .first()
        .filter(|party| party.start <= sentence.start + 1 && party.end < sentence.end && has_colon(party.end));
    let last = parties
        .last()
        .filter(|party| party.end == sentence.end && party.start > sentence.start && has_colon(party.start));
    first.or(last).map(|party| party.ids.clone()).unwrap_or_default()
}

/// Whose second verb a word of saying is: "Iran delivers drones to Sudan's army and denies it".
fn first_actor<'a>(
    passage: &Passage<'_>,
    sentence: &Range<usize>,
    hits: &[Hit<DealWord>],
    parties: &'a [Party],
    say: &Hit<DealWord>,
) -> Option<&'a Party> {
    let before = say.start.checked_sub(1).filter(|&before| before >= sentence.start)?;
    let joins = |hit: &Hit<DealWord>| {
        hit.end == say.start && matches!(hit.meaning, DealWord::Plain(WordRole::Join | WordRole::Clause))
    };
    let gap = passage.between(before, say.start);
    let is_denied = say.meaning == DealWord::Plain(WordRole::Deny);
    let is_headline_comma = is_denied && passage.field == Field::Title && gap.trim() == ",";
    if !(hits.iter().any(joins) || gap.contains('&') || is_headline_comma) {
        return None;
    }
    let acts = |party: &&Party| {
        let does = |hit: &Hit<DealWord>| {
            matches!(hit.meaning, DealWord::Verb { .. }) && hit.start >= party.end && hit.end <= before + 1
        };
        party.role.is_none() && party.is_subject() && hits.iter().any(does)
    };
    parties.iter().find(acts)
}

fn is_capitalised(passage: &Passage<'_>, token: usize) -> bool {
    passage.text.words[passage.tokens[token].word].exact.starts_with(char::is_uppercase)
}

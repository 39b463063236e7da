//! Whether a name that may mean a country or something else stands where a deal has a country: "sold radars to Jordan",
//! "Georgia will buy", but not "Jordan Henderson", "a Georgia plant".
//!
//! One place where it does settles the name for the whole article, and so does one where a family name follows it.

use std::ops::Range;

use super::{
    at,
    lexicon::Hit,
    party::{Named, NamedKind},
    passage::Passage,
    rule::{DealWord, Frame, Role, WordRole},
};
use crate::{
    article::segment::WordKind,
    watch::{
        entity::lexicon::{Casing, starts_with_capital},
        found::PartyId,
    },
};

/// How far behind whom something is given to the weapons may stand.
const GIVEN_REACH: usize = 9;
/// How far behind an owner those may stand who act for a country: "Georgia's new defence ministry".
const OWNED_REACH: usize = 3;
/// Words as short as this are no family names.
const SHORT_MAX: usize = 3;

/// Those of the doubtful names that mean their country, as `passages` tell.
pub(super) fn settled(
    passages: &[Passage<'_>],
    hits: &[Vec<Hit<DealWord>>],
    named: &[Named],
    doubtful: &[Named],
) -> Vec<Named> {
    let mut meant: Vec<&PartyId> = Vec::new();
    let mut others: Vec<&PartyId> = Vec::new();
    for (passage, hits) in passages.iter().zip(hits) {
        let casing = Casing::of(passage.text);
        for doubt in doubtful.iter().filter(|doubt| doubt.field == passage.field) {
            let tokens = passage.tokens_of(&doubt.words);
            let Some(sentence) = passage.sentences.get(passage.sentence_of(tokens.start)) else { continue };
            if tokens.end > sentence.end {
                continue;
            }
            let slot = Slot { passage, hits, sentence, named, doubtful, casing };
            if slot.is_named_on(&tokens) {
                others.push(&doubt.id);
            } else if slot.is_side(&tokens) {
                meant.push(&doubt.id);
            }
        }
    }
    doubtful.iter().filter(|doubt| meant.contains(&&doubt.id) && !others.contains(&&doubt.id)).cloned().collect()
}

struct Slot<'a> {
    passage: &'a Passage<'a>,
    hits: &'a [Hit<DealWord>],
    sentence: &'a Range<usize>,
    named: &'a [Named],
    doubtful: &'a [Named],
    casing: Casing,
}

impl Slot<'_> {
    /// Whether another name follows right behind: "Jordan Henderson".
    fn is_named_on(&self, tokens: &Range<usize>) -> bool {
        let next = tokens.end;
        if next >= self.sentence.end || self.between(next) != " " || self.is_place(next) {
            return false;
        }
        let word = &self.passage.text.words[self.passage.tokens[next].word];
        let is_name = word.kind == WordKind::Plain
            && starts_with_capital(&word.exact)
            && word.exact.chars().all(char::is_alphabetic)
            && word.exact.chars().count() > SHORT_MAX;
        // In a headline of capitals only words that are known tell that they are none.
        is_name && matches!(self.casing, Casing::Mixed | Casing::Title) && self.meanings(next).next().is_none()
    }

    fn is_side(&self, tokens: &Range<usize>) -> bool {
        (self.is_marked(tokens.start) || self.is_given(tokens) || self.is_subject(tokens)) && self.is_whole(tokens)
    }

    /// Behind a marker that a word of the deal leads, or listed behind one who is.
    fn is_marked(&self, start: usize) -> bool {
        let Some(before) = start.checked_sub(1).filter(|&before| before >= self.sentence.start) else { return false };
        let gap = self.between(start);
        let in_front = match self.is_word(before, WordRole::Article) && gap == " " {
            true => before.checked_sub(1).filter(|&before| before >= self.sentence.start),
            false => Some(before),
        };
        let marker = in_front.and_then(|before| {
            let is_marker = |hit: &&Hit<DealWord>| {
                let role = match hit.meaning {
                    DealWord::MarkerBefore(role) => role,
                    _ => return false,
                };
                matches!(role, Role::To | Role::For | Role::From | Role::By | Role::With | Role::Between)
            };
            self.hits.iter().filter(|hit| hit.end == before + 1).find(is_marker)
        });
        if let Some(marker) = marker
            && gap == " "
        {
            return self
                .hits
                .iter()
                .any(|hit| hit.start >= self.sentence.start && hit.end <= marker.start && is_of_deal(hit.meaning));
        }
        // "to Iraq, Jordan and Egypt".
        let is_joined = self.is_word(before, WordRole::Join) && gap == " ";
        let left = match gap.trim() {
            "," => Some(before),
            "" if is_joined => before.checked_sub(1),
            _ => None,
        };
        let Some(left) = left.filter(|&left| left >= self.sentence.start) else { return false };
        let ends_there =
            |named: &&Named| named.kind == NamedKind::Name && self.passage.tokens_of(&named.words).end == left + 1;
        let listed = self.named_at(left).find(ends_there);
        listed.is_some_and(|listed| self.is_marked(self.passage.tokens_of(&listed.words).start))
    }

    /// Right behind a verb of giving, with weapons to follow: "sold Jordan sixteen radars", "arms Georgia".
    fn is_given(&self, tokens: &Range<usize>) -> bool {
        self.hits.iter().filter(|hit| hit.end == tokens.start).any(|hit| match hit.meaning {
            DealWord::Verb { frame: Frame::Arm, .. } => true,
            DealWord::Verb { frame: Frame::Give, .. } => self.hits.iter().any(|object| {
                matches!(object.meaning, DealWord::Weapon(_))
                    && object.start >= tokens.end
                    && object.start - tokens.end <= GIVEN_REACH
                    && object.end <= self.sentence.end
            }),
            _ => false,
        })
    }

    /// At the beginning of a sentence or clause, with what it does right behind.
    fn is_subject(&self, tokens: &Range<usize>) -> bool {
        let Some(before) = tokens.start.checked_sub(1).filter(|&before| before >= self.sentence.start) else {
            return self.acts(tokens.end);
        };
        let leads = self.is_word(before, WordRole::Clause)
            || self.is_word(before, WordRole::Relative)
            || self.is_word(before, WordRole::Say)
            || self.between(tokens.start).contains([':', '“', '"', '—', '–']);
        leads && self.acts(tokens.end)
    }

    /// Whether what stands there does something in a deal, or is joined to somebody who may.
    fn acts(&self, token: usize) -> bool {
        if token >= self.sentence.end {
            return false;
        }
        let does = |token: usize| {
            self.meanings(token).any(|meaning| {
                matches!(
                    meaning,
                    DealWord::Verb { .. }
                        | DealWord::Cue { .. }
                        | DealWord::MarkerBefore(Role::To)
                        | DealWord::Plain(WordRole::Passive | WordRole::VerbLead)
                )
            })
        };
        if self.owns(token) {
            return true;
        }
        let gap = self.between(token);
        let is_joined = gap.trim() == "," || gap.contains('&') || self.is_word(token, WordRole::Join);
        let partner = token + usize::from(self.is_word(token, WordRole::Join));
        gap == " " && does(token) || is_joined && self.is_place(partner)
    }

    /// Whether a name owns those who act for a country, right behind it.
    fn owns(&self, token: usize) -> bool {
        let is_owner = matches!(self.passage.tail(token - 1), "'s" | "’s" | "'" | "’");
        is_owner
            && (token..self.sentence.end.min(token + OWNED_REACH)).any(|token| {
                [WordRole::Fighters, WordRole::Government, WordRole::Institution, WordRole::Office]
                    .into_iter()
                    .any(|role| self.is_word(token, role))
            })
    }

    /// Whether nothing behind a name makes more of it, a person of some age or a thing of another kind.
    fn is_whole(&self, tokens: &Range<usize>) -> bool {
        let next = tokens.end;
        if next >= self.sentence.end {
            return true;
        }
        let gap = self.between(next);
        let text = self.passage.tokens[next].text;
        let is_age = gap == ", " && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
        if is_age || gap.starts_with(['-', '_', '/', '@']) {
            return false;
        }
        match self.passage.tail(next - 1).starts_with(['\'', '’']) {
            true => self.owns(next),
            false => gap != " " || !self.is_word(next, WordRole::Local),
        }
    }

    /// Between a token and the one in front of it.
    fn between(&self, token: usize) -> &str {
        self.passage.between(token - 1, token)
    }

    fn is_place(&self, token: usize) -> bool {
        self.named_at(token).next().is_some()
    }

    fn named_at(&self, token: usize) -> impl Iterator<Item = &Named> {
        let (field, word) = (self.passage.field, self.passage.tokens.get(token).map(|token| token.word));
        word.into_iter().flat_map(move |word| at(self.named, field, word).chain(at(self.doubtful, field, word)))
    }

    fn meanings(&self, token: usize) -> impl Iterator<Item = DealWord> {
        let from = self.hits.partition_point(|hit| hit.start < token);
        self.hits[from..].iter().take_while(move |hit| hit.start == token).map(|hit| hit.meaning)
    }

    fn is_word(&self, token: usize, role: WordRole) -> bool {
        self.meanings(token).any(|meaning| meaning == DealWord::Plain(role))
    }
}

fn is_of_deal(meaning: DealWord) -> bool {
    matches!(meaning, DealWord::Weapon(_) | DealWord::Noun { .. } | DealWord::Verb { .. })
}

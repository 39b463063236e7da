//! Who is named in a text and may be a side of a deal.

use std::ops::Range;

use super::{
    passage::Passage,
    rule::{Role, Rules},
};
use crate::{article::text::Field, watch::found::PartyId};

/// A party as the entity room found it.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub id: PartyId,
    pub field: Field,
    /// Into the field's words.
    pub words: Range<usize>,
    pub kind: NamedKind,
    /// Written as in the dictionary, so that its last letters are no ending: "Нетаньяху".
    pub is_base: bool,
}

/// How a party is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NamedKind {
    Name,
    Adjective,
    Person,
    /// A maker of weapons, for its country; only ever supplies.
    Company,
}

/// One party of a sentence, or several that are joined.
#[derive(Debug, Clone)]
pub(super) struct Party {
    pub ids: Vec<PartyId>,
    /// Token range.
    pub start: usize,
    pub end: usize,
    pub kind: NamedKind,
    pub role: Option<Role>,
    /// Those of `ids` that a company stands for.
    pub companies: Vec<PartyId>,
    /// Owns what follows.
    pub is_owner: bool,
    /// Others act for it: "Ukraine's allies".
    pub is_helped: bool,
    /// Punishes somebody by law, and so gives nothing: "the EU blacklisted".
    pub is_punisher: bool,
    /// Takes weapons on their way, and so gave them to nobody.
    pub is_seizer: bool,
    /// Uses weapons: "if Ukraine used the munitions".
    pub is_user: bool,
    /// As in [`Named`].
    pub is_base: bool,
}

impl Party {
    /// Whether it may be the subject of its sentence.
    pub fn is_subject(&self) -> bool {
        // "reacted to Russia's efforts to buy": what it owns acts for it, whatever marks it.
        (matches!(self.role, None | Some(Role::By)) || self.is_owner) && !self.is_helped && !self.is_punisher
    }

    /// One that neither marker nor place gives a part yet.
    pub fn unmarked(ids: Vec<PartyId>, tokens: Range<usize>, kind: NamedKind) -> Self {
        let companies = if kind == NamedKind::Company { ids.clone() } else { Vec::new() };
        Self {
            ids,
            companies,
            start: tokens.start,
            end: tokens.end,
            kind,
            role: None,
            is_owner: false,
            is_helped: false,
            is_punisher: false,
            is_seizer: false,
            is_user: false,
            is_base: false,
        }
    }
}

/// Those of a passage who may be a side of a deal, with their tokens, in text order.
pub(super) fn in_passage<'a>(
    passage: &Passage<'_>,
    named: &'a [Named],
    rules: &Rules,
) -> Vec<(Range<usize>, &'a Named)> {
    let is_side = |named: &&Named| named.field == passage.field && !rules.never.iter().any(|id| **id == *named.id.0);
    named.iter().filter(is_side).map(|named| (passage.tokens_of(&named.words), named)).collect()
}

/// The makers of weapons that the passages name, for their countries.
pub(super) fn makers(passages: &[Passage<'_>], rules: &Rules) -> Vec<Named> {
    let mut found = Vec::new();
    for passage in passages {
        for hit in rules.makers.find(&passage.tokens, None) {
            let company = &rules.companies[hit.meaning as usize];
            let words = passage.tokens[hit.start].word..passage.tokens[hit.end - 1].word + 1;
            let exact = &passage.text.words[words.start].exact;
            let is_name = exact.chars().next().is_some_and(|c| !c.is_lowercase());
            if is_name && (!company.is_upper || !exact.contains(char::is_lowercase)) {
                found.push(Named {
                    id: company.party.clone(),
                    field: passage.field,
                    words,
                    kind: NamedKind::Company,
                    is_base: false,
                });
            }
        }
    }
    found
}

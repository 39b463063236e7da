//! Looks for the side of a deal that its own frame leaves open: in the sentence around it, the one in front, the heading.

use super::{
    frame::Framed,
    merge::{Mention, shares},
    party::Party,
    rule::Role,
};
use crate::watch::found::PartyId;

/// A deal needs both its sides; one that had to be looked for outside its sentence is this much less sure.
const FILLED_COSTS: f32 = 0.15;

/// What stands around a sentence.
pub(super) struct Around<'a> {
    /// The parties of the sentence.
    pub here: &'a [Party],
    /// Those of the one in front.
    pub before: &'a [Party],
    /// Those of the heading.
    pub title: &'a [Party],
    /// Those of the first sentence of the text, where the heading is being read.
    pub lead: &'a [Party],
}

/// Looks for a missing side around the frame; `None` where the deal stays without one. `told` is the deal that a
/// sentence shortly in front tells of, `mentions` are all so far.
pub(super) fn fill(
    mut framed: Framed,
    around: &Around<'_>,
    told: Option<&Mention>,
    mentions: &[Mention],
) -> Option<Framed> {
    if framed.pair.len() >= 2 {
        return Some(framed);
    }
    if let [one] = &framed.pair[..] {
        framed.supplier = vec![one.clone()];
        framed.pair.clear();
    }
    let known: Vec<PartyId> = framed.supplier.iter().chain(&framed.recipient).cloned().collect();
    let other = |parties: &[Party], is_open: &dyn Fn(&Party) -> bool| {
        let others = |party: &Party| {
            let ids: Vec<PartyId> = party.ids.iter().filter(|id| !known.contains(id)).cloned().collect();
            (!ids.is_empty()).then_some(ids)
        };
        parties.iter().filter(|party| is_open(party)).find_map(others)
    };
    if known.is_empty() {
        // "They discussed an arms deal": the two that were named together.
        let both = |party: &&Party| party.ids.len() >= 2 && party.is_subject();
        let pair = around.here.iter().chain(around.before).chain(around.title).find(both)?;
        framed.pair = pair.ids.clone();
        framed.confidence -= FILLED_COSTS;
        return Some(framed);
    }
    // A heading's "US and allies" are named in full by the sentence that follows it.
    let named_with = |side: &[PartyId]| {
        let is_among = |party: &&Party| party.ids.len() >= 2 && side.iter().any(|id| party.ids.contains(id));
        let group = around.lead.iter().find(is_among)?;
        Some(group.ids.iter().filter(|id| !side.contains(id)).cloned().collect::<Vec<_>>())
    };
    if framed.recipient.is_empty() {
        let gets = |party: &Party| matches!(party.role, Some(Role::To | Role::For)) || party.is_helped;
        let end = framed.tokens.end;
        let gets_behind = |party: &Party| gets(party) && (party.start >= end || party.is_helped);
        let filled = other(around.here, &gets_behind)
            .or_else(|| other(around.before, &gets))
            .or_else(|| other(around.title, &gets));
        // "Western countries agreed to provide them", behind who asked them for it.
        let asked = || mentions.iter().rev().find(|known| shares(&known.supplier, &framed.supplier));
        let filled = filled.or_else(|| Some(asked()?.recipient.clone()).filter(|recipient| !recipient.is_empty()));
        let gives = framed.rule == "verb";
        let filled = filled.or_else(|| {
            // "Italy would also provide a system", behind what others give; "if they use the shells".
            let same = told.filter(|told| gives && told.recipient.iter().all(|id| !known.contains(id)))?;
            Some(same.recipient.clone()).filter(|recipient| !recipient.is_empty())
        });
        let is_user = |party: &Party| gives && party.is_user;
        let filled = filled.or_else(|| other(around.here, &is_user)).or_else(|| other(around.before, &is_user));
        let filled = filled.or_else(|| named_with(&framed.supplier).filter(|_| framed.is_deal));
        // "the jets ordered from the United States have yet to come", which somebody in the sentence waits for.
        let is_bought = framed.rule == "verb" && framed.is_got;
        let filled = filled.or_else(|| other(around.here, &|party| is_bought && party.is_subject()));
        framed.recipient = filled?;
        framed.confidence -= FILLED_COSTS;
    }
    if framed.supplier.is_empty() {
        let gives = |party: &Party| party.is_subject() && !party.is_seizer;
        let filled = other(around.here, &gives).or_else(|| {
            // Who was told to give them that is nearer than the heading's subject, who may be warning of it.
            let is_known =
                mentions.iter().any(|known| !known.supplier.is_empty() && shares(&known.recipient, &framed.recipient));
            if is_known { None } else { other(around.title, &gives) }
        });
        let is_open = !framed.is_seized && !framed.is_by_allies;
        framed.supplier = filled.filter(|_| is_open).unwrap_or_default();
        // A weapon with a direction alone is too little to go by.
        if framed.supplier.is_empty() && framed.rule == "weapon" && !framed.is_seized {
            return None;
        }
        framed.confidence -= FILLED_COSTS;
    }
    Some(framed)
}

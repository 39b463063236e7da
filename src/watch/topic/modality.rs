//! Where a deal stands by the words around it: warned of, talked about, agreed, denied.
//!
//! The cue nearest to a deal governs it, one in front before one behind. Without a cue the form of the verb tells, and
//! a bare noun only implies.

use std::ops::Range;

use super::{
    lexicon::Hit,
    passage::Passage,
    rule::{DealWord, Form, Says, WordRole},
};
use crate::watch::found::DealStatus;

/// How far in front of a deal its cue may stand, in words.
const REACH_FRONT: usize = 14;
/// How far behind.
const REACH_BEHIND: usize = 10;
/// How far behind where the verb comes last.
const REACH_TO_VERB: usize = 20;
/// How far behind an allegation its denial may stand, where both stand behind the deal.
const DENIED_REACH: usize = 2;
/// How far in front of a cue another may stand that governs it.
const OUTER_REACH: usize = 2;
/// How far in front of a passive verb the weapons may stand of which none were given.
const PASSIVE_REACH: usize = 4;
/// A cue behind counts as this much farther away.
const BEHIND_COSTS: usize = 4;

/// What one sentence claims of a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub status: DealStatus,
    /// How much it tells beside other claims of the same deal; the higher wins.
    pub strength: u8,
}

/// What a claim without any word for it is worth; every real claim outweighs it.
const IMPLIED: u8 = 1;
pub(super) const WANTED: u8 = 2;

impl Claim {
    /// Nobody says it; the noun implies it.
    pub fn implied(status: DealStatus) -> Self {
        Self { status, strength: IMPLIED }
    }

    pub fn is_implied(self) -> bool {
        self.strength <= IMPLIED
    }

    /// Somebody would like it.
    pub fn wanted() -> Self {
        Self { status: DealStatus::Proposed, strength: WANTED }
    }

    /// The text says it. The order is the contract's: the furthest that a text asserts is a deal's status.
    pub fn said(status: DealStatus) -> Self {
        let strength = match status {
            DealStatus::Alleged => 3,
            DealStatus::Warned => 4,
            DealStatus::Proposed => 5,
            DealStatus::Negotiating => 6,
            DealStatus::Agreed => 7,
            DealStatus::Approved => 8,
            DealStatus::Delivered => 9,
            DealStatus::Denied | DealStatus::Blocked => 10,
        };
        Self { status, strength }
    }
}

/// The word that shows a deal: a verb in some form, or a noun.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Verb { form: Form, done: DealStatus },
    Noun { implies: DealStatus },
}

/// What a sentence claims of the deal at `tokens`, and the cue that says so.
pub(super) fn claim(
    passage: &Passage<'_>,
    sentence: &Range<usize>,
    hits: &[Hit<DealWord>],
    tokens: &Range<usize>,
    anchor: Anchor,
    puts_verb_last: bool,
    is_party: impl Fn(usize) -> bool,
) -> (Claim, Option<Range<usize>>) {
    let cue = governing(passage, sentence, hits, tokens, if puts_verb_last { REACH_TO_VERB } else { REACH_BEHIND });
    if is_of_none(hits, tokens) {
        return (Claim::said(DealStatus::Denied), cue.map(|(_, cue)| cue));
    }
    let is_stated = matches!(anchor, Anchor::Verb { form: Form::Done | Form::Going, .. });
    match (cue, anchor) {
        // A modal in front of a participle that already tells ("could have sent") tells less than the verb alone.
        (Some((Says::Wanted, cue)), _) => (Claim::wanted(), Some(cue)),
        // What is said behind a thing done is said of something else, unless it takes it back.
        (Some((says, cue)), Anchor::Verb { form: Form::Done, done })
            if cue.start >= tokens.end
                && !matches!(says, Says::Denied | Says::Refuted | Says::Blocked | Says::Alleged | Says::Delivered) =>
        {
            (Claim::said(done), Some(cue))
        }
        // "bought jets that have landed": the furthest that is told.
        (Some((Says::Delivered, cue)), _) => (Claim::said(DealStatus::Delivered), Some(cue)),
        (Some((says, cue)), _) => (Claim::said(status(says)), Some(cue)),
        (None, Anchor::Verb { form: Form::Done, done }) => (Claim::said(done), None),
        (None, Anchor::Verb { done, .. }) if is_stated => (Claim::said(done), None),
        (None, Anchor::Verb { done, .. }) => {
            let in_front = |back: usize| tokens.start.checked_sub(back).filter(|&token| token >= sentence.start);
            let is_infinitive = in_front(1).is_some_and(|token| passage.tokens[token].text == "to");
            // "Norway is to give".
            let is_due = |token: usize| {
                hits.iter().any(|hit| hit.start == token && hit.meaning == DealWord::Plain(WordRole::Passive))
            };
            let by_party = in_front(2).is_some_and(|token| is_party(token) || is_due(token));
            let claim = match (is_infinitive, by_party) {
                // A headline's future: "US to send missiles".
                (true, true) => Claim::said(DealStatus::Agreed),
                (true, false) => Claim::wanted(),
                (false, _) => Claim::said(done),
            };
            (claim, None)
        }
        (None, Anchor::Noun { implies }) => (Claim::implied(implies), None),
    }
}

/// "Sold no weapons to", "no arms deliveries".
pub(super) fn is_of_none(hits: &[Hit<DealWord>], tokens: &Range<usize>) -> bool {
    let of_weapon = |end: usize| {
        hits.iter().any(|hit| {
            let is_weapon = matches!(hit.meaning, DealWord::Weapon(_) | DealWord::Noun { .. });
            is_weapon && hit.start >= end && hit.start - end <= 1
        })
    };
    // "No weapons were sent by Egypt".
    let in_front = hits.iter().any(|hit| {
        let is_of = |weapon: &Hit<DealWord>| {
            matches!(weapon.meaning, DealWord::Weapon(_))
                && weapon.start == hit.end
                && weapon.end <= tokens.start
                && tokens.start - weapon.end <= PASSIVE_REACH
        };
        hit.meaning == DealWord::Plain(WordRole::No) && hits.iter().any(is_of)
    });
    if in_front {
        return true;
    }
    hits.iter().any(|hit| {
        let is_near = hit.start >= tokens.end && hit.start - tokens.end <= 1 || hit.end == tokens.start;
        hit.meaning == DealWord::Plain(WordRole::No) && is_near && of_weapon(hit.end)
    })
}

fn status(says: Says) -> DealStatus {
    match says {
        Says::Proposed | Says::Wanted | Says::Future | Says::None => DealStatus::Proposed,
        Says::Negotiating => DealStatus::Negotiating,
        Says::Warned => DealStatus::Warned,
        Says::Agreed => DealStatus::Agreed,
        Says::Approved => DealStatus::Approved,
        Says::Delivered => DealStatus::Delivered,
        Says::Denied | Says::Refuted => DealStatus::Denied,
        Says::Blocked => DealStatus::Blocked,
        Says::Alleged => DealStatus::Alleged,
    }
}

/// The cue that governs a deal.
fn governing(
    passage: &Passage<'_>,
    sentence: &Range<usize>,
    hits: &[Hit<DealWord>],
    tokens: &Range<usize>,
    reach_behind: usize,
) -> Option<(Says, Range<usize>)> {
    let from = hits.partition_point(|hit| hit.start < sentence.start);
    let refuted = |hit: &&Hit<DealWord>| matches!(hit.meaning, DealWord::Cue { says: Says::Refuted, .. });
    if let Some(refuted) = hits[from..].iter().take_while(|hit| hit.start < sentence.end).find(refuted) {
        return Some((Says::Refuted, refuted.start..refuted.end));
    }
    let cues = hits[from..].iter().take_while(|hit| hit.start < sentence.end).filter_map(|hit| {
        let DealWord::Cue { says, also_after } = hit.meaning else { return None };
        let says = match says {
            Says::None => return None,
            Says::Future => {
                let is_told = hits[from..]
                    .iter()
                    .any(|say| say.end <= hit.start && say.meaning == DealWord::Plain(WordRole::Say));
                if is_told { Says::Agreed } else { Says::Wanted }
            }
            says => says,
        };
        let cost = if hit.start == tokens.start && hit.end == tokens.end {
            // A verb whose form is a future: "поставит".
            BEHIND_COSTS
        } else if hit.end <= tokens.start {
            let distance = tokens.start - hit.end;
            let is_cut = (hit.end..tokens.start).any(|token| passage.between(token - 1, token).contains(';'));
            (distance <= REACH_FRONT && !is_cut).then_some(distance)?
        } else if hit.start >= tokens.end && also_after {
            let distance = hit.start - tokens.end;
            // "Germany has provided batteries, while Spain refused".
            let is_cut = (tokens.end..=hit.start).any(|token| passage.between(token - 1, token).contains(';'))
                || hits.iter().any(|clause| {
                    clause.meaning == DealWord::Plain(WordRole::Clause)
                        && clause.start >= tokens.end
                        && clause.end <= hit.start
                });
            (distance <= reach_behind && !is_cut).then_some(distance + BEHIND_COSTS)?
        } else {
            return None;
        };
        Some((cost, says, hit.start..hit.end))
    });
    let mut cues: Vec<_> = cues.collect();
    // "İzin vermedi" holds "izin ver": what is denied is not approved.
    cues.sort_by_key(|(cost, says, _)| (*cost, matches!(says, Says::Approved | Says::Agreed | Says::Delivered)));
    let (cost, says, range) = cues.first().cloned()?;
    // "Dismissed a report that", "iddialarını yalanladı": what is denied is the allegation.
    let is_of_allegation = |denied: &Range<usize>| {
        denied.end <= tokens.start
            || range.start >= tokens.end && denied.start >= range.end && denied.start - range.end <= DENIED_REACH
    };
    if says == Says::Alleged
        && let Some((_, denied, range)) =
            cues.iter().find(|(_, says, range)| *says == Says::Denied && is_of_allegation(range))
    {
        return Some((*denied, range.clone()));
    }
    // "Will not authorise", "refused to clear".
    let is_negated = |denied: &Range<usize>| denied.end <= range.start && range.start - denied.end <= 1;
    if says == Says::Approved && cues.iter().any(|(_, says, range)| *says == Says::Denied && is_negated(range)) {
        return Some((Says::Blocked, range.clone()));
    }
    // "closes in on a deal to", "plans to sign": what governs the cue from right in front weakens what it asserts.
    let weakens = |outer: &(usize, Says, Range<usize>)| {
        outer.2.end <= range.start
            && range.start - outer.2.end <= OUTER_REACH
            && matches!(outer.1, Says::Negotiating | Says::Proposed | Says::Denied | Says::Blocked | Says::Warned)
    };
    if (matches!(says, Says::Agreed | Says::Delivered)
        || says == Says::Blocked
            && cues.iter().any(|cue| weakens(cue) && cue.1 == Says::Proposed && cue.2.end == range.start))
        && range.end <= tokens.start
        && let Some((_, outer, range)) = cues.iter().find(|cue| weakens(cue))
    {
        return Some((*outer, range.clone()));
    }
    // "Drops plan to buy": the longer words hold the shorter ones.
    let holds = |outer: &(usize, Says, Range<usize>)| {
        outer.2.start < range.start && outer.2.end > range.start && matches!(outer.1, Says::Blocked | Says::Approved)
    };
    if let Some((_, outer, range)) = cues.iter().find(|cue| holds(cue)) {
        return Some((*outer, range.clone()));
    }
    // "If they were to send weapons, it would cross a red line": what may be is what is warned of.
    let warned = |hit: &&Hit<DealWord>| matches!(hit.meaning, DealWord::Cue { says: Says::Warned, .. });
    if says == Says::Wanted
        && let Some(warned) = hits[from..].iter().take_while(|hit| hit.start < sentence.end).find(warned)
    {
        return Some((Says::Warned, warned.start..warned.end));
    }
    // A modal or a wish says little where something firmer governs it: "agreed that it would send".
    if says == Says::Wanted
        && let Some((_, firmer, range)) = cues.iter().find(|(c, says, _)| *says != Says::Wanted && *c <= cost + 6)
    {
        return Some((*firmer, range.clone()));
    }
    Some((says, range))
}

//! Who acts in a sentence of a deal: its subject, who asks whom, who is accused or punished, with whom it is agreed.

use std::ops::Range;

use super::{
    lexicon::Hit,
    party::Party,
    rule::{DealWord, Form, Role, Says, WordRole},
    scene::{OBJECT_REACH, Scene},
};
use crate::watch::found::PartyId;

/// How far behind a word of asking the one who is asked may stand: "asked the government in Berlin".
const ASKED_REACH: usize = 3;
/// How far behind the one who is asked the verb may stand: "to supply", "que suministre".
const ASKED_TO_REACH: usize = 3;
/// How far in front of a verb the one may stand with whom it was agreed.
const PARTNER_REACH: usize = 3;

/// How far in front of its verb the word for fighters may stand that act: "the rebels have now obtained".
const FIGHTERS_ACT_REACH: usize = 2;

/// Who asks whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub by: &'a Party,
    pub whom: &'a Party,
}

impl Scene<'_> {
    /// Whether weapons are asked for by a word behind them: "Almanya'dan füze istedi".
    pub fn is_asked_for_behind(&self, tokens: &Range<usize>) -> bool {
        let asks = |hit: &Hit<DealWord>| hit.meaning == DealWord::Plain(WordRole::Ask);
        self.puts_verb_last() && self.hits.iter().any(|hit| asks(hit) && hit.start >= tokens.end)
    }

    /// Who asks whom to do what stands at `verb`: "Kyiv asked Berlin to send".
    pub fn asked_to(&self, verb: usize) -> Option<Asked<'_>> {
        self.asked(verb).filter(|asked| verb - asked.whom.end <= ASKED_TO_REACH)
    }

    /// Who asks whom for what stands at `thing`: "Kyiv asks Berlin for missiles", and nothing of what it is about.
    pub fn asked_for(&self, thing: usize) -> Option<Asked<'_>> {
        self.asked(thing).filter(|asked| {
            let is_open = |hit: &Hit<DealWord>| {
                matches!(
                    hit.meaning,
                    DealWord::Weapon(_)
                        | DealWord::MarkerBefore(Role::For | Role::Of | Role::Aside)
                        | DealWord::Veil
                        | DealWord::Plain(WordRole::Join | WordRole::Article)
                )
            };
            let between = || self.hits.iter().filter(|hit| hit.start >= asked.whom.end && hit.end <= thing);
            // "asked France about missiles" asks for none; "pays Seoul in oil for missiles" does.
            let last = between().rfind(|hit| matches!(hit.meaning, DealWord::MarkerBefore(_)));
            let is_about = last.is_some_and(|hit| hit.meaning == DealWord::MarkerBefore(Role::Aside));
            thing - asked.whom.end <= OBJECT_REACH
                && between().all(is_open)
                && !is_about
                && (asked.whom.end..thing)
                    .all(|token| !self.passage.between(token - 1, token).contains([',', ';', ':']))
        })
    }

    fn asked(&self, before: usize) -> Option<Asked<'_>> {
        let ask = self.hits.iter().rfind(|hit| hit.meaning == DealWord::Plain(WordRole::Ask) && hit.end <= before)?;
        let mut behind = self.parties.iter().filter(|party| party.start >= ask.end && party.end <= before);
        let first = behind.next()?;
        // Arabic puts the verb first: who asks, then from whom.
        let by = self.parties.iter().rfind(|party| party.end <= ask.start && party.is_subject());
        let (by, whom) = match by {
            Some(by) => (by, first),
            None => (first, behind.next().filter(|next| first.role.is_none() && next.role == Some(Role::From))?),
        };
        (first.start - ask.end <= ASKED_REACH && whom.ids != by.ids).then_some(Asked { by, whom })
    }

    /// Who acts: the nearest party in front that no marker takes aside.
    pub fn subject(&self, hit: &Hit<DealWord>, skip: &[usize]) -> Option<&Party> {
        self.subject_of(&(hit.start..hit.end), skip)
    }

    pub fn subject_of(&self, tokens: &Range<usize>, skip: &[usize]) -> Option<&Party> {
        let fits = |party: &&Party| party.is_subject() && !skip.contains(&party.start);
        let in_front = self.parties.iter().rev().filter(|party| party.end <= tokens.start).find(fits);
        in_front.or_else(|| {
            let is_free_order = self.lang.is_some_and(|lang| !matches!(lang.as_str(), "en" | "fr" | "de"));
            is_free_order.then(|| self.parties.iter().find(fits)).flatten()
        })
    }

    /// Who acts in a verb: its subject; of a participle behind a preposition whoever is named last, in whatever part
    /// ("sanctions on Iran for supplying", "the prospect of China arming").
    pub fn controller(&self, verb: &Hit<DealWord>, form: Form, skip: &[usize]) -> Option<&Party> {
        let leads = |party: &&Party| party.end <= verb.start && !skip.contains(&party.start) && !party.is_punisher;
        let last = self.parties.iter().rev().find(leads);
        let is_next_to = last.is_some_and(|party| party.end == verb.start);
        let follows_marker = || {
            self.hits.iter().any(|hit| {
                hit.end == verb.start
                    && matches!(hit.meaning, DealWord::MarkerBefore(Role::For | Role::Of | Role::Aside))
            })
        };
        let is_controlled = form == Form::Going && (is_next_to || follows_marker());
        let punished = || self.punished(verb.start).filter(|party| !skip.contains(&party.start));
        // "اتهامها لإيران بتهريب": who is accused acts, whatever marks them.
        let accused = || self.accused(verb.start, skip).filter(|party| party.role == Some(Role::To));
        // "A general claimed that the rebels have obtained": he does not act, and nobody names who does.
        let subject = || self.subject(verb, skip).filter(|party| !self.tells_of_fighters(party, verb));
        if is_controlled { last } else { punished().or_else(accused).or_else(subject) }
    }

    /// Whether a party only tells what fighters, named right in front of a verb, do.
    fn tells_of_fighters(&self, party: &Party, verb: &Hit<DealWord>) -> bool {
        let are_fighters = |hit: &Hit<DealWord>| {
            hit.meaning == DealWord::Plain(WordRole::Fighters)
                && hit.start >= party.end
                && hit.end <= verb.start
                && verb.start - hit.end <= FIGHTERS_ACT_REACH
        };
        self.tells(party) && self.hits.iter().any(are_fighters)
    }

    /// Who is warned or accused of what follows: "warnings to China over arms aid".
    pub fn accused(&self, before: usize, skip: &[usize]) -> Option<&Party> {
        let party = self.parties.iter().rev().find(|party| party.end <= before)?;
        let is_accused = self.hits.iter().any(|hit| {
            let accuses = matches!(hit.meaning, DealWord::Cue { says: Says::Warned | Says::Alleged, .. });
            accuses && hit.end <= party.start && party.start - hit.end <= 3
        });
        (is_accused && !skip.contains(&party.start) && !party.is_helped).then_some(party)
    }

    /// Who gets by the German dative: "Deutschland hat der Ukraine Panzer geliefert".
    pub fn dative(&self, verb: &Hit<DealWord>, object: &Hit<DealWord>) -> Option<&Party> {
        let is_german = self.lang.is_some_and(|lang| lang.as_str() == "de");
        let mut bare =
            self.parties.iter().filter(|party| party.role.is_none() && party.end <= object.start.max(verb.start));
        let (_, dative) = (bare.next()?, bare.next()?);
        is_german.then_some(dative)
    }

    /// Who is punished for what follows: "sanctions on a company from North Korea for selling".
    pub fn punished(&self, before: usize) -> Option<&Party> {
        let punishes =
            self.hits.iter().rfind(|hit| hit.meaning == DealWord::Plain(WordRole::Punish) && hit.end <= before)?;
        let is_punished = |party: &&Party| {
            party.start >= punishes.end
                && party.end <= before
                && before - party.end <= ASKED_REACH
                && !party.is_punisher
        };
        self.parties.iter().rfind(is_punished)
    }

    /// For whom others act: "Kyiv's allies to deliver tanks".
    pub fn helped(&self, hit: &Hit<DealWord>) -> Option<&Party> {
        self.parties.iter().rev().find(|party| party.is_helped && party.end <= hit.start)
    }

    /// With whom what a verb tells was agreed: "a deal with France to buy jets".
    pub fn partner(&self, verb: &Hit<DealWord>, known: &[PartyId]) -> Option<&Party> {
        let reach = PARTNER_REACH * if self.is_spaceless() { 3 } else { 1 };
        let is_with = |party: &&Party| {
            party.end <= verb.start && party.role == Some(Role::With) && verb.start - party.end <= reach
        };
        let party = self.parties.iter().rfind(is_with)?;
        // "a deal with France to buy", "in talks with France to buy".
        let is_agreed = |hit: &Hit<DealWord>| {
            let is_word = matches!(hit.meaning, DealWord::Noun { .. } | DealWord::Cue { says: Says::Negotiating, .. });
            is_word && (hit.end <= party.start || self.puts_verb_last())
        };
        let is_other = party.ids.iter().all(|id| !known.contains(id));
        (is_other && self.hits.iter().any(is_agreed)).then_some(party)
    }
}

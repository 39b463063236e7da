//! Who gives and who gets, by the frame around a word that shows a deal.
//!
//! Three frames, the same for every language: a verb with a weapon as its object ("Iran sent Russia drones"), a noun of
//! dealing ("the sale of F-16s to Turkey"), and a weapon on its way ("Iranian drones for Russia").

use std::ops::Range;

use super::{
    lexicon::Hit,
    modality::Anchor,
    party::{NamedKind, Party},
    passage::Passage,
    rule::{DealWord, Form, Frame, Role, Says, WordRole},
};
use crate::{
    article::Lang,
    watch::found::{DealStatus, PartyId},
};

/// How far from its verb an object may stand, in words.
const OBJECT_REACH: usize = 9;
/// How far behind a deal the party may stand that a marker gives a part in it.
const MARKED_REACH: usize = 16;
/// How far in front of a noun its owner may stand: "China's growing secret arms sales".
const OWNER_REACH: usize = 4;
/// How far from a noun that names no weapon the weapon may stand.
const WEAPON_REACH: usize = 6;
/// How far behind a word of asking the one who is asked may stand: "asked the government in Berlin".
const ASKED_REACH: usize = 3;
/// How far behind the one who is asked the verb may stand: "to supply", "que suministre".
const ASKED_TO_REACH: usize = 3;
/// How far in front of weapons the word may stand that tells of their seizure.
const SEIZED_REACH: usize = 6;

/// A deal as one frame shows it.
#[derive(Debug, Clone)]
pub(super) struct Framed {
    pub supplier: Vec<PartyId>,
    pub recipient: Vec<PartyId>,
    /// Both sides, where the text does not tell which one gives.
    pub pair: Vec<PartyId>,
    /// A noun that by itself is a deal between two ("arms deal"), so that its sides may be looked for elsewhere.
    pub is_deal: bool,
    /// Taken on its way: who acts in the sentence does not give, and nobody need be known to.
    pub is_seized: bool,
    /// The word that shows it.
    pub tokens: Range<usize>,
    pub anchor: Anchor,
    /// How sure the frame is by itself.
    pub confidence: f32,
    /// For `explain`.
    pub rule: &'static str,
}

/// Who asks whom.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    by: &'a Party,
    whom: &'a Party,
}

/// One sentence, ready for its frames.
pub(super) struct Scene<'a> {
    pub passage: &'a Passage<'a>,
    pub sentence: Range<usize>,
    /// Of this sentence alone.
    pub hits: &'a [Hit<DealWord>],
    pub parties: &'a [Party],
    pub lang: Option<Lang>,
}

impl Scene<'_> {
    /// Every deal that the sentence shows.
    pub fn read(&self) -> Vec<Framed> {
        let mut found = Vec::new();
        let shows_deal = |hit: &Hit<DealWord>| {
            matches!(
                hit.meaning,
                DealWord::Weapon(_) | DealWord::Noun { is_armed: true, .. } | DealWord::Verb { frame: Frame::Arm, .. }
            )
        };
        if !self.hits.iter().any(shows_deal) {
            return found;
        }
        let mut taken: Vec<Range<usize>> = Vec::new();
        for hit in self.hits {
            if let DealWord::Verb { frame, form, done, also_noun } = hit.meaning
                && (!also_noun || self.is_led_in(hit))
                && let Some((framed, object)) = self.verb(hit, frame, form, done)
            {
                if !framed.supplier.is_empty() && !framed.recipient.is_empty() {
                    taken.push(hit.start.min(object.start)..hit.end.max(object.end));
                }
                found.push(framed);
            }
        }
        for hit in self.hits.iter().filter(|hit| !taken.iter().any(|range| range.contains(&hit.start))) {
            match hit.meaning {
                DealWord::Noun { is_armed, frame, implies } => found.extend(self.noun(hit, is_armed, frame, implies)),
                DealWord::Weapon(_) => found.extend(self.weapon(hit)),
                _ => {}
            }
        }
        let is_deployed = self.hits.iter().any(|hit| hit.meaning == DealWord::Plain(WordRole::Deploy));
        found.retain(|framed| {
            let sides = framed.supplier.len() + framed.recipient.len() + framed.pair.len();
            (sides > 0 || framed.is_deal) && !(is_deployed && framed.rule != "noun")
        });
        found
    }

    fn verb(&self, hit: &Hit<DealWord>, frame: Frame, form: Form, done: DealStatus) -> Option<(Framed, Range<usize>)> {
        let object_behind =
            self.objects().find(|object| object.start >= hit.end && object.start - hit.end <= OBJECT_REACH);
        let object_in_front =
            self.objects().filter(|object| object.end <= hit.start && hit.start - object.end <= OBJECT_REACH).last();
        let is_passive = form == Form::Done && self.is_passive(hit);
        let direct = self.direct(hit);
        let object = match frame {
            Frame::Arm => hit,
            _ if is_passive => object_in_front.or(object_behind)?,
            _ if self.puts_verb_last() => object_in_front.or(object_behind)?,
            _ if form == Form::Done => object_behind.or(object_in_front)?,
            _ => object_behind?,
        };
        let behind = |role| self.marked(role, hit.start, hit.start + MARKED_REACH);
        let anywhere = |role| self.marked(role, self.sentence.start, self.sentence.end);
        let from = self.source(hit.end).or_else(|| self.puts_verb_last().then(|| anywhere(Role::From)).flatten());
        let from = from.or_else(|| (frame == Frame::Get && self.buys_at()).then(|| behind(Role::To)).flatten());
        let by = behind(Role::By);
        let origin = self.owner(object, 2).filter(|party| party.is_owner || party.kind == NamedKind::Adjective);
        // "US-supplied missiles" tells of missiles that are there, not of a deal.
        let is_attribute = form == Form::Done
            && self
                .parties
                .iter()
                .any(|party| party.end == hit.start && self.passage.between(hit.start - 1, hit.start) == "-");
        if is_attribute && behind(Role::To).is_none() || self.leads_verb(hit) {
            return None;
        }
        let mut framed = Framed {
            supplier: Vec::new(),
            recipient: Vec::new(),
            pair: Vec::new(),
            is_deal: false,
            is_seized: false,
            tokens: hit.start..hit.end,
            anchor: Anchor::Verb { form, done },
            confidence: 0.85,
            rule: "verb",
        };
        match frame {
            Frame::Give | Frame::Arm => {
                let asked = self.asked_to(hit.start).filter(|_| !is_passive && form != Form::Done);
                let recipient = direct
                    .filter(|party| origin.is_none_or(|origin| origin.start != party.start))
                    .or_else(|| behind(Role::To))
                    .or_else(|| self.puts_verb_last().then(|| anywhere(Role::To)).flatten())
                    .or_else(|| behind(Role::For))
                    .or_else(|| self.helped(hit))
                    .or(asked.map(|asked| asked.by));
                if frame == Frame::Arm && direct.is_none() {
                    return None;
                }
                let skip: Vec<usize> = recipient.iter().map(|party| party.start).collect();
                let subject = match asked {
                    _ if is_passive => None,
                    Some(asked) if !skip.contains(&asked.whom.start) => Some(asked.whom),
                    _ => self.controller(hit, form, &skip),
                };
                framed.recipient = ids(recipient);
                framed.supplier = ids(from.or(by).or(subject).or(origin));
                if from.is_some() && recipient.is_none() {
                    // "wants to supply weapons from North Korea": who brings them in gets them.
                    framed.recipient = ids(subject);
                }
            }
            Frame::Get => {
                let subject = if is_passive { by } else { self.controller(hit, form, &[]) };
                // "buy US arms": bare in front of its weapon, a name owns it; a giver's object would be who gets.
                let origin = origin.or_else(|| self.owner(object, 0));
                let subject = subject.filter(|party| origin.is_none_or(|origin| origin.start != party.start));
                framed.recipient =
                    ids(behind(Role::For).filter(|_| from.is_some()).or(subject).or_else(|| behind(Role::For)));
                framed.supplier = ids(from.or(origin));
                // Who buys at home, or buys and nobody says where, deals with nobody.
                if framed.supplier.is_empty() {
                    return None;
                }
            }
        }
        part(&mut framed);
        Some((framed, object.start..object.end))
    }

    fn noun(&self, hit: &Hit<DealWord>, is_armed: bool, frame: Frame, implies: DealStatus) -> Option<Framed> {
        let mut tokens = hit.start..hit.end;
        if !is_armed {
            let weapon = self.objects().filter(|object| object.start != hit.start).find(|object| {
                object.end <= hit.start && hit.start - object.end <= 2
                    || object.start >= hit.end && object.start - hit.end <= WEAPON_REACH
            })?;
            if !matches!(weapon.meaning, DealWord::Weapon(_)) {
                return None;
            }
            tokens = tokens.start.min(weapon.start)..tokens.end.max(weapon.end);
        }
        let marked = |role| self.marked(role, hit.end, hit.end + MARKED_REACH);
        let owner = self.owner(&Hit { start: tokens.start, ..*hit }, OWNER_REACH);
        let between =
            marked(Role::Between).or_else(|| self.marked(Role::Between, self.sentence.start, self.sentence.end));
        let with = marked(Role::With);
        let to = marked(Role::To).or_else(|| marked(Role::For));
        let to = to.or_else(|| self.marked_in_front(Role::To, tokens.start)).or_else(|| self.helped(hit));
        let from = self.source(hit.end).or_else(|| marked(Role::By));
        let (to, from) = match to {
            Some(_) if frame == Frame::Get && from.is_none() && self.buys_at() => (None, to),
            _ => (to, from),
        };
        let asked = self.asked_for(tokens.start).filter(|_| frame != Frame::Get);
        let (to, from) = match asked {
            Some(asked) => (to.or(Some(asked.by)), from.or(Some(asked.whom))),
            None => (to, from),
        };
        let is_seized = self.is_seized(&tokens);
        // "seized weapons from the militia": taken, not supplied.
        if to.is_none() && from.is_some() && self.is_used(&tokens) {
            return None;
        }
        let skip: Vec<usize> = to.iter().chain(&with).map(|party| party.start).collect();
        let acts = || self.accused(tokens.start, &skip).or_else(|| self.subject_of(&tokens, &skip));
        let subject = if is_seized { None } else { acts() };
        let mut framed = Framed {
            supplier: Vec::new(),
            recipient: Vec::new(),
            pair: Vec::new(),
            is_deal: is_armed && implies == DealStatus::Agreed,
            is_seized,
            tokens,
            anchor: Anchor::Noun { implies },
            confidence: if is_armed { 0.9 } else { 0.8 },
            rule: "noun",
        };
        if let Some(between) = between {
            framed.pair = pair(&between.ids);
        } else if frame == Frame::Get {
            from?;
            framed.recipient = ids(owner.or(to).or(subject));
            framed.supplier = ids(from);
        } else if to.is_some() || from.is_some() {
            framed.recipient = ids(to);
            framed.supplier = ids(from.or(owner).or(subject));
            if to.is_none() {
                framed.recipient = ids(owner.or(subject));
            }
        } else if let Some(with) = with {
            let other = owner.or(subject);
            framed.pair = pair(&[ids(other), with.ids.clone()].concat());
        } else {
            framed.supplier = ids(owner.or(subject));
            framed.confidence -= 0.25;
            if let Some(both) = owner.or(subject).filter(|party| party.ids.len() == 2) {
                framed.pair = both.ids.clone();
                framed.supplier.clear();
            }
        }
        part(&mut framed);
        Some(framed)
    }

    /// A weapon with a direction: "missiles to Russia", "arms from Iran".
    fn weapon(&self, hit: &Hit<DealWord>) -> Option<Framed> {
        if self.is_used(&(hit.start..hit.end)) {
            return None;
        }
        let marked = |role| self.marked(role, hit.end, hit.end + 4).filter(|party| self.touches(hit, party));
        let to = marked(Role::To).or_else(|| marked(Role::For));
        let from = marked(Role::From);
        let skip: Vec<usize> = to.iter().map(|party| party.start).collect();
        let owner = self.owner(hit, 2);
        let is_seized = self.is_seized(&(hit.start..hit.end));
        let subject = || self.subject(hit, &skip).filter(|_| !is_seized);
        let (supplier, recipient) = match (to, from, self.asked_for(hit.start)) {
            (Some(to), from, None) => (from.or(owner).or_else(subject), Some(to)),
            // "asked Berlin for missiles".
            (to, from, Some(asked)) => (from.or(Some(asked.whom)), to.or(Some(asked.by))),
            (None, Some(from), None) => (Some(from), Some(subject()?)),
            (None, None, None) => return None,
        };
        let mut framed = Framed {
            supplier: ids(supplier),
            recipient: ids(recipient),
            pair: Vec::new(),
            is_deal: false,
            is_seized,
            tokens: hit.start..hit.end,
            anchor: Anchor::Noun { implies: DealStatus::Delivered },
            confidence: 0.7,
            rule: "weapon",
        };
        part(&mut framed);
        Some(framed)
    }

    /// Whether weapons are fired or taken rather than handed over.
    fn is_used(&self, tokens: &Range<usize>) -> bool {
        self.hits.iter().any(|other| {
            other.meaning == DealWord::Plain(WordRole::Use)
                && other.end <= tokens.start
                && tokens.start - other.end <= 4
        })
    }

    /// Whether weapons are taken on their way: "seized rifles bound for Gaza", "Gazze'ye giden silahlara el koydu".
    fn is_seized(&self, tokens: &Range<usize>) -> bool {
        self.hits.iter().filter(|hit| hit.meaning == DealWord::Plain(WordRole::Seize)).any(|hit| {
            let is_in_front = hit.end <= tokens.start && tokens.start - hit.end <= SEIZED_REACH;
            let is_behind = hit.start >= tokens.end && self.puts_verb_last();
            is_in_front || is_behind
        })
    }

    /// Who asks whom to do what stands at `verb`: "Kyiv asked Berlin to send".
    fn asked_to(&self, verb: usize) -> Option<Asked<'_>> {
        self.asked(verb).filter(|asked| verb - asked.whom.end <= ASKED_TO_REACH)
    }

    /// Who asks whom for what stands at `thing`: "Kyiv asks Berlin for missiles", and nothing of what it is about.
    fn asked_for(&self, thing: usize) -> Option<Asked<'_>> {
        self.asked(thing).filter(|asked| {
            let is_open = |hit: &Hit<DealWord>| {
                matches!(
                    hit.meaning,
                    DealWord::Weapon(_)
                        | DealWord::MarkerBefore(Role::For | Role::Of)
                        | DealWord::Plain(WordRole::Join | WordRole::Article)
                )
            };
            let mut between = self.hits.iter().filter(|hit| hit.start >= asked.whom.end && hit.end <= thing);
            thing - asked.whom.end <= OBJECT_REACH
                && between.all(is_open)
                && (asked.whom.end..thing)
                    .all(|token| !self.passage.between(token - 1, token).contains([',', ';', ':']))
        })
    }

    fn asked(&self, before: usize) -> Option<Asked<'_>> {
        let ask = self.hits.iter().rfind(|hit| hit.meaning == DealWord::Plain(WordRole::Ask) && hit.end <= before)?;
        let whom = self.parties.iter().find(|party| party.start >= ask.end && party.end <= before)?;
        let by = self.parties.iter().rfind(|party| party.end <= ask.start && party.is_subject())?;
        (whom.start - ask.end <= ASKED_REACH && whom.ids != by.ids).then_some(Asked { by, whom })
    }

    /// Weapons, and nouns of dealing that name them.
    fn objects(&self) -> impl Iterator<Item = &Hit<DealWord>> {
        self.hits.iter().filter(|hit| match hit.meaning {
            DealWord::Weapon(_) => true,
            DealWord::Noun { is_armed, .. } => is_armed,
            _ => false,
        })
    }

    /// The party right behind a verb: "send Ukraine missiles", "arm Russia".
    fn direct(&self, verb: &Hit<DealWord>) -> Option<&Party> {
        if self.is_word(verb.end, WordRole::Pronoun) {
            // "helping Russia by supplying it with weapons": whoever was named last, where another one is there to act.
            let mut named =
                self.parties.iter().rev().filter(|party| party.end <= verb.start && party.role != Some(Role::Aside));
            let last = named.next();
            return last.filter(|last| named.any(|other| other.ids != last.ids));
        }
        let party = self.parties.iter().find(|party| party.start >= verb.end)?;
        let gap = verb.end..party.start;
        let is_open = gap.len() <= 1 && (gap.is_empty() || self.is_word(gap.start, WordRole::Article));
        let is_origin = party.kind == NamedKind::Adjective || party.is_owner;
        let leads_weapon = self.objects().any(|object| object.start >= party.end && object.start - party.end <= 1);
        let owns_weapon = party.kind == NamedKind::Adjective || party.is_owner;
        (is_open && party.role.is_none() && !(is_origin && leads_weapon && owns_weapon)).then_some(party)
    }

    /// The party in front of a weapon or noun that owns or makes it.
    fn owner(&self, object: &Hit<DealWord>, reach: usize) -> Option<&Party> {
        let party = self.parties.iter().rev().find(|party| party.end <= object.start)?;
        let gap = party.end..object.start;
        let is_near = gap.len() <= reach && gap.clone().all(|token| self.is_modifier(token));
        let is_bare = gap.is_empty() && party.role.is_none();
        let owns =
            party.is_owner || party.kind == NamedKind::Adjective || is_bare || gap.len() <= 2 && party.role.is_none();
        let is_taken = matches!(party.role, Some(Role::To | Role::Between)) && !party.is_owner;
        (is_near && owns && !party.is_helped && !is_taken).then_some(party)
    }

    /// Whether a token may stand between an owner and what it owns: no verb, no cue, no marker.
    fn is_modifier(&self, token: usize) -> bool {
        let hit = self.hits.iter().find(|hit| hit.start <= token && token < hit.end);
        let is_free = hit.is_none_or(|hit| {
            matches!(
                hit.meaning,
                DealWord::Weapon(_) | DealWord::Noun { .. } | DealWord::Plain(WordRole::Join | WordRole::Article)
            )
        });
        is_free && token > 0 && !self.passage.between(token - 1, token).contains([',', ':', ';'])
    }

    /// Who acts: the nearest party in front that no marker takes aside.
    fn subject(&self, hit: &Hit<DealWord>, skip: &[usize]) -> Option<&Party> {
        self.subject_of(&(hit.start..hit.end), skip)
    }

    fn subject_of(&self, tokens: &Range<usize>, skip: &[usize]) -> Option<&Party> {
        let fits = |party: &&Party| party.is_subject() && !skip.contains(&party.start);
        let in_front = self.parties.iter().rev().filter(|party| party.end <= tokens.start).find(fits);
        in_front.or_else(|| {
            let is_free_order = self.lang.is_some_and(|lang| !matches!(lang.as_str(), "en" | "fr" | "de"));
            is_free_order.then(|| self.parties.iter().find(fits)).flatten()
        })
    }

    /// Who acts in a verb: its subject; of a participle behind a preposition whoever is named last, in whatever part
    /// ("sanctions on Iran for supplying", "the prospect of China arming").
    fn controller(&self, verb: &Hit<DealWord>, form: Form, skip: &[usize]) -> Option<&Party> {
        let leads = |party: &&Party| party.end <= verb.start && !skip.contains(&party.start);
        let last = self.parties.iter().rev().find(leads);
        let is_next_to = last.is_some_and(|party| party.end == verb.start);
        let follows_marker = || {
            self.hits.iter().any(|hit| {
                hit.end == verb.start
                    && matches!(hit.meaning, DealWord::MarkerBefore(Role::For | Role::Of | Role::Aside))
            })
        };
        let is_controlled = form == Form::Going && (is_next_to || follows_marker());
        if is_controlled { last } else { self.subject(verb, skip) }
    }

    /// Who is warned or accused of what follows: "warnings to China over arms aid".
    fn accused(&self, before: usize, skip: &[usize]) -> Option<&Party> {
        let party = self.parties.iter().rev().find(|party| party.end <= before)?;
        let is_accused = self.hits.iter().any(|hit| {
            let accuses = matches!(hit.meaning, DealWord::Cue { says: Says::Warned | Says::Alleged, .. });
            accuses && hit.end <= party.start && party.start - hit.end <= 3
        });
        (is_accused && !skip.contains(&party.start) && !party.is_helped).then_some(party)
    }

    /// Whether a verb only leads another one: "pledged to provide".
    fn leads_verb(&self, verb: &Hit<DealWord>) -> bool {
        let next = self
            .hits
            .iter()
            .find(|hit| matches!(hit.meaning, DealWord::Verb { form: Form::Base, .. }) && hit.start > verb.start);
        next.is_some_and(|next| next.start > verb.end && next.start - verb.end <= 1)
    }

    /// Whether something in front of a word that may be a noun makes it a verb.
    fn is_led_in(&self, verb: &Hit<DealWord>) -> bool {
        let by_party = self
            .parties
            .iter()
            .any(|party| party.end == verb.start && party.kind != NamedKind::Adjective && !party.is_owner);
        let by_word = self.hits.iter().any(|hit| {
            hit.end == verb.start
                && matches!(
                    hit.meaning,
                    DealWord::Plain(WordRole::VerbLead | WordRole::Join | WordRole::Ally)
                        | DealWord::Cue { .. }
                        | DealWord::MarkerBefore(Role::To)
                )
        });
        by_party || by_word
    }

    /// For whom others act: "Kyiv's allies to deliver tanks".
    fn helped(&self, hit: &Hit<DealWord>) -> Option<&Party> {
        self.parties.iter().rev().find(|party| party.is_helped && party.end <= hit.start)
    }

    /// The party that a marker gives a part, from the nearest on.
    fn marked(&self, role: Role, from: usize, to: usize) -> Option<&Party> {
        self.parties.iter().find(|party| party.role == Some(role) && party.start >= from && party.start <= to)
    }

    /// Where weapons come from, behind a deal. "From Russia's attacks" names no source.
    fn source(&self, from: usize) -> Option<&Party> {
        let is_source = |party: &&Party| {
            !party.is_owner || self.passage.tokens.get(party.end).is_some_and(|_| self.leads_name(party))
        };
        self.marked(Role::From, from, from + MARKED_REACH).filter(is_source)
    }

    fn leads_name(&self, party: &Party) -> bool {
        let word = &self.passage.text.words[self.passage.tokens[party.end].word];
        word.exact.starts_with(char::is_uppercase)
    }

    fn marked_in_front(&self, role: Role, before: usize) -> Option<&Party> {
        let reach = before.saturating_sub(MARKED_REACH);
        self.puts_verb_last().then(|| self.marked(role, reach, before)).flatten()
    }

    /// Whether only a marker, articles and other weapons stand between a weapon and its party.
    fn touches(&self, hit: &Hit<DealWord>, party: &Party) -> bool {
        (hit.end..party.start).all(|token| {
            let hit = self.hits.iter().find(|hit| hit.start <= token && token < hit.end);
            match hit.map(|hit| hit.meaning) {
                Some(
                    DealWord::MarkerBefore(_)
                    | DealWord::Weapon(_)
                    | DealWord::Plain(WordRole::Join | WordRole::Article),
                ) => true,
                Some(_) => false,
                None => party.start - hit_end(hit, token) <= 3,
            }
        })
    }

    fn is_passive(&self, verb: &Hit<DealWord>) -> bool {
        let is_auxiliary = |token: usize| self.is_word(token, WordRole::Passive);
        let from = verb.start.saturating_sub(3).max(self.sentence.start);
        let by_follows = self.hits.iter().any(|hit| {
            hit.meaning == DealWord::MarkerBefore(Role::By) && hit.start >= verb.end && hit.start - verb.end <= 2
        });
        // "weapons supplied by Iran", "arms shipped to Libya": a participle right behind its object.
        let leads = self.objects().any(|object| object.end == verb.start);
        by_follows
            || leads
            || (from..verb.start).any(is_auxiliary)
            || self.hits_at(verb.end).any(|hit| hit.meaning == DealWord::Plain(WordRole::Passive))
    }

    fn is_word(&self, token: usize, role: WordRole) -> bool {
        self.hits_at(token).any(|hit| hit.meaning == DealWord::Plain(role))
    }

    fn hits_at(&self, token: usize) -> impl Iterator<Item = &Hit<DealWord>> {
        self.hits.iter().filter(move |hit| hit.start == token)
    }

    /// Languages that mark whom one buys from as they mark whom one gives to: `comprar a`, `acheter à`.
    fn buys_at(&self) -> bool {
        self.lang.is_some_and(|lang| matches!(lang.as_str(), "es" | "fr" | "it" | "pt" | "ca"))
    }

    /// Languages that put the object in front of its verb, or may.
    fn puts_verb_last(&self) -> bool {
        self.lang.is_none_or(|lang| matches!(lang.as_str(), "tr" | "ja" | "ko" | "de" | "fa" | "hi" | "zh"))
    }
}

fn hit_end(hit: Option<&Hit<DealWord>>, token: usize) -> usize {
    hit.map_or(token, |hit| hit.end)
}

fn ids(party: Option<&Party>) -> Vec<PartyId> {
    party.map(|party| party.ids.clone()).unwrap_or_default()
}

fn pair(ids: &[PartyId]) -> Vec<PartyId> {
    let mut pair = ids.to_vec();
    pair.dedup();
    pair
}

/// Nobody deals with themselves: who gets is surer than who gives, which may be a bare subject.
fn part(framed: &mut Framed) {
    let recipient = framed.recipient.clone();
    framed.supplier.retain(|id| !recipient.contains(id));
}

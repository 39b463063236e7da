//! Who gives and who gets, by the frame around a word that shows a deal.
//!
//! Three frames, the same for every language: a verb with a weapon as its object ("Iran sent Russia drones"), a noun of
//! dealing ("the sale of F-16s to Turkey"), and a weapon on its way ("Iranian drones for Russia").

use std::ops::Range;

use super::{
    lexicon::Hit,
    modality::Anchor,
    party::{NamedKind, Party},
    rule::{DealWord, Form, Frame, Role, WordRole},
    scene::{MARKED_REACH, Scene},
};
use crate::watch::found::{DealStatus, PartyId};

/// How far in front of a noun its owner may stand: "China's growing secret arms sales".
const OWNER_REACH: usize = 4;
/// How far from a noun that names no weapon the weapon may stand.
const WEAPON_REACH: usize = 9;

/// A side that is known only by what it makes.
const MAKER_COSTS: f32 = 0.1;
/// How far in front of a company the weapons may stand that it makes: "drone maker Baykar".
const MAKER_NEAR: usize = 2;
/// How far behind a weapon the party may stand that it is on its way to or from.
const ON_THE_WAY_REACH: usize = 8;

/// A deal as one frame shows it.
#[derive(Debug, Clone)]
pub(super) struct Framed {
    pub supplier: Vec<PartyId>,
    pub recipient: Vec<PartyId>,
    /// Both sides, where the text does not tell which one gives.
    pub pair: Vec<PartyId>,
    /// A noun that by itself is a deal between two ("arms deal"), so that its sides may be looked for elsewhere.
    pub is_deal: bool,
    /// A direction that who makes the weapons may tell better.
    pub is_guess: bool,
    /// Taken on its way: who acts in the sentence does not give, and nobody need be known to.
    pub is_seized: bool,
    /// The verb tells who gets.
    pub is_got: bool,
    /// Allies give whom nobody names: "urged Kyiv's allies to deliver".
    pub is_by_allies: bool,
    /// The word that shows it.
    pub tokens: Range<usize>,
    pub anchor: Anchor,
    /// How sure the frame is by itself.
    pub confidence: f32,
    /// For `explain`.
    pub rule: &'static str,
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
        if !self.hits.iter().any(shows_deal) && !self.follows_weapons {
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
        // "misiles Spike": what stands right behind the object is the same weapons.
        let is_taken = |hit: &Hit<DealWord>| {
            let ends = matches!(hit.meaning, DealWord::Weapon(_));
            taken.iter().any(|range| range.contains(&hit.start) || ends && range.end == hit.start)
        };
        for hit in self.hits.iter().filter(|hit| !is_taken(hit)) {
            match hit.meaning {
                DealWord::Noun { is_armed, frame, implies } => found.extend(self.noun(hit, is_armed, frame, implies)),
                DealWord::Weapon(_) => found.extend(self.weapon(hit)),
                DealWord::Programme(index) => found.extend(self.programme(hit, index)),
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
        let is_passive = form == Form::Done && self.is_passive(hit);
        // "أرسلت إيران": behind a verb that comes first stands who acts, and then who gets.
        let acting = self.direct(hit).filter(|party| self.puts_verb_first() && self.leads(hit, party));
        let direct = match acting {
            Some(acting) => self.next_bare(acting),
            None => self.direct(hit),
        };
        let object = if frame == Frame::Arm { hit } else { self.object(hit, form, is_passive)? };
        // "sent Congress several arms sales to review": papers, not weapons.
        let is_of_deal = matches!(object.meaning, DealWord::Noun { .. }) && object.start != hit.start;
        if frame == Frame::Give && is_of_deal && self.is_word(hit.end, WordRole::Institution) {
            return None;
        }
        let direct = direct.filter(|party| party.start != hit.end || object.start != hit.end);
        let stands_in = object.meaning == DealWord::Plain(WordRole::Pronoun);
        let direct = direct.filter(|_| !(stands_in && object.start == hit.end));
        let behind = |role| self.marked(role, hit.start, hit.start + MARKED_REACH);
        let anywhere = |role| self.marked(role, self.sentence.start, self.sentence.end);
        let from = self.source(hit.end).or_else(|| self.puts_verb_last().then(|| anywhere(Role::From)).flatten());
        let from = from.or_else(|| (frame == Frame::Get && self.buys_at()).then(|| behind(Role::To)).flatten());
        // "recibió cazas de Francia".
        let of = || behind(Role::Of).filter(|party| party.start >= object.end && self.touches(object, party));
        let from = from.or_else(|| (frame == Frame::Get && self.buys_at()).then(of).flatten());
        // Behind a verb that comes last, a subject acts in the next clause: "供与したと米国が".
        let by = match self.ends_with_verb() {
            true => self.parties.iter().rfind(|party| party.role == Some(Role::By) && party.end <= hit.start),
            false => behind(Role::By),
        };
        let origin = self.owner(object, 2).filter(|party| party.is_owner || party.kind == NamedKind::Adjective);
        // "US-supplied missiles" tells of missiles that are there, not of a deal.
        let is_attribute = form == Form::Done
            && self
                .parties
                .iter()
                .any(|party| party.end == hit.start && self.passage.between(hit.start - 1, hit.start) == "-");
        let relative = if frame == Frame::Arm && direct.is_none() { self.relative(hit) } else { None };
        let direct = direct.or(relative);
        if is_attribute && behind(Role::To).is_none() || self.leads_verb(hit) {
            return None;
        }
        let mut framed = Framed {
            supplier: Vec::new(),
            recipient: Vec::new(),
            pair: Vec::new(),
            is_deal: false,
            is_guess: false,
            is_seized: false,
            is_got: frame == Frame::Get,
            is_by_allies: false,
            tokens: hit.start..hit.end,
            anchor: Anchor::Verb { form, done },
            confidence: 0.85,
            rule: "verb",
        };
        match frame {
            Frame::Give | Frame::Arm => {
                let asked = self.asked_to(hit.start).filter(|_| !is_passive && form != Form::Done);
                let helped = self.helped(hit);
                let recipient = direct
                    .filter(|party| origin.is_none_or(|origin| origin.start != party.start))
                    .or_else(|| behind(Role::To))
                    .or_else(|| self.puts_verb_last().then(|| anywhere(Role::To)).flatten())
                    .or_else(|| behind(Role::For))
                    .or(helped)
                    .or_else(|| self.dative(hit, object))
                    // "Ukraine was given tanks by".
                    .or_else(|| (is_passive && object.start >= hit.end).then(|| self.subject(hit, &[])).flatten())
                    .or_else(|| self.user(object))
                    .or(asked.map(|asked| asked.by));
                if frame == Frame::Arm && direct.is_none() {
                    return None;
                }
                let skip: Vec<usize> = recipient.iter().map(|party| party.start).collect();
                let subject = match asked {
                    _ if is_passive => None,
                    _ if acting.is_some() => acting,
                    Some(asked) if !skip.contains(&asked.whom.start) => Some(asked.whom),
                    _ => self.controller(hit, form, &skip),
                };
                framed.is_seized = subject.is_some_and(|party| self.seizes(party));
                let subject = subject.filter(|_| !framed.is_seized);
                framed.is_by_allies = recipient.is_some_and(|party| party.is_helped);
                framed.recipient = ids(recipient);
                framed.supplier = ids(from.or(by).or(subject).or(origin));
                if from.is_some() && recipient.is_none() {
                    // "wants to supply weapons from North Korea": who brings them in gets them.
                    framed.recipient = ids(subject);
                } else if recipient.is_none() {
                    framed.recipient = ids(self.partner(hit, &framed.supplier));
                }
            }
            Frame::Make => {
                let subject = self.subject(hit, &[])?;
                // "is building two frigates for Kenya".
                if let Some(customer) = behind(Role::For).or_else(|| behind(Role::To))
                    && customer.ids != subject.ids
                {
                    (framed.supplier, framed.recipient) = (subject.ids.clone(), customer.ids.clone());
                    self.trade(&mut framed)?;
                    return Some((framed, object.start..object.end));
                }
                let licensor = from.or_else(|| self.marked(Role::With, hit.start, hit.start + MARKED_REACH));
                let licensor = licensor.filter(|party| party.ids != subject.ids);
                match licensor {
                    Some(other) => framed.pair = pair(&[other.ids.clone(), subject.ids.clone()].concat()),
                    None if subject.ids.len() == 2 => framed.pair = subject.ids.clone(),
                    None => return None,
                }
            }
            Frame::Get => {
                // "buy US arms": bare in front of its weapon, a name owns it; a giver's object would be who gets.
                let is_whole = |party: &&Party| party.role.is_none() || party.is_owner;
                let origin = origin.or_else(|| self.owner(object, usize::from(self.is_spaceless())).filter(is_whole));
                // "negotiated with Russia over buying": who is talked with sells.
                let partner = self.partner(hit, &[]);
                let skip: Vec<usize> = origin.iter().chain(&partner).map(|party| party.start).collect();
                let subject = if is_passive { by } else { self.controller(hit, form, &skip) };
                let subject = subject.filter(|party| !skip.contains(&party.start));
                framed.recipient =
                    ids(behind(Role::For).filter(|_| from.is_some()).or(subject).or_else(|| behind(Role::For)));
                framed.supplier = ids(from.or(origin));
                if framed.supplier.is_empty() {
                    framed.supplier = ids(self.partner(hit, &framed.recipient));
                }
                // "buys air defence for Ukraine": who pays gives.
                if framed.supplier.is_empty()
                    && let Some(helped) = behind(Role::For).filter(|party| party.ids != framed.recipient)
                    && !framed.recipient.is_empty()
                {
                    framed.supplier = std::mem::replace(&mut framed.recipient, helped.ids.clone());
                }
                // "India and France sign a deal to buy": who is named first gets, unless the weapons tell.
                if framed.supplier.is_empty()
                    && let [first, second] = &framed.recipient[..]
                {
                    framed.pair = vec![second.clone(), first.clone()];
                    framed.recipient.clear();
                    self.trade(&mut framed)?;
                    return Some((framed, object.start..object.end));
                }
                // "Poland buys Gripen jets": whoever makes them sells them.
                if framed.supplier.is_empty()
                    && let Some(maker) = self.maker(object).filter(|maker| !framed.recipient.contains(maker))
                    && !framed.recipient.is_empty()
                {
                    framed.supplier = vec![maker.clone()];
                    framed.confidence -= MAKER_COSTS;
                }
                // Who buys at home, or buys and nobody says where, deals with nobody.
                if framed.supplier.is_empty() {
                    return None;
                }
            }
        }
        self.trade(&mut framed)?;
        part(&mut framed);
        Some((framed, object.start..object.end))
    }

    fn noun(&self, hit: &Hit<DealWord>, is_armed: bool, frame: Frame, implies: DealStatus) -> Option<Framed> {
        let mut tokens = hit.start..hit.end;
        if !is_armed && !self.is_told(hit) {
            let beside = self.objects().filter(|object| object.start != hit.start).find(|object| {
                object.end <= hit.start && hit.start - object.end <= 2
                    || object.start >= hit.end
                        && object.start - hit.end <= WEAPON_REACH
                        && self.is_in_reach(hit.end, object.start)
            });
            let is_weapon = |weapon: &Hit<DealWord>| matches!(weapon.meaning, DealWord::Weapon(_));
            match beside {
                Some(weapon) if is_weapon(weapon) => {
                    tokens = tokens.start.min(weapon.start)..tokens.end.max(weapon.end);
                }
                None if self.is_makers_deal(hit) => {}
                _ => return None,
            }
        }
        let marked = |role| self.marked(role, hit.end, hit.end + MARKED_REACH);
        let owner = self.owner(&Hit { start: tokens.start, ..*hit }, OWNER_REACH);
        let owner = owner.or_else(|| self.owner_of_whole(tokens.start));
        let between =
            marked(Role::Between).or_else(|| self.marked(Role::Between, self.sentence.start, self.sentence.end));
        let with = marked(Role::With).or_else(|| self.marked_in_front(Role::With, tokens.start));
        // "négocie avec Riyad la vente".
        let with = with.or_else(|| self.partner(hit, &[]));
        let to = marked(Role::To).or_else(|| marked(Role::For));
        let to = to.or_else(|| self.marked_in_front(Role::To, tokens.start)).or_else(|| self.helped(hit));
        let is_seized = self.is_seized(&tokens);
        let from = self.source(hit.end).or_else(|| marked(Role::By).filter(|_| !is_seized));
        let from = from.or_else(|| self.punished(hit.start));
        let (to, from) = match to {
            Some(_) if frame == Frame::Get && from.is_none() && self.buys_at() => (None, to),
            _ => (to, from),
        };
        let asked = self.asked_for(tokens.start).filter(|_| frame != Frame::Get);
        let (to, from) = match asked {
            Some(asked) => (to.or(Some(asked.by)), from.or(Some(asked.whom))),
            None => (to, from),
        };
        // "seized weapons from the militia": taken, not supplied.
        if to.is_none() && from.is_some() && self.is_used(&tokens) {
            return None;
        }
        let skip: Vec<usize> = to.iter().chain(&with).map(|party| party.start).collect();
        let acts = || self.accused(tokens.start, &skip).or_else(|| self.subject_of(&tokens, &skip));
        let subject = if is_seized { None } else { acts() };
        // "Ukraine received a shipment": who acts gets.
        let (to, subject) = match subject {
            Some(gets) if to.is_none() && frame != Frame::Get && self.is_got(&tokens) => (Some(gets), None),
            _ => (to, subject),
        };
        let mut framed = Framed {
            supplier: Vec::new(),
            recipient: Vec::new(),
            pair: Vec::new(),
            is_deal: (is_armed || tokens.end == hit.end && tokens.start < hit.start) && implies == DealStatus::Agreed,
            is_guess: false,
            is_seized,
            is_got: false,
            is_by_allies: false,
            tokens,
            anchor: Anchor::Noun { implies },
            confidence: if is_armed { 0.9 } else { 0.8 },
            rule: "noun",
        };
        if let Some(between) = between {
            framed.pair = pair(&between.ids);
        } else if frame == Frame::Get {
            let weapon = self.objects().find(|object| {
                matches!(object.meaning, DealWord::Weapon(_))
                    && (object.start >= hit.end && object.start - hit.end <= WEAPON_REACH
                        || object.end <= hit.start && hit.start - object.end <= 2)
            });
            // "purchase of Israeli batteries".
            let origin = || {
                let owner = self.owner(weapon?, 2)?;
                (owner.kind == NamedKind::Adjective && owner.start >= hit.end).then_some(owner)
            };
            let from = from.or(with).or_else(origin);
            // "l'acquisition par l'Ukraine de Rafale".
            let owner = owner.or_else(|| marked(Role::By));
            framed.recipient = ids(owner.or(subject).filter(|_| from.is_some()).or(to).or(owner).or(subject));
            framed.supplier = ids(from.or_else(|| owner.or(subject).filter(|_| to.is_some())));
            // "Jakarta's order for 42 Rafales": whoever makes them sells them.
            if framed.supplier.is_empty()
                && let Some(maker) = weapon.and_then(|weapon| self.maker(weapon))
                && !framed.recipient.contains(maker)
            {
                framed.recipient = ids(owner.or(subject));
                framed.supplier = vec![maker.clone()];
                framed.confidence -= MAKER_COSTS;
            }
            if framed.supplier.is_empty() {
                return None;
            }
        } else if to.is_some() || from.is_some() {
            framed.is_by_allies = to.is_some_and(|party| party.is_helped);
            framed.recipient = ids(to);
            // "Israel reported the delivery of Iranian missiles to Syria": who tells of it does not give.
            let told_of = || self.origin_of(hit).filter(|_| subject.is_none_or(|subject| self.tells(subject)));
            framed.supplier = ids(from.or(owner).or_else(told_of).or(subject));
            if to.is_none() {
                framed.recipient = ids(owner.or(subject));
            }
            // "both North Korea and Iran broke a ban on arms exports from North Korea".
            if framed.recipient.len() > 1 && from.is_some() {
                framed.recipient.retain(|id| !framed.supplier.contains(id));
            }
        } else if let Some(with) = with {
            let other = owner.or(subject);
            if self.is_for_weapons(with) && other.is_some() {
                (framed.supplier, framed.recipient) = (with.ids.clone(), ids(other));
                framed.is_guess = true;
            } else if let Some(one) = other.filter(|one| one.ids.len() == 1 && with.ids.len() > 1) {
                // "Russia signed contracts with Turkey and China": one deals with each of them.
                let exports = |ids: &[PartyId]| ids.iter().all(|id| self.rules.exporters.contains(id));
                (framed.supplier, framed.recipient) = match exports(&with.ids) && !exports(&one.ids) {
                    true => (with.ids.clone(), one.ids.clone()),
                    false => (one.ids.clone(), with.ids.clone()),
                };
            } else {
                framed.pair = pair(&[ids(other), with.ids.clone()].concat());
            }
        } else {
            framed.supplier = ids(owner.or(subject));
            framed.confidence -= 0.25;
            if let Some(both) = owner.or(subject).filter(|party| party.ids.len() == 2) {
                framed.pair = both.ids.clone();
                framed.supplier.clear();
            }
        }
        self.trade(&mut framed)?;
        part(&mut framed);
        Some(framed)
    }

    /// Who owns the noun of dealing that what starts here is a part of: "the US package of military aid".
    fn owner_of_whole(&self, start: usize) -> Option<&Party> {
        let of = start.checked_sub(1)?;
        let is_of = |hit: &Hit<DealWord>| hit.start == of && hit.meaning == DealWord::MarkerBefore(Role::Of);
        let is_whole = |hit: &&Hit<DealWord>| hit.end == of && matches!(hit.meaning, DealWord::Noun { .. });
        let whole = self.hits.iter().find(is_whole).filter(|_| self.hits.iter().any(is_of))?;
        self.owner(whole, 2)
    }

    /// Whose weapons an adjective in front of them says they are: "deliveries of Iranian missiles".
    fn origin_of(&self, noun: &Hit<DealWord>) -> Option<&Party> {
        let weapon =
            self.objects().find(|object| object.start >= noun.end && object.start - noun.end <= WEAPON_REACH)?;
        self.owner(weapon, 2).filter(|party| party.kind == NamedKind::Adjective)
    }

    /// Whether a company in front of a noun of dealing is introduced by the weapons that it makes: "drone maker Baykar
    /// signs a contract".
    fn is_makers_deal(&self, noun: &Hit<DealWord>) -> bool {
        let is_introduced = |company: &Party| {
            // "Turkish" of "Turkish drone maker Baykar" is the company's too.
            self.objects().any(|object| object.end < company.end && company.end - object.end <= MAKER_NEAR + 1)
        };
        let is_company = |party: &&Party| party.kind == NamedKind::Company && party.end <= noun.start;
        let with = || self.marked(Role::With, noun.end, noun.end + MARKED_REACH).is_some();
        self.parties.iter().filter(is_company).any(is_introduced) && with()
    }

    /// An undertaking that tells by its name who supplies whom, beside the weapons that it is about.
    fn programme(&self, hit: &Hit<DealWord>, index: u32) -> Option<Framed> {
        let programme = &self.rules.programmes[index as usize];
        // One whose name tells only who gets: "对台军售".
        let is_open = programme.supplier.is_empty();
        let is_near = |object: &Hit<DealWord>| {
            object.start >= hit.end && object.start - hit.end <= WEAPON_REACH
                || object.end <= hit.start && hit.start - object.end <= WEAPON_REACH
        };
        let subject = self.subject(hit, &[]).filter(|party| party.ids != programme.recipient);
        let supplier = if is_open { ids(subject) } else { programme.supplier.clone() };
        (self.objects().any(is_near) && !supplier.is_empty()).then(|| Framed {
            supplier,
            recipient: programme.recipient.clone(),
            pair: Vec::new(),
            is_deal: false,
            is_guess: false,
            is_seized: false,
            is_got: false,
            is_by_allies: false,
            tokens: hit.start..hit.end,
            anchor: Anchor::Noun { implies: DealStatus::Agreed },
            confidence: 0.8,
            rule: "programme",
        })
    }

    /// Companies sell: one that stands where weapons go has been given the order for them. `None` where a country deals
    /// with a company of its own.
    fn trade(&self, framed: &mut Framed) -> Option<()> {
        let of = |id: &PartyId, is: bool| {
            self.parties.iter().any(|party| party.ids.contains(id) && party.companies.contains(id) == is)
        };
        let is_company = |ids: &[PartyId]| !ids.is_empty() && ids.iter().all(|id| of(id, true) && !of(id, false));
        if framed.pair.iter().any(|id| of(id, true)) {
            let (sells, gets): (Vec<PartyId>, Vec<PartyId>) = framed.pair.drain(..).partition(|id| of(id, true));
            if sells.is_empty() || gets.is_empty() {
                return None;
            }
            (framed.supplier, framed.recipient) = (sells, gets);
        } else if is_company(&framed.recipient) {
            // What a company buys is for itself.
            if framed.rule == "verb" || framed.supplier.is_empty() {
                return None;
            }
            std::mem::swap(&mut framed.supplier, &mut framed.recipient);
        }
        let is_own = framed.supplier.iter().any(|id| of(id, true) && framed.recipient.contains(id));
        (!is_own).then_some(())
    }

    /// A weapon with a direction: "missiles to Russia", "arms from Iran".
    fn weapon(&self, hit: &Hit<DealWord>) -> Option<Framed> {
        let is_seized = self.is_seized(&(hit.start..hit.end));
        if self.is_used(&(hit.start..hit.end)) && !is_seized || !self.is_real(hit) {
            return None;
        }
        let marked =
            |role| self.marked(role, hit.end, hit.end + ON_THE_WAY_REACH).filter(|party| self.touches(hit, party));
        let from = marked(Role::From);
        // "rifles on their way from Iran to the Houthis".
        let onward = || from.and_then(|from| self.marked(Role::To, from.end, from.end + 4));
        let to = marked(Role::To).or_else(|| marked(Role::For)).or_else(onward);
        let in_front = |role| self.marked_in_front(role, hit.start);
        let to = to.or_else(|| is_seized.then(|| in_front(Role::To)).flatten());
        // "seized a ship bound for Iran with arms from North Korea".
        let taker = self.parties.iter().find(|party| party.is_seizer && party.end <= hit.start);
        let bound = |role| taker.and_then(|taker| self.marked(role, taker.end, hit.start));
        let to = to.or_else(|| from.and_then(|_| bound(Role::To).or_else(|| bound(Role::For))));
        let is_asked_for = self.is_asked_for_behind(&(hit.start..hit.end));
        let from = from.or_else(|| is_asked_for.then(|| in_front(Role::From)).flatten());
        // "a US loan on batteries from the US": who gives does not get.
        let gives = |party: &&Party| from.is_some_and(|from| from.ids == party.ids);
        let givers = self.parties.iter().filter(gives).map(|party| party.start);
        let skip: Vec<usize> = to.iter().map(|party| party.start).chain(givers).collect();
        let owner = self.owner(hit, 2);
        let accused = || self.accused(hit.start, &skip);
        let subject = || accused().or_else(|| self.subject(hit, &skip)).filter(|_| !is_seized);
        let subject = || subject().filter(|party| !party.is_seizer);
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
            is_guess: false,
            is_seized,
            is_got: false,
            is_by_allies: false,
            tokens: hit.start..hit.end,
            anchor: Anchor::Noun { implies: DealStatus::Delivered },
            confidence: 0.7,
            rule: "weapon",
        };
        part(&mut framed);
        Some(framed)
    }
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

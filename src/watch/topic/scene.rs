//! One sentence of a deal, and what its frames ask of it: who owns, who acts, who is marked as what, who asks whom.

use std::ops::Range;

use super::{
    lexicon::Hit,
    party::{NamedKind, Party},
    passage::Passage,
    rule::{DealWord, Form, Frame, Role, Rules, Says, WordRole},
};
use crate::{article::Lang, watch::found::PartyId};

/// How far from its verb an object may stand, in words.
pub(super) const OBJECT_REACH: usize = 9;
/// How far from a word that points back its weapons, and its verb, may stand.
const RELATIVE_REACH: usize = 8;
/// How far in front of a passive verb with both sides its weapons may stand: "the jet that crashed was one of six given to".
const TOLD_WHOLE_REACH: usize = 20;
/// How far behind a deal the party may stand that a marker gives a part in it.
pub(super) const MARKED_REACH: usize = 16;
/// How far behind a verb the place may stand whose rulers it is about: "arm the government of Bosnia".
const RULERS_REACH: usize = 4;
/// How far behind a partner, and then behind "for", the weapons of their deal may stand.
const FOR_REACH: usize = 4;
/// How far in front of weapons the word may stand that tells of their seizure.
const SEIZED_REACH: usize = 6;

/// How far from the word for weapons their name may stand: "jets of the type Rafale".
const MAKER_REACH: usize = 5;
/// How far behind a verb a word may stand for the weapons told of before: "receives up to 30 of them".
const STAND_IN_REACH: usize = 5;
/// How far behind a verb of getting the noun may stand that is got: "received a first shipment".
const GOT_REACH: usize = 5;

/// How far behind a party the word may stand by which it says something.
const TELLS_REACH: usize = 2;

/// One sentence, ready for its frames.
pub(super) struct Scene<'a> {
    pub passage: &'a Passage<'a>,
    pub sentence: Range<usize>,
    /// Of this sentence alone.
    pub hits: &'a [Hit<DealWord>],
    pub parties: &'a [Party],
    pub lang: Option<Lang>,
    pub rules: &'a Rules,
    /// Whether the sentence in front, or the heading, names weapons.
    pub follows_weapons: bool,
    /// Whether one of the sentences in front tells of a deal.
    pub follows_deal: bool,
}

impl Scene<'_> {
    /// Whether weapons are fired or taken rather than handed over.
    pub fn is_used(&self, tokens: &Range<usize>) -> bool {
        self.hits.iter().any(|other| {
            other.meaning == DealWord::Plain(WordRole::Use)
                && other.end <= tokens.start
                && tokens.start - other.end <= 4
        })
    }

    /// Whether weapons are taken on their way: "seized rifles bound for Gaza", "Gazze'ye giden silahlara el koydu".
    pub fn is_seized(&self, tokens: &Range<usize>) -> bool {
        self.hits.iter().filter(|hit| hit.meaning == DealWord::Plain(WordRole::Seize)).any(|hit| {
            let is_in_front = hit.end <= tokens.start && tokens.start - hit.end <= SEIZED_REACH;
            // "a cargo of rifles was seized by".
            let is_passive = || hit.start > tokens.end && self.is_word(hit.start - 1, WordRole::Passive);
            // "rifles seized by".
            let is_reduced = || {
                let is_by = |other: &Hit<DealWord>| other.meaning == DealWord::MarkerBefore(Role::By);
                hit.start == tokens.end && self.hits_at(hit.end).any(is_by)
            };
            let is_behind = hit.start >= tokens.end && (self.puts_verb_last() || is_passive() || is_reduced());
            is_in_front || is_behind
        })
    }

    /// Whether a party is who takes weapons on their way, not who sends them: it stands in front of the word that
    /// tells of it.
    pub fn seizes(&self, party: &Party) -> bool {
        let seized = |hit: &Hit<DealWord>| hit.meaning == DealWord::Plain(WordRole::Seize);
        self.hits.iter().any(|hit| seized(hit) && party.end <= hit.start && hit.start - party.end <= SEIZED_REACH)
    }

    /// Weapons, and nouns of dealing that name them.
    pub fn objects(&self) -> impl Iterator<Item = &Hit<DealWord>> {
        self.hits.iter().filter(|hit| match hit.meaning {
            DealWord::Weapon(_) => self.is_real(hit),
            DealWord::Noun { is_armed, .. } => is_armed,
            _ => false,
        })
    }

    /// Whether nothing in front of a weapon makes a toy of it.
    pub fn is_real(&self, weapon: &Hit<DealWord>) -> bool {
        weapon.start == 0 || !self.is_word(weapon.start - 1, WordRole::Unreal)
    }

    /// The weapons that a verb is about, or what stands for them.
    pub fn object(&self, verb: &Hit<DealWord>, form: Form, is_passive: bool) -> Option<&Hit<DealWord>> {
        let behind = self.objects().find(|object| {
            object.start >= verb.end
                && object.start - verb.end <= OBJECT_REACH
                && self.is_in_reach(verb.end, object.start)
        });
        let reach = if is_passive && self.is_told_whole(verb) { TOLD_WHOLE_REACH } else { OBJECT_REACH };
        let near =
            || self.objects().filter(|object| object.end <= verb.start && verb.start - object.end <= reach).last();
        let in_front = near().or_else(|| self.pointed_back_to(verb));
        let object = match form {
            _ if is_passive || self.puts_verb_last() => in_front.or(behind),
            Form::Done => behind.or_else(|| self.stand_in(verb)).or(in_front),
            _ => behind.or_else(|| self.pointed_back_to(verb)),
        };
        object.or_else(|| self.stand_in(verb))
    }

    /// Whether nothing between a verb and weapons begins something new.
    pub fn is_in_reach(&self, from: usize, to: usize) -> bool {
        let is_clause = (from..to).any(|token| self.is_word(token, WordRole::Clause));
        let parts = |marks: &[char]| (from..to).any(|token| self.passage.between(token, token + 1).contains(marks));
        let has_party =
            || self.parties.iter().any(|party| party.start >= from && party.end <= to && party.role.is_none());
        // "delivered grain near a missile base": a place, not what was delivered.
        let is_place = || {
            let aside =
                |token: usize| self.hits_at(token).any(|hit| hit.meaning == DealWord::MarkerBefore(Role::Aside));
            let before = |back: usize| to.checked_sub(back).filter(|&token| token >= from);
            before(1).is_some_and(aside)
                || before(2).is_some_and(aside) && before(1).is_some_and(|token| self.is_word(token, WordRole::Article))
        };
        let is_parted = is_clause || parts(&[';', '；']) || parts(&[',', '，']) && has_party() || is_place();
        !is_parted
    }

    /// Whether who gives and who gets stand right behind a passive verb: "given to Belgrade by Moscow".
    fn is_told_whole(&self, verb: &Hit<DealWord>) -> bool {
        let by = self.marked(Role::By, verb.end, verb.end + OBJECT_REACH);
        by.is_some() && self.marked(Role::To, verb.end, verb.end + OBJECT_REACH).is_some()
    }

    /// Weapons that a relative clause is about: "jets for which it has paid and which they will not hand over".
    fn pointed_back_to(&self, verb: &Hit<DealWord>) -> Option<&Hit<DealWord>> {
        let from = verb.start.saturating_sub(RELATIVE_REACH).max(self.sentence.start);
        let lead = (from..verb.start).rev().find(|&token| self.is_word(token, WordRole::Relative))?;
        self.objects().filter(|object| object.end <= lead && lead - object.end <= 2 * RELATIVE_REACH).last()
    }

    /// What stands for weapons that were named before: "pledged to provide them".
    pub fn stand_in(&self, verb: &Hit<DealWord>) -> Option<&Hit<DealWord>> {
        let is_known = self.follows_weapons || self.objects().any(|object| object.end <= verb.start);
        let pronoun = self.hits.iter().find(|hit| {
            hit.meaning == DealWord::Plain(WordRole::Pronoun)
                && hit.start >= verb.end
                && hit.start - verb.end <= STAND_IN_REACH
        });
        pronoun.filter(|_| is_known)
    }

    /// Whether a noun names a deal that was told of before and is let pass: "to green-light the transfer".
    pub fn is_told(&self, noun: &Hit<DealWord>) -> bool {
        let approves = |hit: &Hit<DealWord>| {
            matches!(hit.meaning, DealWord::Cue { says: Says::Approved, .. })
                && hit.end <= noun.start
                && noun.start - hit.end <= 2
        };
        self.follows_deal
            && noun.start > self.sentence.start
            && self.is_word(noun.start - 1, WordRole::Article)
            && self.hits.iter().any(approves)
    }

    /// Whether a noun is what somebody gets: "received a shipment of", "waits for a delivery".
    pub fn is_got(&self, noun: &Range<usize>) -> bool {
        self.hits.iter().any(|hit| {
            matches!(hit.meaning, DealWord::Verb { frame: Frame::Get, .. })
                && hit.end <= noun.start
                && noun.start - hit.end <= GOT_REACH
                && !self.parties.iter().any(|party| hit.end <= party.start && party.end <= noun.start)
        })
    }

    /// The party right behind a verb: "send Ukraine missiles", "arm Russia".
    pub fn direct(&self, verb: &Hit<DealWord>) -> Option<&Party> {
        if self.is_word(verb.end, WordRole::Pronoun) {
            // "asked Washington to sell it missiles": who asks.
            if let Some(asked) = self.asked_to(verb.start) {
                return Some(asked.by);
            }
            // "helping Russia by supplying it with weapons": whoever was named last, where another one is there to act.
            let mut named =
                self.parties.iter().rev().filter(|party| party.end <= verb.start && party.role != Some(Role::Aside));
            let last = named.next();
            return last.filter(|last| named.any(|other| other.ids != last.ids));
        }
        let party = self.parties.iter().find(|party| party.start >= verb.end).filter(|_| !self.ends_with_verb())?;
        let gap = verb.end..party.start;
        // "arm the government of Bosnia".
        let is_of_rulers = gap.len() <= RULERS_REACH
            && gap
                .clone()
                .any(|token| self.is_word(token, WordRole::Government) || self.is_word(token, WordRole::Fighters))
            && gap.clone().all(|token| self.leads_to_rulers(token));
        let is_open = gap.len() <= 1 && (gap.is_empty() || self.is_word(gap.start, WordRole::Article)) || is_of_rulers;
        let is_unmarked = party.role.is_none() || is_of_rulers && party.role == Some(Role::Of);
        let is_origin = party.kind == NamedKind::Adjective || party.is_owner;
        let leads_weapon = self.objects().any(|object| object.start >= party.end && object.start - party.end <= 1);
        // "gave Ukraine's defence no rest": what a party owns gets nothing unless it bears arms.
        let is_of_arms = || {
            (party.end..party.end + 2)
                .any(|token| self.is_word(token, WordRole::Fighters) || self.is_word(token, WordRole::Ally))
        };
        let is_thing = party.is_owner && !leads_weapon && !is_of_arms();
        (is_open && is_unmarked && !(is_origin && leads_weapon) && !is_thing).then_some(party)
    }

    fn leads_to_rulers(&self, token: usize) -> bool {
        self.hits_at(token).any(|hit| {
            matches!(
                hit.meaning,
                DealWord::MarkerBefore(Role::Of)
                    | DealWord::Plain(WordRole::Government | WordRole::Fighters | WordRole::Article)
            )
        })
    }

    /// Who uses the weapons right in front: "the shells Russia fires".
    pub fn user(&self, object: &Hit<DealWord>) -> Option<&Party> {
        self.parties.iter().find(|party| party.start == object.end && self.is_word(party.end, WordRole::Use))
    }

    /// The party whose weapons they are, in languages that put the adjective behind: "misiles rusos".
    fn owner_behind(&self, object: &Hit<DealWord>) -> Option<&Party> {
        let follows = self.lang.is_some_and(|lang| matches!(lang.as_str(), "ar" | "es" | "fr" | "fa" | "it" | "pt"));
        let is_adjective = |party: &&Party| {
            party.kind == NamedKind::Adjective && party.start >= object.end && party.start - object.end <= 1
        };
        self.parties.iter().find(is_adjective).filter(|_| follows)
    }

    /// The party in front of a weapon or noun that owns or makes it.
    pub fn owner(&self, object: &Hit<DealWord>, reach: usize) -> Option<&Party> {
        if let Some(behind) = self.owner_behind(object) {
            return Some(behind);
        }
        let party = self.parties.iter().rev().find(|party| party.end <= object.start)?;
        let gap = party.end..object.start;
        let reach = reach * if self.is_spaceless() { 3 } else { 1 };
        let is_near = gap.len() <= reach && gap.clone().all(|token| self.is_modifier(token));
        // "France, whose contract to build".
        if gap.len() <= reach
            && gap.clone().any(|token| self.is_word(token, WordRole::Whose))
            && party.role != Some(Role::Aside)
        {
            return Some(party);
        }
        // "details of the new US package".
        let is_bare = gap.is_empty() && matches!(party.role, None | Some(Role::Of));
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

    /// Whose weapons those of an object are, where one state alone makes them: "buys Gripen jets".
    pub fn maker(&self, object: &Hit<DealWord>) -> Option<&PartyId> {
        let near = |hit: &&Hit<DealWord>| hit.start.abs_diff(object.start) <= MAKER_REACH;
        self.hits.iter().filter(near).find_map(|hit| match hit.meaning {
            DealWord::Weapon(item) => match &self.rules.items[item as usize].maker[..] {
                [maker] => Some(maker),
                _ => None,
            },
            _ => None,
        })
    }

    /// Whether a verb only leads another one: "pledged to provide".
    pub fn leads_verb(&self, verb: &Hit<DealWord>) -> bool {
        // "buy arms": what is a weapon as well is one here.
        let is_weapon = |hit: &Hit<DealWord>| self.objects().any(|object| object.start == hit.start);
        let is_base = |hit: &Hit<DealWord>| matches!(hit.meaning, DealWord::Verb { form: Form::Base, .. });
        let next = self.hits.iter().find(|hit| hit.start > verb.start && is_base(hit) && !is_weapon(hit));
        next.is_some_and(|next| next.start > verb.end && next.start - verb.end <= 1) || self.leads_other(verb)
    }

    /// Whether a verb leads one that has nothing to do with a deal: "offering to show".
    fn leads_other(&self, verb: &Hit<DealWord>) -> bool {
        let is_to = self.hits_at(verb.end).any(|hit| hit.meaning == DealWord::MarkerBefore(Role::To));
        let next = verb.end + 1;
        let is_plain_word = || {
            let word = &self.passage.text.words[self.passage.tokens[next].word];
            word.exact.chars().all(char::is_lowercase)
        };
        is_to
            && next < self.sentence.end
            && self.hits_at(next).all(|hit| hit.meaning == DealWord::Plain(WordRole::Use))
            && !self.parties.iter().any(|party| party.start >= next && party.start <= next + 1)
            && is_plain_word()
    }

    /// Whether something in front of a word that may be a noun makes it a verb.
    pub fn is_led_in(&self, verb: &Hit<DealWord>) -> bool {
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

    /// Whether weapons are what a deal with a party is for: "a contract with Turkey for 48 jets".
    pub fn is_for_weapons(&self, with: &Party) -> bool {
        let is_for = |hit: &&Hit<DealWord>| hit.meaning == DealWord::MarkerBefore(Role::For) && hit.start >= with.end;
        let Some(marker) = self.hits.iter().find(is_for) else { return false };
        let is_near = |object: &Hit<DealWord>| object.start >= marker.end && object.start - marker.end <= FOR_REACH;
        marker.start - with.end <= FOR_REACH && self.objects().any(is_near)
    }

    /// The party that a marker gives a part, from the nearest on.
    pub fn marked(&self, role: Role, from: usize, to: usize) -> Option<&Party> {
        self.parties.iter().find(|party| party.role == Some(role) && party.start >= from && party.start <= to)
    }

    /// Where weapons come from, behind a deal. "From Russia's attacks" names no source.
    pub fn source(&self, from: usize) -> Option<&Party> {
        let is_source = |party: &&Party| {
            !party.is_owner || self.passage.tokens.get(party.end).is_some_and(|_| self.leads_name(party))
        };
        self.marked(Role::From, from, from + MARKED_REACH).filter(is_source)
    }

    /// Whether a party says something right behind its name.
    pub fn tells(&self, party: &Party) -> bool {
        (party.end..party.end + TELLS_REACH).any(|token| self.is_word(token, WordRole::Say))
    }

    fn leads_name(&self, party: &Party) -> bool {
        let word = &self.passage.text.words[self.passage.tokens[party.end].word];
        word.exact.starts_with(char::is_uppercase)
    }

    pub fn marked_in_front(&self, role: Role, before: usize) -> Option<&Party> {
        let reach = before.saturating_sub(MARKED_REACH);
        self.puts_verb_last().then(|| self.marked(role, reach, before)).flatten()
    }

    /// Whether only a marker, articles and other weapons stand between a weapon and its party.
    pub fn touches(&self, hit: &Hit<DealWord>, party: &Party) -> bool {
        (hit.end..party.start).all(|token| {
            let hit = self.hits.iter().find(|hit| hit.start <= token && token < hit.end);
            match hit.map(|hit| hit.meaning) {
                Some(
                    DealWord::MarkerBefore(_)
                    | DealWord::Weapon(_)
                    | DealWord::Plain(
                        WordRole::Join
                        | WordRole::Article
                        | WordRole::Passive
                        | WordRole::VerbLead
                        | WordRole::Relative,
                    ),
                ) => true,
                Some(_) => false,
                None => party.start - hit_end(hit, token) <= 3,
            }
        })
    }

    pub fn is_passive(&self, verb: &Hit<DealWord>) -> bool {
        let is_auxiliary = |token: usize| self.is_word(token, WordRole::Passive);
        let from = verb.start.saturating_sub(3).max(self.sentence.start);
        let by_follows = self.hits.iter().any(|hit| {
            hit.meaning == DealWord::MarkerBefore(Role::By) && hit.start >= verb.end && hit.start - verb.end <= 2
        });
        // "weapons supplied by Iran", "arms shipped to Libya": a participle right behind its object.
        let leads = !self.puts_verb_last() && self.objects().any(|object| object.end == verb.start);
        by_follows
            || leads
            || (from..verb.start).any(is_auxiliary)
            || self.hits_at(verb.end).any(|hit| hit.meaning == DealWord::Plain(WordRole::Passive))
    }

    pub fn is_word(&self, token: usize, role: WordRole) -> bool {
        self.hits_at(token).any(|hit| hit.meaning == DealWord::Plain(role))
    }

    fn hits_at(&self, token: usize) -> impl Iterator<Item = &Hit<DealWord>> {
        let from = self.hits.partition_point(|hit| hit.start < token);
        self.hits[from..].iter().take_while(move |hit| hit.start == token)
    }

    /// Whom a relative clause arms: "Hezbollah, which Iran arms".
    pub fn relative(&self, verb: &Hit<DealWord>) -> Option<&Party> {
        let subject = self.parties.iter().position(|party| party.end == verb.start)?;
        let head = self.parties[..subject].last()?;
        let lead = self.parties[subject].start.checked_sub(1)?;
        (self.is_word(lead, WordRole::VerbLead) && lead >= head.end && lead - head.end <= 1).then_some(head)
    }

    /// Whether nobody is named in front of a verb and the party behind it.
    pub fn leads(&self, verb: &Hit<DealWord>, party: &Party) -> bool {
        !self.parties.iter().any(|other| other.end <= verb.start && other.start != party.start)
    }

    /// The party right behind another one, without a marker.
    pub fn next_bare(&self, party: &Party) -> Option<&Party> {
        self.parties.iter().find(|next| next.start == party.end && next.role.is_none())
    }

    /// Languages whose tokens are characters, so that more of them stand between.
    pub fn is_spaceless(&self) -> bool {
        self.lang.is_some_and(|lang| matches!(lang.as_str(), "zh" | "ja"))
    }

    /// Languages whose clauses end with the verb, so that what stands behind it belongs to the next.
    pub fn ends_with_verb(&self) -> bool {
        self.lang.is_some_and(|lang| matches!(lang.as_str(), "tr" | "ja" | "ko"))
    }

    /// Languages that put the verb in front of who acts, or may.
    pub fn puts_verb_first(&self) -> bool {
        self.lang.is_some_and(|lang| lang.as_str() == "ar")
    }

    /// Languages that mark whom one buys from as they mark whom one gives to: `comprar a`, `acheter à`.
    pub fn buys_at(&self) -> bool {
        self.lang.is_some_and(|lang| matches!(lang.as_str(), "es" | "fr" | "it" | "pt" | "ca" | "uk"))
    }

    /// Languages that put the object in front of its verb, or may.
    pub fn puts_verb_last(&self) -> bool {
        self.lang.is_none_or(|lang| matches!(lang.as_str(), "tr" | "ja" | "ko" | "de" | "fa" | "hi" | "zh"))
    }
}

fn hit_end(hit: Option<&Hit<DealWord>>, token: usize) -> usize {
    hit.map_or(token, |hit| hit.end)
}

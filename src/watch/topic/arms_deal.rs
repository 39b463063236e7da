//! Arms deals: who supplies whom with what, where it stands, and who says so.
//!
//! Each sentence is read by its frames; what one leaves open is filled from the sentence around it, the one before and
//! the heading. Then the mentions of one deal over the whole article become one.

use std::cmp::Reverse;

use super::{
    frame::Framed,
    lexicon::Hit,
    modality::{self, Anchor, Claim},
    party::{self, Named, Party},
    passage::Passage,
    rule::{DealWord, Frame, Item, Role, Rules},
    scene::Scene,
    speaker::Speakers,
};
use crate::{
    article::{
        Lang,
        text::{Field, TextSpan},
    },
    watch::{
        found::{ArmsDeal, DealItem, DealStatus, NearMiss, PartyId},
        language::checked::DEAL_TOPIC,
    },
};

/// A deal needs both its sides; one that had to be looked for outside its sentence is this much less sure.
const FILLED_COSTS: f32 = 0.15;
/// So many things that were nearly deals are worth telling.
const NEAR_MAX: usize = 3;
const NOBODY_GIVES: &str = "nobody is named who gives the weapons";
const NOBODY_GETS: &str = "nobody is named who gets the weapons";
const NOBODY_ELSE: &str = "nobody else is named, so that nothing crosses a border";
/// A side that is known only as one of a pair.
const PAIR_COSTS: f32 = 0.1;

/// What everyday words alone show, with no plain weapon in the article.
const EVERYDAY_COSTS: f32 = 0.1;
/// How many sentences back a deal may stand that a sentence goes on about.
const GOES_ON: usize = 2;

/// One sentence that shows a deal.
#[derive(Debug, Clone)]
struct Mention {
    field: Field,
    sentence: usize,
    supplier: Vec<PartyId>,
    recipient: Vec<PartyId>,
    pair: Vec<PartyId>,
    items: Vec<DealItem>,
    claim: Claim,
    attributed_to: Vec<PartyId>,
    denied_by: Vec<PartyId>,
    evidence: TextSpan,
    span: TextSpan,
    confidence: f32,
    rule: &'static str,
}

/// The deals of an article, the most certain first, each with the name of the rule that showed it.
pub(super) fn find(
    passages: &[Passage<'_>],
    named: &[Named],
    lang: Option<Lang>,
    rules: &Rules,
) -> (Vec<(ArmsDeal, &'static str)>, Vec<NearMiss>) {
    let hits: Vec<Vec<Hit<DealWord>>> =
        passages.iter().map(|passage| rules.deals.find(&passage.tokens, lang)).collect();
    // An everyday word, or a name with another meaning, counts once something else is plainly a weapon.
    let is_weapon = |passage: &Passage<'_>, hit: &Hit<DealWord>| match hit.meaning {
        DealWord::Weapon(item) => {
            let item = &rules.items[item as usize];
            !item.needs_context || is_designated(passage, hit, item)
        }
        DealWord::Noun { is_armed, .. } => is_armed,
        _ => false,
    };
    let has_weapon = passages.iter().zip(&hits).any(|(passage, hits)| hits.iter().any(|hit| is_weapon(passage, hit)));
    let has_arm = hits.iter().flatten().any(|hit| matches!(hit.meaning, DealWord::Verb { frame: Frame::Arm, .. }));
    // "Iran has been smuggling rockets to Hezbollah": everyday words do where who gives whom is told in full.
    let is_plain = has_weapon || has_arm;
    let has_everyday = || {
        hits.iter().flatten().any(|hit| match hit.meaning {
            DealWord::Weapon(item) => rules.items[item as usize].item.category != "aircraft",
            _ => false,
        })
    };
    if named.is_empty() || !(is_plain || has_everyday()) {
        return Default::default();
    }
    let mut named = [named, &party::makers(passages, rules)].concat();
    named.sort_by_key(|named| (named.field, named.words.start, Reverse(named.words.end)));
    let reader = Reader { passages, hits: &hits, named: &named, lang, rules, is_plain };
    let (mentions, near) = reader.mentions();
    (merge(mentions), near)
}

/// "K2 tanks": a designation tells that no other kind of tank is meant. Airliners have designations too.
fn is_designated(passage: &Passage<'_>, hit: &Hit<DealWord>, item: &Item) -> bool {
    let designates = |text: &str| text.starts_with(char::is_alphabetic) && text.contains(|c: char| c.is_ascii_digit());
    item.item.category != "aircraft" && hit.start > 0 && designates(passage.tokens[hit.start - 1].text)
}

fn miss(rule: &str, lacks: &str, evidence: TextSpan) -> NearMiss {
    NearMiss { topic: DEAL_TOPIC.to_owned(), rule: rule.to_owned(), lacks: lacks.to_owned(), evidence }
}

struct Reader<'a> {
    passages: &'a [Passage<'a>],
    hits: &'a [Vec<Hit<DealWord>>],
    named: &'a [Named],
    lang: Option<Lang>,
    rules: &'a Rules,
    /// Whether anything in the article is plainly a weapon.
    is_plain: bool,
}

/// What stands around a sentence.
struct Around<'a> {
    /// The parties of the sentence.
    here: &'a [Party],
    /// Those of the one in front.
    before: &'a [Party],
    /// Those of the heading.
    title: &'a [Party],
    /// Those of the first sentence of the text, where the heading is being read.
    lead: &'a [Party],
}

impl Reader<'_> {
    /// What each sentence shows, and what nearly showed a deal.
    fn mentions(&self) -> (Vec<Mention>, Vec<NearMiss>) {
        let mut near: Vec<NearMiss> = Vec::new();
        let mut mentions: Vec<Mention> = Vec::new();
        let mut speakers = Speakers::default();
        let mut title: Vec<Party> = Vec::new();
        let mut title_items: Vec<DealItem> = Vec::new();
        let lead = self.lead();
        for (passage, hits) in self.passages.iter().zip(self.hits) {
            let is_title = passage.field == Field::Title;
            let mut before: Vec<Party> = Vec::new();
            let mut items_before = title_items.clone();
            let named = party::in_passage(passage, self.named, self.rules);
            for (index, sentence) in passage.sentences.iter().enumerate() {
                let from = hits.partition_point(|hit| hit.start < sentence.start);
                let to = hits.partition_point(|hit| hit.start < sentence.end);
                let hits = &hits[from..to];
                let parties = party::in_sentence(passage, sentence, hits, &named, &before, self.lang, self.rules);
                speakers.hear(passage, sentence, hits, &parties, &before);
                let goes_on = |known: &Mention| {
                    known.field == passage.field && known.sentence < index && index - known.sentence <= GOES_ON
                        || known.field == Field::Title && !is_title && index == 0
                };
                let scene = Scene {
                    passage,
                    sentence: sentence.clone(),
                    hits,
                    parties: &parties,
                    lang: self.lang,
                    rules: self.rules,
                    follows_weapons: !items_before.is_empty(),
                    follows_deal: mentions.iter().any(goes_on),
                };
                let around =
                    Around { here: &parties, before: &before, title: &title, lead: if is_title { &lead } else { &[] } };
                let known = mentions.len();
                for framed in scene.read() {
                    let is_whole = !framed.supplier.is_empty() && !framed.recipient.is_empty();
                    if !self.is_plain && !(framed.rule == "verb" && is_whole && self.is_of_war(hits)) {
                        continue;
                    }
                    let told = mentions[..known].iter().rfind(|known| goes_on(known));
                    let (is_open, rule) = (framed.supplier.is_empty(), framed.rule);
                    let is_telling = rule == "verb" || framed.is_deal;
                    let Some(framed) = fill(framed, &around, told, &mentions) else {
                        let lacks = if is_open { NOBODY_GIVES } else { NOBODY_GETS };
                        if is_telling && near.len() < NEAR_MAX {
                            near.push(miss(rule, lacks, passage.sentence_span(index)));
                        }
                        continue;
                    };
                    if framed.supplier.is_empty() && self.is_at_home(&framed) {
                        if near.len() < NEAR_MAX {
                            near.push(miss(rule, NOBODY_ELSE, passage.sentence_span(index)));
                        }
                        continue;
                    }
                    mentions.push(self.mention(framed, &scene, index, &items_before, &speakers));
                }
                let was_shown = |known: &Mention| known.field == passage.field && known.sentence + 1 == index;
                if mentions.len() == known && mentions.last().is_some_and(was_shown) {
                    let said = speakers.of(passage, sentence, hits, &parties, None);
                    deny(&mut mentions, &said.denied_by);
                }
                let items = self.items(hits);
                if !items.is_empty() || index > 0 {
                    items_before = items;
                }
                if is_title {
                    title_items.extend(items_before.iter().cloned());
                }
                if !parties.is_empty() {
                    before = parties;
                }
            }
            if is_title {
                title = before;
            }
        }
        (mentions, near)
    }

    /// Whether nobody is named in the article but the one who gets, so that nothing tells of a deal with another.
    fn is_at_home(&self, framed: &Framed) -> bool {
        let is_group = |id: &PartyId| id.0.starts_with(|c: char| c.is_ascii_lowercase());
        !framed.recipient.iter().any(is_group)
            && self
                .named
                .iter()
                .all(|named| framed.recipient.contains(&named.id) || self.rules.never.contains(&named.id.0.to_string()))
    }

    /// The parties of the text's first sentence.
    fn lead(&self) -> Vec<Party> {
        let Some(at) = self.passages.iter().position(|passage| passage.field != Field::Title) else {
            return Vec::new();
        };
        let (passage, hits) = (&self.passages[at], &self.hits[at]);
        let Some(sentence) = passage.sentences.first() else { return Vec::new() };
        let hits = &hits[..hits.partition_point(|hit| hit.start < sentence.end)];
        let named = party::in_passage(passage, self.named, self.rules);
        party::in_sentence(passage, sentence, hits, &named, &[], self.lang, self.rules)
    }

    /// Of two who deal, the one that makes the weapons supplies, or else the great exporter.
    fn direct(&self, framed: &mut Framed, scene: &Scene<'_>) {
        if framed.is_guess {
            framed.pair = [std::mem::take(&mut framed.supplier), std::mem::take(&mut framed.recipient)].concat();
        }
        let [one, other] = &framed.pair[..] else { return };
        let makes = |id: &PartyId| {
            scene.hits.iter().any(|hit| match hit.meaning {
                DealWord::Weapon(item) => self.rules.items[item as usize].maker.contains(id),
                _ => false,
            })
        };
        let exports = |id: &PartyId| self.rules.exporters.contains(id);
        let is_second = match (makes(one), makes(other), exports(one), exports(other)) {
            (true, false, ..) => false,
            (false, true, ..) => true,
            (_, _, true, _) => false,
            (_, _, _, true) => true,
            _ if framed.is_guess => false,
            _ => return,
        };
        framed.supplier = framed.pair.drain(usize::from(is_second)..=usize::from(is_second)).collect();
        framed.recipient = std::mem::take(&mut framed.pair);
    }

    fn mention(
        &self,
        mut framed: Framed,
        scene: &Scene<'_>,
        sentence: usize,
        items_before: &[DealItem],
        speakers: &Speakers,
    ) -> Mention {
        self.direct(&mut framed, scene);
        let is_verb = matches!(framed.anchor, Anchor::Verb { .. });
        let is_party = |token: usize| scene.parties.iter().any(|party| party.start <= token && token < party.end);
        let passage = scene.passage;
        let (claim, cue) = modality::claim(
            passage,
            &scene.sentence,
            scene.hits,
            &framed.tokens,
            framed.anchor,
            scene.puts_verb_last(),
            is_party,
        );
        let sides: Vec<&PartyId> = framed.supplier.iter().chain(&framed.recipient).chain(&framed.pair).collect();
        let said = speakers.of(passage, &scene.sentence, scene.hits, scene.parties, cue.as_ref());
        let mut attributed_to = said.by;
        // Who is a side of the deal and speaks of it accuses nobody, unless the other side is accused.
        attributed_to.retain(|id| !sides.contains(&id));
        // What others say was done is no more than what they say.
        let is_told = is_verb && !attributed_to.is_empty() && claim.status == DealStatus::Delivered;
        let claim = if is_told { Claim::said(DealStatus::Alleged) } else { claim };
        let mut items = self.items(scene.hits);
        if items.is_empty() {
            // "arms deal": the lexicon hides the "arms" in it, yet weapons are what it is about.
            let of_weapons = DealItem { name: "weapons".to_owned(), category: "weapon".to_owned() };
            let is_armed = scene.hits.iter().any(|hit| matches!(hit.meaning, DealWord::Noun { is_armed: true, .. }));
            items = if is_armed || items_before.is_empty() { vec![of_weapons] } else { items_before.to_vec() };
        }
        Mention {
            field: passage.field,
            sentence,
            items,
            claim,
            attributed_to,
            denied_by: said.denied_by,
            evidence: passage.sentence_span(sentence),
            span: passage.span(framed.tokens.clone()),
            confidence: framed.confidence
                - if self.is_plain { 0.0 } else { EVERYDAY_COSTS }
                - if framed.pair.is_empty() { 0.0 } else { PAIR_COSTS },
            supplier: framed.supplier,
            recipient: framed.recipient,
            pair: framed.pair,
            rule: framed.rule,
        }
    }

    /// Whether an everyday word of a sentence may be a weapon of war. Airliners are sold every day.
    fn is_of_war(&self, hits: &[Hit<DealWord>]) -> bool {
        self.items(hits).iter().any(|item| item.category != "aircraft")
    }

    /// The weapons that a sentence names.
    fn items(&self, hits: &[Hit<DealWord>]) -> Vec<DealItem> {
        let mut items: Vec<DealItem> = Vec::new();
        for hit in hits {
            if let DealWord::Weapon(item) = hit.meaning {
                let item = &self.rules.items[item as usize].item;
                if !items.contains(item) {
                    items.push(item.clone());
                }
            }
        }
        items
    }
}

/// Looks for a missing side around the frame; `None` where the deal stays without one. `told` is the deal that a
/// sentence shortly in front tells of, `mentions` are all so far.
fn fill(mut framed: Framed, around: &Around<'_>, told: Option<&Mention>, mentions: &[Mention]) -> Option<Framed> {
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
        let gives = |party: &Party| party.is_subject();
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

/// "Abu Dhabi denied the claim", behind the sentence that made it: a side of the deal denies it.
fn deny(mentions: &mut [Mention], by: &[PartyId]) {
    let Some(last) = mentions.last_mut() else { return };
    let is_side = |id: &&PartyId| last.supplier.contains(id) || last.recipient.contains(id) || last.pair.contains(id);
    let deniers: Vec<PartyId> = by.iter().filter(is_side).cloned().collect();
    last.denied_by.extend(deniers);
}

/// The mentions of one deal become one: those with the same sides, and those of a pair whose direction another tells.
fn merge(mentions: Vec<Mention>) -> Vec<(ArmsDeal, &'static str)> {
    let (directed, paired): (Vec<Mention>, Vec<Mention>) =
        mentions.into_iter().partition(|mention| mention.pair.is_empty());
    let (whole, partial): (Vec<Mention>, Vec<Mention>) =
        directed.into_iter().partition(|mention| !mention.supplier.is_empty() && !mention.recipient.is_empty());
    let mut deals: Vec<Vec<Mention>> = Vec::new();
    for mention in whole {
        let fits = |deal: &[Mention]| {
            shares(&deal[0].supplier, &mention.supplier) && shares(&deal[0].recipient, &mention.recipient)
        };
        put(&mut deals, fits, mention.clone());
    }
    for mut mention in paired {
        let is_side = |deal: &[Mention], id| deal[0].supplier.contains(id) || deal[0].recipient.contains(id);
        let pair = std::mem::take(&mut mention.pair);
        let fits = |deal: &[Mention]| pair.iter().filter(|id| is_side(deal, id)).count() >= 2;
        if !deals.iter().any(|deal| fits(deal)) {
            // Nobody tells the direction: as written, the giver comes first.
            mention.supplier = pair[..pair.len() - 1].to_vec();
            mention.recipient = pair[pair.len() - 1..].to_vec();
        }
        put(&mut deals, fits, mention);
    }
    for mention in partial {
        let same = |known: &[PartyId], side: &[PartyId]| side.is_empty() || shares(known, side);
        let fits = |deal: &[Mention]| {
            same(&deal[0].supplier, &mention.supplier) && same(&deal[0].recipient, &mention.recipient)
        };
        put(&mut deals, fits, mention.clone());
    }
    let mut deals: Vec<(ArmsDeal, &'static str)> = deals.iter().map(|mentions| deal(mentions)).collect();
    deals.sort_by(|(a, _), (b, _)| b.confidence.total_cmp(&a.confidence));
    deals
}

/// Adds a mention to the deal that it fits, or as a new one.
fn put(deals: &mut Vec<Vec<Mention>>, fits: impl Fn(&[Mention]) -> bool, mention: Mention) {
    match deals.iter_mut().find(|deal| fits(deal)) {
        Some(deal) => deal.push(mention),
        None => deals.push(vec![mention]),
    }
}

fn shares(a: &[PartyId], b: &[PartyId]) -> bool {
    a.iter().any(|id| b.contains(id))
}

fn deal(mentions: &[Mention]) -> (ArmsDeal, &'static str) {
    let best = mentions.iter().max_by_key(|mention| mention.claim.strength).unwrap_or(&mentions[0]);
    let all = |side: fn(&Mention) -> &Vec<PartyId>| {
        let mut ids: Vec<PartyId> = Vec::new();
        for id in mentions.iter().flat_map(side) {
            if !ids.contains(id) {
                ids.push(id.clone());
            }
        }
        ids
    };
    let (supplier, recipient) = (all(|mention| &mention.supplier), all(|mention| &mention.recipient));
    let mut items: Vec<DealItem> = Vec::new();
    for item in mentions.iter().flat_map(|mention| &mention.items) {
        if !items.contains(item) {
            items.push(item.clone());
        }
    }
    // "weapons" tells nothing beside what they are.
    if items.len() > 1 {
        items.retain(|item| item.category != "weapon");
    }
    let mut attributed_to = all(|mention| &mention.attributed_to);
    attributed_to.retain(|id| !supplier.contains(id) && !recipient.contains(id));
    let confidence = mentions.iter().map(|mention| mention.confidence).fold(0.0, f32::max);
    // Several mentions bear each other out.
    let confidence = (confidence + 0.02 * (mentions.len() - 1).min(4) as f32).min(0.98);
    let status = if best.claim.strength <= 1 && best.claim.status == DealStatus::Proposed {
        DealStatus::Alleged
    } else {
        best.claim.status
    };
    // An accusation that a side denies is a deal denied.
    let denied_by = all(|mention| &mention.denied_by);
    let status = if status == DealStatus::Alleged && !denied_by.is_empty() { DealStatus::Denied } else { status };
    let deal = ArmsDeal {
        supplier,
        recipient,
        items,
        status,
        attributed_to,
        denied_by,
        evidence: best.evidence,
        spans: mentions.iter().map(|mention| mention.span).collect(),
        confidence,
    };
    (deal, best.rule)
}

//! Arms deals: who supplies whom with what, where it stands, and who says so.
//!
//! Each sentence is read by its frames; what one leaves open is filled from the sentence around it, the one before and
//! the heading. Then the mentions of one deal over the whole article become one.

use std::cmp::Reverse;

use super::{
    fill::{Around, fill},
    frame::Framed,
    items::Kinship,
    lexicon::Hit,
    merge::{Mention, deny, merge},
    modality::{self, Anchor, Claim},
    part,
    party::{self, Named, Party},
    passage::Passage,
    rule::{DealWord, Form, Frame, Item, Rules},
    scene::Scene,
    slot,
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

/// An article that tells of deals more often is no article; what is told by then stands for the rest.
const MENTIONS_MAX: usize = 300;
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

/// The deals of an article, the most certain first, each with the name of the rule that showed it.
pub(super) fn find(
    passages: &[Passage<'_>],
    named: &[Named],
    doubtful: &[Named],
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
    if named.is_empty() && doubtful.is_empty() || !(is_plain || has_everyday()) {
        return Default::default();
    }
    let settled = if doubtful.is_empty() { Vec::new() } else { slot::settled(passages, &hits, named, doubtful) };
    let mut named = [named, &settled, &party::makers(passages, rules)].concat();
    named.sort_by_key(|named| (named.field, named.words.start, Reverse(named.words.end)));
    let reader = Reader { passages, hits: &hits, named: &named, lang, rules, is_plain };
    let (mentions, near) = reader.mentions();
    if mentions.is_empty() {
        return (Vec::new(), near);
    }
    (merge(mentions, &Kinship::of(passages, &hits, rules)), near)
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
                if mentions.len() >= MENTIONS_MAX {
                    break;
                }
                let from = hits.partition_point(|hit| hit.start < sentence.start);
                let to = hits.partition_point(|hit| hit.start < sentence.end);
                let hits = &hits[from..to];
                let parties = part::in_sentence(passage, sentence, hits, &named, &before, self.lang, self.rules);
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
                    let is_enough = self.is_plain || framed.rule == "verb" && is_whole && self.is_of_war(hits);
                    if !is_enough {
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
                    mentions.push(self.mention(framed, &scene, index, &items_before, &speakers, is_whole));
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
        part::in_sentence(passage, sentence, hits, &named, &[], self.lang, self.rules)
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
        is_whole: bool,
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
        // "For years no weapons were exported": what names no side takes back nothing that is told of the two.
        let is_vague = !is_whole && framed.pair.is_empty() && modality::is_of_none(scene.hits, &framed.tokens);
        let claim = if is_vague { Claim { strength: modality::WANTED, ..claim } } else { claim };
        let mut items = self.items(scene.hits);
        if items.is_empty() {
            // "arms deal": the lexicon hides the "arms" in it, yet weapons are what it is about.
            let of_weapons = DealItem { name: "weapons".to_owned(), category: "weapon".to_owned() };
            let is_armed = scene.hits.iter().any(|hit| matches!(hit.meaning, DealWord::Noun { is_armed: true, .. }));
            items = if is_armed || items_before.is_empty() { vec![of_weapons] } else { items_before.to_vec() };
        }
        let is_present = matches!(framed.anchor, Anchor::Verb { form: Form::Base | Form::Going, .. });
        Mention {
            field: passage.field,
            is_headline_present: is_present && cue.is_none() && passage.field == Field::Title,
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

//! What a deal is about, each thing by its most exact name: "Leopard 2" for "tanks", "Leopard tanks" and "Leopard 2".
//!
//! Two names are one thing where the text writes them together ("S-400 air defence systems") or one holds the other
//! ("FREMM frigate" and "frigate"). Those that a text lists side by side ("tanks and Leopard 2 launchers") stay two.

use std::collections::HashSet;

use super::{
    lexicon::Hit,
    passage::Passage,
    rule::{DealWord, Rules, WordRole},
};
use crate::{article::fold::fold, watch::found::DealItem};

/// How far from each other two of a list may stand.
const LIST_REACH: usize = 6;

/// How the names of weapons in an article stand to each other.
#[derive(Debug)]
pub(super) struct Kinship<'a> {
    rules: &'a Rules,
    /// Indices of a kind and of the weapon that it is written with.
    together: HashSet<(u32, u32)>,
    /// Indices of a kind and of a weapon beside which it is listed.
    listed: HashSet<(u32, u32)>,
}

impl<'a> Kinship<'a> {
    pub fn of(passages: &[Passage<'_>], hits: &[Vec<Hit<DealWord>>], rules: &'a Rules) -> Self {
        let mut kinship = Self { rules, together: HashSet::new(), listed: HashSet::new() };
        for (passage, hits) in passages.iter().zip(hits) {
            kinship.read(passage, hits);
        }
        kinship
    }

    fn read(&mut self, passage: &Passage<'_>, hits: &[Hit<DealWord>]) {
        let weapons: Vec<(&Hit<DealWord>, u32)> = hits
            .iter()
            .filter_map(|hit| match hit.meaning {
                DealWord::Weapon(item) => Some((hit, item)),
                _ => None,
            })
            .collect();
        let touches = |left: &Hit<DealWord>, right: &Hit<DealWord>| {
            left.end == right.start
                && passage.between(left.end - 1, right.start).chars().all(|c| " -\u{a0}".contains(c))
        };
        for (at, &(hit, kind)) in weapons.iter().enumerate() {
            if !self.rules.items[kind as usize].is_kind {
                continue;
            }
            let beside = [at.checked_sub(1), Some(at + 1)].into_iter().flatten().filter_map(|at| weapons.get(at));
            let bound: Vec<u32> = beside
                .filter(|(other, item)| {
                    !self.rules.items[*item as usize].is_kind
                        && if other.start < hit.start { touches(other, hit) } else { touches(hit, other) }
                })
                .map(|(_, item)| *item)
                .collect();
            if !bound.is_empty() {
                self.together.extend(bound.into_iter().map(|item| (kind, item)));
                continue;
            }
            let around = at.saturating_sub(2 * LIST_REACH)..weapons.len().min(at + 2 * LIST_REACH);
            let near = |other: &Hit<DealWord>| (1..=LIST_REACH).contains(&other.start.abs_diff(hit.start));
            for (other, item) in weapons[around].iter().filter(|(other, _)| near(other)) {
                let (left, right) = if other.start < hit.start { (*other, hit) } else { (hit, *other) };
                if is_list(passage, hits, left.end, right.start) {
                    self.listed.insert((kind, *item));
                }
            }
        }
    }

    /// Parts a deal's items into the most exact names, and the looser ones that say no more.
    pub fn part(&self, items: Vec<DealItem>) -> (Vec<DealItem>, Vec<DealItem>) {
        let all = items.clone();
        items.into_iter().partition(|item| !all.iter().any(|exact| self.is_covered(item, exact, &all)))
    }

    /// Whether `exact` says all that `item` does.
    fn is_covered(&self, item: &DealItem, exact: &DealItem, all: &[DealItem]) -> bool {
        // "weapons" tells nothing beside what they are.
        if item.category == "weapon" || item == exact {
            return item != exact && exact.category != "weapon";
        }
        if item.category != exact.category {
            return false;
        }
        if self.is_kind(exact) {
            // "missiles" of "long-range missiles".
            let words = folded_words(&exact.name);
            let is_part = folded_words(&item.name).iter().all(|word| words.contains(word));
            return self.is_kind(item) && is_part && !self.is_pair(&self.listed, item, exact);
        }
        if !self.is_kind(item) {
            let (loose, tight, whole) = (own_words(&item.name), own_words(&exact.name), folded_words(&exact.name));
            let is_part = loose.iter().all(|word| whole.contains(word));
            // "Javelin" and "Javelin missile": the shorter.
            let is_same = loose == tight;
            return is_part && (!is_same || item.name.len() > exact.name.len());
        }
        if self.is_pair(&self.listed, item, exact) {
            return false;
        }
        let names_kind = || {
            let kind = fold(&item.name);
            fold(&exact.name).rsplit(' ').next().is_some_and(|last| kind.strip_suffix('s') == Some(last))
        };
        let is_only =
            || all.iter().filter(|other| other.category == item.category && !self.is_kind(other)).count() == 1;
        self.is_pair(&self.together, item, exact) || names_kind() || self.is_general(item) && is_only()
    }

    fn is_pair(&self, pairs: &HashSet<(u32, u32)>, kind: &DealItem, weapon: &DealItem) -> bool {
        let item = |index: u32| &self.rules.items[index as usize].item;
        pairs.iter().any(|&(one, other)| item(one) == kind && item(other) == weapon)
    }

    /// Whether a kind is all of its category: "warships", but not "anti-tank weapons".
    fn is_general(&self, kind: &DealItem) -> bool {
        // Armoured vehicles stand among the tanks.
        kind.category != "tank"
            && (fold(&kind.name).starts_with(&fold(&kind.category))
                || self
                    .rules
                    .items
                    .iter()
                    .all(|item| !item.is_kind || item.item.category != kind.category || item.item == *kind))
    }

    fn is_kind(&self, item: &DealItem) -> bool {
        self.rules.items.iter().any(|known| known.is_kind && known.item == *item)
    }
}

/// The words of a weapon's name but for the plain ones behind it: "Leopard" of "Leopard tank", "Frigate" whole.
fn own_words(name: &str) -> Vec<String> {
    let own = name.split([' ', '-']).take_while(|word| !word.starts_with(char::is_lowercase)).collect::<Vec<_>>();
    if own.is_empty() { folded_words(name) } else { own.into_iter().map(fold).collect() }
}

fn folded_words(name: &str) -> Vec<String> {
    name.split([' ', '-']).map(fold).collect()
}

/// Whether nothing but other weapons, joints, numbers and articles stands between two words, so that they are a list.
fn is_list(passage: &Passage<'_>, hits: &[Hit<DealWord>], from: usize, to: usize) -> bool {
    if from > to {
        return false;
    }
    let mut has_joint = (from..=to).any(|token| passage.between(token - 1, token).contains([',', '、', '،', '&']));
    for token in from..to {
        let behind = hits.partition_point(|hit| hit.start <= token);
        let meaning = hits[..behind].iter().rev().take(LIST_REACH).find(|hit| token < hit.end).map(|hit| hit.meaning);
        has_joint |= meaning == Some(DealWord::Plain(WordRole::Join));
        let is_open = match meaning {
            Some(DealWord::Weapon(_) | DealWord::Plain(WordRole::Join | WordRole::Article)) => true,
            Some(_) => false,
            None => passage.tokens[token].text.len() <= 5,
        };
        if !is_open {
            return false;
        }
    }
    has_joint
}

//! Who is named in a sentence, and by what part: the giver, the receiver, one of a pair, or nobody in the deal.
//!
//! Languages mark the part by a word in front (`to Russia`), one behind (`ロシアへ`), or an ending (`Rusya'ya`); the packs
//! say which. What is not marked is the subject, or owns what follows (`Iran's missiles`, `Iranian missiles`).

use std::ops::Range;

use super::{
    lexicon::Hit,
    passage::Passage,
    rule::{DealWord, Role, Rules, WordRole},
};
use crate::{
    article::{Lang, text::Field},
    watch::found::PartyId,
};

/// How far in front of a party its marker may stand.
const MARKER_REACH: usize = 4;
/// Words of office between an adjective and its person: "Russian Defence Minister Sergei Shoigu".
const OFFICE_MAX: usize = 4;

/// A party as the entity room found it.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub id: PartyId,
    pub field: Field,
    /// Into the field's words.
    pub words: Range<usize>,
    pub kind: NamedKind,
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
    /// Owns what follows.
    pub is_owner: bool,
    /// Others act for it: "Ukraine's allies".
    pub is_helped: bool,
}

impl Party {
    /// Whether it may be the subject of its sentence.
    pub fn is_subject(&self) -> bool {
        // "reacted to Russia's efforts to buy": what it owns acts for it, whatever marks it.
        (matches!(self.role, None | Some(Role::By)) || self.is_owner) && !self.is_helped
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
            let is_name = exact.starts_with(char::is_uppercase);
            if is_name && (!company.is_upper || !exact.contains(char::is_lowercase)) {
                found.push(Named { id: company.party.clone(), field: passage.field, words, kind: NamedKind::Company });
            }
        }
    }
    found
}

/// The parties of one sentence, in text order.
pub(super) fn in_sentence(
    passage: &Passage<'_>,
    sentence: &Range<usize>,
    hits: &[Hit<DealWord>],
    named: &[(Range<usize>, &Named)],
    lang: Option<Lang>,
    rules: &Rules,
) -> Vec<Party> {
    let reader = Reader { passage, sentence, hits, lang, rules };
    let mut parties: Vec<Party> = Vec::new();
    let from = named.partition_point(|(tokens, _)| tokens.start < sentence.start);
    for (tokens, named) in named[from..].iter().take_while(|(tokens, _)| tokens.end <= sentence.end) {
        match parties.last_mut() {
            // A longer name covers what stands in it.
            Some(last) if tokens.start < last.end => {}
            Some(last) if reader.is_holder(last, named, tokens) => {
                last.end = tokens.end;
                last.kind = named.kind;
            }
            _ => parties.push(Party {
                ids: vec![named.id.clone()],
                start: tokens.start,
                end: tokens.end,
                kind: named.kind,
                role: None,
                is_owner: false,
                is_helped: false,
            }),
        }
    }
    for party in &mut parties {
        reader.mark(party);
    }
    reader.join(parties)
}

struct Reader<'a> {
    passage: &'a Passage<'a>,
    sentence: &'a Range<usize>,
    hits: &'a [Hit<DealWord>],
    lang: Option<Lang>,
    rules: &'a Rules,
}

impl Reader<'_> {
    /// Whether a person follows the country that they speak for: "Russian President Vladimir Putin".
    fn is_holder(&self, country: &Party, named: &Named, tokens: &Range<usize>) -> bool {
        matches!(named.kind, NamedKind::Person | NamedKind::Company)
            && country.ids.contains(&named.id)
            && tokens.start - country.end <= OFFICE_MAX
            && !self.passage.between(tokens.start - 1, tokens.start).contains([',', ';'])
    }

    fn mark(&self, party: &mut Party) {
        let tail = self.passage.tail(party.end - 1);
        let ending = tail.strip_prefix(['\'', '’', 'ʼ']);
        party.is_owner = ending.is_some_and(|ending| matches!(ending, "s" | "S" | "")) && !self.is_turkish();
        let behind = self.meanings(party.end);
        if behind.contains(&DealWord::Plain(WordRole::Ally)) && (party.is_owner || party.kind == NamedKind::Adjective) {
            party.is_helped = party.is_owner;
        }
        if behind.contains(&DealWord::Plain(WordRole::War)) && !party.is_owner && party.kind != NamedKind::Person {
            party.role = Some(Role::Aside);
            return;
        }
        party.role =
            self.marker_behind(party).or_else(|| self.marker_in_front(party)).or_else(|| self.suffix(party, ending));
        if party.role == Some(Role::Of) && ending.is_some() {
            party.role = None;
            party.is_owner = true;
        }
    }

    fn marker_behind(&self, party: &Party) -> Option<Role> {
        self.meanings(party.end).into_iter().find_map(|meaning| match meaning {
            DealWord::MarkerAfter(role) => Some(role),
            _ => None,
        })
    }

    /// The nearest marker in front that nothing parts from the party.
    fn marker_in_front(&self, party: &Party) -> Option<Role> {
        let mut through_of = false;
        let from = party.start.saturating_sub(MARKER_REACH).max(self.sentence.start);
        for token in (from..party.start).rev() {
            let is_cut = self.passage.between(token, token + 1).contains([',', ';', ':', '—', '–']);
            if is_cut {
                break;
            }
            let meanings =
                || self.hits.iter().filter(|hit| hit.start <= token && token < hit.end).map(|hit| hit.meaning);
            let marker = meanings().find_map(|meaning| match meaning {
                DealWord::MarkerBefore(role) => Some(role),
                _ => None,
            });
            let is_free =
                meanings().next().is_none() && (through_of || self.is_capitalised(token) || self.is_article(token));
            let is_transparent = meanings().any(|meaning| {
                matches!(meaning, DealWord::Plain(WordRole::Join | WordRole::Article | WordRole::Office))
            });
            match marker {
                Some(Role::Of) => through_of = true,
                Some(role) => return Some(role),
                None if is_free || is_transparent => {}
                None => break,
            }
        }
        through_of.then_some(Role::Of)
    }

    fn suffix(&self, party: &Party, ending: Option<&str>) -> Option<Role> {
        let lang = self.lang?;
        let word = if self.is_turkish() {
            crate::article::fold::fold(ending?)
        } else {
            self.passage.tokens[party.end - 1].text.to_owned()
        };
        self.rules
            .suffixes
            .iter()
            .find(|suffix| {
                suffix.lang == lang && word.ends_with(&suffix.suffix) && (!self.is_turkish() || word == suffix.suffix)
            })
            .map(|suffix| suffix.role)
    }

    fn is_turkish(&self) -> bool {
        self.lang.is_some_and(|lang| lang.as_str() == "tr")
    }

    fn is_capitalised(&self, token: usize) -> bool {
        let word = &self.passage.text.words[self.passage.tokens[token].word];
        word.exact.starts_with(char::is_uppercase)
    }

    /// A short word such as `the`, `a`, `la`, `den`.
    fn is_article(&self, token: usize) -> bool {
        self.passage.tokens[token].text.len() <= 3
    }

    fn meanings(&self, token: usize) -> Vec<DealWord> {
        if token >= self.sentence.end {
            return Vec::new();
        }
        self.hits.iter().filter(|hit| hit.start == token).map(|hit| hit.meaning).collect()
    }

    /// Joins "the US, Britain and France" into one party. Commas alone join three, since two may belong to two clauses.
    fn join(&self, parties: Vec<Party>) -> Vec<Party> {
        let mut joined: Vec<Party> = Vec::with_capacity(parties.len());
        let mut rest = parties.into_iter().peekable();
        while let Some(first) = rest.next() {
            let mut chain = vec![first];
            let mut has_joint = false;
            while let Some(next) = rest.peek() {
                let last = &chain[chain.len() - 1];
                let Some(is_joint) = self.joint(last, next) else { break };
                has_joint |= is_joint;
                chain.extend(rest.next());
            }
            // A headline joins two by a comma: "Iran, Russia sign deal".
            let leads_title = self.passage.field == Field::Title && chain[0].start == self.sentence.start;
            if has_joint || chain.len() > 2 || leads_title && chain.len() == 2 {
                let mut all = chain[0].clone();
                for party in &chain[1..] {
                    all.end = party.end;
                    all.kind = party.kind;
                    all.is_owner |= party.is_owner;
                    all.is_helped |= party.is_helped;
                    all.role = all.role.or(party.role);
                    all.ids.extend(party.ids.iter().filter(|id| !chain[0].ids.contains(id)).cloned());
                }
                joined.push(all);
            } else {
                joined.extend(chain);
            }
        }
        joined
    }

    /// Whether a comma (`false`) or a word such as "and" (`true`) joins two parties; `None` where neither does.
    fn joint(&self, left: &Party, right: &Party) -> Option<bool> {
        let gap = left.end..right.start;
        // "to Russia, and Beijing may": who acts next begins a clause of its own.
        let acts = |meaning: &DealWord| matches!(meaning, DealWord::Cue { .. } | DealWord::Verb { .. });
        if left.role.is_some() && right.role.is_none() && self.meanings(right.end).iter().any(acts) {
            return None;
        }
        let has_comma = self.passage.between(left.end - 1, left.end.min(right.start)).contains([',', '、', '，', '،']);
        if left.is_helped || gap.len() > 2 || right.role.is_some_and(|role| Some(role) != left.role) {
            return None;
        }
        if gap.is_empty() {
            return has_comma
                .then_some(false)
                .or_else(|| self.passage.between(left.end - 1, right.start).contains(['&', '/']).then_some(true));
        }
        let is = |token: usize, role| self.meanings(token).contains(&DealWord::Plain(role));
        let is_joint = gap.clone().any(|token| is(token, WordRole::Join));
        let is_free = gap.clone().all(|token| is(token, WordRole::Join) || is(token, WordRole::Article));
        (is_free && (is_joint || has_comma)).then_some(is_joint)
    }
}

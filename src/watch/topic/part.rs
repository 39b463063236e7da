//! The parties of a sentence and the part that each plays: the giver, the receiver, one of a pair, or nobody in the deal.
//!
//! Languages mark the part by a word in front (`to Russia`), one behind (`ロシアへ`), or an ending (`Rusya'ya`); the packs
//! say which. What is not marked is the subject, or owns what follows (`Iran's missiles`, `Iranian missiles`).

use std::ops::Range;

use super::{
    lexicon::Hit,
    party::{Named, NamedKind, Party},
    passage::Passage,
    rule::{Affix, DealWord, Role, Rules, WordRole},
};
use crate::article::{Lang, text::Field};

/// How far in front of a party its marker may stand.
const MARKER_REACH: usize = 4;
/// Words of office between an adjective and its person: "Russian Defence Minister Sergei Shoigu".
const OFFICE_MAX: usize = 4;
/// How far in front of a place those who bear arms for it may stand: "fighters on one side in Sudan's war".
const FIGHTERS_REACH: usize = 5;
/// How far behind a party the word may stand that tells whom it punishes.
const PUNISH_REACH: usize = 4;
/// How far behind a party the word may stand that tells of its seizing weapons.
const SEIZE_REACH: usize = 3;

/// The parties of one sentence, in text order. `before` are those of the sentence in front, whom it may mean by a word.
pub(super) fn in_sentence(
    passage: &Passage<'_>,
    sentence: &Range<usize>,
    hits: &[Hit<DealWord>],
    named: &[(Range<usize>, &Named)],
    before: &[Party],
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
                if named.kind == NamedKind::Company {
                    last.companies = last.ids.clone();
                }
                last.is_base = named.is_base;
            }
            _ => parties.push(Party {
                is_base: named.is_base,
                ..Party::unmarked(vec![named.id.clone()], tokens.clone(), named.kind)
            }),
        }
    }
    reader.stand_in(&mut parties, before);
    for party in &mut parties {
        reader.mark(party);
    }
    absorb_owners(&mut parties);
    reader.punishers(&mut parties);
    reader.seizers(&mut parties);
    reader.join(parties)
}

/// "Yemen's Houthis", "Colombia's FARC": the group is meant, and not where it is.
fn absorb_owners(parties: &mut Vec<Party>) {
    let is_group = |party: &Party| party.ids.iter().all(|id| id.0.starts_with(|c: char| c.is_ascii_lowercase()));
    let mut at = 1;
    while at < parties.len() {
        let (owner, group) = (&parties[at - 1], &parties[at]);
        let owns = owner.is_owner || owner.kind == NamedKind::Adjective;
        if owns && owner.end == group.start && is_group(group) && !is_group(owner) {
            let owner = parties.remove(at - 1);
            let group = &mut parties[at - 1];
            group.start = owner.start;
            group.role = group.role.or(owner.role);
        } else {
            at += 1;
        }
    }
}

/// What a Turkish plural, folded, has behind its `ler` or `lar`.
fn turkish_ending(word: &str) -> Option<&str> {
    let at = word.rfind("ler").max(word.rfind("lar"))?;
    Some(&word[at + 3..]).filter(|ending| !ending.is_empty())
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
            // "в Париже с Макроном": a place and who was met there.
            && !(country.end..tokens.start).any(|token| {
                self.meanings(token).iter().any(|meaning| matches!(meaning, DealWord::MarkerBefore(Role::With)))
            })
    }

    /// Adds those whom a word stands for: "his country", "that country".
    fn stand_in(&self, parties: &mut Vec<Party>, before: &[Party]) {
        for hit in self.hits {
            let is_home = match hit.meaning {
                DealWord::Plain(WordRole::Home) => true,
                DealWord::Plain(WordRole::There) => false,
                _ => continue,
            };
            let acting = parties.first().map(|party| party.ids.clone());
            let in_front = parties.iter().filter(|party| party.end <= hit.start);
            let fits = |party: &&Party| match is_home {
                true => party.kind == NamedKind::Person,
                false => acting.as_ref() != Some(&party.ids),
            };
            // "Indian forces get Russian jets. The country …": an adjective names its country only where nothing else
            // does, and then the first, which acts.
            let is_named = |party: &&Party| fits(party) && (is_home || party.kind != NamedKind::Adjective);
            let mut near = before.iter().chain(in_front);
            let meant = near.clone().rfind(is_named).or_else(|| near.find(fits)).map(|party| party.ids.clone());
            let at = parties.partition_point(|party| party.start < hit.start);
            if let Some(ids) = meant {
                parties.insert(at, Party::unmarked(ids, hit.start..hit.end, NamedKind::Name));
            }
        }
    }

    /// Marks who imposes sanctions and the like: the party in front of the word for it, or behind its `by`.
    fn punishers(&self, parties: &mut [Party]) {
        let is_passed = |meaning: &DealWord| {
            matches!(
                meaning,
                DealWord::Plain(WordRole::Office | WordRole::Government | WordRole::Institution)
                    | DealWord::MarkerBefore(Role::Aside)
            )
        };
        for hit in self.hits.iter().filter(|hit| hit.meaning == DealWord::Plain(WordRole::Punish)) {
            let in_front = match self.puts_verb_last() {
                true => parties.iter().position(|party| party.end <= hit.start && party.is_subject()),
                false => parties.iter().rposition(|party| party.end <= hit.start).filter(|&index| {
                    let gap = parties[index].end..hit.start;
                    gap.len() <= PUNISH_REACH
                        && parties[index].is_subject()
                        && gap.clone().all(|token| self.meanings(token).iter().all(is_passed))
                        && (gap.start..hit.start)
                            .all(|token| !self.passage.between(token - 1, token).contains([',', ';', ':']))
                }),
            };
            let behind = parties.iter().position(|party| {
                party.role == Some(Role::By) && party.start >= hit.end && party.start - hit.end <= PUNISH_REACH
            });
            for index in in_front.into_iter().chain(behind) {
                parties[index].is_punisher = true;
            }
        }
    }

    /// Marks who takes weapons on their way: whom the word for it follows.
    fn seizers(&self, parties: &mut [Party]) {
        let is_seized = |hit: &&Hit<DealWord>| hit.meaning == DealWord::Plain(WordRole::Seize);
        for hit in self.hits.iter().filter(is_seized) {
            let behind = parties.iter().position(|party| {
                party.role == Some(Role::By) && party.start >= hit.end && party.start - hit.end <= SEIZE_REACH
            });
            let in_front = parties.iter().rposition(|party| party.end <= hit.start && party.is_subject());
            let in_front = in_front.filter(|&index| hit.start - parties[index].end <= SEIZE_REACH);
            if let Some(index) = behind.or(in_front) {
                parties[index].is_seizer = true;
            }
        }
    }

    fn puts_verb_last(&self) -> bool {
        self.lang.is_some_and(|lang| matches!(lang.as_str(), "tr" | "ja" | "ko" | "fa"))
    }

    fn mark(&self, party: &mut Party) {
        let tail = self.passage.tail(party.end - 1);
        let ending = tail.strip_prefix(['\'', '’', 'ʼ']);
        party.is_owner = ending.is_some_and(|ending| matches!(ending, "s" | "S" | "")) && !self.is_turkish();
        let behind = self.meanings(party.end);
        party.is_user = behind.contains(&DealWord::Plain(WordRole::Use));
        if behind.contains(&DealWord::Plain(WordRole::Ally)) && (party.is_owner || party.kind == NamedKind::Adjective) {
            party.is_helped = party.is_owner;
        }
        if behind.contains(&DealWord::Plain(WordRole::War)) && !party.is_owner && party.kind != NamedKind::Person {
            party.role = Some(Role::Aside);
            return;
        }
        party.role = self
            .marker_behind(party)
            .or_else(|| self.marker_in_front(party))
            .or_else(|| self.suffix(party, ending))
            .or_else(|| self.prefix(party));
        if party.role == Some(Role::To) && self.is_where(party) {
            party.role = Some(Role::Aside);
        }
        if party.role == Some(Role::Aside) && behind.contains(&DealWord::Plain(WordRole::Institution)) {
            party.role = None;
        }
        if self.is_dateline(party) {
            party.role = Some(Role::Aside);
            return;
        }
        if party.role == Some(Role::To) && self.is_let(party) {
            party.role = None;
        }
        if party.role == Some(Role::Of) && ending.is_some() {
            party.role = None;
            party.is_owner = true;
        }
        // "for Germany to send": who is to act.
        let is_to_act = || {
            let does = |meaning: &DealWord| matches!(meaning, DealWord::Verb { .. } | DealWord::Cue { .. });
            behind.contains(&DealWord::MarkerBefore(Role::To)) && self.meanings(party.end + 1).iter().any(does)
        };
        if party.role == Some(Role::For) && is_to_act() {
            party.role = None;
        }
        if matches!(party.role, Some(Role::Aside | Role::Of)) || party.is_owner {
            match self.stands_for(party) {
                Some(Some(role)) => party.role = Some(role),
                // "The leadership in Tehran" acts.
                Some(None) if party.role == Some(Role::Aside) => party.role = None,
                _ => {}
            }
        }
    }

    /// Whether a party is where the report was filed: "WASHINGTON (AA) - ", "LUXEMBOURG — ".
    fn is_dateline(&self, party: &Party) -> bool {
        let between = match party.end < self.sentence.end {
            true => self.passage.between(party.end - 1, party.end),
            false => return false,
        };
        let is_first = party.start == self.sentence.start && party.kind == NamedKind::Name;
        let marks = between.trim_start();
        is_first
            && self.passage.field != Field::Title
            && (marks.starts_with(['—', '–', '(', '/']) || between.starts_with(' ') && marks.starts_with('-'))
    }

    /// Whether a party is let or told to do what follows, in the case of whom one gives to.
    fn is_let(&self, party: &Party) -> bool {
        let lets = |hit: &Hit<DealWord>| {
            hit.meaning == DealWord::Plain(WordRole::Let) && hit.end <= party.start && party.start - hit.end <= 1
        };
        let acts = |token: usize| self.meanings(token).iter().any(|meaning| matches!(meaning, DealWord::Verb { .. }));
        self.hits.iter().any(lets) && (party.end..party.end + 3).any(acts)
    }

    /// The part of those who bear arms for a place or rule it: "arms to fighters in Sudan", "the leadership in Tehran".
    /// `Some(None)` where no marker gives who rules it a part.
    fn stands_for(&self, party: &Party) -> Option<Option<Role>> {
        let (people, is_government) = self.hits.iter().rev().find_map(|hit| {
            let is_government = match hit.meaning {
                DealWord::Plain(WordRole::Government) => true,
                DealWord::Plain(WordRole::Fighters) => false,
                _ => return None,
            };
            let is_near = hit.end <= party.start && party.start - hit.end <= FIGHTERS_REACH;
            is_near.then_some((hit, is_government))
        })?;
        let acts = |meaning: DealWord| matches!(meaning, DealWord::Cue { .. } | DealWord::Verb { .. });
        let is_open = (people.end..party.start).all(|token| {
            !self.passage.between(token - 1, token).contains([',', ';', ':'])
                && !self.meanings(token).into_iter().any(acts)
        });
        if !is_open {
            return None;
        }
        let from = people.start.saturating_sub(2).max(self.sentence.start);
        let marked = (from..people.start).rev().find_map(|token| {
            self.hits.iter().filter(|hit| hit.start <= token && token < hit.end).find_map(|hit| match hit.meaning {
                DealWord::MarkerBefore(role @ (Role::To | Role::For | Role::From | Role::By)) => Some(role),
                _ => None,
            })
        });
        (marked.is_some() || is_government && party.start - people.end <= 2).then_some(marked)
    }

    /// Whether a Slavic name stands in the case of where something is, behind a word that may also tell where it goes:
    /// "в Париже", but "в Париж".
    fn is_where(&self, party: &Party) -> bool {
        let into: &[&str] = match self.lang.as_ref().map(|lang| lang.as_str()) {
            Some("ru") => &["в", "во", "на"],
            Some("uk") => &["в", "у", "на"],
            _ => return false,
        };
        let is_into = party.start > self.sentence.start && into.contains(&self.passage.tokens[party.start - 1].text);
        let name = self.passage.tokens[party.end - 1].text;
        is_into && !party.is_base && name.ends_with(['е', 'и', 'і'])
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
                matches!(
                    meaning,
                    DealWord::Plain(
                        WordRole::Join
                            | WordRole::Article
                            | WordRole::Office
                            | WordRole::Fighters
                            | WordRole::Government
                    )
                )
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
        if party.is_base {
            return None;
        }
        let word = if self.is_turkish() {
            match ending {
                Some(ending) => crate::article::fold::fold(ending),
                // "Husilere": peoples take their endings without an apostrophe.
                None => turkish_ending(self.passage.tokens[party.end - 1].text)?.to_owned(),
            }
        } else {
            self.passage.tokens[party.end - 1].text.to_owned()
        };
        self.rules
            .suffixes
            .iter()
            .find(|suffix| {
                suffix.lang == lang && word.ends_with(&suffix.letters) && (!self.is_turkish() || word == suffix.letters)
            })
            .map(|suffix| suffix.role)
            .filter(|&role| role != Role::Bare)
    }

    /// The part told by what is written on a name in front: "لمصر".
    fn prefix(&self, party: &Party) -> Option<Role> {
        let lang = self.lang.filter(|_| !party.is_base && !self.rules.prefixes.is_empty())?;
        let word = &self.passage.text.words[self.passage.tokens[party.start].word].exact;
        let is_on = |prefix: &&Affix| prefix.lang == lang && word.starts_with(&prefix.letters);
        self.rules.prefixes.iter().find(is_on).map(|prefix| prefix.role)
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
        let from = self.hits.partition_point(|hit| hit.start < token);
        self.hits[from..].iter().take_while(|hit| hit.start == token).map(|hit| hit.meaning).collect()
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
                    all.companies.extend(party.companies.iter().cloned());
                    all.is_owner |= party.is_owner;
                    all.is_helped |= party.is_helped;
                    all.role = if party.role == Some(Role::Between) { party.role } else { all.role.or(party.role) };
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
        // "Türkiye ile Endonezya arasında": the one in front is marked as with whom.
        if left.role == Some(Role::With) && right.role == Some(Role::Between) && gap.len() <= 1 {
            return Some(true);
        }
        if left.is_helped || gap.len() > 2 || right.role.is_some_and(|role| Some(role) != left.role) {
            return None;
        }
        if gap.is_empty() {
            // "Rusya Irak arasında": two in front of what stands between them.
            if right.role == Some(Role::Between) && left.role.is_none() {
                return Some(true);
            }
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

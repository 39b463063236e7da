//! Topics that packs define by queries.
//!
//! A pack names lists of words by language and rules over them; a rule is a query of the watch language. So whoever can
//! write a watch can write a topic, and a topic costs what a watch costs: its rules stand on a shelf of their own, which
//! each article that somebody asks about goes round once. What a rule nearly found is told by explaining it.

use std::{cell::LazyCell, collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use rustc_hash::FxHashSet;
use serde::Deserialize;
use toml::Spanned;

use super::{
    engine::{
        Hit,
        article::{ArticleIndex, LazyFindings},
        explain::{self, Explanation},
        rarity::Rarity,
        shelf::{NewWatch, ShelfBuilder},
    },
    entity::Entities,
    found::{Findings, NearMiss, TopicFound},
    language::{
        self, Known,
        check::{Leader, Party},
        checked::{CheckedNode, Question},
        list::{ListTerm, Lists},
        question::folded_words,
    },
    round::{Held, Round, WatchPlace},
    topic::TOPICS,
};
use crate::{
    article::{Article, Lang, segment::AnalysedText, text::TextSpan},
    config::{
        QuerySource,
        problem::{Origin, Place, Problem},
    },
};

/// A list's terms under this are found in every language.
const ANY_LANG: &str = "any";
/// All packs together define no more rules than this.
const RULES_MAX: usize = 1000;
/// So many things that an article nearly said are worth telling.
const NEAR_MAX: usize = 3;

/// Topics of packs, ready to be asked about articles.
#[derive(Debug, Default)]
pub struct DefinedTopics {
    /// In pack order.
    pub topics: Vec<DefinedTopic>,
    /// As they stand on the shelf.
    rules: Vec<Rule>,
    /// One, or none where no pack defines a topic.
    shelves: Vec<Held>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinedTopic {
    /// What `topic:` asks for.
    pub id: String,
    /// For people.
    pub name: String,
    /// The pack that defines it.
    pub pack: String,
    /// Its rules: name, and query as written.
    pub rules: Vec<(String, String)>,
}

#[derive(Debug)]
struct Rule {
    topic: usize,
    name: String,
    query: String,
    confidence: f32,
}

/// A `[[topic]]` of a pack.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TopicSection {
    id: Spanned<String>,
    name: String,
    #[serde(default)]
    rule: Vec<RuleSection>,
}

/// A `[[topic.rule]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSection {
    name: String,
    /// A query; its lists are those of the pack, then all others.
    when: Spanned<String>,
    /// How sure an article is of the topic where the rule holds, 0.0 to 1.0.
    confidence: Spanned<f32>,
}

/// A pack's lists: by name, then by language; `any` is found in every language.
pub(super) type ListSections = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// What one pack file defines, with the place where it stands.
pub(super) struct Defined<'a> {
    pub pack: String,
    pub origin: &'a Origin,
    pub source: &'a Arc<str>,
    pub topics: Vec<TopicSection>,
    pub lists: ListSections,
}

impl Defined<'_> {
    fn at(&self, span: std::ops::Range<usize>, problem: Problem) -> Problem {
        problem.at(Place { origin: self.origin.clone(), source: Arc::clone(self.source), span, first_line: 1 })
    }

    fn own_lists(&self) -> Vec<(&str, Vec<ListTerm>)> {
        let terms = |by_lang: &BTreeMap<String, Vec<String>>| {
            let of_lang = |(lang, terms): (&String, &Vec<String>)| {
                let lang = if lang == ANY_LANG { None } else { Lang::from_tag(lang) };
                let term = move |text: &String| {
                    let (is_exact, text) = match text.strip_prefix('=') {
                        Some(text) => (true, text),
                        None => (false, text.as_str()),
                    };
                    ListTerm { text: text.to_owned(), lang, is_exact, needs_context: false }
                };
                terms.iter().map(term).collect::<Vec<_>>()
            };
            by_lang.iter().flat_map(of_lang).collect()
        };
        self.lists.iter().map(|(name, by_lang)| (name.as_str(), terms(by_lang))).collect()
    }
}

impl DefinedTopics {
    /// Compiles what the packs define. `lists` gains theirs, as `pack.list`.
    pub(super) fn compile(files: &[Defined<'_>], entities: &Entities, lists: &mut Lists) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        // Files that extend a pack add to its lists.
        let mut joined: BTreeMap<(&str, &str), Vec<ListTerm>> = BTreeMap::new();
        for file in files {
            for (name, terms) in file.own_lists() {
                joined.entry((&file.pack, name)).or_default().extend(terms);
            }
        }
        for ((pack, name), terms) in &joined {
            lists.add(&format!("{pack}.{name}"), terms.clone());
        }
        let rarity = Rarity::default();
        let mut builder = ShelfBuilder::new(&rarity);
        let mut defined = Self::default();
        let parties: Vec<Party<'_>> = entities
            .places
            .iter()
            .map(|place| Party { id: &place.id.0, name: &place.name, kind: place.kind })
            .collect();
        let leaders = LazyCell::new(|| leaders(entities));
        let nobody: FxHashSet<&str> = FxHashSet::default();
        for file in files {
            for lang in file.lists.values().flat_map(BTreeMap::keys) {
                if lang != ANY_LANG && (lang.len() != 2 || !lang.bytes().all(|b| b.is_ascii_lowercase())) {
                    let message =
                        format!("`{lang}` is no language of a list: two small letters, or `{ANY_LANG}` for all");
                    let at = file.source.find(&format!("\n{lang} ")).map_or(0, |at| at + 1);
                    problems.push(file.at(at..at + lang.len(), Problem::error(message)));
                }
            }
            if file.topics.is_empty() {
                continue;
            }
            let mut own = lists.clone();
            for ((_, name), terms) in joined.iter().filter(|((pack, _), _)| *pack == file.pack) {
                own.add(name, terms.clone());
            }
            let known = Known {
                lists: &own,
                feeds: &[],
                tags: &[],
                watches: &nobody,
                may_lack_names: false,
                topics: &TOPICS,
                parties: &parties,
                leaders: &leaders,
            };
            for section in &file.topics {
                let id = section.id.as_ref();
                // A file that extends a pack may add rules to its topics.
                let extended = defined.topics.iter().position(|topic| topic.id == *id && topic.pack == file.pack);
                if let Some(message) = wrong_id(id, &defined.topics).filter(|_| extended.is_none()) {
                    problems.push(file.at(section.id.span(), Problem::error(message)));
                    continue;
                }
                let topic = extended.unwrap_or(defined.topics.len());
                for rule in &section.rule {
                    let name = format!("{id}/{}", rule.name);
                    let confidence = *rule.confidence.as_ref();
                    if !(0.0..=1.0).contains(&confidence) {
                        let message = format!("the confidence of the rule `{name}` is not between 0 and 1");
                        problems.push(file.at(rule.confidence.span(), Problem::error(message)));
                        continue;
                    }
                    if defined.rules.len() >= RULES_MAX {
                        let message = format!("the packs have more than {RULES_MAX} rules");
                        problems.push(file.at(rule.when.span(), Problem::error(message)));
                        return Err(problems);
                    }
                    let source = query(file, &rule.when);
                    let (checked, found) = language::compile(&source, known);
                    problems.extend(found.into_iter().filter(Problem::is_error));
                    let Some(checked) = checked else { continue };
                    if asks_elsewhere(&checked.root) {
                        let problem =
                            Problem::error(format!("the rule `{name}` asks for what a topic cannot depend on"));
                        let help = "a topic is about what an article says: leave `watch:`, `feed:`, `tag:` and `published:` to watches";
                        problems.push(file.at(source.span.clone(), problem.help(help)));
                        continue;
                    }
                    let slot = defined.rules.len() as u32;
                    let is_filed = builder.add(&NewWatch { id: &name, feeds: &[], slot, query: &checked });
                    if !is_filed {
                        let message = format!("nothing in the rule `{name}` must stand in a text word for word");
                        let help = "add a word or list that must be there";
                        problems.push(file.at(source.span.clone(), Problem::error(message).help(help)));
                        continue;
                    }
                    defined.rules.push(Rule { topic, name: rule.name.clone(), query: source.text, confidence });
                }
                if section.rule.is_empty() {
                    let message = format!("the topic `{id}` has no rule, so it can never fire");
                    problems.push(
                        file.at(section.id.span(), Problem::error(message).help("add a `[[topic.rule]]` with `when`")),
                    );
                }
                let rules = section.rule.iter().map(|rule| (rule.name.clone(), rule.when.as_ref().clone()));
                match extended {
                    Some(topic) => defined.topics[topic].rules.extend(rules),
                    None => defined.topics.push(DefinedTopic {
                        id: id.clone(),
                        name: section.name.clone(),
                        pack: file.pack.clone(),
                        rules: rules.collect(),
                    }),
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        if !defined.rules.is_empty() {
            defined.shelves.push(Held::new(builder.build()));
        }
        Ok(defined)
    }

    /// The topics whose rules hold, each by its surest rule. `base` is what else the article says; rules may ask for it.
    pub(super) fn find(&self, article: &Article, text: &AnalysedText, base: &Findings) -> Vec<TopicFound> {
        let mut found: Vec<TopicFound> = Vec::new();
        self.go_round(article, text, base, |round| {
            let mut outcome = round.go();
            outcome.matched.sort_by_key(|&(place, _)| self.shelves[0].shelf.slot(place.watch));
            for (place, verdict) in outcome.matched {
                let rule = &self.rules[self.shelves[0].shelf.slot(place.watch) as usize];
                let id = &self.topics[rule.topic].id;
                let spans = verdict.evidence.iter().map(|(hit, _)| span_of(hit)).collect::<Vec<_>>();
                match found.iter_mut().find(|topic| topic.id == *id) {
                    Some(topic) => {
                        topic.spans.extend(spans);
                        if rule.confidence > topic.confidence {
                            (topic.confidence, topic.rule) = (rule.confidence, rule.name.clone());
                        }
                    }
                    None => found.push(TopicFound {
                        id: id.clone(),
                        confidence: rule.confidence,
                        spans,
                        rule: rule.name.clone(),
                    }),
                }
            }
        });
        found
    }

    /// What topics that did not fire lacked but for one part of a rule.
    pub(super) fn near(&self, article: &Article, text: &AnalysedText, base: &Findings) -> Vec<NearMiss> {
        let mut near = Vec::new();
        self.go_round(article, text, base, |round| {
            let shelf = &self.shelves[0].shelf;
            for watch in 0..shelf.len() as u32 {
                let rule = &self.rules[shelf.slot(watch) as usize];
                let topic = &self.topics[rule.topic].id;
                if near.len() >= NEAR_MAX || base.topics.iter().any(|found| found.id == *topic) {
                    continue;
                }
                let Some(syntax) = language::parser::parse(&rule.query).tree.root else { continue };
                let tree = shelf.tree(watch);
                let place = WatchPlace { shelf: 0, watch };
                let explanation = explain::explain(&round.evaluator(place.shelf), &syntax, tree);
                if let Some((lacks, hit)) = lacks_one(&explanation) {
                    near.push(NearMiss {
                        topic: topic.clone(),
                        rule: rule.name.clone(),
                        lacks,
                        evidence: span_of(&hit),
                    });
                }
            }
        });
        near
    }

    fn go_round(&self, article: &Article, text: &AnalysedText, base: &Findings, see: impl FnOnce(&Round<'_>)) {
        if self.shelves.is_empty() {
            return;
        }
        let findings = LazyFindings::known(base.clone());
        let index = ArticleIndex::new(article, text, &findings);
        // Rules ask what an article says, not how old it is.
        see(&Round::new(&index, &self.shelves, DateTime::<Utc>::UNIX_EPOCH));
    }
}

/// The leaders that queries may name, by every name that a pack gives them.
pub(super) fn leaders(entities: &Entities) -> Vec<Leader> {
    let persons = entities.persons.iter();
    persons
        .map(|person| {
            let names = person.also.iter().chain(person.names.values().flatten());
            let folded = std::iter::once(&person.name).chain(names).map(|name| folded_words(name)).collect();
            Leader { id: person.id.clone(), name: person.name.clone(), folded }
        })
        .collect()
}

fn asks_elsewhere(node: &CheckedNode) -> bool {
    match node {
        CheckedNode::Term(_) => false,
        CheckedNode::And { nodes, .. } | CheckedNode::Or(nodes) | CheckedNode::AtLeast(_, nodes) => {
            nodes.iter().any(asks_elsewhere)
        }
        CheckedNode::Near { left, right, .. } => asks_elsewhere(left) || asks_elsewhere(right),
        CheckedNode::Not(inner) | CheckedNode::Scope(_, inner) | CheckedNode::Count(_, inner) => asks_elsewhere(inner),
        CheckedNode::About { question, .. } => {
            matches!(question, Question::Watch(_) | Question::Feed(_) | Question::Tag(_) | Question::Published(_))
        }
    }
}

fn span_of(hit: &Hit) -> TextSpan {
    TextSpan { field: hit.field, start_chars: hit.start_chars, end_chars: hit.end_chars }
}

/// The one part that a query lacked, and a place where what tells stands; `None` where more is lacking. That a country is
/// named tells nothing yet; that a word of the topic stands there does.
fn lacks_one(explanation: &Explanation) -> Option<(String, Hit)> {
    let hit = |part: &Explanation| part.hits.first().map(|&(hit, _)| hit);
    let holds = |part: &&Explanation| part.matched == Some(true) && !matches!(part.op, "about" | "not");
    match explanation.op {
        "scope" if explanation.is_apart => {
            let inner = explanation.children.first()?;
            let telling = inner.children.iter().filter(holds).find_map(hit).or_else(|| hit(inner))?;
            Some((explanation.lacks.clone()?, telling))
        }
        "scope" => lacks_one(explanation.children.first()?),
        "or" => explanation.children.iter().find_map(lacks_one),
        "and" => {
            let mut lacking = explanation.children.iter().filter(|part| part.matched == Some(false));
            let telling = explanation.children.iter().filter(holds).find_map(hit);
            match (lacking.next(), lacking.next(), telling) {
                (Some(only), None, _) if only.op == "not" => None,
                (Some(only), None, Some(telling)) => Some((format!("`{}` is missing", only.query), telling)),
                (Some(only), None, None) => lacks_one(only),
                (None, _, Some(telling)) => Some((explanation.lacks.clone()?, telling)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn wrong_id(id: &str, known: &[DefinedTopic]) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.is_empty() || !id.chars().all(is_plain) {
        return Some(format!("`{id}` is no id of a topic: use small letters, digits and hyphens"));
    }
    if id == language::checked::ANY {
        return Some("`any` means every topic: give this one another id".to_owned());
    }
    if TOPICS.contains(&id) || known.iter().any(|topic| topic.id == id) {
        return Some(format!("there is a topic `{id}` already"));
    }
    None
}

/// A rule's query, with its place in the pack: the text between the quotes where that is the query to the letter.
fn query(file: &Defined<'_>, when: &Spanned<String>) -> QuerySource {
    let span = when.span();
    let text = when.as_ref().clone();
    let inner = [1, 3].into_iter().map(|quotes| span.start + quotes..span.end.saturating_sub(quotes));
    let exact = inner.into_iter().find(|inner| file.source.get(inner.clone()) == Some(text.as_str()));
    QuerySource { text, origin: file.origin.clone(), source: Arc::clone(file.source), span: exact.unwrap_or(span) }
}

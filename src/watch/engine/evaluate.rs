//! Does a query match an article, and what did it hit: the tree walked over the article, construct by construct.

use std::cell::OnceCell;

use chrono::{DateTime, Utc};

use super::{
    Hit,
    article::ArticleIndex,
    positions::{Region, Span, Steps, Undecided, count, inside, near},
    terms,
};
use crate::{
    article::{Article, Field, text::TextSpan},
    watch::{
        found::{ArmsDeal, PartyId},
        language::{
            checked::{ANY, CheckedNode, CheckedTerm, DEAL_TOPIC, LeaderTest, Question, ResolutionTest},
            question::{fold_line, folded_words, url_start},
            tree::Scope,
        },
    },
};

/// `lead:` reaches so many words into the body.
const LEAD_WORDS: u32 = 60;

/// A hit and the term that made it.
pub type Evidence<'q> = (Hit, &'q str);

/// What came of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict<'q> {
    /// Whether it holds.
    pub matched: bool,
    /// What made it hold.
    pub evidence: Vec<Evidence<'q>>,
    /// Of what it asked about topics; 1 where it asked nothing.
    pub confidence: f32,
}

impl<'q> Verdict<'q> {
    fn no() -> Self {
        Self { matched: false, evidence: Vec::new(), confidence: 1.0 }
    }

    fn plain(matched: bool) -> Self {
        Self { matched, evidence: Vec::new(), confidence: 1.0 }
    }

    fn of(evidence: Vec<Evidence<'q>>) -> Self {
        Self { matched: !evidence.is_empty(), evidence, confidence: 1.0 }
    }

    /// All of several that hold.
    fn all(verdicts: Vec<Self>) -> Self {
        let confidence = verdicts.iter().map(|v| v.confidence).fold(1.0, f32::min);
        Self { matched: true, evidence: verdicts.into_iter().flat_map(|v| v.evidence).collect(), confidence }
    }

    /// Any of several: those that hold.
    fn any(verdicts: Vec<Self>) -> Self {
        let held: Vec<Self> = verdicts.into_iter().filter(|v| v.matched).collect();
        let Some(confidence) = held.iter().map(|v| v.confidence).reduce(f32::max) else { return Self::no() };
        Self { matched: true, evidence: held.into_iter().flat_map(|v| v.evidence).collect(), confidence }
    }
}

/// The terms of all watches over one article; each is looked for once, and only when asked for.
pub struct TermHits<'a> {
    index: &'a ArticleIndex<'a>,
    terms: &'a [CheckedTerm],
    found: Vec<OnceCell<Vec<Hit>>>,
}

impl<'a> TermHits<'a> {
    /// Nothing looked for yet.
    pub fn new(index: &'a ArticleIndex<'a>, terms: &'a [CheckedTerm]) -> Self {
        Self { index, terms, found: terms.iter().map(|_| OnceCell::new()).collect() }
    }

    fn of(&self, term: usize) -> &[Hit] {
        self.found[term].get_or_init(|| terms::hits(&self.terms[term].pattern, self.index))
    }
}

/// Evaluates one query over one article.
pub struct Evaluator<'e, 'a> {
    /// The article.
    pub index: &'e ArticleIndex<'a>,
    /// Where terms stand.
    pub hits: &'e TermHits<'a>,
    /// What `published:` counts from.
    pub now: DateTime<Utc>,
    /// Of the query's own numbering, into `hits`.
    pub terms: &'e [usize],
    /// Whether another watch matched.
    pub watch_matches: &'e dyn Fn(&str) -> Result<bool, Undecided>,
    /// What is left to spend.
    pub steps: Steps,
}

/// Where and on what a node is evaluated.
#[derive(Clone)]
struct View<'a> {
    region: Region,
    /// The deal that deal terms speak of; any where there is none.
    deal: Option<&'a ArmsDeal>,
}

impl<'a> Evaluator<'_, 'a> {
    /// The answer.
    pub fn verdict(&self, root: &'a CheckedNode) -> Result<Verdict<'a>, Undecided> {
        self.node(root, &View { region: Region::whole(), deal: None })
    }

    fn node(&self, node: &'a CheckedNode, view: &View<'_>) -> Result<Verdict<'a>, Undecided> {
        self.steps.take(1)?;
        Ok(match node {
            CheckedNode::Term(term) => Verdict::of(self.term(*term, view)),
            CheckedNode::And { nodes, one_deal } => self.and(nodes, *one_deal, view)?,
            CheckedNode::Or(nodes) => Verdict::any(self.each(nodes, view)?),
            CheckedNode::Not(inner) => Verdict::plain(!self.node(inner, view)?.matched),
            CheckedNode::Near { .. } => {
                let spans = self.spans(node, view)?;
                Verdict::of(self.leaves_inside(node, &spans, view)?)
            }
            CheckedNode::Count(times, inner) => {
                let spans = self.spans(inner, view)?;
                if count(&spans) < *times as usize {
                    return Ok(Verdict::no());
                }
                Verdict::of(self.leaves_inside(inner, &spans, view)?)
            }
            CheckedNode::AtLeast(needed, nodes) => {
                let verdicts = self.each(nodes, view)?;
                if verdicts.iter().filter(|v| v.matched).count() < *needed as usize {
                    return Ok(Verdict::no());
                }
                Verdict::any(verdicts)
            }
            CheckedNode::Scope(scope, inner) => self.scope(*scope, inner, view)?,
            CheckedNode::About { written, question } => self.about(written, question, view)?,
        })
    }

    fn each(&self, nodes: &'a [CheckedNode], view: &View<'_>) -> Result<Vec<Verdict<'a>>, Undecided> {
        nodes.iter().map(|node| self.node(node, view)).collect()
    }

    fn and(&self, nodes: &'a [CheckedNode], one_deal: bool, view: &View<'_>) -> Result<Verdict<'a>, Undecided> {
        let deals = &self.index.findings.arms_deals;
        if !one_deal || view.deal.is_some() || deals.is_empty() {
            return self.all(nodes, view);
        }
        let of_each_deal = deals.iter().map(|deal| self.all(nodes, &View { deal: Some(deal), ..view.clone() }));
        Ok(Verdict::any(of_each_deal.collect::<Result<_, _>>()?))
    }

    fn all(&self, nodes: &'a [CheckedNode], view: &View<'_>) -> Result<Verdict<'a>, Undecided> {
        let mut verdicts = Vec::with_capacity(nodes.len());
        for node in nodes {
            let verdict = self.node(node, view)?;
            if !verdict.matched {
                return Ok(Verdict::no());
            }
            verdicts.push(verdict);
        }
        Ok(Verdict::all(verdicts))
    }

    fn term(&self, term: usize, view: &View<'_>) -> Vec<Evidence<'a>> {
        let term = self.terms[term];
        let written = self.hits.terms[term].written.as_str();
        view.region.of(self.hits.of(term)).map(|&hit| (hit, written)).collect()
    }

    /// Where a node with positions stands, sorted, each once.
    fn spans(&self, node: &'a CheckedNode, view: &View<'_>) -> Result<Vec<Span>, Undecided> {
        let mut spans: Vec<Span> = match node {
            CheckedNode::Term(term) => view.region.of(self.hits.of(self.terms[*term])).map(|&hit| hit.into()).collect(),
            CheckedNode::Or(nodes) => {
                let each = nodes.iter().map(|node| self.spans(node, view)).collect::<Result<Vec<_>, _>>()?;
                each.concat()
            }
            CheckedNode::Near { ordered, distance, left, right } => {
                let (left, right) = (self.spans(left, view)?, self.spans(right, view)?);
                near(&left, &right, *ordered, *distance, &self.steps)?
            }
            // The checker lets nothing else in here.
            _ => Vec::new(),
        };
        self.steps.take(spans.len())?;
        spans.sort_unstable();
        spans.dedup();
        Ok(spans)
    }

    fn leaves_inside(
        &self,
        node: &'a CheckedNode,
        spans: &[Span],
        view: &View<'_>,
    ) -> Result<Vec<Evidence<'a>>, Undecided> {
        let mut leaves = Vec::new();
        self.leaves(node, view, &mut leaves)?;
        Ok(inside(&leaves, spans))
    }

    /// Everything that the terms below hit, whatever comes of it.
    fn leaves(&self, node: &'a CheckedNode, view: &View<'_>, to: &mut Vec<Evidence<'a>>) -> Result<(), Undecided> {
        match node {
            CheckedNode::Term(term) => to.extend(self.term(*term, view)),
            CheckedNode::About { written, question } => to.extend(self.about(written, question, view)?.evidence),
            CheckedNode::And { nodes, .. } | CheckedNode::Or(nodes) | CheckedNode::AtLeast(_, nodes) => {
                nodes.iter().try_for_each(|node| self.leaves(node, view, to))?;
            }
            CheckedNode::Near { left, right, .. } => {
                self.leaves(left, view, to)?;
                self.leaves(right, view, to)?;
            }
            CheckedNode::Not(inner) | CheckedNode::Scope(_, inner) | CheckedNode::Count(_, inner) => {
                self.leaves(inner, view, to)?;
            }
        }
        self.steps.take(to.len())
    }

    fn scope(&self, scope: Scope, inner: &'a CheckedNode, view: &View<'_>) -> Result<Verdict<'a>, Undecided> {
        let within = |region: &Region| View { region: view.region.and(region), deal: view.deal };
        let parts = match scope {
            Scope::Title => return self.node(inner, &within(&Region::field(Field::Title))),
            Scope::Summary => return self.node(inner, &within(&Region::field(Field::Summary))),
            Scope::Body => return self.node(inner, &within(&Region::field(Field::Body))),
            Scope::Lead => return self.node(inner, &within(&Region::lead(LEAD_WORDS))),
            Scope::Sentence => self.index.sentences(),
            Scope::Paragraph => self.index.paragraphs(),
        };
        // What is positive needs a hit, so parts without one need no look.
        let mut leaves = Vec::new();
        self.leaves(inner, view, &mut leaves)?;
        let mut touched: Vec<usize> = leaves
            .iter()
            .map(|(hit, _)| parts.partition_point(|(field, places)| (*field, places.end) <= (hit.field, hit.first)))
            .collect();
        touched.sort_unstable();
        touched.dedup();
        let verdicts = touched
            .into_iter()
            .filter_map(|part| parts.get(part))
            .map(|(field, places)| self.node(inner, &within(&Region::part(*field, places.clone()))));
        Ok(Verdict::any(verdicts.collect::<Result<_, _>>()?))
    }

    fn about(&self, written: &'a str, question: &Question, view: &View<'_>) -> Result<Verdict<'a>, Undecided> {
        let article = self.index.article;
        let found = self.index.findings;
        let is_any = |values: &[String], actual: &str| values.iter().any(|value| value == actual);
        Ok(match question {
            Question::Lang(langs) => Verdict::plain(article.lang.is_some_and(|lang| langs.contains(&lang))),
            Question::Feed(ids) => Verdict::plain(article.feed.as_ref().is_some_and(|f| is_any(ids, f.id.as_str()))),
            Question::Tag(tags) => {
                let has =
                    |article: &Article| article.feed.as_ref().is_some_and(|f| f.tags.iter().any(|t| is_any(tags, t)));
                Verdict::plain(has(article))
            }
            Question::Author(names) => Verdict::plain(is_whole(names, &article.authors)),
            Question::Category(names) => Verdict::plain(is_whole(names, &article.categories)),
            Question::Url(starts) => Verdict::plain(article.url.as_ref().is_some_and(|url| {
                let url = url_start(url);
                starts.iter().any(|start| terms::wildcard_matches(&open_ended(start), &url))
            })),
            Question::Published(ages) => {
                let date = article.published.or(article.updated);
                Verdict::plain(date.is_some_and(|date| ages.iter().any(|age| age.holds(date, self.now))))
            }
            Question::Watch(ids) => {
                let mut matched = false;
                for id in ids {
                    matched |= (self.watch_matches)(id)?;
                }
                Verdict::plain(matched)
            }
            Question::Topic(ids) => {
                let topics = found.topics.iter().filter(|topic| is_any(ids, &topic.id) || is_any(ids, ANY));
                let spans = topics.map(|topic| match view.deal {
                    Some(deal) if topic.id == DEAL_TOPIC => (&deal.spans, deal.confidence),
                    _ => (&topic.spans, topic.confidence),
                });
                self.found(written, spans, view)
            }
            Question::Supplier(_) | Question::Recipient(_) | Question::Status(_) | Question::Item(_) => {
                let fits = |deal: &&ArmsDeal| is_of_deal(question, deal);
                let spans = |deal: &'a ArmsDeal| (&deal.spans, deal.confidence);
                match view.deal {
                    Some(deal) if fits(&deal) => self.found(written, [(&deal.spans, deal.confidence)], view),
                    Some(_) => Verdict::no(),
                    None => self.found(written, found.arms_deals.iter().filter(fits).map(spans), view),
                }
            }
            Question::Resolution(tests) => {
                let resolutions = found.resolutions.iter().filter(|resolution| {
                    tests.iter().any(|test| match test {
                        ResolutionTest::Any => true,
                        ResolutionTest::Number(number) => resolution.number == Some(*number),
                        ResolutionTest::Status(status) => resolution.status == *status,
                    })
                });
                self.found(written, resolutions.map(|r| (&r.spans, r.confidence)), view)
            }
            Question::Leader(tests) => {
                let leaders = found.leaders.iter().filter(|leader| {
                    tests.iter().any(|test| match test {
                        LeaderTest::Any => true,
                        LeaderTest::Id(id) => leader.id == *id,
                        LeaderTest::Name(name) => folded_words(&leader.name) == *name,
                        LeaderTest::Country(country) => is_party(country, &leader.country),
                    })
                });
                self.found(written, leaders.map(|leader| (&leader.spans, 1.0)), view)
            }
            Question::Country(ids) => {
                let countries = found.countries.iter().filter(|c| ids.iter().any(|id| is_party(id, &c.id)));
                self.found(written, countries.map(|country| (&country.spans, 1.0)), view)
            }
        })
    }

    /// What was found, where it lies in view.
    fn found<'f>(
        &self,
        written: &'a str,
        spans: impl IntoIterator<Item = (&'f Vec<TextSpan>, f32)>,
        view: &View<'_>,
    ) -> Verdict<'a> {
        let verdicts = spans.into_iter().map(|(spans, confidence)| {
            let hits = spans.iter().filter_map(|&span| terms::hit_of(span, self.index));
            let evidence = hits.filter(|hit| view.region.holds(hit)).map(|hit| (hit, written)).collect();
            Verdict { confidence, ..Verdict::of(evidence) }
        });
        Verdict::any(verdicts.collect())
    }
}

fn is_of_deal(question: &Question, deal: &ArmsDeal) -> bool {
    let has =
        |ids: &[String], parties: &[PartyId]| ids.iter().any(|id| parties.iter().any(|party| is_party(id, party)));
    match question {
        Question::Supplier(ids) => has(ids, &deal.supplier),
        Question::Recipient(ids) => has(ids, &deal.recipient),
        Question::Status(statuses) => statuses.contains(&deal.status),
        Question::Item(names) => deal.items.iter().any(|item| {
            let (name, category) = (folded_words(&item.name), folded_words(&item.category));
            names.iter().any(|wanted| *wanted == name || *wanted == category)
        }),
        _ => false,
    }
}

fn is_party(id: &str, party: &PartyId) -> bool {
    id == ANY || id.eq_ignore_ascii_case(&party.0)
}

/// Whether one of an article's values, whole, is one of those asked for.
fn is_whole(wanted: &[String], values: &[String]) -> bool {
    values.iter().any(|value| {
        let value = fold_line(value);
        wanted.iter().any(|pattern| terms::wildcard_matches(&pattern.chars().collect::<Vec<_>>(), &value))
    })
}

/// `url:` compares from the start, so the end is open.
fn open_ended(start: &str) -> Vec<char> {
    start.chars().chain(['*']).collect()
}

#[cfg(test)]
mod tests;

//! Does a query match an article, and what did it hit: the tree walked over the article, construct by construct.

use chrono::{DateTime, Utc};

use super::{
    Hit,
    article::ArticleIndex,
    code::{Node, Nodes, Tree},
    literals::Key,
    positions::{Region, Span, Steps, Undecided, count, inside, near, near_widest},
    postings::{Postings, hit_of},
    shelf::Shelf,
    wildcard::star_matches,
};
use crate::{
    article::{Article, Field, text::TextSpan},
    watch::{
        found::{ArmsDeal, PartyId},
        language::{
            checked::{ANY, DEAL_TOPIC, LeaderTest, Question, ResolutionTest},
            question::{fold_line, folded_words, url_start},
            tree::Scope,
        },
        topic::TOPICS,
    },
};

/// `lead:` reaches so many words into the body.
const LEAD_WORDS: u32 = 60;

/// A hit and the leaf of the query that made it; [`Shelf::written`] names that.
pub type Evidence = (Hit, Key);

/// What came of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Whether it holds.
    pub matched: bool,
    /// What made it hold.
    pub evidence: Vec<Evidence>,
    /// Of what it asked about topics; 1 where it asked nothing.
    pub confidence: f32,
}

/// How sure it is that a node holds; `None` where it does not.
type Held = Option<f32>;

/// Sure of what is not a matter of topics.
const SURE: Held = Some(1.0);

fn held_if(holds: bool) -> Held {
    if holds { SURE } else { None }
}

/// Whether another watch matches.
pub trait Referred {
    /// By its id; false where there is none.
    ///
    /// # Errors
    /// That it ran out of its steps.
    fn matches(&self, id: &str) -> Result<bool, Undecided>;
}

/// Evaluates one query over one article.
pub struct Evaluator<'e, 'a> {
    /// The shelf that the query stands on.
    pub shelf: &'a Shelf,
    /// Where its terms stand in the article.
    pub postings: &'e Postings<'a>,
    /// The other watches.
    pub watches: &'e dyn Referred,
    /// The wall clock.
    pub now: DateTime<Utc>,
    /// What is left to spend.
    pub steps: Steps,
}

/// Where and on what a node is evaluated.
#[derive(Clone)]
pub struct View<'a> {
    /// The part of the article that is looked at.
    pub region: Region,
    /// The deal that deal terms speak of; any where there is none.
    pub deal: Option<&'a ArmsDeal>,
}

impl View<'_> {
    /// All of the article, and every deal.
    pub fn whole() -> Self {
        Self { region: Region::whole(), deal: None }
    }
}

impl<'a> Evaluator<'_, 'a> {
    /// The answer.
    pub fn verdict(&self, root: Tree<'a>) -> Result<Verdict, Undecided> {
        self.part(root, &View::whole())
    }

    /// The same with all its steps to spend.
    pub fn refreshed(&self) -> Self {
        Self { steps: Steps::default(), ..*self }
    }

    /// The answer of a part of the query, in one view of the article.
    pub fn part(&self, tree: Tree<'a>, view: &View<'_>) -> Result<Verdict, Undecided> {
        let mut evidence = Vec::new();
        let held = self.node(tree, view, &mut evidence)?;
        Ok(Verdict { matched: held.is_some(), evidence, confidence: held.unwrap_or(1.0) })
    }

    fn index(&self) -> &'a ArticleIndex<'a> {
        self.postings.index
    }

    /// Puts what makes a node hold behind `evidence`; nothing where it does not.
    fn node(&self, tree: Tree<'a>, view: &View<'_>, evidence: &mut Vec<Evidence>) -> Result<Held, Undecided> {
        self.steps.take(1)?;
        Ok(match tree.node() {
            Node::Term(term) => held_if(self.term(term, view, evidence)?),
            Node::And { nodes, one_deal } => self.and(nodes, one_deal, view, evidence)?,
            Node::Or(nodes) => self.some_of(nodes, 1, view, evidence)?,
            Node::AtLeast(needed, nodes) => self.some_of(nodes, needed, view, evidence)?,
            Node::Not(inner) => {
                let mark = evidence.len();
                let held = self.node(inner, view, evidence)?;
                evidence.truncate(mark);
                held_if(held.is_none())
            }
            Node::Near { ordered, distance, left, right } => {
                let (left, right) = (self.spans(left, view)?, self.spans(right, view)?);
                let spans = match near_widest(&left, &right, ordered, distance) {
                    Some(spans) => spans,
                    None => near(&left, &right, ordered, distance, &self.steps)?,
                };
                held_if(self.leaves_inside(tree, &spans, view, evidence)?)
            }
            Node::Count(times, inner) => {
                let spans = self.spans(inner, view)?;
                if count(&spans) < times as usize {
                    return Ok(None);
                }
                held_if(self.leaves_inside(inner, &spans, view, evidence)?)
            }
            Node::Scope(scope, inner) => self.scope(scope, inner, view, evidence)?,
            Node::About(question) => self.about(question, view, evidence)?,
        })
    }

    /// At least so many of several; all that hold are evidence, and the surest counts.
    fn some_of(
        &self,
        nodes: Nodes<'a>,
        needed: u32,
        view: &View<'_>,
        evidence: &mut Vec<Evidence>,
    ) -> Result<Held, Undecided> {
        let mark = evidence.len();
        let (mut holding, mut surest, mut undecided) = (0, None, None);
        for node in nodes {
            let before = evidence.len();
            match self.node(node, view, evidence) {
                Ok(held) => {
                    holding += u32::from(held.is_some());
                    surest = surer(surest, held);
                }
                // The others may decide without it.
                Err(why) => {
                    evidence.truncate(before);
                    undecided = Some(why);
                }
            }
        }
        match undecided {
            _ if holding >= needed => Ok(surest),
            Some(why) => Err(why),
            None => {
                evidence.truncate(mark);
                Ok(None)
            }
        }
    }

    fn and(
        &self,
        nodes: Nodes<'a>,
        one_deal: bool,
        view: &View<'_>,
        evidence: &mut Vec<Evidence>,
    ) -> Result<Held, Undecided> {
        if !one_deal || view.deal.is_some() {
            return self.all(nodes, view, evidence);
        }
        let deals = &self.index().findings.get().arms_deals;
        if deals.is_empty() {
            return self.all(nodes, view, evidence);
        }
        let mut surest = None;
        for deal in deals {
            let of_deal = View { deal: Some(deal), ..view.clone() };
            surest = surer(surest, self.all(nodes, &of_deal, evidence)?);
        }
        Ok(surest)
    }

    /// All of several; none is surer than the least sure.
    fn all(&self, nodes: Nodes<'a>, view: &View<'_>, evidence: &mut Vec<Evidence>) -> Result<Held, Undecided> {
        let mark = evidence.len();
        let (mut least, mut undecided) = (1.0f32, None);
        for node in nodes {
            match self.node(node, view, evidence) {
                Ok(Some(confidence)) => least = least.min(confidence),
                Ok(None) => {
                    evidence.truncate(mark);
                    return Ok(None);
                }
                // Another part that does not hold would decide.
                Err(why) => undecided = Some(why),
            }
        }
        undecided.map_or(Ok(Some(least)), Err)
    }

    fn term(&self, term: u32, view: &View<'_>, evidence: &mut Vec<Evidence>) -> Result<bool, Undecided> {
        // Most names of a long list are not there.
        if !self.postings.has(term) {
            return Ok(false);
        }
        let mark = evidence.len();
        self.postings.each_hit(term, &view.region, |hit| evidence.push((hit, Key::Term(term))));
        self.steps.take(evidence.len() - mark)?;
        Ok(evidence.len() > mark)
    }

    /// Where a node with positions stands, sorted, each once.
    pub fn spans(&self, tree: Tree<'a>, view: &View<'_>) -> Result<Vec<Span>, Undecided> {
        let mut spans: Vec<Span> = Vec::new();
        match tree.node() {
            Node::Term(term) if !self.postings.has(term) => {}
            Node::Term(term) => self.postings.each_hit(term, &view.region, |hit| spans.push(hit.into())),
            Node::Or(nodes) => {
                for node in nodes {
                    spans.extend(self.spans(node, view)?);
                }
            }
            Node::Near { ordered, distance, left, right } => {
                let (left, right) = (self.spans(left, view)?, self.spans(right, view)?);
                spans = near(&left, &right, ordered, distance, &self.steps)?;
            }
            // The checker lets nothing else in here.
            _ => {}
        }
        self.steps.take(spans.len())?;
        if !spans.is_sorted_by(|a, b| a < b) {
            spans.sort_unstable();
            spans.dedup();
        }
        Ok(spans)
    }

    fn leaves_inside(
        &self,
        tree: Tree<'a>,
        spans: &[Span],
        view: &View<'_>,
        evidence: &mut Vec<Evidence>,
    ) -> Result<bool, Undecided> {
        if spans.is_empty() {
            return Ok(false);
        }
        let mut leaves = Vec::new();
        self.leaves(tree, view, &mut leaves)?;
        let mark = evidence.len();
        evidence.extend(inside(&leaves, spans));
        Ok(evidence.len() > mark)
    }

    /// Everything that the terms below hit, whatever comes of it.
    fn leaves(&self, tree: Tree<'a>, view: &View<'_>, to: &mut Vec<Evidence>) -> Result<(), Undecided> {
        match tree.node() {
            Node::Term(term) => _ = self.term(term, view, to)?,
            Node::About(question) => _ = self.about(question, view, to)?,
            Node::And { nodes, .. } | Node::Or(nodes) | Node::AtLeast(_, nodes) => {
                for node in nodes {
                    self.leaves(node, view, to)?;
                }
            }
            Node::Near { left, right, .. } => {
                self.leaves(left, view, to)?;
                self.leaves(right, view, to)?;
            }
            Node::Not(inner) | Node::Scope(_, inner) | Node::Count(_, inner) => self.leaves(inner, view, to)?,
        }
        self.steps.take(1)
    }

    fn scope(
        &self,
        scope: Scope,
        inner: Tree<'a>,
        view: &View<'_>,
        evidence: &mut Vec<Evidence>,
    ) -> Result<Held, Undecided> {
        let within = |region: &Region| View { region: view.region.and(region), deal: view.deal };
        if let Some(region) = scope.region() {
            return self.node(inner, &within(&region), evidence);
        }
        let parts = match scope {
            Scope::Paragraph => self.index().paragraphs(),
            _ => self.index().sentences(),
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
        let mut surest = None;
        for (field, places) in touched.into_iter().filter_map(|part| parts.get(part)) {
            let part = within(&Region::part(*field, places.clone()));
            surest = surer(surest, self.node(inner, &part, evidence)?);
        }
        Ok(surest)
    }

    /// Whether a question is answered with yes for the whole article.
    pub fn holds(&self, question: u32) -> Result<bool, Undecided> {
        Ok(self.about(question, &View::whole(), &mut Vec::new())?.is_some())
    }

    fn about(&self, question: u32, view: &View<'_>, evidence: &mut Vec<Evidence>) -> Result<Held, Undecided> {
        let leaf = Key::Question(question);
        let (_, question) = &self.shelf.questions[question as usize];
        let article = self.index().article;
        let found = || self.index().findings.get();
        let is_any = |values: &[String], actual: &str| values.iter().any(|value| value == actual);
        Ok(match question {
            Question::Lang(langs) => held_if(article.lang.is_some_and(|lang| langs.contains(&lang))),
            Question::Feed(ids) => held_if(article.feed.as_ref().is_some_and(|f| is_any(ids, f.id.as_str()))),
            Question::Tag(tags) => {
                let has =
                    |article: &Article| article.feed.as_ref().is_some_and(|f| f.tags.iter().any(|t| is_any(tags, t)));
                held_if(has(article))
            }
            Question::Author(names) => held_if(is_whole(names, &article.authors)),
            Question::Category(names) => held_if(is_whole(names, &article.categories)),
            Question::Url(starts) => held_if(article.url.as_ref().is_some_and(|url| {
                let url = url_start(url);
                starts.iter().any(|start| star_matches(&format!("{start}*"), &url))
            })),
            Question::Published(ages) => {
                let date = article.published.or(article.updated);
                held_if(date.is_some_and(|date| ages.iter().any(|age| age.holds(date, self.now))))
            }
            Question::Watch(ids) => {
                let (mut matched, mut undecided) = (false, None);
                for id in ids {
                    match self.watches.matches(id) {
                        Ok(answer) => matched |= answer,
                        Err(why) => undecided = Some(why),
                    }
                }
                match undecided {
                    Some(why) if !matched => return Err(why),
                    _ => held_if(matched),
                }
            }
            Question::Topic(ids) => {
                // Those that packs define are found only where somebody asks for them.
                let is_defined = ids.iter().any(|id| id == ANY || !TOPICS.contains(&id.as_str()));
                let defined = if is_defined { self.index().findings.defined() } else { &[] };
                let topics =
                    found().topics.iter().chain(defined).filter(|topic| is_any(ids, &topic.id) || is_any(ids, ANY));
                let spans = topics.map(|topic| match view.deal {
                    Some(deal) if topic.id == DEAL_TOPIC => (&deal.spans, deal.confidence),
                    _ => (&topic.spans, topic.confidence),
                });
                self.found(leaf, spans, view, evidence)
            }
            Question::Supplier(_) | Question::Recipient(_) | Question::Status(_) | Question::Item(_) => {
                let fits = |deal: &&ArmsDeal| is_of_deal(question, deal);
                let spans = |deal: &'a ArmsDeal| (&deal.spans, deal.confidence);
                match view.deal {
                    Some(deal) if fits(&deal) => self.found(leaf, [(&deal.spans, deal.confidence)], view, evidence),
                    Some(_) => None,
                    None => self.found(leaf, found().arms_deals.iter().filter(fits).map(spans), view, evidence),
                }
            }
            Question::Resolution(tests) => {
                let resolutions = found().resolutions.iter().filter(|resolution| {
                    tests.iter().any(|test| match test {
                        ResolutionTest::Any => true,
                        ResolutionTest::Number(number) => resolution.number == Some(*number),
                        ResolutionTest::Status(status) => resolution.status == *status,
                    })
                });
                self.found(leaf, resolutions.map(|r| (&r.spans, r.confidence)), view, evidence)
            }
            Question::Leader(tests) => {
                let leaders = found().leaders.iter().filter(|leader| {
                    tests.iter().any(|test| match test {
                        LeaderTest::Any => true,
                        LeaderTest::Id(id) => leader.id == *id,
                        LeaderTest::Name(name) => folded_words(&leader.name) == *name,
                        LeaderTest::Country(country) => is_party(country, &leader.country),
                    })
                });
                self.found(leaf, leaders.map(|leader| (&leader.spans, 1.0)), view, evidence)
            }
            Question::Country(ids) => {
                let countries = found().countries.iter().filter(|c| ids.iter().any(|id| is_party(id, &c.id)));
                self.found(leaf, countries.map(|country| (&country.spans, 1.0)), view, evidence)
            }
        })
    }

    /// What was found, where it lies in view.
    fn found<'f>(
        &self,
        leaf: Key,
        spans: impl IntoIterator<Item = (&'f Vec<TextSpan>, f32)>,
        view: &View<'_>,
        evidence: &mut Vec<Evidence>,
    ) -> Held {
        let mut surest = None;
        for (spans, confidence) in spans {
            let mark = evidence.len();
            let hits = spans.iter().map(|&span| hit_of(span, self.index()));
            evidence.extend(hits.filter(|hit| view.region.holds(hit)).map(|hit| (hit, leaf)));
            if evidence.len() > mark {
                surest = surer(surest, Some(confidence));
            }
        }
        surest
    }
}

/// The surer of two that may hold.
fn surer(a: Held, b: Held) -> Held {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
}

impl Scope {
    /// The part of the article that it is, where there is one of it only.
    pub fn region(self) -> Option<Region> {
        match self {
            Self::Title => Some(Region::field(Field::Title)),
            Self::Summary => Some(Region::field(Field::Summary)),
            Self::Body => Some(Region::field(Field::Body)),
            Self::Lead => Some(Region::lead(LEAD_WORDS)),
            Self::Sentence | Self::Paragraph => None,
        }
    }
}

/// Whether a deal is what a question about deals asks for.
pub fn is_of_deal(question: &Question, deal: &ArmsDeal) -> bool {
    let has =
        |ids: &[String], parties: &[PartyId]| ids.iter().any(|id| parties.iter().any(|party| is_party(id, party)));
    match question {
        Question::Supplier(ids) => has(ids, &deal.supplier),
        Question::Recipient(ids) => has(ids, &deal.recipient),
        Question::Status(statuses) => statuses.contains(&deal.status),
        Question::Item(names) => deal.items.iter().chain(&deal.looser).any(|item| {
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
        wanted.iter().any(|pattern| star_matches(pattern, &value))
    })
}

#[cfg(test)]
mod tests;

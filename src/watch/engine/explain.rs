//! Why a query matches an article or not: its tree again, each node with what came of it, what it hit and what it lacked.
//!
//! The answers are those of `evaluate`, asked node by node; nothing is decided here.

use super::{
    Hit,
    code::{Node as Code, Nodes, Tree},
    evaluate::{Evaluator, Evidence, Verdict, View, is_of_deal},
    positions::{Region, count, nearest},
};
use crate::{
    article::text::TextSpan,
    watch::{
        found::ArmsDeal,
        language::{
            checked::{DEAL_TOPIC, Question},
            print::print_node,
            tree::{Node, NodeKind, Scope},
        },
    },
};

/// A part of a query and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What kind of part it is: `term`, `and`, `or`, `not`, `near`, `scope`, `count`, `at-least`, `about`.
    pub op: &'static str,
    /// The part as a query.
    pub query: String,
    /// Whether it holds; `None` where that could not be told within the steps a watch has.
    pub matched: Option<bool>,
    /// What made it hold; for a NOT that does not, what vetoed it.
    pub hits: Vec<Evidence>,
    /// Why it does not hold.
    pub lacks: Option<String>,
    /// Whether each of its parts holds somewhere, but not all together.
    pub is_apart: bool,
    /// The rule that made a topic fire.
    pub rule: Option<String>,
    /// Which deals, resolutions or leaders made it hold, with the sentence that shows them.
    pub found: Vec<String>,
    /// Its parts.
    pub children: Vec<Explanation>,
}

/// Explains the query `tree`, whose syntax is `node`.
pub fn explain<'a>(evaluator: &Evaluator<'_, 'a>, node: &Node, tree: Tree<'a>) -> Explanation {
    Explainer { evaluator }.node(node, tree, &View::whole())
}

struct Explainer<'e, 'a> {
    evaluator: &'e Evaluator<'e, 'a>,
}

impl<'a> Explainer<'_, 'a> {
    fn node(&self, node: &Node, tree: Tree<'a>, view: &View<'_>) -> Explanation {
        let verdict = self.evaluator.refreshed().part(tree, view);
        let mut explained = Explanation {
            op: op(&node.kind),
            query: print_node(node),
            matched: verdict.as_ref().ok().map(|verdict| verdict.matched),
            hits: verdict.as_ref().map_or(Vec::new(), |verdict| verdict.evidence.clone()),
            lacks: None,
            is_apart: false,
            rule: None,
            found: Vec::new(),
            children: Vec::new(),
        };
        match (&node.kind, tree.node()) {
            (NodeKind::Term(_), Code::Term(_)) if explained.matched == Some(false) => {
                explained.lacks = Some(self.why_no_hit(tree, view));
            }
            (NodeKind::And(parts), Code::And { nodes, one_deal }) => {
                let deal = if one_deal && view.deal.is_none() { self.best_deal(nodes, view) } else { None };
                let inner = View { region: view.region.clone(), deal: deal.or(view.deal) };
                explained.children = self.each(parts, nodes, &inner);
                if explained.matched == Some(false) {
                    let hold_somewhere = || self.each(parts, nodes, view).iter().all(Explanation::holds);
                    explained.is_apart = deal.is_some() && hold_somewhere();
                    explained.lacks = Some(match explained.is_apart {
                        true => "no one deal has all of it".to_owned(),
                        false => missing(&explained.children),
                    });
                }
            }
            (NodeKind::Or(parts), Code::Or(nodes)) => {
                explained.children = self.each(parts, nodes, view);
                if explained.matched == Some(false) {
                    explained.lacks = Some("none of these holds".to_owned());
                }
            }
            (NodeKind::AtLeast(needed, parts), Code::AtLeast(_, nodes)) => {
                explained.children = self.each(parts, nodes, view);
                if explained.matched == Some(false) {
                    let held = explained.children.iter().filter(|child| child.holds()).count();
                    explained.lacks = Some(format!("{held} of {} hold, {needed} are needed", parts.len()));
                }
            }
            (NodeKind::Not(part), Code::Not(inner)) => {
                let child = self.node(part, inner, view);
                if child.holds() {
                    explained.hits = child.hits.clone();
                    explained.lacks = Some("what is not wanted is there".to_owned());
                }
                explained.children.push(child);
            }
            (NodeKind::Near { distance, .. }, Code::Near { left, right, .. }) => {
                self.near(node, (left, right), *distance, view, &mut explained);
            }
            (NodeKind::Count(times, part), Code::Count(_, inner)) => {
                if let (Some(false), Ok(spans)) = (explained.matched, self.evaluator.refreshed().spans(inner, view)) {
                    explained.lacks = Some(match count(&spans) {
                        0 => format!("it is not in the text, {times} times are needed"),
                        1 => format!("it is there once, {times} times are needed"),
                        n => format!("it is there {n} times, {times} are needed"),
                    });
                }
                explained.children.push(self.node(part, inner, view));
            }
            (NodeKind::Scope(scope, part), Code::Scope(_, inner)) => {
                self.scope(*scope, part, inner, view, &mut explained)
            }
            (NodeKind::About(..), Code::About(question)) => self.about(question, view, &mut explained),
            // The tree was made of this syntax.
            _ => {}
        }
        explained
    }

    fn each(&self, parts: &[Node], nodes: Nodes<'a>, view: &View<'_>) -> Vec<Explanation> {
        parts.iter().zip(nodes).map(|(part, tree)| self.node(part, tree, view)).collect()
    }

    fn why_no_hit(&self, tree: Tree<'a>, view: &View<'_>) -> String {
        let elsewhere = self.evaluator.refreshed().part(tree, &View { region: Region::whole(), deal: view.deal });
        match elsewhere {
            Ok(Verdict { evidence, .. }) if !evidence.is_empty() => {
                let (hit, _) = evidence[0];
                format!("it stands in the {}, but not in this part", hit.field.as_str())
            }
            _ => match self.nearly(tree) {
                Some(word) => format!("it is not in the text, though “{word}” is"),
                None => "it is not in the text".to_owned(),
            },
        }
    }

    /// A word of the article that begins as a single word of the query does, and so was perhaps meant.
    fn nearly(&self, tree: Tree<'a>) -> Option<&'a str> {
        let Code::Term(term) = tree.node() else { return None };
        let wanted = self.evaluator.shelf.terms.single_word(term)?;
        let length = wanted.chars().count();
        let begins_alike = |word: &str| {
            let alike = wanted.chars().zip(word.chars()).take_while(|(a, b)| a == b).count();
            alike >= NEARLY_CHARS_MIN && alike + 2 >= length && word.chars().count() <= length + 4
        };
        let forms = &self.evaluator.postings.index.forms;
        forms.iter().find(|form| begins_alike(&form.folded)).map(|form| &*form.exact)
    }

    fn near(
        &self,
        node: &Node,
        (left, right): (Tree<'a>, Tree<'a>),
        distance: u32,
        view: &View<'_>,
        explained: &mut Explanation,
    ) {
        let NodeKind::Near { ordered, left: left_part, right: right_part, .. } = &node.kind else { return };
        explained.children = vec![self.node(left_part, left, view), self.node(right_part, right, view)];
        if explained.matched != Some(false) {
            return;
        }
        let spans = (self.evaluator.refreshed().spans(left, view), self.evaluator.refreshed().spans(right, view));
        let nearest = match spans {
            (Ok(left), Ok(right)) if !left.is_empty() && !right.is_empty() => Some(nearest(&left, &right, *ordered)),
            _ => None,
        };
        explained.is_apart = nearest.is_some();
        explained.lacks = Some(match nearest {
            Some(Some(places)) => format!("they come no nearer than {places} words, {distance} are allowed"),
            Some(None) if *ordered => "they never stand in this order in one part of the article".to_owned(),
            Some(None) => "they stand in different parts of the article".to_owned(),
            None => missing(&explained.children),
        });
    }

    fn scope(&self, scope: Scope, part: &Node, inner: Tree<'a>, view: &View<'_>, explained: &mut Explanation) {
        let within = |region: Region| View { region: view.region.and(&region), deal: view.deal };
        let best = match scope.region() {
            Some(region) => Some(within(region)),
            None => self.best_part(scope, part, inner, view),
        };
        match best {
            Some(inner_view) => explained.children.push(self.node(part, inner, &inner_view)),
            None => explained.children.push(self.node(part, inner, view)),
        }
        if explained.matched == Some(false) {
            explained.is_apart =
                scope.region().is_none() && self.evaluator.refreshed().part(inner, view).is_ok_and(|v| v.matched);
            explained.lacks = Some(match explained.is_apart {
                true => format!("all of it is there, but in no one {}", scope.as_str()),
                false => missing(&explained.children),
            });
        }
    }

    /// The sentence or paragraph that holds, or else has most of what is asked for.
    fn best_part<'v>(&self, scope: Scope, part: &Node, inner: Tree<'a>, view: &View<'v>) -> Option<View<'v>> {
        let index = self.evaluator.postings.index;
        let parts = if scope == Scope::Sentence { index.sentences() } else { index.paragraphs() };
        let mut best: Option<((bool, usize), View<'v>)> = None;
        for (field, places) in parts.iter().take(PARTS_EXPLAINED_MAX) {
            let region = view.region.and(&Region::part(*field, places.clone()));
            let inner_view = View { region, deal: view.deal };
            let Ok(verdict) = self.evaluator.refreshed().part(inner, &inner_view) else { continue };
            let held = match (&part.kind, inner.node()) {
                (NodeKind::And(_), Code::And { nodes, .. }) => nodes
                    .filter(|&node| {
                        self.evaluator
                            .refreshed()
                            .part(node, &inner_view)
                            .is_ok_and(|v| v.matched && !v.evidence.is_empty())
                    })
                    .count(),
                _ => usize::from(verdict.matched),
            };
            let worth = (verdict.matched, held);
            if held > 0 && best.as_ref().is_none_or(|(best, _)| worth > *best) {
                best = Some((worth, inner_view));
            }
        }
        best.map(|(_, view)| view)
    }

    /// The deal of which most holds.
    fn best_deal(&self, nodes: Nodes<'a>, view: &View<'_>) -> Option<&'a ArmsDeal> {
        let deals = &self.evaluator.postings.index.findings.get().arms_deals;
        let held = |deal: &ArmsDeal| {
            let view = View { region: view.region.clone(), deal: Some(deal) };
            nodes
                .filter(|&node| self.evaluator.refreshed().part(node, &view).is_ok_and(|verdict| verdict.matched))
                .count()
        };
        // The first of equals: deals stand with the surest first.
        deals.iter().rev().max_by_key(|deal| held(deal))
    }

    fn about(&self, question: u32, view: &View<'_>, explained: &mut Explanation) {
        let index = self.evaluator.postings.index;
        let (article, question) = (index.article, &self.evaluator.shelf.questions[question as usize].1);
        let said = |what: &str, values: Vec<&str>| match values.as_slice() {
            [] => format!("{what}: none"),
            values => format!("{what}: {}", values.join(", ")),
        };
        let feed = article.feed.as_ref();
        let findings = || index.findings.get();
        let topics = || findings().topics.iter().chain(index.findings.defined());
        if let (Some(true), Question::Topic(_)) = (explained.matched, question) {
            let is_this = |hit: &Hit| explained.hits.iter().any(|(other, _)| other == hit);
            let topic = topics().find(|topic| {
                let mut hits = topic.spans.iter().map(|&span| super::postings::hit_of(span, index));
                hits.any(|hit| is_this(&hit)) || topic.id == DEAL_TOPIC && view.deal.is_some()
            });
            explained.rule = topic.map(|topic| topic.rule.clone());
        }
        if explained.matched != Some(false) {
            explained.found = self.what_was_found(question, view);
            return;
        }
        explained.lacks = Some(match question {
            Question::Lang(_) => match article.lang {
                Some(lang) => format!("the article is in `{lang}`"),
                None => "nobody can tell the article's language".to_owned(),
            },
            Question::Feed(_) => said("its feed", feed.map(|feed| feed.id.as_str()).into_iter().collect()),
            Question::Tag(_) => {
                said("its feed's tags", feed.map_or(Vec::new(), |feed| feed.tags.iter().map(String::as_str).collect()))
            }
            Question::Author(_) => said("its authors", article.authors.iter().map(String::as_str).collect()),
            Question::Category(_) => said("its categories", article.categories.iter().map(String::as_str).collect()),
            Question::Url(_) => said("its address", article.url.as_deref().into_iter().collect()),
            Question::Published(_) => match article.published.or(article.updated) {
                Some(date) => format!("its date is {}", date.format("%Y-%m-%dT%H:%M:%SZ")),
                None => "it has no date".to_owned(),
            },
            Question::Watch(_) => "that watch does not match".to_owned(),
            Question::Topic(ids) => {
                let fired = said("topics that fired", topics().map(|topic| topic.id.as_str()).collect());
                let near = findings().near.iter().find(|miss| ids.contains(&miss.topic));
                match near {
                    Some(miss) => format!(
                        "{}: “{}”; {fired}",
                        miss.lacks,
                        index.text.field(miss.evidence.field).slice(miss.evidence)
                    ),
                    None => fired,
                }
            }
            Question::Country(_) => {
                said("countries named", findings().countries.iter().map(|country| &*country.id.0).collect())
            }
            Question::Leader(_) => {
                said("leaders named", findings().leaders.iter().map(|leader| leader.name.as_str()).collect())
            }
            Question::Resolution(_) => {
                let shown: Vec<String> = findings().resolutions.iter().map(shown_resolution).collect();
                said("resolutions", shown.iter().map(String::as_str).collect())
            }
            Question::Supplier(_) | Question::Recipient(_) | Question::Status(_) | Question::Item(_) => {
                let deals = view.deal.map_or(findings().arms_deals.as_slice(), std::slice::from_ref);
                let shown: Vec<String> = deals.iter().map(shown_deal).collect();
                said("deals", shown.iter().map(String::as_str).collect())
            }
        });
    }
}

impl Explainer<'_, '_> {
    /// The deals, resolutions and leaders behind a question that holds.
    fn what_was_found(&self, question: &Question, view: &View<'_>) -> Vec<String> {
        let index = self.evaluator.postings.index;
        let findings = index.findings.get();
        let sentence = |shown: String, span: TextSpan| {
            let words = index.text.field(span.field).slice(span).split_whitespace().collect::<Vec<_>>().join(" ");
            format!("{shown}: {words}")
        };
        let asks = |topic: &str| matches!(question, Question::Topic(ids) if ids.iter().any(|id| id == topic));
        if question.is_of_deal() || asks(DEAL_TOPIC) {
            let deals = view.deal.map_or(findings.arms_deals.as_slice(), std::slice::from_ref);
            let fits = deals.iter().filter(|deal| asks(DEAL_TOPIC) || is_of_deal(question, deal));
            let by = |deal: &ArmsDeal| {
                let span = deal.spans.first().copied();
                span.map_or(String::new(), |span| format!(" by “{}”", index.text.field(span.field).slice(span)))
            };
            return fits.map(|deal| sentence(shown_deal(deal) + &by(deal), deal.evidence)).collect();
        }
        if matches!(question, Question::Resolution(_)) || asks(RESOLUTION_TOPIC) {
            let resolutions = findings.resolutions.iter();
            return resolutions.map(|found| sentence(shown_resolution(found), found.evidence)).collect();
        }
        if matches!(question, Question::Leader(_)) {
            return findings.leaders.iter().map(|leader| leader.name.clone()).collect();
        }
        Vec::new()
    }
}

/// Words that have fewer letters in common are not alike.
const NEARLY_CHARS_MIN: usize = 4;

/// The topic whose detector gives resolutions.
const RESOLUTION_TOPIC: &str = "unsc-resolution";

/// Of longer articles, the first so many sentences or paragraphs are tried for which comes nearest.
const PARTS_EXPLAINED_MAX: usize = 2000;

impl Explanation {
    fn holds(&self) -> bool {
        self.matched == Some(true)
    }
}

/// Which of the parts do not hold.
fn missing(children: &[Explanation]) -> String {
    let missing: Vec<&str> = children.iter().filter(|child| !child.holds()).map(|child| child.query.as_str()).collect();
    missing.join(", ")
}

fn op(kind: &NodeKind) -> &'static str {
    match kind {
        NodeKind::Hole => "hole",
        NodeKind::Term(_) => "term",
        NodeKind::And(_) => "and",
        NodeKind::Or(_) => "or",
        NodeKind::Not(_) => "not",
        NodeKind::Near { .. } => "near",
        NodeKind::Scope(..) => "scope",
        NodeKind::Count(..) => "count",
        NodeKind::AtLeast(..) => "at-least",
        NodeKind::About(..) => "about",
    }
}

fn shown_deal(deal: &ArmsDeal) -> String {
    let parties = |ids: &[crate::watch::found::PartyId]| match ids {
        [] => "?".to_owned(),
        ids => ids.iter().map(|id| &*id.0).collect::<Vec<_>>().join("+"),
    };
    let items: Vec<&str> = deal.items.iter().map(|item| item.name.as_str()).collect();
    let (from, to) = (parties(&deal.supplier), parties(&deal.recipient));
    format!("{from} → {to} ({}; {})", items.join(", "), deal.status.as_str())
}

fn shown_resolution(resolution: &crate::watch::found::ResolutionFound) -> String {
    let number = resolution.number.map_or("no number".to_owned(), |number| number.to_string());
    format!("{number} ({})", resolution.status.as_str())
}

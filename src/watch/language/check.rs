//! Do the names exist, do the parts fit, can it match at all? Syntax tree in, checked query out.

mod names;

use std::{
    collections::HashMap,
    ops::{Deref, Range},
};

use super::{
    checked::{CheckedNode, CheckedQuery, CheckedTerm, DEAL_TOPIC, Question},
    expression,
    lexer::Fault,
    list::Lists,
    pattern::{Measure, Pattern},
    print::print_term,
    question::{self, Answer},
    tree::{AboutField, Node, NodeKind, SyntaxTree, Term},
    warn::{self, Part},
};
use crate::watch::entity::place::PlaceKind;

/// The names that a query may use.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// From `[lists]` and from packs.
    pub lists: &'a Lists,
    /// Of feeds; empty where there are none, and then any will do.
    pub feeds: &'a [&'a str],
    /// Of feeds; empty where there are none, and then any will do.
    pub tags: &'a [&'a str],
    /// Ids of watches.
    pub watches: &'a dyn WatchNames,
    /// Whether there may be more lists, feeds, tags and watches than these, because a part of the config could not be
    /// read.
    pub may_lack_names: bool,
    /// Ids of topics; empty where no pack is read, and then any will do.
    pub topics: &'a [&'a str],
    /// Countries, groups and bodies; as above.
    pub parties: &'a [Party<'a>],
    /// Leaders; as above. Made when first asked for: there are thousands of names to fold.
    pub leaders: &'a dyn Deref<Target = Vec<Leader>>,
}

/// A country, group or body that packs know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party<'a> {
    /// `RU`, `hamas`
    pub id: &'a str,
    /// `Russia`, for suggestions.
    pub name: &'a str,
    /// What it is.
    pub kind: PlaceKind,
}

/// The watches that a query may refer to; there may be very many.
pub trait WatchNames {
    /// Whether there is one of that id.
    fn has(&self, id: &str) -> bool;
    /// Every id, for suggestions.
    fn all(&self) -> Vec<&str>;
}

/// A leader that packs know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// Wikidata item.
    pub id: String,
    /// For suggestions.
    pub name: String,
    /// Every name, as [`question::folded_words`] folds it.
    pub folded: Vec<String>,
}

/// What came of a check.
#[derive(Debug, Clone)]
pub struct Checked {
    /// `None` where there is an error.
    pub query: Option<CheckedQuery>,
    /// In the order of the text.
    pub errors: Vec<Fault>,
    /// In the order of the text.
    pub warnings: Vec<Fault>,
}

/// Checks a tree whose text is `text`.
pub fn check(text: &str, tree: &SyntaxTree, known: Known<'_>) -> Checked {
    let mut checker = Checker {
        text,
        known,
        terms: Vec::new(),
        term_index: HashMap::new(),
        regex_bytes_left: expression::REGEXES_BYTES_MAX,
        suggestions_left: SUGGESTIONS_MAX,
        errors: Vec::new(),
        warnings: Vec::new(),
    };
    let root = tree.root.as_ref().and_then(|root| {
        let checked = checker.node(root);
        if checker.errors.is_empty() {
            checker.positive(root);
            checker.few_wildcards(root);
        }
        if let Some(checked) = &checked {
            warn::warn(Part { node: root, checked }, &checker.terms, &mut checker.warnings);
        }
        checked
    });
    let Checker { terms, mut errors, mut warnings, .. } = checker;
    errors.sort_by_key(|fault| fault.span.start);
    warnings.sort_by_key(|fault| fault.span.start);
    let query = root.filter(|_| errors.is_empty()).map(|root| CheckedQuery { root, terms });
    Checked { query, errors, warnings }
}

/// Looking for what was meant takes thousands of comparisons, and a query may have thousands of mistakes.
const SUGGESTIONS_MAX: usize = 20;

/// More words with wildcards would make a word of an article very many things at once.
const WILDCARDS_MAX: usize = 1000;

struct Checker<'a> {
    text: &'a str,
    known: Known<'a>,
    terms: Vec<CheckedTerm>,
    term_index: HashMap<Term, usize>,
    regex_bytes_left: usize,
    suggestions_left: usize,
    errors: Vec<Fault>,
    warnings: Vec<Fault>,
}

impl Checker<'_> {
    /// Each word of an article may fit each of them.
    fn few_wildcards(&mut self, root: &Node) {
        let wildcards: usize = self.terms.iter().map(|term| term.pattern.wildcards()).sum();
        if wildcards > WILDCARDS_MAX {
            let message = format!("the query has {wildcards} words with wildcards, and may have {WILDCARDS_MAX}");
            self.error(root.span.clone(), message, Some("split it into several watches".to_owned()));
        }
    }

    fn error(&mut self, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.errors.push(Fault { span, message: message.into(), help });
    }

    /// `None` where something in it is wrong; then a fault says what.
    fn node(&mut self, node: &Node) -> Option<CheckedNode> {
        match &node.kind {
            NodeKind::Hole => None,
            NodeKind::Term(term) => self.term(node, term).map(CheckedNode::Term),
            NodeKind::And(nodes) => {
                let nodes = self.all(nodes)?;
                let one_deal = nodes.iter().any(asserts_deal) && nodes.iter().any(asks_of_deal);
                Some(CheckedNode::And { nodes, one_deal })
            }
            NodeKind::Or(nodes) => self.all(nodes).map(CheckedNode::Or),
            NodeKind::Not(inner) => Some(CheckedNode::Not(Box::new(self.node(inner)?))),
            NodeKind::Near { ordered, distance, left, right } => {
                let name = if *ordered { "ONEAR" } else { "NEAR" };
                let is_positional = self.positional(left, name) & self.positional(right, name);
                let (left, right) = (self.node(left), self.node(right));
                let (left, right) = (Box::new(left?), Box::new(right?));
                let near = CheckedNode::Near { ordered: *ordered, distance: *distance, left, right };
                is_positional.then_some(near)
            }
            NodeKind::Scope(scope, inner) => {
                let checked = self.node(inner)?;
                if self.has_hits(inner) {
                    return Some(CheckedNode::Scope(*scope, Box::new(checked)));
                }
                let message = format!("`{}:` needs something to look for inside it", scope.as_str());
                self.error(node.span.clone(), message, None);
                None
            }
            NodeKind::Count(times, inner) => {
                let is_positional = self.positional(inner, "a count");
                let inner = Box::new(self.node(inner)?);
                is_positional.then_some(CheckedNode::Count(*times, inner))
            }
            NodeKind::AtLeast(needed, nodes) => Some(CheckedNode::AtLeast(*needed, self.all(nodes)?)),
            NodeKind::About(field, values) => self.about(node, *field, values),
        }
    }

    fn all(&mut self, nodes: &[Node]) -> Option<Vec<CheckedNode>> {
        // Collected first, so that one mistake does not hide the next.
        let checked: Vec<_> = nodes.iter().map(|node| self.node(node)).collect();
        checked.into_iter().collect()
    }

    fn term(&mut self, node: &Node, term: &Term) -> Option<usize> {
        if let Some(&index) = self.term_index.get(term) {
            return Some(index);
        }
        let pattern = match term {
            Term::Word(raw) | Term::AnyForm(raw) => Pattern::phrase(raw, Measure::Stem),
            Term::Quoted(raw) => Pattern::phrase(raw, Measure::Folded),
            Term::Exact(raw) | Term::ExactQuoted(raw) => Pattern::phrase(raw, Measure::Exact),
            Term::Fuzzy(raw, edits) => Pattern::fuzzy(raw, *edits),
            Term::Regex(source) => self.regex(node, source),
            Term::List { name, key } => return self.list(node, term, name, key.as_deref()),
        };
        match pattern {
            Ok(pattern) => Some(self.add_term(term, pattern)),
            Err(message) => {
                self.error(node.span.clone(), message, None);
                None
            }
        }
    }

    fn add_term(&mut self, term: &Term, pattern: Pattern) -> usize {
        let index = self.terms.len();
        self.terms.push(CheckedTerm { written: print_term(term), pattern });
        self.term_index.insert(term.clone(), index);
        index
    }

    fn regex(&mut self, node: &Node, source: &str) -> Result<Pattern, String> {
        let compiled = expression::compile(source, self.regex_bytes_left)?;
        self.regex_bytes_left = self.regex_bytes_left.saturating_sub(compiled.bytes);
        if compiled.crosses_paragraphs {
            let message = "this can never match: a regular expression is held to one paragraph".to_owned();
            let help = Some("write one for each side, and join them with a space for both".to_owned());
            self.warnings.push(Fault { span: node.span.clone(), message, help });
        }
        Ok(Pattern::Regex(compiled.regex))
    }

    fn about(&mut self, node: &Node, field: AboutField, values: &[super::tree::Value]) -> Option<CheckedNode> {
        let mut question = match question::read(field, values) {
            Answer::Question(question) => question,
            Answer::Wrong { message, help } => {
                self.error(node.span.clone(), message, help);
                return None;
            }
        };
        match &mut question {
            Question::Feed(ids) => self.each_known(node, "feed", ids, self.known.feeds)?,
            Question::Tag(tags) => self.each_known(node, "tag", tags, self.known.tags)?,
            Question::Topic(ids) => self.each_known(node, "topic", ids, self.known.topics)?,
            Question::Watch(ids) => {
                let unknown = ids.iter().find(|id| !self.known.may_lack_names && !self.known.watches.has(id));
                if let Some(id) = unknown {
                    self.known_name(node, "watch", id, &self.known.watches.all())?;
                }
            }
            Question::Country(ids) | Question::Supplier(ids) | Question::Recipient(ids) => {
                for id in ids.iter().filter(|id| *id != super::checked::ANY) {
                    self.known_party(node, "country", id, None)?;
                }
            }
            Question::Leader(tests) => {
                for test in tests {
                    self.resolve_leader(node, test)?;
                }
            }
            _ => {}
        }
        let written = self.text.get(node.span.clone()).unwrap_or(field.as_str()).to_owned();
        Some(CheckedNode::About { written, question })
    }

    /// Complains about what has no position in the text, where only such may stand.
    fn positional(&mut self, node: &Node, place: &str) -> bool {
        let is_positional = match &node.kind {
            NodeKind::Hole | NodeKind::Term(_) | NodeKind::Near { .. } => true,
            NodeKind::Or(nodes) => return nodes.iter().fold(true, |all, node| self.positional(node, place) & all),
            _ => false,
        };
        if !is_positional {
            let what = match &node.kind {
                NodeKind::And(_) => "an AND",
                NodeKind::Not(_) => "a NOT",
                NodeKind::Count(..) => "a count",
                NodeKind::AtLeast(..) => "an OF",
                NodeKind::Scope(..) => "a part of the article",
                _ => "what is asked about the article",
            };
            let message = format!("{place} takes words, phrases, regexes, lists and ORs of them, not {what}");
            let help = match &node.kind {
                NodeKind::Scope(scope, _) => Some(format!("put `{}:(…)` around the whole", scope.as_str())),
                NodeKind::And(_) => Some("write `a NEAR b NEAR c`, or `sentence:(a b c)`".to_owned()),
                _ => Some("put it beside, with AND".to_owned()),
            };
            self.error(node.span.clone(), message, help);
        }
        is_positional
    }

    /// Complains about each alternative that only says what is not wanted.
    fn positive(&mut self, node: &Node) {
        if self.is_positive(node) {
            return;
        }
        match &node.kind {
            NodeKind::Or(nodes) => nodes.iter().for_each(|node| self.positive(node)),
            NodeKind::Not(inner) if matches!(inner.kind, NodeKind::Not(_)) => {
                let help = Some("leave both out".to_owned());
                self.error(node.span.clone(), "one NOT takes the other back, and nothing is looked for", help);
            }
            _ => {
                let message = match self.alone(node) {
                    Some(what) => format!("this alternative has nothing to look for: {what} alone is not enough"),
                    None => "this alternative only says what is not wanted".to_owned(),
                };
                let help = Some("add a word, a list or a topic to look for".to_owned());
                self.error(node.span.clone(), message, help);
            }
        }
    }

    /// What an alternative asks that is not enough alone.
    fn alone(&self, node: &Node) -> Option<&'static str> {
        match &node.kind {
            NodeKind::About(AboutField::Lang, _) => Some("a language"),
            NodeKind::About(AboutField::Published, _) => Some("an age"),
            NodeKind::And(nodes) | NodeKind::Or(nodes) | NodeKind::AtLeast(_, nodes) => {
                nodes.iter().find_map(|node| self.alone(node))
            }
            _ => None,
        }
    }

    /// Whether it looks for something in every alternative.
    fn is_positive(&self, node: &Node) -> bool {
        asks(node, &|field| !matches!(field, AboutField::Lang | AboutField::Published))
    }

    /// Whether it has something to find in the text in every alternative: parts of a text are told by what stands there.
    fn has_hits(&self, node: &Node) -> bool {
        asks(node, &|field| {
            use AboutField::{Country, Item, Leader, Recipient, Resolution, Status, Supplier, Topic};
            matches!(field, Topic | Supplier | Recipient | Status | Item | Resolution | Leader | Country)
        })
    }
}

fn asks(node: &Node, is_enough: &dyn Fn(AboutField) -> bool) -> bool {
    match &node.kind {
        // A hole has its own complaint.
        NodeKind::Hole | NodeKind::Term(_) | NodeKind::Near { .. } | NodeKind::Count(..) => true,
        NodeKind::And(nodes) => nodes.iter().any(|node| asks(node, is_enough)),
        NodeKind::Or(nodes) => nodes.iter().all(|node| asks(node, is_enough)),
        NodeKind::Not(_) => false,
        NodeKind::Scope(_, inner) => asks(inner, is_enough),
        NodeKind::AtLeast(needed, nodes) => {
            nodes.iter().filter(|node| !asks(node, is_enough)).count() < *needed as usize
        }
        NodeKind::About(field, _) => is_enough(*field),
    }
}

/// Whether a deal is asserted here, or under ORs only: an AND below is a group with a deal of its own, and what is
/// not wanted binds to a deal only where another term brings one.
fn asserts_deal(node: &CheckedNode) -> bool {
    match node {
        CheckedNode::About { question, .. } => question.is_of_deal() || asks_deal_topic(question),
        CheckedNode::Or(nodes) => nodes.iter().any(asserts_deal),
        _ => false,
    }
}

/// Whether more is asked of a deal than that there is one.
fn asks_of_deal(node: &CheckedNode) -> bool {
    match node {
        CheckedNode::About { question, .. } => question.is_of_deal(),
        CheckedNode::Or(nodes) => nodes.iter().any(asks_of_deal),
        CheckedNode::Not(inner) => asks_of_deal(inner),
        _ => false,
    }
}

fn asks_deal_topic(question: &Question) -> bool {
    matches!(question, Question::Topic(ids) if ids.iter().any(|id| id == DEAL_TOPIC))
}

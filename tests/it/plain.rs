//! The watch language, evaluated plainly: what the engine must agree with, whatever it does to be fast.
//!
//! Written from the page on the watch language, construct by construct, with loops over all words and nothing shared
//! between queries. It shares with the program how a query is read (the syntax tree) and how a text is cut
//! into words and stems; of `watch::engine`, `watch::set` and the checked query it shares nothing.
//!
//! Where the page leaves something open, a comment that begins with "Choice:" says what is taken for right.

mod about;
mod term;
mod word;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
};

use wirewatch::{
    article::{
        Article, Field, Lang,
        segment::{self, AnalysedText, Word, WordKind},
    },
    watch::language::tree::{Node, NodeKind, Scope, SyntaxTree, Term},
};

/// What made a query match: field, first scalar value, one past the last.
pub(crate) type Evidence = BTreeSet<(Field, u32, u32)>;

/// What a query may refer to besides the article.
#[derive(Clone, Copy)]
pub(crate) struct World<'a> {
    /// By name, entries as the config has them.
    pub(crate) lists: &'a BTreeMap<String, Vec<String>>,
    /// Whether another watch matches this article.
    pub(crate) watch_matches: &'a dyn Fn(&str) -> bool,
}

/// An article in words.
pub(crate) struct Reading<'a> {
    article: &'a Article,
    text: AnalysedText,
    /// For each field, the words that begin at each of its places: one, or the first part of a designation and the
    /// whole.
    places: [Vec<Range<usize>>; 3],
}

impl<'a> Reading<'a> {
    pub(crate) fn new(article: &'a Article) -> Self {
        let text = segment::analyse(article);
        let places = Field::ALL.map(|field| {
            let words = &text.field(field).words;
            let places = words.last().map_or(0, |word| word.place + 1);
            let before = |place: u32| words.iter().filter(|word| word.place < place).count();
            (0..places).map(|place| before(place)..before(place + 1)).collect()
        });
        Self { article, text, places }
    }

    fn lang(&self) -> Option<Lang> {
        self.text.lang
    }

    fn words(&self, field: Field) -> &[Word] {
        &self.text.field(field).words
    }

    /// Those that begin at a place; none behind the last.
    fn words_at(&self, field: Field, place: u32) -> &[Word] {
        let range = self.places[field as usize].get(place as usize);
        range.map_or(&[], |range| &self.words(field)[range.clone()])
    }

    /// How many places a field has.
    fn places(&self, field: Field) -> u32 {
        self.places[field as usize].len() as u32
    }

    fn sentence_at(&self, field: Field, place: u32) -> Option<u32> {
        self.words_at(field, place).first().map(|word| word.sentence)
    }

    fn paragraph_at(&self, field: Field, place: u32) -> Option<u32> {
        self.words_at(field, place).first().map(|word| word.paragraph)
    }
}

/// How many places a word takes: a whole designation lies over its two parts.
fn width(word: &Word) -> u32 {
    if word.kind == WordKind::Designation { 2 } else { 1 }
}

/// Something that a term found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    start_chars: u32,
    end_chars: u32,
    span: Span,
}

/// A stretch of words: what a term found, or what a NEAR reaches over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    field: Field,
    /// Place of its first word.
    first: u32,
    /// Place of its last word.
    last: u32,
    /// Whether it is the result of a NEAR, whose words need not stand side by side.
    of_near: bool,
}

/// The part of an article that is looked at, place by place.
type View<'a> = &'a dyn Fn(Field, u32) -> bool;

/// The evidence of a query that matches; `None` where it does not.
pub(crate) fn evaluate(query: &SyntaxTree, reading: &Reading<'_>, world: World<'_>) -> Option<Evidence> {
    let root = query.root.as_ref().expect("only queries without faults are evaluated");
    Plain { reading, world, looked_for: RefCell::default() }.holds(root, &|_, _| true)
}

struct Plain<'a> {
    reading: &'a Reading<'a>,
    world: World<'a>,
    /// What each term of this query finds in the whole article: a scope asks again for every sentence.
    looked_for: RefCell<HashMap<Term, Vec<Found>>>,
}

/// `lead:` is the title and so many words.
const LEAD_WORDS: u32 = 60;

impl Plain<'_> {
    /// Whether a node holds in a part of the article, and by what.
    fn holds(&self, node: &Node, view: View<'_>) -> Option<Evidence> {
        match &node.kind {
            NodeKind::Hole => panic!("only queries without faults are evaluated"),
            NodeKind::Term(_) => some(self.found(node, view)),
            NodeKind::And(nodes) => {
                let all: Option<Vec<Evidence>> = nodes.iter().map(|node| self.holds(node, view)).collect();
                all.map(|all| all.into_iter().flatten().collect())
            }
            NodeKind::Or(nodes) => self.at_least(1, nodes, view),
            NodeKind::AtLeast(needed, nodes) => self.at_least(*needed as usize, nodes, view),
            // Choice: what is not there is no evidence.
            NodeKind::Not(inner) => self.holds(inner, view).is_none().then(Evidence::new),
            // Choice: the evidence of NEAR is whatever its terms found inside the spans that came of it, also where
            // that is not what made a span: `a NEAR/3 b` over "a x a b" shows both a.
            NodeKind::Near { .. } => some(inside(&self.found(node, view), &self.spans(node, view))),
            NodeKind::Count(times, inner) => {
                let spans = self.spans(inner, view);
                let is_enough = most_side_by_side(&spans) >= *times as usize;
                is_enough.then(|| some(inside(&self.found(inner, view), &spans)))?
            }
            NodeKind::Scope(scope, inner) => self.within(*scope, inner, view),
            // Choice: what holds of an article has no words to show, and holds in each part of it.
            NodeKind::About(field, values) => self.about(*field, values).then(Evidence::new),
        }
    }

    /// Choice: evidence is all that holds, not only as much as is needed.
    fn at_least(&self, needed: usize, nodes: &[Node], view: View<'_>) -> Option<Evidence> {
        let held: Vec<Evidence> = nodes.iter().filter_map(|node| self.holds(node, view)).collect();
        (held.len() >= needed).then(|| held.into_iter().flatten().collect())
    }

    /// All of it inside one part: each is tried, and each in which it holds is shown.
    fn within(&self, scope: Scope, inner: &Node, view: View<'_>) -> Option<Evidence> {
        let in_field = |wanted: Field| self.holds(inner, &|field, place| field == wanted && view(field, place));
        match scope {
            Scope::Title => in_field(Field::Title),
            Scope::Summary => in_field(Field::Summary),
            Scope::Body => in_field(Field::Body),
            // Choice: the 60 words are the body's, so that a long title does not push them out.
            Scope::Lead => self.holds(inner, &|field, place| {
                let is_in_lead = field == Field::Title || field == Field::Body && place < LEAD_WORDS;
                is_in_lead && view(field, place)
            }),
            Scope::Sentence => self.in_any_part(inner, view, |field, place| self.reading.sentence_at(field, place)),
            Scope::Paragraph => self.in_any_part(inner, view, |field, place| self.reading.paragraph_at(field, place)),
        }
    }

    fn in_any_part(
        &self,
        inner: &Node,
        view: View<'_>,
        part_at: impl Fn(Field, u32) -> Option<u32>,
    ) -> Option<Evidence> {
        let places =
            Field::ALL.into_iter().flat_map(|field| (0..self.reading.places(field)).map(move |at| (field, at)));
        let parts: BTreeSet<_> = places.map(|(field, place)| (field, part_at(field, place))).collect();
        let held: Vec<Evidence> = parts
            .into_iter()
            .filter_map(|part| {
                self.holds(inner, &|field, place| (field, part_at(field, place)) == part && view(field, place))
            })
            .collect();
        (!held.is_empty()).then(|| held.into_iter().flatten().collect())
    }

    /// Everything that the terms of a node with positions find in view, whole.
    fn found(&self, node: &Node, view: View<'_>) -> BTreeSet<Found> {
        match &node.kind {
            NodeKind::Term(term) => {
                let is_in_view = |span: Span| (span.first..=span.last).all(|place| view(span.field, place));
                let mut looked_for = self.looked_for.borrow_mut();
                let found = looked_for.entry(term.clone()).or_insert_with(|| self.term(term));
                found.iter().filter(|found| is_in_view(found.span)).copied().collect()
            }
            NodeKind::Or(nodes) => nodes.iter().flat_map(|node| self.found(node, view)).collect(),
            NodeKind::Near { left, right, .. } => {
                [left, right].iter().flat_map(|side| self.found(side, view)).collect()
            }
            other => panic!("the checker should have refused {other:?} here"),
        }
    }

    /// Where a node with positions stands.
    fn spans(&self, node: &Node, view: View<'_>) -> BTreeSet<Span> {
        match &node.kind {
            NodeKind::Term(_) => self.found(node, view).into_iter().map(|found| found.span).collect(),
            NodeKind::Or(nodes) => nodes.iter().flat_map(|node| self.spans(node, view)).collect(),
            NodeKind::Near { ordered, distance, left, right } => {
                let (left, right) = (self.spans(left, view), self.spans(right, view));
                let mut spans = BTreeSet::new();
                for &a in &left {
                    for &b in right.iter().filter(|b| b.field == a.field) {
                        let apart = if *ordered { before(a, b) } else { apart(a, b) };
                        if apart.is_some_and(|places| places <= *distance) {
                            let (first, last) = (a.first.min(b.first), a.last.max(b.last));
                            spans.insert(Span { field: a.field, first, last, of_near: true });
                        }
                    }
                }
                spans
            }
            other => panic!("the checker should have refused {other:?} here"),
        }
    }
}

fn some(found: BTreeSet<Found>) -> Option<Evidence> {
    let evidence = found.into_iter().map(|found| (found.span.field, found.start_chars, found.end_chars));
    Some(evidence.collect()).filter(|evidence: &Evidence| !evidence.is_empty())
}

/// Those that lie inside one of the spans.
fn inside(found: &BTreeSet<Found>, spans: &BTreeSet<Span>) -> BTreeSet<Found> {
    let holds = |outer: &Span, inner: Span| {
        outer.field == inner.field && outer.first <= inner.first && inner.last <= outer.last
    };
    found.iter().filter(|found| spans.iter().any(|span| holds(span, found.span))).copied().collect()
}

/// From the last word of `a` to the first of `b`, where `b` begins behind `a`.
fn before(a: Span, b: Span) -> Option<u32> {
    (a.last < b.first).then(|| b.first - a.last)
}

/// Places between the nearer edges.
///
/// Choice: what shares a word with another is not near it, else `a NEAR a` would hold of a single word. Two exceptions,
/// since a NEAR's result has room between its words: what stands in that room, clear of its first and last word, is 0
/// apart from it, and so are two different results that overlap.
fn apart(a: Span, b: Span) -> Option<u32> {
    let stands_in = |inner: Span, outer: Span| outer.of_near && outer.first < inner.first && inner.last < outer.last;
    let is_one = (a.first, a.last) == (b.first, b.last);
    let overlaps_freely = stands_in(a, b) || stands_in(b, a) || a.of_near && b.of_near && !is_one;
    before(a, b).or(before(b, a)).or(overlaps_freely.then_some(0))
}

/// The most of them that stand side by side.
///
/// Choice: hits that share a word count once: `"a a"{2}` needs four words, or three and a gap.
fn most_side_by_side(spans: &BTreeSet<Span>) -> usize {
    let spans: Vec<Span> = spans.iter().copied().collect();
    // How many can be had of those from each on: the better of leaving it out and of taking it. They are sorted by
    // their first place, so those that are clear of it all stand behind it.
    let mut most = vec![0; spans.len() + 1];
    for at in (0..spans.len()).rev() {
        let is_clear = |next: &usize| (spans[*next].field, spans[*next].first) > (spans[at].field, spans[at].last);
        let behind = (at + 1..spans.len()).find(is_clear).unwrap_or(spans.len());
        most[at] = most[at + 1].max(1 + most[behind]);
    }
    most[0]
}

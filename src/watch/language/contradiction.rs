//! What can never match: `a -a`, `lang:tr lang:en`, `title:body:x`.
//!
//! Of each AND it is collected what it wants, what it does not want, and what an article has only one of; an OR's
//! branches are held against all that is asked beside them. Only what is certain is told: no warning is no promise.

use std::{collections::BTreeSet, ops::RangeInclusive};

use super::{
    checked::{CheckedNode, CheckedTerm, Question},
    implied::implies,
    lexer::Fault,
    pattern::Pattern,
    tree::{AboutField, Node, NodeKind, Scope},
    warn::Part,
};

/// Facts are compared with each other, and a query may have thousands; beyond so many comparisons nothing more is told.
const COMPARISONS_MAX: usize = 300_000;
/// `n OF` of so many choices is tried in every combination.
const CHOICES_TRIED_MAX: usize = 8;

/// Adds a warning for each part that can never match, the smallest that tells why.
pub fn warn(root: Part<'_>, terms: &[CheckedTerm], warnings: &mut Vec<Fault>) {
    if !may_contradict(root.node) {
        return;
    }
    let mut finder = Finder { terms, warnings, comparisons_left: COMPARISONS_MAX };
    finder.is_never(root, Area::WHOLE, &Facts::default());
}

/// Whether there is anything that could: most queries have no NOT, and ask of one language at most. Loading a hundred
/// thousand of them must not wait for the rest of this file.
fn may_contradict(root: &Node) -> bool {
    let mut open = vec![root];
    let (mut parts, mut singles) = (0, 0);
    while let Some(node) = open.pop() {
        match &node.kind {
            NodeKind::Not(_) | NodeKind::About(AboutField::Published, _) => return true,
            NodeKind::Scope(_, inner) => {
                parts += 1;
                open.push(inner);
            }
            NodeKind::About(AboutField::Lang | AboutField::Feed | AboutField::Url, _) => singles += 1,
            NodeKind::And(nodes) | NodeKind::Or(nodes) | NodeKind::AtLeast(_, nodes) => open.extend(nodes),
            NodeKind::Count(_, inner) => open.push(inner),
            // No NEAR holds anything but terms and ORs of them.
            NodeKind::Near { .. } | NodeKind::Hole | NodeKind::Term(_) | NodeKind::About(..) => {}
        }
    }
    parts > 1 || singles > 1
}

/// Where in an article: any of title, summary, the body's lead and the body's rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Area(u8);

impl Area {
    const WHOLE: Self = Self(0b1111);

    fn of(scope: Scope) -> Self {
        Self(match scope {
            Scope::Title => 0b0001,
            Scope::Summary => 0b0010,
            Scope::Body => 0b1100,
            Scope::Lead => 0b0101,
            Scope::Sentence | Scope::Paragraph => return Self::WHOLE,
        })
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    fn lies_in(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The fields that it reaches into, whole.
    fn fields(self) -> Self {
        Self(self.0 | if self.0 & 0b1100 == 0 { 0 } else { 0b1100 })
    }
}

/// Something that must, or must not, stand in an area.
#[derive(Debug, Clone)]
struct Fact<'a> {
    printed: String,
    pattern: Option<&'a Pattern>,
    area: Area,
}

/// Of what an article has one: what it may be, and what not.
#[derive(Debug, Clone, Default)]
struct Single {
    allowed: Option<BTreeSet<String>>,
    refused: BTreeSet<String>,
}

impl Single {
    fn allow(&mut self, values: BTreeSet<String>) {
        self.allowed = Some(match self.allowed.take() {
            Some(allowed) => allowed.intersection(&values).cloned().collect(),
            None => values,
        });
    }

    fn add(&mut self, other: &Self) {
        if let Some(allowed) = &other.allowed {
            self.allow(allowed.clone());
        }
        self.refused.extend(other.refused.iter().cloned());
    }

    fn is_impossible(&self) -> bool {
        self.allowed.as_ref().is_some_and(|allowed| allowed.is_subset(&self.refused))
    }
}

/// All that is asked at once.
#[derive(Debug, Clone, Default)]
struct Facts<'a> {
    wanted: Vec<Fact<'a>>,
    /// Never all of one group.
    unwanted: Vec<(Vec<Fact<'a>>, std::ops::Range<usize>)>,
    lang: Single,
    feed: Single,
    ages: Option<Vec<RangeInclusive<u64>>>,
    /// Each: any of these.
    urls: Vec<Vec<String>>,
}

impl Facts<'_> {
    fn len(&self) -> usize {
        self.wanted.len() + self.unwanted.len() + self.urls.len() + 1
    }
}

struct Finder<'a, 'w> {
    terms: &'a [CheckedTerm],
    warnings: &'w mut Vec<Fault>,
    comparisons_left: usize,
}

impl<'a> Finder<'a, '_> {
    fn push(&mut self, span: std::ops::Range<usize>, why: &str, help: Option<String>) {
        self.warnings.push(Fault { span, message: format!("this can never match: {why}"), help });
    }

    /// Whether a part can never match, `outside` being asked as well; then a warning has been given.
    fn is_never(&mut self, part: Part<'a>, area: Area, outside: &Facts<'a>) -> bool {
        if self.comparisons_left == 0 {
            return false;
        }
        let nothing = Facts::default();
        match (&part.node.kind, part.checked) {
            (NodeKind::And(_), _) => self.is_and_never(part, area, outside),
            (NodeKind::Or(_), _) => {
                // Each is looked at, so that each is warned of.
                let nevers = part.children().into_iter().filter(|child| self.is_never(*child, area, outside)).count();
                nevers == part.children().len()
            }
            (NodeKind::AtLeast(needed, _), _) => self.is_at_least_never(part, *needed as usize, area, outside),
            (NodeKind::Scope(scope, _), _) => self.is_scope_never(part, *scope, area, outside),
            (NodeKind::Not(_) | NodeKind::Near { .. } | NodeKind::Count(..), _) => {
                let is_not = matches!(part.node.kind, NodeKind::Not(_));
                let nevers = part.children().into_iter().filter(|child| self.is_never(*child, area, &nothing)).count();
                nevers > 0 && !is_not || self.conflicts(part, area, outside)
            }
            (_, CheckedNode::About { question: Question::Published(ages), .. })
                if ages.iter().all(|age| age.ages_ms.is_empty()) =>
            {
                self.push(part.node.span.clone(), "nothing is newer than now", None);
                true
            }
            _ => self.conflicts(part, area, outside),
        }
    }

    fn is_and_never(&mut self, part: Part<'a>, area: Area, outside: &Facts<'a>) -> bool {
        let nothing = Facts::default();
        let (choices, plain): (Vec<_>, Vec<_>) = conjuncts(part).into_iter().partition(|child| is_choice(*child));
        // Leaves have nothing inside that could be impossible but an age.
        let nevers = plain.iter().filter(|child| self.is_never(**child, area, &nothing)).count();
        if nevers > 0 {
            return true;
        }
        let mut facts = Facts::default();
        for child in plain {
            self.collect(child, area, &mut facts);
        }
        let all = self.joined(outside, &facts);
        if let Some(all) = &all
            && self.is_impossible(all, part.node)
        {
            return true;
        }
        let around = all.unwrap_or_default();
        choices.into_iter().filter(|child| self.is_never(*child, area, &around)).count() > 0
    }

    fn is_at_least_never(&mut self, part: Part<'a>, needed: usize, area: Area, outside: &Facts<'a>) -> bool {
        let children = part.children();
        let possible: Vec<_> = children.iter().copied().filter(|child| !self.is_never(*child, area, outside)).collect();
        if possible.len() < needed {
            return true;
        }
        if possible.len() < children.len() || children.len() > CHOICES_TRIED_MAX {
            return false;
        }
        let chosen = (0_u32..1 << children.len()).filter(|chosen| chosen.count_ones() as usize == needed);
        for chosen in chosen {
            let mut facts = Facts::default();
            for (_, child) in children.iter().enumerate().filter(|(i, _)| chosen & 1 << i != 0) {
                self.collect(*child, area, &mut facts);
            }
            if why_impossible(&facts).is_none() {
                return false;
            }
        }
        let why = format!("no {needed} of them can hold at once");
        self.push(part.node.span.clone(), &why, None);
        true
    }

    fn is_scope_never(&mut self, part: Part<'a>, scope: Scope, area: Area, outside: &Facts<'a>) -> bool {
        let inner_area = area.and(Area::of(scope));
        if inner_area.0 == 0 {
            let why = format!("nothing that stands in `{}:` stands in the part around it", scope.as_str());
            self.push(part.node.span.clone(), &why, None);
            return true;
        }
        let nothing = Facts::default();
        let is_part = matches!(scope, Scope::Sentence | Scope::Paragraph);
        let children = part.children();
        let Some(&inner) = children.first() else { return false };
        if self.is_never(inner, inner_area, if is_part { &nothing } else { outside }) {
            return true;
        }
        if !is_part {
            return false;
        }
        let mut facts = Facts::default();
        self.collect(inner, inner_area, &mut facts);
        let shared = facts.wanted.iter().fold(Area::WHOLE, |shared, fact| shared.and(fact.area.fields()));
        if shared.0 == 0 {
            let why = format!("a {} lies in one of title, summary and body", scope.as_str());
            self.push(part.node.span.clone(), &why, None);
            return true;
        }
        self.conflicts(part, area, outside)
    }

    /// Whether what a part asks cannot hold beside what is asked `outside`.
    fn conflicts(&mut self, part: Part<'a>, area: Area, outside: &Facts<'a>) -> bool {
        let mut facts = Facts::default();
        self.collect(part, area, &mut facts);
        let Some(all) = self.joined(outside, &facts) else { return false };
        self.is_impossible(&all, part.node)
    }

    /// `None` where that would take too long.
    fn joined(&mut self, outside: &Facts<'a>, facts: &Facts<'a>) -> Option<Facts<'a>> {
        let mut all = outside.clone();
        all.wanted.extend(facts.wanted.iter().cloned());
        all.unwanted.extend(facts.unwanted.iter().cloned());
        all.urls.extend(facts.urls.iter().cloned());
        all.lang.add(&facts.lang);
        all.feed.add(&facts.feed);
        all.ages = match (all.ages.take(), &facts.ages) {
            (Some(ages), Some(more)) => Some(both(&ages, more)),
            (ages, more) => ages.or_else(|| more.clone()),
        };
        let comparisons = all.len() + all.wanted.len() * all.unwanted.len() + all.urls.len() * all.urls.len();
        self.comparisons_left = self.comparisons_left.saturating_sub(comparisons);
        (self.comparisons_left > 0).then_some(all)
    }

    fn is_impossible(&mut self, facts: &Facts<'a>, node: &Node) -> bool {
        let Some((why, help, span)) = why_impossible(facts) else { return false };
        // What is not wanted may stand outside of the branch that it makes impossible.
        let inside = span.filter(|span| node.span.start <= span.start && span.end <= node.span.end);
        self.push(inside.unwrap_or_else(|| node.span.clone()), &why, help);
        true
    }

    fn collect(&self, part: Part<'a>, area: Area, facts: &mut Facts<'a>) {
        match (&part.node.kind, part.checked) {
            (NodeKind::And(_), _) => part.children().into_iter().for_each(|child| self.collect(child, area, facts)),
            (NodeKind::AtLeast(needed, nodes), _) if *needed as usize == nodes.len() => {
                part.children().into_iter().for_each(|child| self.collect(child, area, facts));
            }
            (NodeKind::Not(_), _) => {
                let children = part.children();
                children.into_iter().for_each(|child| self.collect_unwanted(child, part.node, area, facts));
            }
            (NodeKind::Scope(scope, _), _) => {
                facts.wanted.push(self.fact(part, area));
                let is_part = matches!(scope, Scope::Sentence | Scope::Paragraph);
                let mut inner = Facts::default();
                for child in part.children() {
                    self.collect(child, area.and(Area::of(*scope)), &mut inner);
                }
                facts.wanted.extend(inner.wanted);
                // What a sentence lacks may stand in another.
                if !is_part {
                    facts.unwanted.extend(inner.unwanted);
                }
            }
            (NodeKind::Near { .. } | NodeKind::Count(..), _) => {
                facts.wanted.push(self.fact(part, area));
                let with_hits = part.children().into_iter().filter(|child| !is_choice(*child));
                with_hits.for_each(|child| self.collect(child, area, facts));
            }
            (NodeKind::About(..), CheckedNode::About { question, .. }) => {
                facts.wanted.push(self.fact(part, area));
                match question {
                    Question::Lang(langs) => facts.lang.allow(langs.iter().map(ToString::to_string).collect()),
                    Question::Feed(feeds) => facts.feed.allow(feeds.iter().cloned().collect()),
                    Question::Url(urls) => facts.urls.push(urls.clone()),
                    Question::Published(ages) => {
                        let ages: Vec<_> = ages.iter().map(|age| age.ages_ms.clone()).collect();
                        facts.ages = Some(facts.ages.take().map_or(ages.clone(), |before| both(&before, &ages)));
                    }
                    _ => {}
                }
            }
            _ => facts.wanted.push(self.fact(part, area)),
        }
    }

    /// Collects from below a NOT, which is `not`.
    fn collect_unwanted(&self, part: Part<'a>, not: &Node, area: Area, facts: &mut Facts<'a>) {
        match (&part.node.kind, part.checked) {
            (NodeKind::Or(_), _) => {
                part.children().into_iter().for_each(|child| self.collect_unwanted(child, not, area, facts));
            }
            (NodeKind::Not(_), _) => part.children().into_iter().for_each(|child| self.collect(child, area, facts)),
            (NodeKind::And(_), _) => {
                let group = part.children().into_iter().map(|child| self.fact(child, area)).collect();
                facts.unwanted.push((group, not.span.clone()));
            }
            (NodeKind::Scope(scope, inner), _)
                if !matches!(scope, Scope::Sentence | Scope::Paragraph)
                    && matches!(inner.kind, NodeKind::Term(_) | NodeKind::Or(_)) =>
            {
                let area = area.and(Area::of(*scope));
                part.children().into_iter().for_each(|child| self.collect_unwanted(child, not, area, facts));
            }
            (_, checked) => match checked {
                CheckedNode::About { question: Question::Lang(langs), .. } => {
                    facts.lang.refused.extend(langs.iter().map(ToString::to_string));
                }
                CheckedNode::About { question: Question::Feed(feeds), .. } => {
                    facts.feed.refused.extend(feeds.iter().cloned());
                }
                _ => facts.unwanted.push((vec![self.fact(part, area)], not.span.clone())),
            },
        }
    }

    fn fact(&self, part: Part<'a>, area: Area) -> Fact<'a> {
        let pattern = match part.checked {
            CheckedNode::Term(term) => Some(&self.terms[*term].pattern),
            _ => None,
        };
        Fact { printed: part.printed(), pattern, area }
    }
}

/// The parts that must all hold, ANDs within the AND opened.
fn conjuncts(part: Part<'_>) -> Vec<Part<'_>> {
    match part.node.kind {
        NodeKind::And(_) => part.children().into_iter().flat_map(conjuncts).collect(),
        _ => vec![part],
    }
}

fn is_choice(part: Part<'_>) -> bool {
    matches!(part.node.kind, NodeKind::Or(_))
}

fn both(ages: &[RangeInclusive<u64>], more: &[RangeInclusive<u64>]) -> Vec<RangeInclusive<u64>> {
    let meet = |a: &RangeInclusive<u64>, b: &RangeInclusive<u64>| *a.start().max(b.start())..=*a.end().min(b.end());
    let met = ages.iter().flat_map(|a| more.iter().map(move |b| meet(a, b)));
    // Of equal ones, one is enough: lists must not multiply.
    let mut met: Vec<_> = met.filter(|ages| !ages.is_empty()).collect();
    met.sort_unstable_by_key(|ages| (*ages.start(), *ages.end()));
    met.dedup();
    met.truncate(CHOICES_TRIED_MAX);
    met
}

type Why = (String, Option<String>, Option<std::ops::Range<usize>>);

fn why_impossible(facts: &Facts<'_>) -> Option<Why> {
    for (single, name) in [(&facts.lang, "lang"), (&facts.feed, "feed")] {
        if single.is_impossible() {
            let help = format!("write `({name}:a OR {name}:b)` for either");
            return Some((format!("an article has one `{name}`"), Some(help), None));
        }
    }
    if facts.ages.as_ref().is_some_and(Vec::is_empty) {
        return Some(("no age fits all of it".to_owned(), None, None));
    }
    if urls_exclude_each_other(&facts.urls) {
        let help = "write `(url:a OR url:b)` for either".to_owned();
        return Some(("an article has one address".to_owned(), Some(help), None));
    }
    facts.unwanted.iter().find_map(|(group, span)| {
        let met: Vec<&Fact<'_>> = group.iter().map_while(|fact| wanted_with(fact, &facts.wanted)).collect();
        if met.len() < group.len() {
            return None;
        }
        let why = match (group.as_slice(), met.as_slice()) {
            ([unwanted], [wanted]) if unwanted.printed != wanted.printed => {
                format!("`{}` is wanted, which never stands without `{}`", wanted.printed, unwanted.printed)
            }
            ([unwanted], _) => format!("`{}` is wanted and not wanted", unwanted.printed),
            _ => "the same is wanted and not wanted".to_owned(),
        };
        Some((why, None, Some(span.clone())))
    })
}

/// What is wanted and brings `unwanted` along.
fn wanted_with<'f, 'a>(unwanted: &Fact<'a>, wanted: &'f [Fact<'a>]) -> Option<&'f Fact<'a>> {
    wanted.iter().find(|fact| {
        fact.area.lies_in(unwanted.area)
            && (fact.printed == unwanted.printed
                || fact.pattern.zip(unwanted.pattern).is_some_and(|(pattern, other)| implies(pattern, other)))
    })
}

fn urls_exclude_each_other(urls: &[Vec<String>]) -> bool {
    let meet = |a: &str, b: &str| a.contains('*') || b.contains('*') || a.starts_with(b) || b.starts_with(a);
    let exclude = |some: &[String], others: &[String]| !some.iter().any(|a| others.iter().any(|b| meet(a, b)));
    urls.iter().enumerate().any(|(i, some)| urls[i + 1..].iter().any(|others| exclude(some, others)))
}

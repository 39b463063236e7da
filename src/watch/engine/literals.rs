//! Without what a query cannot match: the terms and questions of which an article must have some before the query is
//! looked at.

use crate::watch::language::checked::{CheckedNode, Question};

/// Something that an article has or has not, by its number among a shelf's terms or its questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A term stands in it.
    Term(u32),
    /// A question is answered with yes.
    Question(u32),
}

/// So many things more that a query needs are tested before it is walked.
pub const WITNESSES: usize = 2;
/// Longer ORs are no witness: they would be noticed too often.
const WITNESS_TERMS_MAX: usize = 40;

impl Key {
    fn term(self) -> Option<u32> {
        match self {
            Self::Term(term) => Some(term),
            Self::Question(_) => None,
        }
    }
}

/// What a query needs.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// One of these at the least, and how often an article has one. `None` where nothing is needed that can be told
    /// without looking at the query.
    any_of: Option<AnyOf>,
    /// Each of these is needed, the rarest first; of several more, these.
    all_of: Vec<(f32, Witness)>,
}

/// Something that a query needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Witness {
    /// A term.
    Term(u32),
    /// One of several terms at the least; sorted, each once.
    AnyOf(Vec<u32>),
}

#[derive(Debug, Clone)]
struct AnyOf {
    keys: Vec<Key>,
    share: f32,
}

/// Where a watch is filed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filing {
    /// Under each of these.
    pub keys: Vec<Key>,
    /// Without each of which it cannot match either.
    pub witnesses: Vec<Witness>,
}

/// What the leaves of a query are worth as keys.
pub trait Worth {
    /// A term of the query: its number in the shelf, and the share of articles that have it; `None` where that cannot be
    /// told without looking for it.
    fn term(&mut self, term: usize) -> Option<(u32, f32)>;
    /// A question: its number in the shelf.
    fn question(&mut self, node: &CheckedNode) -> u32;
}

/// Where a query is filed; `None` where it must be looked at for every article.
pub fn filing(root: &CheckedNode, worth: &mut impl Worth) -> Option<Filing> {
    let needs = needs(root, worth);
    let mut keys = needs.any_of?.keys;
    keys.sort_unstable();
    keys.dedup();
    let terms: Vec<u32> = keys.iter().filter_map(|key| key.term()).collect();
    // What brings the watch up is no witness as well.
    let is_new = |witness: &Witness| match witness {
        Witness::Term(term) => terms != [*term],
        Witness::AnyOf(any) => terms != *any,
    };
    let witnesses = needs.all_of.into_iter().map(|(_, witness)| witness).filter(is_new).take(WITNESSES).collect();
    Some(Filing { keys, witnesses })
}

fn needs(node: &CheckedNode, worth: &mut impl Worth) -> Needs {
    match node {
        CheckedNode::Term(term) => match worth.term(*term) {
            Some((term, share)) => Needs {
                any_of: Some(AnyOf { keys: vec![Key::Term(term)], share }),
                all_of: vec![(share, Witness::Term(term))],
            },
            None => Needs::default(),
        },
        CheckedNode::About { question, .. } => match share(question) {
            Some(share) => {
                let keys = vec![Key::Question(worth.question(node))];
                Needs { any_of: Some(AnyOf { keys, share }), all_of: Vec::new() }
            }
            None => Needs::default(),
        },
        CheckedNode::And { nodes, .. } => all(nodes.iter().map(|node| needs(node, worth)).collect()),
        CheckedNode::Near { left, right, .. } => all(vec![needs(left, worth), needs(right, worth)]),
        CheckedNode::Or(nodes) => any(nodes.iter().map(|node| needs(node, worth)).collect(), 1),
        CheckedNode::AtLeast(needed, nodes) => {
            let each: Vec<Needs> = nodes.iter().map(|node| needs(node, worth)).collect();
            let needed = *needed as usize;
            if needed == each.len() { all(each) } else { any(each, needed) }
        }
        CheckedNode::Scope(_, inner) | CheckedNode::Count(_, inner) => needs(inner, worth),
        CheckedNode::Not(_) => Needs::default(),
    }
}

fn all(each: Vec<Needs>) -> Needs {
    let mut together = Needs::default();
    for needs in each {
        together.all_of.extend(needs.all_of);
        together.any_of = match (together.any_of, needs.any_of) {
            (Some(a), Some(b)) => Some(if b.share < a.share { b } else { a }),
            (a, b) => a.or(b),
        };
    }
    together.all_of.sort_by(|a, b| a.0.total_cmp(&b.0));
    together.all_of.dedup_by(|a, b| a.1 == b.1);
    together.all_of.truncate(WITNESSES + 1);
    together
}

/// Where `needed` of them hold, one of any `len - needed + 1` holds: of the rarest so many.
fn any(each: Vec<Needs>, needed: usize) -> Needs {
    let looked_at = (each.len() + 1).saturating_sub(needed);
    let mut choices: Vec<AnyOf> = each.into_iter().filter_map(|needs| needs.any_of).collect();
    if choices.len() < looked_at {
        return Needs::default();
    }
    choices.sort_by(|a, b| a.share.total_cmp(&b.share));
    choices.truncate(looked_at);
    let share = choices.iter().map(|choice| choice.share).sum();
    let keys: Vec<Key> = choices.into_iter().flat_map(|choice| choice.keys).collect();
    let mut all_of = Vec::new();
    if let Some(mut terms) = keys.iter().map(|key| key.term()).collect::<Option<Vec<u32>>>() {
        terms.sort_unstable();
        terms.dedup();
        match terms.as_slice() {
            [term] => all_of.push((share, Witness::Term(*term))),
            terms if terms.len() <= WITNESS_TERMS_MAX => all_of.push((share, Witness::AnyOf(terms.to_vec()))),
            _ => {}
        }
    }
    Needs { any_of: Some(AnyOf { keys, share }), all_of }
}

/// In what share of articles a question is likely to be answered with yes; `None` where it is no reason to look.
fn share(question: &Question) -> Option<f32> {
    match question {
        Question::Lang(_) | Question::Published(_) => None,
        Question::Watch(_) => Some(0.001),
        Question::Author(_) => Some(0.01),
        Question::Url(_) | Question::Feed(_) => Some(0.02),
        Question::Category(_) => Some(0.05),
        Question::Tag(_) | Question::Country(_) | Question::Leader(_) => Some(0.2),
        Question::Topic(_)
        | Question::Supplier(_)
        | Question::Recipient(_)
        | Question::Status(_)
        | Question::Item(_)
        | Question::Resolution(_) => Some(0.02),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Terms by number; the higher, the rarer; the zeroth cannot be told.
    struct ByNumber;

    impl Worth for ByNumber {
        fn term(&mut self, term: usize) -> Option<(u32, f32)> {
            (term > 0).then_some((term as u32, 1.0 / (term as f32 + 1.0)))
        }

        fn question(&mut self, _: &CheckedNode) -> u32 {
            7
        }
    }

    use CheckedNode::{AtLeast, Not, Or, Term};

    fn and(nodes: Vec<CheckedNode>) -> CheckedNode {
        CheckedNode::And { nodes, one_deal: false }
    }

    #[track_caller]
    fn files(node: CheckedNode, expected: Option<(&[u32], &[&[u32]])>) {
        let filing = filing(&node, &mut ByNumber).map(|filing| {
            let keys = filing.keys.iter().map(|key| match key {
                Key::Term(term) => *term,
                Key::Question(_) => 0,
            });
            let witnesses = filing.witnesses.iter().map(|witness| match witness {
                Witness::Term(term) => vec![*term],
                Witness::AnyOf(terms) => terms.clone(),
            });
            (keys.collect::<Vec<_>>(), witnesses.collect::<Vec<_>>())
        });
        let expected = expected
            .map(|(keys, witnesses)| (keys.to_vec(), witnesses.iter().map(|terms| terms.to_vec()).collect::<Vec<_>>()));
        assert_eq!(filing, expected);
    }

    #[test]
    fn a_query_is_filed_under_the_rarest_that_it_needs() {
        files(Term(3), Some((&[3], &[])));
        files(and(vec![Term(3), Term(9), Term(5), Term(7)]), Some((&[9], &[&[7], &[5]])));
        files(Or(vec![Term(3), Term(9)]), Some((&[3, 9], &[])));
        files(and(vec![Or(vec![Term(8), Term(9)]), Term(2), Not(Box::new(Term(50)))]), Some((&[8, 9], &[&[2]])));
        files(and(vec![Or(vec![Term(8), Term(0)]), Term(2)]), Some((&[2], &[])));
        files(AtLeast(2, vec![Term(1), Term(5), Term(9)]), Some((&[5, 9], &[])));
        files(AtLeast(3, vec![Term(1), Term(5), Term(9)]), Some((&[9], &[&[5], &[1]])));
        files(AtLeast(2, vec![Term(0), Term(5), Term(9)]), Some((&[5, 9], &[])));
        files(and(vec![Term(4), Term(4)]), Some((&[4], &[])));
        let either = |a, b| Or(vec![Term(a), Term(b)]);
        files(and(vec![either(8, 9), either(2, 3)]), Some((&[8, 9], &[&[2, 3]])));
        files(and(vec![either(8, 9), either(9, 9), Term(4)]), Some((&[9], &[&[4], &[8, 9]])));
        files(Term(0), None);
        files(Or(vec![Term(0), Term(4)]), None);
        files(Not(Box::new(Term(4))), None);
    }
}

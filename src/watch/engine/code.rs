//! Trees of checked queries written flat, a few numbers a node, so that a hundred thousand of them fit into a few
//! megabytes and lie side by side.
//!
//! A node is one number, its kind in the low bits and something small above, then what the kind needs. Children follow
//! their parent; a parent of many says how long they are together.

use crate::watch::language::{checked::CheckedNode, tree::Scope};

const KIND_BITS: u32 = 4;
const ARGUMENT_MAX: u32 = u32::MAX >> KIND_BITS;

const TERM: u32 = 0;
const AND: u32 = 1;
const AND_OF_ONE_DEAL: u32 = 2;
const OR: u32 = 3;
const NOT: u32 = 4;
const NEAR: u32 = 5;
const NEAR_ORDERED: u32 = 6;
const SCOPE: u32 = 7;
const COUNT: u32 = 8;
const AT_LEAST: u32 = 9;
const ABOUT: u32 = 10;

/// A node and all below it, written flat.
#[derive(Debug, Clone, Copy)]
pub struct Tree<'c>(&'c [u32]);

/// One construct of a query; see [`CheckedNode`].
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum Node<'c> {
    /// By its number in the shelf.
    Term(u32),
    /// All of them; where `one_deal`, deal terms below speak of one and the same deal.
    And { nodes: Nodes<'c>, one_deal: bool },
    /// Any of them.
    Or(Nodes<'c>),
    /// Not that.
    Not(Tree<'c>),
    /// Both, so many places apart at the most.
    Near { ordered: bool, distance: u32, left: Tree<'c>, right: Tree<'c> },
    /// All of it inside one part.
    Scope(Scope, Tree<'c>),
    /// So many times.
    Count(u32, Tree<'c>),
    /// So many of them.
    AtLeast(u32, Nodes<'c>),
    /// A question, by its number in the shelf.
    About(u32),
}

/// Several nodes side by side.
#[derive(Debug, Clone, Copy)]
pub struct Nodes<'c>(&'c [u32]);

impl<'c> Iterator for Nodes<'c> {
    type Item = Tree<'c>;

    fn next(&mut self) -> Option<Tree<'c>> {
        let head = *self.0.first()?;
        // Nearly all that stands in a row is a term.
        let length = if head & 15 == TERM { 1 } else { length(self.0) };
        let (first, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(Tree(first))
    }
}

/// Writes a tree behind `code`. `term` and `about` number what the leaves hold.
pub fn write(
    root: &CheckedNode,
    code: &mut Vec<u32>,
    term: &mut impl FnMut(usize) -> u32,
    about: &mut impl FnMut(&CheckedNode) -> u32,
) {
    match root {
        CheckedNode::Term(index) => code.push(word(TERM, term(*index))),
        CheckedNode::About { .. } => code.push(word(ABOUT, about(root))),
        CheckedNode::And { nodes, one_deal } => {
            let kind = if *one_deal { AND_OF_ONE_DEAL } else { AND };
            write_many(nodes, code, word(kind, 0), term, about);
        }
        CheckedNode::Or(nodes) => write_many(nodes, code, word(OR, 0), term, about),
        CheckedNode::AtLeast(needed, nodes) => write_many(nodes, code, word(AT_LEAST, *needed), term, about),
        CheckedNode::Not(inner) => {
            code.push(word(NOT, 0));
            write(inner, code, term, about);
        }
        CheckedNode::Scope(scope, inner) => {
            code.push(word(SCOPE, *scope as u32));
            write(inner, code, term, about);
        }
        CheckedNode::Count(times, inner) => {
            // No text has so many words, so a larger count says the same.
            code.push(word(COUNT, (*times).min(ARGUMENT_MAX)));
            write(inner, code, term, about);
        }
        CheckedNode::Near { ordered, distance, left, right } => {
            code.push(word(if *ordered { NEAR_ORDERED } else { NEAR }, *distance));
            write(left, code, term, about);
            write(right, code, term, about);
        }
    }
}

fn write_many(
    nodes: &[CheckedNode],
    code: &mut Vec<u32>,
    head: u32,
    term: &mut impl FnMut(usize) -> u32,
    about: &mut impl FnMut(&CheckedNode) -> u32,
) {
    code.push(head);
    let at = code.len();
    code.push(0);
    for node in nodes {
        write(node, code, term, about);
    }
    code[at] = (code.len() - at - 1) as u32;
}

fn word(kind: u32, argument: u32) -> u32 {
    debug_assert!(argument <= ARGUMENT_MAX);
    argument << KIND_BITS | kind
}

/// How many numbers the first node of `code` takes, with all below it.
fn length(code: &[u32]) -> usize {
    match code[0] & 15 {
        TERM | ABOUT => 1,
        NOT | SCOPE | COUNT => 1 + length(&code[1..]),
        NEAR | NEAR_ORDERED => {
            let left = length(&code[1..]);
            1 + left + length(&code[1 + left..])
        }
        _ => 2 + code[1] as usize,
    }
}

impl<'c> Tree<'c> {
    /// The tree that begins `code`.
    pub fn at(code: &'c [u32]) -> Self {
        Self(&code[..length(code)])
    }

    /// What stands at its top.
    pub fn node(self) -> Node<'c> {
        let (kind, argument) = (self.0[0] & 15, self.0[0] >> KIND_BITS);
        let below = &self.0[1..];
        let many = || Nodes(&below[1..]);
        match kind {
            TERM => Node::Term(argument),
            ABOUT => Node::About(argument),
            AND | AND_OF_ONE_DEAL => Node::And { nodes: many(), one_deal: kind == AND_OF_ONE_DEAL },
            OR => Node::Or(many()),
            AT_LEAST => Node::AtLeast(argument, many()),
            NOT => Node::Not(Self(below)),
            SCOPE => Node::Scope(Scope::ALL[argument as usize], Self(below)),
            COUNT => Node::Count(argument, Self(below)),
            _ => {
                let (left, right) = below.split_at(length(below));
                Node::Near { ordered: kind == NEAR_ORDERED, distance: argument, left: Self(left), right: Self(right) }
            }
        }
    }

    /// The checked tree again. `term` and `about` give the leaves.
    pub fn read(self, term: &mut impl FnMut(u32) -> usize, about: &impl Fn(u32) -> CheckedNode) -> CheckedNode {
        let mut many = |nodes: Nodes<'c>| nodes.map(|node| node.read(term, about)).collect::<Vec<_>>();
        match self.node() {
            Node::Term(id) => CheckedNode::Term(term(id)),
            Node::About(id) => about(id),
            Node::And { nodes, one_deal } => CheckedNode::And { nodes: many(nodes), one_deal },
            Node::Or(nodes) => CheckedNode::Or(many(nodes)),
            Node::AtLeast(needed, nodes) => CheckedNode::AtLeast(needed, many(nodes)),
            Node::Not(inner) => CheckedNode::Not(Box::new(inner.read(term, about))),
            Node::Scope(scope, inner) => CheckedNode::Scope(scope, Box::new(inner.read(term, about))),
            Node::Count(times, inner) => CheckedNode::Count(times, Box::new(inner.read(term, about))),
            Node::Near { ordered, distance, left, right } => {
                let (left, right) = (Box::new(left.read(term, about)), Box::new(right.read(term, about)));
                CheckedNode::Near { ordered, distance, left, right }
            }
        }
    }
}

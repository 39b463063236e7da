//! Turns a query's text into a syntax tree.
//!
//! Never fails: broken input gives a tree with holes and a list of faults, so that every mistake is shown at once. What
//! names *mean* (does `@dprk` exist? may `lang:` stand in NEAR?) is `check.rs`'s business.
//!
//! ```text
//! query   = or
//! or      = and { "OR" and }
//! and     = not { [ "AND" ] not }
//! not     = { "NOT" | "-" } near
//! near    = unit { ( "NEAR" | "ONEAR" ) [ "/" n ] unit }
//! unit    = scope ":" unit | field ":" values | primary [ "{" n "}" ]
//! primary = "(" or ")" | n "OF" "(" or { "," or } ")" | term
//! ```

use std::ops::Range;

use super::{
    habits,
    lexer::{Fault, Kind, Token, lex},
    tree::{Node, NodeKind, Prefix, SyntaxTree, Term},
};

/// A longer query is refused unread.
pub const QUERY_BYTES_MAX: usize = 64 << 10;
/// How deep parentheses, NOT and scopes may nest; whoever walks a tree walks it by recursion.
pub const DEPTH_MAX: usize = 64;
/// How deep a tree may be: at every level of nesting an OR, an AND, a NOT and a NEAR.
const TREE_LEVELS_MAX: usize = 4 * DEPTH_MAX;
/// How many terms a query may have.
pub const TERMS_MAX: usize = 10_000;

/// What was read, and what is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// With holes where something is wrong.
    pub tree: SyntaxTree,
    /// Errors, in the order of the text.
    pub faults: Vec<Fault>,
    /// Warnings, in the order of the text.
    pub warnings: Vec<Fault>,
}

/// Reads a query.
pub fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed { tree: SyntaxTree { root: None }, faults: Vec::new(), warnings: Vec::new() };
    if text.len() > QUERY_BYTES_MAX {
        let message = format!("the query is longer than {} KiB", QUERY_BYTES_MAX >> 10);
        let help = Some("move names into a list under `[lists]`".to_owned());
        parsed.faults.push(Fault { span: 0..0, message, help });
        return parsed;
    }
    let (tokens, faults) = lex(text);
    parsed.warnings = habits::oddities(text, &tokens);
    let end = text.len();
    let mut parser = Parser { tokens: &tokens, at: 0, end, depth: 0, terms: 0, gave_up: false, faults };
    if tokens.is_empty() {
        parser.fault(0..end, "the query is empty", None);
    } else {
        let root = parser.whole();
        match too_deep(&root) {
            Some(span) => parser.fault(span, format!("the query nests deeper than {DEPTH_MAX}"), None),
            None => parsed.tree.root = Some(root),
        }
    }
    parsed.faults = parser.faults;
    parsed.faults.sort_by_key(|fault| fault.span.start);
    parsed
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Of the text.
    end: usize,
    depth: usize,
    terms: usize,
    /// Whether the rest was left unread, so that what it lacks is no further mistake.
    gave_up: bool,
    faults: Vec<Fault>,
}

impl Parser<'_> {
    fn fault(&mut self, span: Range<usize>, message: impl Into<String>, help: Option<&str>) {
        if !self.gave_up {
            self.faults.push(Fault { span, message: message.into(), help: help.map(str::to_owned) });
        }
    }

    fn kind(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    /// Where the next token stands; at the end of the text, an empty range there.
    fn span(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.end..self.end, |token| token.span.clone())
    }

    fn span_since(&self, first: usize) -> Range<usize> {
        let start = self.tokens.get(first).map_or(self.end, |token| token.span.start);
        let end = self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(start, |token| token.span.end);
        start..end.max(start)
    }

    fn take_if(&mut self, kind: &Kind) -> bool {
        let found = self.kind() == Some(kind);
        self.at += usize::from(found);
        found
    }

    fn whole(&mut self) -> Node {
        let first = self.or();
        let mut nodes = vec![first];
        while self.at < self.tokens.len() {
            let span = self.span();
            match self.kind() {
                Some(Kind::Close) => self.fault(span, "this `)` closes nothing", Some("remove it, or add a `(`")),
                Some(Kind::Comma) => self.stray_comma(span),
                _ => self.fault(span, "this cannot stand here", None),
            }
            self.at += 1;
            if self.at < self.tokens.len() {
                nodes.push(self.or());
            }
        }
        joined(nodes, NodeKind::And)
    }

    fn or(&mut self) -> Node {
        let mut nodes = vec![self.and()];
        while self.take_if(&Kind::Or) {
            nodes.push(self.and());
        }
        joined(nodes, NodeKind::Or)
    }

    fn and(&mut self) -> Node {
        let mut nodes = vec![self.not()];
        loop {
            let is_written = self.take_if(&Kind::And);
            match self.kind() {
                None | Some(Kind::Close | Kind::Comma | Kind::Or | Kind::And) if !is_written => break,
                _ => nodes.push(self.not()),
            }
        }
        joined(nodes, NodeKind::And)
    }

    /// Holds the depth in bounds: every way down passes here.
    fn not(&mut self) -> Node {
        let first = self.at;
        // The outermost level is none.
        if self.depth > DEPTH_MAX {
            let span = self.span();
            self.fault(span.clone(), format!("the query nests deeper than {DEPTH_MAX}"), None);
            // Nothing behind could be understood, and each level would complain again.
            self.gave_up = true;
            self.at = self.tokens.len();
            return Node { span, kind: NodeKind::Hole };
        }
        self.depth += 1;
        let node = if self.take_if(&Kind::Not) {
            let inner = Box::new(self.not());
            Node { span: self.span_since(first), kind: NodeKind::Not(inner) }
        } else {
            self.near()
        };
        self.depth -= 1;
        node
    }

    fn near(&mut self) -> Node {
        let first = self.at;
        let mut left = self.unit();
        let mut chained = 0;
        while let Some(&Kind::Near { ordered, distance }) = self.kind() {
            let operator = self.span();
            self.at += 1;
            chained += 1;
            let right = if self.kind() == Some(&Kind::Not) { self.not() } else { self.unit() };
            if chained > DEPTH_MAX {
                self.fault(operator, format!("the query nests deeper than {DEPTH_MAX}"), None);
                self.gave_up = true;
                self.at = self.tokens.len();
                break;
            }
            let kind = NodeKind::Near { ordered, distance, left: Box::new(left), right: Box::new(right) };
            left = Node { span: self.span_since(first), kind };
        }
        left
    }

    fn unit(&mut self) -> Node {
        let first = self.at;
        match self.kind() {
            Some(Kind::Prefix(Prefix::Scope(scope), _)) => {
                let scope = *scope;
                self.at += 1;
                let inner = if self.depth <= DEPTH_MAX && self.kind() != Some(&Kind::Not) {
                    self.depth += 1;
                    let inner = self.unit();
                    self.depth -= 1;
                    inner
                } else {
                    self.not()
                };
                Node { span: self.span_since(first), kind: NodeKind::Scope(scope, Box::new(inner)) }
            }
            Some(Kind::Prefix(Prefix::About(field), values)) => {
                let kind = NodeKind::About(*field, values.clone());
                self.at += 1;
                let node = self.counted(first, kind);
                self.with_count(first, node)
            }
            _ => {
                let node = self.primary();
                self.with_count(first, node)
            }
        }
    }

    fn with_count(&mut self, first: usize, mut node: Node) -> Node {
        while let Some(&Kind::Count(times)) = self.kind() {
            let span = self.span();
            self.at += 1;
            if matches!(node.kind, NodeKind::Count(..)) {
                self.fault(span, "a count can't be counted again", None);
            } else {
                node = Node { span: self.span_since(first), kind: NodeKind::Count(times, Box::new(node)) };
            }
        }
        node
    }

    fn primary(&mut self) -> Node {
        let first = self.at;
        let span = self.span();
        let Some(kind) = self.kind() else {
            return self.missing(span);
        };
        match kind {
            Kind::Open => self.group(),
            Kind::Term(Term::Word(number)) if self.tokens.get(first + 1).is_some_and(|t| t.kind == Kind::Of) => {
                let number = number.parse();
                self.at += 2;
                self.at_least(first, number.ok())
            }
            Kind::Term(Term::Word(number)) if number.parse::<u32>().is_ok() && self.is_lower_case_of(first + 1) => {
                let of = self.tokens[first + 1].span.clone();
                self.fault(of, "`of` is no operator", Some("the operator is `OF`: `2 OF (a, b, c)`"));
                self.at += 2;
                self.at_least(first, None);
                Node { span: self.span_since(first), kind: NodeKind::Hole }
            }
            Kind::Term(term) => {
                let kind = NodeKind::Term(term.clone());
                self.at += 1;
                self.counted(first, kind)
            }
            Kind::Broken => {
                self.at += 1;
                Node { span, kind: NodeKind::Hole }
            }
            Kind::Of => {
                self.at += 1;
                self.fault(span.clone(), "`OF` needs a number before it", Some("write `2 OF (a, b, c)`"));
                Node { span, kind: NodeKind::Hole }
            }
            Kind::Count(_) => {
                self.at += 1;
                self.fault(span.clone(), "a count stands right behind what is counted", Some("write `word{3}`"));
                Node { span, kind: NodeKind::Hole }
            }
            _ => self.missing(span),
        }
    }

    /// Whether `of (` stands there.
    fn is_lower_case_of(&self, at: usize) -> bool {
        let is_of =
            |token: &Token| matches!(&token.kind, Kind::Term(Term::Word(word)) if word.eq_ignore_ascii_case("of"));
        self.tokens.get(at).is_some_and(is_of) && self.tokens.get(at + 1).is_some_and(|token| token.kind == Kind::Open)
    }

    /// A term or a value: one more of those that are limited in number.
    fn counted(&mut self, first: usize, kind: NodeKind) -> Node {
        self.terms += 1;
        let span = self.span_since(first);
        if self.terms == TERMS_MAX + 1 {
            let help = "move names into a list under `[lists]`";
            self.fault(span.clone(), format!("the query has more than {TERMS_MAX} terms"), Some(help));
        }
        Node { span, kind }
    }

    /// Says what was expected where an operator or the end stands.
    fn missing(&mut self, span: Range<usize>) -> Node {
        let message = match self.kind() {
            None if self.at == 0 => "the query is empty",
            None => "expected a term here, but the query ends",
            Some(Kind::Close) => "expected a term before `)`",
            Some(Kind::Comma) => "expected a term before `,`",
            Some(Kind::And) => "expected a term before `AND`",
            Some(Kind::Or) => "expected a term before `OR`",
            Some(Kind::Not) => "expected a term before `NOT`",
            Some(_) => "expected a term before `NEAR`",
        };
        self.fault(span.clone(), message, Some("to search for an operator's name, quote it: `\"AND\"`"));
        Node { span: span.start..span.start, kind: NodeKind::Hole }
    }

    fn group(&mut self) -> Node {
        let open = self.span();
        self.at += 1;
        let node = self.or();
        if !self.take_if(&Kind::Close) {
            self.unclosed(open);
        }
        node
    }

    fn stray_comma(&mut self, span: Range<usize>) {
        let before = self.at.checked_sub(1).map(|before| &self.tokens[before].kind);
        match before {
            Some(Kind::Prefix(Prefix::About(field), _)) => {
                let help = format!("write `{0}:a,b` without a space, or `({0}:a OR {0}:b)`", field.as_str());
                self.fault(span, "`,` has no meaning here", Some(&help));
            }
            _ => self.fault(span, "`,` has no meaning here", Some("write `OR` for either, a space for both")),
        }
    }

    fn unclosed(&mut self, open: Range<usize>) {
        if self.kind() == Some(&Kind::Comma) {
            let span = self.span();
            self.stray_comma(span);
            self.at += 1;
            // Goes on to the bracket's end, so that it is not called unclosed.
            let _ = self.or();
            if self.take_if(&Kind::Close) {
                return;
            }
        }
        self.fault(open, "this `(` is never closed", Some("add a `)`"));
    }

    fn at_least(&mut self, first: usize, number: Option<u32>) -> Node {
        let open = self.span();
        if !self.take_if(&Kind::Open) {
            self.fault(open, "expected `(` behind `OF`", Some("write `2 OF (a, b, c)`"));
            return Node { span: self.span_since(first), kind: NodeKind::Hole };
        }
        let mut nodes = vec![self.or()];
        while self.take_if(&Kind::Comma) {
            nodes.push(self.or());
        }
        if !self.take_if(&Kind::Close) {
            self.unclosed(open);
        }
        let span = self.span_since(first);
        let choices = nodes.len();
        if self.is_lower_case_of(first + 1) {
            return Node { span, kind: NodeKind::Hole };
        }
        match number {
            Some(needed) if needed > 0 && needed as usize <= choices => {
                Node { span, kind: NodeKind::AtLeast(needed, nodes) }
            }
            _ => {
                let message = format!("`OF` takes a number from 1 to the {choices} it chooses from");
                self.fault(self.tokens[first].span.clone(), message, None);
                Node { span, kind: NodeKind::Hole }
            }
        }
    }
}

/// One node as it is, several as one.
fn joined(mut nodes: Vec<Node>, kind: fn(Vec<Node>) -> NodeKind) -> Node {
    match nodes.pop() {
        Some(last) if nodes.is_empty() => last,
        Some(last) => {
            let span = nodes[0].span.start..last.span.end;
            nodes.push(last);
            Node { span, kind: kind(nodes) }
        }
        None => Node { span: 0..0, kind: NodeKind::Hole },
    }
}

/// Whether ANDs, ORs and NEARs lie deeper in each other than anyone who walks the tree by recursion should go.
/// Parentheses, NOT and parts are bounded while they are read; each of those levels may add a few of these.
fn too_deep(root: &Node) -> Option<Range<usize>> {
    let mut open = vec![(root, 0)];
    while let Some((node, level)) = open.pop() {
        if level > TREE_LEVELS_MAX {
            return Some(node.span.clone());
        }
        match &node.kind {
            NodeKind::And(nodes) | NodeKind::Or(nodes) | NodeKind::AtLeast(_, nodes) => {
                open.extend(nodes.iter().map(|node| (node, level + 1)));
            }
            NodeKind::Not(inner) | NodeKind::Scope(_, inner) | NodeKind::Count(_, inner) => {
                open.push((inner, level + 1))
            }
            NodeKind::Near { left, right, .. } => open.extend([(&**left, level + 1), (&**right, level + 1)]),
            NodeKind::Hole | NodeKind::Term(_) | NodeKind::About(..) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::print::print, *};

    #[track_caller]
    fn reads(query: &str, printed: &str) {
        let parsed = parse(query);
        assert_eq!(parsed.faults, [], "{query}");
        assert_eq!(print(&parsed.tree), printed);
    }

    #[test]
    fn binds_tightest_first() {
        reads("a b OR c NOT d", "(a b) OR (c -d)");
        reads("-a NEAR/3 b", "-(a NEAR/3 b)");
        reads("title:a{3} NEAR b", "title:a{3} NEAR/10 b");
        reads("a NEAR b ONEAR/2 c", "a NEAR/10 b ONEAR/2 c");
        reads("a NEAR/4 (b NEAR c)", "a NEAR/4 (b NEAR/10 c)");
        reads("a AND (b OR c)", "a (b OR c)");
        reads("2 OF (a, b c, d OR e)", "2 OF (a, b c, d OR e)");
        reads("title:(a b) sentence:title:\"c\"", "title:(a b) sentence:title:\"c\"");
        reads("status:warned,negotiating x", "status:warned,negotiating x");
    }

    #[test]
    fn depth_is_bounded() {
        for query in [
            "(".repeat(60_000),
            "-".repeat(60_000),
            "title:".repeat(10_000),
            "a NEAR ".repeat(8_000),
            "1 OF (".repeat(10_000),
            "a NEAR NOT ".repeat(5_000),
        ] {
            assert!(!parse(&query).faults.is_empty());
        }
        reads(&format!("{}a{}", "(".repeat(60), ")".repeat(60)), "a");
    }
}

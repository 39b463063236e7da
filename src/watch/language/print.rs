//! Writes a syntax tree as a query. Parsing what was printed gives the same tree.

use std::fmt::{self, Write};

use super::tree::{Node, NodeKind, SyntaxTree, Term, Value};

/// The tree as a query, with no more parentheses than help a reader.
pub fn print(tree: &SyntaxTree) -> String {
    tree.root.as_ref().map(print_node).unwrap_or_default()
}

/// A part of a tree as a query.
pub fn print_node(node: &Node) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_node(node, Binding::Or, &mut text);
    text
}

/// One term as a query has it.
pub fn print_term(term: &Term) -> String {
    let mut text = String::new();
    let _ = write_term(term, &mut text);
    text
}

/// How tightly a place binds what stands in it; what binds less needs parentheses there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Not,
    Near,
    Unit,
    Primary,
}

fn binding(node: &Node) -> Binding {
    match &node.kind {
        NodeKind::Or(_) => Binding::Or,
        NodeKind::And(_) => Binding::And,
        NodeKind::Not(_) => Binding::Not,
        NodeKind::Near { .. } => Binding::Near,
        NodeKind::Scope(..) | NodeKind::Count(..) | NodeKind::About(..) => Binding::Unit,
        NodeKind::Term(_) | NodeKind::AtLeast(..) | NodeKind::Hole => Binding::Primary,
    }
}

fn write_node(node: &Node, place: Binding, to: &mut String) -> fmt::Result {
    if binding(node) < place {
        to.push('(');
        write_node(node, Binding::Or, to)?;
        to.push(')');
        return Ok(());
    }
    match &node.kind {
        // Never parsed, so that a tree with holes is not taken for a whole one.
        NodeKind::Hole => to.push_str("{?}"),
        NodeKind::Term(term) => write_term(term, to)?,
        // An OR in an OR is one only because somebody wrote parentheses; an AND in an OR gets some for the reader.
        NodeKind::Or(nodes) => write_all(nodes, Binding::Not, " OR ", to)?,
        NodeKind::And(nodes) => write_all(nodes, Binding::Not, " ", to)?,
        NodeKind::Not(inner) => {
            to.push('-');
            write_node(inner, Binding::Unit, to)?;
        }
        NodeKind::Near { ordered, distance, left, right } => {
            write_node(left, Binding::Near, to)?;
            write!(to, " {}NEAR/{distance} ", if *ordered { "O" } else { "" })?;
            write_node(right, Binding::Unit, to)?;
        }
        NodeKind::Scope(scope, inner) => {
            write!(to, "{}:", scope.as_str())?;
            write_node(inner, Binding::Unit, to)?;
        }
        NodeKind::Count(times, inner) => {
            write_node(inner, Binding::Primary, to)?;
            write!(to, "{{{times}}}")?;
        }
        NodeKind::AtLeast(needed, nodes) => {
            write!(to, "{needed} OF (")?;
            write_all(nodes, Binding::Or, ", ", to)?;
            to.push(')');
        }
        NodeKind::About(field, values) => {
            write!(to, "{}:", field.as_str())?;
            for (i, value) in values.iter().enumerate() {
                to.push_str(if i > 0 { "," } else { "" });
                write_value(value, to);
            }
        }
    }
    Ok(())
}

fn write_all(nodes: &[Node], place: Binding, between: &str, to: &mut String) -> fmt::Result {
    for (i, node) in nodes.iter().enumerate() {
        to.push_str(if i > 0 { between } else { "" });
        write_node(node, place, to)?;
    }
    Ok(())
}

fn write_term(term: &Term, to: &mut String) -> fmt::Result {
    match term {
        Term::Word(text) => to.write_str(text),
        Term::Quoted(text) => write!(to, "\"{text}\""),
        Term::AnyForm(text) => write!(to, "~\"{text}\""),
        Term::Exact(text) => write!(to, "={text}"),
        Term::ExactQuoted(text) => write!(to, "=\"{text}\""),
        Term::Fuzzy(text, edits) => write!(to, "{text}~{edits}"),
        Term::Regex(source) => write!(to, "/{source}/"),
        Term::List { name, key: None } => write!(to, "@{name}"),
        Term::List { name, key: Some(key) } => write!(to, "@{name}:{key}"),
    }
}

fn write_value(value: &Value, to: &mut String) {
    if !value.quoted {
        to.push_str(&value.text);
        return;
    }
    to.push('"');
    for c in value.text.chars() {
        if c == '\\' || super::lexer::is_quote(c) {
            to.push('\\');
        }
        to.push(c);
    }
    to.push('"');
}

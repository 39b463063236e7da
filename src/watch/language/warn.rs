//! Queries that are right and yet probably not meant.

use std::collections::HashSet;

use super::{
    lexer::Fault,
    print::print,
    tree::{AboutField, Node, NodeKind, SyntaxTree, Term},
};
use crate::article::{
    Lang, fold,
    segment::{stem::has_stemmer, units::is_spaceless},
};

/// Adds what is odd about a query, from `root` down.
pub fn warn(root: &Node, warnings: &mut Vec<Fault>) {
    let mut alone = Vec::new();
    alternatives(root, &mut alone);
    for node in alone {
        warn_of_stop_word(node, warnings);
    }
    walk(root, warnings);
}

fn push(warnings: &mut Vec<Fault>, node: &Node, message: String, help: Option<&str>) {
    warnings.push(Fault { span: node.span.clone(), message, help: help.map(str::to_owned) });
}

/// The terms of which each alone makes the query match.
fn alternatives<'a>(node: &'a Node, to: &mut Vec<&'a Node>) {
    match &node.kind {
        NodeKind::Or(nodes) => nodes.iter().for_each(|node| alternatives(node, to)),
        NodeKind::Scope(_, inner) => alternatives(inner, to),
        NodeKind::Term(_) => to.push(node),
        _ => {}
    }
}

fn warn_of_stop_word(node: &Node, warnings: &mut Vec<Fault>) {
    let NodeKind::Term(Term::Word(text) | Term::Quoted(text) | Term::AnyForm(text)) = &node.kind else { return };
    if STOP_WORDS.contains(&fold::fold(text).as_str()) {
        let message = format!("`{text}` alone stands in nearly every text");
        push(warnings, node, message, Some("add what else must be there, or put it into a phrase"));
    }
}

fn walk(node: &Node, warnings: &mut Vec<Fault>) {
    match &node.kind {
        NodeKind::Term(term) => warn_of_wide_term(node, term, warnings),
        NodeKind::And(nodes) => {
            warn_of_contradiction(node, nodes, warnings);
            nodes.iter().for_each(|node| walk(node, warnings));
        }
        NodeKind::Or(nodes) | NodeKind::AtLeast(_, nodes) => nodes.iter().for_each(|node| walk(node, warnings)),
        NodeKind::Not(inner) | NodeKind::Scope(_, inner) | NodeKind::Count(_, inner) => walk(inner, warnings),
        NodeKind::Near { left, right, .. } => {
            walk(left, warnings);
            walk(right, warnings);
        }
        NodeKind::About(AboutField::Lang, values) => {
            for lang in values.iter().filter_map(|value| Lang::from_tag(&value.text)) {
                if !has_stemmer(lang) && !SPACELESS.contains(&lang.as_str()) {
                    let message = format!("words of `{lang}` are compared whole: there is no stemmer for it");
                    push(warnings, node, message, Some("add other forms with OR, or end words in `*`"));
                }
            }
        }
        NodeKind::Hole | NodeKind::About(..) => {}
    }
}

fn warn_of_wide_term(node: &Node, term: &Term, warnings: &mut Vec<Fault>) {
    match term {
        Term::Regex(source) => {
            let regex = regex::RegexBuilder::new(source).case_insensitive(true).build();
            if regex.is_ok_and(|regex| SAMPLES.iter().all(|sample| regex.is_match(sample))) {
                push(warnings, node, format!("`/{source}/` matches nearly everything"), None);
            }
        }
        Term::Word(text) | Term::Quoted(text) | Term::AnyForm(text) | Term::Exact(text) | Term::ExactQuoted(text) => {
            let is_wide = |word: &str| {
                word.contains('*')
                    && word.chars().filter(|c| c.is_alphanumeric()).count() == 2
                    && !word.chars().any(is_spaceless)
            };
            if let Some(word) = text.split_whitespace().find(|word| is_wide(word)) {
                let message = format!("`{word}` stands for very many words");
                push(warnings, node, message, Some("give more letters beside the `*`"));
            }
        }
        Term::Fuzzy(..) | Term::List { .. } => {}
    }
}

/// `a -a`, `lang:tr lang:en`: all of it can never hold.
fn warn_of_contradiction(node: &Node, nodes: &[Node], warnings: &mut Vec<Fault>) {
    let mut wanted: HashSet<String> = HashSet::new();
    let mut only: Vec<(AboutField, HashSet<String>)> = Vec::new();
    for child in nodes {
        if let NodeKind::About(field @ (AboutField::Lang | AboutField::Feed), values) = &child.kind {
            let values: HashSet<String> = values.iter().map(|value| value.text.to_lowercase()).collect();
            if only.iter().any(|(other, allowed)| other == field && allowed.is_disjoint(&values)) {
                let help = format!("write `({0}:a OR {0}:b)` for either", field.as_str());
                let message = format!("this can never match: an article has one `{}`", field.as_str());
                push(warnings, node, message, Some(&help));
            }
            only.push((*field, values));
        }
        if !matches!(child.kind, NodeKind::Not(_)) {
            wanted.insert(printed(child));
        }
    }
    for child in nodes {
        if let NodeKind::Not(inner) = &child.kind
            && wanted.contains(&printed(inner))
        {
            push(warnings, child, "this can never match: the same is wanted and not wanted".to_owned(), None);
        }
    }
}

fn printed(node: &Node) -> String {
    print(&SyntaxTree { root: Some(node.clone()) })
}

/// Written without spaces, so matched by substring, which needs no stems.
const SPACELESS: [&str; 6] = ["zh", "ja", "th", "lo", "km", "my"];

/// A regex that finds something in all of these finds something in nearly every article.
const SAMPLES: [&str; 4] = ["Quartz vow.", "jump high, by 12", "Of my old kin", "Привет, мир"];

/// Words that stand in nearly every text of their language, folded. No `un`: who asks for `UN` means no article.
const STOP_WORDS: [&str; 67] = [
    "the", "a", "an", "and", "or", "not", "of", "to", "in", "on", "at", "by", "for", "with", "from", "as", "is", "are",
    "was", "were", "be", "been", "it", "its", "this", "that", "he", "she", "they", "his", "her", "their", "has",
    "have", "had", "but", "said", "will", "who", "which", "der", "die", "das", "und", "den", "von", "le", "la", "les",
    "des", "et", "de", "du", "une", "el", "los", "que", "y", "ve", "bir", "bu", "и", "в", "на", "не", "что", "с",
];

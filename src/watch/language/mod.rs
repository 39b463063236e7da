//! The watch language: a query's text in, a checked query out, or every problem at its place.

pub mod lexer;
pub mod tree;
pub mod parser;
pub mod suggest;
pub mod habits;
pub mod print;
pub mod pattern;
pub mod expression;
pub mod list;
pub mod checked;
pub mod age;
pub mod question;
pub mod check;
pub mod implied;
pub mod contradiction;
pub mod warn;

use crate::config::{Level, Place, Problem, QuerySource};

pub use check::Known;
pub use checked::CheckedQuery;

use lexer::Fault;

/// Reads and checks a query; what is wrong with it is shown where a person wrote it.
pub fn compile(source: &QuerySource, known: Known<'_>) -> (Option<CheckedQuery>, Vec<Problem>) {
    let parsed = parser::parse(&source.text);
    let checked = check::check(&source.text, &parsed.tree, known);
    let mut problems: Vec<(usize, Problem)> = Vec::new();
    // What a broken query would match is not worth a warning.
    let is_broken = !parsed.faults.is_empty() || !checked.errors.is_empty();
    let oddities = if is_broken { &[] } else { checked.warnings.as_slice() };
    for (level, faults) in [
        (Level::Error, parsed.faults.as_slice()),
        (Level::Error, &checked.errors),
        (Level::Warning, &parsed.warnings),
        (Level::Warning, oddities),
    ] {
        problems.extend(faults.iter().map(|fault| (fault.span.start, problem(source, level, fault))));
    }
    problems.sort_by_key(|(start, _)| *start);
    let query = checked.query.filter(|_| parsed.faults.is_empty());
    (query, problems.into_iter().map(|(_, problem)| problem).collect())
}

fn problem(source: &QuerySource, level: Level, fault: &Fault) -> Problem {
    let problem = Problem { level, message: fault.message.clone(), place: None, help: fault.help.clone() };
    problem.at(place(source, fault))
}

/// Where a fault stands in what the person wrote; the whole query where escapes or keywords hide the way back.
fn place(source: &QuerySource, fault: &Fault) -> Place {
    let is_verbatim = source.source.get(source.span.clone()) == Some(source.text.as_str());
    let span = if is_verbatim {
        source.span.start + fault.span.start..source.span.start + fault.span.end
    } else {
        source.span.clone()
    };
    Place { origin: source.origin.clone(), source: source.source.clone(), span, first_line: 1 }
}

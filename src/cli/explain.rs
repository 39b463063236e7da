//! `explain`: a query as a tree over an article, each part with ✓ or ✗, what it hit and what it lacked.

use super::{Context, Exit, args::ExplainArguments, matching, output, setup};
use crate::{
    alert::text::safe,
    article::Article,
    clock::Clock,
    config::WatchSettings,
    watch::matched::{Explained, ExplainedPart, Match},
};

/// So many different hits of a part are shown to people; JSON has all.
const HITS_SHOWN_MAX: usize = 4;
/// So many deals or resolutions that made a part hold are shown to people, and so many characters of each.
const FOUND_SHOWN_MAX: usize = 2;
const FOUND_CHARS_MAX: usize = 130;
/// The queries of parts are cut to so many characters, so that what is said of them is seen.
const QUERY_CHARS_MAX: usize = 60;
/// So are titles; some wires put a paragraph there.
const TITLE_CHARS_MAX: usize = 100;

/// Explains every article of the file.
pub fn run(context: &Context, arguments: &ExplainArguments) -> Exit {
    let (settings, problems) = match setup::settings_or_default(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let watches = match matching::chosen(&settings, arguments.watch.as_slice(), arguments.query.as_slice()) {
        Ok(watches) => watches,
        Err(message) => {
            eprintln!("error: {message}");
            return Exit::Usage;
        }
    };
    let explained_watches = watches.clone();
    // A watch may refer to others, so all are there; those of a command line see nothing else.
    let compiled = if arguments.query.is_some() { watches } else { settings.watches.clone() };
    let watching = match setup::compile(context, &settings, compiled, problems) {
        Ok(watching) => watching,
        Err(exit) => return exit,
    };
    let now = Clock::system().now();
    matching::each_article(context, &settings, std::slice::from_ref(&arguments.file), now, |article| {
        if !context.output.json {
            let name = if article.title.trim().is_empty() { &article.id.value } else { &article.title };
            output::print(&format!("{}\n", cut(&safe(name), TITLE_CHARS_MAX)))?;
        }
        for watch in &explained_watches {
            let Some(explained) = watching.explain(watch, article, now) else { continue };
            if watch.id == explained_watches[0].id {
                matching::say_what_is_unknown(article, &[], explained.cut);
            }
            let shown = if context.output.json {
                serde_json::to_string(&line(article, watch.id.as_str(), &explained))? + "\n"
            } else {
                text(watch, &explained, context.output.color) + "\n"
            };
            output::print(&shown)?;
        }
        Ok(())
    })
}

/// One line of NDJSON; its keys stand in this order.
#[derive(serde::Serialize)]
struct Line<'a> {
    article: LineArticle<'a>,
    watch: &'a str,
    #[serde(flatten)]
    explained: &'a Explained,
}

#[derive(serde::Serialize)]
struct LineArticle<'a> {
    id: &'a str,
    title: &'a str,
    url: Option<&'a str>,
}

fn line<'a>(article: &'a Article, watch: &'a str, explained: &'a Explained) -> Line<'a> {
    let article = LineArticle { id: &article.id.value, title: &article.title, url: article.url.as_deref() };
    Line { article, watch, explained }
}

/// The tree for people.
fn text(watch: &WatchSettings, explained: &Explained, color: bool) -> String {
    let unsure = explained.confidence.filter(|&confidence| !watch.min_confidence.allows(confidence));
    let watch = watch.id.as_str();
    let mut rows = Vec::new();
    row(&explained.tree, "", "", &mut rows);
    let width = rows.iter().map(|row| row.head_chars).filter(|&chars| chars <= QUERY_CHARS_MAX).max().unwrap_or(0);
    let mut text = match (explained.matched, explained.reads_feed) {
        (Some(true), _) if unsure.is_some() => format!(
            "{} {watch} matches with confidence {:.2}, below its min_confidence: stored and not sent\n",
            mark(Some(true), color),
            unsure.unwrap_or_default()
        ),
        (Some(true), _) => format!("{} {watch} matches\n", mark(Some(true), color)),
        (None, _) => format!("{} {watch} ran out of steps: nobody knows whether it matches\n", mark(None, color)),
        (Some(false), true) => format!("{} {watch} does not match\n", mark(Some(false), color)),
        (Some(false), false) => {
            format!("{} {watch} is not asked: it does not read this feed\n", mark(Some(false), color))
        }
    };
    for row in rows {
        let gap = " ".repeat(width.saturating_sub(row.head_chars));
        let line = format!("{}{} {}{gap}   {}", row.branch, mark(row.matched, color), row.query, row.said);
        text.push_str("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

struct Row {
    branch: String,
    matched: Option<bool>,
    query: String,
    said: String,
    /// Of branch and query together.
    head_chars: usize,
}

fn row(part: &ExplainedPart, branch: &str, below: &str, rows: &mut Vec<Row>) {
    let query = cut(&safe(&part.query), QUERY_CHARS_MAX);
    rows.push(Row {
        branch: branch.to_owned(),
        matched: part.matched,
        head_chars: branch.chars().count() + query.chars().count(),
        query,
        said: said(part),
    });
    for (i, child) in part.children.iter().enumerate() {
        let (own, rest) = if i + 1 < part.children.len() { ("├ ", "│ ") } else { ("└ ", "  ") };
        row(child, &format!("{below}{own}"), &format!("{below}{rest}"), rows);
    }
}

fn said(part: &ExplainedPart) -> String {
    let is_leaf = part.children.is_empty();
    let mut said = Vec::new();
    if part.matched.is_none() {
        said.push("undecided: it ran out of its steps".to_owned());
    }
    said.extend(part.found.iter().take(FOUND_SHOWN_MAX).map(|found| cut(&safe(found), FOUND_CHARS_MAX)));
    said.extend(part.rule.as_ref().map(|rule| format!("by the {rule} rule")));
    // Of a group that lacks some of its parts, these say so themselves.
    let is_said_below = matches!(part.op, "and" | "near" | "scope") && !part.is_apart;
    said.extend(part.lacks.as_ref().filter(|_| !is_said_below).map(|lacks| safe(lacks)));
    let is_veto = part.op == "not" && part.matched == Some(false);
    if is_leaf && part.found.is_empty() || is_veto || matches!(part.op, "near" | "count") {
        let hits = shown_hits(&part.hits);
        said.extend((!hits.is_empty()).then_some(hits));
    }
    said.join(" · ")
}

/// `title “Missiles”, body “missile” ×3`
fn shown_hits(hits: &[Match]) -> String {
    let mut shown: Vec<(String, usize)> = Vec::new();
    for hit in hits {
        let words = format!("{} “{}”", hit.field.as_str(), cut(&safe(&hit.text), QUERY_CHARS_MAX));
        match shown.iter_mut().find(|(known, _)| *known == words) {
            Some((_, times)) => *times += 1,
            None => shown.push((words, 1)),
        }
    }
    let more = shown.len().saturating_sub(HITS_SHOWN_MAX);
    let each = shown.iter().take(HITS_SHOWN_MAX).map(|(words, times)| match times {
        1 => words.clone(),
        times => format!("{words} ×{times}"),
    });
    let mut text = each.collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
        None => text.to_owned(),
    }
}

fn mark(matched: Option<bool>, color: bool) -> String {
    let (sign, code) = match matched {
        Some(true) => ("✓", 32),
        Some(false) => ("✗", 31),
        None => ("?", 33),
    };
    if color { format!("\x1b[{code}m{sign}\x1b[0m") } else { sign.to_owned() }
}

//! Reads `[[watch]]`, turns keywords into a query, and keeps the built-in watches.

use std::{ops::Range, str::FromStr};

use super::{
    daemon::LINE_CHARS_MAX,
    id::{FeedId, SinkId, WatchId},
    problem::Problem,
    raw::{Table, Value},
    reader::{Reader, Text},
    settings::{Confidence, FeedSelector, QuerySource, Severity, WatchSettings},
};

/// Longest query, as the watch language has it.
const QUERY_BYTES_MAX: usize = 64 * 1024;

/// Keywords of one watch: a query has at most so many terms.
const KEYWORDS_MAX: usize = 10_000;

/// Feeds or sinks that one watch may name.
const NAMES_MAX: usize = 10_000;

/// The watches that are there without a word in the config: id, name, query, severity.
const BUILT_IN: [(&str, &str, &str, Severity); 3] = [
    ("arms-deals", "Arms deals", "topic:arms-deal", Severity::Warning),
    ("unsc-resolutions", "UN Security Council resolutions", "topic:unsc-resolution", Severity::Warning),
    ("leaders", "Leaders", "leader:any", Severity::Info),
];

/// `severity` and `min_severity`.
pub(super) const SEVERITIES: [(&str, Severity); 3] =
    [("info", Severity::Info), ("warning", Severity::Warning), ("critical", Severity::Critical)];

/// A `[[watch]]` as far as it could be read.
#[derive(Debug)]
pub(super) struct WatchDraft {
    /// The header.
    pub span: Range<usize>,
    pub id: Option<(WatchId, Range<usize>)>,
    pub name: Option<String>,
    pub query: Option<QuerySource>,
    pub severity: Severity,
    pub min_confidence: Confidence,
    pub feeds: Vec<(FeedSelector, Range<usize>)>,
    /// `None` where the file does not say, so that the defaults hold.
    pub sinks: Option<Vec<(SinkId, Range<usize>)>>,
}

/// The built-in watches.
pub(super) fn built_in(sinks: &[SinkId]) -> Vec<WatchSettings> {
    let watch = |(id, name, query, severity): (&str, &str, &str, Severity)| WatchSettings {
        id: WatchId::from_str(id).expect("a built-in watch's id is valid"),
        name: name.to_owned(),
        query: QuerySource::standalone(format!("built-in watch `{id}`"), query),
        severity,
        feeds: Vec::new(),
        sinks: sinks.to_vec(),
        min_confidence: Confidence::default(),
    };
    BUILT_IN.into_iter().map(watch).collect()
}

/// Reads one watch.
pub(super) fn read<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> WatchDraft {
    let table = reader.known("watch", table);
    let id = table.get("id").and_then(|value| reader.id(value));
    if table.lacks("id") {
        let problem = Problem::error("this watch has no `id`");
        reader.note_of_the_whole(&table.span, problem.help("add `id = \"…\"`: it stands in every alert"));
    }
    let severity = table.get("severity").and_then(|value| reader.choice(value, &SEVERITIES, &[]));
    WatchDraft {
        name: table.get("name").and_then(|value| reader.line(value, LINE_CHARS_MAX)).map(|text| text.value),
        query: query(reader, &table, id.as_ref().map(|(id, _)| id)),
        severity: severity.unwrap_or_default(),
        min_confidence: table.get("min_confidence").and_then(|value| reader.fraction(value)).unwrap_or_default(),
        feeds: table.get("feeds").map(|value| selectors(reader, value)).unwrap_or_default(),
        sinks: table.get("sinks").map(|value| sinks(reader, value)),
        id,
        span: table.span,
    }
}

/// The sinks that a list names.
pub(super) fn sinks<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Vec<(SinkId, Range<usize>)> {
    let mut sinks: Vec<(SinkId, Range<usize>)> = Vec::new();
    for text in reader.texts(value, NAMES_MAX).unwrap_or_default() {
        match SinkId::from_str(&text.value) {
            Ok(id) if sinks.iter().any(|(other, _)| *other == id) => {
                reader.note(&text.span, Problem::warning(format!("the sink `{id}` stands here twice")));
            }
            Ok(id) => sinks.push((id, text.span)),
            Err(error) => reader.note(&text.span, Problem::error(error.to_string())),
        }
    }
    sinks
}

fn selectors<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Vec<(FeedSelector, Range<usize>)> {
    let mut selectors = Vec::new();
    for text in reader.texts(value, NAMES_MAX).unwrap_or_default() {
        let selector = match text.value.strip_prefix("tag:") {
            // A tag keeps to the letters of an id.
            Some(tag) => FeedId::from_str(tag).map(|_| FeedSelector::Tag(tag.to_owned())),
            None => FeedId::from_str(&text.value).map(FeedSelector::Id),
        };
        match selector {
            Ok(selector) => selectors.push((selector, text.span)),
            Err(error) => {
                let problem = Problem::error(error.to_string());
                reader.note(&text.span, problem.help("name a feed by its id, or many by `tag:` and a tag"));
            }
        }
    }
    selectors
}

fn query<'a>(reader: &mut Reader<'a>, table: &Table<'a>, id: Option<&WatchId>) -> Option<QuerySource> {
    let words = ["keywords", "all", "exclude"].map(|key| table.get(key));
    if let Some(value) = table.get("query") {
        if let Some(other) = words.iter().flatten().next() {
            let problem = Problem::error(format!("a watch has a `query` or `{}`, not both", other.key));
            reader.note(&other.key_span, problem.help("say it all in `query`: AND, OR and NOT are at hand there"));
        }
        let text = reader.text(value)?;
        if text.value.trim().is_empty() {
            reader.note(&value.span, Problem::error("`query` is empty"));
            return None;
        }
        return bounded(reader, value, text.value, text.inner);
    }
    let [keywords, all, exclude] = words;
    let Some(first) = keywords.or(all) else {
        if ["query", "keywords", "all"].iter().any(|key| !table.lacks(key)) {
            return None;
        }
        let (at, mut problem) = match exclude {
            Some(exclude) => {
                (exclude.key_span.clone(), Problem::error("`exclude` alone would match nearly everything"))
            }
            None => (table.span.clone(), Problem::error("this watch has neither `query` nor `keywords`")),
        };
        // Who only wants another sink for a built-in watch has to say its query again, as this one replaces it.
        problem.help = Some(match BUILT_IN.iter().find(|built_in| id.is_some_and(|id| id.as_str() == built_in.0)) {
            Some((_, _, query, _)) => format!("add `query = '{query}'` to look for what the built-in watch does"),
            None => "add `keywords = [\"…\"]` or `query = '…'`".to_owned(),
        });
        reader.note_of_the_whole(&at, problem);
        return None;
    };
    let mut terms = |value: Option<&Value<'a>>| value.map_or_else(|| Some(Vec::new()), |value| terms(reader, value));
    let (any, all, none) = (terms(keywords), terms(all), terms(exclude));
    let text = joined(&any?, &all?, &none?);
    bounded(reader, first, text, first.span.clone())
}

fn bounded<'a>(reader: &mut Reader<'a>, value: &Value<'a>, text: String, span: Range<usize>) -> Option<QuerySource> {
    if text.len() > QUERY_BYTES_MAX {
        let message = format!("the query is longer than {} KiB", QUERY_BYTES_MAX / 1024);
        reader
            .note(&value.span, Problem::error(message).help("put long lists of names into `[lists]`, and say `@name`"));
        return None;
    }
    Some(QuerySource { text, origin: reader.origin.clone(), source: reader.shown.clone(), span })
}

fn terms<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<Vec<String>> {
    let texts = reader.texts(value, KEYWORDS_MAX)?;
    if texts.is_empty() {
        if value.value.as_array().is_some_and(|items| items.is_empty()) {
            reader.note(&value.span, Problem::error(format!("`{}` is empty", value.key)));
        }
        return None;
    }
    texts.iter().map(|text| term(reader, text)).collect::<Vec<_>>().into_iter().collect()
}

fn term(reader: &mut Reader<'_>, text: &Text) -> Option<String> {
    if text.value.starts_with('@') {
        let problem = Problem::error(format!("`{}` is a list, and keywords are plain words", text.value));
        reader.note(
            &text.span,
            problem.help(format!("write `query = '{}'`, or leave the `@` out of a plain word", text.value)),
        );
        return None;
    }
    let term = keyword_term(&text.value);
    if term.is_none() {
        let message = "a keyword needs a letter or digit";
        reader.note(&text.span, Problem::error(message));
    }
    term
}

/// One keyword as a term of the watch language: `~"…"`, each word in any form, or `="…"` behind a `=`.
fn keyword_term(keyword: &str) -> Option<String> {
    let keyword = keyword.trim();
    let (mark, words) = match keyword.strip_prefix('=') {
        Some(words) => ('=', words.trim_start()),
        None => ('~', keyword),
    };
    if !words.chars().any(char::is_alphanumeric) {
        return None;
    }
    let mut term = format!("{mark}\"");
    let mut characters = words.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, characters.peek()) {
            // An escape that the language knows is passed on as it is, so that `\*` finds a star.
            ('\\', Some(next @ ('"' | '*' | '?' | '\\'))) => {
                term.extend([c, *next]);
                characters.next();
            }
            ('\\' | '"', _) => term.extend(['\\', c]),
            _ => term.push(c),
        }
    }
    term.push('"');
    Some(term)
}

/// The query that keywords stand for: any of the first, all of the second, none of the third.
fn joined(any: &[String], all: &[String], none: &[String]) -> String {
    let mut parts = Vec::with_capacity(1 + all.len() + none.len());
    match any {
        [] => {}
        [one] => parts.push(one.clone()),
        many => parts.push(format!("({})", many.join(" OR "))),
    }
    parts.extend(all.iter().cloned());
    parts.extend(none.iter().map(|term| format!("NOT {term}")));
    // `a OR b` alone needs no brackets around it.
    match (parts.as_slice(), any.len()) {
        ([_], 2..) => any.join(" OR "),
        _ => parts.join(" AND "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn keyword(written: &str, expected: Option<&str>) {
        assert_eq!(keyword_term(written).as_deref(), expected);
    }

    #[test]
    fn keywords_become_terms() {
        keyword("dual-use", Some(r#"~"dual-use""#));
        keyword(" arms deal* ", Some(r#"~"arms deal*""#));
        keyword("=UN", Some(r#"="UN""#));
        keyword("= Security Council", Some(r#"="Security Council""#));
        keyword(r#"say "no""#, Some(r#"~"say \"no\"""#));
        keyword(r"five\* hotel", Some(r#"~"five\* hotel""#));
        keyword(r"c:\temp", Some(r#"~"c:\\temp""#));
        keyword(r"end\", Some(r#"~"end\\""#));
        keyword("制裁", Some(r#"~"制裁""#));
        keyword("=", None);
        keyword("--", None);
        keyword("", None);
    }

    #[test]
    fn lists_of_keywords_become_one_query() {
        let t = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(joined(&t(&["a"]), &[], &[]), "a");
        assert_eq!(joined(&t(&["a", "b"]), &[], &[]), "a OR b");
        assert_eq!(joined(&t(&["a", "b"]), &t(&["c", "d"]), &t(&["e"])), "(a OR b) AND c AND d AND NOT e");
        assert_eq!(joined(&[], &t(&["c"]), &t(&["e", "f"])), "c AND NOT e AND NOT f");
    }
}

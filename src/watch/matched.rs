//! What a watch hit in an article.

use std::cmp::Reverse;

use super::{
    engine::{Hit, evaluate::Evidence, explain::Explanation, shelf::Shelf},
    found::Findings,
};
use crate::article::{
    Field,
    segment::{AnalysedText, Word, WordKind},
    text::TextSpan,
};

/// An alert shows so many matches; a reader needs the first few.
const MATCHES_MAX: usize = 100;
/// An excerpt has about so many words on either side of what was hit.
const EXCERPT_WORDS_AROUND: u32 = 10;
/// In scripts without spaces a word is a character, so there are more of them.
const EXCERPT_CHARACTERS_AROUND: u32 = 25;

/// One stretch of text that a watch hit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Match {
    /// In which text.
    pub field: Field,
    /// First Unicode scalar value.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// Exactly that slice.
    pub text: String,
    /// The term of the query that hit, as written.
    pub term: String,
}

/// What a watch set says of one article.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matched {
    /// Each watch that matched, in the order of the set.
    pub hits: Vec<WatchHit>,
    /// What the article says; `Some` whenever there is a hit.
    pub findings: Option<Findings>,
    /// Watches, by their index, that ran out of their steps: nobody knows whether they match.
    pub undecided: Vec<usize>,
    /// Whether the article was too long to be read whole.
    pub cut: bool,
    /// How many watches' trees were walked: what matching cost.
    pub candidates: usize,
}

/// One watch matched.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchHit {
    /// Its index in the list that was compiled.
    pub watch: usize,
    /// What it hit, by field and start, each once; the first `MATCHES_MAX` of them.
    pub matches: Vec<Match>,
    /// Some twenty words around the best of them.
    pub excerpt: String,
    /// 0.0 to 1.0; 1.0 where no topic is asked for.
    pub confidence: f32,
}

/// Why a watch matches an article or not.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Explained {
    /// Whether it does; null where that could not be told in the steps that a watch has.
    pub matched: Option<bool>,
    /// Whether the article was too long to be read whole.
    pub cut: bool,
    /// False where the watch is not asked about articles of this feed.
    pub reads_feed: bool,
    /// Of an alert, where it matches.
    pub confidence: Option<f64>,
    /// The query, part by part.
    pub tree: ExplainedPart,
}

/// A part of a query, what it hit and what it lacked; the fields stand as in the contract.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ExplainedPart {
    /// What kind of part it is.
    pub op: &'static str,
    /// The part as a query.
    pub query: String,
    /// Whether it holds; null where that could not be told in the steps that a watch has.
    pub matched: Option<bool>,
    /// What made it hold; for a NOT that does not, what vetoed it.
    pub hits: Vec<Match>,
    /// Why it does not hold.
    pub lacks: Option<String>,
    /// Whether each of its parts holds somewhere, but not all together.
    #[serde(skip)]
    pub is_apart: bool,
    /// The rule that made a topic fire.
    pub rule: Option<String>,
    /// Which deals, resolutions or leaders made it hold, with the sentence that shows them.
    pub found: Vec<String>,
    /// Its parts.
    pub children: Vec<ExplainedPart>,
}

impl Explained {
    pub(super) fn new(
        explanation: &Explanation,
        reads_feed: bool,
        confidence: Option<f64>,
        shelf: &Shelf,
        text: &AnalysedText,
    ) -> Self {
        let tree = ExplainedPart::new(explanation, shelf, text);
        Self {
            matched: if reads_feed { tree.matched } else { Some(false) },
            cut: text.cut,
            reads_feed,
            confidence,
            tree,
        }
    }
}

impl ExplainedPart {
    fn new(explanation: &Explanation, shelf: &Shelf, text: &AnalysedText) -> Self {
        Self {
            op: explanation.op,
            query: explanation.query.clone(),
            matched: explanation.matched,
            hits: matches(&named(&explanation.hits, shelf), text),
            lacks: explanation.lacks.clone(),
            is_apart: explanation.is_apart,
            rule: explanation.rule.clone(),
            found: explanation.found.clone(),
            children: explanation.children.iter().map(|child| Self::new(child, shelf, text)).collect(),
        }
    }
}

/// A hit and the term that made it, as the query has it.
type NamedHit<'q> = (Hit, &'q str);

/// Evidence with its terms as the queries of `shelf` have them.
pub(super) fn named<'q>(evidence: &[Evidence], shelf: &'q Shelf) -> Vec<NamedHit<'q>> {
    evidence.iter().map(|&(hit, leaf)| (hit, shelf.written(leaf))).collect()
}

/// Evidence as matches: sorted, each once, bounded.
pub(super) fn matches(evidence: &[NamedHit<'_>], text: &AnalysedText) -> Vec<Match> {
    let mut stretches: Vec<_> =
        evidence.iter().map(|&(hit, term)| (hit.field, hit.start_chars, hit.end_chars, term)).collect();
    stretches.sort_unstable();
    stretches.dedup();
    stretches.truncate(MATCHES_MAX);
    let mut matches = Vec::with_capacity(stretches.len());
    let mut at = (Field::Title, 0, 0);
    for (field, start, end, term) in stretches {
        // Starts only rise within a field, so its text is walked once.
        let (_, from_chars, from_byte) = if at.0 == field { at } else { (field, 0, 0) };
        let rest = &text.field(field).text[from_byte..];
        let start_byte = from_byte + bytes_of(rest, start - from_chars);
        let rest = &text.field(field).text[start_byte..];
        let slice = &rest[..bytes_of(rest, end - start)];
        at = (field, start, start_byte);
        matches.push(Match { field, start, end, text: slice.to_owned(), term: term.to_owned() });
    }
    matches
}

/// How many bytes the first `chars` scalar values take.
fn bytes_of(text: &str, chars: u32) -> usize {
    text.char_indices().nth(chars as usize).map_or(text.len(), |(byte, _)| byte)
}

/// Some words around the stretch that shows most of the terms, and among such the one that tells most of a topic; of an
/// article that was not matched by its words, how it begins.
pub(super) fn excerpt(evidence: &[NamedHit<'_>], findings: &Findings, text: &AnalysedText) -> String {
    let telling = telling(findings);
    let rank = |hit: &Hit| {
        let is_at = |span: &TextSpan| {
            (span.field, span.start_chars, span.end_chars) == (hit.field, hit.start_chars, hit.end_chars)
        };
        telling.iter().position(is_at).unwrap_or(usize::MAX)
    };
    let mut sorted: Vec<_> =
        evidence.iter().map(|&(hit, term)| (hit.field, hit.first, hit.last, term, rank(&hit))).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let best = sorted.iter().enumerate().map(|(i, &(field, first, last, _, rank))| {
        let window = sorted[i..].iter().take_while(|h| h.0 == field && h.1 <= first + EXCERPT_WORDS_AROUND);
        let mut terms: Vec<&str> = Vec::new();
        let mut end = last;
        for &(_, _, last, term, _) in window.take(MATCHES_MAX) {
            if !terms.contains(&term) {
                terms.push(term);
                end = end.max(last);
            }
        }
        // The title is shown beside the excerpt anyway.
        ((field != Field::Title, terms.len(), Reverse(rank), Reverse(i)), field, first, end)
    });
    let (field, first, last) = match best.max_by_key(|&(worth, ..)| worth) {
        Some((_, field, first, last)) => (field, first, last),
        None => {
            let of_words = [Field::Body, Field::Summary, Field::Title];
            let field = of_words.into_iter().find(|&field| !text.field(field).words.is_empty());
            (field.unwrap_or(Field::Title), 0, EXCERPT_WORDS_AROUND)
        }
    };
    around(field, first, last, text)
}

/// The words of deals and resolutions that stand in the sentence which tells most of them, those of the surest first.
fn telling(findings: &Findings) -> Vec<TextSpan> {
    let deals = findings.arms_deals.iter().map(|deal| (&deal.spans, deal.evidence));
    let resolutions = findings.resolutions.iter().map(|resolution| (&resolution.spans, resolution.evidence));
    let inside = |(spans, evidence): (&Vec<TextSpan>, TextSpan)| {
        let is_inside = |span: &TextSpan| {
            span.field == evidence.field
                && span.start_chars >= evidence.start_chars
                && span.end_chars <= evidence.end_chars
        };
        spans.iter().copied().filter(is_inside).collect::<Vec<_>>()
    };
    deals.chain(resolutions).flat_map(inside).collect()
}

fn around(field: Field, first: u32, last: u32, text: &AnalysedText) -> String {
    let analysed = text.field(field);
    let words = &analysed.words;
    let at = words.partition_point(|word| word.place < first);
    let is_spaceless = words.get(at).is_some_and(|word| word.kind == WordKind::Character);
    let reach = if is_spaceless { EXCERPT_CHARACTERS_AROUND } else { EXCERPT_WORDS_AROUND };
    // A hit that is a whole sentence needs no neighbours, and must not bring its paragraph along.
    let reach_behind = reach.saturating_sub((last - first) / 2);
    let start = words.partition_point(|word| word.place < first.saturating_sub(reach_behind));
    let end = words.partition_point(|word| word.place <= (last + reach_behind).min(first + 3 * reach));
    let Some((start_word, end_word)) = words.get(start).zip(end.checked_sub(1).and_then(|end| words.get(end))) else {
        return String::new();
    };
    let is_first = |word: &Word| word.place == 0;
    let whole = &analysed.text;
    let from = if is_first(start_word) { 0 } else { start_word.start_byte as usize };
    let to = if end == words.len() { whole.len() } else { end_word.end_byte as usize };
    let slice = whole[from..to].split_whitespace().collect::<Vec<_>>().join(" ");
    let before = if from > 0 { "…" } else { "" };
    let behind = if to < whole.len() { "…" } else { "" };
    format!("{before}{slice}{behind}")
}

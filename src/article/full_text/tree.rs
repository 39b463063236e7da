//! A page as a tree, however it was made to cost: bounded in nodes and in depth.
//!
//! A tree builder does for each tag what grows with how deep it stands, and html5ever opens again what was left open in
//! every paragraph that follows; a few hundred kilobytes can so become minutes and gigabytes. So the page is given to it
//! in small pieces, and after each the tree is looked at.

use dom_query::Document;
use html5ever::{ParseOpts, parse_document, tendril::StrTendril, tendril::TendrilSink, tree_builder::TreeBuilderOpts};

/// Elements, texts and comments. The longest real pages have some 60,000.
pub(super) const NODES_MAX: usize = 100_000;
/// Elements inside elements; real pages stay under 60.
const DEPTH_MAX: usize = 300;
/// Bytes between two looks: so few that what one piece can add does no harm.
const PIECE_BYTES: usize = 256;

/// The page as a tree, cut where it has too many nodes; `None` where it nests too deep to be a page.
pub(super) fn parse(html: &str) -> Option<Document> {
    let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
    let mut parser = parse_document(Document::default(), ParseOpts { tree_builder, ..ParseOpts::default() });
    let mut rest = html;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(rest.ceil_char_boundary(PIECE_BYTES.min(rest.len())));
        rest = behind;
        parser.process(StrTendril::from_slice(piece));
        let document = &parser.tokenizer.sink.sink;
        // Nobody reads them.
        document.errors.borrow_mut().clear();
        if is_deep(document) {
            return None;
        }
        if document.tree.len() > NODES_MAX {
            break;
        }
    }
    let document = parser.finish();
    (!is_deep(&document)).then_some(document)
}

/// Whether what is being built now stands too deep: the last child of the last child, and so on.
fn is_deep(document: &Document) -> bool {
    let mut depth = 0;
    let mut node = document.tree.root();
    while let Some(last) = node.last_child() {
        node = last;
        depth += 1;
        if depth > DEPTH_MAX {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn pages_made_to_cost_are_cut_or_refused() {
        let started = Instant::now();
        let deep = "<div>".repeat(200_000);
        assert!(parse(&deep).is_none());
        // Each paragraph opens again all that was left open before it.
        let reopened: String = (0..20_000).map(|n| format!("<p><b c{n}>x</p>")).collect();
        let held_open: String = (0..20_000).map(|n| format!("<b c{n}><table><tr><td></b></td></tr></table>")).collect();
        for html in [reopened, held_open] {
            assert!(parse(&html).is_none_or(|document| document.tree.len() < NODES_MAX * 4));
        }
        let wide = "<p>word".repeat(300_000);
        assert!(parse(&wide).unwrap().tree.len() < NODES_MAX + PIECE_BYTES);
        // Without the bounds each of them takes minutes; this is a bound for slow machines.
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }

    #[test]
    fn pieces_may_part_a_letter_or_a_tag() {
        let html = format!("<p title='{}'>привет, мир</p>", "é".repeat(400));
        assert_eq!(&*parse(&html).unwrap().select("p").text(), "привет, мир");
    }
}

//! Makes a disagreement small enough to be read: fewer watches, a simpler query, a shorter text.

use std::fmt::Write;

use wirewatch::{
    article::Article,
    watch::language::{
        print::print,
        tree::{Node, NodeKind, SyntaxTree},
    },
};

use super::{Asked, disagreement};

/// The smallest watches and article that still disagree, told.
pub(super) fn smallest(mut asked: Vec<Asked>, mut article: Article) -> String {
    if let Some((at, _)) = disagreement(&asked, &article) {
        let mut needed = vec![at];
        for at in (0..at).rev() {
            if needed.iter().any(|&other| asked[other].referred().any(|id| id == asked[at].id)) {
                needed.push(at);
            }
        }
        let few: Vec<Asked> = needed.iter().rev().map(|&at| asked[at].clone()).collect();
        if disagreement(&few, &article).is_some() {
            asked = few;
        }
    }
    loop {
        let fewer = (0..asked.len()).map(|at| without(&asked, at));
        let simpler = asked.iter().enumerate().flat_map(|(at, watch)| {
            let replaced = |query: Asked| {
                let mut asked = asked.clone();
                asked[at] = query;
                asked
            };
            simpler(watch).into_iter().map(replaced).collect::<Vec<_>>()
        });
        let next = fewer.chain(simpler).find(|asked| disagreement(asked, &article).is_some());
        if let Some(next) = next {
            asked = next;
            continue;
        }
        let next = shorter(&article).into_iter().find(|article| disagreement(&asked, article).is_some());
        match next {
            Some(next) => article = next,
            None => return told(&asked, &article),
        }
    }
}

fn without<T: Clone>(items: &[T], at: usize) -> Vec<T> {
    [&items[..at], &items[at + 1..]].concat()
}

/// The watch with one node of its query in its own child's stead, or without one of its children; or for all feeds.
fn simpler(watch: &Asked) -> Vec<Asked> {
    let trees = watch.tree.root.iter().flat_map(simpler_nodes);
    let queries = trees.map(|root| print(&SyntaxTree { root: Some(root) }));
    let mut watches: Vec<Asked> =
        queries.map(|query| Asked { feeds: watch.feeds.clone(), ..Asked::new(&watch.id, &query) }).collect();
    watches.extend((!watch.feeds.is_empty()).then(|| Asked { feeds: Vec::new(), ..watch.clone() }));
    watches
}

fn simpler_nodes(node: &Node) -> Vec<Node> {
    let with = |kind: NodeKind| Node { span: 0..0, kind };
    let mut simpler = Vec::new();
    let mut of_several = |nodes: &[Node], make: &dyn Fn(Vec<Node>) -> NodeKind| {
        simpler.extend(nodes.iter().cloned());
        if nodes.len() > 2 {
            simpler.extend((0..nodes.len()).map(|at| with(make(without(nodes, at)))));
        }
        for (at, child) in nodes.iter().enumerate() {
            for smaller in simpler_nodes(child) {
                let mut nodes = nodes.to_vec();
                nodes[at] = smaller;
                simpler.push(with(make(nodes)));
            }
        }
    };
    match &node.kind {
        NodeKind::And(nodes) => of_several(nodes, &NodeKind::And),
        NodeKind::Or(nodes) => of_several(nodes, &NodeKind::Or),
        NodeKind::AtLeast(needed, nodes) => of_several(nodes, &|nodes| NodeKind::AtLeast(*needed, nodes)),
        NodeKind::Near { ordered, distance, left, right } => {
            let near = |nodes: Vec<Node>| {
                let [left, right] = <[Node; 2]>::try_from(nodes).expect("a NEAR has two sides").map(Box::new);
                NodeKind::Near { ordered: *ordered, distance: *distance, left, right }
            };
            of_several(&[(**left).clone(), (**right).clone()], &near);
        }
        NodeKind::Not(inner) => of_several(&[(**inner).clone()], &|nodes| NodeKind::Not(only(nodes))),
        NodeKind::Scope(scope, inner) => {
            of_several(&[(**inner).clone()], &|nodes| NodeKind::Scope(*scope, only(nodes)));
        }
        NodeKind::Count(times, inner) => {
            of_several(&[(**inner).clone()], &|nodes| NodeKind::Count(*times, only(nodes)));
        }
        NodeKind::Hole | NodeKind::Term(_) | NodeKind::About(..) => {}
    }
    simpler
}

fn only(mut nodes: Vec<Node>) -> Box<Node> {
    Box::new(nodes.remove(0))
}

/// The article without one of its texts, or with a stretch of one left out.
fn shorter(article: &Article) -> Vec<Article> {
    let mut shorter = Vec::new();
    shorter.extend(article.summary.is_some().then(|| Article { summary: None, ..article.clone() }));
    shorter.extend(shorter_texts(&article.title).map(|title| Article { title, ..article.clone() }));
    shorter.extend(shorter_texts(&article.text).map(|text| Article { text, ..article.clone() }));
    let summaries = article.summary.iter().flat_map(|summary| shorter_texts(summary));
    shorter.extend(summaries.map(|summary| Article { summary: Some(summary), ..article.clone() }));
    shorter
}

/// A half, a quarter and so on down to a character left out, at each place.
fn shorter_texts(text: &str) -> impl Iterator<Item = String> {
    let chars: Vec<char> = text.chars().collect();
    let lengths = std::iter::successors(Some(chars.len()), |&length| (length > 1).then_some(length / 2));
    lengths.filter(|&length| length > 0).flat_map(move |length| {
        let chars = chars.clone();
        (0..chars.len()).step_by(length).map(move |start| {
            let end = (start + length).min(chars.len());
            chars[..start].iter().chain(&chars[end..]).collect()
        })
    })
}

/// A disagreement as a person wants to read it.
pub(super) fn told(asked: &[Asked], article: &Article) -> String {
    let mut told = String::new();
    for watch in asked {
        let _ = writeln!(told, "{}: `{}` {:?}", watch.id, watch.query, watch.feeds);
    }
    let lang = article.lang.map_or("?".to_owned(), |lang| lang.to_string());
    let _ = writeln!(told, "{lang} {:?} {:?} {:?}", article.title, article.summary, article.text);
    if asked.iter().any(|watch| watch.query.contains(':') || !watch.feeds.is_empty()) {
        let feed = article.feed.as_ref().map(|feed| (feed.id.as_str(), &feed.tags));
        let _ = writeln!(told, "{feed:?} {:?} {:?} {:?}", article.url, article.authors, article.categories);
    }
    let difference = disagreement(asked, article).map_or("(agree)".to_owned(), |(_, difference)| difference);
    told + &difference
}

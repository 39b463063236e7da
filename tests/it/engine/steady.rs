//! What must not change the engine's answers: other watches, the order of words that commute, a watch that is there
//! twice.

use wirewatch::{
    article::Article,
    watch::language::{
        print::print,
        tree::{Node, NodeKind, SyntaxTree},
    },
};

use super::{
    Answer, Asked,
    dice::Dice,
    engine_answers, random_watches, set,
    texts::{THEMES, alphabet, random_article},
};

/// The same tree with what commutes in another order.
fn reordered(node: &Node, dice: &mut Dice) -> Node {
    let mut several = |nodes: &[Node]| {
        let mut nodes: Vec<Node> = nodes.iter().map(|node| reordered(node, dice)).collect();
        dice.shuffle(&mut nodes);
        nodes
    };
    let kind = match &node.kind {
        NodeKind::And(nodes) => NodeKind::And(several(nodes)),
        NodeKind::Or(nodes) => NodeKind::Or(several(nodes)),
        NodeKind::AtLeast(needed, nodes) => NodeKind::AtLeast(*needed, several(nodes)),
        NodeKind::Not(inner) => NodeKind::Not(Box::new(reordered(inner, dice))),
        NodeKind::Scope(scope, inner) => NodeKind::Scope(*scope, Box::new(reordered(inner, dice))),
        NodeKind::Count(times, inner) => NodeKind::Count(*times, Box::new(reordered(inner, dice))),
        NodeKind::Near { ordered: false, distance, left, right } => {
            // Chains lean to the left: what is turned about is printed in parentheses.
            let (left, right) = (Box::new(reordered(right, dice)), Box::new(reordered(left, dice)));
            NodeKind::Near { ordered: false, distance: *distance, left, right }
        }
        other => other.clone(),
    };
    Node { span: node.span.clone(), kind }
}

/// What a set answers to several articles.
struct Answered<'a> {
    asked: &'a [Asked],
    answers: Vec<Vec<(Answer, bool)>>,
}

impl<'a> Answered<'a> {
    fn new(asked: &'a [Asked], articles: &[Article]) -> Self {
        let set = set(asked);
        Self { asked, answers: articles.iter().map(|article| engine_answers(&set, article)).collect() }
    }

    /// Compares what two sets say of the watches that they share: `pairs` gives their indices.
    fn assert_same(&self, told: &str, other: &Answered<'_>, pairs: &[(usize, usize)], articles: &[Article]) {
        for (article, (own, others)) in articles.iter().zip(self.answers.iter().zip(&other.answers)) {
            for &(at, in_other) in pairs {
                let ((answer, is_whole), (other_answer, is_other_whole)) = (&own[at], &others[in_other]);
                // Which of many matches are shown depends on how their terms are written.
                let is_same = match *is_whole && *is_other_whole {
                    true => answer == other_answer,
                    false => answer.is_some() == other_answer.is_some(),
                };
                let queries = [&self.asked[at].query, &other.asked[in_other].query];
                assert!(is_same, "{told}: {queries:?} {answer:?} {other_answer:?} over {article:#?}");
            }
        }
    }
}

#[test]
fn other_watches_and_the_order_of_words_change_no_answer() {
    for seed in 0..2 * THEMES.len() {
        let mut dice = Dice::new(1_000_000 + seed as u64);
        let theme = &THEMES[seed % THEMES.len()];
        let alphabet = alphabet(theme, &mut dice);
        let (watches, _) = random_watches(theme, &alphabet, 60, &mut dice);
        let articles: Vec<Article> = (0..6).map(|_| random_article(theme, &alphabet, &mut dice)).collect();
        let same: Vec<(usize, usize)> = (0..watches.len()).map(|at| (at, at)).collect();
        let is_alone = |asked: &Asked| asked.referred().next().is_none();
        let base = Answered::new(&watches, &articles);
        let assert_same = |told: &str, asked: &[Asked], pairs: &[(usize, usize)]| {
            base.assert_same(told, &Answered::new(asked, &articles), pairs, &articles);
        };

        for at in (0..watches.len()).filter(|&at| is_alone(&watches[at])).take(20) {
            assert_same("alone", &[watches[at].clone()], &[(at, 0)]);
        }

        let other = &THEMES[(seed + 1) % THEMES.len()];
        let (mut among, _) = random_watches(other, &other.words(), 40, &mut dice);
        for (at, asked) in among.iter_mut().enumerate() {
            asked.id = format!("other{at}");
        }
        among.retain(is_alone);
        let before = among.len();
        among.extend(watches.iter().cloned());
        let moved: Vec<_> = same.iter().map(|&(at, _)| (at, before + at)).collect();
        assert_same("among unrelated watches", &among, &moved);

        let turned: Vec<Asked> = watches
            .iter()
            .map(|asked| {
                let root = asked.tree.root.as_ref().map(|root| reordered(root, &mut dice));
                let query = print(&SyntaxTree { root });
                Asked { feeds: asked.feeds.clone(), ..Asked::new(&asked.id, &query) }
            })
            .collect();
        assert_same("in another order", &turned, &same);

        let mut twice = watches.clone();
        twice.extend(watches.iter().map(|asked| Asked { id: format!("{}-again", asked.id), ..asked.clone() }));
        let again: Vec<_> = same.iter().flat_map(|&(at, _)| [(at, at), (at, watches.len() + at)]).collect();
        assert_same("twice", &twice, &again);
    }
}

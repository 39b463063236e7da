//! Queries that are right and yet probably not meant.
//!
//! What can never match is `contradiction`'s business; here is what matches too much, twice, or by a detour.

use std::collections::HashSet;

use super::{
    checked::{CheckedNode, CheckedTerm},
    contradiction,
    lexer::Fault,
    pattern::{Measure, Pattern, Piece},
    print::print,
    tree::{AboutField, Node, NodeKind, SyntaxTree, Term},
};
use crate::article::{
    Lang,
    language::two_letters,
    segment::{stem::has_stemmer, units::is_spaceless},
};

/// A construct as written and as understood. Both trees have the same shape.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    /// As written.
    pub node: &'a Node,
    /// As understood.
    pub checked: &'a CheckedNode,
}

impl<'a> Part<'a> {
    /// The parts right below.
    pub fn children(self) -> Vec<Part<'a>> {
        let pair = |node, checked| Part { node, checked };
        match (&self.node.kind, self.checked) {
            (NodeKind::And(nodes), CheckedNode::And { nodes: checked, .. })
            | (NodeKind::Or(nodes), CheckedNode::Or(checked))
            | (NodeKind::AtLeast(_, nodes), CheckedNode::AtLeast(_, checked)) => {
                nodes.iter().zip(checked).map(|(node, checked)| pair(node, checked)).collect()
            }
            (NodeKind::Not(node), CheckedNode::Not(checked))
            | (NodeKind::Scope(_, node), CheckedNode::Scope(_, checked))
            | (NodeKind::Count(_, node), CheckedNode::Count(_, checked)) => vec![pair(node, checked)],
            (
                NodeKind::Near { left, right, .. },
                CheckedNode::Near { left: checked_left, right: checked_right, .. },
            ) => {
                vec![pair(left, checked_left), pair(right, checked_right)]
            }
            _ => Vec::new(),
        }
    }

    /// The same construct, however it is spaced.
    pub fn printed(self) -> String {
        print(&SyntaxTree { root: Some(self.node.clone()) })
    }
}

/// Adds what is odd about a query, from `root` down.
pub fn warn(root: Part<'_>, terms: &[CheckedTerm], warnings: &mut Vec<Fault>) {
    let before = warnings.len();
    contradiction::warn(root, terms, warnings);
    // Of what never matches nobody needs to hear that it matches too much.
    let is_sound = warnings.len() == before;
    let mut warner = Warner { terms, warnings, is_sound };
    if !is_sound || !warner.warn_of_too_much(root) {
        warner.walk(root);
    }
}

struct Warner<'a> {
    terms: &'a [CheckedTerm],
    warnings: &'a mut Vec<Fault>,
    /// Whether no part of it is impossible.
    is_sound: bool,
}

impl Warner<'_> {
    fn push(&mut self, node: &Node, message: String, help: Option<&str>) {
        self.warnings.push(Fault { span: node.span.clone(), message, help: help.map(str::to_owned) });
    }

    /// Warns of each alternative that nearly every text fulfils; true where that is the whole query.
    fn warn_of_too_much(&mut self, part: Part<'_>) -> bool {
        if self.is_common(part) {
            let text = part.printed();
            let message = match &part.node.kind {
                NodeKind::Term(Term::Regex(_)) => format!("`{text}` matches nearly everything"),
                NodeKind::Term(_) => format!("`{text}` alone stands in nearly every text"),
                _ => format!("`{text}` matches nearly everything"),
            };
            self.push(part.node, message, Some("add what else must be there, or put it into a phrase"));
            return true;
        }
        match &part.node.kind {
            NodeKind::Or(_) => {
                let each: Vec<bool> = part.children().into_iter().map(|child| self.warn_of_too_much(child)).collect();
                each.iter().all(|is_common| *is_common)
            }
            _ => false,
        }
    }

    /// Whether nearly every text fulfils it.
    fn is_common(&self, part: Part<'_>) -> bool {
        match (&part.node.kind, part.checked) {
            (NodeKind::Term(_), CheckedNode::Term(term)) => match &self.terms[*term].pattern {
                Pattern::Phrase(pieces) => matches!(pieces.as_slice(), [Piece::Word(word)] if is_stop_word(word)),
                Pattern::Regex(regex) => SAMPLES.iter().all(|sample| regex.is_match(sample)),
                _ => false,
            },
            (NodeKind::And(_), _) => {
                let children = part.children();
                let says_little = |child: &Part<'_>| {
                    self.is_common(*child)
                        || matches!(child.node.kind, NodeKind::About(AboutField::Lang | AboutField::Published, _))
                };
                children.iter().all(says_little) && children.iter().any(|child| self.is_common(*child))
            }
            (NodeKind::Scope(..) | NodeKind::Near { .. }, _) => {
                part.children().into_iter().all(|child| self.is_common(child))
            }
            (NodeKind::AtLeast(needed, _), _) => {
                part.children().into_iter().filter(|child| self.is_common(*child)).count() >= *needed as usize
            }
            _ => false,
        }
    }

    /// `~"sanctions AND Russia"`, as keywords that were meant to be queries become.
    fn warn_of_quoted_operators(&mut self, node: &Node, term: &Term) {
        let (Term::Quoted(text) | Term::AnyForm(text)) = term else { return };
        let words: Vec<&str> = text.split_whitespace().collect();
        let is_operator =
            |word: &&&str| matches!(**word, "AND" | "OR" | "NOT" | "NEAR" | "ONEAR") || word.contains("NEAR/");
        let is_all_capitals = !text.chars().any(char::is_lowercase);
        if let Some(operator) = words.iter().find(is_operator).filter(|_| words.len() > 1 && !is_all_capitals) {
            let message = format!("`{operator}` inside quotes or a keyword is searched as a word");
            self.push(node, message, Some("put operators outside of quotes, in `query = '…'`"));
        }
    }

    fn walk(&mut self, part: Part<'_>) {
        match (&part.node.kind, part.checked) {
            (NodeKind::Term(term), CheckedNode::Term(checked)) => {
                self.warn_of_quoted_operators(part.node, term);
                self.warn_of_wide_term(part.node, *checked);
            }
            (NodeKind::About(AboutField::Lang, values), _) => {
                let langs: Vec<Lang> = values.iter().filter_map(|value| Lang::from_tag(&value.text)).collect();
                langs.into_iter().for_each(|lang| self.warn_of_language(part.node, lang));
            }
            (NodeKind::Not(inner), _) if matches!(inner.kind, NodeKind::Not(_)) => {
                self.push(part.node, "one NOT takes the other back".to_owned(), Some("leave both out"));
            }
            (NodeKind::Not(_), _) if self.is_sound => {
                if let Some(child) = part.children().into_iter().find(|child| self.is_common(*child)) {
                    let message =
                        format!("`{}` stands in nearly every text, so this hardly ever matches", child.printed());
                    self.push(part.node, message, Some("leave it out"));
                }
            }
            (NodeKind::And(_) | NodeKind::Or(_) | NodeKind::AtLeast(..), _) => self.warn_of_repetition(part),
            _ => {}
        }
        part.children().into_iter().for_each(|child| self.walk(child));
    }

    fn warn_of_repetition(&mut self, part: Part<'_>) {
        let mut seen: HashSet<String> = HashSet::new();
        for child in part.children() {
            let key = self.key(child);
            // Twice not wanted, or twice a hole, is no worse than once.
            if !seen.insert(key) {
                let is_choice = matches!(part.node.kind, NodeKind::AtLeast(..));
                let help = if is_choice { "a single hit counts for both" } else { "once is enough" };
                self.push(child.node, format!("`{}` stands here twice", child.printed()), Some(help));
            }
        }
    }

    /// The same for terms that find the same.
    fn key(&self, part: Part<'_>) -> String {
        let CheckedNode::Term(term) = part.checked else { return part.printed() };
        let Pattern::Phrase(pieces) = &self.terms[*term].pattern else { return part.printed() };
        let mut key = String::from("phrase");
        for piece in pieces {
            let (mark, text) = match piece {
                Piece::Word(word) | Piece::Designation { whole: word, .. } => match word.measure {
                    Measure::Exact => ('=', word.exact.to_string()),
                    Measure::Folded => (' ', word.folded.to_string()),
                    Measure::Stem => ('~', word.folded.to_string()),
                },
                Piece::Wildcard { text, exact } => (if *exact { '!' } else { '*' }, text.iter().collect()),
                Piece::Fuzzy { text, edits } => (if *edits == 1 { '1' } else { '2' }, text.clone()),
            };
            key.push(mark);
            key.push_str(&text);
        }
        key
    }

    fn warn_of_wide_term(&mut self, node: &Node, term: usize) {
        let Pattern::Phrase(pieces) = &self.terms[term].pattern else { return };
        let wide = pieces.iter().find_map(|piece| match piece {
            Piece::Wildcard { text, .. } if is_wide(text) => Some(text.iter().collect::<String>()),
            _ => None,
        });
        if let Some(word) = wide {
            let help = if word.contains('*') {
                "give more letters beside the `*`"
            } else {
                "give more letters beside the `?`"
            };
            self.push(node, format!("`{word}` stands for very many words"), Some(help));
        }
    }

    fn warn_of_language(&mut self, node: &Node, lang: Lang) {
        let written = lang.as_str();
        let short = two_letters(written);
        let meant = if short == written {
            COUNTRIES.iter().find(|(code, _)| *code == written).map(|(_, lang)| *lang)
        } else {
            Some(short)
        };
        if let Some(meant) = meant {
            let help = format!("did you mean `lang:{meant}`?");
            self.push(node, format!("hardly an article is marked as `{written}`"), Some(&help));
        } else if !has_stemmer(lang) && !SPACELESS.contains(&written) {
            let message = format!("words of `{lang}` are compared whole: there is no stemmer for it");
            self.push(node, message, Some("add other forms with OR, or end words in `*`"));
        }
    }
}

/// A wildcard that hundreds of words of a language fit.
fn is_wide(wildcard: &[char]) -> bool {
    let letters = wildcard.iter().filter(|c| !matches!(c, '*' | '?'));
    if letters.clone().any(|c| is_spaceless(*c)) {
        return false;
    }
    let count = letters.count();
    match (wildcard.contains(&'*'), wildcard.first() == Some(&'*') && wildcard.last() == Some(&'*')) {
        (true, true) => count <= 3,
        (true, false) => count <= 2,
        // `?an` is a handful of words; `???a` is every word of four letters that ends so.
        (false, _) => count == 1 && wildcard.len() >= 3,
    }
}

/// Whether a pattern is nothing but a word such as `the`.
pub fn is_stop_word_alone(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Phrase(pieces) => matches!(pieces.as_slice(), [Piece::Word(word)] if is_stop_word(word)),
        _ => false,
    }
}

fn is_stop_word(word: &super::pattern::PatternWord) -> bool {
    // `=IT` and `=WHO` are no pronouns.
    let is_name =
        word.measure == Measure::Exact && word.exact.chars().count() > 1 && !word.exact.chars().any(char::is_lowercase);
    !is_name && STOP_WORDS.contains(&&*word.folded)
}

/// Written without spaces, so matched by substring, which needs no stems.
const SPACELESS: [&str; 6] = ["zh", "ja", "th", "lo", "km", "my"];

/// Codes of countries that are taken for those of their languages.
const COUNTRIES: [(&str, &str); 10] = [
    ("ua", "uk"),
    ("cn", "zh"),
    ("tw", "zh"),
    ("jp", "ja"),
    ("kr", "ko"),
    ("gr", "el"),
    ("cz", "cs"),
    ("dk", "da"),
    ("ir", "fa"),
    ("us", "en"),
];

/// A regex that finds something in all of these finds something in nearly every article.
const SAMPLES: [&str; 4] = ["Quartz vow.", "jump high, by 12", "Of my old kin", "Привет, мир"];

/// Words that stand in nearly every text of their language, folded. No `un`: who asks for `UN` means no article.
const STOP_WORDS: [&str; 118] = [
    "the", "a", "an", "and", "or", "not", "of", "to", "in", "on", "at", "by", "for", "with", "from", "as", "is", "are",
    "was", "were", "be", "been", "it", "its", "this", "that", "he", "she", "they", "his", "her", "their", "has",
    "have", "had", "but", "said", "will", "who", "which", "der", "die", "das", "und", "den", "von", "le", "la", "les",
    "des", "et", "de", "du", "une", "el", "los", "que", "y", "ve", "bir", "bu", "и", "в", "на", "не", "что", "с",
    "mit", "ist", "im", "zu", "auf", "las", "del", "en", "por", "con", "se", "est", "dans", "pour", "qui", "il", "di",
    "che", "per", "da", "do", "em", "para", "com", "w", "z", "nie", "ile", "icin", "по", "как", "это", "та", "що", "з",
    "في", "من", "على", "به", "از", "که", "και", "το", "की", "के", "של", "את", "的", "了", "の", "は",
];

//! Queries made by chance of the words that texts are made of: every construct, each in each where it may stand.

use super::{dice::Dice, texts::Theme};

/// Makes queries of one theme.
pub(crate) struct Queries<'a> {
    pub(crate) theme: &'a Theme,
    pub(crate) alphabet: &'a [&'static str],
    /// Watches that `watch:` may name.
    pub(crate) watches: Vec<String>,
}

impl Queries<'_> {
    /// A query; it may be one that the checker refuses.
    pub(crate) fn query(&self, dice: &mut Dice) -> String {
        let depth = dice.weighted(&[(5, 0), (5, 1), (5, 2), (3, 3)]);
        // One in fifty without care for what may stand where.
        if dice.percent(2) { self.any(depth, dice) } else { self.positive(depth, dice) }
    }

    /// Something that a query may consist of.
    fn positive(&self, depth: usize, dice: &mut Dice) -> String {
        if depth == 0 {
            return if dice.percent(8) { self.about(dice) } else { self.leaf(dice) };
        }
        match dice.below(20) {
            0..5 => self.all(depth, dice),
            5..9 => self.group(" OR ", depth, dice),
            9..13 => self.near(depth, dice),
            13..15 => format!("{}{{{}}}", self.countable(depth, dice), dice.between(1, 4)),
            15 => {
                let choices = dice.between(1, 4);
                let nodes: Vec<String> = (0..choices).map(|_| self.positive(depth - 1, dice)).collect();
                format!("{} OF ({})", dice.between(1, choices), nodes.join(", "))
            }
            _ => {
                let scope = dice.pick(&["title", "summary", "body", "lead", "sentence", "sentence", "paragraph"]);
                format!("{scope}:({})", self.positive(depth - 1, dice))
            }
        }
    }

    /// An AND: something positive, and beside it perhaps what is not wanted or a language.
    fn all(&self, depth: usize, dice: &mut Dice) -> String {
        let mut nodes = vec![self.positive(depth - 1, dice)];
        for _ in 0..dice.between(1, 2) {
            nodes.push(match dice.below(10) {
                0..5 => self.positive(depth - 1, dice),
                5..9 => format!("{}({})", dice.pick(&["-", "NOT "]), self.positive(depth - 1, dice)),
                _ => format!("lang:{}", dice.pick(&["en", "tr", "en-GB,ru", "zh,ko", "fr,ar"])),
            });
        }
        dice.shuffle(&mut nodes);
        format!("({})", nodes.join(dice.pick(&[" ", " AND "])))
    }

    fn group(&self, between: &str, depth: usize, dice: &mut Dice) -> String {
        let nodes: Vec<String> = (0..dice.between(2, 3)).map(|_| self.positive(depth - 1, dice)).collect();
        format!("({})", nodes.join(between))
    }

    fn near(&self, depth: usize, dice: &mut Dice) -> String {
        let mut near = self.countable(depth - 1, dice);
        for _ in 0..dice.weighted(&[(4, 1), (1, 2)]) {
            let operator = dice.pick(&["NEAR", "ONEAR"]);
            let distance = dice.pick(&["", "/1", "/1", "/2", "/3", "/5", "/100"]);
            near = format!("{near} {operator}{distance} {}", self.countable(depth - 1, dice));
        }
        format!("({near})")
    }

    /// Something with positions.
    fn countable(&self, depth: usize, dice: &mut Dice) -> String {
        match dice.below(if depth == 0 { 5 } else { 9 }) {
            0..5 => self.leaf(dice),
            5 | 6 => {
                let sides = [self.countable(depth - 1, dice), self.countable(depth - 1, dice)];
                format!("({})", sides.join(" OR "))
            }
            _ => self.near(depth, dice),
        }
    }

    /// Whatever can be written; most of it is refused.
    fn any(&self, depth: usize, dice: &mut Dice) -> String {
        if depth == 0 {
            return self.leaf(dice);
        }
        let (a, b) = (self.any(depth - 1, dice), self.positive(depth - 1, dice));
        match dice.below(5) {
            0 => format!("({a}) NEAR ({b})"),
            1 => format!("NOT ({a}) OR {b}"),
            2 => format!("sentence:({a}){{2}}"),
            3 => format!("{a} OR lang:en"),
            _ => format!("3 OF ({a}, {b})"),
        }
    }

    /// Something that is asked about the article.
    fn about(&self, dice: &mut Dice) -> String {
        if !self.watches.is_empty() && dice.percent(40) {
            return format!("watch:{}", self.watches[dice.below(self.watches.len())]);
        }
        let asked = [
            "feed:anadolu",
            "feed:yonhap,anadolu",
            "tag:wire",
            "tag:blog,wire",
            "author:\"Jane Doe\"",
            "author:afp,jane",
            "author:\"jos*\"",
            "author:\"jane ?oe\"",
            "category:world",
            "category:\"*news\",economie",
            "url:example.org",
            "url:https://www.example.org/world/*",
            "url:*.example.com/World",
            "url:example.com/*/",
        ];
        dice.pick(&asked).to_owned()
    }

    /// A term.
    fn leaf(&self, dice: &mut Dice) -> String {
        let word = self.word(dice);
        let letters: Vec<char> = word.chars().filter(|c| c.is_alphanumeric()).collect();
        match dice.below(24) {
            0..6 => word,
            6..9 => dice.pick(&self.theme.terms()).to_owned(),
            9 => format!("\"{word}\""),
            10 | 11 => format!("\"{} {}\"", word, self.word(dice)),
            12 => format!("~\"{} {}\"", word, self.word(dice)),
            13 => format!("\"{} {} {}\"", word, self.word(dice), self.word(dice)),
            14 => format!("={word}"),
            15 => format!("=\"{} {}\"", word, self.word(dice)),
            16 => format!("{}-{}", word.trim_end_matches('.'), self.word(dice)),
            17..20 if letters.len() >= 2 => wildcard(&letters, dice),
            20 if letters.len() >= 4 => fuzzy(letters, dice),
            21..23 => self.regex(&word, dice),
            _ => dice.pick(&["@arms", "@people", "@jets", "@moscow", "@sanctions", "@korea", "@council"]).to_owned(),
        }
    }

    /// One word as a query may have it, in whatever case.
    fn word(&self, dice: &mut Dice) -> String {
        let token = if dice.below(10) == 0 { dice.pick(&self.theme.words()) } else { dice.pick(self.alphabet) };
        let parts: Vec<&str> = token.split(|c| " ,()“”«»".contains(c)).filter(|part| !part.is_empty()).collect();
        let word = dice.pick(&parts);
        match dice.below(10) {
            0 => word.to_uppercase(),
            1 | 2 => word.to_lowercase(),
            _ => word.to_owned(),
        }
    }

    fn regex(&self, word: &str, dice: &mut Dice) -> String {
        let quoted = |word: &str| regex::escape(word).replace('/', "\\/");
        let (first, second) = (quoted(word), quoted(&self.word(dice)));
        let start: String = word.chars().take(2).map(|c| quoted(&c.to_string())).collect();
        match dice.below(9) {
            0 => format!("/{first}/"),
            1 => format!("/{start}\\w+/"),
            2 => format!("/\\b{first}\\b/"),
            3 => format!("/{first}\\W+{second}/"),
            4 => format!("/(?-i){start}/"),
            5 => format!("/{first}.{{0,6}}{second}/"),
            6 => format!("/^{start}/"),
            7 => format!("/{first}\\.?$/"),
            _ => dice.pick(&["/\\d+/", "/(?-i)[A-Z]\\w*/", "/\\w+-\\w+/", "/[a-c] [a-c]/", "/[.!]/"]).to_owned(),
        }
    }
}

/// A word with stars and question marks in it.
fn wildcard(letters: &[char], dice: &mut Dice) -> String {
    let text = |letters: &[char]| letters.iter().collect::<String>();
    let cut = dice.between(1, letters.len() - 1).max(2.min(letters.len() - 1));
    match dice.below(6) {
        0 | 1 => format!("{}*", text(&letters[..cut])),
        2 => format!("*{}", text(&letters[letters.len() - cut..])),
        3 => format!("{}*{}", text(&letters[..1]), text(&letters[cut..])),
        4 => format!("\"{}* *{}\"", text(letters), text(letters)),
        _ => {
            let mut letters = letters.to_vec();
            let at = dice.below(letters.len());
            letters[at] = '?';
            text(&letters)
        }
    }
}

/// A misspelt word.
fn fuzzy(mut letters: Vec<char>, dice: &mut Dice) -> String {
    let edits = if letters.len() >= 8 { dice.between(1, 2) } else { 1 };
    for _ in 0..dice.between(0, edits) {
        let at = dice.below(letters.len() - 1);
        match dice.below(4) {
            0 => letters.swap(at, at + 1),
            1 => letters[at] = letters[at + 1],
            2 => letters.insert(at, letters[at]),
            _ => drop(letters.remove(at)),
        }
    }
    format!("{}~{edits}", letters.into_iter().collect::<String>())
}

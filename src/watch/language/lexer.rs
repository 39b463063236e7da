//! Turns a query's text into tokens.
//!
//! Never fails: what cannot be read becomes [`Kind::Broken`] with a fault that says why, and reading goes on behind it.

use std::ops::Range;

use super::{
    habits, suggest,
    tree::{Prefix, Term, Value, prefix, prefix_names},
};
use crate::article::segment::units::{is_dash, is_word_part, vanishes};

/// One token and where it stands, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// Where.
    pub span: Range<usize>,
    /// What.
    pub kind: Kind,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Kind {
    Open,
    Close,
    Comma,
    And,
    Or,
    Not,
    Near {
        ordered: bool,
        distance: u32,
    },
    Of,
    /// `{3}`
    Count(u32),
    Term(Term),
    /// `title:`, and the values where it takes some.
    Prefix(Prefix, Vec<Value>),
    /// A fault tells what it was meant to be.
    Broken,
}

/// Something that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where, in bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
}

/// `NEAR` without a number.
pub const NEAR_DISTANCE_DEFAULT: u32 = 10;
/// Wider, and NEAR says nothing that AND does not.
pub const NEAR_DISTANCE_MAX: u32 = 100;
/// More edits join words that have nothing to do with each other.
pub const EDITS_MAX: u8 = 2;

/// All tokens of `text`, and what is wrong with it.
pub fn lex(text: &str) -> (Vec<Token>, Vec<Fault>) {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new(), faults: Vec::new() };
    while lexer.skip_space() {
        let start = lexer.at;
        let kind = lexer.token();
        lexer.tokens.push(Token { span: start..lexer.at, kind });
    }
    (lexer.tokens, lexer.faults)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    faults: Vec<Fault>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take_if(&mut self, wanted: impl Fn(char) -> bool) -> bool {
        let found = self.peek().is_some_and(wanted);
        if found {
            self.take();
        }
        found
    }

    /// False at the end. Marks without width come along when a query is pasted.
    fn skip_space(&mut self) -> bool {
        while self.take_if(|c| c.is_whitespace() || vanishes(c)) {}
        self.at < self.text.len()
    }

    fn broken(&mut self, span: Range<usize>, message: impl Into<String>, help: Option<String>) -> Kind {
        self.faults.push(Fault { span, message: message.into(), help });
        Kind::Broken
    }

    fn token(&mut self) -> Kind {
        let start = self.at;
        match self.peek().unwrap_or(' ') {
            '(' | '（' => self.single(Kind::Open),
            ')' | '）' => self.single(Kind::Close),
            ',' | '，' => self.single(Kind::Comma),
            '{' => self.count(),
            '/' => self.regex(),
            '@' => self.list(),
            c if is_quote(c) => self.quoted(Term::Quoted),
            '~' if self.rest()[1..].starts_with(is_quote) => {
                self.take();
                self.quoted(Term::AnyForm)
            }
            '=' if self.rest()[1..].starts_with(is_quote) => {
                self.take();
                self.quoted(Term::ExactQuoted)
            }
            c if is_dash(c) => self.minus(),
            '=' => {
                self.take();
                let word = self.word_text();
                if word.starts_with('=') {
                    let help = format!("write `={}`", word.trim_start_matches('='));
                    return self.broken(start..self.at, "one `=` is enough", Some(help));
                }
                if has_word_part(word) {
                    return Kind::Term(Term::Exact(word.to_owned()));
                }
                self.broken(start..self.at, "`=` needs a word right behind it", Some("write `=UN`".to_owned()))
            }
            _ => self.word(),
        }
    }

    fn single(&mut self, kind: Kind) -> Kind {
        self.take();
        kind
    }

    fn minus(&mut self) -> Kind {
        let start = self.at;
        self.take();
        match self.peek() {
            Some(c) if !c.is_whitespace() && !matches!(c, ')' | '）' | ',' | '，') && !is_dash(c) => Kind::Not,
            _ => {
                while self.take_if(is_dash) {}
                let help = "put it right before what is not wanted: `-word`; or leave it out";
                self.broken(start..self.at, "`-` stands alone", Some(help.to_owned()))
            }
        }
    }

    fn count(&mut self) -> Kind {
        let start = self.at;
        self.take();
        let digits = self.take_while(|c| c.is_ascii_digit());
        let is_closed = self.take_if(|c| c == '}');
        match digits.parse() {
            Ok(times) if is_closed && times > 0 => Kind::Count(times),
            _ => {
                if !is_closed {
                    self.take_while(|c| !c.is_whitespace() && !matches!(c, '}' | '(' | ')'));
                    self.take_if(|c| c == '}');
                }
                self.broken(start..self.at, "expected a count such as `{3}`", None)
            }
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let start = self.at;
        while self.take_if(&wanted) {}
        &self.text[start..self.at]
    }

    /// Behind the opening quote up to the closing one, raw.
    fn quote_text(&mut self) -> Option<&'a str> {
        self.take();
        let start = self.at;
        while let Some(c) = self.take() {
            if c == '\\' {
                self.take();
            } else if is_quote(c) {
                return Some(&self.text[start..self.at - c.len_utf8()]);
            }
        }
        None
    }

    fn quoted(&mut self, term: fn(String) -> Term) -> Kind {
        let start = self.at;
        match self.quote_text() {
            Some(text) if has_word_part(text) => Kind::Term(term(text.to_owned())),
            Some(_) => self.broken(start..self.at, "there is no word between these quotes", None),
            None => self.broken(start..self.at, "this quote is never closed", Some("add a `\"`".to_owned())),
        }
    }

    fn regex(&mut self) -> Kind {
        let start = self.at;
        self.take();
        while let Some(c) = self.take() {
            match c {
                '\\' => {
                    self.take();
                }
                '/' => {
                    let source = &self.text[start + 1..self.at - 1];
                    if self.peek().is_some_and(char::is_alphanumeric) {
                        let flags = self.take_while(char::is_alphanumeric);
                        let is_flags = flags.bytes().all(|b| b"imsxU".contains(&b));
                        let help = match is_flags {
                            true => format!("flags go inside: `/(?{flags})…/`; case is ignored unless `(?-i)`"),
                            false => "write `\\/` for a slash inside the regular expression".to_owned(),
                        };
                        return self.broken(start..self.at, "nothing may follow the closing `/`", Some(help));
                    }
                    return Kind::Term(Term::Regex(source.to_owned()));
                }
                _ => {}
            }
        }
        self.broken(start..self.at, "this regular expression is never closed", Some("add a `/`".to_owned()))
    }

    fn list(&mut self) -> Kind {
        let start = self.at;
        self.take();
        let name = self.take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if name.is_empty() {
            return self.broken(start..self.at, "`@` needs the name of a list right behind it", None);
        }
        if !self.take_if(|c| c == ':') {
            return Kind::Term(Term::List { name: name.to_owned(), key: None });
        }
        let key = self.take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if key.is_empty() {
            let message = format!("`@{name}:` needs an entry right behind it");
            return self.broken(start..self.at, message, Some(format!("write `@{name}:RU`, or `@{name}`")));
        }
        Kind::Term(Term::List { name: name.to_owned(), key: Some(key.to_owned()) })
    }

    /// Up to whatever ends a bare word.
    fn word_text(&mut self) -> &'a str {
        self.take_while(|c| !c.is_whitespace() && !is_quote(c) && !is_mark(c) && !matches!(c, '{' | '~'))
    }

    fn word(&mut self) -> Kind {
        let start = self.at;
        let word = self.word_text();
        match self.peek() {
            Some(':' | '：') => return self.prefix(start, word),
            Some('~') => return self.fuzzy(start, word),
            _ => {}
        }
        let visible: String;
        let word = if word.contains(vanishes) {
            visible = word.chars().filter(|c| !vanishes(*c)).collect();
            visible.as_str()
        } else {
            word
        };
        match word {
            "AND" => return Kind::And,
            "OR" => return Kind::Or,
            "NOT" => return Kind::Not,
            "OF" => return Kind::Of,
            "NEAR" => return Kind::Near { ordered: false, distance: NEAR_DISTANCE_DEFAULT },
            "ONEAR" => return Kind::Near { ordered: true, distance: NEAR_DISTANCE_DEFAULT },
            _ => {}
        }
        if let Some(number) = word.strip_prefix("NEAR/") {
            return self.near(start, number, false);
        }
        if let Some(number) = word.strip_prefix("ONEAR/") {
            return self.near(start, number, true);
        }
        if has_word_part(word) {
            return match habits::refused(word) {
                Some((message, help)) => self.broken(start..self.at, message, Some(help)),
                None => Kind::Term(Term::Word(word.to_owned())),
            };
        }
        if word.is_empty() {
            self.take();
        }
        let help = match word.trim_matches(|c| c != '&' && c != '|' && c != '!').chars().next() {
            Some('&') => Some("write `AND`, or just a space"),
            Some('|') => Some("write `OR`"),
            Some('!') => Some("write `NOT` or `-`"),
            _ => None,
        };
        let message = format!("there is no word in `{}`", &self.text[start..self.at]);
        self.broken(start..self.at, message, help.map(str::to_owned))
    }

    /// `number` is what stands behind the slash.
    fn near(&mut self, start: usize, number: &str, ordered: bool) -> Kind {
        let is_number = number.bytes().all(|b| b.is_ascii_digit());
        match number.parse() {
            Ok(distance @ 1..=NEAR_DISTANCE_MAX) if is_number => Kind::Near { ordered, distance },
            _ => {
                let name = if ordered { "ONEAR" } else { "NEAR" };
                let message = format!("`{name}/` takes a number of words from 1 to {NEAR_DISTANCE_MAX}");
                let is_too_far = number.parse().is_ok_and(|distance: u64| distance > u64::from(NEAR_DISTANCE_MAX));
                let distance = if is_too_far { NEAR_DISTANCE_MAX } else { 8 };
                self.broken(start..self.at, message, Some(format!("write `{name}/{distance}`")));
                // Goes on as if the number were right: the two sides are worth checking.
                Kind::Near { ordered, distance: NEAR_DISTANCE_DEFAULT }
            }
        }
    }

    fn fuzzy(&mut self, start: usize, word: &'a str) -> Kind {
        self.take();
        let number = self.take_while(char::is_alphanumeric);
        match number.parse() {
            Ok(edits @ 1..=EDITS_MAX) if has_word_part(word) => Kind::Term(Term::Fuzzy(word.to_owned(), edits)),
            // `"arms deal"~5` is nearness elsewhere.
            Ok(number) if word.is_empty() && self.text[..start].ends_with(is_quote) => {
                let message = "`~` and a number stand behind a single word".to_owned();
                self.broken(
                    start..self.at,
                    message,
                    Some(format!("for words near each other write `arms NEAR/{number} deal`")),
                )
            }
            _ if word.is_empty() => {
                let help = "write `~\"arms deal\"` for any form, `Shoigu~1` for one edit";
                self.broken(start..self.at, "`~` stands before a quote or behind a word", Some(help.to_owned()))
            }
            _ => {
                let message = format!("`~` takes 1 or {EDITS_MAX} edits");
                let is_too_many = number.parse().is_ok_and(|edits: u64| edits > u64::from(EDITS_MAX));
                let edits = if is_too_many { EDITS_MAX } else { 1 };
                self.broken(start..self.at, message, Some(format!("write `{word}~{edits}`")))
            }
        }
    }

    fn prefix(&mut self, start: usize, name: &'a str) -> Kind {
        self.take();
        let span = start..self.at;
        match prefix(name) {
            Some(Prefix::Scope(scope)) => {
                if self.at_value() {
                    return Kind::Prefix(Prefix::Scope(scope), Vec::new());
                }
                let help = format!("write `{name}:word` or `{name}:(a b)`");
                self.broken(span, format!("`{name}:` needs something to look for right behind it"), Some(help))
            }
            Some(Prefix::About(field)) => {
                if self.peek() == Some('(') {
                    let help = format!("write `({name}:a OR {name}:b)`");
                    return self.broken(span, format!("`{name}:` takes a value, not a group"), Some(help));
                }
                match self.values() {
                    Ok(values) => Kind::Prefix(Prefix::About(field), values),
                    Err(()) => {
                        let message = format!("`{name}:` needs a value right behind it");
                        self.broken(start..self.at, message, None)
                    }
                }
            }
            None => {
                let meant = habits::prefix_meant(name).map(|meant| format!("write {meant}"));
                let near = || suggest::nearest(name, prefix_names()).map(|meant| format!("did you mean `{meant}:`?"));
                let help = meant.or_else(near);
                // The value belongs to the mistake; read as a term it would only bring more complaints.
                let _ = self.values();
                let message = if name.is_empty() {
                    "`:` needs a name before it".to_owned()
                } else {
                    format!("there is no `{name}:`")
                };
                let help = help.or_else(|| Some(format!("to search for the text, quote it: `\"{name}:…\"`")));
                self.broken(span, message, help.filter(|_| !name.is_empty()))
            }
        }
    }

    fn at_value(&self) -> bool {
        self.peek().is_some_and(|c| !c.is_whitespace() && !matches!(c, ')' | '）' | ',' | '，' | '{'))
    }

    /// One value or more, parted by commas without space.
    fn values(&mut self) -> Result<Vec<Value>, ()> {
        let mut values = Vec::new();
        loop {
            values.push(self.value()?);
            let behind_comma = self.rest().strip_prefix([',', '，']).and_then(|rest| rest.chars().next());
            if !behind_comma.is_some_and(|c| !c.is_whitespace() && !matches!(c, ')' | '）' | ',' | '，')) {
                return Ok(values);
            }
            self.take();
        }
    }

    fn value(&mut self) -> Result<Value, ()> {
        if self.peek().is_some_and(is_quote) {
            let text = self.quote_text().ok_or(())?;
            return Ok(Value { text: unescape(text), quoted: true });
        }
        let ends = |c| matches!(c, '(' | ')' | ',' | '{' | '（' | '）' | '，');
        let text = self.take_while(|c| !c.is_whitespace() && !is_quote(c) && !ends(c));
        if text.is_empty() { Err(()) } else { Ok(Value { text: text.to_owned(), quoted: false }) }
    }
}

/// A bracket, comma or colon, also as Chinese and Japanese keyboards type it.
fn is_mark(c: char) -> bool {
    matches!(c, '(' | ')' | ',' | ':' | '（' | '）' | '，' | '：')
}

/// A double quote however typed.
pub fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '‟' | '«' | '»' | '″' | '＂')
}

/// Takes backslashes off; of `\"`, `\*`, `\?` and `\\` only what they protect stays.
pub fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next()),
            _ => text.push(c),
        }
    }
    text
}

fn has_word_part(text: &str) -> bool {
    text.chars().any(|c| is_word_part(c) || matches!(c, '*' | '?'))
}

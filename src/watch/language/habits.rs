//! What people bring along from other search tools, and how it is written here.
//!
//! What another tool would take for an operator and this one would take for a word is an error where the word could
//! mean the opposite (`!x`) or nothing at all (`a||b`), else a warning.

use super::{
    lexer::{Fault, Kind, Token},
    tree::{Term, prefix_names},
};
use crate::article::segment::units::is_apostrophe;

/// Why a bare word is refused, and the way out.
pub fn refused(word: &str) -> Option<(String, String)> {
    let said = |message: String, help: &str| Some((message, help.to_owned()));
    if word.contains("||") || word.contains("&&") || word.contains('|') {
        let operator = if word.contains("&&") { "&&" } else { word.matches('|').nth(1).map_or("|", |_| "||") };
        let help =
            if operator == "&&" { "write `AND`, or just a space" } else { "write `OR`, with a space on either side" };
        return said(format!("`{operator}` is no operator here"), help);
    }
    if let Some(rest) = word.strip_prefix(['!', '！']) {
        return said("`!` does not say NOT".to_owned(), &format!("write `-{rest}` or `NOT {rest}`"));
    }
    if let Some((head, boost)) = word.rsplit_once('^')
        && !boost.is_empty()
        && boost.chars().all(|c| c.is_ascii_digit() || c == '.')
    {
        return said(
            "nothing weighs more than another here, so `^` has no meaning".to_owned(),
            &format!("write `{head}`"),
        );
    }
    if word.starts_with('[') {
        return said(
            "`[` and `]` have no meaning here".to_owned(),
            "group with `(…)`; to search for the text, quote it",
        );
    }
    let name = word.split(['=', '<', '>']).next().unwrap_or(word);
    if name.len() < word.len()
        && let Some(name) = prefix_names().find(|known| known.eq_ignore_ascii_case(name))
    {
        let rest = &word[name.len()..];
        let value = if name == "published" { rest } else { rest.trim_start_matches(['=', ':']) };
        let value = if value.is_empty() { "…" } else { value };
        return said(format!("`{name}` needs a `:` behind it"), &format!("write `{name}:{value}`"));
    }
    None
}

/// How other tools call what stands before a colon here.
pub fn prefix_meant(name: &str) -> Option<&'static str> {
    Some(match name.to_lowercase().as_str() {
        "intitle" | "allintitle" | "headline" | "head" | "hl" | "subject" | "heading" => "`title:word`",
        "intext" | "allintext" | "text" | "content" | "fulltext" => "`body:word`",
        "site" | "domain" | "host" | "inurl" | "allinurl" | "link" | "address" => "`url:example.org/path`",
        "http" | "https" => "`url:example.org/path` for the article's address; to search for the text, quote it",
        "source" | "publication" | "outlet" | "channel" => "`feed:id` or `tag:name`",
        "language" | "lng" | "la" => "`lang:en`",
        "by" | "byline" | "writer" => "`author:\"Jane Doe\"`",
        "date" | "before" | "after" | "since" | "until" | "when" | "newer" | "older" | "age" => "`published:<24h`",
        "sent" | "same" | "s" => "`sentence:(a b)`",
        "para" | "p" => "`paragraph:(a b)`",
        "person" | "people" | "who" => "`leader:\"Vladimir Putin\"`, or the name in quotes",
        "location" | "place" | "where" | "geo" => "`country:RU`",
        "near" | "onear" | "within" => "`a NEAR/5 b`",
        "list" => "`@name`",
        _ => return None,
    })
}

/// Words that are probably meant as operators.
pub fn oddities(text: &str, tokens: &[Token]) -> Vec<Fault> {
    let mut warnings = lone_quotes(text, tokens);
    for (i, token) in tokens.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| &tokens[i].kind);
        let behind = tokens.get(i + 1).map(|token| &token.kind);
        let stands_between =
            before.is_some_and(|kind| *kind != Kind::Open) && behind.is_some_and(|kind| *kind != Kind::Close);
        let mut push = |message: String, help: String| {
            warnings.push(Fault { span: token.span.clone(), message, help: Some(help) });
        };
        match &token.kind {
            Kind::Term(Term::Word(word)) => {
                let searched = format!("`{word}` is searched as a word");
                if let Some(operator) = lower_case_operator(word, stands_between, behind) {
                    push(searched, format!("the operator is `{operator}`; to keep the word, quote it"));
                } else if let Some(number) = nearness(word).filter(|_| stands_between) {
                    push(
                        searched,
                        format!("for words near each other write `NEAR/{number}`, in this order `ONEAR/{number}`"),
                    );
                } else if matches!(word.as_str(), "ANDNOT" | "BUTNOT") && stands_between {
                    push(searched, "write `NOT` or `-`".to_owned());
                } else if word.starts_with('+') && word.chars().nth(1).is_some_and(char::is_alphabetic) {
                    let help = "leave it out: all that is not joined by OR must be there".to_owned();
                    push("`+` has no meaning here".to_owned(), help);
                } else if let Some(wildcard) = percent_wildcard(word) {
                    push("`%` is no wildcard".to_owned(), format!("write `{wildcard}`"));
                }
            }
            Kind::Near { .. } if !text[token.span.clone()].contains('/') => {
                let number = match behind {
                    Some(Kind::Term(Term::Word(number))) if number.bytes().all(|b| b.is_ascii_digit()) => number,
                    _ => continue,
                };
                if tokens.get(i + 2).is_some_and(|token| !matches!(token.kind, Kind::Close | Kind::And | Kind::Or)) {
                    let operator = &text[token.span.clone()];
                    let message = format!("`{number}` behind `{operator}` is searched as a word");
                    push(message, format!("for a distance write `{operator}/{number}`"));
                }
            }
            _ => {}
        }
    }
    warnings
}

/// `a or b` most often means `a OR b`.
fn lower_case_operator(word: &str, stands_between: bool, behind: Option<&Kind>) -> Option<String> {
    let upper = word.to_uppercase();
    let (name, number) = upper.split_once('/').map_or((upper.as_str(), None), |(name, number)| (name, Some(number)));
    let is_number = number.is_none_or(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    let is_operator = match name {
        "AND" | "OR" => stands_between && number.is_none(),
        "NEAR" | "ONEAR" => stands_between && is_number,
        "NOT" => number.is_none() && behind.is_some_and(|kind| *kind != Kind::Close),
        _ => false,
    };
    is_operator.then_some(upper)
}

/// The number of `w/5`, `NEAR5`, `adj3`, `pre/3`.
fn nearness(word: &str) -> Option<&str> {
    let lower = word.to_ascii_lowercase();
    let start = lower.find(|c: char| c.is_ascii_digit() || c == '/')?;
    let (name, rest) = lower.split_at(start);
    let (digits, has_slash) = match rest.strip_prefix('/') {
        Some(digits) => (digits, true),
        None => (rest, false),
    };
    let is_number = (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let is_known = match name {
        "near" | "onear" | "adj" | "within" => true,
        "w" | "n" | "p" | "f" | "pre" | "pn" => has_slash,
        _ => false,
    };
    (is_number && is_known).then(|| &word[word.len() - digits.len()..])
}

/// `missil%`, `%stan`; not `5%`.
fn percent_wildcard(word: &str) -> Option<String> {
    let at = word.find('%')?;
    let touches = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    let is_wildcard = touches(word[..at].chars().next_back()) || touches(word[at + 1..].chars().next());
    is_wildcard.then(|| word.replace('%', "*"))
}

/// `'arms deal'` is two words, not a phrase.
fn lone_quotes(text: &str, tokens: &[Token]) -> Vec<Fault> {
    let mut warnings = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let run = tokens[at..].iter().take_while(|token| matches!(token.kind, Kind::Term(Term::Word(_)))).count();
        let words = &tokens[at..at + run];
        let opens = |token: &Token| text[token.span.clone()].starts_with(is_apostrophe);
        let closes = |token: &Token| text[token.span.clone()].ends_with(is_apostrophe);
        if let Some(first) = words.iter().position(opens)
            && let Some(last) = words.iter().skip(first).position(closes)
        {
            let span = words[first].span.start..words[first + last].span.end;
            let inner = text[span.clone()].trim_matches(is_apostrophe);
            let message = "single quotes make no phrase: these are searched as words".to_owned();
            warnings.push(Fault { span, message, help: Some(format!("write `\"{inner}\"`")) });
        }
        at += run.max(1);
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearness_of_other_tools_is_known() {
        for (word, number) in [("w/5", "5"), ("NEAR5", "5"), ("adj3", "3"), ("PRE/10", "10"), ("within/7", "7")] {
            assert_eq!(nearness(word), Some(number), "{word}");
        }
        for word in ["24/7", "w5", "near", "n3", "S/RES/2397", "nearby5", "w/ten", "adj1234"] {
            assert_eq!(nearness(word), None, "{word}");
        }
    }

    #[test]
    fn words_that_look_odd_and_are_words_stay() {
        for word in ["AT&T", "C++", "Yahoo!", "5%", "24/7", "e=mc2", "a^b", "$AAPL", "#metoo", "don't", "titled=x"] {
            assert_eq!(refused(word), None, "{word}");
        }
    }
}

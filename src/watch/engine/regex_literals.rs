//! What must stand in a text for a regular expression to match it: read from the parsed expression, never from its text.

use regex_syntax::hir::{Class, Hir, HirKind};

/// A stretch of fewer characters stands in nearly every text.
const CHARS_MIN: usize = 2;
/// More choices than this are not worth looking for.
const CHOICES_MAX: usize = 32;
/// A class of more characters than this is no single letter in its cases.
const CASES_MAX: usize = 6;

/// Of these stretches, in the form that [`canonical`] gives, a text that matches holds at least one. `None` where
/// nothing must be there.
pub fn required(source: &str) -> Option<Vec<String>> {
    let parsed = regex_syntax::ParserBuilder::new().case_insensitive(true).build().parse(source).ok()?;
    required_of(&parsed)
}

/// A text with each character in the one form that stands for all its cases, so that `K`, `k` and the Kelvin sign meet.
pub fn canonical(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(canonical_char).collect() }
}

fn canonical_char(c: char) -> char {
    let upper = only(c.to_uppercase()).unwrap_or(c);
    only(upper.to_lowercase()).unwrap_or(upper)
}

fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    first.filter(|_| chars.next().is_none())
}

fn required_of(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(_) | HirKind::Class(_) => worthy(vec![single(hir)?]),
        HirKind::Capture(capture) => required_of(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required_of(&repetition.sub),
        HirKind::Repetition(_) => None,
        HirKind::Alternation(choices) => {
            let each = choices.iter().map(required_of).collect::<Option<Vec<_>>>()?;
            worthy(each.concat())
        }
        HirKind::Concat(parts) => {
            let mut best = None;
            let mut run = String::new();
            for part in parts {
                match single(part) {
                    Some(text) => run.push_str(&text),
                    None if matches!(part.kind(), HirKind::Look(_)) => {}
                    None => {
                        best = better(best, worthy(vec![std::mem::take(&mut run)]));
                        best = better(best, required_of(part));
                    }
                }
            }
            better(best, worthy(vec![run]))
        }
    }
}

/// The stretch that this is in all its cases, if it is just that.
fn single(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().map(canonical),
        HirKind::Class(Class::Unicode(class)) => {
            let mut chars = class.iter().flat_map(|range| range.start()..=range.end());
            let first = canonical_char(chars.next()?);
            let is_one = chars.by_ref().take(CASES_MAX).all(|c| canonical_char(c) == first) && chars.next().is_none();
            is_one.then(|| first.to_string())
        }
        HirKind::Capture(capture) => single(&capture.sub),
        _ => None,
    }
}

fn worthy(choices: Vec<String>) -> Option<Vec<String>> {
    (choices.len() <= CHOICES_MAX && shortest(&choices) >= CHARS_MIN).then_some(choices)
}

fn better(a: Option<Vec<String>>, b: Option<Vec<String>>) -> Option<Vec<String>> {
    [a, b].into_iter().flatten().max_by_key(|choices| shortest(choices))
}

fn shortest(choices: &[String]) -> usize {
    choices.iter().map(|choice| choice.chars().count()).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &[&str]) {
        assert_eq!(required(source).unwrap_or_default(), expected, "{source}");
    }

    #[test]
    fn literals_are_what_must_be_there() {
        check(r"S\/RES\/\d{3,4}", &["s/res/"]);
        check("(cat|dog)s", &["cat", "dog"]);
        check("[cd]ogs", &["ogs"]);
        check("(?-i)UNSCR", &["unscr"]);
        check(r"\bmissiles?\b", &["missile"]);
        check(r"(missile)+ of (iran|yemen)", &["missile"]);
        check(r"(foo|b)ar", &["ar"]);
        check(r"ракет[аы]", &["ракет"]);
        for source in [r"\d+", "a*", "(abc)?", "x", "(abc|d*)"] {
            check(source, &[]);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_text_that_matches_holds_one(
            source in "(\\(\\?i\\))?([abKsſıß]|\\[ab\\]|\\(ab\\|Kc\\)\\+?|\\.|b\\?|\\\\b){1,6}", text in "[abcKKksſSıIißẞ .]{0,20}",
        ) {
            let regex = regex::RegexBuilder::new(&source).case_insensitive(true).build();
            if let (Ok(regex), Some(required)) = (regex, required(&source)) {
                let text_canonical = canonical(&text);
                let holds = required.iter().any(|stretch| text_canonical.contains(stretch.as_str()));
                proptest::prop_assert!(holds || !regex.is_match(&text), "{} {:?}", source, required);
            }
        }
    }
}

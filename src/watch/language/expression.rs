//! Regular expressions between slashes: what they may be, and what they can never find.

use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind},
};

/// A larger compiled one is refused: a watch set holds many.
pub const REGEX_BYTES_MAX: usize = 1 << 20;
/// All of a query's together: a query of 64 KiB could else ask for gigabytes.
pub const REGEXES_BYTES_MAX: usize = 16 << 20;
/// Where the search for a compiled size begins.
const REGEX_BYTES_FIRST: usize = 16 << 10;

/// A regular expression, ready to be run.
#[derive(Debug)]
pub struct Compiled {
    /// It finds no empty stretch.
    pub regex: ::regex::Regex,
    /// About how much memory it takes.
    pub bytes: usize,
    /// Whether all that it could find holds an empty line, which no paragraph does.
    pub crosses_paragraphs: bool,
}

/// Compiles what stands between the slashes, in at most so many bytes. The error says what is wrong with it.
pub fn compile(source: &str, bytes_left: usize) -> Result<Compiled, String> {
    let cannot_be_read = |error: &dyn std::error::Error| {
        format!("this regular expression cannot be read: {}", last_line(&error.to_string()))
    };
    let hir =
        ParserBuilder::new().case_insensitive(true).build().parse(source).map_err(|error| cannot_be_read(&error))?;
    match hir.properties().minimum_len() {
        // Also `\b` and its like, which are empty wherever they hold.
        Some(0) => return Err("this regular expression matches nothing at all (empty), and so everywhere".to_owned()),
        None => return Err("this regular expression can never match".to_owned()),
        Some(_) => {}
    }
    let mut bytes = REGEX_BYTES_FIRST;
    loop {
        let built = ::regex::RegexBuilder::new(source).case_insensitive(true).size_limit(bytes.min(bytes_left)).build();
        match built {
            Ok(regex) => return Ok(Compiled { regex, bytes, crosses_paragraphs: crosses(&hir, false).0 }),
            Err(::regex::Error::CompiledTooBig(_)) if bytes >= REGEX_BYTES_MAX => {
                return Err("this regular expression is too large".to_owned());
            }
            Err(::regex::Error::CompiledTooBig(_)) if bytes >= bytes_left => {
                return Err("the query's regular expressions are too large together".to_owned());
            }
            Err(::regex::Error::CompiledTooBig(_)) => bytes *= 2,
            Err(error) => return Err(cannot_be_read(&error)),
        }
    }
}

/// Where the reason stands in regex's many-line messages.
fn last_line(message: &str) -> &str {
    message.lines().last().unwrap_or(message).trim().trim_start_matches("error: ")
}

/// Whether every match holds a newline, nothing but space, and another newline. `open`: one newline and perhaps space
/// stand right before; the second answer is the same for what comes behind.
fn crosses(hir: &Hir, open: bool) -> (bool, bool) {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let mut open = open;
            for c in String::from_utf8_lossy(&literal.0).chars() {
                if c == '\n' && open {
                    return (true, true);
                }
                open = c == '\n' || open && c.is_whitespace();
            }
            (false, open)
        }
        HirKind::Class(class) if is_newline(class) => (open, true),
        HirKind::Class(class) => (false, open && is_space(class)),
        HirKind::Look(_) | HirKind::Empty => (false, open),
        HirKind::Capture(capture) => crosses(&capture.sub, open),
        HirKind::Concat(parts) => {
            let mut open = open;
            for part in parts {
                let (crossed, behind) = crosses(part, open);
                if crossed {
                    return (true, true);
                }
                open = behind;
            }
            (false, open)
        }
        HirKind::Alternation(choices) => {
            let each: Vec<_> = choices.iter().map(|choice| crosses(choice, open)).collect();
            (each.iter().all(|(crossed, _)| *crossed), each.iter().all(|(_, behind)| *behind))
        }
        HirKind::Repetition(repetition) => {
            let (crossed, behind) = crosses(&repetition.sub, open);
            match repetition.min {
                0 => (false, open && behind),
                1 => (crossed, behind),
                _ => (crossed || crosses(&repetition.sub, behind).0, behind),
            }
        }
    }
}

fn is_newline(class: &Class) -> bool {
    class.literal().is_some_and(|literal| literal == b"\n")
}

fn is_space(class: &Class) -> bool {
    match class {
        Class::Unicode(class) => class.iter().all(|range| {
            // A range of spaces is short; a long one holds other things.
            range.len() <= 64 && (range.start()..=range.end()).all(char::is_whitespace)
        }),
        Class::Bytes(class) => class.iter().all(|range| (range.start()..=range.end()).all(|b| b.is_ascii_whitespace())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn never(source: &str, expected: bool) {
        assert_eq!(compile(source, REGEXES_BYTES_MAX).unwrap().crosses_paragraphs, expected, "{source}");
    }

    #[test]
    fn what_holds_an_empty_line_is_known() {
        never(r"one\n\ntwo", true);
        never(r"one\n\s*\ntwo", true);
        never(r"one(\r\n){2}two", true);
        never(r"a\n\n|b\n[ ]?\nc", true);
        never(r"a(\n\n)+b", true);
        never(r"a(\n\n)*b", false);
        never(r"a\n\n|b", false);
        never(r"one\ntwo\nthree", false);
        never(r"one\s+two", false);
        never(r"one\n.\ntwo", false);
    }

    #[test]
    fn empty_impossible_and_large_ones_are_refused() {
        let refused = |source: &str, bytes| compile(source, bytes).unwrap_err();
        for empty in ["", "a*", r"\b", "a|", "(?:)", "^$"] {
            assert!(refused(empty, REGEXES_BYTES_MAX).contains("empty"), "{empty}");
        }
        assert!(refused("[a&&b]", REGEXES_BYTES_MAX).contains("never match"));
        assert!(refused(r"(\w{500}){500}", REGEXES_BYTES_MAX).contains("too large"));
        assert!(refused(r"\w{40}", 20_000).contains("together"));
        assert!(refused("a(", REGEXES_BYTES_MAX).contains("unclosed group"));
    }
}

//! The file as written: TOML's tables and values, each with its place, before anything is known of what they mean.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::covered::covered;

/// A value and the key it was written under.
#[derive(Debug, Clone)]
pub(super) struct Value<'a> {
    /// As written.
    pub key: &'a str,
    /// Where the key stands.
    pub key_span: Range<usize>,
    /// Where the value stands, quotes and brackets in.
    pub span: Range<usize>,
    /// What it is.
    pub value: &'a DeValue<'a>,
}

/// A table of values. Keys come in the order of the file.
#[derive(Debug, Clone)]
pub(super) struct Table<'a> {
    /// The header, or the braces of an inline table.
    pub span: Range<usize>,
    /// In the order of the file.
    pub values: Vec<Value<'a>>,
    /// Keys that a misspelt one was probably meant to be, so that they are not missed as well.
    pub meant: Vec<&'static str>,
}

impl<'a> Table<'a> {
    fn of(span: Range<usize>, table: &'a DeTable<'a>) -> Self {
        let mut values: Vec<_> = table
            .iter()
            .map(|(key, value)| Value {
                key: key.get_ref(),
                key_span: key.span(),
                span: value.span(),
                value: value.get_ref(),
            })
            .collect();
        values.sort_by_key(|value| value.key_span.start);
        Self { span, values, meant: Vec::new() }
    }

    /// The value of one key.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.values.iter().find(|value| value.key == key)
    }

    /// Whether the key is missing, and not just misspelt.
    pub fn lacks(&self, key: &str) -> bool {
        self.get(key).is_none() && !self.meant.contains(&key)
    }
}

impl<'a> Value<'a> {
    /// As a table.
    pub fn table(&self) -> Option<Table<'a>> {
        self.value.as_table().map(|table| Table::of(self.span.clone(), table))
    }

    /// As a list, each item under this value's key.
    pub fn items(&self) -> Option<Vec<Value<'a>>> {
        let items = self.value.as_array()?;
        let item = |item: &'a toml::Spanned<DeValue<'a>>| Value {
            key: self.key,
            key_span: self.key_span.clone(),
            span: item.span(),
            value: item.get_ref(),
        };
        Some(items.iter().map(item).collect())
    }

    /// What it is, in words for people.
    pub fn kind(&self) -> &'static str {
        match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    }
}

/// Something that is no TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// Where.
    pub span: Range<usize>,
    /// In toml's words, or better ones.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
}

/// A parsed file, or as much of it as could be read.
#[derive(Debug)]
pub(super) struct Raw<'a> {
    root: toml::Spanned<DeTable<'a>>,
    /// In the order of the file.
    pub syntax: Vec<SyntaxError>,
    /// What stands beyond this byte was read by a parser that had lost its way.
    pub trusted_end: usize,
    /// Where the lines with a mistake begin.
    pub broken: Vec<usize>,
}

impl<'a> Raw<'a> {
    /// Never fails: what cannot be read is in `syntax`.
    pub fn parse(text: &'a str) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut found: Vec<(Range<usize>, &str)> =
            errors.iter().map(|error| (within(text, error.span()), error.message())).collect();
        found.sort_by_key(|(span, _)| span.start);
        let mut kept = Vec::new();
        let mut trusted_end = text.len();
        for (span, message) in found {
            if is_local(message) {
                kept.push((span, message));
                continue;
            }
            // A wrong value ends at its line, and the parser goes on behind it. A bracket, brace or quote without its
            // end makes nonsense of what follows, and that nonsense is not worth showing.
            let span = opening_of(text, span, message);
            trusted_end = line_start(text, span.start);
            kept.push((span, message));
            break;
        }
        let mut raw = Self { root, syntax: Vec::new(), trusted_end, broken: Vec::new() };
        raw.broken = kept.iter().map(|(span, _)| line_start(text, span.start)).collect();
        let shown = raw.covered(text);
        raw.syntax = kept.into_iter().map(|(span, message)| reworded(text, &shown, span, message)).collect();
        raw.syntax.sort_by_key(|error| error.span.start);
        raw
    }

    /// The whole file as a table.
    pub fn root(&'a self) -> Table<'a> {
        Table::of(0..0, self.root.get_ref())
    }

    /// `text`, of which this was read, as it may be shown.
    pub fn covered(&self, text: &str) -> String {
        let behind = text[self.trusted_end..].split_inclusive('\n').scan(self.trusted_end, |end, line| {
            *end += line.len();
            Some(*end - line.len())
        });
        let mut lines: Vec<usize> = self.broken.iter().copied().chain(behind).collect();
        lines.sort_unstable();
        lines.dedup();
        covered(text, &self.root(), &lines)
    }
}

fn within(text: &str, span: Option<Range<usize>>) -> Range<usize> {
    let span = span.unwrap_or(0..0);
    let start = text.floor_char_boundary(span.start.min(text.len()));
    start..text.ceil_char_boundary(span.end.clamp(start, text.len()))
}

/// Where the line of the byte `at` begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn is_local(message: &str) -> bool {
    const STARTS: [&str; 8] = [
        "string values must be quoted",
        "invalid basic string",
        "invalid literal string",
        "invalid boolean",
        "duplicate key",
        "missing escaped value",
        "invalid integer",
        "invalid float",
    ];
    STARTS.iter().any(|start| message.starts_with(start))
}

/// The opening quotes of a text that is never closed: toml points at the end of the file, which may be far away.
fn opening_of(text: &str, span: Range<usize>, message: &str) -> Range<usize> {
    let quotes = THREE_QUOTES.iter().find(|(_, message_start)| message.starts_with(message_start));
    let opening = quotes.and_then(|(quotes, _)| text[..span.start].rfind(quotes));
    opening.map_or(span, |opening| opening..opening + 3)
}

const THREE_QUOTES: [(&str, &str); 2] =
    [("\"\"\"", "invalid multi-line basic string"), ("'''", "invalid multi-line literal string")];

/// toml's message in the words of someone who wants to go on. It quotes `shown`, where secrets are covered.
fn reworded(text: &str, shown: &str, span: Range<usize>, message: &str) -> SyntaxError {
    let slice = &shown[span.clone()];
    let plain =
        |message: &str, help: Option<String>| SyntaxError { span: span.clone(), message: message.to_owned(), help };
    if message.starts_with("string values must be quoted") {
        if slice != &text[span.clone()] {
            return plain("a text stands in quotes, and this one does not", None);
        }
        return plain(&format!("`{slice}` is a text, and texts stand in quotes"), Some(format!("write `\"{slice}\"`")));
    }
    if message.starts_with("duplicate key") {
        let help = "a key stands once in a table; `[[feed]]`, `[[watch]]` and `[[sink]]` may stand many times, always \
                    with two brackets";
        return plain(&format!("`{slice}` stands here a second time"), Some(help.to_owned()));
    }
    if message.starts_with("invalid basic string") || message.starts_with("invalid literal string") {
        return plain("this text has no closing quote on its line", None);
    }
    if message.starts_with("missing escaped value") {
        let help = "in double quotes a backslash is written `\\\\`; in single quotes it stands for itself";
        return plain("a backslash that means nothing", Some(help.to_owned()));
    }
    if let Some((quotes, _)) = THREE_QUOTES.iter().find(|(_, start)| message.starts_with(start)) {
        return plain("a text that begins with three quotes is never closed", Some(format!("end it with `{quotes}`")));
    }
    if message.starts_with("missing comma") || message.starts_with("unclosed") || message.starts_with("missing key") {
        return plain(message, Some("a bracket, brace or quote above may lack its end".to_owned()));
    }
    plain(message, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_lost_bracket_is_not_reported() {
        let raw = Raw::parse("a = 5m\nb = [1, 2\n[w]\nq = 1\nr = off\n");
        let messages: Vec<_> = raw.syntax.iter().map(|e| e.message.as_str()).collect();
        assert_eq!(
            messages,
            ["`5m` is a text, and texts stand in quotes", "missing comma between array elements, expected `,`"]
        );
    }
}

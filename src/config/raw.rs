//! The file as written: TOML's tables and values, each with its place, before anything is known of what they mean.

use std::{collections::BTreeMap, ops::Range};

use toml::de::{DeTable, DeValue};

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
}

impl<'a> Raw<'a> {
    /// Never fails: what cannot be read is in `syntax`.
    pub fn parse(text: &'a str) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut found: Vec<(Range<usize>, &str)> =
            errors.iter().map(|error| (within(text, error.span()), error.message())).collect();
        found.sort_by_key(|(span, _)| span.start);
        let mut trusted_end = text.len();
        let mut syntax = Vec::new();
        for (span, message) in found {
            if span.start > trusted_end {
                break;
            }
            // A wrong value ends at its line, and the parser goes on behind it. A bracket, brace or quote without its
            // end makes nonsense of what follows, and that nonsense is not worth showing.
            if !is_local(message) {
                let error = reworded(text, span, message);
                trusted_end = text[..error.span.start].rfind('\n').map_or(0, |newline| newline + 1);
                syntax.push(error);
                break;
            }
            syntax.push(reworded(text, span, message));
        }
        syntax.sort_by_key(|error| error.span.start);
        Self { root, syntax, trusted_end }
    }

    /// The whole file as a table.
    pub fn root(&'a self) -> Table<'a> {
        Table::of(0..0, self.root.get_ref())
    }
}

fn within(text: &str, span: Option<Range<usize>>) -> Range<usize> {
    let span = span.unwrap_or(0..0);
    let start = text.floor_char_boundary(span.start.min(text.len()));
    start..text.ceil_char_boundary(span.end.clamp(start, text.len()))
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

/// toml's message in the words of someone who wants to go on.
fn reworded(text: &str, span: Range<usize>, message: &str) -> SyntaxError {
    let slice = &text[span.clone()];
    let plain =
        |message: &str, help: Option<String>| SyntaxError { span: span.clone(), message: message.to_owned(), help };
    if message.starts_with("string values must be quoted") {
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
    for (quotes, kind) in [("\"\"\"", "basic"), ("'''", "literal")] {
        // toml points at the end of the file, which may be far from the text that was meant to end.
        if message.starts_with(&format!("invalid multi-line {kind} string"))
            && let Some(opening) = text[..span.start].rfind(quotes)
        {
            let message = "a text that begins with three quotes is never closed".to_owned();
            let help = Some(format!("end it with `{quotes}`"));
            return SyntaxError { span: opening..opening + quotes.len(), message, help };
        }
    }
    if message.starts_with("missing comma") || message.starts_with("unclosed") || message.starts_with("missing key") {
        return plain(message, Some("a bracket, brace or quote above may lack its end".to_owned()));
    }
    plain(message, None)
}

/// The text with every secret that stands in it literally covered, byte for byte, so that places stay true and a
/// shown line gives nothing away.
pub(super) fn covered(text: &str, root: &Table<'_>) -> String {
    let mut spans: BTreeMap<usize, usize> = BTreeMap::new();
    let mut cover = |value: &Value<'_>| {
        // A variable's name is no secret, and showing it is the point.
        if value.value.as_str().is_some_and(|text| !text.contains('$')) {
            spans.insert(value.span.start, value.span.end);
        }
    };
    for section in &root.values {
        let tables = section.items().unwrap_or_else(|| vec![section.clone()]);
        for value in tables.iter().filter_map(Value::table).flat_map(|table| table.values) {
            match (section.key, value.key) {
                ("daemon", "token") | ("sink", "secret") => {
                    cover(&value);
                    value.items().unwrap_or_default().iter().for_each(&mut cover);
                }
                ("feed", "headers") => value.table().iter().flat_map(|t| &t.values).for_each(&mut cover),
                _ => {}
            }
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (start, end) in spans {
        let span = within(text, Some(start..end));
        if span.start < at {
            continue;
        }
        out.push_str(&text[at..span.start]);
        out.extend(text[span.clone()].chars().map(|c| match (c, c.len_utf8()) {
            ('"' | '\'' | '\n' | '\r', _) => c,
            (_, 1) => '*',
            (_, 2) => '×',
            (_, 3) => '•',
            _ => '🞄',
        }));
        at = span.end;
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_covered_in_place_and_names_of_variables_are_not() {
        let text = "[daemon]\ntoken = 'aé制🎉'\n[[feed]]\nheaders = { A = \"${B}\", C = \"d\" }\nname = 'x'\n";
        let raw = Raw::parse(text);
        let out = covered(text, &raw.root());
        assert_eq!(out.len(), text.len());
        assert_eq!(out, "[daemon]\ntoken = '*×•🞄'\n[[feed]]\nheaders = { A = \"${B}\", C = \"*\" }\nname = 'x'\n");
    }

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

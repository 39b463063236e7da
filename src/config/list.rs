//! Reads `[lists]`: names in the config, in a file a line each, or in one column of a table.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path, str::FromStr, sync::Arc};

use super::{
    id::SinkId,
    problem::{Origin, Place, Problem},
    raw::{Table, Value},
    reader::Reader,
    suggest,
};

/// Largest list file: the world's sanctions lists have some ten million bytes.
const LIST_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Names in one list. Each becomes a phrase that every article is searched for.
const NAMES_MAX: usize = 200_000;

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 500;

/// Reads the table.
pub(super) fn read<'a>(reader: &mut Reader<'a>, table: &Table<'a>) -> BTreeMap<String, Vec<String>> {
    let mut lists = BTreeMap::new();
    for value in &table.values {
        // A list's name stands in queries behind `@`, so it keeps to the letters of an id.
        if let Err(error) = SinkId::from_str(value.key) {
            let message = error.to_string().replace("an id", "a list's name");
            reader.note(&value.key_span, Problem::error(message));
            continue;
        }
        let names = match value.table() {
            Some(table) => from_file(reader, value, table),
            None if value.value.is_array() => inline(reader, value),
            None => {
                let problem = Problem::error(format!("the list `{}` can't be {}", value.key, value.kind()));
                let help = "write names, `[\"…\", \"…\"]`, or `{ file = \"names.txt\" }`";
                reader.note(&value.span, problem.help(help));
                None
            }
        };
        let Some(names) = names else { continue };
        if names.is_empty() {
            reader.note(&value.span, Problem::warning(format!("the list `{}` is empty", value.key)));
        }
        lists.insert(value.key.to_owned(), names);
    }
    lists
}

fn inline<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<Vec<String>> {
    let texts = reader.texts(value, NAMES_MAX)?;
    let mut names = Vec::with_capacity(texts.len());
    for text in texts {
        match name(&text.value) {
            Ok(Some(name)) => names.push(name),
            Ok(None) => reader.note(&text.span, Problem::error("a name in a list can't be empty")),
            Err(message) => reader.note(&text.span, Problem::error(message)),
        }
    }
    Some(names)
}

/// A name as it is kept; `None` when there is nothing in it.
fn name(written: &str) -> Result<Option<String>, String> {
    let name = written.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(format!("a name in a list has at most {NAME_CHARS_MAX} characters"));
    }
    Ok(Some(name).filter(|name| !name.is_empty()))
}

fn from_file<'a>(reader: &mut Reader<'a>, value: &Value<'a>, table: Table<'a>) -> Option<Vec<String>> {
    let table = reader.known_inline(table, &["file", "column"]);
    let Some(file) = table.get("file") else {
        let problem = Problem::error(format!("the list `{}` names no `file`", value.key));
        reader.note(&value.span, problem.help("write `{ file = \"names.txt\" }`"));
        return None;
    };
    let column = match table.get("column") {
        Some(column) => Some((reader.text(column)?.value, column.span.clone())),
        None => None,
    };
    let path = reader.path(file)?;
    let text = match read_text(&path) {
        Ok(text) => text,
        Err(error) => {
            reader.note(&file.span, Problem::error(format!("cannot read `{}`: {error}", path.display())));
            return None;
        }
    };
    let rows = match column {
        None => lines(&text),
        Some((column, span)) => match column_of(&text, &column) {
            Ok(rows) => rows,
            Err(TableError::NoColumn { columns }) => {
                let mut problem = Problem::error(format!("`{}` has no column `{column}`", path.display()));
                problem.help = suggest::did_you_mean(&column, columns.iter().map(String::as_str));
                reader.note(&span, problem);
                return None;
            }
            Err(TableError::OpenQuote { at }) => {
                let place = Place {
                    origin: Origin::File(path),
                    source: Arc::from(text.as_str()),
                    span: at..at + 1,
                    first_line: 1,
                };
                let problem = Problem::error("this quote is never closed").at(place);
                reader.note_elsewhere(&file.span, problem.help("inside quotes, a quote is written twice"));
                return None;
            }
        },
    };
    let mut names = Vec::with_capacity(rows.len());
    for (at, row) in rows {
        match name(&row) {
            Ok(name) => names.extend(name),
            Err(message) => {
                let source = Arc::from(text.as_str());
                let place = Place { origin: Origin::File(path.clone()), source, span: at..at, first_line: 1 };
                reader.note_elsewhere(&file.span, Problem::error(message).at(place));
                return None;
            }
        }
        if names.len() > NAMES_MAX {
            let message = format!("`{}` holds more than {NAMES_MAX} names", path.display());
            reader.note(&file.span, Problem::error(message));
            return None;
        }
    }
    Some(names)
}

fn read_text(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LIST_BYTES_MAX + 1).read_to_end(&mut bytes));
    read.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LIST_BYTES_MAX {
        return Err(format!("it is larger than {} MiB", LIST_BYTES_MAX >> 20));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
        format!("line {line} is not UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
}

/// A line each; empty ones and those behind `#` are left out.
fn lines(text: &str) -> Vec<(usize, String)> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let kept = line.trim();
        if !kept.is_empty() && !kept.starts_with('#') {
            lines.push((start + (line.len() - line.trim_start().len()), kept.to_owned()));
        }
        start += line.len();
    }
    lines
}

#[derive(Debug, PartialEq, Eq)]
enum TableError {
    NoColumn { columns: Vec<String> },
    OpenQuote { at: usize },
}

/// One column of a table with a head row, as RFC 4180 has it: fields in quotes may hold separators, line breaks and
/// doubled quotes. The separator is the one of `,`, `;` and tab that the head row holds most of.
fn column_of(text: &str, column: &str) -> Result<Vec<(usize, String)>, TableError> {
    let head = text.lines().next().unwrap_or_default();
    let count = |separator: char| head.matches(separator).count();
    let separator = [';', '\t'].into_iter().filter(|s| count(*s) > count(',')).max_by_key(|s| count(*s)).unwrap_or(',');
    let mut rows = rows(text, separator)?.into_iter();
    let columns: Vec<String> =
        rows.next().unwrap_or_default().into_iter().map(|(_, field)| field.trim().to_owned()).collect();
    let exact = columns.iter().position(|name| name == column);
    let index = exact.or_else(|| columns.iter().position(|name| name.eq_ignore_ascii_case(column)));
    let Some(index) = index else { return Err(TableError::NoColumn { columns }) };
    // A short row has nothing in its last columns.
    Ok(rows.filter_map(|row| row.into_iter().nth(index)).collect())
}

type Row = Vec<(usize, String)>;

fn rows(text: &str, separator: char) -> Result<Vec<Row>, TableError> {
    let (mut rows, mut row): (Vec<Row>, Row) = (Vec::new(), Vec::new());
    let mut field = String::new();
    let mut field_start = 0;
    let mut open_quote = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match (open_quote, c) {
            (Some(_), '"') if characters.peek().is_some_and(|(_, next)| *next == '"') => {
                field.push('"');
                characters.next();
            }
            (Some(_), '"') => open_quote = None,
            (Some(_), _) => field.push(c),
            // Only a field that begins with a quote is a quoted one: 6" gun is not.
            (None, '"') if field.trim().is_empty() => {
                field.clear();
                open_quote = Some(at);
            }
            (None, '\r') if characters.peek().is_some_and(|(_, next)| *next == '\n') => {}
            (None, '\n') => {
                row.push((field_start, std::mem::take(&mut field)));
                rows.push(std::mem::take(&mut row));
                field_start = at + 1;
            }
            (None, c) if c == separator => {
                row.push((field_start, std::mem::take(&mut field)));
                field_start = at + c.len_utf8();
            }
            (None, c) => field.push(c),
        }
    }
    if let Some(at) = open_quote {
        return Err(TableError::OpenQuote { at });
    }
    if !field.is_empty() || !row.is_empty() {
        row.push((field_start, field));
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[track_caller]
    fn column(text: &str, column: &str, expected: &[&str]) {
        let rows: Vec<_> = column_of(text, column).unwrap().into_iter().map(|(_, field)| field).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_column_is_read_as_spreadsheets_write_it() {
        column("id,name\n1,Rosoboronexport\n2,\"Norinco, Ltd\"\n", "name", &["Rosoboronexport", "Norinco, Ltd"]);
        column("name\r\n\"a \"\"b\"\" c\"\r\n\"two\nlines\"\r\n", "name", &["a \"b\" c", "two\nlines"]);
        column("id;name\n1;a,b", "NAME", &["a,b"]);
        column("id\tname\n1\tx\n2\n", "name", &["x"]);
        column("n\n6\" gun\n", "n", &["6\" gun"]);
        assert_eq!(column_of("a,b\n", "c"), Err(TableError::NoColumn { columns: vec!["a".into(), "b".into()] }));
        assert_eq!(column_of("", "c"), Err(TableError::NoColumn { columns: vec![] }));
        assert_eq!(column_of("a\n\"b\n", "a"), Err(TableError::OpenQuote { at: 2 }));
    }

    #[test]
    fn lines_leave_out_comments() {
        let names: Vec<_> = lines("# head\nWagner Group\n\n  KOMID  \n").into_iter().collect();
        assert_eq!(names, [(7, "Wagner Group".to_owned()), (23, "KOMID".to_owned())]);
    }
}

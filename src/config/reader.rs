//! Turns raw values into typed ones and collects what is wrong with them. The sections' readers ask it for what
//! they need; a value with a mistake is `None` there, and its problem is already noted.

use std::{
    ops::{Range, RangeInclusive},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use toml::de::DeValue;
use url::Url;

use super::{
    environment::Environment,
    keys::{self, Standing},
    problem::{Origin, Place, Problem},
    raw::{Table, Value},
    settings::Confidence,
    suggest,
    value::{expand, format_duration, parse_duration},
};

/// A string with its variables put in.
#[derive(Debug, Clone)]
pub(super) struct Text {
    /// Variables put in.
    pub value: String,
    /// Quotes in.
    pub span: Range<usize>,
    /// Quotes left out.
    pub inner: Range<usize>,
}

/// A noted problem and where it belongs in the file's order.
#[derive(Debug)]
pub(super) struct Noted {
    /// Byte of the config that it comes from, even where its place is in another file.
    pub at: usize,
    /// Says that something is missing, unknown or unused, so it can only be trusted when the whole file was read.
    pub needs_whole_file: bool,
    /// What is shown.
    pub problem: Problem,
}

/// Reads one file's values.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    /// Whose text it is.
    pub origin: Origin,
    /// As written.
    pub text: &'a str,
    /// As shown: secrets covered.
    pub shown: Arc<str>,
    /// Variables.
    pub environment: &'a Environment,
    /// What relative paths are relative to.
    pub folder: PathBuf,
    /// All that was noted so far.
    pub noted: Vec<Noted>,
}

impl<'a> Reader<'a> {
    /// A place in the config.
    pub fn place(&self, span: &Range<usize>) -> Place {
        Place { origin: self.origin.clone(), source: self.shown.clone(), span: span.clone(), first_line: 1 }
    }

    /// Notes what is wrong with the text at `span`.
    pub fn note(&mut self, span: &Range<usize>, problem: Problem) {
        let problem = problem.at(self.place(span));
        self.noted.push(Noted { at: span.start, needs_whole_file: false, problem });
    }

    /// Notes what is missing, unknown or unused.
    pub fn note_of_the_whole(&mut self, span: &Range<usize>, problem: Problem) {
        let problem = problem.at(self.place(span));
        self.noted.push(Noted { at: span.start, needs_whole_file: true, problem });
    }

    /// Notes what is wrong in another file that the value at `span` names.
    pub fn note_elsewhere(&mut self, span: &Range<usize>, problem: Problem) {
        self.noted.push(Noted { at: span.start, needs_whole_file: false, problem });
    }

    /// Whether an error is among what was noted from the `first` on.
    pub fn has_error_since(&self, first: usize) -> bool {
        self.noted[first..].iter().any(|noted| noted.problem.is_error())
    }

    /// Which line of the config a place is in, from 1.
    pub fn line_of(&self, span: &Range<usize>) -> usize {
        self.place(span).line_column().0
    }

    /// Takes out of `table` the keys that `section` has; what else stands there is noted.
    pub fn known(&mut self, section: &str, table: Table<'a>) -> Table<'a> {
        let (mut values, mut meant) = (Vec::with_capacity(table.values.len()), table.meant);
        for value in table.values {
            match keys::of_section(section).find(|key| key.name == value.key).map(|key| key.standing) {
                Some(Standing::Now) => values.push(value),
                Some(Standing::Later(part)) => self.note(&value.key_span, not_yet(value.key, part)),
                None => {
                    let problem = unknown_key(section, value.key);
                    self.note(&value.key_span, problem);
                    meant.extend(suggest::nearest(value.key, keys::of_section(section).map(|key| key.name)));
                }
            }
        }
        Table { span: table.span, values, meant }
    }

    /// The keys of an inline table with its own few keys, as in `{ env = "VAR" }`.
    pub fn known_inline(&mut self, table: Table<'a>, names: &'static [&'static str]) -> Table<'a> {
        let (known, strange): (Vec<_>, Vec<_>) = table.values.into_iter().partition(|v| names.contains(&v.key));
        for value in strange {
            let mut problem = Problem::error(format!("unknown key `{}`", value.key));
            problem.help = suggest::did_you_mean(value.key, names.iter().copied());
            self.note(&value.key_span, problem);
        }
        Table { span: table.span, values: known, meant: table.meant }
    }

    pub fn mistyped(&mut self, value: &Value<'a>, wanted: &str) {
        let message = format!("`{}` is {wanted}, not {}", value.key, value.kind());
        self.note(&value.span, Problem::error(message));
    }

    /// A string, variables put in.
    pub fn text(&mut self, value: &Value<'a>) -> Option<Text> {
        self.text_as(value, "a text in quotes")
    }

    pub fn text_as(&mut self, value: &Value<'a>, wanted: &str) -> Option<Text> {
        let Some(written) = value.value.as_str() else {
            self.mistyped(value, wanted);
            return None;
        };
        let inner = inside_quotes(self.text, &value.span);
        match expand(written, self.environment) {
            Ok(expanded) => Some(Text { value: expanded, span: value.span.clone(), inner }),
            Err(error) => {
                // With escapes in the string its offsets are not the file's.
                let exact = self.text.get(inner.clone()) == Some(written);
                let span = if exact {
                    inner.start + error.span.start..inner.start + error.span.end
                } else {
                    value.span.clone()
                };
                let help = "`${NAME:-default}` takes a default where the variable is unset, and `$$` is a dollar";
                self.note(&span, Problem::error(error.kind.to_string()).help(help));
                None
            }
        }
    }

    /// A string that says something: not empty, without control characters, at most `chars_max` characters.
    pub fn line(&mut self, value: &Value<'a>, chars_max: usize) -> Option<Text> {
        let text = self.text(value)?;
        let problem = if text.value.trim().is_empty() {
            format!("`{}` is empty", value.key)
        } else if text.value.chars().any(char::is_control) {
            format!("`{}` holds a line break or another control character", value.key)
        } else if text.value.chars().count() > chars_max {
            format!("`{}` is longer than {chars_max} characters", value.key)
        } else {
            return Some(text);
        };
        self.note(&value.span, Problem::error(problem));
        None
    }

    /// A string that may stand in an HTTP header.
    pub fn header_line(&mut self, value: &Value<'a>) -> Option<String> {
        /// Longer ones are refused by many servers.
        const HEADER_CHARS_MAX: usize = 1_000;
        let text = self.line(value, HEADER_CHARS_MAX)?;
        if text.value.is_ascii() {
            return Some(text.value);
        }
        let message = format!("`{}` goes into an HTTP header, which holds ASCII only", value.key);
        self.note(&value.span, Problem::error(message));
        None
    }

    /// An id of any kind.
    pub fn id<T: std::str::FromStr<Err = super::id::IdError>>(
        &mut self,
        value: &Value<'a>,
    ) -> Option<(T, Range<usize>)> {
        let text = self.text(value)?;
        match text.value.parse() {
            Ok(id) => Some((id, text.span)),
            Err(error) => {
                self.note(&value.span, Problem::error(error.to_string()));
                None
            }
        }
    }

    /// The texts of a list.
    pub fn texts(&mut self, value: &Value<'a>, items_max: usize) -> Option<Vec<Text>> {
        let Some(items) = value.items() else {
            let mut problem = Problem::error(format!("`{}` is a list, not {}", value.key, value.kind()));
            if let Some(slice) = value.value.is_str().then(|| self.shown.get(value.span.clone())).flatten() {
                problem = problem.help(format!("write `[{slice}]`"));
            }
            self.note(&value.span, problem);
            return None;
        };
        if items.len() > items_max {
            let message = format!("`{}` has {} items, and {items_max} are the most", value.key, items.len());
            self.note(&value.span, Problem::error(message));
            return None;
        }
        Some(items.iter().filter_map(|item| self.text_as(item, "a list of texts in quotes")).collect())
    }

    /// true or false.
    pub fn flag(&mut self, value: &Value<'a>) -> Option<bool> {
        let flag = value.value.as_bool();
        if flag.is_none() {
            self.mistyped(value, "true or false");
        }
        flag
    }

    /// A whole number in bounds.
    pub fn count(&mut self, value: &Value<'a>, bounds: RangeInclusive<usize>) -> Option<usize> {
        let DeValue::Integer(written) = value.value else {
            self.mistyped(value, "a whole number");
            return None;
        };
        let number = usize::from_str_radix(written.as_str().trim_start_matches('+'), written.radix()).ok();
        if number.is_some_and(|number| bounds.contains(&number)) {
            return number;
        }
        let message = format!("`{}` is from {} to {}, not {written}", value.key, bounds.start(), bounds.end());
        self.note(&value.span, Problem::error(message));
        None
    }

    /// A duration in bounds.
    /// A number from 0 to 1.
    pub fn fraction(&mut self, value: &Value<'a>) -> Option<Confidence> {
        let number: Option<f64> = match &value.value {
            DeValue::Float(float) => float.as_str().parse().ok(),
            DeValue::Integer(integer) => integer.as_str().parse().ok(),
            _ => {
                self.mistyped(value, "a number from 0.0 to 1.0");
                return None;
            }
        };
        let fraction = number.and_then(Confidence::new);
        if fraction.is_none() {
            let message = format!("`{}` is a number from 0.0 to 1.0", value.key);
            self.note(&value.span, Problem::error(message));
        }
        fraction
    }

    pub fn duration(&mut self, value: &Value<'a>, bounds: RangeInclusive<Duration>) -> Option<Duration> {
        if let DeValue::Integer(number) = value.value {
            let message = format!("`{}` is a duration, and {number} has no unit", value.key);
            let help = format!("write it as in `{} = \"{number}s\"`", value.key);
            self.note(&value.span, Problem::error(message).help(help));
            return None;
        }
        let text = self.text_as(value, "a duration such as `\"30s\"`")?;
        let duration = match parse_duration(&text.value) {
            Ok(duration) => duration,
            Err(error) => {
                let problem = Problem::error(format!("`{}` is no duration: {error}", value.key));
                self.note(&value.span, problem.help("durations are written `200ms`, `30s`, `5m`, `1h30m`, `7d`"));
                return None;
            }
        };
        if bounds.contains(&duration) {
            return Some(duration);
        }
        let (least, most) = (format_duration(*bounds.start()), format_duration(*bounds.end()));
        self.note(&value.span, Problem::error(format!("`{}` is from {least} to {most}", value.key)));
        None
    }

    /// One of a few words; `later` are words that come with a part that is not there yet.
    pub fn choice<T: Copy>(
        &mut self,
        value: &Value<'a>,
        choices: &[(&str, T)],
        later: &[(&str, &'static str)],
    ) -> Option<T> {
        let text = self.text(value)?;
        if let Some((_, chosen)) = choices.iter().find(|(word, _)| *word == text.value) {
            return Some(*chosen);
        }
        let problem = match later.iter().find(|(word, _)| *word == text.value) {
            Some((word, part)) => not_yet(&format!("{} = \"{word}\"", value.key), part),
            None => {
                let mut problem = Problem::error(format!("`{}` can't be `{}`", value.key, text.value));
                problem.help = suggest::did_you_mean(&text.value, choices.iter().map(|(word, _)| *word));
                problem
            }
        };
        self.note(&value.span, problem);
        None
    }

    /// A key of this sink without which it can do nothing; `help` says what to add where it is missing.
    pub fn required<'t>(&mut self, table: &'t Table<'a>, key: &'static str, help: &str) -> Option<&'t Value<'a>> {
        if table.lacks(key) {
            let problem = Problem::error(format!("this sink has no `{key}`"));
            self.note_of_the_whole(&table.span, problem.help(help));
        }
        table.get(key)
    }

    /// A URL with one of `schemes` and a host.
    pub fn url(&mut self, value: &Value<'a>, schemes: &[&str]) -> Option<Url> {
        let text = self.line(value, URL_CHARS_MAX)?;
        let wrong = match Url::parse(text.value.trim()) {
            Err(url::ParseError::RelativeUrlWithoutBase) => {
                let problem = Problem::error(format!("`{}` does not say how to get there", value.key));
                // The text itself is not repeated: a variable may have brought a secret into it.
                self.note(&value.span, problem.help(format!("put `{}://` in front", schemes[0])));
                return None;
            }
            Ok(url) if !schemes.contains(&url.scheme()) => format!("a URL with `{}:` can't stand here", url.scheme()),
            Ok(url) if url.host_str().is_none_or(str::is_empty) => "the URL has no host".to_owned(),
            Ok(url) => return Some(url),
            Err(error) => format!("`{}` is no URL: {error}", value.key),
        };
        let schemes: Vec<String> = schemes.iter().map(|scheme| format!("`{scheme}://…`")).collect();
        self.note(&value.span, Problem::error(wrong).help(format!("it begins with one of {}", schemes.join(", "))));
        None
    }

    /// A path: `~/` is the home folder, a relative one starts at the config's folder.
    pub fn path(&mut self, value: &Value<'a>) -> Option<PathBuf> {
        let text = self.line(value, URL_CHARS_MAX)?;
        self.resolved(&text.value, &value.span)
    }

    /// The path that `written` means.
    pub fn resolved(&mut self, written: &str, span: &Range<usize>) -> Option<PathBuf> {
        if written != "~" && !written.starts_with("~/") {
            return Some(self.folder.join(written));
        }
        let Some(home) = self.environment.home() else {
            let problem = Problem::error("`~` means nothing here: the environment has no `HOME`");
            self.note(span, problem.help("write the whole path"));
            return None;
        };
        Some(home.join(written[1..].trim_start_matches('/')))
    }
}

/// Longest URL or path: what browsers and servers agree on, with room.
pub(super) const URL_CHARS_MAX: usize = 8_192;

/// The problem with something that a later part brings.
pub(super) fn not_yet(what: &str, part: &str) -> Problem {
    Problem::error(format!("`{what}` comes with a later version ({part})")).help("leave it out until then")
}

fn unknown_key(section: &str, key: &str) -> Problem {
    let what = if section.is_empty() { "table or key" } else { "key" };
    let mut problem = Problem::error(format!("unknown {what} `{key}`"));
    let own = keys::of_section(section).map(|known| known.name);
    let elsewhere = || keys::KEYS.iter().find(|known| known.name == key && !known.section.is_empty());
    problem.help = match (suggest::nearest(key, own), elsewhere()) {
        // The very word, in another table, is a likelier slip than another word in this one; but `[[feeds]]` is `feed`.
        (near, Some(known)) if near.is_none() || !section.is_empty() => {
            Some(format!("`{key}` stands in {}", keys::heading(known.section)))
        }
        (Some(near), _) => Some(format!("did you mean `{near}`?")),
        (None, _) => None,
    };
    problem
}

/// The span of a string's value without its quotes, whichever of TOML's four forms it takes.
fn inside_quotes(text: &str, span: &Range<usize>) -> Range<usize> {
    let Some(written) = text.get(span.clone()) else { return span.clone() };
    for quotes in ["\"\"\"", "'''"] {
        if let Some(inner) = written.strip_prefix(quotes).and_then(|rest| rest.strip_suffix(quotes)) {
            // A line break right behind the opening quotes is no part of the value.
            let skipped = if inner.starts_with("\r\n") { 2 } else { usize::from(inner.starts_with('\n')) };
            return span.start + 3 + skipped..span.end - 3;
        }
    }
    for quote in ['"', '\''] {
        if written.len() >= 2 && written.starts_with(quote) && written.ends_with(quote) {
            return span.start + 1..span.end - 1;
        }
    }
    span.clone()
}

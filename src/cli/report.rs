//! Draws problems for people, by miette, and writes them for programs.

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, Severity,
    SourceCode, SourceSpan, SpanContents,
};
use serde_json::{Value, json};

use crate::config::{Level, Origin, Place, Problem};

/// Longest piece of a line that is shown, in characters: a list of ten thousand names may stand in one line.
const SHOWN_CHARS_MAX: usize = 160;

/// How much of that stands in front of the place, when the line is cut.
const SHOWN_CHARS_BEFORE: usize = 60;

/// Longest help that stands behind the caret; a longer one gets a line of its own.
const LABEL_CHARS_MAX: usize = 60;

/// All problems, one below the other, each with its line, a caret and the way out.
pub fn render(problems: &[Problem], color: bool) -> String {
    let mut theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    theme.characters.error = "error:".to_owned();
    theme.characters.warning = "warning:".to_owned();
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_context_lines(0)
        .with_links(false)
        .with_wrap_lines(false)
        .without_syntax_highlighting();
    let drawn = problems.iter().map(|problem| {
        let mut text = String::new();
        match handler.render_report(&mut text, &Drawing::of(problem)) {
            // miette indents the message, which is how it would stand under a header that we don't have.
            Ok(()) => text.strip_prefix("  ").map(str::to_owned).unwrap_or(text),
            // A drawing that fails must not take the message with it.
            Err(_) => format!("{}: {}\n", level(problem), one_line(&problem.message)),
        }
    });
    drawn.collect()
}

/// One problem as a line of NDJSON; what it does not have is null.
pub fn to_json(problem: &Problem) -> Value {
    let place = problem.place.as_ref();
    let (line, column) = place.map(Place::line_column).unzip();
    json!({
        "level": level(problem),
        "message": problem.message,
        "file": place.map(|place| name(&place.origin)),
        "line": line,
        "column": column,
        "help": problem.help,
    })
}

fn level(problem: &Problem) -> &'static str {
    match problem.level {
        Level::Error => "error",
        Level::Warning => "warning",
    }
}

fn name(origin: &Origin) -> String {
    match origin {
        Origin::File(path) => path.display().to_string(),
        Origin::Named(name) => name.clone(),
    }
}

/// Text from a file or a query, safe on a terminal: an escape sequence in it would otherwise be obeyed.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A problem in the shape that miette draws.
#[derive(Debug)]
struct Drawing {
    message: String,
    help: Option<String>,
    severity: Severity,
    snippet: Option<Snippet>,
}

/// The one line that is shown, or a piece of it.
#[derive(Debug)]
struct Snippet {
    name: String,
    text: String,
    /// Bytes of `text` that the caret is under.
    marked: SourceSpan,
    label: Option<String>,
    /// Counted from 0, as miette does, in the whole text.
    line: usize,
    column: usize,
}

impl Drawing {
    fn of(problem: &Problem) -> Self {
        let mut help = problem.help.as_deref().map(one_line);
        let snippet = problem.place.as_ref().map(|place| {
            let label = help.take_if(|help| help.chars().count() <= LABEL_CHARS_MAX);
            Snippet::of(place, label)
        });
        let severity = match problem.level {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
        };
        Self { message: one_line(&problem.message), help, severity, snippet }
    }
}

impl Snippet {
    fn of(place: &Place, label: Option<String>) -> Self {
        let (line, column) = place.line_column();
        let characters: Vec<char> = place.line().chars().collect();
        let start = (column - 1).min(characters.len());
        // A span may go on for lines; what is marked ends with the first.
        let span_end = place.source.floor_char_boundary(place.span.end.min(place.source.len()));
        let span_start = place.source.floor_char_boundary(place.span.start.min(span_end));
        let marked = place.source[span_start..span_end].lines().next().map_or(0, |text| text.chars().count());
        // An empty span still points at the character that stands there.
        let end = (start + marked.max(1)).min(characters.len());
        let first = if characters.len() > SHOWN_CHARS_MAX { start.saturating_sub(SHOWN_CHARS_BEFORE) } else { 0 };
        let last = (first + SHOWN_CHARS_MAX).min(characters.len());
        let piece = |range: std::ops::Range<usize>| one_line(&characters[range].iter().collect::<String>());
        let mut text = if first > 0 { "…".to_owned() } else { String::new() };
        text.push_str(&piece(first..start));
        let offset = text.len();
        text.push_str(&piece(start..end.min(last)));
        if text.len() == offset {
            // Behind the last character there is nothing to point at, so there has to be something.
            text.push(' ');
        }
        let marked = SourceSpan::from((offset, text.len() - offset));
        text.push_str(&piece(end.min(last)..last));
        if last < characters.len() {
            text.push('…');
        }
        Self { name: one_line(&name(&place.origin)), text, marked, label, line: line - 1, column: column - 1 }
    }
}

impl std::fmt::Display for Drawing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawing {}

impl Diagnostic for Drawing {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.snippet.as_ref().map(|snippet| snippet as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let snippet = self.snippet.as_ref()?;
        let label = LabeledSpan::new_primary_with_span(snippet.label.clone(), snippet.marked);
        Some(Box::new(std::iter::once(label)))
    }
}

impl SourceCode for Snippet {
    fn read_span<'a>(
        &'a self,
        _: &SourceSpan,
        _: usize,
        _: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let whole = SourceSpan::from((0, self.text.len()));
        let contents =
            MietteSpanContents::new_named(self.name.clone(), self.text.as_bytes(), whole, self.line, self.column, 1);
        Ok(Box::new(contents))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(source: &str, span: std::ops::Range<usize>) -> Place {
        Place { origin: Origin::File("wirewatch.toml".into()), source: source.into(), span, first_line: 1 }
    }

    #[track_caller]
    fn check(problem: &Problem, expected: &str) {
        let drawn = render(std::slice::from_ref(problem), false);
        let lines: Vec<&str> = drawn.lines().map(str::trim_end).collect();
        assert_eq!(lines.join("\n"), expected.trim_end(), "\n{drawn}");
    }

    #[test]
    fn a_problem_shows_its_line_and_the_way_out() {
        let problem = Problem::error("unknown key `intervall`")
            .at(at("[daemon]\nintervall = \"5m\"\n", 9..18))
            .help("did you mean `interval`?");
        check(
            &problem,
            r#"
error: unknown key `intervall`
   ╭─[wirewatch.toml:2:1]
 2 │ intervall = "5m"
   · ────┬────
   ·     ╰── did you mean `interval`?
   ╰────"#
                .trim_start(),
        );
    }

    #[test]
    fn a_problem_without_a_place_is_two_lines() {
        let problem = Problem::warning("there are no feeds").help("add a `[[feed]]`");
        check(&problem, "warning: there are no feeds\n  help: add a `[[feed]]`");
    }

    #[test]
    fn a_place_at_the_end_or_over_many_lines_is_drawn() {
        for (source, span) in
            [("", 0..0), ("a", 1..1), ("a = '''\nb\n'''\n", 4..13), ("é\n制裁 = 1", 3..9), ("a\n", 2..9)]
        {
            let problem = Problem::error("x").at(at(source, span));
            assert!(render(&[problem], false).contains("wirewatch.toml:"), "{source}");
        }
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let source = format!("a = [{}]", "\"name\", ".repeat(20_000));
        let start = 80_005;
        let drawn = render(&[Problem::error("x").at(at(&source, start..start + 6))], false);
        assert!(drawn.len() < 1_500, "{}", drawn.len());
        assert!(drawn.contains("wirewatch.toml:1:80006"), "{drawn}");
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        let problem = Problem::error("bad \u{1b}[31m").at(at("a = \u{1b}]0;x\u{7}", 4..6)).help("\u{9b}1m");
        let drawn = render(&[problem], false);
        assert!(drawn.chars().all(|c| !c.is_control() || c == '\n'), "{drawn:?}");
    }

    #[test]
    fn programs_get_line_and_column() {
        let problem = Problem::error("x").at(at("é\né = 1", 6..7));
        assert_eq!(
            to_json(&problem),
            json!({"level": "error", "message": "x", "file": "wirewatch.toml", "line": 2, "column": 3, "help": null})
        );
        assert_eq!(to_json(&Problem::warning("y"))["line"], Value::Null);
    }
}

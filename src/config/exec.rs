//! Reads `[[sink]]` with `type = "exec"`: which program takes the alerts.

use std::{fmt, path::PathBuf, time::Duration};

use super::{problem::Problem, raw::Table, reader::Reader};

/// A program may have to start an interpreter and speak to a server.
const TIMEOUT: Duration = Duration::from_secs(30);
const TIMEOUT_MIN: Duration = Duration::from_millis(100);
const TIMEOUT_MAX: Duration = Duration::from_secs(10 * 60);
const WORDS_MAX: usize = 100;

/// `[[sink]]` with `type = "exec"`.
#[derive(Clone)]
pub struct ExecSettings {
    /// Absolute, or a name that is looked for in `PATH`.
    pub program: PathBuf,
    /// Handed over as they are: no shell reads them.
    pub arguments: Vec<String>,
    /// For one whole attempt; then it is ended, with all that it has started.
    pub timeout: Duration,
}

impl ExecSettings {
    /// Program and arguments in one, to tell whether they are still the same; not to be shown.
    pub fn whole(&self) -> String {
        format!("{}\0{}", self.program.display(), self.arguments.join("\0"))
    }

    /// The command as it may be shown: arguments may be secret.
    pub fn shown(&self) -> String {
        format!("{}{}", self.program.display(), if self.arguments.is_empty() { "" } else { " …" })
    }
}

impl fmt::Debug for ExecSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecSettings").field("command", &self.shown()).field("timeout", &self.timeout).finish()
    }
}

/// Reads what is a program's own.
pub(super) fn read<'a>(reader: &mut Reader<'a>, table: &Table<'a>) -> Option<ExecSettings> {
    let timeout = table.get("timeout").and_then(|value| reader.duration(value, TIMEOUT_MIN..=TIMEOUT_MAX));
    let Some(value) = table.get("command") else {
        if table.lacks("command") {
            let problem = Problem::error("this sink has no `command`");
            reader.note_of_the_whole(&table.span, problem.help("add `command = [\"program\", \"argument\"]`"));
        }
        return None;
    };
    if value.value.as_str().is_some_and(|text| text.trim().contains(char::is_whitespace)) {
        let problem = Problem::error("a command is a list: no shell takes it apart");
        reader.note(&value.span, problem.help("write `[\"program\", \"argument\"]`"));
        return None;
    }
    let words = reader.texts(value, WORDS_MAX)?;
    if words.iter().any(|word| word.value.contains('\0')) {
        reader.note(&value.span, Problem::error("a command can't hold a zero byte"));
        return None;
    }
    let mut words = words.into_iter().map(|word| word.value);
    let Some(written) = words.next().filter(|program| !program.trim().is_empty()) else {
        let problem = Problem::error("`command` begins with a program");
        reader.note(&value.span, problem.help("write `[\"program\", \"argument\"]`"));
        return None;
    };
    let program = if written.contains('/') { reader.resolved(&written, &value.span)? } else { written.into() };
    if !reader.environment.has_program(&program) {
        let problem = Problem::warning(format!("there is no program `{}`", program.display()));
        // Not at the command itself, whose arguments may be secret and would be shown with it.
        reader.note_of_the_whole(&table.span, problem.help("its deliveries wait and are tried again until there is"));
    }
    Some(ExecSettings { program, arguments: words.collect(), timeout: timeout.unwrap_or(TIMEOUT) })
}

//! What commands print: NDJSON into pipes, text on terminals, colour only where it helps.

use std::io::{self, IsTerminal, Write};

use super::args::{ColorWhen, GlobalArguments};

/// How results are printed, decided once from the arguments and from what stdout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// NDJSON, or text for people.
    pub json: bool,
    /// Whether stdout may carry colours.
    pub color: bool,
    /// Whether stderr may.
    pub stderr_color: bool,
}

impl Output {
    /// By `--json`, `--text`, `--color`, `NO_COLOR` and what stdout and stderr are.
    pub fn new(global: &GlobalArguments) -> Self {
        let terminal = io::stdout().is_terminal();
        let colored = |is_terminal: bool| match global.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            // https://no-color.org
            ColorWhen::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        };
        Self {
            json: global.json || (!global.text && !terminal),
            color: colored(terminal),
            stderr_color: colored(io::stderr().is_terminal()),
        }
    }
}

/// Says something on stderr. A full disk or a reader that has left there is no reason to end.
pub fn say(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Prints to stdout. A pipe whose reader has left ends the program quietly; any other failure is said on stderr.
///
/// # Errors
/// It could not be written.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let done = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match done {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            eprintln!("error: standard output can't be written: {error}");
            Err(error)
        }
        Ok(()) => Ok(()),
    }
}

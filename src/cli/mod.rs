//! The commands: arguments in, text or NDJSON out, exit code back. This room alone prints.

pub mod args;
pub mod output;
pub mod report;
pub mod init;
pub mod secret;
pub mod demo;

use std::process::ExitCode;

use self::args::Arguments;

/// Runs what the arguments ask for.
pub fn run(_arguments: Arguments) -> ExitCode {
    ExitCode::SUCCESS
}

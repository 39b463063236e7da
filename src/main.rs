//! Arguments in, exit code out; everything else is in the library.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    wirewatch::cli::run(wirewatch::cli::args::Arguments::parse())
}

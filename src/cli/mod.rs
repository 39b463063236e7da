//! The commands: arguments in, text or NDJSON out.

pub mod input;
pub mod parse;

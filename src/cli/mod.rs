//! The commands: arguments in, text or NDJSON out.

pub mod demo;

//! The commands: arguments in, text or NDJSON out.

pub mod init;
pub mod report;
pub mod secret;

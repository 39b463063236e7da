//! `wirewatch demo`: bundled sample feeds, served over loopback to the whole daemon, and the alerts received back.

pub mod feeds;
pub mod server;

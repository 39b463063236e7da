//! Bytes → feed and entries, without touching the net.

pub mod entry;

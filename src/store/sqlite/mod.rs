//! SQLite beneath the store: connections, the lock, the schema, and how rows become values.

pub(super) mod connection;
mod migrate;
mod privacy;
pub(super) mod rows;

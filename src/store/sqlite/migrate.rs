//! Brings a file's schema up to date: numbered SQL files, counted in SQLite's `user_version`.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::store::StoreError;

/// "WWat": says in the file's head that it is a wirewatch store.
const APPLICATION_ID: i64 = 0x5757_6174;
/// In order; the first makes schema 1. One that has been released never changes.
const MIGRATIONS: [&str; 8] = [
    include_str!("migrations/0001-first.sql"),
    include_str!("migrations/0002-changing-ids.sql"),
    include_str!("migrations/0003-wishes.sql"),
    include_str!("migrations/0004-pace.sql"),
    include_str!("migrations/0005-events.sql"),
    include_str!("migrations/0006-health.sql"),
    include_str!("migrations/0007-pages.sql"),
    include_str!("migrations/0008-websub.sql"),
];
/// The schema that this program reads and writes.
pub(super) const SCHEMA: i64 = MIGRATIONS.len() as i64;

/// The schema of the open file; 0 where it is empty.
pub(super) fn schema_of(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let pragma = |name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(|error| StoreError::from_sqlite(path, error))
    };
    let (schema, application) = (pragma("user_version")?, pragma("application_id")?);
    let tables = pragma("schema_version")?;
    if application != APPLICATION_ID && (schema != 0 || tables != 0) {
        return Err(StoreError::Damaged { path: path.into(), reason: "it is another program's database".into() });
    }
    if schema > SCHEMA {
        return Err(StoreError::Newer { path: path.into(), found: schema, known: SCHEMA });
    }
    Ok(schema)
}

/// Applies what is missing, each file in a transaction of its own, so that a crash leaves a whole schema.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let schema = schema_of(connection, path)?;
    for (number, sql) in (1..).zip(MIGRATIONS).skip_while(|(number, _)| *number <= schema) {
        let apply = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", number)?;
            transaction.commit()
        };
        apply(connection).map_err(|error| StoreError::from_sqlite(path, error))?;
    }
    Ok(())
}

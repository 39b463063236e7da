//! How rows become values, and values columns.

use chrono::{DateTime, Utc};
use rusqlite::{
    Row,
    types::{FromSqlError, Type},
};

use crate::article::IdKind;

/// A time as the store keeps it: milliseconds since 1970.
pub(in crate::store) fn millis(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis()
}

/// A time that the store kept.
pub(in crate::store) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<DateTime<Utc>> {
    let millis: i64 = row.get(column)?;
    DateTime::from_timestamp_millis(millis).ok_or_else(|| out_of_range(row, column, millis))
}

/// A time that may be missing.
pub(in crate::store) fn time_or_none(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let millis: Option<i64> = row.get(column)?;
    millis.map(|m| DateTime::from_timestamp_millis(m).ok_or_else(|| out_of_range(row, column, m))).transpose()
}

fn out_of_range(row: &Row<'_>, column: &str, value: i64) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(index, Type::Integer, Box::new(FromSqlError::OutOfRange(value)))
}

/// A name or word that only parsing makes.
pub(in crate::store) fn parsed<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let index = row.as_ref().column_index(column)?;
    let text = row.get_ref(index)?.as_str()?;
    text.parse().map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error)))
}

/// Lines in one column; null where there are none.
pub(in crate::store) fn lines(parts: &[String]) -> Option<String> {
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// What an id was made from, in a word.
pub(in crate::store) fn id_kind(kind: IdKind) -> &'static str {
    match kind {
        IdKind::Guid => "guid",
        IdKind::Url => "url",
        IdKind::Hash => "hash",
    }
}

/// A count as SQLite knows it.
pub(in crate::store) fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

//! The walk over a result's document, which hands on one row at a time and never holds them all.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{ROWS_MAX, Reading};

/// Adds the document's variables and rows to `reading`.
///
/// # Errors
/// The document is broken, is no result, or has too many rows.
pub(super) fn walk<'de, D: Deserializer<'de>>(reading: &mut Reading<'_>, json: D) -> Result<(), D::Error> {
    Document(reading).deserialize(json)
}

/// The parts of the document, each handed the reading that it adds to.
struct Document<'r, 'a>(&'r mut Reading<'a>);
struct Head<'r, 'a>(&'r mut Reading<'a>);
struct Results<'r, 'a>(&'r mut Reading<'a>);
struct Bindings<'r, 'a>(&'r mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `head` and `results`")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "head" => map.next_value_seed(Head(self.0))?,
                "results" => map.next_value_seed(Results(self.0))?,
                "boolean" => return Err(M::Error::custom("it is the answer to a question of yes or no")),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Head<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        #[derive(serde::Deserialize)]
        struct Variables {
            #[serde(default)]
            vars: Vec<String>,
        }
        self.0.vars = <Variables as serde::Deserialize>::deserialize(json)?.vars;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Results<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Results<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `bindings`")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "bindings" => map.next_value_seed(Bindings(self.0))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Bindings<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        self.0.has_rows = true;
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Bindings<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut rows: S) -> Result<(), S::Error> {
        while let Some(row) = rows.next_element::<Value>()? {
            self.0.row(&row);
            if self.0.facts.rows > ROWS_MAX {
                return Err(S::Error::custom("too many rows"));
            }
        }
        Ok(())
    }
}

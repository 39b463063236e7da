//! Brings the leaders up to date from the answer to a query: a SPARQL result in JSON in, entries of a pack out.
//!
//! `row` reads the result and believes no row of it unseen, `merge` sets what it says beside the packs in effect, `write`
//! makes a pack file of that. What somebody wrote into a pack by hand stays: a refresh adds people, offices and names,
//! and ends an office that the pack leaves open. The query that asks for such a result is `config/packs/leaders.rq`,
//! whose head says what each variable means.

mod merge;
mod row;
mod write;

pub use merge::{Refreshed, merge};
pub use row::{BYTES_MAX, Facts, PersonFacts, REASONS_MAX, ROWS_MAX, RefreshError, RoleFact, read};
pub use write::{is_refreshed, pack_file};

/// The query, as it ships.
pub const QUERY: &str = include_str!("../../../config/packs/leaders.rq");

/// Languages whose labels the query asks for, each a variable of its name.
pub const LANGS: [&str; 11] = ["tr", "ru", "uk", "fr", "es", "de", "ar", "fa", "zh", "ko", "ja"];

/// An office by what it is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Office {
    /// Head of state.
    State,
    /// Head of government.
    Government,
    /// Foreign minister.
    Foreign,
    /// Defence minister.
    Defence,
}

impl Office {
    /// As the query's variable `office` has it.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "state" => Self::State,
            "government" => Self::Government,
            "foreign" => Self::Foreign,
            "defence" => Self::Defence,
            _ => return None,
        })
    }

    /// What a folded title says by its words. It outranks what the query found, since one office may be two: a President
    /// of the United States heads the government as well.
    fn of_title(title: &str) -> Option<Self> {
        const FOREIGN: [&str; 5] =
            ["foreign", "external affairs", "external relations", "secretary of state of", "states secretary of state"];
        const DEFENCE: [&str; 4] = ["defence", "defense", "secretary of war", "minister of war"];
        const GOVERNMENT: [&str; 9] = [
            "prime minister",
            "premier",
            "chancellor",
            "taoiseach",
            "president of the government",
            "head of government",
            "council of ministers",
            "minister of state of",
            "chief executive",
        ];
        const STATE: [&str; 13] = [
            "president",
            "king",
            "queen",
            "emir",
            "sultan",
            "emperor",
            "supreme leader",
            "head of state",
            "pope",
            "grand duke",
            "prince of",
            "monarch",
            "governor general",
        ];
        // Whole words: there is a king in every United Kingdom.
        let words = format!(" {} ", title.replace('-', " "));
        let has = |any: &[&str]| any.iter().any(|word| words.contains(&format!(" {word} ")));
        if has(&["deputy", "vice"]) {
            return None;
        }
        let offices = [
            (Self::Foreign, &FOREIGN[..]),
            (Self::Defence, &DEFENCE),
            (Self::Government, &GOVERNMENT),
            (Self::State, &STATE),
        ];
        offices.into_iter().find(|(_, words)| has(words)).map(|(office, _)| office)
    }
}

/// The query without what is there for readers alone, to go into an address.
pub fn query_to_send() -> String {
    let lines = QUERY.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_selects_what_is_read_and_stays_short_enough_for_an_address() {
        let query = query_to_send();
        for variable in row::VARIABLES.iter().chain(&LANGS) {
            assert!(query.contains(&format!("?{variable}")), "{variable}");
        }
        assert!(!query.contains('#') || query.contains("XMLSchema#"), "{query}");
        // Percent-encoded it is nearly twice as long; servers take 8,000 bytes at the least.
        let address: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        assert!(address.len() < 7_500, "{}", address.len());
    }

    #[test]
    fn titles_tell_the_office() {
        for (title, office) in [
            ("united states secretary of state", Some(Office::Foreign)),
            ("minister for europe and foreign affairs of france", Some(Office::Foreign)),
            ("secretary of state for defence of the united kingdom", Some(Office::Defence)),
            ("president of the government of spain", Some(Office::Government)),
            ("president of the united states", Some(Office::State)),
            ("deputy prime minister of vietnam", None),
            ("home secretary of the united kingdom", None),
            ("commander-in-chief of the armed forces of ukraine", None),
            ("governor-general of canada", Some(Office::State)),
        ] {
            assert_eq!(Office::of_title(title), office, "{title}");
        }
    }
}

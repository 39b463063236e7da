//! A pack file of what a refresh brings.

use chrono::NaiveDate;

use crate::watch::entity::person::{Call, Person};

/// The first line of what a refresh writes; a file without it was written by a person and is left alone.
const MARK: &str = "# Written by `wirewatch packs refresh`";

/// Whether a refresh wrote a file, and may write it anew.
pub fn is_refreshed(text: &str) -> bool {
    text.starts_with(MARK)
}

/// The file, as of a day.
pub fn pack_file(persons: &[Person], date: NaiveDate) -> String {
    let mut text = format!(
        "{MARK}, which writes it anew each time: keep entries of your own in another file.\n\
         # Facts from Wikidata (CC0) on top of the packs that are in effect without this file. An entry with the id of one\n\
         # of theirs stands in its place; delete the file to be rid of all of them.\n\n\
         [pack]\nid = \"leaders\"\nversion = \"{date}\"\ndescription = \"Leaders as Wikidata had them on {date}\"\n\
         extends = true\n"
    );
    for person in persons {
        text.push_str(&format!(
            "\n[[person]]\nid = {}\nname = {}\ncountry = {}\n",
            quoted(&person.id),
            quoted(&person.name),
            quoted(&person.country)
        ));
        if let Some(surname) = &person.surname {
            text.push_str(&format!("surname = {}\n", quoted(surname)));
        }
        match person.call {
            Call::Full => text.push_str("call = \"full\"\n"),
            Call::Alone => text.push_str("call = \"alone\"\n"),
            Call::Near => {}
        }
        for (key, values) in [("also", &person.also), ("surnames", &person.surnames)] {
            if !values.is_empty() {
                text.push_str(&format!("{key} = {}\n", list(values)));
            }
        }
        if !person.names.is_empty() {
            let names = person.names.iter().map(|(lang, names)| format!("{} = {}", key(lang), list(names)));
            text.push_str(&format!("names = {{ {} }}\n", names.collect::<Vec<_>>().join(", ")));
        }
        text.push_str("roles = [\n");
        for role in &person.roles {
            let end = role.to.map(|to| format!(", \"{to}\"")).unwrap_or_default();
            text.push_str(&format!("    [{}, \"{}\"{end}],\n", quoted(&role.title), role.from));
        }
        text.push_str("]\n");
    }
    text
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
}

/// A bare key where TOML allows it.
fn key(lang: &str) -> String {
    let is_bare = !lang.is_empty() && lang.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if is_bare { lang.to_owned() } else { quoted(lang) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        config::Origin,
        watch::pack::{self, Packs, Source},
    };

    #[test]
    fn what_is_written_is_read_back() {
        let mut persons = Packs::built_in().entities.persons.clone();
        persons[0].also.push("quotes \" ' \\ and \u{1} more".to_owned());
        persons[0].names.insert("a b".to_owned(), vec!["x".to_owned()]);
        let text = pack_file(&persons, NaiveDate::from_ymd_opt(2026, 11, 26).unwrap());
        assert!(is_refreshed(&text) && pack::extends(&text));
        let source = Source { name: "leaders".into(), origin: Origin::Named("t".into()), text: text.into() };
        let read = Packs::read(&[source]).unwrap();
        assert_eq!(read.entities.persons, persons);
        assert_eq!(read.versions["leaders"], "2026-11-26");
        assert!(!is_refreshed(&pack::built_in_sources()[1].text));
    }
}

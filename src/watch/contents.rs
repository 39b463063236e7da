//! What a pack file holds, as people and programs are shown it, and how two states of a pack differ.
//!
//! Whatever a section is called, it is a list of entries with an id, and an entry is a list of values by field. So packs
//! can be listed, searched and compared without knowing what a verb or a cue is; only the dates of persons' roles are
//! read, so that `2005` and `2005-12-31` are the same last day.

use std::collections::BTreeMap;

use serde::Serialize;
use toml::{Table, Value};

use super::{
    entity::person::{Person, Role},
    pack::PackHead,
};
use crate::article::fold::fold;

/// Sections whose entry of the same id takes the place of an earlier one. Elsewhere its terms and rules are added.
const REPLACED: [&str; 2] = ["person", "place"];

/// Sections in the order in which people look for them; the toml crate sorts by name.
const FIRST: [&str; 4] = ["person", "place", "topic", "list"];

/// Fields that hold no terms.
const NO_TERMS: [&str; 18] = [
    "id",
    "name",
    "lang",
    "category",
    "needs_context",
    "maker",
    "party",
    "supplier",
    "recipient",
    "frame",
    "status",
    "also_noun",
    "armed",
    "says",
    "after",
    "role",
    "never",
    "exporters",
];

/// One pack file, or several of one name on top of each other.
#[derive(Debug, Clone)]
pub struct Contents {
    /// Of the last file.
    pub head: PackHead,
    /// In the order of the file.
    pub entries: Vec<Entry>,
}

/// Something that a pack declares: a person, a list, all cues of one language that say the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// As in the file: `person`, `list`, `cue`.
    pub section: String,
    /// Its id or name; of sections that have none what tells them apart: `en warned`.
    pub id: String,
    /// For people, where it is not the id.
    pub name: Option<String>,
    /// Values by field: `country`, `names.ru`, `roles`.
    pub fields: BTreeMap<String, Vec<String>>,
    /// As written; of joined sections all together.
    pub table: Table,
}

/// How many things a pack holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Holds {
    /// Leaders.
    pub persons: usize,
    /// Countries, bodies and groups.
    pub places: usize,
    /// Topics that are defined by rules.
    pub topics: usize,
    /// Rules of all of them.
    pub rules: usize,
    /// Lists that queries may name.
    pub lists: usize,
    /// Weapon systems and kinds of weapons.
    pub weapons: usize,
    /// Words and phrases: of lists, weapons, verbs, cues and so on.
    pub terms: usize,
}

/// What is different about one entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What happened to it.
    pub change: ChangeKind,
    /// Of the entry.
    pub section: String,
    /// Of the entry.
    pub id: String,
    /// Of the entry.
    pub name: Option<String>,
    /// Those that differ; of an entry that is new or gone, all.
    pub fields: BTreeMap<String, FieldChange>,
}

/// What happened to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It was not there.
    Added,
    /// It is there no more.
    Removed,
    /// Some of its fields differ.
    Changed,
}

/// What is different about a field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Values that were not there.
    pub added: Vec<String>,
    /// Values that are there no more.
    pub removed: Vec<String>,
}

impl Contents {
    /// Reads a pack file.
    ///
    /// # Errors
    /// It is no TOML, or has no head. What else a pack may not say is not looked at here.
    pub fn read(text: &str) -> Result<Self, toml::de::Error> {
        let mut table: Table = toml::from_str(text)?;
        let missing = || serde::de::Error::custom("missing field `pack`");
        let head = table.remove("pack").ok_or_else(missing)?.try_into()?;
        let mut contents = Self { head, entries: Vec::new() };
        let mut sections: Vec<(String, Value)> = table.into_iter().collect();
        sections.sort_by_key(|(section, _)| FIRST.iter().position(|known| known == section).unwrap_or(FIRST.len()));
        for (section, value) in sections {
            match value {
                Value::Table(lists) if section == "list" => {
                    for (name, terms) in lists {
                        let Value::Table(table) = terms else { continue };
                        contents.join(Entry::new("list", name, table));
                    }
                }
                Value::Array(tables) => {
                    for table in tables {
                        let Value::Table(table) = table else { continue };
                        contents.join(Entry::new(&section, identity(&table), table));
                    }
                }
                Value::Table(table) => contents.join(Entry::new(&section, section.clone(), table)),
                _ => {}
            }
        }
        Ok(contents)
    }

    /// Puts another file on top: what has a known id takes its place or adds to it, as when packs are loaded.
    pub fn overlay(&mut self, more: Self) {
        let mut at: BTreeMap<(String, String), usize> =
            self.entries.iter().enumerate().map(|(i, entry)| (entry.key(), i)).collect();
        for entry in more.entries {
            match at.get(&entry.key()) {
                Some(&i) if entry.replaces() => self.entries[i] = entry,
                Some(&i) => self.entries[i].add(entry),
                None => {
                    at.insert(entry.key(), self.entries.len());
                    self.entries.push(entry);
                }
            }
        }
        self.head = more.head;
    }

    /// How many things it holds.
    pub fn holds(&self) -> Holds {
        let mut holds = Holds::default();
        for entry in &self.entries {
            match entry.section.as_str() {
                "person" => holds.persons += 1,
                "place" => holds.places += 1,
                "topic" => {
                    holds.topics += 1;
                    holds.rules += entry.rules().count();
                }
                "facts" => {}
                section => {
                    holds.lists += usize::from(section == "list");
                    holds.weapons += usize::from(matches!(section, "kind" | "system"));
                    holds.terms += entry.terms().count();
                }
            }
        }
        holds
    }

    /// What is different in `self`, which came later than `before`.
    pub fn changes_since(&self, before: &Self) -> Vec<Change> {
        let mut changes = self.additions_to(&before.entries.iter().collect::<Vec<_>>(), true);
        let now: BTreeMap<_, _> = self.entries.iter().map(|entry| (entry.key(), entry)).collect();
        let gone = before.entries.iter().filter(|entry| !now.contains_key(&entry.key()));
        changes.extend(gone.map(|entry| entry.change(ChangeKind::Removed)));
        changes
    }

    /// What this file adds to or changes in the entries that it stands on. Values of joined sections that are there and
    /// not here are no change, unless `is_whole` says that nothing but this file is left.
    pub fn additions_to(&self, before: &[&Entry], is_whole: bool) -> Vec<Change> {
        let before: BTreeMap<_, _> = before.iter().map(|entry| (entry.key(), *entry)).collect();
        let mut changes = Vec::new();
        for entry in &self.entries {
            let Some(old) = before.get(&entry.key()) else {
                changes.push(entry.change(ChangeKind::Added));
                continue;
            };
            let fields = field_changes(&old.fields, &entry.fields, is_whole || entry.replaces());
            if !fields.is_empty() {
                changes.push(Change { fields, ..entry.change(ChangeKind::Changed) });
            }
        }
        changes
    }

    fn join(&mut self, entry: Entry) {
        let is_same = |known: &&mut Entry| known.section == entry.section && known.id == entry.id;
        match self.entries.iter_mut().find(is_same) {
            Some(known) if !entry.replaces() => known.add(entry),
            _ => self.entries.push(entry),
        }
    }
}

impl Entry {
    fn new(section: &str, id: String, table: Table) -> Self {
        let mut fields = fields(&table);
        if let Some(person) = (section == "person").then(|| table.clone().try_into::<Person>().ok()).flatten() {
            fields.insert("roles".to_owned(), person.roles.iter().map(role).collect());
        }
        let name = table.get("name").and_then(Value::as_str).filter(|name| *name != id).map(str::to_owned);
        Self { section: section.to_owned(), id, name, fields, table }
    }

    /// What tells it from all others.
    pub fn key(&self) -> (String, String) {
        (self.section.clone(), self.id.clone())
    }

    /// What people call it.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// Words and phrases in it, each with its field.
    pub fn terms(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_list = self.section == "list";
        let fields = self.fields.iter().filter(move |(field, _)| is_list || !NO_TERMS.contains(&field.as_str()));
        fields.flat_map(|(field, values)| values.iter().map(move |value| (field.as_str(), value.as_str())))
    }

    /// Rules of a topic: name, query, confidence.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &str, f64)> {
        let rules = self.table.get("rule").and_then(Value::as_array).into_iter().flatten();
        rules.filter_map(|rule| {
            let text = |key| rule.get(key).and_then(Value::as_str);
            Some((text("name")?, text("when")?, rule.get("confidence").and_then(number)?))
        })
    }

    /// Whether its id, its name or one of its names and terms holds all words, each given folded.
    pub fn has_words(&self, words: &[String]) -> bool {
        let fields = self.fields.iter().filter(|(field, _)| {
            let field = field.split('.').next().unwrap_or_default();
            !matches!(field, "roles" | "country" | "call" | "kind" | "category" | "maker" | "rule" | "near")
        });
        let values = fields.flat_map(|(_, values)| values);
        let texts = std::iter::once(&self.id).chain(&self.name).chain(values);
        texts.map(|text| fold(text)).any(|text| words.iter().all(|word| text.contains(word.as_str())))
    }

    fn replaces(&self) -> bool {
        REPLACED.contains(&self.section.as_str())
    }

    fn add(&mut self, more: Self) {
        join(&mut self.table, more.table);
        self.fields = fields(&self.table);
    }

    fn change(&self, change: ChangeKind) -> Change {
        let field = |values: &Vec<String>| match change {
            ChangeKind::Removed => FieldChange { added: Vec::new(), removed: values.clone() },
            ChangeKind::Added | ChangeKind::Changed => FieldChange { added: values.clone(), removed: Vec::new() },
        };
        Change {
            change,
            section: self.section.clone(),
            id: self.id.clone(),
            name: self.name.clone(),
            fields: self.fields.iter().map(|(name, values)| (name.clone(), field(values))).collect(),
        }
    }
}

type Fields = BTreeMap<String, Vec<String>>;

fn field_changes(old: &Fields, new: &Fields, with_removed: bool) -> BTreeMap<String, FieldChange> {
    let none = Vec::new();
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    let mut changes = BTreeMap::new();
    for name in names {
        let (old, new) = (old.get(name).unwrap_or(&none), new.get(name).unwrap_or(&none));
        let lacking = |from: &[String], of: &[String]| -> Vec<String> {
            let known: std::collections::BTreeSet<&String> = of.iter().collect();
            from.iter().filter(|value| !known.contains(value)).cloned().collect()
        };
        let removed = if with_removed { lacking(old, new) } else { Vec::new() };
        let change = FieldChange { added: lacking(new, old), removed };
        if change != FieldChange::default() {
            changes.insert(name.clone(), change);
        }
    }
    changes
}

/// `President of Russia, 2000-05-07 to 2008-05-07`
fn role(role: &Role) -> String {
    match role.to {
        Some(to) => format!("{}, {} to {to}", role.title, role.from),
        None => format!("{}, since {}", role.title, role.from),
    }
}

/// What tells a section from others of its kind: its id or name, else all that it says in single words.
fn identity(table: &Table) -> String {
    let own = ["id", "name", "party"].into_iter().find_map(|key| table.get(key)?.as_str());
    if let Some(own) = own {
        return own.to_owned();
    }
    let lang = table.get("lang").and_then(Value::as_str).map(str::to_owned);
    let others = table.iter().filter_map(|(key, value)| match value {
        Value::String(text) if key != "lang" => Some(text.clone()),
        Value::Boolean(true) => Some(key.replace('_', "-")),
        Value::Integer(number) => Some(number.to_string()),
        _ => None,
    });
    let words: Vec<String> = lang.into_iter().chain(others).collect();
    if words.is_empty() {
        let first = table.values().find_map(|value| value.as_array()?.first()?.as_str());
        return first.unwrap_or_default().to_owned();
    }
    words.join(" ")
}

/// Adds what a table has to one of the same entry: values to lists, keys that are not there.
fn join(table: &mut Table, more: Table) {
    for (key, value) in more {
        match (table.get_mut(&key), value) {
            (Some(Value::Array(known)), Value::Array(values)) => {
                let new: Vec<Value> = values.into_iter().filter(|value| !known.contains(value)).collect();
                known.extend(new);
            }
            (Some(Value::Table(known)), Value::Table(more)) => join(known, more),
            (Some(_), _) => {}
            (None, value) => drop(table.insert(key, value)),
        }
    }
}

fn fields(table: &Table) -> Fields {
    let mut fields = Fields::new();
    for (field, value) in table {
        flatten(field, value, &mut fields);
    }
    fields
}

fn flatten(field: &str, value: &Value, into: &mut Fields) {
    match value {
        Value::Table(table) => table.iter().for_each(|(key, value)| flatten(&format!("{field}.{key}"), value, into)),
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::Table(table) => {
                        let id = identity(table);
                        let rest: Vec<String> = table.values().map(text).filter(|value| *value != id).collect();
                        into.entry(format!("{field}.{id}")).or_default().push(rest.join(", "));
                    }
                    item => into.entry(field.to_owned()).or_default().push(text(item)),
                }
            }
        }
        value => into.entry(field.to_owned()).or_default().push(text(value)),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|number| number as f64))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::watch::pack::built_in_sources;

    fn contents(body: &str) -> Contents {
        Contents::read(&format!("[pack]\nid = \"own\"\nversion = \"1\"\ndescription = \"own\"\n{body}")).unwrap()
    }

    const ANA: &str = "[[person]]\nid = \"Q1\"\nname = \"Ana Example\"\ncountry = \"XX\"\nnames = { ru = [\"Ана\"] }\n";

    #[test]
    fn every_built_in_pack_is_read() {
        let mut all = Holds::default();
        for source in built_in_sources() {
            let contents = Contents::read(&source.text).unwrap();
            assert_eq!(contents.head.id, source.name);
            let holds = contents.holds();
            all.persons += holds.persons;
            all.places += holds.places;
            all.rules += holds.rules;
            all.lists += holds.lists;
            all.weapons += holds.weapons;
            assert!(contents.entries.iter().all(|entry| !entry.id.is_empty()), "{}", source.name);
        }
        assert!(all.persons > 400 && all.places > 200 && all.weapons > 200, "{all:?}");
        assert!(all.rules > 3 && all.lists > 3, "{all:?}");
    }

    #[test]
    fn same_role_written_otherwise_is_no_change() {
        let roles = |roles: &str| contents(&format!("{ANA}roles = [[\"Prime Minister\", {roles}]]\n"));
        let before = roles("\"2001-05\", \"2005\"");
        assert_eq!(roles("\"2001-05-01\", \"2005-12-31\"").changes_since(&before), []);
        let changes = roles("\"2001-05-01\"").changes_since(&before);
        assert_eq!(changes[0].change, ChangeKind::Changed);
        let expected = FieldChange {
            added: vec!["Prime Minister, since 2001-05-01".into()],
            removed: vec!["Prime Minister, 2001-05-01 to 2005-12-31".into()],
        };
        assert_eq!(changes[0].fields, BTreeMap::from([("roles".to_owned(), expected)]));
    }

    #[test]
    fn sections_without_ids_are_joined_and_persons_replaced() {
        let mut pack = contents(&format!(
            "[[cue]]\nlang = \"en\"\nsays = \"warned\"\nterms = [\"warn\"]\n{ANA}roles = []\n[facts]\nnumber_max = 3\n"
        ));
        let more = "[[cue]]\nlang = \"en\"\nsays = \"warned\"\nterms = [\"caution\", \"warn\"]\n\
                    [[person]]\nid = \"Q1\"\nname = \"Ana Sample\"\ncountry = \"XX\"\nroles = []\n";
        let changes = contents(more).additions_to(&pack.entries.iter().collect::<Vec<_>>(), false);
        let told: Vec<_> = changes.iter().map(|change| (change.id.as_str(), change.fields.len())).collect();
        assert_eq!(told, [("Q1", 2), ("en warned", 1)]);
        assert_eq!(changes[1].fields["terms"], FieldChange { added: vec!["caution".into()], removed: Vec::new() });
        pack.overlay(contents(more));
        let terms: Vec<_> = pack.entries.iter().filter(|entry| entry.section == "cue").flat_map(Entry::terms).collect();
        assert_eq!(terms, [("terms", "warn"), ("terms", "caution")]);
        let cue = pack.entries.iter().find(|entry| entry.section == "cue").unwrap();
        assert_eq!(cue.table["terms"].as_array().unwrap().len(), 2);
        let person = pack.entries.iter().find(|entry| entry.section == "person").unwrap();
        assert_eq!((person.title(), person.fields.contains_key("names.ru")), ("Ana Sample", false));
    }

    #[test]
    fn entry_is_found_by_names_and_not_by_roles() {
        let pack = contents(&format!("{ANA}roles = [[\"President of Utopia\", \"2001\"]]\n"));
        let holds =
            |words: &[&str]| pack.entries[0].has_words(&words.iter().map(|word| fold(word)).collect::<Vec<_>>());
        assert!(holds(&["q1"]) && holds(&["EXAMPLE", "ana"]) && holds(&["ана"]));
        assert!(!holds(&["utopia"]) && !holds(&["ana", "ана"]));
    }

    #[test]
    fn rules_of_a_topic_are_told() {
        let pack = contents(
            "[[topic]]\nid = \"coups\"\nname = \"Coups\"\n[[topic.rule]]\nname = \"told\"\nwhen = 'coup'\n\
             confidence = 0.5\n[list.word]\nen = [\"coup\", \"putsch\"]\n",
        );
        let topic = pack.entries.iter().find(|entry| entry.section == "topic").unwrap();
        assert_eq!(topic.rules().collect::<Vec<_>>(), [("told", "coup", 0.5)]);
        let more = contents(
            "[[topic]]\nid = \"coups\"\nname = \"Coups\"\n[[topic.rule]]\nname = \"more\"\nwhen = 'junta'\n\
             confidence = 1\n[list.word]\nen = [\"junta\"]\n",
        );
        let mut both = pack.clone();
        both.overlay(more);
        let expected = Holds { topics: 1, rules: 2, lists: 1, terms: 3, ..Holds::default() };
        assert_eq!(both.holds(), expected);
        let expected = Holds { topics: 1, rules: 1, lists: 1, terms: 2, ..Holds::default() };
        assert_eq!(pack.holds(), expected);
    }
}

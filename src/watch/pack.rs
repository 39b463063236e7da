//! Packs: TOML files that say what the world's leaders, countries and weapons are called.
//!
//! Each is built in; a file of the same name in the user's folder stands in its place, or beside it where its head
//! says `extends = true`: then what has a known id replaces the built-in entry and all else is added.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, LazyLock},
};

use serde::Deserialize;

use super::{
    defined::{Defined, DefinedTopics, ListSections, TopicSection},
    entity::{Entities, person::Person, place::Place},
    topic::{
        Rules,
        reading::{RulesBuilder, TopicPack},
    },
};
use crate::config::problem::{Origin, Place as Position, Problem};

/// A user's pack file is refused beyond this: a wrong path must not fill the memory.
pub const PACK_BYTES_MAX: u64 = 16 << 20;

/// The packs that are part of the program, by file name.
const BUILT_IN: [(&str, &str); 6] = [
    ("countries", include_str!("../../config/packs/countries.toml")),
    ("leaders", include_str!("../../config/packs/leaders.toml")),
    ("weapons", include_str!("../../config/packs/weapons.toml")),
    ("arms-deals", include_str!("../../config/packs/arms-deals.toml")),
    ("unsc-resolutions", include_str!("../../config/packs/unsc-resolutions.toml")),
    ("sanctions", include_str!("../../config/packs/sanctions.toml")),
];

/// Packs with sections of their own, which detectors read, in the order in which they are read.
const TOPIC_PACKS: [(&str, TopicPack); 3] = [
    ("weapons", TopicPack::Weapons),
    ("arms-deals", TopicPack::ArmsDeals),
    ("unsc-resolutions", TopicPack::Resolutions),
];

static PACKS: LazyLock<Packs> = LazyLock::new(|| {
    let sources = BUILT_IN.map(|(name, text)| Source::built_in(name, text));
    // A test of the pack files keeps mistakes from leaving the house.
    Packs::read(&sources).unwrap_or_default()
});

/// Everything that the packs declare.
#[derive(Debug, Default)]
pub struct Packs {
    /// Places and persons, with all their names.
    pub entities: Entities,
    /// What the topics' detectors look for.
    pub rules: Rules,
    /// Topics that packs define by queries.
    pub defined: DefinedTopics,
    /// Version of each pack by its id.
    pub versions: BTreeMap<String, String>,
    /// What is odd about a user's packs, though they can be read.
    pub warnings: Vec<Problem>,
}

/// What stands at the top of each pack file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackHead {
    /// As `packs` of an alert names it.
    #[serde(deserialize_with = "pack_id")]
    pub id: String,
    /// Of the pack, not of the program.
    pub version: String,
    /// For people.
    pub description: String,
    /// Adds to the built-in pack of the same file name instead of standing in its place.
    #[serde(default)]
    pub extends: bool,
}

/// Small letters, digits and hyphens: what a query can name behind `@`.
fn pack_id<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !id.is_empty() && id.chars().all(is_plain) {
        return Ok(id);
    }
    let message = format!("`{id}` is no id of a pack: use small letters, digits and hyphens, as in its file's name");
    Err(serde::de::Error::custom(message))
}

/// A pack file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    pack: PackHead,
    #[serde(default)]
    not: NotNames,
    #[serde(default)]
    place: Vec<Place>,
    #[serde(default)]
    person: Vec<Person>,
    #[serde(default)]
    topic: Vec<TopicSection>,
    #[serde(default)]
    list: ListSections,
}

/// Words that hold a name and do not mean it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NotNames {
    #[serde(default)]
    places: Vec<String>,
}

/// A pack file: one of the program's, or one of the user's folder.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file's name without its ending: what it stands in the place of, or beside.
    pub name: String,
    /// A file of the user; a name where it is built in.
    pub origin: Origin,
    /// As written.
    pub text: Arc<str>,
}

impl Source {
    fn built_in(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), origin: Origin::Named(name.to_owned()), text: text.into() }
    }

    /// The user's file; `None` where it is part of the program.
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File(path) => Some(path),
            Origin::Named(_) => None,
        }
    }
}

/// The packs that are part of the program, whether or not a user's file stands in their place.
pub fn built_in_sources() -> Vec<Source> {
    BUILT_IN.map(|(name, text)| Source::built_in(name, text)).to_vec()
}

/// Whether a pack of the program has that name.
pub fn is_built_in(name: &str) -> bool {
    BUILT_IN.iter().any(|(built_in, _)| *built_in == name)
}

/// The pack files in effect: the built-in ones that none of the folder's replaces, then the folder's by name.
///
/// # Errors
/// The folder, or a file in it, can't be read. What the files say is not looked at, but for `extends`.
pub fn sources(folder: Option<&Path>) -> Result<Vec<Source>, Vec<Problem>> {
    let own = folder.map(read_folder).transpose()?.unwrap_or_default();
    let mut sources = built_in_sources();
    sources.retain(|built_in| !own.iter().any(|file| file.name == built_in.name && !extends(&file.text)));
    sources.extend(own);
    Ok(sources)
}

/// The topic that code finds by the words of a pack of this name.
pub fn detector(name: &str) -> Option<&'static str> {
    let (_, pack) = TOPIC_PACKS.iter().find(|(of, _)| *of == name)?;
    Some(match pack {
        TopicPack::Weapons | TopicPack::ArmsDeals => "arms-deal",
        TopicPack::Resolutions => "unsc-resolution",
    })
}

impl Packs {
    /// Those that are part of the program; read at first use.
    pub fn built_in() -> &'static Self {
        &PACKS
    }

    /// English name of a built-in country, group or body, by its id.
    pub fn english_name(id: &str) -> Option<&'static str> {
        Self::built_in().entities.place(id).map(|place| place.name.as_str())
    }

    /// The built-in packs with those of a folder in their place or beside them.
    ///
    /// # Errors
    /// Every mistake in them, with its place.
    pub fn with_folder(folder: &Path) -> Result<Self, Vec<Problem>> {
        let sources = sources(Some(folder))?;
        let mut packs = Self::read(&sources)?;
        let replacing =
            sources.iter().filter(|file| file.path().is_some() && is_built_in(&file.name) && !extends(&file.text));
        packs.warnings.extend(replacing.map(|file| {
            let message = format!("this file stands in the place of the whole built-in pack `{}`", file.name);
            let place =
                Position { origin: file.origin.clone(), source: Arc::clone(&file.text), span: 0..0, first_line: 1 };
            Problem::warning(message).at(place).help("say `extends = true` in its head to add to that pack instead")
        }));
        Ok(packs)
    }

    /// What pack files say together, the later ones in the place of the earlier or beside them.
    ///
    /// # Errors
    /// Every mistake in them, with its place.
    pub fn read(files: &[Source]) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut packs = Self::default();
        let mut rules = RulesBuilder::default();
        for (name, pack) in TOPIC_PACKS {
            for file in files.iter().filter(|file| file.name == name) {
                match rules.add(pack, &file.text) {
                    // The first is the built-in one, where the second extends it.
                    Ok((id, version)) => drop(packs.versions.insert(id, version)),
                    Err(error) => problems.push(problem(file, &error)),
                }
            }
        }
        packs.rules = rules.build();
        let (mut places, mut persons, mut not_places) = (Vec::new(), Vec::new(), Vec::new());
        let mut heads = Vec::new();
        for file in files.iter().filter(|file| TOPIC_PACKS.iter().all(|(name, _)| file.name != *name)) {
            match toml::from_str::<PackFile>(&file.text) {
                Ok(read) => {
                    merge(&mut places, read.place, |place| place.id.0.to_string());
                    merge(&mut persons, read.person, |person| person.id.clone());
                    not_places.extend(read.not.places);
                    heads.push((file, read.pack, read.topic, read.list));
                }
                Err(error) => problems.push(problem(file, &error)),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        packs.entities = Entities::new(places, persons, &not_places);
        // A country that the user's own `countries` leaves out is still a country.
        let is_built_in = |id: &str| BUILT_IN[0].1.contains(&format!("\nid = \"{id}\"\n"));
        let is_unknown = |id: &&str| packs.entities.place(id).is_none() && !is_built_in(id);
        let unknown = packs.rules.parties().find(is_unknown).map(str::to_owned);
        if let Some(id) = unknown {
            let message =
                format!("the packs name `{id}` as a side of deals, and no pack knows such a country, body or group");
            return Err(vec![
                Problem::error(message).help("countries are two capitals (`TR`), groups as in `countries.toml`"),
            ]);
        }
        packs.versions.extend(heads.iter().map(|(_, head, ..)| (head.id.clone(), head.version.clone())));
        let defined: Vec<Defined<'_>> = heads
            .into_iter()
            .map(|(file, head, topics, lists)| Defined {
                pack: head.id,
                origin: &file.origin,
                source: &file.text,
                topics,
                lists,
            })
            .collect();
        packs.defined = DefinedTopics::compile(&defined, &packs.entities, &mut packs.rules.lists)?;
        Ok(packs)
    }
}

/// Later entries take the place of earlier ones with the same id.
fn merge<T>(entries: &mut Vec<T>, more: Vec<T>, id: impl Fn(&T) -> String) {
    if entries.is_empty() {
        entries.extend(more);
        return;
    }
    let at: BTreeMap<String, usize> = entries.iter().enumerate().map(|(i, entry)| (id(entry), i)).collect();
    for entry in more {
        match at.get(&id(&entry)) {
            Some(&i) => entries[i] = entry,
            None => entries.push(entry),
        }
    }
}

/// Whether a file says that it adds to the built-in pack of its name.
pub fn extends(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Head {
        pack: PackHead,
    }
    toml::from_str::<Head>(text).is_ok_and(|head| head.pack.extends)
}

fn problem(file: &Source, error: &toml::de::Error) -> Problem {
    let message = error.message().trim_end_matches('.').to_owned();
    let problem = Problem::error(format!("pack `{}`: {message}", file.name));
    let span = error.span().unwrap_or(0..0);
    problem.at(Position { origin: file.origin.clone(), source: Arc::clone(&file.text), span, first_line: 1 })
}

fn read_folder(folder: &Path) -> Result<Vec<Source>, Vec<Problem>> {
    let unreadable = |path: &Path, why: &dyn std::fmt::Display| {
        vec![Problem::error(format!("cannot read the pack folder or file {}: {why}", path.display()))]
    };
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let bytes = path.metadata().map_err(|error| unreadable(&path, &error))?.len();
        if bytes > PACK_BYTES_MAX {
            return Err(unreadable(&path, &format!("it is larger than {PACK_BYTES_MAX} bytes")));
        }
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        files.push(Source { name, origin: Origin::File(path), text: text.into() });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn folder(name: &str, text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
        folder
    }

    const HEAD: &str = "[pack]\nid = \"countries\"\nversion = \"9\"\ndescription = \"own\"\n";
    const PLACE: &str = "[[place]]\nid = \"RU\"\nname = \"Russia\"\nnames = [\"Rossiya\"]\n";

    #[test]
    fn file_of_the_same_name_stands_in_the_place_of_the_built_in_one() {
        let folder = folder("countries.toml", &format!("{HEAD}{PLACE}"));
        let packs = Packs::with_folder(folder.path()).unwrap();
        assert_eq!(packs.entities.places.len(), 1);
        assert_eq!(packs.versions["countries"], "9");
        assert_eq!(packs.entities.persons.len(), Packs::built_in().entities.persons.len());
    }

    #[test]
    fn file_that_extends_replaces_entries_with_the_same_id() {
        let folder = folder("countries.toml", &format!("{HEAD}extends = true\n{PLACE}"));
        let packs = Packs::with_folder(folder.path()).unwrap();
        assert_eq!(packs.entities.places.len(), Packs::built_in().entities.places.len());
        assert_eq!(packs.entities.place("RU").unwrap().names, ["Rossiya"]);
    }

    #[test]
    fn mistake_is_told_with_its_place() {
        let folder =
            folder("countries.toml", &format!("{HEAD}[[place]]\nid = \"Russia\"\nname = \"Russia\"\nnames = []\n"));
        let problems = Packs::with_folder(folder.path()).unwrap_err();
        let place = problems[0].place.as_ref().unwrap();
        assert!(problems[0].message.contains("neither a country's code"), "{}", problems[0].message);
        assert_eq!(place.line(), "id = \"Russia\"");
    }
}

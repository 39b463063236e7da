//! `packs list`, `show`, `diff`: what the built-in packs and those of the user's folder hold, and how they differ.

mod draw;
mod refresh;
mod show;

use std::path::Path;

use serde_json::{Value, json};

pub use refresh::refresh;
pub use show::show;

use super::{Context, Exit, args::PacksDiffArguments, output, setup};
use crate::{
    alert::text::safe,
    config::{Problem, Settings, suggest},
    watch::{
        contents::{Change, ChangeKind, Contents, Entry, Holds},
        pack::{self, Packs, Source},
    },
};

/// A pack file in effect, and what it holds.
struct Read {
    source: Source,
    contents: Contents,
}

/// Where a pack file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// Part of the program.
    BuiltIn,
    /// Of the user, instead of the built-in one.
    InPlace,
    /// Of the user, on top of the built-in one.
    Beside,
    /// Of the user, and there is no built-in one of that name.
    Own,
}

impl Stands {
    fn of(source: &Source) -> Self {
        match source.path() {
            None => Self::BuiltIn,
            Some(_) if !pack::is_built_in(&source.name) => Self::Own,
            Some(_) if pack::extends(&source.text) => Self::Beside,
            Some(_) => Self::InPlace,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::InPlace => "in place",
            Self::Beside => "beside",
            Self::Own => "own",
        }
    }
}

/// `packs list`
pub fn list(context: &Context) -> Exit {
    let settings = match settings(context) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let packs = match checked(context, settings.pack_folder.as_deref()) {
        Ok(packs) => packs,
        Err(exit) => return exit,
    };
    let text = if context.output.json {
        packs.iter().map(|read| format!("{}\n", line(read))).collect()
    } else {
        let rows: Vec<[String; 4]> = packs.iter().map(row).collect();
        table(["PACK", "VERSION", "FROM", "HOLDS"], &rows)
    };
    super::printed(&text)
}

/// `packs diff`
pub fn diff(context: &Context, arguments: &PacksDiffArguments) -> Exit {
    let settings = match settings(context) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let Some(folder) = settings.pack_folder.as_deref() else {
        eprintln!("there is no folder of your own packs: `[packs] path` in the config names one");
        return no_difference(context);
    };
    let packs = match checked(context, Some(folder)) {
        Ok(packs) => packs,
        Err(exit) => return exit,
    };
    let wanted = match &arguments.id {
        Some(id) => match named(&packs, id) {
            Ok(wanted) => wanted,
            Err(exit) => return exit,
        },
        None => packs.iter().collect(),
    };
    let built_in: Vec<Read> = pack::built_in_sources().into_iter().filter_map(read).collect();
    let mut text = String::new();
    for own in wanted.into_iter().filter(|read| read.source.path().is_some()) {
        let changes = changes(own, &built_in);
        if changes.is_empty() {
            continue;
        }
        if context.output.json {
            let pack = &own.contents.head.id;
            for change in &changes {
                text.push_str(&format!("{}\n", draw::change_line(change, pack, own.source.path())));
            }
        } else {
            text.push_str(&format!("{}  {}\n", safe(&own.contents.head.id), from(&own.source)));
            text.push_str(&draw::changes(&changes));
        }
    }
    match text.is_empty() {
        true => no_difference(context),
        false => super::printed(&text),
    }
}

/// What a file of the user's changes. Persons and places are told apart by id in all packs together, the rest in packs
/// of one name.
fn changes(own: &Read, built_in: &[Read]) -> Vec<Change> {
    let stands = Stands::of(&own.source);
    let is_shared = |entry: &&Entry| matches!(entry.section.as_str(), "person" | "place");
    let (same, others): (Vec<&Read>, Vec<&Read>) =
        built_in.iter().partition(|read| read.source.name == own.source.name);
    let mut below: Vec<&Entry> = others.iter().flat_map(|read| &read.contents.entries).filter(is_shared).collect();
    below.extend(same.iter().flat_map(|read| &read.contents.entries));
    let mut changes = own.contents.additions_to(&below, stands == Stands::InPlace);
    if let (Stands::InPlace, Some(replaced)) = (stands, same.first()) {
        let gone = own.contents.changes_since(&replaced.contents).into_iter();
        changes.extend(gone.filter(|change| change.change == ChangeKind::Removed));
    }
    changes
}

fn no_difference(context: &Context) -> Exit {
    if context.output.json {
        eprintln!("no difference");
        return Exit::Done;
    }
    super::printed("no difference\n")
}

/// The config's settings, or those of none: the built-in packs are there in any case.
fn settings(context: &Context) -> Result<Settings, Exit> {
    // Warnings are for `check` and `run`: here they would stand before each answer.
    setup::settings_or_default(context).map(|(settings, _)| settings)
}

/// The pack files in effect, once all of them can be loaded.
fn checked(context: &Context, folder: Option<&Path>) -> Result<Vec<Read>, Exit> {
    let refused = |problems: Vec<Problem>| {
        setup::show(context, &problems);
        Exit::Usage
    };
    let sources = pack::sources(folder).map_err(refused)?;
    if folder.is_some() {
        Packs::read(&sources).map_err(refused)?;
    }
    Ok(sources.into_iter().filter_map(read).collect())
}

/// What a file holds; nothing where it cannot be read, which loading it tells better.
fn read(source: Source) -> Option<Read> {
    let contents = Contents::read(&source.text).ok()?;
    Some(Read { source, contents })
}

/// The files of a pack, by file name or else by id.
fn named<'a>(packs: &'a [Read], id: &str) -> Result<Vec<&'a Read>, Exit> {
    let by_name: Vec<&Read> = packs.iter().filter(|read| read.source.name == id).collect();
    if !by_name.is_empty() {
        return Ok(by_name);
    }
    let by_id: Vec<&Read> = packs.iter().filter(|read| read.contents.head.id == id).collect();
    if !by_id.is_empty() {
        return Ok(by_id);
    }
    let known = packs.iter().map(|read| read.source.name.as_str());
    let help = suggest::did_you_mean(id, known).map(|help| format!(": {help}")).unwrap_or_default();
    eprintln!("error: there is no pack `{}`{}", safe(id), safe(&help));
    Err(Exit::Usage)
}

/// One pack file for programs.
fn line(read: &Read) -> Value {
    let Contents { head, entries } = &read.contents;
    let mut topics: Vec<Value> = entries
        .iter()
        .filter(|entry| entry.section == "topic")
        .map(|entry| json!({"id": entry.id, "name": entry.title(), "rules": entry.rules().count()}))
        .collect();
    // Found by code, which reads its words here.
    topics.extend(pack::detector(&read.source.name).map(|id| json!({"id": id, "name": null, "rules": null})));
    let lists: Vec<&str> = entries.iter().filter(|entry| entry.section == "list").map(|e| e.id.as_str()).collect();
    let Holds { persons, places, rules, weapons, terms, .. } = read.contents.holds();
    json!({
        "id": head.id,
        "version": head.version,
        "description": head.description,
        "name": read.source.name,
        "stands": Stands::of(&read.source).as_str(),
        "file": read.source.path().map(|path| path.display().to_string()),
        "persons": persons,
        "places": places,
        "topics": topics,
        "rules": rules,
        "lists": lists,
        "weapons": weapons,
        "terms": terms,
    })
}

fn row(read: &Read) -> [String; 4] {
    let head = &read.contents.head;
    let holds = format!("{}\n{}", holds(read.contents.holds()), head.description);
    [safe(&head.id), safe(&head.version), from(&read.source), safe_lines(&holds)]
}

fn safe_lines(text: &str) -> String {
    text.split('\n').map(safe).collect::<Vec<_>>().join("\n")
}

/// `built-in`, `packs/leaders.toml, beside the built-in one`
fn from(source: &Source) -> String {
    let Some(path) = source.path() else { return "built-in".to_owned() };
    let path = std::env::current_dir().ok().and_then(|folder| path.strip_prefix(folder).ok()).unwrap_or(path);
    let path = safe(&path.display().to_string());
    match Stands::of(source) {
        Stands::InPlace => format!("{path}, in place of the built-in one"),
        Stands::Beside => format!("{path}, beside the built-in one"),
        Stands::Own | Stands::BuiltIn => path,
    }
}

/// `551 persons`, `1 topic with 5 rules, 5 lists, 412 terms`
fn holds(holds: Holds) -> String {
    let Holds { persons, places, topics, rules, lists, weapons, terms } = holds;
    let rules = format!("{} with {}", setup::plural(topics, "topic"), setup::plural(rules, "rule"));
    let counts = [
        (persons, setup::plural(persons, "person")),
        (places, setup::plural(places, "place")),
        (topics, rules),
        (lists, setup::plural(lists, "list")),
        (weapons, setup::plural(weapons, "weapon")),
        (terms, setup::plural(terms, "term")),
    ];
    let some: Vec<String> = counts.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text).collect();
    if some.is_empty() { "nothing".to_owned() } else { some.join(", ") }
}

/// Columns as wide as their widest value; what has several lines in the last stands below its first.
fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let head = head.map(str::to_owned);
    let width = |column: usize| {
        let values = std::iter::once(&head).chain(rows).map(|row| row[column].chars().count());
        values.max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in std::iter::once(&head).chain(rows) {
        let mut before = String::new();
        for (value, width) in row.iter().zip(widths).take(N - 1) {
            before.push_str(&format!("{value:<width$}  "));
        }
        let indent = " ".repeat(before.chars().count());
        for (i, line) in row[N - 1].lines().enumerate() {
            text.push_str(&format!("{}{line}\n", if i == 0 { &before } else { &indent }));
        }
    }
    text
}

/// Prints what was found, and says on stderr where it was nothing.
fn print_or_say(text: &str, nothing: &str) -> Exit {
    if text.is_empty() {
        eprintln!("{nothing}");
        return Exit::Done;
    }
    match output::print(text) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_has_straight_columns() {
        let rows =
            [["a".to_owned(), "bb".to_owned(), "c\nd".to_owned()], ["äöü".to_owned(), "b".to_owned(), "c".to_owned()]];
        assert_eq!(table(["X", "Y", "Z"], &rows), "X    Y   Z\na    bb  c\n         d\näöü  b   c\n");
    }

    #[test]
    fn what_a_pack_does_not_hold_is_not_counted() {
        let some = Holds { topics: 1, rules: 2, lists: 1, terms: 30, ..Holds::default() };
        assert_eq!(holds(some), "1 topic with 2 rules, 1 list, 30 terms");
        assert_eq!(holds(Holds::default()), "nothing");
    }
}

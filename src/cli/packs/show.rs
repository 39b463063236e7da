//! `packs show`: one pack, whole or what holds a word.

use serde_json::{Map, Value, json};

use super::{Context, Exit, Read, checked, draw::listed, from, holds, line, named, print_or_say, settings};
use crate::{
    alert::text::safe,
    article::fold::fold,
    cli::{args::PacksShowArguments, output},
    config::Origin,
    watch::{
        contents::{Contents, Entry},
        entity::person::Person,
        pack::{self, Source},
    },
};

/// Terms of a list that are shown; all of them where a word is asked for.
const TERMS_SHOWN: usize = 4;

/// `packs show`
pub fn show(context: &Context, arguments: &PacksShowArguments) -> Exit {
    let settings = match settings(context) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let folder = settings.pack_folder.as_deref();
    if arguments.toml {
        return toml(context, folder, &arguments.id);
    }
    let packs = match checked(context, folder) {
        Ok(packs) => packs,
        Err(exit) => return exit,
    };
    let files = match named(&packs, &arguments.id) {
        Ok(files) => files,
        Err(exit) => return exit,
    };
    let Some(contents) = together(&files) else { return Exit::Failed };
    let words: Vec<String> = arguments.words.iter().map(|word| fold(word)).collect();
    let entries: Vec<&Entry> = contents.entries.iter().filter(|entry| entry.has_words(&words)).collect();
    let is_search = !words.is_empty();
    let mut text = String::new();
    if context.output.json {
        if !is_search {
            files.iter().for_each(|read| text.push_str(&format!("{}\n", json!({"pack": line(read)}))));
        }
        entries.iter().for_each(|entry| text.push_str(&format!("{}\n", entry_line(entry))));
    } else if is_search {
        entries.iter().for_each(|entry| text.push_str(&whole(entry)));
    } else {
        text.push_str(&head(&files, &contents));
        entries.iter().for_each(|entry| text.push_str(&brief(entry)));
    }
    print_or_say(&text, &format!("nothing in `{}` holds {}", safe(&arguments.id), safe(&arguments.words.join(" "))))
}

/// The text of a pack's file: the user's where it stands in place of the built-in one. Other files of the folder are not
/// looked at; the shell may just have made the one that this is written to, and it is empty.
fn toml(context: &Context, folder: Option<&std::path::Path>, id: &str) -> Exit {
    let sources = match pack::sources(folder) {
        Ok(sources) => sources,
        Err(problems) => {
            crate::cli::setup::show(context, &problems);
            return Exit::Usage;
        }
    };
    let is_empty = |source: &Source| source.text.trim().is_empty();
    let mut packs: Vec<Read> = sources.into_iter().filter(|source| !is_empty(source)).filter_map(super::read).collect();
    let shadowed = pack::built_in_sources().into_iter().filter_map(super::read);
    let lacking: Vec<Read> =
        shadowed.filter(|built_in| packs.iter().all(|read| read.source.name != built_in.source.name)).collect();
    packs.extend(lacking);
    let files = match named(&packs, id) {
        Ok(files) => files,
        Err(exit) => return exit,
    };
    for beside in files.iter().skip(1) {
        if let Origin::File(path) = &beside.source.origin {
            eprintln!("note: {} stands beside it and is not shown", path.display());
        }
    }
    let Some(first) = files.first() else { return Exit::Failed };
    match output::print(&first.source.text) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Failed,
    }
}

/// What the files of one pack hold together.
fn together(files: &[&Read]) -> Option<Contents> {
    let mut contents: Option<Contents> = None;
    for read in files {
        match &mut contents {
            Some(contents) => contents.overlay(read.contents.clone()),
            None => contents = Some(read.contents.clone()),
        }
    }
    contents
}

fn entry_line(entry: &Entry) -> Value {
    let mut fields: Map<String, Value> = match serde_json::to_value(&entry.table) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    if let Ok(person) = entry.table.clone().try_into::<Person>()
        && entry.section == "person"
    {
        let roles = person.roles.iter().map(|role| json!({"title": role.title, "from": role.from, "to": role.to}));
        fields.insert("roles".to_owned(), roles.collect());
        fields.insert("surname".to_owned(), person.surname().into());
    }
    json!({"section": entry.section, "id": entry.id, "name": entry.title(), "entry": fields})
}

fn head(files: &[&Read], contents: &Contents) -> String {
    let mut text = String::new();
    for read in files {
        let head = &read.contents.head;
        let (id, version, from) = (safe(&head.id), safe(&head.version), from(&read.source));
        text.push_str(&format!("{id} {version}, {from}\n    {}\n", safe(&head.description)));
    }
    if let Some(detector) = files.first().and_then(|read| pack::detector(&read.source.name)) {
        text.push_str(&format!("    the words by which topic:{detector} is found\n"));
    }
    text.push_str(&format!("    {}\n\n", holds(contents.holds())));
    text
}

/// One line, or for a topic its rules.
fn brief(entry: &Entry) -> String {
    let id = safe(&entry.id);
    let title = safe(entry.title());
    match entry.section.as_str() {
        "person" | "place" => {
            let person = entry.table.clone().try_into::<Person>().ok();
            let last = person.as_ref().and_then(|person| person.last_role()).map(|role| match role.to {
                Some(to) => format!(": {} until {to}", safe(&role.title)),
                None => format!(": {} since {}", safe(&role.title), role.from),
            });
            format!("{id:<20} {title}{}\n", last.unwrap_or_default())
        }
        "topic" => topic(entry),
        section => {
            let by_field = counted(entry);
            let mut terms: Vec<(&str, &str)> = entry.terms().collect();
            // English first, which whoever reads this reads.
            terms.sort_by_key(|(field, _)| *field != "en");
            let first = terms.iter().take(TERMS_SHOWN).map(|(_, term)| safe(term)).collect::<Vec<_>>().join(", ");
            let more = if terms.len() > TERMS_SHOWN { ", …" } else { "" };
            format!("{} {id}: {by_field}: {first}{more}\n", safe(section))
        }
    }
}

/// `en 58, tr 15`, or for a section of one language how many terms there are.
fn counted(entry: &Entry) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for (field, _) in entry.terms() {
        match counts.iter_mut().find(|(known, _)| *known == field) {
            Some((_, count)) => *count += 1,
            None => counts.push((field, 1)),
        }
    }
    counts.iter().map(|(field, count)| format!("{} {count}", safe(field))).collect::<Vec<_>>().join(", ")
}

fn topic(entry: &Entry) -> String {
    let mut text = format!("topic:{}  {}\n", safe(&entry.id), safe(entry.title()));
    for (name, query, confidence) in entry.rules() {
        text.push_str(&format!("    {confidence:.2}  {}: {}\n", safe(name), safe(query)));
    }
    text
}

/// Everything that is said of an entry.
fn whole(entry: &Entry) -> String {
    if entry.section == "topic" {
        return topic(entry);
    }
    let name = entry.name.as_ref().map(|name| format!(" {}", safe(name))).unwrap_or_default();
    let mut text = format!("{} {}{name}\n", safe(&entry.section), safe(&entry.id));
    for role in entry.fields.get("roles").into_iter().flatten() {
        text.push_str(&format!("    {}\n", safe(role)));
    }
    let others = entry.fields.iter().filter(|(field, _)| !matches!(field.as_str(), "id" | "name" | "roles"));
    for (field, values) in others {
        if values.len() == 1 || entry.section == "person" {
            text.push_str(&format!("    {}: {}\n", safe(field), listed(field, values)));
        } else {
            let values = values.iter().map(|value| safe(value)).collect::<Vec<_>>().join(", ");
            text.push_str(&format!("    {} ({}): {values}\n", safe(field), values.len()));
        }
    }
    text
}

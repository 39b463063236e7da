//! Sets what a result says beside the persons that the packs know.
//!
//! What a pack says stays: names in a language that it has, dates that it gives, ends that it knows. From the result come
//! persons that it lacks, offices that it lacks, the ends of those that it leaves open, and names in languages for which
//! it has none. So a second refresh with the same result changes nothing.

use std::collections::{BTreeMap, HashMap};

use chrono::{Days, NaiveDate};

use super::{Facts, Office, PersonFacts, RoleFact};
use crate::{
    article::fold::fold,
    watch::entity::{
        Entities,
        person::{Call, Person, Role},
        place::PlaceKind,
    },
};

/// Two terms are one where no more lies between them: Wikidata has an entry for each election.
const GAP_DAYS_MAX: u64 = 31;

/// Countries whose people write the family name first, also in English. (Japan and Hungary turn it round.)
const FAMILY_FIRST: [&str; 4] = ["CN", "KP", "KR", "TW"];

/// A name of one word that is shorter is too many other things.
const SINGLE_WORD_CHARS_MIN: usize = 5;

/// What a refresh brings.
#[derive(Debug, Default)]
pub struct Refreshed {
    /// Whole entries, new or instead of those that the packs have.
    pub persons: Vec<Person>,
    /// What was left out of the result for doubt, and why.
    pub doubts: Vec<String>,
    /// How many entries are from the refresh before, about people whom this result does not name.
    pub kept: usize,
}

/// Merges. `entities` are those of the packs without what the last refresh wrote, which is `before`: what that said of a
/// person gives way to what this one says.
pub fn merge(facts: &Facts, entities: &Entities, before: &[Person]) -> Refreshed {
    let known = Known::new(entities);
    let mut refreshed = Refreshed::default();
    let mut spoken_of = Vec::new();
    let successors = Successors::of(facts);
    for (id, person) in &facts.persons {
        let roles = successors.believed(id, person, &mut refreshed.doubts);
        match known.entry(id, person) {
            Entry::Known(entry) => {
                spoken_of.push(entry.id.clone());
                let merged = extended(entry, person, &roles, entities);
                if merged != *entry {
                    refreshed.persons.push(merged);
                }
            }
            Entry::Several => {
                refreshed.doubts.push(format!("{} ({id}): the packs know several people of that name", person.name));
            }
            Entry::None => {
                spoken_of.push(id.clone());
                let is_short = !person.name.contains(' ') && person.name.chars().count() < SINGLE_WORD_CHARS_MIN;
                if is_short {
                    refreshed.doubts.push(format!("{} ({id}): one short word is no name to look for", person.name));
                } else {
                    refreshed.persons.extend(new_person(id, person, roles, entities));
                }
            }
        }
    }
    let old = before.iter().filter(|old| !spoken_of.contains(&old.id) && !known.knows_by_now(old));
    let old: Vec<Person> = old.cloned().collect();
    refreshed.kept = old.len();
    refreshed.persons.extend(old);
    tell_surnames_apart(&mut refreshed.persons, &entities.persons);
    refreshed.persons.sort_by(|a, b| (&a.country, &a.name, &a.id).cmp(&(&b.country, &b.name, &b.id)));
    refreshed
}

/// The persons of the packs by id and by name.
struct Known<'a> {
    by_id: HashMap<&'a str, &'a Person>,
    /// By folded name.
    by_name: HashMap<String, Vec<&'a Person>>,
    entities: &'a Entities,
}

enum Entry<'a> {
    Known(&'a Person),
    /// The name is shared, and nothing tells who is meant.
    Several,
    None,
}

impl<'a> Known<'a> {
    fn new(entities: &'a Entities) -> Self {
        let persons = &entities.persons;
        let mut by_name: HashMap<_, Vec<&Person>> = HashMap::new();
        for person in persons {
            let mut names: Vec<String> = std::iter::once(&person.name).chain(&person.also).map(|n| fold(n)).collect();
            names.sort();
            names.dedup();
            for name in names {
                by_name.entry(name).or_default().push(person);
            }
        }
        Self { by_id: persons.iter().map(|person| (person.id.as_str(), person)).collect(), by_name, entities }
    }

    /// Whether the packs have come to know somebody whom only the last refresh knew.
    fn knows_by_now(&self, old: &Person) -> bool {
        let named = self.by_name.get(&fold(&old.name)).into_iter().flatten();
        !self.by_id.contains_key(old.id.as_str()) && named.into_iter().any(|person| person.country == old.country)
    }

    /// Whom the facts are about. Packs know people under ids of their own where the item was not checked yet; they are
    /// found by name and country, as is somebody whose item stands wrong in a pack.
    fn entry(&self, id: &str, facts: &PersonFacts) -> Entry<'a> {
        if let Some(person) = self.by_id.get(id) {
            return Entry::Known(person);
        }
        // Who heads a body today may have led a country before.
        let is_led = |person: &&&Person| {
            leads_body(person, self.entities) || facts.roles.iter().any(|role| role.country == person.country)
        };
        let is_meant = |person: &&&Person| !is_item(&person.id) || shares_office(person, facts);
        let named = self.by_name.get(&fold(&facts.name)).into_iter().flatten();
        let meant: Vec<&Person> = named.filter(is_led).filter(is_meant).copied().collect();
        match meant.as_slice() {
            [] => Entry::None,
            [person] => Entry::Known(person),
            _ => Entry::Several,
        }
    }
}

fn leads_body(person: &Person, entities: &Entities) -> bool {
    entities.place(&person.country).is_none_or(|place| place.kind != PlaceKind::Country)
}

fn is_item(id: &str) -> bool {
    id.starts_with('Q')
}

fn shares_office(person: &Person, facts: &PersonFacts) -> bool {
    facts.roles.iter().any(|fact| person.roles.iter().any(|role| is_same_office(role, fact) && overlaps(role, fact)))
}

/// Who took which office up last: an office that is left open although somebody else came later was left long ago.
struct Successors<'a> {
    /// By office, title and country: first day, and who.
    latest: HashMap<(Office, String, &'a str), (NaiveDate, &'a str)>,
}

impl<'a> Successors<'a> {
    fn of(facts: &'a Facts) -> Self {
        let mut latest: HashMap<_, (NaiveDate, &str)> = HashMap::new();
        for (id, person) in &facts.persons {
            // Whoever is elected and not yet in office has ended nothing.
            for role in person.roles.iter().filter(|role| role.from <= facts.as_of) {
                let last = latest.entry(Self::key(role)).or_insert((role.from, id.as_str()));
                if role.from > last.0 {
                    *last = (role.from, id.as_str());
                }
            }
        }
        Self { latest }
    }

    fn key(role: &RoleFact) -> (Office, String, &str) {
        (role.office, fold(&role.title), role.country.as_str())
    }

    /// A person's offices, terms joined, without those that are doubtful.
    fn believed(&self, id: &str, person: &PersonFacts, doubts: &mut Vec<String>) -> Vec<RoleFact> {
        let mut roles: Vec<RoleFact> = person.roles.clone();
        for role in &mut roles {
            // Death ends what nobody else has ended.
            role.to = role.to.or(person.died.filter(|died| *died >= role.from));
        }
        let mut joined = joined(roles);
        joined.retain(|role| {
            let later = self.latest.get(&Self::key(role)).filter(|(from, by)| *from > role.from && *by != id);
            match (role.to, later) {
                (None, Some((from, by))) => {
                    doubts.push(format!(
                        "{} ({id}): {} since {} has no end, but {by} took it up on {from}",
                        person.name, role.title, role.from
                    ));
                    false
                }
                _ => true,
            }
        });
        joined
    }
}

/// Terms of one office that follow each other become one, and so do two that are one office by two of its names.
fn joined(mut roles: Vec<RoleFact>) -> Vec<RoleFact> {
    roles.sort_by(|a, b| (a.from, &a.title).cmp(&(b.from, &b.title)));
    let mut joined: Vec<RoleFact> = Vec::new();
    for role in roles {
        let follows = |earlier: &&mut RoleFact| {
            let is_same = earlier.country == role.country && fold(&earlier.title) == fold(&role.title);
            let until = earlier.to.map(|to| to.checked_add_days(Days::new(GAP_DAYS_MAX)).unwrap_or(to));
            is_same && until.is_none_or(|until| role.from <= until)
        };
        match joined.iter_mut().find(follows) {
            Some(earlier) => earlier.to = earlier.to.zip(role.to).map(|(a, b)| a.max(b)),
            None => joined.push(role),
        }
    }
    joined
}

fn is_same_office(role: &Role, fact: &RoleFact) -> bool {
    let (title, told) = (fold(&role.title), fold(&fact.title));
    let office = Office::of_title(&title);
    title.starts_with(&told) || office.is_some() && office == Office::of_title(&told).or(Some(fact.office))
}

fn overlaps(role: &Role, fact: &RoleFact) -> bool {
    role.from <= fact.to.unwrap_or(NaiveDate::MAX) && fact.from <= role.to.unwrap_or(NaiveDate::MAX)
}

/// An entry with what the result adds.
fn extended(entry: &Person, facts: &PersonFacts, roles: &[RoleFact], entities: &Entities) -> Person {
    let mut person = entry.clone();
    let leads_body = leads_body(entry, entities);
    // A king of many countries leads the one that the pack says.
    let roles: Vec<&RoleFact> = roles.iter().filter(|role| leads_body || role.country == entry.country).collect();
    for held in &mut person.roles {
        if held.to.is_some() {
            continue;
        }
        // Who still holds the office by one statement holds it.
        let ends = roles.iter().filter(|fact| is_same_office(held, fact) && overlaps(held, fact)).map(|fact| fact.to);
        let last = ends.reduce(|a, b| a.zip(b).map(|(a, b)| a.max(b))).flatten();
        held.to = last.filter(|to| *to >= held.from);
    }
    for fact in roles {
        let is_known = |held: &Role| is_same_office(held, fact) && overlaps(held, fact);
        if !entry.roles.iter().any(is_known) && !person.roles.iter().any(is_known) {
            person.roles.push(role(fact, entities));
        }
    }
    person.roles.sort_by_key(|role| role.from);
    // A pack may choose another order.
    if person.roles.len() == entry.roles.len() && person.roles.iter().all(|role| entry.roles.contains(role)) {
        person.roles.clone_from(&entry.roles);
    }
    add_names(&mut person, facts);
    person
}

/// Names in languages for which there is none: where a pack has some, they were chosen.
fn add_names(person: &mut Person, facts: &PersonFacts) {
    let own: Vec<String> = std::iter::once(&person.name).chain(&person.also).map(|name| fold(name)).collect();
    for (lang, label) in &facts.names {
        // A name in Latin script holds in every language.
        let is_own = own.contains(&fold(label));
        let is_foreign = matches!(*lang, "ru" | "uk" | "ar" | "fa" | "zh" | "ko" | "ja") && label.is_ascii();
        // "Surname, Name" is for registers.
        let is_turned = label.contains([',', '،', '、']);
        if !is_own && !is_foreign && !is_turned && !person.names.contains_key(*lang) {
            person.names.insert((*lang).to_owned(), vec![label.clone()]);
        }
    }
}

/// Somebody whom no pack knows.
fn new_person(id: &str, facts: &PersonFacts, roles: Vec<RoleFact>, entities: &Entities) -> Option<Person> {
    // Whoever heads several countries is told for the one with most offices, the first of those where they are even.
    let mut countries: BTreeMap<&str, (usize, NaiveDate)> = BTreeMap::new();
    for role in &roles {
        let (count, first) = countries.entry(&role.country).or_insert((0, role.from));
        (*count, *first) = (*count + 1, role.from.min(*first));
    }
    let rank = |(country, (count, first)): &(&str, (usize, NaiveDate))| {
        (std::cmp::Reverse(*count), *first, (*country).to_owned())
    };
    let (country, _) = countries.into_iter().min_by_key(rank)?;
    let mut person = Person {
        id: id.to_owned(),
        name: facts.name.clone(),
        country: country.to_owned(),
        surname: surname(facts, country),
        call: Call::default(),
        also: Vec::new(),
        surnames: Vec::new(),
        names: BTreeMap::new(),
        roles: roles.iter().filter(|role| role.country == country).map(|fact| role(fact, entities)).collect(),
    };
    if is_regnal(&person.name) {
        person.call = Call::Full;
    }
    add_names(&mut person, facts);
    Some(person)
}

/// The part of the name that the person is called by, where that is not its last word.
fn surname(facts: &PersonFacts, country: &str) -> Option<String> {
    let name = &facts.name;
    if is_regnal(name) {
        return Some(name.clone());
    }
    let words: Vec<&str> = name.split(' ').collect();
    let (first, last) = (*words.first()?, *words.last()?);
    let family = facts.family.as_deref().map(fold);
    if let Some(family) = family.filter(|family| fold(last) != *family) {
        // "von der Leyen" ends the name, "Kim" begins it.
        let ends = words.iter().scan(0, |at, word| {
            let start = *at;
            *at += word.len() + 1;
            Some(start)
        });
        if let Some(start) = ends.skip(1).find(|start| fold(&name[*start..]) == family) {
            return Some(name[start..].to_owned());
        }
        if let Some(word) = words.iter().find(|word| fold(word) == family) {
            return Some((*word).to_owned());
        }
    }
    let is_family_first = facts.family.is_none() && FAMILY_FIRST.contains(&country) && words.len() > 1;
    is_family_first.then(|| first.to_owned())
}

/// `Felipe VI`, `Salman of Saudi Arabia`: a number or a country is nobody's surname.
fn is_regnal(name: &str) -> bool {
    let last = name.rsplit(' ').next().unwrap_or_default();
    name.contains(' ') && (last.chars().all(|c| matches!(c, 'I' | 'V' | 'X')) || name.contains(" of "))
}

/// Surnames that somebody else has too count behind the full name, or with title and country.
fn tell_surnames_apart(persons: &mut [Person], known: &[Person]) {
    let ids: HashMap<String, ()> = known.iter().map(|person| (person.id.clone(), ())).collect();
    let mut bearers: HashMap<String, Vec<String>> = HashMap::new();
    for person in known.iter().chain(persons.iter()) {
        let ids = bearers.entry(fold(person.surname())).or_default();
        if !ids.contains(&person.id) {
            ids.push(person.id.clone());
        }
    }
    for person in persons.iter_mut().filter(|person| !ids.contains_key(&person.id)) {
        let surname = fold(person.surname());
        if bearers.get(&surname).is_some_and(|ids| ids.len() > 1) || surname.chars().count() <= 2 {
            person.call = Call::Full;
        }
    }
}

/// The office as a pack writes it: `Minister of Defence of Germany`.
fn role(fact: &RoleFact, entities: &Entities) -> Role {
    const SMALL: [&str; 10] = ["of", "the", "and", "for", "in", "to", "on", "de", "du", "des"];
    let words = fact.title.split(' ').enumerate().map(|(i, word)| {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if i == 0 || !SMALL.contains(&word) => first.to_uppercase().chain(letters).collect(),
            _ => word.to_owned(),
        }
    });
    let title = words.collect::<Vec<String>>().join(" ");
    let title = match entities.place(&fact.country) {
        Some(place) if !names_place(&title, place) => {
            let of = format!("of the {}", place.name);
            let is_the = entities.persons.iter().flat_map(|person| &person.roles).any(|role| role.title.ends_with(&of));
            if is_the { format!("{title} {of}") } else { format!("{title} of {}", place.name) }
        }
        _ => title,
    };
    Role { title, from: fact.from, to: fact.to }
}

fn names_place(title: &str, place: &crate::watch::entity::place::Place) -> bool {
    let title = format!(" {} ", fold(title));
    let names = std::iter::once(&place.name).chain(&place.names).chain(&place.demonyms);
    names.map(|name| fold(name.trim_start_matches(['=', '~']))).any(|name| title.contains(&format!(" {name} ")))
}

#[cfg(test)]
mod tests;

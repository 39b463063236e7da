//! Leaders by their office alone: "Russia's president", "the North Korean leader", "президент России".
//!
//! An office and its country, side by side, mean whoever held it on the article's date. Without a date nobody is meant;
//! nor where a name follows, which says who it is, or a word such as "former" stands in front.

use std::ops::Range;

use chrono::NaiveDate;

use super::{
    Entities,
    lexicon::starts_with_capital,
    mention::{PersonMention, PlaceMention, span},
    person::Person,
    place::{Place, PlaceForm},
    words,
};
use crate::article::{
    segment::{AnalysedField, AnalysedText, WordKind},
    text::Field,
};

/// An office has no more words: "secretary of state".
const OFFICE_WORDS_MAX: usize = 3;

/// Persons whose office is named and whose name is not, in text order.
pub fn holders(
    text: &AnalysedText,
    entities: &Entities,
    date: Option<NaiveDate>,
    places: &[PlaceMention],
    persons: &[PersonMention],
) -> Vec<PersonMention> {
    let Some(date) = date else { return Vec::new() };
    let mut found = Vec::new();
    for place in places.iter().filter(|place| matches!(place.form, PlaceForm::Name | PlaceForm::Demonym)) {
        let analysed = text.field(place.field);
        let reader = Reader { analysed, field: place.field, persons, places };
        let Some((office, words)) = reader.office_behind(place).or_else(|| reader.office_in_front(place)) else {
            continue;
        };
        let Some(country) = entities.place(&place.id.0) else { continue };
        let Some(person) = holder(entities, country, &office, date) else { continue };
        let span = span(analysed, place.field, words.clone());
        found.push(PersonMention { person, title: Some(office.into()), field: place.field, words, span });
    }
    found
}

/// Who held an office of a country on a day; `None` where that is not one person.
fn holder(entities: &Entities, country: &Place, office: &str, date: NaiveDate) -> Option<usize> {
    let in_office = |is_it: &dyn Fn(&str) -> bool| {
        let holds = |person: &Person| {
            person.country == *country.id.0 && person.roles.iter().any(|role| role.is_held(date) && is_it(&role.title))
        };
        let mut holders = entities.persons.iter().enumerate().filter(|(_, person)| holds(person)).map(|(at, _)| at);
        holders.next().filter(|_| holders.next().is_none())
    };
    if office != "leader" {
        // "president" is no vice-president, and no president of a parliament.
        return in_office(&|title| {
            let fits = crate::watch::entity::person::fits(title, office);
            fits && first_word(title) == first_word(office) || is_ministry(title, office)
        });
    }
    if let Some(head) = &country.head {
        return in_office(&|title| title.starts_with(head.as_str()));
    }
    in_office(&|title| title.contains("Leader"))
}

fn first_word(text: &str) -> String {
    text.split(' ').next().unwrap_or(text).to_lowercase()
}

/// "foreign minister" is the Minister of Foreign Affairs.
fn is_ministry(title: &str, office: &str) -> bool {
    let title = title.to_lowercase();
    match office {
        "foreign minister" => title.starts_with("minister of foreign") || title.starts_with("minister for foreign"),
        "defence minister" | "defense minister" => {
            title.starts_with("minister of defence")
                || title.starts_with("minister of defense")
                || title.starts_with("minister of national defence")
                || title.starts_with("minister of national defense")
        }
        _ => false,
    }
}

/// Adjectives of parts of a state, which have leaders of their own.
const PARTS_OF_STATES: [&str; 10] =
    ["scottish", "welsh", "catalan", "basque", "bavarian", "flemish", "chechen", "crimean", "quebec", "corsican"];

struct Reader<'a> {
    analysed: &'a AnalysedField,
    field: Field,
    persons: &'a [PersonMention],
    places: &'a [PlaceMention],
}

impl Reader<'_> {
    /// "Russia's president", "the North Korean leader", "Kuzey Kore lideri".
    fn office_behind(&self, place: &PlaceMention) -> Option<(String, Range<usize>)> {
        let mut office: Vec<&str> = Vec::new();
        let mut end = place.words.end;
        while office.len() < OFFICE_WORDS_MAX
            && let Some(word) = self.analysed.words.get(end)
            && word.kind != WordKind::Designation
            && word.sentence == self.analysed.words[place.words.start].sentence
            && self.is_close(end - 1, end)
        {
            let part = match words::title(&word.folded) {
                Some(title) => title,
                None if !office.is_empty() && matches!(&*word.folded, "of" | "state") => &word.folded,
                None => break,
            };
            office.push(part);
            end += 1;
        }
        let office = joined(&office)?;
        let is_past = place.words.start.checked_sub(1).is_some_and(|before| self.is_past(before));
        let is_part = PARTS_OF_STATES.contains(&&*self.analysed.words[place.words.start].folded);
        let is_past = is_past || is_part || self.goes_on(end, office.ends_with("leader"));
        (!is_past && !self.names_somebody(end)).then_some((office, place.words.start..end))
    }

    /// "president of Russia", "президент России", "le président russe".
    fn office_in_front(&self, place: &PlaceMention) -> Option<(String, Range<usize>)> {
        let mut at = place.words.start;
        // "of", "of the", "de la".
        let mut links = 0;
        while links < 2
            && at > 0
            && matches!(&*self.analysed.words[at - 1].folded, "of" | "the" | "de" | "la" | "du" | "del" | "des" | "d")
        {
            at -= 1;
            links += 1;
        }
        let mut office: Vec<&str> = Vec::new();
        let last = at;
        while office.len() < OFFICE_WORDS_MAX && at > 0 {
            let word = &self.analysed.words[at - 1];
            let is_here = word.sentence == self.analysed.words[place.words.start].sentence
                && (at == last && links > 0 || self.is_close(at - 1, at));
            match words::title(&word.folded).filter(|_| is_here && word.kind != WordKind::Designation) {
                Some(title) => office.insert(0, title),
                None => break,
            }
            at -= 1;
        }
        let office = joined(&office)?;
        let is_past = at.checked_sub(1).is_some_and(|before| self.is_past(before));
        // "the president of Russia's largest bank", "le président de la France insoumise".
        let is_owner = self.tail(place.words.end - 1).starts_with(['\'', '’', '-']);
        let is_past = is_past || is_owner || self.goes_on(place.words.end, false);
        (!is_past && !self.names_somebody(place.words.end)).then_some((office, at..place.words.end))
    }

    /// Whether nothing but a space, or an `'s`, stands between two words.
    fn is_close(&self, left: usize, right: usize) -> bool {
        let (left, right) = (&self.analysed.words[left], &self.analysed.words[right]);
        let between = self.analysed.text.get(left.end_byte as usize..right.start_byte as usize).unwrap_or("?");
        let between = between.trim_start_matches(['\'', '’']).trim_start_matches(['s', 'S']);
        !between.is_empty() && between.chars().all(|c| c == ' ' || c == '\u{a0}')
    }

    /// What is written behind a word without a space.
    fn tail(&self, word: usize) -> &str {
        let rest = self.analysed.text.get(self.analysed.words[word].end_byte as usize..).unwrap_or("");
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        &rest[..end]
    }

    /// Whether what follows makes another office of it: "president-elect", "leader in electric cars", "president of the
    /// largest bank", "prime minister from 1997 to 2007".
    fn goes_on(&self, next: usize, is_leader: bool) -> bool {
        if self.tail(next - 1).starts_with(['-', '\'', '’']) {
            return true;
        }
        let Some(word) = self.analysed.words.get(next) else { return false };
        let is_same = word.sentence == self.analysed.words[next - 1].sentence;
        let is_other = matches!(
            &*word.folded,
            "of" | "from"
                | "between"
                | "until"
                | "elect"
                | "board"
                | "insoumise"
                | "candidate"
                | "hopeful"
                | "contender"
        );
        is_same && (is_other || is_leader && matches!(&*word.folded, "in" | "at" | "on" | "and"))
    }

    fn is_past(&self, word: usize) -> bool {
        matches!(
            &*self.analysed.words[word].folded,
            "former"
                | "ex"
                | "late"
                | "then"
                | "vice"
                | "deputy"
                | "next"
                | "future"
                | "first"
                | "last"
                | "previous"
                | "new"
                | "eski"
                | "бывший"
                | "бывшего"
                | "бывшему"
                | "экс"
                | "вице"
                | "колишній"
                | "ancien"
                | "ex-"
                | "fruhere"
                | "ehemalige"
                | "expresidente"
                | "no"
                | "any"
                | "every"
                | "elected"
                | "acting"
        )
    }

    /// Whether a name follows, which says who it is.
    fn names_somebody(&self, next: usize) -> bool {
        let is_named = |person: &PersonMention| person.field == self.field && person.words.contains(&next);
        if self.persons.iter().any(is_named) {
            return true;
        }
        // "Kuzey Kore liderinin Rusya'nın doğusundaki": a place that follows is no name of a person.
        let is_place = |place: &PlaceMention| place.field == self.field && place.words.contains(&next);
        if self.places.iter().any(is_place) {
            return false;
        }
        let Some(word) = self.analysed.words.get(next) else { return false };
        if matches!(&*word.folded, "until" | "till") {
            return true;
        }
        let is_cased = word.exact.chars().any(char::is_lowercase);
        let is_same = next > 0 && word.sentence == self.analysed.words[next - 1].sentence;
        let between = self.analysed.text.get(self.analysed.words[next - 1].end_byte as usize..word.start_byte as usize);
        is_same
            && is_cased
            && starts_with_capital(&word.exact)
            && between.is_some_and(|b| b.trim_matches([' ', ',']).is_empty())
    }
}

/// An office's words as English has them; `None` where they name none that one person holds.
fn joined(parts: &[&str]) -> Option<String> {
    let office = parts.join(" ").replace('+', " ");
    let is_one = matches!(
        office.as_str(),
        "president"
            | "prime minister"
            | "premier"
            | "chancellor"
            | "king"
            | "queen"
            | "emir"
            | "sultan"
            | "leader"
            | "ruler"
            | "dictator"
            | "supreme leader"
            | "foreign minister"
            | "defence minister"
            | "defense minister"
            | "secretary of state"
    );
    let office = match office.as_str() {
        "premier" => "prime minister",
        "ruler" | "dictator" | "supreme leader" => "leader",
        office => office,
    };
    is_one.then(|| office.to_owned())
}

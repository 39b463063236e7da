//! Which words of a text name a leader: full names, spellings and slips of the pen, lost spaces, and surnames by
//! themselves where it can be told whose they are.

use std::{collections::HashSet, ops::Range};

use chrono::{Days, NaiveDate};

use super::{
    Entities,
    lexicon::{Alias, Casing, Hit, Target, starts_with_capital},
    mention::{PersonMention, PlaceMention, span},
    person::Call,
    slip::{self, Slip, is_slip},
    words,
};
use crate::{
    article::{
        language::Lang,
        segment::{AnalysedField, AnalysedText, WordKind},
        text::{Field, TextSpan},
    },
    watch::found::PartyId,
};

/// Who was not known before is not meant by a bare surname: news calls nobody by it a year before the first office.
const KNOWN_BEFORE_DAYS: u64 = 366;
/// Shorter names are the beginning of too many words to be looked for in glued ones.
const GLUED_CHARS_MIN: usize = 5;

/// What was read of a text before: by field, its names and how it is written; and its places.
#[derive(Debug, Clone, Copy)]
pub struct Read<'a> {
    /// Every name of the packs.
    pub hits: &'a [Vec<Hit>; 3],
    /// How each field is written.
    pub casings: &'a [Casing; 3],
    /// Countries and bodies.
    pub places: &'a [PlaceMention],
}

/// Finds every leader, in text order.
pub fn persons(
    text: &AnalysedText,
    entities: &Entities,
    date: Option<NaiveDate>,
    read: Read<'_>,
) -> Vec<PersonMention> {
    let Read { hits, casings, places } = read;
    let mut found = Vec::new();
    let mut readers: Vec<Reader<'_>> = Field::ALL
        .into_iter()
        .filter(|&field| !text.field(field).words.is_empty())
        .map(|field| Reader::new(text, field, casings[field as usize], entities, date, places))
        .collect();
    let mut strangers = HashSet::new();
    for reader in &mut readers {
        reader.full_names(&hits[reader.field as usize], &mut found, &mut strangers);
        reader.slips(&mut found);
        reader.glued(&mut found);
    }
    // "Actress Kim Jong-un": the article is about somebody else of that name.
    found.retain(|mention| !strangers.contains(&mention.person));
    let named: HashSet<usize> = found.iter().map(|mention| mention.person).collect();
    let parties: HashSet<&str> = places.iter().map(|place| &*place.id.0).collect();
    let mut namesakes = HashSet::new();
    for reader in &readers {
        reader.namesakes(&hits[reader.field as usize], &mut namesakes);
    }
    let known = Known { named, namesakes, parties };
    for reader in &mut readers {
        reader.surnames(&hits[reader.field as usize], &known, &mut found);
        reader.slipped_surnames(&known, &mut found);
    }
    found.retain(|mention| !strangers.contains(&mention.person));
    found.sort_by_key(|mention| (mention.field, mention.words.start, mention.span.start_chars));
    found
}

/// What the whole article says, for telling whose a surname is.
struct Known<'a> {
    /// Persons whose full name stands somewhere.
    named: HashSet<usize>,
    /// Persons whose surname stands somewhere behind another first name.
    namesakes: HashSet<usize>,
    /// Places that are named.
    parties: HashSet<&'a str>,
}

/// One field being read.
struct Reader<'a> {
    analysed: &'a AnalysedField,
    field: Field,
    entities: &'a Entities,
    date: Option<NaiveDate>,
    casing: Casing,
    is_english: bool,
    /// Indices of the words without the designations laid over them.
    line: Vec<usize>,
    /// By word: already part of a person's name.
    is_used: Vec<bool>,
    /// By word: the place whose name it is part of.
    place_at: Vec<Option<&'a PartyId>>,
}

impl<'a> Reader<'a> {
    fn new(
        text: &'a AnalysedText,
        field: Field,
        casing: Casing,
        entities: &'a Entities,
        date: Option<NaiveDate>,
        places: &'a [PlaceMention],
    ) -> Self {
        let analysed = text.field(field);
        let count = analysed.words.len();
        let mut place_at = vec![None; count];
        for place in places.iter().filter(|place| place.field == field) {
            place_at[place.words.clone()].fill(Some(&place.id));
        }
        Self {
            analysed,
            field,
            entities,
            date,
            casing,
            is_english: text.lang.is_none_or(|lang| lang == Lang::EN),
            line: (0..count).filter(|&i| analysed.words[i].kind != WordKind::Designation).collect(),
            is_used: vec![false; count],
            place_at,
        }
    }

    /// Full names as the packs spell them.
    fn full_names(&mut self, hits: &[Hit], found: &mut Vec<PersonMention>, strangers: &mut HashSet<usize>) {
        for same in hits.chunk_by(|a, b| a.words == b.words) {
            let persons: Vec<usize> = same
                .iter()
                .filter_map(|hit| match self.entities.lexicon.alias(hit.alias).target {
                    Target::Person(person) => Some(person),
                    _ => None,
                })
                .collect();
            let words = same[0].words.clone();
            if persons.is_empty() || self.is_used[words.start] || self.is_thing(&words) {
                continue;
            }
            let Some(person) = self.most_likely(&persons) else { continue };
            if self.is_of_other_trade(words.start) {
                strangers.insert(person);
            }
            self.take(person, words, found);
        }
    }

    /// Whether the word right before a name says that its bearer sings, plays or teaches.
    fn is_of_other_trade(&self, start: usize) -> bool {
        let at = self.line.partition_point(|&index| index < start);
        let Some(before) = at.checked_sub(1).map(|before| self.line[before]) else { return false };
        let is_joined = self.between(before, start).chars().all(|c| c == ' ');
        is_joined && words::is_trade(&self.analysed.words[before].folded)
    }

    /// A known surname with a misspelt first name, or the other way round: `Seygey Shoigu`.
    fn slips(&mut self, found: &mut Vec<PersonMention>) {
        for at in 1..self.line.len() {
            let (first, last) = (self.line[at - 1], self.line[at]);
            if self.is_used[first] || self.is_used[last] || !self.is_name_word(first) || !self.is_name_word(last) {
                continue;
            }
            if !self.is_spaced(first, last) || self.is_title(first) {
                continue;
            }
            let (given, surname) = (&self.analysed.words[first].folded, &self.analysed.words[last].folded);
            let by_surname = self.entities.lexicon.surnames(surname).map(|(_, person)| person);
            let slipped_given = by_surname
                .filter(|&person| self.entities.calls[person].is_known_by_slip())
                .find(|&person| self.entities.calls[person].givens.iter().any(|known| is_slip(known, given)));
            let person = slipped_given.or_else(|| {
                let by_given = self.entities.by_given.get(given)?;
                by_given.iter().copied().find(|&person| {
                    let calls = &self.entities.calls[person];
                    calls.is_known_by_slip() && calls.surnames.iter().any(|known| is_slip(known, surname))
                })
            });
            let person = person.or_else(|| {
                // The same where the surname stands first: "Xi Jingping".
                self.entities.lexicon.surnames(given).map(|(_, person)| person).find(|&person| {
                    self.entities.calls[person].givens_behind.iter().any(|known| is_slip(known, surname))
                })
            });
            let words = first..last + 1;
            if let Some(person) = person.filter(|_| !self.is_thing(&words)) {
                self.take(person, words, found);
            }
        }
    }

    /// A surname that lost the space behind or before it: `Putinwill`, `presidentPutin`.
    fn glued(&mut self, found: &mut Vec<PersonMention>) {
        for at in 0..self.line.len() {
            let index = self.line[at];
            let word = &self.analysed.words[index];
            // Most words are short, or small throughout.
            let bytes = word.exact.as_bytes();
            if bytes.len() <= GLUED_CHARS_MIN || !bytes.iter().any(u8::is_ascii_uppercase) {
                continue;
            }
            let length = word.exact.chars().count();
            // Where folding changes the length, the name's end cannot be told.
            let is_sliceable = word.exact.is_ascii() && word.folded.len() == length;
            if self.is_used[index] || !is_sliceable || length <= GLUED_CHARS_MIN {
                continue;
            }
            let split = (GLUED_CHARS_MIN..length).rev().find_map(|end| {
                let rest = &word.folded[end..];
                let is_parted = bytes[end].is_ascii_uppercase() && bytes[end - 1].is_ascii_lowercase();
                let person = (bytes[0].is_ascii_uppercase() && (is_parted || words::is_glued(rest)))
                    .then(|| self.known_alone(&word.folded[..end]))??;
                Some((person, 0..end))
            });
            let split = split.or_else(|| {
                let start =
                    (1..length - 1).find(|&i| bytes[i].is_ascii_uppercase() && bytes[i - 1].is_ascii_lowercase())?;
                let is_long_enough = length - start >= GLUED_CHARS_MIN;
                let person = is_long_enough.then(|| self.known_alone(&word.folded[start..]))??;
                Some((person, start..length))
            });
            let Some((person, name)) = split else { continue };
            let before = at.checked_sub(1).map(|before| self.line[before]).filter(|&before| {
                name.start == 0
                    && self.is_spaced(before, index)
                    && self.entities.calls[person].givens.contains(&self.analysed.words[before].folded)
            });
            let first = before.unwrap_or(index);
            let start_chars = match before {
                Some(before) => self.analysed.words[before].start_chars,
                None => word.start_chars + char_count(name.start),
            };
            let end_chars = word.start_chars + char_count(name.end);
            let span = TextSpan { field: self.field, start_chars, end_chars };
            self.take_span(person, first..index + 1, span, found);
        }
    }

    fn known_alone(&self, folded: &str) -> Option<usize> {
        let persons: Vec<usize> = self
            .entities
            .lexicon
            .surnames(folded)
            .map(|(_, person)| person)
            .filter(|&person| self.entities.persons[person].call == Call::Alone && self.is_known_by_now(person))
            .collect();
        self.most_likely(&persons)
    }

    /// Persons whose surname stands behind another first name.
    fn namesakes(&self, hits: &[Hit], namesakes: &mut HashSet<usize>) {
        for hit in hits {
            if let Target::Surname(person) = self.entities.lexicon.alias(hit.alias).target
                && !self.is_used[hit.words.start]
                && self.is_namesake(person, &hit.words)
            {
                namesakes.insert(person);
            }
        }
    }

    /// Surnames by themselves.
    fn surnames(&mut self, hits: &[Hit], known: &Known<'_>, found: &mut Vec<PersonMention>) {
        for same in hits.chunk_by(|a, b| a.words == b.words) {
            let words = same[0].words.clone();
            if self.is_used[words.start] || self.is_used[words.end - 1] {
                continue;
            }
            let persons: Vec<usize> = same
                .iter()
                .filter_map(|hit| match self.entities.lexicon.alias(hit.alias) {
                    alias if alias.is_weak && !self.is_politics(words.start, known) => None,
                    Alias { target: Target::Surname(person), .. } => Some(*person),
                    _ => None,
                })
                .filter(|&person| self.is_known_by_now(person) && !self.is_namesake(person, &words))
                .collect();
            if persons.is_empty() || self.is_thing(&words) {
                continue;
            }
            let already: Vec<usize> = persons.iter().copied().filter(|person| known.named.contains(person)).collect();
            let meant = if already.is_empty() {
                persons.into_iter().filter(|&person| self.is_meant(person, &words, known)).collect()
            } else {
                already
            };
            if let Some(person) = self.most_likely(&meant) {
                self.take(person, words, found);
            }
        }
    }

    /// Long surnames that are known all over the world, with a slip of the pen: `Ergodan`.
    ///
    /// Only of who is in office: of those the news is full, and of all others the slips add up.
    fn slipped_surnames(&mut self, known: &Known<'_>, found: &mut Vec<PersonMention>) {
        if self.casing == Casing::None {
            return;
        }
        for at in 0..self.line.len() {
            let index = self.line[at];
            let folded = &self.analysed.words[index].folded;
            let words = index..index + 1;
            let is_free = !self.is_used[index] && self.place_at[index].is_none() && self.is_name_word(index);
            if !is_free || self.entities.lexicon.surnames(folded).next().is_some() {
                continue;
            }
            let Some(alike) = folded.bytes().next().and_then(|first| self.entities.alone.get(&first)) else { continue };
            let persons: Vec<usize> = alike
                .iter()
                .filter_map(|(surname, person)| Some((*person, slip::of_surname(surname, folded)?)))
                .filter(|&(person, slip)| self.is_slip_meant(person, slip, &words, known))
                .map(|(person, _)| person)
                .collect();
            if let Some(person) = self.most_likely(&persons).filter(|_| !self.is_thing(&words)) {
                self.take(person, words, found);
            }
        }
    }

    fn is_slip_meant(&self, index: usize, slip: Slip, words: &Range<usize>, known: &Known<'_>) -> bool {
        let person = &self.entities.persons[index];
        let is_in_office = match self.date {
            Some(date) => person.role_on(date).is_some(),
            None => person.roles.iter().any(|role| role.to.is_none()),
        };
        let is_told = slip == Slip::Typed
            || known.named.contains(&index)
            || known.parties.contains(person.country.as_str())
            || self.title_before(words.start).is_some();
        is_in_office && is_told && !self.is_namesake(index, words)
    }

    /// Whether a surname without the full name anywhere means this person.
    fn is_meant(&self, index: usize, words: &Range<usize>, known: &Known<'_>) -> bool {
        let person = &self.entities.persons[index];
        let is_in_office = self.date.is_none_or(|date| person.role_on(date).is_some());
        let title = self.title_before(words.start);
        let fits = title.as_deref().is_some_and(|title| {
            person.roles.iter().any(|role| self.date.is_none_or(|date| role.is_held(date)) && role.fits(title))
        });
        let is_prince = title.as_deref().is_some_and(|title| title.split(' ').any(|word| word == "prince"));
        if !fits && (known.namesakes.contains(&index) || is_prince) {
            return false;
        }
        let is_country_named = known.parties.contains(person.country.as_str());
        match person.call {
            Call::Alone => true,
            Call::Near => is_in_office && (title.is_some() || is_country_named || self.is_beside_leader(words.start)),
            // `North Korea's Kim`
            Call::Full => {
                is_in_office && is_country_named && (fits || self.is_of_country(words.start, &person.country))
            }
        }
    }

    /// Whether the name of a leader and an `and` stand right before the surname.
    fn is_beside_leader(&self, start: usize) -> bool {
        let at = self.line.partition_point(|&index| index < start);
        let [other, and] = self.line[at.saturating_sub(2)..at] else { return false };
        self.is_used[other]
            && words::is_and(&self.analysed.words[and].folded)
            && self.is_spaced(other, and)
            && self.is_spaced(and, start)
    }

    /// Whether the text is about states, so that a word that is also a surname means it: `Poutine`, not the dish.
    fn is_politics(&self, start: usize, known: &Known<'_>) -> bool {
        !known.parties.is_empty() || !known.named.is_empty() || self.title_before(start).is_some()
    }

    /// Whether the country stands right before the surname.
    fn is_of_country(&self, start: usize, country: &str) -> bool {
        let Some(before) = start.checked_sub(1) else { return false };
        let word = &self.analysed.words[before];
        // "Ankara'da Fidan dikme töreni": in Ankara, not of it.
        let written = self.analysed.text.get(word.start_byte as usize..self.analysed.words[start].start_byte as usize);
        let is_own = written.is_some_and(|written| match written.find(['\'', '’']) {
            Some(at) => written[at..].trim_start_matches(['\'', '’']).trim_end().eq_ignore_ascii_case("s"),
            None => true,
        });
        is_own && self.place_at[before].is_some_and(|id| *id.0 == *country)
    }

    /// Of several who are called so: who is in office, else who was last.
    fn most_likely(&self, persons: &[usize]) -> Option<usize> {
        persons.iter().copied().max_by_key(|&index| {
            let person = &self.entities.persons[index];
            let is_in_office = self.date.is_some_and(|date| person.role_on(date).is_some());
            let before = |date: NaiveDate| self.date.is_none_or(|today| date <= today);
            let last =
                person.roles.iter().filter(|role| before(role.from)).map(|role| role.to.unwrap_or(NaiveDate::MAX));
            (is_in_office, last.max(), std::cmp::Reverse(index))
        })
    }

    fn is_known_by_now(&self, person: usize) -> bool {
        let first = self.entities.persons[person].roles.iter().map(|role| role.from).min();
        match (self.date.and_then(|date| date.checked_add_days(Days::new(KNOWN_BEFORE_DAYS))), first) {
            (Some(latest), Some(first)) => first <= latest,
            _ => true,
        }
    }

    /// Whether another first name stands beside the surname: `Ivanka Trump`, `Kim Kardashian`.
    fn is_namesake(&self, person: usize, words: &Range<usize>) -> bool {
        if matches!(self.casing, Casing::None) {
            return false;
        }
        let calls = &self.entities.calls[person];
        let at = self.line.partition_point(|&index| index < words.start);
        let before = at.checked_sub(1).map(|before| self.line[before]);
        if before.is_some_and(|before| self.is_other_name(before, words.start, &calls.givens)) {
            return true;
        }
        let after = self.line.iter().copied().find(|&index| index >= words.end);
        calls.is_family_first
            && after.is_some_and(|after| {
                self.is_spaced(words.end - 1, after)
                    && self.is_name_word(after)
                    && self.casing == Casing::Mixed
                    && self.place_at[after].is_none()
            })
    }

    /// Whether the word right before a surname is a first name other than these.
    fn is_other_name(&self, before: usize, surname: usize, givens: &[Box<str>]) -> bool {
        let word = &self.analysed.words[before];
        let folded = &word.folded;
        if !self.is_spaced(before, surname) || !self.is_name_word(before) || self.place_at[before].is_some() {
            return false;
        }
        if self.title_before(surname).is_some() {
            return false;
        }
        if self.is_used[before] || givens.contains(folded) || words::is_title(folded) || words::is_opener(folded) {
            return false;
        }
        let is_first = before == 0 || self.analysed.words[before - 1].sentence != word.sentence;
        let is_english = self.is_english && word.folded.is_ascii();
        if self.casing != Casing::Mixed || is_first && !is_english {
            // Every word has a capital in a headline, and the first one in a sentence, whose usual openers are known
            // for English alone: here only what is known to be a first name is one.
            return words::is_given(folded) || self.entities.by_given.contains_key(folded);
        }
        true
    }

    /// Whether the words mean a thing named after the person.
    fn is_thing(&self, words: &Range<usize>) -> bool {
        let at = self.line.partition_point(|&index| index < words.start);
        let before = at.checked_sub(1).map(|before| self.line[before]);
        if before.is_some_and(|before| {
            self.is_spaced(before, words.start) && words::is_ship(&self.analysed.words[before].folded)
        }) {
            return true;
        }
        if self.is_firm(words.end - 1) {
            return true;
        }
        let mut after = self.line[at..].iter().copied().skip_while(|&index| index < words.end);
        let mut last = words.end - 1;
        // `Charles de Gaulle International Airport`
        for _ in 0..2 {
            let Some(next) = after.next() else { return false };
            let folded = &self.analysed.words[next].folded;
            let is_joined = self.between(last, next).chars().eq(['-']);
            if is_joined && words::is_thing(folded) || words::is_broken_by(self.between(last, next), folded) {
                return true;
            }
            if !self.is_spaced(last, next) {
                return false;
            }
            if words::is_thing(folded) {
                return true;
            }
            if !matches!(&**folded, "international" | "memorial" | "national" | "presidential" | "peace" | "bay") {
                return false;
            }
            last = next;
        }
        false
    }

    /// Whether what stands behind a word makes a firm's name of it: `& Sons`, `Ltd`.
    fn is_firm(&self, last: usize) -> bool {
        let Some(next) = self.line.iter().copied().find(|&index| index > last) else { return false };
        let folded = &self.analysed.words[next].folded;
        match self.between(last, next).trim() {
            "&" => words::is_partner(folded),
            "" | "," => starts_with_capital(&self.analysed.words[next].exact) && words::is_firm(folded),
            _ => false,
        }
    }

    /// What is written between two words.
    fn between(&self, before: usize, after: usize) -> &'a str {
        let (before, after) = (&self.analysed.words[before], &self.analysed.words[after]);
        self.analysed.text.get(before.end_byte as usize..after.start_byte as usize).unwrap_or("?")
    }

    /// What stands right before a name and says what the person is: `prime minister`.
    fn title_before(&self, start: usize) -> Option<Box<str>> {
        let at = self.line.partition_point(|&index| index < start);
        let mut title: Vec<&str> = Vec::new();
        for &index in self.line[..at].iter().rev().take(3) {
            let word = &self.analysed.words[index];
            let is_part = words::is_title(&word.folded) || matches!(&*word.folded, "of" | "state" | "affairs");
            if !is_part || word.sentence != self.analysed.words[start].sentence {
                break;
            }
            title.push(words::title(&word.folded).unwrap_or(&word.folded));
        }
        title.reverse();
        title
            .iter()
            .any(|word| !matches!(*word, "of" | "state" | "affairs"))
            .then(|| title.join(" ").replace('+', " ").into())
    }

    fn is_title(&self, index: usize) -> bool {
        words::is_title(&self.analysed.words[index].folded)
    }

    /// Whether a word is written as a name is, so far as the field's writing tells.
    fn is_name_word(&self, index: usize) -> bool {
        let word = &self.analysed.words[index];
        word.kind == WordKind::Plain
            && (self.casing == Casing::None || starts_with_capital(&word.exact))
            && word.exact.chars().all(char::is_alphabetic)
    }

    /// Whether nothing but a space stands between two words.
    fn is_spaced(&self, before: usize, after: usize) -> bool {
        let between = self.between(before, after);
        !between.is_empty() && between.len() <= 3 && between.chars().all(|c| c.is_whitespace() && c != '\n')
    }

    fn take(&mut self, person: usize, words: Range<usize>, found: &mut Vec<PersonMention>) {
        let span = span(self.analysed, self.field, words.clone());
        self.take_span(person, words, span, found);
    }

    fn take_span(&mut self, person: usize, words: Range<usize>, span: TextSpan, found: &mut Vec<PersonMention>) {
        self.is_used[words.clone()].fill(true);
        let title = self.title_before(words.start);
        found.push(PersonMention { person, title, field: self.field, words, span });
    }
}

fn char_count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

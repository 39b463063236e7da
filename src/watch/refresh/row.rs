//! Reads a SPARQL result ("SPARQL 1.1 Query Results JSON Format", W3C 2013) row by row.
//!
//! Anybody may edit Wikidata, and any file may be given instead: each value is checked before it is believed, a row with
//! one that is wrong is skipped and counted, and rows are never all in memory at once.

mod document;

use std::collections::BTreeMap;

use chrono::{Datelike, Months, NaiveDate};
use serde::de::Error as _;
use serde_json::Value;

use super::{LANGS, Office};
use crate::watch::entity::{Entities, place::PlaceKind};

/// Longest result. All that the query asks for is near 20 MB.
pub const BYTES_MAX: u64 = 64 << 20;

/// Most rows; the query itself asks for no more.
pub const ROWS_MAX: usize = 100_000;

/// So many reasons for skipping a row are kept.
pub const REASONS_MAX: usize = 5;

/// Longest name or title, in characters. The longest real one in use has 90.
const NAME_CHARS_MAX: usize = 120;

/// What begins later than this many months ahead is a slip of the pen.
const AHEAD_MONTHS_MAX: u32 = 12;

/// Variables of the query that are read beside the labels.
#[cfg(test)]
pub(super) const VARIABLES: [&str; 13] = [
    "person",
    "office",
    "title",
    "country",
    "start",
    "startPrecision",
    "end",
    "endPrecision",
    "died",
    "article",
    "label",
    "mul",
    "family",
];

/// Those without which nothing can be learned.
const REQUIRED: [&str; 5] = ["person", "office", "title", "country", "start"];

/// Why a result can't be used at all.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// Broken off.
    #[error("the result breaks off, as it does when a query service runs out of time")]
    Truncated(#[source] serde_json::Error),
    /// No JSON, or JSON of another shape.
    #[error("it is no SPARQL result in JSON")]
    NotAResult(#[source] serde_json::Error),
    /// A result of another query.
    #[error("the result has no `{0}`: it answers another query than config/packs/leaders.rq")]
    NoVariable(&'static str),
    /// Beyond [`ROWS_MAX`].
    #[error("the result has more than {ROWS_MAX} rows")]
    TooManyRows,
    /// Beyond [`BYTES_MAX`].
    #[error("the result is larger than {BYTES_MAX} bytes")]
    TooLarge,
}

/// What a result says.
#[derive(Debug, Default)]
pub struct Facts {
    /// The day on which it was read.
    pub as_of: NaiveDate,
    /// By item.
    pub persons: BTreeMap<String, PersonFacts>,
    /// Rows, those skipped included.
    pub rows: usize,
    /// Rows that were not believed.
    pub skipped: usize,
    /// Why not; of the first [`REASONS_MAX`].
    pub reasons: Vec<String>,
}

/// What a result says of one person.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PersonFacts {
    /// Title of the English article without what it adds in brackets, else the label.
    pub name: String,
    /// Family name, in English.
    pub family: Option<String>,
    /// Labels by language.
    pub names: BTreeMap<&'static str, String>,
    /// Last day.
    pub died: Option<NaiveDate>,
    /// Each term.
    pub roles: Vec<RoleFact>,
}

/// An office that was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleFact {
    /// What it is.
    pub office: Office,
    /// What it is called.
    pub title: String,
    /// Whose.
    pub country: String,
    /// First day.
    pub from: NaiveDate,
    /// Last day; none where it is still held.
    pub to: Option<NaiveDate>,
}

/// Why a row is skipped.
#[derive(Debug, thiserror::Error)]
enum RowProblem {
    #[error("it is no set of values by variable")]
    Shape,
    #[error("it has no `{0}`")]
    Missing(&'static str),
    #[error("`{0}` is not a value as the format writes it")]
    Term(&'static str),
    #[error("`{0}` is no item of Wikidata")]
    Item(String),
    #[error("`{0}` is none of the offices state, government, foreign, defence")]
    Office(String),
    #[error("the countries pack has no country `{0}`")]
    Country(String),
    #[error("its `{0}` is no date: `{1}`")]
    Date(&'static str, String),
    #[error("its `{0}` is not known")]
    Unknown(&'static str),
    #[error("it ends before it begins")]
    Backwards,
    #[error("it begins in {0}")]
    Ahead(i32),
    #[error("its `{0}` is no name: `{1}`")]
    Name(&'static str, String),
    #[error("the person has no name")]
    Nameless,
}

/// Reads a result. `entities` tell which countries there are.
///
/// # Errors
/// It is none, or answers another query. A row that is wrong is no error.
pub fn read(bytes: &[u8], entities: &Entities, today: NaiveDate) -> Result<Facts, RefreshError> {
    if bytes.len() as u64 > BYTES_MAX {
        return Err(RefreshError::TooLarge);
    }
    let facts = Facts { as_of: today, ..Facts::default() };
    let mut reading = Reading { entities, facts, vars: Vec::new(), has_rows: false };
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = document::walk(&mut reading, &mut json).and_then(|()| json.end());
    if reading.facts.rows > ROWS_MAX {
        return Err(RefreshError::TooManyRows);
    }
    read.map_err(|error| match error.is_eof() {
        true => RefreshError::Truncated(error),
        false => RefreshError::NotAResult(error),
    })?;
    if !reading.has_rows {
        return Err(RefreshError::NotAResult(serde_json::Error::custom("it has no `results` with `bindings`")));
    }
    match REQUIRED.into_iter().find(|name| !reading.vars.iter().any(|var| var == name)) {
        Some(missing) => Err(RefreshError::NoVariable(missing)),
        None => Ok(reading.facts),
    }
}

struct Reading<'a> {
    entities: &'a Entities,
    facts: Facts,
    vars: Vec<String>,
    has_rows: bool,
}

impl Reading<'_> {
    fn row(&mut self, row: &Value) {
        self.facts.rows += 1;
        if let Err(problem) = self.believe(row) {
            self.facts.skipped += 1;
            if self.facts.reasons.len() < REASONS_MAX {
                let item = row["person"]["value"].as_str().and_then(item).unwrap_or_default();
                let who = if item.is_empty() { String::new() } else { format!(" ({item})") };
                self.facts.reasons.push(format!("row {}{who}: {problem}", self.facts.rows));
            }
        }
    }

    fn believe(&mut self, row: &Value) -> Result<(), RowProblem> {
        let row = Row(row.as_object().ok_or(RowProblem::Shape)?);
        let person = row.required("person")?.value;
        let id = item(person).ok_or_else(|| RowProblem::Item(shown(person)))?;
        let office = row.required("office")?.value;
        let office = Office::parse(office).ok_or_else(|| RowProblem::Office(shown(office)))?;
        let title = row.required("title")?;
        let title = name(title.value).ok_or_else(|| RowProblem::Name("title", shown(title.value)))?;
        let country = row.required("country")?.value;
        let is_country = self.entities.place(country).is_some_and(|place| place.kind == PlaceKind::Country);
        if !is_country {
            return Err(RowProblem::Country(shown(country)));
        }
        row.required("start")?;
        let Some((from, _)) = row.days("start", "startPrecision")? else { return Err(RowProblem::Missing("start")) };
        let to = row.days("end", "endPrecision")?.map(|(_, last)| last);
        if to.is_some_and(|to| to < from) {
            return Err(RowProblem::Backwards);
        }
        if self.facts.as_of.checked_add_months(Months::new(AHEAD_MONTHS_MAX)).is_some_and(|limit| from > limit) {
            return Err(RowProblem::Ahead(from.year()));
        }
        let called = row.name_of_person()?;
        // A death whose day is not known says nothing of an office.
        let died = row.days("died", "diedPrecision").unwrap_or_default().map(|(_, last)| last);
        let family = row.optional("family")?.and_then(|family| name(family.value));
        let mut names = Vec::new();
        for lang in LANGS {
            // A label that is none is left out; the office is told all the same.
            names.extend(row.optional(lang)?.and_then(|label| name(label.value)).map(|label| (lang, label)));
        }
        let facts = self.facts.persons.entry(id).or_default();
        if facts.name.is_empty() {
            facts.name = called;
        }
        facts.family = family.or(facts.family.take());
        facts.died = facts.died.into_iter().chain(died).min();
        for (lang, label) in names {
            facts.names.entry(lang).or_insert(label);
        }
        facts.add(RoleFact { office, title, country: country.to_owned(), from, to });
        Ok(())
    }
}

impl PersonFacts {
    /// A term may come in several rows, and two statements may speak of one term: the later end is believed.
    fn add(&mut self, role: RoleFact) {
        let is_same = |known: &&mut RoleFact| {
            known.title == role.title && known.country == role.country && known.from == role.from
        };
        match self.roles.iter_mut().find(is_same) {
            Some(known) => known.to = known.to.zip(role.to).map(|(a, b)| a.max(b)),
            None => self.roles.push(role),
        }
    }
}

struct Row<'a>(&'a serde_json::Map<String, Value>);

struct Term<'a> {
    /// `uri`, `literal` or `bnode`; some services still write `typed-literal`.
    kind: &'a str,
    value: &'a str,
}

impl<'a> Row<'a> {
    fn optional(&self, variable: &'static str) -> Result<Option<Term<'a>>, RowProblem> {
        let Some(term) = self.0.get(variable) else { return Ok(None) };
        let text = |key: &str| term.get(key).and_then(Value::as_str);
        let (Some(kind), Some(value)) = (text("type"), text("value")) else { return Err(RowProblem::Term(variable)) };
        Ok(Some(Term { kind, value }))
    }

    fn required(&self, variable: &'static str) -> Result<Term<'a>, RowProblem> {
        self.optional(variable)?.ok_or(RowProblem::Missing(variable))
    }

    /// The first and the last day that a date may mean.
    fn days(
        &self,
        variable: &'static str,
        precision: &'static str,
    ) -> Result<Option<(NaiveDate, NaiveDate)>, RowProblem> {
        let Some(term) = self.optional(variable)? else { return Ok(None) };
        // "Some value, nobody knows which" is a blank node, or an address that stands for one.
        if term.kind == "bnode" || term.kind == "uri" {
            return Err(RowProblem::Unknown(variable));
        }
        let wrong = || RowProblem::Date(variable, shown(term.value));
        let date = term.value.split_once('T').map_or(term.value, |(date, _)| date);
        let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").map_err(|_| wrong())?;
        if !(1000..=9999).contains(&date.year()) {
            return Err(wrong());
        }
        let precision = self.optional(precision)?.map_or("11", |term| term.value);
        let first = match precision {
            "9" => date.with_ordinal(1),
            "10" => date.with_day(1),
            // Hours and minutes are on a day as well.
            "11" | "12" | "13" | "14" => return Ok(Some((date, date))),
            // A decade tells no year.
            _ => return Err(RowProblem::Unknown(variable)),
        };
        let months = Months::new(if precision == "9" { 12 } else { 1 });
        let first = first.ok_or_else(wrong)?;
        let last = first.checked_add_months(months).and_then(|next| next.pred_opt()).ok_or_else(wrong)?;
        Ok(Some((first, last)))
    }

    /// Article, else English label, else the label for all languages.
    fn name_of_person(&self) -> Result<String, RowProblem> {
        if let Some(article) = self.optional("article")? {
            let title = title_of(article.value).and_then(|title| name(&title));
            return title.ok_or_else(|| RowProblem::Name("article", shown(article.value)));
        }
        for variable in ["label", "mul"] {
            if let Some(label) = self.optional(variable)? {
                return name(label.value).ok_or_else(|| RowProblem::Name(variable, shown(label.value)));
            }
        }
        Err(RowProblem::Nameless)
    }
}

/// `http://www.wikidata.org/entity/Q7747` → `Q7747`
fn item(uri: &str) -> Option<String> {
    let item = ["http", "https"]
        .iter()
        .find_map(|scheme| uri.strip_prefix(scheme)?.strip_prefix("://www.wikidata.org/entity/"))?;
    let digits = item.strip_prefix('Q')?;
    let is_number = (1..=12).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    (is_number && !digits.starts_with('0')).then(|| item.to_owned())
}

/// A name or title in one line, or nothing where it is none.
fn name(text: &str) -> Option<String> {
    // Left-to-right and right-to-left marks come with labels and are no part of the name.
    let is_mark = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}');
    let is_odd = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain: String = text.chars().filter(|c| !is_mark(*c)).collect();
    let words: Vec<&str> = plain.split([' ', '\u{a0}']).filter(|word| !word.is_empty()).collect();
    let name = words.join(" ");
    let is_name = name.chars().any(char::is_alphabetic)
        && name.chars().count() <= NAME_CHARS_MAX
        && !name.contains(is_odd)
        && !name.contains(['"', '\\', '<', '>', '=', '*', '{', '}', '@'])
        // In packs it says that a name counts only with a word beside it.
        && !name.starts_with('~');
    is_name.then_some(name)
}

/// `https://en.wikipedia.org/wiki/John_Smith_(politician)` → `John Smith`
fn title_of(article: &str) -> Option<String> {
    let path = article.strip_prefix("https://en.wikipedia.org/wiki/")?;
    let title = unescaped(path)?.replace('_', " ");
    let plain = title.strip_suffix(')').and_then(|title| title.rsplit_once(" (")).map(|(name, _)| name.to_owned());
    Some(plain.unwrap_or(title))
}

/// Percent escapes to text.
fn unescaped(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let digits = rest.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[at + 3..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

/// A stranger's value as it may stand in a message.
fn shown(value: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 60;
    let mut shown: String = value.chars().take(SHOWN_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if value.chars().count() > SHOWN_CHARS_MAX {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::watch::pack::Packs;

    fn row(changes: &[(&str, Value)]) -> Value {
        let literal = |value: &str| json!({"type": "literal", "value": value});
        let mut row = json!({
            "person": {"type": "uri", "value": "http://www.wikidata.org/entity/Q99999901"},
            "office": literal("state"),
            "title": literal("President of France"),
            "country": literal("FR"),
            "start": literal("2031-05-14T00:00:00Z"),
            "article": {"type": "uri", "value": "https://en.wikipedia.org/wiki/Ana_Ex%C3%A1mple_(politician)"},
        });
        for (variable, value) in changes {
            match value {
                Value::Null => drop(row.as_object_mut().unwrap().remove(*variable)),
                Value::String(text) => row[*variable] = literal(text),
                value => row[*variable] = value.clone(),
            }
        }
        row
    }

    fn result(rows: &[Value]) -> Facts {
        let document = json!({"head": {"vars": REQUIRED}, "results": {"bindings": rows}});
        let today = NaiveDate::from_ymd_opt(2031, 6, 1).unwrap();
        read(document.to_string().as_bytes(), &Packs::built_in().entities, today).unwrap()
    }

    fn refused(document: &str) -> RefreshError {
        read(document.as_bytes(), &Packs::built_in().entities, NaiveDate::MAX).unwrap_err()
    }

    #[test]
    fn rows_of_a_person_come_together() {
        let read = result(&[
            row(&[("ru", "Ана Экзампл".into()), ("family", "Exámple".into())]),
            row(&[("end", "2036-05-13T00:00:00Z".into())]),
            row(&[
                ("title", "Minister of Defence".into()),
                ("office", "defence".into()),
                ("start", "2028-01-01T00:00:00Z".into()),
                ("startPrecision", "9".into()),
                ("end", "2029-03-01T00:00:00Z".into()),
                ("endPrecision", "10".into()),
            ]),
        ]);
        assert_eq!((read.rows, read.skipped), (3, 0), "{:?}", read.reasons);
        let person = &read.persons["Q99999901"];
        assert_eq!((person.name.as_str(), person.family.as_deref()), ("Ana Exámple", Some("Exámple")));
        assert_eq!(person.names, BTreeMap::from([("ru", "Ана Экзампл".to_owned())]));
        let roles: Vec<_> = person.roles.iter().map(|r| format!("{} {} {:?}", r.title, r.from, r.to)).collect();
        // One row leaves it open: then it is.
        assert_eq!(roles, ["President of France 2031-05-14 None", "Minister of Defence 2028-01-01 Some(2029-03-31)"]);
    }

    #[track_caller]
    fn check_skipped(changes: &[(&str, Value)], why: &str) {
        let read = result(&[row(changes), row(&[("country", "DE".into())])]);
        assert_eq!((read.rows, read.skipped, read.persons["Q99999901"].roles.len()), (2, 1, 1), "{changes:?}");
        assert!(read.reasons[0].starts_with("row 1") && read.reasons[0].contains(why), "{:?}", read.reasons);
    }

    #[test]
    fn row_that_is_wrong_is_skipped_and_told() {
        let uri = |value: &str| json!({"type": "uri", "value": value});
        check_skipped(&[("person", uri("http://www.wikidata.org/entity/P39"))], "no item of Wikidata");
        check_skipped(&[("person", uri("http://example.org/Q7"))], "no item of Wikidata");
        check_skipped(&[("person", Value::Null)], "no `person`");
        check_skipped(&[("office", "mayor".into())], "none of the offices");
        check_skipped(&[("title", "".into())], "no name");
        check_skipped(&[("title", "x".repeat(200).into())], "no name");
        check_skipped(&[("title", "a\u{1b}[31m".into())], "no name");
        check_skipped(&[("country", "SU".into())], "no country `SU`");
        check_skipped(&[("country", "nato".into())], "no country `nato`");
        check_skipped(&[("start", Value::Null)], "no `start`");
        check_skipped(&[("start", "2031-02-30T00:00:00Z".into())], "no date");
        check_skipped(&[("start", "-0044-03-15T00:00:00Z".into())], "no date");
        check_skipped(&[("start", "tomorrow".into())], "no date");
        check_skipped(&[("start", "2030-01-01T00:00:00Z".into()), ("startPrecision", "8".into())], "not known");
        check_skipped(&[("start", "2999-01-01T00:00:00Z".into())], "begins in 2999");
        check_skipped(&[("end", "2031-05-13T00:00:00Z".into())], "ends before it begins");
        check_skipped(&[("end", uri("http://www.wikidata.org/.well-known/genid/a1"))], "`end` is not known");
        check_skipped(&[("end", json!({"type": "bnode", "value": "t1"}))], "`end` is not known");
        check_skipped(&[("article", uri("https://en.wikipedia.org/wiki/%FF"))], "no name");
        check_skipped(&[("article", Value::Null)], "has no name");
        check_skipped(&[("ru", json!(7))], "not a value");
    }

    #[test]
    fn only_the_first_reasons_are_kept() {
        let rows: Vec<Value> = (0..20).map(|_| row(&[("country", "XX".into())])).chain([json!(7)]).collect();
        let read = result(&rows);
        assert_eq!((read.rows, read.skipped, read.reasons.len()), (21, 21, REASONS_MAX));
    }

    #[test]
    fn what_is_no_result_says_why() {
        let whole = json!({"head": {"vars": REQUIRED}, "results": {"bindings": [row(&[])]}}).to_string();
        for end in [0, 1, 20, whole.len() / 2, whole.len() - 1] {
            assert!(matches!(refused(&whole[..end]), RefreshError::Truncated(_)), "{end}");
        }
        // A query service out of time writes its complaint into the middle of the answer.
        let complaint = format!("{}\njava.util.concurrent.TimeoutException", &whole[..whole.len() / 2]);
        for document in [complaint.as_str(), "<html>", "[]", "{}", "{\"head\":{},\"boolean\":true}", "{} {}"] {
            assert!(matches!(refused(document), RefreshError::NotAResult(_)), "{document}");
        }
        let other = "{\"head\":{\"vars\":[\"item\"]},\"results\":{\"bindings\":[]}}";
        assert!(matches!(refused(other), RefreshError::NoVariable("person")));
        let rows = vec!["{}"; ROWS_MAX + 1].join(",");
        let many = format!("{{\"head\":{{\"vars\":[]}},\"results\":{{\"bindings\":[{rows}]}}}}");
        assert!(matches!(refused(&many), RefreshError::TooManyRows));
    }

    #[test]
    fn names_are_read_as_they_are_meant() {
        assert_eq!(name(" Ana\u{a0} Example\u{200f}").as_deref(), Some("Ana Example"));
        assert_eq!(name("~Poutine"), None);
        assert_eq!(name("123"), None);
        assert_eq!(title_of("https://en.wikipedia.org/wiki/Ana_Example").as_deref(), Some("Ana Example"));
        assert_eq!(title_of("https://fr.wikipedia.org/wiki/Ana"), None);
        assert_eq!(title_of("https://en.wikipedia.org/wiki/A%2"), None);
    }
}

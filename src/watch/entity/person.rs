//! Leaders as a pack declares them: who they are, what they are called, which roles they held when.

use std::collections::BTreeMap;

use chrono::{Datelike, Months, NaiveDate};
use serde::Deserialize;

use crate::{article::fold::fold, watch::found::PartyId};

/// A `[[person]]` of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Wikidata item: `Q7747`.
    pub id: String,
    /// Title of the English Wikipedia article.
    pub name: String,
    /// Whose leader; a body's id for those who lead one.
    pub country: String,
    /// The word of `name` that the person is called by alone; the last one where not said.
    #[serde(default)]
    pub surname: Option<String>,
    /// How much the surname says by itself.
    #[serde(default)]
    pub call: Call,
    /// Other full names and spellings in Latin script.
    #[serde(default)]
    pub also: Vec<String>,
    /// Other spellings of the surname in Latin script.
    #[serde(default)]
    pub surnames: Vec<String>,
    /// Names in other scripts and languages.
    #[serde(default)]
    pub names: BTreeMap<String, Vec<String>>,
    /// What was held when, in order.
    pub roles: Vec<Role>,
}

/// How much a surname says by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Shared with many: counts behind the full name, or with title and country.
    Full,
    /// Counts with a title, or where the country is named.
    #[default]
    Near,
    /// Known all over the world: `Putin`.
    Alone,
}

/// One role: `["President of Russia", "2012-05-07"]`, with a last day where it has ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Role {
    /// `President of Russia`
    pub title: String,
    /// First day.
    pub from: NaiveDate,
    /// Last day; none where it is still held.
    pub to: Option<NaiveDate>,
}

impl TryFrom<Vec<String>> for Role {
    type Error = String;

    fn try_from(parts: Vec<String>) -> Result<Self, String> {
        let (title, from, to) = match parts.as_slice() {
            [title, from] => (title, from, None),
            [title, from, to] => (title, from, Some(to)),
            _ => return Err("a role is a title, a first day and, where it has ended, a last day".into()),
        };
        let (from, _) = days(from)?;
        let to = to.map(|to| days(to)).transpose()?.map(|(_, last)| last);
        if to.is_some_and(|to| to < from) {
            return Err(format!("the role \"{title}\" ends before it begins"));
        }
        Ok(Self { title: title.clone(), from, to })
    }
}

impl Role {
    /// Whether it was held on that day.
    pub fn is_held(&self, date: NaiveDate) -> bool {
        self.from <= date && self.to.is_none_or(|to| date <= to)
    }

    /// Whether a text's title, folded, can mean it: `foreign minister` fits `Minister of Foreign Affairs of Russia`.
    pub fn fits(&self, title: &str) -> bool {
        fits(&self.title, title)
    }
}

/// The same for a role's own title.
pub fn fits(role: &str, title: &str) -> bool {
    let role = fold(role).replace("defense", "defence");
    let is_part =
        |word: &str| role.split([' ', '-']).any(|part| part == word || word == "defense" && part == "defence");
    let mut meaning = title.split(' ').filter(|word| !matches!(*word, "of" | "former" | "then" | "mr" | "ex"));
    let first = meaning.next();
    first.is_some_and(|word| is_part(word) || word == "pm" && role.starts_with("prime minister"))
        && meaning.all(is_part)
}

impl Person {
    /// The role held on a day; the one taken up last where there are several.
    pub fn role_on(&self, date: NaiveDate) -> Option<&Role> {
        self.roles.iter().filter(|role| role.is_held(date)).max_by_key(|role| role.from)
    }

    /// The role held last: one that has not ended, else the one that ended last.
    pub fn last_role(&self) -> Option<&Role> {
        self.roles.iter().max_by_key(|role| (role.to.unwrap_or(NaiveDate::MAX), role.from))
    }

    /// The role held last of those that a text's title fits.
    pub fn role_that_fits(&self, title: &str) -> Option<&Role> {
        self.roles
            .iter()
            .filter(|role| role.fits(title))
            .max_by_key(|role| (role.to.unwrap_or(NaiveDate::MAX), role.from))
    }

    /// Whose leader.
    pub fn party(&self) -> PartyId {
        PartyId(self.country.as_str().into())
    }

    /// The word that the person is called by.
    pub fn surname(&self) -> &str {
        self.surname.as_deref().unwrap_or_else(|| self.name.rsplit(' ').next().unwrap_or(&self.name))
    }
}

/// First and last day of `2012`, `2012-05` or `2012-05-07`.
fn days(text: &str) -> Result<(NaiveDate, NaiveDate), String> {
    let wrong = || format!("`{text}` is no date: expected `2012`, `2012-05` or `2012-05-07`");
    let mut parts = text.split('-').map(str::parse::<u32>);
    let mut part = || parts.next().transpose().map_err(|_| wrong());
    let year = part()?.and_then(|y| i32::try_from(y).ok()).ok_or_else(wrong)?;
    let (month, day) = (part()?, part()?);
    let first = NaiveDate::from_ymd_opt(year, month.unwrap_or(1), day.unwrap_or(1)).ok_or_else(wrong)?;
    let whole = match (month, day) {
        (None, _) => Months::new(12),
        (Some(_), None) => Months::new(1),
        (Some(_), Some(_)) => return Ok((first, first)),
    };
    let last = first.checked_add_months(whole).and_then(|next| next.pred_opt()).ok_or_else(wrong)?;
    debug_assert!(last.year() == year);
    Ok((first, last))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn person() -> Person {
        let text = r#"
            id = "Q1"
            name = "Ana Example"
            country = "XX"
            roles = [
                ["Minister of Foreign Affairs of Exampleland", "2001-05", "2003-02-10"],
                ["Prime Minister of Exampleland", "2003-02-10", "2005"],
                ["President of Exampleland", "2010-01-01"],
            ]
        "#;
        toml::from_str(text).unwrap()
    }

    fn role_on(date: &str) -> Option<String> {
        person().role_on(date.parse().unwrap()).map(|role| role.title.clone())
    }

    #[test]
    fn role_is_that_of_the_day() {
        assert_eq!(role_on("2001-04-30"), None);
        assert_eq!(role_on("2001-05-01").as_deref(), Some("Minister of Foreign Affairs of Exampleland"));
        // Both hold on the day of the change: the new one is told.
        assert_eq!(role_on("2003-02-10").as_deref(), Some("Prime Minister of Exampleland"));
        assert_eq!(role_on("2005-12-31").as_deref(), Some("Prime Minister of Exampleland"));
        assert_eq!(role_on("2006-01-01"), None);
        assert_eq!(role_on("2024-02-29").as_deref(), Some("President of Exampleland"));
    }

    #[test]
    fn without_a_date_the_title_in_the_text_tells_the_role() {
        let person = person();
        let fits = |title: &str| person.role_that_fits(title).map(|role| role.title.as_str());
        assert_eq!(fits("foreign minister"), Some("Minister of Foreign Affairs of Exampleland"));
        assert_eq!(fits("prime minister"), Some("Prime Minister of Exampleland"));
        assert_eq!(fits("chancellor"), None);
        assert_eq!(person.last_role().unwrap().title, "President of Exampleland");
    }

    #[test]
    fn wrong_roles_say_what_is_wrong() {
        let role = |parts: &[&str]| Role::try_from(parts.iter().map(|&part| part.to_owned()).collect::<Vec<_>>());
        assert!(role(&["President", "2001-13"]).unwrap_err().contains("2001-13"));
        assert!(role(&["President", "2001", "2000"]).unwrap_err().contains("ends before it begins"));
        assert!(role(&["President"]).is_err());
    }
}

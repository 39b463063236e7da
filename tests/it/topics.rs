//! Leaders, arms deals and resolutions in sentences that must fire and near twins that must not.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;
use wirewatch::{
    article::{Lang, segment},
    watch::{entity, pack::Packs},
};

#[derive(Deserialize)]
struct LeaderPairs {
    pair: Vec<LeaderPair>,
}

#[derive(Deserialize)]
struct LeaderPair {
    leader: String,
    date: Option<NaiveDate>,
    lang: Option<String>,
    fires: String,
    twin: String,
}

fn leaders_in(text: &str, lang: Option<&str>, date: Option<NaiveDate>) -> Vec<String> {
    let text = segment::analyse_fields(Some(lang.and_then(Lang::from_tag).unwrap_or(Lang::EN)), "", "", text);
    let packs = Packs::built_in();
    let mentions = entity::mentions(&text, packs, date);
    entity::leaders(&mentions, packs, date).into_iter().map(|leader| leader.name).collect()
}

#[test]
fn leaders_fire_and_near_twins_do_not() {
    let LeaderPairs { pair } = toml::from_str(include_str!("../fixtures/topics/leaders.toml")).unwrap();
    let mut wrong = Vec::new();
    for LeaderPair { leader, date, lang, fires, twin } in &pair {
        let found = leaders_in(fires, lang.as_deref(), *date);
        if !found.contains(leader) {
            wrong.push(format!("missed {leader}, found {found:?}: {fires}"));
        }
        if leaders_in(twin, lang.as_deref(), *date).contains(leader) {
            wrong.push(format!("took for {leader}: {twin}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} pairs:\n{}", wrong.len(), pair.len(), wrong.join("\n"));
}

/// A surname may belong to several, since title, country and date tell them apart; a full name may not, but for those
/// who really share one and whose offices do not overlap.
#[test]
fn pack_ids_and_full_names_are_unique() {
    let entities = &Packs::built_in().entities;
    assert!(entities.persons.len() > 250 && entities.places.len() > 200);
    let mut owners: BTreeMap<String, &entity::person::Person> = BTreeMap::new();
    let mut ids = BTreeMap::new();
    for person in &entities.persons {
        assert!(ids.insert(&person.id, &person.name).is_none(), "{} stands twice", person.id);
        for name in std::iter::once(&person.name).chain(&person.also) {
            let Some(other) = owners.insert(name.to_lowercase(), person) else { continue };
            let overlap = person.roles.iter().any(|a| {
                other
                    .roles
                    .iter()
                    .any(|b| a.from <= b.to.unwrap_or(NaiveDate::MAX) && b.from <= a.to.unwrap_or(NaiveDate::MAX))
            });
            assert!(!overlap, "\"{name}\" is both {} and {}", other.name, person.name);
        }
        let country = entities.place(&person.country);
        assert!(country.is_some(), "{} leads {}, which no pack knows", person.name, person.country);
    }
    let mut ids = BTreeMap::new();
    for place in &entities.places {
        assert!(ids.insert(&place.id, &place.name).is_none(), "{} stands twice", place.id.0);
    }
}

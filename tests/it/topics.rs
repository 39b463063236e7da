//! Leaders, arms deals and resolutions in sentences that must fire and near twins that must not.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Deserialize;
use wirewatch::{
    article::{Lang, segment},
    watch::{
        entity,
        found::{ArmsDeal, PartyId, ResolutionFound, TopicFound},
        pack::Packs,
        topic,
    },
};

fn said(lang: Option<&str>, text: &str) -> (Vec<ArmsDeal>, Vec<ResolutionFound>, Vec<TopicFound>) {
    said_under(lang, "", text)
}

fn said_under(lang: Option<&str>, title: &str, text: &str) -> (Vec<ArmsDeal>, Vec<ResolutionFound>, Vec<TopicFound>) {
    let text = segment::analyse_fields(Some(lang.and_then(Lang::from_tag).unwrap_or(Lang::EN)), title, "", text);
    let packs = Packs::built_in();
    let said = topic::find(&text, &entity::mentions(&text, packs, None), packs);
    (said.arms_deals, said.resolutions, said.topics)
}

#[derive(Deserialize)]
struct Pairs<P> {
    pair: Vec<P>,
}

#[derive(Deserialize)]
struct DealPair {
    name: String,
    lang: Option<String>,
    #[serde(default)]
    title: String,
    fires: String,
    deal: ExpectedDeal,
    #[serde(default)]
    quiet_title: String,
    quiet: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedDeal {
    supplier: Option<Vec<String>>,
    recipient: Option<Vec<String>>,
    status: Option<String>,
    items: Option<Vec<String>>,
    attributed_to: Option<Vec<String>>,
    denied_by: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct ResolutionPair {
    name: String,
    lang: Option<String>,
    fires: String,
    numbers: Vec<u16>,
    status: Option<String>,
    quiet: String,
}

/// Cases that do not hold yet, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    #[serde(default)]
    twins: BTreeMap<String, String>,
    #[serde(default)]
    background: BTreeMap<String, String>,
    #[serde(default)]
    unseen: BTreeMap<String, String>,
    #[serde(default)]
    articles: BTreeMap<String, String>,
    #[serde(default)]
    citations: BTreeMap<String, String>,
}

fn open() -> Open {
    toml::from_str(include_str!("../fixtures/topics/open.toml")).unwrap()
}

/// Compares what went wrong, by case, with what is known not to hold.
fn complain_but_for(wrong: &BTreeMap<String, Vec<String>>, open: &BTreeMap<String, String>) {
    let mut said: Vec<String> = Vec::new();
    for (name, faults) in wrong.iter().filter(|(name, _)| !open.contains_key(*name)) {
        said.extend(faults.iter().map(|fault| format!("{name}: {fault}")));
    }
    said.extend(open.keys().filter(|name| !wrong.contains_key(*name)).map(|name| format!("{name}: holds after all")));
    complain(&said);
}

fn ids(parties: &[PartyId]) -> Vec<String> {
    parties.iter().map(|party| party.0.to_string()).collect()
}

fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

/// What a pair should say and does not; a test shows all of them at once.
fn complain(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn arms_deals_are_told_from_their_twins() {
    let pairs: Pairs<DealPair> = toml::from_str(include_str!("../fixtures/topics/arms-deals.toml")).unwrap();
    complain_but_for(&wrong_pairs(pairs.pair), &BTreeMap::new());
}

/// Pairs that were written without a look at the packs.
#[test]
fn arms_deals_of_wires_are_told_from_their_twins() {
    let pairs: Pairs<DealPair> = toml::from_str(include_str!("../fixtures/topics/twins.toml")).unwrap();
    assert!(pairs.pair.len() >= 60);
    complain_but_for(&wrong_pairs(pairs.pair), &open().twins);
}

/// Deals told in a clause of a sentence about something else.
#[test]
fn arms_deals_in_the_background_are_told_from_their_twins() {
    let pairs: Pairs<DealPair> = toml::from_str(include_str!("../fixtures/topics/background.toml")).unwrap();
    complain_but_for(&wrong_pairs(pairs.pair), &open().background);
}

/// Names that are a country's and another's, and what a heading and its text make of one deal together.
#[test]
fn sides_and_headings_are_told_from_their_twins() {
    let pairs: Pairs<DealPair> = toml::from_str(include_str!("../fixtures/topics/sides.toml")).unwrap();
    complain_but_for(&wrong_pairs(pairs.pair), &BTreeMap::new());
}

fn wrong_pairs(pairs: Vec<DealPair>) -> BTreeMap<String, Vec<String>> {
    let mut wrong_by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in pairs {
        let mut wrong = Vec::new();
        let (deals, ..) = said_under(pair.lang.as_deref(), &pair.quiet_title, &pair.quiet);
        if let Some(deal) = deals.first() {
            wrong.push(format!("the twin fires, {:?} → {:?}", deal.supplier, deal.recipient));
        }
        let (deals, _, topics) = said_under(pair.lang.as_deref(), &pair.title, &pair.fires);
        let Some(deal) = deals.first() else {
            wrong.push("does not fire".to_owned());
            wrong_by_name.insert(pair.name, wrong);
            continue;
        };
        assert!(topics.iter().any(|topic| topic.id == "arms-deal"));
        let found = ExpectedDeal {
            supplier: Some(ids(&deal.supplier)),
            recipient: Some(ids(&deal.recipient)),
            status: Some(word(deal.status)),
            items: Some(deal.items.iter().map(|item| item.name.clone()).collect()),
            attributed_to: Some(ids(&deal.attributed_to)),
            denied_by: Some(ids(&deal.denied_by)),
        };
        let mut check = |what: &str, expected: &Option<Vec<String>>, found: &Option<Vec<String>>| {
            let sorted = |ids: &Option<Vec<String>>| ids.clone().map(|mut ids| (ids.sort(), ids).1);
            if expected.is_some() && sorted(expected) != sorted(found) {
                wrong.push(format!("{what} {found:?}, not {expected:?}"));
            }
        };
        check("supplier", &pair.deal.supplier, &found.supplier);
        check("recipient", &pair.deal.recipient, &found.recipient);
        check("items", &pair.deal.items, &found.items);
        check("denied by", &pair.deal.denied_by, &found.denied_by);
        check("attributed to", &pair.deal.attributed_to, &found.attributed_to);
        check("status", &pair.deal.status.map(|status| vec![status]), &found.status.map(|status| vec![status]));
        if !wrong.is_empty() {
            wrong_by_name.insert(pair.name, wrong);
        }
    }
    wrong_by_name
}

#[test]
fn resolutions_are_told_from_their_twins() {
    let pairs: Pairs<ResolutionPair> = toml::from_str(include_str!("../fixtures/topics/resolutions.toml")).unwrap();
    let mut wrong = Vec::new();
    for pair in pairs.pair {
        let (_, resolutions, _) = said(pair.lang.as_deref(), &pair.quiet);
        if let Some(found) = resolutions.first() {
            wrong.push(format!("{}: the twin fires, {:?} {:?}", pair.name, found.number, found.status));
        }
        let (_, resolutions, topics) = said(pair.lang.as_deref(), &pair.fires);
        let Some(first) = resolutions.first() else {
            wrong.push(format!("{}: does not fire", pair.name));
            continue;
        };
        assert!(topics.iter().any(|topic| topic.id == "unsc-resolution"));
        let numbers: Vec<u16> = resolutions.iter().filter_map(|found| found.number).collect();
        if numbers != pair.numbers {
            wrong.push(format!("{}: numbers {numbers:?}, not {:?}", pair.name, pair.numbers));
        }
        if pair.status.as_ref().is_some_and(|status| *status != word(first.status)) {
            wrong.push(format!("{}: status {:?}, not {:?}", pair.name, first.status, pair.status));
        }
    }
    complain(&wrong);
}

#[test]
fn resolutions_know_their_year_and_subject() {
    let (_, resolutions, _) = said(None, "The UN Security Council recalled resolutions 2231 and 2500.");
    let facts: Vec<_> = resolutions.iter().map(|found| (found.number, found.year, found.subject.is_some())).collect();
    assert_eq!(facts, [(Some(2231), Some(2015), true), (Some(2500), Some(2019), false)]);
}

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

/// The article that the first user asked for; it stands beside the project, not in it.
#[test]
fn acceptance_article_tells_its_deal_and_its_breach() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/seed-article.txt");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: no {path}");
        return;
    };
    let (title, body) = text.split_once("\n\n").unwrap();
    let text = segment::analyse_fields(Some(Lang::EN), title, "", body);
    let packs = Packs::built_in();
    let said = topic::find(&text, &entity::mentions(&text, packs, None), packs);
    let (deals, resolutions) = (said.arms_deals, said.resolutions);
    let [deal] = &deals[..] else { panic!("{deals:?}") };
    assert_eq!((ids(&deal.supplier), ids(&deal.recipient)), (vec!["KP".to_owned()], vec!["RU".to_owned()]));
    assert_eq!((word(deal.status), ids(&deal.attributed_to)), ("warned".to_owned(), vec!["US".into(), "KR".into()]));
    let [resolution] = &resolutions[..] else { panic!("{resolutions:?}") };
    assert_eq!((resolution.number, word(resolution.status)), (None, "violated".to_owned()));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireArticles {
    article: Vec<WireArticle>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireArticle {
    name: String,
    date: NaiveDate,
    title: String,
    text: String,
    #[serde(default)]
    near: bool,
    #[serde(default)]
    deal: Vec<ExpectedDeal>,
    #[serde(default)]
    resolution: Vec<ExpectedResolution>,
    #[serde(default)]
    leaders: ExpectedLeaders,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedResolution {
    number: Option<u16>,
    status: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedLeaders {
    #[serde(default)]
    named: Vec<String>,
    #[serde(default)]
    never: Vec<String>,
}

const LANGUAGES: [&str; 12] = ["ar", "de", "en", "es", "fa", "fr", "ja", "ko", "ru", "tr", "uk", "zh"];

/// Ten articles in each language, half of them near misses, written without a look at the packs.
#[test]
fn articles_of_twelve_languages_fire_what_they_should() {
    complain_but_for(&wrong_articles("articles", 10, 10), &open().articles);
}

/// More of them, which the packs were not made from: twenty in English, four in each other language.
#[test]
fn articles_that_the_packs_were_not_made_from_fire_what_they_should() {
    complain_but_for(&wrong_articles("unseen", 20, 4), &open().unseen);
}

fn wrong_articles(folder: &str, english: usize, other: usize) -> BTreeMap<String, Vec<String>> {
    let folder = format!("{}/tests/fixtures/topics/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut wrong = BTreeMap::new();
    for lang in LANGUAGES {
        let text = std::fs::read_to_string(format!("{folder}/{lang}.toml")).unwrap();
        let WireArticles { article } = toml::from_str(&text).unwrap();
        let count = if lang == "en" { english } else { other };
        assert_eq!(
            (article.len(), article.iter().filter(|article| article.near).count()),
            (count, count / 2),
            "{lang}"
        );
        for article in article {
            let faults = faults_of(&article, lang);
            if !faults.is_empty() {
                wrong.insert(format!("{lang}: {}", article.name), faults);
            }
        }
    }
    wrong
}

fn faults_of(article: &WireArticle, lang: &str) -> Vec<String> {
    let text = segment::analyse_fields(Lang::from_tag(lang), &article.title, "", &article.text);
    let packs = Packs::built_in();
    let date = Some(article.date);
    let mentions = entity::mentions(&text, packs, date);
    let said = topic::find(&text, &mentions, packs);
    let mut faults = Vec::new();
    let sides = |deal: &ExpectedDeal| {
        let set = |side: &Option<Vec<String>>| side.iter().flatten().cloned().collect::<BTreeSet<_>>();
        (set(&deal.supplier), set(&deal.recipient))
    };
    let set = |side: &[PartyId]| ids(side).into_iter().collect::<BTreeSet<_>>();
    let is_same = |expected: &ExpectedDeal, found: &ArmsDeal| {
        let (supplier, recipient) = sides(expected);
        (supplier.is_empty() || supplier == set(&found.supplier)) && recipient == set(&found.recipient)
    };
    for expected in &article.deal {
        match said.arms_deals.iter().find(|found| is_same(expected, found)) {
            None => faults.push(format!("no deal {:?}", sides(expected))),
            Some(found) => {
                if expected.status.as_ref().is_some_and(|status| *status != word(found.status)) {
                    faults.push(format!("status {:?}, not {:?}", found.status, expected.status));
                }
            }
        }
    }
    for found in &said.arms_deals {
        if !article.deal.iter().any(|expected| is_same(expected, found)) {
            faults.push(format!("a deal {:?} → {:?} {:?}", found.supplier, found.recipient, found.status));
        }
    }
    for expected in &article.resolution {
        match said.resolutions.iter().find(|found| found.number == expected.number) {
            None => faults.push(format!("no resolution {:?}", expected.number)),
            Some(found) => {
                if expected.status.as_ref().is_some_and(|status| *status != word(found.status)) {
                    faults.push(format!("{:?} {:?}, not {:?}", found.number, found.status, expected.status));
                }
            }
        }
    }
    for found in &said.resolutions {
        if !article.resolution.iter().any(|expected| expected.number == found.number) {
            faults.push(format!("a resolution {:?} {:?}", found.number, found.status));
        }
    }
    let leaders: BTreeSet<String> =
        entity::leaders(&mentions, packs, date).into_iter().map(|leader| leader.name).collect();
    let missed = article.leaders.named.iter().filter(|name| !leaders.contains(*name));
    faults.extend(missed.map(|name| format!("no leader {name}, but {leaders:?}")));
    let namesakes = article.leaders.never.iter().filter(|name| leaders.contains(*name));
    faults.extend(namesakes.map(|name| format!("took somebody for {name}")));
    faults
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Citations {
    citation: Vec<Citation>,
    never: Vec<Citation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Citation {
    lang: String,
    text: String,
    #[serde(default)]
    numbers: Vec<u16>,
    year: Option<Vec<u16>>,
}

#[test]
fn resolutions_are_found_however_they_are_cited() {
    let Citations { citation, never } = toml::from_str(include_str!("../fixtures/topics/citations.toml")).unwrap();
    assert!(citation.len() >= 60);
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Citation { lang, text, numbers, year } in citation {
        let (_, resolutions, _) = said(Some(&lang), &text);
        let numbered = resolutions.iter().filter(|found| found.number.is_some());
        let found: Vec<u16> = numbered.clone().filter_map(|found| found.number).collect();
        let years: Vec<u16> = numbered.filter_map(|found| found.year).collect();
        if found != numbers || year.as_ref().is_some_and(|year| *year != years) {
            wrong.entry(text).or_default().push(format!("{found:?} {years:?}, not {numbers:?} {year:?}"));
        }
    }
    for Citation { lang, text, .. } in never {
        if let Some(found) = said(Some(&lang), &text).1.first() {
            wrong.entry(text).or_default().push(format!("fires, {:?}", found.number));
        }
    }
    complain_but_for(&wrong, &open().citations);
}

/// A list without full stops is one sentence; neither time nor what an alert holds may grow with it.
#[test]
fn endless_sentences_are_read_in_parts() {
    let endless = "Iran sent drones to Russia\n".repeat(4000);
    let (deals, ..) = said(None, &endless);
    assert_eq!(deals.len(), 1);
    let evidence = deals[0].evidence;
    assert!(evidence.end_chars - evidence.start_chars < 2000, "{evidence:?}");
    let cited: String = (1..9000).map(|number| format!("UNSCR {number}, ")).collect();
    let (_, resolutions, _) = said(None, &cited);
    assert!((100..1000).contains(&resolutions.len()), "{}", resolutions.len());
    assert!(resolutions.iter().all(|found| found.evidence.end_chars - found.evidence.start_chars < 3000));
}

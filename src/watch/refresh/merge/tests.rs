//! What a refresh makes of packs as they are, on packs of a few lines.
#![allow(clippy::unwrap_used)]
use super::*;

const PACK: &str = r#"
        [[person]]
        id = "Q1"
        name = "Ana Example"
        country = "FR"
        call = "alone"
        also = ["Ana Exemple"]
        names = { fr = ["~Exemple"] }
        roles = [["Prime Minister of France", "2001-01-02", "2002"], ["President of France", "2010-05-16"]]

        [[person]]
        id = "john-sample"
        name = "John Sample"
        country = "DE"
        roles = [["Chancellor of Germany", "2010-01-01"]]

        [[person]]
        id = "Q7"
        name = "Karl Sample"
        country = "DE"
        roles = [["Minister of Defence of Germany", "1950-01-01", "1955-01-01"]]
    "#;

fn entities() -> Entities {
    #[derive(serde::Deserialize)]
    struct File {
        person: Vec<Person>,
    }
    let file: File = toml::from_str(PACK).unwrap();
    let places = crate::watch::pack::Packs::built_in().entities.places.clone();
    Entities::new(places, file.person, &[])
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// `Q5, Ana Example, FR: state President of France 2010-05-16 2015-05-15`
fn facts(lines: &[&str]) -> Facts {
    let mut facts = Facts { as_of: date("2026-11-26"), ..Facts::default() };
    for line in lines {
        let (who, role) = line.split_once(": ").unwrap();
        let who: Vec<&str> = who.split(", ").collect();
        let mut words: Vec<&str> = role.split(' ').collect();
        let mut dates = Vec::new();
        while let Ok(date) = words.last().unwrap().parse::<NaiveDate>() {
            dates.insert(0, date);
            words.pop();
        }
        let person = facts.persons.entry(who[0].to_owned()).or_default();
        person.name = who[1].to_owned();
        person.roles.push(RoleFact {
            office: Office::parse(words[0]).unwrap(),
            title: words[1..].join(" "),
            country: who[2].to_owned(),
            from: dates[0],
            to: dates.get(1).copied(),
        });
    }
    facts
}

fn shown(refreshed: &Refreshed) -> Vec<String> {
    let role = |role: &Role| match role.to {
        Some(to) => format!("{} {} {to}", role.title, role.from),
        None => format!("{} {}", role.title, role.from),
    };
    let roles = |person: &Person| person.roles.iter().map(role).collect::<Vec<_>>().join("; ");
    refreshed.persons.iter().map(|person| format!("{} {}: {}", person.id, person.name, roles(person))).collect()
}

#[track_caller]
fn check(lines: &[&str], expected: &[&str]) {
    let refreshed = merge(&facts(lines), &entities(), &[]);
    assert_eq!(shown(&refreshed), expected, "{:?}", refreshed.doubts);
}

#[test]
fn what_the_packs_know_changes_nothing() {
    check(
        &[
            "Q1, Ana Example, FR: state President of France 2010-05-14 ",
            "Q1, Ana Example, FR: government head of government of France 2001-01-02 2002-02-03",
            "Q2, John Sample, DE: government Federal Chancellor 2010-02-01",
        ]
        .map(str::trim_end),
        &[],
    );
}

#[test]
fn open_office_ends_with_its_last_term() {
    let kept = "Prime Minister of France 2001-01-02 2002-12-31";
    check(
        &[
            "Q1, Ana Example, FR: state President of France 2010-05-16 2015-05-15",
            "Q1, Ana Example, FR: state President of France 2015-05-15 2020-05-14",
        ],
        &[&format!("Q1 Ana Example: {kept}; President of France 2010-05-16 2020-05-14")],
    );
    check(
        &[
            "Q1, Ana Example, FR: state President of France 2010-05-16 2015-05-15",
            "Q1, Ana Example, FR: state President of France 2015-05-15",
        ],
        &[],
    );
}

#[test]
fn office_that_is_not_known_is_added_under_its_country() {
    check(
        &["Q1, Ana Example, FR: foreign minister of foreign affairs 2003-01-01 2004-01-01"],
        &["Q1 Ana Example: Prime Minister of France 2001-01-02 2002-12-31; \
               Minister of Foreign Affairs of France 2003-01-01 2004-01-01; President of France 2010-05-16"],
    );
}

#[test]
fn person_without_an_item_is_known_by_name_and_country() {
    check(
        &["Q9, John Sample, DE: government Chancellor of Germany 2010-01-01 2014-01-01"],
        &["john-sample John Sample: Chancellor of Germany 2010-01-01 2014-01-01"],
    );
    // An item that differs is another person, unless both held one office at one time.
    check(
        &["Q9, Karl Sample, DE: defence Federal Minister of Defence 2020-01-01"],
        &["Q9 Karl Sample: Federal Minister of Defence of Germany 2020-01-01"],
    );
    check(&["Q9, Karl Sample, DE: defence Federal Minister of Defence 1951-01-01 1954-01-01"], &[]);
}

#[test]
fn office_left_open_after_somebody_else_took_it_up_is_doubted() {
    let lines = [
        "Q8, Old Holder, IT: state President of Italy 1999-01-01",
        "Q9, New Holder, IT: state President of Italy 2006-01-01",
    ];
    let refreshed = merge(&facts(&lines), &entities(), &[]);
    assert_eq!(shown(&refreshed), ["Q9 New Holder: President of Italy 2006-01-01"]);
    assert!(refreshed.doubts[0].contains("Q9 took it up on 2006-01-01"), "{:?}", refreshed.doubts);
    // Somebody who comes into office next month has not ended anything yet.
    let lines = [lines[0], "Q9, New Holder, IT: state President of Italy 2026-12-26"];
    let refreshed = merge(&facts(&lines), &entities(), &[]);
    assert_eq!((refreshed.persons.len(), refreshed.doubts.len()), (2, 0));
}

#[test]
fn death_ends_an_office() {
    let mut facts = facts(&["Q8, Late Holder, IT: state President of Italy 1999-01-01"]);
    facts.persons.get_mut("Q8").unwrap().died = Some(date("2001-02-03"));
    let refreshed = merge(&facts, &entities(), &[]);
    assert_eq!(shown(&refreshed), ["Q8 Late Holder: President of Italy 1999-01-01 2001-02-03"]);
}

#[test]
fn names_are_added_where_the_pack_has_none() {
    let mut facts = facts(&["Q1, Ana Example, FR: state President of France 2010-05-16"]);
    facts.persons.get_mut("Q1").unwrap().names = BTreeMap::from([
        ("fr", "Ana Exemplé".to_owned()),
        ("de", "Ana Exemple".to_owned()),
        ("ru", "Ана Экзампл".to_owned()),
        ("ja", "Ana Example".to_owned()),
        ("uk", "Екзампл, Ана".to_owned()),
    ]);
    let person = &merge(&facts, &entities(), &[]).persons[0];
    let expected = [("fr", "~Exemple"), ("ru", "Ана Экзампл")].map(|(l, n)| (l.to_owned(), vec![n.to_owned()]));
    assert_eq!(person.names, BTreeMap::from(expected));
    assert_eq!((person.call, person.also.len(), person.roles.len()), (Call::Alone, 1, 2));
}

#[track_caller]
fn check_surname(name: &str, family: Option<&str>, country: &str, expected: (&str, Call)) {
    let mut facts = facts(&[&format!("Q9, {name}, {country}: state President 2020-01-01")]);
    facts.persons.get_mut("Q9").unwrap().family = family.map(str::to_owned);
    let refreshed = merge(&facts, &entities(), &[]);
    assert_eq!((refreshed.persons[0].surname(), refreshed.persons[0].call), expected);
}

#[test]
fn surname_is_the_family_name_where_it_stands() {
    check_surname("Zoe Brandnew", None, "FR", ("Brandnew", Call::Near));
    check_surname("Zoe Sample", None, "FR", ("Sample", Call::Full));
    check_surname("Choe Brand-nyu", Some("Choe"), "FR", ("Choe", Call::Near));
    check_surname("Choe Brand-nyu", None, "KR", ("Choe", Call::Near));
    check_surname("Zoe von der Brand", Some("Von der Brand"), "DE", ("von der Brand", Call::Near));
    check_surname("Zoe Brandnew", Some("Othername"), "FR", ("Brandnew", Call::Near));
    check_surname("Zoe XIV", None, "FR", ("Zoe XIV", Call::Full));
    check_surname("Wu Li", None, "FR", ("Li", Call::Full));
}

#[test]
fn what_the_last_refresh_said_of_others_is_kept() {
    let first = merge(&facts(&["Q8, Old Friend, IT: state President of Italy 1999-01-01"]), &entities(), &[]);
    let second_facts = facts(&["Q9, New Friend, ES: government Prime Minister 2006-01-01"]);
    let second = merge(&second_facts, &entities(), &first.persons);
    assert_eq!((second.kept, second.persons.len()), (1, 2));
    let third = merge(&second_facts, &entities(), &second.persons);
    assert_eq!((third.kept, &third.persons), (1, &second.persons));
    // Corrected since: the old word does not stand beside the new one.
    let corrected = facts(&["Q8, Old Friend, IT: state President of Italy 1999-01-01 2000-01-01"]);
    let last = merge(&corrected, &entities(), &second.persons);
    assert_eq!(shown(&last)[1], "Q8 Old Friend: President of Italy 1999-01-01 2000-01-01");
    // The packs have come to know the person.
    let mut known = entities();
    known.persons.push(Person { id: "old-friend".into(), ..first.persons[0].clone() });
    assert_eq!(merge(&Facts::default(), &known, &first.persons).persons, []);
}

#[test]
fn king_of_many_countries_leads_one() {
    let mut facts = facts(&[
        "Q9, Zoe XIV, GB: state monarch of the United Kingdom 2022-09-08",
        "Q9, Zoe XIV, CA: state monarch of Canada 2022-09-08",
    ]);
    facts.persons.get_mut("Q9").unwrap().died = None;
    let refreshed = merge(&facts, &entities(), &[]);
    assert_eq!(shown(&refreshed), ["Q9 Zoe XIV: Monarch of Canada 2022-09-08"]);
}

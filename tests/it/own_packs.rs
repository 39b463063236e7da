//! Packs of the user's folder: topics of their own, words for the built-in ones, and what is wrong with them.

use super::program::Desk;

/// The pack that the docs show, so that what they show works.
fn example(head: &str) -> String {
    let docs = include_str!("../../docs/packs.md");
    let blocks = docs.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.into_iter().find(|block| block.contains(head)).expect("the docs show it").to_owned()
}

fn desk(file: &str, pack: &str) -> Desk {
    let desk = Desk::new("[packs]\npath = \"packs\"\n");
    std::fs::create_dir(desk.path("packs")).unwrap();
    desk.write(&format!("packs/{file}"), pack);
    desk
}

fn article(text: &str) -> String {
    serde_json::json!({ "title": "", "text": text, "lang": "en" }).to_string() + "\n"
}

#[test]
fn topic_of_an_own_pack_fires_and_stands_in_alerts() {
    let desk = desk("coups.toml", &example("id = \"coups\""));
    let input = article("Soldiers in Gabon seized power on Wednesday.")
        + &article("A coup attempt failed. Nobody was hurt in Peru.")
        + &article("She pulled off a coup at the auction.");
    let ran = desk.run_with_input(&["match", "--near", "--query", "topic:coup", "-"], &input);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines = ran.lines();
    let alert = &lines[0]["alerts"][0];
    assert_eq!((&alert["topics"][0], &alert["confidence"]), (&"coup".into(), &0.9.into()), "{ran:?}");
    let texts: Vec<_> = alert["matches"].as_array().unwrap().iter().map(|hit| hit["text"].clone()).collect();
    assert!(texts.contains(&"Gabon".into()), "{texts:?}");
    assert_eq!(lines[1]["near"][0]["lacks"], "all of it is there, but in no one sentence");
    assert_eq!(lines[2]["near"][0]["lacks"], "`country:any` is missing");
    // Its lists are there for every query.
    let ran = desk.run_with_input(&["match", "--query", "@coups.actor", "-"], &input);
    assert_eq!(ran.lines()[0]["alerts"].as_array().unwrap().len(), 1, "{ran:?}");
    let explained = desk.run_with_input(&["explain", "--text", "--query", "topic:coup", "-"], &input);
    assert!(explained.stdout.contains("by the told of a country rule"), "{explained:?}");
    assert!(explained.stdout.contains("in no one sentence: “coup”"), "{explained:?}");
}

#[test]
fn own_words_add_to_the_built_in_ones() {
    let text = article("France helicoptered in missiles to Kenya.");
    let query = ["match", "--query", "topic:arms-deal", "-"];
    let without = Desk::new("").run_with_input(&query, &text);
    assert!(without.lines()[0]["alerts"].as_array().unwrap().iter().all(|alert| {
        alert["arms_deals"][0]["status"] != "delivered" || alert["confidence"].as_f64().unwrap() < 0.8
    }));
    let desk = desk("arms-deals.toml", &example("id = \"arms-deals\""));
    let ran = desk.run_with_input(&query, &(text + &article("Iraq ordered rifles from FN Herstal.")));
    let deal = |line: usize| ran.lines()[line]["alerts"][0]["arms_deals"][0].clone();
    assert_eq!((&deal(0)["supplier"][0], &deal(0)["recipient"][0]), (&"FR".into(), &"KE".into()), "{ran:?}");
    assert_eq!(deal(0)["status"], "delivered");
    assert_eq!((&deal(1)["supplier"][0], &deal(1)["recipient"][0]), (&"BE".into(), &"IQ".into()), "{ran:?}");
}

#[test]
fn mistakes_are_told_with_their_places() {
    let head = "[pack]\nid = \"own\"\nversion = \"1\"\ndescription = \"own\"\n[list.act]\nen = [\"coup\"]\n";
    let topic = |id: &str, rule: &str| format!("{head}[[topic]]\nid = \"{id}\"\nname = \"Own\"\n{rule}");
    let rule = |when: &str, confidence: &str| {
        format!("[[topic.rule]]\nname = \"r\"\nwhen = '{when}'\nconfidence = {confidence}\n")
    };
    for (pack, place, said) in [
        (topic("own", &rule("@atc", "0.9")), "own.toml:12:9", "did you mean `@act`?"),
        (topic("own", &rule("(@act", "0.9")), "own.toml:12:9", "never closed"),
        (topic("own", &rule("watch:leaders @act", "0.9")), "own.toml:12:9", "watch"),
        (topic("own", &rule("@act", "9")), "own.toml:13:14", "not between 0 and 1"),
        (topic("own", ""), "own.toml:8:6", "no rule"),
        (topic("arms-deal", &rule("@act", "0.9")), "own.toml:8:6", "there is a topic `arms-deal` already"),
        (topic("Own Topic", &rule("@act", "0.9")), "own.toml:8:6", "small letters"),
        (format!("{head}[[topic]]\nid = \"own\"\nnom = \"Own\"\n"), "own.toml:9:1", "nom"),
    ] {
        let ran = desk("own.toml", &pack).run(&["check", "--text"]);
        let output = ran.stdout.clone() + &ran.stderr;
        assert_eq!(ran.code, Some(2), "{pack}\n{output}");
        assert!(output.contains(place) && output.contains(said), "{place} {said}:\n{output}");
    }
}

//! What the first user asked for, run as the README says: the demo, and the article and tools that stand beside the
//! project where they do.

use std::process::Command;

use super::program::{Desk, beside};

#[test]
fn demo_shows_all_three_topics_and_verifies_its_webhook() {
    let desk = Desk::new("");
    let ran = desk.run(&["demo", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let alerts = ran.lines();
    for watch in ["arms-deals", "unsc-resolutions", "leaders", "sanctions-evasion"] {
        assert!(alerts.iter().any(|a| a["data"]["watch"]["id"] == watch), "{watch} has no alert");
    }
    let summary = format!("{} delivered and verified by signature, 0 rejected, 0 sent twice", alerts.len());
    assert!(ran.stderr.contains(&summary), "{}", ran.stderr);
    assert!(ran.stderr.contains("4 answered 304"), "{}", ran.stderr);
    // Spans slice back to their text, in whatever script it is.
    for alert in &alerts {
        assert!(!alert["data"]["matches"].as_array().unwrap().is_empty(), "{alert}");
        assert!(!alert["data"]["excerpt"].as_str().unwrap().is_empty(), "{alert}");
    }
}

#[test]
fn acceptance_article_fires_all_topics_with_the_right_details() {
    let Some(article) = beside("data/seed-article.txt") else { return };
    let desk = Desk::new("");
    std::fs::remove_file(desk.path("wirewatch.toml")).unwrap();
    let ran = desk.run(&["match", article.to_str().unwrap()]);
    let lines = ran.lines();
    let [line] = &lines[..] else { panic!("{ran:?}") };
    let alerts = line["alerts"].as_array().unwrap();
    let watches: Vec<_> = alerts.iter().map(|a| a["watch"]["id"].as_str().unwrap()).collect();
    assert_eq!(watches, ["arms-deals", "unsc-resolutions", "leaders"]);

    let text = std::fs::read_to_string(&article).unwrap();
    let (title, body) = text.split_once("\n\n").unwrap();
    let deal = &alerts[0]["arms_deals"];
    assert_eq!(deal.as_array().unwrap().len(), 1, "{deal}");
    assert_eq!(deal[0]["supplier"], serde_json::json!(["KP"]));
    assert_eq!(deal[0]["recipient"], serde_json::json!(["RU"]));
    assert_eq!(deal[0]["status"], "warned");
    let resolution = &alerts[0]["resolutions"];
    assert_eq!((&resolution[0]["number"], &resolution[0]["status"]), (&serde_json::Value::Null, &"violated".into()));
    let leaders = alerts[0]["leaders"].as_array().unwrap();
    let mut names: Vec<_> = leaders.iter().map(|l| l["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Kim Jong Un", "Sergei Shoigu", "Vladimir Putin"]);
    // Two mentions in so many letters, and the one that is glued to the next word.
    let glued = body[..body.find("Putinwill").unwrap()].chars().count();
    let spans = alerts[2]["matches"].as_array().unwrap();
    let is_glued = |m: &serde_json::Value| m["end"].as_u64().unwrap() as usize == glued_end(glued);
    assert!(spans.iter().any(is_glued), "no match ends inside `Putinwill`: {spans:?}");
    assert!(title.len() > 10);
}

fn glued_end(start: usize) -> usize {
    start + "Putin".len()
}

#[test]
fn crash_test_loses_nothing() {
    let Some(tool) = beside("tools/crashtest.py") else { return };
    let Some(template) = beside("tools/crashtest.toml") else { return };
    let program = env!("CARGO_BIN_EXE_wirewatch");
    let output = Command::new("python3")
        .arg(tool)
        .args(["run", "--cmd", &format!("{program} run --config {{config}}"), "--template"])
        .arg(template)
        .args(["--kills", "12", "--items", "150", "--strict"])
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: there is no python3");
        return;
    };
    let report = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
}

/// The block of the README that is fenced as this language, the first of them.
fn fenced(language: &str) -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let after = readme.split_once(&format!("```{language}\n")).expect("the README has such a block").1;
    after.split_once("```").unwrap().0.to_owned()
}

#[test]
fn readme_config_passes_its_check() {
    let desk = Desk::new(&fenced("toml"));
    let secret = desk.run(&["secret", "new"]).stdout;
    let output = desk.command(&["check"]).env("HOOK_SECRET", secret.trim()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("error"), "{output:?}");
}

#[test]
fn readme_names_the_two_commands_first() {
    let block = fenced("sh");
    let commands: Vec<&str> = block.lines().map(|line| line.split('#').next().unwrap_or("").trim()).collect();
    assert_eq!(commands, ["cargo run --release -- demo", "cargo test --all-features"]);
}

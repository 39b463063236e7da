//! What the commands beside the daemon print, take and refuse.

use super::program::Desk;

#[test]
fn mistakes_of_queries_are_told_beside_those_of_the_config() {
    let desk = Desk::new(
        "[daemon]\ninterval = 5\n[lists]\narms = [\"missile\"]\n\
         [[watch]]\nid = \"a\"\nquery = '@arms AND ('\n[[watch]]\nid = \"b\"\nquery = '@amrs'\n",
    );
    for command in [&["check", "--text"][..], &["match", "-"]] {
        let ran = desk.run(command);
        assert_eq!(ran.code, Some(2));
        let said = ran.stdout + &ran.stderr;
        for place in ["wirewatch.toml:2:12", "wirewatch.toml:7:", "wirewatch.toml:10:", "did you mean `@arms`?"] {
            assert!(said.contains(place), "{place}: {said}");
        }
    }
    // What could not be read is missed only once.
    let desk = Desk::new(
        "[[feed]]\nid = \"wire\"\nurl = \"ftp://a.org\"\ntags = [\"t\"]\n[lists]\narms = 1\n[[watch]]\nid = \"b\"\n\
         query = '@arms feed:wire tag:t watch:c watch:d OR ('\n[[watch]]\nid = \"c\"\nquery = ''\n",
    );
    let ran = desk.run(&["check", "--json"]);
    let lines: Vec<_> = ran.lines().iter().map(|line| line["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [3, 6, 12, 9, 9], "{ran:?}");
}

#[test]
fn check_gives_lines_to_programs_and_the_same_in_words_to_people() {
    let broken = "[[feed]]\nid = \"wire\"\nurl = \"https://a.org\"\nintervall = \"5m\"\n";
    let fine = "[[feed]]\nid = \"wire\"\nurl = \"https://a.org\"\n";
    let unused = format!("{fine}[lists]\nunused = [\"a\"]\n");
    for (config, code, levels) in [(broken, 2, &["error"][..]), (&*unused, 0, &["warning"]), (fine, 0, &[])] {
        let desk = Desk::new(config);
        let text = desk.run(&["check", "--text"]);
        assert_eq!((text.code, text.stderr.as_str()), (Some(code), ""), "{text:?}");
        for arguments in [&["check"][..], &["check", "--json"]] {
            let ran = desk.run(arguments);
            assert_eq!(ran.code, Some(code), "{ran:?}");
            assert_eq!(ran.stderr, text.stdout);
            let found: Vec<_> = ran.lines().iter().map(|line| line["level"].as_str().unwrap().to_owned()).collect();
            assert_eq!(found, levels, "{ran:?}");
        }
    }
    let line = &Desk::new(broken).run(&["check"]).lines()[0];
    assert_eq!(
        (&line["message"], &line["line"], &line["column"], &line["help"]),
        (&"unknown key `intervall`".into(), &4.into(), &1.into(), &"did you mean `interval`?".into()),
    );
    assert!(line["file"].as_str().unwrap().ends_with("wirewatch.toml"), "{line}");
}

#[test]
fn article_of_a_named_feed_is_seen_as_that_feeds() {
    let desk = Desk::new(
        "[[feed]]\nid = \"anadolu\"\nurl = \"https://a.org\"\ntags = [\"wire\"]\n\
         [[feed]]\nid = \"tass\"\nurl = \"https://b.org\"\n\
         [[watch]]\nid = \"of-tass\"\nquery = 'missile'\nfeeds = [\"tass\"]\n",
    );
    desk.write(
        "in.jsonl",
        "{\"title\":\"missile\",\"feed\":\"anadolu\"}\n{\"title\":\"missile\",\"feed\":\"tass\"}\n\
         {\"title\":\"missile\"}\n{\"title\":\"missile\",\"feed\":\"not an id\"}\n",
    );
    let fired = |arguments: &[&str]| -> Vec<usize> {
        let ran = desk.run(&[&["match", "in.jsonl"], arguments].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let alerts = ran.lines().into_iter().map(|line| line["alerts"].as_array().unwrap().clone());
        let alerts: Vec<_> = alerts.collect();
        assert!(alerts.iter().flatten().all(|alert| alert["article"]["feed"].is_null()), "{ran:?}");
        alerts.iter().map(Vec::len).collect()
    };
    assert_eq!(fired(&["--query", "feed:anadolu missile"]), [1, 0, 0, 0]);
    assert_eq!(fired(&["--query", "tag:wire missile"]), [1, 0, 0, 0]);
    assert_eq!(fired(&["--watch", "of-tass"]), [0, 1, 1, 1]);
}

#[test]
fn bad_line_is_framed_with_its_own_number() {
    let ran = Desk::new("").run_with_input(&["match", "-"], "{\"title\":\"a\"}\n{\"title\":7}\n\n[1]\n");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("[stdin:2:1]") && ran.stderr.contains("[stdin:4:1]"), "{}", ran.stderr);
}

#[test]
fn usage_errors_name_what_there_is() {
    let desk = Desk::new("");
    let ran = desk.run(&["match", "-", "-"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    let ran = desk.run(&["alerts", "list", "--watch", "nosuch"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("arms-deals, unsc-resolutions, leaders"), "{}", ran.stderr);
}

#[test]
fn lists_do_not_repeat_the_warnings_of_the_config() {
    let desk = Desk::new("[lists]\nunused = [\"a\"]\n");
    for command in [&["alerts", "list"][..], &["feeds", "list"]] {
        let ran = desk.run(command);
        assert_eq!((ran.code, ran.stderr.contains("warning")), (Some(0), false), "{}", ran.stderr);
    }
    assert!(desk.run(&["check"]).stdout.contains("unused"));
}

#[test]
fn parse_takes_file_urls_and_refuses_other_schemes() {
    let desk = Desk::new("");
    let feed = "<rss version='2.0'><channel><language>tr-TR</language><item><title>a\u{1b}]0;x\u{7}\u{202e}b</title>\
                <link>javascript:alert(1)</link><description>c\u{9b}d</description></item></channel></rss>";
    desk.write("a b.xml", feed);
    let url = format!("file://{}", desk.path("a%20b.xml").display());
    let ran = desk.run(&["parse", "--feed", &url]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.lines()[0]["feed"]["language"], "tr-TR");
    assert!(ran.lines()[1]["url"].is_null(), "{}", ran.stdout);
    for url in ["ftp://example.org/x", "file://example.org/x"] {
        let ran = desk.run(&["parse", url]);
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains("http"), "{}", ran.stderr);
    }
    let ran = desk.run(&["--text", "parse", "a b.xml"]);
    let is_odd = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(ran.stdout.contains('a') && !ran.stdout.contains(is_odd), "{:?}", ran.stdout);
}

#[test]
fn account_of_a_turn_is_json_where_the_log_is() {
    let desk = Desk::new("[[feed]]\nid = \"gone\"\nurl = \"file:gone.xml\"\n");
    let ran = desk.run(&["--log-format", "json", "run", "--once"]);
    assert_eq!(ran.code, Some(1));
    let lines: Vec<serde_json::Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let account = lines.iter().find(|line| line["message"] == "turn done").unwrap();
    assert_eq!((&account["polled"], &account["failed"]), (&1.into(), &1.into()), "{account}");
    assert!(lines.iter().any(|line| line["message"] == "failed" && line["feed"] == "gone"), "{}", ran.stderr);
}

#[test]
fn match_leaves_out_what_is_less_sure_than_the_watch_asks_for() {
    let desk = Desk::new(
        "[packs]\ndefaults = false\n[[watch]]\nid = \"any\"\nquery = 'topic:arms-deal'\n\
         [[watch]]\nid = \"sure\"\nquery = 'topic:arms-deal'\nmin_confidence = 0.99\n",
    );
    let text = "{\"title\":\"North Korea sent missiles to Russia\",\"lang\":\"en\"}\n";
    let ran = desk.run_with_input(&["match", "-"], text);
    let alerts = ran.lines()[0]["alerts"].as_array().unwrap().clone();
    let watches: Vec<_> = alerts.iter().map(|alert| alert["watch"]["id"].as_str().unwrap()).collect();
    assert_eq!(watches, ["any"], "{ran:?}");
}

#[test]
fn match_tells_on_request_what_fell_just_short() {
    let text = "{\"title\":\"Iran sent missiles across the desert\",\"lang\":\"en\"}\n\
                {\"title\":\"The General Assembly adopted a resolution on whales\",\"lang\":\"en\"}\n\
                {\"title\":\"Whales return to the bay\",\"lang\":\"en\"}\n";
    let desk = Desk::new("");
    let ran = desk.run_with_input(&["match", "--near", "-"], text);
    let lacks = |line: usize| ran.lines()[line]["near"][0]["lacks"].as_str().map(str::to_owned);
    assert_eq!(lacks(0).as_deref(), Some("nobody is named who gets the weapons"), "{ran:?}");
    assert_eq!(lacks(1).as_deref(), Some("the resolution is another body's"));
    assert_eq!(lacks(2), None);
    assert!(ran.lines()[2].get("near").is_none());
    let without = desk.run_with_input(&["match", "-"], text);
    assert!(without.lines()[0].get("near").is_none());
}

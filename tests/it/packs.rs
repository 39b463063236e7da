//! The `packs` commands: what is listed, shown and compared, and what a refresh asks, believes and writes.

use serde_json::{Value, json};

use crate::{
    farm::{Farm, Reply},
    program::{Desk, Ran},
};

const CONFIG: &str = "[daemon]\ncontact = \"mailto:ops@example.org\"\nproxy = \"none\"\n[packs]\npath = \"packs\"\n";

/// A desk with a folder of packs.
fn desk(packs: &[(&str, &str)]) -> Desk {
    let desk = Desk::new(CONFIG);
    std::fs::create_dir(desk.path("packs")).unwrap();
    for (name, text) in packs {
        desk.write(&format!("packs/{name}.toml"), text);
    }
    desk
}

fn pack(id: &str, extends: bool, body: &str) -> String {
    format!("[pack]\nid = \"{id}\"\nversion = \"7\"\ndescription = \"our {id}\"\nextends = {extends}\n{body}")
}

#[track_caller]
fn done(ran: Ran) -> Ran {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran
}

fn find<'a>(lines: &'a [Value], key: &str, value: &str) -> &'a Value {
    lines.iter().find(|line| line[key] == value).unwrap_or_else(|| panic!("no {key} {value}: {lines:?}"))
}

const COUPS: &str = "[list.word]\nen = [\"coup d'etat\", \"putsch\"]\ntr = [\"darbe\"]\n[[topic]]\nid = \"coup\"\n\
                     name = \"Coups\"\n[[topic.rule]]\nname = \"told\"\nwhen = '@word country:any'\nconfidence = 0.7\n";

#[test]
fn list_tells_every_pack_and_where_it_stands() {
    let person = "[[person]]\nid = \"Q99999901\"\nname = \"Zoe Brandnew\"\ncountry = \"FR\"\nroles = []\n";
    let word = "[list.word]\nen = [\"sanctions\"]\n";
    let desk = desk(&[
        ("leaders", &pack("leaders", true, person)),
        ("sanctions", &pack("sanctions", false, word)),
        ("coups", &pack("coups", false, COUPS)),
    ]);
    let lines = done(desk.run(&["packs", "list"])).lines();
    let shown: Vec<_> =
        lines.iter().map(|line| (line["name"].as_str().unwrap(), line["stands"].as_str().unwrap())).collect();
    assert_eq!(
        shown,
        [
            ("countries", "built-in"),
            ("leaders", "built-in"),
            ("weapons", "built-in"),
            ("arms-deals", "built-in"),
            ("unsc-resolutions", "built-in"),
            ("coups", "own"),
            ("leaders", "beside"),
            ("sanctions", "in place"),
        ]
    );
    assert!(lines[1]["persons"].as_u64().unwrap() > 400 && lines[2]["weapons"].as_u64().unwrap() > 100);
    assert_eq!(lines[3]["topics"][0]["id"], "arms-deal");
    assert_eq!((&lines[7]["terms"], &lines[7]["version"], &lines[7]["topics"]), (&json!(1), &json!("7"), &json!([])));
    let coups = &lines[5];
    assert_eq!(coups["topics"], json!([{"id": "coup", "name": "Coups", "rules": 1}]));
    assert_eq!((&coups["lists"], &coups["terms"], &coups["rules"]), (&json!(["word"]), &json!(3), &json!(1)));
    assert!(coups["file"].as_str().unwrap().ends_with("coups.toml") && lines[0]["file"].is_null());

    let text = done(desk.run(&["--text", "packs", "list"])).stdout;
    assert!(text.starts_with("PACK ") && text.contains("beside the built-in one"), "{text}");
    assert!(text.contains("1 topic with 1 rule, 1 list, 3 terms") && text.contains("our coups"), "{text}");
    // Without a config there are the built-in ones.
    let bare = Desk::new("");
    std::fs::remove_file(bare.path("wirewatch.toml")).unwrap();
    assert_eq!(done(bare.run(&["packs", "list"])).lines().len(), 6);
}

#[test]
fn broken_pack_is_told_with_its_place() {
    let desk = desk(&[("coups", &pack("coups", false, "[[topic]]\nid = \"coup\"\nnom = \"Coups\"\n"))]);
    for command in [&["packs", "list"][..], &["packs", "show", "leaders"], &["packs", "diff"]] {
        let ran = desk.run(command);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
        assert!(ran.stderr.contains("coups.toml:8:1") && ran.stderr.contains("nom"), "{}", ran.stderr);
    }
}

#[test]
fn show_tells_topics_lists_and_people() {
    let desk = desk(&[("coups", &pack("coups", false, COUPS))]);
    let text = done(desk.run(&["--text", "packs", "show", "coups"])).stdout;
    for part in [
        "coups 7, packs/coups.toml",
        "topic:coup  Coups",
        "0.70  told: @word country:any",
        "list word: en 2, tr 1: coup d'etat",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let lines = done(desk.run(&["packs", "show", "coups"])).lines();
    assert_eq!(lines[0]["pack"]["id"], "coups");
    assert_eq!(find(&lines, "section", "topic")["entry"]["rule"][0]["when"], "@word country:any");
    assert_eq!(find(&lines, "section", "list")["entry"]["tr"], json!(["darbe"]));

    // Names in any script, and no other people.
    for words in [&["vladimir", "PUTIN"][..], &["Путин"], &["q7747"]] {
        let lines = done(desk.run(&[&["packs", "show", "leaders"], words].concat())).lines();
        let putin = find(&lines, "id", "Q7747");
        assert_eq!(putin["name"], "Vladimir Putin");
        assert!(lines.len() < 5, "{lines:?}");
        let first = &putin["entry"]["roles"][0];
        assert_eq!((&first["from"], &first["to"]), (&json!("1999-08-09"), &json!("2000-05-07")));
    }
    let text = done(desk.run(&["--text", "packs", "show", "leaders", "putin"])).stdout;
    assert!(text.contains("President of Russia, since 2012-05-07") && text.contains("names.uk: "), "{text}");
    let text = done(desk.run(&["--text", "packs", "show", "leaders"])).stdout;
    assert!(text.lines().count() > 400 && text.contains("Vladimir Putin: President of Russia since"), "{text}");

    let ran = done(desk.run(&["packs", "show", "leaders", "nobody-at-all"]));
    assert!(ran.stdout.is_empty() && ran.stderr.contains("nobody-at-all"), "{ran:?}");
    let ran = desk.run(&["packs", "show", "leadrs"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("did you mean `leaders`?"), "{}", ran.stderr);
}

#[test]
fn show_shows_what_is_in_effect() {
    let putin = "[[person]]\nid = \"Q7747\"\nname = \"Vladimir Sample\"\ncountry = \"RU\"\nroles = []\n";
    let cue = "[[cue]]\nlang = \"en\"\nsays = \"warned\"\nterms = [\"zzwarn\"]\n";
    let desk = desk(&[("leaders", &pack("leaders", true, putin)), ("arms-deals", &pack("arms-deals", true, cue))]);
    let lines = done(desk.run(&["packs", "show", "leaders", "Q7747"])).lines();
    assert_eq!((lines.len(), &lines[0]["name"]), (1, &json!("Vladimir Sample")));
    let text = done(desk.run(&["--text", "packs", "show", "arms-deals"])).stdout;
    assert!(text.starts_with("arms-deals 1.0.0, built-in\n") && text.contains("arms-deals 7, packs/"), "{text}");
    assert!(done(desk.run(&["packs", "show", "arms-deals", "zzwarn"])).stdout.contains("warned"));
}

#[test]
fn pack_of_ones_own_starts_from_a_built_in_one() {
    // The shell makes the file before the program starts.
    let desk = desk(&[("coups", ""), ("leaders", "")]);
    for (id, file) in [("sanctions", "config/packs/sanctions.toml"), ("leaders", "config/packs/leaders.toml")] {
        let ran = done(desk.run(&["packs", "show", id, "--toml"]));
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        assert!(ran.stdout == std::fs::read_to_string(path).unwrap(), "{id}");
    }
    let toml = done(desk.run(&["packs", "show", "sanctions", "--toml"])).stdout;
    std::fs::remove_file(desk.path("packs/leaders.toml")).unwrap();
    desk.write("packs/coups.toml", toml.replace("id = \"sanctions\"", "id = \"coups\""));
    let lines = done(desk.run(&["packs", "list"])).lines();
    assert_eq!(find(&lines, "name", "coups")["topics"][0]["id"], "coups");
    // Its own text is what it is from now on.
    assert!(done(desk.run(&["packs", "show", "coups", "--toml"])).stdout.contains("id = \"coups\""));
    let ran = desk.run(&["packs", "show", "coup", "--toml"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("did you mean `coups`?"), "{}", ran.stderr);
}

#[test]
fn diff_tells_what_the_folder_changes() {
    let ran = done(Desk::new("").run(&["--text", "packs", "diff"]));
    assert_eq!(ran.stdout, "no difference\n");
    assert!(ran.stderr.contains("path"), "{}", ran.stderr);
    let ran = done(desk(&[]).run(&["packs", "diff"]));
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", "no difference\n"));

    let people = "[[person]]\nid = \"Q7747\"\nname = \"Vladimir Putin\"\ncountry = \"RU\"\ncall = \"alone\"\n\
                  also = [\"Vladimir Vladimirovich Putin\"]\nroles = [[\"President of Russia\", \"2012-05-07\", \"2030\"]]\n\
                  [[person]]\nid = \"Q99999901\"\nname = \"Zoe Brandnew\"\ncountry = \"FR\"\nroles = []\n";
    let words = "[[cue]]\nlang = \"en\"\nsays = \"warned\"\nafter = true\nterms = [\"warn*\", \"zzwarn\"]\n";
    let lists = "[list.word]\nen = [\"sanctions\", \"zz\"]\n";
    let desk = desk(&[
        // A person may stand in any file.
        ("our-people", &pack("our-people", false, people)),
        ("arms-deals", &pack("arms-deals", true, words)),
        ("sanctions", &pack("sanctions", false, lists)),
    ]);
    let lines = done(desk.run(&["packs", "diff"])).lines();
    let putin = find(&lines, "id", "Q7747");
    assert_eq!((&putin["change"], &putin["pack"]), (&json!("changed"), &json!("our-people")));
    assert_eq!(putin["fields"]["roles"]["added"], json!(["President of Russia, 2012-05-07 to 2030-12-31"]));
    let removed = putin["fields"]["roles"]["removed"].as_array().unwrap();
    assert!(removed.contains(&json!("President of Russia, since 2012-05-07")), "{removed:?}");
    assert_eq!(putin["fields"]["also"], json!({"added": [], "removed": ["Vladimir Poutine"]}));
    assert!(putin["fields"]["call"].is_null() && !putin["fields"]["names.ru"].is_null());
    assert_eq!(find(&lines, "id", "Q99999901")["change"], "added");
    let cue = find(&lines, "section", "cue");
    assert_eq!((&cue["change"], cue["fields"].as_object().unwrap().len()), (&json!("changed"), 1));
    assert_eq!(cue["fields"]["terms"], json!({"added": ["warn*", "zzwarn"], "removed": []}));
    let word = find(&lines, "id", "word");
    assert_eq!((&word["change"], &word["fields"]["en"]["added"]), (&json!("changed"), &json!(["zz"])));
    assert!(!word["fields"]["tr"]["removed"].as_array().unwrap().is_empty(), "{word}");
    assert_eq!(find(&lines, "id", "impose")["change"], "removed");
    assert_eq!(find(&lines, "section", "topic")["change"], "removed");

    let only = done(desk.run(&["packs", "diff", "arms-deals"])).lines();
    assert_eq!(only, std::slice::from_ref(cue));
    assert_eq!(done(desk.run(&["--text", "packs", "diff", "leaders"])).stdout, "no difference\n");
    let text = done(desk.run(&["--text", "packs", "diff", "our-people"])).stdout;
    assert!(text.contains("~ person Q7747") && text.contains("+ person Q99999901 Zoe Brandnew"), "{text}");
    assert_eq!(desk.run(&["packs", "diff", "nosuch"]).code, Some(2));
}

/// `Q5 Zoe_Brandnew FR state President_of_France 2026-05-14 [2031-05-13]`
fn row(text: &str) -> Value {
    let words: Vec<String> = text.split(' ').map(|word| word.replace('_', " ")).collect();
    let literal = |value: &str| json!({"type": "literal", "value": value});
    let uri = |value: String| json!({"type": "uri", "value": value});
    let date = |day: &str| json!({"type": "literal", "datatype": "http://www.w3.org/2001/XMLSchema#dateTime", "value": format!("{day}T00:00:00Z")});
    let mut row = json!({
        "person": uri(format!("http://www.wikidata.org/entity/{}", words[0])),
        "article": uri(format!("https://en.wikipedia.org/wiki/{}", text.split(' ').nth(1).unwrap())),
        "country": literal(&words[2]),
        "office": literal(&words[3]),
        "title": literal(&words[4]),
        "start": date(&words[5]),
        "ru": {"type": "literal", "xml:lang": "ru", "value": "Зоя Бранднью"},
    });
    if let Some(end) = words.get(6) {
        row["end"] = date(end);
    }
    row
}

fn result(rows: &[&str]) -> String {
    let rows: Vec<Value> = rows.iter().map(|text| row(text)).collect();
    let vars = ["person", "office", "title", "country", "start", "end", "article", "ru"];
    json!({"head": {"vars": vars}, "results": {"bindings": rows}}).to_string()
}

const ZOE: &str = "Q99999901 Zoe_Brandnew FR foreign Minister_for_Foreign_Affairs 2026-05-14";
/// The built-in pack leaves it open.
const PUTIN: &str = "Q7747 Vladimir_Putin RU state President_of_Russia 2012-05-07 2030-01-02";

fn refresh(desk: &Desk, arguments: &[&str]) -> Ran {
    desk.run(&[&["packs", "refresh", "leaders"], arguments].concat())
}

fn packs_in(desk: &Desk) -> Vec<String> {
    let files = std::fs::read_dir(desk.path("packs")).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn refresh_shows_what_is_new_and_writes_it_when_asked() {
    let desk = desk(&[]);
    desk.write("result.json", result(&[ZOE, PUTIN, "Q99999902 Old_Soviet SU state President 1990-01-01"]));
    desk.write(
        "news.jsonl",
        "{\"title\":\"French foreign minister Zoe Brandnew arrives\",\"published\":\"2026-06-01T00:00:00Z\"}\n",
    );
    let leaders = || {
        let ran = done(desk.run(&["match", "--query", "leader:any", "news.jsonl"]));
        ran.lines()[0]["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|alert| alert["leaders"].as_array().unwrap().clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(leaders(), Vec::<Value>::new());

    let url = format!("file://{}", desk.path("result.json").display());
    let ran = done(refresh(&desk, &["--from", &url]));
    let lines = ran.lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(find(&lines, "id", "Q99999901")["change"], "added");
    let roles = &find(&lines, "id", "Q7747")["fields"]["roles"];
    assert_eq!(roles["removed"], json!(["President of Russia, since 2012-05-07"]));
    assert_eq!(roles["added"], json!(["President of Russia, 2012-05-07 to 2030-01-02"]));
    assert!(ran.stderr.contains("1 row skipped") && ran.stderr.contains("row 3 (Q99999902)"), "{}", ran.stderr);
    assert!(ran.stderr.contains("would write") && ran.stderr.contains("1 new person, 1 changed"), "{}", ran.stderr);
    assert_eq!(packs_in(&desk), Vec::<String>::new());

    let ran = done(refresh(&desk, &["--from", "result.json", "--write", "--text"]));
    assert!(ran.stdout.contains("+ person Q99999901 Zoe Brandnew") && ran.stderr.contains("wrote "), "{ran:?}");
    assert_eq!(packs_in(&desk), ["leaders.toml"]);
    let found = leaders();
    assert_eq!((&found[0]["id"], &found[0]["name"]), (&json!("Q99999901"), &json!("Zoe Brandnew")), "{found:?}");
    assert_eq!(found[0]["role"], "Minister for Foreign Affairs of France");
    // What the built-in entry has beside its roles is kept.
    let putin = &done(desk.run(&["packs", "show", "leaders", "Q7747"])).lines()[0]["entry"];
    assert_eq!((&putin["call"], &putin["also"][1]), (&json!("alone"), &json!("Vladimir Poutine")));
    assert!(putin["names"]["ru"].as_array().unwrap().iter().all(|name| name != "Зоя Бранднью"), "{putin}");

    let ran = done(refresh(&desk, &["--from", "result.json", "--write"]));
    assert!(ran.stdout.is_empty() && ran.stderr.contains("no difference"), "{ran:?}");
    // The next result says nothing of Zoe, and corrects what was said of Putin.
    desk.write("result.json", result(&[PUTIN.trim_end_matches(" 2030-01-02")]));
    let ran = done(refresh(&desk, &["--from", "result.json", "--write"]));
    assert_eq!((ran.lines().len(), &ran.lines()[0]["id"]), (1, &json!("Q7747")), "{ran:?}");
    assert!(ran.stderr.contains("1 person of the last refresh kept"), "{}", ran.stderr);
    assert_eq!(leaders().len(), 1);
    assert_eq!(packs_in(&desk), ["leaders.toml"]);
    assert_eq!(done(desk.run(&["packs", "diff"])).lines().len(), 1);
}

#[test]
fn refresh_leaves_alone_what_a_person_wrote() {
    let own = pack(
        "leaders",
        true,
        "[[person]]\nid = \"Q99999901\"\nname = \"Zoe Brandnew\"\ncountry = \"FR\"\nalso = [\"Zo Brandnew\"]\n\
         roles = [[\"Mayor of Paris\", \"2020\"]]\n",
    );
    let desk = desk(&[("leaders", &own)]);
    desk.write("result.json", result(&[ZOE]));
    let ran = refresh(&desk, &["--from", "result.json", "--write"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.stderr.contains("leaders-own.toml"), "{}", ran.stderr);
    // To look is free.
    let ran = done(refresh(&desk, &["--from", "result.json"]));
    assert_eq!(
        ran.lines()[0]["fields"]["roles"]["added"],
        json!(["Minister for Foreign Affairs of France, since 2026-05-14"])
    );
    assert!(ran.stderr.contains("can't write it yet"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(desk.path("packs/leaders.toml")).unwrap(), own);

    // Under another name it stays in effect, whichever is read first.
    for name in ["leaders-own", "a-first"] {
        std::fs::rename(desk.path("packs/leaders.toml"), desk.path(&format!("packs/{name}.toml"))).unwrap();
        done(refresh(&desk, &["--from", "result.json", "--write"]));
        let zoe =
            &done(desk.run(&["packs", "show", if name == "a-first" { "leaders" } else { name }, "zo", "brandnew"]))
                .lines()[0];
        assert_eq!(zoe["entry"]["also"], json!(["Zo Brandnew"]));
        std::fs::remove_file(desk.path(&format!("packs/{name}.toml"))).unwrap();
        desk.write("packs/leaders.toml", &own);
    }

    // A file of the last refresh that somebody broke is told as any pack is.
    let broken = "# Written by `wirewatch packs refresh`\n".to_owned() + &pack("leaders", true, "[[person]]\nid = 7\n");
    desk.write("packs/leaders.toml", &broken);
    let ran = refresh(&desk, &["--from", "result.json", "--write"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("leaders.toml:8:6"), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(desk.path("packs/leaders.toml")).unwrap(), broken);

    let bare = Desk::new("");
    bare.write("result.json", result(&[ZOE]));
    let ran = refresh(&bare, &["--from", "result.json", "--write"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("`[packs]`"), "{}", ran.stderr);
    assert_eq!(done(refresh(&bare, &["--from", "result.json"])).lines().len(), 1);
    assert_eq!(bare.run(&["packs", "refresh", "sanctions"]).code, Some(2));
}

#[test]
fn result_that_is_none_changes_nothing() {
    let desk = desk(&[]);
    let whole = result(&[ZOE]);
    let other = "{\"head\":{\"vars\":[\"item\"]},\"results\":{\"bindings\":[]}}";
    let unusable = result(&["Q99999901 Zoe_Brandnew XX foreign Minister 2026-05-14"]);
    for (document, why) in [
        (&whole[..whole.len() - 3], "breaks off"),
        ("<html>sorry</html>", "no SPARQL result"),
        ("{\"head\":{},\"boolean\":true}", "yes or no"),
        (other, "no `person`"),
        (&unusable, "no usable row"),
        ("", "breaks off"),
    ] {
        desk.write("result.json", document);
        let ran = refresh(&desk, &["--from", "result.json", "--write"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
        assert!(ran.stderr.contains(why), "{why}: {}", ran.stderr);
    }
    let ran = refresh(&desk, &["--from", "nosuch.json"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("nosuch.json can't be read"), "{}", ran.stderr);
    assert_eq!(packs_in(&desk), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn service_is_asked_once_with_the_query_that_ships() {
    let farm = Farm::start(|request| match request.path.split('?').next().unwrap() {
        "/sparql" => Reply::ok(result(&[ZOE])).header("content-type", "application/sparql-results+json"),
        "/broken" => Reply::ok(result(&[ZOE])).broken_after(100),
        "/timeout" => Reply::ok([result(&[ZOE]).as_bytes(), b"\njava.util.concurrent.TimeoutException"].concat()),
        "/busy" => Reply::status(429).header("retry-after", "60"),
        _ => Reply::status(500),
    })
    .await;
    let asked = |path: &str| {
        let url = farm.url(path).to_string();
        tokio::task::block_in_place(|| {
            let desk = desk(&[]);
            let ran = refresh(&desk, &["--from", &url, "--write"]);
            (ran, packs_in(&desk))
        })
    };
    let (ran, written) = asked("/sparql");
    assert_eq!((done(ran).lines().len(), written), (1, vec!["leaders.toml".to_owned()]));
    let requests = farm.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("accept"), Some(&b"application/sparql-results+json"[..]));
    let agent = String::from_utf8_lossy(requests[0].header("user-agent").unwrap()).into_owned();
    assert!(agent.starts_with("wirewatch/") && agent.ends_with("(+mailto:ops@example.org)"), "{agent}");
    let asked_for = farm.url(&requests[0].path);
    let pairs: Vec<_> = asked_for.query_pairs().collect();
    assert!(pairs[0].0 == "query" && pairs[0].1.contains("wdt:P1906") && !pairs[0].1.contains("# "), "{pairs:?}");
    assert_eq!(pairs[1], ("format".into(), "json".into()));

    for (path, why) in [
        ("/broken", "broke off"),
        ("/timeout", "no SPARQL result"),
        ("/busy", "left alone for now, for 60 s"),
        ("/error", "answered 500"),
    ] {
        let (ran, written) = asked(path);
        assert_eq!((ran.code, written.len(), ran.stdout.as_str()), (Some(1), 0, ""), "{path}: {ran:?}");
        assert!(ran.stderr.contains(why) && ran.stderr.contains("127.0.0.1"), "{path}: {}", ran.stderr);
        assert!(!ran.stderr.contains("SELECT"), "{}", ran.stderr);
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = refresh(&desk(&[]), &["--from", &format!("http://{closed}/sparql")]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("could not connect"), "{}", ran.stderr);
}

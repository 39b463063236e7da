//! The snippets by which a receiver checks signatures: each is the one that docs/verify.md shows, and each tells what we
//! signed from what somebody else did. One whose language is not installed here is skipped, and says so.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use chrono::{DateTime, Duration, Utc};
use wirewatch::{config::Secret, deliver::sign::Signer};

#[path = "snippets/verify.rs"]
mod snippet;

const SECRET: &str = "whsec_bmV3LXNlY3JldC1mb3ItdGVzdHM=";
const OLD_SECRET: &str = "whsec_b2xkLXNlY3JldC1mb3ItdGVzdHM=";
const BODY: &str = r#"{"type":"alert","data":{"title":"制裁 \"sanctions\" – ş"}}"#;

/// A request: its headers, its body, and whether a receiver that has [`SECRET`] should take it.
type Request = (Vec<(&'static str, String)>, &'static str, bool);

fn requests() -> Vec<Request> {
    let signed = |secrets: &[&str], at: DateTime<Utc>| {
        let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        Signer::new(&secrets).unwrap().headers("alr_x", at, BODY)
    };
    let now = Utc::now();
    let good = signed(&[SECRET], now);
    let mut other_id = good.clone();
    other_id[0].1 = "alr_y".to_owned();
    let mut no_time = good.clone();
    no_time[1].1 = "soon".to_owned();
    vec![
        (good.clone(), BODY, true),
        (signed(&[OLD_SECRET, SECRET], now), BODY, true),
        (signed(&[OLD_SECRET], now), BODY, false),
        (signed(&[], now), BODY, false),
        (signed(&[SECRET], now - Duration::minutes(10)), BODY, false),
        (signed(&[SECRET], now + Duration::minutes(10)), BODY, false),
        (good, "{}", false),
        (other_id, BODY, false),
        (no_time, BODY, false),
    ]
}

/// Asks a program whether it takes each request: arguments are secret, body, and headers as `name=value`.
fn check(program: &str, arguments: &[&str]) {
    for (number, (headers, body, right)) in requests().into_iter().enumerate() {
        let mut command = Command::new(program);
        command.args(arguments).args([SECRET, body]);
        command.args(headers.iter().map(|(name, value)| format!("{name}={value}")));
        let output = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let expected = if right { "good" } else { "bad" };
        assert_eq!(said.trim(), expected, "{program}, request {number}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn is_there(program: &str, argument: &str) -> bool {
    let found = Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: there is no {program}");
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn snippet(name: &str) -> String {
    fs::read_to_string(root().join("tests/it/snippets").join(name)).unwrap()
}

#[test]
fn docs_show_the_snippets_that_are_tested() {
    let docs = fs::read_to_string(root().join("docs/verify.md")).unwrap();
    for (language, name) in [("python", "verify.py"), ("js", "verify.mjs"), ("go", "verify.go"), ("rust", "verify.rs")]
    {
        let code = snippet(name);
        // The head that files have here is no part of what a receiver needs.
        let code = code.split_once("\n\n").filter(|(head, _)| head.starts_with("//!")).map_or(&*code, |(_, code)| code);
        assert!(docs.contains(&format!("```{language}\n{code}```")), "docs/verify.md lacks tests/it/snippets/{name}");
    }
}

#[test]
fn rust_tells_ours_from_others() {
    for (headers, body, right) in requests() {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        assert_eq!(snippet::verify(SECRET, &headers, body.as_bytes()), right);
    }
}

#[test]
fn python_tells_ours_from_others() {
    if is_there("python3", "--version") {
        let program = snippet("verify.py")
            + "\n\nimport sys\nheaders = dict(h.split('=', 1) for h in sys.argv[3:])\n\
               print('good' if verify(sys.argv[1], headers, sys.argv[2].encode()) else 'bad')\n";
        check("python3", &["-c", &program]);
    }
}

#[test]
fn node_tells_ours_from_others() {
    if is_there("node", "--version") {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("verify.mjs");
        let program = snippet("verify.mjs")
            + "\nconst [secret, body, ...rest] = process.argv.slice(2);\n\
               const headers = Object.fromEntries(rest.map((h) => [h.slice(0, h.indexOf('=')), h.slice(h.indexOf('=') + 1)]));\n\
               console.log(verify(secret, headers, Buffer.from(body)) ? 'good' : 'bad');\n";
        fs::write(&file, program).unwrap();
        check("node", &[file.to_str().unwrap()]);
    }
}

#[test]
fn go_tells_ours_from_others() {
    if is_there("go", "version") {
        let folder = tempfile::tempdir().unwrap();
        let main = "package main\n\nimport (\n\t\"fmt\"\n\t\"net/http\"\n\t\"os\"\n\t\"strings\"\n)\n\nfunc main() {\n\
                    \theaders := http.Header{}\n\tfor _, h := range os.Args[3:] {\n\t\tname, value, _ := strings.Cut(h, \"=\")\n\
                    \t\theaders.Set(name, value)\n\t}\n\tif Verify(os.Args[1], headers, []byte(os.Args[2])) {\n\
                    \t\tfmt.Println(\"good\")\n\t} else {\n\t\tfmt.Println(\"bad\")\n\t}\n}\n";
        let (code, driver) = (folder.path().join("verify.go"), folder.path().join("main.go"));
        fs::write(&code, snippet("verify.go")).unwrap();
        fs::write(&driver, main).unwrap();
        let program = folder.path().join("verify");
        let built = Command::new("go").args(["build", "-o"]).args([&program, &code, &driver]).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        check(program.to_str().unwrap(), &[]);
    }
}

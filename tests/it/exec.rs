//! Sinks of type exec: real programs that take alerts, fail, hang, talk too much and leave children behind.
#![cfg(unix)]

use std::{
    fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use wirewatch::{
    config::{ExecSettings, Pace, SinkKind, SinkSettings},
    deliver::once,
};

use crate::{
    deliver::{articles, commit, context, open, pending_and_dead, settings},
    program::Desk,
    store::Home,
};

/// A shell's script with a folder as `$1`.
fn script(text: &str, folder: &Path, timeout: Duration) -> SinkSettings {
    let arguments = ["-c", text, "sh"].map(str::to_owned).into_iter().chain([folder.display().to_string()]);
    let exec = ExecSettings { program: "sh".into(), arguments: arguments.collect(), timeout };
    settings("exec", SinkKind::Exec(Box::new(exec)), &[1, 86_400_000])
}

/// One alert, tried once; the outbox's last error, none where it was delivered.
async fn tried(home: &Home, body_bytes: usize, sink: SinkSettings) -> Option<String> {
    let store = open(home);
    let mut entries = articles(0..1, &["exec"]);
    let id = &entries[0].alerts[0].id;
    entries[0].alerts[0].body = format!(r#"{{"type":"alert","id":"{id}","x":"{}"}}"#, "x".repeat(body_bytes));
    commit(&store, entries).await;
    let pass = once(&store, &[sink], &context()).await.unwrap();
    let file = Connection::open(home.path()).unwrap();
    let sql = "SELECT last_error FROM outbox WHERE sink = 'exec'";
    let error: Option<String> = file.query_row(sql, (), |row| row.get(0)).unwrap();
    assert_eq!((pass.delivered, pass.failed), if error.is_none() { (1, 0) } else { (0, 1) });
    error
}

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(400);

#[tokio::test]
async fn program_gets_the_frozen_body_on_its_input_and_the_id_in_its_environment() {
    let home = Home::new();
    let folder = home.path().parent().unwrap().to_owned();
    assert_eq!(tried(&home, 300_000, script("cat > \"$1/$WIREWATCH_ID\"", &folder, LONG)).await, None);
    let expected = &articles(0..1, &["exec"])[0].alerts[0].id;
    let got = fs::read_to_string(folder.join(expected.as_str())).unwrap();
    assert_eq!(got.matches('\n').count(), 1);
    let body: serde_json::Value = serde_json::from_str(&got).unwrap();
    assert_eq!(body["id"], expected.as_str());
    assert_eq!(body["x"].as_str().unwrap().len(), 300_000);
}

#[tokio::test]
async fn every_end_but_a_good_one_is_retried_and_says_why() {
    for (text, timeout, expected) in [
        ("true", LONG, None),
        ("exec < /dev/null; exit 0", LONG, None),
        ("echo talk; echo more talk; echo warning >&2", LONG, None),
        (
            "cat; printf '\\n  no such queue\\nuse --help\\n' >&2; exit 3",
            LONG,
            Some("sh: exit status: 3: no such queue"),
        ),
        ("exit 1", LONG, Some("sh: exit status: 1: it says nothing")),
        ("kill -9 $$", LONG, Some("sh: signal: 9 (SIGKILL): it says nothing")),
        ("head -c 2000000 /dev/zero >&2; echo >&2; exit 4", LONG, Some("sh: exit status: 4: it says nothing")),
        ("yes bad | head -c 2000000 >&2; exit 4", LONG, Some("sh: exit status: 4: bad")),
        ("yes bad >&2", SHORT, Some("sh: no end within 400ms")),
        ("sleep 600", SHORT, Some("sh: no end within 400ms")),
        ("exec 0<&- 1>&- 2>&-; sleep 600", SHORT, Some("sh: no end within 400ms")),
    ] {
        let home = Home::new();
        let folder = home.path().parent().unwrap().to_owned();
        let error = tried(&home, 200_000, script(text, &folder, timeout)).await;
        assert_eq!(error.as_deref(), expected, "{text}");
    }
}

#[tokio::test]
async fn arguments_that_a_program_repeats_are_not_kept() {
    let complaint = |text: &str| {
        let arguments = ["-c", text, "sh", "s3cret-arg", "--key=t0ken99", "https://u:pa55@x.example/hook-9876"];
        let arguments = arguments.map(str::to_owned).to_vec();
        settings(
            "exec",
            SinkKind::Exec(Box::new(ExecSettings { program: "sh".into(), arguments, timeout: LONG })),
            &[1],
        )
    };
    for (text, expected) in [
        ("echo \"bad $1, $2\" >&2; exit 3", "bad ***, ***"),
        ("echo 'no t0ken99 for pa55 at /hook-9876' >&2; exit 3", "no *** for *** at ***"),
        // 400 bytes are kept.
        ("printf '%390s s3cret-arg' '' >&2; exit 3", "***"),
    ] {
        let home = Home::new();
        let error = tried(&home, 1, complaint(text)).await.unwrap();
        assert_eq!(error, format!("sh: exit status: 3: {expected}"), "{text}");
    }
}

#[tokio::test]
async fn program_that_is_not_there_is_tried_again() {
    let home = Home::new();
    let exec = ExecSettings { program: "/nowhere/at-all".into(), arguments: Vec::new(), timeout: LONG };
    let error = tried(&home, 1, settings("exec", SinkKind::Exec(Box::new(exec)), &[1])).await.unwrap();
    assert!(error.starts_with("at-all: it can't be started: "), "{error}");
    assert_eq!(pending_and_dead(&open(&home), "exec").await, (1, 0));
}

/// A pipe with a name; reading it ends when everyone who writes to it has ended.
fn pipe(home: &Home) -> (PathBuf, std::thread::JoinHandle<String>) {
    let path = home.path().with_file_name("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let to_read = path.clone();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        fs::File::open(to_read).unwrap().read_to_string(&mut text).unwrap();
        text
    });
    (path, reader)
}

#[tokio::test]
async fn its_children_end_with_it_at_the_timeout_and_after_a_good_end() {
    for (text, timeout, fails) in [
        ("exec 3> \"$1\"; echo up >&3; sleep 600 & (sleep 600; true) & wait", SHORT, true),
        ("exec 3> \"$1\"; echo up >&3; sleep 600 & exit 0", LONG, false),
    ] {
        let home = Home::new();
        let (path, reader) = pipe(&home);
        let started = Instant::now();
        let error = tried(&home, 1, script(text, &path, timeout)).await;
        assert_eq!(error.is_some(), fails, "{error:?}");
        assert_eq!(reader.join().unwrap(), "up\n");
        assert!(started.elapsed() < LONG, "{text}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn batch_is_one_run_of_the_program() {
    let home = Home::new();
    let store = open(&home);
    let folder = home.path().parent().unwrap().to_owned();
    commit(&store, articles(0..5, &["exec"])).await;
    let mut sink = script("cat > \"$1/$WIREWATCH_ID.json\"", &folder, LONG);
    sink.pace = Pace { batch_max: 5, ..Pace::default() };
    assert_eq!(once(&store, &[sink], &context()).await.unwrap().delivered, 5);
    let written = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let batches: Vec<PathBuf> = written.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    let [batch] = batches.as_slice() else { panic!("{batches:?}") };
    let body: serde_json::Value = serde_json::from_str(&fs::read_to_string(batch).unwrap()).unwrap();
    assert_eq!((&body["type"], body["data"]["alerts"].as_array().unwrap().len()), (&"batch".into(), 5));
    assert_eq!(format!("{}.json", body["data"]["id"].as_str().unwrap()), *batch.file_name().unwrap().to_string_lossy());
}

#[tokio::test]
async fn no_more_run_at_once_than_concurrency_says() {
    let home = Home::new();
    let store = open(&home);
    let folder = home.path().parent().unwrap().to_owned();
    commit(&store, articles(0..12, &["exec"])).await;
    // Each says how many are there with it.
    let text = "mkdir \"$1/at-$$\" && ls -d \"$1\"/at-* | wc -l >> \"$1/counts\"; sleep 0.05; rmdir \"$1/at-$$\"";
    let mut sink = script(text, &folder, LONG);
    sink.pace = Pace { concurrency: 3, ..Pace::default() };
    assert_eq!(once(&store, &[sink], &context()).await.unwrap().delivered, 12);
    let counts = fs::read_to_string(folder.join("counts")).unwrap();
    let counts: Vec<usize> = counts.lines().map(|line| line.trim().parse().unwrap()).collect();
    assert_eq!(counts.len(), 12);
    assert!(counts.iter().all(|count| *count <= 3), "{counts:?}");
}

#[test]
fn whole_program_hands_alerts_over_and_shows_no_argument() {
    let rss = "<rss version=\"2.0\"><channel><title>W</title><link>https://w.example/</link><description>d</description>\
               <item><title>A missile</title><guid>1</guid><description>t</description></item></channel></rss>";
    let desk = Desk::new(
        "[daemon]\ndata_dir = \"data\"\nlisten = \"off\"\nbacklog = \"all\"\n[packs]\ndefaults = false\n\
         [[feed]]\nid = \"wire\"\nurl = \"file:wire.xml\"\n[[watch]]\nid = \"w\"\nquery = \"missile\"\n\
         [defaults]\nsinks = [\"run\"]\n\
         [[sink]]\nid = \"run\"\ntype = \"exec\"\ncommand = [\"./take.sh\", \"--pin\", \"hush; touch hit\"]\n",
    );
    desk.write("wire.xml", rss);
    let warned = desk.run(&["check", "--text"]);
    assert_eq!(warned.code, Some(0), "{warned:?}");
    assert!(warned.stdout.contains("there is no program") && warned.stdout.contains("take.sh"), "{warned:?}");
    desk.write("take.sh", "#!/bin/sh\ntest -e open || { echo closed today >&2; exit 7; }\ncat >> taken\n");
    fs::set_permissions(desk.path("take.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(desk.run(&["check", "--text"]).stdout.lines().count(), 1);
    let ran = desk.run(&["run", "--once"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let waiting = &desk.run(&["deliveries", "list"]).lines()[0];
    assert!(waiting.to_string().contains("take.sh: exit status: 7: closed today"), "{waiting}");
    let tested = desk.run(&["sinks", "test", "run"]);
    assert_eq!(tested.code, Some(1), "{tested:?}");
    assert!(tested.stderr.contains("closed today"), "{tested:?}");
    desk.write("open", "");
    let tested = desk.run(&["sinks", "test", "run"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    assert_eq!(desk.lines("taken")[0]["type"], "test");
    let listed = desk.run(&["sinks", "list"]);
    let lines = listed.lines();
    assert_eq!(lines.iter().find(|line| line["id"] == "run").unwrap()["type"], "exec");
    assert!(listed.stdout.contains("take.sh …"), "{listed:?}");
    assert_eq!(desk.run(&["deliveries", "retry", &waiting["id"].to_string()]).code, Some(0));
    assert_eq!(desk.run(&["run", "--once"]).code, Some(0));
    assert_eq!(desk.lines("taken")[1]["data"]["article"]["title"], "A missile");
    for shown in [warned, ran, tested, listed] {
        assert!(!shown.stdout.contains("hush") && !shown.stderr.contains("hush"), "{shown:?}");
    }
    assert!(!desk.path("hit").exists(), "no shell reads the arguments");
}

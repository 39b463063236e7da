//! File sinks whose path is no file: pipes with and without a reader, devices, our own standard output.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    path::Path,
    process::Command,
};

use rusqlite::Connection;
use wirewatch::{
    config::{OutputFormat, Rotation, SinkKind, SinkSettings},
    deliver::once,
};

use crate::{
    deliver::{articles, commit, context, open, settings},
    program::Desk,
    store::Home,
};

/// A sink that would rotate with every line, were it a file.
fn sink_to(path: &Path) -> SinkSettings {
    let rotate = Some(Rotation { bytes_max: 10, keep: 3 });
    settings("file", SinkKind::File { path: path.to_owned(), format: OutputFormat::Json, rotate }, &[1])
}

fn pipe(home: &Home) -> std::path::PathBuf {
    let path = home.path().with_file_name("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

#[tokio::test]
async fn pipe_that_nobody_reads_is_a_failure_and_its_lines_wait_for_a_reader() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let path = pipe(&home);
    let entries = articles(0..5, &["file"]);
    let expected: String = entries.iter().map(|entry| entry.alerts[0].body.clone() + "\n").collect();
    commit(&store, entries).await;
    let pass = once(&store, &[sink_to(&path)], &context).await.unwrap();
    assert_eq!((pass.delivered, pass.failed, pass.left), (0, 5, 5));
    let file = Connection::open(home.path()).unwrap();
    let said: String = file.query_row("SELECT min(last_error) FROM outbox", [], |row| row.get(0)).unwrap();
    assert_eq!(said, format!("could not write {}: nobody reads it", path.display()));

    // Opened for both, so that the opening does not wait for a writer.
    let mut reader = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    file.execute("UPDATE outbox SET due = 1", []).unwrap();
    let pass = once(&store, &[sink_to(&path)], &context).await.unwrap();
    assert_eq!((pass.delivered, pass.left), (5, 0));
    let mut got = vec![0; expected.len()];
    reader.read_exact(&mut got).unwrap();
    assert_eq!(String::from_utf8(got).unwrap(), expected);
    assert!(!home.path().with_file_name("pipe.1").exists(), "a pipe is not rotated");
}

#[tokio::test]
async fn reader_that_is_slower_than_we_are_gets_every_byte() {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let path = pipe(&home);
    let mut entries = articles(0..40, &["file"]);
    for (n, entry) in entries.iter_mut().enumerate() {
        entry.alerts[0].body = format!("{{\"type\":\"alert\",\"n\":{n},\"text\":\"{}\"}}", "x".repeat(9_000));
    }
    // More than a pipe holds.
    let expected: String = entries.iter().map(|entry| entry.alerts[0].body.clone() + "\n").collect();
    let length = expected.len();
    commit(&store, entries).await;
    let mut reader = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let read = std::thread::spawn(move || {
        let mut got = vec![0; length];
        got.chunks_mut(1_000).for_each(|part| {
            std::thread::yield_now();
            reader.read_exact(part).unwrap();
        });
        String::from_utf8(got).unwrap()
    });
    let pass = once(&store, &[sink_to(&path)], &context).await.unwrap();
    assert_eq!((pass.delivered, pass.left), (40, 0));
    assert!(read.join().unwrap() == expected);
}

#[test]
fn standard_output_error_and_nothing_are_written_to() {
    for (path, is_error) in [("/dev/stdout", false), ("/dev/stderr", true), ("/dev/null", false)] {
        let desk = Desk::new(&format!(
            "[daemon]\ndata_dir = \"data\"\nlisten = \"off\"\nbacklog = \"all\"\n[packs]\ndefaults = false\n\
             [[feed]]\nid = \"wire\"\nurl = \"file:wire.xml\"\n[[watch]]\nid = \"w\"\nquery = \"missile\"\n\
             sinks = [\"log\"]\n[[sink]]\nid = \"log\"\ntype = \"file\"\npath = \"{path}\"\n\
             rotate = {{ size = \"1kB\", keep = 2 }}\n"
        ));
        let head = "<rss version=\"2.0\"><channel><title>Wire</title><link>https://wire.example/</link>";
        let item = "<item><title>Missile seen</title><guid>g</guid><description>t</description></item>";
        desk.write("wire.xml", format!("{head}<description>d</description>{item}</channel></rss>"));
        // To a file as to a pipe.
        let (out, err) = (File::create(desk.path("out")).unwrap(), File::create(desk.path("err")).unwrap());
        let status = desk.command(&["run", "--once"]).stdout(out).stderr(err).status().unwrap();
        assert!(status.success());
        let read = |name: &str| std::fs::read_to_string(desk.path(name)).unwrap();
        assert!(read("err").contains("1 delivered, 0 left"), "{}", read("err"));
        let line = |text: &str| text.lines().filter(|line| line.starts_with("{\"type\":\"alert\"")).count();
        let expected = (usize::from(path == "/dev/stdout"), usize::from(is_error));
        assert_eq!((line(&read("out")), line(&read("err"))), expected, "{path}");
        assert!(!desk.path("out.1").exists());
    }
}

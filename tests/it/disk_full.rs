//! The built daemon while the disk takes nothing: it says nothing is stored, lives on, and loses nothing.
//!
//! A full disk is played by a limit on the length of files (`RLIMIT_FSIZE`), which is set and lifted while it runs.
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeSet,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::{
    farm::{Farm, Reply},
    program::{terminate, wire_to_hook},
    receiver::{Answer, Received, Receiver},
};

/// No test waits longer for an event.
const PATIENCE: Duration = Duration::from_secs(60);

fn rss(count: usize) -> String {
    let item =
        |n: usize| format!("<item><title>Missile n{n}n</title><guid>g{n}</guid><description>t{n}</description></item>");
    let items: String = (0..count).rev().map(item).collect();
    let head = "<rss version=\"2.0\"><channel><title>Wire</title><link>https://wire.example/</link>";
    format!("{head}<description>d</description>{items}</channel></rss>")
}

fn limit_files(daemon: &Child, bytes: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(daemon.id()).unwrap());
    let before = prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None });
    before.expect("who started it may limit it");
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn ids(requests: &[Received]) -> BTreeSet<String> {
    requests.iter().map(|request| request.id().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk_holds_all_up_and_loses_nothing() {
    let published = Arc::new(AtomicUsize::new(6));
    let polls = Arc::new(AtomicUsize::new(0));
    let (count, polled) = (Arc::clone(&published), Arc::clone(&polls));
    let farm = Farm::start(move |request| {
        polled.fetch_add(1, Ordering::SeqCst);
        let count = count.load(Ordering::SeqCst);
        let etag = format!("\"{count}\"");
        // A validator that is kept without its articles loses them here.
        if request.header("if-none-match") == Some(etag.as_bytes()) {
            return Reply::status(304);
        }
        Reply::ok(rss(count)).header("etag", etag)
    })
    .await;
    // Each alert is refused once, so that failures too have to be recorded while nothing can be.
    let receiver = Receiver::start(|attempt, _| match attempt {
        0 => Answer::Status(500, ""),
        _ => Answer::Status(204, ""),
    })
    .await;
    let retry = "\"300ms\", ".repeat(40);
    let desk = wire_to_hook(&farm.url("/feed"), &receiver.url, &format!("retry = [{retry}\"1s\"]"));
    // As a disk that is full, the limit is to be an error and not a signal.
    let daemon = desk.command(&[]);
    let program = daemon.get_program().to_owned();
    let folder = daemon.get_current_dir().unwrap().to_owned();
    let mut daemon = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" run"])
        .arg(program)
        .current_dir(&folder)
        .env_clear()
        .env("HOME", &folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();

    receiver.received(1).await;
    limit_files(&daemon, Some(4_096));
    published.store(30, Ordering::SeqCst);
    let before = polls.load(Ordering::SeqCst);
    until("it polls on", || polls.load(Ordering::SeqCst) >= before + 3).await;
    assert_eq!(daemon.try_wait().unwrap(), None, "it lives on");
    assert!(ids(&receiver.so_far()).len() <= 6, "what could not be stored was sent");

    limit_files(&daemon, None);
    let has_all = || {
        let all = receiver.so_far();
        ids(&all).len() == 30 && ids(&all).iter().all(|id| all.iter().filter(|r| r.id() == id).count() >= 2)
    };
    until("all come once there is room", has_all).await;
    assert!(terminate(daemon.id()).unwrap().success());
    assert!(daemon.wait().unwrap().success());
    let listed = desk.run(&["deliveries", "list", "--all"]);
    let delivered = listed.lines().iter().filter(|line| line["state"] == "delivered").count();
    assert_eq!(delivered, 30, "{listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn daemon_whose_log_can_not_be_written_works_on() {
    let farm = Farm::start(|_| Reply::ok(rss(3))).await;
    let receiver = Receiver::start(|_, _| Answer::Status(204, "")).await;
    let desk = wire_to_hook(&farm.url("/feed"), &receiver.url, "");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut daemon = desk.command(&["run"]).stdout(Stdio::null()).stderr(full).spawn().unwrap();
    receiver.received(3).await;
    // It says that it heard, and that it stops.
    let asked = Command::new("sh").args(["-c", &format!("kill -HUP {}", daemon.id())]).status().unwrap();
    assert!(asked.success() && terminate(daemon.id()).unwrap().success());
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}

//! Config files as a user writes them: what is read, and what is said of mistakes.
//!
//! Each folder in `tests/fixtures/config` is one case: `wirewatch.toml`, what it names beside it, and `expected`, which
//! is every problem as `check` draws it, then the settings where there are any. `UPDATE_EXPECT=1` rewrites `expected`.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use wirewatch::{
    cli::report,
    config::{
        DaemonSettings, Environment, FullText, NatsLogin, Origin, Proxy, STARTER, Settings, SinkKind, WebhookFormat,
        load_str, load_with,
    },
};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config")
}

/// What the fixtures are read beside. A folder that is nobody's stands in for the user's own.
fn environment() -> Environment {
    Environment::of([
        ("HOME", "/users/ada"),
        ("FEED_HOST", "feeds.example.org"),
        ("AA_TOKEN", "Bearer in-the-environment"),
        ("WIREWATCH_TOKEN", "a-token"),
        ("EMPTY", ""),
    ])
}

#[test]
fn each_fixture_reads_as_expected() {
    let mut cases: Vec<PathBuf> = fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|case| is_of_this_build(case));
    cases.sort();
    assert!(cases.len() >= 40, "only {} cases found", cases.len());
    let mut wrong = String::new();
    for case in &cases {
        let shown = outcome(case);
        let expected = case.join("expected");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&expected, &shown).unwrap();
        }
        let kept = fs::read_to_string(&expected).unwrap_or_default();
        if kept != shown {
            write!(wrong, "\n── {}\nexpected:\n{kept}\nfound:\n{shown}", case.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}\nUPDATE_EXPECT=1 rewrites what is expected");
}

/// What a build without NATS says of it, one that has it does not say.
fn is_of_this_build(case: &Path) -> bool {
    match case.file_name().and_then(|name| name.to_str()) {
        Some("nats" | "nats-wrong") => cfg!(feature = "nats"),
        Some("nats-left-out") => cfg!(not(feature = "nats")),
        _ => true,
    }
}

fn outcome(case: &Path) -> String {
    let loaded = load_with(&case.join("wirewatch.toml"), &environment());
    let mut out = report::render(&loaded.problems, false);
    assert_eq!(loaded.settings.is_none(), loaded.problems.iter().any(|problem| problem.is_error()));
    if let Some(settings) = &loaded.settings {
        describe(&mut out, settings).unwrap();
    }
    let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
    // Where the project lies is nobody's business.
    lines.join("\n").replace(case.to_str().unwrap(), "FOLDER") + "\n"
}

fn daemon(daemon: &DaemonSettings) -> Vec<String> {
    vec![
        format!("data_dir {} store {}", daemon.data_dir.display(), daemon.store.display()),
        format!("contact {:?}", daemon.contact),
        format!("waits {:?} {:?} {:?}", daemon.min_interval, daemon.interval, daemon.max_interval),
        format!("concurrency {} per_host {}", daemon.concurrency, daemon.per_host),
        format!("backlog {:?}", daemon.backlog),
        format!("retain {:?}", daemon.retain),
        format!("timezone {}", daemon.timezone),
        format!("listen {:?}", daemon.listen),
        format!("token {:?}", daemon.token.as_ref().map(|token| token.reveal())),
        format!("proxy {}", proxy(Some(&daemon.proxy))),
        format!("allow_private_networks {}", daemon.allow_private_networks),
    ]
}

fn proxy(proxy: Option<&Proxy>) -> String {
    match proxy {
        None => "the daemon's".to_owned(),
        Some(Proxy::Environment) => "the environment's".to_owned(),
        Some(Proxy::Direct) => "none".to_owned(),
        Some(Proxy::Url(url)) => url.to_string(),
    }
}

/// The settings that a fixture's file brings, for reading in a diff; what holds without it is left out.
fn describe(out: &mut String, settings: &Settings) -> std::fmt::Result {
    let without = daemon(&wirewatch::config::defaults(&environment()).daemon);
    for (said, default) in daemon(&settings.daemon).iter().zip(&without) {
        if said != default {
            writeln!(out, "daemon {said}")?;
        }
    }
    for feed in &settings.feeds {
        let secrets: Vec<_> = feed.headers.iter().map(|(name, value)| format!("{name}={}", value.reveal())).collect();
        write!(out, "feed {} {} tags {:?}", feed.id, feed.shown_url(), feed.tags)?;
        let waits = settings.daemon.poll_waits(feed);
        writeln!(out, " waits {:?} {:?} {:?} headers {secrets:?}", waits.min, waits.interval, waits.max)?;
        if feed.full_text != FullText::Off {
            writeln!(out, "  full text {:?}", feed.full_text)?;
        }
        let rest = (&feed.name, &feed.user_agent, feed.secret, feed.private, proxy(feed.proxy.as_ref()));
        if rest != (&None, &None, false, false, proxy(None)) {
            writeln!(out, "  name, user agent, secret, private, proxy {rest:?}")?;
        }
    }
    for watch in &settings.watches {
        let sinks: Vec<_> = watch.sinks.iter().map(|sink| sink.as_str()).collect();
        writeln!(out, "watch {} ({}) {} → {}", watch.id, watch.name, watch.severity.as_str(), sinks.join(" "))?;
        writeln!(out, "  {}", watch.query.text)?;
        if !watch.feeds.is_empty() {
            writeln!(out, "  of {:?}", watch.feeds)?;
        }
        if matches!(watch.query.origin, Origin::File(_)) {
            writeln!(out, "  from {:?}", &watch.query.source[watch.query.span.clone()])?;
        }
    }
    for sink in &settings.sinks {
        write!(out, "sink {} from {}: ", sink.id, sink.min_severity.as_str())?;
        match &sink.kind {
            SinkKind::Stdout { format } => writeln!(out, "stdout {format:?}")?,
            SinkKind::File { path, format, rotate } => {
                let rotate = rotate.map(|rotate| format!(" rotate {} keep {}", rotate.bytes_max, rotate.keep));
                writeln!(out, "file {} {format:?}{}", path.display(), rotate.unwrap_or_default())?;
            }
            SinkKind::Exec(exec) => {
                writeln!(out, "exec {} {:?}", exec.program.display(), exec.arguments)?;
                writeln!(out, "  timeout {:?} retry {:?}", exec.timeout, sink.retry)?;
            }
            SinkKind::Nats(nats) => {
                let login = match &nats.login {
                    NatsLogin::None => "none".to_owned(),
                    NatsLogin::Password(user, password) => format!("{user} {}", password.reveal()),
                    NatsLogin::Token(token) => format!("token {}", token.reveal()),
                    NatsLogin::Credentials(credentials) => format!("credentials {}", credentials.reveal()),
                };
                writeln!(out, "nats {} login {login}", nats.shown())?;
                writeln!(out, "  timeout {:?} retry {:?}", nats.timeout, sink.retry)?;
            }
            SinkKind::Email(email) => {
                let to: Vec<_> = email.to.iter().map(ToString::to_string).collect();
                let login = email.login.as_ref().map(|(user, password)| format!("{user} {}", password.reveal()));
                writeln!(
                    out,
                    "email {} {:?} login {login:?} from {} to {to:?}",
                    email.server(),
                    email.tls,
                    email.from
                )?;
                writeln!(out, "  timeout {:?} retry {:?}", email.timeout, sink.retry)?;
            }
            SinkKind::Webhook(webhook) => {
                let secrets: Vec<_> = webhook.secrets.iter().map(|secret| secret.reveal()).collect();
                writeln!(out, "webhook {} secrets {secrets:?}", webhook.url)?;
                match &webhook.format {
                    WebhookFormat::Standard => {}
                    WebhookFormat::Template { template, content_type, .. } => {
                        let written = &template.source[template.span.clone()];
                        writeln!(out, "  template {:?} of {content_type} from {written:?}", template.text)?;
                    }
                    format => writeln!(out, "  format {format:?}")?,
                }
                let proxy = proxy(webhook.proxy.as_ref());
                writeln!(out, "  timeout {:?} private {} proxy {proxy}", webhook.timeout, webhook.private)?;
                writeln!(out, "  retry {:?}", sink.retry)?;
            }
        }
    }
    for (name, names) in &settings.lists {
        writeln!(out, "list {name} {names:?}")?;
    }
    if let Some(folder) = &settings.pack_folder {
        writeln!(out, "packs {}", folder.display())?;
    }
    Ok(())
}

#[test]
fn secrets_are_not_shown() {
    for case in fs::read_dir(fixtures()).unwrap() {
        let path = case.unwrap().path().join("wirewatch.toml");
        let loaded = load_with(&path, &environment());
        let shown = format!("{:?}", loaded.settings) + &report::render(&loaded.problems, false);
        assert!(!shown.contains("hush"), "{}: {shown}", path.display());
        for problem in &loaded.problems {
            let place = problem.place.as_ref().map(|place| place.source.to_string()).unwrap_or_default();
            assert!(!place.contains("hush"), "{}", path.display());
        }
    }
}

/// Every valid shape in one text, to be broken.
fn whole() -> String {
    let mut whole = fs::read_to_string(fixtures().join("whole/wirewatch.toml")).unwrap();
    whole.push_str(STARTER);
    whole
}

/// Whatever a file holds: no panic, problems in order, places inside the text, and drawn.
fn stays_calm(text: &str) -> Result<(), TestCaseError> {
    let loaded = load_str(text, Origin::Named("mutated".into()), &environment());
    prop_assert_eq!(loaded.settings.is_none(), loaded.problems.iter().any(|problem| problem.is_error()));
    for place in loaded.problems.iter().filter_map(|problem| problem.place.as_ref()) {
        prop_assert!(place.span.start <= place.span.end && place.span.end <= place.source.len());
        prop_assert!(place.source.is_char_boundary(place.span.start));
    }
    if let Some(settings) = loaded.settings {
        for watch in settings.watches {
            prop_assert!(watch.query.source.get(watch.query.span.clone()).is_some());
        }
        for feed in &settings.feeds {
            let waits = settings.daemon.poll_waits(feed);
            prop_assert!(waits.min <= waits.interval && waits.interval <= waits.max);
        }
    }
    report::render(&loaded.problems, true);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_broken_config_is_reported_and_nothing_panics(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, "[\\[\\]{}\"'=,.#$\\\\\n a-z0-9é制]{0,6}"), 1..6),
    ) {
        let mut text: Vec<char> = whole().chars().collect();
        for (at, length, put_in) in cuts {
            let at = at.index(text.len());
            let end = (at + length).min(text.len());
            text.splice(at..end, put_in.chars());
        }
        stays_calm(&text.into_iter().collect::<String>())?;
    }

    #[test]
    fn lines_in_any_order_are_reported_and_nothing_panics(order in prop::collection::vec(any::<prop::sample::Index>(), 1..60)) {
        let whole = whole();
        let lines: Vec<&str> = whole.lines().map(|line| line.trim_start_matches('#')).collect();
        let text: Vec<&str> = order.iter().map(|index| lines[index.index(lines.len())]).collect();
        stays_calm(&text.join("\n"))?;
    }

    #[test]
    fn any_text_is_reported_and_nothing_panics(text in "\\PC{0,200}") {
        stays_calm(&text)?;
    }
}

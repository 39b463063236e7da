//! `run`: the daemon until it is told to stop, or one turn with `--once`.

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Context, Exit,
    args::{LogFormat, RunArguments},
    output, setup, waiting,
};
use crate::{
    alert::text::safe,
    clock::Clock,
    config::{Backlog, OutputFormat, SinkKind},
    daemon::{Daemon, DaemonError, Look, once::Turn},
    deliver::StdoutLook,
};

/// Runs the daemon.
pub fn run(context: &Context, arguments: &RunArguments) -> Exit {
    let (settings, problems) = match setup::settings(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let watches = settings.watches.clone();
    let watching = match setup::compile(context, &settings, watches, problems) {
        Ok(watching) => watching,
        Err(exit) => return exit,
    };
    let Some(runtime) = runtime() else { return Exit::Failed };
    let exit = runtime.block_on(async {
        let daemon = match Daemon::open(settings, watching, Clock::system(), look(context)) {
            Ok(daemon) => daemon,
            Err(error) => return fail(&error),
        };
        let stop = CancellationToken::new();
        let signals = match stop_on_signals(stop.clone()) {
            Ok(signals) => signals,
            Err(error) => {
                output::say(&format!("error: signals can't be listened to: {error}\n"));
                return Exit::Failed;
            }
        };
        let command = async {
            match arguments.once {
                true => {
                    for note in waiting::notes(daemon.store(), daemon.settings(), true).await {
                        match context.global.log_format {
                            LogFormat::Text => output::say(&format!("{}\n", safe(&note))),
                            LogFormat::Json => warn!("{note}"),
                        }
                    }
                    once(daemon, arguments, context.global.log_format, stop).await
                }
                false => until_stopped(daemon, stop).await,
            }
        };
        // Losing the command halfway is what a second signal asks for: the store keeps what was committed.
        tokio::select! {
            exit = command => exit,
            _ = signals => {
                output::say("stopped at once by a second signal: what was under way is done again at the next start\n");
                Exit::Failed
            }
        }
    });
    // A poll that reads a hostile document may still be at it on the blocking pool.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    exit
}

/// Threads for what blocks. They come when all others are busy and go when they are idle, so the bound costs nothing: it
/// is there for file systems that hang, where each file sink keeps one and each poll of a `file:` feed. What computes or
/// asks the store bounds itself (as many readers of documents as there are cores, half as many of pages, eight pushes, two
/// questions to the store), and names are looked up elsewhere (`fetch::look_up`).
const BLOCKING_THREADS_MAX: usize = 256;

/// The runtime that every daemon command uses: few threads, since the work is waiting.
pub(super) fn runtime() -> Option<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let built = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(4))
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .enable_all()
        .build();
    built.inspect_err(|error| output::say(&format!("error: the runtime could not start: {error}\n"))).ok()
}

/// How alerts look on standard output.
pub(super) fn look(context: &Context) -> Look {
    let forced = match (context.global.json, context.global.text) {
        (true, _) => Some(OutputFormat::Json),
        (_, true) => Some(OutputFormat::Text),
        (false, false) => None,
    };
    Look { stdout: StdoutLook { forced, is_terminal: !context.output.json }, color: context.output.color }
}

pub(super) fn fail(error: &DaemonError) -> Exit {
    output::say(&format!("error: {}\n", crate::daemon::poll::chain(error)));
    Exit::Failed
}

pub(super) async fn once(
    daemon: Daemon,
    arguments: &RunArguments,
    log_format: LogFormat,
    stop: CancellationToken,
) -> Exit {
    let turn = match daemon.once(stop.clone()).await {
        Ok(turn) => turn,
        Err(error) => return fail(&error),
    };
    match log_format {
        LogFormat::Text => output::say(&account(&turn)),
        LogFormat::Json => log_account(&turn),
    }
    if stop.is_cancelled() {
        return Exit::Done;
    }
    let all_failed = turn.polled > 0 && turn.failed.len() == turn.polled;
    if all_failed || (arguments.strict && !turn.failed.is_empty()) { Exit::Failed } else { Exit::Done }
}

/// The account where stderr is read by a program: each line of it is JSON then.
fn log_account(turn: &Turn) {
    for (feed, failure) in &turn.failed {
        warn!(%feed, error = %failure, "failed");
    }
    for (feed, note) in &turn.notes {
        warn!(%feed, note, "the document is odd");
    }
    for (feed, why) in &turn.skipped {
        info!(%feed, reason = %why, "left alone");
    }
    info!(
        polled = turn.polled,
        failed = turn.failed.len(),
        articles = turn.articles,
        pages = turn.pages.fetched,
        alerts = turn.alerts,
        delivered = turn.delivered.delivered,
        left = turn.delivered.left,
        "turn done"
    );
}

fn account(turn: &Turn) -> String {
    let mut text = String::new();
    for (feed, failure) in &turn.failed {
        text.push_str(&format!("failed: {feed}: {failure}\n"));
    }
    for (feed, note) in &turn.notes {
        text.push_str(&format!("note: {feed}: {note}\n"));
    }
    for (feed, why) in &turn.skipped {
        text.push_str(&format!("left alone: {feed}: {why}\n"));
    }
    let mut articles = setup::plural(turn.articles, "new article");
    if turn.pages.fetched > 0 {
        articles.push_str(&format!(", {} fetched", setup::plural(turn.pages.fetched, "page")));
    }
    if turn.pages.left > 0 {
        articles.push_str(&format!(", {} left for the next turn", setup::plural(turn.pages.left, "page")));
    }
    text.push_str(&format!(
        "{} polled, {} failed; {}, {}; {} delivered, {} left in the outbox\n",
        setup::plural(turn.polled, "feed"),
        turn.failed.len(),
        articles,
        setup::plural(turn.alerts, "alert"),
        turn.delivered.delivered,
        turn.delivered.left,
    ));
    text
}

async fn until_stopped(daemon: Daemon, stop: CancellationToken) -> Exit {
    let listener = match daemon.listen().await {
        Ok(listener) => listener,
        Err(error) => return fail(&error),
    };
    let notes = waiting::notes(daemon.store(), daemon.settings(), false).await;
    output::say(&announcement(&daemon, &notes, listener.as_ref()));
    match daemon.run(listener, stop).await {
        Ok(()) => Exit::Done,
        Err(error) => fail(&error),
    }
}

/// "File size limit exceeded", by POSIX; the number that Linux and the BSDs give it.
const SIGXFSZ: i32 = 25;

/// Cancels `stop` at the first SIGTERM or SIGINT; the handle ends at the second.
pub(super) fn stop_on_signals(stop: CancellationToken) -> std::io::Result<tokio::task::JoinHandle<()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Taken, so that a file-size limit is an error of the write that met it, like a full disk, and not the end of us.
    let _file_size = signal(SignalKind::from_raw(SIGXFSZ))?;
    let mut hang_up = signal(SignalKind::hangup())?;
    // Where somebody watches, it is their terminal that has gone; else it asks for a reload.
    let is_watched = std::io::IsTerminal::is_terminal(&std::io::stderr());
    Ok(tokio::spawn(async move {
        let mut asked = 0;
        while asked < 2 {
            // All only wait for a signal, which stays noted when another branch wins.
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hang_up.recv() => if !is_watched {
                    tracing::warn!("the config is read at the start only: restart wirewatch to apply a change");
                    continue;
                }
            }
            stop.cancel();
            asked += 1;
        }
    }))
}

/// What is about to happen: feeds, watches → sinks, backlog, and the notes about sinks.
pub(super) fn announcement(daemon: &Daemon, notes: &[String], listener: Option<&TcpListener>) -> String {
    const LINES_MAX: usize = 20;
    let settings = daemon.settings();
    let mut text = format!("wirewatch {}\n", env!("CARGO_PKG_VERSION"));
    text.push_str(&format!("{}:\n", setup::plural(settings.feeds.len(), "feed")));
    for feed in settings.feeds.iter().take(LINES_MAX) {
        text.push_str(&format!("  {}  {}\n", feed.id, feed.shown_url()));
    }
    if settings.feeds.len() > LINES_MAX {
        text.push_str(&format!("  … and {} more\n", settings.feeds.len() - LINES_MAX));
    }
    text.push_str(&format!("{}:\n", setup::plural(settings.watches.len(), "watch").replace("watchs", "watches")));
    for watch in settings.watches.iter().take(LINES_MAX) {
        let sinks: Vec<&str> = watch.sinks.iter().map(|s| s.as_str()).collect();
        let sinks = if sinks.is_empty() { "no sink".to_owned() } else { sinks.join(", ") };
        text.push_str(&format!("  {} ({}) → {sinks}\n", watch.id, watch.severity.as_str()));
    }
    if settings.watches.len() > LINES_MAX {
        text.push_str(&format!("  … and {} more\n", settings.watches.len() - LINES_MAX));
    }
    match daemon.unfiled_watches() {
        0 => {}
        1 => text.push_str("  one of them is looked at for every article: `check` says which\n"),
        n => text.push_str(&format!("  {n} of them are looked at for every article: `check` says which\n")),
    }
    let backlog = match settings.daemon.backlog {
        Backlog::All => "alerts on all that a feed holds when it is first polled".to_owned(),
        Backlog::None => "alerts on nothing that a feed holds when it is first polled".to_owned(),
        Backlog::Newer(age) => {
            format!("of what a feed holds when it is first polled, alerts on the last {}", config_duration(age))
        }
    };
    text.push_str(&format!("backlog: {backlog}\n"));
    for sink in &settings.sinks {
        match &sink.kind {
            SinkKind::Webhook(webhook) => {
                text.push_str(&format!("sink {}: {}\n", sink.id, crate::config::shown_url(&webhook.url, true)));
            }
            SinkKind::Email(email) => text.push_str(&format!("sink {}: {}\n", sink.id, email.server())),
            SinkKind::Exec(exec) => text.push_str(&format!("sink {}: {}\n", sink.id, exec.shown())),
            SinkKind::Nats(nats) => text.push_str(&format!("sink {}: {}\n", sink.id, nats.shown())),
            SinkKind::Stdout { .. } | SinkKind::File { .. } => {}
        }
    }
    for note in notes {
        text.push_str(&format!("{}\n", safe(note)));
    }
    let proxies = crate::fetch::client::shown_proxies(&settings.daemon.proxy);
    if !proxies.is_empty() {
        text.push_str(&format!(
            "through the proxy {}, where only literal addresses can be checked for being private\n",
            proxies.join(", ")
        ));
    }
    match listener.and_then(|listener| listener.local_addr().ok()) {
        Some(address) => text.push_str(&format!("http://{address}/metrics\n")),
        None => text.push_str("HTTP is off\n"),
    }
    text
}

/// `24h`, `1h30m`: as one would write it in the config.
fn config_duration(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let text: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

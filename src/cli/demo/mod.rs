//! `wirewatch demo`: bundled sample feeds, served over loopback to the whole daemon, and the alerts received back.
//!
//! Nothing is pretended: the feeds come over HTTP, the store is a SQLite file in a temporary folder, and each alert is
//! posted to a receiver that checks its signature.

pub mod feeds;
pub mod server;

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use self::server::DemoServer;
use super::{Context, Exit, args::DemoArguments, run as daemon_command, setup};
use crate::{
    clock::Clock,
    config::{self, Origin},
    daemon::Daemon,
    metrics::Metrics,
    store::Store,
};

/// The demo is done in a few seconds; after this it says what it still waits for.
const TIME_MAX: Duration = Duration::from_secs(60);

/// Runs the demo to its summary; with `--keep`, on until Ctrl-C.
pub fn run(context: &Context, arguments: &DemoArguments) -> Exit {
    let Some(runtime) = daemon_command::runtime() else { return Exit::Failed };
    let exit = runtime.block_on(show(context, arguments.keep));
    runtime.shutdown_timeout(Duration::from_secs(1));
    exit
}

async fn show(context: &Context, keep: bool) -> Exit {
    let started = Instant::now();
    let clock = Clock::system();
    let folder = match tempfile::Builder::new().prefix("wirewatch-demo-").tempdir() {
        Ok(folder) => folder,
        Err(error) => return fail(&format!("no temporary folder could be made: {error}")),
    };
    let server = match DemoServer::start(clock).await {
        Ok(server) => server,
        Err(error) => return fail(&format!("the sample feeds can't be served on loopback: {error}")),
    };
    let origin = Origin::Named("demo.toml".to_owned());
    let loaded = config::load_str(feeds::CONFIG, origin, &server.environment(folder.path()));
    let Some(mut settings) = loaded.settings else {
        setup::show(context, &loaded.problems);
        return Exit::Failed;
    };
    if !keep {
        settings.daemon.listen = None;
    }
    let watches = settings.watches.clone();
    let watching = match setup::compile(context, &settings, watches, loaded.problems) {
        Ok(watching) => watching,
        Err(exit) => return exit,
    };
    let daemon = match Daemon::open(settings, watching, clock, daemon_command::look(context)) {
        Ok(daemon) => daemon,
        Err(error) => return daemon_command::fail(&error),
    };
    let listener = match daemon.listen().await {
        Ok(listener) => listener,
        Err(error) => return daemon_command::fail(&error),
    };
    eprint!("{}", daemon_command::announcement(&daemon, &[], listener.as_ref()));
    eprintln!("all of it is made for this demo: bundled feeds, a store in a temporary folder, a receiver of our own\n");
    let address = listener.as_ref().and_then(|l| l.local_addr().ok());
    let (metrics, store) = (daemon.metrics().clone(), daemon.store().clone());
    let stop = CancellationToken::new();
    let signals = match daemon_command::stop_on_signals(stop.clone()) {
        Ok(signals) => signals,
        Err(error) => return fail(&format!("signals can't be listened to: {error}")),
    };
    let mut running = tokio::spawn(daemon.run(listener, stop.clone()));
    // Losing the story halfway harms nothing: it only waits and reads. Losing the daemon means that it has ended.
    let complete = tokio::select! {
        complete = tokio::time::timeout(TIME_MAX, play(&server, &store, &metrics)) => complete.is_ok(),
        () = stop.cancelled() => false,
        ended = &mut running => return daemon_ended(ended),
    };
    let received = server.received();
    let polls = server.polls();
    eprintln!(
        "\n{}: {} read, {} answered 304\n{}, {}, {} of them held: older than a first poll alerts on\n{} delivered and verified by signature, {} rejected, {} sent \
         twice, {} turned away once to show the retry\n{:.1} s in all",
        setup::plural(feeds::names().count(), "feed"),
        setup::plural(count(polls.documents), "document"),
        polls.not_modified,
        setup::plural(count(metrics.articles.get()), "article"),
        setup::plural(count(Metrics::sum(&metrics.alerts)), "alert"),
        Metrics::sum(&metrics.alerts_held),
        received.verified,
        received.rejected,
        received.duplicates,
        received.turned_away,
        started.elapsed().as_secs_f64(),
    );
    if keep && !stop.is_cancelled() {
        if let Some(address) = address {
            eprintln!("still running: http://{address}/metrics, Ctrl-C ends it");
        }
        stop.cancelled().await;
    }
    stop.cancel();
    let ended = running.await;
    signals.abort();
    match daemon_ended(ended) {
        Exit::Done if complete => Exit::Done,
        Exit::Done => {
            eprintln!("the demo was stopped before it was done, or took longer than {} s", TIME_MAX.as_secs());
            if keep && received.verified > 0 { Exit::Done } else { Exit::Failed }
        }
        exit => exit,
    }
}

/// Waits for both rounds of polls, and then until every alert has been received.
async fn play(server: &DemoServer, store: &Store, metrics: &Metrics) {
    let feeds = feeds::names().count();
    let mut seen = server.watch();
    // The sender lives as long as `server`.
    let _ = seen.wait_for(|seen| seen.polls.feeds_first == feeds).await;
    server.second();
    let _ = seen.wait_for(|seen| seen.polls.feeds_second == feeds).await;
    // What has been served is committed a moment later, and only then does the outbox know of it.
    let polls = server.polls();
    let served = polls.documents + polls.not_modified;
    let mut changed = store.changed();
    loop {
        let committed = count(Metrics::sum(&metrics.polls));
        let waiting: i64 = store.backlogs().await.map_or(1, |sinks| sinks.iter().map(|s| s.pending).sum());
        if committed >= count(served) && waiting == 0 {
            return;
        }
        // Any of them tells that something may have moved; none is lost, since both are asked again.
        tokio::select! {
            _ = changed.changed() => {}
            _ = seen.changed() => {}
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
}

fn count(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn daemon_ended(ended: Result<Result<(), crate::daemon::DaemonError>, tokio::task::JoinError>) -> Exit {
    match ended {
        Ok(Ok(())) => Exit::Done,
        Ok(Err(error)) => daemon_command::fail(&error),
        Err(error) => fail(&format!("the daemon broke off: {error}")),
    }
}

fn fail(message: &str) -> Exit {
    eprintln!("error: {message}");
    Exit::Failed
}

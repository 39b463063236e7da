//! `feeds remove`, `pause`, `resume`, `poll`: what people ask of one feed. The running daemon notices within a second.

use std::{slice, time::Duration};

use chrono::SecondsFormat;
use serde_json::json;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{blocks, known, place_of, refuse};
use crate::{
    cli::{
        Context, Exit,
        args::RunArguments,
        printed,
        run::{self, runtime},
        setup,
    },
    clock::Clock,
    config::{self, FeedId, FeedOrigin, FeedSettings, Settings, managed, suggest},
    daemon::{Daemon, DaemonError, poll::chain},
    schedule::PollReason,
    store::{FeedState, Role, Store, StoreError},
};

/// How long `poll` waits for the daemon: its longest request, and a little for turns.
const POLL_WAIT_MAX: Duration = Duration::from_secs(45);

/// How often it looks.
const POLL_LOOK: Duration = Duration::from_millis(100);

/// Takes a feed away that a command has added. Works beside a config with errors, as an id in both files is one.
pub fn remove(context: &Context, id: &str) -> Exit {
    let Some(path) = config::find(context.global.config.as_deref()) else {
        return refuse("there is no config: `wirewatch init` writes one to start from");
    };
    let loaded = config::load(&path);
    let Some(mut settings) = loaded.settings.or(loaded.part.map(|part| part.settings)) else {
        setup::show(context, &loaded.problems);
        return Exit::Usage;
    };
    settings.file = Some(path);
    let id: FeedId = match id.parse() {
        Ok(id) => id,
        Err(error) => return refuse(&format!("`{id}`: {error}")),
    };
    match managed::remove(&settings.daemon.data_dir, &id) {
        Ok(true) => {}
        Ok(false) => return refuse(&not_managed(&settings, &id)),
        Err(error) => return failed(&chain(&error)),
    }
    let store = &settings.daemon.store;
    if let (Some(runtime), Ok(store)) = (runtime(), Store::open(store, Clock::system(), Role::Beside))
        && let Err(error) = runtime.block_on(store.forget_wish(&id))
    {
        return failed(&chain(&error));
    }
    let said = format!("removed {id}: a running daemon polls it no longer; its alerts and articles stay");
    if !context.output.json {
        return printed(&format!("{said}\n"));
    }
    eprintln!("{said}");
    printed(&format!("{}\n", json!({ "id": id, "status": "removed" })))
}

fn not_managed(settings: &Settings, id: &FeedId) -> String {
    match settings.feeds.iter().find(|feed| feed.id == *id) {
        Some(feed) => match &feed.origin {
            FeedOrigin::Config { .. } => {
                format!("`{id}` stands {}: take it out there, or `feeds pause {id}`", place_of(settings, feed))
            }
            _ => format!("`{id}` is {}: take it out there, or `feeds pause {id}`", place_of(settings, feed)),
        },
        None => unknown(settings, id.as_str()),
    }
}

fn unknown(settings: &Settings, id: &str) -> String {
    let known = settings.feeds.iter().map(|feed| feed.id.as_str());
    match suggest::did_you_mean(id, known) {
        Some(help) => format!("there is no feed `{id}`: {help}"),
        None => format!("there is no feed `{id}`: `wirewatch feeds list` shows those that there are"),
    }
}

/// Settings and the feed that is meant.
fn feed_of(context: &Context, id: &str) -> Result<(Settings, FeedSettings), Exit> {
    let (settings, _) = setup::settings(context)?;
    match settings.feeds.iter().find(|feed| feed.id.as_str() == id) {
        Some(feed) => {
            let feed = feed.clone();
            Ok((settings, feed))
        }
        None => Err(refuse(&unknown(&settings, id))),
    }
}

/// The store, made where no daemon has run yet: what is asked must be kept somewhere.
fn store(settings: &Settings) -> Result<Store, StoreError> {
    let open = |role| Store::open(&settings.daemon.store, Clock::system(), role);
    match open(Role::Beside) {
        Err(StoreError::Missing { .. }) => open(Role::Daemon),
        other => other,
    }
}

/// No polls until it is resumed; also after a restart.
pub fn pause(context: &Context, id: &str) -> Exit {
    let (settings, feed) = match feed_of(context, id) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    let paused = with_store(&settings, async |store| store.pause_feed(&feed.id, Clock::system().now()).await);
    match paused {
        Ok(true) => {
            done(context, &settings, &feed, &format!("paused {id}: `wirewatch feeds resume {id}` lets it go on"))
        }
        Ok(false) => done(context, &settings, &feed, &format!("{id} was paused already")),
        Err(message) => failed(&message),
    }
}

/// Lets it go on; one that was gone (410) is asked again.
pub fn resume(context: &Context, id: &str) -> Exit {
    let (settings, feed) = match feed_of(context, id) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    match with_store(&settings, async |store| store.resume_feed(&feed.id, Clock::system().now()).await) {
        Ok(resumed) => {
            let said = match (resumed.was_paused, resumed.was_gone) {
                (_, true) => format!("resumed {id}: its server had said that it is gone (410), and is asked again"),
                (true, false) => format!("resumed {id}"),
                (false, false) => format!("{id} was not paused"),
            };
            done(context, &settings, &feed, &said)
        }
        Err(message) => failed(&message),
    }
}

/// What came of it: a sentence for people, and for programs the feed as `feeds list` has it now.
fn done(context: &Context, settings: &Settings, feed: &FeedSettings, said: &str) -> Exit {
    if !context.output.json {
        return printed(&format!("{said}\n"));
    }
    eprintln!("{said}");
    match known(settings, Clock::system()) {
        Ok((states, wishes, activity)) => {
            printed(&blocks(context, settings, slice::from_ref(feed), &states, &wishes, &activity))
        }
        Err(error) => failed(&chain(&error)),
    }
}

/// Asks the store, made where there is none.
pub(in crate::cli) fn with_store<T>(
    settings: &Settings,
    ask: impl AsyncFnOnce(Store) -> Result<T, StoreError>,
) -> Result<T, String> {
    let store = store(settings).map_err(|error| chain(&error))?;
    let runtime = runtime().ok_or("the runtime could not start")?;
    runtime.block_on(ask(store)).map_err(|error| chain(&error))
}

/// Polls it now: by the running daemon, or here where none runs. What a server asked for is kept.
pub fn poll(context: &Context, id: &str) -> Exit {
    let (settings, feed) = match feed_of(context, id) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    let state = with_store(&settings, async |store| store.feed_state(&feed.id).await);
    match state {
        Ok(Some(state)) => {
            if let Some(why) = kept_from(&state, &feed) {
                return failed(&format!("`{id}` is not polled: {why}"));
            }
        }
        Ok(None) => {}
        Err(message) => return failed(&message),
    }
    let watches = settings.watches.clone();
    let watching = match setup::compile(context, &settings, watches, Vec::new()) {
        Ok(watching) => watching,
        Err(exit) => return exit,
    };
    let mut alone = settings.clone();
    alone.feeds = vec![feed.clone()];
    alone.opml.clear();
    let Some(runtime) = runtime() else { return Exit::Failed };
    runtime.block_on(async {
        match Daemon::open(alone, watching, Clock::system(), run::look(context)) {
            Ok(daemon) => {
                // Asked for, so that one that is paused is polled too.
                if let Err(error) = daemon.store().ask_poll(&feed.id, Clock::system().now()).await {
                    return failed(&chain(&error));
                }
                let arguments = RunArguments { once: true, strict: true };
                run::once(daemon, &arguments, context.global.log_format, CancellationToken::new()).await
            }
            Err(DaemonError::Store(StoreError::Held { .. })) => asked(context, &settings, &feed).await,
            Err(error) => run::fail(&error),
        }
    })
}

/// Why even who asks for a poll does not get one.
fn kept_from(state: &FeedState, feed: &FeedSettings) -> Option<String> {
    if state.is_gone(&feed.source) {
        let id = &state.feed;
        return Some(format!("its server says that it is gone (410); `wirewatch feeds resume {id}` asks again"));
    }
    let asks = [PollReason::RetryAfter, PollReason::HostSlow].map(|reason| reason.to_string());
    let is_asked = asks.contains(&state.next_reason);
    (is_asked && state.next_poll > Clock::system().now()).then(|| {
        let until = state.next_poll.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("its server asked to be left alone until {until}")
    })
}

/// Asks the running daemon, and shows how it went.
async fn asked(context: &Context, settings: &Settings, feed: &FeedSettings) -> Exit {
    let asked = async {
        let store = store(settings)?;
        let at = Clock::system().now();
        store.ask_poll(&feed.id, at).await?;
        let patience = Instant::now() + POLL_WAIT_MAX;
        while Instant::now() < patience {
            let state = store.feed_state(&feed.id).await?;
            if state.as_ref().is_some_and(|state| state.last_poll > at) {
                return Ok(state);
            }
            sleep(POLL_LOOK).await;
        }
        Ok::<_, StoreError>(None)
    };
    let state = match asked.await {
        Ok(Some(state)) => state,
        Ok(None) => return failed(&format!("the daemon has not polled `{}` yet; it will", feed.id)),
        Err(error) => return failed(&chain(&error)),
    };
    let has_failed = state.error.is_some();
    match printed(&blocks(context, settings, slice::from_ref(feed), &[state], &[], &Default::default())) {
        Exit::Done if has_failed => Exit::Failed,
        exit => exit,
    }
}

fn failed(message: &str) -> Exit {
    eprintln!("error: {}", crate::alert::text::safe(message));
    Exit::Failed
}

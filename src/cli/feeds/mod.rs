//! `feeds …`: every feed, how it does, when it is polled next and why then; and what people do with feeds.

pub mod control;
pub mod find;
pub mod lists;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Context, Exit, run::runtime, setup};
use crate::{
    alert::{body::wire_time, text::safe},
    clock::Clock,
    config::{FeedId, FeedOrigin, FeedSettings, Settings, managed, shown_url, value::format_duration},
    store::{FeedActivity, FeedState, FeedWish, Role, Store, StoreError},
};

/// Lists them in the order of the config, then those of lists, then those that were added.
pub fn list(context: &Context) -> Exit {
    // Warnings are for `check` and `run`: here they would stand before each answer.
    let (settings, _) = match setup::settings(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let clock = Clock::system();
    let (states, wishes, activity) = match known(&settings, clock) {
        Ok(known) => known,
        Err(error) => {
            eprintln!("error: {}", crate::daemon::poll::chain(&error));
            return Exit::Failed;
        }
    };
    super::printed(&blocks(context, &settings, &settings.feeds, &states, &wishes, &activity))
}

/// `feeds` as they are shown: a line or a block each.
fn blocks(
    context: &Context,
    settings: &Settings,
    feeds: &[FeedSettings],
    states: &[FeedState],
    wishes: &[FeedWish],
    activity: &BTreeMap<FeedId, FeedActivity>,
) -> String {
    let states: HashMap<&FeedId, &FeedState> = states.iter().map(|s| (&s.feed, s)).collect();
    let wishes: HashMap<&FeedId, &FeedWish> = wishes.iter().map(|wish| (&wish.feed, wish)).collect();
    let now = Clock::system().now();
    let each = feeds.iter().map(|feed| {
        let shown = Shown {
            settings,
            feed,
            state: states.get(&feed.id).copied(),
            paused: wishes.get(&feed.id).and_then(|wish| wish.paused),
            activity: activity.get(&feed.id),
        };
        if context.output.json { format!("{}\n", shown.line()) } else { shown.block(now) }
    });
    each.collect()
}

/// Where a feed is written, for people: `in wirewatch.toml:12`.
fn place_of(settings: &Settings, feed: &FeedSettings) -> String {
    match (&feed.origin, &settings.file) {
        (FeedOrigin::Config { line }, Some(file)) => format!("in {}:{line}", file.display()),
        (FeedOrigin::Config { .. }, None) => "in the config".to_owned(),
        (FeedOrigin::Opml { list }, _) => format!("in the list {}", safe(list)),
        (FeedOrigin::Managed, _) => format!("in {}", managed::file(&settings.daemon.data_dir).display()),
    }
}

/// Says what is wrong with what was typed.
fn refuse(message: &str) -> Exit {
    eprintln!("error: {}", safe(message));
    Exit::Usage
}

/// How feeds did, what is asked of them, how busy they are.
type OfStore = (Vec<FeedState>, Vec<FeedWish>, BTreeMap<FeedId, FeedActivity>);

/// What the store knows; nothing where no daemon has run yet.
fn known(settings: &Settings, clock: Clock) -> Result<OfStore, StoreError> {
    let store = match Store::open(&settings.daemon.store, clock, Role::Beside) {
        Ok(store) => store,
        Err(StoreError::Missing { .. }) => return Ok(OfStore::default()),
        Err(error) => return Err(error),
    };
    let Some(runtime) = runtime() else { return Ok(OfStore::default()) };
    runtime.block_on(async {
        Ok((store.feed_states().await?, store.feed_wishes().await?, store.feed_activity(clock.now()).await?))
    })
}

/// Where it has moved to for good, as it may be shown.
fn moved_to(feed: &FeedSettings, state: Option<&FeedState>) -> Option<String> {
    state?.moved_to.as_ref()?.of(&feed.source).map(|url| shown_url(&url, feed.secret))
}

/// `new`, `ok`, `failing`, `silent`, `gone`.
fn health(feed: &FeedSettings, state: Option<&FeedState>) -> &'static str {
    match state {
        None => "new",
        Some(state) if state.is_gone(&feed.source) => "gone",
        Some(state) if !state.is_of(&feed.source) => "new",
        Some(state) if state.error.is_some() => "failing",
        Some(state) if state.is_silent => "silent",
        Some(_) => "ok",
    }
}

/// To whole seconds where there are any, to whole minutes from ten minutes on: nobody reads more.
fn rounded(wait: Duration) -> Duration {
    match wait.as_secs() {
        0 => wait,
        seconds @ 1..600 => Duration::from_secs(seconds + u64::from(wait.subsec_millis() >= 500)),
        seconds => Duration::from_secs((seconds + 30) / 60 * 60),
    }
}

/// A feed with all that is known of it.
struct Shown<'a> {
    settings: &'a Settings,
    feed: &'a FeedSettings,
    state: Option<&'a FeedState>,
    paused: Option<DateTime<Utc>>,
    activity: Option<&'a FeedActivity>,
}

impl Shown<'_> {
    fn health(&self) -> &'static str {
        if self.paused.is_some() { "paused" } else { health(self.feed, self.state) }
    }

    fn line(&self) -> Value {
        let Self { settings, feed, state, activity, .. } = *self;
        let asked = feed.interval.unwrap_or(settings.daemon.interval).as_secs();
        let is_polled = self.paused.is_none() && state.is_some_and(|s| !s.is_gone(&feed.source));
        json!({
            "id": feed.id,
            "name": feed.name.as_ref().or(state.and_then(|s| s.title.as_ref())),
            "url": feed.shown_url(),
            "origin": feed.origin.as_str(),
            "tags": feed.tags,
            "state": self.health(),
            "paused": self.paused.map(wire_time),
            "last_poll": state.map(|s| wire_time(s.last_poll)),
            "last_success": state.and_then(|s| s.last_success).map(wire_time),
            "last_outcome": state.map(|s| s.outcome.as_str()),
            "next_poll": state.filter(|_| is_polled).map(|s| wire_time(s.next_poll)),
            "next_reason": state.filter(|_| is_polled).map(|s| s.next_reason.as_str()),
            "asked_interval_seconds": asked,
            "actual_interval_seconds":
                state.filter(|_| is_polled).map(|s| (s.next_poll - s.last_poll).num_seconds()),
            "failures": state.map_or(0, |s| s.failures),
            "error_class": state.and_then(|s| s.error.as_ref()).map(|(class, _)| class),
            "error": state.and_then(|s| s.error.as_ref()).map(|(_, message)| message),
            "moved_to": moved_to(feed, state),
            "notes": state.map(|s| s.notes.as_slice()).unwrap_or_default(),
            "last_new": state.and_then(|s| s.last_new).map(wire_time),
            "silent": state.is_some_and(|s| s.is_silent),
            "gap": state.and_then(|s| s.gap).map(wire_time),
            "ids_change": state.is_some_and(|s| s.ids_change),
            "articles_a_day": activity.map(|a| (a.articles_a_day * 10.0).round() / 10.0),
            "words_median": activity.map(|a| a.words_median),
        })
    }

    fn block(&self, now: DateTime<Utc>) -> String {
        let Self { settings, feed, state, activity, .. } = *self;
        let local =
            |time: DateTime<Utc>| time.with_timezone(&settings.daemon.timezone).format("%-d %b %H:%M").to_string();
        let mut lines = vec![format!("{:<8} {}  {}", self.health().to_uppercase(), feed.id, feed.shown_url())];
        match &feed.origin {
            FeedOrigin::Config { .. } => {}
            FeedOrigin::Opml { list } => lines.push(format!("         from the list {}", safe(list))),
            FeedOrigin::Managed => lines.push("         added by `feeds add` or `feeds import`".to_owned()),
        }
        let Some(state) = state else {
            lines.push("         never polled".to_owned());
            return lines.join("\n") + "\n";
        };
        let success = state.last_success.map_or("never".to_owned(), &local);
        let next = if let Some(since) = self.paused {
            format!("none, paused since {}", local(since))
        } else if state.is_gone(&feed.source) {
            "never".to_owned()
        } else if state.next_poll <= now {
            format!("due ({})", state.next_reason)
        } else {
            format!("{} ({})", local(state.next_poll), state.next_reason)
        };
        lines.push(format!("         last success {success} · next poll {next}"));
        if self.paused.is_none() && !state.is_gone(&feed.source) {
            let asked = format_duration(feed.interval.unwrap_or(settings.daemon.interval));
            let actual = (state.next_poll - state.last_poll).to_std().unwrap_or_default();
            lines.push(format!("         asked for every {asked} · waits {}", format_duration(rounded(actual))));
        }
        if let Some(activity) = activity {
            lines.push(format!(
                "         {:.1} articles a day · {} each",
                activity.articles_a_day,
                setup::plural(usize::try_from(activity.words_median).unwrap_or(usize::MAX), "word")
            ));
        }
        if let Some((class, message)) = &state.error {
            lines.push(format!("         {class}: {} ({} in a row)", safe(message), state.failures));
        }
        if let Some(moved) = moved_to(feed, Some(state)) {
            lines.push(format!("         has moved for good to {}", safe(&moved)));
        }
        if state.is_silent {
            let since = state.last_new.map_or("it was first polled".to_owned(), &local);
            lines.push(format!("         silent: nothing new since {since}, longer than is usual of it"));
        }
        if let Some(gap) = state.gap {
            let hint = "a shorter `interval` loses less";
            lines.push(format!("         gap: may have lost entries, last before {}; {hint}", local(gap)));
        }
        if state.ids_change {
            lines.push("         its ids change with each fetch: addresses and words count instead".to_owned());
        }
        lines.extend(state.notes.iter().map(|note| format!("         note: {}", safe(note))));
        lines.join("\n") + "\n"
    }
}

//! `sinks …`: how each sink does, a test of one, and what people ask of it. The running daemon notices within a second.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Context, Exit,
    feeds::control::with_store,
    run::{self, runtime},
    setup,
    waiting::of_removed,
};
use crate::{
    alert::{body::wire_time, text::safe},
    clock::Clock,
    config::{Settings, SinkId, SinkKind, SinkSettings, shown_url, suggest},
    daemon::poll::chain,
    deliver::{self, DeliverContext, TextLook},
    metrics::Metrics,
    store::{Backlog, Role, SinkState, Store, StoreError},
    watch::pack::Packs,
};

/// Lists the sinks of the config, then those for which something is kept although the config has them no longer.
pub fn list(context: &Context) -> Exit {
    let (settings, _) = match setup::settings(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let (states, backlogs) = match known(&settings) {
        Ok(known) => known,
        Err(error) => return failed(&chain(&error)),
    };
    let gone = backlogs.iter().map(|b| &b.sink).filter(|id| settings.sinks.iter().all(|sink| sink.id != **id));
    let all = settings.sinks.iter().map(|sink| (&sink.id, Some(sink))).chain(gone.map(|id| (id, None)));
    let shown = all.map(|(id, sink)| {
        let state = states.iter().find(|(known, _)| known == id).map(|(_, state)| state);
        let backlog = backlogs.iter().find(|backlog| backlog.sink == *id);
        let shown = Shown { id, sink, state, backlog };
        if context.output.json { format!("{}\n", shown.line()) } else { shown.block() }
    });
    super::printed(&shown.collect::<String>())
}

/// How sinks do, and what waits for them.
type OfStore = (Vec<(SinkId, SinkState)>, Vec<Backlog>);

/// What the store knows; nothing where no daemon has run yet.
fn known(settings: &Settings) -> Result<OfStore, StoreError> {
    let store = match Store::open(&settings.daemon.store, Clock::system(), Role::Beside) {
        Ok(store) => store,
        Err(StoreError::Missing { .. }) => return Ok(OfStore::default()),
        Err(error) => return Err(error),
    };
    let Some(runtime) = runtime() else { return Ok(OfStore::default()) };
    runtime.block_on(async { Ok((store.sink_states().await?, store.backlogs().await?)) })
}

struct Shown<'a> {
    id: &'a SinkId,
    /// `None`: the config has it no longer.
    sink: Option<&'a SinkSettings>,
    state: Option<&'a SinkState>,
    backlog: Option<&'a Backlog>,
}

impl Shown<'_> {
    fn health(&self) -> &'static str {
        match (self.sink, self.state) {
            (None, _) => "removed",
            (_, None) => "ok",
            (_, Some(state)) if state.paused.is_some() => "paused",
            (_, Some(state)) if state.disabled.is_some() => "disabled",
            (_, Some(state)) if state.down.is_some() => "down",
            (_, Some(state)) if state.failures > 0 => "failing",
            (_, Some(_)) => "ok",
        }
    }

    fn kind(&self) -> Option<&'static str> {
        self.sink.map(|sink| match sink.kind {
            SinkKind::Stdout { .. } => "stdout",
            SinkKind::File { .. } => "file",
            SinkKind::Webhook(_) => "webhook",
            SinkKind::Email(_) => "email",
            SinkKind::Exec(_) => "exec",
            SinkKind::Nats(_) => "nats",
        })
    }

    /// Where to, as far as it may be shown: many services have their secret in the path.
    fn target(&self) -> Option<String> {
        match &self.sink?.kind {
            SinkKind::Stdout { .. } => None,
            SinkKind::File { path, .. } => Some(path.display().to_string()),
            SinkKind::Webhook(webhook) => Some(shown_url(&webhook.url, true)),
            SinkKind::Email(email) => Some(email.server()),
            SinkKind::Exec(exec) => Some(exec.shown()),
            SinkKind::Nats(nats) => Some(nats.shown()),
        }
    }

    /// When it is tried whether it is back; one that is paused or disabled is not tried.
    fn next_probe(&self) -> Option<DateTime<Utc>> {
        let state = self.state.filter(|_| self.health() == "down")?;
        state.probe_at
    }

    /// Until when it asked not to be sent anything.
    fn held(&self) -> Option<DateTime<Utc>> {
        self.state.and_then(|state| state.hold_until).filter(|until| *until > Clock::system().now())
    }

    fn line(&self) -> Value {
        let state = self.state;
        json!({
            "id": self.id,
            "type": self.kind(),
            "target": self.target(),
            "state": self.health(),
            "pending": self.backlog.map_or(0, |backlog| backlog.pending),
            "dead": self.backlog.map_or(0, |backlog| backlog.dead),
            "oldest": self.backlog.and_then(|backlog| backlog.oldest).map(wire_time),
            "last_success": state.and_then(|state| state.last_success).map(wire_time),
            "failures": state.map_or(0, |state| state.failures),
            "failing_since": state.and_then(|state| state.failing_since).map(wire_time),
            "last_failure": state.and_then(|state| state.last_failure.clone()),
            "next_probe": self.next_probe().map(wire_time),
            "hold_until": self.held().map(wire_time),
            "paused": state.and_then(|state| state.paused).map(wire_time),
            "disabled": state.and_then(|state| state.disabled).map(wire_time),
        })
    }

    fn block(&self) -> String {
        let mut text = format!("{} ({}): {}", self.id, self.kind().unwrap_or("not in the config"), self.health());
        if let Some(backlog) = self.backlog {
            let letters =
                if backlog.dead == 1 { "1 dead letter".to_owned() } else { format!("{} dead letters", backlog.dead) };
            text.push_str(&format!(", {} waiting, {letters}", backlog.pending));
        }
        text.push('\n');
        if let Some(target) = self.target() {
            text.push_str(&format!("  to {}\n", safe(&target)));
        }
        let Some(state) = self.state else { return text };
        if let (Some(since), Some(failure)) = (state.failing_since, &state.last_failure) {
            text.push_str(&format!("  failing since {}: {}\n", wire_time(since), safe(failure)));
        }
        if let Some(until) = self.held() {
            text.push_str(&format!("  asked for a pause until {}\n", wire_time(until)));
        }
        if let Some(next) = self.next_probe() {
            text.push_str(&format!("  next probe {}\n", wire_time(next)));
        }
        if let Some(since) = state.disabled {
            let id = self.id;
            text.push_str(&format!(
                "  disabled since {}; `wirewatch sinks enable {id}` brings it back\n",
                wire_time(since)
            ));
        }
        text
    }
}

/// Sends a signed sample, and says what the sink answered. One that takes it is enabled again.
pub fn test(context: &Context, id: &str) -> Exit {
    let (settings, sink) = match sink_of(context, id) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    let look = run::look(context);
    let deliver = DeliverContext {
        clock: Clock::system(),
        metrics: Metrics::new(),
        proxy: settings.daemon.proxy.clone(),
        allow_private: settings.daemon.allow_private_networks,
        stdout: look.stdout,
        text: TextLook { timezone: settings.daemon.timezone, color: look.color, party_name: Packs::english_name },
        event_sinks: Vec::new(),
        stop: CancellationToken::new(),
    };
    let Some(runtime) = runtime() else { return Exit::Failed };
    let tested = match runtime.block_on(deliver::test(&sink, &deliver)) {
        Ok(tested) => tested,
        Err(error) => return failed(&chain(&error)),
    };
    drop(runtime);
    if !tested.is_taken {
        return failed(&format!("{id} did not take it: {}", tested.said));
    }
    let revived = match revive(&settings, &sink.id) {
        Ok(revived) => revived,
        Err(message) => return failed(&message),
    };
    // A line of our own would stand among what the sink prints.
    let again = if revived { ", and is enabled again" } else { "" };
    if matches!(sink.kind, SinkKind::Stdout { .. }) {
        return Exit::Done;
    }
    super::printed(&match context.output.json {
        true => format!("{}\n", json!({ "sink": id, "taken": true, "answer": tested.said, "enabled_again": revived })),
        false => format!("{id} took the test: {}{again}\n", safe(&tested.said)),
    })
}

/// Brings a sink back that is known to take something, and what waits for it; whether it had been disabled.
fn revive(settings: &Settings, sink: &SinkId) -> Result<bool, String> {
    if !settings.daemon.store.exists() {
        return Ok(false);
    }
    with_store(settings, async |store| {
        let (before, _) = store.revive_sink(sink, Clock::system().now()).await?;
        Ok(before.disabled.is_some())
    })
}

/// Sends nothing to it until it is resumed; its alerts wait.
pub fn pause(context: &Context, id: &str) -> Exit {
    ask(context, id, async |store, sink| {
        let changed = store.pause_sink(&sink, Clock::system().now()).await?;
        let said =
            if changed { format!("paused {sink}: its alerts wait") } else { format!("{sink} is paused already") };
        Ok(Asked { line: json!({ "sink": sink, "paused": true, "changed": changed }), said })
    })
}

/// Lets a paused sink go on.
pub fn resume(context: &Context, id: &str) -> Exit {
    ask(context, id, async |store, sink| {
        let changed = store.resume_sink(&sink).await?;
        let said = if changed { format!("resumed {sink}") } else { format!("{sink} was not paused") };
        Ok(Asked { line: json!({ "sink": sink, "paused": false, "changed": changed }), said })
    })
}

/// Tries a sink again that is disabled, or down, and with it what waits.
pub fn enable(context: &Context, id: &str) -> Exit {
    ask(context, id, async |store, sink| {
        let (before, hastened) = store.revive_sink(&sink, Clock::system().now()).await?;
        let dead = store.backlogs().await?.iter().find(|b| b.sink == sink).map_or(0, |b| b.dead);
        let letters = match dead {
            0 => String::new(),
            dead => {
                format!("; of its {dead} dead letters, `wirewatch deliveries retry --dead --sink {sink}` sends again")
            }
        };
        let (was, said) = match (before.disabled, before.down) {
            (Some(_), _) => ("disabled", format!("enabled {sink}{letters}")),
            (None, Some(_)) => ("down", format!("{sink} was down and is tried now")),
            (None, None) if before.failures > 0 => ("failing", format!("{sink} was failing and is tried now")),
            (None, None) => ("enabled", format!("{sink} was not disabled; what waits for it is tried now")),
        };
        let line = json!({ "sink": sink, "enabled": true, "was": was, "dead": dead, "tried_now": hastened });
        Ok(Asked { line, said })
    })
}

/// What came of it, for programs and for people.
struct Asked {
    line: Value,
    said: String,
}

fn ask(context: &Context, id: &str, ask: impl AsyncFnOnce(Store, SinkId) -> Result<Asked, StoreError>) -> Exit {
    let (settings, sink) = match sink_of(context, id) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    match with_store(&settings, async |store| ask(store, sink.id).await) {
        Ok(asked) if context.output.json => super::printed(&format!("{}\n", asked.line)),
        Ok(asked) => super::printed(&format!("{}\n", asked.said)),
        Err(message) => failed(&message),
    }
}

fn sink_of(context: &Context, id: &str) -> Result<(Settings, SinkSettings), Exit> {
    let (settings, _) = setup::settings(context)?;
    match settings.sinks.iter().find(|sink| sink.id.as_str() == id).cloned() {
        Some(sink) => Ok((settings, sink)),
        None => {
            let waits = id.parse().ok().and_then(|id| waits_still(&settings, &id));
            eprintln!("error: {}", safe(&waits.unwrap_or_else(|| no_sink(&settings, id))));
            Err(Exit::Usage)
        }
    }
}

/// What is to be said of a sink that was removed from the config and not from the outbox.
fn waits_still(settings: &Settings, id: &SinkId) -> Option<String> {
    let (_, backlogs) = known(settings).ok()?;
    let backlog = backlogs.iter().find(|backlog| backlog.sink == *id)?;
    if backlog.pending > 0 {
        return Some(of_removed(id, backlog.pending));
    }
    Some(format!(
        "the config has no sink `{id}` any more; of its dead letters, `wirewatch deliveries list --sink {id}` tells"
    ))
}

pub(super) fn no_sink(settings: &Settings, id: &str) -> String {
    let known: Vec<&str> = settings.sinks.iter().map(|sink| sink.id.as_str()).collect();
    let help = suggest::did_you_mean(id, known).map(|help| format!(": {help}")).unwrap_or_default();
    format!("there is no sink `{id}`{help}")
}

fn failed(message: &str) -> Exit {
    eprintln!("error: {}", safe(message));
    Exit::Failed
}

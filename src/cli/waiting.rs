//! What waits for sinks, in words: as the start says it, and commands that are asked for a sink that is no more.

use crate::{
    alert::{body::wire_time, event::deliveries_wait},
    config::{Settings, SinkId},
    deliver,
    store::{SinkState, Store, StoreError},
};

/// What the start says of sinks, a line each: which of them take nothing and why, what waits. Of what only waits for its
/// turn, one turn of `run --once` tells at its end.
pub(super) async fn notes(store: &Store, settings: &Settings, is_once: bool) -> Vec<String> {
    match found(store, settings, is_once).await {
        Ok(notes) => notes,
        Err(error) => vec![format!("what waits for sinks can't be read: {error}")],
    }
}

async fn found(store: &Store, settings: &Settings, is_once: bool) -> Result<Vec<String>, StoreError> {
    let (states, backlogs) = (store.sink_states().await?, store.backlogs().await?);
    let of_config = settings.sinks.iter().filter_map(|sink| {
        let state = states.iter().find(|(known, _)| *known == sink.id).map(|(_, state)| state);
        // What was found out about another address says nothing of this one.
        let state = state.filter(|state| state.paused.is_some() || !deliver::sends_elsewhere(sink, state));
        let pending = backlogs.iter().find(|backlog| backlog.sink == sink.id).map_or(0, |backlog| backlog.pending);
        of_sink(&sink.id, state, pending).filter(|(_, takes)| !is_once || !takes).map(|(note, _)| note)
    });
    let is_removed = |sink: &SinkId| settings.sinks.iter().all(|known| known.id != *sink);
    let removed = backlogs.iter().filter(|backlog| backlog.pending > 0 && is_removed(&backlog.sink));
    Ok(of_config.chain(removed.map(|backlog| of_removed(&backlog.sink, backlog.pending))).collect())
}

/// What is to be said of a sink, and whether it takes what is sent to it as far as is known.
fn of_sink(id: &SinkId, state: Option<&SinkState>, pending: i64) -> Option<(String, bool)> {
    let waits = (pending > 0).then(|| deliveries_wait(pending));
    let too = waits.as_ref().map_or(String::new(), |waits| format!(", {waits}"));
    let note = match state {
        Some(SinkState { paused: Some(since), .. }) => {
            format!("paused since {}{too}: `wirewatch sinks resume {id}` lets it go on", wire_time(*since))
        }
        Some(SinkState { disabled: Some(since), .. }) => {
            format!("disabled since {}{too}: `wirewatch sinks enable {id}` brings it back", wire_time(*since))
        }
        Some(SinkState { down: Some(down), failing_since, last_failure, .. }) => {
            let said = last_failure.as_ref().map_or(String::new(), |said| format!(": {said}"));
            format!("takes nothing since {}{too}{said}", wire_time(failing_since.unwrap_or(*down)))
        }
        _ => return waits.map(|waits| (format!("sink {id}: {waits}"), true)),
    };
    Some((format!("sink {id}: {note}"), false))
}

/// Nobody sends these, and nobody would hear of it.
pub(super) fn of_removed(sink: &SinkId, pending: i64) -> String {
    format!(
        "{} for the sink `{sink}`, which the config no longer has: `wirewatch deliveries move --sink {sink} --to OTHER` \
         sends them elsewhere, `wirewatch deliveries discard --sink {sink} --state pending` ends them",
        deliveries_wait(pending)
    )
}

/// `1 delivery`, `2 deliveries`
pub(super) fn deliveries(count: usize) -> String {
    if count == 1 { "1 delivery".to_owned() } else { format!("{count} deliveries") }
}

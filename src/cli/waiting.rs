//! What waits for sinks, in words: as the start says it, and commands that are asked for a sink that is no more.

use crate::{
    config::{Settings, SinkId},
    store::{Store, StoreError},
};

/// What the start says of what waits; empty where there is nothing to say.
pub(super) async fn notes(store: &Store, settings: &Settings) -> Vec<String> {
    match found(store, settings).await {
        Ok(notes) => notes,
        Err(error) => vec![format!("what waits for sinks can't be read: {error}")],
    }
}

async fn found(store: &Store, settings: &Settings) -> Result<Vec<String>, StoreError> {
    let backlogs = store.backlogs().await?;
    let is_removed = |sink: &SinkId| settings.sinks.iter().all(|known| known.id != *sink);
    let removed = backlogs.iter().filter(|backlog| backlog.pending > 0 && is_removed(&backlog.sink));
    Ok(removed.map(|backlog| of_removed(&backlog.sink, backlog.pending)).collect())
}

/// Nobody sends these, and nobody would hear of it.
pub(super) fn of_removed(sink: &SinkId, pending: i64) -> String {
    format!(
        "{} for the sink `{sink}`, which the config no longer has: `wirewatch deliveries move --sink {sink} --to OTHER` \
         sends them elsewhere, `wirewatch deliveries discard --sink {sink} --state pending` ends them",
        wait(pending)
    )
}

/// `1 delivery waits`, `2 deliveries wait`
pub(super) fn wait(pending: i64) -> String {
    if pending == 1 { "1 delivery waits".to_owned() } else { format!("{pending} deliveries wait") }
}

/// `1 delivery`, `2 deliveries`
pub(super) fn deliveries(count: usize) -> String {
    if count == 1 { "1 delivery".to_owned() } else { format!("{count} deliveries") }
}

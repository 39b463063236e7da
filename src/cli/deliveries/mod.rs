//! `deliveries …`: the outbox and its dead letters. What people do with them is in `change`.

mod change;

use serde_json::{Value, json};

pub use self::change::{discard, relocate, retry};
use super::{Context, Exit, args::DeliveriesListArguments, feeds::control::with_store, setup, sinks::no_sink};
use crate::{
    alert::{MessageId, body::wire_time, text::safe},
    clock::Clock,
    config::{Settings, SinkId},
    store::{DeliveryFilter, DeliveryId, DeliveryState, Store, StoreError, StoredDelivery},
};

/// Rows are asked for in pages of this size.
const PAGE: usize = 500;
/// So many are listed where nobody says how many.
pub(super) const LIMIT: usize = 100;
/// What is beyond the limit is counted up to here.
pub(super) const MORE_MAX: usize = 10_000;

/// Lists what waits and what was given up on, newest first.
pub fn list(context: &Context, arguments: &DeliveriesListArguments) -> Exit {
    let (settings, _) = match setup::settings(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let mut filter = match filter(arguments) {
        Ok(filter) => filter,
        Err(message) => return refuse(&message),
    };
    let is_narrowed = arguments.sink.is_some() || arguments.state.is_some() || arguments.since.is_some();
    let limit = arguments.limit.unwrap_or(LIMIT);
    let print = async |store: Store| {
        let mut listed = Listed::default();
        while listed.count < limit {
            filter.limit = PAGE.min(limit - listed.count);
            let page = store.deliveries(filter.clone()).await?;
            let Some(last) = page.last() else { break };
            filter.before = Some(last.id);
            listed.count += page.len();
            let lines = page.iter().map(|delivery| match context.output.json {
                true => format!("{}\n", line(delivery)),
                false => text(delivery),
            });
            if super::printed(&lines.collect::<String>()) != Exit::Done {
                listed.is_cut_off = true;
                return Ok(listed);
            }
        }
        if listed.count == limit && arguments.limit.is_none() {
            listed.more = store.count_deliveries(filter, MORE_MAX + 1).await?;
        }
        Ok(listed)
    };
    // Without a store no daemon has run yet.
    let has_store = settings.daemon.store.exists();
    let listed = match if has_store { with_store(&settings, print) } else { Ok(Listed::default()) } {
        Ok(listed) => listed,
        Err(message) => return failed(&message),
    };
    if listed.is_cut_off {
        return Exit::Failed;
    }
    if listed.count == 0 {
        if let Err(exit) = unknown_sink(&settings, arguments.sink.as_deref()) {
            return exit;
        }
        if !context.output.json {
            eprintln!(
                "{}",
                match (is_narrowed, arguments.all) {
                    (true, _) => "no delivery is like that",
                    (false, true) => "there are no deliveries yet",
                    (false, false) => "no deliveries wait, and there are no dead letters",
                }
            );
        }
    }
    say_more(listed.more);
    Exit::Done
}

/// What was printed of a list.
#[derive(Default)]
struct Listed {
    count: usize,
    /// What the limit that nobody asked for has cut off.
    more: usize,
    /// Whether it could not be printed.
    is_cut_off: bool,
}

/// Says that a list goes on, where nobody asked for its limit.
pub(super) fn say_more(more: usize) {
    match more {
        0 => {}
        1..=MORE_MAX => eprintln!("{more} more: `--limit`"),
        _ => eprintln!("more than {MORE_MAX} more: `--limit`"),
    }
}

fn filter(arguments: &DeliveriesListArguments) -> Result<DeliveryFilter, String> {
    let states = match (&arguments.state, arguments.all) {
        (Some(state), _) => vec![state.parse::<DeliveryState>().map_err(|error| error.to_string())?],
        (None, true) => Vec::new(),
        (None, false) => vec![DeliveryState::Pending, DeliveryState::Batched, DeliveryState::Dead],
    };
    let now = Clock::system().now();
    let since = arguments.since.as_deref().map(|since| super::alerts::parse_since(since, now)).transpose()?;
    Ok(DeliveryFilter { sink: sink_id(arguments.sink.as_deref())?, states, since, before: None, limit: PAGE })
}

/// A sink that the outbox may know although the config no longer does.
fn sink_id(text: Option<&str>) -> Result<Option<SinkId>, String> {
    text.map(|text| text.parse().map_err(|error| format!("`{text}`: {error}"))).transpose()
}

/// What is wrong with a sink for which nothing was found: neither the config nor the store has one of that name.
fn unknown_sink(settings: &Settings, id: Option<&str>) -> Result<(), Exit> {
    let Some(id) = id.filter(|id| settings.sinks.iter().all(|sink| sink.id.as_str() != *id)) else { return Ok(()) };
    let known = match id.parse::<SinkId>() {
        Ok(sink) if settings.daemon.store.exists() => with_store(settings, async |store| store.knows_sink(&sink).await),
        _ => Ok(false),
    };
    match known {
        Ok(true) => Ok(()),
        Ok(false) => Err(refuse(&no_sink(settings, id))),
        Err(message) => Err(failed(&message)),
    }
}

/// Shows one delivery with its body, or those of one message.
pub fn show(context: &Context, id: &str) -> Exit {
    let (settings, _) = match setup::settings(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let find = async |store: Store| {
        let mut found = Vec::new();
        for delivery in rows(&store, id).await? {
            let body = store.delivery_body(delivery.id).await?.unwrap_or_default();
            found.push((delivery, body));
        }
        Ok(found)
    };
    match with_store(&settings, find) {
        Ok(found) if found.is_empty() => refuse(&unknown(id)),
        Ok(found) => {
            let shown = found.iter().map(|(delivery, body)| {
                let body = serde_json::from_str(body).unwrap_or_else(|_| json!(body));
                if context.output.json {
                    let mut line = line(delivery);
                    line["body"] = body;
                    return format!("{line}\n");
                }
                let body: String = format!("{body:#}").lines().map(|line| safe(line) + "\n").collect();
                text(delivery) + &body
            });
            super::printed(&shown.collect::<String>())
        }
        Err(message) => failed(&message),
    }
}

/// The rows that a number or a message's id names.
async fn rows(store: &Store, id: &str) -> Result<Vec<StoredDelivery>, StoreError> {
    match id.parse() {
        Ok(number) => Ok(store.delivery(DeliveryId::from_number(number)).await?.into_iter().collect()),
        Err(_) => store.deliveries_of(&MessageId::from_stored(id.to_owned())).await,
    }
}

fn line(delivery: &StoredDelivery) -> Value {
    let waits = delivery.state == DeliveryState::Pending;
    json!({
        "id": delivery.id.number(),
        "message": delivery.message.as_str(),
        "type": delivery.kind,
        "sink": delivery.sink,
        "state": delivery.state.as_str(),
        "made": wire_time(delivery.made),
        "due": waits.then(|| wire_time(delivery.due)),
        "attempts": delivery.attempts,
        "first_attempt": delivery.first_attempt.map(wire_time),
        "last_attempt": delivery.last_attempt.map(wire_time),
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "ended": delivery.ended.map(wire_time),
        "batch": delivery.batch.map(DeliveryId::number),
        "title": delivery.title,
    })
}

/// ```text
/// 12  dead  ops  alert alr_…  made 2026-03-01T12:00:00Z
///     Seoul warns Pyongyang against selling shells
///     12 attempts, the last 2026-03-05T12:00:00Z: answered 500
/// ```
fn text(delivery: &StoredDelivery) -> String {
    let StoredDelivery { id, message, kind, sink, state, made, attempts, .. } = delivery;
    let mut text = format!(
        "{}  {}  {sink}  {} {}  made {}\n",
        id.number(),
        state.as_str(),
        safe(kind),
        safe(message.as_str()),
        wire_time(*made)
    );
    if let Some(title) = &delivery.title {
        text.push_str(&format!("    {}\n", safe(title)));
    }
    if let Some(last) = delivery.last_attempt {
        let count = if *attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") };
        text.push_str(&format!("    {count}, the last {}", wire_time(last)));
    } else {
        text.push_str("    not tried yet");
    }
    match (&delivery.last_error, delivery.last_status) {
        (Some(error), _) => text.push_str(&format!(": {}", safe(error))),
        (None, Some(status)) => text.push_str(&format!(": answered {status}")),
        (None, None) => {}
    }
    if *state == DeliveryState::Pending {
        text.push_str(&format!("; due {}", wire_time(delivery.due)));
    }
    text.push('\n');
    text
}

fn unknown(id: &str) -> String {
    format!("there is no delivery `{id}`: `wirewatch deliveries list` shows what there is")
}

fn refuse(message: &str) -> Exit {
    eprintln!("error: {}", safe(message));
    Exit::Usage
}

fn failed(message: &str) -> Exit {
    eprintln!("error: {}", safe(message));
    Exit::Failed
}

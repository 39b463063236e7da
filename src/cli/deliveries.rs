//! `deliveries …`: the outbox and its dead letters, and what people do with them beside a running daemon.

use serde_json::{Value, json};

use super::{
    Context, Exit,
    args::{ChosenArguments, DeliveriesListArguments},
    feeds::control::with_store,
    setup,
    sinks::no_sink,
};
use crate::{
    alert::{MessageId, body::wire_time, text::safe},
    clock::Clock,
    config::{Settings, SinkId},
    store::{Chosen, DeliveryFilter, DeliveryId, DeliveryState, Store, StoreError, StoredDelivery},
};

/// Rows are asked for in pages of this size.
const PAGE: usize = 500;

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
    let find = async |store: Store| {
        let mut found: Vec<StoredDelivery> = Vec::new();
        while found.len() < arguments.limit {
            filter.limit = PAGE.min(arguments.limit - found.len());
            let page = store.deliveries(filter.clone()).await?;
            let Some(last) = page.last() else { break };
            filter.before = Some(last.id);
            found.extend(page);
        }
        Ok(found)
    };
    // Without a store no daemon has run yet.
    let has_store = settings.daemon.store.exists();
    match if has_store { with_store(&settings, find) } else { Ok(Vec::new()) } {
        Ok(found) => {
            if found.is_empty()
                && let Some(message) = unknown_sink(&settings, arguments.sink.as_deref())
            {
                return refuse(&message);
            }
            if found.is_empty() && !context.output.json {
                eprintln!(
                    "{}",
                    match (is_narrowed, arguments.all) {
                        (true, _) => "no delivery is like that",
                        (false, true) => "there are no deliveries yet",
                        (false, false) => "no deliveries wait, and there are no dead letters",
                    }
                );
            }
            let lines = found.iter().map(|delivery| match context.output.json {
                true => format!("{}\n", line(delivery)),
                false => text(delivery),
            });
            super::printed(&lines.collect::<String>())
        }
        Err(message) => failed(&message),
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

/// What is wrong with a sink for which nothing was found: the config has none of that name either.
fn unknown_sink(settings: &Settings, id: Option<&str>) -> Option<String> {
    let id = id?;
    settings.sinks.iter().all(|sink| sink.id.as_str() != id).then(|| no_sink(settings, id))
}

/// Shows one delivery with its body, or those of one message.
pub fn show(context: &Context, id: &str) -> Exit {
    let (settings, _) = match setup::settings(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    match with_store(&settings, async |store| rows(&store, id).await) {
        Ok(found) if found.is_empty() => refuse(&unknown(id)),
        Ok(found) => {
            let shown = found.iter().map(|delivery| {
                let body = serde_json::from_str(&delivery.body).unwrap_or_else(|_| json!(delivery.body));
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

/// Has deliveries tried again now.
pub fn retry(context: &Context, arguments: &ChosenArguments) -> Exit {
    change(context, arguments, "retried", async |store, chosen| {
        store.retry_deliveries(chosen, Clock::system().now()).await
    })
}

/// Ends deliveries: they are not sent.
pub fn discard(context: &Context, arguments: &ChosenArguments) -> Exit {
    change(context, arguments, "discarded", async |store, chosen| {
        store.discard_deliveries(chosen, Clock::system().now()).await
    })
}

fn change(
    context: &Context,
    arguments: &ChosenArguments,
    done: &str,
    change: impl AsyncFnOnce(Store, Chosen) -> Result<usize, StoreError>,
) -> Exit {
    let (settings, _) = match setup::settings(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let chosen = match chosen(&settings, arguments) {
        Ok(chosen) => chosen,
        Err(exit) => return exit,
    };
    let is_named = matches!(chosen, Chosen::These(_));
    let nobody = unknown_sink(&settings, arguments.sink.as_deref());
    match (with_store(&settings, async |store| change(store, chosen).await), nobody) {
        (Ok(0), Some(message)) => refuse(&message),
        (Ok(0), None) if is_named => failed(&format!("nothing was {done}: it has been delivered or discarded already")),
        (Ok(count), _) => {
            let what = if count == 1 { "1 delivery".to_owned() } else { format!("{count} deliveries") };
            super::printed(&match context.output.json {
                true => format!("{}\n", json!({ done: count })),
                false => format!("{done} {what}\n"),
            })
        }
        (Err(message), _) => failed(&message),
    }
}

fn chosen(settings: &Settings, arguments: &ChosenArguments) -> Result<Chosen, Exit> {
    if arguments.ids.is_empty() {
        let now = Clock::system().now();
        let since = arguments.since.as_deref().map(|since| super::alerts::parse_since(since, now)).transpose();
        let sink = sink_id(arguments.sink.as_deref());
        return match (sink, since) {
            (Ok(sink), Ok(since)) => Ok(Chosen::Dead { sink, since }),
            (Err(message), _) | (_, Err(message)) => Err(refuse(&message)),
        };
    }
    let found = with_store(settings, async |store| {
        let mut found = Vec::new();
        for id in &arguments.ids {
            found.push((id, rows(&store, id).await?));
        }
        Ok(found)
    });
    let found = found.map_err(|message| failed(&message))?;
    if let Some((id, _)) = found.iter().find(|(_, rows)| rows.is_empty()) {
        return Err(refuse(&unknown(id)));
    }
    let rows = found.into_iter().flat_map(|(_, rows)| rows);
    let of_sink = rows.filter(|row| arguments.sink.as_ref().is_none_or(|sink| row.sink.as_str() == sink));
    Ok(Chosen::These(of_sink.map(|row| row.id).collect()))
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
    })
}

/// ```text
/// 12  dead  ops  alert alr_…  made 2026-03-01T12:00:00Z
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

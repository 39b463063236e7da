//! `deliveries retry`, `discard` and `move`: what people do with the outbox beside a running daemon.

use serde_json::json;

use super::{failed, refuse, rows, sink_id, unknown, unknown_sink};
use crate::{
    cli::{
        Context, Exit,
        alerts::parse_since,
        args::{ChosenArguments, MoveArguments},
        feeds::control::with_store,
        printed, setup,
        sinks::no_sink,
        waiting::deliveries,
    },
    clock::Clock,
    config::{Settings, SinkId},
    store::{Chosen, MovedDeliveries, Store, StoreError},
};

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
    match with_store(&settings, async |store| change(store, chosen).await) {
        Ok(0) => {
            if let Err(exit) = unknown_sink(&settings, arguments.sink.as_deref()) {
                return exit;
            }
            if is_named {
                return failed(&format!("nothing was {done}: it has been delivered or discarded already"));
            }
            said(context, done, 0)
        }
        Ok(count) => said(context, done, count),
        Err(message) => failed(&message),
    }
}

fn said(context: &Context, done: &str, count: usize) -> Exit {
    printed(&match context.output.json {
        true => format!("{}\n", json!({ done: count })),
        false => format!("{done} {}\n", deliveries(count)),
    })
}

fn chosen(settings: &Settings, arguments: &ChosenArguments) -> Result<Chosen, Exit> {
    if arguments.ids.is_empty() {
        let now = Clock::system().now();
        let since = arguments.since.as_deref().map(|since| parse_since(since, now)).transpose();
        let sink = sink_id(arguments.sink.as_deref());
        return match (sink, since) {
            // The arguments see to it that a state comes with a sink.
            (Ok(Some(sink)), Ok(_)) if arguments.state.as_deref() == Some("pending") => Ok(Chosen::Pending(sink)),
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

/// Sends elsewhere what waits for a sink.
pub fn relocate(context: &Context, arguments: &MoveArguments) -> Exit {
    let (settings, _) = match setup::settings(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let (from, to) = match ends(&settings, arguments) {
        Ok(ends) => ends,
        Err(message) => return refuse(&message),
    };
    let now = Clock::system().now();
    let moved = match with_store(&settings, async |store| store.move_deliveries(&from, &to, now).await) {
        Ok(moved) => moved,
        Err(message) => return failed(&message),
    };
    if moved == MovedDeliveries::default()
        && let Err(exit) = unknown_sink(&settings, Some(from.as_str()))
    {
        return exit;
    }
    let MovedDeliveries { pending, dead, had } = moved;
    if context.output.json {
        let line = json!({ "sink": from, "to": to, "moved": pending + dead, "dead": dead, "discarded": had });
        return printed(&format!("{line}\n"));
    }
    let mut said = format!("moved {} from {from} to {to}", deliveries(pending + dead));
    if dead > 0 {
        said.push_str(&format!(
            "; {dead} of them dead letters: `wirewatch deliveries retry --dead --sink {to}` sends those again"
        ));
    }
    if had > 0 {
        said.push_str(&format!("; discarded {had} that {to} has already"));
    }
    printed(&format!("{said}\n"))
}

/// From which sink to which.
fn ends(settings: &Settings, arguments: &MoveArguments) -> Result<(SinkId, SinkId), String> {
    let sink = |text: &str| text.parse::<SinkId>().map_err(|error| format!("`{text}`: {error}"));
    let (from, to) = (sink(&arguments.sink)?, sink(&arguments.to)?);
    if settings.sinks.iter().all(|sink| sink.id != to) {
        return Err(no_sink(settings, to.as_str()));
    }
    if from == to {
        return Err(format!("`{from}` and `{to}` are the same sink"));
    }
    Ok((from, to))
}

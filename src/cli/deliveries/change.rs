//! `deliveries retry`, `discard` and `move`: what people do with the outbox beside a running daemon.

use serde_json::json;

use super::{failed, refuse, rows, sink_id, unknown, unknown_sink};
use crate::{
    alert::{MessageId, text::safe},
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
    store::{Changed, Chosen, DeliveryState, MovedDeliveries, StoredDelivery},
};

/// What is done to deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Retry,
    Discard,
}

impl Deed {
    fn done(self) -> &'static str {
        match self {
            Self::Retry => "retried",
            Self::Discard => "discarded",
        }
    }

    /// States in which it would be done to the whole batch that a row goes out in.
    fn moves_batch(self, state: DeliveryState) -> bool {
        match state {
            DeliveryState::Batched | DeliveryState::Dead => true,
            DeliveryState::Discarded => self == Self::Retry,
            DeliveryState::Pending | DeliveryState::Delivered => false,
        }
    }
}

/// Has deliveries tried again now.
pub fn retry(context: &Context, arguments: &ChosenArguments) -> Exit {
    change(context, arguments, Deed::Retry)
}

/// Ends deliveries: they are not sent.
pub fn discard(context: &Context, arguments: &ChosenArguments) -> Exit {
    change(context, arguments, Deed::Discard)
}

fn change(context: &Context, arguments: &ChosenArguments, deed: Deed) -> Exit {
    let (settings, _) = match setup::settings(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let chosen = match chosen(&settings, arguments, deed) {
        Ok(chosen) => chosen,
        Err(exit) => return exit,
    };
    let is_named = matches!(chosen, Chosen::These(_));
    let now = Clock::system().now();
    let changed = with_store(&settings, async |store| match deed {
        Deed::Retry => store.retry_deliveries(chosen, now).await,
        Deed::Discard => store.discard_deliveries(chosen, now).await,
    });
    let done = deed.done();
    let Changed { deliveries: count, batches } = match changed {
        Ok(changed) => changed,
        Err(message) => return failed(&message),
    };
    if count == 0 {
        if let Err(exit) = unknown_sink(&settings, arguments.sink.as_deref()) {
            return exit;
        }
        if is_named {
            return failed(&format!("nothing was {done}: it has been delivered or discarded already"));
        }
    }
    if context.output.json {
        return printed(&format!("{}\n", json!({ done: count, "batches": batches })));
    }
    let of_batches = match batches {
        0 => String::new(),
        1 => " in 1 batch".to_owned(),
        batches => format!(" in {batches} batches"),
    };
    printed(&format!("{done} {}{of_batches}\n", deliveries(count)))
}

fn chosen(settings: &Settings, arguments: &ChosenArguments, deed: Deed) -> Result<Chosen, Exit> {
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
    let is_of_sink = |row: &StoredDelivery| arguments.sink.as_ref().is_none_or(|sink| row.sink.as_str() == sink);
    let found = with_store(settings, async |store| {
        let mut found = Vec::new();
        for id in &arguments.ids {
            let mut rows = rows(&store, id).await?;
            let is_known = !rows.is_empty();
            rows.retain(is_of_sink);
            let batched = rows.iter().filter(|row| deed.moves_batch(row.state)).find_map(|row| row.batch);
            let batch = match batched {
                Some(batch) => store.batch(batch).await?.filter(|(_, alerts)| *alerts > 1),
                None => None,
            };
            found.push(Named { id, is_known, rows, batch });
        }
        Ok(found)
    });
    let found = found.map_err(|message| failed(&message))?;
    if let Some(named) = found.iter().find(|named| !named.is_known) {
        return Err(refuse(&unknown(named.id)));
    }
    for (named, (batch, alerts)) in found.iter().filter_map(|named| Some((named, named.batch.as_ref()?))) {
        let goes = format!("`{}` goes out in a batch of {alerts} alerts", named.id);
        match deed {
            // Who names one alert does not mean the others.
            Deed::Discard => {
                return Err(refuse(&format!("{goes}: `wirewatch deliveries discard {batch}` discards all of them")));
            }
            Deed::Retry => eprintln!("{}", safe(&format!("{goes}, {batch}: all of them are retried"))),
        }
    }
    Ok(Chosen::These(found.iter().flat_map(|named| named.rows.iter().map(|row| row.id)).collect()))
}

/// Rows that somebody named.
struct Named<'a> {
    id: &'a str,
    /// Whether there is anything of that name, be it for another sink.
    is_known: bool,
    rows: Vec<StoredDelivery>,
    /// The batch that one of them goes out in, and its alerts.
    batch: Option<(MessageId, usize)>,
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

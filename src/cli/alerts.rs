//! `alerts list`: what was stored, newest first.

use chrono::{DateTime, Utc};

use super::{
    Context, Exit,
    args::AlertsListArguments,
    deliveries::{LIMIT, MORE_MAX, say_more},
    run::runtime,
    setup,
};
use crate::{
    alert::{AlertEvent, text},
    clock::Clock,
    config::{Settings, value::parse_duration},
    daemon::poll::chain,
    store::{AlertFilter, Role, Store, StoreError, StoredAlert},
    watch::pack::Packs,
};

/// Alerts are asked for in pages of this size.
const PAGE: usize = 500;

/// Lists stored alerts: NDJSON of their frozen bodies, or text.
pub fn list(context: &Context, arguments: &AlertsListArguments) -> Exit {
    // Warnings are for `check` and `run`: here they would stand before each answer.
    let (settings, _) = match setup::settings(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let clock = Clock::system();
    let filter = match filter(arguments, &settings, clock.now()) {
        Ok(filter) => filter,
        Err(message) => {
            eprintln!("error: {message}");
            return Exit::Usage;
        }
    };
    match print(context, &settings, clock, filter, arguments) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("error: {}", chain(&error));
            Exit::Failed
        }
    }
}

fn filter(arguments: &AlertsListArguments, settings: &Settings, now: DateTime<Utc>) -> Result<AlertFilter, String> {
    let since = arguments.since.as_deref().map(|since| parse_since(since, now)).transpose()?;
    let watch = arguments.watch.as_deref().map(|name| setup::watch(settings, name)).transpose()?;
    let watch = watch.map(|watch| watch.id.clone());
    Ok(AlertFilter { since, watch, before: None, sent_only: !arguments.held, limit: PAGE })
}

/// `24h`, `7d`, or a time in RFC 3339.
pub(super) fn parse_since(since: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(since) {
        return Ok(time.with_timezone(&Utc));
    }
    let wrong =
        || format!("`--since {since}` is neither a duration such as `24h` nor a time such as 2026-01-31T12:00:00Z");
    let ago = parse_duration(since).map_err(|_| wrong())?;
    chrono::Duration::from_std(ago).ok().and_then(|ago| now.checked_sub_signed(ago)).ok_or_else(wrong)
}

/// Prints page by page: nobody has to hold a year's alerts in memory.
fn print(
    context: &Context,
    settings: &Settings,
    clock: Clock,
    mut filter: AlertFilter,
    arguments: &AlertsListArguments,
) -> Result<Exit, StoreError> {
    let none = || {
        if !context.output.json {
            eprintln!("no alerts yet");
        }
        Ok(Exit::Done)
    };
    let store = match Store::open(&settings.daemon.store, clock, Role::Beside) {
        Ok(store) => store,
        Err(StoreError::Missing { .. }) => return none(),
        Err(error) => return Err(error),
    };
    let Some(runtime) = runtime() else { return Ok(Exit::Failed) };
    let limit = arguments.limit.unwrap_or(LIMIT);
    let style = text::TextStyle {
        now: clock.now(),
        timezone: settings.daemon.timezone,
        color: context.output.color,
        party_name: Packs::english_name,
    };
    runtime.block_on(async {
        let mut printed = 0;
        while printed < limit {
            filter.limit = PAGE.min(limit - printed);
            let page = store.alerts(filter.clone()).await?;
            let Some(last) = page.last() else { break };
            filter.before = Some(last.cursor);
            printed += page.len();
            let text: String = page.iter().map(|alert| shown(alert, context.output.json, &style)).collect();
            if super::printed(&text) != Exit::Done {
                return Ok(Exit::Failed);
            }
        }
        if printed == 0 {
            return none();
        }
        if printed == limit && arguments.limit.is_none() {
            say_more(store.count_alerts(filter, MORE_MAX + 1).await?);
        }
        Ok(Exit::Done)
    })
}

fn shown(alert: &StoredAlert, is_json: bool, style: &text::TextStyle) -> String {
    match serde_json::from_str::<AlertEvent>(&alert.body) {
        Ok(event) if !is_json => {
            let held = alert.held.as_deref().map(|why| format!("not sent: {why}\n")).unwrap_or_default();
            text::render(&[event.data], style) + &held + "\n"
        }
        // Its own bytes, whatever version made them.
        _ => format!("{}\n", alert.body),
    }
}

//! `alerts list`: what was stored, newest first.

use chrono::{DateTime, Utc};

use super::{Context, Exit, args::AlertsListArguments, run::runtime, setup};
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
    match found(&settings, clock, filter, arguments) {
        Ok(alerts) => print(context, &settings, clock.now(), &alerts),
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
    Ok(AlertFilter { since, watch, before: None, limit: PAGE })
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

fn found(
    settings: &Settings,
    clock: Clock,
    mut filter: AlertFilter,
    arguments: &AlertsListArguments,
) -> Result<Vec<StoredAlert>, StoreError> {
    let store = match Store::open(&settings.daemon.store, clock, Role::Beside) {
        Ok(store) => store,
        Err(StoreError::Missing { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let Some(runtime) = runtime() else { return Ok(Vec::new()) };
    runtime.block_on(async {
        let mut found = Vec::new();
        while found.len() < arguments.limit {
            let page = store.alerts(filter.clone()).await?;
            let Some(last) = page.last() else { break };
            filter.before = Some(last.cursor);
            found.extend(page.into_iter().filter(|alert| arguments.held || alert.held.is_none()));
        }
        found.truncate(arguments.limit);
        Ok(found)
    })
}

fn print(context: &Context, settings: &Settings, now: DateTime<Utc>, alerts: &[StoredAlert]) -> Exit {
    let style = text::TextStyle {
        now,
        timezone: settings.daemon.timezone,
        color: context.output.color,
        party_name: Packs::english_name,
    };
    let text: String = alerts
        .iter()
        .map(|alert| match serde_json::from_str::<AlertEvent>(&alert.body) {
            Ok(event) if !context.output.json => {
                let held = alert.held.as_deref().map(|why| format!("not sent: {why}\n")).unwrap_or_default();
                text::render(&[event.data], &style) + &held + "\n"
            }
            // Its own bytes, whatever version made them.
            _ => format!("{}\n", alert.body),
        })
        .collect();
    if alerts.is_empty() && !context.output.json {
        eprintln!("no alerts yet");
    }
    super::printed(&text)
}

//! Log lines on stderr, as text or JSON, by `--log` or `WIREWATCH_LOG`.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt::time::ChronoUtc};

use super::args::{ColorWhen, GlobalArguments, LogFormat};

/// Starts logging, by `default` where neither `--log` nor `WIREWATCH_LOG` says otherwise.
///
/// # Errors
/// The filter that the user gave cannot be read: the message says which part.
pub fn start(global: &GlobalArguments, default: &str) -> Result<(), String> {
    let given = global.log.clone().or_else(|| std::env::var("WIREWATCH_LOG").ok()).filter(|f| !f.trim().is_empty());
    let filter = given.as_deref().unwrap_or(default);
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("`--log {filter}` can't be read: {error}"))?;
    let color = match global.color {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(color);
    // Where nobody can be told any more, that is no reason to end.
    let builder = builder.log_internal_errors(false);
    // Fails only where a subscriber stands already, as in a test: then that one is used.
    let _ = match global.log_format {
        LogFormat::Text => {
            builder.with_timer(ChronoUtc::new("%Y-%m-%dT%H:%M:%S%.3fZ".to_owned())).with_target(false).try_init()
        }
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}

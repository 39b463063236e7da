//! What most commands begin with: find the config, read it, compile its watches, and show every problem at once.

use std::path::Path;

use super::{Context, Exit, report};
use crate::{
    config::{self, Level, Loaded, Part, Problem, Settings, WatchSettings},
    daemon::watching::Watching,
    deliver::{self, TextLook},
    watch::{CompileContext, SharedPacks, WatchSet, pack::Packs},
};

/// The config's settings.
///
/// # Errors
/// The exit code, after every problem was shown.
pub fn settings(context: &Context) -> Result<(Settings, Vec<Problem>), Exit> {
    match config::find(context.global.config.as_deref()) {
        Some(path) => load(context, &path),
        None => {
            eprintln!(
                "error: there is no config: `wirewatch init` writes one to start from, `wirewatch demo` shows the \
                 daemon at work without one"
            );
            Err(Exit::Usage)
        }
    }
}

/// The config's settings, or those of an empty config where there is none.
///
/// # Errors
/// The exit code, after every problem was shown.
pub fn settings_or_default(context: &Context) -> Result<(Settings, Vec<Problem>), Exit> {
    match config::find(context.global.config.as_deref()) {
        Some(path) => load(context, &path),
        None => Ok((config::defaults(&config::Environment::system()), Vec::new())),
    }
}

fn load(context: &Context, path: &Path) -> Result<(Settings, Vec<Problem>), Exit> {
    let loaded = config::load(path);
    match loaded.settings {
        Some(settings) => {
            let of_templates = problems_of_templates(&settings);
            if of_templates.is_empty() {
                return Ok((settings, loaded.problems));
            }
            show(context, &loaded.problems.into_iter().chain(of_templates).collect::<Vec<_>>());
            Err(Exit::Usage)
        }
        None => {
            show(context, &all_problems(&loaded));
            Err(Exit::Usage)
        }
    }
}

/// The config's problems, and where it has errors also those of the queries that could be read: nobody should have to
/// mend one mistake to be told of the next.
pub fn all_problems(loaded: &Loaded) -> Vec<Problem> {
    let of_queries = loaded.part.as_ref().map(errors_of_queries).unwrap_or_default();
    let settings = loaded.settings.as_ref().or(loaded.part.as_ref().map(|part| &part.settings));
    let of_templates = settings.map(problems_of_templates).unwrap_or_default();
    loaded.problems.iter().cloned().chain(of_queries).chain(of_templates).collect()
}

/// What is wrong with the sinks' templates.
fn problems_of_templates(settings: &Settings) -> Vec<Problem> {
    let look = TextLook { timezone: settings.daemon.timezone, color: false, party_name: Packs::english_name };
    deliver::format::problems(&settings.sinks, &look)
}

fn errors_of_queries(part: &Part) -> Vec<Problem> {
    let settings = &part.settings;
    let packs = match SharedPacks::read(settings.pack_folder.as_deref()) {
        Ok(packs) => packs,
        // A folder that is not there is among the config's own problems.
        Err(_) if settings.pack_folder.as_ref().is_some_and(|folder| !folder.is_dir()) => return Vec::new(),
        Err(problems) => return problems,
    };
    let context = CompileContext { lists: &settings.lists, feeds: &settings.feeds, packs: &packs };
    WatchSet::errors(&settings.watches, context, !part.has_all_names)
}

/// Compiles `watches`; shows `before` and what compiling adds.
///
/// # Errors
/// The exit code, after every problem was shown.
pub fn compile(
    context: &Context,
    settings: &Settings,
    watches: Vec<WatchSettings>,
    before: Vec<Problem>,
) -> Result<Watching, Exit> {
    let (watching, compiled) = Watching::compile(settings, watches);
    let problems: Vec<Problem> = before.into_iter().chain(compiled).collect();
    match watching {
        Some(watching) => {
            show(context, &problems);
            Ok(watching)
        }
        None => {
            show(context, &problems);
            Err(Exit::Usage)
        }
    }
}

/// The watch that a command line names.
///
/// # Errors
/// That there is none, and which there are.
pub fn watch<'a>(settings: &'a Settings, name: &str) -> Result<&'a WatchSettings, String> {
    settings.watches.iter().find(|watch| watch.id.as_str() == name).ok_or_else(|| {
        let known: Vec<&str> = settings.watches.iter().map(|watch| watch.id.as_str()).collect();
        match known.as_slice() {
            [] => format!("there is no watch `{name}`: there are none at all"),
            known => format!("there is no watch `{name}`: there are {}", known.join(", ")),
        }
    })
}

/// Draws problems on stderr.
pub fn show(context: &Context, problems: &[Problem]) {
    if !problems.is_empty() {
        eprint!("{}", report::render(problems, context.output.stderr_color));
    }
}

/// `2 errors, 1 warning`
pub fn count(problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|p| p.level == Level::Error).count();
    let warnings = problems.len() - errors;
    format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"))
}

/// `1 feed`, `2 feeds`
pub fn plural(n: usize, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}

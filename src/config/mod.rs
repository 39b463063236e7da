//! TOML in, checked settings out, or every problem at once. Knows no other room.
//!
//! A file goes through three hands: `raw` knows where everything stands, the readers of the sections (`daemon`,
//! `feed`, `watch`, `sink`, `list`) know what it means, and `reference` knows what the parts are to each other. A
//! mistake never ends the reading; it is noted, and in the end there are settings only where no error was.
//!
//! Queries are texts here. Who compiles them points their problems into the file by [`QuerySource`].

pub mod environment;
pub mod id;
pub mod keys;
pub mod managed;
pub mod opml;
mod pace;
pub mod problem;
pub mod settings;
pub mod suggest;
pub mod value;

mod file;
mod covered;
mod daemon;
mod email;
mod exec;
mod feed;
mod glob;
mod list;
mod listed;
mod nats;
mod raw;
mod reader;
mod reference;
mod rotate;
mod secret;
mod shown;
mod sink;
mod watch;
mod webhook;

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

pub use daemon::{INTERVAL_MAX, INTERVAL_MIN};
pub use email::{EmailSettings, SmtpTls};
pub use environment::Environment;
pub use exec::ExecSettings;
pub use file::find;
pub use id::{FeedId, SinkId, WatchId};
pub use nats::{NatsLogin, NatsSettings};
pub use pace::{Pace, Rate, RateError};
pub use problem::{Level, Origin, Place, Problem};
pub use rotate::Rotation;
pub use settings::*;
pub use shown::shown_url;
pub use webhook::{TemplateText, WebhookFormat, WebhookSettings, ntfy_topic};

use raw::{Raw, Table};
use reader::{Noted, Reader, not_yet};

/// The config that `init` writes.
pub const STARTER: &str = include_str!("../../config/wirewatch.toml");

/// Problems that are kept of one config. Whoever has more has one at the root of them; and each is drawn by counting
/// lines from the top, so that a hundred thousand of them would take hours.
const PROBLEMS_MAX: usize = 1_000;

/// What reading a config gave.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// `None` when there is any error.
    pub settings: Option<Settings>,
    /// Errors and warnings, in the order of the file.
    pub problems: Vec<Problem>,
    /// `None` when there is no error, or nothing to read.
    pub part: Option<Part>,
}

/// What could be read of a config that has errors: enough to look for mistakes in its queries too.
#[derive(Debug, Clone)]
pub struct Part {
    /// Without what was wrong.
    pub settings: Settings,
    /// Whether it has every feed, list and watch that the file means to declare.
    pub has_all_names: bool,
}

/// Reads the file and all that it names. Relative paths in it start at its folder.
pub fn load(path: &Path) -> Loaded {
    load_with(path, &Environment::system())
}

/// [`load`], beside these variables.
pub fn load_with(path: &Path, environment: &Environment) -> Loaded {
    match file::read_text(path) {
        Ok(text) => load_str(&text, Origin::File(path.to_owned()), environment),
        Err(problem) => Loaded { settings: None, problems: vec![*problem], part: None },
    }
}

/// The settings without a config: the built-in watches, the console, no feeds.
pub fn defaults(environment: &Environment) -> Settings {
    let console = sink::console();
    Settings {
        file: None,
        daemon: daemon::defaults(environment),
        feeds: Vec::new(),
        opml: Vec::new(),
        watches: watch::built_in(std::slice::from_ref(&console.id)),
        default_sinks: vec![console.id.clone()],
        sinks: vec![console],
        lists: Default::default(),
        pack_folder: None,
    }
}

/// Reads a config's text. Touches nothing but the files that it names: lists, secrets, globs.
pub fn load_str(text: &str, origin: Origin, environment: &Environment) -> Loaded {
    // Editors of another world put U+FEFF in front; without it offsets count from the first visible character.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let raw = Raw::parse(text);
    let root = raw.root();
    let file = match &origin {
        Origin::File(path) => Some(path.clone()),
        Origin::Named(_) => None,
    };
    let folder = file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let folder = match folder.as_os_str().is_empty() {
        true => std::env::current_dir().unwrap_or_default(),
        false => std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
    };
    let shown = raw.covered(text).into();
    let mut reader = Reader { origin, text, shown, environment, folder, noted: Vec::new() };
    let (mut settings, has_all_names) = read(&mut reader, root, raw.syntax.is_empty());
    settings.file = file;
    let mut problems = in_order(reader, &raw);
    let is_clean = !problems.iter().any(Problem::is_error);
    let more = problems.split_off(problems.len().min(PROBLEMS_MAX));
    if let Some(level) = more.iter().map(|problem| problem.level).max() {
        let message = format!("{} more problems are not shown", more.len());
        problems.push(Problem { level, message, place: None, help: None });
    }
    match is_clean {
        true => Loaded { settings: Some(settings), problems, part: None },
        false => Loaded { settings: None, problems, part: Some(Part { settings, has_all_names }) },
    }
}

/// The problems in the file's order. Where the file is no TOML, what was read behind the break and what needs the
/// whole file to be true is left out: it would mostly be nonsense.
fn in_order(reader: Reader<'_>, raw: &Raw<'_>) -> Vec<Problem> {
    let line_start = |at: usize| raw::line_start(reader.text, at);
    let mut noted: Vec<(usize, Problem)> = Vec::new();
    for error in &raw.syntax {
        let mut problem = Problem::error(error.message.clone()).at(reader.place(&error.span));
        problem.help = error.help.clone();
        noted.push((error.span.start, problem));
    }
    for Noted { at, needs_whole_file, problem } in reader.noted {
        let is_trusted = at < raw.trusted_end && !needs_whole_file && !raw.broken.contains(&line_start(at));
        if is_trusted || raw.syntax.is_empty() {
            noted.push((at, problem));
        }
    }
    noted.sort_by_key(|(at, _)| *at);
    noted.into_iter().map(|(_, problem)| problem).collect()
}

/// The settings, and whether every name that the file declares is among them.
fn read<'a>(reader: &mut Reader<'a>, root: Table<'a>, is_whole: bool) -> (Settings, bool) {
    let root = known_tables(reader, root);
    let mut has_all_names = is_whole && !reader.has_error_since(0);
    let (daemon, waits) = {
        let table = one(reader, &root, "daemon");
        daemon::read(reader, table)
    };
    let noted = reader.noted.len();
    let mut feed_drafts: Vec<_> =
        many(reader, &root, "feed").into_iter().map(|table| feed::read(reader, table, &waits)).collect();
    let mut names = feed::Names::default();
    let mut feeds = feed::finish(reader, &mut feed_drafts, &mut names);
    let managed = managed::read(reader, &daemon.data_dir, &feeds, &mut names);
    let opml_tables = many(reader, &root, "opml");
    let has_other_feeds = !managed.is_empty() || !opml_tables.is_empty();
    let known: Vec<&FeedSettings> = feeds.iter().chain(&managed).collect();
    let (opml, mut listed) = listed::read(reader, opml_tables, &daemon.data_dir, &known, &mut names);
    listed.extend(managed);
    has_all_names &= !reader.has_error_since(noted);
    let watch_drafts: Vec<_> =
        many(reader, &root, "watch").into_iter().map(|table| watch::read(reader, table)).collect();
    has_all_names &= watch_drafts.iter().all(|draft| draft.id.is_some() && draft.query.is_some());
    let sink_drafts: Vec<_> = many(reader, &root, "sink").into_iter().map(|table| sink::read(reader, table)).collect();
    let noted = reader.noted.len();
    let (lists, list_places) = lists(reader, &root);
    has_all_names &= !reader.has_error_since(noted);
    let (has_built_in, pack_folder) = packs(reader, &root);

    reference::unique(reader, "feeds", feed_drafts.iter().filter_map(|draft| draft.id.as_ref()));
    reference::unique(reader, "watches", watch_drafts.iter().filter_map(|draft| draft.id.as_ref()));
    reference::unique(reader, "sinks", sink_drafts.iter().filter_map(|draft| draft.id.as_ref()));

    let mut sinks: Vec<SinkSettings> = sink_drafts.iter().filter_map(|draft| draft.settings.clone()).collect();
    let console_is_default = reference::console_is_default(&sinks);
    let mut default_sinks: Vec<SinkId> = sinks.iter().map(|sink| sink.id.clone()).collect();
    if !sink_drafts.iter().filter_map(|draft| draft.id.as_ref()).any(|(id, _)| id.as_str() == sink::CONSOLE) {
        let console = sink::console();
        if console_is_default {
            default_sinks.insert(0, console.id.clone());
        }
        sinks.insert(0, console);
    }
    if let Some(named) = default_sinks_of_file(reader, &root) {
        reference::sinks_exist(reader, &named, &sink_drafts);
        default_sinks = named.into_iter().map(|(id, _)| id).collect();
    }
    let feed_names = reference::FeedNames::of(&feed_drafts, &listed);
    for draft in &watch_drafts {
        reference::sinks_exist(reader, draft.sinks.as_deref().unwrap_or_default(), &sink_drafts);
        reference::feeds_exist(reader, &draft.feeds, &feed_names);
    }
    let watches = watches(&watch_drafts, &default_sinks, has_built_in, &feed_drafts);
    if is_whole && !reader.has_error_since(0) {
        let parts = reference::Parts {
            feed_drafts: &feed_drafts,
            has_other_feeds,
            watch_drafts: &watch_drafts,
            watches: &watches,
            sink_drafts: &sink_drafts,
            sinks: &sinks,
            lists: &list_places,
        };
        reference::unused(reader, &parts);
        reference::refused_sinks(reader, &sink_drafts, daemon.allow_private_networks);
    }
    feeds.extend(listed);
    (Settings { file: None, daemon, feeds, opml, watches, sinks, default_sinks, lists, pack_folder }, has_all_names)
}

/// The built-in watches that the file does not replace, then the file's.
fn watches(
    drafts: &[watch::WatchDraft],
    default_sinks: &[SinkId],
    has_built_in: bool,
    feed_drafts: &[feed::FeedDraft],
) -> Vec<WatchSettings> {
    let mut watches = if has_built_in { watch::built_in(default_sinks) } else { Vec::new() };
    watches.retain(|built_in| !drafts.iter().any(|draft| draft.id.as_ref().is_some_and(|(id, _)| *id == built_in.id)));
    for draft in drafts {
        let (Some((id, _)), Some(query)) = (&draft.id, &draft.query) else { continue };
        let sinks = match &draft.sinks {
            Some(named) => named.iter().map(|(id, _)| id.clone()).collect(),
            None => default_sinks.to_vec(),
        };
        watches.push(WatchSettings {
            id: id.clone(),
            name: draft.name.clone().unwrap_or_else(|| id.to_string()),
            query: query.clone(),
            severity: draft.severity,
            min_confidence: draft.min_confidence,
            feeds: feed::selected(&draft.feeds, feed_drafts),
            sinks,
        });
    }
    watches
}

/// The tables of the file that this version has.
fn known_tables<'a>(reader: &mut Reader<'a>, root: Table<'a>) -> Table<'a> {
    let (later, rest): (Vec<_>, Vec<_>) = root.values.into_iter().partition(|value| {
        keys::of_section("").any(|key| key.name == value.key && key.standing != keys::Standing::Now)
    });
    for value in later {
        if let Some(keys::Key { standing: keys::Standing::Later(part), .. }) =
            keys::of_section("").find(|key| key.name == value.key)
        {
            // Each of several `[[route]]` would be the same news.
            reader.note(&value.key_span, not_yet(&keys::heading(value.key).replace('`', ""), part));
        }
    }
    reader.known("", Table { span: root.span, values: rest, meant: root.meant })
}

/// `[section]`.
fn one<'a>(reader: &mut Reader<'a>, root: &Table<'a>, section: &'static str) -> Option<Table<'a>> {
    let value = root.get(section)?;
    let table = value.table();
    if table.is_none() {
        let message = format!("`{section}` is one table, not {}", value.kind());
        reader.note(&value.key_span, Problem::error(message).help(format!("write `[{section}]`")));
    }
    table
}

/// `[[section]]`, as often as it stands there.
fn many<'a>(reader: &mut Reader<'a>, root: &Table<'a>, section: &'static str) -> Vec<Table<'a>> {
    let Some(value) = root.get(section) else { return Vec::new() };
    let tables = value.items().map(|items| items.iter().map(|item| item.table()).collect::<Option<Vec<_>>>());
    if let Some(Some(tables)) = tables {
        return tables;
    }
    let problem = Problem::error(format!("`{section}` may stand many times, so its brackets are double"));
    reader.note(&value.key_span, problem.help(format!("write `[[{section}]]`")));
    Vec::new()
}

fn default_sinks_of_file<'a>(reader: &mut Reader<'a>, root: &Table<'a>) -> Option<Vec<(SinkId, Range<usize>)>> {
    let table = one(reader, root, "defaults")?;
    let table = reader.known("defaults", table);
    table.get("sinks").map(|value| watch::sinks(reader, value))
}

type Lists = (std::collections::BTreeMap<String, Vec<String>>, Vec<(String, Range<usize>)>);

fn lists<'a>(reader: &mut Reader<'a>, root: &Table<'a>) -> Lists {
    let Some(table) = one(reader, root, "lists") else { return Lists::default() };
    let places = table.values.iter().map(|value| (value.key.to_owned(), value.key_span.clone())).collect();
    (list::read(reader, &table), places)
}

/// Whether the built-in watches are wanted, and the folder of the user's packs.
fn packs<'a>(reader: &mut Reader<'a>, root: &Table<'a>) -> (bool, Option<PathBuf>) {
    let Some(table) = one(reader, root, "packs") else { return (true, None) };
    let table = reader.known("packs", table);
    let has_built_in = table.get("defaults").and_then(|value| reader.flag(value)).unwrap_or(true);
    let Some(value) = table.get("path") else { return (has_built_in, None) };
    let folder = reader.path(value);
    if let Some(folder) = folder.as_ref().filter(|folder| !folder.is_dir()) {
        let problem = Problem::error(format!("`{}` is no folder", folder.display()));
        reader.note(&value.span, problem.help("`path` is the folder that holds your pack files"));
    }
    (has_built_in, folder)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn without_a_config_the_built_in_watches_print_to_the_console() {
        let settings = defaults(&Environment::default());
        let ids: Vec<_> = settings.watches.iter().map(|watch| watch.id.as_str()).collect();
        assert_eq!(ids, ["arms-deals", "unsc-resolutions", "leaders"]);
        assert!(settings.watches.iter().all(|watch| watch.sinks == [settings.sinks[0].id.clone()]));
    }

    #[test]
    fn the_starter_has_nothing_to_complain_about() {
        let loaded = load_str(STARTER, Origin::Named("starter".into()), &Environment::default());
        assert_eq!(loaded.problems, []);
        assert_eq!(loaded.settings.unwrap().feeds.len(), 1);
    }

    #[test]
    fn every_line_of_the_starter_that_can_be_switched_on_means_something() {
        let switched_on: Vec<&str> = STARTER
            .lines()
            .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#'])).unwrap_or(line))
            .collect();
        let environment = Environment::of([("WIREWATCH_TOKEN", "t"), ("WIRE_TOKEN", "t"), ("HOME", "/nowhere")]);
        let loaded = load_str(&switched_on.join("\n"), Origin::File("/nowhere/wirewatch.toml".into()), &environment);
        // What it names for example is not there.
        let errors = loaded.problems.iter().filter(|problem| problem.is_error());
        let messages: Vec<&str> = errors.map(|problem| problem.message.as_str()).collect();
        assert_eq!(messages.len(), 4, "{messages:?}");
        assert!(messages.iter().all(|message| message.contains("/nowhere") || message.contains("hook.secret")));
    }

    #[test]
    fn a_large_config_is_read_in_linear_time() {
        let started = std::time::Instant::now();
        let feeds = 20_000;
        let mut text = "[packs]\ndefaults = false\n".to_owned();
        for number in 0..feeds {
            text.push_str(&format!("[[feed]]\nurl = 'https://example.org/{number}'\ntags = ['t{}']\n", number % 50));
            text.push_str(&format!("[[watch]]\nid = 'w{number}'\nquery = 'x'\nfeeds = ['tag:t{}']\n", number % 50));
            text.push_str(if number % 2 == 0 { "" } else { "colour = 'red'\n" });
        }
        let loaded = load_str(&text, Origin::Named("large".into()), &Environment::default());
        assert_eq!(loaded.problems.len(), PROBLEMS_MAX + 1);
        assert_eq!(loaded.problems[PROBLEMS_MAX].message, format!("{} more problems are not shown", feeds / 2 - 1_000));
        let loaded =
            load_str(&text.replace("colour = 'red'\n", ""), Origin::Named("large".into()), &Environment::default());
        assert_eq!((loaded.problems.len(), loaded.settings.unwrap().feeds.len()), (0, feeds));
        // Linear, this is a second of an unoptimised build on a busy machine; in squares it would be minutes.
        assert!(started.elapsed() < std::time::Duration::from_secs(30), "{:?}", started.elapsed());
    }
}

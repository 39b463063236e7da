//! `packs refresh`: asks a query service who leads which country, shows what is new, and writes it where that is wanted.

use std::{
    fs, io,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use url::Url;

use super::{Context, Exit, draw, settings};
use crate::{
    alert::text::safe,
    cli::{args::PacksRefreshArguments, run::runtime, setup},
    clock::Clock,
    config::{FeedSource, Origin, Problem, Secret, Settings, shown_url},
    daemon::poll::chain,
    fetch::{Answer, FetchError, FetchLimits, FetchRequest, Fetcher},
    watch::{
        contents::{Change, ChangeKind, Contents},
        entity::person::Person,
        pack::{self, PACK_BYTES_MAX, Packs, Source},
        refresh::{self as facts, BYTES_MAX, Facts, Refreshed},
    },
};

/// What is asked where nothing else is named.
const ENDPOINT: &str = "https://query.wikidata.org/sparql";

/// The one pack that there is a query for.
const PACK: &str = "leaders";

/// Wikidata's service gives up after a minute; it shall be the one that says so.
const LIMITS: FetchLimits =
    FetchLimits { body_bytes_max: BYTES_MAX, total: Duration::from_secs(120), connect: Duration::from_secs(10) };

/// Doubts about single people that are told; the rest is counted.
const DOUBTS_TOLD: usize = 5;

/// Why a refresh did not come about.
#[derive(Debug)]
enum Failure {
    /// The command line, the config or a pack asks for something that can't be done.
    Usage(String),
    /// It was tried and failed.
    Failed(String),
    /// The packs in effect can't be loaded.
    Packs(Vec<Problem>),
}

/// `packs refresh`
pub fn refresh(context: &Context, arguments: &PacksRefreshArguments) -> Exit {
    if arguments.id != PACK {
        eprintln!("error: `{}` can't be refreshed: there is a query for `{PACK}` alone", safe(&arguments.id));
        return Exit::Usage;
    }
    let settings = match settings(context) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    match refreshed(context, &settings, arguments) {
        Ok(exit) => exit,
        Err(Failure::Usage(message)) => {
            eprintln!("error: {message}");
            Exit::Usage
        }
        Err(Failure::Failed(message)) => {
            eprintln!("error: {message}");
            Exit::Failed
        }
        Err(Failure::Packs(problems)) => {
            setup::show(context, &problems);
            Exit::Usage
        }
    }
}

fn refreshed(context: &Context, settings: &Settings, arguments: &PacksRefreshArguments) -> Result<Exit, Failure> {
    let packs = InEffect::read(settings.pack_folder.as_deref())?;
    if arguments.write {
        // Nobody shall wait for an answer that can't be kept.
        packs.target()?;
    }
    let base = Packs::read(&packs.base).map_err(Failure::Packs)?;
    let last = packs.last_refresh()?;
    let today = Clock::system().now().date_naive();
    let bytes = answer(settings, arguments.from.as_deref())?;
    let facts = facts::read(&bytes, &base.entities, today)
        .map_err(|error| Failure::Failed(format!("{}: {}", shown_source(arguments), safe(&chain(&error)))))?;
    tell_rows(&facts);
    if facts.persons.is_empty() {
        return Err(Failure::Failed("there is no usable row in the result, so nothing is changed".to_owned()));
    }
    let refreshed = facts::merge(&facts, &base.entities, &last);
    tell_doubts(&refreshed);
    let candidate = facts::pack_file(&refreshed.persons, today);
    if candidate.len() as u64 > PACK_BYTES_MAX {
        return Err(Failure::Failed(format!("the pack would be larger than {PACK_BYTES_MAX} bytes")));
    }
    let after = packs.with(&candidate);
    // What can't be loaded must not be written: the daemon would not start again.
    Packs::read(&after).map_err(Failure::Packs)?;
    let changes = persons(&after).changes_since(&persons(&packs.all));
    let text: String = if context.output.json {
        changes.iter().map(|change| format!("{}\n", draw::change_line(change, PACK, None))).collect()
    } else {
        draw::changes(&changes)
    };
    if super::print_or_say(&text, "no difference: the packs in effect know all of it") == Exit::Failed {
        return Ok(Exit::Failed);
    }
    if changes.is_empty() {
        return Ok(Exit::Done);
    }
    let told = summary(&changes);
    // Looked at anew: somebody may have written a file of that name while the service was thinking.
    match InEffect::read(settings.pack_folder.as_deref())?.target() {
        Ok(target) if arguments.write => {
            write(&target, &candidate)
                .map_err(|error| Failure::Failed(format!("{} can't be written: {error}", target.display())))?;
            eprintln!("wrote {}: {told}; a running daemon reads it when it starts again", target.display());
        }
        Ok(target) => eprintln!("would write {}: {told}; `--write` does", target.display()),
        Err(Failure::Usage(why)) if !arguments.write => eprintln!("{told}; `--write` can't write it yet: {why}"),
        Err(failure) => return Err(failure),
    }
    Ok(Exit::Done)
}

/// The packs in effect, and what of them a refresh stands on.
struct InEffect {
    folder: Option<PathBuf>,
    all: Vec<Source>,
    /// Without what the last refresh wrote.
    base: Vec<Source>,
}

impl InEffect {
    fn read(folder: Option<&Path>) -> Result<Self, Failure> {
        let all = pack::sources(folder).map_err(Failure::Packs)?;
        let base = all.iter().filter(|source| !is_refresh(source)).cloned().collect();
        Ok(Self { folder: folder.map(Path::to_owned), all, base })
    }

    /// Where a refresh is written.
    fn target(&self) -> Result<PathBuf, Failure> {
        let Some(folder) = &self.folder else {
            let help = "there is no folder for packs of your own: make one and name it in the config, \
                        `[packs]` with `path = \"packs\"`";
            return Err(Failure::Usage(help.to_owned()));
        };
        let target = folder.join(format!("{PACK}.toml"));
        let by_hand = self.base.iter().any(|source| source.path().is_some() && source.name == PACK);
        // Something that is no pack file, a link to nowhere, is not ours either.
        let is_odd = !self.all.iter().any(|source| source.path() == Some(&target)) && target.symlink_metadata().is_ok();
        if by_hand || is_odd {
            return Err(Failure::Usage(format!(
                "{} was not written by a refresh and is left alone: give it another name, say {PACK}-own.toml, and what \
                 it says of persons stays in effect beside what a refresh writes",
                target.display()
            )));
        }
        Ok(target)
    }

    /// Whom the last refresh wrote.
    fn last_refresh(&self) -> Result<Vec<Person>, Failure> {
        let last: Vec<Source> = self.all.iter().filter(|source| is_refresh(source)).cloned().collect();
        Packs::read(&last).map(|packs| packs.entities.persons).map_err(Failure::Packs)
    }

    /// The packs with a new file for that of the last refresh, in the order in which they are loaded.
    fn with(&self, text: &str) -> Vec<Source> {
        let path = self.folder.clone().unwrap_or_default().join(format!("{PACK}.toml"));
        let mut sources = self.base.clone();
        // Built-in packs come first, then those of the folder by path.
        let at = sources.iter().position(|source| source.path().is_some_and(|own| own > path.as_path()));
        let source = Source { name: PACK.to_owned(), origin: Origin::File(path), text: text.into() };
        sources.insert(at.unwrap_or(sources.len()), source);
        sources
    }
}

fn is_refresh(source: &Source) -> bool {
    source.path().is_some() && source.name == PACK && facts::is_refreshed(&source.text)
}

/// All persons of some packs, the later in the place of the earlier.
fn persons(sources: &[Source]) -> Contents {
    let mut all: Option<Contents> = None;
    for mut contents in sources.iter().filter_map(|source| Contents::read(&source.text).ok()) {
        contents.entries.retain(|entry| entry.section == "person");
        match &mut all {
            Some(all) => all.overlay(contents),
            None => all = Some(contents),
        }
    }
    all.expect("the built-in packs are always among them or replaced by others")
}

/// The result as it came.
fn answer(settings: &Settings, from: Option<&str>) -> Result<Vec<u8>, Failure> {
    let is_web = |from: &str| from.starts_with("http://") || from.starts_with("https://");
    match from {
        None => asked(settings, &address(ENDPOINT)?, false),
        // Addresses typed on the command line may be loopback or private.
        Some(from) if is_web(from) => asked(settings, &address(from)?, true),
        Some(from) => {
            file(&path(from)).map_err(|error| Failure::Failed(format!("{} can't be read: {error}", safe(from))))
        }
    }
}

/// An endpoint's address with the query; one that has a query of its own is asked as it stands.
fn address(endpoint: &str) -> Result<Url, Failure> {
    let mut url =
        Url::parse(endpoint).map_err(|error| Failure::Usage(format!("`{}` is no address: {error}", safe(endpoint))))?;
    if !url.query_pairs().any(|(key, _)| key == "query") {
        url.query_pairs_mut().append_pair("query", &facts::query_to_send()).append_pair("format", "json");
    }
    Ok(url)
}

fn asked(settings: &Settings, url: &Url, is_typed: bool) -> Result<Vec<u8>, Failure> {
    let mut endpoint = url.clone();
    endpoint.set_query(None);
    let shown = shown_url(&endpoint, false);
    let failed = |why: &str| Failure::Failed(format!("{shown}: {}", safe(why)));
    let runtime = runtime().ok_or_else(|| failed("the runtime could not start"))?;
    let headers = [("Accept".to_owned(), Secret::new("application/sparql-results+json"))];
    eprintln!("asking {shown}, which may take a minute");
    let answer = runtime.block_on(async {
        let fetcher = Fetcher::new(settings.daemon.contact.as_deref(), &settings.daemon.proxy, false, LIMITS)?;
        let source = FeedSource::Http(url.clone());
        fetcher.fetch(&FetchRequest { headers: &headers, private: is_typed, ..FetchRequest::new(&source) }).await
    });
    match answer {
        Ok(Answer::Document { body, .. }) => Ok(body.into()),
        Ok(Answer::NotNow { status, retry_after }) => {
            let when = retry_after.map(|wait| format!(", for {} s", wait.as_secs())).unwrap_or_default();
            Err(failed(&format!("it answered {status}: it asks to be left alone for now{when}")))
        }
        Ok(Answer::Gone) => Err(failed("it answered 410: it is gone for good")),
        Ok(Answer::NotModified { .. }) => Err(failed("it answered 304 to a request without validators")),
        // What a feed's owner would be told helps nobody here.
        Err(FetchError::Status { status, .. }) if status.is_server_error() => Err(failed(&format!(
            "it answered {status}; a service that runs out of time says so in this way: try again later, or name another \
             with `--from`"
        ))),
        Err(FetchError::Status { status, .. }) => Err(failed(&format!("it answered {status}"))),
        Err(error) => Err(failed(&chain(&error))),
    }
}

/// A path, or `file:` and one.
fn path(from: &str) -> PathBuf {
    let url = Url::parse(from).ok().filter(|url| url.scheme() == "file");
    url.and_then(|url| url.to_file_path().ok()).unwrap_or_else(|| from.into())
}

fn file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more tells that there is too much, which `read` refuses.
    fs::File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn shown_source(arguments: &PacksRefreshArguments) -> String {
    let from = arguments.from.as_deref().unwrap_or(ENDPOINT);
    let url = Url::parse(from).ok().filter(Url::has_host);
    url.map_or_else(
        || safe(from),
        |mut url| {
            url.set_query(None);
            shown_url(&url, false)
        },
    )
}

fn tell_rows(facts: &Facts) {
    let persons = setup::plural(facts.persons.len(), "person");
    eprintln!("{}, {persons}", setup::plural(facts.rows, "row"));
    if facts.skipped > 0 {
        eprintln!("{} skipped:", setup::plural(facts.skipped, "row"));
        facts.reasons.iter().for_each(|reason| eprintln!("  {}", safe(reason)));
        tell_more(facts.skipped - facts.reasons.len());
    }
}

fn tell_doubts(refreshed: &Refreshed) {
    if !refreshed.doubts.is_empty() {
        eprintln!("{}, left out:", setup::plural(refreshed.doubts.len(), "doubt"));
        refreshed.doubts.iter().take(DOUBTS_TOLD).for_each(|doubt| eprintln!("  {}", safe(doubt)));
        tell_more(refreshed.doubts.len().saturating_sub(DOUBTS_TOLD));
    }
    if refreshed.kept > 0 {
        eprintln!(
            "{} of the last refresh kept, whom this result does not name",
            setup::plural(refreshed.kept, "person")
        );
    }
}

fn tell_more(more: usize) {
    if more > 0 {
        eprintln!("  … and {more} more");
    }
}

/// `12 new persons, 3 changed`
fn summary(changes: &[Change]) -> String {
    let count = |kind| changes.iter().filter(|change| change.change == kind).count();
    let (new, changed, gone) = (count(ChangeKind::Added), count(ChangeKind::Changed), count(ChangeKind::Removed));
    let mut parts = Vec::new();
    if new > 0 {
        parts.push(setup::plural(new, "new person"));
    }
    if changed > 0 {
        parts.push(format!("{changed} changed"));
    }
    if gone > 0 {
        parts.push(format!("{gone} gone"));
    }
    parts.join(", ")
}

/// Whole or not at all: a daemon that starts meanwhile reads the old file or the new one.
fn write(target: &Path, text: &str) -> io::Result<()> {
    let folder = target.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // Packs end in .toml, so nobody takes this for one.
    builder.prefix(".wirewatch-refresh-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any editor would make it; the umask takes away what the user does not want to give.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn endpoint_is_asked_the_query_that_ships_unless_it_has_one() {
        let url = address("https://query.example/sparql?maxrows=5").unwrap();
        let pairs: Vec<_> = url.query_pairs().collect();
        assert_eq!(pairs[0].0, "maxrows");
        assert_eq!((pairs[1].0.as_ref(), pairs[1].1.as_ref()), ("query", facts::query_to_send().as_str()));
        assert_eq!(pairs[2], ("format".into(), "json".into()));
        let own = "https://query.example/sparql?query=SELECT";
        assert_eq!(address(own).unwrap().as_str(), own);
    }

    #[test]
    fn changes_are_counted_in_words() {
        let change = |change| Change {
            change,
            section: "person".into(),
            id: "Q1".into(),
            name: None,
            fields: std::collections::BTreeMap::new(),
        };
        let changes = [ChangeKind::Added, ChangeKind::Added, ChangeKind::Changed].map(change);
        assert_eq!(summary(&changes), "2 new persons, 1 changed");
    }
}

//! `managed.toml` in the data folder: the feeds that wirewatch's own commands have added.
//!
//! It is read after the config, by the same rules, and written whole: to a file beside it that then takes its place, so
//! that nobody ever reads half of it. A lock keeps two commands from taking each other's feeds away. The config that a
//! person writes is never touched.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use toml::{Table, Value};
use url::Url;

use super::{
    daemon::WrittenWaits,
    feed::{self, Names, WrittenSource},
    file::CONFIG_BYTES_MAX,
    id::FeedId,
    in_order, many,
    problem::{Origin, Problem},
    raw::Raw,
    reader::Reader,
    settings::{FeedOrigin, FeedSettings, FeedSource},
    value::format_duration,
};

/// What the file says of itself.
const HEAD: &str = "# Feeds that `wirewatch feeds add` and `feeds import` have added; `feeds remove` takes one away.\n\
                    # wirewatch writes this file anew: comments would be lost. What you write by hand belongs into the \
                    config.\n";

/// A feed as the file holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedFeed {
    /// Unique among all feeds.
    pub id: FeedId,
    /// http or https.
    pub url: Url,
    /// For people.
    pub name: Option<String>,
    /// For `tag:`.
    pub tags: Vec<String>,
    /// Instead of the daemon's.
    pub interval: Option<Duration>,
    /// Whether a private address is allowed for it.
    pub private: bool,
}

/// Why the file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ManagedError {
    /// The disk said no.
    #[error("could not write {}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody has written into it by hand.
    #[error("{} is no longer as wirewatch wrote it: `wirewatch check` shows what is wrong", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
    /// Another command was faster.
    #[error("there is a feed `{id}` already")]
    Taken {
        /// The name.
        id: FeedId,
    },
    /// Nobody adds so many.
    #[error("the list of added feeds would be larger than {} MB", CONFIG_BYTES_MAX / 1_000_000)]
    TooLarge,
}

/// Where it is.
pub fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("managed.toml")
}

/// Reads it; where there is none, there are no such feeds. `own` are the config's, whose names are taken.
pub(super) fn read(
    reader: &mut Reader<'_>,
    data_dir: &Path,
    own: &[FeedSettings],
    names: &mut Names,
) -> Vec<FeedSettings> {
    let path = file(data_dir);
    // What is wrong here comes behind what is wrong in the config.
    let end = reader.text.len()..reader.text.len();
    let text = match text_of(&path) {
        Ok(Some(text)) => text,
        Ok(None) => return Vec::new(),
        Err(error) => {
            let problem = Problem::error(format!("cannot read `{}`: {error}", path.display()));
            reader.note_elsewhere(&end, problem.help("wirewatch keeps the feeds there that `feeds add` has added"));
            return Vec::new();
        }
    };
    let raw = Raw::parse(&text);
    let mut inner = Reader {
        origin: Origin::File(path),
        text: &text,
        shown: raw.covered(&text).into(),
        environment: reader.environment,
        folder: data_dir.to_owned(),
        noted: Vec::new(),
    };
    let mut root = raw.root();
    let (known, strange): (Vec<_>, Vec<_>) = root.values.into_iter().partition(|value| value.key == "feed");
    for value in strange {
        let problem = Problem::error(format!("`{}` can't stand here", value.key));
        inner.note(&value.key_span, problem.help("this file holds feeds alone; the rest belongs into the config"));
    }
    root.values = known;
    let mut feeds: Vec<FeedSettings> = Vec::new();
    for table in many(&mut inner, &root, "feed") {
        // The bounds of the config's own intervals stand in another file; `add` has looked at them.
        let draft = feed::read(&mut inner, table, &WrittenWaits { min: None, max: None });
        let Some((id, id_span)) = &draft.id else {
            if !draft.is_named {
                inner.note_of_the_whole(&draft.span, Problem::error("this feed has no `id`"));
            }
            continue;
        };
        let source = match &draft.source {
            Some((WrittenSource::One(source @ FeedSource::Http(_)), _)) => source.clone(),
            Some((_, span)) => {
                let problem = Problem::error("only http and https can stand here");
                inner.note(span, problem.help("feeds that are files or commands belong into the config"));
                continue;
            }
            None => continue,
        };
        if !names.take(id) {
            let other = own.iter().find(|feed| feed.id == *id).map(|feed| match (&feed.origin, &reader.origin) {
                (FeedOrigin::Config { line }, Origin::File(path)) => format!("{}:{line}", path.display()),
                _ => "the config".to_owned(),
            });
            let other = other.unwrap_or_else(|| "this file too".to_owned());
            let problem = Problem::error(format!("there are two feeds with the id `{id}`"));
            let help = format!(
                "the other is in {other}: `wirewatch feeds remove {id}` takes this one away, or give the other \
                 another id"
            );
            inner.note(id_span, problem.help(help));
            continue;
        }
        feeds.push(draft.settings(id.clone(), source, FeedOrigin::Managed));
    }
    for problem in in_order(inner, &raw) {
        reader.note_elsewhere(&end, problem);
    }
    feeds
}

/// A name for a feed, made from its host, that is not among the `taken`.
pub fn free_name<'a>(url: &Url, taken: impl Iterator<Item = &'a FeedId>) -> Option<FeedId> {
    let mut names = Names::default();
    for id in taken {
        names.take(id);
    }
    names.free(&feed::own_name(&FeedSource::Http(url.clone())))
}

/// Adds feeds.
///
/// # Errors
/// Nothing is added: a name is taken in the file, or it can't be read or written.
pub fn add(data_dir: &Path, feeds: &[ManagedFeed]) -> Result<(), ManagedError> {
    edit(data_dir, |tables| {
        for feed in feeds {
            if tables.iter().any(|table| is_called(table, &feed.id)) {
                return Err(ManagedError::Taken { id: feed.id.clone() });
            }
            tables.push(Value::Table(table_of(feed)));
        }
        Ok(true)
    })
    .map(|_| ())
}

/// Takes a feed away; whether it was there.
///
/// # Errors
/// It is still there: the file can't be read or written.
pub fn remove(data_dir: &Path, id: &FeedId) -> Result<bool, ManagedError> {
    if !file(data_dir).exists() {
        return Ok(false);
    }
    edit(data_dir, |tables| {
        let before = tables.len();
        tables.retain(|table| !is_called(table, id));
        Ok(tables.len() < before)
    })
}

fn is_called(table: &Value, id: &FeedId) -> bool {
    table.get("id").and_then(Value::as_str) == Some(id.as_str())
}

fn table_of(feed: &ManagedFeed) -> Table {
    // In every text of a config a dollar may begin a variable; two are one.
    let text = |text: &str| Value::String(text.replace('$', "$$"));
    let mut table = Table::new();
    table.insert("id".to_owned(), text(feed.id.as_str()));
    table.insert("url".to_owned(), text(feed.url.as_str()));
    table.extend(feed.name.as_deref().map(|name| ("name".to_owned(), text(name))));
    if !feed.tags.is_empty() {
        table.insert("tags".to_owned(), Value::Array(feed.tags.iter().map(|tag| text(tag)).collect()));
    }
    table.extend(feed.interval.map(|interval| ("interval".to_owned(), text(&format_duration(interval)))));
    if feed.private {
        table.insert("private".to_owned(), Value::Boolean(true));
    }
    table
}

/// Changes the file's feeds under its lock; writes where `change` says that it changed something.
fn edit(
    data_dir: &Path,
    change: impl FnOnce(&mut Vec<Value>) -> Result<bool, ManagedError>,
) -> Result<bool, ManagedError> {
    let path = file(data_dir);
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| ManagedError::Io { path, source }
    };
    create_folder(data_dir).map_err(io(data_dir))?;
    let lock_path = data_dir.join("managed.lock");
    let lock = File::options().write(true).create(true).truncate(false).open(&lock_path).map_err(io(&lock_path))?;
    // Given back when it is closed. Whoever holds it is done in milliseconds.
    lock.lock().map_err(io(&lock_path))?;
    let text = text_of(&path).map_err(io(&path))?.unwrap_or_default();
    let unreadable = || ManagedError::Unreadable { path: path.clone() };
    let mut root: Table = text.parse().map_err(|_| unreadable())?;
    let mut tables = match root.remove("feed") {
        Some(Value::Array(tables)) => tables,
        None => Vec::new(),
        Some(_) => return Err(unreadable()),
    };
    if !root.is_empty() {
        return Err(unreadable());
    }
    if !change(&mut tables)? {
        return Ok(false);
    }
    let mut text = HEAD.to_owned();
    for table in tables {
        text.push_str("\n[[feed]]\n");
        text.push_str(&toml::to_string(&table).map_err(|_| unreadable())?);
    }
    if text.len() as u64 > CONFIG_BYTES_MAX {
        return Err(ManagedError::TooLarge);
    }
    replace(&path, text.as_bytes()).map_err(io(&path))?;
    Ok(true)
}

/// `None` where there is no such file.
fn text_of(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > CONFIG_BYTES_MAX {
        return Err(io::Error::other(format!("it is larger than {} MB", CONFIG_BYTES_MAX / 1_000_000)));
    }
    Ok(Some(text))
}

/// Makes the folder where there is none, for its owner alone: feeds' URLs may hold a password.
fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Puts `bytes` in a file's place: whoever reads it meets the old or the new, also after a power cut. The new file is its
/// owner's alone.
///
/// # Errors
/// The old file is still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_folder(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(bytes)?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    // The name is in the folder, and that is synced apart from the file.
    File::open(folder).and_then(|folder| folder.sync_all())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{
        super::{Environment, load_with},
        *,
    };

    fn feed(id: &str) -> ManagedFeed {
        ManagedFeed {
            id: id.parse().unwrap(),
            url: format!("https://example.org/{id}?a=${{HOME}}&b=\"$\"").parse().unwrap(),
            name: Some("\"Wire\"\\ $HOME ${NOPE}".into()),
            tags: vec!["wire".into(), "asia".into()],
            interval: Some(Duration::from_secs(90)),
            private: true,
        }
    }

    fn desk(config: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (config_path, data) = (folder.path().join("wirewatch.toml"), folder.path().join("data"));
        fs::write(&config_path, format!("[daemon]\ndata_dir = 'data'\n{config}")).unwrap();
        (folder, config_path, data)
    }

    #[test]
    fn what_is_added_is_read_as_it_was_meant() {
        let (_folder, config, data) = desk("[[feed]]\nid = 'own'\nurl = 'https://a.org'\n");
        add(&data, &[feed("one"), feed("two")]).unwrap();
        add(&data, &[feed("three")]).unwrap();
        let loaded = load_with(&config, &Environment::default());
        assert!(loaded.problems.iter().all(|problem| !problem.is_error()), "{:?}", loaded.problems);
        let feeds = loaded.settings.unwrap().feeds;
        let ids: Vec<_> = feeds.iter().map(|feed| (feed.id.as_str(), feed.origin.as_str())).collect();
        assert_eq!(ids, [("own", "config"), ("one", "managed"), ("two", "managed"), ("three", "managed")]);
        let (read, wrote) = (&feeds[1], feed("one"));
        assert_eq!(read.source, FeedSource::Http(wrote.url));
        assert_eq!(
            (&read.name, &read.tags, read.interval, read.private),
            (&wrote.name, &wrote.tags, wrote.interval, true)
        );
        assert!(matches!(add(&data, &[feed("two")]), Err(ManagedError::Taken { .. })));
        assert!(remove(&data, &"two".parse().unwrap()).unwrap());
        assert!(!remove(&data, &"two".parse().unwrap()).unwrap());
        let feeds = load_with(&config, &Environment::default()).settings.unwrap().feeds;
        assert_eq!(feeds.len(), 3);
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(file(&data)).unwrap().permissions()) & 0o77,
            0
        );
    }

    #[test]
    fn an_id_in_both_files_is_an_error_that_names_both_places() {
        let (_folder, config, data) = desk("\n[[feed]]\nid = 'own'\nurl = 'https://a.org'\n");
        add(&data, &[feed("one"), feed("own")]).unwrap();
        let loaded = load_with(&config, &Environment::default());
        let problem = loaded.problems.iter().find(|problem| problem.is_error()).unwrap();
        assert_eq!(problem.message, "there are two feeds with the id `own`");
        let place = problem.place.as_ref().unwrap();
        assert_eq!(place.origin, Origin::File(file(&data)));
        assert!(place.line().contains("own"), "{}", place.line());
        let help = problem.help.as_ref().unwrap();
        assert!(help.contains("wirewatch.toml:4"), "{help}");
        assert!(loaded.settings.is_none());
    }

    #[test]
    fn nothing_but_feeds_of_the_web_can_stand_there() {
        let (_folder, config, data) = desk("");
        fs::create_dir(&data).unwrap();
        let text = "[[feed]]\nid = 'a'\nurl = 'file:/etc/passwd'\n[[feed]]\nurl = 'https://a.org'\n\
                    [[sink]]\nid = 'x'\n[[feed]]\nid = 'b'\nurl = ['exec:sh', '-c', 'x']\n";
        fs::write(file(&data), text).unwrap();
        let problems = load_with(&config, &Environment::default()).problems;
        let said: Vec<_> = problems.iter().filter(|p| p.is_error()).map(|p| p.message.as_str()).collect();
        let expected = [
            "only http and https can stand here",
            "this feed has no `id`",
            "`sink` can't stand here",
            "only http and https can stand here",
        ];
        assert_eq!(said, expected);
        assert!(matches!(add(&data, &[feed("two")]), Err(ManagedError::Unreadable { .. })));
        assert!(fs::read_to_string(file(&data)).unwrap().contains("/etc/passwd"), "what is not ours is left alone");
    }

    #[test]
    fn commands_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::thread::scope(|scope| {
            for number in 0..8 {
                let data = &data;
                scope.spawn(move || add(data, &[feed(&format!("f{number}"))]).unwrap());
            }
        });
        let text = fs::read_to_string(file(&data)).unwrap();
        assert_eq!(text.matches("[[feed]]").count(), 8, "{text}");
    }
}

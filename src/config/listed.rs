//! Reads `[[opml]]`: lists of feeds that somebody else keeps, in a file or at an address.
//!
//! Of a list at an address the copy is read that the daemon has last fetched; nothing here touches the net.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read},
    path::Path,
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    feed::{self, Names},
    opml::{self, OPML_BYTES_MAX, Opml, OpmlFeed},
    problem::Problem,
    raw::Table,
    reader::Reader,
    settings::{FeedOrigin, FeedSettings, FeedSource, FullText, OpmlSettings},
};

/// The lists, and their feeds that no other place has. `known` are the feeds of those other places.
pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    tables: Vec<Table<'a>>,
    data_dir: &Path,
    known: &[&FeedSettings],
    names: &mut Names,
) -> (Vec<OpmlSettings>, Vec<FeedSettings>) {
    let mut lists = Vec::new();
    let mut seen: BTreeSet<Url> = known.iter().filter_map(|feed| web(&feed.source)).cloned().collect();
    let mut found: Vec<(usize, OpmlFeed)> = Vec::new();
    for table in tables {
        let Some((list, span)) = section(reader, table, data_dir) else { continue };
        let read = match document(&list) {
            Ok(Some(read)) => read,
            // Not fetched yet: the daemon does that when it starts.
            Ok(None) => Opml::default(),
            Err(why) => {
                reader.note(&span, Problem::error(format!("cannot read `{}`: {why}", list.shown())));
                continue;
            }
        };
        for note in &read.notes {
            reader.note(&span, Problem::warning(format!("{}, {note}", list.shown())));
        }
        let before = read.feeds.len();
        let new: Vec<OpmlFeed> = read.feeds.into_iter().filter(|feed| seen.insert(feed.url.clone())).collect();
        if new.len() < before {
            let message = format!("{} of its {before} feeds are already there, and count once", before - new.len());
            reader.note_of_the_whole(&span, Problem::warning(message));
        }
        found.extend(new.into_iter().map(|feed| (lists.len(), feed)));
        lists.push(list);
    }
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    for (_, feed) in &found {
        *asked.entry(opml::base_name(feed)).or_default() += 1;
    }
    let feeds = found.into_iter().filter_map(|(list, feed)| {
        let is_shared = asked.get(&opml::base_name(&feed)).is_some_and(|count| *count > 1);
        let id = opml::name_of(&feed, names, is_shared)?;
        let list = &lists[list];
        let mut tags = list.tags.clone();
        tags.extend(feed.tags.into_iter().filter(|tag| !list.tags.contains(tag)));
        tags.truncate(feed::TAGS_MAX);
        Some(FeedSettings {
            id,
            origin: FeedOrigin::Opml { list: list.shown() },
            source: FeedSource::Http(feed.url),
            name: feed.title,
            tags,
            interval: None,
            expect: None,
            headers: Vec::new(),
            user_agent: None,
            secret: false,
            private: false,
            full_text: FullText::Off,
            proxy: None,
        })
    });
    let feeds = feeds.collect();
    (lists, feeds)
}

fn web(source: &FeedSource) -> Option<&Url> {
    match source {
        FeedSource::Http(url) => Some(url),
        FeedSource::File(_) | FeedSource::Exec { .. } => None,
    }
}

/// One `[[opml]]`, and where it says what.
fn section<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    data_dir: &Path,
) -> Option<(OpmlSettings, std::ops::Range<usize>)> {
    let table = reader.known("opml", table);
    let tags = table.get("tags").map(|value| feed::tags(reader, value)).unwrap_or_default();
    let tags = tags.into_iter().map(|(tag, _)| tag).collect();
    match (table.get("path"), table.get("url")) {
        (Some(path), None) => {
            let file = reader.path(path)?;
            Some((OpmlSettings { file, url: None, tags }, path.span.clone()))
        }
        (None, Some(value)) => {
            let url = reader.url(value, &["https", "http"])?;
            Some((OpmlSettings { file: copy_of(&url, data_dir), url: Some(url), tags }, value.span.clone()))
        }
        (Some(_), Some(url)) => {
            let problem = Problem::error("a list is read from a `path` or from a `url`, not from both");
            reader.note(&url.key_span, problem.help("write a second `[[opml]]` for the other"));
            None
        }
        (None, None) if table.lacks("path") && table.lacks("url") => {
            let problem = Problem::error("this list has neither `path` nor `url`");
            reader.note_of_the_whole(&table.span, problem.help("add `path = \"feeds.opml\"`"));
            None
        }
        (None, None) => None,
    }
}

/// Where the copy of a list is kept.
fn copy_of(url: &Url, data_dir: &Path) -> std::path::PathBuf {
    let digest = Sha256::digest(url.as_str().as_bytes());
    data_dir.join("opml").join(format!("{}.opml", &HEXLOWER.encode(&digest)[..16]))
}

/// `None` where a copy is still to be fetched.
fn document(list: &OpmlSettings) -> Result<Option<Opml>, String> {
    let mut bytes = Vec::new();
    let read = File::open(&list.file).and_then(|file| file.take(OPML_BYTES_MAX + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if list.url.is_some() && error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
        Ok(_) => {}
    }
    let read = opml::read(&bytes).map_err(|error| error.to_string())?;
    // A copy was whole when it was fetched.
    if !read.is_whole && list.url.is_none() {
        return Err("it breaks off before its `</opml>`".to_owned());
    }
    Ok(Some(read))
}

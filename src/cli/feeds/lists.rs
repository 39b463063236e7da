//! `feeds import` and `feeds export`: OPML in and out.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
};

use serde_json::json;
use url::Url;

use super::{
    find::{check_tags, fetcher},
    refuse,
};
use crate::{
    alert::text::safe,
    cli::{Context, Exit, args::ImportArguments, printed, run::runtime, setup},
    config::{
        FeedId, FeedSettings, FeedSource, Settings,
        managed::{self, ManagedFeed},
        opml::{self, OPML_BYTES_MAX, Opml},
        shown_url,
    },
    daemon::poll::chain,
    fetch::{Answer, FetchError, FetchRequest},
};

/// Adds the feeds of a list that are not there yet.
pub fn import(context: &Context, arguments: &ImportArguments) -> Exit {
    let (settings, _) = match setup::settings(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    if let Err(message) = check_tags(&arguments.tags) {
        return refuse(&message);
    }
    let list = bytes_of(&settings, &arguments.source)
        .and_then(|bytes| opml::read(&bytes).map_err(|error| format!("{}: {error}", arguments.source)));
    let list = match list {
        Ok(list) => list,
        Err(message) => return failed(&message),
    };
    for note in &list.notes {
        eprintln!("left out: {}", safe(note));
    }
    let Sorted { new, known } = sorted(&settings, list, &arguments.tags);
    if let Err(error) = managed::add(&settings.daemon.data_dir, &new) {
        return failed(&format!("{}; nothing is added", chain(&error)));
    }
    let mut text = String::new();
    for feed in &new {
        let shown = shown_url(&feed.url, false);
        text.push_str(&match context.output.json {
            true => format!(
                "{}\n",
                json!({"id": feed.id, "url": shown, "name": feed.name, "tags": feed.tags, "status": "added"})
            ),
            false => format!("added {}  {shown}\n", feed.id),
        });
    }
    for (id, url) in &known {
        let shown = shown_url(url, false);
        text.push_str(&match context.output.json {
            true => format!("{}\n", json!({"id": id, "url": shown, "status": "known"})),
            false => format!("there already, as {id}  {shown}\n"),
        });
    }
    let exit = printed(&text);
    let file = managed::file(&settings.daemon.data_dir);
    eprintln!("{} added to {}, {} there already", setup::plural(new.len(), "feed"), file.display(), known.len());
    exit
}

/// The feeds of a list.
struct Sorted {
    new: Vec<ManagedFeed>,
    known: Vec<(FeedId, Url)>,
}

fn sorted(settings: &Settings, list: Opml, tags: &[String]) -> Sorted {
    let by_url: BTreeMap<&Url, &FeedId> = settings
        .feeds
        .iter()
        .filter_map(|feed| match &feed.source {
            FeedSource::Http(url) => Some((url, &feed.id)),
            FeedSource::File(_) | FeedSource::Exec { .. } => None,
        })
        .collect();
    let (known, new): (Vec<_>, Vec<_>) = list.feeds.into_iter().partition(|feed| by_url.contains_key(&feed.url));
    let known = known.into_iter().filter_map(|feed| Some(((*by_url.get(&feed.url)?).clone(), feed.url))).collect();
    let names = opml::names(&new, settings.feeds.iter().map(|feed| &feed.id));
    let new = new.into_iter().zip(names).filter_map(|(feed, id)| {
        let mut all = tags.to_vec();
        all.extend(feed.tags.into_iter().filter(|tag| !tags.contains(tag)));
        Some(ManagedFeed { id: id?, url: feed.url, name: feed.title, tags: all, interval: None, private: false })
    });
    Sorted { new: new.collect(), known }
}

fn bytes_of(settings: &Settings, source: &str) -> Result<Vec<u8>, String> {
    if source.starts_with("http://") || source.starts_with("https://") {
        return fetched(settings, source);
    }
    let mut bytes = Vec::new();
    let read = match source {
        "-" => io::stdin().lock().take(OPML_BYTES_MAX + 1).read_to_end(&mut bytes),
        path => File::open(path).and_then(|file| file.take(OPML_BYTES_MAX + 1).read_to_end(&mut bytes)),
    };
    read.map(|_| bytes).map_err(|error| format!("{source} can't be read: {error}"))
}

/// An address that a person has typed may be private.
fn fetched(settings: &Settings, written: &str) -> Result<Vec<u8>, String> {
    let url = opml::web_address(written).map_err(|why| format!("`{written}`: {why}"))?;
    let shown = shown_url(&url, false);
    let runtime = runtime().ok_or("the runtime could not start")?;
    let source = FeedSource::Http(url);
    let answer = runtime.block_on(async {
        let fetcher = fetcher(settings)?;
        match fetcher.fetch(&FetchRequest::new(&source)).await {
            Err(FetchError::PrivateAddress { .. }) => {
                fetcher.fetch(&FetchRequest { private: true, ..FetchRequest::new(&source) }).await
            }
            other => other,
        }
    });
    match answer {
        Ok(Answer::Document { body, .. }) => Ok(body.to_vec()),
        Ok(Answer::NotNow { status, .. }) => {
            Err(format!("{shown} answered {status}: it asks to be left alone for now"))
        }
        Ok(Answer::Gone) => Err(format!("{shown} answered 410: it is gone for good")),
        Ok(Answer::NotModified { .. }) => Err(format!("{shown} answered 304 to a first question")),
        Err(error) => Err(format!("{shown}: {}", chain(&error))),
    }
}

/// Prints every feed as OPML: folders from tags, secrets covered.
pub fn export(context: &Context) -> Exit {
    let (settings, _) = match setup::settings(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let (text, left_out) = opml::write(&settings.feeds);
    if left_out > 0 {
        let feeds = setup::plural(left_out, "feed");
        eprintln!("left out: {feeds} that are files or commands of this machine");
    }
    let is_listed = |feed: &&FeedSettings| matches!(feed.source, FeedSource::Http(_));
    let covered = settings.feeds.iter().filter(is_listed).filter(|feed| feed.shown_url().contains("***")).count();
    if covered > 0 {
        let feeds = setup::plural(covered, "feed");
        eprintln!("covered: {feeds} with secrets in the address, which stand as `***` and can't be read back");
    }
    printed(&text)
}

fn failed(message: &str) -> Exit {
    eprintln!("error: {}", safe(message));
    Exit::Failed
}

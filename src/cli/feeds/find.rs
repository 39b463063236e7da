//! `feeds discover` and `feeds add`: the feeds of an address, and one of them for the daemon.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use url::Url;

use super::{place_of, refuse};
use crate::{
    alert::text::safe,
    cli::{
        Context, Exit,
        args::{AddArguments, DiscoverArguments},
        printed,
        run::runtime,
        setup,
    },
    clock::Clock,
    config::{
        FeedId, FeedSource, INTERVAL_MAX, INTERVAL_MIN, Settings,
        managed::{self, ManagedFeed},
        opml::web_address,
        shown_url,
        value::{format_duration, parse_duration},
    },
    daemon::{
        discover::{Discovery, Found, discover},
        poll::chain,
    },
    fetch::{FetchError, FetchLimits, Fetcher},
};

/// Prints the feeds of an address; exit 1 where there are none.
pub fn discover_feeds(context: &Context, arguments: &DiscoverArguments) -> Exit {
    let (settings, _) = match setup::settings_or_default(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let url = match typed(&arguments.url) {
        Ok(url) => url,
        Err(message) => return refuse(&message),
    };
    let discovery = match searched(&settings, &url) {
        Ok(discovery) => discovery,
        Err(message) => return failed(&message),
    };
    tell_refused(&discovery);
    if discovery.found.is_empty() {
        return failed(&format!("{} leads to no feed", shown_url(&url, false)));
    }
    print_found(context, &settings, &discovery.found)
}

/// Adds the feed of an address; where it has several, lists them.
pub fn add(context: &Context, arguments: &AddArguments) -> Exit {
    let (settings, _) = match setup::settings(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let wanted = match Wanted::read(&settings, arguments) {
        Ok(wanted) => wanted,
        Err(message) => return refuse(&message),
    };
    let discovery = match searched(&settings, &wanted.url) {
        Ok(discovery) => discovery,
        Err(message) => return failed(&format!("{message}; nothing is added")),
    };
    let has_news = discovery.found.iter().any(|found| !found.is_comments);
    let found: Vec<&Found> = discovery.found.iter().filter(|found| !has_news || !found.is_comments).collect();
    let [found] = found[..] else {
        tell_refused(&discovery);
        let shown = shown_url(&wanted.url, false);
        if found.is_empty() {
            return failed(&format!("{shown} is no feed and leads to none; nothing is added"));
        }
        print_found(context, &settings, &discovery.found);
        return failed(&format!("{shown} leads to several feeds: add the one that you want by its address"));
    };
    if let Some(known) = known(&settings, &found.url) {
        return refuse(&known);
    }
    let ids = settings.feeds.iter().map(|feed| &feed.id);
    let Some(id) = wanted.id.or_else(|| managed::free_name(&found.url, ids)) else {
        return refuse("no name is free for this feed: give it one with `--id`");
    };
    let feed = ManagedFeed {
        id,
        url: found.url.clone(),
        name: arguments.name.clone(),
        tags: arguments.tags.clone(),
        interval: wanted.interval,
        private: found.private,
    };
    if let Err(error) = managed::add(&settings.daemon.data_dir, std::slice::from_ref(&feed)) {
        return failed(&chain(&error));
    }
    if found.private {
        eprintln!("note: its host has a private address, which is allowed for this feed because you have typed it");
    }
    let file = managed::file(&settings.daemon.data_dir);
    let text = match context.output.json {
        true => {
            let mut line = line(found);
            line["url"] = json!(shown_url(&found.url, false));
            line["id"] = json!(feed.id);
            line["file"] = json!(file);
            format!("{line}\n")
        }
        false => format!(
            "added {} to {}: a running daemon polls it within a second\n{}",
            feed.id,
            file.display(),
            block(found, &shown_url(&found.url, false), &settings)
        ),
    };
    printed(&text)
}

/// What a command line asks for, checked.
struct Wanted {
    url: Url,
    id: Option<FeedId>,
    interval: Option<std::time::Duration>,
}

impl Wanted {
    fn read(settings: &Settings, arguments: &AddArguments) -> Result<Self, String> {
        let url = typed(&arguments.url)?;
        if let Some(known) = known(settings, &url) {
            return Err(known);
        }
        let id: Option<FeedId> = match &arguments.id {
            Some(id) => Some(id.parse().map_err(|error| format!("`{id}`: {error}"))?),
            None => None,
        };
        if let Some(taken) = settings.feeds.iter().find(|feed| Some(&feed.id) == id.as_ref()) {
            return Err(format!("there is a feed `{}` already, {}", taken.id, place_of(settings, taken)));
        }
        check_tags(&arguments.tags)?;
        if let Some(name) = &arguments.name
            && (name.trim().is_empty() || name.chars().any(char::is_control) || name.chars().count() > 300)
        {
            return Err("a name is one line of at most 300 characters".to_owned());
        }
        let interval = match &arguments.interval {
            Some(written) => Some(parse_duration(written).map_err(|error| format!("`--interval`: {error}"))?),
            None => None,
        };
        if interval.is_some_and(|interval| !(INTERVAL_MIN..=INTERVAL_MAX).contains(&interval)) {
            let (least, most) = (format_duration(INTERVAL_MIN), format_duration(INTERVAL_MAX));
            return Err(format!("`--interval` is from {least} to {most}"));
        }
        Ok(Self { url, id, interval })
    }
}

/// Whether all are tags.
pub(super) fn check_tags(tags: &[String]) -> Result<(), String> {
    tags.iter().try_for_each(|tag| match tag.parse::<FeedId>() {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("`--tag {tag}`: {}", error.to_string().replace("an id", "a tag"))),
    })
}

/// An address as people type it: without its scheme too.
pub(super) fn typed(written: &str) -> Result<Url, String> {
    let written = written.trim();
    let has_scheme = written.contains("://") || ["file:", "exec:", "feed:"].iter().any(|s| written.starts_with(s));
    let whole = if has_scheme { written.to_owned() } else { format!("https://{written}") };
    web_address(&whole).map_err(|why| format!("`{written}`: {why}"))
}

/// What asks for addresses that a person has typed, by the config's rules.
pub(super) fn fetcher(settings: &Settings) -> Result<Fetcher, FetchError> {
    let daemon = &settings.daemon;
    let limits = FetchLimits::default();
    Fetcher::new(daemon.contact.as_deref(), &daemon.proxy, daemon.allow_private_networks, limits)
}

/// Looks for feeds. A private address is allowed on the host that was typed, and only where it has one: a feed that needs
/// no such right gets none.
fn searched(settings: &Settings, url: &Url) -> Result<Discovery, String> {
    let runtime = runtime().ok_or("the runtime could not start")?;
    let now = Clock::system().now();
    let found = runtime.block_on(async {
        let fetcher = fetcher(settings)?;
        match discover(&fetcher, url, false, now).await {
            Err(FetchError::PrivateAddress { .. } | FetchError::ProxyItself { .. }) => {
                discover(&fetcher, url, true, now).await
            }
            other => other,
        }
    });
    found.map_err(|error| format!("{}: {}", shown_url(url, false), chain(&error)))
}

fn tell_refused(discovery: &Discovery) {
    for (address, why) in &discovery.refused {
        eprintln!("left out: {}: {}", safe(address), safe(why));
    }
}

fn print_found(context: &Context, settings: &Settings, found: &[Found]) -> Exit {
    let text: String = found
        .iter()
        .map(|found| {
            if context.output.json {
                format!("{}\n", line(found))
            } else {
                // Whole: what is found is there to be added.
                block(found, found.url.as_str(), settings)
            }
        })
        .collect();
    printed(&text)
}

fn line(found: &Found) -> Value {
    json!({
        "url": found.url,
        "title": found.title,
        "format": found.format,
        "entries": found.entries,
        "newest": found.newest.map(wire),
        "found_by": found.by.as_str(),
    })
}

fn wire(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn block(found: &Found, url: &str, settings: &Settings) -> String {
    let format = serde_json::to_value(found.format).ok();
    let format = format.as_ref().and_then(Value::as_str).unwrap_or("of unknown form").to_owned();
    let newest = found.newest.map_or("no dates".to_owned(), |newest| {
        format!("newest {}", newest.with_timezone(&settings.daemon.timezone).format("%-d %b %Y %H:%M"))
    });
    let title = found.title.as_deref().unwrap_or("without a title");
    let entries = match found.entries {
        1 => "1 entry".to_owned(),
        n => format!("{n} entries"),
    };
    format!("{}\n         {} · {format} · {entries}, {newest}\n", safe(url), safe(title))
}

fn failed(message: &str) -> Exit {
    eprintln!("error: {}", safe(message));
    Exit::Failed
}

/// Which feed has this address already, in words.
fn known(settings: &Settings, url: &Url) -> Option<String> {
    let same = settings.feeds.iter().find(|feed| matches!(&feed.source, FeedSource::Http(own) if own == url))?;
    Some(format!("{} is polled already, as `{}`, {}", same.shown_url(), same.id, place_of(settings, same)))
}

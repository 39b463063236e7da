//! `match`: articles in, alerts out. No daemon, no store.

use std::io::Read;

use chrono::{DateTime, Utc};

use super::{
    Context, Exit,
    args::MatchArguments,
    input::{self, Inputs},
    output, setup,
};
use crate::{
    alert::{AlertBody, text},
    article::{Article, segment::TEXT_BYTES_MAX},
    clock::Clock,
    config::{Confidence, QuerySource, Settings, Severity, WatchId, WatchSettings},
    watch::{found::NearMiss, pack::Packs},
};

/// Largest input: a day's articles of a busy desk.
const INPUT_BYTES_MAX: u64 = 1 << 30;

/// Runs every article of every file through the watches, in input order.
pub fn run(context: &Context, arguments: &MatchArguments) -> Exit {
    let (settings, problems) = match setup::settings_or_default(context) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    if arguments.files.iter().filter(|file| *file == "-").count() > 1 {
        eprintln!("error: standard input can be read only once, so `-` stands once among the files");
        return Exit::Usage;
    }
    let watches = match chosen(&settings, &arguments.watches, &arguments.queries) {
        Ok(watches) => watches,
        Err(message) => {
            eprintln!("error: {message}");
            return Exit::Usage;
        }
    };
    let watching = match setup::compile(context, &settings, watches, problems) {
        Ok(watching) => watching,
        Err(exit) => return exit,
    };
    // Read once, so that one run asks of every article the same.
    let now = Clock::system().now();
    each_article(context, &settings, &arguments.files, now, |article| {
        let judged = watching.judge(article, &article.key(), now, None);
        let undecided: Vec<&str> = judged.undecided.iter().map(|watch| watch.id.as_str()).collect();
        say_what_is_unknown(article, &undecided, judged.cut);
        // What is not sure enough to be sent is no alert here.
        for (_, watch, body) in &judged.alerts {
            if !watch.min_confidence.allows(body.confidence) && arguments.near {
                let name = text::safe(if article.title.trim().is_empty() { &article.id.value } else { &article.title });
                eprintln!(
                    "`{}` matches “{name}” with confidence {:.2}, below its min_confidence",
                    watch.id, body.confidence
                );
            }
        }
        let sure = judged.alerts.into_iter().filter(|(_, watch, body)| watch.min_confidence.allows(body.confidence));
        let alerts = sure.map(|(_, _, mut body)| {
            // The feed is what the article says of itself: it is matched on, and not vouched for.
            body.article.feed = None;
            body
        });
        let alerts: Vec<AlertBody> = alerts.collect();
        let near = if arguments.near { watching.near(article) } else { Vec::new() };
        if arguments.matched && alerts.is_empty() && near.is_empty() {
            return Ok(());
        }
        if context.output.json {
            output::print(&line(article, &alerts, &undecided, &near)?)
        } else {
            output::print(&block(context, &settings, article, &alerts, &near))
        }
    })
}

/// Warns of what an answer does not say.
pub(super) fn say_what_is_unknown(article: &Article, undecided: &[&str], cut: bool) {
    let name = text::safe(if article.title.trim().is_empty() { &article.id.value } else { &article.title });
    for watch in undecided {
        eprintln!("warning: `{watch}` ran out of steps on “{name}”: nobody knows whether it matches");
    }
    if cut {
        eprintln!("warning: “{name}” is longer than {} KiB: its rest was not searched", TEXT_BYTES_MAX >> 10);
    }
}

/// Reads every article of every file, in order, and hands it on; what cannot be read is told and fails the command.
pub(super) fn each_article(
    context: &Context,
    settings: &Settings,
    files: &[String],
    now: DateTime<Utc>,
    mut see: impl FnMut(&Article) -> std::io::Result<()>,
) -> Exit {
    let mut exit = Exit::Done;
    for file in files {
        let bytes = match read(file) {
            Ok(bytes) => bytes,
            Err(error) => {
                eprintln!("error: {file} can't be read: {error}");
                exit = Exit::Failed;
                continue;
            }
        };
        let Inputs { mut articles, problems, notes } = input::read(file, &bytes, now);
        for note in notes {
            eprintln!("note: {}", text::safe(&note));
        }
        if problems.iter().any(crate::config::Problem::is_error) {
            exit = Exit::Failed;
        }
        setup::show(context, &problems);
        for article in &mut articles {
            if let Some(feed) = &mut article.feed {
                feed.tags = settings.feeds.iter().find(|f| f.id == feed.id).map(|f| f.tags.clone()).unwrap_or_default();
            }
            if see(article).is_err() {
                return Exit::Failed;
            }
        }
    }
    exit
}

/// Which watches run: with `--query` or `--watch` exactly those, else all of the config.
pub(super) fn chosen(
    settings: &Settings,
    watches: &[String],
    queries: &[String],
) -> Result<Vec<WatchSettings>, String> {
    if watches.is_empty() && queries.is_empty() {
        return Ok(settings.watches.clone());
    }
    let mut chosen = Vec::new();
    for (index, name) in watches.iter().enumerate() {
        // Named twice it is still one watch.
        if !watches[..index].contains(name) {
            chosen.push(setup::watch(settings, name)?.clone());
        }
    }
    for (index, query) in queries.iter().enumerate() {
        let id = format!("query-{}", index + 1);
        let id: WatchId = id.parse().map_err(|error| format!("{id}: {error}"))?;
        if watches.iter().any(|name| name == id.as_str()) {
            return Err(format!("`{id}` is a watch of the config and the name of a --query: ask for one at a time"));
        }
        chosen.push(WatchSettings {
            query: QuerySource::standalone(id.as_str(), query.as_str()),
            id,
            name: query.clone(),
            severity: Severity::default(),
            feeds: Vec::new(),
            sinks: Vec::new(),
            min_confidence: Confidence::default(),
        });
    }
    Ok(chosen)
}

/// A file's bytes, or standard input's for `-`.
pub(super) fn read(file: &str) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == "-" {
        std::io::stdin().lock().take(INPUT_BYTES_MAX).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(file)?.take(INPUT_BYTES_MAX).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// One line of NDJSON; its keys stand in this order.
#[derive(serde::Serialize)]
struct Line<'a> {
    article: LineArticle<'a>,
    alerts: &'a [AlertBody],
    /// Watches that ran out of steps.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    undecided: &'a [&'a str],
    /// What fell just short of a topic; where it is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    near: Vec<LineNear<'a>>,
}

#[derive(serde::Serialize)]
struct LineNear<'a> {
    #[serde(flatten)]
    miss: &'a NearMiss,
    evidence: &'a str,
}

#[derive(serde::Serialize)]
struct LineArticle<'a> {
    id: &'a str,
    title: &'a str,
    url: Option<&'a str>,
}

fn line(
    article: &Article,
    alerts: &[AlertBody],
    undecided: &[&str],
    near: &[(NearMiss, String)],
) -> Result<String, serde_json::Error> {
    let article = LineArticle { id: &article.id.value, title: &article.title, url: article.url.as_deref() };
    let near = near.iter().map(|(miss, evidence)| LineNear { miss, evidence }).collect();
    Ok(serde_json::to_string(&Line { article, alerts, undecided, near })? + "\n")
}

fn block(
    context: &Context,
    settings: &Settings,
    article: &Article,
    alerts: &[AlertBody],
    near: &[(NearMiss, String)],
) -> String {
    let nearly: String = near
        .iter()
        .map(|(miss, evidence)| {
            format!("nearly {}: {} “{}”\n", miss.topic, text::safe(&miss.lacks), text::safe(evidence))
        })
        .collect();
    if alerts.is_empty() {
        let name = if article.title.trim().is_empty() { &article.id.value } else { &article.title };
        return format!("no alert  {}\n{nearly}\n", text::safe(name));
    }
    let style = text::TextStyle {
        now: chrono::Utc::now(),
        timezone: settings.daemon.timezone,
        color: context.output.color,
        party_name: Packs::english_name,
    };
    text::render(alerts, &style) + &nearly + "\n"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn keys_of_a_line_stand_as_the_contract_writes_them() {
        let Inputs { articles, .. } =
            input::read("a.jsonl", br#"{"id": "a1", "title": "Title", "text": "Text."}"#, chrono::Utc::now());
        let line = line(&articles[0], &[], &[], &[]).unwrap();
        assert_eq!(line, "{\"article\":{\"id\":\"a1\",\"title\":\"Title\",\"url\":null},\"alerts\":[]}\n");
    }
}

//! `parse`: a feed document as normalised articles, the form that contract §1 fixes.

use chrono::{DateTime, Utc};
use serde::Serialize;
use url::Url;

use super::{Context, Exit, args::ParseArguments, matching, output};
use crate::{
    alert::text::safe,
    article::{self, Article, IdKind, Lang},
    clock::Clock,
    config::{FeedSource, Proxy},
    daemon::poll::chain,
    feed::{self, Enclosure, Feed, FeedAbout, entry::whole_seconds},
    fetch::{Answer, FetchLimits, FetchRequest, Fetcher},
};

/// Reads the document and prints its articles.
pub fn run(context: &Context, arguments: &ParseArguments) -> Exit {
    let document = match place(&arguments.source) {
        Ok(Place::Web(url)) => fetched(url),
        Ok(Place::File(file)) => matching::read(&file)
            .map(|bytes| (bytes.into(), None, None))
            .map_err(|error| format!("{} can't be read: {error}", arguments.source)),
        Err(message) => {
            eprintln!("error: {message}");
            return Exit::Usage;
        }
    };
    let read = document.and_then(|(bytes, content_type, url): Document| {
        let base = arguments.base.clone().or(url);
        let content_type = arguments.content_type.clone().or(content_type);
        feed::parse(&bytes, base.as_ref(), content_type.as_deref())
            .map_err(|error| format!("{}: {error}", arguments.source))
    });
    let feed = match read {
        Ok(mut feed) => {
            feed.forget_times_ahead(Clock::system().now());
            feed
        }
        Err(message) => {
            eprintln!("error: {}", safe(&message));
            return Exit::Failed;
        }
    };
    for note in &feed.notes {
        eprintln!("note: {}", safe(note));
    }
    let text =
        if context.output.json { lines(&feed, arguments.feed).map(|line| line + "\n").collect() } else { text(&feed) };
    match output::print(&text) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Failed,
    }
}

/// Where a document is.
enum Place {
    Web(Url),
    /// A path, or `-`.
    File(String),
}

/// What was typed: a path, `file:` and one, or an address. A name with a colon in it is a path.
fn place(source: &str) -> Result<Place, String> {
    let refused = |why: &str| Err(format!("`{source}` {why}: `parse` takes http and https addresses, and paths"));
    let Ok(url) = Url::parse(source) else { return Ok(Place::File(source.to_owned())) };
    match (url.scheme(), source.split_once(':')) {
        ("http" | "https", _) => Ok(Place::Web(url)),
        ("file", Some((_, path))) if path.starts_with("//") => {
            match url.to_file_path().ok().and_then(|path| path.into_os_string().into_string().ok()) {
                Some(path) => Ok(Place::File(path)),
                None => refused("names no file of this machine"),
            }
        }
        ("file", Some((_, path))) => Ok(Place::File(path.to_owned())),
        (scheme, Some((_, rest))) if rest.starts_with("//") => refused(&format!("begins with `{scheme}:`")),
        _ => Ok(Place::File(source.to_owned())),
    }
}

type Document = (bytes::Bytes, Option<String>, Option<Url>);

/// Addresses typed on the command line may be loopback or private.
fn fetched(url: Url) -> Result<Document, String> {
    let shown = crate::config::shown_url(&url, false);
    let runtime = super::run::runtime().ok_or("the runtime could not start")?;
    let answer = runtime.block_on(async {
        let fetcher = Fetcher::new(None, &Proxy::Environment, true, FetchLimits::default())?;
        let source = FeedSource::Http(url);
        fetcher.fetch(&FetchRequest::new(&source)).await
    });
    match answer {
        Ok(Answer::Document { body, content_type, url, .. }) => Ok((body, content_type, Some(url))),
        Ok(Answer::NotModified { .. }) => Err(format!("{shown} answered 304 to a request without validators")),
        Ok(Answer::NotNow { status, .. }) => {
            Err(format!("{shown} answered {status}: it asks to be left alone for now"))
        }
        Ok(Answer::Gone) => Err(format!("{shown} answered 410: it is gone for good")),
        Err(error) => Err(format!("{shown}: {}", chain(&error))),
    }
}

/// One article on one NDJSON line.
#[derive(Serialize)]
struct ArticleLine<'a> {
    id: &'a str,
    id_kind: IdKind,
    url: Option<&'a str>,
    title: Option<&'a str>,
    #[serde(serialize_with = "whole_seconds")]
    published: Option<DateTime<Utc>>,
    #[serde(serialize_with = "whole_seconds")]
    updated: Option<DateTime<Utc>>,
    authors: &'a [String],
    categories: &'a [String],
    language: Option<Lang>,
    summary: Option<&'a str>,
    content: Option<String>,
    text: &'a str,
    enclosures: &'a [Enclosure],
    feed: FeedName<'a>,
}

#[derive(Serialize)]
struct FeedName<'a> {
    title: Option<&'a str>,
    url: Option<&'a str>,
}

#[derive(Serialize)]
struct FeedLine<'a> {
    feed: &'a FeedAbout,
}

/// NDJSON: one line an article, the feed's own line first where asked for.
pub fn lines(feed: &Feed, with_feed_line: bool) -> impl Iterator<Item = String> {
    let head = with_feed_line.then(|| json(&FeedLine { feed: &feed.about }));
    head.into_iter().chain(feed.entries.iter().map(|entry| {
        // The feed's own id, also where several entries share it: telling them apart is the daemon's business.
        let article = article::from_entry(entry, None, feed.about.language.as_deref());
        json(&line(&article, &feed.about))
    }))
}

fn line<'a>(article: &'a Article, about: &'a FeedAbout) -> ArticleLine<'a> {
    let base = article.url.as_deref().or(about.url.as_deref());
    ArticleLine {
        id: &article.id.value,
        id_kind: article.id.kind,
        url: article.url.as_deref(),
        title: (!article.title.is_empty()).then_some(&article.title),
        published: article.published,
        updated: article.updated,
        authors: &article.authors,
        categories: &article.categories,
        language: article.lang,
        summary: article.summary.as_deref(),
        content: article.content.as_ref().map(|content| content.sanitised(base)),
        text: &article.text,
        enclosures: &article.enclosures,
        feed: FeedName { title: about.title.as_deref(), url: about.url.as_deref() },
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings, numbers and lists always serialise")
}

/// For people: the feed, then each article with its date, address and the beginning of its text.
pub fn text(feed: &Feed) -> String {
    const LEAD_CHARS: usize = 200;
    let or_dash = |text: &Option<String>| text.as_deref().map_or_else(|| "–".to_owned(), safe);
    let entries =
        if feed.entries.len() == 1 { "1 entry".to_owned() } else { format!("{} entries", feed.entries.len()) };
    let mut out = format!("{}\n{}\n{}\n", or_dash(&feed.about.title), or_dash(&feed.about.site_url), entries);
    for entry in &feed.entries {
        let article = article::from_entry(entry, None, feed.about.language.as_deref());
        let date = article
            .published
            .or(article.updated)
            .map_or("undated".to_owned(), |t| t.format("%Y-%m-%d %H:%M").to_string());
        let lang = article.lang.map_or(String::new(), |lang| format!(" [{lang}]"));
        let title = if article.title.is_empty() { "(no title)".to_owned() } else { safe(&article.title) };
        out.push_str(&format!("\n{date}  {title}{lang}\n"));
        let lead = safe(&article::html::one_line(&article.text));
        if !lead.is_empty() {
            let end = lead.char_indices().nth(LEAD_CHARS).map(|(at, _)| at);
            let cut =
                end.map_or(lead.as_str(), |end| lead[..end].rsplit_once(' ').map_or(&lead[..end], |(head, _)| head));
            out.push_str(&format!("  {cut}{}\n", if end.is_some() { " …" } else { "" }));
        }
        if let Some(url) = &article.url {
            out.push_str(&format!("  {}\n", safe(url)));
        }
    }
    out
}

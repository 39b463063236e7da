//! `parse`: a feed document as normalised articles.

use serde_json::{Value, json};
use url::Url;

use super::{Context, Exit, args::ParseArguments, matching, output};
use crate::{
    alert::{body::wire_time, text::safe},
    article::{Article, from_entry, html, identity},
    config::{FeedSource, Proxy},
    daemon::poll::chain,
    feed::{self, entry::Feed},
    fetch::{Answer, FetchLimits, FetchRequest, Fetcher},
};

/// Reads the document and prints its articles.
pub fn run(context: &Context, arguments: &ParseArguments) -> Exit {
    let document = match Url::parse(&arguments.source) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => fetched(url),
        _ => matching::read(&arguments.source)
            .map(|bytes| (bytes.into(), None, None))
            .map_err(|error| format!("{} can't be read: {error}", arguments.source)),
    };
    let read = document.and_then(|(bytes, content_type, url): Document| {
        let base = arguments.base.clone().or(url);
        let content_type = arguments.content_type.clone().or(content_type);
        feed::parse(&bytes, base.as_ref(), content_type.as_deref())
            .map_err(|error| format!("{}: {error}", arguments.source))
    });
    let feed = match read {
        Ok(feed) => feed,
        Err(message) => {
            eprintln!("error: {message}");
            return Exit::Failed;
        }
    };
    for note in &feed.notes {
        eprintln!("note: {note}");
    }
    let text = if context.output.json { lines(&feed, arguments.feed) } else { blocks(&feed, arguments.feed) };
    match output::print(&text) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Failed,
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

/// NDJSON: the feed's own line first if asked for, then one for each article.
fn lines(feed: &Feed, with_feed: bool) -> String {
    let mut text = String::new();
    if with_feed {
        text.push_str(&json!({ "feed": feed.about }).to_string());
        text.push('\n');
    }
    for (article, content) in articles(feed) {
        text.push_str(&line(feed, &article, content).to_string());
        text.push('\n');
    }
    text
}

fn articles(feed: &Feed) -> impl Iterator<Item = (Article, Option<String>)> {
    feed.entries.iter().zip(identity::ids(&feed.entries)).map(|(entry, id)| {
        let article = Article { id, ..from_entry(entry, None, feed.about.language.as_deref()) };
        let content = entry
            .content
            .as_ref()
            .map(|markup| if markup.is_html { html::sanitise(&markup.text) } else { html::escape(&markup.text) });
        (article, content)
    })
}

fn line(feed: &Feed, article: &Article, content: Option<String>) -> Value {
    json!({
        "id": article.id.value,
        "id_kind": article.id.kind,
        "url": article.url,
        "title": article.title,
        "published": article.published.map(wire_time),
        "updated": article.updated.map(wire_time),
        "authors": article.authors,
        "categories": article.categories,
        "language": article.lang,
        "summary": article.summary,
        "content": content,
        "text": article.text,
        "enclosures": article.enclosures,
        "feed": {"title": feed.about.title, "url": feed.about.url},
    })
}

fn blocks(feed: &Feed, with_feed: bool) -> String {
    let mut text = String::new();
    if with_feed {
        let title = feed.about.title.as_deref().unwrap_or("(no title)");
        text.push_str(&format!("{}: {} articles\n\n", safe(title), feed.entries.len()));
    }
    for (article, _) in articles(feed) {
        let title = if article.title.is_empty() { "(no title)" } else { &article.title };
        text.push_str(&format!("{}\n", safe(title)));
        let published = article.published.map_or("no date".to_owned(), wire_time);
        let lang = article.lang.map_or("unknown language".to_owned(), |l| l.to_string());
        text.push_str(&format!("{published} · {lang} · {} words\n", article.words()));
        if let Some(url) = &article.url {
            text.push_str(&format!("{}\n", safe(url)));
        }
        text.push('\n');
    }
    text
}

//! Articles in: what `match` reads, whatever it is.

use serde::Deserialize;
use url::Url;

use crate::{
    article::{Article, TextSource, from_entry, html},
    config::{Origin, Place, Problem},
    feed::{
        self,
        entry::{Entry, Markup},
    },
};

/// A line of NDJSON is read up to here.
const LINE_BYTES_MAX: usize = 8 << 20;

/// What was read.
#[derive(Debug, Default)]
pub struct Inputs {
    /// In input order.
    pub articles: Vec<Article>,
    /// Lines that could not be read, each with its number.
    pub problems: Vec<Problem>,
}

/// An article as a line of JSON gives it. Unknown fields are ignored.
#[derive(Debug, Deserialize)]
struct Line {
    id: Option<String>,
    title: Option<String>,
    text: Option<String>,
    summary: Option<String>,
    content: Option<String>,
    url: Option<String>,
    published: Option<String>,
    lang: Option<String>,
    author: Option<String>,
    #[serde(default)]
    categories: Vec<String>,
}

/// Reads articles: by the name's ending, or for `-` and others by what the bytes look like.
pub fn read(name: &str, bytes: &[u8]) -> Inputs {
    let ending = name.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
    match ending.as_str() {
        "jsonl" | "ndjson" => lines(name, bytes),
        "txt" => one(text_article(name, &String::from_utf8_lossy(bytes))),
        "html" | "htm" => one(html_article(name, &String::from_utf8_lossy(bytes))),
        "xml" | "rss" | "atom" | "rdf" => document(name, bytes),
        _ => sniffed(name, bytes),
    }
}

fn one(article: Article) -> Inputs {
    Inputs { articles: vec![article], problems: Vec::new() }
}

fn sniffed(name: &str, bytes: &[u8]) -> Inputs {
    let text = String::from_utf8_lossy(bytes);
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let lower: String = start.chars().take(400).collect::<String>().to_ascii_lowercase();
    if start.starts_with('{') {
        let is_feed = serde_json::from_str::<serde_json::Value>(start).is_ok_and(|value| value.get("items").is_some());
        return if is_feed { document(name, bytes) } else { lines(name, bytes) };
    }
    if lower.contains("<html") || lower.starts_with("<!doctype html") {
        return one(html_article(name, start));
    }
    if start.starts_with('<') {
        return document(name, bytes);
    }
    one(text_article(name, start))
}

fn document(name: &str, bytes: &[u8]) -> Inputs {
    match feed::parse(bytes, None, None) {
        Ok(feed) => {
            let language = feed.about.language.as_deref();
            let ids = crate::article::identity::ids(&feed.entries);
            let articles =
                feed.entries.iter().zip(ids).map(|(entry, id)| Article { id, ..from_entry(entry, None, language) });
            Inputs { articles: articles.collect(), problems: Vec::new() }
        }
        Err(error) => {
            Inputs { articles: Vec::new(), problems: vec![Problem::error(format!("{name} can't be read: {error}"))] }
        }
    }
}

fn lines(name: &str, bytes: &[u8]) -> Inputs {
    let mut inputs = Inputs::default();
    for (number, bytes) in bytes.split(|b| *b == b'\n').enumerate() {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        let wrong = |what: String| {
            Problem::error(format!("line {} of {name} is left out: {what}", number + 1)).at(Place {
                origin: Origin::Named(format!("{name}:{}", number + 1)),
                source: text.chars().take(200).collect::<String>().into(),
                span: 0..0,
            })
        };
        if bytes.len() > LINE_BYTES_MAX {
            inputs.problems.push(wrong(format!("it is longer than {LINE_BYTES_MAX} bytes")));
            continue;
        }
        match serde_json::from_str::<Line>(text).map_err(|error| error.to_string()).and_then(article_of) {
            Ok(article) => inputs.articles.push(article),
            Err(what) => inputs.problems.push(wrong(what)),
        }
    }
    inputs
}

fn article_of(line: Line) -> Result<Article, String> {
    let plain = |text: String| Markup { text, is_html: false };
    let html = |text: String| Markup { text, is_html: true };
    let published = match line.published.as_deref() {
        Some(text) => Some(
            chrono::DateTime::parse_from_rfc3339(text)
                .map_err(|_| format!("`published` is no time in RFC 3339: {text:?}"))?
                .to_utc(),
        ),
        None => None,
    };
    let url = match line.url {
        Some(text) => Some(Url::parse(&text).map_err(|error| format!("`url` is no address: {error}"))?.to_string()),
        None => None,
    };
    let entry = Entry {
        guid: line.id,
        url,
        title: line.title,
        published,
        authors: line.author.into_iter().collect(),
        categories: line.categories,
        language: line.lang.clone(),
        summary: line.summary.map(html),
        content: line.text.map(plain).or(line.content.map(html)),
        ..Entry::default()
    };
    let article = from_entry(&entry, None, None);
    // A language that the sender states is a fact, not a hint.
    let lang = line.lang.as_deref().and_then(crate::article::Lang::from_tag).or(article.lang);
    Ok(Article { lang, text_source: TextSource::Input, ..article })
}

/// The first line is the title when a blank line follows it.
fn text_article(name: &str, text: &str) -> Article {
    let text = text.trim_start_matches('\u{feff}');
    let (title, body) = match text.split_once('\n') {
        Some((first, rest)) if !first.trim().is_empty() && rest.lines().next().is_some_and(|l| l.trim().is_empty()) => {
            (Some(first.to_owned()), rest)
        }
        _ => (None, text),
    };
    let entry = Entry { title, content: Some(Markup { text: body.to_owned(), is_html: false }), ..Entry::default() };
    let _ = name;
    Article { text_source: TextSource::Input, ..from_entry(&entry, None, None) }
}

fn html_article(name: &str, text: &str) -> Article {
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| {
        let open = at + lower[at..].find('>')? + 1;
        let close = open + lower[open..].find("</title")?;
        Some(html::to_line(text.get(open..close)?))
    });
    let body = lower.find("<body").and_then(|at| text.get(at..)).unwrap_or(text);
    let entry = Entry { title, content: Some(Markup { text: body.to_owned(), is_html: true }), ..Entry::default() };
    let _ = name;
    Article { text_source: TextSource::Input, ..from_entry(&entry, None, None) }
}

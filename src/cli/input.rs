//! Articles in, for `match` and `explain`: JSON lines, plain text, a feed document or a page.

use std::{path::PathBuf, sync::Arc};

use chrono::{DateTime, Utc};

use crate::{
    article::{self, Article, html, input::InputArticle, language},
    config::problem::{Origin, Place, Problem},
    feed,
};

/// How much of an input is looked at to tell what it is.
const SNIFFED_BYTES_MAX: usize = 4096;
/// How much of a bad line is kept to show.
const SHOWN_BYTES_MAX: usize = 400;

/// What an input held.
#[derive(Debug, Default)]
pub struct Inputs {
    /// In input order.
    pub articles: Vec<Article>,
    /// What could not be read, with its line.
    pub problems: Vec<Problem>,
    /// What was odd about a feed document and stopped nothing.
    pub notes: Vec<String>,
}

/// How an input is to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lines,
    Text,
    Page,
    Feed,
}

/// Reads an input; `name` is its path, or `-`, and its ending says what it is. What the ending does not tell is sniffed.
/// `now` tells which of a feed's dates lie in the future, and count as none.
pub fn read(name: &str, bytes: &[u8], now: DateTime<Utc>) -> Inputs {
    match kind(name, bytes) {
        Kind::Lines => read_lines(name, bytes),
        Kind::Text => one(text_article(&feed::charset::decode(bytes, None).text)),
        Kind::Page => one(page_article(&feed::charset::decode(bytes, None).text)),
        Kind::Feed => match feed::parse(bytes, None, None) {
            Ok(mut feed) => {
                feed.forget_times_ahead(now);
                let language = feed.about.language.as_deref();
                let articles = feed.entries.iter().map(|entry| article::from_entry(entry, None, language)).collect();
                Inputs { articles, notes: feed.notes, ..Inputs::default() }
            }
            Err(error) => Inputs { problems: vec![Problem::error(format!("{name}: {error}"))], ..Inputs::default() },
        },
    }
}

fn one(article: Article) -> Inputs {
    Inputs { articles: vec![article], ..Inputs::default() }
}

fn kind(name: &str, bytes: &[u8]) -> Kind {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    match ending.as_str() {
        "jsonl" | "ndjson" => return Kind::Lines,
        "txt" => return Kind::Text,
        "html" | "htm" | "xhtml" => return Kind::Page,
        "xml" | "rss" | "atom" | "rdf" => return Kind::Feed,
        _ => {}
    }
    // Decoded as the readers do: a document of two-byte letters has no `<` beside its names.
    let head = feed::charset::decode(&bytes[..bytes.len().min(SNIFFED_BYTES_MAX)], None).text.to_ascii_lowercase();
    let head = head.trim_start();
    if head.starts_with('{') {
        return if feed::is_json_feed(bytes) { Kind::Feed } else { Kind::Lines };
    }
    if head.starts_with("<!doctype html") || head.starts_with("<html") {
        return Kind::Page;
    }
    if bytes.trim_ascii_start().starts_with(b"<?xml")
        || ["<rss", "<feed", "<rdf"].iter().any(|root| head.contains(root))
    {
        return Kind::Feed;
    }
    if head.starts_with('<') { Kind::Page } else { Kind::Text }
}

fn read_lines(name: &str, bytes: &[u8]) -> Inputs {
    let mut inputs = Inputs::default();
    for (at, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
        if line.is_empty() {
            continue;
        }
        match article::input::read(line) {
            Ok(article) => inputs.articles.push(article),
            Err(cause) => inputs.problems.push(bad_line(name, at + 1, line, &cause)),
        }
    }
    inputs
}

fn bad_line(name: &str, number: usize, line: &[u8], cause: &str) -> Problem {
    let shown = String::from_utf8_lossy(&line[..line.len().min(SHOWN_BYTES_MAX)]).into_owned();
    let origin = if name == "-" { Origin::Named("stdin".to_owned()) } else { Origin::File(PathBuf::from(name)) };
    let span = 0..shown.len();
    let message = format!("line {number} is not an article: {cause}");
    // The place holds the line alone: the whole file may be a day's articles.
    Problem::error(message).at(Place { origin, source: Arc::from(shown), span, first_line: number })
}

/// Plain text; the first line is the title when a blank line follows it.
fn text_article(text: &str) -> Article {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    let mut lines = text.lines();
    let first = lines.next().unwrap_or("");
    let has_title = lines.next().is_some_and(|second| second.trim().is_empty());
    let (title, body) = if has_title { (first, text[first.len()..].trim()) } else { ("", text) };
    Article::from(InputArticle { title: Some(title.to_owned()), text: Some(body.to_owned()), ..Default::default() })
}

/// A page's title and its readable text.
fn page_article(page: &str) -> Article {
    let lower = page.to_ascii_lowercase();
    let between = |open: &str, close: &str| {
        let start = lower.find(open)?;
        let start = start + lower[start..].find('>')? + 1;
        Some(&page[start..start + lower[start..].find(close)?])
    };
    let filled_line = |html: &str| Some(html::to_line(html)).filter(|line| !line.is_empty());
    let title = between("<title", "</title>").and_then(filled_line).or_else(|| filled_line(between("<h1", "</h1>")?));
    let lang = between("<html", ">").and(lower.find("<html")).and_then(|at| {
        let tag = &page[at..at + lower[at..].find('>')?];
        let value = tag.split_once("lang=")?.1.trim_start_matches(['"', '\'']);
        Some(value.split(['"', '\'', ' ']).next()?.to_owned())
    });
    let text = html::page_text(page);
    let lang = language::detect(&text, lang.as_deref()).map(|lang| lang.to_string());
    Article::from(InputArticle { title, text: Some(text), lang, ..Default::default() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(name: &str, bytes: &[u8]) -> Inputs {
        super::read(name, bytes, "2026-11-01T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_feeds_dates_in_the_future_count_as_none_as_in_the_daemon() {
        let item = |year| format!("<item><title>a</title><pubDate>Sun, 01 Nov {year} 10:00:00 GMT</pubDate></item>");
        let feed = format!("<rss version='2.0'><channel>{}{}</channel></rss>", item(2025), item(2027));
        let inputs = read("x.xml", feed.as_bytes());
        assert!(inputs.articles[0].published.is_some() && inputs.articles[1].published.is_none());
        assert_eq!(inputs.notes, ["1 date lies in the future, and counts as none"]);
        // What a person states is theirs.
        let line = read("-", br#"{"published":"2027-01-31T12:00:00Z"}"#);
        assert!(line.articles[0].published.is_some());
    }

    #[test]
    fn bad_line_is_reported_with_its_number_and_skipped() {
        let inputs = read("a.jsonl", b"{\"title\":\"One\",\"extra\":1}\n\n[1]\n{\"title\": 7}\n{\"text\":\"Two\"}\n");
        assert_eq!(inputs.articles.len(), 2);
        let messages: Vec<&str> = inputs.problems.iter().map(|p| p.message.as_str()).collect();
        assert!(messages[0].starts_with("line 3 ") && messages[1].starts_with("line 4 "), "{messages:?}");
    }

    #[test]
    fn bad_line_points_to_itself_and_names_the_field() {
        let inputs = read("a.jsonl", b"{}\n{\"published\":\"Friday\"}\n{\"published\":7}\n");
        let lines: Vec<_> = inputs.problems.iter().map(|p| p.place.as_ref().unwrap().line_column()).collect();
        assert_eq!(lines, [(2, 1), (3, 1)]);
        assert!(inputs.problems.iter().all(|p| p.message.contains("`published` is a time in RFC 3339")), "{inputs:?}");
        let inputs = read("a.jsonl", b"{\"published\":null}\n{\"published\":\"2026-01-31T12:00:00+03:00\"}\n");
        assert_eq!(inputs.articles[1].published.unwrap().to_rfc3339(), "2026-01-31T09:00:00+00:00");
    }

    #[test]
    fn text_wins_over_content_and_content_over_summary() {
        let line = br#"{"text":"a  b","content":"<p>c</p>","summary":"d"}"#;
        assert_eq!(read("-", line).articles[0].text, "a  b");
        assert_eq!(read("-", br#"{"content":"<p>c</p>","summary":"d"}"#).articles[0].text, "c");
        assert_eq!(read("-", br#"{"summary":"d"}"#).articles[0].text, "d");
    }

    #[test]
    fn first_line_of_a_text_is_its_title_only_before_a_blank_line() {
        let article = &read("x.txt", b"Title\n\nBody one\n\nBody two\n").articles[0];
        assert_eq!((article.title.as_str(), article.text.as_str()), ("Title", "Body one\n\nBody two"));
        assert_eq!(read("x.txt", b"Line one\nline two").articles[0].title, "");
    }

    #[test]
    fn a_page_is_read_without_its_menus() {
        let page = b"<html><body><header>Menu</header><nav>Putin</nav><main><article><header><h1>Head</h1></header>\
            <p>The long story.</p><aside>More</aside></article><article>Teaser</article></main><footer>Legal</footer>";
        let article = &read("x.html", page).articles[0];
        assert_eq!((article.title.as_str(), article.text.as_str()), ("Head", "Head\n\nThe long story."));
        assert_eq!(read("x.html", b"<nav>Menu</nav><p>Story</p>").articles[0].text, "Story");
        assert_eq!(read("x.html", b"<nav>Only a menu</nav>").articles[0].text, "Only a menu");
    }

    #[test]
    fn page_and_feed_are_told_apart_on_stdin() {
        let page = read("-", b"<!DOCTYPE html><html lang='de'><title>T &amp; U</title><p>x</p></html>");
        assert_eq!((page.articles[0].title.as_str(), page.articles[0].text.as_str()), ("T & U", "x"));
        let feed = read("-", b"<rss version='2.0'><channel><item><title>F</title></item></channel></rss>");
        assert_eq!(feed.articles[0].title, "F");
        assert_eq!(read("x.xml", b"<html></html>").problems.len(), 1);
        let text = "<?xml version='1.0' encoding='utf-16'?><rss version='2.0'><channel><item><title>F</title></item></channel></rss>";
        let wide: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(read("-", &wide).articles[0].title, "F");
        assert_eq!(read("-", &wide[2..]).articles[0].title, "F");
    }

    #[test]
    fn a_json_feed_is_told_by_its_keys_wherever_they_stand() {
        let items = format!(r#"{{"id":"1","title":"T","content_text":"{}"}}"#, "x ".repeat(10_000));
        let feed = format!(r#"{{"items":[{items}],"version":"https://jsonfeed.org/version/1.1"}}"#);
        assert_eq!(read("-", feed.as_bytes()).articles[0].title, "T");
        // An article about JSON Feed is none.
        let line = format!(r#"{{"title":"A","text":"{} jsonfeed.org/version/1"}}"#, "x ".repeat(10_000));
        assert_eq!(read("-", line.as_bytes()).articles[0].title, "A");
        let lines = format!("{line}\n{line}\n");
        assert_eq!(read("-", lines.as_bytes()).articles.len(), 2);
    }
}

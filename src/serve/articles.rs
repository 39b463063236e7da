//! `POST /api/v1/articles`: articles that come from a program instead of a feed.
//!
//! One JSON object, or a line for each. They are matched, stored and delivered as a feed's entries are, under the feed
//! [`FEED`]; the answer comes once that is on disk. Either all lines are taken or none.

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tracing::error;

use super::{
    Served,
    commands::{Command, whole},
    problem,
    websub::{come_again, refused},
};
use crate::{
    alert::AlertId,
    article::{Article, input},
};

/// The feed that articles stand under which come this way.
pub const FEED: &str = "api";

/// Of one request: a line may be as long as in a file for `match`.
const BODY_BYTES_MAX: usize = input::LINE_BYTES_MAX;
/// In one request: they are stored in one transaction.
const ARTICLES_MAX: usize = 1_000;

/// What a body held.
struct Given {
    articles: Vec<Article>,
    is_lines: bool,
}

pub(super) async fn push(State(served): State<Served>, request: Request) -> Response {
    let Some(place) = served.commands.place().await else {
        return come_again("more is pushed than can be taken in");
    };
    let (parts, body) = request.into_parts();
    let body = match whole(body, BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(error) => return refused(error, BODY_BYTES_MAX),
    };
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_lines = content_type.is_some_and(|kind| ["ndjson", "jsonl"].iter().any(|lines| kind.contains(lines)));
    // Telling languages takes a moment.
    let given = match tokio::task::spawn_blocking(move || read(&body, is_lines)).await {
        Ok(Ok(given)) => given,
        Ok(Err(cause)) => return problem(StatusCode::BAD_REQUEST, &cause),
        Err(error) => {
            error!(error = %error, "an article made its reader fail");
            return problem(StatusCode::INTERNAL_SERVER_ERROR, "the article made its reader fail");
        }
    };
    let heads: Vec<Value> = given.articles.iter().map(head).collect();
    let articles = given.articles;
    match served.commands.ask(|answer| Command::Articles { articles, answer, place }).await.flatten() {
        Some(alerts) => said(&heads, &alerts, given.is_lines),
        None => come_again("it could not be stored"),
    }
}

/// The articles of a body: lines where it is said to be lines or is no single object.
fn read(body: &Bytes, is_lines: bool) -> Result<Given, String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if !is_lines {
        match input::read(body) {
            Ok(article) => return Ok(Given { articles: vec![checked(article)?], is_lines: false }),
            Err(cause) if !looks_like_lines(body) => return Err(format!("the body is not an article: {cause}")),
            Err(_) => {}
        }
    }
    let mut articles = Vec::new();
    for (at, line) in body.split(|b| *b == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty()) {
        if articles.len() == ARTICLES_MAX {
            return Err(format!("more than {ARTICLES_MAX} articles in one request"));
        }
        let article = input::read(line).and_then(checked);
        articles.push(article.map_err(|cause| format!("line {} is not an article: {cause}", at + 1))?);
    }
    if articles.is_empty() {
        return Err("the body holds no article".to_owned());
    }
    Ok(Given { articles, is_lines: true })
}

/// Whether each of several lines is an object by itself.
fn looks_like_lines(body: &[u8]) -> bool {
    let lines = || body.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    lines().nth(1).is_some() && lines().all(|line| line.starts_with(b"{") && line.ends_with(b"}"))
}

/// An article's address becomes a link for people, and what says nothing is no article.
fn checked(article: Article) -> Result<Article, String> {
    if article.title.is_empty() && article.text.is_empty() {
        return Err("it has neither `title` nor `text`".to_owned());
    }
    let is_web = |url: &String| url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if article.url.as_ref().is_some_and(|url| !is_web(url)) {
        return Err("`url` is no http or https address".to_owned());
    }
    Ok(article)
}

fn head(article: &Article) -> Value {
    json!({ "id": article.id.value, "title": article.title, "url": article.url })
}

fn said(heads: &[Value], alerts: &[Vec<AlertId>], is_lines: bool) -> Response {
    let lines = heads.iter().zip(alerts).map(|(head, alerts)| {
        let alerts: Vec<&str> = alerts.iter().map(AlertId::as_str).collect();
        format!("{}\n", json!({ "article": head, "alerts": alerts }))
    });
    let kind = if is_lines { "application/x-ndjson" } else { "application/json" };
    ([(header::CONTENT_TYPE, kind)], lines.collect::<String>()).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(body: &str, is_lines: bool, expected: Result<(usize, bool), &str>) {
        let given = read(&Bytes::copy_from_slice(body.as_bytes()), is_lines);
        match (given, expected) {
            (Ok(given), Ok(expected)) => assert_eq!((given.articles.len(), given.is_lines), expected),
            (Err(cause), Err(expected)) => assert!(cause.contains(expected), "{cause}"),
            (given, expected) => panic!("{:?}, not {expected:?}", given.map(|given| given.articles.len())),
        }
    }

    #[test]
    fn one_article_or_a_line_for_each() {
        check("{\"title\": \"a\"}", false, Ok((1, false)));
        check("{\n  \"title\": \"a\",\n  \"text\": \"b\"\n}\n", false, Ok((1, false)));
        check("\u{feff}{\"title\": \"a\"}\n\n{\"title\": \"b\"}\n", false, Ok((2, true)));
        check("{\"title\": \"a\"}", true, Ok((1, true)));
        check("", false, Err("the body is not an article"));
        check("\n\n", true, Err("holds no article"));
        check("[{\"title\": \"a\"}]", false, Err("not a JSON object"));
        check("{\"title\": \"a\"}\n{\"title\": 7}\n", false, Err("line 2 is not an article"));
        check("{\"title\": \"a\"\n", false, Err("the body is not an article"));
        check("{}", false, Err("neither `title` nor `text`"));
        check("{\"title\": \"a\", \"url\": \"javascript:alert(1)\"}", false, Err("no http or https address"));
        check("{\"title\": \"a\", \"published\": \"Friday\"}", false, Err("`published` is a time in RFC 3339"));
        check(&"{\"title\": \"a\"}\n".repeat(ARTICLES_MAX + 1), true, Err("more than 1000"));
        check(&"[".repeat(100_000), false, Err("not a JSON object"));
    }
}

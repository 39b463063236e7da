//! What a page says of itself: JSON-LD, OpenGraph, and the meta tags of before. All of it is a stranger's word; nothing
//! is made up where it says nothing.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use dom_query::Document;
use regex::Regex;
use serde_json::Value;

use crate::feed::{date, markup};

/// Blocks of JSON-LD that are read, and the bytes of each: real pages have up to ten of some kilobytes.
const BLOCKS_MAX: usize = 40;
const BLOCK_BYTES_MAX: usize = 1 << 20;
/// Things in one page's JSON-LD that are looked at.
const THINGS_MAX: usize = 2_000;
/// Authors beyond are a list of everybody.
const AUTHORS_MAX: usize = 20;
/// Longest name or title, in bytes.
const LINE_BYTES_MAX: usize = 1_000;

/// What it says.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct About {
    pub title: Option<String>,
    pub published: Option<DateTime<Utc>>,
    pub updated: Option<DateTime<Utc>>,
    pub authors: Vec<String>,
    pub language: Option<String>,
    /// `articleBody`.
    pub text: Option<String>,
    /// `wordCount`.
    pub words: Option<usize>,
    /// Whether it says that it is an article.
    pub is_article: bool,
    /// Whether it says that it has to be paid for.
    pub is_sold: bool,
}

impl About {
    /// Reads it out of a page: `html` as it came, and its tree, which has no scripts any more.
    pub(super) fn of(html: &str, page: &Document) -> Self {
        static BLOCK: LazyLock<Option<Regex>> =
            LazyLock::new(|| Regex::new(r"(?is)<script\b[^<>]{0,300}ld\+json[^<>]{0,300}>(.*?)</script").ok());
        let mut about = Self::default();
        let mut things = 0;
        let blocks = BLOCK.iter().flat_map(|block| block.captures_iter(html)).filter_map(|found| found.get(1));
        for block in blocks.take(BLOCKS_MAX).filter(|block| block.len() <= BLOCK_BYTES_MAX) {
            if let Some(value) = json(block.as_str()) {
                about.read_thing(&value, &mut things);
            }
        }
        about.read_meta(page);
        about.language = page.select("html").attr("lang").map(|lang| lang.trim().to_owned()).filter(|l| !l.is_empty());
        about
    }

    /// One thing of JSON-LD, or a list or graph of them.
    fn read_thing(&mut self, value: &Value, things: &mut usize) {
        *things += 1;
        if *things > THINGS_MAX {
            return;
        }
        match value {
            Value::Array(list) => list.iter().for_each(|value| self.read_thing(value, things)),
            Value::Object(thing) => {
                if let Some(graph) = thing.get("@graph") {
                    self.read_thing(graph, things);
                }
                if let Some(main) = thing.get("mainEntity") {
                    self.read_thing(main, things);
                }
                if is_article(thing.get("@type")) {
                    self.read_article(value);
                }
            }
            _ => {}
        }
    }

    fn read_article(&mut self, thing: &Value) {
        // The first article of a page is the page's own; others are what it points to.
        if self.is_article {
            return;
        }
        self.is_article = true;
        let text = |name: &str| thing.get(name).and_then(Value::as_str).and_then(line);
        self.title = text("headline").or_else(|| text("name"));
        self.published = text("datePublished").as_deref().and_then(date::parse);
        self.updated = text("dateModified").as_deref().and_then(date::parse);
        self.authors = thing.get("author").map(names).unwrap_or_default();
        self.text = thing.get("articleBody").and_then(Value::as_str).map(|text| match markup::looks_like_html(text) {
            true => markup::to_text(text),
            false => text.to_owned(),
        });
        self.words = thing.get("wordCount").and_then(number);
        let part = thing.get("hasPart");
        let parts = part.and_then(Value::as_array).map(Vec::as_slice).or(part.map(std::slice::from_ref));
        let is_sold = |thing: &Value| thing.get("isAccessibleForFree").is_some_and(is_false);
        self.is_sold = is_sold(thing) || parts.unwrap_or_default().iter().take(THINGS_MAX).any(is_sold);
    }

    /// What JSON-LD did not say, from meta tags.
    fn read_meta(&mut self, page: &Document) {
        let mut title = None;
        for meta in page.select("meta[content]").nodes().iter().take(THINGS_MAX) {
            let name = meta.attr("property").or_else(|| meta.attr("name")).or_else(|| meta.attr("itemprop"));
            let (Some(name), Some(content)) = (name, meta.attr("content")) else { continue };
            let Some(content) = line(&content) else { continue };
            match name.trim().to_ascii_lowercase().as_str() {
                "og:title" => title = Some(content),
                "twitter:title" | "dc.title" => title = title.or(Some(content)),
                "og:type" if content.eq_ignore_ascii_case("article") => self.is_article = true,
                "article:published_time"
                | "datepublished"
                | "dc.date"
                | "dc.date.issued"
                | "dcterms.created"
                | "pubdate"
                | "publishdate"
                | "publish-date"
                | "publish_date"
                | "date"
                | "parsely-pub-date"
                | "sailthru.date" => self.published = self.published.or_else(|| date::parse(&content)),
                "article:modified_time" | "datemodified" | "og:updated_time" | "last-modified" | "dcterms.modified" => {
                    self.updated = self.updated.or_else(|| date::parse(&content));
                }
                "article:author" | "author" | "dc.creator" | "byl" | "parsely-author" | "sailthru.author" => {
                    self.add_author(&content);
                }
                "article:content_tier"
                    if ["locked", "paid", "premium"].iter().any(|w| content.eq_ignore_ascii_case(w)) =>
                {
                    self.is_sold = true;
                }
                _ => {}
            }
        }
        self.title = self.title.take().or(title).or_else(|| headline(page));
    }

    fn add_author(&mut self, name: &str) {
        let name = name.strip_prefix("By ").or_else(|| name.strip_prefix("by ")).unwrap_or(name).trim();
        // Facebook asks for a profile's address where others have a name.
        let is_name = !name.is_empty() && !name.contains("://") && !name.starts_with('@');
        if is_name && self.authors.len() < AUTHORS_MAX && !self.authors.iter().any(|known| known == name) {
            self.authors.push(name.to_owned());
        }
    }
}

/// The title of the page, without the site's name where its headline stands in it.
fn headline(page: &Document) -> Option<String> {
    let title = line(&page.select_single("title").text());
    let headline = line(&page.select_single("h1").text());
    match (title, headline) {
        (Some(title), Some(headline)) if title.contains(&headline) => Some(headline),
        (title, headline) => title.or(headline),
    }
}

/// JSON as pages write it: perhaps in a CDATA section or a comment, and with raw line ends in its strings.
fn json(text: &str) -> Option<Value> {
    let text = text.trim();
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let text = text.trim_start_matches("//").trim_start();
    let text = text.strip_prefix("<![CDATA[").or_else(|| text.strip_prefix("<!--")).unwrap_or(text);
    let end = text.rfind("]]>").or_else(|| text.rfind("-->")).unwrap_or(text.len());
    let start = text.find(['{', '['])?;
    let end = text[..end].rfind(['}', ']'])?;
    let plain: String = text.get(start..=end)?.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    serde_json::from_str(&plain).ok()
}

fn is_article(kind: Option<&Value>) -> bool {
    let is = |name: &str| {
        let name = name.rsplit('/').next().unwrap_or(name);
        name.ends_with("Article")
            || name.ends_with("NewsArticle")
            || matches!(name, "BlogPosting" | "LiveBlogPosting" | "Report" | "SocialMediaPosting")
    };
    match kind {
        Some(Value::String(name)) => is(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(is),
        _ => false,
    }
}

/// A name, a thing with a name, or a list of such.
fn names(value: &Value) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::String(name) => line(name),
        Value::Object(thing) => thing.get("name").and_then(Value::as_str).and_then(line),
        _ => None,
    };
    let mut names: Vec<String> = match value {
        Value::Array(list) => list.iter().take(AUTHORS_MAX).filter_map(one).collect(),
        value => one(value).into_iter().collect(),
    };
    names.retain(|name| !name.contains("://"));
    names.dedup();
    names
}

fn is_false(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        // schema.org's own examples write it as a text.
        Value::String(text) => text.rsplit('/').next().is_some_and(|text| text.eq_ignore_ascii_case("false")),
        _ => false,
    }
}

fn number(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A text as one line; `None` where it is empty or no line of a person's.
fn line(text: &str) -> Option<String> {
    if text.len() > LINE_BYTES_MAX {
        return None;
    }
    let line = markup::label(text);
    (!line.is_empty()).then_some(line)
}

//! A web page → the article on it, for feeds that give no more than a summary. Pure: who fetches it is `daemon::pages`.
//!
//! `tree` makes a tree of the page within bounds, `about` reads what the page says of itself (JSON-LD, OpenGraph, meta
//! tags), dom_smoothie finds the article in the tree, and `verdict` says what was found: the text, the beginning of one
//! that is sold, a question about cookies, a check for robots, or nothing that can be read.

mod about;
mod tree;
mod verdict;

use chrono::{DateTime, Utc};
use dom_smoothie::{Config, Readability};
use unicode_segmentation::UnicodeSegmentation;
use url::Url;

use self::about::About;
pub use self::verdict::Verdict;
use super::{Article, Lang, TextSource, boilerplate, language, summary};
use crate::feed::{charset, guard::guarded, markup};

/// A page is read up to here, in bytes: the largest live blogs are near 3 MB, and what follows is comments and scripts.
pub const PAGE_BYTES_MAX: usize = 4 << 20;
/// Of an article's text, in bytes; as long as what a feed may give.
const TEXT_BYTES_MAX: usize = crate::feed::TEXT_BYTES_MAX;
/// Fewer words are a caption or a notice, no article.
const WORDS_MIN: usize = 12;

/// What was found on a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// What it is.
    pub verdict: Verdict,
    /// The article's headline, as the page says.
    pub title: Option<String>,
    /// Readable plain text, paragraphs parted by an empty line; empty unless the verdict is a text or a stub.
    pub text: String,
    /// As the page says; never made up.
    pub published: Option<DateTime<Utc>>,
    /// As the page says; never made up.
    pub updated: Option<DateTime<Utc>>,
    /// Names.
    pub authors: Vec<String>,
    /// BCP 47 as the page has it.
    pub language: Option<String>,
}

/// Reads the page that `url` gave. Never fails: what is no article is a verdict.
pub fn read(body: &[u8], content_type: Option<&str>, url: &Url) -> Page {
    if !may_be_page(content_type) {
        return Page::without_text(Verdict::NothingReadable, About::default());
    }
    let body = &body[..body.len().min(PAGE_BYTES_MAX)];
    let html = charset::decode(body, content_type).text;
    // The libraries are not ours; a page that makes one of them panic is one that can't be read.
    guarded(|| read_html(&html, url)).unwrap_or_else(|_| Page::without_text(Verdict::NothingReadable, About::default()))
}

fn read_html(html: &str, url: &Url) -> Page {
    let Some(tree) = tree::parse(&markup::mended(html)) else {
        return Page::without_text(Verdict::NothingReadable, About::default());
    };
    let about = About::of(html, &tree);
    let outline = verdict::Outline::of(html, &tree);
    let config = Config { disable_json_ld: true, max_elements_to_parse: tree::NODES_MAX, ..Config::default() };
    let found = Readability::with_document(tree, Some(url.as_str()), Some(config));
    let content = found.ok().and_then(|mut found| found.parse().ok()).map(|article| article.content);
    let content = content.as_deref().unwrap_or_default();
    let mut text = article_text(&markup::to_text(content), about.title.as_deref());
    // Where scripts write the page, its text may stand in what it says of itself.
    if let Some(stated) = &about.text
        && words(stated) > words(&text) * 3 / 2
    {
        text = article_text(&markup::plain(stated, true), about.title.as_deref());
    }
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    let verdict = verdict::verdict(&verdict::Seen {
        about: &about,
        outline: &outline,
        words: words(&text),
        words_min: WORDS_MIN,
        text: &text,
        links: verdict::share_of_links(content),
    });
    match verdict {
        Verdict::Text => Page { text, ..Page::without_text(verdict, about) },
        Verdict::PaywallStub => {
            Page { text: verdict::without_offer(&text).to_owned(), ..Page::without_text(verdict, about) }
        }
        Verdict::Consent | Verdict::Challenge | Verdict::NothingReadable => Page::without_text(verdict, about),
    }
}

/// Whether what came may be a page. Servers that say nothing send pages.
fn may_be_page(content_type: Option<&str>) -> bool {
    let Some(kind) = content_type else { return true };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.is_empty() || matches!(kind.as_str(), "text/html" | "application/xhtml+xml" | "text/plain" | "application/xml")
}

/// What a page puts between the paragraphs of an article.
const BETWEEN: [&str; 16] = [
    "advertisement",
    "advertising",
    "story continues below advertisement",
    "article continues below",
    "ad",
    "anzeige",
    "publicité",
    "publicidad",
    "publicidade",
    "pubblicità",
    "advertentie",
    "reklam",
    "reklama",
    "реклама",
    "إعلان",
    "广告",
];

/// The text without its own headline above it, and without what stands between its paragraphs.
fn article_text(text: &str, title: Option<&str>) -> String {
    let letters =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let headline = title.map(letters).filter(|title| !title.is_empty());
    let kept = text.split("\n\n").enumerate().filter(|(place, paragraph)| {
        let is_headline = *place == 0 && headline.as_ref().is_some_and(|title| *title == letters(paragraph));
        let is_between = paragraph.len() < 60 && BETWEEN.contains(&paragraph.trim().to_lowercase().as_str());
        !is_headline && !is_between
    });
    let mut out = String::with_capacity(text.len());
    for (_, paragraph) in kept {
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        out.push_str(paragraph);
    }
    boilerplate::cut(out)
}

fn words(text: &str) -> usize {
    text.unicode_words().count()
}

impl Page {
    fn without_text(verdict: Verdict, about: About) -> Self {
        let About { title, published, updated, authors, language, .. } = about;
        Self { verdict, title, text: String::new(), published, updated, authors, language }
    }

    /// A page's times that lie after `now` are none.
    pub fn forget_times_ahead(&mut self, now: DateTime<Utc>) {
        for time in [&mut self.published, &mut self.updated] {
            *time = time.filter(|time| *time <= now);
        }
    }
}

/// The article with what its page says, where that is more: the same article, with another text. What the feed itself
/// stated stays. `None` where the page adds nothing.
pub fn with_page(article: &Article, page: &Page) -> Option<Article> {
    let source = match page.verdict {
        Verdict::Text => TextSource::Page,
        Verdict::PaywallStub => TextSource::PaywallStub,
        Verdict::Consent | Verdict::Challenge | Verdict::NothingReadable => return None,
    };
    let is_more = match article.text_source {
        // The summary stays as a field of its own, so nothing of it is lost.
        TextSource::FeedSummary => article.text.is_empty() || summary::is_apart(&page.text, &article.text),
        // What the feed gave in full is only changed for more.
        _ => words(&page.text) > article.words(),
    };
    if !is_more {
        return None;
    }
    let stated = article.lang.map(|lang| lang.as_str().to_owned()).or_else(|| page.language.clone());
    let lang: Option<Lang> = language::detect(&page.text, stated.as_deref());
    let is_untitled = article.title.is_empty();
    Some(Article {
        title: page.title.clone().filter(|_| is_untitled).unwrap_or_else(|| article.title.clone()),
        text: page.text.clone(),
        text_source: source,
        published: article.published.or(page.published),
        updated: article.updated.or(page.updated),
        authors: if article.authors.is_empty() { page.authors.clone() } else { article.authors.clone() },
        lang,
        ..article.clone()
    })
}

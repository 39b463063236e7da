//! HTML that a stranger wrote: made readable, or made safe to show.

use std::{collections::HashSet, sync::LazyLock};

use ammonia::{Builder, UrlRelative};
use scraper::{ElementRef, Html, Selector};
use url::Url;

use super::nesting;
use crate::feed::markup::mended;
pub use crate::feed::markup::{one_line, plain, to_line, to_text};

/// So much of the base, and twice the text's length, may be put in front of a text's relative links.
const ADDED_BYTES_MAX: usize = 2 << 20;

/// HTML as a feed gave it: not safe to show before [`sanitise`]. Kept as it came because sanitising costs more than all
/// else that happens to an article, and most are never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntrustedHtml(String);

impl UntrustedHtml {
    /// HTML as it came, or as the store kept it.
    pub fn new(html: String) -> Self {
        Self(html)
    }

    /// A plain text as HTML.
    pub fn from_plain(text: &str) -> Self {
        Self(ammonia::clean_text(text))
    }

    /// As it came: to store it, never to show it.
    pub fn as_untrusted(&self) -> &str {
        &self.0
    }

    /// Safe to show; relative links resolved against `base`, dropped where there is none.
    pub fn sanitised(&self, base: Option<&str>) -> String {
        sanitise_with_base(&self.0, base)
    }
}

/// Safe HTML: no script, style, form, event handler, or URL of a scheme that runs something.
pub fn sanitise(html: &str) -> String {
    sanitise_with_base(html, None)
}

fn sanitise_with_base(html: &str, base: Option<&str>) -> String {
    let html = &*mended(html);
    if nesting::is_built(html) {
        return ammonia::clean_text(&to_text(html));
    }
    static SAFE: LazyLock<Builder<'static>> = LazyLock::new(builder);
    // A long address in front of each of many short ones is more than was written.
    let added = |base: &&str| memchr::memchr_iter(b'=', html.as_bytes()).count() * base.len();
    let base = base.filter(|base| added(base) <= ADDED_BYTES_MAX + 2 * html.len());
    match base.and_then(|base| Url::parse(base).ok()) {
        Some(base) => builder().url_relative(UrlRelative::RewriteWithBase(base)).clean(html).to_string(),
        None => SAFE.clean(html).to_string(),
    }
}

fn builder() -> Builder<'static> {
    let mut builder = Builder::default();
    builder
        .url_relative(UrlRelative::Deny)
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
}

/// A feed's text as plain text: HTML converted, plain text tidied.
pub fn readable(text: &str, is_html: bool) -> String {
    if is_html { to_text(text) } else { plain(text, true) }
}

/// What a page is about, as text: its `<article>` or `<main>` where it has one, without menus, footers and asides.
///
/// All of its text where nothing else is left, or where no tree can be made of it.
pub fn page_text(page: &str) -> String {
    let page = &*mended(page);
    if nesting::is_built(page) {
        return to_text(page);
    }
    let mut tree = Html::parse_document(page);
    let menus = selected(&tree, "nav, footer, aside, form, [role=navigation], header:not(article header, main header)");
    for id in menus.into_iter().map(|menu| menu.id()).collect::<Vec<_>>() {
        if let Some(mut menu) = tree.tree.get_mut(id) {
            menu.detach();
        }
    }
    let is_within =
        |element: &ElementRef<'_>| element.ancestors().last().is_some_and(|top| top.id() == tree.tree.root().id());
    let longest = |selector: &str| {
        let texts = selected(&tree, selector).into_iter().filter(is_within).map(|element| to_text(&element.html()));
        texts.max_by_key(String::len).filter(|text| !text.is_empty())
    };
    let article = longest("article");
    let main = longest("main, [role=main]");
    let text = match (article, main) {
        // A page of many short articles is about all of them.
        (Some(article), Some(main)) => Some(if article.len() * 2 < main.len() { main } else { article }),
        (article, main) => article.or(main),
    };
    text.or_else(|| longest("body")).unwrap_or_else(|| to_text(page))
}

fn selected<'a>(tree: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    Selector::parse(selector).map(|selector| tree.select(&selector).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn markup_that_nests_without_end_is_shown_as_text() {
        let deep = format!("{}deep <b>& plain</b>", "<div>".repeat(100_000));
        assert_eq!(sanitise(&deep), ammonia::clean_text("deep & plain"));
        let long = format!("<p>{}</p>", "one<br>two<p>three<li>four<img src=x>".repeat(2_000));
        assert!(sanitise(&long).contains("<p>three"));
        // Each end tag closes nothing: the tree of it takes two gigabytes.
        let page = (0..20_000).map(|at| format!("<b a={at}></x><p>t")).collect::<String>();
        assert!(page_text(&page).starts_with("t\n\nt"));
    }

    #[test]
    fn nothing_that_runs_survives() {
        let html = "<p onclick=x()>a<script>b</script><a href='javascript:c'>d</a><img src='/e.png'></p>";
        let safe = sanitise(html);
        assert!(!safe.contains("onclick") && !safe.contains("script") && safe.contains('d'), "{safe}");
        let resolved = UntrustedHtml::new(html.to_owned()).sanitised(Some("https://example.org/x/"));
        assert!(resolved.contains("https://example.org/e.png"), "{resolved}");
        let many = UntrustedHtml::new("<a href=x>y</a>".repeat(10_000));
        let base = format!("https://example.org/{}/", "x".repeat(8_000));
        assert!(many.sanitised(Some(&base)).len() < 1_000_000);
    }
}

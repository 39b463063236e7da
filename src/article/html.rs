//! HTML that a stranger wrote: made readable, or made safe to show.

use std::{collections::HashSet, sync::LazyLock};

use ammonia::{Builder, UrlRelative};
use url::Url;

pub use crate::feed::markup::{one_line, plain, to_line, to_text};

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
    static SAFE: LazyLock<Builder<'static>> = LazyLock::new(builder);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nothing_that_runs_survives() {
        let html = "<p onclick=x()>a<script>b</script><a href='javascript:c'>d</a><img src='/e.png'></p>";
        let safe = sanitise(html);
        assert!(!safe.contains("onclick") && !safe.contains("script") && safe.contains('d'), "{safe}");
        let resolved = UntrustedHtml::new(html.to_owned()).sanitised(Some("https://example.org/x/"));
        assert!(resolved.contains("https://example.org/e.png"), "{resolved}");
    }
}

//! What is asked about the article rather than of its text.

use wirewatch::{
    article::{Lang, fold::fold},
    watch::language::tree::{AboutField, Value},
};

use super::{Plain, word::matches_wildcard};

impl Plain<'_> {
    /// Several values: any of them.
    pub(super) fn about(&self, field: AboutField, values: &[Value]) -> bool {
        let article = self.reading.article;
        let any = |holds: &dyn Fn(&str) -> bool| values.iter().any(|value| holds(&value.text));
        match field {
            AboutField::Lang => any(&|tag| article.lang.is_some() && Lang::from_tag(tag) == article.lang),
            AboutField::Feed => any(&|id| article.feed.as_ref().is_some_and(|feed| feed.id.as_str() == id)),
            AboutField::Tag => any(&|tag| article.feed.as_ref().is_some_and(|feed| feed.tags.iter().any(|t| t == tag))),
            AboutField::Author => any(&|name| article.authors.iter().any(|author| is_whole(name, author))),
            AboutField::Category => any(&|name| article.categories.iter().any(|category| is_whole(name, category))),
            AboutField::Url => any(&|start| article.url.as_ref().is_some_and(|url| begins_with(start, url))),
            AboutField::Watch => any(self.world.watch_matches),
            _ => panic!("the plain evaluator knows no `{}:`", field.as_str()),
        }
    }
}

/// "Author and category compare the whole value, folded, `*` allowed."
///
/// Choice: any white space is one space.
fn is_whole(wanted: &str, value: &str) -> bool {
    let folded = |text: &str| fold(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    matches_starred(&folded(wanted), &folded(value))
}

/// "`url:` compares host and path without scheme and `www.`, from the start."
fn begins_with(start: &str, url: &str) -> bool {
    matches_starred(&(host_and_path(start) + "*"), &host_and_path(url))
}

/// Choice: user and password are no part of the host, which is compared in lower case; question and fragment are no
/// part of the path; a host alone has the path `/`, so that `example.org` does not begin `example.organic`.
fn host_and_path(url: &str) -> String {
    let behind_scheme = url.split_once("://").map_or(url, |(_, behind)| behind);
    let without_question: String = behind_scheme.chars().take_while(|c| !matches!(c, '?' | '#')).collect();
    let (host, path) = match without_question.split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None if without_question.ends_with('*') => (&without_question[..], String::new()),
        None => (&without_question[..], "/".to_owned()),
    };
    let host = host.split('@').next_back().unwrap_or(host).to_lowercase();
    host.strip_prefix("www.").unwrap_or(&host).to_owned() + &path
}

/// Only `*` is a wildcard here.
fn matches_starred(pattern: &str, text: &str) -> bool {
    // A question mark that must be met as such is put where no text has a character.
    let hidden = |text: &str| text.replace('?', "\u{0}").chars().collect::<Vec<_>>();
    matches_wildcard(&hidden(pattern), &hidden(text))
}

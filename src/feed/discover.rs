//! Where a page's feeds may be: what it links to, what its site is known to have, and where feeds usually are. Nothing here
//! knows whether a candidate is a feed; who fetches them finds out.

use std::collections::BTreeSet;

use url::Url;

use super::{
    attribute::attributes,
    markup,
    name::local,
    reference::{self, Entities},
    token::{Token, Tokens},
};

/// Pages are looked through up to here, in bytes: what they link to stands in their head.
const PAGE_BYTES_MAX: usize = 4 << 20;
/// Candidates that one page may name by `<link>`, and as many by `<a>`.
const CANDIDATES_MAX: usize = 20;
/// Longest address, in bytes.
const ADDRESS_BYTES_MAX: usize = 4_096;

/// Types under which pages link to their feeds.
const FEED_TYPES: [&str; 8] = [
    "application/rss+xml",
    "application/atom+xml",
    "application/feed+json",
    "application/json",
    "application/rdf+xml",
    "application/xml",
    "text/xml",
    "text/rss+xml",
];

/// Where feeds usually are, the likeliest first.
const USUAL_PATHS: [&str; 12] = [
    "feed",
    "rss",
    "rss.xml",
    "feed.xml",
    "atom.xml",
    "index.xml",
    "feed.json",
    "feed/",
    "rss/",
    "feeds",
    "index.rss",
    "feed.rss",
];

/// How a candidate was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoundBy {
    /// The address is a feed itself.
    Itself,
    /// The site's pages are known to have feeds at such addresses.
    Site,
    /// `<link rel="alternate">`.
    Link,
    /// A link that looks like one.
    Anchor,
    /// Feeds usually are there.
    UsualPath,
}

impl FoundBy {
    /// In a word, for lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Itself => "itself",
            Self::Site => "site",
            Self::Link => "link",
            Self::Anchor => "anchor",
            Self::UsualPath => "usual-path",
        }
    }
}

/// Where a feed may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// http or https.
    pub url: Url,
    /// How it was found.
    pub by: FoundBy,
    /// Of readers' comments, as it seems: hardly what is looked for.
    pub is_comments: bool,
}

/// What a page links to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageLinks {
    /// Those by `<link>`, then those by `<a>`, each once.
    pub candidates: Vec<Candidate>,
    /// Schemes of links to feeds that nobody follows for a page: `file`, `exec` …
    pub refused: Vec<String>,
}

/// What a page links to that may be a feed. `base` is where the page came from.
pub fn page_links(html: &str, base: &Url) -> PageLinks {
    let html = &html[..html.floor_char_boundary(PAGE_BYTES_MAX)];
    let mut page = Page { base: base.clone(), seen: BTreeSet::new(), links: PageLinks::default(), counts: [0; 2] };
    let mut tokens = Tokens::new(html);
    // Of an open `<a>`: its address and where its text begins.
    let mut open: Option<(String, usize)> = None;
    while let Some(token) = tokens.next() {
        match token {
            Token::Start { name, attributes: text, .. } => {
                let name = local(name).to_ascii_lowercase();
                let value = |wanted: &str| attribute(text, wanted);
                match name.as_str() {
                    "script" | "style" => {
                        let rest = &html.as_bytes()[tokens.end()..];
                        let end = find_end(rest, &name).unwrap_or(rest.len());
                        let to = tokens.end() + end;
                        tokens.go_to(to);
                    }
                    "base" => {
                        if let Some(base) = value("href").and_then(|href| base.join(href.trim()).ok()) {
                            page.base = base;
                        }
                    }
                    "link" => page.link(text),
                    "a" => open = value("href").map(|href| (href, tokens.end())),
                    _ => {}
                }
            }
            Token::End { name } if name.eq_ignore_ascii_case("a") => {
                if let Some((href, start)) = open.take() {
                    page.anchor(&href, &html[start..tokens.start().max(start)]);
                }
            }
            _ => {}
        }
    }
    page.links.candidates.sort_by_key(|candidate| (candidate.by, candidate.is_comments));
    page.links
}

/// Where the text of a `<script>` ends.
fn find_end(rest: &[u8], name: &str) -> Option<usize> {
    memchr::memmem::find_iter(rest, b"</")
        .find(|at| rest[at + 2..].get(..name.len()).is_some_and(|end| end.eq_ignore_ascii_case(name.as_bytes())))
}

/// A page on the way.
struct Page {
    base: Url,
    seen: BTreeSet<Url>,
    links: PageLinks,
    /// Candidates so far by `<link>`, and by `<a>`.
    counts: [usize; 2],
}

impl Page {
    fn link(&mut self, attributes: &str) {
        let value = |wanted: &str| attribute(attributes, wanted).unwrap_or_default();
        let rel = value("rel").to_ascii_lowercase();
        let rels: Vec<&str> = rel.split_ascii_whitespace().collect();
        let kind = value("type").to_ascii_lowercase();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let is_alternate = rels.contains(&"alternate") && FEED_TYPES.contains(&kind);
        // `rel="feed"` was once to say it without a type.
        if !(is_alternate || rels.contains(&"feed")) || rels.contains(&"stylesheet") {
            return;
        }
        self.add(&value("href"), FoundBy::Link, &value("title"));
    }

    fn anchor(&mut self, href: &str, inside: &str) {
        let text = markup::to_text(inside).to_ascii_lowercase();
        let address = href.to_ascii_lowercase();
        let (path, host) = match self.base.join(href.trim()) {
            Ok(url) => (url.path().to_ascii_lowercase(), url.host_str().unwrap_or_default().to_owned()),
            Err(_) => return,
        };
        let file = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let is_file = [".rss", ".rdf", ".atom"].iter().any(|ending| file.ends_with(ending))
            || ["rss.xml", "feed.xml", "atom.xml", "index.xml", "feed.json", "rss.php"]
                .iter()
                .any(|f| file.ends_with(f));
        let has_part = path.split('/').any(|part| matches!(part, "feed" | "feeds" | "rss" | "atom" | "rssfeed"));
        let is_asked =
            ["feed=rss", "feed=atom", "format=rss", "format=atom", "type=rss"].iter().any(|q| address.contains(q));
        let words = text.split(|c: char| !c.is_alphanumeric());
        let is_said = words.take(12).any(|word| matches!(word, "rss" | "atom"));
        let is_feed_host = host.starts_with("feeds.") || host.starts_with("rss.");
        if is_file || has_part || is_asked || is_said || is_feed_host {
            self.add(href, FoundBy::Anchor, &text);
        }
    }

    fn add(&mut self, href: &str, by: FoundBy, title: &str) {
        let href = href.trim();
        if href.is_empty() || href.len() > ADDRESS_BYTES_MAX {
            return;
        }
        let href = match href.strip_prefix("feed:") {
            Some(rest) if rest.starts_with("//") => &format!("{}:{rest}", self.base.scheme()),
            Some(rest) => rest,
            None => href,
        };
        let Ok(mut url) = self.base.join(href) else { return };
        url.set_fragment(None);
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = url.scheme().to_owned();
            let is_quiet = matches!(scheme.as_str(), "javascript" | "mailto" | "data" | "tel");
            if !is_quiet && !self.links.refused.contains(&scheme) && self.links.refused.len() < CANDIDATES_MAX {
                self.links.refused.push(scheme);
            }
            return;
        }
        let count = &mut self.counts[usize::from(by == FoundBy::Anchor)];
        if *count < CANDIDATES_MAX && self.seen.insert(url.clone()) {
            *count += 1;
            let is_comments =
                url.path().to_ascii_lowercase().contains("comments") || title.to_ascii_lowercase().contains("comments");
            self.links.candidates.push(Candidate { url, by, is_comments });
        }
    }
}

/// An attribute's value with its references resolved.
fn attribute(text: &str, wanted: &str) -> Option<String> {
    let (_, value) = attributes(text).find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
    Some(reference::resolve(value, &Entities::default()).into_owned())
}

/// Where the feeds of a page are on sites that are known: YouTube, Reddit, GitHub, Mastodon, Medium, Bluesky. `html` is
/// the page, where it has been fetched: a YouTube handle says nothing of its channel's id, its page does.
pub fn site_feeds(page: &Url, html: Option<&str>) -> Vec<Url> {
    let host = page.host_str().unwrap_or_default();
    let host = ["www.", "m.", "old.", "new."].iter().find_map(|front| host.strip_prefix(front)).unwrap_or(host);
    let parts: Vec<&str> =
        page.path_segments().map(|parts| parts.filter(|p| !p.is_empty()).collect()).unwrap_or_default();
    let found = match host {
        "youtube.com" => youtube(page, &parts, html),
        "reddit.com" => reddit(page, &parts),
        "github.com" => github(page, &parts),
        "medium.com" if !parts.is_empty() && parts[0] != "feed" => vec![at(page, &format!("/feed/{}", parts[0]))],
        "bsky.app" => match parts[..] {
            ["profile", who, ..] => vec![at(page, &format!("/profile/{who}/rss"))],
            _ => Vec::new(),
        },
        // Any server may speak Mastodon; the name of a user of another server is not answered for here.
        _ => match parts.first() {
            Some(user)
                if user.len() > 1 && user.starts_with('@') && !user[1..].contains('@') && !user.contains('.') =>
            {
                vec![at(page, &format!("/{user}.rss"))]
            }
            _ => Vec::new(),
        },
    };
    found.into_iter().flatten().collect()
}

fn at(page: &Url, path_and_query: &str) -> Option<Url> {
    page.join(path_and_query).ok()
}

fn youtube(page: &Url, parts: &[&str], html: Option<&str>) -> Vec<Option<Url>> {
    let feed = |key: &str, value: &str| {
        let mut url = page.join("/feeds/videos.xml").ok()?;
        url.query_pairs_mut().append_pair(key, value);
        Some(url)
    };
    let list = page.query_pairs().find(|(key, _)| key == "list").map(|(_, id)| id.into_owned());
    match (parts, list) {
        (["channel", id, ..], _) => vec![feed("channel_id", id)],
        (["user", name, ..], _) => vec![feed("user", name)],
        (["playlist" | "watch", ..], Some(list)) => vec![feed("playlist_id", &list)],
        _ => html.and_then(youtube_channel).map(|id| feed("channel_id", &id)).into_iter().collect(),
    }
}

/// The channel that a page of YouTube is of, where it says so.
fn youtube_channel(html: &str) -> Option<String> {
    const MARKS: [&str; 4] =
        ["/channel/UC", "\"externalId\":\"UC", "\"channelId\":\"UC", "itemprop=\"identifier\" content=\"UC"];
    MARKS.iter().find_map(|mark| {
        let id_start = html.find(mark)? + mark.len() - 2;
        let id: String = html[id_start..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
            .take(40)
            .collect();
        (id.len() == 24).then_some(id)
    })
}

fn reddit(page: &Url, parts: &[&str]) -> Vec<Option<Url>> {
    match parts {
        [.., ".rss"] => Vec::new(),
        [] => vec![at(page, "/.rss")],
        ["r", name] => vec![at(page, &format!("/r/{name}/.rss"))],
        ["r", name, sort @ ("new" | "hot" | "top" | "rising" | "controversial"), ..] => {
            vec![at(page, &format!("/r/{name}/{sort}/.rss"))]
        }
        ["r", name, "comments", id, ..] => vec![at(page, &format!("/r/{name}/comments/{id}/.rss"))],
        ["u" | "user", name] => vec![at(page, &format!("/user/{name}/.rss"))],
        ["user", name, "m", many, ..] => vec![at(page, &format!("/user/{name}/m/{many}/.rss"))],
        _ => Vec::new(),
    }
}

fn github(page: &Url, parts: &[&str]) -> Vec<Option<Url>> {
    match parts {
        ["topics" | "explore" | "features" | "about" | "login" | "search" | "orgs", ..] => Vec::new(),
        [owner] => vec![at(page, &format!("/{owner}.atom"))],
        [owner, repository, "commits" | "tree", branch, ..] => {
            vec![at(page, &format!("/{owner}/{repository}/commits/{branch}.atom"))]
        }
        [owner, repository, rest @ ..] if !rest.iter().any(|part| part.ends_with(".atom")) => {
            let repository = repository.trim_end_matches(".git");
            ["releases", "commits", "tags"]
                .iter()
                .map(|what| at(page, &format!("/{owner}/{repository}/{what}.atom")))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Where feeds usually are: beside the page, then at the top of its site.
pub fn usual_paths(page: &Url) -> Vec<Url> {
    let mut folder = page.clone();
    folder.set_query(None);
    folder.set_fragment(None);
    let mut beside = folder.clone();
    // `/blog` may be a folder whose slash was left out.
    let last = folder.path().rsplit('/').next().unwrap_or_default();
    if !last.is_empty() && !last.contains('.') {
        let path = format!("{}/", folder.path());
        beside.set_path(&path);
    }
    let mut seen = BTreeSet::new();
    let joined = USUAL_PATHS.iter().flat_map(|path| [beside.join(path), folder.join(&format!("/{path}"))]);
    joined.flatten().filter(|url| seen.insert(url.clone())).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[track_caller]
    fn site(page: &str, expected: &[&str]) {
        let got: Vec<String> = site_feeds(&page.parse().unwrap(), None).into_iter().map(String::from).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn pages_of_known_sites_have_their_feeds() {
        site(
            "https://www.youtube.com/channel/UCabc/videos",
            &["https://www.youtube.com/feeds/videos.xml?channel_id=UCabc"],
        );
        site("https://m.youtube.com/user/someone", &["https://m.youtube.com/feeds/videos.xml?user=someone"]);
        let list = &["https://www.youtube.com/feeds/videos.xml?playlist_id=PL1"];
        site("https://www.youtube.com/playlist?list=PL1", list);
        site("https://www.youtube.com/watch?v=x&list=PL1", list);
        site("https://www.youtube.com/@handle", &[]);
        site("https://www.reddit.com/r/worldnews", &["https://www.reddit.com/r/worldnews/.rss"]);
        site("https://www.reddit.com/r/worldnews/new/", &["https://www.reddit.com/r/worldnews/new/.rss"]);
        site("https://old.reddit.com/u/someone/", &["https://old.reddit.com/user/someone/.rss"]);
        site("https://www.reddit.com/r/worldnews/.rss", &[]);
        site("https://mastodon.example/@reporter", &["https://mastodon.example/@reporter.rss"]);
        site("https://mastodon.example/@reporter/1234", &["https://mastodon.example/@reporter.rss"]);
        site("https://mastodon.example/@reporter@other.example", &[]);
        site("https://medium.com/@someone", &["https://medium.com/feed/@someone"]);
        site("https://bsky.app/profile/a.example", &["https://bsky.app/profile/a.example/rss"]);
        site("https://github.com/owner", &["https://github.com/owner.atom"]);
        let of = |what: &str| format!("https://github.com/owner/repo/{what}.atom");
        site("https://github.com/owner/repo/issues", &[&of("releases"), &of("commits"), &of("tags")]);
        site("https://github.com/owner/repo/tree/main/src", &[&of("commits/main")]);
        site("https://example.org/news", &[]);
    }

    #[test]
    fn a_page_of_youtube_tells_its_channel() {
        let page: Url = "https://www.youtube.com/@handle".parse().unwrap();
        let id = "UC0123456789abcdefghij_-";
        for html in [
            format!("<link rel=\"canonical\" href=\"https://www.youtube.com/channel/{id}\">"),
            format!("<script>var x = {{\"externalId\":\"{id}\"}}</script>"),
        ] {
            let got = site_feeds(&page, Some(&html));
            assert_eq!(got[0].query(), Some(format!("channel_id={id}").as_str()));
        }
    }

    #[track_caller]
    fn links(html: &str, expected: &[(&str, FoundBy)]) {
        let found = page_links(html, &"https://a.example/news/today.html".parse().unwrap());
        let got: Vec<_> = found.candidates.iter().map(|c| (c.url.as_str(), c.by)).collect();
        assert_eq!(got, expected, "{html}");
    }

    #[test]
    fn links_to_feeds_are_found_however_they_are_written() {
        use FoundBy::{Anchor, Link};
        links("<link rel=alternate type=application/rss+xml href=/feed>", &[("https://a.example/feed", Link)]);
        links(
            "<LINK REL='Alternate Home' TYPE='Application/Atom+XML; charset=utf-8' HREF='a.xml?x=1&amp;y=2'/>",
            &[("https://a.example/news/a.xml?x=1&y=2", Link)],
        );
        links("<base href='https://b.example/x/'><link rel='feed' href='f'>", &[("https://b.example/x/f", Link)]);
        links(
            "<link rel='alternate' type='application/feed+json' href='//c.example/f.json'>",
            &[("https://c.example/f.json", Link)],
        );
        links(
            "<link rel='alternate' hreflang='de' href='/de'><link rel='stylesheet' type='text/css' href='/rss.css'>",
            &[],
        );
        links(
            "<link rel='alternate' type='application/rss+xml' href='/comments/feed'>\
               <link rel='alternate' type='application/rss+xml' href='/feed'>",
            &[("https://a.example/feed", Link), ("https://a.example/comments/feed", Link)],
        );
        links("<a href='/x/rss'>all news</a>", &[("https://a.example/x/rss", Anchor)]);
        links("<a href='/abo'><img alt=''><b>RSS</b> abonnieren</a>", &[("https://a.example/abo", Anchor)]);
        links(
            "<a href='/world.rdf'>World</a><a href='/about'>Our press office</a>",
            &[("https://a.example/world.rdf", Anchor)],
        );
        links("<a href='?feed=rss2'>x</a>", &[("https://a.example/news/today.html?feed=rss2", Anchor)]);
        links("<script>'<a href=\"/feed\">'</script><a href='javascript:rss()'>RSS</a>", &[]);
        links("<a href='feed:https://d.example/f'>RSS</a>", &[("https://d.example/f", Anchor)]);
    }

    #[test]
    fn a_page_leads_to_no_file_and_no_command() {
        let html = "<link rel=alternate type=application/rss+xml href='file:///etc/passwd'><a href='exec:sh'>RSS</a>";
        let found = page_links(html, &"https://a.example/".parse().unwrap());
        assert_eq!((found.candidates.len(), found.refused), (0, vec!["file".to_owned(), "exec".to_owned()]));
    }

    #[test]
    fn usual_paths_are_beside_the_page_and_at_the_top() {
        let paths: Vec<String> =
            usual_paths(&"https://a.example/blog?x".parse().unwrap()).into_iter().map(String::from).collect();
        assert_eq!(paths[..2], ["https://a.example/blog/feed", "https://a.example/feed"]);
        assert_eq!(usual_paths(&"https://a.example/".parse().unwrap()).len(), USUAL_PATHS.len());
    }

    #[test]
    fn a_page_without_end_costs_no_more_than_its_bound() {
        let many: String = (0..100_000).map(|n| format!("<link rel=feed href='/{n}'><a href='/rss/{n}'>x")).collect();
        let started = std::time::Instant::now();
        let found = page_links(&many, &"https://a.example/".parse().unwrap());
        assert!(found.candidates.len() <= 2 * CANDIDATES_MAX);
        let scripts = "<script>".repeat(200_000);
        page_links(&scripts, &"https://a.example/".parse().unwrap());
        assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
    }
}

//! Pages as sites serve them, and the feeds that `feeds discover` finds there. Sites with names are asked by way of a
//! proxy on loopback.

use super::{
    farm::{Farm, Reply},
    program::Desk,
};

fn rss(title: &str) -> String {
    format!(
        "<rss version='2.0'><channel><title>{title}</title><link>https://a.example/</link><description>d</description>\
         <item><title>One</title><guid>{title}-1</guid><pubDate>Tue, 24 Nov 2026 10:00:00 GMT</pubDate></item>\
         <item><title>Two</title><guid>{title}-2</guid><pubDate>Wed, 25 Nov 2026 10:00:00 GMT</pubDate></item>\
         </channel></rss>"
    )
}

fn atom(title: &str) -> String {
    format!(
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>{title}</title><id>urn:{title}</id>\
         <updated>2026-11-25T10:00:00Z</updated><entry><title>One</title><id>urn:1</id>\
         <updated>2026-11-25T10:00:00Z</updated></entry></feed>"
    )
}

fn json(title: &str) -> String {
    format!(
        "{{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"{title}\",\
         \"items\":[{{\"id\":\"1\",\"content_text\":\"x\",\"date_published\":\"2026-11-25T10:00:00Z\"}}]}}"
    )
}

fn page(head: &str, body: &str) -> String {
    format!("<!doctype html><html><head><title>t</title>{head}</head><body><p>Words.</p>{body}</body></html>")
}

/// Serves what stands at these paths, or whole addresses where it is asked as a proxy, and 404 for the rest.
async fn site(documents: &[(&str, String)]) -> Farm {
    let documents: Vec<(String, String)> =
        documents.iter().map(|(at, text)| ((*at).to_owned(), text.clone())).collect();
    Farm::start(move |request| match documents.iter().find(|(at, _)| *at == request.path) {
        Some((_, to)) if to.starts_with("to ") => Reply::moved(301, to.trim_start_matches("to ")),
        Some((_, text)) => {
            let kind = if text.starts_with("<!doctype") { "text/html; charset=utf-8" } else { "application/xml" };
            Reply::ok(text.clone()).header("content-type", kind)
        }
        None => Reply::status(404),
    })
    .await
}

/// What is found at `start`, a path of a site of its own or a whole address.
async fn check(start: &str, documents: &[(&str, String)], expected: &[&str]) {
    let farm = site(documents).await;
    let named = start.starts_with("http");
    let proxy = if named { format!("proxy = \"{}\"\n", farm.url("/")) } else { String::new() };
    let desk = Desk::new(&format!("[daemon]\ndata_dir = \"data\"\n{proxy}"));
    let at = if named { start.to_owned() } else { farm.url(start).to_string() };
    let ran = desk.run(&["feeds", "discover", &at]);
    let front = farm.url("/").to_string();
    let front = front.trim_end_matches('/');
    let found: Vec<String> = ran
        .lines()
        .iter()
        .map(|line| {
            assert!(line["entries"].as_u64().unwrap() > 0 && line["title"].is_string(), "{line}");
            assert_eq!(line["newest"], "2026-11-25T10:00:00Z", "{line}");
            line["url"].as_str().unwrap().trim_start_matches(front).to_owned()
        })
        .collect();
    assert_eq!(found, expected, "{start}: {}", ran.stderr);
    assert_eq!(ran.code, Some(if expected.is_empty() { 1 } else { 0 }), "{start}: {}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_of_twenty_pages_are_found() {
    let link =
        |kind: &str, href: &str| format!("<link rel=\"alternate\" type=\"{kind}\" href=\"{href}\" title=\"News\">");
    let (rss_link, atom_link) = ("application/rss+xml", "application/atom+xml");
    let plain = page("", "");
    // 1: the feed itself.
    check("/feed.xml", &[("/feed.xml", rss("a"))], &["/feed.xml"]).await;
    // 2: one link, with a reference in its address.
    check("/", &[("/", page(&link(rss_link, "/f?a=1&amp;b=2"), "")), ("/f?a=1&b=2", rss("a"))], &["/f?a=1&b=2"]).await;
    // 3: without quotes, in capitals, relative to the page.
    let loud = page("<LINK REL=Alternate TYPE=Application/Atom+XML HREF=news.atom>", "");
    check("/en/", &[("/en/", loud), ("/en/news.atom", atom("a"))], &["/en/news.atom"]).await;
    // 4: relative to a base.
    let based = page(&format!("<base href='/deep/'>{}", link(rss_link, "f")), "");
    check("/", &[("/", based), ("/deep/f", rss("a"))], &["/deep/f"]).await;
    // 5: JSON Feed.
    check("/", &[("/", page(&link("application/feed+json", "/f.json"), "")), ("/f.json", json("a"))], &["/f.json"])
        .await;
    // 6: two forms of one feed are two to choose from.
    let two = page(&(link(rss_link, "/r") + &link(atom_link, "/a")), "");
    check("/", &[("/", two), ("/r", rss("a")), ("/a", atom("a"))], &["/r", "/a"]).await;
    // 7: readers' comments come last.
    let comments = page(&(link(rss_link, "/comments/feed/") + &link(rss_link, "/feed/")), "");
    check("/", &[("/", comments), ("/feed/", rss("a")), ("/comments/feed/", rss("c"))], &["/feed/", "/comments/feed/"])
        .await;
    // 8: a link to nothing, beside an anchor that is good.
    let half = page(&link(rss_link, "/gone"), "<a href='/rss/world'>World</a>");
    check("/", &[("/", half), ("/rss/world", rss("a"))], &["/rss/world"]).await;
    // 9: an anchor that says so in its text alone.
    let said = page("", "<a class=x href='/subscribe/7'><span>RSS</span>-Feed</a>");
    check("/", &[("/", said), ("/subscribe/7", rss("a"))], &["/subscribe/7"]).await;
    // 10: a page about feeds, with many.
    let many = page("", "<a href='/w.rdf'>World</a><a href='/b.rss'>Business</a><a href='/about'>About</a>");
    check("/feeds", &[("/feeds", many), ("/w.rdf", rss("w")), ("/b.rss", rss("b"))], &["/w.rdf", "/b.rss"]).await;
    // 11: no word of it, at the top of the site.
    check("/news/today", &[("/news/today", plain.clone()), ("/rss.xml", rss("a"))], &["/rss.xml"]).await;
    // 12: no word of it, beside the page.
    check("/blog", &[("/blog", plain.clone()), ("/blog/feed", rss("a"))], &["/blog/feed"]).await;
    // 13: moved for good, and the same document at two addresses.
    let moved = page(&(link(rss_link, "/old") + &link(rss_link, "/new")), "");
    check("/", &[("/", moved), ("/old", "to /new".into()), ("/new", rss("a"))], &["/new"]).await;
    // 14: everything answers with a page; none is a feed.
    let soft: Vec<(&str, String)> =
        ["/", "/feed", "/rss", "/rss.xml", "/feed.xml"].map(|at| (at, plain.clone())).to_vec();
    check("/", &soft, &[]).await;
    // 15: Mastodon, whose pages are empty without their scripts.
    let user = [("/@reporter", plain.clone()), ("/@reporter.rss", rss("a"))];
    check("/@reporter", &user, &["/@reporter.rss"]).await;
    // 16 to 18: YouTube, by channel, by handle, by playlist.
    let channel = "http://www.youtube.com/feeds/videos.xml?channel_id=UC0123456789abcdefghij_-";
    let at = "http://www.youtube.com/channel/UC0123456789abcdefghij_-/videos";
    check(at, &[(at, plain.clone()), (channel, atom("a"))], &[channel]).await;
    let at = "http://www.youtube.com/@handle";
    let handle = page("<link rel='canonical' href='https://www.youtube.com/channel/UC0123456789abcdefghij_-'>", "");
    check(at, &[(at, handle), (channel, atom("a"))], &[channel]).await;
    let (at, list) =
        ("http://www.youtube.com/playlist?list=PL1", "http://www.youtube.com/feeds/videos.xml?playlist_id=PL1");
    check(at, &[(at, plain.clone()), (list, atom("a"))], &[list]).await;
    // 19: Reddit, which keeps programs from its pages.
    let (at, sub) = ("http://www.reddit.com/r/worldnews/", "http://www.reddit.com/r/worldnews/.rss");
    check(at, &[(sub, atom("a"))], &[sub]).await;
    // 20: GitHub.
    let at = "http://github.com/owner/repo";
    let (releases, commits) =
        ("http://github.com/owner/repo/releases.atom", "http://github.com/owner/repo/commits.atom");
    let repo = [(at, plain), (releases, atom("r")), (commits, atom("c"))];
    check(at, &repo, &[releases, commits]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_leads_to_no_file_no_command_and_no_other_private_host() {
    let other = site(&[("/secret", rss("secret"))]).await;
    let links = format!(
        "<link rel=alternate type=application/rss+xml href='file:///etc/passwd'>\
         <link rel=alternate type=application/rss+xml href='http://localhost:{}/secret'>\
         <link rel=alternate type=application/rss+xml href='/away'><a href='exec:sh'>RSS</a>",
        other.port()
    );
    let farm = site(&[("/", page(&links, "")), ("/away", "to file:///etc/passwd".into())]).await;
    let desk = Desk::new("[daemon]\ndata_dir = \"data\"\n");
    let ran = desk.run(&["feeds", "discover", farm.url("/").as_str()]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    assert!(ran.stderr.contains("file:…: a page can't lead to files or commands"), "{}", ran.stderr);
    assert!(ran.stderr.contains("exec:…: a page can't lead to files or commands"), "{}", ran.stderr);
    assert!(ran.stderr.contains("localhost"), "{}", ran.stderr);
    assert!(ran.stderr.contains("leads to a `file:` URL"), "{}", ran.stderr);
    assert_eq!(other.requests().len(), 0);
}

//! What feed-rs reads and what our own reader reads of the same plain document is the same.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use super::*;
use crate::schedule::Rhythm;

/// Both answers, without what only one of them could know; `None` where a document is not plain.
fn both(bytes: &[u8], name: &str) -> Option<(Feed, Feed)> {
    let base: Url = "https://feeds.example.org/all.xml".parse().unwrap();
    let decoded = charset::decode(bytes, None);
    let outline = outline::walk(&decoded.text);
    let format = outline.format.filter(|_| outline.is_plain)?;
    let strict =
        strict::read(&decoded.text, &outline, format, Some(&base)).unwrap_or_else(|error| panic!("{name}: {error}"));
    // What feed-rs cannot make of a date, the other reader may.
    strict.notes.is_empty().then(|| (strict, lenient::read(&outline, format, Some(&base))))
}

fn alike(feed: &Feed) -> Feed {
    let mut feed = feed.clone();
    // Read from the outline, whoever reads the rest.
    feed.about.rhythm = Rhythm::default();
    let written = |url: &Option<String>| url.as_deref().map(|url| String::from(Url::parse(url).unwrap()));
    feed.about.site_url = written(&feed.about.site_url);
    feed.about.self_url = written(&feed.about.self_url);
    for entry in &mut feed.entries {
        entry.url = written(&entry.url);
        entry.title = entry.title.as_deref().map(markup::one_line);
        // feed-rs writes addresses and types in its own way.
        for enclosure in &mut entry.enclosures {
            enclosure.url = Url::parse(&enclosure.url).unwrap().into();
            enclosure.mime = enclosure.mime.as_deref().map(str::to_ascii_lowercase);
        }
    }
    feed
}

#[test]
fn both_readers_agree_on_plain_documents() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/feed");
    let mut compared = 0;
    for case in fs::read_dir(root).unwrap() {
        let folder = case.unwrap().path();
        let Ok(bytes) = fs::read(folder.join("input.xml")) else { continue };
        // feed-rs panics on it, as the guard's fixture shows.
        if folder.ends_with("author-that-makes-feed-rs-panic") {
            continue;
        }
        if let Some((strict, lenient)) = both(&bytes, &folder.to_string_lossy()) {
            assert_eq!(alike(&strict), alike(&lenient), "{}", folder.display());
            compared += 1;
        }
    }
    assert!(compared >= 60, "only {compared} documents are plain");
}

#[test]
fn documents_as_most_sites_serve_them_go_to_feed_rs() {
    let wordpress = r#"<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"
        xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wfw="http://wellformedweb.org/CommentAPI/"
        xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom"
        xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" xmlns:slash="http://purl.org/rss/1.0/modules/slash/">
        <channel><title>Coast News</title><atom:link href="https://n.example/feed/" rel="self" type="application/rss+xml"/>
        <link>https://n.example</link><description>Ports</description><lastBuildDate>Mon, 06 May 2024 10:15:00 +0000</lastBuildDate>
        <language>en-US</language><sy:updatePeriod>hourly</sy:updatePeriod><generator>https://wordpress.org/?v=6.5</generator>
        <image><url>https://n.example/i.png</url><title>Coast News</title><link>https://n.example</link></image>
        <item><title>Harbour &#8217;reopens&#8217;</title><link>https://n.example/harbour/</link><comments>https://n.example/harbour/#c</comments>
        <dc:creator><![CDATA[Ann Lee]]></dc:creator><pubDate>Mon, 06 May 2024 10:15:00 +0000</pubDate><category><![CDATA[Ports]]></category>
        <guid isPermaLink="false">https://n.example/?p=7</guid><description><![CDATA[<p>Ferries sail.</p>]]></description>
        <content:encoded><![CDATA[<p>Ferries sail again.</p>]]></content:encoded><wfw:commentRss>https://n.example/c</wfw:commentRss>
        <slash:comments>0</slash:comments></item></channel></rss>"#;
    let (strict, lenient) = both(wordpress.as_bytes(), "wordpress").expect("plain");
    assert_eq!(alike(&strict), alike(&lenient));
    assert_eq!(strict.entries[0].authors, ["Ann Lee"]);
    assert_eq!(strict.about.language.as_deref(), Some("en-US"));
    let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="tr"><title>Hill</title><id>urn:h</id>
        <updated>2024-05-06T10:15:00Z</updated><link rel="self" href="https://h.example/a"/><author><name>Ann</name></author>
        <entry><title type="html">The &lt;b&gt;mill&lt;/b&gt;</title><link href="https://h.example/mill"/><id>urn:h:1</id>
        <published>2024-05-06T10:15:00Z</published><updated>2024-05-07T10:15:00Z</updated>
        <content type="html">&lt;p&gt;Flour.&lt;/p&gt;</content><author><name>Ben</name></author></entry></feed>"#;
    let (strict, lenient) = both(atom.as_bytes(), "atom").expect("plain");
    assert_eq!(alike(&strict), alike(&lenient));
}

#[test]
fn forms_that_readers_once_took_differently_are_read_as_one() {
    let rss = |inside: &str| {
        format!(
            "<rss version=\"2.0\" xmlns:media=\"http://search.yahoo.com/mrss/\"><channel><title>F</title>\
             <link>https://e.example/</link><ttl> 60 </ttl><item><title>T</title>\
             <link>https://e.example/1</link>{inside}</item></channel></rss>"
        )
    };
    let atom = |category: &str| {
        format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>F</title><id>f</id><entry><title>T</title><id>1</id>\
             {category}</entry></feed>"
        )
    };
    let file = "<enclosure url=\"https://e.example/a.mp3\" type=\"audio/mpeg\" length=\"7\"/>";
    for text in [
        rss(&format!("{file}<media:content url=\"https://e.example/a.mp3\" medium=\"audio\"/>")),
        rss(&file.replace("audio/mpeg", "mp3")),
        rss(file),
        atom("<category term=\"ports\"/><category term=\"a &amp;amp; b\" scheme=\"s\"/>"),
        atom("<category term=\"ports\" label=\"\"/><category term=\"p\" label=\"Ports\"/>"),
        atom("<category label=\"Ports\"/><category>ports</category><category term=\"a\">b</category>"),
        atom("<category Label=\"Ports\" term=\"p\"/><category x:term=\"a\"/>"),
    ] {
        let outline = outline::walk(&text);
        let lenient = lenient::read(&outline, outline.format.unwrap(), None);
        let read = parse(text.as_bytes(), None, None).unwrap();
        assert_eq!(alike(&read), alike(&lenient), "{text}");
        assert!(read.about.ttl.is_none_or(|ttl| ttl == 60));
    }
    // Most blogs name their categories by term alone: no reason to do without feed-rs.
    assert!(outline::walk(&atom("<category term=\"ports\"/>")).is_plain);
}

#[test]
fn a_feed_that_says_when_it_was_published_has_not_said_when_it_changed() {
    let rss = "<rss version=\"2.0\"><channel><title>F</title><pubDate>Mon, 06 May 2024 10:15:00 GMT</pubDate>\
        <item><title>T</title></item></channel></rss>";
    for text in [rss, &rss.replace("<title>T", "<title>T&nbsp;")] {
        assert_eq!(parse(text.as_bytes(), None, None).unwrap().about.updated, None, "{text}");
    }
    let changed = rss.replace("pubDate", "lastBuildDate");
    assert!(parse(changed.as_bytes(), None, None).unwrap().about.updated.is_some());
}

#[test]
fn a_panic_of_feed_rs_costs_nothing() {
    let text = "<rss version=\"2.0\"><channel><title>a</title><item><title>b</title>\
        <author>\u{201c}desk@example.org</author></item></channel></rss>";
    let outline = outline::walk(text);
    assert!(outline.is_plain);
    let strict = strict::read(text, &outline, Format::Rss2, None);
    assert!(matches!(strict, Err(FeedError::Panicked { .. })), "{strict:?}");
    let feed = parse(text.as_bytes(), None, None).unwrap();
    assert_eq!(feed.entries[0].title.as_deref(), Some("b"));
    assert!(feed.notes.iter().any(|note| note.contains("the first parser failed on it")), "{:?}", feed.notes);
}

#[test]
fn an_outline_takes_time_in_proportion() {
    // Each of these once made some parser's time grow with the square of the length.
    for piece in [
        "<a><![CDATA[x</a>",
        "<?x>",
        "<!a[>",
        "<a \"",
        "<a 'x>",
        "<title>x<link>",
        "<item>",
        "</b>",
        "<p>",
        "&#1;",
        "&",
        "<",
        "<!--",
        "<item><title><item>",
        "<entry><content><entry>",
        "<a:b xmlns:a='c'>",
        "]]>",
        "<item><title>",
        "<item><title>a<link>b<? ></item>",
        "<item><title>a<link>b<!a[ ></item>",
        "<item><title>a<link>b<![CDATA[c</link></item>",
    ] {
        let text = format!("<rss><channel>{}", piece.repeat(200_000 / piece.len()));
        let started = std::time::Instant::now();
        let _ = parse(text.as_bytes(), None, None);
        assert!(started.elapsed().as_secs() < 5, "{piece}: {:?}", started.elapsed());
    }
}

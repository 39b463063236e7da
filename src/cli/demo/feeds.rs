//! The bundled sample feeds as a server would serve them: a name, a version and a time in, a document out.
//!
//! The documents stand in `config/demo/` with three kinds of marks, told in its `README.md`: `{{ago:3h}}` for a date,
//! `{{first}}…{{/first}}` and `{{second}}…{{/second}}` for what one version alone holds. A feed without the last two
//! is the same in both versions, byte for byte, so that its second poll can be answered 304.

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// The config that the demo runs with; `${DEMO_ADDRESS}`, `${DEMO_DATA}` and `${DEMO_SECRET}` are to be supplied.
pub const CONFIG: &str = include_str!("../../../config/demo/demo.toml");

/// Which watches should fire on which article, and why; a table of TOML that tests read.
pub const EXPECTED: &str = include_str!("../../../config/demo/expected.toml");

/// How a feed's format writes its dates.
#[derive(Clone, Copy)]
enum DateForm {
    Rfc822,
    Rfc3339,
}

struct Sample {
    name: &'static str,
    text: &'static str,
    content_type: &'static str,
    dates: DateForm,
}

const SAMPLES: [Sample; 6] = [
    Sample {
        name: "meridian.xml",
        text: include_str!("../../../config/demo/meridian.xml"),
        content_type: "application/rss+xml; charset=utf-8",
        dates: DateForm::Rfc822,
    },
    Sample {
        name: "harbour.xml",
        text: include_str!("../../../config/demo/harbour.xml"),
        content_type: "application/rss+xml; charset=utf-8",
        dates: DateForm::Rfc822,
    },
    Sample {
        name: "bogazici.xml",
        text: include_str!("../../../config/demo/bogazici.xml"),
        content_type: "application/rdf+xml",
        dates: DateForm::Rfc3339,
    },
    Sample {
        name: "sever.xml",
        text: include_str!("../../../config/demo/sever.xml"),
        content_type: "application/atom+xml; charset=utf-8",
        dates: DateForm::Rfc3339,
    },
    Sample {
        name: "rives.xml",
        text: include_str!("../../../config/demo/rives.xml"),
        // Many servers know no better than this.
        content_type: "text/xml",
        dates: DateForm::Rfc3339,
    },
    Sample {
        name: "plainline.json",
        text: include_str!("../../../config/demo/plainline.json"),
        content_type: "application/feed+json",
        dates: DateForm::Rfc3339,
    },
];

/// A feed's document, ready to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The document, in UTF-8.
    pub body: Vec<u8>,
    /// The media type that its server names.
    pub content_type: &'static str,
    /// A strong validator, quotes included, that follows from the body alone.
    pub etag: String,
    /// Later in the second version, where that differs from the first.
    pub last_modified: DateTime<Utc>,
}

/// The names of the sample feeds, as they stand in their URLs.
pub fn names() -> impl Iterator<Item = &'static str> {
    SAMPLES.iter().map(|sample| sample.name)
}

/// The feed's document in its first or `second` version, with dates counted back from `now`.
///
/// `now` is the time at which the demo began: with one that moves, no two polls would see the same bytes.
/// None where there is no feed of this name.
pub fn render(name: &str, second: bool, now: DateTime<Utc>) -> Option<Rendered> {
    let sample = SAMPLES.iter().find(|sample| sample.name == name)?;
    let body = fill(sample.text, second, now, sample.dates).into_bytes();
    let is_changed = second && sample.text.contains("{{second}}");
    let last_modified = if is_changed { now } else { now - Duration::minutes(10) };
    let etag = format!("\"{}\"", &HEXLOWER.encode(&Sha256::digest(&body))[..16]);
    Some(Rendered { body, content_type: sample.content_type, etag, last_modified })
}

/// Replaces the marks in one pass. Sections don't nest; a mark that is none of ours stays as it is.
fn fill(text: &str, second: bool, now: DateTime<Utc>, dates: DateForm) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_kept = true;
    while let Some((before, from_mark)) = rest.split_once("{{") {
        let Some((mark, after)) = from_mark.split_once("}}") else { break };
        let date = mark.strip_prefix("ago:").and_then(age).map(|age| write_date(now - age, dates));
        if is_kept {
            out.push_str(before);
        }
        match mark {
            "first" => is_kept = !second,
            "second" => is_kept = second,
            "/first" | "/second" => is_kept = true,
            _ if !is_kept => {}
            _ => match date {
                Some(date) => out.push_str(&date),
                None => out.extend(["{{", mark, "}}"]),
            },
        }
        rest = after;
    }
    if is_kept {
        out.push_str(rest);
    }
    out
}

/// `90m`, `3h` or `2d`.
fn age(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number = i64::from(number.parse::<u16>().ok()?);
    match unit {
        "m" => Some(Duration::minutes(number)),
        "h" => Some(Duration::hours(number)),
        "d" => Some(Duration::days(number)),
        _ => None,
    }
}

fn write_date(date: DateTime<Utc>, form: DateForm) -> String {
    match form {
        DateForm::Rfc822 => date.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        DateForm::Rfc3339 => date.to_rfc3339_opts(SecondsFormat::Secs, true),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::{BTreeMap, BTreeSet};

    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-03-10T12:00:00Z".parse().unwrap()
    }

    fn text(name: &str, second: bool) -> String {
        String::from_utf8(render(name, second, now()).unwrap().body).unwrap()
    }

    /// The articles' own ids in a document, in its order; panics where it is not well-formed.
    fn article_ids(name: &str, text: &str) -> Vec<String> {
        if name.ends_with(".json") {
            let document: serde_json::Value = serde_json::from_str(text).unwrap();
            let items = document["items"].as_array().unwrap();
            return items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
        }
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        let (mut ids, mut is_article, mut is_id) = (Vec::new(), false, false);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) => match start.name().as_ref() {
                    "item" | "entry" => {
                        is_article = true;
                        if let Some(about) = start.try_get_attribute("rdf:about").unwrap() {
                            ids.push(about.value.into_owned());
                        }
                    }
                    "guid" | "id" => is_id = is_article,
                    _ => {}
                },
                Event::End(end) => match end.name().as_ref() {
                    "item" | "entry" => is_article = false,
                    _ => is_id = false,
                },
                Event::Text(text) if is_id => ids.push(text.to_string()),
                Event::Eof => return ids,
                _ => {}
            }
        }
    }

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Expected {
        article: Vec<ExpectedArticle>,
    }

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct ExpectedArticle {
        feed: String,
        id: String,
        title: String,
        watches: Vec<String>,
        #[serde(default)]
        second: Vec<String>,
        appears: Option<String>,
        copy_of: Option<String>,
        #[serde(rename = "held")]
        _held: Option<String>,
        #[serde(default)]
        leaders: Vec<String>,
        #[serde(rename = "deal")]
        _deal: Option<String>,
        #[serde(default, rename = "resolutions")]
        _resolutions: Vec<u32>,
        #[serde(rename = "why")]
        _why: String,
    }

    fn expected() -> Vec<ExpectedArticle> {
        toml::from_str::<Expected>(EXPECTED).unwrap().article
    }

    #[test]
    fn every_document_is_well_formed_and_holds_the_expected_articles() {
        for second in [false, true] {
            let mut found = BTreeMap::new();
            for name in names() {
                let feed = name.split('.').next().unwrap();
                let text = text(name, second);
                assert!(!text.contains("{{") && !text.contains("}}"), "a mark is left in {name}");
                for id in article_ids(name, &text) {
                    assert!(found.insert(id.clone(), feed.to_owned()).is_none(), "{id} stands twice");
                }
            }
            let awaited: BTreeMap<_, _> = expected()
                .into_iter()
                .filter(|article| second || article.appears.is_none())
                .map(|article| (article.id, article.feed))
                .collect();
            assert_eq!(found, awaited);
            assert!(found.len() >= 44, "{} articles", found.len());
        }
    }

    #[test]
    fn expected_titles_stand_in_their_feeds() {
        for article in expected() {
            let name = names().find(|name| name.starts_with(&article.feed)).unwrap();
            let text = text(name, true).replace("&#8217;", "’");
            assert!(text.contains(&article.title), "{}", article.title);
        }
    }

    #[test]
    fn expected_names_only_watches_and_articles_there_are() {
        let articles = expected();
        let ids: BTreeSet<_> = articles.iter().map(|article| article.id.as_str()).collect();
        for article in &articles {
            for watch in article.watches.iter().chain(&article.second) {
                let watches = ["arms-deals", "unsc-resolutions", "leaders", "sanctions-evasion"];
                assert!(watches.contains(&watch.as_str()), "{watch}");
            }
            if let Some(original) = &article.copy_of {
                assert!(ids.contains(original.as_str()), "{original}");
            }
            assert_eq!(article.leaders.is_empty(), !article.watches.iter().any(|watch| watch == "leaders"));
        }
    }

    #[test]
    fn only_edited_feeds_differ_between_the_versions() {
        let changed: Vec<_> = names().filter(|name| render(name, false, now()) != render(name, true, now())).collect();
        assert_eq!(changed, ["meridian.xml", "plainline.json"]);
        assert!(!text("meridian.xml", false).contains("FK-3") && text("meridian.xml", true).contains("FK-3"));
    }

    #[test]
    fn dates_are_written_as_the_format_asks() {
        assert!(text("meridian.xml", false).contains("<pubDate>Tue, 10 Mar 2026 11:20:00 GMT</pubDate>"));
        assert!(text("bogazici.xml", false).contains("<dc:date>2026-03-10T11:10:00Z</dc:date>"));
        assert!(text("plainline.json", false).contains("\"date_published\": \"2026-03-07T12:00:00Z\""));
    }

    #[test]
    fn marks_are_filled_in() {
        #[track_caller]
        fn check(text: &str, first: &str, second: &str) {
            assert_eq!(fill(text, false, now(), DateForm::Rfc3339), first);
            assert_eq!(fill(text, true, now(), DateForm::Rfc3339), second);
        }
        check("a{{first}}b{{/first}}c", "abc", "ac");
        check("a{{second}}{{ago:2d}}{{/second}}", "a", "a2026-03-08T12:00:00Z");
        check("{{ago:90m}}", "2026-03-10T10:30:00Z", "2026-03-10T10:30:00Z");
        check("{{ago:soon}} {{x", "{{ago:soon}} {{x", "{{ago:soon}} {{x");
    }

    #[test]
    fn an_unknown_name_is_no_feed() {
        assert_eq!(render("nothing.xml", false, now()), None);
    }
}

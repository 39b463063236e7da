//! The demo: its sample articles, through feed, article and watch as the daemon takes them.

use chrono::{DateTime, Duration, TimeZone, Utc};
use serde::Deserialize;
use wirewatch::{
    alert::AlertBody,
    article::{ArticleFeed, from_entry, identity},
    config::{Environment, Origin, Settings, load_str},
    daemon::watching::Watching,
    feed,
};

const FEEDS: [(&str, &str); 6] = [
    ("meridian", include_str!("../../config/demo/meridian.xml")),
    ("harbour", include_str!("../../config/demo/harbour.xml")),
    ("bogazici", include_str!("../../config/demo/bogazici.xml")),
    ("sever", include_str!("../../config/demo/sever.xml")),
    ("rives", include_str!("../../config/demo/rives.xml")),
    ("plainline", include_str!("../../config/demo/plainline.json")),
];

#[derive(Deserialize)]
struct Expectations {
    article: Vec<Expected>,
}

/// One entry of `expected.toml`.
#[derive(Deserialize)]
struct Expected {
    feed: String,
    id: String,
    watches: Vec<String>,
    second: Option<Vec<String>>,
    appears: Option<String>,
    #[serde(default)]
    leaders: Vec<String>,
    deal: Option<String>,
    #[serde(default)]
    resolutions: Vec<u16>,
}

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 15, 12, 0, 0).unwrap()
}

/// A feed's document as the sample server serves it: times filled in, one of the two versions kept.
fn document(template: &str, is_second: bool) -> String {
    let (kept, dropped) = if is_second { ("second", "first") } else { ("first", "second") };
    let text = template.replace(&format!("{{{{{kept}}}}}"), "").replace(&format!("{{{{/{kept}}}}}"), "");
    let mut text = without(text, &format!("{{{{{dropped}}}}}"), &format!("{{{{/{dropped}}}}}"));
    let is_rss = text.contains("<rss");
    while let Some(start) = text.find("{{ago:") {
        let end = start + text[start..].find("}}").unwrap();
        let (number, unit) = text[start + "{{ago:".len()..end].split_at(end - start - "{{ago:".len() - 1);
        let number: i64 = number.parse().unwrap();
        let ago = match unit {
            "m" => Duration::minutes(number),
            "h" => Duration::hours(number),
            _ => Duration::days(number),
        };
        let time = now() - ago;
        let time = if is_rss { time.to_rfc2822() } else { time.to_rfc3339() };
        text.replace_range(start..end + 2, &time);
    }
    text
}

fn without(mut text: String, open: &str, close: &str) -> String {
    while let Some(start) = text.find(open) {
        let end = text[start..].find(close).unwrap() + start + close.len();
        text.replace_range(start..end, "");
    }
    text
}

fn settings() -> Settings {
    let environment = Environment::of([
        ("HOME", "/users/ada"),
        ("DEMO_ADDRESS", "127.0.0.1:1"),
        ("DEMO_DATA", "/users/ada/demo"),
        ("DEMO_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ]);
    let config = include_str!("../../config/demo/demo.toml");
    let loaded = load_str(config, Origin::Named("demo.toml".to_owned()), &environment);
    assert!(loaded.settings.is_some(), "{:?}", loaded.problems);
    loaded.settings.unwrap()
}

/// The alerts of an article of the demo, by the article's own id in its feed; `None` where it does not stand there.
fn alerts(watching: &Watching, settings: &Settings, expected: &Expected, is_second: bool) -> Option<Vec<AlertBody>> {
    let (_, template) = FEEDS.iter().find(|(id, _)| *id == expected.feed).unwrap();
    let of_feed = settings.feeds.iter().find(|feed| feed.id.as_str() == expected.feed).unwrap();
    let feed = feed::parse(document(template, is_second).as_bytes(), None, None).unwrap();
    let article_feed = ArticleFeed {
        id: of_feed.id.clone(),
        url: of_feed.shown_url(),
        title: of_feed.name.clone(),
        tags: of_feed.tags.clone(),
    };
    let index = identity::ids(&feed.entries).iter().position(|id| id.value == expected.id)?;
    let article = from_entry(&feed.entries[index], Some(&article_feed), feed.about.language.as_deref());
    Some(watching.alerts(&article, &article.key(), now(), Some(now())).into_iter().map(|(_, _, body)| body).collect())
}

fn check(expected: &Expected, watches: &[String], alerts: &[AlertBody], wrong: &mut Vec<String>) {
    let name = format!("{} {}", expected.feed, expected.id);
    let mut found: Vec<&str> = alerts.iter().map(|alert| alert.watch.id.as_str()).collect();
    let mut wanted: Vec<&str> = watches.iter().map(String::as_str).collect();
    found.sort_unstable();
    wanted.sort_unstable();
    if found != wanted {
        wrong.push(format!("{name}: watches {found:?}, not {wanted:?}"));
    }
    let Some(alert) = alerts.first() else { return };
    let leaders: Vec<&str> = alert.leaders.iter().map(|leader| leader.name.as_str()).collect();
    for leader in &expected.leaders {
        if !leaders.contains(&leader.as_str()) {
            wrong.push(format!("{name}: leaders {leaders:?} lack {leader}"));
        }
    }
    if let Some(deal) = &expected.deal {
        let word = |status| serde_json::to_value(status).unwrap().as_str().unwrap().to_owned();
        let deals = alert
            .arms_deals
            .iter()
            .map(|deal| format!("{} -> {} {}", deal.supplier.join("+"), deal.recipient.join("+"), word(&deal.status)));
        let deals: Vec<String> = deals.collect();
        if deals.first() != Some(deal) {
            wrong.push(format!("{name}: deals {deals:?}, not {deal}"));
        }
    }
    for number in &expected.resolutions {
        if !alert.resolutions.iter().any(|resolution| resolution.number == Some(*number)) {
            wrong.push(format!("{name}: lacks resolution {number}"));
        }
    }
}

#[test]
fn sample_articles_fire_what_they_should() {
    let settings = settings();
    let watches = settings.watches.clone();
    let (watching, problems) = Watching::compile(&settings, watches);
    let watching = watching.unwrap_or_else(|| panic!("{problems:?}"));
    let expectations: Expectations = toml::from_str(include_str!("../../config/demo/expected.toml")).unwrap();
    let mut wrong = Vec::new();
    for expected in &expectations.article {
        let is_only_second = expected.appears.as_deref() == Some("second");
        match alerts(&watching, &settings, expected, false) {
            Some(_) if is_only_second => wrong.push(format!("{} stands in the first version", expected.id)),
            Some(alerts) => check(expected, &expected.watches, &alerts, &mut wrong),
            None if is_only_second => {}
            None => wrong.push(format!("{} {} stands nowhere", expected.feed, expected.id)),
        }
        let second = expected.second.as_ref().unwrap_or(&expected.watches);
        match alerts(&watching, &settings, expected, true) {
            Some(alerts) => check(expected, second, &alerts, &mut wrong),
            None => wrong.push(format!("{} {} stands nowhere in the second version", expected.feed, expected.id)),
        }
    }
    let count: usize = FEEDS
        .iter()
        .map(|(_, template)| feed::parse(document(template, true).as_bytes(), None, None).unwrap().entries.len())
        .sum();
    assert_eq!(count, expectations.article.len(), "articles that nothing is expected of");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

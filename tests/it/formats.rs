//! Webhooks in the words of each service: bodies held against fixtures and against the services' documented limits,
//! hostile texts among them; each preset sent to a real receiver; templates that fail found by `check`.
//!
//! Each folder in `tests/fixtures/deliver/formats` is one frozen body (`alert.json`) and what each format makes of it.
//! `UPDATE_EXPECT=1` rewrites those.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use proptest::prelude::*;
use serde_json::{Value, json};
use wirewatch::{
    alert::{Event, EventKind, body::FeedRef},
    config::{Origin, Secret, SinkId, TemplateText, WebhookFormat, WebhookSettings},
    deliver::{TextLook, format::Format},
    watch::pack::Packs,
};

use crate::formats_limits::keeps_limits;

pub(crate) const ID: &str = "alr_k3vq5s7x2m4n6p7r2t5w7y3z4b";
const TEMPLATE: &str = r#"{"title": {{ data.article.title }}, "link": {{ data.article.url }}, "who": [{% for l in data.leaders %}{{ l.name }}{% if not loop.last %}, {% endif %}{% endfor %}], "text": {{ text }}}"#;

pub(crate) fn template(text: &str, content_type: &str) -> WebhookFormat {
    let template = TemplateText {
        text: text.to_owned(),
        origin: Origin::Named("test".into()),
        source: text.into(),
        span: 0..text.len(),
    };
    WebhookFormat::Template { template, content_type: content_type.to_owned(), token: None }
}

/// Every format under the name of its fixture, with the address that people write.
pub(crate) fn formats() -> Vec<(&'static str, WebhookFormat, &'static str)> {
    let token = || Secret::new("in-the-token");
    vec![
        ("standard", WebhookFormat::Standard, "https://hooks.example.org/wirewatch"),
        ("cloudevents", WebhookFormat::CloudEvents, "https://events.example.org/"),
        ("slack", WebhookFormat::Slack, "https://hooks.slack.example/services/T0/B0/x"),
        ("discord", WebhookFormat::Discord, "https://discord.example/api/webhooks/1/x"),
        ("teams", WebhookFormat::Teams, "https://flow.example/workflows/1?sig=x"),
        ("ntfy", WebhookFormat::Ntfy { token: Some(token()) }, "https://ntfy.example/arms_news"),
        ("gotify", WebhookFormat::Gotify { token: token() }, "https://push.example/"),
        (
            "telegram",
            WebhookFormat::Telegram { token: Secret::new("12:abc"), chat: "-100123".into() },
            "https://api.telegram.example",
        ),
        (
            "matrix",
            WebhookFormat::Matrix { token: token(), room: "!room:matrix.example".into() },
            "https://matrix.example",
        ),
        ("pagerduty", WebhookFormat::PagerDuty { routing_key: token() }, "https://events.pagerduty.example/v2/enqueue"),
        ("alertmanager", WebhookFormat::Alertmanager { token: None }, "https://bridge.example/alert"),
        ("alertmanager-api", WebhookFormat::Alertmanager { token: None }, "https://am.example/api/v2/alerts"),
        ("template", template(TEMPLATE, "application/json"), "https://hooks.example.org/own"),
    ]
}

pub(crate) fn look() -> TextLook {
    TextLook { timezone: chrono_tz::Europe::Istanbul, color: false, party_name: Packs::english_name }
}

pub(crate) fn webhook(format: WebhookFormat, url: &str) -> WebhookSettings {
    WebhookSettings {
        url: url.parse().unwrap(),
        format,
        secrets: Vec::new(),
        timeout: Duration::from_secs(10),
        private: true,
        proxy: None,
    }
}

fn made(format: &WebhookFormat, url: &str, body: &str) -> String {
    let format = Format::new(&webhook(format.clone(), url), look()).unwrap();
    let first = format.request(ID, body).unwrap().body.into_owned();
    assert_eq!(first, format.request(ID, body).unwrap().body, "every attempt sends the same bytes");
    first
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/deliver/formats")
}

fn cases() -> Vec<(PathBuf, String)> {
    let mut cases: Vec<PathBuf> = fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 10, "only {} cases found", cases.len());
    let body = |case: PathBuf| {
        let text = fs::read_to_string(case.join("alert.json")).unwrap();
        // As it is frozen: without line breaks.
        let body = serde_json::from_str::<Value>(&text).unwrap().to_string();
        (case, body)
    };
    cases.into_iter().map(body).collect()
}

#[test]
fn each_format_says_what_its_fixture_says() {
    let mut wrong = String::new();
    for (case, body) in cases() {
        // What is no event goes out as it is where the body is the event.
        for (name, format, url) in formats() {
            let made: Value = serde_json::from_str(&made(&format, url, &body)).unwrap();
            let shown = format!("{made:#}\n");
            let file = case.join(format!("{name}.json"));
            if std::env::var_os("UPDATE_EXPECT").is_some() {
                fs::write(&file, &shown).unwrap();
            }
            let kept = fs::read_to_string(&file).unwrap_or_default();
            if kept != shown {
                write!(wrong, "\n── {}\nexpected:\n{kept}\nfound:\n{shown}", file.display()).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}\nUPDATE_EXPECT=1 rewrites what is expected");
}

#[test]
fn fixtures_keep_the_limits_of_each_service() {
    for (case, body) in cases() {
        for (name, format, url) in formats() {
            let made = made(&format, url, &body);
            keeps_limits(name, &body, &made).unwrap_or_else(|error| panic!("{} {name}: {error}", case.display()));
        }
    }
}

#[test]
fn each_event_says_what_happened_in_every_format() {
    let at = "2026-03-02T09:05:00Z".parse().unwrap();
    let feed = || FeedRef { id: "harbour".into(), url: "https://wire.example/rss".into(), title: Some("Wire".into()) };
    let (sink, since, reason) = ("ops".parse().unwrap(), at, "answered 410 Gone".to_owned());
    let sink = || -> SinkId { SinkId::clone(&sink) };
    let expected = Duration::from_secs(7_200);
    let (class, next_poll) = ("timeout".to_owned(), Some(at));
    for kind in [
        EventKind::FeedFailing { feed: feed(), class, reason: reason.clone(), failures: 4, since, next_poll },
        EventKind::FeedRecovered { feed: feed(), since, failures: 4 },
        EventKind::FeedSilent { feed: feed(), last_new: None, expected },
        EventKind::FeedGap { feed: feed(), since: Some(since), entries: 20 },
        EventKind::SinkFailing { sink: sink(), reason: reason.clone(), since, waiting: 12 },
        EventKind::SinkRecovered { sink: sink(), since },
        EventKind::SinkDisabled { sink: sink(), reason, since },
        EventKind::Test { sink: sink() },
    ] {
        let event = Event::new(kind, at);
        let body = event.to_json();
        for (name, format, url) in formats() {
            let made = made(&format, url, &body);
            keeps_limits(name, &body, &made).unwrap_or_else(|error| panic!("{} {name}: {error}", event.kind.as_str()));
            // Discord's backslashes stand before marks.
            let said = texts(&serde_json::from_str(&made).unwrap()).join("\n").replace('\\', "");
            assert!(said.contains(&event.kind.text()), "{name}: {said}");
        }
    }
}

/// All texts in a JSON document.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// The incident that a failing feed opens is the one that its recovery closes.
#[test]
fn trouble_that_ends_closes_what_it_opened() {
    let of = |case: &str, name: &str| -> Value {
        let file = fixtures().join(case).join(format!("{name}.json"));
        serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
    };
    let (begun, over) = (of("feed-failing", "pagerduty"), of("feed-recovered", "pagerduty"));
    assert_eq!((&begun["event_action"], &over["event_action"]), (&json!("trigger"), &json!("resolve")));
    assert_eq!(begun["dedup_key"], over["dedup_key"]);
    let (begun, over) = (of("feed-failing", "alertmanager-api"), of("feed-recovered", "alertmanager-api"));
    assert_eq!(begun[0]["labels"], over[0]["labels"]);
    assert_eq!(over[0]["endsAt"], "2026-03-02T10:05:01Z");
    let (begun, over) = (of("feed-failing", "alertmanager"), of("feed-recovered", "alertmanager"));
    assert_eq!((&begun["status"], &over["status"]), (&json!("firing"), &json!("resolved")));
    assert_eq!(begun["alerts"][0]["fingerprint"], over["alerts"][0]["fingerprint"]);
}

/// Texts that want something: marks of every markup, calls, letters that turn the line, letters that count double.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "\\PC{0,12}",
        3 => prop::sample::select(vec![
            "@everyone", "@room", "@here", "<!channel>", "<@U1>", "<@&5>", "<#C1>", "<https://e.example|x>", "&amp;",
            "**", "__", "||", "```", "[a](https://e.example)", "</a>", "<b>", "\"", "\\", "\n", "\r\n", "\u{2028}",
            "\u{202e}", "\u{2066}", "\u{200f}", "😀", "👨‍👩‍👧‍👦", "e\u{301}\u{302}\u{303}", "\u{0}", "制裁", "{{ 1 }}", "{% raw %}",
        ]).prop_map(str::to_owned),
        1 => (prop::sample::select(vec!["a", "word ", "😀", "@x ", "<", "&", "*", "ş", "𝕏"]), 1_usize..2_500)
            .prop_map(|(what, times)| what.repeat(times)),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn alert_of(texts: &[String], hit: bool, severity: &str) -> Value {
    let text = |n: usize| texts[n % texts.len()].clone();
    let excerpt = format!("{}{}{}", text(3), text(4), text(5));
    json!({
        "id": ID,
        "watch": {"id": "w", "name": text(0), "severity": severity},
        "article": {
            "id": text(1), "url": format!("https://x.example/{}", text(1)), "title": text(2), "published": "2026-03-02T09:00:00Z",
            "fetched": null, "lang": text(6), "authors": [text(0)], "summary": text(3), "text_source": "feed-summary",
            "words": 7, "feed": {"id": "f", "url": "https://x.example", "title": text(4)},
        },
        "matches": [{"field": "body", "start": 0, "end": 1, "text": if hit { text(4) } else { "x".into() }, "term": text(5)}],
        "excerpt": excerpt, "topics": [], "countries": [], "arms_deals": [],
        "leaders": [{"id": "Q1", "name": text(2), "country": "RU", "role": null, "role_dated": false, "mentions": 1}],
        "resolutions": [{"number": null, "year": null, "subject": null, "status": text(0), "evidence": ""}],
        "story": null, "confidence": 0.5, "packs": {}, "engine": "0.1.0",
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn whatever_a_feed_says_keeps_the_limits(
        texts in prop::collection::vec(hostile(), 1..7), hit: bool, count in 1_usize..12, kind in 0..3,
    ) {
        let body = match kind {
            0 => json!({"type": "alert", "timestamp": "2026-03-02T09:04:00Z", "data": alert_of(&texts, hit, "critical")}),
            1 => {
                let alerts: Vec<Value> = (0..count).map(|n| {
                    let mut alert = alert_of(&texts, hit, "warning");
                    alert["article"]["id"] = json!(n.to_string());
                    alert
                }).collect();
                json!({"type": "batch", "timestamp": "2026-03-02T09:04:00Z", "data": {"id": "bat_x", "alerts": alerts}})
            }
            _ => json!({"type": "feed.gap", "timestamp": "2026-03-02T09:04:00Z", "data": {"text": texts.concat()}}),
        };
        let body = body.to_string();
        for (name, format, url) in formats() {
            let made = made(&format, url, &body);
            if let Err(error) = keeps_limits(name, &body, &made) {
                return Err(TestCaseError::fail(format!("{name}: {error}\n{made}")));
            }
        }
    }

    #[test]
    fn no_body_makes_a_format_panic(body in "\\PC{0,300}") {
        for (_, format, url) in formats() {
            let format = Format::new(&webhook(format, url), look()).unwrap();
            let _ = format.request(ID, &body);
        }
    }
}

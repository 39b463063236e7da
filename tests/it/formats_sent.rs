//! Each webhook format sent to a real receiver, what services' own answers mean, and templates that can't be used.

use std::{collections::HashSet, fs, path::Path, time::Duration};

use chrono::Utc;
use serde_json::{Value, json};
use wirewatch::{
    config::{Secret, SinkKind, WebhookFormat, WebhookSettings},
    deliver::{format::Format, once, retry::SinkAnswer},
    store::StoredEntry,
};

use crate::{
    deliver::{context, open, settings},
    formats::{ID, formats, look, template, texts, webhook},
    program::Desk,
    receiver::{Answer, Received, Receiver},
    store::{Home, entry, poll, sink},
};

/// One article, with the body of a fixture.
fn article() -> StoredEntry {
    let mut article = entry("id1", "x.org/1", "text", &["w"]);
    let fixture =
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/deliver/formats/north-korean-weapons/alert.json");
    let body: Value = serde_json::from_str(&fs::read_to_string(fixture).unwrap()).unwrap();
    article.alerts[0].body = body.to_string();
    article.alerts[0].sinks = vec![sink("hook")];
    article
}

/// Tries the article's delivery once; gives what the receiver got, and the store with what it recorded.
async fn sent(settings: WebhookSettings, receiver: &Receiver) -> (Option<Received>, Home) {
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    store.commit_poll(poll("a", Utc::now(), vec![article()])).await.unwrap();
    let day = 86_400_000;
    once(&store, &[self::settings("hook", SinkKind::Webhook(Box::new(settings)), &[1, day])], &context).await.unwrap();
    (receiver.so_far().pop(), home)
}

#[tokio::test]
async fn each_format_arrives_where_its_service_wants_it() {
    let id = article().alerts[0].id.to_string();
    let receiver = Receiver::start(|_, _| Answer::Status(200, "")).await;
    let server = receiver.url.as_str().trim_end_matches("/hook").to_owned();
    for (name, format, url) in formats() {
        let path = url.splitn(4, '/').nth(3).map_or_else(String::new, |path| format!("/{path}"));
        let settings = webhook(format.clone(), &format!("{server}{path}"));
        let (got, home) = sent(settings.clone(), &receiver).await;
        let got = got.unwrap();
        let expected = match name {
            "discord" => "POST /api/webhooks/1/x?wait=true".to_owned(),
            "ntfy" => "POST /".to_owned(),
            "gotify" => "POST /message".to_owned(),
            "telegram" => "POST /bot12:abc/sendMessage".to_owned(),
            "matrix" => {
                format!("PUT /_matrix/client/v3/rooms/!room:matrix.example/send/m.room.message/{id}")
            }
            _ => format!("POST {}", if path.is_empty() { "/" } else { &path }),
        };
        assert_eq!(got.head, format!("{expected} HTTP/1.1"), "{name}");
        let header = |key: &str| got.headers.get(key).map(|value| value.to_str().unwrap());
        assert_eq!(
            header("authorization"),
            matches!(name, "ntfy" | "matrix").then_some("Bearer in-the-token"),
            "{name}"
        );
        assert_eq!(header("x-gotify-key"), (name == "gotify").then_some("in-the-token"), "{name}");
        let kind =
            if name == "cloudevents" { "application/cloudevents+json; charset=UTF-8" } else { "application/json" };
        assert_eq!(header("content-type"), Some(kind), "{name}");
        assert_eq!(header("webhook-id").is_some(), matches!(name, "standard" | "cloudevents" | "template"), "{name}");
        let made = Format::new(&settings, context().text).unwrap();
        assert_eq!(got.body, made.request(&id, &article().alerts[0].body).unwrap().body, "{name}");
        let file = rusqlite::Connection::open(home.path()).unwrap();
        let waiting: i64 =
            file.query_row("SELECT count(*) FROM outbox WHERE last_error IS NOT NULL", (), |row| row.get(0)).unwrap();
        assert_eq!(waiting, 0, "{name}");
    }
}

#[tokio::test]
async fn formats_that_are_signed_are_signed_over_what_is_sent() {
    let secret = "whsec_bmV3LXNlY3JldC1mb3ItdGVzdHM=";
    for format in [WebhookFormat::Standard, WebhookFormat::CloudEvents, template("{{ text }}", "text/plain")] {
        let receiver = Receiver::start(|_, _| Answer::Status(204, "")).await;
        let mut settings = webhook(format, receiver.url.as_str());
        settings.secrets = vec![Secret::new(secret)];
        let got = sent(settings, &receiver).await.0.unwrap();
        standardwebhooks::Webhook::new(secret).unwrap().verify(got.body.as_bytes(), &got.headers).unwrap();
    }
}

#[tokio::test]
async fn what_a_receiver_repeats_of_the_address_is_not_kept() {
    let receiver = Receiver::start(|_, _| Answer::Says(404, "Cannot POST /bot12:hush/sendMessage, 12:hush")).await;
    let server = receiver.url.as_str().trim_end_matches("/hook").to_owned();
    let format = WebhookFormat::Telegram { token: Secret::new("12:hush"), chat: "@c".into() };
    let (_, home) = sent(webhook(format, &server), &receiver).await;
    let file = rusqlite::Connection::open(home.path()).unwrap();
    let said: String = file.query_row("SELECT last_error FROM outbox", (), |row| row.get(0)).unwrap();
    assert_eq!(said, "answered 404 Not Found: Cannot POST ***, ***");
}

/// "Unknown token s3cret…": a part of the address tells as much as the whole.
#[tokio::test]
async fn parts_of_the_address_that_a_receiver_repeats_are_not_kept() {
    let said = "no token s3cr3t-1 in /api/k3y-of-hook for d3sk:pa55word (Basic ZDNzazpwYTU1d29yZA==)";
    let receiver = Receiver::start(move |_, _| Answer::Says(403, said)).await;
    let mut url = url::Url::parse(receiver.url.as_str()).unwrap();
    url.set_path("/api/k3y-of-hook/x");
    url.set_query(Some("wait=true&token=s3cr3t-1"));
    url.set_username("d3sk").unwrap();
    url.set_password(Some("pa55word")).unwrap();
    for format in [WebhookFormat::Standard, WebhookFormat::Slack] {
        let (_, home) = sent(webhook(format, url.as_str()), &receiver).await;
        let file = rusqlite::Connection::open(home.path()).unwrap();
        let said: String = file.query_row("SELECT last_error FROM outbox", (), |row| row.get(0)).unwrap();
        assert_eq!(said, "answered 403 Forbidden: no token *** in /api/*** for *** (Basic ***)");
    }
}

/// What a receiver says to a webhook at `address`, in which `HOST` stands for it, as the store keeps it.
async fn kept_of(address: &str, said: String) -> String {
    let said: &'static str = said.leak();
    let receiver = Receiver::start(move |_, _| Answer::Says(403, said)).await;
    let host = receiver.url.as_str().trim_start_matches("http://").trim_end_matches("/hook").to_owned();
    let (got, home) = sent(webhook(WebhookFormat::Standard, &address.replace("HOST", &host)), &receiver).await;
    assert!(got.is_some());
    let file = rusqlite::Connection::open(home.path()).unwrap();
    file.query_row("SELECT last_error FROM outbox", (), |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn secrets_come_back_in_no_other_form() {
    // Of an answer 4,096 bytes are read, and white space is not shown: what is cut at their end may be most of a secret.
    let cut = |said: &str, shown: usize| format!("{}{said}", " ".repeat(4_096 - shown));
    for (address, said, kept) in [
        ("http://API-KEY-99@HOST/", "no API-KEY-99".to_owned(), "no ***"),
        ("http://API-KEY-99@HOST/", "Basic QVBJLUtFWS05OTo=, QVBJLUtFWS05OQ==".to_owned(), "Basic ***, ***"),
        ("http://HOST/hook/sec%2Fret%3Atok", "no hook sec/ret:tok here".to_owned(), "no hook *** here"),
        ("http://HOST/hook/sec%20ret-tok9", "Cannot POST /hook/sec ret-tok9".to_owned(), "Cannot POST ***"),
        ("http://HOST/services/LONG-SECRET-1234", cut("/services/LONG-SECRET-1234", 21), "***"),
        ("http://HOST/services/LONG-SECRET-1234", cut("no LONG-SECRET-1234", 15), "no ***"),
        ("http://me:pw123@HOST/", "me:pw123 is not pw1234, pw123!".to_owned(), "*** is not pw1234, ***!"),
    ] {
        assert_eq!(kept_of(address, said).await, format!("answered 403 Forbidden: {kept}"), "{address}");
    }
}

#[tokio::test]
async fn redirect_says_that_it_is_not_followed_and_304_is_none() {
    for (status, expected) in [
        (302, "answered 302 Found, and redirects are not followed"),
        (308, "answered 308 Permanent Redirect, and redirects are not followed"),
        (300, "answered 300 Multiple Choices"),
        (304, "answered 304 Not Modified"),
    ] {
        let receiver = Receiver::start(move |_, _| Answer::Status(status, "")).await;
        let (_, home) = sent(webhook(WebhookFormat::Standard, receiver.url.as_str()), &receiver).await;
        let file = rusqlite::Connection::open(home.path()).unwrap();
        let said: String = file.query_row("SELECT last_error FROM outbox", (), |row| row.get(0)).unwrap();
        assert_eq!(said, expected);
    }
}

#[tokio::test]
async fn wait_that_a_service_asks_for_in_its_own_way_is_kept() {
    let receiver = Receiver::start(|_, _| Answer::Says(429, r#"{"message": "slow", "retry_after": 7200.5}"#)).await;
    let (_, home) = sent(webhook(WebhookFormat::Discord, receiver.url.as_str()), &receiver).await;
    let store = open(&home);
    let next = store.due(&sink("hook"), Utc::now(), 1, &HashSet::new()).await.unwrap().next.unwrap();
    assert!(next > Utc::now() + chrono::Duration::minutes(110), "{next}");
}

#[test]
fn answers_in_a_services_own_words() {
    let seconds = |seconds: f64| Some(Duration::from_secs_f64(seconds));
    let token = || Secret::new("t");
    let telegram = || WebhookFormat::Telegram { token: token(), chat: "1".into() };
    let matrix = || WebhookFormat::Matrix { token: token(), room: "!r".into() };
    let failed = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with x";
    for (format, status, header, said, expected) in [
        (WebhookFormat::Slack, 404, None, "no_service", (410, None)),
        (WebhookFormat::Slack, 404, None, "channel_not_found", (404, None)),
        (WebhookFormat::Slack, 200, None, "ok", (200, None)),
        (WebhookFormat::Slack, 429, seconds(30.0), "", (429, seconds(30.0))),
        (WebhookFormat::Discord, 429, None, r#"{"retry_after": 1.5, "global": false}"#, (429, seconds(1.5))),
        (WebhookFormat::Discord, 429, seconds(2.0), r#"{"retry_after": 1.5}"#, (429, seconds(2.0))),
        (WebhookFormat::Discord, 429, seconds(2.0), r#"{"retry_after": -1e300}"#, (429, seconds(2.0))),
        (WebhookFormat::Discord, 404, None, r#"{"message": "Unknown Webhook", "code": 10015}"#, (410, None)),
        (WebhookFormat::Discord, 404, None, "<html>", (404, None)),
        (WebhookFormat::Teams, 202, None, "", (202, None)),
        (WebhookFormat::Teams, 200, None, failed, (429, None)),
        (telegram(), 429, None, r#"{"ok": false, "parameters": {"retry_after": 35}}"#, (429, seconds(35.0))),
        (telegram(), 400, None, r#"{"ok": false, "parameters": {"migrate_to_chat_id": -1}}"#, (400, None)),
        (matrix(), 429, None, r#"{"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2500}"#, (429, seconds(2.5))),
        (WebhookFormat::Standard, 404, None, "no_service", (404, None)),
    ] {
        let name = format.as_str();
        let format = Format::new(&webhook(format, "https://x.example/y"), look()).unwrap();
        let expected = SinkAnswer::Status { status: expected.0, retry_after: expected.1 };
        assert_eq!(format.answer(status, header, said), expected, "{name} {status} {said}");
    }
}

#[test]
fn ntfy_server_may_stand_below_a_path() {
    let format = WebhookFormat::Ntfy { token: None };
    let format = Format::new(&webhook(format, "https://example.org/push/arms/"), look()).unwrap();
    let request = format.request(ID, "{}").unwrap();
    assert_eq!(request.url.as_str(), "https://example.org/push/");
    assert_eq!(serde_json::from_str::<Value>(&request.body).unwrap()["topic"], "arms");
}

#[tokio::test]
async fn template_that_fails_on_an_alert_waits_for_a_person() {
    let receiver = Receiver::start(|_, _| Answer::Status(204, "")).await;
    let format = template("{{ data.articel.title }}", "text/plain");
    let (got, home) = sent(webhook(format, receiver.url.as_str()), &receiver).await;
    assert!(got.is_none());
    let file = rusqlite::Connection::open(home.path()).unwrap();
    let said: String = file.query_row("SELECT last_error FROM outbox", (), |row| row.get(0)).unwrap();
    assert_eq!(said, "the template fails: `data.articel.title` is nothing that the alert has");
}

#[test]
fn template_neither_runs_on_nor_grows_without_end() {
    let body = article().alerts[0].body.clone();
    for text in [
        "{% for a in range(100000) %}{% for b in range(100000) %}{{ a * b }}{% endfor %}{% endfor %}",
        "{{ 'x' * 100000000 }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    ] {
        let format = Format::new(&webhook(template(text, "text/plain"), "https://x.example/"), look()).unwrap();
        assert!(format.request(ID, &body).is_err(), "{text}");
    }
}

#[test]
fn values_are_escaped_for_what_a_template_makes() {
    let mut body: Value = serde_json::from_str(&article().alerts[0].body).unwrap();
    body["data"]["article"]["title"] = json!("a \"b\" <c> & \\");
    let body = body.to_string();
    let made = |text: &str, kind: &str| {
        let format = Format::new(&webhook(template(text, kind), "https://x.example/"), look()).unwrap();
        format.request(ID, &body).unwrap().body.into_owned()
    };
    let text = "{{ data.article.title }}";
    let read: Value = serde_json::from_str(&made(text, "application/json; charset=utf-8")).unwrap();
    assert_eq!(read, "a \"b\" <c> & \\");
    assert_eq!(made(text, "text/plain"), "a \"b\" <c> & \\");
    assert!(made(text, "text/html").contains("&lt;c&gt; &amp;"));
}

#[test]
fn check_finds_what_is_wrong_with_a_template_at_its_place() {
    let template = |template: &str, more: &str| {
        let desk = Desk::new(&format!(
            "[[feed]]\nurl = \"https://example.org/f\"\n[[sink]]\nid = \"t\"\ntype = \"webhook\"\nformat = \"template\"\n\
             url = \"https://example.org/h\"\n{more}template = {template}\n"
        ));
        desk.write("body.j2", "{\n  \"a\": {{ data.watch.id }},\n  \"b\": {{ data.atricle }}\n}\n");
        (desk.run(&["check", "--text"]), desk)
    };
    let text = "content_type = \"text/plain\"\n";
    for (written, more, place, words) in [
        ("'{{ data.articel.title }}'", "", "wirewatch.toml:8:16", "`data.articel.title` is nothing that the alert has"),
        ("'{{ data.watch.id '", text, "wirewatch.toml:9:", "this template fails"),
        ("'{\"a\": \"{{ data.watch.id }}\"}'", "", "wirewatch.toml:8:13", "what it makes is no JSON"),
        (
            "'{{ data.arms_deals[0].status }}'",
            text,
            "wirewatch.toml:9:16",
            "without date, address, language or findings",
        ),
        ("'{{ data.watch.id | nofilter }}'", text, "wirewatch.toml:9:", "nofilter"),
        ("{ file = \"body.j2\" }", "", "body.j2:3:11", "`data.atricle` is nothing that the alert has"),
    ] {
        let (ran, desk) = template(written, more);
        assert_eq!(ran.code, Some(2), "{written}: {ran:?}");
        assert!(ran.stdout.contains(place) && ran.stdout.contains(words), "{written}: {}", ran.stdout);
        // Whoever starts the daemon is told the same.
        let started = desk.run(&["run", "--once"]);
        assert!(started.code == Some(2) && started.stderr.contains(words), "{started:?}");
    }
    let good = "'{\"t\": {{ data.article.title }}, \"u\": {{ data.article.url }}, \"x\": {{ text }}}'";
    let (ran, _) = template(good, "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

/// Between its two marks `docs/sinks.md` shows what each format makes of the first fixture. `UPDATE_EXPECT=1` puts it there.
#[test]
fn docs_show_what_each_format_makes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("docs/sinks.md");
    let docs = fs::read_to_string(&file).unwrap();
    let mut shown = docs.clone();
    for (name, _, _) in formats().iter().filter(|(name, _, _)| *name != "template") {
        let start = format!("<!-- body {name} -->\n");
        let from = shown.find(&start).unwrap_or_else(|| panic!("docs/sinks.md has no body of {name}")) + start.len();
        let to = from + shown[from..].find("<!-- end -->").unwrap();
        let case = root.join("tests/fixtures/deliver/formats/north-korean-weapons");
        let body = fs::read_to_string(case.join(format!("{name}.json"))).unwrap();
        shown.replace_range(from..to, &format!("```json\n{body}```\n"));
    }
    let hostile: serde_json::Map<String, Value> = formats()
        .iter()
        .filter(|(name, _, _)| !matches!(*name, "standard" | "cloudevents" | "template" | "alertmanager-api"))
        .map(|(name, _, _)| {
            let case = root.join("tests/fixtures/deliver/formats/title-that-calls-everyone");
            let made = fs::read_to_string(case.join(format!("{name}.json"))).unwrap();
            let said = texts(&serde_json::from_str(&made).unwrap());
            let line = said.iter().flat_map(|text| text.lines()).find(|line| line.contains("everyone")).unwrap();
            ((*name).to_owned(), json!(line))
        })
        .collect();
    let start = "<!-- hostile -->\n";
    let from = shown.find(start).unwrap() + start.len();
    let to = from + shown[from..].find("<!-- end -->").unwrap();
    shown.replace_range(from..to, &format!("```json\n{:#}\n```\n", Value::Object(hostile)));
    let start = "<!-- event -->\n";
    let from = shown.find(start).unwrap() + start.len();
    let to = from + shown[from..].find("<!-- end -->").unwrap();
    let event = fs::read_to_string(root.join("tests/fixtures/deliver/formats/sink-failing/ntfy.json")).unwrap();
    shown.replace_range(from..to, &format!("```json\n{event}```\n"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&file, &shown).unwrap();
    } else {
        assert!(docs == shown, "docs/sinks.md is not what formats make; UPDATE_EXPECT=1 rewrites it");
    }
}

#[test]
fn every_set_up_in_the_docs_is_a_config() {
    let docs = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sinks.md")).unwrap();
    let mut config = "[[feed]]\nurl = \"https://example.org/f\"\n".to_owned();
    let blocks: Vec<&str> = docs.split("```toml\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    assert!(blocks.len() >= 12, "{} set-ups", blocks.len());
    let has_nats = cfg!(feature = "nats");
    for (number, block) in blocks.iter().enumerate().filter(|(_, block)| has_nats || !block.contains("\"nats\"")) {
        let (before, behind) = block.split_once("id = \"").unwrap();
        config.push_str(&format!("{before}id = \"s{number}-{behind}"));
    }
    let config = config.replace("/etc/wirewatch/hook.secret", "hook.secret");
    let desk = Desk::new(&config);
    desk.write("hook.secret", "whsec_bmV3LXNlY3JldC1mb3ItdGVzdHMtYW5kLW1vcmU=");
    desk.write("wirewatch.creds", include_str!("../fixtures/config/nats/wire.creds"));
    let mut command = desk.command(&["check", "--text"]);
    for variable in ["SLACK_HOOK", "DISCORD_HOOK", "TEAMS_HOOK"] {
        command.env(variable, "https://hooks.example.org/services/x");
    }
    for variable in [
        "NTFY_TOKEN",
        "TELEGRAM_TOKEN",
        "GOTIFY_TOKEN",
        "MATRIX_TOKEN",
        "PAGERDUTY_KEY",
        "TICKETS_TOKEN",
        "MAIL_PASSWORD",
    ] {
        command.env(variable, "1:token");
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

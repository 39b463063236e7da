//! The email sink against a mail server of our own on loopback, which records what it gets.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::Utc;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use wirewatch::{
    config::{EmailSettings, Secret, SinkKind, SmtpTls},
    deliver::{Deliveries, once},
    store::StoredEntry,
};

use crate::{
    deliver::{articles, commit, context, finish, open, pending_and_dead, settings},
    store::{Home, entry, poll, sink},
};

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Mood {
    Takes,
    /// 451 where the message would begin.
    Busy,
    /// 550 to every recipient.
    Refuses,
    /// Says nothing at all.
    Silent,
    /// Takes the mail, and then says nothing any more.
    Rude,
    /// 550 to `gone@`, 452 to `full@`, and to `busy@` as often.
    Picky(usize),
}

/// A mail server without TLS; what clients sent, line by line.
struct MailServer {
    port: u16,
    lines: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(talk(socket, mood, Arc::clone(&kept)));
            }
        });
        Self { port, lines }
    }

    fn said(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// For each mail that came, whom it was for.
    fn mails(&self) -> Vec<Vec<String>> {
        let mut mails = Vec::new();
        let mut recipients = Vec::new();
        for line in self.said() {
            if line.starts_with("MAIL") {
                recipients.clear();
            } else if let Some(rest) = line.strip_prefix("RCPT TO:<") {
                recipients.push(rest.split('@').next().unwrap().to_owned());
            } else if line == "DATA" {
                mails.push(recipients.clone());
            }
        }
        mails
    }

    /// The message that came: its head, and its parts decoded.
    fn message(&self) -> (String, Vec<String>) {
        let said = self.said();
        let from = said.iter().position(|line| line == "DATA").unwrap() + 1;
        let length = said[from..].iter().position(|line| line == ".").unwrap();
        // RFC 5321 §4.5.2.
        let lines: Vec<&str> =
            said[from..from + length].iter().map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
        let whole = lines.join("\r\n");
        let (head, body) = whole.split_once("\r\n\r\n").unwrap();
        let boundary = head.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
        let line = format!("--{boundary}");
        let parts = body.split(&line).skip(1).filter(|part| !part.starts_with("--"));
        (head.to_owned(), parts.map(decoded).collect())
    }
}

async fn talk(socket: TcpStream, mood: Mood, kept: Arc<Mutex<Vec<String>>>) {
    if mood == Mood::Silent {
        return std::future::pending().await;
    }
    let mut socket = BufReader::new(socket);
    let mut in_message = false;
    let mut line = String::new();
    socket.write_all(b"220 loopback\r\n").await.unwrap();
    loop {
        line.clear();
        if socket.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let said = line.trim_end_matches(['\r', '\n']).to_owned();
        kept.lock().unwrap().push(said.clone());
        let word = said.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match (in_message, word.as_str()) {
            (true, _) if said == "." => {
                in_message = false;
                "250 queued"
            }
            (true, _) => continue,
            (false, "EHLO") => "250-loopback\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME",
            (false, "AUTH") => "235 welcome",
            (false, "RCPT") if matches!(mood, Mood::Picky(_)) => picky(mood, &said, &kept.lock().unwrap()),
            (false, "RCPT") if mood == Mood::Refuses => "550 5.1.1 nobody of that name",
            (false, "DATA") if mood == Mood::Busy => "451 4.3.0 try again later",
            (false, "DATA") => {
                in_message = true;
                "354 go on"
            }
            (false, "QUIT") if mood == Mood::Rude => continue,
            (false, "QUIT") => "221 bye",
            _ => "250 ok",
        };
        if socket.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// What a picky server says to a recipient; `kept` are all lines so far.
fn picky(mood: Mood, said: &str, kept: &[String]) -> &'static str {
    let before = kept.iter().filter(|line| *line == said).count() - 1;
    match said.split(['<', '@']).nth(1) {
        Some("gone") => "550 5.1.1 nobody of that name",
        Some("full") => "452 4.2.2 no room",
        Some("busy") if mood > Mood::Picky(before) => "450 4.2.1 not now",
        _ => "250 ok",
    }
}

/// A part of a message without its transfer encoding.
fn decoded(part: &str) -> String {
    let (head, body) = part.trim_start().split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    if head.contains("base64") {
        let body: String = body.split_whitespace().collect();
        return String::from_utf8(data_encoding::BASE64.decode(body.as_bytes()).unwrap()).unwrap();
    }
    if !head.contains("quoted-printable") {
        return body.to_owned();
    }
    let body = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = body.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = (*first == b'=').then(|| data_encoding::HEXUPPER.decode(&behind[..2]).unwrap()[0]);
        bytes.push(hex.unwrap_or(*first));
        rest = if hex.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8(bytes).unwrap()
}

fn email(port: u16) -> EmailSettings {
    EmailSettings {
        host: "127.0.0.1".into(),
        port,
        tls: SmtpTls::None,
        login: None,
        from: "Wirewatch <watch@example.org>".parse().unwrap(),
        to: vec!["desk@example.org".parse().unwrap(), "Ayşe <ayse@example.org>".parse().unwrap()],
        timeout: Duration::from_secs(10),
    }
}

fn article(change: impl FnOnce(&mut Value)) -> StoredEntry {
    let fixture =
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/deliver/formats/north-korean-weapons/alert.json");
    let mut body: Value = serde_json::from_str(&fs::read_to_string(fixture).unwrap()).unwrap();
    change(&mut body);
    let mut article = entry("id1", "x.org/1", "text", &["w"]);
    article.alerts[0].body = body.to_string();
    article.alerts[0].sinks = vec![sink("mail")];
    article
}

/// Tries the article's delivery once; gives what the outbox has of it: its last error, none where it was delivered.
async fn sent(email: EmailSettings, article: StoredEntry) -> Option<String> {
    let home = Home::new();
    let store = open(&home);
    store.commit_poll(poll("a", Utc::now(), vec![article])).await.unwrap();
    let sinks = [settings("mail", SinkKind::Email(Box::new(email)), &[1, 86_400_000])];
    once(&store, &sinks, &context()).await.unwrap();
    let file = rusqlite::Connection::open(home.path()).unwrap();
    let sql = "SELECT max(last_error) FROM outbox WHERE sink = 'mail'";
    file.query_row(sql, (), |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn mail_says_the_same_as_text_and_as_html() {
    let server = MailServer::start(Mood::Takes).await;
    let article = article(|_| {});
    let id = article.alerts[0].id.to_string();
    assert_eq!(sent(email(server.port), article).await, None);
    let said = server.said();
    for line in ["MAIL FROM:<watch@example.org>", "RCPT TO:<desk@example.org>", "RCPT TO:<ayse@example.org>"] {
        assert!(said.iter().any(|said| said.starts_with(line)), "{line}: {said:?}");
    }
    let (head, parts) = server.message();
    for line in [
        "From: Wirewatch <watch@example.org>".to_owned(),
        format!("Message-ID: <{id}@example.org>"),
        "Auto-Submitted: auto-generated".to_owned(),
        "Importance: high".to_owned(),
        "Date: ".to_owned(),
        "Content-Type: multipart/alternative".to_owned(),
    ] {
        assert!(head.split("\r\n").any(|said| said.starts_with(&line)), "{line}: {head}");
    }
    let [text, html] = parts.as_slice() else { panic!("{parts:?}") };
    // Who tests gives no names of parties.
    assert!(text.starts_with("CRITICAL  KP → RU: weapons, WARNED"), "{text}");
    assert!(text.contains("Why: dprk-to-russia") && text.contains("https://wire.example/world/1?ref=rss&lang=en"));
    assert!(html.contains("<strong>CRITICAL  KP → RU"), "{html}");
    assert!(html.contains("<a href=\"https://wire.example/world/1?ref=rss&amp;lang=en\">"), "{html}");
}

#[tokio::test]
async fn feed_can_neither_add_a_header_nor_end_a_part_nor_write_html() {
    let server = MailServer::start(Mood::Takes).await;
    let hostile = "Hello\r\nBcc: all@example.org\r\n\r\n.\r\nQUIT <script>x</script> \u{202e}exe";
    let article = article(|body| {
        body["data"]["article"]["title"] = json!(hostile);
        body["data"]["watch"]["name"] = json!(hostile);
        body["data"]["arms_deals"] = json!([]);
        body["data"]["resolutions"] = json!([]);
        body["data"]["leaders"] = json!([]);
    });
    assert_eq!(sent(email(server.port), article).await, None);
    let said = server.said();
    assert_eq!(said.iter().filter(|line| line.starts_with("RCPT TO:")).count(), 2, "{said:?}");
    let (head, parts) = server.message();
    assert!(!head.split("\r\n").any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{head}");
    let [text, html] = parts.as_slice() else { panic!("{parts:?}") };
    assert!(text.contains("Hello  Bcc: all@example.org") && !text.contains('\u{202e}'), "{text}");
    assert!(html.contains("&lt;script&gt;") && !html.contains("<script"), "{html}");
}

#[tokio::test]
async fn event_comes_as_a_mail() {
    let server = MailServer::start(Mood::Takes).await;
    let article = article(|body| {
        let text = "Sink ops takes nothing since 2 Mar 08:55 UTC: answered 503; 12 deliveries wait for it";
        let data = json!({"id": "evt_x", "text": text, "sink": "ops", "since": "2026-03-02T08:55:00Z"});
        *body = json!({"type": "sink.failing", "timestamp": "2026-03-02T09:05:00Z", "data": data});
    });
    assert_eq!(sent(email(server.port), article).await, None);
    let (head, parts) = server.message();
    assert!(head.contains("Subject: CRITICAL  Sink failing"), "{head}");
    assert!(parts[0].contains("12 deliveries wait for it") && parts[1].contains("12 deliveries wait for it"));
}

#[tokio::test]
async fn password_is_given_where_there_is_one() {
    let server = MailServer::start(Mood::Takes).await;
    let login = Some(("watch".to_owned(), Secret::new("hush")));
    assert_eq!(sent(EmailSettings { login, ..email(server.port) }, article(|_| {})).await, None);
    // RFC 4616: nothing, the user, the password.
    let plain = data_encoding::BASE64.encode(b"\0watch\0hush");
    assert!(server.said().contains(&format!("AUTH PLAIN {plain}")), "{:?}", server.said());
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_offers_no_tls() {
    let server = MailServer::start(Mood::Takes).await;
    let login = Some(("watch".to_owned(), Secret::new("hush")));
    let settings = EmailSettings { tls: SmtpTls::Starttls, login, ..email(server.port) };
    let error = sent(settings, article(|_| {})).await.unwrap();
    assert_eq!(error, "STARTTLS is not supported on this server");
    assert!(!server.said().iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")));
}

#[tokio::test]
async fn refusal_is_kept_with_the_delivery() {
    for (mood, words) in [
        (Mood::Busy, "answered 451: 4.3.0 try again later"),
        (Mood::Refuses, "desk@example.org, ayse@example.org: answered 550: 5.1.1 nobody of that name"),
    ] {
        let server = MailServer::start(mood).await;
        let error = sent(email(server.port), article(|_| {})).await.unwrap();
        assert_eq!(error, words);
    }
    let server = MailServer::start(Mood::Silent).await;
    let settings = EmailSettings { timeout: Duration::from_millis(300), ..email(server.port) };
    assert!(sent(settings, article(|_| {})).await.is_some());
}

#[tokio::test]
async fn mail_that_was_taken_is_not_sent_again_for_want_of_a_goodbye() {
    let server = MailServer::start(Mood::Rude).await;
    let settings = EmailSettings { timeout: Duration::from_secs(5), ..email(server.port) };
    assert_eq!(sent(settings, article(|_| {})).await, None);
}

fn to(port: u16, names: &[&str]) -> EmailSettings {
    let to = names.iter().map(|name| format!("{name}@example.org").parse().unwrap()).collect();
    EmailSettings { to, ..email(port) }
}

#[tokio::test]
async fn recipient_that_is_refused_costs_the_others_nothing() {
    let server = MailServer::start(Mood::Picky(0)).await;
    assert_eq!(sent(to(server.port, &["desk", "gone", "ayse"]), article(|_| {})).await, None);
    assert_eq!(server.mails(), [["desk", "gone", "ayse"]], "one mail, which two take");
    // Who is told of it: `sinks test`, and the log.
    let sink = settings("mail", SinkKind::Email(Box::new(to(server.port, &["desk", "gone"]))), &[1]);
    let tested = wirewatch::deliver::test(&sink, &context()).await.unwrap();
    let said = "the mail server took it for 1 of 2; gone@example.org: answered 550: 5.1.1 nobody of that name";
    assert_eq!((tested.is_taken, tested.said.as_str()), (true, said));
    let nobody = sent(to(server.port, &["gone"]), article(|_| {})).await.unwrap();
    assert_eq!(nobody, "gone@example.org: answered 550: 5.1.1 nobody of that name");
    let nobody = sent(to(server.port, &["full", "gone"]), article(|_| {})).await.unwrap();
    assert!(nobody.starts_with("full@example.org: answered 452: 4.2.2 no room; gone@"), "{nobody}");
}

/// Waits until a server has got as many mails.
async fn mails(server: &MailServer, count: usize) -> Vec<Vec<String>> {
    let come = async {
        while server.mails().len() < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), come).await.unwrap();
    server.mails()
}

#[tokio::test]
async fn recipient_that_must_wait_gets_the_mail_later_and_the_others_once() {
    let (home, context) = (Home::new(), context());
    let (server, store) = (MailServer::start(Mood::Picky(2)).await, open(&home));
    let email = to(server.port, &["desk", "busy", "ayse"]);
    let sinks = [settings("mail", SinkKind::Email(Box::new(email)), &[10, 10, 10])];
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    store.commit_poll(poll("a", Utc::now(), vec![article(|_| {})])).await.unwrap();
    assert_eq!(mails(&server, 2).await, [vec!["desk", "busy", "ayse"], vec!["busy"]]);
    finish(deliveries, &context).await;
    assert_eq!(pending_and_dead(&store, "mail").await, (0, 0));
    let asked = server.said().iter().filter(|line| line.starts_with("RCPT TO:<busy@")).count();
    assert_eq!(asked, 3);
}

/// A full mailbox took the sink down for all, as if its server were not there.
#[tokio::test]
async fn mailbox_that_stays_full_holds_up_no_other() {
    const MAILS: usize = 20;
    let (home, context) = (Home::new(), context());
    let (server, store) = (MailServer::start(Mood::Picky(0)).await, open(&home));
    let email = to(server.port, &["desk", "full"]);
    let sinks = [settings("mail", SinkKind::Email(Box::new(email)), &[86_400_000])];
    let deliveries = Deliveries::start(&store, &sinks, &context).unwrap();
    commit(&store, articles(0..MAILS, &["mail"])).await;
    mails(&server, MAILS).await;
    finish(deliveries, &context).await;
    assert_eq!(pending_and_dead(&store, "mail").await, (MAILS as i64, 0));
    let said = server.said();
    for name in ["desk", "full"] {
        let line = format!("RCPT TO:<{name}@example.org>");
        assert_eq!(said.iter().filter(|said| **said == line).count(), MAILS, "{name}");
    }
    let file = rusqlite::Connection::open(home.path()).unwrap();
    let error: String = file.query_row("SELECT max(last_error) FROM outbox", (), |row| row.get(0)).unwrap();
    assert_eq!(error, "1 of 2 have it; full@example.org: answered 452: 4.2.2 no room");
}

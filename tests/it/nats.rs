//! The `nats` sink against a real NATS server, started here where one is installed.

use std::{
    collections::HashSet,
    fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use async_nats::jetstream::{self, Message, consumer::pull, stream};
use chrono::Utc;
use futures_util::StreamExt;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use wirewatch::{
    alert::MessageId,
    config::{NatsLogin, NatsSettings, Secret, SinkKind, SinkSettings},
    deliver::{Deliveries, once},
    store::{Store, StoredDelivery},
};

use crate::{
    deliver::{articles, commit, context, finish, open, pending_and_dead, settings},
    program::until,
    store::{Home, poll},
};

const SUBJECT: &str = "wirewatch.alerts";
/// No test waits longer for something; one that does has failed.
const PATIENCE: Duration = Duration::from_secs(30);
const HOUR_MS: u64 = 3_600_000;

/// A server with a folder of its own, on a port of its own.
struct Bus {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl Bus {
    /// `None`, said aloud, where no server is installed. `more` goes into its config.
    fn start(more: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "jetstream {{ store_dir: {:?} }}\nports_file_dir: {:?}\n{more}\n",
            folder.path().join("js"),
            folder.path()
        );
        fs::write(folder.path().join("nats.conf"), config).unwrap();
        let Some(process) = Self::spawn(&folder, -1) else {
            eprintln!("skipped: there is no nats-server");
            return None;
        };
        let ports = folder.path().join(format!("nats-server_{}.ports", process.id()));
        until("the server writes its port", || fs::read_to_string(&ports).is_ok_and(|text| text.contains('}')));
        let ports: serde_json::Value = serde_json::from_str(&fs::read_to_string(&ports).unwrap()).unwrap();
        let url = ports["nats"][0].as_str().unwrap();
        let port = url.rsplit(':').next().unwrap().parse().unwrap();
        Some(Self { process, folder, port })
    }

    fn spawn(folder: &TempDir, port: i32) -> Option<Child> {
        // Debian puts it where only root looks.
        ["nats-server", "/usr/sbin/nats-server"].iter().find_map(|program| {
            let mut command = Command::new(program);
            command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-c"]).arg(folder.path().join("nats.conf"));
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
        })
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn start_again(&mut self) {
        self.process = Self::spawn(&self.folder, self.port.into()).unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    fn sink(&self, login: NatsLogin, retry_ms: &[u64]) -> SinkSettings {
        let nats = NatsSettings {
            url: format!("nats://127.0.0.1:{}", self.port).parse().unwrap(),
            subject: SUBJECT.to_owned(),
            login,
            timeout: Duration::from_millis(700),
        };
        settings("bus", SinkKind::Nats(Box::new(nats)), retry_ms)
    }

    async fn jetstream(&self) -> jetstream::Context {
        let connect = async_nats::ConnectOptions::new().retry_on_initial_connect();
        jetstream::new(connect.connect(format!("nats://127.0.0.1:{}", self.port)).await.unwrap())
    }

    async fn with_stream(&self) -> stream::Stream {
        let config = stream::Config {
            name: "ALERTS".to_owned(),
            subjects: vec!["wirewatch.>".to_owned()],
            ..stream::Config::default()
        };
        let jetstream = self.jetstream().await;
        jetstream.get_or_create_stream(config).await.unwrap()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// All that the stream has, in its order.
async fn stored(stream: &stream::Stream) -> Vec<Message> {
    let count = stream.get_info().await.unwrap().state.messages;
    let consumer = stream.create_consumer(pull::Config::default()).await.unwrap();
    let messages = consumer.messages().await.unwrap().take(usize::try_from(count).unwrap());
    messages.map(|message| message.unwrap()).collect().await
}

fn id_of(message: &Message) -> String {
    message.headers.as_ref().unwrap().get(async_nats::header::NATS_MESSAGE_ID).unwrap().to_string()
}

/// What the outbox has of the first alert.
async fn row(store: &Store) -> StoredDelivery {
    let message = MessageId::from_stored(articles(0..1, &["bus"])[0].alerts[0].id.to_string());
    store.deliveries_of(&message).await.unwrap().remove(0)
}

/// Its last error, and after how long it is tried again.
async fn complaint(store: &Store) -> (String, Duration) {
    let row = row(store).await;
    let wait = row.due - row.last_attempt.unwrap();
    (row.last_error.unwrap(), wait.to_std().unwrap())
}

/// Waits until all is delivered.
async fn emptied(store: &Store) {
    let emptied = async {
        while pending_and_dead(store, "bus").await != (0, 0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, emptied).await.unwrap();
}

fn desk() -> NatsLogin {
    NatsLogin::Password("desk".to_owned(), Secret::new("hush"))
}

/// Two users: `desk` may do all, `guest` may not publish alerts.
const USERS: &str = r#"authorization { users = [
    { user: desk, password: hush }
    { user: guest, password: hush, permissions: { publish: { deny: "wirewatch.>" }, subscribe: ">" } }
] }"#;

#[tokio::test]
async fn alert_is_stored_under_its_id_and_once() {
    let Some(bus) = Bus::start("") else { return };
    let stream = bus.with_stream().await;
    let entries = articles(0..3, &["bus"]);
    for again in [false, true] {
        // The second desk is as the first one after a crash: it does not know that its alerts have arrived.
        let home = Home::new();
        let store = open(&home);
        commit(&store, entries.clone()).await;
        let pass = once(&store, &[bus.sink(NatsLogin::None, &[1])], &context()).await.unwrap();
        assert_eq!((pass.delivered, pass.left), (3, 0));
        let messages = stored(&stream).await;
        assert_eq!(messages.len(), 3, "again: {again}");
        for entry in &entries {
            let alert = &entry.alerts[0];
            let message = messages.iter().find(|message| id_of(message) == alert.id.as_str()).unwrap();
            assert_eq!((message.subject.as_str(), &message.payload[..]), (SUBJECT, alert.body.as_bytes()));
            assert_eq!(message.headers.as_ref().unwrap().get("content-type").unwrap().as_str(), "application/json");
        }
    }
}

#[tokio::test]
async fn nothing_is_lost_when_the_server_dies_and_comes_back() {
    let Some(mut bus) = Bus::start("") else { return };
    bus.with_stream().await;
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let deliveries = Deliveries::start(&store, &[bus.sink(NatsLogin::None, &[50; 60])], &context).unwrap();
    for round in 0..3 {
        let first = round * 40;
        // Feeds of their own: entries that all come anew and alike in one feed would be known ones under new ids.
        store.commit_poll(poll(&format!("a{round}"), Utc::now(), articles(first..first + 20, &["bus"]))).await.unwrap();
        bus.kill();
        let more = articles(first + 20..first + 40, &["bus"]);
        store.commit_poll(poll(&format!("b{round}"), Utc::now(), more)).await.unwrap();
        bus.start_again();
    }
    emptied(&store).await;
    finish(deliveries, &context).await;
    let messages = stored(&bus.with_stream().await).await;
    let ids: HashSet<String> = messages.iter().map(id_of).collect();
    let expected: HashSet<String> =
        articles(0..120, &["bus"]).iter().map(|entry| entry.alerts[0].id.to_string()).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn server_that_hangs_delays_its_alerts_and_loses_none() {
    let Some(bus) = Bus::start("") else { return };
    let stream = bus.with_stream().await;
    let (home, context) = (Home::new(), context());
    let store = open(&home);
    let deliveries = Deliveries::start(&store, &[bus.sink(NatsLogin::None, &[50; 60])], &context).unwrap();
    commit(&store, articles(1..2, &["bus"])).await;
    emptied(&store).await;
    bus.signal(Signal::STOP);
    commit(&store, articles(0..1, &["bus"])).await;
    let said = async {
        loop {
            if let Some(said) = row(&store).await.last_error {
                return said;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let said = tokio::time::timeout(PATIENCE, said).await.unwrap();
    assert_eq!(said, "no answer within 700ms");
    bus.signal(Signal::CONT);
    emptied(&store).await;
    finish(deliveries, &context).await;
    // The hanging server has taken what was sent to it while it hung; it knows the second copy by its id.
    assert_eq!(stored(&stream).await.len(), 2);
}

#[tokio::test]
async fn what_is_wrong_is_said_and_waits_for_its_time() {
    let Some(bus) = Bus::start(USERS) else { return };
    let wrong = NatsLogin::Password("desk".to_owned(), Secret::new("wrong"));
    let guest = NatsLogin::Password("guest".to_owned(), Secret::new("hush"));
    let second = Duration::from_secs(1);
    for (login, expected, is_patient) in [
        (desk(), "no stream takes the subject `wirewatch.alerts`", true),
        (wrong, "could not connect: nats: authorization violation", false),
        (NatsLogin::None, "could not connect: nats: authorization violation", false),
        (guest, "no answer within 700ms: Permissions Violation for Publish to \"wirewatch.alerts\"", true),
    ] {
        let home = Home::new();
        let store = open(&home);
        commit(&store, articles(0..1, &["bus"])).await;
        once(&store, &[bus.sink(login, &[1, HOUR_MS])], &context()).await.unwrap();
        let (said, wait) = complaint(&store).await;
        assert_eq!(said, expected);
        assert_eq!(wait < second, is_patient, "{said}: {wait:?}");
    }
}

#[tokio::test]
async fn server_that_is_not_there_and_an_alert_too_big_for_it() {
    let Some(mut bus) = Bus::start("max_payload: 2000") else { return };
    bus.with_stream().await;
    let home = Home::new();
    let store = open(&home);
    let mut entries = articles(0..2, &["bus"]);
    entries[0].alerts[0].body = json!({"type": "alert", "data": "x".repeat(3_000)}).to_string();
    commit(&store, entries).await;
    let sinks = [bus.sink(NatsLogin::None, &[1, HOUR_MS])];
    let pass = once(&store, &sinks, &context()).await.unwrap();
    assert_eq!((pass.delivered, pass.failed), (1, 1));
    let (said, wait) = complaint(&store).await;
    assert!(said.starts_with("too big for the server's `max_payload`: "), "{said}");
    assert!(wait > Duration::from_secs(60), "{wait:?}");
    bus.kill();
    let home = Home::new();
    let store = open(&home);
    commit(&store, articles(0..1, &["bus"])).await;
    once(&store, &sinks, &context()).await.unwrap();
    assert_eq!(complaint(&store).await.0, "could not connect: Connection refused (os error 111)");
}

#[tokio::test]
async fn token_opens_the_door() {
    let Some(bus) = Bus::start("authorization { token: hush }") else { return };
    let home = Home::new();
    let store = open(&home);
    commit(&store, articles(0..1, &["bus"])).await;
    let sinks = [bus.sink(NatsLogin::Token(Secret::new("hush\n")), &[1, HOUR_MS])];
    once(&store, &sinks, &context()).await.unwrap();
    assert_eq!(complaint(&store).await.0, "no stream takes the subject `wirewatch.alerts`");
}

//! A WebSub hub on loopback: it takes subscriptions, asks back whether they were meant, signs what it pushes, and records
//! all of it. It reaches a daemon at the address that a test gives it, whatever host the callback names.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
};
use url::{Url, form_urlencoded};

use super::farm::{Farm, Reply};

/// No test waits longer for an event; one that does has failed.
const PATIENCE: Duration = Duration::from_secs(20);
const CHALLENGE: &str = "say+this & nothing else";

/// A request that came to the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub mode: String,
    pub topic: String,
    pub callback: Url,
    pub secret: String,
    pub lease_seconds: String,
}

impl Asked {
    fn read(body: &[u8]) -> Self {
        let first = |name: &str| {
            let found = form_urlencoded::parse(body).find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        Self {
            mode: first("hub.mode"),
            topic: first("hub.topic"),
            callback: first("hub.callback").parse().unwrap(),
            secret: first("hub.secret"),
            lease_seconds: first("hub.lease_seconds"),
        }
    }

    /// In the path of the callback.
    pub fn token(&self) -> &str {
        self.callback.path().rsplit('/').next().unwrap()
    }
}

/// A question of the hub's, and what it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    pub mode: String,
    pub status: u16,
    pub body: String,
}

/// The hub; it ends when it is dropped.
pub struct Hub {
    pub farm: Farm,
    asked: Arc<Mutex<Vec<Asked>>>,
    confirmed: Arc<Mutex<Vec<Confirmed>>>,
    count: watch::Receiver<usize>,
    reach: watch::Sender<Option<String>>,
}

impl Hub {
    /// One that gives leases of `lease_seconds`.
    pub async fn start(lease_seconds: u64) -> Self {
        let (reach, reached) = watch::channel(None::<String>);
        let (counter, count) = watch::channel(0);
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let confirmed: Arc<Mutex<Vec<Confirmed>>> = Arc::default();
        let (all_asked, all_confirmed) = (Arc::clone(&asked), Arc::clone(&confirmed));
        let farm = Farm::start(move |request| {
            let asked = Asked::read(&request.body);
            all_asked.lock().unwrap().push(asked.clone());
            let (mut reached, counter, confirmed) = (reached.clone(), counter.clone(), Arc::clone(&all_confirmed));
            tokio::spawn(async move {
                // A test that ends before it says where the daemon is asks for no question.
                let Ok(address) = reached.wait_for(Option::is_some).await.map(|address| address.clone().unwrap())
                else {
                    return;
                };
                let target = question(&asked, &asked.mode, &asked.topic, lease_seconds);
                let (status, body) = http(&address, "GET", &target, &[], b"").await;
                confirmed.lock().unwrap().push(Confirmed { mode: asked.mode, status, body });
                counter.send_modify(|count| *count += 1);
            });
            Reply::status(202)
        })
        .await;
        Self { farm, asked, confirmed, count, reach }
    }

    /// Where the daemon listens.
    pub fn reach(&self, address: &str) {
        self.reach.send(Some(address.to_owned())).unwrap();
    }

    pub fn url(&self) -> Url {
        self.farm.url("/hub")
    }

    /// Everything that it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until so many requests were asked back about, and gives what was said to each.
    pub async fn confirmed(&self, count: usize) -> Vec<Confirmed> {
        let mut counter = self.count.clone();
        let waited = tokio::time::timeout(PATIENCE, counter.wait_for(|seen| *seen >= count)).await;
        let confirmed = self.confirmed.lock().unwrap().clone();
        assert!(waited.is_ok(), "only {confirmed:?} came of {:?}", self.asked());
        confirmed
    }

    /// Pushes to the first subscriber, signed; gives the status of the answer.
    pub async fn publish(&self, body: &[u8]) -> u16 {
        let asked = self.asked()[0].clone();
        self.publish_signed(&asked, &signature(&asked.secret, body), body).await
    }

    /// Pushes with this signature; an empty one is left out.
    pub async fn publish_signed(&self, asked: &Asked, signature: &str, body: &[u8]) -> u16 {
        let address = self.reach.borrow().clone().unwrap();
        let mut headers = vec![("content-type", "application/rss+xml")];
        if !signature.is_empty() {
            headers.push(("x-hub-signature", signature));
        }
        http(&address, "POST", asked.callback.path(), &headers, body).await.0
    }
}

/// What a hub asks at a callback.
pub fn question(asked: &Asked, mode: &str, topic: &str, lease_seconds: u64) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("hub.mode", mode)
        .append_pair("hub.topic", topic)
        .append_pair("hub.challenge", CHALLENGE)
        .append_pair("hub.lease_seconds", &lease_seconds.to_string())
        .finish();
    format!("{}?{query}", asked.callback.path())
}

/// What a hub wants to hear.
pub fn is_confirmed(confirmed: &Confirmed) -> bool {
    confirmed.status == 200 && confirmed.body == CHALLENGE
}

/// `X-Hub-Signature`, as a good hub makes it.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body);
    format!("sha256={}", data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()))
}

/// One request over a connection of its own: status and body of the answer.
pub async fn http(address: &str, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut head = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "host") {
        head.push_str("host: callback.example\r\n");
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server that has heard enough may answer and hang up before it has all.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, body.to_owned())
}

//! A webhook receiver on loopback that records what it gets and answers as a test tells it to.
//!
//! Spoken by hand, not by a server library: it has to hang, and to drop connections in the middle.

use std::{
    collections::HashMap,
    future,
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use url::Url;

/// No test waits longer for an event; one that does has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the receiver does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Status and further header lines.
    Status(u16, &'static str),
    /// Status and body.
    Says(u16, &'static str),
    /// Never answers.
    Hang,
    /// Closes the connection.
    Drop,
    /// Answers 204 once the gate is opened.
    Wait(watch::Receiver<bool>),
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Received {
    /// Its webhook-id; empty where the format has none.
    pub(crate) fn id(&self) -> &str {
        self.headers.get("webhook-id").map_or("", |id| id.to_str().unwrap())
    }
}

type Script = Arc<dyn Fn(usize, &Received) -> Answer + Send + Sync>;

/// The receiver; it ends with the test's runtime.
pub(crate) struct Receiver {
    pub(crate) url: Url,
    received: Arc<Mutex<Vec<Received>>>,
    count: watch::Receiver<usize>,
    /// Most requests that were open at once.
    peak: Arc<Mutex<(usize, usize)>>,
}

impl Receiver {
    /// Answers each request by its number, counted from 0 for each webhook-id.
    pub(crate) async fn start(script: impl Fn(usize, &Received) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap()).parse().unwrap();
        let (counter, count) = watch::channel(0);
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let peak: Arc<Mutex<(usize, usize)>> = Arc::default();
        let (script, records, open): (Script, _, _) = (Arc::new(script), Arc::clone(&received), Arc::clone(&peak));
        let attempts: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (script, records, attempts) = (Arc::clone(&script), Arc::clone(&records), Arc::clone(&attempts));
                let (counter, open) = (counter.clone(), Arc::clone(&open));
                tokio::spawn(async move {
                    let mut socket = socket;
                    let Some(request) = read_request(&mut socket).await else { return };
                    {
                        let mut open = open.lock().unwrap();
                        open.0 += 1;
                        open.1 = open.1.max(open.0);
                    }
                    let number = {
                        let mut attempts = attempts.lock().unwrap();
                        let attempt = attempts.entry(request.id().to_owned()).or_default();
                        *attempt += 1;
                        *attempt - 1
                    };
                    let answer = script(number, &request);
                    records.lock().unwrap().push(request);
                    counter.send_modify(|count| *count += 1);
                    let answer = match answer {
                        Answer::Status(status, headers) => Some((status, headers, "")),
                        Answer::Says(status, body) => Some((status, "", body)),
                        Answer::Drop => None,
                        Answer::Hang => future::pending().await,
                        Answer::Wait(mut gate) => {
                            gate.wait_for(|open| *open).await.unwrap();
                            Some((204, "", ""))
                        }
                    };
                    open.lock().unwrap().0 -= 1;
                    if let Some((status, headers, body)) = answer {
                        let length = body.len();
                        let answer = format!(
                            "HTTP/1.1 {status} Whatever\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
                        );
                        let _ = socket.write_all(answer.as_bytes()).await;
                    }
                });
            }
        });
        Self { url, received, count, peak }
    }

    /// Waits until so many requests have come, and gives them all.
    pub(crate) async fn received(&self, count: usize) -> Vec<Received> {
        let mut counter = self.count.clone();
        let waited = tokio::time::timeout(PATIENCE, counter.wait_for(|n| *n >= count)).await;
        assert!(waited.is_ok(), "only {} of {count} requests came", self.so_far().len());
        self.so_far()
    }

    /// What has come up to now.
    pub(crate) fn so_far(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Most requests that were open at once.
    pub(crate) fn peak(&self) -> usize {
        self.peak.lock().unwrap().1
    }
}

async fn read_request(socket: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.lines();
    let request_line = lines.next().unwrap().to_owned();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        headers.insert(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
    while bytes.len() < head_end + 4 + length {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[head_end + 4..].to_vec()).unwrap();
    Some(Received { head: request_line, headers, body })
}

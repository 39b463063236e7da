//! A feed server on loopback that records every request and answers as a closure says: whole, late, broken off, never.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use url::Url;

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names in lower case, values byte for byte, in the order in which they came.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Recorded {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_slice())
    }
}

/// An answer, and how it goes out.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    way: Way,
    delay: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Whole,
    /// The connection is closed after so many bytes of the body.
    BrokenAfter(usize),
    /// Nothing is ever sent.
    Never,
    /// The body again and again, until the other side has had enough.
    Endless,
    /// The body stands for the whole answer, status line included.
    Raw,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), way: Way::Whole, delay: Duration::ZERO }
    }

    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::status(200) }
    }

    pub fn moved(status: u16, location: impl AsRef<[u8]>) -> Self {
        Self::status(status).header("location", location)
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub fn broken_after(self, bytes: usize) -> Self {
        Self { way: Way::BrokenAfter(bytes), ..self }
    }

    pub fn never() -> Self {
        Self { way: Way::Never, ..Self::status(200) }
    }

    pub fn endless(piece: impl Into<Vec<u8>>) -> Self {
        Self { way: Way::Endless, ..Self::ok(piece) }
    }

    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { way: Way::Raw, ..Self::ok(bytes) }
    }

    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

/// Where requests are kept, and told of.
#[derive(Clone)]
struct Record {
    log: Arc<Mutex<Vec<Recorded>>>,
    counter: watch::Sender<usize>,
}

impl Record {
    fn keep(&self, request: Recorded) {
        self.log.lock().unwrap().push(request);
        self.counter.send_modify(|count| *count += 1);
    }
}

type Answers = Arc<dyn Fn(&Recorded) -> Reply + Send + Sync>;

/// The server; it ends when it is dropped.
pub struct Farm {
    address: SocketAddr,
    log: Arc<Mutex<Vec<Recorded>>>,
    count: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Farm {
    /// On a free port of 127.0.0.1.
    pub async fn start(answer: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (counter, count) = watch::channel(0);
        let (answers, record): (Answers, _) = (Arc::new(answer), Record { log: Arc::clone(&log), counter });
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, record) = (Arc::clone(&answers), record.clone());
                connections.spawn(async move {
                    // A client that hangs up is part of the play.
                    let _ = serve(stream, &answers, &record).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, log, count, task }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `path` begins with `/`.
    pub fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.log.lock().unwrap().clone()
    }

    /// Until so many requests have come in all.
    pub async fn wait_for(&self, count: usize) {
        self.count.clone().wait_for(|seen| *seen >= count).await.unwrap();
    }

    /// The requests for one path so far.
    pub fn requests_for(&self, path: &str) -> Vec<Recorded> {
        self.requests().into_iter().filter(|request| request.path == path).collect()
    }
}

impl Drop for Farm {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, answers: &Answers, record: &Record) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await? {
        let reply = answers(&request);
        let is_head = request.method == "HEAD";
        record.keep(request);
        tokio::time::sleep(reply.delay).await;
        if reply.way == Way::Never {
            // Until the other side hangs up.
            let mut rest = [0; 64];
            while stream.read(&mut rest).await? > 0 {}
            return Ok(());
        }
        if reply.way == Way::Raw {
            stream.write_all(&reply.body).await?;
            return Ok(());
        }
        stream.write_all(&head(&reply)).await?;
        match reply.way {
            Way::BrokenAfter(bytes) => {
                stream.write_all(&reply.body[..bytes]).await?;
                return stream.shutdown().await;
            }
            Way::Endless => loop {
                stream.write_all(&reply.body).await?;
            },
            _ if !is_head && reply.status != 304 => stream.write_all(&reply.body).await?,
            _ => {}
        }
    }
    Ok(())
}

fn head(reply: &Reply) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} x\r\n", reply.status).into_bytes();
    for (name, value) in &reply.headers {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    }
    if reply.way == Way::Endless {
        head.extend_from_slice(b"connection: close\r\n\r\n");
    } else if reply.status == 304 {
        head.extend_from_slice(b"\r\n");
    } else {
        head.extend_from_slice(format!("content-length: {}\r\n\r\n", reply.body.len()).as_bytes());
    }
    head
}

/// How a client begins that takes us for an https server.
const TLS_HANDSHAKE: u8 = 0x16;

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<Recorded>> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
        if buffer[0] == TLS_HANDSHAKE {
            return Ok(Some(Recorded {
                method: "TLS".into(),
                path: String::new(),
                headers: Vec::new(),
                body: Vec::new(),
            }));
        }
    };
    let head = buffer[..end].to_vec();
    buffer.drain(..end + 4);
    let mut lines = head.split(|b| *b == b'\n').map(|line| line.trim_ascii());
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let mut words = first.split(' ').map(str::to_owned);
    let headers: Vec<(String, Vec<u8>)> = lines
        .filter_map(|line| {
            let colon = line.iter().position(|b| *b == b':')?;
            let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
            Some((name, line[colon + 1..].trim_ascii().to_vec()))
        })
        .collect();
    let mut request = Recorded {
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
        headers,
        body: Vec::new(),
    };
    let length = request.header("content-length").and_then(|v| std::str::from_utf8(v).ok()?.parse().ok()).unwrap_or(0);
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    request.body = buffer.drain(..length).collect();
    Ok(Some(request))
}

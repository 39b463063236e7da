//! A webhook over HTTP/2 whose connection dies without a word, as behind a firewall that forgets it.

use std::{
    future,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::http::{Response, StatusCode};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;

use super::{
    program::{until, wire_to_hook},
    secure::Authority,
};

/// A receiver that tells which connection each request came by, and whose connections go silent.
struct Receiver {
    port: u16,
    came_by: Arc<Mutex<Vec<usize>>>,
    /// Connections up to this one are dead.
    dead: watch::Sender<usize>,
}

impl Receiver {
    async fn start(tls: TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (dead, silence) = watch::channel(0);
        let came_by: Arc<Mutex<Vec<usize>>> = Arc::default();
        let kept = Arc::clone(&came_by);
        tokio::spawn(async move {
            for number in 1.. {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::spawn(talk(tls.clone(), socket, number, silence.clone(), Arc::clone(&kept)));
            }
        });
        Self { port, came_by, dead }
    }

    fn came_by(&self) -> Vec<usize> {
        self.came_by.lock().unwrap().clone()
    }
}

async fn talk(
    tls: TlsAcceptor,
    socket: TcpStream,
    number: usize,
    mut silence: watch::Receiver<usize>,
    came_by: Arc<Mutex<Vec<usize>>>,
) {
    let Ok(socket) = tls.accept(socket).await else { return };
    let Ok(mut connection) = h2::server::handshake(socket).await else { return };
    let silence = async move {
        let _ = silence.wait_for(|dead| number <= *dead).await;
    };
    tokio::pin!(silence);
    loop {
        let request = tokio::select! {
            request = connection.accept() => request,
            // It stays open, and nobody reads or answers on it.
            () = &mut silence => return future::pending().await,
        };
        let Some(Ok((request, mut answer))) = request else { return };
        came_by.lock().unwrap().push(number);
        tokio::spawn(async move {
            let mut body = request.into_body();
            while let Some(Ok(_)) = body.data().await {}
            let taken = Response::builder().status(StatusCode::NO_CONTENT).body(()).unwrap();
            // Who asked may be gone.
            let _ = answer.send_response(taken, true);
        });
    }
}

fn news(count: usize) -> String {
    let item = |n| format!("<item><title>A missile, part {n}</title><guid>{n}</guid></item>");
    let items: String = (0..count).map(item).collect();
    format!("<rss version=\"2.0\"><channel><title>W</title><link>https://w.example/</link>{items}</channel></rss>")
}

/// Requests share a connection over HTTP/2, and each that timed out left it to the next: nothing was delivered any more.
async fn dead_connection_is_left(timeout: &str) {
    let authority = Authority::new("Ours");
    let receiver = Receiver::start(authority.speaking("localhost", &["h2"])).await;
    let hook = format!("https://localhost:{}/hook", receiver.port);
    let more = format!("retry = [\"200ms\", \"200ms\", \"200ms\"]\ntimeout = \"{timeout}\"");
    let desk = wire_to_hook(&"file:wire.xml", &hook, &more);
    desk.write("authority.pem", &authority.pem);
    let file = desk.path("authority.pem");
    let desk = desk.with_variable("SSL_CERT_FILE", file);
    desk.write("wire.xml", news(2));
    let _daemon = desk.start();
    until("two have come", || receiver.came_by().len() == 2);
    let before = receiver.came_by();
    let last = *before.iter().max().unwrap();
    receiver.dead.send_replace(last);
    desk.write("wire.new", news(6));
    std::fs::rename(desk.path("wire.new"), desk.path("wire.xml")).unwrap();
    let took = until("four more have come", || receiver.came_by().len() == 6);
    assert!(receiver.came_by()[2..].iter().all(|number| *number > last), "{:?}", receiver.came_by());
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_connection_is_left_after_a_timeout() {
    dead_connection_is_left("1s").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_connection_is_left_long_before_a_long_timeout() {
    dead_connection_is_left("60s").await;
}

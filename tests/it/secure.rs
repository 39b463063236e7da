//! The built program and servers that speak TLS: mail servers and a webhook, with certificates of an authority that the test
//! makes and that `SSL_CERT_FILE` names.

use std::sync::{Arc, Mutex};

use data_encoding::BASE64;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::{
    farm::{Farm, Reply},
    program::{Desk, Ran, until},
};

/// Who signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let certificate = BASE64.encode(parameters.self_signed(&key).unwrap().der());
        let lines: Vec<&str> = certificate.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
        Self { issuer: Issuer::new(parameters, key), pem }
    }

    /// A server of this name.
    fn server(&self, name: &str) -> TlsAcceptor {
        self.speaking(name, &[])
    }

    /// The same, which offers these protocols.
    pub(crate) fn speaking(&self, name: &str, protocols: &[&str]) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// How a mail server speaks.
#[derive(Clone)]
enum Way {
    FromStart,
    Starttls,
    /// It refuses every mail; who sits on the line adds this behind its yes to STARTTLS.
    Injected(&'static str),
    NoTls,
}

/// A line that a client sent.
#[derive(Debug, Clone)]
struct Said {
    under_tls: bool,
    line: String,
}

struct MailServer {
    port: u16,
    lines: Arc<Mutex<Vec<Said>>>,
}

impl MailServer {
    async fn start(way: Way, tls: TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (way, tls, kept) = (way.clone(), tls.clone(), Arc::clone(&kept));
                tokio::spawn(async move {
                    // A client that refuses the certificate is part of the play.
                    if matches!(way, Way::FromStart) {
                        let Ok(socket) = tls.accept(socket).await else { return };
                        talk(&mut BufReader::new(socket), &way, true, &kept).await;
                        return;
                    }
                    let mut socket = BufReader::new(socket);
                    if talk(&mut socket, &way, false, &kept).await {
                        let Ok(socket) = tls.accept(socket.into_inner()).await else { return };
                        talk(&mut BufReader::new(socket), &way, true, &kept).await;
                    }
                });
            }
        });
        Self { port, lines }
    }

    fn said(&self) -> Vec<Said> {
        self.lines.lock().unwrap().clone()
    }

    /// Whether a whole message came.
    fn has_mail(&self) -> bool {
        self.said().iter().any(|said| said.line == ".")
    }

    /// Nothing but a greeting crossed the line, neither password nor mail.
    #[track_caller]
    fn got_nothing(&self) {
        let said = self.said();
        assert!(said.iter().all(|said| said.line.starts_with("EHLO") || said.line == "STARTTLS"), "{said:?}");
    }
}

/// One conversation; whether it goes on under TLS.
async fn talk<S>(socket: &mut BufReader<S>, way: &Way, under_tls: bool, kept: &Mutex<Vec<Said>>) -> bool
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut is_greeted = under_tls && !matches!(way, Way::FromStart);
    let mut in_message = false;
    loop {
        if !is_greeted {
            is_greeted = true;
            socket.write_all(b"220 loopback\r\n").await.unwrap();
        }
        let mut line = String::new();
        if socket.read_line(&mut line).await.unwrap_or(0) == 0 {
            return false;
        }
        let line = line.trim_end_matches(['\r', '\n']).to_owned();
        let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        kept.lock().unwrap().push(Said { under_tls, line: line.clone() });
        let answer = match word.as_str() {
            _ if in_message && line != "." => continue,
            _ if in_message => {
                in_message = false;
                "250 queued".to_owned()
            }
            "EHLO" if !under_tls && !matches!(way, Way::NoTls) => "250-loopback\r\n250-STARTTLS\r\n250 8BITMIME".into(),
            "EHLO" => "250-loopback\r\n250-AUTH PLAIN\r\n250 8BITMIME".into(),
            "STARTTLS" => {
                let more = if let Way::Injected(more) = way { more } else { "" };
                socket.write_all(format!("220 go on\r\n{more}").as_bytes()).await.unwrap();
                return true;
            }
            "MAIL" if matches!(way, Way::Injected(_)) => "550 not you".into(),
            "AUTH" => "235 welcome".into(),
            "DATA" => {
                in_message = true;
                "354 go on".into()
            }
            "QUIT" => "221 bye".into(),
            _ => "250 ok".into(),
        };
        if socket.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return false;
        }
    }
}

async fn feed() -> Farm {
    let item = "<item><title>A missile</title><guid>1</guid><description>t</description></item>";
    let head =
        "<rss version=\"2.0\"><channel><title>W</title><link>https://w.example/</link><description>d</description>";
    let document = format!("{head}{item}</channel></rss>");
    Farm::start(move |_| Reply::ok(document.clone())).await
}

/// A desk that believes this authority alone, whose watch sends to these sinks.
fn desk(feed: &Farm, authority: &Authority, sinks: &str) -> Desk {
    let desk = Desk::new(&format!(
        "[daemon]\ndata_dir = \"data\"\nbacklog = \"all\"\nlisten = \"off\"\nallow_private_networks = true\n\
         [packs]\ndefaults = false\n[[feed]]\nid = \"wire\"\nurl = \"{}\"\n\
         [[watch]]\nid = \"w\"\nquery = \"missile\"\n{sinks}",
        feed.url("/feed")
    ));
    desk.write("authority.pem", &authority.pem);
    let file = desk.path("authority.pem");
    desk.with_variable("SSL_CERT_FILE", file)
}

fn mail_sink(id: &str, scheme: &str, port: u16) -> String {
    format!(
        "[[sink]]\nid = \"{id}\"\ntype = \"email\"\nurl = \"{scheme}://localhost:{port}\"\nusername = \"watch\"\n\
         password = \"hush\"\nfrom = \"watch@example.org\"\nto = [\"desk@example.org\"]\ntimeout = \"10s\"\n"
    )
}

/// What one turn makes of the one delivery: its state, and why it was not taken.
fn outcome(desk: &Desk) -> (String, String) {
    let Ran { code, stderr, .. } = desk.run(&["run", "--once"]);
    assert_eq!(code, Some(0), "{stderr}");
    let listed = desk.run(&["deliveries", "list", "--all"]);
    // The console is there unless it is declared.
    let ours: Vec<_> = listed.lines().into_iter().filter(|line| line["sink"] != "console").collect();
    let [line] = ours.as_slice() else { panic!("{ours:?}") };
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    (text("state"), text("last_error"))
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_out_under_tls_from_the_first_byte_and_by_starttls() {
    let (feed, authority) = (feed().await, Authority::new("Ours"));
    let from_start = MailServer::start(Way::FromStart, authority.server("localhost")).await;
    let starttls = MailServer::start(Way::Starttls, authority.server("localhost")).await;
    let sinks = mail_sink("a", "smtps", from_start.port) + &mail_sink("b", "smtp", starttls.port);
    let desk = desk(&feed, &authority, &sinks);
    let daemon = desk.start();
    until("both have the mail", || from_start.has_mail() && starttls.has_mail());
    assert!(daemon.terminate().0.success());
    for server in [from_start, starttls] {
        let said = server.said();
        let secret = said.iter().filter(|said| said.line != "STARTTLS" && !said.line.starts_with("EHLO"));
        assert!(secret.clone().all(|said| said.under_tls), "{said:?}");
        let plain = BASE64.encode(b"\0watch\0hush");
        for wanted in [&*format!("AUTH PLAIN {plain}"), "RCPT TO:<desk@example.org>"] {
            assert!(said.iter().any(|said| said.line == wanted), "{wanted}: {said:?}");
        }
        assert_eq!(said.iter().filter(|said| said.line == ".").count(), 1, "one mail, once");
        assert!(said.iter().any(|said| said.line.contains("missile")), "{said:?}");
    }
    let delivered = desk.run(&["deliveries", "list", "--all"]);
    assert!(delivered.lines().iter().all(|line| line["state"] == "delivered"), "{delivered:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn server_that_is_not_who_it_should_be_gets_nothing() {
    let (feed, authority) = (feed().await, Authority::new("Ours"));
    let untrusted = "no secure connection: its certificate is from an authority that this system does not trust";
    let misnamed = "no secure connection: its certificate is for another name than `localhost`";
    for (tls, reason) in
        [(Authority::new("Theirs").server("localhost"), untrusted), (authority.server("mail.example.org"), misnamed)]
    {
        for (way, scheme) in [(Way::FromStart, "smtps"), (Way::Starttls, "smtp")] {
            let server = MailServer::start(way, tls.clone()).await;
            let desk = desk(&feed, &authority, &mail_sink("mail", scheme, server.port));
            assert_eq!(outcome(&desk), ("pending".into(), reason.into()), "{scheme}");
            server.got_nothing();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_that_offers_no_starttls_gets_nothing() {
    let (feed, authority) = (feed().await, Authority::new("Ours"));
    let server = MailServer::start(Way::NoTls, authority.server("localhost")).await;
    let desk = desk(&feed, &authority, &mail_sink("mail", "smtp", server.port));
    assert_eq!(outcome(&desk), ("pending".into(), "STARTTLS is not supported on this server".into()));
    server.got_nothing();
}

/// Answers to all that a client asks, the last of which says that the mail was taken.
const FORGED: &str = "250-loopback\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n235 welcome\r\n250 ok\r\n250 ok\r\n354 go on\r\n\
                      250 queued\r\n221 bye\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn answers_put_in_behind_the_yes_to_starttls_are_not_believed() {
    let (feed, authority) = (feed().await, Authority::new("Ours"));
    let server = MailServer::start(Way::Injected(FORGED), authority.server("localhost")).await;
    let desk = desk(&feed, &authority, &mail_sink("mail", "smtp", server.port));
    assert_eq!(outcome(&desk), ("pending".into(), "no secure connection: what it sent is no TLS".into()));
    server.got_nothing();
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_is_believed_by_the_same_list() {
    let (feed, authority) = (feed().await, Authority::new("Ours"));
    let untrusted = "no secure connection: its certificate is from an authority that this system does not trust";
    for (tls, expected) in [
        (authority.server("localhost"), ("delivered", "")),
        (Authority::new("Theirs").server("localhost"), ("pending", untrusted)),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&got);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let Ok(mut socket) = tls.accept(socket).await else { continue };
                let mut bytes = vec![0; 64];
                socket.read_exact(&mut bytes).await.unwrap();
                kept.lock().unwrap().push(String::from_utf8_lossy(&bytes).into_owned());
                let answer = b"HTTP/1.1 204 Taken\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                socket.write_all(answer).await.unwrap();
                let _ = socket.shutdown().await;
            }
        });
        let sink = format!("[[sink]]\nid = \"hook\"\ntype = \"webhook\"\nurl = \"https://localhost:{port}/hook\"\n");
        let desk = desk(&feed, &authority, &sink);
        let (state, error) = outcome(&desk);
        assert_eq!((&*state, &*error), expected);
        let got = got.lock().unwrap().clone();
        assert_eq!(got.len(), usize::from(state == "delivered"), "{got:?}");
        assert!(got.iter().all(|request| request.starts_with("POST /hook HTTP/1.1")), "{got:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn system_without_certificates_starts_all_the_same() {
    let (feed, authority) = (feed().await, Authority::new("Ours"));
    let server = MailServer::start(Way::FromStart, authority.server("localhost")).await;
    let desk = desk(&feed, &authority, &mail_sink("mail", "smtps", server.port));
    // As in a container built from nothing; the built-in list does not know our authority.
    desk.write("authority.pem", "");
    let untrusted = "no secure connection: its certificate is from an authority that this system does not trust";
    assert_eq!(outcome(&desk), ("pending".into(), untrusted.into()));
    server.got_nothing();
}

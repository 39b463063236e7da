//! One conversation with a mail server: TLS as the sink wants it, login, one message.
//!
//! STARTTLS is where clients have been fooled: who sits on the line adds answers of his own behind the server's `220`, still
//! in the clear, and a client that has read ahead takes them for what the server says under TLS (CVE-2011-0411 and its kin;
//! lettre reads ahead). So it is given one line at a time here: what follows the `220` is left to TLS, which refuses it.

use std::{
    error::Error,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use data_encoding::BASE64;
use lettre::{
    Address, Message,
    transport::smtp::{
        self,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, AsyncTokioStream, CertificateStore, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, MailBodyParameter, MailParameter},
    },
};
use tokio::{
    io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader, ReadBuf},
    net::TcpStream,
    time,
};

use super::{Reply, cover::Cover, recipients::Said, retry::SinkAnswer, webhook::one_line};
use crate::{
    config::{EmailSettings, SmtpTls},
    fetch::{look_up::LookUps, tls},
};

/// A server that has taken the mail and then does not say goodbye is left after this time.
const GOODBYE: Duration = Duration::from_secs(1);

/// A mail server, and how it is spoken to.
pub(super) struct Server {
    host: String,
    port: u16,
    way: Way,
    login: Option<Credentials>,
    /// Over what a server may repeat of the login.
    cover: Cover,
    timeout: Duration,
}

enum Way {
    TlsFromStart(TlsParameters),
    Starttls(TlsParameters),
    Plain,
}

/// Why a mail was not taken.
enum Failure {
    Connect(io::Error),
    Talk(smtp::Error),
}

impl Server {
    /// # Errors
    /// TLS can't be used.
    pub fn new(settings: &EmailSettings) -> Result<Self, smtp::Error> {
        let way = match settings.tls {
            SmtpTls::FromStart => Way::TlsFromStart(trusted(&settings.host)?),
            SmtpTls::Starttls => Way::Starttls(trusted(&settings.host)?),
            SmtpTls::None => Way::Plain,
        };
        let mut cover = Cover::default();
        let login = settings.login.as_ref().map(|(user, password)| {
            let password = password.reveal().trim();
            cover.token(password);
            // As AUTH PLAIN and AUTH LOGIN send it.
            cover.token(&BASE64.encode(format!("\0{user}\0{password}").as_bytes()));
            cover.token(&BASE64.encode(password.as_bytes()));
            Credentials::new(user.clone(), password.to_owned())
        });
        Ok(Self { host: settings.host.clone(), port: settings.port, way, login, cover, timeout: settings.timeout })
    }

    /// Hands one mail over, once for all of `to`; gives what the server said to each of them.
    ///
    /// # Errors
    /// Nobody has it, and why is not about one of them.
    pub async fn send(&self, mail: &Message, to: &[Address]) -> Result<Said, Reply> {
        let attempt = async {
            let mut connection = self.connect().await?;
            let said = self.hand_over(&mut connection, mail, to).await;
            Ok((connection, said))
        };
        let (mut connection, said) = match time::timeout(self.timeout, attempt).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(Failure::Connect(error))) => return Err(unsent(&format!("could not connect: {error}"))),
            Ok(Err(Failure::Talk(error))) => return Err(self.refused(&error)),
            Err(_) => return Err(unsent(&format!("no answer within {:?}", self.timeout))),
        };
        // What it said counts, however it takes its leave.
        let _ = time::timeout(GOODBYE, connection.abort()).await;
        said.map_err(|error| self.refused(&error))
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let hello = ClientId::default();
        // Given a name, both would look it up on the threads that files and the store use too, and leave one behind with each
        // attempt at a name that hangs.
        let found = LookUps::for_sinks().look_up(&self.host).await?;
        let places: Vec<SocketAddr> = found.iter().map(|found| SocketAddr::new(found.ip(), self.port)).collect();
        let places = places.as_slice();
        let mut connection = match &self.way {
            Way::TlsFromStart(tls) => {
                AsyncSmtpConnection::connect_tokio1(places, Some(self.timeout), &hello, Some(tls.clone()), None).await?
            }
            Way::Starttls(_) | Way::Plain => {
                let socket = LineByLine(BufReader::new(TcpStream::connect(places).await?));
                AsyncSmtpConnection::connect_with_transport(Box::new(socket), &hello).await?
            }
        };
        if let Way::Starttls(tls) = &self.way {
            connection.starttls(tls.clone(), &hello).await?;
        }
        if let Some(login) = &self.login {
            connection.auth(DEFAULT_MECHANISMS, login).await?;
        }
        Ok(connection)
    }

    /// lettre's own `send` leaves at the first recipient that is refused, and then nobody gets the mail.
    async fn hand_over(
        &self,
        connection: &mut AsyncSmtpConnection,
        mail: &Message,
        to: &[Address],
    ) -> Result<Said, smtp::Error> {
        let (bytes, from) = (mail.formatted(), mail.envelope().from().cloned());
        let is_ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        let mut options = Vec::new();
        // RFC 6531 and RFC 6152; a server that can't says no.
        if !to.iter().chain(&from).all(is_ascii) {
            options.push(MailParameter::SmtpUtfEight);
        }
        if !bytes.is_ascii() {
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        connection.command(Mail::new(from, options)).await?;
        let mut said = Said::default();
        for address in to {
            match connection.command(Rcpt::new(address.clone(), Vec::new())).await {
                Ok(_) => said.taken.push(address.clone()),
                Err(error) if is_passing(&error) => said.later.push((address.clone(), self.refused(&error).said)),
                Err(error) if error.is_permanent() => said.refused.push((address.clone(), self.refused(&error).said)),
                Err(error) => return Err(error),
            }
        }
        if !said.taken.is_empty() {
            connection.command(Data).await?;
            connection.message(&bytes).await?;
        }
        Ok(said)
    }

    /// 5yz is the server's last word, as far as it knows: only a person can change that. All else may pass.
    fn refused(&self, error: &smtp::Error) -> Reply {
        if let Some(trouble) = tls::trouble(error) {
            return unsent(&format!("no secure connection: {trouble}"));
        }
        let answer = if error.is_permanent() { SinkAnswer::Forbidden } else { SinkAnswer::Unreachable };
        let mut said = match error.status() {
            Some(code) => format!("answered {code}"),
            None if error.is_timeout() => "no answer in time".to_owned(),
            None => String::new(),
        };
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_said = cause.to_string();
            if !said.contains(&cause_said) {
                let parted = if said.is_empty() { "" } else { ": " };
                said = format!("{said}{parted}{cause_said}");
            }
            source = cause.source();
        }
        if said.is_empty() {
            said = error.to_string();
        }
        Reply { answer, said: one_line(&self.cover.over(&said, false)) }
    }
}

/// 4yz, and what RFC 5321 §4.5.3.1.10 wants to be taken for "too many at once".
fn is_passing(error: &smtp::Error) -> bool {
    error.is_transient() || error.status().is_some_and(|code| u16::from(code) == 552)
}

/// Whom the system believes; where it has no list of its own, the built-in one does, as for webhooks.
fn trusted(host: &str) -> Result<TlsParameters, smtp::Error> {
    TlsParameters::new_rustls(host.to_owned()).or_else(|_| {
        TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::WebpkiRoots).build_rustls()
    })
}

fn unsent(said: &str) -> Reply {
    Reply { answer: SinkAnswer::Unreachable, said: one_line(said) }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Connect(error)
    }
}

impl From<smtp::Error> for Failure {
    fn from(error: smtp::Error) -> Self {
        Self::Talk(error)
    }
}

/// Gives what has come at most one line at a time, so that who reads it never reads ahead.
#[derive(Debug)]
struct LineByLine(BufReader<TcpStream>);

impl AsyncRead for LineByLine {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let come = ready!(Pin::new(&mut self.0).poll_fill_buf(context))?;
        let line = come.iter().position(|byte| *byte == b'\n').map_or(come.len(), |end| end + 1).min(into.remaining());
        into.put_slice(&come[..line]);
        Pin::new(&mut self.0).consume(line);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineByLine {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self.0.get_mut()).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.0.get_mut()).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.0.get_mut()).poll_shutdown(context)
    }
}

impl AsyncTokioStream for LineByLine {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().peer_addr()
    }
}

//! Why a feed could not be fetched, in words for its owner. Messages name the host, never the URL: its path, query and
//! user-info may be secret.

use std::{error::Error, fmt, io, net::IpAddr, path::PathBuf, time::Duration};

use reqwest::{Response, StatusCode};

use super::{
    address::{AddressError, not_public},
    body::{BodyProblem, RATIO_MAX},
    redirect::RedirectProblem,
    tls,
};

/// Why a feed could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The host, or one that it led to, is not on the public internet.
    #[error("{}; `private = true` on the feed allows its own host", not_public(host, *address))]
    PrivateAddress {
        /// As in the URL.
        host: String,
        /// What was refused.
        address: IpAddr,
    },
    /// The feed leads to the proxy that it should go through.
    #[error("{host} is the proxy itself; `private = true` allows it")]
    ProxyItself {
        /// As in the URL.
        host: String,
    },
    /// The name could not be resolved.
    #[error("{host} could not be found ({source}): is the name right, and is there a network?")]
    Dns {
        /// As in the URL.
        host: String,
        /// What the system's resolver said.
        source: io::Error,
    },
    /// No connection.
    #[error("could not connect to {host}{}{}", if *is_proxied { " by way of the proxy" } else { "" }, cause(source))]
    Connect {
        /// As in the URL.
        host: String,
        /// Whether a proxy is set, which may be the one that can't be reached.
        is_proxied: bool,
        /// Without its URL.
        source: reqwest::Error,
    },
    /// No secure connection: certificate or protocol.
    #[error("no secure connection to {host}{}", cause(source))]
    Tls {
        /// As in the URL.
        host: String,
        /// Without its URL.
        source: reqwest::Error,
    },
    /// It took too long, connecting or as a whole.
    #[error("{host} did not answer within {limit:?}")]
    Timeout {
        /// As in the URL, after moves.
        host: String,
        /// What it was given.
        limit: Duration,
    },
    /// A move that is not followed.
    #[error("{host} sends the request on, but {problem}")]
    Redirect {
        /// Who sent it on.
        host: String,
        /// What is wrong with that.
        problem: RedirectProblem,
    },
    /// An answer that is no document.
    #[error("{host} answered {status}{hint}")]
    Status {
        /// As in the URL, after moves.
        host: String,
        /// What it said.
        status: StatusCode,
        /// What to try.
        hint: StatusHint,
    },
    /// Too much, after decompression.
    #[error("the body is larger than {limit} bytes after decompression")]
    BodyTooLarge {
        /// What is allowed.
        limit: u64,
    },
    /// A small body made to become a large one.
    #[error("the body that {host} sent becomes more than {ratio} times as large when it is decompressed: no feed does")]
    Bomb {
        /// As in the URL, after moves.
        host: String,
        /// What is allowed.
        ratio: u64,
    },
    /// The body broke off.
    #[error("the answer of {host} broke off before its end{}", cause(source))]
    Truncated {
        /// As in the URL, after moves.
        host: String,
        /// Without its URL.
        source: reqwest::Error,
    },
    /// The body's compression is broken, or breaks off.
    #[error("the body that {host} sent can't be decompressed: {source}")]
    Compression {
        /// As in the URL, after moves.
        host: String,
        /// What the decoder said.
        source: io::Error,
    },
    /// The body is compressed in a way that we did not offer.
    #[error("{host} compressed the body in a way that was not asked for")]
    UnknownEncoding {
        /// As in the URL, after moves.
        host: String,
    },
    /// Something that is not HTTP.
    #[error("{host} did not speak HTTP as expected{}", cause(source))]
    Protocol {
        /// As in the URL.
        host: String,
        /// Without its URL.
        source: reqwest::Error,
    },
    /// A configured header that can't be sent.
    #[error("the header `{name}` can't be sent: a name is letters, digits and `-`, a value is one line")]
    Header {
        /// Its name; the value may be secret.
        name: String,
    },
    /// No client could be made.
    #[error("no HTTP client could be set up: {source}")]
    Client {
        /// TLS or the proxy.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A `file:` feed.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        problem: FileProblem,
    },
    /// An `exec:` feed.
    #[error("{program}: {problem}")]
    Command {
        /// Without its folder and arguments, which may be secret.
        program: String,
        /// Why not.
        problem: CommandProblem,
    },
}

/// Why an `exec:` feed could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CommandProblem {
    /// Missing, or not ours to run.
    #[error("it can't be started: {0}")]
    Start(io::Error),
    /// Its output broke off.
    #[error("its output can't be read: {0}")]
    Output(io::Error),
    /// It says itself that it failed.
    #[error("{status}: {said}")]
    Failed {
        /// How it ended.
        status: std::process::ExitStatus,
        /// The first line of its complaints.
        said: String,
    },
    /// What it is called can't stand in an address.
    #[error("its name can't be shown")]
    Name,
}

/// Why a `file:` feed could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FileProblem {
    /// Missing, or not ours to read.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    /// A folder.
    #[error("it is a folder; a feed is one file")]
    Directory,
    /// A device, FIFO or socket, which may never end.
    #[error("it is a device, a pipe or a socket; a feed is a regular file")]
    NotAFile,
    /// A relative path.
    #[error("the path is not absolute")]
    NotAbsolute,
}

/// What to try after an answer that is no document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusHint {
    /// Nothing to say.
    None,
    /// 401, 407.
    Login,
    /// 403, 406: sites that let only browsers in, or only some countries.
    RefusesPrograms,
    /// A page that wants a browser to prove itself.
    Challenge,
    /// 404, and 410 behind a temporary move.
    Missing,
    /// 451.
    Legal,
}

impl StatusHint {
    pub(super) fn of(response: &Response) -> Self {
        match response.status().as_u16() {
            _ if is_challenge(response) => Self::Challenge,
            401 | 407 => Self::Login,
            403 | 406 => Self::RefusesPrograms,
            404 | 410 => Self::Missing,
            451 => Self::Legal,
            _ => Self::None,
        }
    }
}

impl fmt::Display for StatusHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "",
            Self::Login => "; it asks for a login: set `headers = { Authorization = … }` for this feed",
            Self::RefusesPrograms => {
                "; the site may refuse programs or your country: try another `user_agent`, or a `proxy`, for this feed"
            }
            Self::Challenge => {
                "; it wants a browser to solve a challenge: ask the site to let feed readers in, or try another \
                 `user_agent` for this feed"
            }
            Self::Missing => "; the feed may have moved: look for its new address on the site",
            Self::Legal => "; it is blocked for legal reasons where you are: try a `proxy` for this feed",
        })
    }
}

/// Whether a gatekeeper in front of the site wants to see a browser. Cloudflare and Amazon's firewall name their
/// challenges, whatever their status; DataDome and DDoS-Guard are known by their headers on a refusal.
pub(super) fn is_challenge(response: &Response) -> bool {
    let says = |name: &str, words: &[&str]| {
        let value = response.headers().get(name).map(|value| value.as_bytes().to_ascii_lowercase());
        value.is_some_and(|value| words.iter().any(|word| value == word.as_bytes()))
    };
    let is_refusal = matches!(response.status().as_u16(), 401 | 403 | 429 | 503);
    says("cf-mitigated", &["challenge"])
        || says("x-amzn-waf-action", &["challenge", "captcha"])
        || (is_refusal && (response.headers().contains_key("x-datadome") || says("server", &["ddos-guard"])))
}

impl FetchError {
    /// The error's class, for metrics and lists.
    pub fn class(&self) -> &'static str {
        match self {
            Self::PrivateAddress { .. } | Self::ProxyItself { .. } => "private-address",
            Self::Dns { .. } => "dns",
            Self::Connect { .. } => "connect",
            Self::Tls { .. } => "tls",
            Self::Timeout { .. } => "timeout",
            Self::Redirect { .. } => "redirect",
            Self::Status { .. } => "status",
            Self::BodyTooLarge { .. } | Self::Bomb { .. } => "too-large",
            Self::Truncated { .. }
            | Self::Compression { .. }
            | Self::UnknownEncoding { .. }
            | Self::Protocol { .. } => "protocol",
            Self::Header { .. } | Self::Client { .. } => "config",
            Self::File { .. } => "file",
            Self::Command { .. } => "exec",
        }
    }

    /// Whether the same request may succeed later without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Dns { .. }
            | Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::Truncated { .. }
            | Self::Compression { .. }
            | Self::Protocol { .. } => true,
            Self::Command { problem, .. } => match problem {
                CommandProblem::Output(_) | CommandProblem::Failed { .. } => true,
                CommandProblem::Start(_) | CommandProblem::Name => false,
            },
            Self::Status { status, .. } => status.is_server_error() || matches!(status.as_u16(), 408 | 425),
            Self::PrivateAddress { .. }
            | Self::ProxyItself { .. }
            | Self::Tls { .. }
            | Self::Redirect { .. }
            | Self::BodyTooLarge { .. }
            | Self::Bomb { .. }
            | Self::UnknownEncoding { .. }
            | Self::Header { .. }
            | Self::Client { .. }
            | Self::File { .. } => false,
        }
    }

    /// What went wrong before an answer's headers were in.
    pub(super) fn from_reqwest(host: String, is_proxied: bool, connect_limit: Duration, error: reqwest::Error) -> Self {
        let error = error.without_url();
        if let Some(refused) = address_error(&error) {
            return refused;
        }
        match error {
            // The limit on the whole is kept elsewhere, so this is the one on connecting.
            error if error.is_timeout() => Self::Timeout { host, limit: connect_limit },
            error if causes(&error).any(is_tls) => Self::Tls { host, source: error },
            error if error.is_connect() => Self::Connect { host, is_proxied, source: error },
            error => Self::Protocol { host, source: error },
        }
    }

    pub(super) fn from_body(host: String, limit: u64, problem: BodyProblem) -> Self {
        match problem {
            BodyProblem::TooLarge => Self::BodyTooLarge { limit },
            BodyProblem::Bomb => Self::Bomb { host, ratio: RATIO_MAX },
            BodyProblem::UnknownEncoding => Self::UnknownEncoding { host },
            BodyProblem::Broken(source) => Self::Compression { host, source },
        }
    }
}

impl From<AddressError> for FetchError {
    fn from(error: AddressError) -> Self {
        match error {
            AddressError::Private { host, address } => Self::PrivateAddress { host, address },
            AddressError::NotFound { host, source } => Self::Dns { host, source },
        }
    }
}

/// What our own resolver said, if it was asked: it stands deep in what the client made of it.
fn address_error(error: &reqwest::Error) -> Option<FetchError> {
    causes(error).find_map(|cause| match cause.downcast_ref::<AddressError>()? {
        AddressError::Private { host, address } => {
            Some(FetchError::PrivateAddress { host: host.clone(), address: *address })
        }
        AddressError::NotFound { host, source } => {
            // Errors of the system can't be cloned; kind and words are all that anyone reads.
            Some(FetchError::Dns { host: host.clone(), source: io::Error::new(source.kind(), source.to_string()) })
        }
    })
}

/// An error and all that it stands on. What an `io::Error` wraps is looked at too, which its `source` skips.
pub(super) fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    fn next<'a>(error: &&'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
        let error = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    }
    std::iter::successors(Some(error), next)
}

fn is_tls(error: &(dyn Error + 'static)) -> bool {
    error.is::<rustls::Error>()
}

/// The deepest cause, which is the one that says something: "connection refused".
fn cause(error: &reqwest::Error) -> String {
    let said = tls::trouble(error).or_else(|| causes(error).last().map(ToString::to_string));
    said.map_or_else(String::new, |said| format!(": {said}"))
}

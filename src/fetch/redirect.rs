//! Which moves are followed, which are remembered, which are refused. A plain value: no request is made here.

use reqwest::{StatusCode, header::HeaderValue};
use url::Url;

/// Most hops of one request, as in browsers of old and curl's users' habit; real feeds need three.
pub const HOPS_MAX: usize = 10;

/// Why a move was not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectProblem {
    /// Back to a URL of the same chain.
    #[error("it leads round in a loop")]
    Loop,
    /// More than [`HOPS_MAX`].
    #[error("more than {HOPS_MAX} moves in a row")]
    TooMany,
    /// No `Location`, or one that is no URL.
    #[error("it does not say where to")]
    NoTarget,
    /// Anything but http and https: `file:` would read our own disk.
    #[error("it leads to a `{0}:` URL")]
    Scheme(String),
}

/// The way of one request, from the URL it begins with to the one that answers.
#[derive(Debug)]
pub struct Chain {
    visited: Vec<Url>,
    is_permanent: bool,
}

impl Chain {
    /// Begins at `start`; user-info and fragment are left out, they are no part of what is asked for.
    pub fn new(start: &Url) -> Self {
        Self { visited: vec![bare(start.clone())], is_permanent: true }
    }

    /// The URL to ask now.
    pub fn current(&self) -> &Url {
        self.visited.last().expect("it begins with one and none is taken out")
    }

    /// Whether every hop so far was permanent; true of no hop at all.
    pub fn is_permanent(&self) -> bool {
        self.is_permanent
    }

    /// Where the first URL has moved to for good: every hop was permanent and there was one.
    pub fn moved_to(&self) -> Option<Url> {
        (self.is_permanent && self.visited.len() > 1).then(|| self.current().clone())
    }

    /// Goes where an answer points to.
    ///
    /// # Errors
    /// [`RedirectProblem`], where the move is not followed.
    pub fn follow(&mut self, status: StatusCode, location: Option<&HeaderValue>) -> Result<(), RedirectProblem> {
        let location = location.ok_or(RedirectProblem::NoTarget)?;
        let target = self.current().join(&readable(location.as_bytes())).map_err(|_| RedirectProblem::NoTarget)?;
        if !matches!(target.scheme(), "http" | "https") {
            return Err(RedirectProblem::Scheme(target.scheme().to_owned()));
        }
        let target = bare(target);
        // Without cookies the same URL gives the same answer, so a second visit is a loop.
        if self.visited.contains(&target) {
            return Err(RedirectProblem::Loop);
        }
        if self.visited.len() > HOPS_MAX {
            return Err(RedirectProblem::TooMany);
        }
        self.is_permanent &= matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT);
        self.visited.push(target);
        Ok(())
    }
}

/// Whether a status moves the request elsewhere. 300 offers a choice and 304 is no move.
pub fn is_move(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn bare(mut url: Url) -> Url {
    url.set_fragment(None);
    // Both fail only on URLs without a host, and those have no user-info either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// A `Location` as text. Servers write it in UTF-8 whatever the RFC says; other bytes are kept as they are, escaped.
fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            bytes.iter().map(|b| if b.is_ascii() { char::from(*b).to_string() } else { format!("%{b:02X}") }).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn follow(chain: &mut Chain, status: u16, to: &[u8]) -> Result<(), RedirectProblem> {
        chain.follow(StatusCode::from_u16(status).unwrap(), Some(&HeaderValue::from_bytes(to).unwrap()))
    }

    fn chain(start: &str) -> Chain {
        Chain::new(&Url::parse(start).unwrap())
    }

    #[test]
    fn a_move_is_for_good_when_every_hop_was() {
        let mut way = chain("http://u:p@a.example/x#y");
        assert_eq!(way.moved_to(), None);
        follow(&mut way, 301, b"https://a.example/x").unwrap();
        follow(&mut way, 308, b"/z").unwrap();
        assert_eq!(way.moved_to().unwrap().as_str(), "https://a.example/z");
        follow(&mut way, 302, b"/q").unwrap();
        assert_eq!(way.moved_to(), None);
        follow(&mut way, 301, b"/r").unwrap();
        assert_eq!(way.moved_to(), None);
        assert!(!way.is_permanent());
    }

    #[test]
    fn moves_that_lead_nowhere_are_refused() {
        let mut way = chain("http://a.example/x");
        assert_eq!(follow(&mut way, 302, b"/x#again"), Err(RedirectProblem::Loop));
        assert_eq!(follow(&mut way, 302, b"file:///etc/passwd"), Err(RedirectProblem::Scheme("file".into())));
        assert_eq!(follow(&mut way, 302, b"http://"), Err(RedirectProblem::NoTarget));
        assert_eq!(way.follow(StatusCode::FOUND, None), Err(RedirectProblem::NoTarget));
        for hop in 1..=HOPS_MAX {
            follow(&mut way, 302, format!("/{hop}").as_bytes()).unwrap();
        }
        assert_eq!(follow(&mut way, 302, b"/11"), Err(RedirectProblem::TooMany));
    }

    #[test]
    fn a_target_is_read_in_utf_8_and_otherwise_kept() {
        let mut way = chain("http://a.example/");
        follow(&mut way, 302, "/caf\u{e9}".as_bytes()).unwrap();
        assert_eq!(way.current().as_str(), "http://a.example/caf%C3%A9");
        follow(&mut way, 302, b"/caf\xe9").unwrap();
        assert_eq!(way.current().as_str(), "http://a.example/caf%E9");
        follow(&mut way, 302, b"http://x:y@b.example/").unwrap();
        assert_eq!(way.current().as_str(), "http://b.example/");
    }
}

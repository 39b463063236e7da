//! Keeps the bodies of many polls at once from filling memory: small ones are simply read, of large ones there are few.
//!
//! A body that turns out to be large waits, unread, for one of [`LARGE_BODIES_MAX`] permits. The permit goes on with the
//! document, because what is read out of it is larger still; whoever has the [`Held`] drops it when all of it is stored.
//! While it waits, neither its own time runs nor is more of it taken than TCP has room for.
//!
//! A server that sends a large body as slowly as it can holds a permit for [`super::FetchLimits::total`] at most. So a
//! few of them can delay other large feeds by that, and small feeds, which are nearly all, not at all.

use std::sync::Arc;

use reqwest::header::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::body::{BodyProblem, BodyReader, Document};

/// A body is large when it, or what was sent of it in compressed form, is longer than this, in bytes. Nine of ten feeds
/// are far below it, and as many polls as there may be at once hold little.
pub(super) const LARGE_BYTES_MIN: u64 = 1024 * 1024;

/// Large bodies at once, from their second megabyte until they are stored. At 15 MB each, and more while they are read,
/// these are what memory has to have room for.
pub(super) const LARGE_BODIES_MAX: usize = 8;

/// The right to hold a large document; small ones need none. Dropped when the document and all that was read out of it
/// are dealt with.
#[derive(Debug, Clone, Default)]
pub struct Held(#[expect(dead_code, reason = "it is there to be dropped")] Option<Arc<OwnedSemaphorePermit>>);

/// What is held tells nothing of the document.
impl PartialEq for Held {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Held {}

/// Gives out the permits.
#[derive(Debug, Clone)]
pub(super) struct LargeBodies(Arc<Semaphore>);

impl LargeBodies {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(LARGE_BODIES_MAX)))
    }

    /// Waits for its turn: first come, first served. Every holder ends by itself, so this does.
    pub(super) async fn hold(&self) -> Held {
        // Never closed, so always a permit.
        Held(Arc::clone(&self.0).acquire_owned().await.ok().map(Arc::new))
    }
}

/// A body on its way in.
pub(super) struct Intake<'a> {
    headers: &'a HeaderMap,
    /// Of a large body; a small one ends at [`LARGE_BYTES_MIN`].
    limit: u64,
    reader: BodyReader,
    /// What was sent so far, until the body is known to be large.
    sent: Vec<u8>,
    held: Option<Held>,
}

/// Whether a body goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Small,
    /// It waits for [`Intake::go_on`].
    Large,
}

impl<'a> Intake<'a> {
    pub(super) fn new(headers: &'a HeaderMap, limit: u64) -> Result<Self, BodyProblem> {
        let reader = BodyReader::new(headers, limit.min(LARGE_BYTES_MIN))?;
        Ok(Self { headers, limit, reader, sent: Vec::new(), held: None })
    }

    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<Size, BodyProblem> {
        if self.held.is_some() {
            self.reader.push(piece)?;
            return Ok(Size::Small);
        }
        self.sent.extend_from_slice(piece);
        // What expands to nothing has to be kept all the same.
        let pushed =
            if self.sent.len() as u64 > LARGE_BYTES_MIN { Err(BodyProblem::TooLarge) } else { self.reader.push(piece) };
        self.judge(pushed)
    }

    /// Once the last piece is in: some decoders keep a little back until then.
    pub(super) fn end(&mut self) -> Result<Size, BodyProblem> {
        let ended = self.reader.end();
        self.judge(ended)
    }

    /// Reads on, and reads what is there anew. One piece may expand a thousandfold, so a decoder only ever stops at a
    /// limit; it can't be told to wait there.
    pub(super) fn go_on(&mut self, held: Held) -> Result<(), BodyProblem> {
        self.held = Some(held);
        self.reader = BodyReader::new(self.headers, self.limit)?;
        let sent = std::mem::take(&mut self.sent);
        self.reader.push(&sent)
    }

    /// The whole body after its end, and the right to hold it.
    pub(super) fn into_document(self) -> (Document, Held) {
        (self.reader.into_document(), self.held.unwrap_or_default())
    }

    fn judge(&mut self, result: Result<(), BodyProblem>) -> Result<Size, BodyProblem> {
        match result {
            Ok(()) => Ok(Size::Small),
            Err(BodyProblem::TooLarge) if self.held.is_none() => {
                // What was decompressed so far is dropped while it waits.
                self.reader = BodyReader::new(self.headers, 0)?;
                Ok(Size::Large)
            }
            Err(problem) => Err(problem),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use reqwest::header::{CONTENT_ENCODING, HeaderValue};

    use super::*;

    const LIMIT: u64 = 4 * LARGE_BYTES_MIN;

    /// Reads `body`; says how often it had to wait.
    fn read(encoding: &'static str, body: &[u8], piece: usize) -> Result<(Vec<u8>, usize), BodyProblem> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        let mut intake = Intake::new(&headers, LIMIT)?;
        let mut waits = 0;
        for part in body.chunks(piece) {
            if intake.push(part)? == Size::Large {
                waits += 1;
                assert!(intake.sent.len() as u64 <= LARGE_BYTES_MIN + piece as u64);
                intake.go_on(Held::default())?;
            }
        }
        if intake.end()? == Size::Large {
            waits += 1;
            intake.go_on(Held::default())?;
            intake.end()?;
        }
        Ok((intake.into_document().0.body.to_vec(), waits))
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_large_body_waits_once_and_loses_nothing() {
        let small = LARGE_BYTES_MIN as usize;
        for (size, expected) in [(0, 0), (small, 0), (small + 1, 1), (3 * small + 7, 1), (4 * small, 1)] {
            // Packs to half: what packs to nothing is a bomb.
            let plain: Vec<u8> = (0..size as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 28) as u8).collect();
            for piece in [1_000, 300_000] {
                assert_eq!(read("identity", &plain, piece).unwrap(), (plain.clone(), expected), "{size} by {piece}");
                let packed = gzip(&plain);
                assert_eq!(read("gzip", &packed, piece).unwrap(), (plain.clone(), expected), "{size} by {piece}");
                let packed = zstd::stream::encode_all(&plain[..], 3).unwrap();
                assert_eq!(read("zstd", &packed, piece).unwrap(), (plain.clone(), expected), "{size} by {piece}");
            }
        }
        let over = vec![b'x'; LIMIT as usize + 1];
        assert!(matches!(read("identity", &over, 9_999), Err(BodyProblem::TooLarge)));
        assert!(matches!(read("gzip", &gzip(&over), 100), Err(BodyProblem::Bomb)));
    }

    #[test]
    fn what_expands_to_nothing_is_not_kept_without_a_bound() {
        let nothing = gzip(b"").repeat(LARGE_BYTES_MIN as usize / 10);
        assert_eq!(read("gzip", &nothing, 10_000).unwrap(), (Vec::new(), 1));
    }
}

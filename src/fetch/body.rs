//! Reads a body as it comes, undoes its compression and stops at the limit, whatever the headers promised.
//!
//! We decompress ourselves because windows must be bounded too: by default the libraries would let one small zstd or
//! brotli body claim 128 MB or a gigabyte before its first byte is out.

use std::io::{self, Write};

use brotli_decompressor::{BrotliDecoderParameter, DecompressorWriter};
use bytes::Bytes;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use sha2::{Digest, Sha256};

/// Largest zstd window, as a power of two: 8 MB, which is what HTTP allows (RFC 9659).
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// How many times larger than what was sent a body may become. Feeds reach 5; a built one of 6 MB with the same 24 kB of
/// style sheet in each entry 37 by gzip and 62 by zstd; bombs 1,000.
pub(super) const RATIO_MAX: u64 = 200;
/// Up to this many bytes no ratio is too high: so much is read without asking.
const RATIO_BYTES_MIN: u64 = 1024 * 1024;

/// Output buffer of the brotli decoder, in bytes.
const BROTLI_BUFFER: usize = 8 * 1024;

/// Why a body could not be taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyProblem {
    #[error("larger than the limit")]
    TooLarge,
    #[error("larger by far than what was sent")]
    Bomb,
    #[error("compressed in a way that is not known")]
    UnknownEncoding,
    #[error("broken compression")]
    Broken(#[source] io::Error),
}

/// A whole body and its SHA-256.
pub(super) struct Document {
    pub(super) body: Bytes,
    pub(super) hash: [u8; 32],
}

/// Takes a body piece by piece.
pub(super) enum BodyReader {
    Plain(Bounded),
    Gzip(MultiGzDecoder<Bounded>),
    /// `deflate` means zlib, but some servers send it bare; the first byte tells.
    DeflateUndecided(Bounded),
    Zlib(ZlibDecoder<Bounded>),
    Deflate(DeflateDecoder<Bounded>),
    Brotli(Box<DecompressorWriter<Bounded>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Bounded>>),
}

impl BodyReader {
    /// For an answer with these headers, of at most `limit` bytes after decompression.
    pub(super) fn new(headers: &HeaderMap, limit: u64) -> Result<Self, BodyProblem> {
        let bounded = Bounded { bytes: Vec::new(), limit, sent: 0, end: None };
        let mut encodings = headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .flat_map(|value| value.as_bytes().split(|b| *b == b','))
            .map(|name| name.trim_ascii().to_ascii_lowercase())
            .filter(|name| !name.is_empty() && name != b"identity");
        let reader = match (encodings.next().as_deref(), encodings.next()) {
            (None, _) => Self::Plain(bounded),
            (Some(b"gzip" | b"x-gzip"), None) => Self::Gzip(MultiGzDecoder::new(bounded)),
            (Some(b"deflate"), None) => Self::DeflateUndecided(bounded),
            (Some(b"br"), None) => {
                let mut decoder = DecompressorWriter::new(bounded, BROTLI_BUFFER);
                // Large windows are no part of `br` in HTTP (RFC 7932 §9.1 ends at 16 MB).
                decoder.set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
                Self::Brotli(Box::new(decoder))
            }
            (Some(b"zstd"), None) => {
                let mut decoder = zstd::stream::write::Decoder::new(bounded).map_err(BodyProblem::Broken)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(BodyProblem::Broken)?;
                Self::Zstd(Box::new(decoder))
            }
            // Two layers are legal and unseen; each would need a bound of its own.
            _ => return Err(BodyProblem::UnknownEncoding),
        };
        Ok(reader)
    }

    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), BodyProblem> {
        let Some(first) = piece.first() else { return Ok(()) };
        self.bounded().sent += piece.len() as u64;
        if let Self::DeflateUndecided(bounded) = self {
            let bounded = bounded.take();
            // zlib begins with its method, 8, in the low half, and a window of up to 7 in the high one (RFC 1950).
            *self = if first & 0x0f == 8 && first >> 4 <= 7 {
                Self::Zlib(ZlibDecoder::new(bounded))
            } else {
                Self::Deflate(DeflateDecoder::new(bounded))
            };
        }
        let written = self.writer().write_all(piece);
        self.judge(written)
    }

    /// Takes what the decoder has kept back, once the last piece is in.
    pub(super) fn end(&mut self) -> Result<(), BodyProblem> {
        let ended = match self {
            Self::Plain(_) | Self::DeflateUndecided(_) => Ok(()),
            Self::Gzip(decoder) => decoder.try_finish(),
            Self::Zlib(decoder) => decoder.try_finish(),
            Self::Deflate(decoder) => decoder.try_finish(),
            Self::Brotli(decoder) => decoder.close(),
            Self::Zstd(decoder) => decoder.do_finish(),
        };
        self.judge(ended)
    }

    /// The whole body, after [`Self::end`].
    pub(super) fn into_document(mut self) -> Document {
        let bytes = std::mem::take(&mut self.bounded().bytes);
        Document { hash: Sha256::digest(&bytes).into(), body: bytes.into() }
    }

    fn judge(&mut self, result: io::Result<()>) -> Result<(), BodyProblem> {
        // The decoders each wrap the sink's error in their own way, so the sink is asked instead.
        match (self.bounded().end, result) {
            (Some(End::Limit), _) => Err(BodyProblem::TooLarge),
            (Some(End::Ratio), _) => Err(BodyProblem::Bomb),
            (None, Ok(())) => Ok(()),
            (None, Err(error)) => Err(BodyProblem::Broken(error)),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Plain(bounded) | Self::DeflateUndecided(bounded) => bounded,
            Self::Gzip(decoder) => decoder,
            Self::Zlib(decoder) => decoder,
            Self::Deflate(decoder) => decoder,
            Self::Brotli(decoder) => decoder,
            Self::Zstd(decoder) => decoder,
        }
    }

    fn bounded(&mut self) -> &mut Bounded {
        match self {
            Self::Plain(bounded) | Self::DeflateUndecided(bounded) => bounded,
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Zlib(decoder) => decoder.get_mut(),
            Self::Deflate(decoder) => decoder.get_mut(),
            Self::Brotli(decoder) => decoder.get_mut(),
            Self::Zstd(decoder) => decoder.get_mut(),
        }
    }
}

/// Bytes up to a limit.
pub(super) struct Bounded {
    bytes: Vec<u8>,
    limit: u64,
    /// Bytes that came in, before decompression.
    sent: u64,
    /// Why no more is taken.
    end: Option<End>,
}

#[derive(Clone, Copy)]
enum End {
    Limit,
    Ratio,
}

impl Bounded {
    fn take(&mut self) -> Self {
        Self { bytes: std::mem::take(&mut self.bytes), ..*self }
    }
}

impl Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let total = (self.bytes.len() as u64).saturating_add(piece.len() as u64);
        // The ratio first: a bomb shall not wait for its turn among the large bodies.
        self.end = if total > RATIO_BYTES_MIN && total / RATIO_MAX > self.sent {
            Some(End::Ratio)
        } else if total > self.limit {
            Some(End::Limit)
        } else {
            None
        };
        if self.end.is_some() {
            return Err(io::Error::other("the body is larger than its bounds"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    use super::*;

    const LIMIT: u64 = 2 << 20;

    fn read(encoding: &'static str, body: &[u8], piece: usize) -> Result<Vec<u8>, BodyProblem> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        let mut reader = BodyReader::new(&headers, LIMIT)?;
        for part in body.chunks(piece) {
            reader.push(part)?;
        }
        reader.end()?;
        Ok(reader.into_document().body.to_vec())
    }

    fn packed(encoding: &str, plain: &[u8]) -> Vec<u8> {
        match encoding {
            "gzip" => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            "zlib" => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            "deflate" => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            "br" => {
                let mut packed = Vec::new();
                let quick = brotli::enc::BrotliEncoderParams { quality: 4, ..Default::default() };
                brotli::BrotliCompress(&mut &plain[..], &mut packed, &quick).unwrap();
                packed
            }
            "zstd" => zstd::stream::encode_all(plain, 3).unwrap(),
            _ => plain.to_vec(),
        }
    }

    const WAYS: [(&str, &str); 7] = [
        ("identity", ""),
        ("gzip", "gzip"),
        ("X-GZip", "gzip"),
        ("deflate", "zlib"),
        ("deflate", "deflate"),
        ("br", "br"),
        ("zstd", "zstd"),
    ];

    #[test]
    fn every_encoding_is_undone_whatever_the_pieces() {
        let plain: Vec<u8> = (0..50_000u32).flat_map(|n| (n * 7919 % 1000).to_string().into_bytes()).collect();
        for (name, way) in WAYS {
            for piece in [1, 7, 4096, usize::MAX] {
                assert_eq!(read(name, &packed(way, &plain), piece).unwrap(), plain, "{name} as {way} by {piece}");
            }
            assert_eq!(read(name, &packed(way, b""), 10).unwrap(), b"", "{name} as {way}, empty");
        }
    }

    /// Bytes that pack to half at best.
    fn random(bytes: usize) -> Vec<u8> {
        let mut state = 7u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b"0123456789abcdef"[(state >> 28) as usize]
        };
        (0..bytes).map(|_| next()).collect()
    }

    #[test]
    fn a_large_body_stops_at_the_limit() {
        let plain = random(LIMIT as usize + 1);
        for (name, way) in WAYS {
            let result = read(name, &packed(way, &plain), 16 * 1024);
            assert!(matches!(result, Err(BodyProblem::TooLarge)), "{name} as {way}");
            let result = read(name, &packed(way, &plain[1..]), 16 * 1024);
            assert_eq!(result.unwrap().len(), plain.len() - 1, "{name} as {way}");
        }
    }

    #[test]
    fn a_bomb_stops_at_a_megabyte() {
        let plain = vec![b'x'; 8 << 20];
        for (name, way) in WAYS.into_iter().skip(1) {
            let result = read(name, &packed(way, &plain), 1024);
            assert!(matches!(result, Err(BodyProblem::Bomb)), "{name} as {way}");
            let small = read(name, &packed(way, &plain[..1 << 20]), 1024);
            assert_eq!(small.unwrap().len(), 1 << 20, "{name} as {way}");
        }
    }

    #[test]
    fn a_truncated_body_is_broken() {
        let plain: Vec<u8> = (0..9_000u32).flat_map(u32::to_le_bytes).collect();
        for (name, way) in WAYS.into_iter().skip(1) {
            let packed = packed(way, &plain);
            let result = read(name, &packed[..packed.len() / 2], 512);
            assert!(matches!(result, Err(BodyProblem::Broken(_))), "{name} as {way}");
        }
    }

    #[test]
    fn a_window_beyond_what_http_allows_is_refused() {
        // Magic number, a frame without a stated size, and a window of 2^27 bytes; then one raw block of one byte.
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (27 - 10) << 3, 0x09, 0x00, 0x00, b'x'];
        assert!(matches!(read("zstd", &frame, 100), Err(BodyProblem::Broken(_))));
        // The same frame with 2^20 is fine, so it was the window.
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (20 - 10) << 3, 0x09, 0x00, 0x00, b'x'];
        assert_eq!(read("zstd", &frame, 100).unwrap(), b"x");
        // Large-window brotli begins with 0x11.
        assert!(matches!(read("br", &[0x11, 0x1e, 0x03], 100), Err(BodyProblem::Broken(_))));
    }

    #[test]
    fn unknown_encodings_are_named_as_such() {
        assert!(matches!(read("compress", b"x", 1), Err(BodyProblem::UnknownEncoding)));
        assert!(matches!(read("gzip, br", b"x", 1), Err(BodyProblem::UnknownEncoding)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_decoder_panic(way in 0usize..7, body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(WAYS[way].0, &body, 50);
        }
    }
}

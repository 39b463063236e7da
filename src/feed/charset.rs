//! Bytes → text: which encoding, and what must not stay in it.
//!
//! Order of belief: BOM, a UTF-16/32 look, valid UTF-8 (a text in another encoding is almost never valid UTF-8 by
//! chance, and many servers declare what they do not send), HTTP header, XML declaration, guess.

use std::sync::LazyLock;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};
use regex::Regex;

/// Bytes looked at for a declaration.
const PROLOG_BYTES_MAX: usize = 1024;
/// Bytes given to the guess: enough for any language, and it costs about a microsecond a kB.
const GUESS_BYTES_MAX: usize = 64 * 1024;

/// A document as text.
#[derive(Debug)]
pub struct Decoded {
    /// UTF-8, without BOM and control characters; an XML declaration names no encoding any more.
    pub text: String,
    /// What was odd about its encoding.
    pub note: Option<String>,
}

/// Makes text of a document's bytes; never fails: what cannot be decoded becomes U+FFFD, with a note.
pub fn decode(bytes: &[u8], content_type: Option<&str>) -> Decoded {
    let (text, note) = to_utf8(bytes, content_type);
    Decoded { text: clean(text), note }
}

fn to_utf8(bytes: &[u8], content_type: Option<&str>) -> (String, Option<String>) {
    if let Some((big_endian, bom_bytes)) = utf32(bytes) {
        return decode_utf32(&bytes[bom_bytes..], big_endian);
    }
    if let Some((encoding, bom_bytes)) = Encoding::for_bom(bytes) {
        return decode_as(encoding, &bytes[bom_bytes..]);
    }
    if let Some(encoding) = utf16_look(bytes) {
        return decode_as(encoding, bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        // ISO-2022-JP is seven-bit, so it is valid UTF-8 too.
        if !bytes.contains(&0x1b) {
            return (text.to_owned(), None);
        }
    }
    let declared = content_type.and_then(header_charset).or_else(|| declaration_charset(bytes));
    if let Some(encoding) = declared.filter(|encoding| *encoding != UTF_8) {
        return decode_as(encoding, bytes);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&bytes[..bytes.len().min(GUESS_BYTES_MAX)], true);
    let guessed = detector.guess(None, Utf8Detection::Deny);
    // Declared as UTF-8 and almost so: a few broken bytes are likelier than another encoding.
    if declared == Some(UTF_8) {
        let (text, _, _) = UTF_8.decode(bytes);
        let broken = text.matches('\u{fffd}').count();
        let right = text.chars().filter(|c| !c.is_ascii() && *c != '\u{fffd}').count();
        if broken <= right {
            return (text.into_owned(), Some("some bytes are not UTF-8".to_owned()));
        }
    }
    let (text, _) = decode_as(guessed, bytes);
    (text, Some(format!("encoding guessed: {}", guessed.name())))
}

fn decode_as(encoding: &'static Encoding, bytes: &[u8]) -> (String, Option<String>) {
    let (text, broken) = encoding.decode_without_bom_handling(bytes);
    (text.into_owned(), broken.then(|| format!("some bytes are not {}", encoding.name())))
}

/// UTF-32 by its BOM, or by the three zero bytes beside the first `<` or `{`.
fn utf32(bytes: &[u8]) -> Option<(bool, usize)> {
    match bytes.get(..4)? {
        [0, 0, 0xfe, 0xff] => Some((true, 4)),
        [0xff, 0xfe, 0, 0] => Some((false, 4)),
        [0, 0, 0, b'<' | b'{'] => Some((true, 0)),
        [b'<' | b'{', 0, 0, 0] => Some((false, 0)),
        _ => None,
    }
}

fn decode_utf32(bytes: &[u8], big_endian: bool) -> (String, Option<String>) {
    let scalar = |unit: &[u8; 4]| {
        let number = if big_endian { u32::from_be_bytes(*unit) } else { u32::from_le_bytes(*unit) };
        char::from_u32(number).unwrap_or('\u{fffd}')
    };
    (bytes.as_chunks::<4>().0.iter().map(scalar).collect(), None)
}

fn utf16_look(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes.get(..4)? {
        [0, b'<' | b'{', 0, _] => Some(encoding_rs::UTF_16BE),
        [b'<' | b'{', 0, _, 0] => Some(encoding_rs::UTF_16LE),
        _ => None,
    }
}

/// `charset=` of a Content-Type header.
fn header_charset(content_type: &str) -> Option<&'static Encoding> {
    let lower = content_type.to_ascii_lowercase();
    let value = lower.split("charset=").nth(1)?.split(';').next()?;
    Encoding::for_label(value.trim().trim_matches(['"', '\'']).as_bytes())
}

static DECLARATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^\s*<\?xml\s[^>]*?encoding\s*=\s*["']\s*([A-Za-z0-9._:-]+)\s*["']"#).expect("a constant pattern")
});

fn declaration_charset(bytes: &[u8]) -> Option<&'static Encoding> {
    let prolog = String::from_utf8_lossy(&bytes[..bytes.len().min(PROLOG_BYTES_MAX)]);
    let label = DECLARATION.captures(&prolog)?.get(1)?.as_str().to_owned();
    // An encoding of two-byte units cannot declare itself in ASCII: whoever wrote that is wrong.
    Encoding::for_label(label.as_bytes()).filter(|encoding| encoding.is_ascii_compatible())
}

/// Drops BOM and control characters that XML forbids, and the declaration's encoding, which is no longer true.
fn clean(mut text: String) -> String {
    let forbidden = |c: char| (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}');
    // A byte test first: most documents have none, and it is ten times as fast as a walk over characters.
    if text.bytes().any(|b| (b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r')) || b == 0xef) {
        text.retain(|c| !forbidden(c));
    }
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with("<?xml")
        && let Some(end) = text.find("?>")
    {
        return text[end + 2..].to_owned();
    }
    text.to_owned()
}

//! Bytes → text: which encoding, and what must not stay in it.
//!
//! Order of belief: BOM, a UTF-16/32 look, valid UTF-8 (a text in another encoding is almost never valid UTF-8 by
//! chance, and many servers declare what they do not send), HTTP header, XML declaration, guess. UTF-8 in a
//! header does not count where the bytes are not and the declaration fits them. Latin-1 is what is
//! declared where nobody chose: there the declaration counts before the header, and `doubt` looks at the text.

mod doubt;
mod twice;

use std::{borrow::Cow, sync::LazyLock};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, WINDOWS_1252};
use regex::Regex;

use super::reference::{is_c1, windows_1252};

/// Bytes looked at for a declaration.
const PROLOG_BYTES_MAX: usize = 1024;
/// Letters of UTF-8 in what is declared otherwise, from which on it is believed.
const UTF8_LETTERS_MIN: usize = 4;
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
            return match twice::undone(text) {
                Some(text) => (text, Some("its letters were made UTF-8 twice; read as they are meant".to_owned())),
                None => (text.to_owned(), None),
            };
        }
    }
    let stated = declaration_charset(bytes);
    let declared = match content_type.and_then(header_charset) {
        Some(header) if header != WINDOWS_1252 => Some(header),
        header => stated.filter(|stated| *stated != UTF_8).or(header).or(stated),
    };
    if let Some(encoding) = declared.filter(|encoding| *encoding != UTF_8) {
        let (text, note) = decode_as(encoding, bytes);
        if encoding == WINDOWS_1252 {
            return undoubted(bytes, text);
        }
        if note.is_none() {
            return (text, None);
        }
        // Bytes that the declared encoding does not have: another one that has them all is likelier.
        let guessed = guess(bytes);
        let (other, other_note) = decode_as(guessed, bytes);
        return match other_note {
            None if guessed != encoding => (other, Some(format!("encoding guessed: {}", guessed.name()))),
            _ => (text, note),
        };
    }
    // Its sequences are seven-bit too.
    let is_escaped = memchr::memmem::find(bytes, b"\x1b$").is_some();
    let not_utf8 = || Some("some bytes are not UTF-8".to_owned());
    // A server's default over a document that says what it is in, and is.
    if let Some(encoding) = stated.filter(|stated| *stated != UTF_8 && *stated != WINDOWS_1252)
        && mostly_utf8(bytes, 1).is_none()
        && let (text, None) = decode_as(encoding, bytes)
    {
        return (
            text,
            Some(format!("declared as UTF-8 by its server, and read as {}, as it says itself", encoding.name())),
        );
    }
    if let Some(text) = mostly_utf8(bytes, if declared == Some(UTF_8) { 1 } else { 20 }).filter(|_| !is_escaped) {
        let is_odd = std::str::from_utf8(bytes).is_err();
        return (text, if is_odd { not_utf8() } else { None });
    }
    let guessed = guess(bytes);
    if declared == Some(UTF_8) && !is_escaped {
        // A few quotes pasted from windows-1252, or a whole document in another encoding? Few bytes tell no guesser.
        let repaired = mostly_utf8(bytes, 0).unwrap_or_default();
        if !doubt::is_believable(bytes, guessed) && doubt::better(bytes, &repaired, guessed).is_none() {
            return (repaired, not_utf8());
        }
    }
    let (text, _) = decode_as(guessed, bytes);
    (text, Some(format!("encoding guessed: {}", guessed.name())))
}

/// A text that is declared Latin-1, which has a letter or a sign for every byte: as it stands, or as it must be meant.
fn undoubted(bytes: &[u8], latin: String) -> (String, Option<String>) {
    let guessed = guess(bytes);
    let instead = |name: &str| Some(format!("declared as Latin-1, and read as {name}, which it is"));
    if let Some(text) = doubt::better(bytes, &latin, guessed) {
        return (text, instead(guessed.name()));
    }
    // One letter of UTF-8 is two or three signs of Latin-1 side by side: a few of them are no accident.
    let is_plain = |text: &String| text.chars().filter(|c| !c.is_ascii()).nth(UTF8_LETTERS_MIN - 1).is_some();
    match mostly_utf8(bytes, 4).filter(is_plain) {
        Some(text) => (text, instead("UTF-8")),
        None => (latin, None),
    }
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&bytes[..bytes.len().min(GUESS_BYTES_MAX)], true);
    detector.guess(None, Utf8Detection::Deny)
}

/// A text that is UTF-8 but for a few bytes, which somebody pasted from windows-1252; `None` where it is likelier to be in
/// another encoding, as it has fewer than so many right letters for a wrong one.
fn mostly_utf8(bytes: &[u8], right_min: usize) -> Option<String> {
    let bytes = &*with_whole_letters(bytes);
    let mut text = String::with_capacity(bytes.len());
    let (mut right, mut wrong) = (0, 0);
    let mut chunks = bytes.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        right += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        text.push_str(chunk.valid());
        // A letter that the document's end cut in two.
        let is_cut = chunks.peek().is_none() && chunk.invalid().first().is_some_and(|first| *first >= 0xc2);
        if !chunk.invalid().is_empty() && !is_cut {
            wrong += 1;
            text.push_str(&encoding_rs::WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
        }
    }
    (wrong * right_min <= right).then_some(text)
}

/// Letters that Java and old databases write as two halves of UTF-16, each as if it were a letter of its own (CESU-8).
fn with_whole_letters(bytes: &[u8]) -> Cow<'_, [u8]> {
    let unit = |bytes: &[u8]| match bytes {
        [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, ..] => {
            Some(0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f))
        }
        _ => None,
    };
    let letter = |bytes: &[u8]| {
        let units = [unit(bytes)?, unit(bytes.get(3..)?)?];
        char::decode_utf16(units).next()?.ok().filter(|c| c.len_utf16() == 2)
    };
    let mut out = Vec::new();
    let mut kept = 0;
    for at in memchr::memchr_iter(0xed, bytes) {
        if let Some(letter) = letter(&bytes[at..]).filter(|_| at >= kept) {
            out.extend_from_slice(&bytes[kept..at]);
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            kept = at + 6;
        }
    }
    if kept == 0 {
        return Cow::Borrowed(bytes);
    }
    out.extend_from_slice(&bytes[kept..]);
    Cow::Owned(out)
}

fn decode_as(encoding: &'static Encoding, bytes: &[u8]) -> (String, Option<String>) {
    let (text, broken) = encoding.decode_without_bom_handling(bytes);
    (text.into_owned(), broken.then(|| format!("some bytes are not {}", encoding.name())))
}

/// UTF-32 by its BOM, or by the three zero bytes beside the first `<`, `{` or space.
fn utf32(bytes: &[u8]) -> Option<(bool, usize)> {
    match bytes.get(..4)? {
        [0, 0, 0xfe, 0xff] => Some((true, 4)),
        [0xff, 0xfe, 0, 0] => Some((false, 4)),
        [0, 0, 0, b'<' | b'{' | b' ' | b'\t' | b'\r' | b'\n'] => Some((true, 0)),
        [b'<' | b'{' | b' ' | b'\t' | b'\r' | b'\n', 0, 0, 0] => Some((false, 0)),
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
        [0, b'<' | b'{' | b' ' | b'\t' | b'\r' | b'\n', 0, _] => Some(encoding_rs::UTF_16BE),
        [b'<' | b'{' | b' ' | b'\t' | b'\r' | b'\n', 0, _, 0] => Some(encoding_rs::UTF_16LE),
        _ => None,
    }
}

/// `charset=` of a Content-Type header.
fn header_charset(content_type: &str) -> Option<&'static Encoding> {
    let lower = content_type.to_ascii_lowercase();
    let value = lower.split("charset=").nth(1)?.split(';').next()?;
    let label = value.trim().trim_matches(['"', '\'']);
    // A server's default, said of bytes that are no ASCII.
    if matches!(label, "us-ascii" | "ascii") { None } else { by_label(label) }
}

/// An encoding by its name, also where that is spelt as nobody registered it: `win-1251`, `iso_8859_9`, `utf_8`.
fn by_label(label: &str) -> Option<&'static Encoding> {
    let label = label.to_ascii_lowercase();
    let letters: String = label.chars().filter(char::is_ascii_alphanumeric).collect();
    let variants = [
        Some(label.clone()),
        Some(label.replace('_', "-")),
        Some(letters.clone()),
        letters.strip_prefix("iso8859").map(|part| format!("iso-8859-{part}")),
        letters.strip_prefix("windows").or(letters.strip_prefix("win")).map(|page| format!("windows-{page}")),
        letters.strip_prefix("cp").or(letters.strip_prefix("ms")).map(|page| format!("windows-{page}")),
    ];
    variants.into_iter().flatten().find_map(|label| Encoding::for_label(label.as_bytes()))
}

static DECLARATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"<\?xml\s[^>]*?encoding\s*=\s*["']\s*([A-Za-z0-9._:-]+)\s*["']"#).expect("a constant pattern")
});

fn declaration_charset(bytes: &[u8]) -> Option<&'static Encoding> {
    let prolog = String::from_utf8_lossy(&bytes[..bytes.len().min(PROLOG_BYTES_MAX)]);
    let label = DECLARATION.captures(&prolog)?.get(1)?.as_str().to_owned();
    // An encoding of two-byte units cannot declare itself in ASCII: whoever wrote that is wrong.
    by_label(&label).filter(|encoding| encoding.is_ascii_compatible() || *encoding == ISO_2022_JP)
}

/// Drops BOM and control characters that XML forbids, and the declaration's encoding, which is no longer true. C1
/// controls become the letters that they mean.
pub(super) fn clean(mut text: String) -> String {
    let forbidden =
        |c: char| (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    // A byte test first: most documents have none, and it is ten times as fast as a walk over characters.
    // Whole pieces at once, as the machine can then test many bytes in one step.
    let is_suspect = |b: &u8| (*b < b' ') & (*b != b'\t') & (*b != b'\n') & (*b != b'\r') | (*b == 0xef);
    let mut pieces = text.as_bytes().chunks(4096);
    if pieces.any(|piece| piece.iter().fold(false, |found, b| found | is_suspect(b))) {
        text.retain(|c| !forbidden(c));
    }
    let bytes = text.as_bytes();
    if memchr::memchr_iter(0xc2, bytes).any(|at| bytes[at + 1] < 0xa0) {
        text = text.chars().map(|c| if is_c1(c) { windows_1252(c) } else { c }).collect();
    }
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with("<?xml")
        && let Some(end) = text.find("?>")
    {
        return text[end + 2..].to_owned();
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], content_type: Option<&str>, expected: &str, is_noted: bool) {
        let decoded = decode(bytes, content_type);
        assert_eq!((decoded.text.as_str(), decoded.note.is_some()), (expected, is_noted), "{decoded:?}");
    }

    #[test]
    fn stray_bytes_of_windows_1252_in_utf8_are_letters() {
        let text = "<a>\u{15f}\u{131} caf\u{e9}".as_bytes();
        let declared = [b"<?xml version='1.0' encoding='utf-8'?>", text, b" \x93x\x94</a>"].concat();
        check(&declared, None, "<a>\u{15f}\u{131} caf\u{e9} \u{201c}x\u{201d}</a>", true);
        // A document cut in the middle of a letter.
        check(b"<a>\xc5\x9f\xc4\xb1 \xc5", None, "<a>\u{15f}\u{131} ", true);
    }

    #[test]
    fn a_few_wrong_bytes_make_no_other_encoding() {
        let declared = |text: &[u8]| [b"<?xml version='1.0' encoding='utf-8'?>", text].concat();
        check(
            &declared(b"<a>\x93x\x94 \x96 caf\xc3\xa9</a>"),
            None,
            "<a>\u{201c}x\u{201d} \u{2013} caf\u{e9}</a>",
            true,
        );
        check(&declared(b"<a>caf\xe9</a>"), None, "<a>caf\u{e9}</a>", true);
        check(&declared(b"<a>\xed\xa0\xbd\xed\xb8\x80</a>"), None, "<a>\u{1f600}</a>", true);
        check(
            &declared(b"<a>\xcf\xee\xf0\xf2 \xee\xf2\xea\xf0\xfb\xf2</a>"),
            None,
            "<a>\u{41f}\u{43e}\u{440}\u{442} \u{43e}\u{442}\u{43a}\u{440}\u{44b}\u{442}</a>",
            true,
        );
    }

    #[test]
    fn c1_controls_are_the_letters_that_they_mean() {
        check("<a>don\u{92}t</a>".as_bytes(), None, "<a>don\u{2019}t</a>", false);
    }

    #[test]
    fn encodings_are_known_by_odd_names() {
        for label in ["windows-1251", "win-1251", "cp1251", "Windows1251", "CP_1251"] {
            assert_eq!(by_label(label).map(Encoding::name), Some("windows-1251"), "{label}");
        }
        assert_eq!(by_label("iso_8859_9").map(Encoding::name), Some("windows-1254"));
        assert_eq!(by_label("nonsense"), None);
    }

    #[test]
    fn a_declaration_that_fits_counts_where_the_server_says_utf8() {
        for (label, text) in [
            ("iso-8859-9", "T\u{fc}rkiye\u{2019}nin g\u{fc}ney k\u{131}y\u{131}s\u{131}"),
            ("iso-8859-2", "Port zosta\u{142} otwarty"),
            ("windows-1251", "\u{41f}\u{443}\u{442}\u{438}\u{43d}"),
            ("euc-kr", "\u{d56d}\u{ad6c}"),
            ("gb2312", "\u{6e2f}\u{53e3}"),
        ] {
            let document = format!("<?xml version='1.0' encoding='{label}'?><a>{text}</a>");
            let bytes = by_label(label).unwrap().encode(&document).0;
            check(&bytes, Some("text/xml; charset=utf-8"), &format!("<a>{text}</a>"), true);
        }
        // What is UTF-8 but for a byte stays UTF-8, whatever it says.
        let bytes = "<?xml version='1.0' encoding='windows-1251'?><a>\u{41f}\u{443}\u{442}\u{438}\u{43d} ".as_bytes();
        let expected = "<a>\u{41f}\u{443}\u{442}\u{438}\u{43d} \u{201c}";
        check(&[bytes, b"\x93x"].concat(), Some("text/xml; charset=utf-8"), &format!("{expected}x"), true);
    }

    #[test]
    fn a_servers_default_does_not_outrank_the_declaration() {
        let bytes = b"<?xml version='1.0' encoding='windows-1251'?><a>\xcf\xf3\xf2\xe8\xed</a>";
        let expected = "<a>\u{41f}\u{443}\u{442}\u{438}\u{43d}</a>";
        check(bytes, Some("text/xml; charset=us-ascii"), expected, false);
        check(bytes, Some("text/xml"), expected, false);
    }
}

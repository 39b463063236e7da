//! UTF-8 that was taken for windows-1252 and made UTF-8 again: `cafÃ©` for `café`.
//!
//! Undone only where every letter of a document beyond ASCII is part of such a pair, and there are several different ones:
//! no person writes that.

use encoding_rs::{Encoding, WINDOWS_1252};

use crate::feed::reference::is_c1;

/// Fewer letters are an accident: `CAFÉ’S` is a pair too.
const LETTERS_MIN: usize = 4;
/// So many of them must be different.
const DIFFERENT_MIN: usize = 2;

/// The text as it was meant; `None` where it is as it should be.
pub fn undone(text: &str) -> Option<String> {
    // Nearly every document ends here, at its first letter beyond ASCII.
    let first = Encoding::ascii_valid_up_to(text.as_bytes());
    let mut beyond = text[first..].chars();
    let (lead, next) = (byte(beyond.next()?)?, byte(beyond.next()?)?);
    if !(0xc2..=0xf4).contains(&lead) || !(0x80..=0xbf).contains(&next) {
        return None;
    }
    let bytes: Vec<u8> = text.chars().map(byte).collect::<Option<_>>()?;
    let text = String::from_utf8(bytes).ok()?;
    let mut letters: Vec<char> = text.chars().filter(|c| !c.is_ascii()).collect();
    // Signs of phonetics: what capitals in front of a quotation mark would become.
    let is_speech = |c: &char| ('\u{250}'..='\u{2ff}').contains(c);
    if letters.len() < LETTERS_MIN || letters.iter().any(is_speech) {
        return None;
    }
    letters.sort_unstable();
    letters.dedup();
    (letters.len() >= DIFFERENT_MIN).then_some(text)
}

/// The byte of windows-1252 that a letter was read from.
fn byte(c: char) -> Option<u8> {
    if let Ok(byte) = u8::try_from(u32::from(c))
        && (c.is_ascii() || byte >= 0xa0 || is_c1(c))
    {
        return Some(byte);
    }
    let mut buffer = [0; 4];
    match *WINDOWS_1252.encode(c.encode_utf8(&mut buffer)).0 {
        // A letter that it lacks becomes a reference of many bytes.
        [byte] => Some(byte),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a program spoils a text.
    fn spoilt(text: &str) -> String {
        WINDOWS_1252.decode_without_bom_handling(text.as_bytes()).0.into_owned()
    }

    #[test]
    fn letters_made_twice_are_told() {
        for text in [
            "Un café à l’été, déjà “vu”",
            "Путин и Ким подписали договор",
            "ağır silah, İstanbul’da ele geçirildi",
            "港口重新开放",
            "صفقة أسلحة",
            "Zażółć gęślą jaźń",
        ] {
            let document = format!("<rss><title>{}</title></rss>", spoilt(text));
            assert_eq!(undone(&document), Some(format!("<rss><title>{text}</title></rss>")));
        }
    }

    #[test]
    fn letters_that_stand_as_meant_stay() {
        for text in [
            "Un café à l’été",
            "SÃO PAULO, GRÃ",
            "CAFÉ’S AND BEYONCÉ’S, BEYONCÉ’S AND CAFÉ’S",
            "«CAFÉ»",
            "Ö”, Ä”, Å”, É”",
            "Â©",
            "plain",
            "Ã©Ã©Ã©Ã©Ã©Ã©",
            "Un cafÃ© Ã  lâ€™Ã©tÃ© — café",
        ] {
            assert_eq!(undone(text), None, "{text}");
        }
    }
}

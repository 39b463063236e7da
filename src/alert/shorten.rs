//! Cuts a text that is too long for where it goes: at a sentence or a word, never inside a character.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

/// Stands where something was left out.
pub const ELLIPSIS: &str = "…";

/// A cut may go back by this share of the room, so that it falls behind a sentence or a word.
const BACK_MAX: f64 = 0.4;

/// `text` in at most `max` units, as `measure` counts them: it is asked for one character (as people see them) after
/// the other, and for [`ELLIPSIS`], which stands at the end of what was cut. A limit below that gives an empty text.
pub fn shorten(text: &str, max: usize, measure: impl Fn(&str) -> usize) -> Cow<'_, str> {
    let mut used = 0;
    let fits = text.graphemes(true).all(|character| {
        used += measure(character);
        used <= max
    });
    if fits {
        return Cow::Borrowed(text);
    }
    let Some(room) = max.checked_sub(measure(ELLIPSIS)) else { return Cow::Borrowed("") };
    let least = room as f64 * (1.0 - BACK_MAX);
    let (mut used, mut end, mut word, mut sentence) = (0, 0, 0, 0);
    let mut before = "";
    for (at, character) in text.grapheme_indices(true) {
        let is_space = character.chars().all(char::is_whitespace);
        if is_space && used as f64 >= least {
            word = at;
            if before.ends_with(['.', '!', '?', '…', '。', '！', '？', '؟', '।']) {
                sentence = at;
            }
        }
        used += measure(character);
        if used > room {
            break;
        }
        end = at + character.len();
        before = character;
    }
    let mut kept = [sentence, word, end].into_iter().find(|at| *at > 0).unwrap_or(0);
    if kept == 0 {
        // One character with more marks on it than there is room.
        kept = cut_anywhere(text, room, &measure);
    }
    Cow::Owned(format!("{}{ELLIPSIS}", text[..kept].trim_end()))
}

fn cut_anywhere(text: &str, room: usize, measure: &impl Fn(&str) -> usize) -> usize {
    let mut used = 0;
    let mut end = 0;
    for (at, c) in text.char_indices() {
        used += measure(c.encode_utf8(&mut [0; 4]));
        if used > room {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chars(text: &str) -> usize {
        text.chars().count()
    }

    #[track_caller]
    fn check(text: &str, max: usize, expected: &str) {
        let cut = shorten(text, max, chars);
        assert_eq!(cut, expected);
        assert!(chars(&cut) <= max);
    }

    #[test]
    fn cuts_fall_behind_a_sentence_or_a_word() {
        check("short", 5, "short");
        check("One two three four", 14, "One two three…");
        check("It is so. And then more of it follows", 16, "It is so.…");
        check("It is. And then more of it follows", 20, "It is. And then…");
        check("Donaudampfschifffahrt", 10, "Donaudamp…");
        check("制裁决议草案提交安理会", 5, "制裁决议…");
        check("anything", 1, "…");
        check("anything", 0, "");
    }

    #[test]
    fn no_character_is_torn() {
        // A family of four is one character of seven.
        check("ab👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 12, "ab👨‍👩‍👧‍👦…");
        assert_eq!(shorten("aéé", 4, str::len), "a…");
        let marks = format!("a{}", "\u{301}".repeat(100));
        assert_eq!(chars(&shorten(&marks, 10, chars)), 10);
    }
}

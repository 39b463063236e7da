//! Slips of the pen in names: what may be taken for a known name, and how much else has to speak for it.

/// A name of so many letters may have one slip of the pen beside another name of the same person.
const ONE_SLIP_CHARS_MIN: usize = 5;
/// A name of so many letters may have two.
const TWO_SLIPS_CHARS_MIN: usize = 8;
/// A surname by itself needs so many letters: of shorter ones a single slip often makes another word.
const ALONE_CHARS_MIN: usize = 7;

/// A slip in a surname that stands by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slip {
    /// Two letters changed places, one was doubled or lost its double: hardly ever another name.
    Typed,
    /// One vowel stands for another, as in many families' names.
    Spelt,
}

/// Whether `word` is `known` with a slip of the pen. The first letter is hardly ever the one that slips.
pub fn is_slip(known: &str, word: &str) -> bool {
    let length = known.chars().count();
    let slips_max = match length {
        TWO_SLIPS_CHARS_MIN.. => 2,
        ONE_SLIP_CHARS_MIN.. => 1,
        _ => return false,
    };
    known.chars().next() == word.chars().next()
        && known != word
        && word.chars().count().abs_diff(length) <= slips_max
        && strsim::osa_distance(known, word) <= slips_max
}

/// The slip that makes `word` of the surname `known`, both folded and in ASCII, if one does.
pub fn of_surname(known: &str, word: &str) -> Option<Slip> {
    let (a, b) = (known.as_bytes(), word.as_bytes());
    if a.len() < ALONE_CHARS_MIN || a[0] != *b.first()? || !known.is_ascii() || a.len().abs_diff(b.len()) > 1 {
        return None;
    }
    if a.len() == b.len() {
        let mut differing = (0..a.len()).filter(|&i| a[i] != b[i]);
        return match (differing.next()?, differing.next(), differing.next()) {
            (i, None, _) => (is_vowel(a[i]) && is_vowel(b[i])).then_some(Slip::Spelt),
            (i, Some(j), None) => (j - i <= 2 && a[i] == b[j] && a[j] == b[i]).then_some(Slip::Typed),
            _ => None,
        };
    }
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let at = (0..short.len()).find(|&i| short[i] != long[i]).unwrap_or(short.len());
    (long[at] == long[at - 1] && short[at..] == long[at + 1..]).then_some(Slip::Typed)
}

fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surnames_slip_in_few_ways() {
        for (known, word, slip) in [
            ("erdogan", "ergodan", Some(Slip::Typed)),
            ("erdogan", "erdogna", Some(Slip::Typed)),
            ("erdogan", "erdogen", Some(Slip::Spelt)),
            ("zelensky", "zelenskky", Some(Slip::Typed)),
            ("musharraf", "musharaf", Some(Slip::Typed)),
            ("netanyahu", "netenyahu", Some(Slip::Spelt)),
            ("erdogan", "erdogan", None),
            ("erdogan", "erdogans", None),
            ("clinton", "clifton", None),
            ("putin", "putni", None),
            ("starmer", "", None),
        ] {
            assert_eq!(of_surname(known, word), slip, "{word}");
        }
    }
}

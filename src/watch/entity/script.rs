//! How a name is bent in running text: case endings, prefixes and particles, by script.
//!
//! Names are compared by what stands in the pack, not by a stemmer: a stemmer joins too much (`Park`, `parking`) and
//! knows nothing of names. So each script has one small rule that says when a word of the text is a form of a name.

/// The scripts whose words are bent in their own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// Written the same in every case, but for a German or English `s`; Greek and all others too.
    Plain,
    /// Slavic case endings.
    Cyrillic,
    /// Prefixes such as و and ال.
    Arabic,
    /// Particles behind the word.
    Hangul,
}

impl Script {
    /// By the first letter.
    pub fn of(word: &str) -> Self {
        match word.chars().next() {
            Some('\u{400}'..='\u{52F}') => Self::Cyrillic,
            Some('\u{600}'..='\u{6FF}' | '\u{750}'..='\u{77F}') => Self::Arabic,
            Some('\u{1100}'..='\u{11FF}' | '\u{AC00}'..='\u{D7AF}') => Self::Hangul,
            _ => Self::Plain,
        }
    }

    /// The part of a word that no bending changes: names are filed and looked up by it.
    pub fn key(self, word: &str) -> &str {
        match self {
            Self::Cyrillic => first_chars(word, CYRILLIC_KEY_CHARS),
            Self::Hangul => first_chars(word, HANGUL_KEY_CHARS),
            Self::Arabic | Self::Plain => word,
        }
    }
}

/// Cyrillic endings begin behind the third letter of a name, or the name is too short to be bent.
const CYRILLIC_KEY_CHARS: usize = 3;
/// What a short word behind others keeps: `Ын`, `Ёль`.
const CYRILLIC_SHORT_CHARS: usize = 2;
/// Particles follow at least two syllables.
const HANGUL_KEY_CHARS: usize = 2;

/// Whether `word`, folded, is a form of the Slavic name `name`, folded: `путиным` of `путин`, `зеленского` of `зеленскии`.
///
/// Where the words before it already tell whose name it is, `is_told`, a short word is bent too: `Ким Чен Ына`.
pub fn is_slavic_form(name: &str, word: &str, is_told: bool) -> bool {
    let common = name.chars().zip(word.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum::<usize>();
    let (name_rest, word_rest) = (&name[common..], &word[common..]);
    if name_rest.is_empty() && word_rest.is_empty() {
        return true;
    }
    let is_short = is_told && name.chars().count() <= CYRILLIC_KEY_CHARS;
    let common_min = if is_short { CYRILLIC_SHORT_CHARS } else { CYRILLIC_KEY_CHARS };
    name[..common].chars().count() >= common_min
        && name_rest.chars().count() <= NAME_REST_CHARS_MAX
        && name_rest.chars().all(|c| "аеиоуыэюяьі".contains(c))
        && (word_rest.is_empty() && !name_rest.is_empty()
            || SLAVIC_ENDINGS.contains(&word_rest)
            // `Лукашенком`: the о of the name is the ending's too.
            || name_rest.is_empty() && word_rest == "м" && name.ends_with('о')
            // So is the и of `иранский` in `иранских`, `Зеленским`.
            || name_rest == "и" && name[..common].ends_with(['и', 'ы']) && matches!(word_rest, "х" | "м" | "ми"))
}

/// A nominative ends in at most two letters that other cases change: -ии (the folded -ий), -ая, -ия.
const NAME_REST_CHARS_MAX: usize = 2;

/// Endings of names and of adjectives made from them, folded (й is и, ё is е, ї is і).
const SLAVIC_ENDINGS: [&str; 53] = [
    "а", "у", "ом", "ем", "е", "ы", "и", "ои", "еи", "ю", "я", "ям", "ями", "ях", "ам", "ами", "ах", "ов", "ев", "ым",
    "ого", "его", "ому", "ему", "им", "ии", "ию", "иеи", "иями", "ых", "их", "ыми", "ими", "ая", "ую", "ое", "ые",
    "ие", "ыи", "яя", "і", "ою", "ею", "єю", "ові", "еві", "ій", "іі", "ії", "ій", "іи", "ими", "оі",
];

/// Calls `found` with `word` and with what is left when the prefixes و ف ب ل ك and the article are taken off.
///
/// Gives the first answer that is `Some`.
pub fn arabic_bases<T>(word: &str, mut found: impl FnMut(&str) -> Option<T>) -> Option<T> {
    if let Some(answer) = found(word) {
        return Some(answer);
    }
    let mut rest = word;
    for _ in 0..2 {
        let Some(next) = rest.strip_prefix(['و', 'ف', 'ب', 'ل', 'ك']) else { break };
        if next.chars().count() < ARABIC_BASE_CHARS_MIN {
            break;
        }
        rest = next;
        if let Some(answer) = found(rest) {
            return Some(answer);
        }
    }
    None
}

/// What is left of an Arabic word without its prefixes is a name from here on; shorter words would become other words.
const ARABIC_BASE_CHARS_MIN: usize = 3;

/// Whether an Arabic word is a form of a name: with or without the article, with an adjective's ending.
pub fn is_arabic_form(name: &str, word: &str) -> bool {
    fn bare(word: &str) -> &str {
        word.strip_prefix("ال")
            .or_else(|| word.strip_prefix('ل'))
            .filter(|rest| rest.chars().count() >= 3)
            .unwrap_or(word)
    }
    if name == word {
        return true;
    }
    let Some(rest) = bare(word).strip_prefix(bare(name)) else { return false };
    rest.is_empty() || matches!(rest, "ة" | "ين" | "ون" | "ان" | "ا" | "تين")
}

/// Whether a Korean word is the name, alone or with a particle or the like behind it: `김정은이`, `북한은`.
pub fn is_korean_form(name: &str, word: &str) -> bool {
    let Some(rest) = word.strip_prefix(name) else { return false };
    rest.is_empty() || KOREAN_TAILS.iter().any(|tail| rest.starts_with(tail))
}

/// Particles, and the nouns that are written on to a country or a person.
const KOREAN_TAILS: [&str; 40] = [
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "의",
    "와",
    "과",
    "도",
    "에",
    "로",
    "으로",
    "만",
    "부터",
    "까지",
    "보다",
    "처럼",
    "께서",
    "한테",
    "라고",
    "라는",
    "란",
    "측",
    "군",
    "인",
    "산",
    "제",
    "간",
    "발",
    "정부",
    "대통령",
    "총리",
    "국무위원장",
    "위원장",
    "주석",
    "장관",
    "외교",
    "당국",
    "씨",
];

fn first_chars(word: &str, count: usize) -> &str {
    match word.char_indices().nth(count) {
        Some((end, _)) => &word[..end],
        None => word,
    }
}

//! Months, halves of the day and digits as feeds of many countries write them.

use unicode_normalization::UnicodeNormalization;

/// The beginnings of months' names, folded, in the languages whose wires put them into feeds: English, Turkish, German,
/// French, Spanish, Portuguese, Italian, Dutch, Polish, Czech, Croatian, Hungarian, Romanian, Indonesian, Azerbaijani,
/// Finnish, Estonian and the Nordic ones;
/// Russian, Bulgarian, Ukrainian, Serbian, Macedonian; Greek; Arabic as it is spoken in Cairo, Beirut, Algiers and
/// Rabat; Persian's for the Gregorian year; Hebrew. Where one is the beginning of
/// another, the longer stands first.
const MONTHS: [&[&str]; 12] = [
    &[
        "jan",
        "oca",
        "ene",
        "gen",
        "sty",
        "led",
        "ian",
        "янв",
        "яну",
        "січ",
        "ιαν",
        "јан",
        "يناير",
        "كانون الثاني",
        "ינואר",
        "tammi",
        "sijec",
        "yan",
        "jaan",
        "جانفي",
        "ژانو",
    ],
    &[
        "feb",
        "sub",
        "fev",
        "lut",
        "uno",
        "фев",
        "лют",
        "φεβ",
        "φευ",
        "فبراير",
        "شباط",
        "פברואר",
        "helmi",
        "velj",
        "veeb",
        "فيفري",
        "فور",
    ],
    &["mar", "mrt", "maa", "bre", "мар", "бер", "μαρ", "مارس", "اذار", "מרץ", "מרס", "maalis", "ozuj"],
    &[
        "apr",
        "nis",
        "avr",
        "abr",
        "kwi",
        "dub",
        "апр",
        "кві",
        "απρ",
        "ابريل",
        "نيسان",
        "אפריל",
        "huhti",
        "travnj",
        "travanj",
        "افريل",
        "اور",
    ],
    &[
        "may", "mai", "mag", "mei", "maj", "kve", "маи", "мая", "тра", "μαι", "мај", "مايو", "ايار", "מאי", "touko",
        "svib", "ماي", "مه",
    ],
    &[
        "jun",
        "haz",
        "juin",
        "giu",
        "cze",
        "iun",
        "cervna",
        "cerven",
        "июн",
        "юни",
        "чер",
        "ιουν",
        "јун",
        "يونيو",
        "حزيران",
        "יוני",
        "kesa",
        "lipnj",
        "lipanj",
        "iyun",
        "juuni",
        "جوان",
        "ژوين",
    ],
    &[
        "jul",
        "tem",
        "juil",
        "lug",
        "lip",
        "iul",
        "cervenc",
        "июл",
        "юли",
        "лип",
        "ιουλ",
        "јул",
        "يوليو",
        "تموز",
        "יולי",
        "hein",
        "srpnj",
        "srpanj",
        "iyul",
        "juuli",
        "جويلية",
        "ژويی",
        "ژويي",
        "جولا",
    ],
    &[
        "aug",
        "agu",
        "aou",
        "ago",
        "avg",
        "sie",
        "srp",
        "авг",
        "сер",
        "αυγ",
        "اغسطس",
        "اب",
        "אוגוסט",
        "elok",
        "kolov",
        "avq",
        "اوت",
        "غشت",
        "اگوست",
    ],
    &[
        "sep",
        "eyl",
        "set",
        "wrz",
        "zar",
        "sze",
        "сен",
        "сеп",
        "вер",
        "σεπ",
        "سبتمبر",
        "ايلول",
        "ספטמבר",
        "syys",
        "ruj",
        "sent",
        "شتنبر",
        "سپتامبر",
    ],
    &[
        "oct",
        "eki",
        "okt",
        "out",
        "ott",
        "paz",
        "rij",
        "окт",
        "жов",
        "οκτ",
        "اكتوبر",
        "تشرين الاول",
        "אוקטובר",
        "loka",
        "اکتبر",
        "اكتبر",
    ],
    &[
        "nov",
        "kas",
        "noi",
        "lis",
        "ноя",
        "ное",
        "лис",
        "νοε",
        "новем",
        "نوفمبر",
        "تشرين الثاني",
        "נובמבר",
        "marras",
        "studen",
        "noya",
        "نونبر",
        "نوامبر",
    ],
    &[
        "dec",
        "ara",
        "dez",
        "dic",
        "gru",
        "pro",
        "des",
        "дек",
        "гру",
        "δεκ",
        "дец",
        "ديسمبر",
        "كانون الاول",
        "דצמבר",
        "joulu",
        "prosin",
        "dek",
        "dets",
        "دجنبر",
        "دسامبر",
    ],
];

/// A month by its three English letters.
pub fn english(word: &str) -> Option<u32> {
    const NAMES: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    NAMES.iter().zip(1..).find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, number)| number)
}

/// A month by its name, folded or not, cut short or not.
pub fn month(word: &str) -> Option<u32> {
    // One Arabic name is two letters long, all others three.
    if word.chars().count() < 2 || word.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    // Hebrew says "in September" in one word.
    let word = word.strip_prefix('ב').filter(|rest| rest.chars().count() > 2).unwrap_or(word);
    let found = MONTHS.iter().zip(1..).filter_map(|(names, number)| {
        let of = names.iter().filter(|name| word.starts_with(**name) && (name.chars().count() > 2 || word == **name));
        of.map(|name| name.len()).max().map(|len| (len, number))
    });
    found.max_by_key(|(len, _)| *len).map(|(_, number)| number)
}

/// Little words between a day and its month, or around a date.
pub fn is_joint(word: &str) -> bool {
    matches!(
        word,
        "of" | "the"
            | "de"
            | "del"
            | "di"
            | "da"
            | "du"
            | "le"
            | "la"
            | "el"
            | "den"
            | "der"
            | "am"
            | "на"
            | "من"
            | "t"
            | "of,"
            | "·"
            | "|"
            | "-"
            | "/"
    )
}

/// A text in small letters without accents, in ASCII digits, its halves of the day and its signs for year, month and day
/// in one form. Says whether it is Korean, whose times are Seoul's where they name no zone.
pub fn fold(text: &str) -> (String, bool) {
    let mut folded = String::with_capacity(text.len());
    let mut is_korean = false;
    for c in text.to_lowercase().nfd() {
        match c {
            '\u{300}'..='\u{36f}' | '\u{653}'..='\u{655}' | '\u{200e}' | '\u{200f}' => {}
            'ı' => folded.push('i'),
            'ł' => folded.push('l'),
            '٠'..='٩' => folded.push(digit(c, '٠')),
            '۰'..='۹' => folded.push(digit(c, '۰')),
            '０'..='９' => folded.push(digit(c, '０')),
            '年' | '月' => folded.push('-'),
            '日' | '秒' | '\u{a0}' | '\u{3000}' | '،' | '、' | '，' => folded.push(' '),
            '時' | '时' | '點' | '点' | '分' | '：' => folded.push(':'),
            // Hangul falls into its letters.
            '\u{1100}'..='\u{11ff}' => {
                is_korean = true;
                folded.push(c);
            }
            '\u{2212}' | '\u{2013}' => folded.push('-'),
            _ => folded.push(c),
        }
    }
    if is_korean {
        for (sign, meant) in [("년", "-"), ("월", "-"), ("일", " "), ("시", ":"), ("분", ":"), ("초", " ")] {
            folded = folded.replace(&sign.nfd().collect::<String>(), meant);
        }
    }
    for (word, meant) in HALVES {
        if folded.contains(*word) || is_korean {
            folded = folded.replace(&word.nfd().collect::<String>(), meant);
        }
    }
    // `2004년 05월` and `6시 5분`.
    (folded.replace("- ", "-").replace(": ", ":"), is_korean)
}

const HALVES: &[(&str, &str)] = &[
    ("오전", " am "),
    ("오후", " pm "),
    ("上午", " am "),
    ("下午", " pm "),
    ("午前", " am "),
    ("午後", " pm "),
    ("صباحا", " am "),
    ("مساء", " pm "),
    (" πμ", " am "),
    (" μμ", " pm "),
];

fn digit(c: char, zero: char) -> char {
    let value = u32::from(c) - u32::from(zero);
    char::from_digit(value, 10).unwrap_or('0')
}

//! A text as words, sentences and paragraphs. By the page "What a word is" of the watch language.

mod memory;
mod sentence;
pub mod stem;
pub mod units;

use std::{
    ops::{Deref, Range},
    sync::Arc,
};

use self::{
    sentence::{Break, Gap},
    units::{Class, Unit, units},
};
use super::{
    Article,
    language::Lang,
    text::{Field, TextSpan},
};

/// An article's texts, cut into words once, for everything that reads them: queries, entities, topics.
#[derive(Debug, Clone)]
pub struct AnalysedText {
    /// What the words were stemmed by.
    pub lang: Option<Lang>,
    /// Title, summary (empty where it stands in the body), body: indexed by `Field as usize`.
    pub fields: [AnalysedField; 3],
    /// Whether the text was longer than [`TEXT_BYTES_MAX`] and cut.
    pub cut: bool,
}

/// Texts are matched up to here, all three of an article together: a book in a feed must not hold up the news.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// One field, cut into words.
#[derive(Debug, Clone, Default)]
pub struct AnalysedField {
    /// The original text.
    pub text: String,
    /// In text order. Words that stand in one place (a designation and its parts) share a `place`.
    pub words: Vec<Word>,
}

/// One word, where it stands and how it compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Byte range in the field's text; `'s` and the like left out.
    pub start_byte: u32,
    /// One past the last byte.
    pub end_byte: u32,
    /// The same in scalar values.
    pub start_chars: u32,
    /// One past the last scalar value.
    pub end_chars: u32,
    /// Counts words through the field, from 0; what NEAR measures.
    pub place: u32,
    /// Counts sentences through the field, from 0.
    pub sentence: u32,
    /// Counts paragraphs through the field, from 0.
    pub paragraph: u32,
    /// What kind of word it is.
    pub kind: WordKind,
    /// How it compares; shared by all that are written alike. Of two words that share one, both are equal in form; two
    /// equal ones need not share.
    pub form: Arc<Form>,
}

/// A written word in a language: what every place where it stands has in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// As written, after NFKC, without soft hyphens and zero-width marks: what `=` compares.
    pub exact: Box<str>,
    /// Case-folded, diacritics of Latin, Greek and Cyrillic removed: what quotes compare.
    pub folded: Box<str>,
    /// The stem of the folded word in the article's language; the folded word itself where there is no stemmer.
    pub stem: Box<str>,
    /// The stem of the word with its diacritics, then folded; only where it differs from `stem`. Both count.
    pub stem_accented: Option<Box<str>>,
}

/// A word is its form in a place.
impl Deref for Word {
    type Target = Form;

    fn deref(&self) -> &Form {
        &self.form
    }
}

/// What kind of word it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordKind {
    /// Letters, marks and digits.
    Plain,
    /// A whole designation such as `F-16`, laid over its parts; has the place of its first part.
    Designation,
    /// One character of a script without spaces; each is a place.
    Character,
}

/// Cuts an article's texts into words.
pub fn analyse(article: &Article) -> AnalysedText {
    let summary = article.summary.as_deref().filter(|_| article.summary_is_apart());
    let lang = article.lang.or_else(|| stems_of_nobody(article));
    analyse_fields(lang, &article.title, summary.unwrap_or(""), &article.text)
}

/// The language to stem a text by where nobody can tell which it is, as with a headline alone: English, if all its
/// letters are ASCII. A form too many that meets costs a glance; one that does not meet costs the alert.
fn stems_of_nobody(article: &Article) -> Option<Lang> {
    let is_plain = |text: &str| text.chars().all(|c| c.is_ascii() || !c.is_alphabetic());
    (is_plain(&article.title) && is_plain(&article.text)).then_some(Lang::EN)
}

/// Cuts three texts into words.
pub fn analyse_fields(lang: Option<Lang>, title: &str, summary: &str, body: &str) -> AnalysedText {
    let mut bytes_left = TEXT_BYTES_MAX;
    let mut cut = false;
    let fields = [title, summary, body].map(|text| {
        let kept = &text[..text.floor_char_boundary(bytes_left)];
        cut |= kept.len() < text.len();
        bytes_left -= kept.len();
        analyse_field(lang, kept)
    });
    AnalysedText { lang, fields, cut }
}

/// Cuts one text into words.
pub fn analyse_field(lang: Option<Lang>, text: &str) -> AnalysedField {
    let units = units(text);
    let mut cutter =
        Cutter { lang, units: &units, words: Vec::with_capacity(text.len() / 6), last: None, scratch: String::new() };
    cutter.cut();
    AnalysedField { words: cutter.words, text: text.to_owned() }
}

/// Cuts the text of a query's term into words, `*` and `?` being letters of theirs. Of no language: stems are looked up
/// in that of each article.
pub fn analyse_pattern(text: &str) -> Vec<Word> {
    let mut units = units(text);
    for unit in &mut units {
        // As typed only: a full-width ？ ends Chinese sentences and asks for no wildcard.
        if matches!(unit.c, '*' | '?') && unit.end_byte - unit.start_byte == 1 {
            unit.class = Class::Word;
        }
    }
    let mut cutter = Cutter { lang: None, units: &units, words: Vec::new(), last: None, scratch: String::new() };
    cutter.cut();
    cutter.words
}

/// Walks over a text's characters and collects its words.
struct Cutter<'a> {
    lang: Option<Lang>,
    units: &'a [Unit],
    words: Vec<Word>,
    last: Option<Last>,
    scratch: String,
}

/// The word cut last.
struct Last {
    /// Its characters; what was cut off behind it left out.
    units: Range<usize>,
    /// Its index in `words`.
    word: usize,
    is_initials: bool,
}

impl Cutter<'_> {
    fn cut(&mut self) {
        let mut at = 0;
        while let Some(unit) = self.units.get(at) {
            at = match unit.class {
                Class::Character => {
                    self.push(at..at + 1, WordKind::Character, false);
                    at + 1
                }
                Class::Word => self.cut_word(at),
                _ => at + 1,
            };
        }
    }

    /// Cuts the word that begins at `start`; gives where to go on.
    fn cut_word(&mut self, start: usize) -> usize {
        let initials = self.initials_end(start);
        if initials > start {
            self.push(start..initials, WordKind::Plain, true);
            return initials;
        }
        let end = self.run_end(start);
        self.push_plain(start..end);
        self.suffix_end(start..end)
    }

    /// End of the run of word characters that begins at `start`.
    fn run_end(&self, start: usize) -> usize {
        start + self.units[start..].iter().take_while(|u| u.class == Class::Word).count()
    }

    /// End of `U.N.` and its like; `start` where there is none.
    fn initials_end(&self, start: usize) -> usize {
        let pairs = self.units[start..]
            .chunks_exact(2)
            .take_while(|pair| {
                pair[0].class == Class::Word && pair[0].c.is_alphabetic() && pair[1].class == Class::Stop
            })
            .count();
        if pairs >= 2 { start + 2 * pairs } else { start }
    }

    /// End of what hangs on a word by an apostrophe and is no part of it: `'s`, Turkish case endings.
    fn suffix_end(&self, word: Range<usize>) -> usize {
        if self.units.get(word.end).is_none_or(|u| u.class != Class::Apostrophe) {
            return word.end;
        }
        let tail = word.end + 1..self.run_end(word.end + 1);
        let text = |range: Range<usize>| self.units[range].iter().map(|u| u.c).collect::<String>();
        let is_possessive = tail.len() == 1 && matches!(self.units[tail.start].c, 's' | 'S');
        let is_cut = is_possessive
            || !tail.is_empty()
                && tail.len() <= TURKISH_TAIL_CHARS_MAX
                && self.is_turkish_suffix(&text(word.clone()), &text(tail.clone()));
        if is_cut { tail.end } else { word.end }
    }

    fn is_turkish_suffix(&self, head: &str, tail: &str) -> bool {
        let is_name_or_number = head.starts_with(|c: char| c.is_uppercase() || c.is_numeric());
        if !is_name_or_number || !tail.chars().all(char::is_lowercase) {
            return false;
        }
        let is_turkish = self.lang.is_some_and(|lang| lang.as_str() == "tr");
        // `L'un` and `Qu'un` have the look of a Turkish genitive.
        let is_elision = head.chars().nth(1).is_none() || matches!(head, "Qu" | "QU");
        // Behind a vowel Turkish puts a consonant between: `Modi'nin`, while `Modi'in` is a city.
        let are_vowels = head.ends_with(is_vowel) && tail.starts_with(is_vowel);
        is_turkish || !is_elision && !are_vowels && TURKISH_CASE_ENDINGS.contains(&tail)
    }

    /// Adds a word, and before it the designation that it ends, if it does.
    fn push_plain(&mut self, range: Range<usize>) {
        let designation = self.last.as_ref().and_then(|last| {
            let is_joined = range.start == last.units.end + 1 && self.units[last.units.end].class == Class::Dash;
            let (head, tail) = (&self.units[last.units.clone()], &self.units[range.clone()]);
            (is_joined && !last.is_initials && is_designation(head, tail)).then_some((last.units.start, last.word))
        });
        if let Some((start, first_part)) = designation {
            let whole = start..range.end;
            self.scratch.clear();
            self.scratch.extend(self.units[whole.clone()].iter().filter(|u| u.class != Class::Dash).map(|u| u.c));
            let first = &self.words[first_part];
            let position = (first.place, first.sentence, first.paragraph);
            let word = self.word(whole, WordKind::Designation, position);
            self.words.push(word);
        }
        self.push(range, WordKind::Plain, false);
    }

    fn push(&mut self, range: Range<usize>, kind: WordKind, is_initials: bool) {
        self.scratch.clear();
        self.scratch.extend(self.units[range.clone()].iter().filter(|u| u.class != Class::Stop).map(|u| u.c));
        let position = self.next_position(range.start);
        let word = self.word(range.clone(), kind, position);
        self.last = Some(Last { units: range, word: self.words.len(), is_initials });
        self.words.push(word);
    }

    /// Place, sentence and paragraph of a word that begins at `start`.
    fn next_position(&self, start: usize) -> (u32, u32, u32) {
        let Some(last) = &self.last else { return (0, 0, 0) };
        let before = &self.words[last.word];
        let gap = Gap {
            before: &before.folded,
            before_last: self.units[last.units.end - 1].c,
            before_is_initials: last.is_initials,
            units: &self.units[last.units.end..start],
            next: self.units[start].c,
            lang: self.lang,
        };
        let (sentences, paragraphs) = match gap.ends() {
            Break::None => (0, 0),
            Break::Sentence => (1, 0),
            Break::Paragraph => (1, 1),
        };
        (before.place + 1, before.sentence + sentences, before.paragraph + paragraphs)
    }

    /// The word that is written in `scratch`.
    fn word(&self, range: Range<usize>, kind: WordKind, (place, sentence, paragraph): (u32, u32, u32)) -> Word {
        let (first, last) = (&self.units[range.start], &self.units[range.end - 1]);
        let exact = self.scratch.as_str();
        let lang = self.lang.filter(|_| kind != WordKind::Character);
        Word {
            start_byte: first.start_byte,
            end_byte: last.end_byte,
            start_chars: first.start_chars,
            end_chars: last.end_chars,
            place,
            sentence,
            paragraph,
            kind,
            form: stem::forms(exact, lang),
        }
    }
}

/// 1 to 4 letters, and behind a hyphen 1 to 4 digits and up to 2 letters.
fn is_designation(head: &[Unit], tail: &[Unit]) -> bool {
    let digits = tail.iter().take_while(|u| u.c.is_ascii_digit()).count();
    let letters = &tail[digits..];
    (1..=4).contains(&head.len())
        && head.iter().all(|u| u.c.is_alphabetic())
        && (1..=4).contains(&digits)
        && letters.len() <= 2
        && letters.iter().all(|u| u.c.is_alphabetic())
}

fn is_vowel(c: char) -> bool {
    "aeıioöuü".contains(c)
}

/// No chain of Turkish endings is longer: `'dekilerden`.
const TURKISH_TAIL_CHARS_MAX: usize = 12;

/// Endings that cut a name also where the article is not Turkish.
const TURKISH_CASE_ENDINGS: [&str; 36] = [
    "in", "ın", "un", "ün", "nin", "nın", "nun", "nün", "e", "a", "ye", "ya", "i", "ı", "u", "ü", "yi", "yı", "yu",
    "yü", "de", "da", "te", "ta", "den", "dan", "ten", "tan", "le", "la", "yle", "yla", "deki", "daki", "teki", "taki",
];

impl AnalysedText {
    /// One field's words.
    pub fn field(&self, field: Field) -> &AnalysedField {
        &self.fields[field as usize]
    }
}

impl AnalysedField {
    /// The slice that a span of this field covers.
    pub fn slice(&self, span: TextSpan) -> &str {
        let mut indices = self.text.char_indices().map(|(i, _)| i).chain([self.text.len()]);
        let start = indices.clone().nth(span.start_chars as usize).unwrap_or(self.text.len());
        let end = indices.nth(span.end_chars as usize).unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn words(lang: &str, text: &str) -> Vec<String> {
        let field = analyse_field(Lang::from_tag(lang), text);
        field.words.iter().map(|w| w.exact.to_string()).collect()
    }

    #[track_caller]
    fn cuts(lang: &str, text: &str, expected: &[&str]) {
        assert_eq!(words(lang, text), expected, "{text}");
    }

    #[test]
    fn words_are_runs_of_letters_marks_and_digits() {
        cuts("en", "The arms-deal, he said.", &["The", "arms", "deal", "he", "said"]);
        cuts("en", "reported by Yonhap,Defence", &["reported", "by", "Yonhap", "Defence"]);
        cuts("en", "ﬁne ½ ＵＮ cafe\u{301} rock\u{ad}et\u{200b}s", &["fine", "1", "2", "UN", "café", "rockets"]);
        cuts("en", "snake_case a@b.c", &["snake", "case", "a", "b", "c"]);
    }

    #[test]
    fn initials_are_one_word() {
        cuts(
            "en",
            "U.N. and U.S.-led U.S.Army e.g. J. Smith",
            &["UN", "and", "US", "led", "US", "Army", "eg", "J", "Smith"],
        );
    }

    #[test]
    fn possessives_and_turkish_endings_are_cut() {
        cuts("en", "Russia's and Russia’s arms", &["Russia", "and", "Russia", "arms"]);
        cuts("tr", "Putin'in Türkiye’deki O'Brien 2023'te", &["Putin", "Türkiye", "O", "Brien", "2023"]);
        cuts("en", "Erdogan'dan O'Brien", &["Erdogan", "O", "Brien"]);
        cuts("fr", "ventes d'armes L'un", &["ventes", "d", "armes", "L", "un"]);
        cuts("en", "don't we'll", &["don", "t", "we", "ll"]);
    }

    #[test]
    fn designations_are_parts_and_whole() {
        cuts("en", "F-16 jets", &["F", "F16", "16", "jets"]);
        cuts("en", "Su‑35S, F-16s", &["Su", "Su35S", "35S", "F", "F16s", "16s"]);
        cuts("en", "COVID-19 F - 16 T-72B3x", &["COVID", "19", "F", "16", "T", "72B3x"]);
        let field = analyse_field(Some(Lang::EN), "two F-16 jets");
        assert_eq!(field.words.iter().map(|w| w.place).collect::<Vec<_>>(), [0, 1, 1, 2, 3]);
        assert_eq!(&field.text[4..8], "F-16");
        assert_eq!((field.words[2].start_byte, field.words[2].end_byte), (4, 8));
    }

    #[test]
    fn scripts_without_spaces_are_cut_by_character() {
        cuts("zh", "对朝鲜制裁。UN", &["对", "朝", "鲜", "制", "裁", "UN"]);
        cuts("ko", "북한이 러시아에", &["북한이", "러시아에"]);
        assert_eq!(analyse_field(None, "制裁").words[1].place, 1);
    }

    #[track_caller]
    fn sentences(lang: &str, text: &str, expected: &[&str]) {
        let field = analyse_field(Lang::from_tag(lang), text);
        let mut found: Vec<(u32, usize, usize)> = Vec::new();
        for word in &field.words {
            let (start, end) = (word.start_byte as usize, word.end_byte as usize);
            match found.last_mut() {
                Some((sentence, _, last)) if *sentence == word.sentence => *last = end,
                _ => found.push((word.sentence, start, end)),
            }
        }
        let found: Vec<&str> = found.iter().map(|&(_, start, end)| &text[start..end]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn sentences_survive_abbreviations() {
        sentences("en", "The U.S. Army met Gen. Milley. He left", &["The U.S. Army met Gen. Milley", "He left"]);
        sentences(
            "en",
            "Resolution No. 2397 rose 3.5 percent. \"No. Never,\" he said",
            &["Resolution No. 2397 rose 3.5 percent", "No", "Never,\" he said"],
        );
        sentences("en", "It said so.Defence chiefs left? Yes!", &["It said so", "Defence chiefs left", "Yes"]);
        sentences("en", "It said (so.) Then \"it ended.\" Now", &["It said (so", "Then \"it ended", "Now"]);
        sentences("en", "Vladimir V. Putin and J. Smith... The end", &["Vladimir V. Putin and J. Smith", "The end"]);
        sentences("de", "Am 15. September kam er. Dann ging er", &["Am 15. September kam er", "Dann ging er"]);
        sentences("zh", "他来了。她走了！好", &["他来了", "她走了", "好"]);
        sentences("en", "One line\nis a space\n\nA paragraph", &["One line\nis a space", "A paragraph"]);
    }

    #[test]
    fn paragraphs_end_at_empty_lines() {
        let field = analyse_field(None, "a b\nc\r\n \r\nd");
        assert_eq!(field.words.iter().map(|w| w.paragraph).collect::<Vec<_>>(), [0, 0, 0, 1]);
    }

    #[test]
    fn long_texts_are_cut_and_say_so() {
        let text = analyse_fields(None, "t", "", &"ж".repeat(TEXT_BYTES_MAX));
        assert!(text.cut);
        assert!(text.fields[2].text.len() < TEXT_BYTES_MAX);
        assert!(!analyse_fields(None, "t", "", "b").cut);
    }

    proptest::proptest! {
        #[test]
        fn offsets_slice_back(text in "(\\PC|[a-zA-Z.' \n\u{301}\u{ad}ﾞｶ각-]){0,60}") {
            let field = analyse_field(Lang::from_tag("en"), &text);
            for word in &field.words {
                let by_bytes = &text[word.start_byte as usize..word.end_byte as usize];
                let by_chars: String = text.chars().skip(word.start_chars as usize)
                    .take((word.end_chars - word.start_chars) as usize).collect();
                proptest::prop_assert_eq!(by_bytes, by_chars);
                proptest::prop_assert!(!word.folded.is_empty() && !word.stem.is_empty());
            }
            proptest::prop_assert!(field.words.is_sorted_by_key(|w| (w.start_byte, w.place)));
            proptest::prop_assert!(field.words.is_sorted_by_key(|w| w.place));
        }
    }
}

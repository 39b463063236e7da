//! A text as words, sentences and paragraphs. By the page "What a word is" of the watch language.

mod apostrophe;
mod cutter;
mod memory;
mod pieces;
mod sentence;
pub mod stem;
pub mod units;

use std::{ops::Deref, sync::Arc};

use self::{
    cutter::words,
    pieces::pieces,
    units::{CLASSES, CLASSES_IN_PATTERNS},
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
    let is_plain = |text: &str| text.is_ascii() || text.chars().all(|c| c.is_ascii() || !c.is_alphabetic());
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
    AnalysedField { words: words(lang, &pieces(text, &CLASSES)), text: text.to_owned() }
}

/// Cuts the text of a query's term into words, `*` and `?` being letters of theirs. Of no language: stems are looked up
/// in that of each article.
pub fn analyse_pattern(text: &str) -> Vec<Word> {
    words(None, &pieces(text, &CLASSES_IN_PATTERNS))
}

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

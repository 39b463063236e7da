//! Which language a text is in.

use std::fmt;

use whatlang::Script;

/// Detection looks at so much text: more costs time and changes nothing.
const SAMPLE_CHARS_MAX: usize = 600;
/// Below, a stated tag is likelier right than a guess.
const SURE_CHARS_MIN: usize = 120;

/// A language by its primary BCP 47 subtag, lower case: `en`, `tr`, `zh`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lang([u8; 3]);

impl Lang {
    /// English.
    pub const EN: Self = Self(*b"en\0");

    /// From a BCP 47 tag as written (`en-US`, `PT_br`); `None` where its first part is not two or three letters.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next()?;
        if !matches!(primary.len(), 2 | 3) || !primary.bytes().all(|b| b.is_ascii_alphabetic()) {
            return None;
        }
        let mut bytes = [0; 3];
        for (to, from) in bytes.iter_mut().zip(primary.bytes()) {
            *to = from.to_ascii_lowercase();
        }
        Some(Self(bytes))
    }

    /// `en`
    pub fn as_str(&self) -> &str {
        let len = if self.0[2] == 0 { 2 } else { 3 };
        // Only ASCII letters get in.
        std::str::from_utf8(&self.0[..len]).unwrap_or("")
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Lang {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A text's language. A reliable detection on enough text outranks the stated tag, because sites state their template's
/// language; a short text takes the stated one.
pub fn detect(text: &str, stated: Option<&str>) -> Option<Lang> {
    let stated = stated.and_then(Lang::from_tag);
    let end = text.char_indices().nth(SAMPLE_CHARS_MAX).map_or(text.len(), |(at, _)| at);
    let sample = &text[..end];
    if stated.is_some_and(|stated| is_plainly(stated, sample)) {
        return stated;
    }
    let Some(info) = whatlang::detect(sample) else { return stated };
    let Some(detected) = Lang::from_tag(two_letters(info.lang().code())) else { return stated };
    let Some(stated) = stated else {
        return if info.is_reliable() { Some(detected) } else { by_small_words(sample) };
    };
    if stated == detected || !info.is_reliable() || is_kin(stated, detected) {
        return Some(stated);
    }
    // The detector takes a language that it does not know for a neighbour, unless the script tells them apart.
    let is_known = whatlang::Lang::all().iter().any(|l| two_letters(l.code()) == stated.as_str());
    let has_script_of_its_own =
        !matches!(info.script(), Script::Latin | Script::Cyrillic | Script::Arabic | Script::Devanagari);
    let is_long = sample.chars().count() >= SURE_CHARS_MIN;
    Some(if (is_known || has_script_of_its_own) && is_long { detected } else { stated })
}

/// The language of a text too short for statistics, by the small words that it is held together with; `None` where they
/// do not plainly speak for one.
fn by_small_words(sample: &str) -> Option<Lang> {
    /// So many different ones, and so many more than of any other language.
    const HITS_MIN: usize = 3;
    const LEAD_MIN: usize = 2;
    const WORDS: [(&str, &[&str]); 8] = [
        ("en", &["the", "of", "to", "and", "in", "for", "has", "is", "on", "with", "from", "by", "its", "was", "an"]),
        (
            "fr",
            &[
                "le", "la", "les", "des", "du", "une", "un", "à", "au", "aux", "dans", "pour", "sur", "avec", "l", "d",
                "et",
            ],
        ),
        ("es", &["el", "la", "los", "las", "del", "una", "un", "en", "con", "por", "para", "que", "y", "al"]),
        (
            "de",
            &["der", "die", "das", "den", "dem", "und", "hat", "an", "nach", "ein", "eine", "mit", "von", "ist", "am"],
        ),
        ("it", &["il", "di", "della", "che", "con", "per", "gli", "alla", "nel", "la"]),
        ("pt", &["o", "os", "do", "da", "dos", "das", "em", "com", "para", "que", "não", "ao"]),
        ("nl", &["de", "het", "een", "van", "en", "dat", "op", "aan", "voor"]),
        ("tr", &["ve", "bir", "için", "ile", "bu", "da", "de", "olarak"]),
    ];
    let words: std::collections::BTreeSet<String> =
        sample.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let count = |own: &[&str]| own.iter().filter(|word| words.contains(**word)).count();
    let mut hits = WORDS.map(|(tag, own)| (count(own), tag));
    hits.sort_unstable_by_key(|&(count, _)| std::cmp::Reverse(count));
    let [(most, tag), (second, _), ..] = hits;
    (most >= HITS_MIN && most >= second + LEAD_MIN).then(|| Lang::from_tag(tag))?
}

/// Whether a text is full of words that this language writes so and its neighbours do not. Spares most articles the detector, which takes a
/// quarter of all the time that a cold start of English feeds costs.
fn is_plainly(lang: Lang, sample: &str) -> bool {
    /// So many of them, and one word in so many.
    const HITS_MIN: usize = 5;
    const SHARE_MIN: usize = 8;
    let own: &[&str] = match lang.as_str() {
        "en" => &["the", "and", "of", "with", "was", "that", "from", "has", "by", "its", "which", "would"],
        "de" => &["der", "und", "das", "ist", "nicht", "mit", "für", "auf", "eine", "wurde", "sich"],
        "fr" => &["les", "des", "dans", "une", "est", "pour", "qui", "sur", "avec", "aux", "été"],
        "es" => &["los", "las", "según", "sus", "más", "el", "fue", "por", "y"],
        "tr" => &["ve", "için", "ile", "olarak", "ise", "gibi", "kadar", "sonra"],
        "ru" => &["что", "это", "его", "как", "также", "был", "было", "они", "который", "и"],
        _ => return false,
    };
    let (mut words, mut hits) = (0, 0);
    for word in sample.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        words += 1;
        hits += usize::from(own.contains(&word));
    }
    hits >= HITS_MIN && hits * SHARE_MIN >= words
}

/// Tags for what is written alike, where the writer knows better than statistics.
fn is_kin(a: Lang, b: Lang) -> bool {
    const KIN: [&[&str]; 4] = [&["no", "nb", "nn", "da"], &["sr", "hr", "bs", "sh"], &["id", "ms"], &["fa", "prs"]];
    KIN.iter().any(|kin| kin.contains(&a.as_str()) && kin.contains(&b.as_str()))
}

/// ISO 639-3 → BCP 47's shortest tag, for the languages that the detector knows.
pub fn two_letters(code: &str) -> &str {
    const CODES: &str = "afr:af aka:ak amh:am ara:ar aze:az bel:be ben:bn bul:bg cat:ca ces:cs cmn:zh dan:da deu:de ell:el \
        eng:en epo:eo est:et fin:fi fra:fr guj:gu heb:he hin:hi hrv:hr hun:hu hye:hy ind:id ita:it jav:jv jpn:ja kan:kn \
        kat:ka khm:km kor:ko lat:la lav:lv lit:lt mal:ml mar:mr mkd:mk mya:my nep:ne nld:nl nob:nb ori:or pan:pa pes:fa \
        pol:pl por:pt ron:ro rus:ru sin:si slk:sk slv:sl sna:sn spa:es srp:sr swe:sv tam:ta tel:te tgl:tl tha:th tuk:tk \
        tur:tr ukr:uk urd:ur uzb:uz vie:vi yid:yi zul:zu cym:cy";
    let found = CODES.split_whitespace().find_map(|pair| pair.strip_prefix(code)?.strip_prefix(':'));
    found.unwrap_or(code)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(text: &str, stated: Option<&str>, expected: Option<&str>) {
        assert_eq!(detect(text, stated).map(|l| l.to_string()).as_deref(), expected, "{text:?}");
    }

    #[test]
    fn long_text_outranks_a_wrong_tag_and_short_text_does_not() {
        let turkish = "Cumhurbaşkanı bugün yaptığı açıklamada, bölgedeki gelişmelerin yakından takip edildiğini ve gerekli \
            bütün adımların atılacağını söyledi. Görüşmelerin önümüzdeki hafta da sürmesi bekleniyor.";
        check(turkish, Some("en-US"), Some("tr"));
        check(turkish, None, Some("tr"));
        check("Ankara", Some("en-US"), Some("en"));
        let english = "The minister said that the talks would go on and that the text of the deal was ready, with all of it \
            to be signed by the end of the week in the capital.";
        check(english, Some("en"), Some("en"));
        check(english, Some("tr"), Some("en"));
        check("", Some("tr"), Some("tr"));
        check("1234", None, None);
    }
}

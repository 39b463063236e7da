//! Titles in other languages than English, each with the English words for it, so that roles, whose names are English,
//! can be held against them.

use std::{collections::HashMap, sync::LazyLock};

use super::script::{self, Script};

/// Folded, by Latin script's languages; Turkish ones also with the ending of `Dışişleri Bakanı`.
const LATIN: &str = "\
    bundeskanzler:chancellor bundeskanzlerin:chancellor kanzler:chancellor kanzlerin:chancellor \
    aussenminister:foreign+minister aussenministerin:foreign+minister premierminister:prime+minister \
    ministerprasident:prime+minister verteidigungsminister:minister verteidigungsministerin:minister konig:king \
    konigin:queen prinz:prince staatschef:president regierungschef:prime+minister machthaber:ruler diktator:dictator \
    generalsekretar:secretary-general herr:mr prasident:president praesident:president prasidentin:president \
    chancelier:chancellor chanceliere:chancellor ministre:minister presidente:president roi:king reine:queen \
    dirigeant:leader dictateur:dictator secretaire:secretary monsieur:mr \
    primer:prime ministro:minister ministra:minister canciller:chancellor presidenta:president rey:king \
    mandatario:president lider:leader secretario:secretary jefe:chief dictador:dictator senor:mr \
    primo:prime cancelliere:chancellor dittatore:dictator primeiro:prime chanceler:chancellor \
    cumhurbaskani:president cumhurbaskan:president basbakani:prime+minister basbakan:prime+minister bakani:minister \
    bakan:minister disisleri:foreign sansolye:chancellor sansolyesi:chancellor lideri:leader krali:king kral:king \
    baskani:president baskan:president sayin:mr sekreteri:secretary";

/// Folded, Russian and Ukrainian, in the nominative.
const CYRILLIC: &str = "\
    президент:president премьер:prime министр:minister міністр:minister канцлер:chancellor глава:leader \
    голова:chairman лидер:leader лідер:leader король:king император:emperor султан:sultan генерал:general \
    маршал:marshal генсек:secretary-general секретарь:secretary секретар:secretary госсекретарь:secretary \
    держсекретар:secretary председатель:chairman господин:mr пан:mr диктатор:dictator принц:prince эмир:emir";

/// Arabic, without the article.
const ARABIC: &str = "\
    رئيس:president وزير:minister وزراء:minister مستشار:chancellor ملك:king أمير:prince زعيم:leader قائد:commander \
    سيد:mr جنرال:general سلطان:sultan";

/// Endings behind a Turkish title that has its own: of, to, the, from, in, with.
const TURKISH_CASES: [&str; 6] = ["nin", "nden", "nde", "ne", "ni", "yle"];

fn pairs(written: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    written.split_ascii_whitespace().filter_map(|pair| pair.split_once(':'))
}

/// The English words, joined by `+`, for a word, folded, that says what a person is in another language.
pub fn in_english(folded: &str) -> Option<&'static str> {
    static LATIN_TITLES: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| pairs(LATIN).collect());
    match Script::of(folded) {
        Script::Plain => LATIN_TITLES.get(folded).copied().or_else(|| {
            // "lideri" in its cases: liderinin, liderine.
            let base = TURKISH_CASES.iter().find_map(|case| folded.strip_suffix(case))?;
            base.ends_with('i').then(|| LATIN_TITLES.get(base).copied())?
        }),
        Script::Cyrillic => {
            pairs(CYRILLIC).find(|(title, _)| script::is_slavic_form(title, folded, false)).map(|(_, english)| english)
        }
        Script::Arabic => script::arabic_bases(folded, |base| {
            pairs(ARABIC).find(|(title, _)| script::is_arabic_form(title, base)).map(|(_, english)| english)
        }),
        Script::Hangul => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_known_in_their_forms() {
        for (word, english) in [
            ("президентом", Some("president")),
            ("міністра", Some("minister")),
            ("главныи", None),
            ("الرئيس", Some("president")),
            ("والوزير", Some("minister")),
            ("cumhurbaskani", Some("president")),
            ("kanzlerin", Some("chancellor")),
            ("liderinin", Some("leader")),
            ("baskanina", None),
            ("torwart", None),
        ] {
            assert_eq!(in_english(word), english, "{word}");
        }
    }
}

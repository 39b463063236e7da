//! Whether a document that calls itself Latin-1 is.
//!
//! ISO-8859-1 and windows-1252 are what servers and old programs state where nobody chose anything, and every byte is a
//! letter or a sign in them, so that a wrong one is never noticed: Cyrillic becomes `Ïóòèí`. Another encoding is taken
//! only where the text itself leaves no choice. What is really Latin-1 must come out as it is, so each rule here asks for
//! what no text of Western Europe has.

use encoding_rs::{Encoding, ISO_8859_2, WINDOWS_1250, WINDOWS_1252, WINDOWS_1254, WINDOWS_1257};

/// Fewer bytes beyond ASCII tell nothing.
const HIGH_BYTES_MIN: usize = 8;
/// One letter of UTF-8 in so many wrong pairs of bytes is chance.
const RIGHT_BY_CHANCE: usize = 4;
/// Of a script's words, the shortest that count: "à" and "è" are words of Western Europe too.
const WORD_LETTERS_MIN: usize = 3;
/// Words, or letters, that nobody writes in Latin-1.
const WITNESSES_MIN: usize = 4;

/// The text as it is meant and its encoding, where that is not `latin`, the text read as declared. `guessed` is what the
/// bytes look like.
pub fn better(bytes: &[u8], latin: &str, guessed: &'static Encoding) -> Option<String> {
    if guessed == WINDOWS_1252 || bytes.iter().filter(|b| !b.is_ascii()).take(HIGH_BYTES_MIN).count() < HIGH_BYTES_MIN {
        return None;
    }
    let (text, is_broken) = guessed.decode_without_bom_handling(bytes);
    let is_meant = if guessed == WINDOWS_1254 {
        is_turkish(&text)
    } else if [WINDOWS_1250, ISO_8859_2, WINDOWS_1257].contains(&guessed) {
        has_signs_for_letters(latin) || !is_of_the_west(latin)
    } else {
        is_in_another_script(&text)
    };
    (is_meant && !is_broken).then(|| text.into_owned())
}

/// Whether a guess is worth something: there are bytes enough, and hardly a letter of UTF-8 among them. In East
/// Asia's encodings one pair of bytes in ten is such a letter by chance.
pub fn is_believable(bytes: &[u8], guessed: &'static Encoding) -> bool {
    let (mut right, mut wrong) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    let high = bytes.iter().filter(|b| !b.is_ascii()).take(HIGH_BYTES_MIN).count();
    let is_by_chance = || {
        !guessed.is_single_byte()
            && right * RIGHT_BY_CHANCE <= wrong
            && guessed.decode_without_bom_handling_and_without_replacement(bytes).is_some()
    };
    guessed != WINDOWS_1252 && high == HIGH_BYTES_MIN && (right == 0 || is_by_chance())
}

/// Whether the words with letters beyond ASCII have no others: `Путин`, not `franзais`.
fn is_in_another_script(text: &str) -> bool {
    let (mut pure, mut mixed) = (0, 0);
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_ascii()) {
        let letters = word.chars().count();
        if letters < WORD_LETTERS_MIN {
            continue;
        }
        if word.chars().all(|c| c > '\u{36f}') {
            pure += letters;
        } else {
            mixed += letters;
        }
    }
    pure >= WITNESSES_MIN * WORD_LETTERS_MIN && pure >= 4 * mixed
}

/// Whether the letters that windows-1254 has in the place of Iceland's are Turkey's: the dotless ı among them, and none
/// of the accents that Icelandic cannot do without.
fn is_turkish(text: &str) -> bool {
    let (mut own, mut dotless, mut foreign) = (0, 0, 0);
    for c in text.chars().filter(|c| !c.is_ascii() && c.is_alphabetic()) {
        match c {
            'ı' => (own, dotless) = (own + 1, dotless + 1),
            'ğ' | 'Ğ' | 'ş' | 'Ş' | 'İ' => own += 1,
            'ç' | 'Ç' | 'ö' | 'Ö' | 'ü' | 'Ü' | 'â' | 'Â' | 'î' | 'Î' | 'û' | 'Û' => {}
            _ => foreign += 1,
        }
    }
    own >= 2 * WITNESSES_MIN && dotless * 5 >= own && foreign * 10 <= own
}

/// The letters beyond ASCII of the languages that are written in Latin-1: French, German and Luxembourgish, Spanish,
/// Catalan, Portuguese, Italian, Dutch, Swedish and Finnish, Danish and Norwegian, Icelandic and Faroese, Estonian.
const ALPHABETS: [&str; 11] = [
    "àâçéèêëîïôùûüÿœ",
    "äöüßéëèà",
    "áéíóúüñºª",
    "àçèéíïòóúü",
    "ãáàâçéêíóôõúüºª",
    "àèéìíîòóùúº",
    "éëïöüèêáóûíç",
    "åäöéšž",
    "æøåéóôüäö",
    "áéíóúýðþæöøå",
    "äöüõšžé",
];

/// Whether the letters that a text has again and again are all of one language of Western Europe. `õ` and `û` beside `á`
/// are Hungary's `ő` and `ű`, `ø` beside `ì` the Czech `ř` and `ě`.
fn is_of_the_west(latin: &str) -> bool {
    let mut counts = [0_usize; 256];
    for c in latin.chars().filter(|c| !c.is_ascii() && c.is_alphabetic()).flat_map(char::to_lowercase) {
        // Of windows-1252's own, only these are letters of a language here.
        let byte = match c {
            'š' => 0x9a,
            'ž' => 0x9e,
            'œ' => 0x9c,
            'ÿ' => 0xff,
            c => usize::try_from(u32::from(c)).unwrap_or(usize::MAX),
        };
        if let Some(count) = counts.get_mut(byte) {
            *count += 1;
        }
    }
    let often = (counts.iter().sum::<usize>() / 50).max(2);
    let letter = |byte: u8| WINDOWS_1252.decode_without_bom_handling(&[byte]).0.chars().next().unwrap_or(' ');
    let met: Vec<char> = (0x80..=0xff).filter(|byte| counts[usize::from(*byte)] >= often).map(letter).collect();
    ALPHABETS.iter().any(|alphabet| met.iter().all(|c| alphabet.contains(*c)))
}

/// Whether signs stand inside words, as where `był³a` should have a letter.
fn has_signs_for_letters(latin: &str) -> bool {
    let mut before = [' '; 2];
    let mut signs = 0;
    for c in latin.chars() {
        let is_sign =
            matches!(before[1], '\u{a1}'..='\u{a9}' | '\u{ac}'..='\u{b6}' | '\u{b8}' | '\u{b9}' | '\u{bc}'..='\u{bf}');
        signs += usize::from(is_sign && before[0].is_alphabetic() && c.is_alphabetic());
        before = [before[1], c];
    }
    signs >= WITNESSES_MIN
}

#[cfg(test)]
mod tests {
    use encoding_rs::{
        BIG5, EUC_KR, GBK, ISO_8859_5, ISO_8859_7, KOI8_R, SHIFT_JIS, WINDOWS_874, WINDOWS_1251, WINDOWS_1253,
        WINDOWS_1255, WINDOWS_1256,
    };

    use super::super::decode;
    use super::*;

    /// A sentence in many languages, each with the encoding that its sites wrote before UTF-8.
    const ELSEWHERE: [(&str, &Encoding); 19] = [
        ("Порт открыт после шторма, суда снова выходят в море, сообщило министерство.", WINDOWS_1251),
        ("Порт открыт после шторма, суда снова выходят в море, сообщило министерство.", KOI8_R),
        ("Порт открыт после шторма, суда снова выходят в море, сообщило министерство.", ISO_8859_5),
        ("Порт відкрито після шторму, кораблі знову виходять у море, повідомили у міністерстві.", WINDOWS_1251),
        ("Το λιμάνι άνοιξε ξανά μετά την καταιγίδα, ανακοίνωσε το υπουργείο την Τρίτη.", WINDOWS_1253),
        ("Το λιμάνι άνοιξε ξανά μετά την καταιγίδα, ανακοίνωσε το υπουργείο την Τρίτη.", ISO_8859_7),
        ("הנמל נפתח מחדש לאחר הסערה, מסר משרד התחבורה ביום שלישי.", WINDOWS_1255),
        ("أعيد فتح الميناء بعد العاصفة، حسبما أعلنت الوزارة يوم الثلاثاء.", WINDOWS_1256),
        ("ท่าเรือเปิดอีกครั้งหลังพายุ กระทรวงแถลงเมื่อวันอังคาร", WINDOWS_874),
        (
            "Liman fırtınadan sonra yeniden açıldı, gemiler sefere çıkıyor. Bakanlık açıklamasında değişiklik olmadığını söyledi.",
            WINDOWS_1254,
        ),
        (
            "Port został otwarty po sztormie, statki znów wypływają w morze, było głośno, mówił minister, że już działa.",
            ISO_8859_2,
        ),
        (
            "A kikötő újra megnyílt a vihar után, közölte a minisztérium kedden. A hajók kifutnak, később jönnek újabb erők és gőzösök.",
            WINDOWS_1250,
        ),
        (
            "Přístav je po bouři opět otevřen, řeklo ministerstvo v úterý. Lodě znovu vyplouvají, později přijedou další dělníci.",
            WINDOWS_1250,
        ),
        (
            "Prístav je po búrke opäť otvorený, oznámilo ministerstvo. Lode znovu vyplávajú, neskôr prídu ďalší robotníci a veľké člny. Kapitáni čakajú, účastníkov je veľa.",
            WINDOWS_1250,
        ),
        (
            "Luka je ponovno otvorena nakon oluje, reklo je ministarstvo. Brodovi će opet ploviti, a radnici dolaze u četvrtak, također i časnici. Časopisi pišu da će kuće biti jeftinije, kaže kapetan i moći će čekati.",
            WINDOWS_1250,
        ),
        (
            "Osta pēc vētras ir atkal atvērta, otrdien paziņoja ministrija. Kuģi atkal dodas jūrā, vēlāk ieradīsies citi strādnieki. Viņš teica, ka šogad kuģu būs vairāk, un kuģi kļūs lielāki.",
            WINDOWS_1257,
        ),
        ("港口在暴风雨后重新开放，船只再次出海，该部星期二表示。", GBK),
        ("港口在暴風雨後重新開放，船隻再次出海，該部星期二表示。", BIG5),
        ("항구가 폭풍 이후 다시 문을 열었다고 정부가 화요일 밝혔다. 선박들이 다시 출항한다.", EUC_KR),
    ];

    /// Languages of Latin-1.
    const WEST: [&str; 16] = [
        "Le port a rouvert après la tempête, a déclaré le ministère à l’été dernier. Où êtes-vous allé, là-bas, à Orléans ? Ça été très élevé.",
        "Der Hafen öffnete nach dem Sturm wieder, erklärte das Ministerium. Die Fähren fahren täglich, größere Schiffe können später über die Elbe.",
        "El puerto reabrió después de la tormenta, señaló el año pasado. ¿Qué pasó? ¿Cuándo? ¡Mañana habrá más! El señor Muñoz está aquí también.",
        "O porto reabriu após a tempestade, não há informações. As condições são boas, à tarde haverá reuniões em São João. É já amanhã.",
        "Il porto è stato riaperto perché la città è più sicura. Così è. Il ministro è già lì, e la società può partire. Già martedì.",
        "De haven is heropend; de reünie met de België-delegatie is geëindigd. Financiële crisis, één coëfficiënt, hè, cafés, enquête, geïnteresseerd.",
        "Hamnen öppnade igen efter stormen, sade ministeriet på tisdagen. Färjorna går på nytt från Malmö till Åbo, och även Örebro är på väg.",
        "Havnen åbnede igen efter stormen. Færgerne sejler på ny fra Ærø til Århus, og børnene får også øl på øen.",
        "Havnen åpnet igjen etter stormen. Fergene går på nytt fra Bodø til Ålesund, også på lørdag. Være så snill å høre på været.",
        "Höfnin var opnuð aftur eftir óveðrið, sagði ráðuneytið á þriðjudag. Skipin sigla á ný, það þýðir að ýmsir fá vörur sínar við bryggju í Þorlákshöfn.",
        "Havnin lat upp aftur eftir ódnina, segði ráðið. Skipini sigla á nýggj, tað hevur týdning fyri øll á Suðuroy og Vágar.",
        "Satama avattiin myrskyn jälkeen. Lautat kulkevat jälleen, ministeriö kertoi tänään. Sää on hyvä, ja myös Hämeenlinnaan pääsee.",
        "Sadam avati pärast tormi uuesti, ütles ministeerium. Laevad sõidavad jälle, öösel oli külm, õhk on värske, jõud on väike.",
        "D’Häfen sinn nees op, sot de Ministère. D’Schëffer fuere rëm, dëst Joer gëtt et méi Zich fir Lëtzebuerg an d’Gréng.",
        "El port ha reobert després de la tempesta, també a València. Això és així: la col·lecció és aquí, però cap vaixell surt avui a la nit.",
        "Visitors of Seyðisfjörður: Seyðisfjörður, on Seyðisfjörður’s fjord, has 650 people. Seyðisfjörður is 5 m² × 3 m³, at 20 °C, £5 ½ off, §4 ¶2.",
    ];

    fn document(text: &str, encoding: &'static Encoding, declared: &str) -> Vec<u8> {
        let text = format!("<?xml version=\"1.0\" encoding=\"{declared}\"?><rss><title>{text}</title></rss>");
        let (bytes, _, is_broken) = encoding.encode(&text);
        assert!(!is_broken, "{text} in {}", encoding.name());
        bytes.into_owned()
    }

    #[test]
    fn what_is_not_latin_is_read_as_it_is_meant() {
        for (text, encoding) in ELSEWHERE {
            for declared in ["iso-8859-1", "windows-1252"] {
                let decoded = decode(&document(text, encoding, declared), None);
                let guessed = super::super::guess(&document(text, encoding, declared)).name();
                assert!(
                    decoded.text.contains(text),
                    "{} as {declared}, guessed {guessed}: {decoded:?}",
                    encoding.name()
                );
                assert!(decoded.note.is_some());
            }
            let decoded = decode(&document(text, encoding, encoding.name()), None);
            assert!(decoded.text.contains(text) && decoded.note.is_none(), "{}: {decoded:?}", encoding.name());
            let decoded = decode(&document(text, encoding, encoding.name()), Some("text/xml; charset=ISO-8859-1"));
            assert!(decoded.text.contains(text), "{} in a server's default: {decoded:?}", encoding.name());
        }
        let japanese = "港は嵐の後に再開し、船が再び出航していると省が火曜日に発表した。";
        assert!(decode(&document(japanese, SHIFT_JIS, "iso-8859-1"), None).text.contains(japanese));
    }

    #[test]
    fn what_is_latin_stays() {
        for text in WEST {
            for times in [1, 40] {
                let text = text.repeat(times);
                let decoded = decode(&document(&text, WINDOWS_1252, "iso-8859-1"), None);
                assert!(decoded.text.contains(&text) && decoded.note.is_none(), "{decoded:?}");
            }
        }
        // All of them in one, and one with a sentence of names.
        let decoded = decode(&document(&WEST.join(" "), WINDOWS_1252, "iso-8859-1"), None);
        assert!(decoded.text.contains(WEST[0]) && decoded.note.is_none());
    }

    #[test]
    fn utf8_with_a_wrong_byte_is_no_latin() {
        let text = "L’été à Orléans, où les élèves célèbrent la rentrée après des années";
        let mut bytes = document(text, encoding_rs::UTF_8, "iso-8859-1");
        let at = bytes.len() - 15;
        bytes.insert(at, 0x85);
        let decoded = decode(&bytes, None);
        assert!(decoded.text.contains("L’été à Orléans"), "{decoded:?}");
        assert!(decoded.note.is_some());
    }
}

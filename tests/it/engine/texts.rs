//! Articles made by chance, of few words each, so that queries of the same words hit.

use wirewatch::article::{Article, ArticleFeed, Lang};

use super::{super::language::article, dice::Dice};

/// A language's words and what stands between them.
pub(crate) struct Theme {
    /// As an article states it; the empty one is unknown.
    pub(crate) langs: &'static [&'static str],
    /// As they stand in a text, with what hangs on them.
    pub(crate) words: &'static str,
    /// What queries of this theme look for besides these words, parted by bars.
    pub(crate) terms: &'static str,
    /// Whether words stand side by side without a space.
    pub(crate) is_spaceless: bool,
}

impl Theme {
    pub(crate) fn words(&self) -> Vec<&'static str> {
        self.words.split(' ').collect()
    }

    pub(crate) fn terms(&self) -> Vec<&'static str> {
        self.terms.split(" ¦ ").collect()
    }
}

pub(crate) const THEMES: [Theme; 10] = [
    // Letters alone: where words, not their forms, are in the way of each other.
    Theme {
        langs: &["en", ""],
        words: "a b c d A B a's a-b b. C. x",
        terms: "\"a b\" ¦ \"a a\" ¦ \"b a b\" ¦ a-b ¦ \"a b c\" ¦ /a b/ ¦ /b.? a/ ¦ /[ab]/ ¦ A.B. ¦ ~\"A B\" ¦ =A",
        is_spaceless: false,
    },
    Theme {
        langs: &["en", "en", "", "de"],
        words: "missile Missiles arms deal deals dealing Dealers sell Selling the The of Russia's Russia “deal” \
            (arms) arms-deal Arms–deals don't 2397 No. 3.5 Gen. Milley Yonhap,Defence said.Defence Putinhas \
            Putin Shoigu Shoygu Zelenskyy Zelensky",
        terms: "~\"arms deal\" ¦ \"arms deal\" ¦ @arms ¦ @people ¦ Zelenski~1 ¦ Zelenskiy~2 ¦ No.2397 ¦ \"the ??\"",
        is_spaceless: false,
    },
    // What a word is: initials, designations, marks that vanish, letters that are written in two ways.
    Theme {
        langs: &["en", "fr", ""],
        words: "U.N. UN un ＵＮ U.S. US-led U.S.Army F-16 F16 F 16 f-16s S-400 S400 S‑400 S 400 Su-35S SU35S \
            COVID-19 roc\u{AD}ket rocket roc\u{200B}kets cafe\u{301} Café ﬁne fine №2797 2797 F-16's T-72B3 \
            jets A-1-B e.g.",
        terms: "F-16 ¦ F16 ¦ \"F-16 jets\" ¦ \"F16 jets\" ¦ =F-16 ¦ S-4?? ¦ S-400 ¦ f1* ¦ =UN ¦ U.N. ¦ F-16~1 ¦ \
            @jets",
        is_spaceless: false,
    },
    Theme {
        langs: &["tr", "tr", "en"],
        words: "güç gücü Putin'in Putin’den Putin füze füzeler Füzelerin İstanbul ISTANBUL istanbul'da ısparta Isparta \
            ISPARTA'nın anlaşma anlaşması Anlaşmalar ve Türkiye'nin S-400'ü S-400 2023'te O'Brien Erdoğan \
            Erdogan'ın",
        terms: "\"Putin füze\" ¦ istanbul ¦ =İstanbul ¦ erdog* ¦ Erdoğan~1 ¦ ısparta ¦ \"S-400 füze\"",
        is_spaceless: false,
    },
    Theme {
        langs: &["ru", "ru", "uk", ""],
        words: "новый новой ракета ракеты Ракетами российский Российского ёлка елки Москва Москве МОСКВА С-400 С400 \
            Путин Путина Зеленский Зеленський Зеленського №2797 и в ООН О.О.Н. им. Ленина",
        terms: "С-400 ¦ ~\"российская ракета\" ¦ ракет* ¦ =Москва ¦ Зеленский~2 ¦ /рак\\w+/ ¦ @moscow",
        is_spaceless: false,
    },
    Theme {
        langs: &["fr", "fr", "es", ""],
        words: "réglé réglées élections Election élection d'armes armes vente Ventes L'accord accords Élysée elysee \
            Elyse\u{301}e l’OTAN OTAN œuvre oeuvre «armes» L'un un Ça ca été",
        terms: "d'armes ¦ ~\"vente d'armes\" ¦ \"vente d'armes\" ¦ =Élysée ¦ élys* ¦ œuvre ¦ elec?ion ¦ \
            Elysees~1",
        is_spaceless: false,
    },
    Theme {
        langs: &["zh", "ja", "", "th"],
        words: "制裁 制 裁 决议 安理会 安全理事会 对 朝鲜 的 UN F-16 16 ミサイル ﾐｻｲﾙ 発射 が ขีปนาวุธ ยิง Kim 2397",
        terms: "制裁 ¦ \"安全理事会\" ¦ 制裁* ¦ UN制裁 ¦ \"制裁 决议\" ¦ ミサイル ¦ =制裁 ¦ /制.{0,2}决/ ¦ @sanctions ¦ การ",
        is_spaceless: true,
    },
    Theme {
        langs: &["ko", "ko", ""],
        words: "북한 북한이 북한에서 탈북한 북 북이 러시아 러시아에 무기 무기를 F-16 F-16을 KN-23 미사일 미사일을 김정은 金 나-16 나16",
        terms: "북한 ¦ =북한 ¦ \"북한 러시아\" ¦ 북한* ¦ ~\"북 무기\" ¦ /북\\w*/ ¦ 나-16 ¦ 미사일을~1 ¦ @korea",
        is_spaceless: false,
    },
    Theme {
        langs: &["ar", "ar", "fa", "en"],
        words: "روسيا وروسيا لروسيا بروسيا الصواريخ والصواريخ صواريخ صاروخ مجلس المجلس ولمجلس للمجلس في من و \
            وبالصواريخ كمجلس فالمجلس الأمن ولالمجلس ال",
        terms: "\"مجلس الأمن\" ¦ روسيا ¦ \"صواريخ\" ¦ =مجلس ¦ صواريخ ¦ مجل* ¦ \"مجلس\" ¦ /مجلس/ ¦ @council",
        is_spaceless: false,
    },
    // Letters that change their number when folded, marks that join, signs that stand at words.
    Theme {
        langs: &["de", "el", "hi", "vi", ""],
        words: "Straße STRASSE STRAẞE strasse Αθήνα ΑΘΗΝΑ αθηνας Σίσυφος हिन्दी हिन्दि a😀b 😀 x² 2² Ⅳ iv ½ Acme™ ǅ dž \
            ŉ a\u{301}\u{323} ạ́ đ Đ ﬀ ff é\u{AD}é éé I\u{307} i İ ١٢ 12 \u{FEFF}a\u{2060}",
        terms: "Strasse ¦ =Straße ¦ stra?e ¦ stra??e ¦ αθην* ¦ σισυφοσ ¦ हिन्दी ¦ हिन्* ¦ \"a b\" ¦ x2 ¦ \
            /\\p{L}+/ ¦ Acme ¦ =İ",
        is_spaceless: false,
    },
];

/// A few of a theme's words: neighbours, which are forms of each other, and some others.
pub(crate) fn alphabet(theme: &Theme, dice: &mut Dice) -> Vec<&'static str> {
    let mut words = theme.words();
    let first = dice.below(words.len());
    words.rotate_left(first);
    let neighbours = dice.between(4, 9);
    dice.shuffle(&mut words[neighbours..]);
    words.truncate(neighbours + 3);
    words
}

/// An article of these words, with all that can be asked about one.
pub(crate) fn random_article(theme: &Theme, alphabet: &[&str], dice: &mut Dice) -> Article {
    let length = dice.weighted(&[(3, 5), (6, 12), (4, 24), (1, 75)]);
    let body = text(theme, alphabet, length, dice);
    let title_length = dice.below(6);
    let title = match title_length {
        0 if dice.percent(10) => "!!!".to_owned(),
        _ => text(theme, alphabet, title_length, dice).replace('\n', " "),
    };
    let summary = match dice.below(10) {
        0..4 => None,
        // What stands in the body is not searched twice.
        4 => body.split_inclusive('.').next().map(str::to_owned),
        _ => Some(text(theme, alphabet, 6, dice)),
    };
    let mut article = article(Lang::from_tag(dice.pick(theme.langs)), title, summary, body);
    let several = |from: &[&str], dice: &mut Dice| {
        from.iter().filter(|_| dice.percent(40)).map(|&one| one.to_owned()).collect::<Vec<String>>()
    };
    article.authors = several(&["Jane Doe", "jane  doe", "José Ángel", "AFP"], dice);
    article.categories = several(&["World", "world news", "Économie"], dice);
    article.url = dice.pick(&URLS).map(str::to_owned);
    article.feed = dice.pick(&[None, Some("anadolu"), Some("yonhap")]).map(|id| ArticleFeed {
        id: id.parse().unwrap(),
        url: String::new(),
        title: None,
        tags: several(&["wire", "blog"], dice),
    });
    article
}

const URLS: [Option<&str>; 6] = [
    None,
    Some("https://www.example.org/world/a-1?x=http://example.com/"),
    Some("http://EXAMPLE.org"),
    Some("https://example.organic/world"),
    Some("https://reader:secret@news.example.com/World/1#top"),
    Some("https://example.com/sport/"),
];

fn text(theme: &Theme, alphabet: &[&str], words: usize, dice: &mut Dice) -> String {
    let space = if theme.is_spaceless { "" } else { " " };
    let mut text = String::new();
    for at in 0..words {
        if at > 0 {
            text.push_str(dice.weighted(&[
                (60, space),
                (6, " "),
                (6, ", "),
                (8, ". "),
                (2, "! "),
                (2, ".\n"),
                (3, "\n"),
                (4, ".\n\n"),
                (2, "\n \r\n"),
                (2, "-"),
                (2, " — "),
                (2, ""),
                (1, "\u{200B}"),
                (1, "."),
                (1, "'"),
                (1, "。"),
            ]));
        }
        // One in eight comes of the whole language, so that not every word is in every text.
        let word = if dice.below(8) == 0 { dice.pick(&theme.words()) } else { dice.pick(alphabet) };
        text.push_str(word);
    }
    text
}

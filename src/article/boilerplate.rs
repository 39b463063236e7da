//! What sites add to every entry's text: "Read more", "The post … appeared first on …", rows of share buttons.
//!
//! Only whole lines and whole endings go, and only at a text's end or where nothing but names of networks stands: a story
//! about sharing stays.

/// Endings that invite to the site, folded to small letters, in the languages of the wires that use them.
const INVITATIONS: [&str; 35] = [
    "read more",
    "read more here",
    "read full story",
    "read the full story",
    "read full article",
    "read the full article",
    "read the rest",
    "read on",
    "continue reading",
    "continue reading the main story",
    "keep reading",
    "full story",
    "click here to read more",
    "click to read more",
    "view original",
    "view article",
    "more",
    "devamını oku",
    "haberin devamı",
    "devamı için tıklayın",
    "читать далее",
    "читать полностью",
    "подробнее",
    "читати далі",
    "اقرأ المزيد",
    "المزيد",
    "ادامه مطلب",
    "leer más",
    "seguir leyendo",
    "lire la suite",
    "weiterlesen",
    "leia mais",
    "continua a leggere",
    "leggi tutto",
    "lees verder",
];

/// Words of which rows of share buttons are made.
const SHARING: [&str; 26] = [
    "share",
    "tweet",
    "facebook",
    "twitter",
    "x",
    "whatsapp",
    "telegram",
    "email",
    "e-mail",
    "mail",
    "print",
    "linkedin",
    "pinterest",
    "reddit",
    "tumblr",
    "copy",
    "link",
    "copied",
    "pocket",
    "messenger",
    "viber",
    "vkontakte",
    "flipboard",
    "paylaş",
    "поделиться",
    "partager",
];
/// Little words between them.
const BETWEEN: [&str; 12] = ["on", "this", "via", "to", "the", "article", "story", "post", "and", "or", "by", "with"];
/// A row of share buttons is no longer.
const ROW_WORDS_MAX: usize = 24;

/// No site adds more lines than this; each look may cost the text.
const CUTS_MAX: usize = 12;
/// No site's name has more words.
const SITE_WORDS_MAX: usize = 8;
/// A credit is no longer.
const CREDIT_BYTES_MAX: usize = 400;

/// The text without what the site added.
pub fn cut(mut text: String) -> String {
    // What is added stands in the last lines; most texts have nothing of it, and lose nothing to the look.
    for _ in 0..CUTS_MAX {
        match shorter(&text) {
            Some(end) => text.truncate(end),
            None => break,
        }
        if text.is_empty() {
            break;
        }
    }
    text
}

/// Where the text ends without its last line, or without its last line's ending, if that is added.
fn shorter(text: &str) -> Option<usize> {
    let line_start = text.rfind('\n').map_or(0, |at| at + 1);
    let line = &text[line_start..];
    let before = text[..line_start].trim_end().len();
    // A text that is nothing else is better than none.
    if before > 0 && (is_invitation(line) || is_sharing(line) || is_credit(line)) {
        return Some(before);
    }
    ending(line).map(|kept| line_start + kept)
}

/// How long a line is without an invitation behind its last sentence.
fn ending(line: &str) -> Option<usize> {
    let trimmed = line.trim_end_matches(is_mark);
    INVITATIONS.iter().filter(|invitation| invitation.contains(' ') || !invitation.is_ascii()).find_map(|invitation| {
        let words = invitation.split(' ').count();
        let start = start_of_last_words(trimmed, words)?;
        let head = trimmed[..start].trim_end();
        // Behind a sentence's end, or a mark that something is cut: else it is part of what is said.
        let is_behind_end = head.ends_with(['.', '!', '?', '…', ']', '»', '”', '"', '。', '؟']);
        (is_behind_end && trimmed[start..].to_lowercase() == *invitation).then_some(head.len())
    })
}

fn start_of_last_words(text: &str, words: usize) -> Option<usize> {
    let mut start = text.len();
    for _ in 0..words {
        start = text[..start].trim_end().rfind(char::is_whitespace)? + 1;
        // A space may be longer than a byte.
        while !text.is_char_boundary(start) {
            start += 1;
        }
    }
    Some(start)
}

fn is_mark(c: char) -> bool {
    c.is_whitespace() || matches!(c, '.' | '…' | '»' | '›' | '→' | '>' | '[' | ']' | '(' | ')' | ':' | '|' | '-')
}

fn is_invitation(line: &str) -> bool {
    if line.len() > 80 {
        return false;
    }
    let bare = line.trim_matches(is_mark).to_lowercase();
    INVITATIONS.contains(&bare.as_str())
        // "Continue reading “The talks go on”"
        || (bare.starts_with("continue reading ") && line.ends_with(['”', '"', '→', '…']))
}

/// `The post … appeared first on …`, as WordPress puts under everything.
fn is_credit(line: &str) -> bool {
    if line.len() > CREDIT_BYTES_MAX {
        return false;
    }
    let is_post = ["The post ", "The article ", "Der Beitrag ", "La entrada ", "L’article ", "L'article ", "Post "]
        .iter()
        .any(|head| line.starts_with(head));
    let is_first_on = [
        "appeared first on",
        "first appeared on",
        "erschien zuerst auf",
        "se publicó primero en",
        "est apparu en premier sur",
    ]
    .iter()
    .find_map(|phrase| line.split_once(phrase));
    // Behind it stands the site's name and no more; what goes on in small letters is news.
    let is_site = |name: &str| {
        let name = name.trim();
        !name.is_empty() && !name.starts_with(char::is_lowercase) && name.split_whitespace().count() <= SITE_WORDS_MAX
    };
    is_post && is_first_on.is_some_and(|(_, name)| is_site(name))
}

fn is_sharing(line: &str) -> bool {
    let mut shares = 0;
    let mut words = 0;
    for word in line.split(|c: char| c.is_whitespace() || matches!(c, '|' | '·' | '•' | ',' | '/')) {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        if word.is_empty() {
            continue;
        }
        words += 1;
        if words > ROW_WORDS_MAX {
            return false;
        }
        if SHARING.contains(&word.as_str()) {
            shares += 1;
        } else if !BETWEEN.contains(&word.as_str()) {
            return false;
        }
    }
    // One word alone may be a heading of its own.
    shares > 1 || (shares == 1 && words > 1)
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(cut(text.to_owned()), expected, "{text:?}");
    }

    #[test]
    fn what_sites_add_is_cut() {
        check("The port reopened. Read more", "The port reopened.");
        check("The port reopened […] Continue reading →", "The port reopened […]");
        check("The port reopened.\n\nRead more »", "The port reopened.");
        check("Liman açıldı.\n\nDevamını oku...", "Liman açıldı.");
        check("Порт открыт. Читать далее", "Порт открыт.");
        check("It opened.\n\nThe post Port opens appeared first on Example Daily.", "It opened.");
        check("It opened.\n\nShare this:\nFacebook | Twitter\n\nEmail this article", "It opened.");
    }

    #[test]
    fn what_is_said_stays() {
        for text in [
            "He wants to read more",
            "Read more",
            "The post was first on his list.",
            "They share the view of the article.",
            "Share",
            "Officials denied it.\n\nThe post of envoy appeared first on the sanctions list, naming North Korea.",
            "Two firms: Facebook and Twitter shares fell.",
            "",
        ] {
            check(text, text);
        }
    }
}

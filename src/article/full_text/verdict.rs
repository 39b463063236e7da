//! What a page turned out to be. An article of some length is one, whatever else stands on the page; the rest is told by
//! what robots are told, what is asked about cookies and what is said to those who have not paid.

use dom_query::Document;

use super::about::About;

/// What was found on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// An article.
    Text,
    /// The beginning of one that is for subscribers.
    PaywallStub,
    /// A question about cookies or consent, and no article behind it.
    Consent,
    /// A check for robots.
    Challenge,
    /// No article.
    NothingReadable,
}

/// From so many words on, a page with an article is no check for robots and no question about cookies, though it may
/// speak of both.
const ARTICLE_WORDS: usize = 120;
/// A text that is sold, or that ends in an offer, is a stub up to so many words.
const STUB_WORDS_MAX: usize = 250;
/// Of a text's letters, so many parts in a hundred may stand in links; more is a list of other articles.
const LINKS_PERCENT_MAX: usize = 60;
/// What is looked through for scripts of gates, in bytes: a page that is one is short.
const GATE_BYTES_MAX: usize = 20_000;
/// What is looked through for the words of walls, in bytes.
const OUTLINE_BYTES_MAX: usize = 200_000;

/// A page's own words and marks, in small letters, taken before the article is cut out.
#[derive(Debug, Default)]
pub(super) struct Outline {
    title: String,
    text: String,
    /// Classes, ids, and where forms go.
    marks: String,
    /// Whether a script of a keeper of gates is all that the page is about.
    has_gate: bool,
}

/// What the verdict is made from.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub about: &'a About,
    pub outline: &'a Outline,
    pub text: &'a str,
    pub words: usize,
    pub words_min: usize,
    /// Of the text's letters, in a hundred.
    pub links: usize,
}

/// What the page is.
pub(super) fn verdict(seen: &Seen<'_>) -> Verdict {
    let Seen { about, outline, text, words, words_min, links } = *seen;
    let is_doubtful = words < ARTICLE_WORDS && !about.is_article;
    if is_doubtful && outline.is_challenge() {
        return Verdict::Challenge;
    }
    if is_doubtful && outline.is_consent() {
        return Verdict::Consent;
    }
    // A list of links says a little of everything.
    let is_list = links > LINKS_PERCENT_MAX && !about.is_article;
    if words < words_min || is_list || (is_doubtful && outline.needs_scripts()) {
        return Verdict::NothingReadable;
    }
    let is_short = words <= STUB_WORDS_MAX;
    let is_cut = about.words.is_some_and(|all| words.saturating_mul(2) < all);
    // A paper's every page may say somewhere that it has subscribers.
    let is_offer = is_short && ends_in_offer(text) || words < ARTICLE_WORDS && outline.has_wall();
    if about.is_sold && (is_short || is_cut) || is_offer {
        return Verdict::PaywallStub;
    }
    Verdict::Text
}

impl Outline {
    /// Of a page as it came, and of its tree, which has no scripts any more.
    pub(super) fn of(html: &str, page: &Document) -> Self {
        const GATES: [&str; 4] = ["captcha-delivery.com", "_incapsula_resource", "awswafintegration", "_cf_chl_opt"];
        let head = html[..html.floor_char_boundary(GATE_BYTES_MAX)].to_ascii_lowercase();
        let title = page.select_single("title").text().to_lowercase();
        let mut outline = Self { title, has_gate: has_any(&head, &GATES), ..Self::default() };
        if let Some(body) = page.body() {
            for node in body.descendants_it() {
                if outline.text.len() + outline.marks.len() > OUTLINE_BYTES_MAX {
                    break;
                }
                if node.is_text() {
                    outline.text.push_str(&node.text().to_lowercase());
                    outline.text.push(' ');
                    continue;
                }
                for name in ["id", "class", "action"] {
                    if let Some(value) = node.attr(name) {
                        outline.marks.push_str(&value.to_lowercase());
                        outline.marks.push(' ');
                    }
                }
            }
        }
        outline.text = outline.text.split_whitespace().collect::<Vec<_>>().join(" ");
        outline
    }

    fn is_challenge(&self) -> bool {
        const TITLES: [&str; 10] = [
            "just a moment",
            "attention required!",
            "access denied",
            "checking your browser",
            "security check",
            "are you a robot",
            "robot check",
            "pardon our interruption",
            "one more step",
            "ddos-guard",
        ];
        const MARKS: [&str; 7] = [
            "cf-challenge",
            "cf-browser-verification",
            "challenge-form",
            "px-captcha",
            "g-recaptcha",
            "h-captcha",
            "cf-turnstile",
        ];
        const WORDS: [&str; 9] = [
            "verify you are human",
            "verifying you are human",
            "checking if the site connection is secure",
            "checking your browser before",
            "you are not a robot",
            "you're not a robot",
            "unusual traffic from your",
            "enable javascript and cookies to continue",
            "request unsuccessful. incapsula",
        ];
        self.has_gate || has_any(&self.title, &TITLES) || has_any(&self.marks, &MARKS) || has_any(&self.text, &WORDS)
    }

    fn is_consent(&self) -> bool {
        const ASKS: [&str; 18] = [
            "before you continue",
            "we value your privacy",
            "we and our partners",
            "we use cookies",
            "accept all cookies",
            "cookie settings",
            "manage your consent",
            "wir verwenden cookies",
            "cookies zustimmen",
            "mit werbung weiterlesen",
            "nous utilisons des cookies",
            "accepter et continuer",
            "utilizamos cookies",
            "utilizziamo i cookie",
            "wij gebruiken cookies",
            "używamy plików cookie",
            "çerez",
            "файлы cookie",
        ];
        has_any(&self.text, &ASKS)
    }

    fn needs_scripts(&self) -> bool {
        const ASKS: [&str; 5] = [
            "enable javascript",
            "javascript is disabled",
            "requires javascript",
            "javascript aktivieren",
            "activer javascript",
        ];
        has_any(&self.text, &ASKS)
    }

    /// Whether the page says to those who have not paid that there is more.
    fn has_wall(&self) -> bool {
        const MARKS: [&str; 4] = ["paywall", "regwall", "piano-offer", "tp-modal"];
        has_any(&self.text, &OFFERS) || has_any(&self.marks, &MARKS)
    }
}

/// What is said at the end of a text that goes on for subscribers, in the languages of the wires.
const OFFERS: [&str; 37] = [
    "subscribe to continue",
    "subscribe to read",
    "subscribe to keep reading",
    "to continue reading",
    "to keep reading",
    "continue reading with a subscription",
    "already a subscriber",
    "already subscribed?",
    "this article is for subscribers",
    "for subscribers only",
    "subscribers only",
    "exclusive to subscribers",
    "register to continue",
    "create a free account to read",
    "unlock this article",
    "you have reached your limit of free articles",
    "jetzt abonnieren",
    "weiterlesen mit",
    "lesen sie weiter mit",
    "nur für abonnenten",
    "réservé aux abonnés",
    "la suite est réservée",
    "il vous reste",
    "déjà abonné",
    "solo para suscriptores",
    "exclusivo para suscriptores",
    "suscríbete para seguir leyendo",
    "riservato agli abbonati",
    "contenuto riservato",
    "exclusivo para assinantes",
    "alleen voor abonnees",
    "abone olun",
    "только для подписчиков",
    "оформите подписку",
    "للمشتركين فقط",
    "有料会員限定",
    "订阅后继续阅读",
];

/// Whether the last words of a text are an offer.
fn ends_in_offer(text: &str) -> bool {
    /// An offer is a sentence or two.
    const TAIL_BYTES: usize = 400;
    let tail = &text[text.floor_char_boundary(text.len().saturating_sub(TAIL_BYTES))..];
    has_any(&tail.to_lowercase(), &OFFERS)
}

/// A stub without the offer at its end.
pub(super) fn without_offer(text: &str) -> &str {
    /// An offer is a line or two, each of some words.
    const OFFER_BYTES_MAX: usize = 400;
    let mut kept = text;
    while let Some((before, last)) = kept.rsplit_once("\n\n") {
        if last.len() > OFFER_BYTES_MAX || !has_any(&last.to_lowercase(), &OFFERS) {
            break;
        }
        kept = before;
    }
    kept
}

fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// How much of an HTML text's letters stands in links, in a hundred.
pub(super) fn share_of_links(html: &str) -> usize {
    let (mut all, mut linked, mut in_link) = (0usize, 0usize, false);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let letters = rest[..at].chars().filter(|c| c.is_alphanumeric()).count();
        all += letters;
        linked += if in_link { letters } else { 0 };
        let tag = &rest[at..];
        if tag.starts_with("<a ") || tag.starts_with("<a>") {
            in_link = true;
        } else if tag.starts_with("</a>") {
            in_link = false;
        }
        let Some(end) = tag.find('>') else { break };
        rest = &tag[end + 1..];
    }
    (linked * 100).checked_div(all).unwrap_or_default()
}

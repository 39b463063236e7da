//! An alert as a person reads it: the fact first, and the same for an article in any language.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{
    body::{AlertBody, ArmsDealRef, LeaderRef, ResolutionRef},
    shorten::shorten,
};

/// So much of a feed's name says which it is.
const FEED_CHARS_MAX: usize = 80;
/// A longer title is cut: some feeds put the whole article there.
pub const TITLE_CHARS_MAX: usize = 300;

/// How many names a line lists before it says how many more there are.
const NAMES_MAX: usize = 6;
/// An article younger than this is shown with the minutes since.
const AGE_SHOWN_FROM_MINUTES: i64 = 1;

/// What the text needs beside the alert.
#[derive(Debug, Clone, Copy)]
pub struct TextStyle<'a> {
    /// For the age of the article.
    pub now: DateTime<Utc>,
    /// For its time.
    pub timezone: Tz,
    /// Whether ANSI colours may be used.
    pub color: bool,
    /// English name of a country, group or body by its id.
    pub party_name: fn(&str) -> Option<&'a str>,
}

/// What an alert says, part by part: every sink for people says this, each in its own markup. All of it is feed text
/// that went through [`safe`], or our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertText {
    /// The loudest of its watches: `critical`, `warning` or `info`.
    pub severity: &'static str,
    /// What happened, or which watch fired.
    pub fact: String,
    /// Of the article, as its feed wrote it; never empty, at most [`TITLE_CHARS_MAX`].
    pub title: String,
    /// Its language, where that is not English.
    pub lang: Option<String>,
    /// What was hit, in its sentence; none where that only says the title again.
    pub excerpt: Option<Excerpt>,
    /// What else stands in the article.
    pub facts: Vec<String>,
    /// Where it comes from, when, how long, how sure.
    pub origin: String,
    /// The watches that fired.
    pub why: String,
    /// Where to read it.
    pub url: Option<String>,
}

/// A piece of an article around what was hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// In front of what was hit; all of it where nothing is set off.
    pub before: String,
    /// What was hit; may be empty.
    pub hit: String,
    /// Behind it.
    pub after: String,
}

impl Excerpt {
    /// What stands around it: nothing where its sentence opens with marks of its own.
    pub fn quotes(&self) -> (&'static str, &'static str) {
        let first = self.before.chars().chain(self.hit.chars()).next();
        match first {
            Some('“' | '„' | '"' | '«' | '‘' | '「' | '『') => ("", ""),
            _ => ("“", "”"),
        }
    }
}

impl AlertText {
    /// What `alerts` say, which are all about one article; nothing where there are none.
    pub fn new(alerts: &[AlertBody], style: &TextStyle) -> Option<Self> {
        let first = alerts.first()?;
        let about = About::of(alerts);
        let mut facts = Vec::new();
        if about != About::Resolution && !first.resolutions.is_empty() {
            facts.push(format!("UNSC: {}", list(first.resolutions.iter().map(resolution_words))));
        }
        if about != About::Leader && !first.leaders.is_empty() {
            facts.push(format!("Named: {}", named(&first.leaders)));
        }
        let severity = ["critical", "warning"].into_iter().find(|s| alerts.iter().any(|a| a.watch.severity == *s));
        Some(Self {
            severity: severity.unwrap_or("info"),
            fact: fact(&about, first, style),
            title: title(first),
            lang: first.article.lang.as_deref().filter(|lang| *lang != "en").map(safe),
            excerpt: excerpt(alerts, &about),
            facts,
            origin: origin(first, style),
            why: format!("Why: {}", list(alerts.iter().map(|a| safe(&a.watch.id)))),
            url: first.article.url.as_deref().map(safe),
        })
    }
}

/// One article's alerts as a block of lines, ending in a line break. All of `alerts` are about the same article; an
/// empty slice gives an empty text.
pub fn render(alerts: &[AlertBody], style: &TextStyle) -> String {
    let Some(text) = AlertText::new(alerts, style) else { return String::new() };
    let severity = text.severity.to_uppercase();
    let headline = if style.color {
        let code = match text.severity {
            "critical" => "1;31",
            "warning" => "1;33",
            _ => "1;36",
        };
        format!("\x1b[{code}m{severity}\x1b[0m  \x1b[1m{}\x1b[0m", text.fact)
    } else {
        format!("{severity}  {}", text.fact)
    };
    let title = text.lang.map_or(text.title.clone(), |lang| format!("{} [{lang}]", text.title));
    let mut lines = vec![headline, title];
    if let Some(excerpt) = text.excerpt {
        let (open, close) = excerpt.quotes();
        let Excerpt { before, hit, after } = excerpt;
        let (on, off) = match (hit.is_empty(), style.color) {
            (true, _) => ("", ""),
            (false, true) => ("\x1b[1m", "\x1b[0m"),
            (false, false) => ("*", "*"),
        };
        lines.push(format!("{open}{before}{on}{hit}{off}{after}{close}"));
    }
    if !text.facts.is_empty() {
        lines.push(text.facts.join(" · "));
    }
    lines.extend([text.origin, text.why]);
    lines.extend(text.url);
    lines.join("\n") + "\n"
}

/// Which kind of fact the headline states: what the watches that fired asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Deal,
    Resolution,
    Leader,
    Words,
}

impl About {
    fn of(alerts: &[AlertBody]) -> Self {
        let asks = |names: &[&str]| {
            alerts.iter().flat_map(|a| &a.matches).any(|m| names.iter().any(|name| m.term.starts_with(name)))
        };
        let first = &alerts[0];
        if !first.arms_deals.is_empty() && asks(&["topic:arms-deal", "supplier:", "recipient:", "status:", "item:"]) {
            Self::Deal
        } else if !first.resolutions.is_empty() && asks(&["topic:unsc-resolution", "resolution:"]) {
            Self::Resolution
        } else if !first.leaders.is_empty() && asks(&["leader:"]) {
            Self::Leader
        } else {
            Self::Words
        }
    }
}

fn fact(about: &About, alert: &AlertBody, style: &TextStyle) -> String {
    match about {
        About::Deal => {
            let deals: Vec<String> = alert.arms_deals.iter().take(2).map(|d| deal_words(d, style)).collect();
            deals.join("; ")
        }
        About::Resolution => format!("Security Council: {}", list(alert.resolutions.iter().map(resolution_words))),
        About::Leader => format!("Named: {}", named(&alert.leaders)),
        About::Words => safe(&alert.watch.name),
    }
}

fn deal_words(deal: &ArmsDealRef, style: &TextStyle) -> String {
    let names = |ids: &[String]| match ids {
        [] => "?".to_owned(),
        ids => list(ids.iter().map(|id| (style.party_name)(id).map_or_else(|| safe(id), str::to_owned))),
    };
    let items = match deal.items.as_slice() {
        [] => "arms".to_owned(),
        items => list(items.iter().map(|i| safe(i))),
    };
    let mut words = format!(
        "{} → {}: {items}, {}",
        names(&deal.supplier),
        names(&deal.recipient),
        safe(&deal.status).to_uppercase()
    );
    match (deal.attributed_to.is_empty(), deal.denied_by.is_empty()) {
        (true, true) => {}
        (false, true) => words.push_str(&format!(" ({})", names(&deal.attributed_to))),
        // Who says it must not read as who denies it.
        (true, false) if deal.status == "denied" => words.push_str(&format!(" by {}", names(&deal.denied_by))),
        (true, false) => words.push_str(&format!(", denied by {}", names(&deal.denied_by))),
        (false, false) if deal.status == "denied" => {
            words.push_str(&format!(" by {}, said by {}", names(&deal.denied_by), names(&deal.attributed_to)))
        }
        (false, false) => {
            words.push_str(&format!(" ({}), denied by {}", names(&deal.attributed_to), names(&deal.denied_by)))
        }
    }
    words
}

fn resolution_words(resolution: &ResolutionRef) -> String {
    let name = match (resolution.number, resolution.year) {
        (Some(number), Some(year)) => format!("{number} ({year})"),
        (Some(number), None) => number.to_string(),
        (None, Some(year)) => format!("a resolution of {year}"),
        (None, None) => "a resolution, no number".to_owned(),
    };
    let said = match resolution.status.as_str() {
        "draft" => "drafted",
        "called-for" => "called for",
        "violated" => "violated or said to be",
        other => other,
    };
    format!("{name}: {}", safe(said))
}

fn named(leaders: &[LeaderRef]) -> String {
    list(leaders.iter().map(|l| safe(&l.name)))
}

/// `a, b, c`, cut after [`NAMES_MAX`].
fn list(words: impl ExactSizeIterator<Item = String>) -> String {
    let more = words.len().saturating_sub(NAMES_MAX);
    let mut text = words.take(NAMES_MAX).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

fn title(alert: &AlertBody) -> String {
    match safe(&alert.article.title).trim() {
        "" => "(no title)".to_owned(),
        title => shorten(title, TITLE_CHARS_MAX, |character| character.chars().count()).into_owned(),
    }
}

/// The excerpt of the watch that the headline is about, what it hit set off from the rest. Left out where it only
/// says the title again.
fn excerpt(alerts: &[AlertBody], about: &About) -> Option<Excerpt> {
    let wanted = match about {
        About::Deal => &["topic:arms-deal", "supplier:", "recipient:", "status:", "item:"][..],
        About::Resolution => &["topic:unsc-resolution", "resolution:"],
        About::Leader => &["leader:"],
        About::Words => &[],
    };
    let alert = alerts
        .iter()
        .find(|a| a.matches.iter().any(|m| wanted.iter().any(|w| m.term.starts_with(w))))
        .unwrap_or(&alerts[0]);
    let text = safe(&alert.excerpt);
    let bare = text.trim_matches('…').trim();
    if bare.is_empty() || safe(&alert.article.title).contains(bare) {
        return None;
    }
    // "arms deals" rather than the "arms deal" of another place that stands in it.
    let shown = alert.matches.iter().map(|m| safe(&m.text)).filter(|hit| text.contains(hit.as_str()));
    let hit = shown.filter(|hit| !hit.is_empty()).rev().max_by_key(|hit| hit.chars().count());
    // A whole sentence set off is no emphasis.
    let split = hit.as_ref().filter(|hit| hit.len() * 2 < text.len()).and_then(|hit| text.split_once(hit.as_str()));
    Some(match (split, &hit) {
        (Some((before, after)), Some(hit)) => {
            Excerpt { before: before.to_owned(), hit: hit.clone(), after: after.to_owned() }
        }
        _ => Excerpt { before: text, hit: String::new(), after: String::new() },
    })
}

fn origin(alert: &AlertBody, style: &TextStyle) -> String {
    let mut parts = Vec::new();
    if let Some(feed) = &alert.article.feed {
        let name = safe(feed.title.as_deref().unwrap_or(&feed.id));
        parts.push(shorten(&name, FEED_CHARS_MAX, |character| character.chars().count()).into_owned());
    }
    let published = alert.article.published.as_deref().and_then(|t| DateTime::parse_from_rfc3339(t).ok());
    if let Some(published) = published {
        let published = published.with_timezone(&Utc);
        let local = published.with_timezone(&style.timezone).format("%-d %b %Y %H:%M");
        parts.push(match age(style.now - published) {
            Some(age) => format!("{local} ({age} ago)"),
            None => local.to_string(),
        });
    }
    parts.push(match alert.article.words {
        1 => "1 word".to_owned(),
        words => format!("{words} words"),
    });
    parts.push(format!("confidence {:.2}", alert.confidence));
    parts.join(" · ")
}

/// `4 min`, `3 h`, `12 days`; nothing for what is newer than a minute or lies ahead.
fn age(age: chrono::Duration) -> Option<String> {
    match age.num_minutes() {
        minutes if minutes < AGE_SHOWN_FROM_MINUTES => None,
        minutes @ ..60 => Some(format!("{minutes} min")),
        minutes if minutes < 48 * 60 => Some(format!("{} h", minutes / 60)),
        minutes => Some(format!("{} days", minutes / (24 * 60))),
    }
}

/// Feed text that may go to a terminal: one line, no control characters, nothing that turns the writing direction.
pub fn safe(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}' => None,
            c if c.is_control() => None,
            c => Some(c),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;
    use crate::alert::body::{ArticleRef, FeedRef, MatchRef, WatchRef};

    fn alert() -> AlertBody {
        AlertBody {
            id: "alr_x".into(),
            watch: WatchRef { id: "dprk".into(), name: "North Korean arms".into(), severity: "critical".into() },
            article: ArticleRef {
                id: "1".into(),
                url: Some("https://example.org/1".into()),
                title: "Envoy\u{202e} speaks\u{1b}[31m".into(),
                published: Some("2026-01-01T10:00:00Z".into()),
                fetched: None,
                lang: Some("tr".into()),
                authors: vec![],
                summary: None,
                text_source: "feed-full".into(),
                words: 40,
                feed: Some(FeedRef { id: "wire".into(), url: "https://example.org/".into(), title: None }),
            },
            matches: vec![MatchRef {
                field: "body".into(),
                start: 0,
                end: 5,
                text: "shells".into(),
                term: "topic:arms-deal".into(),
            }],
            excerpt: "…would send shells to its neighbour within days…".into(),
            topics: vec!["arms-deal".into()],
            leaders: vec![],
            countries: vec![],
            arms_deals: vec![ArmsDealRef {
                supplier: vec!["KP".into()],
                recipient: vec![],
                items: vec!["shells".into()],
                status: "warned".into(),
                attributed_to: vec!["US".into()],
                denied_by: vec![],
                evidence: String::new(),
            }],
            resolutions: vec![],
            story: None,
            confidence: 0.9,
            packs: BTreeMap::new(),
            engine: "0".into(),
        }
    }

    fn style(color: bool) -> TextStyle<'static> {
        TextStyle {
            now: "2026-01-01T13:30:00Z".parse().unwrap(),
            timezone: Tz::UTC,
            color,
            party_name: |id| (id == "KP").then_some("North Korea"),
        }
    }

    #[test]
    fn fact_stands_first_and_nothing_reaches_the_terminal_raw() {
        assert_eq!(
            render(&[alert()], &style(false)),
            "CRITICAL  North Korea → ?: shells, WARNED (US)\n\
             Envoy speaks[31m [tr]\n\
             “…would send *shells* to its neighbour within days…”\n\
             wire · 1 Jan 2026 10:00 (3 h ago) · 40 words · confidence 0.90\n\
             Why: dprk\n\
             https://example.org/1\n"
        );
    }

    #[test]
    fn color_is_only_used_when_asked_for() {
        assert!(render(&[alert()], &style(true)).contains("\x1b[1;31mCRITICAL"));
    }
}

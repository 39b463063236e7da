//! Values behind `lang:`, `topic:` and the like, read into questions.

use super::{
    age::AgeTest,
    checked::{ANY, LeaderTest, Question, ResolutionTest},
    suggest,
    tree::{AboutField, Value},
};
use crate::{
    article::{Lang, fold, segment},
    watch::found::{DealStatus, ResolutionStatus},
};

/// What came of reading.
pub enum Answer {
    /// It can be asked.
    Question(Question),
    /// It cannot, and why.
    Wrong {
        /// What is wrong.
        message: String,
        /// The way out.
        help: Option<String>,
    },
}

type Read<T> = Result<T, (String, Option<String>)>;

/// Reads a field's values.
pub fn read(field: AboutField, values: &[Value]) -> Answer {
    match read_field(field, values) {
        Ok(question) => Answer::Question(question),
        Err((message, help)) => Answer::Wrong { message, help },
    }
}

fn read_field(field: AboutField, values: &[Value]) -> Read<Question> {
    let texts = || values.iter().map(|value| value.text.clone()).collect::<Vec<_>>();
    let folded = || values.iter().map(|value| fold_line(&value.text)).collect::<Vec<_>>();
    Ok(match field {
        AboutField::Lang => Question::Lang(each(values, language)?),
        AboutField::Feed => Question::Feed(texts()),
        AboutField::Tag => Question::Tag(texts()),
        AboutField::Author => Question::Author(folded()),
        AboutField::Category => Question::Category(folded()),
        AboutField::Url => Question::Url(each(values, |value| Ok(url_start(&value.text)))?),
        AboutField::Published => Question::Published(each(values, |value| AgeTest::read(&value.text))?),
        AboutField::Topic => Question::Topic(texts()),
        AboutField::Supplier => Question::Supplier(texts()),
        AboutField::Recipient => Question::Recipient(texts()),
        AboutField::Status => Question::Status(each(values, |value| one_of("status", value, &DEAL_STATUSES))?),
        AboutField::Item => Question::Item(each(values, |value| words_of("item", &value.text))?),
        AboutField::Resolution => Question::Resolution(each(values, resolution)?),
        AboutField::Leader => Question::Leader(each(values, leader)?),
        AboutField::Country => Question::Country(texts()),
        AboutField::Watch => Question::Watch(texts()),
        AboutField::Severity => {
            let help = "a watch's own severity is its `severity =` in the config";
            let message = "`severity:` stands in routes only, which come with a later version";
            return Err((message.to_owned(), Some(help.to_owned())));
        }
    })
}

fn each<T>(values: &[Value], read: impl Fn(&Value) -> Read<T>) -> Read<Vec<T>> {
    values.iter().map(read).collect()
}

fn language(value: &Value) -> Read<Lang> {
    Lang::from_tag(&value.text).ok_or_else(|| {
        let message = format!("`{}` is no language tag", value.text);
        (message, Some("two letters: `lang:en`, `lang:tr`, `lang:zh`".to_owned()))
    })
}

const DEAL_STATUSES: [(&str, DealStatus); 9] = [
    ("proposed", DealStatus::Proposed),
    ("negotiating", DealStatus::Negotiating),
    ("warned", DealStatus::Warned),
    ("agreed", DealStatus::Agreed),
    ("approved", DealStatus::Approved),
    ("delivered", DealStatus::Delivered),
    ("denied", DealStatus::Denied),
    ("blocked", DealStatus::Blocked),
    ("alleged", DealStatus::Alleged),
];

const RESOLUTION_STATUSES: [(&str, ResolutionStatus); 6] = [
    ("draft", ResolutionStatus::Draft),
    ("adopted", ResolutionStatus::Adopted),
    ("vetoed", ResolutionStatus::Vetoed),
    ("called-for", ResolutionStatus::CalledFor),
    ("violated", ResolutionStatus::Violated),
    ("cited", ResolutionStatus::Cited),
];

fn one_of<T: Copy>(what: &str, value: &Value, all: &[(&'static str, T)]) -> Read<T> {
    named(what, &value.text, all)
}

fn named<T: Copy>(what: &str, text: &str, all: &[(&'static str, T)]) -> Read<T> {
    if let Some(&(_, found)) = all.iter().find(|(name, _)| *name == text) {
        return Ok(found);
    }
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let help = match suggest::nearest(text, names.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("one of {}", names.join(", ")),
    };
    Err((format!("there is no {what} `{text}`"), Some(help)))
}

fn resolution(value: &Value) -> Read<ResolutionTest> {
    if value.text == ANY {
        return Ok(ResolutionTest::Any);
    }
    if let Some(status) = value.text.strip_prefix("status=") {
        return named("resolution status", status, &RESOLUTION_STATUSES).map(ResolutionTest::Status);
    }
    let help = "write `resolution:2397`, `resolution:any` or `resolution:status=adopted`";
    match value.text.parse() {
        Ok(number) if number > 0 => Ok(ResolutionTest::Number(number)),
        _ => Err((format!("`{}` is no number of a resolution", value.text), Some(help.to_owned()))),
    }
}

fn leader(value: &Value) -> Read<LeaderTest> {
    let text = value.text.as_str();
    if value.quoted {
        return words_of("leader", text).map(LeaderTest::Name);
    }
    if text == ANY {
        return Ok(LeaderTest::Any);
    }
    if let Some(country) = text.strip_prefix("country=") {
        return Ok(LeaderTest::Country(country.to_owned()));
    }
    if let Some(number) = text.strip_prefix('Q')
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
    {
        return Ok(LeaderTest::Id(text.to_owned()));
    }
    if let Some((key, _)) = text.split_once('=') {
        let help = "write `leader:country=RU`, `leader:\"Vladimir Putin\"`, `leader:Q7747` or `leader:any`";
        return Err((format!("`leader:` knows no `{key}=`"), Some(help.to_owned())));
    }
    words_of("leader", text).map(LeaderTest::Name)
}

fn words_of(what: &str, text: &str) -> Read<String> {
    let words = folded_words(text);
    if words.is_empty() { Err((format!("there is no word in this {what}"), None)) } else { Ok(words) }
}

/// A text's words, folded, a space between: how names compare.
pub fn folded_words(text: &str) -> String {
    let field = segment::analyse_field(None, text);
    let words = field.words.iter().filter(|word| word.kind != segment::WordKind::Designation);
    words.map(|word| &*word.folded).collect::<Vec<_>>().join(" ")
}

/// A whole value, folded, its space evened: how authors and categories compare.
pub fn fold_line(text: &str) -> String {
    fold::fold(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Host and path as `url:` compares them: without scheme, user and `www.`, the host in lower case. A host alone ends in
/// `/`, so that `url:example.org` is not the beginning of `example.organic`.
pub fn url_start(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or(host).to_ascii_lowercase();
    let path = if path.is_empty() && !host.ends_with('*') { "/" } else { path };
    format!("{}{path}", host.strip_prefix("www.").unwrap_or(&host))
}

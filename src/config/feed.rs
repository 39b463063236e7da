//! Reads `[[feed]]`: what was written, a name for those that have none, and one feed for each file of a glob.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{
    daemon::{self, INTERVAL_MAX, INTERVAL_MIN, LINE_CHARS_MAX, WrittenWaits},
    glob,
    id::{FeedId, ID_CHARS_MAX},
    problem::Problem,
    raw::{Table, Value},
    reader::Reader,
    settings::{FeedOrigin, FeedSelector, FeedSettings, FeedSource, Proxy, Secret},
    value::format_duration,
};

/// Tags of one feed: labels for people, more are a mistake of a generator.
pub(super) const TAGS_MAX: usize = 64;

/// Words of a command.
const ARGUMENTS_MAX: usize = 100;

/// Headers that one feed may send; servers refuse a hundred.
const HEADERS_MAX: usize = 32;

/// Headers that the request sets itself: another value would break it, or get past a rule.
const OWN_HEADERS: [&str; 8] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "te",
    "upgrade",
    "if-none-match",
    "if-modified-since",
];

/// Bounds of `expect`: a feed that is silent for minutes is none, and what is said after years is of no use.
const EXPECT_MIN: Duration = Duration::from_secs(1);
const EXPECT_MAX: Duration = Duration::from_secs(2 * 365 * 24 * 60 * 60);

/// A `[[feed]]` as far as it could be read.
#[derive(Debug)]
pub(super) struct FeedDraft {
    /// The header.
    pub span: Range<usize>,
    /// Where the file names it.
    pub id: Option<(FeedId, Range<usize>)>,
    /// Whether it has an `id` at all, right or wrong.
    pub is_named: bool,
    /// Where, and what of; `None` when it was wrong.
    pub source: Option<(WrittenSource, Range<usize>)>,
    pub name: Option<String>,
    pub tags: Vec<(String, Range<usize>)>,
    pub interval: Option<Duration>,
    pub expect: Option<Duration>,
    pub headers: Vec<(String, Secret)>,
    pub user_agent: Option<String>,
    pub secret: bool,
    pub private: bool,
    pub proxy: Option<Proxy>,
    /// The feeds that came of it: one, or one for each file of a glob.
    pub ids: Vec<FeedId>,
}

/// What `url` says.
#[derive(Debug, Clone)]
pub(super) enum WrittenSource {
    One(FeedSource),
    Glob(PathBuf),
}

/// Reads one feed.
pub(super) fn read<'a>(reader: &mut Reader<'a>, table: Table<'a>, waits: &WrittenWaits) -> FeedDraft {
    let table = reader.known("feed", table);
    let source = match table.get("url") {
        Some(value) => source(reader, value).map(|source| (source, value.span.clone())),
        None if !table.lacks("url") => None,
        None => {
            let problem = Problem::error("this feed has no `url`");
            reader.note_of_the_whole(&table.span, problem.help("add `url = \"https://…\"`"));
            None
        }
    };
    FeedDraft {
        is_named: table.get("id").is_some(),
        id: table.get("id").and_then(|value| reader.id(value)),
        source,
        name: table.get("name").and_then(|value| reader.line(value, LINE_CHARS_MAX)).map(|text| text.value),
        tags: table.get("tags").map(|value| tags(reader, value)).unwrap_or_default(),
        interval: table.get("interval").and_then(|value| interval(reader, value, waits)),
        expect: table.get("expect").and_then(|value| reader.duration(value, EXPECT_MIN..=EXPECT_MAX)),
        headers: table.get("headers").map(|value| headers(reader, value)).unwrap_or_default(),
        user_agent: table.get("user_agent").and_then(|value| reader.header_line(value)),
        secret: table.get("secret").and_then(|value| reader.flag(value)).unwrap_or_default(),
        private: table.get("private").and_then(|value| reader.flag(value)).unwrap_or_default(),
        proxy: table.get("proxy").and_then(|value| daemon::proxy(reader, value)),
        span: table.span,
        ids: Vec::new(),
    }
}

fn source<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<WrittenSource> {
    if value.value.is_array() {
        return command(reader, value).map(WrittenSource::One);
    }
    let text = reader.text(value)?;
    if let Some(program) = text.value.strip_prefix("exec:") {
        if program.contains(char::is_whitespace) {
            let problem = Problem::error("a command with arguments is a list: no shell takes it apart");
            reader.note(&value.span, problem.help("write `[\"exec:program\", \"argument\"]`"));
            return None;
        }
        return program_of(reader, value, program)
            .map(|program| WrittenSource::One(FeedSource::Exec { program, arguments: Vec::new() }));
    }
    let Some(path) = text.value.strip_prefix("file:") else {
        return reader.url(value, &["https", "http"]).map(|url| WrittenSource::One(FeedSource::Http(url)));
    };
    // `file:///a/b`, `file://localhost/a/b` and `file:/a/b` are one path; only the first two are URLs with escapes.
    let path = if path.starts_with("//") {
        match url::Url::parse(&text.value).ok().and_then(|url| url.to_file_path().ok()) {
            Some(path) => path,
            None => {
                let problem = Problem::error("this `file:` URL names another machine");
                reader.note(&value.span, problem.help("write `file:` and a path, as in `file:feeds/wire.xml`"));
                return None;
            }
        }
    } else if path.is_empty() {
        reader.note(&value.span, Problem::error("`file:` is followed by a path"));
        return None;
    } else {
        reader.resolved(path, &value.span)?
    };
    if path.to_string_lossy().contains(['*', '?']) {
        return Some(WrittenSource::Glob(path));
    }
    Some(WrittenSource::One(FeedSource::File(path)))
}

/// `["exec:program", "argument" …]`
fn command<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<FeedSource> {
    let mut words = reader.texts(value, ARGUMENTS_MAX)?.into_iter();
    let first = words.next().map(|text| text.value).unwrap_or_default();
    let Some(program) = first.strip_prefix("exec:") else {
        let problem = Problem::error("a list here is a command, and its first word begins with `exec:`");
        reader.note(&value.span, problem.help("write `[\"exec:program\", \"argument\"]`"));
        return None;
    };
    let program = program_of(reader, value, program)?;
    let arguments: Vec<String> = words.map(|text| text.value).collect();
    if arguments.iter().any(|argument| argument.contains('\0')) {
        reader.note(&value.span, Problem::error("an argument can't hold a zero byte"));
        return None;
    }
    Some(FeedSource::Exec { program, arguments })
}

/// A name for `PATH`, or a path that starts at the config's folder.
fn program_of<'a>(reader: &mut Reader<'a>, value: &Value<'a>, written: &str) -> Option<PathBuf> {
    if written.is_empty() || written.contains('\0') {
        reader.note(&value.span, Problem::error("`exec:` is followed by a program"));
        return None;
    }
    if written.contains('/') { reader.resolved(written, &value.span) } else { Some(written.into()) }
}

pub(super) fn tags<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Vec<(String, Range<usize>)> {
    let mut tags: Vec<(String, Range<usize>)> = Vec::new();
    for text in reader.texts(value, TAGS_MAX).unwrap_or_default() {
        if let Err(error) = FeedId::from_str(&text.value) {
            // A tag stands where an id stands, `tag:wire`, so it keeps to the same letters.
            let message = error.to_string().replace("an id", "a tag");
            reader.note(&text.span, Problem::error(message));
        } else if tags.iter().any(|(tag, _)| *tag == text.value) {
            reader.note(&text.span, Problem::warning(format!("the tag `{}` stands here twice", text.value)));
        } else {
            tags.push((text.value, text.span));
        }
    }
    tags
}

fn interval<'a>(reader: &mut Reader<'a>, value: &Value<'a>, waits: &WrittenWaits) -> Option<Duration> {
    let interval = reader.duration(value, INTERVAL_MIN..=INTERVAL_MAX)?;
    let (problem, line) = match (&waits.min, &waits.max) {
        (Some((min, span)), _) if interval < *min => (
            format!("`interval` is shorter than `min_interval`, which is {}", format_duration(*min)),
            reader.line_of(span),
        ),
        (_, Some((max, span))) if interval > *max => (
            format!("`interval` is longer than `max_interval`, which is {}", format_duration(*max)),
            reader.line_of(span),
        ),
        _ => return Some(interval),
    };
    reader.note(&value.span, Problem::error(problem).help(format!("change it here, or the bound in line {line}")));
    None
}

fn headers<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Vec<(String, Secret)> {
    let Some(table) = value.table() else {
        let problem = Problem::error("`headers` is a table");
        reader.note(&value.span, problem.help("write it as in `headers = { Authorization = { env = \"TOKEN\" } }`"));
        return Vec::new();
    };
    if table.values.len() > HEADERS_MAX {
        reader.note(&value.span, Problem::error(format!("a feed sends at most {HEADERS_MAX} headers")));
        return Vec::new();
    }
    let mut headers: Vec<(String, Secret)> = Vec::new();
    for header in &table.values {
        let name = header.key;
        let wrong = if !is_header_name(name) {
            Some(format!("`{name}` is no name of an HTTP header"))
        } else if OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            Some(format!("wirewatch sets the header `{name}` itself"))
        } else if name.eq_ignore_ascii_case("user-agent") {
            Some("the User-Agent has a key of its own, `user_agent`".to_owned())
        } else if headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            Some(format!("the header `{name}` stands here twice"))
        } else {
            None
        };
        if let Some(wrong) = wrong {
            reader.note(&header.key_span, Problem::error(wrong));
            continue;
        }
        let Some(secret) = reader.secret(header) else { continue };
        if secret.reveal().chars().all(|c| c.is_ascii_graphic() || c == ' ' || c == '\t') {
            headers.push((name.to_owned(), secret));
        } else {
            let message = format!("the value of `{name}` holds what can't stand in an HTTP header");
            reader.note(&header.span, Problem::error(message).help("it is one line of ASCII"));
        }
    }
    headers
}

/// RFC 9110 §5.6.2, token.
fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

/// Names what has no name, and makes a feed of each file that a glob finds. What it names is in `names` then.
pub(super) fn finish(reader: &mut Reader<'_>, drafts: &mut [FeedDraft], names: &mut Names) -> Vec<FeedSettings> {
    names.taken.extend(drafts.iter().filter_map(|draft| draft.id.as_ref()).map(|(id, _)| id.to_string()));
    let mut feeds = Vec::with_capacity(drafts.len());
    let mut lines = Lines::default();
    for draft in drafts {
        let origin = FeedOrigin::Config { line: lines.of(reader.text, draft.span.start) };
        let Some((written, span)) = &draft.source else { continue };
        let first = feeds.len();
        match written {
            WrittenSource::One(source) => {
                let id = match &draft.id {
                    Some((id, _)) => Some(id.clone()),
                    None if draft.is_named => None,
                    None => names.free(&own_name(source)),
                };
                feeds.extend(id.map(|id| draft.settings(id, source.clone(), origin)));
            }
            WrittenSource::Glob(pattern) => {
                let files = match glob::files_of(pattern) {
                    Ok(files) => files,
                    Err(problem) => {
                        reader.note(span, *problem);
                        continue;
                    }
                };
                if files.is_empty() {
                    let problem = Problem::warning(format!("no file is named like `{}`", pattern.display()));
                    reader.note_of_the_whole(span, problem);
                }
                for file in files {
                    let source = FeedSource::File(file);
                    let name = match &draft.id {
                        Some((id, _)) => format!("{id}.{}", own_name(&source)),
                        None => own_name(&source),
                    };
                    feeds.extend(names.free(&name).map(|id| draft.settings(id, source, origin.clone())));
                }
            }
        }
        draft.ids = feeds[first..].iter().map(|feed: &FeedSettings| feed.id.clone()).collect();
    }
    feeds
}

/// The feeds that a watch selects; the name of a glob stands for all its files.
pub(super) fn selected(named: &[(FeedSelector, Range<usize>)], drafts: &[FeedDraft]) -> Vec<FeedSelector> {
    let expanded = |selector: &FeedSelector| match selector {
        FeedSelector::Tag(_) => vec![selector.clone()],
        FeedSelector::Id(id) => {
            match drafts.iter().find(|draft| draft.is_glob() && !draft.ids.contains(id) && draft.is_called(id)) {
                // Of a glob without files, its name stays: selecting nothing would mean all feeds.
                Some(glob) if !glob.ids.is_empty() => glob.ids.iter().cloned().map(FeedSelector::Id).collect(),
                _ => vec![selector.clone()],
            }
        }
    };
    named.iter().flat_map(|(selector, _)| expanded(selector)).collect()
}

impl FeedDraft {
    /// Whether `id` means this feed, or one of its files.
    pub fn is_called(&self, id: &FeedId) -> bool {
        self.id.as_ref().is_some_and(|(own, _)| own == id) || self.ids.contains(id)
    }

    fn is_glob(&self) -> bool {
        matches!(self.source, Some((WrittenSource::Glob(_), _)))
    }

    /// What `url` says, for telling feeds that are one.
    pub fn url(&self) -> Option<(&str, &Range<usize>)> {
        match self.source.as_ref()? {
            (WrittenSource::One(FeedSource::Http(url)), span) => Some((url.as_str(), span)),
            (WrittenSource::One(FeedSource::File(_) | FeedSource::Exec { .. }) | WrittenSource::Glob(_), _) => None,
        }
    }

    /// As a feed of this name.
    pub fn settings(&self, id: FeedId, source: FeedSource, origin: FeedOrigin) -> FeedSettings {
        FeedSettings {
            id,
            origin,
            source,
            name: self.name.clone(),
            tags: self.tags.iter().map(|(tag, _)| tag.clone()).collect(),
            interval: self.interval,
            expect: self.expect,
            headers: self.headers.clone(),
            user_agent: self.user_agent.clone(),
            secret: self.secret,
            private: self.private,
            proxy: self.proxy.clone(),
        }
    }
}

/// A name made from where the feed is: its host, or its file without the ending.
pub(super) fn own_name(source: &FeedSource) -> String {
    let name = match source {
        FeedSource::Http(url) => url.host_str().unwrap_or_default().trim_start_matches("www.").to_owned(),
        FeedSource::File(path) | FeedSource::Exec { program: path, .. } => {
            path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
        }
    };
    id_letters(&name).unwrap_or_else(|| "feed".to_owned())
}

/// A text in the letters of an id or a tag; `None` where nothing of it is left.
pub(super) fn id_letters(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len());
    // Letters without their accents: `Économie` is `economie`.
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' | '.' | '_' | '-' => name.push(c),
            _ if !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    let name: String = name.trim_matches(['-', '.']).chars().take(ID_CHARS_MAX).collect();
    (!name.is_empty()).then_some(name)
}

/// Counts lines on the way through a file, so that thousands of feeds cost one pass.
#[derive(Debug, Default)]
struct Lines {
    at: usize,
    before: usize,
}

impl Lines {
    /// Which line the byte `at` is in, from 1; asked in the order of the file.
    fn of(&mut self, text: &str, at: usize) -> usize {
        let at = text.floor_char_boundary(at.clamp(self.at, text.len()));
        self.before += memchr::memchr_iter(b'\n', &text.as_bytes()[self.at..at]).count();
        self.at = at;
        self.before + 1
    }
}

/// The ids that are taken.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
    /// How often each name was asked for: thousands of feeds of one host would else try thousands of numbers each.
    asked: BTreeMap<String, usize>,
}

impl Names {
    /// Takes a name; whether it was free.
    pub fn take(&mut self, id: &FeedId) -> bool {
        self.taken.insert(id.to_string())
    }

    /// The name, with a number behind it where it is taken, cut to what an id may hold.
    pub fn free(&mut self, name: &str) -> Option<FeedId> {
        let first = self.asked.get(name).copied().unwrap_or_default() + 1;
        // Among one number more than there are names, one is free.
        for number in first..=first + self.taken.len() {
            let ending = if number == 1 { String::new() } else { format!("-{number}") };
            let kept: String = name.chars().take(ID_CHARS_MAX - ending.len()).collect();
            let id = format!("{kept}{ending}");
            if self.taken.contains(&id) {
                continue;
            }
            let parsed = FeedId::from_str(&id).ok()?;
            self.taken.insert(id);
            self.asked.insert(name.to_owned(), number);
            return Some(parsed);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[track_caller]
    fn name(url: &str, expected: &str) {
        assert_eq!(own_name(&FeedSource::Http(url.parse().unwrap())), expected);
    }

    #[test]
    fn a_feed_without_an_id_is_named_for_its_host() {
        name("https://www.aa.com.tr/en/rss", "aa.com.tr");
        name("https://news.un.org:8443/feed", "news.un.org");
        name("http://[::1]:80/", "1");
        name("https://türkiye.example/", "xn--trkiye-3ya.example");
        assert_eq!(own_name(&FeedSource::File("/feeds/Die Presse.xml".into())), "die-presse");
        assert_eq!(own_name(&FeedSource::File("/feeds/新.xml".into())), "feed");
    }

    #[test]
    fn names_stay_apart_and_short() {
        let mut names = Names { taken: BTreeSet::from(["a".to_owned()]), ..Names::default() };
        assert_eq!(names.free("a").unwrap().as_str(), "a-2");
        assert_eq!(names.free("a").unwrap().as_str(), "a-3");
        let long = "x".repeat(80);
        assert_eq!(names.free(&long).unwrap().as_str().len(), ID_CHARS_MAX);
        assert!(names.free(&long).unwrap().as_str().ends_with("xx-2"));
    }
}

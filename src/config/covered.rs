//! The config as it may be shown: what is secret in it is covered, byte for byte, so that places stay true and a shown
//! line gives nothing away.
//!
//! Where the file is TOML, its tree says what is what. Where it is not, there is only the line: one that seems to hold
//! a secret is covered from its first `=` on.

use std::ops::Range;

use toml::de::DeValue;

use super::{
    raw::{Table, Value},
    shown::{is_secret_key, url_secrets},
    suggest,
    value::is_variable,
};

/// Sections whose texts are words to look for. A query is pointed into letter by letter, so it has to stay as it is.
const PLAIN_SECTIONS: [&str; 3] = ["watch", "lists", "packs"];

/// `text` with every secret covered that stands in it literally. `broken` are the starts of the lines that could not be
/// read, in order.
pub(super) fn covered(text: &str, root: &Table<'_>, broken: &[usize]) -> String {
    let mut finder = Finder { text, secrets: Vec::new() };
    for section in root.values.iter().filter(|section| !PLAIN_SECTIONS.contains(&section.key)) {
        for table in section.items().unwrap_or_else(|| vec![section.clone()]) {
            // Of a section that is not known, nobody knows what its paths are worth.
            finder.value(&table, Hides { path: section.key != "feed", text: false });
        }
    }
    let mut secrets = finder.secrets;
    // Each line asks which table it is in, and looks back only as far as the last one that asked.
    let (mut asked, mut in_headers) = (0, false);
    for &start in broken {
        let table = text[asked..start].lines().rev().find(|line| line.trim_start().starts_with('['));
        in_headers = table.map_or(in_headers, |table| table.contains("headers"));
        asked = start;
        secrets.extend(secret_of_line(text, start, in_headers));
    }
    cover(text, secrets)
}

/// What is hidden below a key.
#[derive(Clone, Copy)]
struct Hides {
    /// Path and query of URLs.
    path: bool,
    /// Every text.
    text: bool,
}

struct Finder<'t> {
    text: &'t str,
    secrets: Vec<Range<usize>>,
}

impl Finder<'_> {
    fn value(&mut self, value: &Value<'_>, hides: Hides) {
        match value.value {
            DeValue::Table(_) => {
                let Some(table) = value.table() else { return };
                self.table(&table, hides, hides.text && !is_headers(value.key));
            }
            DeValue::Array(_) => value.items().unwrap_or_default().iter().for_each(|item| self.value(item, hides)),
            DeValue::Boolean(_) => {}
            _ if hides.text => self.secrets.push(value.span.clone()),
            DeValue::String(written) if is_url_key(value.key) || written.contains("://") => {
                self.url(value, written, hides.path);
            }
            _ => {}
        }
    }

    /// `{ env = "VAR" }` and `{ file = "path" }` say where a secret is, which is no secret.
    fn table(&mut self, table: &Table<'_>, hides: Hides, points_to_secret: bool) {
        let is_pointer = |key: &str| matches!(key, "env" | "file") || suggest::nearest(key, ["env", "file"]).is_some();
        let is_secret = |value: &Value<'_>| value.key == "secret" && value.value.as_bool() != Some(false);
        let path = hides.path || table.values.iter().any(is_secret);
        for value in table.values.iter().filter(|value| !(points_to_secret && is_pointer(value.key))) {
            let text = hides.text || is_secret_or_misspelt(value.key);
            // A proxy is a host, and what stands behind it means nothing; but a mistake is easier to see whole.
            self.value(value, Hides { path: path && value.key != "proxy", text });
        }
    }

    fn url(&mut self, value: &Value<'_>, written: &str, hides_path: bool) {
        let slice = self.text.get(value.span.clone()).unwrap_or_default();
        let Some(inner) = slice.find(written) else {
            // With escapes in it the text that is read is not the one that stands there.
            self.secrets.push(value.span.clone());
            return;
        };
        let start = value.span.start + inner;
        let found = url_secrets(written, hides_path).into_iter();
        self.secrets.extend(found.map(|secret| start + secret.start..start + secret.end));
    }
}

fn is_url_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["url", "uri", "proxy"].iter().any(|name| key.contains(name)) || suggest::nearest(&key, ["url", "proxy"]).is_some()
}

fn is_secret_or_misspelt(key: &str) -> bool {
    is_secret_key(key) || is_headers(key) || suggest::nearest(key, ["token", "secret"]).is_some()
}

fn is_headers(key: &str) -> bool {
    key == "headers" || suggest::nearest(key, ["headers"]).is_some()
}

/// What to cover of the line at `start`, which is no TOML: all behind its first `=` where a key on it, or the table that
/// it stands in, sounds secret.
fn secret_of_line(text: &str, start: usize, in_headers: bool) -> Option<Range<usize>> {
    let line = text[start..].lines().next()?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '%');
    let keys = line.split('=').map(|piece| piece.trim_end_matches([' ', '\t', '"', '\'']));
    let mut keys = keys.map(|piece| piece.rsplit(|c| !is_word(c)).next().unwrap_or_default());
    let sounds_secret = in_headers
        || line.contains('@')
        || line.contains("://")
        || keys.any(|key| is_secret_or_misspelt(key) || is_url_key(key));
    let value = line.find('=').map_or(0, |equals| equals + 1);
    sounds_secret.then_some(start + value..start + line.len())
}

/// `text` with `secrets` covered; names of variables are no secrets, and showing them is the point.
fn cover(text: &str, mut secrets: Vec<Range<usize>>) -> String {
    secrets.sort_by_key(|secret| secret.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for secret in secrets {
        let start = text.floor_char_boundary(secret.start.clamp(at, text.len()));
        let end = text.ceil_char_boundary(secret.end.clamp(start, text.len()));
        out.push_str(&text[at..start]);
        cover_between(&text[start..end], &mut out);
        at = end;
    }
    out.push_str(&text[at..]);
    out
}

fn cover_between(secret: &str, out: &mut String) {
    let mut rest = secret;
    while let Some(dollar) = rest.find("${") {
        let length = variable_length(&rest[dollar..]);
        let (before, behind) = rest.split_at(dollar);
        out.extend(before.chars().map(covered_character));
        // A dollar that begins no variable is one of the secret's.
        let (name, left) = behind.split_at(length);
        out.push_str(name);
        rest = left;
        if length == 0 {
            out.push('*');
            rest = &rest[1..];
        }
    }
    out.extend(rest.chars().map(covered_character));
}

/// How much of `${NAME}` or `${NAME:-default}` is the variable's own.
fn variable_length(text: &str) -> usize {
    let Some(name) = text.strip_prefix("${") else { return 0 };
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
    match &name[end..] {
        _ if !is_variable(&name[..end]) => 0,
        behind if behind.starts_with('}') => end + 3,
        behind if behind.starts_with(":-") => end + 4,
        _ => 0,
    }
}

/// As many bytes, and in nearly all fonts as wide.
fn covered_character(c: char) -> char {
    match (c, c.len_utf8()) {
        ('"' | '\'' | '\n' | '\r', _) => c,
        (_, 1) => '*',
        (_, 2) => '×',
        (_, 3) => '•',
        _ => '🞄',
    }
}

#[cfg(test)]
mod tests {
    use super::super::raw::Raw;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let raw = Raw::parse(text);
        let out = raw.covered(text);
        assert_eq!(out.len(), text.len());
        assert_eq!(out, expected);
    }

    #[test]
    fn secrets_are_covered_in_place_and_names_of_variables_are_not() {
        check(
            "[daemon]\ntoken = 'aé制🎉'\n[[feed]]\nheaders = { A = \"${B}\", C = \"d\" }\nname = 'x'\n",
            "[daemon]\ntoken = '*×•🞄'\n[[feed]]\nheaders = { A = \"${B}\", C = \"*\" }\nname = 'x'\n",
        );
        check("[daemon]\ntoken = 'a$b${C}d${E:-f}'", "[daemon]\ntoken = '***${C}*${E:-**'");
        check("[daemon]\ntoken = '${1}x'\ntokn = 'abc'\n", "[daemon]\ntoken = '*****'\ntokn = '***'\n");
        check(
            "[daemon]\ntoken = { env = 'A' }\ncontact = 'mailto:a@b.c'",
            "[daemon]\ntoken = { env = 'A' }\ncontact = 'mailto:a@b.c'",
        );
        check("[daemon]\ntoken = 12345", "[daemon]\ntoken = *****");
    }

    #[test]
    fn urls_are_covered_where_their_secrets_are() {
        check(
            "[[feed]]\nurl = \"https://u:PW@ho st.org/x?token=TOK\"\nproxy = 'socks9://u:PW@h'",
            "[[feed]]\nurl = \"https://****@ho st.org/x?token=***\"\nproxy = 'socks9://****@h'",
        );
        check("feed = [{url=\"ftp://u:PW@a.org/?token=T\"}]", "feed = [{url=\"ftp://****@a.org/?token=*\"}]");
        check("feeds = [{url=\"ftp://u:PW@a.org/?q=T\"}]", "feeds = [{url=\"ftp://****@a.org*****\"}]");
        check("[[feed]]\nsecret = true\nurl = 'https://a.org/T'", "[[feed]]\nsecret = true\nurl = 'https://a.org**'");
        check("[[sink]]\nurl = \"htps://h.org/T0KEN\"", "[[sink]]\nurl = \"htps://h.org******\"");
        check("[[sink]]\nurl = \"https://${HOST}/${TOKEN}/x\"", "[[sink]]\nurl = \"https://${HOST}*${TOKEN}**\"");
        check("[[feed]]\nurl = \"https://u:P\\u0057@a.org\"", "[[feed]]\nurl = \"***********************\"");
        check("[[watch]]\nquery = 'url:\"https://a@b\"'", "[[watch]]\nquery = 'url:\"https://a@b\"'");
    }

    #[test]
    fn lines_that_are_no_toml_are_covered_when_they_sound_secret() {
        check("a = 5m\nurl = https://u:PW@h/x\n", "a = 5m\nurl =*****************\n");
        check("[[sink]]\nsecret = whsec_abc\n", "[[sink]]\nsecret =**********\n");
        check("[[feed]]\nurl = \"https://u:PW@h/?token=T\n", "[[feed]]\nurl =*\"***********************\n");
        check("[feed.headers]\nCookie = \"abc\nb = 5m\n", "[feed.headers]\nCookie =*\"***\nb =***\n");
        check("feed = [{url=\"https://u:PW@h\", id=5m}]", "feed =*******\"**************\"*********");
        check("interval = 5m\n", "interval = 5m\n");
    }
}

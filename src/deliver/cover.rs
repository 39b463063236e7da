//! Covers secrets in what others say: receivers repeat the address that they were asked for and the headers that they got,
//! programs their arguments. What they say stands in the log, the store and lists.

use std::{collections::BTreeSet, ops::Range};

use data_encoding::{BASE64, BASE64URL};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

/// Stands for a secret.
const COVERED: &str = "***";
/// Shorter parts of an address are words such as `api`, `hook` and `true`. Shorter passwords are covered where they stand
/// by themselves: inside of words they would be everywhere.
const PART_MIN: usize = 6;

/// Secrets, in each form in which they may come back. It can't be printed.
#[derive(Default)]
pub(super) struct Cover {
    secrets: BTreeSet<String>,
}

impl Cover {
    /// All of an address that a log covers too, whole and in parts: user, password, path and query.
    pub fn url(&mut self, url: &Url) {
        self.login(url.username(), url.password());
        for whole in [Some(url.path()), url.query()].into_iter().flatten().filter(|whole| whole.len() > 1) {
            self.add(whole);
        }
        for part in url.path().split('/').chain(url.query().into_iter().flat_map(|query| query.split(['&', '=']))) {
            self.part(part);
        }
        for (_, value) in url.query_pairs() {
            self.part(&value);
        }
    }

    /// A user and a password, as they are and as HTTP sends them (RFC 7617). A user alone may be a key.
    pub fn login(&mut self, user: &str, password: Option<&str>) {
        self.add(user);
        self.add(password.unwrap_or_default());
        if user.is_empty() && password.is_none() {
            return;
        }
        let pair = format!("{user}:{}", password.unwrap_or_default());
        for text in [Some(pair.as_str()), password.is_none().then_some(user)].into_iter().flatten() {
            self.add(text);
            for text in [text.to_owned(), decoded(text)] {
                for encoded in [BASE64.encode(text.as_bytes()), BASE64URL.encode(text.as_bytes())] {
                    self.add(encoded.trim_end_matches('='));
                    self.add(&encoded);
                }
            }
        }
    }

    /// A token or password, of whatever length.
    pub fn token(&mut self, token: &str) {
        self.add(token);
        self.add(&utf8_percent_encode(token, NON_ALPHANUMERIC).to_string());
    }

    /// An argument of a program: `--key=secret` and an address are taken apart.
    pub fn argument(&mut self, argument: &str) {
        self.part(argument);
        if let Some((_, value)) = argument.split_once('=') {
            self.part(value);
        }
        if let Some(url) = Url::parse(argument).ok().filter(Url::has_host) {
            self.url(&url);
        }
    }

    fn part(&mut self, part: &str) {
        if part.len() >= PART_MIN {
            self.add(part);
        }
    }

    fn add(&mut self, secret: &str) {
        for form in [secret.to_owned(), decoded(secret), hex_lowered(secret)] {
            // A line is trimmed before it is shown, and so may a token be.
            let form = form.trim();
            if !form.is_empty() {
                self.secrets.insert(form.to_owned());
            }
        }
    }

    /// What was said without the secrets. Where `is_cut`, it goes on and we have not heard it: its end may be the beginning
    /// of a secret.
    pub fn over(&self, said: &str, is_cut: bool) -> String {
        let said = if is_cut { said.trim_end_matches(char::REPLACEMENT_CHARACTER) } else { said };
        let mut ranges: Vec<Range<usize>> = self.secrets.iter().flat_map(|secret| found(said, secret)).collect();
        if is_cut {
            ranges.extend(self.secrets.iter().filter_map(|secret| begun(said, secret)));
        }
        ranges.sort_by_key(|range| range.start);
        let (mut text, mut end) = (String::new(), 0);
        for range in ranges {
            if range.start > end || (range.start == 0 && end == 0) {
                text.push_str(&said[end..range.start]);
                text.push_str(COVERED);
            }
            end = end.max(range.end);
        }
        text.push_str(&said[end..]);
        text
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// `%2F` as some write it.
fn hex_lowered(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut lowered = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let hex = piece.len().min(2);
        let (code, rest) = piece.split_at_checked(hex).unwrap_or(("", piece));
        lowered.extend(["%", &code.to_ascii_lowercase(), rest]);
    }
    lowered
}

/// Everywhere that a secret stands; a short one by itself only.
fn found(said: &str, secret: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut from = 0;
    while let Some(at) = said.get(from..).and_then(|rest| rest.find(secret)) {
        let range = from + at..from + at + secret.len();
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let stands_alone =
            !is_word(said[..range.start].chars().next_back()) && !is_word(said[range.end..].chars().next());
        // One may begin inside of another.
        from = range.start + said[range.start..].chars().next().map_or(1, char::len_utf8);
        if stands_alone || secret.len() >= PART_MIN {
            ranges.push(range);
        }
    }
    ranges
}

/// The longest end of what was said that is the beginning of a secret.
fn begun(said: &str, secret: &str) -> Option<Range<usize>> {
    let longest = secret.char_indices().rev().map(|(at, _)| &secret[..at]).find(|begun| said.ends_with(begun))?;
    (!longest.is_empty()).then(|| said.len() - longest.len()..said.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(url: &str, said: &str, expected: &str) {
        let mut cover = Cover::default();
        cover.url(&Url::parse(url).unwrap());
        assert_eq!(cover.over(said, false), expected, "{url}");
    }

    #[test]
    fn an_address_is_covered_whole_and_in_parts() {
        let url = "https://x.example/api/k3y-of-hook?to=s3cret1&id=7";
        check(url, "Cannot POST /api/k3y-of-hook?to=s3cret1&id=7!", "Cannot POST ***?***!");
        check(url, "no k3y-of-hook, s3cret1 or id 7 in /api/", "no ***, *** or id 7 in /api/");
        check("https://x.example/", "/ is not there", "/ is not there");
        check("https://x.example/a/b12?t=x9y8z", "/a/b12?t=x9y8z, b12", "***?***, b12");
    }

    #[test]
    fn an_address_is_covered_as_servers_decode_it() {
        let url = "https://x.example/hook/sec%2Fret%3Atok?q=a%20b+c%C3%A9d";
        check(url, "sec/ret:tok sec%2Fret%3Atok sec%2fret%3atok", "*** *** ***");
        check(url, "/hook/sec/ret:tok and a b céd", "*** and ***");
        check("https://x.example/h/sec%20ret-tok9", "no sec ret-tok9", "no ***");
        check("https://x.example/h/%FFsecret%", "no \u{fffd}secret%", "no ***");
    }

    #[test]
    fn user_and_password_are_covered_as_they_are_and_as_they_are_sent() {
        let url = "https://d3sk:pa55word@x.example/";
        check(url, "no d3sk:pa55word (Basic ZDNzazpwYTU1d29yZA==), pa55word", "no *** (Basic ***), ***");
        // Short ones where they stand by themselves.
        check("https://u:pw123@x.example/", "u:pw123, pw123; upw1234 stays", "***, ***; upw1234 stays");
        check("https://x:%40b%3Ac@x.example/", "@b:c and eDpAYjpj", "*** and ***");
        let key = "https://APIKEY99@x.example/";
        check(key, "no APIKEY99 or APIKEY99: here", "no *** or *** here");
        check(key, "QVBJS0VZOTk6 QVBJS0VZOTk= QVBJS0VZOTk", "*** *** ***");
    }

    #[test]
    fn tokens_and_arguments_are_covered() {
        let mut cover = Cover::default();
        cover.token("12:hu/sh");
        cover.argument("--key=s3cret");
        cover.argument("short");
        cover.argument("https://me:pass@x.example/path-of-it");
        let said = "12:hu/sh 12%3Ahu%2Fsh 12%3ahu%2fsh --key=s3cret s3cret short me:pass path-of-it";
        assert_eq!(cover.over(said, false), "*** *** *** *** *** short *** ***");
        assert_eq!(Cover::default().over(said, true), said);
    }

    #[test]
    fn a_secret_that_is_cut_shows_no_part() {
        let mut cover = Cover::default();
        cover.url(&Url::parse("https://x.example/services/LONG-SECRET-é-TOKEN").unwrap());
        let whole = "at /services/LONG-SECRET-%C3%A9-TOKEN";
        for length in 4..whole.len() {
            let shown = cover.over(&whole[..length], true);
            assert_eq!(shown, "at ***", "{length}");
        }
        assert_eq!(cover.over("no LONG-SECRET-é-TO", true), "no ***");
        assert_eq!(cover.over("no LONG-SECRET-\u{fffd}", true), "no ***");
        assert_eq!(cover.over("no LONG-SEC", false), "no LONG-SEC");
        // What overlaps is covered as one.
        let mut cover = Cover::default();
        cover.argument("abcdef");
        cover.argument("defghi");
        assert_eq!(cover.over("abcdefghi abcdefabcdef abcde defgh", true), "*** *** abcde ***");
    }
}

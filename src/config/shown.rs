//! URLs as they may be shown: what looks like a credential is covered.
//!
//! [`shown_url`] is for a URL that was understood. [`url_secrets`] is for one as a person wrote it, right or wrong: it
//! would rather cover too much, since what it finds stands in error messages.

use std::{borrow::Cow, ops::Range};

use url::{Url, form_urlencoded};

/// A URL as it may be shown in logs, alerts and lists: user-info and the values of query keys that look like
/// credentials are `***`; with `hide_path`, so are path and query.
pub fn shown_url(url: &Url, hide_path: bool) -> String {
    let mut shown = format!("{}://", url.scheme());
    if !url.username().is_empty() || url.password().is_some() {
        shown.push_str("***@");
    }
    shown.push_str(url.host_str().unwrap_or(""));
    if let Some(port) = url.port() {
        shown.push_str(&format!(":{port}"));
    }
    if hide_path {
        shown.push_str("/***");
        return shown;
    }
    shown.push_str(url.path());
    if let Some(query) = url.query() {
        shown.push('?');
        let mut at = 0;
        for secret in query_secrets(query) {
            shown.push_str(&query[at..secret.start]);
            shown.push_str("***");
            at = secret.end;
        }
        shown.push_str(&query[at..]);
    }
    shown
}

/// Where a written URL has its secrets: user-info, the values of secret query keys; with `hide_path`, all behind the
/// host. In order, not overlapping. The text need be no URL at all.
pub(super) fn url_secrets(written: &str, hide_path: bool) -> Vec<Range<usize>> {
    let start = authority_start(written);
    let rest = &written[start..];
    let is_end = |c: char| matches!(c, '/' | '\\' | '?' | '#') || (hide_path && c.is_whitespace());
    let mut host_start = 0;
    loop {
        let authority_end = rest[host_start..].find(is_end).map_or(rest.len(), |at| host_start + at);
        let authority = &rest[host_start..authority_end];
        if let Some(at) = authority.rfind('@') {
            host_start += at + 1;
            continue;
        }
        // A password may hold a slash or a question mark that nobody escaped: then what looks like a port is none.
        let is_no_port = |port: &str| !port.is_empty() && !port.chars().all(|c| c.is_ascii_digit());
        let looks_like_password = authority.rsplit_once(':').is_some_and(|(_, port)| is_no_port(port));
        match rest[authority_end..].rfind('@').filter(|_| looks_like_password) {
            Some(at) => host_start = authority_end + at + 1,
            None => {
                let mut secrets = Vec::new();
                if host_start > 0 {
                    secrets.push(start..start + host_start - 1);
                }
                let behind = start + authority_end;
                if hide_path {
                    secrets.push(behind..written.len());
                } else if let Some(query) = written[behind..].find(['?', '#', '&', ';']).map(|at| behind + at + 1) {
                    let found = query_secrets(&written[query..]);
                    secrets.extend(found.into_iter().map(|secret| query + secret.start..query + secret.end));
                }
                secrets.retain(|secret| !secret.is_empty());
                return secrets;
            }
        }
    }
}

/// Behind `https://`, whatever became of the slashes; where no scheme stands in front, behind the first `://`.
fn authority_start(written: &str) -> usize {
    let name = written.find(|c: char| !c.is_ascii_alphanumeric() && !"+-. ".contains(c)).unwrap_or(written.len());
    let is_slash = |c: char| matches!(c, '/' | '\\');
    let slashes = |from: usize| from + written[from..].len() - written[from..].trim_start_matches(is_slash).len();
    if written[name..].starts_with(':') {
        // Without a slash behind it, what looks like a scheme may be a user's name.
        let behind = slashes(name + 1);
        return if behind > name + 1 { behind } else { 0 };
    }
    written.find("://").map_or_else(|| if name == 0 { slashes(0) } else { 0 }, |at| slashes(at + 1))
}

/// Where a query has the values of secret keys. What follows one up to the next `&` is taken as part of it: `;` parts
/// pairs for some servers and is a letter for others.
fn query_secrets(query: &str) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    let mut at = 0;
    for part in query.split(['&', '#']) {
        let mut pair_at = 0;
        for pair in part.split([';', '?']) {
            if let Some((key, _)) = pair.split_once('=')
                && is_secret_key(key)
            {
                secrets.push(at + pair_at + key.len() + 1..at + part.len());
                break;
            }
            pair_at += pair.len() + 1;
        }
        at += part.len() + 1;
    }
    secrets
}

/// Whether a query or config key sounds like that of a credential: `token`, `accessToken`, `X-Amz-Signature`,
/// `apikey`, `Authorization`; but neither `monkey` nor `author`.
pub(super) fn is_secret_key(key: &str) -> bool {
    const ENDINGS: [&str; 7] = ["token", "secret", "password", "passwd", "passphrase", "pwd", "signature"];
    const LAST_WORDS: [&str; 2] = ["key", "sig"];
    // What `key` is written together with: `accesskey`, but not `turkey`.
    const KEY_OF: [&str; 10] =
        ["api", "auth", "access", "session", "secret", "private", "client", "app", "user", "feed"];
    let key = match form_urlencoded::parse(key.as_bytes()).next() {
        Some((key, _)) => key,
        None => Cow::Borrowed(key),
    };
    let words = words(key.trim_end_matches(|c: char| c.is_ascii_digit()));
    let Some(last) = words.last() else { return false };
    let joined = words.concat();
    LAST_WORDS.contains(&last.as_str())
        || ENDINGS.iter().any(|ending| joined.ends_with(ending))
        || last.strip_suffix("key").is_some_and(|of| KEY_OF.iter().any(|known| of.ends_with(known)))
        || words.iter().any(|word| is_of_authority(word) || matches!(word.as_str(), "credential" | "credentials"))
}

/// `auth`, `authkey`, `authorization`; not `author`, which feeds are asked for.
fn is_of_authority(word: &str) -> bool {
    let Some(rest) = word.strip_prefix("auth") else { return false };
    !rest.starts_with("or") || rest.starts_with("oriz") || rest.starts_with("oris")
}

/// The words of `access_token`, `accessToken`, `X-APIKey`, in lower case.
fn words(key: &str) -> Vec<String> {
    let characters: Vec<char> = key.chars().collect();
    let mut words: Vec<String> = vec![String::new()];
    for (at, &c) in characters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| characters[before]);
        let after = characters.get(at + 1);
        let begins = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase() || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if begins || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn keys_of_credentials_are_known_by_their_words() {
        for key in [
            "token",
            "accessToken",
            "access_token",
            "authkey",
            "authToken",
            "sessionKey",
            "%74oken",
            "authorization",
            "Authorisation",
            "credential",
            "X-Amz-Credential",
            "X-Amz-Signature",
            "apikey",
            "APIKEY",
            "api_key",
            "sig",
            "key",
            "KEY",
            "rss-key",
            "privateKey",
            "X-APIKey",
            "accesskey",
            "client_secret",
            "pwd",
            "userPassword",
            "token2",
            "auth",
            "http_auth",
            "authenticity_token",
            "passwd",
            "x%2Dtoken",
            "ACCESSTOKEN",
        ] {
            assert!(is_secret_key(key), "{key}");
        }
        for key in [
            "monkey",
            "turkey",
            "author",
            "authors",
            "keyword",
            "keys_only",
            "q",
            "",
            "page",
            "design",
            "tokenizer",
            "signed",
            "whiskey",
            "url",
            "secretary",
            "cat",
            "proxy",
        ] {
            assert!(!is_secret_key(key), "{key}");
        }
    }

    #[track_caller]
    fn shows(url: &str, expected: &str) {
        assert_eq!(shown_url(&url.parse().unwrap(), false), expected);
    }

    #[test]
    fn a_shown_url_keeps_its_secrets() {
        shows(
            "https://u:p@a.org:8443/x?cat=live&access_token=T#f",
            "https://***@a.org:8443/x?cat=live&access_token=***",
        );
        shows("https://a.org/x?a=1;token=T", "https://a.org/x?a=1;token=***");
        shows("https://a.org/x?token=T;rest&b=2", "https://a.org/x?token=***&b=2");
        shows("https://a.org/x?%74oken=T&monkey=k", "https://a.org/x?%74oken=***&monkey=k");
        shows("https://a.org/x?token&b=2", "https://a.org/x?token&b=2");
        assert_eq!(shown_url(&"https://u@a.org/T?k=1".parse().unwrap(), true), "https://***@a.org/***");
    }

    #[track_caller]
    fn covers(written: &str, hide_path: bool, expected: &str) {
        let mut shown = written.to_owned();
        for secret in url_secrets(written, hide_path) {
            shown.replace_range(secret.clone(), &"*".repeat(secret.len()));
        }
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_url_is_covered_however_it_is_written() {
        covers("https://u:PW@a.org/x?b=1&token=TOK", false, "https://****@a.org/x?b=1&token=***");
        covers("https://u:PW@ho st.org/x?token=TOK", false, "https://****@ho st.org/x?token=***");
        covers("ftp://u:PW@a.org/?token=T", false, "ftp://****@a.org/?token=*");
        covers("socks9://u:PW@h", false, "socks9://****@h");
        covers("https:/u:PW@h/x", false, "https:/****@h/x");
        covers("https:\\\\u:PW@h/x", false, "https:\\\\****@h/x");
        covers("//u:PW@h/x", false, "//****@h/x");
        covers("u:PW@h/x", false, "****@h/x");
        covers("u:P/W@h/x", false, "*****@h/x");
        covers("https://u:P/W@h/x", false, "https://*****@h/x");
        covers("https://u:P?W#@Z@h/x", false, "https://********@h/x");
        covers("https://u@v:P/W@h/x", false, "https://*******@h/x");
        covers("https://a.org/@user/feed?q=a@b", false, "https://a.org/@user/feed?q=a@b");
        covers("https://a.org:80/@user", false, "https://a.org:80/@user");
        covers("https://a.org/x#access_token=T", false, "https://a.org/x#access_token=*");
        covers("https://a.org/x?next=http://b/?token=T", false, "https://a.org/x?next=http://b/?token=*");
        covers("htps://h.org/T0KEN", true, "htps://h.org******");
        covers("h.org/T0KEN?x", true, "h.org********");
        covers("https://h o.org/T0KEN", true, "https://h************");
        covers("", true, "");
        covers("制裁", false, "制裁");
    }
}

//! Every key that a config may hold, and the part of wirewatch that brings those that it does not act on yet.
//!
//! The one list: reading refuses what is not in it, did-you-mean chooses from it, and the reference is checked
//! against it.

/// Whether a key can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It can.
    Now,
    /// It comes with this part, and is refused until then: silence would be a promise.
    Later(&'static str),
}

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The table it stands in, as in `[daemon]` or `[[feed]]`; empty for the tables themselves.
    pub section: &'static str,
    /// The key.
    pub name: &'static str,
    /// Whether it can be used.
    pub standing: Standing,
}

const fn now(section: &'static str, name: &'static str) -> Key {
    Key { section, name, standing: Standing::Now }
}

const fn later(section: &'static str, name: &'static str, part: &'static str) -> Key {
    Key { section, name, standing: Standing::Later(part) }
}

/// Every key, in the order of the reference.
pub const KEYS: &[Key] = &[
    now("", "daemon"),
    now("", "defaults"),
    now("", "feed"),
    now("", "opml"),
    now("", "watch"),
    now("", "lists"),
    now("", "packs"),
    now("", "sink"),
    later("", "route", "stories"),
    later("", "heartbeat", "stories"),
    now("daemon", "store"),
    now("daemon", "data_dir"),
    now("daemon", "contact"),
    now("daemon", "interval"),
    now("daemon", "min_interval"),
    now("daemon", "max_interval"),
    now("daemon", "concurrency"),
    now("daemon", "per_host"),
    now("daemon", "backlog"),
    later("daemon", "backlog_as", "stories"),
    now("daemon", "retain"),
    now("daemon", "timezone"),
    now("daemon", "listen"),
    now("daemon", "public_url"),
    now("daemon", "token"),
    now("daemon", "proxy"),
    now("daemon", "allow_private_networks"),
    now("defaults", "sinks"),
    now("feed", "id"),
    now("feed", "url"),
    now("feed", "name"),
    now("feed", "tags"),
    now("feed", "interval"),
    now("feed", "full_text"),
    now("feed", "headers"),
    now("feed", "user_agent"),
    now("feed", "secret"),
    now("feed", "expect"),
    now("feed", "private"),
    now("feed", "proxy"),
    now("opml", "path"),
    now("opml", "url"),
    now("opml", "tags"),
    now("watch", "id"),
    now("watch", "name"),
    now("watch", "query"),
    now("watch", "keywords"),
    now("watch", "all"),
    now("watch", "exclude"),
    now("watch", "severity"),
    now("watch", "feeds"),
    now("watch", "sinks"),
    now("watch", "min_confidence"),
    later("watch", "near", "stories"),
    later("watch", "group", "stories"),
    later("watch", "repeat", "stories"),
    later("watch", "limit", "stories"),
    now("packs", "defaults"),
    now("packs", "path"),
    now("sink", "id"),
    now("sink", "type"),
    now("sink", "path"),
    now("sink", "rotate"),
    now("sink", "command"),
    now("sink", "url"),
    now("sink", "format"),
    now("sink", "secret"),
    now("sink", "token"),
    now("sink", "chat"),
    now("sink", "room"),
    now("sink", "routing_key"),
    now("sink", "template"),
    now("sink", "content_type"),
    now("sink", "subject"),
    now("sink", "credentials"),
    now("sink", "username"),
    now("sink", "password"),
    now("sink", "from"),
    now("sink", "to"),
    now("sink", "tls"),
    now("sink", "timeout"),
    now("sink", "batch"),
    now("sink", "retry"),
    now("sink", "private"),
    now("sink", "proxy"),
    now("sink", "min_severity"),
    now("sink", "rate"),
    now("sink", "concurrency"),
    later("sink", "merge", "stories"),
    later("sink", "digest", "stories"),
    later("sink", "quiet", "stories"),
    later("sink", "stale_after", "stories"),
];

/// How a section is written, for people.
pub fn heading(section: &str) -> String {
    match section {
        "" => "the top of the file".to_owned(),
        "feed" | "watch" | "sink" | "opml" | "route" | "heartbeat" => format!("`[[{section}]]`"),
        _ => format!("`[{section}]`"),
    }
}

/// The keys of one section.
pub fn of_section(section: &str) -> impl Iterator<Item = &'static Key> + Clone {
    KEYS.iter().filter(move |key| key.section == section)
}

//! What holds between the parts of a config: ids are unique, every name that is referred to exists, and what nothing
//! uses is said.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    ops::Range,
};

use super::{
    feed::FeedDraft,
    id::{FeedId, SinkId},
    problem::Problem,
    reader::Reader,
    settings::{FeedSelector, FeedSettings, SinkKind, SinkSettings, WatchSettings},
    sink::{CONSOLE, SinkDraft},
    suggest,
    value::is_plainly_private,
    watch::WatchDraft,
};

/// Notes each id that is taken already, naming both places.
pub(super) fn unique<'d, T: Display + Ord + 'd>(
    reader: &mut Reader<'_>,
    what: &str,
    ids: impl Iterator<Item = &'d (T, Range<usize>)>,
) {
    let mut first: BTreeMap<&T, &Range<usize>> = BTreeMap::new();
    for (id, span) in ids {
        if let Some(before) = first.get(id) {
            let place = reader.place(before);
            let (line, column) = place.line_column();
            let problem = Problem::error(format!("there are two {what} with the id `{id}`"));
            reader
                .note(span, problem.help(format!("the first is in line {line}, column {column}: give one another id")));
        } else {
            first.insert(id, span);
        }
    }
}

/// Notes each sink that is named and does not exist.
pub(super) fn sinks_exist(reader: &mut Reader<'_>, named: &[(SinkId, Range<usize>)], drafts: &[SinkDraft]) {
    let known = || drafts.iter().filter_map(|draft| draft.id.as_ref()).map(|(id, _)| id.as_str());
    for (id, span) in named {
        if id.as_str() != CONSOLE && !known().any(|known| known == id.as_str()) {
            let mut problem = Problem::error(format!("there is no sink `{id}`"));
            problem.help = suggest::did_you_mean(id.as_str(), known().chain([CONSOLE]).collect::<Vec<_>>());
            reader.note_of_the_whole(span, problem);
        }
    }
}

/// The names under which feeds can be selected.
pub(super) struct FeedNames<'d> {
    ids: BTreeSet<&'d FeedId>,
    tags: BTreeSet<&'d str>,
}

impl<'d> FeedNames<'d> {
    /// A feed with a mistake elsewhere in it still lends its name.
    pub fn of(drafts: &'d [FeedDraft], listed: &'d [FeedSettings]) -> Self {
        let written = drafts.iter().filter_map(|draft| draft.id.as_ref()).map(|(id, _)| id);
        let own = written.chain(drafts.iter().flat_map(|draft| &draft.ids));
        let own_tags = drafts.iter().flat_map(|draft| &draft.tags).map(|(tag, _)| tag);
        Self {
            ids: own.chain(listed.iter().map(|feed| &feed.id)).collect(),
            tags: own_tags.chain(listed.iter().flat_map(|feed| &feed.tags)).map(String::as_str).collect(),
        }
    }
}

/// Notes each feed that is named and does not exist, and each tag that no feed has.
pub(super) fn feeds_exist(
    reader: &mut Reader<'_>,
    named: &[(FeedSelector, Range<usize>)],
    FeedNames { ids, tags }: &FeedNames<'_>,
) {
    for (selector, span) in named {
        let problem = match selector {
            FeedSelector::Id(id) if !ids.contains(id) => {
                let mut problem = Problem::error(format!("there is no feed `{id}`"));
                problem.help = if tags.contains(id.as_str()) {
                    Some(format!("for the feeds with that tag, write `tag:{id}`"))
                } else {
                    suggest::did_you_mean(id.as_str(), ids.iter().map(|id| id.as_str()))
                };
                problem
            }
            FeedSelector::Tag(tag) if !tags.contains(tag.as_str()) => {
                let mut problem = Problem::warning(format!("no feed has the tag `{tag}`"));
                problem.help =
                    suggest::nearest(tag, tags.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                problem
            }
            FeedSelector::Id(_) | FeedSelector::Tag(_) => continue,
        };
        reader.note_of_the_whole(span, problem);
    }
}

/// The parts of a config, as written and as they came out.
pub(super) struct Parts<'d> {
    pub feed_drafts: &'d [FeedDraft],
    /// Whether feeds may come from elsewhere: an OPML list, or wirewatch's own commands.
    pub has_other_feeds: bool,
    pub watch_drafts: &'d [WatchDraft],
    pub watches: &'d [WatchSettings],
    pub sink_drafts: &'d [SinkDraft],
    pub sinks: &'d [SinkSettings],
    /// Each list's name and place.
    pub lists: &'d [(String, Range<usize>)],
}

/// Notes what nothing uses. Only for a config without errors: a mistake elsewhere makes much look unused.
pub(super) fn unused(reader: &mut Reader<'_>, parts: &Parts<'_>) {
    let whole_file = 0..0;
    if parts.feed_drafts.is_empty() && !parts.has_other_feeds {
        let problem = Problem::warning("there are no feeds, so there is nothing to poll");
        let help = "add a `[[feed]]` with a `url`, or let `wirewatch feeds add URL` do it";
        reader.note_of_the_whole(&whole_file, problem.help(help));
    }
    if parts.watches.is_empty() {
        let problem = Problem::warning("there are no watches, so nothing will ever match");
        reader.note_of_the_whole(&whole_file, problem.help("add a `[[watch]]`, or set `defaults = true` in `[packs]`"));
    }
    unused_sinks(reader, parts);
    unread_feeds(reader, parts);
    unused_tags_and_lists(reader, parts);
    for draft in parts.watch_drafts.iter().filter(|draft| draft.sinks.as_ref().is_some_and(Vec::is_empty)) {
        let problem = Problem::warning("this watch has no sinks: its alerts are stored and sent nowhere");
        reader.note_of_the_whole(&draft.span, problem.help("leave `sinks` out to send them to the default ones"));
    }
}

fn unused_sinks(reader: &mut Reader<'_>, parts: &Parts<'_>) {
    for (id, span) in parts.sink_drafts.iter().filter_map(|draft| draft.id.as_ref()) {
        let users = || parts.watches.iter().filter(|watch| watch.sinks.contains(id));
        if users().next().is_none() {
            let problem = Problem::warning(format!("nothing is sent to the sink `{id}`"));
            reader.note_of_the_whole(span, problem.help("name it in the `sinks` of a watch or of `[defaults]`"));
            continue;
        }
        let least = parts.sinks.iter().find(|sink| sink.id == *id).map(|sink| sink.min_severity);
        let loudest = users().map(|watch| watch.severity).max();
        if loudest < least {
            let problem = Problem::warning(format!("no watch of the sink `{id}` is as severe as its `min_severity`"));
            reader.note_of_the_whole(span, problem);
        }
    }
}

fn unread_feeds(reader: &mut Reader<'_>, parts: &Parts<'_>) {
    let reads = |watch: &WatchSettings, draft: &FeedDraft| {
        watch.feeds.is_empty()
            || watch.feeds.iter().any(|selector| match selector {
                FeedSelector::Id(id) => draft.is_called(id),
                FeedSelector::Tag(tag) => draft.tags.iter().any(|(own, _)| own == tag),
            })
    };
    for draft in parts.feed_drafts {
        if !parts.watches.is_empty() && !parts.watches.iter().any(|watch| reads(watch, draft)) {
            let span = draft.id.as_ref().map_or(&draft.span, |(_, span)| span);
            let problem = Problem::warning("no watch reads this feed");
            reader.note_of_the_whole(span, problem.help("name it, or one of its tags, in the `feeds` of a watch"));
        }
    }
    let mut urls: BTreeMap<&str, &Range<usize>> = BTreeMap::new();
    for draft in parts.feed_drafts {
        let Some((url, span)) = draft.url() else { continue };
        if let Some(first) = urls.get(url) {
            let line = reader.line_of(first);
            reader.note_of_the_whole(span, Problem::warning(format!("the feed in line {line} has the same `url`")));
        } else {
            urls.insert(url, span);
        }
    }
}

/// Queries are texts to this room, so a tag or list counts as used where its name stands in one behind its mark.
fn unused_tags_and_lists(reader: &mut Reader<'_>, parts: &Parts<'_>) {
    let in_a_query = |mark: &str, name: &str| {
        let names = [format!("{mark}{name}"), format!("{mark}\"{name}\"")];
        parts.watches.iter().any(|watch| names.iter().any(|name| watch.query.text.contains(name.as_str())))
    };
    let selected = |tag: &str| {
        let is_tag = |selector: &FeedSelector| matches!(selector, FeedSelector::Tag(own) if own == tag);
        parts.watches.iter().any(|watch| watch.feeds.iter().any(is_tag))
    };
    let mut looked_at: BTreeSet<&str> = BTreeSet::new();
    for (tag, span) in parts.feed_drafts.iter().flat_map(|draft| &draft.tags) {
        if looked_at.insert(tag) && !selected(tag) && !in_a_query("tag:", tag) {
            reader.note_of_the_whole(span, Problem::warning(format!("no watch uses the tag `{tag}`")));
        }
    }
    for (list, span) in parts.lists {
        if !in_a_query("@", list) {
            let problem = Problem::warning(format!("no query uses the list `{list}`"));
            reader.note_of_the_whole(span, problem.help(format!("write `@{list}` in a query")));
        }
    }
}

/// Notes each webhook whose every delivery would be refused.
pub(super) fn refused_sinks(reader: &mut Reader<'_>, drafts: &[SinkDraft], allow_private: bool) {
    for draft in drafts {
        let (Some((id, span)), Some(settings)) = (&draft.id, &draft.settings) else { continue };
        let SinkKind::Webhook(webhook) = &settings.kind else { continue };
        if !allow_private && !webhook.private && is_plainly_private(&webhook.url) {
            let problem = Problem::warning(format!("the address of the sink `{id}` is private: nothing is sent there"));
            reader.note_of_the_whole(span, problem.help("`private = true` on the sink allows it"));
        }
    }
}

/// Whether the implicit console is among the sinks that a watch has by default: another sink on standard output
/// would print each alert twice.
pub(super) fn console_is_default(sinks: &[SinkSettings]) -> bool {
    !sinks.iter().any(|sink| matches!(sink.kind, SinkKind::Stdout { .. }))
}

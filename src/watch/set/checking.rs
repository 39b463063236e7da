//! Many queries checked against the same names: those of the config, of packs, and of the other watches.

use std::cell::LazyCell;

use rustc_hash::FxHashSet;

use super::{CompileContext, WatchSet};
use crate::{
    config::{Problem, WatchSettings},
    watch::{
        defined::leaders,
        language::{
            self, CheckedQuery, Known,
            check::{Party, WatchNames},
            list::Lists,
        },
        round::Held,
        topic::TOPICS,
    },
};

/// What queries are checked against, gathered once for all of them.
pub(super) struct Checking<'a> {
    context: CompileContext<'a>,
    lists: Lists,
    feeds: Vec<&'a str>,
    tags: Vec<&'a str>,
    parties: Vec<Party<'a>>,
    names: &'a (dyn WatchNames + Sync),
    may_lack_names: bool,
}

impl<'a> Checking<'a> {
    pub fn new(context: CompileContext<'a>, names: &'a (dyn WatchNames + Sync), may_lack_names: bool) -> Self {
        let places = context.packs.entities.places.iter();
        Self {
            lists: Lists::new(context.lists, &context.packs.rules.lists),
            feeds: context.feeds.iter().map(|feed| feed.id.as_str()).collect(),
            tags: context.feeds.iter().flat_map(|feed| &feed.tags).map(String::as_str).collect(),
            parties: places.map(|place| Party { id: &place.id.0, name: &place.name, kind: place.kind }).collect(),
            context,
            names,
            may_lack_names,
        }
    }

    pub fn each(
        &self,
        watches: &[WatchSettings],
        mut see: impl FnMut(&WatchSettings, (Option<CheckedQuery>, Vec<Problem>)),
    ) {
        let leaders = LazyCell::new(|| leaders(&self.context.packs.entities));
        let defined = self.context.packs.defined.topics.iter().map(|topic| topic.id.as_str());
        let topics: Vec<&str> = TOPICS.into_iter().chain(defined).collect();
        let known = Known {
            lists: &self.lists,
            feeds: &self.feeds,
            tags: &self.tags,
            watches: self.names,
            may_lack_names: self.may_lack_names,
            topics: &topics,
            parties: &self.parties,
            leaders: &leaders,
        };
        for watch in watches {
            see(watch, language::compile(&watch.query, known));
        }
    }
}

/// Queries are read in blocks of so many watches: fewer are not worth a thread.
pub(super) const BLOCK: usize = 1024;
/// One thread cannot put on a shelf what more than this can read.
pub(super) const THREADS_MAX: usize = 4;

/// The watches of a set, and one that is about to be added.
pub(super) struct Beside<'a> {
    pub set: &'a WatchSet,
    pub id: &'a str,
}

impl WatchNames for Beside<'_> {
    fn has(&self, id: &str) -> bool {
        id == self.id || self.set.find(id).is_some()
    }

    fn all(&self) -> Vec<&str> {
        let of =
            |held: &'_ Held| (0..held.shelf.len() as u32).filter(|&watch| !held.removed.has(watch)).collect::<Vec<_>>();
        let shelved = self.set.shelves.iter().flat_map(|held| of(held).into_iter().map(|watch| held.shelf.id(watch)));
        shelved.chain([self.id]).collect()
    }
}

impl WatchNames for FxHashSet<&str> {
    fn has(&self, id: &str) -> bool {
        self.contains(id)
    }

    fn all(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.iter().copied().collect();
        all.sort_unstable();
        all
    }
}

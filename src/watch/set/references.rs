//! Watches that refer to watches: never in a circle, and not too deep.

use rustc_hash::FxHashMap;

use super::{WatchSet, whole};
use crate::{
    config::{Problem, WatchSettings},
    watch::round::{REFERENCES_DEEP_MAX, WatchPlace},
};

/// What may be wrong with references.
enum Wrong {
    Circle,
    Deep,
}

impl WatchSet {
    /// What is wrong with how watches refer to each other: in a circle, or too deep. `watches` are those that came now;
    /// others may refer to them.
    pub(super) fn circle(&self, watches: &[WatchSettings]) -> Option<Problem> {
        let mut known = FxHashMap::default();
        let new = watches.iter().filter_map(|watch| self.find(watch.id.as_str()));
        let referring = self.shelves.iter().enumerate().flat_map(|(shelf, held)| {
            let there = held.shelf.referring().iter().filter(|&&watch| !held.removed.has(watch));
            there.map(move |&watch| WatchPlace { shelf, watch })
        });
        new.chain(referring).find_map(|start| {
            let mut way = Vec::new();
            let wrong = self.depth(start, &mut way, &mut known).err()?;
            let id = |place: &WatchPlace| self.shelves[place.shelf].shelf.id(place.watch);
            let way: Vec<&str> = way.iter().map(id).collect();
            let message = match wrong {
                Wrong::Circle => format!("`watch:` goes in a circle: {}", way.join(" → ")),
                Wrong::Deep => {
                    format!("`watch:` leads deeper than {REFERENCES_DEEP_MAX} watches, from `{}` on", way[0])
                }
            };
            let problem = Problem::error(message);
            let asked = watches.iter().find(|watch| watch.id.as_str() == way[0]).or(watches.first());
            Some(match asked {
                Some(watch) => problem.at(whole(watch)),
                None => problem,
            })
        })
    }

    /// How many watches are on the longest way down from `watch`, itself among them.
    fn depth(
        &self,
        watch: WatchPlace,
        way: &mut Vec<WatchPlace>,
        known: &mut FxHashMap<WatchPlace, usize>,
    ) -> Result<usize, Wrong> {
        if let Some(&depth) = known.get(&watch) {
            return Ok(depth);
        }
        let is_back = way.contains(&watch);
        way.push(watch);
        if is_back {
            return Err(Wrong::Circle);
        }
        let mut depth = 1;
        for next in self.shelves[watch.shelf].shelf.referred(watch.watch).into_iter().filter_map(|id| self.find(id)) {
            if way.len() > REFERENCES_DEEP_MAX {
                return Err(Wrong::Deep);
            }
            depth = depth.max(1 + self.depth(next, way, known)?);
        }
        if depth > REFERENCES_DEEP_MAX {
            return Err(Wrong::Deep);
        }
        way.pop();
        known.insert(watch, depth);
        Ok(depth)
    }
}

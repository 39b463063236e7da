//! Algebra over where things stand: NEAR, counting, parts of the article.

use std::{cell::Cell, ops::Range};

use super::Hit;
use crate::article::Field;

/// A stretch of places: a hit, or what a NEAR spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// In which text.
    pub field: Field,
    /// First place.
    pub first: u32,
    /// Last place.
    pub last: u32,
    /// Whether it came of a NEAR, so that other words may stand inside.
    pub has_gaps: bool,
}

impl From<Hit> for Span {
    fn from(hit: Hit) -> Self {
        Self { field: hit.field, first: hit.first, last: hit.last, has_gaps: false }
    }
}

/// One watch may take so many steps on one article, some tens of milliseconds. Only built texts come near.
const STEPS_MAX: u64 = 4_000_000;

/// The steps that a watch has left on an article.
#[derive(Debug)]
pub struct Steps(Cell<u64>);

/// A watch ran out of its steps: nobody knows whether it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undecided;

impl Default for Steps {
    fn default() -> Self {
        Self(Cell::new(STEPS_MAX))
    }
}

impl Steps {
    /// Takes some.
    pub fn take(&self, steps: usize) -> Result<(), Undecided> {
        let left = self.0.get().checked_sub(steps as u64).ok_or(Undecided)?;
        self.0.set(left);
        Ok(())
    }
}

/// The spans of every pair that is close enough. Both sides are sorted, and so is what comes out.
pub fn near(
    left: &[Span],
    right: &[Span],
    ordered: bool,
    distance: u32,
    steps: &Steps,
) -> Result<Vec<Span>, Undecided> {
    let longest = right.iter().map(|span| span.last - span.first).max().unwrap_or(0);
    let mut found = Vec::new();
    for &a in left {
        // Right is sorted by first place alone, so a long span may begin far to the left and still reach here.
        let from = (a.field, a.first.saturating_sub(distance + longest));
        let start = right.partition_point(|b| (b.field, b.first) < from);
        let close = right[start..].iter().take_while(|b| b.field == a.field && b.first <= a.last + distance);
        for &b in close {
            steps.take(1)?;
            let is_close = if ordered {
                a.last < b.first && b.first - a.last <= distance
            } else {
                apart(a, b).is_some_and(|places| places <= distance)
            };
            if is_close {
                let (first, last) = (a.first.min(b.first), a.last.max(b.last));
                found.push(Span { field: a.field, first, last, has_gaps: true });
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Of each span on the left, the widest stretches that it makes with one on the right: enough to tell whether there is any,
/// and what lies inside. Costs no more than sorting. `None` where spans have gaps or lie inside each other, so that the
/// widest do not stand for all.
pub fn near_widest(left: &[Span], right: &[Span], ordered: bool, distance: u32) -> Option<Vec<Span>> {
    let is_plain = |spans: &[Span]| {
        spans.iter().all(|span| !span.has_gaps)
            && spans.windows(2).all(|w| (w[0].field, w[0].last) <= (w[1].field, w[1].last))
    };
    if !is_plain(left) || !is_plain(right) {
        return None;
    }
    let mut found = Vec::new();
    for &a in left {
        let mut add = |b: Span| {
            let (first, last) = (a.first.min(b.first), a.last.max(b.last));
            found.push(Span { field: a.field, first, last, has_gaps: true });
        };
        let behind = right.partition_point(|b| (b.field, b.first) <= (a.field, a.last.saturating_add(distance)));
        if let Some(&b) = behind.checked_sub(1).map(|i| &right[i])
            && b.field == a.field
            && b.first > a.last
        {
            add(b);
        }
        let before = right.partition_point(|b| (b.field, b.last) < (a.field, a.first.saturating_sub(distance)));
        if let Some(&b) = right.get(before)
            && !ordered
            && b.field == a.field
            && b.last < a.first
        {
            add(b);
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// Places between the nearer edges, neighbours being 1 apart. `None` where they share a word: a word is not near itself.
fn apart(a: Span, b: Span) -> Option<u32> {
    if a.last < b.first {
        return Some(b.first - a.last);
    }
    if b.last < a.first {
        return Some(a.first - b.last);
    }
    let lies_in = |inner: Span, outer: Span| outer.has_gaps && outer.first < inner.first && inner.last < outer.last;
    let both_have_gaps = a.has_gaps && b.has_gaps && (a.first, a.last) != (b.first, b.last);
    (lies_in(a, b) || lies_in(b, a) || both_have_gaps).then_some(0)
}

/// The fewest places between a span on the left and one on the right in the same field, for who asks why none were near
/// enough. Gaps are taken for solid.
pub fn nearest(left: &[Span], right: &[Span], ordered: bool) -> Option<u32> {
    let of = |&a: &Span| {
        let behind = right.partition_point(|b| (b.field, b.first) <= (a.field, a.last));
        let behind = right.get(behind).filter(|b| b.field == a.field).map(|b| b.first - a.last);
        let before = right.iter().take_while(|b| (b.field, b.first) < (a.field, a.first));
        let before = before.filter(|b| !ordered && b.field == a.field && b.last < a.first).map(|b| a.first - b.last);
        behind.into_iter().chain(before.min()).min()
    };
    left.iter().take(NEAREST_OF_MAX).filter_map(of).min()
}

/// Of more spans than this, the first are enough to show how far apart things are.
const NEAREST_OF_MAX: usize = 1000;

/// How many of them stand beside each other without sharing a word.
pub fn count(spans: &[Span]) -> usize {
    let mut by_end = spans.to_vec();
    by_end.sort_unstable_by_key(|span| (span.field, span.last, span.first));
    let mut counted = 0;
    let mut end: Option<(Field, u32)> = None;
    for span in by_end {
        if end.is_none_or(|end| end < (span.field, span.first)) {
            counted += 1;
            end = Some((span.field, span.last));
        }
    }
    counted
}

/// Those of `hits` that lie inside one of `spans`; both sorted.
pub fn inside<T: Copy>(hits: &[(Hit, T)], spans: &[Span]) -> Vec<(Hit, T)> {
    // The span that reaches farthest among those that begin no later: if any holds the hit, this one does.
    let mut farthest: Vec<(Field, u32, u32)> = Vec::with_capacity(spans.len());
    for span in spans {
        let before = farthest.last().filter(|&&(field, ..)| field == span.field).map_or(0, |&(_, _, last)| last);
        farthest.push((span.field, span.first, span.last.max(before)));
    }
    let holds = |hit: &Hit| {
        let index = farthest.partition_point(|&(field, first, _)| (field, first) <= (hit.field, hit.first));
        index.checked_sub(1).is_some_and(|i| farthest[i].0 == hit.field && farthest[i].2 >= hit.last)
    };
    hits.iter().filter(|(hit, _)| holds(hit)).copied().collect()
}

/// The part of an article that is looked at: places of each field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region([Range<u32>; 3]);

impl Region {
    /// All of it.
    pub fn whole() -> Self {
        Self([0..u32::MAX, 0..u32::MAX, 0..u32::MAX])
    }

    /// Whether it is all of the article.
    pub fn is_whole(&self) -> bool {
        self.0.iter().all(|places| *places == (0..u32::MAX))
    }

    /// One field.
    pub fn field(field: Field) -> Self {
        Self::part(field, 0..u32::MAX)
    }

    /// Some places of one field.
    pub fn part(field: Field, places: Range<u32>) -> Self {
        let mut region = Self([0..0, 0..0, 0..0]);
        region.0[field as usize] = places;
        region
    }

    /// Title and the first places of the body.
    pub fn lead(places: u32) -> Self {
        Self([0..u32::MAX, 0..0, 0..places])
    }

    /// What both hold.
    pub fn and(&self, other: &Self) -> Self {
        let meet = |i: usize| {
            let (a, b) = (&self.0[i], &other.0[i]);
            let start = a.start.max(b.start);
            start..a.end.min(b.end).max(start)
        };
        Self([meet(0), meet(1), meet(2)])
    }

    /// Whether a hit lies in it, whole.
    pub fn holds(&self, hit: &Hit) -> bool {
        let places = &self.0[hit.field as usize];
        places.start <= hit.first && hit.last < places.end
    }

    /// Those of `hits` that lie in it; they are sorted.
    pub fn of<'h>(&self, hits: &'h [Hit]) -> impl Iterator<Item = &'h Hit> {
        Field::ALL.into_iter().flat_map(move |field| {
            let places = self.0[field as usize].clone();
            let start = hits.partition_point(|hit| (hit.field, hit.first) < (field, places.start));
            let end = hits.partition_point(|hit| (hit.field, hit.first) < (field, places.end));
            hits[start..end.max(start)].iter().filter(move |hit| hit.last < places.end)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(first: u32, last: u32) -> Span {
        Span { field: Field::Body, first, last, has_gaps: false }
    }

    #[test]
    fn near_counts_from_the_nearer_edge() {
        let steps = Steps::default();
        let near = |a, b, distance| !near(&[a], &[b], false, distance, &steps).unwrap().is_empty();
        assert!(near(at(0, 0), at(1, 1), 1));
        assert!(near(at(4, 5), at(1, 2), 2));
        assert!(!near(at(4, 5), at(1, 2), 1));
        assert!(!near(at(3, 3), at(3, 3), 5), "a word is not near itself");
    }

    proptest::proptest! {
        #[test]
        fn widest_stretches_hold_what_all_hold(
            left in proptest::collection::vec((0..40u32, 0..3u32), 0..12),
            right in proptest::collection::vec((0..40u32, 0..3u32), 0..12),
            ordered: bool, distance in 1..8u32,
        ) {
            let spans = |pairs: Vec<(u32, u32)>| {
                let mut spans: Vec<Span> = pairs.into_iter().map(|(first, len)| at(first, first + len)).collect();
                spans.sort_unstable();
                spans.dedup();
                spans
            };
            let (left, right) = (spans(left), spans(right));
            if let Some(widest) = near_widest(&left, &right, ordered, distance) {
                let all = near(&left, &right, ordered, distance, &Steps::default()).unwrap();
                let holds = |spans: &[Span], place: u32| spans.iter().any(|s| s.first <= place && place <= s.last);
                proptest::prop_assert!((0..50).all(|place| holds(&all, place) == holds(&widest, place)));
                proptest::prop_assert!(widest.iter().all(|span| all.contains(span)));
            }
        }
    }

    #[test]
    fn many_frequent_words_run_out_of_steps_instead_of_time() {
        let spans: Vec<Span> = (0..100_000).map(|i| at(i, i)).collect();
        assert_eq!(near(&spans, &spans, false, 100, &Steps::default()), Err(Undecided));
    }

    #[test]
    fn counts_without_overlap() {
        assert_eq!(count(&[at(0, 1), at(1, 1), at(1, 2), at(3, 3)]), 2);
        assert_eq!(count(&[at(0, 0), at(1, 1), at(2, 2)]), 3);
    }
}

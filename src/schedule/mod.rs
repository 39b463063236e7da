//! When each feed is next due, and whose turn it is. A plain value without clock or task: the daemon asks it what to poll
//! now and when to ask again, and a test plays a month in a loop.

mod interval;
pub mod pace;
mod rhythm;
mod mood;
mod turns;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

pub use interval::{
    HINT_MAX, Known, NEVER, NextPoll, PollBounds, PollOutcome, PollReason, first_due, next_poll, spread_start,
};
pub use pace::Pace;
pub use rhythm::Rhythm;
pub use turns::{HostKey, Limits, Spacing};

use self::{
    interval::START_GAP,
    turns::{HostIndex, Turns},
};
use crate::config::FeedId;

/// A clock that goes back by more than this was set, not trimmed, and takes all dues back with it: otherwise a day's
/// step would silence every feed for a day.
const CLOCK_STEP_BACK: TimeDelta = TimeDelta::minutes(1);

/// A feed that became due so long ago without being asked for was slept through, or the clock was set forward. Far above
/// what a busy daemon is late.
const SLEPT_MIN: TimeDelta = TimeDelta::minutes(1);

/// What was slept through is caught up with over at most this.
const CATCH_UP_MAX: Duration = Duration::from_secs(15 * 60);

/// Void entries that the heap may hold beyond one for each feed before it is swept.
const VOID_SLACK: usize = 64;

/// Which feeds are polled when. Each call costs O(log feeds) for each feed it moves; a feed costs about 150 bytes.
#[derive(Debug)]
pub struct Scheduler {
    by_id: HashMap<FeedId, SlotIndex>,
    slots: Vec<Slot>,
    /// Places in `slots` of feeds that are no more.
    free: Vec<SlotIndex>,
    /// Feeds that wait for their time, earliest first. Cleaned lazily: an entry whose ticket is void is passed over.
    heap: BinaryHeap<Reverse<(DateTime<Utc>, Ticket)>>,
    /// Feeds whose time has come, waiting for a permit.
    turns: Turns<Ticket>,
    /// The latest `now` that was passed in.
    seen: Option<DateTime<Utc>>,
}

type SlotIndex = u32;

/// A feed's place in the heap or a queue, valid until anything about the feed changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ticket {
    slot: SlotIndex,
    issue: u32,
}

#[derive(Debug)]
struct Slot {
    /// `None` when free.
    feed: Option<FeedId>,
    host: HostIndex,
    issue: u32,
    /// The host whose permit it holds while it is polled, which a reload may have changed meanwhile.
    in_flight: Option<HostIndex>,
    /// Removed while it was polled: forgotten when the poll ends.
    is_leaving: bool,
}

impl Scheduler {
    /// One without feeds.
    pub fn new(limits: Limits) -> Self {
        Self {
            by_id: HashMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            heap: BinaryHeap::new(),
            turns: Turns::new(limits),
            seen: None,
        }
    }

    /// Takes a feed in, first due at `first_due`. One that is known takes the new host and time; one that is being polled
    /// keeps the time that its end will name.
    pub fn add(&mut self, feed: FeedId, host: HostKey, first_due: DateTime<Utc>) {
        let host = self.turns.join(host);
        let slot = match self.by_id.get(&feed) {
            Some(&slot) => {
                let old = &mut self.slots[slot as usize];
                let left = std::mem::replace(&mut old.host, host);
                old.is_leaving = false;
                self.turns.leave(left);
                slot
            }
            None => self.new_slot(feed, host),
        };
        if self.slots[slot as usize].in_flight.is_none() {
            self.due_at(slot, first_due);
        }
        self.clean();
    }

    /// Forgets a feed; one that is being polled is forgotten when the poll ends.
    pub fn remove(&mut self, feed: &FeedId) {
        let Some(&slot) = self.by_id.get(feed) else { return };
        if self.slots[slot as usize].in_flight.is_some() {
            self.slots[slot as usize].is_leaving = true;
        } else {
            self.drop_slot(slot);
        }
        self.clean();
    }

    /// The feeds to poll now, as far as permits last. They are in flight until [`Scheduler::finished`].
    pub fn take_due(&mut self, now: DateTime<Utc>) -> Vec<FeedId> {
        self.notice_clock(now);
        self.notice_sleep(now);
        while let Some(Reverse((due, ticket))) = self.heap.peek().copied() {
            if due > now {
                break;
            }
            self.heap.pop();
            if is_valid(&self.slots, ticket) {
                self.turns.wait(self.slots[ticket.slot as usize].host, ticket);
            }
        }
        let mut taken = Vec::new();
        while let Some((host, ticket)) = self.turns.take(now, |ticket| is_valid(&self.slots, *ticket)) {
            let slot = &mut self.slots[ticket.slot as usize];
            slot.in_flight = Some(host);
            slot.issue = slot.issue.wrapping_add(1);
            taken.extend(slot.feed.clone());
        }
        self.clean();
        taken
    }

    /// When to call [`Scheduler::take_due`] again: a time that may be past, or `None` when nothing can be taken before a
    /// poll ends.
    pub fn next_wake(&self) -> Option<DateTime<Utc>> {
        if self.turns.is_full() {
            return None;
        }
        if self.turns.has_ready() {
            return self.seen;
        }
        let due = self.heap.peek().map(|Reverse((due, _))| *due);
        [due, self.turns.next_opening()].into_iter().flatten().min()
    }

    /// A feed that is being polled was answered well.
    pub fn answered(&mut self, feed: &FeedId, at: DateTime<Utc>) {
        if let Some(host) = self.host_in_flight(feed) {
            self.turns.answered(host, at);
        }
    }

    /// A feed that is being polled was told to wait. Where it is not the first of its host, all of the host's feeds wait:
    /// gives until when, and which feeds these are.
    pub fn not_now(
        &mut self,
        feed: &FeedId,
        at: DateTime<Utc>,
        wait: Duration,
    ) -> Option<(DateTime<Utc>, Vec<FeedId>)> {
        let host = self.host_in_flight(feed)?;
        let until = self.turns.not_now(host, *self.by_id.get(feed)?, at, wait)?;
        let feeds = self.slots.iter().filter(|slot| slot.host == host).filter_map(|slot| slot.feed.clone());
        Some((until, feeds.collect()))
    }

    fn host_in_flight(&self, feed: &FeedId) -> Option<HostIndex> {
        self.slots[*self.by_id.get(feed)? as usize].in_flight
    }

    /// A poll has ended: frees its permit; the feed is due again at `next`, or not at all at [`NEVER`].
    pub fn finished(&mut self, feed: &FeedId, next: DateTime<Utc>) {
        let Some(&slot) = self.by_id.get(feed) else { return };
        let Some(host) = self.slots[slot as usize].in_flight.take() else { return };
        self.turns.done(host);
        if self.slots[slot as usize].is_leaving {
            self.drop_slot(slot);
        } else {
            self.due_at(slot, next);
        }
        self.clean();
    }

    /// How many feeds it knows.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    fn new_slot(&mut self, feed: FeedId, host: HostIndex) -> SlotIndex {
        let index = match self.free.pop() {
            Some(index) => {
                // The count of tickets goes on, so that those of the feed before stay void.
                let slot = &mut self.slots[index as usize];
                slot.feed = Some(feed.clone());
                slot.host = host;
                index
            }
            None => {
                self.slots.push(Slot { feed: Some(feed.clone()), host, issue: 0, in_flight: None, is_leaving: false });
                SlotIndex::try_from(self.slots.len() - 1)
                    .expect("a config of four billion feeds does not fit in memory")
            }
        };
        self.by_id.insert(feed, index);
        index
    }

    fn drop_slot(&mut self, index: SlotIndex) {
        let slot = &mut self.slots[index as usize];
        slot.issue = slot.issue.wrapping_add(1);
        slot.is_leaving = false;
        self.turns.leave(slot.host);
        if let Some(feed) = slot.feed.take() {
            self.by_id.remove(&feed);
        }
        self.free.push(index);
    }

    fn due_at(&mut self, index: SlotIndex, due: DateTime<Utc>) {
        let slot = &mut self.slots[index as usize];
        slot.issue = slot.issue.wrapping_add(1);
        // What is long due when it is named is due now: only what passes its time here was slept through.
        let due = self.seen.map_or(due, |seen| due.max(seen));
        if due < NEVER {
            self.heap.push(Reverse((due, Ticket { slot: index, issue: slot.issue })));
        }
    }

    /// Keeps the heap's top valid, so that nobody is woken for nothing, and its size near the number of feeds.
    fn clean(&mut self) {
        while self.heap.peek().is_some_and(|Reverse((_, ticket))| !is_valid(&self.slots, *ticket)) {
            self.heap.pop();
        }
        if self.heap.len() > 2 * self.by_id.len() + VOID_SLACK {
            self.heap.retain(|Reverse((_, ticket))| is_valid(&self.slots, *ticket));
        }
    }

    fn notice_clock(&mut self, now: DateTime<Utc>) {
        if let Some(seen) = self.seen
            && seen - now > CLOCK_STEP_BACK
        {
            let step = seen - now;
            let moved = std::mem::take(&mut self.heap).into_iter();
            self.heap = moved.map(|Reverse((due, ticket))| Reverse((due - step, ticket))).collect();
            self.turns.shift(step);
        }
        self.seen = Some(now);
    }

    /// Pulls apart what became due while nobody asked: a machine that wakes up shall not ask all its servers at once.
    fn notice_sleep(&mut self, now: DateTime<Utc>) {
        if self.heap.peek().is_none_or(|Reverse((due, _))| now - *due <= SLEPT_MIN) {
            return;
        }
        let mut missed = Vec::new();
        while let Some(Reverse((due, ticket))) = self.heap.peek().copied() {
            if due > now {
                break;
            }
            self.heap.pop();
            if is_valid(&self.slots, ticket) {
                missed.push(ticket);
            }
        }
        let step = START_GAP.min(CATCH_UP_MAX / u32::try_from(missed.len().max(1)).unwrap_or(u32::MAX));
        let mut due = now;
        for ticket in missed {
            self.heap.push(Reverse((due, ticket)));
            due += step;
        }
    }
}

fn is_valid(slots: &[Slot], ticket: Ticket) -> bool {
    let slot = &slots[ticket.slot as usize];
    slot.issue == ticket.issue && slot.feed.is_some()
}

#[cfg(test)]
mod tests;

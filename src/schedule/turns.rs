//! Whose turn it is when more feeds are due than may be polled at once: hosts take turns, and within a host the feed
//! that became due first. A host with a thousand due feeds so waits behind itself, not in front of the others. Requests to
//! one host are also kept apart in time, and a host that asks for it is left alone.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    net::IpAddr,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::mood::Mood;
use crate::config::FeedSource;

/// What counts as one host for `per_host`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostKey(Box<str>);

impl HostKey {
    /// The host of a feed's URL; all files are one host, which is this machine's disk, and each program one.
    pub fn of(source: &FeedSource) -> Self {
        match source {
            FeedSource::Http(url) => Self::new(url.host_str().unwrap_or_default()),
            FeedSource::File(_) => Self::new(FILES),
            // Each program is a host of its own: one that hangs delays no other.
            FeedSource::Exec { program, .. } => Self::new(&format!("{PROGRAM}{}", program.display())),
        }
    }

    /// The host of this name.
    pub fn new(name: &str) -> Self {
        Self(name.to_ascii_lowercase().into())
    }

    /// Whether it is the machine that we run on, whose owner needs no politeness.
    fn is_this_machine(&self) -> bool {
        let name = self.0.trim_matches(['[', ']']);
        name == FILES
            || name.starts_with(PROGRAM)
            || name == "localhost"
            || name.parse().is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback())
    }
}

/// Stands for the host of all files.
const FILES: &str = "file:";
/// Stands in front of a program, which is a host of its own.
const PROGRAM: &str = "exec:";

/// How far apart the beginnings of two requests to one host are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spacing {
    /// This far, …
    pub gap: Duration,
    /// … unless the host has so many feeds that half of this would not be enough for all of them.
    pub cycle: Duration,
}

impl Spacing {
    /// None at all.
    pub const NONE: Self = Self { gap: Duration::ZERO, cycle: Duration::ZERO };

    fn for_feeds(&self, feeds: usize) -> Duration {
        self.gap.min(self.cycle / u32::try_from(feeds.saturating_mul(2).max(1)).unwrap_or(u32::MAX))
    }
}

/// How much may go on at once. At least 1 each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Polls in all.
    pub concurrency: usize,
    /// Polls to one host.
    pub per_host: usize,
    /// Between the beginnings of two polls to one host; those to this machine are not kept apart.
    pub spacing: Spacing,
}

/// Index of a host in [`Turns`].
pub(super) type HostIndex = u32;

/// Permits, and queues in front of them, of tickets `T`.
#[derive(Debug)]
pub(super) struct Turns<T> {
    limits: Limits,
    in_flight: usize,
    by_name: HashMap<HostKey, HostIndex>,
    hosts: Vec<HostTurns<T>>,
    /// Places in `hosts` of hosts that are no more.
    free: Vec<HostIndex>,
    /// Hosts that have both a ticket waiting and a permit left, each once, in the order of their turns.
    rotation: VecDeque<HostIndex>,
    /// Such hosts whose next request has to wait for its time.
    resting: BinaryHeap<Reverse<(DateTime<Utc>, HostIndex)>>,
}

#[derive(Debug)]
struct HostTurns<T> {
    key: HostKey,
    /// How many feeds name it; at 0, with nothing in flight, it is forgotten.
    feeds: usize,
    in_flight: usize,
    waiting: VecDeque<T>,
    /// Or among those that rest.
    is_in_rotation: bool,
    is_spaced: bool,
    /// No request to it begins before this.
    opens: Option<DateTime<Utc>>,
    mood: Mood,
}

impl<T> Turns<T> {
    pub(super) fn new(limits: Limits) -> Self {
        let limits = Limits { concurrency: limits.concurrency.max(1), per_host: limits.per_host.max(1), ..limits };
        Self {
            limits,
            in_flight: 0,
            by_name: HashMap::new(),
            hosts: Vec::new(),
            free: Vec::new(),
            rotation: VecDeque::new(),
            resting: BinaryHeap::new(),
        }
    }

    /// Counts one more feed of a host.
    pub(super) fn join(&mut self, key: HostKey) -> HostIndex {
        if let Some(&index) = self.by_name.get(&key) {
            self.hosts[index as usize].feeds += 1;
            return index;
        }
        let host = HostTurns {
            is_spaced: !key.is_this_machine(),
            key: key.clone(),
            feeds: 1,
            in_flight: 0,
            waiting: VecDeque::new(),
            is_in_rotation: false,
            opens: None,
            mood: Mood::default(),
        };
        let index = match self.free.pop() {
            Some(index) => {
                self.hosts[index as usize] = host;
                index
            }
            None => {
                self.hosts.push(host);
                HostIndex::try_from(self.hosts.len() - 1).expect("feeds are counted in u32, hosts are fewer")
            }
        };
        self.by_name.insert(key, index);
        index
    }

    /// Counts one feed less. Its tickets stay where they are until their turn, and are void then.
    pub(super) fn leave(&mut self, host: HostIndex) {
        self.hosts[host as usize].feeds -= 1;
        self.forget_if_idle(host);
    }

    /// Queues a ticket.
    pub(super) fn wait(&mut self, host: HostIndex, ticket: T) {
        self.hosts[host as usize].waiting.push_back(ticket);
        self.rotate_in(host);
    }

    /// The next ticket for which there is a permit `now`; `is_valid` says whether it still stands. It then holds the
    /// permit.
    pub(super) fn take(&mut self, now: DateTime<Utc>, is_valid: impl Fn(&T) -> bool) -> Option<(HostIndex, T)> {
        while let Some(Reverse((opens, index))) = self.resting.peek().copied()
            && opens <= now
        {
            self.resting.pop();
            self.rotation.push_back(index);
        }
        while self.in_flight < self.limits.concurrency {
            let index = self.rotation.pop_front()?;
            let host = &mut self.hosts[index as usize];
            if let Some(opens) = host.opens.filter(|opens| *opens > now) {
                // It asked to be left alone while it stood in the rotation.
                self.resting.push(Reverse((opens, index)));
                continue;
            }
            host.is_in_rotation = false;
            let mut next = host.waiting.pop_front();
            while next.as_ref().is_some_and(|ticket| !is_valid(ticket)) {
                next = host.waiting.pop_front();
            }
            if let Some(ticket) = next {
                host.in_flight += 1;
                self.in_flight += 1;
                if host.is_spaced {
                    let gap = self.limits.spacing.for_feeds(host.feeds).max(host.mood.gap());
                    host.opens = (!gap.is_zero()).then(|| now + gap);
                } else {
                    host.opens = None;
                }
                self.rotate_in(index);
                return Some((index, ticket));
            }
            self.forget_if_idle(index);
        }
        None
    }

    /// A feed of the host was answered well.
    pub(super) fn answered(&mut self, host: HostIndex, at: DateTime<Utc>) {
        self.hosts[host as usize].mood.answered(at);
    }

    /// A feed of the host was told to wait. Gives until when the whole host is left alone, if it is.
    pub(super) fn not_now(
        &mut self,
        host: HostIndex,
        feed: u32,
        at: DateTime<Utc>,
        wait: Duration,
    ) -> Option<DateTime<Utc>> {
        let host = &mut self.hosts[host as usize];
        let until = at + host.mood.not_now(feed, at, wait)?;
        host.opens = host.opens.max(Some(until));
        Some(until)
    }

    /// When the first host that rests may be asked again.
    pub(super) fn next_opening(&self) -> Option<DateTime<Utc>> {
        self.resting.peek().map(|Reverse((opens, _))| *opens)
    }

    /// The clock was set back by `step`.
    pub(super) fn shift(&mut self, step: TimeDelta) {
        for host in &mut self.hosts {
            host.opens = host.opens.map(|opens| opens - step);
            host.mood.shift(step);
        }
        let moved = std::mem::take(&mut self.resting).into_iter();
        self.resting = moved.map(|Reverse((opens, index))| Reverse((opens - step, index))).collect();
    }

    /// Gives a permit back.
    pub(super) fn done(&mut self, host: HostIndex) {
        self.in_flight -= 1;
        self.hosts[host as usize].in_flight -= 1;
        self.rotate_in(host);
        self.forget_if_idle(host);
    }

    /// Whether all permits are out.
    pub(super) fn is_full(&self) -> bool {
        self.in_flight >= self.limits.concurrency
    }

    /// Whether [`Turns::take`] may have something.
    pub(super) fn has_ready(&self) -> bool {
        !self.is_full() && !self.rotation.is_empty()
    }

    fn rotate_in(&mut self, index: HostIndex) {
        let host = &mut self.hosts[index as usize];
        if !host.is_in_rotation && !host.waiting.is_empty() && host.in_flight < self.limits.per_host {
            host.is_in_rotation = true;
            match host.opens {
                Some(opens) => self.resting.push(Reverse((opens, index))),
                None => self.rotation.push_back(index),
            }
        }
    }

    fn forget_if_idle(&mut self, index: HostIndex) {
        let host = &mut self.hosts[index as usize];
        // One in the rotation is forgotten at its turn, when its void tickets are found.
        if host.feeds == 0 && host.in_flight == 0 && !host.is_in_rotation && self.by_name.remove(&host.key).is_some() {
            host.waiting = VecDeque::new();
            self.free.push(index);
        }
    }

    #[cfg(test)]
    pub(super) fn hosts_known(&self) -> usize {
        self.by_name.len()
    }
}

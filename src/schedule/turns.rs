//! Whose turn it is when more feeds are due than may be polled at once: hosts take turns, and within a host the feed
//! that became due first. A host with a thousand due feeds so waits behind itself, not in front of the others.

use std::collections::{HashMap, VecDeque};

use crate::config::FeedSource;

/// What counts as one host for `per_host`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostKey(Box<str>);

impl HostKey {
    /// The host of a feed's URL; all files are one host, which is this machine's disk, and each program one.
    pub fn of(source: &FeedSource) -> Self {
        match source {
            FeedSource::Http(url) => Self::new(url.host_str().unwrap_or_default()),
            FeedSource::File(_) => Self::new("file:"),
            // Each program is a host of its own: one that hangs delays no other.
            FeedSource::Exec { program, .. } => Self::new(&format!("exec:{}", program.display())),
        }
    }

    /// The host of this name.
    pub fn new(name: &str) -> Self {
        Self(name.to_ascii_lowercase().into())
    }
}

/// How much may go on at once. At least 1 each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Polls in all.
    pub concurrency: usize,
    /// Polls to one host.
    pub per_host: usize,
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
}

#[derive(Debug)]
struct HostTurns<T> {
    key: HostKey,
    /// How many feeds name it; at 0, with nothing in flight, it is forgotten.
    feeds: usize,
    in_flight: usize,
    waiting: VecDeque<T>,
    is_in_rotation: bool,
}

impl<T> Turns<T> {
    pub(super) fn new(limits: Limits) -> Self {
        let limits = Limits { concurrency: limits.concurrency.max(1), per_host: limits.per_host.max(1) };
        Self {
            limits,
            in_flight: 0,
            by_name: HashMap::new(),
            hosts: Vec::new(),
            free: Vec::new(),
            rotation: VecDeque::new(),
        }
    }

    /// Counts one more feed of a host.
    pub(super) fn join(&mut self, key: HostKey) -> HostIndex {
        if let Some(&index) = self.by_name.get(&key) {
            self.hosts[index as usize].feeds += 1;
            return index;
        }
        let host =
            HostTurns { key: key.clone(), feeds: 1, in_flight: 0, waiting: VecDeque::new(), is_in_rotation: false };
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

    /// The next ticket for which there is a permit; `is_valid` says whether it still stands. It then holds the permit.
    pub(super) fn take(&mut self, is_valid: impl Fn(&T) -> bool) -> Option<(HostIndex, T)> {
        while self.in_flight < self.limits.concurrency {
            let index = self.rotation.pop_front()?;
            let host = &mut self.hosts[index as usize];
            host.is_in_rotation = false;
            let mut next = host.waiting.pop_front();
            while next.as_ref().is_some_and(|ticket| !is_valid(ticket)) {
                next = host.waiting.pop_front();
            }
            if let Some(ticket) = next {
                host.in_flight += 1;
                self.in_flight += 1;
                self.rotate_in(index);
                return Some((index, ticket));
            }
            self.forget_if_idle(index);
        }
        None
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
            self.rotation.push_back(index);
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

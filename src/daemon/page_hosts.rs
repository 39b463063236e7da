//! The hosts whose pages are wanted, as the scheduler knows them: each is one more thing that may be asked, so that polls
//! and pages of a host share its permits, the gap between its requests, and its rests.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::{
    config::FeedId,
    schedule::{HostKey, NEVER, Scheduler},
};

/// Between the end of one page's request and the beginning of the next one to the same host.
const PAGE_GAP: TimeDelta = TimeDelta::seconds(1);
/// A host whose turn comes while enough pages are under way is looked at again after this.
const TURN_AGAIN: TimeDelta = TimeDelta::milliseconds(500);

/// Which hosts have pages waiting, and what is known of each.
#[derive(Debug)]
pub(super) struct PageHosts {
    /// Each with when it was said to be due.
    by_slot: HashMap<FeedId, (String, DateTime<Utc>)>,
    in_flight: HashSet<String>,
    /// As many pages may be under way at once: polls, which bring what alerts at once, never wait for all permits.
    in_flight_max: usize,
    /// Hosts that were asked a moment ago, or asked to be left alone.
    rest_until: HashMap<HostKey, DateTime<Utc>>,
}

/// What an id that the scheduler gave stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// No host with pages: a feed.
    NoHost,
    /// A host, which is in flight now.
    Host(String),
    /// A host that has to wait: its permit has been given back.
    Later,
}

/// What a page's answer says of its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostSaid {
    /// Nothing: it was not asked, or did not answer.
    Nothing,
    /// It answers.
    Well,
    /// It wants to be left alone for so long.
    NotNow(Duration),
}

/// How a page under way has ended.
#[derive(Debug)]
pub(super) struct PageEnd {
    pub host: String,
    /// When the host's next page is due; `None` where none waits.
    pub next: Option<DateTime<Utc>>,
    pub said: HostSaid,
}

impl PageHosts {
    /// None yet. `concurrency` is how many requests may be under way in all; `resting` are hosts that asked to be left
    /// alone, and until when.
    pub(super) fn new(concurrency: usize, resting: HashMap<HostKey, DateTime<Utc>>) -> Self {
        let (by_slot, in_flight) = (HashMap::new(), HashSet::new());
        Self { by_slot, in_flight, in_flight_max: (concurrency / 2).max(1), rest_until: resting }
    }

    /// Takes in which hosts have pages waiting, and since when or until when.
    pub(super) fn wait(&mut self, scheduler: &mut Scheduler, hosts: Vec<(String, DateTime<Utc>)>, now: DateTime<Utc>) {
        self.rest_until.retain(|_, until| *until > now);
        for (host, due) in hosts {
            let Some(slot) = slot(&host).filter(|_| !self.in_flight.contains(&host)) else { continue };
            // One that is known to be due keeps its place in the row.
            if self.by_slot.get(&slot).is_some_and(|(_, known)| *known <= due) {
                continue;
            }
            let key = HostKey::new(&host);
            let rest = self.rest_until.get(&key).copied().unwrap_or(due);
            scheduler.add(slot.clone(), key, due.max(rest));
            self.by_slot.insert(slot, (host, due));
        }
    }

    /// The host that an id of the scheduler's stands for, and whether it may be asked now.
    pub(super) fn take(&mut self, scheduler: &mut Scheduler, id: &FeedId, now: DateTime<Utc>) -> Taken {
        let Some((host, _)) = self.by_slot.get(id) else { return Taken::NoHost };
        if self.in_flight.len() >= self.in_flight_max {
            scheduler.finished(id, now + TURN_AGAIN);
            return Taken::Later;
        }
        self.in_flight.insert(host.clone());
        Taken::Host(host.clone())
    }

    /// A host has been asked, or had nothing due: its permit goes back. Gives until when all of the host's feeds have to
    /// wait, and which these are, where it says so for the second time.
    pub(super) fn ended(
        &mut self,
        scheduler: &mut Scheduler,
        end: &PageEnd,
        now: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, Vec<FeedId>)> {
        let slot = slot(&end.host)?;
        let key = HostKey::new(&end.host);
        let rest = match end.said {
            HostSaid::Nothing => None,
            HostSaid::Well => {
                scheduler.answered(&slot, now);
                None
            }
            HostSaid::NotNow(wait) => scheduler.not_now(&slot, now, wait),
        };
        self.in_flight.remove(&end.host);
        let gap = if key.is_this_machine() { TimeDelta::zero() } else { PAGE_GAP };
        let rested = rest.as_ref().map_or(now + gap, |(until, _)| (*until).max(now + gap));
        self.rest_until.insert(key, rested);
        match end.next {
            Some(next) => {
                let next = next.max(rested);
                scheduler.finished(&slot, next);
                self.by_slot.insert(slot.clone(), (end.host.clone(), next));
            }
            None => {
                scheduler.finished(&slot, NEVER);
                scheduler.remove(&slot);
                self.by_slot.remove(&slot);
            }
        }
        rest.map(|(until, feeds)| (until, feeds.into_iter().filter(|feed| !is_slot(feed)).collect()))
    }
}

/// What stands in front of an id that is a host's.
const SLOT: &str = "pages.";

/// The scheduler knows feeds by their ids, and so it knows a host's pages by one that no person would give a feed.
fn slot(host: &str) -> Option<FeedId> {
    let hash = Sha256::digest(host.as_bytes());
    let letters: String = hash.iter().take(24).map(|byte| format!("{byte:02x}")).collect();
    format!("{SLOT}{letters}").parse().ok()
}

fn is_slot(feed: &FeedId) -> bool {
    let letters = feed.as_str().strip_prefix(SLOT);
    letters.is_some_and(|rest| rest.len() == 48 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::schedule::{Limits, Spacing};

    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn start() -> DateTime<Utc> {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn scheduler(concurrency: usize) -> Scheduler {
        Scheduler::new(Limits { concurrency, per_host: 2, spacing: Spacing::NONE })
    }

    fn hosts(count: usize) -> Vec<(String, DateTime<Utc>)> {
        (0..count).map(|n| (format!("paper{n}.example"), start())).collect()
    }

    fn end(host: &str, next: Option<DateTime<Utc>>, said: HostSaid) -> PageEnd {
        PageEnd { host: host.to_owned(), next, said }
    }

    #[test]
    fn pages_leave_half_of_all_permits_to_polls() {
        let (mut scheduler, mut pages) = (scheduler(8), PageHosts::new(8, HashMap::new()));
        pages.wait(&mut scheduler, hosts(20), start());
        let mut begun = 0;
        for step in 0..10 {
            let now = start() + TURN_AGAIN * step;
            for id in scheduler.take_due(now) {
                begun += usize::from(matches!(pages.take(&mut scheduler, &id, now), Taken::Host(_)));
            }
        }
        assert_eq!(begun, 4);
        let now = start() + TURN_AGAIN * 10;
        scheduler.add("wire".parse().unwrap(), HostKey::new("wire.example"), now);
        // The daemon asks again as long as somebody may be taken, so those that have to wait hold nobody up.
        let mut has_polled = false;
        while scheduler.next_wake().is_some_and(|wake| wake <= now) {
            let due = scheduler.take_due(now);
            has_polled |= due.iter().any(|id| pages.take(&mut scheduler, id, now) == Taken::NoHost);
        }
        assert!(has_polled);
        // Each that ends makes room for one that waited.
        pages.ended(&mut scheduler, &end("paper0.example", None, HostSaid::Well), now);
        let now = now + TURN_AGAIN;
        let due = scheduler.take_due(now);
        let begun = due.iter().filter(|id| matches!(pages.take(&mut scheduler, id, now), Taken::Host(_))).count();
        assert_eq!(begun, 1);
    }

    #[test]
    fn pages_of_a_host_come_one_at_a_time_and_apart() {
        let (mut scheduler, mut pages) = (scheduler(8), PageHosts::new(8, HashMap::new()));
        for host in ["paper.example", "127.0.0.1"] {
            pages.wait(&mut scheduler, vec![(host.to_owned(), start())], start());
            let id = scheduler.take_due(start()).pop().unwrap();
            assert_eq!(pages.take(&mut scheduler, &id, start()), Taken::Host(host.to_owned()));
            // What is told meanwhile begins no second one.
            pages.wait(&mut scheduler, vec![(host.to_owned(), start())], start());
            assert_eq!(scheduler.take_due(start()), []);
            pages.ended(&mut scheduler, &end(host, Some(start()), HostSaid::Well), start());
            let gap = scheduler.next_wake().unwrap() - start();
            assert_eq!(gap, if host == "127.0.0.1" { TimeDelta::zero() } else { PAGE_GAP }, "{host}");
            pages.ended(&mut scheduler, &end(host, None, HostSaid::Nothing), start());
            scheduler.remove(&id);
        }
    }

    #[test]
    fn a_page_and_a_feed_that_are_told_to_slow_down_speak_for_their_host() {
        let (mut scheduler, mut pages) = (scheduler(8), PageHosts::new(8, HashMap::new()));
        let host = "paper.example";
        let wire: FeedId = "wire".parse().unwrap();
        scheduler.add(wire.clone(), HostKey::new(host), start());
        pages.wait(&mut scheduler, vec![(host.to_owned(), start())], start());
        for id in scheduler.take_due(start()) {
            pages.take(&mut scheduler, &id, start());
        }
        assert_eq!(scheduler.not_now(&wire, start(), HOUR), None);
        scheduler.finished(&wire, start());
        let (until, feeds) =
            pages.ended(&mut scheduler, &end(host, Some(start()), HostSaid::NotNow(HOUR)), start()).unwrap();
        assert_eq!((until, feeds), (start() + HOUR, vec![wire]));
        assert_eq!(scheduler.take_due(start() + HOUR / 2), []);
        assert_eq!(scheduler.take_due(start() + HOUR).len(), 1);
    }

    #[test]
    fn host_that_rested_before_a_restart_rests_on() {
        let resting = HashMap::from([(HostKey::new("paper0.example"), start() + HOUR)]);
        let (mut scheduler, mut pages) = (scheduler(8), PageHosts::new(8, resting));
        pages.wait(&mut scheduler, hosts(2), start());
        assert_eq!(scheduler.take_due(start()).len(), 1);
        assert_eq!(scheduler.take_due(start() + HOUR).len(), 1);
    }
}

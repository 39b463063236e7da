//! Keeps a sink's `rate`: never more requests than that in any such time. A plain value; the worker brings the time.

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::config::Rate;

/// Lets requests through at a rate. A window that slides, and no bucket that fills up: a service which allows one request
/// a second counts the seconds as it likes.
#[derive(Debug)]
pub(super) struct Turnstile {
    rate: Option<Rate>,
    /// When those in the window went through, oldest first; never more than the rate's count.
    passed: VecDeque<Instant>,
}

impl Turnstile {
    /// `None` lets everything through.
    pub fn new(rate: Option<Rate>) -> Self {
        Self { rate, passed: VecDeque::new() }
    }

    /// When the next one may go through; `None` is now.
    pub fn opens(&self, now: Instant) -> Option<Instant> {
        let rate = self.rate.as_ref()?;
        let full = self.passed.len() >= rate.count as usize;
        self.passed.front().filter(|_| full).map(|oldest| *oldest + rate.per).filter(|opens| *opens > now)
    }

    /// One goes through.
    pub fn pass(&mut self, now: Instant) {
        let Some(rate) = self.rate else { return };
        if self.passed.len() >= rate.count as usize {
            self.passed.pop_front();
        }
        self.passed.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    /// Sends `count` as fast as the turnstile lets them; gives when each went, in milliseconds.
    fn sent(rate: &str, count: usize) -> Vec<u128> {
        let (mut turnstile, start) = (Turnstile::new(Some(rate.parse().unwrap())), Instant::now());
        let mut now = start;
        let mut send = |_| {
            now = turnstile.opens(now).unwrap_or(now);
            assert_eq!(turnstile.opens(now), None);
            turnstile.pass(now);
            (now - start).as_millis()
        };
        (0..count).map(&mut send).collect()
    }

    #[test]
    fn no_time_has_more_than_the_rate() {
        assert_eq!(sent("1/s", 4), [0, 1_000, 2_000, 3_000]);
        let times = sent("10/s", 100);
        for pair in times.windows(11) {
            assert!(pair[10] - pair[0] >= 1_000, "{pair:?}");
        }
        assert_eq!(*times.last().unwrap(), 9_000, "and not less than it may");
    }

    #[test]
    fn what_was_not_used_is_not_saved_up() {
        let mut turnstile = Turnstile::new(Some("2/s".parse().unwrap()));
        let later = Instant::now() + Duration::from_secs(60);
        turnstile.pass(later);
        turnstile.pass(later);
        assert_eq!(turnstile.opens(later), Some(later + Duration::from_secs(1)));
        assert_eq!(Turnstile::new(None).opens(later), None);
    }
}

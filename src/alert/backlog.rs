//! What a feed's first poll alerts on. Entries that stood there before wirewatch came are no news.

use chrono::{DateTime, Utc};

use super::HeldReason;
use crate::config::Backlog;

/// Of entries without a date, a first poll alerts on this many: the top of a feed is its newest end.
pub const UNDATED_MAX: usize = 10;

/// Decides for the entries of one first poll, asked in document order.
#[derive(Debug)]
pub struct FirstPoll {
    rule: Backlog,
    now: DateTime<Utc>,
    undated: usize,
}

impl FirstPoll {
    /// `now` is when the poll was made.
    pub fn new(rule: Backlog, now: DateTime<Utc>) -> Self {
        Self { rule, now, undated: 0 }
    }

    /// Whether alerts on the next entry, published then, are held.
    pub fn holds(&mut self, published: Option<DateTime<Utc>>) -> Option<HeldReason> {
        let sends = match (self.rule, published) {
            (Backlog::All, _) => true,
            (Backlog::None, _) => false,
            (Backlog::Newer(age), Some(published)) => {
                chrono::Duration::from_std(age).is_ok_and(|age| self.now - published <= age)
            }
            (Backlog::Newer(_), None) => {
                self.undated += 1;
                self.undated <= UNDATED_MAX
            }
        };
        (!sends).then_some(HeldReason::Backlog)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn young_and_the_first_ten_undated_are_sent() {
        let now = DateTime::UNIX_EPOCH + chrono::Duration::days(20_000);
        let mut first = FirstPoll::new(Backlog::Newer(Duration::from_secs(24 * 3600)), now);
        assert_eq!(first.holds(Some(now - chrono::Duration::hours(23))), None);
        assert_eq!(first.holds(Some(now - chrono::Duration::hours(25))), Some(HeldReason::Backlog));
        assert_eq!(first.holds(Some(now + chrono::Duration::hours(25))), None);
        assert_eq!((0..12).filter(|_| first.holds(None).is_none()).count(), UNDATED_MAX);
    }

    #[test]
    fn all_and_none_ask_for_no_date() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(FirstPoll::new(Backlog::All, now).holds(None), None);
        assert_eq!(FirstPoll::new(Backlog::None, now).holds(Some(now)), Some(HeldReason::Backlog));
    }
}

//! What the pace costs and brings over a week of many feeds, beside a fixed interval.

use std::time::Duration;

use super::month::{feeds, fixed, wirewatch};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_week_needs_fewer_requests_and_brings_news_sooner_than_a_fixed_quarter_of_an_hour() {
    let feeds = feeds(150, 7);
    let fixed = fixed(&feeds, 7, MINUTE * 15, false);
    let ours = wirewatch(&feeds, 7, MINUTE * 30);
    assert!(fixed.seen > 2_000, "{} entries", fixed.seen);
    assert!(ours.requests < fixed.requests, "{} requests against {}", ours.requests, fixed.requests);
    let (our_minutes, fixed_minutes) = (ours.mean_minutes(), fixed.mean_minutes());
    assert!(our_minutes < fixed_minutes, "{our_minutes:.1} minutes against {fixed_minutes:.1}");
    assert!(ours.missed <= fixed.missed, "{} missed against {}", ours.missed, fixed.missed);
    assert_eq!(ours.impolite, 0);
}

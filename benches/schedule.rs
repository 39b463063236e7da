//! A month of a thousand feeds, polled in several ways: requests made, entries missed, and how late entries were seen.
//!
//! Run with `cargo bench --bench schedule`; it takes seconds, since the clock is a plain value. How the feeds are made
//! stands in `benches/shared/month.rs`; the same seed gives the same month.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use month::{Outcome, feeds, fixed, wirewatch};

#[path = "shared/month.rs"]
mod month;

const FEEDS: usize = 1_000;
const DAYS: i64 = 30;
const MINUTE: Duration = Duration::from_secs(60);

fn main() {
    let began = Instant::now();
    let feeds = feeds(FEEDS, DAYS);
    println!("{FEEDS} feeds, {DAYS} days, {} entries", feeds.iter().map(|feed| feed.entries.len()).sum::<usize>());
    println!();
    println!("| way | requests a day | too early | entries seen | missed | mean delay | half within | 95 % within |");
    println!("|---|---|---|---|---|---|---|---|");
    row("every 15 minutes", &fixed(&feeds, DAYS, MINUTE * 15, false));
    row("every 15 minutes, `max-age` and 410 kept", &fixed(&feeds, DAYS, MINUTE * 15, true));
    for (name, minutes) in [("15m", 15), ("30m", 30), ("1h", 60), ("2h", 120)] {
        row(&format!("wirewatch, `interval = \"{name}\"`"), &wirewatch(&feeds, DAYS, MINUTE * minutes));
    }
    println!();
    println!("played in {:.1} s", began.elapsed().as_secs_f64());
}

fn row(way: &str, outcome: &Outcome) {
    println!(
        "| {way} | {} | {} | {} | {} | {:.1} min | {:.1} min | {:.1} min |",
        outcome.requests / usize::try_from(DAYS).unwrap(),
        outcome.impolite,
        outcome.seen,
        outcome.missed,
        outcome.mean_minutes(),
        share_minutes(outcome, 0.5),
        share_minutes(outcome, 0.95),
    );
}

/// What this share of the entries waited at most.
fn share_minutes(outcome: &Outcome, share: f64) -> f64 {
    let at = (outcome.delays.len() as f64 * share) as usize;
    outcome.delays.get(at).copied().unwrap_or(0.0) / 60.0
}

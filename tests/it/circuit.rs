//! The circuit of a sink, played without a clock: when it opens, what it probes with, when others are told.

use std::time::Duration;

use chrono::{DateTime, Utc};
use wirewatch::{
    deliver::{
        circuit::{DOWN_AFTER, HOLD_MAX, Landing, PROBE_WAIT_MAX, TOLD_AFTER, Turn, landed, tell_at},
        retry::SinkAnswer,
    },
    store::{DeliveryId, SinkState},
};

use crate::store::noon;

const SCHEDULE: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(3_600)];

/// A sink and the time.
struct Play {
    state: SinkState,
    now: DateTime<Utc>,
}

impl Play {
    fn new() -> Self {
        Self { state: SinkState::default(), now: noon() }
    }

    fn lands(&mut self, row: i64, answer: SinkAnswer, is_probe: bool) -> Turn {
        let retry = (!answer.is_success()).then_some(self.now + Duration::from_secs(60));
        let row = (DeliveryId::from_number(row), retry);
        let landing = Landing { at: self.now, answer, said: "no", row, is_probe, is_counted: true };
        landed(&mut self.state, landing, &SCHEDULE, 0.5)
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now += Duration::from_secs(seconds);
        self
    }

    fn down(answer: SinkAnswer) -> Self {
        let mut play = Self::new();
        for row in 1..i64::from(DOWN_AFTER) {
            assert_eq!(play.lands(row, answer, false), Turn::Noted);
        }
        assert_eq!(play.lands(i64::from(DOWN_AFTER), answer, false), Turn::Down);
        play
    }

    fn probe(&self) -> (Option<i64>, i64) {
        (self.state.probe.map(DeliveryId::number), (self.state.probe_at.unwrap() - self.now).num_seconds())
    }
}

fn status(status: u16) -> SinkAnswer {
    SinkAnswer::Status { status, retry_after: None }
}

#[test]
fn five_failures_in_a_row_over_any_rows_open_it_and_one_success_closes_it() {
    let mut play = Play::new();
    for row in 0..40 {
        // A success between them starts the count anew.
        let answer = if row % 5 == 4 { status(204) } else { status(500) };
        assert_ne!(play.lands(row, answer, false), Turn::Down);
    }
    let mut play = Play::down(status(500));
    assert!(play.state.down.is_some());
    assert_eq!(play.lands(9, status(204), true), Turn::Up(false));
    assert_eq!(play.state, SinkState { last_success: Some(noon()), ..SinkState::default() });
}

#[test]
fn nobody_there_keeps_the_same_row_as_the_probe() {
    let mut play = Play::down(SinkAnswer::Unreachable);
    // The row's own wait.
    assert_eq!(play.probe(), (Some(5), 60));
    for answer in [status(503), status(429), status(502), SinkAnswer::Unreachable] {
        play.after(60).lands(5, answer, true);
        assert_eq!(play.probe(), (Some(5), 60), "{answer:?}");
    }
    // What was under way when it went down says nothing about the probe.
    play.lands(3, SinkAnswer::Unreachable, false);
    assert_eq!(play.state.probes, 4);
}

#[test]
fn row_that_waits_for_hours_does_not_keep_others_from_trying() {
    let mut play = Play::down(SinkAnswer::Unreachable);
    let hours = Landing {
        at: play.now,
        answer: SinkAnswer::Status { status: 503, retry_after: Some(Duration::from_secs(7_200)) },
        said: "no",
        row: (DeliveryId::from_number(5), Some(play.now + Duration::from_secs(7_200))),
        is_probe: true,
        is_counted: true,
    };
    landed(&mut play.state, hours, &SCHEDULE, 0.5);
    // The row itself is not due by then; whatever is takes its turn, uses up nothing, and does not become the probe.
    let soon = i64::try_from(PROBE_WAIT_MAX.as_secs()).unwrap();
    assert_eq!(play.probe(), (Some(5), soon));
    play.after(60);
    let other = Landing { at: play.now, row: (DeliveryId::from_number(9), None), is_counted: false, ..hours };
    landed(&mut play.state, other, &SCHEDULE, 0.5);
    assert_eq!(play.probe(), (Some(5), soon));
}

#[test]
fn answer_that_may_be_about_the_row_lets_another_row_try() {
    for answer in [status(500), status(404), status(413), status(302), SinkAnswer::Forbidden] {
        let mut play = Play::down(answer);
        let mut waits = vec![play.probe()];
        for row in 6..9 {
            play.after(60).lands(row, answer, true);
            waits.push(play.probe());
        }
        assert_eq!(waits, [(None, 5), (None, 30), (None, 60), (None, 60)], "{answer:?}");
    }
}

#[test]
fn pause_that_is_asked_for_is_the_whole_sinks() {
    let mut play = Play::new();
    let asks = SinkAnswer::Status { status: 429, retry_after: Some(Duration::from_secs(120)) };
    play.lands(1, asks, false);
    assert_eq!(play.state.hold_until, Some(noon() + Duration::from_secs(120)));
    // A row that was under way and is taken does not lift it, nor does a shorter wait.
    play.after(1).lands(2, status(204), false);
    play.lands(3, SinkAnswer::Status { status: 429, retry_after: Some(Duration::from_secs(1)) }, false);
    assert_eq!(play.state.hold_until, Some(noon() + Duration::from_secs(120)));
    let week = SinkAnswer::Status { status: 429, retry_after: Some(Duration::from_secs(7 * 86_400)) };
    play.lands(4, week, false);
    assert_eq!(play.state.hold_until, Some(play.now + HOLD_MAX), "one answer does not silence a sink for a week");
    let mut play = Play::new();
    play.lands(1, SinkAnswer::Status { status: 503, retry_after: Some(Duration::from_secs(120)) }, false);
    assert_eq!(play.state.hold_until, None, "a 503 is its row's");
}

#[test]
fn gone_is_believed_after_three_answers_over_ten_minutes() {
    let mut play = Play::new();
    for row in 0..20 {
        assert_ne!(play.lands(row, status(410), false), Turn::Gone, "all at once is one moment");
    }
    assert_ne!(play.after(599).lands(20, status(410), true), Turn::Gone);
    assert_eq!(play.after(1).lands(21, status(410), true), Turn::Gone);
    assert_eq!(play.state.disabled, Some(play.now));
    assert_eq!(tell_at(&play.state), None, "that it is disabled says it all");

    let mut play = Play::new();
    play.lands(1, status(410), false);
    play.after(400).lands(2, status(204), false);
    play.after(400).lands(3, status(410), false);
    assert_eq!(play.after(400).lands(4, status(410), false), Turn::Noted, "a success between them starts anew");
    assert_eq!(play.after(400).lands(5, status(410), false), Turn::Gone);
}

#[test]
fn others_are_told_once_and_hear_of_its_recovery() {
    let mut play = Play::new();
    play.lands(1, status(401), false);
    assert_eq!(tell_at(&play.state), Some(noon() + TOLD_AFTER), "one that nothing succeeds after");
    play.after(60).lands(2, status(200), false);
    assert_eq!(tell_at(&play.state), None, "a failure between successes is no trouble");
    for own in [400, 413, 422, 500] {
        let mut play = Play::new();
        play.lands(1, status(own), false);
        assert_eq!(tell_at(&play.state), None, "{own} may be about the one alert");
    }
    let mut play = Play::down(status(500));
    assert_eq!(tell_at(&play.state), Some(noon() + TOLD_AFTER), "five in a row are not");
    play.state.told = Some(play.now);
    play.after(600).lands(6, status(500), true);
    assert_eq!(tell_at(&play.state), None);
    assert_eq!(play.lands(7, status(200), true), Turn::Up(true));
}

#[test]
fn sink_that_a_person_brings_back_is_told_of_once_it_takes_something() {
    let mut play = Play::down(status(500));
    play.state.told = Some(play.now);
    let since = play.state.failing_since;
    play.state = play.state.revived();
    assert_eq!((play.state.down, play.state.failures, play.state.failing_since), (None, 0, since));
    assert_eq!(play.after(1).lands(9, status(204), false), Turn::Up(true));
    assert_eq!((play.state.told, play.state.failing_since), (None, None));

    // Nobody was told of this one.
    let mut play = Play::down(status(500));
    play.state = play.state.revived();
    assert_eq!(play.lands(9, status(204), false), Turn::Noted);

    let mut play = Play::new();
    play.lands(1, status(410), false);
    play.after(400).lands(2, status(410), false);
    assert_eq!(play.after(400).lands(3, status(410), false), Turn::Gone);
    play.state = play.state.revived();
    assert_eq!(play.lands(4, status(204), false), Turn::Up(true), "they were told that it is disabled");
}

//! What an answer comes to: for its rows, for the sink, and for those who are told of it.

use chrono::{DateTime, Utc};
use tokio::{task::JoinError, time::Instant};
use tracing::error;

use super::Worker;
use crate::{
    alert::{Event, EventKind, text::safe},
    deliver::{
        Reply, WorkerEnd,
        circuit::{self, Landing, Turn},
        retry::{Decision, decide},
    },
    jitter,
    store::{Attempt, AttemptEnd, Delivery, MessageKind, NewEvent},
};
/// A group that was sent.
pub(super) struct Landed {
    pub group: Vec<Delivery>,
    pub is_probe: bool,
    pub at: DateTime<Utc>,
    /// `None`: who read our standard output has gone.
    pub reply: Option<Reply>,
}

impl Worker {
    pub(super) fn land(&mut self, landed: Result<Landed, JoinError>) {
        // Before anything bears a new time.
        let now = self.look();
        let Landed { group, is_probe, at, reply } = match landed {
            Ok(landed) => landed,
            Err(error) => {
                // A fault of ours in one attempt costs neither the other alerts nor the other sinks.
                error!(sink = %self.sink, %error, "an attempt broke off; its alerts wait for the next start");
                return;
            }
        };
        let Some(mut reply) = reply else {
            self.tally.end = WorkerEnd::StdoutClosed;
            return;
        };
        let at = at.min(now);
        reply.said = safe(&reply.said);
        // Lines that failed come back together and in their order, so they share their luck.
        let luck = if self.sender.keeps_order() { 0.5 } else { jitter::share() };
        // Others that try while one row probes use up nothing.
        let is_counted = !(is_probe
            && reply.answer.is_about_the_sink()
            && self.state.probe.is_some_and(|probe| group.iter().all(|delivery| delivery.id != probe)));
        let attempt = |delivery| self.attempt(delivery, &reply, at, luck, is_counted);
        let attempts: Vec<Attempt> = group.iter().map(attempt).collect();
        for (delivery, attempt) in group.iter().zip(&attempts) {
            self.count(delivery, attempt);
        }
        self.trouble.sink_said(&self.sink, &reply, &attempts);
        if let (Some(delivery), Some(attempt)) = (group.first(), attempts.first()) {
            let row = (delivery.id, attempt.ended.retry());
            self.take_in(Landing { at, answer: reply.answer, said: &reply.said, row, is_probe, is_counted });
        }
        self.unrecorded.attempts.extend(attempts);
    }

    fn attempt(&self, delivery: &Delivery, reply: &Reply, at: DateTime<Utc>, luck: f64, is_counted: bool) -> Attempt {
        if !is_counted {
            let ended = AttemptEnd::Looked { error: reply.said.clone() };
            return Attempt { delivery: delivery.id, at, status: reply.answer.status(), ended };
        }
        let number = delivery.attempts.saturating_add(1);
        let ended = match decide(reply.answer, number, &self.retry, luck) {
            Decision::Delivered => AttemptEnd::Delivered,
            Decision::RetryAfter(wait) => {
                let wait = chrono::Duration::from_std(wait).unwrap_or(chrono::Duration::MAX);
                let retry = at.checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC);
                AttemptEnd::Failed { error: reply.said.clone(), retry }
            }
            Decision::Dead => AttemptEnd::Dead { reason: format!("{} at attempt {number}, the last", reply.said) },
        };
        Attempt { delivery: delivery.id, at, status: reply.answer.status(), ended }
    }

    /// What an answer means for the sink as a whole.
    fn take_in(&mut self, landing: Landing<'_>) {
        let before = self.state.failing_since;
        let turn = circuit::landed(&mut self.state, landing, &self.retry, jitter::share());
        self.is_state_known &= turn == Turn::None;
        match turn {
            Turn::None | Turn::Noted => {}
            Turn::Down => {
                self.trouble.went_down(&self.sink);
                self.put_back();
            }
            Turn::Up(was_told) => {
                self.more = true;
                self.unrecorded.hasten = Some(landing.at);
                if was_told {
                    let since = before.unwrap_or(landing.at);
                    let kind = EventKind::SinkRecovered { sink: self.sink.clone(), since };
                    self.tell(kind, landing.at);
                }
            }
            Turn::Gone => {
                self.trouble.is_gone(&self.sink, landing.said);
                self.put_back();
                self.show_state();
                // As in `sink.failing`, so that services keep one incident for both.
                let since = self.state.failing_since.or(self.state.gone_since).unwrap_or(landing.at);
                let (sink, reason) = (self.sink.clone(), landing.said.to_owned());
                self.tell(EventKind::SinkDisabled { sink, reason, since }, landing.at);
            }
        }
        if self.state.hold_until.is_some_and(|until| until > landing.at) {
            self.put_back();
        }
    }

    fn tell(&mut self, kind: EventKind, at: DateTime<Utc>) {
        let event = Event::new(kind, at);
        self.unrecorded.events.push(NewEvent { event, sinks: self.others.clone() });
    }

    pub(super) async fn tell_failing(&mut self, now: DateTime<Utc>) {
        let Some(since) = self.state.failing_since else { return };
        let reason = self.state.last_failure.clone().unwrap_or_default();
        // Only for the text: where it can't be counted now, people hear of the failure all the same.
        let waiting = self.store.waiting(&self.sink).await.unwrap_or_default();
        self.state.told = Some(now);
        self.is_state_known = false;
        self.trouble.keeps_failing(&self.sink, since, waiting);
        self.tell(EventKind::SinkFailing { sink: self.sink.clone(), reason, since, waiting }, now);
    }

    fn count(&mut self, delivery: &Delivery, attempt: &Attempt) {
        // Who runs one turn wants to know of alerts.
        let alerts = match delivery.kind {
            MessageKind::Alert => 1,
            MessageKind::Event => 0,
            MessageKind::Batch(alerts) => alerts as usize,
        };
        let outcome = match &attempt.ended {
            AttemptEnd::Delivered => {
                self.tally.delivered += alerts;
                let lag = (attempt.at - delivery.made).num_milliseconds().max(0);
                self.metrics.delivery_lag_seconds.observe(lag as f64 / 1_000.0);
                "delivered"
            }
            AttemptEnd::Failed { .. } | AttemptEnd::Looked { .. } => {
                self.tally.failed += alerts;
                "failed"
            }
            AttemptEnd::Dead { reason } => {
                self.tally.failed += alerts;
                self.trouble.gave_up(&self.sink, &delivery.message, reason, Instant::now());
                "dead"
            }
        };
        self.metrics.deliveries.with_label_values(&[self.sink.as_str(), outcome]).inc();
    }
}

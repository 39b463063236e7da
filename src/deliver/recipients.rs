//! Who of a mail's recipients has it, and what an attempt comes to where the server takes some of them and not others.
//!
//! Those who can have the mail get it at once, and once: an attempt that follows is for the others alone. Who has it is
//! remembered here and nowhere else, so that after a restart in between all may get it again, with the same `Message-ID`.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use lettre::{Address, message::Mailbox};
use tracing::{info, warn};

use super::{Reply, retry::SinkAnswer, webhook::one_line};
use crate::{
    alert::{MessageId, text::safe},
    config::SinkId,
};

/// Mails that some have and others wait for. Beyond it the oldest is forgotten, and goes to all.
const MAILS_MAX: usize = 1_024;
/// So many are named; the rest is counted.
const NAMED_MAX: usize = 3;

/// What a mail server said to each recipient in one attempt.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// They have it.
    pub taken: Vec<Address>,
    /// Refused for good, and how.
    pub refused: Vec<(Address, String)>,
    /// Refused for now, and how.
    pub later: Vec<(Address, String)>,
}

/// The recipients of one sink.
#[derive(Debug, Default)]
pub(super) struct Recipients(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    reached: VecDeque<(MessageId, HashSet<Address>)>,
    /// Those of whose refusal the log tells.
    refused: Vec<Address>,
}

impl Recipients {
    /// Whom this mail is still for.
    pub fn missing(&self, message: &MessageId, to: &[Mailbox]) -> Vec<Address> {
        let state = self.state();
        let reached = state.reached.iter().find(|(id, _)| id == message).map(|(_, reached)| reached);
        let is_missing = |address: &&Address| !reached.is_some_and(|reached| reached.contains(*address));
        to.iter().map(|mailbox| &mailbox.email).filter(is_missing).cloned().collect()
    }

    /// Takes in what the server said; gives what the attempt comes to. `all` is how many the mail is for.
    pub fn landed(&self, sink: &SinkId, message: &MessageId, all: usize, said: Said) -> Reply {
        let mut state = self.state();
        let place = state.reached.iter().position(|(id, _)| id == message);
        let mut reached = place.and_then(|place| state.reached.remove(place)).map_or_else(HashSet::new, |(_, r)| r);
        reached.extend(said.taken.iter().cloned());
        let reply = verdict(reached.len(), all, &said);
        if !reached.is_empty() {
            state.tell(sink, &said);
        }
        if reply.answer == SinkAnswer::Partly {
            if state.reached.len() >= MAILS_MAX {
                state.reached.pop_front();
            }
            state.reached.push_back((message.clone(), reached));
        }
        reply
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it was held can at worst have forgotten a mail.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A refusal is said when it starts, when it is about others, and when it ends.
    fn tell(&mut self, sink: &SinkId, said: &Said) {
        let refused: Vec<Address> = said.refused.iter().map(|(address, _)| address.clone()).collect();
        let takes_all = refused.is_empty() && said.later.is_empty() && !said.taken.is_empty();
        if refused == self.refused || (refused.is_empty() && !takes_all) {
            return;
        }
        if refused.is_empty() {
            info!(%sink, "the mail server takes every recipient again");
        } else {
            let reason = safe(&words(&said.refused));
            warn!(%sink, refused = refused.len(), reason, "the mail server refuses recipients, the others get the mail");
        }
        self.refused = refused;
    }
}

/// `reached` have it, by this attempt or one before.
fn verdict(reached: usize, all: usize, said: &Said) -> Reply {
    let reply = |answer, said: String| Reply { answer, said: one_line(&said) };
    match (reached, said.refused.as_slice(), said.later.as_slice()) {
        (_, [], []) => reply(SinkAnswer::Taken, "the mail server took it".to_owned()),
        // Only a person can change that.
        (0, refused, []) => reply(SinkAnswer::Forbidden, words(refused)),
        (0, [], later) => reply(SinkAnswer::Unreachable, words(later)),
        (0, refused, later) => reply(SinkAnswer::Unreachable, format!("{}; {}", words(later), words(refused))),
        (_, refused, []) => {
            reply(SinkAnswer::Taken, format!("the mail server took it for {reached} of {all}; {}", words(refused)))
        }
        // Of the others nothing is said: they had their last word.
        (_, _, later) => reply(SinkAnswer::Partly, format!("{reached} of {all} have it; {}", words(later))),
    }
}

/// Who was refused and how, which is said once where all got the same.
fn words(refused: &[(Address, String)]) -> String {
    let Some((_, first)) = refused.first() else { return String::new() };
    let mut named: Vec<String> =
        refused.iter().take(NAMED_MAX).map(|(address, said)| format!("{address}: {said}")).collect();
    if refused.iter().all(|(_, said)| said == first) {
        let names: Vec<&str> = refused.iter().take(NAMED_MAX).map(|(address, _)| address.as_ref()).collect();
        named = vec![format!("{}: {first}", names.join(", "))];
    }
    match refused.len().saturating_sub(NAMED_MAX) {
        0 => named.join("; "),
        more => format!("{}; and {more} more", named.join("; ")),
    }
}

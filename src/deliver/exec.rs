//! Hands an alert to a program of this machine: its JSON on standard input, its id in the environment.
//!
//! Ending with 0 is a yes. The program is bounded in time and in what is kept of its complaints, and what it has started
//! ends with it.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin},
    time,
};

use super::{Reply, cover::Cover, retry::SinkAnswer, webhook::one_line};
use crate::{
    config::ExecSettings,
    fetch::program::{self, Group},
    store::Delivery,
};

/// Holds the id of what is handed over: the same on every attempt.
const ID: &str = "WIREWATCH_ID";
/// What a program said before it ended is read in this time, whoever else still has its standard error open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A program that takes alerts.
pub(super) struct Exec {
    settings: ExecSettings,
    name: String,
    /// Over arguments, which may be secret and which programs like to repeat.
    cover: Cover,
}

impl Exec {
    pub fn new(settings: &ExecSettings) -> Self {
        let mut cover = Cover::default();
        for argument in &settings.arguments {
            cover.argument(argument);
        }
        Self { settings: settings.clone(), name: program::name_of(&settings.program), cover }
    }

    /// One attempt.
    pub async fn send(&self, delivery: &Delivery) -> Reply {
        let mut command = program::command(&self.settings.program, &self.settings.arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        match command.env(ID, delivery.message.as_str()).spawn() {
            Ok(child) => self.watch(child, &delivery.body).await,
            // Not there, or not ours to run: no alert fares better than another.
            Err(error) => self.failed(SinkAnswer::Unreachable, &format!("it can't be started: {error}")),
        }
    }

    async fn watch(&self, mut child: Child, body: &str) -> Reply {
        let group = Group::of(&child);
        let (Some(stdin), Some(stderr)) = (child.stdin.take(), child.stderr.take()) else {
            return self.failed(SinkAnswer::Unreachable, "it has no input");
        };
        let mut said = Vec::new();
        let ended = {
            // Beside each other: a program that complains before it reads would wait for us, and we for it.
            let talk = async { tokio::join!(hand_over(stdin, body), program::hear(stderr, &mut said)) };
            tokio::pin!(talk);
            let end = async {
                tokio::select! {
                    ended = child.wait() => (ended, false),
                    _ = talk.as_mut() => (child.wait().await, true),
                }
            };
            let ended = time::timeout(self.settings.timeout, end).await;
            // Whoever it has left behind.
            drop(group);
            if let Ok((_, false)) = &ended {
                // All that it said stands in the pipe by now.
                let _ = time::timeout(LAST_WORDS, talk).await;
            }
            ended.map(|(ended, _)| ended)
        };
        match ended {
            Ok(Ok(status)) if status.success() => Reply { answer: SinkAnswer::Taken, said: status.to_string() },
            Ok(Ok(status)) => {
                let said = self.cover.over(&String::from_utf8_lossy(&said), program::is_cut(&said));
                self.failed(SinkAnswer::Failed, &format!("{status}: {}", program::first_line_of(&said)))
            }
            Ok(Err(error)) => self.failed(SinkAnswer::Failed, &format!("its end can't be seen: {error}")),
            Err(_) => self.failed(SinkAnswer::Failed, &format!("no end within {:?}", self.settings.timeout)),
        }
    }

    fn failed(&self, answer: SinkAnswer, how: &str) -> Reply {
        Reply { answer, said: one_line(&format!("{}: {how}", self.name)) }
    }
}

/// The body and an end of line, which makes it easy to read for shells. A program that reads no more of it knows why.
async fn hand_over(mut stdin: ChildStdin, body: &str) {
    let _ = stdin.write_all(body.as_bytes()).await;
    let _ = stdin.write_all(b"\n").await;
}

//! Programs of this machine that wirewatch starts: those of `exec:` feeds, and those of sinks.
//!
//! No shell takes the arguments apart, what a program complains of is kept to a line or two, and what it has started ends
//! with it.

use std::path::Path;

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
};

/// What is kept of a program's complaints, in bytes: a line or two for the error message.
const SAID_BYTES_MAX: usize = 400;

/// The program with its arguments, as the leader of a group of its own, so that what it starts can be ended with it.
pub(crate) fn command(program: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    command
}

/// A program's name as it may be shown: without its folder and arguments, which may be secret.
pub(crate) fn name_of(program: &Path) -> String {
    program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()
}

/// Keeps the beginning of what a program complains of; the rest is read and dropped, so that it never waits for a reader.
pub(crate) async fn hear(mut stderr: impl AsyncRead + Unpin, said: &mut Vec<u8>) {
    let mut piece = [0; 1_024];
    while let Ok(count @ 1..) = stderr.read(&mut piece).await {
        let room = SAID_BYTES_MAX - said.len().min(SAID_BYTES_MAX);
        said.extend_from_slice(&piece[..count.min(room)]);
    }
}

/// Whether it may have said more than was kept.
pub(crate) fn is_cut(said: &[u8]) -> bool {
    said.len() >= SAID_BYTES_MAX
}

/// The first line of it that says something.
pub(crate) fn first_line(said: &[u8]) -> String {
    first_line_of(&String::from_utf8_lossy(said))
}

/// The same of a text.
pub(crate) fn first_line_of(text: &str) -> String {
    let says_something = |line: &&str| line.chars().any(|c| !c.is_control() && !c.is_whitespace());
    text.lines().map(str::trim).find(says_something).unwrap_or("it says nothing").to_owned()
}

/// A program and all that it has started, ended when this is dropped.
pub(crate) struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    #[cfg(unix)]
    pub(crate) fn of(child: &Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        Self { leader }
    }

    #[cfg(not(unix))]
    pub(crate) fn of(_: &Child) -> Self {
        Self {}
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            // It fails where all have ended, and that is what is wanted.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

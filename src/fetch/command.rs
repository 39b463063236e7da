//! `exec:` feeds behind the same [`Answer`] as those from the net: a program of this machine prints the document.
//!
//! It is started without a shell, with an argument list that only the hand-written config can hold, and is given what a
//! server is given: so much time and so many bytes. What it has started ends with it.

use std::{path::Path, process::Stdio};

use reqwest::header::HeaderMap;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    time::{Instant, timeout_at},
};
use url::Url;

use super::{
    Answer, CommandProblem, FetchError, FetchLimits,
    hints::Validators,
    large::{Intake, LargeBodies, Size},
};

/// What is kept of a program's complaints, in bytes: a line or two for the error message.
const SAID_BYTES_MAX: usize = 400;
/// Read at once, in bytes.
const PIECE_BYTES: usize = 16 * 1024;

/// Runs the program once.
pub(super) async fn run(
    program: &Path,
    arguments: &[String],
    limits: &FetchLimits,
    large: &LargeBodies,
) -> Result<Answer, FetchError> {
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    let fail = |problem| FetchError::Command { program: name.clone(), problem };
    let mut deadline = Instant::now() + limits.total;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // A group of its own, so that what it starts can be ended with it.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(|error| fail(CommandProblem::Start(error)))?;
    let _group = Group::of(&child);
    let (Some(mut stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(fail(CommandProblem::Start(std::io::Error::other("it has no output"))));
    };
    // Read beside its output: a program that complains at length would else wait for a reader.
    let said = tokio::spawn(complaint(stderr));
    let too_late = || FetchError::Timeout { host: name.clone(), limit: limits.total };
    let broken = |problem| FetchError::from_body(name.clone(), limits.body_bytes_max, problem);
    let headers = HeaderMap::new();
    let mut intake = Intake::new(&headers, limits.body_bytes_max).map_err(broken)?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = timeout_at(deadline, stdout.read(&mut piece)).await.map_err(|_| too_late())?;
        let count = read.map_err(|error| fail(CommandProblem::Output(error)))?;
        let size = if count == 0 { intake.end() } else { intake.push(&piece[..count]) };
        if size.map_err(broken)? == Size::Large {
            let before = Instant::now();
            let held = large.hold().await;
            // It was we who did not read.
            deadline += before.elapsed();
            intake.go_on(held).map_err(broken)?;
            if count == 0 {
                intake.end().map_err(broken)?;
            }
        }
        if count == 0 {
            break;
        }
    }
    let ended = timeout_at(deadline, child.wait()).await.map_err(|_| too_late())?;
    let status = ended.map_err(|error| fail(CommandProblem::Output(error)))?;
    if !status.success() {
        let said = timeout_at(deadline, said).await.map_err(|_| too_late())?.unwrap_or_default();
        let said = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it says nothing").to_owned();
        return Err(fail(CommandProblem::Failed { status, said }));
    }
    let (document, held) = intake.into_document();
    let url = Url::parse(&format!("exec:{name}")).map_err(|_| fail(CommandProblem::Name))?;
    let validators =
        Validators { url: url.to_string(), etag: None, last_modified: None, body_hash: Some(document.hash) };
    Ok(Answer::Document {
        body: document.body,
        content_type: None,
        url,
        links: Vec::new(),
        validators,
        freshness: None,
        moved_to: None,
        held,
    })
}

/// The beginning of what a program complains of; the rest is read and dropped.
async fn complaint(mut stderr: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut piece = [0; 1_024];
    while let Ok(count @ 1..) = stderr.read(&mut piece).await {
        let room = SAID_BYTES_MAX - kept.len().min(SAID_BYTES_MAX);
        kept.extend_from_slice(&piece[..count.min(room)]);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// A program and all that it has started, ended when this is dropped.
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    #[cfg(unix)]
    fn of(child: &tokio::process::Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        Self { leader }
    }

    #[cfg(not(unix))]
    fn of(_: &tokio::process::Child) -> Self {
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

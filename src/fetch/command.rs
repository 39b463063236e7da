//! `exec:` feeds behind the same [`Answer`] as those from the net: a program of this machine prints the document.
//!
//! It is started without a shell, with an argument list that only the hand-written config can hold, and is given what a
//! server is given: so much time and so many bytes. What it has started ends with it.

use std::{path::Path, process::Stdio};

use reqwest::header::HeaderMap;
use tokio::{
    io::AsyncReadExt,
    time::{Instant, timeout_at},
};
use url::Url;

use super::{
    Answer, CommandProblem, FetchError, FetchLimits,
    hints::Validators,
    large::{Intake, LargeBodies, Size},
    program::{self, Group},
};

/// Read at once, in bytes.
const PIECE_BYTES: usize = 16 * 1024;

/// Runs the program once.
pub(super) async fn run(
    program: &Path,
    arguments: &[String],
    limits: &FetchLimits,
    large: &LargeBodies,
) -> Result<Answer, FetchError> {
    let name = program::name_of(program);
    let fail = |problem| FetchError::Command { program: name.clone(), problem };
    let mut deadline = Instant::now() + limits.total;
    let mut command = program::command(program, arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| fail(CommandProblem::Start(error)))?;
    let _group = Group::of(&child);
    let (Some(mut stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(fail(CommandProblem::Start(std::io::Error::other("it has no output"))));
    };
    // Read beside its output: a program that complains at length would else wait for a reader.
    let said = tokio::spawn(async move {
        let mut said = Vec::new();
        program::hear(stderr, &mut said).await;
        said
    });
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
        return Err(fail(CommandProblem::Failed { status, said: program::first_line(&said) }));
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

//! `file:` feeds behind the same [`Answer`] as those from the net.

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use sha2::{Digest, Sha256};
use url::Url;

use super::{
    Answer, FetchError, FileProblem, Held,
    hints::Validators,
    large::{LARGE_BYTES_MIN, LargeBodies},
};

/// A file that changed so recently may change again without its time showing it: the kernel's clock for files ticks
/// every 4 to 10 ms. It gets no `etag` yet, and its hash tells instead.
const MTIME_TICK: Duration = Duration::from_millis(50);

/// Reads a file feed of at most `limit` bytes. Blocks; belongs on the blocking pool.
fn read(path: &Path, known: Option<&Validators>, limit: u64, held: Held) -> Result<Answer, FetchError> {
    let fail = |problem| FetchError::File { path: path.to_owned(), problem };
    // Looked at before it is opened: opening a FIFO waits for its writer, and a device may do anything.
    check_regular(&std::fs::metadata(path).map_err(|e| fail(e.into()))?).map_err(fail)?;
    let file = File::open(path).map_err(|e| fail(e.into()))?;
    let about = file.metadata().map_err(|e| fail(e.into()))?;
    check_regular(&about).map_err(fail)?;

    let url = Url::from_file_path(path).map_err(|()| fail(FileProblem::NotAbsolute))?;
    let etag = etag(&about);
    if let Some(known) = known
        && known.url == url.as_str()
        && etag.is_some()
        && known.etag == etag
    {
        return Ok(Answer::NotModified { validators: known.clone(), freshness: None, moved_to: None });
    }
    if about.len() > limit {
        return Err(FetchError::BodyTooLarge { limit });
    }
    let mut body = Vec::new();
    // One byte more than allowed, to see whether the file grew meanwhile.
    file.take(limit.saturating_add(1)).read_to_end(&mut body).map_err(|e| fail(e.into()))?;
    if body.len() as u64 > limit {
        return Err(FetchError::BodyTooLarge { limit });
    }
    let body_hash = Some(Sha256::digest(&body).into());
    let validators = Validators { url: url.to_string(), etag, last_modified: None, body_hash };
    Ok(Answer::Document {
        body: body.into(),
        content_type: None,
        url,
        links: Vec::new(),
        validators,
        freshness: None,
        moved_to: None,
        held,
    })
}

fn check_regular(about: &Metadata) -> Result<(), FileProblem> {
    match about {
        about if about.is_file() => Ok(()),
        about if about.is_dir() => Err(FileProblem::Directory),
        _ => Err(FileProblem::NotAFile),
    }
}

/// Time and size of a file whose time can be relied on.
fn etag(about: &Metadata) -> Option<Vec<u8>> {
    let changed = about.modified().ok()?;
    if SystemTime::now().duration_since(changed).is_ok_and(|age| age < MTIME_TICK) {
        return None;
    }
    let since = changed.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(format!("\"{:x}-{:x}\"", since.as_nanos(), about.len()).into_bytes())
}

/// Reads a file feed without holding up the other tasks.
pub(super) async fn read_aside(
    path: PathBuf,
    known: Option<Validators>,
    limit: u64,
    large: &LargeBodies,
) -> Result<Answer, FetchError> {
    // Who holds a permit needs the blocking pool to get on, so the wait is not there. A file that grows in between is
    // read without a permit, once.
    let held = match tokio::fs::metadata(&path).await {
        Ok(about) if about.len() > LARGE_BYTES_MIN => large.hold().await,
        // What is wrong with it is said below.
        _ => Held::default(),
    };
    let named = path.clone();
    match tokio::task::spawn_blocking(move || read(&path, known.as_ref(), limit, held)).await {
        Ok(answer) => answer,
        Err(stopped) => {
            Err(FetchError::File { path: named, problem: FileProblem::Unreadable(io::Error::other(stopped)) })
        }
    }
}

//! Lines to what is no file: a named pipe, a terminal, a device, our own standard output or error.
//!
//! Nothing there can be synced, taken back or renamed. It is opened for writing alone and never waited for: whoever opens a
//! pipe to read from it as well is its own reader, and what is written then is read by nobody. What the other side has not
//! taken after a while is a failure like any other, and comes again.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::FileTypeExt,
    path::Path,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags},
    io::Errno,
};

/// A reader that takes nothing for so long is as good as none.
const STUCK_AFTER: Duration = Duration::from_secs(10);

/// What a path names, where that is no regular file.
pub(super) enum Special<'a> {
    /// `/dev/stdout`. Not opened anew: it may be a socket, or a file that somebody else writes to as well.
    Output,
    /// `/dev/stderr`.
    Error,
    /// Something that is there already.
    Other { path: &'a Path, is_pipe: bool },
}

impl<'a> Special<'a> {
    /// `None` for a regular file, and for one that is yet to be.
    pub fn of(path: &'a Path) -> Option<Self> {
        match path.to_str() {
            Some("/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => return Some(Self::Output),
            Some("/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2") => return Some(Self::Error),
            _ => {}
        }
        let kind = fs::metadata(path).ok()?.file_type();
        (!kind.is_file()).then(|| Self::Other { path, is_pipe: kind.is_fifo() })
    }

    /// Writes all of it, or says why not. Blocks, but for no longer than the other side takes something.
    pub fn write(&self, lines: &str) -> io::Result<()> {
        match self {
            Self::Output => whole(&mut io::stdout().lock(), lines),
            Self::Error => whole(&mut io::stderr().lock(), lines),
            Self::Other { path, is_pipe } => patiently(&open(path, *is_pipe)?, lines.as_bytes()),
        }
    }
}

fn whole(stream: &mut impl Write, lines: &str) -> io::Result<()> {
    stream.write_all(lines.as_bytes())?;
    stream.flush()
}

fn open(path: &Path, is_pipe: bool) -> io::Result<File> {
    // A terminal that a daemon opens must not become its own.
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => Ok(file.into()),
        Err(Errno::NXIO) if is_pipe => Err(io::Error::new(io::ErrorKind::NotConnected, "nobody reads it")),
        Err(error) => Err(error.into()),
    }
}

fn patiently(mut file: &File, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        match file.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_for_room(file)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wait_for_room(file: &File) -> io::Result<()> {
    let patience = Timespec { tv_sec: STUCK_AFTER.as_secs().cast_signed(), tv_nsec: 0 };
    match poll(&mut [PollFd::new(file, PollFlags::OUT)], Some(&patience)) {
        Ok(0) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("its reader took nothing for {STUCK_AFTER:?}"))),
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

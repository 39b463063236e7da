//! Keeps the store's files to their owner: feeds' URLs stand in them, and some carry a password or a token.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io,
    path::Path,
};

use super::connection::beside;

/// Makes the folder where there is none, for its owner alone. One that exists is left as somebody set it up.
pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Options that give a file which they make to its owner alone.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the store's file before SQLite would, and takes from others what an earlier wirewatch left open to them. SQLite
/// gives a new log and index the file's own mode.
pub(super) fn create_file(path: &Path) -> io::Result<()> {
    // What stands there and is no store is for SQLite to refuse, in its own words.
    if !path.exists() {
        options().open(path)?;
    }
    for path in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm"), beside(path, ".lock")] {
        // A file of somebody else is theirs to open or close; we only use it.
        let _ = tighten(&path);
    }
    Ok(())
}

#[cfg(unix)]
fn tighten(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)?.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700))
}

#[cfg(not(unix))]
fn tighten(_: &Path) -> io::Result<()> {
    Ok(())
}

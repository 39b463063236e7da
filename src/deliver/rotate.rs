//! A file that lines are added to: whole lines, synced, and a new file begun where it would grow too long.
//!
//! The file is opened for each batch, so that one which was moved away is made anew, with its folder where need be. A crash, a kill or a full disk may
//! leave the beginning of a line at the end; nobody was told that it is written, so it comes again, and what stands there
//! of it is taken back first. Old files are `path.1`, the newest, to `path.N`. They move by renames alone, from the oldest
//! on, so that whatever breaks in leaves a gap in the numbers and never a file less.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::config::Rotation;

/// So much of a file's end is looked at for a line that broke off. A body is shorter.
const TORN_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// What our lines begin with.
const OUR_BEGINNING: &[u8] = b"{\"type\":\"";

/// Adds the lines, each with its end, and makes sure of them. Blocks.
pub(super) fn append(path: &Path, lines: &[String], rotation: Option<Rotation>) -> io::Result<()> {
    let (mut file, mut length) = open(path)?;
    // Pipes and terminals have no length, and nobody renames them.
    let rotation = rotation.filter(|_| length.is_some());
    let mut batch = String::new();
    for line in lines {
        let grown = length.unwrap_or_default() + batch.len() as u64;
        let is_full = rotation.is_some_and(|rotation| grown > 0 && grown + line.len() as u64 > rotation.bytes_max);
        if let (true, Some(rotation)) = (is_full, rotation) {
            write(&mut file, &batch)?;
            batch.clear();
            rotate(path, rotation.keep)?;
            (file, length) = open(path)?;
        }
        batch.push_str(line);
    }
    write(&mut file, &batch)
}

/// Opens the file at its end, which is made the end of a line; its length, where it has one.
fn open(path: &Path) -> io::Result<(File, Option<u64>)> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    let mut file = match (options.open(path), path.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            folder.ancestors().for_each(sync_folder);
            options.open(path)?
        }
        (opened, _) => opened?,
    };
    if !file.metadata()?.is_file() {
        return Ok((file, None));
    }
    // Another sink may write to the same file, and half of its line is not a torn one. Where a file system knows no
    // locks, nobody else is thought of.
    let _ = file.lock();
    let before = file.metadata()?.len();
    mend(&mut file, before)?;
    let length = file.metadata()?.len();
    if length == 0 {
        // A new file's name is to outlive a power cut as its lines do.
        sync_folder(path);
    }
    Ok((file, Some(length)))
}

/// Takes back a line of ours that broke off; any other end gets an end of line, so that the next does not grow out of it.
fn mend(file: &mut File, length: u64) -> io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(length - 1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" {
        return Ok(());
    }
    let from = length.saturating_sub(TORN_BYTES_MAX);
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    Read::by_ref(file).take(TORN_BYTES_MAX).read_to_end(&mut end)?;
    let line = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if (line > 0 || from == 0) && is_torn(&end[line..]) {
        return file.set_len(from + line as u64);
    }
    file.write_all(b"\n")
}

/// Whether it is the beginning of a line of ours, and not the whole of it.
fn is_torn(line: &[u8]) -> bool {
    let shared = line.len().min(OUR_BEGINNING.len());
    let is_ours = line[..shared] == OUR_BEGINNING[..shared];
    is_ours && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_err_and(|error| error.is_eof())
}

fn write(file: &mut File, lines: &str) -> io::Result<()> {
    file.write_all(lines.as_bytes())?;
    match file.sync_data() {
        // A pipe or a terminal has nothing to sync.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}

/// Moves each file to the next number, up to the first number that is free.
fn rotate(path: &Path, keep: usize) -> io::Result<()> {
    // Of a link, its target: the old files stand beside the new one.
    let path = fs::canonicalize(path)?;
    let free = (1..keep).find(|number| fs::symlink_metadata(numbered(&path, *number)).is_err()).unwrap_or(keep);
    for number in (1..free).rev() {
        fs::rename(numbered(&path, number), numbered(&path, number + 1))?;
    }
    fs::rename(&path, numbered(&path, 1))?;
    sync_folder(&path);
    Ok(())
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}

/// Not all systems can, and none loses a line over it.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

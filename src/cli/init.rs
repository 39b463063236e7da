//! `init`: writes a config to start from.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use crate::config::STARTER;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Something has that name.
    #[error("`{0}` exists, and `init` never overwrites")]
    Exists(PathBuf),
    /// The folder or the file could not be made.
    #[error("could not write `{path}`")]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Writes the starter config to `path`, whole or not at all, and never over something.
pub fn run(path: &Path) -> Result<(), InitError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists(path.to_owned()),
        _ => InitError::Write { path: path.to_owned(), source },
    };
    // Asked early for the sake of a folder that we may not write to; the last step is what makes it sure.
    if fs::symlink_metadata(path).is_ok() {
        return Err(InitError::Exists(path.to_owned()));
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".wirewatch-init-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any editor would make it; the umask takes away what the user does not want to give.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(failed)?;
    file.write_all(STARTER.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist_noclobber(path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_starter_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("etc/wirewatch.toml");
        run(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), STARTER);
        fs::write(&path, "mine").unwrap();
        assert!(matches!(run(&path), Err(InitError::Exists(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_a_file_is_said() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "").unwrap();
        let error = run(&folder.path().join("a/wirewatch.toml")).unwrap_err();
        assert!(error.to_string().contains("a/wirewatch.toml"), "{error}");
    }
}

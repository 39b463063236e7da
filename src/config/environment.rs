//! What the system around us says: variables, the folders that follow from them, and what we may write. A value, so that
//! tests bring their own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Where a daemon without a home folder keeps its data: a container from scratch, a bare service account.
const DATA_DIR_WITHOUT_HOME: &str = "/var/lib/wirewatch";

/// The variables that a config is read beside.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// Whether this user may write to what is there. `None`: nobody is asked, and it is so.
    may_write: Option<fn(&Path) -> bool>,
}

impl Environment {
    /// This process's own. Variables that are not UTF-8 are left out: no key could hold them.
    pub fn system() -> Self {
        let pairs = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Self { variables: pairs.collect(), may_write: Some(may_write) }
    }

    /// Just these variables, and a user who may write everywhere.
    pub fn of<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self { variables: pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect(), may_write: None }
    }

    /// One variable's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// One variable as a path; the XDG rules say that an empty or relative one counts as unset.
    fn folder(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// The user's own folder.
    pub fn home(&self) -> Option<PathBuf> {
        self.folder("HOME")
    }

    /// Whether a program is there, by its path or by its name in `PATH`; without a `PATH` nobody can say that a name is not.
    pub(super) fn has_program(&self, program: &Path) -> bool {
        let Some(path) = self.get("PATH").filter(|_| program.components().count() == 1 && program.is_relative()) else {
            return !program.is_absolute() || program.is_file();
        };
        std::env::split_paths(path).any(|folder| folder.join(program).is_file())
    }

    /// Why nothing can be written to a file, which is made with its folders where it is not there yet.
    pub(super) fn unwritable(&self, file: &Path) -> Option<String> {
        if file.is_dir() {
            return Some(format!("`{}` is a folder", file.display()));
        }
        let there = file.ancestors().find(|path| path.exists())?;
        if there != file && !there.is_dir() {
            return Some(format!("`{}` is no folder", there.display()));
        }
        let may_write = self.may_write.is_none_or(|may_write| may_write(there));
        (!may_write).then(|| format!("this user may not write to `{}`", there.display()))
    }

    /// Where data goes when the config does not say: systemd's state directory, else the XDG data folder.
    pub fn data_dir(&self) -> PathBuf {
        // systemd joins several state directories with colons; the first is the service's own.
        let state = self.get("STATE_DIRECTORY").and_then(|list| list.split(':').next());
        if let Some(state) = state.filter(|path| Path::new(path).is_absolute()) {
            return state.into();
        }
        self.folder("XDG_DATA_HOME")
            .or_else(|| self.home().map(|home| home.join(".local/share")))
            .map_or_else(|| DATA_DIR_WITHOUT_HOME.into(), |data| data.join("wirewatch"))
    }

    /// Where a config is looked for, in this order; the first is taken without looking whether it exists.
    pub(super) fn config_candidates(&self) -> Vec<PathBuf> {
        let own = self.folder("XDG_CONFIG_HOME").or_else(|| self.home().map(|home| home.join(".config")));
        let mut candidates = vec![PathBuf::from("wirewatch.toml")];
        candidates.extend(own.map(|folder| folder.join("wirewatch/wirewatch.toml")));
        candidates.push("/etc/wirewatch/wirewatch.toml".into());
        candidates
    }
}

#[cfg(unix)]
fn may_write(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn may_write(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.permissions().readonly())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn file_that_cannot_be_written_is_told_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), "").unwrap();
        let (anyone, nobody) =
            (Environment::system(), Environment { may_write: Some(|_| false), ..Environment::default() });
        let shown = |environment: &Environment, name: &str| {
            environment.unwritable(&path(name)).map(|why| why.replace(folder.path().to_str().unwrap(), "F"))
        };
        for name in ["file", "new", "a/b/new"] {
            assert_eq!(shown(&anyone, name), None, "{name}");
        }
        assert_eq!(shown(&anyone, "").as_deref(), Some("`F/` is a folder"));
        assert_eq!(shown(&anyone, "file/new").as_deref(), Some("`F/file` is no folder"));
        assert_eq!(shown(&nobody, "file").as_deref(), Some("this user may not write to `F/file`"));
        assert_eq!(shown(&nobody, "a/b/new").as_deref(), Some("this user may not write to `F`"));
        assert!(!may_write(&path("gone")));
    }

    #[track_caller]
    fn data_dir(pairs: &[(&str, &str)], expected: &str) {
        assert_eq!(Environment::of(pairs.iter().copied()).data_dir(), Path::new(expected));
    }

    #[test]
    fn data_dir_follows_systemd_then_xdg_then_home() {
        data_dir(&[("STATE_DIRECTORY", "/var/lib/ww:/var/lib/b"), ("HOME", "/users/a")], "/var/lib/ww");
        data_dir(&[("XDG_DATA_HOME", "/data"), ("HOME", "/users/a")], "/data/wirewatch");
        data_dir(&[("XDG_DATA_HOME", "relative"), ("HOME", "/users/a")], "/users/a/.local/share/wirewatch");
        data_dir(&[("STATE_DIRECTORY", "")], "/var/lib/wirewatch");
    }
}

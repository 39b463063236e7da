//! Where the config is, and its bytes.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    environment::Environment,
    problem::{Origin, Place, Problem},
};

/// Largest config. Ten megabytes are some fifty thousand feeds; it is read whole, and kept for showing lines.
pub(super) const CONFIG_BYTES_MAX: u64 = 10_000_000;

/// The whole file as text.
pub(super) fn read_text(path: &Path) -> Result<String, Box<Problem>> {
    let cannot = |why: &str| Problem::error(format!("cannot read the config `{}`: {why}", path.display()));
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(CONFIG_BYTES_MAX + 1).read_to_end(&mut bytes)).map_err(|error| {
        Box::new(match error.kind() {
            io::ErrorKind::NotFound => {
                cannot("there is no such file").help("`wirewatch init` writes one to start from")
            }
            _ => cannot(&error.to_string()),
        })
    })?;
    if bytes.len() as u64 > CONFIG_BYTES_MAX {
        return Err(cannot(&format!("it is larger than {} MB", CONFIG_BYTES_MAX / 1_000_000)).into());
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let source: Arc<str> = String::from_utf8_lossy(error.as_bytes()).into();
        let place = Place { origin: Origin::File(path.to_owned()), source, span: valid..valid, first_line: 1 };
        Problem::error("the config is not UTF-8").at(place).help("save it as UTF-8").into()
    })
}

/// Where the config is: `explicit`, then `$WIREWATCH_CONFIG`, `./wirewatch.toml`, the user's, the system's. The first
/// two are taken at their word, so that a missing file is an error and not silence.
pub fn find(explicit: Option<&Path>) -> Option<PathBuf> {
    find_in(explicit, &Environment::system())
}

fn find_in(explicit: Option<&Path>, environment: &Environment) -> Option<PathBuf> {
    let named = environment.get("WIREWATCH_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
    explicit
        .map(Path::to_owned)
        .or(named)
        .or_else(|| environment.config_candidates().into_iter().find(|path| path.is_file()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{super::load_with, *};

    #[test]
    fn a_config_that_is_named_is_taken_at_its_word() {
        let environment = Environment::of([("WIREWATCH_CONFIG", "/nowhere/env.toml")]);
        assert_eq!(find_in(Some(Path::new("/nowhere/a.toml")), &environment), Some("/nowhere/a.toml".into()));
        assert_eq!(find_in(None, &environment), Some("/nowhere/env.toml".into()));
        assert!(load_with(Path::new("/nowhere/a.toml"), &environment).problems[0].message.contains("no such file"));
    }

    #[test]
    fn the_users_config_is_found() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(".config/wirewatch/wirewatch.toml");
        let environment = Environment::of([("HOME", home.path().to_str().unwrap())]);
        assert_ne!(find_in(None, &environment), Some(file.clone()));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "").unwrap();
        assert_eq!(find_in(None, &environment), Some(file));
    }

    #[test]
    fn too_large_or_not_utf8_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wirewatch.toml");
        std::fs::write(&path, b"# a\nname = \"\xe9\"\n").unwrap();
        let problem = load_with(&path, &Environment::default()).problems.remove(0);
        assert_eq!(problem.place.unwrap().line_column(), (2, 9));
        std::fs::write(&path, vec![b'#'; CONFIG_BYTES_MAX as usize + 1]).unwrap();
        assert!(load_with(&path, &Environment::default()).problems[0].message.contains("larger than 10 MB"));
    }
}

//! The house keeps itself: arrows between rooms, heads of files, references.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The rooms in the order of `src/lib.rs`, which is the order in which an article meets them.
fn rooms() -> Vec<String> {
    let front = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let rooms: Vec<String> =
        front.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).map(str::to_owned).collect();
    assert!(rooms.len() > 10, "lib.rs lists {rooms:?}");
    rooms
}

fn room_of(file: &Path) -> Option<String> {
    let inside = file.strip_prefix(root().join("src")).ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?;
    Some(first.trim_end_matches(".rs").to_owned())
}

#[test]
fn a_room_uses_only_those_above_it() {
    let rooms = rooms();
    let place = |room: &str| rooms.iter().position(|r| r == room);
    let mut wrong = Vec::new();
    for file in rust_files(&root().join("src")) {
        let Some(own) = room_of(&file).and_then(|room| place(&room)) else { continue };
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for after in line.split("crate::").skip(1) {
                let named = after.trim_start_matches('{');
                let used: String = named.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if place(&used).is_some_and(|used| used > own) {
                    wrong.push(format!("{}:{} uses `{used}`", file.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that point the wrong way:\n{}", wrong.join("\n"));
}

#[test]
fn rooms_that_think_touch_nothing() {
    const PURE: [&str; 5] = ["schedule", "feed", "article", "watch", "alert"];
    const TOUCHING: [&str; 6] = ["tokio::", "std::fs", "std::net::Tcp", "Utc::now", "SystemTime::now", "std::env"];
    let mut wrong = Vec::new();
    for file in rust_files(&root().join("src")) {
        // The one door through which a user's pack files come in.
        let is_pack_folder = file.ends_with("watch/pack.rs");
        if is_pack_folder || !room_of(&file).is_some_and(|room| PURE.contains(&room.as_str())) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        for (number, line) in code.lines().enumerate() {
            let is_comment = line.trim_start().starts_with("//");
            if let Some(word) = TOUCHING.iter().find(|word| !is_comment && line.contains(**word)) {
                wrong.push(format!("{}:{} has `{word}`", file.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "rooms that should take values and give values:\n{}", wrong.join("\n"));
}

#[test]
fn every_file_introduces_itself() {
    let mut files = rust_files(&root().join("src"));
    files.extend(rust_files(&root().join("tests")));
    let silent: Vec<_> =
        files.iter().filter(|file| !fs::read_to_string(file).unwrap().trim_start().starts_with("//! ")).collect();
    assert!(silent.is_empty(), "files without a head comment: {silent:?}");
}

#[test]
fn no_room_is_a_cupboard() {
    for file in rust_files(&root().join("src")) {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(!["utils", "util", "common", "helpers", "misc"].contains(&name.as_str()), "{}", file.display());
    }
}

#[test]
fn reference_lists_every_metric() {
    let reference = fs::read_to_string(root().join("docs/reference/metrics.md")).unwrap();
    let source = fs::read_to_string(root().join("src/metrics.rs")).unwrap();
    let names: Vec<&str> =
        source.split('"').filter(|word| word.starts_with("wirewatch_") && !word.contains([' ', '{'])).collect();
    assert!(names.len() > 15, "only {names:?} found");
    for name in names {
        assert!(reference.contains(&format!("`{name}`")), "docs/reference/metrics.md lacks {name}");
    }
}

#[test]
fn reference_lists_every_config_key() {
    use wirewatch::config::keys::{KEYS, Standing};
    let reference = fs::read_to_string(root().join("docs/reference/config.md")).unwrap();
    for key in KEYS.iter().filter(|key| key.standing == Standing::Now) {
        let (section, name) = (key.section, key.name);
        let heading = match section {
            "" => continue,
            "feed" | "opml" | "watch" | "sink" => format!("## `[[{section}]]`"),
            section => format!("## `[{section}]`"),
        };
        let part = reference.split(&heading).nth(1).unwrap_or("").split("\n## ").next().unwrap_or("");
        assert!(part.contains(&format!("| `{name}` |")), "docs/reference/config.md lacks {section}.{name}");
    }
}

#[test]
fn code_names_no_machine() {
    let mut files = rust_files(&root().join("src"));
    files.extend(rust_files(&root().join("tests")));
    for file in files.iter().filter(|f| !f.ends_with("house.rs")) {
        let text = fs::read_to_string(file).unwrap();
        for path in ["/work/", "/root/", "/home/"] {
            assert!(!text.contains(path), "{} names {path}", file.display());
        }
    }
}

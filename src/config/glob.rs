//! The files that a `file:` feed with `*` or `?` stands for.

use std::path::{Path, PathBuf};

use super::problem::Problem;

/// Files that one glob may stand for, so that `file:/**` is a message and not a flood.
const GLOB_FILES_MAX: usize = 1_000;

/// The files that a pattern stands for, sorted; `*` and `?` stand for what is inside one name.
pub(super) fn files_of(pattern: &Path) -> Result<Vec<PathBuf>, Box<Problem>> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let part = part.as_os_str();
        let wanted = part.to_string_lossy();
        if !wanted.contains(['*', '?']) {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        }
        let mut next = Vec::new();
        // A folder that is missing or closed to us holds no feed.
        for entry in found.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // As in shells, a hidden file is only found by a pattern that shows its dot.
            if name.starts_with('.') == wanted.starts_with('.') && is_like(&name, &wanted) {
                next.push(entry.path());
            }
            if next.len() > GLOB_FILES_MAX {
                let problem = Problem::error(format!("more than {GLOB_FILES_MAX} files are named like this"));
                return Err(problem.help("`*` stands for what is inside one name; write more of the path").into());
            }
        }
        found = next;
    }
    found.retain(|path| path.is_file());
    found.sort();
    Ok(found)
}

/// Whether a name is like a pattern with `*` and `?`: in step with the pattern, going back to the last `*` on a miss.
fn is_like(name: &str, pattern: &str) -> bool {
    let (name, pattern): (Vec<char>, Vec<char>) = (name.chars().collect(), pattern.chars().collect());
    let (mut at, mut in_pattern) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while at < name.len() {
        match pattern.get(in_pattern) {
            Some('*') => {
                last_star = Some((in_pattern, at));
                in_pattern += 1;
            }
            Some(c) if *c == '?' || *c == name[at] => {
                at += 1;
                in_pattern += 1;
            }
            _ => match &mut last_star {
                Some((star, from)) => {
                    *from += 1;
                    at = *from;
                    in_pattern = *star + 1;
                }
                None => return false,
            },
        }
    }
    pattern[in_pattern..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_like_a_name() {
        for (name, pattern, expected) in [
            ("a.xml", "*.xml", true),
            ("a.xml", "?.xml", true),
            ("ab.xml", "?.xml", false),
            ("a.xml.bak", "*.xml", false),
            ("aXbXc", "*X*c", true),
            ("", "*", true),
            ("é.xml", "?.*", true),
        ] {
            assert_eq!(is_like(name, pattern), expected, "{name} {pattern}");
        }
    }
}

//! Reads secrets: a text, or the name of a variable or file that holds it.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::{
    problem::Problem,
    raw::{Table, Value},
    reader::Reader,
    settings::Secret,
    value::is_variable,
};

/// A secret file is a line; what is larger is the wrong file.
const SECRET_FILE_BYTES_MAX: u64 = 64 * 1024;

impl<'a> Reader<'a> {
    /// A secret: a text, `{ env = "VAR" }` or `{ file = "path" }`.
    pub fn secret(&mut self, value: &Value<'a>) -> Option<Secret> {
        let secret = match value.table() {
            None => self.text_as(value, "a text, `{ env = \"VAR\" }` or `{ file = \"path\" }`")?.value,
            Some(table) => self.secret_from(value, table)?,
        };
        if secret.is_empty() {
            self.note(&value.span, Problem::error(format!("`{}` is empty", value.key)));
            return None;
        }
        Some(Secret::new(secret))
    }

    fn secret_from(&mut self, value: &Value<'a>, table: Table<'a>) -> Option<String> {
        let table = self.known_inline(table, &["env", "file"]);
        match (table.get("env"), table.get("file")) {
            (Some(env), None) => {
                let name = self.text(env)?.value;
                if !is_variable(&name) {
                    self.note(&env.span, Problem::error(format!("`{name}` is no name of a variable")));
                    return None;
                }
                let found = self.environment.get(&name).map(str::to_owned);
                if found.is_none() {
                    let problem = Problem::error(format!("the environment has no `{name}`"));
                    self.note(&env.span, problem.help(format!("set it before the start: `export {name}=…`")));
                }
                found
            }
            (None, Some(file)) => {
                let path = self.path(file)?;
                match read_secret(&path) {
                    Ok(secret) => Some(secret),
                    Err(error) => {
                        let problem = Problem::error(format!("cannot read `{}`: {error}", path.display()));
                        self.note(&file.span, problem.help("the file holds the secret alone, in one line"));
                        None
                    }
                }
            }
            _ => {
                let message = format!("`{}` is either `{{ env = \"VAR\" }}` or `{{ file = \"path\" }}`", value.key);
                self.note(&value.span, Problem::error(message));
                None
            }
        }
    }
}

fn read_secret(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(SECRET_FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > SECRET_FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {} KiB", SECRET_FILE_BYTES_MAX / 1024)));
    }
    // An editor or `echo` ends the file with a line break that nobody means.
    Ok(text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line)).to_owned())
}

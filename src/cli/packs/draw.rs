//! Changes of packs in words.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    alert::text::safe,
    watch::contents::{Change, ChangeKind},
};

/// Values of one field that are shown of each change; NDJSON has all of them.
const VALUES_MAX: usize = 6;

/// A change for programs.
pub(super) fn change_line(change: &Change, pack: &str, file: Option<&Path>) -> Value {
    json!({
        "pack": pack,
        "file": file.map(|path| path.display().to_string()),
        "change": change.change,
        "section": change.section,
        "id": change.id,
        "name": change.name,
        "fields": change.fields,
    })
}

/// Changes for people.
pub(super) fn changes(changes: &[Change]) -> String {
    let mut text = String::new();
    for change in changes {
        let sign = match change.change {
            ChangeKind::Added => '+',
            ChangeKind::Removed => '-',
            ChangeKind::Changed => '~',
        };
        let name = change.name.as_ref().map(|name| format!(" {}", safe(name))).unwrap_or_default();
        text.push_str(&format!("{sign} {} {}{name}\n", safe(&change.section), safe(&change.id)));
        // A country's or a person's name stands above.
        for (field, values) in change.fields.iter().filter(|(field, _)| !is_told(field, change)) {
            let signed = [('-', &values.removed), ('+', &values.added)];
            for (sign, values) in signed.into_iter().filter(|(_, values)| !values.is_empty()) {
                let sign = if change.change == ChangeKind::Changed { format!("{sign} ") } else { String::new() };
                text.push_str(&format!("    {}: {sign}{}\n", safe(field), listed(field, values)));
            }
        }
    }
    text
}

fn is_told(field: &str, change: &Change) -> bool {
    change.change != ChangeKind::Changed && matches!(field, "id" | "name")
}

/// The first values, and how many there are beside them.
pub(super) fn listed(field: &str, values: &[String]) -> String {
    // Roles have a comma in them.
    let between = if field == "roles" { "; " } else { ", " };
    let mut listed = values.iter().take(VALUES_MAX).map(|value| safe(value)).collect::<Vec<_>>().join(between);
    if values.len() > VALUES_MAX {
        listed.push_str(&format!("{between}… {} more", values.len() - VALUES_MAX));
    }
    listed
}

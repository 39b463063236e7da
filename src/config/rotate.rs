//! When a file sink begins a new file: `rotate` of `[[sink]]`.

use super::{problem::Problem, raw::Value, reader::Reader, value::parse_size};

/// Smaller files would hold a few alerts each.
const SIZE_MIN: u64 = 1_000;
const SIZE_MAX: u64 = 1_000_000_000_000;
/// Older ones than these are deleted.
const KEEP: usize = 5;
const KEEP_MAX: usize = 1_000;

/// When a new file is begun, and how many old ones stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// No file is longer, unless one line is.
    pub bytes_max: u64,
    /// Old files that stay, the newest as `path.1`.
    pub keep: usize,
}

pub(super) fn read<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<Rotation> {
    let Some(table) = value.table() else {
        let problem = Problem::error(format!("`rotate` is a table, not {}", value.kind()));
        reader.note(&value.span, problem.help("write it as in `rotate = { size = \"10MB\", keep = 5 }`"));
        return None;
    };
    let has_size = table.values.iter().any(|value| value.key == "size");
    let table = reader.known_inline(table, &["size", "keep"]);
    if !has_size {
        let problem = Problem::error("`rotate` has no `size`");
        reader.note(&value.span, problem.help("write it as in `rotate = { size = \"10MB\", keep = 5 }`"));
    }
    let keep = table.get("keep").map(|value| reader.count(value, 1..=KEEP_MAX));
    let bytes_max = size(reader, table.get("size")?)?;
    Some(Rotation { bytes_max, keep: keep.unwrap_or(Some(KEEP))? })
}

fn size<'a>(reader: &mut Reader<'a>, value: &Value<'a>) -> Option<u64> {
    let text = reader.text(value)?;
    let problem = match parse_size(&text.value) {
        Ok(bytes) if (SIZE_MIN..=SIZE_MAX).contains(&bytes) => return Some(bytes),
        Ok(_) => Problem::error("`size` is from 1kB to 1000GB"),
        Err(error) => {
            Problem::error(format!("`size` is no size: {error}")).help("sizes are written `500kB`, `10MB`, `2GB`")
        }
    };
    reader.note(&value.span, problem);
    None
}

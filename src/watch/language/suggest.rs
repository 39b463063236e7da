//! The name that was probably meant.

/// Of names no nearer than this, none was meant.
const SIMILARITY_MIN: f64 = 0.72;

/// The name most like `written`, if one is like it at all.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    let length = written.chars().count();
    names
        .into_iter()
        .filter(|name| may_be_like(length, name.chars().count()))
        .map(|name| (strsim::normalized_damerau_levenshtein(&written, &name.to_lowercase()), name))
        .filter(|&(similarity, name)| similarity >= SIMILARITY_MIN || is_short_typo(&written, name))
        // The first of equals, so that the same mistake always gets the same answer.
        .fold(None, |best: Option<(f64, &str)>, new| if best.is_none_or(|b| new.0 > b.0) { Some(new) } else { best })
        .map(|(_, name)| name)
}

/// Each letter that one has more is an edit: among thousands of names most need no closer look.
fn may_be_like(one: usize, other: usize) -> bool {
    let (short, long) = (one.min(other), one.max(other));
    long - short <= 1 || short as f64 >= SIMILARITY_MIN * long as f64
}

/// Three-letter names are a whole third off by one letter.
fn is_short_typo(written: &str, name: &str) -> bool {
    written.chars().count().min(name.chars().count()) >= 3 && strsim::osa_distance(written, &name.to_lowercase()) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let names = ["topic", "title", "tag", "lang"];
        assert_eq!(nearest("toppic", names), Some("topic"));
        assert_eq!(nearest("Title", names), Some("title"));
        assert_eq!(nearest("tga", names), Some("tag"));
        assert_eq!(nearest("http", names), None);
    }
}

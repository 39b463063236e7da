//! Did you mean …?

/// The candidate that `typed` most likely stands for, if one is near enough to be worth saying.
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = typed.to_lowercase();
    // A third of the word may be wrong: `intervall`, `severty` and `feeds` find theirs, `colour` finds nothing.
    let edits_max = (folded.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != typed)
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(edits, _)| *edits <= edits_max)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// "did you mean `x`?", else the choices where they are few enough to read, else nothing.
pub fn did_you_mean<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    /// Beyond this a list is a wall, not a way out.
    const LISTED_MAX: usize = 12;
    if let Some(near) = nearest(typed, candidates.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let listed: Vec<String> = candidates.into_iter().take(LISTED_MAX + 1).map(|c| format!("`{c}`")).collect();
    (1..=LISTED_MAX).contains(&listed.len()).then(|| format!("there is {}", listed.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let keys = ["interval", "severity", "feed", "url"];
        assert_eq!(nearest("intervall", keys), Some("interval"));
        assert_eq!(nearest("Severity", keys), Some("severity"));
        assert_eq!(nearest("feeds", keys), Some("feed"));
        assert_eq!(nearest("ulr", keys), Some("url"));
        assert_eq!(nearest("colour", keys), None);
    }
}

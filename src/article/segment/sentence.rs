//! Where sentences and paragraphs end, judged by what stands between two words.

use super::{super::language::Lang, pieces::Piece, units::Class};

/// What stands between two neighbouring words.
pub(super) struct Gap<'a> {
    /// The word before, folded.
    pub before: &'a str,
    /// Its last piece as written.
    pub before_end: &'a str,
    /// Whether it is letters joined by full stops, its own last full stop included: `U.S.`
    pub before_is_initials: bool,
    /// What stands between.
    pub pieces: &'a [Piece],
    /// First character of the word behind.
    pub next: char,
    /// Of the text.
    pub lang: Option<Lang>,
}

/// What ends in a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Break {
    None,
    Sentence,
    Paragraph,
}

impl Gap<'_> {
    pub fn ends(&self) -> Break {
        match self.pieces {
            [] => Break::None,
            _ if self.has_empty_line() => Break::Paragraph,
            _ if self.ends_sentence() => Break::Sentence,
            _ => Break::None,
        }
    }

    fn has_empty_line(&self) -> bool {
        let mut newlines = 0;
        for piece in self.pieces {
            match piece.class {
                Class::Newline if piece.first == '\u{2029}' => return true,
                Class::Newline => newlines += 1,
                Class::Space => {}
                _ => newlines = 0,
            }
            if newlines == 2 {
                return true;
            }
        }
        false
    }

    fn ends_sentence(&self) -> bool {
        let Some(first) = self.pieces.iter().position(|piece| is_terminator(piece.first)) else { return false };
        let terminators = &self.pieces[first..];
        if terminators.iter().any(|piece| is_certain_terminator(piece.first)) {
            return true;
        }
        if self.next.is_lowercase() {
            return false;
        }
        let is_spaced = terminators.iter().any(|piece| matches!(piece.class, Class::Space | Class::Newline));
        let is_full_stop = terminators[0].class == Class::Stop;
        match (is_spaced, is_full_stop) {
            // `reported.Defence`: a space was lost, unless it is a number, a host name or the like.
            (false, true) => {
                first == 0
                    && self.before_end.ends_with(char::is_lowercase)
                    && self.before.len() > 1
                    && self.next.is_uppercase()
            }
            (false, false) => !self.next.is_numeric(),
            (true, true) => first > 0 || terminators[1].class == Class::Stop || !self.is_abbreviated(),
            (true, false) => true,
        }
    }

    /// Whether the full stop behind the word before belongs to that word.
    fn is_abbreviated(&self) -> bool {
        let before = self.before;
        if self.before_is_initials || before.chars().nth(1).is_none() && !self.before_end.ends_with(char::is_numeric) {
            return true;
        }
        // `am 15. September`
        if before.len() <= 2 && before.bytes().all(|b| b.is_ascii_digit()) {
            return self.lang.is_some_and(|lang| ORDINAL_STOP.contains(&lang.as_str()));
        }
        TITLES.contains(&before) || self.next.is_numeric() && BEFORE_NUMBERS.contains(&before)
    }
}

fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '\u{61F}' | '\u{6D4}' | '\u{964}' | '\u{965}' | '\u{589}' | '\u{1362}' | '\u{203C}')
        || is_certain_terminator(c)
}

/// Marks that end a sentence whatever follows.
fn is_certain_terminator(c: char) -> bool {
    matches!(c, '。' | '｡' | '\u{964}' | '\u{965}' | '\u{6D4}' | '\u{61F}')
}

/// Languages that write ordinals as `15.`
const ORDINAL_STOP: [&str; 11] = ["de", "da", "no", "nb", "nn", "fi", "cs", "hu", "tr", "et", "sr"];

/// Abbreviations that are followed by a name, folded: a capital behind them begins no sentence.
const TITLES: [&str; 62] = [
    "mr", "mrs", "ms", "mx", "dr", "prof", "gen", "lt", "col", "maj", "capt", "cpt", "cmdr", "cdr", "adm", "brig",
    "sgt", "cpl", "pvt", "sen", "rep", "gov", "pres", "rev", "hon", "st", "ste", "mt", "ft", "amb", "sec", "min",
    "supt", "insp", "det", "messrs", "mme", "mlle", "mgr", "vs", "viz", "cf", "al", "sr", "sra", "srta", "dra", "dn",
    "av", "doc", "org", "yrd", "alb", "bsk", "им", "ген", "проф", "акад", "гос", "св", "тов", "ред",
];

/// Abbreviations that are followed by a number, folded: a digit behind them begins no sentence.
const BEFORE_NUMBERS: [&str; 35] = [
    "no", "nos", "nr", "num", "art", "arts", "para", "paras", "par", "fig", "figs", "ch", "vol", "pp", "res", "sect",
    "ca", "approx", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "стр", "рис",
    "гл", "тел", "ок",
];

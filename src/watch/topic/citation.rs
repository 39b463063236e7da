//! The forms in which texts write the numbers of resolutions.
//!
//! `S/RES/2397 (2017)`, `resolutions 1718 (2006), 1874 and 2270`, `2231 sayılı karar`, `第2397号决议`, `결의 2397호`: the
//! number stands behind the word or in front of it, with signs between, alone or in a list.

use super::{
    lexicon::Hit,
    passage::Passage,
    rule::{Facts, ResolutionRole as Word, ResolutionWord},
};

/// Words that may stand between a resolution and its number, where the Council is among them.
const GLUE_MAX: usize = 9;
/// Session and number of the General Assembly and the Human Rights Council are small; the Council's are in the thousands now.
const SPLIT_BELOW: u16 = 1000;
/// "Res", "no".
const ABBREVIATION_MAX: usize = 3;
/// A range of more than so many is not spelt out.
const RANGE_MAX: u16 = 10;
/// So many resolutions may be counted in a text; those with such numbers are of the Council's first years.
const COUNT_MAX: u16 = 199;
/// No list is longer.
const LIST_MAX: usize = 30;
/// Numbers that read as a year.
const YEARS: std::ops::RangeInclusive<u16> = 1945..=2035;

/// What stands beside a resolution.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Cited {
    pub numbers: Vec<Number>,
    /// Of a resolution without a number: "the 2006 resolution".
    pub year: Option<u16>,
    /// Numbered as other bodies number theirs: "76/300".
    pub is_of_others: bool,
}

/// A number in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    pub value: u16,
    /// In brackets behind it.
    pub year: Option<u16>,
    pub token: usize,
    /// Where the year stands.
    pub year_token: Option<usize>,
}

/// The numbers that a resolution word has beside it.
pub(super) fn numbers(
    passage: &Passage<'_>,
    hits: &[Hit<ResolutionWord>],
    hit: &Hit<ResolutionWord>,
    word: Word,
    facts: &Facts,
) -> Cited {
    let reader = Reader { passage, hits, facts };
    if word != Word::Symbol && reader.is_split(hit.end, passage.tokens.len()) {
        return Cited { is_of_others: true, ..Cited::default() };
    }
    let mut behind = if word == Word::NumberedResolution { Vec::new() } else { reader.behind(hit.end) };
    // Turkish puts the number in front: what stands right behind "tasarı" counts votes.
    if word == Word::WeakResolution && behind.first().is_some_and(|number| number.token == hit.end) {
        behind.clear();
    }
    if !behind.is_empty() {
        return Cited { numbers: behind, ..Cited::default() };
    }
    let mut numbers = reader.in_front(hit.start);
    // "The 2006 resolution" tells when; only a sign of number makes 2006 a number there.
    if word != Word::NumberedResolution
        && let [only] = numbers[..]
        && YEARS.contains(&only.value)
        && only.year.is_none()
        && only.token + 1 == hit.start
    {
        return Cited { year: Some(only.value), ..Cited::default() };
    }
    numbers.reverse();
    Cited { numbers, ..Cited::default() }
}

struct Reader<'a> {
    passage: &'a Passage<'a>,
    hits: &'a [Hit<ResolutionWord>],
    facts: &'a Facts,
}

impl Reader<'_> {
    fn behind(&self, mut token: usize) -> Vec<Number> {
        let mut numbers = Vec::new();
        let end = self.sentence_end(token);
        let (mut glue, mut has_name) = (0, false);
        while token < end && self.number(token).is_none() {
            let name = self.hit_at(token).filter(|(word, _)| {
                matches!(word, Word::Council | Word::UnitedNations | Word::NumberSign | Word::Symbol)
            });
            let is_short = self.passage.tokens[token].text.chars().count() <= 3;
            match name {
                Some((word, hit_end)) => {
                    has_name = true;
                    glue += hit_end - token;
                    if word == Word::NumberSign {
                        glue -= 1;
                    }
                    token = hit_end;
                }
                // "of the", "du", "des": only on the way to the Council's name.
                None if is_short && !has_name => {
                    token += 1;
                    glue += 1;
                }
                None => return numbers,
            }
            if glue > GLUE_MAX {
                return numbers;
            }
        }
        if glue > 0 && !has_name {
            return numbers;
        }
        while token < end && numbers.len() < LIST_MAX {
            let Some(value) = self.number(token) else { break };
            let mut number = Number { value, year: None, token, year_token: None };
            token += 1;
            if let Some(year) = self.bracketed_year(token, end) {
                (number.year, number.year_token) = (Some(year), Some(token));
                token += 1;
            }
            if self.facts.is_number(value) {
                numbers.push(number);
            }
            let Some(next) = self.next_in_list(token, end) else { break };
            if next.is_range {
                let from = value;
                let to = self.number(next.token).unwrap_or(from);
                if to <= from || YEARS.contains(&to) && !YEARS.contains(&from) {
                    break;
                }
                // A short range means each; of a long one both ends are named.
                if to - from <= RANGE_MAX {
                    let between = (from + 1..to).filter(|&value| self.facts.is_number(value));
                    numbers.extend(between.map(|value| Number { value, year: None, token, year_token: None }));
                }
            }
            token = next.token;
        }
        numbers
    }

    /// Numbers in front, the nearest first.
    fn in_front(&self, before: usize) -> Vec<Number> {
        let mut numbers = Vec::new();
        let start = self.passage.sentences[self.passage.sentence_of(before)].start;
        let mut token = before;
        let mut year = None;
        while token > start && numbers.len() < LIST_MAX {
            token -= 1;
            let Some(value) = self.number(token) else {
                let is_joint = self.hit_at(token).is_some_and(|(word, _)| matches!(word, Word::And | Word::NumberSign));
                if is_joint { continue } else { break }
            };
            let follows = token + 1 == before || !numbers.is_empty() || year.is_some() || self.is_joined(token, before);
            if !follows {
                break;
            }
            if token > start && self.passage.between(token - 1, token).trim_end().ends_with(['(', '（']) {
                year = Some(value);
            } else if self.facts.is_number(value) && !self.is_count(value, token, before) {
                numbers.push(Number { value, year: year.take(), token, year_token: None });
            }
            let is_list = token > start && {
                let gap = self.passage.between(token - 1, token);
                gap.contains([',', '、', '،', '(', '（']) || self.hit_at(token - 1).is_some()
            };
            if !is_list {
                break;
            }
        }
        numbers
    }

    /// Whether a number right in front of the word tells how many there are: "29 resolutions", but not "29 sayılı karar".
    fn is_count(&self, value: u16, token: usize, before: usize) -> bool {
        value <= COUNT_MAX && token + 1 == before && self.facts.subject(value).is_none() && !self.is_sign(before)
    }

    /// Whether the word for a resolution has a sign of number in it.
    fn is_sign(&self, token: usize) -> bool {
        matches!(self.hit_at(token), Some((Word::NumberedResolution | Word::Symbol, _)))
    }

    /// Whether only signs and joints stand between a number and the resolution behind it.
    fn is_joined(&self, token: usize, before: usize) -> bool {
        (token + 1..before).all(|token| self.hit_at(token).is_some_and(|(word, _)| word == Word::NumberSign))
    }

    /// Whether a number is half of one with a stroke in it: "49/1". Two that may both be the Council's are not.
    fn is_split(&self, token: usize, end: usize) -> bool {
        let other = token + 1;
        if token == 0 || other >= end || self.passage.between(token, other) != "/" {
            return false;
        }
        match (self.number(token), self.number(other)) {
            (Some(first), Some(second)) => {
                let is_year = YEARS.contains(&second) && self.facts.year(first) == Some(second);
                !is_year && (first < SPLIT_BELOW || second < SPLIT_BELOW)
            }
            _ => false,
        }
    }

    fn next_in_list(&self, token: usize, end: usize) -> Option<NextInList> {
        let mut at = token;
        let mut is_range = false;
        let mut is_joined = at < end && at > 0 && self.passage.between(at - 1, at).contains([',', '、', '،', '&', '/']);
        // "1718호와 1874호", "242 و338": the word for "and" is written on a number.
        if at < end && at > 0 {
            is_joined |= self.passage.tokens[at - 1].text.ends_with(['와', '과'])
                || self.passage.tokens[at].text.starts_with('و');
        }
        if at < end && at > 0 && self.passage.between(at - 1, at).contains(['–', '-', '—']) {
            (is_joined, is_range) = (true, true);
        }
        while at < end && self.number(at).is_none() {
            match self.hit_at(at)? {
                (Word::And, hit_end) => (at, is_joined) = (hit_end, true),
                (Word::Through, hit_end) => (at, is_joined, is_range) = (hit_end, true, true),
                (Word::NumberSign | Word::Resolution, hit_end) => at = hit_end,
                _ => return None,
            }
        }
        (is_joined && at < end).then_some(NextInList { token: at, is_range })
    }

    fn bracketed_year(&self, token: usize, end: usize) -> Option<u16> {
        if token >= end || !self.passage.between(token - 1, token).trim_end().ends_with(['(', '（', '/', '[']) {
            return None;
        }
        let is_bracket = !self.passage.between(token - 1, token).contains('/');
        self.number(token).filter(|year| {
            let of_number = || self.number(token - 1).and_then(|number| self.facts.year(number)) == Some(*year);
            YEARS.contains(year) && (is_bracket || of_number())
        })
    }

    /// A number of one to four digits, in any digits, with a counter of another script on it (`제2397호`).
    fn number(&self, token: usize) -> Option<u16> {
        let text = self.passage.tokens[token].text;
        let text = text.strip_prefix(|c: char| !c.is_ascii() && digit(c).is_none()).unwrap_or(text);
        let count = text.chars().take_while(|&c| digit(c).is_some()).count();
        let rest = text.chars().skip(count);
        if !(1..=4).contains(&count) || rest.clone().count() > 3 || rest.clone().any(|c| c.is_ascii()) {
            return None;
        }
        text.chars().take(count).try_fold(0, |value, c| Some(value * 10 + digit(c)?))
    }

    fn hit_at(&self, token: usize) -> Option<(Word, usize)> {
        let from = self.hits.partition_point(|hit| hit.start < token);
        self.hits[from..].iter().take_while(|hit| hit.start == token).find_map(|hit| match hit.meaning {
            ResolutionWord::Plain(word) => Some((word, hit.end)),
            ResolutionWord::Cue(_) => None,
        })
    }

    fn sentence_end(&self, token: usize) -> usize {
        let sentence = self.passage.sentence_of(token.saturating_sub(1));
        // "Res. 2397" and "no. 2397" may be cut in two by the full stop.
        let end = self.passage.sentences[sentence].end;
        let is_cut = end == token
            && token > 0
            && self.passage.tokens[token - 1].text.len() <= ABBREVIATION_MAX
            && token < self.passage.tokens.len()
            && self.number(token).is_some();
        if is_cut { self.passage.sentences[sentence + 1].end } else { end }
    }
}

struct NextInList {
    token: usize,
    is_range: bool,
}

/// A decimal digit, Latin, Arabic or Persian.
fn digit(c: char) -> Option<u16> {
    let value = match c {
        '0'..='9' => c as u32 - '0' as u32,
        '\u{660}'..='\u{669}' => c as u32 - 0x660,
        '\u{6F0}'..='\u{6F9}' => c as u32 - 0x6F0,
        _ => return None,
    };
    Some(value as u16)
}

//! One article against one shelf: which of its terms stand in the text, and where.

use std::{cell::RefCell, rc::Rc};

use rustc_hash::FxHashMap;

use super::{
    Hit,
    article::{ArticleIndex, WordRef, last_place},
    atoms::AtomId,
    dictionary::Marks,
    positions::Region,
    remembered,
    terms::{Step, TermId, TermPattern, Terms},
};
use crate::{
    article::{
        Field,
        segment::{Word, WordKind},
        text::TextSpan,
    },
    watch::language::pattern::Pattern,
};

/// Of one regular expression, more hits than this tell nothing new.
const REGEX_HITS_MAX: usize = 10_000;
/// Longer paragraphs are looked at in stretches.
const REGEX_STRETCH_BYTES: usize = 64 << 10;

/// What stands where, of the terms of a shelf.
pub struct Postings<'a> {
    /// The article.
    pub index: &'a ArticleIndex<'a>,
    /// The shelf's terms.
    pub terms: &'a Terms,
    /// By form: the atoms that it is, sorted; all in one row.
    atoms: Vec<AtomId>,
    atoms_starts: Vec<u32>,
    /// The forms that an atom is, sorted by atom.
    forms: Vec<(AtomId, u32)>,
    /// Terms that are there; of regular expressions, and of what the article says where that was not found out, those
    /// that may be.
    present: Marks,
    /// The same as a list.
    noticed: Vec<TermId>,
    hits: RefCell<FxHashMap<TermId, Rc<[Hit]>>>,
}

impl<'a> Postings<'a> {
    /// Reads the article once. Where `findings_matter`, what the article says is found out now.
    pub fn new(index: &'a ArticleIndex<'a>, terms: &'a Terms, findings_matter: bool) -> Self {
        let mut postings = Self {
            index,
            terms,
            atoms: Vec::with_capacity(index.forms.len()),
            atoms_starts: Vec::with_capacity(index.forms.len() + 1),
            forms: Vec::with_capacity(index.forms.len()),
            present: Marks::new(terms.count()),
            noticed: Vec::new(),
            hits: RefCell::default(),
        };
        postings.read_words();
        postings.read_neighbours();
        if terms.has_literals() {
            let texts = Field::ALL.into_iter().map(|field| index.canonical(field));
            terms.regexes_in(texts, |term| postings.notice(term));
        } else {
            terms.regexes_in(std::iter::empty(), |term| postings.notice(term));
        }
        for &term in &terms.said_terms {
            if !findings_matter || !postings.hits(term).is_empty() {
                postings.notice(term);
            }
        }
        postings
    }

    /// Whether a term may be there; surely, save for regular expressions and what packs' lists make conditions for.
    pub fn has(&self, term: TermId) -> bool {
        self.present.has(term)
    }

    /// Every term that may be there, each once.
    pub fn present(&self) -> &[TermId] {
        &self.noticed
    }

    fn notice(&mut self, term: TermId) {
        if self.present.set(term) {
            self.noticed.push(term);
            for &larger in self.terms.made_of(term) {
                self.notice(larger);
            }
        }
    }

    fn read_words(&mut self) {
        let terms = self.terms;
        let lang = self.index.text.lang;
        let stems = terms.atoms.stems(lang);
        let mut form = 0;
        remembered::each_form(&terms.atoms, &self.index.forms, lang, stems.as_deref(), |atoms| {
            self.atoms_starts.push(self.atoms.len() as u32);
            self.atoms.extend_from_slice(atoms);
            for &atom in atoms {
                self.forms.push((atom, form));
                for &term in terms.shown_by(atom) {
                    self.notice(term);
                }
            }
            form += 1;
        });
        self.atoms_starts.push(self.atoms.len() as u32);
        self.forms.sort_unstable();
    }

    fn read_neighbours(&mut self) {
        let (terms, index) = (self.terms, self.index);
        if !terms.has_pairs() {
            return;
        }
        // By form: whether any of its atoms opens a pair or closes one.
        let some = |form: u32, is: fn(&Terms, AtomId) -> bool| self.atoms_of(form).iter().any(|&atom| is(terms, atom));
        let forms = 0..index.forms.len() as u32;
        let opens: Vec<bool> = forms.clone().map(|form| some(form, Terms::opens_pair)).collect();
        let closes: Vec<bool> = forms.map(|form| some(form, Terms::closes_pair)).collect();
        let mut pointed = Vec::new();
        for field in Field::ALL {
            let words = &index.text.field(field).words;
            let forms = index.forms_of(field);
            for (at, (word, &form)) in words.iter().zip(forms).enumerate() {
                if !opens[form as usize] {
                    continue;
                }
                let next = last_place(word) + 1;
                let behind = words.iter().zip(forms).skip(at + 1).skip_while(|(word, _)| word.place < next);
                for (_, &form_behind) in behind.take_while(|(word, _)| word.place == next) {
                    if !closes[form_behind as usize] {
                        continue;
                    }
                    for &atom in self.atoms_of(form).iter().filter(|&&atom| terms.opens_pair(atom)) {
                        for &behind in self.atoms_of(form_behind).iter().filter(|&&atom| terms.closes_pair(atom)) {
                            pointed.extend(terms.pointed_to(atom, behind).iter().map(|&term| (term, word.place)));
                        }
                    }
                }
            }
            for (term, place) in pointed.drain(..) {
                if !self.present.has(term) && self.begins_at(term, field, place) {
                    self.notice(term);
                }
            }
        }
    }

    fn atoms_of(&self, form: u32) -> &[AtomId] {
        let (start, end) = (self.atoms_starts[form as usize], self.atoms_starts[form as usize + 1]);
        &self.atoms[start as usize..end as usize]
    }

    fn is(&self, word: WordRef, atom: AtomId) -> bool {
        self.atoms_of(self.index.form_of(word)).contains(&atom)
    }

    /// Where an atom stands, in any order.
    fn words_of(&self, atom: AtomId) -> impl Iterator<Item = WordRef> {
        let start = self.forms.partition_point(|&(other, _)| other < atom);
        let forms = self.forms[start..].iter().take_while(move |&&(other, _)| other == atom);
        forms.flat_map(|&(_, form)| self.index.words_of(form)).copied()
    }

    /// Every hit of a term that lies in `region`, perhaps unsorted.
    pub fn each_hit(&self, term: TermId, region: &Region, mut see: impl FnMut(Hit)) {
        match self.terms.pattern(term) {
            // Sooner found again than kept. What is asked for part by part is kept.
            TermPattern::Word(atom) if region.is_whole() => {
                self.words_of(atom).for_each(|at| see(self.hit(at, at)));
            }
            TermPattern::Phrase { start, len } if region.is_whole() => {
                self.phrase(self.terms.steps(start, len)).into_iter().for_each(see);
            }
            _ => region.of(&self.hits(term)).for_each(|&hit| see(hit)),
        }
    }

    /// Every hit of a term, sorted, each once.
    pub fn hits(&self, term: TermId) -> Rc<[Hit]> {
        if let Some(hits) = self.hits.borrow().get(&term) {
            return Rc::clone(hits);
        }
        let mut hits = self.find(term);
        if !hits.is_sorted_by(|a, b| a < b) {
            hits.sort_unstable();
            hits.dedup();
        }
        let hits: Rc<[Hit]> = hits.into();
        self.hits.borrow_mut().insert(term, Rc::clone(&hits));
        hits
    }

    fn find(&self, term: TermId) -> Vec<Hit> {
        match self.terms.pattern(term) {
            TermPattern::Word(atom) => self.words_of(atom).map(|at| self.hit(at, at)).collect(),
            TermPattern::Phrase { start, len } => self.phrase(self.terms.steps(start, len)),
            TermPattern::AnyOf { start, len, .. } => {
                let members = self.terms.members(start, len).iter().filter(|&&member| self.has(member));
                members.flat_map(|&member| self.find(member)).collect()
            }
            TermPattern::InLanguage { term, lang } => match self.index.text.lang {
                Some(spoken) if spoken != lang => Vec::new(),
                _ => self.find(term),
            },
            TermPattern::Beside { what, context } => {
                let hits = self.find(what);
                if hits.is_empty() || self.hits(context).is_empty() { Vec::new() } else { hits }
            }
            TermPattern::Regex(regex) => matches_of(self.terms.regex(regex), self.index),
            TermPattern::Said(said) => self.said(self.terms.said(said)),
        }
    }

    fn hit(&self, first: WordRef, last: WordRef) -> Hit {
        let (start, end) = (self.index.word(first), self.index.word(last));
        Hit {
            field: first.field,
            start_chars: start.start_chars,
            end_chars: end.end_chars,
            first: start.place,
            last: last_place(end),
        }
    }

    fn phrase(&self, steps: &[Step]) -> Vec<Hit> {
        let mut starts: Vec<(Field, u32)> = match steps.first() {
            Some(&Step::Word(atom)) => self.places_of(atom).collect(),
            Some(&Step::Designation(number)) => {
                let [whole, first, _] = self.terms.designation(number);
                self.places_of(whole).chain(self.places_of(first)).collect()
            }
            None => Vec::new(),
        };
        starts.sort_unstable();
        starts.dedup();
        let mut hits = Vec::new();
        let mut ends = Vec::new();
        for (field, place) in starts {
            self.ends_from(steps, field, place, &mut ends);
            let Some(start) = self.index.words_at(field, place).next() else { continue };
            hits.extend(ends.drain(..).map(|end| self.hit(start, end)));
        }
        hits
    }

    fn places_of(&self, atom: AtomId) -> impl Iterator<Item = (Field, u32)> {
        self.words_of(atom).map(|at| (at.field, self.index.word(at).place))
    }

    fn begins_at(&self, term: TermId, field: Field, place: u32) -> bool {
        let TermPattern::Phrase { start, len } = self.terms.pattern(term) else { return false };
        let mut ends = Vec::new();
        self.ends_from(self.terms.steps(start, len), field, place, &mut ends);
        !ends.is_empty()
    }

    /// The last words of those stretches from `place` on that are the steps. A designation can be read as one word or as
    /// two, so there may be more than one.
    fn ends_from(&self, steps: &[Step], field: Field, place: u32, ends: &mut Vec<WordRef>) {
        ends.clear();
        let Some((last, before)) = steps.split_last() else { return };
        // The places at which the next step may begin. Each is there once, or readings would multiply from designation
        // to designation.
        let mut places = PlaceSet::One(place);
        for step in before {
            let mut next = PlaceSet::None;
            places.each(|place| {
                self.each_step(*step, field, place, &mut |end| next.add(last_place(self.index.word(end)) + 1));
            });
            if matches!(next, PlaceSet::None) {
                return;
            }
            places = next;
        }
        places.each(|place| self.each_step(*last, field, place, &mut |end| ends.push(end)));
    }

    /// The last word of each way in which a step can be made at a place.
    fn each_step(&self, step: Step, field: Field, place: u32, see: &mut dyn FnMut(WordRef)) {
        let words = || self.index.words_at(field, place);
        match step {
            Step::Word(atom) => words().filter(|&word| self.is(word, atom)).for_each(see),
            Step::Designation(number) => {
                let [whole, first, second] = self.terms.designation(number);
                let mut is_whole = false;
                for word in words().filter(|&word| self.is(word, whole)) {
                    is_whole = true;
                    see(word);
                }
                let is_part = |&word: &WordRef| self.index.word(word).kind != WordKind::Designation;
                if !is_whole && words().filter(is_part).any(|word| self.is(word, first)) {
                    self.index.words_at(field, place + 1).filter(|&end| self.is(end, second)).for_each(see);
                }
            }
        }
    }

    fn said(&self, pattern: &Pattern) -> Vec<Hit> {
        let findings = self.index.findings.get();
        let is_it = |wanted: &Option<String>, id: &str| wanted.as_ref().is_none_or(|w| w.eq_ignore_ascii_case(id));
        let spans: Vec<&TextSpan> = match pattern {
            Pattern::Country(id) => {
                findings.countries.iter().filter(|c| is_it(id, &c.id.0)).flat_map(|c| &c.spans).collect()
            }
            Pattern::Leader(id) => {
                findings.leaders.iter().filter(|l| is_it(id, &l.id)).flat_map(|l| &l.spans).collect()
            }
            _ => Vec::new(),
        };
        spans.into_iter().map(|&span| hit_of(span, self.index)).collect()
    }
}

/// A few places, each once.
enum PlaceSet {
    None,
    One(u32),
    Some(Vec<u32>),
}

impl PlaceSet {
    fn add(&mut self, place: u32) {
        match self {
            Self::None => *self = Self::One(place),
            Self::One(known) if *known == place => {}
            Self::One(known) => *self = Self::Some(vec![*known, place]),
            Self::Some(known) if known.contains(&place) => {}
            Self::Some(known) => known.push(place),
        }
    }

    fn each(&self, mut see: impl FnMut(u32)) {
        match self {
            Self::None => {}
            Self::One(place) => see(*place),
            Self::Some(places) => places.iter().for_each(|&place| see(place)),
        }
    }
}

/// Hits of a regular expression, each inside one paragraph.
fn matches_of(regex: &regex::Regex, index: &ArticleIndex<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for field in Field::ALL {
        let text = index.text.field(field).text.as_str();
        let mut chars = CharCounter { text, byte: 0, chars: 0 };
        for paragraph in paragraphs(text).into_iter().flat_map(|paragraph| stretches(text, paragraph)) {
            for found in regex.find_iter(&text[paragraph.clone()]).filter(|found| !found.is_empty()) {
                if hits.len() >= REGEX_HITS_MAX {
                    return hits;
                }
                let start_byte = paragraph.start + found.start();
                let start_chars = chars.at(start_byte);
                let end_chars = chars.at(paragraph.start + found.end());
                hits.push(hit_at(TextSpan { field, start_chars, end_chars }, || start_byte, index));
            }
        }
    }
    hits
}

/// Byte ranges between empty lines, without the line break that ends them.
fn paragraphs(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut paragraphs: Vec<std::ops::Range<usize>> = Vec::new();
    let (mut at, mut goes_on) = (0, false);
    for line in text.split_inclusive('\n') {
        let is_empty = line.trim().is_empty();
        let end = at + line.trim_end_matches(['\n', '\r']).len();
        match paragraphs.last_mut() {
            _ if is_empty => {}
            Some(paragraph) if goes_on => paragraph.end = end,
            _ => paragraphs.push(at..end),
        }
        goes_on = !is_empty;
        at += line.len();
    }
    paragraphs
}

/// A paragraph in stretches that a regular expression looks at one after the other: looking for the next match may cost
/// the whole rest, and no paragraph that a person wrote is so long.
fn stretches(text: &str, paragraph: std::ops::Range<usize>) -> Vec<std::ops::Range<usize>> {
    let mut stretches = Vec::new();
    let mut start = paragraph.start;
    while start < paragraph.end {
        let end = text.floor_char_boundary((start + REGEX_STRETCH_BYTES).min(paragraph.end));
        stretches.push(start..end);
        start = end;
    }
    stretches
}

/// Byte offsets into scalar offsets, asked for in rising order.
struct CharCounter<'a> {
    text: &'a str,
    byte: usize,
    chars: u32,
}

impl CharCounter<'_> {
    fn at(&mut self, byte: usize) -> u32 {
        self.chars += self.text[self.byte..byte].chars().count() as u32;
        self.byte = byte;
        self.chars
    }
}

/// A stretch of text with the places of the words it touches; see [`hit_at`].
pub fn hit_of(span: TextSpan, index: &ArticleIndex<'_>) -> Hit {
    let text = index.text.field(span.field).text.as_str();
    let start_byte = || text.char_indices().nth(span.start_chars as usize).map_or(text.len(), |(byte, _)| byte);
    hit_at(span, start_byte, index)
}

/// A stretch of text with the places of the words it touches, a designation by way of its parts. Punctuation alone stands
/// with the word before it, where no space is between, else with the word behind: a full stop belongs to the sentence that
/// it ends. Only then is its first byte asked for.
fn hit_at(span: TextSpan, start_byte: impl Fn() -> usize, index: &ArticleIndex<'_>) -> Hit {
    let field = index.text.field(span.field);
    let part = |word: &&Word| word.kind != WordKind::Designation;
    // Words stand in the order of their starts; a designation's parts follow it or stand before it.
    let behind = field.words.partition_point(|word| word.start_chars < span.end_chars);
    let (before, behind) = field.words.split_at(behind);
    let mut touched = before.iter().rev().filter(part).take_while(|word| word.end_chars > span.start_chars);
    let (first, last) = match touched.next() {
        Some(last) => (touched.last().unwrap_or(last).place, last.place),
        None => {
            let before = before.iter().rev().find(part);
            let behind = behind.iter().find(part);
            let hangs_on = |word: &&Word| {
                let between = field.text.get(word.end_byte as usize..start_byte());
                between.is_some_and(|between| !between.contains(char::is_whitespace))
            };
            let place = before.filter(hangs_on).or(behind).or(before).map_or(0, |word| word.place);
            (place, place)
        }
    };
    Hit { field: span.field, start_chars: span.start_chars, end_chars: span.end_chars, first, last }
}

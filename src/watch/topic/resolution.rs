//! Resolutions of the UN Security Council: which are spoken of, and what is said of them.
//!
//! A resolution counts where the text shows that it is the Council's: by a symbol (`UNSCR 1701`), by the Council's name
//! in the sentence, or by its business around it. Other bodies pass resolutions too, and the nearest one named has it.

use super::{
    citation::{self, Cited, Number},
    lexicon::Hit,
    passage::Passage,
    rule::{ResolutionRole as Word, ResolutionSays, ResolutionWord, Rules},
};
use crate::{
    article::{Lang, text::TextSpan},
    watch::found::{NearMiss, ResolutionFound, ResolutionStatus},
};

/// No report of the Council speaks of resolutions more often; what is named by then stands for the rest.
const MENTIONS_MAX: usize = 300;
/// So many resolutions that are not the Council's are worth telling.
const NEAR_MAX: usize = 3;
/// How far a cue reaches, in words.
const CUE_REACH: usize = 16;
/// A cue in front of what it governs is likelier to mean it: one behind counts as this much farther.
const BEHIND_COSTS: usize = 2;
/// How near the word must stand that tells of a numbered resolution's adoption.
const ADOPTED_NEAR: usize = 3;
/// How near a year must stand to that word to date it.
const YEAR_NEAR: usize = 4;
/// How near the Council must stand to keep a resolution from another body named in the same sentence.
const BODY_NEAR: usize = 6;
/// How near voting and the Council must stand to speak of a resolution that is not named as one.
const VOTE_NEAR: usize = 8;
/// How near the Council must stand to a word that may be any decision.
const COUNCIL_NEAR: usize = 4;
/// How near voting must stand to such a word where the Council stands farther off.
const VOTED_NEAR: usize = 2;
/// How near the United Nations must stand to a council to be part of its name.
const NAME_NEAR: usize = 3;

/// One place where a resolution is spoken of.
struct Mention {
    number: Option<u16>,
    year: Option<u16>,
    status: ResolutionStatus,
    evidence: TextSpan,
    span: TextSpan,
    confidence: f32,
}

/// Who is named where, by passage and token.
pub(super) struct Names<'a> {
    pub has_veto_power: &'a dyn Fn(usize, usize) -> bool,
    /// A state that owns what follows: "Turkey's", "Turkish".
    pub owns: &'a dyn Fn(usize, usize) -> bool,
    /// A place that is no body of the United Nations.
    pub is_place: &'a dyn Fn(usize, usize) -> bool,
}

/// What an article's words tell about whose resolutions it speaks of.
struct Context {
    council: bool,
    united_nations: bool,
    /// Also as a part of the Council's name.
    names_nations: bool,
    other: bool,
}

/// Finds the resolutions that the passages speak of.
pub(super) fn find(
    passages: &[Passage<'_>],
    lang: Option<Lang>,
    rules: &Rules,
    names: &Names<'_>,
) -> (Vec<ResolutionFound>, Vec<NearMiss>) {
    let mut hits: Vec<_> = passages.iter().map(|passage| rules.resolutions.find(&passage.tokens, lang)).collect();
    let names_nations = mark_others(passages, &mut hits, lang, rules, names);
    let has = |word| hits.iter().flatten().any(|hit| hit.meaning == ResolutionWord::Plain(word));
    let context = Context {
        council: has(Word::Council) || has(Word::Symbol),
        united_nations: has(Word::UnitedNations),
        names_nations,
        other: has(Word::Other),
    };
    let (mut mentions, mut near) = (Vec::new(), Vec::new());
    for (index, (passage, hits)) in passages.iter().zip(&hits).enumerate() {
        let reader = Reader { passage, hits, context: &context, rules };
        for sentence in 0..passage.sentences.len() {
            if mentions.len() >= MENTIONS_MAX {
                break;
            }
            reader.read(sentence, &|token| (names.has_veto_power)(index, token), &mut mentions, &mut near);
        }
    }
    (merge(mentions, rules), near)
}

/// Takes councils that are not the United Nations' for other bodies.
///
/// "Turkey's Security Council", "the tenants' Security Council": where a text names the council of somebody and nothing
/// of the United Nations, no council in it is the Council. "security council" in small letters is a name only where the
/// text gives the whole one somewhere. Whether anything of the United Nations is named is what it tells.
fn mark_others(
    passages: &[Passage<'_>],
    hits: &mut [Vec<Hit<ResolutionWord>>],
    lang: Option<Lang>,
    rules: &Rules,
    names: &Names<'_>,
) -> bool {
    let is = |hit: &Hit<ResolutionWord>, word| hit.meaning == ResolutionWord::Plain(word);
    // One word says whose it is by itself: UNSC, BMGK.
    let may_be_owned = |hit: &Hit<ResolutionWord>| is(hit, Word::Council) && hit.end - hit.start > 1 && hit.start > 0;
    // "Совет Безопасности РФ": whose it is may stand behind it.
    let puts_owner_behind = lang.is_some_and(|lang| matches!(lang.as_str(), "ru" | "uk"));
    let is_owned = passages.iter().zip(hits.iter()).enumerate().any(|(index, (passage, hits))| {
        let is_own = |hit: &Hit<ResolutionWord>| {
            is(hit, Word::OwnCouncil)
                || puts_owner_behind
                    && is(hit, Word::Council)
                    && (names.is_place)(index, hit.end)
                    && passage.between(hit.end - 1, hit.end) == " "
        };
        hits.iter().any(is_own)
            || hits.iter().filter(|hit| may_be_owned(hit)).any(|hit| {
                // "Russia's Security Council veto" is Russia's veto.
                let owns_vote = hits
                    .iter()
                    .any(|other| other.start == hit.end && (is(other, Word::Vote) || is(other, Word::Business)));
                let is_possessive = passage.tail(hit.start - 1).starts_with(['\'', '’']);
                (is_possessive || (names.owns)(index, hit.start - 1))
                    && !owns_vote
                    && !passage.between(hit.start - 1, hit.start).contains([',', ';', ':', '.', '"'])
            })
    });
    let is_full_name = |passage: &Passage<'_>, hits: &[Hit<ResolutionWord>], hit: &Hit<ResolutionWord>| {
        // Of "UN Security Council" the lexicon shows the whole alone, so that its words are looked up few by few.
        let has_nations = || {
            (1..hit.end - hit.start).any(|count| {
                passage.tokens[hit.start..hit.end]
                    .windows(count)
                    .any(|words| rules.resolutions.find(words, lang).iter().any(|hit| is(hit, Word::UnitedNations)))
            })
        };
        // "the United Nations' security council", "consejo de seguridad de la ONU".
        let is_beside_nations =
            || hits.iter().any(|other| is(other, Word::UnitedNations) && distance(other, hit) <= NAME_NEAR);
        // One word in capitals is whole: UNSC, BMGK.
        let is_initials = || {
            let exact = &passage.text.words[passage.tokens[hit.start].word].exact;
            hit.end - hit.start == 1 && exact.chars().take(3).all(char::is_uppercase)
        };
        is_initials() || has_nations() || is_beside_nations()
    };
    let has_full_name = passages.iter().zip(hits.iter()).any(|(passage, hits)| {
        let names = |hit: &Hit<ResolutionWord>| {
            is(hit, Word::Symbol) || is(hit, Word::Council) && is_full_name(passage, hits, hit)
        };
        hits.iter().any(names)
    });
    let names_nations = has_full_name || hits.iter().flatten().any(|hit| is(hit, Word::UnitedNations));
    for (passage, hits) in passages.iter().zip(hits.iter_mut()) {
        for hit in hits.iter_mut().filter(|hit| is(hit, Word::Council)) {
            let is_small = || {
                let word = &passage.text.words[passage.tokens[hit.start].word];
                word.exact.starts_with(char::is_lowercase)
            };
            if is_owned && !names_nations || !has_full_name && is_small() {
                hit.meaning = ResolutionWord::Plain(Word::Other);
            }
        }
    }
    names_nations
}

struct Reader<'a> {
    passage: &'a Passage<'a>,
    hits: &'a [Hit<ResolutionWord>],
    context: &'a Context,
    rules: &'a Rules,
}

impl Reader<'_> {
    fn read(
        &self,
        sentence: usize,
        has_veto_power: &dyn Fn(usize) -> bool,
        mentions: &mut Vec<Mention>,
        near: &mut Vec<NearMiss>,
    ) {
        let before = mentions.len();
        for hit in self.hits_of(sentence) {
            let ResolutionWord::Plain(word) = hit.meaning else { continue };
            let is_named = matches!(word, Word::Symbol | Word::Resolution | Word::NumberedResolution);
            if !is_named && word != Word::WeakResolution {
                continue;
            }
            let cited = citation::numbers(self.passage, self.hits, hit, word, &self.rules.facts);
            if cited.is_of_others {
                continue;
            }
            let Some(confidence) = self.whose(sentence, hit, word, &cited, has_veto_power) else {
                if word != Word::WeakResolution && near.len() < NEAR_MAX {
                    near.push(self.miss(sentence, hit));
                }
                continue;
            };
            let tokens = cited.numbers.iter().map(|number| number.token);
            let start = tokens.clone().min().map_or(hit.start, |first| first.min(hit.start));
            let end = tokens.max().map_or(hit.end, |last| (last + 1).max(hit.end));
            let whole = Hit { start, end, ..*hit };
            let status = self.status(sentence, &whole, &cited.numbers);
            let evidence = self.passage.sentence_span(sentence);
            let mention = |number, year, span| Mention { number, year, status, evidence, span, confidence };
            let words = self.passage.span(hit.start..hit.end);
            if cited.numbers.is_empty() {
                mentions.push(mention(None, cited.year, words));
            }
            for number in &cited.numbers {
                let tokens = hit.start.min(number.token)..hit.end.max(number.token + 1);
                mentions.push(mention(Some(number.value), number.year, self.passage.span(tokens)));
            }
        }
        if mentions.len() == before {
            mentions.extend(self.vote(sentence, has_veto_power));
        }
    }

    /// A resolution that nothing shows to be the Council's.
    fn miss(&self, sentence: usize, hit: &Hit<ResolutionWord>) -> NearMiss {
        let other = self.nearest(sentence, hit, |word| word == Word::Other);
        let lacks = match other {
            Some(_) => "the resolution is another body's",
            None => "nothing shows that the resolution is the Security Council's",
        };
        NearMiss {
            topic: "unsc-resolution".to_owned(),
            rule: "citation".to_owned(),
            lacks: lacks.to_owned(),
            evidence: self.passage.sentence_span(sentence),
        }
    }

    /// How sure it is that a resolution is the Council's; `None` where it is another's, or nobody can tell.
    fn whose(
        &self,
        sentence: usize,
        hit: &Hit<ResolutionWord>,
        word: Word,
        cited: &Cited,
        has_veto_power: &dyn Fn(usize) -> bool,
    ) -> Option<f32> {
        let has_number = !cited.numbers.is_empty();
        if word == Word::Symbol && has_number {
            return Some(0.98);
        }
        let council = self.nearest(sentence, hit, |word| matches!(word, Word::Council | Word::Symbol));
        let other = self.nearest(sentence, hit, |word| word == Word::Other);
        if let Some(other) = other
            && council.is_none_or(|council| other < council && council > BODY_NEAR)
        {
            return None;
        }
        if word == Word::WeakResolution && !has_number {
            // "Güvenlik Konseyi … tasarıyı kabul etti": what the Council votes on, however far in front it is named.
            let is_voted =
                || self.nearest(sentence, hit, |word| word == Word::Vote).is_some_and(|far| far <= VOTED_NEAR);
            return council
                .and_then(|distance| if distance <= COUNCIL_NEAR { Some(0.85) } else { is_voted().then_some(0.75) });
        }
        // A number that reads as a year is believed only beside the Council's name.
        let is_year = cited.numbers.iter().all(|number| (1945..=2035).contains(&number.value) && number.year.is_none());
        if has_number && is_year && council.is_none() && word != Word::NumberedResolution {
            return None;
        }
        if council.is_some() {
            return Some(if has_number { 0.98 } else { 0.95 });
        }
        if has_number {
            // "Resolution 1701" with nothing of the United Nations around: only one that the world knows.
            let is_known = cited
                .numbers
                .iter()
                .any(|number| number.token >= hit.end && self.rules.facts.subject(number.value).is_some());
            let in_context = self.context.council || self.context.united_nations;
            return match (in_context, is_known) {
                (true, _) => Some(0.9),
                (false, true) if !self.context.other => Some(0.6),
                _ => None,
            };
        }
        let names_nations = self.nearest(sentence, hit, |word| word == Word::UnitedNations);
        let is_business = self.nearest(sentence, hit, |word| word == Word::Business).is_some();
        let is_vetoed = self.status(sentence, hit, &[]) == ResolutionStatus::Vetoed;
        if names_nations.is_some_and(|distance| distance <= 2) && (self.context.council || is_business) {
            return Some(0.8);
        }
        if self.context.council && (self.council_is_next_to(sentence) || is_vetoed) {
            return Some(0.75);
        }
        let by_member = || self.passage.sentences[sentence].clone().any(has_veto_power);
        (is_vetoed && !self.context.other && by_member()).then_some(0.65)
    }

    /// The Council votes, and the resolution goes unnamed: "US vetoes ceasefire call at UN Security Council".
    fn vote(&self, sentence: usize, has_veto_power: &dyn Fn(usize) -> bool) -> Option<Mention> {
        let is = |hit: &&Hit<ResolutionWord>, word| hit.meaning == ResolutionWord::Plain(word);
        let council = self.hits_of(sentence).find(|hit| is(hit, Word::Council))?;
        // Many a body is called a Security Council, and votes; scripts without capitals write no such titles.
        let has_capitals =
            self.passage.text.words[self.passage.tokens[council.start].word].exact.starts_with(char::is_uppercase);
        let by_member = || self.passage.sentences[sentence].clone().any(has_veto_power);
        if has_capitals && !self.context.names_nations && !by_member() {
            return None;
        }
        if self.nearest(sentence, council, |word| word == Word::Other).is_some_and(|distance| distance <= 2) {
            return None;
        }
        let vote = self.hits_of(sentence).find(|hit| {
            let is_vote = is(hit, Word::Vote) || is(hit, Word::Act) && hit.start >= council.end;
            is_vote && distance(hit, council) <= VOTE_NEAR
        })?;
        let status = match self.status(sentence, vote, &[]) {
            ResolutionStatus::Cited => ResolutionStatus::Draft,
            status => status,
        };
        let tokens = council.start.min(vote.start)..council.end.max(vote.end);
        Some(Mention {
            number: None,
            year: None,
            status,
            evidence: self.passage.sentence_span(sentence),
            span: self.passage.span(tokens),
            confidence: 0.6,
        })
    }

    /// The cue nearest to a hit. A numbered one was adopted, so that it is no draft, and was not vetoed; that it was goes without saying, so
    /// that any other cue tells more, unless it is said right beside it and of no time past.
    fn status(&self, sentence: usize, hit: &Hit<ResolutionWord>, numbers: &[Number]) -> ResolutionStatus {
        let has_number = !numbers.is_empty();
        let cues = self.hits_of(sentence).filter_map(|cue| match cue.meaning {
            ResolutionWord::Cue(ResolutionSays::None) => None,
            ResolutionWord::Cue(says) => {
                let apart = distance(cue, hit);
                let cost = apart + if cue.start > hit.start { BEHIND_COSTS } else { 0 };
                let status: Option<ResolutionStatus> = says.into();
                let status = status.filter(|&status| {
                    let is_past = || has_number && status == ResolutionStatus::Adopted && self.is_past(cue, numbers);
                    let is_of_draft = matches!(status, ResolutionStatus::Draft | ResolutionStatus::Vetoed);
                    let is_another = has_number && is_of_draft || is_past();
                    !is_another
                });
                (cost <= CUE_REACH).then_some((apart, cost, status?))
            }
            ResolutionWord::Plain(_) => None,
        });
        // Putting to the vote is what happens on the way to anything else; it tells only where nothing else is told.
        let tells_less = |apart, status| {
            status == ResolutionStatus::Draft
                || has_number && status == ResolutionStatus::Adopted && apart > ADOPTED_NEAR
        };
        cues.min_by_key(|&(apart, cost, status)| (tells_less(apart, status), cost, std::cmp::Reverse(strength(status))))
            .map_or(ResolutionStatus::Cited, |(.., status)| status)
    }

    /// Whether the year of a resolution stands beside the word that tells of its adoption: "adopted in 2017".
    fn is_past(&self, cue: &Hit<ResolutionWord>, numbers: &[Number]) -> bool {
        let from = cue.start.saturating_sub(YEAR_NEAR);
        let to = (cue.end + YEAR_NEAR).min(self.passage.tokens.len());
        (from..to).any(|token| {
            let digits: String = self.passage.tokens[token].text.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().is_ok_and(|year: u16| {
                let is_cited = |number: &Number| number.token == token || number.year_token == Some(token);
                !numbers.iter().any(is_cited)
                    && numbers.iter().any(|number| self.rules.facts.year(number.value) == Some(year))
            })
        })
    }

    /// Whether the sentence in front or behind names the Council, or this one by its short name.
    fn council_is_next_to(&self, sentence: usize) -> bool {
        let last = self.passage.sentences.len() - 1;
        let short = self.hits_of(sentence).any(|hit| hit.meaning == ResolutionWord::Plain(Word::ShortCouncil));
        let around = sentence.saturating_sub(1)..=(sentence + 1).min(last);
        let is_council = |hit: &Hit<ResolutionWord>| hit.meaning == ResolutionWord::Plain(Word::Council);
        short
            || self.passage.field == crate::article::Field::Title
            || around.into_iter().any(|s| self.hits_of(s).any(is_council))
    }

    /// Words between a hit and the nearest other one that is wanted.
    fn nearest(&self, sentence: usize, hit: &Hit<ResolutionWord>, is_wanted: impl Fn(Word) -> bool) -> Option<usize> {
        self.hits_of(sentence)
            .filter(|other| matches!(other.meaning, ResolutionWord::Plain(word) if is_wanted(word)))
            .map(|other| distance(other, hit))
            .min()
    }

    fn hits_of(&self, sentence: usize) -> impl Iterator<Item = &Hit<ResolutionWord>> {
        let tokens = &self.passage.sentences[sentence];
        let from = self.hits.partition_point(|hit| hit.start < tokens.start);
        self.hits[from..].iter().take_while(|hit| hit.start < tokens.end)
    }
}

/// Words between two hits; 0 where they touch or overlap.
fn distance(a: &Hit<ResolutionWord>, b: &Hit<ResolutionWord>) -> usize {
    a.start.saturating_sub(b.end).max(b.start.saturating_sub(a.end))
}

/// Each number once, and one without where the text names none, or speaks of another that has none yet.
fn merge(mentions: Vec<Mention>, rules: &Rules) -> Vec<ResolutionFound> {
    let mut found: Vec<ResolutionFound> = Vec::new();
    for mention in mentions {
        match found.iter_mut().find(|known| known.number == mention.number) {
            Some(known) => {
                known.spans.push(mention.span);
                known.confidence = known.confidence.max(mention.confidence);
                known.year = known.year.or(mention.year);
                if strength(mention.status) > strength(known.status) {
                    known.status = mention.status;
                    known.evidence = mention.evidence;
                }
            }
            None => found.push(ResolutionFound {
                number: mention.number,
                year: mention.number.and_then(|number| rules.facts.year(number)).or(mention.year),
                subject: mention.number.and_then(|number| rules.facts.subject(number)).map(str::to_owned),
                status: mention.status,
                evidence: mention.evidence,
                spans: vec![mention.span],
                confidence: mention.confidence,
            }),
        }
    }
    if found.iter().any(|resolution| resolution.number.is_some()) {
        // "The Council passed a text … The text, S/RES/2774", "breaks resolutions … Resolutions 1718 and 1874": what is said
        // of those without a number is said of the ones that are named.
        let unnumbered =
            found.iter().find(|resolution| resolution.number.is_none()).map(|resolution| resolution.status);
        let mut numbered: Vec<&mut ResolutionFound> =
            found.iter_mut().filter(|resolution| resolution.number.is_some()).collect();
        let is_meant = match unnumbered {
            Some(ResolutionStatus::Adopted) => numbered.len() == 1,
            Some(ResolutionStatus::Violated) => true,
            _ => false,
        };
        if let Some(status) = unnumbered.filter(|_| is_meant)
            && numbered.iter().all(|resolution| resolution.status == ResolutionStatus::Cited)
        {
            numbered.iter_mut().for_each(|resolution| resolution.status = status);
        }
        // Only a draft or a vetoed one has no number; any other is spoken of again. So is the draft of one that was adopted.
        let was_adopted = found
            .iter()
            .any(|resolution| resolution.number.is_some() && resolution.status == ResolutionStatus::Adopted);
        let has_no_number =
            |status| status == ResolutionStatus::Vetoed || status == ResolutionStatus::Draft && !was_adopted;
        found.retain(|resolution| resolution.number.is_some() || has_no_number(resolution.status));
    }
    found
}

/// Which status tells most.
fn strength(status: ResolutionStatus) -> u8 {
    match status {
        ResolutionStatus::Cited => 0,
        ResolutionStatus::Draft => 1,
        ResolutionStatus::CalledFor => 2,
        ResolutionStatus::Adopted => 3,
        ResolutionStatus::Vetoed => 4,
        ResolutionStatus::Violated => 5,
    }
}

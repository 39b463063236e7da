//! The small word lists that tell a leader's name from a namesake's.

use std::{collections::HashSet, sync::LazyLock};

use super::title;
use crate::article::segment::units::is_apostrophe;

type Words = LazyLock<HashSet<&'static str>>;

/// What stands before a name and says what the person is, folded; for other languages see `title.rs`.
static TITLES: Words = LazyLock::new(|| {
    "admiral ambassador ayatollah boss candidate chairman chancellor chef chief col colonel commander crown defence \
     defense deputy dictator director dr emir ex foreign former gen general imam incumbent king leader lord marshal \
     minister mr mrs ms nominee pm premier presidencial president prime prince prof queen ruler secretary sen senator \
     sheikh sir strongman sultan taoiseach then tsar vice"
        .split_ascii_whitespace()
        .collect()
});

/// What may begin a sentence before a name without being a first name, folded.
static OPENERS: Words = LazyLock::new(|| {
    "a aber about according after against ahead all als also although amid among and any arab are around as asked at \
     because before behind both but by can communist comrade con conservative could dass de del democrat der did do \
     does during earlier el en et european even ever every for friday from given had has have he her his how however \
     if in into is it its kremlin la labour last later le like marxist meanwhile mit monday nach nato no nor not now \
     of on once only or our over per por pour que republican said saturday selon she should since so socialist still \
     sunday than that the their then there they this though through thursday to today tory tuesday und under unlike \
     until upon ve von was wednesday were western what when where whether which while who why will with without world \
     would y yesterday yet"
        .split_ascii_whitespace()
        .collect()
});

/// What is named after people, folded: behind a name these mean a thing.
static THINGS: Words = LazyLock::new(|| {
    "airport allee arena avenue award boulevard bridge brucke bust card cathedral center centre college damm denkmal \
     doctrine flughafen foundation gasse hall halle haus institut platz schule stadion stiftung strasse ufer weg \
     highway hospital hotel institute jr junior library mausoleum medal memorial monument museum palace park plaza \
     prize road scholarship school sq square stadium statue street theorem tower towers trophy university"
        .split_ascii_whitespace()
        .collect()
});

/// What names a ship when it stands before a name, folded.
static SHIPS: Words = LazyLock::new(|| "carrier frigate hms ins ship uss warship".split_ascii_whitespace().collect());

/// What a firm calls itself behind its founder's name, folded.
static FIRMS: Words =
    LazyLock::new(|| "ag bv corp gmbh inc incorporated kg limited llc llp ltd nv plc sarl srl".split(' ').collect());

/// Who a firm's founder founded it with, folded, behind `&`.
static PARTNERS: Words = LazyLock::new(|| {
    "associates bro brothers bros cie co company daughter daughters figli fils hijos partner partners sohn sohne son \
     sons"
        .split_ascii_whitespace()
        .collect()
});

/// Trades of people who share a leader's name, folded, as they stand right before it.
static TRADES: Words = LazyLock::new(|| {
    "actor actress singer rapper footballer cricketer goalkeeper striker midfielder defender comedian painter novelist \
     pianist swimmer cyclist boxer oyuncu sarkici futbolcu актер актриса певец певица футболист acteur actrice chanteur \
     chanteuse cantante actriz futbolista schauspieler schauspielerin sanger sangerin fussballer 배우 가수 선수 감독 교수 작가 \
     아나운서 개그맨 俳優 歌手 選手"
        .split_ascii_whitespace()
        .collect()
});

/// Words that a lost space glues to the end of a name, folded.
static GLUED: Words = LazyLock::new(|| {
    "about after also and are as asked at before but by called can could for from had has have he if in into is its \
     may met of on or over said says should signed spoke than that the to told wants warned was were when which who \
     will with would"
        .split_ascii_whitespace()
        .collect()
});

/// First names that many people bear, folded; beside those of the packs' own persons.
static GIVENS: Words = LazyLock::new(|| {
    "adam alan alice amy ana andrea andrew angela anna anne ben betty bilal bob brian brigitte carla carlos carol \
     catherine charlotte chris claire daniel david diana eduardo elena elizabeth emily emine emma eric eva fatima \
     frank george hannah harry helen hunter ivan ivanka jack james jane jason jean jennifer jill john jose joseph \
     juan julia karen kate laura linda lisa louise lucy luis lyudmila maria marie marina mark martin mary matthew \
     mehmet melania michael michelle mike mustafa nancy nicole olena olga omar pablo patrick paul pedro peter philip \
     rachel richard robert ryan samuel sandra sara sarah simon sofia stefan stephen steve susan svetlana tatiana \
     thomas tiffany tim tom victoria william"
        .split_ascii_whitespace()
        .collect()
});

/// Whether a word, with "of" behind it, makes part of a country or a place in it of a name: "the state of Georgia".
pub fn is_home(folded: &str) -> bool {
    matches!(folded, "state" | "city" | "town" | "county" | "university" | "bank" | "governor" | "district")
}

/// Whether a word is a common first name.
pub fn is_given(folded: &str) -> bool {
    GIVENS.contains(folded)
}

/// Whether a word says what a person is.
pub fn is_title(folded: &str) -> bool {
    title(folded).is_some()
}

/// The word, or the English words for it, if it says what a person is.
pub fn title(folded: &str) -> Option<&str> {
    if TITLES.contains(folded) { Some(folded) } else { title::in_english(folded) }
}

/// Whether a word says that who is named sings, plays or teaches.
pub fn is_trade(folded: &str) -> bool {
    TRADES.contains(folded)
}

/// Whether a word joins two names.
pub fn is_and(folded: &str) -> bool {
    matches!(folded, "and" | "и" | "та" | "і" | "ve" | "et" | "und" | "y" | "e" | "و")
}

/// Whether a word may begin a sentence before a surname.
pub fn is_opener(folded: &str) -> bool {
    OPENERS.contains(folded)
}

/// Whether a word behind a name means a thing named after the person.
pub fn is_thing(folded: &str) -> bool {
    THINGS.contains(folded)
}

/// Whether a word before a name means a ship.
pub fn is_ship(folded: &str) -> bool {
    SHIPS.contains(folded)
}

/// Whether this may have been a word of its own.
pub fn is_glued(folded: &str) -> bool {
    GLUED.contains(folded)
}

/// Whether a word behind a name makes it a firm's.
pub fn is_firm(folded: &str) -> bool {
    FIRMS.contains(folded)
}

/// Whether a word behind a name and `&` makes it a firm's.
pub fn is_partner(folded: &str) -> bool {
    PARTNERS.contains(folded)
}

/// Whether an apostrophe between a name and what follows makes one longer word of both: `Modi'in`, but not `Modi'll`.
pub fn is_broken_by(between: &str, folded: &str) -> bool {
    let mut chars = between.chars();
    let is_apostrophe = matches!((chars.next(), chars.next()), (Some(c), None) if is_apostrophe(c));
    is_apostrophe && !matches!(folded, "s" | "d" | "ll" | "ve" | "re" | "m" | "nt")
}

//! What the topic packs say, and the lexicons made from it.
//!
//! The packs hold words; the operators that join them (frames, modality, citation forms) are code, the same for every
//! language. A section names its language, and its terms are found in texts of that language alone, or in all where a
//! text's language is unknown.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    lexicon::{self, Hit, Lexicon},
    section::{DealsFile, KindSection, ResolutionsFile, SystemSection, WeaponsFile},
};
use crate::{
    article::{Lang, segment},
    watch::{
        found::{DealItem, DealStatus, PartyId, ResolutionStatus},
        language::list::{ListTerm, Lists},
    },
};

/// The compiled packs of the topics.
#[derive(Debug, Default)]
pub struct Rules {
    pub(super) deals: Lexicon<DealWord>,
    pub(super) items: Vec<Item>,
    /// What [`DealWord::Programme`] points to.
    pub(super) programmes: Vec<Programme>,
    /// Longest first.
    pub(super) suffixes: Vec<Suffix>,
    /// Ids that are never a side of a deal.
    pub(super) never: Vec<String>,
    /// Who supplies where two deal and nothing tells which of them gives.
    pub(super) exporters: Vec<PartyId>,
    pub(super) makers: Lexicon<u16>,
    /// What `makers` point to.
    pub(super) companies: Vec<Company>,
    pub(super) resolutions: Lexicon<ResolutionWord>,
    pub(super) facts: Facts,
    /// What queries may name: `@weapon`, `@weapon.missile`, `@arms-maker`.
    pub lists: Lists,
}

/// A weapon or kind of weapon.
#[derive(Debug)]
pub(super) struct Item {
    pub item: DealItem,
    /// Counts only where something else in the article is plainly a weapon.
    pub needs_context: bool,
    /// Who makes it; empty where the pack does not tell.
    pub maker: Vec<PartyId>,
}

/// A company that makes weapons, by one of its names.
#[derive(Debug)]
pub(super) struct Company {
    pub party: PartyId,
    /// Written in capitals, it is no name otherwise: `EDGE`.
    pub is_upper: bool,
}

/// What a word of the weapons and arms-deals packs means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum DealWord {
    /// Index into [`Rules::items`].
    Weapon(u16),
    Verb {
        frame: Frame,
        form: Form,
        done: DealStatus,
        also_noun: bool,
    },
    Noun {
        is_armed: bool,
        frame: Frame,
        implies: DealStatus,
    },
    Cue {
        says: Says,
        also_after: bool,
    },
    /// The part of the party behind it.
    MarkerBefore(Role),
    /// The part of the party in front of it.
    MarkerAfter(Role),
    /// No deal hides in this.
    Veil,
    /// Index into [`Rules::programmes`].
    Programme(u16),
    Plain(WordRole),
}

/// An undertaking whose sides are known by its name.
#[derive(Debug)]
pub(super) struct Programme {
    pub supplier: Vec<PartyId>,
    pub recipient: Vec<PartyId>,
}

/// An ending of a party's name that tells its part.
#[derive(Debug)]
pub(super) struct Suffix {
    pub lang: Lang,
    pub suffix: String,
    pub role: Role,
}

/// How a verb's subject and object stand to the deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Frame {
    /// The subject gives, the object is a weapon.
    Give,
    /// The subject gets, the object is a weapon.
    Get,
    /// The subject gives, the object gets: to arm somebody.
    Arm,
    /// Two make weapons together, or one does under the other's licence: whose weapons they are supplies.
    Make,
}

/// A verb's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Base,
    Done,
    Going,
}

/// What a cue says of the deal that it governs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Says {
    Proposed,
    Negotiating,
    Warned,
    Agreed,
    Approved,
    Delivered,
    Denied,
    Blocked,
    Alleged,
    /// Somebody would like it: weaker than proposed.
    Wanted,
    /// A future told by somebody ("said it would"): agreed; told by nobody: wanted.
    Future,
    /// Shields words that look like a cue and are none.
    None,
}

/// The part that a party plays in a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Role {
    To,
    /// Like `To`, but gives way to it.
    For,
    From,
    By,
    With,
    Between,
    Of,
    /// No part at all: a place, an enemy.
    Aside,
}

/// Other words that the frames ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WordRole {
    /// Using a weapon.
    Use,
    /// Asking for something: who asks gets, who is asked gives.
    Ask,
    /// Taking weapons on their way: who does it gives nobody anything.
    Seize,
    /// Behind a party: names an event or a place, not the party ("the Ukraine war").
    War,
    /// Behind a party: others act, for it ("Ukraine's allies").
    Ally,
    /// Stands for a party or a thing named before.
    Pronoun,
    /// In front of a verb: a word that is a noun as well is a verb behind it.
    VerbLead,
    /// An army moves its own weapons.
    Deploy,
    /// Joins parties ("France and Germany").
    Join,
    /// Stands between a joint and its party ("and the Netherlands").
    Article,
    Passive,
    /// In front of weapons: none change hands.
    No,
    /// Who holds an office may be quoted.
    Office,
    Say,
    Deny,
    /// Stands for the country of the person named last ("his country").
    Home,
    /// Stands for the country named last that does not act itself ("that country").
    There,
    /// Who bears arms for the place behind it ("fighters in Sudan").
    Fighters,
    /// Begins a clause of its own, so that what stands behind it is no object of the verb in front ("where", "when").
    Clause,
    /// Points back to what stands in front ("missiles that", "France, whose").
    Relative,
    Whose,
    /// Who rules the place behind it: "the leadership in Tehran" acts for it.
    Government,
    /// Lets or tells somebody to do what follows: who is let acts, in whatever case ("заборонила Німеччині передати").
    Let,
    /// Behind a state: a part of it, so that what happens in it is done by it ("in the US Senate").
    Institution,
    /// In front of weapons: they are none ("toy", "replica").
    Unreal,
    /// Punishing by law: who does it gives nobody anything ("imposes sanctions on").
    Punish,
}

/// What a word of the resolutions pack means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ResolutionWord {
    Plain(ResolutionRole),
    Cue(ResolutionSays),
}

/// The parts of a citation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ResolutionRole {
    /// Says by itself whose resolution it is: `UNSCR`.
    Symbol,
    Resolution,
    /// With the sign of a number in front: `sayılı karar`, `号决议`.
    NumberedResolution,
    /// A word that is a resolution only with a number or the Council's name on it: Turkish `karar`.
    WeakResolution,
    Council,
    /// The Council's name where it is known from the context: "the Council".
    ShortCouncil,
    UnitedNations,
    /// Another body that passes resolutions, or another kind of resolution.
    Other,
    /// A state's own security council: no council beside it is the Council, but where the United Nations are named.
    OwnCouncil,
    /// What only the Council does: sanctions, vetoes, peacekeepers.
    Business,
    /// Voting, which at the Council is about a resolution.
    Vote,
    /// What the Council does by a resolution, where it is the subject.
    Act,
    /// Stands between a resolution and its number.
    NumberSign,
    /// Joins the numbers of a list.
    And,
    /// Makes numbers a range.
    Through,
}

/// What a cue says of a resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ResolutionSays {
    Draft,
    Adopted,
    Vetoed,
    CalledFor,
    Violated,
    /// Shields words that look like a cue and are none.
    None,
}

impl From<ResolutionSays> for Option<ResolutionStatus> {
    fn from(says: ResolutionSays) -> Self {
        Some(match says {
            ResolutionSays::Draft => ResolutionStatus::Draft,
            ResolutionSays::Adopted => ResolutionStatus::Adopted,
            ResolutionSays::Vetoed => ResolutionStatus::Vetoed,
            ResolutionSays::CalledFor => ResolutionStatus::CalledFor,
            ResolutionSays::Violated => ResolutionStatus::Violated,
            ResolutionSays::None => return None,
        })
    }
}

/// Years and subjects of resolutions.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Facts {
    #[serde(default)]
    first_of_year: Vec<(u16, u16)>,
    #[serde(default)]
    subjects: Vec<Subject>,
    /// No number beyond it is believed; leaves room for some years.
    #[serde(default)]
    number_max: u16,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    number: u16,
    subject: String,
}

impl Facts {
    /// When a resolution was adopted; `None` where the pack does not reach.
    pub fn year(&self, number: u16) -> Option<u16> {
        self.is_number(number).then_some(())?;
        self.first_of_year.iter().take_while(|(_, first)| *first <= number).last().map(|(year, _)| *year)
    }

    /// What a resolution is about, where the pack knows it.
    pub fn subject(&self, number: u16) -> Option<&str> {
        self.subjects.iter().find(|known| known.number == number).map(|known| known.subject.as_str())
    }

    /// Adds those of a file that extends this one; what it says of a number holds.
    fn extend(&mut self, more: Self) {
        self.first_of_year.extend(more.first_of_year);
        self.first_of_year.sort_unstable();
        self.subjects.splice(0..0, more.subjects);
        self.number_max = self.number_max.max(more.number_max);
    }

    /// Whether a resolution of this number may exist.
    pub fn is_number(&self, number: u16) -> bool {
        (1..=self.number_max).contains(&number)
    }
}

/// A pack whose sections the detectors read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicPack {
    /// `weapons`: what may be dealt in. Read before the others.
    Weapons,
    /// `arms-deals`
    ArmsDeals,
    /// `unsc-resolutions`
    Resolutions,
}

/// Reads the topics' packs, each of one file or of several that extend each other.
#[derive(Debug, Default)]
pub struct RulesBuilder {
    rules: Rules,
    /// What `@weapon` stands for, by part.
    weapons: BTreeMap<String, Vec<ListTerm>>,
    makers: Vec<ListTerm>,
}

impl RulesBuilder {
    /// Adds a file; gives the id and version that it states.
    ///
    /// # Errors
    /// Why it cannot be read, with its place in the file.
    pub fn add(&mut self, pack: TopicPack, text: &str) -> Result<(String, String), toml::de::Error> {
        let head = match pack {
            TopicPack::Weapons => {
                let file: WeaponsFile = toml::from_str(text)?;
                self.add_weapons(file.kind, file.system);
                file.pack
            }
            TopicPack::ArmsDeals => {
                let file: DealsFile = toml::from_str(text)?;
                let head = file.pack.clone();
                self.rules.never.extend(file.parties.never.iter().cloned());
                self.rules.exporters.extend(ids(&file.parties.exporters));
                self.add_deals(file);
                head
            }
            TopicPack::Resolutions => {
                let file: ResolutionsFile = toml::from_str(text)?;
                for section in file.word {
                    let meaning = ResolutionWord::Plain(section.role);
                    add_all(&mut self.rules.resolutions, &section.lang, &section.terms, meaning);
                }
                for section in file.cue {
                    let meaning = ResolutionWord::Cue(section.says);
                    add_all(&mut self.rules.resolutions, &section.lang, &section.terms, meaning);
                }
                self.rules.facts.extend(file.facts);
                file.pack
            }
        };
        Ok((head.id, head.version))
    }

    /// The rules of all files.
    pub fn build(mut self) -> Rules {
        // "ndan" before "a": the longest says most.
        self.rules.suffixes.sort_by_key(|suffix| std::cmp::Reverse(suffix.suffix.len()));
        self.rules.lists.add_parts("weapon", self.weapons);
        self.rules.lists.add("arms-maker", self.makers);
        self.rules
    }

    fn add_weapons(&mut self, kinds: Vec<KindSection>, systems: Vec<SystemSection>) {
        for section in kinds {
            for (lang, terms) in &section.terms {
                let lang = Lang::from_tag(lang);
                for term in terms {
                    self.list(&section.category, term, lang, section.needs_context);
                }
            }
            let meaning = self.add_item(section.name, section.category, section.needs_context, ids(&section.maker));
            for (lang, terms) in &section.terms {
                add_all(&mut self.rules.deals, lang, terms, meaning);
                // Arabic writes "with" and "for" on the word: "supplied it with missiles".
                if lang == "ar" {
                    let led: Vec<String> =
                        terms.iter().flat_map(|term| ["ب", "ل"].map(|lead| format!("{lead}{term}"))).collect();
                    add_all(&mut self.rules.deals, lang, &led, meaning);
                }
            }
        }
        for section in systems {
            let names = [section.name.clone()].into_iter().chain(section.also);
            let meaning = self.add_item(
                section.name.clone(),
                section.category.clone(),
                section.needs_context,
                ids(&section.maker),
            );
            let mut plain = None;
            for name in names {
                let mut meaning = meaning;
                // "Taurus" may be a star sign; "Taurus cruise missile" and "Leopard 2" say what they are.
                let is_designation = name.contains(|c: char| c.is_ascii_digit()) && section.category != "small arms";
                if section.needs_context && (self.names_weapon(&name) || is_designation) {
                    meaning = *plain.get_or_insert_with(|| {
                        self.add_item(section.name.clone(), section.category.clone(), false, ids(&section.maker))
                    });
                }
                self.list(
                    &section.category,
                    &name,
                    None,
                    section.needs_context && plain.is_none_or(|plain| plain != meaning),
                );
                self.rules.deals.add(&name, None, meaning);
            }
        }
    }

    fn list(&mut self, category: &str, text: &str, lang: Option<Lang>, needs_context: bool) {
        let term = ListTerm { text: text.to_owned(), lang, is_exact: false, needs_context };
        self.weapons.entry(list_name(category)).or_default().push(term);
    }

    /// Whether a name has a word in it that is plainly a weapon.
    fn names_weapon(&self, name: &str) -> bool {
        let field = segment::analyse_field(None, name);
        let is_plain = |hit: &Hit<DealWord>| matches!(hit.meaning, DealWord::Weapon(item) if !self.rules.items[item as usize].needs_context);
        self.rules.deals.find(&lexicon::tokens(&field), Some(Lang::EN)).iter().any(is_plain)
    }

    fn add_item(&mut self, name: String, category: String, needs_context: bool, maker: Vec<PartyId>) -> DealWord {
        self.rules.items.push(Item { item: DealItem { name, category }, needs_context, maker });
        DealWord::Weapon((self.rules.items.len() - 1) as u16)
    }

    fn add_deals(&mut self, file: DealsFile) {
        for section in file.maker {
            for name in section.names {
                let is_upper = !name.contains(char::is_lowercase);
                self.makers.push(ListTerm { text: name.clone(), lang: None, is_exact: is_upper, needs_context: false });
                self.rules.makers.add(&name, None, self.rules.companies.len() as u16);
                self.rules.companies.push(Company { party: id(&section.party), is_upper });
            }
        }
        let words = &mut self.rules.deals;
        for section in file.programme {
            let meaning = DealWord::Programme(self.rules.programmes.len() as u16);
            section.names.iter().for_each(|name| words.add(name, None, meaning));
            self.rules
                .programmes
                .push(Programme { supplier: ids(&section.supplier), recipient: ids(&section.recipient) });
        }
        for section in file.verb {
            for (form, terms) in
                [(Form::Base, &section.base), (Form::Done, &section.done), (Form::Going, &section.going)]
            {
                let meaning =
                    DealWord::Verb { frame: section.frame, form, done: section.status, also_noun: section.also_noun };
                add_all(words, &section.lang, terms, meaning);
            }
        }
        for section in file.noun {
            let meaning = DealWord::Noun { is_armed: section.armed, frame: section.frame, implies: section.status };
            add_all(words, &section.lang, &section.terms, meaning);
        }
        for section in file.cue {
            let meaning = DealWord::Cue { says: section.says, also_after: section.after };
            add_all(words, &section.lang, &section.terms, meaning);
        }
        for section in file.veil {
            add_all(words, &section.lang, &section.terms, DealWord::Veil);
        }
        for section in file.word {
            add_all(words, &section.lang, &section.terms, DealWord::Plain(section.role));
        }
        for section in file.marker {
            add_all(words, &section.lang, &section.before, DealWord::MarkerBefore(section.role));
            add_all(words, &section.lang, &section.after, DealWord::MarkerAfter(section.role));
            if let Some(lang) = Lang::from_tag(&section.lang) {
                let suffixes = section.suffix.into_iter().map(|suffix| Suffix { lang, suffix, role: section.role });
                self.rules.suffixes.extend(suffixes);
            }
        }
    }
}

/// A category as a list's name has it: `air defence` → `air-defence`.
fn list_name(category: &str) -> String {
    category.split(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>().join("-")
}

fn id(text: &str) -> PartyId {
    PartyId(text.into())
}

fn ids(texts: &[String]) -> Vec<PartyId> {
    texts.iter().map(|text| id(text)).collect()
}

fn add_all<T: Copy + PartialEq>(lexicon: &mut Lexicon<T>, lang: &str, terms: &[String], meaning: T) {
    let lang = Lang::from_tag(lang);
    for term in terms {
        lexicon.add(term, lang, meaning);
    }
}

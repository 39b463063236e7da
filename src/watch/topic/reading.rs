//! Makes the detectors' rules from the files of their packs.

use std::collections::BTreeMap;

use super::{
    lexicon::{self, Hit, Lexicon},
    rule::{Affix, Company, DealWord, Form, Item, Programme, ResolutionWord, Rules},
    section::{DealsFile, KindSection, ResolutionsFile, SystemSection, WeaponsFile},
};
use crate::{
    article::{Lang, segment},
    watch::{
        found::{DealItem, PartyId},
        language::list::ListTerm,
    },
};

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
        self.rules.suffixes.sort_by_key(|suffix| std::cmp::Reverse(suffix.letters.len()));
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
            let meaning = self.add_item(Item {
                item: DealItem { name: section.name, category: section.category },
                is_kind: true,
                needs_context: section.needs_context,
                maker: ids(&section.maker),
            });
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
            let item = |needs_context| Item {
                item: DealItem { name: section.name.clone(), category: section.category.clone() },
                is_kind: false,
                needs_context,
                maker: ids(&section.maker),
            };
            let meaning = self.add_item(item(section.needs_context));
            let mut plain = None;
            for name in names {
                let mut meaning = meaning;
                // "Taurus" may be a star sign; "Taurus cruise missile" and "Leopard 2" say what they are.
                let is_designation = name.contains(|c: char| c.is_ascii_digit()) && section.category != "small arms";
                if section.needs_context && (self.names_weapon(&name) || is_designation) {
                    meaning = *plain.get_or_insert_with(|| self.add_item(item(false)));
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

    fn add_item(&mut self, item: Item) -> DealWord {
        self.rules.items.push(item);
        DealWord::Weapon((self.rules.items.len() - 1) as u32)
    }

    fn add_deals(&mut self, file: DealsFile) {
        for section in file.maker {
            for name in section.names {
                let is_upper = !name.contains(char::is_lowercase);
                self.makers.push(ListTerm { text: name.clone(), lang: None, is_exact: is_upper, needs_context: false });
                self.rules.makers.add(&name, None, self.rules.companies.len() as u32);
                self.rules.companies.push(Company { party: id(&section.party), is_upper });
            }
        }
        let words = &mut self.rules.deals;
        for section in file.programme {
            let meaning = DealWord::Programme(self.rules.programmes.len() as u32);
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
                let affix = |letters| Affix { lang, letters, role: section.role };
                self.rules.suffixes.extend(section.suffix.into_iter().map(affix));
                self.rules.prefixes.extend(section.prefix.into_iter().map(affix));
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

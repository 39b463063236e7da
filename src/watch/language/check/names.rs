//! Names that a query uses: lists, feeds, countries, leaders. Do they exist, and if not, what was meant?

use super::{Checker, Leader, Party};
use crate::watch::{
    entity::place::PlaceKind,
    language::{
        checked::{ANY, LeaderTest},
        lexer::Fault,
        pattern::Pattern,
        suggest,
        tree::{Node, Term},
    },
};

/// Where there are no more than these, an unknown name is answered with all that there are.
const NAMES_TOLD_MAX: usize = 8;

impl Checker<'_> {
    pub(super) fn list(&mut self, node: &Node, term: &Term, name: &str, key: Option<&str>) -> Option<usize> {
        let list = self.known.lists.get(name);
        if let (Some(list), None) = (list, key) {
            let compiled = list.compiled();
            for (entry, why) in &compiled.left_out {
                let message = format!("`{entry}` in the list `@{name}` is left out: {why}");
                self.warnings.push(Fault { span: node.span.clone(), message, help: None });
            }
            let Some(pattern) = &compiled.pattern else {
                self.error(node.span.clone(), format!("the list `@{name}` has no entry with a word in it"), None);
                return None;
            };
            return Some(self.add_term(term, pattern.clone()));
        }
        let parties = self.known.parties;
        let kind = match name {
            "country" => None,
            "body" => Some(PlaceKind::Body),
            "group" => Some(PlaceKind::Group),
            "leader" => {
                if let Some(key) = key {
                    self.resolve_leader(node, &mut LeaderTest::Id(key.to_owned()))?;
                }
                return Some(self.add_term(term, Pattern::Leader(key.map(str::to_owned))));
            }
            _ => {
                self.no_list(node, name, key, list.is_some());
                return None;
            }
        };
        if let Some(key) = key {
            self.known_party(node, name, key, kind)?;
            return Some(self.add_term(term, Pattern::Country(Some(key.to_owned()))));
        }
        let pattern = match kind {
            None => Pattern::Country(None),
            Some(_) => {
                let of_kind = parties.iter().filter(|party| Some(party.kind) == kind);
                Pattern::AnyOf(of_kind.map(|party| Pattern::Country(Some(party.id.to_owned()))).collect())
            }
        };
        Some(self.add_term(term, pattern))
    }

    fn no_list(&mut self, node: &Node, name: &str, key: Option<&str>, is_there: bool) {
        let lists = self.known.lists;
        if is_there {
            let part = key.unwrap_or("").to_lowercase();
            let parts: Vec<String> = lists.parts_of(name).map(|part| format!("`@{name}.{part}`")).collect();
            let help = if lists.parts_of(name).any(|other| other == part) {
                format!("did you mean `@{name}.{part}`?")
            } else if parts.is_empty() {
                format!("write `@{name}`")
            } else {
                format!("write `@{name}`, or a part of it: {}", parts.join(", "))
            };
            self.error(node.span.clone(), format!("the list `@{name}` has no named entries"), Some(help));
            return;
        }
        if self.known.may_lack_names {
            return;
        }
        let parts_of = |whole: &str| lists.parts_of(whole).map(|part| format!("`@{whole}.{part}`")).collect::<Vec<_>>();
        // `@missile` for `@weapon.missile`
        let as_part = lists.names().find(|other| other.rsplit_once('.').is_some_and(|(_, part)| part == name));
        if let Some((whole, part)) = name.split_once('.')
            && lists.get(whole).is_some()
        {
            let meant = self.nearest(part, lists.parts_of(whole));
            let help = match meant {
                Some(meant) => format!("did you mean `@{whole}.{meant}`?"),
                None => format!("its parts are {}", parts_of(whole).join(", ")),
            };
            self.error(node.span.clone(), format!("there is no list `@{name}`"), Some(help));
            return;
        }
        let names = lists.names().chain(["country", "body", "group", "leader"]);
        let meant = as_part.or_else(|| self.nearest(name, names));
        let help = match meant {
            Some(meant) => format!("did you mean `@{meant}`?"),
            None => format!("define it: `[lists]` and `{name} = [\"…\", \"…\"]`"),
        };
        self.error(node.span.clone(), format!("there is no list `@{name}`"), Some(help));
    }

    /// The name most like `written`, as long as there is time to look.
    fn nearest<'n>(&mut self, written: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
        self.suggestions_left = self.suggestions_left.checked_sub(1)?;
        suggest::nearest(written, names)
    }

    /// Complains where names are known and this is none of them.
    pub(super) fn known_name(&mut self, node: &Node, what: &str, name: &str, known: &[&str]) -> Option<()> {
        if known.is_empty() || known.contains(&name) {
            return Some(());
        }
        let help = match self.nearest(name, known.iter().copied()) {
            Some(meant) => Some(format!("did you mean `{meant}`?")),
            None if known.len() <= NAMES_TOLD_MAX => Some(format!("there are {}", known.join(", "))),
            None => None,
        };
        self.error(node.span.clone(), format!("there is no {what} `{name}`"), help);
        None
    }

    /// The same of countries, bodies and groups: by id, in whichever case.
    pub(super) fn known_party(&mut self, node: &Node, what: &str, id: &str, kind: Option<PlaceKind>) -> Option<()> {
        let parties = self.known.parties;
        let fits = |party: &&Party<'_>| kind.is_none_or(|kind| party.kind == kind);
        if parties.is_empty() || parties.iter().filter(fits).any(|party| party.id.eq_ignore_ascii_case(id)) {
            return Some(());
        }
        let by_name = |name: &str| parties.iter().find(|party| party.name == name).map(|party| party.id);
        let named = parties.iter().filter(fits).find(|party| party.name.eq_ignore_ascii_case(id));
        let meant = named.map(|party| party.id).or_else(|| {
            let names = parties.iter().filter(fits).map(|party| party.name);
            let near_name = self.nearest(id, names.filter(|name| name.chars().count() > 3));
            near_name.and_then(by_name).or_else(|| self.nearest(id, parties.iter().filter(fits).map(|party| party.id)))
        });
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if kind.is_none() => "countries go by their two letters, as in `RU`, `KP`, `US`".to_owned(),
            None => format!("write `@{what}` for any"),
        };
        self.error(node.span.clone(), format!("there is no {what} `{id}`"), Some(help));
        None
    }

    pub(super) fn each_known(&mut self, node: &Node, what: &str, names: &[String], known: &[&str]) -> Option<()> {
        let is_of_config = matches!(what, "feed" | "tag");
        names.iter().try_for_each(|name| {
            if is_of_config && self.known.may_lack_names {
                return Some(());
            }
            if name == ANY && !is_of_config {
                return Some(());
            }
            self.known_name(node, what, name, known)
        })
    }

    /// A name becomes the person it names, whatever spelling was used.
    pub(super) fn resolve_leader(&mut self, node: &Node, test: &mut LeaderTest) -> Option<()> {
        let leaders: &[Leader] = self.known.leaders;
        if leaders.is_empty() {
            return Some(());
        }
        let (found, written) = match test {
            LeaderTest::Any => return Some(()),
            LeaderTest::Country(id) => return self.known_party(node, "country", id, None),
            LeaderTest::Id(id) => (leaders.iter().find(|leader| leader.id.eq_ignore_ascii_case(id)), id),
            LeaderTest::Name(name) => (leaders.iter().find(|leader| leader.folded.contains(name)), name),
        };
        if let Some(leader) = found {
            *test = LeaderTest::Id(leader.id.clone());
            return Some(());
        }
        let all_names = leaders.iter().flat_map(|leader| leader.folded.iter().map(move |name| (name.as_str(), leader)));
        // `leader:Putin`
        let of_surname = || all_names.clone().find(|(name, _)| name.rsplit(' ').next() == Some(&**written));
        let nearest = self.nearest(written, all_names.clone().map(|(name, _)| name));
        let named = all_names.clone().find(|(name, _)| Some(*name) == nearest).or_else(of_surname);
        let meant = named.map(|(_, leader)| leader);
        let help = match meant {
            Some(leader) => format!("did you mean `leader:\"{}\"`?", leader.name),
            None => "leaders go by their English Wikipedia title, or by Wikidata item".to_owned(),
        };
        self.error(node.span.clone(), format!("no pack knows a leader `{written}`"), Some(help));
        None
    }
}

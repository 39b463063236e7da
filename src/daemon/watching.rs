//! The watches that are current, with what an alert needs to know beside them.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use crate::{
    alert::{AlertBody, AlertId},
    article::{Article, ArticleKey},
    config::{Level, Problem, Settings, Severity, SinkId, WatchSettings},
    watch::{CompileContext, SharedPacks, WatchSet},
};

/// A compiled watch set and the settings that it was compiled from.
#[derive(Debug)]
pub struct Watching {
    watches: Vec<WatchSettings>,
    set: WatchSet,
    versions: BTreeMap<String, String>,
    min_severity: HashMap<SinkId, Severity>,
}

/// What the watches say of one article.
#[derive(Debug)]
pub struct Judged<'a> {
    /// Of each watch that matched, in the order of the config.
    pub alerts: Vec<(AlertId, &'a WatchSettings, AlertBody)>,
    /// How many watches ran out of steps, so that nobody knows whether they match.
    pub undecided: usize,
}

impl Watching {
    /// Compiles `watches` in the light of `settings`. Warnings come beside a set, errors instead of one.
    pub fn compile(settings: &Settings, watches: Vec<WatchSettings>) -> (Option<Self>, Vec<Problem>) {
        let packs = match SharedPacks::read(settings.pack_folder.as_deref()) {
            Ok(packs) => packs,
            Err(problems) => return (None, problems),
        };
        let context = CompileContext { lists: &settings.lists, feeds: &settings.feeds, packs: &packs };
        let compiled = WatchSet::compile(&watches, context);
        if compiled.problems.iter().any(|p| p.level == Level::Error) {
            return (None, compiled.problems);
        }
        let watching = compiled.set.map(|set| Self {
            versions: packs.versions.clone(),
            set,
            watches,
            min_severity: settings.sinks.iter().map(|s| (s.id.clone(), s.min_severity)).collect(),
        });
        (watching, compiled.problems)
    }

    /// Every watch, in the order of the config.
    pub fn watches(&self) -> &[WatchSettings] {
        &self.watches
    }

    /// What `article`, known across feeds as `key`, alerts on; see [`Self::judge`].
    pub fn alerts(
        &self,
        article: &Article,
        key: &ArticleKey,
        now: DateTime<Utc>,
        fetched: Option<DateTime<Utc>>,
    ) -> Vec<(AlertId, &WatchSettings, AlertBody)> {
        self.judge(article, key, now, fetched).alerts
    }

    /// What every watch says of `article`, known across feeds as `key`. Ages are counted from `now`. `fetched` is `None`
    /// in `match`; roles are looked up for the article's own date, or else for that one.
    pub fn judge(
        &self,
        article: &Article,
        key: &ArticleKey,
        now: DateTime<Utc>,
        fetched: Option<DateTime<Utc>>,
    ) -> Judged<'_> {
        let roles_on = article.published.or(fetched).map(|time| time.date_naive());
        let matched = self.set.matches(article, now, roles_on);
        let findings = matched.findings.unwrap_or_default();
        let alerts = matched.hits.into_iter().map(|hit| {
            let watch = &self.watches[hit.watch];
            let id = AlertId::new(&watch.id, key);
            let body = AlertBody::new(&id, watch, article, hit, &findings, &self.versions, fetched);
            (id, watch, body)
        });
        Judged { alerts: alerts.collect(), undecided: matched.undecided.len() }
    }

    /// Where alerts of `watch` go: its sinks, less those that want louder ones.
    pub fn sinks_of(&self, watch: &WatchSettings) -> Vec<SinkId> {
        let wants = |sink: &&SinkId| self.min_severity.get(*sink).is_none_or(|min| watch.severity >= *min);
        watch.sinks.iter().filter(wants).cloned().collect()
    }
}

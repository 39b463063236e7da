//! The watches that are current, with what an alert needs to know beside them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};

use crate::{
    alert::{AlertBody, AlertId},
    article::{Article, ArticleKey},
    config::{Level, Problem, Settings, Severity, SinkId, WatchSettings},
    watch::{CompileContext, SharedPacks, WatchSet, found::NearMiss, matched::Explained},
};

/// Watches are first filed anew when so many articles were counted.
const FIRST_ORDER_AT: u32 = 200;
/// By then counts tell no more than they did.
const ORDERED_UP_TO: u32 = 20_000;

/// A compiled watch set and the settings that it was compiled from.
#[derive(Debug)]
pub struct Watching {
    watches: Vec<WatchSettings>,
    /// Swapped for one in better order while articles are matched; see [`Self::put_in_order`].
    set: ArcSwap<WatchSet>,
    /// When so many articles were counted, it is time to put the set in order.
    order_at: AtomicU32,
    versions: BTreeMap<String, String>,
    min_severity: HashMap<SinkId, Severity>,
    /// `[defaults] sinks`.
    event_sinks: Vec<SinkId>,
}

/// What the watches say of one article.
#[derive(Debug)]
pub struct Judged<'a> {
    /// Of each watch that matched, in the order of the config.
    pub alerts: Vec<(AlertId, &'a WatchSettings, AlertBody)>,
    /// Watches that ran out of steps, so that nobody knows whether they match.
    pub undecided: Vec<&'a WatchSettings>,
    /// Whether the article was too long to be read whole.
    pub cut: bool,
}

impl Watching {
    /// Compiles `watches` in the light of `settings`. Warnings come beside a set, errors instead of one.
    pub fn compile(settings: &Settings, watches: Vec<WatchSettings>) -> (Option<Self>, Vec<Problem>) {
        let packs = match SharedPacks::read(settings.pack_folder.as_deref()) {
            Ok(packs) => packs,
            Err(problems) => return (None, problems),
        };
        let context = CompileContext { lists: &settings.lists, feeds: &settings.feeds, packs: &packs };
        let mut compiled = WatchSet::compile(&watches, context);
        compiled.problems.splice(0..0, packs.warnings.iter().cloned());
        if compiled.problems.iter().any(|p| p.level == Level::Error) {
            return (None, compiled.problems);
        }
        let watching = compiled.set.map(|set| Self {
            versions: packs.versions.clone(),
            set: ArcSwap::from_pointee(set),
            order_at: AtomicU32::new(FIRST_ORDER_AT),
            watches,
            min_severity: settings.sinks.iter().map(|s| (s.id.clone(), s.min_severity)).collect(),
            event_sinks: settings.default_sinks.clone(),
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
        let matched = self.set.load().matches(article, now, roles_on);
        let findings = matched.findings.unwrap_or_default();
        let alerts = matched.hits.into_iter().map(|hit| {
            let watch = &self.watches[hit.watch];
            let id = AlertId::new(&watch.id, key);
            let body = AlertBody::new(&id, watch, article, hit, &findings, &self.versions, fetched);
            (id, watch, body)
        });
        let alerts = alerts.collect();
        let undecided = matched.undecided.iter().map(|&watch| &self.watches[watch]).collect();
        Judged { alerts, undecided, cut: matched.cut }
    }

    /// Files the watches anew under what has turned out to be their rarest words, each time as many articles again were
    /// read. Whoever is matching goes on with the old set. Costs some ten microseconds a watch, so it is for a thread
    /// that may wait; gives whether it did anything.
    pub fn put_in_order(&self) -> bool {
        let set = self.set.load();
        let counted = set.rarity().articles();
        let due = self.order_at.load(Ordering::Relaxed);
        // One of several threads that come here together does it.
        let is_due = counted >= due && counted < ORDERED_UP_TO;
        let next = counted.saturating_mul(4);
        if !is_due || self.order_at.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return false;
        }
        self.set.store(Arc::new(set.in_order()));
        true
    }

    /// How many watches must be looked at for every article.
    pub fn unfiled(&self) -> usize {
        self.set.load().unfiled()
    }

    /// What fell just short of a topic, each with what shows it.
    pub fn near(&self, article: &Article) -> Vec<(NearMiss, String)> {
        self.set.load().near(article, None)
    }

    /// Why `watch` matches an article of `match`, or why not; `None` where it is none of these watches.
    pub fn explain(&self, watch: &WatchSettings, article: &Article, now: DateTime<Utc>) -> Option<Explained> {
        self.set.load().explain(watch, article, now, None)
    }

    /// Where an event that is so loud goes: the sinks of `[defaults]`, less those that want louder ones.
    pub fn sinks_of_event(&self, severity: Severity) -> Vec<SinkId> {
        let wants = |sink: &&SinkId| self.min_severity.get(*sink).is_none_or(|min| severity >= *min);
        self.event_sinks.iter().filter(wants).cloned().collect()
    }

    /// Where alerts of `watch` go: its sinks, less those that want louder ones.
    pub fn sinks_of(&self, watch: &WatchSettings) -> Vec<SinkId> {
        let wants = |sink: &&SinkId| self.min_severity.get(*sink).is_none_or(|min| watch.severity >= *min);
        watch.sinks.iter().filter(wants).cloned().collect()
    }
}

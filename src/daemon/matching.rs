//! One article against every watch, and the alerts that it makes.

use std::time::Instant;

use chrono::{DateTime, Utc};
use tracing::warn;

use super::watching::Watching;
use crate::{
    alert::{AlertBody, AlertEvent, HeldReason},
    article::{Article, ArticleKey},
    config::WatchSettings,
    metrics::Metrics,
    store::{NewAlert, StoredEntry},
};

/// What matching needs, whatever brought the article.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matching<'a> {
    /// Says what matters.
    pub watching: &'a Watching,
    /// Counts.
    pub metrics: &'a Metrics,
    /// When the article came.
    pub now: DateTime<Utc>,
}

impl Matching<'_> {
    /// The article as it is stored, with an alert for each watch that it hits. `held` keeps all of them from being sent.
    pub fn entry(&self, article: Article, key: ArticleKey, fingerprint: u64, held: Option<HeldReason>) -> StoredEntry {
        let alerts = self.alerts(&article, &key, held);
        StoredEntry { fingerprint, key, text_key: article.text_key().map(|key| key.0), alerts, article, page: None }
    }

    /// What every watch makes of an article, counted and with what is odd about it logged.
    pub fn alerts(&self, article: &Article, key: &ArticleKey, held: Option<HeldReason>) -> Vec<NewAlert> {
        let started = Instant::now();
        let judged = self.watching.judge(article, key, self.now, Some(self.now));
        self.metrics.undecided.inc_by(judged.undecided.len() as u64);
        for watch in &judged.undecided {
            warn!(watch = %watch.id, article = %article.id.value, "a watch ran out of steps: nobody knows whether it matches");
        }
        if judged.cut {
            warn!(article = %article.id.value, "an article is too long: its rest was not searched");
        }
        let unsure = |watch: &WatchSettings, body: &AlertBody| {
            (!watch.min_confidence.allows(body.confidence)).then_some(HeldReason::Confidence)
        };
        let alerts = judged.alerts.into_iter().map(|(id, watch, body)| NewAlert {
            id,
            watch: watch.id.clone(),
            severity: watch.severity,
            held: held.or_else(|| unsure(watch, &body)),
            body: AlertEvent::new(body, self.now).to_json(),
            sinks: self.watching.sinks_of(watch),
        });
        let alerts = alerts.collect();
        self.metrics.match_seconds.observe(started.elapsed().as_secs_f64());
        alerts
    }
}

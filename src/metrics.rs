//! Every figure that `/metrics` shows, in one place, so that the reference can list them and a test can compare.

use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder, core::Collector,
};

/// The daemon's figures. Cheap to clone; all clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    /// Feeds by `state`: `ok`, `failing`, `gone`, `new`.
    pub feeds: IntGaugeVec,
    /// Polls by `outcome`: `new`, `unchanged`, `not_modified`, `error`.
    pub polls: IntCounterVec,
    /// Time of one whole poll, in seconds.
    pub poll_seconds: Histogram,
    /// Articles stored.
    pub articles: IntCounter,
    /// Time to match one article, in seconds.
    pub match_seconds: Histogram,
    /// Alerts stored, by `watch`.
    pub alerts: IntCounterVec,
    /// Alerts that were stored but not sent, by `reason`.
    pub alerts_held: IntCounterVec,
    /// Watches that ran out of their step budget on an article.
    pub undecided: IntCounter,
    /// Attempts for pages of articles, by `outcome`; see [`FULLTEXT_OUTCOMES`].
    pub fulltext: IntCounterVec,
    /// Delivery attempts by `sink` and `outcome`: `delivered`, `failed`, `dead`.
    pub deliveries: IntCounterVec,
    /// From an alert's making to its delivery, in seconds.
    pub delivery_lag_seconds: Histogram,
    /// Rows that wait, by `sink`.
    pub outbox_pending: IntGaugeVec,
    /// Age of the oldest waiting row, by `sink`, in seconds.
    pub oldest_pending_seconds: GaugeVec,
    /// Dead letters, by `sink`.
    pub dead_letters: IntGaugeVec,
    /// 1 where the sink takes deliveries, by `sink`.
    pub sink_enabled: IntGaugeVec,
    /// Documents that shared no entry with the one before.
    pub feed_gaps: IntCounter,
    /// When each feed last did well, by `feed`, as a Unix time; left out above 1,000 feeds.
    pub feed_last_success: GaugeVec,
    /// How late the scheduler is, in seconds.
    pub schedule_lag_seconds: Gauge,
    /// What hubs have pushed, by `outcome`.
    pub websub_pushes: IntCounterVec,
    /// Subscriptions at hubs, by `state`.
    pub websub_subscriptions: IntGaugeVec,
    /// Size of the store's file.
    pub store_bytes: IntGauge,
}

/// Bounds that fit polls and deliveries: from a loopback answer to a feed's whole timeout.
const SECONDS_BUCKETS: [f64; 12] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];
/// Bounds that fit matching: 10 µs to 100 ms.
const MATCH_BUCKETS: [f64; 9] = [0.000_01, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.02, 0.1];

/// What comes of a page: its text; the beginning of one that is sold; no more than the feed gave; a check for robots or a
/// question about cookies; no answer, or a bad one. `given_up` is counted beside the last attempt's, `left_out` where a
/// feed had too many waiting.
pub const FULLTEXT_OUTCOMES: [&str; 7] = ["page", "paywall", "nothing", "blocked", "error", "given_up", "left_out"];

impl Metrics {
    /// All figures at 0.
    ///
    /// # Panics
    /// Never: names are constants and each is registered once, which the test below proves.
    #[allow(clippy::missing_panics_doc)]
    pub fn new() -> Self {
        let registry = Registry::new();
        let counter = |name: &str, help: &str| {
            let c = IntCounter::new(name, help).expect("a constant metric name is valid");
            registry.register(Box::new(c.clone())).expect("each metric is registered once");
            c
        };
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let c = IntCounterVec::new(Opts::new(name, help), labels).expect("a constant metric name is valid");
            registry.register(Box::new(c.clone())).expect("each metric is registered once");
            c
        };
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            let g = IntGaugeVec::new(Opts::new(name, help), labels).expect("a constant metric name is valid");
            registry.register(Box::new(g.clone())).expect("each metric is registered once");
            g
        };
        let float_gauges = |name: &str, help: &str, labels: &[&str]| {
            let g = GaugeVec::new(Opts::new(name, help), labels).expect("a constant metric name is valid");
            registry.register(Box::new(g.clone())).expect("each metric is registered once");
            g
        };
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            let h = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))
                .expect("constant buckets are sorted");
            registry.register(Box::new(h.clone())).expect("each metric is registered once");
            h
        };
        let lag = Gauge::new("wirewatch_schedule_lag_seconds", "How late the scheduler is.")
            .expect("a constant metric name is valid");
        registry.register(Box::new(lag.clone())).expect("each metric is registered once");
        let store_bytes = IntGauge::new("wirewatch_store_bytes", "Size of the store's file.")
            .expect("a constant metric name is valid");
        registry.register(Box::new(store_bytes.clone())).expect("each metric is registered once");
        let build = gauges("wirewatch_build_info", "Always 1; the version is in the label.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let metrics = Self {
            feeds: gauges("wirewatch_feeds", "Feeds by state.", &["state"]),
            polls: counters("wirewatch_polls_total", "Polls by outcome.", &["outcome"]),
            poll_seconds: histogram("wirewatch_poll_seconds", "Time of one whole poll.", &SECONDS_BUCKETS),
            articles: counter("wirewatch_articles_total", "Articles stored."),
            match_seconds: histogram("wirewatch_match_seconds", "Time to match one article.", &MATCH_BUCKETS),
            alerts: counters("wirewatch_alerts_total", "Alerts stored.", &["watch"]),
            alerts_held: counters("wirewatch_alerts_held_total", "Alerts stored but not sent.", &["reason"]),
            undecided: counter("wirewatch_undecided_total", "Watches that ran out of steps on an article."),
            fulltext: counters("wirewatch_fulltext_total", "Attempts for pages of articles.", &["outcome"]),
            deliveries: counters("wirewatch_deliveries_total", "Delivery attempts.", &["sink", "outcome"]),
            delivery_lag_seconds: histogram(
                "wirewatch_delivery_lag_seconds",
                "From an alert's making to its delivery.",
                &SECONDS_BUCKETS,
            ),
            outbox_pending: gauges("wirewatch_outbox_pending", "Deliveries that wait.", &["sink"]),
            oldest_pending_seconds: float_gauges(
                "wirewatch_oldest_pending_seconds",
                "Age of the oldest delivery that waits.",
                &["sink"],
            ),
            dead_letters: gauges("wirewatch_dead_letters", "Deliveries given up on.", &["sink"]),
            sink_enabled: gauges("wirewatch_sink_enabled", "1 where the sink takes deliveries.", &["sink"]),
            feed_gaps: counter("wirewatch_feed_gaps_total", "Documents that shared no entry with the one before."),
            feed_last_success: float_gauges(
                "wirewatch_feed_last_success_timestamp_seconds",
                "When the feed last did well.",
                &["feed"],
            ),
            websub_pushes: counters("wirewatch_websub_pushes_total", "What hubs have pushed.", &["outcome"]),
            websub_subscriptions: gauges("wirewatch_websub_subscriptions", "Subscriptions at hubs.", &["state"]),
            schedule_lag_seconds: lag,
            store_bytes,
            registry: registry.clone(),
        };
        for outcome in ["new", "unchanged", "not_modified", "error"] {
            metrics.polls.with_label_values(&[outcome]);
        }
        for outcome in FULLTEXT_OUTCOMES {
            metrics.fulltext.with_label_values(&[outcome]);
        }
        for outcome in ["new", "unchanged", "unreadable", "unwanted", "not_stored", "ignored", "refused"] {
            metrics.websub_pushes.with_label_values(&[outcome]);
        }
        metrics.count_subscriptions(&[]);
        for state in ["ok", "failing", "gone", "new", "paused"] {
            metrics.feeds.with_label_values(&[state]);
        }
        metrics.alerts_held.with_label_values(&["backlog"]);
        metrics.alerts_held.with_label_values(&["confidence"]);
        metrics
    }

    /// How many subscriptions there are in each state; none in those that are left out.
    pub fn count_subscriptions(&self, counts: &[(&str, i64)]) {
        for state in ["advertised", "asked", "verified", "denied", "leaving"] {
            let count = counts.iter().find(|(counted, _)| *counted == state).map_or(0, |(_, count)| *count);
            self.websub_subscriptions.with_label_values(&[state]).set(count);
        }
    }

    /// A counter summed over its labels.
    pub fn sum(counter: &IntCounterVec) -> u64 {
        let families = counter.collect();
        // Counted in whole steps, so nothing is cut.
        families
            .iter()
            .flat_map(|family| family.get_metric())
            .map(|metric| metric.get_counter().get_value() as u64)
            .sum()
    }

    /// The figures in Prometheus' text format.
    pub fn render(&self) -> String {
        let mut out = Vec::new();
        // Encoding into memory fails only on a metric without a name, which registering forbids.
        if TextEncoder::new().encode(&self.registry.gather(), &mut out).is_err() {
            return String::new();
        }
        String::from_utf8(out).unwrap_or_default()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_starts_at_zero() {
        let text = Metrics::new().render();
        for line in ["wirewatch_polls_total{outcome=\"not_modified\"} 0", "wirewatch_articles_total 0"] {
            assert!(text.contains(line), "{line} is missing in:\n{text}");
        }
    }
}

//! The JSON of an alert, by the contract: types for the wire alone.
//!
//! Frozen when the alert is made, so that every attempt to deliver it sends the same bytes. A field that has nothing
//! is an empty list or null, never absent.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::AlertId;
use crate::{
    article::{Article, text::TextSpan},
    config::WatchSettings,
    watch::{
        found::{ArmsDeal, Findings, LeaderFound, PartyId, ResolutionFound},
        matched::WatchHit,
    },
};

/// An alert as a webhook or an NDJSON line carries it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// Always `alert`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was made: RFC 3339, UTC, whole seconds.
    pub timestamp: String,
    /// What it says.
    pub data: AlertBody,
}

/// What an alert says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AlertBody {
    pub id: String,
    pub watch: WatchRef,
    pub article: ArticleRef,
    /// What this watch hit.
    pub matches: Vec<MatchRef>,
    pub excerpt: String,
    /// From here on: all that was found in the article, whichever watch fired.
    pub topics: Vec<String>,
    pub leaders: Vec<LeaderRef>,
    /// ISO 3166-1 alpha-2.
    pub countries: Vec<String>,
    pub arms_deals: Vec<ArmsDealRef>,
    pub resolutions: Vec<ResolutionRef>,
    /// Null until alerts are grouped, and always null in `match`.
    pub story: Option<serde_json::Value>,
    pub confidence: f64,
    /// Version of each pack, by id.
    pub packs: BTreeMap<String, String>,
    /// wirewatch's own version.
    pub engine: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct WatchRef {
    pub id: String,
    pub name: String,
    pub severity: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ArticleRef {
    pub id: String,
    pub url: Option<String>,
    pub title: String,
    pub published: Option<String>,
    /// Null in `match`.
    pub fetched: Option<String>,
    pub lang: Option<String>,
    pub authors: Vec<String>,
    pub summary: Option<String>,
    pub text_source: String,
    pub words: usize,
    /// Null in `match`.
    pub feed: Option<FeedRef>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FeedRef {
    pub id: String,
    pub url: String,
    pub title: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct MatchRef {
    pub field: String,
    pub start: u32,
    pub end: u32,
    pub text: String,
    pub term: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LeaderRef {
    pub id: String,
    pub name: String,
    pub country: String,
    pub role: Option<String>,
    pub role_dated: bool,
    pub mentions: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ArmsDealRef {
    pub supplier: Vec<String>,
    pub recipient: Vec<String>,
    pub items: Vec<String>,
    pub status: String,
    pub attributed_to: Vec<String>,
    pub denied_by: Vec<String>,
    pub evidence: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ResolutionRef {
    pub number: Option<u16>,
    pub year: Option<u16>,
    pub subject: Option<String>,
    pub status: String,
    pub evidence: String,
}

/// RFC 3339 in UTC with whole seconds, as every time on the wire.
pub fn wire_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl AlertBody {
    /// The alert of `watch`, which `hit` in `article`. `fetched` is `None` in `match`.
    pub fn new(
        id: &AlertId,
        watch: &WatchSettings,
        article: &Article,
        hit: WatchHit,
        findings: &Findings,
        packs: &BTreeMap<String, String>,
        fetched: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            id: id.as_str().to_owned(),
            watch: WatchRef {
                id: watch.id.to_string(),
                name: watch.name.clone(),
                severity: watch.severity.as_str().to_owned(),
            },
            article: ArticleRef::new(article, fetched),
            matches: hit
                .matches
                .into_iter()
                .map(|m| MatchRef {
                    field: m.field.as_str().to_owned(),
                    start: m.start,
                    end: m.end,
                    text: m.text,
                    term: m.term,
                })
                .collect(),
            excerpt: hit.excerpt,
            topics: findings.topics.iter().map(|t| t.id.clone()).collect(),
            leaders: findings.leaders.iter().map(LeaderRef::new).collect(),
            countries: findings.countries.iter().filter(|c| is_country(&c.id)).map(|c| c.id.0.to_string()).collect(),
            arms_deals: findings.arms_deals.iter().map(|d| ArmsDealRef::new(d, article)).collect(),
            resolutions: findings.resolutions.iter().map(|r| ResolutionRef::new(r, article)).collect(),
            story: None,
            confidence: hundredths(hit.confidence),
            packs: packs.clone(),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Groups and bodies have lower-case ids; what `countries` lists is ISO 3166 alone.
fn is_country(id: &PartyId) -> bool {
    id.0.len() == 2 && id.0.bytes().all(|b| b.is_ascii_uppercase())
}

fn hundredths(confidence: f32) -> f64 {
    (f64::from(confidence) * 100.0).round() / 100.0
}

fn party_names(parties: &[PartyId]) -> Vec<String> {
    parties.iter().map(|p| p.0.to_string()).collect()
}

/// The text that a span covers.
fn slice(article: &Article, span: TextSpan) -> String {
    let text = match span.field {
        crate::article::Field::Title => &article.title,
        crate::article::Field::Summary => article.summary.as_deref().unwrap_or(""),
        crate::article::Field::Body => &article.text,
    };
    let (start, end) = (span.start_chars as usize, span.end_chars as usize);
    text.chars().skip(start).take(end.saturating_sub(start)).collect()
}

impl ArticleRef {
    fn new(article: &Article, fetched: Option<DateTime<Utc>>) -> Self {
        Self {
            id: article.id.value.clone(),
            url: article.url.clone(),
            title: article.title.clone(),
            published: article.published.map(wire_time),
            fetched: fetched.map(wire_time),
            lang: article.lang.map(|l| l.to_string()),
            authors: article.authors.clone(),
            summary: article.summary.clone(),
            text_source: article.text_source.as_str().to_owned(),
            words: article.words(),
            feed: article.feed.as_ref().map(|f| FeedRef {
                id: f.id.to_string(),
                url: f.url.clone(),
                title: f.title.clone(),
            }),
        }
    }
}

impl LeaderRef {
    fn new(leader: &LeaderFound) -> Self {
        Self {
            id: leader.id.clone(),
            name: leader.name.clone(),
            country: leader.country.0.to_string(),
            role: leader.role.clone(),
            role_dated: leader.role_dated,
            mentions: leader.spans.len(),
        }
    }
}

impl ArmsDealRef {
    fn new(deal: &ArmsDeal, article: &Article) -> Self {
        Self {
            supplier: party_names(&deal.supplier),
            recipient: party_names(&deal.recipient),
            items: deal.items.iter().map(|i| i.name.clone()).collect(),
            status: deal.status.as_str().to_owned(),
            attributed_to: party_names(&deal.attributed_to),
            denied_by: party_names(&deal.denied_by),
            evidence: slice(article, deal.evidence),
        }
    }
}

impl ResolutionRef {
    fn new(resolution: &ResolutionFound, article: &Article) -> Self {
        Self {
            number: resolution.number,
            year: resolution.year,
            subject: resolution.subject.clone(),
            status: resolution.status.as_str().to_owned(),
            evidence: slice(article, resolution.evidence),
        }
    }
}

impl AlertEvent {
    /// The event that is delivered, made at `made`.
    pub fn new(data: AlertBody, made: DateTime<Utc>) -> Self {
        Self { kind: "alert".to_owned(), timestamp: wire_time(made), data }
    }

    /// The bytes that every attempt sends.
    pub fn to_json(&self) -> String {
        // Strings, numbers and maps with string keys always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }
}

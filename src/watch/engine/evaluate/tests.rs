//! Terms about what an article says, over findings made by hand.
#![allow(clippy::unwrap_used)]
use std::cell::LazyCell;

use super::*;
use crate::{
    article::{ArticleId, IdKind, Lang, TextSource, segment},
    config::QuerySource,
    watch::{
        engine::{
            article::LazyFindings,
            rarity::Rarity,
            shelf::{NewWatch, ShelfBuilder},
        },
        found::{
            CountryFound, DealItem, DealStatus, Findings, LeaderFound, ResolutionFound, ResolutionStatus, TopicFound,
        },
        language::{self, Known, list::Lists},
    },
};

const BODY: &str = "Pyongyang ships shells to Russia. Iran denies drones for Putin. Resolution 2397 is broken.";

fn span(text: &str) -> TextSpan {
    let start = BODY.find(text).unwrap() as u32;
    TextSpan { field: Field::Body, start_chars: start, end_chars: start + text.len() as u32 }
}

fn party(id: &str) -> PartyId {
    PartyId(id.into())
}

fn deal(from: &str, to: &str, item: (&str, &str), status: DealStatus, words: &str, confidence: f32) -> ArmsDeal {
    ArmsDeal {
        supplier: vec![party(from)],
        recipient: vec![party(to)],
        items: vec![DealItem { name: item.0.into(), category: item.1.into() }],
        looser: Vec::new(),
        status,
        attributed_to: Vec::new(),
        denied_by: Vec::new(),
        evidence: span(words),
        spans: vec![span(words)],
        confidence,
    }
}

fn findings() -> Findings {
    Findings {
        topics: vec![TopicFound {
            id: DEAL_TOPIC.into(),
            confidence: 0.9,
            spans: vec![span("ships shells")],
            rule: "frame".into(),
        }],
        leaders: vec![LeaderFound {
            id: "Q7747".into(),
            name: "Vladimir Putin".into(),
            country: party("RU"),
            role: None,
            role_dated: false,
            in_office: true,
            spans: vec![span("Putin")],
        }],
        countries: vec![
            CountryFound { id: party("KP"), spans: vec![span("Pyongyang")] },
            CountryFound { id: party("RU"), spans: vec![span("Russia")] },
        ],
        arms_deals: vec![
            deal("KP", "RU", ("artillery shells", "ammunition"), DealStatus::Alleged, "ships shells", 0.9),
            deal("IR", "RU", ("drones", "drone"), DealStatus::Denied, "denies drones", 0.6),
        ],
        near: Vec::new(),
        resolutions: vec![ResolutionFound {
            number: Some(2397),
            year: Some(2017),
            subject: None,
            status: ResolutionStatus::Violated,
            evidence: span("Resolution 2397 is broken."),
            spans: vec![span("Resolution 2397")],
            confidence: 0.8,
        }],
    }
}

/// A watch that no others stand beside.
struct Alone;

impl Referred for Alone {
    fn matches(&self, _: &str) -> Result<bool, Undecided> {
        Ok(false)
    }
}

/// What a query hits, or `None` where it does not match.
fn asked(query: &str, findings: &Findings) -> Option<(Vec<String>, f32)> {
    let known = Known {
        lists: &Lists::default(),
        feeds: &[],
        tags: &[],
        watches: &rustc_hash::FxHashSet::default(),
        may_lack_names: false,
        topics: &[],
        parties: &[],
        leaders: &LazyCell::new(Vec::new),
    };
    let (compiled, problems) = language::compile(&QuerySource::standalone("q", query), known);
    let compiled = compiled.unwrap_or_else(|| panic!("{query}: {problems:?}"));
    let article = Article {
        id: ArticleId { value: "1".into(), kind: IdKind::Guid },
        url: None,
        title: "Title".into(),
        summary: None,
        text: BODY.into(),
        content: None,
        text_source: TextSource::Input,
        published: None,
        updated: None,
        authors: Vec::new(),
        categories: Vec::new(),
        lang: Some(Lang::EN),
        enclosures: Vec::new(),
        feed: None,
    };
    let text = segment::analyse(&article);
    let findings = LazyFindings::known(findings.clone());
    let index = ArticleIndex::new(&article, &text, &findings);
    let rarity = Rarity::default();
    let mut builder = ShelfBuilder::new(&rarity);
    assert!(builder.add(&NewWatch { id: "w", feeds: &[], slot: 0, query: &compiled }), "{query}");
    let shelf = builder.build();
    let postings = Postings::new(&index, &shelf.terms, shelf.filed().under_findings);
    let evaluator = Evaluator {
        shelf: &shelf,
        postings: &postings,
        watches: &Alone,
        now: DateTime::UNIX_EPOCH,
        steps: Steps::default(),
    };
    let verdict = evaluator.verdict(shelf.tree(0)).unwrap();
    let mut texts: Vec<String> = verdict
        .evidence
        .iter()
        .map(|(hit, _)| BODY[hit.start_chars as usize..hit.end_chars as usize].to_owned())
        .collect();
    texts.sort();
    texts.dedup();
    verdict.matched.then_some((texts, verdict.confidence))
}

#[track_caller]
fn hits(query: &str, expected: &[&str], confidence: f32) {
    let expected = expected.iter().map(|&text| text.to_owned()).collect();
    assert_eq!(asked(query, &findings()), Some((expected, confidence)), "{query}");
}

#[track_caller]
fn misses(query: &str) {
    assert_eq!(asked(query, &findings()), None, "{query}");
}

#[test]
fn deal_terms_of_one_group_speak_of_one_deal() {
    hits("supplier:KP recipient:RU", &["ships shells"], 0.9);
    hits("supplier:KP,IR", &["denies drones", "ships shells"], 0.9);
    hits("supplier:ir status:denied,blocked", &["denies drones"], 0.6);
    hits("topic:arms-deal supplier:IR", &["denies drones"], 0.6);
    hits("item:ammunition shells", &["shells", "ships shells"], 0.9);
    hits("item:\"Artillery shells\"", &["ships shells"], 0.9);
    misses("supplier:KP status:denied");
    misses("supplier:IR item:ammunition");
    misses("supplier:KP (status:denied OR item:drone)");
    hits("(supplier:KP recipient:RU) (supplier:IR status:denied)", &["denies drones", "ships shells"], 0.6);
    hits("supplier:KP OR status:denied", &["denies drones", "ships shells"], 0.9);
    hits("topic:arms-deal -supplier:KP", &["denies drones"], 0.6);
    hits("supplier:any -status:denied", &["ships shells"], 0.9);
}

#[test]
fn what_is_not_wanted_asks_every_deal_where_no_term_brings_one() {
    misses("shells topic:x -supplier:KP OR Russia -supplier:KP");
    let no_deals = Findings { arms_deals: Vec::new(), ..findings() };
    assert!(asked("Russia -supplier:KP", &no_deals).is_some());
    assert!(asked("supplier:KP recipient:RU", &no_deals).is_none());
}

#[test]
fn leaders_countries_and_resolutions_are_asked_for() {
    hits("leader:any", &["Putin"], 1.0);
    hits("leader:\"vladimir putin\"", &["Putin"], 1.0);
    hits("leader:Q7747 country:KP", &["Putin", "Pyongyang"], 1.0);
    hits("leader:country=RU", &["Putin"], 1.0);
    hits("resolution:2397", &["Resolution 2397"], 0.8);
    hits("resolution:status=violated,any", &["Resolution 2397"], 0.8);
    misses("resolution:1718");
    misses("leader:country=KP");
    misses("topic:unsc-resolution");
}

#[test]
fn what_is_said_is_held_to_parts_and_stands_near() {
    hits("sentence:(country:KP shells)", &["Pyongyang", "shells"], 1.0);
    misses("sentence:(country:KP drones)");
    misses("title:leader:any");
    hits("@country:RU NEAR/2 shells", &["Russia", "shells"], 1.0);
    hits("@country NEAR/2 ships", &["Pyongyang", "ships"], 1.0);
    hits("@leader{1}", &["Putin"], 1.0);
    misses("@leader:Q1 Putin");
}

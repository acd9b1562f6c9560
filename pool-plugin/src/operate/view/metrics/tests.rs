//! The lists of metrics are those that are published, and those that others ask for.

use std::{cell::RefCell, collections::BTreeSet};

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit, with_local_recorder,
};

use super::*;
use crate::operate::view::{Decimal, PartView, SessionsView};

/// The kind and the name of each metric that was described, and of each that was published.
#[derive(Default)]
struct Names {
    described: RefCell<BTreeSet<(&'static str, String)>>,
    published: RefCell<BTreeSet<(&'static str, String)>>,
}

impl Names {
    fn describe(&self, kind: &'static str, key: &KeyName) {
        self.described.borrow_mut().insert((kind, key.as_str().to_owned()));
    }

    fn publish(&self, kind: &'static str, key: &Key) {
        self.published.borrow_mut().insert((kind, key.name().to_owned()));
    }
}

impl Recorder for Names {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe("counter", &key);
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe("gauge", &key);
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        self.describe("histogram", &key);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.publish("counter", key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.publish("gauge", key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.publish("histogram", key);
        Histogram::noop()
    }
}

/// A snapshot in which nothing is missing, so that all its metrics are published.
fn complete() -> (Snapshot, HealthView) {
    let mut pool = PoolView::default();
    pool.sessions.push(SessionsView::default());
    pool.restarts.insert("rounds".to_owned(), 1);
    (pool.round.since, pool.round.effort, pool.luck.effort) = (Some(1), Some(1.0), Some(1.0));
    pool.chain.release = "v4.0.0".to_owned();
    (pool.chain.height, pool.chain.behind) = (Some(1), Some(1));
    (pool.chain.proof_target, pool.chain.coinbase_target) = (Some(Decimal(1)), Some(Decimal(1)));
    let budget = BudgetView { requirement: Some(Decimal(1)), left: Some(1), ..BudgetView::default() };
    let snapshot = Snapshot { pool, budgets: vec![budget], ..Snapshot::default() };
    (snapshot, HealthView { parts: vec![PartView::default()], ..HealthView::default() })
}

#[test]
fn each_metric_that_is_published_is_described_and_the_other_way_round() {
    let (snapshot, health) = complete();
    let names = Names::default();
    with_local_recorder(&names, || {
        describe();
        publish(&snapshot, &health);
        meters::Meters::default();
    });
    let (described, published) = (names.described.into_inner(), names.published.into_inner());
    let only_in = |one: &BTreeSet<_>, other: &BTreeSet<_>| one.difference(other).cloned().collect::<Vec<_>>();
    assert_eq!(only_in(&published, &described), [], "published, and not in the lists");
    assert_eq!(only_in(&described, &published), [], "in the lists, and not published");
}

/// The names of the metrics in a text.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|one: char| !one.is_ascii_alphanumeric() && one != '_');
    words.filter(|word| word.starts_with("pool_") && *word != "pool_").collect()
}

#[test]
fn the_board_the_alerts_and_the_documents_name_metrics_there_are() {
    let plain = COUNTERS.into_iter().chain(GAUGES).map(|(name, _)| name.to_owned());
    let histograms = meters::HISTOGRAMS
        .into_iter()
        .flat_map(|(name, _)| ["_bucket", "_sum", "_count", ""].map(|part| format!("{name}{part}")));
    let there: BTreeSet<String> = plain.chain(histograms).collect();
    let board = include_str!("../../../../../ops/grafana/aleo-pool.json");
    let rules = include_str!("../../../../../ops/prometheus/aleo-pool.rules.yml");
    let rules_test = include_str!("../../../../../ops/prometheus/aleo-pool.rules.test.yml");
    let document = include_str!("../../../../../docs/api.md").split("\n## ");
    let document = document.into_iter().find(|section| section.starts_with("Metrics\n")).unwrap();
    for (place, text, least) in [
        ("board", board, 20),
        ("rules", rules, 10),
        ("test of the rules", rules_test, 10),
        ("api.md", document, 15),
    ] {
        let asked = named(text);
        assert!(asked.len() >= least, "{place}: {asked:?}");
        let unknown: Vec<_> = asked.into_iter().filter(|name| !there.contains(*name)).collect();
        assert_eq!(unknown, Vec::<&str>::new(), "{place}");
    }
}

//! The metrics of the node and the pool in one exposition.
//!
//! The node's crates and ours record through the crate `metrics`, which has one recorder per process, set
//! once. Upstream sets its own with `--metrics` and panics if there is one already. So with a pool ours is
//! installed, before any code takes a handle from it, and `start --metrics` is served from it too.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use parking_lot::Mutex;
use pool_core::meters;
use pool_plugin::operate::view;

/// A scrape sooner than this after another gets the same text.
const FRESH: Duration = Duration::from_millis(500);
/// Upper bounds of the histograms, in seconds: from memory accesses to a miner's timeout.
const BUCKETS: [f64; 18] = [
    0.000_01, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0,
];

/// The time of the rendering, and its text.
type Rendered = (Instant, Arc<str>);

/// The recorder of this process, as text.
#[derive(Clone)]
pub struct Exposition {
    handle: PrometheusHandle,
    last: Arc<Mutex<Option<Rendered>>>,
}

impl Exposition {
    /// Installs the recorder. Call it before the pool is opened: handles taken earlier record nothing.
    pub fn install() -> Result<Self> {
        let mut builder = PrometheusBuilder::new();
        for (name, _) in meters::HISTOGRAMS {
            builder = builder
                .set_buckets_for_metric(Matcher::Full(name.to_owned()), &BUCKETS)
                .context("cannot set up the metrics")?;
        }
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder)
            .context("cannot install the metrics recorder: there is one")?;
        view::metrics::describe();
        Ok(Self { handle, last: Arc::default() })
    }

    /// The text for Prometheus. Takes some milliseconds: not for async threads.
    ///
    /// Rendering also takes the samples out of the histograms, which would grow without end otherwise: it
    /// must be called every few seconds, whether anybody scrapes or not.
    pub fn render(&self) -> Arc<str> {
        let mut last = self.last.lock();
        match &*last {
            Some((time, text)) if time.elapsed() < FRESH => Arc::clone(text),
            _ => {
                let text: Arc<str> = self.handle.render().into();
                *last = Some((Instant::now(), Arc::clone(&text)));
                text
            }
        }
    }
}

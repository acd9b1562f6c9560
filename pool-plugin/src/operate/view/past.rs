//! What charts show: the last hours, in spans.

use pool_core::{
    hashrate::{HashRate, Past},
    types::{Worker, unix_seconds},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::View;
use crate::stratum::history::{MinuteTotals, Spans};

/// What came in over the last hours, in consecutive spans, oldest first, without the running one. Refused
/// shares are known since the pool's start, the rest of the last day survives a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HistoryView {
    /// Unix seconds at which the first span begins
    pub from: u64,
    /// Seconds of each span
    pub step: u64,
    /// Attempts a second, from the accepted shares
    pub rates: Vec<f64>,
    /// Shares
    pub accepted: Vec<u64>,
    /// Shares, including those that came a moment after their epoch's end
    pub refused: Vec<u64>,
}

/// The rates of an account over the last hours, in consecutive spans, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccountHistoryView {
    /// Unix seconds at which the first span begins
    pub from: u64,
    /// Seconds of each span
    pub step: u64,
    /// Attempts a second, from the accepted shares; empty without any in the last day
    pub rates: Vec<f64>,
}

impl View {
    /// The last `hours`, a day at most.
    pub fn history(&self, hours: u64) -> HistoryView {
        let Some(parts) = self.0.parts.get() else { return HistoryView::default() };
        let minutes = match hours {
            0..=1 => 2,
            2..=6 => 10,
            _ => 30,
        };
        parts.server.workers.history(unix_seconds(), hours, minutes).into()
    }

    /// The same for an account: an hour in spans of five minutes, more in hours.
    pub fn account_history(&self, account: &str, hours: u64) -> AccountHistoryView {
        let Some(parts) = self.0.parts.get() else { return AccountHistoryView::default() };
        let latest = self.latest();
        // They come sorted by account.
        let first = latest.workers.partition_point(|worker| worker.account.as_str() < account);
        let own = latest.workers[first..].iter().take_while(|worker| worker.account == account);
        let own = own.map(|worker| Worker { account: account.to_owned(), name: worker.worker.clone() });
        let past = if hours <= 1 { HashRate::past_hour } else { HashRate::past_day };
        let mut past = parts.server.workers.past(own, past, unix_seconds());
        let shown = usize::try_from(hours * 3600 / past.step.max(1)).unwrap_or(usize::MAX);
        let left_out = past.rates.len().saturating_sub(shown);
        past.rates.drain(..left_out);
        past.from += left_out as u64 * past.step;
        past.into()
    }
}

impl From<Spans> for HistoryView {
    fn from(spans: Spans) -> Self {
        let Spans { from, step, intakes } = spans;
        let of =
            |count: fn(&MinuteTotals) -> u32| intakes.iter().map(|intake| count(intake).into()).collect();
        Self {
            from,
            step,
            rates: intakes.iter().map(|intake| intake.work as f64 / step as f64).collect(),
            accepted: of(|intake| intake.accepted),
            refused: of(|intake| intake.refused),
        }
    }
}

impl From<Past> for AccountHistoryView {
    fn from(past: Past) -> Self {
        let Past { from, step, rates } = past;
        Self { from, step, rates }
    }
}

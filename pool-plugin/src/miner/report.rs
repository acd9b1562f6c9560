//! The miner's output.

use std::{collections::BTreeMap, io::Write, time::Duration};

use pool_core::reject::RejectCode;

/// The results of the shares so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    pub attempts: u64,
    pub accepted: u64,
    /// Refused shares by the pool's code.
    pub rejected: BTreeMap<i64, u64>,
    /// Shares whose epoch ended before they could be sent again over a new connection.
    pub lost: u64,
    /// Share target and job id, while there is work.
    pub work: Option<(u64, String)>,
}

/// A line on the standard output. Mining continues if nobody reads it.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

impl Report {
    /// The rate line; `attempts` were made in the `span` since the line before.
    pub fn line(&self, attempts: u64, span: Duration) -> String {
        let rate = attempts as f64 / span.as_secs_f64().max(0.001);
        let work = match &self.work {
            Some((target, job)) => format!("share target {target}, job {job}"),
            None => "no job yet".into(),
        };
        format!("{rate:.1} attempts/s, {}, {work}", self.shares())
    }

    /// The miner's last line.
    pub fn last_line(&self) -> String {
        format!("stopped after {} attempts: {}", self.attempts, self.shares())
    }

    fn shares(&self) -> String {
        let rejected: u64 = self.rejected.values().sum();
        let mut text = format!("accepted {}, rejected {rejected}", self.accepted);
        if rejected > 0 {
            let reasons: Vec<String> =
                self.rejected.iter().map(|(code, count)| format!("{} {count}", name_of(*code))).collect();
            text.push_str(&format!(" ({})", reasons.join(", ")));
        }
        if self.lost > 0 {
            text.push_str(&format!(", lost {}", self.lost));
        }
        text
    }
}

fn name_of(code: i64) -> String {
    let known = RejectCode::ALL.iter().find(|known| i64::from(known.number()) == code);
    known.map_or_else(|| format!("code {code}"), |known| known.label().replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_line_has_it_all() {
        let mut report = Report::default();
        assert_eq!(
            report.line(0, Duration::from_secs(5)),
            "0.0 attempts/s, accepted 0, rejected 0, no job yet"
        );
        report.accepted = 42;
        report.rejected = [(21, 2), (23, 1), (99, 1)].into();
        report.work = Some((100, "05000000".into()));
        assert_eq!(
            report.line(59, Duration::from_secs(5)),
            "11.8 attempts/s, accepted 42, rejected 4 (stale 2, low difficulty 1, code 99 1), \
             share target 100, job 05000000"
        );
        report.lost = 3;
        report.attempts = 1000;
        assert!(report.last_line().starts_with("stopped after 1000 attempts: accepted 42, "));
        assert!(report.last_line().ends_with(", lost 3"));
    }
}

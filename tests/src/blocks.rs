//! When a node had which block, from its log.

use std::collections::BTreeMap;

/// What upstream logs once a block is in the ledger.
const MARK: &str = "Advanced to block ";

/// The time of each block by height, in seconds since some midnight.
pub fn times(log: &str) -> BTreeMap<u64, f64> {
    let mut times = BTreeMap::new();
    let mut last = 0.0;
    for line in log.lines() {
        let Some((height, time)) = parse(line) else { continue };
        // Over midnight the clock starts again.
        let mut time = time;
        while time + 43_200.0 < last {
            time += 86_400.0;
        }
        last = time;
        times.entry(height).or_insert(time);
    }
    times
}

/// `2026-01-31T12:34:56.789012Z  INFO Advanced to block 5 at round 10 - ab1…`
fn parse(line: &str) -> Option<(u64, f64)> {
    let (head, tail) = line.split_once(MARK)?;
    let height = tail.split(' ').next()?.parse().ok()?;
    let (_, clock) = head.split_whitespace().next()?.split_once('T')?;
    let mut parts = clock.strip_suffix('Z')?.split(':').map(|part| part.parse::<f64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    Some((height, 3600.0 * hours + 60.0 * minutes + seconds))
}

/// How long after the first of some other nodes a node had each block, in seconds.
pub fn lags(node: &BTreeMap<u64, f64>, others: &[BTreeMap<u64, f64>]) -> BTreeMap<u64, f64> {
    let lag = |(height, time): (&u64, &f64)| {
        let first = others.iter().filter_map(|times| times.get(height)).copied().reduce(f64::min)?;
        Some((*height, time - first))
    };
    node.iter().filter_map(lag).collect()
}

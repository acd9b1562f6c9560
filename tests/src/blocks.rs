//! When a node had which block, from its log.

use std::collections::BTreeMap;

use crate::log_time;

/// What upstream logs once a block is in the ledger.
const MARK: &str = "Advanced to block ";

/// When blocks were in a ledger, by height, in seconds since 1970.
pub type Times = BTreeMap<u64, f64>;

/// The blocks of one node's log.
pub fn times(log: &str) -> Times {
    let mut times = BTreeMap::new();
    for (height, time) in log.lines().filter_map(parse) {
        times.entry(height).or_insert(time);
    }
    times
}

/// `2026-01-31T12:34:56.789012Z  INFO Advanced to block 5 at round 10 - ab1…`
fn parse(line: &str) -> Option<(u64, f64)> {
    let (head, tail) = line.split_once(MARK)?;
    Some((tail.split(' ').next()?.parse().ok()?, log_time::of(head)?))
}

/// When the first of some nodes had each block.
pub fn first_of(nodes: &[Times]) -> Times {
    let mut first = BTreeMap::new();
    for (height, time) in nodes.iter().flatten() {
        let earliest = first.entry(*height).or_insert(*time);
        *earliest = time.min(*earliest);
    }
    first
}

/// How long after the first of some other nodes a node had each block, in seconds.
pub fn lags(node: &Times, others: &[Times]) -> Times {
    let first = first_of(others);
    node.iter().filter_map(|(height, time)| Some((*height, time - first.get(height)?))).collect()
}

/// The last block that was in a ledger at `time`.
pub fn tip_at(times: &Times, time: f64) -> Option<u64> {
    times.iter().take_while(|(_, at)| **at <= time).map(|(height, _)| *height).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blocks_of_a_log_and_how_far_a_node_is_behind_others() {
        let log = "2026-11-30T23:59:59.500000Z  INFO Advanced to block 5 at round 10 - ab1x\n\n\
                   2026-12-01T00:00:00.750000Z  INFO Advanced to block 6 at round 12 - ab1y\n";
        let node = times(log);
        assert_eq!(node[&6] - node[&5], 1.25);
        let others = [Times::from([(5, node[&5] - 0.5), (6, node[&6] - 0.25)]), Times::from([(5, node[&5])])];
        assert_eq!(lags(&node, &others), Times::from([(5, 0.5), (6, 0.25)]));
        assert_eq!(tip_at(&node, node[&5] + 1.0), Some(5));
        assert_eq!(tip_at(&node, node[&5] - 1.0), None);
    }
}

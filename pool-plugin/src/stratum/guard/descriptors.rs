//! How many connections the process has file descriptors for. The node comes first: a pool that used all of
//! them would stop its database and its peers.

use rlimit::Resource;
use tracing::warn;

/// The most that is reserved for the node, its database and the pool's own files; half of a small limit.
const RESERVED: u64 = 4096;

/// How many of the `wanted` connections the port may hold under a limit of open files.
pub fn affordable(limit: u64, wanted: usize) -> usize {
    let reserved = RESERVED.min(limit.div_ceil(2));
    wanted.min(usize::try_from(limit - reserved).unwrap_or(usize::MAX)).max(1)
}

/// Raises the process's own limit as far as the system allows, and returns how many of the `wanted`
/// connections fit.
pub fn budget(wanted: usize) -> usize {
    let raised = Resource::NOFILE.get().and_then(|(soft, hard)| {
        if soft < hard {
            Resource::NOFILE.set(hard, hard)?;
        }
        Ok(hard)
    });
    let limit = match raised.or_else(|_| Resource::NOFILE.get_soft()) {
        Ok(limit) => limit,
        Err(reason) => {
            warn!(%reason, "cannot read the limit of open files: relying on max_connections");
            return wanted;
        }
    };
    let affordable = affordable(limit, wanted);
    if affordable < wanted {
        warn!(
            limit,
            wanted,
            affordable,
            "the limit of open files allows fewer connections than wanted: raise it (ulimit -n)"
        );
    }
    affordable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_is_served_first() {
        assert_eq!(affordable(20_000, 10_000), 10_000);
        assert_eq!(affordable(10_000, 10_000), 10_000 - 4096);
        assert_eq!(affordable(1024, 10_000), 512);
        assert_eq!(affordable(64, 10_000), 32);
        assert_eq!(affordable(u64::MAX, 10_000), 10_000);
    }

    #[test]
    fn there_is_always_room_for_one() {
        assert_eq!(affordable(0, 10), 1);
        assert_eq!(affordable(1, 10), 1);
    }
}

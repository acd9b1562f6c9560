//! All miners of a run, on one thread.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    rc::Rc,
};

use tokio::{
    sync::Semaphore,
    task::{JoinSet, LocalSet},
};

use crate::{
    args::Args,
    miner::{Miner, Shared},
    tally::Tally,
};

/// Miners that run until dropped, on the [`LocalSet`] they were started on.
pub struct ConnectionLimits {
    pub shared: Rc<Shared>,
    _miners: JoinSet<()>,
}

impl ConnectionLimits {
    pub fn start(local: &LocalSet, args: Args) -> Self {
        let shared = Rc::new(Shared {
            tally: Tally::new(args.miners, args.control),
            gate: Semaphore::new(args.at_a_time.max(1)),
            args,
        });
        let mut miners = JoinSet::new();
        for number in 0..shared.args.miners {
            let miner = Miner {
                number,
                behaviour: shared.args.mix.of(number),
                rate: shared.args.rate.draw(&mut rand::rng()),
                source: source(&shared.args, number),
                shared: Rc::clone(&shared),
            };
            miners.spawn_local_on(miner.run(), local);
        }
        Self { shared, _miners: miners }
    }
}

/// Where miner `number` connects from. A pool on loopback gets as many neighbours as the run wants, so that
/// neither its limits per address nor the ports of one address run out.
fn source(args: &Args, number: usize) -> Option<IpAddr> {
    let SocketAddr::V4(pool) = args.pool else { return None };
    if !pool.ip().is_loopback() {
        return None;
    }
    let index = u32::try_from(number % args.sources.unwrap_or(args.miners).max(1)).ok()?;
    // From 127.1.0.1 on; the addresses of a run end before 127.255.255.255.
    let [_, high, middle, low] = (index % 0x00fd_0000 + 0x0001_0001).to_be_bytes();
    Some(Ipv4Addr::new(127, high, middle, low).into())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn sources(arguments: &str) -> Vec<Option<IpAddr>> {
        let args = Args::try_parse_from(arguments.split(' ')).unwrap();
        (0..args.miners).map(|number| source(&args, number)).collect()
    }

    #[test]
    fn miners_come_from_addresses_of_their_own_or_from_as_many_as_asked_for() {
        let mut own = sources("simulate --pool 127.0.0.1:1 --miners 70000");
        own.sort();
        own.dedup();
        assert_eq!(own.len(), 70_000);
        let mut shared = sources("simulate --pool 127.0.0.1:1 --miners 100 --sources 3");
        shared.sort();
        shared.dedup();
        assert_eq!(shared.len(), 3);
        assert!(sources("simulate --pool 10.0.0.1:1").iter().all(Option::is_none));
    }
}

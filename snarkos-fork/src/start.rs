//! A node with a pool in it, from flags to shutdown.
//!
//! All mistakes of the pool are found before the node starts: the configuration, the folder, the database,
//! the port. The pool then serves its port at once, waits for the node to come up, and stops with the node.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    thread,
};

use anyhow::{Context as _, Result, bail};
use pool_api::{Api, Exposition, Running};
use pool_core::types::{Address, Network};
use pool_node::{account, attach};
use pool_plugin::operate::{
    config::{PoolArgs, Source},
    pool::{Pool, StopHandle},
    reload::hangup,
};
use snarkos_cli::commands::Start;
use tokio::sync::mpsc;

/// Where upstream's exporter listens without `--metrics-ip`.
const DEFAULT_METRICS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 9000);

/// Runs `snarkos start --pool …` until the node stops.
pub fn with_pool(mut start: Start, args: PoolArgs) -> Result<String> {
    // Before other threads exist.
    let hangup = hangup::hold().context("cannot keep SIGHUP from the node")?;
    let network = check_node(&start)?;
    let source = source(&start, args, network)?;
    let config = source.load()?;
    let evaluator = pool_evaluators::verifying(config.puzzle, config.verify_threads)?;
    let logger = |directive: &str| pool_logger::add_directive(directive).map_err(|error| error.to_string());
    // Before the pool is opened: its parts take their handles from the recorder.
    let exposition = config.api.listen.map(|_| Exposition::install()).transpose()?;
    let pool =
        Pool::open(config, network, evaluator)?.with_logger(Arc::new(logger)).reloading(source, Some(hangup));
    println!("{}", pool.summary());
    let _api = exposition.map(|exposition| serve_api(&mut start, &pool, exposition)).transpose()?;

    let (node_sender, mut nodes) = mpsc::unbounded_channel();
    start.node_sender = Some(node_sender);
    let stop = pool.stop_handle();
    let thread = thread::Builder::new()
        .name("pool".into())
        .spawn(move || {
            pool.run(async move {
                // `None`: the node stopped before it was up.
                let node = nodes.recv().await?;
                Some(attach::attach(node.as_ref()))
            })
        })
        .context("failed to start the pool's thread")?;

    // The pool must settle its shares even if the node fails or panics.
    let stopper = StopOnDrop(stop);
    let node_result = start.parse();
    drop(stopper);
    match thread.join() {
        Ok(pool_result) => node_result.and_then(|output| pool_result.map(|()| output)),
        Err(_) => node_result.and_then(|_| bail!("the pool's thread panicked")),
    }
}

/// Starts the API, whose exposition replaces the node's own exporter: a process has one recorder.
fn serve_api(start: &mut Start, pool: &Pool, exposition: Exposition) -> Result<Option<Running>> {
    let Some(mut api) = Api::open(pool.view(), pool.admin_handle(), exposition)? else { return Ok(None) };
    if std::mem::take(&mut start.metrics) {
        api.also_metrics(start.metrics_ip.unwrap_or(DEFAULT_METRICS))?;
    }
    println!("pool: the API with metrics and dashboard is at http://{}", api.local_addr());
    api.start().map(Some)
}

struct StopOnDrop(StopHandle);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Refuses nodes that cannot carry a pool.
fn check_node(start: &Start) -> Result<Network> {
    if start.prover || start.bootstrap_client {
        let node = if start.prover { "--prover" } else { "--bootstrap-client" };
        bail!(
            "{node} and --pool cannot be combined: a pool reads the puzzle from the ledger and such a node has none; \
             use --client or --validator"
        );
    }
    let network = Network::from_id(start.network).with_context(|| {
        format!("--network {} is not a network: 0 mainnet, 1 testnet, 2 canary", start.network)
    })?;
    if cfg!(feature = "test_network") && network != Network::Testnet {
        bail!(
            "this is a devnet binary (test_network): it runs --network 1 only; build one with scripts/build --release"
        );
    }
    Ok(network)
}

/// The sources of the pool's configuration.
fn source(start: &Start, args: PoolArgs, network: Network) -> Result<Source> {
    Ok(Source {
        args,
        node_address: node_address(start, network)?,
        default_data: node_data_folder(start).join(format!("pool-{}", network.name())),
        cores: thread::available_parallelism().map_or(1, usize::from),
        check_address: Box::new(move |address| {
            account::check_address(network, address).map_err(|error| format!("{error:#}"))
        }),
    })
}

/// The address of the node's account; `None` for a client without one, to which upstream gives a temporary
/// account whose key is not stored.
fn node_address(start: &Start, network: Network) -> Result<Option<Address>> {
    if let Some(index) = start.dev {
        return account::development_address(network, index).map(Some);
    }
    let private_key = match (&start.private_key, &start.private_key_file) {
        (Some(key), _) => key.clone(),
        (None, Some(path)) => std::fs::read_to_string(path)
            .with_context(|| format!("failed to read the private key from {}", path.display()))?,
        (None, None) => return Ok(None),
    };
    account::address_of_private_key(network, &private_key).map(Some)
}

/// Where upstream keeps the node's own data (its rule is private to the CLI crate).
fn node_data_folder(start: &Start) -> PathBuf {
    match (&start.node_data_storage, start.dev) {
        (Some(path), _) => path.clone(),
        (None, Some(dev)) => {
            std::env::current_dir().unwrap_or_default().join(format!(".node-data-{}-{dev}", start.network))
        }
        (None, None) => aleo_std::aleo_dir().join("storage").join(format!("node-data-{}", start.network)),
    }
}

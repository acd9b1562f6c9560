//! From the node that upstream's command line returns to a chain handle.

use std::{any::Any, sync::Arc};

use anyhow::{Result, bail};
use pool_core::chain::ChainHandle;
use snarkos_node::Node;
#[cfg(not(feature = "test_network"))]
use snarkvm::console::network::{CanaryV0, MainnetV0};
use snarkvm::console::network::{Network as VmNetwork, TestnetV0};

use crate::chain::NodeChain;

/// Opens the chain of a running node (`snarkos_node::Node<N>`, as it comes out of `Start::node_sender`). Must
/// be called on a thread of a Tokio runtime, which feeds a validator's own consensus.
pub fn attach(node: &(dyn Any + Send)) -> Result<ChainHandle> {
    #[cfg(not(feature = "test_network"))]
    {
        if let Some(node) = node.downcast_ref::<Node<MainnetV0>>() {
            return open(node);
        }
        if let Some(node) = node.downcast_ref::<Node<CanaryV0>>() {
            return open(node);
        }
    }
    if let Some(node) = node.downcast_ref::<Node<TestnetV0>>() {
        return open(node);
    }
    bail!("the node is of a type this pool does not know; do the pins of snarkos-fork and Cargo.toml agree?")
}

fn open<N: VmNetwork>(node: &Node<N>) -> Result<ChainHandle> {
    Ok(match node {
        Node::Client(client) => Arc::new(NodeChain::of_client(client)?),
        Node::Validator(validator) => Arc::new(NodeChain::of_validator(validator.clone())?),
        Node::Prover(_) | Node::BootstrapClient(_) => {
            bail!("a pool needs a ledger: start a client or a validator")
        }
    })
}

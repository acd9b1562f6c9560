//! A peer of a devnet that claims blocks which do not exist: `lying-peer ADDRESS GENESIS LEAD`.
//!
//! It connects to a node as a stranger would, shakes hands as upstream's client does, and from then on claims to be
//! LEAD blocks ahead of whatever the node says. Prints `connected` once it is a peer, and `heard` once the node has
//! answered a claim; connects again when the node refreshes its peers.

#![forbid(unsafe_code)]

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use bytes::BytesMut;
use indexmap::IndexMap;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaChaRng;
use snarkos_node::{
    network::NodeType,
    router::messages::{
        ChallengeRequest, ChallengeResponse, DisconnectReason, Message, MessageCodec, Ping, Pong,
    },
    sync::locators::{BlockLocators, CHECKPOINT_INTERVAL, NUM_RECENT_BLOCKS},
};
use snarkvm::{
    console::{
        account::{Address, PrivateKey},
        network::{Network, TestnetV0 as N},
        types::Field,
    },
    ledger::{block::Block, narwhal::Data},
    prelude::FromBytes,
    synthesizer::Restrictions,
};
use tokio_util::codec::{Decoder, Encoder};

/// How often the claim is repeated.
const INTERVAL: Duration = Duration::from_secs(1);

struct Connection {
    stream: TcpStream,
    codec: MessageCodec<N>,
    received: BytesMut,
}

fn main() -> Result<()> {
    let usage = "usage: lying-peer ADDRESS GENESIS LEAD";
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().context(usage);
    let (address, genesis, lead) = (argument()?, argument()?, argument()?.parse::<u32>().context(usage)?);
    let genesis = Block::<N>::read_le(&std::fs::read(&genesis)?[..])?;
    let mut rng = ChaChaRng::seed_from_u64(u64::from(std::process::id()));
    // From time to time a node disconnects one of its peers to make room for others.
    loop {
        let mut connection = Connection::open(&address)?;
        connection.shake_hands(&genesis, &mut rng)?;
        println!("connected");
        // Once it is a peer, messages of all kinds may come.
        connection.codec = MessageCodec::default();
        connection.lie(&genesis, lead, &mut rng)?;
    }
}

impl Connection {
    fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_read_timeout(Some(Duration::from_millis(200)))?;
        Ok(Self { stream, codec: MessageCodec::handshake(), received: BytesMut::new() })
    }

    fn send(&mut self, message: Message<N>) -> Result<()> {
        let mut bytes = BytesMut::new();
        self.codec.encode(message, &mut bytes)?;
        Ok(self.stream.write_all(&bytes)?)
    }

    /// The next message, if one has come.
    fn receive(&mut self) -> Result<Option<Message<N>>> {
        if let Some(message) = self.codec.decode(&mut self.received)? {
            return Ok(Some(message));
        }
        let mut buffer = [0; 1 << 16];
        match self.stream.read(&mut buffer) {
            Ok(0) => bail!("the node closed the connection"),
            Ok(count) => self.received.extend_from_slice(&buffer[..count]),
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.codec.decode(&mut self.received)?)
    }

    fn expect(&mut self) -> Result<Message<N>> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Some(message) = self.receive()? {
                return Ok(message);
            }
        }
        bail!("the node does not answer")
    }

    fn shake_hands(&mut self, genesis: &Block<N>, rng: &mut ChaChaRng) -> Result<()> {
        let key = PrivateKey::<N>::new(rng)?;
        self.send(Message::ChallengeRequest(ChallengeRequest {
            version: Message::<N>::latest_message_version(),
            listener_port: self.stream.local_addr()?.port(),
            node_type: NodeType::Client,
            address: Address::try_from(&key)?,
            nonce: rng.random(),
            snarkos_sha: None,
        }))?;
        let Message::ChallengeResponse(_) = self.expect()? else { bail!("the node does not shake hands") };
        let Message::ChallengeRequest(request) = self.expect()? else { bail!("the node asks nothing") };
        let nonce: u64 = rng.random();
        let signed = [request.nonce.to_le_bytes(), nonce.to_le_bytes()].concat();
        self.send(Message::ChallengeResponse(ChallengeResponse {
            genesis_header: *genesis.header(),
            restrictions_id: Restrictions::<N>::load()?.restrictions_id(),
            signature: Data::Object(key.sign_bytes(&signed, rng)?),
            nonce,
        }))
    }

    /// Until the node refreshes its peers.
    fn lie(&mut self, genesis: &Block<N>, lead: u32, rng: &mut ChaChaRng) -> Result<()> {
        let (mut seen, mut last, mut heard) = (0, None, false);
        loop {
            match self.receive()? {
                Some(Message::Ping(ping)) => {
                    seen = ping.block_locators.map_or(seen, |locators| locators.latest_locator_height());
                    self.send(Message::Pong(Pong { is_fork: Some(false) }))?;
                }
                // The node answers each claim that it has taken note of.
                Some(Message::Pong(_)) if !heard => {
                    heard = true;
                    println!("heard");
                }
                Some(Message::Disconnect(disconnect))
                    if disconnect.reason == DisconnectReason::PeerRefresh =>
                {
                    return Ok(());
                }
                Some(Message::Disconnect(disconnect)) => bail!("the node disconnects: {}", disconnect.reason),
                _ => {}
            }
            if last.is_none_or(|last: Instant| last.elapsed() >= INTERVAL) {
                last = Some(Instant::now());
                let block_locators = Some(claim(genesis, seen.saturating_add(lead), rng)?);
                let version = Message::<N>::latest_message_version();
                self.send(Message::Ping(Ping { version, node_type: NodeType::Client, block_locators }))?;
            }
        }
    }
}

/// Well-formed locators of a chain that nobody has.
fn claim(genesis: &Block<N>, height: u32, rng: &mut ChaChaRng) -> Result<BlockLocators<N>> {
    let mut hash = |at: u32| -> <N as Network>::BlockHash {
        if at == 0 { genesis.hash() } else { Field::<N>::from_u64(rng.random()).into() }
    };
    let first = (height + 1).saturating_sub(u32::try_from(NUM_RECENT_BLOCKS)?);
    let recents: IndexMap<_, _> = (first..=height).map(|at| (at, hash(at))).collect();
    let checkpoints = (0..=height / CHECKPOINT_INTERVAL).map(|number| {
        let at = number * CHECKPOINT_INTERVAL;
        (at, recents.get(&at).copied().unwrap_or_else(|| hash(at)))
    });
    let checkpoints = checkpoints.collect();
    BlockLocators::new(recents, checkpoints).map_err(|error| anyhow!("malformed locators: {error:#}"))
}

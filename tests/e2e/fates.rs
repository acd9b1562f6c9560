//! The possible results of a transaction, produced on purpose: accepted, rejected, aborted.

use std::{thread::sleep, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use pool_tests::{
    plain_node::{PACE, PlainNode},
    rest::{Answer, Request, Rest, ask},
    transfers::{Account, Payer, Signer, Transfer},
};

const PATIENCE: Duration = Duration::from_secs(300);

/// Upstream's development account that pays for everything here: it gets the pool's rewards, so it has funds.
const FUNDER: Payer = Payer::Dev(0);

/// Microcredits: enough for the fees of a few transfers.
const FUNDS: u64 = 1_000_000;

/// How often two transfers are submitted at once until one of them is aborted.
const ATTEMPTS: usize = 3;

/// Blocks after which a submitted transfer will not land any more.
const PASSED_OVER: u64 = 10;

pub struct Fates {
    pub accepted: Transfer,
    pub rejected: Transfer,
    /// The transaction that replaces the rejected one in the block: only its fee.
    pub fee_of_rejected: String,
    pub aborted: Transfer,
    /// The node's answer to the first submission.
    pub first: (Request, Answer),
    /// Who paid for them.
    pub payer: String,
}

pub fn broadcast(transfer: &Transfer) -> Request {
    Request::post("/testnet/transaction/broadcast", "application/json", transfer.json.as_str())
}

impl Fates {
    pub fn make(node: &mut PlainNode, signer: &Signer) -> Result<Self> {
        let (payer, payee) = (Account::new()?, Account::new()?.address);
        let accepted = signer.transfer(&FUNDER, &payer.address, FUNDS)?;
        let first = send(node, &accepted)?;
        settle(node, &accepted, "accepted")?;

        // It can pay the fee but not the transfer.
        let rejected = signer.transfer(&Payer::Account(&payer), &payee, 2 * FUNDS)?;
        send(node, &rejected)?;
        settle(node, &rejected, "rejected")?;
        sleep(PACE);
        let confirmed = node.rest.get(&format!("transaction/confirmed/{}", rejected.id))?;
        let fee_of_rejected =
            confirmed["transaction"]["id"].as_str().context("its fee has no id")?.to_owned();

        let aborted = abort_one(node, signer, &payer, &payee)?;
        Ok(Self { accepted, rejected, fee_of_rejected, aborted, first, payer: payer.address })
    }
}

/// Two transfers of one payer, each of nearly all it has, are submitted at once: both look valid until one of
/// them is in a block. The other cannot even pay its fee, so it is aborted.
fn abort_one(node: &mut PlainNode, signer: &Signer, payer: &Account, payee: &str) -> Result<Transfer> {
    for _ in 0..ATTEMPTS {
        let balance = node.rest.balance(&payer.address)?;
        if balance < FUNDS / 2 {
            let more = signer.transfer(&FUNDER, &payer.address, FUNDS)?;
            send(node, &more)?;
            settle(node, &more, "accepted")?;
        }
        let balance = node.rest.balance(&payer.address)?;
        // The fee is the same for every transfer of an amount that takes as many bytes.
        let fee = signer.transfer(&Payer::Account(payer), payee, balance)?.fee;
        let amount = balance.checked_sub(fee + fee / 2).context("the payer's balance is below a fee")?;
        let both = [
            signer.transfer(&Payer::Account(payer), payee, amount)?,
            signer.transfer(&Payer::Account(payer), payee, amount)?,
        ];
        for transfer in &both {
            send(node, transfer)?;
        }
        if let Some(aborted) = the_aborted(node, both)? {
            return Ok(aborted);
        }
    }
    bail!("of two transfers that one payer cannot both pay, none was aborted, {ATTEMPTS} times over")
}

/// The one that a block lists as aborted; `None` if it was not in a block at all, since a validator checked
/// it after the other was in one.
fn the_aborted(node: &mut PlainNode, both: [Transfer; 2]) -> Result<Option<Transfer>> {
    let mut first_seen = None;
    let settled = node.until("one of two transfers aborted", PATIENCE, |rest| {
        let blocks = [rest.block_of(&both[0].id)?, rest.block_of(&both[1].id)?];
        let height = rest.height()?;
        if blocks.iter().any(Option::is_some) {
            first_seen.get_or_insert(height);
        }
        let all = blocks.iter().all(Option::is_some);
        let over = first_seen.is_some_and(|seen| height > seen + PASSED_OVER);
        Ok((all || over).then_some(blocks))
    })?;
    for (transfer, block) in both.into_iter().zip(settled) {
        if let Some(block) = block
            && fate(&node.rest, &transfer.id, &block)? == "aborted"
        {
            return Ok(Some(transfer));
        }
    }
    Ok(None)
}

fn send(node: &PlainNode, transfer: &Transfer) -> Result<(Request, Answer)> {
    let request = broadcast(transfer);
    let answer = ask(node.rest.origin(), &request)?;
    ensure!(answer.status == 200, "the node did not accept {}: {answer:?}", transfer.id);
    Ok((request, answer))
}

/// Waits until a block has the transfer, with this outcome.
fn settle(node: &mut PlainNode, transfer: &Transfer, wanted: &str) -> Result<()> {
    let id = &transfer.id;
    let block = node.until(&format!("a block with {id}"), PATIENCE, |rest| rest.block_of(id))?;
    let fate = fate(&node.rest, id, &block)?;
    ensure!(fate == wanted, "{id} was {fate} and not {wanted}");
    Ok(())
}

fn fate(rest: &Rest, id: &str, block: &str) -> Result<String> {
    // The node answers few requests a second, and the block was just requested.
    sleep(PACE);
    let block = rest.get(&format!("block/{block}"))?;
    let aborted = block["aborted_transaction_ids"].as_array().context("a block names what was aborted")?;
    if aborted.iter().any(|one| one == id) {
        return Ok("aborted".into());
    }
    sleep(PACE);
    let confirmed = rest.get(&format!("transaction/confirmed/{id}"))?;
    Ok(confirmed["status"].as_str().context("what is confirmed has a status")?.to_owned())
}

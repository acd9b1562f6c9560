//! From records to changes of the database.

use pool_core::{
    accounting::terms::Terms,
    types::{SolutionId, Worker},
};

use crate::ledger::{
    codec::{
        encode_dump_mark, encode_last_target, encode_number, encode_round, encode_share, encode_solution,
        encode_terms, encode_total,
    },
    records::{BlockOutcome, DumpMark, LastTarget, Round, Share, SolutionRecord, WorkerTotal},
    schema::{
        Change, Meta, Table, height_key, open_solution_key, seq_key, share_key, solution_key, worker_key,
    },
    settle::{Settled, is_open},
};

/// `None`: a sum does not fit its type.
pub(super) fn add_share(total: WorkerTotal, target: u64) -> Option<WorkerTotal> {
    Some(WorkerTotal {
        shares: total.shares.checked_add(1)?,
        credit: total.credit.checked_add(target.into())?,
        worker: total.worker,
    })
}

pub(super) fn share_changes(seq: u64, share: &Share) -> [Change; 2] {
    [
        Change::put(Table::Shares, seq_key(seq), encode_share(share)),
        Change::put(Table::Keys, share_key(&share.key), encode_number(seq)),
    ]
}

pub(super) fn total_change(total: &WorkerTotal) -> Change {
    Change::put(Table::Totals, worker_key(&total.worker), encode_total(total))
}

pub(super) fn last_target_changes(targets: &[LastTarget], forgotten: &[Worker]) -> Vec<Change> {
    let put = |last: &LastTarget| {
        Change::put(Table::LastTargets, worker_key(&last.worker), encode_last_target(last))
    };
    let delete = |worker: &Worker| Change::Delete { table: Table::LastTargets, key: worker_key(worker) };
    targets.iter().map(put).chain(forgotten.iter().map(delete)).collect()
}

pub(super) fn meta_change(name: Meta, value: impl Into<u64>) -> Change {
    Change::put(Table::Meta, name.key(), encode_number(value.into()))
}

pub(super) fn terms_change(terms: &Terms) -> Change {
    Change::put(Table::Terms, seq_key(terms.since_seq), encode_terms(terms))
}

pub(super) fn dump_mark_change(height: u32, mark: &DumpMark) -> Change {
    Change::put(Table::Dumps, height_key(height), encode_dump_mark(mark))
}

/// The record, and its place among the open ones.
pub(super) fn solution_changes(id: SolutionId, record: &SolutionRecord) -> [Change; 2] {
    let open_key = open_solution_key(record.epoch, id);
    let index = if is_open(record) {
        Change::put(Table::OpenSolutions, open_key, encode_number(0))
    } else {
        Change::Delete { table: Table::OpenSolutions, key: open_key.into() }
    };
    [Change::put(Table::Solutions, solution_key(id), encode_solution(record)), index]
}

pub(super) fn round_change(round: &Round) -> Change {
    Change::put(Table::Rounds, height_key(round.height), encode_round(round))
}

pub(super) fn block_changes(outcome: &BlockOutcome, settled: &Settled) -> Vec<Change> {
    let mut changes = vec![meta_change(Meta::ScannedHeight, outcome.height)];
    for (id, record) in &settled.solutions {
        changes.extend(solution_changes(*id, record));
    }
    if let Some(round) = &settled.round {
        changes.push(round_change(round));
    }
    changes
}

/// Deletes the share keys of the epochs from `old_from` up to, but excluding, `keys_from`.
pub(super) fn close_epochs(old_from: u32, keys_from: u32) -> Vec<Change> {
    if keys_from <= old_from {
        return Vec::new();
    }
    // Keys sort by epoch. Each deletion begins where the last one ended, so they do not pile up.
    let deletion = Change::DeleteRange {
        table: Table::Keys,
        from: old_from.to_be_bytes().into(),
        to: keys_from.to_be_bytes().into(),
    };
    vec![meta_change(Meta::KeysFrom, keys_from), deletion]
}

/// Deletes the shares from `old_from` up to, but excluding, `new_from`. `last_seq`: the highest number ever
/// given to a share, which must be kept when the last share goes.
pub(super) fn retire_shares(old_from: u64, new_from: u64, last_seq: u64) -> Vec<Change> {
    let deletion = Change::DeleteRange {
        table: Table::Shares,
        from: seq_key(old_from).into(),
        to: seq_key(new_from).into(),
    };
    vec![meta_change(Meta::SharesFrom, new_from), meta_change(Meta::SeqFloor, last_seq), deletion]
}

//! Lists read on request: in pages, in a stable order.
//!
//! A cursor marks the end of a page and is opaque to its receiver. It names a place in the order and not a
//! number, so that later additions neither repeat nor skip anything.

use std::{cmp::Reverse, collections::BTreeMap, path::PathBuf, str::FromStr};

use pool_core::types::{SolutionId, Worker};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AccountView, BlockSolution, BlockView, Decimal, DumpView, Finder, RewardView, RoundView, SolutionView,
    StateView, View, WorkerView, decimal::effort, rewards::Paid,
};
use crate::{
    books::dump::{SummaryError, file_name, read_summary},
    ledger::{
        ReadError,
        records::{Round, SolutionRecord, SolutionState},
    },
};

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// To be given as `cursor` for the next page; missing at the end
    pub next: Option<String>,
}

/// Why there is no page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    #[error("this cursor does not belong to this list: take `next` of the page before")]
    Cursor,
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl<T> Page<T> {
    /// A page of ordered items; `items` holds one more than `limit` if there are more.
    fn cut(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| hex::encode(cursor(last)));
        Self { items, next }
    }
}

fn read_cursor<T: FromStr>(cursor: Option<&str>) -> Result<Option<T>, PageError> {
    let Some(cursor) = cursor else { return Ok(None) };
    let bytes = hex::decode(cursor).map_err(|_| PageError::Cursor)?;
    let text = String::from_utf8(bytes).map_err(|_| PageError::Cursor)?;
    text.parse().map(Some).map_err(|_| PageError::Cursor)
}

/// The sort key of solutions.
pub(super) fn solution_key(record: &SolutionRecord) -> (u64, u64) {
    (record.found_ms, record.solution.id().0)
}

/// A place in the order of solutions.
struct SolutionPlace((u64, u64));

impl FromStr for SolutionPlace {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (found_ms, id) = text.split_once('-').ok_or(())?;
        Ok(Self((found_ms.parse().map_err(|_| ())?, id.parse().map_err(|_| ())?)))
    }
}

impl View {
    /// Blocks of ours, the last one first.
    pub fn blocks(&self, cursor: Option<&str>, limit: usize) -> Result<Page<BlockView>, PageError> {
        let below = read_cursor(cursor)?.unwrap_or(u32::MAX);
        let rounds = self.0.ledger.rounds_below(below, limit.saturating_add(1))?;
        let page = Page::cut(rounds, limit, |round| round.height.to_string());
        Ok(Page { items: page.items.iter().map(|round| self.block_view(round)).collect(), next: page.next })
    }

    pub fn block(&self, height: u32) -> Result<Option<BlockView>, ReadError> {
        Ok(self.0.ledger.round(height)?.map(|round| self.block_view(&round)))
    }

    /// The file of a block's dump, if it exists.
    pub fn dump_file(&self, height: u32) -> Result<Option<PathBuf>, ReadError> {
        let round = self.0.ledger.round(height)?;
        let path = round.map(|round| self.shares_dir().join(file_name(&round)));
        Ok(path.filter(|path| path.is_file()))
    }

    /// Rounds, the open one first, then the last one closed.
    pub fn rounds(&self, cursor: Option<&str>, limit: usize) -> Result<Page<RoundView>, PageError> {
        let open = cursor.is_none().then(|| self.open_round());
        let below = read_cursor(cursor)?.unwrap_or(u32::MAX);
        let rounds = self.0.ledger.rounds_below(below, limit.saturating_add(1))?;
        let closed = limit.saturating_sub(usize::from(open.is_some()));
        let mut page = Page::cut(rounds, closed, |round| round.height.to_string());
        if page.items.is_empty() && closed == 0 {
            // The open round alone fills the page.
            page.next = Some(hex::encode(u32::MAX.to_string()));
        }
        let closed = page.items.iter().map(|round| self.round_view(round));
        Ok(Page { items: open.into_iter().chain(closed).collect(), next: page.next })
    }

    /// Solutions, the last found one first; of one state only if there is a filter.
    pub fn solutions(
        &self,
        state: Option<StateView>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<SolutionView>, PageError> {
        let below = read_cursor::<SolutionPlace>(cursor)?.map_or((u64::MAX, u64::MAX), |place| place.0);
        let latest = self.latest();
        let first =
            latest.solutions.partition_point(|record| Reverse(solution_key(record)) <= Reverse(below));
        let rest = latest.solutions.iter().skip(first);
        let wanted = rest.filter(|record| state.is_none_or(|state| state == state_of(record)));
        let page = Page::cut(wanted.take(limit.saturating_add(1)).collect(), limit, |record| {
            let (found_ms, id) = solution_key(record);
            format!("{found_ms}-{id}")
        });
        Ok(Page {
            items: page.items.into_iter().map(|record| self.solution_view(record)).collect(),
            next: page.next,
        })
    }

    /// Accounts by name.
    pub fn accounts(&self, cursor: Option<&str>, limit: usize) -> Result<Page<AccountView>, PageError> {
        let after: Option<String> = read_cursor(cursor)?;
        let latest = self.latest();
        let first = after.map_or(0, |after| latest.accounts.partition_point(|one| one.account <= after));
        let items = latest.accounts.iter().skip(first).take(limit.saturating_add(1)).cloned().collect();
        Ok(Page::cut(items, limit, |account: &AccountView| account.account.clone()))
    }

    pub fn account(&self, name: &str) -> Option<AccountView> {
        let latest = self.latest();
        let index = latest.accounts.binary_search_by(|one| one.account.as_str().cmp(name)).ok()?;
        latest.accounts.get(index).cloned()
    }

    /// Workers by account and name; of one account only if there is a filter.
    pub fn workers(
        &self,
        account: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<WorkerView>, PageError> {
        let after: Option<String> = read_cursor(cursor)?;
        // Neither name contains this separator.
        let after = match after.as_deref().map(|after| after.split_once('\n')) {
            None => None,
            Some(Some(place)) => Some(place),
            Some(None) => return Err(PageError::Cursor),
        };
        let latest = self.latest();
        let place = |one: &WorkerView| (one.account.clone(), one.worker.clone());
        let first = after.map_or(0, |(account, worker)| {
            let after = (account.to_owned(), worker.to_owned());
            latest.workers.partition_point(|one| place(one) <= after)
        });
        let from =
            account.map_or(0, |name| latest.workers.partition_point(|one| one.account.as_str() < name));
        let rest = latest.workers.iter().skip(first.max(from));
        let wanted = rest.take_while(|one| account.is_none_or(|name| one.account == name));
        let items = wanted.take(limit.saturating_add(1)).cloned().collect();
        Ok(Page::cut(items, limit, |one: &WorkerView| format!("{}\n{}", one.account, one.worker)))
    }

    /// What the latest dumps paid an account, the last one first.
    pub fn rewards(
        &self,
        account: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<RewardView>, PageError> {
        let below = read_cursor(cursor)?.unwrap_or(u32::MAX);
        let book = self.0.rewards.read();
        let view = |(paid, reward): (&Paid, u64)| RewardView {
            height: paid.height,
            time: paid.time,
            reward: reward.into(),
            dump: dump_view(paid.height, &paid.file, paid.digest.clone()),
        };
        let items = book.of(account, below).take(limit.saturating_add(1)).map(view).collect();
        Ok(Page::cut(items, limit, |one: &RewardView| one.height.to_string()))
    }

    /// By account: what it earned, and the unpaid part. Microcredits.
    pub fn balances(&self) -> BTreeMap<String, (Decimal, Decimal)> {
        let latest = self.latest();
        let with_rewards = latest.accounts.iter().filter(|one| one.rewards.0 > 0);
        with_rewards
            .map(|one| {
                let left = one.rewards.0.saturating_sub(one.paid.unwrap_or_default().0);
                (one.account.clone(), (one.rewards, Decimal(left)))
            })
            .collect()
    }

    fn open_round(&self) -> RoundView {
        let latest = self.latest();
        let (pool, round) = (&latest.pool, &latest.pool.round);
        let last_seq = self.0.ledger.last_seq().unwrap_or(0);
        RoundView {
            height: None,
            time: None,
            first_seq: last_seq.saturating_add(1).saturating_sub(round.shares),
            last_seq,
            shares: Some(round.shares),
            work: Some(round.work),
            effort: round.effort,
            proof_target: pool.chain.proof_target,
            scheme: Some(pool.scheme.clone()),
        }
    }

    fn round_view(&self, round: &Round) -> RoundView {
        let summary = self.paid(round).map(|paid| paid.summary).unwrap_or_default();
        let basis = round.basis.as_ref();
        RoundView {
            height: Some(round.height),
            time: Some(round.timestamp),
            first_seq: round.first_seq,
            last_seq: round.last_seq,
            shares: summary.shares,
            work: summary.work.map(Into::into),
            effort: summary.effort_permille.map(effort),
            proof_target: basis.map(|basis| basis.proof_target.into()),
            scheme: basis.map(|basis| basis.terms.rules.scheme.to_string()),
        }
    }

    fn block_view(&self, round: &Round) -> BlockView {
        let paid = self.paid(round);
        let reward: u128 = round.solutions.iter().map(|solution| u128::from(solution.reward)).sum();
        BlockView {
            height: round.height,
            hash: round.hash.to_string(),
            time: round.timestamp,
            epoch: round.epoch,
            address: round.address.to_string(),
            reward: reward.into(),
            solutions: round
                .solutions
                .iter()
                .map(|one| BlockSolution {
                    id: one.solution.id().to_string(),
                    target: one.solution.target.into(),
                    reward: one.reward.into(),
                    finder: one.finder.as_ref().map(finder),
                })
                .collect(),
            round: self.round_view(round),
            dump: paid.map(|paid| dump_view(paid.height, &paid.file, paid.digest)),
        }
    }

    /// The dump of a round: the latest ones are in memory.
    fn paid(&self, round: &Round) -> Option<Paid> {
        let known = self.0.rewards.read().at(round.height).map(Paid::without_rewards);
        known.or_else(|| match read_summary(&self.shares_dir(), round) {
            Ok(summary) => Some(Paid::new(round, summary)),
            Err(SummaryError::Missing { .. }) => None,
            Err(error) => {
                if let Some(times) = self.0.unreadable_dumps.due() {
                    tracing::warn!(%error, times, "cannot show what a block paid");
                }
                None
            }
        })
    }

    fn solution_view(&self, record: &SolutionRecord) -> SolutionView {
        let SolutionRecord { solution, epoch, finder: found_by, found_ms, state } = record;
        let (mut height, mut hash, mut reward) = (None, None, None);
        match state {
            SolutionState::Landed { height: at, hash: of, reward: paid } => {
                (height, hash, reward) = (Some(*at), Some(of.to_string()), Some((*paid).into()));
            }
            SolutionState::Aborted { height: at, .. } => height = Some(*at),
            SolutionState::Found | SolutionState::Released | SolutionState::Expired => {}
        }
        SolutionView {
            id: solution.id().to_string(),
            state: state_of(record),
            reason: self.reason(solution.id(), state),
            epoch: *epoch,
            address: solution.address.to_string(),
            counter: solution.counter.into(),
            target: solution.target.into(),
            found_ms: *found_ms,
            finder: found_by.as_ref().map(finder),
            height,
            hash,
            reward,
        }
    }

    fn reason(&self, id: SolutionId, state: &SolutionState) -> String {
        let waits = || self.0.parts.get().and_then(|parts| parts.waits.borrow().get(&id).copied());
        match state {
            SolutionState::Found => match waits() {
                Some(wait) => format!("it waits: {}", wait.text()),
                None => "it is about to be sent".to_owned(),
            },
            SolutionState::Released => match waits() {
                Some(wait) => format!("the network has it; it is not offered again: {}", wait.text()),
                None => "the network has it, and no block yet".to_owned(),
            },
            SolutionState::Landed { height, .. } => format!("it is in block {height}"),
            SolutionState::Aborted { height, inferred } => {
                format!("block {height} aborted it, most likely: {inferred}")
            }
            SolutionState::Expired => "its epoch ended before it was in a block".to_owned(),
        }
    }
}

fn state_of(record: &SolutionRecord) -> StateView {
    match record.state {
        SolutionState::Found => StateView::Found,
        SolutionState::Released => StateView::Released,
        SolutionState::Landed { .. } => StateView::Landed,
        SolutionState::Aborted { .. } => StateView::Aborted,
        SolutionState::Expired => StateView::Expired,
    }
}

fn finder(worker: &Worker) -> Finder {
    Finder { account: worker.account.clone(), worker: worker.name.clone() }
}

fn dump_view(height: u32, file: &str, digest: Option<String>) -> DumpView {
    DumpView {
        file: file.to_owned(),
        url: format!("/api/v1/blocks/{height}/dump"),
        digest,
        verify: format!("scripts/verify_dump.py {file}"),
    }
}

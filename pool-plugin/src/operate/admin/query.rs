//! The queries that a running pool answers, and its answers.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::operate::view::{
    AccountView, BlockView, BudgetView, HealthView, Page, PageError, PoolView, RewardView, SolutionView,
    View, WorkerView,
};

/// The most blocks, solutions and rewards that are shown.
const MOST: usize = 1_000;
/// The last rewards of an account.
const REWARDS: usize = 10;

/// A query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "view", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    Status,
    /// Every worker, or those of an account.
    Miners {
        account: Option<String>,
    },
    /// Our last blocks.
    Blocks {
        limit: usize,
    },
    /// The last solutions.
    Solutions {
        limit: usize,
    },
    Account {
        name: String,
    },
}

/// The pool on one screen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub pool: PoolView,
    pub budgets: Vec<BudgetView>,
    pub health: HealthView,
}

/// An account with its workers and rewards.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub account: AccountView,
    pub workers: Vec<WorkerView>,
    /// The last ones, the latest first.
    pub rewards: Vec<RewardView>,
}

pub type Miners = Vec<WorkerView>;
pub type Blocks = Vec<BlockView>;
pub type Solutions = Vec<SolutionView>;

impl Question {
    /// The answer for the socket. Reads from the disk: not for async threads.
    pub fn answer(&self, view: &View) -> Value {
        match self.try_answer(view) {
            Ok(answer) => json!({"ok": true, "answer": answer}),
            Err(error) => json!({"ok": false, "error": error}),
        }
    }

    fn try_answer(&self, view: &View) -> Result<Value, String> {
        let latest = view.latest();
        let answer = match self {
            Self::Status => serde_json::to_value(Status {
                pool: latest.pool.clone(),
                budgets: latest.budgets.clone(),
                health: view.health(),
            }),
            Self::Miners { account } => {
                serde_json::to_value(items(view.workers(account.as_deref(), None, usize::MAX - 1))?)
            }
            Self::Blocks { limit } => serde_json::to_value(items(view.blocks(None, (*limit).min(MOST)))?),
            Self::Solutions { limit } => {
                serde_json::to_value(items(view.solutions(None, None, (*limit).min(MOST)))?)
            }
            Self::Account { name } => {
                let account = view.account(name).ok_or_else(|| {
                    format!("nobody has mined as '{name}' yet: `snarkos pool miners` lists all accounts")
                })?;
                let workers = items(view.workers(Some(name), None, usize::MAX - 1))?;
                let rewards = items(view.rewards(name, None, REWARDS))?;
                serde_json::to_value(Account { account, workers, rewards })
            }
        };
        answer.map_err(|error| error.to_string())
    }
}

fn items<T>(page: Result<Page<T>, PageError>) -> Result<Vec<T>, String> {
    page.map(|page| page.items).map_err(|error| error.to_string())
}

/// The pool's answer, decoded as the type of the query.
pub(crate) fn read<T: DeserializeOwned>(mut answer: Value) -> anyhow::Result<T> {
    anyhow::ensure!(
        answer["ok"] == true,
        "{}",
        answer["error"].as_str().unwrap_or("the pool refused: does it run the same version as this program?")
    );
    Ok(serde_json::from_value(answer["answer"].take())?)
}

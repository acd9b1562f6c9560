//! The messages between miners and the pool, whatever the dialect. Plain values; [`super::dialects`] has
//! their encodings.

use std::time::Duration;

use pool_core::{
    reject::Reject,
    types::{Address, EpochHash},
};
use serde::Serialize;
use serde_json::Number;

use super::{counter::RawCounter, extranonce::Prefix};

/// A request's id, sent back as it came.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Id {
    Null,
    Number(Number),
    Text(String),
}

/// A request. Its method is known; what is wrong with its params, if anything, is in the call.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub id: Id,
    pub call: Call,
}

/// The requests.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    Subscribe(Result<Subscribe, Reject>),
    Authorize(Result<Authorize, Reject>),
    Submit(Result<Submit, Reject>),
    /// The miner wants to know when its counter prefix changes.
    ExtranonceSubscribe,
    /// The miner suggests another target.
    Suggest(Result<Suggest, Reject>),
    /// The miner asks which of these extensions the pool has.
    Configure(Result<Vec<String>, Reject>),
    /// Subscription and login in one.
    Connect(Connect),
    /// The miner reports how fast it thinks it is, in attempts per second.
    Speed(Result<f64, Reject>),
    /// Only an answer is wanted.
    Ping,
    /// The miner disconnects.
    Leave,
    /// A login as the port's admin, with its password.
    AuthorizeAdmin(Result<String, Reject>),
    /// The admin adds a user with a password.
    AddUser(Result<(String, String), Reject>),
    /// A method that the dialect does not have, shortened.
    Unknown(String),
}

/// A miner's description of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// The miner's name for itself; shortened, for the log only.
    pub agent: String,
    /// The protocol it asks for, in its own words.
    pub version: Option<String>,
    /// The session it wants to resume.
    pub session: Option<String>,
}

/// A miner names the account to credit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorize {
    pub login: String,
    /// The worker, if it came as a separate param.
    pub worker: Option<String>,
    pub password: Option<String>,
}

/// Description and account of a miner, in dialects that have one message for both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    pub subscribe: Subscribe,
    pub authorize: Authorize,
}

/// A suggested target, and the miner's word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suggest {
    /// Expected attempts per share, 1 or more.
    pub target: u64,
    pub word: Word,
}

/// What a miner calls the target of a share. For Aleo both are the same number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Word {
    #[default]
    Difficulty,
    Target,
}

/// A share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submit {
    /// The worker name of the share; it only refines the login.
    pub worker: String,
    /// The job that the share names; `None` if that is not a job id.
    pub job: Option<JobName>,
    /// The puzzle that the share names, where the dialect has no job ids.
    pub puzzle: Option<EpochHash>,
    pub counter: RawCounter,
}

/// The fields of a job id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobName {
    pub epoch: u32,
    /// Which of the epoch's jobs; `None` if the dialect's ids do not say.
    pub serial: Option<u8>,
}

/// Why a line is not a request, and its id, if it had one.
#[derive(Clone, Debug, PartialEq)]
pub struct Garbage {
    pub id: Id,
    pub reject: Reject,
}

/// What the pool sends.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The answer to a request.
    Reply(Id, Reply),
    /// The work from now on.
    Work(Work),
    /// The prefix of every counter of the session.
    Prefix(Prefix),
    /// A request to reconnect after a while.
    Reconnect { wait: Duration },
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Granted: a login, a share, or another request.
    Done,
    Subscribed {
        session: String,
        /// The prefix of every counter of the session; `None` if any counter may be used.
        prefix: Option<Prefix>,
        /// The pool's address, for which miners work.
        address: Address,
    },
    /// Which of the requested extensions the pool has.
    Configured(Vec<(String, bool)>),
    Refused(Reject),
}

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Job {
    pub epoch: u32,
    /// Which of the session's jobs of the epoch, from 0 on: they differ only in target and address.
    pub serial: u8,
    pub epoch_hash: EpochHash,
    /// The prover address in the puzzle: the pool's.
    pub address: Address,
}

/// A session's job and target, and which of them has changed. At least one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Work {
    pub job: Job,
    /// The target of shares from now on.
    pub target: u64,
    pub news: News,
}

/// What has changed in a session's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum News {
    /// Only the target: the job stays.
    Target,
    /// The job, and the target with it.
    Job {
        /// Earlier jobs are worth nothing any more.
        clean: bool,
    },
}

impl Message {
    /// A refusal.
    pub fn refused(id: Id, reject: Reject) -> Self {
        Self::Reply(id, Reply::Refused(reject))
    }
}

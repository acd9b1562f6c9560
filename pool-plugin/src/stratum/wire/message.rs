//! What miners and the pool say to each other, whatever the dialect. Plain values; [`super::dialects`] has
//! their spellings.

use std::time::Duration;

use serde::Serialize;
use serde_json::Number;

use super::{counter::RawCounter, places::Prefix};
use crate::core::{
    reject::Reject,
    types::{Address, EpochHash},
};

/// A request's id, sent back as it came.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Id {
    Null,
    Number(Number),
    Text(String),
}

/// A request. Its method is known; what is wrong with its params, if anything, stands in the call.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub id: Id,
    pub call: Call,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    Subscribe(Result<Subscribe, Reject>),
    Authorize(Result<Authorize, Reject>),
    Submit(Result<Submit, Reject>),
    /// The miner would like to be told when its counter prefix changes.
    ExtranonceSubscribe,
    /// The miner would like another target.
    Suggest(Result<Suggest, Reject>),
    /// The miner asks which of these extensions the pool has.
    Configure(Result<Vec<String>, Reject>),
    /// Subscription and login in one.
    Connect(Connect),
    /// The miner tells how fast it thinks it is, in attempts a second.
    Speed(Result<f64, Reject>),
    /// Nothing but an answer is asked for.
    Ping,
    /// The miner goes.
    Leave,
    /// Whoever this is wants to be the port's admin, and says the password.
    AuthorizeAdmin(Result<String, Reject>),
    /// The admin adds a user with a password.
    AddUser(Result<(String, String), Reject>),
    /// A method that the dialect does not have, shortened.
    Unknown(String),
}

/// A miner says what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// What the miner calls itself; shortened, for the log only.
    pub agent: String,
    /// The protocol it asks for, as it names it.
    pub version: Option<String>,
    /// The session it would like to go on with.
    pub session: Option<String>,
}

/// A miner says whom to credit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorize {
    pub login: String,
    /// The worker, when it came in a param of its own.
    pub worker: Option<String>,
    pub password: Option<String>,
}

/// A miner says what it is and whom to credit, in dialects that have one message for both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    pub subscribe: Subscribe,
    pub authorize: Authorize,
}

/// A wish for a target, and the word the miner has for one.
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
    /// The name beside the share; it only ever refines the login.
    pub worker: String,
    /// The job that the share names; `None` if what it names is no job id.
    pub job: Option<JobName>,
    /// The puzzle that the share names, where the dialect has no job ids.
    pub puzzle: Option<EpochHash>,
    pub counter: RawCounter,
}

/// What a job id says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobName {
    pub epoch: u32,
    /// Which of the epoch's jobs; `None` if the dialect's ids do not say.
    pub serial: Option<u8>,
}

/// What is no request, and the id it had, if it had one.
#[derive(Clone, Debug, PartialEq)]
pub struct Garbage {
    pub id: Id,
    pub reject: Reject,
}

/// What the pool says.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The answer to a request.
    Reply(Id, Reply),
    /// What to work on from now on.
    Work(Work),
    /// What every counter of the session is to begin with.
    Prefix(Prefix),
    /// A wish: to connect anew, after a while.
    Reconnect { wait: Duration },
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Granted: a login, a share, or a wish.
    Done,
    Subscribed {
        session: String,
        /// What every counter of the session begins with; `None` if any counter is.
        prefix: Option<Prefix>,
        /// The pool's address, for which miners work.
        address: Address,
    },
    /// Which of the extensions that were asked for the pool has.
    Configured(Vec<(String, bool)>),
    Refused(Reject),
}

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Job {
    pub epoch: u32,
    /// Which of the session's jobs of the epoch, from 0 on: they differ in nothing but target and address.
    pub serial: u8,
    pub epoch_hash: EpochHash,
    /// The prover address in the puzzle: the pool's.
    pub address: Address,
}

/// A session's job and target, and what of it is news. At least one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Work {
    pub job: Job,
    /// What a share is to reach from now on.
    pub target: u64,
    pub news: News,
}

/// What of a session's work has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum News {
    /// The target alone: the job goes on.
    Target,
    /// The job, and the target with it.
    Job {
        /// Work of earlier jobs is worth nothing any more.
        clean: bool,
    },
}

impl Message {
    /// A refusal.
    pub fn refused(id: Id, reject: Reject) -> Self {
        Self::Reply(id, Reply::Refused(reject))
    }
}

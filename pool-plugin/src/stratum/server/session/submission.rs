//! A submitted share: the checks that need no waiting, then a task that lives until it is settled.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use pool_core::{
    login,
    meters::meters,
    reject::{Reject, RejectCode},
    types::{Address, Worker, unix_seconds},
};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use tracing::{debug, info};

use super::{Flow, Session};
use crate::stratum::{
    server::{capture::Spoken, jobs::ResolvedJob},
    wire::message::{Id, Message, Reply, Submit},
};

/// A share that is to be judged.
struct Admitted {
    worker: Worker,
    found: ResolvedJob,
    /// The share named no job of this session, and is tried as one for the current job.
    forgiven: bool,
    counter: u64,
    /// The addresses of the pool it may have been mined for.
    addresses: Vec<Address>,
}

/// A share that was stored.
pub(super) struct Accepted {
    pub(super) worker: Worker,
    pub(super) found: ResolvedJob,
    /// The lowest target the account may have, if it is held to one.
    pub(super) least: Option<u64>,
}

impl Session {
    /// Makes the checks that need no waiting, then leaves the rest to a task.
    pub(super) async fn submit(
        &mut self,
        id: Id,
        submit: Result<Submit, Reject>,
        turn: &mut Option<OwnedSemaphorePermit>,
    ) -> Flow {
        let Admitted { worker, found, forgiven, counter, addresses } = match self.admit(submit) {
            Ok(admitted) => admitted,
            Err(reject) => return self.refuse_share(id, reject).await,
        };
        let (server, out, slot) = (Arc::clone(&self.server), self.out.clone(), Arc::clone(&self.slot));
        let (peer, dialect, permit) = (self.peer, self.dialect, turn.take());
        let peer_state = Arc::clone(&self.peer_state);
        let (accepted, tap) = (self.accepted.clone(), self.tap.clone());
        let read = Instant::now();
        self.server.submissions.spawn(async move {
            let judged = server.intake.submit(peer_state.lane(), &worker, &found.job, counter).await;
            if let Some(tap) = &tap {
                tap.judged(counter, &judged);
            }
            let mut share = None;
            let reply = match judged.map_err(|reject| explained(reject, forgiven)) {
                Ok(reached) => {
                    server.stats.count_accepted(&worker, peer);
                    peer_state.accepted();
                    let workers = &server.workers;
                    let least = workers.share(&worker, found.job.target, reached, unix_seconds());
                    share = Some(Accepted { worker, found, least });
                    Reply::Done
                }
                Err(reject) => {
                    if matches!(reject, Reject::LowDifficulty { .. } | Reject::JobNotFound) {
                        server.intake.rescue(
                            peer_state.lane(),
                            &worker,
                            &addresses,
                            counter,
                            Some(&found.job),
                        );
                    }
                    server.stats.count_rejected(&reject, Some((&worker, found.job.target)));
                    server.workers.refused(&worker, &reject);
                    peer_state.refused(&reject);
                    log_refused(peer, &worker, &reject);
                    Reply::Refused(reject)
                }
            };
            // The share is settled even if nobody is left to get the answer.
            let bytes = dialect.encode(&Message::Reply(id, reply));
            if let Some(tap) = &tap {
                tap.said(Spoken::Answer, &bytes);
            }
            let _ = out.send(&bytes).await;
            meters().ack.record(read.elapsed());
            // After the answer, since another target may follow from it. The target of a miner that is gone
            // does not matter.
            if let Some(share) = share {
                let _ = accepted.send(share);
            }
            drop((permit, slot, peer_state));
        });
        Flow::Continue(())
    }

    /// Session state, job, format: in this order.
    fn admit(&mut self, submit: Result<Submit, Reject>) -> Result<Admitted, Reject> {
        if !self.subscribed {
            return Err(Reject::NotSubscribed);
        }
        if self.logins.is_empty() {
            return Err(Reject::NotAuthorized);
        }
        let Submit { worker: named, job, puzzle, counter: raw } = submit?;
        let worker = login::credited(&self.logins, &named).ok_or(Reject::NotAuthorized)?;
        let counter = self.counters.read(&raw);
        let state = self.job_channel.state();
        let job = job.or_else(|| state.jobs.old_job_of(&puzzle?));
        let addresses = || state.jobs.addresses().collect::<BTreeSet<_>>().into_iter();
        let admitted = |found: ResolvedJob, forgiven, counter| {
            Ok(Admitted {
                worker: worker.clone(),
                found,
                forgiven,
                counter,
                addresses: addresses().collect(),
            })
        };
        match (state.jobs.find(job, self.server.now()), state.jobs.present(), counter) {
            (Ok(found), _, Some(counter)) => admitted(found, false, counter),
            (Ok(_), _, None) => Err(Reject::BadCounter),
            // Some devices name jobs that were never sent; they worked on the current one.
            (Err(Reject::JobNotFound), Some(found), Some(counter)) => admitted(found, true, counter),
            (Err(reject), _, counter) => {
                if let Some(stray) = counter {
                    let mut addresses: Vec<Address> = addresses().collect();
                    if addresses.is_empty() {
                        // Mined before the session began, for any of them.
                        addresses.extend(self.server.config.addresses.all());
                    }
                    self.server.intake.rescue(self.peer_state.lane(), &worker, &addresses, stray, None);
                }
                Err(reject)
            }
        }
    }

    async fn refuse_share(&self, id: Id, reject: Reject) -> Flow {
        let target = self.job_channel.state().jobs.present().map(|found| found.job.target);
        self.server.stats.count_rejected(&reject, self.logins.last().zip(target));
        self.peer_state.refused(&reject);
        if let Some(login) = self.logins.last() {
            self.server.workers.refused(login, &reject);
            log_refused(self.peer, login, &reject);
        }
        self.refuse(id, reject).await
    }
}

/// Why a share is refused, as the session sees it.
fn explained(reject: Reject, forgiven: bool) -> Reject {
    match reject {
        // It named no job and does not solve the current one either.
        Reject::LowDifficulty { .. } | Reject::NoAnswer if forgiven => Reject::JobNotFound,
        // It named the current job: the epoch ended on the way, or before the node could report it.
        Reject::Stale => Reject::EpochEnded,
        other => other,
    }
}

fn log_refused(peer: SocketAddr, worker: &Worker, reject: &Reject) {
    let code = reject.code();
    if let Reject::LowDifficulty { reached, assigned } = reject {
        debug!(%peer, account = worker.account, worker = worker.name, reached, assigned, "a share was too low");
    } else if code != RejectCode::Other {
        debug!(%peer, account = worker.account, worker = worker.name, reason = code.label(), "a share was refused");
    } else {
        info!(%peer, account = worker.account, worker = worker.name, reason = %reject, "a share was refused");
    }
}

//! The stratum port's own admin: `mining.authorize_admin` and `mining.add_user`.

use pool_core::reject::Reject;
use tracing::{info, warn};

use super::{Flow, Session};
use crate::stratum::{
    users::tries::LoginAttempt,
    wire::message::{Id, Reply},
};

impl Session {
    /// Logs the connection in as the port's admin; without an admin the method is unknown.
    pub(super) async fn authorize_admin(&mut self, id: Id, password: &str) -> Flow {
        let Some(right) = &self.server.accept.admin_password else {
            return self.refuse(id, Reject::UnknownMethod("mining.authorize_admin".into())).await;
        };
        if !self.peer_state.is_private() {
            return self.refuse(id, Reject::NotPrivate).await;
        }
        match right.attempt(password, std::time::Instant::now()) {
            LoginAttempt::Right => {
                info!(peer = %self.peer, session = self.id, "the port's admin logged in");
                self.is_admin = true;
                self.unauthenticated.is_known();
                self.reply(id, Reply::Done).await
            }
            LoginAttempt::Wrong => {
                warn!(peer = %self.peer, session = self.id, "wrong admin password");
                self.peer_state.strike(None);
                self.refuse(id, Reject::WrongPassword).await?;
                Flow::Break(())
            }
            LoginAttempt::TooMany => self.refuse(id, Reject::TooManyTries).await,
        }
    }

    pub(super) async fn add_user(&mut self, id: Id, username: &str, password: &str) -> Flow {
        let accept = &self.server.accept;
        if accept.admin_password.is_none() {
            return self.refuse(id, Reject::UnknownMethod("mining.add_user".into())).await;
        }
        if !self.is_admin {
            return self.refuse(id, Reject::NotAdmin).await;
        }
        match accept.users.add(username, password).await {
            Ok(()) => {
                info!(peer = %self.peer, username, "the port's admin added a user");
                self.reply(id, Reply::Done).await
            }
            Err(error) => self.refuse(id, Reject::NotDone(error.to_string())).await,
        }
    }
}

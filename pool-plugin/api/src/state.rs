//! What the routes answer from.

use std::{sync::Arc, time::Instant};

use pool_plugin::{
    operate::{admin::AdminHandle, view::View},
    stratum::users::tries::LoginAttempt,
};

use crate::{exposition::Exposition, listeners::Listeners, token::AdminToken};

/// Shared by all routes.
#[derive(Clone)]
pub struct State {
    pub view: View,
    pub admin: AdminHandle,
    pub exposition: Exposition,
    pub events: Arc<Listeners>,
    token: Option<Arc<AdminToken>>,
}

impl State {
    pub fn new(view: View, admin: AdminHandle, exposition: Exposition, events: Arc<Listeners>) -> Self {
        let token = view.config().api.admin_token.clone().map(|hash| Arc::new(AdminToken::new(hash)));
        Self { view, admin, exposition, events, token }
    }

    /// Whether a token is the admin's; `None`: there is no admin part.
    pub(crate) async fn attempt(&self, token: String) -> Option<LoginAttempt> {
        let admin = Arc::clone(self.token.as_ref()?);
        let attempt = tokio::task::spawn_blocking(move || admin.attempt(&token, Instant::now())).await;
        Some(attempt.unwrap_or(LoginAttempt::Wrong))
    }
}

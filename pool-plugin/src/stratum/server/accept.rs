//! What a connection must meet before it may log in, and at the login.

use std::sync::Arc;

use ipnet::IpNet;
use parking_lot::RwLock;

use super::tls::Tls;
use crate::stratum::{
    guard::Gate,
    users::{AdminPassword, Users},
};

/// The guard between the network and the sessions.
pub struct AcceptRules {
    pub gate: Arc<Gate>,
    /// `None`: no TLS.
    pub tls: Option<Arc<Tls>>,
    /// Proxies whose PROXY headers are trusted, and required.
    pub proxies: RwLock<Vec<IpNet>>,
    pub users: Arc<Users>,
    /// The password for `mining.add_user`. `None`: it is closed.
    pub admin_password: Option<AdminPassword>,
}

//! What is asked of whoever connects, before and at the login.

use std::sync::Arc;

use ipnet::IpNet;
use parking_lot::RwLock;

use super::tls::Tls;
use crate::stratum::{
    guard::Gate,
    users::{AdminPassword, Users},
};

/// What stands between the network and the sessions.
pub struct Entrance {
    pub gate: Arc<Gate>,
    /// `None`: no TLS is spoken.
    pub tls: Option<Arc<Tls>>,
    /// Whose PROXY headers are believed, and demanded.
    pub proxies: RwLock<Vec<IpNet>>,
    pub users: Arc<Users>,
    /// What opens `mining.add_user`. `None`: nothing does.
    pub admin_password: Option<AdminPassword>,
}

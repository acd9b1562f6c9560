//! Who is notified of what. What is shown of it has neither a secret nor the path of a URL, which with many services is a
//! secret too.

use std::{collections::BTreeSet, fmt, str::FromStr};

use ureq::http::Uri;

use super::EventKind;

/// A receiver, and which events it gets.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    pub url: String,
    /// The key that signs messages. `None`: they are not signed.
    pub secret: Option<Vec<u8>>,
    pub events: BTreeSet<EventKind>,
}

impl WebhookConfig {
    /// The part of the URL that is not secret.
    pub fn server(&self) -> String {
        server_of(&self.url).unwrap_or_default()
    }
}

impl fmt::Display for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events: Vec<_> = self.events.iter().map(|event| event.name()).collect();
        let signed = if self.secret.is_some() { "signed" } else { "unsigned" };
        write!(f, "{}/… ({signed}: {})", self.server(), events.join(" "))
    }
}

impl fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The part of a URL that is no secret; `None`: it is no URL that can be called.
pub(crate) fn server_of(url: &str) -> Option<String> {
    let uri = Uri::from_str(url).ok()?;
    let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
    let authority = uri.authority()?;
    let port = authority.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    // A user and a password before the host are left out.
    Some(format!("{scheme}://{}{port}", authority.host()))
}

//! TLS on the miners' port: the certificate, and its renewal without a restart.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use parking_lot::RwLock;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::time::interval;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often the files are checked. Checking is more reliable than notifications: renewals replace links and
/// folders.
const LOOK: Duration = Duration::from_secs(5);

/// A certificate from two PEM files.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    loaded: RwLock<Loaded>,
}

struct Loaded {
    files: Files,
    config: Arc<ServerConfig>,
}

/// The content of the files.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    /// Loads the certificate chain and its private key.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self> {
        let files = Files::read(certificate, key)?;
        let config = files.to_config()?;
        let loaded = RwLock::new(Loaded { files, config });
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), loaded })
    }

    /// The acceptor for new connections.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.loaded.read().config))
    }

    /// Loads the present files for future connections. `false`: they have not changed. On an error the old
    /// certificate stays.
    pub fn reload(&self) -> Result<bool> {
        let files = Files::read(&self.certificate, &self.key)?;
        if files == self.loaded.read().files {
            return Ok(false);
        }
        let config = files.to_config()?;
        *self.loaded.write() = Loaded { files, config };
        info!(file = %self.certificate.display(), "reloaded the TLS certificate");
        Ok(true)
    }

    /// Reloads whenever the files change, until `stop`.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let mut looks = interval(LOOK);
        let (mut before, mut logged) = (None, false);
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            let this = Arc::clone(&self);
            let trouble = match tokio::task::spawn_blocking(move || this.reload()).await {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => Some(format!("{error:#}")),
                Err(error) => Some(error.to_string()),
            };
            // A renewal is two files, written one after the other: an error that passes does not count.
            logged = match &trouble {
                Some(reason) if trouble == before && !logged => {
                    warn!(reason, "cannot reload the TLS certificate: still using the old one");
                    true
                }
                _ => logged && trouble == before,
            };
            before = trouble;
        }
    }
}

impl Files {
    fn read(certificate: &Path, key: &Path) -> Result<Self> {
        let read =
            |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        Ok(Self { certificate: read(certificate)?, key: read(key)? })
    }

    fn to_config(&self) -> Result<Arc<ServerConfig>> {
        let chain = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<Vec<_>, _>>()
            .context("the certificate is not PEM")?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).context("the private key is not PEM")?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .context("cannot set up TLS")?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .context("certificate and private key do not match")?;
        Ok(Arc::new(config))
    }
}

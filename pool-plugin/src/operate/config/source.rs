//! The sources of a configuration, kept so that a running pool can read it again.

use std::path::PathBuf;

use pool_core::types::Address;

use super::{Config, Context, PoolArgs, Problem, Problems, resolve};
use crate::stratum::{server::Tls, users::AdminPassword};

/// Whether an address is an account on the running network; the reason if not.
pub type CheckAddress = Box<dyn Fn(&Address) -> Result<(), String> + Send + Sync>;

/// Everything a configuration is made of: the flags, the file they name, and what the node knows of itself.
pub struct Source {
    pub args: PoolArgs,
    /// The node's own address, if it has an account that outlives the process.
    pub node_address: Option<Address>,
    /// `pool-<network>` in the node's data folder.
    pub default_data: PathBuf,
    pub cores: usize,
    pub check_address: CheckAddress,
}

impl Source {
    /// The current configuration from flags and file, checked as a whole.
    pub fn load(&self) -> Result<Config, Problems> {
        let file = self.args.pool_config.as_ref().map(|path| {
            let text = std::fs::read_to_string(path).map_err(|error| format!("it cannot be read: {error}"));
            (path.clone(), text)
        });
        let config = resolve(
            &self.args,
            Context {
                file,
                node_address: self.node_address,
                default_data: self.default_data.clone(),
                cores: self.cores,
                check_address: &*self.check_address,
            },
        )?;
        match check_files(&config) {
            problems if problems.is_empty() => Ok(config),
            problems => Err(Problems(problems)),
        }
    }
}

/// What is wrong with the files that a configuration names.
fn check_files(config: &Config) -> Vec<Problem> {
    let mut problems = vec![];
    let mut judge = |key: &str, checked: Option<anyhow::Result<()>>, allowed: &str| {
        if let Some(Err(error)) = checked {
            let (key, origin, allowed) = (key.to_owned(), "its file".to_owned(), allowed.to_owned());
            problems.push(Problem { key, origin, wrong: format!("{error:#}"), near: None, allowed });
        }
    };
    let accept = &config.accept;
    let tls = accept.tls.as_ref().map(|(certificate, key)| Tls::open(certificate, key).map(drop));
    judge("tls_certificate", tls, "a certificate chain and its private key, PEM");
    let password = accept.admin_password_file.as_deref().map(|file| AdminPassword::read(file).map(drop));
    judge("admin_password_file", password, "a password of 12 bytes or more in a file of mode 600");
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(file: &std::path::Path) -> Source {
        Source {
            args: PoolArgs { pool_config: Some(file.to_owned()), ..PoolArgs::default() },
            node_address: Some(Address([7; 32])),
            default_data: "/data".into(),
            cores: 2,
            check_address: Box::new(|_| Ok(())),
        }
    }

    #[test]
    fn the_file_is_read_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pool.toml");
        std::fs::write(&file, "share_target = 5").unwrap();
        let source = source(&file);
        assert_eq!(source.load().unwrap().share_target, 5);
        std::fs::write(&file, "share_target = 6").unwrap();
        assert_eq!(source.load().unwrap().share_target, 6);
        std::fs::remove_file(&file).unwrap();
        assert!(source.load().unwrap_err().to_string().contains("cannot be read"));
    }

    #[test]
    fn files_that_are_named_must_be_usable() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pool.toml");
        let text =
            "tls_certificate = \"/none.pem\"\ntls_key = \"/none.key\"\nadmin_password_file = \"/none\"";
        std::fs::write(&file, text).unwrap();
        let problems = source(&file).load().unwrap_err();
        let keys: Vec<_> = problems.0.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["tls_certificate", "admin_password_file"]);
        assert!(problems.to_string().contains("cannot read /none.pem"), "{problems}");
    }
}

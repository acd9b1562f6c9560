//! Logins: who is credited.
//!
//! `account.worker`, `aleo1….worker`, or either without a worker. The part before the first dot is the
//! account that is paid; the rest names the machine.

use crate::types::{Address, Worker};

/// The longest account name, in bytes.
pub const MAX_ACCOUNT: usize = 64;
/// The longest worker name, in bytes.
pub const MAX_WORKER: usize = 64;

/// Why a login is not valid. The miner gets the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    #[error("{0}; check the address")]
    Address(String),
    #[error("'{0}' is not an account: use an Aleo address, or 1 to {MAX_ACCOUNT} of a-z, A-Z, 0-9, _ and -")]
    Account(String),
    #[error("the worker name is longer than {MAX_WORKER} bytes: shorten it")]
    WorkerTooLong,
    #[error("the worker name has a control character: use printable text")]
    WorkerNotPrintable,
}

/// Reads a login. An Aleo address is returned in lower case, with its checksum verified; an account name
/// stays as it is, and is case-sensitive.
pub fn parse_login(login: &str) -> Result<Worker, LoginError> {
    let (account, worker) = login.trim().split_once('.').unwrap_or((login.trim(), ""));
    Ok(Worker { account: parse_account(account)?, name: parse_worker(worker)? })
}

/// Reads an account and a worker given separately.
pub fn parse_account_and_worker(account: &str, worker: &str) -> Result<Worker, LoginError> {
    Ok(Worker { account: parse_account(account.trim())?, name: parse_worker(worker)? })
}

/// Who is credited for a share that names `submitted`, on a connection where `logins` have logged in, the
/// last one last. A share's name proves nothing, so it only ever selects an account that logged in here: the
/// worker the share names, if it logged in or is a machine of an account that did; else the last login.
/// `None` without a login.
pub fn credited(logins: &[Worker], submitted: &str) -> Option<Worker> {
    let last = logins.last()?;
    let Ok(named) = parse_login(submitted) else { return Some(last.clone()) };
    let of_an_account = || logins.iter().any(|login| login.account == named.account);
    if logins.contains(&named) || (!named.name.is_empty() && of_an_account()) {
        return Some(named);
    }
    Some(last.clone())
}

fn parse_account(text: &str) -> Result<String, LoginError> {
    let lower = text.to_ascii_lowercase();
    // An address with a typo must not silently become an account of that name.
    if lower.starts_with("aleo1") {
        let address: Address = lower
            .parse()
            .map_err(|error: crate::types::ParseTextError| LoginError::Address(error.to_string()))?;
        return Ok(address.to_string());
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !(1..=MAX_ACCOUNT).contains(&text.len()) || !text.bytes().all(allowed) {
        return Err(LoginError::Account(
            text.chars().filter(|c| is_printable(*c)).take(MAX_ACCOUNT).collect(),
        ));
    }
    Ok(text.to_string())
}

fn parse_worker(text: &str) -> Result<String, LoginError> {
    let worker = text.trim();
    if worker.len() > MAX_WORKER {
        return Err(LoginError::WorkerTooLong);
    }
    if !worker.chars().all(is_printable) {
        return Err(LoginError::WorkerNotPrintable);
    }
    Ok(worker.to_string())
}

// Excludes control characters, and those that break a line or reverse the text around it: a log line or a
// table cell must show its real content.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ADDRESS: &str = "aleo1rhgdu77hgyqd3xjj8ucu3jj9r2krwz6mnzyd80gncr5fxcwlh5rsvzp9px";

    fn worker(account: &str, name: &str) -> Worker {
        Worker { account: account.into(), name: name.into() }
    }

    #[test]
    fn the_three_logins_of_the_field() {
        assert_eq!(parse_login("alice.rig1"), Ok(worker("alice", "rig1")));
        assert_eq!(parse_login(&format!("{ADDRESS}.rig1")), Ok(worker(ADDRESS, "rig1")));
        assert_eq!(parse_login(ADDRESS), Ok(worker(ADDRESS, "")));
        assert_eq!(parse_login("alice."), Ok(worker("alice", "")));
        assert_eq!(parse_login("alice.a.b"), Ok(worker("alice", "a.b")));
    }

    #[test]
    fn an_address_has_one_spelling() {
        assert_eq!(parse_login(&ADDRESS.to_uppercase()), Ok(worker(ADDRESS, "")));
        assert_eq!(parse_login(&format!(" {ADDRESS} ")), Ok(worker(ADDRESS, "")));
    }

    #[test]
    fn a_typo_in_an_address_is_no_account() {
        let wrong = ADDRESS.replace("aleo1r", "aleo1q");
        assert!(matches!(parse_login(&wrong), Err(LoginError::Address(_))));
        assert!(matches!(parse_login("aleo1"), Err(LoginError::Address(_))));
        assert!(matches!(parse_login(&format!("{}.rig", &ADDRESS[..62])), Err(LoginError::Address(_))));
    }

    #[test]
    fn accounts_keep_to_their_letters() {
        for wrong in ["", ".rig", "a b", "é", "a/b", "<b>", &"a".repeat(65)] {
            assert!(matches!(parse_login(wrong), Err(LoginError::Account(_))), "{wrong}");
        }
        assert!(parse_login(&"a".repeat(64)).is_ok());
    }

    #[test]
    fn workers_may_be_called_anything_printable() {
        for name in ["rig 1", "\"quoted\"", "<script>", "räk-01", "矿机", "100%"] {
            assert_eq!(parse_login(&format!("a.{name}")), Ok(worker("a", name)));
        }
        assert_eq!(parse_login("a.x\u{7}y"), Err(LoginError::WorkerNotPrintable));
        assert_eq!(parse_login("a.x\u{202e}y"), Err(LoginError::WorkerNotPrintable));
        assert_eq!(parse_login(&format!("a.{}", "x".repeat(65))), Err(LoginError::WorkerTooLong));
        assert!(parse_login(&format!("a.{}", "x".repeat(64))).is_ok());
    }

    #[test]
    fn a_share_is_credited_to_the_account_that_logged_in() {
        let login = worker(ADDRESS, "rig1");
        let credited = |named: &str| credited(std::slice::from_ref(&login), named);
        assert_eq!(credited(&format!("{ADDRESS}.rig2")), Some(worker(ADDRESS, "rig2")));
        for other in [ADDRESS, "mallory.rig2", "rig2", "", "aleo1bad.rig2"] {
            assert_eq!(credited(other), Some(login.clone()), "{other}");
        }
    }

    #[test]
    fn a_connection_of_several_workers_is_credited_by_name() {
        let logins = [worker("alice", "rig1"), worker("bob", "")];
        assert_eq!(credited(&logins, "alice.rig1"), Some(worker("alice", "rig1")));
        assert_eq!(credited(&logins, "bob"), Some(worker("bob", "")));
        for other in ["alice", "carol.rig1", ""] {
            assert_eq!(credited(&logins, other), Some(worker("bob", "")), "{other}");
        }
        assert_eq!(credited(&[], "alice"), None);
    }

    proptest! {
        #[test]
        fn a_login_that_is_read_reads_the_same_again(login: String) {
            if let Ok(read) = parse_login(&login) {
                prop_assert_eq!(parse_login(&format!("{}.{}", read.account, read.name)), Ok(read));
            }
        }

        #[test]
        fn nothing_a_share_says_moves_its_credit(submitted: String) {
            let login = worker("alice", "rig1");
            prop_assert_eq!(credited(&[login], &submitted).unwrap().account, "alice");
        }
    }
}

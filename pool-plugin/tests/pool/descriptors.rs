//! F25: a process that runs out of file descriptors. The pool runs in a child with few of them.

use std::{
    env,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Command, Stdio},
};

use crate::{
    child,
    pool_support::{Client, EvenSolves, chain, start, until},
};

const CHILD: &str = "POOL_DESCRIPTORS_CHILD";
const LIMIT: usize = 128;

/// Runs a pool until its standard input ends, if this is the child.
#[test]
fn child() {
    let Ok(data) = env::var(CHILD) else { return };
    let pool = start(&chain(), data.as_ref(), EvenSolves::default());
    println!("\nlistening {}", pool.address);
    let _ = std::io::stdin().read_line(&mut String::new());
    pool.stop();
}

#[test]
fn f25_the_port_stays_below_the_limit_and_the_database_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let test = child::command(module_path!(), "child");
    let mut process = Command::new("sh")
        .arg("-c")
        .arg(format!("ulimit -n {LIMIT} && exec \"$0\" \"$@\""))
        .arg(test.get_program())
        .args(test.get_args())
        .env(CHILD, data.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let address: SocketAddr = lines
        .find_map(|line| line.unwrap().strip_prefix("listening ").map(|address| address.parse().unwrap()))
        .expect("the child prints its port");

    let mut served: Vec<Client> = Vec::new();
    let mut refused = 0;
    for _ in 0..LIMIT + 20 {
        let mut client = Client::connect(address);
        match client.try_to_work("ann.rig", &serde_json::Value::Null) {
            true => served.push(client),
            false => refused += 1,
        }
    }
    assert_eq!(served.len(), LIMIT / 2, "half is the node's");
    assert_eq!(refused, LIMIT / 2 + 20);
    for (number, client) in served.iter_mut().enumerate() {
        assert_eq!(client.submit(2 * number as u64 + 1), 0, "shares are still written");
    }
    drop(served);
    until("there is room again", || {
        Client::connect(address).try_to_work("bob.rig", &serde_json::Value::Null)
    });
    drop(process.stdin.take());
    assert!(process.wait().unwrap().success());
}

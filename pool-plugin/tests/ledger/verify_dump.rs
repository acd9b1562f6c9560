//! The two verifiers, ours and the miners' script, agree on the same files: true, damaged and forged ones.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

use pool_core::{
    accounting::terms::{Fee, Rules, Scheme},
    chain::node_rest_client::RestNode,
    types::Network,
};
use pool_plugin::{
    books::dump::{
        self,
        verify::{Summary, Verdict, VerifyError, verify},
    },
    ledger::ShareLedger,
};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::{
    repository,
    support::{POOL, PROOF_TARGET, append_for, block, found, key, open, solution, worker},
};

const SCRIPT: &str = "scripts/verify_dump.py";
const FIRST: u32 = 10;
const LAST: u32 = 16;

/// A pool's data folder: a dump of version 1, then each scheme in turn, with names chosen to break things.
async fn folder() -> (TempDir, ShareLedger) {
    let dir = tempdir().unwrap();
    let ledger = open(&dir.path().join("db"));
    let names = ["ann", "\u{202e}<b>\u{7f}\"\\", "矿工 👷", "fee", "z\n\t\u{1}"];
    let fees = vec![
        Fee { account: "fee".to_owned(), basis_points: 175 },
        Fee { account: "given".to_owned(), basis_points: 25 },
    ];
    let mut counter = 0;
    for height in FIRST..=LAST {
        let scheme = match height {
            FIRST => None,
            11 | 12 => Some(Scheme::Prop),
            13 | 14 => Some(Scheme::Pplns { window: 1 }),
            _ => Some(Scheme::Solo),
        };
        if let Some(scheme) = scheme {
            ledger.set_rules(Rules { scheme, fees: fees.clone() }).await.unwrap();
        }
        // No share before block 12: it carries its reward on.
        for name in names.iter().filter(|_| height != 12) {
            counter += 1;
            append_for(&ledger, key(0, counter), worker(name, name), 90 + counter).await.unwrap();
        }
        let mut finder = found(0, u64::from(height));
        finder.finder = Some(worker(names[height as usize % names.len()], ""));
        ledger.record_found(finder).await.unwrap();
        ledger.apply_block(block(height, &[u64::from(height), u64::MAX - u64::from(height)])).await.unwrap();
    }
    let repaired = dump::write_missing(&ledger, &dir.path().join("shares"), Network::Testnet).unwrap();
    for (height, mark) in repaired.marks {
        ledger.record_dump(height, mark).await.unwrap();
    }
    (dir, ledger)
}

fn dumps(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join("shares")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert_eq!(paths.len(), (LAST - FIRST + 1) as usize);
    paths
}

/// Whether the script finds all files right, and its output.
fn script(paths: &[PathBuf], node: Option<&str>) -> (bool, String) {
    let mut command = Command::new("python3");
    command.arg(repository::file(SCRIPT)).args(paths);
    if let Some(node) = node {
        command.args(["--node", node]);
    }
    let output = command.output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("Traceback"), "{said}");
    (output.status.success(), said)
}

fn ours(paths: &[PathBuf], node: Option<&RestNode>) -> (bool, String) {
    let verdicts = verify(paths.to_vec(), None, node);
    assert_eq!(verdicts.len(), paths.len());
    let right = verdicts.iter().all(|(_, verdict)| matches!(verdict, Verdict::Right(_)));
    (right, format!("{verdicts:?}"))
}

#[track_caller]
fn both(paths: &[PathBuf], right: bool, what: &str) {
    let (rust, python) = (ours(paths, None), script(paths, None));
    assert_eq!((rust.0, python.0), (right, right), "{what}:\n{}\n{}", rust.1, python.1);
}

#[tokio::test]
async fn both_find_true_dumps_right_alone_and_as_a_chain() {
    let (dir, _ledger) = folder().await;
    let paths = dumps(dir.path());
    both(&paths, true, "the whole chain");
    for path in &paths {
        both(std::slice::from_ref(path), true, "a dump alone");
    }
    both(&[paths[2].clone(), paths[4].clone()], false, "one is missing in between");
    both(&[paths[4].clone(), paths[3].clone()], true, "the order of the arguments does not matter");

    let mut out = Vec::new();
    let summary = dump::verify::run(&[], Some(dir.path()), None, &mut out).unwrap();
    let said = String::from_utf8(out).unwrap();
    assert_eq!(summary, Summary { right: 7, ..Summary::default() }, "{said}");
    assert!(said.lines().last().unwrap().ends_with("right (sums, digest, split, chain, shares)"), "{said}");
}

/// Every number and text of a dump, by its path.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, &format!("{path}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                leaves(member, &format!("{path}/{name}"), found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

fn changed(value: &Value, path: &str) -> Value {
    let mut changed = value.clone();
    let leaf = changed.pointer_mut(path).unwrap();
    *leaf = match leaf {
        Value::Number(number) => (number.as_u64().unwrap() + 1).into(),
        Value::String(text) => match text.parse::<u64>() {
            Ok(number) => (number + 1).to_string().into(),
            Err(_) => format!("{text}x").into(),
        },
        _ => Value::from("something"),
    };
    changed
}

/// One run of the script's functions over many files: `True` or `False` for each. With `sign`, each gets the
/// digest of its content first.
fn script_on_each(paths: &[PathBuf], sign: bool) -> Vec<bool> {
    let program = "
import json, os, sys
sys.path.insert(0, sys.argv[1])
import verify_dump as v
for path in sys.argv[3:]:
    with open(path, encoding='utf-8') as file:
        dump = json.load(file)
    if sys.argv[2] == 'sign':
        dump['digest'] = v.digest(dump)
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(dump, file)
    try:
        v.verify(dump, None, None)
        print('right')
    except (v.Wrong, KeyError, TypeError, AttributeError, ValueError):
        print('wrong')
";
    let output = Command::new("python3")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["-c", program])
        .arg(repository::file("scripts"))
        .arg(if sign { "sign" } else { "as it is" })
        .args(paths)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| line == "right").collect()
}

#[tokio::test]
async fn both_judge_every_damaged_and_every_forged_dump_alike() {
    let (dir, _ledger) = folder().await;
    let forged = tempdir().unwrap();
    for (path, sign) in dumps(dir.path()).iter().flat_map(|path| [(path, false), (path, true)]) {
        let value: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let first_version = value["schema_version"] == 1;
        if first_version && sign {
            continue;
        }
        let mut places = vec![];
        leaves(&value, "", &mut places);
        let files: Vec<PathBuf> = places
            .iter()
            .enumerate()
            .map(|(number, place)| {
                let file = forged.path().join(format!("{number}.json"));
                std::fs::write(&file, serde_json::to_vec(&changed(&value, place)).unwrap()).unwrap();
                file
            })
            .collect();
        let python = script_on_each(&files, sign);
        let mut caught = 0;
        for ((file, place), python) in files.iter().zip(&places).zip(python) {
            let (rust, said) = ours(std::slice::from_ref(file), None);
            assert_eq!(rust, python, "{place} of {}, signed: {sign}: {said}", path.display());
            assert!(first_version || sign || !rust, "{place} is not in the digest");
            // No signature may make a moved reward valid.
            assert!(first_version || !place.ends_with("/reward") || !rust, "{place} of {}", path.display());
            caught += usize::from(!rust);
        }
        assert!(caught * 3 > places.len(), "{caught} of {}", places.len());
    }
}

/// What the node's REST port would return for the blocks of `folder`.
fn block_json(height: u32, pot_factor: u64) -> Value {
    let landed = block(height, &[u64::from(height), u64::MAX - u64::from(height)]);
    let solutions: Vec<Value> = landed
        .landed
        .iter()
        .map(|(one, _)| {
            json!({
                "partial_solution": {
                    "solution_id": one.id().to_string(), "epoch_hash": "ab1x",
                    "address": one.address.to_string(), "counter": one.counter,
                },
                "target": one.target,
            })
        })
        .collect();
    json!({
        "block_hash": landed.hash.to_string(),
        "header": {"metadata": {"timestamp": landed.timestamp, "proof_target": landed.proof_target}},
        "ratifications": [{"type": "block_reward", "amount": 3}, {"type": "puzzle_reward", "amount": pot_factor * 1_000_000}],
        "solutions": {"version": 1, "solutions": {"solutions": solutions}},
    })
}

/// A node's port that returns `block` for any requested height; returns its address.
fn serve(show: impl Fn(u32) -> Option<Value> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            reader.read_line(&mut request).unwrap();
            loop {
                let mut header = String::new();
                if reader.read_line(&mut header).unwrap() == 0 || header == "\r\n" {
                    break;
                }
            }
            let path = request.split(' ').nth(1).unwrap().to_owned();
            let block = path.strip_prefix("/testnet/block/").and_then(|height| show(height.parse().unwrap()));
            let (status, body) = match block {
                Some(block) => ("200 OK", block.to_string()),
                None => ("404 Not Found", "{}".to_owned()),
            };
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .unwrap();
        }
    });
    address
}

/// A dump whose rewards are those that the chain of `block_json` pays.
async fn paid(reward: u64) -> (TempDir, PathBuf) {
    let dir = tempdir().unwrap();
    let ledger = open(&dir.path().join("db"));
    ledger.set_rules(Rules::default()).await.unwrap();
    append_for(&ledger, key(0, 1), worker("ann", "rig"), PROOF_TARGET).await.unwrap();
    let mut outcome = block(10, &[10, u64::MAX - 10]);
    outcome.landed.iter_mut().for_each(|landed| landed.1 = reward);
    let round = ledger.apply_block(outcome).await.unwrap().unwrap();
    let written = dump::write(dir.path(), &ledger, &round, Network::Testnet).unwrap();
    (dir, written.path)
}

#[tokio::test]
async fn both_ask_a_node_whether_the_block_and_its_rewards_are_real() {
    let (_dir, path) = paid(1_000_000).await;
    let judge = |address: &str| {
        let rust = ours(std::slice::from_ref(&path), Some(&RestNode::new(address)));
        let python = script(std::slice::from_ref(&path), Some(address));
        assert_eq!(rust.0, python.0, "{}\n{}", rust.1, python.1);
        rust
    };
    assert!(judge(&serve(|height| Some(block_json(height, 2)))).0);
    let wrong = [
        ("/block_hash", json!("ab1another")),
        ("/header/metadata/timestamp", json!(5)),
        ("/header/metadata/proof_target", json!(5)),
        ("/ratifications/1/amount", json!(1_999_998)),
        ("/solutions/solutions/solutions/0/target", json!(5)),
        ("/solutions/solutions/solutions/0/partial_solution/counter", json!(5)),
        ("/solutions/solutions/solutions/0/partial_solution/address", json!(POOL.to_string() + "x")),
        ("/solutions/solutions/solutions/1/partial_solution/solution_id", json!("solution1x")),
        ("/solutions/solutions", Value::Null),
    ];
    for (place, value) in wrong {
        let address = serve(move |height| {
            let mut block = block_json(height, 2);
            *block.pointer_mut(place).unwrap() = value.clone();
            Some(block)
        });
        let (right, said) = judge(&address);
        assert!(!right && said.contains("Wrong"), "{place}: {said}");
    }
    let (right, said) = judge(&serve(|_| None));
    assert!(!right && said.contains("Unknown") && said.contains("404"), "{said}");
}

#[tokio::test]
async fn the_database_tells_what_the_file_alone_cannot() {
    let (dir, ledger) = folder().await;
    let paths = dumps(dir.path());
    // A dump that is consistent in itself, but not of these shares.
    let mut lie: Value = serde_json::from_slice(&std::fs::read(&paths[6]).unwrap()).unwrap();
    lie["timestamp"] = json!(5);
    std::fs::write(&paths[6], lie.to_string()).unwrap();
    script_on_each(&paths[6..], true);
    both(&paths[6..], true, "alone");
    let verdicts = verify(paths.clone(), Some(&ledger), None);
    assert_eq!(verdicts[6].1.to_string(), "WRONG: the database gives a different dump");
    assert!(verdicts[..6].iter().all(|(_, verdict)| matches!(verdict, Verdict::Right(_))), "{verdicts:?}");

    std::fs::remove_file(&paths[3]).unwrap();
    let mut out = Vec::new();
    let summary = dump::verify::run(&[], Some(dir.path()), None, &mut out).unwrap();
    let said = String::from_utf8(out).unwrap();
    assert!(said.starts_with(&format!("{}: WRONG: No such file", paths[3].display())), "{said}");
    assert_eq!(
        (summary.wrong, summary.right),
        (3, 4),
        "the missing one, the one after it and the lie: {said}"
    );
    assert!(matches!(dump::verify::run(&[], None, None, &mut Vec::new()), Err(VerifyError::Nothing)));
    assert_eq!(solution(0, 1).address, POOL);
}

use pool_core::accounting::terms::Rules;

use super::*;
use crate::stratum::users::UserMode;

const ADDRESS: &str = "aleo1rhgdu77hgyqd3xjj8ucu3jj9r2krwz6mnzyd80gncr5fxcwlh5rsvzp9px";

fn check(args: &PoolArgs, file: Option<&str>, node_address: Option<Address>) -> Result<Config, Problems> {
    let context = Context {
        file: file.map(|text| ("pool.toml".into(), Ok(text.to_owned()))),
        node_address,
        default_data: "/data/pool-testnet".into(),
        cores: 8,
        check_address: &|_| Ok(()),
    };
    resolve(args, context)
}

fn args<const N: usize>(flags: [(&'static str, &str); N]) -> PoolArgs {
    let keys = flags.into_iter().map(|(key, value)| (key, value.to_owned())).collect();
    PoolArgs { keys, ..PoolArgs::default() }
}

fn keys(problems: &Problems) -> Vec<&str> {
    problems.0.iter().map(|problem| problem.key.as_str()).collect()
}

#[test]
fn defaults_need_only_the_nodes_account() {
    let config = check(&PoolArgs::default(), None, Some(Address([7; 32]))).unwrap();
    assert_eq!(config.addresses, [Address([7; 32])]);
    assert_eq!(config.listen.to_string(), "0.0.0.0:3333");
    assert_eq!(config.data, PathBuf::from("/data/pool-testnet"));
    assert_eq!(config.verify_threads, 4);
}

#[test]
fn a_node_without_an_account_needs_an_address() {
    let problems = check(&PoolArgs::default(), None, None).unwrap_err();
    assert_eq!(keys(&problems), ["address"]);
    assert!(problems.to_string().contains("--pool-address"));
}

#[test]
fn further_ports_come_from_flags_or_else_from_the_file() {
    let file = "[[port]]\nlisten = \"0.0.0.0:4000\"\ndialect = \"generic\"\n[[port]]\nlisten = \"[::1]:1\"\ndialect = \"json\"";
    let names = |args: &PoolArgs| -> Vec<String> {
        let config = check(args, Some(file), Some(Address([7; 32]))).unwrap();
        config.ports.iter().map(|port| format!("{}@{}", port.dialect, port.listen)).collect()
    };
    assert_eq!(names(&PoolArgs::default()), ["generic@0.0.0.0:4000", "json@[::1]:1"]);
    let args = args([("port", "aleostratum@127.0.0.1:5")]);
    assert_eq!(names(&args), ["aleostratum@127.0.0.1:5"]);
}

#[test]
fn a_port_may_have_a_share_target_of_its_own() {
    let targets = |args: &PoolArgs, file: Option<&str>| -> Vec<Option<u64>> {
        let config = check(args, file, Some(Address([7; 32]))).unwrap();
        config.ports.iter().map(|port| port.fixed_share_target).collect()
    };
    let args = args([("port", "json@0.0.0.0:1,d=5_000"), ("port", "json@[::1]:2")]);
    assert_eq!(targets(&args, None), [Some(5_000), None]);
    let file = "[[port]]\nlisten = \"0.0.0.0:1\"\ndialect = \"json\"\nfixed_share_target = 7";
    assert_eq!(targets(&PoolArgs::default(), Some(file)), [Some(7)]);
}

#[test]
fn a_capture_has_a_folder_and_perhaps_one_address() {
    let args = args([("capture", "/tmp/c")]);
    let file = Some("capture_address = \"10.0.0.7\"");
    let capture = check(&args, file, Some(Address([7; 32]))).unwrap().capture.unwrap();
    assert_eq!(capture.folder, PathBuf::from("/tmp/c"));
    assert_eq!(capture.only, Some("10.0.0.7".parse().unwrap()));
    let problems = check(&PoolArgs::default(), file, Some(Address([7; 32]))).unwrap_err();
    assert_eq!(keys(&problems), ["capture_address"]);
}

#[test]
fn every_wrong_port_is_named() {
    let flags = [
        "0.0.0.0:1",
        "esperanto@0.0.0.0:1",
        "json@here",
        "json@0.0.0.0:1,5000",
        "json@0.0.0.0:1,d=0",
        "json@0.0.0.0:1,d=many",
    ];
    let args = args(flags.map(|flag| ("port", flag)));
    let problems = check(&args, None, Some(Address([7; 32]))).unwrap_err();
    assert_eq!(keys(&problems), ["port"; 6]);
    for file in [
        "port = 3",
        "port = [3]",
        "[[port]]\nlisten = \"0.0.0.0:1\"",
        "[[port]]\nlisten = 1\ndialect = \"json\"",
        "[[port]]\nlisten = \"0.0.0.0:1\"\ndialect = \"json\"\ntls = true",
        "[[port]]\nlisten = \"0.0.0.0:1\"\ndialect = \"json\"\nfixed_share_target = 0",
    ] {
        let problems = check(&PoolArgs::default(), Some(file), Some(Address([7; 32]))).unwrap_err();
        assert_eq!(keys(&problems), ["port"], "{file}");
        assert!(
            problems
                .to_string()
                .contains("dialect one of json, aleostratum, generic, aion, abmatrix, zkwork"),
            "{problems}"
        );
    }
}

#[test]
fn flags_win_over_the_file() {
    let args = args([("share_target", "5")]);
    let file = format!("share_target = 9\nlisten = \"127.0.0.1:1\"\naddress = \"{ADDRESS}\"");
    let config = check(&args, Some(&file), None).unwrap();
    assert_eq!(config.share_target, 5);
    assert_eq!(config.listen.to_string(), "127.0.0.1:1");
    assert_eq!(config.addresses, [ADDRESS.parse().unwrap()]);
}

#[test]
fn several_addresses_come_from_flags_or_else_from_the_file() {
    let (one, other) = (Address([1; 32]), Address([2; 32]));
    let file = format!("address = [\"{one}\", \"{other}\"]");
    let addresses = |args: &PoolArgs| check(args, Some(&file), Some(Address([7; 32]))).unwrap().addresses;
    assert_eq!(addresses(&PoolArgs::default()), [one, other], "without the node's account");
    let args = args([("address", ADDRESS)]);
    assert_eq!(addresses(&args), [ADDRESS.parse().unwrap()]);
}

#[test]
fn every_wrong_address_is_named() {
    let args = args([ADDRESS, "aleo1oops", ADDRESS].map(|flag| ("address", flag)));
    let problems = check(&args, None, Some(Address([7; 32]))).unwrap_err();
    assert_eq!(keys(&problems), ["address"; 2]);
    assert!(problems.to_string().contains("'aleo1oops' is not an Aleo address"), "{problems}");
    assert!(problems.to_string().contains("is given twice"), "{problems}");
    for file in ["address = []", "address = 5", "address = [5]"] {
        let problems = check(&PoolArgs::default(), Some(file), None).unwrap_err();
        assert_eq!(keys(&problems), ["address"], "{file}");
    }
}

#[test]
fn every_mistake_is_listed_with_its_key_origin_and_what_is_allowed() {
    let args = args([("listen", "nowhere")]);
    let file = "share_target = 0\naddress = \"aleo1oops\"\nverify_threads = 1.5\nshare_taget = 3";
    let problems = check(&args, Some(file), Some(Address([7; 32]))).unwrap_err();
    assert_eq!(keys(&problems), ["share_taget", "listen", "address", "share_target", "verify_threads"]);
    let text = problems.to_string();
    assert!(text.starts_with("the pool's configuration has 5 problems:"), "{text}");
    assert!(text.contains("listen (--pool-listen): 'nowhere' is not an address with a port"), "{text}");
    assert!(text.contains("share_target (pool.toml): 0 is out of range; allowed: a whole number"), "{text}");
    assert!(text.contains("a float stands where"), "{text}");
}

#[test]
fn schemes_and_fees_are_read_and_judged_like_logins() {
    let file = format!("scheme = \"pplns:9\"\nfees = \"{}:100, donations:25\"", ADDRESS.to_uppercase());
    let rules = check(&PoolArgs::default(), Some(&file), Some(Address([7; 32]))).unwrap().rules;
    assert_eq!(
        rules.to_string(),
        format!("pplns:9, 100 basis points to {ADDRESS}, 25 basis points to donations")
    );
    let default = check(&PoolArgs::default(), None, Some(Address([7; 32]))).unwrap().rules;
    assert_eq!(default, Rules::default());
    for file in ["scheme = \"pps\"", "fees = \"aleo1typo:5\"", "fees = \"ann.rig:5\"", "fees = \"ann\""] {
        let problems = check(&PoolArgs::default(), Some(file), Some(Address([7; 32]))).unwrap_err();
        assert_eq!(problems.0.len(), 1, "{problems}");
    }
}

#[test]
fn a_file_that_does_not_parse_is_one_problem_on_one_line() {
    let problems = check(&PoolArgs::default(), Some("listen = \n"), Some(Address([7; 32]))).unwrap_err();
    assert_eq!(keys(&problems), ["pool-config"]);
    assert_eq!(problems.to_string().lines().count(), 2);
}

#[test]
fn the_entrance_is_read_too() {
    let file = "proxies = \"10.0.0.7, 192.168.0.0/16\"\nusers = \"closed\"\nmax_per_address = 9";
    let accept = check(&PoolArgs::default(), Some(file), Some(Address([7; 32]))).unwrap().accept;
    assert_eq!(accept.proxies.len(), 2);
    assert_eq!((accept.users, accept.max_per_address), (UserMode::Closed, 9));

    let wrong = "proxies = \"nowhere\"\nusers = \"some\"\ntls_key = \"key.pem\"";
    let problems = check(&PoolArgs::default(), Some(wrong), Some(Address([7; 32]))).unwrap_err();
    assert_eq!(keys(&problems), ["proxies", "users", "tls_certificate"]);
}

#[test]
fn a_file_that_does_not_parse_is_not_quoted() {
    let file = "listen = \"0.0.0.0:1\"\n[sinks.redis]\nurl = redis://:hunter2@x\n";
    let problems = check(&PoolArgs::default(), Some(file), Some(Address([7; 32]))).unwrap_err();
    assert!(problems.to_string().contains("line 3: "), "{problems}");
    assert!(!problems.to_string().contains("hunter2"), "{problems}");
}

#[test]
fn an_address_the_network_refuses_is_a_problem() {
    let context = Context {
        file: None,
        node_address: None,
        default_data: "/data".into(),
        cores: 1,
        check_address: &|_| Err("no such account".into()),
    };
    let args = args([("address", ADDRESS)]);
    assert!(resolve(&args, context).unwrap_err().to_string().contains("no such account"));
}

#[test]
fn every_near_miss_of_names_gets_a_suggestion_all_at_once() {
    let file = r#"
        share_taget = 3
        realese = "auto"
        release = "imediate"
        scheme = "pplsn:4"
        puzzle = "Native"
        users = "opne"
        [[port]]
        listen = "0.0.0.0:1"
        dialect = "aleo-stratum"
        [[port]]
        lisen = "0.0.0.0:1"
        dialect = "json"
        [api]
        cor = "*"
        [sinks.reddis]
        url = "redis://a"
        [sinks.postgres]
        url = "postgres://a@b/c"
        locaton = "x"
        [[webhook]]
        url = "https://a/b"
        events = ["landed", "losst"]
        [[webhook]]
        url = "https://a/b"
        secert = "hunter2"
    "#;
    let problems = check(&PoolArgs::default(), Some(file), Some(Address([7; 32]))).unwrap_err();
    let near: Vec<_> =
        problems.0.iter().map(|problem| (problem.key.as_str(), problem.near.unwrap_or_default())).collect();
    assert_eq!(
        near,
        [
            ("realese", "release"),
            ("share_taget", "share_target"),
            ("api.cor", "cors"),
            ("sinks.reddis", "redis"),
            ("sinks.postgres.locaton", "location"),
            ("users", "open"),
            ("scheme", "pplns"),
            ("release", "immediate"),
            ("puzzle", "native"),
            ("port", "aleostratum"),
            ("port", "listen"),
            ("webhook", "lost"),
            ("webhook", "secret"),
        ]
    );
    let text = problems.to_string();
    assert!(
        text.contains(
            "share_taget (pool.toml): unknown key (did you mean `share_target`?); allowed: address, admin"
        ),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_wrong_flag_does_not_hide_what_is_wrong_with_the_file() {
    let args = |listen: &str| args([("listen", listen)]);
    let file = Some("listen = \"nowhere\"");
    assert!(check(&args("127.0.0.1:1"), file, Some(Address([7; 32]))).is_ok(), "the flag wins");
    let problems = check(&args("elsewhere"), file, Some(Address([7; 32]))).unwrap_err();
    assert_eq!(keys(&problems), ["listen"; 2]);
}

#[test]
fn a_flag_of_no_key_is_refused() {
    let problems = check(&args([("shares", "1")]), None, Some(Address([7; 32]))).unwrap_err();
    assert_eq!(keys(&problems), ["shares"]);
}

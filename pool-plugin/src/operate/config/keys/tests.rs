//! What has to hold for every entry of the table, so that a new one needs no test of its own.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use toml::Table;

use super::*;
use crate::operate::config::{KeyFlags, Problem, read_file, samples};
use pool_core::types::Address;

/// The configuration with one key set to a text, by its flag if it has one, and all others to their samples.
fn with(key: &Key, text: &str) -> (Config, Vec<Problem>) {
    let flags: KeyFlags = match key.flag {
        Some(_) => [(key.name, text.to_owned())].into_iter().collect(),
        None => KeyFlags::default(),
    };
    let quoted = serde_json::to_string(text).unwrap();
    let value = |other: &Key| match other.name == key.name && key.flag.is_none() {
        true => quoted.clone(),
        false => other.sample.one().to_owned(),
    };
    read_file(&flags, &samples::file(|key| Some(value(key))))
}

/// Sets the key to what is shown of it: nothing may change.
fn assert_read_back(key: &Key, config: &Config) {
    let shown = key.shown(config);
    if shown != NOT_SET && matches!(key.show, Show::Whole(_)) {
        assert_eq!(with(key, &shown), (config.clone(), vec![]), "{}: {shown}", key.name);
    }
}

#[test]
fn names_and_flags_are_unique_and_every_key_says_what_it_is_for() {
    let keys: Vec<_> = all().collect();
    assert_eq!(keys.iter().map(|key| key.name).collect::<BTreeSet<_>>().len(), keys.len());
    let flags: Vec<_> = keys.iter().filter_map(|key| key.flag.as_ref()).map(|flag| flag.name).collect();
    assert_eq!(flags.iter().collect::<BTreeSet<_>>().len(), flags.len());
    for key in keys {
        for text in [key.doc.to_owned(), key.allowed.in_words()] {
            assert!(!text.is_empty() && !text.ends_with('.') && !text.contains("  "), "{}: {text}", key.name);
        }
        let fields = match key.sample {
            Sample::One(_) => &[],
            Sample::Tables(fields) => fields,
        };
        for doc in fields.iter().map(|field| field.doc).chain([key.doc]) {
            assert!(doc.starts_with(char::is_uppercase), "{}: {doc}", key.name);
        }
        assert_eq!(key.fixed_default().is_some(), matches!(key.default, DefaultValue::Fixed), "{}", key.name);
    }
}

/// A field of the configuration that no key sets looks the same in both.
#[test]
fn every_field_of_the_configuration_has_a_key() {
    let all_set = Config::of_file(&samples::file(|key| Some(key.sample.one().to_owned()))).unwrap();
    let (defaults, all_set) = (fields(&Config::of_file("").unwrap()), fields(&all_set));
    assert!(defaults.contains_key("accept.users") && defaults.contains_key("rules.fees"), "{defaults:#?}");
    for (field, value) in defaults {
        assert_ne!(all_set.get(&field), Some(&value), "no key sets the field {field}");
    }
}

/// The fields of a configuration and of the structs in it, as they are printed for programmers.
fn fields(config: &Config) -> BTreeMap<String, String> {
    let (mut fields, mut open, mut last) = (BTreeMap::new(), String::new(), String::new());
    let printed = format!("{config:#?}");
    let lines: Vec<&str> = printed.lines().collect();
    for line in &lines[1..lines.len() - 1] {
        let (indent, text) = (line.len() - line.trim_start().len(), line.trim());
        match text.split_once(": ") {
            Some((field, value)) if indent == 4 => {
                let is_struct = value.ends_with(" {");
                (open, last) = if is_struct {
                    (format!("{field}."), field.into())
                } else {
                    (String::new(), field.into())
                };
                if !is_struct {
                    fields.insert(last.clone(), value.to_owned());
                }
            }
            Some((field, value)) if indent == 8 && !open.is_empty() => {
                last = format!("{open}{field}");
                fields.insert(last.clone(), value.to_owned());
            }
            _ if indent > 4 => *fields.entry(last.clone()).or_default() += text,
            _ => {}
        }
    }
    fields
}

#[test]
fn a_range_in_words_is_the_range_that_is_taken() {
    let mut ranges = 0;
    for key in all() {
        let words = key.allowed.in_words();
        let Some(range) = words.strip_prefix("a whole number").and_then(|rest| rest.split_once("from "))
        else {
            continue;
        };
        let (low, high) = range.1.split_once(" to ").unwrap();
        let (low, high): (u128, u128) = (low.parse().unwrap(), high.parse().unwrap());
        // Other keys may forbid a number too: only what is wrong with this one counts.
        let wrong = |number: u128| {
            let (_, problems) = with(key, &number.to_string());
            problems
                .into_iter()
                .find(|problem| problem.key == key.name && problem.origin != "with stall_refuse")
        };
        let given = |number: u128| match key.flag {
            Some(_) => wrong(number),
            None => {
                let value = |other: &Key| (other.name == key.name).then(|| number.to_string());
                read_file(&KeyFlags::default(), &samples::file(value)).1.pop()
            }
        };
        for number in [low, high] {
            assert_eq!(given(number), None, "{}", key.name);
        }
        for number in low.checked_sub(1).into_iter().chain([high + 1]) {
            assert!(given(number).is_some(), "{} = {number}", key.name);
        }
        ranges += 1;
    }
    assert!(ranges > 9, "the words have changed: {ranges}");
}

#[test]
fn a_misspelt_choice_gets_a_suggestion() {
    let mut choices = 0;
    for key in all() {
        let Allowed::OneOf(names) = key.allowed else { continue };
        assert_eq!(key.flag.as_ref().unwrap().value, names().join("|"), "{}", key.name);
        for name in names() {
            let letters: Vec<char> = name.chars().collect();
            let swapped: String = [&[letters[1], letters[0]], &letters[2..]].concat().into_iter().collect();
            let (_, problems) = with(key, &swapped);
            let [problem] = &problems[..] else { panic!("{problems:?}") };
            assert_eq!((problem.key.as_str(), problem.near), (key.name, Some(name)));
        }
        choices += 1;
    }
    assert_eq!(choices, 3);
}

#[test]
fn every_sample_is_shown_so_that_it_is_read_back() {
    let config = Config::of_file(&samples::file(|key| Some(key.sample.one().to_owned()))).unwrap();
    for key in all() {
        assert_ne!(key.shown(&config), NOT_SET, "{}", key.name);
        assert_read_back(key, &config);
    }
}

fn texts() -> impl Strategy<Value = String> {
    let samples: Vec<String> =
        all().map(|key| key.sample.one().trim_matches(['"', '[', ']']).to_owned()).collect();
    let choices = all().filter_map(|key| match key.allowed {
        Allowed::OneOf(names) => Some(names()),
        _ => None,
    });
    let names: Vec<&str> = choices.flatten().collect();
    prop_oneof![
        any::<u64>().prop_map(|number| number.to_string()),
        (0u32..2_000).prop_map(|number| number.to_string()),
        (any::<std::net::IpAddr>(), any::<u16>()).prop_map(|to| std::net::SocketAddr::from(to).to_string()),
        (any::<std::net::Ipv4Addr>(), 0u8..=32).prop_map(|(address, bits)| format!("{address}/{bits}, ::1")),
        (any::<std::net::SocketAddr>(), 1u64..).prop_map(|(to, target)| format!("generic@{to},d={target}")),
        any::<[u8; 32]>().prop_map(|bytes| Address(bytes).to_string()),
        ("[a-z]{1,9}", 0u32..200, "[a-z]{1,9}")
            .prop_map(|(one, points, two)| format!("{one}:{points},{two}:1")),
        (0u32..2_000_000).prop_map(|window| format!("pplns:{window}")),
        "[ -~]{0,20}",
        proptest::sample::select(names).prop_map(str::to_owned),
        proptest::sample::select(samples),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_a_key_takes_it_shows_so_that_it_is_read_back(text in texts()) {
        for key in all() {
            let (config, problems) = with(key, &text);
            match problems.is_empty() {
                true => assert_read_back(key, &config),
                false => {
                    let of_key = |problem: &Problem| [key.name, "stall_close"].contains(&problem.key.as_str());
                    prop_assert!(problems.iter().all(of_key), "{}: {problems:?}", key.name);
                }
            }
        }
    }

    #[test]
    fn a_key_that_is_nearly_right_is_refused_with_the_right_one(
        key in proptest::sample::select(all().map(|key| key.name).collect::<Vec<_>>()),
        place in any::<proptest::sample::Index>(),
    ) {
        let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
        let mut wrong: Vec<char> = name.chars().collect();
        wrong.insert(place.index(name.len() + 1), 'x');
        let wrong: String = wrong.into_iter().collect();
        let header = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
        let text = format!("{header}{wrong} = 1");
        let _: Table = text.parse().unwrap();
        let (_, problems) = read_file(&KeyFlags::default(), &text);
        let full = if table.is_empty() { wrong } else { format!("{table}.{wrong}") };
        let problem = problems.into_iter().find(|problem| problem.key == full).unwrap();
        prop_assert_eq!((problem.wrong.as_str(), problem.near), ("unknown key", Some(name)));
    }
}

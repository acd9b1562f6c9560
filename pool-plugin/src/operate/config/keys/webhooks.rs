//! The tables `[[webhook]]`. They have no flags, since the secret in them does not belong on a command line;
//! nor does an error quote it, or the path of a URL, which with many services is a secret too.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_STANDARD};
use toml::{Table, Value};

use super::{
    Allowed::{Built, Words},
    DefaultValue::Absent,
    Field, Given, Key,
    Reload::Now,
    Sample::Tables,
    Section,
    Show::Masked,
    Wrong,
    given::{replace, unknown_field},
    near,
    text::list,
};
use crate::operate::webhooks::{EventKind, WebhookConfig, config::server_of};

/// The prefix of a secret in the Standard Webhooks specification.
const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a secret.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

const TABLES: &str = "[[webhook]] tables with url, and optionally secret and events";
const URL: &str = "url = \"https://HOST/PATH\" or \"http://HOST/PATH\"";
const SECRET: &str = "secret = \"whsec_\" and 24 to 64 bytes in base64; openssl rand -base64 32 makes one";

const FIELDS: &[Field] = &[
    Field {
        name: "url",
        allowed: Words(URL),
        sample: "\"https://hooks.example/pool\"",
        doc: "Where messages are posted",
    },
    Field {
        name: "secret",
        allowed: Words(SECRET),
        sample: "\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"",
        doc: "Signs the messages; without it they are not signed",
    },
    Field {
        name: "events",
        allowed: Built(allowed_events),
        sample: "[\"health\", \"landed\", \"lost\"]",
        doc: "Which events; without it all of them",
    },
];

pub(super) static SECTION: Section = Section {
    about: "Receivers of events (docs/operators.md)",
    keys: &[Key {
        name: "webhook",
        flag: None,
        allowed: Words(TABLES),
        default: Absent,
        sample: Tables(FIELDS),
        doc: "A receiver of events. As many as you like",
        reload: Now(|running, new| running.webhooks.clone_from(&new.webhooks)),
        parse: |given, config| match given {
            Given::Flag(_) => vec![],
            Given::File(value) => replace(&mut config.webhooks, from_tables(value)),
        },
        show: Masked(|config| list(&config.webhooks), |left, right| left.webhooks == right.webhooks),
    }],
};

/// Reads the `[[webhook]]` tables of the file.
fn from_tables(value: &Value) -> impl Iterator<Item = Result<WebhookConfig, Wrong>> {
    let (tables, other) = match value {
        Value::Array(tables) => (tables.as_slice(), None),
        other => (&[][..], Some(format!("a {} stands where [[webhook]] tables belong", other.type_str()))),
    };
    let read = |value: &Value| match value {
        Value::Table(table) => from_table(table),
        other => Err(format!("a {} stands where a table belongs", other.type_str()).into()),
    };
    tables.iter().map(read).chain(other.map(|what| Err(what.into())))
}

fn from_table(table: &Table) -> Result<WebhookConfig, Wrong> {
    if let Some(unknown) = unknown_field(table, "a webhook", FIELDS) {
        return Err(unknown);
    }
    let url = table.get("url").and_then(Value::as_str).ok_or_else(|| wrong("it has no url", URL))?;
    server_of(url).ok_or_else(|| wrong("its url is not an http(s) URL", URL))?;
    let secret = table.get("secret").map(|value| {
        let encoded = value.as_str().and_then(|text| text.strip_prefix(SECRET_PREFIX));
        let bytes = encoded.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
        bytes.filter(|bytes| SECRET_BYTES.contains(&bytes.len()))
    });
    let secret = match secret {
        Some(None) => return Err(wrong("its secret is not valid", SECRET)),
        secret => secret.flatten(),
    };
    let events = table.get("events").map_or_else(|| Ok(EventKind::ALL.into()), events)?;
    Ok(WebhookConfig { url: url.to_owned(), secret, events })
}

fn wrong(what: &str, allowed: &str) -> Wrong {
    Wrong { what: what.to_owned(), near: None, allowed: Some(allowed.to_owned()) }
}

fn events(value: &Value) -> Result<BTreeSet<EventKind>, Wrong> {
    let names: Vec<&str> =
        value.as_array().into_iter().flatten().map(|name| name.as_str().unwrap_or_default()).collect();
    let known = |name: &&str| EventKind::ALL.into_iter().find(|kind| kind.name() == *name);
    let events: BTreeSet<EventKind> = names.iter().filter_map(known).collect();
    match names.iter().find(|name| known(name).is_none()) {
        None if !events.is_empty() => Ok(events),
        unknown => Err(Wrong {
            near: unknown.and_then(|name| near(name, EventKind::ALL.map(EventKind::name))),
            ..wrong("it names an unknown event, or none", &allowed_events())
        }),
    }
}

fn allowed_events() -> String {
    let names = EventKind::ALL.map(|kind| format!("\"{}\"", kind.name()));
    format!("events = [{}] or some of them", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::config::read_file;

    fn check(text: &str) -> Result<Vec<WebhookConfig>, String> {
        let (config, mut problems) = read_file(&Default::default(), text);
        match problems.pop() {
            Some(problem) => Err(problem.wrong),
            None => Ok(config.webhooks),
        }
    }

    #[test]
    fn a_webhook_needs_only_its_url_and_hears_of_all() {
        assert_eq!(check("").unwrap(), []);
        let read = check("[[webhook]]\nurl = \"https://hooks.example/T0/hunter2\"").unwrap();
        assert_eq!(read[0].events.len(), EventKind::ALL.len());
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let text =
            format!("[[webhook]]\nurl = \"http://a:b@c:9/d\"\nsecret = \"{secret}\"\nevents = [\"landed\"]");
        let read = check(&text).unwrap();
        assert_eq!(read[0].secret.as_ref().map(Vec::len), Some(24));
        assert_eq!(read[0].to_string(), "http://c:9/… (signed: landed)");
    }

    #[test]
    fn what_is_shown_has_neither_path_nor_secret() {
        let read = check("[[webhook]]\nurl = \"https://hooks.example/T0/hunter2\"").unwrap();
        for shown in [format!("{read:?}"), read[0].to_string()] {
            assert!(shown.contains("https://hooks.example/…") && !shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn mistakes_are_told_and_quote_no_secret() {
        for (text, wrong) in [
            ("webhook = 3", "stands where [[webhook]] tables belong"),
            ("webhook = [3]", "stands where a table belongs"),
            ("[[webhook]]\nsecret = \"hunter2\"", "no url"),
            ("[[webhook]]\nurl = \"ftp://x/hunter2\"", "not an http(s) URL"),
            ("[[webhook]]\nurl = \"http://x\"\nsecret = \"hunter2\"", "secret is not valid"),
            ("[[webhook]]\nurl = \"http://x\"\nsecret = \"whsec_aGk=\"", "secret is not valid"),
            ("[[webhook]]\nurl = \"http://x\"\nevents = [\"all\"]", "names an unknown event"),
            ("[[webhook]]\nurl = \"http://x\"\nevents = []", "names an unknown event"),
            ("[[webhook]]\nurl = \"http://x\"\ntoken = \"hunter2\"", "no key 'token'"),
        ] {
            let said = check(text).unwrap_err();
            assert!(said.contains(wrong) && !said.contains("hunter2"), "{text}: {said}");
        }
    }
}

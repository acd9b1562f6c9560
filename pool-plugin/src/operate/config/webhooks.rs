//! The tables `[[webhook]]`. They have no flags, since the secret in them does not belong on a command line;
//! nor does an error quote it, or the path of a URL, which with many services is a secret too.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_STANDARD};
use toml::{Table, Value};

use super::Problem;
use crate::operate::webhooks::{EventKind, WebhookConfig, config::server_of};

/// The prefix of a secret in the Standard Webhooks specification.
const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a secret.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Reads the value of the key `webhook` of the file called `origin`.
pub(super) fn read(value: Option<&Value>, origin: &str, problems: &mut Vec<Problem>) -> Vec<WebhookConfig> {
    let Some(value) = value else { return vec![] };
    let mut problem = |(wrong, allowed): (String, &str)| {
        let (key, origin, allowed) = ("webhook".to_owned(), origin.to_owned(), allowed.to_owned());
        problems.push(Problem { key, origin, wrong, allowed });
    };
    let Value::Array(tables) = value else {
        problem((format!("a {} stands where [[webhook]] tables belong", value.type_str()), TABLES));
        return vec![];
    };
    let mut webhooks = vec![];
    for table in tables {
        match table.as_table().map(from_table) {
            Some(Ok(webhook)) => webhooks.push(webhook),
            Some(Err(wrong)) => problem(wrong),
            None => problem((format!("a {} stands where a table belongs", table.type_str()), TABLES)),
        }
    }
    webhooks
}

const TABLES: &str = "[[webhook]] tables with url, and optionally secret and events";
const URL: &str = "url = \"https://HOST/PATH\" or \"http://HOST/PATH\"";
const SECRET: &str = "secret = \"whsec_\" and 24 to 64 bytes in base64; openssl rand -base64 32 makes one";

fn from_table(table: &Table) -> Result<WebhookConfig, (String, &'static str)> {
    if let Some(unknown) = table.keys().find(|key| !["url", "secret", "events"].contains(&key.as_str())) {
        return Err((format!("a webhook has no key '{unknown}'"), TABLES));
    }
    let url = table.get("url").and_then(Value::as_str).ok_or(("it has no url".to_owned(), URL))?;
    server_of(url).ok_or(("its url is not an http(s) URL".to_owned(), URL))?;
    let secret = table.get("secret").map(|value| {
        let encoded = value.as_str().and_then(|text| text.strip_prefix(SECRET_PREFIX));
        let bytes = encoded.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
        bytes.filter(|bytes| SECRET_BYTES.contains(&bytes.len()))
    });
    let secret = match secret {
        Some(None) => return Err(("its secret is not valid".to_owned(), SECRET)),
        secret => secret.flatten(),
    };
    let events = match table.get("events") {
        None => EventKind::ALL.into(),
        Some(value) => events(value).ok_or(("it names an unknown event, or none".to_owned(), EVENTS))?,
    };
    Ok(WebhookConfig { url: url.to_owned(), secret, events })
}

const EVENTS: &str = "events = [\"health\", \"found\", \"landed\", \"lost\"] or some of them";

fn events(value: &Value) -> Option<BTreeSet<EventKind>> {
    let known = |name: &str| EventKind::ALL.into_iter().find(|kind| kind.name() == name);
    let events =
        value.as_array()?.iter().map(|name| known(name.as_str()?)).collect::<Option<BTreeSet<_>>>()?;
    (!events.is_empty()).then_some(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Vec<WebhookConfig>, String> {
        let table: Table = text.parse().unwrap();
        let mut problems = vec![];
        let read = read(table.get("webhook"), "pool.toml", &mut problems);
        match problems.pop() {
            Some(problem) => Err(problem.wrong),
            None => Ok(read),
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

//! Secrets in a captured line. Pure.
//!
//! The rest of the line stays as it came: member order, spaces and spelling are the purpose of a capture.

use serde_json::Value;

/// Stands for a secret.
const MASK: &str = "\"***\"";
/// Stands for a line that may hold a secret but cannot be parsed.
pub const WHOLE: &str = "(not shown: it may hold a password)";

/// Words in a method whose params, except the first, are secrets.
const LOGIN_METHODS: [&str; 3] = ["auth", "login", "user"];
/// Members that are secrets in any place.
const SECRET_MEMBERS: [&str; 4] = ["pass", "pwd", "secret", "token"];

/// The line without its secrets.
pub fn mask(line: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(line) else {
        let lower = line.to_lowercase();
        let suspicious = LOGIN_METHODS.iter().chain(&SECRET_MEMBERS).any(|word| lower.contains(word));
        return if suspicious { WHOLE.to_string() } else { line.to_string() };
    };
    let mut secrets = Vec::new();
    let method = value.get("method").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    if LOGIN_METHODS.iter().any(|word| method.contains(word)) {
        let params = value.get("params").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        // A login as operator has no name: all is secret.
        let named = usize::from(!method.contains("admin"));
        params.iter().skip(named).for_each(|param| texts(param, &mut secrets));
    }
    members(&value, &mut secrets);
    let mut masked = line.to_string();
    for secret in secrets {
        let quoted = Value::from(secret).to_string();
        if !masked.contains(&quoted) {
            // Written with other escapes than ours.
            return WHOLE.to_string();
        }
        masked = masked.replace(&quoted, MASK);
    }
    masked
}

/// The texts in a value.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) if !text.is_empty() && !found.contains(&text.as_str()) => found.push(text),
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(object) => object.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// The texts in secret members.
fn members<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| members(value, found)),
        Value::Object(object) => {
            for (name, value) in object {
                let name = name.to_lowercase();
                match SECRET_MEMBERS.iter().any(|word| name.contains(word)) {
                    true => texts(value, found),
                    false => members(value, found),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn passwords_are_masked_and_nothing_else_is() {
        for (line, expected) in [
            (
                r#"{"id": 2,"method":"mining.authorize", "params":["alice.rig1","hunter2"]}"#,
                r#"{"id": 2,"method":"mining.authorize", "params":["alice.rig1","***"]}"#,
            ),
            (
                r#"{"id":2,"method":"mining.authorize","params":["alice","rig1","hunter2"]}"#,
                r#"{"id":2,"method":"mining.authorize","params":["alice","***","***"]}"#,
            ),
            (
                r#"{"id":2,"method":"mining.authorize_admin","params":["hunter2"]}"#,
                r#"{"id":2,"method":"mining.authorize_admin","params":["***"]}"#,
            ),
            (
                r#"{"method":"mining.add_user","params":["bob","hunter2"]}"#,
                r#"{"method":"mining.add_user","params":["bob","***"]}"#,
            ),
            (
                r#"{"type":"auth_request","username":"bob","Password":"hunter2","deep":[{"token":["a"]}]}"#,
                r#"{"type":"auth_request","username":"bob","Password":"***","deep":[{"token":["***"]}]}"#,
            ),
            (
                r#"{"method":"mining.submit","params":["a.b","05000000","1"]}"#,
                r#"{"method":"mining.submit","params":["a.b","05000000","1"]}"#,
            ),
            ("hello", "hello"),
        ] {
            assert_eq!(mask(line), expected);
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_not_shown_if_it_may_hold_a_secret() {
        for line in [
            r#"{"method":"mining.authorize","params":["a","hunter2"#,
            "AUTH alice hunter2",
            r#"{"method":"mining.authorize","params":["a","\u0068unter2"]}"#,
        ] {
            assert_eq!(mask(line), WHOLE, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_password_survives(password in "[ -~é]{12,30}", login in "[a-z]{1,5}") {
            let line = serde_json::json!({"id": 1, "method": "mining.authorize", "params": [login, password]});
            prop_assert!(!mask(&line.to_string()).contains(&password));
        }

        #[test]
        fn no_line_harms_the_mask(line: String) {
            let _ = mask(&line);
        }
    }
}

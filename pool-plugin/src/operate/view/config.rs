//! The configuration in force, without its secrets.

use serde_json::{Map, Value};

use crate::operate::config::{Config, NOT_SET};

/// The configuration by the keys of its file; a key of a table is in an object of its name.
pub fn shown(config: &Config) -> Value {
    let mut shown = Map::new();
    for entry in config.entries() {
        let value = if entry.value == NOT_SET { Value::Null } else { entry.value.into() };
        put(&mut shown, entry.key, value);
    }
    Value::Object(shown)
}

fn put(table: &mut Map<String, Value>, key: &str, value: Value) {
    let Some((name, key)) = key.split_once('.') else {
        table.insert(key.to_owned(), value);
        return;
    };
    if let Value::Object(inner) = table.entry(name).or_insert_with(|| Value::Object(Map::new())) {
        put(inner, key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        let file = r#"
            [api]
            admin_token = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"
            [sinks.redis]
            url = "redis://:hunter2@127.0.0.1:6379/0"
        "#;
        let shown = shown(&Config::of_file(file).unwrap());
        assert_eq!((&shown["listen"], &shown["api"]["admin_token"]), (&"0.0.0.0:3333".into(), &"***".into()));
        assert!(shown["sinks"]["redis"]["url"].as_str().unwrap().contains("127.0.0.1:6379"));
        assert_eq!(shown["tls_key"], Value::Null);
        let text = shown.to_string();
        assert!(!text.contains("hunter2") && !text.contains("argon2"), "{text}");
    }
}

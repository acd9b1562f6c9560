//! The pool's addresses: one, or several, each with its own stake.

use std::str::FromStr;

use toml::Value;

use pool_core::types::Address;

/// The allowed forms of an address, and how to name several.
pub(super) const ALLOWED: &str = "an account's address (aleo1…, 63 characters); for several, --pool-address once for each or \
                                  address = [\"aleo1…\", \"aleo1…\"], each once";

/// The file's addresses: a text, or a list of texts.
pub(super) fn from_value(value: &Value) -> Vec<Result<String, String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(format!("a {} stands where an address belongs", other.type_str())),
    };
    match value {
        Value::Array(values) if values.is_empty() => vec![Err("the list is empty".into())],
        Value::Array(values) => values.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

/// The valid addresses; what is wrong with the others goes to the list.
pub(super) fn judge(
    texts: Vec<Result<String, String>>,
    check: &dyn Fn(&Address) -> Result<(), String>,
) -> (Vec<Address>, Vec<String>) {
    let (mut addresses, mut wrong) = (vec![], vec![]);
    let read = |text: String| {
        let address = Address::from_str(&text).map_err(|error| format!("'{text}' is {error}"))?;
        check(&address).map(|()| address)
    };
    for text in texts {
        match text.and_then(read) {
            Ok(address) if addresses.contains(&address) => wrong.push(format!("{address} is given twice")),
            Ok(address) => addresses.push(address),
            Err(reason) => wrong.push(reason),
        }
    }
    (addresses, wrong)
}

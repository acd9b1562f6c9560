//! The pool's addresses: one, or several, each with its own stake.

use std::str::FromStr;

use toml::Value;

use pool_core::types::Address;

use super::{Given, Wrong};

/// The allowed forms of an address, and how to name several.
pub(super) const ALLOWED: &str = "an account's address (aleo1…, 63 characters); for several, --pool-address once for each or \
                                  address = [\"aleo1…\", \"aleo1…\"], each once";

/// Reads the flag's addresses, or the file's: a text, or a list of texts.
pub(super) fn read(given: &Given<'_>, to: &mut Vec<Address>) -> Vec<Wrong> {
    if let Given::File(Value::Array(values)) = given
        && values.is_empty()
    {
        return vec![Wrong::from("the list is empty".to_owned())];
    }
    let mut seen = vec![];
    given.list(to, "an address belongs", |text| {
        let address = Address::from_str(text).map_err(|error| format!("'{text}' is {error}"))?;
        if seen.contains(&address) {
            return Err(format!("{address} is given twice"));
        }
        seen.push(address);
        Ok(address)
    })
}

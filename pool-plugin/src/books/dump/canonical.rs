//! The digest of a dump: the SHA-256 of its canonical form.
//!
//! That form is the JSON with sorted keys, without spaces, in UTF-8, and only those escapes that JSON
//! demands: what Python's `json.dumps(dump, sort_keys=True, separators=(",", ":"), ensure_ascii=False)`
//! gives. The member `digest` is left out.

use std::io::{self, Write};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The digest's name among the members of a dump.
const DIGEST: &str = "digest";

/// Of a dump with or without its digest, in hexadecimal.
pub(super) fn digest(dump: &Value) -> String {
    let mut hasher = Hasher(Sha256::new());
    // Hashing does not fail.
    let _ = write_canonical(dump, Some(DIGEST), &mut hasher);
    hex::encode(hasher.0.finalize())
}

struct Hasher(Sha256);

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `without`: a member of the outermost object that is left out.
fn write_canonical(value: &Value, without: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    match value {
        Value::Array(items) => {
            out.write_all(b"[")?;
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.write_all(b",")?;
                }
                write_canonical(item, None, out)?;
            }
            out.write_all(b"]")
        }
        Value::Object(members) => {
            let mut members: Vec<_> =
                members.iter().filter(|(key, _)| Some(key.as_str()) != without).collect();
            // By code points, as Python does; that is also the order of the bytes.
            members.sort_unstable_by_key(|(key, _)| key.as_str());
            out.write_all(b"{")?;
            for (index, (key, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.write_all(b",")?;
                }
                serde_json::to_writer(&mut *out, key)?;
                out.write_all(b":")?;
                write_canonical(member, None, out)?;
            }
            out.write_all(b"}")
        }
        scalar => Ok(serde_json::to_writer(out, scalar)?),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn canonical(value: &Value) -> String {
        let mut bytes = Vec::new();
        write_canonical(value, Some(DIGEST), &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn keys_are_sorted_and_nothing_is_escaped_without_need() {
        let value = json!({
            "b": [1, null, {"z": "ä\u{7f}\u{202e}<", "a": "\"\\\n\u{1}\u{8}"}], "B": [], "digest": "x",
            "a": {"digest": true},
        });
        let expected = "{\"B\":[],\"a\":{\"digest\":true},\"b\":[1,null,{\"a\":\"\\\"\\\\\\n\\u0001\\b\",\
                        \"z\":\"ä\u{7f}\u{202e}<\"}]}";
        assert_eq!(canonical(&value), expected);
    }

    #[test]
    fn the_digest_is_that_of_python() {
        // hashlib.sha256(json.dumps({"a": ["ä", 1]}, …).encode()).hexdigest()
        let value = json!({"digest": "whatever", "a": ["ä", 1]});
        assert_eq!(digest(&value), "80a3dc3b76694292cd00c15f4fca306ad5c672d68450fe495b334617cc3531b1");
        assert_ne!(digest(&value), digest(&json!({"a": ["ä", 2]})));
    }
}

//! Names in the layouts of others.

use md5::{Digest, Md5};

/// The lowest worker id, so that all have eighteen digits.
const WORKER_ID_BASE: u64 = 100_000_000_000_000_000;

/// The account's id: its name, or the address it mines to. Unique by construction, the same in every sink and
/// after every loss, and free of the layouts' separators, since a login has letters, digits, `_` and `-` only.
pub fn puid(account: &str) -> &str {
    account
}

/// The first 13 hexadecimal digits of the MD5 of the worker's name as a number, plus 10^17. It distinguishes
/// the machines of one account; across accounts it is combined with the [`puid`].
pub fn worker_id(worker: &str) -> u64 {
    let digest = Md5::digest(worker.as_bytes());
    let first = digest.iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    // 13 of the 16 digits of 8 bytes.
    (first >> 12) + WORKER_ID_BASE
}

/// A worker's name inside a value whose parts are separated by `/`.
pub fn between_slashes(worker: &str) -> String {
    worker.replace('/', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_id_is_thirteen_digits_of_the_md5_above_ten_to_the_seventeen() {
        // As Python computes it: int(md5(name).hexdigest()[:13], 16) + 10**17.
        assert_eq!(worker_id("rig1"), 101_876_105_718_389_444);
        assert_eq!(worker_id(""), 103_731_574_115_332_107);
    }

    #[test]
    fn a_name_cannot_add_a_part_to_a_value() {
        assert_eq!(between_slashes("a/b/../c"), "a_b_.._c");
    }
}

//! What AleoStratum specifies and other dialects take over: job ids, versions, the result of a subscription, the
//! params of a job.
//!
//! A job id is 4 bytes little endian, as 8 hexadecimal digits: 256 times the epoch's number plus the serial
//! of the job in the epoch. The open client takes no other length, and no job whose number is not higher
//! than that of the one before.

use pool_core::types::Address;
use serde::Serialize;

use crate::stratum::wire::{
    extranonce::Prefix,
    message::{Job, JobName},
};

/// The id of a job.
pub fn job_id(epoch: u32, serial: u8) -> String {
    hex::encode((epoch << 8 | u32::from(serial)).to_le_bytes())
}

/// The fields of a job id; `None` if it is not one.
pub fn parse_job_id(text: &str) -> Option<JobName> {
    let mut bytes = [0; 4];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    let [serial, ..] = bytes;
    Some(JobName { epoch: u32::from_le_bytes(bytes) >> 8, serial: Some(serial) })
}

/// Whether this names AleoStratum in a version that the pool does not speak.
pub(super) fn is_another_version(version: &str) -> bool {
    version.starts_with("AleoStratum") && !is_supported(version)
}

/// Whether this is a version of AleoStratum that the pool speaks.
pub(super) fn is_supported(version: &str) -> bool {
    let Some(number) = version.strip_prefix("AleoStratum/") else { return false };
    number == "3" || number.starts_with("3.")
}

/// Session id, counter prefix, address.
pub(super) fn subscribed(session: &str, prefix: Option<Prefix>, address: &Address) -> impl Serialize {
    (session.to_owned(), prefix.map(|prefix| prefix.to_string()), address.to_string())
}

/// Job id, epoch hash, address, clean.
pub(super) fn job_params(job: &Job, clean: bool) -> impl Serialize + use<> {
    (job_id(job.epoch, job.serial), job.epoch_hash.to_string(), job.address.to_string(), clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_id_is_the_epoch_and_the_serial_little_endian_and_only_rises() {
        let name = |epoch, serial| Some(JobName { epoch, serial: Some(serial) });
        assert_eq!(job_id(0x0208, 0), "00080200");
        assert_eq!(job_id(0x0208, 255), "ff080200");
        assert_eq!(parse_job_id("00080200"), name(0x0208, 0));
        assert_eq!(parse_job_id("ff080200"), name(0x0208, 255));
        for wrong in ["", "0802000", "080200000", "0802000g", "0x080200"] {
            assert_eq!(parse_job_id(wrong), None, "{wrong}");
        }
        let number = |epoch, serial| {
            let mut bytes = [0; 4];
            hex::decode_to_slice(job_id(epoch, serial), &mut bytes).unwrap();
            u32::from_le_bytes(bytes)
        };
        assert!(number(7, 0) < number(7, 1) && number(7, 255) < number(8, 0), "as the open client compares");
    }
}

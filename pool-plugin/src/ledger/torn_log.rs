//! The end of a write-ahead log after a loss of power.
//!
//! The writer syncs each batch before it writes the next, so at most the last batch of the newest log can be
//! torn, and nobody got an answer for it. RocksDB accepts a log that ends too early; but where a file system
//! has written the new size and not the content, the end holds sectors of zeros, and RocksDB refuses the
//! whole database for its checksum. This module distinguishes such an end from damage, which may have taken
//! acknowledged shares: no batch can be read after it, and one of its sectors is zero.
//!
//! The format of RocksDB's log: blocks of 32 KiB; in them records of a header (masked CRC-32C u32, length
//! u16, type u8, little endian; with a log number u32 after it in recycled logs) and a payload. A batch is a
//! full record, or a first, middle ones and a last. What is left of a block that is too short for a header
//! is zero.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;
const RECYCLED_HEADER: usize = 11;
const SECTOR: usize = 512;
/// More than a batch of shares with the longest names takes.
const LONGEST_BATCH: usize = 16 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A complete batch.
    Full,
    First,
    Middle,
    Last,
    /// RocksDB's own bookkeeping of the log.
    Note,
}

struct LogRecord {
    kind: Kind,
    end: usize,
}

/// Removes a torn batch from the newest log in `dir`; keeps a copy of the old file next to it as `….torn`.
/// `false`: the log is intact, or damaged.
pub(super) fn repair(dir: &Path) -> io::Result<bool> {
    let Some(path) = newest_log(dir)? else { return Ok(false) };
    let log = fs::read(&path)?;
    let Some(sound) = torn_from(&log) else { return Ok(false) };
    let aside = path.with_extension("log.torn");
    fs::write(&aside, &log)?;
    let file = File::options().write(true).open(&path)?;
    file.set_len(sound as u64)?;
    file.sync_all()?;
    tracing::error!(
        log = %path.display(), kept = %aside.display(), bytes = log.len() - sound,
        "removed a batch from the end of the log that was never synced, after a loss of power"
    );
    Ok(true)
}

fn newest_log(dir: &Path) -> io::Result<Option<PathBuf>> {
    let mut newest: Option<(u64, PathBuf)> = None;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let is_log = path.extension().is_some_and(|extension| extension == "log");
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if let Some(number) = number.filter(|_| is_log)
            && newest.as_ref().is_none_or(|(highest, _)| number > *highest)
        {
            newest = Some((number, path));
        }
    }
    Ok(newest.map(|(_, path)| path))
}

/// Where the torn batch begins, if the log ends in one.
fn torn_from(log: &[u8]) -> Option<usize> {
    let (mut at, mut batch) = (0, 0);
    while at < log.len() {
        let Some(record) = record_at(log, at) else {
            let torn =
                log.len() - batch <= LONGEST_BATCH && has_zero_sector(log, at) && !batch_after(log, at);
            return torn.then_some(batch);
        };
        at = next_header(record.end);
        if matches!(record.kind, Kind::Full | Kind::Last | Kind::Note) {
            batch = at.min(log.len());
        }
    }
    None
}

/// The record whose header is at `at`, if it is complete and its checksum is right.
fn record_at(log: &[u8], at: usize) -> Option<LogRecord> {
    let header = log.get(at..at + HEADER)?;
    let masked = u32::from_le_bytes(header[..4].try_into().ok()?);
    let length = usize::from(u16::from_le_bytes(header[4..6].try_into().ok()?));
    let (kind, header_length) = match header[6] {
        1 => (Kind::Full, HEADER),
        2 => (Kind::First, HEADER),
        3 => (Kind::Middle, HEADER),
        4 => (Kind::Last, HEADER),
        5 => (Kind::Full, RECYCLED_HEADER),
        6 => (Kind::First, RECYCLED_HEADER),
        7 => (Kind::Middle, RECYCLED_HEADER),
        8 => (Kind::Last, RECYCLED_HEADER),
        // Compression, time stamps, the log before.
        9 | 10 | 130 => (Kind::Note, HEADER),
        11 | 131 => (Kind::Note, RECYCLED_HEADER),
        _ => return None,
    };
    let end = at + header_length + length;
    // The checksum begins with the type.
    let sum = crc32c::crc32c(log.get(at + HEADER - 1..end)?);
    (mask(sum) == masked).then_some(LogRecord { kind, end })
}

/// RocksDB stores checksums so, because they are computed over data that holds checksums.
fn mask(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Skips what is too short for a header at the end of a block.
fn next_header(at: usize) -> usize {
    let left = BLOCK - at % BLOCK;
    if left < HEADER { at + left } else { at }
}

/// Whether a batch begins after `at`. Lengths cannot be trusted there, so every offset is tried.
fn batch_after(log: &[u8], at: usize) -> bool {
    let begins =
        |at| record_at(log, at).is_some_and(|record| matches!(record.kind, Kind::Full | Kind::First));
    (at + 1..log.len()).any(begins)
}

/// Whether a sector from `at` on, as far as the file goes, was never written.
fn has_zero_sector(log: &[u8], at: usize) -> bool {
    let first = at.next_multiple_of(SECTOR);
    let mut sectors = log.get(first..).unwrap_or_default().chunks(SECTOR);
    sectors.any(|sector| sector.iter().all(|byte| *byte == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut checked = vec![kind];
        checked.extend_from_slice(payload);
        let mut bytes = mask(crc32c::crc32c(&checked)).to_le_bytes().to_vec();
        bytes.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(&checked);
        bytes
    }

    /// Batches of 1,000 bytes each, and where each begins.
    fn log(batches: u8) -> (Vec<u8>, Vec<usize>) {
        let (mut log, mut begins) = (Vec::new(), Vec::new());
        for batch in 0..batches {
            begins.push(log.len());
            log.extend(record(1, &[batch + 1; 1_000]));
        }
        (log, begins)
    }

    fn zero(log: &mut [u8], from: usize, to: usize) {
        log[from..to].fill(0);
    }

    #[test]
    fn a_sound_log_is_left_alone() {
        for batches in [0, 1, 20] {
            assert_eq!(torn_from(&log(batches).0), None);
        }
    }

    #[test]
    fn zeros_in_the_last_batch_take_it_off() {
        let (sound, begins) = log(20);
        let last = begins[19];
        let end = sound.len();
        for (from, to) in [(last.next_multiple_of(SECTOR), end), (last, end), (last + 400, end)] {
            let mut torn = sound.clone();
            zero(&mut torn, from, to);
            assert_eq!(torn_from(&torn), Some(last), "{from}..{to}");
        }
    }

    #[test]
    fn zeros_before_a_batch_that_can_be_read_are_damage() {
        let (mut log, begins) = log(20);
        zero(&mut log, begins[18], begins[19]);
        assert_eq!(torn_from(&log), None);
    }

    #[test]
    fn a_flipped_bit_is_damage_wherever_it_is() {
        let (sound, begins) = log(20);
        for at in [begins[3] + 100, begins[19] + 500, sound.len() - 1] {
            let mut damaged = sound.clone();
            damaged[at] ^= 1;
            assert_eq!(torn_from(&damaged), None, "{at}");
        }
    }

    #[test]
    fn a_batch_over_several_blocks_goes_whole() {
        let mut log = record(1, &[1; 100]);
        let begin = log.len();
        log.extend(record(2, &vec![2; BLOCK - begin - HEADER]));
        assert_eq!(log.len(), BLOCK);
        log.extend(record(3, &vec![3; BLOCK - HEADER]));
        let mut torn = log.clone();
        torn.extend(record(4, &[4; 2_000]));
        assert_eq!(torn_from(&torn), None, "the batch is complete");
        zero(&mut torn, 2 * BLOCK, 2 * BLOCK + 2_007);
        assert_eq!(torn_from(&torn), Some(begin));
        // A page may be missing while a later one is there.
        let mut torn = log;
        torn.extend(record(4, &[4; 2_000]));
        zero(&mut torn, BLOCK, BLOCK + 4_096);
        assert_eq!(torn_from(&torn), Some(begin));
    }
}

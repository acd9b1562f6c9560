//! Session ids, and the part of the counters that belongs to one session.
//!
//! A session id contains the session's prefix and is sealed with the pool's key: a valid one proves that the
//! miner had that session, before a reconnect or before a restart of the pool. Only the key is stored.

use std::{
    collections::HashMap,
    fmt, fs,
    io::{self, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use hmac::{Hmac, KeyInit, Mac};
use parking_lot::Mutex;
use sha2::Sha256;
use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;

/// The bits of a counter that the prefix fixes; the highest ones.
const PREFIX_BITS: u32 = 24;
/// Of these, the highest bits name the pool's node, the others the session.
const NODE_BITS: u32 = 4;
/// Places of a node.
const PLACES: u32 = 1 << (PREFIX_BITS - NODE_BITS);
/// The bits left to the miner: at 10^9 attempts a second they last for 18 minutes.
const OWN_BITS: u32 = u64::BITS - PREFIX_BITS;
/// Targets of ended sessions, for their return.
const MOST_LEFT: usize = 65_536;

/// The highest number of a node.
pub const MOST_NODES: u8 = 1 << NODE_BITS;

/// The highest bits of every counter of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix(u32);

/// What a miner sends to resume its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SessionId([u8; SEALED + SEAL]);

/// Prefix (3 bytes, all ones for none) and random bytes (5).
const SEALED: usize = 8;
const SEAL: usize = 8;
const NO_PREFIX: u32 = (1 << PREFIX_BITS) - 1;

/// Who has which prefix.
pub struct Extranonces {
    node: u8,
    key: [u8; 32],
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    holders: HashMap<u32, Holder>,
    /// Where to look for a free place: not at one that was freed a moment ago.
    next: u32,
    turns: u64,
    left: HashMap<SessionId, u64>,
}

struct Holder {
    id: SessionId,
    /// Distinguishes this holder from one that took the place over.
    turn: u64,
    replaced: CancellationToken,
}

/// A session's place, until it is dropped.
pub struct Extranonce {
    extranonces: Arc<Extranonces>,
    id: SessionId,
    prefix: Option<Prefix>,
    turn: u64,
    replaced: CancellationToken,
    /// The last target, 0 before the first.
    target: AtomicU64,
    /// The last target of the session's earlier connection.
    last_target: Option<u64>,
}

impl Prefix {
    /// Bytes of a counter behind the prefix, and their hexadecimal digits.
    pub const OWN_BYTES: usize = OWN_BITS as usize / 8;
    pub const OWN_DIGITS: usize = 2 * Self::OWN_BYTES;

    /// The lowest counter with this prefix.
    pub fn first(self) -> u64 {
        u64::from(self.0) << OWN_BITS
    }

    /// `counter` moved into the prefix's part.
    pub fn with(self, counter: u64) -> u64 {
        self.first() | (counter & (u64::MAX >> PREFIX_BITS))
    }

    /// The prefix in six hexadecimal digits, most significant first; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 3];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        let [high, middle, low] = bytes;
        Some(Self(u32::from_be_bytes([0, high, middle, low])))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06x}", self.0)
    }
}

impl Extranonces {
    /// The places of node `node` of the pool, sealed with the key in the file `path`, which is created if
    /// missing.
    pub fn open(node: u8, path: &Path) -> io::Result<Arc<Self>> {
        Ok(Self::new(node, read_or_make_key(path)?))
    }

    /// The places of a node, with a key that is lost with the process.
    pub fn passing(node: u8) -> Arc<Self> {
        Self::new(node, rand::random())
    }

    fn new(node: u8, key: [u8; 32]) -> Arc<Self> {
        // Not where the last run began: its sessions may return to their places.
        let book = Book { next: rand::random::<u32>() % PLACES, ..Book::default() };
        Arc::new(Self { node, key, book: Mutex::new(book) })
    }

    /// A place for a new session; without a prefix if all are taken.
    pub fn take(self: &Arc<Self>) -> Extranonce {
        let mut book = self.book.lock();
        let prefix = self.free_prefix(&mut book);
        let id = self.seal(prefix.unwrap_or(NO_PREFIX), rand::random());
        self.settle(&mut book, id, prefix, None)
    }

    /// The place of the session that `id` names, if it is one of ours and no other has its place now. A
    /// connection that still holds it is closed.
    pub fn resume(self: &Arc<Self>, id: &str) -> Option<Extranonce> {
        let (id, prefix) = self.unseal(id)?;
        let mut book = self.book.lock();
        let prefix = (prefix != NO_PREFIX).then_some(prefix);
        if let Some(holder) = prefix.and_then(|prefix| book.holders.get(&prefix)) {
            if holder.id != id {
                return None;
            }
            holder.replaced.cancel();
        }
        let last_target = book.left.remove(&id);
        Some(self.settle(&mut book, id, prefix, last_target))
    }

    /// Places taken now.
    pub fn taken(&self) -> usize {
        self.book.lock().holders.len()
    }

    fn free_prefix(&self, book: &mut Book) -> Option<u32> {
        if book.holders.len() >= PLACES as usize - 1 {
            return None;
        }
        let node = u32::from(self.node % MOST_NODES) << (PREFIX_BITS - NODE_BITS);
        for _ in 0..PLACES {
            let prefix = node | book.next;
            book.next = (book.next + 1) % PLACES;
            if prefix != NO_PREFIX && !book.holders.contains_key(&prefix) {
                return Some(prefix);
            }
        }
        None
    }

    fn settle(
        self: &Arc<Self>,
        book: &mut Book,
        id: SessionId,
        prefix: Option<u32>,
        last_target: Option<u64>,
    ) -> Extranonce {
        book.turns += 1;
        let (turn, replaced) = (book.turns, CancellationToken::new());
        if let Some(prefix) = prefix {
            book.holders.insert(prefix, Holder { id, turn, replaced: replaced.clone() });
        }
        Extranonce {
            extranonces: Arc::clone(self),
            id,
            prefix: prefix.map(Prefix),
            turn,
            replaced,
            target: AtomicU64::new(0),
            last_target,
        }
    }

    fn mac(&self, sealed: &[u8]) -> Option<Hmac<Sha256>> {
        // Keys may have any length: this cannot fail.
        Hmac::<Sha256>::new_from_slice(&self.key).ok().map(|mac| mac.chain_update(sealed))
    }

    fn seal(&self, prefix: u32, chance: [u8; 5]) -> SessionId {
        let mut bytes = [0; SEALED + SEAL];
        bytes[..3].copy_from_slice(&prefix.to_be_bytes()[1..]);
        bytes[3..SEALED].copy_from_slice(&chance);
        if let Some(mac) = self.mac(&bytes[..SEALED]) {
            bytes[SEALED..].copy_from_slice(&mac.finalize().into_bytes()[..SEAL]);
        }
        SessionId(bytes)
    }

    fn unseal(&self, text: &str) -> Option<(SessionId, u32)> {
        let mut bytes = [0; SEALED + SEAL];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        let (sealed, seal) = bytes.split_at(SEALED);
        // In constant time: a forger learns nothing from how long it takes.
        self.mac(sealed)?.verify_truncated_left(seal).ok()?;
        let prefix = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
        Some((SessionId(bytes), prefix))
    }
}

impl Extranonce {
    /// The session's id, as sent to the miner.
    pub fn session(&self) -> String {
        hex::encode(self.id.0)
    }

    pub fn prefix(&self) -> Option<Prefix> {
        self.prefix
    }

    /// Cancelled when another connection resumes this session.
    pub fn replaced(&self) -> &CancellationToken {
        &self.replaced
    }

    /// The last target of the session's earlier connection.
    pub fn last_target(&self) -> Option<u64> {
        self.last_target
    }

    /// Keeps the target for the session's return.
    pub fn keep_target(&self, target: u64) {
        self.target.store(target, Ordering::Relaxed);
    }
}

impl Drop for Extranonce {
    fn drop(&mut self) {
        let book = &mut *self.extranonces.book.lock();
        let still_held = |prefix: &u32| book.holders.get(prefix).is_some_and(|held| held.turn == self.turn);
        if let Some(prefix) = self.prefix.map(|Prefix(prefix)| prefix).filter(still_held) {
            book.holders.remove(&prefix);
        }
        let target = self.target.load(Ordering::Relaxed);
        if target > 0 {
            if book.left.len() >= MOST_LEFT {
                book.left.clear();
            }
            book.left.insert(self.id, target);
        }
    }
}

fn read_or_make_key(path: &Path) -> io::Result<[u8; 32]> {
    match fs::read(path) {
        Ok(bytes) => bytes.try_into().map_err(|_| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "it is not 32 bytes long; remove it, and the pool makes a new one",
            )
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key: [u8; 32] = rand::random();
            let folder = path.parent().unwrap_or(Path::new("."));
            // Readable only by its owner, like all temporary files.
            let mut file = NamedTempFile::new_in(folder)?;
            file.write_all(&key)?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_session_has_counters_of_its_own() {
        let extranonces = Extranonces::passing(3);
        let taken: Vec<Extranonce> = (0..1000).map(|_| extranonces.take()).collect();
        let prefixes: HashSet<Prefix> = taken.iter().filter_map(Extranonce::prefix).collect();
        assert_eq!(prefixes.len(), 1000);
        assert!(prefixes.iter().all(|prefix| prefix.0 >> 20 == 3), "the node's own");
        assert_eq!(extranonces.taken(), 1000);
        drop(taken);
        assert_eq!(extranonces.taken(), 0);
    }

    #[test]
    fn a_prefix_is_the_highest_bits_in_six_digits() {
        let prefix = Prefix(0x30_0005);
        assert_eq!(prefix.to_string(), "300005");
        assert_eq!(Prefix::parse("300005"), Some(prefix));
        assert_eq!(prefix.first(), 0x3000_0500_0000_0000);
        assert_eq!(prefix.with(u64::MAX), 0x3000_05ff_ffff_ffff);
        for wrong in ["", "3000", "30000500", "30000g"] {
            assert_eq!(Prefix::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_place_that_was_given_up_is_not_the_next_to_be_given() {
        let extranonces = Extranonces::passing(0);
        let first = extranonces.take().prefix();
        assert_ne!(extranonces.take().prefix(), first);
    }

    #[test]
    fn a_session_is_resumed_with_its_prefix_and_target() {
        let extranonces = Extranonces::passing(0);
        let extranonce = extranonces.take();
        extranonce.keep_target(500);
        let (id, prefix) = (extranonce.session(), extranonce.prefix());
        drop(extranonce);
        let resumed = extranonces.resume(&id).unwrap();
        assert_eq!((resumed.session(), resumed.prefix(), resumed.last_target()), (id, prefix, Some(500)));
    }

    #[test]
    fn a_connection_that_still_holds_the_session_gives_way() {
        let extranonces = Extranonces::passing(0);
        let old = extranonces.take();
        let new = extranonces.resume(&old.session()).unwrap();
        assert!(old.replaced().is_cancelled() && !new.replaced().is_cancelled());
        drop(old);
        assert_eq!(extranonces.taken(), 1, "the place is the new one's");
    }

    #[test]
    fn a_session_outlives_the_process_unless_its_place_was_given_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sessions.key");
        let (id, prefix) = {
            let extranonce = Extranonces::open(0, &path).unwrap().take();
            (extranonce.session(), extranonce.prefix())
        };
        let extranonces = Extranonces::open(0, &path).unwrap();
        assert_eq!(extranonces.resume(&id).unwrap().prefix(), prefix);

        let extranonces = Extranonces::open(0, &path).unwrap();
        extranonces.book.lock().next = prefix.unwrap().0;
        let other = extranonces.take();
        assert_eq!(other.prefix(), prefix);
        assert!(extranonces.resume(&id).is_none());
        assert!(!other.replaced().is_cancelled());
    }

    #[test]
    fn no_other_id_is_taken() {
        let extranonces = Extranonces::passing(0);
        let extranonce = extranonces.take();
        let id = extranonce.session();
        for wrong in ["", "0123", &id[..30], &format!("{id}00"), &Extranonces::passing(0).take().session()] {
            assert!(extranonces.resume(wrong).is_none(), "{wrong}");
        }
        for digit in 0..id.len() {
            let mut forged = id.clone().into_bytes();
            forged[digit] = if forged[digit] == b'0' { b'1' } else { b'0' };
            assert!(extranonces.resume(std::str::from_utf8(&forged).unwrap()).is_none(), "{digit}");
        }
        assert!(!extranonce.replaced().is_cancelled());
    }

    #[test]
    fn a_damaged_key_is_said_to_be_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sessions.key");
        fs::write(&path, "short").unwrap();
        assert!(Extranonces::open(0, &path).err().unwrap().to_string().contains("32 bytes"));
    }

    #[test]
    fn when_all_places_are_taken_a_session_goes_without() {
        let extranonces = Extranonces::passing(15);
        let id = extranonces.seal(0, [0; 5]);
        for extranonce in 0..PLACES - 1 {
            let holder = Holder { id, turn: 0, replaced: CancellationToken::new() };
            extranonces.book.lock().holders.insert(15 << 20 | extranonce, holder);
        }
        let without = extranonces.take();
        assert!(without.prefix().is_none(), "all ones is no prefix");
        assert!(extranonces.resume(&without.session()).unwrap().prefix().is_none());
        extranonces.book.lock().holders.remove(&(15 << 20 | 77));
        assert_eq!(extranonces.take().prefix(), Some(Prefix(15 << 20 | 77)));
    }

    proptest! {
        #[test]
        fn no_text_harms(text: String) {
            prop_assert!(Extranonces::passing(0).resume(&text).is_none());
        }
    }
}

//! The permutation and the two kinds of preimage, over vectors of lanes.

/// The round constants of Keccak-f[1600].
pub(super) const ROUND_CONSTANTS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// Defines `hash_leaves` and `hash_nodes` over what the calling module provides: the type `Vector` of `LANES` words,
/// and the operations `splat`, `load`, `store`, `xor`, `xor3`, `chi` (`a ^ (!b & c)`), `double` (`a << 1 | b >> 63`)
/// and `rotate_left::<L, R>` with `L + R = 64`. The attributes go to every function.
macro_rules! permutation {
    ($(#[$attribute:meta])*) => {
        use crate::keccak::{Hash, NODE_WORDS, RATE_WORDS, permutation::ROUND_CONSTANTS};

        /// Keccak-f[1600] in every lane.
        $(#[$attribute])*
        #[inline]
        fn permute(state: &mut [Vector; 25]) {
            let mut a = *state;
            for constant in ROUND_CONSTANTS {
                // Theta: the parity of every column, then what it adds to the neighbouring columns.
                macro_rules! parity {
                    ($x:literal) => {
                        xor3(xor3(a[$x], a[$x + 5], a[$x + 10]), a[$x + 15], a[$x + 20])
                    };
                }
                let c = [parity!(0), parity!(1), parity!(2), parity!(3), parity!(4)];
                let d = [
                    xor(c[4], rotate_left::<1, 63>(c[1])),
                    xor(c[0], rotate_left::<1, 63>(c[2])),
                    xor(c[1], rotate_left::<1, 63>(c[3])),
                    xor(c[2], rotate_left::<1, 63>(c[4])),
                    xor(c[3], rotate_left::<1, 63>(c[0])),
                ];
                // Rho and pi: each lane moves to its new place, rotated.
                macro_rules! moved {
                    ($i:literal, $by:literal) => {
                        rotate_left::<$by, { 64 - $by }>(xor(a[$i], d[$i % 5]))
                    };
                }
                let rows = [
                    [xor(a[0], d[0]), moved!(6, 44), moved!(12, 43), moved!(18, 21), moved!(24, 14)],
                    [moved!(3, 28), moved!(9, 20), moved!(10, 3), moved!(16, 45), moved!(22, 61)],
                    [moved!(1, 1), moved!(7, 6), moved!(13, 25), moved!(19, 8), moved!(20, 18)],
                    [moved!(4, 27), moved!(5, 36), moved!(11, 10), moved!(17, 15), moved!(23, 56)],
                    [moved!(2, 62), moved!(8, 55), moved!(14, 39), moved!(15, 41), moved!(21, 2)],
                ];
                for (y, row) in rows.iter().enumerate() {
                    for x in 0..5 {
                        a[5 * y + x] = chi(row[x], row[(x + 1) % 5], row[(x + 2) % 5]);
                    }
                }
                a[0] = xor(a[0], splat(constant));
            }
            *state = a;
        }

        $(#[$attribute])*
        pub(super) fn hash_leaves(leaves: &[Hash], hashes: &mut [Hash]) {
            for (leaves, hashes) in leaves.chunks(LANES).zip(hashes.chunks_mut(LANES)) {
                let mut words = [[0; LANES]; 4];
                for (lane, leaf) in leaves.iter().enumerate() {
                    for (word, value) in words.iter_mut().zip(leaf) {
                        word[lane] = *value;
                    }
                }
                let words = words.map(|word| load(&word));
                let mut state = [splat(0); 25];
                // A zero bit in front moves the element up by one; it has 253 bits, so no bit is lost.
                state[0] = double(words[0], splat(0));
                for i in 1..4 {
                    state[i] = double(words[i], words[i - 1]);
                }
                // 254 bits are 32 bytes; then the padding of SHA-3.
                state[4] = splat(0x06);
                state[RATE_WORDS - 1] = splat(1 << 63);
                permute(&mut state);
                store_hashes(&state, |lane, hash| {
                    if let Some(slot) = hashes.get_mut(lane) {
                        *slot = hash;
                    }
                });
            }
        }

        $(#[$attribute])*
        #[inline]
        pub(super) fn hash_nodes(
            count: usize,
            child: impl Fn(usize, usize) -> Hash,
            mut store: impl FnMut(usize, Hash),
        ) {
            for first in (0..count).step_by(LANES) {
                let mut words = [[0; LANES]; 32];
                for lane in 0..LANES.min(count - first) {
                    for i in 0..8 {
                        for (word, value) in words[4 * i..4 * i + 4].iter_mut().zip(child(first + lane, i)) {
                            word[lane] = value;
                        }
                    }
                }
                // A one bit, then the children's 2,048 bits: 257 bytes; then the padding of SHA-3.
                let mut message = [splat(0); NODE_WORDS];
                let mut below = splat(1 << 63);
                for (slot, word) in message.iter_mut().zip(&words) {
                    let word = load(word);
                    *slot = double(word, below);
                    below = word;
                }
                message[32] = xor(double(splat(0), below), splat(0x06 << 8));
                message[33] = splat(1 << 63);
                let mut state = [splat(0); 25];
                state[..RATE_WORDS].copy_from_slice(&message[..RATE_WORDS]);
                permute(&mut state);
                for (slot, word) in state.iter_mut().zip(&message[RATE_WORDS..]) {
                    *slot = xor(*slot, *word);
                }
                permute(&mut state);
                store_hashes(&state, |lane, hash| {
                    if first + lane < count {
                        store(first + lane, hash);
                    }
                });
            }
        }

        $(#[$attribute])*
        #[inline]
        fn store_hashes(state: &[Vector; 25], mut store: impl FnMut(usize, Hash)) {
            let words = [unload(state[0]), unload(state[1]), unload(state[2]), unload(state[3])];
            for lane in 0..LANES {
                store(lane, words.map(|word| word[lane]));
            }
        }
    };
}

//! One lane, in plain integers.

const LANES: usize = 1;

type Vector = u64;

permutation!();

#[inline(always)]
fn splat(word: u64) -> Vector {
    word
}

#[inline(always)]
fn load(words: &[u64; LANES]) -> Vector {
    words[0]
}

#[inline(always)]
fn unload(vector: Vector) -> [u64; LANES] {
    [vector]
}

#[inline(always)]
fn xor(a: Vector, b: Vector) -> Vector {
    a ^ b
}

#[inline(always)]
fn xor3(a: Vector, b: Vector, c: Vector) -> Vector {
    a ^ b ^ c
}

#[inline(always)]
fn chi(a: Vector, b: Vector, c: Vector) -> Vector {
    a ^ (!b & c)
}

#[inline(always)]
fn double(a: Vector, below: Vector) -> Vector {
    a << 1 | below >> 63
}

#[inline(always)]
fn rotate_left<const L: i32, const R: i32>(a: Vector) -> Vector {
    a.rotate_left(L as u32)
}

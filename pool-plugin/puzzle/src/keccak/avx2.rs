//! Four lanes.

use std::arch::x86_64::*;

const LANES: usize = 4;

type Vector = __m256i;

permutation!(#[target_feature(enable = "avx2")]);

#[target_feature(enable = "avx2")]
#[inline]
fn splat(word: u64) -> Vector {
    _mm256_set1_epi64x(word as i64)
}

#[target_feature(enable = "avx2")]
#[inline]
fn load(words: &[u64; LANES]) -> Vector {
    // SAFETY: the array has the vector's size, and the load needs no alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn unload(vector: Vector) -> [u64; LANES] {
    let mut words = [0; LANES];
    // SAFETY: the array has the vector's size, and the store needs no alignment.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), vector) };
    words
}

#[target_feature(enable = "avx2")]
#[inline]
fn xor(a: Vector, b: Vector) -> Vector {
    _mm256_xor_si256(a, b)
}

#[target_feature(enable = "avx2")]
#[inline]
fn xor3(a: Vector, b: Vector, c: Vector) -> Vector {
    xor(xor(a, b), c)
}

#[target_feature(enable = "avx2")]
#[inline]
fn chi(a: Vector, b: Vector, c: Vector) -> Vector {
    xor(a, _mm256_andnot_si256(b, c))
}

#[target_feature(enable = "avx2")]
#[inline]
fn double(a: Vector, below: Vector) -> Vector {
    _mm256_or_si256(_mm256_add_epi64(a, a), _mm256_srli_epi64::<63>(below))
}

/// Rotations by whole bytes are one shuffle.
#[target_feature(enable = "avx2")]
#[inline]
fn rotate_left<const L: i32, const R: i32>(a: Vector) -> Vector {
    match L {
        8 => _mm256_shuffle_epi8(a, both_halves(0x0605_0403_0201_0007, 0x0e0d_0c0b_0a09_080f)),
        56 => _mm256_shuffle_epi8(a, both_halves(0x0007_0605_0403_0201, 0x080f_0e0d_0c0b_0a09)),
        _ => _mm256_or_si256(_mm256_slli_epi64::<L>(a), _mm256_srli_epi64::<R>(a)),
    }
}

/// The same two words in both halves.
#[target_feature(enable = "avx2")]
#[inline]
fn both_halves(low: i64, high: i64) -> Vector {
    _mm256_set_epi64x(high, low, high, low)
}

//! Eight lanes. Rotations and three-operand logic are single instructions here.

use std::arch::x86_64::*;

const LANES: usize = 8;

type Vector = __m512i;

permutation!(#[target_feature(enable = "avx512f")]);

#[target_feature(enable = "avx512f")]
#[inline]
fn splat(word: u64) -> Vector {
    _mm512_set1_epi64(word as i64)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load(words: &[u64; LANES]) -> Vector {
    // SAFETY: the array has the vector's size, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn unload(vector: Vector) -> [u64; LANES] {
    let mut words = [0; LANES];
    // SAFETY: the array has the vector's size, and the store needs no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) };
    words
}

#[target_feature(enable = "avx512f")]
#[inline]
fn xor(a: Vector, b: Vector) -> Vector {
    _mm512_xor_si512(a, b)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn xor3(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm512_ternarylogic_epi64::<0x96>(a, b, c)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn chi(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm512_ternarylogic_epi64::<0xd2>(a, b, c)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn double(a: Vector, below: Vector) -> Vector {
    _mm512_or_si512(_mm512_add_epi64(a, a), _mm512_srli_epi64::<63>(below))
}

#[target_feature(enable = "avx512f")]
#[inline]
fn rotate_left<const L: i32, const R: i32>(a: Vector) -> Vector {
    _mm512_rol_epi64::<L>(a)
}

//! Arithmetic in the scalar field of BLS12-377, the field of Aleo's circuits.
//!
//! Four 64-bit limbs, little endian, in Montgomery form (`x · 2^256 mod p`). snarkVM's own type has the same
//! representation but hides the limbs, and at low optimisation levels its multiplication dominates an attempt.

// Limbs of several numbers in parallel are simpler by index.
#![allow(clippy::needless_range_loop)]

/// The modulus `p`, 253 bits.
pub(crate) const MODULUS: [u64; 4] =
    [0x0a11_8000_0000_0001, 0x59aa_76fe_d000_0001, 0x60b4_4d1e_5c37_b001, 0x12ab_655e_9a2c_a556];

/// The number of bits of a canonical element.
pub(crate) const BITS: u32 = 253;

/// `-p⁻¹ mod 2^64`.
const INV: u64 = {
    // Newton's iteration doubles the number of correct bits; p is odd, so one bit is correct to begin with.
    let (mut inverse, mut round) = (1u64, 0);
    while round < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(MODULUS[0].wrapping_mul(inverse)));
        round += 1;
    }
    inverse.wrapping_neg()
};

/// `2^256 mod p`, the Montgomery form of one.
const R: [u64; 4] = power_of_two(256);

/// `2^512 mod p`, which takes a canonical value to Montgomery form.
const R2: [u64; 4] = power_of_two(512);

/// A field element in Montgomery form, always below the modulus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fr([u64; 4]);

impl Fr {
    pub(crate) const ZERO: Self = Self([0; 4]);
    pub(crate) const ONE: Self = Self(R);

    /// The element of a canonical value, which must be below the modulus.
    pub(crate) fn from_canonical(value: [u64; 4]) -> Self {
        Self(montgomery_product(value, R2))
    }

    pub(crate) fn from_u128(value: u128) -> Self {
        Self::from_canonical([value as u64, (value >> 64) as u64, 0, 0])
    }

    pub(crate) fn to_canonical(self) -> [u64; 4] {
        reduce([self.0[0], self.0[1], self.0[2], self.0[3], 0, 0, 0, 0])
    }

    pub(crate) fn is_zero(self) -> bool {
        self.0 == [0; 4]
    }

    pub(crate) fn add(self, other: Self) -> Self {
        // Both are below 2^253, so the sum fits.
        Self(below_modulus(add_limbs(self.0, other.0).0))
    }

    pub(crate) fn sub(self, other: Self) -> Self {
        let (difference, borrow) = sub_limbs(self.0, other.0);
        Self(if borrow { add_limbs(difference, MODULUS).0 } else { difference })
    }

    pub(crate) fn neg(self) -> Self {
        Self::ZERO.sub(self)
    }

    pub(crate) fn mul(self, other: Self) -> Self {
        Self(montgomery_product(self.0, other.0))
    }

    pub(crate) fn square(self) -> Self {
        self.mul(self)
    }

    /// `Σ aᵢ·bᵢ` over three products, reduced once: the sum is below `3p² < 2^512` and its reduction below `2p`.
    pub(crate) fn dot(a: &[Self; 3], b: &[Self; 3]) -> Self {
        let mut wide = [0u64; 8];
        for (x, y) in a.iter().zip(b) {
            accumulate_product(&mut wide, x.0, y.0);
        }
        Self(reduce(wide))
    }

    /// The inverse, or `None` of zero.
    pub(crate) fn inverse(self) -> Option<Self> {
        if self.is_zero() {
            return None;
        }
        // (x·R)⁻¹ times R² twice gives x⁻¹·R.
        let inverse = inverse_modulo(self.0);
        Some(Self(montgomery_product(montgomery_product(inverse, R2), R2)))
    }
}

/// Replaces every element by its inverse, with one inversion in all. Zeros stay as they are.
/// `prefix` is scratch space.
pub(crate) fn invert_all(elements: &mut [Fr], prefix: &mut Vec<Fr>) {
    prefix.clear();
    let mut product = Fr::ONE;
    for element in elements.iter().filter(|element| !element.is_zero()) {
        prefix.push(product);
        product = product.mul(*element);
    }
    let Some(mut inverse) = product.inverse() else { return };
    for element in elements.iter_mut().rev().filter(|element| !element.is_zero()) {
        let Some(before) = prefix.pop() else { return };
        let value = *element;
        *element = inverse.mul(before);
        inverse = inverse.mul(value);
    }
}

#[inline(always)]
const fn add_limbs(a: [u64; 4], b: [u64; 4]) -> ([u64; 4], bool) {
    let (mut sum, mut carry, mut i) = ([0; 4], 0u128, 0);
    while i < 4 {
        carry += a[i] as u128 + b[i] as u128;
        sum[i] = carry as u64;
        carry >>= 64;
        i += 1;
    }
    (sum, carry != 0)
}

#[inline(always)]
const fn sub_limbs(a: [u64; 4], b: [u64; 4]) -> ([u64; 4], bool) {
    let (mut difference, mut borrow, mut i) = ([0; 4], false, 0);
    while i < 4 {
        let (x, under) = a[i].overflowing_sub(b[i]);
        let (x, under_again) = x.overflowing_sub(borrow as u64);
        difference[i] = x;
        borrow = under | under_again;
        i += 1;
    }
    (difference, borrow)
}

/// Reduces a value below twice the modulus to one below the modulus.
#[inline(always)]
const fn below_modulus(value: [u64; 4]) -> [u64; 4] {
    let (difference, borrow) = sub_limbs(value, MODULUS);
    if borrow { value } else { difference }
}

const fn power_of_two(exponent: u32) -> [u64; 4] {
    let (mut value, mut i) = ([1, 0, 0, 0], 0);
    while i < exponent {
        value = below_modulus(add_limbs(value, value).0);
        i += 1;
    }
    value
}

/// `a·b / 2^256 mod p`, interleaving multiplication and reduction. The top limb of the modulus leaves room
/// for the carries, so no fifth limb is needed.
#[inline(always)]
fn montgomery_product(a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
    let mut t = [0u64; 4];
    for limb in a {
        let low = t[0] as u128 + limb as u128 * b[0] as u128;
        let factor = (low as u64).wrapping_mul(INV);
        let mut product_carry = (low >> 64) as u64;
        let mut reduced_carry = ((low as u64 as u128 + factor as u128 * MODULUS[0] as u128) >> 64) as u64;
        for j in 1..4 {
            let product = t[j] as u128 + limb as u128 * b[j] as u128 + product_carry as u128;
            product_carry = (product >> 64) as u64;
            let reduced =
                product as u64 as u128 + factor as u128 * MODULUS[j] as u128 + reduced_carry as u128;
            reduced_carry = (reduced >> 64) as u64;
            t[j - 1] = reduced as u64;
        }
        t[3] = product_carry + reduced_carry;
    }
    below_modulus(t)
}

#[inline(always)]
fn accumulate_product(wide: &mut [u64; 8], a: [u64; 4], b: [u64; 4]) {
    for (i, limb) in a.into_iter().enumerate() {
        let mut carry = 0u64;
        for (j, other) in b.into_iter().enumerate() {
            let sum = wide[i + j] as u128 + limb as u128 * other as u128 + carry as u128;
            wide[i + j] = sum as u64;
            carry = (sum >> 64) as u64;
        }
        for slot in &mut wide[i + 4..] {
            let (sum, overflow) = slot.overflowing_add(carry);
            *slot = sum;
            carry = overflow as u64;
        }
    }
}

/// `wide / 2^256 mod p` of a value below `2^256·p`.
#[inline(always)]
fn reduce(mut wide: [u64; 8]) -> [u64; 4] {
    let mut above = 0u64;
    for i in 0..4 {
        let factor = wide[i].wrapping_mul(INV);
        let mut carry = 0u64;
        for j in 0..4 {
            let sum = wide[i + j] as u128 + factor as u128 * MODULUS[j] as u128 + carry as u128;
            wide[i + j] = sum as u64;
            carry = (sum >> 64) as u64;
        }
        let sum = wide[i + 4] as u128 + carry as u128 + above as u128;
        wide[i + 4] = sum as u64;
        above = (sum >> 64) as u64;
    }
    below_modulus([wide[4], wide[5], wide[6], wide[7]])
}

/// The inverse of a non-zero value below the modulus, by the binary extended Euclidean algorithm.
fn inverse_modulo(value: [u64; 4]) -> [u64; 4] {
    const ONE: [u64; 4] = [1, 0, 0, 0];
    // Invariants: a·value ≡ u and b·value ≡ v (mod p), and v is odd.
    let (mut u, mut v, mut a, mut b) = (value, MODULUS, ONE, [0; 4]);
    while u != ONE && v != ONE {
        while u[0] & 1 == 0 {
            u = halve(u);
            a = halve_modulo(a);
        }
        while v[0] & 1 == 0 {
            v = halve(v);
            b = halve_modulo(b);
        }
        let (difference, borrow) = sub_limbs(u, v);
        if borrow {
            v = sub_limbs(v, u).0;
            b = Fr(b).sub(Fr(a)).0;
        } else {
            u = difference;
            a = Fr(a).sub(Fr(b)).0;
        }
    }
    if u == ONE { a } else { b }
}

#[inline(always)]
fn halve(x: [u64; 4]) -> [u64; 4] {
    [x[0] >> 1 | x[1] << 63, x[1] >> 1 | x[2] << 63, x[2] >> 1 | x[3] << 63, x[3] >> 1]
}

#[inline(always)]
fn halve_modulo(x: [u64; 4]) -> [u64; 4] {
    halve(if x[0] & 1 == 0 { x } else { add_limbs(x, MODULUS).0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use snarkvm::console::{
        network::MainnetV0,
        prelude::{FromBytes, Inverse, ToBytes},
        types::Field,
    };

    /// Canonical values, including the edges.
    fn canonical() -> impl Strategy<Value = [u64; 4]> {
        let edges: Vec<[u64; 4]> =
            [[0; 4], [1, 0, 0, 0], [2, 0, 0, 0], sub_limbs(MODULUS, [1, 0, 0, 0]).0, [u64::MAX, 0, 0, 0]]
                .into();
        prop_oneof![
            1 => proptest::sample::select(edges),
            4 => any::<[u64; 4]>().prop_map(|[a, b, c, d]| [a, b, c, d % MODULUS[3]]),
        ]
    }

    fn upstream(value: [u64; 4]) -> Field<MainnetV0> {
        let bytes: Vec<u8> = value.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        Field::from_bytes_le(&bytes).unwrap()
    }

    fn limbs(field: Field<MainnetV0>) -> [u64; 4] {
        let bytes = field.to_bytes_le().unwrap();
        core::array::from_fn(|i| u64::from_le_bytes(bytes[8 * i..8 * i + 8].try_into().unwrap()))
    }

    proptest! {
        #[test]
        fn agrees_with_upstream(x in canonical(), y in canonical(), z in canonical()) {
            let (a, b, c) = (Fr::from_canonical(x), Fr::from_canonical(y), Fr::from_canonical(z));
            let (p, q, r) = (upstream(x), upstream(y), upstream(z));
            prop_assert_eq!(a.to_canonical(), x);
            prop_assert_eq!(a.add(b).to_canonical(), limbs(p + q));
            prop_assert_eq!(a.sub(b).to_canonical(), limbs(p - q));
            prop_assert_eq!(a.mul(b).to_canonical(), limbs(p * q));
            prop_assert_eq!(a.neg().to_canonical(), limbs(-p));
            prop_assert_eq!(Fr::dot(&[a, b, c], &[b, c, a]).to_canonical(), limbs(p * q + q * r + r * p));
            prop_assert_eq!(a.inverse().map(Fr::to_canonical), p.inverse().ok().map(limbs));
        }

        #[test]
        fn inverts_all_and_keeps_zeros(values in proptest::collection::vec(canonical(), 0..9)) {
            let mut elements: Vec<Fr> = values.iter().map(|value| Fr::from_canonical(*value)).collect();
            let expected: Vec<Fr> = elements.iter().map(|element| element.inverse().unwrap_or(Fr::ZERO)).collect();
            invert_all(&mut elements, &mut Vec::new());
            prop_assert_eq!(elements, expected);
        }
    }
}

//! `hash.bhp256` and `hash.ped64` of an integer.
//!
//! Both hash a constant prefix and then the variable bits, and the circuit folds all constants. So the values
//! here carry whether they are constant. Rare in epoch programs, so written for simplicity rather than speed,
//! except for the constant beginning, which is hashed when the program is compiled.

use std::sync::OnceLock;

use snarkvm::console::{
    network::{BHP_256, Environment, MainnetV0, PEDERSEN_64},
    prelude::Double,
    types::{Field, Group},
};

use crate::{
    circuit::{
        IntegerType, fields,
        plaintext::{PREFIX_BITS, integer_prefix},
        poseidon::constant,
    },
    field::Fr,
    tape::{NoTape, Tape},
};

/// A value of the circuit and whether it is a constant there.
#[derive(Clone, Copy)]
struct Val {
    value: Fr,
    constant: bool,
}

impl Val {
    const ZERO: Self = Self::constant(Fr::ZERO);
    const ONE: Self = Self::constant(Fr::ONE);

    const fn constant(value: Fr) -> Self {
        Self { value, constant: true }
    }

    fn variable(tape: &mut impl Tape, value: Fr) -> Self {
        tape.field(value);
        Self { value, constant: false }
    }

    /// A new variable, unless all its inputs are constant.
    fn witness(tape: &mut impl Tape, constant: bool, value: Fr) -> Self {
        if constant { Self::constant(value) } else { Self::variable(tape, value) }
    }

    fn add(self, other: Self) -> Self {
        Self { value: self.value.add(other.value), constant: self.constant && other.constant }
    }

    fn sub(self, other: Self) -> Self {
        self.add(other.neg())
    }

    fn neg(self) -> Self {
        Self { value: self.value.neg(), constant: self.constant }
    }

    /// Linear if a factor is constant; zero times a variable is a constant.
    fn mul(self, tape: &mut impl Tape, other: Self) -> Self {
        let value = self.value.mul(other.value);
        if !self.constant && !other.constant {
            return Self::variable(tape, value);
        }
        let zero = self.is_constant_zero() || other.is_constant_zero();
        Self { value, constant: zero || (self.constant && other.constant) }
    }

    fn is_constant_zero(self) -> bool {
        self.constant && self.value.is_zero()
    }

    /// The quotient of two variables is one variable; with a constant it is a product with the inverse.
    fn div_unchecked(self, tape: &mut impl Tape, other: Self) -> Self {
        let inverse = invert(tape, other.value);
        if self.constant || other.constant {
            let inverse = Self::witness(tape, other.constant, inverse);
            return self.mul(tape, inverse);
        }
        Self::variable(tape, self.value.mul(inverse))
    }
}

/// The inverse of a denominator, which is never zero for points of the curve's large subgroup.
fn invert(tape: &mut impl Tape, value: Fr) -> Fr {
    value.inverse().unwrap_or_else(|| {
        tape.unsatisfied();
        Fr::ZERO
    })
}

/// A bit and whether it is a constant.
#[derive(Clone, Copy)]
struct Bit {
    value: bool,
    constant: bool,
}

impl Bit {
    const fn constant(value: bool) -> Self {
        Self { value, constant: true }
    }

    fn and(self, tape: &mut impl Tape, other: Self) -> Self {
        let value = self.value && other.value;
        match (self, other) {
            (Self { value: false, constant: true }, _) | (_, Self { value: false, constant: true }) => {
                Self::constant(false)
            }
            (Self { constant: true, .. }, other) => other,
            (this, Self { constant: true, .. }) => this,
            _ => {
                tape.bit(value);
                Self { value, constant: false }
            }
        }
    }

    fn to_field(self) -> Val {
        Val { value: if self.value { Fr::ONE } else { Fr::ZERO }, constant: self.constant }
    }
}

/// A point of the twisted Edwards curve.
#[derive(Clone, Copy)]
pub(crate) struct Point {
    x: Val,
    y: Val,
}

impl Point {
    const IDENTITY: Self = Self { x: Val::ZERO, y: Val::ONE };

    /// The point if the bit is set, else the identity. Linear in the bit: both branches are constant.
    fn select(bit: Bit, (x, y): (Fr, Fr)) -> Self {
        let (x, y) = if bit.value { (x, y) } else { (Fr::ZERO, Fr::ONE) };
        Self { x: Val { value: x, constant: bit.constant }, y: Val { value: y, constant: bit.constant } }
    }

    fn is_constant(self) -> bool {
        self.x.constant && self.y.constant
    }

    fn is_constant_identity(self) -> bool {
        self.is_constant() && self.x.value.is_zero() && self.y.value == Fr::ONE
    }

    fn add(self, tape: &mut impl Tape, other: Self, curve: &Curve) -> Self {
        if self.is_constant_identity() {
            return other;
        }
        if other.is_constant_identity() {
            return self;
        }
        // Addition commutes, but the order decides which products come first.
        let (this, that) = if other.is_constant() { (self, other) } else { (other, self) };
        let (a, d) = (Val::constant(curve.a), Val::constant(curve.d));
        let scaled = this.x.mul(tape, a.neg());
        let u = scaled.add(this.y).mul(tape, that.x.add(that.y));
        let v0 = this.x.mul(tape, that.y);
        let v1 = that.x.mul(tape, this.y);
        let v2 = v0.mul(tape, v1).mul(tape, d);
        let constant = [u, v0, v1, v2].iter().all(|value| value.constant);
        let denominator = invert(tape, Val::ONE.add(v2).value);
        let x = v0.add(v1).value.mul(denominator);
        let denominator = invert(tape, Val::ONE.sub(v2).value);
        let y = u.value.add(v0.value.mul(curve.a)).sub(v1.value).mul(denominator);
        Self { x: Val::witness(tape, constant, x), y: Val::witness(tape, constant, y) }
    }
}

/// The curve `a·x² + y² = 1 + d·x²·y²` and its Montgomery form `b·y² = x³ + A·x² + x`.
struct Curve {
    a: Fr,
    d: Fr,
    montgomery_a: Fr,
    montgomery_b: Fr,
}

struct Parameters {
    curve: Curve,
    /// The bits before every input.
    bhp_domain: Vec<bool>,
    /// Per window and chunk the Montgomery coordinates of one to four times the base.
    bhp_bases: Vec<Vec<[(Fr, Fr); 4]>>,
    pedersen_bases: Vec<(Fr, Fr)>,
}

/// snarkVM's parameters, or `None` if it has none. Loading them takes some tens of milliseconds once.
fn parameters() -> Option<&'static Parameters> {
    static PARAMETERS: OnceLock<Option<Parameters>> = OnceLock::new();
    PARAMETERS.get_or_init(load).as_ref()
}

fn load() -> Option<Parameters> {
    let point = |group: &Group<MainnetV0>| {
        Some((constant(group.to_x_coordinate())?, constant(group.to_y_coordinate())?))
    };
    let montgomery = |group: &Group<MainnetV0>| {
        let (x, y) = point(group)?;
        let u = Fr::ONE.add(y).mul(Fr::ONE.sub(y).inverse()?);
        Some((u, u.mul(x.inverse()?)))
    };
    let multiples = |base: &Group<MainnetV0>| {
        let double = base.double();
        Some([
            montgomery(base)?,
            montgomery(&double)?,
            montgomery(&(double + *base))?,
            montgomery(&double.double())?,
        ])
    };
    Some(Parameters {
        curve: Curve {
            a: constant(Field::new(MainnetV0::EDWARDS_A))?,
            d: constant(Field::new(MainnetV0::EDWARDS_D))?,
            montgomery_a: constant(Group::<MainnetV0>::MONTGOMERY_A)?,
            montgomery_b: constant(Group::<MainnetV0>::MONTGOMERY_B)?,
        },
        bhp_domain: BHP_256.domain().to_vec(),
        bhp_bases: BHP_256
            .bases()
            .iter()
            .map(|window| window.iter().map(multiples).collect::<Option<_>>())
            .collect::<Option<_>>()?,
        pedersen_bases: PEDERSEN_64.base_window().iter().map(point).collect::<Option<_>>()?,
    })
}

/// A hash of integers of one type, with its constant beginning already computed.
pub(crate) enum Hasher {
    /// For at most 32 bits: the prefix and the value must fit into 64.
    Pedersen64 { ty: IntegerType, prefix: Point },
    /// With the constant bits that do not fill a chunk.
    Bhp256 { ty: IntegerType, prefix: Bhp, rest: Vec<bool> },
}

impl Hasher {
    pub(crate) fn pedersen64(ty: IntegerType) -> Option<Self> {
        let Parameters { curve, pedersen_bases, .. } = parameters()?;
        let mut prefix = Point::IDENTITY;
        for (bit, base) in prefix_bits(ty).zip(pedersen_bases) {
            prefix = prefix.add(&mut NoTape, Point::select(Bit::constant(bit), *base), curve);
        }
        (PREFIX_BITS + ty.bits <= 64).then_some(Self::Pedersen64 { ty, prefix })
    }

    pub(crate) fn bhp256(ty: IntegerType) -> Option<Self> {
        let parameters = parameters()?;
        let length = (PREFIX_BITS + ty.bits) as u64;
        let length = (0..64).map(move |i| length >> i & 1 == 1);
        let bits: Vec<bool> =
            parameters.bhp_domain.iter().copied().chain(length).chain(prefix_bits(ty)).collect();
        let (chunks, rest) = bits.as_chunks::<CHUNK>();
        let mut prefix = Bhp { hash: Point::IDENTITY, sum: None, window: 0, chunk: 0 };
        for chunk in chunks {
            prefix.push(&mut NoTape, chunk.map(Bit::constant), parameters);
        }
        Some(Self::Bhp256 { ty, prefix, rest: rest.to_vec() })
    }

    /// Hashes a value and truncates the hash to an integer of `bits` bits.
    pub(crate) fn hash<T: Tape>(&self, tape: &mut T, value: u128, bits: u32) -> u128 {
        let Some(parameters) = parameters() else {
            tape.unsatisfied();
            return 0;
        };
        let variable = |i: u32| Bit { value: value >> i & 1 == 1, constant: false };
        let hash = match self {
            Self::Pedersen64 { ty, prefix } => {
                let bases = parameters.pedersen_bases.iter().skip(PREFIX_BITS as usize);
                let add = |sum: Point, (i, base): (u32, &(Fr, Fr))| {
                    sum.add(tape, Point::select(variable(i), *base), &parameters.curve)
                };
                (0..ty.bits).zip(bases).fold(*prefix, add)
            }
            Self::Bhp256 { ty, prefix, rest } => {
                let mut state = *prefix;
                let mut bits =
                    rest.iter().map(|bit| Bit::constant(*bit)).chain((0..ty.bits).map(variable)).fuse();
                while let Some(first) = bits.next() {
                    let mut next = || bits.next().unwrap_or(Bit::constant(false));
                    state.push(tape, [first, next(), next()], parameters);
                }
                state.close(tape, parameters);
                state.hash
            }
        };
        fields::cast_lossy(tape, hash.x.value, bits)
    }
}

fn prefix_bits(ty: IntegerType) -> impl Iterator<Item = bool> {
    let prefix = integer_prefix(ty);
    (0..PREFIX_BITS).map(move |i| prefix >> i & 1 == 1)
}

/// The bits of a chunk.
const CHUNK: usize = 3;

/// A Bowe-Hopwood-Pedersen hash in progress: per window, a sum of Montgomery points chosen by three bits
/// each.
#[derive(Clone, Copy)]
pub(crate) struct Bhp {
    /// The sum of the windows so far.
    hash: Point,
    /// The sum within the window, in Montgomery coordinates.
    sum: Option<Point>,
    window: usize,
    chunk: usize,
}

impl Bhp {
    fn push<T: Tape>(&mut self, tape: &mut T, bits: [Bit; CHUNK], parameters: &Parameters) {
        let Some(bases) = parameters.bhp_bases.get(self.window) else { return };
        let Some(multiples) = bases.get(self.chunk) else { return };
        let point = lookup(tape, bits, multiples);
        self.sum = Some(match self.sum {
            None => point,
            Some(sum) => montgomery_add(tape, sum, point, &parameters.curve),
        });
        self.chunk += 1;
        if self.chunk == bases.len() {
            self.close(tape, parameters);
        }
    }

    /// Ends a window, if one is in progress.
    fn close<T: Tape>(&mut self, tape: &mut T, parameters: &Parameters) {
        let Some(Point { x, y }) = self.sum.take() else { return };
        let edwards_x = x.div_unchecked(tape, y);
        let edwards_y = x.sub(Val::ONE).div_unchecked(tape, x.add(Val::ONE));
        self.hash = self.hash.add(tape, Point { x: edwards_x, y: edwards_y }, &parameters.curve);
        self.window += 1;
        self.chunk = 0;
    }
}

/// The point of three bits: two choose the multiple, the third its sign.
fn lookup<T: Tape>(tape: &mut T, [first, second, sign]: [Bit; 3], multiples: &[(Fr, Fr); 4]) -> Point {
    let both = first.and(tape, second);
    let choose = |tape: &mut T, of: [Fr; 4]| {
        let [one, two, three, four] = of.map(Val::constant);
        let first = first.to_field().mul(tape, two.sub(one));
        let second = second.to_field().mul(tape, three.sub(one));
        let both = both.to_field().mul(tape, four.sub(three).sub(two).add(one));
        one.add(first).add(second).add(both)
    };
    let x = choose(tape, multiples.map(|(x, _)| x));
    let y = choose(tape, multiples.map(|(_, y)| y));
    // snarkVM checks all three bits and y to decide whether this is a constant.
    let constant = first.constant && second.constant && sign.constant && y.constant;
    let signed = if sign.value { y.neg() } else { y };
    Point { x, y: Val::witness(tape, constant, signed.value) }
}

/// The sum of two different points in Montgomery coordinates.
fn montgomery_add<T: Tape>(tape: &mut T, a: Point, b: Point, curve: &Curve) -> Point {
    let constant = a.is_constant() && b.is_constant();
    let slope = b.y.value.sub(a.y.value).mul(invert(tape, b.x.value.sub(a.x.value)));
    let slope = Val::witness(tape, constant, slope);
    let x =
        curve.montgomery_b.mul(slope.value.square()).sub(curve.montgomery_a).sub(a.x.value).sub(b.x.value);
    let x = Val::witness(tape, slope.constant && a.x.constant && b.x.constant, x);
    let y = a.y.value.add(slope.value.mul(x.value.sub(a.x.value))).neg();
    let y = Val::witness(tape, slope.constant && x.constant && a.x.constant && a.y.constant, y);
    Point { x, y }
}

//! The compiled program and its interpreter.

use crate::{
    circuit::{
        IntegerType, fields,
        groups::Hasher,
        integers,
        poseidon::{self, Hashed},
        shl_wrapped, shr_wrapped,
    },
    field::Fr,
    program::Type,
    tape::{Shape, Tape, Variable},
};

/// A comparison; all are made from "less than" by swapping and negating.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    /// Whether the operands are swapped, and whether the result is negated.
    const fn by_less_than(self) -> (bool, bool) {
        match self {
            Self::Less => (false, false),
            Self::LessOrEqual => (true, true),
            Self::Greater => (true, false),
            Self::GreaterOrEqual => (false, true),
        }
    }
}

/// An operation bit by bit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BitOp {
    And,
    Or,
    Xor,
    Nand,
    Nor,
}

impl BitOp {
    const fn apply(self, a: u128, b: u128) -> u128 {
        match self {
            Self::And => a & b,
            Self::Or => a | b,
            Self::Xor => a ^ b,
            Self::Nand => !(a & b),
            Self::Nor => !(a | b),
        }
    }
}

/// A step's operation. `bits` is the width of the integer that a hash or cast returns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    AddWrapped(IntegerType),
    SubWrapped(IntegerType),
    MulWrapped(IntegerType),
    DivWrapped(IntegerType),
    RemWrapped(IntegerType),
    AbsWrapped(IntegerType),
    Negate(IntegerType),
    PowWrapped {
        ty: IntegerType,
        exponent_bits: u32,
    },
    ShlWrapped(IntegerType),
    ShrWrapped(IntegerType),
    /// Allocates nothing: the circuit negates linearly.
    Not(IntegerType),
    Bits(BitOp, IntegerType),
    /// With a literal, which allocates nothing.
    BitsWithConstant(BitOp, IntegerType),
    Ternary(IntegerType),
    IntegerEqual {
        negated: bool,
    },
    BooleanEqual {
        negated: bool,
    },
    Compare(Order, IntegerType),
    /// Allocates nothing: the circuit adds linearly.
    FieldAdd,
    FieldMul,
    FieldSquare,
    FieldDiv,
    FieldInverse,
    FieldPow,
    FieldTernary,
    FieldEqual {
        negated: bool,
    },
    FieldCompare(Order),
    CastLossy {
        bits: u32,
    },
    HashPsd2 {
        memory: u32,
        first: bool,
        bits: u32,
    },
    /// By the plan's hasher of this number.
    HashGroup {
        hasher: u32,
        bits: u32,
    },
}

/// An operation with its registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) op: Op,
    pub(crate) operands: [u32; 3],
    pub(crate) destination: u32,
}

/// The values of all registers, followed by the literals.
#[derive(Clone, Default)]
pub(crate) struct Registers {
    /// Integers as unsigned bit patterns, booleans as zero or one.
    pub(crate) integers: Vec<u128>,
    pub(crate) fields: Vec<Fr>,
    hashes: Vec<Hashed>,
}

impl Registers {
    /// The bytes these hold on the heap.
    pub(crate) fn memory(&self) -> usize {
        size_of_val(&self.integers[..]) + size_of_val(&self.fields[..]) + size_of_val(&self.hashes[..])
    }
}

/// The compiled parts of a program.
pub(crate) struct Parts {
    pub(crate) inputs: Vec<Type>,
    pub(crate) steps: Vec<Step>,
    pub(crate) hashers: Vec<Hasher>,
    pub(crate) num_registers: usize,
    pub(crate) num_hashes: usize,
    /// Values after the registers: an integer's bits, a boolean, or a small field element.
    pub(crate) literals: Vec<(u128, Type)>,
}

/// A program ready to run.
pub(crate) struct Plan {
    inputs: Vec<Type>,
    steps: Vec<Step>,
    hashers: Vec<Hasher>,
    /// The initial registers, including the literals.
    initial: Registers,
    /// Every variable of the circuit, in allocation order.
    variables: Vec<Variable>,
}

impl Plan {
    /// Finds the shape of the circuit.
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { inputs, steps, hashers, num_registers, num_hashes, literals } = parts;
        let mut initial = Registers {
            integers: vec![0; num_registers],
            fields: vec![Fr::ZERO; num_registers],
            hashes: vec![Hashed::default(); num_hashes],
        };
        for (value, ty) in literals {
            let is_field = ty == Type::Field;
            initial.integers.push(if is_field { 0 } else { value });
            initial.fields.push(if is_field { Fr::from_u128(value) } else { Fr::ZERO });
        }
        let mut plan = Self { inputs, steps, hashers, initial, variables: Vec::new() };
        let mut shape = Shape::default();
        plan.run(&mut plan.registers(), &mut shape);
        plan.variables = shape.variables;
        plan
    }

    pub(crate) fn inputs(&self) -> &[Type] {
        &self.inputs
    }

    pub(crate) fn variables(&self) -> &[Variable] {
        &self.variables
    }

    pub(crate) fn registers(&self) -> Registers {
        self.initial.clone()
    }

    /// Runs the program on the inputs in `registers`: the public variables (the constant one, then the inputs), then
    /// the private ones.
    pub(crate) fn run<T: Tape>(&self, registers: &mut Registers, tape: &mut T) {
        tape.bit(true);
        for (register, ty) in self.inputs.iter().enumerate() {
            match ty {
                Type::Boolean => tape.bits(registers.integers[register], 1),
                Type::Integer(ty) => tape.bits(registers.integers[register], ty.bits),
                Type::Field => tape.field(registers.fields[register]),
            }
        }
        for step in &self.steps {
            step.run(&self.hashers, registers, tape);
        }
    }
}

impl Step {
    fn run<T: Tape>(&self, hashers: &[Hasher], registers: &mut Registers, tape: &mut T) {
        let [i, j, k] = self.operands.map(|operand| operand as usize);
        let (a, b) = (registers.integers[i], registers.integers[j]);
        let (x, y) = (registers.fields[i], registers.fields[j]);
        let integer = match self.op {
            Op::AddWrapped(ty) => integers::add_wrapped(tape, ty, a, b),
            Op::SubWrapped(ty) => integers::sub_wrapped(tape, ty, a, b),
            Op::MulWrapped(ty) => integers::mul_wrapped(tape, ty, a, b),
            Op::DivWrapped(ty) => integers::div_wrapped(tape, ty, a, b),
            Op::RemWrapped(ty) => integers::rem_wrapped(tape, ty, a, b),
            Op::AbsWrapped(ty) => integers::abs_wrapped(tape, ty, a),
            Op::Negate(ty) => integers::negate(tape, ty, a),
            Op::PowWrapped { ty, exponent_bits } => integers::pow_wrapped(tape, ty, a, b, exponent_bits),
            Op::ShlWrapped(ty) => shl_wrapped(tape, ty, a, b),
            Op::ShrWrapped(ty) => shr_wrapped(tape, ty, a, b),
            Op::Not(ty) => !a & ty.mask(),
            Op::BitsWithConstant(op, ty) => op.apply(a, b) & ty.mask(),
            Op::Bits(op, ty) => {
                let result = op.apply(a, b) & ty.mask();
                tape.bits(result, ty.bits);
                result
            }
            Op::Ternary(ty) => integers::ternary(tape, ty, a == 1, b, registers.integers[k]),
            Op::IntegerEqual { negated } => (integers::is_equal(tape, a, b) ^ negated) as u128,
            Op::BooleanEqual { negated } => {
                tape.bit(a != b);
                ((a == b) ^ negated) as u128
            }
            Op::Compare(order, ty) => {
                let (swapped, negated) = order.by_less_than();
                let (a, b) = if swapped { (b, a) } else { (a, b) };
                (integers::is_less_than(tape, ty, a, b) ^ negated) as u128
            }
            Op::FieldEqual { negated } => (fields::is_equal(tape, x, y) ^ negated) as u128,
            Op::FieldCompare(order) => {
                let (swapped, negated) = order.by_less_than();
                let (x, y) = if swapped { (y, x) } else { (x, y) };
                (fields::is_less_than(tape, x, y) ^ negated) as u128
            }
            Op::CastLossy { bits } => fields::cast_lossy(tape, x, bits),
            Op::HashPsd2 { memory, first, bits } => {
                let hashed = &mut registers.hashes[memory as usize];
                if first {
                    *hashed = poseidon::hash(tape, x);
                } else {
                    hashed.write_again(tape);
                }
                hashed.truncate(bits)
            }
            Op::HashGroup { hasher, bits } => hashers[hasher as usize].hash(tape, a, bits),
            Op::FieldAdd
            | Op::FieldMul
            | Op::FieldSquare
            | Op::FieldDiv
            | Op::FieldInverse
            | Op::FieldPow
            | Op::FieldTernary => {
                let result = match self.op {
                    Op::FieldAdd => x.add(y),
                    Op::FieldMul => fields::mul(tape, x, y),
                    Op::FieldSquare => fields::mul(tape, x, x),
                    Op::FieldDiv => fields::div(tape, x, y),
                    Op::FieldInverse => fields::inverse(tape, x),
                    Op::FieldPow => fields::pow(tape, x, y),
                    _ => fields::ternary(tape, a == 1, y, registers.fields[k]),
                };
                registers.fields[self.destination as usize] = result;
                return;
            }
        };
        registers.integers[self.destination as usize] = integer;
    }
}

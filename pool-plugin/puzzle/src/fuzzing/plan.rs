//! Random programs on random inputs.
//!
//! A program's instructions are those of the sampler's table, but without its guards and in any order: their
//! operands are results of earlier ones. The long comparison covers whole epoch programs. An instruction that
//! the compiler refuses is skipped: that happens where two operands are the same to the circuit.

use aleo_epoch_puzzle_stock::synthesis::Synthesizer;

use super::{Value, literal, run};
use crate::{
    circuit::IntegerType,
    field::MODULUS,
    plan::Plan,
    program::{Program, Type},
};

const MAX_INPUTS: usize = 6;
const MAX_INSTRUCTIONS: usize = 12;

const WIDTHS: [u32; 5] = [8, 16, 32, 64, 128];

/// The input, byte by byte; zeros after its end.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        match self.0.split_first() {
            Some((byte, rest)) => {
                self.0 = rest;
                *byte
            }
            None => 0,
        }
    }

    /// A number below `count`, which is not zero.
    fn below(&mut self, count: usize) -> usize {
        self.next() as usize % count
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn integer_type(&mut self) -> IntegerType {
        let choice = self.below(2 * WIDTHS.len());
        IntegerType { bits: WIDTHS[choice / 2], signed: choice.is_multiple_of(2) }
    }

    fn ty(&mut self) -> Type {
        match self.below(8) {
            0 => Type::Boolean,
            1 | 2 => Type::Field,
            _ => Type::Integer(self.integer_type()),
        }
    }

    /// A value of the type: near zero, near its limit, in its middle, or arbitrary.
    fn value(&mut self, ty: Type) -> Value {
        let (kind, small) = (self.below(4), (self.next() % 8) as u128);
        let low = match (ty, kind) {
            (Type::Field, 1) => {
                return [MODULUS[0] - 1 - small as u64, MODULUS[1], MODULUS[2], MODULUS[3]];
            }
            (Type::Field, 2 | 3) => {
                let word =
                    core::array::from_fn(|_| u64::from_le_bytes(core::array::from_fn(|_| self.next())));
                let [a, b, c, d]: Value = word;
                return [a, b, c, d % MODULUS[3]];
            }
            (_, 0) => small,
            (_, 1) => small.wrapping_neg(),
            (Type::Integer(ty), 2) => (1 << (ty.bits - 1)) + small,
            _ => u128::from_le_bytes(core::array::from_fn(|_| self.next())),
        };
        let bits = match ty {
            Type::Boolean => low & 1,
            Type::Integer(ty) => low & ty.mask(),
            Type::Field => low,
        };
        [bits as u64, (bits >> 64) as u64, 0, 0]
    }

    /// One of the registers of a fitting type.
    fn register(&mut self, registers: &[Type], fits: impl Fn(Type) -> bool) -> Option<usize> {
        let fitting: Vec<usize> =
            (0..registers.len()).filter(|register| fits(registers[*register])).collect();
        (!fitting.is_empty()).then(|| self.pick(&fitting))
    }

    /// An instruction and the type of its result, or `None` if there is no register for one of its operands.
    fn instruction(&mut self, registers: &[Type]) -> Option<(String, Type)> {
        let a = self.below(registers.len());
        let ty = registers[a];
        let opcodes: &[&str] = match ty {
            Type::Boolean => &["not", "and", "or", "xor", "nand", "nor", "is.eq", "is.neq", "ternary"],
            Type::Field => &[
                "add",
                "mul",
                "div",
                "pow",
                "square",
                "inv",
                "is.eq",
                "is.neq",
                "lt",
                "lte",
                "gt",
                "gte",
                "cast.lossy",
                "hash.psd2",
            ],
            Type::Integer(_) => &[
                "add.w",
                "sub.w",
                "mul.w",
                "div.w",
                "rem.w",
                "and",
                "or",
                "xor",
                "is.eq",
                "is.neq",
                "lt",
                "lte",
                "gt",
                "gte",
                "not",
                "abs.w",
                "neg",
                "mod",
                "pow.w",
                "shl.w",
                "shr.w",
                "hash.bhp256",
                "hash.ped64",
            ],
        };
        let opcode = self.pick(opcodes);
        let (operands, result) = match (opcode, ty) {
            ("ternary", _) => {
                let b = self.below(registers.len());
                let c = self.register(registers, |other| other == registers[b])?;
                (format!("r{a} r{b} r{c}"), registers[b])
            }
            ("not" | "square" | "inv", _) => (format!("r{a}"), ty),
            ("abs.w" | "neg", Type::Integer(integer)) if integer.signed => (format!("r{a}"), ty),
            ("cast.lossy" | "hash.psd2" | "hash.bhp256" | "hash.ped64", _) => {
                // Pedersen hashes take 64 bits, those of the type included.
                let wide = matches!(ty, Type::Integer(ty) if ty.bits > 32);
                if opcode == "hash.ped64" && wide {
                    return None;
                }
                (format!("r{a}"), Type::Integer(self.integer_type()))
            }
            ("abs.w" | "neg", _) => return None,
            ("mod", Type::Integer(integer)) if integer.signed => return None,
            ("pow.w" | "shl.w" | "shr.w", _) => {
                let magnitude = |ty| matches!(ty, Type::Integer(ty) if !ty.signed && ty.bits <= 32);
                (format!("r{a} r{}", self.register(registers, magnitude)?), ty)
            }
            _ => {
                let b = self.register(registers, |other| other == ty)?;
                let compares = ["is.eq", "is.neq", "lt", "lte", "gt", "gte"].contains(&opcode);
                (format!("r{a} r{b}"), if compares { Type::Boolean } else { ty })
            }
        };
        let target = match (opcode, result) {
            ("cast.lossy" | "hash.psd2" | "hash.bhp256" | "hash.ped64", Type::Integer(ty)) => {
                format!(" as {}{}", if ty.signed { 'i' } else { 'u' }, ty.bits)
            }
            _ => String::new(),
        };
        Some((format!("{opcode} {operands} into r{}{target}", registers.len()), result))
    }
}

/// Runs the program that the input encodes.
///
/// # Panics
/// If our variables are not snarkVM's.
#[allow(clippy::panic)]
pub fn plan(input: &[u8]) {
    let mut bytes = Bytes(input);
    let mut text = "program puzzle.aleo;\n\nfunction synthesize:\n".to_string();
    let mut registers: Vec<Type> = (0..1 + bytes.below(MAX_INPUTS)).map(|_| bytes.ty()).collect();
    let values: Vec<Value> = registers.iter().map(|ty| bytes.value(*ty)).collect();
    let inputs: Vec<String> = registers.iter().zip(&values).map(|(ty, value)| literal(*ty, *value)).collect();
    for (register, ty) in registers.iter().enumerate() {
        text += &format!("    input r{register} as {}.public;\n", name(*ty));
    }
    let mut compiled = None;
    for _ in 0..1 + bytes.below(MAX_INSTRUCTIONS) {
        let Some((instruction, result)) = bytes.instruction(&registers) else { continue };
        let longer = format!("{text}    {instruction};\n");
        let Ok(program) = Program::parse(&longer) else { panic!("not understood: {longer}") };
        if let Ok(plan) = Plan::compile(&program) {
            (text, compiled) = (longer, Some(plan));
            registers.push(result);
        }
    }
    // snarkVM knows no function without instructions.
    let Some(plan) = compiled else { return };
    let found = run(&plan, &values);
    let stock = Synthesizer::new(&text);
    assert!(stock.is_ok(), "{:?}: {text}", stock.err());
    let expected = stock.and_then(|stock| stock.variables(&inputs)).ok();
    assert!(found == expected, "{inputs:?} {}: {text}", difference(&found, &expected));
}

fn name(ty: Type) -> String {
    match ty {
        Type::Boolean => "boolean".into(),
        Type::Field => "field".into(),
        Type::Integer(ty) => format!("{}{}", if ty.signed { 'i' } else { 'u' }, ty.bits),
    }
}

/// The first difference between two lists of variables.
fn difference(found: &Option<Vec<Value>>, expected: &Option<Vec<Value>>) -> String {
    match (found, expected) {
        (Some(found), Some(expected)) => {
            let first = found.iter().zip(expected).position(|(a, b)| a != b);
            format!("{} and {} variables, first difference at {first:?}", found.len(), expected.len())
        }
        _ => format!("satisfied: {} here, {} in snarkVM", found.is_some(), expected.is_some()),
    }
}

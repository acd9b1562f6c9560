//! An epoch program, parsed from snarkVM's text.
//!
//! The text is the program's canonical form (upstream parses it too), so nothing here depends on the types of
//! snarkVM's instruction set. Anything unknown is an [`Unsupported`] error, never a guess.

use crate::circuit::IntegerType;

/// The type of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Boolean,
    Field,
    Integer(IntegerType),
}

impl Type {
    fn parse(name: &str) -> Option<Self> {
        let (signed, digits) = match name {
            "boolean" => return Some(Self::Boolean),
            "field" => return Some(Self::Field),
            _ if name.starts_with('i') => (true, &name[1..]),
            _ if name.starts_with('u') => (false, &name[1..]),
            _ => return None,
        };
        let bits = digits.parse().ok()?;
        matches!(bits, 8 | 16 | 32 | 64 | 128).then_some(Self::Integer(IntegerType { bits, signed }))
    }
}

/// An operand: a register by its number, or a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    Register(usize),
    /// An integer's bits, a boolean, or a small field element.
    Literal(u128, Type),
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub(crate) opcode: String,
    pub(crate) operands: Vec<Operand>,
    pub(crate) destination: usize,
    /// The type after `as`, of a cast or a hash.
    pub(crate) target: Option<Type>,
}

/// A function without records, calls or control flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// The types of registers `r0`, `r1`, …
    pub(crate) inputs: Vec<Type>,
    pub(crate) instructions: Vec<Instruction>,
}

/// A statement that has no native form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no native form of '{0}'")]
pub(crate) struct Unsupported(pub(crate) String);

impl Program {
    /// Reads the text of a program with one function.
    pub(crate) fn parse(text: &str) -> Result<Self, Unsupported> {
        let mut program = Self { inputs: Vec::new(), instructions: Vec::new() };
        for statement in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if statement.starts_with("program ") || statement.starts_with("function ") {
                continue;
            }
            let unsupported = || Unsupported(statement.to_string());
            let words: Vec<&str> = statement.strip_suffix(';').ok_or_else(unsupported)?.split(' ').collect();
            if let ["input", register, "as", ty] = words[..] {
                let ty = ty.strip_suffix(".public").and_then(Type::parse).ok_or_else(unsupported)?;
                if parse_register(register) != Some(program.inputs.len()) {
                    return Err(unsupported());
                }
                program.inputs.push(ty);
            } else {
                program.instructions.push(Instruction::parse(&words).ok_or_else(unsupported)?);
            }
        }
        Ok(program)
    }
}

impl Instruction {
    fn parse(words: &[&str]) -> Option<Self> {
        let into = words.iter().position(|word| *word == "into")?;
        let (opcode, operands) = words[..into].split_first()?;
        let (destination, target) = match words[into + 1..] {
            [destination] => (destination, None),
            [destination, "as", target] => (destination, Some(Type::parse(target)?)),
            _ => return None,
        };
        Some(Self {
            opcode: opcode.to_string(),
            operands: operands.iter().map(|operand| parse_operand(operand)).collect::<Option<_>>()?,
            destination: parse_register(destination)?,
            target,
        })
    }
}

fn parse_register(word: &str) -> Option<usize> {
    word.strip_prefix('r')?.parse().ok()
}

fn parse_operand(word: &str) -> Option<Operand> {
    if let Some(register) = parse_register(word) {
        return Some(Operand::Register(register));
    }
    match word {
        "true" => return Some(Operand::Literal(1, Type::Boolean)),
        "false" => return Some(Operand::Literal(0, Type::Boolean)),
        _ => {}
    }
    let (negative, word) = word.strip_prefix('-').map_or((false, word), |rest| (true, rest));
    let digits = word.find(|c: char| !c.is_ascii_digit())?;
    let ty = Type::parse(&word[digits..])?;
    let value: u128 = word[..digits].parse().ok()?;
    match ty {
        Type::Integer(ty) => {
            // The largest magnitude: one more below zero than above.
            let limit = if ty.signed { (ty.mask() >> 1) + negative as u128 } else { ty.mask() };
            let allowed = value <= limit && (ty.signed || !negative);
            let bits = if negative { value.wrapping_neg() & ty.mask() } else { value };
            allowed.then_some(Operand::Literal(bits, Type::Integer(ty)))
        }
        Type::Field => (!negative).then_some(Operand::Literal(value, ty)),
        Type::Boolean => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_inputs_operands_and_targets() {
        let program = Program::parse(
            "program puzzle.aleo;\n\nfunction synthesize:\n    input r0 as i8.public;\n    or r0 1i8 into r1;\n    hash.psd2 r3 into r20 as u8;\n",
        )
        .unwrap();
        let i8 = Type::Integer(IntegerType { bits: 8, signed: true });
        assert_eq!(program.inputs, [i8]);
        assert_eq!(program.instructions[0].operands, [Operand::Register(0), Operand::Literal(1, i8)]);
        assert_eq!(parse_operand("-128i8"), Some(Operand::Literal(0x80, i8)));
        assert_eq!(program.instructions[1].target, Some(Type::Integer(IntegerType::unsigned(8))));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for statement in [
            "input r0 as i8.private;",
            "input r1 as i8.public;",
            "assert.eq r0 r1;",
            "add r0 -129i8 into r1;",
            "add r0 -1u8 into r1;",
            "add r0 r1 into r2",
            "add r0 300u7 into r1;",
        ] {
            assert!(Program::parse(statement).is_err(), "{statement}");
        }
    }
}

//! From a program to a plan: every instruction becomes one [`Op`] over numbered registers.

use std::collections::HashMap;

use crate::{
    circuit::{IntegerType, groups::Hasher, poseidon},
    form::Form,
    plan::{BitOp, Op, Order, Parts, Plan, Step},
    program::{Instruction, Operand, Program, Type, Unsupported},
};

/// Booleans are integers of one bit wherever the circuit treats them bit by bit.
const BOOLEAN: IntegerType = IntegerType::unsigned(1);

impl Plan {
    /// Compiles a program, unless some instruction has no native form.
    pub(crate) fn compile(program: &Program) -> Result<Self, Unsupported> {
        let num_registers = program
            .instructions
            .iter()
            .map(|instruction| instruction.destination + 1)
            .fold(program.inputs.len(), usize::max);
        let mut compiler = Compiler {
            registers: vec![None; num_registers],
            literals: Vec::new(),
            hashes: HashMap::new(),
            hashers: Vec::new(),
            steps: Vec::with_capacity(program.instructions.len()),
        };
        for (register, ty) in program.inputs.iter().enumerate() {
            let form = Form::variables_of(register);
            compiler.registers[register] = Some(Register { ty: *ty, constant_bits: false, form });
        }
        for instruction in &program.instructions {
            let compiled = compiler.instruction(instruction);
            compiled.ok_or_else(|| Unsupported(describe(instruction)))?;
        }
        Ok(Self::new(Parts {
            inputs: program.inputs.clone(),
            steps: compiler.steps,
            hashers: compiler.hashers,
            num_registers,
            num_hashes: compiler.hashes.len(),
            literals: compiler.literals,
        }))
    }
}

fn describe(instruction: &Instruction) -> String {
    format!("{} {:?} as {:?}", instruction.opcode, instruction.operands, instruction.target)
}

#[derive(Clone)]
struct Register {
    ty: Type,
    /// Whether some bits are constants of the circuit, as after an operation with a literal. Such a value is
    /// supported only as a divisor: elsewhere its constant bits would allocate fewer variables.
    constant_bits: bool,
    form: Form,
}

/// A resolved operand.
#[derive(Clone, Copy)]
struct Source {
    index: u32,
    ty: Type,
    constant_bits: bool,
    literal: bool,
}

struct Compiler {
    registers: Vec<Option<Register>>,
    /// Literals are stored after the registers.
    literals: Vec<(u128, Type)>,
    /// The memory of each hashed register.
    hashes: HashMap<u32, u32>,
    hashers: Vec<Hasher>,
    steps: Vec<Step>,
}

impl Compiler {
    fn resolve(&mut self, operand: &Operand) -> Option<Source> {
        match *operand {
            Operand::Register(register) => {
                let Register { ty, constant_bits, .. } = *self.registers.get(register)?.as_ref()?;
                Some(Source { index: register as u32, ty, constant_bits, literal: false })
            }
            Operand::Literal(value, ty) => {
                let index = self.registers.len() + self.literals.len();
                self.literals.push((value, ty));
                Some(Source { index: index as u32, ty, constant_bits: true, literal: true })
            }
        }
    }

    /// Appends the step of an instruction, or returns `None` if it has no native form.
    fn instruction(&mut self, instruction: &Instruction) -> Option<()> {
        let sources: Vec<Source> =
            instruction.operands.iter().map(|operand| self.resolve(operand)).collect::<Option<_>>()?;
        let (op, ty) = match sources[..] {
            [a] => self.unary(instruction, a)?,
            [a, b] => binary(&instruction.opcode, a, b)?,
            [a, b, c] => ternary(&instruction.opcode, a, b, c)?,
            _ => return None,
        };
        let form = self.form(op, &sources, instruction.destination)?;
        // Registers are assigned once.
        let slot = self.registers.get_mut(instruction.destination)?;
        let constant_bits = matches!(op, Op::BitsWithConstant(..));
        if slot.replace(Register { ty, constant_bits, form }).is_some() {
            return None;
        }
        let operand = |i: usize| sources.get(i).map_or(0, |source| source.index);
        self.steps.push(Step {
            op,
            operands: [operand(0), operand(1), operand(2)],
            destination: instruction.destination as u32,
        });
        Some(())
    }

    /// The form of a result, or `None` if the two operands are the same to the circuit. (A ternary computes
    /// no difference that would show.)
    fn form(&self, op: Op, sources: &[Source], destination: usize) -> Option<Form> {
        let form = |source: &Source| Some(&self.registers.get(source.index as usize)?.as_ref()?.form);
        match (op, sources) {
            (Op::Not(_), [a]) => Some(form(a)?.not()),
            (Op::FieldAdd, [a, b]) => Some(form(a)?.add(form(b)?)),
            (_, [a, b]) if !a.literal && !b.literal && form(a)? == form(b)? => None,
            _ => Some(Form::variables_of(destination)),
        }
    }

    fn unary(&mut self, instruction: &Instruction, a: Source) -> Option<(Op, Type)> {
        if a.constant_bits {
            return None;
        }
        // Of an integer that a hash or cast returns.
        let target_bits = match instruction.target {
            Some(Type::Integer(ty)) => Some(ty.bits),
            Some(_) => return None,
            None => None,
        };
        let op = match (instruction.opcode.as_str(), a.ty, target_bits) {
            ("abs.w", Type::Integer(ty), None) if ty.signed => Op::AbsWrapped(ty),
            ("neg", Type::Integer(ty), None) if ty.signed => Op::Negate(ty),
            ("not", Type::Integer(ty), None) => Op::Not(ty),
            ("not", Type::Boolean, None) => Op::Not(BOOLEAN),
            ("square", Type::Field, None) => Op::FieldSquare,
            ("inv", Type::Field, None) => Op::FieldInverse,
            ("cast.lossy", Type::Field, Some(bits)) => Op::CastLossy { bits },
            ("hash.bhp256", Type::Integer(ty), Some(bits)) => self.hash_group(Hasher::bhp256(ty)?, bits),
            ("hash.ped64", Type::Integer(ty), Some(bits)) => self.hash_group(Hasher::pedersen64(ty)?, bits),
            ("hash.psd2", Type::Field, Some(bits)) if poseidon::is_available() => {
                let next = self.hashes.len() as u32;
                let memory = *self.hashes.entry(a.index).or_insert(next);
                Op::HashPsd2 { memory, first: memory == next, bits }
            }
            _ => return None,
        };
        Some((op, instruction.target.unwrap_or(a.ty)))
    }

    fn hash_group(&mut self, hasher: Hasher, bits: u32) -> Op {
        self.hashers.push(hasher);
        Op::HashGroup { hasher: self.hashers.len() as u32 - 1, bits }
    }
}

fn binary(opcode: &str, a: Source, b: Source) -> Option<(Op, Type)> {
    let order = |opcode| {
        Some(match opcode {
            "lt" => Order::Less,
            "lte" => Order::LessOrEqual,
            "gt" => Order::Greater,
            "gte" => Order::GreaterOrEqual,
            _ => return None,
        })
    };
    let bit_op = |opcode| {
        Some(match opcode {
            "and" => BitOp::And,
            "or" => BitOp::Or,
            "xor" => BitOp::Xor,
            "nand" => BitOp::Nand,
            "nor" => BitOp::Nor,
            _ => return None,
        })
    };
    let constant_bits = a.constant_bits || b.constant_bits;
    let op = match (opcode, a.ty, b.ty) {
        ("or" | "and" | "xor", Type::Integer(ty), other)
            if b.literal && a.ty == other && !a.constant_bits =>
        {
            Op::BitsWithConstant(bit_op(opcode)?, ty)
        }
        ("div.w", Type::Integer(ty), other) if a.ty == other && !a.constant_bits && !b.literal => {
            Op::DivWrapped(ty)
        }
        ("rem.w", Type::Integer(ty), other) if a.ty == other && !a.constant_bits && !b.literal => {
            Op::RemWrapped(ty)
        }
        ("mod", Type::Integer(ty), other)
            if a.ty == other && !ty.signed && !a.constant_bits && !b.literal =>
        {
            Op::RemWrapped(ty)
        }
        ("is.eq", Type::Field, Type::Field) if !a.literal => Op::FieldEqual { negated: false },
        ("is.neq", Type::Field, Type::Field) if !a.literal => Op::FieldEqual { negated: true },
        ("is.eq", Type::Integer(_), other) if b.literal && a.ty == other && !a.constant_bits => {
            Op::IntegerEqual { negated: false }
        }
        ("add.w", Type::Integer(ty), other) if b.literal && a.ty == other && !a.constant_bits => {
            Op::AddWrapped(ty)
        }
        _ if constant_bits => return None,
        ("pow.w", Type::Integer(ty), Type::Integer(by)) if is_magnitude(by) => {
            Op::PowWrapped { ty, exponent_bits: by.bits }
        }
        ("shl.w", Type::Integer(ty), Type::Integer(by)) if is_magnitude(by) => Op::ShlWrapped(ty),
        ("shr.w", Type::Integer(ty), Type::Integer(by)) if is_magnitude(by) => Op::ShrWrapped(ty),
        _ if a.ty != b.ty => return None,
        ("add.w", Type::Integer(ty), _) => Op::AddWrapped(ty),
        ("sub.w", Type::Integer(ty), _) => Op::SubWrapped(ty),
        ("mul.w", Type::Integer(ty), _) => Op::MulWrapped(ty),
        ("is.eq", Type::Integer(_), _) => Op::IntegerEqual { negated: false },
        ("is.neq", Type::Integer(_), _) => Op::IntegerEqual { negated: true },
        ("is.eq", Type::Boolean, _) => Op::BooleanEqual { negated: false },
        ("is.neq", Type::Boolean, _) => Op::BooleanEqual { negated: true },
        ("lt" | "lte" | "gt" | "gte", Type::Integer(ty), _) => Op::Compare(order(opcode)?, ty),
        ("lt" | "lte" | "gt" | "gte", Type::Field, _) => Op::FieldCompare(order(opcode)?),
        ("and" | "or" | "xor", Type::Integer(ty), _) => Op::Bits(bit_op(opcode)?, ty),
        ("and" | "or" | "xor" | "nand" | "nor", Type::Boolean, _) => Op::Bits(bit_op(opcode)?, BOOLEAN),
        ("add", Type::Field, _) => Op::FieldAdd,
        ("mul", Type::Field, _) => Op::FieldMul,
        ("div", Type::Field, _) => Op::FieldDiv,
        ("pow", Type::Field, _) => Op::FieldPow,
        _ => return None,
    };
    let boolean = matches!(
        op,
        Op::IntegerEqual { .. }
            | Op::BooleanEqual { .. }
            | Op::FieldEqual { .. }
            | Op::Compare(..)
            | Op::FieldCompare(_)
    );
    Some((op, if boolean { Type::Boolean } else { a.ty }))
}

/// Whether a type can be the amount of a shift or an exponent.
fn is_magnitude(ty: IntegerType) -> bool {
    !ty.signed && ty.bits <= 32
}

fn ternary(opcode: &str, condition: Source, a: Source, b: Source) -> Option<(Op, Type)> {
    let constant_bits = condition.constant_bits || a.constant_bits || b.constant_bits;
    if opcode != "ternary" || condition.ty != Type::Boolean || a.ty != b.ty || constant_bits {
        return None;
    }
    let op = match a.ty {
        Type::Integer(ty) => Op::Ternary(ty),
        Type::Boolean => Op::Ternary(BOOLEAN),
        Type::Field => Op::FieldTernary,
    };
    Some((op, a.ty))
}

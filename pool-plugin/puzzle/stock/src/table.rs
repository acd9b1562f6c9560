//! The table that upstream samples epoch programs from.

use std::collections::HashMap;

use snarkvm::console::network::MainnetV0;
use snarkvm_ledger_puzzle_epoch::{
    PuzzleDestination, PuzzleInstructionType, PuzzleOperand, PuzzleRegister, RegisterTable, instruction_set,
};

use crate::StockError;

/// An entry of the table: a short sequence of instructions that is sampled as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How often it is sampled, relative to the others. Zero is never.
    pub weight: u16,
    /// The types of the registers it reads, `r0`, `r1`, …
    pub inputs: Vec<String>,
    /// The instructions, which write the registers that follow.
    pub instructions: Vec<String>,
}

impl Entry {
    /// A program of this entry alone.
    pub fn program(&self) -> String {
        let mut program = "program puzzle.aleo;\n\nfunction synthesize:\n".to_string();
        for (register, ty) in self.inputs.iter().enumerate() {
            program += &format!("    input r{register} as {ty}.public;\n");
        }
        for instruction in &self.instructions {
            program += &format!("    {instruction}\n");
        }
        program
    }
}

/// The whole table, in upstream's order.
///
/// # Errors
/// If an entry cannot be written as instructions.
pub fn entries() -> Result<Vec<Entry>, StockError> {
    instruction_set::<MainnetV0>()
        .into_iter()
        .map(|(sequence, weight)| {
            let mut reader = Writer::new(0);
            for (ty, operands, destinations) in &sequence {
                reader.instruction(ty, operands, destinations)?;
            }
            // Once more, now that the number of inputs is known.
            let mut writer = Writer::new(reader.inputs.len());
            let instructions = sequence
                .iter()
                .map(|(ty, operands, destinations)| writer.instruction(ty, operands, destinations))
                .collect::<Result<_, _>>()?;
            Ok(Entry { weight, inputs: writer.inputs, instructions })
        })
        .collect()
}

/// Chooses registers as upstream does, then numbers those that the entry reads from zero.
struct Writer {
    registers: RegisterTable,
    ephemeral: HashMap<u16, PuzzleRegister>,
    /// The new numbers of upstream's registers.
    numbers: HashMap<PuzzleRegister, usize>,
    inputs: Vec<String>,
    first_result: usize,
    num_results: usize,
}

impl Writer {
    fn new(first_result: usize) -> Self {
        Self {
            registers: RegisterTable::new(),
            ephemeral: HashMap::new(),
            numbers: HashMap::new(),
            inputs: Vec::new(),
            first_result,
            num_results: 0,
        }
    }

    fn instruction(
        &mut self,
        ty: &PuzzleInstructionType,
        operands: &[PuzzleOperand<MainnetV0>],
        destinations: &[PuzzleDestination],
    ) -> Result<String, StockError> {
        let mut offsets = HashMap::new();
        let mut text = ty.opcode().to_string();
        for operand in operands {
            let missing = || StockError::new(format!("no register for {operand:?}"));
            let (register, ty) = match operand {
                PuzzleOperand::Literal(literal) => {
                    text += &format!(" {literal}");
                    continue;
                }
                PuzzleOperand::Ephemeral(ty, index) => (*self.ephemeral.get(index).ok_or_else(missing)?, ty),
                PuzzleOperand::Input(ty, index) => {
                    (*self.registers.get_input_at_index(ty, *index as usize).ok_or_else(missing)?, ty)
                }
                PuzzleOperand::Register(ty) => {
                    // The last register of the type, then the one before, and so on.
                    let offset = *offsets.entry(*ty).and_modify(|offset| *offset += 1).or_insert(0);
                    (self.registers.get_k_th_last_register(ty, offset).map_err(StockError::new)?, ty)
                }
                PuzzleOperand::RegisterOffset(ty, offset) => (
                    self.registers.get_k_th_last_register(ty, *offset as usize).map_err(StockError::new)?,
                    ty,
                ),
            };
            let inputs = &mut self.inputs;
            let number = self.numbers.entry(register).or_insert_with(|| {
                inputs.push(ty.to_string());
                inputs.len() - 1
            });
            text += &format!(" r{number}");
        }
        let mut target = None;
        for destination in destinations {
            let register =
                PuzzleRegister::new_locator(self.registers.get_next_locator().map_err(StockError::new)?);
            let ty = match destination {
                PuzzleDestination::Ephemeral(ty, index) => {
                    self.ephemeral.insert(*index, register);
                    ty
                }
                PuzzleDestination::Register(ty) => {
                    self.registers.insert(*ty, register).map_err(StockError::new)?;
                    ty
                }
            };
            let number = self.first_result + self.num_results;
            self.num_results += 1;
            self.numbers.insert(register, number);
            target = Some(*ty);
            text += &format!(" into r{number}");
        }
        // Casts, commitments and hashes name the type of their result.
        let named = ["cast", "commit", "hash"].iter().any(|name| ty.opcode().starts_with(name));
        if let (true, Some(target)) = (named, target) {
            text += &format!(" as {target}");
        }
        Ok(text + ";")
    }
}

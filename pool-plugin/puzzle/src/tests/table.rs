//! The table that upstream samples epoch programs from, read from upstream itself.

use std::collections::HashMap;

use snarkvm::console::network::MainnetV0;
use snarkvm_ledger_puzzle_epoch::{
    PuzzleDestination, PuzzleInstructionType, PuzzleOperand, PuzzleRegister, RegisterTable, instruction_set,
};

/// An entry of the table: a short sequence of instructions that is sampled as a whole.
pub(crate) struct Entry {
    /// The types of the registers it reads, `r0`, `r1`, …
    pub(crate) inputs: Vec<String>,
    /// The instructions, which write the registers that follow.
    pub(crate) instructions: Vec<String>,
}

impl Entry {
    /// A program of this entry alone.
    pub(crate) fn program(&self) -> String {
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

/// An instruction of the table, as upstream writes it.
type Instruction = (PuzzleInstructionType, Vec<PuzzleOperand<MainnetV0>>, Vec<PuzzleDestination>);

/// The entries of a weight above zero, in upstream's order.
pub(crate) fn sampled() -> Vec<Entry> {
    let write = |sequence: &[Instruction], results| {
        let mut writer = Writer::new(results);
        let instructions: Vec<String> = sequence
            .iter()
            .map(|(ty, operands, destinations)| writer.instruction(ty, operands, destinations))
            .collect();
        Entry { inputs: writer.inputs, instructions }
    };
    instruction_set::<MainnetV0>()
        .iter()
        .filter(|(_, weight)| *weight > 0)
        // Twice: results are numbered after the inputs, whose number is known only at the end.
        .map(|(sequence, _)| write(sequence, write(sequence, 0).inputs.len()))
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
    ) -> String {
        let mut offsets = HashMap::new();
        let mut text = ty.opcode().to_string();
        for operand in operands {
            let missing = || -> &PuzzleRegister { panic!("no register for {operand:?}") };
            let (register, ty) = match operand {
                PuzzleOperand::Literal(literal) => {
                    text += &format!(" {literal}");
                    continue;
                }
                PuzzleOperand::Ephemeral(ty, index) => {
                    (*self.ephemeral.get(index).unwrap_or_else(missing), ty)
                }
                PuzzleOperand::Input(ty, index) => {
                    (*self.registers.get_input_at_index(ty, *index as usize).unwrap_or_else(missing), ty)
                }
                PuzzleOperand::Register(ty) => {
                    // The last register of the type, then the one before, and so on.
                    let offset = *offsets.entry(*ty).and_modify(|offset| *offset += 1).or_insert(0);
                    (self.registers.get_k_th_last_register(ty, offset).unwrap(), ty)
                }
                PuzzleOperand::RegisterOffset(ty, offset) => {
                    (self.registers.get_k_th_last_register(ty, *offset as usize).unwrap(), ty)
                }
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
            let register = PuzzleRegister::new_locator(self.registers.get_next_locator().unwrap());
            let ty = match destination {
                PuzzleDestination::Ephemeral(ty, index) => {
                    self.ephemeral.insert(*index, register);
                    ty
                }
                PuzzleDestination::Register(ty) => {
                    self.registers.insert(*ty, register).unwrap();
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
        text + ";"
    }
}

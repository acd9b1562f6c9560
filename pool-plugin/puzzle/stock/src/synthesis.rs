//! The circuit of any program of one function, as upstream's `EpochProgram::to_r1cs` builds it.

use std::{str::FromStr, sync::OnceLock};

use snarkvm::{
    circuit::{AleoV0, Environment, Inject, Mode, Value as CircuitValue},
    console::{
        account::PrivateKey,
        network::MainnetV0,
        program::{Identifier, Value},
    },
};
use snarkvm_synthesizer_process::{CallStack, Process, Registers, Stack};
use snarkvm_synthesizer_program::{Program, RegistersCircuit, StackTrait};

use crate::{StockError, circuit::limbs};

/// A program that snarkVM has checked, for many runs.
pub struct Synthesizer {
    stack: Stack<MainnetV0>,
    function: Identifier<MainnetV0>,
}

impl Synthesizer {
    /// Reads a program whose function is called `synthesize`.
    ///
    /// # Errors
    /// If snarkVM refuses the program.
    pub fn new(program: &str) -> Result<Self, StockError> {
        let program = Program::from_str(program).map_err(StockError::new)?;
        let stack = Stack::new(process()?, &program).map_err(StockError::new)?;
        Ok(Self { stack, function: Identifier::from_str("synthesize").map_err(StockError::new)? })
    }

    /// The values of the circuit's public, then private variables, as canonical little-endian limbs. The inputs are
    /// literals in snarkVM's notation, such as `-3i8`.
    ///
    /// # Errors
    /// If snarkVM halts, or its circuit is not satisfied on the inputs.
    pub fn variables(&self, inputs: &[String]) -> Result<Vec<[u64; 4]>, StockError> {
        // The circuit is thread-local and a halt is a panic: both end with the thread.
        std::thread::scope(|scope| {
            scope.spawn(|| self.synthesize(inputs)).join().map_err(|_| StockError::new("snarkvm halted"))?
        })
    }

    fn synthesize(&self, inputs: &[String]) -> Result<Vec<[u64; 4]>, StockError> {
        let function = self.stack.get_function(&self.function).map_err(StockError::new)?;
        let types = self.stack.get_register_types(&self.function).map_err(StockError::new)?.clone();
        let key = PrivateKey::from_str("APrivateKey1zkp8CZNn3yeCseEtxuVPbDCwSyhGW6yZKUYKfgXmcpoGPWH")
            .map_err(StockError::new)?;
        let call_stack = CallStack::PackageRun(vec![], key, Default::default());
        let mut registers = Registers::<MainnetV0, AleoV0>::new(call_stack, types);
        AleoV0::reset();
        for (input, value) in function.inputs().iter().zip(inputs) {
            let value = Value::from_str(value).map_err(StockError::new)?;
            let value = CircuitValue::new(Mode::Public, value);
            registers.store_circuit(&self.stack, input.register(), value).map_err(StockError::new)?;
        }
        for instruction in function.instructions() {
            instruction.execute(&self.stack, &mut registers).map_err(StockError::new)?;
        }
        if !AleoV0::is_satisfied() {
            return Err(StockError::new("not satisfied"));
        }
        let r1cs = AleoV0::eject_r1cs_and_reset();
        let variables = r1cs.to_public_variables().iter().chain(r1cs.to_private_variables());
        variables.map(|variable| limbs(&variable.value())).collect()
    }
}

/// Holds only `credits.aleo`, and takes tens of milliseconds to make: once is enough.
fn process() -> Result<&'static Process<MainnetV0>, StockError> {
    static PROCESS: OnceLock<Result<Process<MainnetV0>, StockError>> = OnceLock::new();
    PROCESS.get_or_init(|| Process::load().map_err(StockError::new)).as_ref().map_err(StockError::clone)
}

//! What must hold when the machine, a person or a clock misbehaves. Real processes, real files.

mod disk;
mod failpoints;
mod hostile;
mod kill;
pub mod mount;
mod parsing;
mod power;
pub mod results;
pub mod shim;
mod state;
pub mod subject;
pub mod writer;

//! What must hold when the machine, a person or a clock misbehaves. Real processes, real files.

mod failpoints;
mod hostile;
mod kill;
mod parsing;
pub mod results;
pub mod shim;
pub mod subject;

//! What must hold when the machine, a person or a clock misbehaves. Real processes, real files.

mod classes;
mod disk;
mod failpoints;
mod hostile;
mod kill;
mod leaks;
pub mod mount;
mod output;
mod parsing;
mod power;
mod processes;
mod repairs;
pub mod results;
mod sharing;
pub mod shim;
mod state;
pub mod subject;
mod time;
pub mod writer;

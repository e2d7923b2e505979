//! What must hold when the machine, a person or a clock misbehaves. Real processes, real files.

mod classes;
mod disk;
mod doctor;
mod failpoints;
mod healing;
mod hostile;
mod kill;
mod leaks;
pub mod mount;
mod needs;
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
mod undo;
pub mod writer;

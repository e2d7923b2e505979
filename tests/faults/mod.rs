//! What must hold when the machine, a person or a clock misbehaves. Real processes, real files.

mod classes;
mod hostile;
mod kill;
mod leaks;
mod output;
mod parsing;
mod processes;
pub mod subject;

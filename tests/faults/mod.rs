//! What must hold when the machine, a person or a clock misbehaves. Real processes, real files.

mod hostile;
mod kill;
mod parsing;
mod sharing;
pub mod subject;

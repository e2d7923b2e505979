//! The kernel: inputs → `decide` → committed events → `apply` → commands. Reaches the world only through `port`.
//!
//! ```text
//! Input ─▶ kernel::decide (pure) ─▶ Turn{events, commands} ─▶ core: one commit ─▶ observers
//!                │  apply: the only fold                          │
//!                └─ live: slots, timers, questions                └─▶ drive: workers carry out the commands
//! ```

mod admit;
pub mod apply;
mod attempt;
mod call;
mod claim;
mod conclude;
pub mod core;
pub mod drive;
mod driver;
mod finish;
mod gate;
mod halt;
pub mod input;
mod judge;
pub mod kernel;
pub mod live;
pub mod look;
mod prepare;
pub mod repair;
mod rerun;
mod results;
pub mod resume;
pub mod retry;
pub mod reuse;
pub mod room;
mod schedule;
pub mod scope;
mod sharing;
pub mod spec;
pub mod state;
mod unchanged;
mod worker;

pub use drive::{Control, End, Mode, Options, Ports, run};
pub use input::{Command, Input, InputKind, Signal, Turn};
pub use repair::{RUN_BOUND, STAGE_BOUND};
pub use resume::{Decisions, Observed, Refusal, Resolution};
pub use state::{Impossible, RunState};

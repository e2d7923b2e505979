//! One file a command: arguments in, one call, words out.

pub mod approve;
pub mod cancel;
pub mod check;
pub mod clean;
pub mod explain;
pub mod graph;
pub mod lanes;
pub mod later;
pub mod logs;
pub mod resume;
pub mod run;
pub mod runs;
pub mod show;
pub mod test;
pub mod why;

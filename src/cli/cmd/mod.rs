//! One file a command: arguments in, one call, words out.

pub mod analyse;
pub mod approve;
pub mod ast;
pub mod cancel;
pub mod change;
pub mod check;
pub mod clean;
pub mod eval;
pub mod explain;
pub mod fmt;
pub mod graph;
pub mod import;
pub mod init;
pub mod lanes;
mod lanes_diff;
pub mod later;
pub mod logs;
pub mod mend;
pub mod resume;
pub mod run;
pub mod runs;
pub mod show;
mod show_lane;
pub mod test;
pub mod why;

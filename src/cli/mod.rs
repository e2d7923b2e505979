//! The command line: parses arguments, calls one command, maps what came of it to an exit code. Holds no logic of its own.

mod args;
mod cards;
mod cmd;
mod dry;
mod ending;
pub mod exit;
mod going;
mod ledger;
mod log_lines;
pub mod output;
mod people;
mod present;
mod recommended;
mod scores;
mod signals;
mod since;
mod verdicts;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use exit::Code;
use output::Terminal;

/// Runs the program with its arguments, the first being its own name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    exit::quiet_panics();
    let args: Vec<OsString> = args.into_iter().collect();
    // Not a command: how the program starts itself to render templates within limits.
    if args.get(1).is_some_and(|word| word == crate::exec::RENDER_WORKER) {
        return ExitCode::from(crate::exec::render_worker());
    }
    let code = std::panic::catch_unwind(|| started(args)).unwrap_or_else(exit::bug);
    ExitCode::from(code as u8)
}

fn started(args: Vec<OsString>) -> Code {
    match Args::try_parse_from(args) {
        Ok(args) => {
            let terminal = Terminal::detect(args.color);
            let moved = args.directory.as_deref().map_or(Ok(()), go_to);
            let result = moved.and_then(|()| dispatch(&args.command, &terminal));
            result.unwrap_or_else(|error| exit::report(&error, &terminal))
        }
        Err(error) => {
            // Help and version go to standard output and are no error.
            let _ = error.print();
            if error.use_stderr() { Code::Usage } else { Code::Ok }
        }
    }
}

fn go_to(folder: &std::path::Path) -> Result<(), crate::embed::Error> {
    std::env::set_current_dir(folder).map_err(|error| {
        let message = format!("cannot go to the folder {}: {error}", folder.display());
        crate::embed::Error::refused(message, "name a folder that exists after -C")
    })
}

fn dispatch(command: &Command, terminal: &Terminal) -> Result<Code, crate::embed::Error> {
    match command {
        Command::Check(args) => cmd::check::run(args, terminal),
        Command::Fmt(args) => cmd::fmt::run(args, terminal),
        Command::Ast(args) => cmd::ast::run(args, terminal),
        Command::Run(args) => cmd::run::run(args, terminal),
        Command::Explain(args) => cmd::explain::run(args, terminal),
        Command::Runs(args) => cmd::runs::run(args, terminal),
        Command::Show(args) => cmd::show::run(args, terminal),
        Command::Logs(args) => cmd::logs::run(args, terminal),
        Command::Why(args) => cmd::why::run(args, terminal),
        Command::Resume(args) => cmd::resume::run(args, terminal),
        Command::Cancel(args) => cmd::cancel::run(args, terminal),
        Command::Approve(args) => cmd::approve::run(args, terminal),
        Command::Lanes(args) => cmd::lanes::run(args, terminal),
        Command::Eval(args) => cmd::eval::run(args, terminal),
        Command::Graph(args) => cmd::graph::run(args, terminal),
        Command::Clean(args) => cmd::clean::run(args, terminal),
        Command::Test(args) => cmd::test::run(args, terminal),
        Command::Change(args) => cmd::change::run(args, terminal),
        Command::Import(args) => cmd::import::run(args, terminal),
        Command::Init(args) => cmd::init::run(args, terminal),
        Command::Analyse(args) => cmd::analyse::run(args, terminal),
        Command::Rollback(args) => cmd::rollback::run(args, terminal),
        Command::Errors(args) => cmd::errors::run(args, terminal),
        Command::Doctor(args) => cmd::doctor::run(args, terminal),
        Command::Mend(args) => cmd::mend::run(args, terminal),
        Command::Model(args) => cmd::model::run(args, terminal),
        Command::History(args) => cmd::history::run(args, terminal),
        Command::Other(words) => cmd::later::run(words),
    }
}

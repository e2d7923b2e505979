//! `wfl test`: play the `test` blocks of lane files. Nothing of any lane is run.

use crate::cli::args::{Test, TestFormat};
use crate::cli::exit::{Code, worst};
use crate::cli::output::Terminal;
use crate::cli::verdicts::{human, json, junit};
use crate::embed::{Error, Project, Trial};

pub fn run(args: &Test, terminal: &Terminal) -> Result<Code, Error> {
    let project = Project::load(&args.paths)?;
    let trial = project.test(args.filter.as_deref());
    let coverage = args.coverage.then(|| project.coverage(&trial));
    let sources = project.sources();
    match args.format {
        TestFormat::Human => {
            let report = human::Report { sources, terminal, verbose: args.verbose };
            terminal.data(&report.text(&trial, coverage.as_ref()));
        }
        TestFormat::Json => {
            terminal.data(&json::render(sources, &trial, coverage.as_ref(), args.verbose));
        }
        TestFormat::Junit => terminal.data(&junit::render(sources, &trial)),
    }
    if trial.tested.is_empty() {
        say_none(&trial, args, terminal);
    }
    Ok(code(&trial))
}

fn say_none(trial: &Trial, args: &Test, terminal: &Terminal) {
    match (&args.filter, trial.known) {
        (Some(filter), known @ 1..) => {
            terminal.say(&format!("no test's name holds {filter:?}; there are {known}"));
        }
        _ => terminal.say("no tests: write `test \"what it shows\" { lane NAME; expect … }` in a lane file"),
    }
}

fn code(trial: &Trial) -> Code {
    let errors = trial.unplayable() > 0 || !trial.errors.is_empty();
    let mut codes = Vec::new();
    codes.extend(errors.then_some(Code::Usage));
    codes.extend((trial.failed() > 0).then_some(Code::Findings));
    worst(codes)
}

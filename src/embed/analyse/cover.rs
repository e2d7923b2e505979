//! Commands of workflows, package scripts, makefiles and tox that no stage of the lane runs.

use super::super::draft::text::{Stage, name, quoted};
use super::super::survey::step::{Origin, Step, canonical, covers, typed, words};
use super::super::survey::{Purpose, Survey};
use super::{Finding, Lane};

pub fn findings(lane: &Lane, survey: &Survey) -> Vec<Finding> {
    let mut seen: Vec<Vec<String>> = Vec::new();
    let mut found = Vec::new();
    for step in survey.steps.iter().filter(|step| judges(step)) {
        let canonical = canonical(&step.command);
        if !seen.contains(&canonical) && !is_covered(lane, step) {
            seen.push(canonical);
            found.push(finding(step));
        }
    }
    found
}

/// Whether the command says anything about a change. Package scripts that build are left to those that call them.
fn judges(step: &Step) -> bool {
    match step.purpose() {
        Purpose::Test | Purpose::Lint | Purpose::Format | Purpose::Types => true,
        Purpose::Build | Purpose::Docs => step.origin == Origin::Ci,
        Purpose::Other => false,
    }
}

/// A script is covered as well when all that it runs is.
fn is_covered(lane: &Lane, step: &Step) -> bool {
    let run = |command: &str| lane.commands().any(|by| covers(by, command));
    run(&step.command) || !step.body.is_empty() && step.body.iter().all(|command| run(command))
}

fn finding(step: &Step) -> Finding {
    let place = match step.origin {
        Origin::Ci => "CI runs",
        Origin::Script => "the package has",
        Origin::Target => "the makefile has",
        Origin::Recipe => "the justfile has",
        Origin::Session => "tox runs",
    };
    Finding {
        kind: "not-covered",
        message: format!("{place} `{}` ({}), and no stage does", step.command, step.purpose().word()),
        at: step.at.clone(),
        stage: None,
        suggestion: suggestion(step),
        seconds: None,
    }
}

/// A stage that runs it: in one line, or with a script where the command needs a shell.
fn suggestion(step: &Step) -> String {
    let command = typed(&step.command);
    let last = step.command.rsplit(' ').next().unwrap_or_default();
    let name = match step.origin {
        Origin::Script | Origin::Target | Origin::Recipe => name(last),
        Origin::Ci | Origin::Session => step.purpose().word().to_string(),
    };
    let plain = words(&command);
    let shell = command.contains(['$', '>', '<', '*', '`', '~', '{', '\\']);
    if shell || plain.first().is_none_or(|word| word.contains('=')) {
        return Stage::script(&name, "20m", &command).write().trim_end().to_string();
    }
    let plain: Vec<String> = plain.iter().map(|word| quoted(word)).collect();
    format!("stage {name} {{ timeout 20m; exec {} }}", plain.join(", "))
}

//! W808: commands whose failure nobody would notice.

use crate::diag::{Diagnostic, codes};
use crate::model::shell::Command;

use super::{Context, Kind, Script};

pub(super) fn masked(_: &Context<'_>, scripts: &[Script<'_>], found: &mut Vec<Diagnostic>) {
    for script in scripts.iter().filter(|script| script.is_shell()) {
        for command in script.commands() {
            found.extend(declaration(script, command));
            if script.kind == Kind::Sh {
                found.extend(tee(script, command));
            }
        }
    }
}

/// `local x=$(cmd)` succeeds whatever `cmd` does.
fn declaration(script: &Script<'_>, command: &Command) -> Option<Diagnostic> {
    let text = |at: &std::ops::Range<usize>| script.text.get(at.clone()).unwrap_or_default();
    let hides = |written: &str| !written.contains("||");
    let assign = command.assigned.iter().find(|assign| assign.substitution && hides(text(&assign.at)))?;
    if !command.declares {
        return None;
    }
    let word = &command.words.first()?.text;
    let message = format!("a failure inside `{}=$(…)` is lost: `{word}` itself succeeds", assign.name);
    let finding = Diagnostic::new(&codes::W808, script.places.span(&assign.at), message)
        .help(format!("assign on a line of its own, and `{word} {}` beside it", assign.name));
    if command.assigned.len() > 1 || command.words.len() > 1 {
        return Some(finding);
    }
    let fixed = match word.as_str() {
        "export" | "readonly" => format!("{}; {word} {}", text(&assign.at), assign.name),
        _ => format!("{word} {}; {}", assign.name, text(&assign.at)),
    };
    Some(finding.fix(false, script.places.span(&(command.at.start..assign.at.end)), fixed))
}

/// Without `pipefail`, `cmd | tee log` is as good as `tee`.
fn tee(script: &Script<'_>, command: &Command) -> Option<Diagnostic> {
    let facts = script.facts.as_ref()?;
    let (name, _) = command.program().filter(|(name, _)| *name == "tee")?;
    let source = facts.in_pipe_before(command).filter_map(Command::program).next()?.0;
    if command.tested || matches!(source, "echo" | "printf" | "cat") {
        return None;
    }
    let message = format!("if `{source}` fails, nobody notices: `sh` only asks `{name}`");
    Some(
        Diagnostic::new(&codes::W808, script.places.span(&command.at), message)
            .help("write `run` for bash, which fails with any part of a pipe, or send the output to a file"),
    )
}

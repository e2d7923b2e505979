//! E502: values that become part of a command line, where whoever chose the value chooses commands.

use crate::base::Span;
use crate::diag::{Diagnostic, codes};
use crate::expr::{Expr, Kind as ExprKind};
use crate::model::shell::{Command, Word};
use crate::model::{Action, constant};

use super::{Context, Owner, Script, is_plain};

const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh"];
/// Interpreters that take a program as text.
const EVALUATORS: &[(&str, &str)] =
    &[("python", "-c"), ("python3", "-c"), ("perl", "-e"), ("ruby", "-e"), ("node", "-e")];

pub(super) fn injected(context: &Context<'_>, scripts: &[Script<'_>], found: &mut Vec<Diagnostic>) {
    for script in scripts.iter().filter(|script| script.is_shell()) {
        for command in script.commands() {
            found.extend(in_script(context, script, command));
        }
    }
    let mut seen = std::collections::HashSet::new();
    for script in scripts {
        let actions = match script.owner {
            Owner::Stage(stage) => [&stage.actions[..], &stage.undo, &stage.finally],
            Owner::Tool(tool) => [&tool.actions[..], &[], &[]],
            Owner::Loose => continue,
        };
        for action in actions.into_iter().flatten() {
            if let Action::Exec { argv, span } = action
                && seen.insert(*span)
            {
                found.extend(in_arguments(context, argv));
            }
        }
    }
}

/// `eval "$X"` and `bash -c "… $X …"` of a value that `env` passes.
fn in_script(context: &Context<'_>, script: &Script<'_>, command: &Command) -> Option<Diagnostic> {
    let (program, arguments) = command.program()?;
    let evaluated: &[Word] = match program {
        "eval" => arguments,
        _ if SHELLS.contains(&program) => {
            let flag =
                arguments.iter().position(|word| word.text.starts_with('-') && word.text.ends_with('c'))?;
            arguments.get(flag + 1..flag + 2)?
        }
        _ => return None,
    };
    let from_outside = |name: &&String| {
        let bound = script.env.iter().find(|(bound, _)| bound == *name);
        bound.is_some_and(|(_, value)| !is_plain(context.model, value))
    };
    let word = evaluated.iter().find(|word| word.names.iter().any(|name| from_outside(&name)))?;
    let name = word.names.iter().find(from_outside)?;
    let (_, value) = script.env.iter().find(|(bound, _)| bound == name)?;
    let help = match program {
        "eval" => {
            "run the program with its arguments, each in quotes: `\"$PROGRAM\" \"$ARGUMENT\"`".to_owned()
        }
        _ => format!("give it as an argument: `{program} -c 'use \"$1\"' {program} \"${name}\"`"),
    };
    Some(
        Diagnostic::new(
            &codes::E502,
            script.places.span(&word.at),
            format!("the value of `{name}` is read as shell commands"),
        )
        .related(value.span, "the value comes from here")
        .help(help),
    )
}

/// `exec "sh", "-c", f"… {x} …"`.
fn in_arguments(context: &Context<'_>, argv: &[Expr]) -> Option<Diagnostic> {
    let text = |expr: &Expr| constant(context.model, expr).map(ToString::to_string);
    let program = text(argv.first()?)?;
    let program = program.rsplit('/').next().unwrap_or_default();
    let flag = argv.iter().position(|expr| {
        let Some(word) = text(expr) else { return false };
        let shell = SHELLS.contains(&program)
            && word.starts_with('-')
            && !word.starts_with("--")
            && word.ends_with('c');
        shell || EVALUATORS.iter().any(|(name, flag)| *name == program && *flag == word)
    })?;
    let script = argv.get(flag + 1)?;
    let part = open_part(context, script)?;
    let written = context.declared.sources.text(part);
    Some(
        Diagnostic::new(&codes::E502, part, format!("`{written}` becomes part of the {program} program"))
            .label("whoever chooses this value chooses commands")
            .help(format!(
                "pass it by `env {{ NAME = {written} }}` and write \"$NAME\" in the script, or give it as an argument"
            )),
    )
}

/// The first piece of the text that could hold anything.
fn open_part(context: &Context<'_>, expr: &Expr) -> Option<Span> {
    match &expr.kind {
        ExprKind::Format(parts) => {
            parts.iter().find(|part| !is_plain(context.model, part) && text_like(part)).map(|part| part.span)
        }
        ExprKind::Value(_) => None,
        _ if is_plain(context.model, expr) || constant(context.model, expr).is_some() => None,
        _ => Some(expr.span),
    }
}

/// Literal pieces hold what their author wrote.
fn text_like(part: &Expr) -> bool {
    !matches!(part.kind, ExprKind::Value(_))
}

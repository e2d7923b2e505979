//! W805: expansions without quotes where a space or an empty value does harm.

use crate::diag::{Diagnostic, codes};
use crate::model::shell::{Bare, Command, Facts};

use super::{Context, Script, is_plain, is_plain_text};

/// Programs whose operands are files that they change, or where it goes on.
const DANGEROUS: &[&str] = &["rm", "rmdir", "mv", "cp", "ln", "cd", "chmod", "chown"];

pub(super) fn unquoted(context: &Context<'_>, scripts: &[Script<'_>], found: &mut Vec<Diagnostic>) {
    for script in scripts.iter().filter(|script| script.is_shell()) {
        let Some(facts) = &script.facts else { continue };
        for command in &facts.commands {
            found.extend(in_command(context, script, facts, command));
        }
    }
}

fn in_command(
    context: &Context<'_>,
    script: &Script<'_>,
    facts: &Facts,
    command: &Command,
) -> Vec<Diagnostic> {
    let Some((program, arguments)) = command.program() else { return Vec::new() };
    let harm = match program {
        "[" | "test" => "an empty value or a space breaks the test",
        _ if DANGEROUS.contains(&program) => "a space in it makes two names of one",
        _ => return Vec::new(),
    };
    let unsafe_part = |bare: &&Bare| !is_harmless(context, script, facts, bare);
    arguments
        .iter()
        .flat_map(|word| word.bare.iter().filter(unsafe_part))
        .map(|bare| {
            let written = script.text.get(bare.at.clone()).unwrap_or_default();
            let span = script.places.span(&bare.at);
            let shown: String = written.lines().next().unwrap_or_default().chars().take(40).collect();
            Diagnostic::new(&codes::W805, span, format!("`{shown}` has no quotes: {harm}"))
                .help(format!("write \"{shown}\""))
                .fix(false, span, format!("\"{written}\""))
        })
        .collect()
}

/// A variable that can only hold plain words, or that holds several arguments by intent.
fn is_harmless(context: &Context<'_>, script: &Script<'_>, facts: &Facts, bare: &Bare) -> bool {
    let Some(name) = &bare.name else { return false };
    if ["FLAGS", "OPTS", "ARGS", "OPTIONS"].iter().any(|ending| name.to_ascii_uppercase().ends_with(ending)) {
        return true;
    }
    let plain = |value: &Option<String>| value.as_deref().is_some_and(is_plain_text);
    if let Some(values) = facts.bound.get(name) {
        return values.iter().all(plain);
    }
    let bound = script.env.iter().find(|(bound, _)| bound == name);
    bound.is_some_and(|(_, value)| is_plain(context.model, value))
}

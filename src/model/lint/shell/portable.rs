//! W807 and I806: what `sh` does not understand, and scripts that go on after a failure.

use std::collections::HashSet;

use crate::diag::{Diagnostic, codes};

use super::{Context, Kind, Script};

/// Each of bash's own constructs once a script.
pub(super) fn bashisms(_: &Context<'_>, scripts: &[Script<'_>], found: &mut Vec<Diagnostic>) {
    for script in scripts.iter().filter(|script| script.kind == Kind::Sh) {
        let Some(facts) = &script.facts else { continue };
        let mut seen = HashSet::new();
        for feature in facts.features.iter().filter(|feature| seen.insert(feature.what)) {
            let message = format!("{} is bash, and this script is for `sh`", feature.what);
            found.push(
                Diagnostic::new(&codes::W807, script.places.span(&feature.at), message)
                    .label("dash and busybox do not know it")
                    .help(format!("{}; or drop the `sh` of `run sh`", feature.instead)),
            );
        }
    }
}

/// Shells that are started without `-e`, and scripts that switch it off.
pub(super) fn not_strict(_: &Context<'_>, scripts: &[Script<'_>], found: &mut Vec<Diagnostic>) {
    for script in scripts {
        let shell = script.interpreter.split_whitespace().next().unwrap_or_default();
        if matches!(shell, "zsh" | "ksh" | "mksh") {
            let strict = |line: &str| {
                let line = line.trim_start();
                line.starts_with("set -") && line.contains('e') || line.starts_with("setopt err")
            };
            if script.text.lines().filter(|line| !line.trim().is_empty()).count() > 1
                && !script.interpreter.contains(" -e")
                && !script.text.lines().any(strict)
            {
                let message = format!("`{shell}` goes on after a command that fails");
                found.push(
                    Diagnostic::new(&codes::I806, script.span.at_start(), message)
                        .help("begin the script with `set -e`"),
                );
            }
        }
        found.extend(switched_off(script));
    }
}

fn switched_off(script: &Script<'_>) -> Option<Diagnostic> {
    let mut off = None;
    for command in script.commands().iter().filter(|_| script.is_shell()) {
        let words: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
        match words[..] {
            ["set", flag] if flag.starts_with('+') && flag.contains('e') => off = Some(command),
            ["set", flag] if flag.starts_with('-') && flag.contains('e') => off = None,
            _ => {}
        }
    }
    let span = script.places.span(&off?.at);
    Some(
        Diagnostic::new(&codes::I806, span, "from here on the script goes on after a command that fails")
            .help("switch it on again with `set -e`, or write `command || true` for the one that may fail"),
    )
}

//! `help` statements: that each can be shown at all, and none for everything. Knows nothing of a run.

use std::collections::{HashMap, HashSet};

use crate::base::suggest::{did_you_mean, nearest};
use crate::base::{Span, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::pattern;
use crate::model::{Help, ModuleId, Words, constant};

use super::Context;
use super::repair::{conjuncts, implied, never_holds};

/// Texts that say nothing of a failure: what is found in one of them is found in any output.
const NOTHING: &[&str] = &["", " ", "x", "7"];
/// Rules that a later one is compared with.
const COMPARED: usize = 200;

pub(super) fn rules(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut files: HashMap<ModuleId, Vec<&Help>> = HashMap::new();
    for help in context.model.helps.iter().filter(|help| context.asked(help.module)) {
        let broad = broad(context, help);
        if broad.is_empty() {
            files.entry(help.module).or_default().push(help);
        }
        found.extend(broad);
        found.extend(never_matches(context, help));
        found.extend(misnamed(context, help));
    }
    files.values().for_each(|helps| shadowed(context, helps, found));
}

/// E720: what matches every text explains nothing.
fn broad(context: &Context<'_>, help: &Help) -> Vec<Diagnostic> {
    let too_broad = |span: Span, why: String| {
        Diagnostic::new(&codes::E720, span, format!("\"{}\" fits every failure: {why}", help.name))
            .help("name words of the message itself; `(?m)^` is the beginning of a line")
    };
    let Some(when) = &help.when else { return Vec::new() };
    if constant(context.model, &when.expr) == Some(&Value::Bool(true)) || when.text == "exit != 0" {
        return vec![too_broad(when.expr.span, "its condition always holds".into())];
    }
    let everywhere = |text: &str| {
        let regex = pattern::regex(text).ok()?;
        NOTHING.iter().find(|nothing| regex.is_match(nothing)).copied()
    };
    let patterns = help.patterns(context.model).into_iter();
    let found = patterns.filter_map(|(text, span)| Some((everywhere(text)?, span)));
    found.map(|(nothing, span)| too_broad(span, format!("the pattern matches {}", shown(nothing)))).collect()
}

fn shown(text: &str) -> String {
    if text.is_empty() { "the empty text".into() } else { format!("`{text}`") }
}

/// W722: no failure has such an end.
fn never_matches(context: &Context<'_>, help: &Help) -> Option<Diagnostic> {
    let never = never_holds(context, help.when.as_ref()?)?;
    Some(never.finding(
        &codes::W722,
        &format!("\"{}\" is never shown", help.name),
        "mend the condition, or remove the help",
    ))
}

/// W721: an earlier one is shown for everything that a later one is for.
fn shadowed(context: &Context<'_>, helps: &[&Help], found: &mut Vec<Diagnostic>) {
    let mut earlier: Vec<(&Help, HashSet<String>)> = Vec::new();
    for help in helps {
        let Some(when) = &help.when else { continue };
        let own = conjuncts(context, when);
        match earlier.iter().find(|(_, parts)| parts.iter().all(|part| implied(part, &own))) {
            Some((before, _)) => found.push(
                Diagnostic::new(
                    &codes::W721,
                    help.span,
                    format!(
                        "\"{}\" comes too late: \"{}\" takes every failure it is for",
                        help.name, before.name
                    ),
                )
                .related(before.span, "this one matches first")
                .help("put the narrower one first, or narrow the other"),
            ),
            None if earlier.len() < COMPARED => earlier.push((help, own)),
            None => {}
        }
    }
}

/// W723: `<modul>` where the pattern has a group `module` stays as it is, which nobody meant.
fn misnamed(context: &Context<'_>, help: &Help) -> Vec<Diagnostic> {
    let compiled = help.patterns(context.model).into_iter().filter_map(|(text, _)| pattern::regex(text).ok());
    let groups: HashSet<String> = compiled
        .flat_map(|regex| regex.capture_names().flatten().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let texts: Vec<&Words> = help.cause.iter().chain(&help.attempt).collect();
    let used: HashSet<&str> = texts.iter().flat_map(|words| words.placeholders()).collect();
    let mut found = Vec::new();
    for words in &texts {
        for name in words.placeholders().filter(|name| !groups.contains(*name)) {
            // One whose group is shown elsewhere is likely meant for a person to fill in.
            let near = nearest(name, groups.iter().map(String::as_str).filter(|group| !used.contains(group)));
            if let Some(help) = did_you_mean(&near) {
                let message = format!("no pattern has a group `{name}`, so `<{name}>` is shown as it stands");
                found.push(Diagnostic::new(&codes::W723, words.span, message).help(help));
            }
        }
    }
    let unused: Vec<&String> = groups.iter().filter(|group| !used.contains(group.as_str())).collect();
    if found.is_empty()
        && let (Some(group), Some(words)) = (unused.into_iter().min(), texts.last())
    {
        let message = format!("the pattern's group `{group}` is shown nowhere");
        let help = format!("write `<{group}>` in `cause` or `try`, or make it `(?:…)`");
        found.push(Diagnostic::new(&codes::W723, words.span, message).help(help));
    }
    found
}

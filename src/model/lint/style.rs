//! What is right but harder to read than it need be. Pedantic: shown only when asked for.

use crate::base::Span;
use crate::diag::{Diagnostic, codes};
use crate::model::declare::Item;
use crate::model::{Action, GlobalKind, ModuleId};

use super::Context;

/// Lines of a script that still fit on a screen.
const SCREEN: usize = 40;

/// I903: lanes and params are what people choose and give; each says what it is for.
pub(super) fn undocumented(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let model = context.model;
    let about = |item: &Item<'_>| {
        item.statement.docs.is_some() || item.statement.body().iter().any(|inner| inner.head.text == "about")
    };
    for item in context.declared.lanes.iter().filter(|item| context.asked(item.module) && !about(item)) {
        let message = format!("lane `{}` does not say what it is for", item.name);
        let help = "write `## …` above it: `wfl lanes` shows the text to who must choose";
        found.push(Diagnostic::new(&codes::I903, item.span, message).help(help));
    }
    for (global, item) in model.globals.iter().zip(&context.declared.globals) {
        let param = matches!(global.kind, GlobalKind::Param { .. });
        if param && context.asked(item.module) && !about(item) {
            let message = format!("param `{}` does not say what it means", item.name);
            let help = "write `## …` above it: whoever starts a run must know what to give";
            found.push(Diagnostic::new(&codes::I903, item.span, message).help(help));
        }
    }
}

/// I904: one file, two ways to join words.
pub(super) fn naming(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let declared = context.declared;
    for module in 0..declared.units.len() as ModuleId {
        if !context.asked(module) {
            continue;
        }
        let names = |items: &[&[Item<'_>]]| -> Vec<(String, Span)> {
            let own = items.iter().flat_map(|items| items.iter()).filter(|item| item.module == module);
            own.map(|item| (item.name.to_string(), item.span)).collect()
        };
        let run = names(&[&declared.stages, &declared.tools, &declared.lanes, &declared.pools]);
        mixed(&run, "stages, gates and lanes", '-', found);
        let values = names(&[&declared.globals, &declared.functions]);
        mixed(&values, "values", '_', found);
    }
}

/// Reports the rarer way; where both are as frequent, the one that is not `usual`.
fn mixed(names: &[(String, Span)], what: &str, usual: char, found: &mut Vec<Diagnostic>) {
    let inner = |name: &str, joint: char| name.trim_matches('_').contains(joint);
    let with = |joint: char| -> Vec<&(String, Span)> {
        names.iter().filter(|(name, _)| inner(name, joint)).collect()
    };
    let (dashes, lows) = (with('-'), with('_'));
    let dash_rules = dashes.len() > lows.len() || (dashes.len() == lows.len() && usual == '-');
    let (many, few, joint) = if dash_rules { (dashes, lows, '-') } else { (lows, dashes, '_') };
    let Some((example, place)) = many.first() else { return };
    for (name, span) in few {
        let message = format!("`{name}` is spelt otherwise than the other {what} of this file");
        let better: String = name.chars().map(|c| if matches!(c, '-' | '_') { joint } else { c }).collect();
        found.push(
            Diagnostic::new(&codes::I904, *span, message)
                .related(*place, format!("as in `{example}`"))
                .help(format!("call it `{better}`, so that nobody has to remember which it was")),
        );
    }
}

/// I908: a script that is a program.
pub(super) fn long_scripts(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let model = context.model;
    let stages = model.stages.iter().map(|stage| (stage.module, &stage.name, &stage.actions));
    let tools = model.tools.iter().map(|tool| (tool.module, &tool.name, &tool.actions));
    for (_, name, actions) in stages.chain(tools).filter(|(module, _, _)| context.asked(*module)) {
        for action in actions {
            let Action::Script { text, span, interpreter, .. } = action else { continue };
            let lines = text.lines().count();
            if lines > SCREEN {
                let message = format!("the script of `{name}` has {lines} lines");
                let help = format!(
                    "give it a file of its own, where it can be tried and linted: `exec \"{interpreter}\", \
                     \"scripts/{name}\"`, or split the stage"
                );
                found.push(Diagnostic::new(&codes::I908, span.at_start(), message).help(help));
            }
        }
    }
}

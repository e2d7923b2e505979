//! Names that nothing reads. Knows nothing of what values mean.

use std::collections::HashSet;

use crate::diag::{Diagnostic, codes};
use crate::model::declare::Item;
use crate::model::infer::Symbol;
use crate::model::{ModuleId, mentions};

use super::Context;

/// W110 to W112: params, lets and imports of files that were asked about.
pub(super) fn unused(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for (module, unit) in context.declared.units.iter().enumerate() {
        if unit.given && !unit.std {
            unused_in(context, module as ModuleId, found);
        }
    }
}

fn unused_in(context: &Context<'_>, module: ModuleId, found: &mut Vec<Diagnostic>) {
    let (model, declared) = (context.model, context.declared);
    let unit = &declared.units[module as usize];
    if context.garbled(module) {
        return;
    }
    // A file without lanes is a library: others read its values.
    let library = model.modules[module as usize].lanes.is_empty();
    if library && unit.imports.is_empty() {
        return;
    }
    let mut mentioned: HashSet<&str> = HashSet::new();
    mentions::in_statements(&unit.tree.statements, &mut |path| {
        mentioned.extend(path.first());
    });
    for import in unit.imports.iter().filter(|import| !mentioned.contains(import.alias.as_str())) {
        found.push(
            Diagnostic::new(
                &codes::W112,
                import.alias_span,
                format!("nothing of `{}` is used", import.alias),
            )
            .help("remove the import")
            .fix(true, import.span, ""),
        );
    }
    if library {
        return;
    }
    // Definitions stand in the order of their modules.
    let first = declared.globals.partition_point(|item| item.module < module);
    let own = |(_, item): &(usize, &Item<'_>)| item.module == module;
    let named = |(_, item): &(usize, &Item<'_>)| !item.name.starts_with('_');
    for (index, item) in declared.globals.iter().enumerate().skip(first).take_while(own).filter(named) {
        let index = index as u32;
        let read = declared.is_used(Symbol::Global(index))
            || mentioned.contains(item.name.as_str())
            || stands_for_read(context, index);
        let (code, what) = match item.statement.head.text.as_str() {
            "param" => (&codes::W110, "param"),
            "let" => (&codes::W111, "value"),
            _ => continue,
        };
        if !read {
            let message = format!("{what} `{}` is never read", item.name);
            found.push(Diagnostic::new(code, item.span, message).help("remove it, or use it"));
        }
    }
    unused_definitions(context, module, &mentioned, found);
}

/// A lane's param that stands in for one which stages of the lane it extends read.
fn stands_for_read(context: &Context<'_>, index: u32) -> bool {
    let params =
        context.resolved.values().flat_map(|lane| &lane.params).filter(|param| param.global == index);
    let mut shadowed = params.flat_map(|param| &param.shadows);
    shadowed.any(|shadowed| context.declared.is_used(Symbol::Global(*shadowed)))
}

/// W128: functions, secrets, policies and pools of a file with lanes.
fn unused_definitions(
    context: &Context<'_>,
    module: ModuleId,
    mentioned: &HashSet<&str>,
    found: &mut Vec<Diagnostic>,
) {
    let declared = context.declared;
    let unused = |item: &Item<'_>, symbol: Symbol| {
        item.module == module && !item.name.starts_with('_') && !declared.is_used(symbol)
    };
    for (index, item) in declared.globals.iter().enumerate() {
        let secret = item.statement.head.text == "secret" && !mentioned.contains(item.name.as_str());
        if secret && unused(item, Symbol::Global(index as u32)) {
            let message = format!(
                "no stage gets the secret `{}`, and its variable is kept from all of them",
                item.name
            );
            let help = format!("pass it where it is needed: `env {{ NAME = {} }}`; or remove it", item.name);
            found.push(Diagnostic::new(&codes::W128, item.span, message).help(help));
        }
    }
    for (index, item) in declared.functions.iter().enumerate() {
        if !mentioned.contains(item.name.as_str()) && unused(item, Symbol::Function(index as u32)) {
            found.push(never_used("function", item));
        }
    }
    let mut policies = |items: &[Item<'_>], symbol: fn(u32) -> Symbol, what: &str| {
        let all = items.iter().enumerate().filter(|(index, item)| unused(item, symbol(*index as u32)));
        found.extend(all.map(|(_, item)| never_used(what, item)));
    };
    policies(&declared.retries, Symbol::Retry, "retry policy");
    policies(&declared.pools, Symbol::Pool, "pool");
}

fn never_used(what: &str, item: &Item<'_>) -> Diagnostic {
    let message = format!("{what} `{}` is never used", item.name);
    Diagnostic::new(&codes::W128, item.span, message).help("remove it, or use it")
}

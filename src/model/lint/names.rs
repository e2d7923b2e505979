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
        let read = declared.is_used(Symbol::Global(index as u32)) || mentioned.contains(item.name.as_str());
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
}

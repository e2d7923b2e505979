//! What is judged of files as wholes: the edition they are written in, and lane names across files.

use std::collections::HashMap;

use crate::base::{SourceMap, Span};
use crate::diag::{Diagnostic, codes};
use crate::model::report::Report;
use crate::syntax::ast::{ExprKind, Literal};
use crate::syntax::module::Unit;

use super::{Declared, Item};

/// `wfl 1` must be the first statement; without it a warning that `--fix` mends.
pub(super) fn edition(sources: &SourceMap, unit: &Unit, report: &mut Report) {
    let statements = &unit.tree.statements;
    let Some(first) = statements.first() else { return };
    match statements.iter().position(|statement| statement.head.text == "wfl") {
        None if unit.std => {}
        None => {
            let bom = if sources.get(unit.tree.id).text.starts_with('\u{feff}') { 3 } else { 0 };
            let place = Span::new(unit.tree.id, bom, bom);
            report.push(
                Diagnostic::new(&codes::W008, place, "the file does not say its edition")
                    .help("put `wfl 1` on the first line")
                    .fix(true, place, "wfl 1\n"),
            );
        }
        Some(0) if first.broken => {}
        Some(0) => match first.operands() {
            [operand] if !matches!(operand.kind, ExprKind::Literal(Literal::Int(1)) | ExprKind::Error) => {
                report.push(
                    Diagnostic::new(&codes::E125, operand.span, "this edition is not known")
                        .help("this program knows edition 1: `wfl 1`"),
                );
            }
            _ => {}
        },
        Some(at) => report.push(
            Diagnostic::new(&codes::E125, statements[at].span, "the edition must be the first statement")
                .related(first.head.span, "this stands before it")
                .help("move `wfl 1` to the first line"),
        ),
    }
}

/// One lane name in two given files, or one that belongs to a built-in lane, would make `wfl run NAME` a guess.
pub(super) fn lane_names(declared: &Declared<'_>, report: &mut Report) {
    let unit = |item: &Item<'_>| &declared.units[item.module as usize];
    let builtin: HashMap<&str, Span> = declared
        .lanes
        .iter()
        .filter(|item| unit(item).std && unit(item).name == "std.lanes")
        .map(|item| (item.name.as_str(), item.span))
        .collect();
    let mut seen: HashMap<&str, (u32, Span)> = HashMap::new();
    for item in declared.lanes.iter().filter(|item| unit(item).given && !unit(item).std) {
        match seen.get(item.name.as_str()) {
            Some((module, first)) if *module != item.module => report.push(
                Diagnostic::new(
                    &codes::E103,
                    item.span,
                    format!("lane `{}` is defined in two files", item.name),
                )
                .related(*first, "first defined here")
                .help("rename one of them: lanes are started by their name"),
            ),
            Some(_) => {}
            None => {
                seen.insert(&item.name, (item.module, item.span));
            }
        }
        if let Some(first) = builtin.get(item.name.as_str()).filter(|_| !extends_same(item)) {
            report.push(
                Diagnostic::new(&codes::E605, item.span, format!("`{}` is a built-in lane", item.name))
                    .related(*first, "built in here")
                    .help(format!(
                        "give the lane another name, or start from the built-in one: `extends std.lanes.{}`",
                        item.name
                    )),
            );
        }
    }
}

fn extends_same(item: &Item<'_>) -> bool {
    item.statement.body().iter().filter(|inner| inner.head.text == "extends").any(|inner| {
        let path = inner.operands().first().and_then(|operand| operand.path()).unwrap_or_default();
        let parts: Vec<&str> = path.iter().map(|part| part.text.as_str()).collect();
        parts == ["std", "lanes", item.name.as_str()]
    })
}

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

/// One lane name in two given files would make `wfl run NAME` a guess. A built-in lane's name may be taken: the
/// project's own lanes come first, and `wfl lanes` shows which is meant.
pub(super) fn lane_names(declared: &Declared<'_>, report: &mut Report) {
    let unit = |item: &Item<'_>| &declared.units[item.module as usize];
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
    }
}

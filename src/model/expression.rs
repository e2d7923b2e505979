//! One expression on its own, as if it stood in a `before` of a file: for `wfl eval`. Evaluates nothing.

use crate::base::SourceMap;
use crate::diag::Diagnostic;
use crate::syntax::ast::Expr;
use crate::syntax::module::Unit;

use super::infer::{self, Typed};
use super::report::Report;
use super::{Model, ModuleId, declare, lower};

/// The expression, checked in the names of `module`, with the model its names point into; or what is wrong with it.
/// What is wrong with the files themselves is not repeated.
pub fn expression(
    sources: &SourceMap,
    units: &[Unit],
    module: ModuleId,
    written: &Expr,
) -> Result<(Model, Typed), Vec<Diagnostic>> {
    let mut ignored = Report::default();
    let declared = declare::declare(sources, units, &mut ignored);
    let lowered = lower::lower(&declared, ignored);
    let mut report = Report::default();
    let typed = infer::infer(&declared, &lower::judging(module), written, None, &mut report);
    match report.finish() {
        found if found.iter().any(Diagnostic::is_error) => Err(found),
        _ => Ok((lowered.model, typed)),
    }
}

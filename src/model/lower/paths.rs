//! Paths stay inside the project: nothing a stage declares may be absolute or climb out.

use crate::base::Value;
use crate::diag::codes;
use crate::expr::{Expr, Kind};

use super::Lowering;

impl Lowering<'_, '_> {
    /// Reports a path that is known, now, to leave the project.
    pub(super) fn inside(&mut self, expr: &Expr) {
        let Some(text) = self.beginning(expr) else { return };
        let problem = if text.starts_with('/') {
            "is absolute"
        } else if text.split('/').any(|part| part == "..") {
            "climbs out of the project"
        } else {
            return;
        };
        self.error(
            &codes::E405,
            expr.span,
            format!("the path {text:?} {problem}"),
            "paths are relative to the project root and stay inside it",
        );
    }

    /// As much of the text as is known: all of a constant, the first pieces of an f-string.
    fn beginning(&self, expr: &Expr) -> Option<String> {
        match (self.constant(expr), &expr.kind) {
            (Some(Value::String(text) | Value::Path(text)), _) => Some(text.clone()),
            (None, Kind::Format(pieces)) => {
                let known = pieces.iter().map_while(|piece| self.constant(piece)).map(Value::to_string);
                Some(known.collect())
            }
            _ => None,
        }
    }
}

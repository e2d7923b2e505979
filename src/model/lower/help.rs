//! `help` statements: a condition over an attempt that has ended, and two texts. Does not match anything.

use std::collections::{HashMap, HashSet};

use crate::diag::{Diagnostic, codes};
use crate::expr::facts::{Phase, find as fact};
use crate::expr::{Expr, Kind};
use crate::model::declare::Item;
use crate::model::{Help, Words};

use super::{Frame, Lowering, find, operand};

impl Lowering<'_, '_> {
    pub(super) fn helps(&mut self) {
        let defs = self.defs;
        let mut seen = HashMap::new();
        for item in &defs.helps {
            if let Some(first) = seen.insert((item.module, item.name.as_str()), item.span) {
                let message = format!("the help \"{}\" is written twice", item.name);
                let found = Diagnostic::new(&codes::E103, item.span, message);
                self.report.push(found.related(first, "first written here").help("give each its own title"));
            }
            let help = self.help(item);
            self.model.helps.push(help);
        }
    }

    fn help(&mut self, item: &Item<'_>) -> Help {
        let body = item.statement.body();
        let frame = Frame::file(item.module);
        let when = find(body, "when").and_then(operand).map(|expr| self.check(&frame.judging(), expr));
        if let Some(when) = &when {
            self.known_later(&when.expr);
        }
        let mut words = |keyword: &str| {
            let expr = find(body, keyword).and_then(operand)?;
            let text = self.known_text(item.module, expr)?;
            if text.trim().is_empty() {
                let message = format!("`{keyword}` says nothing");
                self.error(&codes::E122, expr.span, message, "write it for whoever sees the failure");
            }
            Some(Words { text, span: expr.span })
        };
        let (cause, attempt) = (words("cause"), words("try"));
        Help { module: item.module, name: item.name.to_string(), span: item.span, when, cause, attempt }
    }

    /// A failure is explained whenever somebody looks at it, on any machine: only what was recorded of it counts.
    fn known_later(&mut self, condition: &Expr) {
        let mut unknown = Vec::new();
        let mut seen: HashSet<u32> = HashSet::new();
        let mut called: Vec<u32> = Vec::new();
        self.read_outside(condition, &mut unknown, &mut called);
        while let Some(index) = called.pop() {
            let body = self.model.functions.get(index as usize).map(|function| function.body.clone());
            if let Some(body) = body.filter(|_| seen.insert(index)) {
                self.read_outside(&body, &mut unknown, &mut called);
            }
        }
        for (span, what) in unknown {
            let message = format!("{what} is not known any more when the failure is shown");
            self.report.push(
                Diagnostic::new(&codes::E215, span, message)
                    .label("not known here")
                    .help("a `help` judges by `exit`, `stderr`, `timed-out` and what is written down"),
            );
        }
    }

    fn read_outside(
        &self,
        expr: &Expr,
        unknown: &mut Vec<(crate::base::Span, String)>,
        called: &mut Vec<u32>,
    ) {
        expr.walk(&mut |part| match &part.kind {
            Kind::Fact { name, .. } if fact(name).is_none_or(|row| row.phase != Phase::Attempt) => {
                unknown.push((part.span, format!("`{name}`")));
            }
            Kind::Global(_) if self.constant(part).is_none() => {
                unknown.push((part.span, format!("`{}`", self.text(part.span))));
            }
            Kind::Call { function, .. } => called.push(*function),
            _ => {}
        });
    }
}

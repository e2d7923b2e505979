//! The people of a lane: approvals and notifications.

use crate::base::suggest::{did_you_mean, nearest};
use crate::base::{Type, Value};
use crate::diag::{Diagnostic, codes};
use crate::model::ModuleId;
use crate::model::infer::Secrets;
use crate::model::resolve::body::{ApprovalRule, LaneBody};
use crate::syntax::ast::{self, ExprKind, Statement, Step};

use super::{Frame, Lowering, find, operand};

/// What a notification may be about.
const EVENTS: &[&str] = &["start", "success", "failure", "approval", "finish", "sla"];
/// Who can be told; all but `desktop` take an address.
const TARGETS: &[&str] = &["desktop", "email", "webhook", "slack"];

impl Lowering<'_, '_> {
    pub(super) fn approve(&mut self, modules: &[ModuleId], statement: &Statement, body: &mut LaneBody) {
        let frame = Frame::file(modules[0]);
        let count = match operand(statement) {
            None => 1,
            Some(expr) => match self.count(&frame.start(), statement) {
                Some(count) => match self.constant(&count) {
                    Some(Value::Int(count)) => u32::try_from(*count).unwrap_or(1),
                    Some(Value::Absent) => 1,
                    _ => {
                        self.error(
                            &codes::E122,
                            expr.span,
                            "the number of people must be known",
                            "write it out",
                        );
                        1
                    }
                },
                None => 1,
            },
        };
        let group = statement.clause("from").and_then(|clause| clause.operands.first());
        let group = group.and_then(|expr| self.known_text(modules[0], expr));
        let before = statement.clause("before").map_or(&[][..], |clause| &clause.operands);
        let before = self.held(modules, before);
        let timeout =
            find(statement.body(), "timeout").and_then(|timeout| self.duration(&frame.start(), timeout));
        let Some(group) = group else {
            body.broken = true;
            return;
        };
        body.approvals.push(ApprovalRule { before, count, group, timeout, span: statement.span });
    }

    pub(super) fn notify(&mut self, frame: &Frame, statement: &Statement) {
        for target in statement.operands() {
            self.target(frame, target);
        }
        for event in statement.clause("on").map_or(&[][..], |clause| &clause.operands) {
            let Some(word) = event.word() else {
                if !matches!(event.kind, ExprKind::Error) {
                    let help = format!("events are {}", EVENTS.join(", "));
                    self.error(&codes::E122, event.span, "an event is a bare word", &help);
                }
                continue;
            };
            if !EVENTS.contains(&word) {
                let near = nearest(word, EVENTS.iter().copied());
                self.report.push(
                    Diagnostic::new(&codes::E122, event.span, format!("`{word}` is not an event")).help_if(
                        did_you_mean(&near).or_else(|| Some(format!("events are {}", EVENTS.join(", ")))),
                    ),
                );
            }
        }
    }

    fn target(&mut self, frame: &Frame, target: &ast::Expr) {
        let (word, arguments) = match &target.kind {
            ExprKind::Word(word) => (Some(word.as_str()), None),
            ExprKind::Access(access) => match &access.steps[..] {
                [Step::Call { arguments, .. }] => (access.base.word(), Some(arguments)),
                _ => (None, None),
            },
            ExprKind::Error => return,
            _ => (None, None),
        };
        let Some(word) = word.filter(|word| TARGETS.contains(word)) else {
            let near = nearest(word.unwrap_or_default(), TARGETS.iter().copied());
            let known = "tell `desktop`, `email(\"…\")`, `webhook(\"…\")` or `slack(\"…\")`";
            self.report.push(
                Diagnostic::new(&codes::E122, target.span, "nobody can be told that way")
                    .help_if(did_you_mean(&near).or_else(|| Some(known.into()))),
            );
            return;
        };
        let count = arguments.map_or(0, Vec::len);
        if (word == "desktop") != (count == 0) || count > 1 {
            let message =
                if word == "desktop" { "`desktop` takes no address" } else { "an address is missing" };
            let help = if word == "desktop" { "write `desktop`" } else { "give one address in brackets" };
            self.error(&codes::E107, target.span, message, help);
        }
        for argument in arguments.into_iter().flatten() {
            let place = Frame::secrets(frame.start(), Secrets::Allowed);
            self.value(&place, &argument.value, &Type::String);
        }
    }
}
